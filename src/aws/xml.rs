//! Parses XML as strictly as AWS writes it.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};

/// The maximum number of XML nodes. A page of 1,000 users has about 30,000.
const MAX_NODES: u32 = 200_000;

/// The maximum length of a text or of a name, in bytes. A message can contain one, and then secrets are looked for in it,
/// which takes time. Responses without a list are not longer either.
const MAX_TEXT: usize = 64 << 10;
/// The element with a credential report, which can be longer.
const REPORT: &str = "Content";

/// Parses a text from [`readable`].
///
/// # Errors
///
/// It is not XML, or not as AWS writes it. The error is a clause that says what it is.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    let start: String = text.trim_start().chars().take(20).collect();
    let start = start.to_ascii_lowercase();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Err("it is an HTML page".to_owned());
    }
    if !has_attributes_only_at_the_root(text) {
        return Err("it is not XML as AWS sends it".to_owned());
    }
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => "it has too many elements".to_owned(),
        _ => "it is not XML".to_owned(),
    })?;
    if document.descendants().any(is_too_long) {
        return Err("it has a text of more than 64 KiB".to_owned());
    }
    Ok(document)
}

/// Whether a node is a text or has a name that is too long. Whitespace is never shown.
fn is_too_long(node: Node<'_, '_>) -> bool {
    let in_report = || node.parent().is_some_and(|node| node.has_tag_name(REPORT));
    let text = if node.is_text() {
        node.text().unwrap_or_default()
    } else {
        node.tag_name().name()
    };
    text.len() > MAX_TEXT && !is_blank(node) && !in_report()
}

/// Returns the names of the child elements.
pub(super) fn names<'a>(node: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    let elements = node.children().filter(Node::is_element);
    elements.map(|node| node.tag_name().name())
}

/// Returns the first child element of this name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.has_tag_name(name))
}

/// Whether a node has text between its child elements. The SDK would read the text before the first one.
pub(super) fn is_mixed(node: Node<'_, '_>) -> bool {
    let mut texts = node.children().filter(Node::is_text);
    names(node).next().is_some() && !texts.all(is_blank)
}

/// Whether a node is whitespace.
pub(super) fn is_blank(node: Node<'_, '_>) -> bool {
    node.is_text() && node.text().unwrap_or_default().trim().is_empty()
}

/// Whether only the root element has attributes or namespaces, and only a few. This is true for AWS's documents, and
/// the parser takes quadratic time for attributes. Something similar in a comment is rejected too, as AWS sends no
/// comments.
fn has_attributes_only_at_the_root(text: &str) -> bool {
    const MAX_ROOT_ATTRIBUTES: usize = 8;
    let count = |text: &str| text.matches('=').count();
    let elements = text.split('<').skip(1);
    let mut elements = elements.filter(|text| !text.starts_with(['!', '?']));
    // An attribute value may contain `>`, so the root extends to the next element.
    let root = elements.next().unwrap_or_default();
    let mut tags = elements.filter_map(|text| text.split('>').next());
    count(root) <= MAX_ROOT_ATTRIBUTES && tags.all(|tag| count(tag) == 0)
}

/// Replaces bytes that are not UTF-8 and characters that XML does not allow. An error is still useful if its message
/// is damaged.
pub(super) fn readable(body: &[u8]) -> Cow<'_, str> {
    let is_invalid = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    let text = String::from_utf8_lossy(body);
    if text.contains(is_invalid) {
        return Cow::Owned(text.replace(is_invalid, "\u{fffd}"));
    }
    text
}

/// Returns the trimmed text of a node, unless it is empty.
pub(super) fn text(node: Node<'_, '_>) -> Option<String> {
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

    #[test]
    fn no_text_and_no_name_is_long_except_a_credential_report() {
        let long = "a".repeat(MAX_TEXT + 1);
        for (text, is_refused) in [
            (format!("<a>{long}</a>"), true),
            (format!("<a>{}</a>", &long[1..]), false),
            (format!("<a><![CDATA[{long}]]></a>"), true),
            (format!("<{long}/>"), true),
            (format!("<a><b><{long}>c</{long}></b></a>"), true),
            (format!("<a xmlns='x'><Content>{long}</Content></a>"), false),
            (format!("<a>{}<b/></a>", long.replace('a', " ")), false),
        ] {
            let expected = is_refused.then_some("it has a text of more than 64 KiB");
            let refused = parse(&text).err();
            assert_eq!(refused.as_deref(), expected, "{}", &text[..40]);
        }
    }

    #[test]
    fn attributes_below_the_root_are_found_wherever_they_hide() {
        for text in [
            "<a/>",
            "<a xmlns=\"b\"><c>\"d=e\"</c></a>",
            "<?xml version=\"1.0\"?><!-- a b='c' --><a b=\"c\" d='e'><![CDATA[f g='h']]></a>",
            "<a><!-- it's --><b>it's</b></a>",
        ] {
            assert!(has_attributes_only_at_the_root(text), "{text}");
        }
        for text in [
            "<a><b c=\"d\"/></a>",
            "<a><b xmlns='c'/></a>",
            "<a><!-- it's --><b c='d'/></a>",
            "<a><![CDATA[<]]><b c='d'/></a>",
            "<!-- <a> --><b c='d'/>",
            "<!-- <a b='>'><c d='e'/> --><f/>",
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
}
