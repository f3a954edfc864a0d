//! What IAM says of one key, read before anything is done to it.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::{Need, Needs, Selector, failed};
use crate::aws::{KeyBudget, ListedKey};
use crate::conclude::{Ambiguity, Response};
use crate::error::{CallError, SearchScope};
use crate::guard::Principal;
use crate::ident::UserName;
use crate::locate::{ListRead, Search, owner_hint, with_accounts};
use crate::metadata::{Denied, KeyMetadata, Status, Target};
use crate::outcome::Outcome;
use crate::request::{Action, Key, Missing, Mode, Owner};

/// How many other keys of the owner are kept to be shown. IAM allows two keys per user; eight have been seen.
const MAX_OTHERS: usize = 10;

/// How long a list may lag behind a change.
const LIST_LAG: Duration = Duration::from_secs(3);

/// How long the status of a key is waited for if nothing depends on it.
const TRIED: Duration = Duration::from_secs(5);

impl Selector<'_> {
    /// Reads what the request needs of the key, and nothing else, within the limit of one key. Gives the denied read that
    /// decides, if any.
    ///
    /// # Errors
    ///
    /// The outcome that is already known.
    pub(super) async fn fetch_metadata(
        &self,
        target: &mut Target,
        budget: &mut KeyBudget,
    ) -> Result<Option<CallError>, Outcome> {
        let Target { key, metadata } = target;
        metadata.owner.clone_from(&key.user_name);
        if let Some(user) = &key.user_name {
            self.check_path(user).await?;
            // The list of users is not a part of the limit.
            *budget = self.iam.key_budget(self.request.limit);
        }
        let needs = Needs::of(self.request, key.user_name.as_ref());
        let too_late = || failed(super::timed_out(self.request.limit));
        let mut denied = None;
        // A list may name the owner itself.
        if self.request.owner == Owner::Find && key.user_name.is_none() {
            let found = budget.spend(Duration::ZERO, self.read_last_use(key, metadata));
            denied = found.await.ok_or_else(too_late)??;
            if let Some(failure) = &denied {
                self.find_in_index(key, metadata, failure, needs).await?;
                // The index is not a part of the limit.
                *budget = self.iam.key_budget(self.request.limit);
            }
            self.tell_owner(key, metadata);
        }
        let read = self.read_facts(key, metadata, needs, denied);
        let read = budget.spend(Duration::ZERO, read).await;
        read.ok_or_else(too_late)?
    }

    /// Reads what is needed and not known yet. `denied`: IAM denied the last use already. Gives the denied read that decides.
    async fn read_facts(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
        needs: Needs,
        mut denied: Option<CallError>,
    ) -> Result<Option<CallError>, Outcome> {
        let mut decisive = None;
        if needs.listing == Need::Tried {
            self.try_status(key, metadata).await;
        } else if needs.listing > Need::Nothing && metadata.status.is_none() {
            let listing = self.list_user_keys(key, metadata).await?;
            metadata.denied.listing = listing.is_some();
            decisive = listing.filter(|_| needs.listing == Need::Decisive);
        }
        if needs.last_use > Need::Nothing && metadata.last_use.is_none() && decisive.is_none() {
            if denied.is_none() {
                denied = self.read_last_use(key, metadata).await?;
            }
            metadata.denied.last_use = denied.is_some();
            if let Some(context) = denied.as_mut().and_then(CallError::context_mut) {
                context.is_listed = metadata.status.is_some();
            }
            decisive = denied.filter(|_| needs.last_use == Need::Decisive);
        }
        if self.lacks_only_tags(metadata) {
            self.read_owner_tags(key, metadata).await?;
        }
        self.report_denied(Denied {
            listing: metadata.denied.listing && needs.listing == Need::Shown,
            last_use: metadata.denied.last_use && needs.last_use == Need::Shown,
        });
        Ok(decisive)
    }

    /// Looks up the owner in the index of the account.
    async fn find_in_index(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
        denied: &CallError,
        needs: Needs,
    ) -> Result<(), Outcome> {
        let index = self.index().await.map_err(|not_read| match not_read {
            // The first refusal says more: IAM gives it for an unknown key as well.
            error if error.is_denied() => failed(denied.clone()),
            error => failed(error),
        })?;
        let Some(found) = index.get(key.id.as_str()) else {
            return Err(self.absent(key, CallError::not_found(SearchScope::Account)));
        };
        *metadata = match needs.listing {
            Need::Nothing | Need::Shown => found.clone(),
            // The index may be old when it is the key's turn: what decides is read again.
            Need::Tried | Need::Decisive => KeyMetadata {
                owner: found.owner.clone(),
                ..KeyMetadata::default()
            },
        };
        Ok(())
    }

    fn tell_owner(&self, key: &mut Key, metadata: &KeyMetadata) {
        let Some(owner) = metadata.owner.clone() else {
            return;
        };
        // The report names the owner of the only key.
        if !self.request.deletes_one() {
            let found = || format!("{} belongs to the user {owner}", key.id);
            self.log.verbose(found);
        }
        key.user_name = Some(owner);
    }

    /// Reads the status if that is possible. A list that fails or lacks the key decides nothing: the change will tell.
    async fn try_status(&self, key: &Key, metadata: &mut KeyMetadata) {
        let budget = self.iam.key_budget(TRIED.min(self.request.limit / 4));
        let read = self.iam.access_keys(key.user_name.as_ref());
        let Some(Ok(listing)) = budget.spend(Duration::ZERO, read).await else {
            return;
        };
        let mut keys = listing.keys.into_iter();
        if let Some(listed) = keys.find(|listed| listed.id == key.id.as_str()) {
            take_listed(metadata, listed, listing.at);
        }
    }

    /// Whether a key has the status that it is to get, also by a list that no longer lags behind the deactivation which is
    /// to be undone.
    pub(super) async fn still_has_status(&self, target: &mut Target, budget: &KeyBudget) -> bool {
        if self.request.action != Action::Reactivate || self.request.mode == Mode::DryRun {
            return true;
        }
        let Target { key, metadata } = target;
        metadata.status = None;
        let read_again = async {
            sleep(LIST_LAG.min(self.request.limit / 4)).await;
            self.try_status(key, metadata).await;
        };
        let _ = budget.spend(Duration::ZERO, read_again).await;
        self.already(&target.metadata).is_some()
    }

    async fn list_user_keys(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
    ) -> Result<Option<CallError>, Outcome> {
        let listing = match self.iam.access_keys(key.user_name.as_ref()).await {
            Ok(listing) => listing,
            Err(failure) if failure.is_denied() => return Ok(Some(failure)),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self
                    .diagnose_missing(key, key.user_name.as_ref(), failure)
                    .await);
            }
            Err(failure) => return Err(failed(failure)),
        };
        // Without a name it is the list of the signing user, who has at least the key that signs.
        let signing_user = || listing.keys.iter().find_map(|key| key.owner.clone());
        let listed_for = key.user_name.clone().or_else(signing_user);
        let read_at = listing.at;
        let is_key = |listed: &ListedKey| listed.id == key.id.as_str();
        if self.request.mode == Mode::DryRun && self.request.single().is_some() {
            let keys = listing.keys.iter();
            let others = keys.filter(|key| !is_key(key) && key.status == Some(Status::Active));
            let others = others.map(|key| key.id.clone()).take(MAX_OTHERS);
            metadata.other_active = others.collect();
        }
        let (listed, read_at) = match listing.keys.into_iter().find(is_key) {
            Some(listed) => (listed, read_at),
            None => self.lost_or_late(key, listed_for.as_ref()).await?,
        };
        take_listed(metadata, listed, read_at);
        Ok(None)
    }

    /// Asks IAM for the last use and the owner. Gives the failure if that is denied.
    async fn read_last_use(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
    ) -> Result<Option<CallError>, Outcome> {
        let read = match self.iam.last_use(&key.id).await {
            Ok(read) => read,
            Err(failure) if failure.is_denied() => return Ok(Some(failure)),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.absent(key, CallError::not_found(SearchScope::Account)));
            }
            Err(failure) => return Err(failed(failure)),
        };
        let is_owner_needed = self.request.owner == Owner::Find && key.user_name.is_none();
        if is_owner_needed && read.owner.is_none() {
            return Err(failed(super::missing_data("the key's owner")));
        }
        if let (Some(named), Some(owner)) = (&metadata.owner, &read.owner)
            && !named.same_user(owner)
        {
            let place = SearchScope::User(named.clone());
            return Err(self.absent(key, CallError::not_found(place).with_owner(read.owner)));
        }
        metadata.owner = metadata.owner.take().or(read.owner);
        metadata.last_use = Some(read.last_use);
        metadata.read_at = read.at;
        Ok(None)
    }

    /// Reads the owner's tags. If they cannot be read, the key is never changed.
    async fn read_owner_tags(&self, key: &Key, metadata: &mut KeyMetadata) -> Result<(), Outcome> {
        let Some(owner) = &metadata.owner else {
            return Ok(());
        };
        match self.iam.user_tags(owner).await {
            Ok(tags) => metadata.owner_tags = Some(tags),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.diagnose_missing(key, Some(owner), failure).await);
            }
            Err(failure) => return Err(failed(failure)),
        }
        Ok(())
    }

    /// A key that is not in the list of `listed_for`: it is missing, or a later list shows it.
    async fn lost_or_late(
        &self,
        key: &Key,
        listed_for: Option<&UserName>,
    ) -> Result<(ListedKey, Option<SystemTime>), Outcome> {
        let place = match &key.user_name {
            Some(name) => SearchScope::User(name.clone()),
            None if self.signer.principal == Principal::RootUser => SearchScope::RootUser,
            None => SearchScope::SigningUser,
        };
        let outcome = self
            .diagnose_missing(key, listed_for, CallError::not_found(place))
            .await;
        let is_listed = match &outcome {
            Outcome::Failed { failure, .. } => failure.context().is_listed,
            _ => false,
        };
        if !is_listed {
            return Err(outcome);
        }
        let listing = self.iam.access_keys(key.user_name.as_ref()).await;
        let listing = listing.map_err(failed)?;
        let is_key = |listed: &ListedKey| listed.id == key.id.as_str();
        let found = listing.keys.into_iter().find(is_key);
        found.map(|listed| (listed, listing.at)).ok_or(outcome)
    }

    /// A key that is not in the list of `listed_for`: whose is it?
    async fn diagnose_missing(
        &self,
        key: &Key,
        listed_for: Option<&UserName>,
        failure: CallError,
    ) -> Outcome {
        let list = match Response::of(&failure) {
            Response::NoSuchUser => ListRead::NoSuchUser,
            _ => ListRead::NotListed(listed_for.cloned()),
        };
        let search = Search {
            iam: self.iam,
            signer: self.signer,
            request: self.request,
            key,
            hint: owner_hint(key, &KeyMetadata::default(), &[], self.signer.principal),
        };
        let mut location = match search.locate_unlisted(list).await {
            Ok(location) => location,
            Err(failure) => return failed(failure),
        };
        if location.is_absence() && self.request.missing == Missing::Succeeds {
            location = search.locate_confirmed(&mut None).await;
        }
        let failure = with_accounts(failure, key, self.signer);
        match search.conclude(Ambiguity::None, failure, &location) {
            // Nothing was asked of IAM but to read.
            Outcome::Failed { failure, .. } if failure.context().owner.is_none() => failed(failure),
            outcome => outcome,
        }
    }
}

/// What a list shows of a key.
fn take_listed(metadata: &mut KeyMetadata, listed: ListedKey, read_at: Option<SystemTime>) {
    metadata.read_at = read_at;
    metadata.status = listed.status;
    metadata.created = listed.created;
    metadata.owner = listed.owner.or(metadata.owner.take());
}
