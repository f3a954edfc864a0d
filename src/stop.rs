//! A run that cannot go on: the sentence, what to do about it, and the exit status. Not for a key that
//! could not be deleted, which is an `Outcome`.

use std::fmt;

use crate::exit::Exit;
use crate::failure::{Failure, ServiceError};

/// How a failed call is explained without which the run cannot go on: the failure, the service, and what the sentence begins
/// with.
pub(crate) type Explain = fn(&Failure, &str, &str) -> Stop;

/// Why the run ends before any key is changed.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    pub(crate) message: String,
    /// What to do next, each a sentence or a command.
    pub(crate) hints: Vec<String>,
    /// What the service said, where it answered.
    pub(crate) service: Option<Box<ServiceError>>,
}

impl Stop {
    /// A run that ends with this exit status and code.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            hints: Vec::new(),
            service: None,
        }
    }

    /// Wrong credentials or configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Configuration", message)
    }

    /// Credentials that are not there or no good.
    pub(crate) fn credentials(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Credentials", message)
    }

    /// Wrong arguments, seen only when the run was to begin.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "Usage", message)
    }

    /// What is nobody's mistake, such as a full disk.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, "Other", message)
    }

    /// A guard refused the whole run.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "Refused", message)
    }

    /// Ended by a signal.
    pub(crate) fn signal(exit: Exit) -> Self {
        Self::new(exit, "Interrupted", "interrupted")
    }

    /// The same, with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Stop {}
