//! What is told after a panic.

use super::command::Commands;
use super::explain::{AS_TOLD, Explanation};
use super::message::Messages;
use crate::exit::Exit;
use crate::outcome::Known;
use crate::request::{Format, Key, Mode, Request};

/// A bug of this program or of a library, after a panic: one sentence and what is known; of the single key of the run
/// `known`, where that is more than that nothing was done to it, and of many those `in_doubt`.
pub(crate) fn bug(
    place: &str,
    request: &Request,
    known: Option<Known>,
    in_doubt: &[Key],
    messages: Messages,
) -> Exit {
    // Rows of a table wait for others, and were not told.
    let is_told = matches!(request.format, Format::Json | Format::Text)
        || request.single().is_some()
        || request.mode == Mode::DryRun;
    let exit = if in_doubt.is_empty() && is_told {
        Exit::Other
    } else {
        Exit::Unknown
    };
    let message = format!("broken off at {place}: a bug, or too little memory or too few threads");
    let tell = |key: Option<&Key>, known, told| {
        let error = Explanation::error("BrokenOff", message.clone(), exit, known);
        messages.explain(&error.about(key, told));
    };
    let commands = Commands::new(&request.connection);
    let tell_of = |key: &Key, known: &Known| {
        let check = commands.check(key, known).map(|check| format!("; {check}"));
        let (told, check) = (known.told(request.action), check.unwrap_or_default());
        let told = format!("{}: {told}{check}", key.id);
        tell(Some(key), known.member(request.action), told);
    };
    if let Some(key) = request.single() {
        let nothing = || Known::NotDone("nothing was sent to IAM".to_owned());
        tell_of(key, &known.unwrap_or_else(nothing));
        return exit;
    }
    let others = if is_told {
        "the keys told of on standard output are as it says, and this run changed no other but those below that are unknown"
    } else {
        "which keys were changed before was not told: check with `aws iam list-access-keys`, or the journal"
    };
    tell(None, AS_TOLD, others.to_owned());
    for key in in_doubt {
        tell_of(
            key,
            &Known::Unknown("the request may have been sent".into()),
        );
    }
    exit
}
