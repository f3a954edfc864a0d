//! The environment variables the tool reads for itself, each checked: a variable that cannot be understood
//! is an error that names it, never ignored.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::RunError;

/// A variable as text; `None` when it is not set.
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

/// A variable as a path; `None` when it is not set or empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The home directory, as Python finds it: an empty `HOME` is the root directory.
pub(crate) fn home() -> Option<PathBuf> {
    match env::var_os("HOME") {
        Some(home) if home.is_empty() => Some(PathBuf::from("/")),
        Some(home) => Some(PathBuf::from(home)),
        None => env::home_dir(),
    }
}

/// A variable that names a file or a folder, with `~` filled in; `default` under the home directory where it is not set.
///
/// # Errors
///
/// A path that the AWS CLI would change in another way. It is never another file than the AWS CLI's.
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
            "the environment variable {name} has a `~` or `$` that is not filled in here"
        ))
        .hint(format!("set {name} to the whole path, without `~` and `$`")));
    }
    Ok(Some(path))
}
