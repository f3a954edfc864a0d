//! The keys that IAM showed in this run.

use tokio::time::Instant;

use super::client::Iam;
use super::list::Listing;
use crate::guard::Principal;
use crate::ident::{AccessKeyId, UserName};
use crate::lock::lock;
use crate::request::Key;

/// What IAM reported about a key in this run.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// When IAM first reported it.
    pub(crate) since: Instant,
    /// The users for whom IAM listed the key, the last one at the end. There are several if users were renamed.
    pub(crate) listed_owners: Vec<UserName>,
    /// The user whom IAM named last as its owner.
    named_owner: Option<UserName>,
    /// Whether IAM listed the key, for a user or for the root user.
    is_listed: bool,
}

impl Iam {
    /// Returns what IAM reported about the key in this run, if anything.
    pub(crate) fn shown(&self, id: &AccessKeyId) -> Option<Shown> {
        lock(&self.shown).get(id).cloned()
    }

    /// Whether IAM showed the key in this run as one of its named owner, or of the root user who signs.
    pub(crate) fn has_shown(&self, key: &Key) -> bool {
        self.shown(&key.id).is_some_and(|shown| {
            let mut owners = shown.listed_owners.iter().chain(&shown.named_owner);
            match &key.user_name {
                Some(name) => owners.any(|owner| owner == name),
                None => shown.is_listed && self.signer.principal == Principal::RootUser,
            }
        })
    }

    /// Whether a list has keys that IAM listed for a user for whom it did not list this key. A name then moved from one user to
    /// another during this run.
    pub(crate) fn is_of_another(&self, listing: &Listing, id: &AccessKeyId) -> bool {
        let shown = lock(&self.shown);
        let listed_owners = |id| shown.get(id).map_or(&[][..], |shown| &shown.listed_owners);
        let ours = listed_owners(id);
        listing.0.iter().any(|(other, listed)| {
            let mut owners = listed_owners(other).iter();
            owners.any(|owner| listed.owner.as_ref() != Some(owner) && !ours.contains(owner))
        })
    }

    /// Whether IAM listed a key of this user in this run.
    pub(crate) fn has_listed(&self, user: &UserName) -> bool {
        let shown = lock(&self.shown);
        let mut owners = shown.values().flat_map(|shown| &shown.listed_owners);
        owners.any(|owner| owner == user)
    }

    /// Records that IAM named the owner of a key, or listed it.
    pub(super) fn show(&self, id: &AccessKeyId, owner: Option<&UserName>, is_listed: bool) {
        let mut shown = lock(&self.shown);
        let shown = shown.entry(id.clone()).or_insert(Shown {
            since: Instant::now(),
            listed_owners: Vec::new(),
            named_owner: None,
            is_listed,
        });
        shown.is_listed |= is_listed;
        match owner {
            Some(owner) if is_listed => {
                shown.listed_owners.retain(|listed| listed != owner);
                shown.listed_owners.push(owner.clone());
            }
            Some(owner) => shown.named_owner = Some(owner.clone()),
            None => {}
        }
    }
}
