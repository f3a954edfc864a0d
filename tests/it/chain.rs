//! Who signs if several sources of credentials are configured: the one that AWS CLI version 2 uses, or an error.

use std::collections::HashMap;

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET};
use iam_sandbox::{Metadata, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, actions, documented, each};
use crate::credentials::{keys, refused, with_config};

pub(crate) const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Deployer\n";

/// The keys that signed, in order.
pub(crate) fn signers(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter();
    requests.filter_map(|request| request.key_id).collect()
}

pub(crate) fn deletes(case: Case) {
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
        with_config(&sandbox, "")
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
    // An empty variable names no profile, so there is nothing to warn about.
    let empty = case("second").env("AWS_PROFILE", "").run();
    let said = empty.exits(7).prints_nothing();
    let error = "iam-del-key: error: the environment variable AWS_PROFILE is empty: it must name a profile\n";
    assert!(said.messages().starts_with(error), "{}", said.messages());
}

#[test]
fn c20_the_source_is_named_and_an_overridden_profile_gets_a_warning() {
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
    let said = with_config(&sandbox, &config)
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
        with_config(&sandbox, "[profile other]\nregion = us-east-1\n").file("token", "a.web.token");
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
fn c80_a_source_profile_with_a_web_identity_and_a_key_assumes_the_web_role() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("token", "a.web.token");
    let config = format!(
        "[default]\n{ROLE}source_profile = s\n[profile s]\n{ROLE}web_identity_token_file = {}\n{}",
        case.path("token").display(),
        keys(&sandbox.admin())
    );
    deletes(case.file(".aws/config", config));
    let expected = ["AssumeRoleWithWebIdentity", "AssumeRole", "DeleteAccessKey"];
    assert_eq!(actions(&sandbox), expected);
}

#[test]
fn c86_a_role_request_goes_to_aws_if_endpoints_are_ignored() {
    let sandbox = documented();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let config = format!(
        "[default]\n{ROLE}source_profile = s\n[profile s]\n{}",
        keys(&sandbox.admin())
    );
    let case = with_config(&sandbox, &config)
        .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("HTTPS_PROXY", proxy.url());
    let said = case.run().exits(9).prints_nothing();
    let _ = said
        .says(&["could not reach STS at sts.eu-west-1.amazonaws.com"])
        .ends_with("not deleted: nothing was sent to IAM");
    assert_eq!(sandbox.connections(), 0);
}

/// A run on an instance, whose proxy refuses every connection.
fn on_instance(sandbox: &Sandbox, config: &str, metadata: &Metadata, proxy: &Proxy) -> Case {
    with_config(sandbox, config)
        .without("AWS_ENDPOINT_URL")
        .without("AWS_REGION")
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("HTTPS_PROXY", proxy.url())
}

#[test]
fn c87_an_instance_without_a_region_setting_uses_its_own() {
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
        let printed = on_instance(&sandbox, config, &metadata, &proxy)
            .run()
            .exits(9);
        let _ = printed
            .prints_anything()
            .says(&[host])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(proxy.requests()[0].target, format!("{host}:443"));
    });
    assert_eq!(sandbox.connections(), 0);
}

/// The default is `us-east-1`, as for an instance that does not name a zone.
#[test]
fn c87_an_instance_with_an_unusable_zone_uses_the_default_region() {
    let zone = "/latest/meta-data/placement/availability-zone";
    let sandbox = documented();
    let cases = [
        "CN-NORTH-1A",
        "fips-us-gov-west-1a",
        "<html>1",
        "-1a",
        "cn_1a",
    ];
    each(cases, |found| {
        let instead = HashMap::from([(zone.to_owned(), found.to_owned())]);
        let metadata = Metadata::start_instead(instead);
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let config = format!("[default]\n{ROLE}credential_source = Ec2InstanceMetadata\n");
        let case = on_instance(&sandbox, &config, &metadata, &proxy);
        let _ = case.run().exits(9);
        let target = &proxy.requests()[0].target;
        assert_eq!(target, "sts.us-east-1.amazonaws.com:443");
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c93_a_role_chain_that_leads_back_to_itself() {
    let sandbox = documented();
    let cases = [
        format!("[default]\n{ROLE}source_profile = default\n"),
        format!("[default]\n{ROLE}source_profile = a\n[profile a]\n{ROLE}source_profile = a\n"),
    ];
    each(cases, |config| {
        refused(
            with_config(&sandbox, &config).run(),
            &["the profile has no key of its own"],
        );
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c53_a_swapped_id_and_secret() {
    let sandbox = documented();
    let secret = CANARIES[0];
    let correct = "correct them; neither was printed or sent";
    let by_itself = "run the command by itself to see what is wrong";
    let swapped =
        format!("aws_access_key_id = {secret}\naws_secret_access_key = AKIAQAAAAAAASOMEBODY\n");
    let process = format!(
        r#"credential_process = echo '{{"Version":1,"AccessKeyId":"{secret}","SecretAccessKey":"AKIAQAAAAAAASOMEBODY"}}'"#
    );
    let variables = Case::documented(&sandbox, &[])
        .env("AWS_ACCESS_KEY_ID", secret)
        .env("AWS_SECRET_ACCESS_KEY", "AKIAQAAAAAAASOMEBODY");
    let one = |name, value| Case::documented(&sandbox, &[]).env(name, value);
    let in_credentials = format!("[default]\n{swapped}");
    let cases = [
        (variables, correct),
        (
            with_config(&sandbox, &format!("[default]\n{swapped}")),
            correct,
        ),
        (
            with_config(&sandbox, "").file(".aws/credentials", in_credentials),
            correct,
        ),
        (
            with_config(&sandbox, &format!("[default]\n{process}\n")),
            by_itself,
        ),
        // One of the two is enough.
        (one("AWS_ACCESS_KEY_ID", secret), correct),
        (
            one("AWS_SECRET_ACCESS_KEY", "ASIAQAAAAAAASOMEBODY"),
            correct,
        ),
    ];
    each(cases, |(case, hint)| {
        let said = case.args(["--debug"]).run().exits(7).prints_nothing();
        assert!(!said.messages().contains("SOMEBODY"), "{}", said.messages());
        assert!(!said.messages().contains(ADMIN_SECRET));
        let says = ["access key ID", hint];
        let _ = said.says(&says).ends_with("nothing was sent to IAM");
    });
    assert_eq!(sandbox.connections(), 0);
}
