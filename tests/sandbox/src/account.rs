//! What the account holds: users, their keys, the root user's keys and sessions. Knows no HTTP and no XML.

use crate::drift::{Change, Drift, RENAMED_TO};
use crate::failure::Failure;
use crate::hash;
use crate::key::{Credentials, Key, KeySeed, LastUsed, Status};
use crate::key_id;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration as Wait, Instant};
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

/// A deleted key that lists still show.
#[derive(Debug, Clone)]
struct Ghost {
    key: Key,
    shown: Shown,
}

/// How much longer lists show a deleted key.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Lists(u32),
    Until(Instant),
}

/// A session with its temporary credentials.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    pub(crate) of: SessionOf,
    pub(crate) expires: OffsetDateTime,
}

/// Whose session it is.
#[derive(Debug, Clone)]
pub(crate) enum SessionOf {
    Role(RoleSession),
    /// The root user's, for one task.
    Root(Task),
}

#[derive(Debug, Clone)]
pub(crate) struct RoleSession {
    pub(crate) partition: String,
    pub(crate) role: String,
    pub(crate) name: String,
}

/// What a session of the root user is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Audit,
    Delete,
}

impl User {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

impl Task {
    /// The task of the managed policy with this ARN.
    pub(crate) fn of(policy: &str) -> Option<Self> {
        match policy.rsplit_once(":iam::aws:policy/root-task/")?.1 {
            "IAMAuditRootUserCredentials" => Some(Self::Audit),
            "IAMDeleteRootUserCredentials" => Some(Self::Delete),
            _ => None,
        }
    }

    /// Whether its policy allows the action. What is allowed is allowed for the root user alone.
    pub(crate) fn allows(self, action: &str) -> bool {
        match action {
            "sts:GetCallerIdentity" | "iam:ListAccessKeys" | "iam:GetAccessKeyLastUsed" => true,
            "iam:DeleteAccessKey" => self == Self::Delete,
            _ => false,
        }
    }
}

impl RoleSession {
    /// The unique ID of the session's role, made from its name.
    pub(crate) fn role_id(&self, account: &str) -> String {
        let serial = self.role.bytes().fold(0_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        key_id::make("AROA", account, serial)
    }

    pub(crate) fn arn(&self, account: &str) -> String {
        format!(
            "arn:{}:sts::{account}:assumed-role/{}/{}",
            self.partition, self.role, self.name
        )
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

    /// Deletes a key, which the next `lag` lists of its owner's keys still show; or for as long as the drift says.
    pub(crate) fn delete_key(&mut self, name: &str, id: &str, lag: u32) -> Result<(), Failure> {
        self.key_of(name, id)?;
        let key = self.uproot(id);
        let shown = match &self.drift {
            Some(drift) => Shown::Until(Instant::now() + drift.lag(id)),
            None => Shown::Lists(lag),
        };
        if let (Some(key), Some(user)) = (key, self.users.get_mut(&folded(name)))
            && shown.is_left()
        {
            user.ghosts.push(Ghost { key, shown });
        }
        Ok(())
    }

    /// Whether reads do not show the key, since it is new.
    fn hides(&mut self, id: &str) -> bool {
        let drift = self.drift.as_mut();
        drift.is_some_and(|drift| drift.hides(id, Instant::now()))
    }

    /// The key as `GetAccessKeyLastUsed` shows it. In a drift it lags behind as the lists do.
    pub(crate) fn shown_key(&mut self, id: &str) -> Option<Key> {
        if self.hides(id) {
            return None;
        }
        let ghost = || {
            let mut ghosts = self.users.values().flat_map(|user| &user.ghosts);
            let found = ghosts.find(|ghost| ghost.key.id == id && ghost.shown.is_for_a_time());
            found.map(|ghost| &ghost.key)
        };
        self.keys.get(id).or_else(ghost).cloned()
    }

    /// What somebody else does soon after a request about a user, or about a user's key.
    pub(crate) fn changes(
        &mut self,
        user: Option<&str>,
        id: Option<&str>,
    ) -> Option<(Wait, Change)> {
        let drift = self.drift.as_mut()?;
        let owner = id
            .and_then(|id| self.keys.get(id))
            .map(|key| key.user.as_str());
        let user = self.users.get(&folded(user.or(owner)?))?;
        // Those who sign stay.
        if !user.name.starts_with("user-") {
            return None;
        }
        drift.on_request(&user.name, !user.keys.is_empty())
    }

    /// Somebody else changes a user.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Rename(name) => self.rename_user(&name, &format!("{name}{RENAMED_TO}")),
            Change::Remove(name) => {
                let name = folded(&name);
                if self
                    .users
                    .get(&name)
                    .is_some_and(|user| user.keys.is_empty())
                {
                    self.users.remove(&name);
                }
            }
        }
    }

    /// The keys a list of the user's keys shows, and the user's name as it was created.
    pub(crate) fn list_keys(&mut self, name: &str) -> Result<(String, Vec<Key>), Failure> {
        let user = self
            .users
            .get_mut(&folded(name))
            .ok_or_else(|| Failure::no_such_user(name))?;
        user.ghosts.retain(|ghost| ghost.shown.is_left());
        let ghosts: Vec<Key> = user.ghosts.iter().map(|ghost| ghost.key.clone()).collect();
        for ghost in &mut user.ghosts {
            if let Shown::Lists(left) = &mut ghost.shown {
                *left -= 1;
            }
        }
        let (name, ids) = (user.name.clone(), user.keys.clone());
        let mut shown: Vec<Key> = ids.iter().filter_map(|id| self.shown_key(id)).collect();
        shown.extend(ghosts);
        Ok((name, shown))
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

    pub(crate) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }

    pub(crate) fn add_session(&mut self, session: Session) {
        self.sessions
            .insert(session.credentials.access_key_id.clone(), session);
    }

    /// Starts a session with credentials of its own.
    pub(crate) fn open_session(&mut self, of: SessionOf, expires: OffsetDateTime) -> Session {
        let id = self.make_id("ASIA");
        let credentials = Credentials {
            secret_access_key: hash::secret(&id),
            session_token: Some(hash::token(&id)),
            access_key_id: id,
        };
        let session = Session {
            credentials,
            of,
            expires,
        };
        self.add_session(session.clone());
        session
    }

    /// The secrets and tokens of all sessions.
    pub(crate) fn session_secrets(&self) -> Vec<String> {
        let credentials = self.sessions.values().map(|session| &session.credentials);
        credentials
            .flat_map(|known| [Some(&known.secret_access_key), known.session_token.as_ref()])
            .flatten()
            .cloned()
            .collect()
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

impl Shown {
    fn is_for_a_time(self) -> bool {
        matches!(self, Self::Until(end) if Instant::now() < end)
    }

    fn is_left(self) -> bool {
        match self {
            Self::Lists(left) => left > 0,
            Self::Until(end) => Instant::now() < end,
        }
    }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
