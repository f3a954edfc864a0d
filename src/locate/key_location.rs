//! Where a key can be, and what a list says about it.

use crate::ident::{AccountId, UserName};
use crate::metadata::Status;
use crate::request::Action;

/// What `ListAccessKeys` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListRead {
    Listed(Option<Status>),
    /// The key is not in the list of this user, if any key in the list names the user.
    NotListed(Option<UserName>),
    /// The key is not in the list, which is that of another user by now.
    OfAnother,
    NoSuchUser,
    /// Not allowed, or not possible for these credentials.
    Denied,
    /// No usable response.
    Failed,
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyLocation {
    /// In the list of the user whose list was read, with this status.
    Listed(Option<Status>),
    /// In the list of this other user, with this status.
    OtherUser(UserName, Option<Status>),
    /// IAM names this owner, whose list is denied. It may be the calling user, and the key may be deleted: IAM still names
    /// the owner for seconds after a deletion.
    ReportedOwner(UserName),
    /// Nowhere in this account, as IAM says.
    Gone,
    /// Absent from the list of the owner for whom IAM listed it before. IAM does not confirm that it is nowhere else.
    NoLongerListed,
    /// Absent from the lists of all users of the account. The root user or another account may have it.
    InNoList,
    /// Absent from the list of this user, whom IAM still names as its owner, as it does for seconds after a deletion. It
    /// is the named or calling user, or another one, as after a rename.
    GoneButNamed(UserName),
    /// Absent from the list of the user whom the caller names. IAM does not confirm that owner.
    AbsentAsNamed,
    /// Absent from a list that need not be its owner's, which proves nothing.
    NotListed,
    /// The user whose list was read does not exist, and IAM does not name an owner.
    UserMissing,
    /// In the account that its ID encodes (first), which the credentials of the second account cannot see.
    OtherAccount(AccountId, AccountId),
    /// IAM denies the reads.
    LookupDenied,
    /// IAM denies the list of the named user, and its owner look-up decides nothing.
    ListDenied,
    /// The reads failed or contradict each other.
    LookupFailed,
    /// The reads were answered, but the time was not enough to confirm what they say.
    Unconfirmed,
}

impl KeyLocation {
    /// Whether the key was not found. IAM may hide a new key for a moment, so this needs to be confirmed.
    pub(crate) fn is_absence(&self) -> bool {
        let is_absent = matches!(
            self,
            Self::AbsentAsNamed | Self::NotListed | Self::UserMissing
        );
        is_absent || self.is_gone()
    }

    /// Whether the key does not exist.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(
            self,
            Self::Gone | Self::NoLongerListed | Self::GoneButNamed(_)
        )
    }

    /// Whether a list has the key, and a later one may show that the action was done.
    pub(super) fn lacks_change(&self, action: Action) -> bool {
        match self {
            Self::Listed(_) => !self.shows_done(action),
            Self::OtherUser(_, None) => true,
            Self::OtherUser(_, status) => action.status().is_some() && *status != action.status(),
            _ => false,
        }
    }

    /// Whether this proves that the action was done.
    pub(crate) fn shows_done(&self, action: Action) -> bool {
        match action.status() {
            None => self.is_gone(),
            wanted => *self == Self::Listed(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list may lag behind the change. Each row: for deletions, deactivations and reactivations.
    #[test]
    fn a_list_without_the_change_is_read_again() {
        let alice: UserName = "Alice".parse().expect("a name");
        let other = |status| KeyLocation::OtherUser(alice.clone(), status);
        let (active, inactive) = (Some(Status::Active), Some(Status::Inactive));
        for (location, expected) in [
            (KeyLocation::Listed(active.clone()), [true, true, false]),
            (KeyLocation::Listed(inactive.clone()), [true, false, true]),
            (KeyLocation::Listed(None), [true, true, true]),
            (other(None), [true, true, true]),
            (other(active), [false, true, false]),
            (other(inactive), [false, false, true]),
            (KeyLocation::ReportedOwner(alice.clone()), [false; 3]),
            (KeyLocation::Gone, [false; 3]),
            (KeyLocation::LookupFailed, [false; 3]),
        ] {
            let actions = [Action::Delete, Action::Deactivate, Action::Reactivate];
            let found = actions.map(|action| location.lacks_change(action));
            assert_eq!(found, expected, "{location:?}");
        }
    }
}
