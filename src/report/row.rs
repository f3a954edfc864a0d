//! One key as programs read it: a JSON object, or columns between tabs. The names are AWS's own.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::explain::{absent_sentence, sentence};
use crate::age::timestamp;
use crate::escape::{excerpt, field};
use crate::fact::{LastUse, NOT_AVAILABLE, Status};
use crate::failure::Failure;
use crate::ident::UserName;
use crate::outcome::{Known, Outcome, Refusal, Reply, Settled};
use crate::request::Action;
use crate::shown::Shown;
use crate::word::Word;

/// `ResponseMetadata` as boto3 fills it.
pub(super) fn response_metadata(reply: &Reply, attempts: usize) -> Value {
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

/// The object of a key: what is not known is left out.
pub(super) fn object(settled: &Settled) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let text = |text: &str| Some(json!(text));
    let date = |at: SystemTime| json!(timestamp(at));
    let facts = &settled.facts;
    put("AccessKeyId", text(settled.key.id.as_str()));
    put("UserName", settled.owner().map(|name| json!(name)));
    put("Outcome", text(settled.word().as_str()));
    // A line that is read again with --from must not become a deletion.
    let is_milder = settled.action == Action::Deactivate;
    put(
        "Action",
        (settled.word().is_open() && is_milder).then(|| json!(settled.action.verb())),
    );
    put("Status", status(settled).and_then(text));
    put("PreviousStatus", settled.previous_status().and_then(text));
    put("CreateDate", facts.created.map(date));
    if let Some(last_use) = &facts.last_use {
        let (at, service, region) = used(last_use);
        put("LastUsedDate", at.map(date));
        put("LastUsedService", text(service));
        put("LastUsedRegion", text(region));
    }
    let account = settled.key.id.account();
    put(
        "AccountId",
        account.map(|account| json!(account.to_string())),
    );
    put(
        "Attempts",
        (settled.attempts > 0).then(|| json!(settled.attempts)),
    );
    let failure = failure(&settled.outcome);
    let service = failure.and_then(Failure::service);
    put(
        "RequestId",
        service
            .and_then(|error| error.request_id.as_deref())
            .or(reply(&settled.outcome).and_then(|reply| reply.request_id.as_deref()))
            .and_then(text),
    );
    put("Error", failure.and_then(error));
    put("Reason", reason(settled).map(|reason| json!(reason)));
    Value::Object(object)
}

/// The columns of a key: `AccessKeyId`, `UserName`, `Outcome`, the error's code, `Status`, `CreateDate`,
/// `LastUsedDate`, `LastUsedService`, `LastUsedRegion`, `AccountId`, `Reason`. What is not known is empty.
pub(super) fn columns(settled: &Settled) -> Shown {
    let facts = &settled.facts;
    let failure = failure(&settled.outcome);
    let date = |at: Option<SystemTime>| at.map(timestamp).unwrap_or_default();
    let (used_at, service, region) = facts.last_use.as_ref().map_or((None, "", ""), used);
    let account = settled.key.id.account().map(|account| account.to_string());
    let columns = [
        settled.key.id.as_str(),
        settled.owner().map_or("", UserName::as_str),
        settled.word().as_str(),
        failure.and_then(Failure::code).unwrap_or_default(),
        status(settled).unwrap_or_default(),
        &date(facts.created),
        &date(used_at),
        service,
        region,
        &account.unwrap_or_default(),
        &reason(settled).unwrap_or_default(),
    ]
    .map(excerpt)
    .join("\t");
    Shown::page(&columns)
}

/// The status of the key as it is now, where that is known; of one that is deleted, as it was.
pub(super) fn status(settled: &Settled) -> Option<&str> {
    match settled.word() {
        Word::Deactivated => Some(Status::Inactive.as_str()),
        _ => settled.facts.status.as_ref().map(Status::as_str),
    }
}

/// A last use as IAM writes it: of a key never used, service and region are `N/A`.
fn used(last_use: &LastUse) -> (Option<SystemTime>, &str, &str) {
    match last_use {
        LastUse::Never => (None, NOT_AVAILABLE, NOT_AVAILABLE),
        LastUse::At {
            date,
            service,
            region,
        } => (
            Some(*date),
            service.as_deref().unwrap_or(NOT_AVAILABLE),
            region.as_deref().unwrap_or(NOT_AVAILABLE),
        ),
    }
}

pub(super) fn failure(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Outcome::Missing(failure) | Outcome::Failed { failure, .. } => Some(failure),
        Outcome::Stopped { failure, .. } => failure.as_ref(),
        Outcome::Done { .. }
        | Outcome::Would(_)
        | Outcome::Skipped(_)
        | Outcome::AlreadyInactive
        | Outcome::Refused(_)
        | Outcome::NotTried { .. }
        | Outcome::LeftInDoubt { .. } => None,
    }
}

fn reply(outcome: &Outcome) -> Option<&Reply> {
    match outcome {
        Outcome::Done { reply, .. } => reply.as_ref(),
        _ => None,
    }
}

fn error(failure: &Failure) -> Option<Value> {
    match failure {
        Failure::Service(error) => {
            let code = error.code.as_deref().map(field);
            Some(json!({ "Code": code, "Message": error.message }))
        }
        Failure::Absent(absent) => {
            Some(json!({ "Code": failure.code(), "Message": absent_sentence(absent) }))
        }
        Failure::NotSent(_) | Failure::NoAnswer(_) | Failure::Unclear(_) => None,
    }
}

/// Why the outcome is what it is.
pub(super) fn reason(settled: &Settled) -> Option<String> {
    let known = |known: &Known| known.told(settled.action);
    match &settled.outcome {
        Outcome::Failed {
            failure: failure @ (Failure::NotSent(_) | Failure::NoAnswer(_) | Failure::Unclear(_)),
            known: state,
        } => Some(format!("{}; {}", sentence(failure, "IAM"), known(state))),
        Outcome::Failed { known: state, .. } | Outcome::Stopped { known: state, .. } => {
            Some(known(state))
        }
        Outcome::Would(reason) | Outcome::Skipped(reason) => Some(reason.clone()),
        Outcome::AlreadyInactive => Some("already inactive".to_owned()),
        Outcome::Refused(Refusal::SigningKey) => {
            Some("the key signs the request itself".to_owned())
        }
        Outcome::Refused(Refusal::Declined) => Some("the answer was not yes".to_owned()),
        Outcome::Done { evidence, .. } => evidence.clone(),
        Outcome::NotTried { why, .. } => Some(why.clone()),
        Outcome::LeftInDoubt { why, .. } => Some(format!("{why}; {}", known(&Known::begun()))),
        Outcome::Missing(failure) => match failure.still_named() {
            Some(owner) => Some(format!("IAM still names {owner} as its owner")),
            None => failure
                .is_owner_unchecked()
                .then(|| "IAM did not confirm the owner".to_owned()),
        },
    }
}
