//! What a response proves: nothing is said of a key that the responses, the reads and the journal do not show.

use std::time::Duration;

use iam_sandbox::documented::{ACCOUNT, ADMIN};
use iam_sandbox::{Act, Fault, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each_at_once};
use crate::intent::begun;
use crate::journal::Kept;
use crate::streams::wait_for;
use crate::verification::{NEVER, last_use};

pub(crate) const READS: [&str; 2] = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"];

pub(crate) fn denied(actions: &[&str]) -> Sandbox {
    let sandbox = documented();
    for action in actions {
        sandbox.deny(action);
    }
    sandbox
}

fn on_delete(what: What) -> Fault {
    Fault::new(what).on("DeleteAccessKey")
}

/// What is said of a missing key whose owner only the command names.
pub(crate) fn unchecked(key: &str) -> String {
    format!(
        "iam-del-key: warning: {key} is missing, but it could not be checked whether another user owns it: \
         IAM denied GetAccessKeyLastUsed, as it also does for a key that does not exist\n"
    )
}

/// A page that is not IAM's, after the request was carried out or not.
fn page(status: u16, act: Act) -> What {
    What::Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: b"<html><body>Sign in</body></html>".to_vec(),
        act,
    }
}

/// A list of Bob's keys that does not have the key of the example.
pub(crate) fn hidden() -> What {
    list("<UserName>Bob</UserName>", "", "hidden")
}

/// A list with these elements for its user and keys.
fn list(user: &str, keys: &str, request_id: &str) -> What {
    let page = format!(
        "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
         <IsTruncated>false</IsTruncated>{user}<AccessKeyMetadata>{keys}</AccessKeyMetadata></ListAccessKeysResult>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></ListAccessKeysResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn c48_a_key_of_another_user_is_not_missing() {
    // IAM says whose it is, and its list may not be read.
    let sandbox = denied(&READS[1..]);
    let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["--user-name=Bob"])
        .ends_with("not deleted: IAM reports that Bob owns the key");
    assert!(sandbox.has_key(BOBS_KEY));
    // IAM does not say whose a missing key was. Either option of the hint makes it a success.
    let gone = "AKIARZPUZDIKAAAAAAAA";
    let missing = |sandbox: &Sandbox, more: &[&str]| {
        let case = Case::at(sandbox, ["--access-key-id", gone, "--ignore-missing"]);
        case.args(more).run()
    };
    let _ = missing(&documented(), &[]).exits(3).prints_outcome("Failed").says(&[
        "hint: whether another user owns it could not be checked: name its owner with --user-name NAME, or add --find-user; \
         then --ignore-missing counts a missing key as success\n",
    ]);
    for more in [&["--user-name", "Bob"][..], &["--find-user"]] {
        let _ = missing(&documented(), more)
            .exits(0)
            .prints_outcome("Missing")
            .says(&["is missing"]);
    }
    // IAM says nothing, and nobody names the owner.
    let sandbox = denied(&READS);
    let kept = Kept::new(&format!("{BOBS_KEY}\n"));
    let (missing, failed) = (["--ignore-missing"], "1 key: 1 failed and not changed");
    let hint = "name its owner with --user-name NAME";
    kept.ends(&sandbox, &missing, 3, hint, failed);
    assert!(sandbox.has_key(BOBS_KEY));
    // The next run, with the right owner, is not told that the key is done.
    let owner = ["--user-name", "Bob"];
    kept.ends(&sandbox, &owner, 0, "result: ", "1 key: 1 deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c48_where_the_caller_names_the_owner_absence_is_gone() {
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
        let said = Case::documented(&sandbox, &[])
            .run()
            .exits(0)
            .prints(DELETED);
        if is_acted_on {
            let _ = said.says(&["is presumed deleted"]);
        } else {
            let _ = said.says_nothing();
        }
        assert!(!sandbox.has_key(BOBS_KEY), "{shown}");
    }
}

#[test]
fn c49_while_a_request_is_out_no_key_is_not_deleted() {
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
        // It stays in progress: the next run sends it.
        sandbox.clear_faults();
        kept.ends(&sandbox, &[], 0, "result: ", "1 key: 1 deleted");
    });
}

#[test]
fn c50_the_callers_own_list_proves_nothing_of_another_users_key() {
    let (of_bob, lost) = (
        "not deleted: it belongs to the user Bob",
        "unknown: the response to an earlier attempt was lost",
    );
    for (denials, status, outcome, hint, known) in [
        // IAM says that it is Bob's, and Bob's list has it.
        (&[][..], 3, "Failed", "--user-name=Bob", of_bob),
        // Only the owner may be looked up, only the caller's own list may be read, or nothing.
        (&READS[1..], 10, "Unknown", "check with: ", lost),
        (&READS[..1], 10, "Unknown", "check with: ", lost),
        (&READS, 10, "Unknown", "check with: ", lost),
    ] {
        let sandbox = denied(denials);
        sandbox.fault(on_delete(What::ResetBeforeActing));
        let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY])
            .run()
            .exits(status)
            .prints_outcome(outcome)
            .says(&["(NoSuchEntity)", hint])
            .ends_with(known);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c50_the_calling_users_own_key_is_not_called_another_users() {
    // IAM names the owner, but not the calling user, and a request that is out may still act.
    let id = nth_key_id(ACCOUNT, 7);
    let sandbox = Sandbox::documented().user_key(ADMIN, &id).start();
    sandbox.deny(READS[1]);
    sandbox.fault(on_delete(What::ResetBeforeActing).always());
    let limits = ["--timeout", "15", "--cli-read-timeout", "1"];
    let _ = Case::at(&sandbox, ["--access-key-id", &id])
        .args(limits)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM"])
        .ends_with("IAM reports that admin owns the key");
    assert!(sandbox.has_key(&id));
}

#[test]
fn c51_a_user_who_is_gone_does_not_say_that_the_key_is_not_deleted() {
    let sandbox = documented();
    sandbox.fault(on_delete(What::ResetAfterActing));
    sandbox.fault(on_delete(What::ResetBeforeActing));
    let running = Case::documented(&sandbox, &[]).start();
    wait_for(|| !sandbox.has_key(BOBS_KEY));
    sandbox.rename_user("Bob", "Robert");
    let _ = running
        .end()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["The user with name Bob cannot be found."])
        .ends_with("the user does not exist, and IAM does not report who owns the key");
}

#[test]
fn c51_a_deleted_key_of_a_renamed_user_is_not_called_another_users() {
    // The user is renamed after the key is deleted, and IAM still names the owner for a moment.
    let why = "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; \
               IAM does not list the key for Bob, and does not confirm its owner";
    let sandbox = documented();
    sandbox.fault(on_delete(What::ResetAfterActing));
    sandbox.fault(Fault::new(last_use("Robert", NEVER)).on("GetAccessKeyLastUsed"));
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is presumed deleted: {why}\nresult: {BOBS_KEY}: deleted: {why}\n"
        ));
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c51_a_deactivated_key_of_a_renamed_user_is_not_called_unchanged() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::ResetAfterActing).on("UpdateAccessKey"));
    sandbox.fault(Fault::new(What::ResetBeforeActing).on("UpdateAccessKey"));
    let running = Case::documented(&sandbox, &["--deactivate"]).start();
    let is_inactive = || {
        sandbox
            .key(BOBS_KEY)
            .is_some_and(|key| key.status == Status::Inactive)
    };
    wait_for(is_inactive);
    sandbox.rename_user("Bob", "Robert");
    let _ = running
        .end()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["The user with name Bob cannot be found."])
        .ends_with("IAM reports that Robert owns the key");
    assert!(is_inactive());
}

#[test]
fn c51_a_key_that_iam_still_names_but_no_longer_lists_may_be_deactivated() {
    let no_such_key = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    for (action, status) in [("--deactivate", "Active"), ("--reactivate", "Inactive")] {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::ResetAfterActing).on("UpdateAccessKey"));
        sandbox.fault(Fault::new(no_such_key.clone()).on("UpdateAccessKey"));
        // Only the first list has the key.
        let key = format!(
            "<member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>{status}</Status></member>"
        );
        for (keys, request_id) in [(key.as_str(), "1"), ("", "2"), ("", "3")] {
            let list = list("<UserName>Bob</UserName>", keys, request_id);
            sandbox.fault(Fault::new(list).on("ListAccessKeys"));
        }
        let _ = Case::documented(&sandbox, &[action, "--yes"])
            .run()
            .exits(10)
            .prints_outcome("Unknown")
            .says(&["(NoSuchEntity)", "check with: "])
            .ends_with("IAM no longer lists the key, but still names Bob as its owner");
    }
}

#[test]
fn c52_a_new_key_that_the_reads_do_not_show_yet_is_not_gone() {
    let error = || What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    let unknown = || What::error(403, "AccessDenied", "no");
    // A key that a later list shows is judged by it.
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
    // A server error of IAM's, which may have acted, and then no such key.
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
    // An earlier run started it; a condition is read; the deletion would be third.
    let printed = begun()
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

#[test]
fn c50_an_owner_whose_list_is_denied_does_not_say_that_the_key_is_not_deleted() {
    // The named user may have been renamed after the deletion.
    let sandbox = denied(&READS[1..]);
    sandbox.fault(on_delete(What::ResetBeforeActing));
    let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(bobs.always());
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(NoSuchEntity)", "check with: iam-del-key", "--find-user"])
        .ends_with("the retry returned NoSuchEntity; IAM reports that Bob owns the key");
    assert!(sandbox.has_key(BOBS_KEY));
}

/// IAM names the calling user as the owner of this key, and no list has it.
fn callers_own(id: &str) -> Sandbox {
    let sandbox = Sandbox::documented().user_key(ADMIN, id).start();
    sandbox.fault(
        Fault::new(last_use(ADMIN, NEVER))
            .on("GetAccessKeyLastUsed")
            .always(),
    );
    // An empty list does not name the calling user.
    for request_id in ["1", "2", "3", "4"] {
        sandbox.fault(Fault::new(list("", "", request_id)).on("ListAccessKeys"));
    }
    sandbox
}

#[test]
fn c50_the_calling_users_deleted_key_is_not_called_another_users() {
    let id = nth_key_id(ACCOUNT, 7);
    for more in [&[][..], &["--ignore-missing"]] {
        let sandbox = callers_own(&id);
        sandbox.fault(on_delete(What::ResetAfterActing));
        let why = "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; \
                   IAM no longer lists the key, but still names admin as its owner";
        let _ = Case::at(&sandbox, ["--access-key-id", &id])
            .args(more)
            .run()
            .exits(0)
            .prints(DELETED)
            .says_exactly(&format!(
                "iam-del-key: warning: {id} is presumed deleted: {why}\nresult: {id}: deleted: {why}\n"
            ));
        assert!(!sandbox.has_key(&id));
    }
}

#[test]
fn c50_the_calling_users_missing_key_is_not_called_another_users() {
    let id = nth_key_id(ACCOUNT, 7);
    let sandbox = callers_own(&id);
    sandbox.remove_key(&id);
    let _ = Case::at(&sandbox, ["--access-key-id", &id, "--ignore-missing"])
        .run()
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&format!(
            "iam-del-key: warning: {id} is missing, but GetAccessKeyLastUsed still names admin as its owner: IAM's responses \
             contradict each other, which can happen for a few seconds after a change\n"
        ));
}

#[test]
fn c51_a_deleted_key_is_looked_for_under_the_new_name_of_its_user() {
    let sandbox = documented();
    sandbox.fault(on_delete(What::ResetAfterActing));
    sandbox.fault(on_delete(What::ResetBeforeActing));
    let names_robert = Fault::new(last_use("Robert", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(names_robert.always());
    let running = Case::documented(&sandbox, &[]).start();
    wait_for(|| !sandbox.has_key(BOBS_KEY));
    sandbox.rename_user("Bob", "Robert");
    let _ = running
        .end()
        .exits(0)
        .prints(DELETED)
        .says(&["is presumed deleted"])
        .ends_with("IAM no longer lists the key, but still names Robert as its owner");
}
