//! STS: whose account the credentials belong to.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, Config, StalledStreamProtectionConfig};

use super::attempts::{Record, Recorder};
use super::call::{failure, unread};
use super::settings::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ident::AccountId;
use crate::log::Log;
use crate::report;
use crate::stop::Stop;

/// `GetCallerIdentity`: the account, as AWS itself knows it.
///
/// # Errors
///
/// AWS does not say. Nothing was sent to IAM.
pub(super) async fn account(
    settings: &Settings,
    endpoint_url: Option<String>,
    credentials: Credentials,
    log: Log,
) -> Result<AccountId, Stop> {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(settings.region.clone())
        .credentials_provider(credentials)
        .http_client(settings.clients.service.clone())
        .retry_config(settings.retry.clone())
        .timeout_config(settings.timeouts.clone())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(settings.fips)
        .use_dual_stack(settings.dual_stack);
    config.set_endpoint_url(endpoint_url);
    let record = Record::default();
    let result = Client::from_conf(config.build())
        .get_caller_identity()
        .customize()
        .interceptor(Recorder::new(&record, "GetCallerIdentityResponse", log))
        .send()
        .await;
    let account = match &result {
        Ok(output) => output
            .account()
            .and_then(|account| account.parse().ok())
            .ok_or_else(|| unread(&record, "no account")),
        Err(error) => Err(failure("GetCallerIdentity", &record, Some(error))),
    };
    account.map_err(|failure| not_told(&failure))
}

/// STS did not answer within the limit.
pub(super) fn out_of_time(limit: Duration) -> Stop {
    let seconds = limit.as_secs();
    let message = format!(
        "--expect-account could not be checked: STS did not answer within --timeout, {seconds} s"
    );
    Stop::failed(Exit::Unreachable, message, Vec::new())
}

fn not_told(failure: &Failure) -> Stop {
    let exit = match failure {
        Failure::Service(error) => error.exit(),
        Failure::Absent(_) | Failure::NotSent(_) | Failure::NoAnswer(_) => Exit::Unreachable,
    };
    let sentence = report::sentence(failure, "STS");
    Stop::failed(
        exit,
        format!("--expect-account could not be checked: {sentence}"),
        report::hint::of_signing(failure),
    )
}
