//! Fetches the credentials of a container from its metadata service.

use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use hyper::Uri;
use serde_json::Value;
use url::{Position, Url};

use super::endpoint;
use super::error::{CHECK_DNS, busy_hint};
use super::http::{LazyConnector, check_token};
use super::metadata_service::{Failure, json, read, repeat};
use super::setting::Setting;
use super::small_file;
use super::time_budget::TimeBudget;
use super::tls;
use crate::error::{Hint, RunError};
use crate::known_secret::{learn, redact_message};
use crate::sanitize::{escape, truncate_escaped};

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// The ECS endpoint for relative URIs.
const ECS_ENDPOINT: &str = "http://169.254.170.2";
/// The hosts, besides this machine, that may return credentials without TLS: those of ECS and EKS.
const PLAIN_HTTP_HOSTS: [&str; 4] = [
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "localhost",
];
/// The number of attempts for a container's credentials, the pause between them, and how long a connection may take. All
/// are those of the AWS CLI.
const MAX_ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The hints if what responds is not a container's service, for the variable that names its address.
const CHECK_RELATIVE_URI: &str = "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const CHECK_FULL_URI: &str = "check AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// The hint if its certificate is not trusted. As in the AWS CLI, no option or variable names another authority for it.
const SYSTEM_ONLY: &str = "this system must trust the authority: --ca-bundle and AWS_CA_BUNDLE do not apply to this service";

/// The hint if the service refuses a request without a token.
const NO_TOKEN: &str = "if the service requires a token, set AWS_CONTAINER_AUTHORIZATION_TOKEN or \
                        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Whether the environment configures container credentials.
pub(super) fn is_configured() -> Result<bool, RunError> {
    Ok(Setting::variable(RELATIVE_URI)?.is_some() || Setting::variable(FULL_URI)?.is_some())
}

/// Fetches the credentials of the container.
///
/// # Errors
///
/// The address is not allowed, or the service does not return credentials.
pub(super) async fn fetch(budget: &TimeBudget) -> Result<Credentials, RunError> {
    let (url, check) = url()?;
    let token = token()?;
    let http = LazyConnector::without_proxy(CONNECT_TIMEOUT);
    let ask = async || {
        let mut request = HttpRequest::new(SdkBody::empty());
        let headers = request.headers_mut();
        headers.insert("accept", "application/json");
        if let Some(token) = &token {
            headers.insert("authorization", token.value.clone());
        }
        let is_set = request.set_uri(url.as_str());
        is_set.map_err(|error| Failure::new(error.to_string(), check))?;
        match http.ask(request).await {
            Ok((200, body)) => json(&body, check),
            Ok((status, body)) => {
                let message = message(&body);
                let reason = format!("its service returned HTTP status {status}{message}");
                let hint = match (&token, status) {
                    (Some(token), 401 | 403) => {
                        format!("check the token of {}", token.source).into()
                    }
                    (None, 401 | 403) => NO_TOKEN.into(),
                    _ => busy_hint(status).unwrap_or(check.into()),
                };
                Err(Failure::new(reason, hint))
            }
            Err((error, is_tls)) => {
                let reason = truncate_escaped(&error.reason);
                let reason = format!("no usable response from its service: {reason}");
                let hint = match error.hint {
                    _ if error.has_unexpected_response => check.into(),
                    Some(hint) if [tls::CLOCK, CHECK_DNS].map(Hint::from).contains(&hint) => hint,
                    Some(hint) if hint == tls::BUNDLE.into() => SYSTEM_ONLY.into(),
                    _ if is_tls => check.into(),
                    _ => format!("{check}, and that the service there runs").into(),
                };
                let mut failure = Failure::new(reason, hint);
                failure.is_final = is_tls;
                Err(failure)
            }
        }
    };
    let value = repeat(MAX_ATTEMPTS, PAUSE, budget, ask).await;
    let value = value.map_err(|failure| failure.error("the container"))?;
    read(&value, "the container", [check; 2])
}

/// Returns the message of an error without the token, which it may repeat.
fn message(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(text) = body.get("message").and_then(Value::as_str) else {
        return String::new();
    };
    format!(": {}", truncate_escaped(&redact_message(text)))
}

/// Returns the address of the service, and the hint if another service is there.
fn url() -> Result<(String, &'static str), RunError> {
    if let Some(path) = Setting::variable(RELATIVE_URI)? {
        let url = format!("{ECS_ENDPOINT}{}", path.value);
        let is_path = path.value.starts_with('/') && is_plain_path(&path.value);
        if !is_path || url.parse::<Uri>().is_err() {
            return Err(path.wrong("it must be a path that begins with /, without spaces and other characters that a URL does not allow"));
        }
        return Ok((url, CHECK_RELATIVE_URI));
    }
    let full = Setting::variable(FULL_URI)?;
    let full =
        full.ok_or_else(|| RunError::credentials("there are no credentials of a container"))?;
    let url = Url::parse(&full.value).ok();
    let url = url.filter(|url| url.as_str().parse::<Uri>().is_ok());
    let url = url.ok_or_else(|| full.stop("is not a valid URL"))?;
    if is_rewritten(&full.value, &url) {
        return Err(
            full.stop("must have a plain host and path, without such characters as a backslash, a space or `;`, and without `..`")
        );
    }
    let host = url.host_str().unwrap_or_default();
    let is_plain = endpoint::is_loopback(host) || PLAIN_HTTP_HOSTS.contains(&host);
    match url.scheme() {
        "https" => Ok((url.into(), CHECK_FULL_URI)),
        "http" if is_plain => Ok((url.into(), CHECK_FULL_URI)),
        _ => Err(full.stop("is neither https:// nor an address of this machine, of ECS or of EKS")),
    }
}

/// Whether the parser changes the host or the path of a URL. The AWS CLI would request another path there.
fn is_rewritten(value: &str, url: &Url) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return true;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let named = authority.rsplit('@').next().unwrap_or_default();
    let named = named.to_ascii_lowercase();
    let port = url.host_str().and_then(|host| named.strip_prefix(host));
    let is_host = port.is_some_and(|port| port.is_empty() || port.starts_with(':'));
    let is_path = path.is_empty() || path == &url[Position::BeforePath..];
    !is_host || !is_path || !value.chars().all(endpoint::is_allowed_in_url) || !is_plain_path(path)
}

/// Whether the AWS CLI also requests this path as it is: it encodes some characters, and ignores what follows a `;`.
fn is_plain_path(path: &str) -> bool {
    let is_escape = |rest: &str| {
        let mut digits = rest.chars().take(2).filter(char::is_ascii_hexdigit);
        digits.nth(1).is_some()
    };
    path.chars().all(endpoint::is_allowed_in_url)
        && !path.contains([';', '[', ']'])
        && path.split('%').skip(1).all(is_escape)
}

/// Returns the authorization token. The file takes precedence over the variable.
fn token() -> Result<Option<Setting>, RunError> {
    let token = if let Some(mut path) = Setting::variable(TOKEN_FILE)? {
        let token = small_file::read_token(Path::new(&path.value));
        let token = token
            .map_err(|error| path.stop(&format!("names a file that could not be read: {error}")))?;
        check_token(&token).map_err(|wrong| {
            let file = escape(&path.value);
            RunError::configuration(format!("`{file}`, which {TOKEN_FILE} names, {wrong}")).hint(format!(
                "`{file}` must contain the token and nothing else, not even a line break at its end"
            ))
        })?;
        path.value = token;
        path
    } else {
        let Some(token) = Setting::variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")? else {
            return Ok(None);
        };
        check_token(&token.value).map_err(|wrong| token.stop(wrong))?;
        token
    };
    learn(&token.value);
    Ok(Some(token))
}
