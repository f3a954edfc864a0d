//! The course of a run: the keys are selected, the user confirms, and the keys are changed, several at a time. Each key is
//! reported as soon as it is finished, and every key that was not tried is reported too.

mod abort;
mod chosen;
mod connectivity;
mod earlier;
mod finish;
mod in_flight;
mod intent;
mod named;
mod one;
mod other_account;
mod prior;
mod process;

use std::io;
use std::iter::{self, Peekable};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::confirm;
use crate::error::{Exit, RunError};
use crate::ident::AccountId;
use crate::metadata::Target;
use crate::moment::Moment;
use crate::report::message::Messages;
use crate::report::{self, Report};
use crate::request::{Format, Mode, Request, Selection};
use crate::select::Sweep;
use crate::spill::SpillReader;
use abort::AbortReason;
use chosen::Chosen;
pub(crate) use in_flight::InFlight;
pub(crate) use named::named;
use one::Stage;
pub(crate) use one::Work;

/// How long a table waits for the account in its heading.
const ACCOUNT_LIMIT: Duration = Duration::from_secs(3);

/// Keys that are read one after another. They need not all be in memory.
pub(crate) type Keys = Peekable<Box<dyn Iterator<Item = io::Result<Target>>>>;

/// Returns these keys, to be read one after another.
pub(crate) fn keys_of(keys: impl Iterator<Item = io::Result<Target>> + 'static) -> Keys {
    let keys: Box<dyn Iterator<Item = io::Result<Target>>> = Box::new(keys);
    keys.peekable()
}

/// A run over keys.
struct Run<'a> {
    work: &'a Work<'a>,
    /// The keys to process.
    keys: Keys,
    /// The keys selected so far, if all are selected before any is changed.
    chosen: Chosen,
    report: Report<'a>,
}

/// Processes the named keys, given with their number, or those that a sweep selects. Returns the exit status.
///
/// # Errors
///
/// A list cannot be read. No key was changed.
pub(crate) async fn run(work: &Work<'_>, named: Option<(Keys, u64)>) -> anyhow::Result<Exit> {
    let mut run = Run {
        work,
        keys: keys_of(iter::empty()),
        chosen: Chosen::default(),
        report: Report::new(work.request, work.selector.bar.clone()),
    };
    run.report.signing_keys = Arc::clone(&work.iam.signer.keys);
    run.report.commands.is_root_caller = Arc::clone(&work.iam.caller.is_root);
    let exit = match run.choose_and_change(named).await {
        Ok(()) => run.report.summary.exit(),
        Err(AbortReason::Fatal(error)) => return Err(error),
        Err(reason) => run.abort(reason).await,
    };
    Ok(run.finish(exit).await)
}

impl Run<'_> {
    async fn choose_and_change(&mut self, named: Option<(Keys, u64)>) -> Result<(), AbortReason> {
        let named = named.map(|(keys, count)| {
            self.keys = keys;
            count
        });
        self.report.account = self.account_of_table().await?;
        let started = Moment::now();
        let chosen = match named {
            Some(count) => {
                self.report.start_bar(count);
                // If the whole list is within --max-keys, the matching keys need not be counted first.
                if !self.work.request.asks() && self.too_many(count).is_none() {
                    return self.process_keys(Stage::ChooseAndChange).await;
                }
                let chosen = self.process_keys(Stage::Choose).await;
                self.report.bar.clear();
                chosen
            }
            None => self.sweep().await,
        };
        let rest = mem::replace(&mut self.keys, keys_of(iter::empty()));
        let keys = mem::take(&mut self.chosen).keys;
        let count = keys.len();
        let mut keys = match keys.read() {
            Ok(keys) => keys,
            Err(error) => {
                self.keys = rest;
                return chosen.and(Err(AbortReason::fatal(error)));
            }
        };
        let confirmed = match (chosen, self.too_many(count)) {
            (Ok(()), None) => self.confirm(&mut keys, count).await,
            (Ok(()), Some(refusal)) => {
                let reported = self.report_unfinished(&mut keys).await;
                reported.and(self.flush_output().await).and(Err(refusal))
            }
            (Err(reason), _) => Err(reason),
        };
        self.keys = if named.is_some() {
            keys_of(keys.chain(rest))
        } else {
            keys_of(rest.chain(keys))
        };
        confirmed?;
        // Keys that are skipped or failed are counted already.
        self.report.start_bar(self.report.summary.total() + count);
        self.process_keys(Stage::Change(started)).await
    }

    /// Returns the refusal of a run that would change this many keys, more than --max-keys allows. A dry run changes none.
    fn too_many(&self, count: u64) -> Option<AbortReason> {
        let request = self.work.request;
        let limit = request.max_keys.filter(|limit| count > *limit)?;
        (request.mode == Mode::Change).then(|| {
            let refusal = RunError::refused(format!(
                "{}, more than --max-keys {limit} allows",
                matching(count)
            ));
            let hint = "check them with --dry-run; if they are right, raise --max-keys";
            AbortReason::fatal(refusal.hint(hint))
        })
    }

    /// Returns the account for the heading of a table. A change of a single key does not wait for STS, and a question
    /// names the account itself.
    async fn account_of_table(&self) -> Result<Option<AccountId>, AbortReason> {
        let request = self.work.request;
        let is_single_change = request.single().is_some() && request.mode == Mode::Change;
        if self.report.format != Format::Table || is_single_change || request.asks() {
            return Ok(None);
        }
        match timeout(ACCOUNT_LIMIT, self.account()).await {
            Ok(account) => Ok(account?.ok()),
            Err(_) => Ok(None),
        }
    }

    /// Selects among the keys of one user or of the account. Keys that an earlier run started to change come first.
    async fn sweep(&mut self) -> Result<(), AbortReason> {
        let (work, request) = (self.work, self.work.request);
        let swept = work.selector.sweep(&request.selection);
        let swept = work.signals.race(Box::pin(swept)).await;
        self.report.bar.clear();
        let sweep = swept.unwrap_or_else(|exit| Err(RunError::signal(exit)));
        let sweep = sweep.map_err(|error| AbortReason::fatal(work.with_unfinished(error)))?;
        work.selector.report_unread(sweep.unread);
        Messages::of(request).note(&describe_sweep(&sweep, request));
        let unfinished = work.unfinished(&sweep);
        work.record_left_alone(&sweep, &unfinished).await;
        self.keys = keys_of(unfinished.into_iter().map(|key| Ok(key.into())));
        self.report.found = (sweep.keys() as u64, sweep.already_inactive() as u64);
        self.chosen.keys = sweep.chosen;
        let results = sweep.results.into_iter();
        let results = results.map(|result| *work.with_prior_state(Box::new(result), None));
        self.report_kept(results.collect()).await?;
        self.process_keys(Stage::Verify).await
    }

    /// Shows the keys and asks, if the request requires it. The keys are at their start afterwards.
    async fn confirm(
        &mut self,
        keys: &mut SpillReader<Target>,
        count: u64,
    ) -> Result<(), AbortReason> {
        self.flush_output().await?;
        let work = self.work;
        if !work.request.asks() || count == 0 {
            return Ok(());
        }
        // A person can answer even if STS cannot be called.
        let account = self.account().await?;
        let account = account
            .inspect_err(|error| Messages::of(work.request).warning(&error.to_string()))
            .ok();
        report::show_targets(work.request, keys).map_err(AbortReason::fatal)?;
        keys.rewind().map_err(AbortReason::fatal)?;
        let signer = &work.iam.signer;
        let resume = self.resume(work.request.journal.is_some());
        let question = report::question(count, work.request, resume, account.as_ref(), signer);
        match work.signals.race(confirm::ask(&question)).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let exit = work.signals.first_by_now().await;
                Err(AbortReason::NotConfirmed(exit.unwrap_or(Exit::Refused)))
            }
            Err(exit) => Err(AbortReason::NotConfirmed(exit)),
        }
    }

    /// Returns the account of the credentials, or why STS does not return it.
    async fn account(&self) -> Result<Result<AccountId, RunError>, AbortReason> {
        let account = self.work.iam.caller.account("the account is unknown");
        let account = self.work.signals.race(account).await;
        account.map_err(AbortReason::Signal)
    }
}

/// Says how many keys match, as the start of a sentence.
fn matching(count: u64) -> String {
    match count {
        1 => "1 key matches".to_owned(),
        _ => format!("{count} keys match"),
    }
}

/// Says how many keys a sweep found.
fn describe_sweep(sweep: &Sweep, request: &Request) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let already_inactive = match sweep.already_inactive() {
        0 => String::new(),
        count => format!(", {count} already inactive"),
    };
    let owners = match &request.selection {
        Selection::Root => "the root user".to_owned(),
        _ => format!("{} user{}", sweep.users, plural(sweep.users)),
    };
    let [excepted, excluded] = sweep.not_read;
    let not_read = [
        (excepted, "--except-user"),
        (excluded, "no matching key in the credential report"),
    ];
    let not_read = not_read.iter().filter(|(count, _)| *count > 0);
    let not_read = not_read.map(|(count, why)| {
        let plural = plural(*count);
        format!("; {count} user{plural} skipped ({why})")
    });
    let path = request.path_prefix.as_ref();
    let empty_path = path.filter(|_| sweep.users + excepted + excluded == 0);
    let empty_path = empty_path.map(|path| format!("; no user is under {}", path.as_str()));
    format!(
        "{} key{} of {owners} checked{already_inactive}{}{}",
        sweep.keys(),
        plural(sweep.keys()),
        not_read.collect::<String>(),
        empty_path.unwrap_or_default(),
    )
}
