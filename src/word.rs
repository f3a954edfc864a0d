//! The words for what became of a key: the member `Outcome` of results and journals, and of the lists they are read as.

/// What became of a key, in one word; `names` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
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
