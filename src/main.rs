//! The order of events: arguments, settings and credentials, the guard, the key, the report. The only place
//! that ends the process.

mod aws;
mod cli;
mod delete;
mod exit;
mod guard;
mod ident;
mod log;
mod outcome;
mod report;
mod request;
mod signal;
mod stop;

use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use aws::attempts::Record;
use cli::Cli;
use delete::Deletion;
use exit::Exit;
use log::Log;
use outcome::{Outcome, Settled};
use report::message::{Messages, is_colorful};
use request::Request;
use signal::Signals;
use stop::Stop;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(text) => return instead(&text).into(),
    };
    let request = cli.into_request();
    let messages = Messages::new(request.color);
    let key = request.key.id.clone();
    let record = Record::default();
    let exit = match catch(|| run(request, &record)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let exit = stopped(&error, messages);
            messages.known(&format!("{key}: not deleted: nothing was sent to IAM"));
            exit
        }
        Err(place) => {
            let sent = record.may_have_acted();
            report::bug(&place, key.as_str(), sent, messages);
            if sent { Exit::Unknown } else { Exit::Other }
        }
    };
    exit.into()
}

fn run(request: Request, record: &Record) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start")?;
    let exit = runtime.block_on(delete_key(request, record));
    // A name look-up may hang in a thread of its own: the process does not wait for it.
    runtime.shutdown_background();
    exit
}

async fn delete_key(request: Request, record: &Record) -> anyhow::Result<Exit> {
    let messages = Messages::new(request.color);
    let log = Log::new(request.verbosity);
    let mut signals = Signals::listen().context("could not listen for signals")?;
    let connected = tokio::select! {
        connected = aws::connect(&request.connection, request.limit, log) => connected?,
        exit = signals.next() => return Err(Stop::signal(exit).into()),
    };
    let refusal = guard::signing_key(&request.key, &connected.signer, request.signing_key);
    let settled = if let Some(refusal) = refusal {
        Settled {
            key: request.key,
            outcome: Outcome::Refused(refusal),
            attempts: 0,
        }
    } else {
        let deletion = Deletion {
            iam: &connected.iam,
            signer: &connected.signer,
            missing: request.missing,
            limit: request.limit,
        };
        deletion.run(request.key, record, &mut signals).await
    };
    let exit = settled.outcome.exit();
    match report::settled(&settled, request.format, messages) {
        Ok(()) => Ok(exit),
        Err(error) => Ok(unwritten(&settled, &error, exit, messages)),
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
    messages.known(&format!(
        "{}: {}",
        settled.key.id,
        settled.outcome_name().to_lowercase()
    ));
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
