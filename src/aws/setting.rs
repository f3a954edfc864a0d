//! A setting and its place, so that an error can name it.

use std::ffi::OsStr;

use super::environment;
use crate::error::RunError;
use crate::sanitize::{Invalid, display_value};

/// How the sources of required settings start: without one of these, another setting is incomplete, because a role needs an
/// ARN and credentials that assume it, and SSO an account, a role and a region. So no hint says to remove one.
const NEEDED: [&str; 8] = [
    "`role_arn`",
    "`source_profile`",
    "`credential_source`",
    "`web_identity_token_file`",
    "`sso_account_id`",
    "`sso_role_name`",
    "`sso_region`",
    "the environment variable AWS_ROLE_ARN",
];

/// The value of a setting, and its source for messages.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) value: String,
    /// The name of the option, the environment variable or the setting of a profile.
    pub(crate) source: String,
    /// The line and the file, if the setting is in a file.
    pub(crate) place: Option<String>,
}

impl Setting {
    /// Creates a setting that is not in a file.
    pub(crate) fn new(source: impl Into<String>, value: &str) -> Self {
        Self {
            value: value.to_owned(),
            source: source.into(),
            place: None,
        }
    }

    /// Reads an environment variable. `None`: it is not set or empty.
    ///
    /// # Errors
    ///
    /// The variable is not UTF-8.
    pub(crate) fn variable(name: &str) -> Result<Option<Self>, RunError> {
        let value = environment::text(name)?.filter(|value| !value.is_empty());
        Ok(value.map(|value| Self::new(format!("the environment variable {name}"), &value)))
    }

    /// Parses the value as `true` or `false`.
    ///
    /// # Errors
    ///
    /// The value is neither.
    pub(crate) fn flag(&self) -> Result<bool, RunError> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("it must be true or false")),
        }
    }

    /// Parses the value.
    ///
    /// # Errors
    ///
    /// The value is invalid.
    pub(crate) fn parsed<T>(&self, parse: fn(&str) -> Result<T, Invalid>) -> Result<T, RunError> {
        parse(&self.value).map_err(|invalid| self.wrong(&invalid.to_string()))
    }

    /// Creates the error that the value violates a rule. The value is shown.
    pub(crate) fn wrong(&self, rule: &str) -> RunError {
        let value = display_value(OsStr::new(&self.value));
        self.stop(&format!("is `{value}`: {rule}"))
    }

    /// Creates an error about this setting without its value, which may be a secret.
    pub(crate) fn stop(&self, what: &str) -> RunError {
        let source = &self.source;
        RunError::configuration(format!("{source} {what}")).hint(self.correction())
    }

    /// Returns the hint to correct this setting, or to remove it if that alone can help.
    pub(crate) fn correction(&self) -> String {
        let source = &self.source;
        let place = self.place.as_ref().map(|place| format!(" ({place})"));
        let is_needed = NEEDED.iter().any(|needed| source.starts_with(needed));
        let or_remove = if is_needed { "" } else { ", or remove it" };
        format!("correct {source}{}{or_remove}", place.unwrap_or_default())
    }
}
