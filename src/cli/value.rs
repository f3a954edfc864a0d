//! The values of options: the words that some take, and how the others are parsed.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser};

use super::aws::but;
use crate::ident::{AccessKeyId, UserName};
use crate::invalid::Invalid;

/// What standard output gets.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
pub(super) enum OutputArg {
    /// One JSON object a line
    Json,
    /// Columns between tabs, for cut: AccessKeyId, UserName, Outcome, error code, Status, CreateDate,
    /// LastUsedDate, LastUsedService, LastUsedRegion, AccountId, Reason
    Text,
    /// A table for people, with ages
    Table,
    /// Nothing
    Off,
    #[value(hide = true)]
    Yaml,
    #[value(hide = true)]
    YamlStream,
}

/// What standard error gets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ErrorFormatArg {
    /// Lines for people, with the AWS CLI's sentence
    #[value(alias = "legacy", alias = "enhanced")]
    Text,
    /// One JSON object a line
    Json,
    #[value(hide = true)]
    Yaml,
    #[value(hide = true)]
    Table,
}

pub(super) fn output() -> ValueParser {
    but(|output| match output {
        OutputArg::Yaml | OutputArg::YamlStream => {
            Some("YAML is not written: use json, each line of which is YAML too")
        }
        OutputArg::Json | OutputArg::Text | OutputArg::Table | OutputArg::Off => None,
    })
}

pub(super) fn error_format() -> ValueParser {
    but(|format| match format {
        ErrorFormatArg::Yaml | ErrorFormatArg::Table => {
            Some("errors are written as text or json only: use json for programs")
        }
        ErrorFormatArg::Text | ErrorFormatArg::Json => None,
    })
}

/// When messages are coloured.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the comments are the help, which shows backticks"
)]
pub(super) enum ColorArg {
    /// Always
    On,
    /// Never
    Off,
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
}

/// The most keys under way at a time: each has a connection of its own.
const MOST_JOBS: usize = 256;

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= MOST_JOBS => Ok(jobs),
        _ => Err(format!("a number from 1 to {MOST_JOBS}")),
    }
}

pub(super) fn access_key_id() -> ValueParser {
    ValueParser::new(
        OsStringValueParser::new()
            .try_map(|value| AccessKeyId::parse(&value).map_err(Invalid::typed)),
    )
}

pub(super) fn user_name() -> ValueParser {
    ValueParser::new(
        OsStringValueParser::new().try_map(|value| UserName::parse(&value).map_err(Invalid::typed)),
    )
}
