//! A role from the command line, assumed with any source of credentials.

use std::fs;

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Fault, Recorded, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::credentials::keys;
use crate::masked::SECRET;

const ROLE: &str = "arn:aws:iam::123456789012:role/ops/Responder";
const BY_ROLE: [&str; 2] = ["--role-arn", ROLE];

fn assumed(sandbox: &Sandbox) -> Vec<Recorded> {
    let requests = sandbox.requests().into_iter();
    requests
        .filter(|request| request.action == "AssumeRole")
        .collect()
}

#[test]
fn f101_the_role_signs_and_the_session_has_a_name() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &BY_ROLE)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
    let request = &assumed(&sandbox)[0];
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(request.param("RoleArn"), Some(ROLE));
    assert_eq!(request.param("DurationSeconds"), None);
    let name = request.param("RoleSessionName").unwrap_or_default();
    let time = name.strip_prefix("iam-del-key-").unwrap_or_default();
    assert!(
        time.len() == 10 && time.parse::<u64>().is_ok(),
        "the session is called {name}"
    );
}

#[test]
fn f101_an_external_id_and_a_session_name_are_sent() {
    let sandbox = Sandbox::documented()
        .external_id("Responder", "unique:1")
        .start();
    let more = [
        &BY_ROLE[..],
        &["--external-id", "unique:1", "--role-session-name", "me@1"],
    ];
    let _ = Case::documented(&sandbox, &more.concat())
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(assumed(&sandbox)[0].param("RoleSessionName"), Some("me@1"));
}

#[test]
fn f101_a_role_that_is_denied() {
    let wanted = format!(
        "hint: the caller needs the permission sts:AssumeRole on {ROLE}, and the role's trust policy must allow the caller"
    );
    let sandbox = Sandbox::documented()
        .external_id("Responder", "unique:1")
        .deny_to("Responder", "sts:GetCallerIdentity")
        .start();
    for (more, with) in [
        (
            &[][..],
            "; it may require --external-id or --serial-number\n",
        ),
        (
            &["--external-id", "unique:2"],
            " with this external ID; it may require --serial-number\n",
        ),
    ] {
        let said = Case::documented(&sandbox, &[&BY_ROLE[..], more].concat())
            .run()
            .exits(6)
            .prints_nothing();
        let _ = said
            .says(&[
                "the role could not be assumed: An error occurred (AccessDenied) when calling the AssumeRole operation: ",
                &format!("{wanted}{with}"),
            ])
            .ends_with("not deleted: nothing was sent to IAM");
    }
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f101_a_session_of_another_account_is_refused() {
    // The sandbox opens sessions of its own account whatever the ARN says.
    let sandbox = documented();
    let other = "arn:aws:iam::210987654321:role/Responder";
    let said = Case::documented(&sandbox, &["--role-arn", other])
        .run()
        .exits(11)
        .prints_nothing();
    let _ = said
        .says_exactly(
            "iam-del-key: error: the session belongs to account 123456789012, and the role to account 210987654321\n\
             result: AKIDPMS9RO4H3FEXAMPLE: not deleted: nothing was sent to IAM\n",
        );
    assert_eq!(actions(&sandbox), ["AssumeRole"]);
}

/// A session of `user`, if any.
fn session(operation: &str, user: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>{user}<Credentials>\
         <AccessKeyId>ASIARZPUZDIKMX6ST4CU</AccessKeyId><SecretAccessKey>x</SecretAccessKey>\
         <SessionToken>x</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </{operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// Whatever named the role, a response that does not say whose session it is may belong to another request.
#[test]
fn f101_a_session_without_an_account_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    fs::write(&token, "a.b.c").expect("a token");
    let token = token.to_str().expect("a path");
    let profile = |lines: &str| format!("[profile role]\nrole_arn = {ROLE}\n{lines}\n");
    let environment = "credential_source = Environment";
    let mfa = format!("{environment}\nmfa_serial = arn:aws:iam::123456789012:mfa/me");
    let chain =
        format!("source_profile = first\n[profile first]\nrole_arn = {ROLE}\n{environment}");
    let web = format!("web_identity_token_file = {token}");
    let by_profile = &["--profile", "role"][..];
    let sources = [
        (&BY_ROLE[..], String::new()),
        (by_profile, profile(environment)),
        (by_profile, profile(&chain)),
        (
            &["--profile", "role", "--token-code", "123456"],
            profile(&mfa),
        ),
        (by_profile, profile(&web)),
        (&[], String::new()),
    ];
    let user = "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>";
    let users = [
        String::new(),
        format!("{user}</AssumedRoleUser>"),
        format!("{user}<Arn></Arn></AssumedRoleUser>"),
    ];
    let cases = sources
        .iter()
        .flat_map(|source| users.iter().map(move |user| (source, user)));
    for ((args, config), user) in cases {
        let sandbox = documented();
        for operation in ["AssumeRole", "AssumeRoleWithWebIdentity"] {
            let page = session(operation, user);
            sandbox.fault(Fault::new(What::page(200, "text/xml", page)).on(operation));
        }
        let case = Case::documented(&sandbox, args).file(".aws/config", config);
        let case = if args.is_empty() {
            case.without_credentials()
                .env("AWS_ROLE_ARN", ROLE)
                .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        } else {
            case
        };
        let _ = case.run().exits(11).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: the session belongs to an account that STS did not report, and the role to account 123456789012\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

/// A key without a secret cannot sign, and a session without an expiration has not expired.
#[test]
fn f101_a_session_that_lacks_a_part_is_not_used() {
    let session = [
        ("AccessKeyId", "ASIARZPUZDIKMX6ST4CU"),
        ("SecretAccessKey", "x"),
        ("SessionToken", "x"),
        ("Expiration", "2099-01-01T00:00:00Z"),
    ];
    let operations = [
        ("AssumeRole", BY_ROLE),
        ("AssumeRoot", ["--target-principal", "123456789012"]),
    ];
    for (lacking, _) in session {
        for (operation, args) in operations {
            let parts = session.into_iter().filter(|(name, _)| *name != lacking);
            let parts = parts.fold(String::new(), |parts, (name, value)| {
                parts + &format!("<{name}>{value}</{name}>")
            });
            let page = format!(
                "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>\
                 <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>\
                 <Arn>arn:aws:sts::123456789012:assumed-role/Responder/x</Arn></AssumedRoleUser>\
                 <Credentials>{parts}</Credentials></{operation}Result>\
                 <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
            );
            let sandbox = documented();
            sandbox.fault(Fault::new(What::page(200, "text/xml", page)).on(operation));
            let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(args);
            let said = case.run().exits(7).prints_nothing();
            let _ = said.says_exactly(&format!(
                "iam-del-key: error: {operation} returned no {lacking}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ));
            assert_eq!(
                actions(&sandbox).last().map(String::as_str),
                Some(operation)
            );
        }
    }
}

#[test]
fn a_session_with_another_status_than_200_is_not_used() {
    let sandbox = documented();
    let page = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult/>\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>";
    sandbox.fault(Fault::new(What::page(201, "text/xml", page)).on("AssumeRole"));
    let said = Case::documented(&sandbox, &BY_ROLE)
        .run()
        .exits(9)
        .prints_nothing();
    let host = sandbox.address();
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: the role could not be assumed: no usable response from STS at {host}: an AssumeRoleResponse with HTTP status 201\n\
         hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
}

/// For example, the late response to the request for another role of a chain.
#[test]
fn f101_a_session_of_another_role_is_refused() {
    let role = "arn:aws:iam::123456789012:role/ci/Deployer";
    let config = format!("[profile role]\nrole_arn = {role}\ncredential_source = Environment\n");
    for (arn, args) in [
        ("assumed-role/Other/x", ["--profile", "role"]),
        ("assumed-role/ci/Deployer/x", ["--profile", "role"]),
        ("assumed-role/Deployer2/x", ["--role-arn", role]),
        ("federated-user/Deployer", ["--role-arn", role]),
    ] {
        let sandbox = documented();
        let arn = format!("arn:aws:sts::123456789012:{arn}");
        let user = format!("<AssumedRoleUser><Arn>{arn}</Arn></AssumedRoleUser>");
        let what = What::page(200, "text/xml", session("AssumeRole", &user));
        sandbox.fault(Fault::new(what).on("AssumeRole"));
        let case = Case::documented(&sandbox, &args).file(".aws/config", &config);
        let _ = case
            .run()
            .exits(11)
            .prints_nothing()
            .says(&[&format!(
                "error: the session is {arn}, which is not one of the role {role}\n"
            )])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(actions(&sandbox), ["AssumeRole"]);
    }
}

#[test]
fn f101_a_role_on_top_of_a_role_profile_guards_every_key_behind_it() {
    let sandbox = documented();
    let config = format!(
        "[profile chained]\nrole_arn = arn:aws:iam::123456789012:role/First\nsource_profile = base\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let case = || {
        Case::at(&sandbox, ["--profile", "chained"])
            .args(BY_ROLE)
            .without_credentials()
            .file(".aws/config", &config)
    };
    let said = case()
        .args(["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"])
        .run()
        .exits(11);
    let output = said.output().to_owned();
    let _ = said
        .prints(&output)
        .says(&["you would lock yourself out"])
        .ends_with("not deleted: no request to change it was sent to IAM");
    assert!(sandbox.has_key(ADMIN_KEY_ID));
    let _ = case()
        .args(["--access-key-id", BOBS_KEY, "--user-name", "Bob", "-v"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["from --role-arn, assumed with the role of profile `chained`, assumed with the key of profile `base`\n"]);
    let arns: Vec<String> = assumed(&sandbox)
        .iter()
        .filter_map(|request| request.param("RoleArn").map(str::to_owned))
        .collect();
    let first = "arn:aws:iam::123456789012:role/First";
    assert_eq!(arns, [first, ROLE, first, ROLE]);
}

#[test]
fn f101_the_expected_account_is_the_roles() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &BY_ROLE)
        .args(["--expect-account", "123456789012"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let request = sandbox.requests().remove(1);
    assert_eq!(request.action, "GetCallerIdentity");
    assert_ne!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_ne!(request.key_id.as_deref(), Some(SESSION_KEY_ID));
}

#[test]
fn f101_a_command_to_run_next_assumes_the_same_role() {
    let sandbox = documented();
    let more = [
        &BY_ROLE[..],
        &["--external-id", "x1", "--serial-number", "GAHT12345678"],
    ];
    let sandbox_with_device = Sandbox::documented()
        .mfa_device("GAHT12345678", &["755224"])
        .start();
    let _ = Case::at(&sandbox_with_device, ["--access-key-id", BOBS_KEY])
        .args(["--user-name", "Alice", "--token-code", "755224"])
        .args(more.concat())
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&[&format!(
            "; to find the key's owner: iam-del-key --access-key-id {BOBS_KEY} --find-user --dry-run \
             --role-arn {ROLE} --external-id x1 --serial-number GAHT12345678\n"
        )]);
    let _ = Case::documented(&sandbox, &BY_ROLE)
        .args(["--deactivate"])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says_exactly(&format!(
            "hint: to undo it: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate --role-arn {ROLE}\n"
        ));
    // A value that may be a secret is replaced before a shell runs the command.
    let secretive = Sandbox::documented()
        .external_id("Responder", SECRET)
        .start();
    let _ = Case::documented(&secretive, &BY_ROLE)
        .args(["--deactivate", "--external-id", SECRET])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says(&[&format!(
            "hint: to undo it: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate --role-arn {ROLE} \
             --external-id EXTERNAL_ID (replace EXTERNAL_ID: values that may be secrets are not shown)\n"
        )]);
}

#[test]
fn f101_invalid_role_options_send_no_request() {
    let sandbox = documented();
    for (more, says) in [
        (
            &["--role-arn", "Responder"][..],
            "the ARN of a role has the form arn:aws:iam::ACCOUNT:role/NAME",
        ),
        (&["--external-id", "x1"], "--role-arn <ARN>"),
        (&["--role-session-name", "x1"], "--role-arn <ARN>"),
        (&["--serial-number", "GAHT12345678"], "--role-arn <ARN>"),
        (
            &["--role-arn", ROLE, "--external-id", "x"],
            "it must have 2 to 1224 characters",
        ),
        (
            &["--role-arn", ROLE, "--role-session-name", "a b"],
            "character 2 is ` `",
        ),
        (&["--token-code", "12345"], "an MFA code has 6 digits"),
        (
            &["--token-code", "755224"],
            "error: --token-code is only for a role with an MFA device\nhint: name the role with --role-arn and the device with \
             --serial-number, or omit --token-code\n",
        ),
        (
            &["--role-arn", ROLE, "--token-code", "755224"],
            "error: --token-code needs --serial-number\nhint: add --serial-number with the MFA device of the role, or omit --token-code\n",
        ),
    ] {
        let said = Case::documented(&sandbox, more)
            .run()
            .exits(2)
            .prints_nothing();
        assert!(!said.messages().contains("12345'"), "{}", said.messages());
        let _ = said.says(&[says]);
    }
    assert_eq!(sandbox.connections(), 0);
}
