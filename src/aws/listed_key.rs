//! A key in a response of `ListAccessKeys`.

use std::time::SystemTime;

use aws_sdk_iam::types::AccessKeyMetadata;

use super::attempts::Record;
use super::call::{time, unusable};
use super::iam::owner;
use crate::error::CallError;
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::Status;
use crate::sanitize::field;

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
    pub(super) fn of(key: &AccessKeyMetadata, record: &Record) -> Result<Self, CallError> {
        let id = key.access_key_id().map(str::trim).unwrap_or_default();
        let id = AccessKeyId::try_from(id.to_owned())
            .map_err(|_| unusable(record, "it says an access key ID that IAM does not allow"))?;
        Ok(Self {
            id: id.as_str().to_owned(),
            owner: owner(key.user_name(), record)?,
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
pub(super) fn add(
    keys: &mut Vec<ListedKey>,
    key: ListedKey,
    record: &Record,
) -> Result<(), CallError> {
    let Some(earlier) = keys.iter_mut().find(|earlier| earlier.id == key.id) else {
        keys.push(key);
        return Ok(());
    };
    let twice = if earlier.status != key.status {
        let [before, now] = [&earlier.status, &key.status].map(|status| {
            let status = status.as_ref().map(|status| field(status.as_str()));
            status.unwrap_or_else(|| "without a status".to_owned())
        });
        format!("as {before} and {now}")
    } else if earlier.created != key.created {
        "with two creation dates".to_owned()
    } else {
        *earlier = key;
        return Ok(());
    };
    let what = format!("it lists {} twice, {twice}", key.id);
    Err(unusable(record, what))
}
