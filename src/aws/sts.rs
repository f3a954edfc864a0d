//! STS: whose account the credentials belong to.

use std::time::Duration;

use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_types::SdkConfig;

use super::attempts::Record;
use super::call::{failure_of_read, unread};
use super::recorder::Recorder;
use super::responses::Responses;
use super::retry::{IamRetries, Throttled};
use crate::exit::Exit;
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
    sdk: &SdkConfig,
    endpoint_url: Option<String>,
    responses: &Responses,
    log: Log,
) -> Result<AccountId, Stop> {
    let mut config = Builder::from(sdk).retry_classifier(IamRetries {
        throttled: Throttled::Retried,
    });
    config.set_endpoint_url(endpoint_url);
    let (record, operation) = (Record::default(), "GetCallerIdentity");
    let result = Client::from_conf(config.build())
        .get_caller_identity()
        .customize()
        .interceptor(Recorder::new(&record, operation, responses, log))
        .send()
        .await;
    let account = match &result {
        Ok(output) => output
            .account()
            .and_then(|account| account.trim().parse().ok())
            .ok_or_else(|| unread(&record, "no account")),
        Err(error) => Err(failure_of_read(operation, &record, error)),
    };
    account
        .map_err(|failure| report::stop(&failure, "STS", "--expect-account could not be checked: "))
}

/// STS did not answer within the limit.
pub(super) fn out_of_time(limit: Duration) -> Stop {
    let seconds = limit.as_secs();
    let message = format!(
        "--expect-account could not be checked: STS did not answer within --timeout, {seconds} s"
    );
    Stop::failed(Exit::Unreachable, "Unreachable", message, Vec::new())
}
