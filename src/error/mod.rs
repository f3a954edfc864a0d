//! Errors of calls, the kinds of error codes, errors that end the run, and the exit status.

mod advice;
mod call_error;
mod context;
mod denial;
mod hint;
mod operation;
mod region;
mod run;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use crate::ident::{AccessKeyId, UserName};
pub(crate) use call_error::{call_hints, code_and_sentence, not_found_sentence, run_error};
pub(crate) use context::{Context, CredentialKind, NamedBy};
pub(crate) use hint::{Hint, RAISE_TIMEOUT, ROOT_KEY, TOO_MANY_PROCESSES, raise_file_size};
pub(crate) use operation::Operation;
pub(crate) use region::partition;
pub(crate) use run::{Exit, RunError, Subject};

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) enum CallError {
    /// IAM returned an error.
    Service(ServiceError),
    /// A read shows that there is no such key to change.
    NotFound {
        /// Where the key was searched for.
        scope: SearchScope,
        /// Details for the error and its hints.
        context: Box<Context>,
    },
    /// The request was not sent.
    NotSent(TransportError),
    /// The request was sent, but IAM did not respond.
    NoResponse(TransportError),
    /// IAM's response to a read cannot be parsed or lacks required data, or the rest of it did not arrive in time.
    Incomplete(TransportError),
}

/// An error that IAM returned.
#[derive(Clone, Debug)]
pub(crate) struct ServiceError {
    pub(crate) operation: Operation,
    /// The error code, if the response has one.
    pub(crate) code: Option<String>,
    /// IAM's message. Empty if the response has none.
    pub(crate) message: String,
    pub(crate) status: u16,
    /// The request ID that IAM assigned.
    pub(crate) request_id: Option<String>,
    /// Details for the error and its hints.
    pub(crate) context: Box<Context>,
}

/// The keys that a search covered.
#[derive(Clone, Debug)]
pub(crate) enum SearchScope {
    /// The keys of this user.
    User(UserName),
    /// The keys of the calling user.
    SigningUser,
    /// The keys of the root user whose session signs.
    RootUser,
    /// The keys of every user in the account.
    Account,
}

/// Why no request is sent if there is no memory for its response.
pub(crate) const NO_MEMORY: &str = "not enough memory: no attempt is made";

/// Why IAM could not be reached or did not return a usable response.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransportError {
    pub(crate) host: String,
    pub(crate) reason: String,
    pub(crate) hint: Option<Hint>,
    /// Whether a response arrived that is not from IAM.
    pub(crate) has_unexpected_response: bool,
    /// Whether the time limit ended a read. IAM may have responded to some of its requests.
    pub(crate) ran_out_of_time: bool,
    /// Whether no further attempt was made because the key now belongs to the credentials in use.
    pub(crate) is_own_key: bool,
    /// The key or the user that a read was about, if it was one of many in a run.
    pub(crate) subject: Option<Box<Subject>>,
    /// The last error that IAM returned to an earlier attempt.
    pub(crate) before: Option<Box<ServiceError>>,
}

impl TransportError {
    /// Creates an error without a hint. `reason` is a clause.
    pub(crate) fn new(host: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Whether this process had too little memory, or too few open files, for a request.
    pub(crate) fn is_local(&self) -> bool {
        self.reason.contains(NO_MEMORY) || file_limit_hint(&self.reason).is_some()
    }

    /// Creates the error of a read that the limit of `--timeout` ended. `what` is a clause.
    pub(crate) fn out_of_time(what: &str, limit: Duration) -> Self {
        Self {
            reason: format!("{what}; --timeout is {} s", limit.as_secs()),
            hint: Some(RAISE_TIMEOUT.into()),
            ran_out_of_time: true,
            ..Self::default()
        }
    }
}

/// The kinds of error codes. Each has an exit status. Codes count with and without the suffix `Exception`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    NoSuchEntity,
    LimitExceeded,
    ServiceFailure,
    AccessDenied,
    /// IAM or STS rejects the credentials.
    Credentials,
    /// IAM rejects the request as malformed.
    Validation,
    Throttling,
    Other,
}

impl ServiceError {
    /// Returns the kind of the error code.
    pub(crate) fn kind(&self) -> ErrorKind {
        classify(self.code.as_deref(), self.status)
    }

    /// Whether the session that signed the request has expired, is unknown, or has another secret.
    pub(crate) fn rejects_session(&self) -> bool {
        match self.code.as_deref().map_or("", without_suffix) {
            "ExpiredToken"
            | "TokenRefreshRequired"
            | "InvalidClientTokenId"
            | "UnrecognizedClient" => true,
            "SignatureDoesNotMatch" => self.message.contains("signature we calculated"),
            _ => false,
        }
    }

    /// Whether the message says that the user, rather than the key, does not exist.
    pub(crate) fn is_about_user(&self) -> bool {
        self.message.to_ascii_lowercase().contains("user with name")
    }

    /// Returns the exit status for this kind of error.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind() {
            ErrorKind::NoSuchEntity => Exit::NoSuchEntity,
            ErrorKind::LimitExceeded => Exit::LimitExceeded,
            ErrorKind::ServiceFailure => Exit::ServiceFailure,
            ErrorKind::AccessDenied => Exit::AccessDenied,
            ErrorKind::Credentials => Exit::Configuration,
            ErrorKind::Validation => Exit::Usage,
            ErrorKind::Throttling => Exit::Throttled,
            ErrorKind::Other => Exit::Other,
        }
    }
}

/// The error codes of each kind, without the suffix `Exception`.
const ERROR_CODES: [(ErrorKind, &str); 7] = [
    (ErrorKind::NoSuchEntity, "NoSuchEntity"),
    (ErrorKind::LimitExceeded, "LimitExceeded"),
    (
        ErrorKind::ServiceFailure,
        "ServiceFailure InternalFailure InternalError InternalServiceError ServiceUnavailable IDPCommunicationError",
    ),
    (
        ErrorKind::AccessDenied,
        "AccessDenied UnauthorizedOperation",
    ),
    (
        ErrorKind::Credentials,
        "InvalidClientTokenId UnrecognizedClient ExpiredToken RequestExpired SignatureDoesNotMatch InvalidSignature \
         IncompleteSignature MissingAuthenticationToken OptInRequired AuthFailure TokenRefreshRequired \
         RequestTimeTooSkewed RegionDisabled InvalidIdentityToken IDPRejectedClaim ExpiredTradeInToken",
    ),
    (
        ErrorKind::Validation,
        "ValidationError Validation MalformedInput InvalidInput InvalidParameterValue InvalidParameterCombination \
         MissingParameter MalformedQueryString InvalidQueryParameter MalformedPolicyDocument PackedPolicyTooLarge",
    ),
    (
        ErrorKind::Throttling,
        "Throttling Throttled ThrottledRequest RequestThrottled TooManyRequests RequestLimitExceeded \
         BandwidthLimitExceeded SlowDown PriorRequestNotComplete",
    ),
];

/// Returns an error code without the suffix `Exception`.
pub(crate) fn without_suffix(code: &str) -> &str {
    code.strip_suffix("Exception").unwrap_or(code)
}

/// Returns the kind of an error code, or of an HTTP status if there is no code.
pub(crate) fn classify(code: Option<&str>, status: u16) -> ErrorKind {
    let code = code.map_or("", without_suffix);
    let has_code = |(_, codes): &&(ErrorKind, &str)| codes.split(' ').any(|known| known == code);
    match ERROR_CODES.iter().find(has_code) {
        Some((ErrorKind::Throttling, _)) => ErrorKind::Throttling,
        // A server that failed is not believed about the request.
        _ if status >= 500 => ErrorKind::ServiceFailure,
        Some((kind, _)) => *kind,
        None if status == 429 => ErrorKind::Throttling,
        None => ErrorKind::Other,
    }
}

impl CallError {
    /// Creates the error for a key that reads do not find.
    pub(crate) fn not_found(scope: SearchScope) -> Self {
        let context = Box::default();
        Self::NotFound { scope, context }
    }

    /// Adds the key's actual owner.
    pub(crate) fn with_owner(mut self, owner: Option<UserName>) -> Self {
        if let Some(context) = self.context_mut() {
            context.owner = owner;
        }
        self
    }

    /// Adds what the read was about, unless it failed for a reason that does not depend on that.
    pub(crate) fn about(mut self, key: Option<&AccessKeyId>, user: Option<&UserName>) -> Self {
        let is_of_credentials = self.kind() == Some(ErrorKind::Credentials);
        let subject = match &mut self {
            Self::Service(error) if !is_of_credentials => &mut error.context.subject,
            Self::NotSent(error) if error.has_unexpected_response => &mut error.subject,
            Self::NoResponse(error) | Self::Incomplete(error) => &mut error.subject,
            Self::Service(_) | Self::NotFound { .. } | Self::NotSent(_) => return self,
        };
        let (key, user) = (key.cloned(), user.cloned());
        *subject = Some(Box::new(Subject { key, user }));
        self
    }

    /// Returns what the read was about, if it was one of many.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        let subject = match self {
            Self::Service(_) | Self::NotFound { .. } => &self.context().subject,
            Self::NotSent(error) | Self::NoResponse(error) | Self::Incomplete(error) => {
                &error.subject
            }
        };
        subject.as_deref()
    }

    /// Returns IAM's error, if it returned one.
    pub(crate) fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the last error that IAM returned to any attempt.
    pub(crate) fn last_service_error(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            Self::NotFound { .. } => None,
            Self::NotSent(error) | Self::NoResponse(error) | Self::Incomplete(error) => {
                error.before.as_deref()
            }
        }
    }

    /// Returns the error code for programs. It is `NoSuchEntity` if a read shows that the key does not exist, and the
    /// HTTP status if there is no code.
    pub(crate) fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Service(error) => Some(match &error.code {
                Some(code) => Cow::Borrowed(code),
                None => Cow::Owned(format!("Http{}", error.status)),
            }),
            Self::NotFound { .. } => Some(Cow::Borrowed("NoSuchEntity")),
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// Returns the details of the error for changes.
    pub(crate) fn context_mut(&mut self) -> Option<&mut Context> {
        match self {
            Self::Service(ServiceError { context, .. }) | Self::NotFound { context, .. } => {
                Some(context)
            }
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// Returns the exit status for a failed read. Nothing was changed.
    pub(crate) fn read_exit(&self) -> Exit {
        match self {
            Self::Service(error) => error.exit(),
            Self::NotFound { .. } => Exit::NoSuchEntity,
            Self::Incomplete(error) if !error.ran_out_of_time => Exit::Other,
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => Exit::Unreachable,
        }
    }

    /// Returns the details of the error.
    pub(crate) fn context(&self) -> &Context {
        static NONE: LazyLock<Context> = LazyLock::new(Context::default);
        match self {
            Self::Service(ServiceError { context, .. }) | Self::NotFound { context, .. } => context,
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => &NONE,
        }
    }

    /// Returns the kind of IAM's error. A key that a read did not find counts as `NoSuchEntity`.
    pub(crate) fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Service(error) => Some(error.kind()),
            Self::NotFound { .. } => Some(ErrorKind::NoSuchEntity),
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// Whether IAM denied the call.
    pub(crate) fn is_denied(&self) -> bool {
        self.kind() == Some(ErrorKind::AccessDenied)
    }

    /// Whether IAM denied this operation.
    pub(crate) fn denies(&self, operation: &str) -> bool {
        let denied = self.service().filter(|_| self.is_denied());
        denied.is_some_and(|error| error.operation.name() == operation)
    }

    /// Whether the call fails for every key, and may succeed later.
    pub(crate) fn concerns_every_key(&self) -> bool {
        matches!(self, Self::NotSent(_))
            || matches!(
                self.kind(),
                Some(ErrorKind::Credentials | ErrorKind::Throttling)
            )
    }

    /// Whether the lists of all users lack a key that may be of this account.
    pub(crate) fn is_in_no_list(&self) -> bool {
        matches!(self, Self::NotFound { scope: SearchScope::Account, context } if context.accounts.is_none())
    }

    /// Whether the key or the user does not exist.
    pub(crate) fn is_no_such_entity(&self) -> bool {
        self.kind() == Some(ErrorKind::NoSuchEntity)
    }
}

/// Returns the hint for an error of the operating system with this text, if too few files may be open.
pub(crate) fn file_limit_hint(text: &str) -> Option<&'static str> {
    // The texts of different C libraries.
    let texts = ["too many open files", "no file descriptors available"];
    let text = text.to_ascii_lowercase();
    let is_limited = texts.iter().any(|known| text.contains(known));
    is_limited
        .then_some("this shell allows too few open files: raise their number with `ulimit -n 1024`")
}
