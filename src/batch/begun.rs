//! Keys that an earlier run began to change, and of which its journal does not say how that ended.

use super::Batch;
use crate::change::Earlier;
use crate::exit::Exit;
use crate::journal::Before;
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::{Key, Mode};

impl Batch<'_> {
    /// Whether the key is changed, as far as IAM can be asked.
    pub(super) async fn begun_before(&self, key: &Key) -> Option<Outcome> {
        let mut signals = self.signals.clone();
        let iam = self.connected.iam.for_one(key.id.as_str());
        let change = self.change_of(&iam, Earlier::Began);
        let key = self.as_begun(key);
        tokio::select! {
            looked = change.begun_before(&key) => looked,
            _ = signals.next() => None,
        }
    }

    /// The key with the owner that was known then.
    fn as_begun(&self, key: &Key) -> Key {
        let owner = self.journal.and_then(|journal| journal.owner(&key.id));
        Key {
            id: key.id.clone(),
            user_name: key.user_name.as_ref().or(owner).cloned(),
        }
    }

    /// That a key was left, cannot be read or is not there does not say that it was not changed, where an earlier run began
    /// it. That IAM listed it does.
    pub(super) fn or_in_doubt(&self, mut settled: Settled) -> Settled {
        let is_listed = settled.facts.status.is_some();
        if self.request.mode == Mode::DryRun
            || is_listed
            || self.before(&settled.key) != Before::Begun
        {
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
            // It is a key of another user, whom IAM names: nobody changed it.
            Outcome::Failed { failure, .. } if !failure.names_owner() => Outcome::Failed {
                failure,
                known: Known::begun(),
            },
            outcome => outcome,
        };
        settled
    }
}
