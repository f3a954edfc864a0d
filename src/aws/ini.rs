//! Parses AWS configuration files like AWS CLI version 2, which uses Python's `RawConfigParser` and `shlex`. Keeps the
//! line of each setting.

use std::collections::HashMap;
use std::sync::Arc;

/// A section of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    /// The type: `profile`, `sso-session` or `services`. Empty if the section is not used.
    pub(super) kind: &'static str,
    /// The name without quotes. `parse` returns the whole text between the brackets.
    pub(super) name: String,
    /// The file, for messages.
    pub(super) file: Arc<str>,
    /// The line of the header.
    pub(super) line: usize,
    /// The settings in order, each name once.
    pub(super) entries: Vec<Entry>,
}

/// A setting.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name in lowercase. A nested name keeps its case.
    pub(super) name: String,
    /// The trimmed value. A continued value has several lines.
    pub(super) value: String,
    pub(super) line: usize,
    /// The settings of an indented block.
    pub(super) nested: Vec<Entry>,
}

/// The line on which each name was first defined. The first part of the key is the line of the section or setting that
/// contains the name, or 0 for a section.
type Defined = HashMap<(usize, String), usize>;

impl Section {
    /// Returns the setting of this name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

/// Parses a file.
///
/// # Errors
///
/// The AWS CLI rejects the file too. The error is a fragment with the line that does not quote the file.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    let mut defined = Defined::default();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // The indentation of the last setting or header.
    let mut indent = 0;
    for (line, raw) in (1..).zip(text.split('\n')) {
        let stripped = strip(raw);
        if stripped.starts_with(['#', ';']) {
            continue;
        }
        let depth = raw.chars().take_while(|c| is_space(*c)).count();
        if let Some(section) = sections.last_mut()
            && let Some(entry) = section.entries.last_mut()
            && (stripped.is_empty() || depth > indent)
        {
            continue_value(entry, &mut defined, line, stripped)?;
            continue;
        }
        if stripped.is_empty() {
            continue;
        }
        indent = depth;
        if let Some(header) = header(stripped) {
            define(&mut defined, (0, header), line, "a section")?;
            sections.push(Section {
                name: header.to_owned(),
                line,
                ..Section::default()
            });
            continue;
        }
        let section = sections
            .last_mut()
            .ok_or_else(|| format!("line {line}: a setting comes before the first [section]"))?;
        let (name, value) = stripped
            .split_once(['=', ':'])
            .ok_or_else(|| format!("line {line}: this is neither a [section] nor a setting"))?;
        let name = (section.line, &*strip(name).to_lowercase());
        section
            .entries
            .push(entry(&mut defined, name, value, line)?);
    }
    for entry in sections.iter_mut().flat_map(|section| &mut section.entries) {
        let length = entry.value.trim_end_matches(is_space).len();
        entry.value.truncate(length);
    }
    Ok(sections)
}

/// Adds a line to a value. If nothing follows the `=` of the setting, the line is a nested setting.
fn continue_value(
    block: &mut Entry,
    defined: &mut Defined,
    line: usize,
    text: &str,
) -> Result<(), String> {
    if (block.value.is_empty() || block.value.starts_with('\n')) && !text.is_empty() {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("line {line}: an indented line has the form `name = value`"))?;
        let name = (block.line, strip(name));
        block.nested.push(entry(defined, name, value, line)?);
    }
    block.value.push('\n');
    block.value.push_str(text);
    Ok(())
}

fn entry(
    defined: &mut Defined,
    name: (usize, &str),
    value: &str,
    line: usize,
) -> Result<Entry, String> {
    if name.1.is_empty() {
        return Err(format!("line {line}: a setting has no name"));
    }
    define(defined, name, line, "a setting")?;
    Ok(Entry {
        name: name.1.to_owned(),
        value: strip(value).to_owned(),
        line,
        nested: Vec::new(),
    })
}

fn define(
    defined: &mut Defined,
    (parent, name): (usize, &str),
    line: usize,
    what: &str,
) -> Result<(), String> {
    match defined.insert((parent, name.to_owned()), line) {
        None => Ok(()),
        Some(first) => Err(format!("lines {first} and {line}: {what} is defined twice")),
    }
}

fn header(line: &str) -> Option<&str> {
    let (header, _) = line.strip_prefix('[')?.rsplit_once(']')?;
    (!header.is_empty()).then_some(header)
}

/// Whether Python treats the character as whitespace.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Splits a line into words like Python's `shlex.split`: only quotes and backslashes are special. `None`: a quote is
/// not closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' if c == '"' => match chars.next()? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String, usize)> {
        let sections = parse(text).expect("it is read");
        let rows = sections.into_iter().flat_map(|section| {
            let header = section.name;
            section
                .entries
                .into_iter()
                .map(move |entry| (header.clone(), entry.name, entry.value, entry.line))
        });
        rows.collect()
    }

    #[test]
    fn settings_are_read_as_python_reads_them() {
        for (text, name, value, line) in [
            ("[s]\na=b", "a", "b", 2),
            ("[s]\nA B : c = d\n", "a b", "c = d", 2),
            ("[s] ; x\r\n  # c\r\n\ta = b # c \r\n", "a", "b # c", 3),
            ("[s]\ra = b\r", "a", "b", 2),
            ("[s]\na =\tb\u{1c}\n\n", "a", "b", 2),
            (
                "[s]\na = b\n  c\n\n  d\n# x\n  ;y\n e\n",
                "a",
                "b\nc\n\nd\ne",
                2,
            ),
            ("[s]\na =\n\n[t]\n", "a", "", 2),
            ("  [s]\n  a = b\n", "a", "b", 2),
            ("[s]\n  a = b\n c = d\n", "c", "d", 3),
            ("[s]\n[ = x\n", "[", "x", 2),
        ] {
            let rows = read(text);
            let found = rows.iter().find(|row| row.1 == name);
            let found = found.unwrap_or_else(|| panic!("{text:?}: {rows:?}"));
            assert_eq!((found.2.as_str(), found.3), (value, line), "{text:?}");
        }
    }

    #[test]
    fn an_indented_block_has_settings_of_its_own() {
        let sections =
            parse("[services x]\niam =\n  endpoint_url = http://h/?a=b\n\n  # c\n  K=v\nsts = y\n");
        let sections = sections.expect("it is read");
        let iam = sections[0].entry("iam").expect("iam");
        let nested: Vec<_> = iam
            .nested
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.as_str(), entry.line))
            .collect();
        assert_eq!(
            nested,
            [("endpoint_url", "http://h/?a=b", 3), ("K", "v", 6)]
        );
        assert!(
            sections[0]
                .entry("sts")
                .is_some_and(|entry| entry.nested.is_empty())
        );
    }

    #[test]
    fn what_python_refuses_is_refused_with_its_line() {
        for (text, says) in [
            ("a = b\n", "line 1: a setting comes before"),
            ("[s\na = b\n", "line 1: a setting comes before"),
            ("[]\n", "line 1: a setting comes before"),
            ("[s]\nab\n", "line 2: this is neither"),
            ("[s]\n[t\n", "line 2: this is neither"),
            ("[s]\n= b\n", "line 2: a setting has no name"),
            (
                "[s]\na = b\n\n[s]\n",
                "lines 1 and 4: a section is defined twice",
            ),
            (
                "[s]\na = b\nA = b\n",
                "lines 2 and 3: a setting is defined twice",
            ),
            ("[s]\na =\n  b\n", "line 3: an indented line has the form"),
            (
                "[s]\na =\n  b = c\n  b = d\n",
                "lines 3 and 4: a setting is defined twice",
            ),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.starts_with(says), "{text:?}: {said}");
        }
    }

    /// The expected words are the output of `python3 -c 'import shlex; print(shlex.split(...))'`.
    #[test]
    fn words_are_those_of_shlex() {
        for (text, expected) in [
            ("a  b\tc", Some(&["a", "b", "c"][..])),
            (
                r#"a "b c" 'd "e' f\ g"#,
                Some(&["a", "b c", "d \"e", "f g"]),
            ),
            (r#""a\"b\\c\$d\n""#, Some(&[r#"a"b\c\$d\n"#])),
            (r"'a\b'", Some(&[r"a\b"])),
            ("a'b'\"c\"", Some(&["abc"])),
            (
                "a # b; c && $d `e` ~",
                Some(&["a", "#", "b;", "c", "&&", "$d", "`e`", "~"]),
            ),
            ("'' \"\"", Some(&["", ""])),
            ("", Some(&[])),
            ("a\u{a0}b", Some(&["a\u{a0}b"])),
            ("'a", None),
            ("\"a", None),
            ("a\\", None),
            ("\"a\\", None),
        ] {
            let words = words(text);
            let words: Option<Vec<&str>> = words
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(words.as_deref(), expected, "{text}");
        }
    }
}
