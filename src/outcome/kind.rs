//! The kinds of outcomes, and their names for programs and people.

/// Defines the kinds in the order of the summary, each with the text that follows a count for people.
macro_rules! kinds {
    ($($kind:ident: $text:literal,)*) => {
        /// The kinds of outcomes, which programs read as `Outcome`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum OutcomeKind {
            $($kind,)*
        }

        impl OutcomeKind {
            /// All kinds, in the order of the summary.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns the name for programs, and the text that follows a count for people.
            pub(crate) fn names(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$kind => (stringify!($kind), $text),)*
                }
            }
        }
    };
}

kinds! {
    Deleted: "deleted",
    Deactivated: "deactivated",
    Reactivated: "reactivated",
    WouldDelete: "would be deleted",
    WouldDeactivate: "would be deactivated",
    WouldReactivate: "would be reactivated",
    Missing: "already gone",
    Skipped: "skipped",
    Refused: "refused",
    Failed: "failed and not changed",
    Unknown: "unknown",
    NotTried: "not tried",
}

impl OutcomeKind {
    /// Returns the name for programs.
    pub(crate) fn as_str(self) -> &'static str {
        self.names().0
    }

    /// Parses the name for programs.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == text)
    }

    /// Whether the key is in the requested state.
    pub(crate) fn is_complete(self) -> bool {
        match self {
            Self::Deleted | Self::Deactivated | Self::Reactivated | Self::Missing => true,
            Self::WouldDelete
            | Self::WouldDeactivate
            | Self::WouldReactivate
            | Self::Skipped
            | Self::Refused
            | Self::Failed
            | Self::Unknown
            | Self::NotTried => false,
        }
    }

    /// Whether the key may still have to be changed.
    pub(crate) fn is_incomplete(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::NotTried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_as_it_is_written() {
        for kind in OutcomeKind::ALL {
            assert_eq!(OutcomeKind::parse(kind.as_str()), Some(*kind));
        }
        for other in ["", "deleted", "would be deleted", "Deleted "] {
            assert_eq!(OutcomeKind::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_kind_is_complete_or_incomplete_or_neither() {
        let of = |is: fn(OutcomeKind) -> bool| {
            let kinds = OutcomeKind::ALL.iter().filter(|kind| is(**kind));
            let names: Vec<&str> = kinds.map(|kind| kind.as_str()).collect();
            names.join(" ")
        };
        assert_eq!(
            of(OutcomeKind::is_complete),
            "Deleted Deactivated Reactivated Missing"
        );
        assert_eq!(of(OutcomeKind::is_incomplete), "Failed Unknown NotTried");
    }
}
