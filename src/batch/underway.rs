//! The keys of which more is known, at this moment, than that nothing was done to them: for the case that the program
//! breaks off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::aws::attempt::Record;
use crate::outcome::KeyState;
use crate::request::Key;

/// Those keys. Clones share them; they can be read after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Vec<(Key, Sight)>>>);

#[derive(Clone, Debug)]
enum Sight {
    /// An earlier run settled it, or began it.
    Earlier(KeyState),
    /// It is being changed, or was and is still to be told of: what is sent for it is in the record, beside what earlier
    /// runs did.
    Changing(Record, Option<KeyState>),
}

impl UnderWay {
    /// What is known of a key by what earlier runs did.
    pub(crate) fn earlier(&self, key: &Key, known: KeyState) {
        self.put(key, Sight::Earlier(known));
    }

    /// A key is being changed; what is sent for it is in `record`, and `earlier` is known by what earlier runs did.
    pub(super) fn changing(&self, key: &Key, record: &Record, earlier: Option<KeyState>) {
        self.put(key, Sight::Changing(record.clone(), earlier));
    }

    /// What became of a key is told.
    pub(crate) fn told(&self, key: &Key) {
        self.lock().retain(|(known, _)| known.id != key.id);
    }

    /// What is known of a key, where that is more than that nothing was done to it.
    pub(crate) fn known(&self, key: &Key) -> Option<KeyState> {
        let entries = self.lock();
        let (_, sight) = entries.iter().find(|(known, _)| known.id == key.id)?;
        sight.known()
    }

    /// The keys of which nobody can say whether they were changed.
    pub(crate) fn in_doubt(&self) -> Vec<Key> {
        let entries = self.lock();
        let doubtful = entries
            .iter()
            .filter(|(_, sight)| matches!(sight.known(), Some(KeyState::Unknown(_))));
        doubtful.map(|(key, _)| key.clone()).collect()
    }

    fn put(&self, key: &Key, sight: Sight) {
        let mut entries = self.lock();
        entries.retain(|(known, _)| known.id != key.id);
        entries.push((key.clone(), sight));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, Sight)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    fn known(&self) -> Option<KeyState> {
        match self {
            Self::Earlier(known) => Some(known.clone()),
            Self::Changing(record, _) if record.may_have_acted() => {
                Some(KeyState::Unknown("the request may have been sent".into()))
            }
            Self::Changing(_, earlier) => earlier.clone(),
        }
    }
}
