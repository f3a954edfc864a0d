//! Writes XML with IAM's formatting: one element per line, indented by two spaces.

use std::fmt::Write;

#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    /// Writes `<name>text</name>`.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.indent();
        let _in_memory = writeln!(self.out, "<{name}>{}</{name}>", escape(text));
    }

    /// Writes `<name attributes>`, the output of `inside`, and `</name>`. `attributes` starts with a space or is empty.
    pub(crate) fn nest(&mut self, name: &str, attributes: &str, inside: impl FnOnce(&mut Self)) {
        self.indent();
        let _in_memory = writeln!(self.out, "<{name}{attributes}>");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        let _in_memory = writeln!(self.out, "</{name}>");
    }

    pub(crate) fn into_text(self) -> String {
        self.out
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }
}

/// Escapes text for an element.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' | '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                out.push(character);
            }
            // XML 1.0 does not allow these characters, even as character references.
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn elements_are_indented_and_escaped() {
        let mut xml = Xml::default();
        xml.nest("A", " b=\"c\"", |xml| xml.leaf("D", "<&>\u{0}"));
        assert_eq!(
            xml.into_text(),
            "<A b=\"c\">\n  <D>&lt;&amp;&gt;\u{fffd}</D>\n</A>\n"
        );
    }
}
