//! What went wrong on the way to IAM, in words: why a request was not sent, or why its answer is no use.

use std::error::Error;
use std::io;

use super::proxy;
use super::tls;
use crate::error::{Received, TransportError};
use crate::sanitize::excerpt;

/// What to do about a response that is not the service's.
pub(super) const INTERCEPTED: &str = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";

/// Puts the failure of a call to `host` into words.
pub(crate) fn cause(error: &(dyn Error + 'static), host: &str) -> TransportError {
    let (what, mut hint) = words(error);
    // AWS's own hosts speak TLS.
    if hint.as_deref() == Some(tls::WITHOUT_TLS) && is_aws(host) {
        hint = Some(INTERCEPTED.to_owned());
    }
    let is_unexpected =
        io_kind(error) == Some(io::ErrorKind::FileTooLarge) || http_words(error).is_some();
    let host = match proxy::shown() {
        Some(proxy) if is_tunnel(error) => format!("{host} by way of the proxy {proxy}"),
        _ => host.to_owned(),
    };
    TransportError {
        host,
        what,
        hint,
        received: if is_unexpected {
            Received::UnexpectedResponse
        } else {
            Received::Nothing
        },
    }
}

fn is_aws(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or(host);
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    domains.iter().any(|domain| name.ends_with(domain))
}

/// Whether TLS itself failed: a certificate that is not trusted, or a server that does not speak TLS.
/// Trying again does not change it.
pub(crate) fn is_tls(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(<dyn Error>::is::<rustls::Error>)
}

fn words(error: &(dyn Error + 'static)) -> (String, Option<String>) {
    if let Some(tls) = tls::explain(error) {
        return (tls.0.to_owned(), tls.1.map(str::to_owned));
    }
    if let Some(what) = http_words(error) {
        return (what.to_owned(), None);
    }
    if let Some(tunnel) = tunnel_words(error) {
        return tunnel;
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => (
            "the connection was refused".to_owned(),
            Some("check that the address is right and that a firewall lets it through".to_owned()),
        ),
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted,
        ) => ("the connection was reset".to_owned(), None),
        Some(io::ErrorKind::UnexpectedEof) => (
            "the connection was closed before it was whole".to_owned(),
            None,
        ),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => (
            "there is no route to it".to_owned(),
            Some("check the network, and HTTPS_PROXY if this network needs one".to_owned()),
        ),
        _ if says(error, "dns error") || says(error, "failed to lookup") => (
            "its name could not be resolved".to_owned(),
            Some(
                "check the region and the endpoint URL, and that the name server answers"
                    .to_owned(),
            ),
        ),
        _ if says(error, "timed out") || says(error, "timeout") || says(error, "deadline") => (
            "it did not answer in time".to_owned(),
            Some("check the network, and HTTPS_PROXY if this network needs one".to_owned()),
        ),
        _ => (excerpt(&innermost(error)), None),
    }
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let errors = sources(error).filter_map(|source| source.downcast_ref::<io::Error>());
    errors.last().map(io::Error::kind)
}

fn tunnel_words(error: &(dyn Error + 'static)) -> Option<(String, Option<String>)> {
    if says(error, "proxy authorization required") {
        return Some((
            "the proxy asks for a user name and a password".to_owned(),
            Some("set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT".to_owned()),
        ));
    }
    is_tunnel(error).then(|| {
        let hint = "check HTTPS_PROXY; NO_PROXY names the hosts that need no proxy".to_owned();
        let what = if io_kind(error) == Some(io::ErrorKind::ConnectionRefused) {
            "the proxy refused the connection".to_owned()
        } else if says(error, "unsuccessful") {
            "the proxy did not let the connection through".to_owned()
        } else {
            "the proxy did not answer as a proxy does".to_owned()
        };
        (what, Some(hint))
    })
}

/// What is wrong with the HTTP that came back, where something is; the HTTP client has no types for it.
fn http_words(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let known = [
        ("invalid http version", "it does not speak HTTP"),
        ("invalid http status", "it does not speak HTTP"),
        (
            "message head is too large",
            "its response has too many headers",
        ),
        ("invalid http header", BROKEN_HTTP),
        ("invalid content-length", BROKEN_HTTP),
        ("transfer-encoding parsed", BROKEN_HTTP),
    ];
    let found = known.iter().find(|(words, _)| says(error, words));
    found.map(|(_, what)| *what)
}

const BROKEN_HTTP: &str = "its response breaks the rules of HTTP";

fn is_tunnel(error: &(dyn Error + 'static)) -> bool {
    says(error, "tunnel error")
}

fn says(error: &(dyn Error + 'static), words: &str) -> bool {
    sources(error).any(|source| source.to_string().to_ascii_lowercase().contains(words))
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    sources(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The error and what lies under it. An `io::Error` hides the error it was made of from `source()`.
pub(super) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
