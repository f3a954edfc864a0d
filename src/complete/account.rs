//! What only the configuration and IAM know: profiles, users and keys. Reads and never writes, within a limit for all
//! of it; what fails is as if there were nothing.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout_at};

use super::Suggestion;
use crate::age::ago;
use crate::aws::{self, Connected, ListedKey};
use crate::ident::{AccessKeyId, UserName};
use crate::log::Log;
use crate::report;
use crate::request::{Connection, Quantity, SigningKey};

/// How long somebody waits at the most, whatever hangs.
const LIMIT: Duration = Duration::from_secs(2);
/// How long is asked, credentials included: what is left is for ending what was started.
const ASKING: Duration = Duration::from_millis(1800);
/// How many pages of `ListUsers` are read: 1,000 users each where IAM gives that many, 100 where it does not.
const PAGES: usize = 10;

/// What is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// The profiles of the configuration files, for which nothing is contacted.
    Profiles,
    /// The users of the account.
    UserNames,
    /// The keys of a user, or of the one whose key signs.
    Keys {
        /// The user.
        user_name: Option<UserName>,
        /// Whether the key that signs is one of them.
        signing_key: SigningKey,
    },
}

/// Asks the configuration files, or IAM.
pub(super) fn ask(question: Question, connection: Connection) -> Vec<Suggestion> {
    let (answer, answers) = mpsc::channel();
    // Not everything that may hang can be given up: nobody waits for this thread longer than the limit.
    let asking = thread::Builder::new().spawn(move || {
        let Some(runtime) = runtime() else { return };
        let _ = answer.send(runtime.block_on(answer_to(question, &connection)));
        runtime.shutdown_background();
    });
    match asking {
        Ok(_) => answers
            .recv_timeout(LIMIT)
            .ok()
            .flatten()
            .unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn runtime() -> Option<Runtime> {
    Builder::new_current_thread().enable_all().build().ok()
}

async fn answer_to(question: Question, connection: &Connection) -> Option<Vec<Suggestion>> {
    let deadline = Instant::now() + ASKING;
    let connecting = async {
        let log = Log::quiet();
        let connecting = aws::connect(connection, None, ASKING, Quantity::One, log, report::stop);
        timeout_at(deadline, connecting).await.ok()?.ok()
    };
    match question {
        Question::Profiles => {
            let mut names = aws::profile_names().ok()?;
            names.sort();
            Some(plain(names))
        }
        Question::UserNames => Some(user_names(&connecting.await?, deadline).await),
        Question::Keys {
            user_name,
            signing_key,
        } => {
            let connected = connecting.await?;
            let keys = keys(&connected, user_name.as_ref(), signing_key);
            timeout_at(deadline, keys).await.ok()
        }
    }
}

fn plain(values: Vec<String>) -> Vec<Suggestion> {
    let suggestion = |value| Suggestion::new(value, "");
    values.into_iter().map(suggestion).collect()
}

/// The users as far as they were read in time.
async fn user_names(connected: &Connected, deadline: Instant) -> Vec<Suggestion> {
    let mut users = Vec::new();
    let reading = connected.iam.read_users(&mut users, PAGES);
    let _ = timeout_at(deadline, reading).await;
    let names = users.into_iter().map(|user| user.name.into());
    let mut names: Vec<String> = names.collect();
    names.sort_by_cached_key(|name| name.to_ascii_lowercase());
    plain(names)
}

async fn keys(
    connected: &Connected,
    user_name: Option<&UserName>,
    signing_key: SigningKey,
) -> Vec<Suggestion> {
    let Ok(listing) = connected.iam.access_keys(user_name).await else {
        return Vec::new();
    };
    let now = listing.at.unwrap_or_else(SystemTime::now);
    let signs = |key: &ListedKey| connected.signer.signs_with(&key.id);
    let keys = listing.keys.into_iter().filter(|key| {
        AccessKeyId::parse(key.id.as_ref()).is_ok()
            && (signing_key == SigningKey::Allowed || !signs(key))
    });
    keys.map(|key| {
        let status = key.status.map(|status| status.as_str().to_owned());
        let created = key.created.map(|at| format!("created {}", ago(at, now)));
        let notes: Vec<String> = [status, created].into_iter().flatten().collect();
        Suggestion::new(key.id, notes.join(", "))
    })
    .collect()
}
