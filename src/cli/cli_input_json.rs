//! `--cli-input-json`: the members of the API request as JSON, in the argument or in a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::blocking::run_blocking_early;
use crate::error::RunError;
use crate::ident::{AccessKeyId, UserName};
use crate::sanitize::{Invalid, display_value, truncate_escaped};

/// The maximum size of the JSON, in bytes.
const MAX_BYTES: u64 = 1 << 16;

/// The members, unchecked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(rename = "UserName", default, deserialize_with = "given")]
    user_name: Option<Value>,
    #[serde(rename = "AccessKeyId", default, deserialize_with = "given")]
    access_key_id: Option<Value>,
}

/// Keeps a member that is `null`, so that it is an error.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Parses the argument, which must be text.
pub(super) fn argument() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().try_map(|value| {
        let text = value.into_string();
        text.map_err(|value| Invalid::new(&value, "it is not UTF-8"))
    })
}

/// Returns the JSON of an argument, which may name a file as in the AWS CLI, or a sentence that says why the file cannot be
/// read.
///
/// # Errors
///
/// A signal arrived before the file was read. The file may be a pipe.
pub(super) fn text(argument: &str) -> Result<Result<String, String>, RunError> {
    let mut prefixes = ["file://", "fileb://"].into_iter();
    match prefixes.find_map(|prefix| argument.strip_prefix(prefix)) {
        None => Ok(Ok(argument.to_owned())),
        Some(path) => {
            let path = PathBuf::from(path);
            run_blocking_early(move || read(&path))
        }
    }
}

/// Adds the members that no option gives. Members that an option overrides are not checked.
///
/// # Errors
///
/// The text is not the JSON of a request, or a member is invalid. The error is a sentence.
pub(super) fn fill(
    text: &str,
    ids: &mut Vec<AccessKeyId>,
    user_name: &mut Option<UserName>,
) -> Result<(), String> {
    let members = members(text)?;
    if ids.is_empty()
        && let Some(value) = &members.access_key_id
    {
        ids.push(parsed("AccessKeyId", value, AccessKeyId::parse)?);
    }
    if user_name.is_none()
        && let Some(value) = &members.user_name
    {
        *user_name = Some(parsed("UserName", value, UserName::parse)?);
    }
    Ok(())
}

fn members(text: &str) -> Result<Members, String> {
    // The text is not shown because it may be a secret.
    if !text.trim_start().starts_with('{') {
        return Err(
            "--cli-input-json is not a JSON object such as {\"UserName\": \"Bob\", \"AccessKeyId\": \"AKIA...\"}; \
             for a file, use file://PATH"
                .to_owned(),
        );
    }
    serde_json::from_str(text)
        .map_err(|error| format!("--cli-input-json: {}", truncate_escaped(&error.to_string())))
}

fn read(path: &Path) -> Result<String, String> {
    let name = display_value(path.as_os_str());
    let wrong = |what: &str| format!("--cli-input-json: cannot read `{name}`: {what}");
    let failed = |error: io::Error| {
        if path.starts_with("~") {
            wrong("~ is not expanded after file://: write file://$HOME/...")
        } else {
            wrong(&error.to_string())
        }
    };
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut text);
    let length = read.map_err(failed)?;
    if length as u64 > MAX_BYTES {
        return Err(wrong(&format!("it has more than {MAX_BYTES} bytes")));
    }
    let text = String::from_utf8(text).map_err(|_| wrong("it is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if !text.trim_start().starts_with('{') {
        return Err(wrong("it is not a JSON object"));
    }
    Ok(text.to_owned())
}

fn parsed<T>(
    name: &str,
    value: &Value,
    parse: fn(&OsStr) -> Result<T, Invalid>,
) -> Result<T, String> {
    let Value::String(text) = value else {
        return Err(format!("--cli-input-json: {name} is not a string"));
    };
    parse(OsStr::new(text))
        .map_err(|invalid| format!("--cli-input-json: {name} '{}': {invalid}", invalid.value))
}
