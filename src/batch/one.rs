//! Processes one key of a run: it is checked, changed and reported, and each step is recorded.

use std::cell::Cell;
use std::io;

use super::InFlight;
use super::prior::{DELETED_BEFORE, is_still_gone, left_unverified, not_deactivated};
use crate::aws::attempt::Attempts;
use crate::aws::{Iam, TimeBudget};
use crate::change::Change;
use crate::error::Exit;
use crate::guard;
use crate::ident::UserName;
use crate::journal::{Journal, PriorState};
use crate::locate::{KeyLocation, Search};
use crate::metadata::{KeyMetadata, Target};
use crate::moment::Moment;
use crate::outcome::{Check, KeyResult, KeyState, Outcome, Refusal};
use crate::request::{Action, Key, Mode, Request, Selection};
use crate::select::{Choice, Selector, named_by};
use crate::signal::Signals;

/// What all keys of a run share.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) request: &'a Request,
    pub(crate) iam: &'a Iam,
    pub(crate) selector: Selector<'a>,
    pub(crate) journal: Journal,
    /// How many keys STS failed to look up in a row.
    pub(crate) sts_failures: Cell<u8>,
    /// The keys that are being changed.
    pub(crate) in_flight: &'a InFlight,
    pub(crate) signals: Signals,
}

/// How far a key is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The key is selected or not.
    Choose,
    /// The key is selected, and changed.
    ChooseAndChange,
    /// The key, which was selected at this time or later, is changed.
    Change(Moment),
    /// The key is located, because an earlier run started to change it. It is not changed: this run did not select it.
    Verify,
}

/// What happened to a key at a stage.
pub(super) enum Processed {
    /// An earlier run finished it.
    FinishedEarlier,
    /// It is to be changed.
    Chosen(Box<Target>),
    /// It is finished, and whether the journal records that.
    Finished(Box<KeyResult>, io::Result<()>),
}

impl Work<'_> {
    /// Processes a key. One time limit covers every step.
    pub(super) async fn process(&self, target: Target, stage: Stage) -> Processed {
        let prior = self.prior_state(&target);
        if prior.is_finished() {
            return Processed::FinishedEarlier;
        }
        let iam = self.iam.for_one(target.key.id.as_str());
        let mut budget = iam.key_budget(self.request.limit);
        let choice = self.choose(target, stage, prior, &iam, &mut budget);
        let mut result = match Box::pin(choice).await {
            Err(result) => result,
            Ok(target) if stage == Stage::Choose => {
                return Processed::Chosen(Box::new(target));
            }
            Ok(target) => {
                let changed = self.record_and_change(target, prior, &iam, &mut budget);
                match changed.await {
                    Ok(result) => result,
                    Err((result, recorded)) => return Processed::Finished(result, recorded),
                }
            }
        };
        if let Outcome::Already(status) = &result.outcome
            && prior == PriorState::InProgress
            && self.request.mode == Mode::Change
        {
            // The list that shows the status was read late enough not to lag behind the earlier run.
            let shown = format!("IAM now lists the key as {}", status.as_str());
            result.outcome = Outcome::started_earlier(&shown, None);
        }
        if let Outcome::Already(status) = &result.outcome {
            // The first list may have lagged.
            result.metadata.status = Some(status.clone());
        }
        result.metadata.started_earlier = prior != PriorState::None;
        result.is_open |= self.is_open_in_list(&result.key.id, prior);
        result.metadata.was_inactive = self.journal.was_inactive(&result.key.id);
        if prior == DELETED_BEFORE && is_still_gone(&result.outcome) {
            self.in_flight.remove(&result.key);
            return Processed::FinishedEarlier;
        }
        self.keep_if_moved(&mut result);
        let result = self.with_account(result, &budget).await;
        let recorded = self.record(&result, prior).await;
        self.iam.forget_unlisted(&result.key.id);
        Processed::Finished(result, recorded)
    }

    /// Whether a selection made at this time still counts. After a question, a pause of the reader or many other keys, a
    /// key may have been used.
    fn is_still_valid(&self, chosen: Moment) -> bool {
        self.is_recent(chosen) && !self.request.asks() || !self.has_conditions()
    }

    /// Whether the time limit of a key has not passed since then, if that matters. If IAM's clock jumped, this machine may have
    /// been paused, so that its own clocks do not show the time.
    pub(super) fn is_recent(&self, read: Moment) -> bool {
        let is_recent = read.elapsed() < self.request.limit && self.iam.clock_jump().is_none();
        is_recent || !self.has_conditions()
    }

    pub(super) fn has_conditions(&self) -> bool {
        !self.request.conditions.all.is_empty() || self.request.path_prefix.is_some()
    }

    /// Selects a key, or returns the result of one that is not changed.
    pub(super) async fn choose(
        &self,
        target: Target,
        stage: Stage,
        prior: PriorState,
        iam: &Iam,
        budget: &mut TimeBudget,
    ) -> Choice {
        if let Some(outcome) = not_deactivated(target.metadata.deactivation) {
            return Err(self.unchanged(target, outcome));
        }
        let (mut seen, mut presumed) = (None, None);
        let is_change = self.request.mode == Mode::Change;
        // A dry run confirms nothing, but its hints depend on where the key is.
        if matches!(prior, PriorState::InProgress | DELETED_BEFORE)
            && (is_change || stage == Stage::Verify)
        {
            let attempts = Attempts::of(self.request.action.operation());
            let change = self.change_of(&target, prior, attempts, iam, budget);
            if let Ok(Some(outcome)) = self
                .signals
                .race(change.confirm_earlier(stage != Stage::Verify))
                .await
                && is_change
            {
                let location = change.search.found.borrow().clone();
                // An undo of what the calling user's list shows needs no name.
                let is_named = self.request.find_user || change.search.hint.is_named();
                let owner = change.search.confirmed_owner();
                let is_unnamed = target.key.user_name.is_none();
                let mut found = target.clone();
                if is_unnamed {
                    found.metadata.owner.clone_from(&owner);
                    found.key.user_name = owner.filter(|_| is_named);
                }
                let result = self.unchanged(found, outcome);
                // The user may have been renamed. The lists of all users say more, if IAM allows them to be read.
                let may_know_more = is_unnamed && self.request.find_user;
                if !may_know_more || location != Some(KeyLocation::NoLongerListed) {
                    return Err(result);
                }
                presumed = Some(result);
            }
            seen = change.search.found.into_inner();
        }
        let mut choice = match stage {
            Stage::Verify => {
                let why = "it was not selected";
                let action = self.request.action;
                let is_reached = seen.as_ref().is_some_and(|seen| seen.shows_done(action));
                let reached = action.status().filter(|_| is_reached && !is_change);
                let found = self.in_no_list(&target.key, seen.as_ref());
                let outcome = match self.signals.race(Box::pin(found)).await {
                    Ok(None) if let Some(status) = reached => Outcome::Already(status),
                    Ok(Some(outcome)) => outcome,
                    Ok(None) => left_unverified(Exit::Unknown, why, KeyState::started_earlier()),
                    Err(exit) => self.interrupted(exit),
                };
                let result = KeyResult::unchanged(target, self.request.action, outcome);
                Err(self.with_prior_state(Box::new(result), seen))
            }
            Stage::Change(chosen) if self.is_still_valid(chosen) => {
                let signer = &self.iam.signer;
                let outcome = match self.signals.first() {
                    Some(exit) => Some(self.interrupted(exit)),
                    // Credentials renewed since the selection may be those of this key.
                    None => guard::signing_key(&target.key, signer, self.request),
                };
                match outcome {
                    Some(outcome) => Err(self.unchanged(target, outcome)),
                    None => Ok(target),
                }
            }
            Stage::Choose | Stage::ChooseAndChange | Stage::Change(_) => {
                let key = target.key.clone();
                let decided = async {
                    self.wait_for_lists(prior).await;
                    self.selector.decide(key, iam, budget).await
                };
                let started_earlier = target.metadata.started_earlier;
                // The first selection may have read the owner.
                let first = target.metadata.has_owner_of_iam();
                let first = first.then(|| named_by(self.request, &target.metadata));
                match self.signals.race(Box::pin(decided)).await {
                    Ok(Ok(selected)) => self.selected(selected, &target.metadata, prior),
                    Ok(Err(result)) if presumed.is_some() && result.is_denied() => {
                        return Err(presumed.unwrap_or(result));
                    }
                    Ok(Err(mut result)) => {
                        result.metadata.started_earlier = started_earlier;
                        if let Some(named_by) = first {
                            result.outcome = result.outcome.with_owner_named_by(named_by);
                        }
                        let settled =
                            self.settle_changed(&mut result, prior, iam, budget, &mut seen);
                        if Box::pin(settled).await {
                            return Err(result);
                        }
                        Err(self.with_prior_state(result, seen))
                    }
                    Err(exit) => Err(self.unchanged(target, self.interrupted(exit))),
                }
            }
        };
        match &mut choice {
            Ok(Target { key, metadata }) => self.add_listing(key, metadata),
            Err(result) => self.add_listing(&result.key, &mut result.metadata),
        }
        choice
    }

    /// Adds the status with which IAM listed the key for its owner in this run, to find out what became of it.
    fn add_listing(&self, key: &Key, metadata: &mut KeyMetadata) {
        let owner = metadata.owner.as_ref().or(key.user_name.as_ref());
        metadata.located = self.iam.listed_status(&key.id, owner);
    }

    /// Returns the outcome of a key that a sweep of the account did not select, if no user has it.
    async fn in_no_list(&self, key: &Key, seen: Option<&KeyLocation>) -> Option<Outcome> {
        let is_absent = seen.is_some_and(KeyLocation::is_absence);
        match self.request.selection {
            Selection::Account if is_absent && self.request.mode == Mode::Change => {
                self.selector.in_no_list(key).await
            }
            _ => None,
        }
    }

    /// Returns the outcome of a key whose change did not start before a signal.
    pub(super) fn interrupted(&self, exit: Exit) -> Outcome {
        if self.request.single().is_none() {
            return Outcome::not_tried(exit, "the run was interrupted");
        }
        Outcome::Stopped {
            exit,
            known: KeyState::NotDone("no request to change it was sent".to_owned()),
            failure: None,
        }
    }

    /// Changes a key. Its intent was recorded with the time of `attempts`.
    pub(super) async fn change(
        &self,
        target: Target,
        prior: PriorState,
        iam: &Iam,
        budget: &TimeBudget,
        attempts: Attempts,
    ) -> Box<KeyResult> {
        if self.request.mode == Mode::DryRun {
            let reason = self.request.conditions.to_string();
            return self.unchanged(target, Outcome::WouldChange(reason));
        }
        let mut signals = self.signals.clone();
        let change = self.change_of(&target, prior, attempts, iam, budget);
        let attempts = Some(change.attempts.clone());
        self.in_flight.add(&target.key, attempts, prior.known());
        let (outcome, attempts) = change.run(&mut signals).await;
        let is_open = change.attempts.may_have_acted();
        let owner = change.search.confirmed_owner();
        let outcome = outcome.with_owner_named_by(named_by(self.request, &target.metadata));
        let is_kept = matches!(
            outcome,
            Outcome::OwnKey | Outcome::Refused(Refusal::SigningKey)
        );
        let mut result = Box::new(KeyResult {
            attempts,
            is_open,
            ..KeyResult::unchanged(target, self.request.action, outcome)
        });
        name_owner(&mut result, owner);
        self.add_listing(&result.key, &mut result.metadata);
        if prior == DELETED_BEFORE
            && let Outcome::Failed { known, .. } | Outcome::Stopped { known, .. } =
                &mut result.outcome
            && let KeyState::Unknown { check, .. } = known
        {
            *known = KeyState::changed_before(Action::Delete).with_check(*check);
        }
        if let Outcome::Failed { failure, known } = &mut result.outcome
            && failure.is_no_such_entity()
            && failure.context().owner.is_none()
            && self.is_root_users(&result.key.id)
        {
            *known = known.clone().with_check(Check::RootUser);
        }
        if is_kept {
            self.with_prior_state(result, None)
        } else {
            result
        }
    }

    fn change_of<'a>(
        &'a self,
        target: &'a Target,
        prior: PriorState,
        attempts: Attempts,
        iam: &'a Iam,
        budget: &'a TimeBudget,
    ) -> Change<'a> {
        let hint = self.owner_hint(&target.key, &target.metadata);
        Change {
            search: Search::new(iam, self.request, &target.key, hint),
            earlier: self.earlier(prior, &target.key.id),
            attempts,
            budget,
            is_located: Cell::default(),
        }
    }
}

/// Names the owner whose list shows that a key has the requested status. This run or an earlier one may have named another.
pub(super) fn name_owner(result: &mut KeyResult, owner: Option<UserName>) {
    if let (Outcome::Already(_), Some(owner)) = (&result.outcome, owner) {
        result.metadata.owner = Some(owner.clone());
        result.key.user_name = Some(owner);
    }
}
