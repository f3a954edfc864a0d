//! The file of a journal: a regular file of the caller's to which the run writes nothing else. It is checked before its
//! content is believed or changed.

use std::error::Error;
use std::fmt::{self, Display};
use std::fs::{self, File, FileType, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::writer::or_fsync;
use super::{Unusable, unusable};
use crate::command_line::CommandLine;
use crate::error::{Hint, RunError};
use crate::report::stream::identity;
use crate::request::Mode;
use crate::sanitize::escape_path;

/// The mode of a new journal, less the umask. Whoever can write the file can prevent keys from being deleted.
const NEW_MODE: u32 = 0o664;
/// The owner may read and write, whatever the umask.
const OWN: u32 = 0o600;
/// Any user of the machine may write.
const OTHERS_WRITE: u32 = 0o002;

/// Locks a journal for this run.
pub(super) fn lock(path: &Path, file: &File) -> Result<(), RunError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use(path)),
        Err(TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

pub(super) fn in_use(path: &Path) -> RunError {
    let name = escape_path(path);
    let error = RunError::refused(format!("another run is using the journal {name}"));
    error.hint("wait for that run to end, or use another --journal")
}

/// Opens an existing journal. `None`: there is none.
///
/// # Errors
///
/// The file cannot be opened or must not be used.
pub(super) fn open(path: &Path, mode: Mode) -> Result<Option<File>, Unusable> {
    let not_opened = |error: io::Error| not_opened(path, &error);
    match fs::metadata(path) {
        // Opening a device can have an effect, such as rewinding a tape.
        Ok(found) => check(path, &found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The target of the link may be a journal that was moved, or whose disk is not mounted.
            return match fs::read_link(path) {
                Ok(_) => Err(unusable(path, "it is a link to a file that does not exist").into()),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(not_opened(error)),
    }
    let file = options().append(mode == Mode::Change).open(path);
    let file = file.map_err(not_opened)?;
    check(path, &file.metadata().map_err(not_opened)?)?;
    Ok(Some(file))
}

/// Creates a new journal.
///
/// # Errors
///
/// The file cannot be created or must not be used.
pub(super) fn create(path: &Path) -> Result<File, RunError> {
    let unusable = |error: io::Error| unusable(path, error);
    let file = options().append(true).create(true).open(path);
    let file = file.map_err(unusable)?;
    let found = file.metadata().map_err(unusable)?;
    check(path, &found).map_err(|unusable| *unusable.error)?;
    // The next run needs to read and write it, whatever the umask. Not every file system has modes.
    if found.mode() & OWN != OWN {
        let _ = file.set_permissions(Permissions::from_mode(found.mode() & 0o777 | OWN));
    }
    sync_folder(path).map_err(unusable)?;
    Ok(file)
}

/// Opening never waits, for example for a reader of a named pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    options
        .read(true)
        .mode(NEW_MODE)
        .custom_flags(flags.cast_signed());
    options
}

/// A file that may not be read may be a journal.
fn not_opened(path: &Path, error: &io::Error) -> Unusable {
    Unusable {
        error: Box::new(unusable(path, error)),
        is_journal: error.kind() == io::ErrorKind::PermissionDenied,
    }
}

fn check(path: &Path, found: &Metadata) -> Result<(), Unusable> {
    let refused = |what: String, hint: Option<Hint>| {
        let mut error = unusable(path, what);
        error.hints.extend(hint);
        let is_journal = false;
        let error = Box::new(error);
        Err(Unusable { error, is_journal })
    };
    if let Some(kind) = irregular(found.file_type()) {
        return refused(format!("it is {kind}, not a regular file"), None);
    }
    for (stream, name) in [
        (identity(io::stdout()), "standard output"),
        (identity(io::stderr()), "standard error"),
    ] {
        if stream == Some((found.dev(), found.ino())) {
            let what = format!("{name} is written to the same file");
            return refused(what, Some("use a separate file for the journal".into()));
        }
    }
    match distrust(path, found.uid(), found.mode(), geteuid().as_raw()) {
        Some((what, hint)) => Err(unusable(path, what).hint(hint).into()),
        None => Ok(()),
    }
}

/// Returns what a file is if it is not a regular one.
fn irregular(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Returns why the records cannot be believed, with a hint. A key that they call deleted would not be deleted.
fn distrust(path: &Path, owner: u32, mode: u32, caller: u32) -> Option<(String, Hint)> {
    let what = if owner != caller && owner != 0 {
        format!("it belongs to another user (user ID {owner})")
    } else if mode & OTHERS_WRITE != 0 {
        "any user can write to it".to_owned()
    } else {
        return None;
    };
    // Only the owner of a file can change its mode.
    let hint = if owner == caller {
        let command = CommandLine::new("chmod o-w").option("--", path);
        Hint::command("if you trust its records", command)
    } else {
        "if you trust its records, copy it to a new file, and use that as --journal".into()
    };
    Some((what, hint))
}

/// Syncs the folder of a new file, whose name could be lost otherwise.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A folder may be writable but not readable. Then it cannot be synced.
    let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) else {
        return Ok(());
    };
    unless_unsupported(or_fsync(folder.sync_all(), &folder))
}

/// Not every file system can sync folders.
fn unless_unsupported(synced: io::Result<()>) -> io::Result<()> {
    synced.or_else(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    })
}

/// How another process changed the journal during this run, as a clause.
#[derive(Debug)]
pub(super) struct Changed(pub(super) &'static str);

impl Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Changed {}

/// Whether a record was not written because another process changed the journal.
pub(crate) fn is_changed_elsewhere(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<Changed>())
        .is_some()
}

/// A journal while this run writes it: the file and its length.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    /// Its device and inode.
    file: (u64, u64),
    /// The length of all whole records, in bytes.
    pub(super) length: u64,
    /// Whether a partial record follows them: of a run that was killed, or one that could not be written.
    pub(super) has_partial: bool,
}

impl Written {
    /// Describes the journal `file` at `path`, which contains this many bytes of whole records.
    pub(super) fn new(path: &Path, file: &File, length: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            file: (found.dev(), found.ino()),
            length,
            has_partial: found.len() > length,
        })
    }

    /// Removes the file, if the path is not a link, and nobody has replaced or changed it.
    pub(super) fn remove(&self, file: &File) -> io::Result<()> {
        let found = fs::symlink_metadata(&self.path)?;
        if (found.dev(), found.ino()) == self.file && file.metadata()?.len() == self.length {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    /// Returns how another process changed the journal, as a clause.
    pub(super) fn change(&self) -> Option<&'static str> {
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) != self.file => {
                Some("it was replaced by another file during the run")
            }
            Ok(found) if found.len() < self.length => Some("it was truncated during the run"),
            Ok(found) if found.len() > self.length && !self.has_partial => {
                Some("another process wrote to it during the run")
            }
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Some("it was removed during the run")
            }
            Err(_) => Some("it can no longer be found"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Error, ErrorKind};
    use std::path::Path;

    use super::{Hint, check, distrust, not_opened, unless_unsupported};

    #[test]
    fn a_folder_that_cannot_be_synced_is_no_error() {
        for (kind, expected) in [
            (ErrorKind::InvalidInput, true),
            (ErrorKind::Unsupported, true),
            (ErrorKind::StorageFull, false),
        ] {
            let synced = unless_unsupported(Err(kind.into()));
            assert_eq!(synced.is_ok(), expected, "{kind:?}");
        }
        assert!(unless_unsupported(Ok(())).is_ok());
    }

    #[test]
    fn only_a_file_that_may_not_be_read_may_be_a_journal() {
        let path = Path::new("/");
        for (error, expected) in [
            (Error::from(ErrorKind::PermissionDenied), true),
            (Error::from(ErrorKind::NotADirectory), false),
            // A loop of links.
            (Error::from_raw_os_error(40), false),
        ] {
            assert_eq!(not_opened(path, &error).is_journal, expected, "{error:?}");
        }
        let found = fs::metadata(path).expect("a directory");
        assert!(check(path, &found).is_err_and(|unusable| !unusable.is_journal));
    }

    #[test]
    fn a_journal_is_the_callers_or_roots_and_not_everybodys() {
        let another = "it belongs to another user (user ID 1000)";
        for (owner, mode, caller, expected) in [
            (1000, 0o100_600, 1000, None),
            (1000, 0o100_644, 1000, None),
            // As where each user has a group of their own.
            (1000, 0o100_664, 1000, None),
            (0, 0o100_644, 1000, None),
            (0, 0o100_600, 0, None),
            (1000, 0o100_600, 0, Some(another)),
            (1000, 0o100_666, 1001, Some(another)),
            (1000, 0o100_666, 1000, Some("any user can write to it")),
            (0, 0o100_602, 1000, Some("any user can write to it")),
        ] {
            let found = distrust(Path::new("/"), owner, mode, caller);
            let case = format!("{owner} {mode:o} {caller}");
            let what = found.as_ref().map(|(what, _)| what.as_str());
            assert_eq!(what, expected, "{case}");
            let is_command = found.map(|(_, hint)| matches!(hint, Hint::Command(..)));
            assert_eq!(is_command, expected.map(|_| owner == caller), "{case}");
        }
    }
}
