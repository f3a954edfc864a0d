//! Why a call or a whole run failed, the kinds of error codes, and the exit status, whose numbers are part of the
//! interface: they are the same in `--help`, the man page and the README.

use std::fmt;
use std::process::ExitCode;
use std::sync::LazyLock;

use crate::ident::{AccountId, UserName};

/// Why a call did not do what it was for.
#[derive(Clone, Debug)]
pub(crate) enum CallError {
    /// IAM answered with an error.
    Service(ServiceError),
    /// IAM was read, and what it says leaves no such key to change.
    NotFound(NotFound),
    /// The request that changes something was never sent.
    NotSent(TransportError),
    /// It was sent, and no answer came that is IAM's.
    NoResponse(TransportError),
    /// IAM was read, and what it says cannot be made out or does not say enough.
    Incomplete(TransportError),
}

/// An error as IAM reports it.
#[derive(Clone, Debug)]
pub(crate) struct ServiceError {
    /// The operation, such as `DeleteAccessKey`.
    pub(crate) operation: &'static str,
    /// The error code; `None` when the reply has none.
    pub(crate) code: Option<String>,
    /// IAM's sentence; empty when the reply has none.
    pub(crate) message: String,
    pub(crate) status: u16,
    /// IAM's name for the request.
    pub(crate) request_id: Option<String>,
    /// What else bears on the error and the hints for it.
    pub(crate) context: Box<Context>,
}

/// A key that IAM does not list where it was looked for.
#[derive(Clone, Debug)]
pub(crate) struct NotFound {
    /// Where it was looked for.
    pub(crate) scope: SearchScope,
    /// What else is known of it.
    pub(crate) context: Box<Context>,
}

/// Where a key was looked for.
#[derive(Clone, Debug)]
pub(crate) enum SearchScope {
    /// Among the keys of this user.
    User(UserName),
    /// Among the keys of the user whose key signs.
    SigningUser,
    /// Among the keys of every user of the account.
    Account,
}

/// What the tool knows that bears on an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// The key's real owner, when it is not the user named.
    pub(crate) owner: Option<UserName>,
    /// The account the key's ID encodes and the signing account, when they differ.
    pub(crate) accounts: Option<(AccountId, AccountId)>,
    /// Who says whose key it is.
    pub(crate) named_by: NamedBy,
    /// Whether IAM did not confirm who owns the key: another user may.
    pub(crate) owner_unchecked: bool,
    /// The owner whom `GetAccessKeyLastUsed` still names, although that user's list does not have the key.
    pub(crate) still_reported_owner: Option<UserName>,
    /// Whether IAM has just listed the key: then a read of it that is denied lacks a permission.
    pub(crate) is_listed: bool,
    /// This machine's time and the server's, in HTTP's form, when they are far apart.
    pub(crate) clocks: Option<(String, String)>,
    /// What the request was signed with.
    pub(crate) credentials: CredentialKind,
    /// What to do about credentials that have expired and could not be renewed; `None`: nobody tried to.
    pub(crate) renewal_hints: Option<Vec<String>>,
}

/// Who says whose key it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The caller, as far as anybody does.
    #[default]
    Caller,
    /// IAM too, in this run.
    CallerAndIam,
    /// IAM alone, in this run. The next run asks again.
    Iam,
}

/// What a request was signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    #[default]
    Unknown,
    LongTerm,
    /// A user's access key, with a session token that does not belong there.
    LongTermWithToken,
    Session,
    /// Temporary credentials whose session token is missing.
    SessionWithoutToken,
}

/// Why IAM could not be reached or understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransportError {
    pub(crate) host: String,
    /// What happened, a fragment.
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
    pub(crate) received: Received,
}

/// What came back for a request that IAM did not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nothing, or only a part of a response.
    #[default]
    Nothing,
    /// A response that is not IAM's.
    UnexpectedResponse,
}

/// The families of error codes that have an exit status of their own. Both spellings of a code count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    NoSuchEntity,
    LimitExceeded,
    ServiceFailure,
    AccessDenied,
    /// The credentials are no good.
    Credentials,
    /// The request is malformed in IAM's eyes.
    Validation,
    Throttling,
    Other,
}

impl ServiceError {
    /// The family of the code.
    pub(crate) fn kind(&self) -> ErrorKind {
        classify(self.code.as_deref(), self.status)
    }

    /// Whether the message is about a user who does not exist, rather than about the key.
    pub(crate) fn is_about_user(&self) -> bool {
        self.message.to_ascii_lowercase().contains("user with name")
    }

    /// The exit status of the family.
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

/// The codes of each family, without `Exception` at their end.
const ERROR_CODES: [(ErrorKind, &str); 7] = [
    (ErrorKind::NoSuchEntity, "NoSuchEntity"),
    (ErrorKind::LimitExceeded, "LimitExceeded"),
    (
        ErrorKind::ServiceFailure,
        "ServiceFailure InternalFailure InternalError InternalServiceError ServiceUnavailable",
    ),
    (
        ErrorKind::AccessDenied,
        "AccessDenied UnauthorizedOperation",
    ),
    (
        ErrorKind::Credentials,
        "InvalidClientTokenId UnrecognizedClient ExpiredToken RequestExpired SignatureDoesNotMatch InvalidSignature \
         IncompleteSignature MissingAuthenticationToken OptInRequired AuthFailure TokenRefreshRequired \
         RequestTimeTooSkewed",
    ),
    (
        ErrorKind::Validation,
        "ValidationError Validation MalformedInput InvalidInput InvalidParameterValue InvalidParameterCombination \
         MissingParameter MalformedQueryString InvalidQueryParameter",
    ),
    (
        ErrorKind::Throttling,
        "Throttling Throttled ThrottledRequest RequestThrottled TooManyRequests RequestLimitExceeded \
         BandwidthLimitExceeded SlowDown PriorRequestNotComplete",
    ),
];

/// The family of an error code, and where there is none, of an HTTP status.
pub(crate) fn classify(code: Option<&str>, status: u16) -> ErrorKind {
    let code = code.unwrap_or_default();
    let code = code.strip_suffix("Exception").unwrap_or(code);
    let has_code = |(_, codes): &&(ErrorKind, &str)| codes.split(' ').any(|known| known == code);
    match ERROR_CODES.iter().find(has_code) {
        Some((kind, _)) => *kind,
        None if status == 429 => ErrorKind::Throttling,
        None => ErrorKind::Other,
    }
}

impl CallError {
    /// IAM's error, where it answered with one.
    pub(crate) fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }

    /// The code for programs: IAM's own, or `NoSuchEntity` for what was found by reading.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Service(error) => error.code.as_deref(),
            Self::NotFound(_) => Some("NoSuchEntity"),
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// What bears on the failure, to add to it.
    pub(crate) fn context_mut(&mut self) -> Option<&mut Context> {
        match self {
            Self::Service(ServiceError { context, .. })
            | Self::NotFound(NotFound { context, .. }) => Some(context),
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// The exit status where a read failed that a run cannot do without: nothing was changed.
    pub(crate) fn read_exit(&self) -> Exit {
        match self {
            Self::Service(error) => error.exit(),
            Self::NotFound(_) => Exit::NoSuchEntity,
            Self::NotSent(_) | Self::NoResponse(_) => Exit::Unreachable,
            Self::Incomplete(_) => Exit::Other,
        }
    }

    /// What bears on the failure.
    pub(crate) fn context(&self) -> &Context {
        static NONE: LazyLock<Context> = LazyLock::new(Context::default);
        match self {
            Self::Service(ServiceError { context, .. })
            | Self::NotFound(NotFound { context, .. }) => context,
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => &NONE,
        }
    }

    /// The family of IAM's error; what was found by reading belongs to one too.
    pub(crate) fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Service(error) => Some(error.kind()),
            Self::NotFound(_) => Some(ErrorKind::NoSuchEntity),
            Self::NotSent(_) | Self::NoResponse(_) | Self::Incomplete(_) => None,
        }
    }

    /// Whether IAM does not allow the call.
    pub(crate) fn is_denied(&self) -> bool {
        self.kind() == Some(ErrorKind::AccessDenied)
    }

    /// Whether IAM has no such key, or no such user.
    pub(crate) fn is_no_such_entity(&self) -> bool {
        self.kind() == Some(ErrorKind::NoSuchEntity)
    }
}

/// How a failed call is explained without which the run cannot go on: the failure, the service, and what the sentence begins
/// with.
pub(crate) type Explain = fn(&CallError, &str, &str) -> RunError;

/// Why the run ends before any key is changed.
#[derive(Debug)]
pub(crate) struct RunError {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    pub(crate) message: String,
    /// What to do next, each a sentence or a command.
    pub(crate) hints: Vec<String>,
    /// What the service said, where it answered.
    pub(crate) service: Option<Box<ServiceError>>,
}

impl RunError {
    /// A run that ends with this exit status and code.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            hints: Vec::new(),
            service: None,
        }
    }

    /// Wrong credentials or configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Configuration", message)
    }

    /// Credentials that are not there or no good.
    pub(crate) fn credentials(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, "Credentials", message)
    }

    /// Wrong arguments, seen only when the run was to begin.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "Usage", message)
    }

    /// What is nobody's mistake, such as a full disk.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, "Other", message)
    }

    /// A guard refused the whole run.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "Refused", message)
    }

    /// Ended by a signal.
    pub(crate) fn signal(exit: Exit) -> Self {
        Self::new(exit, "Interrupted", "interrupted")
    }

    /// The same, with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RunError {}

/// How the run ended. The number of each is documented and does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The key is gone.
    Success = 0,
    /// An error without a number of its own.
    Other = 1,
    /// The arguments are wrong, or IAM says so.
    Usage = 2,
    NoSuchEntity = 3,
    LimitExceeded = 4,
    /// `ServiceFailure`, `InternalFailure`, `ServiceUnavailable` after all retries.
    ServiceFailure = 5,
    AccessDenied = 6,
    Configuration = 7,
    Throttled = 8,
    /// IAM could not be reached, or something else answered a read; the request was never sent.
    Unreachable = 9,
    /// The request was sent and no usable answer came.
    Unknown = 10,
    Refused = 11,
    /// Several keys with different results.
    Mixed = 12,
    HungUp = 129,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// The number the process ends with.
    pub(crate) fn status(self) -> u8 {
        self as u8
    }

    /// The same, and `Other` in place of success: what the run was for is not all there.
    pub(crate) fn or_other(self) -> Self {
        match self {
            Self::Success => Self::Other,
            exit => exit,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
