//! Many keys at a time on one thread, and what has to be before the next one starts.

use std::io;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::halt::Halt;
use super::reach::{Heard, Reach};
use super::{Batch, Keys};
use crate::metadata::Target;
use crate::report::{Report, stream};
use crate::signal;

/// What the result of a key means for the run.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) heard: Heard,
    /// Why no further key starts.
    pub(super) halt: Option<Halt>,
}

impl Taken {
    pub(super) fn halt(halt: Halt) -> Self {
        Self {
            heard: Heard::default(),
            halt: Some(halt),
        }
    }
}

impl Batch<'_> {
    /// Works on all keys, at most `--jobs` at a time, and takes each result as it comes. A key counts until its result
    /// is written: while a reader pauses, no further key starts, and responses are still read. After the first halt no
    /// further key starts either, and those in flight finish.
    pub(super) async fn each<T>(
        &self,
        keys: &mut Keys,
        report: &mut Report<'_>,
        work: impl AsyncFn(Target) -> T,
        mut take: impl FnMut(io::Result<T>, &mut Report<'_>) -> Taken,
    ) -> Option<Halt> {
        let mut in_flight = FuturesUnordered::new();
        let mut reach = Reach::default();
        let mut halt = None;
        let mut signals = self.signals.clone();
        loop {
            let wants_more = halt.is_none() && keys.peek().is_some();
            if in_flight.is_empty() && !wants_more {
                return halt;
            }
            let mut pause = None;
            if in_flight.is_empty() {
                match reach.pause(Instant::now()) {
                    Ok(until) => pause = until,
                    Err(gone) => {
                        halt = Some(Halt::Gone(gone));
                        continue;
                    }
                }
            }
            let at_once = reach.at_once(self.request.jobs.get());
            let is_full = in_flight.len() + report.output.len() >= at_once;
            let is_behind = stream::is_behind();
            if wants_more && !is_full && !is_behind && pause.is_none() {
                match keys.next() {
                    Some(Ok(candidate)) => in_flight.push(work(candidate)),
                    Some(Err(error)) => halt = take(Err(error), report).halt,
                    None => {}
                }
                continue;
            }
            tokio::select! {
                biased;
                Some(result) = in_flight.next() => {
                    let taken = take(Ok(result), report);
                    reach.heard(taken.heard);
                    halt = halt.or(taken.halt);
                }
                written = report.output.next(), if report.output.len() > 0 => {
                    halt = halt.or(written.err().map(Halt::Unwritten));
                }
                exit = signals.next(), if wants_more => halt = Some(Halt::Signal(exit)),
                () = stream::said(), if wants_more && is_behind => {}
                () = sleep_until(pause.unwrap_or_else(Instant::now)), if pause.is_some() => {}
            }
        }
    }

    /// Waits until all results so far are written; after a signal not much longer.
    ///
    /// # Errors
    ///
    /// They cannot be written, or nobody reads them.
    pub(super) async fn written(&self, report: &mut Report<'_>) -> Result<(), Halt> {
        while report.output.len() > 0 {
            let written = report.output.next();
            match self.signals.bound(signal::OUTPUT, written).await {
                Ok(written) => written.map_err(Halt::Unwritten)?,
                Err(exit) => {
                    report.output.give_up();
                    return Err(Halt::Signal(exit));
                }
            }
        }
        Ok(())
    }
}
