//! The command line: an accepted request satisfies IAM's rules, and an error is safe to print.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::check_message;
use super::ident::{is_id, is_name};
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
    let user_name = match selection {
        Selection::Named(keys) => {
            let ids: HashSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            assert!(!keys.is_empty() && ids.len() == keys.len());
            assert!(ids.into_iter().all(is_id));
            keys[0].user_name.as_ref()
        }
        Selection::Listed { user_name, .. } => user_name.as_ref(),
        Selection::User(user_name) => Some(user_name),
        Selection::Root | Selection::Account => None,
    };
    assert!(user_name.is_none_or(|name| is_name(name.as_str())));
}
