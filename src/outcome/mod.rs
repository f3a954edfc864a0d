//! The result of a key as data. The report and the exit status are derived from it.

mod kind;
mod state;
#[cfg(test)]
pub(crate) mod tests;

use crate::error::{CallError, ErrorKind, Exit, NamedBy};
use crate::ident::UserName;
use crate::metadata::{KeyMetadata, Status, Target};
use crate::request::{Action, Key, Mode, Request, Selection};
pub(crate) use kind::OutcomeKind;
pub(crate) use state::{Check, KeyState, changed_before};

/// A key and its result.
#[derive(Debug)]
pub(crate) struct KeyResult {
    /// The requested key, with its owner if the run looked it up.
    pub(crate) key: Key,
    /// The metadata that IAM returned, as far as the run requested it.
    pub(crate) metadata: KeyMetadata,
    /// The requested action.
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    /// The number of requests to change the key that were sent, retries included.
    pub(crate) attempts: usize,
    /// Whether one of them may have an effect that no response shows.
    pub(crate) is_open: bool,
}

/// What happened to a key.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// This run changed the key.
    Done {
        /// IAM's response, if there was one.
        response: Option<ResponseMetadata>,
        /// How the change was verified if there was no response.
        evidence: Option<String>,
        /// The last failure before that.
        failure: Option<CallError>,
    },
    /// A dry run would change the key. The text says why.
    WouldChange(String),
    /// The key no longer exists, as requested.
    Missing(CallError),
    /// A condition is not met. The text names it and says why.
    Skipped(String),
    /// IAM lists the key with this status, which it was to get.
    Already(Status),
    /// The key belongs to the credentials in use, which `--whole-account` skips.
    OwnKey,
    /// A guard refused the request. Nothing was changed.
    Refused(Refusal),
    /// The key was not changed, or its state is unknown. `known` tells which.
    Failed {
        failure: CallError,
        /// The state of the key.
        known: KeyState,
    },
    /// The run ended before it reached the key.
    NotTried {
        /// The exit status of the error that ended the run.
        exit: Exit,
        /// Why the run ended.
        why: String,
    },
    /// An earlier run changed the key, or started to, and this run did not verify it. Its state is unknown.
    LeftUnverified {
        /// The exit status of the error that kept this run from verifying it.
        exit: Exit,
        /// Why this run did not verify it.
        why: String,
        /// The state of the key.
        known: KeyState,
        /// Whether that is because the key belongs to the credentials in use.
        is_own_key: bool,
    },
    /// A signal ended the run.
    Stopped {
        /// The exit status for the signal.
        exit: Exit,
        /// The state of the key.
        known: KeyState,
        /// The last error that IAM returned for the key, also if the change was made.
        failure: Option<CallError>,
    },
}

/// That a key has the status already, in a few words.
pub(crate) fn already(status: &Status) -> String {
    format!("already {}", status.as_str().to_ascii_lowercase())
}

/// Why a guard refused a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The key signs the request itself.
    SigningKey,
    /// The user did not confirm.
    Declined,
    /// The run that deactivated the key does not know whether the key was inactive already.
    StatusUnknown,
}

/// What is known about a key that a guard refused, as a fragment.
pub(crate) const NOT_REQUESTED: &str = "no request to change it was sent to IAM";

/// Why a key is not reactivated that may have been inactive before, or that someone else may have deactivated.
pub(crate) const STATUS_UNKNOWN: &str =
    "it is unknown whether the run with --deactivate made it inactive";

/// The status, headers and request ID of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseMetadata {
    /// The request ID that IAM assigned.
    pub(crate) request_id: Option<String>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The HTTP headers. Names are lowercase.
    pub(crate) headers: Vec<(String, String)>,
}

impl Outcome {
    /// A change that reads confirm, without a response. `evidence` is a fragment.
    pub(crate) fn confirmed(evidence: String, failure: Option<CallError>) -> Self {
        Self::Done {
            response: None,
            evidence: Some(evidence),
            failure,
        }
    }

    /// A change that an earlier run started, and that reads confirm. `shown` is a clause.
    pub(crate) fn started_earlier(shown: &str, failure: Option<CallError>) -> Self {
        Self::confirmed(format!("an earlier run started this; {shown}"), failure)
    }

    /// A key that was certainly not changed. `why` is a fragment.
    pub(crate) fn not_done(failure: CallError, why: impl Into<String>) -> Self {
        let known = KeyState::NotDone(why.into());
        Self::Failed { failure, known }
    }

    /// A key that the run did not reach. `why` is a clause.
    pub(crate) fn not_tried(exit: Exit, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::NotTried { exit, why }
    }

    /// Records who named the owner, which affects the hints for a failure.
    pub(crate) fn with_owner_named_by(mut self, named_by: NamedBy) -> Self {
        if let Self::Failed { failure, .. }
        | Self::Done {
            failure: Some(failure),
            ..
        }
        | Self::Stopped {
            failure: Some(failure),
            ..
        } = &mut self
            && let Some(context) = failure.context_mut()
        {
            context.named_by = named_by;
        }
        self
    }
}

impl KeyResult {
    /// Creates the result of a key that this run did not try to change.
    pub(crate) fn unchanged(target: Target, action: Action, outcome: Outcome) -> Self {
        let Target { key, metadata } = target;
        Self {
            key,
            metadata,
            action,
            outcome,
            attempts: 0,
            is_open: false,
        }
    }

    /// Returns the exit status for this key. A dry run succeeds if it could show the key. In a list, a key that does not
    /// meet a condition is a success; a key that was named is not.
    pub(crate) fn exit(&self, request: &Request) -> Exit {
        let is_dry_run = request.mode == Mode::DryRun;
        let is_named = matches!(request.selection, Selection::Named(_));
        match &self.outcome {
            Outcome::Skipped(_) if is_dry_run || !is_named => Exit::Success,
            Outcome::Refused(_) if is_dry_run => Exit::Success,
            Outcome::Skipped(_) | Outcome::Refused(_) => Exit::Refused,
            Outcome::Done { .. }
            | Outcome::WouldChange(_)
            | Outcome::Missing(_)
            | Outcome::Already(_)
            | Outcome::OwnKey => Exit::Success,
            Outcome::Stopped { exit, .. } | Outcome::NotTried { exit, .. } => *exit,
            // Other statuses say that a key was not changed.
            Outcome::LeftUnverified { exit, .. } if exit.is_about_run() => *exit,
            Outcome::LeftUnverified { .. } => Exit::Unknown,
            Outcome::Failed { failure, known } => match (failure, known) {
                // A failure of IAM has its own exit status. The state of the key is reported too.
                (CallError::Service(error), KeyState::Unknown { .. })
                    if error.kind() == ErrorKind::ServiceFailure || error.context.only_429 =>
                {
                    error.exit()
                }
                (_, KeyState::Unknown { .. }) | (CallError::NoResponse(_), KeyState::Done(_)) => {
                    Exit::Unknown
                }
                (CallError::NoResponse(_), KeyState::ShownNotDone(_)) => Exit::Other,
                _ => failure.read_exit(),
            },
        }
    }

    /// Whether IAM's response confirmed that this run changed the key.
    pub(crate) fn is_confirmed_by_response(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Done {
                response: Some(_),
                ..
            }
        )
    }

    /// Returns the status that an undo has to restore, if this run deactivated the key and knows it. After an earlier run
    /// that may have sent nothing, a list proves nothing: anybody may have deactivated the key since.
    pub(crate) fn previous_status(&self) -> Option<&'static str> {
        let is_own = self.is_confirmed_by_response() || !self.metadata.started_earlier;
        let is_deactivated = self.kind() == OutcomeKind::Deactivated;
        let status = self.metadata.previous_status();
        status.filter(|_| is_deactivated && is_own)
    }

    /// Whether the state of the key is unknown, and who owns it has to be found out first.
    pub(crate) fn needs_owner(&self) -> bool {
        let (Outcome::Failed { known, .. } | Outcome::Stopped { known, .. }) = &self.outcome else {
            return false;
        };
        matches!(known, KeyState::Unknown { check, .. } if *check == Check::Owner)
    }

    /// Whether the key is only presumed to be deleted: another user may own it, because IAM did not confirm its owner since.
    pub(crate) fn is_owner_unchecked(&self) -> bool {
        let (Outcome::Done { failure, .. }
        | Outcome::Stopped {
            failure,
            known: KeyState::Done(_),
            ..
        }) = &self.outcome
        else {
            return false;
        };
        let context = failure.as_ref().map(CallError::context);
        context.is_some_and(|context| context.owner_unchecked)
    }

    /// Whether IAM denied a call that the run needed.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(&self.outcome, Outcome::Failed { failure, .. } if failure.is_denied())
    }

    /// Whether this run changed the key, as far as it knows.
    pub(crate) fn is_changed(&self) -> bool {
        let kind = self.kind();
        kind.is_complete() && kind != OutcomeKind::Missing
    }

    /// Returns the owner that IAM named, or else the one that the caller named.
    pub(crate) fn owner(&self) -> Option<&UserName> {
        self.metadata.owner.as_ref().or(self.key.user_name.as_ref())
    }

    /// Describes the state of the key in a few words.
    pub(crate) fn describe_state(&self) -> String {
        match &self.outcome {
            Outcome::Missing(_) => "already gone".to_owned(),
            Outcome::Already(status) => already(status),
            _ => self.state().describe(self.action),
        }
    }

    /// Returns the value of the member `Result` in errors.
    pub(crate) fn result_member(&self) -> &'static str {
        match &self.outcome {
            Outcome::Missing(_) => "Deleted",
            _ => self.state().result_member(self.action),
        }
    }

    /// Returns the kind of the outcome.
    pub(crate) fn kind(&self) -> OutcomeKind {
        self.kind_and_state().0
    }

    /// Returns the state of the key.
    fn state(&self) -> KeyState {
        self.kind_and_state().1
    }

    /// Returns the kind of the outcome and the state of the key.
    fn kind_and_state(&self) -> (OutcomeKind, KeyState) {
        let (done, would) = match self.action {
            Action::Delete => (OutcomeKind::Deleted, OutcomeKind::WouldDelete),
            Action::Deactivate => (OutcomeKind::Deactivated, OutcomeKind::WouldDeactivate),
            Action::Reactivate => (OutcomeKind::Reactivated, OutcomeKind::WouldReactivate),
        };
        let is_done = || KeyState::Done(String::new());
        let not_done = || KeyState::NotDone(String::new());
        match &self.outcome {
            Outcome::Done { .. } => (done, is_done()),
            Outcome::WouldChange(_) => (would, not_done()),
            Outcome::Missing(_) => (OutcomeKind::Missing, is_done()),
            Outcome::Skipped(_) | Outcome::OwnKey => (OutcomeKind::Skipped, not_done()),
            Outcome::Already(_) => (OutcomeKind::Skipped, is_done()),
            Outcome::Refused(_) => (OutcomeKind::Refused, not_done()),
            Outcome::NotTried { .. } => (OutcomeKind::NotTried, not_done()),
            Outcome::LeftUnverified { known, .. } => (OutcomeKind::Unknown, known.clone()),
            Outcome::Failed { known, .. } | Outcome::Stopped { known, .. } => {
                let kind = match (&self.outcome, known) {
                    (_, KeyState::Unknown { .. }) => OutcomeKind::Unknown,
                    (Outcome::Stopped { .. }, KeyState::Done(_)) => done,
                    (Outcome::Stopped { .. }, _) if self.attempts == 0 => OutcomeKind::NotTried,
                    _ => OutcomeKind::Failed,
                };
                (kind, known.clone())
            }
        }
    }
}
