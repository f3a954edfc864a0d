//! The files and the renewal of the sessions of `aws sso login` and `aws login`.

use std::error::Error;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ring::digest::{Algorithm, digest};
use rustix::fs::{Access, access};
use serde_json::Value;
use tokio::time::sleep;

use super::environment::SET_HOME;
use super::error::{busy_hint, transport_error, unexpected_hint};
use super::proxy;
use super::redact::secrets_of;
use super::small_file;
use super::time_budget::{LastFailure, TimeBudget};
use super::user_agent;
use crate::error::{Hint, RunError, TransportError};
use crate::known_secret::{Secrets, learn_members};
use crate::lock::lock;
use crate::log::Log;
use crate::sanitize::{escape_path, truncate_escaped};

/// The start of the error if there is no session.
pub(super) const NO_CREDENTIALS: &str = "no credentials: ";

/// How long a run waits before it tries again to lock a session that another run is renewing.
const TRY_LOCK_AGAIN: Duration = Duration::from_millis(50);

/// Records the host and the secrets of the last request for a session, for messages, and the failure of each attempt.
#[derive(Clone, Debug)]
pub(super) struct LastRequest {
    service: &'static str,
    seen: Arc<Mutex<(String, Secrets)>>,
    last_failure: LastFailure,
}

impl LastRequest {
    pub(super) fn new(service: &'static str, budget: &TimeBudget) -> Self {
        Self {
            service,
            seen: Arc::default(),
            last_failure: budget.new_request(),
        }
    }

    /// Creates the error of a failed request. `hint` returns the hint for the code of a refusal.
    pub(super) fn error<E: ProvideErrorMetadata + Error + 'static>(
        &self,
        error: &SdkError<E, HttpResponse>,
        hint: impl FnOnce(&str) -> Hint,
    ) -> RunError {
        let response = match error {
            SdkError::ServiceError(context) => Some(context.raw()),
            _ => None,
        };
        let (what, hint) = self.describe(error, error.code(), response, |code| Some(hint(code)));
        let mut stop = RunError::credentials(format!("{NO_CREDENTIALS}{what}"));
        stop.hints.extend(hint);
        stop
    }

    /// Describes a failed request, with a hint. `response` is that of the service.
    fn describe(
        &self,
        error: &(dyn Error + 'static),
        code: Option<&str>,
        response: Option<&HttpResponse>,
        hint: impl FnOnce(&str) -> Option<Hint>,
    ) -> (String, Option<Hint>) {
        let service = self.service;
        let seen = lock(&self.seen);
        let (host, secrets) = &*seen;
        let (what, hint) = if let Some(response) = response {
            if let Some((code, message)) = refusal(code, response) {
                let what = format!("{service} refused ({code}): {message}");
                // OAuth (RFC 6749) also names them in responses with status 400.
                let is = |name: &str| code.split(", ").any(|code| code == name);
                let status = match response.status().as_u16() {
                    _ if is("slow_down") || is("SlowDownException") => 429,
                    _ if is("server_error") || is("temporarily_unavailable") => 500,
                    status => status,
                };
                (what, busy_hint(status).or_else(|| hint(&code)))
            } else {
                let status = response.status();
                let body = if status.is_success() {
                    " with an unexpected body"
                } else {
                    ""
                };
                let what = format!(
                    "no usable response from {service} at {host}: HTTP status {status}{body}"
                );
                (what, Some(unexpected_hint(status.as_u16())))
            }
        } else {
            let TransportError {
                host, reason, hint, ..
            } = transport_error(error, host);
            let what = if host.is_empty() {
                format!("no request was sent to {service}: {reason}")
            } else {
                format!("no usable response from {service} at {host}: {reason}")
            };
            (what, hint)
        };
        (truncate_escaped(&secrets.redact(&what)), hint)
    }
}

impl Intercept for LastRequest {
    fn name(&self) -> &'static str {
        "LastRequest"
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
        let request = context.request();
        *lock(&self.seen) = (proxy::place(request.uri()), secrets_of(request));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error() {
            let response = error.as_operation_error().and(context.response());
            *lock(&self.last_failure) = Some(self.describe(error, None, response, |_| None));
        }
        Ok(())
    }
}

/// Returns the code and the message of a refusal. The code of OAuth follows that of AWS, which may say less. `None`: the
/// response does not refuse anything.
fn refusal(code: Option<&str>, response: &HttpResponse) -> Option<(String, String)> {
    let status = response.status();
    let body = match response.body().bytes()? {
        b"" => Value::Null,
        body => object(body).ok()?,
    };
    let member = |name: &str| text(&body, name);
    // OAuth (RFC 6749) has other names for them.
    let messages = ["message", "Message", "error_description"];
    let message = messages.into_iter().find_map(member);
    let (code, message) = match (code, member("error")) {
        _ if status.is_success() => return None,
        (Some(code), Some(oauth)) => (format!("{code}, {oauth}"), message),
        (Some(code), None) => (code.to_owned(), message),
        (None, Some(oauth)) => (oauth, message),
        (None, None) if status.is_client_error() || message.is_some() => {
            (format!("HTTP status {status}"), message)
        }
        (None, None) => return None,
    };
    let message = message.unwrap_or_else(|| "no reason given".to_owned());
    Some((code, message))
}

/// Creates the error if there is no home directory with the session. `what` says that there is no session.
pub(super) fn no_home(what: &str) -> RunError {
    RunError::credentials(format!("{what}: there is no home folder")).hint(SET_HOME)
}

/// Returns the file of a session. The AWS CLI uses the hash of the name.
pub(super) fn path(folder: &Path, name: &str, algorithm: &'static Algorithm) -> PathBuf {
    let name = hex::encode(digest(algorithm, name.as_bytes()));
    folder.join(format!("{name}.json"))
}

/// Returns a member of a JSON object if it is text and not empty.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads the file of a session.
///
/// # Errors
///
/// The file cannot be read, or it is not a JSON object. The error is a clause.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let shown = escape_path(path);
    let bytes = small_file::read(path, 1);
    let bytes = bytes.map_err(|error| format!("could not read `{shown}`: {error}"))?;
    let session = object(&bytes).map_err(|what| format!("`{shown}` {what}"))?;
    learn_members(&session);
    Ok(session)
}

/// Waits until no other run is renewing the session in this file, and locks it until the result is dropped: a refresh token may
/// be valid only once. The session must be read again after that. `None`: the file cannot be opened or locked.
pub(super) async fn lock_for_renewal(path: &Path, budget: &TimeBudget, log: Log) -> Option<File> {
    let file = File::open(path).ok()?;
    let mut is_waiting = false;
    loop {
        match file.try_lock() {
            Ok(()) => {
                budget.new_request();
                return Some(file);
            }
            Err(TryLockError::WouldBlock) if !is_waiting => {
                is_waiting = true;
                let reason = "another process was renewing the session".to_owned();
                let hint = "if that process hangs, end it".into();
                *lock(&budget.last_failure) = Some((reason, Some(hint)));
                log.verbose(|| {
                    "waiting for another process that is renewing the session".to_owned()
                });
            }
            Err(TryLockError::WouldBlock) => sleep(TRY_LOCK_AGAIN).await,
            Err(TryLockError::Error(_)) => return None,
        }
    }
}

/// Adds what signs in again to an error without a usable session in the file at `path`, and before it what the AWS CLI would fail at.
pub(super) fn sign_in(stop: RunError, path: &Path, sign_in: impl Into<Hint>) -> RunError {
    let first = obstacle(path).map(|obstacle| Hint::from(format!("first {obstacle}")));
    let hints = first.into_iter().chain([sign_in.into()]);
    hints.fold(stop, RunError::hint)
}

/// Returns what must be done before the file can be written. `None`: nothing.
fn obstacle(path: &Path) -> Option<String> {
    let mut existing = path.ancestors();
    let existing = existing.find(|path| path.symlink_metadata().is_ok())?;
    let shown = escape_path(existing);
    let (is_usable, mode) = if existing == path {
        (existing.is_file(), Access::WRITE_OK)
    } else {
        (existing.is_dir(), Access::WRITE_OK | Access::EXEC_OK)
    };
    if !is_usable {
        return Some(format!("remove `{shown}`"));
    }
    let denied = access(existing, mode).is_err();
    denied.then(|| format!("make `{shown}` writable for this user"))
}

/// Parses a JSON object.
///
/// # Errors
///
/// It is none. The error is a predicate.
pub(super) fn object(bytes: &[u8]) -> Result<Value, String> {
    const NO_OBJECT: &str = "is not a JSON object";
    let value = json(bytes, NO_OBJECT, "")?;
    let object = Some(value).filter(Value::is_object);
    object.ok_or_else(|| NO_OBJECT.to_owned())
}

/// Parses JSON.
///
/// # Errors
///
/// It is not JSON: the error is `not_json`. Or the parser cannot read it: the error begins with `subject`.
pub(super) fn json(bytes: &[u8], not_json: &str, subject: &str) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| match parser_limit(&error) {
        Some(why) => format!("{subject}cannot be read as JSON: {why}"),
        None => not_json.to_owned(),
    })
}

/// Returns a clause about a limit of the parser, because of which it cannot read valid JSON. `None`: it is not JSON. Only the text of
/// the error has its kind.
pub(super) fn parser_limit(error: &serde_json::Error) -> Option<&'static str> {
    const HALF: &str = "it has an escape for half of a character";
    let limits = [
        ("recursion limit exceeded", "it is nested too deeply"),
        ("number out of range", "it has a number that is too large"),
        ("lone leading surrogate", HALF),
        ("unexpected end of hex escape", HALF),
    ];
    let text = error.to_string();
    let limit = limits.iter().find(|(start, _)| text.starts_with(start));
    limit.map(|(_, why)| *why)
}

/// Saves a session for the AWS CLI and later runs. A failure is only a warning, because this run has the session.
pub(super) fn save(path: &Path, value: &Value, log: Log) {
    learn_members(value);
    let saved = || {
        let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        // The mode of a temporary file is 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(value.to_string().as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    if let Err(error) = saved() {
        let path = escape_path(path);
        log.warning(&format!(
            "the session could not be saved in `{path}`: {error}"
        ));
    }
}

/// Formats the time in `seconds` seconds like the AWS CLI.
pub(super) fn time_in(seconds: i32) -> String {
    let now = DateTime::from(SystemTime::now()).secs();
    let time = DateTime::from_secs(now.saturating_add(seconds.max(0).into()));
    time.fmt(Format::DateTime).unwrap_or_default()
}
