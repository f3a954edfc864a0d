//! The functions of `JMESPath` that return numbers, with the results of `jmespath.py`, which the AWS CLI uses.

use std::sync::LazyLock;

use jmespath::functions::Function;
use jmespath::{Context, Rcvar, Runtime, SearchResult, Variable};
use serde_json::Number;

/// All functions of `JMESPath`.
pub(super) static FUNCTIONS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut functions = Runtime::new();
    functions.register_builtin_functions();
    for name in ["abs", "avg", "ceil", "floor", "sum", "to_number"] {
        if let Some(builtin) = functions.deregister_function(name) {
            let numeric = move |args: &[Rcvar], context: &mut Context<'_>| {
                evaluate(name, &*builtin, args, context)
            };
            functions.register_function(name, Box::new(numeric));
        }
    }
    functions
});

/// Calls a function of the library, which calculates with floating-point numbers only.
fn evaluate(
    name: &str,
    builtin: &dyn Function,
    args: &[Rcvar],
    context: &mut Context<'_>,
) -> SearchResult {
    let null = Rcvar::new(Variable::Null);
    let found = match (name, args) {
        ("avg", [list]) if list.as_array().is_some_and(Vec::is_empty) => return Ok(null),
        ("to_number", [text]) if let Some(text) = text.as_string() => {
            let number = text.trim().parse().ok().and_then(Number::from_f64);
            let whole = text.trim().parse::<i64>().map(Number::from).ok();
            let number = whole.or(number).map(Variable::Number);
            return Ok(number.map_or(null, Rcvar::new));
        }
        _ => builtin.evaluate(args, context)?,
    };
    let is_whole = match name {
        "ceil" | "floor" => true,
        "abs" | "sum" => !args.iter().any(has_fraction),
        _ => false,
    };
    let whole = found.as_number().filter(|_| is_whole);
    let whole = whole.and_then(|number| number.to_string().parse::<i64>().ok());
    Ok(whole.map_or(found, |whole| Rcvar::new(Variable::Number(whole.into()))))
}

/// Whether a value, or one in its list, is a floating-point number.
fn has_fraction(value: &Rcvar) -> bool {
    match &**value {
        Variable::Number(number) => number.is_f64(),
        Variable::Array(values) => values.iter().any(has_fraction),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::query::Query;

    /// The results are those of `jmespath.py` 1.1.0.
    #[test]
    fn numbers_are_as_the_aws_cli_prints_them() {
        for (expression, expected) in [
            ("abs(`-1`)", "1"),
            ("abs(HTTPStatusCode)", "200"),
            ("abs(`-1.0`)", "1.0"),
            ("abs(`-1.5`)", "1.5"),
            ("ceil(`1`)", "1"),
            ("ceil(`1.2`)", "2"),
            ("ceil(`-0.5`)", "0"),
            ("floor(`1.7`)", "1"),
            ("floor(`2.0`)", "2"),
            ("sum(`[]`)", "0"),
            ("sum(`[1, 2]`)", "3"),
            ("sum(`[1, 2.0]`)", "3.0"),
            ("sum(`[0.5, 0.5]`)", "1.0"),
            ("avg(`[1, 3]`)", "2.0"),
            ("avg(`[1, 2]`)", "1.5"),
            ("avg(`[]`)", "null"),
            ("max(`[1, 2]`)", "2"),
            ("max(`[1.0, 0]`)", "1.0"),
            ("min(`[1, 2]`)", "1"),
            ("min(`[1.5, 2]`)", "1.5"),
            ("max(`[]`)", "null"),
            ("to_number('1')", "1"),
            ("to_number(' +01 ')", "1"),
            ("to_number('1.0')", "1.0"),
            ("to_number('1e2')", "100.0"),
            ("to_number('one')", "null"),
            ("to_number('true')", "null"),
            ("to_number('[1]')", "null"),
            ("to_number(`true`)", "null"),
            ("to_number(`2`)", "2"),
            ("to_string(abs(`-1`))", "\"1\""),
            ("length('abc')", "3"),
        ] {
            let query: Query = expression.parse().expect(expression);
            let found = query.of(&json!({ "HTTPStatusCode": 200 }));
            assert_eq!(
                found.expect(expression).to_string(),
                expected,
                "{expression}"
            );
        }
    }
}
