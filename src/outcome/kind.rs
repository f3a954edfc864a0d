//! The kinds of outcomes, and their names for programs and people.

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
