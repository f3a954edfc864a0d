//! Keys that an earlier run began to change, and of which its journal does not say how that ended.

use super::Batch;
use crate::candidate::Candidate;
use crate::change::Whose;
use crate::exit::Exit;
use crate::ident::UserName;
use crate::journal::Before;
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::Action;

impl Batch<'_> {
    /// Whether the key is changed, as far as IAM can be asked.
    pub(super) async fn begun_before(&self, candidate: &Candidate) -> Option<Outcome> {
        let mut signals = self.signals.clone();
        let iam = self.connected.iam.for_one(candidate.key.id.as_str());
        let change = self.change_of(&iam, Before::Begun, candidate);
        tokio::select! {
            looked = change.begun_before(&candidate.key) => looked,
            _ = signals.next() => None,
        }
    }

    /// Whose the key is, by the command or by what IAM listed, and by the journal.
    pub(super) fn whose(&self, candidate: &Candidate) -> Whose {
        let Candidate { key, facts } = candidate;
        let listed = facts.owner.as_ref().filter(|_| facts.status.is_some());
        let now = key.user_name.as_ref().or(listed);
        let same = |then: &Option<UserName>| match (then, now) {
            (Some(then), Some(now)) => then.same_user(now),
            (then, now) => then.is_none() && now.is_none(),
        };
        let earlier = self
            .journal
            .map_or(&[][..], |journal| journal.owners(&key.id));
        match now {
            _ if !earlier.iter().all(same) => Whose::Disputed,
            Some(owner) => Whose::Known(owner.clone()),
            None => Whose::Unsaid,
        }
    }

    /// That a key was left, cannot be read or is not there does not say that it was not changed, where an earlier run began
    /// it. That IAM listed it does.
    pub(super) fn or_in_doubt(&self, mut settled: Settled) -> Settled {
        let is_listed = settled.facts.status.is_some();
        if is_listed || self.before(&settled.key) != Before::Begun {
            return settled;
        }
        let left = |exit: Exit, why: String| Outcome::LeftInDoubt { exit, why };
        settled.outcome = match settled.outcome {
            Outcome::NotTried { exit, why } => left(exit, why),
            Outcome::Skipped(why) => left(Exit::Unknown, why),
            Outcome::Refused(Refusal::Declined) => {
                left(Exit::Unknown, "the answer was not yes".to_owned())
            }
            Outcome::Stopped {
                exit,
                known: Known::NotDone(_),
            } => Outcome::Stopped {
                exit,
                known: Known::begun(),
            },
            // IAM names another user whose key it is: it is there, which is all that can be wrong with a deletion.
            outcome @ Outcome::Failed { .. } if is_there(&outcome, settled.action) => outcome,
            Outcome::Failed { failure, .. } => Outcome::Failed {
                failure,
                known: Known::begun(),
            },
            outcome => outcome,
        };
        settled
    }
}

/// Whether a key that was begun to be deleted is there all the same.
fn is_there(outcome: &Outcome, action: Action) -> bool {
    let names_owner = matches!(outcome, Outcome::Failed { failure, .. } if failure.names_owner());
    action == Action::Delete && names_owner
}
