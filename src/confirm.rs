//! The question before anything is changed. Only a plain yes is a yes; the end of the input is a no.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use crate::report::message;
use crate::request::{Consent, ErrorFormat, Request};
use crate::shown::Shown;
use crate::stop::Stop;

/// The most of an answer that is read, in bytes: what is longer is not a yes.
const LONGEST_ANSWER: u64 = 1_000;

/// Whether there is somebody to ask. Asked before anything else is done.
///
/// # Errors
///
/// Standard input or standard error is no terminal, or standard error is to be JSON.
pub(crate) fn check(request: &Request) -> Result<(), Stop> {
    if request.error_format == ErrorFormat::Json {
        return Err(
            Stop::usage("a question cannot be asked with --error-format json")
                .hint("look first with --dry-run, then say --yes, and leave --interactive out"),
        );
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(match request.consent {
        Consent::Needed => Stop::usage(
            "--all-keys and --all-users ask before a key goes, and there is no terminal to ask on",
        )
        .hint("look first with --dry-run, then say --yes"),
        Consent::Given | Consent::Asked => Stop::usage(
            "--interactive needs a terminal to ask on, and there is none",
        )
        .hint("look first with --dry-run; without --interactive named keys are not asked about"),
    })
}

/// Puts the question on standard error and waits for the answer.
pub(crate) async fn ask(question: Shown) -> bool {
    // The thread cannot be stopped while it waits; the run ends without it.
    let answer = tokio::task::spawn_blocking(move || read_answer(&question));
    match answer.await {
        Ok(Ok(answer)) => is_yes(&answer),
        Ok(Err(_)) | Err(_) => false,
    }
}

fn read_answer(question: &Shown) -> io::Result<Vec<u8>> {
    // What was typed before the question was not typed as its answer.
    rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush)?;
    message::prompt(question)?;
    let mut answer = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST_ANSWER)
        .read_until(b'\n', &mut answer)?;
    Ok(answer)
}

fn is_yes(answer: &[u8]) -> bool {
    // An answer without an end of line was cut, or its input ended: nobody pressed Enter.
    let Some(line) = answer.strip_suffix(b"\n") else {
        return false;
    };
    let word = line.trim_ascii();
    word.eq_ignore_ascii_case(b"y") || word.eq_ignore_ascii_case(b"yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for yes in [&b"y\n"[..], b"Y\n", b"yes\r\n", b" YES \n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in [
            &b""[..],
            b"\n",
            b"n\n",
            b"no\n",
            b"y",
            b"yes",
            b"Yesh\n",
            b"yy\n",
            b"ye\n",
            b"y n\n",
            b"\xff\n",
        ] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
