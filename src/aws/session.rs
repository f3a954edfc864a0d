//! What the sessions of `aws sso login` and `aws login` have in common: files that the AWS CLI keeps, and requests that renew
//! them.

use std::error::Error;
use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ring::digest::{Algorithm, digest};
use serde_json::Value;

use super::endpoint;
use super::error::transport_error;
use super::redact::Secrets;
use super::small_file;
use crate::error::RunError;
use crate::lock::lock;
use crate::log::Log;
use crate::sanitize::{escape_path, truncate_escaped};

/// The last request for a session: where it went, and what of it no message may show.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<(String, Secrets)>>);

impl Seen {
    /// What notes a request before it is signed.
    pub(super) fn watch(&self) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
        let seen = self.clone();
        move |request| {
            let host = endpoint::host_and_port(request.uri()).to_owned();
            *lock(&seen.0) = (host, Secrets::of(request));
        }
    }

    /// What went wrong, in one sentence. `hint` is for a request that was refused, not for one without an answer.
    pub(super) fn refused(
        &self,
        service: &str,
        error: &(impl ProvideErrorMetadata + Error + 'static),
        hint: impl Into<String>,
    ) -> RunError {
        let seen = lock(&self.0);
        let (host, secrets) = &*seen;
        let (what, hint) = if error.code().is_none() && error.message().is_none() {
            let cause = transport_error(error, host);
            let (host, what) = (cause.host, cause.reason);
            let what = format!("no usable response from {service} at {host}: {what}");
            (what, cause.hint)
        } else {
            let message = error.message().unwrap_or("no reason given");
            let code = error.code().map(|code| format!(" ({code})"));
            let code = code.unwrap_or_default();
            let what = format!("{service} refused{code}: {message}");
            (what, Some(hint.into()))
        };
        let what = truncate_escaped(&secrets.redact(&what));
        let mut stop = RunError::credentials(format!("no credentials: {what}"));
        stop.hints.extend(hint);
        stop
    }
}

/// The file of the session of a name in a folder of the AWS CLI's.
pub(super) fn path(folder: &Path, name: &str, algorithm: &'static Algorithm) -> PathBuf {
    let name = hex(digest(algorithm, name.as_bytes()).as_ref());
    folder.join(format!("{name}.json"))
}

/// A member of JSON that is text; `None` where it is not there or empty.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads the file of a session.
///
/// # Errors
///
/// It is not there, or is not a JSON object: a fragment.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let shown = escape_path(path);
    let bytes = small_file::read(path, 1);
    let bytes = bytes.map_err(|error| format!("could not read `{shown}`: {error}"))?;
    object(&bytes).ok_or_else(|| format!("`{shown}` is not a JSON object"))
}

/// JSON that is an object.
pub(super) fn object(bytes: &[u8]) -> Option<Value> {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    value.filter(Value::is_object)
}

/// Keeps a session where the AWS CLI finds it. Without it only the next run has to sign in again.
pub(super) fn save(path: &Path, value: &Value, log: Log) {
    let saved = || {
        let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        // Nobody else can read a temporary file.
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

/// The time in so many seconds, as the AWS CLI writes it.
pub(super) fn time_in(seconds: i32) -> String {
    let now = DateTime::from(SystemTime::now()).secs();
    let time = DateTime::from_secs(now.saturating_add(seconds.max(0).into()));
    time.fmt(Format::DateTime).unwrap_or_default()
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
