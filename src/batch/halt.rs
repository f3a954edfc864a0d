//! What ends a run before its last key, and the keys that are then not tried.

use std::io;

use super::reach::Gone;
use super::{Batch, Keys};
use crate::error::{CallError, ErrorKind, Exit};
use crate::journal::{self, Before};
use crate::metadata::Target;
use crate::outcome::{KeyResult, Outcome};
use crate::report::Report;
use crate::request::{Mode, OnFailure};
use crate::tally::Summary;

/// How many results of keys that are not changed wait to be written at most: a list may be long.
const WAITING: usize = 500;

/// Why no further key is tried.
#[derive(Debug)]
pub(super) enum Halt {
    /// A signal.
    Signal(Exit),
    /// What became of a key means that the others would fare no better, or it is to be the last that failed.
    After { exit: Exit, why: String },
    /// IAM can no longer be reached.
    Gone(Gone),
    /// The credentials have expired, and those that were to replace them are another principal's.
    OtherPrincipal { why: String },
    /// The result could not be written: a pipeline does not get what it waits for.
    Unwritten(io::Error),
    /// Somebody else changed the journal. The run says so when it ends.
    Harmed,
    /// The list of keys, or the journal, cannot be read or written.
    Broken(io::Error),
}

impl Halt {
    /// A record could not be written.
    pub(super) fn unrecorded(error: io::Error) -> Self {
        if journal::is_harmed(&error) {
            Self::Harmed
        } else {
            Self::Broken(error)
        }
    }
}

impl Batch<'_> {
    /// Whether what became of a key ends the run, and why.
    pub(super) fn halts(&self, settled: &KeyResult) -> Option<Halt> {
        if let Some(exit) = self.signals.first() {
            return Some(Halt::Signal(exit));
        }
        let exit = settled.outcome.exit();
        let after = |why: &str| {
            let why = why.to_owned();
            Some(Halt::After { exit, why })
        };
        if let Outcome::Failed {
            failure: CallError::Incomplete(_),
            ..
        } = &settled.outcome
            && self.connected.iam.clock_jump().is_some()
        {
            return after("IAM's clock cannot be trusted");
        }
        if let Outcome::Failed { failure, .. } = &settled.outcome
            && let Some(error) = failure.service()
        {
            match error.kind() {
                ErrorKind::Credentials => {
                    return match self.connected.iam.renewal_failure() {
                        Some(stop) if stop.exit == Exit::Refused => Some(Halt::OtherPrincipal {
                            why: stop.to_string(),
                        }),
                        Some(stop) => after(&format!(
                            "the credentials have expired and could not be renewed: {stop}"
                        )),
                        None => after("the credentials are no good any more"),
                    };
                }
                ErrorKind::Throttling => return after("IAM throttled every request for too long"),
                _ => {}
            }
        }
        match self.request.on_failure {
            OnFailure::Stop if exit != Exit::Success && self.request.mode == Mode::Change => {
                after("--fail-fast: an earlier key was not changed")
            }
            OnFailure::Stop | OnFailure::GoOn => None,
        }
    }

    /// Tells of keys that they are not tried.
    pub(super) async fn leave(
        &self,
        keys: &mut Keys,
        halt: &Halt,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) {
        let (exit, why) = match halt {
            Halt::Signal(exit) => (*exit, "the run was interrupted".to_owned()),
            Halt::After { exit, why } => (*exit, why.clone()),
            Halt::Gone(_) => (Exit::Unreachable, "IAM could not be reached".to_owned()),
            Halt::OtherPrincipal { why } => (Exit::Refused, why.clone()),
            Halt::Unwritten(_) => (Exit::Other, "a result could not be written".to_owned()),
            Halt::Harmed => (Exit::Other, "somebody else changed the journal".to_owned()),
            Halt::Broken(_) => (Exit::Other, "the run broke off".to_owned()),
        };
        let not_tried = |candidate| {
            let why = why.clone();
            self.settled(candidate, Outcome::NotTried { exit, why })
        };
        // Whoever cannot be told the one cannot be told the other; what ended the run is told in any case.
        let _ = self.tell_all(keys, not_tried, report, tally).await;
    }

    /// Tells of each key what became of it, and counts them all. Those that an earlier run settled are counted as such.
    ///
    /// # Errors
    ///
    /// A result cannot be written: the others are only counted.
    pub(super) async fn tell_all(
        &self,
        keys: &mut Keys,
        settle: impl Fn(Target) -> KeyResult,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> io::Result<()> {
        let mut written = Ok(());
        for candidate in keys.flatten() {
            if self.journal.before(&candidate.key) == Before::Settled {
                tally.count_before();
                continue;
            }
            let settled = settle(candidate);
            if written.is_err() || report.output.gave_up() {
                tally.count(&settled, self.request.mode);
                continue;
            }
            written = self.tell(&settled, report, tally);
            if report.output.len() >= WAITING
                && let Err(Halt::Unwritten(error)) = self.written(report).await
            {
                written = Err(error);
            }
        }
        written
    }

    /// Ends the run: tells of what is left, and says the exit status.
    pub(super) async fn halt(
        &self,
        halt: &Halt,
        keys: &mut Keys,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Exit {
        match halt {
            Halt::Signal(exit) => report.interrupted(*exit),
            Halt::Gone(Gone(silent)) => report.gone(*silent),
            Halt::OtherPrincipal { why } => report.ended(why),
            Halt::After { .. } | Halt::Unwritten(_) | Halt::Harmed | Halt::Broken(_) => {}
        }
        self.leave(keys, halt, report, tally).await;
        match halt {
            Halt::After { .. } | Halt::Gone(_) => tally.exit(),
            Halt::Signal(exit) => *exit,
            Halt::OtherPrincipal { .. } => Exit::Refused,
            Halt::Harmed => Exit::Other,
            Halt::Unwritten(error) => report.unwritten(error, tally.exit()),
            Halt::Broken(error) => {
                // Where the disk of the journal did not answer, a signal ended the wait for it.
                let exit = self.signals.first().unwrap_or(Exit::Other);
                report.broken(error, exit);
                exit
            }
        }
    }
}
