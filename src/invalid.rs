//! A value from outside that is refused, in a form that is fit to be shown: by whom it was typed or where it
//! stands is not known here.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use crate::escape::escape;
use crate::secret::{NOT_SHOWN, is_bedrock_key, mask};

/// The longest piece of a refused value that a message shows, in characters.
const VALUE: usize = 40;

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

    /// A value that could hold a secret, which is not shown.
    pub(crate) fn secret(value: &str) -> Self {
        let reason = if is_bedrock_key(value) {
            "this looks like an API key of Amazon Bedrock, which is not an access key: \
             find its ID with `aws iam list-service-specific-credentials`, \
             then run `aws iam delete-service-specific-credential`"
        } else {
            "this looks like a secret access key; to delete a key, iam-del-key needs only its access key ID"
        };
        Self {
            shown: NOT_SHOWN.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// The same value, typed as an argument.
    pub(crate) fn typed(mut self) -> Self {
        if self.shown == NOT_SHOWN {
            self.reason
                .push_str("; the shell may keep it in its history: treat it as leaked");
        }
        self
    }
}

/// A path as a message shows it: whole and escaped, without secrets.
pub(crate) fn shown_path(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// A value as a message shows it: secrets are masked, bytes that are not UTF-8 and characters that steer a terminal are
/// escaped, and what is past 40 characters is cut and counted.
pub(crate) fn shown(value: &OsStr) -> String {
    let text = value.to_string_lossy();
    // Masked before it is cut: half a secret is not recognized.
    let masked = mask(&text);
    if masked.chars().count() <= VALUE {
        return lossless(value);
    }
    let head: String = masked.chars().take(VALUE).collect();
    format!("{}... ({} characters)", escape(&head), text.chars().count())
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
