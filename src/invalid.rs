//! A value from outside that is refused, in a form that is fit to be shown: by whom it was typed or where it
//! stands is not known here.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use crate::escape::escape;

/// The longest piece of a refused value that a message shows, in characters.
const SHOWN: usize = 40;

/// What a message has in place of a secret.
const NOT_SHOWN: &str = "(not shown)";

/// Why a value is refused: the value, fit to be shown, and a fragment that says what is wrong.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// The value, escaped and cut; a pasted secret is not in it.
    pub(crate) shown: String,
    reason: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Invalid {}

impl Invalid {
    /// A refused value; `reason` is a fragment that says what is wrong with it.
    pub(crate) fn new(value: &OsStr, reason: impl Into<String>) -> Self {
        Self {
            shown: shown(value),
            reason: reason.into(),
        }
    }

    /// The value looks like a secret access key, which is not shown.
    pub(crate) fn secret(option: &str) -> Self {
        Self {
            shown: NOT_SHOWN.to_owned(),
            reason: format!(
                "this looks like a secret access key, which {option} never takes; \
                 if it was pasted into a shell, it is in its history: treat it as leaked"
            ),
        }
    }
}

/// Whether it has the form of a secret access key, which nothing that is shown may have.
pub(crate) fn is_secret(value: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '/' || c == '+';
    let mixed = |f: fn(&char) -> bool| value.chars().any(|c| f(&c));
    value.len() == 40
        && value.chars().all(base64)
        && (value.contains(['/', '+'])
            || (mixed(char::is_ascii_lowercase)
                && mixed(char::is_ascii_uppercase)
                && mixed(char::is_ascii_digit)))
}

/// A path as a message shows it: whole and escaped, unless it looks like a secret access key.
pub(crate) fn shown_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if is_secret(&text) {
        NOT_SHOWN.to_owned()
    } else {
        escape(&text)
    }
}

/// A value as a message shows it: what looks like a secret access key is not shown, bytes that are not UTF-8 and characters that steer a terminal are
/// escaped, and what is past 40 characters is cut and counted.
pub(crate) fn shown(value: &OsStr) -> String {
    if value.to_str().is_some_and(|text| is_secret(text.trim())) {
        return NOT_SHOWN.to_owned();
    }
    let text = lossless(value);
    let length = value.to_string_lossy().chars().count();
    if length <= SHOWN {
        return text.chars().take(SHOWN * 8).collect();
    }
    let head: String = lossless(OsStr::new(
        &value
            .to_string_lossy()
            .chars()
            .take(SHOWN)
            .collect::<String>(),
    ));
    format!("{head}... ({length} characters)")
}

fn lossless(value: &OsStr) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for chunk in value.as_encoded_bytes().utf8_chunks() {
        text.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
