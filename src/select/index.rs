//! The owner of every access key of the account, for runs in which `GetAccessKeyLastUsed` is denied: it is read once per run,
//! when the first key needs it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::SystemTime;

use tokio::time::sleep;

use super::Selector;
use crate::aws::ListedKey;
use crate::error::CallError;
use crate::ident::{AccessKeyId, UserName};
use crate::locate::CONFIRM_ABSENCE;
use crate::metadata::{KeyMetadata, Status};

/// The access keys of all users. It is complete, unless it was read for one key that it has.
#[derive(Debug)]
pub(super) struct Index {
    keys: HashMap<String, Entry>,
}

/// What the list of a user shows of one key.
#[derive(Debug)]
struct Entry {
    owner: UserName,
    status: Option<Status>,
    created: Option<SystemTime>,
    read_at: Option<SystemTime>,
}

impl Index {
    /// What is known of a key; `None`: no user of this account has it.
    pub(super) fn facts(&self, id: &AccessKeyId) -> Option<KeyMetadata> {
        let entry = self.keys.get(id.as_str())?;
        Some(KeyMetadata {
            owner: Some(entry.owner.clone()),
            status: entry.status.clone(),
            created: entry.created,
            read_at: entry.read_at,
            ..KeyMetadata::default()
        })
    }

    /// A key of a user who was renamed meanwhile is added again: the later name is the right one.
    fn add(&mut self, owner: &UserName, key: ListedKey, read_at: Option<SystemTime>) {
        let entry = Entry {
            owner: owner.clone(),
            status: key.status,
            created: key.created,
            read_at,
        };
        self.keys.insert(key.id, entry);
    }
}

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
        let mut index = Index {
            keys: HashMap::new(),
        };
        self.read_users(
            |_| false,
            |_, _| true,
            async |user| {
                let iam = self.iam.for_one(&format!("user {user}"));
                let read = iam.access_keys(Some(user));
                let listing = self.limited(&iam, "ListAccessKeys", read).await?;
                Ok((user.clone(), listing))
            },
            |(owner, listing)| {
                for key in listing.keys {
                    index.add(&owner, key, listing.at);
                }
                match single {
                    Some(id) if index.keys.contains_key(id) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            },
            |_, _| {},
        )
        .await?;
        Ok(index)
    }
}
