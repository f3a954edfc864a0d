//! Lost answers: the key is looked for before anything is said, and what is not known is called unknown.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::verification::{NEVER, last_use};

fn lost(what: What, times: u64) -> Sandbox {
    let sandbox = documented();
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").times(times));
    sandbox
}

#[test]
fn f70_a_lost_answer_and_then_no_such_entity_is_deleted() {
    for what in [
        What::ResetAfterActing,
        What::CloseAfterActing,
        What::TruncateHead,
        What::TruncateBody,
        What::CutChunk,
    ] {
        let shown = format!("{what:?}");
        let sandbox = lost(what, 1);
        let says = &[
            "warning: ",
            "is presumed deleted",
            "the response to an earlier attempt was lost, and the retry returned NoSuchEntity",
            "IAM does not list the key for Bob, and does not confirm its owner",
        ];
        let ended = Case::documented(&sandbox, &[]).run();
        let _ = ended
            .exits(0)
            .prints(DELETED)
            .says(says)
            .ends_with(&format!("{BOBS_KEY}: deleted"));
        assert!(!sandbox.has_key(BOBS_KEY), "{shown}");
        assert_eq!(
            actions(&sandbox),
            [
                "DeleteAccessKey",
                "DeleteAccessKey",
                "GetAccessKeyLastUsed",
                "ListAccessKeys",
                "GetAccessKeyLastUsed",
                "ListAccessKeys"
            ],
            "{shown}"
        );
    }
}

#[test]
fn f42_a_reset_before_acting_is_tried_again() {
    let sandbox = lost(What::ResetBeforeActing, 2);
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&sandbox).len(), 3);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn no_answer_at_all_and_the_key_gone_is_deleted() {
    let never = Fault::new(What::ResetBeforeActing).on("DeleteAccessKey");
    // IAM still knows whose it was, and that user's list does not have it.
    let sandbox = lost(What::ResetAfterActing, 1);
    sandbox.fault(never.clone().always());
    let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(bobs.always());
    let _ = Case::documented(&sandbox, &["--timeout", "4"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&[
            "warning: ",
            "no usable response arrived; IAM no longer lists the key",
        ])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
    // Only the command says whose it was. It may be wrong, and the key alive.
    let sandbox = lost(What::ResetAfterActing, 1);
    sandbox.fault(never.always());
    let _ = Case::documented(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user"])
        .ends_with(
            "no usable response arrived; IAM does not list the key for Bob, and does not confirm its owner",
        );
}

#[test]
fn no_answer_at_all_and_the_key_still_there_is_10() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    let known =
        "unknown: the request was sent and no usable response arrived; IAM still lists the key";
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM", "the connection was reset"])
        .ends_with(known);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f71_a_lost_answer_and_then_nobody_there_is_10() {
    let sandbox = lost(What::LoseReplyAndStopListening, 1);
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    let known = &[
        "no usable response from IAM",
        "check with: aws iam list-access-keys --user-name=Bob",
    ];
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(known)
        .ends_with("unknown: ");
    assert!(
        !sandbox.has_key(BOBS_KEY),
        "it was deleted, and the tool cannot know"
    );
}

#[test]
fn f72_looking_is_denied_and_iam_spoke_of_the_key_is_deleted() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .deny("iam:ListAccessKeys")
        .start();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let says = &[
        "warning: ",
        "is presumed deleted",
        "the retry returned NoSuchEntity; there is no permission to check the key",
    ];
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(says)
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_looking_is_denied_and_no_answer_came_is_10() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .deny("iam:ListAccessKeys")
        .start();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["there is no permission to check the key"])
        .ends_with("unknown: ");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_only_the_owner_may_not_be_asked() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["IAM does not list the key for Bob, and does not confirm its owner"])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_of_a_key_without_an_owner_the_signing_users_list_says_nothing() {
    let args = ["--access-key-id", BOBS_KEY, "--timeout", "4"];
    let never = Fault::new(What::ResetBeforeActing)
        .on("DeleteAccessKey")
        .always();
    // It is Bob's and alive, and whose it is may not be asked.
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    sandbox.fault(never.clone());
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["check with: "])
        .ends_with("unknown");
    assert!(sandbox.has_key(BOBS_KEY));
    // Nobody here has it: it may be another account's, or never have been.
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.fault(never.clone());
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["check with: "])
        .ends_with("unknown");
    // IAM listed it among the signing user's own before it was deleted.
    let sandbox = documented();
    sandbox.add_key(KeySeed::new("admin", BOBS_KEY));
    let lost = Fault::new(What::ResetAfterActing).on("DeleteAccessKey");
    sandbox.fault(lost);
    sandbox.fault(never);
    let _ = Case::at(&sandbox, args)
        .args(["--unused-for", "1d"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["IAM no longer lists the key"])
        .ends_with("deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_no_lost_answer_has_most_likely_deleted_another_accounts_key() {
    const THEIRS: &str = "AKIAQNZGKIQY56JQ7WML";
    for (more, denied) in [
        (&[][..], &["iam:GetAccessKeyLastUsed"][..]),
        (
            &["--user-name", "Bob"],
            &["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"],
        ),
    ] {
        let sandbox = documented();
        for action in denied {
            sandbox.deny(action);
        }
        sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
        let _ = Case::at(&sandbox, ["--access-key-id", THEIRS])
            .args(more.iter().copied())
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says(&["the key's ID encodes account 029608264753"])
            .ends_with("unknown");
    }
}

#[test]
fn f73_a_list_that_lags_is_read_again() {
    let sandbox = Sandbox::documented().list_lag(2).start();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["IAM does not list the key for Bob"])
        .ends_with("deleted");
    assert_eq!(
        actions(&sandbox)
            .iter()
            .filter(|action| *action == "ListAccessKeys")
            .count(),
        4
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f73_a_list_that_never_catches_up_is_10() {
    let sandbox = Sandbox::documented().list_lag(1000).start();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let ended = Case::documented(&sandbox, &[]).run();
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["IAM still lists the key", "check with: "])
        .ends_with("unknown: ");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f74_no_such_entity_at_once_is_3_and_not_looked_into() {
    let sandbox = documented();
    let case = Case::at(
        &sandbox,
        [
            "--access-key-id",
            "AKIARZPUZDIKAAAAAAAA",
            "--user-name",
            "Bob",
        ],
    );
    let _ = case
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
             The Access Key with id AKIARZPUZDIKAAAAAAAA cannot be found.\n\
             hint: the key does not exist, or belongs to another user; to find the key's owner: iam-del-key --access-key-id AKIARZPUZDIKAAAAAAAA --find-user --dry-run\n\
             result: AKIARZPUZDIKAAAAAAAA: not deleted: IAM found no such key for this user\n",
        );
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
}

#[test]
fn f75_a_lost_answer_about_another_users_key_is_3() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("DeleteAccessKey")
            .times(1),
    );
    let case = Case::at(
        &sandbox,
        ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"],
    );
    let says = &["(NoSuchEntity)", "--user-name=Alice"];
    let _ = case
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("it belongs to the user Alice");
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_lost_answer_and_a_user_who_does_not_exist_is_3() {
    let sandbox = lost(What::ResetAfterActing, 1);
    let case = Case::at(
        &sandbox,
        ["--access-key-id", BOBS_KEY, "--user-name", "Nobody"],
    );
    let _ = case
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["The user with name Nobody cannot be found."])
        .ends_with("not deleted");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn no_answer_about_another_accounts_key_is_10() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    // This ID encodes account 609629065308; that the sandbox's account does not list it says nothing.
    let case = Case::at(
        &sandbox,
        [
            "--access-key-id",
            "AKIAY34FZKBOKMUTVV7A",
            "--user-name",
            "Bob",
            "--timeout",
            "4",
        ],
    );
    let said = case.run().exits(10).prints_outcome("Unknown");
    assert!(!said.messages().contains("check with"));
    let _ = said
        .says(&["encodes account 609629065308"])
        .ends_with("unknown: ");
    assert_eq!(sandbox.keys().len(), documented().keys().len());
}

#[test]
fn f41_silence_after_acting_is_settled() {
    let sandbox = lost(What::SilenceAfterActing, 1);
    let case = Case::documented(&sandbox, &["--cli-read-timeout", "1"]);
    let ended = case
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["the retry returned NoSuchEntity"])
        .ends_with("deleted");
    let _ = ended.within(Duration::from_secs(20));
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f41_silence_for_ever_ends() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let case = Case::documented(&sandbox, &["--timeout", "4"]);
    let ended = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["did not respond in time; --timeout is 4 s", "check with: "])
        .ends_with("unknown: ");
    let _ = ended.within(Duration::from_secs(20));
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_signing_key_deleted_and_the_answer_lost_is_10() {
    let sandbox = lost(What::ResetAfterActing, 1);
    let case = Case::at(
        &sandbox,
        [
            "--access-key-id",
            ADMIN_KEY_ID,
            "--user-name",
            "admin",
            "--allow-self",
        ],
    );
    let _ = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(InvalidClientTokenId)"])
        .ends_with("unknown: ");
    assert!(!sandbox.has_key(ADMIN_KEY_ID));
}
