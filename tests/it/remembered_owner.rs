//! An owner for whom IAM listed a key in this run counts, whichever owner the caller names, and so do the lists of all users.

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, documented, each_at_once, once};
use crate::intent::started;
use crate::journal::{ACCOUNT, Kept};
use crate::many::from_stdin;
use crate::proof::{READS, denied, on_delete};
use crate::response::{END, keys, member, xml};
use crate::resumed_owner::{started_to, started_without_owner};

/// The member of an intent if IAM listed the key.
const LISTED: &str = ",\"Status\":\"Active\"";

#[test]
fn c50_an_owner_for_whom_iam_listed_the_key_is_not_forgotten() {
    // The list has a wrong owner for one of Bob's two keys. His keys are read for the other key.
    let of_all = format!("UserName,AccessKeyId\n,{BOB_SECOND_KEY_ID}\nAlice,{BOBS_KEY}\n");
    let of_bob = format!("UserName,AccessKeyId\nBob,{BOB_SECOND_KEY_ID}\nAlice,{BOBS_KEY}\n");
    for (list, more, is_lost) in [
        (&of_all, &["--find-user"][..], true),
        (&of_all, &["--find-user", "--ignore-missing"], false),
        (&of_bob, &["--older-than", "1h", "--ignore-missing"], false),
    ] {
        let sandbox = denied(&READS[..1]);
        if is_lost {
            sandbox.fault(on_delete(What::ResetBeforeActing).skip(1));
        }
        let ended = from_stdin(&sandbox, list, more).args(["--jobs", "1"]).run();
        let said = ended
            .exits(12)
            .prints_outcomes(&[("Deleted", 1), ("Failed", 1)]);
        let _ = said.says(&[
            &format!("{BOBS_KEY}: not deleted: "),
            "for keys that belong to other users",
        ]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn an_unfinished_key_whose_owner_is_looked_up_is_found_in_the_lists_of_all_users() {
    // Bob was renamed, and another user got the name.
    let sandbox = denied(&READS[..1]);
    sandbox.rename_user("Bob", "Robert");
    sandbox.add_key(KeySeed::new("Bob", &nth_key_id(ACCOUNT, 9)));
    let kept = started_to("delete", BOBS_KEY, "\"Bob\"", LISTED);
    kept.ends(
        &sandbox,
        &["--find-user"],
        0,
        "result: ",
        "1 key: 1 deleted",
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn an_unfinished_key_that_no_user_has_is_finished() {
    let sandbox = denied(&READS[..1]);
    sandbox.remove_key(BOBS_KEY);
    let kept = started_to("delete", BOBS_KEY, "\"Bob\"", LISTED);
    let nobodys = "IAM does not list the key for any user in the account";
    kept.ends(&sandbox, &["--find-user"], 0, nobodys, "1 key: 1 deleted");
    let finished = "result: 1 key: 1 finished by an earlier run";
    let _ = kept
        .case(&sandbox, &["--find-user"])
        .run()
        .exits(0)
        .prints_nothing()
        .says(&[finished]);
}

#[test]
fn a_deactivation_that_iam_confirmed_is_not_unknown_if_a_condition_is_not_met() {
    let sandbox = documented();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let deactivate = ["--deactivate"];
    kept.ends(&sandbox, &deactivate, 0, "result: ", "1 key: 1 deactivated");
    let ended = kept
        .case(&sandbox, &["--deactivate", "--except-user", "B*"])
        .run();
    let said = ended.exits(0).prints_outcomes(&[("Skipped", 1)]);
    let _ = said.says(&["result: 1 key: 1 already inactive"]);
    assert_eq!(
        sandbox.key(BOBS_KEY).map(|key| key.status),
        Some(Status::Inactive)
    );
}

/// The request named no user, so IAM searched the calling user's keys. The key is in the list of the owner whom the earlier run
/// named, and nothing contradicts that.
#[test]
fn a_key_that_is_in_the_list_of_the_earlier_owner_is_reviewed_with_that_owner() {
    let ignored = &["--ignore-missing"][..];
    let cases = [
        ("delete", "DeleteAccessKey", "", &[][..]),
        ("delete", "DeleteAccessKey", "", ignored),
        ("deactivate", "UpdateAccessKey", "--deactivate ", &[]),
        ("deactivate", "UpdateAccessKey", "--deactivate ", ignored),
    ];
    let cases = cases.map(|case| [(case, false), (case, true)]).concat();
    each_at_once(cases, |((action, call, option, more), is_denied)| {
        let sandbox = documented();
        if is_denied {
            sandbox.deny("iam:GetAccessKeyLastUsed");
        }
        let kept = started_to(action, BOBS_KEY, "\"Bob\"", ",\"Status\":\"Active\"");
        let args = ["--access-key-id", BOBS_KEY, "--timeout", "8", "--journal"];
        let case = Case::at(&sandbox, args).args([kept.path()]).args(more);
        let case = case.args(option.split_whitespace());
        let printed = case.run().exits(10);
        let _ = printed.prints_anything().says_exactly(&format!(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the {call} operation: The Access Key with id \
             {BOBS_KEY} cannot be found.\n\
             hint: review it first: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob {option}--dry-run\n\
             result: {BOBS_KEY}: unknown: an earlier run started this, and IAM now reports no such key; IAM reports that Bob \
             owns the key\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// If any list of a run had the key, the next run knows that IAM listed it. Then, if no user has the key, it was deleted.
#[test]
fn a_key_that_any_list_of_an_earlier_run_had_is_deleted_if_no_user_has_it() {
    let reset = || Fault::new(What::ResetBeforeActing).on("DeleteAccessKey");
    let bobs = KeySeed::new("Bob", BOBS_KEY);
    let second = nth_key_id(ACCOUNT, 1);
    // Each run leaves the key unknown, or presumed to be deleted.
    let cases = ["resumed", "lagging", "sibling"];
    each_at_once(cases, |case| {
        let sandbox = Sandbox::builder()
            .key(bobs.clone())
            .key(KeySeed::new("Bob", &second))
            .start();
        let kept = match case {
            "resumed" => {
                let kept = started();
                let journal = kept.journal().replace(LISTED, "");
                std::fs::write(kept.path(), journal).expect("a journal");
                kept
            }
            _ => Kept::new(""),
        };
        let run = |args: &[&str]| {
            let case = Case::at(&sandbox, args.iter().copied());
            case.args(["--journal"]).args([kept.path()]).run()
        };
        let named = ["--access-key-id", BOBS_KEY, "--timeout", "8"];
        let ended = match case {
            "resumed" => {
                sandbox.fault(reset().always());
                run(&[&named[..], &["--find-user"]].concat())
            }
            "lagging" => {
                sandbox.deny("iam:GetAccessKeyLastUsed");
                sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
                sandbox.fault(once(
                    "ListAccessKeys",
                    xml(keys(&member(BOBS_KEY, "Bob", "Active"), END)),
                ));
                run(&[&named[..], &["--user-name", "Bob"]].concat())
            }
            _ => {
                sandbox.fault(reset().always());
                let first = [
                    "--access-key-id",
                    &second,
                    "--user-name",
                    "Bob",
                    "--jobs",
                    "1",
                ];
                run(&[&first[..], &named].concat())
            }
        };
        let _ = ended.exits_with_one_of(&[0, 10, 12]).prints_anything();
        let journal = kept.journal();
        let mut records = journal.lines().filter(|line| line.contains(BOBS_KEY));
        let intent = records.rfind(|record| record.contains("\"Intent\""));
        // The run may be killed right after that.
        let is_known = intent.expect("an intent").contains(LISTED);
        assert_eq!(is_known, case != "lagging", "{journal}");
        sandbox.clear_faults();
        sandbox.remove_key(BOBS_KEY);
        let found = run(&[
            "--access-key-id",
            BOBS_KEY,
            "--find-user",
            "--output",
            "json",
        ]);
        let said = found.exits(0).prints_anything();
        let _ = said.says(&["IAM does not list the key for any user in the account"]);
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
    });
}

#[test]
fn a_dry_run_calls_an_unfinished_key_that_no_user_has_missing_as_the_run_does() {
    let missing = "1 key: 1 already gone";
    each_at_once(["\"Bob\"", "null"], |owner| {
        let sandbox = denied(&READS[..1]);
        sandbox.remove_key(BOBS_KEY);
        let kept = started_without_owner(BOBS_KEY, owner);
        for more in [&["--dry-run"][..], &[]] {
            let args = [&["--find-user", "--ignore-missing"], more].concat();
            let said = kept.case(&sandbox, &args).run().exits(0);
            let _ = said.prints_outcomes(&[("Missing", 1)]).says(&[missing]);
        }
    });
}
