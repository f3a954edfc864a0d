//! The attempts of a call and their responses. The SDK combines the attempts into one result, so a key that was deleted
//! appears to be missing if the first response was lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::DateTime;
use hyper_util::client::legacy::connect::CaptureConnection;

use super::clock::time;
use super::error::RAISE_READ_TIMEOUT;
use super::lookup::Lookup;
use super::parameters::Parameters;
use super::response_body::{self, Response};
use super::response_limit::has_begun;
use crate::error::{
    CredentialKind, ErrorKind, Operation, TransportError, classify, without_suffix,
};
use crate::known_secret::Secrets;
use crate::lock::lock;
use crate::moment::Moment;
use crate::outcome::ResponseMetadata;
use crate::request::Action;

/// How long after the start of a change its request may be sent.
const MAX_AGE: Duration = Duration::from_mins(15);

/// The largest difference between the time of a signature and this machine's clock if no response of IAM corrected that time.
const OWN_CLOCK: Duration = Duration::from_mins(1);

/// One attempt of a call.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The host that the request was for, and its proxy.
    pub(crate) host: String,
    /// Whether the request uses neither TLS nor a proxy.
    pub(super) is_plain: bool,
    pub(super) start: Instant,
    /// The time in the signature.
    pub(super) signed_at: Option<DateTime>,
    /// The Region in the signature.
    pub(super) region: Option<String>,
    /// The kind of credentials that signed the request.
    pub(super) credentials: CredentialKind,
    /// The parameters of the request, to recognize the response to another one.
    pub(super) parameters: Parameters,
    /// The secrets of the request, which responses must not repeat.
    pub(super) secrets: Arc<Secrets>,
    pub(super) sent: SendTracking,
    pub(super) lookup: Lookup,
    pub(super) has_ended: bool,
    /// The headers of the response, without secrets. Empty, with status 0, if there was no response.
    pub(super) metadata: ResponseMetadata,
    /// The response, once the attempt has ended, if there is one.
    pub(super) response: Option<Response>,
    /// Why there is no response, once the attempt has ended.
    pub(super) failure: Option<TransportError>,
}

impl Attempt {
    /// Whether IAM may have acted on this attempt: the request was sent, and no response says that it was refused.
    pub(crate) fn may_have_acted(&self) -> bool {
        match &self.response {
            // IAM does not execute a throttled request. A bare 429 may come from something else.
            Some(Response::Error { request_id, .. }) => match self.error() {
                Some(ErrorKind::Throttling) => request_id.is_empty(),
                Some(ErrorKind::ServiceFailure) => true,
                _ => request_id.is_empty() || self.metadata.status >= 500,
            },
            Some(Response::Expected { .. }) => true,
            None | Some(Response::Unexpected(_)) => self.lacks_response(),
        }
    }

    /// Whether the request was sent and IAM did not respond. It may still take effect at any time.
    pub(crate) fn lacks_response(&self) -> bool {
        match &self.response {
            None => self.was_sent(),
            Some(response) => matches!(response, Response::Unexpected(_)),
        }
    }

    /// Whether any part of the request was sent.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.is_started.load(Ordering::Acquire)
    }

    /// Whether any part of a response arrived.
    pub(super) fn response_began(&self) -> bool {
        // Before the request is sent, the connection has the response to an earlier one.
        let connection = self.sent.connection.get().filter(|_| self.was_sent());
        connection.is_some_and(has_begun)
    }

    /// Sends no further request on the connection: the next response on it might belong to an earlier request.
    pub(super) fn retire_connection(&self) {
        if let Some(connection) = self.sent.connection.get() {
            poison(connection);
        }
    }

    /// Whether IAM executed the request.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.response, Some(Response::Expected { .. }))
    }

    /// Returns the kind of error that IAM returned.
    fn error(&self) -> Option<ErrorKind> {
        match &self.response {
            Some(Response::Error { code, .. }) => {
                Some(classify(code.as_deref(), self.metadata.status))
            }
            _ => None,
        }
    }
}

/// Records when the connector starts to send the request on an open connection, and which one it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendTracking {
    is_started: Arc<AtomicBool>,
    connection: Arc<OnceLock<CaptureConnection>>,
}

impl SendTracking {
    /// Records that the request is being sent.
    pub(super) fn set(&self) {
        self.is_started.store(true, Ordering::Release);
    }

    /// Records where the connection will be captured.
    pub(super) fn set_connection(&self, connection: &CaptureConnection) {
        let _ = self.connection.set(connection.clone());
    }
}

/// Sends no further request on a connection.
pub(super) fn poison(connection: &CaptureConnection) {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.poison();
    }
}

/// All attempts of one call. Clones share them, so they can be read during the call, after it was dropped, and after a
/// panic.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    pub(super) operation: Operation,
    /// When the call was made. For a change, the moment of `recorded_at`, before the journal's record is written.
    since: Moment,
    /// The time of the journal's record of the change.
    recorded_at: Option<SystemTime>,
    list: Arc<Mutex<Vec<Attempt>>>,
    closed: Arc<OnceLock<Closed>>,
}

/// Why no further attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// The run is ending, or the change takes too long.
    RunEnds,
    /// A request was signed at this time and moment, which is too late for the journal's record. It was not sent.
    SignedLate(SystemTime, Moment),
    /// The key now belongs to the credentials in use.
    OwnKey,
}

impl Attempts {
    /// Creates the record of a call of `operation`, before its first attempt.
    pub(crate) fn of(operation: Operation) -> Self {
        Self {
            operation,
            since: Moment::now(),
            recorded_at: None,
            list: Arc::default(),
            closed: Arc::default(),
        }
    }

    /// Creates the record of a change, before its first attempt. The journal's record of it has the time `recorded_at`, which
    /// was taken at the moment `since`.
    pub(crate) fn of_change(action: Action, (recorded_at, since): (SystemTime, Moment)) -> Self {
        Self {
            since,
            recorded_at: Some(recorded_at),
            ..Self::of(action.operation())
        }
    }

    /// Returns the last attempt.
    pub(crate) fn last(&self) -> Option<Attempt> {
        self.lock().last().cloned()
    }

    /// Whether IAM may have acted on any attempt.
    pub(crate) fn may_have_acted(&self) -> bool {
        self.lock().iter().any(Attempt::may_have_acted)
    }

    /// Whether any attempt was sent and IAM did not respond to it.
    pub(crate) fn lacks_response(&self) -> bool {
        self.lock().iter().any(Attempt::lacks_response)
    }

    /// Whether IAM returned `NoSuchEntity` for the last attempt.
    pub(crate) fn is_no_such_entity(&self) -> bool {
        self.error() == Some(ErrorKind::NoSuchEntity)
    }

    /// Whether each response is HTTP status 429 without an error code.
    pub(crate) fn are_bare_429(&self) -> bool {
        self.lock().iter().all(|attempt| {
            attempt.metadata.status == 429
                && matches!(attempt.response, Some(Response::Error { code: None, .. }))
        })
    }

    /// Returns the kind of error that IAM returned for the last attempt.
    pub(super) fn error(&self) -> Option<ErrorKind> {
        self.lock().last().and_then(Attempt::error)
    }

    /// Whether IAM responded to any attempt.
    pub(super) fn has_response(&self) -> bool {
        let is_response = |attempt: &Attempt| {
            matches!(
                attempt.response,
                Some(Response::Expected { .. } | Response::Error { .. })
            )
        };
        self.lock().iter().any(is_response)
    }

    /// Whether any part of any attempt was sent.
    pub(crate) fn was_sent(&self) -> bool {
        self.count_sent() > 0
    }

    /// Returns the number of attempts of which any part was sent.
    pub(crate) fn count_sent(&self) -> usize {
        let attempts = self.lock();
        attempts.iter().filter(|one| one.was_sent()).count()
    }

    /// Whether a response is still expected.
    pub(crate) fn awaits_response(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| !last.has_ended)
    }

    /// Whether the name of the host, or of its proxy, is being resolved.
    pub(super) fn awaits_name(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| last.lookup.is_running())
    }

    /// Whether the last attempt shows that IAM accepts the credentials: it succeeded, or failed for another reason.
    pub(super) fn shows_valid_credentials(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| match last.error() {
            Some(code) => matches!(
                code,
                ErrorKind::NoSuchEntity
                    | ErrorKind::AccessDenied
                    | ErrorKind::LimitExceeded
                    | ErrorKind::Validation
            ),
            None => last.is_success(),
        })
    }

    /// Whether the last attempt failed because the credentials have expired.
    pub(super) fn shows_expired_credentials(&self) -> bool {
        let attempts = self.lock();
        match attempts.last().map(|last| &last.response) {
            Some(Some(Response::Error {
                code: Some(code), ..
            })) => without_suffix(code) == "ExpiredToken",
            _ => false,
        }
    }

    /// Returns why the last attempt that has ended got no response. If another attempt was sent since then, this counts only if
    /// neither of them got a response in time.
    pub(super) fn last_failure(&self) -> Option<TransportError> {
        let attempts = self.lock();
        let mut last = attempts.iter().rev().peekable();
        let running = last.next_if(|attempt| !attempt.has_ended);
        let before = last.peek().and_then(|attempt| attempt.failure.clone());
        before.filter(|failure| match running {
            Some(running) if running.was_sent() => {
                !running.response_began() && failure.hint == Some(RAISE_READ_TIMEOUT.into())
            }
            _ => true,
        })
    }

    /// Returns how long there has been no response: the time since the first of the last attempts that got none. If the last
    /// one got a part of a response, it is the time since that attempt, and true.
    pub(super) fn time_without_response(&self) -> (Duration, bool) {
        let attempts = self.lock();
        let began = attempts.last().is_some_and(Attempt::response_began);
        let last = attempts.iter().rev();
        let mut unanswered = last.take_while(|attempt| attempt.response.is_none());
        let since = if began {
            unanswered.next()
        } else {
            unanswered.last()
        };
        let waited = since.map(|attempt| attempt.start.elapsed());
        (waited.unwrap_or_default(), began)
    }

    /// Returns the number of attempts, sent or not.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Prevents further attempts. A response to the current one is still read.
    pub(crate) fn close(&self) {
        let _ = self.closed.set(Closed::RunEnds);
    }

    /// Prevents further attempts because the key now belongs to the credentials in use.
    pub(super) fn close_for_own_key(&self) {
        let _ = self.closed.set(Closed::OwnKey);
    }

    /// Whether an attempt was prevented because the key now belongs to the credentials in use.
    pub(crate) fn ended_at_own_key(&self) -> bool {
        self.closed.get() == Some(&Closed::OwnKey)
    }

    /// Prevents further attempts if the journal's record of the change is too old for one with a signature of this time: a
    /// later run counts thirty minutes from the record, and a signature is valid for fifteen. Returns whether it is. A
    /// signature with this machine's own time counts as late only if too much time has passed by this machine's clocks: if its
    /// time is wrong, IAM rejects it.
    pub(super) fn close_if_late(&self, signed_at: Option<DateTime>) -> bool {
        if !response_body::is_change(self.operation) {
            return false;
        }
        let latest = self.recorded_at.and_then(|time| time.checked_add(MAX_AGE));
        let now = SystemTime::now();
        let is_corrected = |at: &SystemTime| {
            let apart = at
                .duration_since(now)
                .unwrap_or_else(|ahead| ahead.duration());
            apart > OWN_CLOCK
        };
        let signed_at = signed_at.and_then(|at| time(&at));
        let signed_late = |at| Closed::SignedLate(at, Moment::now());
        let [by_wall, by_monotonic] = self.since.elapsed_by_each();
        let reason = match signed_at {
            _ if by_monotonic > MAX_AGE => Closed::RunEnds,
            // This machine slept, or its clock was set forward.
            _ if by_wall > MAX_AGE => signed_at.map_or(Closed::RunEnds, signed_late),
            Some(at) if latest.is_some_and(|latest| latest < at) && is_corrected(&at) => {
                signed_late(at)
            }
            _ => return false,
        };
        let _ = self.closed.set(reason);
        true
    }

    /// Returns the time and the moment of the signature that was too late for the journal's record, if IAM cannot have acted on an
    /// attempt: the change can be recorded and tried again.
    pub(crate) fn signed_late(&self) -> Option<(SystemTime, Moment)> {
        match self.closed.get() {
            Some(Closed::SignedLate(at, since)) if !self.may_have_acted() => Some((*at, *since)),
            _ => None,
        }
    }

    /// Whether further attempts are prevented.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Attempt>> {
        lock(&self.list)
    }
}
