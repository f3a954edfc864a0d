//! Selects the proxy from the environment as the AWS CLI does, with the rules of Python: lowercase variables take precedence
//! over others. The HTTP client would select them in the opposite order.

use std::env;
use std::ffi::OsString;
use std::sync::OnceLock;

use super::environment;
use crate::error::RunError;

/// Checks the variables.
///
/// # Errors
///
/// One is not UTF-8.
pub(super) fn check() -> Result<(), RunError> {
    let schemes = ["https", "http", "all", "no"].into_iter();
    let mut names = schemes.flat_map(variables).map(|(name, _)| name);
    names.try_for_each(|name| environment::text(name).map(drop))
}

/// Returns the variable that sets the proxy for a scheme, and its value.
pub(super) fn of(scheme: &str) -> Option<(&'static str, &'static str)> {
    let set = setting(scheme).or_else(|| setting("all"));
    set.filter(|(_, value)| !value.is_empty())
}

/// Whether `NO_PROXY` contains a host. `host` may end with a port.
pub(super) fn needs_no_proxy(host: &str) -> bool {
    setting("no").is_some_and(|(_, hosts)| contains(hosts, host))
}

/// Returns the variable `SCHEME_PROXY` that counts, and its value.
fn setting(scheme: &str) -> Option<(&'static str, &'static str)> {
    // In a CGI program, HTTP_PROXY contains the client's `Proxy:` header.
    let is_cgi = scheme == "http" && env::var_os("REQUEST_METHOD").is_some();
    let set = variables(scheme).filter_map(|(name, value)| Some((name.as_str(), value.to_str()?)));
    effective(set, is_cgi)
}

/// Selects among variables whose names differ only in case. This is `getproxies_environment` of Python: the last one that
/// ends with `_proxy` counts, even if it is empty, and otherwise the last one that is not empty.
fn effective<'a>(
    variables: impl DoubleEndedIterator<Item = (&'a str, &'a str)> + Clone,
    is_cgi: bool,
) -> Option<(&'a str, &'a str)> {
    let lowercase = variables
        .clone()
        .rfind(|(name, _)| name.ends_with("_proxy"));
    let mut others = variables.filter(|(_, value)| !value.is_empty() && !is_cgi);
    lowercase.or_else(|| others.next_back())
}

/// Returns the variables `SCHEME_PROXY` in upper, lower or mixed case, in the order of the environment.
fn variables(
    scheme: &str,
) -> impl DoubleEndedIterator<Item = &'static (String, OsString)> + Clone + use<> {
    static ALL: OnceLock<Vec<(String, OsString)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let names = names.filter(|name| name.to_ascii_lowercase().ends_with("_proxy"));
        // If the environment has a name twice, the first value counts.
        let set = names.filter_map(|name| Some((env::var_os(&name)?, name)));
        set.map(|(value, name)| (name, value)).collect()
    });
    let wanted = format!("{scheme}_proxy");
    all.iter()
        .filter(move |(name, _)| name.eq_ignore_ascii_case(&wanted))
}

/// Whether the value of `NO_PROXY` contains a host. An entry with a port contains only a host with this port. This is
/// `proxy_bypass_environment` of Python: `*` must be the only entry, an entry also contains subdomains, and addresses are
/// compared as text.
fn contains(no_proxy: &str, host: &str) -> bool {
    if no_proxy == "*" {
        return true;
    }
    let host = host.to_ascii_lowercase();
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    no_proxy.split(',').map(str::trim).any(|entry| {
        let name = entry.trim_start_matches('.').to_ascii_lowercase();
        let is_inside = |host: &str| {
            let rest = host.strip_suffix(&name);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        !name.is_empty() && (is_inside(without_port) || is_inside(&host))
    })
}

#[cfg(test)]
mod tests {
    use super::{contains, effective};

    /// What `urllib.request.getproxies_environment` of Python returns.
    #[test]
    fn of_variables_that_differ_in_case_one_counts_as_in_the_aws_cli() {
        type Set = &'static [(&'static str, &'static str)];
        let cases: [(Set, Option<&str>, Option<&str>); 10] = [
            (&[], None, None),
            (&[("HTTP_PROXY", "a")], Some("a"), None),
            (&[("HTTP_PROXY", "")], None, None),
            (&[("Http_Proxy", "a"), ("HTTP_PROXY", "b")], Some("b"), None),
            (&[("HTTP_PROXY", "b"), ("Http_Proxy", "a")], Some("a"), None),
            (&[("HTTP_PROXY", "b"), ("Http_Proxy", "")], Some("b"), None),
            (
                &[("http_proxy", "a"), ("HTTP_PROXY", "b")],
                Some("a"),
                Some("a"),
            ),
            (
                &[("http_proxy", ""), ("HTTP_PROXY", "b")],
                Some(""),
                Some(""),
            ),
            (
                &[("Http_proxy", "a"), ("http_proxy", "b")],
                Some("b"),
                Some("b"),
            ),
            (
                &[("http_proxy", "b"), ("HTTP_proxy", "")],
                Some(""),
                Some(""),
            ),
        ];
        for (set, expected, in_cgi) in cases {
            let value = |is_cgi| effective(set.iter().copied(), is_cgi).map(|(_, value)| value);
            assert_eq!((value(false), value(true)), (expected, in_cgi), "{set:?}");
        }
    }

    /// What `urllib.request.proxy_bypass_environment` of Python returns.
    #[test]
    fn an_entry_of_no_proxy_matches_as_in_the_aws_cli() {
        for (no_proxy, host, expected) in [
            ("a.b:80", "a.b:80", true),
            ("a.b:80", "a.b", false),
            ("a.b:80", "a.b:8080", false),
            ("b:80", "a.b:80", true),
            ("a.b", "a.b:80", true),
            ("A.B", "x.a.b:1", true),
            ("b", "ab", false),
            (".a.b", "a.b", true),
            ("..b", "a.b", true),
            (" b , c", "a.b", true),
            ("c,,", "a.b", false),
            ("", "a.b", false),
            (".", "a.b", false),
            ("a.b.", "a.b", false),
            ("a.b:", "a.b:", true),
            ("*", "a.b", true),
            (" *", "a.b", false),
            ("*,c", "a.b", false),
            ("*.b", "a.b", false),
            ("1", "127.0.0.1", true),
            ("10.0.0.0/8", "10.1.2.3", false),
            ("::1", "[::1]:80", false),
            ("[::1]", "[::1]:80", true),
            ("[::1]:80", "[::1]:80", true),
            ("[::1]:80", "[::1]", false),
        ] {
            assert_eq!(contains(no_proxy, host), expected, "{no_proxy} {host}");
        }
    }
}
