//! The metadata of one key. It never comes from another key of the same user.

use std::ops::BitOr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::CallError;
use crate::guard::Principal;
use crate::ident::UserName;
use crate::request::Key;
use crate::sanitize::escape_field;

/// IAM returns this instead of a service and region for a key that was never used.
pub(crate) const NOT_AVAILABLE: &str = "N/A";

/// The metadata of a key. `None`: not requested, or not available.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyMetadata {
    /// The user who owns the key.
    pub(crate) owner: Option<UserName>,
    pub(crate) status: Option<Status>,
    /// The status with which IAM listed the key for its owner, to find out whether it was changed.
    #[serde(skip)]
    pub(crate) located: Option<Status>,
    /// Whether an earlier run may have changed the key.
    #[serde(default)]
    pub(crate) started_earlier: bool,
    /// Whether the key was inactive before the first run with `--deactivate`.
    #[serde(skip)]
    pub(crate) was_inactive: bool,
    #[serde(with = "date")]
    pub(crate) created: Option<SystemTime>,
    pub(crate) last_use: Option<LastUse>,
    /// The owner's tags. They are read again whenever they decide.
    #[serde(skip)]
    pub(crate) owner_tags: Option<Vec<UserTag>>,
    /// When IAM returned the metadata, according to IAM's clock. Ages are relative to this time.
    #[serde(with = "date")]
    pub(crate) read_at: Option<SystemTime>,
    /// The IDs of the owner's other active keys, in a dry run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_active: Vec<String>,
    /// What the list of `--reactivate` says of the deactivation that is to be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deactivation: Option<Deactivation>,
    /// Why values are missing although they were requested.
    #[serde(default)]
    pub(crate) unread: Unread,
}

impl KeyMetadata {
    /// Whether IAM named the owner in this run.
    pub(crate) fn has_owner_of_iam(&self) -> bool {
        self.owner.is_some()
            && (self.last_use.is_some() || self.status.is_some() || self.created.is_some())
    }

    /// Returns the status with which IAM listed the key among its owner's keys. The owner is the root user if that user signs
    /// and nobody names another one. A calling user without a name is not known.
    pub(crate) fn listed_status(&self, key: &Key, principal: Principal) -> Option<&Status> {
        let is_known =
            |owner: Option<&UserName>| owner.is_some() || principal == Principal::RootUser;
        let selected = self
            .status
            .as_ref()
            .filter(|_| is_known(self.owner.as_ref()));
        let located = self
            .located
            .as_ref()
            .filter(|_| is_known(self.owner.as_ref().or(key.user_name.as_ref())));
        located.or(selected)
    }

    /// Says how two listings of a key differ, if they do. The text is a fragment.
    pub(crate) fn contradiction(&self, later: &Self) -> Option<String> {
        if self.status != later.status {
            let [before, now] = [&self.status, &later.status].map(|status| {
                let status = status.as_ref().map(|status| escape_field(status.as_str()));
                status.unwrap_or_else(|| "without a status".to_owned())
            });
            Some(format!("as {before} and {now}"))
        } else if self.created != later.created {
            Some("with two creation dates".to_owned())
        } else {
            None
        }
    }

    /// Returns the status that an undo of a deactivation has to restore, if it is known.
    pub(crate) fn previous_status(&self) -> Option<&'static str> {
        (self.status == Some(Status::Active)).then_some(Status::Active.as_str())
    }
}

/// A tag of a user.
#[derive(Clone, Debug)]
pub(crate) struct UserTag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The reads without a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unread {
    /// IAM denied `ListAccessKeys`. The status and the creation date are unknown.
    pub(crate) denied_listing: bool,
    /// IAM denied `GetAccessKeyLastUsed`. The last use is unknown.
    pub(crate) denied_last_use: bool,
    /// `GetAccessKeyLastUsed` failed otherwise.
    #[serde(default)]
    pub(crate) failed_last_use: bool,
}

impl Unread {
    /// Notes that `GetAccessKeyLastUsed` failed.
    pub(crate) fn note_last_use(&mut self, failure: &CallError) {
        let is_denied = failure.is_denied();
        self.denied_last_use |= is_denied;
        self.failed_last_use |= !is_denied;
    }

    /// Whether the last use is unknown.
    pub(crate) fn lacks_last_use(self) -> bool {
        self.denied_last_use || self.failed_last_use
    }
}

impl BitOr for Unread {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            denied_listing: self.denied_listing || other.denied_listing,
            denied_last_use: self.denied_last_use || other.denied_last_use,
            failed_last_use: self.failed_last_use || other.failed_last_use,
        }
    }
}

/// What a run of `--deactivate` did to a key, by its results or its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Deactivation {
    /// It did not deactivate the key.
    NotDone,
    /// Its journal records that it started to deactivate the key, and not how that ended.
    Started,
    /// It does not know whether it deactivated the key.
    Unverified,
    /// It reported the key as deactivated, and it is not known whether it made the key inactive.
    OfUnknownStatus,
    /// It deactivated the key, which was active before.
    OfActive,
}

/// The status of a key (`StatusType` in the API reference).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    /// The key can sign requests.
    Active,
    /// The key cannot sign requests until it is activated again.
    Inactive,
    /// Any other status, such as `Expired`.
    Other(String),
}

impl Status {
    /// Returns the status as IAM spells it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Other(word) => word,
        }
    }
}

/// The last use that `GetAccessKeyLastUsed` returns. It lags by a few minutes, and IAM records only the first use in
/// each 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LastUse {
    /// Not used since IAM started to record uses (April 2015).
    Never,
    /// The key was used.
    At {
        #[serde(
            serialize_with = "date::serialize",
            deserialize_with = "date::deserialize_required"
        )]
        date: SystemTime,
        /// The service, such as `s3`.
        service: Option<String>,
        /// The region, such as `us-east-1`.
        region: Option<String>,
    },
}

/// Dates in a stored list. Unlike those of serde, they may be before 1970.
mod date {
    use serde::de::Error as _;

    use super::{
        Deserialize, Deserializer, Duration, Serialize, Serializer, SystemTime, UNIX_EPOCH,
    };

    /// The time since the start of 1970, or before it.
    type Stored = Result<Duration, Duration>;

    pub(super) fn serialize<S: Serializer>(
        date: &(impl Copy + Into<Option<SystemTime>>),
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let date: Option<SystemTime> = (*date).into();
        let since = date.map(|date| date.duration_since(UNIX_EPOCH));
        let stored = since.map(|since| since.map_err(|before| before.duration()));
        stored.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let stored = Option::<Stored>::deserialize(from)?;
        Ok(stored.map(|stored| match stored {
            Ok(since) => UNIX_EPOCH + since,
            Err(before) => UNIX_EPOCH - before,
        }))
    }

    pub(super) fn deserialize_required<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SystemTime, D::Error> {
        deserialize(from)?.ok_or_else(|| D::Error::missing_field("date"))
    }
}

/// A key to change, and its metadata.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The key, with its owner if the run looked it up.
    pub(crate) key: Key,
    /// The metadata that IAM returned, as far as the run requested it.
    pub(crate) metadata: KeyMetadata,
}

/// A key about which IAM was not asked yet.
impl From<Key> for Target {
    fn from(key: Key) -> Self {
        let metadata = KeyMetadata::default();
        Self { key, metadata }
    }
}
