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
use super::settings::Settings;
use crate::exit::Exit;
use crate::ident::AccountId;
use crate::log::Log;
use crate::report;
use crate::request::Connection;
use crate::stop::Stop;

/// Asks whose account the credentials belong to, at most once.
#[derive(Debug)]
pub(crate) struct Caller {
    /// What the client of STS is made of.
    pub(super) sdk: SdkConfig,
    /// Where STS is.
    pub(super) settings: Settings,
    /// What the command line says of that.
    pub(super) connection: Connection,
    /// How long STS has to answer.
    pub(super) limit: Duration,
    /// The responses of this run.
    pub(super) responses: Responses,
    pub(super) log: Log,
    /// What STS said before.
    pub(super) known: Option<AccountId>,
}

impl Caller {
    /// `GetCallerIdentity`: the account, as AWS itself knows it. `without`: the start of the error.
    ///
    /// # Errors
    ///
    /// AWS does not say.
    pub(crate) async fn account(&self, without: &str) -> Result<AccountId, Stop> {
        if let Some(account) = &self.known {
            return Ok(account.clone());
        }
        let endpoint_url = self.settings.sts_endpoint_url(&self.connection, self.log)?;
        let asked = account(&self.sdk, endpoint_url, &self.responses, self.log, without);
        match tokio::time::timeout(self.limit, asked).await {
            Ok(account) => account,
            Err(_) => Err(out_of_time(self.limit, without)),
        }
    }
}

async fn account(
    sdk: &SdkConfig,
    endpoint_url: Option<String>,
    responses: &Responses,
    log: Log,
    without: &str,
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
    account.map_err(|failure| report::stop(&failure, "STS", &format!("{without}: ")))
}

/// STS did not answer within the limit.
fn out_of_time(limit: Duration, without: &str) -> Stop {
    let seconds = limit.as_secs();
    let message = format!("{without}: STS did not answer within --timeout, {seconds} s");
    Stop::failed(Exit::Unreachable, "Unreachable", message, Vec::new())
}
