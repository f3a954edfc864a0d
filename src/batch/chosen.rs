//! The keys to change, in the order in which they were listed, whatever the order in which they were checked.

use std::collections::BTreeMap;
use std::io;

use crate::metadata::Target;
use crate::spill::SpillFile;

/// How many checked keys wait for a key before them. Then no further key is started.
const MAX_WAITING: usize = 500;

/// The keys to change.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) keys: SpillFile<Target>,
    /// The number of the next key in order.
    next: u64,
    /// The later keys that were checked, by number. `None`: the key is not to be changed.
    waiting: BTreeMap<u64, Option<Target>>,
}

impl Default for Chosen {
    fn default() -> Self {
        Self {
            keys: SpillFile::new(),
            next: 0,
            waiting: BTreeMap::new(),
        }
    }
}

impl Chosen {
    /// Adds the key with this number, which was checked.
    pub(super) fn add(&mut self, number: u64, target: Option<Target>) {
        self.waiting.insert(number, target);
    }

    /// Stores the keys that wait for no other key.
    ///
    /// # Errors
    ///
    /// A key cannot be stored. The keys after it still wait.
    pub(super) fn store(&mut self) -> Result<(), Box<(Target, io::Error)>> {
        while let Some(target) = self.waiting.remove(&self.next) {
            self.next += 1;
            if let Some(target) = target {
                let stored = self.keys.push(&target);
                stored.map_err(|error| Box::new((target, error)))?;
            }
        }
        Ok(())
    }

    /// Whether many keys wait for one before them.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }
}
