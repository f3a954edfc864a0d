//! Runs `credential_process` once and without a shell. The process and its children are killed when the output is
//! complete, after a timeout, or when the run ends. It can prompt in a terminal.

use std::fs::File;
use std::io::{Error, ErrorKind, IsTerminal as _, stderr, stdin};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};
use rustix::termios::Termios;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::credential_parts::{CredentialParts, PROCESS_FIELDS};
use super::session::parser_limit;
use super::settings::Settings;
use super::time_budget::TimeBudget;
use crate::error::{RunError, TOO_MANY_PROCESSES};
use crate::known_secret::redact_message;
use crate::lock::lock;
use crate::sanitize::truncate_escaped;
use crate::terminal;

/// The maximum size of the process's standard output, in bytes.
const MAX_OUTPUT: u64 = 64 << 10;
/// The maximum size of its standard error that is shown, in bytes.
const MAX_ERROR_OUTPUT: u64 = 4 << 10;

/// The hint if the process fails or prints no JSON, and has not worked in this run.
const NO_SHELL: &str = "it runs without a shell: words are split at spaces and quotes, and nothing else is replaced; run the \
     command by itself to see what is wrong";
/// The hint if a shell makes no difference.
const BY_ITSELF: &str = "run the command by itself to see what is wrong";
/// Why there are no credentials although the process has ended.
const LEFT_OPEN: &str =
    "it has ended, but a process that it started keeps its standard output or standard error open";
/// The hint for that.
const REDIRECT: &str = "redirect the standard output and the standard error of what the command starts in the background \
     (>/dev/null 2>&1)";
/// The hint if its credentials have expired.
const RENEW: &str = "sign in again, or renew the credentials that the command returns; if they are new, \
     check this machine's clock";

/// Runs the words of a command and returns its credentials. `origin` names the process.
///
/// # Errors
///
/// The process fails or prints anything but credentials.
pub(super) async fn run(
    words: &[String],
    origin: &str,
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<Credentials, RunError> {
    let unusable = |reason: &str, hint: &str| {
        // A command that has worked in this run needs no shell.
        let has_worked = !lock(&settings.signing_keys).is_empty();
        let hint = if has_worked && hint == NO_SHELL {
            BY_ITSELF
        } else {
            hint
        };
        RunError::credentials(format!("no credentials: {origin} {reason}")).hint(hint)
    };
    let terminal = terminal::own();
    let stdio = |is_inherited: bool, other: Stdio| {
        if terminal.is_some() && is_inherited {
            Stdio::inherit()
        } else {
            other
        }
    };
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(stdio(stdin().is_terminal(), Stdio::null()))
        .stdout(Stdio::piped())
        // The process may print instructions, such as to touch a security key.
        .stderr(stdio(
            stderr().is_terminal() && !settings.log.is_json(),
            Stdio::piped(),
        ))
        .kill_on_drop(true);
    if terminal.is_none() {
        command.process_group(0);
    }
    // If the process that started this one ignores SIGCHLD, the system discards the exit status of a child.
    let child = signal(SignalKind::child()).and_then(|_| command.spawn());
    let mut child = child.map_err(|error| {
        unusable(
            &format!("could not be started: {error}"),
            start_hint(&error),
        )
    })?;
    let _kill_on_drop = KillOnDrop::of(&child, terminal);
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        tokio::join!(
            read(output, MAX_OUTPUT),
            read_and_drain(errors, MAX_ERROR_OUTPUT)
        )
    };
    tokio::pin!(reading);
    let (output, errors) = tokio::select! {
        read = &mut reading => read,
        _ = child.wait() => {
            *lock(&budget.last_failure) = Some((LEFT_OPEN.to_owned(), Some(REDIRECT.into())));
            reading.await
        }
    };
    let failed = |reason: &str| unusable(reason, BY_ITSELF);
    let output = output.map_err(|error| failed(&format!("could not be read: {error}")))?;
    if output.len() as u64 > MAX_OUTPUT {
        return Err(failed(
            "printed more than 64 KiB, which is too long for credentials",
        ));
    }
    let status = child.wait().await;
    let status = status.map_err(|error| failed(&format!("was lost: {error}")))?;
    if !status.success() {
        let errors = errors.unwrap_or_default();
        let error_output = match String::from_utf8_lossy(&errors).trim() {
            "" => String::new(),
            errors => format!(
                "; its error output: {}",
                truncate_escaped(&redact_message(errors))
            ),
        };
        let reason = format!("failed ({status}){error_output}");
        return Err(match status.signal() {
            Some(_) => failed(&reason),
            None => unusable(&reason, NO_SHELL),
        });
    }
    let key = parse(&output, SystemTime::now(), origin);
    key.map_err(|(reason, hint)| unusable(&reason, hint))?
        .fetched(Some(BY_ITSELF.into()))
}

/// Returns the hint for a process that could not be started.
fn start_hint(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::OutOfMemory => TOO_MANY_PROCESSES,
        _ => NO_SHELL,
    }
}

/// Kills a process and its children when it is dropped.
struct KillOnDrop {
    id: Option<Pid>,
    /// The shared terminal and its original mode.
    terminal: Option<(File, Termios)>,
}

impl KillOnDrop {
    fn of(child: &Child, terminal: Option<(File, Termios)>) -> Self {
        // Orphaned children of the process then become children of this one.
        #[cfg(target_os = "linux")]
        if terminal.is_some() {
            let _ = rustix::process::set_child_subreaper(Some(getpid()));
        }
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            id: id.and_then(Pid::from_raw),
            terminal,
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Errors are ignored: the process may have ended already.
        if let Some((file, mode)) = &self.terminal {
            // The process shares the process group of this one, so it can read the terminal and Ctrl-C ends both.
            kill_descendants();
            // A password prompt may have disabled echo.
            terminal::restore(file, mode);
        } else if let Some(id) = self.id {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// Kills all descendants of this process in its process group. A process that left the group, such as the agent of a
/// password manager, is meant to continue.
fn kill_descendants() {
    // A process may start another one while the list is read.
    for _ in 0..10 {
        let found = descendants();
        for id in &found {
            let _ = kill_process(*id, Signal::KILL);
        }
        if found.is_empty() {
            return;
        }
    }
}

/// Returns all running descendants of this process in its process group.
fn descendants() -> Vec<Pid> {
    let group = getpgrp().as_raw_nonzero().get();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    let living: Vec<(i32, i32)> = ids
        .filter_map(|id| Some((id, parent_in_group(id, group)?)))
        .collect();
    let mut line = vec![getpid().as_raw_nonzero().get()];
    let mut at = 0;
    while let Some(parent) = line.get(at).copied() {
        let children = living.iter().filter(|(_, own)| *own == parent);
        line.extend(children.map(|(id, _)| *id));
        at += 1;
    }
    line.into_iter().skip(1).filter_map(Pid::from_raw).collect()
}

/// Returns the parent of a running process of `group`.
fn parent_in_group(id: i32, group: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may contain spaces and parentheses.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let (state, parent, own) = (fields.next()?, fields.next()?, fields.next()?);
    (state != "Z" && own.parse() == Ok(group)).then(|| parent.parse().ok())?
}

/// Reads at most one byte more than `max_bytes`. The rest is not needed because the process is killed.
async fn read(stream: Option<impl AsyncRead + Unpin>, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(max_bytes + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads to the end, and keeps the first `max_bytes` bytes.
async fn read_and_drain(
    stream: Option<impl AsyncRead + Unpin>,
    max_bytes: u64,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream)
            .take(max_bytes)
            .read_to_end(&mut bytes)
            .await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// Parses the output of the process: version 1 of the JSON object in the AWS CLI user guide. The error is a reason and a
/// hint.
pub(super) fn parse(
    output: &[u8],
    now: SystemTime,
    origin: &str,
) -> Result<CredentialParts, (String, &'static str)> {
    if output.iter().all(u8::is_ascii_whitespace) {
        return Err(("printed nothing".to_owned(), NO_SHELL));
    }
    let value = serde_json::from_slice(output);
    let value: Value = value.map_err(|error| match parser_limit(&error) {
        Some(why) => {
            let reason = format!("printed something that cannot be read as JSON: {why}");
            (reason, BY_ITSELF)
        }
        None => ("did not print JSON".to_owned(), NO_SHELL),
    })?;
    if value.get("Version").and_then(Value::as_f64) != Some(1.0) {
        return Err(("printed JSON without \"Version\": 1".to_owned(), BY_ITSELF));
    }
    let key = CredentialParts::from_json(&value, PROCESS_FIELDS, origin);
    let key = key.map_err(|reason| (format!("returned {reason}"), BY_ITSELF))?;
    if key.expiry.is_some_and(|expiry| expiry <= now) {
        return Err(("returned expired credentials".to_owned(), RENEW));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_shell_is_mentioned_only_where_its_absence_may_be_the_reason() {
        for (errno, expected) in [
            (Errno::NOENT, NO_SHELL),
            (Errno::ACCESS, NO_SHELL),
            (Errno::NOEXEC, NO_SHELL),
            (Errno::AGAIN, TOO_MANY_PROCESSES),
            (Errno::NOMEM, TOO_MANY_PROCESSES),
        ] {
            assert_eq!(start_hint(&errno.into()), expected, "{errno}");
        }
    }
}
