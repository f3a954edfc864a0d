//! Keys that earlier runs started and whose user no longer exists: what settles them, and hints that propose only what helps.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, always, documented, each_at_once, faulty};
use crate::intent::started;
use crate::journal::Kept;
use crate::many::from_stdin;
use crate::reactivate::status;
use crate::resumed_owner::started_without_owner;

const ACCOUNT: &str = "123456789012";
const NO_USER: &str = "iam-del-key: error: AKIDPMS9RO4H3FEXAMPLE: An error occurred (NoSuchEntity) when calling the \
                       DeleteAccessKey operation: The user with name Bob cannot be found; unknown: an earlier run started \
                       this; the user does not exist, and IAM does not report who owns the key\n";
const CHECK: &str =
    "hint: check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run\n";
const SETTLE: &str =
    "--ignore-missing to treat the key as already gone if no user in the account has it";

/// Bob's key is deleted, and no user has his name.
fn without_bob() -> Sandbox {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.rename_user("Bob", "Robert");
    sandbox
}

#[test]
fn a_hint_says_how_to_settle_an_unfinished_key_of_a_user_who_is_gone() {
    let sandbox = without_bob();
    let printed = started().case(&sandbox, &[]).run().exits(10);
    let _ = printed.prints_outcomes(&[("Unknown", 1)]).says_exactly(&format!(
        "{NO_USER}{CHECK}\
         hint: for keys that were not found: check the user name; remove the owners from the list and use --find-user to \
         look them up\n\
         hint: use --find-user instead of the owner's name, with {SETTLE}\n\
         result: 1 key: 1 unknown\n"
    ));
}

#[test]
fn an_unfinished_key_that_iam_listed_is_deleted_if_no_user_of_the_account_has_it() {
    let sandbox = without_bob();
    let kept = started();
    kept.list(&format!("{BOBS_KEY}\n"));
    let printed = kept.case(&sandbox, &["--find-user"]).run().exits(0);
    let _ = printed
        .prints_outcomes(&[("Deleted", 1)])
        .says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is presumed deleted: an earlier run started this; \
         IAM does not list the key for any user in the account\n\
         result: 1 key: 1 deleted\n"
        ));
    finished(&sandbox, &kept);
}

/// The next run has nothing to do.
fn finished(sandbox: &Sandbox, kept: &Kept) {
    let printed = kept.case(sandbox, &[]).run().exits(0);
    let _ = printed
        .prints_nothing()
        .says_exactly("result: 1 key: 1 finished by an earlier run\n");
}

#[test]
fn an_unfinished_key_that_iam_never_listed_is_missing_at_most() {
    let sandbox = without_bob();
    let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
    let printed = kept.case(&sandbox, &["--find-user"]).run().exits(10);
    let _ = printed.prints_outcomes(&[("Unknown", 1)]).says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY}: no user of this account has such a key; unknown: an earlier run started this; \
         IAM does not list the key for any user in the account\n\
         hint: for keys that were not found: the key does not exist, or it is the root user's or another account's\n\
         hint: add {SETTLE}\n\
         result: 1 key: 1 unknown\n"
    ));
    let more = ["--find-user", "--ignore-missing"];
    // No owner is named, so the next run looks the key up again.
    for _ in 0..2 {
        let printed = kept.case(&sandbox, &more).run().exits(0);
        let _ = printed.prints_outcomes(&[("Missing", 1)]).says_exactly(
            "iam-del-key: warning: no user of this account has the missing keys; any that belong to the root user or to \
             another account may still exist\n\
             result: 1 key: 1 already gone\n",
        );
    }
}

#[test]
fn an_unfinished_key_of_a_user_who_was_renamed_is_found_and_deleted() {
    for started in [started(), started_without_owner(BOBS_KEY, "\"Bob\"")] {
        let sandbox = documented();
        sandbox.deny("iam:GetAccessKeyLastUsed");
        sandbox.rename_user("Bob", "Robert");
        started.list(&format!("{BOBS_KEY}\n"));
        let printed = started.case(&sandbox, &["--find-user"]).run().exits(0);
        let _ = printed
            .prints_outcomes(&[("Deleted", 1)])
            .says_exactly("result: 1 key: 1 deleted\n");
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_finished_change_of_status_counts_after_its_user_was_renamed() {
    each_at_once(
        [
            ("deactivate", "Deactivated", Status::Inactive, "inactive"),
            ("reactivate", "Reactivated", Status::Active, "active"),
        ],
        |(action, outcome, status, word)| {
            let started = format!("\"Intent\":\"{action}\",\"Time\":\"t\"");
            let done = format!("\"Outcome\":\"{outcome}\"");
            for (record, is_started) in [(done, false), (started, true)] {
                let sandbox = documented();
                sandbox.set_status(BOBS_KEY, status);
                sandbox.rename_user("Bob", "Robert");
                let kept = Kept::new("");
                let journal = format!(
                    "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":\"{ACCOUNT}\"}}\n\
                     {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",{record}}}\n"
                );
                std::fs::write(kept.path(), &journal).expect("a journal");
                let action = format!("--{action}");
                let again = || {
                    let case = Case::documented(&sandbox, &[&action, "--yes", "--journal"]);
                    case.args([kept.path()]).run().exits(0)
                };
                if is_started {
                    let _ = again()
                        .prints_outcome(outcome)
                        .says(&["an earlier run started this"]);
                    assert!(kept.journal().contains("\"UserName\":\"Robert\""));
                }
                for _ in 0..2 {
                    let printed = again();
                    let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
                        "iam-del-key: note: {BOBS_KEY} is already {word}: nothing was changed\n"
                    ));
                    // The change still counts as that of the earlier run, and nothing is left to verify.
                    let journal = kept.journal();
                    let last = journal.lines().last().expect("a record");
                    assert!(last.contains("\"Outcome\":"), "{journal}");
                    assert!(!journal.contains("already"), "{journal}");
                }
            }
        },
    );
}

#[test]
fn the_undo_of_a_run_finds_the_keys_of_users_who_were_renamed() {
    let sandbox = documented();
    let printed = from_stdin(
        &sandbox,
        &format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"),
        &["--deactivate"],
    );
    let printed = printed.run().exits(0);
    let results = printed.output().to_owned();
    sandbox.rename_user("Bob", "Robert");
    let undo = |more: &[&str]| {
        from_stdin(&sandbox, &results, &["--reactivate", "--yes"])
            .args(more.iter().copied())
            .run()
    };
    let _ = undo(&[]).exits(3).prints_outcomes(&[("Failed", 1)]).says(&[
        "hint: for keys that were not found: check the user name; add --find-user to look up the owner of each key\n",
    ]);
    let _ = undo(&["--find-user"])
        .exits(0)
        .prints_outcomes(&[("Reactivated", 1)])
        .says_exactly("result: 1 key: 1 reactivated\n");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn a_list_whose_credentials_have_expired_is_continued_with_others() {
    let expired = What::error(403, "ExpiredToken", "expired");
    let sandbox = faulty([always("DeleteAccessKey", expired)]);
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n");
    let printed = from_stdin(&sandbox, &list, &[]).run().exits(7);
    let _ = printed
        .prints_outcomes(&[("Failed", 2)])
        .says(&[
            "hint: the session has expired: get new credentials from the same source\n\
             hint: to continue, fix the error, and then run the same command again with --ignore-missing\n",
        ])
        .ends_with("2 keys: 2 failed and not changed");
}

#[test]
fn a_list_that_was_denied_is_not_proposed_to_check_an_unfinished_key() {
    each_at_once(
        [&["--only-inactive"][..], &["--only-inactive", "--dry-run"]],
        |more| {
            let sandbox = documented();
            sandbox.deny("iam:ListAccessKeys");
            let printed = started().case(&sandbox, more).run().exits(10);
            let said = printed.prints_outcomes(&[("Unknown", 1)]);
            assert!(
                !said
                    .messages()
                    .contains("hint: check with: aws iam list-access-keys")
            );
            let _ = said.says(&[
                "hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n",
            ]);
        },
    );
}

#[test]
fn no_list_is_proposed_to_check_an_unfinished_key_of_another_account() {
    let id = nth_key_id("999999999999", 1);
    each_at_once([&["--only-inactive"][..], &["--dry-run"]], |more| {
        let kept = started_without_owner(&id, "\"Bob\"");
        kept.list(&format!("AccessKeyId,UserName\n{id},Bob\n"));
        let sandbox = documented();
        sandbox.deny("sts:GetAccessKeyInfo");
        let printed = kept.case(&sandbox, more).run().exits(10);
        let said = printed.prints_outcomes(&[("Unknown", 1)]);
        assert!(!said.messages().contains("list-access-keys"));
        let _ = said.says(&[&format!(
            "hint: for keys that were not found: the key's ID encodes account 999999999999, but the credentials belong to \
             account {ACCOUNT}: use a profile of account 999999999999 (--profile NAME)\n"
        )]);
    });
}

#[test]
fn an_unfinished_key_of_a_user_who_is_gone_is_not_checked_in_the_list_of_that_user() {
    let kept = started();
    let printed = kept.case(&without_bob(), &["--only-inactive"]).run();
    let said = printed.exits(10).prints_outcomes(&[("Unknown", 1)]);
    assert!(!said.messages().contains("list-access-keys"));
    let _ = said.says(&[
        CHECK,
        &format!("hint: use --find-user instead of the owner's name, with {SETTLE}\n"),
    ]);
}

/// The list names an owner, so `--find-user` looks up none.
#[test]
fn a_hint_does_not_propose_find_user_if_it_is_there_already() {
    let kept = started();
    let printed = kept.case(&without_bob(), &["--find-user"]).run().exits(10);
    let said = printed.prints_outcomes(&[("Unknown", 1)]);
    assert!(!said.messages().contains("use --find-user instead"));
    let _ = said.says(&[&format!(
        "hint: remove the owner from the list, and use {SETTLE}\n"
    )]);
}

#[test]
fn your_own_key_is_not_looked_up_in_a_list_that_was_denied() {
    let sandbox = documented();
    for action in ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"] {
        sandbox.deny(action);
    }
    let kept = started_without_owner(ADMIN_KEY_ID, "\"admin\"");
    let printed = kept.case(&sandbox, &["--user-name", "admin"]).run();
    let said = printed.exits(10).prints_outcomes(&[("Unknown", 1)]);
    assert!(!said.messages().contains("hint: check with"));
    let _ = said.says(&["hint: with the permission iam:ListAccessKeys, check with: "]);
}

#[test]
fn a_dry_run_does_not_suggest_itself() {
    let sandbox = without_bob();
    let args = ["--access-key-id", BOBS_KEY, "--find-user", "--dry-run"];
    let kept = started();
    let printed = Case::at(&sandbox, args)
        .args(["--journal"])
        .args([kept.path()])
        .run();
    let said = printed.exits(10).prints_outcome("Unknown");
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: no user of this account has such a key\n\
         hint: the key does not exist, or it is the root user's or another account's\n\
         hint: add {SETTLE}\n\
         result: {BOBS_KEY}: unknown: an earlier run started to change it, and the result is unknown\n"
    ));
}
