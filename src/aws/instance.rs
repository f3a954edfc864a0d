//! The metadata service of an instance: its address, and how long it is waited for.

use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::EndpointMode;
use aws_config::provider_config::ProviderConfig;

use super::setting::Sources;
use super::settings::Settings;
use crate::stop::Stop;

/// The most attempts that are made, and seconds that are waited for one.
const MOST: u32 = 100;

/// A client for the service, with one attempt of a second as the AWS CLI: a machine that is no instance must not
/// make people wait.
///
/// # Errors
///
/// A setting that cannot be understood.
pub(crate) fn client(settings: &Settings, config: &ProviderConfig) -> Result<Client, Stop> {
    let sources = settings.sources();
    let attempts = number(
        sources,
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "metadata_service_num_attempts",
    )?;
    let mut client = Client::builder()
        .configure(config)
        .max_attempts(attempts.unwrap_or(1));
    if let Some(seconds) = number(
        sources,
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
    let mode = mode(sources)?;
    let endpoint = sources.find(
        &["AWS_EC2_METADATA_SERVICE_ENDPOINT"],
        "ec2_metadata_service_endpoint",
    )?;
    let Some(endpoint) = endpoint else {
        return Ok(client.endpoint_mode(mode).build());
    };
    let client = client
        .endpoint(&endpoint.value)
        .map_err(|_| endpoint.wrong("it must be the URL of a metadata service"))?;
    Ok(client.build())
}

fn mode(sources: Sources<'_>) -> Result<EndpointMode, Stop> {
    let mode = sources.find(
        &["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"],
        "ec2_metadata_service_endpoint_mode",
    )?;
    match mode {
        Some(mode) => mode
            .value
            .parse()
            .map_err(|_| mode.wrong("it must be IPv4 or IPv6")),
        None if sources.flag("AWS_IMDS_USE_IPV6", "imds_use_ipv6")? => Ok(EndpointMode::IpV6),
        None => Ok(EndpointMode::IpV4),
    }
}

fn number(sources: Sources<'_>, variable: &'static str, key: &str) -> Result<Option<u32>, Stop> {
    let Some(setting) = sources.find(&[variable], key)? else {
        return Ok(None);
    };
    match setting.value.parse() {
        Ok(number @ 1..=MOST) => Ok(Some(number)),
        _ => Err(setting.wrong("it must be a number from 1 to 100")),
    }
}
