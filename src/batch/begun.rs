//! Keys that an earlier run began to change, and of which its journal does not say how that ended.

use super::{Batch, Budget, Ended};
use crate::change::owner_hint;
use crate::error::Exit;
use crate::journal::{Before, EarlierAttempt};
use crate::locate::OwnerHint;
use crate::metadata::{KeyMetadata, Status, Target};
use crate::outcome::{KeyResult, KeyState, Outcome, Refusal};
use crate::request::{Action, Key, Mode, Selection};
use crate::select::Sweep;

impl Batch<'_> {
    /// The keys of this run that an earlier one began, and of which the sweep does not show that they are unchanged.
    pub(super) fn left_open(&self, sweep: &Sweep) -> Vec<Target> {
        let in_progress = self.journal.in_progress();
        let is_of_run = |key: &Key| match &self.request.selection {
            Selection::User(user) => key
                .user_name
                .as_ref()
                .is_some_and(|name| name.same_user(user)),
            Selection::Account => true,
            Selection::Named(_) | Selection::Listed { .. } => false,
        };
        let left_open = in_progress
            .into_iter()
            .filter(|key| is_of_run(key) && !sweep.shows_unchanged(&key.id));
        let untouched = |key| Target {
            facts: KeyMetadata {
                was_active: self.was_active(&key),
                ..KeyMetadata::default()
            },
            key,
        };
        left_open.map(untouched).collect()
    }

    /// Whether the key was active when an earlier run began to make it inactive.
    pub(super) fn was_active(&self, key: &Key) -> bool {
        let attempts = self.journal.attempts(&key.id);
        attempts.iter().any(EarlierAttempt::was_active)
    }

    /// Looks for a key that an earlier run began. It is not changed: this run did not choose it.
    pub(super) async fn verify(&self, candidate: Target) -> Ended {
        let budget = self.budget(&candidate.key);
        let found = match self.request.mode {
            Mode::Change => self.begun_before(&candidate, &budget).await,
            Mode::DryRun => None,
        };
        let outcome = found.unwrap_or_else(|| {
            left_in_doubt(
                Exit::Unknown,
                "IAM's lists do not say whether it was changed",
            )
        });
        let settled = Box::new(self.settled(candidate, outcome));
        let recorded = self.record(&settled, Before::Begun).await;
        Ended::Now(settled, recorded)
    }

    /// Whether the key is changed, as far as IAM can be asked.
    pub(super) async fn begun_before(
        &self,
        candidate: &Target,
        budget: &Budget,
    ) -> Option<Outcome> {
        let mut signals = self.signals.clone();
        let change = self.change_of(budget, Before::Begun, candidate);
        tokio::select! {
            looked = change.confirm_earlier(&candidate.key, &budget.allowance) => looked,
            _ = signals.next() => None,
        }
    }

    /// That a key was left, cannot be read or is not there does not say that it was not changed, where an earlier run began
    /// it. That IAM listed it does, but for a key that was to be made inactive and is.
    pub(super) fn or_in_doubt(&self, mut settled: KeyResult) -> KeyResult {
        let is_unchanged = match &settled.facts.status {
            Some(Status::Inactive) => settled.action == Action::Delete,
            Some(_) => true,
            None => false,
        };
        let known = match self.journal.before(&settled.key) {
            Before::Begun => KeyState::begun(),
            Before::Deactivated => KeyState::deactivated_earlier(),
            Before::Nothing | Before::Settled => return settled,
        };
        if !is_unchanged {
            let listed = settled.facts.owner.as_ref();
            let listed = listed.filter(|_| settled.facts.status.is_some());
            let named = settled.key.user_name.as_ref();
            let owner = owner_hint(named, listed, self.journal.attempts(&settled.key.id));
            settled.outcome = in_doubt(settled.outcome, known, settled.action, &owner);
        }
        settled
    }
}

/// A key that an earlier run began, and this one left for this reason.
fn left_in_doubt(exit: Exit, why: &str) -> Outcome {
    let why = format!("this run did not change it: {why}");
    Outcome::LeftInDoubt { exit, why }
}

/// What became of a key that an earlier run began and of which this one found nothing out.
fn in_doubt(outcome: Outcome, begun: KeyState, action: Action, owner: &OwnerHint) -> Outcome {
    let is_agreed = matches!(owner, OwnerHint::Named(_) | OwnerHint::Listed(_));
    match outcome {
        Outcome::NotTried { exit, why } => left_in_doubt(exit, &why),
        Outcome::Would(_) => left_in_doubt(Exit::Unknown, "it was a dry run"),
        Outcome::Skipped(why) => left_in_doubt(Exit::Unknown, &why),
        Outcome::Refused(Refusal::Declined) => {
            left_in_doubt(Exit::Unknown, "the answer was not yes")
        }
        Outcome::Refused(Refusal::SigningKey) => {
            left_in_doubt(Exit::Unknown, "the key signs the request itself")
        }
        Outcome::Stopped {
            exit,
            known: KeyState::NotDone(_),
            failure,
        } => Outcome::Stopped {
            exit,
            known: begun,
            failure,
        },
        // It is there, under another user's name, and nobody began it under that one.
        Outcome::Failed { failure, known }
            if failure.context().owner.is_some() && is_agreed && action == Action::Delete =>
        {
            Outcome::Failed { failure, known }
        }
        Outcome::Missing(failure) if !is_agreed => Outcome::Failed {
            failure,
            known: begun,
        },
        Outcome::Failed { failure, .. } => Outcome::Failed {
            failure,
            known: begun,
        },
        outcome => outcome,
    }
}
