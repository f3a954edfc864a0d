//! The environment variables the tool reads for itself, each checked: a variable that cannot be understood
//! is an error that names it, never ignored.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::stop::Stop;

/// A variable as text; `None` when it is not set.
///
/// # Errors
///
/// It is not UTF-8.
pub(crate) fn text(name: &'static str) -> Result<Option<String>, Stop> {
    env::var_os(name)
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| Stop::configuration(format!("the environment variable {name} is not UTF-8")))
}

/// A variable as text; `None` when it is not set or empty.
///
/// # Errors
///
/// It is not UTF-8.
pub(crate) fn filled(name: &'static str) -> Result<Option<String>, Stop> {
    Ok(text(name)?.filter(|value| !value.is_empty()))
}

/// A variable as a path; `None` when it is not set or empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
