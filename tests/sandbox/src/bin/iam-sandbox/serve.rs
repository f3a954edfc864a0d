//! `iam-sandbox serve`: says how to reach the sandbox, waits for a signal, and says what it saw.

use std::io::{self, Write as _};

use iam_sandbox::{Sandbox, documented};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::Serve;

/// Serves until a signal comes.
pub(crate) fn serve(options: &Serve) -> io::Result<()> {
    let sandbox = options.builder().try_start()?;
    if let (Some(file), Some(pem)) = (&options.ca_file, sandbox.ca_pem()) {
        std::fs::write(file, pem)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before anything is said: who reads it may send a signal at once.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        say(&description(&sandbox, options))?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if options.tell {
            say(&end(&sandbox))?;
        }
        Ok(())
    })
}

/// What was asked and answered, and which keys there are.
fn end(sandbox: &Sandbox) -> Value {
    let requests: Vec<_> = sandbox
        .requests()
        .into_iter()
        .map(|request| json!({ "Action": request.action, "Answer": request.answer.to_string() }))
        .collect();
    let keys: Vec<_> = sandbox
        .keys()
        .into_iter()
        .map(|key| {
            let status = key.status.to_string();
            json!({ "UserName": key.user, "AccessKeyId": key.id, "Status": status })
        })
        .collect();
    json!({ "requests": requests, "keys": keys })
}

/// How to reach the sandbox, and which keys it has for whoever wants to delete some.
fn description(sandbox: &Sandbox, options: &Serve) -> Value {
    let admin = sandbox.admin();
    let keys: Vec<_> = sandbox
        .keys()
        .into_iter()
        .filter(|key| key.user.starts_with("user-"))
        .map(|key| json!({ "UserName": key.user, "AccessKeyId": key.id }))
        .collect();
    json!({
        "url": sandbox.url(),
        "ca": options.ca_file.as_deref().or(sandbox.ca_path()),
        "access_key_id": admin.access_key_id,
        "secret_access_key": admin.secret_access_key,
        "account": options.account,
        "documented_key": documented::BOB_KEY_ID,
        "keys": keys,
    })
}

fn say(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
