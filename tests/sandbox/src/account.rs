//! What the account holds: users, their keys, the root user's keys and sessions. Knows no HTTP and no XML.

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

/// IAM records only the first use of a key in so many minutes.
const USE_GRANULARITY: Duration = Duration::minutes(15);

/// An AWS account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    /// The root user's keys.
    pub(crate) root: Vec<Key>,
    /// By lower-case name: IAM compares names without case.
    users: BTreeMap<String, User>,
    keys: HashMap<String, Key>,
    sessions: HashMap<String, Session>,
    serial: u64,
    /// What changes on its own.
    pub(crate) drift: Option<Drift>,
}

/// A user; its keys in the order of creation.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) keys: Vec<String>,
    /// Keys and values.
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
            // Below are the serial numbers of seeded keys.
            serial: 1 << 32,
            drift: None,
        }
    }

    /// A new ID of this account, with the prefix of its kind.
    pub(crate) fn make_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        key_id::make(prefix, &self.id, self.serial)
    }

    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(&folded(name))
    }

    /// Users in the order of their names, from the first name after `after`.
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

    /// Adds a user where missing.
    pub(crate) fn ensure_user(&mut self, name: &str, created: OffsetDateTime) {
        // That it exists already is the one way to fail.
        let _exists = self.add_user(name, "/", created);
    }

    /// Moves a user, if it exists, to another path.
    pub(crate) fn set_path(&mut self, name: &str, path: &str) {
        if let Some(user) = self.users.get_mut(&folded(name)) {
            path.clone_into(&mut user.path);
        }
    }

    /// Tags a user, if it exists.
    pub(crate) fn tag_user(&mut self, name: &str, key: &str, value: &str) {
        if let Some(user) = self.users.get_mut(&folded(name)) {
            user.tags.push((key.to_owned(), value.to_owned()));
        }
    }

    /// Gives a user another name; the keys stay.
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

    /// A key of the root user.
    pub(crate) fn root_key(&self, id: &str) -> Option<&Key> {
        self.root.iter().find(|key| key.id == id)
    }

    /// A key of the root user, to be changed.
    pub(crate) fn root_key_mut(&mut self, id: &str) -> Result<&mut Key, Failure> {
        let mut keys = self.root.iter_mut();
        keys.find(|key| key.id == id)
            .ok_or_else(|| Failure::no_such_key(id))
    }

    /// Deletes a key of the root user.
    pub(crate) fn delete_root_key(&mut self, id: &str) -> Result<(), Failure> {
        let at = self.root.iter().position(|key| key.id == id);
        self.root
            .remove(at.ok_or_else(|| Failure::no_such_key(id))?);
        Ok(())
    }

    /// All keys, in the order of their owners' names and then of creation.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.users
            .values()
            .flat_map(|user| user.keys.iter().filter_map(|id| self.keys.get(id)))
    }

    /// Plants a key, and its owner where missing; a key with the same ID is replaced.
    pub(crate) fn plant(&mut self, seed: KeySeed) {
        let mut key = Key::from(seed);
        self.uproot(&key.id);
        self.ensure_user(&key.user, key.created.into());
        if let Some(user) = self.users.get_mut(&folded(&key.user)) {
            key.user.clone_from(&user.name);
            // A user is no younger than its keys.
            user.created = user.created.min(key.created.into());
            user.keys.push(key.id.clone());
            self.keys.insert(key.id.clone(), key);
        }
    }

    /// Takes a key away as if it had never been.
    pub(crate) fn uproot(&mut self, id: &str) -> Option<Key> {
        let key = self.keys.remove(id)?;
        if let Some(user) = self.users.get_mut(&folded(&key.user)) {
            user.keys.retain(|other| other != id);
        }
        Some(key)
    }

    /// The key `id` of the user `name`: another user's key is not found.
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

    /// What the key `id` of a user, the root or a session signs with.
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
