//! Reads every user of the account, even if users are created, renamed and deleted meanwhile.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Names, Selector, failed};
use crate::aws::{Iam, ListedUser, Listing};
use crate::error::{CallError, ErrorKind, Hint, TransportError};
use crate::ident::{PathPrefix, UserName};
use crate::locate::LIST_LAG;
use crate::outcome::Outcome;

/// The pauses before the users are listed again because one of them does not exist, in milliseconds. A renamed user then
/// appears under the new name, and a list that lags catches up.
const LIST_AGAIN: [u64; 4] = [200, 400, 800, 1600];

impl Selector<'_> {
    /// Calls `read` for every user of this path who is `wanted`, each at least once, and `take` with the result, which may
    /// end it early, and otherwise says whether the result fits the earlier ones. `wanted` also gets the number of earlier
    /// lists: the users of a later list are new, have a new name, or are read again. `progress` gets the number of users that
    /// were read, and of all users to read.
    ///
    /// The users are listed again until two consecutive lists contain no user to read who does not exist: a user who is
    /// renamed between two pages of one list may be on neither. If a user does not exist, or the lists show two names of a
    /// user or two users of a name, a list or a read may lag: those users are read again, and the last list has to be one
    /// that cannot lag. If a result does not fit, all users are read again. The first list is read once no list can lag behind
    /// a change from before the run.
    ///
    /// # Errors
    ///
    /// A read failed, or users change faster than they can be listed.
    pub(super) async fn read_users<T>(
        &self,
        path_prefix: Option<&PathPrefix>,
        wanted: impl Fn(&ListedUser, usize) -> bool,
        read: impl AsyncFn(&UserName) -> Result<T, CallError>,
        mut take: impl FnMut(&ListedUser, T) -> ControlFlow<(), bool>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<(), CallError> {
        sleep_until(self.iam.started + LIST_LAG).await;
        let (mut seen, mut done) = (Identities::default(), 0);
        let mut lists_without_missing = 0;
        let mut last_change = "ListUsers showed other names each time".to_owned();
        for list in 0..LIST_AGAIN.len() + 2 {
            let begun = Instant::now();
            let listed = self.list_users(path_prefix).await?;
            let users: Vec<ListedUser> = listed
                .into_iter()
                .filter(|user| seen.add(user, begun) && wanted(user, list))
                .collect();
            let count = done + users.len();
            let results = stream::iter(users)
                .map(async |user| (read(&user.name).await, user))
                .buffered(self.request.jobs.get());
            let mut results = pin!(results);
            let (mut missing, mut misfit) = (None, None);
            while let Some((result, user)) = results.next().await {
                match result {
                    Ok(found) => {
                        done += 1;
                        progress(done, count);
                        match take(&user, found) {
                            ControlFlow::Break(()) => return Ok(()),
                            ControlFlow::Continue(true) => {}
                            ControlFlow::Continue(false) => misfit = Some(user.name),
                        }
                    }
                    Err(CallError::Service(failure))
                        if failure.kind() == ErrorKind::NoSuchEntity =>
                    {
                        seen.doubt(&user, begun);
                        missing = Some((user.name, failure.operation));
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if let Some(name) = misfit {
                last_change = format!("the keys of the user {name} do not fit the other lists");
                seen = Identities {
                    settles: Some(Instant::now() + LIST_LAG),
                    ..Identities::default()
                };
            }
            let settles = seen.settles.unwrap_or(begun);
            match (missing, LIST_AGAIN.get(list)) {
                (None, _) if lists_without_missing > 0 && settles <= begun => return Ok(()),
                (None, _) => {
                    lists_without_missing += 1;
                    sleep_until(settles).await;
                }
                (Some((name, operation)), pause) => {
                    lists_without_missing = 0;
                    last_change = format!(
                        "ListUsers showed the user {name}, and {operation} found no such user"
                    );
                    let Some(pause) = pause else {
                        return Err(users_changed(&last_change, list + 1));
                    };
                    sleep(Duration::from_millis(*pause)).await;
                }
            }
        }
        Err(users_changed(&last_change, LIST_AGAIN.len() + 2))
    }

    /// Checks that a user is still under the request's path. The users are listed once for all keys, and again when the
    /// list is older than the time limit of a key. One list is enough: the keys of a user whom it misses are not changed.
    ///
    /// # Errors
    ///
    /// The user is not there, or the list cannot be read. The error is the outcome of the user's keys.
    pub(super) async fn check_path(&self, user: &UserName) -> Result<(), Outcome> {
        if self.request.path_prefix.is_none() {
            return Ok(());
        }
        let mut under_path = self.under_path.lock().await;
        let (_, names) = match under_path.take() {
            Some(recent) if recent.0.elapsed() < self.request.limit => under_path.insert(recent),
            _ => {
                let started = Instant::now();
                let names = self.names_under_path().await;
                // The age of an error counts from the end of the read.
                let read = names.as_ref().map_or_else(|_| Instant::now(), |_| started);
                under_path.insert((read, names))
            }
        };
        let names = names.as_ref().map_err(|failure| failed(failure.clone()))?;
        self.left_path(user, names).map_or(Ok(()), Err)
    }

    /// Returns the lowercase names of the users who are under the request's path now.
    pub(super) async fn names_under_path(&self) -> Names {
        let users = self.list_users(self.request.path_prefix.as_ref()).await?;
        Ok(users.iter().map(|user| lowercase(&user.name)).collect())
    }

    /// Returns the outcome of the keys of a user who is no longer under the request's path. The same applies if two users had
    /// the name in the lists of this run.
    pub(super) fn left_path(&self, user: &UserName, names: &HashSet<String>) -> Option<Outcome> {
        let path = self.request.path_prefix.as_ref()?.as_str();
        let name = lowercase(user);
        let ids = self.ids_under_path.borrow();
        let reason = if !names.contains(&name) {
            format!("IAM no longer lists the user {user} under {path}")
        } else if ids.get(&name).is_some_and(|ids| ids.len() > 1) {
            format!("the lists of this run show two users named {user}")
        } else {
            return None;
        };
        Some(Outcome::Skipped(reason))
    }

    /// Lists the users under this path.
    async fn list_users(
        &self,
        path_prefix: Option<&PathPrefix>,
    ) -> Result<Vec<ListedUser>, CallError> {
        let read = self.iam.users(path_prefix);
        let users = self.limited(self.iam, "ListUsers", read).await?;
        if path_prefix.is_some() {
            let mut ids = self.ids_under_path.borrow_mut();
            for user in &users {
                let (name, id) = identity(user);
                ids.entry(name).or_default().insert(id);
            }
        }
        Ok(users)
    }

    /// Reads the keys of a user, or of the root user who signs, within the time limit of one key. `subject` is the prefix
    /// of log lines.
    pub(super) async fn list_keys(
        &self,
        subject: &str,
        user: Option<&UserName>,
    ) -> Result<Listing, CallError> {
        let iam = self.iam.for_one(subject);
        let read = iam.access_keys(user);
        self.limited(&iam, "ListAccessKeys", read).await
    }

    /// Awaits a read within the time limit of one key.
    pub(super) async fn limited<T>(
        &self,
        iam: &Iam,
        operation: &'static str,
        read: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let budget = iam.key_budget(self.request.limit);
        let read = budget.spend(Duration::ZERO, read).await;
        read.unwrap_or_else(|| Err(budget.exceeded(&format!("{operation} did not finish in time"))))
    }
}

/// The users whom the lists of a run showed, with lowercase names.
#[derive(Default)]
struct Identities {
    /// The first name of each ID.
    by_id: HashMap<String, String>,
    names: HashSet<String>,
    /// The names and the IDs of those who may have been renamed, or created or deleted.
    doubted: HashSet<String>,
    /// When a list that begins shows what has become of them.
    settles: Option<Instant>,
}

impl Identities {
    /// Adds a user of a list that began at `begun`. Whether the user has to be read.
    fn add(&mut self, user: &ListedUser, begun: Instant) -> bool {
        let (name, id) = identity(user);
        let known = self.by_id.get(&id);
        let is_known = known == Some(&name);
        let is_other = !is_known && (known.is_some() || self.names.contains(&name));
        let doubted = [&name, &id].map(|part| self.doubted.contains(part));
        if is_other && doubted != [true; 2] {
            self.doubt(user, begun);
        }
        self.names.insert(name.clone());
        self.by_id.entry(id).or_insert(name);
        !is_known || doubted.contains(&true)
    }

    /// Has a user read again once a list that began at `begun` cannot lag behind what happened to the user before it.
    fn doubt(&mut self, user: &ListedUser, begun: Instant) {
        let (name, id) = identity(user);
        self.doubted.extend([name, id]);
        self.settles = Some(begun + LIST_LAG);
    }
}

fn users_changed(how: &str, lists: usize) -> CallError {
    CallError::Incomplete(TransportError {
        reason: format!("the users changed while they were listed: {how} ({lists} lists)"),
        hint: Some(Hint::again("")),
        ..TransportError::default()
    })
}

/// Returns the lowercase name and the ID of a user. A user created again has another ID, and a renamed user is read again.
fn identity(user: &ListedUser) -> (String, String) {
    (lowercase(&user.name), user.id.clone())
}

fn lowercase(name: &UserName) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user((name, id): (&str, &str)) -> ListedUser {
        ListedUser {
            name: name.parse().expect("a name"),
            id: id.to_owned(),
            created: None,
        }
    }

    #[test]
    fn users_are_read_again_once_their_name_or_id_is_not_theirs_alone() {
        let (bob, zoe) = (("Bob", "AIDAB"), ("Zoe", "AIDAZ"));
        let cases = [
            // The lists, and the last one that shows a change: the run waits until no list lags behind it.
            (
                vec![vec![bob, zoe], vec![bob]],
                vec![true, true, false],
                None,
            ),
            (
                vec![vec![bob], vec![("BOB", "AIDAB")]],
                vec![true, false],
                None,
            ),
            (
                vec![vec![bob], vec![("Rob", "AIDAB")]],
                vec![true, true],
                Some(1),
            ),
            (
                vec![vec![bob], vec![("bob", "AIDANEW")]],
                vec![true, true],
                Some(1),
            ),
            // Both names on one list, because a user is renamed between two pages.
            (vec![vec![bob, ("Rob", "AIDAB")]], vec![true, true], Some(0)),
            // A list that is fresher than the next ones.
            (
                vec![
                    vec![bob, zoe],
                    vec![("Bob", "AIDAZ")],
                    vec![bob, zoe],
                    vec![bob, zoe],
                ],
                vec![true; 7],
                Some(1),
            ),
        ];
        for (lists, expected, settles) in cases {
            let (mut seen, start) = (Identities::default(), Instant::now());
            let at = |list: u32| start + LIST_LAG * list;
            let mut read = Vec::new();
            for (list, users) in (0..).zip(&lists) {
                read.extend(
                    users
                        .iter()
                        .map(|listed| seen.add(&user(*listed), at(list))),
                );
            }
            assert_eq!(read, expected, "{lists:?}");
            assert_eq!(seen.settles, settles.map(|list| at(list + 1)), "{lists:?}");
        }
    }

    #[test]
    fn a_user_who_does_not_exist_is_read_again() {
        let (mut seen, now) = (Identities::default(), Instant::now());
        let bob = user(("Bob", "AIDAB"));
        assert!(seen.add(&bob, now));
        seen.doubt(&bob, now);
        assert!(seen.add(&bob, now));
        assert_eq!(seen.settles, Some(now + LIST_LAG));
    }
}
