//! Owners of the keys of a list: each key has one, and none is omitted if the list has a column for it.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, documented, each_at_once};
use crate::input::reads;
use crate::many::from_stdin;
use crate::refused_list::refused;

#[test]
fn f82_a_key_has_one_owner() {
    refused(
        format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n{BOBS_KEY},Alice\n"),
        &[],
        &[
            "line 4, column 1",
            "has the owner Alice here, but the owner Bob in line 2",
        ],
    );
    refused(
        format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}\n{{\"AccessKeyId\":\"{BOBS_KEY}\"}}\n"
        ),
        &[],
        &[
            "line 2, column 1",
            "has no owner here, but the owner Bob in line 1",
        ],
    );
    refused(
        format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"),
        &["--user-name", "Alice"],
        &[
            "line 2, column 1",
            "belongs to Bob here, but --user-name is Alice",
        ],
    );
    let again =
        format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n{BOBS_KEY},BOB\n");
    reads(again, &[]);
}

#[test]
fn f82_a_missing_owner_is_an_error_if_the_list_has_a_column_for_it() {
    let says = |place| [place, "has no owner here", "--user-name or --find-user"];
    for (list, place) in [
        (
            format!("AccessKeyId,UserName\n{BOB_SECOND_KEY_ID},Bob\n{BOBS_KEY},\n"),
            "line 3, column UserName",
        ),
        (
            format!("AccessKeyId,UserName\n{BOBS_KEY}\n"),
            "line 2, column UserName",
        ),
        (
            format!("Note,UserName,AccessKeyId\n\"a, b\",\"\",{BOBS_KEY}\n"),
            "line 2, column UserName",
        ),
        (
            format!("User name\tAccess key ID\n  \t{BOBS_KEY}\n"),
            "line 2, column User name",
        ),
    ] {
        refused(list, &[], &says(place));
    }
    // Another source names the owner, or the key needs no action.
    let list = format!("AccessKeyId,UserName,Outcome\n{BOBS_KEY},,\n{ALICE_KEY_ID},,Skipped\n");
    for (more, list) in [
        (&["--user-name", "Bob"][..], &list),
        (&["--find-user"], &list),
        // Without a column for owners, no owner is missing.
        (
            &["--user-name", "Bob"],
            &format!("AccessKeyId\n{BOBS_KEY}\n"),
        ),
    ] {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, list, more).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["result: "])
            .ends_with("1 key: 1 deleted");
        assert!(!sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
    }
}

/// The result of an earlier run for a key of Bob proves nothing about a key of Alice.
#[test]
fn a_key_that_is_gone_for_one_owner_is_not_finished_for_another() {
    let line = |(outcome, owner): (&str, &str)| {
        format!(
            "{{\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"UserName\":\"{owner}\",\"Outcome\":\"{outcome}}}\n"
        )
    };
    let missing = ("Missing\"", "Bob");
    let presumed = ("Deleted\",\"OwnerUnchecked\":true", "Bob");
    let open = ["Failed\"", "Unknown\"", "WouldDelete\"", "NotTried\""];
    let mut lists: Vec<_> = open.map(|outcome| vec![(outcome, "Alice"), missing]).into();
    lists.push(vec![(open[0], "Alice"), presumed]);
    lists.push(vec![missing, (open[3], "Alice"), missing]);
    let mut cases = Vec::new();
    for lines in lists {
        for more in [&[][..], &["--find-user"], &["--user-name", "Alice"]] {
            cases.push((lines.clone(), more));
        }
    }
    each_at_once(cases, |(lines, more)| {
        let sandbox = documented();
        let list: String = lines.iter().copied().map(line).collect();
        let printed = from_stdin(&sandbox, &list, more).run().exits(0);
        let _ = printed
            .prints_outcome("Deleted")
            .says(&["note: "])
            .ends_with("1 key: 1 deleted");
        assert!(!sandbox.has_key(ALICE_KEY_ID), "{list}");
    });
    // The named owner may not have the key; then nothing is left to do. With two possible owners, the list is ambiguous.
    let unknown = ("Unknown\"", "Bob");
    let list: String = [unknown, missing].into_iter().map(line).collect();
    from_stdin(&documented(), &list, &[]).run().stops_exactly(
        0,
        "iam-del-key: note: 2 lines were skipped: nothing left to do\n\
         result: nothing to do: the list has no keys to change\n",
    );
    let list = list + &line((open[0], "Alice"));
    let two = "has the owner Alice here, but the owner Bob in line 1: a key has only one owner";
    refused(list.clone(), &[], &["line 3, column 1", two]);
    refused(list.clone(), &["--find-user"], &["line 3, column 1", two]);
    let other = "belongs to Bob here, but --user-name is Alice";
    refused(
        list,
        &["--user-name", "Alice"],
        &["line 1, column 1", other],
    );
}
