//! Errors of the command line, in a form that is safe to print.

use std::ffi::{OsStr, OsString};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use strsim::levenshtein;

use crate::command_line;
use crate::error::RunError;
use crate::ident::looks_like_access_key_id;
use crate::request::ErrorFormat;
use crate::sanitize::{Invalid, display_value};
use crate::secret::{REDACTED, has_secret, redact};

pub(super) const SWAPPED: &str =
    "--access-key-id and --user-name look swapped: --user-name has the access key ID";

/// Sanitizes all text from outside in an error, and replaces clap's words for the most frequent mistakes.
pub(super) fn sanitize_error(
    mut error: clap::Error,
    args: &[OsString],
    command: &mut clap::Command,
) -> clap::Error {
    let ident =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Invalid>());
    let value = ident.map(|ident| ident.value.clone());
    let is_hidden = value.as_deref() == Some(REDACTED);
    let is_of_id = context(&error, ContextKind::InvalidArg).starts_with("--access-key-id");
    let is_swapped = || values(args, &["--user-name"]).any(looks_like_access_key_id);
    if ident.is_some() && !is_hidden && is_of_id && is_swapped() {
        return command.error(ErrorKind::ValueValidation, SWAPPED);
    }
    if let Some(text) = instead(&error, args) {
        return command.error(ErrorKind::ValueValidation, text);
    }
    if let Some(text) = in_words(&error) {
        return command.error(error.kind(), text);
    }
    if let Some(tip) = key_without_option(&error, args, command).or_else(|| for_status(&error)) {
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    if error.kind() == ErrorKind::UnknownArgument {
        let similar = similar(&error, args, command);
        match similar.as_slice() {
            [] => drop(error.remove(ContextKind::SuggestedArg)),
            _ => drop(error.insert(ContextKind::SuggestedArg, ContextValue::Strings(similar))),
        }
    }
    let foreign: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, context)| Some((kind, sanitized(kind, context)?)))
        .collect();
    for (kind, context) in foreign {
        error.insert(kind, context);
    }
    if let Some(value) = value {
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    error
}

/// Returns a part of an error in a form that is safe to print. `None`: it is safe already.
fn sanitized(kind: ContextKind, context: &ContextValue) -> Option<ContextValue> {
    let redacted = |text: &StyledStr| StyledStr::from(redact(&text.to_string()).into_owned());
    match (kind, context) {
        (
            ContextKind::InvalidValue | ContextKind::InvalidArg | ContextKind::InvalidSubcommand,
            ContextValue::String(text),
        ) => Some(ContextValue::String(display_value(OsStr::new(text)))),
        // A tip repeats what was typed.
        (ContextKind::Suggested, ContextValue::StyledStrs(tips))
            if tips.iter().any(|tip| has_secret(&tip.to_string())) =>
        {
            Some(ContextValue::StyledStrs(
                tips.iter().map(redacted).collect(),
            ))
        }
        _ => None,
    }
}

/// The commands of the AWS CLI that this program replaces, and what else is different.
const REPLACED: [(&str, &str); 2] = [
    ("aws iam delete-access-key", ""),
    (
        "aws iam update-access-key",
        ", and use --deactivate or --reactivate instead of --status",
    ),
];

/// Returns the message for a user of the AWS CLI.
fn instead(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let source = std::error::Error::source(error);
    if let Some(reason) = source.and_then(|source| source.downcast_ref::<RunError>()) {
        let option = context(error, ContextKind::InvalidArg);
        let option = option.split(' ').next().unwrap_or(option);
        let value = match context(error, ContextKind::InvalidValue) {
            value if option == "--cli-input-yaml" || value.is_empty() => String::new(),
            value => format!(" {}", display_value(OsStr::new(value))),
        };
        return Some(format!("{option}{value} is not supported: {reason}"));
    }
    let unexpected = context(error, ContextKind::InvalidArg);
    let typed: Vec<&str> = args.iter().skip(1).map_while(|arg| arg.to_str()).collect();
    REPLACED.iter().find_map(|(replaced, change)| {
        let words: Vec<&str> = replaced.split(' ').collect();
        let start = words.iter().position(|word| *word == unexpected)?;
        let words = &words[start..];
        let omitted = typed.starts_with(words).then(|| words.join(" "))?;
        Some(format!(
            "iam-del-key replaces `{replaced}`: omit `{omitted}`{change}"
        ))
    })
}

/// Returns a sentence for a mistake that clap reports with a list of options, or in words of its own.
fn in_words(error: &clap::Error) -> Option<String> {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.as_slice(),
        _ => &[],
    };
    let lacks = |option: &str| missing.iter().any(|text| text.contains(option));
    let text = match (error.kind(), missing) {
        (ErrorKind::MissingRequiredArgument, _) if lacks("--access-key-id") => {
            "keys are required: use --access-key-id <ID>, --from <FILE>, --all-keys or --whole-account"
        }
        (ErrorKind::MissingRequiredArgument, _) if lacks("--only-inactive") => {
            "--whole-account requires --only-inactive, --unused-for <AGE> or --older-than <AGE>"
        }
        (ErrorKind::MissingRequiredArgument, _) if lacks("--user-name") => {
            "--all-keys requires --user-name <NAME> or --target-principal <ACCOUNT>"
        }
        (ErrorKind::MissingRequiredArgument, _) if lacks("--role-arn") => {
            "--external-id, --role-session-name and --serial-number require --role-arn <ARN> or --role-name <NAME>"
        }
        (ErrorKind::MissingRequiredArgument, [option]) => {
            return Some(format!("{option} is required with the other options"));
        }
        (ErrorKind::TooManyValues, _) => {
            let option = context(error, ContextKind::InvalidArg);
            let option = display_value(OsStr::new(option));
            return Some(format!("{option} does not take a value"));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Returns a tip for an access key ID without its option: the whole command, if that is valid and safe to print.
fn key_without_option(
    error: &clap::Error,
    args: &[OsString],
    command: &mut clap::Command,
) -> Option<String> {
    let id = context(error, ContextKind::InvalidArg);
    if error.kind() != ErrorKind::UnknownArgument || !looks_like_access_key_id(id) {
        return None;
    }
    let option = "--access-key-id";
    let mut corrected: Vec<&str> = vec!["iam-del-key"];
    for arg in args.iter().skip(1) {
        let arg = arg.to_str().filter(|arg| !has_secret(arg))?;
        if looks_like_access_key_id(arg) && corrected.last() != Some(&option) {
            corrected.push(option);
        }
        corrected.push(arg);
    }
    let whole = command.try_get_matches_from_mut(&corrected).ok();
    let whole = whole.and_then(|_| command_line::join(&corrected));
    Some(whole.unwrap_or_else(|| format!("{option} {id}")))
}

/// Returns a tip for an option of `aws iam update-access-key`.
fn for_status(error: &clap::Error) -> Option<String> {
    let is_status = context(error, ContextKind::InvalidArg) == "--status";
    let tip = "--deactivate sets the status to Inactive, and --reactivate to Active";
    (is_status && error.kind() == ErrorKind::UnknownArgument).then(|| tip.to_owned())
}

/// Options that switch a guard off: they are suggested only for a near misspelling.
const OVERRIDES: [&str; 2] = ["--allow-self", "--yes"];
/// How many characters of a near misspelling differ at most.
const MAX_TYPOS: usize = 2;

/// Returns the options to suggest for an unknown one: the one with the same letters, or else those that begin with it, or else
/// the nearest ones, or else those whose start is near or that contain it. Rejected options, which are hidden, are never suggested.
fn similar(error: &clap::Error, args: &[OsString], command: &clap::Command) -> Vec<String> {
    let typed = context(error, ContextKind::InvalidArg);
    let word = typed.trim_start_matches('-');
    let known = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let known = known.filter_map(|arg| Some(format!("--{}", arg.get_long()?)));
    let known: Vec<String> = known.collect();
    let nearest = known.iter().map(|option| levenshtein(typed, option)).min();
    let nearest = nearest.filter(|typos| *typos <= MAX_TYPOS && *typos < word.len());
    let is_near = |option: &str| nearest == Some(levenshtein(typed, option));
    let begins = |option: &str| word.len() > MAX_TYPOS && option.starts_with(typed);
    let is_like = |option: &str| {
        let start = option.get(..typed.len()).unwrap_or(option);
        word.len() > 2 * MAX_TYPOS && option.contains(word)
            || word.len() > 3 * MAX_TYPOS && levenshtein(typed, start) <= MAX_TYPOS
    };
    let letters = |option: &str| option.replace('-', "").to_ascii_lowercase();
    // After one dash, each letter is an option of its own.
    let is_after_one = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--");
    let names = args
        .iter()
        .filter_map(|arg| arg.to_str()?.split('=').next());
    let after_one = names.filter(is_after_one).map(letters);
    let written: Vec<String> = if typed.starts_with("--") {
        vec![letters(typed)]
    } else {
        after_one.collect()
    };
    let has_same_letters = |option: &str| written.contains(&letters(option));
    let rules: [&dyn Fn(&str) -> bool; 4] = [&has_same_letters, &begins, &is_near, &is_like];
    let found = rules.into_iter().map(|rule| {
        let fits = |option: &&String| {
            rule(option) && (is_near(option) || !OVERRIDES.contains(&option.as_str()))
        };
        known.iter().filter(fits).cloned().collect::<Vec<_>>()
    });
    let mut found = found.filter(|found| !found.is_empty());
    found.next().unwrap_or_default()
}

/// Splits clap's text about wrong arguments into a sentence and hints.
pub(crate) fn usage_error(rendered: &str) -> RunError {
    let mut parts = rendered.split("\n\n");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = words(parts.next().unwrap_or_default());
    let tips = parts.filter_map(|part| part.trim().strip_prefix("tip: ").map(words));
    let hints = tips.chain(["iam-del-key --help".to_owned()]);
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    hints.fold(RunError::usage(message), RunError::hint)
}

/// Returns the error format that a command line seems to have that could not be parsed.
pub(crate) fn error_format_of(args: &[OsString]) -> ErrorFormat {
    match values(args, &["--error-format", "--cli-error-format"]).last() {
        Some("json") => ErrorFormat::Json,
        Some(_) | None => ErrorFormat::Text,
    }
}

/// Returns the values that an option seems to have in a command line that could not be parsed.
fn values<'a>(args: &'a [OsString], option: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let words = args.iter().map(|arg| arg.to_str().unwrap_or_default());
    let next = words.clone().skip(1).chain([""]);
    words.zip(next).filter_map(|(word, next)| {
        let (name, value) = word.split_once('=').unwrap_or((word, next));
        option.contains(&name).then_some(value)
    })
}

/// Returns a text of an error.
fn context(error: &clap::Error, kind: ContextKind) -> &str {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text,
        _ => "",
    }
}
