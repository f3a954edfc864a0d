//! Hints: what to do next.

use std::{fmt, io};

use rustix::process::{Resource, getrlimit};

use crate::command_line::CommandLine;

/// The hint for a key whose owner, as IAM reports it, is not a user.
pub(crate) const ROOT_KEY: &str = "if this is a root user's key, omit --find-user, and use the root user's credentials or --target-principal with the \
     account";

/// The hint for a request that `--timeout` ended.
pub(crate) const RAISE_TIMEOUT: &str = "if the service is just slow, raise --timeout";

/// The hint if the operating system starts no more processes or threads.
pub(crate) const TOO_MANY_PROCESSES: &str =
    "this user or this machine has reached its limit of processes or memory: end some processes";

/// Returns what to do if a limit of this process kept a file from growing. File systems have limits too.
pub(crate) fn raise_file_size(error: &io::Error) -> Option<&'static str> {
    let is_limited =
        error.kind() == io::ErrorKind::FileTooLarge && getrlimit(Resource::Fsize).current.is_some();
    is_limited.then_some("raise the limit of file sizes (`ulimit -f`)")
}

/// What to do next about an error or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// A sentence.
    Text(String),
    /// Run the same command again, because it may succeed then. The text leads to these words.
    Again(String),
    /// Run a command. The text says what it is for.
    Command(String, Box<CommandLine>),
}

impl Hint {
    /// Creates a hint to run the same command again.
    pub(crate) fn again(text: &str) -> Self {
        Self::Again(text.to_owned())
    }

    /// Creates a hint to run a command.
    pub(crate) fn command(text: impl Into<String>, command: CommandLine) -> Self {
        Self::Command(text.into(), Box::new(command))
    }

    /// Adds words at the start.
    pub(crate) fn after(mut self, words: &str) -> Self {
        let (Self::Text(text) | Self::Again(text) | Self::Command(text, _)) = &mut self;
        text.insert_str(0, words);
        self
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Again(text) => write!(f, "{text}run the same command again"),
            Self::Command(text, command) => write!(f, "{text}: {command}"),
        }
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<CommandLine> for Hint {
    fn from(command: CommandLine) -> Self {
        Self::from(command.to_string())
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Rlimit, setrlimit};

    use super::*;

    #[test]
    fn only_a_file_that_is_too_large_for_the_process_needs_a_higher_limit() {
        let limited = Rlimit {
            current: Some(1 << 50),
            ..getrlimit(Resource::Fsize)
        };
        setrlimit(Resource::Fsize, limited).expect("a lower limit");
        for (kind, is_limited) in [
            (io::ErrorKind::FileTooLarge, true),
            (io::ErrorKind::StorageFull, false),
            (io::ErrorKind::PermissionDenied, false),
        ] {
            let hint = raise_file_size(&io::Error::from(kind));
            assert_eq!(hint.is_some(), is_limited, "{kind:?}");
        }
    }
}
