//! Lists of keys: each key that is read is in the list, and each error names its line.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use serde_json::Value;

use super::line::without_comment;
use super::{List, ReadOptions, keys_of, plain};
use crate::csv_line::CsvLines;
use crate::error::RunError;
use crate::fuzz::check_message;
use crate::request::{Action, Key};

const NAME: &str = "a list";

fn read(bytes: &[u8], action: Action) -> Result<List, RunError> {
    keys_of(
        Box::new(Cursor::new(bytes.to_vec())),
        NAME,
        ReadOptions {
            user_name: None,
            find_user: false,
            action,
            list_deactivated: "jq",
        },
    )
}

fn keys(list: List) -> Vec<Key> {
    list.map(|target| target.expect("it is kept").key).collect()
}

pub(crate) fn check(bytes: &[u8]) {
    check_for(Action::Delete, bytes);
    check_for(Action::Reactivate, bytes);
}

fn check_for(action: Action, bytes: &[u8]) {
    match read(bytes, action) {
        Ok(list) => {
            let len = list.len;
            let counted = len + list.repeated + list.already_done;
            let keys = keys(list);
            assert_eq!(keys.len() as u64, len);
            let ids: HashSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            assert_eq!(ids.len(), keys.len(), "a key is read twice");
            // In JSON a character may stand there by its number.
            if !bytes.contains(&b'\\') {
                let text = String::from_utf8_lossy(bytes);
                // In CSV a quote within a field is written twice, and an ID has none.
                let text = text.replace('"', "");
                assert!(ids.iter().all(|id| text.contains(id)));
            }
            if action == Action::Delete {
                check_none_lost(bytes, &ids, counted);
            }
        }
        Err(stop) => check_refusal(&stop, bytes),
    }
}

/// Finds the entries of a list again, in a simple way: each is a key that was read, or one that needs no action.
fn check_none_lost(bytes: &[u8], ids: &HashSet<&str>, counted: u64) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let is_blank = |line: &str| {
        let line = line.replace("\"\"", "");
        line.chars().all(|c| c.is_whitespace() || ",;".contains(c))
    };
    let is_comment = |line: &&str| line.trim().starts_with('#');
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(comment) = rest.strip_prefix('#') {
        let (_, after) = comment.split_once('\n').unwrap_or_default();
        rest = after.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    if rest.starts_with(['{', '[']) {
        let values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let mut entries = Vec::new();
        for value in values {
            collect(&value.expect("accepted, and not JSON"), &mut entries);
        }
        assert_eq!(entries.len() as u64, counted);
        // What a list says last about a key counts.
        let last: HashMap<&String, bool> =
            entries.iter().map(|(id, is_done)| (id, *is_done)).collect();
        for (id, is_done) in last {
            assert_eq!(ids.contains(&**id), !is_done, "{id}");
        }
        return;
    }
    let mut lines = text.split('\n').filter(|line| !is_blank(line));
    let first = lines.find(|line| !is_comment(line)).unwrap_or_default();
    let is_id = |name: &str| ["accesskeyid", "keyid"].contains(&normal(name).as_str());
    let first = without_comment(first);
    let mut delimiters = [',', '\t', ';'].into_iter();
    let delimiter = delimiters.find(|delimiter| first.trim().contains(*delimiter));
    let delimiter = delimiter.unwrap_or(',');
    if let Some(place) = first.split(delimiter).position(is_id) {
        // In a row of CSV, the first field may begin with that character.
        let rows = lines.filter(|line| !is_comment(line) || has_id(line, delimiter, place));
        return assert_eq!(rows.count() as u64, counted);
    }
    let lines = lines.filter(|line| !is_comment(line));
    let words = std::iter::once(first).chain(lines).flat_map(|line| {
        let words = line.split_whitespace();
        words.take_while(|word| !word.starts_with('#'))
    });
    let words: Vec<&str> = words.collect();
    assert!(words.iter().all(|word| ids.contains(word)));
    assert_eq!(words.len() as u64, counted);
}

fn has_id(line: &str, delimiter: char, place: usize) -> bool {
    let delimiter = u8::try_from(delimiter).expect("a delimiter");
    let fields = CsvLines::new(delimiter).fields(line).unwrap_or_default();
    fields
        .get(place)
        .is_some_and(|field| plain::id(field.trim()).is_ok())
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "")
}

/// Collects the IDs of a JSON value, and whether this program printed that nothing is left to do.
fn collect(value: &Value, entries: &mut Vec<(String, bool)>) {
    const DONE: [&str; 4] = ["Deleted", "Missing", "Skipped", "Refused"];
    match value {
        Value::String(id) => entries.push((id.clone(), false)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, entries)),
        Value::Object(_) => {
            let member = |names: &[&str]| {
                let mut members = value.as_object().into_iter().flatten();
                let found = members.find(|(name, _)| names.contains(&normal(name).as_str()));
                found.and_then(|(_, value)| value.as_str())
            };
            if let Some(id) = member(&["accesskeyid", "keyid"]) {
                let outcome = member(&["outcome"]).unwrap_or_default();
                entries.push((id.to_owned(), DONE.contains(&outcome)));
            }
            for (name, list) in value.as_object().into_iter().flatten() {
                if ["accesskeymetadata", "accesskey"].contains(&normal(name).as_str()) {
                    collect(list, entries);
                }
            }
        }
        _ => panic!("accepted: {value}"),
    }
}

/// Each error names a line, by itself or below a message that counts them.
fn check_refusal(stop: &RunError, bytes: &[u8]) {
    let message = stop.to_string();
    check_message(&message, 14_000);
    let Some(errors) = message.strip_prefix("a list has ") else {
        return check_error(message.strip_prefix("a list, ").unwrap_or(&message), bytes);
    };
    let at_least = errors.starts_with("at least ");
    let count = errors
        .trim_start_matches("at least ")
        .strip_suffix(" errors");
    let count: usize = count.and_then(|count| count.parse().ok()).expect("a count");
    assert!(count > 1 && at_least == (count == 1000));
    let shown = stop.details.len().min(10);
    let more = &stop.details[shown..];
    assert_eq!(shown, count.min(10));
    assert_eq!(more.len(), usize::from(count > 10));
    for detail in &stop.details[..shown] {
        check_message(detail, 14_000);
        check_error(detail, bytes);
    }
}

fn check_error(error: &str, bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    let rest = error.strip_prefix("line ");
    let rest = rest.unwrap_or_else(|| panic!("it names no line: {error}"));
    let (line, rest) = rest
        .split_once(|c: char| !c.is_ascii_digit())
        .expect("a reason");
    let line: usize = line.parse().expect("a number");
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
    let Some(column) = rest.strip_prefix(" column ") else {
        let is_of_line = error.starts_with(&format!("line {line}: "));
        return assert!(is_of_line || rest.starts_with("has "), "{error}");
    };
    let (column, _) = column.split_once(": ").expect("a column");
    // A name in the header can begin with a colon.
    let is_name = column.is_empty() || column.chars().any(|c| c.is_ascii_alphabetic());
    assert!(is_name || column.parse::<usize>().is_ok_and(|column| column > 0));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
    use proptest::sample::select;

    use super::{check, keys, read};
    use crate::fuzz::tests::cases;
    use crate::request::Action;

    #[test]
    fn a_column_is_named_whatever_its_name() {
        check(b": \xef\xbb\xbfUser name\tAccess key ID\n\t AKIDPMS9RO4H3FEXAMPLE\n");
    }

    /// How a list is written.
    #[derive(Clone, Copy, Debug)]
    enum Form {
        Csv(char),
        Json,
        JsonLines,
    }

    #[derive(Clone, Copy, Debug)]
    struct Manner {
        form: Form,
        end: &'static str,
        is_quoted: bool,
        is_swapped: bool,
        is_numbered: bool,
        between: &'static str,
        before: &'static str,
    }

    fn manner() -> impl Strategy<Value = Manner> {
        let form = prop_oneof![
            select(vec![',', ';', '\t']).prop_map(Form::Csv),
            Just(Form::Json),
            Just(Form::JsonLines)
        ];
        let end = select(vec!["\n", "\r\n"]);
        let between = select(vec!["", "  ", "# a note, with \"quotes\""]);
        let before = select(vec!["", "\u{feff}", "\n\n", "# a note\n"]);
        (form, end, any::<[bool; 3]>(), between, before).prop_map(
            |(form, end, [is_quoted, is_swapped, is_numbered], between, before)| Manner {
                form,
                end,
                is_quoted,
                is_swapped,
                is_numbered,
                between,
                before,
            },
        )
    }

    impl Manner {
        /// Writes a line, with the field `number` before the others if lines of CSV are numbered.
        fn line(self, number: &str, id: &str, name: &str) -> String {
            let pair = self.pair(id, name);
            match self.form {
                Form::Csv(delimiter) if self.is_numbered => format!("{number}{delimiter}{pair}"),
                _ => pair,
            }
        }

        fn pair(self, id: &str, name: &str) -> String {
            let (first, second) = if self.is_swapped {
                (name, id)
            } else {
                (id, name)
            };
            match self.form {
                Form::Csv(delimiter) if self.is_quoted => {
                    format!("\"{first}\"{delimiter}\"{second}\"")
                }
                Form::Csv(delimiter) => format!("{first}{delimiter}{second}"),
                Form::Json | Form::JsonLines => {
                    format!(
                        "{{\"UserName\": \"{name}\", \"AccessKeyId\": \"{id}\", \"Other\": [{{}}]}}"
                    )
                }
            }
        }

        fn write(self, keys: &[(String, String)]) -> String {
            let rows = keys.iter().map(|(id, name)| self.line("#7", id, name));
            let rows: Vec<String> = match self.form {
                Form::Csv(_) => std::iter::once(self.line("No.", "AccessKeyId", "UserName"))
                    .chain(rows)
                    .flat_map(|row| [row, self.between.to_owned()])
                    .collect(),
                Form::Json => {
                    let rows: Vec<String> = rows.collect();
                    vec![format!(
                        "{{\"AccessKeyMetadata\": [{}]}}",
                        rows.join(self.end)
                    )]
                    .into_iter()
                    .map(|text| text.replace(&format!("}}{}{{", self.end), "},{"))
                    .collect()
                }
                Form::JsonLines => rows.collect(),
            };
            format!("{}{}", self.before, rows.join(self.end))
        }
    }

    fn key() -> impl Strategy<Value = (String, String)> {
        let id = "AKI[A-Z0-9_]{1,2}[A-Za-z0-9_]{13,30}";
        // A quoted field begins with its quote, and whitespace around a field is not part of it.
        (id, "[A-Za-z0-9_+=.@-]{1,20}").prop_map(|(id, name)| (id, name))
    }

    proptest! {
        #![proptest_config(cases(2_000))]

        #[test]
        fn the_keys_that_are_read_are_those_that_were_written(
            written in vec(key(), 0..20),
            manner in manner(),
        ) {
            let mut expected = written;
            expected.sort();
            expected.dedup_by(|one, other| one.0 == other.0);
            let text = manner.write(&expected);
            let list = read(text.as_bytes(), Action::Delete).unwrap_or_else(|stop| panic!("{stop}: {text}"));
            let found: Vec<(String, String)> = keys(list)
                .into_iter()
                .map(|key| (key.id.to_string(), key.user_name.expect("an owner").to_string()))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
