//! What writes the record of a call's attempts: it sees each request before it leaves, and each reply before the SDK makes
//! a result of it.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::attempts::{Answer, Attempt, Record};
use super::call::{server_time, signing_time};
use super::http::LongestResponse;
use super::reply::{self, Body};
use super::responses::Responses;
use super::secrets::Secrets;
use crate::error::{CredentialKind, ErrorKind, classify};
use crate::log::Log;
use crate::memory;
use crate::outcome::Reply;

/// Fills a `Record`, and turns a reply that is not the expected document into an error.
#[derive(Debug)]
pub(super) struct Recorder {
    record: Record,
    operation: &'static str,
    responses: Responses,
    log: Log,
    /// What each line of the log begins with.
    pub(super) subject: Option<Arc<str>>,
}

impl Recorder {
    /// A recorder for a call of `operation`.
    pub(super) fn new(
        record: &Record,
        operation: &'static str,
        responses: &Responses,
        log: Log,
    ) -> Self {
        Self {
            record: record.clone(),
            operation,
            responses: responses.clone(),
            log,
            subject: None,
        }
    }

    /// Lines for the log.
    fn told(&self, lines: String) -> String {
        let Some(subject) = &self.subject else {
            return lines;
        };
        let lines = lines.lines().map(|line| format!("{subject}: {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What a response to the last attempt is, without the secrets of its request.
    fn answer(&self, response: &HttpResponse, attempt: &Attempt) -> Answer {
        let Some(body) = response.body().bytes() else {
            // The body broke off: nothing usable was read.
            return Answer::None;
        };
        let hide = |text: &str| attempt.secrets.hide(text);
        let (status, operation) = (response.status().as_u16(), self.operation);
        let headers = response.headers();
        let mut reply = Reply {
            request_id: headers.get("x-amzn-requestid").map(hide),
            status,
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_owned(), hide(value)))
                .collect(),
        };
        let foreign = |what: &str| Answer::Foreign(hide(what));
        let body = match reply::read(body, operation) {
            Ok(body) => body,
            Err(_) if status == 429 => {
                return Answer::Error {
                    reply,
                    code: None,
                    message: None,
                };
            }
            Err(what) => {
                return foreign(&format!("HTTP status {status}, and of the body: {what}"));
            }
        };
        let request_id = match &body {
            Body::Expected { request_id, .. } if status == 200 => request_id,
            Body::Error { request_id, .. } if (400..600).contains(&status) => request_id,
            Body::Expected { .. } => {
                return foreign(&format!("a {operation}Response with HTTP status {status}"));
            }
            Body::Error { .. } => {
                return foreign(&format!("an ErrorResponse with HTTP status {status}"));
            }
        };
        let in_header = reply.request_id.as_deref();
        let in_body = Some(request_id.as_str()).filter(|id| in_header != Some(*id));
        let is_new = |id: &str| self.responses.is_new(&attempt.host, id);
        if ![in_header, in_body].into_iter().flatten().all(is_new) {
            // It was sent before: by a proxy's cache, or by a server that answers one request twice.
            return foreign("a response with the request ID of an earlier one");
        }
        reply.request_id = reply.request_id.or_else(|| Some(hide(request_id)));
        match body {
            Body::Expected { is_truncated, .. } => {
                if let Some(time) = server_time(&reply) {
                    self.responses.note_time(time, signing_time(attempt));
                }
                Answer::Expected {
                    reply,
                    is_truncated,
                }
            }
            Body::Error { code, message, .. } => Answer::Error {
                reply,
                // A code that means something is read as it is; any other is as much text as a message.
                code: code.map(|code| match classify(Some(&code), 0) {
                    ErrorKind::Other => hide(&code),
                    _ => code,
                }),
                message: message.as_deref().map(hide),
            },
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
        memory::set_aside().map_err(|_| "too little memory: no attempt is made")?;
        let request = context.request_mut();
        let signed_at = request.headers().get("x-amz-date").map(str::to_owned);
        let (number, sent) = self.record.begin(
            host(request.uri()),
            signed_at,
            credential_kind(request),
            Secrets::of(request),
        );
        request.add_extension(sent);
        request.add_extension(LongestResponse::to(self.operation));
        let operation = self.operation;
        self.log.verbose(|| {
            let uri = request.uri();
            self.told(format!("attempt {number}: {operation} to {uri}"))
        });
        self.log.debug(|| {
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
            self.told(format!("request body: {body}"))
        });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(attempt) = self.record.last() else {
            return Ok(());
        };
        let answer = self.answer(context.response(), &attempt);
        if let Answer::Foreign(_) | Answer::None = answer {
            // What comes next on this connection may answer an earlier request.
            let connection = config.load::<CaptureSmithyConnection>();
            if let Some(connection) = connection.and_then(CaptureSmithyConnection::get) {
                connection.poison();
            }
        }
        let foreign = match &answer {
            Answer::Foreign(what) if context.output_or_error().is_ok() => Err(what.as_str().into()),
            _ => Ok(()),
        };
        let status = context.response().status().as_u16();
        self.record.answer(status, answer);
        foreign
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some((number, attempt)) = self.record.end() else {
            return Ok(());
        };
        if let Some(response) = context.response() {
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
        Answer::Expected { reply, .. } => {
            let request_id = reply.request_id.as_deref().unwrap_or("unknown");
            format!("HTTP {}, request ID {request_id}", reply.status)
        }
        Answer::Error { reply, code, .. } => {
            let code = code.as_deref().unwrap_or("no error code");
            format!("HTTP {}, {code}", reply.status)
        }
        Answer::Foreign(what) => format!("a reply that is not IAM's: {what}"),
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
