//! The values of options: the words that some take, and how the others are parsed.

use std::ffi::OsStr;
use std::num::NonZeroUsize;

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::aws::but;
use crate::request::{ErrorFormat, Format};
use crate::sanitize::Invalid;

pub(super) fn output() -> impl TypedValueParser<Value = Format> {
    let reason = "YAML is not written: use json, each line of which is YAML too";
    but(&["yaml", "yaml-stream"], reason)
}

pub(super) fn error_format() -> impl TypedValueParser<Value = ErrorFormat> {
    let reason = "errors are written as text or json only: use json for programs";
    but(&["yaml", "table"], reason)
}

/// The most keys under way at a time: each has a connection of its own.
const MOST_JOBS: usize = 256;

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= MOST_JOBS => Ok(jobs),
        _ => Err(format!("a number from 1 to {MOST_JOBS}")),
    }
}

/// An ID or a name as somebody types it.
pub(super) fn typed<T: Clone + Send + Sync + 'static>(
    parse: fn(&OsStr) -> Result<T, Invalid>,
) -> impl TypedValueParser<Value = T> {
    OsStringValueParser::new().try_map(move |value| parse(&value).map_err(Invalid::typed))
}
