//! The keys that IAM showed in this run.

use tokio::time::Instant;

use super::client::Iam;
use crate::guard::Principal;
use crate::ident::{AccessKeyId, UserName};
use crate::lock::lock;
use crate::metadata::{KeyMetadata, Status};
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
    /// When IAM first listed it, for a user or for the root user.
    pub(crate) listed: Option<Instant>,
    /// The status with which IAM listed it last.
    status: Option<Status>,
}

impl Iam {
    /// Returns what IAM reported about the key in this run, if anything.
    pub(crate) fn shown(&self, id: &AccessKeyId) -> Option<Shown> {
        lock(&self.shown).get(id).cloned()
    }

    /// Returns the user whom IAM named last as the owner of a key in this run, or else for whom it listed the key last.
    pub(crate) fn last_owner(&self, id: &AccessKeyId) -> Option<UserName> {
        let shown = self.shown(id)?;
        shown
            .named_owner
            .or(shown.listed_owners.into_iter().next_back())
    }

    /// Whether IAM showed the key in this run as one of its named owner, or of the root user who signs.
    pub(crate) fn has_shown(&self, key: &Key) -> bool {
        self.shown(&key.id).is_some_and(|shown| {
            let mut owners = shown.listed_owners.iter().chain(&shown.named_owner);
            match &key.user_name {
                Some(name) => owners.any(|owner| owner == name),
                None => shown.listed.is_some() && self.signer.principal == Principal::RootUser,
            }
        })
    }

    /// Whether IAM listed a key of this user in this run.
    pub(crate) fn has_listed(&self, user: &UserName) -> bool {
        let shown = lock(&self.shown);
        let mut owners = shown.values().flat_map(|shown| &shown.listed_owners);
        owners.any(|owner| owner == user)
    }

    /// Returns the status with which IAM listed the key in this run, if that was for this owner. `None`: the root user who signs.
    pub(crate) fn listed_status(
        &self,
        id: &AccessKeyId,
        owner: Option<&UserName>,
    ) -> Option<Status> {
        let shown = self.shown(id)?;
        let is_of_owner = match owner {
            Some(owner) => shown.listed_owners.contains(owner),
            None => self.signer.principal == Principal::RootUser,
        };
        shown.status.filter(|_| is_of_owner)
    }

    /// Forgets a finished key that IAM never listed. What it listed shows which names moved, for other keys too.
    pub(crate) fn forget_unlisted(&self, id: &AccessKeyId) {
        let mut shown = lock(&self.shown);
        if shown.get(id).is_some_and(|shown| shown.listed.is_none()) {
            shown.remove(id);
        }
    }

    /// Records that IAM reported a key.
    fn show(&self, id: &AccessKeyId, record: impl FnOnce(&mut Shown)) {
        let mut shown = lock(&self.shown);
        record(shown.entry(id.clone()).or_insert(Shown {
            since: Instant::now(),
            listed_owners: Vec::new(),
            named_owner: None,
            listed: None,
            status: None,
        }));
    }

    /// Records that IAM named this owner of a key, or none.
    pub(super) fn show_owner(&self, id: &AccessKeyId, owner: Option<&UserName>) {
        self.show(id, |shown| {
            if let Some(owner) = owner {
                shown.named_owner = Some(owner.clone());
            }
        });
    }

    /// Records that IAM listed a key at this time.
    pub(super) fn show_listed(&self, id: &AccessKeyId, key: &KeyMetadata, at: Instant) {
        self.show(id, |shown| {
            shown.listed.get_or_insert(at);
            shown.status.clone_from(&key.status);
            if let Some(owner) = &key.owner {
                shown.listed_owners.retain(|listed| listed != owner);
                shown.listed_owners.push(owner.clone());
            }
        });
    }
}
