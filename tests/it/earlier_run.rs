//! What the journal of an earlier run proves about a key, and what it does not.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, actions, documented, each, once};
use crate::intent::{started, started_an_hour_ago};
use crate::journal::Kept;
use crate::proof::{READS, denied};

#[test]
fn c66_a_key_that_was_missing_under_a_wrong_owner_is_tried_under_the_right_one() {
    let sandbox = denied(&READS[..1]);
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Bob\n"));
    let printed = kept.case(&sandbox, &["--ignore-missing"]).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["iam-del-key: warning: it could not be checked whether other users own the missing keys"])
        .ends_with("1 key: 1 already gone");
    assert_eq!(kept.results()[ALICE_KEY_ID], "Missing");
    kept.list(&format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n"));
    for says in ["1 key: 1 deleted", "1 key: 1 finished by an earlier run"] {
        let printed = kept.case(&sandbox, &["--ignore-missing"]).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(&["result: "]).ends_with(says);
        assert!(!sandbox.has_key(ALICE_KEY_ID));
    }
}

#[test]
fn c66_a_deactivation_is_checked_again() {
    let sandbox = documented();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    for _ in 0..2 {
        let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["result: "])
            .ends_with("1 key: 1 deactivated");
        assert_eq!(
            sandbox.key(BOBS_KEY).map(|key| key.status),
            Some(iam_sandbox::Status::Inactive)
        );
        sandbox.set_status(BOBS_KEY, iam_sandbox::Status::Active);
    }
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn c66_a_key_that_an_earlier_run_deactivated_is_not_called_unchanged() {
    const UPDATE: &str = "iam:UpdateAccessKey";
    let sandbox = documented();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let run = |status, more: &[&str], counts: &str| {
        let more: Vec<&str> = ["--deactivate"].iter().chain(more).copied().collect();
        let printed = kept.case(&sandbox, &more).run().exits(status);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["result: "])
            .ends_with(&format!("1 key: 1 {counts}"));
    };
    run(0, &[], "deactivated");
    // IAM denies the next request, and shows that the key is inactive.
    sandbox.deny(UPDATE);
    run(0, &[], "already inactive");
    // IAM shows nothing.
    for read in READS {
        sandbox.deny(read);
    }
    run(10, &[], "unknown");
    run(10, &["--older-than", "1d"], "unknown");
    sandbox.allow(READS[0]);
    sandbox.allow(READS[1]);
    sandbox.rename_user("Bob", "Robert");
    // The list of the renamed user shows the key again. The journal still says that it was deactivated.
    run(0, &[], "already inactive");
    sandbox.rename_user("Robert", "Bob");
    sandbox.allow(UPDATE);
    run(0, &[], "already inactive");
}

/// The requests of the earlier run have expired, and the request of this run may still act.
#[test]
fn a_server_error_of_this_run_counts_after_an_earlier_run_too() {
    let sandbox = documented();
    let kept = started_an_hour_ago();
    let error = What::error(500, "ServiceFailure", "no");
    sandbox.fault(Fault::new(error).on("DeleteAccessKey").always());
    let case = Case::documented(&sandbox, &["--timeout", "8", "--journal"]);
    let _ = case
        .args([kept.path()])
        .run()
        .exits(5)
        .prints_outcome("Unknown")
        .says(&["IAM still lists the key\n"]);
    assert_eq!(kept.results()[BOBS_KEY], "Unknown");
}

#[test]
fn c66_a_confirmed_deletion_is_finished_whichever_owner_is_named() {
    let sandbox = documented();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let _ = kept
        .case(&sandbox, &[])
        .run()
        .exits(0)
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    sandbox.rename_user("Bob", "Bobby");
    kept.list(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bobby\n"));
    for more in [&[][..], &["--dry-run"], &["--ignore-missing"]] {
        let dry_run = if more.contains(&"--dry-run") {
            "; this was a dry run"
        } else {
            ""
        };
        let finished = format!("result: 1 key: 1 finished by an earlier run{dry_run}\n");
        kept.case(&sandbox, more).run().stops_exactly(0, &finished);
    }
    let sent = actions(&sandbox);
    let deletions = sent.iter().filter(|action| *action == "DeleteAccessKey");
    assert_eq!(deletions.count(), 1);
}

/// The deletion is presumed for Alice. A later run finds that Bob has the key. IAM denies its deletion, or the key does not meet
/// a condition.
#[test]
fn a_presumed_deletion_is_not_finished_once_iam_lists_the_key_for_any_user() {
    let only_inactive = ["--find-user", "--only-inactive"];
    let cases = [
        (
            started as fn() -> Kept,
            &["--user-name", "Bob"][..],
            "Unknown",
        ),
        (started_an_hour_ago, &only_inactive, "Skipped"),
    ];
    each(cases, |(start, more, outcome)| {
        let (sandbox, kept) = (documented(), start());
        let is_open = outcome == "Unknown";
        let (status, later) = if is_open { (10, 10) } else { (11, 3) };
        let presumed = format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Alice\",\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true}}\n"
        );
        let started = kept.journal().replace("\"Bob\"", "\"Alice\"");
        std::fs::write(kept.path(), started + &presumed).expect("a journal");
        let run = |more: &[&str]| {
            let args = ["--access-key-id", BOBS_KEY, "--output", "json", "--journal"];
            let case = Case::at(&sandbox, args).args([kept.path()]);
            case.args(more.iter().copied()).run()
        };
        let of_alice = ["--user-name", "Alice", "--ignore-missing", "--dry-run"];
        let finished = run(&of_alice).exits(0).prints_nothing();
        let _ = finished.says(&["1 key is already finished in the journal"]);
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(once("DeleteAccessKey", denied));
        let found = run(more).exits(status);
        let _ = found.prints_outcome(outcome).says(&["error: "]);
        let journal = kept.journal();
        let last = journal.lines().last().expect("a record");
        assert!(last.contains("\"Status\":\"Active\""), "{last}");
        let again = run(&only_inactive).exits(status);
        let _ = again.prints_outcome(outcome).says(&["error: "]);
        assert_eq!(kept.journal(), journal);
        let lookup = run(&of_alice).exits(later).prints_anything();
        let _ = lookup.says(&["the key belongs to the user Bob"]);
        sandbox.clear_faults();
        sandbox.rename_user("Alice", "Amy");
        sandbox.rename_user("Bob", "Alice");
        let _ = run(&of_alice[..2]).exits(0).prints_anything();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn a_presumed_deletion_ends_if_a_sweep_lists_the_key() {
    let sandbox = documented();
    let kept = started_an_hour_ago();
    let started = kept.journal().replace("\"Bob\"", "\"Alice\"");
    let missing = started.lines().last().expect("a record").replace(
        "\"Intent\":\"delete\"",
        "\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true",
    );
    std::fs::write(kept.path(), format!("{started}{missing}\n")).expect("a journal");
    let args = ["--user-name", "Bob", "--all-keys", "--only-inactive"];
    for _ in 0..2 {
        let case = Case::at(&sandbox, args).args(["--yes", "--journal"]);
        let swept = case.args([kept.path()]).run().exits(0).prints_nothing();
        let _ = swept.says(&["nothing to do: "]);
        assert_eq!(kept.journal().matches("\"Skipped\"").count(), 1);
    }
    sandbox.rename_user("Alice", "Amy");
    sandbox.rename_user("Bob", "Alice");
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Alice",
        "--journal",
    ];
    let deleted = Case::at(&sandbox, args).args([kept.path()]).run().exits(0);
    let _ = deleted.prints_anything();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_skipped_key_of_a_renamed_user_is_read_again() {
    let sandbox = documented();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
    let _ = printed.prints_outcomes(&[("Deactivated", 1)]);
    sandbox.rename_user("Bob", "Robert");
    for dry_run in [&["--dry-run"][..], &[]] {
        let case = kept.case(&sandbox, &["--deactivate", "--except-user", "B*"]);
        let printed = case.args(dry_run).run().exits(0);
        let (row, ends) = (printed.object(), "1 key: 1 already inactive");
        assert_eq!(row["UserName"], "Robert");
        assert_eq!(row["Reason"], "already inactive");
        let _ = printed.prints_outcomes(&[("Skipped", 1)]).says(&[ends]);
    }
}
