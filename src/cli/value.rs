//! Parsers for the values of options.

use std::ffi::OsStr;
use std::num::NonZeroUsize;

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::aws::accept_except;
use crate::request::{ErrorFormat, Format, between};
use crate::sanitize::Invalid;

pub(super) fn output() -> impl TypedValueParser<Value = Format> {
    let reason = "use json; each line is also valid YAML";
    accept_except(&["yaml", "yaml-stream"], reason)
}

pub(super) fn error_format() -> impl TypedValueParser<Value = ErrorFormat> {
    let reason = "errors are text or JSON: use json for programs";
    accept_except(&["yaml", "table"], reason)
}

/// The maximum number of keys in flight. Each has its own connection.
const MOST_JOBS: u64 = 256;

pub(super) fn jobs() -> impl TypedValueParser<Value = NonZeroUsize> {
    let number = between(1..=MOST_JOBS);
    number.try_map(|jobs| usize::try_from(jobs)?.try_into())
}

/// The maximum of `--max-keys`. An account has far fewer keys.
const MOST_KEYS: u64 = 1_000_000;

pub(super) fn max_keys() -> impl TypedValueParser<Value = u64> {
    between(1..=MOST_KEYS)
}

/// Parses an ID or a name. A secret that was typed by mistake gets a warning.
pub(super) fn typed<T: Clone + Send + Sync + 'static>(
    parse: fn(&OsStr) -> Result<T, Invalid>,
) -> impl TypedValueParser<Value = T> {
    OsStringValueParser::new().try_map(move |value| parse(&value).map_err(Invalid::typed))
}
