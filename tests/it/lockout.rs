//! Nobody is locked out: the key that signs stays, and so do those that signed for its role.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{KeySeed, Recorded, Sandbox, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, documented};
use crate::credentials::{LATER, json};
use crate::journal::ACCOUNT;
use crate::many::outcomes;

#[test]
fn f34_a_sweep_never_takes_the_key_that_signs() {
    let sandbox = documented();
    let spare = nth_key_id(ACCOUNT, 3);
    sandbox.add_key(KeySeed::new("admin", &spare));
    let printed = Case::at(&sandbox, ["--user-name", "admin", "--all-keys", "--yes"])
        .run()
        .exits(12);
    let output = printed.output().to_owned();
    assert_eq!(
        outcomes(&output),
        [("Deleted".to_owned(), 1), ("Refused".to_owned(), 1)]
    );
    let _ = printed
        .prints(&output)
        .says(&["you would lock yourself out"])
        .ends_with("1 deleted, 1 refused");
    assert!(sandbox.has_key(ADMIN_KEY_ID) && !sandbox.has_key(&spare));
}

/// Where the key of the profile `base` may come from.
fn bases(sandbox: &Sandbox) -> [(String, String); 4] {
    let key =
        format!("aws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n");
    let role = format!("role_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\n");
    let answer = json(&sandbox.admin(), LATER);
    [
        (
            format!("source_profile = base\n[profile base]\n{key}"),
            String::new(),
        ),
        (
            "source_profile = base\n[profile base]\ncredential_process = sh -c 'cat $HOME/answer.json'\n"
                .to_owned(),
            answer,
        ),
        (
            "credential_source = Environment\n".to_owned(),
            String::new(),
        ),
        (
            format!(
                "source_profile = middle\n[profile middle]\n{role}source_profile = base\n[profile base]\n{key}"
            ),
            String::new(),
        ),
    ]
}

#[test]
fn f34_a_role_never_takes_the_key_that_it_was_assumed_with() {
    let sandbox = documented();
    for (base, answer) in bases(&sandbox) {
        let config =
            format!("[profile role]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\n{base}");
        let role = |args: &[&str]| {
            let case = Case::at(&sandbox, args)
                .file(".aws/config", &config)
                .file("answer.json", &answer)
                .args(["--profile", "role"]);
            if base.contains("Environment") {
                case
            } else {
                case.without_credentials()
            }
        };
        let printed = role(&["--user-name", "admin", "--all-keys", "--yes"])
            .run()
            .exits(11);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Refused".to_owned(), 1)], "{base}");
        let _ = printed
            .prints(&output)
            .says(&["you would lock yourself out"])
            .ends_with("1 key: 1 refused");
        let _ = role(&["--user-name", "admin", "--access-key-id", ADMIN_KEY_ID])
            .run()
            .exits(11)
            .prints_outcome("Refused")
            .says(&["--allow-self"])
            .ends_with("not deleted");
        assert!(sandbox.has_key(ADMIN_KEY_ID));
    }
}

#[test]
fn f34_a_sweep_as_root_takes_the_users_keys_and_never_its_own() {
    let sandbox = documented();
    let root = sandbox.root();
    let printed = Case::at(
        &sandbox,
        [
            "--whole-account",
            "--older-than",
            "1d",
            "--yes",
            "--expect-account",
            ACCOUNT,
        ],
    )
    .env("AWS_ACCESS_KEY_ID", &root.access_key_id)
    .env("AWS_SECRET_ACCESS_KEY", &root.secret_access_key)
    .run()
    .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 5)], "{output}");
    assert!(!output.contains(&root.access_key_id), "{output}");
    let _ = printed
        .prints(&output)
        .says(&["of 3 users checked"])
        .ends_with("5 deleted");
    let taken = |request: &Recorded| request.param("AccessKeyId") == Some(&root.access_key_id);
    assert!(!sandbox.requests().iter().any(taken));
}

#[test]
fn f34_the_key_of_a_profile_that_signs_nothing_is_not_the_signers() {
    let sandbox = documented();
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\nsource_profile = base\n\
         [profile base]\naws_access_key_id = {BOBS_KEY}\naws_secret_access_key = {ADMIN_SECRET}\n"
    );
    let _ = Case::documented(&sandbox, &[])
        .file(".aws/config", config)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}
