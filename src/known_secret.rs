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
    alphanumeric: Vec::new(),
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

/// Secrets in each spelling.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Each unescaped form, and Base64, some of whose digits are neither letters nor decimal digits.
    literal: Vec<Spelling>,
    /// The letters and digits of each form, and the other encodings.
    alphanumeric: Vec<Spelling>,
}

/// One spelling of a secret.
#[derive(Clone, PartialEq)]
struct Spelling {
    /// The bytes to compare.
    bytes: Vec<u8>,
    /// How many digits directly before and after them also have bits of the secret, and others of its neighbors.
    shared: [usize; 2],
}

impl Secrets {
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() < MIN_LENGTH {
            return;
        }
        let add = |spellings: &mut Vec<Spelling>, bytes, shared| {
            let spelling = Spelling { bytes, shared };
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        };
        for form in unescape::unescaped_bytes(secret) {
            let bytes = compared(&form, literal);
            // Less than that is in every text.
            if bytes.len() >= MIN_LENGTH / 2 {
                add(&mut self.literal, bytes, [0; 2]);
            }
            let letters = compared(&form, alphanumeric);
            // A few letters of a longer secret can be an ordinary word.
            if letters.len() >= form.len().min(MIN_ANYWHERE) {
                add(&mut self.alphanumeric, letters, [0; 2]);
            }
        }
        for (width, alphabet, step) in [(4, HEXADECIMAL, 4), (5, BASE32, 1), (6, BASE64, 2)] {
            // What is before a secret decides how many of its bits are in a digit with other bits.
            for skipped in (0..width).step_by(step) {
                let (digits, shared) = digits(secret.as_bytes(), width, alphabet, skipped);
                match width {
                    6 => add(&mut self.literal, compared(&digits, literal), shared),
                    _ => add(&mut self.alphanumeric, digits, shared),
                }
            }
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
        let mut spellings = self.literal.iter().chain(&self.alphanumeric);
        spellings.any(|spelling| (min_length..=text.len()).contains(&spelling.bytes.len()))
    }

    /// Finds the spellings of this minimum length. Neither what separates its letters nor their case hides it.
    fn find_in(&self, text: &[u8], min_length: usize) -> Vec<Range<usize>> {
        let mut found = find(&self.literal, min_length, text, literal);
        found.extend(find(&self.alphanumeric, min_length, text, alphanumeric));
        found
    }
}

fn find(
    spellings: &[Spelling],
    min_length: usize,
    text: &[u8],
    comparable: fn(u8) -> Option<u8>,
) -> Vec<Range<usize>> {
    let bytes = compared(text, comparable);
    // Each text is read once, however many spellings there are.
    let mut by_first = [const { Vec::new() }; 256];
    for spelling in spellings {
        if (min_length..=bytes.len()).contains(&spelling.bytes.len()) {
            by_first[usize::from(spelling.bytes[0])].push(spelling);
        }
    }
    let mut found = Vec::new();
    for (at, first) in bytes.iter().enumerate() {
        for spelling in &by_first[usize::from(*first)] {
            if bytes[at..].starts_with(&spelling.bytes) {
                let [before, after] = spelling.shared;
                let end = at + spelling.bytes.len() + after;
                found.push(at.saturating_sub(before)..end.min(bytes.len()));
            }
        }
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

/// Returns the byte to compare if it is a letter or a digit. Anything else can separate them.
fn alphanumeric(byte: u8) -> Option<u8> {
    byte.is_ascii_alphanumeric()
        .then(|| byte.to_ascii_lowercase())
}

/// Returns the digits of the bits of a secret after those that are skipped, as some services repeat what was signed, and how
/// many digits before and after them have some of its bits. A digit has `width` bits.
fn digits(secret: &[u8], width: usize, alphabet: &[u8], skipped: usize) -> (Vec<u8>, [usize; 2]) {
    let bits = secret.len() * 8;
    let starts = (skipped..=bits - width).step_by(width);
    let digits = starts.map(|start| {
        let at = start / 8;
        let next = secret.get(at + 1).copied().unwrap_or_default();
        let rest = u16::from_be_bytes([secret[at], next]) << (start % 8);
        alphabet[usize::from(rest >> (16 - width))]
    });
    let is_shared = |bits: usize| usize::from(!bits.is_multiple_of(width));
    (digits.collect(), [skipped, bits - skipped].map(is_shared))
}

// Secrets must not appear in a panic message.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests;
