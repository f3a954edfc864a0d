//! One setting: its value, and where it stands, so that an error can name the place.

use std::ffi::OsStr;

use aws_runtime::env_config::section::EnvConfigSections;

use super::environment;
use crate::escape::escape;
use crate::invalid::shown;
use crate::stop::Stop;

/// A value and where it stands, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The value.
    pub(crate) value: String,
    /// Where it stands: an option, a variable, or a key of a profile.
    pub(crate) source: String,
}

/// The environment and the selected profile, asked in this order for a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The profiles, one of them selected.
    pub(crate) profiles: &'a EnvConfigSections,
}

impl Sources<'_> {
    /// The first of the environment variables, and then the profile's key. Empty counts as not set.
    pub(crate) fn find(
        self,
        variables: &[&'static str],
        key: &str,
    ) -> Result<Option<Setting>, Stop> {
        for variable in variables {
            if let Some(setting) = Setting::variable(variable)? {
                return Ok(Some(setting));
            }
        }
        let value = self.profiles.get(key).filter(|value| !value.is_empty());
        Ok(value.map(|value| Setting {
            value: value.to_owned(),
            source: format!(
                "`{key}` of profile `{}`",
                escape(self.profiles.selected_profile())
            ),
        }))
    }

    /// Whether addresses that are configured for services do not count.
    pub(crate) fn ignores_endpoint_urls(self) -> Result<bool, Stop> {
        self.flag(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        )
    }

    /// A variable, and then the profile's key, that is true or false; false where neither is set.
    pub(crate) fn flag(self, variable: &'static str, key: &str) -> Result<bool, Stop> {
        let Some(setting) = self.find(&[variable], key)? else {
            return Ok(false);
        };
        match setting.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(setting.wrong("it must be true or false")),
        }
    }
}

impl Setting {
    /// The value of an option.
    pub(crate) fn option(name: &str, value: &str) -> Self {
        Self {
            value: value.to_owned(),
            source: name.to_owned(),
        }
    }

    /// The value of an environment variable; `None` when it is not set or empty.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub(crate) fn variable(name: &'static str) -> Result<Option<Self>, Stop> {
        Ok(environment::filled(name)?.map(|value| Self {
            value,
            source: format!("the environment variable {name}"),
        }))
    }

    /// The error that this value is wrong, and what it must be.
    pub(crate) fn wrong(&self, rule: &str) -> Stop {
        let value = shown(OsStr::new(&self.value));
        Stop::configuration(format!("{} is `{value}`: {rule}", self.source))
            .hint(format!("correct {}, or remove it", self.source))
    }
}
