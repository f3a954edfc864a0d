//! Reads keys from a file or from standard input: plain IDs, CSV, JSON, and the output of this program. Everything is
//! read and checked before any request is sent. Memory grows by only one byte per key.

mod collect;
mod csv;
mod distinct;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod json;
mod line;
mod plain;
mod unread;

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::ops::Not;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::error::{RunError, file_limit_hint};
use crate::ident::{AccessKeyId, AccountId, UserName};
use crate::metadata::Deactivation;
use crate::request::{Action, Key};
use crate::sanitize::escape_path;
use crate::terminal::WaitingInput;
use collect::KeyCollector;
pub(crate) use distinct::List;
use error::InputError;
use line::Lines;

/// How much is read at a time, in bytes.
const BUFFER_SIZE: usize = 64 << 10;

/// A journal that is undone.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Its name for messages.
    name: String,
    account: AccountId,
    /// Keeps other runs from writing it.
    lock: Option<File>,
}

impl Origin {
    /// Refuses a journal of another account than that of the credentials.
    ///
    /// # Errors
    ///
    /// It is of another account.
    pub(crate) fn check_account(&self, ours: &AccountId) -> Result<(), RunError> {
        let Self { name, account, .. } = self;
        if account == ours {
            return Ok(());
        }
        let stop = RunError::refused(format!(
            "cannot undo {name}: it is for account {account}, but the credentials belong to account {ours}"
        ));
        Err(stop.hint("use credentials of that account (--profile NAME)"))
    }
}

/// Where an entry of the list starts. Lines and columns start at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    line: u64,
    column: u64,
}

impl Position {
    fn line(line: u64) -> Self {
        Self { line, column: 1 }
    }
}

/// A key and its position.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    key: Key,
    /// What `--reactivate` has to undo. For another action: `NotDone` if the key needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deactivation: Option<Deactivation>,
    /// Whether the run that printed the row does not know whether it changed the key.
    #[serde(default)]
    is_unverified: bool,
    /// Whether it is a record of a journal, and thus later than the rows before it.
    #[serde(default, skip_serializing_if = "Not::not")]
    is_record: bool,
    /// What the row says about an earlier deactivation of its key.
    #[serde(default)]
    earlier: Earlier,
    /// Whether the row says that the key is gone, but for another owner than the command is about.
    #[serde(default, skip_serializing_if = "Not::not")]
    is_of_another_owner: bool,
    at: Position,
    /// The number of rows before this one.
    number: usize,
}

/// What a row says about the deactivation that an earlier row of its key reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Earlier {
    #[default]
    Nothing,
    /// Someone else may have deactivated the key since.
    IsUncertain,
}

/// The content of a line or an object.
#[derive(Debug)]
struct Entry {
    id: AccessKeyId,
    user_name: Option<UserName>,
    /// The `Outcome`, if this program printed the line.
    outcome: Option<String>,
    /// Whether the key is only presumed to be deleted, because another user may own it.
    is_owner_unchecked: bool,
    /// How many requests of that run and earlier ones may still take effect, although the key was not changed.
    unfinished: usize,
    /// The action of that run, if the line names it.
    action: Option<String>,
    /// The status before that run, if the line names it.
    previous_status: Option<String>,
    /// The status with which IAM listed the key, if the line of a run that is undone names it.
    status: Option<String>,
    /// The number of requests of that run to change the key, if the line names it.
    attempts: usize,
    /// Whether it is an object whose `Outcome` is spelled as this program prints it, so that a query finds it.
    is_printed: bool,
    /// Whether it is a record of a journal. A later record of a key counts, and not an earlier one.
    is_record: bool,
    at: Position,
    /// The name of the column for owners, if this row does not fill it.
    missing_owner_column: Option<Rc<str>>,
}

/// How the command line wants the list to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadOptions<'a> {
    /// The owner of keys without one.
    pub(crate) user_name: Option<&'a UserName>,
    /// Whether the owner is looked up otherwise.
    pub(crate) find_user: bool,
    /// The requested action.
    pub(crate) action: Action,
    /// The command that prints the keys of the list that were deactivated.
    pub(crate) list_deactivated: &'a str,
}

impl Entry {
    /// Creates an entry that has only an ID.
    fn with_id(id: AccessKeyId, at: Position) -> Self {
        Self {
            id,
            user_name: None,
            outcome: None,
            is_owner_unchecked: false,
            unfinished: 0,
            action: None,
            previous_status: None,
            status: None,
            attempts: 0,
            is_printed: false,
            is_record: false,
            at,
            missing_owner_column: None,
        }
    }
}

/// Reads all keys of a file. `None`: of standard input.
///
/// # Errors
///
/// The input cannot be read or contains errors. The message has the file, lines and columns.
pub(crate) fn read(file: Option<&Path>, options: ReadOptions<'_>) -> Result<List, RunError> {
    let name = file.map_or("standard input".to_owned(), escape_path);
    let opened = match file {
        None => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        Some(path) => File::open(path),
    };
    let opened = opened.map_err(|error| {
        let stop = RunError::usage(format!("cannot read {name}: {error}"));
        let of_path = file.map(|_| "check the path given with --from");
        let hint = file_limit_hint(&error.to_string()).or(of_path);
        hint.into_iter().fold(stop, RunError::hint)
    })?;
    let is_file = opened.metadata().is_ok_and(|found| found.is_file());
    let lock = match options.action {
        Action::Reactivate if is_file => lock(file.unwrap_or(Path::new("/dev/stdin")), &name)?,
        Action::Delete | Action::Deactivate | Action::Reactivate => None,
    };
    let source: Box<dyn BufRead> = if file.is_none() || opened.is_terminal() {
        let waiting = WaitingInput::of(opened);
        Box::new(BufReader::with_capacity(BUFFER_SIZE, waiting))
    } else {
        Box::new(BufReader::with_capacity(BUFFER_SIZE, opened))
    };
    let mut list = keys_of(source, &name, options)?;
    if let Some(origin) = &mut list.origin {
        origin.lock = lock;
    }
    Ok(list)
}

/// Keeps runs from writing a journal until the result is dropped, if the system can lock it. Refuses one that a run still writes.
fn lock(path: &Path, name: &str) -> Result<Option<File>, RunError> {
    // The lock of a file that this process inherited would outlive the run.
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let stop = RunError::refused(format!("another run is using the journal {name}"));
            Err(stop.hint("wait for that run to end"))
        }
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Reads all keys of `source`. Messages call it `name`.
fn keys_of(
    source: Box<dyn BufRead>,
    name: &str,
    options: ReadOptions<'_>,
) -> Result<List, RunError> {
    let mut keys = KeyCollector::new(options);
    let read = read_entries(source, &mut keys);
    let (account, truncated_at) = (keys.account.take(), keys.truncated_at);
    let mut list = keys.finish(read).map_err(|errors| errors.run_error(name))?;
    list.incomplete = truncated_at.map(|line| {
        format!(
            "{name}, line {line}: this page of a list is not the last one; keys are missing unless the list has the other \
             pages too (to list all keys, omit --max-items and --no-paginate)"
        )
    });
    let name = name.to_owned();
    list.origin = account.map(|account| Origin {
        name,
        account,
        lock: None,
    });
    Ok(list)
}

/// Detects the format of the input and reads its entries.
fn read_entries(source: Box<dyn BufRead>, keys: &mut KeyCollector<'_>) -> Result<(), InputError> {
    let mut lines = Lines::new(source)?;
    match lines.first()? {
        None => Ok(()),
        Some(b'{' | b'[') => json::read(lines, keys),
        Some(_) if keys.is_undo() => Err(InputError::not_undoable(Position::line(1))),
        Some(_) => {
            let mut first = lines.next()?;
            // It tells Excel the delimiter, which the header shows too.
            if let Some("sep=," | "sep=;" | "sep=\t") = first.as_deref() {
                first = lines.next()?;
            }
            let Some(first) = first else {
                return Ok(());
            };
            match csv::Header::of(&first, lines.number)? {
                Some(header) => csv::read(&header, lines, keys),
                None => plain::read(first, lines, keys),
            }
        }
    }
}
