//! Whose key is it, where IAM does not allow to ask for one key: the lists of all users, every page of them.

use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::aws::Iam;
use crate::fact::Facts;
use crate::failure::Failure;
use crate::ident::{AccessKeyId, UserName};

/// How many lists are read at a time.
const AT_ONCE: usize = 8;

/// Looks for the key among the keys of every user, and puts what its owner's list says into `facts`. A key that
/// nobody has leaves `facts.owner` empty.
///
/// # Errors
///
/// Any list that cannot be read: the key could be in it.
pub(super) async fn search(iam: &Iam, id: &AccessKeyId, facts: &mut Facts) -> Result<(), Failure> {
    let users = iam.users().await?;
    let lists = stream::iter(users)
        .map(|user| look_in(iam, user.name, id))
        .buffer_unordered(AT_ONCE);
    let mut lists = pin!(lists);
    while let Some(found) = lists.next().await {
        if let Some(found) = found? {
            *facts = found;
            return Ok(());
        }
    }
    Ok(())
}

async fn look_in(iam: &Iam, user: UserName, id: &AccessKeyId) -> Result<Option<Facts>, Failure> {
    let listing = match iam.access_keys(Some(&user)).await {
        Ok(listing) => listing,
        // A user who was deleted in the meantime has no keys.
        Err(failure) if failure.is_no_such_entity() => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let at = listing.at;
    let found = listing.keys.into_iter().find(|key| key.id == id.as_str());
    Ok(found.map(|key| Facts {
        owner: Some(user),
        status: key.status,
        created: key.created,
        last_use: None,
        read_at: at,
    }))
}
