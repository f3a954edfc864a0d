//! What IAM says of one key, read before anything is done to it.

use super::{Need, Needs, Selector, failed, owner};
use crate::change::owner_hint;
use crate::conclude::{Ambiguity, Evidence, Response};
use crate::fact::Facts;
use crate::failure::{Absent, Context, Failure, Place};
use crate::guard;
use crate::ident::UserName;
use crate::locate::{ListRead, OwnerRead, elsewhere, locate, locate_settled, owner_unread};
use crate::outcome::Outcome;
use crate::request::{Key, Missing, Owner};

/// A key after IAM was asked about it.
#[derive(Debug)]
pub(super) struct Looked {
    /// The key, with its owner where that was looked up.
    pub(super) key: Key,
    /// What IAM said.
    pub(super) facts: Facts,
    /// What IAM did not allow to be read, if anything; or how the key is settled already.
    pub(super) result: Result<Option<Failure>, Outcome>,
}

impl Selector<'_> {
    /// Reads what the request needs of the key, and nothing else.
    pub(super) async fn look(&self, mut key: Key) -> Looked {
        let mut facts = Facts {
            owner: key.user_name.clone(),
            ..Facts::default()
        };
        let result = self.read(&mut key, &mut facts).await;
        Looked { key, facts, result }
    }

    async fn read(&self, key: &mut Key, facts: &mut Facts) -> Result<Option<Failure>, Outcome> {
        let mut denied = None;
        let needs = Needs::of(self.request, key.user_name.as_ref());
        // A list may name the owner itself.
        if self.request.owner == Owner::Find && key.user_name.is_none() {
            denied = self.find_owner(key, facts).await?;
        }
        if needs.listing > Need::Nothing && facts.status.is_none() {
            let listing = self.read_listing(key, facts).await?;
            denied = denied.or(listing);
        }
        if needs.last_use > Need::Nothing && facts.last_use.is_none() && denied.is_none() {
            denied = self.read_last_use(key, facts).await?;
        }
        if let (Some(Failure::Service(error)), true) = (&denied, needs.is_only_shown()) {
            self.messages.warning(&format!(
                "not all of {} can be shown: {} is not allowed",
                key.id, error.operation
            ));
        }
        Ok(denied)
    }

    async fn find_owner(
        &self,
        key: &mut Key,
        facts: &mut Facts,
    ) -> Result<Option<Failure>, Outcome> {
        let denied = match self.iam.last_use(&key.id).await {
            Ok(read) => {
                let Some(owner) = read.owner else {
                    return Err(failed(super::unsaid("whose key it is")));
                };
                facts.last_use = Some(read.last_use);
                facts.read_at = read.at;
                facts.owner = Some(owner);
                None
            }
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.absent(key, absent(Place::Account, None)));
            }
            Err(failure) if failure.is_denied() => {
                self.log.verbose(|| {
                    format!(
                        "GetAccessKeyLastUsed is denied for {}: looking through the keys of every user",
                        key.id
                    )
                });
                owner::search(self.iam, &key.id, facts).await.map_err(
                    |not_read| match not_read {
                        // The first refusal says more: IAM gives it for an unknown key as well.
                        error if error.is_denied() => failed(failure.clone()),
                        error => failed(error),
                    },
                )?;
                Some(failure)
            }
            Err(failure) => return Err(failed(failure)),
        };
        let Some(owner) = facts.owner.clone() else {
            return Err(self.absent(key, absent(Place::Account, None)));
        };
        let found = format!("{} is a key of the user {owner}", key.id);
        match self.request.single() {
            Some(_) => self.messages.note(&found),
            None => self.log.verbose(|| found),
        }
        key.user_name = Some(owner);
        Ok(denied)
    }

    async fn read_listing(&self, key: &Key, facts: &mut Facts) -> Result<Option<Failure>, Outcome> {
        let listing = match self.iam.access_keys(key.user_name.as_ref()).await {
            Ok(listing) => listing,
            Err(failure) if failure.is_denied() => return Ok(Some(failure)),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.lost(key, key.user_name.as_ref(), failure).await);
            }
            Err(failure) => return Err(failed(failure)),
        };
        facts.read_at = listing.at;
        // Without a name it is the list of the signing user, who has at least the key that signs.
        let signing_user = || listing.keys.iter().find_map(|key| key.owner.clone());
        let listed_for = key.user_name.clone().or_else(signing_user);
        let mut keys = listing.keys.into_iter();
        let Some(listed) = keys.find(|listed| listed.id == key.id.as_str()) else {
            let place = match &key.user_name {
                Some(name) => Place::User(name.clone()),
                None => Place::SigningUser,
            };
            let failure = absent(place, None);
            return Err(self.lost(key, listed_for.as_ref(), failure).await);
        };
        facts.status = listed.status;
        facts.created = listed.created;
        facts.owner = listed.owner.or(facts.owner.take());
        Ok(None)
    }

    async fn read_last_use(
        &self,
        key: &Key,
        facts: &mut Facts,
    ) -> Result<Option<Failure>, Outcome> {
        let read = match self.iam.last_use(&key.id).await {
            Ok(read) => read,
            Err(failure) if failure.is_denied() => return Ok(Some(failure)),
            Err(failure) if failure.is_no_such_entity() => {
                return Err(self.absent(key, absent(Place::Account, None)));
            }
            Err(failure) => return Err(failed(failure)),
        };
        if let (Some(named), Some(owner)) = (&facts.owner, &read.owner)
            && !named.same_user(owner)
        {
            let place = Place::User(named.clone());
            return Err(self.absent(key, absent(place, read.owner)));
        }
        facts.owner = facts.owner.take().or(read.owner);
        facts.last_use = Some(read.last_use);
        facts.read_at = read.at;
        Ok(None)
    }

    /// A key that is not in the list of `listed_for`: whose is it?
    async fn lost(
        &self,
        key: &Key,
        listed_for: Option<&UserName>,
        mut failure: Failure,
    ) -> Outcome {
        let owner = match self.iam.last_use(&key.id).await {
            Ok(read) => match read.owner {
                Some(owner) => OwnerRead::Is(owner),
                None => return failed(super::unsaid("whose key it is")),
            },
            Err(error) => match owner_unread(&error) {
                OwnerRead::Failed => return failed(error),
                read => read,
            },
        };
        let response = Response::of(&failure);
        let list = match response {
            Response::NoSuchUser => ListRead::NoSuchUser,
            _ => ListRead::NotListed(listed_for.cloned()),
        };
        let named = key.user_name.as_ref();
        let hint = owner_hint(named, None, &[]);
        let mut location = elsewhere(locate(&hint, named, owner, list), key, self.signer);
        if location.is_absence() && self.request.missing == Missing::Succeeds {
            let (iam, action) = (self.iam, self.request.action);
            location = locate_settled(iam, self.signer, key, &hint, action).await;
        }
        if let Some(context) = failure.context_mut() {
            context.accounts = guard::foreign_account(&key.id, self.signer);
        }
        let evidence = Evidence {
            action: self.request.action,
            missing: self.request.missing,
            hint: &hint,
            ambiguity: Ambiguity::None,
            response,
            location: &location,
        };
        match evidence.outcome(key, failure) {
            // Nothing was asked of IAM but to read.
            Outcome::Failed { failure, .. } if !failure.names_owner() => failed(failure),
            outcome => outcome,
        }
    }
}

fn absent(place: Place, owner: Option<UserName>) -> Failure {
    Failure::Absent(Absent {
        place,
        context: Box::new(Context {
            owner,
            ..Context::default()
        }),
    })
}
