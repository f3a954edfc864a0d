//! Reads access key IDs that are separated by whitespace.

use std::ffi::OsStr;

use super::line::{Lines, column, without_comment};
use super::{Entry, InputError, KeyCollector, Position};
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::OutcomeKind;
use crate::sanitize::Invalid;

/// Reads the IDs of the line `first` and of all following lines.
pub(super) fn read(
    first: String,
    mut lines: Lines,
    keys: &mut KeyCollector<'_>,
) -> Result<(), InputError> {
    let mut line = Some(first);
    while let Some(text) = line {
        let number = lines.number;
        let words: Vec<&str> = without_comment(&text).split_whitespace().collect();
        let place = |word: &str| column(&text, word.as_ptr().addr() - text.as_ptr().addr());
        // A user name may look like an ID. Among several words, only IDs in the form that AWS generates are accepted.
        if words.len() > 1
            && let Some(other) = words.iter().find(|word| !has_aws_id_form(word))
        {
            let is_printed = words[0] == "ACCESSKEYMETADATA"
                || begins_table(&text)
                || words.iter().any(|word| OutcomeKind::parse(word).is_some());
            return Err(InputError::no_header(number, place(other), is_printed));
        }
        for word in words {
            let wrong = |reason| InputError::new(number, place(word), reason);
            keys.take(
                id(word)
                    .map(|id| Entry::with_id(id, Position::line(number)))
                    .map_err(wrong),
            )?;
        }
        line = lines.next()?;
    }
    Ok(())
}

/// Whether a table of this program begins with this line.
pub(super) fn begins_table(line: &str) -> bool {
    let account = line.strip_prefix("Account ");
    line.starts_with("ACCESS KEY ID ")
        || line.starts_with("conditions: ")
        || account.is_some_and(|id| id.starts_with(|digit: char| digit.is_ascii_digit()))
}

pub(super) fn has_aws_id_form(word: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    word.starts_with("AK") && word.bytes().all(is_allowed)
}

/// Parses an access key ID. The error is a sentence.
pub(super) fn id(word: &str) -> Result<AccessKeyId, String> {
    AccessKeyId::parse(OsStr::new(word))
        .map_err(|invalid| format!("`{}` is not an access key ID: {invalid}", invalid.value))
}

/// Parses a user name. The error is a sentence.
pub(super) fn user_name(word: &str) -> Result<UserName, String> {
    UserName::parse(OsStr::new(word)).map_err(|invalid| no_user_name(&invalid))
}

/// Parses a user name that IAM returned. It may look like a secret. The error is a sentence.
pub(super) fn name_of_iam(word: &str) -> Result<UserName, String> {
    word.parse().map_err(|invalid| no_user_name(&invalid))
}

fn no_user_name(invalid: &Invalid) -> String {
    format!("`{}` is not a user name: {invalid}", invalid.value)
}
