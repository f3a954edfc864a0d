//! The loop over the keys of a run: several are processed at a time, and each is reported as soon as it is finished.

use std::{io, iter, mem};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::abort::AbortReason;
use super::connectivity::Connectivity;
use super::one::{Processed, Stage};
use super::{Run, keys_of};
use crate::error::Exit;
use crate::metadata::Target;
use crate::outcome::{KeyResult, Outcome, OutcomeKind};
use crate::report::stream;
use crate::signal;

/// How many results may wait to be written. A list may be long.
const MAX_UNWRITTEN: usize = 500;

impl Run<'_> {
    /// Processes all keys, at most `--jobs` at a time. A key counts until its result is written: while a reader pauses, no
    /// further key is started, but responses are still read. After the first reason to abort, no further key is started
    /// either, and those in flight finish. Keys that sign come last, one at a time: nothing can be changed after the one that
    /// signs then.
    pub(super) async fn process_keys(&mut self, stage: Stage) -> Result<(), AbortReason> {
        let work = self.work;
        let mut in_flight = FuturesUnordered::new();
        let mut connectivity = Connectivity::default();
        let mut reason = None;
        let mut started = 0;
        let mut signals = work.signals.clone();
        let mut signing = Some(Vec::new());
        loop {
            let wants_more = reason.is_none() && self.keys.peek().is_some();
            if in_flight.is_empty() && !wants_more {
                let Some(mut signing) = signing.take().filter(|keys| !keys.is_empty()) else {
                    return reason.map_or(Ok(()), Err);
                };
                signing.sort_by_key(|target: &Target| {
                    work.iam.signer.last_signed(target.key.id.as_str())
                });
                let rest = mem::replace(&mut self.keys, keys_of(iter::empty()));
                self.keys = keys_of(signing.into_iter().map(Ok).chain(rest));
                continue;
            }
            let mut pause = None;
            if in_flight.is_empty() {
                match connectivity.pause(Instant::now()) {
                    Ok(until) => pause = until,
                    Err(keys) => {
                        let why = connectivity.why_silent();
                        reason = Some(AbortReason::Unreachable { keys, why });
                        continue;
                    }
                }
            }
            let max_keys = match signing {
                Some(_) => connectivity.max_keys(work.request.jobs.get()),
                None => 1,
            };
            let is_full =
                in_flight.len() + self.report.output.len() >= max_keys || self.chosen.is_full();
            let is_behind = stream::is_backlogged();
            if wants_more && !is_full && !is_behind && pause.is_none() {
                match self.keys.next() {
                    Some(Ok(target))
                        if let Some(signing) = &mut signing
                            && work.iam.signer.gives_up(target.key.id.as_str()) =>
                    {
                        signing.push(target);
                    }
                    Some(Ok(target)) => {
                        let number = started;
                        started += 1;
                        in_flight.push(async move {
                            (number, Box::pin(work.process(target, stage)).await)
                        });
                    }
                    Some(Err(error)) => reason = Some(AbortReason::StorageFailed(error)),
                    None => {}
                }
                continue;
            }
            tokio::select! {
                biased;
                Some((number, processed)) = in_flight.next() => {
                    let ended = self.take(stage, number, processed, &mut connectivity);
                    if stage == Stage::Choose {
                        self.report.bar.check(started - in_flight.len() as u64);
                    }
                    let stored = self.store_chosen();
                    reason = reason.or(ended).or(stored);
                }
                written = self.report.output.next(), if self.report.output.len() > 0 => {
                    reason = reason.or(written.err().map(AbortReason::OutputFailed));
                }
                exit = signals.next(), if wants_more => reason = Some(AbortReason::Signal(exit)),
                () = stream::messages_written(), if wants_more && is_behind => {}
                () = sleep_until(pause.unwrap_or_else(Instant::now)), if pause.is_some() => {}
            }
        }
    }

    /// Reports a processed key, or keeps it to be changed. Returns why no further key may be started.
    fn take(
        &mut self,
        stage: Stage,
        number: u64,
        processed: Processed,
        connectivity: &mut Connectivity,
    ) -> Option<AbortReason> {
        let work = self.work;
        if stage == Stage::Choose && !matches!(processed, Processed::Chosen(_)) {
            self.chosen.add(number, None);
        }
        let (result, recorded) = match processed {
            Processed::FinishedEarlier => {
                self.report.summary.count_finished_earlier();
                let signal = work.signals.first().map(AbortReason::Signal);
                return signal.filter(|_| work.request.single().is_none());
            }
            Processed::Chosen(target) => {
                self.chosen.add(number, Some(*target));
                connectivity.add_response();
                return None;
            }
            Processed::Finished(result, recorded) => (result, recorded),
        };
        let written = if recorded.is_ok() {
            self.report_result(&result)
        } else {
            let is_provable = work.is_provable(&result);
            let written = self.report.print_unrecorded(&result, is_provable);
            work.in_flight.remove(&result.key);
            written
        };
        let not_recorded = recorded.err().map(AbortReason::not_recorded);
        let not_written = written.err().map(AbortReason::OutputFailed);
        let reason = not_recorded.or(not_written);
        connectivity.add(&result.outcome);
        reason.or_else(|| work.should_abort(&result))
    }

    /// Stores the keys to change that wait for no key before them. Those that cannot be stored are not tried.
    fn store_chosen(&mut self) -> Option<AbortReason> {
        let mut reason = None;
        while let Err(unstored) = self.chosen.store() {
            let (target, error) = *unstored;
            let why = "the list of keys could not be stored";
            let outcome = Outcome::not_tried(Exit::Other, why);
            let _ = self.report_result(&self.work.unchanged(target, outcome));
            reason.get_or_insert(AbortReason::StorageFailed(error));
        }
        reason
    }

    /// Reports a result and counts it.
    ///
    /// # Errors
    ///
    /// The result cannot be written.
    pub(super) fn report_result(&mut self, result: &KeyResult) -> io::Result<()> {
        let written = self.report.print_result(result);
        self.work.in_flight.remove(&result.key);
        if result.kind() != OutcomeKind::Unknown {
            self.work.in_flight.finish(&result.key);
        }
        written
    }

    /// Reports the keys that a sweep keeps, and waits for readers that pause. After a signal, or if a result cannot be
    /// written, the other keys are only counted.
    pub(super) async fn report_kept(&mut self, kept: Vec<KeyResult>) -> Result<(), AbortReason> {
        let (mut written, mut reason) = (Ok(()), None);
        for result in kept {
            let _ = self.work.record_listing(&result).await;
            if written.is_ok() {
                written = self.wait_for_readers().await;
            }
            if written.is_ok() {
                written = self
                    .report_result(&result)
                    .map_err(AbortReason::OutputFailed);
            } else {
                self.report.summary.count(&result, self.work.request);
            }
            if let Outcome::Failed { .. } = result.outcome {
                reason = reason.or_else(|| self.work.should_abort(&result));
            }
        }
        written.and(reason.map_or(Ok(()), Err))
    }

    /// Waits until there is room for another result and its message.
    pub(super) async fn wait_for_readers(&mut self) -> Result<(), AbortReason> {
        if self.report.output.len() >= MAX_UNWRITTEN {
            self.flush_output().await?;
        }
        if stream::is_backlogged() {
            let written = self.work.signals.race(stream::messages_written());
            written.await.map_err(AbortReason::Signal)?;
        }
        Ok(())
    }

    /// Waits until all results so far are written. A signal limits the wait.
    ///
    /// # Errors
    ///
    /// The results cannot be written, or nobody reads them.
    pub(super) async fn flush_output(&mut self) -> Result<(), AbortReason> {
        let output = &mut self.report.output;
        while output.len() > 0 {
            let written = self.work.signals.bound(signal::OUTPUT, output.next());
            match written.await {
                Ok(written) => written.map_err(AbortReason::OutputFailed)?,
                Err(exit) => {
                    output.give_up();
                    return Err(AbortReason::Signal(exit));
                }
            }
        }
        Ok(())
    }
}
