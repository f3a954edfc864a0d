//! Sessions of `aws sso login` and `aws login`: they sign, and where they are no good the command that mends it is
//! named.

use iam_sandbox::Metadata;
use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{CANARIES, documented};
use crate::credentials::{EARLIER, LATER, refused, signs, without};

const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = Deployer\n";
/// The SHA-1 of `corp` and of the start URL name their cached tokens.
const SSO_SESSION_TOKEN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const SSO_URL_TOKEN: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";

fn sso_session() -> String {
    format!(
        "[default]\nsso_session = corp\n{SSO}[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

fn sso_url() -> String {
    format!(
        "[default]\n{SSO}sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
    )
}

fn token(expires_at: &str) -> String {
    let secret = CANARIES[1];
    format!(
        r#"{{"accessToken":"{secret}","expiresAt":"{expires_at}","region":"us-east-1","startUrl":"https://corp.awsapps.com/start"}}"#
    )
}

#[test]
fn f28_an_sso_token_that_is_no_good_names_the_command() {
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
        refused(without(&sandbox, &config).run(), &[command]);
        refused(
            without(&sandbox, &config).file(path, token(EARLIER)).run(),
            &[command],
        );
        refused(without(&sandbox, &config).file(path, "{").run(), &[command]);
    }
    // Whether a token of a start URL has expired is for the SSO portal to say.
    assert!(
        sandbox
            .requests()
            .iter()
            .all(|request| request.service.as_deref() != Some("iam"))
    );
}

#[test]
fn an_sso_session_signs() {
    for (config, path) in [
        (sso_session(), SSO_SESSION_TOKEN),
        (sso_url(), SSO_URL_TOKEN),
    ] {
        let sandbox = documented();
        let portal = Metadata::start();
        let case = without(&sandbox, &config)
            .file(path, token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        signs(&sandbox, case, SESSION_KEY_ID);
        assert_eq!(portal.requests().len(), 1);
    }
}

/// The SHA-256 of the session's ARN names its cached token.
const LOGIN_TOKEN: &str =
    ".aws/login/cache/3bc116bc89c2aaafd2966cc3739259adf8e7b4b69c08c4e21f4dd28c17bb78d4.json";
const LOGIN: &str = "[default]\nlogin_session = arn:aws:iam::123456789012:user/admin\n";

#[test]
fn aws_login_signs_and_its_absence_names_the_command() {
    let sandbox = documented();
    refused(
        without(&sandbox, LOGIN).run(),
        &["hint: aws login --profile default"],
    );
    assert_eq!(sandbox.connections(), 0);
    let session = sandbox.session();
    let token = format!(
        r#"{{"accessToken":{{"accessKeyId":"{}","secretAccessKey":"{}","sessionToken":"{}","accountId":"123456789012","expiresAt":"{LATER}"}},"tokenType":"aws_sigv4","refreshToken":"{}","clientId":"arn:aws:signin:::devtools/same-device","dpopKey":"unused"}}"#,
        session.access_key_id,
        session.secret_access_key,
        session.session_token.clone().unwrap_or_default(),
        CANARIES[1],
    );
    signs(
        &sandbox,
        without(&sandbox, LOGIN).file(LOGIN_TOKEN, token),
        SESSION_KEY_ID,
    );
}
