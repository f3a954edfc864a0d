//! Metadata services that hang, or that respond with something other than HTTP or the expected content. Addresses that are not used.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use iam_sandbox::Metadata;

use crate::case::{BOBS_KEY, Case, documented, each, each_at_once};
use crate::credentials::{SOON, refused, with_config};
use crate::metadata_service::on_instance;

/// A metadata service that sends `part` of a response to the requests whose path contains `path`, and then nothing.
/// After `Connection: close`, it closes the connection.
pub(crate) fn stalling(path: &'static str, part: impl Into<String>) -> String {
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
                "iam-del-key: error: no credentials from the instance: its metadata service returned no usable response \
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

/// Its only limit is the option that the hint names.
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
        with_config(&sandbox, "")
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
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX),
            "its response has a head or a length that is too large",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nX: {long}"),
            "its response has a head or a length that is too large",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{long}"),
            "the response is longer than 64 KiB",
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300\r\n\r\n{".to_owned(),
            "the connection was closed too early",
        ),
    ];
    each_at_once(responses, |(response, reason)| {
        let url = format!("{}/creds", stalling("/creds", response));
        let case = with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        container_fails(
            case,
            &format!("in the last of 3 attempts, no usable response from its service: {reason}"),
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

/// The token is from another service than the one that responds then.
#[test]
fn another_service_that_responds_in_place_of_an_instances_role() {
    let (roles, role) = ("/security-credentials/ ", "/security-credentials/role ");
    let page = |status: &str| {
        let close = "Connection: close\r\nContent-Length: 3\r\n\r\n<a>";
        format!("HTTP/1.1 {status} x\r\n{close}")
    };
    let returned = "its metadata service returned";
    let cases = ["302", "400", "401", "403"].into_iter().flat_map(|status| {
        let reason = format!("{returned} HTTP status {status}");
        [roles, role].map(|path| (path, status, reason.clone()))
    });
    let cases = cases.chain([
        (
            roles,
            "200",
            format!("{returned} `<a>`, which is not the name of a role"),
        ),
        (role, "200", "it did not return JSON".to_owned()),
    ]);
    let sandbox = documented();
    each_at_once(cases.collect::<Vec<_>>(), |(path, status, reason)| {
        on_instance(&sandbox, stalling(path, page(status)))
            .run()
            .stops_exactly(
                7,
                &format!(
                    "iam-del-key: error: no credentials from the instance: {reason}\n\
                     hint: another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use other \
                     credentials\n\
                     result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
                ),
            );
    });
    assert_eq!(sandbox.connections(), 0);
}

fn container_fails(case: Case, reason: &str) {
    case.run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: no credentials from the container: {reason}\n\
             hint: check AWS_CONTAINER_CREDENTIALS_FULL_URI\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}

#[test]
fn a_blank_container_token_is_not_sent() {
    each([" ", "\n", "\u{a0}"], |blank| {
        let sandbox = documented();
        let case = || {
            with_config(&sandbox, "")
                .file("token", blank)
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", sandbox.url())
        };
        let with_variable = case().env("AWS_CONTAINER_AUTHORIZATION_TOKEN", blank);
        let with_file = case();
        let file = with_file.path("token");
        let with_file = with_file.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
        for case in [with_variable, with_file] {
            refused(case.run(), &["contains only white space\nhint: "]);
        }
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn a_container_token_that_no_header_can_have_names_its_file() {
    each(["a\nb", "a\n", "\u{fc}"], |token| {
        let sandbox = documented();
        let case = with_config(&sandbox, "").file("token", token);
        let file = case.path("token");
        let shown = file.display().to_string();
        let case = case
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", sandbox.url())
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: `{shown}`, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, contains a line break or \
                 another character that no header can have\n\
                 hint: `{shown}` must contain the token and nothing else, not even a line break at its end\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
        assert_eq!(sandbox.connections(), 0);
    });
}

/// The parser would change it, and then other credentials may sign than those that the AWS CLI uses.
#[test]
fn a_container_address_that_a_parser_changes_is_refused() {
    let sandbox = documented();
    let metadata = Metadata::start();
    let base = metadata.container_url();
    let (base, _) = base.rsplit_once('/').expect("a path");
    let port = base.rsplit(':').next().expect("a port");
    let paths = [
        "dev\\creds",
        "x/../creds",
        "./creds",
        "%2e%2e/creds",
        "creds;x",
        "cre ds",
        "a\\..\\creds",
    ];
    let paths = paths.map(|path| format!("{base}/{path}"));
    let hosts = [
        "http:\\\\127.0.0.1",
        "http:127.0.0.1",
        "http://127.1",
        "http://2130706433",
        "http://127.0.0.1\\@127.0.0.1",
    ];
    let hosts = hosts.map(|host| format!("{host}:{port}/creds"));
    let others = [
        format!("{base}\\creds"),
        format!("{base}\\a\\..\\cre ds"),
        format!(" {base}/creds"),
        format!("\t{base}/creds"),
        format!("{base}\n/creds"),
        base.replace("http", "h\nttp") + "/creds",
        format!("{base}/[creds]"),
        format!("{base}/creds%"),
        format!("{base}/%zz"),
    ];
    for address in paths.iter().chain(&hosts).chain(&others) {
        let case = with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", address);
        let says = "AWS_CONTAINER_CREDENTIALS_FULL_URI must have a plain host and path";
        refused(case.run(), &[says]);
    }
    for path in ["/x;y", "/[x]", "/%zz", "/a\\b", "/cre ds", "creds/x"] {
        let case = with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path);
        refused(case.run(), &["it must be a path that begins with /"]);
    }
    assert_eq!(metadata.requests().len(), 0);
}
