//! Where the results go: a later run can read them only from a file.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::Resume;
use super::stream::{identity, metadata};

/// Returns how a later run can get what this run prints on standard output. A program or the terminal may or may not keep
/// it.
pub(crate) fn resume_from_output() -> Resume {
    match metadata(io::stdout()) {
        // Nothing reads results that are mixed with messages.
        Ok(found) if found.is_file() && identity(io::stdout()) == identity(io::stderr()) => {
            Resume::Again
        }
        Ok(found) if found.is_file() => Resume::File,
        Ok(_) if !is_nowhere() => Resume::Results,
        Ok(_) | Err(_) => Resume::Again,
    }
}

/// Whether nobody reads standard output.
pub(super) fn is_nowhere() -> bool {
    let null = File::open("/dev/null").ok();
    null.is_some_and(|null| identity(null) == identity(io::stdout()))
}

/// Whether standard output is a file that is not empty. Before a run prints results, this is what others wrote there.
pub(super) fn has_content() -> bool {
    metadata(io::stdout()).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Returns the path of the file to which standard output goes, if the system reports it (Linux).
pub(super) fn result_file() -> Option<PathBuf> {
    let path = fs::read_link("/proc/self/fd/1").ok()?;
    let is_same = identity(File::open(&path).ok()?) == identity(io::stdout());
    let path = is_same.then_some(path)?;
    let short = env::current_dir().ok();
    let short = short.and_then(|folder| path.strip_prefix(folder).ok().map(PathBuf::from));
    Some(short.unwrap_or(path))
}
