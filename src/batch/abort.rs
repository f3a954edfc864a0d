//! What ends a run before its last key, and the outcome of the remaining keys.

use std::io;
use std::sync::Arc;

use super::Work;
use crate::error::{CallError, ErrorKind, Exit, RunError, ServiceError};
use crate::journal;
use crate::outcome::{KeyResult, Outcome, Refusal};
use crate::request::Mode;

/// Why no further key is tried.
#[derive(Debug)]
pub(super) enum AbortReason {
    Signal(Exit),
    /// The other keys would fail for the same reason as this one, or `--fail-fast` was given. `why` is a clause.
    KeyFailed {
        exit: Exit,
        why: String,
    },
    /// There was no response for this number of consecutive keys. `why` is a clause.
    Unreachable {
        keys: usize,
        why: &'static str,
    },
    /// The credentials have expired and could not be renewed, or the new ones belong to another principal: then it is a
    /// refusal.
    NotRenewed(Arc<RunError>),
    /// The answer to the question was not yes, or a signal came instead. The exit status tells which.
    NotConfirmed(Exit),
    /// A result could not be written, so a pipeline does not get it.
    OutputFailed(io::Error),
    /// Another process changed the journal. The end of the run reports it.
    JournalChanged,
    /// The list of keys, or the journal, cannot be read or written.
    StorageFailed(io::Error),
    /// The run cannot continue. No key was changed.
    Fatal(anyhow::Error),
}

impl AbortReason {
    /// The journal could not be written.
    pub(super) fn not_recorded(error: io::Error) -> Self {
        if journal::is_changed_elsewhere(&error) {
            Self::JournalChanged
        } else {
            Self::StorageFailed(error)
        }
    }

    /// The keys cannot be selected.
    pub(super) fn fatal(error: impl Into<anyhow::Error>) -> Self {
        Self::Fatal(error.into())
    }
}

impl Work<'_> {
    /// Returns why the result of a key ends the run, if it does.
    pub(super) fn should_abort(&self, result: &KeyResult) -> Option<AbortReason> {
        let exit = result.exit(self.request);
        // After the success of the run's only key, a signal comes too late.
        let is_complete = self.request.single().is_some() && exit == Exit::Success;
        if let Some(exit) = self.signals.first().filter(|_| !is_complete) {
            return Some(AbortReason::Signal(exit));
        }
        let failed = |why: &str| {
            let why = why.to_owned();
            Some(AbortReason::KeyFailed { exit, why })
        };
        let iam = &self.iam;
        if let Outcome::Failed { failure, .. } = &result.outcome {
            if matches!(failure, CallError::Incomplete(_)) && iam.clock_jump().is_some() {
                return failed("IAM's clock cannot be trusted");
            }
            match failure.service().map(ServiceError::kind) {
                Some(ErrorKind::Credentials) => {
                    return match iam.caller.renewal_failure() {
                        Some(error) => Some(AbortReason::NotRenewed(error)),
                        None => failed("IAM rejected the credentials"),
                    };
                }
                Some(ErrorKind::Throttling) => {
                    return failed("IAM throttled every request for too long");
                }
                _ => {}
            }
        }
        if self.request.fail_fast && exit != Exit::Success && self.request.mode == Mode::Change {
            return failed("--fail-fast: an earlier key was not changed");
        }
        None
    }

    /// Returns the outcome of a key that is not tried for this reason.
    pub(super) fn remaining_outcome(&self, reason: &AbortReason) -> Outcome {
        let (exit, why) = match reason {
            AbortReason::Signal(exit) => return self.interrupted(*exit),
            AbortReason::NotConfirmed(exit) if exit.is_signal() => {
                (*exit, "the run was interrupted")
            }
            AbortReason::NotConfirmed(_) => return Outcome::Refused(Refusal::Declined),
            AbortReason::KeyFailed { exit, why } => (*exit, why.as_str()),
            AbortReason::NotRenewed(stop) => (stop.exit, stop.message.as_str()),
            AbortReason::Unreachable { why, .. } => (Exit::Unreachable, *why),
            AbortReason::OutputFailed(_) => (Exit::Other, "a result could not be written"),
            AbortReason::JournalChanged => (Exit::Other, "another process changed the journal"),
            AbortReason::StorageFailed(_) | AbortReason::Fatal(_) => {
                (Exit::Other, "the run was aborted")
            }
        };
        Outcome::not_tried(exit, why)
    }
}
