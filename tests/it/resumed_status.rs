//! Status changes that a run made before it was killed, without a record: the next run finds the status, and its journal gets a
//! result.

use iam_sandbox::{Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, always, documented, each, each_at_once, once};
use crate::journal::{ACCOUNT, Kept};
use crate::many::{outcomes, rows};
use crate::masked::PLAIN_SECRET;
use crate::reactivate::{inactive, status};
use crate::streams::wait_for;
use crate::undo::{CHANGED, row, undo};
use crate::undone::INTENT;

#[test]
fn a_status_that_a_killed_run_set_is_a_result_of_the_next_one() {
    // The run has no time to wait for a list that counts, or the journal does not say that IAM listed the key for Bob.
    let short = &["--timeout", "7"][..];
    let forms = [
        (&["--user-name", "Bob"][..], short),
        (&["--find-user"], short),
        (&["--find-user"], &[]),
    ];
    let actions = [
        ("deactivate", "Deactivated", Status::Inactive),
        ("reactivate", "Reactivated", Status::Active),
    ];
    let cases =
        forms.map(|form| actions.map(|action| [(form, action, false), (form, action, true)]));
    each_at_once(
        cases.concat().concat(),
        |((form, more), (action, outcome, set), is_list)| {
            let sandbox = match set {
                Status::Inactive => documented(),
                _ => inactive(),
            };
            if more.is_empty() {
                sandbox.fault(once(
                    "ListAccessKeys",
                    What::error(403, "AccessDenied", "no"),
                ));
            }
            let kept = Kept::new(&match set {
                Status::Inactive => BOBS_KEY.to_owned(),
                _ => row(BOBS_KEY, CHANGED),
            });
            let case = || {
                let case = if is_list {
                    kept.case(&sandbox, form)
                } else {
                    let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--journal"]);
                    case.args([kept.path()]).args(form.iter().copied())
                };
                case.args([&format!("--{action}"), "--yes"])
                    .args(more.iter().copied())
            };
            sandbox.fault(always("UpdateAccessKey", What::SilenceAfterActing));
            let running = case().start();
            wait_for(|| status(&sandbox, BOBS_KEY) == Some(set));
            let _ = running.kill();
            sandbox.clear_faults();
            let printed = case().run().exits(0);
            assert_eq!(rows(printed.output())[0]["Outcome"], outcome);
            let _ = printed.prints_anything().says(&[&format!(
                "warning: {BOBS_KEY} is presumed {}: an earlier run started this; IAM now lists the key as {set:?}\n",
                outcome.to_ascii_lowercase()
            )]);
            assert_eq!(kept.results()[BOBS_KEY], outcome);
            // The key is finished.
            let journal = kept.journal();
            let printed = case().run().exits(0);
            assert_eq!(rows(printed.output())[0]["Outcome"], "Skipped");
            assert_eq!(kept.journal(), journal);
        },
    );
}

/// A person may have deactivated the key, so no run reactivates it automatically. A printed command does.
#[test]
fn the_undo_of_a_resumed_deactivation_says_how_to_reactivate_the_key() {
    let sandbox = inactive();
    let kept = started(INTENT);
    let short = ["--deactivate", "--timeout", "7", "--journal"];
    let case = Case::documented(&sandbox, &short).args([kept.path()]);
    let _ = case
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says(&["presumed deactivated"]);
    let printed = undo(&sandbox, &kept.path()).run().exits(11);
    let command = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name=Bob",
        "--reactivate",
    ];
    let _ = printed.prints_outcomes(&[("Refused", 1)]).says(&[&format!(
        "hint: to reactivate the refused keys anyway: iam-del-key {}\n",
        command.join(" ")
    )]);
    let case = Case::at(&sandbox, command).args(["--yes"]);
    let _ = case
        .run()
        .exits(0)
        .prints_outcome("Reactivated")
        .says_nothing();
}

/// A journal of `--deactivate` with this record of Bob's key.
fn started(record: &str) -> Kept {
    let kept = Kept::new("");
    let head = format!("{{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":\"{ACCOUNT}\"}}\n");
    std::fs::write(kept.path(), head + &row(BOBS_KEY, record)).expect("a journal");
    kept
}

/// The user may have been renamed, and another user may have the old name.
#[test]
fn an_unfinished_deactivation_stays_unknown_if_a_later_run_does_not_find_the_key() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = started(INTENT);
    let case = Case::documented(&sandbox, &["--deactivate", "--ignore-missing", "--journal"]);
    let printed = case.args([kept.path()]).run().exits(0);
    assert_eq!(printed.object()["Reason"], "IAM did not confirm the owner");
    let said = printed.prints_outcome("Missing");
    let _ = said.says(&["is missing, but it could not be checked whether another user owns it"]);
    assert_eq!(kept.results()[BOBS_KEY], "Missing");
    let sandbox = inactive();
    let printed = undo(&sandbox, &kept.path()).run().exits(10);
    let _ = printed
        .prints_outcomes(&[("Unknown", 1)])
        .says(&["this run did not change it: it is unknown whether an earlier run deactivated it"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

/// IAM denies owner lookups, so only the list of a user shows that the key is gone. That user may have gotten the name since.
#[test]
fn a_deactivated_key_is_not_missing_because_a_user_of_that_name_does_not_have_it() {
    let deactivated = "\"Outcome\":\"Deactivated\"";
    // With a status, the record says that IAM listed the key for this user.
    let records = [
        (deactivated, 10, "Unknown", "unknown: "),
        (INTENT, 0, "Missing", "another user owns it: "),
    ];
    let cases = records.map(|record| {
        [&[][..], &["--dry-run"], &["--older-than", "1d"]].map(|more| (record, more))
    });
    each_at_once(cases.concat(), |((record, status, outcome, says), more)| {
        let sandbox = Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .start();
        sandbox.remove_key(BOBS_KEY);
        let kept = started(record);
        let args = ["--deactivate", "--ignore-missing", "--journal"];
        let case = Case::documented(&sandbox, &args).args([kept.path()]);
        let ended = case.args(more).run().exits(status);
        let _ = ended.prints_outcome(outcome).says(&[says]);
    });
}

/// IAM allows names that look like secrets, and other lists do not.
#[test]
fn the_keys_of_a_user_whose_name_looks_like_a_secret_are_reactivated() {
    let id = "AKIAQAAAAAAAUKRH4J5A";
    let sandbox = Sandbox::builder().user_key(PLAIN_SECRET, id).start();
    let kept = Kept::new(id);
    let printed = kept.case(&sandbox, &["--find-user", "--deactivate"]).run();
    let _ = printed
        .exits(0)
        .prints_outcomes(&[("Deactivated", 1)])
        .says(&["result: "]);
    let journal = kept.journal();
    assert!(journal.contains(PLAIN_SECRET));
    let printed = undo(&sandbox, &kept.path()).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("Reactivated".to_owned(), 1)]);
    let said = printed.prints_anything();
    assert!(!said.messages().contains(PLAIN_SECRET));
    assert_eq!(status(&sandbox, id), Some(Status::Active));
    // In a journal too, such a value is not a name.
    each(["x/y", "a b", ""], |name| {
        std::fs::write(kept.path(), journal.replace(PLAIN_SECRET, name)).expect("a journal");
        undo(&sandbox, &kept.path())
            .run()
            .stops(2, &["is not a user name"]);
    });
}
