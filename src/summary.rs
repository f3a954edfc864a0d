//! Counts the keys by outcome. The counts add up to the number of keys and determine the exit status.

use crate::error::Exit;
use crate::metadata::Status;
use crate::outcome::{KeyResult, Outcome, OutcomeKind};
use crate::request::Request;

/// The counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    counts: [u64; OutcomeKind::ALL.len()],
    /// Keys that an earlier run finished.
    pub(crate) finished_earlier: u64,
    /// Keys that were skipped because they had the status already.
    pub(crate) already_inactive: u64,
    already_active: u64,
    /// The exit status of the keys so far.
    exit: Option<Exit>,
}

impl Summary {
    /// Counts a result.
    pub(crate) fn count(&mut self, result: &KeyResult, request: &Request) {
        match result.outcome {
            Outcome::Already(Status::Active) => self.already_active += 1,
            Outcome::Already(_) => self.already_inactive += 1,
            _ => self.counts[result.kind() as usize] += 1,
        }
        let exit = result.exit(request);
        self.exit = match self.exit {
            Some(other) if other != exit => Some(Exit::Mixed),
            _ => Some(exit),
        };
    }

    /// Counts a key that an earlier run finished.
    pub(crate) fn count_finished_earlier(&mut self) {
        self.finished_earlier += 1;
    }

    /// Returns the exit status that all keys have, or the one for mixed results.
    pub(crate) fn exit(&self) -> Exit {
        self.exit.unwrap_or(Exit::Success)
    }

    /// Returns the number of counted keys.
    pub(crate) fn total(&self) -> u64 {
        let unchanged = self.finished_earlier + self.already_inactive + self.already_active;
        self.counts.iter().sum::<u64>() + unchanged
    }

    /// Returns the number of keys with this outcome.
    pub(crate) fn count_of(&self, kind: OutcomeKind) -> u64 {
        self.counts[kind as usize]
    }

    /// Describes all counts that are not zero.
    pub(crate) fn describe(&self) -> String {
        let outcomes = OutcomeKind::ALL.iter();
        let outcomes = outcomes.map(|kind| (self.count_of(*kind), kind.names().1));
        let others = [
            (self.already_inactive, "already inactive"),
            (self.already_active, "already active"),
            (self.finished_earlier, "finished by an earlier run"),
        ];
        let parts: Vec<String> = outcomes
            .chain(others)
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Refusal;
    use crate::outcome::tests::result;
    use crate::request::Action;
    use crate::request::tests::request;

    #[test]
    fn the_counts_add_up_and_give_the_exit_status() {
        let request = request("--from list");
        let mut summary = Summary::default();
        assert_eq!(summary.exit(), Exit::Success);
        assert_eq!((summary.total(), summary.describe()), (0, String::new()));
        for outcome in [
            Outcome::Already(Status::Active),
            Outcome::Already(Status::Active),
            Outcome::Already(Status::Active),
            Outcome::Already(Status::Inactive),
            Outcome::Already(Status::Inactive),
            Outcome::OwnKey,
        ] {
            summary.count(&result(Action::Delete, outcome), &request);
        }
        summary.count_finished_earlier();
        assert_eq!(summary.exit(), Exit::Success);
        assert_eq!(summary.total(), 7);
        let refused = || result(Action::Delete, Outcome::Refused(Refusal::SigningKey));
        summary.count(&refused(), &request);
        summary.count(&refused(), &request);
        assert_eq!(summary.exit(), Exit::Mixed);
        assert_eq!(summary.total(), 9);
        assert_eq!(summary.count_of(OutcomeKind::Refused), 2);
        assert_eq!(summary.count_of(OutcomeKind::Deleted), 0);
        assert_eq!(
            summary.describe(),
            "1 skipped, 2 refused, 2 already inactive, 3 already active, 1 finished by an earlier run"
        );
    }

    #[test]
    fn one_status_of_all_keys_is_that_of_the_run() {
        let request = request("--from list");
        let mut summary = Summary::default();
        let refused = || result(Action::Delete, Outcome::Refused(Refusal::SigningKey));
        summary.count(&refused(), &request);
        summary.count(&refused(), &request);
        assert_eq!(summary.exit(), Exit::Refused);
    }
}
