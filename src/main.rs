//! The order of events: arguments, settings and credentials, the choice, the question, the key, the report. The
//! only place that ends the process.

mod age;
mod aws;
mod change;
mod cli;
mod condition;
mod confirm;
mod exit;
mod fact;
mod failure;
mod guard;
mod ident;
mod invalid;
mod log;
mod outcome;
mod report;
mod request;
mod select;
mod signal;
mod stop;

use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use aws::Connected;
use aws::attempts::Record;
use change::Change;
use cli::Cli;
use exit::Exit;
use fact::Facts;
use log::Log;
use outcome::{Known, Outcome, Refusal, Settled};
use report::Report;
use report::message::{Messages, is_colorful};
use request::{Consent, Mode, Request};
use select::{Candidate, Choice, Selector};
use signal::Signals;
use stop::Stop;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(text) => return instead(&text).into(),
    };
    let request = cli.into_request();
    let messages = Messages::new(request.color);
    let record = Record::default();
    let exit = match catch(|| run(&request, &record)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let exit = stopped(&error, messages);
            let known = Known::NotDone("nothing was sent to IAM".to_owned());
            messages.known(&format!(
                "{}: {}",
                request.key.id,
                known.told(request.action)
            ));
            exit
        }
        Err(place) => {
            let sent = record.may_have_acted();
            report::bug(&place, &request, sent, messages);
            if sent { Exit::Unknown } else { Exit::Other }
        }
    };
    exit.into()
}

fn run(request: &Request, record: &Record) -> anyhow::Result<Exit> {
    if (request.mode, request.consent) == (Mode::Change, Consent::Asked) {
        confirm::check_terminal()?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start")?;
    let exit = runtime.block_on(handle_key(request, record));
    // A name look-up or a question may hang in a thread of its own: the process does not wait for it.
    runtime.shutdown_background();
    exit
}

async fn handle_key(request: &Request, record: &Record) -> anyhow::Result<Exit> {
    let messages = Messages::new(request.color);
    let log = Log::new(request.verbosity);
    let mut signals = Signals::listen().context("could not listen for signals")?;
    let expected = request.expected_account.as_ref();
    let connected = tokio::select! {
        connected = aws::connect(&request.connection, expected, request.limit, log) => connected?,
        exit = signals.next() => return Err(Stop::signal(exit).into()),
    };
    let chosen = tokio::select! {
        choice = choose(request, &connected, messages) => choice,
        exit = signals.next() => Choice::Stay(Box::new(settled(request, Outcome::Stopped {
            exit,
            known: Known::NotDone("nothing was sent that changes it".to_owned()),
        }))),
    };
    let settled = match (chosen, request.mode) {
        (Choice::Stay(settled), _) => *settled,
        (Choice::Go(candidate), Mode::DryRun) => would(request, candidate),
        (Choice::Go(candidate), Mode::Change) => {
            let change = Change {
                iam: &connected.iam,
                signer: &connected.signer,
                action: request.action,
                missing: request.missing,
                limit: request.limit,
            };
            change.run(candidate, record, &mut signals).await
        }
    };
    // The process ends here: to tidy up its clients and certificates first takes longer than to sign a request.
    std::mem::forget(connected);
    let exit = exit_of(&settled, request.mode);
    match Report::new(request).settled(&settled) {
        Ok(()) => Ok(exit),
        Err(error) => Ok(unwritten(&settled, &error, exit, messages)),
    }
}

/// Decides on the key, and asks whoever has to be asked.
async fn choose(request: &Request, connected: &Connected, messages: Messages) -> Choice {
    let selector = Selector::new(&connected.iam, &connected.signer, request, messages);
    let choice = selector.decide(request.key.clone()).await;
    match choice {
        Choice::Go(candidate)
            if (request.mode, request.consent) == (Mode::Change, Consent::Asked) =>
        {
            let question = report::question(&candidate, request.action);
            if confirm::ask(question).await {
                if request.conditions.all.is_empty() {
                    return Choice::Go(candidate);
                }
                // Whoever was asked may have taken their time.
                return selector.decide(candidate.key).await;
            }
            let Candidate { key, facts } = candidate;
            let outcome = Outcome::Refused(Refusal::Declined);
            Choice::Stay(Box::new(Settled {
                key,
                facts,
                ..settled(request, outcome)
            }))
        }
        choice => choice,
    }
}

fn would(request: &Request, candidate: Candidate) -> Settled {
    let Candidate { key, facts } = candidate;
    let reason = request.conditions.to_string();
    Settled {
        key,
        facts,
        ..settled(request, Outcome::Would(reason))
    }
}

fn settled(request: &Request, outcome: Outcome) -> Settled {
    Settled {
        key: request.key.clone(),
        facts: Facts::default(),
        action: request.action,
        outcome,
        attempts: 0,
    }
}

/// A dry run that could be shown is a success, whatever it shows.
fn exit_of(settled: &Settled, mode: Mode) -> Exit {
    match (&settled.outcome, mode) {
        (Outcome::Skipped(_) | Outcome::Refused(_), Mode::DryRun) => Exit::Success,
        (outcome, _) => outcome.exit(),
    }
}

/// The result could not be written, so that a pipeline did not get it: never success.
fn unwritten(settled: &Settled, error: &io::Error, exit: Exit, messages: Messages) -> Exit {
    messages.error(&format!(
        "could not write the result to standard output: {error}"
    ));
    if exit != Exit::Success {
        return exit;
    }
    messages.known(&format!("{}: {}", settled.key.id, settled.known()));
    Exit::Other
}

fn stopped(error: &anyhow::Error, messages: Messages) -> Exit {
    messages.error(&format!("{error:#}"));
    let Some(stop) = error.downcast_ref::<Stop>() else {
        return Exit::Other;
    };
    for hint in &stop.hints {
        messages.hint(hint);
    }
    stop.exit
}

/// Prints what clap has instead of arguments: help, the version, or what is wrong with them.
fn instead(text: &clap::Error) -> Exit {
    let styled = text.render();
    if text.use_stderr() {
        let text = if is_colorful(&io::stderr()) {
            styled.ansi().to_string()
        } else {
            styled.to_string()
        };
        report::message::line(&format!("iam-del-key: {}", text.trim_end()));
        report::message::line("known: nothing was contacted, and nothing is deleted");
        return Exit::Usage;
    }
    let text = if is_colorful(&io::stdout()) {
        styled.ansi().to_string()
    } else {
        styled.to_string()
    };
    match report::page(&text) {
        Ok(()) => Exit::Success,
        // Who closed the pipe has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            report::message::line(&format!(
                "iam-del-key: error: could not write to standard output: {error}"
            ));
            Exit::Other
        }
    }
}

/// Runs `work`; a panic becomes the place in the source where it happened.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let place = Arc::new(Mutex::new(String::from("an unknown place")));
    let seen = Arc::clone(&place);
    panic::set_hook(Box::new(move |info| {
        if let Some(location) = info.location() {
            let file: Vec<&str> = location.file().rsplit(['/', '\\']).take(3).collect();
            let file: Vec<&str> = file.into_iter().rev().collect();
            *seen.lock().unwrap_or_else(PoisonError::into_inner) =
                format!("{}:{}", file.join("/"), location.line());
        }
    }));
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| place.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
