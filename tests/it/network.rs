//! Connections to IAM: every wait ends, and the result says whether the request was sent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use iam_sandbox::{Certificate, Fault, Sandbox, What};

use crate::case::{
    BOBS_KEY, Case, DOCUMENTED, Ended, always, documented, each, each_at_once, faulty, once,
};
use crate::lost_response::UNCONFIRMED;
use crate::proxied::behind_a_proxy;

/// Much longer than any of these takes, and much shorter than a hang.
const BOUNDED: Duration = Duration::from_secs(40);

pub(crate) fn unreachable(ended: Ended, says: &[&str]) {
    let says = [&["could not reach IAM at "], says].concat();
    let known = "not deleted: nothing was sent to IAM";
    ended.within(BOUNDED).ends_as(9, "Failed", &says, known);
}

/// Something other than IAM responds, and the key still exists.
fn is_unknown(sandbox: &Sandbox, case: Case, says: &[&str], known: &str) {
    let ended = case.run().within(BOUNDED);
    let says = [&["no usable response from IAM"], says].concat();
    ended.ends_as(10, "Unknown", &says, known);
    assert!(sandbox.has_key(BOBS_KEY));
}

/// The known state if IAM never responds.
const UNCHECKED: &str =
    "unknown: the request was sent and no usable response arrived; checking the key failed";

/// The documented example at another endpoint.
fn at_url(sandbox: &Sandbox, url: &str) -> Case {
    Case::documented(sandbox, &["--endpoint-url", url])
}

pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn f40_a_refused_connection() {
    let sandbox = documented();
    let address = free_address();
    let case = at_url(&sandbox, &format!("http://{address}"));
    let says = [&address, "the connection was refused", "hint: "];
    unreachable(case.run(), &says);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f40_the_reason_in_a_result_is_the_whole_sentence() {
    let sandbox = documented();
    let address = free_address();
    let printed = at_url(&sandbox, &format!("http://{address}"))
        .run()
        .exits(9);
    let sentence = format!("could not reach IAM at {address}: the connection was refused");
    let known = "not deleted: nothing was sent to IAM";
    assert_eq!(printed.object()["Reason"], format!("{sentence}; {known}"));
    let said = printed.prints_outcome("Failed").says(&[&sentence]);
    let _ = said.ends_with(known);
}

#[test]
fn f40_a_host_that_does_not_exist() {
    let sandbox = documented();
    let case = at_url(&sandbox, "https://iam.invalid").args(["--cli-connect-timeout", "2"]);
    unreachable(case.run(), &["iam.invalid", "hint: "]);
}

#[test]
fn f40_an_unroutable_address() {
    // A listener with a full queue neither accepts nor refuses a connection, like an unroutable address.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut queued = Vec::new();
    let full = loop {
        match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            Ok(stream) => queued.push(stream),
            Err(_) => break true,
        }
        if queued.len() > 8192 {
            break false;
        }
    };
    assert!(full, "the queue is not full");
    let sandbox = documented();
    let url = format!("http://{address}");
    let case = at_url(&sandbox, &url).args(["--cli-connect-timeout", "1"]);
    let says = [&address.to_string(), "it did not respond within 1 s"];
    unreachable(case.run(), &says);
}

/// TLS to a service that accepts the connection and then sends nothing.
fn stalling() -> Sandbox {
    let sandbox = behind_a_proxy();
    sandbox.fault(Fault::new(What::SilenceOnAccept).always());
    sandbox
}

#[test]
fn f40_the_total_time_limit_ends_a_connection_attempt() {
    let sandbox = stalling();
    let unread = "no request to change it was sent to IAM";
    let cases = [
        (&[][..], "nothing was sent to IAM"),
        (&["--dry-run"], unread),
        (&["--unused-for", "1d"], unread),
    ];
    each_at_once(cases, |(args, known)| {
        let limits = ["--timeout", "2", "--cli-connect-timeout", "0"];
        let case = Case::documented(&sandbox, &limits).args(args);
        let says = [
            "could not reach",
            "it did not respond within ",
            " s; --timeout is 2 s",
        ];
        case.run().ends_as(9, "Failed", &says, known);
    });
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f41_a_server_that_accepts_and_stays_silent() {
    let sandbox = faulty([always("DeleteAccessKey", What::SilenceBeforeActing)]);
    let case = Case::documented(&sandbox, &["--cli-read-timeout", "1", "--timeout", "6"]);
    let says = ["it did not respond"];
    is_unknown(&sandbox, case, &says, "IAM still lists the key");
}

/// The message that IAM could not be reached appears only if nothing was sent.
#[test]
fn f41_a_read_that_takes_too_long_does_not_make_iam_unreachable() {
    let sweep = &["--whole-account", "--only-inactive", "--dry-run"][..];
    let one = &[DOCUMENTED.as_slice(), &["--unused-for", "1d"]].concat()[..];
    let cases = [
        (
            sweep,
            ("ListUsers", 1),
            "no complete response from IAM: ListUsers did not finish in time; --timeout is 2 s",
        ),
        (
            sweep,
            ("ListUsers", 0),
            "no usable response from IAM: ListUsers did not finish in time; --timeout is 2 s",
        ),
        (
            one,
            ("GetAccessKeyLastUsed", 0),
            "no complete response from IAM: it did not return enough about the key in time; --timeout is 2 s",
        ),
        (
            one,
            ("ListAccessKeys", 0),
            "no usable response from IAM: it did not return enough about the key in time; --timeout is 2 s",
        ),
    ];
    each_at_once(cases, |(args, (operation, pages), error)| {
        let sandbox = Sandbox::documented().page_size(1).start();
        let silence = Fault::new(What::SilenceBeforeActing).on(operation);
        sandbox.fault(silence.skip(pages).always());
        let case = Case::at(&sandbox, args.iter().copied()).args(["--timeout", "2"]);
        let printed = case.run().within(BOUNDED).exits(9);
        let hint = "if the service is just slow, raise --timeout";
        let _ = printed.prints_anything().says(&[&format!(
            "iam-del-key: error: {error}\nhint: {hint}\nresult: "
        )]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f42_a_reset_on_accept_is_retried() {
    let sandbox = faulty([Fault::new(What::ResetOnAccept)]);
    Case::documented(&sandbox, &[]).run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f43_responses_that_drip_or_never_end() {
    let byte_every = Duration::from_secs(1);
    let endless = [What::EndlessBody, What::ManyHeaders(10_000)];
    let drips = [false, true].map(|is_head_whole| What::Drip {
        byte_every,
        is_head_whole,
    });
    let faults = drips.into_iter().chain(endless);
    each(faults, |what| {
        let sandbox = faulty([once("DeleteAccessKey", what)]);
        let limits = ["--cli-read-timeout", "2", "--cli-connect-timeout", "1"];
        let case = Case::documented(&sandbox, &limits);
        let running = case.start_under(Some(&["prlimit", "--data=100000000"]));
        let ended = running.end().within(BOUNDED);
        ended.deletes(UNCONFIRMED);
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f44_a_response_that_is_not_http() {
    let ssh = What::NotHttp(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec());
    let sandbox = faulty([Fault::new(ssh).always()]);
    let case = Case::documented(&sandbox, &["--timeout", "4"]);
    is_unknown(&sandbox, case, &[], UNCHECKED);
}

/// One attempt to connect fails, and the error says this.
fn fails_at_once(sandbox: &Sandbox, case: Case, says: &[&str]) {
    unreachable(case.run(), says);
    assert_eq!(sandbox.connections(), 1, "one attempt");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f45_invalid_certificates() {
    let certificates = [
        (Certificate::Expired, "or that of its authority has expired"),
        (
            Certificate::NotYetValid,
            "or that of its authority is not valid yet",
        ),
        (Certificate::WrongHost, "is for another host"),
        (
            Certificate::SelfSigned,
            "is from an authority that is not trusted here",
        ),
    ];
    each(certificates, |(certificate, says)| {
        let sandbox = Sandbox::documented().https(certificate).start();
        let says = format!("its TLS certificate {says}");
        let case = Case::documented(&sandbox, &[]);
        fails_at_once(&sandbox, case, &[&says, "hint: "]);
    });
}

#[test]
fn f45_an_untrusted_authority() {
    let sandbox = behind_a_proxy();
    let case = Case::documented(&sandbox, &[]).without("AWS_CA_BUNDLE");
    let says = ["an authority that is not trusted here", "--ca-bundle"];
    fails_at_once(&sandbox, case, &says);
}

#[test]
fn f45_plain_http_on_a_tls_port() {
    let sandbox = documented();
    let case = at_url(&sandbox, &sandbox.url().replace("http:", "https:"));
    let hint = "hint: an endpoint without TLS has an http:// URL";
    fails_at_once(&sandbox, case, &["it does not speak TLS", hint]);
}

/// A connection on which the end of the handshake arrives together with the request, as over a slow line.
fn slow_line(server: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut there = TcpStream::connect(server).expect("the server");
            let (mut back, mut to) = (
                there.try_clone().expect("a handle"),
                client.try_clone().expect("a handle"),
            );
            thread::spawn(move || std::io::copy(&mut back, &mut to));
            thread::spawn(move || {
                // The first message, and then more bytes than the last message of the handshake has.
                for least in [1, 500] {
                    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                    while bytes.len() < least
                        && let Ok(count @ 1..) = client.read(&mut buffer)
                    {
                        bytes.extend_from_slice(&buffer[..count]);
                    }
                    let _ = there.write_all(&bytes);
                }
                let _ = std::io::copy(&mut client, &mut there);
                let _ = there.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

/// With TLS 1.3, the server demands the certificate after the request is sent. Without a response, the outcome is unknown.
#[test]
fn a_server_that_demands_a_client_certificate_is_contacted_once() {
    let sandbox = Sandbox::documented().https(Certificate::Mutual).start();
    let host = slow_line(sandbox.address());
    let case = at_url(&sandbox, &format!("https://{host}"));
    let printed = case.args(["--verbose"]).run().exits(10);
    assert_eq!(printed.object()["Attempts"], 1);
    let said = printed.prints_outcome("Unknown").says(&[
        &format!(
            "iam-del-key: error: no usable response from IAM at {host}: it asks for a client certificate\n\
             hint: this program has no client certificate: use an endpoint that requires none\n\
             hint: check with: aws iam list-access-keys --user-name=Bob --endpoint-url https://{host}\n"
        ),
        "attempt 1: sent, no response\n",
    ]);
    let _ = said.ends_with(UNCHECKED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn an_http_url_for_a_port_that_expects_tls() {
    // OpenSSL and others respond to plain HTTP with an alert.
    let alert = What::NotHttp(b"\x15\x03\x01\x00\x02\x02\x46".to_vec());
    let sandbox = faulty([Fault::new(alert).always()]);
    let host = sandbox.address();
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    ended.ends_exactly(
        10,
        "Unknown",
        &format!(
            "iam-del-key: error: no usable response from IAM at {host}: it speaks TLS\n\
             hint: use https:// in the URL of this endpoint\n\
             hint: check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: {UNCHECKED}\n"
        ),
    );
}

#[test]
fn f45_tls_that_stalls() {
    let sandbox = stalling();
    let case = Case::documented(&sandbox, &["--cli-connect-timeout", "1"]);
    unreachable(case.run(), &["it did not respond within 1 s"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_server_that_closes_each_connection_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 16]);
            let _ = stream.write_all(b"");
        }
    });
    let sandbox = documented();
    let case = at_url(&sandbox, &url).args(["--timeout", "4"]);
    is_unknown(&sandbox, case, &[], UNCHECKED);
}

#[test]
fn f40_the_time_for_a_response_begins_when_the_connection_is_open() {
    let sandbox = stalling();
    let limits = ["--cli-read-timeout", "1", "--cli-connect-timeout", "3"];
    let case = Case::documented(&sandbox, &limits);
    unreachable(case.run(), &["it did not respond within 3 s"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_port_that_tells_a_request_without_tls_to_use_https() {
    let nginx = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n\
                 <center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\
                 \r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    let apache = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>400 Bad Request</title>\n\
                  </head><body>\n<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not \
                  understand.<br />\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n Instead use \
                  the HTTPS scheme to access this URL, please.<br />\n</p>\n</body></html>\n";
    let go = "Client sent an HTTP request to an HTTPS server.\n";
    let tomcat = "Bad Request\nThis combination of host and port requires TLS.\n";
    let other = "<html><body>400 Bad Request</body></html>";
    let expects = "this port expects HTTPS\nhint: use https:// in the URL of this endpoint\n";
    let unclear = "invalid body: it is an HTML page\nhint: a proxy or captive portal may be intercepting the connection: check \
                   the endpoint URL and the proxy\n";
    let cases = [
        (nginx, format!("; {expects}")),
        (apache, format!("; {expects}")),
        (go, format!("; {expects}")),
        (tomcat, format!("; {expects}")),
        (other, format!("; {unclear}")),
    ];
    each_at_once(cases, |(page, says)| {
        let page = What::page(400, "text/html", page);
        let sandbox = faulty([Fault::new(page).always()]);
        let host = sandbox.address();
        let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
        ended.ends_exactly(
            10,
            "Unknown",
            &format!(
                "iam-del-key: error: no usable response from IAM at {host}: HTTP status 400{says}\
                 hint: check with: aws iam list-access-keys --user-name=Bob\n\
                 result: {BOBS_KEY}: {UNCHECKED}\n"
            ),
        );
    });
}
