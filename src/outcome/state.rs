//! What is known about the state of a key.

use std::time::SystemTime;

use crate::aws::timestamp;
use crate::metadata::Status;
use crate::request::Action;
use crate::sanitize::escape_field;

/// The state of a key after all checks. The text gives the reason and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// The requested change was made.
    Done(String),
    /// The change was not made. The error itself says why.
    NotDone(String),
    /// The change was not made. Reads of the key say more than the error.
    ShownNotDone(String),
    /// The run cannot tell.
    Unknown {
        /// The reason, a fragment.
        why: String,
        check: Check,
    },
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
    /// In the list of the root user's keys, for whom an earlier run started the change.
    RootUser,
    /// These credentials cannot read anything that shows it.
    Nothing,
}

impl KeyState {
    /// An unknown state that the list of the owner's keys may show. `why` is a fragment.
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown {
            why: why.into(),
            check: Check::List,
        }
    }

    /// The state of a key that an earlier run started to change.
    pub(crate) fn started_earlier() -> Self {
        Self::unknown("an earlier run started to change it, and the result is unknown")
    }

    /// The state of a key that IAM lists with this status, and that the request of an earlier run may still change.
    pub(crate) fn may_still_change(status: &Status, until: SystemTime) -> Self {
        let (status, until) = (escape_field(status.as_str()), timestamp(until));
        Self::unknown(format!(
            "IAM listed it as {status}, but the request of an earlier run may still take effect until {until}"
        ))
    }

    /// Says where to check the key if its state is unknown.
    pub(crate) fn with_check(self, check: Check) -> Self {
        match self {
            Self::Unknown { why, .. } => Self::Unknown { why, check },
            known => known,
        }
    }

    /// The state of a key that an earlier run changed and this run could not check.
    pub(crate) fn changed_before(action: Action) -> Self {
        Self::unknown(match action {
            Action::Delete => "an earlier run deleted it, but IAM still lists it".to_owned(),
            Action::Deactivate | Action::Reactivate => changed_before(action),
        })
    }

    /// Returns the value of the member `Result` in errors.
    pub(crate) fn result_member(&self, action: Action) -> &'static str {
        match (self, action) {
            (Self::Done(_), Action::Delete) => "Deleted",
            (Self::Done(_), Action::Deactivate) => "Deactivated",
            (Self::Done(_), Action::Reactivate) => "Reactivated",
            (Self::Unknown { .. }, _) => "Unknown",
            (_, Action::Delete) => "NotDeleted",
            (_, Action::Deactivate) => "NotDeactivated",
            (_, Action::Reactivate) => "NotReactivated",
        }
    }

    /// Describes the state in terms of the action, such as `not deleted: IAM refused the request`.
    pub(crate) fn describe(&self, action: Action) -> String {
        let (kind, why) = match self {
            Self::Done(why) => (action.done(), why),
            Self::NotDone(why) | Self::ShownNotDone(why) => (action.not_done(), why),
            Self::Unknown { why, .. } => ("unknown", why),
        };
        if why.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}: {why}")
        }
    }
}

/// What is known about a key whose status an earlier run changed, as a fragment.
pub(crate) fn changed_before(action: Action) -> String {
    let done = action.done();
    format!("an earlier run reported it as {done}, and its current state is unknown")
}
