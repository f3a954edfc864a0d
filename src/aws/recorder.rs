//! What writes the record of a call's attempts: it sees each request before it leaves, and each reply before the SDK makes
//! a result of it.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::attempts::{Answer, Attempt, Record};
use super::reply::{self, Body};
use super::secrets::Secrets;
use crate::failure::{Code, family};
use crate::log::Log;
use crate::outcome::Reply;

/// Fills a `Record`, and turns a reply that is not the expected document into an error.
#[derive(Debug)]
pub(super) struct Recorder {
    record: Record,
    operation: &'static str,
    /// The document that is its reply, such as `DeleteAccessKeyResponse`.
    expected: String,
    log: Log,
    subject: Option<Arc<str>>,
}

impl Recorder {
    /// A recorder for a call of `operation`.
    pub(super) fn new(record: &Record, operation: &'static str, log: Log) -> Self {
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

    /// What a response is, without the secrets of its request.
    fn answer(&self, response: &HttpResponse, secrets: &Secrets) -> Answer {
        let Some(body) = response.body().bytes() else {
            // The body broke off: nothing usable was read.
            return Answer::None;
        };
        let hide = |text: String| secrets.hide(&text);
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| secrets.hide(value))
        };
        let mut reply = Reply {
            request_id: header("x-amzn-requestid"),
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), secrets.hide(value)))
                .collect(),
        };
        let success = response.status().is_success();
        match reply::read(body, &self.expected) {
            Body::Expected { request_id } if success => {
                reply.request_id = reply.request_id.or(request_id.map(hide));
                Answer::Expected(reply)
            }
            Body::Error {
                code,
                message,
                request_id,
            } if !success => {
                reply.request_id = reply.request_id.or(request_id.map(hide));
                Answer::Error {
                    reply,
                    code: code.map(|code| known_or(code, hide)),
                    message: message.map(hide),
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
                "HTTP status {}, and of the body: {}",
                reply.status,
                hide(what)
            )),
        }
    }
}

/// A code that means something is read as it is; any other is as much text as a message.
fn known_or(code: String, hide: impl Fn(String) -> String) -> String {
    match family(Some(&code), 0) {
        Code::Other => hide(code),
        _ => code,
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
        let signed_at = request.headers().get("x-amz-date").map(str::to_owned);
        let (number, sent) =
            self.record
                .begin(host(request.uri()), signed_at, Secrets::of(request));
        request.add_extension(sent);
        self.log.verbose(|| {
            self.told(format!(
                "attempt {number}: {} to {}",
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
        let answer = self.answer(context.response(), &self.record.secrets());
        let foreign = match &answer {
            Answer::Foreign(what) => Err(what.as_str().into()),
            _ => Ok(()),
        };
        self.record.answer(answer);
        foreign
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let answer = |secrets: &Secrets| {
            response.map_or(Answer::None, |response| self.answer(response, secrets))
        };
        let Some((number, attempt)) = self.record.end(answer) else {
            return Ok(());
        };
        if let Some(response) = response {
            self.log
                .debug(|| self.told(attempt.secrets.hide(&describe(response))));
        }
        self.log
            .verbose(|| self.told(format!("attempt {number}: {}", outline(&attempt))));
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
fn host(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}
