//! Reads the lists of IAM: all pages, and the keys and users in them.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_iam::types::AccessKeyMetadata;
use tokio::time::Instant;

use super::attempt::Attempts;
use super::client::{Iam, owner};
use super::clock::{time, trusted_server_time};
use super::error::incomplete_response;
use super::recorder::Recorder;
use super::response_body::Response;
use crate::error::CallError;
use crate::ident::{AccessKeyId, PathPrefix, UserName};
use crate::known_secret;
use crate::metadata::{KeyMetadata, Status, UserTag};

/// The page size to request. IAM allows no more.
const PAGE_SIZE: i32 = 1000;

/// The maximum number of users in an account. The quota is 5,000, but AWS can raise it.
const MAX_USERS: usize = 100_000;

/// The maximum number of keys of a user. The quota is two, but users with eight keys exist.
const MAX_KEYS: usize = 1000;

/// The maximum number of tags of a user. The quota is 50.
const MAX_TAGS: usize = 1000;

/// The maximum number of pages of the users of an account. A page has up to 1,000 items, 100 by default, and may have fewer.
/// With 100 each, the 5,000 users that an account may have by default need 50 pages.
const MAX_USER_PAGES: usize = 300;

/// The maximum number of pages of the keys or tags of a user. One page is enough.
const MAX_PAGES: usize = 100;

/// The maximum length of a marker, in characters.
const MAX_MARKER_LENGTH: usize = 4096;

/// The result of `ListAccessKeys`, all pages: each key of the user once, with what the list says about it.
#[derive(Debug, Default)]
pub(crate) struct Listing(pub(crate) Vec<(AccessKeyId, KeyMetadata)>);

impl Listing {
    /// Returns what the list says about the key with this ID.
    pub(crate) fn into_key(self, id: &AccessKeyId) -> Option<KeyMetadata> {
        let mut keys = self.0.into_iter();
        keys.find_map(|(listed, metadata)| (listed == *id).then_some(metadata))
    }

    /// Returns the user whose keys these are, if there is a key.
    pub(crate) fn owner(&self) -> Option<UserName> {
        self.0.iter().find_map(|(_, listed)| listed.owner.clone())
    }

    /// Adds a key. If a key is on two pages, the later one has the current name of the owner. Different statuses or dates are
    /// an error, because the wrong one could lead to a deletion. The error is a fragment.
    fn add(&mut self, id: AccessKeyId, key: KeyMetadata) -> Result<(), String> {
        let mut known = self.0.iter_mut();
        let Some((_, earlier)) = known.find(|(known, _)| *known == id) else {
            self.0.push((id, key));
            return Ok(());
        };
        if let Some(how) = earlier.contradiction(&key) {
            return Err(format!("it lists {id} twice, {how}"));
        }
        *earlier = key;
        Ok(())
    }
}

/// A user of the account.
#[derive(Clone, Debug)]
pub(crate) struct ListedUser {
    pub(crate) name: UserName,
    /// The unique ID. It does not change when the user is renamed.
    pub(crate) id: String,
    /// When the user was created. `None`: the response does not say, or this machine cannot represent the time.
    pub(crate) created: Option<SystemTime>,
}

impl Iam {
    /// Reads all pages of a list, and returns the time of the last one according to IAM's clock. `add` takes the items of a
    /// page, and returns its marker. A page without a usable marker, with a repeated one, with one although it is the last, or after
    /// `max_pages` others, is an error and never the end of the list.
    async fn read_pages<O, E: Error + 'static>(
        &self,
        operation: &'static str,
        max_pages: usize,
        request: impl AsyncFn(Option<String>, Recorder) -> Result<O, E>,
        mut add: impl FnMut(&O) -> Result<Option<&str>, String>,
    ) -> Result<Option<SystemTime>, CallError> {
        let mut markers: Vec<String> = Vec::new();
        loop {
            let send = async |recorder| request(markers.last().cloned(), recorder).await;
            let (page, attempts) = self.read(operation, send).await?;
            let next = add(&page);
            let next = next.and_then(|marker| Ok(next_marker(marker, &markers, &attempts)?));
            let next = next.map_err(|reason| incomplete_response(&attempts, reason))?;
            let Some(marker) = next else {
                return Ok(trusted_server_time(&attempts, &self.caller.responses));
            };
            markers.push(marker);
            if markers.len() == max_pages {
                let reason =
                    format!("the list goes on after {max_pages} pages; no list of IAM is so long");
                return Err(incomplete_response(&attempts, reason));
            }
        }
    }

    /// Calls `ListAccessKeys` for all pages. Without a name, it lists the keys of the calling user.
    pub(crate) async fn access_keys(
        &self,
        user_name: Option<&UserName>,
    ) -> Result<Listing, CallError> {
        let mut listing = Listing::default();
        let call = self.client.list_access_keys();
        let call = call.set_user_name(user_name.map(ToString::to_string));
        let request = async |marker, recorder| {
            let call = call.clone().set_marker(marker);
            call.customize().interceptor(recorder).send().await
        };
        let at = self.read_pages("ListAccessKeys", MAX_PAGES, request, |page| {
            for key in page.access_key_metadata() {
                let (id, key) = listed_key(key, self.owner(key.user_name())?)?;
                if let (Some(user), Some(owner)) = (user_name, &key.owner)
                    && !user.same_user(owner)
                {
                    return Err("it lists the keys of another user".to_owned());
                }
                listing.add(id, key)?;
            }
            if listing.0.len() > MAX_KEYS {
                return Err("the list has more than 1,000 keys; IAM allows a user two".to_owned());
            }
            Ok(page.marker())
        });
        let at = at.await?;
        // Only the root user has keys and no name.
        let is_roots = user_name.is_none() && !listing.0.is_empty() && listing.owner().is_none();
        self.caller.note_root(is_roots);
        let now = Instant::now();
        for (id, key) in &mut listing.0 {
            key.read_at = at;
            self.show_listed(id, key, now);
        }
        Ok(listing)
    }

    /// Calls `ListUserTags` for all pages.
    pub(crate) async fn user_tags(&self, user_name: &UserName) -> Result<Vec<UserTag>, CallError> {
        let mut tags = Vec::new();
        let call = self.client.list_user_tags().user_name(user_name.as_str());
        let request = async |marker, recorder| {
            let call = call.clone().set_marker(marker);
            call.customize().interceptor(recorder).send().await
        };
        let read = self.read_pages("ListUserTags", MAX_PAGES, request, |page| {
            for tag in page.tags() {
                let (key, value) = (tag.key().to_owned(), tag.value().to_owned());
                if key.is_empty() {
                    return Err("it lists a tag without a key".to_owned());
                }
                tags.push(UserTag { key, value });
            }
            if tags.len() > MAX_TAGS {
                return Err("the list has more than 1,000 tags; IAM allows a user 50".to_owned());
            }
            Ok(page.marker())
        });
        read.await?;
        Ok(tags)
    }

    /// Calls `ListUsers` for all pages. With a path prefix, only users under it are returned.
    pub(crate) async fn users(
        &self,
        path_prefix: Option<&PathPrefix>,
    ) -> Result<Vec<ListedUser>, CallError> {
        let mut users = Vec::new();
        self.read_users(&mut users, path_prefix, MAX_USER_PAGES)
            .await?;
        Ok(users)
    }

    /// Calls `ListUsers` for at most `max_pages` pages. `users` contains each page that was read, even if this future
    /// is dropped.
    pub(crate) async fn read_users(
        &self,
        users: &mut Vec<ListedUser>,
        path_prefix: Option<&PathPrefix>,
        max_pages: usize,
    ) -> Result<(), CallError> {
        let call = self.client.list_users().max_items(PAGE_SIZE);
        let call = call.set_path_prefix(path_prefix.map(ToString::to_string));
        let request = async |marker, recorder| {
            let call = call.clone().set_marker(marker);
            call.customize().interceptor(recorder).send().await
        };
        let read = self.read_pages("ListUsers", max_pages, request, |page| {
            for user in page.users() {
                // A server that ignores the prefix must not widen a sweep.
                match path_prefix {
                    Some(_) if user.path().is_empty() => Err("it lists a user without a path")?,
                    Some(prefix) if !prefix.contains(user.path()) => continue,
                    Some(_) | None => {}
                }
                let name = owner(Some(user.user_name()))?;
                users.push(ListedUser {
                    name: name.ok_or("it lists a user without a name")?,
                    id: user.user_id().to_owned(),
                    // The SDK reads a missing date as 1970.
                    created: time(user.create_date()).filter(|time| *time > UNIX_EPOCH),
                });
            }
            if users.len() > MAX_USERS {
                let reason =
                    "the list has more than 100,000 users; by default an account has at most 5,000";
                return Err(reason.to_owned());
            }
            Ok(page.marker())
        });
        read.await.map(drop)
    }
}

/// Returns the marker of the next page. `None`: this page is the last one. The error is a fragment.
fn next_marker(
    marker: Option<&str>,
    markers: &[String],
    attempts: &Attempts,
) -> Result<Option<String>, &'static str> {
    // The SDK treats a missing `IsTruncated` as the end of the list.
    let is_truncated = match attempts.last().and_then(|attempt| attempt.response) {
        Some(Response::Expected { is_truncated, .. }) => is_truncated,
        _ => None,
    };
    match (is_truncated, marker) {
        (Some(false), Some(next)) if !next.trim().is_empty() => {
            Err("it says that the list ends, but has a marker")
        }
        (Some(false), _) => Ok(None),
        (None, _) => Err("it does not say whether the list continues (IsTruncated is missing)"),
        (_, None) => Err("it says that the list continues, but has no marker"),
        (_, Some(next)) if next.len() > MAX_MARKER_LENGTH => {
            Err("it has a marker of more than 4,096 characters")
        }
        (_, Some(next)) if markers.iter().any(|marker| marker == next) => {
            Err("it repeats a pagination marker")
        }
        (_, Some(next)) => Ok(Some(next.to_owned())),
    }
}

/// Converts a key of a response. The error is a fragment.
fn listed_key(
    key: &AccessKeyMetadata,
    owner: Option<UserName>,
) -> Result<(AccessKeyId, KeyMetadata), &'static str> {
    let id = key.access_key_id().map(str::trim).unwrap_or_default();
    if known_secret::is_in(id) {
        return Err("it has an access key ID that contains a secret of this run");
    }
    let id = AccessKeyId::try_from(id.to_owned());
    let metadata = KeyMetadata {
        owner,
        status: key.status().map(|status| match status.as_str().trim() {
            "Active" => Status::Active,
            "Inactive" => Status::Inactive,
            other => Status::Other(other.to_owned()),
        }),
        created: key.create_date().and_then(time),
        ..KeyMetadata::default()
    };
    Ok((id.map_err(|_| "it has an invalid access key ID")?, metadata))
}
