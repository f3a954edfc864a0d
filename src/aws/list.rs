//! The lists of IAM: their pages, one after another to the end, and the keys on them.

use std::time::SystemTime;

use aws_sdk_iam::types::AccessKeyMetadata;

use super::attempt::{Attempts, Response};
use super::client::{Iam, owner, text};
use super::error::{incomplete_response, time, trusted_server_time};
use super::response_body::Body;
use crate::error::CallError;
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::Status;
use crate::sanitize::escape_field;

/// How many users a page may have, IAM's own most.
const PAGE_SIZE: i32 = 1000;

/// The most users of an account. The quota is 5,000, which AWS can raise.
const MAX_USERS: usize = 100_000;

/// The most keys of a user. The quota is two, and eight have been seen.
const MAX_KEYS: usize = 1000;

/// The most pages of a list. A page has up to 1,000 items, 100 by default, and may have fewer: at 100 each, the 5,000 users
/// that an account may have by default are 50 pages.
const MAX_PAGES: usize = 1000;

/// The longest marker, in characters.
const MAX_MARKER_LENGTH: usize = 4096;

/// Where a list goes on. A list that does not say where, or goes in a circle, is an error and never a short list.
#[derive(Debug, Default)]
struct Pages {
    /// The markers so far.
    markers: Vec<String>,
}

impl Pages {
    /// Where the page to ask for begins; `None` for the first.
    fn marker(&self) -> Option<String> {
        self.markers.last().cloned()
    }

    /// Turns to the next page; false where there is none.
    fn turn(&mut self, marker: Option<&str>, attempts: &Attempts) -> Result<bool, CallError> {
        // The SDK takes a list that does not say so for one that has ended.
        let is_truncated = match attempts.last().map(|attempt| attempt.response) {
            Some(Response::Service(Body::Expected { is_truncated, .. })) => is_truncated,
            _ => None,
        };
        let wrong = match (is_truncated, marker) {
            (Some(false), _) => return Ok(false),
            (None, _) => "it does not say whether the list continues (IsTruncated is missing)",
            (_, None) => "it says that its list goes on, but not where",
            (_, Some(next)) if next.len() > MAX_MARKER_LENGTH => {
                "it has a marker of more than 4,096 characters"
            }
            _ if self.markers.len() + 1 >= MAX_PAGES => "the list has more than 1,000 pages",
            (_, Some(next)) if self.markers.iter().any(|marker| marker == next) => {
                "it says a list that goes in a circle"
            }
            (_, Some(next)) => {
                self.markers.push(next.to_owned());
                return Ok(true);
            }
        };
        Err(incomplete_response(attempts, wrong))
    }
}

/// What `ListAccessKeys` says, all pages of it.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The user's keys, each once.
    pub(crate) keys: Vec<ListedKey>,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
}

/// One user of the account.
#[derive(Debug)]
pub(crate) struct ListedUser {
    /// The name.
    pub(crate) name: UserName,
    /// The unique ID, which stays when the user is renamed.
    pub(crate) id: String,
    /// When the user was created, to the second; `None` where this machine cannot hold it.
    pub(crate) created: Option<SystemTime>,
}

impl Iam {
    /// `ListAccessKeys`, every page. No name: the user whose key signs.
    pub(crate) async fn access_keys(
        &self,
        user_name: Option<&UserName>,
    ) -> Result<Listing, CallError> {
        let mut keys = Vec::new();
        let mut pages = Pages::default();
        loop {
            let send = async |recorder| {
                let call = self.client.list_access_keys();
                let call = call
                    .set_user_name(text(user_name))
                    .set_marker(pages.marker());
                call.customize().interceptor(recorder).send().await
            };
            let (page, attempts) = self.read("ListAccessKeys", send).await?;
            for key in page.access_key_metadata() {
                let key = ListedKey::of(key, &attempts)?;
                if let (Some(user), Some(owner)) = (user_name, &key.owner)
                    && !user.same_user(owner)
                {
                    return Err(incomplete_response(
                        &attempts,
                        "it lists the keys of another user",
                    ));
                }
                add(&mut keys, key, &attempts)?;
            }
            if keys.len() > MAX_KEYS {
                let reason = "the list has more than 1,000 keys; IAM allows a user two";
                return Err(incomplete_response(&attempts, reason));
            }
            if !pages.turn(page.marker(), &attempts)? {
                let at = trusted_server_time(&attempts, &self.responses);
                return Ok(Listing { keys, at });
            }
        }
    }

    /// `ListUsers`, every page: all users of the account.
    pub(crate) async fn users(&self) -> Result<Vec<ListedUser>, CallError> {
        let mut users = Vec::new();
        self.read_users(&mut users, usize::MAX).await?;
        Ok(users)
    }

    /// `ListUsers`, so many pages at the most. Each page is in `users` when it is read, also when this is dropped before
    /// it ends.
    pub(crate) async fn read_users(
        &self,
        users: &mut Vec<ListedUser>,
        max_pages: usize,
    ) -> Result<(), CallError> {
        let mut pages = Pages::default();
        for _ in 0..max_pages {
            let send = async |recorder| {
                let call = self.client.list_users();
                let call = call.max_items(PAGE_SIZE).set_marker(pages.marker());
                call.customize().interceptor(recorder).send().await
            };
            let (page, attempts) = self.read("ListUsers", send).await?;
            for user in page.users() {
                let name = owner(Some(user.user_name()), &attempts)?;
                users.push(ListedUser {
                    name: name.ok_or_else(|| {
                        incomplete_response(&attempts, "it says of a user no name")
                    })?,
                    id: user.user_id().to_owned(),
                    created: time(user.create_date()),
                });
            }
            if users.len() > MAX_USERS {
                let reason =
                    "the list has more than 100,000 users; by default an account has at most 5,000";
                return Err(incomplete_response(&attempts, reason));
            }
            if !pages.turn(page.marker(), &attempts)? {
                break;
            }
        }
        Ok(())
    }
}

/// One key of a list.
#[derive(Debug)]
pub(crate) struct ListedKey {
    /// Its ID.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: Option<UserName>,
    /// Whether it can sign.
    pub(crate) status: Option<Status>,
    /// When it was created.
    pub(crate) created: Option<SystemTime>,
}

impl ListedKey {
    /// The key as the response has it.
    fn of(key: &AccessKeyMetadata, attempts: &Attempts) -> Result<Self, CallError> {
        let id = key.access_key_id().map(str::trim).unwrap_or_default();
        let id = AccessKeyId::try_from(id.to_owned()).map_err(|_| {
            incomplete_response(attempts, "it says an access key ID that IAM does not allow")
        })?;
        Ok(Self {
            id: id.as_str().to_owned(),
            owner: owner(key.user_name(), attempts)?,
            status: key.status().map(|status| match status.as_str().trim() {
                "Active" => Status::Active,
                "Inactive" => Status::Inactive,
                other => Status::Other(other.to_owned()),
            }),
            created: key.create_date().and_then(time),
        })
    }
}

/// Adds a key to a list. A key can be on two pages of it; then the later one has the current name of the owner. Two
/// statuses or dates cannot both be right, and a key must not be deleted by the wrong one.
fn add(keys: &mut Vec<ListedKey>, key: ListedKey, attempts: &Attempts) -> Result<(), CallError> {
    let Some(earlier) = keys.iter_mut().find(|earlier| earlier.id == key.id) else {
        keys.push(key);
        return Ok(());
    };
    let twice = if earlier.status != key.status {
        let [before, now] = [&earlier.status, &key.status].map(|status| {
            let status = status.as_ref().map(|status| escape_field(status.as_str()));
            status.unwrap_or_else(|| "without a status".to_owned())
        });
        format!("as {before} and {now}")
    } else if earlier.created != key.created {
        "with two creation dates".to_owned()
    } else {
        *earlier = key;
        return Ok(());
    };
    let reason = format!("it lists {} twice, {twice}", key.id);
    Err(incomplete_response(attempts, reason))
}
