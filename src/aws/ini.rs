//! Parses AWS configuration files like AWS CLI version 2, which uses Python's `RawConfigParser` and `shlex`. Keeps the
//! line of each setting.

use std::collections::HashMap;

use super::setting::Setting;
use crate::sanitize::escape;

/// A section of a file.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// The type: `profile`, `sso-session` or `services`. Empty if the section is not used.
    pub(super) kind: &'static str,
    /// The name without quotes, or the header of a section that is not used.
    pub(super) name: String,
    /// The names and the trimmed values in order, each name once. A name is in lowercase. That of a nested setting keeps its
    /// case, and follows the name of its block and a line feed. A continued value has several lines.
    pub(super) settings: Vec<(String, Setting)>,
}

/// The line on which each name in each section was first defined. The names of sections are in section 0.
type Defined = HashMap<(usize, String), usize>;

impl Section {
    fn new(
        header: &str,
        name_of: fn(&str) -> (&'static str, String),
        defined: &mut Defined,
        line: usize,
    ) -> Result<Self, String> {
        define(defined, (0, header), line, "a section")?;
        if header == "DEFAULT" {
            return Err(format!(
                "line {line}: [DEFAULT] would add to every section; the default profile is [default]"
            ));
        }
        let (kind, name) = name_of(header);
        if !kind.is_empty() {
            let what = format!("the {kind} `{}`", escape(&name));
            define(defined, (0, &format!("{kind}\n{name}")), line, &what)?;
        }
        Ok(Self {
            kind,
            name,
            settings: Vec::new(),
        })
    }

    /// Returns a setting, even if it is empty.
    pub(super) fn set(&self, name: &str) -> Option<Setting> {
        let mut settings = self.settings.iter();
        let (_, setting) = settings.find(|(known, _)| known == name)?;
        Some(setting.clone())
    }

    /// Returns a setting. `None`: it is not set or empty.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.set(name).filter(|setting| !setting.value.is_empty())
    }

    fn add(&mut self, block: &str, name: &str, value: &str, place: String) {
        let source = format!(
            "`{}` of {} `{}`",
            escape(name),
            self.kind,
            escape(&self.name)
        );
        let setting = Setting {
            value: strip(value).to_owned(),
            source,
            place: Some(place),
        };
        self.settings.push((format!("{block}{name}"), setting));
    }
}

/// Parses `file`. `name_of` returns the kind and the name of a section from its header.
///
/// # Errors
///
/// The AWS CLI rejects the file too, or a section is ambiguous. The error is a fragment with the line that does not quote
/// the file.
pub(super) fn parse(
    text: &str,
    file: &str,
    name_of: fn(&str) -> (&'static str, String),
) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    let mut defined = Defined::default();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // The indentation of the last setting or header.
    let mut indent = 0;
    // The place of the last setting that is not nested in its section.
    let mut last = None::<usize>;
    for (line, raw) in (1..).zip(text.split('\n')) {
        let stripped = strip(raw);
        if stripped.starts_with(['#', ';']) {
            continue;
        }
        let place = || format!("line {line} of {file}");
        let depth = raw.chars().take_while(|c| is_space(*c)).count();
        let number = sections.len();
        if let Some(section) = sections.last_mut()
            && let Some(last) = last
            && let Some((name, setting)) = section.settings.get_mut(last)
            && (stripped.is_empty() || depth > indent)
        {
            let is_block = setting.value.is_empty() || setting.value.starts_with('\n');
            let block = format!("{name}\n");
            setting.value.push('\n');
            setting.value.push_str(stripped);
            // If nothing follows the `=` of a setting, it is a block of nested settings.
            if is_block && !stripped.is_empty() {
                let (name, value) = stripped.split_once('=').ok_or_else(|| {
                    format!("line {line}: an indented line has the form `name = value`")
                })?;
                let name = named(name, line)?;
                define(
                    &mut defined,
                    (number, &format!("{block}{name}")),
                    line,
                    "a setting",
                )?;
                section.add(&block, name, value, place());
            }
            continue;
        }
        if stripped.is_empty() {
            continue;
        }
        indent = depth;
        if let Some(header) = header(stripped) {
            sections.push(Section::new(header, name_of, &mut defined, line)?);
            last = None;
            continue;
        }
        let section = sections
            .last_mut()
            .ok_or_else(|| format!("line {line}: a setting comes before the first [section]"))?;
        let (name, value) = stripped
            .split_once(['=', ':'])
            .ok_or_else(|| format!("line {line}: this is neither a [section] nor a setting"))?;
        let name = named(name, line)?.to_lowercase();
        last = Some(section.settings.len());
        define(&mut defined, (number, &name), line, "a setting")?;
        section.add("", &name, value, place());
    }
    for (_, setting) in sections
        .iter_mut()
        .flat_map(|section| &mut section.settings)
    {
        let length = setting.value.trim_end_matches(is_space).len();
        setting.value.truncate(length);
    }
    Ok(sections)
}

fn define(
    defined: &mut Defined,
    (section, name): (usize, &str),
    line: usize,
    what: &str,
) -> Result<(), String> {
    match defined.insert((section, name.to_owned()), line) {
        None => Ok(()),
        Some(first) => Err(format!("lines {first} and {line}: {what} is defined twice")),
    }
}

fn named(name: &str, line: usize) -> Result<&str, String> {
    let name = Some(strip(name)).filter(|name| !name.is_empty());
    name.ok_or_else(|| format!("line {line}: a setting has no name"))
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
/// not closed, or the line ends with a backslash.
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

    fn parse_it(text: &str) -> Result<Vec<Section>, String> {
        parse(text, "a file", |header| ("", header.to_owned()))
    }

    fn read(text: &str) -> Vec<(String, String, String)> {
        let sections = parse_it(text).expect("it is read");
        let settings = sections.into_iter().flat_map(|section| section.settings);
        let rows = settings.map(|(name, setting)| {
            let place = setting.place.expect("a place");
            (name, setting.value, place)
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
            let found = (
                name.to_owned(),
                value.to_owned(),
                format!("line {line} of a file"),
            );
            assert!(rows.contains(&found), "{text:?}: {rows:?}");
        }
    }

    #[test]
    fn an_indented_block_has_settings_of_its_own() {
        let rows =
            read("[services x]\niam =\n  endpoint_url = http://h/?a=b\n\n  # c\n  K=v\nsts = y\n");
        let nested = rows.iter().filter(|(name, ..)| name != "iam");
        let nested: Vec<_> = nested
            .map(|(name, value, place)| (name.as_str(), value.as_str(), place.as_str()))
            .collect();
        assert_eq!(
            nested,
            [
                ("iam\nendpoint_url", "http://h/?a=b", "line 3 of a file"),
                ("iam\nK", "v", "line 6 of a file"),
                ("sts", "y", "line 7 of a file"),
            ]
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
            ("[s]\na =\n  = b\n", "line 3: a setting has no name"),
            (
                "[s]\na =\n  b = c\n  b = d\n",
                "lines 3 and 4: a setting is defined twice",
            ),
        ] {
            let said = parse_it(text).expect_err(text);
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
