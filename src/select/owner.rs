//! Whose key is it, where IAM does not allow to ask for one key: the lists of all users, every page of them.

use tokio::task::JoinSet;

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
    let mut users = iam.user_names().await?.into_iter();
    let mut lists = JoinSet::new();
    loop {
        while lists.len() < AT_ONCE
            && let Some(user) = users.next()
        {
            lists.spawn(look_in(iam.clone(), user, id.clone()));
        }
        match lists.join_next().await {
            None => return Ok(()),
            Some(Ok(Ok(None))) => {}
            Some(Ok(Ok(Some(found)))) => {
                *facts = found;
                return Ok(());
            }
            Some(Ok(Err(failure))) => return Err(failure),
            Some(Err(broken)) => std::panic::resume_unwind(broken.into_panic()),
        }
    }
}

async fn look_in(iam: Iam, user: UserName, id: AccessKeyId) -> Result<Option<Facts>, Failure> {
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
