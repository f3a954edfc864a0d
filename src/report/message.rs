//! Lines on standard error: errors, hints, warnings and what is known. Nothing here ends the run: who
//! cannot be told on standard error still gets the exit status.

use std::io;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::stream;
use crate::request::{Color, ErrorFormat, Request};
use crate::shown::Shown;

/// Writes messages for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    colored: bool,
    paints_results: bool,
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

    /// Whether results for people are coloured too.
    pub(crate) fn paints_results(self) -> bool {
        self.paints_results
    }

    /// What went wrong, a fragment.
    pub(super) fn error(self, text: &str) {
        self.say("iam-del-key: ", "error", AnsiColor::Red, text);
    }

    /// What to run next.
    pub(crate) fn hint(self, text: &str) {
        self.say("", "hint", AnsiColor::Cyan, text);
    }

    /// What is worth knowing although it worked.
    pub(crate) fn warning(self, text: &str) {
        self.say("iam-del-key: ", "warning", AnsiColor::Yellow, text);
    }

    /// What was found on the way.
    pub(crate) fn note(self, text: &str) {
        self.say("iam-del-key: ", "note", AnsiColor::Green, text);
    }

    /// What is known of the key.
    pub(crate) fn known(self, text: &str) {
        self.say("", "known", AnsiColor::White, text);
    }

    /// A line about the way there, without colour.
    pub(crate) fn log(self, label: &'static str, text: &str) {
        match self.format {
            ErrorFormat::Json => remark(&capitalized(label), text),
            ErrorFormat::Text => line(&Shown::message(text).labeled("", label, None)),
        }
    }

    fn say(self, who: &'static str, label: &'static str, color: AnsiColor, text: &str) {
        match self.format {
            ErrorFormat::Json => remark(&capitalized(label), text),
            ErrorFormat::Text => {
                let style = Style::new().bold().fg_color(Some(color.into()));
                let style = self.colored.then_some(style);
                line(&Shown::message(text).labeled(who, label, style));
            }
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

/// A line that is no failure, for programs.
fn remark(level: &str, text: &str) {
    object(&json!({ "Level": level, "Message": text }));
}

/// One line for programs.
pub(super) fn object(object: &Value) {
    line(&Shown::json(object));
}

/// One line, or several of a page, written whole.
pub(crate) fn line(text: &Shown) {
    stream::say(text);
}
