//! `--query`: an expression of `JMESPath`, parsed once, and what it makes of a result.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use jmespath::ast::Ast;
use jmespath::{ErrorReason, Expression, JmespathError, RuntimeError};
use serde_json::{Value, json};

use crate::sanitize::{Invalid, escape};
use crate::secret::has_secret;

/// The longest expression that is read, in bytes: the parser goes as deep as its parentheses.
const MAX_BYTES: usize = 1_000;

/// How many times its input a result may be at most. A few nested lists make gigabytes of one key.
const LARGEST: u64 = 10_000;

/// An expression that could be parsed and calls no function that there is not.
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
        // A text in a query is printed as it is.
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
        if growth(query.0.as_ast()) > LARGEST {
            return refuse("its result could be too large".to_owned());
        }
        // The parser takes a call of any function with any arguments; a first result tells.
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
    /// What the expression makes of a result.
    ///
    /// # Errors
    ///
    /// The result has not the types that the expression's functions ask for; a fragment says what is wrong.
    pub(crate) fn of(&self, result: &Value) -> Result<Value, String> {
        let found = self
            .0
            .search(result)
            .map_err(|error| describe_error(&error))?;
        serde_json::to_value(&*found).map_err(|error| error.to_string())
    }
}

/// A value as the AWS CLI prints it with `--output text`: a list or an object in one line between tabs, an object's
/// values in the order of their names. What stands inside of these is JSON.
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

/// As Python spells them.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

/// How many times its input the result of an expression is at most.
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

/// Whether the expression is wrong whatever the result.
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

/// What is wrong, and in which column, without the expression itself.
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
