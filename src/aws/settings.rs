//! What the environment and the configuration files say about reaching IAM, checked as a whole before
//! anything is sent. What cannot be understood is an error that names where it stands.

use std::ffi::OsStr;
use std::time::Duration;

use aws_runtime::env_config::section::EnvConfigSections;
use aws_smithy_types::retry::{RetryConfig, RetryMode, RetrySpec};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;

use super::config_file::{Apart, ConfigFiles};
use super::endpoint::{self, IAM, STS};
use super::environment;
use super::http::Clients;
use super::proxy;
use super::setting::{Setting, Sources};
use super::trust;
use crate::escape::escape;
use crate::invalid::shown;
use crate::log::Log;
use crate::request::Connection;
use crate::secret::has_secret;
use crate::stop::Stop;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything that was settled.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The profile, and who named it.
    pub(crate) profile: SelectedProfile,
    /// The configuration files.
    pub(crate) files: ConfigFiles,
    /// Their profiles.
    pub(crate) profiles: EnvConfigSections,
    /// The profiles of each file by itself.
    pub(crate) apart: Apart,
    /// The region, which chooses the partition.
    pub(crate) region: Region,
    /// Another address for IAM.
    pub(crate) endpoint_url: Option<String>,
    /// Whether FIPS endpoints are wanted.
    pub(crate) fips: bool,
    /// Whether dual-stack endpoints are wanted.
    pub(crate) dual_stack: bool,
    /// How often a call is tried.
    pub(crate) retry: RetryConfig,
    /// The limits of connecting, reading and of one attempt.
    pub(crate) timeouts: TimeoutConfig,
    /// The HTTP clients, with the certificate authorities settled.
    pub(crate) clients: Clients,
}

/// A profile and who named it.
#[derive(Clone, Debug)]
pub(crate) struct SelectedProfile {
    /// Its name; `default` when nobody named one.
    pub(crate) name: String,
    /// Who named it.
    pub(crate) by: SelectedBy,
}

/// Who named the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelectedBy {
    /// `--profile`: credentials come from it alone.
    Option,
    /// An environment variable.
    Variable(&'static str),
    /// Nobody.
    Nobody,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong, with where it stands. Nothing has been contacted.
    pub(crate) async fn load(connection: &Connection, log: Log) -> Result<Self, Stop> {
        let profile = SelectedProfile::choose(connection)?;
        let files = ConfigFiles::read()?;
        let (profiles, apart) = files.profiles(&profile.name).await?;
        profile.check(&profiles)?;
        let sources = Sources {
            profiles: &profiles,
        };
        sources.flag("AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled")?;
        sources.flag(
            "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
            "disable_clock_skew_correction",
        )?;
        let ignore_urls = sources.ignores_endpoint_urls()?;
        let fips = sources.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?;
        let dual_stack = sources.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?;
        let endpoint_url = endpoint::choose(
            IAM,
            connection.endpoint_url.as_deref(),
            sources,
            ignore_urls,
            log,
        )?;
        if endpoint_url.is_some() && (fips || dual_stack) {
            return Err(Stop::configuration(
                "FIPS or dual-stack endpoints cannot be combined with another endpoint URL",
            )
            .hint("unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or leave the endpoint URL out"));
        }
        proxy::check()?;
        let region = region(connection.region.as_deref(), sources)?;
        log.verbose(|| format!("profile {}, region {region}", escape(&profile.name)));
        let retry = retry(sources)?;
        let timeouts = timeouts(connection);
        let clients = Clients::new(trust::choose(connection.ca_bundle.as_deref(), sources)?);
        clients.prepare(endpoint_url.as_deref().unwrap_or("https:"), &timeouts)?;
        Ok(Self {
            profile,
            files,
            profiles,
            apart,
            region,
            endpoint_url,
            fips,
            dual_stack,
            retry,
            timeouts,
            clients,
        })
    }

    /// Where a setting is looked for.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources {
            profiles: &self.profiles,
        }
    }

    /// Another address for STS: its own variable's, `--endpoint-url`, and then what is configured. Who points this
    /// program at another IAM than AWS's means the STS beside it.
    ///
    /// # Errors
    ///
    /// An address that is none.
    pub(crate) fn sts_endpoint_url(
        &self,
        connection: &Connection,
        log: Log,
    ) -> Result<Option<String>, Stop> {
        let sources = self.sources();
        let ignore_urls = sources.ignores_endpoint_urls()?;
        let option = match environment::filled(STS.variable)? {
            Some(_) if !ignore_urls => None,
            _ => connection.endpoint_url.as_deref(),
        };
        endpoint::choose(STS, option, sources, ignore_urls, log)
    }
}

impl SelectedProfile {
    fn choose(connection: &Connection) -> Result<Self, Stop> {
        let (name, by) = if let Some(name) = &connection.profile {
            (name.clone(), SelectedBy::Option)
        } else {
            // The AWS CLI asks in this order too.
            let mut found = ("default".to_owned(), SelectedBy::Nobody);
            for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
                if let Some(name) = environment::text(variable)? {
                    found = (name, SelectedBy::Variable(variable));
                }
            }
            found
        };
        Ok(Self { name, by })
    }

    fn check(&self, profiles: &EnvConfigSections) -> Result<(), Stop> {
        if self.by == SelectedBy::Nobody || profiles.get_profile(&self.name).is_some() {
            return Ok(());
        }
        let source = match self.by {
            SelectedBy::Variable(variable) => format!("the environment variable {variable}"),
            SelectedBy::Option | SelectedBy::Nobody => "--profile".to_owned(),
        };
        let message = if self.name.trim().is_empty() {
            format!("{source} is empty: it must name a profile")
        } else {
            format!(
                "the profile `{}`, named by {source}, does not exist",
                shown(OsStr::new(&self.name))
            )
        };
        let mut known: Vec<String> = profiles.profiles().map(escape).collect();
        known.sort();
        let places = ConfigFiles::places().join(" and ");
        Err(Stop::configuration(message).hint(if known.is_empty() {
            format!("there is no profile at all in {places}; create one with `aws configure`")
        } else {
            format!("the profiles in {places} are: {}", known.join(", "))
        }))
    }
}

/// The region, which chooses the partition.
///
/// # Errors
///
/// It is none.
pub(super) fn region(option: Option<&str>, sources: Sources<'_>) -> Result<Region, Stop> {
    let setting = match option {
        Some(value) => Some(Setting::option("--region", value)),
        None => sources.find(&["AWS_REGION", "AWS_DEFAULT_REGION"], "region")?,
    };
    let Some(setting) = setting else {
        // IAM is global: without a region the SDK would ask the instance metadata service and then fail.
        return Ok(Region::from_static("us-east-1"));
    };
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let valid = (1..=63).contains(&setting.value.len())
        && setting.value.chars().all(label)
        && !setting.value.starts_with('-')
        && !setting.value.ends_with('-')
        && !has_secret(&setting.value);
    if valid {
        Ok(Region::new(setting.value))
    } else {
        Err(setting.wrong("a region is letters, digits and dashes, such as us-east-1"))
    }
}

/// How often a call is tried.
///
/// # Errors
///
/// A mode that there is not, or no number of attempts.
pub(super) fn retry(sources: Sources<'_>) -> Result<RetryConfig, Stop> {
    // The revised backoff: 50 ms for lost replies and server errors, a second for throttling.
    let mut retry = RetryConfig::standard().with_retry_spec(RetrySpec::v2_1());
    if let Some(mode) = sources.find(&["AWS_RETRY_MODE"], "retry_mode")? {
        retry = match mode.value.to_ascii_lowercase().as_str() {
            // `legacy` is the AWS CLI's own older mode; the SDK has none.
            "standard" | "legacy" => retry,
            "adaptive" => retry.with_retry_mode(RetryMode::Adaptive),
            _ => return Err(mode.wrong("it must be standard, adaptive or legacy")),
        };
    }
    if let Some(attempts) = sources.find(&["AWS_MAX_ATTEMPTS"], "max_attempts")? {
        retry = match attempts.value.parse() {
            Ok(number @ 1..=100) => retry.with_max_attempts(number),
            _ => return Err(attempts.wrong("it must be a number from 1 to 100")),
        };
    }
    Ok(retry)
}

fn timeouts(connection: &Connection) -> TimeoutConfig {
    let limit = |given: Option<Duration>, default| match given {
        Some(Duration::ZERO) => None,
        Some(limit) => Some(limit),
        None => Some(default),
    };
    let connect = limit(connection.connect_timeout, CONNECT_TIMEOUT);
    let read = limit(connection.read_timeout, READ_TIMEOUT);
    let mut timeouts = TimeoutConfig::builder();
    timeouts
        .set_connect_timeout(connect)
        .set_read_timeout(read)
        // The read limit starts again with every byte; the attempt's does not.
        .set_operation_attempt_timeout(connect.zip(read).map(|(connect, read)| connect + read));
    timeouts.build()
}
