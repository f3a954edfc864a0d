//! Who signs, where more than one source of credentials is configured: the one of AWS CLI version 2, or an error.

use std::collections::HashMap;

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, documented, each};
use crate::credentials::{EARLIER, LATER, json, keys, refused, signs, without};

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";
const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = Deployer\n";
const SESSION: &str =
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
const TOKEN_FILE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

fn sso_token(expires_at: &str) -> String {
    format!(
        r#"{{"accessToken":"{}","expiresAt":"{expires_at}"}}"#,
        CANARIES[1]
    )
}

/// A run that can use the SSO session `corp`.
fn with_sso(sandbox: &Sandbox, portal: &Metadata, config: &str) -> Case {
    without(sandbox, &format!("{config}{SESSION}"))
        .file(TOKEN_FILE, sso_token(LATER))
        .env("AWS_ENDPOINT_URL_SSO", portal.url())
}

/// The keys that signed, in order.
fn signers(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter();
    requests.filter_map(|request| request.key_id).collect()
}

fn deletes(case: Case) {
    case.run().deletes_quietly();
}

#[test]
fn c05_aws_profile_takes_precedence_over_aws_default_profile() {
    let sandbox = documented();
    let session = sandbox.session();
    let credentials = format!(
        "[first]\n{}[second]\n{}aws_session_token = x\n",
        keys(&sandbox.admin()),
        keys(&session)
    );
    let case = |second: &str| {
        without(&sandbox, "")
            .file(".aws/credentials", &credentials)
            .env("AWS_PROFILE", "first")
            .env("AWS_DEFAULT_PROFILE", second)
    };
    let _ = case("second").run().exits(0).prints(DELETED).says_exactly(
        "iam-del-key: warning: AWS_DEFAULT_PROFILE is ignored, because AWS_PROFILE names the profile `first`\n",
    );
    assert_eq!(signers(&sandbox), [ADMIN_KEY_ID]);
    sandbox.add_key(iam_sandbox::KeySeed::new("Bob", BOBS_KEY));
    deletes(case("first"));
    // An empty one names no profile that could be warned of.
    let empty = case("second").env("AWS_PROFILE", "").run();
    let said = empty.exits(7).prints_nothing();
    let error = "iam-del-key: error: the environment variable AWS_PROFILE is empty: it must name a profile\n";
    assert!(said.messages().starts_with(error), "{}", said.messages());
}

#[test]
fn c20_the_source_is_named_and_a_profile_that_is_overridden_is_warned_of() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["-v"])
        .file(".aws/config", "[profile other]\nregion = us-east-1\n")
        .env("AWS_PROFILE", "other");
    let _ = case.run().exits(0).prints(DELETED).says(&[
        "warning: the profile `other` (AWS_PROFILE) does not provide the credentials: AWS_ACCESS_KEY_ID takes precedence\n",
        &format!("info: using access key {ADMIN_KEY_ID}, from the environment variables\n"),
    ]);
    let sandbox = documented();
    let config = format!("[default]\n{}", keys(&sandbox.admin()));
    let said = without(&sandbox, &config)
        .args(["-v"])
        .run()
        .exits(0)
        .prints(DELETED);
    let _ = said.says(&[&format!(
        "info: using access key {ADMIN_KEY_ID}, from the key of profile `default`\n"
    )]);
}

#[test]
fn c20_a_web_identity_overrides_the_profile_too() {
    let sandbox = documented();
    let case =
        without(&sandbox, "[profile other]\nregion = us-east-1\n").file("token", "a.web.token");
    let token = case.path("token");
    let case = case
        .env("AWS_PROFILE", "other")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Deployer");
    let _ = case.run().exits(0).prints(DELETED).says_exactly(
        "iam-del-key: warning: the profile `other` (AWS_PROFILE) does not provide the credentials: \
         AWS_WEB_IDENTITY_TOKEN_FILE takes precedence\n",
    );
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

/// Half a key signs nothing, and a session without an expiration has not expired.
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
            let config = format!("[default]\nsso_session = corp\n{SSO}");
            let said = with_sso(&sandbox, &portal, &config)
                .run()
                .exits(7)
                .prints_nothing();
            let _ = said.says_exactly(&format!(
                "iam-del-key: error: SSO returned no {lacking}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ));
            assert_eq!(sandbox.connections(), 0);
        });
    }
}

#[test]
fn c80_a_source_profile_with_a_web_identity_and_a_key_assumes_the_web_role() {
    let sandbox = documented();
    let case = without(&sandbox, "").file("token", "a.web.token");
    let config = format!(
        "[default]\n{ROLE}source_profile = s\n[profile s]\n{ROLE}web_identity_token_file = {}\n{}",
        case.path("token").display(),
        keys(&sandbox.admin())
    );
    deletes(case.file(".aws/config", config));
    let actions: Vec<String> = sandbox
        .requests()
        .into_iter()
        .map(|request| request.action)
        .collect();
    assert_eq!(
        actions,
        ["AssumeRoleWithWebIdentity", "AssumeRole", "DeleteAccessKey"]
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
        let case = with_sso(
            &sandbox,
            &portal,
            &format!("[default]\nsso_session = corp\n{SSO}"),
        )
        .env(variable, portal.url())
        .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("HTTPS_PROXY", proxy.url());
        refused(case.run(), &["portal.sso.us-east-1.amazonaws.com"]);
    });
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
    let targets: Vec<String> = proxy
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(targets, ["portal.sso.us-east-1.amazonaws.com:443"; 2]);
}

#[test]
fn c86_a_role_where_endpoints_are_ignored_goes_to_aws() {
    let sandbox = documented();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let config = format!(
        "[default]\n{ROLE}source_profile = s\n[profile s]\n{}",
        keys(&sandbox.admin())
    );
    let case = without(&sandbox, &config)
        .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("HTTPS_PROXY", proxy.url());
    let said = case.run().exits(9).prints_nothing();
    let _ = said
        .says(&["could not reach STS at sts.eu-west-1.amazonaws.com"])
        .ends_with("not deleted");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c87_an_instance_without_a_region_is_in_its_own() {
    let zone = "/latest/meta-data/placement/availability-zone";
    let instead = HashMap::from([(zone.to_owned(), "cn-north-1a".to_owned())]);
    let metadata = Metadata::start_instead(instead);
    let sandbox = documented();
    let cases = [
        ("", "iam.cn-north-1.amazonaws.com.cn"),
        (
            "[default]\nregion = us-gov-west-1\n",
            "iam.us-gov.amazonaws.com",
        ),
        ("source", "sts.cn-north-1.amazonaws.com.cn"),
    ];
    each(cases, |(config, host)| {
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let role = format!("[default]\n{ROLE}credential_source = Ec2InstanceMetadata\n");
        let config = if config == "source" { &role } else { config };
        let case = without(&sandbox, config)
            .without("AWS_ENDPOINT_URL")
            .without("AWS_REGION")
            .without("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("HTTPS_PROXY", proxy.url());
        let printed = case.run().exits(9);
        let _ = printed
            .prints_anything()
            .says(&[host])
            .ends_with("not deleted");
        assert_eq!(proxy.requests()[0].target, format!("{host}:443"));
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c88_an_empty_endpoint_variable_counts_as_not_set() {
    let portal = Metadata::start();
    for variable in [
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_ENDPOINT_URL_SIGNIN",
    ] {
        let sandbox = documented();
        let config = format!(
            "[default]\n{ROLE}source_profile = s\n[profile s]\n{}",
            keys(&sandbox.admin())
        );
        deletes(without(&sandbox, &config).env(variable, ""));
        assert_eq!(signers(&sandbox).len(), 2, "{variable}");
    }
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
    for (part, session) in [
        ("sso_start_url = https://x\nsso_region = us-east-1\n", ""),
        ("sso_session = corp\n", SESSION),
    ] {
        let sandbox = documented();
        let config = format!("[default]\n{part}{}{session}", keys(&sandbox.admin()));
        signs(&sandbox, without(&sandbox, &config), ADMIN_KEY_ID);
    }
    let (sandbox, portal) = (documented(), Metadata::start());
    let config = "[default]\nsso_session = corp\nsso_role_name = Deployer\n";
    let case = without(
        &sandbox,
        &format!("{config}{SESSION}sso_account_id = 123456789012\n"),
    )
    .file(TOKEN_FILE, sso_token(LATER))
    .env("AWS_ENDPOINT_URL_SSO", portal.url());
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn c93_an_sso_session_that_is_not_complete_whoever_signs() {
    let cases = [
        ("", "is `gone`: that sso-session section does not exist"),
        (
            "[sso-session gone]\nsso_region = us-east-1\n",
            "is `gone`: that sso-session section has no sso_start_url",
        ),
        (
            "[sso-session gone]\nsso_start_url = https://x\n",
            "is `gone`: that sso-session section has no sso_region",
        ),
    ];
    each(cases, |(section, says)| {
        let sandbox = documented();
        let config = format!("[default]\nsso_session = gone\n{section}");
        let case = Case::documented(&sandbox, &[]).file(".aws/config", &config);
        refused(case.run(), &[says]);
        let config = config.replacen('\n', &format!("\n{}", keys(&sandbox.admin())), 1);
        refused(without(&sandbox, &config).run(), &[says]);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn c93_a_role_that_ends_in_itself() {
    let sandbox = documented();
    let cases = [
        format!("[default]\n{ROLE}source_profile = default\n"),
        format!("[default]\n{ROLE}source_profile = a\n[profile a]\n{ROLE}source_profile = a\n"),
    ];
    each(cases, |config| {
        refused(
            without(&sandbox, &config).run(),
            &["the profile has no key of its own"],
        );
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c93_an_expired_sso_token_is_not_presented() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let case = with_sso(
        &sandbox,
        &portal,
        &format!("[default]\nsso_session = corp\n{SSO}"),
    )
    .file(TOKEN_FILE, sso_token(EARLIER));
    refused(
        case.run(),
        &[
            "its token has expired",
            "hint: aws sso login --sso-session corp",
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
    let case = without(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    signs(&sandbox, case, SESSION_KEY_ID);

    let sandbox = documented();
    let case = without(&sandbox, "").file("answer.json", json(&session, offset));
    let config = format!(
        "[default]\ncredential_process = cat '{}'\n",
        case.path("answer.json").display()
    );
    signs(&sandbox, case.file(".aws/config", config), SESSION_KEY_ID);

    let (sandbox, portal) = (documented(), Metadata::start());
    let case = with_sso(
        &sandbox,
        &portal,
        &format!("[default]\nsso_session = corp\n{SSO}"),
    )
    .file(TOKEN_FILE, sso_token("2099-01-01T00:00:00UTC"));
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn c53_an_id_and_a_secret_that_are_swapped() {
    let sandbox = documented();
    let secret = CANARIES[0];
    let says = &["access key ID", "neither was printed or sent: correct them"];
    let swapped =
        format!("aws_access_key_id = {secret}\naws_secret_access_key = AKIAQAAAAAAASOMEBODY\n");
    let process = format!(
        r#"credential_process = echo '{{"Version":1,"AccessKeyId":"{secret}","SecretAccessKey":"AKIAQAAAAAAASOMEBODY"}}'"#
    );
    let variables = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", secret)
        .env("AWS_SECRET_ACCESS_KEY", "AKIAQAAAAAAASOMEBODY");
    let cases = [
        variables,
        without(&sandbox, &format!("[default]\n{swapped}")),
        without(&sandbox, "").file(".aws/credentials", format!("[default]\n{swapped}")),
        without(&sandbox, &format!("[default]\n{process}\n")),
        // One of the two is enough.
        Case::documented(&sandbox, &[]).env("AWS_ACCESS_KEY_ID", secret),
        Case::documented(&sandbox, &[]).env("AWS_SECRET_ACCESS_KEY", "ASIAQAAAAAAASOMEBODY"),
    ];
    each(cases, |case| {
        let said = case.args(["--debug"]).run().exits(7).prints_nothing();
        assert!(!said.messages().contains("SOMEBODY"), "{}", said.messages());
        assert!(!said.messages().contains(ADMIN_SECRET));
        let _ = said.says(says).ends_with("nothing was sent to IAM");
    });
    assert_eq!(sandbox.connections(), 0);
}
