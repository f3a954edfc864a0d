//! The operations of AWS that this program calls.

use std::fmt;

/// An operation of IAM or STS, by its name, such as `DeleteAccessKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Iam(&'static str),
    Sts(&'static str),
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        let (Self::Iam(name) | Self::Sts(name)) = self;
        name
    }

    /// Returns the service that has the operation.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Iam(_) => "IAM",
            Self::Sts(_) => "STS",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
