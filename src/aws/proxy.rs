//! The proxy of a request, its secrets, and why it opened no connection.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, OnceLock};

use aws_smithy_types::base64;
use hyper::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
use hyper::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use url::Url;

use super::connector::BoxError;
use super::endpoint::host_and_port;
use super::error::{CHECK_DNS, INTERCEPTED, NO_ROUTE, failure, sources};
use super::late::Late;
use super::login::base64_url;
use super::proxy_variable;
use super::tls;
use crate::error::{RunError, file_limit_hint};
use crate::secret::has_secret;

/// The proxy of requests to one host.
#[derive(Debug)]
pub(super) struct Proxy {
    /// The environment variable that sets it.
    variable: &'static str,
    /// Without user name and password.
    pub(super) uri: Uri,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Parses the value of a variable. `None`: it is not the URL of an HTTP proxy.
    fn parse(variable: &'static str, value: &str) -> Option<Self> {
        let proxy = with_scheme(value);
        // Parsers disagree on the characters of a host; both must accept it.
        let _: &str = proxy.parse::<Uri>().ok()?.host()?;
        let url = Url::parse(&proxy).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let after_host = &url[url::Position::BeforePath..];
        let is_usable = matches!(url.scheme(), "http" | "https")
            // The host is used in a DNS query and in messages.
            && !value.rsplit('@').next().is_some_and(has_secret)
            // In `http://me:1/2@host`, the password is not encoded, and a part of it would be the host.
            && !after_host.contains('@');
        let port = url.port_or_known_default()?;
        let uri = format!("{}://{host}:{port}/", url.scheme()).parse();
        let authorization = credentials(&url).map(|pair| {
            let value = format!("Basic {}", base64::encode(pair));
            let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
            value.set_sensitive(true);
            value
        });
        Some(Self {
            variable,
            uri: uri.ok().filter(|_| is_usable)?,
            authorization,
        })
    }
}

/// The host and port.
impl Display for Proxy {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(host_and_port(&self.uri.to_string()))
    }
}

/// Why a proxy opened no connection.
#[derive(Debug)]
pub(super) struct ProxyError {
    pub(super) proxy: Arc<Proxy>,
    pub(super) cause: ProxyCause,
}

#[derive(Debug)]
pub(super) enum ProxyCause {
    /// It was not reached, or did not respond as a proxy does.
    Failed(BoxError),
    /// It responded with another status than 200.
    Refused(StatusCode, HeaderMap),
    /// It opened the connection, and then it or the host sent something other than TLS.
    NotTls(BoxError),
}

impl ProxyError {
    /// Describes why a proxy opened no connection, with a hint.
    pub(super) fn describe(&self) -> (String, String) {
        let cause = match &self.cause {
            ProxyCause::Refused(status, headers) => return self.explain(*status, headers),
            ProxyCause::NotTls(_) => {
                let reason = "something other than TLS came through the proxy";
                return (reason.to_owned(), INTERCEPTED.to_owned());
            }
            ProxyCause::Failed(cause) => cause,
        };
        let (reason, own_hint, _) = failure(&**cause);
        let hint = match tls::explain(&**cause) {
            _ if tls::is_not_tls(&**cause) => Some("a proxy without TLS has an http:// URL"),
            Some((_, hint)) => {
                let of_host = [INTERCEPTED, tls::UNVERIFIED, tls::WITHOUT_CERTIFICATE];
                hint.filter(|hint| !of_host.contains(hint))
            }
            None if own_hint == Some(CHECK_DNS.into()) => Some(CHECK_DNS),
            None => file_limit_hint(&reason),
        };
        let subjects = [
            ("its ", "the proxy's "),
            ("it ", "the proxy "),
            ("the connection ", "the connection to the proxy "),
            (NO_ROUTE, "there is no route to the proxy"),
        ];
        let reworded = subjects.iter().find_map(|(word, subject)| {
            let rest = reason.strip_prefix(word)?;
            Some(format!("{subject}{rest}"))
        });
        let reason =
            reworded.unwrap_or_else(|| format!("the connection to the proxy failed: {reason}"));
        let mut hint = hint.map_or_else(|| self.hint(), str::to_owned);
        if sources(&**cause).any(<dyn Error>::is::<Late>) {
            hint.push_str("; --cli-connect-timeout sets how long to wait for it");
        }
        (reason, hint)
    }

    /// Returns the hint for everything that may be wrong with a proxy.
    fn hint(&self) -> String {
        let variable = self.proxy.variable;
        format!("check {variable}; NO_PROXY names the hosts that need no proxy")
    }

    /// Describes a refusal, with a hint.
    fn explain(&self, status: StatusCode, headers: &HeaderMap) -> (String, String) {
        let Proxy {
            variable,
            uri,
            authorization,
        } = &*self.proxy;
        if status != StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let status = status.as_u16();
            let reason = format!("the proxy opened no connection: HTTP status {status}");
            return (reason, self.hint());
        }
        let mut methods = headers.get_all(PROXY_AUTHENTICATE).iter().peekable();
        let is_basic = |method: &HeaderValue| {
            let method = String::from_utf8_lossy(method.as_bytes()).to_ascii_lowercase();
            method
                .split(',')
                .any(|part| part.trim_start().starts_with("basic"))
        };
        if methods.peek().is_some() && !methods.any(is_basic) {
            let reason = "the proxy asks for a kind of authentication that is not supported";
            let hint = "use a proxy with Basic authentication; NO_PROXY names the hosts that need no proxy";
            return (reason.to_owned(), hint.to_owned());
        }
        match authorization {
            Some(_) => (
                "the proxy refused the credentials".to_owned(),
                format!("check the user name, and the password if it needs one, in {variable}"),
            ),
            None => (
                "the proxy asks for a user name and a password".to_owned(),
                format!(
                    "set {variable} to {}://USER:PASSWORD@HOST:PORT",
                    uri.scheme_str().unwrap_or("http")
                ),
            ),
        }
    }
}

impl Display for ProxyError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "the proxy {} opened no connection", self.proxy)
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            ProxyCause::Failed(error) | ProxyCause::NotTls(error) => Some(&**error),
            ProxyCause::Refused(..) => None,
        }
    }
}

/// Returns the proxy for a URI. `None`: it needs none.
///
/// # Errors
///
/// The value is not the URL of an HTTP proxy. It is not shown because it may contain a password.
pub(super) fn of(uri: &str) -> Result<Option<Proxy>, RunError> {
    let scheme = if uri.starts_with("https:") {
        "https"
    } else {
        "http"
    };
    let Some((variable, value)) = proxy_variable::of(scheme) else {
        return Ok(None);
    };
    if proxy_variable::needs_no_proxy(host_and_port(uri)) {
        return Ok(None);
    }
    let proxy = Proxy::parse(variable, value).ok_or_else(|| {
        let hint = if value.contains('@') {
            format!(
                "set {variable} to http://USER:PASSWORD@HOST:PORT; in the user name and the password, write special \
                 characters as percent escapes, for example # as %23"
            )
        } else {
            format!("set {variable} to http://HOST:PORT, or unset it")
        };
        RunError::configuration(format!(
            "the environment variable {variable} is not the URL of an HTTP proxy"
        ))
        .hint(hint)
    });
    proxy.map(Some)
}

/// Checks the proxy for a URI.
///
/// # Errors
///
/// See `of`. Or a variable is not Unicode.
pub(crate) fn check(uri: &str) -> Result<(), RunError> {
    proxy_variable::check()?;
    of(uri).map(drop)
}

/// What is between a host and its proxy in messages.
pub(super) const THROUGH_PROXY: &str = " through the proxy ";

/// Returns the host and port of a URI, with those of its proxy, for messages.
pub(super) fn place(uri: &str) -> String {
    let host = host_and_port(uri);
    match of(uri) {
        Ok(Some(proxy)) => format!("{host}{THROUGH_PROXY}{proxy}"),
        _ => host.to_owned(),
    }
}

/// Returns the user name and the password of a proxy as it gets them, decoded. `None`: it has neither.
fn credentials(url: &Url) -> Option<Vec<u8>> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let pair = || [&decoded(user)[..], b":", &decoded(password)].concat();
    (!user.is_empty() || !password.is_empty()).then(pair)
}

/// Returns the passwords of the proxies: as written in the variable, decoded, and combined with the user name as sent
/// to the proxy.
pub(super) fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let settings = ["https", "http"].into_iter().filter_map(proxy_variable::of);
        let urls = settings.map(|(_, value)| with_scheme(value));
        urls.flat_map(|url| secrets_of(&url)).collect()
    })
}

/// Returns the secrets in the URL of one proxy.
fn secrets_of(proxy: &str) -> Vec<String> {
    let Ok(url) = Url::parse(proxy) else {
        return Vec::new();
    };
    let Some(pair) = credentials(&url) else {
        return Vec::new();
    };
    // A user name without a password is a token.
    let secret = url.password().filter(|password| !password.is_empty());
    let secret = secret.unwrap_or(url.username());
    vec![
        base64_url(&pair),
        base64::encode(&pair),
        // Combined with the user name, even a password that is too short to search for can be redacted.
        String::from_utf8_lossy(&pair).into_owned(),
        String::from_utf8_lossy(&decoded(secret)).into_owned(),
        secret.to_owned(),
    ]
}

/// Decodes percent-encoding.
fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

fn with_scheme(value: &str) -> String {
    if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::secrets_of;

    #[test]
    fn a_proxys_secrets_are_its_password_and_the_pair() {
        let secrets = secrets_of("http://m%65:p%40%3F%fe@host:3128/");
        assert_eq!(
            secrets,
            [
                "bWU6cEA__g",
                "bWU6cEA//g==",
                "me:p@?\u{fffd}",
                "p@?\u{fffd}",
                "p%40%3F%fe"
            ]
        );
        let token = secrets_of("http://t%2Fken@host");
        assert!(token.contains(&"t/ken".to_owned()) && token.contains(&"t%2Fken".to_owned()));
        for url in ["http://host:3128", "http://@host", "not a URL"] {
            assert!(secrets_of(url).is_empty(), "{url}");
        }
    }
}
