//! Reads the settings from options, environment variables and configuration files, and checks all of them before
//! anything is sent. An invalid setting is an error that names its place.

use std::ffi::OsStr;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::Region;
use aws_config::SdkConfig;
use aws_sdk_iam::config::{BehaviorVersion, StalledStreamProtectionConfig};
use aws_smithy_types::retry::{RetryConfig, RetryMode, RetrySpec};
use aws_smithy_types::timeout::TimeoutConfig;

use super::config_file::{ConfigFiles, Profile};
use super::connection::Connection;
use super::endpoint;
use super::environment;
use super::http::LazyConnector;
use super::proxy;
use super::root_certs;
use super::setting::Setting;
use super::sso;
use crate::command_line::CommandLine;
use crate::error::{Hint, RunError};
use crate::guard::SigningKeys;
use crate::ident::TokenCode;
use crate::log::Log;
use crate::sanitize::{display_value, escape};
use crate::secret::has_secret;

/// The source of the profile name if an option names it. Then only this profile provides credentials.
pub(super) const BY_OPTION: &str = "--profile";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The settings of a run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The name of the profile, `default` if none is named.
    pub(crate) profile_name: String,
    /// The source of that name: `BY_OPTION` or an environment variable. `None`: no profile is named.
    pub(crate) profile_by: Option<&'static str>,
    pub(crate) files: ConfigFiles,
    /// The configured region.
    pub(crate) region: Option<Region>,
    /// The region if none is configured. It only selects the partition, because IAM is global.
    pub(crate) default_region: Region,
    /// Whether configured endpoint URLs are ignored (`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`).
    pub(crate) ignores_endpoint_urls: bool,
    /// The endpoint URL of IAM, if one is configured.
    pub(crate) endpoint_url: Option<String>,
    /// The value of `--endpoint-url`.
    pub(super) endpoint_option: Option<String>,
    /// The value of `--token-code`, until it is used.
    pub(super) token_code: Mutex<Option<TokenCode>>,
    /// Whether that option was given.
    pub(super) has_token_code: bool,
    /// The keys of all credentials that were fetched.
    pub(super) signing_keys: SigningKeys,
    /// The configuration that the clients of all services share.
    pub(super) sdk: SdkConfig,
    /// The warnings about endpoints that were printed.
    pub(super) warned: Mutex<Vec<String>>,
    pub(crate) log: Log,
}

impl Settings {
    /// Reads and checks all settings. No request is sent.
    ///
    /// # Errors
    ///
    /// A setting is invalid.
    pub(crate) fn load(connection: &Connection, log: Log) -> Result<Self, RunError> {
        let (profile_name, profile_by) = choose_profile(connection, log)?;
        let files = ConfigFiles::read()?;
        let profile = files.profile(&profile_name);
        if let Some(by) = profile_by
            && !profile.is_defined()
        {
            return Err(unknown_profile(&profile_name, by, &files));
        }
        // The AWS CLI stops if the SSO session is not complete, whoever signs.
        sso::session(profile, &files)?;
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
        let bundle = root_certs::choose(connection.ca_bundle.as_deref(), profile);
        let timeouts = timeouts(connection);
        let services = LazyConnector::new(bundle, &timeouts);
        let ignores_endpoint_urls = profile.flag("ignore_configured_endpoint_urls")?;
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(services.client())
            .use_fips(profile.flag("use_fips_endpoint")?)
            .use_dual_stack(profile.flag("use_dualstack_endpoint")?)
            .retry_config(retry(profile)?)
            .timeout_config(timeouts)
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
            has_token_code: connection.token_code.is_some(),
            signing_keys: SigningKeys::default(),
            sdk,
            warned: Mutex::default(),
            log,
        };
        settings.endpoint_url = settings.address("iam", settings.endpoint_option.as_deref())?;
        let uri = settings.endpoint_url.as_deref().unwrap_or("https:");
        services.prepare(uri)?;
        Ok(settings)
    }

    /// Returns the selected profile.
    pub(crate) fn profile(&self) -> Profile<'_> {
        self.files.profile(&self.profile_name)
    }

    /// Returns the region in use.
    pub(crate) fn region(&self) -> Region {
        self.region.as_ref().unwrap_or(&self.default_region).clone()
    }

    /// Returns the configuration of a client for `region` and the endpoint URL `address`. `None`: AWS's own endpoint. An
    /// endpoint URL takes precedence over dual-stack endpoints.
    pub(crate) fn sdk(&self, region: Region, address: Option<String>) -> SdkConfig {
        let mut sdk = self.sdk.clone().into_builder().region(region);
        if address.is_some() {
            sdk.set_use_dual_stack(Some(false));
        }
        sdk.set_endpoint_url(address);
        sdk.build()
    }

    /// Returns the configuration of a client for a service. `--endpoint-url` does not apply.
    ///
    /// # Errors
    ///
    /// See `address`.
    pub(crate) fn sdk_of(&self, service: &str, region: Region) -> Result<SdkConfig, RunError> {
        Ok(self.sdk(region, self.address(service, None)?))
    }

    /// Returns the endpoint URL of a service, from the option or the configuration. `None`: AWS's own endpoint.
    ///
    /// # Errors
    ///
    /// The URL or its proxy is invalid, or FIPS endpoints are required.
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

    /// Returns the configuration of a client for STS, for the caller's identity and the roles of options. The endpoint URL
    /// is that of `AWS_ENDPOINT_URL_STS`, of `--endpoint-url`, or of the configuration, in this order: a user who selects
    /// another IAM also means the STS at that host.
    ///
    /// # Errors
    ///
    /// See `address`.
    pub(crate) fn sdk_of_identity(&self) -> Result<SdkConfig, RunError> {
        let option = match Setting::variable("AWS_ENDPOINT_URL_STS")? {
            Some(_) if !self.ignores_endpoint_urls => None,
            _ => self.endpoint_option.as_deref(),
        };
        Ok(self.sdk(self.region(), self.address("sts", option)?))
    }
}

/// Returns the name of the profile, and the source of that name.
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
            if !name.is_empty() && other.is_some_and(|other| other != name) {
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
        let what = if name.is_empty() {
            "empty"
        } else {
            "only whitespace"
        };
        format!("{source} is {what}: it must name a profile")
    } else {
        let name = display_value(OsStr::new(name));
        format!("the profile `{name}`, named by {source}, does not exist")
    };
    let known = files.profile_names();
    let known: Vec<String> = known.iter().map(|name| escape(name)).collect();
    let mut places = ConfigFiles::places();
    places.dedup();
    let places = places.join(" and ");
    let hint = match ConfigFiles::how_to_enable() {
        _ if let Some(hint) = files.meant("profile", name) => hint.into(),
        _ if !known.is_empty() => {
            format!("the profiles in {places} are: {}", known.join(", ")).into()
        }
        Some(hint) => hint.into(),
        None => {
            let command = CommandLine::new("aws configure");
            let command = match name.trim() {
                "" => command,
                _ => command.option("--profile", name),
            };
            Hint::command(
                format!("no profile is defined in {places}; to create it"),
                command,
            )
        }
    };
    RunError::configuration(message).hint(hint)
}

/// Returns the configured region.
///
/// # Errors
///
/// It is not the name of a region.
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
    let setting = setting.or_else(|| profile.get("region"));
    setting.as_ref().map(checked_region).transpose()
}

/// Returns the region that a setting names.
///
/// # Errors
///
/// It is not the name of a region.
pub(super) fn checked_region(setting: &Setting) -> Result<Region, RunError> {
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
    Ok(Region::new(value.clone()))
}

/// Returns the retry settings.
///
/// # Errors
///
/// The mode is unknown, or the number of attempts is invalid.
pub(super) fn retry(profile: Profile<'_>) -> Result<RetryConfig, RunError> {
    // The SDK's revised backoff: 50 ms after lost responses and server errors, and one second after throttling.
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
        // The read timeout restarts with each part of the body. The timeout of the attempt does not.
        .set_operation_attempt_timeout(connect.zip(read).map(|(connect, read)| connect + read));
    timeouts.build()
}
