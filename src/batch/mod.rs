//! The keys, so many at a time: each is decided on, changed and settled by itself, and told as soon as it is settled.
//! What ends a run early ends it before the next key, and every key that was not tried is told too.

mod begun;
mod course;
mod each;
mod halt;
mod reach;
mod underway;

use std::io;
use std::iter::Peekable;

use crate::aws::attempt::Record;
use crate::aws::{Allowance, Connected, Iam};
use crate::change::{Change, owner_hint};
use crate::conclude::Ambiguity;
use crate::error::Exit;
use crate::guard;
use crate::journal::{Before, EarlierAttempt, Journal};
use crate::metadata::{KeyMetadata, Target};
use crate::outcome::{KeyResult, KeyState, Outcome};
use crate::report::{Proof, Report, try_query};
use crate::request::{Key, Mode, Request};
use crate::select::{Choice, Selector, named_by};
use crate::signal::{self, Signals};
use crate::tally::Summary;
use each::Taken;
use halt::Halt;
use reach::Heard;
pub(crate) use underway::UnderWay;

/// Keys, one after another; they are not all in memory.
pub(crate) type Keys = Peekable<Box<dyn Iterator<Item = io::Result<Target>>>>;

/// These keys, one after another.
pub(crate) fn keys(keys: impl Iterator<Item = io::Result<Target>> + 'static) -> Keys {
    let keys: Box<dyn Iterator<Item = io::Result<Target>>> = Box::new(keys);
    keys.peekable()
}

/// Whether a key still has to be decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It has.
    Open,
    /// It was chosen before.
    Made,
}

/// A run over keys.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// What is wanted.
    pub(crate) request: &'a Request,
    /// IAM, and who signs.
    pub(crate) connected: &'a Connected,
    /// How keys are chosen.
    pub(crate) selector: &'a Selector<'a>,
    /// Where each step is recorded.
    pub(crate) journal: &'a Journal,
    /// The keys that are being changed.
    pub(crate) under_way: &'a UnderWay,
    /// The signals that end the run.
    pub(crate) signals: Signals,
}

/// What one key may take: its requests wait in a queue of their own, and one limit covers them all.
struct Budget {
    iam: Iam,
    allowance: Allowance,
}

/// What came of a key.
enum Ended {
    /// This, and whether the journal has it.
    Now(Box<KeyResult>, io::Result<()>),
    /// It is done by an earlier run.
    Before,
}

/// What came of the intent to change a key.
enum Intended {
    /// It is on the disk.
    Recorded,
    /// A signal came first.
    Interrupted(Exit),
}

impl Batch<'_> {
    /// Handles all keys, and says how the run ended.
    pub(crate) async fn run(
        &self,
        keys: &mut Keys,
        decision: Decision,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Exit {
        let handle = |candidate| self.handle(candidate, decision);
        let take = |ended, report: &mut Report<'_>| self.take_ended(ended, report, tally);
        match self.each(keys, report, handle, take).await {
            None => tally.exit(),
            Some(halt) => self.halt(&halt, keys, report, tally).await,
        }
    }

    /// All of one key. One limit covers every step.
    async fn handle(&self, candidate: Target, decision: Decision) -> Ended {
        let before = self.journal.before(&candidate.key);
        if before == Before::Settled {
            return Ended::Before;
        }
        let mut budget = self.budget(&candidate.key);
        let decided = self
            .candidate(candidate, decision, before, &mut budget)
            .await;
        let settled = match decided {
            Choice::Stay(settled) => settled,
            Choice::Go(candidate) => match self.ready(&candidate).await {
                Ok(Intended::Recorded) => Box::new(self.change(candidate, before, &budget).await),
                Ok(Intended::Interrupted(exit)) => {
                    let settled = self.interrupted(candidate, exit);
                    return self.leave_intended(settled, before).await;
                }
                Err((why, error)) => {
                    let (exit, why) = (Exit::Other, why.to_owned());
                    let outcome = Outcome::NotTried { exit, why };
                    return Ended::Now(Box::new(self.settled(candidate, outcome)), Err(error));
                }
            },
        };
        let recorded = self.record(&settled, before).await;
        Ended::Now(settled, recorded)
    }

    /// What has to succeed before a key is changed: its result can be told, and the journal has the intent.
    ///
    /// # Errors
    ///
    /// The key must not be changed: why, and the error.
    async fn ready(&self, candidate: &Target) -> Result<Intended, (&'static str, io::Error)> {
        if self.request.mode == Mode::Change {
            try_query(self.request, candidate)
                .map_err(|error| ("--query does not work on the result", error))?;
        }
        self.intend(candidate)
            .await
            .map_err(|error| ("the journal could not be written", error))
    }

    /// Records that a key is about to be changed. A signal ends the wait for a disk that does not answer.
    async fn intend(&self, candidate: &Target) -> io::Result<Intended> {
        let mut signals = self.signals.clone();
        tokio::select! {
            biased;
            recorded = self.journal.intend(candidate) => recorded.map(|()| Intended::Recorded),
            exit = signals.next() => Ok(Intended::Interrupted(exit)),
        }
    }

    /// A signal came before the intent to change a key was on the disk: the key was not changed, and if the intent gets
    /// there, the next record says so.
    async fn leave_intended(&self, settled: Box<KeyResult>, before: Before) -> Ended {
        if before == Before::Nothing {
            // If it is not recorded, the next run checks the key.
            let _ = self.settle(&settled).await;
        }
        Ended::Now(settled, Ok(()))
    }

    /// Records a result. A signal bounds the wait for a disk that does not answer.
    async fn settle(&self, settled: &KeyResult) -> io::Result<()> {
        let recorded = self.journal.settle(settled);
        let recorded = self.signals.bound(signal::JOURNAL, recorded).await;
        recorded
            .unwrap_or_else(|_| Err(io::Error::other("the disk of the journal does not answer")))
    }

    /// Records what became of a key. What an earlier run began stays in doubt as long as nothing new is known.
    async fn record(&self, settled: &KeyResult, before: Before) -> io::Result<()> {
        let is_new = match &settled.outcome {
            Outcome::NotTried { .. } => false,
            Outcome::Done { .. } | Outcome::Missing(_) => true,
            _ => before == Before::Nothing || settled.attempts > 0,
        };
        if is_new && self.request.journal.is_some() {
            self.settle(settled).await
        } else {
            Ok(())
        }
    }

    /// What is to happen with a key, after all that speaks against it was asked.
    async fn candidate(
        &self,
        candidate: Target,
        decision: Decision,
        before: Before,
        budget: &mut Budget,
    ) -> Choice {
        let was_active = self.was_active(&candidate.key);
        let mut choice = self.judge(candidate, decision, before, budget).await;
        let facts = match &mut choice {
            Choice::Go(candidate) => &mut candidate.facts,
            Choice::Stay(settled) => &mut settled.facts,
        };
        facts.was_active = was_active;
        choice
    }

    async fn judge(
        &self,
        candidate: Target,
        decision: Decision,
        before: Before,
        budget: &mut Budget,
    ) -> Choice {
        if before == Before::Begun
            && self.request.mode == Mode::Change
            && let Some(outcome) = self.begun_before(&candidate, budget).await
        {
            return Choice::Stay(Box::new(self.settled(candidate, outcome)));
        }
        match decision {
            Decision::Open => self.decide(candidate.key, budget).await,
            // Whoever was asked may have taken their time.
            Decision::Made if self.request.asks() && !self.request.conditions.all.is_empty() => {
                self.decide(candidate.key, budget).await
            }
            Decision::Made => match self.signals.first() {
                Some(exit) => Choice::Stay(self.interrupted(candidate, exit)),
                None => self.guarded(candidate),
            },
        }
    }

    /// A key that was chosen before may have signed since: credentials are renewed in a long run.
    fn guarded(&self, candidate: Target) -> Choice {
        let signer = &self.connected.signer;
        match guard::signing_key(&candidate.key, signer, self.request.signing_key) {
            Some(refusal) => {
                let outcome = Outcome::Refused(refusal);
                Choice::Stay(Box::new(self.settled(candidate, outcome)))
            }
            None => Choice::Go(candidate),
        }
    }

    async fn decide(&self, key: Key, budget: &mut Budget) -> Choice {
        let untouched = Target {
            key: key.clone(),
            facts: KeyMetadata::default(),
        };
        let mut signals = self.signals.clone();
        tokio::select! {
            biased;
            exit = signals.next() => Choice::Stay(self.interrupted(untouched, exit)),
            choice = self.selector.decide(key, &budget.iam, &mut budget.allowance) => match choice {
                Choice::Stay(settled) => Choice::Stay(Box::new(self.or_in_doubt(*settled))),
                choice @ Choice::Go(_) => choice,
            },
        }
    }

    fn interrupted(&self, candidate: Target, exit: Exit) -> Box<KeyResult> {
        let outcome = if self.request.single().is_some() {
            let known = KeyState::NotDone("nothing was sent that changes it".to_owned());
            Outcome::Stopped {
                exit,
                known,
                failure: None,
            }
        } else {
            let why = "the run was interrupted".to_owned();
            Outcome::NotTried { exit, why }
        };
        Box::new(self.settled(candidate, outcome))
    }

    async fn change(&self, candidate: Target, before: Before, budget: &Budget) -> KeyResult {
        if self.request.mode == Mode::DryRun {
            let reason = self.request.conditions.to_string();
            return self.settled(candidate, Outcome::Would(reason));
        }
        let record = Record::default();
        let earlier = self.journal.known(&candidate.key);
        self.under_way.changing(&candidate.key, &record, earlier);
        let mut signals = self.signals.clone();
        let change = self.change_of(budget, before, &candidate);
        let named_by = named_by(self.request, &candidate.facts);
        let mut settled = change
            .run(candidate, &record, &budget.allowance, &mut signals)
            .await;
        settled.outcome = settled.outcome.with_owner_named_by(named_by);
        settled
    }

    fn budget(&self, key: &Key) -> Budget {
        let iam = self.connected.iam.for_one(key.id.as_str());
        let allowance = iam.allow(self.request.limit);
        Budget { iam, allowance }
    }

    fn change_of<'a>(
        &'a self,
        budget: &'a Budget,
        before: Before,
        candidate: &Target,
    ) -> Change<'a> {
        let Target { key, facts } = candidate;
        let earlier = self.journal.attempts(&key.id);
        let listed = facts.owner.as_ref().filter(|_| facts.status.is_some());
        Change {
            iam: &budget.iam,
            signer: &self.connected.signer,
            quantity: self.request.quantity(),
            action: self.request.action,
            missing: self.request.missing,
            earlier: match before {
                Before::Nothing | Before::Settled => Ambiguity::None,
                Before::Deactivated => Ambiguity::EarlierRun,
                Before::Begun if earlier.iter().all(EarlierAttempt::has_expired) => {
                    Ambiguity::EarlierRun
                }
                Before::Begun => Ambiguity::RecentRun,
            },
            owner: owner_hint(key.user_name.as_ref(), listed, earlier),
            limit: self.request.limit,
        }
    }

    /// A key of which this run changed nothing.
    fn settled(&self, candidate: Target, outcome: Outcome) -> KeyResult {
        self.or_in_doubt(KeyResult::untouched(
            candidate,
            self.request.action,
            outcome,
        ))
    }

    fn take_ended(
        &self,
        ended: io::Result<Ended>,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Taken {
        match ended {
            Err(error) => Taken::halt(Halt::Broken(error)),
            Ok(Ended::Before) => {
                tally.count_before();
                Taken::default()
            }
            Ok(Ended::Now(settled, recorded)) => self.take(&settled, recorded, report, tally),
        }
    }

    /// Takes what became of a key, and whether the journal has it.
    fn take(
        &self,
        settled: &KeyResult,
        recorded: io::Result<()>,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> Taken {
        let told = if recorded.is_ok() {
            self.tell(settled, report, tally)
        } else {
            tally.count(settled, self.request.mode);
            let told = report.unrecorded(settled, self.proof(settled), tally);
            self.under_way.told(&settled.key);
            told
        };
        let broken = recorded.map_err(Halt::unrecorded).err();
        let unwritten = told.map_err(Halt::Unwritten).err();
        Taken {
            heard: Heard::from(&settled.outcome),
            halt: broken.or(unwritten).or_else(|| self.halts(settled)),
        }
    }

    /// Whether a later run can prove what became of a key.
    fn proof(&self, settled: &KeyResult) -> Proof {
        let mut earlier = self.journal.attempts(&settled.key.id).iter();
        if settled.facts.status.is_some() || earlier.any(|attempt| attempt.listed_owner().is_some())
        {
            Proof::Listed
        } else {
            Proof::None
        }
    }

    /// Tells what became of a key and counts it.
    ///
    /// # Errors
    ///
    /// The result cannot be written.
    fn tell(
        &self,
        settled: &KeyResult,
        report: &mut Report<'_>,
        tally: &mut Summary,
    ) -> io::Result<()> {
        tally.count(settled, self.request.mode);
        let written = report.settled(settled, tally);
        self.under_way.told(&settled.key);
        written
    }
}
