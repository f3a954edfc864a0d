//! The keys that are being changed, so that an abort of the program can report their state.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::aws::attempt::Attempts;
use crate::ident::AccessKeyId;
use crate::lock::lock;
use crate::outcome::KeyState;
use crate::request::{Key, Request};

/// The keys about which more is known than that nothing was done to them. They can be read after a panic.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// The run's only key.
    single: Option<Key>,
    entries: Mutex<Vec<Entry>>,
    /// The keys that earlier runs started to change and whose state is still unknown. `None` if the journal says nothing about
    /// them.
    unfinished: Mutex<Option<HashSet<AccessKeyId>>>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// Those of this run, if it changes the key.
    attempts: Option<Attempts>,
    /// The state of the key by earlier runs.
    prior: Option<KeyState>,
}

impl InFlight {
    /// Creates the record for a run. It has no keys yet.
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            single: request.single().cloned(),
            entries: Mutex::default(),
            unfinished: Mutex::new(Some(HashSet::new())),
        }
    }

    /// Adds the state of the run's only key by earlier runs.
    pub(crate) fn add_prior(&self, known: impl FnOnce(&Key) -> Option<KeyState>) {
        if let Some(key) = &self.single
            && let Some(known) = known(key)
        {
            self.add(key, None, Some(known));
        }
    }

    /// Sets the keys that earlier runs started to change.
    pub(crate) fn set_unfinished(&self, ids: HashSet<AccessKeyId>) {
        *lock(&self.unfinished) = Some(ids);
    }

    /// Returns the keys that earlier runs started to change and whose state is still unknown. `None`: the journal says nothing
    /// about them.
    pub(crate) fn unfinished(&self) -> Option<HashSet<AccessKeyId>> {
        lock(&self.unfinished).clone()
    }

    /// Records that it is known what happened to a key.
    pub(super) fn finish(&self, key: &Key) {
        if let Some(unfinished) = &mut *lock(&self.unfinished) {
            unfinished.remove(&key.id);
        }
    }

    /// Records that the journal says nothing about the keys. `why` is a clause.
    pub(crate) fn add_unread_journal(&self, why: &str) {
        *lock(&self.unfinished) = None;
        let why = format!("the results of earlier runs are unknown: {why}");
        self.add_prior(|_| Some(KeyState::unknown(why)));
    }

    /// Adds a key, which these attempts change if there are any. `prior` is its state by earlier runs.
    pub(super) fn add(&self, key: &Key, attempts: Option<Attempts>, prior: Option<KeyState>) {
        self.remove(key);
        lock(&self.entries).push(Entry {
            key: key.clone(),
            attempts,
            prior,
        });
    }

    /// Removes a key whose result was reported.
    pub(super) fn remove(&self, key: &Key) {
        lock(&self.entries).retain(|entry| entry.key.id != key.id);
    }

    /// Returns the run's only key and its state.
    pub(crate) fn single(&self) -> Option<(&Key, KeyState)> {
        let key = self.single.as_ref()?;
        let entries = lock(&self.entries);
        let entry = entries.iter().find(|entry| entry.key.id == key.id);
        let nothing = || KeyState::NotDone("nothing was sent to IAM".to_owned());
        Some((key, entry.and_then(Entry::known).unwrap_or_else(nothing)))
    }

    /// Returns the keys whose state is unknown.
    pub(crate) fn unknown_keys(&self) -> Vec<Key> {
        let entries = lock(&self.entries);
        let is_unknown = |entry: &&Entry| matches!(entry.known(), Some(KeyState::Unknown { .. }));
        let unknown = entries.iter().filter(is_unknown);
        unknown.map(|entry| entry.key.clone()).collect()
    }
}

impl Entry {
    fn known(&self) -> Option<KeyState> {
        let attempts = self.attempts.as_ref();
        if attempts.is_some_and(Attempts::may_have_acted) {
            return Some(KeyState::unknown("the request may have been sent"));
        }
        self.prior.clone()
    }
}
