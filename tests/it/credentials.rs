//! Every source of credentials: it signs, an error says how to fix it, and waiting for it ends.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Credentials, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DOCUMENTED, Ended, documented, each};

pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const LATER: &str = "2099-01-01T00:00:00Z";
pub(crate) const EARLIER: &str = "2020-01-01T00:00:00Z";

/// A run without credentials in its environment.
pub(crate) fn with_config(sandbox: &Sandbox, config: &str) -> Case {
    Case::documented(sandbox, &[])
        .without_credentials()
        .file(".aws/config", config)
}

pub(crate) fn signs(sandbox: &Sandbox, case: Case, signer: &str) {
    case.run().deletes_quietly();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.action, "DeleteAccessKey");
    assert_eq!(request.key_id.as_deref(), Some(signer));
    assert!(!sandbox.has_key(BOBS_KEY));
}

pub(crate) fn refused(ended: Ended, says: &[&str]) {
    let says: Vec<&str> = ["iam-del-key: error: ", "hint: "]
        .iter()
        .chain(says)
        .copied()
        .collect();
    let _ = ended
        .exits(7)
        .prints_nothing()
        .says(&says)
        .ends_with("not deleted: nothing was sent to IAM")
        .within(SOON);
}

pub(crate) fn json(credentials: &Credentials, expiration: &str) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}","SessionToken":"{}","Expiration":"{expiration}"}}"#,
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token.as_deref().unwrap_or_default(),
    )
}

pub(crate) fn keys(credentials: &Credentials) -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        credentials.access_key_id, credentials.secret_access_key
    )
}

#[test]
fn f20_no_credentials_anywhere() {
    let mut case = Case::bare(DOCUMENTED);
    let places = [case.path(".aws/config"), case.path(".aws/credentials")]
        .map(|path| path.display().to_string());
    case = case
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    refused(
        case.run(),
        &[
            "no AWS credentials: ",
            "AWS_ACCESS_KEY_ID",
            &places[0],
            &places[1],
            "`aws configure`",
        ],
    );
}

#[test]
fn f23_half_set_variables() {
    let sandbox = documented();
    let case = || Case::documented(&sandbox, &[]);
    refused(
        case().without("AWS_SECRET_ACCESS_KEY").run(),
        &[
            "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not\n",
            "hint: set AWS_SECRET_ACCESS_KEY too, or unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
             AWS_SESSION_TOKEN to use another source\n",
        ],
    );
    refused(
        case().without("AWS_ACCESS_KEY_ID").run(),
        &["AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"],
    );
    // An empty variable counts as not set.
    refused(
        case().env("AWS_ACCESS_KEY_ID", "").run(),
        &["AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"],
    );
    refused(
        case().env("AWS_SECRET_ACCESS_KEY", "").run(),
        &[
            "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not\n",
            "hint: set AWS_SECRET_ACCESS_KEY too, or unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
             AWS_SESSION_TOKEN to use another source\n",
        ],
    );
    refused(
        case().env("AWS_SECRET_ACCESS_KEY", " ").run(),
        &["the environment variable AWS_SECRET_ACCESS_KEY contains whitespace"],
    );
    let cases = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    each(cases, |variable| {
        let value = format!("{}\n", CANARIES[1]);
        refused(
            case().env(variable, value).run(),
            &[&format!(
                "the environment variable {variable} contains whitespace, a quote"
            )],
        );
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f23_a_half_set_profile() {
    let sandbox = documented();
    let config = format!("[default]\naws_access_key_id = {ADMIN_KEY_ID}\n");
    refused(
        with_config(&sandbox, &config).run(),
        &["aws_secret_access_key"],
    );
    let config = format!("[default]\naws_secret_access_key = {}\n", CANARIES[0]);
    refused(
        with_config(&sandbox, &config).run(),
        &["has aws_secret_access_key, but not aws_access_key_id in the same file"],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn keys_of_a_profile_sign() {
    let cases = [
        (".aws/credentials", "[work]"),
        (".aws/config", "[profile work]"),
    ];
    each(cases, |(file, section)| {
        let cases = ["option", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
        each(cases, |way| {
            let sandbox = documented();
            let case = with_config(&sandbox, "")
                .file(file, format!("{section}\n{}", keys(&sandbox.admin())));
            let case = if way == "option" {
                case.args(["--profile", "work"])
            } else {
                case.env(way, "work")
            };
            signs(&sandbox, case, ADMIN_KEY_ID);
        });
    });
}

#[test]
fn session_credentials_of_the_environment_sign() {
    let sandbox = documented();
    let session = sandbox.session();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
        .env(
            "AWS_SESSION_TOKEN",
            session.session_token.clone().unwrap_or_default(),
        );
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn f29_an_expired_session_exits_7() {
    let sandbox = documented();
    let session = sandbox.expired_session();
    let case = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
        .env(
            "AWS_SESSION_TOKEN",
            session.session_token.clone().unwrap_or_default(),
        );
    let says = &[
        "(ExpiredToken)",
        "hint: the session has expired: get new credentials from the same source",
    ];
    case.run()
        .ends_as(7, "Failed", says, "not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f25_profiles_that_lead_nowhere() {
    let sandbox = documented();
    let role = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";
    let cases = [
        (
            format!(
                "[default]\n{role}source_profile = b\n[profile b]\n{role}source_profile = default\n"
            ),
            "loop",
        ),
        (
            format!("[default]\n{role}"),
            "hint: add source_profile to the profile `default`, with the name of the profile whose credentials assume the role, \
             or add credential_source\nresult: ",
        ),
        (format!("[default]\n{role}source_profile = gone\n"), "gone"),
        (
            format!("[default]\n{role}credential_source = Elsewhere\n"),
            "Elsewhere",
        ),
    ];
    for (config, says) in cases {
        refused(with_config(&sandbox, &config).run(), &[says]);
        refused(
            with_config(&sandbox, &config)
                .args(["--profile", "default"])
                .run(),
            &[says],
        );
    }
    refused(
        with_config(
            &sandbox,
            "[default]\nsso_session = my team\nsso_account_id = 1\nsso_role_name = r\n[sso-session my]\n",
        )
        .run(),
        &["`sso_session` of profile `default` is `my team`: that sso-session section does not exist"],
    );
    refused(
        with_config(&sandbox, "[profile empty]\nregion = us-east-1\n")
            .args(["--profile", "empty"])
            .run(),
        &["the profile `empty` has no credentials"],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_role_is_assumed_from_a_source_profile() {
    let sandbox = documented();
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\nexternal_id = x-1\nrole_session_name = me\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    with_config(&sandbox, &config).run().deletes_quietly();
    let requests = sandbox.requests();
    assert_eq!(
        requests
            .iter()
            .map(|request| request.action.as_str())
            .collect::<Vec<_>>(),
        ["AssumeRole", "DeleteAccessKey"]
    );
    assert_eq!(requests[0].key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(requests[0].param("ExternalId"), Some("x-1"));
    assert_eq!(requests[0].param("RoleSessionName"), Some("me"));
    assert!(
        requests[1]
            .key_id
            .as_deref()
            .is_some_and(|id| id.starts_with("ASIA"))
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_web_identity_signs() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("token", "a.web.token");
    let token = case.path("token");
    let case = case
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer")
        .env("AWS_ROLE_SESSION_NAME", "ci");
    case.run().deletes_quietly();
    let requests = sandbox.requests();
    assert_eq!(requests[0].action, "AssumeRoleWithWebIdentity");
    assert_eq!(requests[0].param("WebIdentityToken"), Some("a.web.token"));
    assert!(!sandbox.has_key(BOBS_KEY));
}
