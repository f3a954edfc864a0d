//! The state of a key after a response was lost, or where the caller wants it to be gone: it is looked for until the
//! lists agree, and the table of `conclude` says what that means.

use std::time::Duration;

use tokio::time::sleep;

use super::Change;
use crate::aws::Allowance;
use crate::aws::attempt::Record;
use crate::conclude::{Ambiguity, Evidence, Response};
use crate::error::CallError;
use crate::ident::UserName;
use crate::journal::EarlierAttempt;
use crate::locate::{KeyLocation, OwnerHint, locate_key, locate_settled};
use crate::metadata::{KeyMetadata, Status};
use crate::outcome::Outcome;
use crate::request::{Action, Key};

/// How long IAM may still name the owner of a deleted key.
const OWNER_LAG: Duration = Duration::from_secs(3);

impl Change<'_> {
    /// Why the key may be changed, by the attempts so far.
    pub(super) fn ambiguity(&self, record: &Record) -> Ambiguity {
        if record.is_unanswered() {
            Ambiguity::Unanswered
        } else if self.earlier != Ambiguity::None {
            self.earlier
        } else if record.may_have_acted() {
            Ambiguity::ServerError
        } else {
            Ambiguity::None
        }
    }

    /// Looks for the key within what is left of the limit, and says what became of it.
    pub(super) async fn verify(
        &self,
        key: &Key,
        failure: CallError,
        record: &Record,
        allowance: &Allowance,
    ) -> Outcome {
        let (ambiguity, response) = (self.ambiguity(record), Response::of(&failure));
        let mut last = None;
        let found = async {
            let found = self.locate_settled(key, &mut last).await;
            if ambiguity == Ambiguity::None {
                return found;
            }
            self.or_after_lag(key, found, &mut last).await
        };
        let found = allowance.spend(Duration::ZERO, found).await;
        let location = match (found, last) {
            (Some(found), _) => found,
            // Out of time: while a request is out, a list that may lag decides nothing, and is only reported.
            (None, Some(listed @ KeyLocation::Listed(_)))
                if matches!(ambiguity, Ambiguity::ServerError | Ambiguity::Unanswered) =>
            {
                listed
            }
            (None, _) => KeyLocation::LookupFailed,
        };
        let evidence = Evidence {
            action: self.action,
            missing: self.missing,
            hint: &self.owner,
            ambiguity,
            response,
            location: &location,
        };
        evidence.outcome(key, failure)
    }

    /// Where a key is that may be deleted. Another owner is believed only later: the user may have been renamed after the
    /// key was deleted, or be the calling user.
    pub(super) async fn or_after_lag(
        &self,
        key: &Key,
        found: KeyLocation,
        last: &mut Option<KeyLocation>,
    ) -> KeyLocation {
        match found {
            KeyLocation::OtherUser(_) if self.action == Action::Delete => {
                sleep(OWNER_LAG).await;
                self.locate_settled(key, last).await
            }
            found => found,
        }
    }

    /// Where the key is, by one look.
    pub(super) async fn locate(&self, key: &Key) -> KeyLocation {
        locate_key(self.iam, self.signer, key, &self.owner).await
    }

    /// Where the key is, as soon as the lists agree.
    pub(super) async fn locate_settled(
        &self,
        key: &Key,
        last: &mut Option<KeyLocation>,
    ) -> KeyLocation {
        let Self {
            iam, signer, owner, ..
        } = self;
        locate_settled(iam, signer, key, owner, self.action, last).await
    }

    /// What the list says that an earlier run has done, if it does.
    pub(super) fn shows_done(&self, location: &KeyLocation) -> Option<String> {
        match (self.action, location) {
            (Action::Delete, KeyLocation::Gone) => Some("IAM no longer lists the key".to_owned()),
            (Action::Delete, KeyLocation::GoneButNamed(owner)) => Some(format!(
                "IAM no longer lists the key, but still names {owner} as its owner"
            )),
            (Action::Deactivate, KeyLocation::Listed(Some(Status::Inactive))) => {
                Some("IAM now lists the key as Inactive".to_owned())
            }
            (Action::Delete | Action::Deactivate, _) => None,
        }
    }
}

/// Who owns a key: the user it is named with, unless IAM or an earlier run says more.
pub(crate) fn owner_hint(key: &Key, facts: &KeyMetadata, earlier: &[EarlierAttempt]) -> OwnerHint {
    let listed = facts.owner.as_ref().filter(|_| facts.status.is_some());
    let now = key.user_name.as_ref().or(listed);
    let same = |then: &Option<UserName>| match (then, now) {
        (Some(then), Some(now)) => then.same_user(now),
        (then, now) => then.is_none() && now.is_none(),
    };
    let listed_then = earlier.iter().find_map(EarlierAttempt::listed_owner);
    match (now, listed_then) {
        // IAM listed it there itself: without a name in this run, that is its owner.
        (None, Some(owner)) => OwnerHint::Listed(owner.clone()),
        (Some(now), Some(owner)) if !now.same_user(owner) => OwnerHint::Disputed,
        (Some(now), Some(_)) => OwnerHint::Listed(now.clone()),
        _ if !earlier.iter().all(|attempt| same(&attempt.owner)) => OwnerHint::Disputed,
        (Some(now), None) if listed.is_some() => OwnerHint::Listed(now.clone()),
        (Some(now), None) => OwnerHint::Named(now.clone()),
        (None, None) => OwnerHint::Unknown,
    }
}
