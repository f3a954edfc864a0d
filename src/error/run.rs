//! Errors that end the run, and the exit status. Its numbers are part of the interface: `--help`, the man page and the
//! README list the same ones.

use std::fmt;
use std::process::ExitCode;

use super::{Hint, ServiceError};
use crate::ident::{AccessKeyId, UserName};

/// Why the run ends before it changes any key.
#[derive(Clone, Debug)]
pub(crate) struct RunError {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The parts of an error that has several, such as the wrong lines of a list.
    pub(crate) details: Vec<String>,
    /// What to do next.
    pub(crate) hints: Vec<Hint>,
    /// The service's error, if it returned one.
    pub(crate) service: Option<Box<ServiceError>>,
    /// What the read that failed was about.
    pub(crate) subject: Option<Box<Subject>>,
}

impl RunError {
    /// Creates an error with this exit status and code.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
            hints: Vec::new(),
            service: None,
            subject: None,
        }
    }

    /// Creates an error for invalid configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Configuration", message)
    }

    /// Creates an error for missing or invalid credentials.
    pub(crate) fn credentials(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Credentials", message)
    }

    /// Creates an error for arguments that turn out to be invalid at the start of the run.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "Usage", message)
    }

    /// Creates an error that has nothing to do with the command line, such as a full disk.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, "Other", message)
    }

    /// Creates an error for a run that a guard refused.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "Refused", message)
    }

    /// Creates an error for a run that a signal ended.
    pub(crate) fn signal(exit: Exit) -> Self {
        Self::new(exit, "Interrupted", "interrupted")
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RunError {}

/// The key that a read was about, or the user if it was about several keys.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) key: Option<AccessKeyId>,
    pub(crate) user: Option<UserName>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key, &self.user) {
            (Some(key), Some(user)) => write!(f, "{key} of the user {user}"),
            (Some(key), None) => write!(f, "{key}"),
            (None, Some(user)) => write!(f, "the user {user}"),
            (None, None) => write!(f, "the root user"),
        }
    }
}

/// How the run ended. The numbers are documented and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Every key was changed as requested, or did not need it.
    Success = 0,
    /// Any error without a number of its own.
    Other = 1,
    /// The arguments are invalid, or IAM says so.
    Usage = 2,
    NoSuchEntity = 3,
    LimitExceeded = 4,
    /// `ServiceFailure`, `InternalFailure` or `ServiceUnavailable` after all retries.
    ServiceFailure = 5,
    AccessDenied = 6,
    Configuration = 7,
    Throttled = 8,
    /// IAM could not be reached, or something else responded to a read. The request was never sent.
    Unreachable = 9,
    /// The request was sent, but there was no usable response.
    Unknown = 10,
    Refused = 11,
    /// Several keys with different results.
    Mixed = 12,
    HungUp = 129,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// Returns the number that the process exits with.
    pub(crate) fn status(self) -> u8 {
        self as u8
    }

    /// Whether this status says why the run ended, and nothing about a key.
    pub(crate) fn is_about_run(self) -> bool {
        self.is_signal() || matches!(self, Self::Other | Self::Configuration | Self::Refused)
    }

    /// Whether a signal ended the run.
    pub(crate) fn is_signal(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }

    /// Replaces success by `Other` because the run's output is incomplete.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_exit_status_and_code() {
        for (error, status, code) in [
            (RunError::configuration("why"), 7, "Configuration"),
            (RunError::credentials("why"), 7, "Credentials"),
            (RunError::usage("why"), 2, "Usage"),
            (RunError::other("why"), 1, "Other"),
            (RunError::refused("why"), 11, "Refused"),
        ] {
            assert_eq!(error.exit.status(), status);
            assert_eq!(error.code, code);
            assert_eq!(error.to_string(), "why");
            assert!(error.hints.is_empty());
            assert_eq!(
                error.hint("do this").hint("or that").hints,
                ["do this", "or that"].map(Hint::from)
            );
        }
    }

    #[test]
    fn a_signal_has_its_own_exit_status() {
        for (exit, status) in [
            (Exit::HungUp, 129),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ] {
            assert!(exit.is_signal(), "{exit:?}");
            assert_eq!(exit.status(), status);
            assert_eq!(exit.or_other(), exit);
            let error = RunError::signal(exit);
            assert_eq!((error.exit, error.code.as_str()), (exit, "Interrupted"));
        }
        for exit in [Exit::Success, Exit::Other, Exit::Unknown, Exit::Mixed] {
            assert!(!exit.is_signal(), "{exit:?}");
        }
    }

    #[test]
    fn only_success_becomes_another_status_if_output_is_lost() {
        assert_eq!(Exit::Success.or_other(), Exit::Other);
        assert_eq!(Exit::AccessDenied.or_other(), Exit::AccessDenied);
        assert_eq!(ExitCode::from(Exit::Mixed), ExitCode::from(12));
    }
}
