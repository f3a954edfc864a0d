//! What IAM says of one key: its own metadata, never those of another key of the same user.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::ident::UserName;
use crate::request::Key;

/// What IAM says where there is nothing to say, as of the last use of a key that was never used.
pub(crate) const NOT_AVAILABLE: &str = "N/A";

/// What is known of a key. `None`: not asked for, or not to be had.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyMetadata {
    /// Whose it is.
    pub(crate) owner: Option<UserName>,
    /// Whether it can sign.
    pub(crate) status: Option<Status>,
    /// Whether it was active when an earlier run began to make it inactive.
    #[serde(default)]
    pub(crate) was_active: bool,
    /// When it was created.
    pub(crate) created: Option<SystemTime>,
    /// When and where it was used last.
    pub(crate) last_use: Option<LastUse>,
    /// When IAM said so, by IAM's own clock; ages are counted from here.
    pub(crate) read_at: Option<SystemTime>,
    /// What is missing because IAM denied the read, and not because nobody asked.
    #[serde(default)]
    pub(crate) denied: Denied,
}

impl KeyMetadata {
    /// Whether IAM said in this run whose key it is.
    pub(crate) fn has_owner_of_iam(&self) -> bool {
        self.owner.is_some() && (self.last_use.is_some() || self.status.is_some())
    }

    /// The status that an undo of a deactivation has to restore, where it is known.
    pub(crate) fn previous_status(&self) -> Option<&'static str> {
        (self.was_active || self.status == Some(Status::Active)).then_some(Status::Active.as_str())
    }
}

/// Reads that IAM denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Denied {
    /// `ListAccessKeys`: status and creation are unknown.
    pub(crate) listing: bool,
    /// `GetAccessKeyLastUsed`: the last use is unknown.
    pub(crate) last_use: bool,
}

/// The status of a key, `StatusType` in the API reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    /// It can sign.
    Active,
    /// It cannot sign, until somebody makes it active again.
    Inactive,
    /// Any other word of IAM's, `Expired` for one.
    Other(String),
}

impl Status {
    /// IAM's own word.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Other(word) => word,
        }
    }
}

/// The last use of a key as `GetAccessKeyLastUsed` knows it: it lags by some minutes, and only the first use in
/// 15 minutes is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LastUse {
    /// Never, as far as IAM remembers (April 2015).
    Never,
    /// Then and there.
    At {
        /// When.
        date: SystemTime,
        /// The service's name, such as `s3`.
        service: Option<String>,
        /// The region, such as `us-east-1`.
        region: Option<String>,
    },
}

/// A key that nothing speaks against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The key; with its owner, where that was looked up.
    pub(crate) key: Key,
    /// What IAM says of it, as far as it was asked.
    pub(crate) metadata: KeyMetadata,
}

/// A key about which IAM was not asked yet.
impl From<Key> for Target {
    fn from(key: Key) -> Self {
        let metadata = KeyMetadata::default();
        Self { key, metadata }
    }
}
