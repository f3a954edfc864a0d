//! Changes that no request makes: lists that lag, and users that another administrator renames or deletes.

use super::{Account, folded};
use crate::drift::{Change, RENAMED_TO};
use crate::failure::Failure;
use crate::key::Key;
use std::time::{Duration as Wait, Instant};

/// A deleted key that still appears in lists.
#[derive(Debug, Clone)]
pub(super) struct Ghost {
    pub(super) key: Key,
    shown: Shown,
}

/// How long lists still show a deleted key.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Lists(u32),
    Until(Instant),
}

impl Account {
    /// Deletes a key. The next `lag` lists of its owner's keys still show it. In an adverse storm, the drift sets a time instead.
    pub(crate) fn delete_key(&mut self, name: &str, id: &str, lag: u32) -> Result<(), Failure> {
        self.key_of(name, id)?;
        let key = self.uproot(id);
        let shown = match &self.drift {
            Some(drift) => Shown::Until(Instant::now() + drift.lag(id)),
            None => Shown::Lists(lag),
        };
        if let (Some(key), Some(user)) = (key, self.users.get_mut(&folded(name)))
            && shown.is_visible()
        {
            user.ghosts.push(Ghost { key, shown });
        }
        Ok(())
    }

    /// Whether reads hide the key because it is new.
    fn hides(&mut self, id: &str) -> bool {
        let drift = self.drift.as_mut();
        drift.is_some_and(|drift| drift.hides(id, Instant::now()))
    }

    /// The key as `GetAccessKeyLastUsed` shows it. In an adverse storm it lags, as lists do.
    pub(crate) fn shown_key(&mut self, id: &str) -> Option<Key> {
        if self.hides(id) {
            return None;
        }
        let ghost = || {
            let mut ghosts = self.users.values().flat_map(|user| &user.ghosts);
            let found = ghosts.find(|ghost| ghost.key.id == id && ghost.shown.is_before_deadline());
            found.map(|ghost| &ghost.key)
        };
        self.keys.get(id).or_else(ghost).cloned()
    }

    /// The change that another administrator makes soon after a request about a user or a user's key.
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
        // Never change the users who sign requests.
        if !user.name.starts_with("user-") {
            return None;
        }
        drift.on_request(&user.name, !user.keys.is_empty())
    }

    /// Applies another administrator's change to a user.
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

    /// The keys that a list for the user shows, and the user's name in its original case.
    pub(crate) fn list_keys(&mut self, name: &str) -> Result<(String, Vec<Key>), Failure> {
        let user = self
            .users
            .get_mut(&folded(name))
            .ok_or_else(|| Failure::no_such_user(name))?;
        user.ghosts.retain(|ghost| ghost.shown.is_visible());
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
}

impl Shown {
    fn is_before_deadline(self) -> bool {
        matches!(self, Self::Until(end) if Instant::now() < end)
    }

    fn is_visible(self) -> bool {
        match self {
            Self::Lists(left) => left > 0,
            Self::Until(end) => Instant::now() < end,
        }
    }
}
