//! Fetches the credentials of containers and instances from their metadata services.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::EndpointMode;
use aws_config::imds::client::error::{ImdsError, TokenError};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::region::Region;
use serde_json::Value;
use url::Url;

use super::credential_parts::{CredentialParts, METADATA_FIELDS};
use super::endpoint;
use super::error::{busy_hint, is_timeout, transport_error};
use super::session::text;
use super::setting::Setting;
use super::settings::{Settings, checked_region};
use super::small_file;
use crate::error::RunError;
use crate::log::Log;
use crate::sanitize::truncate_escaped;
use crate::secret::REDACTED;

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// The ECS endpoint for relative URIs.
const ECS_ENDPOINT: &str = "http://169.254.170.2";
/// The hosts, besides this machine, that may return credentials without TLS: those of ECS and EKS.
const PLAIN_HTTP_HOSTS: [&str; 4] = [
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "localhost",
];
/// The number of attempts for a container's credentials.
const MAX_ATTEMPTS: u32 = 3;

// The hints for failures of an instance's service.
const CHECK_ROLE: &str =
    "check the role of the instance and its trust policy, and run the same command again";
const TURNED_OFF: &str = "it may be turned off: aws ec2 modify-instance-metadata-options --http-endpoint enabled --instance-id ID";
const ONLY_VERSION_2: &str =
    "only version 2 of the service (IMDSv2) is supported: offer it there, or use other credentials";
const OTHER_SERVICE: &str = "another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use other credentials";
const SLOW: &str = "if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT";
/// The response to the request for a token passes only as many hops as the options of the instance allow.
const SLOW_OR_FAR: &str = "if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT; in a container, allow another hop: \
                           aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ID";

const ROLES_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const ZONE_PATH: &str = "/latest/meta-data/placement/availability-zone/";

/// Whether the environment configures container credentials.
pub(super) fn has_container() -> Result<bool, RunError> {
    Ok(Setting::variable(RELATIVE_URI)?.is_some() || Setting::variable(FULL_URI)?.is_some())
}

/// Fetches the credentials of the container.
///
/// # Errors
///
/// The address is not allowed, or the service does not return credentials.
pub(super) async fn container(settings: &Settings) -> Result<Credentials, RunError> {
    let url = container_url()?;
    let token = container_token()?;
    let failed = |reason: &str, hint: &str| {
        RunError::credentials(format!("no credentials from the container: {reason}")).hint(hint)
    };
    let check = format!("check {FULL_URI} and {RELATIVE_URI}, and that the service there runs");
    let fail = |reason: String| failed(&reason, &check);
    let mut attempt = 1;
    loop {
        let response = settings.metadata_services.get(&url, token.as_deref());
        let (failure, is_final) = match response.await {
            Ok((200, body)) => return read(&body, "the container", fail),
            Ok((status, body)) => {
                let message = message(&body, token.as_deref());
                let reason = format!("its service returned HTTP status {status}{message}");
                let failure = failed(&reason, busy_hint(status).unwrap_or(&check));
                (failure, status < 500)
            }
            Err(error) => {
                let reason = truncate_escaped(&error);
                let failure = fail(format!("no usable response from its service: {reason}"));
                (failure, false)
            }
        };
        if is_final || attempt == MAX_ATTEMPTS {
            return Err(failure);
        }
        attempt += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Returns the message of an error without the token, which it may repeat.
fn message(body: &[u8], token: Option<&str>) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(text) = body.get("message").and_then(Value::as_str) else {
        return String::new();
    };
    let text = match token.filter(|token| !token.is_empty()) {
        Some(token) => text.replace(token, REDACTED),
        None => text.to_owned(),
    };
    format!(": {}", truncate_escaped(&text))
}

fn container_url() -> Result<String, RunError> {
    if let Some(path) = Setting::variable(RELATIVE_URI)? {
        if !path.value.starts_with('/') {
            return Err(path.wrong("it must be a path that begins with /"));
        }
        return Ok(format!("{ECS_ENDPOINT}{}", path.value));
    }
    let full = Setting::variable(FULL_URI)?;
    let full =
        full.ok_or_else(|| RunError::credentials("there are no credentials of a container"))?;
    let url = Url::parse(&full.value).map_err(|_| full.stop("is not a URL"))?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(url.into()),
        "http" if endpoint::is_loopback(host) || PLAIN_HTTP_HOSTS.contains(&host) => Ok(url.into()),
        _ => Err(full.stop("is neither https:// nor an address of this machine, of ECS or of EKS")),
    }
}

/// Returns the authorization token. The file takes precedence over the variable.
fn container_token() -> Result<Option<String>, RunError> {
    let token = match Setting::variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")? {
        Some(mut path) => {
            let token = small_file::read_token(Path::new(&path.value));
            path.value = token.map_err(|error| {
                path.stop(&format!("names a file that could not be read: {error}"))
            })?;
            Some(path)
        }
        None => Setting::variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")?,
    };
    match token {
        Some(token) if token.value.contains(|c: char| !(' '..='~').contains(&c)) => {
            Err(token.stop("contains a line break or another character that no header can have"))
        }
        token => Ok(token.map(|token| token.value)),
    }
}

/// Parses the response of a metadata service. `fail` creates the error.
fn read(
    body: &[u8],
    origin: &str,
    fail: impl Fn(String) -> RunError,
) -> Result<Credentials, RunError> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Err(fail("it did not return JSON".to_owned()));
    };
    let key = CredentialParts::of_session(&value, METADATA_FIELDS, origin);
    key.map_err(|reason| {
        fail(format!(
            "it returned {}",
            returned_error(&value).unwrap_or(reason)
        ))
    })?
    .credentials()
}

/// Returns the error that a metadata service returned instead of credentials.
fn returned_error(value: &Value) -> Option<String> {
    let code = text(value, "Code").filter(|code| code != "Success")?;
    let message = text(value, "Message").map(|message| format!(": {message}"));
    let error = format!("the error {code}{}", message.unwrap_or_default());
    Some(truncate_escaped(&error))
}

/// Fetches the credentials of the instance. `None`: this machine is not an instance, or has no role.
///
/// # Errors
///
/// A setting is invalid, or the metadata service fails.
pub(super) async fn instance(settings: &Settings) -> Result<Option<Credentials>, RunError> {
    let fail = |reason: String| no_credentials(&reason).hint(CHECK_ROLE);
    let Some((client, limit)) = client(settings)? else {
        return Ok(None);
    };
    let roles = get(&client, ROLES_PATH).await;
    let roles = roles.map_err(|failure| failure.error(ROLES_PATH, limit))?;
    let Some(role) = roles else {
        return Ok(None);
    };
    let role = role.trim();
    if role.is_empty() {
        return Ok(None);
    }
    // The name becomes a part of a path, and the SDK panics if that is invalid.
    if !is_role_name(role) {
        let text = truncate_escaped(role);
        return Err(fail(format!(
            "its metadata service returned `{text}`, which is not the name of a role"
        )));
    }
    let path = format!("{ROLES_PATH}{role}");
    let response = get(&client, &path).await;
    match response.map_err(|failure| failure.error(&path, limit))? {
        Some(body) => read(body.as_bytes(), "the instance", fail).map(Some),
        None => Err(fail("its role has none".to_owned())),
    }
}

fn no_credentials(reason: &str) -> RunError {
    RunError::credentials(format!("no credentials from the instance: {reason}"))
}

/// Returns the region of the instance, if it is available.
pub(super) async fn instance_region(settings: &Settings) -> Result<Option<Region>, RunError> {
    let Some((client, _)) = client(settings)? else {
        return Ok(None);
    };
    let zone = get(&client, ZONE_PATH).await.ok().flatten();
    Ok(zone.as_deref().and_then(region_of))
}

/// Returns the region of an availability zone, such as `us-west-2a` or `us-west-2-lax-1a`. `None`: it could not be
/// configured either.
fn region_of(zone: &str) -> Option<Region> {
    let number = zone.find(|c: char| c.is_ascii_digit())?;
    let letters = zone[number..].find(|c: char| !c.is_ascii_digit());
    let region = &zone[..letters.map_or(zone.len(), |length| number + length)];
    checked_region(&Setting::new("the region of the instance", region)).ok()
}

/// Whether IAM allows this name for a role.
fn is_role_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    // Dots alone would lead to another path.
    (1..=64).contains(&text.len()) && text.chars().all(is_allowed) && !matches!(text, "." | "..")
}

/// Why the metadata service of an instance did not return what was requested.
enum Failure {
    /// It returned another status than 200 and 404.
    Status(u16),
    /// It returned this status instead of a token.
    NoToken(u16),
    /// The timeout ended the request.
    Late,
    Unusable,
}

impl Failure {
    /// Creates the error of a request. The first one, for `ROLES_PATH`, gets the token. `limit` is the timeout.
    fn error(&self, path: &str, limit: Duration) -> RunError {
        let late = || format!("no usable response within {} s", limit.as_secs());
        let (reason, hint) = match self {
            Self::Status(status) => {
                let hint = busy_hint(*status).unwrap_or(CHECK_ROLE);
                (format!("HTTP status {status}"), hint)
            }
            Self::NoToken(status) => {
                let hint = busy_hint(*status).unwrap_or(match status {
                    403 => TURNED_OFF,
                    400..500 => ONLY_VERSION_2,
                    _ => OTHER_SERVICE,
                });
                (format!("HTTP status {status} instead of a token"), hint)
            }
            // The timeouts of the token and of the request for which it is are the same, so either may end first.
            Self::Late if path == ROLES_PATH => (late(), SLOW_OR_FAR),
            Self::Late => (late(), SLOW),
            Self::Unusable => ("no usable response".to_owned(), OTHER_SERVICE),
        };
        no_credentials(&format!("its metadata service returned {reason}")).hint(hint)
    }
}

async fn get(client: &Client, path: &str) -> Result<Option<String>, Failure> {
    let error = match client.get(path).await {
        Ok(body) => return Ok(Some(body.as_ref().to_owned())),
        Err(error) => error,
    };
    match &error {
        ImdsError::ErrorResponse(error) => match error.response().status().as_u16() {
            404 => Ok(None),
            status => Err(Failure::Status(status)),
        },
        ImdsError::FailedToLoadToken(token) if token.is_dispatch_failure() => {
            if transport_error(&error, "").has_unexpected_response {
                Err(Failure::Unusable)
            } else {
                Ok(None)
            }
        }
        ImdsError::FailedToLoadToken(_) => Err(match token_status(&error) {
            Some(status) if status != 200 => Failure::NoToken(status),
            None if is_timeout(&error) => Failure::Late,
            _ => Failure::Unusable,
        }),
        _ if is_timeout(&error) => Err(Failure::Late),
        _ => Err(Failure::Unusable),
    }
}

/// Returns the status of the response to the request for a token.
fn token_status(error: &ImdsError) -> Option<u16> {
    let error: &SdkError<TokenError, HttpResponse> = error.source()?.downcast_ref()?;
    Some(error.raw_response()?.status().as_u16())
}

/// Creates a client for instance metadata, and returns its timeout. Like the AWS CLI it makes one attempt with a timeout
/// of a second, so users of other machines do not wait long. `None`: instance metadata is disabled.
fn client(settings: &Settings) -> Result<Option<(Client, Duration)>, RunError> {
    if let Some(disabled) = Setting::variable("AWS_EC2_METADATA_DISABLED")?
        && disabled.flag()?
    {
        return Ok(None);
    }
    let profile = settings.profile();
    let attempts = profile.number("metadata_service_num_attempts")?;
    let attempts = attempts.unwrap_or(1);
    let seconds = profile.number("metadata_service_timeout")?;
    let mode = profile.find("ec2_metadata_service_endpoint_mode")?;
    let mode = match mode {
        Some(mode) => mode
            .value
            .parse()
            .map_err(|_| mode.wrong("it must be IPv4 or IPv6"))?,
        None if profile.flag("imds_use_ipv6")? => EndpointMode::IpV6,
        None => EndpointMode::IpV4,
    };
    let endpoint = profile.find("ec2_metadata_service_endpoint")?;
    if let Some(endpoint) = &endpoint {
        endpoint::check(endpoint, Log::quiet())?;
    }
    let http = settings.metadata_services.client();
    let limit = Duration::from_secs(seconds.unwrap_or(1).into());
    let client = Client::builder()
        .configure(&ProviderConfig::without_region().with_http_client(http))
        .max_attempts(attempts)
        .connect_timeout(limit)
        // By default, the timeout of the attempt ends first.
        .read_timeout(limit * 3)
        // An attempt includes all of those to get a token.
        .operation_attempt_timeout(limit * 2 * attempts)
        .operation_timeout(limit * 2 * attempts);
    let client = match endpoint {
        Some(endpoint) => client
            .endpoint(&endpoint.value)
            .map_err(|_| endpoint.wrong("it must be the URL of a metadata service"))?,
        None => client.endpoint_mode(mode),
    };
    Ok(Some((client.build(), limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_zone() {
        for (zone, region) in [
            ("cn-north-1a", Some("cn-north-1")),
            ("us-gov-west-1b", Some("us-gov-west-1")),
            ("us-west-2-lax-1a", Some("us-west-2")),
            ("us-east-1", Some("us-east-1")),
            ("ap-southeast-12c\n", Some("ap-southeast-12")),
            ("role", None),
            ("US-EAST-1A", None),
            ("fips-us-east-1a", None),
            ("<html>", None),
            ("<a>1", None),
            ("1a", None),
            ("", None),
        ] {
            let found = region_of(zone);
            assert_eq!(found.as_ref().map(Region::as_ref), region, "{zone}");
        }
    }
}
