//! What is told after a panic.

use super::command::Commands;
use super::message::Messages;
use super::structured::{Failed, KnownWord};
use crate::exit::Exit;
use crate::outcome::Known;
use crate::request::{Key, Request};

/// A bug of this program or of a library, after a panic: one sentence and what is known.
pub(crate) fn bug(place: &str, request: &Request, in_doubt: &[Key], messages: Messages) -> Exit {
    let exit = if in_doubt.is_empty() {
        Exit::Other
    } else {
        Exit::Unknown
    };
    let message = format!("broken off at {place}: a bug, or too little memory or too few threads");
    let tell = |message: &str, key, known, told| {
        messages.failed(&Failed {
            code: "BrokenOff",
            message: message.to_owned(),
            hints: &[],
            exit,
            key,
            known,
            told: Some(told),
        });
    };
    let nothing = Known::NotDone("nothing was sent to IAM".to_owned()).told(request.action);
    match request.single() {
        Some(key) if in_doubt.is_empty() => {
            let known = KnownWord::not_done(request.action);
            tell(&message, Some(key), known, format!("{}: {nothing}", key.id));
        }
        Some(_) => {}
        None => tell(
            &message,
            None,
            KnownWord::AsTold,
            "the keys told of on standard output are as it says, and no other was changed but those \
             below that are unknown"
                .to_owned(),
        ),
    }
    let commands = Commands::new(&request.connection);
    for key in in_doubt {
        let check = commands.list(key);
        let known = Known::Unknown(format!(
            "the request may have been sent; check with: {check}"
        ));
        let told = format!("{}: {}", key.id, known.told(request.action));
        tell(&message, Some(key), KnownWord::Unknown, told);
    }
    exit
}
