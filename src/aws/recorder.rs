//! Records each attempt of a call, with an interceptor of the SDK.

use std::sync::Arc;
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::attempt::{Attempt, Attempts, SendTracking};
use super::clock::server_time;
use super::credential_parts::with_article;
use super::error::{EXPECTS_TLS, transport_error};
use super::lookup::Lookup;
use super::parameters::Parameters;
use super::proxy;
use super::redact::secrets_of;
use super::response_body::{self, Response, unreliable_body};
use super::response_history::SharedHistory;
use super::response_limit::ResponseLimit;
use super::tls;
use super::user_agent;
use crate::error::{CredentialKind, ErrorKind, NO_MEMORY, classify};
use crate::guard::Signer;
use crate::lock::lock;
use crate::log::Log;
use crate::memory;
use crate::outcome::ResponseMetadata;

/// Records the attempts of a call, and turns a response other than the expected document into an error.
#[derive(Debug)]
pub(super) struct Recorder {
    attempts: Attempts,
    responses: SharedHistory,
    log: Log,
    /// The prefix of each log line.
    pub(super) subject: Option<Arc<str>>,
    /// The keys that must not be changed.
    pub(super) signer: Option<Arc<Signer>>,
}

impl Recorder {
    pub(super) fn new(attempts: &Attempts, responses: &SharedHistory, log: Log) -> Self {
        Self {
            attempts: attempts.clone(),
            responses: Arc::clone(responses),
            log,
            subject: None,
            signer: None,
        }
    }

    /// Adds the prefix to log lines.
    fn with_subject(&self, lines: String) -> String {
        let Some(subject) = &self.subject else {
            return lines;
        };
        let lines = lines.lines().map(|line| format!("{subject}: {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Classifies a response, and removes the secrets of the request from it. `None`: the body is incomplete.
    fn response_of(&self, response: &HttpResponse, attempt: &mut Attempt) -> Option<Response> {
        let body = response.body().bytes()?;
        let redact = |text: &str| attempt.secrets.redact(text);
        let unexpected = |reason: &str| Some(Response::Unexpected(redact(reason)));
        let (status, operation) = (attempt.metadata.status, self.attempts.operation);
        if let Some(reason) = unreliable_body(response) {
            return unexpected(&format!("HTTP status {status}; {reason}"));
        }
        let mut response = response_body::read(body, operation);
        let mut other = None;
        let request_id = match &mut response {
            Response::Unexpected(_) if status == 429 => {
                return Some(Response::Error {
                    code: None,
                    message: None,
                    request_id: String::new(),
                });
            }
            Response::Unexpected(_) if attempt.is_plain && expects_tls(body) => {
                return unexpected(&format!("HTTP status {status}; {EXPECTS_TLS}"));
            }
            Response::Unexpected(reason) => {
                return unexpected(&format!("HTTP status {status}; invalid body: {reason}"));
            }
            Response::Expected { request_id, .. } if status == 200 => request_id,
            Response::Expected { .. } => {
                let operation = with_article(operation.name());
                return unexpected(&format!("{operation}Response with HTTP status {status}"));
            }
            Response::Error {
                request_id,
                code,
                message,
            } if (400..600).contains(&status) => {
                let about = message.as_deref();
                other = about.and_then(|message| attempt.parameters.other_subject(message));
                *message = message.as_deref().map(redact);
                // Known error codes are kept. Any other code is arbitrary text, like a message.
                if classify(code.as_deref(), 0) == ErrorKind::Other {
                    *code = code.as_deref().map(redact);
                }
                request_id
            }
            Response::Error { .. } => {
                return unexpected(&format!("an ErrorResponse with HTTP status {status}"));
            }
        };
        let in_header = attempt.metadata.request_id.as_deref();
        let in_body = Some(request_id.as_str()).filter(|id| in_header != Some(*id));
        let is_new = |id: &str| lock(&self.responses).is_new(&attempt.host, id);
        if ![in_header, in_body].into_iter().flatten().all(is_new) {
            // A cache or a faulty server repeated an earlier response.
            lock(&self.responses).are_mixed_up = true;
            return unexpected("a response with the request ID of an earlier one");
        }
        if let Some(other) = other {
            lock(&self.responses).are_mixed_up = true;
            return unexpected(&format!("the response to another request, {other}"));
        }
        let in_body = in_body.map(redact);
        attempt.metadata.request_id = attempt.metadata.request_id.take().or(in_body);
        if let (Response::Expected { .. }, Some(time)) = (&response, server_time(&attempt.metadata))
        {
            lock(&self.responses).note_time(time, attempt.signed_at);
        }
        Some(response)
    }
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        user_agent::clean(cfg);
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request().headers();
        let signed_at = headers.get("x-amz-date").and_then(signing_time);
        if self.attempts.close_if_late(signed_at) {
            return Err(
                "no attempt is made later than 15 minutes after the change was recorded".into(),
            );
        }
        if self.attempts.is_closed() {
            return Err("the run is ending: no more attempts are made".into());
        }
        memory::reserve().map_err(|_| NO_MEMORY)?;
        let operation = self.attempts.operation;
        let request = context.request_mut();
        let parameters = Parameters::of(request.body().bytes().unwrap_or_default());
        // The credentials may have been renewed since the guard checked the key.
        if response_body::is_change(operation)
            && let (Some(signer), Some(key)) = (&self.signer, &parameters.key)
            && signer.keeps(key)
        {
            self.attempts.close_for_own_key();
            return Err("the request was not sent again because the key now belongs to your own credentials".into());
        }
        let sent = SendTracking::default();
        let lookup = Lookup::default();
        request.add_extension(sent.clone());
        request.add_extension(lookup.clone());
        request.add_extension(ResponseLimit::to(operation));
        self.attempts.lock().push(Attempt {
            host: proxy::place(request.uri()),
            is_plain: request.uri().starts_with("http:")
                && matches!(proxy::of(request.uri()), Ok(None)),
            start: Instant::now(),
            signed_at,
            region: signing_region(request),
            credentials: credential_kind(request),
            parameters,
            secrets: Arc::new(secrets_of(request)),
            sent,
            lookup,
            has_ended: false,
            metadata: ResponseMetadata::default(),
            response: None,
            failure: None,
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
        _: &mut ConfigBag,
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
        if lock(&self.responses).are_mixed_up
            || matches!(attempt.response, Some(Response::Unexpected(_)) | None)
        {
            attempt.retire_connection();
        }
        match &attempt.response {
            Some(Response::Unexpected(reason)) if context.output_or_error().is_ok() => {
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
        // If this attempt was prevented, the last record is that of the attempt before, which has ended already.
        if !attempt.has_ended
            && let (None, Some(Err(error))) = (&attempt.response, context.output_or_error())
        {
            attempt.failure = Some(transport_error(error, &attempt.host));
            // Every further request would get the same alert.
            if tls::requires_certificate(error) {
                self.attempts.close();
            }
        }
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

/// Whether a TLS port responds like this to a request without TLS: nginx, Apache, Go or Tomcat, in this order.
fn expects_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    [
        "plain http request was sent to https port",
        "plain http to an ssl-enabled server port",
        "client sent an http request to an https server",
        "combination of host and port requires tls",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn outline(attempt: &Attempt) -> String {
    let status = attempt.metadata.status;
    match &attempt.response {
        None if attempt.response_began() => "sent, incomplete response".to_owned(),
        None if attempt.was_sent() => "sent, no response".to_owned(),
        None => "not sent".to_owned(),
        Some(Response::Expected { .. }) => {
            let request_id = attempt.metadata.request_id.as_deref().unwrap_or("unknown");
            format!("HTTP {status}, request ID {request_id}")
        }
        Some(Response::Error { code, .. }) => {
            let code = code.as_deref().unwrap_or("no error code");
            format!("HTTP {status}, {code}")
        }
        Some(Response::Unexpected(reason)) => format!("not a response from IAM: {reason}"),
    }
}

fn describe(response: &HttpResponse) -> String {
    let headers = response.headers().iter();
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    format!(
        "response headers: {}\nresponse body: {body}",
        headers.join("; ")
    )
}

/// Determines the kind of credentials from the ID in the signature and the session token.
fn credential_kind(request: &HttpRequest) -> CredentialKind {
    let Some(signature) = request.headers().get("authorization") else {
        return CredentialKind::None;
    };
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

/// Returns the Region in the scope of the signature: `Credential=ID/date/region/service/aws4_request`.
fn signing_region(request: &HttpRequest) -> Option<String> {
    let (_, scope) = request
        .headers()
        .get("authorization")?
        .split_once("Credential=")?;
    scope.split('/').nth(2).map(str::to_owned)
}

/// Parses the time format of `x-amz-date`.
fn signing_time(date: &str) -> Option<DateTime> {
    let mut iso = date.to_owned();
    for (at, mark) in [(4, '-'), (7, '-'), (13, ':'), (16, ':')] {
        iso.get(at..)?;
        iso.insert(at, mark);
    }
    DateTime::from_str(&iso, Format::DateTime).ok()
}
