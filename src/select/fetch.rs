//! Fetches what IAM says about one key before anything is done to it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Requirement, Selector, failed, missing_data};
use crate::aws::TimeBudget;
use crate::error::{CallError, ROOT_KEY, SearchScope};
use crate::locate::{CONFIRM_ABSENCE, LIST_LAG, shows_status};
use crate::metadata::{KeyMetadata, Status, Target, Unread};
use crate::outcome::Outcome;
use crate::request::{Key, Mode};

/// How many other keys of the owner are shown. IAM allows two keys per user, but users with eight keys exist.
const MAX_OTHERS: usize = 10;

/// How long a read may take if its failure does not end the selection.
pub(super) const OPTIONAL_READ: Duration = Duration::from_secs(5);

impl Selector<'_> {
    /// Reads what the request requires of the key, and nothing else, within the time limit of one key. Returns the error
    /// of a required read that IAM denied.
    ///
    /// # Errors
    ///
    /// The outcome, if it follows from a read.
    pub(super) async fn fetch_metadata(
        &self,
        target: &mut Target,
        budget: &mut TimeBudget,
    ) -> Result<Option<CallError>, Outcome> {
        let Target { key, metadata } = target;
        metadata.owner.clone_from(&key.user_name);
        if let Some(user) = &key.user_name {
            // The list of users does not count.
            budget.exempt(Box::pin(self.check_path(user))).await?;
        }
        let listing = self.requires_listing(key.user_name.as_ref());
        let too_late = |budget: &TimeBudget| {
            failed(budget.exceeded("it did not return enough about the key in time"))
        };
        let mut denied = None;
        // A line of a list may name the owner.
        if self.request.find_user && key.user_name.is_none() {
            let read = self.read_last_use(key, metadata, Requirement::Required);
            let found = budget.spend(Duration::ZERO, read);
            denied = found.await.ok_or_else(|| too_late(budget))??;
            if let Some(failure) = &denied {
                // The index does not count.
                let found = Box::pin(self.find_in_index(key, failure, listing));
                *metadata = budget.exempt(found).await?;
            }
            self.use_found_owner(key, metadata);
        }
        let read = self.read_requirements(key, metadata, listing, denied);
        let read = budget.spend(Duration::ZERO, read).await;
        read.ok_or_else(|| too_late(budget))?
    }

    /// Reads what is required and not known yet. `denied` is the error if IAM denied the last use already. Returns the error
    /// of a required read that IAM denied.
    async fn read_requirements(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
        listing: Requirement,
        mut denied: Option<CallError>,
    ) -> Result<Option<CallError>, Outcome> {
        let last_use = self.requires_last_use();
        let (mut decisive, mut denied_listing) = (None, None);
        let started = Instant::now();
        if listing == Requirement::IfPossible {
            self.try_status(key, metadata).await;
        } else if listing > Requirement::None && metadata.status.is_none() {
            denied_listing = self.read_listing(key, metadata).await?;
            metadata.unread.denied_listing = denied_listing.is_some();
            decisive = denied_listing
                .clone()
                .filter(|_| listing == Requirement::Required);
        }
        if self.may_lag(started, metadata) {
            self.confirm_status(key, metadata).await?;
        }
        if last_use > Requirement::None && metadata.last_use.is_none() && decisive.is_none() {
            if denied.is_none() {
                denied = self.read_last_use(key, metadata, last_use).await?;
            }
            if let Some(failure) = &denied {
                metadata.unread.note_last_use(failure);
            }
            if let Some(context) = denied.as_mut().and_then(CallError::context_mut) {
                context.is_listed = metadata.status.is_some();
            }
            decisive = denied.filter(|_| last_use == Requirement::Required);
        }
        if let Some(failure) = denied_listing {
            self.check_calling_user(key, metadata, failure).await?;
        }
        if self.lacks_only_tags(metadata) {
            self.read_owner_tags(key, metadata).await?;
        }
        let unread = metadata.unread;
        let shows_last_use = last_use == Requirement::IfAllowed;
        self.report_unread(Unread {
            denied_listing: unread.denied_listing && listing == Requirement::IfAllowed,
            denied_last_use: unread.denied_last_use && shows_last_use,
            failed_last_use: unread.failed_last_use && shows_last_use,
        });
        Ok(decisive)
    }

    /// Returns what the index of the account says about the key. `denied` is IAM's error for the look-up of the owner.
    async fn find_in_index(
        &self,
        key: &Key,
        denied: &CallError,
        listing: Requirement,
    ) -> Result<KeyMetadata, Outcome> {
        let index = self.index().await.map_err(|error| {
            // The first denial says more: IAM also returns it for an unknown key.
            let is_denied = error.is_denied();
            failed(if is_denied { denied.clone() } else { error })
        })?;
        let Some(found) = index.get(&key.id) else {
            let not_found = || self.not_found(key, CallError::not_found(SearchScope::Account));
            // A list of the index may lag behind the creation of a key that another list of this run had.
            let shown = self.iam.shown(&key.id);
            let shown = shown.and_then(|mut shown| shown.listed_owners.pop());
            return Ok(KeyMetadata {
                owner: Some(shown.ok_or_else(not_found)?),
                ..KeyMetadata::default()
            });
        };
        Ok(match listing {
            Requirement::None | Requirement::IfAllowed => found.clone(),
            // The index may be old by now, so what decides is read again.
            Requirement::IfPossible | Requirement::Required => KeyMetadata {
                owner: found.owner.clone(),
                created: found.created,
                ..KeyMetadata::default()
            },
        })
    }

    fn use_found_owner(&self, key: &mut Key, metadata: &KeyMetadata) {
        let Some(owner) = metadata.owner.clone() else {
            return;
        };
        // The report of a single deletion names the owner.
        if !self.request.deletes_one() {
            let found = || format!("{} belongs to the user {owner}", key.id);
            self.log.verbose(found);
        }
        key.user_name = Some(owner);
    }

    /// Reads the status if possible. A list that fails or lacks the key decides nothing: the change shows what is wrong.
    async fn try_status(&self, key: &Key, metadata: &mut KeyMetadata) {
        let limit = OPTIONAL_READ.min(self.request.limit / 4);
        let read = self.iam.access_keys(key.user_name.as_ref());
        let read = self.iam.key_budget(limit).spend(Duration::ZERO, read).await;
        if let Some(Ok(listing)) = read
            && let Some(listed) = listing.into_key(&key.id)
        {
            add_listed(metadata, listed);
        }
    }

    /// Reads a status that needs no change again, at a time when no list lags behind a change from before this run. If the
    /// time limit is too short for that, the status counts as unknown.
    ///
    /// # Errors
    ///
    /// The outcome of a key that is missing, in a dry run.
    async fn confirm_status(&self, key: &Key, metadata: &mut KeyMetadata) -> Result<(), Outcome> {
        metadata.status = None;
        if LIST_LAG <= self.request.limit / 2 {
            sleep_until(self.iam.started + LIST_LAG).await;
            if self.request.mode == Mode::DryRun {
                // No request will show that the key is gone.
                self.read_listing(key, metadata).await?;
            } else {
                self.try_status(key, metadata).await;
            }
        }
        Ok(())
    }

    /// Whether a list read at this time may lag behind a change from before this run, so that a key may no longer have
    /// the requested status.
    pub(super) fn may_lag(&self, read: Instant, metadata: &KeyMetadata) -> bool {
        !shows_status(self.iam.started, read) && self.already(metadata).is_some()
    }

    /// Reads the list of the owner's keys. Returns the error if IAM denies it.
    async fn read_listing(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
    ) -> Result<Option<CallError>, Outcome> {
        let user_name = key.user_name.as_ref();
        let listing = match self.iam.access_keys(user_name).await {
            Ok(listing) => listing,
            Err(failure) if failure.is_denied() => return Ok(Some(failure)),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.diagnose_missing(key, user_name, failure).await);
            }
            Err(failure) => return Err(failed(failure)),
        };
        // The calling user's list contains at least the key that signs, which names the user.
        let listed_for = key.user_name.clone().or_else(|| listing.owner());
        let others = listing
            .0
            .iter()
            .filter(|(id, listed)| *id != key.id && listed.status == Some(Status::Active));
        let others = others.map(|(id, _)| id.to_string()).take(MAX_OTHERS);
        let others = others.collect();
        let listed = match listing.into_key(&key.id) {
            Some(listed) => listed,
            None => self.relist_missing(key, listed_for.as_ref()).await?,
        };
        add_listed(metadata, listed);
        if self.request.mode == Mode::DryRun {
            metadata.other_active = others;
        }
        Ok(None)
    }

    /// Reads the last use and the owner. Returns the error if IAM denies it, or if the result is only printed and may be
    /// omitted.
    async fn read_last_use(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
        requirement: Requirement,
    ) -> Result<Option<CallError>, Outcome> {
        let mut read = self.iam.last_use(&key.id).await;
        if read.as_ref().is_err_and(CallError::is_no_such_entity) {
            // IAM may not know a new key yet.
            let confirmed = Instant::now() + CONFIRM_ABSENCE;
            sleep_until(confirmed.max(self.iam.started + LIST_LAG)).await;
            read = self.iam.last_use(&key.id).await;
        }
        let read = match read {
            Ok(read) => read,
            Err(failure)
                if failure.is_denied()
                    || requirement == Requirement::IfAllowed && self.may_omit(&failure) =>
            {
                return Ok(Some(failure));
            }
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.not_found(key, CallError::not_found(SearchScope::Account)));
            }
            Err(failure) => return Err(failed(failure)),
        };
        let is_owner_required = self.request.find_user && key.user_name.is_none();
        if is_owner_required && read.owner.is_none() {
            let mut failure = missing_data("the key's owner");
            if let CallError::Incomplete(error) = &mut failure {
                error.hint = Some(ROOT_KEY.into());
            }
            return Err(failed(failure));
        }
        if let (Some(named), Some(owner)) = (&metadata.owner, &read.owner)
            && !named.same_user(owner)
        {
            let not_found = CallError::not_found(SearchScope::User(named.clone()));
            return Err(self.not_found(key, not_found.with_owner(read.owner)));
        }
        metadata.owner = metadata.owner.take().or(read.owner);
        metadata.last_use = read.last_use;
        metadata.read_at = read.read_at;
        Ok(None)
    }

    /// Reads the owner's tags. If they cannot be read, the key is not changed.
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
}

/// Adds what a list says about the key.
fn add_listed(metadata: &mut KeyMetadata, listed: KeyMetadata) {
    metadata.read_at = listed.read_at;
    metadata.status = listed.status;
    metadata.created = listed.created;
    metadata.owner = listed.owner.or(metadata.owner.take());
}
