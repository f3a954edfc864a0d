//! The way to IAM: every wait ends, and whether the request left is known.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use iam_sandbox::{Act, Certificate, Fault, KeySeed, Proxy, ProxyMode, Sandbox, What};

use crate::case::{
    BOBS_KEY, CANARIES, Case, DELETED, DOCUMENTED, Ended, always, documented, each, each_at_once,
    faulty, once,
};
use crate::response::reply;

/// Much more than any of these takes, and much less than a hang.
const BOUNDED: Duration = Duration::from_secs(40);

fn unreachable(ended: Ended, says: &[&str]) {
    let says = [&["could not reach IAM at "], says].concat();
    let known = "not deleted: nothing was sent to IAM";
    ended.within(BOUNDED).ends_as(9, "Failed", &says, known);
}

/// Something answers that is not IAM, and the key lives.
fn is_unknown(sandbox: &Sandbox, case: Case, says: &[&str], known: &str) {
    let ended = case.run().within(BOUNDED);
    let says = [&["no usable response from IAM"], says].concat();
    ended.ends_as(10, "Unknown", &says, known);
    assert!(sandbox.has_key(BOBS_KEY));
}

/// The documented example at another endpoint.
fn at_url(sandbox: &Sandbox, url: &str) -> Case {
    Case::documented(sandbox, &["--endpoint-url", url])
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn f40_refused() {
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
fn f40_no_such_host() {
    let sandbox = documented();
    let case = at_url(&sandbox, "https://iam.invalid").args(["--cli-connect-timeout", "2"]);
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
    let url = format!("http://{address}");
    let case = at_url(&sandbox, &url).args(["--cli-connect-timeout", "1"]);
    let says = [&address.to_string(), "it did not respond within 1 s"];
    unreachable(case.run(), &says);
}

/// TLS to a service that takes the connection and then says nothing.
fn stalling() -> Sandbox {
    let sandbox = behind_a_proxy();
    sandbox.fault(Fault::new(What::SilenceOnAccept).always());
    sandbox
}

#[test]
fn f40_the_whole_limit_ends_a_connection_that_is_not_made() {
    let sandbox = stalling();
    let case = Case::documented(&sandbox, &["--timeout", "2", "--cli-connect-timeout", "0"]);
    let says = ["it did not respond within ", " s; --timeout is 2 s"];
    unreachable(case.run(), &says);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f41_accepts_and_then_silence() {
    let sandbox = faulty([always("DeleteAccessKey", What::SilenceBeforeActing)]);
    let case = Case::documented(&sandbox, &["--cli-read-timeout", "1", "--timeout", "6"]);
    let says = ["it did not respond"];
    is_unknown(&sandbox, case, &says, "IAM still lists the key");
}

/// Only an IAM to which nothing was sent could not be reached.
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
        let hint = "if IAM is just slow, raise --timeout";
        let _ = printed.prints_anything().says(&[&format!(
            "iam-del-key: error: {error}\nhint: {hint}\nresult: "
        )]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f42_reset_on_accept_is_retried() {
    let sandbox = faulty([Fault::new(What::ResetOnAccept)]);
    Case::documented(&sandbox, &[]).run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f43_replies_that_drip_or_never_end() {
    let byte_every = Duration::from_secs(1);
    let endless = [What::EndlessBody, What::ManyHeaders(10_000)];
    let faults = [What::Drip { byte_every }].into_iter().chain(endless);
    each(faults, |what| {
        let sandbox = faulty([once("DeleteAccessKey", what)]);
        let limits = ["--cli-read-timeout", "2", "--cli-connect-timeout", "1"];
        let case = Case::documented(&sandbox, &limits);
        let running = case.start_under(Some(&["prlimit", "--data=100000000"]));
        let ended = running.end().within(BOUNDED);
        ended.deletes(&["warning: ", "the retry returned NoSuchEntity"]);
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f44_not_http_at_all() {
    let ssh = What::NotHttp(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec());
    let sandbox = faulty([Fault::new(ssh).always()]);
    let case = Case::documented(&sandbox, &["--timeout", "4"]);
    is_unknown(&sandbox, case, &[], "unknown: ");
}

/// One attempt to connect fails, and the error says this.
fn fails_at_once(sandbox: &Sandbox, case: Case, says: &[&str]) {
    unreachable(case.run(), says);
    assert_eq!(sandbox.connections(), 1, "one attempt");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f45_certificates_that_are_not_good() {
    let certificates = [
        (Certificate::Expired, "has expired"),
        (Certificate::NotYetValid, "is not valid yet"),
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
fn f45_an_authority_nobody_named() {
    let sandbox = behind_a_proxy();
    let case = Case::documented(&sandbox, &[]).without("AWS_CA_BUNDLE");
    let says = ["an authority that is not trusted here", "--ca-bundle"];
    fails_at_once(&sandbox, case, &says);
}

#[test]
fn f45_plain_http_on_the_port() {
    let sandbox = documented();
    let case = at_url(&sandbox, &sandbox.url().replace("http:", "https:"));
    let hint = "hint: an endpoint without TLS has an http:// URL";
    fails_at_once(&sandbox, case, &["it does not speak TLS", hint]);
}

#[test]
fn f45_tls_that_stalls() {
    let sandbox = stalling();
    let case = Case::documented(&sandbox, &["--cli-connect-timeout", "1"]);
    unreachable(case.run(), &["it did not respond within 1 s"]);
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
    by_way_of(&proxy.url(), &sandbox).run().deletes_quietly();
    assert_eq!(proxy.requests().len(), 1);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_asks_who() {
    let sandbox = behind_a_proxy();
    let secret = CANARIES[1];
    let proxy = Proxy::start(ProxyMode::RequireAuth("me".to_owned(), secret.to_owned()));
    let says = [
        "the proxy asks for a user name and a password",
        "hint: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT",
    ];
    let case = by_way_of(&proxy.url(), &sandbox).args(["--debug"]);
    unreachable(case.run(), &says);
    assert_eq!(sandbox.connections(), 0);
    let user = format!("http://me:{secret}@");
    let known = proxy.url().replace("http://", &user);
    let case = by_way_of(&known, &sandbox).args(["--debug"]);
    let said = case.run().exits(0).prints(DELETED);
    let _ = said.says(&["info: attempt 1"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_does_not_let_through() {
    let sandbox = behind_a_proxy();
    let refusing = Proxy::start(ProxyMode::Refuse502);
    let hanging = Proxy::start(ProxyMode::Hang);
    let nobody = format!("http://{}", free_address());
    let through = nobody.replace("http://", "through the proxy ");
    let cases: [(String, &[&str]); 4] = [
        (
            "http://iam.invalid:80".to_owned(),
            &[
                "through the proxy iam.invalid:80",
                "the proxy's name could not be resolved",
            ],
        ),
        (
            refusing.url(),
            &[
                "through the proxy ",
                "the proxy opened no connection: HTTP status 502",
            ],
        ),
        (
            nobody,
            &[&through, "the connection to the proxy was refused"],
        ),
        (
            hanging.url(),
            &["through the proxy ", "the proxy did not respond within 2 s"],
        ),
    ];
    each(cases, |(url, says)| {
        unreachable(by_way_of(&url, &sandbox).run(), says);
    });
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_url_that_is_none_is_7_and_not_shown() {
    let sandbox = behind_a_proxy();
    let urls = [
        "http://",
        "ftp://proxy:21",
        "http://me:hunter2hunter2@:bad",
        "//me:hunter2hunter2@127.0.0.1:1",
        "http:///127.0.0.1:1",
        "http://127.0.0.1 :1",
    ];
    each(urls, |url| {
        is_no_proxy(by_way_of(url, &sandbox), "HTTPS_PROXY");
    });
    assert_eq!(sandbox.connections(), 0);
}

/// A variable that the request would use is refused, and not shown.
fn is_no_proxy(case: Case, variable: &str) {
    let said = case.run().exits(7).prints_nothing();
    assert!(!said.messages().contains("hunter2"));
    let says = format!("{variable} is not the URL of an HTTP proxy");
    let _ = said.says(&[&says, "hint: "]).ends_with("nothing was sent");
}

#[test]
fn f46_no_proxy_is_heeded() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let case = by_way_of(&proxy.url(), &sandbox).env("NO_PROXY", "127.0.0.1,localhost");
    case.run().deletes_quietly();
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
    let case = at_url(&sandbox, &url).args(["--timeout", "4"]);
    is_unknown(&sandbox, case, &[], "unknown: ");
}

#[test]
fn c67_a_proxy_password_is_masked_in_every_spelling() {
    let sandbox = behind_a_proxy();
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
    let authorization = format!("Basic {}", spellings[6]);
    let headers = [
        ("Proxy-Authorization", authorization.as_str()),
        ("X-Url", raw),
    ];
    let what = reply(400, &headers, spellings.join(" | "), Act::Never);
    sandbox.fault(always("DeleteAccessKey", what));
    let case = Case::documented(&sandbox, &["--debug", "--timeout", "4"])
        .env("HTTPS_PROXY", format!("http://me:{raw}@{address}"));
    let printed = case.run().exits(10);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    let messages = said.messages();
    each(spellings, |spelling| {
        assert!(!messages.contains(spelling), "{messages}");
    });
    let sent = proxy.requests()[0].authorization.clone();
    assert_eq!(sent, Some(authorization));
    let _ = said.says(&["debug: response body: (not shown) | "]);
}

#[test]
fn c35_a_proxy_that_the_request_does_not_use_may_be_anything() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Working);
    let (socks, works) = ("socks5://127.0.0.1:1", &*proxy.url());
    let (dead, proxies) = ("http://127.0.0.1:1", "HTTPS_PROXY");
    let with = |variables: &[(&str, &str)]| {
        let set = |case: Case, (name, value): &(&str, &str)| case.env(name, value);
        variables.iter().fold(Case::documented(&sandbox, &[]), set)
    };
    let fine = [
        [("ALL_PROXY", socks), (proxies, works), ("HTTP_PROXY", dead)],
        [("HTTP_PROXY", socks), (proxies, works), ("NO_PROXY", "")],
        [
            (proxies, socks),
            ("ALL_PROXY", "http://"),
            ("NO_PROXY", "*"),
        ],
        [
            (proxies, socks),
            ("https_proxy", works),
            ("NO_PROXY", "example.com"),
        ],
        [
            (proxies, socks),
            ("HTTP_PROXY", "x y"),
            ("no_proxy", "example.com, 127.0.0.1"),
        ],
    ];
    each(fine, |variables| {
        sandbox.add_key(KeySeed::new("Bob", BOBS_KEY));
        with(&variables).run().deletes_quietly();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
    let refused = [
        [("ALL_PROXY", socks), ("HTTP_PROXY", dead)],
        [(proxies, socks), ("NO_PROXY", "27.0.0.1,.example.com")],
    ];
    each(refused, |variables| {
        is_no_proxy(with(&variables), variables[0].0);
    });
}
