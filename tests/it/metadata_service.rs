//! The metadata services of an instance and a container: their credentials sign, and an absent service causes no wait.

use std::ffi::OsStr;
use std::time::Duration;

use iam_sandbox::documented::{ROLE, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DOCUMENTED, documented, each};
use crate::credentials::{refused, signs, with_config};

/// A run with the credentials of the instance that has this metadata service.
pub(crate) fn on_instance(sandbox: &Sandbox, url: impl AsRef<OsStr>) -> Case {
    with_config(sandbox, "")
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
}

#[test]
fn f20_an_absent_metadata_service_is_not_waited_for() {
    // 192.0.2.0/24 is for documentation: nothing responds there, as on a machine that is not an instance.
    let case = Case::bare(DOCUMENTED)
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    let ended = case.run();
    let ended = ended.within(Duration::from_millis(2_500));
    refused(ended, &["no AWS credentials: ", "instance metadata"]);
}

#[test]
fn a_metadata_address_that_is_not_a_url_is_named() {
    const RULE: &str = "an endpoint URL consists of http:// or https://, a host, and optionally a port up to 65535 and a path";
    let cases = [
        ("notaurl", format!("is `notaurl`: {RULE}")),
        ("ftp://127.0.0.1/", format!("is `ftp://127.0.0.1/`: {RULE}")),
        (
            "http://127.0.0.1:99999",
            format!("is `http://127.0.0.1:99999`: {RULE}"),
        ),
        ("http://", format!("is `http://`: {RULE}")),
        (
            "http://me:hunter2@127.0.0.1",
            "contains a user name or password, which is not allowed in an endpoint URL".to_owned(),
        ),
    ];
    each(cases, |(url, reason)| {
        let sandbox = documented();
        let stops = |case: Case, name: &str, place: &str| {
            case.run().stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: {name} {reason}\n\
                     hint: correct {name}{place}, or remove it\n\
                     result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
        };
        for region in ["us-east-1", ""] {
            let case = on_instance(&sandbox, url).env("AWS_REGION", region);
            let name = "the environment variable AWS_EC2_METADATA_SERVICE_ENDPOINT";
            stops(case, name, "");
        }
        let config = format!("[default]\nec2_metadata_service_endpoint = {url}\n");
        let case = with_config(&sandbox, &config).without("AWS_EC2_METADATA_DISABLED");
        let place = format!(" (line 2 of {})", case.path(".aws/config").display());
        let name = "`ec2_metadata_service_endpoint` of profile `default`";
        stops(case, name, &place);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn an_instance_and_a_container_sign() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let instance = on_instance(&sandbox, metadata.url());
    signs(&sandbox, instance, SESSION_KEY_ID);
    let sandbox = documented();
    let container = with_config(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    signs(&sandbox, container, SESSION_KEY_ID);
}

#[test]
fn the_metadata_services_are_never_called_through_a_proxy() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let proxy = iam_sandbox::Proxy::start(iam_sandbox::ProxyMode::Refuse502);
    let case = on_instance(&sandbox, metadata.url()).env("HTTP_PROXY", proxy.url());
    let _ = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM"]);
    assert!(!metadata.requests().is_empty());
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| !request.target.contains("/latest/"))
    );
}

#[test]
fn a_container_address_on_another_host_is_refused() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let elsewhere = metadata
        .container_url()
        .replace("127.0.0.1", "127.0.0.1.example.com");
    let cases = [
        (
            elsewhere.as_str(),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https://",
        ),
        (
            "http://127.0.0.1@192.0.2.1/",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https://",
        ),
        (
            "http://me:hunter2hunter2@192.0.2.1/",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https://",
        ),
        (
            "ftp://127.0.0.1/",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https://",
        ),
        (
            "creds",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a valid URL",
        ),
        (
            "http://127.0.0.1:99999/",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a valid URL",
        ),
    ];
    each(cases, |(url, says)| {
        let case = with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        let said = case.run().exits(7).prints_nothing();
        assert!(!said.messages().contains("hunter2"), "{}", said.messages());
        let _ = said
            .says(&[says, "hint: "])
            .ends_with("nothing was sent to IAM");
    });
    let case =
        with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@192.0.2.1/");
    refused(case.run(), &["it must be a path that begins with /"]);
    let case = with_config(&sandbox, "")
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            metadata.container_url(),
        )
        .env(
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            format!("{}\n", CANARIES[1]),
        );
    refused(
        case.run(),
        &["AWS_CONTAINER_AUTHORIZATION_TOKEN contains a line break"],
    );
    assert_eq!((metadata.requests().len(), sandbox.connections()), (0, 0));
}

#[test]
fn a_profile_that_names_an_absent_instance_service() {
    let sandbox = documented();
    let config = "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\ncredential_source = Ec2InstanceMetadata\n";
    let is_absent = |case: Case, why: &str, hint: &str| {
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials: credential_source of profile `default` is the instance metadata service, \
                 which provides none: {why}\n\
                 hint: {hint}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
    };
    is_absent(
        with_config(&sandbox, config),
        "it is disabled by AWS_EC2_METADATA_DISABLED",
        "unset AWS_EC2_METADATA_DISABLED",
    );
    is_absent(
        on_instance(&sandbox, "http://127.0.0.1:1").file(".aws/config", config),
        "the connection was refused",
        "use it on an instance with a role",
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn the_list_of_sources_says_why_the_instance_was_not_used() {
    let sandbox = documented();
    let no_role = [(
        "/latest/meta-data/iam/security-credentials".to_owned(),
        "\n".to_owned(),
    )];
    let metadata = Metadata::start_instead(no_role.into());
    let cases = [
        (
            with_config(&sandbox, ""),
            "it is disabled by AWS_EC2_METADATA_DISABLED",
        ),
        (
            on_instance(&sandbox, "http://127.0.0.1:1"),
            "the connection was refused",
        ),
        (on_instance(&sandbox, metadata.url()), "it returned nothing"),
    ];
    for (case, why) in cases {
        let says = format!("no container, and none from the instance metadata service: {why}\n");
        refused(
            case.run(),
            &[&says, "hint: `aws configure` stores credentials"],
        );
    }
    assert_eq!(sandbox.connections(), 0);
}

/// The name becomes a part of the next path.
#[test]
fn an_instance_role_with_an_invalid_name() {
    let sandbox = documented();
    let roles = "/latest/meta-data/iam/security-credentials";
    let long = "x".repeat(60_000);
    let cases = [
        ("irole\nother", "`irole\\u{a}other`"),
        ("ir ole", "`ir ole`"),
        ("ir\u{1}ole", "`ir\\u{1}ole`"),
        ("../../x", "`../../x`"),
        ("..", "`..`"),
        ("a?b#c", "`a?b#c`"),
        (&long, "xxx"),
    ];
    each(cases, |(name, shown)| {
        let instead = [(roles.to_owned(), name.to_owned())].into();
        let metadata = Metadata::start_instead(instead);
        let case = on_instance(&sandbox, metadata.url());
        refused(
            case.run(),
            &[
                "no credentials from the instance: its metadata service returned `",
                shown,
                "`, which is not the name of a role\n",
            ],
        );
        assert_eq!(metadata.requests().len(), 2);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn an_instance_whose_role_cannot_be_assumed_has_the_reason() {
    let role = "check the role of the instance and its trust policy";
    let other = "another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use other credentials";
    let cases = [
        (
            r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role r.\n\u001b[2J"}"#,
            "the error AssumeRoleUnauthorizedAccess: EC2 cannot assume the role r.\\u{a}\\u{1b}[2J",
            role,
        ),
        (r#"{"Code":"Failed"}"#, "the error Failed", role),
        (
            r#"{"code":"NoIdInRequest","message":"no ID"}"#,
            "the error NoIdInRequest: no ID",
            role,
        ),
        (r#"{"Code":"Success"}"#, "no AccessKeyId", other),
        (r#"{"Code":5,"Message":"m"}"#, "no AccessKeyId", other),
        ("[]", "no AccessKeyId", other),
    ];
    each(cases, |(body, reason, hint)| {
        let sandbox = documented();
        let path = format!("/latest/meta-data/iam/security-credentials/{ROLE}");
        let instead = [(path, body.to_owned())].into();
        let metadata = Metadata::start_instead(instead);
        on_instance(&sandbox, metadata.url()).run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials from the instance: it returned {reason}\n\
                 hint: {hint}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn an_invalid_metadata_token_is_not_used() {
    let sandbox = documented();
    let tokens = [
        "200 21600 \u{ff}\u{fe}",
        "200 21600 t\u{f6}k",
        "200 - <html> </html>",
        "200 - ",
        "200 21600 ",
    ];
    each(tokens, |token| {
        let instead = [("/latest/api/token".to_owned(), token.to_owned())].into();
        let metadata = Metadata::start_instead(instead);
        let case = on_instance(&sandbox, metadata.url());
        let says =
            "no credentials from the instance: its metadata service returned no usable response\n";
        refused(case.run(), &[says]);
    });
    assert_eq!(sandbox.connections(), 0);
}

/// The lifetime is not used.
#[test]
fn a_metadata_token_is_used_whatever_its_lifetime() {
    for lifetime in ["-", "soon", "18446744073709551615", "9223372036854775807"] {
        let sandbox = documented();
        let token = format!("200 {lifetime} metadata-token");
        let instead = [("/latest/api/token".to_owned(), token)];
        let metadata = Metadata::start_instead(instead.into());
        let case = on_instance(&sandbox, metadata.url());
        signs(&sandbox, case, SESSION_KEY_ID);
    }
}

/// Services that offer only version 1, or that are disabled.
#[test]
fn a_metadata_service_that_returns_no_token_has_its_status() {
    const VERSION: &str = "only version 2 of the service (IMDSv2) is supported: offer it there, or use other credentials";
    const OTHER: &str = "another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use other credentials";
    let cases = [
        ("400", VERSION),
        (
            "403",
            "it may be turned off: aws ec2 modify-instance-metadata-options --http-endpoint enabled --instance-id ID",
        ),
        ("404", VERSION),
        ("405", VERSION),
        ("201", OTHER),
        ("302", OTHER),
        ("503", "wait a minute, and run the same command again"),
    ];
    for lifetime in ["21600", "-"] {
        each(cases, |(status, hint)| {
            let sandbox = documented();
            let token = format!("{status} {lifetime} metadata-token");
            let instead = [("/latest/api/token".to_owned(), token)].into();
            let metadata = Metadata::start_instead(instead);
            let case = on_instance(&sandbox, metadata.url()).without("AWS_REGION");
            case.run().stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: no credentials from the instance: its metadata service returned HTTP status \
                     {status} instead of a token\n\
                     hint: {hint}\n\
                     result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
            assert_eq!(sandbox.connections(), 0);
        });
    }
}

#[test]
fn a_token_that_is_not_text_is_not_called_missing() {
    let sandbox = documented();
    let credentials = r#"{"AccessKeyId":"ASIARZPUZDIKMX6ST4CU","SecretAccessKey":"x","Token":5,"Expiration":"2099-01-01T00:00:00Z"}"#;
    let instead = [("/creds".to_owned(), credentials.to_owned())].into();
    let metadata = Metadata::start_instead(instead);
    let case = with_config(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    let says = "no credentials from the container: it returned a Token that is not a string\n";
    refused(case.run(), &[says]);
    assert_eq!(sandbox.connections(), 0);
}
