//! Parsers for the values of options.

use std::ffi::OsStr;
use std::num::NonZeroUsize;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::request::between;
use crate::sanitize::Invalid;

/// The maximum number of keys in flight. Each has its own connection.
const MOST_JOBS: u64 = 256;

pub(super) fn jobs() -> impl TypedValueParser<Value = NonZeroUsize> {
    let number = between(1..=MOST_JOBS);
    number.try_map(|jobs| usize::try_from(jobs)?.try_into())
}

/// Parses an ID or a name. A secret that was typed by mistake gets a warning.
pub(super) fn typed<T: Clone + Send + Sync + 'static>(
    parse: fn(&OsStr) -> Result<T, Invalid>,
) -> impl TypedValueParser<Value = T> {
    OsStringValueParser::new().try_map(move |value| parse(&value).map_err(Invalid::typed))
}
