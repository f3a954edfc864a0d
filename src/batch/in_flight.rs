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
    sights: Mutex<Vec<Sight>>,
}

#[derive(Debug)]
struct Sight {
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
            sights: Mutex::default(),
        }
    }

    /// What is known of the single key of the run by what earlier runs did.
    pub(crate) fn earlier(&self, known: impl FnOnce(&Key) -> Option<KeyState>) {
        if let Some(key) = &self.single
            && let Some(known) = known(key)
        {
            self.changing(key, &Attempts::default(), Some(known));
        }
    }

    /// Nothing that the journal says of the single key is believed.
    pub(crate) fn unread(&self, why: &str) {
        let unknown = format!("the results of earlier runs are unknown: {why}");
        self.earlier(|_| Some(KeyState::Unknown(unknown.into())));
    }

    /// A key is being changed; what is sent for it is in `record`, and `earlier` is known by what earlier runs did.
    pub(super) fn changing(&self, key: &Key, record: &Attempts, earlier: Option<KeyState>) {
        self.told(key);
        self.lock().push(Sight {
            key: key.clone(),
            record: record.clone(),
            earlier,
        });
    }

    /// What became of a key is told.
    pub(crate) fn told(&self, key: &Key) {
        self.lock().retain(|sight| sight.key.id != key.id);
    }

    /// What is known of the single key of the run, where that is more than that nothing was done to it.
    pub(crate) fn known(&self) -> Option<KeyState> {
        let id = &self.single.as_ref()?.id;
        let sights = self.lock();
        sights.iter().find(|sight| sight.key.id == *id)?.known()
    }

    /// The keys whose state is unknown.
    pub(crate) fn in_doubt(&self) -> Vec<Key> {
        let sights = self.lock();
        let is_doubtful = |sight: &&Sight| matches!(sight.known(), Some(KeyState::Unknown(_)));
        let doubtful = sights.iter().filter(is_doubtful);
        doubtful.map(|sight| sight.key.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sight>> {
        self.sights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    fn known(&self) -> Option<KeyState> {
        if self.record.may_have_acted() {
            return Some(KeyState::Unknown("the request may have been sent".into()));
        }
        self.earlier.clone()
    }
}
