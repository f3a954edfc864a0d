//! Whether a reply is IAM's, read from its body. The SDK takes any body with status 200 for success, the
//! page of a captive portal too; nothing counts here that is not the XML the service documents.

use std::borrow::Cow;

use roxmltree::{Document, Node};

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The reply that was asked for.
    Expected {
        /// IAM's name for the request.
        request_id: Option<String>,
    },
    /// An `ErrorResponse`.
    Error {
        /// The error code.
        code: Option<String>,
        /// The sentence.
        message: Option<String>,
        /// IAM's name for the request.
        request_id: Option<String>,
    },
    /// Anything else: a fragment that says what.
    Foreign(String),
}

/// Reads a body that should be the document `expected`, such as `DeleteAccessKeyResponse`.
pub(crate) fn read(body: &[u8], expected: &str) -> Body {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Body::Foreign("it is empty".to_owned());
    }
    let text = readable(body);
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(_) if looks_like_html(&text) => return Body::Foreign("it is an HTML page".to_owned()),
        Err(_) => return Body::Foreign("it is not XML".to_owned()),
    };
    let root = document.root_element();
    match root.tag_name().name() {
        // An error may be spoilt and is an error all the same; success is not guessed.
        name if name == expected && text.as_bytes() != body => {
            Body::Foreign("it holds what XML does not allow".to_owned())
        }
        name if name == expected => Body::Expected {
            request_id: text_of(root, "RequestId"),
        },
        "ErrorResponse" | "Error" => Body::Error {
            code: text_of(root, "Code"),
            message: text_of(root, "Message"),
            request_id: text_of(root, "RequestId"),
        },
        name if name.eq_ignore_ascii_case("html") => Body::Foreign("it is an HTML page".to_owned()),
        name => Body::Foreign(format!("it is a document named {name}")),
    }
}

/// The text, with what XML does not allow (bytes that are not UTF-8, control characters) replaced: an error
/// is worth reading even where its message is spoilt.
fn readable(body: &[u8]) -> Cow<'_, str> {
    let spoilt = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    let text = String::from_utf8_lossy(body);
    if text.contains(spoilt) {
        return Cow::Owned(text.replace(spoilt, "\u{fffd}"));
    }
    text
}

fn looks_like_html(text: &str) -> bool {
    let head: String = text
        .trim_start()
        .chars()
        .take(200)
        .collect::<String>()
        .to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

fn text_of(root: Node<'_, '_>, name: &str) -> Option<String> {
    let node = root
        .descendants()
        .find(|node| node.tag_name().name() == name)?;
    let text: String = node
        .descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELETED: &str = "DeleteAccessKeyResponse";

    #[test]
    fn only_the_documented_reply_is_the_expected_one() {
        let reply = br#"<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DeleteAccessKeyResponse>"#;
        let request_id = Some("r-1".to_owned());
        assert_eq!(read(reply, DELETED), Body::Expected { request_id });
        for foreign in [
            &b""[..],
            b"  \n",
            b"<html><body>Sign in to the Wi-Fi</body></html>",
            b"<!DOCTYPE html><html><head><title>x</title></head></html>",
            b"<DeleteAccessKeyResponse><ResponseMetadata>",
            b"<DeleteAccessKeyResponse/><html/>",
            b"<DeleteUserResponse/>",
            b"{\"ok\": true}",
            b"\xff\xfe\x00",
            b"<DeleteAccessKeyResponse>caf\xe9</DeleteAccessKeyResponse>",
            b"<DeleteAccessKeyResponse>\x01</DeleteAccessKeyResponse>",
        ] {
            let body = read(foreign, DELETED);
            assert!(matches!(body, Body::Foreign(_)), "{body:?}");
        }
    }

    #[test]
    fn an_error_is_read_whatever_its_encoding() {
        let reply = b"<ErrorResponse><Error><Code>Odd</Code><Message><![CDATA[caf\xe9 <b>]]> &amp; more</Message></Error></ErrorResponse>";
        let Body::Error {
            code,
            message,
            request_id,
        } = read(reply, DELETED)
        else {
            panic!("not read as an error");
        };
        assert_eq!(code.as_deref(), Some("Odd"));
        assert_eq!(message.as_deref(), Some("caf\u{fffd} <b> & more"));
        assert_eq!(request_id, None);
    }

    #[test]
    fn an_entity_bomb_does_not_go_off() {
        let mut bomb = String::from("<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\">");
        for (name, inner) in [
            ("b", "a"),
            ("c", "b"),
            ("d", "c"),
            ("e", "d"),
            ("f", "e"),
            ("g", "f"),
        ] {
            let ten = format!("&{inner};").repeat(10);
            bomb += "<!ENTITY ";
            bomb += name;
            bomb += " \"";
            bomb += &ten;
            bomb += "\">";
        }
        bomb += "]><ErrorResponse><Error><Code>&g;</Code></Error></ErrorResponse>";
        assert_eq!(
            read(bomb.as_bytes(), DELETED),
            Body::Foreign("it is not XML".to_owned())
        );
    }
}
