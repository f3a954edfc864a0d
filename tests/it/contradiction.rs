//! Reads of IAM that contradict each other or lag: nothing that IAM said is dropped, and no new key is called missing.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, documented};
use crate::journal::Kept;
use crate::proof::hidden;
use crate::verification::{NEVER, last_use};

fn no_such_key() -> What {
    What::error(404, "NoSuchEntity", "The Access Key cannot be found.")
}

#[test]
fn c48_an_owner_that_iam_names_is_not_dropped_with_a_denied_list() {
    // IAM says that the key is Bob's, and to the deletion that it is not there.
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let (missing, failed) = (["--ignore-missing"], "1 key: 1 failed and not changed");
    kept.ends(&sandbox, &missing, 3, "(NoSuchEntity)", failed);
    assert!(sandbox.has_key(BOBS_KEY));
    // The next run tries it again.
    sandbox.clear_faults();
    kept.ends(&sandbox, &missing, 0, "result: ", "1 key: 1 deleted");
}

#[test]
fn c50_a_lost_response_about_a_key_whose_owner_iam_names_is_unknown() {
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let _ = Case::documented(&sandbox, &["--timeout", "12"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(NoSuchEntity)"])
        .ends_with("there is no permission to list the user's keys");
    assert!(sandbox.has_key(BOBS_KEY));
}

/// An account in which new keys are hidden from the first list of each user.
fn new_keys() -> Sandbox {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox
}

#[test]
fn c52_a_key_that_no_user_has_may_be_the_root_users() {
    let sandbox = new_keys();
    sandbox.remove_key(BOBS_KEY);
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--find-user",
        "--ignore-missing",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is missing, because no user of this account has it; if it is the root user's \
             or another account's, it still exists\n"
        ));
}

#[test]
fn c52_a_key_that_a_later_list_shows_is_used() {
    let sandbox = new_keys();
    sandbox.fault(Fault::new(hidden()).on("ListAccessKeys"));
    let _ = Case::documented(&sandbox, &["--ignore-missing", "--older-than", "1d"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(BOB_SECOND_KEY_ID) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn c52_answers_that_contradict_each_other_have_a_hint_of_their_own() {
    let sandbox = documented();
    sandbox.add_key(KeySeed::new("Bob", BOBS_KEY));
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(bobs.always());
    let _ = Case::documented(&sandbox, &["--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key \
             cannot be found.\n\
             hint: IAM's responses contradict each other, which can happen for a few seconds after a change: run the same command \
             again\n\
             result: {BOBS_KEY}: not deleted: IAM still lists the key\n"
        ));
}
