//! Proxies that fail, and which requests use one: each error describes the failure and names the proxy.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use iam_sandbox::{Certificate, Fault, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, Case, each, each_at_once};
use crate::proxied::behind_a_proxy;
use crate::response::{IAM, METADATA, xml};

const PASSWORD: &str = "of-the-proxy-1";
const CHECK: &str = "check HTTPS_PROXY; NO_PROXY names the hosts that need no proxy";

/// What a proxy does after it sent its response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Then {
    Waits,
    Closes,
}

/// A proxy that responds to every request with these bytes. Returns its address.
pub(crate) fn responding(bytes: impl Into<Vec<u8>>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let bytes = bytes.into();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => asked.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(&bytes);
            if then == Then::Waits {
                open.push(stream);
            }
        }
    });
    address
}

/// The run fails at the proxy with exactly this error and this hint.
pub(crate) fn fails(sandbox: &Sandbox, case: Case, through: &str, reason: &str, hint: &str) {
    let host = sandbox.address();
    let _ = case.run().exits(9).prints_outcome("Failed").says_exactly(&format!(
        "iam-del-key: error: could not reach IAM at {host} through the proxy {through}: {reason}\n\
         hint: {hint}\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    assert!(sandbox.has_key(BOBS_KEY));
}

pub(crate) fn connecting(sandbox: &Sandbox, seconds: &str) -> Case {
    Case::documented(sandbox, &["--cli-connect-timeout", seconds])
}

#[test]
fn f46_each_failure_of_a_proxy_is_stated() {
    let too_large = "the proxy's response has a head or a length that is too large";
    let no_http = "the proxy does not speak HTTP";
    let not_valid = "the proxy's response is not valid HTTP";
    let closed = "the connection to the proxy was closed too early";
    let status = |status: u16| format!("the proxy opened no connection: HTTP status {status}");
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(200));
    let cases = [
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), no_http.to_owned()),
        (
            "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}".to_owned(),
            no_http.to_owned(),
        ),
        ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), not_valid.to_owned()),
        (
            "HTTP/1.1 200 \u{1b}[31m\r\n\r\n".to_owned(),
            not_valid.to_owned(),
        ),
        (
            "HTTP/1.1 103 \u{1b}[31m\r\n\r\n".to_owned(),
            not_valid.to_owned(),
        ),
        (
            "HTTP/1.1 403 \u{1b}[31mNo\r\n\r\n\u{1b}[31m".to_owned(),
            status(403),
        ),
        (
            "HTTP/1.1 403 No\r\nX: \u{1b}[31m\r\n\r\n\u{1b}[31m".to_owned(),
            status(403),
        ),
        (
            "HTTP/1.0 502\r\nX\u{1b} : y\r\n\r\n".to_owned(),
            status(502),
        ),
        (String::new(), closed.to_owned()),
        ("HTTP/1.1 200 OK\r\n".to_owned(), closed.to_owned()),
        (long, too_large.to_owned()),
        (many, too_large.to_owned()),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), status(204)),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://x\r\n\r\n".to_owned(),
            status(302),
        ),
        ("HTTP/1.0 403 Forbidden\r\n\r\n".to_owned(), status(403)),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n"
                .to_owned(),
            status(503),
        ),
    ];
    each_at_once(cases, |(response, reason)| {
        let sandbox = behind_a_proxy();
        let proxy = responding(response, Then::Closes);
        let url = format!("http://me:{PASSWORD}@{proxy}");
        let case = connecting(&sandbox, "60").env("HTTPS_PROXY", url);
        fails(&sandbox, case, &proxy, &reason, CHECK);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn f46_a_proxy_that_hangs_is_named_with_the_time_it_took() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Hang);
    let (address, user) = (
        proxy.url().replace("http://", ""),
        format!("http://me:{PASSWORD}@"),
    );
    let url = proxy.url().replace("http://", &user);
    let case = connecting(&sandbox, "1").env("HTTPS_PROXY", &url);
    let reason = "the proxy did not respond within 1 s";
    let hint = format!("{CHECK}; --cli-connect-timeout sets how long to wait for it");
    fails(&sandbox, case, &address, reason, &hint);
    // The time limit of the key ends the wait, and the error has its length.
    let case = connecting(&sandbox, "0").args(["--timeout", "2"]);
    let through = format!("through the proxy {address}: it did not respond within ");
    let says = [through.as_str(), " s; --timeout is 2 s\n"];
    let said = case
        .env("HTTPS_PROXY", &url)
        .run()
        .exits(9)
        .prints_outcome("Failed");
    assert!(!said.messages().contains("within 2"), "{}", said.messages());
    let _ = said
        .says(&says)
        .ends_with("not deleted: nothing was sent to IAM");
    // If a proxy opens a connection and forwards nothing, the error does not say that the proxy did not respond.
    let proxy = responding("HTTP/1.1 200 OK\r\n\r\n", Then::Waits);
    let case = connecting(&sandbox, "1").env("HTTPS_PROXY", format!("http://{proxy}"));
    let reason = "it did not respond within 1 s";
    let hint = "check the network and this proxy; NO_PROXY names the hosts that need no proxy";
    fails(&sandbox, case, &proxy, reason, hint);
}

#[test]
fn f46_a_proxy_of_an_endpoint_without_tls_is_named() {
    let sandbox = Sandbox::documented().start();
    let variable = |url: &str| {
        let case = Case::documented(&sandbox, &["--timeout", "4"]);
        case.env("HTTP_PROXY", url)
    };
    let reason = "the connection to the proxy was refused";
    let hint = CHECK.replace("HTTPS", "HTTP");
    fails(
        &sandbox,
        variable("http://127.0.0.1:1"),
        "127.0.0.1:1",
        reason,
        &hint,
    );
    let failed = "the server, or a proxy in front of it, failed";
    let proxy = responding(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        Then::Closes,
    );
    let at = format!(
        "at {} through the proxy {proxy}: HTTP status 502",
        sandbox.address()
    );
    variable(&format!("http://{proxy}")).run().ends_as(
        10,
        "Unknown",
        &[&at, failed],
        "unknown: the request was sent and no usable response arrived; checking the key failed",
    );
}

#[test]
fn f46_a_proxy_with_tls() {
    let tls = behind_a_proxy();
    // The proxy is a sandbox. It gets requests for another host, and has this response for all of them.
    let body =
        format!("<DeleteAccessKeyResponse xmlns=\"{IAM}\">{METADATA}</DeleteAccessKeyResponse>");
    tls.fault(Fault::new(xml(body)));
    let user = format!("https://me:{PASSWORD}@");
    Case::documented(&tls, &["--endpoint-url", "http://iam.localhost"])
        .env("HTTP_PROXY", tls.url().replace("https://", &user))
        .run()
        .deletes_quietly();
    let sent = tls.requests()[0]
        .header("proxy-authorization")
        .map(str::to_owned);
    assert_eq!(sent.as_deref(), Some("Basic bWU6b2YtdGhlLXByb3h5LTE="));
    let sandbox = behind_a_proxy();
    let case = |url: &str| connecting(&sandbox, "60").env("HTTPS_PROXY", url);
    let without_tls = Sandbox::documented().start();
    let plain_address = without_tls.address().to_string();
    fails(
        &sandbox,
        case(&format!("https://{plain_address}")),
        &plain_address,
        "the proxy does not speak TLS",
        "a proxy without TLS has an http:// URL",
    );
    let other = Sandbox::documented().https(Certificate::SelfSigned).start();
    fails(
        &sandbox,
        case(&other.url()),
        &other.address().to_string(),
        "the proxy's TLS certificate is from an authority that is not trusted here",
        "the file that the environment variable AWS_CA_BUNDLE names must contain the authority that issued the certificate, and \
         the intermediate certificates if the server does not send them",
    );
    let address = sandbox.address();
    let said = case(&sandbox.url()).run().exits(9).prints_outcome("Failed");
    let through =
        format!("through the proxy {address}: the proxy opened no connection: HTTP status 4");
    let _ = said.says(&[&through]);
}

#[test]
fn f46_a_user_and_a_password_are_sent_as_they_are() {
    let cases = [
        ("me:p@ss@", "bWU6cEBzcw=="),
        ("me:p%40ss@", "bWU6cEBzcw=="),
        ("m%C3%A9:%fe%E9@", "bcOpOv7p"),
        ("token@", "dG9rZW46"),
    ];
    each(cases, |(user, sent)| {
        let sandbox = behind_a_proxy();
        let proxy = Proxy::start(ProxyMode::Working);
        let url = proxy.url().replace("http://", &format!("http://{user}"));
        connecting(&sandbox, "60")
            .env("HTTPS_PROXY", url)
            .run()
            .deletes_quietly();
        let authorization = proxy.requests()[0].authorization.clone();
        assert_eq!(authorization, Some(format!("Basic {sent}")));
    });
    // Here the host would become part of the user name and the password.
    let sandbox = behind_a_proxy();
    let case = connecting(&sandbox, "60").env("HTTPS_PROXY", "http://me:12/of-the@127.0.0.1:1");
    let says = "iam-del-key: error: the environment variable HTTPS_PROXY is not the URL of an HTTP proxy\n\
                hint: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT; in the user name and the password, write special \
                characters as percent escapes, for example # as %23\n";
    let known = format!("result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n");
    case.run().stops_exactly(7, &format!("{says}{known}"));
}

#[test]
fn f46_a_proxy_that_sends_more_than_a_plain_200_works() {
    let sandbox = behind_a_proxy();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = listener.local_addr().expect("an address");
    let address = sandbox.address();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut buffer = [0; 4096];
        let _ = client.read(&mut buffer).expect("the request");
        let mut server = std::net::TcpStream::connect(address).expect("the sandbox");
        let response: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                                HTTP/1.0 200 Connection established\r\nContent-Length: 5\r\n\r\n";
        client.write_all(response).expect("a client");
        let mut back = (
            server.try_clone().expect("a copy"),
            client.try_clone().expect("a copy"),
        );
        thread::spawn(move || std::io::copy(&mut back.0, &mut back.1));
        let _ = std::io::copy(&mut client, &mut server);
    });
    let case = connecting(&sandbox, "60").env("HTTPS_PROXY", format!("http://{proxy}"));
    case.run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_no_proxy_is_parsed_as_in_the_aws_cli() {
    let sandbox = behind_a_proxy();
    let (host, port) = (sandbox.address().to_string(), sandbox.address().port());
    let direct = |variables: &[(&str, &str)]| {
        let case = Case::documented(&sandbox, &["--ignore-missing", "--output", "off"]);
        let case = case.env("HTTPS_PROXY", "http://127.0.0.1:1");
        let case = variables
            .iter()
            .fold(case, |case, (name, value)| case.env(name, value));
        case.run().is_success()
    };
    let of_port = format!("example.com, .0.0.1:{port} ");
    let another = format!("127.0.0.1:{}", port.wrapping_add(1));
    for (value, is_direct) in [
        (host.as_str(), true),
        (&of_port, true),
        ("*", true),
        (&another, false),
        ("*,example.com", false),
        ("127.0.0.0/8", false),
    ] {
        assert_eq!(direct(&[("NO_PROXY", value)]), is_direct, "{value}");
    }
    assert!(
        !direct(&[("NO_PROXY", &host), ("no_proxy", "")]),
        "lowercase counts, even if it is empty"
    );
    assert!(direct(&[("NO_PROXY", "example.com"), ("no_proxy", &host)]));
    assert!(
        direct(&[("https_proxy", "")]),
        "an empty lowercase variable means no proxy"
    );
}
