//! The words for what became of a key: the member `Outcome` of results and journals, and of the lists they are read as.

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It was deleted.
    Deleted,
    /// It was made inactive.
    Deactivated,
    /// A dry run: it would be deleted.
    WouldDelete,
    /// A dry run: it would be made inactive.
    WouldDeactivate,
    /// It was gone already.
    Missing,
    /// A condition does not hold.
    Skipped,
    /// A guard refused, or whoever was asked.
    Refused,
    /// It was not changed.
    Failed,
    /// Nobody can say.
    Unknown,
    /// The run ended before its turn.
    NotTried,
}

impl Word {
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
    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.as_str() == text)
    }

    /// What was wanted of the key is so.
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Deleted | Self::Deactivated | Self::Missing)
    }

    /// It is still to be done, as far as anybody knows.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::NotTried)
    }
}
