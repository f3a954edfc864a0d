//! The order of events: arguments, settings and credentials, the choice, the question, the key, the report. The
//! only place that ends the process.

mod age;
mod aws;
mod batch;
mod change;
mod cli;
mod complete;
mod condition;
mod confirm;
mod exit;
mod fact;
mod failure;
mod guard;
mod ident;
mod input;
mod invalid;
mod journal;
mod log;
mod outcome;
mod report;
mod request;
mod select;
mod signal;
mod spool;
mod stop;

use std::io::{self, ErrorKind, IsTerminal as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use aws::Quantity;
use batch::{Batch, Keys, UnderWay};
use cli::Cli;
use exit::Exit;
use fact::Facts;
use journal::Journal;
use log::Log;
use outcome::Known;
use report::message::{Messages, is_colorful};
use request::{Color, Input, Key, Request, Selection};
use select::{Candidate, Selector};
use signal::Signals;
use stop::Stop;

fn main() -> ExitCode {
    if let Some(task) = complete::Task::asked() {
        return completed(task).into();
    }
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(text) => return instead(&text).into(),
    };
    let request = cli.into_request();
    let messages = Messages::new(request.color);
    let under_way = UnderWay::default();
    let exit = match catch(|| run(&request, &under_way)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let exit = stopped(&error, messages);
            let known = Known::NotDone("nothing was sent to IAM".to_owned()).told(request.action);
            messages.known(&match request.single() {
                Some(key) => format!("{}: {known}", key.id),
                None => "no key was changed".to_owned(),
            });
            exit
        }
        Err(place) => {
            let in_doubt = under_way.in_doubt();
            report::bug(&place, &request, &in_doubt, messages);
            if in_doubt.is_empty() {
                Exit::Other
            } else {
                Exit::Unknown
            }
        }
    };
    exit.into()
}

fn run(request: &Request, under_way: &UnderWay) -> anyhow::Result<Exit> {
    if request.asks() {
        confirm::check_terminal(request.consent)?;
    }
    let named = named(request)?;
    let journal = Journal::open(request)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start")?;
    let exit = runtime.block_on(work(request, named, journal, under_way));
    // A name look-up or a question may hang in a thread of its own: the process does not wait for it.
    runtime.shutdown_background();
    exit
}

/// The keys that are named, by options or in a file, and how many they are; all of it is checked before anything is
/// contacted. `None`: IAM's own lists tell.
fn named(request: &Request) -> Result<Option<(Keys, u64)>, Stop> {
    let untouched = |key: Key| Candidate {
        key,
        facts: Facts::default(),
    };
    match &request.selection {
        Selection::Named(keys) => {
            let count = keys.len() as u64;
            let keys = keys.clone().into_iter().map(move |key| Ok(untouched(key)));
            Ok(Some((Box::new(keys), count)))
        }
        Selection::Listed { input, user_name } => {
            let messages = Messages::new(request.color);
            if matches!(input, Input::Stdin) && io::stdin().is_terminal() {
                messages.note(
                    "reading keys from the terminal; Ctrl-D on a line of its own ends the list",
                );
            }
            let list = input::read(input, user_name.as_ref(), request.action)?;
            let lines = |count: u64| if count == 1 { "line is" } else { "lines are" };
            if list.left_out > 0 {
                let (count, lines) = (list.left_out, lines(list.left_out));
                messages.note(&format!(
                    "{count} {lines} left out: nothing is to be done there"
                ));
            }
            if list.repeated > 0 {
                let (count, lines) = (list.repeated, lines(list.repeated));
                messages.note(&format!(
                    "{count} {lines} left out: a key stands there again"
                ));
            }
            let count = list.len;
            let keys = list.keys().map(move |key| key.map(untouched));
            Ok(Some((Box::new(keys), count)))
        }
        Selection::User(_) | Selection::Account => Ok(None),
    }
}

async fn work(
    request: &Request,
    named: Option<(Keys, u64)>,
    mut journal: Option<Journal>,
    under_way: &UnderWay,
) -> anyhow::Result<Exit> {
    let log = Log::new(request.verbosity);
    let mut signals = Signals::listen().context("could not listen for signals")?;
    let expected = request.expected_account.as_ref();
    let quantity = match request.single() {
        Some(_) => Quantity::One,
        None => Quantity::Many,
    };
    let connected = tokio::select! {
        connected = aws::connect(&request.connection, expected, request.limit, quantity, log) => connected?,
        exit = signals.next() => return Err(Stop::signal(exit).into()),
    };
    if let Some(journal) = &mut journal {
        journal.begin_run(connected.signer.account.as_ref()).await?;
    }
    let selector = Selector::new(&connected.iam, &connected.signer, request);
    let batch = Batch {
        request,
        connected: &connected,
        selector: &selector,
        journal: journal.as_ref(),
        under_way,
        signals,
    };
    let exit = batch.all(named).await?;
    // The process ends here: to tidy up its clients and certificates first takes longer than to sign a request.
    std::mem::forget(connected);
    Ok(exit)
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
    show(&if is_colorful(&io::stdout()) {
        styled.ansi().to_string()
    } else {
        styled.to_string()
    })
}

/// Answers a shell that asks what could stand on the command line.
fn completed(task: complete::Task) -> Exit {
    match catch(|| task.text()) {
        Ok(Ok(text)) => show(&text),
        Ok(Err(stop)) => stopped(&stop.into(), Messages::new(Color::Auto)),
        // Who pressed Tab has asked for no report.
        Err(_) => Exit::Success,
    }
}

/// Prints a text for people or shells.
fn show(text: &str) -> Exit {
    match report::page(text) {
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
