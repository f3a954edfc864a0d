//! The owner of a key, if IAM names another owner than the command does, or the user no longer exists.

use iam_sandbox::documented::{ACCOUNT, ADMIN, ALICE_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, documented, faulty, once};
use crate::ended::Ended;
use crate::proof::{READS, denied, hidden, list, on_delete};
use crate::streams::wait_for;
use crate::verification::{NEVER, last_use};

#[test]
fn c50_the_callers_own_list_proves_nothing_about_another_users_key() {
    for (denials, status, outcome, hint, known) in [
        // IAM names Bob as the owner, and Bob's list has the key.
        (
            &[][..],
            3,
            "Failed",
            "--user-name=Bob",
            "not deleted: it belongs to the user Bob",
        ),
        // Only the owner lookup is allowed, only the caller's own list, or nothing.
        (
            &READS[1..],
            10,
            "Unknown",
            "--user-name=Bob --dry-run",
            "IAM reports that Bob owns the key",
        ),
        (
            &READS[..1],
            10,
            "Unknown",
            "check with: ",
            "IAM does not report who owns the key",
        ),
        (
            &READS,
            10,
            "Unknown",
            "check with: ",
            "there is no permission to check the key",
        ),
    ] {
        let lost = "unknown: the response to an earlier attempt was lost, and the retry returned NoSuchEntity";
        let known = match status {
            10 => format!("{lost}; {known}"),
            _ => known.to_owned(),
        };
        let sandbox = denied(denials);
        sandbox.fault(on_delete(What::ResetBeforeActing));
        let _ = Case::at(&sandbox, ["--access-key-id", BOBS_KEY])
            .run()
            .exits(status)
            .prints_outcome(outcome)
            .says(&["(NoSuchEntity)", hint])
            .ends_with(&known);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c50_the_calling_users_own_key_is_not_called_another_users() {
    // IAM names the owner, but not the calling user, and a pending request may still act.
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

/// The end of a run whose first two responses are lost. The first request changes the key, then Bob is renamed.
fn renamed(sandbox: &Sandbox, more: &[&str], operation: &str) -> Ended {
    for what in [What::ResetAfterActing, What::ResetBeforeActing] {
        sandbox.fault(once(operation, what));
    }
    let running = Case::documented(sandbox, more).start();
    wait_for(|| is_changed(sandbox));
    sandbox.rename_user("Bob", "Robert");
    running.end()
}

/// Whether Bob's key is deleted or inactive.
fn is_changed(sandbox: &Sandbox) -> bool {
    let key = sandbox.key(BOBS_KEY);
    key.is_none_or(|key| key.status == Status::Inactive)
}

#[test]
fn c51_a_user_who_is_gone_does_not_prove_that_the_key_is_not_deleted() {
    let sandbox = documented();
    renamed(&sandbox, &[], "DeleteAccessKey").ends_exactly(
        10,
        "Unknown",
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The user with \
         name Bob cannot be found.\n\
         hint: check the user name; to find the key's owner: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE \
         --find-user --dry-run\n\
         result: AKIDPMS9RO4H3FEXAMPLE: unknown: the response to an earlier attempt was lost, and the retry returned \
         NoSuchEntity; the user does not exist, and IAM does not report who owns the key\n",
    );
}

#[test]
fn c51_a_deactivated_key_of_a_renamed_user_is_not_called_unchanged() {
    let sandbox = documented();
    let _ = renamed(&sandbox, &["--deactivate"], "UpdateAccessKey")
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["The user with name Bob cannot be found."])
        .ends_with("IAM reports that Robert owns the key");
    assert!(sandbox.has_key(BOBS_KEY) && is_changed(&sandbox));
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
            .says_exactly(
                "iam-del-key: error: An error occurred (NoSuchEntity) when calling the UpdateAccessKey operation: The Access \
                 Key cannot be found.\n\
                 hint: IAM's responses contradict each other, which can happen for a few seconds after a change: run the \
                 same command again\n\
                 hint: check with: aws iam list-access-keys --user-name=Bob\n\
                 result: AKIDPMS9RO4H3FEXAMPLE: unknown: the response to an earlier attempt was lost, and the retry \
                 returned NoSuchEntity; IAM does not list the key for Bob, whom it named as the owner\n",
            );
    }
}

#[test]
fn c50_an_owner_whose_list_is_denied_does_not_prove_that_the_key_is_not_deleted() {
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
        .says_exactly(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The \
             Access Key with id AKIDPMS9RO4H3FEXAMPLE cannot be found.\n\
             hint: review it first: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --dry-run\n\
             result: AKIDPMS9RO4H3FEXAMPLE: unknown: the response to an earlier attempt was lost, and the retry \
             returned NoSuchEntity; IAM reports that Bob owns the key\n",
        );
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
                   IAM does not list the key for admin, whom it named as the owner";
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
            "iam-del-key: warning: {id} is missing, but GetAccessKeyLastUsed named admin as its owner: IAM's responses \
             contradict each other, which can happen for a few seconds after a change\n"
        ));
}

#[test]
fn c51_a_deleted_key_is_verified_under_the_new_name_of_its_user() {
    // The user is renamed after the key is deleted. IAM names the owner once, or every time.
    for times in [1, 100] {
        let sandbox = documented();
        let names_robert = Fault::new(last_use("Robert", NEVER)).on("GetAccessKeyLastUsed");
        sandbox.fault(names_robert.times(times));
        renamed(&sandbox, &[], "DeleteAccessKey").deletes(
            "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; IAM does not list the key \
             for Robert, whom it named as the owner",
        );
    }
}

#[test]
fn c50_an_owner_whom_iam_named_is_not_forgotten() {
    let belongs = "not deleted: it belongs to the user Bob";
    for (more, is_lost) in [(&[][..], true), (&["--ignore-missing"], false)] {
        let sandbox = documented();
        if is_lost {
            sandbox.fault(on_delete(What::ResetBeforeActing));
        }
        // IAM names Bob once, and his list does not have the key yet.
        let denied = What::error(403, "AccessDenied", "no");
        let owner = |what| Fault::new(what).on("GetAccessKeyLastUsed");
        sandbox.fault(owner(last_use("Bob", NEVER)));
        sandbox.fault(owner(denied).always());
        sandbox.fault(Fault::new(hidden()).on("ListAccessKeys"));
        let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
        let ended = Case::at(&sandbox, args).args(more).run();
        ended.ends_as(3, "Failed", &["(NoSuchEntity)", "--user-name=Bob"], belongs);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn the_list_of_the_named_user_is_not_read_if_iam_names_another_owner() {
    let sandbox = faulty([once("DeleteAccessKey", What::ResetBeforeActing)]);
    let args = ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"];
    let _ = Case::at(&sandbox, args).run().exits(3).prints_anything();
    let mut lists = sandbox.requests();
    lists.retain(|request| request.action == "ListAccessKeys");
    assert!(!lists.is_empty());
    let mut users = lists.iter().map(|list| list.param("UserName"));
    assert!(users.all(|user| user == Some("Alice")));
}
