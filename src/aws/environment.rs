//! Reads the environment variables of this program. A variable that cannot be parsed is an error that names it. It is
//! never ignored.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::RunError;

/// Reads a variable as text. `None`: it is not set.
///
/// # Errors
///
/// It is not UTF-8.
pub(crate) fn text(name: &str) -> Result<Option<String>, RunError> {
    env::var_os(name)
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| {
            RunError::configuration(format!("the environment variable {name} is not UTF-8"))
        })
}

/// Reads a variable as a path. `None`: it is not set or empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Returns the home directory as Python does: an empty `HOME` means the root directory.
pub(crate) fn home() -> Option<PathBuf> {
    match env::var_os("HOME") {
        Some(home) if home.is_empty() => Some(PathBuf::from("/")),
        Some(home) => Some(PathBuf::from(home)),
        None => env::home_dir(),
    }
}

/// Reads a variable as a path and expands `~`. If it is not set, returns `default` in the home directory.
///
/// # Errors
///
/// The AWS CLI would expand the path in another way. A file that the AWS CLI would not read is never used.
pub(crate) fn path_or_default(name: &str, default: &str) -> Result<Option<PathBuf>, RunError> {
    let Some(path) = env::var_os(name).map(PathBuf::from) else {
        return Ok(home().map(|home| home.join(default)));
    };
    if let Ok(rest) = path.strip_prefix("~") {
        return Ok(home().map(|home| home.join(rest)));
    }
    let text = path.to_string_lossy();
    if text.starts_with('~') || text.contains('$') {
        return Err(RunError::configuration(format!(
            "the environment variable {name} has a `~` or `$` that is not expanded here"
        ))
        .hint(format!("set {name} to the full path, without `~` and `$`")));
    }
    Ok(Some(path))
}
