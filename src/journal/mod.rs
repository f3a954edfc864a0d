//! The journal: what is about to happen to each key, and what became of it, on the disk before the next step. A later
//! run with the same journal goes on from there. It is the complete report too: every key once more, with its result.

mod file;
mod past;
#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/journal.rs"]
pub(crate) mod target;
mod writer;

use std::error::Error;
use std::fmt::{self, Display};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::age::timestamp;
use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId};
use crate::metadata::Target;
use crate::outcome::{KeyResult, KeyState};
use crate::request::{Action, Key, Mode, Request};
use crate::sanitize::{escape, escape_path};
use file::{Kept, Refused};
pub(crate) use past::EarlierAttempt;
use past::Replay;
use writer::{Kind, Writer};

/// The form of the records. A journal of another form is refused.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The first record.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "Journal")]
    form: u32,
    #[serde(rename = "Action")]
    action: String,
    /// The account of the key that signed, where it was known.
    #[serde(rename = "AccountId")]
    account: Option<String>,
}

/// A journal that is open and locked, and what earlier runs wrote in it. A run without `--journal` has one that knows
/// nothing and writes nothing.
#[derive(Debug)]
pub(crate) struct Journal {
    name: String,
    action: Action,
    head: Option<Head>,
    past: Replay,
    /// What is written to when the run starts; `None` where there is no file yet, and in a dry run.
    file: Option<File>,
    /// `None` in a dry run, which writes nothing.
    writer: Option<Writer>,
    kept: Option<Arc<Kept>>,
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) stop: RunError,
    /// Whether it is a journal, or may be one, so that earlier runs may have changed keys.
    pub(crate) is_journal: bool,
}

/// What speaks against a journal that was read, or may be one.
impl From<RunError> for Unusable {
    fn from(stop: RunError) -> Self {
        let is_journal = true;
        Self { stop, is_journal }
    }
}

/// What another process did to the journal while this run wrote it, as a fragment.
#[derive(Debug)]
struct Harmed(&'static str);

impl Display for Harmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Harmed {}

/// Whether another process changed the journal, and that is why a record was not written.
pub(crate) fn is_harmed(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<Harmed>())
        .is_some()
}

/// What earlier runs say of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PriorState {
    /// Nothing, or that it was not done.
    None,
    /// That it was started, but not how it ended.
    InProgress,
    /// That this action gave it its status. It can have another one again.
    StatusSet(Action),
    /// That it was missing. A list of this run takes precedence.
    Missing,
    /// That it is done.
    Done,
}

impl PriorState {
    /// Whether nothing is left to do, as far as the journal says.
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Missing | Self::Done)
    }

    /// What is known about a key that earlier runs finished or started.
    pub(crate) fn known(self) -> Option<KeyState> {
        match self {
            Self::None => None,
            Self::InProgress => Some(KeyState::started_earlier()),
            Self::StatusSet(action) => Some(KeyState::set_earlier(action)),
            Self::Missing => Some(KeyState::Done("an earlier run did not find it".to_owned())),
            Self::Done => Some(KeyState::Done("an earlier run finished it".to_owned())),
        }
    }
}

impl Journal {
    /// Opens the journal of `request` and reads what is in it. Nothing is written, and no file is made.
    ///
    /// # Errors
    ///
    /// It cannot be opened or read, it is not a journal, or one of another action; another run has it.
    pub(crate) fn open(request: &Request) -> Result<Self, Unusable> {
        let path = request.journal.as_deref();
        let mut journal = Self {
            name: path.map(escape_path).unwrap_or_default(),
            action: request.action,
            head: None,
            past: Replay::default(),
            file: None,
            writer: None,
            kept: None,
        };
        let Some(path) = path else {
            return Ok(journal);
        };
        let mut file = match file::open(path, request.mode) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(journal),
            Err(refused) => {
                let stop = journal.refused(&refused);
                let is_journal = refused.may_be_journal;
                return Err(Unusable { stop, is_journal });
            }
        };
        if !past::is_journal(&mut file).map_err(|error| journal.unusable(error))? {
            let what = "it is not an iam-del-key journal";
            return Err(Unusable {
                stop: journal.unusable(what),
                is_journal: false,
            });
        }
        if request.mode == Mode::Change {
            journal.lock(&file)?;
        }
        (journal.head, journal.past) =
            past::read(&mut file).map_err(|what| journal.unusable(what))?;
        if let Some(head) = &journal.head
            && head.action != request.action.verb()
        {
            let what = format!("it is from a run to {} keys", escape(&head.action));
            return Err(journal.unusable(what).hint("use another --journal").into());
        }
        if let [expected] = &request.expected_accounts[..] {
            journal.check_head(Some(expected), "--expect-account is")?;
        }
        if request.mode == Mode::Change {
            journal.file = Some(file);
        }
        Ok(journal)
    }

    /// Makes it ready to be written, and makes the file if there is none. A file that is there is not changed yet.
    ///
    /// # Errors
    ///
    /// It cannot be made or written, or another run has made it.
    pub(crate) fn start(mut self, path: &Path) -> Result<Self, RunError> {
        let file = if let Some(file) = self.file.take() {
            file
        } else {
            let file = file::create(path).map_err(|refused| self.refused(&refused))?;
            self.lock(&file)?;
            if file.metadata().is_ok_and(|file| file.len() > 0) {
                return Err(self.taken());
            }
            file
        };
        let started = Kept::new(path, &file, self.past.length)
            .map(Arc::new)
            .and_then(|kept| Ok((Arc::clone(&kept), Writer::start(file, kept)?)));
        let (kept, writer) = started.map_err(|error| unwritten(&self.name, &error))?;
        (self.kept, self.writer) = (Some(kept), Some(writer));
        Ok(self)
    }

    /// Its name as messages have it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn lock(&self, file: &File) -> Result<(), RunError> {
        match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(self.taken()),
            Err(TryLockError::Error(error)) => Err(self.unusable(error)),
        }
    }

    fn taken(&self) -> RunError {
        let stop = RunError::refused(format!("another run is using the journal {}", self.name));
        stop.hint("wait for that run to end, or use another --journal")
    }

    fn refused(&self, refused: &Refused) -> RunError {
        let mut stop = self.unusable(&refused.what);
        stop.hints.extend(refused.hint.map(str::to_owned));
        stop
    }

    fn unusable(&self, what: impl Display) -> RunError {
        RunError::usage(format!("cannot use the journal {}: {what}", self.name))
    }

    /// Refuses a journal of another account than that of the credentials, as far as both are known.
    ///
    /// # Errors
    ///
    /// It is of another account.
    pub(crate) fn check_account(&self, account: Option<&AccountId>) -> Result<(), RunError> {
        self.check_head(account, "the credentials belong to account")
    }

    fn check_head(&self, account: Option<&AccountId>, what: &str) -> Result<(), RunError> {
        let theirs = self.head.as_ref().and_then(|head| head.account.as_ref());
        let (Some(theirs), Some(ours)) = (theirs, account.map(ToString::to_string)) else {
            return Ok(());
        };
        if *theirs == ours {
            return Ok(());
        }
        let what = format!("it is for account {}, but {what} {ours}", escape(theirs));
        let stop = self.unusable(what);
        Err(stop.hint("use a separate journal for each account"))
    }

    /// Begins a run of this account.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub(crate) async fn begin_run(&mut self, account: Option<&AccountId>) -> Result<(), RunError> {
        if self.head.is_some() {
            return Ok(());
        }
        let head = Head {
            form: FORMAT_VERSION,
            action: self.action.verb().to_owned(),
            account: account.map(ToString::to_string),
        };
        self.write(Kind::Other, &json!(head))
            .await
            .map_err(|error| unwritten(&self.name, &error))
    }

    /// What earlier runs say of a key.
    pub(crate) fn before(&self, key: &Key) -> PriorState {
        self.past.before(key, self.action)
    }

    /// What earlier runs started for a key, and did not finish.
    pub(crate) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        self.past.attempts(id)
    }

    /// The keys that earlier runs started to change and did not finish.
    pub(crate) fn in_progress(&self) -> Vec<Key> {
        self.past.in_progress()
    }

    /// A key is about to be changed. Whose it is, is as IAM listed it, or as it was named.
    ///
    /// # Errors
    ///
    /// The record is not on the disk, or `is_harmed`: the key must not be changed.
    pub(crate) async fn record_intent(&self, candidate: &Target) -> io::Result<()> {
        let Target { key, metadata } = candidate;
        let previous_status = match self.action {
            Action::Deactivate => metadata.previous_status(),
            Action::Delete | Action::Reactivate => None,
        };
        let mut record = json!({
            "AccessKeyId": key.id,
            "UserName": metadata.owner.as_ref().or(key.user_name.as_ref()),
            "Intent": self.action.verb(),
            "Time": timestamp(SystemTime::now()),
        });
        // IAM listed the key among this user's: then its absence there proves that it is gone.
        if let (Some(status), Some(_)) = (&metadata.status, &metadata.owner) {
            record["Status"] = json!(status.as_str());
        }
        self.write(Kind::Intent, &with_status(record, previous_status))
            .await
    }

    /// What became of a key.
    ///
    /// # Errors
    ///
    /// The record is not on the disk.
    pub(crate) async fn settle(&self, settled: &KeyResult) -> io::Result<()> {
        let record = json!({
            "AccessKeyId": settled.key.id,
            "UserName": settled.metadata.owner.as_ref().or(settled.key.user_name.as_ref()),
            "Outcome": settled.kind().as_str(),
            "Result": settled.describe_state(),
            "Time": timestamp(SystemTime::now()),
        });
        let record = with_status(record, settled.previous_status());
        self.write(Kind::Other, &record).await
    }

    async fn write(&self, kind: Kind, record: &Value) -> io::Result<()> {
        match &self.writer {
            Some(writer) => writer.write(kind, format!("{record}\n")).await,
            None => Ok(()),
        }
    }

    /// What another process did to the journal while this run wrote it, as a sentence.
    pub(crate) fn harm(&self) -> Option<String> {
        let harm = self.kept.as_ref()?.harm()?;
        Some(format!("the journal {} is incomplete: {harm}", self.name))
    }
}

/// A record with the status that the key had before, where it is known.
fn with_status(mut record: Value, previous_status: Option<&str>) -> Value {
    if let Some(status) = previous_status {
        record["PreviousStatus"] = json!(status);
    }
    record
}

/// It could not be written when the run began.
fn unwritten(name: &str, error: &io::Error) -> RunError {
    RunError::other(format!("cannot write the journal {name}: {error}"))
}
