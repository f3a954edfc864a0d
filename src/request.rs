//! What will be done: plain values, an enum for every choice. Knows nothing of how it was typed.

use std::path::PathBuf;
use std::time::Duration;

use crate::condition::Conditions;
use crate::ident::{AccessKeyId, AccountId, UserName};

/// One run: the key, the choices that guard it, the way to IAM and the way to tell.
#[derive(Debug)]
pub(crate) struct Request {
    /// The key.
    pub(crate) key: Key,
    /// Whether the key's owner is looked up.
    pub(crate) owner: Owner,
    /// What has to hold of the key.
    pub(crate) conditions: Conditions,
    /// What is done to it.
    pub(crate) action: Action,
    /// Whether that is done, or only told.
    pub(crate) mode: Mode,
    /// Whether somebody is asked first.
    pub(crate) consent: Consent,
    /// The account the credentials must belong to.
    pub(crate) expected_account: Option<AccountId>,
    /// What a key that is already gone means.
    pub(crate) missing: Missing,
    /// Whether the key that signs the request may be that key.
    pub(crate) signing_key: SigningKey,
    /// The whole limit for one key; credentials have the same limit of their own.
    pub(crate) limit: Duration,
    /// How IAM is reached, and as whom.
    pub(crate) connection: Connection,
    /// What standard output gets.
    pub(crate) format: Format,
    /// How much standard error is told of the way there.
    pub(crate) verbosity: Verbosity,
    /// When messages are coloured.
    pub(crate) color: Color,
}

/// An access key and, where it was given, its owner. Without an owner IAM takes the user whose key signs.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key.
    pub(crate) id: AccessKeyId,
    /// The owner.
    pub(crate) user_name: Option<UserName>,
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
    /// It is deleted, for good.
    Delete,
    /// It is made inactive, and can be made active again.
    Deactivate,
}

impl Action {
    /// The infinitive.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Deactivate => "deactivate",
        }
    }

    /// What is known of a key to which it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Delete => "deleted",
            Self::Deactivate => "deactivated",
        }
    }

    /// What is known of a key to which it was not done.
    pub(crate) fn not_done(self) -> &'static str {
        match self {
            Self::Delete => "not deleted",
            Self::Deactivate => "not deactivated",
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

/// Whether somebody at a terminal is asked before anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It is given by the command itself.
    Given,
    /// It is asked for.
    Asked,
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

/// The way to IAM. What is not given comes from the environment and the configuration files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// The profile; when given, credentials come from it and from nowhere else.
    pub(crate) profile: Option<String>,
    /// The region, which chooses the partition.
    pub(crate) region: Option<String>,
    /// Another address for IAM.
    pub(crate) endpoint_url: Option<String>,
    /// A PEM file of the certificate authorities to trust.
    pub(crate) ca_bundle: Option<PathBuf>,
    /// The limit for making a connection. Zero: none but the whole limit.
    pub(crate) connect_timeout: Option<Duration>,
    /// The limit for each reply. Zero: none but the whole limit.
    pub(crate) read_timeout: Option<Duration>,
}

/// What standard output gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object a line.
    Json(Metadata),
    /// Columns between tabs.
    Text,
    /// A table for people.
    Table,
    /// Nothing.
    Off,
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
    /// Errors, hints and what is known.
    Normal,
    /// And what was chosen and each attempt.
    Verbose,
    /// And headers and bodies, without secrets.
    Debug,
}

/// When messages are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// Always.
    On,
    /// Never.
    Off,
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
}
