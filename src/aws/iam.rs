//! IAM, one method a call. Each says what IAM answered, or how far the request got.

use std::collections::HashSet;
use std::time::SystemTime;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};

use super::attempts::{Record, Recorder};
use super::call::{checked, failure, said_at, time, unread};
use crate::fact::{LastUse, Status};
use crate::failure::Failure;
use crate::ident::{AccessKeyId, UserName};
use crate::log::Log;
use crate::outcome::Reply;
use crate::request::Key;

/// How many users a page may have, IAM's own most.
const PAGE: i32 = 1000;

/// What IAM says where there is nothing to say.
const NOT_AVAILABLE: &str = "N/A";

/// IAM, reached as one identity.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    client: Client,
    log: Log,
}

/// What `GetAccessKeyLastUsed` says.
#[derive(Debug)]
pub(crate) struct LastUseRead {
    /// Whose key it is.
    pub(crate) owner: Option<UserName>,
    /// When and where it was used last.
    pub(crate) last_use: LastUse,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
}

/// What `ListAccessKeys` says, all pages of it.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The user's keys.
    pub(crate) keys: Vec<ListedKey>,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
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

impl Iam {
    /// IAM by way of the SDK's client.
    pub(crate) fn new(client: Client, log: Log) -> Self {
        Self { client, log }
    }

    /// `DeleteAccessKey`. The attempts are in `record`, also when this is dropped before it ends.
    pub(crate) async fn delete_access_key(
        &self,
        key: &Key,
        record: &Record,
    ) -> Result<Reply, Failure> {
        let result = self
            .client
            .delete_access_key()
            .access_key_id(key.id.as_str())
            .set_user_name(key.user_name.as_ref().map(|name| name.as_str().to_owned()))
            .customize()
            .interceptor(Recorder::new(record, "DeleteAccessKeyResponse", self.log))
            .send()
            .await;
        checked("DeleteAccessKey", record, result)
    }

    /// `UpdateAccessKey` to `Inactive`. The attempts are in `record`, also when this is dropped before it ends.
    pub(crate) async fn deactivate_access_key(
        &self,
        key: &Key,
        record: &Record,
    ) -> Result<Reply, Failure> {
        let result = self
            .client
            .update_access_key()
            .access_key_id(key.id.as_str())
            .set_user_name(key.user_name.as_ref().map(|name| name.as_str().to_owned()))
            .status(StatusType::Inactive)
            .customize()
            .interceptor(Recorder::new(record, "UpdateAccessKeyResponse", self.log))
            .send()
            .await;
        checked("UpdateAccessKey", record, result)
    }

    /// `GetAccessKeyLastUsed`, which names the owner of any key of the account too.
    pub(crate) async fn last_use(&self, id: &AccessKeyId) -> Result<LastUseRead, Failure> {
        let record = Record::default();
        let expected = "GetAccessKeyLastUsedResponse";
        let result = self
            .client
            .get_access_key_last_used()
            .access_key_id(id.as_str())
            .customize()
            .interceptor(Recorder::new(&record, expected, self.log))
            .send()
            .await;
        let output =
            result.map_err(|error| failure("GetAccessKeyLastUsed", &record, Some(&error)))?;
        let used = output.access_key_last_used();
        let used = used.ok_or_else(|| unread(&record, "nothing of the last use"))?;
        let place =
            |text: &str| (text != NOT_AVAILABLE && !text.is_empty()).then(|| text.to_owned());
        let last_use = match used.last_used_date() {
            None if used.service_name() == NOT_AVAILABLE => LastUse::Never,
            None => {
                return Err(unread(
                    &record,
                    "neither when the key was used nor that it never was",
                ));
            }
            Some(date) => LastUse::At {
                date: time(date).ok_or_else(|| unread(&record, "a date that is out of range"))?,
                service: place(used.service_name()),
                region: place(used.region()),
            },
        };
        Ok(LastUseRead {
            owner: output.user_name().and_then(|name| name.parse().ok()),
            last_use,
            at: said_at(&record),
        })
    }

    /// `ListAccessKeys`, every page. No name: the user whose key signs.
    pub(crate) async fn access_keys(
        &self,
        user_name: Option<&UserName>,
    ) -> Result<Listing, Failure> {
        let mut keys = Vec::new();
        let mut pages = Pages::default();
        loop {
            let record = Record::default();
            let result = self
                .client
                .list_access_keys()
                .set_user_name(user_name.map(|name| name.as_str().to_owned()))
                .set_marker(pages.marker.clone())
                .customize()
                .interceptor(Recorder::new(&record, "ListAccessKeysResponse", self.log))
                .send()
                .await;
            let page = result.map_err(|error| failure("ListAccessKeys", &record, Some(&error)))?;
            for key in page.access_key_metadata() {
                keys.push(listed(key).ok_or_else(|| unread(&record, "of a key no ID"))?);
            }
            if !pages.turn(page.is_truncated(), page.marker(), &record)? {
                let at = said_at(&record);
                return Ok(Listing { keys, at });
            }
        }
    }

    /// `ListUsers`, every page: the names of all users of the account.
    pub(crate) async fn user_names(&self) -> Result<Vec<UserName>, Failure> {
        let mut names = Vec::new();
        let mut pages = Pages::default();
        loop {
            let record = Record::default();
            let result = self
                .client
                .list_users()
                .max_items(PAGE)
                .set_marker(pages.marker.clone())
                .customize()
                .interceptor(Recorder::new(&record, "ListUsersResponse", self.log))
                .send()
                .await;
            let page = result.map_err(|error| failure("ListUsers", &record, Some(&error)))?;
            for user in page.users() {
                let name = user.user_name().parse();
                names.push(
                    name.map_err(|_| unread(&record, "a user name that IAM does not allow"))?,
                );
            }
            if !pages.turn(page.is_truncated(), page.marker(), &record)? {
                return Ok(names);
            }
        }
    }
}

/// Where a list goes on. A list that does not say where, or goes in a circle, is an error and never a short list.
#[derive(Debug, Default)]
struct Pages {
    marker: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// Turns to the next page; false where there is none.
    fn turn(
        &mut self,
        is_truncated: bool,
        marker: Option<&str>,
        record: &Record,
    ) -> Result<bool, Failure> {
        if !is_truncated {
            return Ok(false);
        }
        match marker {
            Some(next) if self.seen.insert(next.to_owned()) => {
                self.marker = Some(next.to_owned());
                Ok(true)
            }
            Some(_) => Err(unread(record, "a list that goes in a circle")),
            None => Err(unread(record, "that its list goes on, but not where")),
        }
    }
}

fn listed(key: &AccessKeyMetadata) -> Option<ListedKey> {
    Some(ListedKey {
        id: key.access_key_id()?.to_owned(),
        owner: key.user_name().and_then(|name| name.parse().ok()),
        status: key.status().map(|status| match status.as_str() {
            "Active" => Status::Active,
            "Inactive" => Status::Inactive,
            other => Status::Other(other.to_owned()),
        }),
        created: key.create_date().and_then(time),
    })
}
