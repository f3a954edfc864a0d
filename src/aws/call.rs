//! A call that was made, read from the record of its attempts: IAM's reply, or why there is none, in our words.

use std::error::Error;
use std::mem;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::attempts::{Answer, Attempt, Record};
use super::error::{INTERCEPTED, cause, sources};
use super::responses::Responses;
use crate::error::{CallError, Context, Received, ServiceError, TransportError};
use crate::outcome::Reply;

/// How far the clocks may differ before it is worth a word, in seconds. AWS allows 15 minutes.
pub(super) const CLOCKS_APART: i64 = 240;

/// A time of IAM's; `None` where this machine cannot hold it.
pub(super) fn time(date: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*date).ok()
}

/// The time of the last answer by IAM's own clock, which a wrong clock of this machine cannot make a key older by; `None`
/// where that clock cannot be trusted.
pub(super) fn said_at(record: &Record, responses: &Responses) -> Option<SystemTime> {
    if responses.clock_jump().is_some() {
        return None;
    }
    match record.last()?.answer {
        Answer::Expected { reply, .. } => time(&server_time(&reply)?),
        Answer::None | Answer::Error { .. } | Answer::Foreign(_) => None,
    }
}

/// A call that was answered as expected gives IAM's reply; the SDK alone takes anything with status 200 for success.
pub(super) fn checked<O, E: Error + 'static>(
    operation: &'static str,
    record: &Record,
    result: Result<O, E>,
) -> Result<Reply, CallError> {
    match (result, record.last().map(|attempt| attempt.answer)) {
        (Ok(_), Some(Answer::Expected { reply, .. })) => Ok(reply),
        (Ok(_), _) => Err(failure(operation, record, None)),
        (Err(error), _) => Err(failure(operation, record, Some(&error))),
    }
}

/// An answer of IAM's to a read that cannot be used: `what` is a clause that says why.
pub(super) fn unusable(record: &Record, what: impl Into<String>) -> CallError {
    let attempt = record.last();
    CallError::Incomplete(TransportError {
        host: attempt.map(|attempt| attempt.host).unwrap_or_default(),
        what: what.into(),
        ..TransportError::default()
    })
}

/// Reads a failed call that changes nothing. A response that is not the service's leaves nothing in doubt then, nor does one
/// of the service's that the SDK cannot read.
pub(super) fn failure_of_read(
    operation: &'static str,
    record: &Record,
    error: &(dyn Error + 'static),
) -> CallError {
    if let Some(Answer::Expected { .. }) = record.last().map(|attempt| attempt.answer) {
        return unusable(record, unreadable_value(error));
    }
    match failure(operation, record, Some(error)) {
        CallError::NoResponse(cause) if cause.received == Received::UnexpectedResponse => {
            CallError::NotSent(cause)
        }
        failure => failure,
    }
}

/// What the SDK could not read in a document that is complete. It names only the type, in the text of its error.
fn unreadable_value(error: &(dyn Error + 'static)) -> &'static str {
    let is_of_type = |name: &str| sources(error).any(|source| source.to_string().contains(name));
    if is_of_type("(timestamp: ") {
        "it has a date that cannot be read"
    } else if is_of_type("(boolean: ") {
        "it has a value that must be true or false and is neither"
    } else if is_of_type("(blob: ") {
        "it has content that is not base64"
    } else {
        "it has a value that cannot be read"
    }
}

/// Reads a failed call: an answer of IAM's, a request that never left, or no usable answer.
pub(super) fn failure(
    operation: &'static str,
    record: &Record,
    error: Option<&(dyn Error + 'static)>,
) -> CallError {
    let Some(last) = record.last() else {
        return CallError::NotSent(
            error.map_or_else(TransportError::default, |error| cause(error, "")),
        );
    };
    let mut cause = match error {
        Some(error) => cause(error, &last.host),
        None => TransportError {
            host: last.host.clone(),
            what: "the reply is not IAM's".to_owned(),
            ..TransportError::default()
        },
    };
    match &last.answer {
        Answer::Error {
            reply,
            code,
            message,
        } => {
            return CallError::Service(ServiceError {
                operation,
                code: code.clone(),
                message: message.clone().unwrap_or_default(),
                status: reply.status,
                request_id: reply.request_id.clone(),
                context: Box::new(Context {
                    clocks: clocks(reply, &last),
                    credentials: last.credentials,
                    ..Context::default()
                }),
            });
        }
        Answer::Foreign(what) => {
            what.clone_into(&mut cause.what);
            cause.received = Received::UnexpectedResponse;
        }
        Answer::None | Answer::Expected { .. } => {}
    }
    if cause.received == Received::UnexpectedResponse {
        let hint = match last.status {
            // 511 is the status of a portal that wants a sign-in.
            Some(500..=510) => {
                "the server, or a proxy in front of it, failed: run the same command again in a minute"
            }
            _ => INTERCEPTED,
        };
        cause.hint = Some(hint.to_owned());
    }
    if record.may_have_acted() {
        CallError::NoResponse(cause)
    } else {
        CallError::NotSent(cause)
    }
}

/// A call that was given up after `limit`: what IAM answered last, or how far the request got.
pub(crate) fn out_of_time(operation: &'static str, record: &Record, limit: Duration) -> CallError {
    let mut failure = failure(operation, record, None);
    if let CallError::NotSent(cause) | CallError::NoResponse(cause) = &mut failure {
        *cause = TransportError {
            host: mem::take(&mut cause.host),
            what: format!("it did not answer within --timeout, {} s", limit.as_secs()),
            ..TransportError::default()
        };
    }
    failure
}

/// A read that was given up after `limit`.
pub(crate) fn out_of_time_reading(operation: &str, limit: Duration) -> CallError {
    let seconds = limit.as_secs();
    CallError::NotSent(TransportError {
        what: format!("{operation} was not answered within --timeout, {seconds} s"),
        ..TransportError::default()
    })
}

/// This machine's time and the server's, in HTTP's form, when they are too far apart.
fn clocks(reply: &Reply, attempt: &Attempt) -> Option<(String, String)> {
    let (server, ours) = (server_time(reply)?, signing_time(attempt)?);
    ((server.secs() - ours.secs()).abs() > CLOCKS_APART).then(|| {
        let shown = |time: DateTime| time.fmt(Format::HttpDate).unwrap_or_default();
        (shown(ours), shown(server))
    })
}

/// The time a request was signed with.
pub(super) fn signing_time(attempt: &Attempt) -> Option<DateTime> {
    let mut iso = attempt.signed_at.clone()?;
    for (at, mark) in [(4, '-'), (7, '-'), (13, ':'), (16, ':')] {
        iso.get(at..)?;
        iso.insert(at, mark);
    }
    DateTime::from_str(&iso, Format::DateTime).ok()
}

/// The time of a response. Of two nobody can say which is right.
pub(super) fn server_time(reply: &Reply) -> Option<DateTime> {
    let mut dates = reply.headers.iter().filter(|(name, _)| name == "date");
    let (date, None) = (dates.next()?, dates.next()) else {
        return None;
    };
    DateTime::from_str(&date.1, Format::HttpDate).ok()
}
