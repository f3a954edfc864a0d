//! The proxies of the environment, chosen as the AWS CLI chooses them: the name in lower case before the one in
//! capitals. The HTTP client's own choice is the other way round.

use std::env;
use std::sync::OnceLock;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_types::base64;
use url::Url;

use super::environment;
use crate::error::RunError;
use crate::secret::has_secret;

/// Checks the proxy that requests to a URI go through. The HTTP client takes a proxy it cannot understand for none
/// and would send the request straight.
///
/// # Errors
///
/// A proxy that is not an HTTP proxy's URL. The value is not shown: it may hold a password.
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
    // The client's own parser accepts less: what it does not understand it would take for no proxy.
    let is_usable = ProxyConfig::http(proxy.as_str()).is_ok()
        && url.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
        // A host is looked up, and shown.
        && !value.rsplit('@').next().is_some_and(has_secret);
    if is_usable {
        return Ok(());
    }
    Err(RunError::configuration(format!(
        "the environment variable {variable} is not the URL of an HTTP proxy"
    ))
    .hint(format!("set {variable} to http://HOST:PORT, or unset it")))
}

/// The proxy for requests to a URI of this scheme, with what is to be asked straight.
pub(crate) fn config(uri: &str) -> ProxyConfig {
    let no_proxy = no_proxy();
    if no_proxy.split(',').any(|host| host.trim() == "*") {
        return ProxyConfig::disabled();
    }
    let proxy = match scheme_of(uri) {
        "https" => proxy_url("https").map(ProxyConfig::https),
        scheme => proxy_url(scheme).map(ProxyConfig::http),
    };
    match proxy {
        Some(Ok(proxy)) => proxy.no_proxy(no_proxy),
        // What is no URL was refused before.
        Some(Err(_)) | None => ProxyConfig::disabled(),
    }
}

/// The proxy that the environment names for HTTPS, as host and port alone.
pub(crate) fn host_and_port() -> Option<String> {
    let url = Url::parse(&proxy_url("https")?).ok()?;
    let host = url.host_str()?;
    Some(match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The passwords of the proxies: as they stand in the variable, as they are, and with the name as a proxy gets them.
pub(super) fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let urls = ["https", "http"]
            .iter()
            .filter_map(|scheme| proxy_url(scheme));
        urls.flat_map(|url| secrets_of(&url)).collect()
    })
}

/// The secrets of one proxy's URL.
fn secrets_of(proxy: &str) -> Vec<String> {
    let Ok(url) = Url::parse(proxy) else {
        return Vec::new();
    };
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return Vec::new();
    }
    // A name alone is a token.
    let secret = if password.is_empty() { user } else { password };
    let pair = [&decoded(user)[..], b":", &decoded(password)].concat();
    let in_base64 = base64::encode(&pair);
    let in_a_url = in_base64.trim_end_matches('=');
    vec![
        in_a_url.replace('+', "-").replace('/', "_"),
        in_base64,
        // With the name, a password is hidden even where it is too short to be distinguished from other words.
        String::from_utf8_lossy(&pair).into_owned(),
        String::from_utf8_lossy(&decoded(secret)).into_owned(),
        secret.to_owned(),
    ]
}

/// The bytes behind percent-encoding.
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

/// The byte that a text begins with in percent-encoding.
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

/// The URL of the proxy for a scheme.
fn proxy_url(scheme: &str) -> Option<String> {
    proxy_setting(scheme).map(|(_, value)| with_scheme(&value))
}

/// The proxy for a scheme, with the variable that names it. A variable in lower case counts even if it is empty.
fn proxy_setting(scheme: &str) -> Option<(&'static str, String)> {
    let (lower, upper) = match scheme {
        "https" => ("https_proxy", "HTTPS_PROXY"),
        _ => ("http_proxy", "HTTP_PROXY"),
    };
    // In a CGI program HTTP_PROXY is the client's `Proxy:` header.
    let is_cgi = scheme == "http" && env::var_os("REQUEST_METHOD").is_some();
    let set = |name| env::var(name).ok().map(|value| (name, value));
    let is_nonempty = |(_, value): &(_, String)| !value.is_empty();
    set(lower)
        .or_else(|| set(upper).filter(|proxy_setting| !is_cgi && is_nonempty(proxy_setting)))
        .or_else(|| set("all_proxy"))
        .or_else(|| set("ALL_PROXY"))
        .filter(is_nonempty)
}

/// The hosts that need no proxy.
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
