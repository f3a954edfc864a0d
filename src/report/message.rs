//! Messages on standard error. Failing to print a message does not end the run: the exit status still reports the
//! result.

use std::io;
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::stream;
use crate::request::{Color, ErrorFormat, Request, Verbosity};
use crate::sanitize::SafeText;

/// The kind of a message. Determines its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// An error, as a fragment.
    Error,
    /// Something to know although the run succeeded.
    Warning,
    /// Information found during the run.
    Note,
    /// What to run next.
    Hint,
    /// The state of the key, or the counts of all keys.
    Result,
}

/// Prints messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    pub(super) colored: bool,
    /// Whether results for people are colored too.
    pub(super) paints_results: bool,
    format: ErrorFormat,
    /// Whether only errors are printed, and warnings about the state of a key.
    pub(super) is_quiet: bool,
}

impl Messages {
    /// Creates messages in the format that `request` selects.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            is_quiet: request.verbosity == Verbosity::Quiet,
            ..Self::new(request.color, request.error_format)
        }
    }

    /// Creates messages. Text is colored if `color` and the terminal allow it.
    pub(crate) fn new(color: Color, format: ErrorFormat) -> Self {
        static TERMINALS: LazyLock<(bool, bool)> =
            LazyLock::new(|| (is_colorful(&io::stderr()), is_colorful(&io::stdout())));
        let (colored, paints_results) = match color {
            Color::On => (true, true),
            Color::Off => (false, false),
            Color::Auto => *TERMINALS,
        };
        Self {
            colored,
            paints_results,
            format,
            is_quiet: false,
        }
    }

    /// Whether messages are printed as JSON.
    pub(crate) fn is_json(self) -> bool {
        self.format == ErrorFormat::Json
    }

    /// Prints a warning about the state of a key.
    pub(crate) fn warning(self, text: &str) {
        self.print(Level::Warning, text);
    }

    /// Prints a note.
    pub(crate) fn note(self, text: &str) {
        self.print(Level::Note, text);
    }

    /// Prints a log line without color.
    pub(crate) fn log(self, label: &'static str, text: &str) {
        self.write("", label, None, text);
    }

    /// Prints one message. With `--quiet`, notes are omitted.
    pub(super) fn print(self, level: Level, text: &str) {
        if self.is_quiet && level == Level::Note {
            return;
        }
        let (who, label, color) = match level {
            Level::Error => ("iam-del-key: ", "error", Some(AnsiColor::Red)),
            Level::Warning => ("iam-del-key: ", "warning", Some(AnsiColor::Yellow)),
            Level::Note => ("iam-del-key: ", "note", Some(AnsiColor::Green)),
            Level::Hint => ("", "hint", Some(AnsiColor::Cyan)),
            // The terminal's own color: white cannot be read on white.
            Level::Result => ("", "result", None),
        };
        let style = Style::new().bold().fg_color(color.map(AnsiColor::into));
        self.write(who, label, self.colored.then_some(style), text);
    }

    fn write(self, who: &'static str, label: &'static str, style: Option<Style>, text: &str) {
        stream::write_message(&match self.format {
            ErrorFormat::Json => {
                let (first, rest) = label.split_at(1);
                let level = first.to_ascii_uppercase() + rest;
                SafeText::json(&json!({ "Level": level, "Message": text }))
            }
            ErrorFormat::Text => SafeText::message(text).labeled(who, label, style),
        });
    }
}

/// Whether a stream is a terminal that supports color and the user wants it.
pub(crate) fn is_colorful(stream: &impl io::IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_some_and(|term| term != "dumb")
}
