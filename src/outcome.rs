//! The result of a key as data. The report and the exit status are derived from it.

use crate::error::{CallError, ErrorKind, Exit, NamedBy};
use crate::ident::UserName;
use crate::metadata::{KeyMetadata, Status, Target};
use crate::request::{Action, Key, Mode, Request, Selection};

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
    /// The number of requests to change the key, retries included.
    pub(crate) attempts: usize,
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
    /// An earlier run started to change the key, and this run did not verify it. Its state is unknown.
    LeftUnverified {
        /// The exit status of the error that kept this run from verifying it.
        exit: Exit,
        /// Why this run did not verify it.
        why: String,
    },
    /// A signal ended the run.
    Stopped {
        /// The exit status for the signal.
        exit: Exit,
        /// The state of the key.
        known: KeyState,
        /// The last error that IAM returned for the key.
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

/// Why a key is not reactivated that may have been inactive before, or that somebody else may have deactivated.
pub(crate) const STATUS_UNKNOWN: &str =
    "it is unknown whether the run with --deactivate made it inactive";

/// The state of a key after all checks. The text gives the reason and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// The requested change was made.
    Done(String),
    /// The change was not made.
    NotDone(String),
    /// The run cannot tell.
    Unknown(UnknownState),
}

/// Why the state of a key is unknown, and how to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownState {
    /// The reason, as a fragment.
    pub(crate) why: String,
    pub(crate) check: Check,
}

/// Where to check a key whose state is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// In the list of the owner's keys, if the owner is known.
    List,
    /// In the same list, with more permissions than these credentials have.
    ListWithPermission,
    /// By looking up the owner. The list of the named user proves nothing more.
    Owner,
    /// These credentials cannot read anything that shows it.
    Nothing,
}

impl From<&str> for UnknownState {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl From<String> for UnknownState {
    fn from(why: String) -> Self {
        let check = Check::List;
        Self { why, check }
    }
}

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
    /// Records who named the owner, which affects the hints for a failure.
    pub(crate) fn with_owner_named_by(mut self, named_by: NamedBy) -> Self {
        if let Self::Failed { failure, .. } = &mut self
            && let Some(context) = failure.context_mut()
        {
            context.named_by = named_by;
        }
        self
    }

    /// Returns the exit status for this outcome.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Done { .. }
            | Self::WouldChange(_)
            | Self::Missing(_)
            | Self::Already(_)
            | Self::OwnKey => Exit::Success,
            Self::Skipped(_) | Self::Refused(_) => Exit::Refused,
            Self::Stopped { exit, .. }
            | Self::NotTried { exit, .. }
            | Self::LeftUnverified { exit, .. } => *exit,
            Self::Failed { failure, known } => match (failure, known) {
                // A failure of IAM has its own exit status. The state of the key is reported too.
                (CallError::Service(error), KeyState::Unknown(_))
                    if error.kind() == ErrorKind::ServiceFailure
                        || error.kind() == ErrorKind::Throttling && error.code.is_none() =>
                {
                    failure.read_exit()
                }
                (_, KeyState::Unknown(_)) | (CallError::NoResponse(_), KeyState::Done(_)) => {
                    Exit::Unknown
                }
                (CallError::NoResponse(_), KeyState::NotDone(_)) => Exit::Other,
                _ => failure.read_exit(),
            },
        }
    }
}

impl KeyResult {
    /// Creates the result of a key that this run did not try to change.
    pub(crate) fn unchanged(candidate: Target, action: Action, outcome: Outcome) -> Self {
        let Target { key, metadata } = candidate;
        Self {
            key,
            metadata,
            action,
            outcome,
            attempts: 0,
        }
    }

    /// Returns the exit status for this key. A dry run succeeds if it could show the key. In a list, a key that does not
    /// meet a condition is a success; a key that was named is not.
    pub(crate) fn exit(&self, request: &Request) -> Exit {
        let is_named = matches!(request.selection, Selection::Named(_));
        match &self.outcome {
            Outcome::Skipped(_) | Outcome::Refused(_) if request.mode == Mode::DryRun => {
                Exit::Success
            }
            Outcome::Skipped(_) if !is_named => Exit::Success,
            outcome => outcome.exit(),
        }
    }

    /// Returns the status that an undo has to restore, if this run deactivated the key and knows it. After an earlier run
    /// that may have sent nothing, a list proves nothing: anybody may have deactivated the key since.
    pub(crate) fn previous_status(&self) -> Option<&'static str> {
        let is_own = !self.metadata.begun_earlier
            || matches!(
                self.outcome,
                Outcome::Done {
                    response: Some(_),
                    ..
                }
            );
        let is_deactivated = self.kind() == OutcomeKind::Deactivated;
        let status = self.metadata.previous_status();
        status.filter(|_| is_deactivated && is_own)
    }

    /// Whether this run changed the key, as far as it knows.
    pub(crate) fn is_changed(&self) -> bool {
        matches!(
            self.kind(),
            OutcomeKind::Deleted | OutcomeKind::Deactivated | OutcomeKind::Reactivated
        )
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
            Outcome::LeftUnverified { .. } => (OutcomeKind::Unknown, KeyState::started_earlier()),
            Outcome::Failed { known, .. } | Outcome::Stopped { known, .. } => {
                let kind = match (&self.outcome, known) {
                    (_, KeyState::Unknown(_)) => OutcomeKind::Unknown,
                    (Outcome::Stopped { .. }, KeyState::Done(_)) => done,
                    (Outcome::Stopped { .. }, KeyState::NotDone(_)) if self.attempts == 0 => {
                        OutcomeKind::NotTried
                    }
                    _ => OutcomeKind::Failed,
                };
                (kind, known.clone())
            }
        }
    }
}

impl KeyState {
    /// The state of a key that an earlier run started to change.
    pub(crate) fn started_earlier() -> Self {
        Self::Unknown("an earlier run started to change it, and the result is unknown".into())
    }

    /// The state of a key whose status an earlier run set and this run could not check.
    pub(crate) fn set_earlier(action: Action) -> Self {
        let done = action.done();
        Self::Unknown(format!("an earlier run {done} it, and its current state is unknown").into())
    }

    /// Returns the value of the member `Result` in errors.
    pub(crate) fn result_member(&self, action: Action) -> &'static str {
        match (self, action) {
            (Self::Done(_), Action::Delete) => "Deleted",
            (Self::Done(_), Action::Deactivate) => "Deactivated",
            (Self::Done(_), Action::Reactivate) => "Reactivated",
            (Self::NotDone(_), Action::Delete) => "NotDeleted",
            (Self::NotDone(_), Action::Deactivate) => "NotDeactivated",
            (Self::NotDone(_), Action::Reactivate) => "NotReactivated",
            (Self::Unknown(_), _) => "Unknown",
        }
    }

    /// Describes the state in terms of the action, such as `not deleted: IAM refused the request`.
    pub(crate) fn describe(&self, action: Action) -> String {
        let (kind, why) = match self {
            Self::Done(why) => (action.done(), why),
            Self::NotDone(why) => (action.not_done(), why),
            Self::Unknown(unknown) => ("unknown", &unknown.why),
        };
        if why.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}: {why}")
        }
    }
}

/// The kinds of outcomes, which programs read as `Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutcomeKind {
    Deleted,
    Deactivated,
    Reactivated,
    WouldDelete,
    WouldDeactivate,
    WouldReactivate,
    Missing,
    Skipped,
    Refused,
    Failed,
    Unknown,
    NotTried,
}

impl OutcomeKind {
    /// All kinds, in the order of the summary.
    pub(crate) const ALL: [Self; 12] = [
        Self::Deleted,
        Self::Deactivated,
        Self::Reactivated,
        Self::WouldDelete,
        Self::WouldDeactivate,
        Self::WouldReactivate,
        Self::Missing,
        Self::Skipped,
        Self::Refused,
        Self::Failed,
        Self::Unknown,
        Self::NotTried,
    ];

    /// Returns the name for programs, and the text that follows a count for people.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Deleted => ("Deleted", "deleted"),
            Self::Deactivated => ("Deactivated", "deactivated"),
            Self::Reactivated => ("Reactivated", "reactivated"),
            Self::WouldDelete => ("WouldDelete", "would be deleted"),
            Self::WouldDeactivate => ("WouldDeactivate", "would be deactivated"),
            Self::WouldReactivate => ("WouldReactivate", "would be reactivated"),
            Self::Missing => ("Missing", "already gone"),
            Self::Skipped => ("Skipped", "skipped"),
            Self::Refused => ("Refused", "refused"),
            Self::Failed => ("Failed", "failed and not changed"),
            Self::Unknown => ("Unknown", "unknown"),
            Self::NotTried => ("NotTried", "not tried"),
        }
    }

    /// Returns the name for programs.
    pub(crate) fn as_str(self) -> &'static str {
        self.names().0
    }

    /// Parses the name for programs.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether the key is in the requested state.
    pub(crate) fn is_complete(self) -> bool {
        matches!(
            self,
            Self::Deleted | Self::Deactivated | Self::Reactivated | Self::Missing
        )
    }

    /// Whether the key may still have to be changed.
    pub(crate) fn is_incomplete(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::NotTried)
    }
}
