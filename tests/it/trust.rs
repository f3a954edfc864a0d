//! What TLS trusts: every way to name certificate authorities, and what is wrong with a bundle.

use std::collections::HashMap;

use iam_sandbox::{Certificate, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, Case, DELETED, actions, each};
use crate::chain::ROLE;
use crate::configuration::refused;
use crate::credentials::{LATER, keys, with_config};
use crate::metadata_service::on_instance;
use crate::session::{RENEWABLE_TOKEN, SSO_SESSION_TOKEN, sso_session, token};

#[test]
fn f33_ca_bundles() {
    let bundles: [(&str, Option<&[u8]>, &str); 5] = [
        ("absent.pem", None, "No such file"),
        (
            "empty.pem",
            Some(b""),
            "it contains no certificate in PEM format",
        ),
        (
            "text.pem",
            Some(b"hello\n"),
            "it contains no certificate in PEM format",
        ),
        (
            "broken.pem",
            Some(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
            "certificate 1 is broken",
        ),
        (
            "cut.pem",
            Some(b"-----BEGIN CERTIFICATE-----\nMIIB!!\n"),
            "certificate 1 is broken: its last line is missing",
        ),
    ];
    for (name, contents, what) in bundles {
        let place = |case: Case| {
            let path = case.path(name);
            let case = if let Some(contents) = contents {
                case.file(name, contents)
            } else {
                case
            };
            (case, path)
        };
        for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
            refused(
                |case| {
                    let (case, path) = place(case);
                    case.env(variable, path)
                },
                &["could not use the CA bundle `", what, variable],
            );
        }
        refused(
            |case| {
                let (case, path) = place(case);
                case.args(["--ca-bundle".into(), path.into_os_string()])
            },
            &["could not use the CA bundle `", what, "--ca-bundle"],
        );
        refused(
            |case| {
                let (case, path) = place(case);
                case.file(
                    ".aws/config",
                    format!("[default]\nca_bundle = {}\n", path.display()),
                )
            },
            &[
                "could not use the CA bundle `",
                what,
                "`ca_bundle` of profile `default`",
            ],
        );
    }
}

#[test]
fn f33_a_tilde_is_the_home_folder() {
    each(["--ca-bundle", "AWS_CA_BUNDLE", "ca_bundle"], |way| {
        let sandbox = Sandbox::documented().https(Certificate::Valid).start();
        let pem = sandbox.ca_pem().expect("an authority").to_owned();
        let case = Case::documented(&sandbox, &[])
            .without("AWS_CA_BUNDLE")
            .file("corp.pem", pem);
        let case = match way {
            "--ca-bundle" => case.args([way, "~/corp.pem"]),
            "AWS_CA_BUNDLE" => case.env(way, "~/corp.pem"),
            _ => case.file(".aws/config", "[default]\nca_bundle = ~/corp.pem\n"),
        };
        case.run().deletes_quietly();
    });
}

#[test]
fn each_way_to_name_an_authority_works_and_the_first_wins() {
    let authority = |sandbox: &iam_sandbox::Sandbox| {
        sandbox
            .ca_path()
            .expect("an authority")
            .display()
            .to_string()
    };
    let https = || {
        iam_sandbox::Sandbox::documented()
            .https(Certificate::Valid)
            .start()
    };
    let other = https();
    for way in [
        "option",
        "variable",
        "profile",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    ] {
        let sandbox = https();
        let ours = authority(&sandbox);
        let case = Case::documented(&sandbox, &[])
            .without("AWS_CA_BUNDLE")
            .env("SSL_CERT_FILE", authority(&other));
        let case = match way {
            "option" => case
                .args(["--ca-bundle", &ours])
                .env("AWS_CA_BUNDLE", authority(&other)),
            "variable" => case.env("AWS_CA_BUNDLE", &ours).file(
                ".aws/config",
                format!("[default]\nca_bundle = {}\n", authority(&other)),
            ),
            "profile" => case.file(".aws/config", format!("[default]\nca_bundle = {ours}\n")),
            _ => case.env(way, &ours),
        };
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY), "{way}");
    }
}

/// In the AWS CLI, the option applies only to the service of the command.
#[test]
fn the_bundle_of_the_option_is_also_for_the_service_that_returns_credentials() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let config = format!(
        "[default]\n{ROLE}source_profile = base\n[profile base]\n{}",
        keys(&sandbox.admin())
    );
    let case = with_config(&sandbox, &config).without("AWS_CA_BUNDLE");
    let path = sandbox.ca_path().expect("an authority");
    let case = case.args(["--ca-bundle".as_ref(), path.as_os_str()]);
    case.run().deletes_quietly();
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
}

#[test]
fn c37_a_self_signed_authority_as_the_server() {
    let sandbox = Sandbox::documented()
        .https(Certificate::SelfSignedAuthority)
        .start();
    let host = sandbox.address();
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(9)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: could not reach IAM at {host}: its TLS certificate is that of a certificate authority, not of a server\n\
             hint: give the server a certificate with basicConstraints CA:FALSE\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
    assert_eq!(sandbox.connections(), 1, "one attempt");
}

#[test]
fn the_error_says_what_is_wrong_with_an_invalid_certificate() {
    let cases = [
        (
            Certificate::CommonName,
            "has no subjectAltName",
            "give the server a certificate with a subjectAltName that names the host: the common name does not count",
        ),
        (
            Certificate::Forged,
            "cannot be verified: a signature is wrong, or an RSA key has fewer than 2048 bits or more than 8192",
            "if an RSA key has the wrong size, the server needs another certificate; if not, a proxy or captive portal may be \
             intercepting the connection",
        ),
        (
            Certificate::SelfSigned,
            "is from an authority that is not trusted here",
            "the file that the environment variable AWS_CA_BUNDLE names must contain the authority that issued the certificate, \
             and the intermediate certificates if the server does not send them",
        ),
    ];
    each(cases, |(certificate, says, hint)| {
        let sandbox = Sandbox::documented().https(certificate).start();
        let host = sandbox.address();
        let ended = Case::documented(&sandbox, &[]).run().exits(9);
        let _ = ended.prints_outcome("Failed").says_exactly(&format!(
            "iam-del-key: error: could not reach IAM at {host}: its TLS certificate {says}\nhint: {hint}\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
        assert_eq!(sandbox.connections(), 1, "one attempt");
    });
}

/// AWS's hosts have a public certificate, so another authority means that something intercepts the connection.
#[test]
fn an_authority_in_place_of_aws_intercepts_the_connection() {
    let hosts = ["iam.amazonaws.com", "portal.sso.us-east-1.amazonaws.com"];
    each(hosts, |host| {
        let sandbox = Sandbox::documented()
            .https(Certificate::SelfSignedAuthority)
            .start();
        let instead = HashMap::from([(format!("{host}:443"), sandbox.address().to_string())]);
        let proxy = Proxy::start_instead(ProxyMode::Working, instead);
        let (case, status) = if host.starts_with("iam") {
            (Case::documented(&sandbox, &[]), 9)
        } else {
            let case = with_config(&sandbox, &sso_session());
            (case.file(SSO_SESSION_TOKEN, token(LATER)), 7)
        };
        let case = case
            .without("AWS_ENDPOINT_URL")
            .env("AWS_CA_BUNDLE", sandbox.ca_path().expect("a certificate"))
            .env("HTTPS_PROXY", proxy.url());
        let printed = case.run().exits(status);
        let ended = match status {
            9 => printed.prints_outcome("Failed"),
            _ => printed.prints_nothing(),
        };
        let _ = ended.says(&[
            &format!(" at {host} through the proxy "),
            ": its TLS certificate is that of a certificate authority, not of a server\n\
             hint: a proxy, or something else in the network, intercepts TLS, and no CA bundle makes this certificate valid: \
             ask its administrator to exempt this host, or to give it a certificate with basicConstraints CA:FALSE\n",
        ]);
        assert_eq!(proxy.requests().len(), 1, "one attempt");
    });
}

#[test]
fn c37_sts_failures_have_the_same_words() {
    let sandbox = Sandbox::documented().https(Certificate::WrongHost).start();
    let host = sandbox.address();
    let case = Case::documented(&sandbox, &["--expect-account", "123456789012"]);
    let _ = case.run().exits(9).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: --expect-account could not be checked: could not reach STS at {host}: \
         its TLS certificate is for another host\n\
         hint: a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    assert_eq!(sandbox.connections(), 1, "one attempt");
}

/// Every service that returns credentials is called once, too.
#[test]
fn f45_an_untrusted_credential_service() {
    let untrusted = "its TLS certificate is from an authority that is not trusted here";
    let bundle = "name the authority's PEM file with --ca-bundle or AWS_CA_BUNDLE";
    let sso = |token: &str| {
        with_config(&Sandbox::documented().start(), &sso_session()).file(SSO_SESSION_TOKEN, token)
    };
    let container = "no credentials from the container: no usable response from its service";
    let cases = [
        (
            "AWS_ENDPOINT_URL_SSO",
            "no credentials: no usable response from SSO at",
            bundle,
        ),
        (
            "AWS_ENDPOINT_URL_SSO_OIDC",
            "no credentials: no usable response from SSO at",
            bundle,
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            container,
            "this system must trust the authority: --ca-bundle and AWS_CA_BUNDLE do not apply to this service",
        ),
        (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "no AWS credentials: ",
            "`aws configure` stores credentials; --profile NAME chooses a profile that has them",
        ),
    ];
    each(cases, |(variable, says, hint)| {
        let service = Sandbox::documented().https(Certificate::SelfSigned).start();
        let case = match variable {
            "AWS_ENDPOINT_URL_SSO" => sso(&token(LATER)),
            "AWS_ENDPOINT_URL_SSO_OIDC" => sso(RENEWABLE_TOKEN),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT" => {
                on_instance(&service, service.url()).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3")
            }
            _ => with_config(&service, ""),
        };
        let hint = format!("{untrusted}\nhint: {hint}\n");
        let case = case.env(variable, service.url());
        case.run().stops(7, &[says, &hint]);
        assert_eq!(service.connections(), 1, "one attempt");
    });
}
