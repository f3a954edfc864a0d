//! A sweep, or an owner lookup, with the journal of an earlier run: which keys it resumes.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, Printed, actions, always, documented, each, each_at_once};
use crate::intent::{started, started_an_hour_ago};
use crate::journal::{ACCOUNT, Kept};
use crate::many::rows;
use crate::response::{keys, lagging, member, xml};

/// The row of Bob's key.
pub(crate) fn bobs_row(printed: &Printed) -> Value {
    let mut rows = rows(printed.output()).into_iter();
    let row = rows.find(|row| row["AccessKeyId"] == BOBS_KEY);
    row.expect("its row")
}

/// A sweep with this journal.
fn sweep(sandbox: &Sandbox, kept: &Kept, args: &[&str]) -> Case {
    Case::at(sandbox, args.iter().copied())
        .args(["--yes", "--journal"])
        .args([kept.path()])
}

/// The keys in the deletion requests, and the last line if it is a summary.
const SELECTIONS: [(&[&str], &str); 2] = [
    (ALL_OF_BOB, "1 key: 1 deleted"),
    (
        WHOLE_ACCOUNT,
        "1 key: 1 deleted; root user keys are not included",
    ),
];

const ALL_OF_BOB: &[&str] = &["--user-name", "bob", "--all-keys", "--only-inactive"];
const ALL_OF_BOB_ACTIVE: &[&str] = &["--user-name", "bob", "--all-keys"];
const WHOLE_ACCOUNT_OLD: &[&str] = &["--whole-account", "--older-than", "9000d"];
const WHOLE_ACCOUNT_WITHOUT_BOB: &[&str] = &[
    "--whole-account",
    "--older-than",
    "9000d",
    "--except-user",
    "Bob",
];
const WHOLE_ACCOUNT: &[&str] = &[
    "--whole-account",
    "--only-inactive",
    "--except-user",
    "Alice",
    "--expect-account",
    "123456789012",
];

#[test]
fn c56_a_sweep_resumes_a_key_that_a_killed_run_started_and_iam_no_longer_lists() {
    each(SELECTIONS, |(selection, last)| {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let kept = started();
        let before = kept.journal();
        let printed = sweep(&sandbox, &kept, &[selection, &["--dry-run"]].concat())
            .run()
            .exits(10);
        assert_eq!(bobs_row(&printed)["Outcome"], "Unknown");
        let _ = printed.prints_anything().says(&[&format!(
            "error: {BOBS_KEY}: this run did not change it: it was not selected; \
             unknown: an earlier run started to change it, and the result is unknown"
        )]);
        assert_eq!(kept.journal(), before);
        // No time is reserved for a request that is not sent.
        let short = [selection, &["--timeout", "3"]].concat();
        let printed = sweep(&sandbox, &kept, &short).run().exits(0);
        assert_eq!(bobs_row(&printed)["Outcome"], "Deleted");
        let _ = printed
            .prints_anything()
            .says(&[&format!(
                "warning: {BOBS_KEY} is presumed deleted: an earlier run started this; IAM no longer lists the key for Bob"
            )])
            .ends_with(last);
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
        // Only once.
        let printed = sweep(&sandbox, &kept, selection).run().exits(0);
        let _ = printed.prints_nothing().says(&[" checked, and "]);
    });
}

#[test]
fn c56_a_sweep_resumes_no_key_that_iam_still_lists_or_another_user_has() {
    // The key was not deleted, its request has expired, and it does not satisfy the condition.
    let sandbox = documented();
    let kept = started_an_hour_ago();
    sweep(&sandbox, &kept, ALL_OF_BOB).run().stops_exactly(
        0,
        "iam-del-key: note: 2 keys of 1 user checked\n\
             result: nothing to do: 2 keys were checked, and none meets the conditions\n",
    );
    assert!(sandbox.has_key(BOBS_KEY));
    // The key is Bob's, and the run is about Alice.
    sandbox.remove_key(BOBS_KEY);
    let alice = ["--user-name", "Alice", "--all-keys"];
    let printed = sweep(&sandbox, &kept, &alice).run().exits(0);
    assert!(!printed.output().contains(BOBS_KEY));
    assert!(printed.output().contains(ALICE_KEY_ID));
    assert!(!kept.results().contains_key(BOBS_KEY));
}

/// A record of how a run ended for a key.
pub(crate) fn record(key: &str, owner: &str, outcome: &str) -> String {
    format!("{{\"AccessKeyId\":\"{key}\",\"UserName\":\"{owner}\",\"Outcome\":\"{outcome}\"}}\n")
}

/// A journal in which an earlier run settled Bob's key.
fn settled(outcome: &str) -> Kept {
    let kept = Kept::new("");
    let head = format!("{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n");
    let journal = head + &record(BOBS_KEY, "Bob", outcome);
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

#[test]
fn what_iam_lists_now_takes_precedence_over_a_record_that_the_key_is_gone() {
    each_at_once(["Missing", "Deleted"], |outcome| {
        each_at_once(SELECTIONS, |(selection, last)| {
            let sandbox = documented();
            sandbox.set_status(BOBS_KEY, Status::Inactive);
            let kept = settled(outcome);
            let dry_run = [selection, &["--dry-run"]].concat();
            let printed = sweep(&sandbox, &kept, &dry_run).run();
            assert!(printed.is_success());
            let printed = printed.exits(0);
            assert_eq!(bobs_row(&printed)["Outcome"], "WouldDelete");
            let printed = sweep(&sandbox, &kept, selection).run().exits(0);
            assert_eq!(bobs_row(&printed)["Outcome"], "Deleted");
            let _ = printed.prints_anything().says(&["note: "]).ends_with(last);
            assert!(!sandbox.has_key(BOBS_KEY));
            assert_eq!(kept.results()[BOBS_KEY], "Deleted");
        });
    });
}

/// A sweep waits until no list can show what an earlier run deleted, so it selects no such key.
#[test]
fn a_deletion_that_a_list_lags_behind_is_not_reported_again() {
    const OTHER: &str = "AKIA111111111EXAMPLE";
    let more = [
        &[][..],
        &["--max-keys", "1"],
        &["--dry-run", "--max-keys", "1"],
    ];
    each_at_once(more, |more| {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let members = [BOBS_KEY, OTHER].map(|id| member(id, "Bob", "Inactive"));
        let page = keys(&members.concat(), "<IsTruncated>false</IsTruncated>");
        sandbox.fault(lagging("ListAccessKeys", xml(page)));
        let kept = settled("Deleted");
        let before = kept.journal() + &record(OTHER, "Bob", "Deleted");
        std::fs::write(kept.path(), &before).expect("a journal");
        let case = sweep(&sandbox, &kept, ALL_OF_BOB).args(more);
        case.run().stops_exactly(
            0,
            "iam-del-key: note: 1 key of 1 user checked\n\
             result: nothing to do: 1 key was checked, and it does not meet the conditions\n",
        );
        assert_eq!(actions(&sandbox), ["GetCallerIdentity", "ListAccessKeys"]);
        assert_eq!(kept.journal(), before);
    });
}

#[test]
fn what_iam_confirmed_stays_known_while_lists_lag() {
    let page = keys(
        &member(BOBS_KEY, "Bob", "Inactive"),
        "<IsTruncated>false</IsTruncated>",
    );
    let finished = "note: 1 key of 1 user checked\nresult: 1 key: 1 finished by an earlier run\n";
    let unknown = "unknown: an earlier run deleted it, but IAM still lists it";
    let lost = What::ResetBeforeActing;
    for (fault, status, says) in [
        // IAM says again that the key does not exist.
        (None, 0, finished),
        (Some(lost), 10, unknown),
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        sandbox.fault(always("ListAccessKeys", xml(page.clone())));
        if let Some(what) = fault {
            sandbox.fault(always("DeleteAccessKey", what));
        }
        let kept = settled("Deleted");
        let before = kept.journal();
        let case = sweep(&sandbox, &kept, ALL_OF_BOB).args(["--timeout", "3"]);
        let printed = case.run().exits(status);
        assert!(!printed.output().contains("\"Deleted\""));
        let _ = printed.prints_anything().says(&[says]);
        assert_eq!(kept.journal(), before);
    }
}

#[test]
fn a_key_that_iam_lists_again_and_refuses_to_delete_is_not_settled() {
    each(["Missing", "Deleted"], |outcome| {
        let sandbox = documented();
        sandbox.set_status(BOBS_KEY, Status::Inactive);
        sandbox.deny("iam:DeleteAccessKey");
        let kept = settled(outcome);
        let printed = sweep(&sandbox, &kept, ALL_OF_BOB).run().exits(6);
        let _ = printed
            .prints_outcomes(&[("Failed", 1)])
            .says(&["AccessDenied"])
            .ends_with("1 key: 1 failed and not changed");
        assert_eq!(kept.results()[BOBS_KEY], "Failed");
    });
}

#[test]
fn c56_a_resumed_key_stays_unknown_if_no_list_proves_what_happened() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = started();
    // IAM had not listed the key when the earlier run started it.
    let journal = kept.journal().replace(",\"Status\":\"Active\"", "");
    std::fs::write(kept.path(), &journal).expect("a journal");
    for _ in 0..2 {
        let printed = sweep(&sandbox, &kept, ALL_OF_BOB).run().exits(10);
        let _ = printed
            .prints_outcomes(&[("Unknown", 1)])
            .says(&["the result is unknown"])
            .ends_with("1 key: 1 unknown");
        // The journal gets no new record.
        assert_eq!(kept.journal(), journal);
    }
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn c56_a_sweep_resumes_a_key_that_a_killed_run_made_inactive() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = started();
    let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
    std::fs::write(kept.path(), journal).expect("a journal");
    let args = ["--user-name", "Bob", "--all-keys", "--deactivate"];
    let printed = sweep(&sandbox, &kept, &args).run().exits(0);
    assert_eq!(bobs_row(&printed)["Outcome"], "Deactivated");
    let _ = printed.prints_anything().says(&[&format!(
        "warning: {BOBS_KEY} is presumed deactivated: an earlier run started this; \
         IAM now lists the key as Inactive"
    )]);
    assert_eq!(kept.results()[BOBS_KEY], "Deactivated");
}

/// A dry run of the single key says the same.
#[test]
fn the_dry_run_of_a_sweep_counts_a_status_that_iam_lists_as_reached() {
    let one: &[&str] = &["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let nothing = "result: nothing to do: all keys are already inactive";
    for (selection, denied, expected, last) in [
        (one, None, &[("Skipped", 1)][..], "already inactive\n"),
        (ALL_OF_BOB_ACTIVE, None, &[], nothing),
        (
            ALL_OF_BOB_ACTIVE,
            Some("iam:GetAccessKeyLastUsed"),
            &[],
            nothing,
        ),
        (
            WHOLE_ACCOUNT_OLD,
            None,
            &[],
            "none of the other keys meets the conditions; root user keys are not included",
        ),
        // The sweep does not read his list.
        (
            WHOLE_ACCOUNT_WITHOUT_BOB,
            None,
            &[("Skipped", 1)],
            "1 key: 1 already inactive; this was a dry run; root user keys are not included",
        ),
    ] {
        let sandbox = documented();
        for id in [BOBS_KEY, BOB_SECOND_KEY_ID] {
            sandbox.set_status(id, Status::Inactive);
        }
        if let Some(action) = denied {
            sandbox.deny(action);
        }
        let kept = started();
        let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
        std::fs::write(kept.path(), &journal).expect("a journal");
        let case = sweep(
            &sandbox,
            &kept,
            &[selection, &["--deactivate", "--dry-run"]].concat(),
        );
        let printed = case.args(["--output", "json"]).run().exits(0);
        let _ = printed.prints_outcomes(expected).says(&[last]);
        assert_eq!(kept.journal(), journal);
    }
}

/// If no other lists can be read, the list of the owner in the earlier request decides.
#[test]
fn the_same_command_finds_what_became_of_a_key_whose_owner_cannot_be_looked_up_any_more() {
    let presumed = format!(
        "iam-del-key: warning: {BOBS_KEY} is presumed deleted: an earlier run started this; IAM no longer lists the key for Bob\n\
         result: {BOBS_KEY}: deleted: an earlier run started this; IAM no longer lists the key for Bob\n"
    );
    let one = |sandbox: &Sandbox, kept: &Kept| {
        let args = ["--access-key-id", BOBS_KEY, "--find-user", "--journal"];
        Case::at(sandbox, args).args([kept.path()]).run()
    };
    for denied in [
        &["iam:ListUsers"][..],
        &["iam:ListUsers", "iam:GetAccessKeyLastUsed"],
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        for action in denied {
            sandbox.deny(action);
        }
        let kept = started();
        let _ = one(&sandbox, &kept)
            .exits(0)
            .prints_anything()
            .says_exactly(&presumed);
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
        assert!(kept.journal().contains("\"OwnerUnchecked\":true"));
        assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    }
    // A read that fails now may succeed in the next run.
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.fault(Fault::new(What::empty(500)).on("ListUsers").always());
    let kept = started();
    let _ = one(&sandbox, &kept)
        .exits(10)
        .prints_anything()
        .says(&["the result is unknown"]);
    sandbox.clear_faults();
    let _ = one(&sandbox, &kept)
        .exits(0)
        .prints_anything()
        .says(&["IAM does not list the key for any user in the account"]);
}
