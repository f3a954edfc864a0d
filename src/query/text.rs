//! The result of `--query` as text, in the rows that the AWS CLI prints with `--output text`.

use std::collections::BTreeSet;
use std::slice;

use serde_json::{Map, Value};

use crate::sanitize::escape;

/// Returns the rows of a value, each with a line break. Empty lists and objects have none.
pub(crate) fn rows(value: &Value) -> String {
    let mut rows = String::new();
    push(&mut rows, value, None);
    rows
}

/// `label` is the name of the member that the value is, or is in.
fn push(rows: &mut String, value: &Value, label: Option<&str>) {
    match value {
        Value::Array(values) if values.iter().any(Value::is_object) => {
            push_objects(rows, values, label);
        }
        Value::Array(values) => push_list(rows, values, label),
        Value::Object(_) => push_objects(rows, slice::from_ref(value), label),
        scalar => push_row(rows, None, vec![cell(scalar)]),
    }
}

/// Appends the scalars of a list without objects, and then the lists in it.
fn push_list(rows: &mut String, values: &[Value], label: Option<&str>) {
    let (lists, scalars): (Vec<_>, Vec<_>) = values.iter().partition(|value| value.is_array());
    let cells = scalars.into_iter().map(cell);
    if label.is_some() {
        cells.for_each(|cell| push_row(rows, label, vec![cell]));
    } else {
        push_row(rows, None, cells.collect());
    }
    for list in lists {
        push(rows, list, label);
    }
}

/// Appends a row for each object of a list, and then the members that are lists or objects. The rows have the same columns.
fn push_objects(rows: &mut String, values: &[Value], label: Option<&str>) {
    let members = values.iter().filter_map(Value::as_object).flatten();
    let scalars = members.filter(|(_, value)| !value.is_array() && !value.is_object());
    let columns: BTreeSet<&String> = scalars.map(|(name, _)| name).collect();
    for value in values {
        let Value::Object(members) = value else {
            push(rows, value, label);
            continue;
        };
        let cell_of = |name: &&String| members.get(*name).map(cell).unwrap_or_default();
        push_row(rows, label, columns.iter().map(cell_of).collect());
        for (name, value) in sorted(members) {
            if !columns.contains(name) {
                push(rows, value, Some(name));
            }
        }
    }
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    members
}

fn push_row(rows: &mut String, label: Option<&str>, mut cells: Vec<String>) {
    if cells.is_empty() {
        return;
    }
    if let Some(label) = label {
        cells.insert(0, escape(&label.to_uppercase()));
    }
    rows.push_str(&cells.join("\t"));
    rows.push('\n');
}

/// Spells values as Python does. A list or an object in a column of scalars is JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_the_aws_cli_prints_it() {
        for (json, expected) in [
            (r#""AKIA""#, "AKIA\n"),
            (r#""""#, "\n"),
            ("null", "None\n"),
            ("true", "True\n"),
            ("[]", ""),
            ("[[]]", ""),
            ("{}", ""),
            ("[{}]", ""),
            (r#"{"a": [], "b": {}}"#, ""),
            (r#"["a", 1, null, false]"#, "a\t1\tNone\tFalse\n"),
            (r#"[""]"#, "\n"),
            (r#"{"b": "2", "a": "1"}"#, "1\t2\n"),
            (r#"[["a", "b"], ["c"]]"#, "a\tb\nc\n"),
            (r#"[[["a"], "b"], "c", [], "d"]"#, "c\td\nb\na\n"),
            (
                r#"[{"b": 2, "a": 1}, {"a": 3, "b": null}]"#,
                "1\t2\n3\tNone\n",
            ),
            (
                r#"[{"a": 1}, {"b": 2}, {"c": [3]}]"#,
                "1\t\n\t2\n\t\nC\t3\n",
            ),
            (r#"[["a"], [{"b": 1}, {"c": 2}]]"#, "a\n1\t\n\t2\n"),
            (r#"{"b": 1, "a": {"d": 2, "c": 3}}"#, "1\nA\t3\t2\n"),
            (r#"{"b": [1, 2], "a": [], "c": "x"}"#, "x\nB\t1\nB\t2\n"),
            (r#"{"b": [[1, 2], [3], 4]}"#, "B\t4\nB\t1\nB\t2\nB\t3\n"),
            (
                r#"{"keys": [{"id": "A", "tags": [{"v": 1, "k": 2}]}, {"id": "B", "tags": []}]}"#,
                "KEYS\tA\nTAGS\t2\t1\nKEYS\tB\n",
            ),
            (r#"{"b": {"a": {"c": null}}}"#, "A\tNone\n"),
            (r#"[{"a": "x"}, {"a": [1]}]"#, "x\n[1]\n"),
        ] {
            assert_eq!(rows_of(json), expected, "{json}");
        }
    }

    /// The AWS CLI fails on objects beside other values, and does not escape.
    #[test]
    fn text_that_the_aws_cli_does_not_print() {
        for (json, expected) in [
            (r#"["a", {"b": [1]}]"#, "a\nB\t1\n"),
            (r#"{"b": [{"c": 1}, [2, 3]]}"#, "B\t1\nB\t2\nB\t3\n"),
            (r#"["a\tb\nc"]"#, "a\\u{9}b\\u{a}c\n"),
            (r#"{"a\tb": [1]}"#, "A\\u{9}B\t1\n"),
        ] {
            assert_eq!(rows_of(json), expected, "{json}");
        }
    }

    fn rows_of(json: &str) -> String {
        rows(&serde_json::from_str(json).expect(json))
    }
}
