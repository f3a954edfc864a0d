//! What earlier runs did to the keys of this run, and what the journal records about them.

use std::io;
use std::time::Duration;

use super::Work;
use super::one::name_owner;
use crate::aws::{Iam, TimeBudget};
use crate::conclude::{Ambiguity, Response, check};
use crate::error::Exit;
use crate::guard::{self, Principal};
use crate::ident::AccessKeyId;
use crate::journal::{EarlierAttempt, Owner, PriorState};
use crate::locate::{KeyLocation, OwnerHint, Search};
use crate::metadata::{Deactivation, KeyMetadata, Target};
use crate::outcome::{Check, KeyResult, KeyState, Outcome, OutcomeKind, Refusal, STATUS_UNKNOWN};
use crate::request::{Action, Key, Mode};
use crate::select::Sweep;
use crate::signal;

impl Work<'_> {
    /// Records the result of a key if it is news. A change that an earlier run started stays unknown until then.
    pub(super) async fn record(&self, result: &KeyResult, prior: PriorState) -> io::Result<()> {
        if is_news(result, prior) {
            self.record_result(result).await
        } else {
            self.record_listing(result).await
        }
    }

    /// Records that IAM lists a key that this run leaves alone, if that can prove later what an earlier run did.
    pub(super) async fn record_listing(&self, result: &KeyResult) -> io::Result<()> {
        let shown = self.iam.last_owner(&result.key.id);
        if self.journal.lacks_listing(result, shown.as_ref()) {
            self.record_result(result).await
        } else {
            Ok(())
        }
    }

    /// Records the keys that a sweep lists and leaves alone, except those that it is about to verify.
    pub(super) async fn record_left_alone(&self, sweep: &Sweep, verified: &[Key]) {
        for target in sweep.left_alone() {
            if !verified.iter().any(|key| key.id == target.key.id) {
                let outcome = Outcome::Skipped("it was not selected".to_owned());
                let result = KeyResult::unchanged(target, self.request.action, outcome);
                // Without the record, a later run knows less.
                let _ = self.record_listing(&result).await;
            }
        }
    }

    /// Records a result. A signal limits the wait for a disk that does not respond.
    pub(super) async fn record_result(&self, result: &KeyResult) -> io::Result<()> {
        let shown = self.iam.last_owner(&result.key.id);
        let recorded = self
            .journal
            .record_result(result, shown.as_ref(), self.iam.now());
        let recorded = self.signals.bound(signal::JOURNAL, recorded).await;
        recorded.unwrap_or_else(|_| Err(io::Error::other("the journal's disk is not responding")))
    }

    /// Returns the result of a key that this run did not try to change.
    pub(super) fn unchanged(&self, target: Target, outcome: Outcome) -> Box<KeyResult> {
        let result = KeyResult::unchanged(target, self.request.action, outcome);
        self.with_prior_state(Box::new(result), None)
    }

    /// Returns a key that meets the conditions, with what the list says about it. It is refused if an earlier run undid its
    /// deactivation, and it is inactive again: someone else may have deactivated it.
    pub(super) fn selected(
        &self,
        mut target: Target,
        given: &KeyMetadata,
        prior: PriorState,
    ) -> Result<Target, Box<KeyResult>> {
        target.metadata.started_earlier = given.started_earlier;
        target.metadata.deactivation = given.deactivation;
        if given.deactivation.is_some() && prior == PriorState::ChangedBefore(Action::Reactivate) {
            return Err(self.unchanged(target, Outcome::Refused(Refusal::StatusUnknown)));
        }
        Ok(target)
    }

    /// Replaces the outcome of a key that an earlier run started to change and this run did not: it may be changed all the
    /// same. If the earlier requests have expired, it is not if IAM listed it with another status than the requested one.
    /// `seen` is where this run located it.
    pub(super) fn with_prior_state(
        &self,
        result: Box<KeyResult>,
        seen: Option<KeyLocation>,
    ) -> Box<KeyResult> {
        let mut result = *result;
        let id = &result.key.id;
        let attempts = self.journal.attempts(id);
        let recorded = self.recorded_state(&result.key, &result.metadata);
        let prior = although_found(recorded, attempts);
        let status = &match prior {
            PriorState::InProgress => self.status_of(&result, seen.as_ref()),
            _ => result.metadata.status.clone(),
        };
        let shows_unchanged = status.is_some() && *status != result.action.status();
        if let (PriorState::ChangedBefore(action), Some(status)) = (prior, status)
            && action.status().as_ref() == Some(status)
            && matches!(result.outcome, Outcome::Skipped(_))
        {
            result.outcome = Outcome::Already(status.clone());
            return Box::new(result);
        }
        let may_still_act = prior == PriorState::InProgress && self.may_still_act(id);
        if let Some(mut known) = prior.known()
            && !prior.is_finished()
            && (may_still_act || !shows_unchanged)
        {
            let ends: Option<Vec<_>> = attempts.iter().map(EarlierAttempt::expires).collect();
            if let Some(status) = status.as_ref().filter(|_| shows_unchanged)
                && let Some(until) = ends.unwrap_or_default().into_iter().max()
                && until > self.iam.now()
            {
                known = KeyState::may_still_change(status, until);
            }
            let hint = self.owner_hint(&result.key, &result.metadata);
            let check = self.check(&result, seen);
            result.outcome = match result.outcome {
                // The lists of users say nothing about a key of the root user.
                Outcome::Failed { failure, .. } | Outcome::Missing(failure)
                    if failure.is_in_no_list()
                        && check != Check::RootUser
                        && self.request.mode == Mode::Change =>
                {
                    let search = Search::new(self.iam, self.request, &result.key, hint);
                    let owner = search.confirmed_owner();
                    result.metadata.owner = result.metadata.owner.take().or(owner);
                    search.conclude(self.earlier(prior, id), failure, &KeyLocation::InNoList)
                }
                // A dry run shows what the run will say.
                Outcome::Missing(failure)
                    if failure.is_in_no_list() && check != Check::RootUser =>
                {
                    Outcome::Missing(failure)
                }
                // Its reads may lag: by now, the user for whom the request is may have the name of the owner that IAM names.
                Outcome::Failed { failure, .. }
                    if may_still_act && self.request.mode == Mode::DryRun =>
                {
                    let known = known.with_check(check);
                    Outcome::Failed { failure, known }
                }
                // IAM knows the key, and no request of an earlier run can delete it any more.
                Outcome::Failed { ref failure, .. }
                    if prior == PriorState::InProgress
                        && !may_still_act
                        && failure.context().owner.is_some()
                        && result.action == Action::Delete =>
                {
                    result.outcome
                }
                outcome => or_unverified(outcome, known.with_check(check), result.action, &hint),
            };
        }
        Box::new(result)
    }

    /// Reads the list of the owner of a key whose status an earlier run changed, if this run named another owner or did not see
    /// the status of a key that it skips. Returns true if it replaced the outcome of a failed key. For a skipped key, it returns
    /// false, sets `seen`, and adds the status and the owner if a list has the key.
    pub(super) async fn settle_changed(
        &self,
        result: &mut KeyResult,
        prior: PriorState,
        iam: &Iam,
        budget: &TimeBudget,
        seen: &mut Option<KeyLocation>,
    ) -> bool {
        let ambiguity = self.earlier(prior, &result.key.id);
        let failure = match &result.outcome {
            Outcome::Failed { failure, .. } if failure.context().owner.is_some() => Some(failure),
            Outcome::Skipped(_) if result.metadata.status.is_none() => None,
            _ => return false,
        };
        if ambiguity != Ambiguity::ChangedBefore || prior == DELETED_BEFORE {
            return false;
        }
        let hint = self.owner_hint(&result.key, &result.metadata);
        let search = Search::new(iam, self.request, &result.key, hint);
        let found = budget.spend(Duration::ZERO, search.locate_confirmed());
        let Ok(Some(found)) = self.signals.race(Box::pin(found)).await else {
            return false;
        };
        let owner = search.confirmed_owner();
        if let Some(failure) = failure {
            result.outcome = search.conclude(ambiguity, failure.clone(), &found);
            name_owner(result, owner);
            return true;
        }
        if let KeyLocation::Listed(status) | KeyLocation::OtherUser(_, status) = &found {
            result.metadata.status.clone_from(status);
            result.metadata.owner = owner;
        }
        *seen = Some(found);
        false
    }

    /// Returns where more can be learned about a key that this run did not verify. It suggests neither a read that was
    /// denied nor the list of a user who does not have the key.
    fn check(&self, result: &KeyResult, seen: Option<KeyLocation>) -> Check {
        let failure = match &result.outcome {
            Outcome::Failed { failure, .. } | Outcome::Missing(failure) => Some(failure),
            _ => None,
        };
        if self.is_root_users(&result.key.id) {
            return Check::RootUser;
        }
        let is_denied = failure.is_some_and(|failure| failure.denies("ListAccessKeys"));
        let (key, is_denied) = (
            &result.key,
            is_denied || result.metadata.unread.denied_listing,
        );
        let owner = failure.and_then(|failure| failure.context().owner.clone());
        let location = match (guard::foreign_account(&key.id, &self.iam.signer), owner) {
            (Some((theirs, ours)), _) => KeyLocation::OtherAccount(theirs, ours),
            (None, Some(owner)) => KeyLocation::ReportedOwner(owner),
            (None, None) if is_denied => KeyLocation::ListDenied,
            (None, None) => seen.unwrap_or(KeyLocation::LookupFailed),
        };
        check(key, failure.map_or(Response::None, Response::of), &location)
    }

    /// Whether earlier runs started to change a key for the root user, for whom this run does not act, and IAM listed it for
    /// no user.
    pub(super) fn is_root_users(&self, id: &AccessKeyId) -> bool {
        let attempts = self.journal.attempts(id);
        let is_users = |attempt: &EarlierAttempt| {
            attempt.has_moved || attempt.was_listed && attempt.owner.user().is_some()
        };
        self.iam.signer.principal == Principal::Caller
            && attempts
                .iter()
                .any(|attempt| attempt.owner == Owner::RootUser)
            && !attempts.iter().any(is_users)
    }

    /// Returns whether a later run can prove that the key was changed.
    pub(super) fn is_provable(&self, result: &KeyResult) -> bool {
        is_provable(result, self.journal.attempts(&result.key.id))
    }
}

/// Returns whether a later run can prove that the key was changed: IAM listed it before the change, and its absence from the
/// list, or its status, proves the change. `earlier` are its changes that earlier runs did not finish.
fn is_provable(result: &KeyResult, earlier: &[EarlierAttempt]) -> bool {
    // What proves it in this run proves it in the next one too.
    let is_proven = matches!(&result.outcome, Outcome::Done { response: None, .. })
        && !result.is_owner_unchecked();
    let was_listed = earlier.iter().any(EarlierAttempt::is_listed);
    is_proven || was_listed || result.metadata.status.is_some()
}

/// An earlier run deleted the key, and a list of this run contains it.
pub(super) const DELETED_BEFORE: PriorState = PriorState::ChangedBefore(Action::Delete);

/// Returns what earlier runs did to a key, given the changes that they did not finish, if a list of this run contains it or
/// IAM names its owner: that takes precedence over a record that it was not found.
pub(super) fn although_found(prior: PriorState, unfinished: &[EarlierAttempt]) -> PriorState {
    match prior {
        PriorState::Missing if unfinished.is_empty() => PriorState::None,
        PriorState::Missing => PriorState::InProgress,
        prior => prior,
    }
}

/// Whether the journal does not say this yet.
fn is_news(result: &KeyResult, prior: PriorState) -> bool {
    match &result.outcome {
        Outcome::NotTried { .. } | Outcome::LeftUnverified { .. } => false,
        Outcome::Done { .. } | Outcome::Missing(_) => true,
        Outcome::Failed { failure, .. } if failure.context().sts_accounts.is_some() => true,
        // What IAM confirmed in an earlier run stays recorded until a list shows that the key exists.
        _ if prior == DELETED_BEFORE && result.kind() == OutcomeKind::Unknown => false,
        _ => prior == PriorState::None || result.attempts > 0,
    }
}

/// Whether IAM again reports that a key deleted by an earlier run is gone. The list that contained it lagged behind.
pub(super) fn is_still_gone(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done { response, .. } => response.is_none(),
        Outcome::Missing(_) => true,
        Outcome::Failed { failure, .. }
        | Outcome::Stopped {
            failure: Some(failure),
            ..
        } => failure.is_no_such_entity() && failure.context().owner.is_none(),
        _ => false,
    }
}

/// Returns the outcome of a key that is not reactivated because the list does not say that a run deactivated an active
/// key.
pub(super) fn not_deactivated(deactivation: Option<Deactivation>) -> Option<Outcome> {
    match deactivation {
        None | Some(Deactivation::OfActive) => None,
        Some(Deactivation::OfUnknownStatus) => Some(Outcome::Refused(Refusal::StatusUnknown)),
        Some(Deactivation::Started | Deactivation::Unverified | Deactivation::NotDone) => {
            let why = "it is unknown whether an earlier run deactivated it";
            // The user may have been renamed since.
            let known = KeyState::started_earlier().with_check(Check::Owner);
            Some(left_unverified(Exit::Unknown, why, known))
        }
    }
}

/// Returns the outcome of a key that an earlier run changed, or started to, and this run did not verify. `why` is a clause.
pub(super) fn left_unverified(exit: Exit, why: &str, known: KeyState) -> Outcome {
    let why = format!("this run did not change it: {why}");
    let is_own_key = false;
    Outcome::LeftUnverified {
        exit,
        why,
        known,
        is_own_key,
    }
}

/// Returns the outcome of a key that an earlier run started to change, given the outcome by this run alone. `known` is the
/// state by the journal.
fn or_unverified(outcome: Outcome, known: KeyState, action: Action, owner: &OwnerHint) -> Outcome {
    let unverified = |why: &str| left_unverified(Exit::Unknown, why, known.clone());
    match outcome {
        Outcome::NotTried { exit, why } => left_unverified(exit, &why, known),
        Outcome::LeftUnverified {
            exit,
            why,
            is_own_key,
            ..
        } => Outcome::LeftUnverified {
            exit,
            why,
            known,
            is_own_key,
        },
        Outcome::WouldChange(_) => unverified("it was a dry run"),
        Outcome::Skipped(why) => unverified(&why),
        Outcome::Refused(Refusal::Declined) => unverified("not confirmed"),
        Outcome::Refused(Refusal::StatusUnknown) => unverified(STATUS_UNKNOWN),
        Outcome::OwnKey | Outcome::Refused(Refusal::SigningKey) => Outcome::LeftUnverified {
            exit: Exit::Unknown,
            why: "this run did not change it: it belongs to your own credentials".to_owned(),
            known,
            is_own_key: true,
        },
        Outcome::Stopped {
            exit,
            known: KeyState::NotDone(_) | KeyState::ShownNotDone(_),
            failure,
        } => Outcome::Stopped {
            exit,
            known,
            failure,
        },
        // The key exists under another user, and no run started to delete it there.
        Outcome::Failed { ref failure, .. }
            if failure.context().owner.is_some()
                && owner.is_named()
                && action == Action::Delete =>
        {
            outcome
        }
        Outcome::Missing(_) if matches!(owner, OwnerHint::Listed(_)) => outcome,
        // After a change of status, the user may have been renamed, and another one may have the name.
        Outcome::Missing(ref failure)
            if owner.is_named()
                && (action == Action::Delete || !failure.context().owner_unchecked) =>
        {
            outcome
        }
        Outcome::Missing(failure) | Outcome::Failed { failure, .. } => {
            Outcome::Failed { failure, known }
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
