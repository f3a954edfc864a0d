//! Which host gets the requests: endpoint URLs, partitions, FIPS and dual-stack.

use std::collections::HashMap;

use iam_sandbox::{Certificate, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, documented, each};
use crate::configuration::refused;
use crate::credentials::{LATER, keys, with_config};
use crate::session::{RENEWABLE_TOKEN, SSO_SESSION_TOKEN, sso_session, token};

#[test]
fn f31_endpoint_urls() {
    for url in [
        "127.0.0.1:8080",
        "localhost",
        "ftp://127.0.0.1",
        "http://",
        "iam.amazonaws.com",
        "https://EXAMPLE\u{459}.com",
        "https://127.0.0.1/a b",
        "https:// 127.0.0.1",
        "https://127.0.0.1/\u{e9}",
        "https:\\\\127.0.0.1",
        "http:127.0.0.1",
        "http:/127.0.0.1",
        "http:////127.0.0.1",
        "http://127%2e0.0.1",
    ] {
        refused(
            |case| case.args(["--endpoint-url", url]),
            &[
                "--endpoint-url is `",
                "an endpoint URL consists of http:// or https://",
            ],
        );
        for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM"] {
            let says = format!("the environment variable {variable} is `");
            refused(|case| case.env(variable, url), &[&says]);
        }
        let config = format!("[default]\nendpoint_url = {url}\n");
        refused(
            |case| {
                case.without("AWS_ENDPOINT_URL")
                    .file(".aws/config", &config)
            },
            &["`endpoint_url` of profile `default`"],
        );
    }
    let secret = crate::case::CANARIES[1];
    for place in ["127.0.0.1", "127.0.0.1:99999", "[::1"] {
        let url = format!("http://me:{secret}@{place}");
        refused(
            |case| case.args(["--endpoint-url", &url]),
            &["--endpoint-url contains a user name or password"],
        );
    }
    let without_scheme = format!("me:{secret}@127.0.0.1:1");
    refused(
        |case| case.env("AWS_ENDPOINT_URL_IAM", &without_scheme),
        &["the environment variable AWS_ENDPOINT_URL_IAM contains a user name or password"],
    );
    // The domain of a Windows user: a backslash counts as a slash in a URL.
    let password = "Hunter2pass";
    for domain in ["CORP\\user:", "CORP\\:", "CORP:\\", "CORP\\"] {
        for end in ["@127.0.0.1", "@127.0.0.1:8443", "@127.0.0.1/path"] {
            let url = format!("http://{domain}{password}{end}");
            let says = ["--endpoint-url contains a user name or password"];
            refused(|case| case.args(["--endpoint-url", &url]), &says);
        }
    }
    for start in ["http://CORP\\user:", "https://user:", "user:"] {
        let url = format!("{start}{password}");
        let says = ["--endpoint-url is not valid: an endpoint URL consists of http:// or https://"];
        refused(|case| case.args(["--endpoint-url", &url]), &says);
    }
    for part in ["?token=", "#token="] {
        let url = format!("http://127.0.0.1/{part}{secret}");
        refused(
            |case| case.args(["--endpoint-url", &url]),
            &["--endpoint-url has a query or a fragment, which is not allowed in an endpoint URL"],
        );
    }
}

#[test]
fn c67_an_endpoint_with_a_space() {
    let sandbox = documented();
    for url in [
        "https://127.0.0.1 /",
        "https://127.0.0.1/a b",
        " https://127.0.0.1",
        "https://127.0.0.1\t",
    ] {
        let shown = url.replace('\t', "\\u{9}");
        let said = format!(
            "iam-del-key: error: --endpoint-url is `{shown}`: \
             an endpoint URL consists of http:// or https://, a host, and optionally a port up to 65535 and a path\n\
             hint: correct --endpoint-url, or remove it\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        );
        let case = Case::documented(&sandbox, &["--endpoint-url", url]);
        let _ = case.run().exits(7).prints_nothing().says_exactly(&said);
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f31_plain_http_to_another_machine_gets_a_warning() {
    let sandbox = documented();
    // The address is reserved for documentation: no host has it, and the proxy refuses to connect to it.
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let case = Case::documented(
        &sandbox,
        &[
            "--endpoint-url",
            "http://192.0.2.1",
            "--cli-connect-timeout",
            "1",
        ],
    )
    .env("HTTP_PROXY", proxy.url());
    let printed = case.run().exits_with_one_of(&[1, 9, 10]);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["warning: --endpoint-url is http://: the request and its signature go to 192.0.2.1 unencrypted"]);
    assert_eq!(sandbox.connections(), 0);
}

/// The contents of a request and its response depend on the service.
#[test]
fn the_warning_about_plain_http_to_a_credential_service_says_what_it_exposes() {
    let cases = [
        (
            "STS",
            "requests to STS at service.example and its responses, with any tokens and credentials in them,",
        ),
        (
            "SSO",
            "requests to SSO at service.example and its responses, with the token and the credentials in them,",
        ),
        (
            "SSO_OIDC",
            "requests to SSO at service.example and its responses, with the tokens in them,",
        ),
    ];
    each(cases, |(service, exposed)| {
        let sandbox = documented();
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let variable = format!("AWS_ENDPOINT_URL_{service}");
        let case = match service {
            "STS" => Case::documented(&sandbox, &["--expect-account", "123456789012"]),
            "SSO" => with_config(&sandbox, &sso_session()).file(SSO_SESSION_TOKEN, token(LATER)),
            _ => with_config(&sandbox, &sso_session()).file(SSO_SESSION_TOKEN, RENEWABLE_TOKEN),
        };
        let case = case
            .env(&variable, "http://service.example")
            .env("HTTP_PROXY", proxy.url())
            .env("AWS_MAX_ATTEMPTS", "1");
        let status = if service == "STS" { 9 } else { 7 };
        let ended = case.run().exits(status).prints_nothing();
        let warning = format!(
            "iam-del-key: warning: the environment variable {variable} is http://: {exposed} are not encrypted\n"
        );
        let said = ended.messages();
        assert!(said.starts_with(&warning), "{said}");
        assert_eq!(said.matches("warning: ").count(), 1, "{said}");
    });
}

/// A warning about IAM says nothing about tokens and credentials.
#[test]
fn one_endpoint_for_all_services_gets_one_warning_per_service() {
    let sandbox = documented();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let case = with_config(&sandbox, &config)
        .env("AWS_ENDPOINT_URL", "http://all.example")
        .env("HTTP_PROXY", proxy.url())
        .env("AWS_MAX_ATTEMPTS", "1");
    let ended = case.run().exits(9).prints_nothing();
    let source = "iam-del-key: warning: the environment variable AWS_ENDPOINT_URL is http://: ";
    let warnings = format!(
        "{source}the request and its signature go to all.example unencrypted\n\
         {source}requests to STS at all.example and its responses, with any tokens and credentials in them, are not encrypted\n"
    );
    let said = ended.messages();
    assert!(said.starts_with(&warnings), "{said}");
    assert_eq!(said.matches("warning: ").count(), 2, "{said}");
}

#[test]
fn the_endpoint_for_iam_overrides_the_one_for_all_services() {
    type Setting<'a> = (&'a str, &'a [(&'a str, String)], String);
    let sandbox = documented();
    let other = documented();
    let settings: [Setting; 4] = [
        (
            "variable of IAM",
            &[
                ("AWS_ENDPOINT_URL_IAM", sandbox.url()),
                ("AWS_ENDPOINT_URL", other.url()),
            ],
            String::new(),
        ),
        (
            "profile",
            &[],
            format!("[default]\nendpoint_url = {}\n", sandbox.url()),
        ),
        (
            "services section",
            &[],
            format!(
                "[default]\nendpoint_url = {}\nservices = here\n[services here]\niam =\n  endpoint_url = {}\n",
                other.url(),
                sandbox.url()
            ),
        ),
        (
            "variable before profile",
            &[("AWS_ENDPOINT_URL", sandbox.url())],
            format!("[default]\nendpoint_url = {}\n", other.url()),
        ),
    ];
    for (name, variables, config) in settings {
        sandbox.add_key(iam_sandbox::KeySeed::new("Bob", BOBS_KEY));
        let mut case = Case::documented(&sandbox, &[])
            .without("AWS_ENDPOINT_URL")
            .file(".aws/config", config);
        for (variable, value) in variables {
            case = case.env(variable, value);
        }
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY), "{name}");
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn f32_the_region_chooses_the_partitions_host() {
    for (region, host) in [
        (Some("us-east-1"), "iam.amazonaws.com:443"),
        (Some("eu-central-1"), "iam.amazonaws.com:443"),
        (None, "iam.amazonaws.com:443"),
        (Some("cn-north-1"), "iam.cn-north-1.amazonaws.com.cn:443"),
        (Some("us-gov-west-1"), "iam.us-gov.amazonaws.com:443"),
        (Some("us-iso-east-1"), "iam.us-iso-east-1.c2s.ic.gov:443"),
    ] {
        let sandbox = documented();
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let mut case = Case::documented(&sandbox, &[])
            .without("AWS_ENDPOINT_URL")
            .without("AWS_REGION")
            .env("HTTPS_PROXY", proxy.url())
            .env("AWS_MAX_ATTEMPTS", "1");
        if let Some(region) = region {
            case = case.args(["--region", region]);
        }
        let _ = case
            .run()
            .exits(9)
            .prints_outcome("Failed")
            .says(&["could not reach IAM at "])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(
            proxy
                .requests()
                .iter()
                .map(|request| request.target.clone())
                .collect::<Vec<_>>(),
            [host]
        );
        assert_eq!(sandbox.connections(), 0);
    }
}

#[test]
fn fips_and_dual_stack_hosts() {
    for (variable, host) in [
        ("AWS_USE_FIPS_ENDPOINT", "iam-fips.amazonaws.com"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "iam.global.api.aws"),
    ] {
        let sandbox = documented();
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let case = Case::documented(&sandbox, &[])
            .without("AWS_ENDPOINT_URL")
            .env("HTTPS_PROXY", proxy.url())
            .env("AWS_MAX_ATTEMPTS", "1")
            .env(variable, "True");
        let _ = case
            .run()
            .exits(9)
            .prints_outcome("Failed")
            .says(&[&format!("could not reach IAM at {host} through the proxy ")])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(proxy.requests()[0].target, format!("{host}:443"));
        assert_eq!(sandbox.connections(), 0);
    }
}

/// An endpoint URL for STS concerns only runs that call STS.
#[test]
fn fips_and_an_endpoint_url_for_sts() {
    for (more, status) in [(&[][..], 9), (&["--expect-account", "123456789012"], 7)] {
        let sandbox = documented();
        let proxy = Proxy::start(ProxyMode::Refuse502);
        let case = Case::documented(&sandbox, more)
            .without("AWS_ENDPOINT_URL")
            .env("AWS_ENDPOINT_URL_STS", sandbox.url())
            .env("HTTPS_PROXY", proxy.url())
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_USE_FIPS_ENDPOINT", "true");
        let said = match status {
            9 => "could not reach IAM at iam-fips.amazonaws.com through the proxy ",
            _ => "error: FIPS endpoints cannot be combined with another endpoint URL\n",
        };
        let ended = case.run().exits(status).prints_anything();
        let _ = ended
            .says(&[said])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(sandbox.connections(), 0);
    }
}

/// AWS's own hosts reject a request that is signed for another region.
#[test]
fn c23_an_endpoint_of_aws_is_signed_for_its_own_region() {
    for (url, region) in [
        ("https://iam.amazonaws.com", "us-east-1"),
        ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ("https://other.amazonaws.com", "eu-west-1"),
    ] {
        let sandbox = Sandbox::documented().https(Certificate::Valid).start();
        let host = url
            .trim_start_matches("https://")
            .trim_end_matches(":443/")
            .to_lowercase();
        let instead = HashMap::from([(format!("{host}:443"), sandbox.address().to_string())]);
        let proxy = Proxy::start_instead(ProxyMode::Working, instead);
        let case = Case::documented(&sandbox, &[])
            .without("AWS_ENDPOINT_URL")
            .env("AWS_ENDPOINT_URL_IAM", url)
            .env("AWS_REGION", "eu-west-1")
            .env("HTTPS_PROXY", proxy.url());
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        let request = sandbox.requests().remove(0);
        assert_eq!(request.region.as_deref(), Some(region), "{url}");
    }
}

#[test]
fn c94_a_tls_failure_of_sts_is_one_sentence() {
    let sandbox = Sandbox::documented().https(Certificate::WrongHost).start();
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let case = with_config(&sandbox, &config);
    let said = case.run().exits(9).prints_nothing();
    assert!(said.messages().len() < 600, "{}", said.messages());
    let host = sandbox.address().to_string();
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: the role could not be assumed: could not reach STS at {host}: its TLS certificate is for another host\n\
         hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
}

#[test]
fn a_role_that_cannot_be_assumed_exits_6() {
    let sandbox = documented();
    sandbox.deny("sts:AssumeRole");
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let said = with_config(&sandbox, &config)
        .run()
        .exits(6)
        .prints_nothing();
    let _ = said
        .says_exactly(
            "iam-del-key: error: the role could not be assumed: An error occurred (AccessDenied) when calling the \
             AssumeRole operation: User: arn:aws:iam::123456789012:user/admin is not authorized to perform: \
             sts:AssumeRole on resource: arn:aws:iam::123456789012:role/Deployer because no identity-based policy \
             allows the sts:AssumeRole action\n\
             hint: the caller needs the permission sts:AssumeRole on arn:aws:iam::123456789012:role/Deployer, and the \
             role's trust policy must allow the caller; it may require external_id or mfa_serial in its profile\n\
             result: AKIDPMS9RO4H3FEXAMPLE: not deleted: nothing was sent to IAM\n",
        );
    assert_eq!(sandbox.requests().len(), 1);
}
