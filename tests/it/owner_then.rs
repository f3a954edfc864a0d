//! The owner in an earlier run: its result for a key of one owner, or of an unnamed owner, finishes no key of another owner.

use iam_sandbox::KeySeed;

use crate::case::{BOBS_KEY, Case, actions, documented, each, each_at_once};
use crate::journal::Kept;
use crate::many::from_stdin;
use crate::proof::{READS, denied};
use crate::resumed_owner::started_to;
use crate::target_principal::{OLD_KEY, TARGET, organization};

const ROOT_USER: &str = ",\"RootUser\":true";
const OF_ROOT_USER: &str = "hint: an earlier run started this for the root user: use the --target-principal and the \
                            credentials of that run\n";

/// A journal with this record of a key, and a list of that key.
fn recorded(id: &str, record: &str) -> Kept {
    let kept = Kept::new(&format!("{id}\n"));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}}\n{{\"AccessKeyId\":\"{id}\",{record}}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

/// A run over one key of the root user.
fn as_root_user(sandbox: &iam_sandbox::Sandbox, kept: &Kept, more: &[&str]) -> Case {
    Case::at(sandbox, TARGET)
        .args(["--access-key-id", OLD_KEY, "--journal"])
        .args([kept.path()])
        .args(more)
}

#[test]
fn a_key_is_looked_up_again_unless_it_was_missing_for_the_same_named_owner() {
    let missing = "\"Outcome\":\"Missing\"";
    let presumed = "\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true";
    let mut cases = Vec::new();
    for end in [missing, presumed] {
        let nobodys = format!("\"UserName\":null,{end}");
        let root_users = nobodys.clone() + ROOT_USER;
        let alices = format!("\"UserName\":\"Alice\",{end}");
        for record in [nobodys, root_users, alices] {
            cases.push((record.clone(), "--find-user"));
            cases.push((record, "--user-name=Bob"));
        }
    }
    each(cases, |(record, owner)| {
        let sandbox = documented();
        let kept = recorded(BOBS_KEY, &record);
        let printed = kept.case(&sandbox, &[owner]).run().exits(0);
        let _ = printed
            .prints_outcome("Deleted")
            .says_exactly("result: 1 key: 1 deleted\n");
        assert!(!sandbox.has_key(BOBS_KEY));
    });
    for end in [missing, presumed] {
        let kept = recorded(BOBS_KEY, &format!("\"UserName\":\"bob\",{end}"));
        kept.case(&documented(), &["--user-name=Bob"])
            .run()
            .stops_exactly(0, "result: 1 key: 1 finished by an earlier run\n");
    }
}

/// IAM may have hidden a new key.
#[test]
fn a_key_that_no_user_had_is_looked_up_again() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = Kept::new(&format!("{BOBS_KEY}\n"));
    let more = ["--find-user", "--ignore-missing"];
    for _ in 0..2 {
        let printed = kept.case(&sandbox, &more).run().exits(0);
        let _ = printed.prints_outcome("Missing").says_exactly(
            "iam-del-key: warning: no user of this account has the missing keys; any that belong to the root user or to \
             another account may still exist\n\
             result: 1 key: 1 already gone\n",
        );
    }
    sandbox.add_key(KeySeed::new("Bob", BOBS_KEY));
    let printed = kept.case(&sandbox, &more).run().exits(0);
    let _ = printed
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_key_that_no_user_had_may_be_the_root_users() {
    let sandbox = organization().start();
    let kept = recorded(OLD_KEY, "\"UserName\":null,\"Outcome\":\"Missing\"");
    let _ = as_root_user(&sandbox, &kept, &[]).run().exits(0);
    let (requested, journal) = (actions(&sandbox), kept.journal());
    assert_eq!(
        requested.last().map(String::as_str),
        Some("DeleteAccessKey")
    );
    // The journal says that the key was the root user's, who is the same in every run.
    let of_root_user = journal
        .lines()
        .skip(2)
        .filter(|line| line.contains(ROOT_USER));
    assert_eq!(of_root_user.count(), 2, "{journal}");
    let kept = recorded(
        OLD_KEY,
        &format!("\"UserName\":null,\"Outcome\":\"Missing\"{ROOT_USER}"),
    );
    let ended = as_root_user(&sandbox, &kept, &[]).run().exits(0);
    let _ = ended
        .prints_nothing()
        .says(&["note: 1 key is already finished in the journal "]);
}

#[test]
fn a_key_started_for_a_calling_user_is_not_gone_because_the_root_user_lacks_it() {
    let sandbox = organization().start();
    let kept = started_to("delete", BOBS_KEY, "null", "");
    let case = Case::at(&sandbox, TARGET)
        .args(["--access-key-id", BOBS_KEY, "--ignore-missing", "--journal"])
        .args([kept.path()]);
    let _ = case.run().exits(10).prints_outcome("Unknown").says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with \
         id {BOBS_KEY} cannot be found.\n\
         hint: the key does not exist, or belongs to a user: the root user of account 210987654321 does not have it\n\
         hint: to see the root user's keys: iam-del-key --all-keys --dry-run --target-principal 210987654321\n\
         result: {BOBS_KEY}: unknown: an earlier run started this, and IAM now reports no such key; IAM does not report who \
         owns the key\n"
    ));
}

/// Only the root user's list shows whether the key exists, and a pending request may delete it.
#[test]
fn a_key_started_for_the_root_user_is_not_gone_because_no_user_has_it() {
    let started = "unknown: an earlier run started to change it, and the result is unknown";
    let nobodys = format!(
        "iam-del-key: error: {BOBS_KEY}: no user of this account has such a key; {started}\n{OF_ROOT_USER}"
    );
    let unlisted = format!(
        "iam-del-key: error: {BOBS_KEY}: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
         The Access Key with id {BOBS_KEY} cannot be found; unknown: an earlier run started this, and IAM now reports no \
         such key; IAM does not report who owns the key\n{OF_ROOT_USER}"
    );
    let listed = format!("{ROOT_USER},\"Status\":\"Active\"");
    let mut cases = Vec::new();
    for status in [ROOT_USER, &listed] {
        for wanted in [&[][..], &["--ignore-missing"]] {
            cases.push((status, ["--find-user"].iter().chain(wanted), &nobodys));
            cases.push((status, [].iter().chain(wanted), &unlisted));
        }
    }
    each_at_once(cases, |(status, more, says)| {
        let sandbox = denied(&READS[..1]);
        sandbox.remove_key(BOBS_KEY);
        let kept = started_to("delete", BOBS_KEY, "null", status);
        let more: Vec<&str> = more.copied().collect();
        let printed = kept.case(&sandbox, &more).run().exits(10);
        let _ = printed
            .prints_outcome("Unknown")
            .says_exactly(&format!("{says}result: 1 key: 1 unknown\n"));
    });
    let sandbox = denied(&READS[..1]);
    sandbox.remove_key(BOBS_KEY);
    let kept = started_to("delete", BOBS_KEY, "null", &listed);
    let all = [
        "--whole-account",
        "--yes",
        "--expect-account",
        "123456789012",
    ];
    let never = ["--unused-for", "9999d", "--ignore-missing", "--journal"];
    let case = Case::at(&sandbox, all).args(never).args([kept.path()]);
    let _ = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&[&nobodys]);
}

/// Another user of the account may have called then.
#[test]
fn what_a_calling_user_started_may_still_delete_a_key_of_another_one() {
    let alive = format!(
        "An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with id {BOBS_KEY} \
         cannot be found"
    );
    let owned = "IAM reports that Bob owns the key";
    let unknown = format!(
        "iam-del-key: error: {BOBS_KEY}: {alive}; unknown: an earlier run started this, and IAM now reports no such key; \
         {owned}\n"
    );
    for more in [&[][..], &["--ignore-missing"]] {
        let sandbox = documented();
        let kept = started_to("delete", BOBS_KEY, "null", "");
        let printed = kept.case(&sandbox, more).run().exits(10);
        let _ = printed.prints_outcome("Unknown").says(&[&unknown]);
        // IAM responded to the request of this run, so only the earlier request may still act.
        assert_eq!(kept.results()[BOBS_KEY], "Unknown");
        assert!(kept.journal().contains("\"Answered\":true,"));
        // A line of results says the same.
        let line = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Unknown\"}}\n");
        let printed = from_stdin(&sandbox, &line, more).run().exits(10);
        let _ = printed.prints_outcome("Unknown").says(&[&unknown]);
        // After half an hour, the request is no longer valid.
        let expired = kept
            .journal()
            .lines()
            .take(2)
            .collect::<Vec<_>>()
            .join("\n")
            + "\n";
        let expired = expired.replace("\"t\"", "\"2026-01-01T00:00:00Z\"");
        std::fs::write(kept.path(), expired).expect("a journal");
        let printed = kept.case(&sandbox, more).run().exits(3);
        let _ = printed
            .prints_outcome("Failed")
            .says(&[&format!("{BOBS_KEY}: not deleted: {alive}")]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_line_that_says_missing_finishes_the_key_for_its_owner_only() {
    let line = |owner: &str| {
        format!("{{\"AccessKeyId\":\"{BOBS_KEY}\"{owner},\"Outcome\":\"Missing\"}}\n")
    };
    let alices = line(",\"UserName\":\"Alice\"");
    let bobs = line(",\"UserName\":\"bob\"");
    let failed = bobs.replace("Missing", "Failed");
    let table = format!("AccessKeyId,UserName,Outcome\n{BOBS_KEY},Alice,Missing\n");
    for (list, more, is_left) in [
        (&alices, &["--user-name", "Bob"][..], true),
        (&alices, &["--find-user"], true),
        (&table, &["--user-name", "Bob"], true),
        (&table, &["--find-user"], true),
        (&line(""), &["--user-name", "Bob"], true),
        (&line(""), &["--find-user"], true),
        // Another line of the key says more about its owner.
        (&format!("{failed}{bobs}"), &["--find-user"], true),
        (&format!("{bobs}{failed}"), &["--find-user"], true),
        (&format!("{failed}{}", line("")), &[], true),
        (&format!("{}{failed}", line("")), &[], true),
        (&bobs, &["--find-user"], true),
        (&bobs, &["--user-name", "Bob"], false),
        (&alices, &[], false),
    ] {
        let sandbox = documented();
        let ended = from_stdin(&sandbox, list, more).run();
        if is_left {
            let _ = ended
                .exits(0)
                .prints_outcome("Deleted")
                .says(&["1 key: 1 deleted"]);
        } else {
            ended.stops_exactly(
                0,
                "iam-del-key: note: 1 line was skipped: nothing left to do\n\
                 result: nothing to do: the list has no keys to change\n",
            );
        }
        assert_eq!(sandbox.has_key(BOBS_KEY), !is_left, "{list} {more:?}");
    }
    // No owner is named, so the key is again one of the calling user.
    let sandbox = documented();
    let ended = from_stdin(&sandbox, &line(""), &["--ignore-missing"]).run();
    let _ = ended.exits(3).prints_outcome("Failed");
    assert!(actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}
