//! One setting: its value, and where it comes from, so that an error can name the place; and the order in which the places
//! are searched.

use std::ffi::OsStr;

use super::config_file::Profile;
use super::environment;
use crate::invalid::shown;
use crate::stop::Stop;

/// A value and where it comes from, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The value.
    pub(crate) value: String,
    /// An option, a variable, or a setting of a profile.
    pub(crate) source: String,
    /// The file and the line, where it is in a file.
    pub(crate) place: Option<String>,
}

impl Setting {
    /// A value from elsewhere than a file: an option, or an answer.
    pub(crate) fn new(source: impl Into<String>, value: &str) -> Self {
        Self {
            value: value.to_owned(),
            source: source.into(),
            place: None,
        }
    }

    /// The value of an environment variable; `None` when it is not set or empty.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub(crate) fn variable(name: &'static str) -> Result<Option<Self>, Stop> {
        let value = environment::filled(name)?;
        Ok(value.map(|value| Self::new(format!("the environment variable {name}"), &value)))
    }

    /// The error that this value is wrong, and what it must be.
    pub(crate) fn wrong(&self, rule: &str) -> Stop {
        let value = shown(OsStr::new(&self.value));
        self.stop(&format!("is `{value}`: {rule}"))
    }

    /// An error about this setting that does not show its value.
    pub(crate) fn stop(&self, what: &str) -> Stop {
        let source = &self.source;
        let place = self.place.as_ref().map(|place| format!(" ({place})"));
        Stop::configuration(format!("{source} {what}")).hint(format!(
            "correct {source}{}, or remove it",
            place.unwrap_or_default()
        ))
    }
}

/// The environment and the selected profile, searched in this order for a setting. Empty counts as not set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    /// The selected profile; `None` where it is the default one and not defined.
    pub(crate) profile: Option<Profile<'a>>,
}

impl Lookup<'_> {
    /// The first of the environment variables, and then the profile's setting.
    pub(crate) fn find(
        self,
        variables: &[&'static str],
        name: &str,
    ) -> Result<Option<Setting>, Stop> {
        for variable in variables {
            if let Some(setting) = Setting::variable(variable)? {
                return Ok(Some(setting));
            }
        }
        Ok(self.profile.and_then(|profile| profile.get(name)))
    }

    /// A variable, and then the profile's setting, that is true or false; false where neither is set.
    pub(crate) fn flag(self, variable: &'static str, name: &str) -> Result<bool, Stop> {
        let Some(setting) = self.find(&[variable], name)? else {
            return Ok(false);
        };
        match setting.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(setting.wrong("it must be true or false")),
        }
    }
}
