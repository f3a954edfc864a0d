//! The values of options: the words that some take, and how the others are parsed.

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

/// The most keys under way at a time: each has a connection of its own.
const MOST_JOBS: u64 = 256;

pub(super) fn jobs() -> impl TypedValueParser<Value = NonZeroUsize> {
    let number = between(1..=MOST_JOBS);
    number.try_map(|jobs| usize::try_from(jobs)?.try_into())
}

/// The most keys that a run may match; the quota of users of an account is far lower.
const MOST_KEYS: u64 = 1_000_000;

pub(super) fn max_keys() -> impl TypedValueParser<Value = u64> {
    between(1..=MOST_KEYS)
}

/// An ID or a name as a user types it.
pub(super) fn typed<T: Clone + Send + Sync + 'static>(
    parse: fn(&OsStr) -> Result<T, Invalid>,
) -> impl TypedValueParser<Value = T> {
    OsStringValueParser::new().try_map(move |value| parse(&value).map_err(Invalid::typed))
}
