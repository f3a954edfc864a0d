//! Lines on standard error: errors, hints, warnings and what is known. Nothing here ends the run: who
//! cannot be told on standard error still gets the exit status.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

use crate::request::Color;

/// Writes messages for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    colored: bool,
    paints_results: bool,
}

impl Messages {
    /// Messages in colour where `color` and the terminal allow it.
    pub(crate) fn new(color: Color) -> Self {
        let (colored, paints_results) = match color {
            Color::On => (true, true),
            Color::Off => (false, false),
            Color::Auto => (is_colorful(&io::stderr()), is_colorful(&io::stdout())),
        };
        Self {
            colored,
            paints_results,
        }
    }

    /// Whether results for people are coloured too.
    pub(crate) fn paints_results(self) -> bool {
        self.paints_results
    }

    /// What went wrong, a fragment already fit to be shown.
    pub(crate) fn error(self, text: &str) {
        line(&format!(
            "iam-del-key: {} {text}",
            self.paint("error:", AnsiColor::Red)
        ));
    }

    /// What to run next.
    pub(crate) fn hint(self, text: &str) {
        line(&format!("{} {text}", self.paint("hint:", AnsiColor::Cyan)));
    }

    /// What is worth knowing although it worked.
    pub(crate) fn warning(self, text: &str) {
        line(&format!(
            "iam-del-key: {} {text}",
            self.paint("warning:", AnsiColor::Yellow)
        ));
    }

    /// What was found on the way.
    pub(crate) fn note(self, text: &str) {
        line(&format!(
            "iam-del-key: {} {text}",
            self.paint("note:", AnsiColor::Green)
        ));
    }

    /// What is known of the key.
    pub(crate) fn known(self, text: &str) {
        line(&format!(
            "{} {text}",
            self.paint("known:", AnsiColor::White)
        ));
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

/// A warning of a part of the program that has no part in the report.
pub(crate) fn warning(text: &str) {
    Messages::new(Color::Auto).warning(text);
}

/// One line, written whole.
pub(crate) fn line(text: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{text}\n").as_bytes());
}
