//! The owner of every access key of the account, for keys whose owner `GetAccessKeyLastUsed` does not return. It is read
//! once per run, when the first key needs it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{Selector, WAIT_FOR_LISTS};
use crate::error::{CallError, SearchScope};
use crate::ident::AccessKeyId;
use crate::metadata::KeyMetadata;
use crate::outcome::Outcome;
use crate::report::Bar;
use crate::request::Key;

/// What the lists of all users say about each access key, by ID. It may be incomplete if it contains the run's only key.
pub(super) type Index = HashMap<AccessKeyId, KeyMetadata>;

impl Selector<'_> {
    /// Returns the index of this run. No key's time limit counts the time to read it, which depends on the size of the
    /// account. Each list has the time limit of one key.
    ///
    /// # Errors
    ///
    /// A list cannot be read: it could contain the key. The run does not try again.
    pub(super) async fn index(&self) -> Result<&Index, CallError> {
        let index = self.owners.get_or_init(|| self.read_index()).await;
        index.as_ref().map_err(Clone::clone)
    }

    /// Returns the outcome of a key that is in no user's list.
    pub(crate) async fn in_no_list(&self, key: &Key) -> Option<Outcome> {
        let index = self.index().await.ok()?;
        let is_absent = !index.contains_key(&key.id);
        is_absent.then(|| self.not_found(key, CallError::not_found(SearchScope::Account)))
    }

    async fn read_index(&self) -> Result<Index, CallError> {
        self.log.verbose(|| {
            "GetAccessKeyLastUsed is denied: reading the keys of every user, once for this run"
                .to_owned()
        });
        let single = self.request.single().map(|key| &key.id);
        let _progress = IndexProgress::new(self);
        let mut index = Index::new();
        self.read_users(
            None,
            |_, _| true,
            async |user| {
                let listing = self.list_keys(&format!("user {user}"), Some(user)).await;
                listing.map_err(|failure| failure.about(None, Some(user)))
            },
            |owner, listing| {
                let mut fits = true;
                for (id, listed) in listing.0 {
                    let metadata = KeyMetadata {
                        owner: Some(owner.name.clone()),
                        ..listed
                    };
                    // After a user was renamed, the later name counts.
                    let earlier = index.insert(id, metadata).and_then(|earlier| earlier.owner);
                    fits &= earlier.is_none_or(|earlier| earlier.same_user(&owner.name));
                }
                match single {
                    Some(id) if index.contains_key(id) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(fits),
                }
            },
            |done, all| {
                let text = format!("reading the keys of all users, {done}/{all}");
                self.bar.index(Some(text));
            },
        )
        .await?;
        Ok(index)
    }
}

/// On a terminal, the progress of the index. A signal can end it early.
struct IndexProgress<'a> {
    bar: &'a Bar,
    is_single: bool,
}

impl<'a> IndexProgress<'a> {
    fn new(selector: &'a Selector<'_>) -> Self {
        let (bar, is_single) = (&selector.bar, selector.request.single().is_some());
        bar.index(Some(WAIT_FOR_LISTS.to_owned()));
        // Many keys have a bar already.
        if is_single {
            bar.expect(None);
        }
        Self { bar, is_single }
    }
}

impl Drop for IndexProgress<'_> {
    fn drop(&mut self) {
        if self.is_single {
            self.bar.clear();
        }
        self.bar.index(None);
    }
}
