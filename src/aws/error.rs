//! Converts failed calls to errors: the service's error, a request that was not sent, or a missing or unusable
//! response.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use super::attempt::{Attempt, Attempts};
use super::clock::clock_skew_times;
use super::late::Late;
use super::proxy::{ProxyError, THROUGH_PROXY};
use super::response_body::Response;
use super::root_certs::OnlyBundle;
use super::tls;
use crate::error::{
    CallError, Context, Hint, Operation, RAISE_TIMEOUT, ServiceError, TransportError,
    file_limit_hint,
};
use crate::sanitize::truncate_escaped;

/// Creates an error for an unusable response to a read. `reason` is a clause.
pub(super) fn incomplete_response(attempts: &Attempts, reason: impl Into<String>) -> CallError {
    let attempt = attempts.last();
    if let Some(attempt) = &attempt {
        attempt.retire_connection();
    }
    let host = attempt.map(|attempt| attempt.host).unwrap_or_default();
    CallError::Incomplete(TransportError::new(host, reason))
}

/// Converts the error of a call that changes nothing. An unexpected response, or one that the SDK cannot parse, then
/// leaves no key in an unknown state.
pub(super) fn read_error(attempts: &Attempts, error: &(dyn Error + 'static)) -> CallError {
    match output_error(attempts, error) {
        CallError::NoResponse(error) if error.has_unexpected_response => CallError::NotSent(error),
        failure => failure,
    }
}

/// Converts the error of a call that returns data, which the SDK may not be able to parse.
pub(super) fn output_error(attempts: &Attempts, error: &(dyn Error + 'static)) -> CallError {
    if attempts.last().is_some_and(|last| last.is_success()) {
        return incomplete_response(attempts, unreadable_value(error));
    }
    call_error(attempts, Some(error))
}

/// Describes the value that the SDK could not parse in a complete document. Only the text of the error names its type.
fn unreadable_value(error: &(dyn Error + 'static)) -> &'static str {
    let is_of_type = |name: &str| sources(error).any(|source| source.to_string().contains(name));
    if is_of_type("(timestamp: ") {
        "it has an invalid date"
    } else if is_of_type("(boolean: ") {
        "it has a value that is neither true nor false"
    } else if is_of_type("(blob: ") {
        "its content is not base64"
    } else {
        "it has an invalid value"
    }
}

/// Converts the error of a call: IAM's error, a request that was not sent, or no usable response.
pub(super) fn call_error(attempts: &Attempts, error: Option<&(dyn Error + 'static)>) -> CallError {
    let (operation, last) = (attempts.operation, attempts.last());
    let Some(last) = last else {
        return CallError::NotSent(
            error.map_or_else(TransportError::default, |error| transport_error(error, "")),
        );
    };
    let mut error = match error {
        Some(error) => transport_error(error, &last.host),
        None => attempts
            .last_failure()
            .unwrap_or_else(|| TransportError::new(&last.host, "the response is not from IAM")),
    };
    error.is_own_key = attempts.ended_at_own_key();
    if !error.is_own_key {
        if let Some(error) = service_error(operation, &last) {
            return CallError::Service(error);
        }
        if let Some(Response::Unexpected(reason)) = &last.response {
            reason.clone_into(&mut error.reason);
            error.has_unexpected_response = true;
        }
    }
    let returned = |attempt| service_error(operation, attempt).map(Box::new);
    error.before = attempts.lock().iter().rev().find_map(returned);
    if error.has_unexpected_response {
        error.hint = Some(if error.reason.ends_with(EXPECTS_TLS) {
            HTTPS_URL.into()
        } else {
            unexpected_hint(last.metadata.status)
        });
    }
    if attempts.may_have_acted() {
        CallError::NoResponse(error)
    } else {
        CallError::NotSent(error)
    }
}

/// Returns the hint for a service that is busy or fails, whatever it was asked for.
pub(super) fn busy_hint(status: u16) -> Option<Hint> {
    match status {
        429 => Some(Hint::again("it limits requests: wait a moment, and ")),
        500..=599 => Some(Hint::again("wait a minute, and ")),
        _ => None,
    }
}

/// Returns the hint for a response with this status that is not from the service.
pub(super) fn unexpected_hint(status: u16) -> Hint {
    match status {
        429 => Hint::again(
            "the server, or a proxy in front of it, limits requests: wait a moment, and ",
        ),
        // Captive portals that require a sign-in use status 511.
        500..=510 => {
            Hint::again("the server, or a proxy in front of it, failed: wait a minute, and ")
        }
        _ => INTERCEPTED.into(),
    }
}

/// Returns the error that IAM returned to an attempt.
fn service_error(operation: Operation, attempt: &Attempt) -> Option<ServiceError> {
    let Some(Response::Error { code, message, .. }) = &attempt.response else {
        return None;
    };
    Some(ServiceError {
        operation,
        code: code.clone(),
        message: message.clone().unwrap_or_default(),
        status: attempt.metadata.status,
        request_id: attempt.metadata.request_id.clone(),
        context: Box::new(Context {
            clocks: clock_skew_times(attempt),
            region: attempt.region.clone(),
            credentials: attempt.credentials,
            ..Context::default()
        }),
    })
}

/// Creates the error of a call that was canceled: IAM's last error, why the last attempt failed, or how far the request got.
/// `limit` is that of the whole key. The call had only a part of it: reads came first, and some time is kept to verify the key. So the error
/// says how long the call took.
pub(crate) fn timed_out(attempts: &Attempts, limit: Duration) -> CallError {
    let mut failure = call_error(attempts, None);
    if let CallError::NotSent(error) | CallError::NoResponse(error) = &mut failure
        && !error.has_unexpected_response
    {
        let ((waited, began), seconds) = (attempts.time_without_response(), limit.as_secs());
        if attempts.last_failure().is_some() {
            error.reason = format!("{}; --timeout is {seconds} s", error.reason);
            return failure;
        }
        let (what, hint) = if began {
            (UNFINISHED, RAISE_TIMEOUT)
        } else if attempts.was_sent() {
            (SILENT, RAISE_TIMEOUT)
        } else if !attempts.awaits_name() {
            (SILENT, network(&error.host))
        } else if error.host.contains(THROUGH_PROXY) {
            ("the proxy's name could not be resolved", CHECK_DNS)
        } else {
            (UNRESOLVED, CHECK_DNS)
        };
        error.hint.get_or_insert_with(|| hint.into());
        let tenths = waited.as_millis() / 100;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        error.reason = format!("{what} within {whole}.{tenth} s; --timeout is {seconds} s");
        if tenths == 0 && !attempts.was_sent() {
            let what = "no time was left for the request";
            failure = CallError::NotSent(TransportError::out_of_time(what, limit));
        }
    }
    failure
}

/// The hint for a response that is not from the service.
pub(super) const INTERCEPTED: &str = "a proxy or captive portal may be intercepting the connection: check the endpoint URL and the proxy";

pub(super) const NETWORK: &str = "check the network, and the proxy if this network needs one";

/// The hint if a name server does not respond in time.
pub(super) const CHECK_DNS: &str = "check the network, and that DNS works";

/// Returns the hint if nothing responds on the way to a host, of which `place` says whether it is reached through a proxy.
pub(super) fn network(place: &str) -> &'static str {
    if place.contains(THROUGH_PROXY) {
        "check the network and this proxy; NO_PROXY names the hosts that need no proxy"
    } else {
        NETWORK
    }
}

/// The hint for a response that does not arrive in time on an open connection.
pub(super) const RAISE_READ_TIMEOUT: &str = "if the service is just slow, raise --cli-read-timeout";

/// The starts of the reasons for a time limit.
pub(super) const SILENT: &str = "it did not respond";
pub(super) const UNFINISHED: &str = "its response began but did not end";
pub(super) const UNRESOLVED: &str = "its name could not be resolved";

const CLOSED: &str = "the connection was closed too early";

/// The text of our error for a server that expects TLS on a connection without it.
pub(super) const SPEAKS_TLS: &str = "it speaks TLS";

/// The end of the reason if a response without TLS says this.
pub(super) const EXPECTS_TLS: &str = "this port expects HTTPS";

const HTTPS_URL: &str = "use https:// in the URL of this endpoint";

pub(super) const NO_ROUTE: &str = "there is no route to the host";

/// The texts of the HTTP client's errors for invalid HTTP, which have no types, and our descriptions.
const BROKEN_HTTP: [(&str, &str); 9] = [
    ("invalid http version", "it does not speak HTTP"),
    ("invalid http status", BREAKS_RULES),
    (
        "message head is too large",
        "its response has a head or a length that is too large",
    ),
    ("invalid http header parsed", BREAKS_RULES),
    ("invalid content-length", BREAKS_RULES),
    ("transfer-encoding parsed", BREAKS_RULES),
    ("invalid chunk", BREAKS_RULES),
    ("chunk extensions", BREAKS_RULES),
    ("chunk trailers", BREAKS_RULES),
];

const BREAKS_RULES: &str = "its response is not valid HTTP";

/// Describes the error of a call to `host`.
pub(crate) fn transport_error(error: &(dyn Error + 'static), host: &str) -> TransportError {
    let of_proxy = sources(error).find_map(<dyn Error>::downcast_ref::<ProxyError>);
    if let Some(proxy) = of_proxy {
        let (reason, hint) = proxy.describe();
        return TransportError {
            hint: Some(OnlyBundle::hint(error, hint.into())),
            ..TransportError::new(host, reason)
        };
    }
    let (reason, hint, is_broken) = failure(error);
    let mut hint = hint.map(|hint| OnlyBundle::hint(error, hint));
    if is_aws(host)
        && let Some(of_aws) = hint.as_ref().and_then(tls::hint_of_aws)
    {
        hint = Some(of_aws.into());
    }
    if hint == Some(NETWORK.into()) {
        hint = Some(network(host).into());
    }
    TransportError {
        hint,
        has_unexpected_response: is_broken,
        ..TransportError::new(host, reason)
    }
}

/// Describes why a request failed, with a hint, and returns whether there is a response that breaks the rules.
pub(super) fn failure(error: &(dyn Error + 'static)) -> (String, Option<Hint>, bool) {
    let all: Vec<String> = sources(error).map(ToString::to_string).collect();
    let lower = all.join("\n").to_ascii_lowercase();
    let says = |words: &str| lower.contains(words);
    let errors = sources(error).filter_map(|source| source.downcast_ref::<io::Error>());
    let kind = errors.last().map(io::Error::kind);
    let is_too_long = kind == Some(ErrorKind::FileTooLarge);
    let broken = BROKEN_HTTP.iter().find(|(words, _)| says(words));
    let (reason, hint) = if let Some((reason, hint)) = tls::explain(error) {
        (reason, hint.map(Hint::from))
    } else if let Some((_, reason)) = broken {
        ((*reason).to_owned(), None)
    } else if let Some(late) = sources(error).find_map(<dyn Error>::downcast_ref::<Late>) {
        (late.to_string(), Some(late.hint().into()))
    } else if let Some((reason, hint)) = connection(kind, says) {
        (reason.to_owned(), hint.map(Hint::from))
    } else {
        let innermost = all.last().map(|text| truncate_escaped(text));
        let hint = file_limit_hint(&lower).map(Hint::from);
        (innermost.unwrap_or_default(), hint)
    };
    (reason, hint, broken.is_some() || is_too_long)
}

/// Describes a failed connection, with a hint.
fn connection(
    kind: Option<ErrorKind>,
    says: impl Fn(&str) -> bool,
) -> Option<(&'static str, Option<&'static str>)> {
    use ErrorKind as Kind;
    let is_unresolved = says("dns error") || says("failed to lookup");
    Some(match kind {
        Some(Kind::ConnectionRefused) => (
            "the connection was refused",
            Some("check that the address is right and that no firewall blocks it"),
        ),
        Some(Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted) => {
            ("the connection was reset", None)
        }
        Some(Kind::UnexpectedEof) => (CLOSED, None),
        _ if says("connection closed before message completed") => (CLOSED, None),
        Some(Kind::NetworkUnreachable | Kind::HostUnreachable) => (NO_ROUTE, Some(NETWORK)),
        _ if says("it speaks tls") => (SPEAKS_TLS, Some(HTTPS_URL)),
        _ if is_unresolved => (
            UNRESOLVED,
            Some("check the region and the endpoint URL, and that DNS works"),
        ),
        // The connection and the start of the response have limits of their own.
        _ if says("attempt timeout") => (
            "its response began but did not end in time",
            Some(RAISE_READ_TIMEOUT),
        ),
        _ if says("timed out") || says("timeout") || says("deadline") => {
            ("it did not respond in time", Some(NETWORK))
        }
        _ => return None,
    })
}

fn is_aws(host: &str) -> bool {
    let name = host.split([':', ' ']).next().unwrap_or(host);
    let domains = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".amazonaws.eu",
        ".api.aws",
        ".aws.amazon.com",
    ];
    domains.iter().any(|domain| name.ends_with(domain))
}

/// Whether TLS failed: the certificate is not trusted, or the server does not use TLS. A retry cannot succeed.
pub(super) fn is_tls(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(<dyn Error>::is::<rustls::Error>)
}

/// Returns the error and all its causes. `source()` of an `io::Error` skips the error that it wraps.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_cannot_be_created_has_no_response() {
        for (text, has_response) in [
            ("AwsUserAgent generated an invalid HTTP header value", false),
            ("invalid HTTP header parsed", true),
        ] {
            let error = transport_error(&io::Error::other(text), "iam.amazonaws.com");
            assert_eq!(error.has_unexpected_response, has_response, "{text}");
        }
    }

    #[test]
    fn hosts_of_aws() {
        for (host, expected) in [
            ("iam.amazonaws.com", true),
            ("iam.amazonaws.com:443 through the proxy localhost:1", true),
            ("iam.cn-north-1.amazonaws.com.cn", true),
            ("iam.eusc-de-east-1.amazonaws.eu", true),
            ("iam.global.api.aws", true),
            ("us-east-1.signin.aws.amazon.com", true),
            ("localhost:1 through the proxy iam.amazonaws.com", false),
            ("iam.amazonaws.com.example", false),
            ("xamazonaws.com", false),
            ("127.0.0.1:443", false),
        ] {
            assert_eq!(is_aws(host), expected, "{host}");
        }
    }

    #[test]
    fn too_few_files_have_a_hint() {
        let error = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        let error = transport_error(&error, "iam.amazonaws.com");
        assert!(error.reason.starts_with("Too many open files"), "{error:?}");
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.to_string().contains("ulimit -n 1024"))
        );
    }
}
