//! One setting: its value, and where it comes from, so that an error can name the place.

use std::ffi::OsStr;

use super::environment;
use crate::error::RunError;
use crate::sanitize::display_value;

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
    pub(crate) fn variable(name: &str) -> Result<Option<Self>, RunError> {
        let value = environment::text(name)?.filter(|value| !value.is_empty());
        Ok(value.map(|value| Self::new(format!("the environment variable {name}"), &value)))
    }

    /// Whether it is true.
    ///
    /// # Errors
    ///
    /// It is neither true nor false.
    pub(crate) fn flag(&self) -> Result<bool, RunError> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("it must be true or false")),
        }
    }

    /// The error that this value is wrong, and what it must be.
    pub(crate) fn wrong(&self, rule: &str) -> RunError {
        let value = display_value(OsStr::new(&self.value));
        self.stop(&format!("is `{value}`: {rule}"))
    }

    /// An error about this setting that does not show its value.
    pub(crate) fn stop(&self, what: &str) -> RunError {
        let source = &self.source;
        let place = self.place.as_ref().map(|place| format!(" ({place})"));
        RunError::configuration(format!("{source} {what}")).hint(format!(
            "correct {source}{}, or remove it",
            place.unwrap_or_default()
        ))
    }
}
