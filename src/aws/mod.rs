//! Everything that uses the AWS SDK: settings, credentials, requests, responses and errors.

pub(crate) mod attempt;
mod client;
mod clock;
mod config_file;
mod connection;
mod connector;
mod container;
mod credential_chain;
mod credential_parts;
mod credentials;
mod endpoint;
mod environment;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod http;
mod ini;
mod key_account;
mod late;
mod list;
mod login;
mod lookup;
mod metadata_service;
mod mfa;
mod parameters;
mod process;
mod proxy;
mod proxy_variable;
mod rate_limiter;
mod recorder;
mod redact;
mod renewal;
mod response_body;
mod response_history;
mod response_limit;
mod retry;
mod role;
mod root;
mod root_certs;
mod session;
mod setting;
mod settings;
mod shown;
mod small_file;
mod sso;
mod sts;
mod time_budget;
mod tls;
mod user_agent;
mod xml;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_iam::config::{Builder, IdentityCache};
use tokio::time::Instant;

pub(crate) use client::{Iam, ReportRead};
pub(crate) use clock::{answered_at, timestamp};
pub(crate) use connection::Connection;
pub(crate) use error::timed_out;
pub(crate) use key_account::NamedKeys;
pub(crate) use list::{ListedUser, Listing};
pub(crate) use time_budget::TimeBudget;

use crate::error::RunError;
use crate::guard::{self, Signer};
use crate::ident::{AccessKeyId, AccountId};
use crate::log::Log;
use crate::request::Mode;
use config_file::ConfigFiles;
use credentials::{Provider, Source};
use rate_limiter::RateLimiter;
use retry::Retries;
use root::Root;
use settings::Settings;
use sts::{Caller, UNKNOWN_CALLER};
use time_budget::SharedClock;

/// What the run does with the credentials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    /// Whether the run may make many requests. Then their rate is limited, and credentials that expire are renewed.
    pub(crate) makes_many_requests: bool,
    pub(crate) mode: Mode,
    /// Whether keys that sign may be changed.
    pub(crate) allow_self: bool,
}

/// Returns the names of all profiles in the configuration files, sorted.
///
/// # Errors
///
/// A file cannot be read or parsed.
pub(crate) fn profile_names() -> Result<Vec<String>, RunError> {
    Ok(ConfigFiles::read()?.profile_names())
}

/// Reads the settings, fetches the credentials, and checks their account with STS if the options require that. Nothing
/// is sent to IAM. `keys` are the keys in whose account `--role-name` is assumed.
///
/// # Errors
///
/// Settings or credentials are invalid, or the account is unknown or not expected.
pub(crate) async fn connect(
    connection: &Connection,
    keys: Option<NamedKeys<'_>>,
    expected: &[AccountId],
    limit: Duration,
    purpose: Purpose,
    log: Log,
) -> Result<Iam, RunError> {
    let mut settings = Box::new(Settings::load(connection, log)?);
    if let Some((option, account)) = connection.named_account() {
        guard::account(expected, account, Some(option))?;
    }
    if connection.target_principal.is_some() {
        root::check_before(&settings)?;
    }
    let source = Source::choose(connection, &settings)?;
    let budget = TimeBudget::of_credentials(limit);
    if let Some(region) = source.region(&settings, &budget).await? {
        settings.default_region = region;
    }
    let credentials = source.resolve(None, &settings, &budget).await?;
    let mut caller = Caller::new(settings, source, credentials, limit);
    if let (Some(name), Some(keys)) = (&connection.role_name, keys) {
        if let Some(role) = Box::pin(caller.role_of(name, keys, expected)).await? {
            let _ = connection.found_role.set(role);
        }
        if let Some(role) = Source::of_options(connection) {
            caller = caller.assume(role).await?;
        }
    } else if let Some(target) = &connection.target_principal {
        let identity = caller.identity(UNKNOWN_CALLER).await?;
        let root = Provider::Root(Root::new(target, purpose.mode, &identity, connection));
        let root = Source::new(root, "--target-principal", None);
        caller = caller.assume(root).await?;
    }
    let credentials = caller.credentials();
    let account = credentials
        .account_id()
        .and_then(|account| account.as_str().parse().ok())
        .or_else(|| AccessKeyId::account_of(credentials.access_key_id()));
    let expires = credentials.expiry().is_some();
    let renews = purpose.makes_many_requests && expires && caller.source.is_renewable();
    caller.known = caller.check(connection, expected, renews).await?;
    if let Some(known) = &caller.known {
        caller.note(known);
    }
    let caller = Arc::new(caller);
    let settings = &caller.settings;
    let address = settings.endpoint_url.clone();
    let iam_region = address.as_deref().and_then(endpoint::signing_region);
    let iam_region = iam_region.map_or(settings.region(), Region::from_static);
    let mut config = Builder::from(&settings.sdk(iam_region, address));
    let signer = Signer {
        keys: Arc::clone(&settings.signing_keys),
        allow_self: purpose.allow_self,
        named_account: account,
        sts_account: Arc::clone(&caller.sts_account),
        profile: caller.source.profile.clone(),
        principal: connection.principal(),
    };
    let current = Arc::clone(&caller);
    let provider = provide_credentials_fn(move || ready(Ok(current.credentials())));
    let (retries, rate_limiter) = if purpose.makes_many_requests {
        // By default all requests share one budget of retries. In a long run it would be used up, and retries would end
        // silently.
        let partition = RetryPartition::custom("many").token_bucket(TokenBucket::unlimited());
        config.set_retry_partition(Some(partition.build()));
        let rate_limiter = Arc::new(RateLimiter::new());
        (Retries::RateLimiter, Some(rate_limiter))
    } else {
        (Retries::Sdk, None)
    };
    let config = config
        .credentials_provider(provider)
        .identity_cache(IdentityCache::no_cache())
        .retry_classifier(retries)
        .build();
    Ok(Iam {
        started: Instant::now(),
        client: Client::from_conf(config),
        caller,
        signer: Arc::new(signer),
        rate_limiter,
        // The other half of the limit is for verifying the key.
        patience: limit / 2,
        wait_clock: SharedClock::default(),
        subject: None,
        request_counts: Arc::default(),
        shown: Arc::default(),
    })
}
