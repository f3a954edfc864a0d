//! The result of a key for programs: a JSON object, the result of `--query`, or tab-separated columns. Names are those
//! of AWS where AWS has one.

use std::io;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::aws::timestamp;
use crate::error::{CallError, RunError, ServiceError, code_and_sentence, not_found_sentence};
use crate::metadata::{LastUse, NOT_AVAILABLE, Status, Target};
use crate::outcome::{
    KeyResult, KeyState, Outcome, OutcomeKind, Refusal, ResponseMetadata, STATUS_UNKNOWN, already,
};
use crate::query;
use crate::request::{Action, Format, Request};
use crate::sanitize::{SafeText, escape_field, redact_strings, truncate_escaped};

/// The columns of a key, as pointers into its object. Unknown values are empty.
const COLUMNS: [&str; 11] = [
    "/AccessKeyId",
    "/UserName",
    "/Outcome",
    "/Error/Code",
    "/Status",
    "/CreateDate",
    "/LastUsedDate",
    "/LastUsedService",
    "/LastUsedRegion",
    "/AccountId",
    "/Reason",
];

/// Builds the object of a key without unknown values.
pub(super) fn object(result: &KeyResult) -> Value {
    let KeyResult {
        key,
        metadata,
        action,
        outcome,
        attempts,
        is_open,
    } = result;
    let date = |at: SystemTime| json!(timestamp(at));
    let (used_at, service, region) = match &metadata.last_use {
        None => (None, None, None),
        // IAM returns this for a key that was never used.
        Some(LastUse::Never) => (None, Some(NOT_AVAILABLE), Some(NOT_AVAILABLE)),
        Some(LastUse::At {
            date,
            service,
            region,
        }) => (
            Some(*date),
            service.as_deref().or(Some(NOT_AVAILABLE)),
            region.as_deref().or(Some(NOT_AVAILABLE)),
        ),
    };
    let failure = failure(outcome);
    let (response, last) = match outcome {
        Outcome::Done {
            response, failure, ..
        } => (response.as_ref(), failure.as_ref()),
        Outcome::Stopped { failure, .. } => (None, failure.as_ref()),
        _ => (None, failure),
    };
    let request_id = match (last.and_then(CallError::last_service_error), response) {
        (Some(error), _) => error.request_id.as_ref(),
        (None, response) => response.and_then(|response| response.request_id.as_ref()),
    };
    // The action prevents that `--from` turns a failed deactivation into a deletion. A missing key may be another user's.
    let is_open_or_missing = result.kind().is_incomplete() || result.kind() == OutcomeKind::Missing;
    let names_action = is_open_or_missing && *action != Action::Delete;
    let is_left_open = *is_open && result.kind() == OutcomeKind::Failed;
    members([
        ("AccessKeyId", Some(json!(key.id))),
        ("UserName", result.owner().map(|name| json!(name))),
        ("Outcome", Some(json!(result.kind().as_str()))),
        (
            "OwnerUnchecked",
            result.is_owner_unchecked().then(|| json!(true)),
        ),
        ("Unfinished", is_left_open.then(|| json!(1))),
        ("Action", names_action.then(|| json!(action.verb()))),
        ("Status", status(result).map(Value::from)),
        ("PreviousStatus", result.previous_status().map(Value::from)),
        ("CreateDate", metadata.created.map(date)),
        ("LastUsedDate", used_at.map(date)),
        ("LastUsedService", service.map(Value::from)),
        ("LastUsedRegion", region.map(Value::from)),
        (
            "AccountId",
            key.id.account().map(|account| json!(account.to_string())),
        ),
        ("Attempts", (*attempts > 0).then(|| json!(attempts))),
        ("RequestId", request_id.map(|id| json!(id))),
        ("Error", failure.and_then(error)),
        ("Reason", reason(result).map(Value::from)),
    ])
}

/// Returns the columns of a key, separated by tabs.
pub(super) fn columns(result: &KeyResult) -> SafeText {
    let object = object(result);
    let column = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let columns = COLUMNS.map(|pointer| truncate_escaped(column(pointer).unwrap_or_default()));
    SafeText::page(&columns.join("\t"))
}

/// Builds an object from the members that have a value.
pub(super) fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter();
    let members = members.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

/// Returns the current status of the key if it is known. A deleted key has the status from before the deletion.
pub(super) fn status(result: &KeyResult) -> Option<&str> {
    match result.kind() {
        OutcomeKind::Deactivated => Some(Status::Inactive.as_str()),
        OutcomeKind::Reactivated => Some(Status::Active.as_str()),
        _ => {
            let selected = result.metadata.status.as_ref()?;
            // A later list says more.
            let last = result.metadata.located.as_ref().unwrap_or(selected);
            Some(last.as_str())
        }
    }
}

pub(super) fn failure(outcome: &Outcome) -> Option<&CallError> {
    match outcome {
        Outcome::Missing(failure)
        | Outcome::Failed { failure, .. }
        | Outcome::Stopped {
            failure: Some(failure),
            known: KeyState::NotDone(_) | KeyState::ShownNotDone(_) | KeyState::Unknown { .. },
            ..
        } => Some(failure),
        _ => None,
    }
}

fn error(failure: &CallError) -> Option<Value> {
    let message = match failure {
        CallError::Service(ServiceError {
            code: None,
            message,
            status,
            ..
        }) if message.is_empty() => format!("HTTP status {status} without an error code"),
        CallError::Service(error) => error.message.clone(),
        CallError::NotFound { scope, context } => not_found_sentence(scope, context.owner.as_ref()),
        CallError::NotSent(_) | CallError::NoResponse(_) | CallError::Incomplete(_) => return None,
    };
    let code = failure.code().map(|code| escape_field(&code));
    Some(json!({ "Code": code, "Message": message }))
}

/// The reason if no user has the key. A dry run that follows a deletion finds this, and "not deleted" would be wrong.
pub(super) const NOT_FOUND: &str = "not found: no user of this account has it";

/// Whether no user has the key, and no run may have changed it.
pub(super) fn is_in_no_list(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed { failure, known: KeyState::NotDone(_) } if failure.is_in_no_list()
    )
}

/// Returns the reason for an outcome.
pub(super) fn reason(result: &KeyResult) -> Option<String> {
    let known = |known: &KeyState| known.describe(result.action);
    if is_in_no_list(&result.outcome) {
        return Some(NOT_FOUND.to_owned());
    }
    match &result.outcome {
        Outcome::Failed {
            failure:
                failure @ (CallError::NotSent(_) | CallError::NoResponse(_) | CallError::Incomplete(_)),
            known: state,
        } => {
            let (_, sentence) = code_and_sentence(failure, "IAM");
            Some(format!("{sentence}; {}", known(state)))
        }
        Outcome::Failed { known: state, .. } | Outcome::Stopped { known: state, .. } => {
            Some(known(state))
        }
        Outcome::WouldChange(reason) | Outcome::Skipped(reason) => Some(reason.clone()),
        Outcome::Already(status) => Some(already(status)),
        Outcome::OwnKey | Outcome::Refused(Refusal::SigningKey) => {
            Some("it belongs to your own credentials".to_owned())
        }
        Outcome::Refused(Refusal::Declined) => Some("not confirmed".to_owned()),
        Outcome::Refused(Refusal::StatusUnknown) => Some(STATUS_UNKNOWN.to_owned()),
        Outcome::Done { evidence, .. } => evidence.clone(),
        Outcome::NotTried { why, .. } => Some(why.clone()),
        Outcome::LeftUnverified {
            why, known: state, ..
        } => Some(format!("{why}; {}", known(state))),
        Outcome::Missing(failure) => {
            let context = failure.context();
            match &context.still_reported_owner {
                Some(owner) => Some(format!("IAM named {owner} as its owner")),
                None => context
                    .owner_unchecked
                    .then(|| "IAM did not confirm the owner".to_owned()),
            }
        }
    }
}

/// Returns what boto3 returns if the run's only key was deleted, and the key's object otherwise.
fn output_value(result: &KeyResult, request: &Request) -> Value {
    match &result.outcome {
        Outcome::Done { response, .. } if request.deletes_one() => {
            let filled = response.as_ref().filter(|_| request.response_metadata);
            let metadata = filled.map(|response| {
                let headers = response.headers.iter().cloned();
                let headers = headers.map(|(name, value)| (name, Value::String(value)));
                json!({
                    "RequestId": response.request_id,
                    "HTTPStatusCode": response.status,
                    "HTTPHeaders": headers.collect::<Map<_, _>>(),
                    "RetryAttempts": result.attempts.saturating_sub(1),
                })
            });
            let metadata = metadata.unwrap_or_else(|| json!({}));
            json!({ "ResponseMetadata": metadata })
        }
        _ => object(result),
    }
}

/// Whether a query caused the error.
pub(super) fn is_query_error(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<RunError>())
        .is_some()
}

/// Returns the result of a key, or what the query selects from it. Text can have any number of rows, also none.
pub(super) fn query_result(result: &KeyResult, request: &Request) -> io::Result<Option<SafeText>> {
    let mut object = output_value(result, request);
    let Some(query) = &request.query else {
        return Ok(Some(SafeText::json(&object)));
    };
    // A query can split a secret into parts that would not be recognized.
    redact_strings(&mut object);
    let found = query
        .of(&object)
        .map_err(|what| io::Error::other(RunError::usage(format!("--query: {what}"))))?;
    Ok(match request.output {
        Some(Format::Text) => query::rows(&found).strip_suffix('\n').map(SafeText::page),
        _ => Some(SafeText::json(&found)),
    })
}

/// Tries the query on the result that a key will have after the change.
///
/// # Errors
///
/// The query fails on it.
pub(crate) fn try_query(request: &Request, candidate: &Target) -> io::Result<()> {
    // The metadata that the query needs is only in IAM's response.
    let needs_response = request.deletes_one() && request.response_metadata;
    if request.query.is_none() || request.output == Some(Format::Off) || needs_response {
        return Ok(());
    }
    let response = ResponseMetadata {
        request_id: Some("request-id".to_owned()),
        ..ResponseMetadata::default()
    };
    let outcome = Outcome::Done {
        response: Some(response),
        evidence: None,
        failure: None,
    };
    let mut result = KeyResult::unchanged(candidate.clone(), request.action, outcome);
    result.attempts = 1;
    query_result(&result, request).map(drop)
}
