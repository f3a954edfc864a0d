//! `--query`: a `JMESPath` expression that is parsed once and applied to results.

mod literal;
mod number;
mod text;

use std::ffi::OsStr;
use std::str::FromStr;

use jmespath::ast::Ast;
use jmespath::{ErrorReason, Expression, JmespathError, RuntimeError, Variable};
use serde_json::{Value, json};

use crate::sanitize::{Invalid, escape, truncate_escaped};
use crate::secret::has_secret;

pub(crate) use text::rows;

/// The maximum length of an expression, in bytes. The parser recurses into parentheses.
const MAX_BYTES: usize = 1_000;

/// The maximum size of a result relative to its input. A few nested lists could turn one key into gigabytes.
const MAX_GROWTH: u64 = 10_000;

/// Why `&name` cannot be printed.
const UNUSED: &str = "`&` is only for an argument of a function, such as sort_by(@, &name)";

/// A valid expression that calls only existing functions.
#[derive(Clone, Debug)]
pub(crate) struct Query(Expression<'static>);

impl FromStr for Query {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: String| Err(Invalid::new(OsStr::new(text), reason));
        if text.trim().is_empty() {
            return refuse("not a JMESPath expression: it is empty".to_owned());
        }
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
        let query = match literal::compile(text) {
            Ok(expression) => Self(expression),
            Err(error) => return refuse(invalid(&error)),
        };
        if growth(query.0.as_ast()) > MAX_GROWTH {
            return refuse("its result could be too large".to_owned());
        }
        // The parser accepts unknown functions and wrong arguments. Evaluating the expression once finds them.
        match query.0.search(json!({ "ResponseMetadata": {} })) {
            Err(error) if is_expression_error(&error) => refuse(invalid(&error)),
            Ok(found) if has_expression(&found) => {
                refuse(format!("not a JMESPath expression: {UNUSED}"))
            }
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
        if has_expression(&found) {
            return Err(UNUSED.to_owned());
        }
        serde_json::to_value(&*found).map_err(|error| error.to_string())
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

/// Whether a part of a result is an expression instead of a value. The parser accepts `&name` anywhere.
fn has_expression(found: &Variable) -> bool {
    match found {
        Variable::Expref(_) => true,
        Variable::Array(values) => values.iter().any(|value| has_expression(value)),
        Variable::Object(members) => members.values().any(|value| has_expression(value)),
        Variable::Null | Variable::String(_) | Variable::Bool(_) | Variable::Number(_) => false,
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

fn invalid(error: &JmespathError) -> String {
    format!("not a JMESPath expression: {}", describe_error(error))
}

/// Says what is wrong with the expression and where, without repeating more of it than a word.
fn describe_error(error: &JmespathError) -> String {
    let text = error.expression.as_str();
    let rest = text.get(error.offset..).unwrap_or_default();
    let before = text.get(..error.offset).unwrap_or_default();
    let place = format!("at character {}", before.chars().count() + 1);
    let reason = match &error.reason {
        ErrorReason::Runtime(error) => return format!("{} {place}", describe_call(error)),
        ErrorReason::Parse(reason) => reason.as_str(),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match rest.chars().next() {
        // Of a function.
        _ if reason.starts_with("Expected ") && reason.contains(" to be a valid ") => {
            "a number is too large".to_owned()
        }
        None => "it ends too early".to_owned(),
        Some(_) if reason.ends_with("-- found Eof") => "it ends too early".to_owned(),
        Some(quote) if reason.starts_with("Unclosed") => {
            format!("the {quote} {place} is never closed")
        }
        Some('`') if reason.starts_with(literal::NO_JSON) => {
            format!("the text in backticks {place} is not JSON")
        }
        Some('"') if reason.starts_with("Unable") => {
            format!("the name in double quotes {place} is not valid")
        }
        Some('=') if !rest.starts_with("==") => format!("use == instead of = {place}"),
        Some(c) if is_name(c) => {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            format!("unexpected `{}` {place}", truncate_escaped(&rest[..end]))
        }
        Some(c) => format!(
            "unexpected `{}` {place}",
            escape(c.encode_utf8(&mut [0; 4]))
        ),
    }
}

/// Describes a function call that fails.
fn describe_call(error: &RuntimeError) -> String {
    let takes = |expected: &usize, actual: &usize| {
        let arguments = if *expected == 1 {
            "argument"
        } else {
            "arguments"
        };
        format!("the function takes {expected} {arguments}, not {actual},")
    };
    match error {
        RuntimeError::InvalidSlice => "the step of a slice cannot be 0".to_owned(),
        RuntimeError::TooManyArguments { expected, actual }
        | RuntimeError::NotEnoughArguments { expected, actual } => takes(expected, actual),
        RuntimeError::UnknownFunction(name) => {
            format!("there is no function `{}`", truncate_escaped(name))
        }
        RuntimeError::InvalidType {
            expected,
            actual,
            position,
        } => format!(
            "argument {} of the function must be {}, not {actual},",
            position + 1,
            expected.replace('|', " or ")
        ),
        RuntimeError::InvalidReturnType {
            expected, actual, ..
        } => format!("the expression in the function must return {expected} and returns {actual}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_expression_is_said_in_words() {
        for (text, expected) in [
            ("", "it is empty"),
            (" ", "it is empty"),
            ("[", "it ends too early"),
            ("[?", "it ends too early"),
            ("a.", "it ends too early"),
            ("a b", "unexpected `b` at character 3"),
            ("a..b", "unexpected `.` at character 3"),
            ("a]", "unexpected `]` at character 2"),
            ("[?a=='b'", "it ends too early"),
            ("[?a='b']", "use == instead of = at character 4"),
            ("a['b", "the ' at character 3 is never closed"),
            ("\"b", "the \" at character 1 is never closed"),
            ("`it's`", "the text in backticks at character 1 is not JSON"),
            ("a `1`", "unexpected ``` at character 3"),
            ("a `b`", "unexpected ``` at character 3"),
            ("`b`.%", "unexpected `%` at character 5"),
            (
                "\"\\x\"",
                "the name in double quotes at character 1 is not valid",
            ),
            ("a.%", "unexpected `%` at character 3"),
            ("'é'.%", "unexpected `%` at character 5"),
            ("a\u{1b}", "unexpected `\\u{1b}` at character 2"),
            ("a[99999999999]", "unexpected `99999999999` at character 3"),
            ("nosuch(@)", "there is no function `nosuch` at character 7"),
            (
                "length()",
                "the function takes 1 argument, not 0, at character 7",
            ),
            (
                "join(@)",
                "the function takes 2 arguments, not 1, at character 5",
            ),
            ("a[::0]", "the step of a slice cannot be 0 at character 6"),
        ] {
            let refused = text.parse::<Query>().expect_err(text);
            let expected = format!("not a JMESPath expression: {expected}");
            assert_eq!(refused.to_string(), expected, "{text}");
        }
        let query: Query = "length(AccessKeyId)".parse().expect("an expression");
        let refused = query
            .of(&json!({ "AccessKeyId": 1 }))
            .expect_err("a number");
        assert_eq!(
            refused,
            "argument 1 of the function must be array or object or string, not number, at character 7"
        );
    }

    #[test]
    fn an_expression_is_refused_before_it_is_needed() {
        for wrong in [
            "",
            "[",
            "nosuch(@)",
            "length()",
            "length(@, @)",
            "a[::0]",
            "&a",
            "{a: [&a]}",
        ] {
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
