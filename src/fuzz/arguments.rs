//! The command line: an accepted request names each key once, and an error is safe to print.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::check_message;
use crate::cli::{Cli, NotRead};
use crate::request::Selection;

/// The arguments are the lines.
pub(super) fn check(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    let args = lines.map(|line| OsStr::from_bytes(line).to_owned());
    let args: Vec<OsString> = std::iter::once(OsString::from("iam-del-key"))
        .chain(args)
        .collect();
    match Cli::read(&args) {
        Ok(cli) => check_request(&cli.into_request().selection),
        // Help has escapes of its own, and is long.
        Err(NotRead::Text(text)) if !text.use_stderr() => {}
        Err(NotRead::Text(text)) => check_message(&text.render().to_string(), 4_000),
        Err(NotRead::Stopped(_)) => {}
    }
}

fn check_request(selection: &Selection) {
    if let Selection::Named(keys) = selection {
        let ids: HashSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        assert!(!keys.is_empty() && ids.len() == keys.len());
    }
}
