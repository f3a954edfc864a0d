//! What went wrong on the way to IAM, in words: why a request was not sent, or why its answer is no use.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::proxy;
use super::tls;
use crate::error::{Received, TransportError};
use crate::sanitize::excerpt;

/// What to do about a response that is not the service's.
pub(super) const INTERCEPTED: &str = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";

const NETWORK: &str = "check the network, and HTTPS_PROXY if this network needs one";

/// What the HTTP client, which has no types for it, says of HTTP that is broken, and what we say.
const BROKEN_HTTP: [(&str, &str); 6] = [
    ("invalid http version", "it does not speak HTTP"),
    ("invalid http status", "it does not speak HTTP"),
    (
        "message head is too large",
        "its response has too many headers",
    ),
    ("invalid http header", BREAKS_RULES),
    ("invalid content-length", BREAKS_RULES),
    ("transfer-encoding parsed", BREAKS_RULES),
];

const BREAKS_RULES: &str = "its response breaks the rules of HTTP";

/// Puts the failure of a call to `host` into words.
pub(crate) fn cause(error: &(dyn Error + 'static), host: &str) -> TransportError {
    let all: Vec<String> = sources(error).map(ToString::to_string).collect();
    let lower = all.join("\n").to_ascii_lowercase();
    let says = |words: &str| lower.contains(words);
    let errors = sources(error).filter_map(|source| source.downcast_ref::<io::Error>());
    let kind = errors.last().map(io::Error::kind);
    let broken = BROKEN_HTTP.iter().find(|(words, _)| says(words));
    let is_tunnel = says("tunnel error");
    let (what, mut hint) = if let Some(words) = tls::explain(error) {
        words
    } else if let Some((_, what)) = broken {
        ((*what).to_owned(), None)
    } else if says("proxy authorization required") {
        let hint = "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT";
        let what = "the proxy asks for a user name and a password";
        (what.to_owned(), Some(hint))
    } else if is_tunnel {
        let what = match kind {
            Some(ErrorKind::ConnectionRefused) => "the proxy refused the connection",
            _ if says("unsuccessful") => "the proxy did not let the connection through",
            _ => "the proxy did not answer as a proxy does",
        };
        let hint = "check HTTPS_PROXY; NO_PROXY names the hosts that need no proxy";
        (what.to_owned(), Some(hint))
    } else if let Some((what, hint)) = connection(kind, says) {
        (what.to_owned(), hint)
    } else {
        let innermost = all.last().map(|text| excerpt(text));
        (innermost.unwrap_or_default(), None)
    };
    // AWS's own hosts speak TLS.
    if hint == Some(tls::WITHOUT_TLS) && is_aws(host) {
        hint = Some(INTERCEPTED);
    }
    TransportError {
        host: match proxy::shown() {
            Some(proxy) if is_tunnel => format!("{host} by way of the proxy {proxy}"),
            _ => host.to_owned(),
        },
        what,
        hint: hint.map(str::to_owned),
        received: if broken.is_some() || kind == Some(ErrorKind::FileTooLarge) {
            Received::UnexpectedResponse
        } else {
            Received::Nothing
        },
    }
}

/// What is wrong with a connection, and what to do about it.
fn connection(
    kind: Option<ErrorKind>,
    says: impl Fn(&str) -> bool,
) -> Option<(&'static str, Option<&'static str>)> {
    use ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkUnreachable, UnexpectedEof,
    };
    Some(match kind {
        Some(ConnectionRefused) => (
            "the connection was refused",
            Some("check that the address is right and that a firewall lets it through"),
        ),
        Some(ConnectionReset | BrokenPipe | ConnectionAborted) => {
            ("the connection was reset", None)
        }
        Some(UnexpectedEof) => ("the connection was closed before it was whole", None),
        Some(NetworkUnreachable | HostUnreachable) => ("there is no route to it", Some(NETWORK)),
        _ if says("dns error") || says("failed to lookup") => (
            "its name could not be resolved",
            Some("check the region and the endpoint URL, and that the name server answers"),
        ),
        _ if says("timed out") || says("timeout") || says("deadline") => {
            ("it did not answer in time", Some(NETWORK))
        }
        _ => return None,
    })
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
