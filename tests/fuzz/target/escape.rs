//! The escaper: nothing that steers comes through, nothing gets lost, and nothing gets longer than it may.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use super::check_message;
use crate::escape::{escape, escape_json, excerpt, is_steering};
use crate::invalid::shown;

pub(super) fn check(bytes: &[u8]) {
    check_message(&shown(OsStr::from_bytes(bytes)), 40 * 10 + 40);
    let text = String::from_utf8_lossy(bytes);
    let escaped = escape(&text);
    assert!(!escaped.contains(is_steering));
    // The longest is `\u{e007f}`, of four bytes; of one byte `\u{1b}`.
    assert!(escaped.len() <= 6 * text.len());
    assert_eq!(escape(&escaped), escaped);
    let seen = |text: &str| text.replace(is_steering, "");
    assert_eq!(text.contains(is_steering), escaped != text);
    assert!(escaped.len() >= seen(&text).len());
    check_message(&excerpt(&text), 1_000 * 10 + 40);
    let value = Value::from(&*text);
    let json = escape_json(&value.to_string());
    assert!(!json.contains(is_steering));
    assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), value);
}
