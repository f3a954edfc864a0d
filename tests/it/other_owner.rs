//! A key that the named user does not have (any more). What a list of its owner showed still counts, and a renamed user may have
//! the key with its new status.

use std::time::Duration;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, documented, each_at_once, once};
use crate::journal::Kept;
use crate::proof::{READS, denied, list, on_delete};

const SOON: Duration = Duration::from_secs(20);
const LOST: &str =
    "the response to an earlier attempt was lost, and the retry returned NoSuchEntity";

#[test]
fn c51_a_change_of_status_is_unknown_if_another_user_has_the_key() {
    let no_lookup = format!(
        "hint: the key does not exist, or belongs to another user; ask for the permission iam:GetAccessKeyLastUsed on * to \
         find the key's owner\n\
         hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n\
         result: {BOBS_KEY}: unknown: {LOST}; there is no permission to check the key\n"
    );
    let by_owner = |option: &str| {
        format!(
            "hint: review it first: iam-del-key --access-key-id {BOBS_KEY} --user-name=Robert {option} --dry-run\n\
         result: {BOBS_KEY}: unknown: {LOST}; IAM reports that Robert owns the key\n"
        )
    };
    let mut cases = Vec::new();
    for (option, status) in [
        ("--deactivate", Status::Active),
        ("--reactivate", Status::Inactive),
    ] {
        cases.push((option, status, &[][..], by_owner(option)));
        cases.push((option, status, &READS, no_lookup.clone()));
    }
    each_at_once(cases, |(option, status, denials, expected)| {
        let sandbox = denied(denials);
        sandbox.set_status(BOBS_KEY, status);
        let no_such_key = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
        let faults = [What::ResetAfterActing, What::ResetBeforeActing, no_such_key];
        for what in faults {
            sandbox.fault(once("UpdateAccessKey", what));
        }
        let running = Case::documented(&sandbox, &[option, "--yes"]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        sandbox.rename_user("Bob", "Robert");
        sandbox.add_key(KeySeed::new("Bob", "AKIAIOSFODNN7EXAMPLE"));
        let _ = running
            .end()
            .exits(10)
            .prints_outcome("Unknown")
            .says_exactly(&format!(
                "iam-del-key: error: An error occurred (NoSuchEntity) when calling the UpdateAccessKey operation: The Access \
                 Key cannot be found.\n{expected}"
            ));
    });
}

/// The first deletion does not reach IAM. Then IAM names the owner, whose list first has the key and later does not.
fn owner_is_named_once(then: What) -> Sandbox {
    let sandbox = documented();
    sandbox.fault(on_delete(What::ResetBeforeActing));
    sandbox.fault(Fault::new(then).on("GetAccessKeyLastUsed").skip(1).always());
    sandbox
}

fn no() -> What {
    What::error(403, "AccessDenied", "no")
}

fn named_alice(sandbox: &Sandbox) -> Case {
    Case::at(
        sandbox,
        ["--access-key-id", BOBS_KEY, "--user-name", "Alice"],
    )
}

#[test]
fn c50_an_owner_whose_list_has_the_key_is_not_forgotten() {
    let of_bob = (3, "Failed", "not deleted: it belongs to the user Bob");
    let failed = || What::error(500, "ServiceFailure", "oops");
    let unknown = format!("unknown: {LOST}; IAM reports that Bob owns the key");
    let cases = [
        (no(), "30", of_bob),
        (failed(), "30", of_bob),
        // No time is left to read Bob's list again.
        (failed(), "5", (10, "Unknown", unknown.as_str())),
    ];
    each_at_once(cases, |(then, timeout, (status, outcome, known))| {
        let sandbox = owner_is_named_once(then);
        let _ = named_alice(&sandbox)
            .args(["--timeout", timeout])
            .run()
            .exits(status)
            .prints_outcome(outcome)
            .says_exactly(&format!(
                "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access \
                 Key with id {BOBS_KEY} cannot be found.\n\
                 hint: review it first: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --dry-run\n\
                 result: {BOBS_KEY}: {known}\n"
            ));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn c50_a_signal_does_not_forget_the_owner_either() {
    let sandbox = owner_is_named_once(no());
    let running = named_alice(&sandbox).start();
    // Two deletions, the owner lookup, and the owner's list.
    assert!(sandbox.wait_for_requests(4, SOON));
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_outcome("Unknown")
        .says_exactly(&format!(
            "iam-del-key: error: interrupted; before that: An error occurred (NoSuchEntity) when calling the DeleteAccessKey \
             operation: The Access Key with id {BOBS_KEY} cannot be found.\n\
             hint: check with: iam-del-key --access-key-id {BOBS_KEY} --find-user --dry-run\n\
             result: {BOBS_KEY}: unknown: {LOST}; IAM reports that Bob owns the key\n"
        ));
}

#[test]
fn c01_after_a_signal_a_deletion_that_is_presumed_is_called_that() {
    let sandbox = denied(&READS[..1]);
    sandbox.fault(on_delete(What::ResetBeforeActing));
    let running = named_alice(&sandbox).start();
    // Two deletions and two reads. The absence is confirmed a second later.
    assert!(sandbox.wait_for_requests(4, SOON));
    let why =
        format!("{LOST}; IAM does not list the key for Alice, and does not confirm its owner");
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_outcome("Deleted")
        .says_exactly(&format!(
            "iam-del-key: error: interrupted; {BOBS_KEY} is presumed deleted: {why}\n\
             result: {BOBS_KEY}: deleted: {why}\n"
        ));
}

#[test]
fn c01_after_a_signal_a_deletion_that_iam_confirms_is_called_that() {
    let sandbox = documented();
    sandbox.fault(once(
        "DeleteAccessKey",
        What::Delay(Duration::from_millis(300)),
    ));
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_outcome("Deleted")
        .says_exactly(&format!(
            "iam-del-key: error: interrupted after IAM confirmed the change\nresult: {BOBS_KEY}: deleted\n"
        ));
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c50_a_key_that_was_listed_before_its_user_was_renamed_is_missing_with_a_warning() {
    let sandbox = denied(&READS[..1]);
    // The first list is from before the rename.
    let key = format!(
        "<member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>Active</Status>\
         <CreateDate>2024-01-01T00:00:00Z</CreateDate></member>"
    );
    let listed = list("<UserName>Bob</UserName>", &key, "1");
    sandbox.fault(once("ListAccessKeys", listed.clone()));
    sandbox.rename_user("Bob", "Robert");
    let new = KeySeed::new("Bob", "AKIAIOSFODNN7EXAMPLE");
    sandbox.add_key(new.created_days_ago(0));
    let options = ["--older-than", "1d", "--ignore-missing"];
    let run = || Case::documented(&sandbox, &options).run();
    let _ = run()
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is missing, but it could not be checked whether another user owns it: IAM denied \
             GetAccessKeyLastUsed, as it also does for a key that does not exist\n"
        ));
    assert!(sandbox.has_key(BOBS_KEY));
    // The first list lacks an old key of the user, so it is the list of another user.
    sandbox.remove_key("AKIAIOSFODNN7EXAMPLE");
    sandbox.add_key(KeySeed::new("Bob", "AKIAI44QH8DHBEXAMPLE"));
    sandbox.fault(once("ListAccessKeys", listed));
    let _ = run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["not deleted: IAM found no such key for this user\n"]);
}

#[test]
fn c51_a_status_that_an_earlier_run_set_counts_after_a_rename_too() {
    let sandbox = documented();
    let kept = Kept::new("");
    let options = ["--find-user", "--deactivate", "--older-than", "1d"];
    let run = || {
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(options);
        case.args(["--journal"]).args([kept.path()]).run()
    };
    let _ = run().exits(0).prints_outcome("Deactivated");
    sandbox.rename_user("Bob", "Robert");
    sandbox.deny(READS[1]);
    let _ = run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(AccessDenied)"])
        .ends_with(
            "unknown: an earlier run reported it as deactivated, and its current state is unknown",
        );
}

/// Bob was renamed after the list was made, and another user has his old name. Nothing shows that the key still exists.
#[test]
fn no_hint_calls_a_key_gone_if_its_owner_may_have_another_name() {
    let sandbox = documented();
    sandbox.rename_user("Bob", "Robert");
    sandbox.rename_user("Alice", "Bob");
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let printed = Case::documented(&sandbox, &["--only-inactive"]).run();
    let said = printed.exits(3).prints_outcome("Failed");
    let _ = said.says(&[
        "hint: if it was the named user's key, and the user was not renamed, it is already gone: --ignore-missing counts that \
         as success\n",
    ]);
    assert!(sandbox.has_key(BOBS_KEY));
}
