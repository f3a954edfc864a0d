//! Fetches the credentials of an instance from its metadata service, and has the code that it shares with containers.

use std::time::Duration;

use aws_config::Region;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::credential_parts::{CredentialParts, METADATA_FIELDS};
use super::endpoint;
use super::error::{SILENT, UNRESOLVED, busy_hint};
use super::http::LazyConnector;
use super::lookup::Lookup;
use super::session::{self, text};
use super::setting::Setting;
use super::settings::{Settings, checked_region};
use super::time_budget::TimeBudget;
use crate::error::{Hint, RunError};
use crate::known_secret::{learn, redact_message};
use crate::lock::lock;
use crate::sanitize::truncate_escaped;

// The hints for failures of an instance's service.
const CHECK_ROLE: &str = "check the role of the instance and its trust policy";
const TURNED_OFF: &str = "it may be turned off: aws ec2 modify-instance-metadata-options --http-endpoint enabled --instance-id ID";
const ONLY_VERSION_2: &str =
    "only version 2 of the service (IMDSv2) is supported: offer it there, or use other credentials";
const OTHER_SERVICE: &str = "another service may be at its address: check AWS_EC2_METADATA_SERVICE_ENDPOINT, or use other credentials";
const SLOW: &str = "if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT";
/// The response to the request for a token passes only as many hops as the options of the instance allow.
const SLOW_OR_FAR: &str = "if it is just slow, raise AWS_METADATA_SERVICE_TIMEOUT; in a container, allow another hop: \
                           aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ID";

pub(super) const DISABLED: &str = "it is disabled by AWS_EC2_METADATA_DISABLED";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const ZONE_PATH: &str = "/latest/meta-data/placement/availability-zone/";

/// Why a request to a metadata service failed.
pub(super) struct Failure {
    /// A clause.
    reason: String,
    hint: Hint,
    /// Whether the request is not repeated.
    pub(super) is_final: bool,
    /// Whether the service is not there, or has nothing of this kind.
    is_absent: bool,
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self {
            reason: reason.into(),
            hint: hint.into(),
            is_final: false,
            is_absent: false,
        }
    }

    fn absent(reason: &str, hint: &'static str) -> Self {
        Self {
            is_absent: true,
            ..Self::new(reason, hint)
        }
    }

    pub(super) fn error(&self, origin: &str) -> RunError {
        RunError::credentials(format!("no credentials from {origin}: {}", self.reason))
            .hint(self.hint.clone())
    }
}

/// Retries until an attempt succeeds or a failure is final. If the time limit ends first, the error names the last failure.
pub(super) async fn repeat<T>(
    attempts: u32,
    pause: Duration,
    budget: &TimeBudget,
    attempt: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut made = 0;
    loop {
        let failure = match attempt().await {
            Ok(done) => {
                *lock(&budget.last_failure) = None;
                return Ok(done);
            }
            Err(failure) => failure,
        };
        made += 1;
        let reason = failure.reason;
        if failure.is_final || made == attempts {
            return Err(Failure {
                reason: match made {
                    1 => reason,
                    made => format!("in the last of {made} attempts, {reason}"),
                },
                ..failure
            });
        }
        *lock(&budget.last_failure) = Some((reason, Some(failure.hint)));
        sleep(pause).await;
    }
}

/// Parses the response of a metadata service.
pub(super) fn json(body: &[u8], hint: &'static str) -> Result<Value, Failure> {
    let value = session::json(body, "it did not return JSON", "its response ");
    value.map_err(|reason| Failure::new(reason, hint))
}

/// Reads the credentials of `origin`. The hints are for an error that it returned, and for anything else.
pub(super) fn read(
    value: &Value,
    origin: &str,
    [refused, other]: [&'static str; 2],
) -> Result<Credentials, RunError> {
    let key = CredentialParts::of_session(value, METADATA_FIELDS, origin);
    key.map_err(|reason| {
        let returned = returned_error(value).map(|error| (error, refused));
        let (what, hint) = returned.unwrap_or((reason, other));
        Failure::new(format!("it returned {what}"), hint).error(origin)
    })?
    .fetched(None)
}

/// Returns the error that came instead of credentials. The agents of containers write the names in lower case.
fn returned_error(value: &Value) -> Option<String> {
    let either = |name: &str, other: &str| text(value, name).or_else(|| text(value, other));
    let code = either("Code", "code").filter(|code| code != "Success")?;
    let message = either("Message", "message").map(|message| format!(": {message}"));
    let error = format!("the error {code}{}", message.unwrap_or_default());
    Some(truncate_escaped(&redact_message(&error)))
}

/// Fetches the credentials of the instance. The inner error is a clause that says why this machine is not an instance with a
/// role.
///
/// # Errors
///
/// A setting is invalid, or the metadata service fails.
pub(super) async fn instance(
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<Result<Credentials, String>, RunError> {
    let Some(service) = Service::of(settings, budget)? else {
        return Ok(Err(DISABLED.to_owned()));
    };
    let fail = |failure: Failure| failure.error("the instance");
    let (token, role) = match service.name(ROLES_PATH, "it names no role").await {
        Err(failure) if failure.is_absent => return Ok(Err(failure.reason)),
        named => named.map_err(fail)?,
    };
    // The name becomes a part of a path.
    if !is_role_name(&role) {
        let text = truncate_escaped(&role);
        let reason =
            format!("its metadata service returned `{text}`, which is not the name of a role");
        return Err(fail(Failure::new(reason, OTHER_SERVICE)));
    }
    let path = format!("{ROLES_PATH}{role}");
    let parse = |body: &[u8]| json(body, OTHER_SERVICE);
    let value = service.get(&path, &token, "its role has none", parse).await;
    let hints = [CHECK_ROLE, OTHER_SERVICE];
    read(&value.map_err(fail)?, "the instance", hints).map(Ok)
}

/// Returns the region of the instance, if it is available.
pub(super) async fn instance_region(
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<Option<Region>, RunError> {
    let Some(service) = Service::of(settings, budget)? else {
        return Ok(None);
    };
    let zone = service.name(ZONE_PATH, "it names no zone").await;
    Ok(zone.ok().and_then(|(_, zone)| region_of(&zone)))
}

/// Reads a response that is a name.
fn name(body: &[u8]) -> Result<String, Failure> {
    match body.trim_ascii() {
        b"" => Err(Failure::absent("it returned nothing", OTHER_SERVICE)),
        body => Ok(String::from_utf8_lossy(body).into_owned()),
    }
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

/// The metadata service of an instance.
struct Service<'a> {
    http: LazyConnector,
    budget: &'a TimeBudget,
    url: String,
    /// The time for one connection, and for one response.
    limit: Duration,
    attempts: u32,
}

impl<'a> Service<'a> {
    /// Reads the settings. By default, as in the AWS CLI, there is one attempt with a timeout of one second, so that users of
    /// other machines do not wait long. `None`: instance metadata is disabled.
    fn of(settings: &Settings, budget: &'a TimeBudget) -> Result<Option<Self>, RunError> {
        if let Some(disabled) = Setting::variable("AWS_EC2_METADATA_DISABLED")?
            && disabled.flag()?
        {
            return Ok(None);
        }
        let profile = settings.profile();
        let attempts = profile.number("metadata_service_num_attempts")?;
        let seconds = profile.number("metadata_service_timeout")?.unwrap_or(1);
        let limit = Duration::from_secs(seconds.into());
        let is_ipv6 = match profile.find("ec2_metadata_service_endpoint_mode")? {
            Some(mode) => match mode.value.to_ascii_lowercase().as_str() {
                "ipv4" => false,
                "ipv6" => true,
                _ => return Err(mode.wrong("it must be IPv4 or IPv6")),
            },
            None => profile.flag("imds_use_ipv6")?,
        };
        let endpoint = profile.find("ec2_metadata_service_endpoint")?;
        if let Some(endpoint) = &endpoint {
            endpoint::check(endpoint)?;
        }
        let own = if is_ipv6 {
            "http://[fd00:ec2::254]"
        } else {
            "http://169.254.169.254"
        };
        Ok(Some(Self {
            http: LazyConnector::without_proxy(limit),
            budget,
            url: endpoint.map_or(own.to_owned(), |endpoint| endpoint.value),
            limit,
            attempts: attempts.unwrap_or(1),
        }))
    }

    /// Requests a token. Like the AWS CLI, it does not retry a request that was refused (400, 403 to 405) or that
    /// timed out on an open connection.
    async fn token(&self) -> Result<String, Failure> {
        let header = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
        let ask = async || {
            let (status, body) = self.send("PUT", TOKEN_PATH, header).await?;
            if status != 200 {
                let reason = format!(
                    "its metadata service returned HTTP status {status} instead of a token"
                );
                let hint = busy_hint(status).unwrap_or(Hint::from(match status {
                    403 => TURNED_OFF,
                    400..500 => ONLY_VERSION_2,
                    _ => OTHER_SERVICE,
                }));
                return Err(Failure {
                    is_final: matches!(status, 400 | 403..=405),
                    ..Failure::new(reason, hint)
                });
            }
            let token = String::from_utf8(body).ok();
            let token = token.filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
            let token = token.filter(|token| !token.is_empty()).ok_or(Failure {
                is_final: true,
                ..unusable()
            })?;
            learn(&token);
            Ok(token)
        };
        repeat(self.attempts, Duration::ZERO, self.budget, ask).await
    }

    /// Requests a token, and with it the name at `path`.
    async fn name(&self, path: &str, absent: &'static str) -> Result<(String, String), Failure> {
        let token = self.token().await?;
        let name = self.get(path, &token, absent, name).await?;
        Ok((token, name))
    }

    /// Requests `path`. Like the AWS CLI, it repeats the request until there is a response that `parse` accepts. `absent` is the
    /// clause if there is nothing.
    async fn get<T>(
        &self,
        path: &str,
        token: &str,
        absent: &'static str,
        parse: impl Fn(&[u8]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ask = async || {
            let header = ("x-aws-ec2-metadata-token", token);
            let (status, body) = self.send("GET", path, header).await?;
            if status == 200 {
                return parse(&body);
            }
            if status == 404 {
                return Err(Failure::absent(absent, CHECK_ROLE));
            }
            let reason = format!("its metadata service returned HTTP status {status}");
            let hint = busy_hint(status).unwrap_or(OTHER_SERVICE.into());
            Err(Failure::new(reason, hint))
        };
        repeat(self.attempts, Duration::ZERO, self.budget, ask).await
    }

    /// Sends one request, and returns the status and the body.
    async fn send(
        &self,
        method: &str,
        path: &str,
        (name, value): (&'static str, &str),
    ) -> Result<(u16, Vec<u8>), Failure> {
        let is_for_token = method == "PUT";
        let mut request = HttpRequest::new(SdkBody::empty());
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        if request.set_method(method).is_err() || request.set_uri(url).is_err() {
            return Err(unusable());
        }
        request.headers_mut().insert(name, value.to_owned());
        let connection = CaptureSmithyConnection::new();
        let lookup = Lookup::default();
        request.add_extension(connection.clone());
        request.add_extension(lookup.clone());
        let absent = |reason: &str| {
            if is_for_token {
                return Failure::absent(reason, OTHER_SERVICE);
            }
            let reason = format!("no usable response from its metadata service: {reason}");
            Failure::new(reason, OTHER_SERVICE)
        };
        match timeout(self.limit, self.http.ask(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err((error, is_final))) if !error.has_unexpected_response => Err(Failure {
                is_final,
                ..absent(&error.reason)
            }),
            Ok(Err(_)) => Err(unusable()),
            Err(_) if lookup.is_running() => Err(absent(UNRESOLVED)),
            Err(_) if connection.get().is_none() => Err(absent(SILENT)),
            Err(_) => {
                let seconds = self.limit.as_secs();
                let reason =
                    format!("its metadata service returned no usable response within {seconds} s");
                let hint = if is_for_token { SLOW_OR_FAR } else { SLOW };
                Err(Failure {
                    is_final: is_for_token,
                    ..Failure::new(reason, hint)
                })
            }
        }
    }
}

/// The failure if the response is not one of a metadata service.
fn unusable() -> Failure {
    let reason = "its metadata service returned no usable response";
    Failure::new(reason, OTHER_SERVICE)
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
