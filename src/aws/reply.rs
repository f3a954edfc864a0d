//! Whether a response is the service's own, read from its body. The SDK takes any body with status 200 for success, the
//! page of a captive portal too; here nothing counts but the XML document that AWS documents.

use std::borrow::Cow;
use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

/// The most elements and texts a document may have. A page of 1,000 users has about 30,000.
const MOST_NODES: u32 = 200_000;

/// The namespaces of the two services.
const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The namespace of errors that AWS returns before a request reaches the service, such as `InvalidAction`.
const AWS_FAULT: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The document that was asked for.
    Expected {
        /// The service's name for the request.
        request_id: String,
        /// Of a list: whether it continues; `None` where the response does not say.
        is_truncated: Option<bool>,
    },
    /// An `ErrorResponse` of the service.
    Error {
        /// The error code.
        code: Option<String>,
        /// The sentence.
        message: Option<String>,
        /// The service's name for the request.
        request_id: String,
    },
    /// Anything else: a fragment that says what.
    Foreign(String),
}

/// Whether an operation changes a key: then its response has nothing but a request ID.
pub(super) fn is_change(operation: &str) -> bool {
    matches!(operation, "DeleteAccessKey" | "UpdateAccessKey")
}

fn namespace(operation: &str) -> &'static str {
    match operation {
        "GetCallerIdentity" | "GetAccessKeyInfo" | "GetSessionToken" => STS,
        operation if operation.starts_with("Assume") => STS,
        _ => IAM,
    }
}

/// Whether an error in this namespace can be the response to `operation`; to any operation if it is empty.
fn is_namespace_of_errors(found: Option<&str>, operation: &str) -> bool {
    let expected = namespace(operation);
    found == Some(expected)
        || found == Some(AWS_FAULT)
        || operation.is_empty() && found == Some(STS)
}

/// Reads a body that should be the response of `operation`.
pub(crate) fn read(body: &[u8], operation: &str) -> Body {
    if body.iter().all(u8::is_ascii_whitespace) {
        return foreign("it is empty");
    }
    let text = readable(body);
    if looks_like_html(&text) {
        return foreign("it is an HTML page");
    }
    if !has_attributes_only_at_the_root(&text) {
        return foreign("it is not XML as AWS sends it");
    }
    let options = ParsingOptions {
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(&text, options) {
        Ok(document) => document,
        Err(roxmltree::Error::NodesLimitReached) => return foreign("it has too many elements"),
        Err(_) => return foreign("it is not XML"),
    };
    let root = document.root_element();
    match root.tag_name().name() {
        // An error may be spoilt and is an error all the same; success is not guessed.
        name if name.strip_suffix("Response") == Some(operation) && text.as_bytes() != body => {
            foreign("it contains characters that XML does not allow")
        }
        name if name.strip_suffix("Response") == Some(operation) => {
            expected(root, operation).unwrap_or_else(Body::Foreign)
        }
        "ErrorResponse" | "Error" => error(root, operation),
        name if name.eq_ignore_ascii_case("html") => foreign("it is an HTML page"),
        name => Body::Foreign(format!("it is a document named {name}")),
    }
}

fn foreign(what: &str) -> Body {
    Body::Foreign(what.to_owned())
}

/// Checks the whole document: nothing in it may be there twice, or belong to something else.
fn expected(root: Node<'_, '_>, operation: &str) -> Result<Body, String> {
    let namespace = namespace(operation);
    for node in root.document().root().descendants().skip(1) {
        if node.is_comment() || node.is_pi() {
            return Err("it has comments or processing instructions".to_owned());
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name();
        if name.namespace() != Some(namespace) {
            return Err(format!(
                "{} is not in the namespace {namespace}",
                name.name()
            ));
        }
        if node.attributes().len() > 0 {
            return Err(format!("{} has attributes", name.name()));
        }
        if node != root && name.name().ends_with("Response") {
            return Err(format!("it contains another response, {}", name.name()));
        }
        let mut names = HashSet::new();
        let mut children = node.children().filter(Node::is_element);
        let twice = children.find(|child| {
            let name = child.tag_name().name();
            name != "member" && !names.insert(name)
        });
        if let Some(twice) = twice {
            return Err(format!("it has {} twice", twice.tag_name().name()));
        }
    }
    let result = format!("{operation}Result");
    let mut parts: Vec<&str> = elements(root).map(|node| node.tag_name().name()).collect();
    if !is_change(operation) && parts.first() == Some(&result.as_str()) {
        parts.remove(0);
    }
    if parts != ["ResponseMetadata"] || has_text(root) {
        return Err(format!("it is not the documented {operation}Response"));
    }
    let metadata = child(root, "ResponseMetadata").ok_or("it has no ResponseMetadata")?;
    if elements(metadata).count() != 1 || has_text(metadata) {
        return Err("its ResponseMetadata is not the documented one".to_owned());
    }
    let request_id = child(metadata, "RequestId").filter(|node| elements(*node).count() == 0);
    let is_truncated = child(root, &result).and_then(|node| child(node, "IsTruncated"));
    Ok(Body::Expected {
        request_id: request_id.and_then(text).ok_or("it has no request ID")?,
        is_truncated: is_truncated
            .and_then(text)
            .and_then(|text| text.parse().ok()),
    })
}

/// Reads an error. It says that the request was refused, so it is checked as strictly as a success: a proxy or a firewall
/// in front of the service sends errors of its own, after the service acted.
fn error(root: Node<'_, '_>, operation: &str) -> Body {
    let error = match root.tag_name().name() {
        "Error" => Some(root),
        _ => child(root, "Error"),
    };
    let codes = |node| elements(node).filter(|node| node.tag_name().name() == "Code");
    if error.is_some_and(|error| codes(error).count() > 1) {
        return foreign("it has more than one error code");
    }
    let part = |name| error.and_then(|node| child(node, name)).and_then(text);
    let (code, message) = (part("Code"), part("Message"));
    let wrong = |what: &str| {
        let code = code.as_deref().unwrap_or("no code");
        let message = message.as_deref().unwrap_or("no message");
        Body::Foreign(format!("it is an error ({code}: {message}) {what}"))
    };
    if root.tag_name().name() == "Error" {
        return wrong("that is not in an ErrorResponse");
    }
    let mut all = root.descendants().filter(Node::is_element);
    if !all.all(|node| is_namespace_of_errors(node.tag_name().namespace(), operation)) {
        return wrong(&format!(
            "that is not in the namespace {}",
            namespace(operation)
        ));
    }
    let mut parts: Vec<&str> = elements(root).map(|node| node.tag_name().name()).collect();
    parts.sort_unstable();
    match child(root, "RequestId").and_then(text) {
        None => wrong("without a request ID"),
        Some(_) if parts != ["Error", "RequestId"] || has_text(root) => {
            wrong("that is not in the documented ErrorResponse")
        }
        Some(request_id) => Body::Error {
            code,
            message,
            request_id,
        },
    }
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|node| node.tag_name().name() == name)
}

/// Whether text stands between the elements of a node.
fn has_text(node: Node<'_, '_>) -> bool {
    let mut texts = node
        .children()
        .filter_map(|node| node.text().filter(|_| node.is_text()));
    texts.any(|text| !text.trim().is_empty())
}

/// Whether no element but the root has attributes or declares a namespace, and the root has few. AWS's documents are so,
/// and the parser takes time that grows with the square of their number.
fn has_attributes_only_at_the_root(text: &str) -> bool {
    const MOST_AT_THE_ROOT: usize = 8;
    let mut rest = text;
    let mut is_root = true;
    while let Some((_, tag)) = rest.split_once('<') {
        let ends = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
        if let Some((start, end)) = ends.iter().find(|(start, _)| tag.starts_with(start)) {
            let Some((_, after)) = tag[start.len()..].split_once(end) else {
                return true;
            };
            rest = after;
            continue;
        }
        let Some((values, after)) = tag_end(tag) else {
            return true;
        };
        if values > if is_root { MOST_AT_THE_ROOT } else { 0 } {
            return false;
        }
        is_root = false;
        rest = after;
    }
    true
}

/// How many quoted values a tag has, and what follows it; `None` where it does not end.
fn tag_end(tag: &str) -> Option<(usize, &str)> {
    let (mut quote, mut values) = (None, 0);
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                values += 1;
            }
            (None, b'>') => return Some((values, &tag[at + 1..])),
            (Some(_) | None, _) => {}
        }
    }
    None
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

/// The text in a node, without the white space around it; `None` where there is none.
fn text(node: Node<'_, '_>) -> Option<String> {
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

    const DELETED: &str = "DeleteAccessKey";

    #[test]
    fn only_the_documented_reply_is_the_expected_one() {
        let reply = br#"<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DeleteAccessKeyResponse>"#;
        let expected = Body::Expected {
            request_id: "r-1".to_owned(),
            is_truncated: None,
        };
        assert_eq!(read(reply, DELETED), expected);
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
        let reply = b"<ErrorResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><Error><Code>Odd</Code><Message><![CDATA[caf\xe9 <b>]]> &amp; more</Message></Error><RequestId>r-1</RequestId></ErrorResponse>";
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
        assert_eq!(request_id, "r-1");
    }

    #[test]
    fn an_error_in_a_namespace_of_the_service_is_the_services() {
        let document = |namespace: &str| {
            format!(
                "<ErrorResponse xmlns='{namespace}'><Error><Code>Odd</Code></Error><RequestId>r</RequestId></ErrorResponse>"
            )
        };
        for (operation, namespace, is_error) in [
            (DELETED, IAM, true),
            (DELETED, AWS_FAULT, true),
            (DELETED, STS, false),
            ("GetCallerIdentity", STS, true),
            ("GetCallerIdentity", AWS_FAULT, true),
            ("GetCallerIdentity", IAM, false),
            // The classifier of retries does not know the operation.
            ("", IAM, true),
            ("", STS, true),
            ("", "", false),
            (DELETED, "", false),
            (DELETED, "http://s3.amazonaws.com/doc/2006-03-01/", false),
        ] {
            let body = read(document(namespace).as_bytes(), operation);
            assert_eq!(
                matches!(body, Body::Error { .. }),
                is_error,
                "{operation} {body:?}"
            );
        }
    }

    #[test]
    fn attributes_below_the_root_are_found_wherever_they_hide() {
        for text in [
            "<a/>",
            "<a xmlns=\"b\"><c>\"d=e\"</c></a>",
            "<?xml version=\"1.0\"?><!-- <a b='c'><d e='f'/> --><a b=\"c\" d='e'><![CDATA[<f g='h'>]]></a>",
            "<a><!-- it's --><b>it's</b></a>",
        ] {
            assert!(has_attributes_only_at_the_root(text), "{text}");
        }
        for text in [
            "<a><b c=\"d\"/></a>",
            "<a><b xmlns='c'/></a>",
            "<a><!-- it's --><b c='d'/></a>",
            "<a><![CDATA[<]]><b c='d'/></a>",
            "<a><b c",
        ] {
            let is_cut = text.ends_with("<b c");
            assert_eq!(has_attributes_only_at_the_root(text), is_cut, "{text}");
        }
        for start in ["", " a='>'", " a=\"'>'\"", " a='>\"'"] {
            let many = format!("<a{start}{}/>", " b=\"\"".repeat(9));
            assert!(!has_attributes_only_at_the_root(&many), "{many}");
        }
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
            Body::Foreign("it is not XML as AWS sends it".to_owned())
        );
    }
}
