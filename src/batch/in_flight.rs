//! The keys about which more is known, at this moment, than that nothing was done to them: for the case that the program
//! aborts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aws::attempt::Attempts;
use crate::outcome::KeyState;
use crate::request::{Key, Request};

/// Those keys. They can be read after a panic.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// The key that the run is about, where it is about one.
    single: Option<Key>,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// What is sent for it.
    record: Attempts,
    /// What is known by what earlier runs did.
    earlier: Option<KeyState>,
}

impl InFlight {
    /// None of the keys of `request` so far.
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            single: request.single().cloned(),
            entries: Mutex::default(),
        }
    }

    /// What is known of the single key of the run by what earlier runs did.
    pub(crate) fn earlier(&self, known: impl FnOnce(&Key) -> Option<KeyState>) {
        if let Some(key) = &self.single
            && let Some(known) = known(key)
        {
            self.add(key, &Attempts::default(), Some(known));
        }
    }

    /// Nothing that the journal says of the single key is believed.
    pub(crate) fn unread(&self, why: &str) {
        let unknown = format!("the results of earlier runs are unknown: {why}");
        self.earlier(|_| Some(KeyState::unknown(unknown.as_str())));
    }

    /// A key is being changed; what is sent for it is in `record`, and `earlier` is known by what earlier runs did.
    pub(super) fn add(&self, key: &Key, record: &Attempts, earlier: Option<KeyState>) {
        self.told(key);
        self.lock().push(Entry {
            key: key.clone(),
            record: record.clone(),
            earlier,
        });
    }

    /// What became of a key is told.
    pub(crate) fn told(&self, key: &Key) {
        self.lock().retain(|entry| entry.key.id != key.id);
    }

    /// What is known of the single key of the run, where that is more than that nothing was done to it.
    pub(crate) fn known(&self) -> Option<KeyState> {
        let id = &self.single.as_ref()?.id;
        let entries = self.lock();
        entries.iter().find(|entry| entry.key.id == *id)?.known()
    }

    /// The keys whose state is unknown.
    pub(crate) fn in_doubt(&self) -> Vec<Key> {
        let entries = self.lock();
        let is_doubtful = |entry: &&Entry| matches!(entry.known(), Some(KeyState::Unknown { .. }));
        let doubtful = entries.iter().filter(is_doubtful);
        doubtful.map(|entry| entry.key.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn known(&self) -> Option<KeyState> {
        if self.record.may_have_acted() {
            return Some(KeyState::unknown("the request may have been sent"));
        }
        self.earlier.clone()
    }
}
