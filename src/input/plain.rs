//! One access key ID a line.

use std::ffi::OsStr;

use super::line::{Line, Lines, column};
use super::{Found, Problem, Visit};
use crate::ident::{AccessKeyId, UserName};

/// Reads IDs, one a line, the first of them in `first`.
pub(super) fn read(first: Line, mut lines: Lines, visit: &mut Visit<'_>) -> Result<(), Problem> {
    let mut line = Some(first);
    while let Some(Line { text, number }) = line {
        let id = id(&text, text.trim(), number)?;
        visit(Found {
            id,
            user_name: None,
            outcome: None,
            action: None,
            line: number,
            gap: None,
        })?;
        line = lines.next()?;
    }
    Ok(())
}

/// The ID that `word` is, a part of the line `text`.
pub(super) fn id(text: &str, word: &str, line: u64) -> Result<AccessKeyId, Problem> {
    AccessKeyId::parse(OsStr::new(word)).map_err(|invalid| {
        let what = format!("`{}` is no access key ID: {invalid}", invalid.shown);
        Problem::new(line, column(text, offset(text, word)), what)
    })
}

/// The user name that `word` is, a part of the line `text`.
pub(super) fn user_name(text: &str, word: &str, line: u64) -> Result<UserName, Problem> {
    UserName::parse(OsStr::new(word)).map_err(|invalid| {
        let what = format!("`{}` is no user name: {invalid}", invalid.shown);
        Problem::new(line, column(text, offset(text, word)), what)
    })
}

/// Where a word begins in its line; 0 where it stands in the line only in quotes.
fn offset(text: &str, word: &str) -> usize {
    text.find(word).unwrap_or_default()
}
