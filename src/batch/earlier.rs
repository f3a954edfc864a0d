//! What earlier runs did to the keys of this run, and whether their requests may still act.

use tokio::time::sleep_until;

use super::Work;
use super::prior::{DELETED_BEFORE, although_found};
use crate::conclude::Ambiguity;
use crate::ident::AccessKeyId;
use crate::journal::PriorState;
use crate::locate::{LIST_LAG, OwnerHint, owner_hint};
use crate::metadata::{KeyMetadata, Target};
use crate::request::{Action, Key};

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
        owner_hint(key, metadata, earlier, principal, is_open)
    }

    /// Whether a request of an earlier run that started to change a key may still take effect: the run may have been killed
    /// a moment ago. A list of results does not say when.
    pub(super) fn may_still_act(&self, id: &AccessKeyId) -> bool {
        let (now, attempts) = (self.iam.now(), self.journal.attempts(id));
        attempts.is_empty() || !attempts.iter().all(|attempt| attempt.has_expired(now))
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
