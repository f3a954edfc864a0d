//! Reads the environment variables of this program. A variable that cannot be parsed is an error that names it. It is
//! never ignored.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::RunError;

/// The hint if there is no home directory.
pub(crate) const SET_HOME: &str = "set HOME to the absolute path of your home folder";

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

/// Returns the home directory as Python does: an empty one means the root directory. `None`: `HOME` is not set, and the user
/// has no entry in the list of users.
pub(crate) fn home() -> Option<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let home = home.or_else(env::home_dir)?;
    Some(if home.as_os_str().is_empty() {
        PathBuf::from("/")
    } else {
        home
    })
}

/// Returns the home directory for sessions that are kept. `None`: there is none, or it depends on the current folder, where
/// others could read a session or place their own.
pub(crate) fn home_of_sessions() -> Option<PathBuf> {
    home().filter(|home| home.is_absolute())
}

/// Reads a variable as a path and expands `~` to `home`. `None`: it is not set.
///
/// # Errors
///
/// The AWS CLI would expand the path in another way, or there is no home directory. A file that the AWS CLI would not read is
/// never used.
pub(crate) fn expanded(name: &str, home: Option<&Path>) -> Result<Option<PathBuf>, RunError> {
    let Some(path) = env::var_os(name).map(PathBuf::from) else {
        return Ok(None);
    };
    let not_expanded = |what: &str, hint: String| {
        RunError::configuration(format!("the environment variable {name} has a {what}")).hint(hint)
    };
    if let Ok(rest) = path.strip_prefix("~") {
        let home = home.map(|home| home.join(rest));
        let unknown = || not_expanded("`~`, and there is no home folder", SET_HOME.to_owned());
        return home.ok_or_else(unknown).map(Some);
    }
    let text = path.to_string_lossy();
    if text.starts_with('~') || text.contains('$') {
        return Err(not_expanded(
            "`~` or `$` that is not expanded here",
            format!("set {name} to the full path, without `~` and `$`"),
        ));
    }
    Ok(Some(path))
}
