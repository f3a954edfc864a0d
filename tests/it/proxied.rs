//! Proxies between the run and IAM: which one a request uses, and that its password is not shown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use iam_sandbox::{Act, Certificate, KeySeed, Proxy, ProxyMode, Sandbox};

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, always, each, each_at_once};
use crate::network::{free_address, unreachable};
use crate::response::reply;
use crate::unfinished::with_seconds_masked;

/// A run that uses IAM's own host name through the proxy, which connects to the sandbox.
fn through_proxy(proxy_url: &str, sandbox: &Sandbox) -> Case {
    Case::documented(sandbox, &["--cli-connect-timeout", "2"]).env("HTTPS_PROXY", proxy_url)
}

pub(crate) fn behind_a_proxy() -> Sandbox {
    Sandbox::documented().https(Certificate::Valid).start()
}

#[test]
fn f46_a_proxy_that_works() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Working);
    through_proxy(&proxy.url(), &sandbox)
        .run()
        .deletes_quietly();
    assert_eq!(proxy.requests().len(), 1);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_requires_authentication() {
    let sandbox = behind_a_proxy();
    let secret = CANARIES[1];
    let proxy = Proxy::start(ProxyMode::RequireAuth("me".to_owned(), secret.to_owned()));
    let says = [
        "the proxy asks for a user name and a password",
        "hint: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT",
    ];
    let case = through_proxy(&proxy.url(), &sandbox).args(["--debug"]);
    unreachable(case.run(), &says);
    assert_eq!(sandbox.connections(), 0);
    let user = format!("http://me:{secret}@");
    let known = proxy.url().replace("http://", &user);
    let case = through_proxy(&known, &sandbox).args(["--debug"]);
    let said = case.run().exits(0).prints(DELETED);
    let _ = said.says(&["info: attempt 1"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_a_proxy_that_opens_no_connection() {
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
        unreachable(through_proxy(&url, &sandbox).run(), says);
    });
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f46_an_invalid_proxy_url_exits_7_and_is_not_shown() {
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
        is_no_proxy(through_proxy(url, &sandbox), "HTTPS_PROXY");
    });
    assert_eq!(sandbox.connections(), 0);
}

/// A variable that the request would use is refused, and not shown.
fn is_no_proxy(case: Case, variable: &str) {
    let said = case.run().exits(7).prints_nothing();
    assert!(!said.messages().contains("hunter2"));
    let says = format!("{variable} is not the URL of an HTTP proxy");
    let _ = said
        .says(&[&says, "hint: "])
        .ends_with("not deleted: nothing was sent to IAM");
}

#[test]
fn f46_the_no_proxy_variable_is_honored() {
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Refuse502);
    let case = through_proxy(&proxy.url(), &sandbox).env("NO_PROXY", "127.0.0.1,localhost");
    case.run().deletes_quietly();
    assert_eq!(proxy.requests().len(), 0);
    assert!(!sandbox.has_key(BOBS_KEY));
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

#[test]
fn f46_a_variable_in_mixed_case_counts_as_in_the_aws_cli_and_is_named() {
    let dead = "http://127.0.0.1:1";
    let cases = [
        ("Https_Proxy", &[("Https_Proxy", dead)][..]),
        ("https_Proxy", &[("https_Proxy", dead), ("HTTPS_PROXY", "")]),
        (
            "HTTPS_proxy",
            &[("HTTPS_proxy", dead), ("Https_Proxy", "x y")],
        ),
        ("All_Proxy", &[("All_Proxy", dead)]),
        (
            "HttpS_PROXY",
            &[("HttpS_PROXY", dead), ("No_Proxy", "example.com")],
        ),
    ];
    each(cases, |(name, variables)| {
        let sandbox = behind_a_proxy();
        let host = sandbox.address();
        let set = |case: Case, (name, value): &(&str, &str)| case.env(name, value);
        let case = variables.iter().fold(Case::documented(&sandbox, &[]), set);
        let case = case.args(["--timeout", "4"]);
        let said = case.run().exits(9).prints_outcome("Failed");
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: could not reach IAM at {host} through the proxy 127.0.0.1:1: the connection to the proxy was \
             refused\n\
             hint: check {name}; NO_PROXY names the hosts that need no proxy\n\
             result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
        ));
    });
    let direct = [
        [
            ("HTTPS_PROXY", dead),
            ("https_Proxy", ""),
            ("No_Proxy", "127.0.0.1"),
        ],
        [("HTTPS_PROXY", dead), ("HTTPS_proxy", ""), ("x", "")],
        [
            ("HTTPS_PROXY", dead),
            ("No_proxy", "127.0.0.1"),
            ("NO_PROXY", "x"),
        ],
    ];
    each(direct, |variables| {
        let sandbox = behind_a_proxy();
        let set = |case: Case, (name, value): &(&str, &str)| case.env(name, value);
        let case = variables.iter().fold(Case::documented(&sandbox, &[]), set);
        case.run().deletes_quietly();
    });
    let sandbox = behind_a_proxy();
    let case = Case::documented(&sandbox, &[]).env("Https_Proxy", "ftp://hunter2");
    is_no_proxy(case, "Https_Proxy");
    let not_text = OsStr::from_bytes(b"http://\xff");
    Case::documented(&sandbox, &[])
        .env("Http_Proxy", not_text)
        .run()
        .stops_exactly(
            7,
            &format!(
                "iam-del-key: error: the environment variable Http_Proxy is not UTF-8\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
}

#[test]
fn f46_a_proxy_that_hangs_until_the_limit_is_named() {
    let silent = "it did not respond within N s";
    let unread = "no request to change it was sent to IAM";
    let cases = [
        (&["--user-name", "Bob", "--dry-run"][..], silent, unread),
        (
            &["--user-name", "Bob", "--unused-for", "1d"],
            silent,
            unread,
        ),
        (&["--find-user"], silent, unread),
        (&["--user-name", "Bob"], silent, "nothing was sent to IAM"),
    ];
    each_at_once(cases, |(args, reason, known)| {
        let sandbox = behind_a_proxy();
        let proxy = Proxy::start(ProxyMode::Hang);
        let (host, through) = (sandbox.address(), proxy.url().replace("http://", ""));
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--timeout", "2"]);
        let case = case.args(args).env("HTTPS_PROXY", proxy.url());
        let said = case.run().exits(9).prints_anything();
        assert_eq!(
            with_seconds_masked(&said),
            format!(
                "iam-del-key: error: could not reach IAM at {host} through the proxy {through}: {reason}; --timeout is 2 s\n\
                 hint: check the network and this proxy; NO_PROXY names the hosts that need no proxy\n\
                 result: {BOBS_KEY}: not deleted: {known}\n"
            )
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
    let sandbox = behind_a_proxy();
    let proxy = Proxy::start(ProxyMode::Hang);
    let (host, through) = (sandbox.address(), proxy.url().replace("http://", ""));
    let sweep = [
        "--whole-account",
        "--only-inactive",
        "--dry-run",
        "--timeout",
        "2",
    ];
    let case = Case::at(&sandbox, sweep).env("HTTPS_PROXY", proxy.url());
    let said = case.run().exits(9).prints_anything();
    assert_eq!(
        with_seconds_masked(&said),
        format!(
            "iam-del-key: error: could not reach IAM at {host} through the proxy {through}: {silent}; --timeout is 2 s\n\
             hint: check the network and this proxy; NO_PROXY names the hosts that need no proxy\n\
             result: no key was changed\n"
        )
    );
}
