//! What is wrong with a command line, said in a form that is safe to show.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::ident::looks_like_access_key_id;
use crate::invalid::{Invalid, shown};

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
    if ident.is_some() && error_is_of(&error, "--access-key-id") && is_swapped(args) {
        return command.error(ErrorKind::ValueValidation, SWAPPED);
    }
    let foreign: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, context)| match (kind, context) {
            (
                ContextKind::InvalidValue
                | ContextKind::InvalidArg
                | ContextKind::InvalidSubcommand,
                ContextValue::String(text),
            ) => Some((kind, ContextValue::String(shown(OsStr::new(text))))),
            _ => None,
        })
        .collect();
    for (kind, context) in foreign {
        error.insert(kind, context);
    }
    if let Some(value) = value {
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    error
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
