//! Retries of requests to a metadata service: which ones, how often, and which failure is reported at the end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use iam_sandbox::Sandbox;
use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{BOBS_KEY, Case, documented, each_at_once};
use crate::credentials::{LATER, signs, with_config};
use crate::metadata_service::on_instance;

const TOKEN: &str = "PUT /latest/api/token ";
const ROLES: &str = "GET /latest/meta-data/iam/security-credentials/ ";
const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/role ";
const CONTAINER: &str = "GET /creds ";

/// The hint about a container's service.
const CHECK: &str = "check AWS_CONTAINER_CREDENTIALS_FULL_URI, and that the service there runs";

/// The hint if something else responds.
const CHECK_ADDRESS: &str = "check AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// A metadata service that fails at first.
struct Failing {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Failing {
    /// Responds with `failure` to the first `times` requests that start with `at`, and closes the connection after it. An empty
    /// failure is silence, and `close` ends the connection without a response. All other requests get a normal response.
    fn start(sandbox: &Sandbox, at: &'static str, failure: &'static str, times: usize) -> Self {
        let session = sandbox.session();
        let credentials = format!(
            r#"{{"AccessKeyId":"{}","SecretAccessKey":"{}","Token":"{}","Expiration":"{LATER}"}}"#,
            session.access_key_id,
            session.secret_access_key,
            session.session_token.unwrap_or_default()
        );
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        let serve = move |mut stream: TcpStream| {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let head = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let failed = {
                    let mut seen = seen.lock().expect("a lock");
                    seen.push(head.lines().next().unwrap_or_default().to_owned());
                    let before = seen.iter().filter(|line| line.starts_with(at)).count();
                    head.starts_with(at) && before <= times
                };
                let body = match failed {
                    true if failure.is_empty() => continue,
                    true if failure == "close" => return,
                    true => {
                        // Otherwise the next request could be sent before the connection closes.
                        let response = failure.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                        let _ = stream.write_all(response.as_bytes());
                        return;
                    }
                    false if head.starts_with(TOKEN) => "token",
                    false if head.starts_with(ROLES) => "role",
                    false => &credentials,
                };
                let length = body.len();
                let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(response.as_bytes());
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serve = serve.clone();
                thread::spawn(move || serve(stream));
            }
        });
        Self { url, asked }
    }

    /// Returns the number of requests that start with `at`.
    fn asked(&self, at: &str) -> usize {
        let asked = self.asked.lock().expect("a lock");
        asked.iter().filter(|line| line.starts_with(at)).count()
    }
}

/// A run whose credentials are those of a container with this service.
fn in_container(sandbox: &Sandbox, url: &str) -> Case {
    with_config(sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/creds"))
}

fn fails(case: Case, what: &str, hint: &str) {
    case.run().stops_exactly(
        7,
        &format!(
            "iam-del-key: error: no credentials {what}\n\
             hint: {hint}\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ),
    );
}

const STATUS_404: &str = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
const STATUS_429: &str = "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n";
const STATUS_500: &str = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
const STATUS_401: &str =
    "HTTP/1.1 401 No\r\nContent-Length: 27\r\n\r\n{\"message\":\"invalid token\"}";
const STATUS_403: &str = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const NO_JSON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<a>";
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{";

/// The AWS CLI retries all of these, too.
#[test]
fn an_instance_whose_service_fails_twice_gets_three_requests() {
    let cases = [
        (TOKEN, STATUS_429),
        (TOKEN, STATUS_500),
        (TOKEN, "close"),
        (ROLES, STATUS_404),
        (ROLES, STATUS_429),
        (ROLES, EMPTY),
        (ROLES, "close"),
        (ROLES, HALF),
        (ROLES, ""),
        (ROLE, STATUS_404),
        (ROLE, STATUS_500),
        (ROLE, NO_JSON),
        (ROLE, ""),
    ];
    each_at_once(cases, |(at, failure)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, at, failure, 2);
        let case =
            on_instance(&sandbox, &service.url).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
        signs(&sandbox, case, SESSION_KEY_ID);
        assert_eq!(service.asked(at), 3);
    });
}

#[test]
fn an_instance_whose_service_always_fails_has_its_last_failure_and_its_attempts() {
    let last = "from the instance: in the last of 3 attempts, its metadata service returned";
    let busy = "wait a minute, and run the same command again";
    let cases = [
        (
            TOKEN,
            STATUS_500,
            format!("{last} HTTP status 500 instead of a token"),
            busy,
        ),
        (
            ROLES,
            STATUS_429,
            format!("{last} HTTP status 429"),
            "it limits requests: wait a moment, and run the same command again",
        ),
        (
            ROLE,
            "",
            format!("{last} no usable response within 1 s"),
            "if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT",
        ),
    ];
    each_at_once(cases, |(at, failure, what, hint)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, at, failure, usize::MAX);
        let case =
            on_instance(&sandbox, &service.url).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
        fails(case, &what, hint);
        assert_eq!((service.asked(at), sandbox.connections()), (3, 0));
    });
}

/// The AWS CLI does not retry these either.
#[test]
fn a_token_that_an_instance_does_not_offer_is_requested_once() {
    let cases = [
        ("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", "400"),
        ("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "403"),
        (STATUS_404, "404"),
        ("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", "405"),
        ("", "no usable response within 1 s"),
    ];
    each_at_once(cases, |(failure, says)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, TOKEN, failure, usize::MAX);
        let case =
            on_instance(&sandbox, &service.url).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
        let _ = case.run().exits(7).prints_nothing().says(&[
            "no credentials from the instance: its metadata service returned ",
            says,
        ]);
        assert_eq!((service.asked(TOKEN), service.asked(ROLES)), (1, 0));
    });
}

#[test]
fn a_container_whose_service_fails_twice_gets_three_requests() {
    let cases = [
        STATUS_404, STATUS_429, STATUS_500, EMPTY, NO_JSON, "close", HALF,
    ];
    each_at_once(cases, |failure| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, CONTAINER, failure, 2);
        signs(
            &sandbox,
            in_container(&sandbox, &service.url),
            SESSION_KEY_ID,
        );
        assert_eq!(service.asked(CONTAINER), 3);
    });
}

#[test]
fn a_container_that_limits_requests_has_a_hint_for_that() {
    let sandbox = documented();
    let service = Failing::start(&sandbox, CONTAINER, STATUS_429, usize::MAX);
    fails(
        in_container(&sandbox, &service.url),
        "from the container: in the last of 3 attempts, its service returned HTTP status 429",
        "it limits requests: wait a moment, and run the same command again",
    );
    assert_eq!(service.asked(CONTAINER), 3);
}

#[test]
fn the_last_failure_before_the_time_limit_is_reported() {
    let cases = [
        (
            "close",
            "no usable response from its service: the connection was closed too early",
            CHECK,
        ),
        (
            STATUS_500,
            "its service returned HTTP status 500",
            "wait a minute, and run the same command again",
        ),
        (NO_JSON, "it did not return JSON", CHECK_ADDRESS),
    ];
    each_at_once(cases, |(failure, what, hint)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, CONTAINER, failure, usize::MAX);
        let case = in_container(&sandbox, &service.url).args(["--timeout", "1"]);
        fails(
            case,
            &format!("within 1 s from the container: {what}"),
            hint,
        );
    });
    let sandbox = documented();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    fails(
        in_container(&sandbox, &format!("http://{address}")).args(["--timeout", "1"]),
        "within 1 s from the container: no usable response from its service: the connection was refused",
        CHECK,
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_malformed_address_of_a_containers_service_names_its_variable() {
    let sandbox = documented();
    let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    for (name, value) in [
        (relative, "/a b"),
        (relative, "/\u{e9}\n"),
        (relative, "/a\u{7f}"),
        (full, "http://"),
    ] {
        let said = with_config(&sandbox, "")
            .env(name, value)
            .run()
            .exits(7)
            .prints_nothing();
        let _ = said.says(&[
            &format!("the environment variable {name} is"),
            &format!("correct the environment variable {name}"),
        ]);
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_containers_service_that_refuses_the_token_names_its_variable() {
    let cases = [
        ("", STATUS_401, "401: invalid token"),
        ("_FILE", STATUS_403, "403"),
    ];
    each_at_once(cases, |(suffix, failure, what)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, CONTAINER, failure, usize::MAX);
        let name = format!("AWS_CONTAINER_AUTHORIZATION_TOKEN{suffix}");
        let case = in_container(&sandbox, &service.url).file("token", "a-token");
        let value = match suffix {
            "" => "a-token".into(),
            _ => case.path("token").into_os_string(),
        };
        fails(
            case.env(&name, value),
            &format!(
                "from the container: in the last of 3 attempts, its service returned HTTP status {what}"
            ),
            &format!("check the token of the environment variable {name}"),
        );
    });
}

#[test]
fn a_containers_service_that_responds_with_something_else_may_need_a_token_or_another_address() {
    let token = "if the service requires a token, set AWS_CONTAINER_AUTHORIZATION_TOKEN or \
                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let cases = [
        (
            STATUS_401,
            "its service returned HTTP status 401: invalid token",
            token,
        ),
        (STATUS_403, "its service returned HTTP status 403", token),
        (
            STATUS_404,
            "its service returned HTTP status 404",
            CHECK_ADDRESS,
        ),
        (NO_JSON, "it did not return JSON", CHECK_ADDRESS),
    ];
    each_at_once(cases, |(failure, what, hint)| {
        let sandbox = documented();
        let service = Failing::start(&sandbox, CONTAINER, failure, usize::MAX);
        let what = format!("from the container: in the last of 3 attempts, {what}");
        fails(in_container(&sandbox, &service.url), &what, hint);
    });
}
