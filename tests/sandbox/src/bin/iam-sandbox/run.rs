//! `iam-sandbox run`: runs a command against a sandbox, and shows what it did to the keys.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus};

use iam_sandbox::{Certificate, Key, Sandbox};
use tokio::signal::unix::{SignalKind, signal};

/// Variables that would send the command's requests elsewhere.
const REMOVED: [&str; 16] = [
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Runs the command, and passes on its exit status.
pub(crate) fn run(command: &[OsString]) -> io::Result<ExitCode> {
    let sandbox = Sandbox::documented()
        .https(Certificate::Valid)
        .try_start()?;
    let before = keys(&sandbox);
    eprintln!(
        "The sandbox is an IAM service at {} with these keys:\n",
        sandbox.url()
    );
    table(&before, &before);
    eprintln!("\n$ {}", shown(command));
    let status = wait(&sandbox, command)?;
    eprintln!("\nExit status {}. Now the keys are:\n", number(status));
    table(&before, &keys(&sandbox));
    eprintln!("\nIAM saw: {}", seen(&sandbox));
    Ok(ExitCode::from(number(status)))
}

/// Waits for the command to end. Ignores SIGINT, so that the sandbox outlives the command and can show the result.
fn wait(sandbox: &Sandbox, command: &[OsString]) -> io::Result<ExitStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _ignored = runtime.block_on(async { signal(SignalKind::interrupt()) })?;
    let admin = sandbox.admin();
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    for name in REMOVED {
        child.env_remove(name);
    }
    child
        .env("AWS_ENDPOINT_URL", sandbox.url())
        .env("AWS_ACCESS_KEY_ID", admin.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", admin.secret_access_key)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(authority) = sandbox.ca_path() {
        child.env("AWS_CA_BUNDLE", authority);
    }
    child.status().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{} cannot be run: {error}", shown(&command[..1])),
        )
    })
}

fn keys(sandbox: &Sandbox) -> BTreeMap<(String, String), Key> {
    let keys = sandbox.keys().into_iter();
    keys.map(|key| ((key.user.clone(), key.id.clone()), key))
        .collect()
}

/// Shows the original keys, with `-` for deleted keys and `~` for changed ones, and then the new keys.
fn table(before: &BTreeMap<(String, String), Key>, now: &BTreeMap<(String, String), Key>) {
    let width = before
        .keys()
        .map(|(user, _)| user.chars().count())
        .max()
        .unwrap_or_default();
    for (place, key) in before {
        let (user, id) = place;
        let (mark, status) = match now.get(place) {
            None => ('-', "deleted".to_owned()),
            Some(current) if current.status != key.status => {
                ('~', format!("{} (was {})", current.status, key.status))
            }
            Some(current) => (' ', current.status.to_string()),
        };
        eprintln!("  {mark} {user:<width$}  {id:<21}  {status}");
    }
    for (user, id) in now.keys().filter(|place| !before.contains_key(*place)) {
        eprintln!("  + {user:<width$}  {id:<21}  new");
    }
}

fn seen(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests();
    if requests.is_empty() {
        return "no request".to_owned();
    }
    let all: Vec<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.action, request.answer))
        .collect();
    all.join(", ")
}

fn shown(command: &[OsString]) -> String {
    let words: Vec<String> = command
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}

/// The exit status as a shell reports it.
fn number(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}
