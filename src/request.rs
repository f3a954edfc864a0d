//! What a run will do, as plain values with an enum for each choice. Clap parses some of them directly.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{StringValueParser, TypedValueParser};
use serde::{Deserialize, Serialize};

use crate::aws::Connection;
use crate::condition::{Conditions, RequiredRead};
use crate::error::Operation;
use crate::ident::{AccessKeyId, AccountId, PathPrefix, UserName};
use crate::metadata::Status;
use crate::query::Query;

/// One run.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Request {
    pub(crate) selection: Selection,
    /// Limits `Selection::Account` to users under this path.
    pub(crate) path_prefix: Option<PathPrefix>,
    /// Whether IAM looks up the owner of each key. Otherwise it is named, or it is the calling user.
    pub(crate) find_user: bool,
    /// The conditions that each key must meet.
    pub(crate) conditions: Conditions,
    /// What is done to the keys.
    pub(crate) action: Action,
    /// Whether keys are changed, or only shown.
    pub(crate) mode: Mode,
    /// Whether to ask for confirmation first.
    pub(crate) consent: Consent,
    /// Whether a person may be asked on a terminal to confirm the account of `--role-name`.
    pub(crate) may_ask: bool,
    /// The accounts that the credentials may belong to. Empty: any account.
    pub(crate) expected_accounts: Vec<AccountId>,
    /// The maximum number of keys that match. If more match, none is changed.
    pub(crate) max_keys: Option<u64>,
    /// Whether a missing key (`NoSuchEntity`) is a success.
    pub(crate) ignore_missing: bool,
    /// Whether the caller's own keys may be changed, which would lock the caller out.
    pub(crate) allow_self: bool,
    /// The time limit for each key, and for fetching the credentials.
    pub(crate) limit: Duration,
    /// The number of keys in flight at the same time.
    pub(crate) jobs: NonZeroUsize,
    /// The journal that records each step, so that a later run can resume.
    pub(crate) journal: Option<PathBuf>,
    /// Whether the run ends after the first failure. Keys in flight finish, and the others are not tried.
    pub(crate) fail_fast: bool,
    pub(crate) connection: Connection,
    /// The format of results. `None`: the default for the run.
    pub(crate) output: Option<Format>,
    /// Whether `ResponseMetadata` is filled as in boto3: request ID, status, headers and the number of retries.
    pub(crate) response_metadata: bool,
    /// The expression that selects parts of each result.
    pub(crate) query: Option<Query>,
    /// The format of standard error.
    pub(crate) error_format: ErrorFormat,
    /// How much is printed on standard error.
    pub(crate) verbosity: Verbosity,
    /// When messages are colored.
    pub(crate) color: Color,
}

impl Request {
    /// Returns the key if exactly one is named. The output is then only about this key.
    pub(crate) fn single(&self) -> Option<&Key> {
        match &self.selection {
            Selection::Named(keys) if let [key] = keys.as_slice() => Some(key),
            _ => None,
        }
    }

    /// Whether keys that do not exist are failures, as those are in the next run that this run deletes.
    pub(crate) fn fails_on_missing(&self) -> bool {
        self.names_keys() && !self.ignore_missing
    }

    /// Whether the caller names the keys. Otherwise IAM lists them.
    pub(crate) fn names_keys(&self) -> bool {
        match self.selection {
            Selection::Named(_) | Selection::Listed { .. } => true,
            Selection::User(_) | Selection::Root | Selection::Account => false,
        }
    }

    /// Whether the keys of all users are selected, but not those of the root user.
    pub(crate) fn is_whole_account(&self) -> bool {
        matches!(self.selection, Selection::Account)
    }

    /// Whether this deletes a single key. Then standard output is by default what scripts of the AWS CLI and boto3 expect:
    /// one JSON object on success, and nothing otherwise.
    pub(crate) fn deletes_one(&self) -> bool {
        self.single().is_some() && self.action == Action::Delete && self.mode == Mode::Change
    }

    /// Whether this run asks IAM about every key before it changes it.
    pub(crate) fn reads_first(&self) -> bool {
        [
            RequiredRead::LastUse,
            RequiredRead::Listing,
            RequiredRead::Owner,
        ]
        .into_iter()
        .any(|read| self.reads(read))
    }

    /// Whether this run makes the read for every key, unless IAM denies it.
    pub(crate) fn reads(&self, read: RequiredRead) -> bool {
        self.shows_keys()
            || self.conditions.require(read)
            || match read {
                RequiredRead::Listing => self.action != Action::Delete,
                RequiredRead::LastUse | RequiredRead::Owner => self.find_user,
            }
    }

    /// Whether keys are shown before anything is changed.
    pub(crate) fn shows_keys(&self) -> bool {
        self.mode == Mode::DryRun || self.asks()
    }

    /// Whether to ask for confirmation before anything is changed.
    pub(crate) fn asks(&self) -> bool {
        self.mode == Mode::Change && self.consent != Consent::Given
    }
}

/// The selected keys.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Named keys in order, each once.
    Named(Vec<Key>),
    /// The keys in a list.
    Listed {
        /// The file. `None`: standard input.
        file: Option<PathBuf>,
        /// The owner of every key in the list, if an option names it.
        user_name: Option<UserName>,
    },
    /// Every key of a user.
    User(UserName),
    /// Every key of the root user of `--target-principal`.
    Root,
    /// Every key of every user.
    Account,
}

impl Selection {
    /// Whether this key may be selected, before a list is read.
    pub(crate) fn may_include(&self, key: &Key) -> bool {
        match self {
            Self::Named(keys) => keys.iter().any(|named| named.id == key.id),
            Self::User(user) => key.user_name.as_ref() == Some(user),
            Self::Root => key.user_name.is_none(),
            Self::Listed { .. } | Self::Account => true,
        }
    }
}

/// An access key and its owner. Without an owner, IAM assumes the calling user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: AccessKeyId,
    pub(crate) user_name: Option<UserName>,
}

impl Key {
    /// Whether this user is named as the owner.
    pub(crate) fn is_named_for(&self, owner: &UserName) -> bool {
        self.user_name.as_ref() == Some(owner)
    }
}

/// What is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Delete,
    /// Sets the status to `Inactive`.
    Deactivate,
    /// Sets the status to `Active` again.
    Reactivate,
}

impl Action {
    /// Returns the infinitive, and the words for a key that was changed and for one that was not.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::Delete => ["delete", "deleted", "not deleted"],
            Self::Deactivate => ["deactivate", "deactivated", "not deactivated"],
            Self::Reactivate => ["reactivate", "reactivated", "not reactivated"],
        }
    }

    /// Returns the infinitive.
    pub(crate) fn verb(self) -> &'static str {
        self.words()[0]
    }

    /// Returns whether the change can be undone.
    pub(crate) fn undoing(self) -> &'static str {
        match self {
            Self::Delete => "cannot be undone",
            Self::Deactivate => "can be undone",
            Self::Reactivate => "can be undone with --deactivate",
        }
    }

    /// Describes a key that was changed.
    pub(crate) fn done(self) -> &'static str {
        self.words()[1]
    }

    /// Describes a key that was not changed.
    pub(crate) fn not_done(self) -> &'static str {
        self.words()[2]
    }

    /// Returns the status that a changed key has.
    pub(crate) fn status(self) -> Option<Status> {
        match self {
            Self::Delete => None,
            Self::Deactivate => Some(Status::Inactive),
            Self::Reactivate => Some(Status::Active),
        }
    }

    /// Returns the API operation.
    pub(crate) fn operation(self) -> Operation {
        Operation::Iam(match self {
            Self::Delete => "DeleteAccessKey",
            Self::Deactivate | Self::Reactivate => "UpdateAccessKey",
        })
    }
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Change,
    /// Only shows what would be changed. Nothing that writes is sent.
    DryRun,
}

/// Whether to ask on the terminal before anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Do not ask.
    Given,
    /// Ask, because `--interactive` is given.
    Asked,
    /// Ask, because the keys are not named. Without a terminal, `--yes` is required.
    Needed,
    /// Ask if there is a terminal. `confirm` decides this before anything else is done.
    IfTerminal,
}

/// Parses a time limit between `least` seconds and a day.
pub(crate) fn seconds(least: u64) -> impl TypedValueParser<Value = Duration> {
    between(least..=86_400).map(Duration::from_secs)
}

/// Parses a whole number in this range.
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

/// The format of standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    /// Human-readable messages, worded as in the AWS CLI
    #[value(alias = "legacy", alias = "enhanced")]
    Text,
    /// One JSON object per line
    Json,
}

/// How much is printed on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only errors, and warnings about the state of a key.
    Quiet,
    /// Also hints, notes and other warnings.
    Normal,
    /// Also the choices and each attempt.
    Verbose,
    /// Also headers and bodies, without secrets.
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

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsString;

    use super::Request;
    use crate::cli::Cli;

    /// Returns the request of a command line with these words.
    pub(crate) fn request(words: &str) -> Request {
        let words = ["iam-del-key"].into_iter().chain(words.split(' '));
        let words: Vec<OsString> = words.map(OsString::from).collect();
        Cli::read(&words).expect("arguments").into_request()
    }
}
