//! The root user of a member account: a session of `AssumeRoot`, and requests without a user name.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Builder, Fault, KeySeed, Recorded, Sandbox, Status, What, root_key_id};

use crate::case::{Case, DELETED, actions, always, each, once};
use crate::dialogue::Dialogue;
use crate::journal::Kept;
use crate::many::{outcomes, rows};
use crate::response::{member, result};

pub(crate) const MEMBER: &str = "210987654321";
/// A second key of the member's root user. Its ID does not encode an account.
pub(crate) const OLD_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const TARGET: [&str; 2] = ["--target-principal", MEMBER];
pub(crate) const STS_FIRST: [&str; 3] = ["GetCallerIdentity", "AssumeRoot", "GetCallerIdentity"];

pub(crate) fn organization() -> Builder {
    Sandbox::documented().root_key_in(
        MEMBER,
        KeySeed::new("root", OLD_KEY).status(Status::Inactive),
    )
}

/// A run over the root user's first key.
pub(crate) fn one(sandbox: &Sandbox, more: &[&str]) -> Case {
    let key = root_key_id(MEMBER);
    Case::at(sandbox, TARGET)
        .args(["--access-key-id", &key])
        .args(more)
}

fn all(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::at(sandbox, TARGET).args(["--all-keys"]).args(more)
}

fn is_gone(sandbox: &Sandbox, key: &str) -> bool {
    sandbox.key_in(MEMBER, key).is_none()
}

/// Checks the call that returned the session.
pub(crate) fn assumed(sandbox: &Sandbox) -> Recorded {
    let mut requests = sandbox.requests().into_iter();
    let found = requests.find(|request| request.action == "AssumeRoot");
    found.expect("AssumeRoot")
}

/// IAM sees only the session, and no user name.
fn iam_sees_the_root_user(sandbox: &Sandbox) {
    for request in sandbox.requests() {
        if request.param("Version") == Some("2010-05-08") {
            assert_ne!(request.key_id.as_deref(), Some(ADMIN_KEY_ID), "{request:?}");
            assert_eq!(request.param("UserName"), None, "{request:?}");
        }
    }
}

#[test]
fn f103_a_named_key_is_deleted_without_a_user_name() {
    let sandbox = organization().start();
    one(&sandbox, &[]).run().deletes_quietly();
    assert!(is_gone(&sandbox, &root_key_id(MEMBER)));
    assert!(!is_gone(&sandbox, OLD_KEY));
    let expected: Vec<&str> = STS_FIRST.into_iter().chain(["DeleteAccessKey"]).collect();
    assert_eq!(actions(&sandbox), expected);
    iam_sees_the_root_user(&sandbox);
    let request = assumed(&sandbox);
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(request.param("TargetPrincipal"), Some(MEMBER));
    assert_eq!(
        request.param("TaskPolicyArn.arn"),
        Some("arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials")
    );
}

#[test]
fn f103_all_keys_of_the_root_user_are_deleted() {
    let sandbox = organization().start();
    let case = all(&sandbox, &["--yes", "--journal"]);
    let journal = case.path("done.jsonl");
    let said = case.args([&journal]).run().exits(0);
    assert_eq!(outcomes(said.output()), [("Deleted".to_owned(), 2)]);
    assert!(
        rows(said.output())
            .iter()
            .all(|row| row.get("UserName").is_none())
    );
    let _ = said.prints_anything().says_exactly(
        "iam-del-key: note: 2 keys of the root user checked\nresult: 2 keys: 2 deleted\n",
    );
    assert!(is_gone(&sandbox, &root_key_id(MEMBER)) && is_gone(&sandbox, OLD_KEY));
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_the_question_names_the_root_user() {
    let sandbox = organization().start();
    let asked =
        "Delete these 2 keys of the root user of account 210987654321? It cannot be undone. [y/N] ";
    let said = Dialogue::start(all(&sandbox, &[]))
        .shows(asked)
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    assert!(!said.messages().contains("refused"), "{}", said.messages());
    let _ = said.says(&["not confirmed: this run changed nothing\n"]);
    assert!(!is_gone(&sandbox, OLD_KEY) && !is_gone(&sandbox, &root_key_id(MEMBER)));
    let said = Dialogue::start(all(&sandbox, &["--only-inactive", "--output", "json"]))
        .shows("Delete this key of the root user of account 210987654321?")
        .types(b"y\n")
        .end()
        .exits(0);
    let _ = said.prints_anything().says(&["1 key: 1 deleted"]);
    assert!(is_gone(&sandbox, OLD_KEY) && !is_gone(&sandbox, &root_key_id(MEMBER)));
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_dry_run_uses_the_audit_policy() {
    let sandbox = organization().start();
    let said = all(&sandbox, &["--dry-run"]).run().exits(0);
    assert_eq!(outcomes(said.output()), [("WouldDelete".to_owned(), 2)]);
    let _ = said
        .prints_anything()
        .says(&["2 keys: 2 would be deleted; this was a dry run"]);
    let _ = one(&sandbox, &["--dry-run"])
        .run()
        .exits(0)
        .prints_outcome("WouldDelete")
        .says_exactly("result: AKIATCH6YDSY3D5352D6: not deleted: this was a dry run\n");
    for request in sandbox.requests() {
        if request.action == "AssumeRoot" {
            let policy = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials";
            assert_eq!(request.param("TaskPolicyArn.arn"), Some(policy));
        }
        assert_ne!(request.action, "DeleteAccessKey");
    }
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_name_in_a_response_is_not_the_root_users() {
    let sandbox = organization().start();
    each(["&lt;root_account&gt;", "root", "my-alias"], |name| {
        let key = member(OLD_KEY, name, "Active");
        let list = format!(
            "<IsTruncated>false</IsTruncated><UserName>{name}</UserName><AccessKeyMetadata>{key}</AccessKeyMetadata>"
        );
        let page = What::page(200, "text/xml", result("ListAccessKeys", &list));
        sandbox.fault(once("ListAccessKeys", page));
        let said = all(&sandbox, &["--dry-run"]).run().exits(0);
        let output = said.output();
        assert!(rows(output)[0].get("UserName").is_none(), "{output}");
        let _ = said.prints_anything().says(&["1 key: 1 would be deleted"]);
    });
}

#[test]
fn f103_a_key_that_the_root_user_does_not_have_exits_3() {
    let sandbox = organization().start();
    let missing = || Case::at(&sandbox, TARGET).args(["--access-key-id", "AKIAI44QH8DHBEXAMPLE"]);
    let ended = missing()
        .args(["--ignore-missing", "--only-inactive"])
        .run();
    let said = ended.exits(0).prints_outcome("Missing");
    let _ = said.says(&["is missing, but it could not be checked"]);
    let denied =
        "error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: ";
    let unlisted = "error: IAM lists no such key for the root user\n";
    each(
        [(None, denied), (Some("--dry-run"), unlisted)],
        |(more, error)| {
            let said = missing().args(more).run().exits(3);
            let _ = said.prints_anything().says(&[
            error,
            "hint: the key does not exist, or belongs to a user: the root user of account 210987654321 does not have it\n\
             hint: to see the root user's keys: iam-del-key --all-keys --dry-run --target-principal 210987654321\n",
        ]);
        },
    );
    // The ID encodes another account.
    let said = Case::at(&sandbox, TARGET)
        .args(["--access-key-id", ALICE_KEY_ID])
        .run()
        .exits(3);
    let _ = said.prints_anything().says(&[
        "hint: the key's ID encodes account 123456789012: use --target-principal 123456789012 if its root user has the key\n",
    ]);
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn f103_a_lost_response_is_verified_in_the_root_users_list() {
    let lost = || Fault::new(What::CloseAfterActing).on("DeleteAccessKey");
    let sandbox = organization().fault(lost()).start();
    let _ = one(&sandbox, &[]).run().exits(0).prints(DELETED).says(&[
        "is presumed deleted: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; IAM does \
         not list the key for the root user, and does not confirm its owner\n",
    ]);
    let sandbox = organization().fault(lost()).start();
    let said = all(&sandbox, &["--yes", "--only-inactive"]).run().exits(0);
    let _ = said.prints_anything().says(&[
        "IAM no longer lists the key for the root user\n",
        "1 key: 1 deleted\n",
    ]);
    assert!(is_gone(&sandbox, OLD_KEY));
    iam_sees_the_root_user(&sandbox);
    // The state is unknown: the command to check lists the root user's keys.
    let sandbox = organization().start();
    sandbox.fault(always("DeleteAccessKey", What::CloseAfterActing));
    sandbox.fault(always(
        "ListAccessKeys",
        What::error(403, "AccessDenied", "no"),
    ));
    let said = one(&sandbox, &["--timeout", "6"]).run().exits(10);
    let _ = said
        .prints_anything()
        .says(&["check with: iam-del-key --all-keys --dry-run --target-principal 210987654321\n"]);
}

/// The deletion is recorded as started, its response is lost, and the lists show nothing afterward.
fn end_unknown(sandbox: &Sandbox, case: &impl Fn() -> Case, lists_read: u64) {
    sandbox.fault(always("DeleteAccessKey", What::CloseAfterActing));
    let denied = Fault::new(What::error(403, "AccessDenied", "no")).on("ListAccessKeys");
    sandbox.fault(denied.skip(lists_read).always());
    let _ = case().args(["--timeout", "6"]).run().exits(10);
    sandbox.clear_faults();
}

#[test]
fn a_later_run_settles_keys_that_iam_listed_for_the_root_user() {
    let kept = Kept::new("");
    let sandbox = organization().start();
    let case = || all(&sandbox, &["--yes", "--journal"]).args([kept.path()]);
    end_unknown(&sandbox, &case, 1);
    assert_eq!(kept.results().len(), 2);
    assert!(is_gone(&sandbox, OLD_KEY) && is_gone(&sandbox, &root_key_id(MEMBER)));
    // One key at a time, by ID.
    let said = case().args(["--jobs", "1"]).run().exits(0);
    let _ = said.prints_outcomes(&[("Deleted", 2)]).says_exactly(&format!(
        "iam-del-key: note: 0 keys of the root user checked\n\
         iam-del-key: warning: {OLD_KEY} is presumed deleted: an earlier run started this; IAM no longer lists the key for the root user\n\
         iam-del-key: warning: {} is presumed deleted: an earlier run started this; IAM no longer lists the key for the root user\n\
         result: 2 keys: 2 deleted\n",
        root_key_id(MEMBER)
    ));
    let said = case().run().exits(0);
    let _ = said.prints_nothing().says_exactly(
        "iam-del-key: note: 0 keys of the root user checked\n\
         result: nothing to do: no keys were found\n",
    );
    iam_sees_the_root_user(&sandbox);
}

#[test]
fn a_later_run_settles_a_named_key_that_iam_listed_for_the_root_user() {
    for (condition, lists_read, status, says) in [
        // A condition needs the list.
        (
            Some("--only-inactive"),
            1,
            0,
            "iam-del-key: warning: AKIAIOSFODNN7EXAMPLE is presumed deleted: an earlier run started this; IAM no longer \
             lists the key for the root user\n\
             result: AKIAIOSFODNN7EXAMPLE: deleted: an earlier run started this; IAM no longer lists the key for the root user\n",
        ),
        // No list was read.
        (
            None,
            0,
            10,
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key \
             with id AKIAIOSFODNN7EXAMPLE cannot be found.\n\
             hint: the key does not exist, or belongs to a user: the root user of account 210987654321 does not have it\n\
             hint: to see the root user's keys: iam-del-key --all-keys --dry-run --target-principal 210987654321\n\
             result: AKIAIOSFODNN7EXAMPLE: unknown: an earlier run started this, and IAM now reports no such key; IAM does not \
             list the key for the root user, and does not confirm its owner\n",
        ),
    ] {
        let kept = Kept::new("");
        let sandbox = organization().start();
        let case = || {
            Case::at(&sandbox, TARGET)
                .args(["--access-key-id", OLD_KEY])
                .args(condition)
                .args(["--journal"])
                .args([kept.path()])
        };
        end_unknown(&sandbox, &case, lists_read);
        assert!(is_gone(&sandbox, OLD_KEY));
        let said = case().run().exits(status);
        let _ = said.prints_anything().says_exactly(says);
        iam_sees_the_root_user(&sandbox);
    }
}
