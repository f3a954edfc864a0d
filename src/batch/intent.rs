//! Records that a key is about to be changed, and changes it.

use std::io;
use std::time::SystemTime;

use super::one::{Stage, Work};
use super::prior::DELETED_BEFORE;
use crate::aws::attempt::Attempts;
use crate::aws::{Iam, TimeBudget};
use crate::error::Exit;
use crate::journal::PriorState;
use crate::metadata::Target;
use crate::moment::Moment;
use crate::outcome::{KeyResult, KeyState, Outcome};
use crate::report::try_query;
use crate::request::Mode;

impl Work<'_> {
    /// Records in the journal that a selected key is about to be changed, and changes it. If the request would be signed more
    /// than 15 minutes after the record (IAM's clock is ahead, or this machine slept), the change is recorded again and retried
    /// once: a later run counts the time from the record.
    ///
    /// # Errors
    ///
    /// The result of a key that is not changed, and whether the journal records it.
    pub(super) async fn record_and_change(
        &self,
        target: Target,
        prior: PriorState,
        iam: &Iam,
        budget: &mut TimeBudget,
    ) -> Result<Box<KeyResult>, (Box<KeyResult>, io::Result<()>)> {
        let now = (self.iam.now(), Moment::now());
        let tried = self.record_and_try(target.clone(), prior, iam, budget, now);
        let (result, first) = Box::pin(tried).await?;
        let is_unchanged = matches!(
            &result.outcome,
            Outcome::Failed { known, .. } if !matches!(known, KeyState::Unknown { .. })
        );
        let late = first.signed_late().filter(|_| is_unchanged);
        let Some(late) = late else {
            return Ok(result);
        };
        // IAM accepted no request after the record was made. The result closes that record.
        if self.record_result(&result).await.is_err() {
            return Ok(result);
        }
        let choice = if self.has_conditions() {
            // The key may have been used since it was selected.
            let choice = self.choose(target, Stage::ChooseAndChange, prior, iam, budget);
            Box::pin(choice).await
        } else {
            Ok(target)
        };
        let tried = match choice {
            Ok(target) => {
                let tried = self.record_and_try(target, prior, iam, budget, late);
                Box::pin(tried).await.map(|(result, _)| result)
            }
            Err(result) => Ok(result),
        };
        let with_first = |mut result: Box<KeyResult>| {
            result.attempts += first.count_sent();
            result
        };
        let tried = tried.map(with_first);
        tried.map_err(|(result, recorded)| (with_first(result), recorded))
    }

    /// Records the change with this time, which was taken at this moment, and tries it. Returns its attempts, too.
    async fn record_and_try(
        &self,
        target: Target,
        prior: PriorState,
        iam: &Iam,
        budget: &mut TimeBudget,
        (at, since): (SystemTime, Moment),
    ) -> Result<(Box<KeyResult>, Attempts), (Box<KeyResult>, io::Result<()>)> {
        let attempts = Attempts::of_change(self.request.action, (at, since));
        let mut target = self.record_intent(target, prior, at, budget).await?;
        if !self.is_recent(since) {
            // The disk took long, and the key may have been used.
            let choice = self.choose(target, Stage::ChooseAndChange, prior, iam, budget);
            target = match Box::pin(choice).await {
                Ok(target) => target,
                Err(result) => return Ok((result, attempts)),
            };
        }
        let changed = self.change(target, prior, iam, budget, attempts.clone());
        Ok((Box::pin(changed).await, attempts))
    }

    /// Records in the journal that the key is about to be changed at this time, after checking that its result can be printed. A
    /// signal ends the wait for a disk that does not respond, and that wait is not part of the key's time limit.
    ///
    /// # Errors
    ///
    /// The result of a key that is not changed, and whether the journal records it.
    async fn record_intent(
        &self,
        target: Target,
        prior: PriorState,
        at: SystemTime,
        budget: &TimeBudget,
    ) -> Result<Target, (Box<KeyResult>, io::Result<()>)> {
        if self.request.mode == Mode::DryRun {
            return Ok(target);
        }
        let mut signals = self.signals.clone();
        let _pause = budget.pause();
        let (why, error) = if let Err(error) = try_query(self.request, &target) {
            ("--query failed on the result", error)
        } else if prior == DELETED_BEFORE {
            // The journal says more already.
            return Ok(target);
        } else {
            let shown = self.iam.last_owner(&target.key.id);
            let recorded = self.journal.record_intent(&target, shown.as_ref(), at);
            tokio::select! {
                biased;
                recorded = recorded => match recorded {
                    Ok(()) => return Ok(target),
                    Err(error) => ("the journal could not be written", error),
                },
                exit = signals.next() => {
                    let result = self.unchanged(target, self.interrupted(exit));
                    if prior == PriorState::None {
                        // If the intent gets to the disk, this record says that the key was not changed. If this one does
                        // not, the next run checks the key.
                        let _ = self.record_result(&result).await;
                    }
                    return Err((result, Ok(())));
                }
            }
        };
        let result = self.unchanged(target, Outcome::not_tried(Exit::Other, why));
        Err((result, Err(error)))
    }
}
