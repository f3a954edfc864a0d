//! The metadata services of an instance and a container: their credentials sign, and one that is not there is not waited for.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use iam_sandbox::documented::{ROLE, SESSION_KEY_ID};
use iam_sandbox::{Metadata, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DOCUMENTED, documented, each, each_at_once};
use crate::credentials::{SOON, refused, signs, without};

/// A run whose credentials are those of the instance with this metadata service.
fn on_instance(sandbox: &Sandbox, url: impl AsRef<OsStr>) -> Case {
    without(sandbox, "")
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
}

#[test]
fn f20_a_metadata_service_that_is_not_there_is_not_waited_for() {
    // 192.0.2.0/24 is for documentation: nothing answers there, as on a machine that is no instance.
    let case = Case::bare(DOCUMENTED)
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    let ended = case.run();
    let ended = ended.within(Duration::from_millis(2_500));
    refused(ended, &["no AWS credentials: ", "instance metadata"]);
}

#[test]
fn a_metadata_service_whose_address_is_no_url_is_named() {
    const RULE: &str =
        "an endpoint URL consists of http:// or https://, a host, and optionally a port and a path";
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
        let case = without(&sandbox, &config).without("AWS_EC2_METADATA_DISABLED");
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
    let container = without(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    signs(&sandbox, container, SESSION_KEY_ID);
}

#[test]
fn the_metadata_services_are_never_asked_through_a_proxy() {
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
fn a_containers_address_elsewhere_is_not_asked() {
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
        ("creds", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"),
    ];
    each(cases, |(url, says)| {
        let case = without(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        let said = case.run().exits(7).prints_nothing();
        assert!(!said.messages().contains("hunter2"), "{}", said.messages());
        let _ = said
            .says(&[says, "hint: "])
            .ends_with("nothing was sent to IAM");
    });
    let case = without(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@192.0.2.1/");
    refused(case.run(), &["it must be a path that begins with /"]);
    let case = without(&sandbox, "")
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
fn an_instance_that_a_profile_names_and_that_is_not_there() {
    let sandbox = documented();
    let config = "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\ncredential_source = Ec2InstanceMetadata\n";
    // It is disabled here, so that it is not asked.
    refused(
        without(&sandbox, config).run(),
        &[
            "credential_source of profile `default` is this machine's metadata service, which provides none",
        ],
    );
    assert_eq!(sandbox.connections(), 0);
}

/// The name becomes a part of the next path.
#[test]
fn an_instance_whose_role_has_no_name_of_a_role() {
    let sandbox = documented();
    let roles = "/latest/meta-data/iam/security-credentials";
    let long = "x".repeat(70_000);
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
    let instead = [(roles.to_owned(), "\n".to_owned())].into();
    let metadata = Metadata::start_instead(instead);
    let case = on_instance(&sandbox, metadata.url());
    refused(case.run(), &["none from the instance metadata service"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn an_instance_whose_role_cannot_be_assumed_has_the_reason() {
    let cases = [
        (
            r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role r.\n\u001b[2J"}"#,
            "the error AssumeRoleUnauthorizedAccess: EC2 cannot assume the role r.\\u{a}\\u{1b}[2J",
        ),
        (r#"{"Code":"Failed"}"#, "the error Failed"),
        (r#"{"Code":"Success"}"#, "no AccessKeyId"),
        (r#"{"Code":5,"Message":"m"}"#, "no AccessKeyId"),
    ];
    each(cases, |(body, reason)| {
        let sandbox = documented();
        let path = format!("/latest/meta-data/iam/security-credentials/{ROLE}");
        let instead = [(path, body.to_owned())].into();
        let metadata = Metadata::start_instead(instead);
        on_instance(&sandbox, metadata.url()).run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials from the instance: it returned {reason}\n\
                 hint: check the role of the instance and its trust policy, and run the same command again\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn a_metadata_token_that_cannot_be_one_is_not_used() {
    let sandbox = documented();
    let endless = u64::MAX;
    let too_long = i64::MAX;
    let tokens = [
        format!("200 {endless} metadata-token"),
        format!("200 {too_long} metadata-token"),
        "200 21600 \u{ff}\u{fe}".to_owned(),
        "200 21600 t\u{f6}k".to_owned(),
        "200 - <html> </html>".to_owned(),
        "200 - ".to_owned(),
        "200 21600 ".to_owned(),
    ];
    each(tokens, |token| {
        let instead = [("/latest/api/token".to_owned(), token)].into();
        let metadata = Metadata::start_instead(instead);
        let case = on_instance(&sandbox, metadata.url());
        let says =
            "no credentials from the instance: its metadata service returned no usable response\n";
        refused(case.run(), &[says]);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_metadata_token_without_a_lifetime_is_used() {
    let sandbox = documented();
    let instead = [(
        "/latest/api/token".to_owned(),
        "200 - metadata-token".to_owned(),
    )];
    let metadata = Metadata::start_instead(instead.into());
    signs(
        &sandbox,
        on_instance(&sandbox, metadata.url()),
        SESSION_KEY_ID,
    );
}

/// Services that offer only version 1, or that are turned off.
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
        ("503", "run the same command again in a minute"),
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
fn a_token_that_is_not_text_is_not_a_missing_one() {
    let sandbox = documented();
    let credentials = r#"{"AccessKeyId":"ASIARZPUZDIKMX6ST4CU","SecretAccessKey":"x","Token":5,"Expiration":"2099-01-01T00:00:00Z"}"#;
    let instead = [("/creds".to_owned(), credentials.to_owned())].into();
    let metadata = Metadata::start_instead(instead);
    let case = without(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        metadata.container_url(),
    );
    let says = "no credentials from the container: it returned a Token that is not a string\n";
    refused(case.run(), &[says]);
    assert_eq!(sandbox.connections(), 0);
}

/// A metadata service that sends `part` of a response to the requests whose path contains `path`, and then nothing.
/// After `Connection: close`, it closes the connection.
fn stalling(path: &'static str, part: impl Into<String>) -> String {
    let part: Arc<str> = part.into().into();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = move |mut stream: TcpStream, part: &str| {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let asked = String::from_utf8_lossy(&buffer[..count]);
            let line = asked.lines().next().unwrap_or_default();
            let (header, body) = if line.starts_with("PUT") {
                ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n", "token")
            } else {
                ("", "role")
            };
            let length = body.len();
            let whole =
                format!("HTTP/1.1 200 OK\r\n{header}Content-Length: {length}\r\n\r\n{body}");
            let response = if line.contains(path) { part } else { &whole };
            let _ = stream.write_all(response.as_bytes());
            if response.contains("Connection: close") {
                return;
            }
        }
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let part = Arc::clone(&part);
            thread::spawn(move || serve(stream, &part));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_metadata_service_that_hangs_is_reported_with_its_time_limit() {
    const TOKEN: &str = "/latest/api/token";
    const ROLES: &str = "/security-credentials/ ";
    const ROLE: &str = "/security-credentials/role ";
    const HEAD: &str = "HTTP/1.1 200 OK\r\nX: ";
    const BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{";
    let cases = [
        (ROLES, "", "1"),
        (ROLES, HEAD, "1"),
        (ROLES, BODY, "1"),
        (ROLE, "", "2"),
        (ROLE, BODY, "1"),
        (TOKEN, "", "1"),
        (TOKEN, BODY, "1"),
    ];
    each_at_once(cases, |(path, part, seconds)| {
        let sandbox = documented();
        let case = on_instance(&sandbox, stalling(path, part));
        let case = match seconds {
            "1" => case,
            _ => case.env("AWS_METADATA_SERVICE_TIMEOUT", seconds),
        };
        let hint = match path {
            TOKEN => {
                "; in a container, allow another hop: aws ec2 modify-instance-metadata-options \
                 --http-put-response-hop-limit 2 --instance-id ID"
            }
            _ => "",
        };
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: no credentials from the instance: its metadata service returned no complete response \
                 within {seconds} s\n\
                 hint: if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT{hint}\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn the_lookup_of_an_instances_region_counts_for_the_timeout() {
    let sandbox = documented();
    let url = stalling(
        "/latest/api/token",
        "HTTP/1.1 200 OK\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\nContent-Length: 300\r\n\r\n{",
    );
    let case = on_instance(&sandbox, url)
        .without("AWS_REGION")
        .env("AWS_METADATA_SERVICE_TIMEOUT", "15")
        .args(["--timeout", "1"]);
    case.run().within(SOON).stops_exactly(
        7,
        &format!(
            "iam-del-key: error: no credentials within 1 s from the instance\n\
             hint: --timeout SECONDS gives the source of the credentials more time\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
    assert_eq!(sandbox.connections(), 0);
}

/// Its only limit is that of the option that the hint names.
#[test]
fn a_containers_service_that_hangs_is_waited_for_until_the_timeout() {
    let parts = [
        "",
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{",
    ];
    each_at_once(parts, |part| {
        let sandbox = documented();
        let url = format!("{}/creds", stalling("/creds", part));
        without(&sandbox, "")
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
            .args(["--timeout", "9"])
            .run()
            .stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: no credentials within 9 s from the container\n\
                     hint: --timeout SECONDS gives the source of the credentials more time\n\
                     result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn a_containers_service_that_responds_with_something_else_was_reached() {
    let sandbox = documented();
    let long = "x".repeat(7 << 20);
    let length = long.len();
    let responses = [
        (
            "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
            "it does not speak HTTP",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "its response is not valid HTTP",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nX: {long}"),
            "its response has a head that is too large",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{long}"),
            "the response is longer than 6 MiB",
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300\r\n\r\n{".to_owned(),
            "the connection was closed too early",
        ),
    ];
    each_at_once(responses, |(response, reason)| {
        let url = format!("{}/creds", stalling("/creds", response));
        let case = without(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        container_fails(
            case,
            &format!("no usable response from its service: {reason}"),
        );
    });
}

#[test]
fn an_instances_service_that_responds_with_something_else_was_reached() {
    let sandbox = documented();
    let responses = [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300\r\n\r\n{",
    ];
    for path in ["/latest/api/token", "/security-credentials/"] {
        each_at_once(responses, |response| {
            on_instance(&sandbox, stalling(path, response))
                .run()
                .stops_exactly(
                    7,
                    &format!(
                        "iam-del-key: error: no credentials from the instance: its metadata service returned no usable \
                         response\n\
                         hint: another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use \
                         other credentials\n\
                         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                    ),
                );
        });
    }
    assert_eq!(sandbox.connections(), 0);
}

fn container_fails(case: Case, reason: &str) {
    case.run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: no credentials from the container: {reason}\n\
             hint: check AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and that the \
             service there runs\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}
