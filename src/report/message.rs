//! Lines on standard error: errors, hints, warnings and what is known. Nothing here ends the run: who
//! cannot be told on standard error still gets the exit status.

use std::io;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::stream;
use crate::request::{Color, ErrorFormat, Request};
use crate::sanitize::SafeText;

/// What a message is, by the label before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What went wrong, a fragment.
    Error,
    /// What is worth knowing although it worked.
    Warning,
    /// What was found on the way.
    Note,
    /// What to run next.
    Hint,
    /// What is known of the key.
    Known,
}

/// Writes messages for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    colored: bool,
    /// Whether results for people are colored too.
    pub(super) paints_results: bool,
    format: ErrorFormat,
}

impl Messages {
    /// Messages as `request` wants them.
    pub(crate) fn of(request: &Request) -> Self {
        Self::new(request.color, request.error_format)
    }

    /// Messages in colour where `color` and the terminal allow it, or in JSON.
    pub(crate) fn new(color: Color, format: ErrorFormat) -> Self {
        let (colored, paints_results) = match color {
            Color::On => (true, true),
            Color::Off => (false, false),
            Color::Auto => (is_colorful(&io::stderr()), is_colorful(&io::stdout())),
        };
        Self {
            colored,
            paints_results,
            format,
        }
    }

    /// Whether they are for programs.
    pub(crate) fn is_json(self) -> bool {
        self.format == ErrorFormat::Json
    }

    /// What is worth knowing although it worked.
    pub(crate) fn warning(self, text: &str) {
        self.print(Level::Warning, text);
    }

    /// What was found on the way.
    pub(crate) fn note(self, text: &str) {
        self.print(Level::Note, text);
    }

    /// A line about the way there, without colour.
    pub(crate) fn log(self, label: &'static str, text: &str) {
        self.write("", label, None, text);
    }

    /// One message.
    pub(super) fn print(self, level: Level, text: &str) {
        let (who, label, color) = match level {
            Level::Error => ("iam-del-key: ", "error", AnsiColor::Red),
            Level::Warning => ("iam-del-key: ", "warning", AnsiColor::Yellow),
            Level::Note => ("iam-del-key: ", "note", AnsiColor::Green),
            Level::Hint => ("", "hint", AnsiColor::Cyan),
            Level::Known => ("", "known", AnsiColor::White),
        };
        let style = Style::new().bold().fg_color(Some(color.into()));
        self.write(who, label, self.colored.then_some(style), text);
    }

    fn write(self, who: &'static str, label: &'static str, style: Option<Style>, text: &str) {
        match self.format {
            ErrorFormat::Json => {
                print_object(&json!({ "Level": capitalized(label), "Message": text }))
            }
            ErrorFormat::Text => print_line(&SafeText::message(text).labeled(who, label, style)),
        }
    }
}

/// Whether a stream is a terminal that shows colour and a user who wants it.
pub(crate) fn is_colorful(stream: &impl io::IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_some_and(|term| term != "dumb")
}

/// The label as the member `Level` has it.
fn capitalized(label: &str) -> String {
    let mut label = label.to_owned();
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

/// One line for programs.
pub(super) fn print_object(object: &Value) {
    print_line(&SafeText::json(object));
}

/// One line, or several of a page, written whole.
pub(crate) fn print_line(text: &SafeText) {
    stream::write_message(text);
}
