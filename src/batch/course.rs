//! The course of a run: the keys are chosen, whoever has to be asked is asked, and then they are changed.

use std::io;

use super::each::Taken;
use super::halt::Halt;
use super::reach::Heard;
use super::{Batch, Decision, Keys, keys as keys_of};
use crate::aws::Connected;
use crate::confirm;
use crate::error::{Exit, RunError};
use crate::ident::AccountId;
use crate::journal::Before;
use crate::log::Log;
use crate::metadata::Target;
use crate::outcome::{Outcome, Refusal};
use crate::report::message::Messages;
use crate::report::{self, Bar, Report, Resume};
use crate::request::Format;
use crate::select::{Choice, Sweep};
use crate::spool::{Spool, Spooled};
use crate::tally::Summary;

/// How many keys a table before the question has.
const SHOWN_AT_ONCE: usize = 500;

impl Batch<'_> {
    /// Handles the keys that are `named`, with how many they are; or those that IAM's own lists tell.
    ///
    /// # Errors
    ///
    /// A list cannot be read: no key was changed.
    pub(crate) async fn all(&self, named: Option<(Keys, u64)>) -> anyhow::Result<Exit> {
        let (mut report, mut tally) = (Report::new(self.request), Summary::default());
        let exit = self.course(named, &mut report, &mut tally).await?;
        let log = Log::of(self.request);
        if self.request.single().is_none() {
            log.verbose(|| requests(self.connected));
        }
        let exit = self.finish(&mut report, exit).await;
        let harm = self.journal.harm();
        let has_journal = self.request.journal.is_some() && harm.is_none();
        let exit = harm.map_or(exit, |harm| report.incomplete(harm, exit));
        let prints_whole = self.request.query.is_none() && self.request.format == Format::Json;
        let resume = if has_journal {
            Resume::Journal
        } else if prints_whole && !report.output.is_closed() {
            Resume::Results
        } else {
            Resume::Again
        };
        report.end(&tally, resume);
        Ok(exit)
    }

    /// Waits until the results are written, and says the exit status of a run that came to `exit`.
    async fn finish(&self, report: &mut Report<'_>, exit: Exit) -> Exit {
        let written = match report.write_table() {
            Ok(()) => self.written(report).await,
            Err(error) => Err(Halt::Unwritten(error)),
        };
        let exit = match written {
            Err(Halt::Unwritten(error)) => report.unwritten(&error, exit),
            Err(Halt::Signal(exit)) => exit,
            _ => exit,
        };
        if report.output.gave_up() {
            report.unread(exit);
        }
        exit
    }

    async fn course(
        &self,
        named: Option<(Keys, u64)>,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> anyhow::Result<Exit> {
        let chosen = match named {
            Some((mut keys, count)) if !self.request.asks() => {
                report.expect(count);
                return Ok(self.run(&mut keys, Decision::Open, report, tally).await);
            }
            Some((keys, _)) => match self.choose(keys, report, tally).await {
                Ok(chosen) => chosen,
                Err(exit) => return Ok(exit),
            },
            None => {
                let sweep = self.sweep().await?;
                let mut left_open = keys_of(self.left_open(&sweep).into_iter().map(Ok));
                let Sweep {
                    chosen,
                    refused,
                    keys,
                    already_inactive,
                    ..
                } = sweep;
                report.found = (keys, already_inactive);
                let mut written = Ok(());
                for settled in &refused {
                    match written {
                        Ok(()) => written = self.tell(settled, report, tally),
                        Err(_) => tally.count(settled, self.request.mode),
                    }
                }
                let halt = if let Err(error) = written {
                    Some(Halt::Unwritten(error))
                } else {
                    let verify = |candidate| self.verify(candidate);
                    let take =
                        |ended, report: &mut Report<'_>| self.take_ended(ended, report, tally);
                    self.each(&mut left_open, report, verify, take).await
                };
                if let Some(halt) = halt {
                    let mut keys = keys_of(left_open.chain(chosen.read()?));
                    return Ok(self.halt(&halt, &mut keys, report, tally).await);
                }
                chosen
            }
        };
        let count = chosen.len();
        let mut keys = chosen.read()?;
        if let Err(halt) = self.written(report).await {
            return Ok(self.halt(&halt, &mut keys_of(keys), report, tally).await);
        }
        if self.request.asks() && count > 0 {
            match self.ask(&mut keys, count).await? {
                Answer::Yes => {}
                Answer::No => {
                    return Ok(self.declined(&mut keys_of(keys), report, tally).await);
                }
                Answer::Signal(exit) => {
                    let mut keys = keys_of(keys);
                    return Ok(self.unanswered(&mut keys, exit, report, tally).await);
                }
            }
        }
        report.expect(count);
        let mut keys = keys_of(keys);
        Ok(self.run(&mut keys, Decision::Made, report, tally).await)
    }

    /// Decides on all keys before any is changed; those that stay are told.
    async fn choose(
        &self,
        mut keys: Keys,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Result<Spool<Target>, Exit> {
        let mut chosen = Spool::new();
        let decide = async |candidate: Target| {
            let before = self.journal.before(&candidate.key);
            if before == Before::Settled {
                return None;
            }
            let mut budget = self.budget(&candidate.key);
            let choice = self
                .candidate(candidate, Decision::Open, before, &mut budget)
                .await;
            let recorded = match &choice {
                Choice::Stay(settled) => self.record(settled, before).await,
                Choice::Go(_) => Ok(()),
            };
            Some((choice, recorded))
        };
        let take = |choice: io::Result<Option<(Choice, io::Result<()>)>>,
                    report: &mut Report<'_>| {
            match choice {
                Err(error) => Taken::halt(Halt::Broken(error)),
                Ok(None) => {
                    tally.count_before();
                    Taken::default()
                }
                Ok(Some((Choice::Go(candidate), _))) => match chosen.push(&candidate) {
                    Ok(()) => Taken {
                        heard: Heard::Answer,
                        halt: None,
                    },
                    Err(error) => {
                        let (exit, why) = (Exit::Other, "the list could not be kept".to_owned());
                        let outcome = Outcome::NotTried { exit, why };
                        let _ = self.tell(&self.settled(candidate, outcome), report, tally);
                        Taken::halt(Halt::Broken(error))
                    }
                },
                Ok(Some((Choice::Stay(settled), recorded))) => {
                    self.take(&settled, recorded, report, tally)
                }
            }
        };
        let Some(halt) = self.each(&mut keys, report, decide, take).await else {
            return Ok(chosen);
        };
        let mut keys: Keys = match chosen.read() {
            Ok(chosen) => keys_of(chosen.chain(keys)),
            Err(_) => keys,
        };
        Err(self.halt(&halt, &mut keys, report, tally).await)
    }

    /// Looks at the keys of one user or of all.
    async fn sweep(&self) -> Result<Sweep, RunError> {
        let bar = Bar::new(self.request);
        let mut signals = self.signals.clone();
        let progress = |done, all| bar.step("users", done, all);
        let swept = tokio::select! {
            swept = self.selector.sweep(&self.request.selection, progress) => swept,
            exit = signals.next() => Err(RunError::signal(exit)),
        };
        bar.clear();
        let sweep = swept?;
        self.selector.report_denied(sweep.denied);
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let already_inactive = match sweep.already_inactive {
            0 => String::new(),
            count => format!(", {count} already inactive"),
        };
        Messages::of(self.request).note(&format!(
            "{} key{} of {} user{} looked at, {} chosen{already_inactive}",
            sweep.keys,
            plural(sweep.keys),
            sweep.users,
            plural(sweep.users as u64),
            sweep.chosen.len()
        ));
        Ok(sweep)
    }

    /// Shows the keys and asks; leaves them at the first.
    async fn ask(&self, keys: &mut Spooled<Target>, count: u64) -> io::Result<Answer> {
        let mut signals = self.signals.clone();
        let account = tokio::select! {
            account = self.account() => account,
            exit = signals.next() => return Ok(Answer::Signal(exit)),
        };
        let mut page = Vec::new();
        for candidate in keys.by_ref() {
            page.push(candidate?);
            if page.len() == SHOWN_AT_ONCE {
                report::show(&page);
                page.clear();
            }
        }
        if !page.is_empty() {
            report::show(&page);
        }
        keys.rewind()?;
        let profile = self.connected.signer.profile.as_deref();
        let action = self.request.action;
        let question = report::question(count, action, account.as_ref(), profile);
        Ok(tokio::select! {
            answer = confirm::ask(question) => if answer { Answer::Yes } else { Answer::No },
            exit = signals.next() => Answer::Signal(exit),
        })
    }

    /// The account that a question names: what STS says. A person can still answer where STS cannot be asked.
    async fn account(&self) -> Option<AccountId> {
        match self
            .connected
            .caller
            .account("the account is unknown")
            .await
        {
            Ok(account) => Some(account),
            Err(stop) => {
                Messages::of(self.request).warning(&stop.to_string());
                None
            }
        }
    }

    /// The answer was not yes: tells so of each key.
    async fn declined(
        &self,
        keys: &mut Keys,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Exit {
        let declined = |candidate| self.settled(candidate, Outcome::Refused(Refusal::Declined));
        match self.tell_all(keys, declined, report, tally).await {
            Ok(()) => tally.exit(),
            Err(error) => report.unwritten(&error, tally.exit()),
        }
    }

    /// A signal came instead of an answer: tells so of each key.
    async fn unanswered(
        &self,
        keys: &mut Keys,
        exit: Exit,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Exit {
        report.interrupted(exit);
        let interrupted = |candidate| *self.interrupted(candidate, exit);
        let _ = self.tell_all(keys, interrupted, report, tally).await;
        exit
    }
}

/// What the run cost, in requests.
fn requests(connected: &Connected) -> String {
    let counted = connected.iam.requests();
    let all: usize = counted.iter().map(|(_, count)| count).sum();
    let each: Vec<String> = counted
        .iter()
        .map(|(operation, count)| format!("{count} {operation}"))
        .collect();
    format!("{all} requests to IAM: {}", each.join(", "))
}

/// What came after the question.
enum Answer {
    Yes,
    No,
    Signal(Exit),
}
