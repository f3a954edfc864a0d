//! Who signs if one of the sources is an SSO session: its credentials, or an error.

use std::collections::HashMap;

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, documented, each};
use crate::chain::{ROLE, deletes, signers};
use crate::credentials::{EARLIER, LATER, json, keys, refused, signs, with_config};

pub(crate) const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = Deployer\n";
pub(crate) const SESSION: &str =
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
pub(crate) const TOKEN_FILE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

pub(crate) fn sso_token(expires_at: &str) -> String {
    format!(
        r#"{{"accessToken":"{}","expiresAt":"{expires_at}"}}"#,
        CANARIES[1]
    )
}

/// A run that can use the SSO session `corp`.
pub(crate) fn with_sso(sandbox: &Sandbox, portal: &Metadata, config: &str) -> Case {
    with_config(sandbox, &format!("{config}{SESSION}"))
        .file(TOKEN_FILE, sso_token(LATER))
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
}

/// The same, with a profile that has only the session.
pub(crate) fn with_corp(sandbox: &Sandbox, portal: &Metadata) -> Case {
    with_sso(
        sandbox,
        portal,
        &format!("[default]\nsso_session = corp\n{SSO}"),
    )
}

#[test]
fn c80_a_source_profile_with_sso_and_a_key_gives_the_sso_credentials() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let config =
        format!("[default]\n{ROLE}source_profile = s\n[profile s]\nsso_session = corp\n{SSO}");
    let case = with_sso(&sandbox, &portal, &config).file(
        ".aws/credentials",
        format!("[s]\n{}", keys(&sandbox.admin())),
    );
    deletes(case);
    assert_eq!(signers(&sandbox)[0], SESSION_KEY_ID);
    assert_eq!(portal.requests().len(), 1);
}

/// A key without a secret cannot sign, and a session without an expiration has not expired.
#[test]
fn an_sso_session_that_lacks_a_part_is_not_used() {
    let session = [
        ("accessKeyId", "\"ASIARZPUZDIKMX6ST4CU\""),
        ("secretAccessKey", "\"x\""),
        ("sessionToken", "\"x\""),
        ("expiration", "4102444800000"),
    ];
    for (lacking, _) in session {
        each(["\"\"", "null"], |empty| {
            let parts = session.map(|(name, value)| match (name == lacking, name) {
                (false, _) => format!("\"{name}\":{value}"),
                (true, "expiration") => "\"other\":1".to_owned(),
                (true, _) => format!("\"{name}\":{empty}"),
            });
            let page = format!("{{\"roleCredentials\":{{{}}}}}", parts.join(","));
            let instead = [("/federation/credentials".to_owned(), page)].into();
            let (sandbox, portal) = (documented(), Metadata::start_instead(instead));
            with_corp(&sandbox, &portal).run().stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: SSO returned no {lacking}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
            assert_eq!(sandbox.connections(), 0);
        });
    }
}

/// SSO has just returned the credentials, so signing in again does not help.
#[test]
fn new_credentials_that_look_expired_point_to_the_clock() {
    let page = r#"{"roleCredentials":{"accessKeyId":"ASIARZPUZDIKMX6ST4CU","secretAccessKey":"x","sessionToken":"x","expiration":1577836800000}}"#;
    let instead = [("/federation/credentials".to_owned(), page.to_owned())].into();
    let (sandbox, portal) = (documented(), Metadata::start_instead(instead));
    with_corp(&sandbox, &portal).run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: the credentials from the SSO session of profile `default` have expired\n\
             hint: check this machine's clock, or get new credentials from the same source\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}

#[test]
fn c81_credential_source_without_a_role_is_not_a_source() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let config = format!("[default]\nsso_session = corp\n{SSO}credential_source = EcsContainer\n");
    let case = with_sso(&sandbox, &portal, &config)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", portal.container_url());
    signs(&sandbox, case, SESSION_KEY_ID);
    assert_eq!(portal.requests(), ["GET /federation/credentials"]);

    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--profile", "work"]).file(
        ".aws/config",
        "[profile work]\ncredential_source = Environment\n",
    );
    refused(case.run(), &["the profile `work` has no credentials"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c86_endpoints_that_are_ignored_get_no_token() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let proxy = Proxy::start(ProxyMode::Refuse502);
    each(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSO"], |variable| {
        let case = with_corp(&sandbox, &portal)
            .env(variable, portal.url())
            .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("HTTPS_PROXY", proxy.url());
        refused(case.run(), &["portal.sso.us-east-1.amazonaws.com"]);
    });
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
    let targets = proxy.requests().into_iter().map(|request| request.target);
    let targets: Vec<String> = targets.collect();
    assert_eq!(targets, ["portal.sso.us-east-1.amazonaws.com:443"; 2]);
}

#[test]
fn c88_an_empty_endpoint_variable_counts_as_not_set() {
    let portal = Metadata::start();
    let cases = [
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_ENDPOINT_URL_SIGNIN",
    ];
    each(cases, |variable| {
        let sandbox = documented();
        let config = format!(
            "[default]\n{ROLE}source_profile = s\n[profile s]\n{}",
            keys(&sandbox.admin())
        );
        deletes(with_config(&sandbox, &config).env(variable, ""));
        assert_eq!(signers(&sandbox).len(), 2, "{variable}");
    });
    let sandbox = documented();
    let config = format!(
        "[default]\nsso_session = corp\n{SSO}services = s\n[services s]\niam =\n  endpoint_url =\nsso =\n  endpoint_url = {}\n",
        portal.url()
    );
    let case = with_sso(&sandbox, &portal, &config)
        .env("AWS_ENDPOINT_URL", "")
        .env("AWS_ENDPOINT_URL_SSO", "")
        .env("AWS_ENDPOINT_URL_IAM", sandbox.url());
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn c33_c91_a_profile_may_repeat_what_the_sso_session_says() {
    let portal = Metadata::start();
    let equal = "sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
    let sandbox = documented();
    let config = format!("[default]\nsso_session = corp\n{SSO}{equal}");
    signs(
        &sandbox,
        with_sso(&sandbox, &portal, &config),
        SESSION_KEY_ID,
    );

    let sandbox = documented();
    let config = format!("[default]\nsso_session = corp\n{SSO}sso_region = eu-west-1\n");
    let case = with_sso(&sandbox, &portal, &config);
    refused(
        case.run(),
        &[
            "`sso_region` of profile `default` and `sso_region` of sso-session `corp` differ",
            "hint: remove line 5 of ",
            "or line 7 of ",
        ],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c91_part_of_sso_with_a_key_is_not_used() {
    let cases = [
        ("sso_start_url = https://x\nsso_region = us-east-1\n", ""),
        ("sso_session = corp\n", SESSION),
    ];
    each(cases, |(part, session)| {
        let sandbox = documented();
        let config = format!("[default]\n{part}{}{session}", keys(&sandbox.admin()));
        signs(&sandbox, with_config(&sandbox, &config), ADMIN_KEY_ID);
    });
    let (sandbox, portal) = (documented(), Metadata::start());
    let config = "[default]\nsso_session = corp\nsso_role_name = Deployer\n";
    let case = with_config(
        &sandbox,
        &format!("{config}{SESSION}sso_account_id = 123456789012\n"),
    )
    .file(TOKEN_FILE, sso_token(LATER))
    .env("AWS_ENDPOINT_URL_SSO", portal.url());
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn c93_an_incomplete_sso_session_is_an_error_whichever_source_signs() {
    let cases = [
        (
            "",
            "is `gone`: that sso-session section does not exist\nhint: correct `sso_session` of profile `default` (",
        ),
        (
            "[sso-session gone]\nsso_region = us-east-1\n",
            "is `gone`: that sso-session section has no sso_start_url\nhint: add sso_start_url to that section\n",
        ),
        (
            "[sso-session gone]\nsso_start_url = https://x\n",
            "is `gone`: that sso-session section has no sso_region\nhint: add sso_region to that section\n",
        ),
    ];
    each(cases, |(section, says)| {
        let sandbox = documented();
        let config = format!("[default]\nsso_session = gone\n{section}");
        let case = Case::documented(&sandbox, &[]).file(".aws/config", &config);
        refused(case.run(), &[says]);
        let config = config.replacen('\n', &format!("\n{}", keys(&sandbox.admin())), 1);
        refused(with_config(&sandbox, &config).run(), &[says]);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn c93_an_expired_sso_token_is_not_presented() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let case = with_corp(&sandbox, &portal).file(TOKEN_FILE, sso_token(EARLIER));
    refused(
        case.run(),
        &[
            "the SSO session has expired\n",
            "hint: sign in again: aws sso login --sso-session corp\n",
        ],
    );
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
}

#[test]
fn c36_an_expiration_with_an_offset_is_read_from_every_source() {
    let offset = "2099-01-01T00:00:00+00:00";
    let session = documented().session();
    let answer = json(&session, offset).replace("SessionToken", "Token");
    let instead = HashMap::from([("/creds".to_owned(), answer)]);
    let metadata = Metadata::start_instead(instead);
    let sandbox = documented();
    let case = with_config(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    signs(&sandbox, case, SESSION_KEY_ID);

    let sandbox = documented();
    let case = with_config(&sandbox, "").file("answer.json", json(&session, offset));
    let config = format!(
        "[default]\ncredential_process = cat '{}'\n",
        case.path("answer.json").display()
    );
    signs(&sandbox, case.file(".aws/config", config), SESSION_KEY_ID);

    let (sandbox, portal) = (documented(), Metadata::start());
    let case = with_corp(&sandbox, &portal).file(TOKEN_FILE, sso_token("2099-01-01T00:00:00UTC"));
    signs(&sandbox, case, SESSION_KEY_ID);
}
