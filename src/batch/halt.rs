//! What ends a run before its last key, and the results of the remaining keys.

use std::io;

use super::Work;
use crate::error::{CallError, ErrorKind, Exit, ServiceError};
use crate::journal;
use crate::outcome::{KeyResult, Outcome, Refusal};
use crate::request::{Mode, OnFailure};

/// Why no further key is tried.
#[derive(Debug)]
pub(super) enum AbortReason {
    /// A signal.
    Signal(Exit),
    /// What became of a key means that the others would fare no better, or it is to be the last that failed.
    After { exit: Exit, why: String },
    /// IAM did not respond for so many keys in a row: it can no longer be reached.
    Gone(usize),
    /// The credentials have expired, and those that were to replace them are another principal's.
    OtherPrincipal { why: String },
    /// The answer to the question was not yes, or a signal came instead. The exit status tells which.
    NotConfirmed(Exit),
    /// The result could not be written: a pipeline does not get what it waits for.
    Unwritten(io::Error),
    /// Another process changed the journal. The run reports that when it ends.
    Harmed,
    /// The list of keys, or the journal, cannot be read or written.
    Broken(io::Error),
    /// The run cannot go on, and no key was changed.
    Stopped(anyhow::Error),
}

impl AbortReason {
    /// A record could not be written.
    pub(super) fn unrecorded(error: io::Error) -> Self {
        if journal::is_harmed(&error) {
            Self::Harmed
        } else {
            Self::Broken(error)
        }
    }

    /// The keys cannot be chosen.
    pub(super) fn stopped(error: impl Into<anyhow::Error>) -> Self {
        Self::Stopped(error.into())
    }
}

impl Work<'_> {
    /// Whether what became of a key ends the run, and why.
    pub(super) fn halts(&self, settled: &KeyResult) -> Option<AbortReason> {
        if let Some(exit) = self.signals.first() {
            return Some(AbortReason::Signal(exit));
        }
        let exit = settled.exit(self.request);
        let after = |why: &str| {
            let why = why.to_owned();
            Some(AbortReason::After { exit, why })
        };
        let iam = &self.connected.iam;
        if let Outcome::Failed { failure, .. } = &settled.outcome {
            if matches!(failure, CallError::Incomplete(_)) && iam.clock_jump().is_some() {
                return after("IAM's clock cannot be trusted");
            }
            match failure.service().map(ServiceError::kind) {
                Some(ErrorKind::Credentials) => {
                    return match iam.renewal_failure() {
                        Some(stop) if stop.exit == Exit::Refused => {
                            Some(AbortReason::OtherPrincipal {
                                why: stop.to_string(),
                            })
                        }
                        Some(stop) => after(&format!(
                            "the credentials have expired and could not be renewed: {stop}"
                        )),
                        None => after("the credentials are no longer valid"),
                    };
                }
                Some(ErrorKind::Throttling) => {
                    return after("IAM throttled every request for too long");
                }
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

    /// What becomes of a key that is left.
    pub(super) fn left(&self, halt: &AbortReason) -> Outcome {
        let (exit, why) = match halt {
            AbortReason::Signal(exit) => return self.interrupted(*exit),
            AbortReason::NotConfirmed(_) => return Outcome::Refused(Refusal::Declined),
            AbortReason::After { exit, why } => (*exit, why.as_str()),
            AbortReason::Gone(_) => (Exit::Unreachable, "IAM could not be reached"),
            AbortReason::OtherPrincipal { why } => (Exit::Refused, why.as_str()),
            AbortReason::Unwritten(_) => (Exit::Other, "a result could not be written"),
            AbortReason::Harmed => (Exit::Other, "another process changed the journal"),
            AbortReason::Broken(_) | AbortReason::Stopped(_) => {
                (Exit::Other, "the run was aborted")
            }
        };
        let why = why.to_owned();
        Outcome::NotTried { exit, why }
    }
}
