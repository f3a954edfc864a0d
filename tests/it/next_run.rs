//! Every printed command for the next run helps. It is neither the same command if it would fail the same way, nor a list of a
//! user who does not have the key.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Sandbox, Status, What, nth_key_id};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, actions, always, documented, each_at_once, faulty, once};
use crate::journal::Kept;
use crate::many::from_stdin;
use crate::proof::{READS, denied};
use crate::streams::wait_for;
use crate::undo::row;

/// A list and a journal that name this user as the owner of Bob's key.
fn started(action: &str, owner: &str) -> Kept {
    let kept = Kept::new(&list(owner));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":\"123456789012\"}}\n\
         {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"{owner}\",\"Intent\":\"{action}\",\"Time\":\"t\"}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

fn list(owner: &str) -> String {
    format!("AccessKeyId,UserName\n{BOBS_KEY},{owner}\n")
}

fn without(permission: &str) -> Sandbox {
    let sandbox = documented();
    sandbox.deny(permission);
    sandbox
}

#[test]
fn a_key_with_a_wrong_owner_is_not_tried_by_the_same_command_again() {
    each_at_once(["Alice", "Nobody"], |owner| {
        let lost = || {
            let sandbox = faulty([once("UpdateAccessKey", What::ResetBeforeActing)]);
            sandbox.deny("iam:GetAccessKeyLastUsed");
            sandbox
        };
        let sandbox = without("iam:GetAccessKeyLastUsed");
        for case in [
            started("deactivate", owner).case(&sandbox, &["--deactivate"]),
            Kept::new(&list(owner)).case(&lost(), &["--deactivate"]),
            from_stdin(&lost(), &list(owner), &["--deactivate"]),
        ] {
            let printed = case.run().exits(10);
            let said = printed.prints_outcomes(&[("Unknown", 1)]);
            assert!(!said.messages().contains("the same command"));
            let _ = said.says(&[&format!(
                "hint: check with: iam-del-key --access-key-id {BOBS_KEY} --find-user --dry-run\n"
            )]);
        }
    });
}

#[test]
fn a_key_that_cannot_be_read_is_not_tried_by_the_same_command_again() {
    let sandbox = without("iam:ListAccessKeys");
    let kept = started("delete", "Bob");
    let printed = kept.case(&sandbox, &["--only-inactive"]).run().exits(10);
    let said = printed.prints_outcomes(&[("Unknown", 1)]);
    assert!(!said.messages().contains("the same command"));
    let _ = said.says(&["ask for the permission iam:ListAccessKeys"]);
}

/// Another run with `--fail-fast` would end at the same key, unless IAM failed.
#[test]
fn a_run_that_failed_fast_is_continued_without_the_key_that_fails() {
    let first = "fix the error or omit --fail-fast, and then ";
    let denied = What::error(403, "AccessDenied", "no");
    let invalid = What::error(400, "ValidationError", "no");
    let broken = What::error(400, "ServiceFailure", "later");
    let cases = [(denied, 6, first), (invalid, 2, first), (broken, 5, "")];
    each_at_once(cases, |(what, status, first)| {
        let sandbox = faulty([once("DeleteAccessKey", what)]);
        let list = format!("{BOBS_KEY}\n{BOB_SECOND_KEY_ID}\n");
        let more = ["--user-name", "Bob", "--jobs", "1", "--fail-fast"];
        let case = from_stdin(&sandbox, &list, &more).env("AWS_MAX_ATTEMPTS", "1");
        let printed = case.run().exits(status).prints_anything();
        let _ = printed.says(&[&format!(
            "hint: to continue, {first}run the same command again with --ignore-missing\n"
        )]);
    });
}

#[test]
fn an_unfinished_key_is_not_checked_in_the_list_of_a_user_who_does_not_have_it() {
    let sandbox = documented();
    let all = ["--user-name", "Alice", "--all-keys", "--yes"];
    let kept = started("deactivate", "Alice");
    let sweep = Case::at(&sandbox, all).args(["--deactivate", "--journal"]);
    for (case, status) in [
        (kept.case(&sandbox, &["--deactivate", "--dry-run"]), 10),
        (
            kept.case(&sandbox, &["--deactivate", "--only-inactive"]),
            10,
        ),
        (sweep.args([kept.path()]), 12),
    ] {
        let said = case.run().exits(status).prints_anything();
        let messages = said.messages();
        assert!(!messages.contains("list-access-keys"), "{messages}");
        assert!(!messages.contains("the same command"), "{messages}");
        let _ = said.says(&["unknown: an earlier run started"]);
    }
}

#[test]
fn many_refused_keys_are_reactivated_by_their_ids() {
    let sandbox = documented();
    let ids = (0..6).map(|n| nth_key_id("123456789012", n));
    let list: String = ids
        .map(|id| row(&id, "\"Outcome\":\"Deactivated\""))
        .collect();
    let printed = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]).run();
    let _ = printed.exits(11).prints_outcomes(&[("Refused", 6)]).says(&[
        "hint: to reactivate the refused keys anyway, add --access-key-id with the ID of each refused key to this command: \
         iam-del-key --find-user --reactivate\n\
         result: 6 keys: 6 refused\n",
    ]);
}

/// The journal names the owners, so the commands need no permission to look them up.
#[test]
fn refused_keys_of_two_owners_are_reactivated_by_their_names() {
    let sandbox = denied(&READS);
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n");
    let kept = Kept::new(&list);
    let _ = kept.case(&sandbox, &["--deactivate", "--jobs", "1"]).run();
    let undo = ["--reactivate", "--yes", "--jobs", "1", "--from"];
    let printed = Case::at(&sandbox, undo).args([kept.path()]).run().exits(11);
    let hints = [("Bob", BOBS_KEY), ("Alice", ALICE_KEY_ID)].map(|(owner, id)| {
        let command = format!("--access-key-id {id} --user-name={owner} --reactivate");
        let done = Case::at(&sandbox, command.split(' ')).args(["--yes"]).run();
        let _ = done.exits(0).prints_outcome("Reactivated");
        format!("hint: to reactivate the refused keys anyway for {owner}: iam-del-key {command}\n")
    });
    let _ = printed
        .prints_outcomes(&[("Refused", 2)])
        .says(&[&format!("{}result: ", hints.concat())]);
}

#[test]
fn the_owners_of_refused_keys_are_looked_up_if_one_is_unknown() {
    let sandbox = documented();
    let unnamed = format!("{{\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"Outcome\":\"Deactivated\"}}\n");
    let list = row(BOBS_KEY, "\"Outcome\":\"Deactivated\"") + &unnamed;
    let args = ["--reactivate", "--yes", "--jobs", "1"];
    let printed = from_stdin(&sandbox, &list, &args).run().exits(11);
    let _ = printed.prints_outcomes(&[("Refused", 2)]).says(&[&format!(
        "hint: to reactivate the refused keys anyway: iam-del-key --access-key-id {BOBS_KEY} --access-key-id {ALICE_KEY_ID} --find-user --reactivate\n"
    )]);
}

#[test]
fn a_run_that_max_keys_refuses_still_reports_a_key_that_an_earlier_run_started() {
    let sandbox = denied(&READS);
    let kept = started("delete", "Bob");
    kept.list(&format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n"
    ));
    let printed = kept.case(&sandbox, &["--max-keys", "1"]).run().exits(11);
    assert_eq!(printed.object()["AccessKeyId"], BOBS_KEY);
    let _ = printed.prints_outcome("Unknown").says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY}: this run did not change it: more keys match than --max-keys allows; unknown: an \
         earlier run started to change it, and the result is unknown\n\
         hint: check with: aws iam list-access-keys --user-name=Bob\n\
         iam-del-key: error: 2 keys match, more than --max-keys 1 allows\n\
         hint: check them with --dry-run; if they are right, raise --max-keys\n\
         result: this run changed no key; 1 key that earlier runs started to change is still unknown\n"
    ));
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_resumed_deactivation_skips_no_key_and_its_hints_mention_no_skipped_key() {
    let sandbox = documented();
    let kept = Kept::new(&format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n"
    ));
    let more = ["--deactivate", "--timeout", "5", "--jobs", "1", "--quiet"];
    let _ = kept.case(&sandbox, &more).run().exits(0).prints_anything();
    let more = &more[..5];
    // The list may lag, so it is unknown which of the keys was active before.
    let printed = kept.case(&sandbox, more).run().exits(0);
    let _ = printed.prints_anything().says_exactly(&format!(
        "hint: to undo it, remove the keys that were inactive before from this command: iam-del-key --access-key-id {BOBS_KEY} \
         --access-key-id {BOB_SECOND_KEY_ID} --user-name=Bob --reactivate\n\
         result: 2 keys: 2 deactivated\n"
    ));
    for action in READS.iter().chain(&["iam:UpdateAccessKey"]) {
        sandbox.deny(action);
    }
    let more = [more, &["--fail-fast"]].concat();
    let printed = kept.case(&sandbox, &more).run().exits(10);
    let _ = printed
        .prints_anything()
        .says(&["and then run the same command again; keys that are already inactive stay so\n"]);
}

/// One hint covers the unknown keys, whichever run started to change them, and the keys that were not tried.
#[test]
fn an_interrupted_run_with_a_journal_says_once_how_to_continue() {
    let runs = [
        (
            "delete",
            "; keys that the journal records as finished are skipped",
        ),
        ("deactivate", "; keys that are already inactive stay so"),
        ("reactivate", "; keys that are already active are skipped"),
    ];
    let runs = runs.map(|run| [(1, false), (1, true), (2, true)].map(|more| (run, more)));
    each_at_once(runs.concat(), |((action, how), (jobs, is_started))| {
        let sandbox = documented();
        for id in [BOBS_KEY, BOB_SECOND_KEY_ID]
            .iter()
            .filter(|_| action == "reactivate")
        {
            sandbox.set_status(id, Status::Inactive);
        }
        let operation = match action {
            "delete" => "DeleteAccessKey",
            _ => "UpdateAccessKey",
        };
        sandbox.fault(always(operation, What::SilenceBeforeActing));
        let kept = if is_started {
            started(action, "Bob")
        } else {
            Kept::new("")
        };
        let ids = [
            "--access-key-id",
            BOBS_KEY,
            "--access-key-id",
            BOB_SECOND_KEY_ID,
        ];
        let case = Case::at(&sandbox, ids)
            .args([
                "--user-name",
                "Bob",
                "--yes",
                "--jobs",
                &jobs.to_string(),
                "--journal",
            ])
            .args([kept.path()]);
        let action = format!("--{action}");
        let action = Some(action).filter(|action| action != "--delete");
        let running = case.args(action).start();
        let is_sent = |sent: &&String| *sent == operation;
        wait_for(|| actions(&sandbox).iter().filter(is_sent).count() == jobs);
        let printed = interrupt(running, "INT").exits(130);
        let messages = printed.prints_anything();
        let hint = format!("hint: to continue, run the same command again{how}\n");
        let messages = messages.messages();
        assert_eq!(messages.matches("to continue").count(), 1, "{messages}");
        assert!(messages.contains(&hint), "{messages}");
    });
}
