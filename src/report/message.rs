//! Lines on standard error: errors, hints, warnings and what is known. Nothing here ends the run: who
//! cannot be told on standard error still gets the exit status.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::escape::escape_json;
use crate::request::{Color, ErrorFormat, Request};
use crate::secret::mask;

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

    /// What went wrong, a fragment already fit to be shown.
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
    pub(crate) fn log(self, label: &str, text: &str) {
        match self.format {
            ErrorFormat::Json => remark(&capitalized(label), text),
            ErrorFormat::Text => line(&format!("{label}: {text}")),
        }
    }

    fn say(self, who: &str, label: &str, color: AnsiColor, text: &str) {
        match self.format {
            ErrorFormat::Json => remark(&capitalized(label), text),
            ErrorFormat::Text => {
                let label = self.paint(&format!("{label}:"), color);
                line(&format!("{who}{label} {text}"));
            }
        }
    }

    fn paint(self, label: &str, color: AnsiColor) -> String {
        if !self.colored {
            return label.to_owned();
        }
        let style = Style::new().bold().fg_color(Some(color.into()));
        format!("{style}{label}{style:#}")
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
    let mut object = object.clone();
    mask_strings(&mut object);
    write(&escape_json(&object.to_string()));
}

/// Masks what could be a secret in the strings of a value: in JSON an escape such as `\n` would be part of the text.
pub(super) fn mask_strings(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(mask_strings),
        Value::Object(members) => members.values_mut().for_each(mask_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One line, without secrets.
pub(crate) fn line(text: &str) {
    write(&mask(text));
}

/// One line, written whole.
fn write(text: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{text}\n").as_bytes());
}
