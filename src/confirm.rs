//! The question before anything is changed. Only a plain yes is a yes; the end of the input is a no.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::RunError;
use crate::report::stream;
use crate::request::{Consent, ErrorFormat, Request};
use crate::sanitize::SafeText;

/// The most of an answer that is read, in bytes: what is longer is not a yes.
const LONGEST_ANSWER: usize = 1_000;
/// How soon after the answer a signal that came before it is noticed.
const NOTICED: Duration = Duration::from_millis(100);

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
            "--all-keys and --all-users ask before a key goes, and there is no terminal to ask on",
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
    match read_answer(&question).await {
        Ok(answer) => is_yes(&answer),
        Err(_) => false,
    }
}

/// The answer to the question as it was printed last. A run that was stopped (Ctrl-Z) and goes on asks again: the question
/// may be far up on the screen, and what is typed at a blank line answers nothing.
async fn read_answer(question: &SafeText) -> io::Result<Vec<u8>> {
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let mut input = Input { waiting: None };
    loop {
        // What was typed before the question was not typed as its answer.
        tcflush(io::stdin(), QueueSelector::IFlush)?;
        put(question.clone()).await?;
        let answer = tokio::select! {
            biased;
            _ = continued.recv() => continue,
            answer = input.line() => answer?,
        };
        // The answer may have been typed while the run was stopped, and read before the signal was noticed: another thread
        // can be the one that gets it.
        if timeout(NOTICED, continued.recv()).await.is_err() {
            return Ok(answer);
        }
    }
}

/// Puts the question on standard error, in a thread that waits for its reader.
async fn put(question: SafeText) -> io::Result<()> {
    let put = tokio::task::spawn_blocking(move || stream::write_question(&question));
    put.await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Standard input, which a thread waits for. To wait in a read would keep signals from ending the run, and give what is
/// typed to a question that is not asked any more.
struct Input {
    waiting: Option<JoinHandle<()>>,
}

impl Input {
    /// Reads until the end of the line, the end of the input, or more than an answer has.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            self.waiting.get_or_insert_with(wait).await?;
            self.waiting = None;
            if !can_be_read()? {
                continue;
            }
            let mut bytes = [0; LONGEST_ANSWER];
            let count = rustix::io::read(io::stdin(), &mut bytes)?;
            line.extend_from_slice(&bytes[..count]);
            if count == 0 || line.contains(&b'\n') || line.len() >= LONGEST_ANSWER {
                return Ok(line);
            }
        }
    }
}

/// Waits until there may be something to read, in a thread that cannot be stopped: the run ends without it.
fn wait() -> JoinHandle<()> {
    tokio::task::spawn_blocking(|| {
        let stdin = io::stdin();
        // What fails here fails again where it is reported.
        let _ = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None);
    })
}

fn can_be_read() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut input = [PollFd::new(&stdin, PollFlags::IN)];
    Ok(poll(&mut input, Some(&Timespec::default()))? > 0)
}

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
