//! Text that came from elsewhere, made safe to show: nothing in it can move a cursor, hide or reorder
//! what stands beside it.

use std::fmt::Write as _;

use crate::secret::mask;

/// How many characters of a foreign text a message shows, escaped.
const EXCERPT: usize = 800;
/// The same of a name, a code or a status.
const FIELD: usize = 100;

/// Whether a character steers a terminal or a reader instead of being seen: controls (C0, C1, DEL),
/// bidirectional marks, line separators, and what Unicode calls default ignorable, such as zero-width characters,
/// fillers, variation selectors and tags.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text without secrets and with each steering character as `\u{..}`.
pub(crate) fn escape(text: &str) -> String {
    spell_out(&mask(text))
}

fn spell_out(text: &str) -> String {
    without_steering(text, |safe, c| {
        let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
    })
}

/// The text with what `write` makes of each steering character.
fn without_steering(text: &str, write: impl Fn(&mut String, char)) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            write(&mut safe, c);
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The text escaped, on one line, and cut at 800 characters with a word on what was cut.
pub(crate) fn excerpt(text: &str) -> String {
    cut(text, EXCERPT)
}

/// A name, a code or a status as a part of a sentence: escaped, on one line, and cut at 100 characters.
pub(crate) fn field(text: &str) -> String {
    cut(text, FIELD)
}

/// The text escaped; where that takes more than `longest` characters, it is cut between two of its own.
fn cut(text: &str, longest: usize) -> String {
    // Masked before it is cut: half a secret is not recognized.
    let text = mask(text);
    let mut safe = String::new();
    let mut left = longest;
    for (at, c) in text.char_indices() {
        let piece = spell_out(&text[at..at + c.len_utf8()]);
        let Some(less) = left.checked_sub(piece.chars().count()) else {
            let length = text.chars().count();
            return format!("{safe}... ({length} characters)");
        };
        left = less;
        safe.push_str(&piece);
    }
    safe
}

/// JSON in which steering characters are written by their number, as JSON allows, so that a terminal shows them too.
pub(crate) fn escape_json(json: &str) -> String {
    without_steering(json, |safe, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(safe, "\\u{unit:04x}");
        }
    })
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
        assert_eq!(
            escape("\u{34f}\u{3164}\u{fe0f}\u{e0100}"),
            "\\u{34f}\\u{3164}\\u{fe0f}\\u{e0100}"
        );
        assert_eq!(escape("Zoë, 鍵"), "Zoë, 鍵");
    }

    #[test]
    fn a_long_text_is_cut_and_counted() {
        for flood in ["x", "\u{1b}", "\u{e0041}"] {
            let cut = excerpt(&flood.repeat(5_000_000));
            assert!(cut.len() < 900, "{}", cut.len());
            assert!(cut.ends_with("... (5000000 characters)"));
            assert!(field(&flood.repeat(101)).len() < 130);
        }
        let longest = "x".repeat(EXCERPT);
        assert_eq!(excerpt(&longest), longest);
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
