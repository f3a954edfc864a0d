//! What earlier runs did to the keys of this run, which of them they did not finish, and whether their requests may still act.

use std::time::SystemTime;

use tokio::time::sleep_until;

use super::Work;
use super::prior::{DELETED_BEFORE, although_found};
use crate::conclude::Ambiguity;
use crate::error::RunError;
use crate::ident::AccessKeyId;
use crate::journal::PriorState;
use crate::locate::{KeyLocation, LIST_LAG, OwnerHint, owner_hint};
use crate::metadata::{KeyMetadata, Status, Target};
use crate::outcome::{KeyResult, KeyState, Outcome};
use crate::request::{Action, Key, Mode};
use crate::select::Sweep;

impl Work<'_> {
    /// Returns what earlier runs did to a key.
    pub(super) fn prior_state(&self, target: &Target) -> PriorState {
        let key = &target.key;
        match self.recorded_state(key, &target.metadata) {
            prior if target.metadata.status.is_none() => prior,
            PriorState::Done => DELETED_BEFORE,
            prior => although_found(prior, self.journal.attempts(&key.id)),
        }
    }

    /// Returns what the journal says that earlier runs did to a key, or else the list, of which the key may be.
    pub(super) fn recorded_state(&self, key: &Key, metadata: &KeyMetadata) -> PriorState {
        match self.journal.prior_state(key) {
            PriorState::None if metadata.started_earlier => PriorState::InProgress,
            prior => prior,
        }
    }

    /// Waits until no list lags behind a change of the status that an earlier run made.
    pub(super) async fn wait_for_lists(&self, prior: PriorState) {
        let is_changed =
            matches!(prior, PriorState::ChangedBefore(action) if action != Action::Delete);
        if is_changed && LIST_LAG <= self.request.limit / 2 {
            sleep_until(self.iam.started + LIST_LAG).await;
        }
    }

    /// Whether a list says that an earlier run started to change a key. It does not say when, so that never expires.
    pub(super) fn is_open_in_list(&self, id: &AccessKeyId, prior: PriorState) -> bool {
        prior == PriorState::InProgress && self.journal.attempts(id).is_empty()
    }

    /// Returns what is known about the owner of a key.
    pub(super) fn owner_hint(&self, key: &Key, metadata: &KeyMetadata) -> OwnerHint {
        let earlier = self.journal.attempts(&key.id);
        let is_open = self.recorded_state(key, metadata) == PriorState::InProgress
            && self.may_still_act(&key.id);
        let principal = self.iam.signer.principal;
        match owner_hint(key, metadata, earlier, principal, is_open) {
            // What became of a status is read again.
            OwnerHint::Named(_)
                if self.request.action == Action::Delete && self.journal.has_moved(key) =>
            {
                OwnerHint::Moved { same_name: true }
            }
            hint => hint,
        }
    }

    /// Whether a request of an earlier run that started to change a key could take effect in this run, so that a list of this
    /// run may not show it: the run may have been killed a moment ago. A list of results does not say when.
    pub(super) fn may_still_act(&self, id: &AccessKeyId) -> bool {
        let shown_at = self
            .iam
            .now()
            .checked_sub(self.iam.started.elapsed() + LIST_LAG);
        let shown_at = shown_at.unwrap_or(SystemTime::UNIX_EPOCH);
        let attempts = self.journal.attempts(id);
        attempts.is_empty() || !attempts.iter().all(|attempt| attempt.has_expired(shown_at))
    }

    /// Reports a missing key as failed if the journal says that it may belong to another user, and IAM does not say in this run
    /// that it is gone.
    pub(super) fn keep_if_moved(&self, result: &mut KeyResult) {
        let Outcome::Missing(failure) = &result.outcome else {
            return;
        };
        let context = failure.context();
        if (context.owner_unchecked || context.lookup_denied) && self.journal.has_moved(&result.key)
        {
            let why = "according to the journal, it may belong to another user".to_owned();
            result.outcome = Outcome::Failed {
                failure: failure.clone(),
                known: KeyState::NotDone(why),
            };
        }
    }

    /// Returns the status with which IAM listed the key in this run, unless the outcome is that IAM does not know it.
    pub(super) fn status_of(
        &self,
        result: &KeyResult,
        seen: Option<&KeyLocation>,
    ) -> Option<Status> {
        let (key, metadata) = (&result.key, &result.metadata);
        let status = metadata.status.clone();
        status.or_else(|| match (&result.outcome, seen) {
            (Outcome::Missing(_), _) => None,
            (Outcome::Failed { failure, .. }, _) if failure.is_no_such_entity() => None,
            (_, Some(KeyLocation::Listed(status) | KeyLocation::OtherUser(_, status))) => {
                status.clone()
            }
            _ => self.iam.listed_status(&key.id, result.owner()),
        })
    }

    /// Returns the keys that an earlier run started to change, and the sweep neither selected nor shows to be unchanged. A dry
    /// run counts a status that IAM lists as reached.
    pub(super) fn unfinished(&self, sweep: &Sweep) -> Vec<Key> {
        let is_dry_run = self.request.mode == Mode::DryRun;
        let mut keys = self.journal.unfinished();
        keys.retain(|key| {
            self.request.selection.may_include(key)
                && sweep.passed_over(&key.id)
                && !(is_dry_run && sweep.shows_reached(&key.id))
                && (self.may_still_act(&key.id) || !sweep.shows_unchanged(&key.id))
        });
        for key in &mut keys {
            // The owner may have a new name, and another user the old one.
            if let Some(owner) = sweep.owner(&key.id) {
                key.user_name = Some(owner.clone());
            }
        }
        keys
    }

    /// Adds to the error of a sweep of a user who does not exist how to verify the keys that earlier runs started to change.
    pub(super) fn with_unfinished(&self, error: RunError) -> RunError {
        let mut keys = self.journal.unfinished();
        keys.retain(|key| self.request.selection.may_include(key));
        if error.code != "NoSuchEntity" || keys.is_empty() {
            return error;
        }
        let ids = keys
            .iter()
            .map(|key| format!("--access-key-id {} ", key.id));
        error.hint(format!(
            "if the user was renamed or deleted, replace --user-name and --all-keys with {}--find-user to verify what earlier \
             runs started",
            ids.collect::<String>()
        ))
    }

    /// Returns why earlier runs may have changed a key.
    pub(super) fn earlier(&self, prior: PriorState, id: &AccessKeyId) -> Ambiguity {
        match prior {
            PriorState::None | PriorState::Missing | PriorState::Done => Ambiguity::None,
            PriorState::InProgress if self.may_still_act(id) => Ambiguity::RecentRun,
            PriorState::InProgress | DELETED_BEFORE => Ambiguity::EarlierRun,
            PriorState::ChangedBefore(_) => Ambiguity::ChangedBefore,
        }
    }
}
