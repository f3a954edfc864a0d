//! The contents of an account: users and their keys, the root user's keys, and sessions. Does not know about HTTP or
//! XML.

mod lag;
mod session;

pub(crate) use session::{RoleSession, Session, SessionOf, Task};

use crate::drift::Drift;
use crate::failure::Failure;
use crate::key::{Credentials, Key, KeySeed, LastUsed, Status};
use crate::key_id;
use lag::Ghost;
use std::collections::{BTreeMap, HashMap};
use time::{Duration, OffsetDateTime};

/// IAM records a key's use at most once per this period.
const USE_GRANULARITY: Duration = Duration::minutes(15);

/// An AWS account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) root: Vec<Key>,
    /// By lowercase name, because IAM ignores case in user names.
    users: BTreeMap<String, User>,
    keys: HashMap<String, Key>,
    sessions: HashMap<String, Session>,
    serial: u64,
    /// Changes that no request makes.
    pub(crate) drift: Option<Drift>,
}

/// A user, with its keys in order of creation.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) keys: Vec<String>,
    pub(crate) tags: Vec<(String, String)>,
    ghosts: Vec<Ghost>,
}

impl User {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

impl Account {
    pub(crate) fn new(id: &str, root: Key) -> Self {
        Self {
            id: id.to_owned(),
            created: root.created.into(),
            root: vec![root],
            users: BTreeMap::new(),
            keys: HashMap::new(),
            sessions: HashMap::new(),
            // Seeded keys have lower serial numbers.
            serial: 1 << 32,
            drift: None,
        }
    }

    /// Makes a new ID in this account with the prefix for its type.
    pub(crate) fn make_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        key_id::make(prefix, &self.id, self.serial)
    }

    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(&folded(name))
    }

    /// Users sorted by name, starting with the first name after `after`.
    pub(crate) fn users_after(&self, after: &str) -> impl Iterator<Item = &User> {
        let after = folded(after);
        self.users
            .range(after.clone()..)
            .filter(move |(name, _)| **name != after)
            .map(|(_, user)| user)
    }

    pub(crate) fn add_user(
        &mut self,
        name: &str,
        path: &str,
        created: OffsetDateTime,
    ) -> Result<&User, Failure> {
        if self.user(name).is_some() {
            return Err(Failure::user_exists(name));
        }
        let user = User {
            name: name.to_owned(),
            path: path.to_owned(),
            id: self.make_id("AIDA"),
            created,
            keys: Vec::new(),
            tags: Vec::new(),
            ghosts: Vec::new(),
        };
        Ok(self.users.entry(folded(name)).or_insert(user))
    }

    /// Adds the user unless it exists.
    pub(crate) fn ensure_user(&mut self, name: &str, created: OffsetDateTime) {
        // The only possible error is that the user already exists.
        let _exists = self.add_user(name, "/", created);
    }

    /// Moves the user to another path, if the user exists.
    pub(crate) fn set_path(&mut self, name: &str, path: &str) {
        if let Some(user) = self.users.get_mut(&folded(name)) {
            path.clone_into(&mut user.path);
        }
    }

    /// Tags the user, if the user exists.
    pub(crate) fn tag_user(&mut self, name: &str, key: &str, value: &str) {
        if let Some(user) = self.users.get_mut(&folded(name)) {
            user.tags.push((key.to_owned(), value.to_owned()));
        }
    }

    /// Renames the user, who keeps the keys.
    pub(crate) fn rename_user(&mut self, name: &str, to: &str) {
        let Some(mut user) = self.users.remove(&folded(name)) else {
            return;
        };
        to.clone_into(&mut user.name);
        for id in &user.keys {
            if let Some(key) = self.keys.get_mut(id) {
                to.clone_into(&mut key.user);
            }
        }
        for ghost in &mut user.ghosts {
            to.clone_into(&mut ghost.key.user);
        }
        self.users.insert(folded(to), user);
    }

    pub(crate) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.get(id)
    }

    pub(crate) fn root_key(&self, id: &str) -> Option<&Key> {
        self.root.iter().find(|key| key.id == id)
    }

    pub(crate) fn root_key_mut(&mut self, id: &str) -> Result<&mut Key, Failure> {
        let mut keys = self.root.iter_mut();
        keys.find(|key| key.id == id)
            .ok_or_else(|| Failure::no_such_key(id))
    }

    pub(crate) fn delete_root_key(&mut self, id: &str) -> Result<(), Failure> {
        let at = self.root.iter().position(|key| key.id == id);
        self.root
            .remove(at.ok_or_else(|| Failure::no_such_key(id))?);
        Ok(())
    }

    /// All keys, sorted by the owner's name and then by creation.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.users
            .values()
            .flat_map(|user| user.keys.iter().filter_map(|id| self.keys.get(id)))
    }

    /// Adds a key, and its owner if needed. A key with the same ID is replaced.
    pub(crate) fn plant(&mut self, seed: KeySeed) {
        let mut key = Key::from(seed);
        self.uproot(&key.id);
        self.ensure_user(&key.user, key.created.into());
        if let Some(user) = self.users.get_mut(&folded(&key.user)) {
            key.user.clone_from(&user.name);
            // A user cannot be newer than its keys.
            user.created = user.created.min(key.created.into());
            user.keys.push(key.id.clone());
            self.keys.insert(key.id.clone(), key);
        }
    }

    /// Removes a key without a trace.
    pub(crate) fn uproot(&mut self, id: &str) -> Option<Key> {
        let key = self.keys.remove(id)?;
        if let Some(user) = self.users.get_mut(&folded(&key.user)) {
            user.keys.retain(|other| other != id);
        }
        Some(key)
    }

    /// The key `id` of the user `name`. Another user's key is an error.
    pub(crate) fn key_of(&mut self, name: &str, id: &str) -> Result<&mut Key, Failure> {
        let user = self
            .users
            .get(&folded(name))
            .ok_or_else(|| Failure::no_such_user(name))?;
        let owned = user.keys.iter().any(|key| key == id);
        self.keys
            .get_mut(id)
            .filter(|_| owned)
            .ok_or_else(|| Failure::no_such_key(id))
    }

    /// Records that a key signed a request to `service`.
    pub(crate) fn use_key(&mut self, id: &str, service: &str, region: &str, now: OffsetDateTime) {
        let root = self.root.iter_mut().find(|key| key.id == id);
        let Some(key) = root.or_else(|| self.keys.get_mut(id)) else {
            return;
        };
        let stale = |used: &LastUsed| now - OffsetDateTime::from(used.at) >= USE_GRANULARITY;
        if key.last_used.as_ref().is_none_or(stale) {
            key.last_used = Some(LastUsed {
                at: now.into(),
                service: service.to_owned(),
                region: region.to_owned(),
            });
        }
    }

    /// The credentials for the key `id`, which belongs to a user, the root user or a session.
    pub(crate) fn credentials(&self, id: &str) -> Option<Credentials> {
        if let Some(session) = self.sessions.get(id) {
            return Some(session.credentials.clone());
        }
        let key = self.root_key(id).or_else(|| self.keys.get(id))?;
        Some(Credentials {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            session_token: None,
        })
    }

    pub(crate) fn set_status(&mut self, id: &str, status: Status) {
        if let Some(key) = self.keys.get_mut(id) {
            key.status = status;
        }
    }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
