//! What is said after a run changed the key that signs its requests.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{Case, documented, each, faulty, once};
use crate::journal::ACCOUNT;
use crate::reactivate::status;

const ROLE: &str = "arn:aws:iam::123456789012:role/Deployer";
const OWN: [&str; 2] = ["--access-key-id", ADMIN_KEY_ID];
const NAMED: [&str; 4] = ["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"];

/// A run that may change the key of the profile that signs.
fn own(sandbox: &Sandbox, args: &[&str]) -> Case {
    let key =
        format!("aws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n");
    let config = format!("[default]\n{key}[profile ops]\n{key}");
    let case = Case::at(sandbox, args.iter().copied()).args(["--allow-self"]);
    case.without_credentials().file(".aws/config", config)
}

/// The options that choose credentials, and the requests of the run.
const PROFILES: [&[&str]; 3] = [
    &["--profile", "ops"],
    &["--profile", "ops", "--role-arn", ROLE],
    &[],
];

#[test]
fn how_to_undo_its_deactivation_is_a_command_for_other_credentials() {
    let cases = [
        (&NAMED[..], PROFILES[0]),
        (&NAMED, PROFILES[1]),
        // The hint names the owner, whom the calling user's list shows.
        (&OWN, PROFILES[0]),
        (&OWN, PROFILES[2]),
    ];
    each(cases, |(key, more)| {
        let sandbox = documented();
        let undo = format!("--access-key-id {ADMIN_KEY_ID} --user-name=admin --reactivate");
        let case = own(&sandbox, key).args(["--deactivate"]).args(more);
        let said = case.run().exits(0).prints_outcome("Deactivated");
        let hint = format!("hint: to undo it, with other credentials: iam-del-key {undo}\n");
        let _ = said.says_exactly(&hint);
        let root = sandbox.root();
        let _ = Case::at(&sandbox, undo.split(' '))
            .env("AWS_ACCESS_KEY_ID", root.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", root.secret_access_key)
            .args(["--yes"])
            .run()
            .exits(0)
            .prints_outcome("Reactivated");
        assert_eq!(status(&sandbox, ADMIN_KEY_ID), Some(Status::Active));
    });
}

#[test]
fn so_is_that_of_a_list_with_its_other_keys() {
    let other = nth_key_id(ACCOUNT, 3);
    let cases = [
        (
            &[][..],
            format!("to undo it, with other credentials: iam-del-key --access-key-id {other} --access-key-id {ADMIN_KEY_ID} --user-name=admin"),
        ),
        (
            &["--journal", "JOURNAL"],
            "to reactivate the keys that the journal records as changed from Active to Inactive, with other credentials: iam-del-key --from j".to_owned(),
        ),
    ];
    each(cases, |(more, hint)| {
        let sandbox = documented();
        sandbox.add_key(KeySeed::new("admin", &other));
        let list = [
            "--from",
            "-",
            "--deactivate",
            "--jobs",
            "1",
            "--profile",
            "ops",
        ];
        let case = own(&sandbox, &list);
        let journal = case.path("j").display().to_string();
        let hint = hint.replace("--from j", &format!("--from {journal}"));
        let case = case.args(more.iter().map(|word| word.replace("JOURNAL", &journal)));
        let case = case.input(format!("{other}\n{ADMIN_KEY_ID}\n").as_bytes());
        let said = case.run().exits(0).prints_outcomes(&[("Deactivated", 2)]);
        let _ = said.says(&[&format!("hint: {hint} --reactivate\n")]);
    });
}

#[test]
fn a_list_that_is_denied_does_not_say_whose_it_is() {
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    let case = own(&sandbox, &OWN).args(["--deactivate"]);
    let said = case.run().exits(0).prints_outcome("Deactivated");
    let _ = said.says(&[&format!(
        "hint: to undo it, with other credentials, if the key was active before: iam-del-key --access-key-id {ADMIN_KEY_ID} --find-user --reactivate\n"
    )]);
}

#[test]
fn other_credentials_check_it_too() {
    each([PROFILES[0], PROFILES[2]], |more| {
        let sandbox = faulty([once("DeleteAccessKey", What::ResetAfterActing)]);
        let case = own(&sandbox, &NAMED).args(more);
        let said = case.run().exits(10).prints_anything();
        let messages = said.messages();
        let check =
            "with other credentials, check with: aws iam list-access-keys --user-name=admin\n";
        assert!(messages.contains(check), "{messages}");
    });
}

#[test]
fn they_check_the_other_keys_of_its_list() {
    let other = nth_key_id(ACCOUNT, 3);
    let sandbox = faulty([once("DeleteAccessKey", What::ResetAfterActing).skip(1)]);
    sandbox.add_key(KeySeed::new("admin", &other));
    let args = ["--from", "-", "--user-name", "admin", "--profile", "ops"];
    let case = own(&sandbox, &args).args(["--jobs", "1"]);
    let case = case.input(format!("{ADMIN_KEY_ID}\n{other}\n").as_bytes());
    let said = case.run().exits(12).prints_anything();
    let messages = said.messages();
    for hint in [
        "with other credentials, check with: aws iam list-access-keys --user-name=admin\n",
        "this run deleted the key that signs its requests: use other credentials (--profile NAME)\n",
    ] {
        assert!(messages.contains(hint), "{messages}");
    }
    assert!(!messages.contains("mistyped"), "{messages}");
}

#[test]
fn its_sessions_are_revoked_with_other_credentials() {
    let sandbox = documented();
    let args = ["--find-user", "--profile", "ops"];
    let said = own(&sandbox, &OWN)
        .args(args)
        .run()
        .exits(0)
        .prints_anything();
    let messages = said.messages();
    assert!(
        messages.contains(
            "(not those of assumed roles), with other credentials: aws iam put-user-policy "
        ),
        "{messages}"
    );
    assert!(!messages.contains("--profile"), "{messages}");
}

#[test]
fn a_sweep_says_how_to_change_it_all_the_same() {
    let sandbox = documented();
    let sweep = ["--user-name", "admin", "--all-keys", "--yes"];
    let said = Case::at(&sandbox, sweep).run().exits(11);
    let _ = said.prints_outcomes(&[("Refused", 1)]).says_exactly(&format!(
        "iam-del-key: note: 1 key of 1 user checked\n\
         iam-del-key: warning: {ADMIN_KEY_ID} belongs to your own credentials: you would lock yourself out\n\
         hint: use other credentials (--profile NAME), or name the key with --access-key-id and add --allow-self\n\
         result: 1 key: 1 refused\n"
    ));
    let case = Case::at(&sandbox, NAMED).args(["--allow-self"]);
    case.run().deletes_quietly();
}
