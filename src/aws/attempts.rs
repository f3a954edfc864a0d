//! What was sent and what came back, attempt by attempt. The SDK folds the attempts of a call into one
//! result and so calls a deleted key missing when the first reply was lost; this keeps them apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::secrets::Secrets;
use crate::error::{CredentialKind, ErrorKind, classify};
use crate::outcome::Reply;

/// One attempt of a call.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The host the request was for.
    pub(crate) host: String,
    /// The time the request was signed with, in the form of `x-amz-date`.
    pub(crate) signed_at: Option<String>,
    /// What the request was signed with.
    pub(super) credentials: CredentialKind,
    /// What of the request no reply may show.
    pub(super) secrets: Secrets,
    sent: Sent,
    has_ended: bool,
    /// The HTTP status of what came back, if anything did.
    pub(super) status: Option<u16>,
    /// What came back, once the attempt has ended.
    pub(crate) answer: Answer,
}

/// What came back for one attempt.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Nothing (yet).
    None,
    /// The reply that was asked for.
    Expected {
        /// The reply.
        reply: Reply,
        /// Of a list: whether it continues; `None` where the response does not say.
        is_truncated: Option<bool>,
    },
    /// An error of IAM's.
    Error {
        /// The reply around it.
        reply: Reply,
        /// The error code.
        code: Option<String>,
        /// The sentence.
        message: Option<String>,
    },
    /// A reply that is not IAM's: a fragment that says what it is.
    Foreign(String),
}

impl Attempt {
    /// Whether IAM may have acted on this attempt: the request left, and no answer says it was refused.
    pub(crate) fn may_have_acted(&self) -> bool {
        match &self.answer {
            Answer::None => self.was_sent(),
            Answer::Expected { .. } | Answer::Foreign(_) => true,
            // Where it was too much, nothing was done.
            Answer::Error { reply, .. } => {
                reply.status >= 500 && self.error() != Some(ErrorKind::Throttling)
            }
        }
    }

    /// Whether the request left and no response of IAM's came: it may still act, at any time.
    pub(crate) fn is_unanswered(&self) -> bool {
        match &self.answer {
            Answer::None => self.was_sent(),
            Answer::Foreign(_) => true,
            Answer::Expected { .. } | Answer::Error { .. } => false,
        }
    }

    /// Whether any of the request left this machine.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.0.load(Ordering::Acquire)
    }

    /// The family of the error that IAM answered with.
    fn error(&self) -> Option<ErrorKind> {
        match &self.answer {
            Answer::Error { reply, code, .. } => Some(classify(code.as_deref(), reply.status)),
            Answer::None | Answer::Expected { .. } | Answer::Foreign(_) => None,
        }
    }
}

/// Set by the connector at the moment the request is handed to an open connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    /// Says that the request has left.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The record of one call's attempts. Clones share it, so it can be read while the call is under way,
/// after it was dropped, and after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    attempts: Arc<Mutex<Vec<Attempt>>>,
    is_closed: Arc<AtomicBool>,
}

impl Record {
    /// The last attempt so far.
    pub(crate) fn last(&self) -> Option<Attempt> {
        self.lock().last().cloned()
    }

    /// Whether IAM may have acted on any attempt.
    pub(crate) fn may_have_acted(&self) -> bool {
        self.lock().iter().any(Attempt::may_have_acted)
    }

    /// Whether any attempt left and got no response of IAM's.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.lock().iter().any(Attempt::is_unanswered)
    }

    /// Whether IAM answered the last attempt with `NoSuchEntity`.
    pub(crate) fn is_missing(&self) -> bool {
        self.error() == Some(ErrorKind::NoSuchEntity)
    }

    /// The family of the error that IAM answered the last attempt with.
    pub(super) fn error(&self) -> Option<ErrorKind> {
        self.lock().last().and_then(Attempt::error)
    }

    /// Whether any of any attempt left this machine.
    pub(crate) fn was_sent(&self) -> bool {
        self.lock().iter().any(Attempt::was_sent)
    }

    /// Whether an answer is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| !last.has_ended)
    }

    /// Whether the last attempt shows that IAM accepts the credentials: it did what was asked, or refused it for another reason.
    pub(super) fn is_accepted(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| match last.error() {
            Some(code) => matches!(
                code,
                ErrorKind::NoSuchEntity
                    | ErrorKind::AccessDenied
                    | ErrorKind::LimitExceeded
                    | ErrorKind::Validation
            ),
            None => matches!(last.answer, Answer::Expected { .. }),
        })
    }

    /// Whether the last attempt was refused since the credentials have expired.
    pub(super) fn is_expired(&self) -> bool {
        let attempts = self.lock();
        let codes = ["ExpiredToken", "ExpiredTokenException"];
        attempts.last().is_some_and(|last| {
            matches!(&last.answer, Answer::Error { code: Some(code), .. } if codes.contains(&code.as_str()))
        })
    }

    /// How many attempts there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// An attempt begins: its number, counted from 1, and the mark that it has left.
    pub(super) fn begin(
        &self,
        host: String,
        signed_at: Option<String>,
        credentials: CredentialKind,
        secrets: Secrets,
    ) -> (usize, Sent) {
        let sent = Sent::default();
        let mut attempts = self.lock();
        attempts.push(Attempt {
            host,
            signed_at,
            credentials,
            secrets,
            sent: sent.clone(),
            has_ended: false,
            status: None,
            answer: Answer::None,
        });
        (attempts.len(), sent)
    }

    /// The last attempt is answered, with this HTTP status.
    pub(super) fn answer(&self, status: u16, answer: Answer) {
        if let Some(attempt) = self.lock().last_mut() {
            attempt.status = Some(status);
            attempt.answer = answer;
        }
    }

    /// The last attempt has ended: its number, and itself.
    pub(super) fn end(&self) -> Option<(usize, Attempt)> {
        let mut attempts = self.lock();
        let number = attempts.len();
        let attempt = attempts.last_mut()?;
        // One that was not let out ends too; the one before it has ended long since.
        attempt.has_ended = true;
        Some((number, attempt.clone()))
    }

    /// Lets no further attempt leave. The one that has left may still be answered.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Whether no further attempt is to leave.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Attempt>> {
        let attempts = self.attempts.lock();
        attempts.unwrap_or_else(PoisonError::into_inner)
    }
}
