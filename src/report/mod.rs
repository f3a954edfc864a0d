//! Outcomes made visible: results on standard output, which is written here only, and on standard error what
//! people need to know.

pub(crate) mod escape;
mod hint;
pub(crate) mod message;

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::outcome::{Cause, Failure, Known, Outcome, Refusal, Reply, ServiceError, Settled};
use crate::request::{Format, Metadata};
use escape::{escape, escape_json, excerpt};
use message::Messages;

/// Tells what became of a key: to people on standard error, to programs on standard output.
///
/// # Errors
///
/// Standard output cannot be written. People have been told by then.
pub(crate) fn settled(settled: &Settled, format: Format, messages: Messages) -> io::Result<()> {
    let written = write_result(settled, format, &mut io::stdout().lock());
    tell(settled, messages);
    written
}

fn write_result(settled: &Settled, format: Format, out: &mut impl Write) -> io::Result<()> {
    let line = match format {
        Format::Off => return Ok(()),
        Format::Text => text(settled),
        Format::Json(metadata) => match &settled.outcome {
            Outcome::Deleted { reply, .. } => {
                let filled = reply.as_ref().filter(|_| metadata == Metadata::Filled);
                let metadata = filled.map_or_else(
                    || json!({}),
                    |reply| response_metadata(reply, settled.attempts),
                );
                escape_json(&json!({ "ResponseMetadata": metadata }).to_string())
            }
            _ => escape_json(&object(settled).to_string()),
        },
    };
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// `ResponseMetadata` as boto3 fills it.
fn response_metadata(reply: &Reply, attempts: usize) -> Value {
    let headers: Map<String, Value> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "RequestId": reply.request_id,
        "HTTPStatusCode": reply.status,
        "HTTPHeaders": headers,
        "RetryAttempts": attempts.saturating_sub(1),
    })
}

/// One object a key: the names are AWS's own.
fn object(settled: &Settled) -> Value {
    let mut object = Map::new();
    object.insert("AccessKeyId".to_owned(), json!(settled.key.id.as_str()));
    if let Some(name) = &settled.key.user_name {
        object.insert("UserName".to_owned(), json!(name.as_str()));
    }
    object.insert("Outcome".to_owned(), json!(settled.outcome_name()));
    object.insert("Attempts".to_owned(), json!(settled.attempts));
    if let Some(error) = service_error(&settled.outcome) {
        if let Some(id) = &error.request_id {
            object.insert("RequestId".to_owned(), json!(id));
        }
        object.insert(
            "Error".to_owned(),
            json!({ "Code": error.code, "Message": error.message }),
        );
    }
    if let Some(reason) = reason(&settled.outcome) {
        object.insert("Reason".to_owned(), json!(reason));
    }
    Value::Object(object)
}

fn text(settled: &Settled) -> String {
    let code = service_error(&settled.outcome)
        .and_then(|error| error.code.as_deref())
        .unwrap_or_default();
    [
        settled.key.id.as_str(),
        settled
            .key
            .user_name
            .as_ref()
            .map_or("", |name| name.as_str()),
        settled.outcome_name(),
        code,
    ]
    .map(escape)
    .join("\t")
}

fn service_error(outcome: &Outcome) -> Option<&ServiceError> {
    match outcome {
        Outcome::Missing(error)
        | Outcome::Failed {
            failure: Failure::Service(error),
            ..
        } => Some(error),
        Outcome::Failed { .. }
        | Outcome::Deleted { .. }
        | Outcome::Refused(_)
        | Outcome::Stopped { .. } => None,
    }
}

fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed {
            failure: Failure::NotSent(cause) | Failure::NoAnswer(cause),
            known,
        } => Some(format!("{}; {known}", way(cause))),
        Outcome::Failed { known, .. } | Outcome::Stopped { known, .. } => Some(known.to_string()),
        Outcome::Refused(Refusal::SigningKey) => {
            Some("the key signs the request itself".to_owned())
        }
        Outcome::Deleted { .. } | Outcome::Missing(_) => None,
    }
}

fn way(cause: &Cause) -> String {
    format!("{}: {}", cause.host, cause.what)
}

fn tell(settled: &Settled, messages: Messages) {
    let key = &settled.key.id;
    match &settled.outcome {
        Outcome::Deleted { evidence: None, .. } | Outcome::Missing(_) => {}
        Outcome::Deleted {
            evidence: Some(evidence),
            ..
        } => {
            messages.warning(&format!("{key} is taken for deleted: {evidence}"));
            messages.known(&format!("{key}: deleted"));
        }
        Outcome::Refused(Refusal::SigningKey) => {
            messages.error(&format!(
                "{key} is the key that signs the request: deleting it would lock you out"
            ));
            messages.hint("sign with another key (--profile NAME), or add --allow-self");
            messages.known(&format!("{key}: not deleted: nothing was sent to IAM"));
        }
        Outcome::Failed { failure, known } => {
            messages.error(&sentence(failure));
            for hint in hint::hints(&settled.key, failure) {
                messages.hint(&hint);
            }
            messages.known(&format!("{key}: {known}"));
        }
        Outcome::Stopped { known, .. } => {
            messages.error("interrupted");
            messages.known(&format!("{key}: {known}"));
        }
    }
}

/// The failure in one sentence; an answer of IAM's in the AWS CLI's words, which scripts look for.
fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Service(error) => {
            let code = error
                .code
                .as_deref()
                .map_or_else(|| format!("HTTP {}", error.status), escape);
            let request = match &error.request_id {
                Some(id) if error.family() == crate::outcome::Code::Other => {
                    format!(" (request ID {})", excerpt(id))
                }
                _ => String::new(),
            };
            let message = if error.message.is_empty() {
                "no message".to_owned()
            } else {
                excerpt(&error.message)
            };
            format!(
                "An error occurred ({code}) when calling the {} operation: {message}{request}",
                error.operation
            )
        }
        Failure::NotSent(cause) => format!("could not reach IAM at {}", excerpt(&way(cause))),
        Failure::NoAnswer(cause) => {
            format!("no usable answer from IAM at {}", excerpt(&way(cause)))
        }
    }
}

/// A bug of this program or of a library, after a panic: one sentence and what is known.
pub(crate) fn bug(place: &str, key: &str, sent: bool, messages: Messages) {
    messages.error(&format!(
        "broken off at {place}: a bug, or too little memory or too few threads"
    ));
    let known = if sent {
        Known::Unknown(
            "the request may have been sent; check with: aws iam list-access-keys".to_owned(),
        )
    } else {
        Known::NotDeleted("nothing was sent to IAM".to_owned())
    };
    messages.known(&format!("{key}: {known}"));
}

/// The texts of `--help` and `--version`, on standard output.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn page(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}
