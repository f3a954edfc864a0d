//! The owner of every access key of the account, for runs in which `GetAccessKeyLastUsed` is denied: it is read once per run,
//! when the first key needs it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use tokio::time::sleep;

use super::Selector;
use crate::error::CallError;
use crate::locate::CONFIRM_ABSENCE;
use crate::metadata::KeyMetadata;

/// What the lists of all users show of each access key, by its ID. It is complete, unless it was read for one key that it
/// has.
pub(super) type Index = HashMap<String, KeyMetadata>;

impl Selector<'_> {
    /// The index of this run. Whoever needs it while it is read waits for it. No key's limit counts that time, since it
    /// depends on the size of the account; each list has the limit of one key.
    ///
    /// # Errors
    ///
    /// Any list that cannot be read: the key could be in it. The run does not try again.
    pub(super) async fn index(&self) -> Result<&Index, CallError> {
        let index = self.shared.index.get_or_init(|| self.read_index()).await;
        index.as_ref().map_err(Clone::clone)
    }

    async fn read_index(&self) -> Result<Index, CallError> {
        self.log.verbose(|| {
            "GetAccessKeyLastUsed is denied: reading the keys of every user, once for this run"
                .to_owned()
        });
        // A new key can be hidden for most of a second: the lists are read after that.
        sleep(CONFIRM_ABSENCE).await;
        let single = self.request.single().map(|key| key.id.as_str());
        let mut index = Index::new();
        self.read_users(
            |_| false,
            |_, _| true,
            async |user| {
                let listing = self.list_keys(&format!("user {user}"), Some(user)).await?;
                Ok((user.clone(), listing))
            },
            |(owner, listing)| {
                for key in listing.keys {
                    let metadata = KeyMetadata {
                        owner: Some(owner.clone()),
                        status: key.status,
                        created: key.created,
                        read_at: listing.at,
                        ..KeyMetadata::default()
                    };
                    // A key of a user who was renamed meanwhile comes again: the later name is the right one.
                    index.insert(key.id, metadata);
                }
                match single {
                    Some(id) if index.contains_key(id) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            },
            |_, _| {},
        )
        .await?;
        Ok(index)
    }
}
