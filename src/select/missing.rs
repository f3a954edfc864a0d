//! Finds out why a key is not where it was looked for.

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
