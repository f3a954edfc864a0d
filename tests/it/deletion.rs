//! The main task: one key, one call, and the guards around it.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Certificate, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, documented};
use crate::proof::unchecked;

#[test]
fn the_documented_example_costs_one_call() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let requests = sandbox.requests();
    assert_eq!(requests.len(), 1, "one call");
    let request = &requests[0];
    assert_eq!(request.action, "DeleteAccessKey");
    assert_eq!(request.param("Version"), Some("2010-05-08"));
    assert_eq!(request.param("AccessKeyId"), Some(BOBS_KEY));
    assert_eq!(request.param("UserName"), Some("Bob"));
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(request.region.as_deref(), Some("us-east-1"));
    assert_eq!(request.service.as_deref(), Some("iam"));
    assert!(!sandbox.has_key(BOBS_KEY));
    assert_eq!(
        sandbox
            .keys()
            .iter()
            .filter(|key| key.user == "Bob")
            .count(),
        1,
        "the sibling was deleted"
    );
}

#[test]
fn https_works_with_the_sandboxs_certificate_authority() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(sandbox.requests().len(), 1);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_case_of_a_user_name_does_not_matter() {
    let sandbox = documented();
    let case = Case::at(
        &sandbox,
        ["--access-key-id", BOBS_KEY, "--user-name", "bOB"],
    );
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn without_a_user_name_it_is_the_signing_users_key() {
    let sandbox = Sandbox::documented()
        .user_key("admin", "AKIAQAAAAAAAADMINTWO")
        .start();
    let case = Case::at(&sandbox, ["--access-key-id", "AKIAQAAAAAAAADMINTWO"]);
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    assert_eq!(sandbox.requests()[0].param("UserName"), None);
    assert!(!sandbox.has_key("AKIAQAAAAAAAADMINTWO"));
}

#[test]
fn a_role_must_name_the_owner() {
    let sandbox = documented();
    let session = sandbox.session();
    let role = |args: &[&str]| {
        Case::at(&sandbox, args)
            .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
            .env(
                "AWS_SESSION_TOKEN",
                session.session_token.as_deref().unwrap_or_default(),
            )
    };
    let says = &[
        "Must specify userName",
        "hint: these credentials do not belong to an IAM user",
        "--user-name NAME",
    ];
    let _ = role(&["--access-key-id", BOBS_KEY])
        .run()
        .exits(2)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
    let _ = role(&DOCUMENTED)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn response_metadata_is_what_boto3_prints() {
    let sandbox = documented();
    let printed = Case::documented(&sandbox, &["--response-metadata"])
        .run()
        .exits(0);
    let object = printed.object();
    let metadata = &object["ResponseMetadata"];
    assert_eq!(metadata["HTTPStatusCode"], 200);
    assert_eq!(metadata["RetryAttempts"], 0);
    assert_eq!(
        metadata["RequestId"],
        metadata["HTTPHeaders"]["x-amzn-requestid"]
    );
    assert!(
        metadata["RequestId"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
    );
    assert_eq!(metadata["HTTPHeaders"]["content-type"], "text/xml");
    assert!(metadata["HTTPHeaders"]["date"].is_string());
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn output_text_and_off() {
    let sandbox = documented();
    let line = format!("{BOBS_KEY}\tBob\tDeleted\t\t\t\t\t\t\t\t\n");
    let _ = Case::documented(&sandbox, &["--output", "text"])
        .run()
        .exits(0)
        .prints(&line)
        .says_nothing();
    let line = format!(
        "{BOBS_KEY}\tBob\tFailed\tNoSuchEntity\t\t\t\t\t\t\tnot deleted: IAM found no such key for this user\n"
    );
    let _ = Case::documented(&sandbox, &["--output", "text"])
        .run()
        .exits(3)
        .prints(&line)
        .says(&["NoSuchEntity"]);
    let _ = Case::documented(&sandbox, &["--output", "off"])
        .run()
        .exits(3)
        .prints_nothing()
        .says(&["NoSuchEntity"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f34_the_signing_key_is_refused() {
    let sandbox = documented();
    let case = Case::at(
        &sandbox,
        ["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"],
    );
    let says = &["belongs to your own credentials", "hint: ", "--allow-self"];
    let _ = case
        .run()
        .exits(11)
        .prints_outcome("Refused")
        .says(says)
        .ends_with("not deleted: no request to change it was sent to IAM");
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn the_signing_key_is_deleted_with_allow_self() {
    let sandbox = documented();
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
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    assert!(!sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn a_missing_key_exits_3_and_with_ignore_missing_0() {
    let sandbox = documented();
    let missing = |more: &[&str]| {
        Case::at(
            &sandbox,
            [
                "--access-key-id",
                "AKIARZPUZDIKAAAAAAAA",
                "--user-name",
                "Bob",
            ],
        )
        .args(more)
    };
    let _ = missing(&[])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["(NoSuchEntity)", "hint: "])
        .ends_with("not deleted: IAM found no such key for this user");
    assert_eq!(
        sandbox.requests().len(),
        1,
        "a plain NoSuchEntity was verified"
    );
    let _ = missing(&["--ignore-missing"])
        .run()
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&unchecked("AKIARZPUZDIKAAAAAAAA"));
    assert_eq!(
        sandbox.keys().len(),
        documented().keys().len(),
        "a key was deleted"
    );
}

#[test]
fn f75_another_users_key_exits_3() {
    let sandbox = documented();
    let case = |more: &[&str]| {
        Case::at(
            &sandbox,
            ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"],
        )
        .args(more)
    };
    let _ = case(&[])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["(NoSuchEntity)", "another user"])
        .ends_with("not deleted: IAM found no such key for this user");
    let says = &[
        "(NoSuchEntity)",
        &format!(
            "hint: review it first: iam-del-key --access-key-id {ALICE_KEY_ID} --user-name=Alice --dry-run"
        ),
    ];
    let known = "not deleted: it belongs to the user Alice";
    let _ = case(&["--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(says)
        .ends_with(known);
    let printed = case(&["--dry-run", "--output", "table"]).run().exits(3);
    let row = printed
        .output()
        .lines()
        .find(|row| row.contains(ALICE_KEY_ID));
    let row = row.expect("a row").to_owned();
    assert!(row.contains(" Alice ") && !row.contains(" Bob "), "{row}");
    // Results can be used as lists. They must not turn the wrong name into the right one.
    let object = case(&["--dry-run"]).run().exits(3).object();
    assert_eq!(object["UserName"], "Bob");
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn another_accounts_key_is_not_already_gone() {
    let sandbox = documented();
    sandbox.deny("sts:GetAccessKeyInfo");
    // This ID encodes account 609629065308; the sandbox's is 123456789012.
    let case = |more: &[&str]| {
        Case::at(
            &sandbox,
            [
                "--access-key-id",
                "AKIAY34FZKBOKMUTVV7A",
                "--user-name",
                "Bob",
            ],
        )
        .args(more)
    };
    let says = &[
        "hint: the key's ID encodes account 609629065308, but the credentials belong to account 123456789012",
    ];
    let _ = case(&[])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted: IAM found no such key for this user");
    let _ = case(&["--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(says)
        .ends_with("not deleted: IAM found no such key for this user");
}

#[test]
fn verbose_and_debug_log_requests_without_secrets() {
    let sandbox = documented();
    let says = &[
        "info: profile default, region us-east-1",
        "info: using access key ",
        "info: attempt 1: DeleteAccessKey to http://127.0.0.1:",
        "info: attempt 1: HTTP 200, request ID ",
    ];
    let _ = Case::documented(&sandbox, &["-v"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(says);
    let says = &[
        "debug: request body: Action=DeleteAccessKey&Version=2010-05-08&",
        "debug: response headers: ",
        "debug: response body: <DeleteAccessKeyResponse",
    ];
    let said = Case::documented(&sandbox, &["--debug"])
        .run()
        .exits(3)
        .prints_outcome("Failed");
    assert!(
        !said.messages().to_lowercase().contains("signature"),
        "a signature was printed"
    );
    let _ = said.says(&says[..2]);
    assert!(!sandbox.has_key(BOBS_KEY));
}
