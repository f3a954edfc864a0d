//! `--query`: a `JMESPath` expression that is parsed once and applied to results.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use jmespath::ast::Ast;
use jmespath::{ErrorReason, Expression, JmespathError, RuntimeError};
use serde_json::{Value, json};

use crate::sanitize::{Invalid, escape};
use crate::secret::has_secret;

/// The maximum length of an expression, in bytes. The parser recurses into parentheses.
const MAX_BYTES: usize = 1_000;

/// The maximum size of a result relative to its input. A few nested lists could turn one key into gigabytes.
const MAX_GROWTH: u64 = 10_000;

/// A valid expression that calls only existing functions.
#[derive(Clone)]
pub(crate) struct Query(Expression<'static>);

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Query").field(&self.0.as_str()).finish()
    }
}

impl FromStr for Query {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: String| Err(Invalid::new(OsStr::new(text), reason));
        if text.len() > MAX_BYTES {
            return refuse(format!(
                "it has {} bytes; an expression has at most {MAX_BYTES}",
                text.len()
            ));
        }
        // An error prints the text of a query.
        if has_secret(text) {
            return Err(Invalid::secret(text).typed());
        }
        let query = match jmespath::compile(text) {
            Ok(expression) => Self(expression),
            Err(error) => {
                return refuse(format!(
                    "not a JMESPath expression: {}",
                    describe_error(&error)
                ));
            }
        };
        if growth(query.0.as_ast()) > MAX_GROWTH {
            return refuse("its result could be too large".to_owned());
        }
        // The parser accepts unknown functions and wrong arguments. Evaluating the expression once finds them.
        match query.0.search(json!({ "ResponseMetadata": {} })) {
            Err(error) if is_expression_error(&error) => refuse(format!(
                "not a JMESPath expression: {}",
                describe_error(&error)
            )),
            Ok(_) | Err(_) => Ok(query),
        }
    }
}

impl Query {
    /// Applies the expression to a result.
    ///
    /// # Errors
    ///
    /// The result does not have the types that the functions require. The error is a fragment.
    pub(crate) fn of(&self, result: &Value) -> Result<Value, String> {
        let found = self
            .0
            .search(result)
            .map_err(|error| describe_error(&error))?;
        serde_json::to_value(&*found).map_err(|error| error.to_string())
    }
}

/// Formats a value like the AWS CLI with `--output text`: a list or an object is one line of tab-separated values, and
/// the values of an object are sorted by name. Nested values are JSON.
pub(crate) fn columns(value: &Value) -> String {
    let cells: Vec<String> = match value {
        Value::Array(values) => values.iter().map(cell).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(_, value)| cell(value)).collect()
        }
        scalar => vec![cell(scalar)],
    };
    cells.join("\t")
}

/// Spells values as Python does.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

/// Returns the maximum size of the expression's result relative to its input.
fn growth(ast: &Ast) -> u64 {
    let sum = |parts: &[Ast]| parts.iter().map(growth).fold(0, u64::saturating_add);
    match ast {
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Slice { .. }
        | Ast::Literal { .. } => 1,
        Ast::Not { node, .. } | Ast::Flatten { node, .. } | Ast::ObjectValues { node, .. } => {
            growth(node)
        }
        Ast::Expref { ast, .. } => growth(ast),
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            growth(lhs).saturating_add(growth(rhs))
        }
        Ast::Condition {
            predicate, then, ..
        } => growth(predicate).saturating_add(growth(then)),
        Ast::Subexpr { lhs, rhs, .. } | Ast::Projection { lhs, rhs, .. } => {
            growth(lhs).saturating_mul(growth(rhs))
        }
        Ast::MultiList { elements, .. } => sum(elements),
        Ast::MultiHash { elements, .. } => elements
            .iter()
            .map(|pair| growth(&pair.value))
            .fold(0, u64::saturating_add),
        // `to_string` escapes quotes, `map` applies an expression to each element, and `merge` adds.
        Ast::Function { args, .. } => {
            let factors = args.iter().map(|part| growth(part).max(2));
            factors.fold(2, u64::saturating_mul)
        }
    }
}

/// Whether the expression is invalid for every result.
fn is_expression_error(error: &JmespathError) -> bool {
    match &error.reason {
        ErrorReason::Parse(_) => true,
        ErrorReason::Runtime(error) => matches!(
            error,
            RuntimeError::UnknownFunction(_)
                | RuntimeError::TooManyArguments { .. }
                | RuntimeError::NotEnoughArguments { .. }
                | RuntimeError::InvalidSlice
        ),
    }
}

/// Describes the error and its column without repeating the expression.
fn describe_error(error: &JmespathError) -> String {
    let reason = match &error.reason {
        ErrorReason::Parse(reason) => reason.trim().to_owned(),
        ErrorReason::Runtime(reason) => reason.to_string(),
    };
    let mut reason = escape(&reason);
    if let Some(first) = reason.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    format!("{reason} (column {})", error.column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_the_aws_cli_prints_it() {
        assert_eq!(columns(&json!("AKIA")), "AKIA");
        assert_eq!(columns(&json!(null)), "None");
        assert_eq!(columns(&json!(true)), "True");
        assert_eq!(columns(&json!(["a", 1, null])), "a\t1\tNone");
        assert_eq!(columns(&json!({ "b": "2", "a": "1" })), "1\t2");
        assert_eq!(columns(&json!(["a", { "b": [1] }])), "a\t{\"b\":[1]}");
        assert_eq!(columns(&json!(["a\tb\nc"])), "a\\u{9}b\\u{a}c");
    }

    #[test]
    fn an_expression_is_refused_before_it_is_needed() {
        for wrong in ["", "[", "nosuch(@)", "length()", "length(@, @)", "a[::0]"] {
            assert!(wrong.parse::<Query>().is_err(), "{wrong}");
        }
        for deep in ["(", "[", "{a:", "!"] {
            let deep = deep.repeat(MAX_BYTES / deep.len());
            assert!(deep.parse::<Query>().is_err());
        }
        for large in [
            ["[@,@]"; 24].join("|"),
            ["{a:@,b:@}"; 24].join("."),
            format!("{}@{}", "to_string([".repeat(40), "])".repeat(40)),
            format!("[@,@,@,@]|[].{}", ["[@,@,@,@,@,@,@,@,@,@]"; 4].join("[].")),
        ] {
            let refused = large.parse::<Query>().expect_err("too large");
            assert!(refused.to_string().contains("too large"), "{refused}");
        }
        let text =
            "[join(', ', [AccessKeyId, UserName]), to_string(not_null(Error.Code, Reason, ''))]";
        assert!(text.parse::<Query>().is_ok());
        for right in ["@", "AccessKeyId", "{a: AccessKeyId}", "length(UserName)"] {
            assert!(right.parse::<Query>().is_ok(), "{right}");
        }
    }
}
