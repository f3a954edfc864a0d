//! The log that `--verbose` and `--debug` print on standard error. The SDK's own log is never printed, because it contains
//! secrets.

use crate::report::message::Messages;
use crate::request::{Color, ErrorFormat, Request, Verbosity};
use crate::sanitize::truncate_escaped;

/// The maximum number of lines per entry. The body of a response may have any number of lines.
const MAX_LINES: usize = 100;

/// Prints log lines, if the user wants them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    verbosity: Verbosity,
    messages: Messages,
}

impl Log {
    /// Creates the log of a run.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            verbosity: request.verbosity,
            messages: Messages::of(request),
        }
    }

    /// Creates a log that prints and asks nothing, for completion.
    pub(crate) fn quiet() -> Self {
        Self {
            verbosity: Verbosity::Quiet,
            messages: Messages::new(Color::Off, ErrorFormat::Json),
        }
    }

    /// Returns a log without bodies, for calls whose responses contain credentials.
    pub(crate) fn without_bodies(self) -> Self {
        Self {
            verbosity: self.verbosity.min(Verbosity::Verbose),
            ..self
        }
    }

    /// Whether programs read the log.
    pub(crate) fn is_json(self) -> bool {
        self.messages.is_json()
    }

    /// Prints a warning about the configuration, unless `--quiet` is used.
    pub(crate) fn warning(self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.messages.warning(text);
        }
    }

    /// Prints lines with `--verbose`.
    pub(crate) fn verbose(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Verbose, "info", line);
    }

    /// Prints lines with `--debug`.
    pub(crate) fn debug(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Debug, "debug", line);
    }

    fn write(self, level: Verbosity, label: &'static str, line: impl FnOnce() -> String) {
        if self.verbosity < level {
            return;
        }
        let text = line();
        for line in text.lines().take(MAX_LINES) {
            self.messages.log(label, &truncate_escaped(line));
        }
        let left = text.lines().count().saturating_sub(MAX_LINES);
        if left > 0 {
            self.messages
                .log(label, &format!("... ({left} more lines)"));
        }
    }
}
