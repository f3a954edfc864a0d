//! Describes a failed call in one sentence, with hints.

use super::advice::advice;
use super::{CallError, ErrorKind, Hint, RunError, SearchScope, ServiceError, TransportError};
use crate::ident::UserName;
use crate::sanitize::{escape_field, truncate_escaped};

/// Returns the code for programs and the sentence for people. Errors of `service` use the wording of the AWS CLI
/// because scripts search for it.
pub(crate) fn code_and_sentence(failure: &CallError, service: &str) -> (String, String) {
    let code = escape_field(&failure.code().unwrap_or_default());
    // IAM's own message names a user who does not exist.
    let names_user = failure.service().is_some_and(ServiceError::is_about_user);
    let subject = failure.subject().filter(|_| !names_user);
    let subject = subject.map_or_else(String::new, |subject| format!("{subject}: "));
    let (code, what, error) = match failure {
        CallError::Service(error) => {
            return (code, format!("{subject}{}", service_sentence(error)));
        }
        CallError::NotFound { scope, context } => {
            return (code, not_found_sentence(scope, context.owner.as_ref()));
        }
        CallError::NotSent(error) | CallError::NoResponse(error) if error.is_own_key => {
            return (
                "SigningKey".to_owned(),
                format!("{}{}", error.reason, before(error)),
            );
        }
        // The time limit ended before a connection was needed.
        CallError::NotSent(error) if error.ran_out_of_time && error.host.is_empty() => {
            return ("NoAnswer".to_owned(), error.reason.clone());
        }
        CallError::NotSent(error) if error.has_unexpected_response => {
            ("UnexpectedResponse", "unexpected response from", error)
        }
        CallError::NotSent(error) => ("Unreachable", "could not reach", error),
        CallError::NoResponse(error) => ("NoAnswer", "no usable response from", error),
        CallError::Incomplete(error) if error.ran_out_of_time => {
            ("NoAnswer", "no complete response from", error)
        }
        CallError::Incomplete(error) => ("Unclear", "unusable response from", error),
    };
    let place = match error.host.as_str() {
        "" => format!(": {}", truncate_escaped(&error.reason)),
        host => format!(
            " at {}",
            truncate_escaped(&format!("{host}: {}", error.reason))
        ),
    };
    let before = before(error);
    let sentence = format!("{subject}{what} {service}{place}{before}");
    (code.to_owned(), sentence)
}

/// Says what IAM returned to an earlier attempt.
fn before(error: &TransportError) -> String {
    let before = error.before.as_deref();
    before.map_or_else(String::new, |error| {
        format!("; before that: {}", service_sentence(error))
    })
}

fn service_sentence(error: &ServiceError) -> String {
    let code = error.code.as_deref();
    let code = code.map_or_else(|| format!("HTTP {}", error.status), escape_field);
    let message = match error.message.as_str() {
        "" => "no message".to_owned(),
        message => truncate_escaped(message),
    };
    let request = match &error.request_id {
        Some(id) if error.kind() == ErrorKind::Other => {
            format!(" (request ID {})", escape_field(id))
        }
        _ => String::new(),
    };
    let operation = error.operation;
    format!("An error occurred ({code}) when calling the {operation} operation: {message}{request}")
}

/// Words a missing key as IAM would. `owner` is its actual owner, if IAM names another one.
pub(crate) fn not_found_sentence(scope: &SearchScope, owner: Option<&UserName>) -> String {
    let user = match scope {
        SearchScope::User(named) => format!("the user {named}"),
        SearchScope::RootUser => "the root user".to_owned(),
        SearchScope::SigningUser | SearchScope::Account => "the calling user".to_owned(),
    };
    match (owner, scope) {
        (Some(owner), _) => {
            format!("the key belongs to the user {owner}, not to {user}")
        }
        (None, SearchScope::Account) => "no user of this account has such a key".to_owned(),
        (None, SearchScope::User(_) | SearchScope::SigningUser | SearchScope::RootUser) => {
            format!("IAM lists no such key for {user}")
        }
    }
}

/// Creates the error of a run that cannot continue after a failed call to `service`. `what` precedes the sentence.
pub(crate) fn run_error(failure: &CallError, service: &str, what: &str) -> RunError {
    let (code, sentence) = code_and_sentence(failure, service);
    let message = format!("{what}{sentence}");
    RunError {
        hints: call_hints(failure),
        service: failure.service().cloned().map(Box::new),
        subject: failure.subject().cloned().map(Box::new),
        ..RunError::new(failure.read_exit(), &code, message)
    }
}

/// Returns the hints for a call that does not concern a single key.
pub(crate) fn call_hints(failure: &CallError) -> Vec<Hint> {
    match failure {
        CallError::Service(error) => match (&error.context.clocks, error.kind()) {
            (Some((ours, theirs)), ErrorKind::Credentials) => vec![format!(
                "this machine's clock says {ours}, IAM's says {theirs}: set the clock (timedatectl set-ntp true)"
            ).into()],
            _ => advice(error),
        },
        CallError::NotFound { .. } => Vec::new(),
        CallError::NotSent(error) | CallError::NoResponse(error) | CallError::Incomplete(error) => {
            error.hint.iter().cloned().collect()
        }
    }
}
