//! What a response proves: the run reports about a key only what responses, reads and the journal show.

use std::time::Duration;

use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, actions, documented, each_at_once};
use crate::intent::started;
use crate::journal::Kept;
use crate::lost_response::UNCONFIRMED;

pub(crate) const READS: [&str; 2] = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"];

pub(crate) fn denied(actions: &[&str]) -> Sandbox {
    let sandbox = documented();
    for action in actions {
        sandbox.deny(action);
    }
    sandbox
}

pub(crate) fn on_delete(what: What) -> Fault {
    Fault::new(what).on("DeleteAccessKey")
}

/// The message about a missing key if only the command names its owner.
pub(crate) fn unchecked(key: &str) -> String {
    format!(
        "iam-del-key: warning: {key} is missing, but it could not be checked whether another user owns it: \
         IAM denied GetAccessKeyLastUsed, as it also does for a key that does not exist\n"
    )
}

/// A page that is not from IAM, after the request acted or not.
fn page(status: u16, act: Act) -> What {
    What::Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: b"<html><body>Sign in</body></html>".to_vec(),
        act,
    }
}

/// A list of Bob's keys without the key of the example.
pub(crate) fn hidden() -> What {
    list("<UserName>Bob</UserName>", "", "hidden")
}

/// A list with these elements for its user and keys.
pub(crate) fn list(user: &str, keys: &str, request_id: &str) -> What {
    let page = format!(
        "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
         <IsTruncated>false</IsTruncated>{user}<AccessKeyMetadata>{keys}</AccessKeyMetadata></ListAccessKeysResult>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></ListAccessKeysResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn c48_a_key_of_another_user_is_not_missing() {
    // IAM names the owner, and denies the list of that user.
    let sandbox = denied(&READS[1..]);
    let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access \
             Key with id AKIDPMS9RO4H3FEXAMPLE cannot be found.\n\
             hint: review it first: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --dry-run\n\
             result: AKIDPMS9RO4H3FEXAMPLE: not deleted: IAM reports that Bob owns the key\n",
        );
    assert!(sandbox.has_key(BOBS_KEY));
    // IAM does not name the owner of a missing key. Either option of the hint turns the result into a success.
    let gone = "AKIARZPUZDIKAAAAAAAA";
    let missing = |sandbox: &Sandbox, more: &[&str]| {
        let case = Case::at(sandbox, ["--access-key-id", gone, "--ignore-missing"]);
        case.args(more).run()
    };
    let _ = missing(&documented(), &[]).exits(3).prints_outcome("Failed").says_exactly(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access \
         Key with id AKIARZPUZDIKAAAAAAAA cannot be found.\n\
         hint: whether another user owns it could not be checked: name its owner with --user-name NAME, or add \
         --find-user; then --ignore-missing counts a missing key as success\n\
         result: AKIARZPUZDIKAAAAAAAA: not deleted: IAM found no such key for this user\n",
    );
    for more in [&["--user-name", "Bob"][..], &["--find-user"]] {
        let _ = missing(&documented(), more)
            .exits(0)
            .prints_outcome("Missing")
            .says(&["is missing"]);
    }
    // IAM does not name the owner, and neither does the command.
    let sandbox = denied(&READS);
    let kept = Kept::new(&format!("{BOBS_KEY}\n"));
    let (missing, failed) = (["--ignore-missing"], "1 key: 1 failed and not changed");
    let hint = "name its owner with --user-name NAME";
    kept.ends(&sandbox, &missing, 3, hint, failed);
    assert!(sandbox.has_key(BOBS_KEY));
    // The next run has the right owner, and the journal does not say that the key is done.
    let owner = ["--user-name", "Bob"];
    kept.ends(&sandbox, &owner, 0, "result: ", "1 key: 1 deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c48_an_absent_key_is_gone_if_the_caller_names_the_owner() {
    for denials in [&READS[..], &READS[..1], &[]] {
        let sandbox = denied(denials);
        sandbox.remove_key(BOBS_KEY);
        let _ = Case::documented(&sandbox, &["--ignore-missing"])
            .run()
            .exits(0)
            .prints_outcome("Missing")
            .says_exactly(&unchecked(BOBS_KEY));
    }
}

#[test]
fn c49_a_deletion_without_a_response_is_sent_again() {
    let late = Duration::from_secs(4);
    for (what, times) in [
        (page(200, Act::Before), 1),
        (page(200, Act::Never), 2),
        (page(504, Act::Never), 4),
        (What::ActAfterReset(late), 4),
        (What::ResetBeforeActing, 4),
    ] {
        let shown = format!("{what:?}");
        let is_acted_on = matches!(
            &what,
            What::Reply {
                act: Act::Before,
                ..
            }
        );
        let sandbox = Sandbox::documented().list_lag(2).start();
        sandbox.fault(on_delete(what).times(times));
        let ended = Case::documented(&sandbox, &[]).run();
        if is_acted_on {
            ended.deletes(UNCONFIRMED);
        } else {
            ended.deletes_quietly();
        }
        assert!(!sandbox.has_key(BOBS_KEY), "{shown}");
    }
}

#[test]
fn c49_no_key_is_called_not_deleted_while_a_request_is_pending() {
    let late = Duration::from_secs(30);
    let faults = [
        page(200, Act::Never),
        page(504, Act::Never),
        What::ActAfterReset(late),
        What::SilenceBeforeActing,
    ];
    each_at_once(faults, |what| {
        let sandbox = documented();
        sandbox.fault(on_delete(what).always());
        let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
        let limits = ["--timeout", "4", "--cli-read-timeout", "1"];
        let says = "no usable response arrived; IAM still lists the key";
        kept.ends(&sandbox, &limits, 10, says, "1 key: 1 unknown");
        assert_eq!(kept.results()[BOBS_KEY], "Unknown");
        // The key stays in progress, so the next run sends the request.
        sandbox.clear_faults();
        kept.ends(&sandbox, &[], 0, "result: ", "1 key: 1 deleted");
    });
}

#[test]
fn c52_a_new_key_that_the_reads_do_not_show_yet_is_not_gone() {
    let error = || What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    let unknown = || What::error(403, "AccessDenied", "no");
    // A key that only a later list shows is checked with the facts of that list.
    for (more, status, outcome, says) in [
        (&["--ignore-missing"][..], 3, "Failed", "(NoSuchEntity)"),
        (
            &["--ignore-missing", "--only-inactive"],
            11,
            "Skipped",
            "its status is Active",
        ),
    ] {
        let sandbox = documented();
        sandbox.fault(on_delete(error()));
        sandbox.fault(Fault::new(unknown()).on("GetAccessKeyLastUsed"));
        sandbox.fault(Fault::new(hidden()).on("ListAccessKeys"));
        let printed = Case::documented(&sandbox, more).run();
        let _ = printed
            .exits(status)
            .prints_outcome(outcome)
            .says(&[says, "not deleted: "]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
    // A server error of IAM after which the request may have acted, and then NoSuchEntity.
    let sandbox = documented();
    sandbox.fault(on_delete(What::error(500, "ServiceFailure", "oops")));
    sandbox.fault(on_delete(error()));
    sandbox.fault(Fault::new(unknown()).on("GetAccessKeyLastUsed"));
    sandbox.fault(Fault::new(hidden()).on("ListAccessKeys"));
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(NoSuchEntity)"])
        .ends_with("IAM still lists the key");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c13_one_limit_covers_every_step_of_a_key() {
    let sandbox = documented();
    let slow = What::Delay(Duration::from_secs(3));
    for action in READS {
        let (_, action) = action.split_once(':').expect("a service");
        sandbox.fault(Fault::new(slow.clone()).on(action).always());
    }
    // An earlier run started the key, and a condition is read; the deletion would be the third step.
    let printed = started()
        .case(&sandbox, &["--timeout", "5", "--older-than", "1d"])
        .run()
        .exits(10);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["; --timeout is 5 s"])
        .ends_with("1 key: 1 unknown");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    assert!(sandbox.has_key(BOBS_KEY));
}
