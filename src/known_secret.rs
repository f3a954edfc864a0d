//! The secrets that this run got or sent. They are recognized however they are spelled.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;

use serde_json::Value;

use crate::ident::looks_like_access_key_id;
use crate::lock::lock;
use crate::unescape;

/// The secrets of the whole run. None is removed: a response can repeat one that was replaced long ago.
static OF_RUN: Mutex<Secrets> = Mutex::new(Secrets {
    literal: Vec::new(),
    digits: Vec::new(),
});

const HEXADECIMAL: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The minimum length of a secret, in bytes. Shorter ones are ordinary words.
const MIN_LENGTH: usize = 6;
/// The minimum length of a spelling that is searched for in everything that is printed, in bytes. Shorter ones can be names, or
/// words of our own messages.
const MIN_ANYWHERE: usize = 12;
/// The same in messages of others.
const MIN_IN_MESSAGE: usize = 1;

/// Adds a secret of the run.
pub(crate) fn learn(secret: &str) {
    // An access key ID is none, although a test server may accept it as a token.
    if !looks_like_access_key_id(secret) {
        lock(&OF_RUN).add(secret);
    }
}

/// Adds the secret members of a session in JSON.
pub(crate) fn learn_members(session: &Value) {
    for (name, value) in session.as_object().into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        match value.as_str() {
            Some(text) if name.ends_with("token") || name.contains("secret") => learn(text),
            _ => learn_members(value),
        }
    }
}

/// Whether a text is long enough for a secret of the run.
pub(crate) fn may_be_in(text: &str) -> bool {
    lock(&OF_RUN).may_be_in(text, MIN_ANYWHERE)
}

/// Finds the secrets of the run in any text that is printed.
pub(crate) fn find_in(text: &[u8]) -> Vec<Range<usize>> {
    lock(&OF_RUN).find_in(text, MIN_ANYWHERE)
}

/// Whether a text contains a secret of the run, however it is escaped.
pub(crate) fn is_in(text: &str) -> bool {
    may_be_in(text) && matches!(unescape::redact(text, find_in), Cow::Owned(_))
}

/// Redacts the secrets of the run in a message of others.
pub(crate) fn redact_message(text: &str) -> String {
    Secrets::default().redact(text)
}

/// Secrets in each spelling, as the bytes to compare.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Each unescaped form.
    literal: Vec<Vec<u8>>,
    /// The digits of the bytes.
    digits: Vec<Vec<u8>>,
}

impl Secrets {
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() < MIN_LENGTH {
            return;
        }
        let add = |spellings: &mut Vec<Vec<u8>>, bytes| {
            if !spellings.contains(&bytes) {
                spellings.push(bytes);
            }
        };
        for form in unescape::unescaped_bytes(secret) {
            add(&mut self.literal, compared(&form, literal));
        }
        // Some Base64 digits are neither letters nor decimal digits.
        let base64 = digits(secret, 6, BASE64);
        add(&mut self.literal, compared(&base64, literal));
        for (width, alphabet) in [(4, HEXADECIMAL), (5, BASE32)] {
            add(&mut self.digits, digits(secret, width, alphabet));
        }
    }

    /// Redacts these secrets and those of the run in a message of others, however they are escaped.
    pub(crate) fn redact(&self, text: &str) -> String {
        let may_be_in = |secrets: &Self| secrets.may_be_in(text, MIN_IN_MESSAGE);
        if !may_be_in(self) && !may_be_in(&lock(&OF_RUN)) {
            return text.to_owned();
        }
        let find = |bytes: &[u8]| {
            let own = self.find_in(bytes, MIN_IN_MESSAGE);
            [own, lock(&OF_RUN).find_in(bytes, MIN_IN_MESSAGE)].concat()
        };
        unescape::redact(text, find).into_owned()
    }

    /// Whether a text is long enough for a spelling of this minimum length. Escapes only make a text longer.
    fn may_be_in(&self, text: &str, min_length: usize) -> bool {
        let mut spellings = self.literal.iter().chain(&self.digits);
        spellings.any(|secret| (min_length..=text.len()).contains(&secret.len()))
    }

    /// Finds the spellings of this minimum length. Neither white space within one nor another case of its letters hides it.
    fn find_in(&self, text: &[u8], min_length: usize) -> Vec<Range<usize>> {
        let mut found = find(&self.literal, min_length, text, literal);
        found.extend(find(&self.digits, min_length, text, digit));
        found
    }
}

fn find(
    spellings: &[Vec<u8>],
    min_length: usize,
    text: &[u8],
    comparable: fn(u8) -> Option<u8>,
) -> Vec<Range<usize>> {
    let bytes = compared(text, comparable);
    let mut found = Vec::new();
    for secret in spellings.iter().filter(|secret| secret.len() >= min_length) {
        let windows = bytes.windows(secret.len()).enumerate();
        let matches = windows.filter(|(_, window)| window[0] == secret[0] && window == secret);
        found.extend(matches.map(|(at, _)| at..at + secret.len()));
    }
    if !found.is_empty() {
        let places = (0..text.len()).filter(|at| comparable(text[*at]).is_some());
        let places: Vec<usize> = places.collect();
        for range in &mut found {
            *range = places[range.start]..places[range.end - 1] + 1;
        }
    }
    found
}

/// Returns the bytes to compare.
fn compared(bytes: &[u8], comparable: fn(u8) -> Option<u8>) -> Vec<u8> {
    bytes.iter().copied().filter_map(comparable).collect()
}

/// Returns the byte of a text to compare, or `None` if the byte is ignored. White space is ignored because lines can be
/// wrapped, and `+` because a form encodes a space as `+`. So is `-`, which replaces `+` in URL-safe base64, and `=`, which is
/// only padding. `_` replaces `/` there.
fn literal(byte: u8) -> Option<u8> {
    match byte {
        b'+' | b'-' | b'=' | b':' | b',' => None,
        b'_' => Some(b'/'),
        _ => Some(byte.to_ascii_lowercase()).filter(|byte| !byte.is_ascii_whitespace()),
    }
}

/// Returns the byte to compare if it is a digit. Anything else can separate digits.
fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_alphanumeric()
        .then(|| byte.to_ascii_lowercase())
}

/// Returns the digits of the bytes of a secret, as some services repeat what was signed. A digit has `width` bits.
fn digits(secret: &str, width: usize, alphabet: &[u8]) -> Vec<u8> {
    let bits = secret
        .bytes()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let bits: Vec<u8> = bits.collect();
    let digits = bits.chunks(width).map(|bits| {
        let padded = bits.iter().chain(&[0; 4]).take(width);
        padded.fold(0, |digit, bit| digit << 1 | usize::from(*bit))
    });
    digits.map(|digit| alphabet[digit]).collect()
}

// Secrets must not appear in a panic message.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "IQoJb3JpZ2luX2VjEMv//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx";

    fn secrets_of(secret: &str) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(secret);
        secrets
    }

    fn secrets() -> Secrets {
        secrets_of(TOKEN)
    }

    #[test]
    fn a_secret_is_not_shown_wherever_it_stands() {
        for before in [
            "",
            "a",
            "token: ",
            "caf\u{e9} \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9} ",
        ] {
            for after in ["", ".", "\u{e9}"] {
                let text = format!("{before}{TOKEN}{after}");
                assert_eq!(
                    secrets().redact(&text),
                    format!("{before}(not shown){after}")
                );
            }
        }
        let twice = format!("{TOKEN} {TOKEN}");
        assert_eq!(secrets().redact(&twice), "(not shown) (not shown)");
    }

    #[test]
    fn a_short_secret_is_not_shown_either() {
        let secrets = secrets_of("of-a-proxy");
        for before in ["", "a", "a password: "] {
            let text = format!("{before}of-a-proxy.");
            assert_eq!(secrets.redact(&text), format!("{before}(not shown)."));
        }
    }

    #[test]
    fn a_secret_in_url_safe_base64_is_not_shown() {
        let secret = "IQoJb3JpZ2luX2VjEMv/////+++++/wEaCXVzLWVhc3QtMSJHMEUCIQDx==";
        let secrets = secrets_of(secret);
        let url_safe = secret.replace('/', "_").replace('+', "-");
        for text in [secret, &url_safe, url_safe.trim_end_matches('=')] {
            let redacted = secrets.redact(&format!("<{text}>")).replace('=', "");
            assert_eq!(redacted, "<(not shown)>", "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_however_it_is_spelled() {
        let secrets = secrets_of("p@ss w\u{f6}rd%");
        for spelling in [
            "p@ss w\u{f6}rd%",
            "p%40ss%20w%C3%B6rd%25",
            "p%40ss+w%c3%B6rd%",
            "%70@ss w%C3%b6%72d%25",
            "p&#64;ss w&#xf6;rd&percnt;",
            "p%2540ss%2Bw%25C3%25B6rd%2525",
            "p&amp;#x40;ss w\\u00f6rd%",
            "p=40ss w=C3=B6rd=25",
            "p\\100ss w\\303\\266rd\\045",
            "P=40SS w=c3=b6R=\r\nD=25",
            "P@sS W%C3%B6RD%",
        ] {
            let text = format!("\u{e9}{spelling}\u{e9}{spelling}.");
            let redacted = "\u{e9}(not shown)\u{e9}(not shown).";
            assert_eq!(secrets.redact(&text), redacted);
        }
        for other in ["", "p@ss", "p%4", "p%40ss%2", "p@ss w\u{f6}r\u{f6}"] {
            assert_eq!(secrets.redact(other), other);
        }
        // A secret that contains an escape is also redacted in its literal form.
        let secrets = secrets_of("of-a%2");
        assert_eq!(
            secrets.redact("of-a%25 of-a%252"),
            "(not shown)5 (not shown)"
        );
    }

    #[test]
    fn a_secret_is_not_shown_as_the_digits_of_its_bytes() {
        let digits: Vec<String> = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
        let separators = [" ", ":", ", ", "-", "_", ".", " | ", "/", ";\n", "\u{b7}"];
        let separated = separators.map(|separator| digits.join(separator));
        for text in separated.into_iter().chain([digits.concat()]) {
            assert_eq!(secrets().redact(&format!("a {text}.")), "a (not shown).");
            let text = text.to_ascii_uppercase();
            assert_eq!(secrets().redact(&format!("0a{text}")), "0a(not shown)");
        }
    }

    #[test]
    fn a_secret_in_base64_of_its_own_is_not_shown() {
        for (secret, text) in [
            ("foobar", "Zm9vYmFy"),
            ("foobars", "Zm9vYmFycw=="),
            ("foo~?>foo~?>", "Zm9vfj8+Zm9vfj8+"),
            ("foo~?>foo~?>", "Zm9vfj8-Zm9vfj8-"),
            ("foo~??foo~??", "Zm9vfj8_Zm9vfj8_"),
        ] {
            let redacted = secrets_of(secret).redact(&format!("a {text}."));
            assert_eq!(
                redacted.replace(['=', '+', '-'], ""),
                "a (not shown).",
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_in_base32_is_not_shown() {
        for (secret, text) in [
            ("foobar", "MZXW6YTBOI======"),
            ("foobars", "mzxw6ytbojzq===="),
            ("foobar-secret", "MZXW6 YTBOI WXGZL DOJSX I==="),
        ] {
            let secrets = secrets_of(secret);
            let redacted = secrets.redact(&format!("a {text}.")).replace('=', "");
            assert_eq!(redacted, "a (not shown).", "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_although_it_is_wrapped() {
        let (start, end) = TOKEN.split_at(20);
        for line_break in [
            "\n", "\r\n", "%0A", "\\u000a", "&#10;", "\n    ", "\r\n\t", "\\n", "\\r\\n  ", "\\t",
            " ",
        ] {
            let text = format!("a\n{start}{line_break}{end}\nb");
            assert_eq!(secrets().redact(&text), "a\n(not shown)\nb");
        }
        let wrapped = TOKEN.as_bytes().chunks(8).map(String::from_utf8_lossy);
        let wrapped: Vec<_> = wrapped.collect();
        assert_eq!(secrets().redact(&wrapped.join("\n")), "(not shown)");
        // A token in a file may end its lines itself.
        let secrets = secrets_of("one\ntwo\nthree\n");
        assert_eq!(secrets.redact("a onetwothree b"), "a (not shown) b");
    }

    #[test]
    fn other_text_is_as_it_was() {
        for text in ["", "short", "IQoJb3JpZ2luX2", &"caf\u{e9} ".repeat(50)] {
            assert_eq!(secrets().redact(text), text);
            assert_eq!(Secrets::default().redact(text), text);
        }
    }
}
