//! Hints: what to do next.

use std::fmt;

use crate::command_line::CommandLine;

/// What to do next about an error or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// A sentence, or its start if `next` ends it.
    pub(crate) text: String,
    pub(crate) next: Next,
}

/// How a hint ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The text says it all.
    Nothing,
    /// Run the same command again, because it may succeed then.
    Again,
    /// Run this command.
    Command(Box<CommandLine>),
}

impl Hint {
    /// Creates a hint to run the same command again. The text leads to these words.
    pub(crate) fn again(text: &str) -> Self {
        Self {
            next: Next::Again,
            ..Self::from(text)
        }
    }

    /// Creates a hint to run a command. The text says what it is for.
    pub(crate) fn command(text: impl Into<String>, command: CommandLine) -> Self {
        Self {
            next: Next::Command(Box::new(command)),
            ..Self::from(text.into())
        }
    }

    /// Adds words at the start.
    pub(crate) fn after(mut self, words: &str) -> Self {
        self.text.insert_str(0, words);
        self
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match &self.next {
            Next::Nothing => f.write_str(text),
            Next::Again => write!(f, "{text}run the same command again"),
            Next::Command(command) => write!(f, "{text}: {command}"),
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
        let next = Next::Nothing;
        Self { text, next }
    }
}

impl From<CommandLine> for Hint {
    fn from(command: CommandLine) -> Self {
        Self::from(command.to_string())
    }
}
