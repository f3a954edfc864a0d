//! Lost responses: the run verifies the key before it reports anything, and calls an unknown state unknown.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, Case, actions, always, documented, each, faulty, once};
use crate::denial::INVALID;
use crate::journal::Kept;
use crate::verification::{NEVER, last_use};

fn lost(what: What) -> Sandbox {
    faulty([once("DeleteAccessKey", what)])
}

/// IAM denies reads of these actions, and the first deletion has this fault.
fn lost_and_denied(what: What, denied: &[&str]) -> Sandbox {
    let sandbox = lost(what);
    for action in denied {
        sandbox.deny(action);
    }
    sandbox
}

/// No deletion gets a response or acts.
fn never() -> Fault {
    always("DeleteAccessKey", What::ResetBeforeActing)
}

const READS: [&str; 2] = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"];
const LIMIT: [&str; 2] = ["--timeout", "4"];

/// Why a key is presumed deleted if only the command names its owner.
pub(crate) const UNCONFIRMED: &str = "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; IAM does not list the key for Bob, and does not confirm its owner";

#[test]
fn f70_no_such_entity_after_a_lost_response_means_deleted() {
    let faults = [
        What::ResetAfterActing,
        What::CloseAfterActing,
        What::TruncateHead,
        What::TruncateBody,
        What::CutChunk,
    ];
    each(faults, |what| {
        let sandbox = lost(what);
        Case::documented(&sandbox, &[]).run().deletes(UNCONFIRMED);
        assert!(!sandbox.has_key(BOBS_KEY));
        let reads = ["GetAccessKeyLastUsed", "ListAccessKeys"];
        let expected = [["DeleteAccessKey"; 2], reads, reads].concat();
        // The key's ID does not encode its account.
        let expected = [&expected[..], &["GetAccessKeyInfo"]].concat();
        assert_eq!(actions(&sandbox), expected);
    });
}

#[test]
fn f42_a_connection_reset_before_the_deletion_is_retried() {
    let sandbox = faulty([never().times(2)]);
    Case::documented(&sandbox, &[]).run().deletes_quietly();
    assert_eq!(actions(&sandbox).len(), 3);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_key_that_is_gone_after_no_response_is_deleted() {
    // IAM still names the owner, whose list does not have the key.
    let sandbox = lost(What::ResetAfterActing);
    sandbox.fault(never());
    sandbox.fault(always("GetAccessKeyLastUsed", last_use("Bob", NEVER)));
    let ended = Case::documented(&sandbox, &["--timeout", "15"]).run();
    ended.deletes(
        "the request was sent and no usable response arrived; IAM does not list the key for Bob, whom it named as the owner",
    );
    assert!(!sandbox.has_key(BOBS_KEY));
    // Only the command names the owner. It may be wrong, and the key may exist.
    let sandbox = lost(What::ResetAfterActing);
    sandbox.fault(never());
    Case::documented(&sandbox, &LIMIT).run().ends_as(
        10,
        "Unknown",
        &["check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user"],
        "unknown: the request was sent and no usable response arrived; IAM does not list the key for Bob, and does not confirm its owner",
    );
}

#[test]
fn a_key_that_still_exists_after_no_response_exits_10() {
    let sandbox = faulty([never()]);
    Case::documented(&sandbox, &LIMIT).run().ends_as(
        10,
        "Unknown",
        &["no usable response from IAM", "the connection was reset"],
        "unknown: the request was sent and no usable response arrived; IAM still lists the key",
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f71_an_unreachable_iam_after_a_lost_response_exits_10() {
    let sandbox = lost(What::LoseReplyAndStopListening);
    let says = &[
        "no usable response from IAM",
        "check with: aws iam list-access-keys --user-name=Bob",
    ];
    let ended = Case::documented(&sandbox, &LIMIT).run();
    ended.ends_as(
        10,
        "Unknown",
        says,
        "unknown: the request was sent and no usable response arrived; checking the key failed",
    );
    let is_there = sandbox.has_key(BOBS_KEY);
    assert!(!is_there, "the key still exists");
}

#[test]
fn f72_no_such_entity_means_deleted_if_reads_are_denied() {
    let sandbox = lost_and_denied(What::ResetAfterActing, &READS);
    Case::documented(&sandbox, &[]).run().deletes(
        "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; there is no permission to check the key",
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_no_response_exits_10_if_reads_are_denied() {
    let sandbox = lost_and_denied(What::ResetBeforeActing, &READS);
    sandbox.fault(never());
    let says = &["there is no permission to check the key"];
    let ended = Case::documented(&sandbox, &LIMIT).run();
    ended.ends_as(10, "Unknown", says, "unknown: the request was sent and no usable response arrived; there is no permission to check the key");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_only_the_owner_lookup_is_denied() {
    let sandbox = lost_and_denied(What::ResetAfterActing, &READS[..1]);
    Case::documented(&sandbox, &[]).run().deletes(UNCONFIRMED);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_the_signing_users_list_proves_nothing_about_a_key_without_an_owner() {
    let args = |timeout| ["--access-key-id", BOBS_KEY, "--timeout", timeout];
    let is_unknown = |sandbox: &Sandbox| {
        let ended = Case::at(sandbox, args("4")).run();
        ended.ends_as(10, "Unknown", &["check with: "], "unknown: the request was sent and no usable response arrived; IAM does not report who owns the key");
    };
    // The key is Bob's and exists, and the owner lookup is denied.
    let sandbox = faulty([never()]);
    sandbox.deny("iam:GetAccessKeyLastUsed");
    is_unknown(&sandbox);
    assert!(sandbox.has_key(BOBS_KEY));
    // No user here has the key: it may be another account's, or may never have existed.
    let sandbox = faulty([never()]);
    sandbox.remove_key(BOBS_KEY);
    is_unknown(&sandbox);
    // IAM listed it among the signing user's keys before it was deleted.
    let sandbox = lost(What::ResetAfterActing);
    sandbox.add_key(KeySeed::new("admin", BOBS_KEY));
    sandbox.fault(never());
    let case = Case::at(&sandbox, args("12")).args(["--unused-for", "1d"]);
    case.run().deletes(
        "the request was sent and no usable response arrived; IAM no longer lists the key for admin",
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f72_a_lost_response_does_not_presume_another_accounts_key_deleted() {
    const THEIRS: &str = "AKIAQNZGKIQY56JQ7WML";
    let bobs = &["--user-name", "Bob"][..];
    each(
        [(&[][..], &READS[..1]), (bobs, &READS)],
        |(more, denied)| {
            let lost = || lost_and_denied(What::ResetBeforeActing, denied);
            let case = |sandbox: &Sandbox| {
                let case = Case::at(sandbox, ["--access-key-id", THEIRS]).args(more);
                case.run()
            };
            let sandbox = lost();
            sandbox.deny("sts:GetAccessKeyInfo");
            let says = &["the key's ID encodes account 029608264753"];
            case(&sandbox).ends_as(10, "Unknown", says, "unknown: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; the key's ID encodes account 029608264753, which the credentials of account 123456789012 cannot check");
            // STS returns the account.
            let says = &["the key belongs to account 029608264753"];
            case(&lost()).ends_as(
                3,
                "Failed",
                says,
                "not deleted: it belongs to account 029608264753",
            );
        },
    );
}

#[test]
fn f73_a_list_that_lags_is_read_again() {
    let sandbox = Sandbox::documented().list_lag(2).start();
    sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
    let ended = Case::documented(&sandbox, &[]).run();
    ended.deletes(UNCONFIRMED);
    let mut lists = actions(&sandbox);
    lists.retain(|action| action == "ListAccessKeys");
    assert_eq!(lists.len(), 4);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f73_a_list_that_never_catches_up_exits_10() {
    let sandbox = Sandbox::documented().list_lag(1000).start();
    sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
    let says = &["IAM still lists the key", "check with: "];
    let ended = Case::documented(&sandbox, &[]).run();
    ended.ends_as(10, "Unknown", says, "unknown: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; IAM still lists the key");
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// A key that is named with this owner.
fn named<'a>(key: &'a str, owner: &'a str) -> [&'a str; 4] {
    ["--access-key-id", key, "--user-name", owner]
}

#[test]
fn f74_an_immediate_no_such_entity_exits_3_without_verification() {
    let sandbox = documented();
    let case = Case::at(&sandbox, named("AKIARZPUZDIKAAAAAAAA", "Bob"));
    let said = case.run().exits(3).prints_outcome("Failed");
    let _ = said.says_exactly(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
             The Access Key with id AKIARZPUZDIKAAAAAAAA cannot be found.\n\
             hint: the key does not exist, or belongs to another user; to find the key's owner: iam-del-key --access-key-id AKIARZPUZDIKAAAAAAAA --find-user --dry-run\n\
             result: AKIARZPUZDIKAAAAAAAA: not deleted: IAM found no such key for this user\n",
        );
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
}

#[test]
fn f75_a_lost_response_about_another_users_key_exits_3() {
    let sandbox = lost(What::ResetAfterActing);
    let says = format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with \
         id {ALICE_KEY_ID} cannot be found.\n\
         hint: review it first: iam-del-key --access-key-id {ALICE_KEY_ID} --user-name=Alice --dry-run\n\
         result: {ALICE_KEY_ID}: not deleted: it belongs to the user Alice\n"
    );
    let ended = Case::at(&sandbox, named(ALICE_KEY_ID, "Bob")).run();
    ended.ends_exactly(3, "Failed", &says);
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn f75_another_owner_whom_no_time_is_left_to_confirm_is_named() {
    let sandbox = faulty([never()]);
    let check =
        format!("check with: iam-del-key --access-key-id {ALICE_KEY_ID} --find-user --dry-run");
    let case = Case::at(&sandbox, named(ALICE_KEY_ID, "Bob")).args(LIMIT);
    let known = "unknown: the request was sent and no usable response arrived; IAM reports that Alice owns the key";
    case.run().ends_as(10, "Unknown", &[&check], known);
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_lost_response_about_a_key_of_a_nonexistent_user_exits_3() {
    let sandbox = lost(What::ResetAfterActing);
    let says = "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The user \
                with name Nobody cannot be found.\n\
                hint: review it first: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --dry-run\n\
                result: AKIDPMS9RO4H3FEXAMPLE: not deleted: it belongs to the user Bob\n";
    let ended = Case::at(&sandbox, named(BOBS_KEY, "Nobody")).run();
    ended.ends_exactly(3, "Failed", says);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn no_response_about_another_accounts_key_exits_10() {
    let sandbox = faulty([never()]);
    // This ID encodes account 609629065308. The lists of the sandbox's account prove nothing about it.
    let case = Case::at(&sandbox, named("AKIAY34FZKBOKMUTVV7A", "Bob")).args(LIMIT);
    let said = case.run().exits(10).prints_outcome("Unknown");
    assert!(!said.messages().contains("check with"));
    let _ = said
        .says(&["encodes account 609629065308"])
        .ends_with("unknown: the request was sent and no usable response arrived; the key's ID encodes account 609629065308, which the credentials of account 123456789012 cannot check");
    assert_eq!(sandbox.keys().len(), documented().keys().len());
}

/// Much longer than these take, and much shorter than a hang.
const BOUNDED: Duration = Duration::from_secs(20);

#[test]
fn f41_a_missing_response_after_the_deletion_is_settled() {
    let sandbox = lost(What::SilenceAfterActing);
    let ended = Case::documented(&sandbox, &["--cli-read-timeout", "1"]).run();
    ended.within(BOUNDED).deletes(UNCONFIRMED);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f41_a_run_ends_although_iam_never_responds() {
    let sandbox = faulty([Fault::new(What::SilenceBeforeActing).always()]);
    let says = &[
        "it did not respond within ",
        " s; --timeout is 4 s",
        "check with: ",
    ];
    let ended = Case::documented(&sandbox, &LIMIT).run().within(BOUNDED);
    ended.ends_as(
        10,
        "Unknown",
        says,
        "unknown: the request was sent and no usable response arrived; checking the key failed",
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

/// AWS then rejects every request, but the credentials are not wrong.
#[test]
fn a_lost_response_to_the_deletion_of_the_signing_key_exits_10() {
    let by_owner = "aws iam list-access-keys --user-name=admin";
    let find = format!("iam-del-key --access-key-id {ADMIN_KEY_ID} --find-user --dry-run");
    let cases = [
        (&["--user-name", "admin"][..], by_owner),
        (&["--user-name", "admin", "--deactivate"], by_owner),
        (&[], &find),
        (&["--deactivate"], &find),
    ];
    each(cases, |(more, check)| {
        let (action, done) = if more.contains(&"--deactivate") {
            ("UpdateAccessKey", "deactivated")
        } else {
            ("DeleteAccessKey", "deleted")
        };
        let sandbox = faulty([once(action, What::ResetAfterActing)]);
        let case = || {
            let args = ["--access-key-id", ADMIN_KEY_ID, "--allow-self"];
            Case::at(&sandbox, args).args(more)
        };
        let error = format!(
            "iam-del-key: error: An error occurred (InvalidClientTokenId) when calling the {action} operation: {INVALID}\n\
                 hint: AWS rejects a key that was deleted or is inactive, and this key signs the requests; with other \
                 credentials, check with: {check}\nresult: {ADMIN_KEY_ID}: "
        );
        let said = case().run().exits(10).prints_outcome("Unknown");
        let _ = said.says_exactly(&format!(
            "{error}unknown: the response to an earlier attempt was lost; checking the key failed\n"
        ));
        // Without a journal, the same command cannot know that.
        let said = case().run().exits(7).prints_outcome("Failed");
        let _ = said.says_exactly(&format!("{error}not {done}: IAM refused the request\n"));
    });
}

#[test]
fn a_signing_key_that_an_earlier_run_started_to_delete_stays_unknown() {
    let sandbox = lost(What::ResetAfterActing);
    let kept = Kept::new("");
    let case = || {
        let case = Case::at(&sandbox, named(ADMIN_KEY_ID, "admin")).args(["--allow-self"]);
        case.args(["--journal"]).args([kept.path()])
    };
    let _ = case().run().exits(10).prints_outcome("Unknown");
    let said = case().run().exits(7).prints_nothing();
    let _ = said.says(&[
        "(InvalidClientTokenId) when calling the GetCallerIdentity operation",
        "or the key was deleted, is inactive",
        &format!("result: {ADMIN_KEY_ID}: unknown: an earlier run started to change it, and the result is unknown\n"),
    ]);
}
