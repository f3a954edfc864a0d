//! Who signs: resolved once, before anything else is sent, from the sources the AWS SDKs document, under a
//! limit of its own. A profile given by option is the only source there is.

use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_types::error::display::DisplayErrorContext;

use super::config_file::ConfigFiles;
use super::instance;
use super::profile::{self, ProfileSource};
use super::settings::{SelectedBy, Settings};
use super::variable;
use super::watch::Watch;
use crate::escape::{escape, excerpt};
use crate::log::Log;
use crate::stop::Stop;

/// Who signs, and who is behind.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) credentials: Credentials,
    /// The IDs of the keys that signed the requests for them.
    pub(crate) behind: Vec<String>,
}

/// Resolves the credentials.
///
/// # Errors
///
/// None anywhere, wrong, expired, or not in time; with what to run next. Nothing was sent to IAM.
pub(crate) async fn resolve(
    settings: &Settings,
    limit: Duration,
    log: Log,
) -> Result<Resolved, Stop> {
    profile::check(settings)?;
    if settings.profile.by != SelectedBy::Option {
        variable::check()?;
    }
    let watch = Watch::default();
    let source = source(settings, &watch, log)?;
    let resolved = tokio::time::timeout(limit, source.provide_credentials()).await;
    let credentials = match resolved {
        Ok(Ok(credentials)) => credentials,
        Ok(Err(error)) => return Err(not_resolved(settings, &watch, &error)),
        Err(_) => {
            let seconds = limit.as_secs();
            let stop = Stop::credentials(format!(
                "no credentials within {seconds} s: their source does not answer"
            ));
            return Err(profile::hint(settings, stop));
        }
    };
    if credentials
        .expiry()
        .is_some_and(|expiry| expiry <= SystemTime::now())
    {
        let stop = Stop::credentials("the credentials have expired");
        return Err(profile::hint(settings, stop));
    }
    log.verbose(|| format!("signing with {}", escape(credentials.access_key_id())));
    Ok(Resolved {
        credentials,
        behind: watch.key_ids(),
    })
}

/// The profile that the credentials come from; `None` where they come from elsewhere, or may.
///
/// # Errors
///
/// A variable that cannot be read.
pub(super) fn profile(settings: &Settings) -> Result<Option<String>, Stop> {
    let is_used = settings.profile.by == SelectedBy::Option
        || (variable::credentials()?.is_none() && profile::names_source(settings));
    Ok(is_used.then(|| settings.profile.name.clone()))
}

/// The sources in the order in which the AWS CLI asks them. Each takes a client of its own to be made, so only those are
/// that can have an answer.
fn source(settings: &Settings, watch: &Watch, log: Log) -> Result<SharedCredentialsProvider, Stop> {
    let variables = variable::credentials()?;
    if settings.profile.by != SelectedBy::Option
        && let Some(variables) = variables
    {
        return Ok(SharedCredentialsProvider::new(variables));
    }
    let service = provider_config(settings).with_http_client(watch.over(&settings.clients.service));
    let metadata =
        provider_config(settings).with_http_client(watch.over(&settings.clients.metadata));
    let container = SharedCredentialsProvider::new(container(&metadata));
    let instance = SharedCredentialsProvider::new(instance(settings, &metadata)?);
    let sources = profile::Sources {
        variables,
        container: container.clone(),
        instance: instance.clone(),
    };
    let profile = ProfileSource::new(settings, &service, sources, log)?;
    if settings.profile.by == SelectedBy::Option {
        return Ok(SharedCredentialsProvider::new(profile));
    }
    let chain = CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance);
    Ok(SharedCredentialsProvider::new(chain))
}

fn provider_config(settings: &Settings) -> ProviderConfig {
    ProviderConfig::without_region()
        .with_region(Some(settings.region.clone()))
        .with_use_fips(Some(settings.fips))
        .with_use_dual_stack(Some(settings.dual_stack))
        .with_retry_config(settings.retry.clone())
        .with_timeout_config(settings.timeouts.clone())
}

fn container(config: &ProviderConfig) -> EcsCredentialsProvider {
    EcsCredentialsProvider::builder().configure(config).build()
}

fn instance(settings: &Settings, config: &ProviderConfig) -> Result<ImdsCredentialsProvider, Stop> {
    Ok(ImdsCredentialsProvider::builder()
        .configure(config)
        .imds_client(instance::client(settings, config)?)
        .build())
}

fn not_resolved(settings: &Settings, watch: &Watch, error: &CredentialsError) -> Stop {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        if settings.profile.by == SelectedBy::Option {
            let name = escape(&settings.profile.name);
            let stop = Stop::credentials(format!(
                "the profile `{name}` holds no credentials, and --profile allows no other source"
            ));
            return profile::hint(settings, stop);
        }
        let files = ConfigFiles::places().join(", ");
        return Stop::credentials(format!(
            "no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), not in profile `{}` of {files}, \
             no web identity token, no container and no instance metadata service",
            escape(&settings.profile.name),
        ))
        .hint("`aws configure` stores credentials; --profile NAME chooses a profile that has them");
    }
    profile::hint(
        settings,
        Stop::credentials(format!(
            "no credentials: {}",
            excerpt(&watch.hide(&chain(error)))
        )),
    )
}

/// What went wrong, without the names of the SDK's own types.
fn chain(error: &CredentialsError) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    if text.is_empty() {
        DisplayErrorContext(error).to_string()
    } else {
        text
    }
}
