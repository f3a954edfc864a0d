//! The secrets of a request. A response that repeats them is stored and printed without them.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use super::proxy;
use crate::lock::lock;
use crate::unescape;

/// The secret access keys of this run, which sign the requests but are not in them.
pub(super) static SECRET_KEYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The headers that authenticate a request.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "dpop",
    "x-amz-security-token",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
];

/// The prefix of the signature in `authorization`, which is a secret.
const SIGNATURE_PREFIX: &str = "Signature=";

/// The prefixes of the secret parameters of a form.
const SECRET_PARAMETERS: [&str; 2] = ["WebIdentityToken=", "TokenCode="];

/// A JSON member is secret if its name contains one of these.
const SECRET_NAME_PARTS: [&str; 4] = ["token", "secret", "code", "assertion"];

const HEXADECIMAL: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The minimum length of a secret that is searched for, in bytes. Shorter ones are ordinary words.
const MIN_LENGTH: usize = 6;

/// The secrets of a request in each unescaped form. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<Vec<Vec<u8>>>);

impl Secrets {
    /// Collects the secrets of `request` and of the run.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut secrets = proxy::secrets().to_vec();
        secrets.extend(lock(&SECRET_KEYS).iter().cloned());
        for value in SECRET_HEADERS
            .iter()
            .filter_map(|name| request.headers().get(*name))
        {
            secrets.push(value.to_owned());
            let signature = value.split_once(SIGNATURE_PREFIX);
            secrets.extend(signature.map(|(_, signature)| signature.to_owned()));
        }
        let body = request.body().bytes().unwrap_or_default();
        if body.starts_with(b"{") {
            let body = serde_json::from_slice(body).unwrap_or_default();
            collect_json_secrets(&mut secrets, "", &body);
        } else if let Ok(body) = std::str::from_utf8(body) {
            let values = SECRET_PARAMETERS
                .iter()
                .filter_map(|name| body.split_once(name));
            let values = values.filter_map(|(_, rest)| rest.split('&').next());
            // Each part of a JSON Web Token is a secret too.
            let parts = values.flat_map(|value| value.split('.').chain([value]));
            secrets.extend(parts.map(str::to_owned));
        }
        Self::from_values(&secrets)
    }

    fn from_values(secrets: &[String]) -> Self {
        let secrets = secrets.iter().filter(|secret| secret.len() >= MIN_LENGTH);
        let spellings = secrets.flat_map(|secret| {
            let escapes = unescape::unescaped_bytes(secret).into_iter();
            escapes.chain([digits(secret, 4, HEXADECIMAL), digits(secret, 5, BASE32)])
        });
        let comparable = |bytes: Vec<u8>| bytes.into_iter().filter_map(normalize).collect();
        Self(Arc::new(spellings.map(comparable).collect()))
    }

    /// Redacts the secrets in `text`, however they are escaped.
    pub(super) fn redact(&self, text: &str) -> String {
        // Escapes only make a text longer.
        if self.0.iter().all(|secret| text.len() < secret.len()) {
            return text.to_owned();
        }
        unescape::redact(text, |bytes| self.find_in(bytes)).into_owned()
    }

    /// Finds the secrets. Neither white space within one nor another case of its letters hides it.
    fn find_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let bytes = text.iter().copied().enumerate();
        let bytes = bytes.filter_map(|(at, byte)| Some((at, normalize(byte)?)));
        let (places, text): (Vec<usize>, Vec<u8>) = bytes.unzip();
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            let windows = text.windows(secret.len()).enumerate();
            let matches = windows.filter(|(_, window)| window.eq_ignore_ascii_case(secret));
            found.extend(matches.map(|(at, _)| places[at]..places[at + secret.len() - 1] + 1));
        }
        found
    }
}

/// Returns the byte to compare, or `None` if the byte is ignored. White space is ignored because lines can be wrapped, and `+`
/// because a form encodes a space as `+`. So is `-`, which replaces `+` in URL-safe base64, and `=`, which is only padding.
/// `_` replaces `/` there. Colons and commas can separate hexadecimal digits.
fn normalize(byte: u8) -> Option<u8> {
    match byte {
        b'+' | b'-' | b'=' | b':' | b',' => None,
        b'_' => Some(b'/'),
        _ => Some(byte).filter(|byte| !byte.is_ascii_whitespace()),
    }
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

/// Collects the secret strings in JSON. `name` is the name of the member that holds `value`.
fn collect_json_secrets(values: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect_json_secrets(values, name, value);
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_json_secrets(values, name, value)),
        Value::String(text) => {
            let name = name.to_ascii_lowercase();
            if SECRET_NAME_PARTS.iter().any(|part| name.contains(part)) {
                values.push(text.clone());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

// Secrets must not appear in a panic message.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "IQoJb3JpZ2luX2VjEMv//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx";

    fn secrets() -> Secrets {
        Secrets::from_values(&[TOKEN.to_owned()])
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
        let secrets = Secrets::from_values(&["of-a-proxy".to_owned()]);
        for before in ["", "a", "a password: "] {
            let text = format!("{before}of-a-proxy.");
            assert_eq!(secrets.redact(&text), format!("{before}(not shown)."));
        }
    }

    #[test]
    fn a_secret_in_url_safe_base64_is_not_shown() {
        let secret = "IQoJb3JpZ2luX2VjEMv/////+++++/wEaCXVzLWVhc3QtMSJHMEUCIQDx==";
        let secrets = Secrets::from_values(&[secret.to_owned()]);
        let url_safe = secret.replace('/', "_").replace('+', "-");
        for text in [secret, &url_safe, url_safe.trim_end_matches('=')] {
            let redacted = secrets.redact(&format!("<{text}>")).replace('=', "");
            assert_eq!(redacted, "<(not shown)>", "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_however_it_is_spelled() {
        let secrets = Secrets::from_values(&["p@ss w\u{f6}rd%".to_owned()]);
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
        let secrets = Secrets::from_values(&["of-a%2".to_owned()]);
        assert_eq!(
            secrets.redact("of-a%25 of-a%252"),
            "(not shown)5 (not shown)"
        );
    }

    #[test]
    fn a_secret_is_not_shown_as_the_digits_of_its_bytes() {
        let digits: Vec<String> = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
        let separated = [" ", ":", ", ", "-"].map(|separator| digits.join(separator));
        for text in separated.into_iter().chain([digits.concat()]) {
            assert_eq!(secrets().redact(&format!("a {text}.")), "a (not shown).");
            let text = text.to_ascii_uppercase();
            assert_eq!(secrets().redact(&format!("0a{text}")), "0a(not shown)");
        }
    }

    #[test]
    fn a_secret_in_base32_is_not_shown() {
        for (secret, text) in [
            ("foobar", "MZXW6YTBOI======"),
            ("foobars", "mzxw6ytbojzq===="),
            ("foobar-secret", "MZXW6 YTBOI WXGZL DOJSX I==="),
        ] {
            let secrets = Secrets::from_values(&[secret.to_owned()]);
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
        let secrets = Secrets::from_values(&["one\ntwo\nthree\n".to_owned()]);
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
