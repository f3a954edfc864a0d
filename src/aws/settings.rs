//! What the environment and the configuration files say about reaching IAM, checked as a whole before
//! anything is sent. What cannot be understood is an error that names where it stands.

use std::ffi::OsStr;
use std::time::Duration;

use aws_sdk_iam::config::{BehaviorVersion, StalledStreamProtectionConfig};
use aws_smithy_types::retry::{RetryConfig, RetryMode, RetrySpec};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::config_file::ConfigFiles;
use super::endpoint::{self, IAM, STS, Service};
use super::environment;
use super::http::Clients;
use super::proxy;
use super::setting::{Lookup, Setting};
use super::trust;
use crate::escape::escape;
use crate::invalid::shown;
use crate::log::Log;
use crate::request::Connection;
use crate::secret::has_secret;
use crate::stop::Stop;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The profile, and who named it.
    pub(crate) profile: SelectedProfile,
    /// The configuration files.
    pub(crate) files: ConfigFiles,
    /// The region, where one is configured.
    pub(crate) region: Option<Region>,
    /// Whether the configured addresses of services do not count.
    pub(crate) ignores_endpoint_urls: bool,
    /// Another address for IAM.
    pub(crate) endpoint_url: Option<String>,
    /// Whether FIPS endpoints are wanted.
    fips: bool,
    /// Whether dual-stack endpoints are wanted.
    dual_stack: bool,
    /// How often a call is tried.
    retry: RetryConfig,
    /// The limits of connecting, reading and of one attempt.
    timeouts: TimeoutConfig,
    /// The HTTP clients.
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
    pub(crate) fn load(connection: &Connection, log: Log) -> Result<Self, Stop> {
        let profile = SelectedProfile::choose(connection, log)?;
        let files = ConfigFiles::read()?;
        profile.check(&files)?;
        let lookup = Lookup {
            profile: files.profile(&profile.name),
        };
        for (variable, name) in [
            ("AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled"),
            (
                "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
                "disable_clock_skew_correction",
            ),
        ] {
            lookup.flag(variable, name)?;
        }
        let mode = lookup.find(
            &["AWS_ACCOUNT_ID_ENDPOINT_MODE"],
            "account_id_endpoint_mode",
        )?;
        if let Some(mode) = mode
            && !["preferred", "disabled", "required"].contains(&mode.value.as_str())
        {
            return Err(mode.wrong("it must be preferred, disabled or required"));
        }
        let region = region(connection.region.as_deref(), lookup)?;
        log.verbose(|| {
            let region = region.as_ref().map(|region| format!("region {region}"));
            let region = region.unwrap_or("no region".to_owned());
            format!("profile {}, {region}", escape(&profile.name))
        });
        let trust = trust::choose(connection.ca_bundle.as_deref(), lookup)?;
        let mut settings = Self {
            ignores_endpoint_urls: lookup.flag(
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                "ignore_configured_endpoint_urls",
            )?,
            endpoint_url: None,
            fips: lookup.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
            dual_stack: lookup.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
            retry: retry(lookup)?,
            timeouts: timeouts(connection),
            clients: Clients::new(trust),
            region,
            profile,
            files,
        };
        let option = connection.endpoint_url.as_deref();
        settings.endpoint_url = settings.address(IAM, option, log)?;
        let uri = settings.endpoint_url.as_deref().unwrap_or("https:");
        settings.clients.prepare(uri, &settings.timeouts)?;
        Ok(settings)
    }

    /// Where a setting is searched for.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup {
            profile: self.files.profile(&self.profile.name),
        }
    }

    /// Whether a profile is the only source of credentials.
    pub(crate) fn is_profile_only(&self) -> bool {
        self.profile.by == SelectedBy::Option
    }

    /// The region, which chooses the partition: IAM is global, so that any of the partition will do.
    pub(crate) fn region(&self) -> Region {
        let region = self.region.clone();
        region.unwrap_or(Region::from_static("us-east-1"))
    }

    /// What the clients of all services share, for requests to `region`. An address that is configured is neither AWS's
    /// dual-stack one nor another.
    pub(crate) fn sdk(&self, region: Region, address: Option<&str>) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .http_client(self.clients.service.clone())
            .retry_config(self.retry.clone())
            .timeout_config(self.timeouts.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .use_fips(self.fips)
            .use_dual_stack(self.dual_stack && address.is_none())
            .build()
    }

    /// Another address for a service: the option's, or what is configured.
    ///
    /// # Errors
    ///
    /// It is not an address, it is to be a FIPS endpoint as well, or the proxy for it is not a proxy.
    pub(crate) fn address(
        &self,
        service: Service,
        option: Option<&str>,
        log: Log,
    ) -> Result<Option<String>, Stop> {
        let url = endpoint::choose(service, option, self, log)?;
        if url.is_some() && self.fips {
            return Err(Stop::configuration(
                "FIPS endpoints cannot be combined with another endpoint URL",
            )
            .hint("unset AWS_USE_FIPS_ENDPOINT, or leave the endpoint URL out"));
        }
        proxy::check(url.as_deref().unwrap_or("https:"))?;
        Ok(url)
    }

    /// Another address for STS: its own variable's, `--endpoint-url`, and then what is configured. Who points this
    /// program at another IAM than AWS's means the STS beside it.
    ///
    /// # Errors
    ///
    /// It is not an address.
    pub(crate) fn identity_address(
        &self,
        connection: &Connection,
        log: Log,
    ) -> Result<Option<String>, Stop> {
        let option = match environment::filled(STS.variable)? {
            Some(_) if !self.ignores_endpoint_urls => None,
            _ => connection.endpoint_url.as_deref(),
        };
        self.address(STS, option, log)
    }
}

impl SelectedProfile {
    fn choose(connection: &Connection, log: Log) -> Result<Self, Stop> {
        let by_option = connection.profile.clone();
        let by_option = by_option.map(|name| (name, SelectedBy::Option));
        let mut found = by_option.into_iter().collect::<Vec<_>>();
        if found.is_empty() {
            for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
                let named = environment::text(variable)?;
                found.extend(named.map(|name| (name, SelectedBy::Variable(variable))));
            }
        }
        if let [(first, _), (second, _)] = found.as_slice()
            && first != second
        {
            log.warning(&format!(
                "AWS_DEFAULT_PROFILE is ignored, because AWS_PROFILE names the profile `{}`",
                shown(OsStr::new(first))
            ));
        }
        let default = ("default".to_owned(), SelectedBy::Nobody);
        let (name, by) = found.into_iter().next().unwrap_or(default);
        Ok(Self { name, by })
    }

    fn check(&self, files: &ConfigFiles) -> Result<(), Stop> {
        if self.by == SelectedBy::Nobody || files.profile(&self.name).is_some() {
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
        let known: Vec<String> = files.profile_names().into_iter().map(escape).collect();
        let places = ConfigFiles::places().join(" and ");
        Err(Stop::configuration(message).hint(if known.is_empty() {
            format!("there is no profile at all in {places}; create one with `aws configure`")
        } else {
            format!("the profiles in {places} are: {}", known.join(", "))
        }))
    }
}

/// The region, where one is configured.
///
/// # Errors
///
/// It is not a region.
pub(super) fn region(option: Option<&str>, lookup: Lookup<'_>) -> Result<Option<Region>, Stop> {
    let setting = match option {
        Some(value) => Some(Setting::new("--region", value)),
        None => lookup.find(&["AWS_REGION", "AWS_DEFAULT_REGION"], "region")?,
    };
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match setting {
        None => Ok(None),
        Some(setting) => {
            let value = &setting.value;
            let valid = (1..=63).contains(&value.len())
                && value.chars().all(label)
                && value.contains(|c: char| c.is_ascii_lowercase())
                && !value.starts_with('-')
                && !value.ends_with('-')
                && !has_secret(value);
            if !valid {
                let rule = "a region is lowercase letters, digits and dashes, such as us-east-1";
                return Err(setting.wrong(rule));
            }
            if value.contains("fips") {
                let rule = "name the region itself, and set AWS_USE_FIPS_ENDPOINT to true";
                return Err(setting.wrong(rule));
            }
            Ok(Some(Region::new(setting.value)))
        }
    }
}

/// How often a call is tried.
///
/// # Errors
///
/// A mode that there is not, or no number of attempts.
pub(super) fn retry(lookup: Lookup<'_>) -> Result<RetryConfig, Stop> {
    // The revised backoff: 50 ms for lost replies and server errors, a second for throttling.
    let mut retry = RetryConfig::standard().with_retry_spec(RetrySpec::v2_1());
    if let Some(mode) = lookup.find(&["AWS_RETRY_MODE"], "retry_mode")? {
        retry = match mode.value.to_ascii_lowercase().as_str() {
            // `legacy` is the AWS CLI's own older mode; the SDK has none.
            "standard" | "legacy" => retry,
            "adaptive" => retry.with_retry_mode(RetryMode::Adaptive),
            _ => return Err(mode.wrong("it must be standard, adaptive or legacy")),
        };
    }
    if let Some(attempts) = lookup.find(&["AWS_MAX_ATTEMPTS"], "max_attempts")? {
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
