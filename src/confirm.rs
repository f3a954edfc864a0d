//! The question before anything is changed. It is asked on the terminal, which standard error must be. Anything but a plain
//! yes means no.

use std::io::{self, IsTerminal as _};

use crate::error::RunError;
use crate::request::{Action, Consent, ErrorFormat, Mode, Request};
use crate::sanitize::SafeText;
use crate::terminal;

/// Decides whether a run that asks only if a question can be shown and answered will ask.
pub(crate) fn resolve(mut request: Request) -> Request {
    if request.consent == Consent::IfTerminal {
        request.consent = if has_terminal() {
            Consent::Needed
        } else {
            Consent::Given
        };
    }
    request
}

/// Checks that a question can be asked, or that the options replace it. This happens before anything else is done.
///
/// # Errors
///
/// Standard error is no terminal, or nobody can answer at one, or standard error is to be JSON, and an option that this requires is missing.
pub(crate) fn check(request: &Request) -> Result<(), RunError> {
    let needs_account = request.is_whole_account() && request.expected_accounts.is_empty();
    if request.mode == Mode::DryRun || !request.asks() && !needs_account {
        return Ok(());
    }
    let has_terminal = has_terminal();
    let why = if io::stderr().is_terminal() {
        "this process has no controlling terminal"
    } else {
        "standard error is not a terminal"
    };
    let (required, hint) = match request.consent {
        _ if has_terminal && request.error_format == ErrorFormat::Text => return Ok(()),
        Consent::Asked if has_terminal => (
            "--interactive cannot ask a question with --error-format json".to_owned(),
            "check with --dry-run first, then replace --interactive with --yes",
        ),
        Consent::Asked => (
            format!("--interactive cannot ask a question, because {why}"),
            "check with --dry-run first, then replace --interactive with --yes",
        ),
        Consent::Needed | Consent::IfTerminal if has_terminal => (
            "--error-format json requires --yes here, because no question can be asked".to_owned(),
            "check with --dry-run first, then add --yes",
        ),
        Consent::Needed | Consent::IfTerminal if needs_account => (
            format!("--whole-account requires --yes and --expect-account here, because {why}"),
            "check with --dry-run first, then add --yes and --expect-account with the ID of the account",
        ),
        Consent::Needed if request.action == Action::Reactivate => (
            format!("--reactivate requires --yes here, because {why}"),
            "check with --dry-run first, then add --yes",
        ),
        Consent::Needed | Consent::IfTerminal => (
            format!("--all-keys and --whole-account require --yes here, because {why}"),
            "check with --dry-run first, then add --yes",
        ),
        Consent::Given if has_terminal => return Ok(()),
        Consent::Given => (
            format!("--whole-account requires --expect-account here, because {why}"),
            "add --expect-account with the ID of the intended account",
        ),
    };
    Err(RunError::usage(required).hint(hint))
}

/// Whether a question can be shown and answered. Standard input may be a list of keys.
fn has_terminal() -> bool {
    io::stderr().is_terminal() && terminal::open().is_ok()
}

/// Asks the question and waits for the answer. If it cannot be asked, the answer is no.
pub(crate) async fn ask(question: &SafeText) -> bool {
    let Ok(terminal) = terminal::open() else {
        return false;
    };
    let answer = terminal::ask(terminal, question).await;
    answer.is_ok_and(|answer| is_yes(&answer))
}

/// Returns the end of the question whether to assume the role of `--role-name` in another account: what the run does there.
pub(crate) fn done_there(request: &Request, keys: u64) -> String {
    if request.asks() {
        return "? You are asked again before anything is changed.".to_owned();
    }
    let which = match (keys, request.conditions.all.as_slice()) {
        (1, []) => "the key there",
        (1, _) => "the key there if it meets the conditions",
        (_, []) => "the keys there",
        _ => "the keys there that meet the conditions",
    };
    match request.mode {
        Mode::DryRun if keys == 1 => " and show the key there? Nothing is changed.".to_owned(),
        Mode::DryRun => " and show the keys there? Nothing is changed.".to_owned(),
        Mode::Change => {
            let (verb, undoing) = (request.action.verb(), request.action.undoing());
            format!(" and {verb} {which}? It {undoing}.")
        }
    }
}

/// Whether an answer is a plain yes.
fn is_yes(answer: &[u8]) -> bool {
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
