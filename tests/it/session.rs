//! Sessions of `aws sso login` and `aws login`: they sign, and if one is unusable, a hint has the command that fixes it.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use iam_sandbox::documented::SESSION_KEY_ID;
use iam_sandbox::{Credentials, Echo, Fault, Metadata, Sandbox, What};
use serde_json::Value;

use crate::case::{CANARIES, Case, DELETED, documented};
use crate::credentials::{EARLIER, LATER, refused, signs, with_config};

const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = Deployer\n";
/// The SHA-1 of `corp` and of the start URL name their cached tokens.
pub(crate) const SSO_SESSION_TOKEN: &str =
    ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const SSO_URL_TOKEN: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";

pub(crate) fn sso_session() -> String {
    format!(
        "[default]\nsso_session = corp\n{SSO}[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

fn sso_url() -> String {
    format!(
        "[default]\n{SSO}sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

pub(crate) fn token(expires_at: &str) -> String {
    let secret = CANARIES[1];
    format!(
        r#"{{"accessToken":"{secret}","expiresAt":"{expires_at}","region":"us-east-1","startUrl":"https://corp.awsapps.com/start"}}"#
    )
}

#[test]
fn f28_an_unusable_sso_token_gets_the_command_to_sign_in() {
    let sandbox = documented();
    for (config, path, command) in [
        (
            sso_session(),
            SSO_SESSION_TOKEN,
            "hint: aws sso login --sso-session corp",
        ),
        (
            sso_url(),
            SSO_URL_TOKEN,
            "hint: aws sso login --profile default",
        ),
    ] {
        refused(with_config(&sandbox, &config).run(), &[command]);
        let again = command.replace("hint: ", "hint: sign in again: ");
        refused(
            with_config(&sandbox, &config)
                .file(path, token(EARLIER))
                .run(),
            &["the SSO session has expired\n", &again],
        );
        refused(
            with_config(&sandbox, &config).file(path, "{").run(),
            &[command],
        );
    }
    // Only the SSO portal can say whether a token of a start URL has expired.
    assert!(
        sandbox
            .requests()
            .iter()
            .all(|request| request.service.as_deref() != Some("iam"))
    );
}

#[test]
fn a_token_of_another_start_url_is_not_used() {
    let sandbox = documented();
    let portal = Metadata::start();
    for (config, path, command) in [
        (
            sso_session(),
            SSO_SESSION_TOKEN,
            "hint: aws sso login --sso-session corp",
        ),
        (
            sso_url(),
            SSO_URL_TOKEN,
            "hint: aws sso login --profile default",
        ),
    ] {
        for (other, expires_at) in [
            ("https://other.awsapps.com/start", LATER),
            ("https://corp.awsapps.com/start2", LATER),
            // This session would be renewed.
            ("https://other.awsapps.com/start", EARLIER),
        ] {
            let token = token(expires_at).replace("https://corp.awsapps.com/start", other);
            let token = token.replace(
                '{',
                &format!(
                    r#"{{"clientId":"c","clientSecret":"s","refreshToken":"r","registrationExpiresAt":"{LATER}","#
                ),
            );
            let case = with_config(&sandbox, &config)
                .file(path, token)
                .env("AWS_ENDPOINT_URL_SSO", portal.url())
                .env("AWS_ENDPOINT_URL_SSO_OIDC", portal.url());
            let says =
                format!("is of {other}, and sso_start_url is https://corp.awsapps.com/start");
            refused(case.run(), &[&says, command]);
        }
        // AWS CLI version 1 and other tools do not save the start URL, or add the characters that a browser adds.
        for same in [
            "",
            "https://corp.awsapps.com/start/#/",
            "HTTPS://corp.awsapps.com/start/",
        ] {
            let token = token(LATER).replace("https://corp.awsapps.com/start", same);
            let sandbox = documented();
            let case = with_config(&sandbox, &config)
                .file(path, token)
                .env("AWS_ENDPOINT_URL_SSO", portal.url());
            signs(&sandbox, case, SESSION_KEY_ID);
        }
    }
    assert_eq!(portal.requests().len(), 6);
}

#[test]
fn an_sso_session_signs() {
    for (config, path) in [
        (sso_session(), SSO_SESSION_TOKEN),
        (sso_url(), SSO_URL_TOKEN),
    ] {
        let sandbox = documented();
        let portal = Metadata::start();
        let case = with_config(&sandbox, &config)
            .file(path, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        signs(&sandbox, case, SESSION_KEY_ID);
        assert_eq!(portal.requests().len(), 1);
    }
}

pub(crate) const RENEWABLE_TOKEN: &str = r#"{"accessToken":"old","expiresAt":"2020-01-01T00:00:00UTC","refreshToken":"refresh-1","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z"}"#;

/// The SHA-256 of the session's ARN names its cached token.
pub(crate) const LOGIN_TOKEN: &str =
    ".aws/login/cache/3bc116bc89c2aaafd2966cc3739259adf8e7b4b69c08c4e21f4dd28c17bb78d4.json";
pub(crate) const LOGIN: &str = "[default]\nlogin_session = arn:aws:iam::123456789012:user/admin\n";

/// This key belongs to no user.
const DPOP_KEY: &str = "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEILl6mEbBhGvWP3pkkHYoKg1SF8rLjGjUcCuoQdID9Tj8oAoGCCqGSM49\\n\
    AwEHoUQDQgAEd5Qu7qBU4J4uIRxH8LnzBo5jNNNHvZS0qAeagSNJKZatUugK06/q\\nyK5nh0asfYBdjWOrid1l8818dBw0ClqPBQ==\\n\
    -----END EC PRIVATE KEY-----\\n";

/// The file in which `aws login` saves a session.
pub(crate) fn login_token(session: &Credentials, expires_at: &str, refresh_token: &str) -> String {
    format!(
        r#"{{"accessToken":{{"accessKeyId":"{}","secretAccessKey":"{}","sessionToken":"{}","accountId":"123456789012","expiresAt":"{expires_at}"}},"tokenType":"aws_sigv4","refreshToken":"{refresh_token}","clientId":"arn:aws:signin:::devtools/same-device","dpopKey":"{DPOP_KEY}"}}"#,
        session.access_key_id,
        session.secret_access_key,
        session.session_token.clone().unwrap_or_default(),
    )
}

/// A run that requests its credentials from the service of `variable`. The request contains the secret `refresh-1`. Also returns
/// the source of the credentials.
pub(crate) fn requests_session(sandbox: &Sandbox, variable: &str) -> (Case, &'static str) {
    let sso = |token: String| {
        let case = with_config(sandbox, &sso_session()).file(SSO_SESSION_TOKEN, token);
        (case, "the SSO session of profile `default`")
    };
    match variable {
        "AWS_ENDPOINT_URL_SSO" => sso(token(LATER).replace(CANARIES[1], "refresh-1")),
        "AWS_ENDPOINT_URL_SSO_OIDC" => sso(RENEWABLE_TOKEN.to_owned()),
        _ => {
            let token = login_token(&sandbox.session(), EARLIER, "refresh-1");
            let case = with_config(sandbox, LOGIN).file(LOGIN_TOKEN, token);
            (case, "the login session of profile `default`")
        }
    }
}

#[test]
fn a_login_session_signs_and_a_missing_one_gets_the_command_to_sign_in() {
    let sandbox = documented();
    refused(
        with_config(&sandbox, LOGIN).run(),
        &["hint: aws login --profile default"],
    );
    assert_eq!(sandbox.connections(), 0);
    let token = login_token(&sandbox.session(), LATER, CANARIES[1]);
    let without_token = token.replace("sessionToken", "other");
    refused(
        with_config(&sandbox, LOGIN)
            .file(LOGIN_TOKEN, without_token)
            .run(),
        &["no session of `aws login`: its file has no sessionToken\n"],
    );
    signs(
        &sandbox,
        with_config(&sandbox, LOGIN).file(LOGIN_TOKEN, token),
        SESSION_KEY_ID,
    );
}

#[test]
fn f68_a_failed_sign_in_is_reported_without_the_secrets_of_the_request() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::Echo(Echo::Json)).always());
    let refresh = "refresh-0123456789-abcdefghijklmnopqrstuvwxyz-9876543210";
    let token = login_token(&sandbox.session(), EARLIER, refresh);
    let case = with_config(&sandbox, LOGIN)
        .file(LOGIN_TOKEN, token)
        .env("AWS_ENDPOINT_URL_SIGNIN", sandbox.url());
    let said = case.args(["--debug"]).run().exits(7).prints_nothing();
    let messages = said.messages().to_owned();
    let _ = said.says(&["(not shown)", "hint: aws login --profile default"]);
    let requests = sandbox.requests();
    let proof = requests[0].header("dpop").expect("the proof of the key");
    for secret in [
        &refresh[..24],
        &refresh[refresh.len() - 24..],
        &proof[..24],
        &proof[proof.len() - 24..],
    ] {
        assert!(!messages.contains(secret), "{secret}: {messages}");
    }
}

/// Reads a file of the run's home as JSON, with its mode.
pub(crate) fn read_json(folder: &Path, path: &str) -> (Value, u32) {
    let path = folder.join("home").join(path);
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777;
    let text = std::fs::read_to_string(path).expect("a file");
    (serde_json::from_str(&text).expect("JSON"), mode)
}

#[test]
fn an_expired_sso_token_is_renewed_and_saved() {
    let renewed = r#"{"accessToken":"renewed-token-1","expiresIn":3600,"refreshToken":"refresh-2","tokenType":"Bearer"}"#;
    let portal =
        Metadata::start_instead(HashMap::from([("/token".to_owned(), renewed.to_owned())]));
    let token = r#"{"accessToken":"old-token","expiresAt":"2020-01-01T00:00:00UTC","refreshToken":"refresh-1","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z","extra":1}"#;
    let sandbox = documented();
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, token)
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
        .env("AWS_ENDPOINT_URL_SSO_OIDC", portal.url());
    let _ = case
        .start()
        .end_keeping(|folder| {
            let (kept, mode) = read_json(folder, SSO_SESSION_TOKEN);
            assert_eq!(
                (kept["accessToken"].as_str(), mode),
                (Some("renewed-token-1"), 0o600)
            );
            assert_eq!(
                (kept["refreshToken"].as_str(), kept["extra"].as_i64()),
                (Some("refresh-2"), Some(1))
            );
            assert!(
                kept["expiresAt"]
                    .as_str()
                    .is_some_and(|time| time > "2026" && time.ends_with('Z'))
            );
        })
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        portal.requests(),
        ["POST /token", "GET /federation/credentials"]
    );

    // Without a refresh token, nothing is sent.
    let token = token.replace("refreshToken", "x");
    let portal = Metadata::start();
    let case = with_config(&sandbox, &sso_session())
        .file(SSO_SESSION_TOKEN, token)
        .env("AWS_ENDPOINT_URL", portal.url());
    refused(
        case.run(),
        &[
            "the SSO session has expired\n",
            "hint: sign in again: aws sso login --sso-session corp\n",
        ],
    );
    assert_eq!(portal.requests().len(), 0);
}

#[test]
fn a_renewal_without_a_token_does_not_replace_the_session() {
    let sandbox = documented();
    let login_token = login_token(&sandbox.expired_session(), EARLIER, "refresh-1");
    let sso = (sso_session(), SSO_SESSION_TOKEN, RENEWABLE_TOKEN, "/token");
    let login = (LOGIN.to_owned(), LOGIN_TOKEN, &*login_token, "/v1/token");
    let sso_says = [
        "no credentials: SSO returned no accessToken",
        "hint: aws sso login --sso-session corp",
    ];
    let login_says = [
        "the sign-in service returned no credentials",
        "hint: aws login --profile default",
    ];
    let key = r#"{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"s","sessionToken":"t"}"#;
    for ((config, path, token, service_path), response, says) in [
        (&sso, "{}".to_owned(), sso_says),
        (
            &sso,
            r#"{"accessToken":"","expiresIn":3600}"#.to_owned(),
            sso_says,
        ),
        (&login, "{}".to_owned(), login_says),
        (
            &login,
            r#"{"accessToken":{},"expiresIn":900,"refreshToken":"r"}"#.to_owned(),
            login_says,
        ),
        (
            &login,
            format!(r#"{{"accessToken":{key},"expiresIn":900}}"#),
            login_says,
        ),
    ] {
        let responses = HashMap::from([((*service_path).to_owned(), response.clone())]);
        let service = Metadata::start_instead(responses);
        let case = with_config(&sandbox, config)
            .file(path, *token)
            .env("AWS_ENDPOINT_URL_SSO", service.url())
            .env("AWS_ENDPOINT_URL_SSO_OIDC", service.url())
            .env("AWS_ENDPOINT_URL_SIGNIN", service.url());
        let _ = case
            .start()
            .end_keeping(|folder| {
                let kept = std::fs::read_to_string(folder.join("home").join(path));
                assert_eq!(kept.expect("a file"), *token, "{response}");
            })
            .exits(7)
            .prints_nothing()
            .says(&says);
        assert_eq!(service.requests().len(), 1);
    }
}

#[test]
fn an_expired_login_session_is_renewed_and_saved() {
    let sandbox = documented();
    let session = sandbox.session();
    let renewed = format!(
        r#"{{"accessToken":{{"accessKeyId":"{}","secretAccessKey":"{}","sessionToken":"{}"}},"expiresIn":900,"refreshToken":"refresh-2","tokenType":"aws_sigv4"}}"#,
        session.access_key_id,
        session.secret_access_key,
        session.session_token.clone().unwrap_or_default(),
    );
    let service = Metadata::start_instead(HashMap::from([("/v1/token".to_owned(), renewed)]));
    let old = sandbox.expired_session();
    let case = with_config(&sandbox, LOGIN)
        .file(LOGIN_TOKEN, login_token(&old, EARLIER, "refresh-1"))
        .env("AWS_ENDPOINT_URL_SIGNIN", service.url());
    let _ = case
        .start()
        .end_keeping(|folder| {
            let (kept, mode) = read_json(folder, LOGIN_TOKEN);
            assert_eq!(
                (kept["refreshToken"].as_str(), mode),
                (Some("refresh-2"), 0o600)
            );
            assert_eq!(kept["accessToken"]["accountId"], "123456789012");
            assert_eq!(kept["clientId"], "arn:aws:signin:::devtools/same-device");
        })
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.key_id.as_deref(), Some(SESSION_KEY_ID));
    assert_eq!(service.requests(), ["POST /v1/token"]);
}
