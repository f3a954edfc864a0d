//! What a sweep found.

use std::collections::{HashMap, HashSet};
use std::io;

use super::{Choice, contradiction};
use crate::error::{RunError, run_error};
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::{KeyMetadata, Target, Unread};
use crate::outcome::{KeyResult, Outcome};
use crate::request::Key;
use crate::spill::SpillFile;

/// What a sweep found.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The keys to change.
    pub(crate) chosen: SpillFile<Target>,
    /// The keys that meet the conditions but are not changed: their own credentials are in use, or their owner's tags
    /// cannot be read.
    pub(crate) results: Vec<KeyResult>,
    /// How many users were read.
    pub(crate) users: usize,
    /// How many users were not read, because `--except-user` names them, and because the credential report shows that none
    /// of their keys matches.
    pub(crate) not_read: [usize; 2],
    /// What cannot be printed because its read has no result.
    pub(crate) unread: Unread,
    /// All keys by ID. A user who is renamed during the sweep may be read under both names. The later one counts, but the
    /// conditions must be met both times.
    found: HashMap<AccessKeyId, Found>,
}

#[derive(Debug)]
struct Found {
    user: Option<UserName>,
    /// The status and the creation date.
    listed: KeyMetadata,
    is_already_inactive: bool,
    /// Whether the key is neither changed nor reported.
    is_passed_over: bool,
}

/// A user, and the choice for each key by ID.
pub(super) type Inspected = (Option<UserName>, Vec<(AccessKeyId, Choice)>);

impl Sweep {
    pub(super) fn new() -> Self {
        Self {
            chosen: SpillFile::new(),
            results: Vec::new(),
            users: 0,
            not_read: [0; 2],
            unread: Unread::default(),
            found: HashMap::new(),
        }
    }

    /// Returns the number of keys that the users have.
    pub(crate) fn keys(&self) -> usize {
        self.found.len()
    }

    /// Returns the number of keys that need no deactivation because they are inactive.
    pub(crate) fn already_inactive(&self) -> usize {
        let found = self.found.values();
        found.filter(|found| found.is_already_inactive).count()
    }

    /// Whether the sweep neither selected nor reported the key.
    pub(crate) fn passed_over(&self, id: &AccessKeyId) -> bool {
        self.found.get(id).is_none_or(|found| found.is_passed_over)
    }

    /// Returns the keys that the sweep neither selected nor reported, with what IAM listed.
    pub(crate) fn left_alone(&self) -> impl Iterator<Item = Target> {
        let found = self.found.iter().filter(|(_, found)| found.is_passed_over);
        found.map(|(id, found)| Target {
            key: Key {
                id: id.clone(),
                user_name: found.user.clone(),
            },
            metadata: KeyMetadata {
                owner: found.user.clone(),
                ..found.listed.clone()
            },
        })
    }

    /// Returns the user for whom IAM listed the key.
    pub(crate) fn owner(&self, id: &AccessKeyId) -> Option<&UserName> {
        self.found.get(id)?.user.as_ref()
    }

    /// Whether IAM listed the key in a state that shows that no expired request of an earlier run changed it.
    pub(crate) fn shows_unchanged(&self, id: &AccessKeyId) -> bool {
        let found = self.found.get(id);
        found.is_some_and(|found| !found.is_already_inactive)
    }

    /// Whether IAM listed the key with the status that it is to get.
    pub(crate) fn shows_reached(&self, id: &AccessKeyId) -> bool {
        let found = self.found.get(id);
        found.is_some_and(|found| found.is_already_inactive)
    }

    /// Adds the keys of a user. Whether no other user had them.
    pub(super) fn add(&mut self, (user, keys): Inspected) -> Result<bool, RunError> {
        let mut fits = true;
        for (id, choice) in keys {
            let outcome = choice.as_ref().err().map(|result| &result.outcome);
            let metadata = match &choice {
                Ok(target) => &target.metadata,
                Err(result) => &result.metadata,
            };
            let listed = KeyMetadata {
                status: metadata.status.clone(),
                created: metadata.created,
                ..KeyMetadata::default()
            };
            let earlier = self.found.get(&id);
            if let Some(how) = earlier.and_then(|earlier| earlier.listed.contradiction(&listed)) {
                let reason = format!("its lists show the key twice, {how}");
                let failure = contradiction(reason).about(Some(&id), user.as_ref());
                return Err(run_error(&failure, "IAM", ""));
            }
            fits &= earlier.is_none_or(|earlier| earlier.user == user);
            let is_already_inactive = matches!(outcome, Some(Outcome::Already(_)));
            let is_passed_over = is_already_inactive
                || matches!(outcome, Some(Outcome::Skipped(_)))
                || earlier.is_some_and(|earlier| earlier.is_passed_over);
            let found = Found {
                user: user.clone(),
                listed,
                is_already_inactive,
                is_passed_over,
            };
            self.found.insert(id, found);
            match choice {
                Ok(target) => {
                    self.unread = self.unread | target.metadata.unread;
                    self.chosen
                        .push(&target)
                        .map_err(|error| not_stored(&error))?;
                }
                Err(_) if is_passed_over => {}
                Err(result) => self.results.push(*result),
            }
        }
        Ok(fits)
    }

    /// Removes keys that were found again, under another name of their user or under the same one: the last read counts.
    /// Keys with a result of `exclude` are not changed either.
    ///
    /// # Errors
    ///
    /// A user's list has a key, and IAM names another user as its owner.
    pub(super) fn settle(
        mut self,
        exclude: impl Fn(&Target) -> Option<Box<KeyResult>>,
    ) -> Result<Self, RunError> {
        let mut seen = HashSet::new();
        let found = &self.found;
        let mut is_current = |key: &Key| {
            let found = found.get(&key.id);
            found.is_some_and(|found| !found.is_passed_over && found.user == key.user_name)
                && seen.insert(key.id.clone())
        };
        self.results.retain(|result| is_current(&result.key));
        let mut current = SpillFile::new();
        for target in self.chosen.read().map_err(|error| not_stored(&error))? {
            let target = target.map_err(|error| not_stored(&error))?;
            if !is_current(&target.key) {
                continue;
            }
            let (listed, named) = (&target.key.user_name, &target.metadata.owner);
            if let (Some(user), Some(owner)) = (listed, named)
                && user != owner
            {
                let reason =
                    format!("the user's list has the key, but IAM names {owner} as the owner");
                let failure = contradiction(reason).about(Some(&target.key.id), listed.as_ref());
                return Err(run_error(&failure, "IAM", ""));
            }
            match exclude(&target) {
                None => current.push(&target).map_err(|error| not_stored(&error))?,
                Some(result) => self.results.push(*result),
            }
        }
        self.chosen = current;
        Ok(self)
    }
}

fn not_stored(error: &io::Error) -> RunError {
    RunError::other(format!("the list of keys cannot be kept: {error}"))
}
