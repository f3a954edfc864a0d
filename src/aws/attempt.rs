//! What was sent and what came back, attempt by attempt. The SDK folds the attempts of a call into one
//! result and so calls a deleted key missing when the first reply was lost; this keeps them apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::error::server_time;
use super::http::ResponseLimit;
use super::redact::Secrets;
use super::response_body::{self, Body};
use super::response_history::ResponseHistory;
use crate::error::{CredentialKind, ErrorKind, classify};
use crate::log::Log;
use crate::memory;
use crate::outcome::ResponseMetadata;

/// One attempt of a call.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The host the request was for.
    pub(crate) host: String,
    /// The time the request was signed with.
    pub(super) signed_at: Option<DateTime>,
    /// What the request was signed with.
    pub(super) credentials: CredentialKind,
    /// What of the request no reply may show.
    pub(super) secrets: Secrets,
    sent: SendTracking,
    has_ended: bool,
    /// The headers of what came back, without secrets; empty, with status 0, where nothing did.
    pub(super) metadata: ResponseMetadata,
    /// What came back, once the attempt has ended.
    pub(super) response: Response,
}

/// What came back for one attempt.
#[derive(Clone, Debug)]
pub(super) enum Response {
    /// Nothing (yet).
    None,
    /// A response of the service's own.
    Service(Body),
    /// A reply that is not IAM's: a fragment that says what it is.
    Unexpected(String),
}

impl Attempt {
    /// Whether IAM may have acted on this attempt: the request left, and no answer says it was refused.
    pub(crate) fn may_have_acted(&self) -> bool {
        match &self.response {
            // Where it was too much, nothing was done, if it is IAM that says so.
            Response::Service(Body::Error { request_id, .. }) => {
                let is_throttled = self.error() == Some(ErrorKind::Throttling);
                request_id.is_empty() || self.metadata.status >= 500 && !is_throttled
            }
            Response::Service(Body::Expected { .. }) => true,
            Response::None | Response::Unexpected(_) => self.lacks_response(),
        }
    }

    /// Whether the request left and no response of IAM's came: it may still act, at any time.
    pub(crate) fn lacks_response(&self) -> bool {
        match &self.response {
            Response::None => self.was_sent(),
            Response::Unexpected(_) => true,
            Response::Service(_) => false,
        }
    }

    /// Whether any of the request left this machine.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.0.load(Ordering::Acquire)
    }

    /// Whether IAM did what was asked.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.response, Response::Service(Body::Expected { .. }))
    }

    /// The family of the error that IAM answered with.
    fn error(&self) -> Option<ErrorKind> {
        match &self.response {
            Response::Service(Body::Error { code, .. }) => {
                Some(classify(code.as_deref(), self.metadata.status))
            }
            Response::Service(Body::Expected { .. }) | Response::None | Response::Unexpected(_) => {
                None
            }
        }
    }
}

/// Set by the connector at the moment the request is handed to an open connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendTracking(Arc<AtomicBool>);

impl SendTracking {
    /// Says that the request has left.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The record of one call's attempts. Clones share it, so it can be read while the call is under way,
/// after it was dropped, and after a panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    attempts: Arc<Mutex<Vec<Attempt>>>,
    is_closed: Arc<AtomicBool>,
}

impl Attempts {
    /// The last attempt so far.
    pub(crate) fn last(&self) -> Option<Attempt> {
        self.lock().last().cloned()
    }

    /// Whether IAM may have acted on any attempt.
    pub(crate) fn may_have_acted(&self) -> bool {
        self.lock().iter().any(Attempt::may_have_acted)
    }

    /// Whether any attempt left and got no response of IAM's.
    pub(crate) fn lacks_response(&self) -> bool {
        self.lock().iter().any(Attempt::lacks_response)
    }

    /// Whether IAM answered the last attempt with `NoSuchEntity`.
    pub(crate) fn is_no_such_entity(&self) -> bool {
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
    pub(crate) fn awaits_response(&self) -> bool {
        let attempts = self.lock();
        attempts.last().is_some_and(|last| !last.has_ended)
    }

    /// Whether the last attempt shows that IAM accepts the credentials: it did what was asked, or refused it for another reason.
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

    /// Whether the last attempt was refused since the credentials have expired.
    pub(super) fn shows_expired_credentials(&self) -> bool {
        let attempts = self.lock();
        let Some(Response::Service(Body::Error {
            code: Some(code), ..
        })) = attempts.last().map(|last| &last.response)
        else {
            return false;
        };
        code.strip_suffix("Exception").unwrap_or(code) == "ExpiredToken"
    }

    /// How many attempts there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
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

/// Fills a `Attempts`, and turns a reply that is not the expected document into an error.
#[derive(Debug)]
pub(super) struct Recorder {
    attempts: Attempts,
    operation: &'static str,
    responses: ResponseHistory,
    log: Log,
    /// What each line of the log begins with.
    pub(super) subject: Option<Arc<str>>,
}

impl Recorder {
    /// A recorder for a call of `operation`.
    pub(super) fn new(
        attempts: &Attempts,
        operation: &'static str,
        responses: &ResponseHistory,
        log: Log,
    ) -> Self {
        Self {
            attempts: attempts.clone(),
            operation,
            responses: responses.clone(),
            log,
            subject: None,
        }
    }

    /// Lines for the log.
    fn with_subject(&self, lines: String) -> String {
        let Some(subject) = &self.subject else {
            return lines;
        };
        let lines = lines.lines().map(|line| format!("{subject}: {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What a response to an attempt is, without the secrets of its request.
    fn response_of(&self, response: &HttpResponse, attempt: &mut Attempt) -> Response {
        let Some(body) = response.body().bytes() else {
            // The body broke off: nothing usable was read.
            return Response::None;
        };
        let redact = |text: &str| attempt.secrets.redact(text);
        let unexpected = |reason: &str| Response::Unexpected(redact(reason));
        let (status, operation) = (attempt.metadata.status, self.operation);
        let mut body = match response_body::read(body, operation) {
            Ok(body) => body,
            Err(_) if status == 429 => {
                return Response::Service(Body::Error {
                    code: None,
                    message: None,
                    request_id: String::new(),
                });
            }
            Err(reason) => {
                return unexpected(&format!("HTTP status {status}, and of the body: {reason}"));
            }
        };
        let request_id = match &mut body {
            Body::Expected { request_id, .. } if status == 200 => request_id,
            Body::Expected { .. } => {
                return unexpected(&format!("a {operation}Response with HTTP status {status}"));
            }
            Body::Error {
                request_id,
                code,
                message,
            } if (400..600).contains(&status) => {
                *message = message.as_deref().map(redact);
                // A code that means something is read as it is; any other is as much text as a message.
                if classify(code.as_deref(), 0) == ErrorKind::Other {
                    *code = code.as_deref().map(redact);
                }
                request_id
            }
            Body::Error { .. } => {
                return unexpected(&format!("an ErrorResponse with HTTP status {status}"));
            }
        };
        let in_header = attempt.metadata.request_id.as_deref();
        let in_body = Some(request_id.as_str()).filter(|id| in_header != Some(*id));
        let is_new = |id: &str| self.responses.is_new(&attempt.host, id);
        if ![in_header, in_body].into_iter().flatten().all(is_new) {
            // It was sent before: by a proxy's cache, or by a server that answers one request twice.
            return unexpected("a response with the request ID of an earlier one");
        }
        let in_body = in_body.map(redact);
        attempt.metadata.request_id = attempt.metadata.request_id.take().or(in_body);
        if let (Body::Expected { .. }, Some(time)) = (&body, server_time(&attempt.metadata)) {
            self.responses.note_time(time, attempt.signed_at);
        }
        Response::Service(body)
    }
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.attempts.is_closed() {
            return Err("the run is to end: no further attempt is made".into());
        }
        memory::reserve().map_err(|_| "too little memory: no attempt is made")?;
        let operation = self.operation;
        let request = context.request_mut();
        let sent = SendTracking::default();
        request.add_extension(sent.clone());
        request.add_extension(ResponseLimit::to(operation));
        self.attempts.lock().push(Attempt {
            host: host(request.uri()),
            signed_at: request.headers().get("x-amz-date").and_then(signing_time),
            credentials: credential_kind(request),
            secrets: Secrets::of(request),
            sent,
            has_ended: false,
            metadata: ResponseMetadata::default(),
            response: Response::None,
        });
        let number = self.attempts.count();
        self.log.verbose(|| {
            let uri = request.uri();
            self.with_subject(format!("attempt {number}: {operation} to {uri}"))
        });
        self.log.debug(|| {
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
            self.with_subject(format!("request body: {body}"))
        });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut attempts = self.attempts.lock();
        let Some(attempt) = attempts.last_mut() else {
            return Ok(());
        };
        let response = context.response();
        let redact = |text: &str| attempt.secrets.redact(text);
        let headers = response.headers().iter();
        attempt.metadata = ResponseMetadata {
            request_id: response.headers().get("x-amzn-requestid").map(redact),
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), redact(value)))
                .collect(),
        };
        attempt.response = self.response_of(response, attempt);
        if let Response::Unexpected(_) | Response::None = attempt.response {
            // What comes next on this connection may answer an earlier request.
            let connection = config.load::<CaptureSmithyConnection>();
            if let Some(connection) = connection.and_then(CaptureSmithyConnection::get) {
                connection.poison();
            }
        }
        match &attempt.response {
            Response::Unexpected(reason) if context.output_or_error().is_ok() => {
                Err(reason.as_str().into())
            }
            _ => Ok(()),
        }
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut attempts = self.attempts.lock();
        let number = attempts.len();
        let Some(attempt) = attempts.last_mut() else {
            return Ok(());
        };
        // One that was not let out ends too; the one before it has ended long since.
        attempt.has_ended = true;
        if let Some(response) = context.response() {
            self.log
                .debug(|| self.with_subject(attempt.secrets.redact(&describe(response))));
        }
        self.log
            .verbose(|| self.with_subject(format!("attempt {number}: {}", outline(attempt))));
        Ok(())
    }
}

fn outline(attempt: &Attempt) -> String {
    let status = attempt.metadata.status;
    match &attempt.response {
        Response::None if attempt.was_sent() => "sent, no answer".to_owned(),
        Response::None => "not sent".to_owned(),
        Response::Service(Body::Expected { .. }) => {
            let request_id = attempt.metadata.request_id.as_deref().unwrap_or("unknown");
            format!("HTTP {status}, request ID {request_id}")
        }
        Response::Service(Body::Error { code, .. }) => {
            format!(
                "HTTP {status}, {}",
                code.as_deref().unwrap_or("no error code")
            )
        }
        Response::Unexpected(reason) => format!("a reply that is not IAM's: {reason}"),
    }
}

fn describe(response: &HttpResponse) -> String {
    let headers = response.headers().iter();
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    format!("reply headers: {}\nreply body: {body}", headers.join("; "))
}

/// What a request is signed with, by the ID in its signature and by its token.
fn credential_kind(request: &HttpRequest) -> CredentialKind {
    let signature = request.headers().get("authorization").unwrap_or_default();
    let id = signature.split_once("Credential=").map_or("", |(_, id)| id);
    let has_token = request.headers().get("x-amz-security-token").is_some();
    match (id.get(..4), has_token) {
        (Some("AKIA"), false) => CredentialKind::LongTerm,
        (Some("AKIA"), true) => CredentialKind::LongTermWithToken,
        (Some("ASIA"), true) => CredentialKind::Session,
        (Some("ASIA"), false) => CredentialKind::SessionWithoutToken,
        _ => CredentialKind::Unknown,
    }
}

/// The host and port of a URI.
fn host(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}

/// The time in the form of `x-amz-date`.
fn signing_time(date: &str) -> Option<DateTime> {
    let mut iso = date.to_owned();
    for (at, mark) in [(4, '-'), (7, '-'), (13, ':'), (16, ':')] {
        iso.get(at..)?;
        iso.insert(at, mark);
    }
    DateTime::from_str(&iso, Format::DateTime).ok()
}
