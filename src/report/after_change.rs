//! What comes after a key was changed: how to undo it, and the sessions that were created with the key and outlive it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::command::Commands;
use super::destination::{is_nowhere, result_file};
use super::{Report, Resume};
use crate::aws::{answered_at, timestamp};
use crate::error::Hint;
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::{LastUse, Status};
use crate::outcome::{KeyResult, Outcome, OutcomeKind, Refusal};
use crate::request::{Action, Format, Key, Mode, Selection};

/// How long a session of `GetSessionToken` or `GetFederationToken` can be valid.
const LONGEST_SESSION: Duration = Duration::from_hours(36);

/// How long a key may go on working after it was changed, with room to spare. A session can be made with it until then.
const STILL_WORKS: Duration = Duration::from_mins(1);

const A_DAY: Duration = Duration::from_hours(24);

/// The maximum number of users for whom a command is printed.
const MAX_USERS: usize = 5;

/// The maximum number of deactivated keys for which the command that undoes the run is printed.
pub(super) const MAX_UNDO_KEYS: u64 = 5;

/// The keys that a run deactivated, to undo it, or that a run refused to reactivate.
#[derive(Debug, Default)]
pub(super) struct Deactivated {
    /// The first of them: one more than a command is printed for.
    keys: Vec<Key>,
    /// The number of all of them.
    count: u64,
    /// Whether one of them is known to have been active.
    is_undoable: bool,
    /// Whether the previous status of one of them is unknown.
    is_unsure: bool,
    /// Those that the journal may not record.
    pub(super) unrecorded: Vec<Key>,
}

impl Deactivated {
    /// Adds the key of this result, if it was deactivated or its reactivation was refused.
    pub(super) fn add(&mut self, result: &KeyResult) {
        let is_refused = matches!(result.outcome, Outcome::Refused(Refusal::StatusUnknown));
        match result.previous_status() {
            _ if is_refused => {}
            _ if result.kind() != OutcomeKind::Deactivated => return,
            Some(_) => self.is_undoable = true,
            None => self.is_unsure = true,
        }
        // Activating a key that was not active would not restore its previous status.
        let may_have_been_active = match result.metadata.status {
            Some(Status::Active) => true,
            None => !result.metadata.was_inactive,
            Some(_) => is_refused,
        };
        if !may_have_been_active {
            return;
        }
        self.count += 1;
        if self.keys.len() as u64 <= MAX_UNDO_KEYS {
            self.keys.push(Key {
                id: result.key.id.clone(),
                user_name: result.owner().cloned(),
            });
        }
    }
}

/// The keys of a run that were used so recently that their sessions may still be valid.
#[derive(Debug, Default)]
pub(super) struct OpenSessions {
    first: Option<AccessKeyId>,
    keys: u64,
    /// The first owners whom IAM confirmed: at most one more than commands are printed for.
    users: Vec<UserName>,
    /// When the last of the keys was changed.
    changed_at: Option<SystemTime>,
}

impl OpenSessions {
    /// Adds the key of this result, if it was changed and used recently.
    pub(super) fn add(&mut self, result: &KeyResult) {
        let Some(changed_at) = changed_after_use(result) else {
            return;
        };
        self.keys += 1;
        self.changed_at = self.changed_at.max(Some(changed_at));
        self.first.get_or_insert_with(|| result.key.id.clone());
        // A request that names nobody may be about the root user, whose sessions no policy restricts.
        let Some(user) = &result.key.user_name else {
            return;
        };
        let is_known = self.users.iter().any(|known| known.same_user(user));
        if !is_known && self.users.len() <= MAX_USERS {
            self.users.push(user.clone());
        }
    }

    /// Says that the sessions are still valid, and how to revoke them.
    pub(super) fn hints(&self, commands: &Commands) -> Vec<Hint> {
        let (Some(first), Some(changed_at)) = (&self.first, self.changed_at) else {
            return Vec::new();
        };
        let (keys, them) = match self.keys {
            1 => (format!("{first} was"), "it"),
            count => (format!("{count} of these keys were"), "them"),
        };
        let mut hints = vec![format!(
            "{keys} used in the last 36 hours: sessions created with {them} may remain valid for up to 36 hours"
        ).into()];
        let issued_before = timestamp(changed_at + STILL_WORKS);
        let signer = commands.signer();
        hints.extend(self.users.iter().take(MAX_USERS).map(|user| {
            let command = commands.revoke_sessions(user, &issued_before);
            let what = format!("to revoke {user}'s sessions issued before {issued_before}");
            Hint::command(
                format!("{what} (not those of assumed roles){signer}"),
                command,
            )
        }));
        if self.users.len() > MAX_USERS {
            hints.push("other users also have such keys: see LastUsedDate in the results".into());
        }
        hints
    }
}

/// When the key was changed, by IAM's clock as far as possible, if it was used shortly before.
fn changed_after_use(result: &KeyResult) -> Option<SystemTime> {
    let read_at = result.metadata.read_at?;
    let Some(LastUse::At { date, .. }) = result.metadata.last_use else {
        return None;
    };
    let is_recent = read_at.duration_since(date).unwrap_or_default() <= LONGEST_SESSION;
    if !is_recent || result.action == Action::Reactivate || !result.is_changed() {
        return None;
    }
    let answered_at = match &result.outcome {
        Outcome::Done { response, .. } => response.as_ref().and_then(answered_at),
        _ => None,
    };
    // A clock that jumps is not believed.
    let is_soon = |at: &SystemTime| at.duration_since(read_at).is_ok_and(|late| late < A_DAY);
    let times = [answered_at, Some(SystemTime::now())].into_iter();
    Some(times.flatten().find(is_soon).unwrap_or(read_at))
}

impl Report<'_> {
    /// Adds the key of this result, if it was changed. A key that signs the requests may be off if its state is unknown.
    pub(super) fn add_changed(&mut self, result: &KeyResult) {
        self.deactivated.add(result);
        self.open_sessions.add(result);
        let may_be_off = result.action != Action::Reactivate
            && (result.is_changed()
                || self.request.allow_self && result.kind() == OutcomeKind::Unknown);
        if may_be_off && self.is_own(&result.key.id) {
            self.commands = self.commands.with_other_credentials();
        }
    }

    /// Whether the run may change a key that signs the requests after this one.
    pub(super) fn may_change_own_key_later(&self, id: &AccessKeyId) -> bool {
        let request = self.request;
        request.allow_self
            && request.single().is_none()
            && request.mode == Mode::Change
            && request.action != Action::Reactivate
            && !self.commands.is_of_others
            && !self.is_own(id)
    }

    /// Returns what to do after the run's only key was changed: how to undo that, and what outlives the key.
    pub(super) fn after_change(&self, result: &KeyResult) -> Vec<Hint> {
        let mut deactivated = Deactivated::default();
        deactivated.add(result);
        let mut hints = self.reactivate("to undo it", "", &deactivated.keys, deactivated.is_unsure);
        if self.request.single().is_some() && !self.messages.is_quiet {
            hints.extend(self.open_sessions.hints(&self.commands));
        }
        hints
    }

    /// Returns how to look at the other active keys of the owner.
    pub(super) fn other_keys(&self, result: &KeyResult) -> Vec<Hint> {
        let owner = result.owner();
        let whose = owner.map_or("its owner", UserName::as_str);
        let ids = result.metadata.other_active.iter();
        ids.map(|id| {
            let owner = result.key.user_name.as_ref();
            let command = self.commands.show_key(id, owner, "--dry-run");
            Hint::command(format!("{whose} has another active key"), command)
        })
        .collect()
    }

    /// How to undo a run that deactivated many keys.
    pub(super) fn undo_all(&self, resume: Resume) -> Vec<Hint> {
        let Deactivated {
            keys,
            count,
            is_undoable,
            is_unsure,
            unrecorded,
        } = &self.deactivated;
        let is_long = *count > MAX_UNDO_KEYS;
        let others = if *is_unsure {
            " (keys whose earlier status is unknown are refused)"
        } else {
            ""
        };
        // Earlier runs may have written the journal too, so nobody knows the number of keys.
        let from = |keys_recorded: &str, file: &Path| {
            let commands = &self.commands;
            let signer = commands.others(keys);
            let mut hints = vec![Hint::command(
                format!("{keys_recorded} as changed from Active to Inactive{others}{signer}"),
                commands.reactivate_from(file),
            )];
            if !unrecorded.is_empty() {
                let what =
                    "this leaves out keys that the journal may not record; to reactivate them";
                hints.extend(self.reactivate(what, "of them", unrecorded, true));
            }
            hints
        };
        match (resume, &self.request.journal) {
            (Resume::Journal, Some(journal)) if *is_undoable => {
                from("to reactivate the keys that the journal records", journal)
            }
            (Resume::File, _)
                if *is_undoable
                    && keys.len() > 1
                    && let Some(file) = result_file() =>
            {
                from(
                    "to reactivate the keys that the file with these results records",
                    &file,
                )
            }
            (Resume::Results, _) if *is_undoable && is_long && self.shares_file => from(
                "copy the results of this run, without what was in the file before, to a new FILE; to reactivate the keys that it \
                 records",
                Path::new("FILE"),
            ),
            (Resume::Results, _) if *is_undoable && is_long => from(
                "if you saved the standard output in FILE, to reactivate the keys that it records",
                Path::new("FILE"),
            ),
            _ => {
                let mut hints = Vec::new();
                hints.extend(self.lack_of_ids().filter(|_| is_long));
                hints.extend(self.reactivate("to undo it", "deactivated key", keys, *is_unsure));
                hints
            }
        }
    }

    /// Says that the output may lack the IDs of the deactivated keys, if it may and no journal has them.
    fn lack_of_ids(&self) -> Option<Hint> {
        let request = self.request;
        let lack = if self.format == Format::Off || is_nowhere() {
            "no output says which keys were deactivated"
        } else if request.query.is_some() {
            "with --query, the output may not say which keys were deactivated"
        } else {
            return None;
        };
        let others = if self.summary.total() == self.deactivated.count {
            None
        } else if self.summary.already_inactive > 0 {
            Some("keys that were inactive before")
        } else {
            Some("other keys, which may have been inactive before")
        };
        let next = "next time, --journal FILE records";
        let hint = match (&request.selection, others) {
            (Selection::Listed { .. }, None) => {
                format!("{lack}, but the list has their IDs; {next} them")
            }
            (Selection::Listed { .. }, Some(others)) => format!(
                "{lack}, and the list also has {others}: do not reactivate those; {next} the deactivated keys"
            ),
            _ => format!("{lack}; {next} them"),
        };
        request.journal.is_none().then(|| hint.into())
    }

    /// How to reactivate keys that this run did not, because it does not know whether they were active before.
    pub(super) fn reactivate_refused(&self) -> Vec<Hint> {
        match self.request.action {
            Action::Reactivate => {
                let (what, which) = ("to reactivate the refused keys anyway", "refused key");
                self.reactivate(what, which, &self.deactivated.keys, false)
            }
            Action::Delete | Action::Deactivate => Vec::new(),
        }
    }

    /// How to reactivate keys with commands that name them: one for each owner, unless the owners are looked up. `which`
    /// says in words which keys these are. `is_unsure`: some of them may have been inactive before.
    fn reactivate(&self, what: &str, which: &str, keys: &[Key], is_unsure: bool) -> Vec<Hint> {
        let commands = &self.commands;
        let others = commands.others(keys);
        if keys.len() as u64 > MAX_UNDO_KEYS {
            let before = if is_unsure {
                " that was active before"
            } else {
                ""
            };
            let what = format!(
                "{what}{others}, add --access-key-id with the ID of each {which}{before} to this command"
            );
            return vec![Hint::command(what, commands.reactivate(&[], true))];
        }
        let mut pairs = keys.windows(2);
        // A list need not name the owner, and other credentials are those of another user.
        let lacks_owner = |key: &Key| key.user_name.is_none() && !commands.is_of_root(key);
        let needs_owner = commands.is_of_others || self.request.action == Action::Reactivate;
        let is_looked_up = self.request.find_user
            && pairs.any(|pair| pair[0].user_name != pair[1].user_name)
            || needs_owner && keys.iter().any(lacks_owner);
        let mut groups: Vec<Vec<Key>> = Vec::new();
        for key in keys {
            let mut same = groups.iter_mut();
            match same.find(|group| is_looked_up || group[0].user_name == key.user_name) {
                Some(group) => group.push(key.clone()),
                None => groups.push(vec![key.clone()]),
            }
        }
        let hint = |keys: &Vec<Key>| {
            let owner = keys[0].user_name.as_ref().filter(|_| groups.len() > 1);
            let whose = owner.map_or_else(String::new, |owner| format!(" for {owner}"));
            let unless_inactive = match keys.len() {
                _ if !is_unsure => "",
                1 => ", if the key was active before",
                _ => ", remove the keys that were inactive before from this command",
            };
            let command = commands.reactivate(keys, is_looked_up);
            let others = commands.others(keys);
            Hint::command(format!("{what}{whose}{others}{unless_inactive}"), command)
        };
        groups.iter().map(hint).collect()
    }
}
