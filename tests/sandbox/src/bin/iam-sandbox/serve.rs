//! `iam-sandbox serve`: prints how to connect, waits for a signal, and prints a summary.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use iam_sandbox::{Key, Sandbox, Status, account_of, documented};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::Serve;

/// Longer than the longest delay of a late request.
const CALM: Duration = Duration::from_secs(20);

/// Serves until SIGINT or SIGTERM. After each SIGUSR1, waits until no client is connected and no request is pending,
/// and prints whether that happened in time.
pub(crate) fn serve(options: &Serve) -> io::Result<()> {
    let sandbox = options.builder().try_start()?;
    if options.inactive {
        for key in many(&sandbox) {
            sandbox.set_status(&key.id, Status::Inactive);
        }
    }
    if let (Some(file), Some(pem)) = (&options.ca_file, sandbox.ca_pem()) {
        std::fs::write(file, pem)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Register before printing anything: the reader may send a signal immediately.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut ask = signal(SignalKind::user_defined1())?;
        say(&description(&sandbox, options))?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = ask.recv() => say(&json!({ "settled": sandbox.wait_until_settled(CALM) }))?,
            }
        }
        if options.summary {
            if !sandbox.wait_until_calm(CALM) {
                return Err(io::Error::other("some requests have not taken effect yet"));
            }
            say(&summary(&sandbox, options))?;
        }
        Ok(())
    })
}

/// The requests with their answers and accounts, the count for each action, the changes to keys with the times they
/// arrived and took effect, and the remaining keys, with those of other accounts listed by account.
fn summary(sandbox: &Sandbox, options: &Serve) -> Value {
    let recorded = sandbox.requests();
    let requests: Vec<_> = recorded
        .iter()
        .map(|request| {
            let account = request.key_id.as_deref().and_then(account_of);
            json!({ "Action": request.action, "Answer": request.answer.to_string(), "Account": account })
        })
        .collect();
    let changes = recorded.iter().filter(|request| {
        let is_change = ["DeleteAccessKey", "UpdateAccessKey"].contains(&request.action.as_str());
        is_change && request.acted_at.is_some()
    });
    let changes: Vec<_> = changes
        .map(|request| {
            let [came, acted] = [Some(request.at), request.acted_at].map(seconds);
            json!({ "AccessKeyId": request.param("AccessKeyId"), "Time": came, "Acted": acted })
        })
        .collect();
    let others = options.other_account.iter();
    let others: BTreeMap<_, _> = others
        .map(|account| (account, shown(sandbox.keys_in(account))))
        .collect();
    json!({
        "requests": requests,
        "counts": sandbox.counts(),
        "changes": changes,
        "keys": shown(sandbox.keys()),
        "others": others,
    })
}

fn seconds(time: Option<SystemTime>) -> Option<f64> {
    Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

fn shown(keys: Vec<Key>) -> Vec<Value> {
    let keys = keys.into_iter().map(|key| {
        let status = key.status.to_string();
        json!({ "UserName": key.user, "AccessKeyId": key.id, "Status": status })
    });
    keys.collect()
}

/// How to connect to the sandbox, and which keys a client may delete.
fn description(sandbox: &Sandbox, options: &Serve) -> Value {
    let admin = sandbox.admin();
    json!({
        "url": sandbox.url(),
        "ca": options.ca_file.as_deref().or(sandbox.ca_path()),
        "access_key_id": admin.access_key_id,
        "secret_access_key": admin.secret_access_key,
        "account": options.account,
        "documented_key": documented::BOB_KEY_ID,
        "keys": shown(many(sandbox)),
    })
}

/// The keys of the added users, and the keys added to the signing user.
fn many(sandbox: &Sandbox) -> Vec<Key> {
    let admin = sandbox.admin();
    let is_own = |key: &Key| key.user == documented::ADMIN && key.id != admin.access_key_id;
    let mut keys = sandbox.keys();
    keys.retain(|key| key.user.starts_with("user-") || is_own(key));
    keys
}

fn say(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
