//! An access key in the account, and the seed that creates it.

use crate::hash;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Whether an access key can sign requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Yes.
    #[default]
    Active,
    /// No, but it can be reactivated.
    Inactive,
    /// No: AWS disabled it permanently.
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

/// The last use that IAM recorded for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUsed {
    pub at: SystemTime,
    /// The service, such as `s3`.
    pub service: String,
    pub region: String,
}

/// A key to add: `KeySeed { status: Status::Inactive, ..KeySeed::new("Bob", "AKIA...") }`.
#[derive(Debug, Clone)]
pub struct KeySeed {
    /// The owner, who is created if needed.
    pub user: String,
    pub id: String,
    /// The default is `Active`.
    pub status: Status,
    /// The default is 100 days ago.
    pub created: SystemTime,
    /// The default is never.
    pub last_used: Option<LastUsed>,
    /// The default is derived from the ID: 40 characters, always the same.
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

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Sets the creation time to `days` ago.
    #[must_use]
    pub fn created_days_ago(mut self, days: u32) -> Self {
        self.created = days_ago(days);
        self
    }

    /// Sets the last use to `days` ago.
    #[must_use]
    pub fn last_used_days_ago(mut self, days: u32, service: &str, region: &str) -> Self {
        self.last_used = Some(LastUsed {
            at: days_ago(days),
            service: service.to_owned(),
            region: region.to_owned(),
        });
        self
    }

    /// Sets the secret.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }
}

/// An access key in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    /// The user name of its owner.
    pub user: String,
    /// Whether it can sign requests.
    pub status: Status,
    pub created: SystemTime,
    pub last_used: Option<LastUsed>,
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

/// The credentials that sign a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// The session token, for temporary credentials only.
    pub session_token: Option<String>,
}

/// The time `days` before now.
#[must_use]
pub fn days_ago(days: u32) -> SystemTime {
    SystemTime::now() - Duration::from_secs(u64::from(days) * 86_400)
}
