//! Literals in backticks, as `jmespath.py` reads them, which the AWS CLI uses.

use jmespath::{ErrorReason, Expression, JmespathError};

use super::number::FUNCTIONS;

/// The start of the parser's error for text in backticks that is not JSON.
pub(super) const NO_JSON: &str = "Unable to parse literal JSON";

/// Compiles an expression. Text in backticks that is not JSON is a string, as in the AWS CLI.
pub(super) fn compile(text: &str) -> Result<Expression<'static>, JmespathError> {
    let mut quoted = text.to_owned();
    loop {
        let error = match FUNCTIONS.compile(&quoted) {
            Ok(expression) => return Ok(expression),
            Err(error) => error,
        };
        match quote(&quoted, &error) {
            Some(more) => quoted = more,
            // The error shows the expression as it was given.
            None => {
                return Err(JmespathError {
                    expression: text.to_owned(),
                    ..error
                });
            }
        }
    }
}

/// Replaces the backticks around text that is not JSON with quotation marks, and keeps the length. `None`: the error is
/// another one, the text would need escapes, or it is JSON for Python.
fn quote(expression: &str, error: &JmespathError) -> Option<String> {
    let ErrorReason::Parse(reason) = &error.reason else {
        return None;
    };
    let (before, rest) = expression.split_at_checked(error.offset)?;
    let (text, after) = rest.strip_prefix('`')?.split_once('`')?;
    let of_python = ["NaN", "Infinity", "number out of range", "recursion limit"];
    let is_other = of_python.iter().any(|words| reason.contains(words));
    let has_escape = text.contains(|c| c < ' ' || "\\'\"".contains(c));
    let word = text.trim_start();
    let spaces = " ".repeat(text.len() - word.len());
    (reason.starts_with(NO_JSON) && !is_other && !has_escape)
        .then(|| format!("{before}{spaces}'{word}'{after}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::query::Query;

    /// The results are those of `jmespath.py` 1.1.0.
    #[test]
    fn text_in_backticks_that_is_not_json_is_text() {
        for (text, expected) in [
            ("`foo`", Some(json!("foo"))),
            ("`  foo bar `", Some(json!("foo bar "))),
            ("``", Some(json!(""))),
            ("`2026-01-01`", Some(json!("2026-01-01"))),
            ("`a@b.c`", Some(json!("a@b.c"))),
            ("`[foo]`", Some(json!("[foo]"))),
            ("`é`", Some(json!("é"))),
            ("`\"foo\"`", Some(json!("foo"))),
            ("`true`", Some(json!(true))),
            ("`True`", Some(json!("True"))),
            ("[`a`, 'b`c`d', `e`]", Some(json!(["a", "b`c`d", "e"]))),
            ("[?a==`Bob`].a", Some(json!(["Bob"]))),
            ("[?a!=`Bob` && a!=`x y`] | [0].a", Some(json!("Al"))),
            // Text with quotes, which AWS's names do not have, and what is JSON for Python.
            ("`fo\"o`", None),
            ("`it's`", None),
            ("`a\\`b`", None),
            ("`a\nb`", None),
            ("`NaN`", None),
            ("`-Infinity`", None),
            ("`1e999`", None),
        ] {
            let query = text.parse::<Query>();
            let found = query.map(|query| query.of(&json!([{ "a": "Bob" }, { "a": "Al" }])));
            assert_eq!(found.ok(), expected.map(Ok), "{text}");
        }
    }
}
