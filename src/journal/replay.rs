//! What the records of a journal prove about keys.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;

use super::PriorState;
use super::finished::{End, FinishedKeys};
use super::owner::Owner;
use super::read::Record;
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::OutcomeKind;
use crate::request::{Action, Key};
use crate::sanitize::escape_field;

/// How long a signed request is valid: 15 minutes, and as much for clocks that differ.
const VALID: Duration = Duration::from_mins(30);

/// The result of a key that a run with `--deactivate` skips because of its status.
const ALREADY_INACTIVE: &str = "already inactive";

/// What the records say about keys.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The end of the last whole record, in bytes.
    pub(super) length: u64,
    pub(super) finished: FinishedKeys,
    unfinished: HashMap<AccessKeyId, Vec<EarlierAttempt>>,
}

/// A change that an earlier run started. The journal does not record how it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct EarlierAttempt {
    /// The owner it was sent for.
    pub(crate) owner: Owner,
    /// Whether IAM listed the key among the owner's keys in any run, and showed it for nobody else since.
    pub(crate) was_listed: bool,
    /// Whether IAM showed the key for another user, or did not confirm the owner: another user may have the name.
    pub(crate) has_moved: bool,
    at: Option<SystemTime>,
    /// Whether a later run did not find the key where it looked for it, which is all that it found out.
    was_missing: bool,
}

impl EarlierAttempt {
    /// Whether IAM listed the key for its owner, and that owner still has this name as far as it is known.
    pub(crate) fn is_listed(&self) -> bool {
        self.was_listed && !self.has_moved
    }

    /// When its requests can no longer take effect, if the journal says when the change was started.
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.at?.checked_add(VALID)
    }

    /// Whether its requests can no longer take effect.
    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires().is_some_and(|end| end < now)
    }
}

impl Replay {
    /// Returns what the records say about a key of this owner.
    pub(super) fn prior_state(
        &self,
        id: &AccessKeyId,
        owner: &Owner,
        action: Action,
    ) -> PriorState {
        let is_missing =
            action == Action::Delete && self.finished.contains(id, owner, End::Missing);
        // A change that is unfinished was started after the run that finished the key.
        if let Some(last) = self.attempts(id).last()
            && !(last.was_missing && is_missing)
        {
            return PriorState::InProgress;
        }
        let is_done = self.finished.contains_id(id, End::Done);
        match action {
            Action::Delete if is_done => PriorState::Done,
            Action::Deactivate | Action::Reactivate if is_done => PriorState::ChangedBefore(action),
            Action::Delete if is_missing => PriorState::Missing,
            Action::Delete | Action::Deactivate | Action::Reactivate => PriorState::None,
        }
    }

    /// Returns the changes of a key that were started and not finished.
    pub(super) fn attempts(&self, id: &AccessKeyId) -> &[EarlierAttempt] {
        self.unfinished.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the keys whose change was started and not finished, each with the user the last attempt was sent for.
    pub(super) fn unfinished(&self, action: Action) -> Vec<Key> {
        let keys = self.unfinished.iter().filter_map(|(id, attempts)| {
            let owner = &attempts.last()?.owner;
            let is_open = self.prior_state(id, owner, action) == PriorState::InProgress;
            is_open.then(|| Key {
                id: id.clone(),
                user_name: owner.user().cloned(),
            })
        });
        let mut keys: Vec<Key> = keys.collect();
        keys.sort_unstable_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        keys
    }

    /// Sorts what was added. That IAM listed a key for an owner counts for all changes that were sent for that owner.
    pub(super) fn finish(&mut self) {
        self.finished.sort();
        for (id, attempts) in &mut self.unfinished {
            for attempt in attempts {
                attempt.was_listed = self.finished.contains(id, &attempt.owner, End::Listed);
                attempt.has_moved = self.finished.has_moved(id, &attempt.owner);
            }
        }
    }

    /// Adds a record of a journal of this action.
    ///
    /// # Errors
    ///
    /// This program does not write such a record, so the journal cannot be trusted. A fragment says why.
    pub(super) fn add(&mut self, record: Record, action: &str) -> Result<(), String> {
        let id = AccessKeyId::try_from(record.id).map_err(|invalid| invalid.to_string())?;
        let owner = record.user_name.map(UserName::try_from).transpose();
        let owner = match owner.map_err(|invalid| invalid.to_string())? {
            Some(name) => Owner::User(name),
            None if record.is_root_users => Owner::RootUser,
            None => Owner::Unknown,
        };
        let kind = match (record.intent, record.outcome) {
            (None, None) => return Err("neither an intent nor a result".to_owned()),
            (Some(_), Some(_)) => return Err("both an intent and a result".to_owned()),
            (Some(intent), None) if intent == action => None,
            (Some(intent), None) => {
                return Err(format!("unexpected intent \"{}\"", escape_field(&intent)));
            }
            (None, Some(outcome)) => {
                let kind = OutcomeKind::parse(&outcome).filter(|kind| is_recorded(*kind, action));
                let unexpected = || format!("unexpected result \"{}\"", escape_field(&outcome));
                Some(kind.ok_or_else(unexpected)?)
            }
        };
        let is_listed = record.status.is_some() && owner != Owner::Unknown;
        if is_listed {
            self.finished.add(&id, &owner, End::Listed);
        }
        let reported = record.reported_owner.map(UserName::try_from).transpose();
        if let Some(reported) = reported.map_err(|invalid| invalid.to_string())? {
            self.finished
                .add(&id, &Owner::User(reported), End::Reported);
        }
        // A run that did not find out what became of the key did not confirm its owner.
        let is_unsettled = matches!(kind, Some(OutcomeKind::Unknown | OutcomeKind::NotTried));
        if is_unsettled && record.is_owner_unchecked {
            self.finished.add(&id, &owner, End::Unconfirmed);
        }
        let is_presumed = record.is_owner_unchecked && !is_unsettled;
        let end = match kind {
            Some(OutcomeKind::Unknown) if record.is_answered => {
                let attempts = self.unfinished.entry(id).or_default();
                attempts.truncate(record.unfinished);
                return Ok(());
            }
            // The change was started, and its result is not known (yet).
            None | Some(OutcomeKind::Unknown) => {
                let at = record.time.and_then(|time| parse_rfc3339(&time).ok());
                self.unfinished.entry(id).or_default().push(EarlierAttempt {
                    owner,
                    at,
                    ..EarlierAttempt::default()
                });
                return Ok(());
            }
            Some(OutcomeKind::Missing) => End::Missing,
            Some(_) if is_presumed => End::Missing,
            Some(kind) if kind.is_complete() => End::Done,
            Some(_) if record.result.as_deref() == Some(ALREADY_INACTIVE) => End::AlreadyInactive,
            Some(_) => End::NotFinished,
        };
        if let Entry::Occupied(mut attempts) = self.unfinished.entry(id.clone()) {
            if !is_presumed {
                attempts.get_mut().truncate(record.unfinished);
            }
            match attempts.get_mut().last_mut() {
                Some(last) => last.was_missing |= end == End::Missing,
                None => _ = attempts.remove(),
            }
        }
        // A failure does not undo an earlier change of the status.
        if end != End::NotFinished || action == Action::Delete.verb() {
            // What IAM lists after that exists, whoever owned it then.
            let is_reopened = is_listed && end == End::NotFinished;
            let owner = if is_reopened { Owner::Unknown } else { owner };
            self.finished.add(&id, &owner, end);
        }
        Ok(())
    }
}

/// Returns how many of the changes that were started are still unfinished after a result at this time. `is_open`: a request of
/// the run itself may still act, and counts too.
pub(super) fn left_open(
    kind: OutcomeKind,
    earlier: &[EarlierAttempt],
    is_open: bool,
    now: SystemTime,
) -> usize {
    let may_act = || earlier.iter().any(|attempt| !attempt.has_expired(now));
    match kind {
        // The key is another user's, who may get the name that a request was for.
        OutcomeKind::Failed if is_open => earlier.len() + 1,
        OutcomeKind::Failed if may_act() => earlier.len(),
        kind if ends_earlier(kind) => 0,
        _ => earlier.len(),
    }
}

/// Whether a result of this kind also says how the changes ended that earlier runs started: IAM made the change, or its
/// lists show that nobody did. A key that was not found or not tried may have been changed by an earlier run.
fn ends_earlier(kind: OutcomeKind) -> bool {
    match kind {
        OutcomeKind::Deleted
        | OutcomeKind::Deactivated
        | OutcomeKind::Reactivated
        | OutcomeKind::Failed => true,
        OutcomeKind::WouldDelete
        | OutcomeKind::WouldDeactivate
        | OutcomeKind::WouldReactivate
        | OutcomeKind::Missing
        | OutcomeKind::Skipped
        | OutcomeKind::Refused
        | OutcomeKind::Unknown
        | OutcomeKind::NotTried => false,
    }
}

/// Whether a run of this action records such a result.
fn is_recorded(kind: OutcomeKind, action: &str) -> bool {
    match kind {
        OutcomeKind::Deleted => action == Action::Delete.verb(),
        OutcomeKind::Deactivated => action == Action::Deactivate.verb(),
        OutcomeKind::Reactivated => action == Action::Reactivate.verb(),
        OutcomeKind::WouldDelete | OutcomeKind::WouldDeactivate | OutcomeKind::WouldReactivate => {
            false
        }
        OutcomeKind::Missing
        | OutcomeKind::Skipped
        | OutcomeKind::Refused
        | OutcomeKind::Failed
        | OutcomeKind::Unknown
        | OutcomeKind::NotTried => true,
    }
}
