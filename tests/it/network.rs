//! The way to IAM: every wait ends, and whether the request left is known.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use iam_sandbox::{Act, Certificate, Fault, Proxy, ProxyMode, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, documented};
use crate::response::reply;

/// Much more than any of these takes, and much less than a hang.
const BOUNDED: Duration = Duration::from_secs(40);

fn unreachable(ended: Ended, outcome_says: &[&str]) {
    let says: Vec<&str> = ["could not reach IAM at "]
        .iter()
        .chain(outcome_says)
        .copied()
        .collect();
    let known = "not deleted: nothing was sent to IAM";
    let _ = ended
        .exits(9)
        .prints_outcome("Failed")
        .says(&says)
        .ends_with(known)
        .within(BOUNDED);
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn f40_refused() {
    let sandbox = documented();
    let address = free_address();
    let case = Case::documented(&sandbox, &["--endpoint-url", &format!("http://{address}")]);
    unreachable(
        case.run(),
        &[&address, "the connection was refused", "hint: "],
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f40_the_reason_in_a_result_is_the_whole_sentence() {
    let sandbox = documented();
    let address = free_address();
    let case = Case::documented(&sandbox, &["--endpoint-url", &format!("http://{address}")]);
    let printed = case.run().exits(9);
    let sentence = format!("could not reach IAM at {address}: the connection was refused");
    let known = "not deleted: nothing was sent to IAM";
    assert_eq!(printed.object()["Reason"], format!("{sentence}; {known}"));
    let said = printed.prints_outcome("Failed").says(&[&sentence]);
    let _ = said.ends_with(known);
}

#[test]
fn f40_no_such_host() {
    let sandbox = documented();
    let case = Case::documented(
        &sandbox,
        &[
            "--endpoint-url",
            "https://iam.invalid",
            "--cli-connect-timeout",
            "2",
        ],
    );
    unreachable(case.run(), &["iam.invalid", "hint: "]);
}

#[test]
fn f40_unroutable() {
    // A listener whose queue is full takes no connection and refuses none: what an unroutable address does.
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
    assert!(full, "the queue never fills");
    let sandbox = documented();
    let case = Case::documented(
        &sandbox,
        &[
            "--endpoint-url",
            &format!("http://{address}"),
            "--cli-connect-timeout",
            "1",
        ],
    );
    unreachable(
        case.run(),
        &[&address.to_string(), "it did not respond in time"],
    );
}

#[test]
fn f40_the_whole_limit_ends_a_connection_that_is_not_made() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    sandbox.fault(Fault::new(What::SilenceOnAccept).always());
    let case = Case::documented(&sandbox, &["--timeout", "2", "--cli-connect-timeout", "0"]);
    unreachable(
        case.run(),
        &["it did not respond in time; --timeout is 2 s"],
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f41_accepts_and_then_silence() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let case = Case::documented(&sandbox, &["--cli-read-timeout", "1", "--timeout", "6"]);
    let ended = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM", "it did not respond"]);
    let _ = ended.ends_with("IAM still lists the key").within(BOUNDED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f42_reset_on_accept_is_retried() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::ResetOnAccept).times(1));
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f43_replies_that_drip_or_never_end() {
    for what in [
        What::Drip {
            byte_every: Duration::from_secs(1),
        },
        What::EndlessBody,
        What::ManyHeaders(10_000),
    ] {
        let shown = format!("{what:?}");
        let sandbox = documented();
        sandbox.fault(Fault::new(what).on("DeleteAccessKey").times(1));
        let case = Case::documented(
            &sandbox,
            &["--cli-read-timeout", "2", "--cli-connect-timeout", "1"],
        );
        let ended = case
            .start_under(Some(&["prlimit", "--data=100000000"]))
            .end();
        let _ = ended
            .exits(0)
            .prints(DELETED)
            .says(&["warning: ", "the retry returned NoSuchEntity"])
            .ends_with("deleted")
            .within(BOUNDED);
        assert!(!sandbox.has_key(BOBS_KEY), "{shown}");
    }
}

#[test]
fn f44_not_http_at_all() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::NotHttp(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())).always());
    let ended = Case::documented(&sandbox, &["--timeout", "4"]).run();
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM"])
        .ends_with("unknown: ")
        .within(BOUNDED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f45_certificates_that_are_not_good() {
    for (certificate, says) in [
        (Certificate::Expired, "its TLS certificate has expired"),
        (
            Certificate::NotYetValid,
            "its TLS certificate is not valid yet",
        ),
        (
            Certificate::WrongHost,
            "its TLS certificate is for another host",
        ),
        (
            Certificate::SelfSigned,
            "its TLS certificate is from an authority that is not trusted here",
        ),
    ] {
        let sandbox = Sandbox::documented().https(certificate).start();
        unreachable(Case::documented(&sandbox, &[]).run(), &[says, "hint: "]);
        assert_eq!(sandbox.connections(), 1, "one attempt: {says}");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f45_an_authority_nobody_named() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let case = Case::documented(&sandbox, &[]).without("AWS_CA_BUNDLE");
    unreachable(
        case.run(),
        &["an authority that is not trusted here", "--ca-bundle"],
    );
    assert_eq!(sandbox.connections(), 1, "one attempt");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f45_plain_http_on_the_port() {
    let sandbox = documented();
    let case = Case::documented(
        &sandbox,
        &["--endpoint-url", &sandbox.url().replace("http:", "https:")],
    );
    unreachable(
        case.run(),
        &[
            "it does not speak TLS",
            "hint: an endpoint without TLS has an http:// URL",
        ],
    );
    assert_eq!(sandbox.connections(), 1, "one attempt");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f45_tls_that_stalls() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    sandbox.fault(Fault::new(What::SilenceOnAccept).always());
    let case = Case::documented(&sandbox, &["--cli-connect-timeout", "1"]);
    unreachable(case.run(), &["it did not respond in time"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

/// A run that goes to IAM's own host name through the proxy, which ends at the sandbox.
fn by_way_of(proxy_url: &str, sandbox: &Sandbox) -> Case {
    Case::documented(sandbox, &["--cli-connect-timeout", "2"]).env("HTTPS_PROXY", proxy_url)
}

pub(crate) fn behind_a_proxy() -> Sandbox {
    Sandbox::documented().https(Certificate::Valid).start()
}

#[test]
fn f46_a_proxy_that_works() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Working);
    let _ = by_way_of(&proxy.url(), &sandbox)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(proxy.requests().len(), 1);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_asks_who() {
    let sandbox = behind_a_proxy();
    let secret = crate::case::CANARIES[1];
    let proxy = Proxy::start(ProxyMode::RequireAuth("me".to_owned(), secret.to_owned()));
    unreachable(
        by_way_of(&proxy.url(), &sandbox).args(["--debug"]).run(),
        &[
            "the proxy asks for a user name and a password",
            "hint: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT",
        ],
    );
    assert_eq!(sandbox.connections(), 0);
    let known = proxy
        .url()
        .replace("http://", &format!("http://me:{secret}@"));
    let _ = by_way_of(&known, &sandbox)
        .args(["--debug"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&["info: attempt 1"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_does_not_let_through() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    unreachable(
        by_way_of(&proxy.url(), &sandbox).run(),
        &[
            "through the proxy ",
            "the proxy did not allow the connection",
        ],
    );
    let address = free_address();
    unreachable(
        by_way_of(&format!("http://{address}"), &sandbox).run(),
        &[
            &format!("through the proxy {address}"),
            "the proxy refused the connection",
        ],
    );
    let proxy = Proxy::start(ProxyMode::Hang);
    unreachable(by_way_of(&proxy.url(), &sandbox).run(), &["in time"]);
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_url_that_is_none_is_7_and_not_shown() {
    let sandbox = behind_a_proxy();
    for url in [
        "http://",
        "ftp://proxy:21",
        "http://me:hunter2hunter2@:bad",
        "//me:hunter2hunter2@127.0.0.1:1",
        "http:///127.0.0.1:1",
        "http://127.0.0.1 :1",
    ] {
        let said = by_way_of(url, &sandbox).run().exits(7).prints_nothing();
        assert!(!said.messages().contains("hunter2"));
        let _ = said
            .says(&["HTTPS_PROXY is not the URL of an HTTP proxy", "hint: "])
            .ends_with("nothing was sent");
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f46_no_proxy_is_heeded() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let case = by_way_of(&proxy.url(), &sandbox).env("NO_PROXY", "127.0.0.1,localhost");
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    assert_eq!(proxy.requests().len(), 0);
    assert!(!sandbox.has_key(BOBS_KEY));
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
    let ended = Case::documented(&sandbox, &["--endpoint-url", &url, "--timeout", "4"]).run();
    let _ = ended
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["no usable response from IAM"])
        .ends_with("unknown: ")
        .within(BOUNDED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c67_a_proxy_password_is_masked_in_every_spelling() {
    let sandbox = Sandbox::documented().https(Certificate::Valid).start();
    let proxy = Proxy::start(ProxyMode::Working);
    let address = proxy.url().replace("http://", "");
    let raw = "p%40ss%2fw%C3%B6rd%20x";
    let spellings = [
        raw,
        "p%40ss%2Fw%C3%B6rd%20x",
        "p%40ss%2fw%c3%b6rd%20x",
        "p@ss/wörd x",
        "p%40ss%2Fw%C3%B6rd+x",
        "p@ss/w%C3%B6rd%20x",
        "bWU6cEBzcy93w7ZyZCB4",
    ];
    let body = spellings.join(" | ");
    let what = reply(
        400,
        &[
            ("Proxy-Authorization", "Basic bWU6cEBzcy93w7ZyZCB4"),
            ("X-Url", raw),
        ],
        body,
        Act::Never,
    );
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
    let case = Case::documented(&sandbox, &["--debug", "--timeout", "4"])
        .env("HTTPS_PROXY", format!("http://me:{raw}@{address}"));
    let printed = case.run().exits(10);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    for spelling in spellings {
        assert!(
            !said.messages().contains(spelling),
            "{spelling}: {}",
            said.messages()
        );
    }
    assert_eq!(
        proxy.requests()[0].authorization.as_deref(),
        Some("Basic bWU6cEBzcy93w7ZyZCB4")
    );
    let _ = said.says(&["debug: response body: (not shown) | "]);
}

#[test]
fn c35_a_proxy_that_the_request_does_not_use_may_be_anything() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Working);
    let socks = "socks5://127.0.0.1:1";
    for variables in [
        [
            ("ALL_PROXY", socks),
            ("HTTPS_PROXY", &proxy.url()),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
        ],
        [
            ("HTTP_PROXY", socks),
            ("HTTPS_PROXY", &proxy.url()),
            ("NO_PROXY", ""),
        ],
        [
            ("HTTPS_PROXY", socks),
            ("ALL_PROXY", "http://"),
            ("NO_PROXY", "*"),
        ],
        [
            ("HTTPS_PROXY", socks),
            ("https_proxy", &proxy.url()),
            ("NO_PROXY", "example.com"),
        ],
        [
            ("HTTPS_PROXY", socks),
            ("HTTP_PROXY", "x y"),
            ("no_proxy", "example.com, 127.0.0.1"),
        ],
    ] {
        sandbox.add_key(iam_sandbox::KeySeed::new("Bob", BOBS_KEY));
        let case = Case::documented(&sandbox, &[]);
        let case = variables
            .iter()
            .fold(case, |case, (name, value)| case.env(name, value));
        let _ = case.run().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    }
    for variables in [
        [("ALL_PROXY", socks), ("HTTP_PROXY", "http://127.0.0.1:1")],
        [
            ("HTTPS_PROXY", socks),
            ("NO_PROXY", "27.0.0.1,.example.com"),
        ],
    ] {
        let case = Case::documented(&sandbox, &[]);
        let case = variables
            .iter()
            .fold(case, |case, (name, value)| case.env(name, value));
        let says = format!("{} is not the URL of an HTTP proxy", variables[0].0);
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&[&says, "hint: "])
            .ends_with("nothing was sent");
    }
}
