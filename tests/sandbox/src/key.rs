//! An access key as IAM keeps it, and the seed it is planted from.

use crate::hash;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Whether an access key can sign requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// It can.
    #[default]
    Active,
    /// It was switched off, and can be switched on again.
    Inactive,
    /// It was switched off for good by AWS.
    Expired,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Expired => "Expired",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The last use IAM recorded of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUsed {
    /// When.
    pub at: SystemTime,
    /// For which service, as `s3`.
    pub service: String,
    /// In which region.
    pub region: String,
}

/// A key to plant: `KeySeed { status: Status::Inactive, ..KeySeed::new("Bob", "AKIA...") }`.
#[derive(Debug, Clone)]
pub struct KeySeed {
    /// The owner, created where missing.
    pub user: String,
    /// The key's ID.
    pub id: String,
    /// `Active` by default.
    pub status: Status,
    /// 100 days ago by default.
    pub created: SystemTime,
    /// Never by default.
    pub last_used: Option<LastUsed>,
    /// Made from the ID by default: 40 characters, always the same.
    pub secret: Option<String>,
}

impl KeySeed {
    /// An active key, created 100 days ago and never used.
    #[must_use]
    pub fn new(user: &str, id: &str) -> Self {
        Self {
            user: user.to_owned(),
            id: id.to_owned(),
            status: Status::default(),
            created: days_ago(100),
            last_used: None,
            secret: None,
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The same, created `days` ago.
    #[must_use]
    pub fn created_days_ago(mut self, days: u32) -> Self {
        self.created = days_ago(days);
        self
    }

    /// The same, last used `days` ago.
    #[must_use]
    pub fn last_used_days_ago(mut self, days: u32, service: &str, region: &str) -> Self {
        self.last_used = Some(LastUsed {
            at: days_ago(days),
            service: service.to_owned(),
            region: region.to_owned(),
        });
        self
    }

    /// The same with a secret of one's own.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }
}

/// An access key in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its ID.
    pub id: String,
    /// The name of its owner.
    pub user: String,
    /// Whether it can sign.
    pub status: Status,
    /// When it was created.
    pub created: SystemTime,
    /// Its last use, if any.
    pub last_used: Option<LastUsed>,
    /// Its secret.
    pub secret: String,
}

impl From<KeySeed> for Key {
    fn from(seed: KeySeed) -> Self {
        let KeySeed {
            user,
            id,
            status,
            created,
            last_used,
            secret,
        } = seed;
        let secret = secret.unwrap_or_else(|| hash::secret(&id));
        Self {
            id,
            user,
            status,
            created,
            last_used,
            secret,
        }
    }
}

/// What a request is signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key ID.
    pub access_key_id: String,
    /// The secret that goes with it.
    pub secret_access_key: String,
    /// The token temporary credentials have besides.
    pub session_token: Option<String>,
}

/// This moment, `days` earlier.
#[must_use]
pub fn days_ago(days: u32) -> SystemTime {
    SystemTime::now() - Duration::from_secs(u64::from(days) * 86_400)
}
