//! Changes behind the caller's back in an adverse storm: lists lag, new keys are hidden, reads are denied, and another
//! administrator renames users and deletes those without keys. The seed determines everything.

use crate::hash::Draw;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The longest time in milliseconds that reads still show a deleted key, and the percentage of keys affected.
const LONGEST_LAG: u64 = 3000;
const LAGGING: u64 = 40;
/// The longest time in milliseconds that reads hide a new key, and the percentage of keys affected.
const LONGEST_HIDDEN: u64 = 600;
const HIDDEN: u64 = 15;
/// The percentage of users for whom both reads are denied, only `GetAccessKeyLastUsed`, and only `ListAccessKeys`.
const DENIED: [u64; 3] = [6, 9, 6];
/// The percentage of users who are renamed, which of their first requests triggers it, and the longest delay.
const RENAMED: u64 = 15;
const FIRST_REQUESTS: u64 = 4;
const LONGEST_WAIT: u64 = 800;
/// The percentage of users who are deleted after they lose their last key.
const REMOVED: u64 = 30;

#[derive(Debug)]
pub(crate) struct Drift {
    seed: u64,
    has_poor_reads: bool,
    /// How many requests there were about each user.
    asked: HashMap<String, u64>,
    hidden: HashMap<String, Instant>,
}

/// A change that another administrator makes to a user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Rename(String),
    /// Applies only to a user without keys.
    Remove(String),
}

/// A read that may be denied for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    LastUse,
    Keys,
}

impl Drift {
    pub(crate) fn new(seed: u64, has_poor_reads: bool) -> Self {
        Self {
            seed,
            has_poor_reads,
            asked: HashMap::new(),
            hidden: HashMap::new(),
        }
    }

    fn draw(&self, what: &str, subject: &str) -> Draw {
        Draw::new(&format!("{} {what} {subject}", self.seed))
    }

    /// How long lists still show a key after its deletion.
    pub(crate) fn lag(&self, id: &str) -> Duration {
        let mut draw = self.draw("lag", id);
        let is_lagging = draw.below(100) < LAGGING;
        milliseconds(if is_lagging {
            draw.below(LONGEST_LAG)
        } else {
            0
        })
    }

    /// Whether reads still hide the key. A key is new from the first request that could show it.
    pub(crate) fn hides(&mut self, id: &str, now: Instant) -> bool {
        if let Some(until) = self.hidden.get(id) {
            return now < *until;
        }
        let mut draw = self.draw("hidden", id);
        let is_new = self.has_poor_reads && draw.below(100) < HIDDEN;
        let hidden = milliseconds(if is_new {
            draw.below(LONGEST_HIDDEN)
        } else {
            0
        });
        self.hidden.insert(id.to_owned(), now + hidden);
        is_new
    }

    /// Whether policies deny the read for this user.
    pub(crate) fn denies(&self, read: Read, user: &str) -> bool {
        let [both, last_use, keys] = DENIED;
        let drawn = self.draw("denied", user).below(100);
        self.has_poor_reads
            && match read {
                Read::LastUse => drawn < both + last_use,
                Read::Keys => {
                    drawn < both || (both + last_use..both + last_use + keys).contains(&drawn)
                }
            }
    }

    /// The change that another administrator makes after a request about this user, and the delay before it.
    pub(crate) fn on_request(&mut self, user: &str, has_keys: bool) -> Option<(Duration, Change)> {
        let times = self.asked.entry(user.to_owned()).or_default();
        *times += 1;
        let times = *times;
        let mut draw = self.draw("user", user);
        let (is_renamed, is_removed) = (draw.below(100) < RENAMED, draw.below(100) < REMOVED);
        let is_moment = draw.below(FIRST_REQUESTS) + 1 == times;
        let wait = milliseconds(draw.below(LONGEST_WAIT));
        if is_renamed && is_moment && !user.ends_with(RENAMED_TO) {
            return Some((wait, Change::Rename(user.to_owned())));
        }
        (is_removed && !has_keys).then(|| (wait, Change::Remove(user.to_owned())))
    }
}

/// The suffix of a renamed user.
pub(crate) const RENAMED_TO: &str = "-renamed";

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[cfg(test)]
mod tests {
    use super::{Change, Drift, Read};
    use std::time::{Duration, Instant};

    fn users() -> impl Iterator<Item = String> {
        (0..300).map(|n| format!("user-{n}"))
    }

    #[test]
    fn the_same_seed_causes_the_same_changes() {
        let changes = |seed| -> Vec<_> {
            let mut drift = Drift::new(seed, true);
            let mut changes = Vec::new();
            for user in users().chain(users()) {
                changes.push((drift.on_request(&user, true), drift.lag(&user)));
            }
            changes
        };
        assert_eq!(changes(1), changes(1));
        assert_ne!(changes(1), changes(2));
    }

    #[test]
    fn a_user_is_renamed_once_and_removed_only_without_keys() {
        let mut drift = Drift::new(1, true);
        let mut renamed = Vec::new();
        for user in (0..6).flat_map(|_| users()) {
            match drift.on_request(&user, true) {
                Some((_, Change::Rename(name))) => renamed.push(name),
                other => assert_eq!(other, None),
            }
        }
        let count = renamed.len();
        renamed.sort();
        renamed.dedup();
        assert!(count == renamed.len() && count > 20, "{count}");
        assert!(drift.on_request("user-1-renamed", true).is_none());
        let removed = users().filter(|user| drift.on_request(user, false).is_some());
        assert!((50..150).contains(&removed.count()));
    }

    #[test]
    fn poor_reads_are_denied_for_some_users() {
        let count = |drift: &Drift, read| users().filter(|user| drift.denies(read, user)).count();
        let (partly, never) = (Drift::new(1, true), Drift::new(1, false));
        for read in [Read::LastUse, Read::Keys] {
            assert!((15..80).contains(&count(&partly, read)));
            assert_eq!(count(&never, read), 0);
        }
    }

    #[test]
    fn a_new_key_is_hidden_for_a_moment_after_the_first_request() {
        let mut drift = Drift::new(1, true);
        let now = Instant::now();
        let hidden: Vec<String> = users().filter(|id| drift.hides(id, now)).collect();
        assert!((15..90).contains(&hidden.len()));
        let later = now + Duration::from_millis(600);
        assert!(!users().any(|id| drift.hides(&id, later)));
    }
}
