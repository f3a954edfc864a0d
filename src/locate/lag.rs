//! How long lists lag, and what a status in a list proves.

use std::time::Duration;

use tokio::time::Instant;

use super::{CONFIRM_ABSENCE, KeyLocation};
use crate::aws::{Iam, Listing};
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::Status;
use crate::request::Action;

/// How long a list may lag behind a change.
pub(crate) const LIST_LAG: Duration = Duration::from_secs(3);

/// The pauses between reads of a list that may lag behind a change, in milliseconds. Together they are `LIST_LAG`.
pub(super) const READ_AGAIN: [u64; 4] = [150, 350, 700, 1800];

/// How long IAM may still name the owner of a deleted key.
pub(super) const OWNER_LAG: Duration = LIST_LAG;

/// Whether a list that was read at `read` shows the status of a key in a run that started at `started`. Earlier, it may lag
/// behind a change from before the run, and show a status that the key no longer has, or a key that is deleted.
pub(crate) fn shows_status(started: Instant, read: Instant) -> bool {
    read >= started + LIST_LAG
}

impl KeyLocation {
    /// Returns how long the key has to be absent there. If IAM names an owner, only the lists say that the key is gone. A key
    /// that this run was `shown` some time ago is absent only once no read can lag behind its creation, or behind a change of
    /// its owner's name before the run.
    pub(super) fn confirmation(&self, shown: Option<Duration>) -> Duration {
        match (self, shown) {
            (Self::GoneButNamed(_), _) => LIST_LAG,
            (_, None) => CONFIRM_ABSENCE,
            (_, Some(time)) => LIST_LAG.saturating_sub(time).max(CONFIRM_ABSENCE),
        }
    }

    /// Removes the status that `action` gives a key, unless the list of this location `shows_status`.
    pub(super) fn without_unproven(self, action: Action, shows_status: bool) -> Self {
        let is_unproven = |status: &Option<Status>| {
            !shows_status && status.is_some() && *status == action.status()
        };
        match self {
            Self::Listed(status) if is_unproven(&status) => Self::Listed(None),
            Self::OtherUser(owner, status) if is_unproven(&status) => Self::OtherUser(owner, None),
            location => location,
        }
    }
}

/// Whether the list of a user's name shows that it is another user's now, who does not have this key: it has keys of others,
/// or keys that existed when the list of that name had this key, and lacked them.
pub(super) fn is_of_another(iam: &Iam, listing: &Listing, id: &AccessKeyId) -> bool {
    let ours = iam.shown(id);
    let is_of_ours = |owner: &UserName| {
        ours.as_ref()
            .is_some_and(|ours| ours.listed_owners.contains(owner))
    };
    listing.0.iter().any(|(other, key)| {
        let (Some(theirs), Some(name)) = (iam.shown(other), &key.owner) else {
            return false;
        };
        let mut owners = theirs.listed_owners.iter();
        let is_of_others = owners.any(|owner| owner != name && !is_of_ours(owner));
        let listed = ours.as_ref().and_then(|ours| ours.listed);
        let listed = listed.filter(|listed| is_of_ours(name) && theirs.listed > Some(*listed));
        let age = key.created.map(|created| iam.now().duration_since(created));
        let existed = listed
            .zip(age)
            .is_some_and(|(listed, age)| age.is_ok_and(|age| age > listed.elapsed() + LIST_LAG));
        is_of_others || existed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_counts_once_no_list_lags_behind_a_change_from_before_the_run() {
        let started = Instant::now();
        for (milliseconds, expected) in [
            (0, false),
            (200, false),
            (2999, false),
            (3000, true),
            (3001, true),
            (60_000, true),
        ] {
            let read = started + Duration::from_millis(milliseconds);
            assert_eq!(shows_status(started, read), expected, "{milliseconds}");
        }
    }

    #[test]
    fn a_key_that_iam_shows_has_to_be_absent_until_no_list_lags() {
        let named = KeyLocation::GoneButNamed("Bob".parse().expect("a name"));
        for (shown, expected) in [
            (None, 1050),
            (Some(0), 3000),
            (Some(300), 2700),
            (Some(1949), 1051),
            (Some(1951), 1050),
            (Some(60_000), 1050),
        ] {
            let shown = shown.map(Duration::from_millis);
            assert_eq!(named.confirmation(shown), LIST_LAG);
            for location in [
                KeyLocation::Gone,
                KeyLocation::NoLongerListed,
                KeyLocation::AbsentAsNamed,
                KeyLocation::UserMissing,
                KeyLocation::LookupDenied,
            ] {
                let found = location.confirmation(shown);
                let expected = Duration::from_millis(expected);
                assert_eq!(found, expected, "{location:?} {shown:?}");
            }
        }
    }

    #[test]
    fn only_a_status_that_needs_no_change_has_to_be_proven() {
        let (active, inactive) = (Some(Status::Active), Some(Status::Inactive));
        let bob = || "Bob".parse().expect("a name");
        for (action, status, expected) in [
            (Action::Delete, &active, &active),
            (Action::Delete, &inactive, &inactive),
            (Action::Delete, &None, &None),
            (Action::Deactivate, &active, &active),
            (Action::Deactivate, &inactive, &None),
            (Action::Reactivate, &active, &None),
            (Action::Reactivate, &inactive, &inactive),
        ] {
            for (shows_status, expected) in [(false, expected), (true, status)] {
                let found = |location: KeyLocation| location.without_unproven(action, shows_status);
                let listed = found(KeyLocation::Listed(status.clone()));
                assert_eq!(listed, KeyLocation::Listed(expected.clone()), "{action:?}");
                let other = found(KeyLocation::OtherUser(bob(), status.clone()));
                assert_eq!(other, KeyLocation::OtherUser(bob(), expected.clone()));
                assert_eq!(found(KeyLocation::Gone), KeyLocation::Gone);
            }
        }
    }

    #[test]
    fn a_list_is_read_again_until_no_list_lags() {
        let pauses: u64 = READ_AGAIN.iter().sum();
        assert_eq!(Duration::from_millis(pauses), LIST_LAG);
    }
}
