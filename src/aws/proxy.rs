//! Selects the proxy from the environment as the AWS CLI does: lowercase variables take precedence over uppercase
//! ones. The HTTP client would select them in the opposite order.

use std::env;
use std::sync::OnceLock;

use aws_smithy_types::base64;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::environment;
use crate::error::RunError;
use crate::secret::has_secret;

/// Checks the proxy for a URI. The HTTP client ignores an invalid proxy and would connect directly.
///
/// # Errors
///
/// The value is not the URL of an HTTP proxy. It is not shown because it may contain a password.
pub(crate) fn check(uri: &str) -> Result<(), RunError> {
    for variable in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        environment::text(variable)?;
        environment::text(&variable.to_lowercase())?;
    }
    let host = Url::parse(uri).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let is_direct = no_proxy().split(',').map(str::trim).any(|entry| {
        let suffix = entry.trim_start_matches('.');
        let inner = host.strip_suffix(suffix);
        entry == "*"
            || (!suffix.is_empty()
                && inner.is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    });
    let Some((variable, value)) = proxy_setting(scheme_of(uri)).filter(|_| !is_direct) else {
        return Ok(());
    };
    let proxy = with_scheme(&value);
    let url = Url::parse(&proxy).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    // The HTTP client's parser accepts fewer URLs, and ignores the proxy if it rejects one.
    let is_usable = proxy.parse::<Uri>().is_ok_and(|uri| uri.host().is_some())
        && url.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
        // The host is used in a DNS query and in messages.
        && !value.rsplit('@').next().is_some_and(has_secret);
    if is_usable {
        return Ok(());
    }
    Err(RunError::configuration(format!(
        "the environment variable {variable} is not the URL of an HTTP proxy"
    ))
    .hint(format!("set {variable} to http://HOST:PORT, or unset it")))
}

/// Returns the proxy for the scheme of a URI, with the hosts to connect to directly.
pub(super) fn matcher(uri: &str) -> Matcher {
    let no_proxy = no_proxy();
    let proxy = match scheme_of(uri) {
        _ if no_proxy.split(',').any(|host| host.trim() == "*") => Matcher::builder(),
        "https" => Matcher::builder().https(proxy_url("https").unwrap_or_default()),
        scheme => Matcher::builder().http(proxy_url(scheme).unwrap_or_default()),
    };
    proxy.no(no_proxy).build()
}

/// Returns the host and port of the proxy for HTTPS.
pub(crate) fn host_and_port() -> Option<String> {
    let url = Url::parse(&proxy_url("https")?).ok()?;
    let host = url.host_str()?;
    Some(match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Returns the passwords of the proxies: as written in the variable, decoded, and combined with the user name as sent
/// to the proxy.
pub(super) fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let urls = ["https", "http"]
            .iter()
            .filter_map(|scheme| proxy_url(scheme));
        urls.flat_map(|url| secrets_of(&url)).collect()
    })
}

/// Returns the secrets in the URL of one proxy.
fn secrets_of(proxy: &str) -> Vec<String> {
    let Ok(url) = Url::parse(proxy) else {
        return Vec::new();
    };
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return Vec::new();
    }
    // A user name without a password is a token.
    let secret = if password.is_empty() { user } else { password };
    let pair = [&decoded(user)[..], b":", &decoded(password)].concat();
    let in_base64 = base64::encode(&pair);
    let in_a_url = in_base64.trim_end_matches('=');
    vec![
        in_a_url.replace('+', "-").replace('/', "_"),
        in_base64,
        // Combined with the user name, even a password that is too short to search for can be redacted.
        String::from_utf8_lossy(&pair).into_owned(),
        String::from_utf8_lossy(&decoded(secret)).into_owned(),
        secret.to_owned(),
    ]
}

/// Decodes percent-encoding.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let value = percent_decoded(rest);
        bytes.push(value.unwrap_or(byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    bytes
}

/// Decodes the percent-encoded byte at the start of a text.
fn percent_decoded(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

fn scheme_of(uri: &str) -> &'static str {
    if uri.starts_with("https:") {
        "https"
    } else {
        "http"
    }
}

/// Returns the URL of the proxy for a scheme.
fn proxy_url(scheme: &str) -> Option<String> {
    proxy_setting(scheme).map(|(_, value)| with_scheme(&value))
}

/// Returns the variable that sets the proxy for a scheme, and its value. A lowercase variable counts even if it is
/// empty.
fn proxy_setting(scheme: &str) -> Option<(&'static str, String)> {
    let (lower, upper) = match scheme {
        "https" => ("https_proxy", "HTTPS_PROXY"),
        _ => ("http_proxy", "HTTP_PROXY"),
    };
    // In a CGI program, HTTP_PROXY contains the client's `Proxy:` header.
    let is_cgi = scheme == "http" && env::var_os("REQUEST_METHOD").is_some();
    let set = |name| env::var(name).ok().map(|value| (name, value));
    let is_nonempty = |(_, value): &(_, String)| !value.is_empty();
    set(lower)
        .or_else(|| set(upper).filter(|proxy_setting| !is_cgi && is_nonempty(proxy_setting)))
        .or_else(|| set("all_proxy"))
        .or_else(|| set("ALL_PROXY"))
        .filter(is_nonempty)
}

/// Returns the hosts that need no proxy.
fn no_proxy() -> String {
    let hosts = env::var("no_proxy").or_else(|_| env::var("NO_PROXY"));
    hosts.unwrap_or_default()
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
