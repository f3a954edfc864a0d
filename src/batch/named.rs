//! The keys that are named by options or in a file.

use std::io::{self, IsTerminal as _};

use super::{InFlight, Keys, keys_of};
use crate::blocking::run_blocking;
use crate::error::RunError;
use crate::input::{self, Origin, ReadOptions};
use crate::report::command::list_deactivated;
use crate::report::message::Messages;
use crate::request::{Action, Request, Selection};
use crate::signal::Signals;
use crate::terminal;

/// Returns the named keys with their number, and the journal that they are from. All of them are checked before a request is
/// sent. `None`: a sweep selects the keys.
///
/// # Errors
///
/// The file cannot be read or is invalid, or a signal came first.
pub(crate) async fn named(
    request: &Request,
    in_flight: &InFlight,
    signals: &Signals,
) -> Result<(Option<(Keys, u64)>, Option<Origin>), RunError> {
    let (file, user_name) = match &request.selection {
        Selection::Named(keys) => {
            let count = keys.len() as u64;
            let named = keys.clone().into_iter().map(|key| Ok(key.into()));
            return Ok((Some((keys_of(named), count)), None));
        }
        Selection::Listed { file, user_name } => (file.clone(), user_name.clone()),
        Selection::User(_) | Selection::Root | Selection::Account => return Ok((None, None)),
    };
    let messages = Messages::of(request);
    if file.is_none() && io::stdin().is_terminal() {
        let foreground = signals.race(terminal::foreground(&io::stdin())).await;
        foreground
            .map_err(RunError::signal)?
            .map_err(|error| RunError::usage(format!("cannot read standard input: {error}")))?;
        messages.note("reading keys from the terminal; press Ctrl-D on an empty line to finish");
    }
    let (find_user, action) = (request.find_user, request.action);
    let list_command = list_deactivated(file.as_deref()).to_string();
    let mut unfinished = in_flight.unfinished().unwrap_or_default();
    let read = move || {
        let options = ReadOptions {
            user_name: user_name.as_ref(),
            find_user,
            action,
            list_deactivated: &list_command,
        };
        let mut list = input::read(file.as_deref(), options)?;
        if !unfinished.is_empty() {
            let listed = list.among(&unfinished);
            unfinished = listed.map_err(|error| RunError::other(error.to_string()))?;
        }
        Ok::<_, RunError>((list, unfinished))
    };
    let (mut list, unfinished) = run_blocking(signals, read).await??;
    in_flight.set_unfinished(unfinished);
    if let Some(what) = &list.incomplete {
        messages.warning(what);
    }
    let (done, all_done) = match action {
        Action::Reactivate => (
            "it reports no deactivated key",
            "they report no deactivated key",
        ),
        Action::Delete | Action::Deactivate => ("nothing left to do", "nothing left to do"),
    };
    for (count, one, several) in [
        (list.already_done, done, all_done),
        (
            list.superseded,
            "a later line of its key counts",
            "later lines of their keys count",
        ),
    ] {
        match count {
            0 => {}
            1 => messages.note(&format!("1 line was skipped: {one}")),
            count => messages.note(&format!("{count} lines were skipped: {several}")),
        }
    }
    match list.repeated {
        0 => {}
        1 => messages.note("1 repeated key was ignored"),
        count => messages.note(&format!("{count} repeated keys were ignored")),
    }
    let count = list.len;
    let origin = list.origin.take();
    Ok((Some((keys_of(list), count)), origin))
}
