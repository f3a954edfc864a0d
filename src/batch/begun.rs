//! Keys that an earlier run began to change, and of which its journal does not say how that ended.

use super::Batch;
use crate::candidate::Candidate;
use crate::change::Whose;
use crate::exit::Exit;
use crate::fact::{Facts, Status};
use crate::ident::UserName;
use crate::journal::Before;
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::{Action, Key};

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
    pub(super) fn whose(&self, key: &Key, facts: &Facts) -> Whose {
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
    /// it. That IAM listed it does, but for a key that was to be made inactive and is.
    pub(super) fn or_in_doubt(&self, mut settled: Settled) -> Settled {
        let is_unchanged = match &settled.facts.status {
            Some(Status::Inactive) => settled.action == Action::Delete,
            Some(_) => true,
            None => false,
        };
        if self.before(&settled.key) == Before::Begun && !is_unchanged {
            let whose = self.whose(&settled.key, &settled.facts);
            settled.outcome = in_doubt(settled.outcome, settled.action, &whose);
        }
        settled
    }
}

/// What became of a key that an earlier run began and of which this one found nothing out.
fn in_doubt(outcome: Outcome, action: Action, whose: &Whose) -> Outcome {
    let left = |exit: Exit, why: String| Outcome::LeftInDoubt { exit, why };
    let is_agreed = matches!(whose, Whose::Known(_));
    match outcome {
        Outcome::NotTried { exit, why } => left(exit, why),
        Outcome::Would(why) | Outcome::Skipped(why) => left(Exit::Unknown, why),
        Outcome::Refused(Refusal::Declined) => {
            left(Exit::Unknown, "the answer was not yes".to_owned())
        }
        Outcome::Refused(Refusal::SigningKey) => {
            left(Exit::Unknown, "the key signs the request itself".to_owned())
        }
        Outcome::Stopped {
            exit,
            known: Known::NotDone(_),
        } => Outcome::Stopped {
            exit,
            known: Known::begun(),
        },
        // It is there, under another user's name, and nobody began it under that one.
        Outcome::Failed { failure, known }
            if failure.names_owner() && is_agreed && action == Action::Delete =>
        {
            Outcome::Failed { failure, known }
        }
        Outcome::Missing(failure) if !is_agreed => Outcome::Failed {
            failure,
            known: Known::begun(),
        },
        Outcome::Failed { failure, .. } => Outcome::Failed {
            failure,
            known: Known::begun(),
        },
        outcome => outcome,
    }
}
