//! What a journal says about one key.

use crate::outcome::KeyState;
use crate::request::Action;

/// What earlier runs did to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PriorState {
    /// Nothing, as far as the journal says.
    None,
    /// They started to change it. The journal does not record the result.
    InProgress,
    /// They gave it the status of this action, and its status may have changed since. Or they deleted it, and a list of this
    /// run contains it: the list lags, unless the key still exists.
    ChangedBefore(Action),
    /// They did not find it. A list of this run takes precedence.
    Missing,
    /// They changed it.
    Done,
}

impl PriorState {
    /// Whether nothing is left to do according to the journal.
    pub(crate) fn is_finished(self) -> bool {
        matches!(self, Self::Missing | Self::Done)
    }

    /// Returns what is known about the key.
    pub(crate) fn known(self) -> Option<KeyState> {
        match self {
            Self::None => None,
            Self::InProgress => Some(KeyState::started_earlier()),
            Self::ChangedBefore(action) => Some(KeyState::changed_before(action)),
            Self::Missing => Some(KeyState::Done("an earlier run did not find it".to_owned())),
            Self::Done => Some(KeyState::Done("an earlier run finished it".to_owned())),
        }
    }
}
