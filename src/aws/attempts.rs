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
            Answer::None => self.sent.is_set(),
            Answer::Expected { .. } | Answer::Foreign(_) => true,
            Answer::Error { reply, code, .. } => {
                reply.status >= 500 && !is_throttling(reply, code.as_deref())
            }
        }
    }

    /// Whether the request left and no response of IAM's came: it may still act, at any time.
    pub(crate) fn is_unanswered(&self) -> bool {
        match &self.answer {
            Answer::None => self.sent.is_set(),
            Answer::Foreign(_) => true,
            Answer::Expected { .. } | Answer::Error { .. } => false,
        }
    }

    /// Whether any of the request left this machine.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.is_set()
    }
}

/// Whether an error says that it was too much: then nothing was done.
fn is_throttling(reply: &Reply, code: Option<&str>) -> bool {
    classify(code, reply.status) == ErrorKind::Throttling
}

/// Set by the connector at the moment the request is handed to an open connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    /// Says that the request has left.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The record of one call's attempts. Clones share it, so it can be read while the call is under way,
/// after it was dropped, and after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    attempts: Mutex<Vec<Attempt>>,
    is_closed: AtomicBool,
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
        let attempts = self.lock();
        matches!(
            attempts.last().map(|last| &last.answer),
            Some(Answer::Error { reply, code, .. })
                if classify(code.as_deref(), reply.status) == ErrorKind::NoSuchEntity
        )
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

    /// Whether the last attempt was refused since it was too much.
    pub(crate) fn is_throttled(&self) -> bool {
        let attempts = self.lock();
        matches!(
            attempts.last().map(|last| &last.answer),
            Some(Answer::Error { reply, code, .. }) if is_throttling(reply, code.as_deref())
        )
    }

    /// Whether the last attempt shows that IAM accepts the credentials: it did what was asked, or refused it for another reason.
    pub(crate) fn is_accepted(&self) -> bool {
        let attempts = self.lock();
        match attempts.last().map(|last| &last.answer) {
            Some(Answer::Expected { .. }) => true,
            Some(Answer::Error { reply, code, .. }) => matches!(
                classify(code.as_deref(), reply.status),
                ErrorKind::NoSuchEntity
                    | ErrorKind::AccessDenied
                    | ErrorKind::LimitExceeded
                    | ErrorKind::Validation
            ),
            Some(Answer::None | Answer::Foreign(_)) | None => false,
        }
    }

    /// Whether the last attempt was refused since the credentials have expired.
    pub(crate) fn is_expired(&self) -> bool {
        let attempts = self.lock();
        let Some(Answer::Error {
            code: Some(code), ..
        }) = attempts.last().map(|last| &last.answer)
        else {
            return false;
        };
        code == "ExpiredToken" || code == "ExpiredTokenException"
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
        self.0.is_closed.store(true, Ordering::Release);
    }

    /// Whether no further attempt is to leave.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Attempt>> {
        let attempts = self.0.attempts.lock();
        attempts.unwrap_or_else(PoisonError::into_inner)
    }
}
