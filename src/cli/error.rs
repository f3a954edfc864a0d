//! What is wrong with a command line, said in a form that is safe to show.

use std::ffi::{OsStr, OsString};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::aws::Instead;
use crate::ident::looks_like_access_key_id;
use crate::invalid::{Invalid, shown};
use crate::request::ErrorFormat;
use crate::secret::{NOT_SHOWN, has_secret, mask};

pub(super) const SWAPPED: &str =
    "--access-key-id and --user-name look swapped: the access key ID is in --user-name";

/// Makes every foreign text in an error safe to show, and says so when two options are swapped.
pub(super) fn fit_to_show(
    mut error: clap::Error,
    args: &[OsString],
    command: &mut clap::Command,
) -> clap::Error {
    let ident =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Invalid>());
    let value = ident.map(|ident| ident.shown.clone());
    let is_hidden = value.as_deref() == Some(NOT_SHOWN);
    if ident.is_some() && !is_hidden && error_is_of(&error, "--access-key-id") && is_swapped(args) {
        return command.error(ErrorKind::ValueValidation, SWAPPED);
    }
    if let Some(text) = instead(&error, args) {
        return command.error(ErrorKind::ValueValidation, text);
    }
    let foreign: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, context)| Some((kind, fit(kind, context)?)))
        .collect();
    for (kind, context) in foreign {
        error.insert(kind, context);
    }
    if let Some(value) = value {
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    error
}

/// A part of an error in a form that is safe to show; `None` if it is as it is.
fn fit(kind: ContextKind, context: &ContextValue) -> Option<ContextValue> {
    let masked = |text: &StyledStr| StyledStr::from(mask(&text.to_string()).into_owned());
    match (kind, context) {
        (
            ContextKind::InvalidValue | ContextKind::InvalidArg | ContextKind::InvalidSubcommand,
            ContextValue::String(text),
        ) => Some(ContextValue::String(shown(OsStr::new(text)))),
        // A tip repeats what was typed.
        (ContextKind::Suggested, ContextValue::StyledStrs(tips))
            if tips.iter().any(|tip| has_secret(&tip.to_string())) =>
        {
            Some(ContextValue::StyledStrs(tips.iter().map(masked).collect()))
        }
        _ => None,
    }
}

/// What to say to somebody who comes from the AWS CLI.
fn instead(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let source = std::error::Error::source(error);
    if let Some(reason) = source.and_then(|source| source.downcast_ref::<Instead>()) {
        let option = context(ContextKind::InvalidArg);
        let option = option.split(' ').next().unwrap_or(option);
        let value = match context(ContextKind::InvalidValue) {
            value if option == "--cli-input-yaml" || value.is_empty() => String::new(),
            value => format!(" {}", shown(OsStr::new(value))),
        };
        return Some(format!("{option}{value} is refused: {reason}"));
    }
    let is_aws = context(ContextKind::InvalidArg) == "iam"
        && args.get(1).is_some_and(|arg| arg == "iam")
        && args.get(2).is_some_and(|arg| arg == "delete-access-key");
    is_aws.then(|| {
        "this program is `aws iam delete-access-key`: leave `iam delete-access-key` out".to_owned()
    })
}

/// What clap says of wrong arguments, as a sentence and the hints behind it.
pub(crate) fn told(rendered: &str) -> (String, Vec<String>) {
    let mut parts = rendered.split("\n\n");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = words(parts.next().unwrap_or_default());
    let tips = parts.filter_map(|part| part.trim().strip_prefix("tip: ").map(words));
    let mut hints: Vec<String> = tips.collect();
    hints.push("iam-del-key --help".to_owned());
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    (message.to_owned(), hints)
}

fn error_is_of(error: &clap::Error, option: &str) -> bool {
    matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg.starts_with(option))
}

fn is_swapped(args: &[OsString]) -> bool {
    let values = args.iter().zip(args.iter().skip(1));
    let apart = values
        .filter(|(name, _)| *name == "--user-name")
        .map(|(_, value)| value.to_str());
    let joined = args
        .iter()
        .map(|arg| arg.to_str()?.strip_prefix("--user-name="));
    apart.chain(joined).flatten().any(looks_like_access_key_id)
}

/// How errors are to be told, of a command line that could not be read.
pub(crate) fn error_format_of(args: &[OsString]) -> ErrorFormat {
    let is_option = |arg: &str| matches!(arg, "--error-format" | "--cli-error-format");
    let mut json = false;
    let words: Vec<&str> = args
        .iter()
        .map(|arg| arg.to_str().unwrap_or_default())
        .collect();
    for (word, next) in words.iter().zip(words.iter().skip(1).chain([&""])) {
        match word.split_once('=') {
            Some((option, value)) if is_option(option) => json = value == "json",
            None if is_option(word) => json = *next == "json",
            Some(_) | None => {}
        }
    }
    if json {
        ErrorFormat::Json
    } else {
        ErrorFormat::Text
    }
}
