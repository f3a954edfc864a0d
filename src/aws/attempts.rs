//! What was sent and what came back, attempt by attempt. The SDK folds the attempts of a call into one
//! result and so calls a deleted key missing when the first reply was lost; this keeps them apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::reply::{self, Body};
use crate::failure::{Code, family};
use crate::log::Log;
use crate::outcome::Reply;

/// One attempt of a call.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The host the request was for.
    pub(crate) host: String,
    /// The time the request was signed with, in the form of `x-amz-date`.
    pub(crate) signed_at: Option<String>,
    sent: Sent,
    has_ended: bool,
    /// What came back, once the attempt has ended.
    pub(crate) answer: Answer,
}

/// What came back for one attempt.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Nothing (yet).
    None,
    /// The reply that was asked for.
    Expected(Reply),
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
            Answer::Expected(_) | Answer::Foreign(_) => true,
            Answer::Error { reply, code, .. } => {
                reply.status >= 500 && code.as_deref() != Some("SlowDown")
            }
        }
    }

    /// Whether any of the request left this machine.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent.is_set()
    }
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
            Some(Answer::Error { reply, code, .. })
                if family(code.as_deref(), reply.status) == Code::Throttling
        )
    }

    /// How many attempts there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Lets no further attempt leave. The one that has left may still be answered.
    pub(crate) fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Attempt>> {
        let attempts = self.0.attempts.lock();
        attempts.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fills a `Record`, and turns a reply that is not the expected document into an error.
#[derive(Debug)]
pub(crate) struct Recorder {
    record: Record,
    operation: &'static str,
    /// The document that is its reply, such as `DeleteAccessKeyResponse`.
    expected: String,
    log: Log,
    subject: Option<Arc<str>>,
}

impl Recorder {
    /// A recorder for a call of `operation`.
    pub(crate) fn new(record: &Record, operation: &'static str, log: Log) -> Self {
        Self {
            record: record.clone(),
            operation,
            expected: format!("{operation}Response"),
            log,
            subject: None,
        }
    }

    /// The same, with what each line of the log begins with.
    pub(super) fn about(self, subject: Option<Arc<str>>) -> Self {
        Self { subject, ..self }
    }

    /// Lines for the log.
    fn told(&self, lines: String) -> String {
        let Some(subject) = &self.subject else {
            return lines;
        };
        let lines: Vec<String> = lines
            .lines()
            .map(|line| format!("{subject}: {line}"))
            .collect();
        lines.join("\n")
    }

    fn answer(&self, response: &HttpResponse) -> Answer {
        let Some(body) = response.body().bytes() else {
            // The body broke off: nothing usable was read.
            return Answer::None;
        };
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        let mut reply = Reply {
            request_id: header("x-amzn-requestid"),
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        let success = response.status().is_success();
        match reply::read(body, &self.expected) {
            Body::Expected { request_id } if success => {
                reply.request_id = reply.request_id.or(request_id);
                Answer::Expected(reply)
            }
            Body::Error {
                code,
                message,
                request_id,
            } if !success => {
                reply.request_id = reply.request_id.or(request_id);
                Answer::Error {
                    reply,
                    code,
                    message,
                }
            }
            Body::Expected { .. } => Answer::Foreign(format!(
                "a {} with HTTP status {}",
                self.expected, reply.status
            )),
            Body::Error { .. } => Answer::Foreign(format!(
                "an ErrorResponse with HTTP status {}",
                reply.status
            )),
            Body::Foreign(_) if reply.status == 429 => Answer::Error {
                reply,
                code: None,
                message: None,
            },
            Body::Foreign(what) => Answer::Foreign(format!(
                "HTTP status {}, and of the body: {what}",
                reply.status
            )),
        }
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
        if self.record.is_closed() {
            return Err("the run is to end: no further attempt is made".into());
        }
        let request = context.request_mut();
        let sent = Sent::default();
        request.add_extension(sent.clone());
        let attempt = Attempt {
            host: host(request.uri()),
            signed_at: request.headers().get("x-amz-date").map(str::to_owned),
            sent,
            has_ended: false,
            answer: Answer::None,
        };
        let mut attempts = self.record.lock();
        attempts.push(attempt);
        self.log.verbose(|| {
            self.told(format!(
                "attempt {}: {} to {}",
                attempts.len(),
                self.operation,
                request.uri()
            ))
        });
        self.log.debug(|| {
            self.told(format!(
                "request body: {}",
                String::from_utf8_lossy(request.body().bytes().unwrap_or_default())
            ))
        });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let answer = self.answer(context.response());
        let foreign = match &answer {
            Answer::Foreign(what) => Err(what.as_str().into()),
            _ => Ok(()),
        };
        if let Some(attempt) = self.record.lock().last_mut() {
            attempt.answer = answer;
        }
        foreign
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut attempts = self.record.lock();
        let number = attempts.len();
        let Some(attempt) = attempts.last_mut() else {
            return Ok(());
        };
        // An attempt that was not let out ends too; the one before it has ended long since.
        attempt.has_ended = true;
        if let Some(response) = context.response() {
            if let Answer::None = attempt.answer {
                attempt.answer = self.answer(response);
            }
            self.log.debug(|| self.told(describe(response)));
        }
        self.log
            .verbose(|| self.told(format!("attempt {number}: {}", outline(attempt))));
        Ok(())
    }
}

fn outline(attempt: &Attempt) -> String {
    match &attempt.answer {
        Answer::None if attempt.was_sent() => "sent, no answer".to_owned(),
        Answer::None => "not sent".to_owned(),
        Answer::Expected(reply) => {
            format!(
                "HTTP {}, request ID {}",
                reply.status,
                reply.request_id.as_deref().unwrap_or("unknown")
            )
        }
        Answer::Error { reply, code, .. } => {
            format!(
                "HTTP {}, {}",
                reply.status,
                code.as_deref().unwrap_or("no error code")
            )
        }
        Answer::Foreign(what) => format!("a reply that is not IAM's: {what}"),
    }
}

fn describe(response: &HttpResponse) -> String {
    let headers: Vec<String> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    format!("reply headers: {}\nreply body: {body}", headers.join("; "))
}

/// The host and port of a URI.
pub(crate) fn host(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}
