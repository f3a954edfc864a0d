//! The proxies of the environment, chosen as the AWS CLI chooses them: the name in lower case before the one in
//! capitals. The HTTP client's own choice is the other way round.

use std::env;
use std::sync::OnceLock;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_types::base64;
use url::Url;

use super::environment;
use crate::secret::has_secret;
use crate::stop::Stop;

/// The names in lower case, first for `https`, then for `http`, then for both.
const NAMES: [(&str, &str); 3] = [
    ("https_proxy", "HTTPS_PROXY"),
    ("http_proxy", "HTTP_PROXY"),
    ("all_proxy", "ALL_PROXY"),
];

/// Checks the proxies of the environment. The HTTP client takes a proxy it cannot understand for none
/// and would send the request straight.
///
/// # Errors
///
/// A proxy that is not an HTTP proxy's URL. The value is not shown: it may hold a password.
pub(crate) fn check() -> Result<(), Stop> {
    for variable in NAMES.iter().flat_map(|(lower, upper)| [upper, lower]) {
        let Some(value) = environment::filled(variable)? else {
            continue;
        };
        let usable = Url::parse(&with_scheme(&value)).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| !host.is_empty())
        });
        // A host is looked up, and shown.
        let usable = usable && !value.rsplit('@').next().is_some_and(has_secret);
        if !usable {
            return Err(Stop::configuration(format!(
                "the environment variable {variable} is not the URL of an HTTP proxy"
            ))
            .hint(format!("set {variable} to http://HOST:PORT, or unset it")));
        }
    }
    Ok(())
}

/// The proxy for requests to a URI of this scheme, with what is to be asked straight.
pub(crate) fn config(uri: &str) -> ProxyConfig {
    let straight = either("no_proxy", "NO_PROXY").unwrap_or_default();
    if straight.split(',').any(|host| host.trim() == "*") {
        return ProxyConfig::disabled();
    }
    let chosen = if uri.starts_with("https:") {
        chosen("https").map(ProxyConfig::https)
    } else {
        chosen("http").map(ProxyConfig::http)
    };
    match chosen {
        Some(Ok(proxy)) => proxy.no_proxy(straight),
        // What is no URL was refused before.
        Some(Err(_)) | None => ProxyConfig::disabled(),
    }
}

/// The proxy that the environment names for HTTPS, as host and port alone.
pub(crate) fn shown() -> Option<String> {
    let url = Url::parse(&chosen("https")?).ok()?;
    let port = url
        .port_or_known_default()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

/// The passwords of the proxies, as they are, and with the name as a proxy is told them.
pub(super) fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let mut secrets = Vec::new();
        for scheme in ["https", "http"] {
            let Some(url) = chosen(scheme).and_then(|url| Url::parse(&url).ok()) else {
                continue;
            };
            let decoded = |text: &str| -> String {
                let form = text.replace('&', "%26").replace('+', "%2B");
                let mut pairs = url::form_urlencoded::parse(form.as_bytes());
                pairs
                    .next()
                    .map_or_else(String::new, |(name, value)| match &*value {
                        "" => name.into_owned(),
                        value => format!("{name}={value}"),
                    })
            };
            let (user, password) = (decoded(url.username()), url.password().map(decoded));
            let password = password.unwrap_or_default();
            if user.is_empty() && password.is_empty() {
                continue;
            }
            secrets.push(base64::encode(format!("{user}:{password}")));
            // A name alone is a token.
            secrets.push(if password.is_empty() { user } else { password });
        }
        secrets
    })
}

fn chosen(scheme: &str) -> Option<String> {
    let (lower, upper) = if scheme == "https" {
        NAMES[0]
    } else {
        NAMES[1]
    };
    // In a CGI program HTTP_PROXY is the client's `Proxy:` header.
    let is_cgi = scheme == "http" && env::var_os("REQUEST_METHOD").is_some();
    let value = match env::var(lower).ok() {
        None if is_cgi => None,
        None => environment::filled(upper).ok().flatten(),
        lower => lower,
    };
    value
        .or_else(|| either(NAMES[2].0, NAMES[2].1))
        .filter(|value| !value.is_empty())
        .map(|value| with_scheme(&value))
}

/// The variable in lower case, even if it is empty, and then the one in capitals.
fn either(lower: &'static str, upper: &'static str) -> Option<String> {
    env::var(lower).or_else(|_| env::var(upper)).ok()
}

fn with_scheme(value: &str) -> String {
    if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    }
}
