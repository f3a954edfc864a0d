//! What became of a key, as data: the run ends with one of these, and the report and the exit status
//! are read from it.

use std::fmt;

use crate::exit::Exit;
use crate::ident::{AccountId, UserName};
use crate::request::Key;

/// A key and what became of it.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The key that was asked for.
    pub(crate) key: Key,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// How many requests that delete were made, retries included.
    pub(crate) attempts: usize,
}

/// What became of a key.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is gone, by this run.
    Deleted {
        /// IAM's reply, where one came.
        reply: Option<Reply>,
        /// Where none came: what the verdict rests on.
        evidence: Option<String>,
    },
    /// It was already gone, which is what was wanted.
    Missing(ServiceError),
    /// A guard refused; nothing was sent.
    Refused(Refusal),
    /// It was not deleted, or nobody can say; `known` tells which.
    Failed {
        /// What went wrong.
        failure: Failure,
        /// What is known of the key.
        known: Known,
    },
    /// A signal ended the run.
    Stopped {
        /// The signal's exit status.
        exit: Exit,
        /// What is known of the key.
        known: Known,
    },
}

/// Why a guard refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The key to delete is the key that signs the request.
    SigningKey,
}

/// What is known of a key when all is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is gone.
    Deleted(String),
    /// It was not deleted.
    NotDeleted(String),
    /// Nobody can say.
    Unknown(String),
}

/// An answer of IAM that says the key is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// IAM's name for the request.
    pub(crate) request_id: Option<String>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The HTTP headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

/// Why a key was not deleted, or why nobody can say.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// IAM answered with an error.
    Service(ServiceError),
    /// The request was never sent.
    NotSent(Cause),
    /// It was sent, and no answer came that is IAM's.
    NoAnswer(Cause),
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
    /// The HTTP status.
    pub(crate) status: u16,
    /// IAM's name for the request.
    pub(crate) request_id: Option<String>,
    /// What else bears on the error and the hints for it.
    pub(crate) context: Context,
}

/// What the tool knows that bears on an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// The key's real owner, when it is not the user named.
    pub(crate) owner: Option<UserName>,
    /// The account the key's ID encodes and the signing account, when they differ.
    pub(crate) accounts: Option<(AccountId, AccountId)>,
    /// This machine's time and the server's, in HTTP's form, when they are far apart.
    pub(crate) clocks: Option<(String, String)>,
}

/// Why IAM could not be reached or understood.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// The host that was asked.
    pub(crate) host: String,
    /// What happened, a fragment.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// The families of error codes that have an exit status of their own. Both spellings of a code count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// No such key or user.
    NoSuchEntity,
    /// A quota.
    LimitExceeded,
    /// IAM failed.
    ServiceFailure,
    /// No permission.
    AccessDenied,
    /// The credentials are no good.
    Credentials,
    /// The request is malformed in IAM's eyes.
    Validation,
    /// Too many requests.
    Throttling,
    /// Anything else.
    Other,
}

impl ServiceError {
    /// The family of the code.
    pub(crate) fn family(&self) -> Code {
        let code = self.code.as_deref().unwrap_or_default();
        match code.strip_suffix("Exception").unwrap_or(code) {
            "NoSuchEntity" => Code::NoSuchEntity,
            "LimitExceeded" => Code::LimitExceeded,
            "ServiceFailure"
            | "InternalFailure"
            | "InternalError"
            | "InternalServiceError"
            | "ServiceUnavailable" => Code::ServiceFailure,
            "AccessDenied" | "UnauthorizedOperation" => Code::AccessDenied,
            "InvalidClientTokenId"
            | "UnrecognizedClient"
            | "ExpiredToken"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "InvalidSignature"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "OptInRequired"
            | "AuthFailure"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed" => Code::Credentials,
            "ValidationError"
            | "Validation"
            | "MalformedInput"
            | "InvalidInput"
            | "InvalidParameterValue"
            | "InvalidParameterCombination"
            | "MissingParameter"
            | "MalformedQueryString"
            | "InvalidQueryParameter" => Code::Validation,
            "Throttling"
            | "Throttled"
            | "ThrottledRequest"
            | "RequestThrottled"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "SlowDown"
            | "PriorRequestNotComplete" => Code::Throttling,
            _ if self.status == 429 => Code::Throttling,
            _ => Code::Other,
        }
    }

    /// Whether the message is about a user who does not exist, rather than about the key.
    pub(crate) fn is_about_user(&self) -> bool {
        self.message.to_ascii_lowercase().contains("user with name")
    }

    fn exit(&self) -> Exit {
        match self.family() {
            Code::NoSuchEntity => Exit::NoSuchEntity,
            Code::LimitExceeded => Exit::LimitExceeded,
            Code::ServiceFailure => Exit::ServiceFailure,
            Code::AccessDenied => Exit::AccessDenied,
            Code::Credentials => Exit::Configuration,
            Code::Validation => Exit::Usage,
            Code::Throttling => Exit::Throttled,
            Code::Other => Exit::Other,
        }
    }
}

impl Outcome {
    /// The exit status this outcome alone leads to.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Deleted { .. } | Self::Missing(_) => Exit::Success,
            Self::Refused(Refusal::SigningKey) => Exit::Refused,
            Self::Stopped { exit, .. } => *exit,
            Self::Failed { failure, known } => match (failure, known) {
                (Failure::Service(error), Known::Unknown(_))
                    if error.family() == Code::NoSuchEntity =>
                {
                    Exit::Unknown
                }
                (Failure::Service(error), Known::Unknown(_))
                    if error.family() == Code::Credentials =>
                {
                    Exit::Unknown
                }
                (Failure::Service(error), _) => error.exit(),
                (Failure::NotSent(_), _) => Exit::Unreachable,
                (Failure::NoAnswer(_), Known::NotDeleted(_)) => Exit::Other,
                (Failure::NoAnswer(_), _) => Exit::Unknown,
            },
        }
    }
}

impl Settled {
    /// The word for the outcome in results.
    pub(crate) fn outcome_name(&self) -> &'static str {
        match &self.outcome {
            Outcome::Deleted { .. } => "Deleted",
            Outcome::Missing(_) => "Missing",
            Outcome::Refused(_) => "Refused",
            Outcome::Failed { known, .. } => match known {
                Known::Unknown(_) => "Unknown",
                Known::Deleted(_) | Known::NotDeleted(_) => "Failed",
            },
            Outcome::Stopped { known, .. } => match known {
                Known::Deleted(_) => "Deleted",
                Known::Unknown(_) => "Unknown",
                Known::NotDeleted(_) if self.attempts == 0 => "NotTried",
                Known::NotDeleted(_) => "Failed",
            },
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match self {
            Self::Deleted(why) => ("deleted", why),
            Self::NotDeleted(why) => ("not deleted", why),
            Self::Unknown(why) => ("unknown", why),
        };
        if why.is_empty() {
            f.write_str(word)
        } else {
            write!(f, "{word}: {why}")
        }
    }
}
