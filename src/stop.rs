//! A run that cannot go on: the sentence, what to do about it, and the exit status. Not for a key that
//! could not be deleted, which is an `Outcome`.

use std::fmt;

use crate::exit::Exit;

/// Why the run ends before anything was asked of IAM.
#[derive(Debug)]
pub(crate) struct Stop {
    /// The exit status.
    pub(crate) exit: Exit,
    message: String,
    /// What to do next, each a sentence or a command.
    pub(crate) hints: Vec<String>,
}

impl Stop {
    /// Wrong credentials or configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Configuration,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Wrong arguments, seen only when the run was to begin.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A guard refused the whole run.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Refused,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A call failed without which the run cannot go on, and led to this exit status.
    pub(crate) fn failed(exit: Exit, message: impl Into<String>, hints: Vec<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hints,
        }
    }

    /// Ended by a signal.
    pub(crate) fn signal(exit: Exit) -> Self {
        Self {
            exit,
            message: "interrupted".to_owned(),
            hints: Vec::new(),
        }
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
