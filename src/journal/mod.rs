//! The journal: what is about to happen to each key, and what happened to it, on the disk before the next step. A later run
//! with the same journal continues there. The journal is also a complete report, with the result of every key.

mod file;
mod finished;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod owner;
mod prior_state;
pub(crate) mod read;
mod record;
mod replay;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{RunError, TOO_MANY_PROCESSES, raise_file_size};
use crate::guard::Principal;
use crate::ident::{AccessKeyId, AccountId};
use crate::request::{Action, Key, Mode};
use crate::sanitize::{escape, escape_path};
use file::Written;
pub(crate) use file::is_changed_elsewhere;
use finished::End;
pub(crate) use owner::Owner;
pub(crate) use prior_state::PriorState;
pub(crate) use replay::EarlierAttempt;
use replay::Replay;
use writer::{Kind, Writer};

/// The format of the records. A journal of another version is refused.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The first record.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "Journal")]
    form: u32,
    #[serde(rename = "Action")]
    action: String,
    /// The account of the credentials, if it was known.
    #[serde(rename = "AccountId")]
    account: Option<String>,
}

/// An open and locked journal, and what earlier runs wrote in it. Without `--journal`, it is empty and nothing is written.
#[derive(Debug)]
pub(crate) struct Journal {
    name: String,
    action: Action,
    principal: Principal,
    head: Option<Head>,
    replay: Replay,
    /// The file to write. `None` if there is none yet, and in a dry run.
    file: Option<File>,
    /// `None` before the run starts, and in a dry run.
    writer: Option<Writer>,
    /// Whether this run created the file.
    is_new: bool,
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) error: Box<RunError>,
    /// Whether the file is or may be a journal. Then earlier runs may have changed keys.
    pub(crate) is_journal: bool,
}

impl From<RunError> for Unusable {
    fn from(error: RunError) -> Self {
        let (error, is_journal) = (Box::new(error), true);
        Self { error, is_journal }
    }
}

impl Journal {
    /// Returns the journal of a run without one.
    pub(crate) fn new(action: Action, principal: Principal) -> Self {
        Self {
            name: String::new(),
            action,
            principal,
            head: None,
            replay: Replay::default(),
            file: None,
            is_new: false,
            writer: None,
        }
    }

    /// Opens and reads the journal at `path`. Nothing is written, and no file is created.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, is not a journal, belongs to another action or account, or is locked by another
    /// run.
    pub(crate) fn open(
        mut self,
        path: &Path,
        mode: Mode,
        expected: &[AccountId],
    ) -> Result<Self, Unusable> {
        self.name = escape_path(path);
        let Some(mut file) = file::open(path, mode)? else {
            return Ok(self);
        };
        let unusable = |error: String| unusable(path, error);
        if !read::is_journal(&mut file).map_err(|error| unusable(error.to_string()))? {
            return Err(Unusable {
                error: Box::new(unusable("it is not an iam-del-key journal".to_owned())),
                is_journal: false,
            });
        }
        if mode == Mode::Change {
            file::lock(path, &file)?;
        }
        (self.head, self.replay) = read::read(&mut file).map_err(unusable)?;
        if let Some(head) = &self.head
            && head.action != self.action.verb()
        {
            let what = format!(
                "it was created to {} keys, but this run {}s keys",
                escape(&head.action),
                self.action.verb()
            );
            let hint = "use a separate journal for each action (--journal FILE)";
            return Err(unusable(what).hint(hint).into());
        }
        if let [expected] = expected {
            self.check_head(Some(expected), "--expect-account is")?;
        }
        if mode == Mode::Change {
            self.file = Some(file);
        }
        Ok(self)
    }

    /// Prepares to write the journal, and creates the file if there is none. An existing file is not changed yet.
    ///
    /// # Errors
    ///
    /// The file cannot be created or written, or another run has created it.
    pub(crate) fn start(mut self, path: &Path) -> Result<Self, RunError> {
        let file = if let Some(file) = self.file.take() {
            file
        } else {
            let file = file::create(path)?;
            file::lock(path, &file)?;
            if file.metadata().is_ok_and(|file| file.len() > 0) {
                return Err(file::in_use(path));
            }
            self.is_new = true;
            file
        };
        let written = Written::new(path, &file, self.replay.length);
        let written = written.map_err(|error| stop(&self.not_written(error)))?;
        let writer = Writer::start(file, written).map_err(|error| {
            let what = format!(
                "cannot start a thread for the journal {}: {error}",
                self.name
            );
            RunError::other(what).hint(TOO_MANY_PROCESSES)
        });
        self.writer = Some(writer?);
        Ok(self)
    }

    /// Returns the name for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks the account of the credentials, if it and the account of the journal are known.
    ///
    /// # Errors
    ///
    /// The journal belongs to another account.
    pub(crate) fn check_account(&self, account: Option<&AccountId>) -> Result<(), RunError> {
        self.check_head(account, "the credentials belong to account")
    }

    fn check_head(&self, account: Option<&AccountId>, what: &str) -> Result<(), RunError> {
        let theirs = self.head.as_ref().and_then(|head| head.account.as_ref());
        match (theirs, account) {
            (Some(theirs), Some(ours)) if theirs != ours.as_str() => {
                let theirs = escape(theirs);
                Err(RunError::usage(format!(
                    "cannot use the journal {}: it is for account {theirs}, but {what} {ours}",
                    self.name
                ))
                .hint("use a separate journal for each account"))
            }
            _ => Ok(()),
        }
    }

    /// Writes the first record of a new journal.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub(crate) async fn begin_run(&self, account: Option<&AccountId>) -> Result<(), RunError> {
        if self.head.is_some() {
            return Ok(());
        }
        let head = Head {
            form: FORMAT_VERSION,
            action: self.action.verb().to_owned(),
            account: account.map(ToString::to_string),
        };
        let written = self.write(Kind::Other, &json!(head)).await;
        written.map_err(|error| stop(&error))
    }

    /// Returns what earlier runs did to a key.
    pub(crate) fn prior_state(&self, key: &Key) -> PriorState {
        let owner = Owner::of(key.user_name.as_ref(), self.principal);
        self.replay.prior_state(&key.id, &owner, self.action)
    }

    /// Whether the key was inactive before the first run with `--deactivate`.
    pub(crate) fn was_inactive(&self, id: &AccessKeyId) -> bool {
        let finished = &self.replay.finished;
        finished.contains_id(id, End::AlreadyInactive)
    }

    /// Whether IAM showed the key for another user than the named one, or did not confirm that one, in the last run that says so.
    pub(crate) fn has_moved(&self, key: &Key) -> bool {
        let owner = key.user_name.clone().map(Owner::User);
        owner.is_some_and(|owner| self.replay.finished.has_moved(&key.id, &owner))
    }

    /// Returns the changes of a key that earlier runs started and did not finish.
    pub(crate) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        self.replay.attempts(id)
    }

    /// Returns the keys that earlier runs started to change and did not finish.
    pub(crate) fn unfinished(&self) -> Vec<Key> {
        self.replay.unfinished(self.action)
    }

    async fn write(&self, kind: Kind, record: &Value) -> io::Result<()> {
        match &self.writer {
            Some(writer) => {
                let written = writer.write(kind, format!("{record}\n")).await;
                written.map_err(|error| self.not_written(error))
            }
            None => Ok(()),
        }
    }

    /// Returns how another process changed the journal during this run, as a sentence.
    pub(crate) async fn changed_elsewhere(&self) -> Option<String> {
        // The thread that writes checks it, because the disk may not respond.
        let checked = self.writer.as_ref()?.write(Kind::Intent, String::new());
        let change = checked.await.err().filter(is_changed_elsewhere)?;
        Some(format!(
            "the journal {} cannot be relied on: {change}",
            self.name
        ))
    }

    /// Removes the file if this run created it and recorded no key in it. It stays locked until the run ends.
    pub(crate) async fn remove_unused(&self) {
        if let (Some(writer), true) = (&self.writer, self.is_new) {
            let _ = writer.write(Kind::Removal, String::new()).await;
        }
    }

    /// Names the journal in an error, unless another process changed it: that is reported at the end of the run.
    fn not_written(&self, error: io::Error) -> io::Error {
        if is_changed_elsewhere(&error) {
            return error;
        }
        let what = format!("cannot write the journal {}: {error}", self.name);
        io::Error::new(error.kind(), what)
    }
}

/// The run cannot start.
fn stop(error: &io::Error) -> RunError {
    let hint = raise_file_size(error);
    let stop = RunError::other(error.to_string());
    hint.into_iter().fold(stop, RunError::hint)
}

fn unusable(path: &Path, what: impl Display) -> RunError {
    let name = escape_path(path);
    RunError::usage(format!("cannot use the journal {name}: {what}"))
}
