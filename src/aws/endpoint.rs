//! Selects the endpoints of services if the user configured any.

use std::net::IpAddr;

use url::Url;

use super::setting::Setting;
use super::settings::Settings;
use crate::error::RunError;
use crate::lock::lock;
use crate::secret::has_secret;

/// AWS's own IAM hosts, and their signing regions.
const REGIONS: [(&str, &str); 7] = [
    ("iam.amazonaws.com", "us-east-1"),
    ("iam-fips.amazonaws.com", "us-east-1"),
    ("iam.global.api.aws", "us-east-1"),
    ("iam-fips.global.api.aws", "us-east-1"),
    (".iam.us-east-1.vpce.amazonaws.com", "us-east-1"),
    ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
    ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
];

/// Selects a service's endpoint: the option, or else what the environment and the profile configure for the service or
/// for all services. `None`: AWS's own endpoint. `service` is the name in a `services` section of the configuration
/// file.
///
/// # Errors
///
/// The endpoint is not an `http` or `https` URL of a host and a path.
pub(crate) fn choose(
    service: &str,
    option: Option<&str>,
    settings: &Settings,
) -> Result<Option<String>, RunError> {
    let setting = match option {
        Some(value) => Some(Setting::new("--endpoint-url", value)),
        None if settings.ignores_endpoint_urls => None,
        None => configured(service, settings)?,
    };
    if let Some(setting) = &setting
        && let Some(host) = check(setting)?
    {
        let exposed = exposed(service, &host);
        let warning = format!("{} is http://: {exposed}", setting.source);
        let mut warned = lock(&settings.warned);
        if !warned.contains(&warning) {
            settings.log.warning(&warning);
            warned.push(warning);
        }
    }
    Ok(setting.map(|setting| setting.value))
}

/// Returns the signing region of an IAM host of AWS, whatever region is configured. IAM rejects any other region.
pub(crate) fn signing_region(endpoint_url: &str) -> Option<&'static str> {
    let url = Url::parse(endpoint_url).ok()?;
    let host = url.host_str()?;
    let of_host = |(known, _): &&(&str, &str)| {
        host == *known || (known.starts_with('.') && host.ends_with(known))
    };
    REGIONS.iter().find(of_host).map(|(_, region)| *region)
}

/// Returns the host and port of a URI.
pub(super) fn host_and_port(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

fn configured(service: &str, settings: &Settings) -> Result<Option<Setting>, RunError> {
    let (profile, name) = (settings.profile(), "endpoint_url");
    let of_service = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
    for variable in [&of_service, "AWS_ENDPOINT_URL"] {
        if let Some(setting) = Setting::variable(variable)? {
            return Ok(Some(setting));
        }
    }
    let of_service = profile.service(&settings.files, service, name)?;
    Ok(of_service.or_else(|| profile.get(name)))
}

/// Says what is not encrypted if the endpoint of a service is not.
fn exposed(service: &str, host: &str) -> String {
    let (name, contents) = match service {
        "iam" => return format!("the request and its signature go to {host} unencrypted"),
        "sts" => ("STS", "any tokens and credentials"),
        "sso" => ("SSO", "the token and the credentials"),
        "sso_oidc" => ("SSO", "the tokens"),
        _ => ("the sign-in service", "the tokens and the credentials"),
    };
    format!(
        "requests to {name} at {host} and its responses, with {contents} in them, are not encrypted"
    )
}

/// Checks that an endpoint URL is valid. Returns the host if it is another machine and the connection is not encrypted.
///
/// # Errors
///
/// The endpoint is not an `http` or `https` URL of a host and a path.
pub(super) fn check(setting: &Setting) -> Result<Option<String>, RunError> {
    let value = &setting.value;
    // The client's parser accepts fewer URLs than this one, which corrects `http:host`, `http:///host` and `http://a\b`.
    let host = value.split_once("://").map(|(_, rest)| rest.split('/'));
    let host = host.and_then(|mut parts| parts.next());
    let has_host = host.is_some_and(|host| !host.is_empty() && !host.contains('%'));
    let url = Url::parse(value).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && has_host && value.chars().all(is_allowed_in_url)
    });
    let holds_user = match &url {
        Some(url) => url.username() != "" || url.password().is_some(),
        // Even an invalid URL may contain a password, so it is not shown.
        None => value.contains('@'),
    };
    if holds_user {
        return Err(setting
            .stop("contains a user name or password, which is not allowed in an endpoint URL"));
    }
    if value.contains(['?', '#']) {
        return Err(
            setting.stop("has a query or a fragment, which is not allowed in an endpoint URL")
        );
    }
    if has_secret(value) {
        return Err(setting.wrong("it looks like a secret access key"));
    }
    let parts = url.as_ref().map(|url| (url.scheme(), url.host_str()));
    let Some((scheme, Some(host))) = parts else {
        let rule = "an endpoint URL consists of http:// or https://, a host, and optionally a port up to 65535 and a path";
        return Err(if may_hold_password(value) {
            setting.stop(&format!("is not valid: {rule}"))
        } else {
            setting.wrong(rule)
        });
    };
    let is_here = host == "localhost" || host.ends_with(".localhost") || is_loopback(host);
    Ok((scheme == "http" && !is_here).then(|| host.to_owned()))
}

/// Whether a URL may contain this character as it is.
pub(super) fn is_allowed_in_url(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '`' | '{' | '}' | '\\' | '^' | '|')
}

/// Whether something other than a port follows a colon in an invalid URL.
fn may_hold_password(url: &str) -> bool {
    let is_http = |scheme: &str| {
        ["http", "https"]
            .iter()
            .any(|http| scheme.eq_ignore_ascii_case(http))
    };
    let after_scheme = url.split_once(':').filter(|(scheme, _)| is_http(scheme));
    let mut parts = after_scheme.map_or(url, |(_, rest)| rest).split(':');
    let is_port = |part: &str| {
        let port = part.split_once('/').map_or(part, |(port, _)| port);
        port.chars().all(|c| c.is_ascii_digit())
    };
    parts.next();
    !parts.all(is_port)
}

/// Whether the host of a URL is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse();
    address.is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_own_hosts_have_a_region_of_their_own() {
        for (url, region) in [
            ("https://iam.amazonaws.com", Some("us-east-1")),
            ("https://IAM.amazonaws.com:443/x", Some("us-east-1")),
            ("https://iam-fips.amazonaws.com", Some("us-east-1")),
            (
                "https://vpce-0-1.iam.us-east-1.vpce.amazonaws.com",
                Some("us-east-1"),
            ),
            ("https://iam.us-gov.amazonaws.com", Some("us-gov-west-1")),
            (
                "https://iam.cn-north-1.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("https://iam.us-east-1.vpce.amazonaws.com", None),
            ("https://xiam.amazonaws.com", None),
            ("https://iam.amazonaws.com.example.com", None),
            ("http://127.0.0.1:1/iam.amazonaws.com", None),
            ("iam.amazonaws.com", None),
        ] {
            assert_eq!(signing_region(url), region, "{url}");
        }
    }
}
