//! IAM, one method a call. Each says what IAM answered, or how far the request got.

use std::error::Error;

use aws_sdk_iam::Client;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::attempts::{Answer, Attempt, Record, Recorder};
use super::error::cause;
use crate::ident::{AccessKeyId, UserName};
use crate::log::Log;
use crate::outcome::{Cause, Context, Failure, Reply, ServiceError};
use crate::request::Key;

/// How far the clocks may differ before it is worth a word, in seconds. AWS allows 15 minutes.
const CLOCKS_APART: i64 = 240;

/// IAM, reached as one identity.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    client: Client,
    log: Log,
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
        match result {
            Ok(_) => match record.attempts().pop().map(|attempt| attempt.answer) {
                Some(Answer::Expected(reply)) => Ok(reply),
                _ => Err(failure("DeleteAccessKey", record, None)),
            },
            Err(error) => Err(failure("DeleteAccessKey", record, Some(&error))),
        }
    }

    /// `GetAccessKeyLastUsed`, which names the owner of any key of the account.
    pub(crate) async fn access_key_owner(
        &self,
        id: &AccessKeyId,
    ) -> Result<Option<UserName>, Failure> {
        let record = Record::default();
        let result = self
            .client
            .get_access_key_last_used()
            .access_key_id(id.as_str())
            .customize()
            .interceptor(Recorder::new(
                &record,
                "GetAccessKeyLastUsedResponse",
                self.log,
            ))
            .send()
            .await;
        match result {
            Ok(output) => Ok(output.user_name().and_then(|name| name.parse().ok())),
            Err(error) => Err(failure("GetAccessKeyLastUsed", &record, Some(&error))),
        }
    }

    /// `ListAccessKeys`, every page: the IDs of the user's keys. No name: the user whose key signs.
    pub(crate) async fn access_keys(
        &self,
        user_name: Option<&UserName>,
    ) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let record = Record::default();
            let result = self
                .client
                .list_access_keys()
                .set_user_name(user_name.map(|name| name.as_str().to_owned()))
                .set_marker(marker.clone())
                .customize()
                .interceptor(Recorder::new(&record, "ListAccessKeysResponse", self.log))
                .send()
                .await;
            let page = result.map_err(|error| failure("ListAccessKeys", &record, Some(&error)))?;
            ids.extend(
                page.access_key_metadata()
                    .iter()
                    .filter_map(|key| key.access_key_id().map(str::to_owned)),
            );
            if !page.is_truncated() {
                return Ok(ids);
            }
            match page.marker() {
                Some(next) if marker.as_deref() != Some(next) => marker = Some(next.to_owned()),
                _ => return Err(Failure::NoAnswer(endless(&record))),
            }
        }
    }
}

fn endless(record: &Record) -> Cause {
    Cause {
        host: record
            .attempts()
            .pop()
            .map(|attempt| attempt.host)
            .unwrap_or_default(),
        what: "it says that the list goes on, but not where".to_owned(),
        hint: None,
    }
}

/// Reads a failed call: an answer of IAM's, a request that never left, or no usable answer.
fn failure(
    operation: &'static str,
    record: &Record,
    error: Option<&(dyn Error + 'static)>,
) -> Failure {
    let attempts = record.attempts();
    let last = attempts.last();
    if let Some(Attempt {
        answer: Answer::Error {
            reply,
            code,
            message,
        },
        signed_at,
        ..
    }) = last
    {
        return Failure::Service(ServiceError {
            operation,
            code: code.clone(),
            message: message.clone().unwrap_or_default(),
            status: reply.status,
            request_id: reply.request_id.clone(),
            context: Context {
                clocks: clocks(reply, signed_at.as_deref()),
                ..Context::default()
            },
        });
    }
    let host = last.map(|attempt| attempt.host.clone()).unwrap_or_default();
    let mut cause = match error {
        Some(error) => cause(error, &host),
        None => cause(&std::io::Error::other("the reply is not IAM's"), &host),
    };
    if let Some(Answer::Foreign(what)) = last.map(|attempt| &attempt.answer) {
        what.clone_into(&mut cause.what);
        cause.hint = Some(
            "somebody stands between this machine and IAM: check the endpoint URL and the proxy"
                .to_owned(),
        );
    }
    if record.may_have_acted() {
        Failure::NoAnswer(cause)
    } else {
        Failure::NotSent(cause)
    }
}

/// This machine's time and the server's, in HTTP's form, when they are too far apart.
fn clocks(reply: &Reply, signed_at: Option<&str>) -> Option<(String, String)> {
    let date = reply
        .headers
        .iter()
        .find(|(name, _)| name == "date")
        .map(|(_, value)| value)?;
    let server = DateTime::from_str(date, Format::HttpDate).ok()?;
    let signed_at = signed_at?;
    let (day, time) = signed_at.trim_end_matches('Z').split_once('T')?;
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        day.get(..4)?,
        day.get(4..6)?,
        day.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    let ours = DateTime::from_str(&iso, Format::DateTime).ok()?;
    ((server.secs() - ours.secs()).abs() > CLOCKS_APART).then(|| {
        let ours = ours.fmt(Format::HttpDate).unwrap_or(iso);
        (ours, date.clone())
    })
}
