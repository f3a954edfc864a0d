//! Deletes AWS IAM access keys. Here is the order of events: arguments, settings and credentials, the choice, the question,
//! the key, the report.
//!
//! This is the library of the program `iam-del-key`. Its only interface is [`main`], and [`command`] for tests.

mod age;
mod aws;
mod batch;
mod blocking;
mod change;
mod cli;
mod command_line;
mod complete;
mod conclude;
mod condition;
mod confirm;
mod csv_line;
mod early_exit;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guard;
mod ident;
mod input;
mod journal;
mod known_secret;
mod locate;
mod lock;
mod log;
mod memory;
mod metadata;
mod moment;
mod outcome;
mod query;
mod report;
mod request;
mod sanitize;
mod secret;
mod select;
mod signal;
mod spill;
mod summary;
mod terminal;
mod unescape;

use std::cell::Cell;
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use clap::CommandFactory as _;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use aws::{Iam, NamedKeys, Purpose};
use batch::{InFlight, Keys, Work, keys_of, named};
use blocking::run_blocking;
use cli::{Cli, error_format_of};
use error::{Exit, Hint, RunError, file_limit_hint};
use ident::AccountId;
use input::Origin;
use journal::{Journal, Unusable};
use lock::lock;
use log::Log;
use outcome::KeyState;
use report::message::Messages;
use report::{AS_REPORTED, Explanation, stream};
use request::{Mode, Request, Selection};
use select::Selector;
use signal::Signals;
use spill::SpillFile;

/// Runs the program with the arguments and the environment of the process, and returns its exit status.
#[must_use]
pub fn main() -> ExitCode {
    signal::unblock();
    if let Some(text) = complete::requested() {
        memory::disable_core_dumps();
        // Completion never prints errors.
        let answer = catch(text);
        return answer
            .map_or(Exit::Success, early_exit::answer_completion)
            .into();
    }
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::read(&args) {
        Ok(cli) => cli,
        Err(not_read) => {
            return early_exit::report_arguments(not_read, error_format_of(&args)).into();
        }
    };
    if let Some(skeleton) = cli.skeleton() {
        return early_exit::page(skeleton, error_format_of(&args)).into();
    }
    memory::disable_core_dumps();
    let request = confirm::resolve(cli.into_request());
    let in_flight = InFlight::new(&request);
    let mut running = None;
    let exit = match catch(|| run(&request, &in_flight, &mut running)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => stopped(error, &request, &in_flight),
        Err(place) => {
            let (single, unknown) = (in_flight.single(), in_flight.unknown_keys());
            report::print_panic(&place, &request, single, unknown)
        }
    };
    finish(running, exit).into()
}

/// Returns the options and their help, from which the man page and the completions are made.
#[doc(hidden)]
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the request. `running` gets the runtime and the signals, which outlive a panic, so that all messages are still
/// written.
fn run(
    request: &Request,
    in_flight: &InFlight,
    running: &mut Option<(Runtime, Signals)>,
) -> anyhow::Result<Exit> {
    let runtime = signal::runtime().context("could not start")?;
    let listening = runtime.block_on(async {
        signal::survive_file_size_limit()?;
        Signals::listen()
    });
    let signals = listening.context("could not listen for signals")?;
    let (runtime, signals) = running.insert((runtime, signals));
    stream::use_threads();
    runtime.block_on(async {
        let mut journal = open_journal(request, in_flight, signals).await?;
        confirm::check(request)?;
        let (named, origin) = named(request, in_flight, signals).await?;
        if let (Some(path), Mode::Change) = (request.journal.clone(), request.mode) {
            journal = run_blocking(signals, move || journal.start(&path)).await??;
        }
        work(
            request,
            (named, origin),
            journal,
            in_flight,
            signals.clone(),
        )
        .await
    })
}

/// Waits until all results and messages are written, and returns the exit status. A signal limits the wait.
fn finish(running: Option<(Runtime, Signals)>, exit: Exit) -> Exit {
    let Some((runtime, signals)) = running else {
        return exit;
    };
    stream::clear_bar();
    let exit = runtime.block_on(async {
        let overdue = async {
            let exit = signals.overdue(signal::OUTPUT).await;
            // The last messages were sent only now.
            sleep(signal::LAST_WORDS).await;
            exit
        };
        tokio::select! {
            biased;
            () = stream::all_written() => exit,
            exit = overdue => exit,
        }
    });
    // A thread may still wait for a name look-up or an answer. The process does not wait for it.
    runtime.shutdown_background();
    exit
}

/// Opens the journal and reads it, before anything else: what earlier runs did affects every message about a key. A signal
/// ends the wait for its disk.
async fn open_journal(
    request: &Request,
    in_flight: &InFlight,
    signals: &Signals,
) -> Result<Journal, RunError> {
    let journal = Journal::new(request.action, request.connection.principal());
    let opened = match request.journal.clone() {
        None => Ok(journal),
        Some(path) => {
            let (mode, expected) = (request.mode, request.expected_accounts.clone());
            let opened = run_blocking(signals, move || journal.open(&path, mode, &expected)).await;
            opened.unwrap_or_else(|stop| Err(stop.into()))
        }
    };
    match opened {
        Ok(journal) => {
            in_flight.add_prior(|key| journal.prior_state(key).known());
            let mut unfinished = journal.unfinished();
            unfinished.retain(|key| request.selection.may_include(key));
            in_flight.set_unfinished(unfinished.into_iter().map(|key| key.id).collect());
            Ok(journal)
        }
        Err(Unusable { error, is_journal }) => {
            if is_journal {
                in_flight.add_unread_journal("the journal was not read");
            }
            Err(*error)
        }
    }
}

/// For a single finished key, this is the only message. For many keys, the summary counts those that an earlier run finished.
fn note_finished(journal: &Journal, request: &Request) {
    if let Some(key) = request.single()
        && journal.prior_state(key).is_finished()
    {
        let name = journal.name();
        Messages::of(request).note(&format!("1 key is already finished in the journal {name}"));
    }
}

async fn work(
    request: &Request,
    (named, origin): (Option<(Keys, u64)>, Option<Origin>),
    journal: Journal,
    in_flight: &InFlight,
    mut signals: Signals,
) -> anyhow::Result<Exit> {
    // Without keys there is no account in which to assume the role, and that of the caller does not matter.
    let lacks_role = request.connection.role_name.is_some() && matches!(named, Some((_, 0)));
    let expected = if lacks_role {
        &[]
    } else {
        request.expected_accounts.as_slice()
    };
    let (iam, named) = connect(request, named, expected, &mut signals).await?;
    // The ID of the signing key encodes an account too, but nothing is decided by that.
    let account = if !lacks_role && (request.journal.is_some() || origin.is_some()) {
        let account = iam.caller.account("the journal needs the account");
        Some(signals.race(account).await.map_err(RunError::signal)??)
    } else {
        None
    };
    let account = account.as_ref();
    if let Err(stop) = journal.check_account(account) {
        in_flight.add_unread_journal("the journal belongs to another account");
        return Err(stop.into());
    }
    if let (Some(origin), Some(ours)) = (&origin, account) {
        origin.check_account(ours)?;
    }
    note_finished(&journal, request);
    if !lacks_role {
        tokio::select! {
            biased;
            recorded = journal.begin_run(account) => recorded?,
            exit = signals.next() => return Err(RunError::signal(exit).into()),
        }
    }
    let work = Work {
        request,
        iam: &iam,
        selector: Selector::new(&iam, request),
        journal,
        sts_failures: Cell::default(),
        in_flight,
        signals,
    };
    let exit = batch::run(&work, named).await?;
    drop(work);
    // The process ends now. Freeing its clients and certificates takes longer than signing a request.
    std::mem::forget(iam);
    Ok(exit)
}

/// Connects. If the account of the keys has to be looked up first, they are read twice.
async fn connect(
    request: &Request,
    named: Option<(Keys, u64)>,
    expected: &[AccountId],
    signals: &mut Signals,
) -> anyhow::Result<(Iam, Option<(Keys, u64)>)> {
    let connecting = async |keys: Option<NamedKeys<'_>>| {
        let connecting = aws::connect(
            &request.connection,
            keys,
            expected,
            request.limit,
            Purpose {
                makes_many_requests: request.single().is_none(),
                mode: request.mode,
                allow_self: request.allow_self,
            },
            Log::of(request),
        );
        let connected = signals.race(connecting).await.map_err(RunError::signal)?;
        match (connected, signals.first_by_now().await) {
            (Err(_), Some(exit)) => Err(RunError::signal(exit)),
            (connected, _) => connected,
        }
    };
    let (keys, count) = match named {
        Some(named) if request.connection.role_name.is_some() => named,
        named => return Ok((connecting(None).await?, named)),
    };
    let mut kept = SpillFile::new();
    let mut ids = keys.map(|target| {
        let target = target?;
        kept.push(&target)?;
        Ok(target.key.id)
    });
    let keys = NamedKeys {
        ids: &mut ids,
        option: match request.selection {
            Selection::Listed { .. } => "",
            _ => "--access-key-id ",
        },
        may_ask: request.may_ask,
        done_there: confirm::done_there(request, count),
    };
    let iam = connecting(Some(keys)).await?;
    drop(ids);
    Ok((iam, Some((keys_of(kept.read()?), count))))
}

/// Reports why the run ended before any key was changed.
fn stopped(error: anyhow::Error, request: &Request, in_flight: &InFlight) -> Exit {
    let text = format!("{error:#}");
    let hint = file_limit_hint(&text);
    let mut stop = error.downcast().unwrap_or_else(|_| RunError::other(text));
    if let Some(hint) = hint {
        stop.hints = vec![hint.into()];
    }
    let unfinished = in_flight.unfinished().map(|ids| ids.len());
    let exit = stop.exit;
    let ended_by_chance = exit.is_signal() || exit == Exit::Unreachable;
    if ended_by_chance
        && stop.hints.is_empty()
        && request.mode == Mode::Change
        && unfinished > Some(0)
    {
        stop.hints = vec![Hint::again("to continue, ")];
    }
    let explanation = if let Some((key, known)) = in_flight.single() {
        let result_text = format!("{}: {}", key.id, known.describe(request.action));
        Explanation::of(stop, known.result_member(request.action)).about(Some(key), result_text)
    } else {
        let known = match request.journal {
            // The journal says what earlier runs did.
            Some(_) => AS_REPORTED,
            None => KeyState::NotDone(String::new()).result_member(request.action),
        };
        Explanation::of(stop, known).about(None, no_key_changed(unfinished))
    };
    Messages::of(request).explain(&explanation);
    exit
}

/// Says that this run changed no key, given the number of keys that earlier runs started to change, if it is known.
fn no_key_changed(unfinished: Option<usize>) -> String {
    match unfinished {
        None => "this run changed no key; what earlier runs changed is unknown".to_owned(),
        Some(0) => "no key was changed".to_owned(),
        Some(1) => {
            "this run changed no key; 1 key that earlier runs started to change is still unknown"
                .to_owned()
        }
        Some(count) => {
            format!(
                "this run changed no key; {count} keys that earlier runs started to change are still unknown"
            )
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
            *lock(&seen) = format!("{}:{}", file.join("/"), location.line());
        }
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| lock(&place).clone())
}
