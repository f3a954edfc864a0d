//! The address of IAM, where the user gives another than AWS's own.

use std::net::IpAddr;

use aws_runtime::env_config::EnvConfigValue;
use aws_types::os_shim_internal::Env;
use url::{Host, Url};

use super::setting::{Setting, Sources};
use crate::log::Log;
use crate::secret::has_secret;
use crate::stop::Stop;

/// A service whose address can be configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// The environment variable for this service alone.
    pub(crate) variable: &'static str,
    /// Its name in a `services` section of the configuration file.
    pub(crate) id: &'static str,
}

/// IAM.
pub(crate) const IAM: Service = Service {
    variable: "AWS_ENDPOINT_URL_IAM",
    id: "iam",
};
/// STS.
pub(crate) const STS: Service = Service {
    variable: "AWS_ENDPOINT_URL_STS",
    id: "sts",
};

/// Chooses a service's address: the option, then what the environment and the profile configure for the service
/// or for all services. `None` is AWS's own.
///
/// # Errors
///
/// An address that is not an `http` or `https` URL of a host and a path.
pub(crate) fn choose(
    service: Service,
    option: Option<&str>,
    sources: Sources<'_>,
    ignore_configured: bool,
    log: Log,
) -> Result<Option<String>, Stop> {
    let setting = match option {
        Some(value) => Some(Setting::option("--endpoint-url", value)),
        None if ignore_configured => None,
        None => configured(service, sources)?,
    };
    let Some(setting) = setting else {
        return Ok(None);
    };
    check(&setting, log)?;
    Ok(Some(setting.value))
}

fn configured(service: Service, sources: Sources<'_>) -> Result<Option<Setting>, Stop> {
    for variable in [service.variable, "AWS_ENDPOINT_URL"] {
        if let Some(setting) = Setting::variable(variable)? {
            return Ok(Some(setting));
        }
    }
    let no_variables = Env::from_slice(&[]);
    let found = EnvConfigValue::new()
        .profile("endpoint_url")
        .service_id(service.id)
        .load(&no_variables, Some(sources.profiles))
        .map(|(value, _)| value.into_owned());
    Ok(found
        .filter(|value| !value.is_empty())
        .map(|value| Setting {
            value,
            source: format!(
                "`endpoint_url` for profile `{}`",
                sources.profiles.selected_profile()
            ),
        }))
}

fn check(setting: &Setting, log: Log) -> Result<(), Stop> {
    let wrong = |rule: &str| Err(setting.wrong(rule));
    let rule = "an endpoint URL is http:// or https://, a host, and perhaps a port and a path";
    let parsed = Url::parse(&setting.value);
    let holds_user = match &parsed {
        Ok(url) => url.username() != "" || url.password().is_some(),
        // A password may be in what is no URL, so that it cannot be shown.
        Err(_) => setting.value.contains('@'),
    };
    if holds_user {
        return Err(Stop::configuration(format!(
            "{} holds a user name or password, which an endpoint URL cannot",
            setting.source
        ))
        .hint("remove what stands before the @"));
    }
    if has_secret(&setting.value) {
        return wrong("it looks like a secret access key");
    }
    let Ok(url) = parsed else {
        return wrong(rule);
    };
    if !matches!(url.scheme(), "http" | "https")
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return wrong(rule);
    }
    let Some(host) = url.host() else {
        return wrong(rule);
    };
    if url.scheme() == "http" && !is_loopback(&host) {
        log.warning(&format!(
            "{} is http://: the request and its signature go to {host} unencrypted",
            setting.source
        ));
    }
    Ok(())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}
