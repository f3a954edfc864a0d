//! Where a key is: what `GetAccessKeyLastUsed` and `ListAccessKeys` say about it, and what that proves.

use std::time::Duration;

use tokio::time::sleep;

use crate::aws::Iam;
use crate::error::{CallError, ErrorKind, ServiceError};
use crate::guard::{self, Principal, Signer};
use crate::ident::{AccountId, UserName};
use crate::journal::EarlierAttempt;
use crate::metadata::{KeyMetadata, Status};
use crate::request::{Action, Key, KeyOwner};
use crate::select::unsaid;

/// Who owns a key, by all that is known before IAM is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerHint {
    /// Nobody says. IAM then uses the calling user, who need not be the owner.
    Unknown,
    /// The caller names this owner, in every run.
    Named(KeyOwner),
    /// IAM listed the key among this owner's keys, in this run or in an earlier one.
    Listed(KeyOwner),
    /// Earlier runs named another user than this one does.
    Disputed,
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyLocation {
    /// In the list of the user it was looked for, with this status.
    Listed(Option<Status>),
    /// Owned by this user, who is not the user it was looked for.
    OtherUser(UserName),
    /// Nowhere in this account: it is absent from the list of its owner, as IAM listed it before, or IAM says that there
    /// is no such key.
    Gone,
    /// Absent from the list of this user, whom IAM still names as its owner. For some seconds after a deletion that is so.
    GoneButNamed(UserName),
    /// Absent from the list of the user the caller names as its owner. IAM does not confirm that owner.
    AbsentAsNamed,
    /// Absent from a list that need not be its owner's: that proves nothing.
    NotListed,
    /// The user it was looked for does not exist, and IAM does not say who owns it.
    UserMissing,
    /// Its ID encodes the first account. The credentials belong to the second one, which cannot see it.
    OtherAccount(AccountId, AccountId),
    /// IAM does not allow the reads.
    LookupDenied,
    /// The reads failed, or they contradict each other.
    LookupFailed,
}

impl KeyLocation {
    /// Whether it says that the key was not found. A new key can be hidden for a moment, so this needs a second look.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Gone
            | Self::GoneButNamed(_)
            | Self::AbsentAsNamed
            | Self::NotListed
            | Self::UserMissing => true,
            Self::Listed(_)
            | Self::OtherUser(_)
            | Self::OtherAccount(..)
            | Self::LookupDenied
            | Self::LookupFailed => false,
        }
    }

    /// Whether it shows that the action was done.
    pub(crate) fn shows_done(&self, action: Action) -> bool {
        match action.status() {
            None => matches!(self, Self::Gone | Self::GoneButNamed(_)),
            wanted => *self == Self::Listed(wanted),
        }
    }
}

/// What `GetAccessKeyLastUsed` says about the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerRead {
    /// The key is this user's.
    Is(UserName),
    /// There is no such key in this account. AWS itself answers `Denied` instead.
    NoSuchKey,
    /// Not allowed, or no such key: AWS says the same for both.
    Denied,
    /// No usable answer.
    Failed,
}

/// What `ListAccessKeys` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListRead {
    /// The key is in the list.
    Listed(Option<Status>),
    /// It is not. The list is this user's, as far as its other keys say.
    NotListed(Option<UserName>),
    /// There is no such user.
    NoSuchUser,
    /// Not allowed, or not possible for these credentials.
    Denied,
    /// No usable answer.
    Failed,
}

/// Which key is looked for, and what is known of it before.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    /// IAM.
    pub(crate) iam: &'a Iam,
    /// The key that signs.
    pub(crate) signer: &'a Signer,
    /// The key, with the user it is named with.
    pub(crate) key: &'a Key,
    /// Who owns it.
    pub(crate) hint: OwnerHint,
    /// What is or was to be done to it.
    pub(crate) action: Action,
}

/// The pauses between reads of a list that may lag behind a change: it can do so for three seconds.
const READ_AGAIN: [Duration; 4] = [
    Duration::from_millis(150),
    Duration::from_millis(350),
    Duration::from_millis(700),
    Duration::from_millis(1800),
];

/// How long a key has to be absent: a new key can be hidden for most of a second.
pub(crate) const CONFIRM_ABSENCE: Duration = Duration::from_millis(1050);

/// How long IAM may still name the owner of a deleted key.
const OWNER_LAG: Duration = Duration::from_secs(3);

impl Search<'_> {
    /// Asks IAM where the key is, once.
    pub(crate) async fn locate_key(&self) -> KeyLocation {
        let named = match &self.hint {
            OwnerHint::Listed(KeyOwner::User(owner)) => self.key.user_name.as_ref().or(Some(owner)),
            OwnerHint::Unknown
            | OwnerHint::Named(_)
            | OwnerHint::Listed(KeyOwner::Root)
            | OwnerHint::Disputed => self.key.user_name.as_ref(),
        };
        let owner = self.read_owner().await.unwrap_or(OwnerRead::Failed);
        let list = match &owner {
            // The list of another user cannot have it, and one that cannot be trusted need not be read.
            OwnerRead::Is(owner) if named.is_some_and(|named| !named.same_user(owner)) => {
                ListRead::NotListed(named.cloned())
            }
            OwnerRead::Is(_) | OwnerRead::NoSuchKey | OwnerRead::Denied | OwnerRead::Failed => {
                self.read_list(named).await
            }
        };
        self.conclude(named, owner, list)
    }

    /// Where the key is that the list of the user it is named with was just read for.
    ///
    /// # Errors
    ///
    /// IAM does not say whose key it is.
    pub(crate) async fn locate_unlisted(&self, list: ListRead) -> Result<KeyLocation, CallError> {
        let owner = self.read_owner().await?;
        Ok(self.conclude(self.key.user_name.as_ref(), owner, list))
    }

    /// Asks IAM where the key is until its lists agree: one that lags behind a change or cannot be read is read again, and
    /// an absence is confirmed. What a read found so far is in `last`, also when this is dropped.
    pub(crate) async fn locate_confirmed(&self, last: &mut Option<KeyLocation>) -> KeyLocation {
        let mut pauses = READ_AGAIN.iter();
        loop {
            let mut location = self.locate_key().await;
            if location.is_absence() {
                sleep(CONFIRM_ABSENCE).await;
                let again = self.locate_key().await;
                if again == location {
                    return location;
                }
                location = again;
            }
            let may_change = match (self.action, &location) {
                (action, location @ KeyLocation::Listed(_)) => !location.shows_done(action),
                (_, KeyLocation::LookupFailed) => true,
                (_, location) => location.is_absence(),
            };
            match pauses.next() {
                Some(pause) if may_change => {
                    *last = Some(location);
                    sleep(*pause).await;
                }
                // A list that shows the key now and then proves nothing.
                _ if location.is_absence() => return KeyLocation::LookupFailed,
                _ => return location,
            }
        }
    }

    /// Where a key is that may be deleted. Another owner is believed only later: the user may have been renamed after the
    /// key was deleted, or be the calling user.
    pub(crate) async fn or_after_lag(
        &self,
        found: KeyLocation,
        last: &mut Option<KeyLocation>,
    ) -> KeyLocation {
        match found {
            KeyLocation::OtherUser(_) if self.action == Action::Delete => {
                sleep(OWNER_LAG).await;
                self.locate_confirmed(last).await
            }
            found => found,
        }
    }

    /// What the two reads prove. Another account may have a key that IAM does not find.
    fn conclude(&self, named: Option<&UserName>, owner: OwnerRead, list: ListRead) -> KeyLocation {
        let location = locate(&self.hint, named, owner, list);
        match guard::foreign_account(&self.key.id, self.signer) {
            Some((theirs, ours))
                if location.is_absence() || location == KeyLocation::LookupDenied =>
            {
                KeyLocation::OtherAccount(theirs, ours)
            }
            _ => location,
        }
    }

    async fn read_owner(&self) -> Result<OwnerRead, CallError> {
        match self.iam.last_use(&self.key.id).await {
            Ok(read) => {
                let owner = read.owner.ok_or_else(|| unsaid("the key's owner"))?;
                Ok(OwnerRead::Is(owner))
            }
            Err(failure) => match failure.service().map(ServiceError::kind) {
                Some(ErrorKind::NoSuchEntity) => Ok(OwnerRead::NoSuchKey),
                Some(ErrorKind::AccessDenied) => Ok(OwnerRead::Denied),
                _ => Err(failure),
            },
        }
    }

    async fn read_list(&self, named: Option<&UserName>) -> ListRead {
        let listing = match self.iam.access_keys(named).await {
            Ok(listing) => listing,
            Err(failure) => {
                return match failure.service().map(ServiceError::kind) {
                    Some(ErrorKind::NoSuchEntity) => ListRead::NoSuchUser,
                    Some(ErrorKind::AccessDenied) => ListRead::Denied,
                    // Roles and the root user have no list of their own.
                    Some(ErrorKind::Validation) if named.is_none() => ListRead::Denied,
                    _ => ListRead::Failed,
                };
            }
        };
        let calling = listing.keys.iter().find_map(|listed| listed.owner.clone());
        let mut keys = listing.keys.into_iter();
        match keys.find(|listed| listed.id == self.key.id.as_str()) {
            Some(listed) => ListRead::Listed(listed.status),
            None => ListRead::NotListed(calling),
        }
    }
}

/// Adds the two accounts to `NoSuchEntity` when the key's ID encodes another than the signer's.
pub(crate) fn with_accounts(mut failure: CallError, key: &Key, signer: &Signer) -> CallError {
    if failure.is_no_such_entity()
        && let Some(context) = failure.context_mut()
    {
        context.accounts = guard::foreign_account(&key.id, signer);
    }
    failure
}

/// Who owns a key: the user it is named with, unless IAM or an earlier run says more. Without a name it is the root user's,
/// if it is the root user who signs.
pub(crate) fn owner_hint(
    key: &Key,
    metadata: &KeyMetadata,
    earlier: &[EarlierAttempt],
    principal: Principal,
) -> OwnerHint {
    let user = |name: &UserName| KeyOwner::User(name.clone());
    let listed = metadata
        .owner
        .as_ref()
        .filter(|_| metadata.status.is_some());
    let now = key.user_name.as_ref().or(listed);
    let same = |then: &Option<UserName>| match (then, now) {
        (Some(then), Some(now)) => then.same_user(now),
        (then, now) => then.is_none() && now.is_none(),
    };
    let listed_then = earlier.iter().find_map(EarlierAttempt::listed_owner);
    match (now, listed_then) {
        // IAM listed it there itself: without a name in this run, that is its owner.
        (None, Some(owner)) => OwnerHint::Listed(user(owner)),
        (Some(now), Some(owner)) if !now.same_user(owner) => OwnerHint::Disputed,
        (Some(now), Some(_)) => OwnerHint::Listed(user(now)),
        _ if !earlier.iter().all(|attempt| same(&attempt.owner)) => OwnerHint::Disputed,
        (Some(now), None) if listed.is_some() => OwnerHint::Listed(user(now)),
        (Some(now), None) => OwnerHint::Named(user(now)),
        (None, None) => match principal {
            Principal::Caller => OwnerHint::Unknown,
            Principal::RootUser if metadata.status.is_some() => OwnerHint::Listed(KeyOwner::Root),
            Principal::RootUser => OwnerHint::Named(KeyOwner::Root),
        },
    }
}

/// What the two reads prove. `named` is the user whose list was read; without one it is the calling user's.
fn locate(
    hint: &OwnerHint,
    named: Option<&UserName>,
    owner: OwnerRead,
    list: ListRead,
) -> KeyLocation {
    match (list, owner) {
        (ListRead::Listed(status), _) => KeyLocation::Listed(status),
        (_, OwnerRead::Is(owner)) if named.is_some_and(|named| !named.same_user(&owner)) => {
            KeyLocation::OtherUser(owner)
        }
        // A user who owns a key exists.
        (_, OwnerRead::Failed)
        | (ListRead::Failed | ListRead::NoSuchUser, OwnerRead::Is(_))
        | (ListRead::Failed, OwnerRead::Denied) => KeyLocation::LookupFailed,
        (ListRead::NotListed(calling), OwnerRead::Is(owner)) => match (named, calling) {
            (Some(_), _) => KeyLocation::GoneButNamed(owner),
            (None, Some(calling)) if calling.same_user(&owner) => KeyLocation::GoneButNamed(owner),
            (None, _) => KeyLocation::OtherUser(owner),
        },
        (ListRead::Denied, OwnerRead::Is(owner)) => match named {
            // What IAM said about the owner counts, although it does not show the list.
            None => KeyLocation::OtherUser(owner),
            // It says that the key is there, and to the change that it is not.
            Some(_) => KeyLocation::LookupFailed,
        },
        (_, OwnerRead::NoSuchKey) => KeyLocation::Gone,
        (ListRead::NotListed(_), OwnerRead::Denied) => match hint {
            OwnerHint::Listed(_) => KeyLocation::Gone,
            OwnerHint::Named(_) => KeyLocation::AbsentAsNamed,
            OwnerHint::Unknown | OwnerHint::Disputed => KeyLocation::NotListed,
        },
        (ListRead::NoSuchUser, OwnerRead::Denied) => KeyLocation::UserMissing,
        (ListRead::Denied, OwnerRead::Denied) => KeyLocation::LookupDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().expect("a name")
    }

    /// Every hint and pair of reads: what may be reported about a key, in order of its evidence.
    #[test]
    fn two_reads_prove_this_and_no_more() {
        let bob = user("Bob");
        let owners = [
            OwnerRead::Is(user("bob")),
            OwnerRead::Is(user("Alice")),
            OwnerRead::NoSuchKey,
            OwnerRead::Denied,
            OwnerRead::Failed,
        ];
        let lists = [
            ListRead::NotListed(Some(user("Bob"))),
            ListRead::NotListed(None),
            ListRead::NoSuchUser,
            ListRead::Denied,
            ListRead::Failed,
        ];
        let hints = [
            (OwnerHint::Unknown, None),
            (OwnerHint::Named(KeyOwner::User(bob.clone())), Some(&bob)),
            (OwnerHint::Listed(KeyOwner::User(bob.clone())), Some(&bob)),
            (OwnerHint::Named(KeyOwner::Root), None),
            (OwnerHint::Listed(KeyOwner::Root), None),
            (OwnerHint::Disputed, Some(&bob)),
            (OwnerHint::Disputed, None),
        ];
        for (hint, named) in &hints {
            for owner in &owners {
                let listed = ListRead::Listed(Some(Status::Active));
                assert_eq!(
                    locate(hint, *named, owner.clone(), listed),
                    KeyLocation::Listed(Some(Status::Active))
                );
                for list in &lists {
                    let found = locate(hint, *named, owner.clone(), list.clone());
                    let expected = expected(hint, named.is_some(), owner, list);
                    assert_eq!(found, expected, "{hint:?} {named:?} {owner:?} {list:?}");
                }
            }
        }
    }

    fn expected(
        hint: &OwnerHint,
        is_named: bool,
        owner: &OwnerRead,
        list: &ListRead,
    ) -> KeyLocation {
        let is_bob = |owner: &UserName| owner.as_str() == "bob";
        let is_alice = |owner: &UserName| owner.as_str() == "Alice";
        match (owner, list) {
            (OwnerRead::Failed, _) => KeyLocation::LookupFailed,
            (OwnerRead::NoSuchKey, _) => KeyLocation::Gone,
            (OwnerRead::Is(owner), _) if is_named && is_alice(owner) => {
                KeyLocation::OtherUser(owner.clone())
            }
            (OwnerRead::Is(owner), ListRead::NotListed(_)) if is_named => {
                KeyLocation::GoneButNamed(owner.clone())
            }
            (OwnerRead::Is(owner), ListRead::NotListed(Some(_))) if is_bob(owner) => {
                KeyLocation::GoneButNamed(owner.clone())
            }
            (OwnerRead::Is(owner), ListRead::NotListed(_) | ListRead::Denied) if !is_named => {
                KeyLocation::OtherUser(owner.clone())
            }
            (OwnerRead::Is(_), _) | (OwnerRead::Denied, ListRead::Failed) => {
                KeyLocation::LookupFailed
            }
            (OwnerRead::Denied, ListRead::NotListed(_)) => match hint {
                OwnerHint::Listed(_) => KeyLocation::Gone,
                OwnerHint::Named(_) => KeyLocation::AbsentAsNamed,
                OwnerHint::Unknown | OwnerHint::Disputed => KeyLocation::NotListed,
            },
            (OwnerRead::Denied, ListRead::NoSuchUser) => KeyLocation::UserMissing,
            (OwnerRead::Denied, _) => KeyLocation::LookupDenied,
        }
    }
}
