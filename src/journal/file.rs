//! The file of a journal: a regular file of the caller's, and not one that the run writes something else to. It is checked
//! before anything in it is believed or changed.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::geteuid;

use super::writer::or_fsync;
use crate::report::stream::identity;
use crate::request::Mode;

/// The rights of a new journal, less what the umask takes away. Whoever can write to it can keep keys from being deleted.
const NEW: u32 = 0o664;
/// Any user of the machine may write.
const OTHERS_WRITE: u32 = 0o002;

/// Why a file cannot be the journal.
#[derive(Debug)]
pub(super) struct Refused {
    /// A fragment.
    pub(super) what: String,
    /// What to do about it.
    pub(super) hint: Option<&'static str>,
    /// Whether it may be a journal all the same, which only cannot be read.
    pub(super) may_be_journal: bool,
}

impl Refused {
    fn new(what: String, hint: Option<&'static str>) -> Self {
        Self {
            what,
            hint,
            may_be_journal: false,
        }
    }
}

/// The operating system refuses.
impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self {
            what: error.to_string(),
            hint: None,
            may_be_journal: error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

/// Opens an existing journal; `None`: there is none.
///
/// # Errors
///
/// It cannot be opened, or must not be used.
pub(super) fn open(path: &Path, mode: Mode) -> Result<Option<File>, Refused> {
    match fs::metadata(path) {
        // To open a device can do something already, such as rewind a tape.
        Ok(found) => check(&found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut options = options();
    let file = options.append(mode == Mode::Change).open(path)?;
    check(&file.metadata()?)?;
    Ok(Some(file))
}

/// A journal as it is while it is written: which file it is, and how long.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: (u64, u64),
    length: AtomicU64,
}

impl Kept {
    /// The journal `file` at `path`, which this run writes to.
    pub(super) fn new(path: &Path, file: &File, length: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            file: (found.dev(), found.ino()),
            length: AtomicU64::new(length),
        })
    }

    /// Takes away what is behind the last whole record.
    pub(super) fn cut(&self, file: &File) -> io::Result<()> {
        let length = self.length.load(Ordering::Acquire);
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        Ok(())
    }

    /// So many bytes more are in it.
    pub(super) fn grew(&self, bytes: usize) {
        self.length.fetch_add(bytes as u64, Ordering::AcqRel);
    }

    /// What another process did to it, as a fragment.
    pub(super) fn changed_elsewhere(&self) -> Option<&'static str> {
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) != self.file => {
                Some("it was replaced by another file during the run")
            }
            Ok(found) if found.len() < self.length.load(Ordering::Acquire) => {
                Some("it was truncated during the run")
            }
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Some("it was removed during the run")
            }
            Err(_) => Some("it can no longer be found"),
        }
    }
}

/// Makes a new journal.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn create(path: &Path) -> Result<File, Refused> {
    let file = options().append(true).create(true).open(path)?;
    check(&file.metadata()?)?;
    keep_name(path)?;
    Ok(file)
}

/// Never waits, for example for a reader of a named pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    options
        .read(true)
        .mode(NEW)
        .custom_flags(flags.cast_signed());
    options
}

fn check(found: &Metadata) -> Result<(), Refused> {
    if let Some(kind) = irregular(found.file_type()) {
        let what = format!("it is {kind}, not a regular file");
        return Err(Refused::new(what, None));
    }
    for (stream, name) in [
        (identity(io::stdout()), "standard output"),
        (identity(io::stderr()), "standard error"),
    ] {
        if stream == Some((found.dev(), found.ino())) {
            let what = format!("{name} is written to the same file");
            return Err(Refused::new(
                what,
                Some("use a separate file for the journal"),
            ));
        }
    }
    trusted(found.uid(), found.mode(), geteuid().as_raw())
}

/// What a file is that is not a regular one.
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

/// Whether the records may be believed: a key that they call deleted is not deleted.
fn trusted(owner: u32, mode: u32, caller: u32) -> Result<(), Refused> {
    if owner != caller && owner != 0 {
        let what = format!("it belongs to another user (user ID {owner})");
        let hint = "if you trust its records, copy it to a new file, and use that as --journal";
        return Err(Refused::new(what, Some(hint)));
    }
    if mode & OTHERS_WRITE != 0 {
        let hint = "if you trust its records: chmod o-w FILE";
        return Err(Refused::new(
            "any user can write to it".to_owned(),
            Some(hint),
        ));
    }
    Ok(())
}

/// Has the folder on the disk too: a file whose name is lost is lost.
fn keep_name(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A folder that can be written to and not read is as good as it gets.
    let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) else {
        return Ok(());
    };
    match or_fsync(folder.sync_all(), &folder) {
        // Not every file system knows this of folders.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::{Refused, trusted};

    #[test]
    fn only_a_file_that_may_not_be_read_may_be_a_journal() {
        for (refused, expected) in [
            (Error::from(ErrorKind::PermissionDenied).into(), true),
            (Error::from(ErrorKind::NotADirectory).into(), false),
            // A loop of links.
            (Error::from_raw_os_error(40).into(), false),
            (Refused::new("it is a directory".to_owned(), None), false),
        ] {
            assert_eq!(refused.may_be_journal, expected, "{refused:?}");
        }
        for refused in [trusted(1, 0o100_600, 1000), trusted(1000, 0o100_666, 1000)] {
            assert!(refused.is_err_and(|refused| !refused.may_be_journal));
        }
    }

    #[test]
    fn a_journal_is_the_callers_or_roots_and_not_everybodys() {
        for (owner, mode, caller, expected) in [
            (1000, 0o100_600, 1000, ""),
            (1000, 0o100_644, 1000, ""),
            // As where each user has a group of their own.
            (1000, 0o100_664, 1000, ""),
            (0, 0o100_644, 1000, ""),
            (0, 0o100_600, 0, ""),
            (
                1000,
                0o100_600,
                0,
                "it belongs to another user (user ID 1000)",
            ),
            (
                1001,
                0o100_666,
                1000,
                "it belongs to another user (user ID 1001)",
            ),
            (1000, 0o100_666, 1000, "any user can write to it"),
            (0, 0o100_602, 1000, "any user can write to it"),
        ] {
            let text = trusted(owner, mode, caller)
                .err()
                .map(|refused| refused.what);
            assert_eq!(
                text.unwrap_or_default(),
                expected,
                "{owner} {mode:o} {caller}"
            );
        }
    }
}
