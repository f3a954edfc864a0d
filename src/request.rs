//! What will be done: plain values, an enum for every choice. Where one option says just such a value, clap reads it as it is.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{StringValueParser, TypedValueParser};
use serde::{Deserialize, Serialize};

use crate::aws::Connection;
use crate::condition::{Conditions, RequiredRead};
use crate::ident::{AccessKeyId, AccountId, PathPrefix, UserName};
use crate::metadata::Status;
use crate::query::Query;

/// One run: the keys, the choices that guard them, the way to IAM and the way to tell.
#[derive(Debug)]
pub(crate) struct Request {
    /// Which keys.
    pub(crate) selection: Selection,
    /// The users to whom `Selection::Account` is limited.
    pub(crate) path_prefix: Option<PathPrefix>,
    /// Whether each key's owner is looked up.
    pub(crate) owner: Owner,
    /// What has to hold of each key.
    pub(crate) conditions: Conditions,
    /// What is done to them.
    pub(crate) action: Action,
    /// Whether that is done, or only told.
    pub(crate) mode: Mode,
    /// Whether to ask for confirmation first.
    pub(crate) consent: Consent,
    /// Whether a person may be asked about the account that `--role-name` leads to.
    pub(crate) prompt: Prompt,
    /// The accounts the credentials may belong to; any if none is named.
    pub(crate) expected_accounts: Vec<AccountId>,
    /// How many keys may match; with more, none is changed.
    pub(crate) max_keys: Option<u64>,
    /// What a key that is already gone means.
    pub(crate) missing: Missing,
    /// Whether the key that signs the request may be that key.
    pub(crate) signing_key: SigningKey,
    /// The whole limit for one key; credentials have the same limit of their own.
    pub(crate) limit: Duration,
    /// How many keys are under way at a time.
    pub(crate) jobs: NonZeroUsize,
    /// Where each step is recorded, so that a later run goes on from there.
    pub(crate) journal: Option<PathBuf>,
    /// What the first key that fails means for the others.
    pub(crate) on_failure: OnFailure,
    /// How IAM is reached, and as whom.
    pub(crate) connection: Connection,
    /// The format of results that the caller chose.
    pub(crate) output: Option<Format>,
    /// What a success carries.
    pub(crate) metadata: Metadata,
    /// What of each result it gets.
    pub(crate) query: Option<Query>,
    /// What standard error gets.
    pub(crate) error_format: ErrorFormat,
    /// How much standard error is told of the way there.
    pub(crate) verbosity: Verbosity,
    /// When messages are colored.
    pub(crate) color: Color,
}

impl Request {
    /// The key, where exactly one is named: what is printed is then about it alone.
    pub(crate) fn single(&self) -> Option<&Key> {
        match &self.selection {
            Selection::Named(keys) => match keys.as_slice() {
                [key] => Some(key),
                _ => None,
            },
            Selection::Listed { .. }
            | Selection::User(_)
            | Selection::Root
            | Selection::Account => None,
        }
    }

    /// Whether this deletes a single key. Then standard output is by default what scripts of the AWS CLI and boto3 expect:
    /// one JSON object on success, and nothing otherwise.
    pub(crate) fn deletes_one(&self) -> bool {
        self.single().is_some() && self.action == Action::Delete && self.mode == Mode::Change
    }

    /// Whether this reads these facts about every key, unless IAM denies it.
    pub(crate) fn reads(&self, read: RequiredRead) -> bool {
        let is_shown = self.mode == Mode::DryRun || self.asks();
        is_shown
            || self.conditions.require(read)
            || match read {
                RequiredRead::Listing => self.action != Action::Delete,
                RequiredRead::LastUse | RequiredRead::Owner => self.owner == Owner::Find,
            }
    }

    /// How many keys it is about.
    pub(crate) fn quantity(&self) -> Quantity {
        match self.single() {
            Some(_) => Quantity::One,
            None => Quantity::Many,
        }
    }

    /// Whether to ask for confirmation before anything is changed.
    pub(crate) fn asks(&self) -> bool {
        self.mode == Mode::Change && self.consent != Consent::Given
    }
}

/// Which keys.
#[derive(Debug)]
pub(crate) enum Selection {
    /// These, in this order, each once.
    Named(Vec<Key>),
    /// Those of a file.
    Listed {
        /// The file.
        input: Input,
        /// The owner of every key of the file, which need not name it.
        user_name: Option<UserName>,
    },
    /// Every key of a user.
    User(UserName),
    /// Every key of the root user of `--target-principal`.
    Root,
    /// Every key of every user.
    Account,
}

/// Where a list of keys is read from.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// An access key and, where it was given, its owner. Without an owner IAM takes the user whose key signs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The key.
    pub(crate) id: AccessKeyId,
    /// The owner.
    pub(crate) user_name: Option<UserName>,
}

/// Who owns a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyOwner {
    /// A user of this name.
    User(UserName),
    /// The root user of the account, who has no name.
    Root,
}

impl fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => name.fmt(f),
            Self::Root => f.write_str("the root user"),
        }
    }
}

/// Where a key's owner comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It is given; where it is not, IAM takes the user whose key signs.
    AsGiven,
    /// IAM is asked whose key it is.
    Find,
}

/// What is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is permanently deleted.
    Delete,
    /// It is made inactive, and can be made active again.
    Deactivate,
    /// It is made active again.
    Reactivate,
}

impl Action {
    /// The infinitive.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
        }
    }

    /// What is known of a key to which it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Delete => "deleted",
            Self::Deactivate => "deactivated",
            Self::Reactivate => "reactivated",
        }
    }

    /// What is known of a key to which it was not done.
    pub(crate) fn not_done(self) -> &'static str {
        match self {
            Self::Delete => "not deleted",
            Self::Deactivate => "not deactivated",
            Self::Reactivate => "not reactivated",
        }
    }

    /// The status that it gives a key.
    pub(crate) fn status(self) -> Option<Status> {
        match self {
            Self::Delete => None,
            Self::Deactivate => Some(Status::Inactive),
            Self::Reactivate => Some(Status::Active),
        }
    }

    /// The operation of IAM that does it.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Delete => "DeleteAccessKey",
            Self::Deactivate | Self::Reactivate => "UpdateAccessKey",
        }
    }
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The keys are changed.
    Change,
    /// What would be changed is told; nothing that writes is sent.
    DryRun,
}

/// Whether to ask at a terminal before anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It is given by the command itself.
    Given,
    /// It is asked for by option.
    Asked,
    /// It is asked for since the keys are not named: who cannot be asked says `--yes`.
    Needed,
    /// It is asked for if there is a terminal. `confirm` decides this before anything else is done.
    IfTerminal,
}

/// Whether a person at the terminal may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// If there is a terminal.
    Allowed,
    /// `--yes` forbids it.
    Forbidden,
}

/// What the first key that fails means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Nothing.
    GoOn,
    /// They are not tried.
    Stop,
}

/// What `NoSuchEntity` means for the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The key was expected to be there.
    Fails,
    /// A key that is already gone is what was wanted.
    Succeeds,
}

/// What happens when the key is the key that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SigningKey {
    /// Refused: it would lock the caller out.
    Guarded,
    /// Wanted.
    Allowed,
}

/// A limit of at least so many seconds and at most a day.
pub(crate) fn seconds(least: u64) -> impl TypedValueParser<Value = Duration> {
    between(least..=86_400).map(Duration::from_secs)
}

/// A whole number in this range.
pub(crate) fn between(range: RangeInclusive<u64>) -> impl TypedValueParser<Value = u64> {
    StringValueParser::new().try_map(move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be between {} and {}", range.start(), range.end()))
    })
}

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
pub(crate) enum Format {
    /// One JSON object per line
    Json,
    /// Tab-separated columns for cut: AccessKeyId, UserName, Outcome, error code, Status, CreateDate,
    /// LastUsedDate, LastUsedService, LastUsedRegion, AccountId, Reason
    Text,
    /// One line per key, as wide as the terminal, with ages
    Table,
    /// Nothing
    Off,
}

/// What standard error gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    /// Sentences for people, in the words of the AWS CLI
    #[value(alias = "legacy", alias = "enhanced")]
    Text,
    /// One JSON object per line
    Json,
}

/// Whether a success carries what boto3 calls `ResponseMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metadata {
    /// The object is there and empty.
    Empty,
    /// The object holds what the reply said.
    Filled,
}

/// How much of the way there is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only errors, and warnings about the state of a key.
    Quiet,
    /// Errors, hints and what is known.
    Normal,
    /// And what was chosen and each attempt.
    Verbose,
    /// And headers and bodies, without secrets.
    Debug,
}

/// When messages are colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
pub(crate) enum Color {
    /// Always
    #[value(alias = "always")]
    On,
    /// Never
    #[value(alias = "never")]
    Off,
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
}

/// How many keys the requests are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// One: the SDK tries a throttled request again, a few times.
    One,
    /// Many: all requests keep IAM's pace.
    Many,
}
