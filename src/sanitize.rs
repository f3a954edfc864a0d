//! Escapes text from outside before it is printed. Standard output and standard error accept only [`SafeText`], so no
//! text from a service, a file or the environment reaches the terminal unescaped or with a secret.

use std::ffi::OsStr;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use anstyle::Style;
use serde_json::Value;

use crate::secret::{REDACTED, is_bedrock_key, redact};

/// The maximum length of quoted text after escaping, in characters.
const MAX_TEXT: usize = 800;
/// The maximum length of a name, code or status after escaping, in characters.
const MAX_FIELD: usize = 100;

/// Whether a character controls a terminal or is invisible: control characters (C0, C1, DEL), bidirectional marks,
/// line separators, and the default ignorable characters of Unicode, such as zero-width characters, fillers, variation
/// selectors and tags.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Redacts secrets and writes each unprintable character as `\u{..}`.
pub(crate) fn escape(text: &str) -> String {
    replace_unprintable(&redact(text), push_escaped)
}

fn push_escaped(safe: &mut String, c: char) {
    let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
}

/// Replaces each unprintable character by what `write` appends.
fn replace_unprintable(text: &str, write: impl Fn(&mut String, char)) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) {
            write(&mut safe, c);
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Escapes the text onto one line, truncates it after 800 characters, and appends the original length.
pub(crate) fn truncate_escaped(text: &str) -> String {
    cut(text, MAX_TEXT)
}

/// Escapes a name, code or status within a sentence, and truncates it after 100 characters.
pub(crate) fn escape_field(text: &str) -> String {
    cut(text, MAX_FIELD)
}

/// Escapes the text. If that takes more than `max_characters` characters, it is truncated between two characters of
/// the original.
fn cut(text: &str, max_characters: usize) -> String {
    // Redact first: a truncated secret is not recognized.
    let text = redact(text);
    let mut safe = String::new();
    let mut left = max_characters;
    for (at, c) in text.char_indices() {
        let piece = replace_unprintable(&text[at..at + c.len_utf8()], push_escaped);
        let Some(less) = left.checked_sub(piece.chars().count()) else {
            let length = text.chars().count();
            return format!("{safe}... ({length} characters)");
        };
        left = less;
        safe.push_str(&piece);
    }
    safe
}

/// Escapes unprintable characters in JSON as `\u....`, so a terminal can display it.
pub(crate) fn escape_json(json: &str) -> String {
    replace_unprintable(json, |safe, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(safe, "\\u{unit:04x}");
        }
    })
}

/// The maximum length of an invalid value in a message, in characters.
const MAX_VALUE: usize = 40;

/// An invalid value and the reason.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// The value, escaped and truncated, without secrets.
    pub(crate) value: String,
    reason: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Invalid {}

impl Invalid {
    /// Creates an error. `reason` is a fragment.
    pub(crate) fn new(value: &OsStr, reason: impl Into<String>) -> Self {
        Self {
            value: display_value(value),
            reason: reason.into(),
        }
    }

    /// A value that is not shown.
    pub(crate) fn hidden(reason: impl Into<String>) -> Self {
        Self {
            value: REDACTED.to_owned(),
            reason: reason.into(),
        }
    }

    /// Creates an error for a value that may contain a secret. The value is not shown.
    pub(crate) fn secret(value: &str) -> Self {
        let reason = if is_bedrock_key(value) {
            "this looks like an API key of Amazon Bedrock, which is not an access key: \
             find its ID with `aws iam list-service-specific-credentials`, \
             then run `aws iam delete-service-specific-credential`"
        } else {
            "this looks like a secret access key; to delete a key, iam-del-key needs only its access key ID"
        };
        Self::hidden(reason)
    }

    /// Adds a warning if the value is a secret that was typed as an argument.
    pub(crate) fn typed(mut self) -> Self {
        if self.value == REDACTED {
            self.reason
                .push_str("; the shell may keep it in its history: treat it as leaked");
        }
        self
    }
}

/// Escapes a path and redacts secrets in it.
pub(crate) fn escape_path(path: &Path) -> String {
    escape(&text(path.as_os_str()))
}

/// Formats a value for a message: redacts secrets, escapes unprintable characters and bytes that are not UTF-8, and
/// truncates it after 40 characters.
pub(crate) fn display_value(value: &OsStr) -> String {
    cut(&text(value), MAX_VALUE)
}

/// Returns the text of a value, in which bytes that are not UTF-8 are escaped.
fn text(value: &OsStr) -> String {
    let mut text = String::new();
    for chunk in value.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The maximum length of a message, in characters. No message of this program needs more.
const MAX_MESSAGE: usize = 1200;
/// How much of the end of a longer message is kept. The end gives the state of the key.
const MESSAGE_TAIL: usize = 300;

/// Text that cannot move the cursor, and cannot hide or reorder other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SafeText(String);

impl SafeText {
    /// Escapes a message onto one line. The middle of a message that is too long is omitted.
    pub(crate) fn message(text: &str) -> Self {
        let safe = escape(text);
        let length = safe.chars().count();
        if length <= MAX_MESSAGE {
            return Self(safe);
        }
        let head: String = safe.chars().take(MAX_MESSAGE - MESSAGE_TAIL).collect();
        let tail: String = safe.chars().skip(length - MESSAGE_TAIL).collect();
        Self(format!("{head}... ({length} characters) ...{tail}"))
    }

    /// Escapes text but keeps line breaks, tabs and colors, as in a table or the help.
    pub(crate) fn page(text: &str) -> Self {
        let text = redact(text);
        let mut safe = String::with_capacity(text.len());
        let mut color_end = 0;
        for (at, c) in text.char_indices() {
            if let Some(length) = color_length(&text[at..]) {
                color_end = at + length;
            }
            if at < color_end || matches!(c, '\n' | '\t') || !is_unprintable(c) {
                safe.push(c);
            } else {
                push_escaped(&mut safe, c);
            }
        }
        Self(safe)
    }

    /// Formats a value as JSON on one line. Secrets are redacted and unprintable characters are written as `\u....`.
    pub(crate) fn json(value: &Value) -> Self {
        let mut value = value.clone();
        redact_strings(&mut value);
        Self(escape_json(&value.to_string()))
    }

    /// Puts `who` and a label in front. `style` applies to the label.
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

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Redacts secrets in the strings of a value. In JSON text, an escape such as `\n` would count as part of the secret.
pub(crate) fn redact_strings(value: &mut Value) {
    match value {
        Value::String(text) => *text = redact(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(redact_strings),
        Value::Object(members) => members.values_mut().for_each(redact_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the length of the color sequence at the start of the text: `ESC [`, digits and semicolons, `m`.
fn color_length(text: &str) -> Option<usize> {
    let behind = text.strip_prefix("\u{1b}[")?;
    let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    behind[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use anstyle::AnsiColor;

    #[test]
    fn steering_characters_are_spelled_out() {
        assert_eq!(escape("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(
            escape("\u{202e}\u{9b}\u{200b}"),
            "\\u{202e}\\u{9b}\\u{200b}"
        );
        assert_eq!(
            escape("\u{34f}\u{3164}\u{fe0f}\u{e0100}"),
            "\\u{34f}\\u{3164}\\u{fe0f}\\u{e0100}"
        );
        assert_eq!(escape("Zoë, 鍵"), "Zoë, 鍵");
    }

    #[test]
    fn bytes_of_a_path_that_are_not_utf_8_are_spelled_out() {
        let path = Path::new(OsStr::from_bytes(b"/a\xff/\xf0b\x1b"));
        assert_eq!(escape_path(path), "/a\\xff/\\xf0b\\u{1b}");
    }

    #[test]
    fn a_long_text_is_cut_and_counted() {
        for flood in ["x", "\u{1b}", "\u{e0041}"] {
            let cut = truncate_escaped(&flood.repeat(5_000_000));
            assert!(cut.len() < 900, "{}", cut.len());
            assert!(cut.ends_with("... (5000000 characters)"));
            assert!(escape_field(&flood.repeat(101)).len() < 130);
        }
        let max_characters = "x".repeat(MAX_TEXT);
        assert_eq!(truncate_escaped(&max_characters), max_characters);
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({ "Message": "\u{9b}2J\u{202e}\u{e0041} é" });
        let text = escape_json(&value.to_string());
        assert!(!text.chars().any(is_unprintable));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
            value
        );
    }

    #[test]
    fn a_message_is_one_line_and_keeps_its_end() {
        let text = SafeText::message("a\nb\u{9b}2J\u{202e}\u{200b}c").to_string();
        assert_eq!(text, "a\\u{a}b\\u{9b}2J\\u{202e}\\u{200b}c");
        for flood in ["x", "\n", "\u{e0041}", "鍵"] {
            let text = format!("K: {}; not deleted", flood.repeat(400_000));
            let text = SafeText::message(&text).to_string();
            assert!(text.chars().count() < 1300, "{}", text.len());
            assert!(text.starts_with("K: ") && text.ends_with("; not deleted"));
        }
    }

    #[test]
    fn a_page_keeps_lines_tabs_and_colors_and_nothing_else() {
        let bold = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let painted = format!("{bold}a{bold:#}\tb\nc");
        assert_eq!(SafeText::page(&painted).to_string(), painted);
        for (text, expected) in [
            ("\u{1b}[2Ja", "\\u{1b}[2Ja"),
            ("\u{1b}[31", "\\u{1b}[31"),
            ("\u{1b}[", "\\u{1b}["),
            ("\u{1b}[3;é", "\\u{1b}[3;é"),
            ("\r\u{9b}1m\u{7}", "\\u{d}\\u{9b}1m\\u{7}"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
        ] {
            assert_eq!(SafeText::page(text).to_string(), expected);
        }
    }

    #[test]
    fn json_is_exact_and_steers_nothing() {
        let value = serde_json::json!({ "Status": "\u{9b}2J\u{202e}\n".repeat(1000) });
        let text = SafeText::json(&value).to_string();
        assert!(!text.contains(crate::sanitize::is_unprintable));
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, value);
    }

    #[test]
    fn a_label_is_styled_only_where_that_is_wanted() {
        let label = |style| SafeText::message("x").labeled("iam-del-key: ", "error", style);
        assert_eq!(label(None).to_string(), "iam-del-key: error: x");
        let bold = label(Some(Style::new().bold())).to_string();
        assert_eq!(bold, "iam-del-key: \u{1b}[1merror:\u{1b}[0m x");
    }
}
