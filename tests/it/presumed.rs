//! Deletions that no response of IAM confirms, and what a later run with the same journal makes of them.

use std::process::Command;
use std::time::Duration;

use iam_sandbox::What;
use iam_sandbox::documented::ALICE_KEY_ID;

use crate::case::{BOBS_KEY, actions, always, documented, once};
use crate::journal::Kept;
use crate::resumed_owner::begun_without_owner;
use crate::streams::wait_for;

#[test]
fn a_deletion_that_is_presumed_for_a_named_owner_is_finished_for_that_owner_only() {
    let sandbox = documented();
    sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
    sandbox.deny("iam:GetAccessKeyLastUsed");
    // The list names the wrong owner.
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Bob\n"));
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    // The last response, a 404, has a request ID.
    assert!(printed.object()["RequestId"].is_string());
    let _ = printed
        .prints_outcome("Deleted")
        .says(&["is presumed deleted", "and does not confirm its owner"]);
    assert!(kept.journal().contains("\"OwnerUnchecked\":true"));
    let finished = "result: 1 key: 1 finished by an earlier run\n";
    kept.case(&sandbox, &[]).run().stops_exactly(0, finished);

    kept.list(&format!("{ALICE_KEY_ID}\n"));
    let printed = kept.case(&sandbox, &["--find-user"]).run().exits(0);
    assert_eq!(printed.object()["UserName"], "Alice");
    let _ = printed
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(ALICE_KEY_ID));
    kept.case(&sandbox, &[]).run().stops_exactly(0, finished);
}

#[test]
fn a_resumed_run_with_little_time_sends_the_request() {
    let sandbox = documented();
    let kept = begun_without_owner(BOBS_KEY, "\"Bob\"");
    let printed = kept.case(&sandbox, &["--find-user", "--timeout", "5"]);
    let _ = printed
        .run()
        .exits(0)
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_check_that_the_time_limit_ends_is_not_called_a_failed_one() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let slow = What::Delay(Duration::from_secs(2));
    sandbox.fault(always("GetAccessKeyLastUsed", slow));
    let kept = begun_without_owner(BOBS_KEY, "\"Bob\"");
    let printed = kept.case(&sandbox, &["--timeout", "6"]).run().exits(10);
    let _ = printed.prints_outcome("Unknown").says(&[
        "an earlier run started this, and IAM now reports no such key; there was not enough time to check the key",
    ]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn a_key_that_does_not_exist_is_printed_once_and_keeps_its_recorded_owner() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let no_such_key = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    sandbox.fault(always("GetAccessKeyLastUsed", no_such_key));
    let kept = begun_without_owner(BOBS_KEY, "\"Bob\"");
    // Where the disk is full, only standard error says it.
    let running = kept.case(&sandbox, &[]).start();
    wait_for(|| !actions(&sandbox).is_empty());
    let process = format!("--pid={}", running.child.id());
    let limited = Command::new("prlimit")
        .args(["--fsize=1", &process])
        .status();
    assert!(limited.expect("prlimit").success());
    let presumed = format!(
        "iam-del-key: warning: {BOBS_KEY} is presumed deleted: an earlier run started this; IAM reports that the key does \
         not exist\n"
    );
    let warning = "the next run with this journal verifies and reports it\n";
    let ended = running.end().exits(1).prints_nothing();
    let _ = ended.says(&[&presumed, warning]);

    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let _ = printed
        .prints_outcome("Deleted")
        .says_exactly(&format!("{presumed}result: 1 key: 1 deleted\n"));
    let record =
        format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"Deleted\"");
    assert!(kept.journal().contains(&record), "{}", kept.journal());
}
