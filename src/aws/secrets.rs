//! What a request carries and nobody may see: a reply that repeats the request is shown, and kept, without it.

use std::borrow::Cow;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use super::proxy::{self, percent_decoded};

/// The headers that let whoever reads them act as somebody else.
const HEADERS: [&str; 5] = [
    "authorization",
    "dpop",
    "x-amz-security-token",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
];

/// The part of `authorization` that is secret wherever it stands.
const SIGNATURE: &str = "Signature=";

/// The parameter of a form that is a secret.
const WEB_IDENTITY: &str = "WebIdentityToken=";

/// What the members of JSON that are secrets have in their names.
const MEMBERS: [&str; 4] = ["token", "secret", "code", "assertion"];

/// What is shorter is a word that stands elsewhere too, in bytes.
const SHORTEST: usize = 6;

/// So many bytes that a text shares with a secret are no chance; of `AT_LEAST + STEP - 1` some are found for sure.
const AT_LEAST: usize = 16;
/// How far apart the places are that are looked at, in bytes.
const STEP: usize = 8;

/// What stands in place of a secret.
const NOT_SHOWN: &str = "(not shown)";

/// The secrets of requests. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<Values>);

#[derive(Clone, Default)]
struct Values {
    /// Hidden where they stand whole.
    whole: Vec<String>,
    /// Hidden in pieces too: ASCII, and long enough for a piece to be no chance.
    pieces: Vec<String>,
}

impl Secrets {
    /// Those of `request`.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let (mut whole, mut secrets) = (proxy::secrets().to_vec(), Vec::new());
        for name in HEADERS {
            let Some(value) = request.headers().get(name) else {
                continue;
            };
            match value.split_once(SIGNATURE) {
                // What stands before it, such as the ID of the key, is none by itself.
                Some((_, signature)) => {
                    whole.push(value.to_owned());
                    secrets.push(signature.to_owned());
                }
                None => secrets.push(value.to_owned()),
            }
        }
        let body = request.body().bytes().unwrap_or_default();
        if body.starts_with(b"{") {
            let body = serde_json::from_slice(body).unwrap_or_default();
            put_members(&mut secrets, "", &body);
        } else if let Ok(body) = std::str::from_utf8(body)
            && let Some((_, token)) = body.split_once(WEB_IDENTITY)
        {
            secrets.push(token.split('&').next().unwrap_or(token).to_owned());
        }
        let has_pieces = |value: &String| value.is_ascii() && value.len() >= AT_LEAST + STEP;
        let (pieces, others): (Vec<_>, Vec<_>) = secrets.into_iter().partition(has_pieces);
        whole.extend(others);
        whole.retain(|value| value.len() >= SHORTEST);
        Self(Arc::new(Values { whole, pieces }))
    }

    /// `text` without them, and without any piece of them that is long enough to be told from chance.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0.whole {
            if let Some(hidden) = hide_spelled(&text, secret) {
                text = Cow::Owned(hidden);
            }
        }
        self.hide_pieces(&text)
    }

    fn hide_pieces(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut shown = String::with_capacity(text.len());
        // What is before `done` is in `shown`, or hidden.
        let (mut done, mut at) = (0, 0);
        while let Some(piece) = bytes.get(at..at + AT_LEAST) {
            let mut secrets = self.0.pieces.iter().map(String::as_bytes);
            match secrets.find_map(|secret| common(bytes, at, piece, secret)) {
                // What is shared with ASCII begins and ends between characters.
                Some((start, end)) => {
                    let start = start.max(done);
                    shown.push_str(&text[done..start]);
                    shown.push_str(NOT_SHOWN);
                    (done, at) = (end, end);
                }
                None => at += STEP,
            }
        }
        shown.push_str(&text[done..]);
        shown
    }
}

/// The text without a secret, however its characters are spelled; `None` where it is not there.
fn hide_spelled(text: &str, secret: &str) -> Option<String> {
    let mut hidden = String::new();
    let (mut done, mut at) = (0, 0);
    while at < text.len() {
        match spelled(&text.as_bytes()[at..], secret.as_bytes()) {
            Some(length) => {
                hidden.push_str(&text[done..at]);
                hidden.push_str(NOT_SHOWN);
                at += length;
                done = at;
            }
            None => at += 1,
        }
    }
    (done > 0).then(|| hidden + &text[done..])
}

/// How long a secret is at the beginning of a text, where each of its bytes may be percent-encoded, and a space a `+`.
fn spelled(text: &[u8], secret: &[u8]) -> Option<usize> {
    let mut rest = text;
    for &byte in secret {
        let length = match rest.first()? {
            b'%' if percent_decoded(rest) == Some(byte) => 3,
            b'+' if byte == b' ' => 1,
            first if *first == byte => 1,
            _ => return None,
        };
        rest = &rest[length..];
    }
    Some(text.len() - rest.len())
}

/// Takes the secrets out of what stands under `name` in JSON.
fn put_members(values: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                put_members(values, name, value);
            }
        }
        Value::Array(list) => {
            for value in list {
                put_members(values, name, value);
            }
        }
        Value::String(text) => {
            let name = name.to_ascii_lowercase();
            if MEMBERS.iter().any(|part| name.contains(part)) {
                values.push(text.clone());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The longest piece of `text` that stands in `secret` too and has `piece`, which is what `text` has at `at`: where it
/// begins and ends.
fn common(text: &[u8], at: usize, piece: &[u8], secret: &[u8]) -> Option<(usize, usize)> {
    let found = secret
        .windows(AT_LEAST)
        .position(|window| window == piece)?;
    let same = |(a, b): &(&u8, &u8)| a == b;
    let before = text[..at].iter().rev().zip(secret[..found].iter().rev());
    let after = text[at..].iter().zip(&secret[found..]);
    Some((
        at - before.take_while(same).count(),
        at + after.take_while(same).count(),
    ))
}

// What a crash tells must not tell them.
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
        Secrets(Arc::new(Values {
            pieces: vec![TOKEN.to_owned()],
            ..Values::default()
        }))
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
                assert_eq!(secrets().hide(&text), format!("{before}(not shown){after}"));
            }
        }
        let twice = format!("{TOKEN} {TOKEN}");
        assert_eq!(secrets().hide(&twice), "(not shown) (not shown)");
    }

    #[test]
    fn a_piece_of_a_secret_is_not_shown() {
        let least = AT_LEAST + STEP - 1;
        for start in 0..TOKEN.len() - least {
            for before in 0..STEP {
                let text = format!("{}{}|", "-".repeat(before), &TOKEN[start..start + least]);
                let shown = format!("{}(not shown)|", "-".repeat(before));
                assert_eq!(secrets().hide(&text), shown);
            }
        }
    }

    #[test]
    fn a_short_secret_is_not_shown_either() {
        let secrets = Secrets(Arc::new(Values {
            whole: vec!["of-a-proxy".to_owned()],
            ..Values::default()
        }));
        for before in ["", "a", "a password: "] {
            let text = format!("{before}of-a-proxy.");
            assert_eq!(secrets.hide(&text), format!("{before}(not shown)."));
        }
    }

    #[test]
    fn a_secret_is_not_shown_however_it_is_spelled() {
        for spelling in [
            "p@ss w\u{f6}rd%",
            "p%40ss%20w%C3%B6rd%25",
            "p%40ss+w%c3%B6rd%",
            "%70@ss w%C3%b6%72d%25",
        ] {
            let hidden = hide_spelled(
                &format!("\u{e9}{spelling}\u{e9}{spelling}."),
                "p@ss w\u{f6}rd%",
            );
            assert_eq!(
                hidden.as_deref(),
                Some("\u{e9}(not shown)\u{e9}(not shown).")
            );
        }
        for other in ["", "p@ss", "p%4", "p%40ss%2", "p@ss w\u{f6}r\u{f6}"] {
            assert_eq!(hide_spelled(other, "p@ss w\u{f6}rd%"), None, "{other}");
        }
    }

    #[test]
    fn other_text_is_as_it_was() {
        for text in ["", "short", "IQoJb3JpZ2luX2", &"caf\u{e9} ".repeat(50)] {
            assert_eq!(secrets().hide(text), text);
            assert_eq!(Secrets::default().hide(text), text);
        }
    }
}
