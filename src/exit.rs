//! The exit status: part of the interface, the same numbers as in `--help`, the man page and the README.

use std::process::ExitCode;

/// How the run ended. The number of each is documented and does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The key is gone.
    Success,
    /// An error without a number of its own.
    Other,
    /// The arguments are wrong, or IAM says so.
    Usage,
    /// `NoSuchEntity`.
    NoSuchEntity,
    /// `LimitExceeded`.
    LimitExceeded,
    /// `ServiceFailure`, `InternalFailure`, `ServiceUnavailable` after all retries.
    ServiceFailure,
    /// `AccessDenied`.
    AccessDenied,
    /// Credentials or configuration.
    Configuration,
    /// Throttled after all retries.
    Throttled,
    /// IAM could not be reached, or something else answered a read; the request was never sent.
    Unreachable,
    /// The request was sent and no usable answer came.
    Unknown,
    /// A guard refused.
    Refused,
    /// Several keys with different results.
    Mixed,
    /// SIGHUP.
    HungUp,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// The number the process ends with.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::NoSuchEntity => 3,
            Self::LimitExceeded => 4,
            Self::ServiceFailure => 5,
            Self::AccessDenied => 6,
            Self::Configuration => 7,
            Self::Throttled => 8,
            Self::Unreachable => 9,
            Self::Unknown => 10,
            Self::Refused => 11,
            Self::Mixed => 12,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
