//! The exit status: part of the interface, the same numbers as in `--help`, the man page and the README.

use std::process::ExitCode;

/// How the run ended. The number of each is documented and does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The key is gone.
    Success = 0,
    /// An error without a number of its own.
    Other = 1,
    /// The arguments are wrong, or IAM says so.
    Usage = 2,
    NoSuchEntity = 3,
    LimitExceeded = 4,
    /// `ServiceFailure`, `InternalFailure`, `ServiceUnavailable` after all retries.
    ServiceFailure = 5,
    AccessDenied = 6,
    Configuration = 7,
    Throttled = 8,
    /// IAM could not be reached, or something else answered a read; the request was never sent.
    Unreachable = 9,
    /// The request was sent and no usable answer came.
    Unknown = 10,
    Refused = 11,
    /// Several keys with different results.
    Mixed = 12,
    HungUp = 129,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// The number the process ends with.
    pub(crate) fn status(self) -> u8 {
        self as u8
    }

    /// The same, and `Other` in place of success: what the run was for is not all there.
    pub(crate) fn or_other(self) -> Self {
        match self {
            Self::Success => Self::Other,
            exit => exit,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
