//! Text that came from elsewhere, made safe to show: nothing in it can move a cursor, hide or reorder
//! what stands beside it.

use std::fmt::Write as _;

use crate::secret::mask;

/// How many characters of a foreign text a message shows.
const LONGEST: usize = 1000;

/// Whether a character steers a terminal or a reader instead of being seen: controls (C0, C1, DEL),
/// bidirectional marks, zero-width characters, line separators and tags.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text without secrets and with each steering character as `\u{..}`.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in mask(text).chars() {
        if is_steering(c) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The text escaped, on one line, and cut at 1,000 characters with a word on what was cut.
pub(crate) fn excerpt(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return escape(text);
    }
    // Masked before it is cut: half a secret is not recognized.
    let head: String = mask(text).chars().take(LONGEST).collect();
    format!("{}... ({length} characters)", escape(&head))
}

/// A word as a POSIX shell takes it whole.
pub(crate) fn quoted(word: &str) -> String {
    let word = escape(word);
    match shlex::try_quote(&word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => word,
    }
}

/// JSON in which steering characters are written by their number, as JSON allows, so that a terminal shows them too.
pub(crate) fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_steering(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_characters_are_spelled_out() {
        assert_eq!(escape("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(
            escape("\u{202e}\u{9b}\u{200b}"),
            "\\u{202e}\\u{9b}\\u{200b}"
        );
        assert_eq!(escape("Zoë, 鍵"), "Zoë, 鍵");
    }

    #[test]
    fn a_long_text_is_cut_and_counted() {
        let cut = excerpt(&"x".repeat(5_000_000));
        assert!(cut.len() < 1100, "{}", cut.len());
        assert!(cut.ends_with("(5000000 characters)"));
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({ "Message": "\u{9b}2J\u{202e}\u{e0041} é" });
        let text = escape_json(&value.to_string());
        assert!(!text.chars().any(is_steering));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
            value
        );
    }
}
