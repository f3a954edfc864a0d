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
use crate::outcome::{KeyResult, Outcome};
use crate::report::try_query;
use crate::request::Mode;

impl Work<'_> {
    /// Records in the journal that a selected key is about to be changed, and changes it. If IAM's clock turns out to be far
    /// ahead of the record, it is recorded and tried once more: a later run counts the time from the record.
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
        let mut since = Moment::now();
        let mut at = self.iam.now();
        let mut sent = None;
        loop {
            let mut selected = self
                .record_intent(target.clone(), prior, at, budget)
                .await?;
            // The disk may have taken long, or this machine was paused, and the key may have been used.
            let is_recent = sent.is_none() && self.is_recent(since);
            if !is_recent && self.has_conditions() {
                let stage = Stage::ChooseAndChange;
                let choice = self.choose(selected, stage, prior, iam, budget);
                selected = match Box::pin(choice).await {
                    Ok(target) => target,
                    Err(result) => return Ok(result),
                };
            }
            let attempts = Attempts::of_change(self.request.action, at, since);
            let changed = self.change(selected, prior, iam, budget, attempts.clone());
            let mut result = Box::pin(changed).await;
            result.attempts += sent.unwrap_or(0);
            // No request was accepted since the record, so that it does not count.
            match attempts.signed_late().filter(|_| sent.is_none()) {
                Some(signed_at) if self.record_result(&result).await.is_ok() => at = signed_at,
                _ => return Ok(result),
            }
            since = Moment::now();
            sent = Some(attempts.count_sent());
        }
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
