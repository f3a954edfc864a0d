//! What `--verbose` and `--debug` tell on standard error. Only what this program says of itself: the
//! SDK's own log is never printed, since it holds secrets at its lower levels.

use crate::report::message::Messages;
use crate::request::{Color, ErrorFormat, Request, Verbosity};
use crate::sanitize::truncate_escaped;

/// How many lines one entry has at most: the body of a reply may have any number.
const MOST_LINES: usize = 100;

/// Writes lines about the way there, as far as they were asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    verbosity: Verbosity,
    /// Whether anybody reads it. Completion prints nothing.
    has_reader: bool,
    messages: Messages,
}

impl Log {
    /// A log that tells as much as `request` says.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            verbosity: request.verbosity,
            has_reader: true,
            messages: Messages::of(request),
        }
    }

    /// A log for a run without a request. It prints nothing: completion never prints warnings.
    pub(crate) fn quiet() -> Self {
        Self {
            verbosity: Verbosity::Normal,
            has_reader: false,
            messages: Messages::new(Color::Off, ErrorFormat::Text),
        }
    }

    /// The same, but without the bodies of requests and replies: those of a call that gives credentials contain secrets.
    pub(crate) fn without_bodies(self) -> Self {
        Self {
            verbosity: self.verbosity.min(Verbosity::Verbose),
            ..self
        }
    }

    /// Whether it is for programs.
    pub(crate) fn is_json(self) -> bool {
        self.messages.is_json()
    }

    /// Whether a person reads it, who can be asked.
    pub(crate) fn is_for_people(self) -> bool {
        self.has_reader && !self.is_json()
    }

    /// Prints a warning about the configuration, unless `--quiet` is used.
    pub(crate) fn warning(self, text: &str) {
        if self.has_reader && self.verbosity > Verbosity::Quiet {
            self.messages.warning(text);
        }
    }

    /// A line for `--verbose`.
    pub(crate) fn verbose(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Verbose, "info", line);
    }

    /// Lines for `--debug`.
    pub(crate) fn debug(self, line: impl FnOnce() -> String) {
        self.write(Verbosity::Debug, "debug", line);
    }

    fn write(self, level: Verbosity, label: &'static str, line: impl FnOnce() -> String) {
        if self.verbosity < level {
            return;
        }
        let text = line();
        for line in text.lines().take(MOST_LINES) {
            self.messages.log(label, &truncate_escaped(line));
        }
        let left = text.lines().count().saturating_sub(MOST_LINES);
        if left > 0 {
            self.messages
                .log(label, &format!("... ({left} more lines)"));
        }
    }
}
