//! A call that was made, read from the record of its attempts: IAM's reply, or why there is none, in our words.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::attempts::{Answer, Attempt, Record};
use super::error::cause;
use crate::failure::{Cause, Context, Failure, ServiceError};
use crate::outcome::Reply;

/// How far the clocks may differ before it is worth a word, in seconds. AWS allows 15 minutes.
const CLOCKS_APART: i64 = 240;

/// A time of IAM's; `None` where this machine cannot hold it.
pub(super) fn time(date: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*date).ok()
}

/// The time of the last answer by IAM's own clock, which a wrong clock of this machine cannot make a key older by.
pub(super) fn said_at(record: &Record) -> Option<SystemTime> {
    let date = |attempt: &Attempt| match &attempt.answer {
        Answer::Expected(reply) => server_time(reply),
        _ => None,
    };
    time(&date(&record.last()?)?)
}

/// A call that was answered as expected gives IAM's reply; the SDK alone takes anything with status 200 for success.
pub(super) fn checked<O, E: Error + 'static>(
    operation: &'static str,
    record: &Record,
    result: Result<O, E>,
) -> Result<Reply, Failure> {
    match result {
        Ok(_) => match record.last().map(|attempt| attempt.answer) {
            Some(Answer::Expected(reply)) => Ok(reply),
            _ => Err(failure(operation, record, None)),
        },
        Err(error) => Err(failure(operation, record, Some(&error))),
    }
}

/// An answer of IAM's to a read that says something it cannot mean.
pub(super) fn unread(record: &Record, what: &str) -> Failure {
    let attempt = record.last();
    Failure::Unclear(Cause {
        host: attempt.map(|attempt| attempt.host).unwrap_or_default(),
        what: format!("it says {what}"),
        hint: None,
    })
}

/// Reads a failed call: an answer of IAM's, a request that never left, or no usable answer.
pub(super) fn failure(
    operation: &'static str,
    record: &Record,
    error: Option<&(dyn Error + 'static)>,
) -> Failure {
    let last = record.last();
    let last = last.as_ref();
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
            context: Box::new(Context {
                clocks: clocks(reply, signed_at.as_deref()),
                ..Context::default()
            }),
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

/// A call that was given up after `limit`: what IAM answered last, or how far the request got.
pub(crate) fn out_of_time(operation: &'static str, record: &Record, limit: Duration) -> Failure {
    match failure(operation, record, None) {
        failure @ (Failure::Service(_) | Failure::Absent(_)) => failure,
        Failure::NotSent(cause) | Failure::NoAnswer(cause) | Failure::Unclear(cause) => {
            let what = format!("it did not answer within --timeout, {} s", limit.as_secs());
            let cause = Cause {
                what,
                hint: None,
                ..cause
            };
            if record.may_have_acted() {
                Failure::NoAnswer(cause)
            } else {
                Failure::NotSent(cause)
            }
        }
    }
}

/// A read that was given up after `limit`.
pub(crate) fn out_of_time_reading(operation: &str, limit: Duration) -> Failure {
    Failure::NotSent(Cause {
        host: String::new(),
        what: format!(
            "{operation} was not answered within --timeout, {} s",
            limit.as_secs()
        ),
        hint: None,
    })
}

/// This machine's time and the server's, in HTTP's form, when they are too far apart.
fn clocks(reply: &Reply, signed_at: Option<&str>) -> Option<(String, String)> {
    let server = server_time(reply)?;
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
        let shown = |time: DateTime| time.fmt(Format::HttpDate).unwrap_or_default();
        (shown(ours), shown(server))
    })
}

fn server_time(reply: &Reply) -> Option<DateTime> {
    let header = reply.headers.iter().find(|(name, _)| name == "date");
    DateTime::from_str(&header?.1, Format::HttpDate).ok()
}
