//! What became of a key, as data: the run ends with one of these, and the report and the exit status
//! are read from it.

use crate::error::{CallError, ErrorKind, Exit, NamedBy};
use crate::ident::UserName;
use crate::metadata::{KeyMetadata, Target};
use crate::request::{Action, Key, Mode};

/// A key and what became of it.
#[derive(Debug)]
pub(crate) struct KeyResult {
    /// The key that was asked for; its owner, where that was looked up.
    pub(crate) key: Key,
    /// What IAM says of it, as far as it was asked.
    pub(crate) metadata: KeyMetadata,
    /// What was to be done to it.
    pub(crate) action: Action,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// How many requests to change it were made, retries included.
    pub(crate) attempts: usize,
}

/// What became of a key.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// What was to be done is done, by this run.
    Done {
        /// IAM's reply, where one came.
        response: Option<ResponseMetadata>,
        /// Where none came: what the verdict rests on.
        evidence: Option<String>,
    },
    /// A dry run: it would be done, and why.
    WouldChange(String),
    /// It was already gone, which is what was wanted.
    Missing(CallError),
    /// A condition does not hold: which, and why.
    Skipped(String),
    /// It was to be made inactive, and IAM lists it as Inactive.
    AlreadyInactive,
    /// A guard refused; nothing was changed.
    Refused(Refusal),
    /// It was not done, or nobody can say; `known` tells which.
    Failed {
        /// What went wrong.
        failure: CallError,
        /// What is known of the key.
        known: KeyState,
    },
    /// The run ended before its turn.
    NotTried {
        /// The exit status of what ended the run.
        exit: Exit,
        /// What ended it.
        why: String,
    },
    /// An earlier run began it, and this one left it: nobody can say.
    LeftUnverified {
        /// The exit status of what made this run leave it.
        exit: Exit,
        /// What that was.
        why: String,
    },
    /// A signal ended the run.
    Stopped {
        /// The signal's exit status.
        exit: Exit,
        /// What is known of the key.
        known: KeyState,
        /// The last error that IAM returned for it, if it returned one.
        failure: Option<CallError>,
    },
}

/// Why a guard refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The key is the key that signs the request.
    SigningKey,
    /// The answer to the question was no.
    Declined,
}

/// What is known of a key when all is said; the text says why, and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// What was to be done is done.
    Done(String),
    /// It is not.
    NotDone(String),
    /// Nobody can say.
    Unknown(UnknownState),
}

/// Why nobody can say what became of a key, and how to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownState {
    /// Why, a fragment.
    pub(crate) why: String,
    /// How to find out.
    pub(crate) check: Check,
}

/// What shows the state of a key that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The list of its owner, as far as somebody names one.
    List,
    /// The same, with more permissions than these credentials have.
    ListWithPermission,
    /// Whose it is: the list of the user who was named says no more.
    Owner,
    /// Nothing that these credentials can read.
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

/// An answer of IAM that says that it is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseMetadata {
    /// IAM's name for the request.
    pub(crate) request_id: Option<String>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The HTTP headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Outcome {
    /// The same with who said whose key it is, where that bears on a failure.
    pub(crate) fn with_owner_named_by(mut self, named_by: NamedBy) -> Self {
        if let Self::Failed { failure, .. } = &mut self
            && let Some(context) = failure.context_mut()
        {
            context.named_by = named_by;
        }
        self
    }

    /// The exit status this outcome alone leads to.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Done { .. } | Self::WouldChange(_) | Self::Missing(_) | Self::AlreadyInactive => {
                Exit::Success
            }
            Self::Skipped(_) | Self::Refused(_) => Exit::Refused,
            Self::Stopped { exit, .. }
            | Self::NotTried { exit, .. }
            | Self::LeftUnverified { exit, .. } => *exit,
            Self::Failed { failure, known } => match (failure, known) {
                // IAM's own trouble has a status that says so; what became of the key is reported too.
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
    /// A key for which no request was made that changes it.
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

    /// The exit status this key alone leads to. A dry run that could be shown is a success, whatever it shows.
    pub(crate) fn exit(&self, mode: Mode) -> Exit {
        match (&self.outcome, mode) {
            (Outcome::Skipped(_) | Outcome::Refused(_), Mode::DryRun) => Exit::Success,
            (outcome, _) => outcome.exit(),
        }
    }

    /// The status that an undo has to restore, where this run made the key inactive and knows it.
    pub(crate) fn previous_status(&self) -> Option<&'static str> {
        let is_deactivated = self.kind() == OutcomeKind::Deactivated;
        self.metadata.previous_status().filter(|_| is_deactivated)
    }

    /// Whether this run changed the key, as far as anybody knows.
    pub(crate) fn is_changed(&self) -> bool {
        matches!(self.kind(), OutcomeKind::Deleted | OutcomeKind::Deactivated)
    }

    /// Whose key it is, as IAM says, or as it was said to be.
    pub(crate) fn owner(&self) -> Option<&UserName> {
        self.metadata.owner.as_ref().or(self.key.user_name.as_ref())
    }

    /// What is known of the key, in a few words.
    pub(crate) fn describe_state(&self) -> String {
        match &self.outcome {
            Outcome::Missing(_) => "gone already".to_owned(),
            Outcome::AlreadyInactive => "already inactive".to_owned(),
            _ => self.state().describe(self.action),
        }
    }

    /// The word for what is known, in the member `Known` of errors.
    pub(crate) fn known_member(&self) -> &'static str {
        match &self.outcome {
            Outcome::Missing(_) => "Deleted",
            _ => self.state().known_member(self.action),
        }
    }

    /// The word for what became of the key.
    pub(crate) fn kind(&self) -> OutcomeKind {
        self.kind_and_state().0
    }

    /// What is known of the key.
    fn state(&self) -> KeyState {
        self.kind_and_state().1
    }

    /// The word for what became of the key, and what is known of it.
    fn kind_and_state(&self) -> (OutcomeKind, KeyState) {
        let (done, would) = match self.action {
            Action::Delete => (OutcomeKind::Deleted, OutcomeKind::WouldDelete),
            Action::Deactivate => (OutcomeKind::Deactivated, OutcomeKind::WouldDeactivate),
        };
        let is_done = || KeyState::Done(String::new());
        let not_done = || KeyState::NotDone(String::new());
        match &self.outcome {
            Outcome::Done { .. } => (done, is_done()),
            Outcome::WouldChange(_) => (would, not_done()),
            Outcome::Missing(_) => (OutcomeKind::Missing, is_done()),
            Outcome::Skipped(_) => (OutcomeKind::Skipped, not_done()),
            Outcome::AlreadyInactive => (OutcomeKind::Skipped, is_done()),
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
    /// What is known of a key that an earlier run began to change, and no more.
    pub(crate) fn started_earlier() -> Self {
        Self::Unknown("an earlier run started it, and how that ended is not known".into())
    }

    /// What is known of a key that an earlier run made inactive, where this run could not check it.
    pub(crate) fn deactivated_earlier() -> Self {
        Self::Unknown("an earlier run deactivated it, and its state now is not known".into())
    }

    /// The word for it in the member `Known` of errors.
    pub(crate) fn known_member(&self, action: Action) -> &'static str {
        match (self, action) {
            (Self::Done(_), Action::Delete) => "Deleted",
            (Self::Done(_), Action::Deactivate) => "Deactivated",
            (Self::NotDone(_), Action::Delete) => "NotDeleted",
            (Self::NotDone(_), Action::Deactivate) => "NotDeactivated",
            (Self::Unknown(_), _) => "Unknown",
        }
    }

    /// What is known, in the words of the action: `not deleted: IAM refused the request`.
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

/// What became of a key, in one word; `names` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutcomeKind {
    Deleted,
    Deactivated,
    WouldDelete,
    WouldDeactivate,
    Missing,
    Skipped,
    Refused,
    Failed,
    Unknown,
    NotTried,
}

impl OutcomeKind {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 10] = [
        Self::Deleted,
        Self::Deactivated,
        Self::WouldDelete,
        Self::WouldDeactivate,
        Self::Missing,
        Self::Skipped,
        Self::Refused,
        Self::Failed,
        Self::Unknown,
        Self::NotTried,
    ];

    /// As programs read it, and as people read it behind a number of keys.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Deleted => ("Deleted", "deleted"),
            Self::Deactivated => ("Deactivated", "deactivated"),
            Self::WouldDelete => ("WouldDelete", "would be deleted"),
            Self::WouldDeactivate => ("WouldDeactivate", "would be deactivated"),
            Self::Missing => ("Missing", "gone already"),
            Self::Skipped => ("Skipped", "left alone by a condition"),
            Self::Refused => ("Refused", "refused"),
            Self::Failed => ("Failed", "failed and not changed"),
            Self::Unknown => ("Unknown", "unknown"),
            Self::NotTried => ("NotTried", "not tried"),
        }
    }

    /// As programs read it.
    pub(crate) fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The word that a program wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What was wanted of the key is so.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Self::Deleted | Self::Deactivated | Self::Missing)
    }

    /// It is still to be done, as far as anybody knows.
    pub(crate) fn is_incomplete(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::NotTried)
    }
}
