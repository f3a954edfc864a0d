//! Text that is safe to print. The writers of standard output and standard error take nothing else, so no text from a
//! service, a file or the environment reaches a terminal unescaped, and no secret does.

use std::fmt;

use anstyle::Style;
use serde_json::Value;

use crate::escape::{escape, escape_json};
use crate::secret::mask;

/// The most that one message prints, in characters. More than any message of this program needs.
const MESSAGE: usize = 1200;
/// What a longer message keeps of its end, where it says what is known of the key.
const MESSAGE_END: usize = 300;

/// Text in which nothing moves a cursor, hides or reorders other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown(String);

impl Shown {
    /// A message on one line: line breaks are escaped too. A message that is too long loses its middle.
    pub(crate) fn message(text: &str) -> Self {
        let safe = escape(text);
        let length = safe.chars().count();
        if length <= MESSAGE {
            return Self(safe);
        }
        let head: String = safe.chars().take(MESSAGE - MESSAGE_END).collect();
        let tail: String = safe.chars().skip(length - MESSAGE_END).collect();
        Self(format!("{head}... ({length} characters) ...{tail}"))
    }

    /// Lines with tabs and colors, such as a table or the help. Everything else that steers is escaped.
    pub(crate) fn page(text: &str) -> Self {
        let text = mask(text);
        let mut safe = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(c) = rest.chars().next() {
            let length = color_length(rest).unwrap_or(c.len_utf8());
            let (piece, behind) = rest.split_at(length);
            match c {
                '\n' | '\t' => safe.push(c),
                '\u{1b}' if length > 1 => safe.push_str(piece),
                _ => safe.push_str(&escape(piece)),
            }
            rest = behind;
        }
        Self(safe)
    }

    /// JSON on one line: the exact value but for secrets, with everything that steers written as `\u....`.
    pub(crate) fn json(value: &Value) -> Self {
        let mut value = value.clone();
        mask_strings(&mut value);
        Self(escape_json(&value.to_string()))
    }

    /// The same behind `who` and a label, which is styled where `style` says so.
    pub(crate) fn labeled(
        self,
        who: &'static str,
        label: &'static str,
        style: Option<Style>,
    ) -> Self {
        let style = style.unwrap_or_default();
        Self(format!("{who}{style}{label}:{style:#} {}", self.0))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Masks what could be a secret in the strings of a value: in JSON an escape such as `\n` would be part of the text.
pub(crate) fn mask_strings(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(mask_strings),
        Value::Object(members) => members.values_mut().for_each(mask_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The length of the color sequence at the start of the text: `ESC [`, digits and semicolons, `m`.
fn color_length(text: &str) -> Option<usize> {
    let behind = text.strip_prefix("\u{1b}[")?;
    let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    behind[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn a_message_is_one_line_and_keeps_its_end() {
        let text = Shown::message("a\nb\u{9b}2J\u{202e}\u{200b}c").to_string();
        assert_eq!(text, "a\\u{a}b\\u{9b}2J\\u{202e}\\u{200b}c");
        for flood in ["x", "\n", "\u{e0041}", "鍵"] {
            let text = format!("K: {}; not deleted", flood.repeat(400_000));
            let text = Shown::message(&text).to_string();
            assert!(text.chars().count() < 1300, "{}", text.len());
            assert!(text.starts_with("K: ") && text.ends_with("; not deleted"));
        }
    }

    #[test]
    fn a_page_keeps_lines_tabs_and_colors_and_nothing_else() {
        let bold = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let painted = format!("{bold}a{bold:#}\tb\nc");
        assert_eq!(Shown::page(&painted).to_string(), painted);
        for (text, expected) in [
            ("\u{1b}[2Ja", "\\u{1b}[2Ja"),
            ("\u{1b}[31", "\\u{1b}[31"),
            ("\u{1b}[", "\\u{1b}["),
            ("\u{1b}[3;é", "\\u{1b}[3;é"),
            ("\r\u{9b}1m\u{7}", "\\u{d}\\u{9b}1m\\u{7}"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
        ] {
            assert_eq!(Shown::page(text).to_string(), expected);
        }
    }

    #[test]
    fn json_is_exact_and_steers_nothing() {
        let value = serde_json::json!({ "Status": "\u{9b}2J\u{202e}\n".repeat(1000) });
        let text = Shown::json(&value).to_string();
        assert!(!text.contains(crate::escape::is_steering));
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, value);
    }

    #[test]
    fn a_label_is_styled_only_where_that_is_wanted() {
        let label = |style| Shown::message("x").labeled("iam-del-key: ", "error", style);
        assert_eq!(label(None).to_string(), "iam-del-key: error: x");
        let bold = label(Some(Style::new().bold())).to_string();
        assert_eq!(bold, "iam-del-key: \u{1b}[1merror:\u{1b}[0m x");
    }
}
