//! The escaper: nothing that steers comes through, no secret does, nothing else gets lost, and nothing gets longer than it
//! may.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use super::check_message;
use crate::sanitize::{
    SafeText, display_value, escape, escape_json, is_unprintable, truncate_escaped,
};
use crate::secret::has_secret;

pub(super) fn check(bytes: &[u8]) {
    check_message(&display_value(OsStr::from_bytes(bytes)), 40 * 10 + 40);
    let text = String::from_utf8_lossy(bytes);
    let escaped = escape(&text);
    assert!(!escaped.contains(is_unprintable));
    // The longest is `\u{e007f}`, of four bytes; of one byte `\u{1b}`.
    assert!(escaped.len() <= 6 * text.len());
    assert_eq!(escape(&escaped), escaped);
    if !has_secret(&text) {
        let seen = |text: &str| text.replace(is_unprintable, "");
        assert_eq!(text.contains(is_unprintable), escaped != text);
        assert!(escaped.len() >= seen(&text).len());
    }
    check_message(&truncate_escaped(&text), 800 * 4 + 40);
    let message = SafeText::message(&text).to_string();
    assert!(!message.contains(is_unprintable));
    assert!(message.chars().count() <= 1_300);
    let page = SafeText::page(&text).to_string();
    assert!(!page.contains(|c| is_unprintable(c) && !matches!(c, '\n' | '\t' | '\u{1b}')));
    assert!(!page.replace("\u{1b}[", "").contains('\u{1b}'));
    let value = Value::from(&*text);
    let json = escape_json(&value.to_string());
    assert!(!json.contains(is_unprintable));
    assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), value);
    check_secret(bytes, &text);
}

/// Makes a secret of the bytes, puts it into the text at each of a few places, and looks for any part of it.
fn check_secret(bytes: &[u8], text: &str) {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let characters = bytes
        .iter()
        .zip((0..=u8::MAX).cycle())
        .map(|(byte, place): (&u8, u8)| {
            let mixed = byte.wrapping_mul(31).wrapping_add(place.wrapping_mul(17));
            char::from(BASE64[usize::from(mixed & 63)])
        });
    let secret: String = characters.take(40).collect();
    if secret.len() < 40 || !has_secret(&secret) {
        return;
    }
    let parts: Vec<&str> = (0..=28).map(|start| &secret[start..start + 12]).collect();
    for place in [0, text.len() / 2, text.len()] {
        let place = (place..=text.len()).find(|place| text.is_char_boundary(*place));
        let (before, after) = text.split_at(place.expect("the end is a boundary"));
        let whole = format!("{before}{secret}{after}");
        let printed = [
            escape(&whole),
            truncate_escaped(&whole),
            display_value(OsStr::new(&whole)),
            SafeText::page(&whole).to_string(),
            SafeText::json(&Value::from(&*whole)).to_string(),
        ]
        .concat();
        for part in &parts {
            assert!(text.contains(part) || !printed.contains(part), "{part}");
        }
    }
}
