//! What the environment and the configuration files say about reaching IAM, checked as a whole before
//! anything is sent. What cannot be understood is an error that names where it stands.

use std::ffi::OsStr;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_iam::config::{BehaviorVersion, StalledStreamProtectionConfig};
use aws_smithy_types::retry::{RetryConfig, RetryMode, RetrySpec};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::config_file::{ConfigFiles, Profile};
use super::connection::Connection;
use super::endpoint;
use super::environment;
use super::http::Clients;
use super::proxy;
use super::root_certs;
use super::setting::Setting;
use crate::error::{Explain, RunError};
use crate::ident::TokenCode;
use crate::log::Log;
use crate::sanitize::{display_value, escape};
use crate::secret::has_secret;

/// What names the profile where the command line does: credentials come from it alone.
pub(super) const BY_OPTION: &str = "--profile";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The name of the profile; `default` when nobody named one.
    pub(crate) profile_name: String,
    /// What names the profile: `BY_OPTION` or an environment variable.
    pub(crate) profile_by: Option<&'static str>,
    /// The configuration files.
    pub(crate) files: ConfigFiles,
    /// The region, where one is configured.
    pub(crate) region: Option<Region>,
    /// The region where none is configured. It chooses the partition: IAM is global, so that any of the partition will do.
    pub(crate) default_region: Region,
    /// Whether the configured addresses of services do not count.
    pub(crate) ignores_endpoint_urls: bool,
    /// Another address for IAM.
    pub(crate) endpoint_url: Option<String>,
    /// The same as the command line gives it.
    endpoint_option: Option<String>,
    /// The code of an MFA device that the command line gives. It works once.
    pub(super) token_code: Mutex<Option<TokenCode>>,
    /// The HTTP clients.
    pub(crate) clients: Clients,
    /// What the clients of all services share.
    sdk: SdkConfig,
    /// Where warnings go, and what is chosen.
    pub(crate) log: Log,
    /// How a failed call to STS is explained.
    pub(crate) explain: Explain,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong, with where it stands. Nothing has been contacted.
    pub(crate) fn load(
        connection: &Connection,
        log: Log,
        explain: Explain,
    ) -> Result<Self, RunError> {
        let (profile_name, profile_by) = choose_profile(connection, log)?;
        let files = ConfigFiles::read()?;
        let profile = files.profile(&profile_name);
        if let Some(by) = profile_by
            && !profile.is_defined()
        {
            return Err(unknown_profile(&profile_name, by, &files));
        }
        profile.flag("ec2_metadata_disabled")?;
        profile.flag("disable_clock_skew_correction")?;
        let mode = profile.find("account_id_endpoint_mode")?;
        if let Some(mode) = mode
            && !["preferred", "disabled", "required"].contains(&mode.value.as_str())
        {
            return Err(mode.wrong("it must be preferred, disabled or required"));
        }
        let region = region(connection.region.as_deref(), profile)?;
        log.verbose(|| {
            let region = region.as_ref().map(|region| format!("region {region}"));
            let region = region.unwrap_or("no region".to_owned());
            format!("profile {}, {region}", escape(&profile_name))
        });
        let clients = Clients::new(root_certs::choose(
            connection.ca_bundle.as_deref(),
            profile,
        )?);
        let ignores_endpoint_urls = profile.flag("ignore_configured_endpoint_urls")?;
        let timeouts = timeouts(connection);
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(clients.service())
            .use_fips(profile.flag("use_fips_endpoint")?)
            .use_dual_stack(profile.flag("use_dualstack_endpoint")?)
            .retry_config(retry(profile)?)
            .timeout_config(timeouts.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let mut settings = Self {
            profile_name,
            profile_by,
            files,
            region,
            default_region: Region::from_static("us-east-1"),
            ignores_endpoint_urls,
            endpoint_url: None,
            endpoint_option: connection.endpoint_url.clone(),
            token_code: Mutex::new(connection.token_code.clone()),
            clients,
            sdk,
            log,
            explain,
        };
        settings.endpoint_url = settings.address("iam", settings.endpoint_option.as_deref())?;
        let uri = settings.endpoint_url.as_deref().unwrap_or("https:");
        settings.clients.prepare(uri, &timeouts)?;
        Ok(settings)
    }

    /// The selected profile.
    pub(crate) fn profile(&self) -> Profile<'_> {
        self.files.profile(&self.profile_name)
    }

    /// The region in use.
    pub(crate) fn region(&self) -> Region {
        self.region.as_ref().unwrap_or(&self.default_region).clone()
    }

    /// What a client takes for requests to `region` at `address`, or else at AWS's own. An address that is configured is
    /// not AWS's dual-stack one.
    pub(crate) fn sdk(&self, region: Region, address: Option<String>) -> SdkConfig {
        let mut sdk = self.sdk.clone().into_builder().region(region);
        if address.is_some() {
            sdk.set_use_dual_stack(Some(false));
        }
        sdk.set_endpoint_url(address);
        sdk.build()
    }

    /// The same for a service at the address that is configured.
    ///
    /// # Errors
    ///
    /// As of `address`.
    pub(crate) fn sdk_of(&self, service: &str, region: Region) -> Result<SdkConfig, RunError> {
        Ok(self.sdk(region, self.address(service, None)?))
    }

    /// Another address for a service: the option's, or what is configured.
    ///
    /// # Errors
    ///
    /// It is not an address, it is to be a FIPS endpoint as well, or the proxy for it is not a proxy.
    fn address(&self, service: &str, option: Option<&str>) -> Result<Option<String>, RunError> {
        let url = endpoint::choose(service, option, self)?;
        if url.is_some() && self.sdk.use_fips() == Some(true) {
            return Err(RunError::configuration(
                "FIPS endpoints cannot be combined with another endpoint URL",
            )
            .hint("unset AWS_USE_FIPS_ENDPOINT, or omit the endpoint URL"));
        }
        proxy::check(url.as_deref().unwrap_or("https:"))?;
        Ok(url)
    }

    /// What a client for STS takes to ask who the caller is, or to assume the role of `--role-arn`: at the address of its own variable, of `--endpoint-url`, and then
    /// at what is configured. A user who sets another IAM endpoint than AWS's also means the STS at that host.
    ///
    /// # Errors
    ///
    /// As of `address`.
    pub(crate) fn sdk_of_identity(&self) -> Result<SdkConfig, RunError> {
        let option = match Setting::variable("AWS_ENDPOINT_URL_STS")? {
            Some(_) if !self.ignores_endpoint_urls => None,
            _ => self.endpoint_option.as_deref(),
        };
        Ok(self.sdk(self.region(), self.address("sts", option)?))
    }
}

/// The name of the profile, and what names it.
fn choose_profile(
    connection: &Connection,
    log: Log,
) -> Result<(String, Option<&'static str>), RunError> {
    const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    if let Some(name) = &connection.profile {
        return Ok((name.clone(), Some(BY_OPTION)));
    }
    let [first, second] = VARIABLES.map(environment::text);
    match (first?, second?) {
        (Some(name), other) => {
            if other.is_some_and(|other| other != name) {
                log.warning(&format!(
                    "AWS_DEFAULT_PROFILE is ignored, because AWS_PROFILE names the profile `{}`",
                    display_value(OsStr::new(&name))
                ));
            }
            Ok((name, Some(VARIABLES[0])))
        }
        (None, Some(name)) => Ok((name, Some(VARIABLES[1]))),
        (None, None) => Ok(("default".to_owned(), None)),
    }
}

fn unknown_profile(name: &str, by: &str, files: &ConfigFiles) -> RunError {
    let source = match by {
        BY_OPTION => by.to_owned(),
        variable => format!("the environment variable {variable}"),
    };
    let message = if name.trim().is_empty() {
        format!("{source} is empty: it must name a profile")
    } else {
        let name = display_value(OsStr::new(name));
        format!("the profile `{name}`, named by {source}, does not exist")
    };
    let known = files.profile_names();
    let known: Vec<String> = known.iter().map(|name| escape(name)).collect();
    let places = ConfigFiles::places().join(" and ");
    RunError::configuration(message).hint(if known.is_empty() {
        format!("there is no profile at all in {places}; create one with `aws configure`")
    } else {
        format!("the profiles in {places} are: {}", known.join(", "))
    })
}

/// The region, where one is configured.
///
/// # Errors
///
/// It is not a region.
pub(super) fn region(
    option: Option<&str>,
    profile: Profile<'_>,
) -> Result<Option<Region>, RunError> {
    let mut setting = option.map(|value| Setting::new("--region", value));
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if setting.is_none() {
            setting = Setting::variable(variable)?;
        }
    }
    let Some(setting) = setting.or_else(|| profile.get("region")) else {
        return Ok(None);
    };
    let value = &setting.value;
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
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

/// How often a call is tried.
///
/// # Errors
///
/// A mode that there is not, or no number of attempts.
pub(super) fn retry(profile: Profile<'_>) -> Result<RetryConfig, RunError> {
    // The revised backoff: 50 ms for lost replies and server errors, a second for throttling.
    let mut retry = RetryConfig::standard().with_retry_spec(RetrySpec::v2_1());
    if let Some(mode) = profile.find("retry_mode")? {
        retry = match mode.value.to_ascii_lowercase().as_str() {
            // `legacy` is the AWS CLI's own older mode; the SDK has none.
            "standard" | "legacy" => retry,
            "adaptive" => retry.with_retry_mode(RetryMode::Adaptive),
            _ => return Err(mode.wrong("it must be standard, adaptive or legacy")),
        };
    }
    Ok(match profile.number("max_attempts")? {
        Some(attempts) => retry.with_max_attempts(attempts),
        None => retry,
    })
}

fn timeouts(connection: &Connection) -> TimeoutConfig {
    let limit = |given: Option<Duration>, default| {
        let limit = given.unwrap_or(default);
        (!limit.is_zero()).then_some(limit)
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
