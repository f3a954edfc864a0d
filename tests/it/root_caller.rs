//! Commands that the root user gets for its own keys, which no user has.

use iam_sandbox::{Credentials, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{Case, always, documented, each, once};
use crate::journal::ACCOUNT;

/// A sandbox whose root user has two keys: the one that signs, and another.
fn two_keys() -> (Sandbox, Credentials, Credentials) {
    let sandbox = documented();
    let other = nth_key_id(ACCOUNT, 7);
    sandbox.add_root_key(KeySeed::new("root", &other));
    let other = sandbox.credentials(&other).expect("a key");
    let root = sandbox.root();
    (sandbox, root, other)
}

fn signed_by(case: Case, key: &Credentials) -> Case {
    case.env("AWS_ACCESS_KEY_ID", &key.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret_access_key)
}

/// A run of the root user about this key.
fn root_run(sandbox: &Sandbox, id: &str, args: &[&str]) -> Case {
    let case = Case::at(sandbox, ["--access-key-id", id]);
    signed_by(case.args(args.iter().copied()), &sandbox.root())
}

#[test]
fn the_undo_of_its_own_deactivation_is_a_command_for_the_root_user() {
    // Without permission to list the keys, only STS identifies the caller.
    let cases = [
        (&[][..], false),
        (&["--expect-account", ACCOUNT], true),
        (&["--journal", "JOURNAL"], false),
        (&["--journal", "JOURNAL"], true),
    ];
    each(cases, |(more, is_denied)| {
        let (sandbox, root, other) = two_keys();
        if is_denied {
            sandbox.deny("iam:ListAccessKeys");
        }
        let id = &root.access_key_id;
        let case = root_run(&sandbox, id, &["--deactivate", "--allow-self"]);
        let journal = case.path("j").display().to_string();
        let case = case.args(more.iter().map(|word| word.replace("JOURNAL", &journal)));
        let unless = if is_denied {
            ", if the key was active before"
        } else {
            ""
        };
        let undo = format!("--access-key-id {id} --reactivate");
        let said = case.run().exits(0).prints_outcome("Deactivated");
        let _ = said.says_exactly(&format!(
            "hint: to undo it, with other credentials of the root user{unless}: iam-del-key {undo}\n"
        ));
        let case = signed_by(Case::at(&sandbox, undo.split(' ')), &other);
        let _ = case
            .args(["--yes"])
            .run()
            .exits(0)
            .prints_outcome("Reactivated");
    });
}

#[test]
fn the_undo_of_a_journal_of_several_keys_is_a_command_for_the_root_user() {
    let (sandbox, root, other) = two_keys();
    let id = &root.access_key_id;
    let more = [
        "--access-key-id",
        &other.access_key_id,
        "--deactivate",
        "--allow-self",
    ];
    let case = root_run(&sandbox, id, &more);
    let journal = case.path("j").display().to_string();
    let case = case.args(["--journal", &journal]);
    let said = case.run().exits(0).prints_outcomes(&[("Deactivated", 2)]);
    let _ = said.says(&[&format!(
        "hint: to reactivate the keys that the journal records as changed from Active to Inactive, with other credentials of the root \
         user: iam-del-key --from {journal} --reactivate\n"
    )]);
}

#[test]
fn the_command_to_check_its_key_looks_up_no_owner() {
    let (sandbox, _, other) = two_keys();
    let id = &other.access_key_id;
    sandbox.fault(always("DeleteAccessKey", What::ResetBeforeActing));
    let said = root_run(&sandbox, id, &["--timeout", "4"]).run().exits(10);
    let _ = said.prints_outcome("Unknown").says(&[&format!(
        "hint: check with: iam-del-key --access-key-id {id} --dry-run\n"
    )]);
    let case = root_run(&sandbox, id, &["--dry-run"]);
    let _ = case.run().exits(0).prints_outcome("WouldDelete");
}

/// An owner lookup does not find a key of the root user.
#[test]
fn the_command_to_check_another_root_key_looks_up_no_owner() {
    let (sandbox, _, other) = two_keys();
    let id = &other.access_key_id;
    sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
    let said = root_run(&sandbox, id, &[]).run().exits(10);
    let _ = said.prints_outcome("Unknown").says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
         The Access Key with id {id} cannot be found.\n\
         hint: whether another user owns it could not be checked: if it is not the root user's key, name its owner with \
         --user-name NAME, or add --find-user; then --ignore-missing counts a missing key as success\n\
         hint: check with: iam-del-key --access-key-id {id} --dry-run\n\
         result: {id}: unknown: the response to an earlier attempt was lost, and the retry returned NoSuchEntity; \
         IAM does not report who owns the key\n"
    ));
    let case = root_run(&sandbox, id, &["--dry-run"]);
    let _ = case.run().exits(3).prints_outcome("Failed");
}
