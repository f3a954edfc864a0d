//! The keys that are being changed at this moment, for the case that the program breaks off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::aws::attempts::Record;
use crate::request::Key;

/// Which keys are being changed. Clones share it; it can be read after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Vec<(u64, Key, Record)>>>);

/// A key that is being changed, as long as this is there.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    under_way: &'a UnderWay,
    number: u64,
}

impl UnderWay {
    /// A key is being changed; what is sent for it is in `record`.
    pub(super) fn enter(&self, key: &Key, record: &Record) -> Entry<'_> {
        let mut entries = self.lock();
        let number = entries.last().map_or(0, |(number, ..)| number + 1);
        entries.push((number, key.clone(), record.clone()));
        Entry {
            under_way: self,
            number,
        }
    }

    /// The keys of which an attempt may have been carried out.
    pub(crate) fn in_doubt(&self) -> Vec<Key> {
        let entries = self.lock();
        let doubtful = entries
            .iter()
            .filter(|(_, _, record)| record.may_have_acted());
        doubtful.map(|(_, key, _)| key.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Key, Record)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        // While a panic unwinds, the key stays in the list: nobody knows how it ended.
        if !std::thread::panicking() {
            self.under_way
                .lock()
                .retain(|(number, ..)| *number != self.number);
        }
    }
}
