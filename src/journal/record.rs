//! Writes the intents and results of keys, and what else the journal has to say about them.

use std::io;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::finished::End;
use super::replay::{EarlierAttempt, left_open};
use super::writer::Kind;
use super::{Journal, Owner, PriorState};
use crate::aws::timestamp;
use crate::ident::UserName;
use crate::metadata::{Status, Target};
use crate::outcome::{KeyResult, Outcome, OutcomeKind};
use crate::request::Action;
use crate::secret::redact;

impl Journal {
    /// Whether the journal has to say for whom IAM lists or names a key which this run leaves alone. `shown` is the user for whom
    /// IAM showed the key last. Earlier runs may have deleted it, and no record says that IAM listed it: with such a record, its
    /// later absence proves that it is deleted. Or IAM listed it for someone else before, who may have another name now. Or this
    /// run names another owner, and the journal does not say anything yet. Or the key counts as missing for another owner. Or earlier
    /// runs changed its status, and it has another one again: someone else may then make the same change.
    pub(crate) fn lacks_listing(&self, result: &KeyResult, shown: Option<&UserName>) -> bool {
        let has_moved = |attempt: &EarlierAttempt| {
            attempt.is_listed() && shown.is_some_and(|shown| attempt.owner.user() != Some(shown))
        };
        if self.attempts(&result.key.id).iter().any(has_moved) {
            return true;
        }
        if let (Some(shown), Some(named)) = (shown, result.owner())
            && shown != named
            && !self.has_moved(&result.key)
            && self.prior_state(&result.key) == PriorState::None
        {
            return true;
        }
        let Some(status) = self.listed_status(result) else {
            return false;
        };
        let id = &result.key.id;
        let owner = Owner::of(result.owner(), self.principal);
        let lacks_it = |attempt: &EarlierAttempt| attempt.is_listed() != (attempt.owner == owner);
        let finished = &self.replay.finished;
        let is_done = finished.contains_id(id, End::Done);
        match self.action {
            Action::Delete => {
                let is_missing = finished.contains_id(id, End::Missing);
                let is_unknown = result.kind() == OutcomeKind::Unknown;
                is_missing && !is_done || is_unknown && self.attempts(id).iter().any(lacks_it)
            }
            Action::Deactivate | Action::Reactivate => {
                is_done && self.action.status().as_ref() != Some(status)
            }
        }
    }

    /// Returns the status with which IAM listed the key of a result. To prove later that it was deleted, it must be in the list
    /// of a known owner.
    fn listed_status<'a>(&self, result: &'a KeyResult) -> Option<&'a Status> {
        let KeyResult { key, metadata, .. } = result;
        let listed = metadata.listed_status(key, self.principal);
        listed.or_else(|| {
            let status = metadata.status.as_ref();
            status.filter(|_| self.action != Action::Delete)
        })
    }

    /// Records that a key is about to be changed at this time, with the owner that IAM or else the caller named. `shown` is the
    /// user for whom IAM showed the key last.
    ///
    /// # Errors
    ///
    /// The record is not on the disk, or another process changed the journal: the key must not be changed.
    pub(crate) async fn record_intent(
        &self,
        target: &Target,
        shown: Option<&UserName>,
        at: SystemTime,
    ) -> io::Result<()> {
        let Target { key, metadata } = target;
        let previous_status = metadata.previous_status();
        let previous_status = previous_status.filter(|_| self.action == Action::Deactivate);
        let owner = metadata.owner.as_ref().or(key.user_name.as_ref());
        let owner = Owner::of(owner, self.principal);
        let mut record = json!({
            "AccessKeyId": key.id,
            "UserName": owner.user(),
            "Intent": self.action.verb(),
            "Time": timestamp(at),
        });
        add_listing(&mut record, metadata.listed_status(key, self.principal));
        add_reported_owner(&mut record, &owner, shown);
        let record = with_details(record, &owner, previous_status);
        self.write(Kind::Intent, &record).await
    }

    /// Records the result of a key at this time. `shown` is the user for whom IAM showed the key last.
    ///
    /// # Errors
    ///
    /// The record is not on the disk.
    pub(crate) async fn record_result(
        &self,
        result: &KeyResult,
        shown: Option<&UserName>,
        at: SystemTime,
    ) -> io::Result<()> {
        // Without a request of this run, the result is about what earlier runs started.
        let unfinished = self.attempts(&result.key.id);
        let earlier = unfinished.last();
        let earlier = earlier.filter(|_| result.attempts == 0 && result.is_changed());
        let owner = match (Owner::of(result.owner(), self.principal), earlier) {
            (Owner::Unknown, Some(earlier)) => earlier.owner.clone(),
            (owner, _) => owner,
        };
        let is_confirmed = matches!(self.prior_state(&result.key), PriorState::ChangedBefore(_));
        let is_refused = result.attempts == 0 || is_confirmed && !result.is_open;
        let kind = match result.kind() {
            // This run made no attempt, or IAM refused it after it confirmed the change in an earlier run.
            OutcomeKind::Unknown if is_refused => OutcomeKind::NotTried,
            kind => kind,
        };
        let state = match result.outcome {
            // The key did not have this status before the first run.
            Outcome::Already(_) if result.metadata.started_earlier => self.action.done().to_owned(),
            _ => result.describe_state(),
        };
        let mut record = json!({
            "AccessKeyId": result.key.id,
            "UserName": owner.user(),
            "Outcome": kind.as_str(),
            "Result": state,
            "Time": timestamp(at),
        });
        // Otherwise, someone else may have deactivated the key.
        if kind == OutcomeKind::Deactivated && result.is_confirmed_by_response() {
            record["Attempts"] = json!(result.attempts);
        }
        if kind == OutcomeKind::Unknown && !result.is_open {
            record["Answered"] = json!(true);
        }
        if result.is_owner_unchecked() || result.needs_owner() {
            record["OwnerUnchecked"] = json!(true);
        }
        if !kind.is_complete() || result.is_owner_unchecked() {
            add_listing(&mut record, self.listed_status(result));
            let is_unsettled = matches!(kind, OutcomeKind::Unknown | OutcomeKind::NotTried);
            // Otherwise, only the caller may have named the owner in the record.
            let says_enough = is_unsettled || record.get("Status").is_some();
            let recorded = if says_enough { &owner } else { &Owner::Unknown };
            add_reported_owner(&mut record, recorded, shown);
        }
        let left = left_open(kind, unfinished, result.is_open, at);
        if left > 0 {
            record["Unfinished"] = json!(left);
        }
        let record = with_details(record, &owner, result.previous_status());
        self.write(Kind::Other, &record).await
    }
}

/// Adds whether the owner is the root user, and the status that the key had before, if it is known.
fn with_details(mut record: Value, owner: &Owner, previous_status: Option<&str>) -> Value {
    if *owner == Owner::RootUser {
        record["RootUser"] = json!(true);
    }
    if let Some(status) = previous_status {
        record["PreviousStatus"] = json!(redact(status));
    }
    record
}

/// Adds to a record the user for whom IAM showed the key, if it is not the owner in the record.
fn add_reported_owner(record: &mut Value, owner: &Owner, shown: Option<&UserName>) {
    if let Some(shown) = shown.filter(|shown| owner.user() != Some(shown)) {
        record["ReportedOwner"] = json!(shown);
    }
}

/// Adds to a record with which status IAM listed the key: its later absence from that list proves that it is gone.
fn add_listing(record: &mut Value, status: Option<&Status>) {
    if let Some(status) = status {
        record["Status"] = json!(redact(status.as_str()));
    }
}
