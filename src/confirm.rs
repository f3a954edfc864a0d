//! The question before anything is changed. Only a plain yes is a yes; the end of the input is a no.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use crate::error::RunError;
use crate::report::stream;
use crate::request::{Consent, ErrorFormat, Request};
use crate::sanitize::SafeText;
use crate::terminal::read_answer;

/// Whether there is somebody to ask. Asked before anything else is done.
///
/// # Errors
///
/// Standard input or standard error is no terminal, or standard error is to be JSON.
pub(crate) fn check(request: &Request) -> Result<(), RunError> {
    if request.error_format == ErrorFormat::Json {
        return Err(
            RunError::usage("a question cannot be asked with --error-format json")
                .hint("look first with --dry-run, then say --yes, and leave --interactive out"),
        );
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(match request.consent {
        Consent::Needed => RunError::usage(
            "--all-keys and --whole-account ask before a key goes, and there is no terminal to ask on",
        )
        .hint("look first with --dry-run, then say --yes"),
        Consent::Given | Consent::Asked => RunError::usage(
            "--interactive needs a terminal to ask on, and there is none",
        )
        .hint("look first with --dry-run; without --interactive named keys are not asked about"),
    })
}

/// Puts the question on standard error and waits for the answer. What cannot be asked is not answered with yes.
pub(crate) async fn ask(question: SafeText) -> bool {
    match read_answer(Arc::new(io::stdin()), || put(question.clone())).await {
        Ok(answer) => is_yes(&answer),
        Err(_) => false,
    }
}

/// Puts the question on standard error, in a thread that waits for its reader.
async fn put(question: SafeText) -> io::Result<()> {
    let put = tokio::task::spawn_blocking(move || stream::write_question(&question));
    put.await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Whether an answer is a plain yes.
pub(crate) fn is_yes(answer: &[u8]) -> bool {
    // An answer without an end of line was cut, or its input ended: nobody pressed Enter.
    let Some(end) = answer.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let word = answer[..end].trim_ascii();
    word.eq_ignore_ascii_case(b"y") || word.eq_ignore_ascii_case(b"yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for yes in [&b"y\n"[..], b"Y\n", b"yes\r\n", b" YES \n", b"y\nn"] {
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
            b"n\ny\n",
        ] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
