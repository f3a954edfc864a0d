//! The course of a run: the keys are chosen, whoever has to be asked is asked, and then they are changed, so many at a
//! time. Each is reported as soon as it is finished. What ends a run early ends it before the next key, and every key that was
//! not tried is reported too.

mod elsewhere;
mod halt;
mod in_flight;
mod named;
mod one;
mod reach;

use std::io;
use std::iter::{self, Peekable};
use std::mem;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until, timeout};

use crate::confirm;
use crate::error::{Exit, RunError};
use crate::ident::AccountId;
use crate::log::Log;
use crate::metadata::Target;
use crate::outcome::{KeyResult, Outcome, OutcomeKind, Refusal};
use crate::report::message::Messages;
use crate::report::{self, Bar, Report, Resume, stream};
use crate::request::{Format, Mode, Selection};
use crate::select::Sweep;
use crate::signal;
use crate::spill::{SpillFile, SpillReader};
use crate::summary::Summary;
use halt::AbortReason;
pub(crate) use in_flight::InFlight;
pub(crate) use named::named;
use one::Processed;
pub(crate) use one::{Stage, Work};
use reach::{Heard, Reach};

/// How long a table waits for the account in its heading.
const STS: Duration = Duration::from_secs(3);

/// How many results of keys that are not changed wait to be written at most: a list may be long.
const WAITING: usize = 500;

/// Keys, one after another; they are not all in memory.
pub(crate) type Keys = Peekable<Box<dyn Iterator<Item = io::Result<Target>>>>;

/// These keys, one after another.
pub(crate) fn keys_of(keys: impl Iterator<Item = io::Result<Target>> + 'static) -> Keys {
    let keys: Box<dyn Iterator<Item = io::Result<Target>>> = Box::new(keys);
    keys.peekable()
}

/// A run over keys.
struct Run<'a> {
    work: &'a Work<'a>,
    /// The keys that are still to be worked on.
    keys: Keys,
    /// Those that were chosen so far, if all are chosen before any is changed.
    chosen: SpillFile<Target>,
    report: Report<'a>,
    tally: Summary,
}

/// Handles the keys that are `named`, with how many they are; or those that IAM's own lists tell. Says how the run ended.
///
/// # Errors
///
/// A list cannot be read: no key was changed.
pub(crate) async fn run(work: &Work<'_>, named: Option<(Keys, u64)>) -> anyhow::Result<Exit> {
    let mut run = Run {
        work,
        keys: keys_of(iter::empty()),
        chosen: SpillFile::new(),
        report: Report::new(work.request),
        tally: Summary::default(),
    };
    let exit = match run.course(named).await {
        Ok(()) => run.tally.exit(),
        Err(AbortReason::Stopped(error)) => return Err(error),
        Err(halt) => run.halt(halt).await,
    };
    Ok(run.end(exit).await)
}

impl Run<'_> {
    async fn course(&mut self, named: Option<(Keys, u64)>) -> Result<(), AbortReason> {
        let is_named = named.is_some();
        self.report.account = self.account_of_table().await?;
        let started = Instant::now();
        let staged = match named {
            Some((keys, count)) => {
                self.keys = keys;
                // A list that is short enough as a whole needs no second look at how many of its keys match.
                if !self.work.request.asks() && self.too_many(count).is_none() {
                    self.report.start_bar(count);
                    return self.each(Stage::ChooseAndChange).await;
                }
                self.each(Stage::Choose).await
            }
            None => self.sweep().await,
        };
        let rest = mem::replace(&mut self.keys, keys_of(iter::empty()));
        let chosen = mem::replace(&mut self.chosen, SpillFile::new());
        let count = chosen.len();
        let mut chosen = match chosen.read() {
            Ok(chosen) => chosen,
            Err(error) => {
                self.keys = rest;
                return staged.and(Err(AbortReason::stopped(error)));
            }
        };
        let confirmed = match (staged, self.too_many(count)) {
            (Ok(()), None) => self.confirmed(&mut chosen, count).await,
            (Ok(()), Some(refusal)) => self.written().await.and(Err(refusal)),
            (halt, _) => halt,
        };
        self.keys = if is_named {
            keys_of(chosen.chain(rest))
        } else {
            keys_of(rest.chain(chosen))
        };
        confirmed?;
        // Keys that are skipped or failed before are counted already.
        self.report.start_bar(self.tally.total() + count);
        self.each(Stage::Change(started)).await
    }

    /// Refuses a run that would change so many keys, if --max-keys does. A dry run changes none.
    fn too_many(&self, count: u64) -> Option<AbortReason> {
        let request = self.work.request;
        let limit = request.max_keys.filter(|limit| count > *limit)?;
        (request.mode == Mode::Change).then(|| {
            let refusal = RunError::refused(format!(
                "{}, more than --max-keys {limit} allows",
                matching(count)
            ));
            let hint = "check them with --dry-run; if they are right, raise --max-keys";
            AbortReason::stopped(refusal.hint(hint))
        })
    }

    /// Returns the account for the heading of a table. A change of a single key does not wait for STS, and a question
    /// names the account itself.
    async fn account_of_table(&self) -> Result<Option<AccountId>, AbortReason> {
        let (work, request) = (self.work, self.work.request);
        let is_single_change = request.single().is_some() && request.mode == Mode::Change;
        if self.report.format != Format::Table || is_single_change || request.asks() {
            return Ok(None);
        }
        let account = timeout(STS, work.connected.caller.account("the account is unknown"));
        let account = work
            .signals
            .race(account)
            .await
            .map_err(AbortReason::Signal)?;
        Ok(account.ok().and_then(Result::ok))
    }

    /// Chooses among the keys of one user or of all. Those that an earlier run began come first.
    async fn sweep(&mut self) -> Result<(), AbortReason> {
        let (work, request) = (self.work, self.work.request);
        let bar = Bar::new(request);
        let swept = work.selector.sweep(&request.selection, &bar);
        let swept = work.signals.race(Box::pin(swept)).await;
        bar.clear();
        let sweep = swept.unwrap_or_else(|exit| Err(RunError::signal(exit)));
        let sweep = sweep.map_err(AbortReason::stopped)?;
        work.selector.report_denied(sweep.denied);
        Messages::of(request).note(&looked_at(&sweep, &request.selection));
        self.keys = keys_of(work.left_open(&sweep).into_iter().map(Ok));
        let (found, inactive) = (sweep.keys() as u64, sweep.already_inactive() as u64);
        self.report.found = (found, inactive);
        self.chosen = sweep.chosen;
        let (mut written, mut halt) = (Ok(()), None);
        for settled in &sweep.settled {
            match written {
                Ok(()) => written = self.tell(settled),
                Err(_) => self.tally.count(settled, request),
            }
            if let Outcome::Failed { .. } = settled.outcome {
                halt = halt.or_else(|| work.halts(settled));
            }
        }
        written.map_err(AbortReason::Unwritten)?;
        halt.map_or(Ok(()), Err)?;
        self.each(Stage::Verify).await
    }

    /// Works on all keys, at most `--jobs` at a time, and takes each result as it comes. A key counts until its result
    /// is written: while a reader pauses, no further key starts, and responses are still read. After the first halt no
    /// further key starts either, and those in flight finish.
    async fn each(&mut self, stage: Stage) -> Result<(), AbortReason> {
        let work = self.work;
        let mut in_flight = FuturesUnordered::new();
        let mut reach = Reach::default();
        let mut halt = None;
        let mut signals = work.signals.clone();
        loop {
            let wants_more = halt.is_none() && self.keys.peek().is_some();
            if in_flight.is_empty() && !wants_more {
                return halt.map_or(Ok(()), Err);
            }
            let mut pause = None;
            if in_flight.is_empty() {
                match reach.pause(Instant::now()) {
                    Ok(until) => pause = until,
                    Err(gone) => {
                        halt = Some(AbortReason::Gone(gone));
                        continue;
                    }
                }
            }
            let at_once = reach.at_once(work.request.jobs.get());
            let is_full = in_flight.len() + self.report.output.len() >= at_once;
            let is_behind = stream::is_backlogged();
            if wants_more && !is_full && !is_behind && pause.is_none() {
                match self.keys.next() {
                    Some(Ok(candidate)) => in_flight.push(work.process(candidate, stage)),
                    Some(Err(error)) => halt = Some(AbortReason::Broken(error)),
                    None => {}
                }
                continue;
            }
            tokio::select! {
                biased;
                Some(processed) = in_flight.next() => {
                    let (heard, ended) = self.take(processed);
                    reach.heard(heard);
                    halt = halt.or(ended);
                }
                written = self.report.output.next(), if self.report.output.len() > 0 => {
                    halt = halt.or(written.err().map(AbortReason::Unwritten));
                }
                exit = signals.next(), if wants_more => halt = Some(AbortReason::Signal(exit)),
                () = stream::messages_written(), if wants_more && is_behind => {}
                () = sleep_until(pause.unwrap_or_else(Instant::now)), if pause.is_some() => {}
            }
        }
    }

    /// Takes what came of a key: what it says of the connection to IAM, and why no further key starts.
    fn take(&mut self, processed: Processed) -> (Heard, Option<AbortReason>) {
        let work = self.work;
        let (settled, recorded) = match processed {
            Processed::Earlier => {
                self.tally.count_finished_earlier();
                return (Heard::Nothing, None);
            }
            Processed::Chosen(candidate) => {
                let Err(error) = self.chosen.push(&candidate) else {
                    return (Heard::Answer, None);
                };
                let (exit, why) = (
                    Exit::Other,
                    "the list of keys could not be stored".to_owned(),
                );
                let _ = self.tell(&work.settled(*candidate, Outcome::NotTried { exit, why }));
                return (Heard::Nothing, Some(AbortReason::Broken(error)));
            }
            Processed::Settled(settled, recorded) => (settled, recorded),
        };
        let told = if recorded.is_ok() {
            self.tell(&settled)
        } else {
            self.tally.count(&settled, work.request);
            let proof = work.proof(&settled);
            let told = self.report.print_unrecorded(&settled, proof, &self.tally);
            work.in_flight.told(&settled.key);
            told
        };
        let broken = recorded.err().map(AbortReason::unrecorded);
        let unwritten = told.err().map(AbortReason::Unwritten);
        let halt = broken.or(unwritten).or_else(|| work.halts(&settled));
        (Heard::from(&settled.outcome), halt)
    }

    /// Tells what became of a key and counts it.
    ///
    /// # Errors
    ///
    /// The result cannot be written.
    fn tell(&mut self, settled: &KeyResult) -> io::Result<()> {
        self.tally.count(settled, self.work.request);
        let written = self.report.print_result(settled, &self.tally);
        self.work.in_flight.told(&settled.key);
        written
    }

    /// Waits until all results so far are written; after a signal not much longer.
    ///
    /// # Errors
    ///
    /// They cannot be written, or nobody reads them.
    async fn written(&mut self) -> Result<(), AbortReason> {
        let output = &mut self.report.output;
        while output.len() > 0 {
            let written = self.work.signals.bound(signal::OUTPUT, output.next());
            match written.await {
                Ok(written) => written.map_err(AbortReason::Unwritten)?,
                Err(exit) => {
                    output.give_up();
                    return Err(AbortReason::Signal(exit));
                }
            }
        }
        Ok(())
    }

    /// Shows the keys and asks, if confirmation is required; leaves them at the first.
    async fn confirmed(
        &mut self,
        keys: &mut SpillReader<Target>,
        count: u64,
    ) -> Result<(), AbortReason> {
        self.written().await?;
        let work = self.work;
        if !work.request.asks() || count == 0 {
            return Ok(());
        }
        // What STS says. A person can still answer where STS cannot be asked.
        let account = work.connected.caller.account("the account is unknown");
        let account = work
            .signals
            .race(account)
            .await
            .map_err(AbortReason::Signal)?;
        let account = account
            .inspect_err(|stop| Messages::of(work.request).warning(&stop.to_string()))
            .ok();
        report::show_targets(work.request, keys).map_err(AbortReason::stopped)?;
        keys.rewind().map_err(AbortReason::stopped)?;
        let signer = &work.connected.signer;
        let resume = self.resume(work.request.journal.is_some());
        let question = report::question(count, work.request, resume, account.as_ref(), signer);
        match work.signals.race(confirm::ask(question)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(AbortReason::NotConfirmed(Exit::Refused)),
            Err(exit) => Err(AbortReason::NotConfirmed(exit)),
        }
    }

    /// The run ends early: tells of the keys that are left, and says the exit status.
    async fn halt(&mut self, halt: AbortReason) -> Exit {
        match &halt {
            AbortReason::Signal(exit) => self.report.print_interruption(*exit),
            AbortReason::Gone(silent) => self.report.print_unreachable(*silent),
            AbortReason::OtherPrincipal { why } => self.report.print_stop(why),
            AbortReason::NotConfirmed(exit) => self.report.print_not_confirmed(*exit),
            _ => {}
        }
        let written = self.leave(&halt).await;
        match halt {
            AbortReason::After { .. } | AbortReason::Gone(_) | AbortReason::Stopped(_) => {
                self.tally.exit()
            }
            AbortReason::NotConfirmed(exit) => {
                let exit = match exit {
                    Exit::Refused => self.tally.exit(),
                    signal => signal,
                };
                match written {
                    Ok(()) => exit,
                    Err(error) => self.report.print_write_failure(&error, exit),
                }
            }
            AbortReason::Signal(exit) => exit,
            AbortReason::OtherPrincipal { .. } => Exit::Refused,
            AbortReason::Harmed => Exit::Other,
            AbortReason::Unwritten(error) => {
                self.report.print_write_failure(&error, self.tally.exit())
            }
            AbortReason::Broken(error) => {
                // Where the disk of the journal did not respond, a signal ended the wait for it.
                let exit = self.work.signals.first().unwrap_or(Exit::Other);
                self.report.print_broken_run(&error, exit);
                exit
            }
        }
    }

    /// Reports each remaining key as not tried, and counts them all. Those that an earlier run finished are
    /// counted as such.
    ///
    /// # Errors
    ///
    /// A result cannot be written: the others are only counted.
    async fn leave(&mut self, halt: &AbortReason) -> io::Result<()> {
        let work = self.work;
        let mut written = Ok(());
        while let Some(candidate) = self.keys.next() {
            let Ok(candidate) = candidate else { continue };
            if work.before(&candidate).is_settled() {
                self.tally.count_finished_earlier();
                continue;
            }
            let settled = work.settled(candidate, work.left(halt));
            let is_declined = matches!(settled.outcome, Outcome::Refused(Refusal::Declined));
            if is_declined || written.is_err() || self.report.output.gave_up() {
                self.tally.count(&settled, work.request);
                continue;
            }
            written = self.tell(&settled);
            if self.report.output.len() >= WAITING
                && let Err(AbortReason::Unwritten(error)) = self.written().await
            {
                written = Err(error);
            }
        }
        written
    }

    /// Waits until the results are written, and says the exit status of a run that came to `exit`.
    async fn end(mut self, exit: Exit) -> Exit {
        let (work, request) = (self.work, self.work.request);
        if request.single().is_none() {
            Log::of(request).verbose(|| work.requests());
        }
        let mut exit = match self.written().await {
            Err(AbortReason::Unwritten(error)) => self.report.print_write_failure(&error, exit),
            Err(AbortReason::Signal(exit)) => exit,
            _ => exit,
        };
        if self.report.output.gave_up() {
            self.report.print_unread_output(exit);
        }
        let would_change = [
            OutcomeKind::WouldDelete,
            OutcomeKind::WouldDeactivate,
            OutcomeKind::WouldReactivate,
        ];
        let count = would_change
            .map(|kind| self.tally.count_of(kind))
            .iter()
            .sum();
        if let Some(limit) = request.max_keys.filter(|limit| count > *limit) {
            Messages::of(request).warning(&format!(
                "{}, more than --max-keys {limit} allows: without --dry-run, nothing would be changed",
                matching(count)
            ));
        }
        let harm = work.journal.harm();
        let has_journal = request.journal.is_some() && harm.is_none();
        let resume = self.resume(has_journal);
        if let Some(harm) = harm {
            exit = self.report.print_lost_journal(harm, exit);
        }
        self.report.finish(&self.tally, resume);
        exit
    }

    /// What a later run continues or undoes this one from.
    fn resume(&self, has_journal: bool) -> Resume {
        let request = self.work.request;
        // A list of keys names no root user.
        let prints_whole = request.query.is_none()
            && self.report.format == Format::Json
            && request.connection.target_principal.is_none();
        if has_journal {
            Resume::Journal
        } else if prints_whole && !self.report.output.is_closed() {
            Resume::Results
        } else {
            Resume::Again
        }
    }
}

/// How many keys match, as the start of a sentence.
fn matching(count: u64) -> String {
    match count {
        1 => "1 key matches".to_owned(),
        _ => format!("{count} keys match"),
    }
}

/// How many keys a sweep found.
fn looked_at(sweep: &Sweep, selection: &Selection) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let already_inactive = match sweep.already_inactive() {
        0 => String::new(),
        count => format!(", {count} already inactive"),
    };
    let owners = match selection {
        Selection::Root => "the root user".to_owned(),
        _ => format!("{} user{}", sweep.users, plural(sweep.users)),
    };
    format!(
        "{} key{} of {owners} checked{already_inactive}",
        sweep.keys(),
        plural(sweep.keys()),
    )
}
