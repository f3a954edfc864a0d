//! How many keys ended how: the counts add up to the keys of the run, and together they give the exit status.

use crate::exit::Exit;
use crate::outcome::Settled;
use crate::request::Mode;

/// The outcomes of a run, in the order in which they are told, and what each is called.
const WORDS: [(&str, &str); 10] = [
    ("Deleted", "deleted"),
    ("Deactivated", "deactivated"),
    ("WouldDelete", "would be deleted"),
    ("WouldDeactivate", "would be deactivated"),
    ("Missing", "gone already"),
    ("Skipped", "left alone by a condition"),
    ("Refused", "refused"),
    ("Failed", "failed and not changed"),
    ("Unknown", "unknown"),
    ("NotTried", "not tried"),
];

/// The count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [u64; WORDS.len()],
    before: u64,
    statuses: Vec<Exit>,
}

impl Tally {
    /// Counts a key that is settled.
    pub(crate) fn count(&mut self, settled: &Settled, mode: Mode) {
        let name = settled.outcome_name();
        if let Some(place) = WORDS.iter().position(|(word, _)| *word == name) {
            self.counts[place] += 1;
        }
        let exit = settled.exit(mode);
        if !self.statuses.contains(&exit) {
            self.statuses.push(exit);
        }
    }

    /// Counts a key that an earlier run settled.
    pub(crate) fn before(&mut self) {
        self.before += 1;
    }

    /// The exit status: the one of all keys, or the one for several with different results.
    pub(crate) fn exit(&self) -> Exit {
        match self.statuses.as_slice() {
            [] => Exit::Success,
            [exit] => *exit,
            _ => Exit::Mixed,
        }
    }

    /// How many keys were counted.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.before
    }

    /// How many keys have this `Outcome`.
    pub(crate) fn of(&self, name: &str) -> u64 {
        let place = WORDS.iter().position(|(word, _)| *word == name);
        place.map_or(0, |place| self.counts[place])
    }

    /// The counts in words, those that are not zero.
    pub(crate) fn told(&self) -> String {
        let mut parts: Vec<String> = WORDS
            .iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
            .map(|((_, words), count)| format!("{count} {words}"))
            .collect();
        if self.before > 0 {
            parts.push(format!("{} settled by an earlier run", self.before));
        }
        match parts.as_slice() {
            [] => "nothing was changed".to_owned(),
            [part] => part.clone(),
            _ => parts.join(", "),
        }
    }
}
