//! Finds out why a key is not where it was looked for.

use tokio::time::timeout;

use super::fetch::OPTIONAL_READ;
use super::{Selector, failed};
use crate::conclude::{Ambiguity, Response};
use crate::error::{CallError, SearchScope};
use crate::guard::Principal;
use crate::ident::UserName;
use crate::locate::{ListRead, Search, owner_hint, with_key};
use crate::metadata::KeyMetadata;
use crate::outcome::Outcome;
use crate::request::Key;

impl Selector<'_> {
    /// Returns the outcome of a key that does not exist or has another owner. `failure` says which.
    pub(super) fn not_found(&self, key: &Key, failure: CallError) -> Outcome {
        let failure = with_key(failure, key, self.iam);
        let context = failure.context();
        if let Some(owner) = &context.owner {
            let why = format!("it belongs to the user {owner}");
            Outcome::not_done(failure, why)
        } else if self.request.ignore_missing && context.accounts.is_none() {
            Outcome::Missing(failure)
        } else {
            failed(failure)
        }
    }

    /// Checks that the calling user is the owner whom IAM names, if nobody else names one: a request without a name is about
    /// the calling user's keys. `denied` is the error for the list of these keys.
    ///
    /// # Errors
    ///
    /// The outcome of a key that belongs, or may belong, to another user. A plan must not name that user as the owner.
    pub(super) async fn check_calling_user(
        &self,
        key: &Key,
        metadata: &mut KeyMetadata,
        denied: CallError,
    ) -> Result<(), Outcome> {
        let signs = self.iam.signs_with(&key.id) || self.iam.signer.keeps(key.id.as_str());
        let Some(owner) = &metadata.owner else {
            return Ok(());
        };
        if key.user_name.is_some() || signs {
            return Ok(());
        }
        let limit = OPTIONAL_READ.min(self.request.limit / 4);
        let ask = async || {
            let named = timeout(limit, self.iam.caller.user_name()).await;
            named.ok().and_then(Result::ok).flatten()
        };
        let calling = self.calling_user.get_or_init(ask).await;
        if calling.as_ref().is_some_and(|user| user.same_user(owner)) {
            return Ok(());
        }
        let owner = metadata.owner.take();
        Err(match (calling, owner) {
            (None, Some(owner)) => {
                let why = format!(
                    "IAM names {owner} as its owner, and it is unknown whether that is the calling user"
                );
                Outcome::not_done(denied.with_owner(Some(owner)), why)
            }
            (_, owner) => {
                let not_found = CallError::not_found(SearchScope::SigningUser);
                self.not_found(key, not_found.with_owner(owner))
            }
        })
    }

    /// Returns what a later list says about a key that the list of `listed_for` lacked.
    ///
    /// # Errors
    ///
    /// The outcome of a key that is missing.
    pub(super) async fn relist_missing(
        &self,
        key: &Key,
        listed_for: Option<&UserName>,
    ) -> Result<KeyMetadata, Outcome> {
        let scope = match &key.user_name {
            Some(name) => SearchScope::User(name.clone()),
            None if self.iam.signer.principal == Principal::RootUser => SearchScope::RootUser,
            None => SearchScope::SigningUser,
        };
        let not_found = CallError::not_found(scope);
        let outcome = self.diagnose_missing(key, listed_for, not_found).await;
        match &outcome {
            Outcome::Failed { failure, .. } if failure.context().is_listed => {}
            _ => return Err(outcome),
        }
        let listing = self.iam.access_keys(key.user_name.as_ref()).await;
        let listing = listing.map_err(failed)?;
        listing.into_key(&key.id).ok_or(outcome)
    }

    /// Returns the outcome of a key that the list of `listed_for` lacks, or whose user does not exist, after a look-up of
    /// its owner.
    pub(super) async fn diagnose_missing(
        &self,
        key: &Key,
        listed_for: Option<&UserName>,
        failure: CallError,
    ) -> Outcome {
        let list = match Response::of(&failure) {
            Response::NoSuchUser => ListRead::NoSuchUser,
            _ => ListRead::NotListed(listed_for.cloned()),
        };
        let principal = self.iam.signer.principal;
        let hint = owner_hint(key, &KeyMetadata::default(), &[], principal, false);
        let search = Search::new(self.iam, self.request, key, hint);
        let mut location = match search.locate_unlisted(list).await {
            Ok(location) => location,
            Err(failure) => return failed(failure),
        };
        if location.is_absence() && self.request.ignore_missing {
            location = search.locate_confirmed().await;
        }
        match search.conclude(Ambiguity::None, failure, &location) {
            // Only reads were sent.
            Outcome::Failed { failure, .. } if failure.context().owner.is_none() => failed(failure),
            outcome => outcome,
        }
    }
}
