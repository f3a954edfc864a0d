//! Who signs the requests: what guards compare with, and reports name.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ident::AccountId;

/// The key that signs the requests.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// Its ID and those of the keys behind it, and of all that signed before it in this run.
    pub(crate) key_ids: KeyIds,
    /// Its account, where the source of the credentials says so or the ID encodes it.
    pub(crate) account: Option<AccountId>,
    /// The profile it comes from, where it is surely that.
    pub(crate) profile: Option<String>,
}

/// The IDs of the keys that sign, or stand behind a session that does. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyIds(Arc<Mutex<Vec<String>>>);

impl KeyIds {
    /// Adds IDs. None is ever taken away.
    pub(crate) fn add(&self, ids: impl IntoIterator<Item = String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(ids);
    }

    /// Whether the key of this ID is one of them.
    pub(crate) fn contains(&self, id: &str) -> bool {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().any(|known| known == id)
    }
}
