//! `iam-sandbox serve`: says how to reach the sandbox, and waits for a signal.

use std::io::{self, Write as _};

use iam_sandbox::{documented, nth_key_id};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::Serve;

/// Serves until a signal comes.
pub(crate) fn serve(options: &Serve) -> io::Result<()> {
    let sandbox = options.builder().try_start()?;
    if let (Some(file), Some(pem)) = (&options.ca_file, sandbox.ca_pem()) {
        std::fs::write(file, pem)?;
    }
    let admin = sandbox.admin();
    let keys: Vec<_> = (0..options.keys)
        .map(|n| json!({ "UserName": format!("user-{:06}", n + 1), "AccessKeyId": nth_key_id(&options.account, n) }))
        .collect();
    let line = json!({
        "url": sandbox.url(),
        "ca": options.ca_file.as_deref().or(sandbox.ca_path()),
        "access_key_id": admin.access_key_id,
        "secret_access_key": admin.secret_access_key,
        "account": options.account,
        "documented_key": documented::BOB_KEY_ID,
        "keys": keys,
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    drop(out);
    wait_for_a_signal()
}

fn wait_for_a_signal() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
