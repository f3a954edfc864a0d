//! The credentials of containers and instances, from the services on the machine that give them.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::EndpointMode;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_types::region::Region;
use serde_json::Value;
use url::Url;

use super::environment;
use super::key::{Key, Names};
use super::setting::{Lookup, Setting};
use super::settings::Settings;
use super::small_file;
use crate::escape::excerpt;
use crate::stop::Stop;

/// The most attempts that are made, and seconds that are waited for one.
const MOST: u32 = 100;

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// Where ECS answers to relative addresses.
const ECS: &str = "http://169.254.170.2";
/// The hosts, besides this machine, that credentials are fetched from without TLS: those of ECS and EKS.
const HOSTS: [&str; 4] = [
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "localhost",
];
/// How often the container's service is asked, and how long each time.
const ATTEMPTS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(2);
const NOT_SHOWN: &str = "(not shown)";

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const ZONE: &str = "/latest/meta-data/placement/availability-zone/";

/// Whether the environment is a container's that has credentials.
pub(super) fn has_container() -> Result<bool, Stop> {
    Ok(environment::filled(RELATIVE)?.is_some() || environment::filled(FULL)?.is_some())
}

/// The container's credentials.
///
/// # Errors
///
/// An address that must not be asked; the service does not give them.
pub(super) async fn container(settings: &Settings) -> Result<Credentials, Stop> {
    let url = container_url()?;
    let token = container_token()?;
    let fail = |what: String| {
        Stop::credentials(format!("no credentials from the container: {what}")).hint(format!(
            "check {FULL} and {RELATIVE}, and that the service there runs"
        ))
    };
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let is_last = attempts.next() == Some(ATTEMPTS);
        let asked = settings.clients.get(&url, token.as_deref());
        let (what, is_final) = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok((200, body))) => return read(&body, "the container").map_err(fail)?,
            Ok(Ok((status, body))) => {
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                let message = body.get("message").and_then(Value::as_str);
                let message = message.map_or(String::new(), |text| {
                    // It may repeat what it was sent.
                    let token = token.as_deref().filter(|token| !token.is_empty());
                    let text =
                        token.map_or(text.to_owned(), |token| text.replace(token, NOT_SHOWN));
                    format!(": {}", excerpt(&text))
                });
                let what = format!("its service answered with HTTP status {status}{message}");
                (what, status < 500)
            }
            Ok(Err(error)) => {
                let error = excerpt(&error);
                (format!("its service could not be reached: {error}"), false)
            }
            Err(_) => ("its service did not answer in time".to_owned(), false),
        };
        if is_last || is_final {
            return Err(fail(what));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn container_url() -> Result<String, Stop> {
    if let Some(path) = Setting::variable(RELATIVE)? {
        if !path.value.starts_with('/') {
            return Err(path.wrong("it must be a path that begins with /"));
        }
        return Ok(format!("{ECS}{}", path.value));
    }
    let full = Setting::variable(FULL)?;
    let full = full.ok_or_else(|| Stop::credentials("there are no credentials of a container"))?;
    let url = Url::parse(&full.value).map_err(|_| full.stop("is not a URL"))?;
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_here = address.is_some_and(|address| address.is_loopback()) || HOSTS.contains(&host);
    match url.scheme() {
        "https" => Ok(url.into()),
        "http" if is_here => Ok(url.into()),
        _ => Err(full.stop("is neither https:// nor an address of this machine, of ECS or of EKS")),
    }
}

/// The file takes precedence over the variable.
fn container_token() -> Result<Option<String>, Stop> {
    let token = match Setting::variable(TOKEN_FILE)? {
        Some(path) => {
            let token = small_file::read_text(Path::new(&path.value));
            Some(Setting {
                value: token.map_err(|error| {
                    path.stop(&format!("names a file that could not be read: {error}"))
                })?,
                ..path
            })
        }
        None => Setting::variable(TOKEN)?,
    };
    match token {
        Some(token) if token.value.contains(|c: char| !(' '..='~').contains(&c)) => {
            Err(token.stop("contains a line break or another character that no header can have"))
        }
        token => Ok(token.map(|token| token.value)),
    }
}

fn read(body: &[u8], origin: &str) -> Result<Result<Credentials, Stop>, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| "it gave what is not JSON".to_owned())?;
    let key =
        Key::from_json(&value, Names::METADATA, origin).map_err(|what| format!("it {what}"))?;
    if key.token.is_none() || key.expiry.is_none() {
        return Err("it gave no Token or no Expiration".to_owned());
    }
    Ok(key.credentials("Metadata"))
}

/// The instance's credentials; `None` where this machine is not an instance that has any.
///
/// # Errors
///
/// A setting that cannot be understood; a metadata service that fails.
pub(super) async fn instance(settings: &Settings) -> Result<Option<Credentials>, Stop> {
    let fail = |what: String| {
        Stop::credentials(format!("no credentials from the instance: {what}"))
            .hint("check that the instance has a role, and run the same command again")
    };
    let Some(client) = client(settings)? else {
        return Ok(None);
    };
    let Some(role) = get(&client, ROLES).await.map_err(fail)? else {
        return Ok(None);
    };
    let role = role.trim();
    match get(&client, &format!("{ROLES}{role}"))
        .await
        .map_err(fail)?
    {
        Some(body) => read(body.as_bytes(), "the instance")
            .map_err(fail)?
            .map(Some),
        None => Err(fail("its role has none".to_owned())),
    }
}

/// The region that the instance is in; `None` where it does not say.
pub(super) async fn instance_region(settings: &Settings) -> Result<Option<Region>, Stop> {
    let Some(client) = client(settings)? else {
        return Ok(None);
    };
    let zone = get(&client, ZONE).await.ok().flatten();
    Ok(zone.as_deref().and_then(region_of).map(Region::new))
}

/// The region of an availability zone, such as `us-west-2a` or `us-west-2-lax-1a`.
fn region_of(zone: &str) -> Option<String> {
    let number = zone.find(|c: char| c.is_ascii_digit())?;
    let letters = zone[number..].find(|c: char| !c.is_ascii_digit());
    let region = &zone[..letters.map_or(zone.len(), |length| number + length)];
    let is_one = region
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_one && number > 1).then(|| region.to_owned())
}

async fn get(client: &Client, path: &str) -> Result<Option<String>, String> {
    match client.get(path).await {
        Ok(body) => Ok(Some(body.as_ref().to_owned())),
        Err(ImdsError::ErrorResponse(error)) if error.response().status().as_u16() == 404 => {
            Ok(None)
        }
        Err(ImdsError::ErrorResponse(error)) => {
            let status = error.response().status().as_u16();
            Err(format!(
                "its metadata service answered with HTTP status {status}"
            ))
        }
        Err(ImdsError::FailedToLoadToken(error)) if error.is_dispatch_failure() => Ok(None),
        Err(_) => Err("its metadata service gave no usable answer".to_owned()),
    }
}

/// A client for the instance's metadata, with one attempt of a second as the AWS CLI: a machine that is no instance must
/// not make people wait. `None`: it is not to be asked.
fn client(settings: &Settings) -> Result<Option<Client>, Stop> {
    let lookup = settings.lookup();
    let environment = Lookup { profile: None };
    if environment.flag("AWS_EC2_METADATA_DISABLED", "")? {
        return Ok(None);
    }
    let attempts = number(
        lookup,
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "metadata_service_num_attempts",
    )?;
    let config =
        ProviderConfig::without_region().with_http_client(settings.clients.metadata.clone());
    let mut client = Client::builder()
        .configure(&config)
        .max_attempts(attempts.unwrap_or(1));
    if let Some(seconds) = number(
        lookup,
        "AWS_METADATA_SERVICE_TIMEOUT",
        "metadata_service_timeout",
    )? {
        let limit = Duration::from_secs(seconds.into());
        client = client
            .connect_timeout(limit)
            .read_timeout(limit)
            .operation_attempt_timeout(limit * 2)
            .operation_timeout(limit * 2 * attempts.unwrap_or(1));
    }
    let mode = mode(lookup)?;
    let endpoint = lookup.find(
        &["AWS_EC2_METADATA_SERVICE_ENDPOINT"],
        "ec2_metadata_service_endpoint",
    )?;
    let Some(endpoint) = endpoint else {
        return Ok(Some(client.endpoint_mode(mode).build()));
    };
    let client = client
        .endpoint(&endpoint.value)
        .map_err(|_| endpoint.wrong("it must be the URL of a metadata service"))?;
    Ok(Some(client.build()))
}

fn mode(lookup: Lookup<'_>) -> Result<EndpointMode, Stop> {
    let mode = lookup.find(
        &["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"],
        "ec2_metadata_service_endpoint_mode",
    )?;
    match mode {
        Some(mode) => mode
            .value
            .parse()
            .map_err(|_| mode.wrong("it must be IPv4 or IPv6")),
        None if lookup.flag("AWS_IMDS_USE_IPV6", "imds_use_ipv6")? => Ok(EndpointMode::IpV6),
        None => Ok(EndpointMode::IpV4),
    }
}

fn number(lookup: Lookup<'_>, variable: &'static str, name: &str) -> Result<Option<u32>, Stop> {
    let Some(setting) = lookup.find(&[variable], name)? else {
        return Ok(None);
    };
    match setting.value.parse() {
        Ok(number @ 1..=MOST) => Ok(Some(number)),
        _ => Err(setting.wrong("it must be a number from 1 to 100")),
    }
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
            ("<a>1", None),
            ("1a", None),
            ("", None),
        ] {
            assert_eq!(region_of(zone).as_deref(), region, "{zone}");
        }
    }
}
