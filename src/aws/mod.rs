//! Everything that names an `aws_*` crate: from settings and credentials to IAM, and its errors in our words.

mod allowance;
pub(crate) mod attempts;
mod call;
mod config_file;
mod credential_report;
mod credentials;
mod endpoint;
mod environment;
mod error;
mod http;
mod iam;
mod instance;
mod pace;
mod page;
mod process;
mod profile;
mod proxy;
mod recorder;
mod reply;
mod responses;
mod retry;
mod secrets;
mod section;
mod setting;
mod settings;
mod sts;
#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/aws.rs"]
pub(crate) mod target;
mod tls;
mod trust;
mod variable;
mod watch;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_iam::config::{BehaviorVersion, Builder, StalledStreamProtectionConfig};
use aws_types::SdkConfig;

pub(crate) use allowance::Allowance;
pub(crate) use call::{out_of_time, out_of_time_reading};
pub(crate) use credential_report::{ReportRead, ReportState};
pub(crate) use iam::{Iam, ListedKey, ListedUser};

use crate::guard;
use crate::ident::{AccessKeyId, AccountId};
use crate::log::Log;
use crate::request::{Connection, Quantity};
use crate::signer::Signer;
use crate::stop::Stop;
use config_file::ConfigFiles;
use credentials::Resolved;
use pace::Pacer;
use responses::Responses;
use retry::{IamRetries, Throttled};
use settings::Settings;
pub(crate) use sts::Caller;

/// IAM, and who signs the requests to it.
#[derive(Debug)]
pub(crate) struct Connected {
    /// IAM.
    pub(crate) iam: Iam,
    /// The key that signs.
    pub(crate) signer: Signer,
    /// Whose account the credentials belong to, where that has to be certain.
    pub(crate) caller: Caller,
}

/// The names of all profiles of the configuration files. Nothing is contacted.
///
/// # Errors
///
/// A file that cannot be read or understood.
pub(crate) async fn profile_names() -> Result<Vec<String>, Stop> {
    let (profiles, _) = ConfigFiles::read()?.profiles("default").await?;
    Ok(profiles.profiles().map(str::to_owned).collect())
}

/// Settles settings and credentials, and asks STS whether they belong to the account that is expected, if any.
/// Nothing is sent to IAM.
///
/// # Errors
///
/// Wrong settings or credentials, another account or one that is not known, with what to do about it.
pub(crate) async fn connect(
    connection: &Connection,
    expected: Option<&AccountId>,
    limit: Duration,
    quantity: Quantity,
    log: Log,
) -> Result<Connected, Stop> {
    let settings = Settings::load(connection, log).await?;
    let Resolved {
        credentials,
        behind,
    } = credentials::resolve(&settings, limit, log).await?;
    let mut signer = Signer {
        profile: credentials::profile(&settings)?,
        access_key_id: credentials.access_key_id().to_owned(),
        behind,
        account: credentials
            .account_id()
            .and_then(|account| account.as_str().parse().ok())
            .or_else(|| AccessKeyId::account_of(credentials.access_key_id())),
    };
    let sdk = sdk_config(&settings, credentials);
    let responses = Responses::default();
    let mut config = Builder::from(&sdk);
    config.set_endpoint_url(settings.endpoint_url.clone());
    let mut caller = Caller {
        sdk,
        settings,
        connection: connection.clone(),
        limit,
        responses: responses.clone(),
        log,
        known: None,
    };
    if let Some(expected) = expected {
        let unchecked = "--expect-account could not be checked";
        let actual = caller.account(unchecked).await?;
        guard::account(expected, &actual)?;
        caller.known = Some(actual.clone());
        signer.account = Some(actual);
    }
    let (throttled, pacer) = match quantity {
        Quantity::One => (Throttled::Retried, None),
        Quantity::Many => {
            // One budget of retries for all requests of a long run would dry up, and retries silently end.
            let partition = RetryPartition::custom("many").token_bucket(TokenBucket::unlimited());
            config.set_retry_partition(Some(partition.build()));
            (Throttled::Paced, Some(Pacer::new()))
        }
    };
    let config = config.retry_classifier(IamRetries { throttled }).build();
    Ok(Connected {
        iam: Iam::new(Client::from_conf(config), responses, log, pacer, limit),
        signer,
        caller,
    })
}

/// What the clients of all services share.
fn sdk_config(settings: &Settings, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(settings.region.clone())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(settings.clients.service.clone())
        .retry_config(settings.retry.clone())
        .timeout_config(settings.timeouts.clone())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(settings.fips)
        .use_dual_stack(settings.dual_stack)
        .build()
}
