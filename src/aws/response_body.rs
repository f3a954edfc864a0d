//! Validates the body of a response. The SDK accepts any body with status 200, such as the page of a captive portal.
//! This accepts only the XML documents that AWS documents.

use std::collections::HashSet;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use roxmltree::Node;

use super::xml::{self, child, is_blank, is_mixed, names, text};
use crate::error::Operation;

/// The XML namespaces of IAM and STS.
const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The namespace of errors that AWS returns before a request reaches the service, such as `InvalidAction`.
const AWS_FAULT: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// What a response is, according to its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// The expected document of the service.
    Expected {
        /// The request ID that the service assigned.
        request_id: String,
        /// Whether the list continues. `None`: the response does not say.
        is_truncated: Option<bool>,
    },
    /// An `ErrorResponse` of the service.
    Error {
        code: Option<String>,
        /// The error message.
        message: Option<String>,
        /// The request ID that the service assigned.
        request_id: String,
    },
    /// A response that is not from the service. The text is a fragment that says what it is.
    Unexpected(String),
}

/// Whether an operation changes a key. The response of such an operation contains only a request ID.
pub(super) fn is_change(operation: Operation) -> bool {
    matches!(operation.name(), "DeleteAccessKey" | "UpdateAccessKey")
}

/// Returns the element that contains the members of a list. It is present even in an empty list.
fn list_of(operation: Operation) -> Option<&'static str> {
    match operation.name() {
        "ListAccessKeys" => Some("AccessKeyMetadata"),
        "ListUsers" => Some("Users"),
        "ListUserTags" => Some("Tags"),
        _ => None,
    }
}

/// Whether the response of an operation is a list.
pub(super) fn is_list(operation: Operation) -> bool {
    list_of(operation).is_some()
}

fn namespace(operation: Operation) -> &'static str {
    match operation {
        Operation::Iam(_) => IAM,
        Operation::Sts(_) => STS,
    }
}

/// Parses the response of `operation`.
pub(super) fn read(body: &[u8], operation: Operation) -> Response {
    document(body, operation).unwrap_or_else(Response::Unexpected)
}

/// Parses a document of the service. The error is a fragment that says what the body is.
fn document(body: &[u8], operation: Operation) -> Result<Response, String> {
    let text = xml::readable(body);
    let document = xml::parse(&text)?;
    let root = document.root_element();
    match root.tag_name().name() {
        name if name.strip_suffix("Response") == Some(operation.name()) => {
            // A success must be valid XML. An error may contain invalid characters.
            if text.as_bytes() != body {
                return Err("it contains characters that XML does not allow".to_owned());
            }
            if text.contains("<![CDATA[") {
                return Err("it has CDATA sections".to_owned());
            }
            expected(root, operation)
        }
        "ErrorResponse" | "Error" => error(root, operation),
        name => Err(format!("it is a document named {name}")),
    }
}

/// Checks the whole document. It must not contain duplicate or foreign elements.
fn expected(root: Node<'_, '_>, operation: Operation) -> Result<Response, String> {
    let namespace = namespace(operation);
    for node in root.document().root().descendants().skip(1) {
        if node.is_comment() || node.is_pi() {
            return Err("it has comments or processing instructions".to_owned());
        }
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        if node.tag_name().namespace() != Some(namespace) {
            return Err(format!("{name} is not in the namespace {namespace}"));
        }
        if node.attributes().len() > 0 {
            return Err(format!("{name} has attributes"));
        }
        if is_mixed(node) {
            return Err(format!("{name} has text between its elements"));
        }
        if node != root && name.ends_with("Response") {
            return Err(format!("it contains another response, {name}"));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = names(node).find(|name| *name != "member" && !seen.insert(*name)) {
            return Err(format!("it has {twice} twice"));
        }
    }
    let result = format!("{operation}Result");
    let mut parts: Vec<&str> = names(root).collect();
    if !is_change(operation) && parts.first() == Some(&result.as_str()) {
        parts.remove(0);
    }
    if parts != ["ResponseMetadata"] {
        return Err(format!("it is not the documented {operation}Response"));
    }
    let metadata = child(root, "ResponseMetadata").ok_or("it has no ResponseMetadata")?;
    if names(metadata).count() != 1 {
        return Err("its ResponseMetadata is not the documented one".to_owned());
    }
    let request_id = child(metadata, "RequestId").filter(|node| names(*node).count() == 0);
    let result = child(root, &result);
    // The SDK reads a missing list as an empty one.
    if let Some(name) = list_of(operation) {
        let list = result.and_then(|node| child(node, name));
        let list = list.ok_or_else(|| format!("it has no {name}"))?;
        let is_member = |node: Node<'_, '_>| node.has_tag_name((namespace, "member"));
        // The SDK skips everything else: the list would be read as a shorter one.
        if !list
            .children()
            .all(|node| is_member(node) || is_blank(node))
        {
            return Err(format!("its {name} has something other than members"));
        }
        // The SDK reads a missing value as an empty one.
        let mut tags = list.children().filter(|node| is_member(*node));
        if name == "Tags" && tags.any(|tag| child(tag, "Value").is_none()) {
            return Err("it has a tag without a Value".to_owned());
        }
    }
    let is_truncated = result.and_then(|node| child(node, "IsTruncated"));
    Ok(Response::Expected {
        request_id: request_id.and_then(text).ok_or("it has no request ID")?,
        is_truncated: is_truncated
            .and_then(text)
            .and_then(|text| text.parse().ok()),
    })
}

/// Parses an error. An error means that the request was refused, so it is checked as strictly as a success: a proxy or
/// firewall may return its own error after the service acted.
fn error(root: Node<'_, '_>, operation: Operation) -> Result<Response, String> {
    let is_bare = root.tag_name().name() == "Error";
    let error = if is_bare {
        Some(root)
    } else {
        child(root, "Error")
    };
    if error.is_some_and(|error| names(error).filter(|name| *name == "Code").count() > 1) {
        return Err("it has more than one error code".to_owned());
    }
    let part = |name| error.and_then(|node| child(node, name)).and_then(text);
    let (code, message) = (part("Code"), part("Message"));
    let mut parts: Vec<&str> = names(root).collect();
    parts.sort_unstable();
    let expected = namespace(operation);
    let is_expected = |found: Option<&str>| [expected, AWS_FAULT].map(Some).contains(&found);
    let mut all = root.descendants().filter(Node::is_element);
    let outside = format!("that is not in the namespace {expected}");
    let wrong = match child(root, "RequestId").and_then(text) {
        _ if is_bare => "that is not in an ErrorResponse",
        _ if !all.all(|node| is_expected(node.tag_name().namespace())) => &outside,
        None => "without a request ID",
        Some(_) if parts != ["Error", "RequestId"] || root.descendants().any(is_mixed) => {
            "that is not in the documented ErrorResponse"
        }
        Some(request_id) => {
            return Ok(Response::Error {
                code,
                message,
                request_id,
            });
        }
    };
    let code = code.as_deref().unwrap_or("no code");
    let message = message.as_deref().unwrap_or("no message");
    Err(format!("it is an error ({code}: {message}) {wrong}"))
}

/// Returns why the body may not be what the service sent. Other HTTP software, such as a proxy, may find another end of
/// this response, and then its body may come from another one. The HTTP client itself rejects different `Content-Length`
/// headers. No request asks for an encoding of the content.
pub(super) fn unreliable_body(response: &HttpResponse) -> Option<&'static str> {
    let headers = response.headers();
    let mut contents = headers.get_all("content-encoding");
    if contents.any(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Some("it has a Content-Encoding that was not asked for");
    }
    let mut encodings = headers.get_all("transfer-encoding");
    let encoding = encodings.next()?;
    if headers.get("content-length").is_some() {
        Some("it has both Content-Length and Transfer-Encoding")
    } else if !encoding.eq_ignore_ascii_case("chunked") || encodings.next().is_some() {
        Some("its Transfer-Encoding is not chunked alone")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELETED: Operation = Operation::Iam("DeleteAccessKey");

    #[test]
    fn only_the_documented_reply_is_the_expected_one() {
        let body = br#"<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DeleteAccessKeyResponse>"#;
        let expected = Response::Expected {
            request_id: "r-1".to_owned(),
            is_truncated: None,
        };
        assert_eq!(read(body, DELETED), expected);
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
            assert!(matches!(body, Response::Unexpected(_)), "{body:?}");
        }
    }

    #[test]
    fn what_the_sdk_would_read_in_part_is_not_a_response() {
        let list = |result: &str| {
            let metadata = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>";
            let text = format!(
                "<ListAccessKeysResponse xmlns=\"{IAM}\"><ListAccessKeysResult>{result}</ListAccessKeysResult>{metadata}</ListAccessKeysResponse>"
            );
            document(text.as_bytes(), Operation::Iam("ListAccessKeys")).map(drop)
        };
        let key = |status: &str| {
            format!(
                "<AccessKeyMetadata><member><Status>{status}</Status></member></AccessKeyMetadata>"
            )
        };
        assert_eq!(list(&key("Active")), Ok(()));
        assert_eq!(list("<AccessKeyMetadata/>"), Ok(()));
        let mixed = "Status has text between its elements";
        for (result, expected) in [
            (key("<![CDATA[Not]]>Inactive"), "it has CDATA sections"),
            (key("Inactive<b>x</b>"), mixed),
            (key("<b>x</b>Inactive"), mixed),
            (
                "<IsTruncated>false</IsTruncated>".to_owned(),
                "it has no AccessKeyMetadata",
            ),
            (
                key("Active").replace("member", "item"),
                "its AccessKeyMetadata has something other than members",
            ),
            (
                key("Active").replace("</Access", "<item/></Access"),
                "its AccessKeyMetadata has something other than members",
            ),
            (
                "<AccessKeyMetadata>none</AccessKeyMetadata>".to_owned(),
                "its AccessKeyMetadata has something other than members",
            ),
        ] {
            assert_eq!(list(&result), Err(expected.to_owned()), "{result}");
        }
    }

    #[test]
    fn an_error_is_read_whatever_its_encoding() {
        let body = b"<ErrorResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><Error><Code>Odd</Code><Message><![CDATA[caf\xe9 <b>]]> &amp; more</Message></Error><RequestId>r-1</RequestId></ErrorResponse>";
        let Response::Error {
            code,
            message,
            request_id,
        } = read(body, DELETED)
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
            (Operation::Sts("GetCallerIdentity"), STS, true),
            (Operation::Sts("GetCallerIdentity"), AWS_FAULT, true),
            (Operation::Sts("GetCallerIdentity"), IAM, false),
            (DELETED, "", false),
            (DELETED, "http://s3.amazonaws.com/doc/2006-03-01/", false),
        ] {
            let body = read(document(namespace).as_bytes(), operation);
            assert_eq!(
                matches!(body, Response::Error { .. }),
                is_error,
                "{operation} {body:?}"
            );
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
            Response::Unexpected("it is not XML".to_owned())
        );
    }
}
