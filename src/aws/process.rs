//! `credential_process`: started once, in a process group that is ended when the answer is there, when the
//! time is up and when the run is stopped. The SDK's own has no limit and leaves its children running.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::escape::excerpt;

/// The most that is read of the process's standard output, in bytes.
const LONGEST_OUTPUT: u64 = 64 << 10;
/// The most that is shown of its standard error, in bytes.
const LONGEST_ERROR: u64 = 4 << 10;

/// The credentials a profile's `credential_process` prints.
#[derive(Clone)]
pub(crate) struct CredentialProcess {
    command: String,
    profile: String,
}

impl CredentialProcess {
    /// The process of `profile`, run by the shell as the AWS SDKs run it.
    pub(crate) fn new(command: &str, profile: &str) -> Self {
        Self {
            command: command.to_owned(),
            profile: profile.to_owned(),
        }
    }

    async fn credentials(&self) -> provider::Result {
        let fail = |what: String| {
            let profile = &self.profile;
            CredentialsError::provider_error(format!(
                "the credential_process of profile `{profile}` {what}"
            ))
        };
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fail(format!("could not be started: {error}")))?;
        let _group = ProcessGroup::of(&child);
        let output = child.stdout.take();
        let errors = child.stderr.take();
        let (output, errors) =
            tokio::join!(read(output, LONGEST_OUTPUT), hear(errors, LONGEST_ERROR));
        let output = output.map_err(|error| fail(format!("could not be read: {error}")))?;
        if output.len() as u64 > LONGEST_OUTPUT {
            return Err(fail(
                "printed more than 64 KiB, which is not credentials".to_owned(),
            ));
        }
        let status = child
            .wait()
            .await
            .map_err(|error| fail(format!("was lost: {error}")))?;
        if !status.success() {
            let said = String::from_utf8_lossy(&errors.unwrap_or_default())
                .trim()
                .to_owned();
            let said = if said.is_empty() {
                String::new()
            } else {
                format!("; it said: {}", excerpt(&said))
            };
            return Err(fail(format!("failed ({status}){said}")));
        }
        parse(&output, SystemTime::now()).map_err(|what| fail(what.to_owned()))
    }
}

// The command may hold a secret in its arguments.
impl std::fmt::Debug for CredentialProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialProcess")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// A process group that does not outlive this value.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn of(child: &tokio::process::Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads one byte more than `longest` at most, and leaves the rest: the process is ended with it.
async fn read(stream: Option<impl AsyncRead + Unpin>, longest: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(longest + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads to the end and keeps the first `longest` bytes.
async fn hear(stream: Option<impl AsyncRead + Unpin>, longest: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(longest).read_to_end(&mut bytes).await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
    }
    Ok(bytes)
}

/// Reads what the process printed: the JSON object that the AWS CLI user guide documents, version 1.
pub(super) fn parse(output: &[u8], now: SystemTime) -> Result<Credentials, &'static str> {
    if output.iter().all(u8::is_ascii_whitespace) {
        return Err("printed nothing");
    }
    let value: Value = serde_json::from_slice(output).map_err(|_| "printed what is not JSON")?;
    if value.get("Version").and_then(Value::as_i64) != Some(1) {
        return Err("printed JSON without \"Version\": 1");
    }
    let text = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
    };
    let access_key_id = text("AccessKeyId").ok_or("printed no AccessKeyId")?;
    let secret_access_key = text("SecretAccessKey").ok_or("printed no SecretAccessKey")?;
    let mut credentials = Credentials::builder()
        .access_key_id(access_key_id)
        .secret_access_key(secret_access_key)
        .provider_name("credential_process");
    credentials.set_session_token(text("SessionToken").map(str::to_owned));
    credentials.set_account_id(text("AccountId").map(AccountId::from));
    if let Some(expiration) = text("Expiration") {
        let expiration = DateTime::from_str(expiration, Format::DateTimeWithOffset)
            .ok()
            .and_then(|time| SystemTime::try_from(time).ok())
            .ok_or("printed an Expiration that is not an ISO 8601 time")?;
        if expiration.duration_since(now).unwrap_or(Duration::ZERO) == Duration::ZERO {
            return Err("printed credentials that have expired");
        }
        credentials.set_expiry(Some(expiration));
    }
    Ok(credentials.build())
}
