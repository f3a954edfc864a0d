//! One key of a run: it is checked, changed and reported, and each step is recorded.

use std::io;

use tokio::time::Instant;

use super::InFlight;
use crate::aws::attempt::Attempts;
use crate::aws::{Connected, Iam, KeyBudget};
use crate::change::Change;
use crate::conclude::Ambiguity;
use crate::error::Exit;
use crate::guard;
use crate::journal::{EarlierAttempt, Journal, PriorState};
use crate::locate::{OwnerHint, Search, owner_hint};
use crate::metadata::{Deactivation, Target};
use crate::outcome::{KeyResult, KeyState, Outcome, Refusal, STATUS_UNKNOWN};
use crate::report::{Proof, try_query};
use crate::request::{Action, Key, Mode, Request, Selection};
use crate::select::{Choice, Selector, Sweep, named_by};
use crate::signal::{self, Signals};

/// What all keys of a run share.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    /// What is wanted.
    pub(crate) request: &'a Request,
    /// IAM, and who signs.
    pub(crate) connected: &'a Connected,
    /// How keys are chosen.
    pub(crate) selector: Selector<'a>,
    /// Where each step is recorded.
    pub(crate) journal: Journal,
    /// The keys that are being changed.
    pub(crate) in_flight: &'a InFlight,
    /// The signals that end the run.
    pub(crate) signals: Signals,
}

/// How far a key is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is decided on.
    Choose,
    /// It is decided on, and changed.
    ChooseAndChange,
    /// It was chosen then or later, and is changed.
    Change(Instant),
    /// An earlier run began it: it is looked for. It is not changed, since this run did not choose it.
    Verify,
}

/// What came of a key.
pub(super) enum Processed {
    /// An earlier run finished it.
    Earlier,
    /// It is to be changed.
    Chosen(Box<Target>),
    /// It is finished, and whether the journal has that.
    Finished(Box<KeyResult>, io::Result<()>),
}

/// What one key may take: its requests wait in a queue of their own, and one limit covers them all.
struct Budget {
    iam: Iam,
    budget: KeyBudget,
}

impl Work<'_> {
    /// All of one key. One limit covers every step.
    pub(super) async fn process(&self, target: Target, stage: Stage) -> Processed {
        let before = self.before(&target);
        if before.is_finished() {
            return Processed::Earlier;
        }
        let iam = self.connected.iam.for_one(target.key.id.as_str());
        let budget = iam.key_budget(self.request.limit);
        let mut budget = Budget { iam, budget };
        let started_earlier = before != PriorState::None;
        let result = match self.judge(target, stage, before, &mut budget).await {
            // The list lagged behind a deletion that the earlier run reported.
            Err(result)
                if matches!(result.outcome, Outcome::Done { .. })
                    && self.journal.prior_state(&result.key) == PriorState::Done =>
            {
                return Processed::Earlier;
            }
            Err(mut result) => {
                result.metadata.started_earlier = started_earlier;
                result
            }
            Ok(mut target) => {
                target.metadata.started_earlier = started_earlier;
                if stage == Stage::Choose {
                    return Processed::Chosen(Box::new(target));
                }
                match self.ready(target, before).await {
                    Ok(target) => self.change(target, before, &budget).await,
                    Err((result, recorded)) => return Processed::Finished(result, recorded),
                }
            }
        };
        let recorded = self.record(&result, before).await;
        let result = self.with_account(result).await;
        Processed::Finished(result, recorded)
    }

    /// What earlier runs say of a key. That this run lists it takes precedence over a record that it is gone.
    pub(super) fn before(&self, target: &Target) -> PriorState {
        match self.journal.prior_state(&target.key) {
            before if target.metadata.status.is_none() => before,
            PriorState::Missing => PriorState::None,
            // The list may lag behind the deletion: the key is verified first.
            PriorState::Done => PriorState::InProgress,
            before => before,
        }
    }

    /// Whether what the conditions found then still counts. A person may have taken their time to answer, a reader of the
    /// results to read, and IAM to delete the keys before: a key can have been used since.
    fn is_still_valid(&self, chosen: Instant) -> bool {
        let is_recent = !self.request.asks() && chosen.elapsed() < self.request.limit;
        let has_conditions = !self.request.conditions.all.is_empty();
        is_recent || !has_conditions && self.request.path_prefix.is_none()
    }

    /// Whether a key may be changed, after all that speaks against it was asked.
    async fn judge(
        &self,
        target: Target,
        stage: Stage,
        before: PriorState,
        budget: &mut Budget,
    ) -> Choice {
        if let Some(outcome) = not_undone(target.metadata.deactivation) {
            return Err(self.unchanged(target, outcome));
        }
        if before == PriorState::InProgress && self.request.mode == Mode::Change {
            let record = Attempts::default();
            let change = self.change_of(budget, before, &target, &record);
            if let Ok(Some(outcome)) = self.signals.race(change.confirm_earlier()).await {
                return Err(self.unchanged(target, outcome));
            }
        }
        match stage {
            Stage::Verify => {
                let why = "IAM's lists do not show whether it was changed";
                Err(self.unchanged(target, left_in_doubt(Exit::Unknown, why)))
            }
            Stage::Change(chosen) if self.is_still_valid(chosen) => {
                if let Some(exit) = self.signals.first() {
                    return Err(self.unchanged(target, self.interrupted(exit)));
                }
                // A key that was chosen before may have signed since: credentials are renewed in a long run.
                let signer = &self.connected.signer;
                match guard::signing_key(&target.key, signer, self.request) {
                    Some(outcome) => Err(self.unchanged(target, outcome)),
                    None => Ok(target),
                }
            }
            Stage::Choose | Stage::ChooseAndChange | Stage::Change(_) => {
                let key = target.key.clone();
                let decided = self.selector.decide(key, &budget.iam, &mut budget.budget);
                match self.signals.race(Box::pin(decided)).await {
                    Ok(choice) => choice.map_err(|result| self.or_in_doubt(result)),
                    Err(exit) => {
                        let untouched = Target::from(target.key);
                        Err(self.unchanged(untouched, self.interrupted(exit)))
                    }
                }
            }
        }
    }

    /// What has to succeed before a key is changed: its result can be told, and the journal has the intent. A signal ends
    /// the wait for a disk that does not answer.
    async fn ready(
        &self,
        target: Target,
        before: PriorState,
    ) -> Result<Target, (Box<KeyResult>, io::Result<()>)> {
        if self.request.mode == Mode::DryRun {
            return Ok(target);
        }
        let broken = |target, why: &str, error| {
            let (exit, why) = (Exit::Other, why.to_owned());
            let result = self.unchanged(target, Outcome::NotTried { exit, why });
            Err((result, Err(error)))
        };
        if let Err(error) = try_query(self.request, &target) {
            return broken(target, "--query failed on the result", error);
        }
        let mut signals = self.signals.clone();
        tokio::select! {
            biased;
            recorded = self.journal.record_intent(&target) => match recorded {
                Ok(()) => Ok(target),
                Err(error) => broken(target, "the journal could not be written", error),
            },
            exit = signals.next() => {
                let result = self.unchanged(target, self.interrupted(exit));
                if before == PriorState::None {
                    // If the intent gets to the disk, this record says that the key was not changed. If this one does not,
                    // the next run checks the key.
                    let _ = self.record_result(&result).await;
                }
                Err((result, Ok(())))
            }
        }
    }

    /// What becomes of a key whose change did not start when a signal came.
    pub(super) fn interrupted(&self, exit: Exit) -> Outcome {
        if self.request.single().is_some() {
            Outcome::Stopped {
                exit,
                known: KeyState::NotDone("no request to change it was sent".to_owned()),
                failure: None,
            }
        } else {
            let why = "the run was interrupted".to_owned();
            Outcome::NotTried { exit, why }
        }
    }

    async fn change(&self, target: Target, before: PriorState, budget: &Budget) -> Box<KeyResult> {
        if self.request.mode == Mode::DryRun {
            let reason = self.request.conditions.to_string();
            return self.unchanged(target, Outcome::WouldChange(reason));
        }
        let record = Attempts::default();
        self.in_flight.add(&target.key, &record, before.known());
        let mut signals = self.signals.clone();
        let change = self.change_of(budget, before, &target, &record);
        let (outcome, attempts) = change.run(&mut signals).await;
        let Target { key, metadata } = target;
        let outcome = outcome.with_owner_named_by(named_by(self.request, &metadata));
        Box::new(KeyResult {
            key,
            metadata,
            action: self.request.action,
            outcome,
            attempts,
        })
    }

    fn change_of<'a>(
        &'a self,
        budget: &'a Budget,
        before: PriorState,
        target: &'a Target,
        record: &'a Attempts,
    ) -> Change<'a> {
        let Target { key, metadata } = target;
        let attempts = self.journal.attempts(&key.id);
        Change {
            search: Search {
                iam: &budget.iam,
                signer: &self.connected.signer,
                request: self.request,
                key,
                hint: owner_hint(key, metadata, attempts, self.connected.signer.principal),
            },
            earlier: match before {
                PriorState::None | PriorState::Missing | PriorState::Done => Ambiguity::None,
                PriorState::StatusSet(_) => Ambiguity::EarlierRun,
                PriorState::InProgress if attempts.iter().all(EarlierAttempt::has_expired) => {
                    Ambiguity::EarlierRun
                }
                PriorState::InProgress => Ambiguity::RecentRun,
            },
            attempts: record,
            budget: &budget.budget,
        }
    }

    /// Records what became of a key. What an earlier run began stays in doubt as long as nothing new is known.
    async fn record(&self, result: &KeyResult, before: PriorState) -> io::Result<()> {
        let is_new = match &result.outcome {
            Outcome::NotTried { .. } | Outcome::LeftUnverified { .. } => false,
            Outcome::Done { .. } | Outcome::Missing(_) => true,
            _ => before == PriorState::None || result.attempts > 0,
        };
        if is_new && self.request.journal.is_some() {
            self.record_result(result).await
        } else {
            Ok(())
        }
    }

    /// Records a result. A signal bounds the wait for a disk that does not answer.
    async fn record_result(&self, result: &KeyResult) -> io::Result<()> {
        let recorded = self.journal.record_result(result);
        let recorded = self.signals.bound(signal::JOURNAL, recorded).await;
        recorded.unwrap_or_else(|_| Err(io::Error::other("the journal's disk is not responding")))
    }

    /// A key of which this run changed nothing.
    pub(super) fn unchanged(&self, target: Target, outcome: Outcome) -> Box<KeyResult> {
        let result = KeyResult::unchanged(target, self.request.action, outcome);
        self.or_in_doubt(Box::new(result))
    }

    /// That a key was left, cannot be read or is not there does not say that it was not changed, where an earlier run began
    /// it. That IAM listed it does, but for a key that has the status which it was to get.
    fn or_in_doubt(&self, mut result: Box<KeyResult>) -> Box<KeyResult> {
        let status = &result.metadata.status;
        let is_unchanged = status.is_some() && *status != result.action.status();
        let before = self.journal.prior_state(&result.key);
        let Some(known) = before.known().filter(|_| !before.is_finished()) else {
            return result;
        };
        if !is_unchanged {
            let attempts = self.journal.attempts(&result.key.id);
            let principal = self.connected.signer.principal;
            let owner = owner_hint(&result.key, &result.metadata, attempts, principal);
            result.outcome = in_doubt(result.outcome, known, result.action, &owner);
        }
        result
    }

    /// The keys of this run that an earlier one started, unless the sweep shows that they are unchanged.
    pub(super) fn left_open(&self, sweep: &Sweep) -> Vec<Target> {
        let is_of_run = |key: &Key| match &self.request.selection {
            Selection::User(user) => key
                .user_name
                .as_ref()
                .is_some_and(|name| name.same_user(user)),
            Selection::Root => key.user_name.is_none(),
            Selection::Account => true,
            Selection::Named(_) | Selection::Listed { .. } => false,
        };
        let unfinished = self.journal.unfinished().into_iter();
        unfinished
            .filter(|key| is_of_run(key) && !sweep.shows_unchanged(&key.id))
            .map(Target::from)
            .collect()
    }

    /// Whether a later run can prove what became of a key.
    pub(super) fn proof(&self, result: &KeyResult) -> Proof {
        let mut earlier = self.journal.attempts(&result.key.id).iter();
        if result.metadata.status.is_some()
            || earlier.any(|attempt| attempt.listed_owner().is_some())
        {
            Proof::Listed
        } else {
            Proof::None
        }
    }

    /// What the run cost, in requests.
    pub(super) fn requests(&self) -> String {
        let counted = self.connected.iam.requests();
        let all: usize = counted.iter().map(|(_, count)| count).sum();
        let each: Vec<String> = counted
            .iter()
            .map(|(operation, count)| format!("{count} {operation}"))
            .collect();
        format!("{all} requests to IAM: {}", each.join(", "))
    }
}
/// What becomes of a key whose deactivation is not undone, since nobody knows that there is one of an active key.
fn not_undone(deactivation: Option<Deactivation>) -> Option<Outcome> {
    match deactivation {
        None | Some(Deactivation::OfActive) => None,
        Some(Deactivation::OfUnknownStatus) => Some(Outcome::Refused(Refusal::StatusUnknown)),
        Some(Deactivation::Unverified | Deactivation::NotDone) => {
            let why = "it is unknown whether an earlier run deactivated it";
            Some(left_in_doubt(Exit::Unknown, why))
        }
    }
}

/// A key that an earlier run began, and this one left for this reason.
fn left_in_doubt(exit: Exit, why: &str) -> Outcome {
    let why = format!("this run did not change it: {why}");
    Outcome::LeftUnverified { exit, why }
}

/// The outcome of a key that an earlier run started, if this run found nothing out.
fn in_doubt(outcome: Outcome, started: KeyState, action: Action, owner: &OwnerHint) -> Outcome {
    let is_agreed = matches!(owner, OwnerHint::Named(_) | OwnerHint::Listed(_));
    match outcome {
        Outcome::NotTried { exit, why } => left_in_doubt(exit, &why),
        Outcome::WouldChange(_) => left_in_doubt(Exit::Unknown, "it was a dry run"),
        Outcome::Skipped(why) => left_in_doubt(Exit::Unknown, &why),
        Outcome::Refused(Refusal::Declined) => left_in_doubt(Exit::Unknown, "not confirmed"),
        Outcome::Refused(Refusal::StatusUnknown) => left_in_doubt(Exit::Unknown, STATUS_UNKNOWN),
        Outcome::OwnKey | Outcome::Refused(Refusal::SigningKey) => {
            left_in_doubt(Exit::Unknown, "it belongs to your own credentials")
        }
        Outcome::Stopped {
            exit,
            known: KeyState::NotDone(_),
            failure,
        } => Outcome::Stopped {
            exit,
            known: started,
            failure,
        },
        // It is there, under another user's name, and nobody began it under that one.
        Outcome::Failed { failure, known }
            if failure.context().owner.is_some() && is_agreed && action == Action::Delete =>
        {
            Outcome::Failed { failure, known }
        }
        Outcome::Missing(failure) if !is_agreed => Outcome::Failed {
            failure,
            known: started,
        },
        Outcome::Failed { failure, .. } => Outcome::Failed {
            failure,
            known: started,
        },
        outcome => outcome,
    }
}
