//! Locates a key: what `GetAccessKeyLastUsed` and `ListAccessKeys` say about it, and what that proves.

mod key_location;
mod lag;
mod owner_hint;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::Iam;
use crate::error::{CallError, ErrorKind, ServiceError};
use crate::guard;
use crate::ident::UserName;
use crate::request::{Action, Key, Request};
use crate::select::missing_data;
pub(crate) use key_location::{KeyLocation, ListRead};
pub(crate) use lag::{LIST_LAG, shows_status};
use lag::{OWNER_LAG, READ_AGAIN, is_of_another};
pub(crate) use owner_hint::{OwnerHint, owner_hint};

/// What `GetAccessKeyLastUsed` says about the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnerRead {
    Owner(UserName),
    NoSuchKey,
    /// Not allowed, or no such key: AWS returns the same error for both.
    Denied,
    /// No usable response.
    Failed,
}

/// The search for one key.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) iam: &'a Iam,
    pub(crate) request: &'a Request,
    /// The key, with the user who is named as its owner.
    pub(crate) key: &'a Key,
    pub(crate) hint: OwnerHint,
    /// Where the key is as far as it is known. It outlives a look-up that a signal or a time limit ends.
    pub(crate) found: RefCell<Option<KeyLocation>>,
    /// The owner whom the look-up named last.
    owner: RefCell<Option<UserName>>,
    /// Whether IAM denied the last look-up of the owner. An owner whom it named before may have another name by now.
    pub(crate) is_owner_denied: Cell<bool>,
}

/// How long a key has to be absent: IAM can hide a new key for most of a second.
pub(crate) const CONFIRM_ABSENCE: Duration = Duration::from_millis(1050);

impl<'a> Search<'a> {
    /// Creates a search that has found nothing yet.
    pub(crate) fn new(iam: &'a Iam, request: &'a Request, key: &'a Key, hint: OwnerHint) -> Self {
        Self {
            iam,
            request,
            key,
            hint,
            found: RefCell::default(),
            owner: RefCell::default(),
            is_owner_denied: Cell::default(),
        }
    }

    /// Locates the key with one look-up of its owner, and reads of the lists of the named or calling user and of the owner.
    pub(crate) async fn locate_key(&self) -> KeyLocation {
        let named = self.named();
        let read = Instant::now();
        let owner = self.read_owner().await.unwrap_or(OwnerRead::Failed);
        let list = match (&owner, named) {
            // The list of another user cannot contain the key, unless IAM named the owner before and denies it now.
            (OwnerRead::Owner(owner), Some(named))
                if !self.is_owner_denied.get() && !named.same_user(owner) =>
            {
                ListRead::NotListed(Some(named.clone()))
            }
            _ => self.read_list(named).await,
        };
        let location = self.interpret(named, owner, list).await;
        let shows_status = shows_status(self.iam.started, read);
        self.found(location.without_unproven(self.request.action, shows_status))
    }

    /// Returns the user whose list is read. `None`: the calling user.
    fn named(&self) -> Option<&UserName> {
        match (&self.key.user_name, &self.hint) {
            (None, OwnerHint::Listed(Some(owner))) => Some(owner),
            (user_name, _) => user_name.as_ref(),
        }
    }

    /// Remembers where the key is. A look-up that fails later takes nothing back.
    fn found(&self, location: KeyLocation) -> KeyLocation {
        if location != KeyLocation::LookupFailed {
            *self.found.borrow_mut() = Some(location.clone());
        }
        location
    }

    /// Returns the owner that IAM named in this run, or else the owner for whom IAM listed the key before.
    pub(crate) fn confirmed_owner(&self) -> Option<UserName> {
        match (self.owner.borrow().clone(), &self.hint) {
            (None, OwnerHint::Listed(owner)) => owner.clone(),
            (owner, _) => owner,
        }
    }

    /// Returns where the key is as far as look-ups that did not end show it.
    pub(crate) fn location_so_far(&self, is_of_this_run: bool) -> KeyLocation {
        match self.found.borrow().clone() {
            // While a request is out, a list that may lag decides nothing and is only reported. No list lags behind a
            // deletion whose requests have expired.
            Some(listed @ KeyLocation::Listed(_))
                if is_of_this_run || self.request.action == Action::Delete =>
            {
                listed
            }
            // Nor does an owner whose list may lag, or whom IAM may only still name.
            Some(
                KeyLocation::OtherUser(owner, _)
                | KeyLocation::ReportedOwner(owner)
                | KeyLocation::GoneButNamed(owner),
            ) => KeyLocation::ReportedOwner(owner),
            Some(
                unreadable @ (KeyLocation::ListDenied
                | KeyLocation::LookupDenied
                | KeyLocation::OtherAccount(..)),
            ) => unreadable,
            Some(_) => KeyLocation::Unconfirmed,
            None => KeyLocation::LookupFailed,
        }
    }

    /// Locates a key after the list of its named owner was read.
    ///
    /// # Errors
    ///
    /// The owner cannot be looked up.
    pub(crate) async fn locate_unlisted(&self, list: ListRead) -> Result<KeyLocation, CallError> {
        let owner = self.read_owner().await?;
        let named = self.key.user_name.as_ref();
        Ok(self.interpret(named, owner, list).await)
    }

    /// Locates the key, and repeats the reads while a list may lag behind a change or cannot be read. An absence is
    /// confirmed.
    pub(crate) async fn locate_confirmed(&self) -> KeyLocation {
        let mut pauses = READ_AGAIN.into_iter().map(Duration::from_millis);
        let mut was_listed = false;
        loop {
            let mut location = self.locate_key().await;
            if location.is_absence() {
                self.confirm(&location).await;
                let again = self.locate_key().await;
                if again == location {
                    return location;
                }
                location = again;
            }
            was_listed |= matches!(location, KeyLocation::Listed(_));
            let may_change = match &location {
                KeyLocation::LookupFailed | KeyLocation::ListDenied => true,
                location => location.is_absence() || location.lacks_change(self.request.action),
            };
            match pauses.next() {
                Some(pause) if may_change => sleep(pause).await,
                _ => {
                    // A list that contains the key only now and then proves nothing.
                    let is_unclear = match &location {
                        KeyLocation::LookupFailed => true,
                        KeyLocation::LookupDenied => was_listed,
                        location => location.is_absence(),
                    };
                    return match self.found.borrow().clone() {
                        Some(owner @ KeyLocation::ReportedOwner(_)) if is_unclear => owner,
                        _ if is_unclear => KeyLocation::LookupFailed,
                        _ => location,
                    };
                }
            }
        }
    }

    /// Waits as long as the key has to be absent there.
    pub(crate) async fn confirm(&self, location: &KeyLocation) {
        let shown = self.iam.shown(&self.key.id).map(|shown| shown.since);
        // IAM accepts requests that are signed with a key which exists.
        let signs = self.iam.signs_with(&self.key.id);
        let shown = shown.or_else(|| signs.then_some(self.iam.started));
        let time = location.confirmation(shown.map(|since| since.elapsed()));
        sleep(time).await;
    }

    /// Confirms another owner of a key that may have been deleted. IAM may still name the owner of a deleted key: a user
    /// who was renamed after the deletion, or the calling user. An owner whose list had the key is not forgotten.
    pub(crate) async fn confirm_other_owner(&self, location: KeyLocation) -> KeyLocation {
        let KeyLocation::OtherUser(owner, _) = &location else {
            return location;
        };
        if self.request.action != Action::Delete {
            return location;
        }
        let owner = owner.clone();
        sleep(OWNER_LAG).await;
        let location = match self.locate_confirmed().await {
            location @ (KeyLocation::Listed(_)
            | KeyLocation::OtherUser(..)
            | KeyLocation::OtherAccount(..)) => location,
            location => match Box::pin(self.read_list(Some(&owner))).await {
                ListRead::Listed(status) => KeyLocation::OtherUser(owner, status),
                ListRead::NotListed(_) if location.is_gone() => location,
                // The request was for the named user, so it did not change another user's key.
                ListRead::NotListed(_)
                    if location == KeyLocation::NotListed
                        && matches!(self.hint, OwnerHint::Named(Some(_))) =>
                {
                    location
                }
                ListRead::NotListed(_) if location.is_absence() => KeyLocation::NoLongerListed,
                _ => KeyLocation::ReportedOwner(owner),
            },
        };
        self.found(location)
    }

    /// Returns what the two reads prove. Another owner is believed only if that user's list has the key: the calling user
    /// may be that owner, a user may have been renamed, and IAM may still name the owner of a deleted key. A key that IAM
    /// does not find may belong to another account.
    async fn interpret(
        &self,
        named: Option<&UserName>,
        owner: OwnerRead,
        list: ListRead,
    ) -> KeyLocation {
        // A request for a user who may exist did not change the key of another one, unless they swapped names.
        let named_user_may_exist = list != ListRead::NoSuchUser
            && named.is_some()
            && matches!(self.hint, OwnerHint::Named(_));
        let location = match interpret(&self.hint, named, owner, list) {
            KeyLocation::OtherUser(owner, _) => {
                self.found(KeyLocation::ReportedOwner(owner.clone()));
                // If the look-up is denied, nothing says that IAM would still name the owner.
                let is_reported = self.owner.borrow().as_ref() == Some(&owner)
                    && !(self.is_owner_denied.get() && named_user_may_exist);
                let list = Box::pin(self.read_list(Some(&owner))).await;
                match listed_by_owner(owner, list) {
                    // The list does not say whether the key was deleted or its user was renamed.
                    KeyLocation::GoneButNamed(_) if !is_reported => KeyLocation::NotListed,
                    location => location,
                }
            }
            location => location,
        };
        match guard::foreign_account(&self.key.id, &self.iam.signer) {
            // What IAM shows is in the account of the credentials, whatever the ID encodes.
            Some((theirs, ours))
                if self.iam.shown(&self.key.id).is_none()
                    && (location.is_absence() || location == KeyLocation::LookupDenied) =>
            {
                KeyLocation::OtherAccount(theirs, ours)
            }
            _ => location,
        }
    }

    /// Returns the owner whom IAM showed before in this run. The first of these counts: the one whom it named, if neither the hint
    /// nor the caller does; such a user for whom it listed the key last; the one whom it named; another such user for whom it
    /// listed the key.
    fn owner_so_far(&self) -> Option<UserName> {
        let is_other = |owner: &UserName| {
            let hint = OwnerHint::Listed(Some(owner.clone()));
            self.hint != hint && self.key.user_name.as_ref() != Some(owner)
        };
        let named = self.owner.borrow().clone();
        let shown = self.iam.shown(&self.key.id);
        let mut listed = shown.map_or_else(Vec::new, |shown| shown.listed_owners);
        let last = listed.pop_if(|owner| is_other(owner));
        let other = named.clone().filter(is_other).or(last).or(named);
        other.or_else(|| listed.into_iter().rev().find(is_other))
    }

    async fn read_owner(&self) -> Result<OwnerRead, CallError> {
        self.is_owner_denied.set(false);
        match self.iam.last_use(&self.key.id).await {
            Ok(read) => {
                self.owner.borrow_mut().clone_from(&read.owner);
                let owner = read.owner.map(OwnerRead::Owner);
                owner.ok_or_else(|| missing_data("the key's owner"))
            }
            Err(failure) => match failure.service().map(ServiceError::kind) {
                Some(ErrorKind::NoSuchEntity) => Ok(OwnerRead::NoSuchKey),
                // What IAM said before still counts. It returns this error for a key that does not exist, too.
                Some(ErrorKind::AccessDenied) => {
                    self.is_owner_denied.set(true);
                    // A key with which IAM accepts requests is the calling user's, whose own list names that user.
                    let mut unnamed = OwnerRead::Denied;
                    if self.named().is_some() && self.iam.signs_with(&self.key.id) {
                        let own = Box::pin(self.iam.access_keys(None)).await?;
                        if own.into_key(&self.key.id).is_some() {
                            unnamed = OwnerRead::Failed;
                        }
                    }
                    Ok(self.owner_so_far().map_or(unnamed, OwnerRead::Owner))
                }
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
        let calling = listing.owner();
        let is_of_another = is_of_another(self.iam, &listing, &self.key.id);
        match listing.into_key(&self.key.id) {
            Some(listed) => ListRead::Listed(listed.status),
            None if is_of_another => ListRead::OfAnother,
            None => ListRead::NotListed(calling),
        }
    }
}

/// Adds what is known about the key to `NoSuchEntity`: both accounts, if the key's ID encodes another than the credentials',
/// and whether IAM showed the key in this run.
pub(crate) fn with_key(mut failure: CallError, key: &Key, iam: &Iam) -> CallError {
    if failure.is_no_such_entity()
        && let Some(context) = failure.context_mut()
    {
        context.accounts = guard::foreign_account(&key.id, &iam.signer);
        context.was_shown = iam.has_shown(key);
    }
    failure
}

/// Returns where a key is whose named or calling user does not list it, from the list of the owner whom IAM names.
fn listed_by_owner(owner: UserName, list: ListRead) -> KeyLocation {
    match list {
        ListRead::Listed(status) => KeyLocation::OtherUser(owner, status),
        ListRead::NotListed(_) => KeyLocation::GoneButNamed(owner),
        ListRead::Denied => KeyLocation::ReportedOwner(owner),
        // A user who owns a key exists.
        ListRead::OfAnother | ListRead::NoSuchUser | ListRead::Failed => KeyLocation::LookupFailed,
    }
}

/// Returns what the two reads prove. `named` is the user whose list was read. `None`: the calling user's list.
fn interpret(
    hint: &OwnerHint,
    named: Option<&UserName>,
    owner: OwnerRead,
    list: ListRead,
) -> KeyLocation {
    match (list, owner) {
        (ListRead::Listed(status), _) => KeyLocation::Listed(status),
        (_, OwnerRead::Owner(owner)) if named.is_some_and(|named| !named.same_user(&owner)) => {
            KeyLocation::OtherUser(owner, None)
        }
        (ListRead::Denied, OwnerRead::Failed) if named.is_some() => KeyLocation::ListDenied,
        // A user who owns a key exists.
        (_, OwnerRead::Failed)
        | (ListRead::Failed | ListRead::NoSuchUser | ListRead::OfAnother, OwnerRead::Owner(_))
        | (ListRead::Failed, OwnerRead::Denied) => KeyLocation::LookupFailed,
        (ListRead::NotListed(calling), OwnerRead::Owner(owner)) => match (named, calling) {
            (Some(_), _) => KeyLocation::GoneButNamed(owner),
            (None, Some(calling)) if calling.same_user(&owner) => KeyLocation::GoneButNamed(owner),
            (None, _) => KeyLocation::OtherUser(owner, None),
        },
        (ListRead::Denied, OwnerRead::Owner(owner)) => match named {
            // The owner counts although the list is denied.
            None => KeyLocation::OtherUser(owner, None),
            // IAM may still name the owner of a deleted key.
            Some(_) => KeyLocation::ListDenied,
        },
        (_, OwnerRead::NoSuchKey) => KeyLocation::Gone,
        (ListRead::NotListed(_), OwnerRead::Denied) => match hint {
            OwnerHint::Listed(_) => KeyLocation::NoLongerListed,
            OwnerHint::Named(_) => KeyLocation::AbsentAsNamed,
            _ => KeyLocation::NotListed,
        },
        (ListRead::OfAnother, OwnerRead::Denied) => KeyLocation::NotListed,
        (ListRead::NoSuchUser, OwnerRead::Denied) => KeyLocation::UserMissing,
        (ListRead::Denied, OwnerRead::Denied) => KeyLocation::LookupDenied,
    }
}

#[cfg(test)]
mod tests;
