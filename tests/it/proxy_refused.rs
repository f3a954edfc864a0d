//! Proxies that require authentication, and data through a proxy that is not TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use iam_sandbox::Sandbox;

use crate::case::{BOBS_KEY, Case, each_at_once};
use crate::proxied::behind_a_proxy;
use crate::proxy::{Then, connecting, fails, responding};

#[test]
fn f46_a_proxy_that_requires_authentication_and_gets_it() {
    let asks = "the proxy asks for a user name and a password";
    let refuses = "the proxy refused the credentials";
    let other = "the proxy asks for a kind of authentication that is not supported";
    let basic_only =
        "use a proxy with Basic authentication; NO_PROXY names the hosts that need no proxy";
    let set = |variable| format!("set {variable} to http://USER:PASSWORD@HOST:PORT");
    let check =
        |variable| format!("check the user name, and the password if it needs one, in {variable}");
    let (basic, known) = (
        "Proxy-Authenticate: Basic realm=\"x\"\r\n",
        "me:of-the-proxy-1@",
    );
    let others = "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n";
    let list = "Proxy-Authenticate: Digest realm=\"x\", BASIC realm=\"y\"\r\n";
    let cases = [
        ("HTTPS_PROXY", "", basic, asks, set("HTTPS_PROXY")),
        ("https_proxy", "", "", asks, set("https_proxy")),
        ("HTTPS_PROXY", known, basic, refuses, check("HTTPS_PROXY")),
        ("HTTPS_PROXY", "me@", basic, refuses, check("HTTPS_PROXY")),
        ("ALL_PROXY", known, list, refuses, check("ALL_PROXY")),
        ("HTTPS_PROXY", known, others, other, basic_only.to_owned()),
    ];
    each_at_once(cases, |(variable, user, headers, reason, hint)| {
        let sandbox = behind_a_proxy();
        let response = format!("HTTP/1.1 407 Who\r\n{headers}Content-Length: 0\r\n\r\n");
        let proxy = responding(response, Then::Waits);
        let case = connecting(&sandbox, "60").env(variable, format!("http://{user}{proxy}"));
        fails(&sandbox, case, &proxy, reason, &hint);
    });
}

#[test]
fn f46_a_proxy_that_requires_a_password_for_an_endpoint_without_tls() {
    let asks = "the proxy asks for a user name and a password";
    let refuses = "the proxy refused the credentials";
    let known = "me:of-the-proxy-1@";
    let check = "check the user name, and the password if it needs one, in ";
    let cases = [
        (
            "HTTP_PROXY",
            "",
            asks,
            "set HTTP_PROXY to http://USER:PASSWORD@HOST:PORT".to_owned(),
        ),
        (
            "http_proxy",
            "",
            asks,
            "set http_proxy to http://USER:PASSWORD@HOST:PORT".to_owned(),
        ),
        ("ALL_PROXY", known, refuses, format!("{check}ALL_PROXY")),
        ("http_proxy", known, refuses, format!("{check}http_proxy")),
    ];
    each_at_once(cases, |(variable, user, reason, hint)| {
        let sandbox = Sandbox::documented().start();
        let proxy = responding(
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            Then::Closes,
        );
        let host = sandbox.address();
        let case = |more: &[&str]| {
            let case = Case::documented(&sandbox, more).args(["--timeout", "4"]);
            case.env(variable, format!("http://{user}{proxy}"))
        };
        let said = case(&[]).run().exits(10).prints_outcome("Unknown");
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: no usable response from IAM at {host} through the proxy {proxy}: {reason}\n\
             hint: {hint}\n\
             hint: check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived; checking the key failed\n"
        ));
        let said = case(&["--unused-for", "1d"])
            .run()
            .exits(9)
            .prints_outcome("Failed");
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: no usable response from IAM at {host} through the proxy {proxy}: {reason}\n\
             hint: {hint}\n\
             result: {BOBS_KEY}: not deleted: no request to change it was sent to IAM\n"
        ));
        assert_eq!(sandbox.connections(), 0);
    });
}

/// A proxy that opens a connection and sends this without end, before or after the first message of TLS.
fn flooding(bytes: &'static [u8], is_early: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let mut flood = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
            if !is_early {
                let _ = stream.write_all(&flood);
                flood.clear();
                let _ = stream.read(&mut [0; 4096]);
            }
            flood.extend_from_slice(bytes);
            while stream.write_all(&flood).is_ok() {
                flood.clear();
                flood.extend(bytes.repeat(1_000));
            }
        }
    });
    address
}

#[test]
fn f46_something_other_than_tls_through_a_proxy() {
    let cases = [b"Hello".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n"];
    let cases = cases
        .into_iter()
        .flat_map(|bytes| [(bytes, false), (bytes, true)]);
    each_at_once(cases, |(bytes, is_early)| {
        let sandbox = behind_a_proxy();
        let proxy = flooding(bytes, is_early);
        let case = connecting(&sandbox, "60").env("HTTPS_PROXY", format!("http://{proxy}"));
        let reason = "something other than TLS came through the proxy";
        let hint = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";
        fails(&sandbox, case, &proxy, reason, hint);
        assert_eq!(sandbox.connections(), 0);
    });
}
