//! Completes profiles, users and keys from the configuration and from IAM. Nothing is changed, a limit applies to
//! everything, and errors produce no suggestions.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout_at};

use super::Suggestion;
use crate::age::relative_time;
use crate::aws::{self, Connection, Iam, Purpose};
use crate::cli::Cli;
use crate::ident::AccessKeyId;
use crate::log::Log;
use crate::request::Mode;
use crate::signal;

/// The maximum time that the user waits.
const TOTAL_LIMIT: Duration = Duration::from_secs(2);
/// The maximum time for credentials and requests. The rest is for ending child processes.
const REQUEST_LIMIT: Duration = Duration::from_millis(1800);
/// The maximum number of `ListUsers` pages: IAM returns up to 1,000 users per page, or only 100.
const MAX_PAGES: usize = 10;

/// Returns the profiles of the configuration files. No request is sent.
pub(super) fn profiles() -> Vec<Suggestion> {
    within_limit(|| Some(without_notes(aws::profile_names().ok()?)))
}

/// Returns the users of the account that the command line selects.
pub(super) fn user_names(line: Cli) -> Vec<Suggestion> {
    ask_iam(line.connection, line.allow_self, async |iam, deadline| {
        let mut users = Vec::new();
        // Users that were read in time are suggested even if the rest was not.
        let _ = timeout_at(deadline, iam.read_users(&mut users, None, MAX_PAGES)).await;
        let names = users.iter().map(|user| user.name.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort_by_cached_key(|name| name.to_ascii_lowercase());
        Some(without_notes(names))
    })
}

/// Returns the keys of the user that the command line names, or else of the calling user. Keys that are on the line
/// already are omitted, and so is the signing key unless it may be deleted.
pub(super) fn keys(line: Cli) -> Vec<Suggestion> {
    let (user_name, given) = (line.user_name, line.access_key_id);
    ask_iam(
        line.connection,
        line.allow_self,
        async move |iam, deadline| {
            let reading = iam.access_keys(user_name.as_ref());
            let listing = timeout_at(deadline, reading).await.ok()?.ok()?;
            let is_offered =
                |id: &AccessKeyId| !given.contains(id) && !iam.signer.keeps(id.as_str());
            let keys = listing.0.into_iter().filter(|(id, _)| is_offered(id));
            let keys = keys.map(|(id, key)| {
                let now = key.read_at.unwrap_or_else(SystemTime::now);
                let status = key.status.map(|status| status.as_str().to_owned());
                let created = key
                    .created
                    .map(|at| format!("created {}", relative_time(at, now)));
                let notes: Vec<String> = [status, created].into_iter().flatten().collect();
                (id.to_string(), notes.join(", "))
            });
            Some(keys.collect())
        },
    )
}

fn without_notes(values: Vec<String>) -> Vec<Suggestion> {
    let values = values.into_iter();
    values.map(|value| (value, String::new())).collect()
}

/// Returns what `work` finds in time. Not everything that blocks can be canceled, so `work` runs in a thread that is
/// abandoned after the limit.
fn within_limit(
    work: impl FnOnce() -> Option<Vec<Suggestion>> + Send + 'static,
) -> Vec<Suggestion> {
    let (answer, answers) = mpsc::channel();
    let working = thread::Builder::new().spawn(move || answer.send(work()));
    let found = working
        .ok()
        .and_then(|_| answers.recv_timeout(TOTAL_LIMIT).ok());
    found.flatten().unwrap_or_default()
}

/// Returns what `ask` finds with these credentials. It also gets the deadline for its requests.
fn ask_iam(
    connection: Connection,
    allow_self: bool,
    ask: impl AsyncFnOnce(Iam, Instant) -> Option<Vec<Suggestion>> + Send + 'static,
) -> Vec<Suggestion> {
    within_limit(move || {
        let runtime = signal::runtime().ok()?;
        let answer = runtime.block_on(async {
            let deadline = Instant::now() + REQUEST_LIMIT;
            ask(connect(connection, allow_self, deadline).await?, deadline).await
        });
        runtime.shutdown_background();
        answer
    })
}

async fn connect(mut connection: Connection, allow_self: bool, deadline: Instant) -> Option<Iam> {
    // The account of a role by name depends on the keys, and may be a question. Tab assumes no root user.
    if connection.role_name.is_some() || connection.target_principal.is_some() {
        return None;
    }
    // A code works only once: the run needs it.
    connection.token_code = None;
    let connecting = aws::connect(
        &connection,
        None,
        &[],
        REQUEST_LIMIT,
        Purpose {
            makes_many_requests: false,
            mode: Mode::DryRun,
            allow_self,
        },
        Log::quiet(),
    );
    timeout_at(deadline, connecting).await.ok()?.ok()
}
