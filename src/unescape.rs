//! Undoes escapes in text, so that a secret is found however it is escaped.

use std::borrow::Cow;
use std::ops::Range;

use crate::sanitize::is_unprintable;
use crate::secret::REDACTED;

/// Which escapes each form undoes, by the byte that they stand for.
const UNDONE_BYTES: [fn(u8) -> bool; 3] = [
    |_| false,
    // Few encoders escape letters and digits. In `100%AB`, the percent sign may precede a secret.
    |byte| !byte.is_ascii_alphanumeric(),
    |_| true,
];

/// The first characters of escapes, except for those of quoted-printable.
const ESCAPE_STARTS: [char; 3] = ['%', '&', '\\'];

/// The named character references of HTML for characters that may occur in a secret.
const HTML_NAMES: [(&str, char); 11] = [
    ("amp", '&'),
    ("apos", '\''),
    ("bsol", '\\'),
    ("commat", '@'),
    ("equals", '='),
    ("gt", '>'),
    ("lt", '<'),
    ("percnt", '%'),
    ("plus", '+'),
    ("quot", '"'),
    ("sol", '/'),
];

/// The length of the longest HTML escape, `&#x0010FFFF;`, in bytes.
const MAX_HTML_ESCAPE: usize = 12;
/// The length of the longest escape with braces, `\u{10FFFF}`, in bytes.
const MAX_BRACED_ESCAPE: usize = 10;

/// Replaces every range that `find` returns for any form of the text. `find` gets the bytes of a form.
pub(crate) fn redact(text: &str, find: impl Fn(&[u8]) -> Vec<Range<usize>>) -> Cow<'_, str> {
    let mut redacted_ranges: Vec<Range<usize>> = if is_plain(text) {
        find(text.as_bytes())
    } else {
        let found = unescaped_forms(text).flat_map(|Unescaped { bytes, places, .. }| {
            let found = find(&bytes).into_iter().filter(|found| !found.is_empty());
            let original = found.map(|found| places[found.start].start..places[found.end - 1].end);
            original.collect::<Vec<_>>()
        });
        found.collect()
    };
    if redacted_ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    redacted_ranges.sort_by_key(|place| place.start);
    let (mut redacted, mut done) = (String::new(), 0);
    for Range { start, end } in redacted_ranges {
        if start > done || redacted.is_empty() {
            redacted.push_str(&text[done..start]);
            redacted.push_str(REDACTED);
        }
        done = done.max(end);
    }
    Cow::Owned(redacted + &text[done..])
}

/// Returns the bytes of each form of the text. No form is longer than the text.
pub(crate) fn unescaped_bytes(text: &str) -> Vec<Vec<u8>> {
    if is_plain(text) {
        return vec![text.as_bytes().to_vec()];
    }
    unescaped_forms(text)
        .map(|unescaped| unescaped.bytes)
        .collect()
}

/// Whether the text is its only form: printable ASCII without escapes. Most text is plain.
fn is_plain(text: &str) -> bool {
    let is_printable = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    text.bytes().all(is_printable) && !may_have_escapes(text)
}

fn may_have_escapes(text: &str) -> bool {
    let continues = |c: char| c.is_ascii_hexdigit() || matches!(c, '\r' | '\n');
    let mut after_equals_signs = text.split('=').skip(1);
    text.contains(ESCAPE_STARTS) || after_equals_signs.any(|text| text.starts_with(continues))
}

fn unescaped_forms(text: &str) -> impl Iterator<Item = Unescaped> {
    let undone_count = if may_have_escapes(text) { 3 } else { 1 };
    // An invisible character may be within a secret, or between a secret and another word.
    let dropped: [fn(char) -> bool; 2] = [is_invisible, |_| false];
    let dropped_count = if text.contains(is_invisible) { 2 } else { 1 };
    let dropped = dropped.into_iter().take(dropped_count);
    dropped.flat_map(move |is_dropped| {
        let undone = UNDONE_BYTES.into_iter().take(undone_count);
        undone.map(move |is_undone| Unescaped::of(text, is_undone, is_dropped))
    })
}

fn is_invisible(c: char) -> bool {
    is_unprintable(c) && !c.is_ascii_whitespace()
}

/// A text without escapes.
#[derive(Debug)]
struct Unescaped {
    /// Which characters are left out.
    is_dropped: fn(char) -> bool,
    bytes: Vec<u8>,
    /// For each byte, the range of the original text that it stands for.
    places: Vec<Range<usize>>,
}

impl Unescaped {
    fn of(text: &str, is_undone: fn(u8) -> bool, is_dropped: fn(char) -> bool) -> Self {
        let mut unescaped = Self {
            is_dropped,
            bytes: Vec::new(),
            places: Vec::new(),
        };
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            unescaped.push(c.encode_utf8(&mut [0; 4]).as_bytes(), at..end);
            // The decoded character may complete another escape: `%252F`.
            while let Some((length, bytes)) = trailing_escape(&unescaped.bytes)
                && bytes.first().is_some_and(|byte| is_undone(*byte))
            {
                let left = unescaped.bytes.len() - length;
                // After an escaped backslash, `u{2f}` is no escape. Our own escapes have a backslash of their own.
                if unescaped.bytes.ends_with(b"}") && unescaped.places[left].len() > 1 {
                    break;
                }
                let start = unescaped.places[left].start;
                unescaped.bytes.truncate(left);
                unescaped.places.truncate(left);
                unescaped.push(&bytes, start..end);
            }
        }
        unescaped
    }

    fn push(&mut self, bytes: &[u8], place: Range<usize>) {
        if std::str::from_utf8(bytes).is_ok_and(|text| text.contains(self.is_dropped)) {
            return;
        }
        self.bytes.extend(bytes);
        self.places.extend(bytes.iter().map(|_| place.clone()));
    }
}

/// Returns the length of the URL, HTML, JSON, octal or quoted-printable escape at the end of the text, and the bytes that it
/// stands for.
fn trailing_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let character = |c: char| c.to_string().into_bytes();
    let number_after = |start: &str, digits: usize, radix: u32| {
        let at = text.len().checked_sub(start.len() + digits)?;
        let digits = text[at..].strip_prefix(start.as_bytes())?;
        Some((text.len() - at, number(digits, radix)?))
    };
    let digits_after = |start: &str, digits: usize| number_after(start, digits, 16);
    match text.last()? {
        b';' => {
            let inner = &text[text.len().saturating_sub(MAX_HTML_ESCAPE)..text.len() - 1];
            let at = inner.iter().rposition(|byte| *byte == b'&')?;
            let name = &inner[at + 1..];
            let c = match name {
                [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
                [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
                name => {
                    let mut names = HTML_NAMES.iter();
                    names.find(|(known, _)| known.as_bytes() == name)?.1
                }
            };
            Some((name.len() + 2, character(c)))
        }
        // The escapes of Rust and JavaScript, of Perl, and our own.
        b'}' => {
            let end = &text[text.len().saturating_sub(MAX_BRACED_ESCAPE)..];
            let is_start = |start: &[u8]| matches!(start, b"\\u{" | b"\\x{");
            let at = end.windows(3).rposition(is_start)?;
            let code = number(&end[at + 3..end.len() - 1], 16)?;
            Some((end.len() - at, character(char::from_u32(code)?)))
        }
        c @ (b'/' | b'\\' | b'"') => text.ends_with(&[b'\\', *c]).then(|| (2, vec![*c])),
        c @ (b'n' | b'r' | b't') => text.ends_with(&[b'\\', *c]).then(|| (2, vec![b' '])),
        // Quoted-printable wraps lines with it.
        b'\n' => {
            let line_breaks = ["=\n", "=\r\n"].into_iter();
            let mut escaped = line_breaks.filter(|end| text.ends_with(end.as_bytes()));
            escaped.next().map(|end| (end.len(), vec![b' ']))
        }
        c if c.is_ascii_hexdigit() => {
            let mut starts = ["%", "\\x", "="].into_iter();
            let byte = starts.find_map(|start| digits_after(start, 2));
            // Shells and C write bytes with three octal digits.
            if let Some((length, byte)) = byte.or_else(|| number_after("\\", 3, 8)) {
                return Some((length, vec![u8::try_from(byte).ok()?]));
            }
            // JavaScript's `escape` uses a percent sign instead of the backslash. Python, C, Go and YAML also write eight digits.
            let mut starts = [("\\u", 4), ("%u", 4), ("\\U", 8)].into_iter();
            let (length, code) = starts.find_map(|(start, digits)| digits_after(start, digits))?;
            Some((length, character(char::from_u32(code)?)))
        }
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_plain = digits.chars().all(|c| c.is_digit(radix));
    u32::from_str_radix(digits, radix).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        String::from_utf8_lossy(&Unescaped::of(text, |_| true, is_invisible).bytes).into_owned()
    }

    #[test]
    fn escapes_are_undone_however_often_they_were_escaped() {
        for (text, expected) in [
            ("a%2Fb", "a/b"),
            ("a%252fb%25252Fc", "a/b/c"),
            ("a&#x2F;b&#47;c&sol;d&#x0000002f;e", "a/b/c/d/e"),
            ("a&amp;#x2F;b&amp;amp;#47;c", "a/b/c"),
            ("a\\/b\\u002Fc\\x2fd\\\\/e\\\\u002Ff", "a/b/c/d/e/f"),
            ("a\\u0026#47;b%26sol;c%5C/d", "a/b/c/d"),
            ("p%C3%B6&#246;\\u00f6%u00F6", "p\u{f6}\u{f6}\u{f6}\u{f6}"),
            ("a\u{200b}b&#8203;c", "abc"),
            ("a\\nb\\r\\tc\\\\nd", "a b  c d"),
            ("a=2Fb=3D2fc=\r\nd=\ne=5C/f", "a/b/c d e/f"),
            ("a\\u{2f}b\\u{00002F}c\\u{}d{2f}", "a/b/c\\u{}d{2f}"),
            ("a\\\\u{2f}b", "a\\u{2f}b"),
            ("a\\x{2f}b\\x{2F", "a/b\\x{2F"),
            (
                "a\\U0000002fb\\\\U0000002Fc\\U0000002\\U00110000",
                "a/b/c\\U0000002\\U00110000",
            ),
            ("a\\057b\\053c\\400", "a/b+c\\400"),
            (
                "100% & more; &nothing; %zz \\ &#; &;",
                "100% & more; &nothing; %zz \\ &#; &;",
            ),
            (
                "%+2 &#+47; &#xD800; \\uD800 %",
                "%+2 &#+47; &#xD800; \\uD800 %",
            ),
            ("", ""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn plain_text_is_its_only_form() {
        for text in [
            "",
            "a b\tc\nd",
            "Signature=/=;",
            "xmlns=\"https://iam.amazonaws.com/\"",
            "~!\"#$'()*,-.:<>?@[]^_`{|}",
        ] {
            assert!(is_plain(text), "{text}");
            assert_eq!(read(text), text);
        }
        for text in [
            "a%2Fb", "&sol;", "\\/", "a=2Fb", "\u{e9}", "\u{200b}", "\u{7f}", "\u{b}", "\0",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn what_is_found_is_hidden_with_its_escapes() {
        let slash = |bytes: &[u8]| -> Vec<Range<usize>> {
            let places = bytes.windows(3).enumerate();
            let found = places.filter(|(_, window)| window == b"a/b");
            found.map(|(at, _)| at..at + 3).collect()
        };
        for (text, expected) in [
            ("xa/by", "x(not shown)y"),
            (
                "\u{e9}a&#x2F;b\u{e9}a%252Fb",
                "\u{e9}(not shown)\u{e9}(not shown)",
            ),
            ("a/ba\\/b", "(not shown)"),
            ("&#97;/b;", "(not shown);"),
            ("a%b", "a%b"),
        ] {
            assert_eq!(redact(text, slash), expected, "{text}");
        }
    }

    #[test]
    fn a_flood_of_escapes_is_read_in_one_pass() {
        let text = "%25".repeat(200_000) + "2F";
        assert_eq!(read(&text).len(), 200_000);
    }
}
