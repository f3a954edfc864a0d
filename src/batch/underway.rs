//! The keys of which more is known, at this moment, than that nothing was done to them: for the case that the program
//! breaks off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::aws::attempt::Record;
use crate::outcome::KeyState;
use crate::request::Key;

/// Those keys. Clones share them; they can be read after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Vec<Sight>>>);

#[derive(Clone, Debug)]
struct Sight {
    key: Key,
    /// What is sent for it.
    record: Record,
    /// What is known by what earlier runs did.
    earlier: Option<KeyState>,
}

impl UnderWay {
    /// What is known of a key by what earlier runs did.
    pub(crate) fn earlier(&self, key: &Key, known: KeyState) {
        self.changing(key, &Record::default(), Some(known));
    }

    /// A key is being changed; what is sent for it is in `record`, and `earlier` is known by what earlier runs did.
    pub(super) fn changing(&self, key: &Key, record: &Record, earlier: Option<KeyState>) {
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

    /// What is known of a key, where that is more than that nothing was done to it.
    pub(crate) fn known(&self, key: &Key) -> Option<KeyState> {
        let sights = self.lock();
        sights.iter().find(|sight| sight.key.id == key.id)?.known()
    }

    /// The keys of which nobody can say whether they were changed.
    pub(crate) fn in_doubt(&self) -> Vec<Key> {
        let sights = self.lock();
        let is_doubtful = |sight: &&Sight| matches!(sight.known(), Some(KeyState::Unknown(_)));
        let doubtful = sights.iter().filter(is_doubtful);
        doubtful.map(|sight| sight.key.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
