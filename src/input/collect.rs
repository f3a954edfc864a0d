//! Collects the keys of a list, each once and with its owner, and finds lines that are wrong.

use super::distinct::RowFiles;
use super::error::{InputError, InputErrors};
use super::{Earlier, Entry, List, ReadOptions, Row, plain};
use crate::ident::{AccountId, UserName};
use crate::metadata::{Deactivation, Status};
use crate::outcome::OutcomeKind;
use crate::request::{Action, Key};

/// The maximum number of keys in a run. No account has as many, but an endless stream does.
const MAX_KEYS: usize = 10_000_000;

/// The keys collected so far.
pub(super) struct KeyCollector<'a> {
    options: ReadOptions<'a>,
    rows: RowFiles,
    already_done: u64,
    errors: InputErrors,
    /// The account of the journals so far.
    pub(super) account: Option<AccountId>,
    /// The line of the first page of a list after which there are more.
    pub(super) truncated_at: Option<u64>,
}

impl<'a> KeyCollector<'a> {
    pub(super) fn new(options: ReadOptions<'a>) -> Self {
        Self {
            options,
            rows: RowFiles::new(),
            already_done: 0,
            errors: InputErrors::default(),
            account: None,
            truncated_at: None,
        }
    }

    /// Whether the list is of a run that is undone.
    pub(super) fn is_undo(&self) -> bool {
        self.options.action == Action::Reactivate
    }

    /// Parses the user name of an object. IAM returned those of keys that were deactivated. The error is a sentence.
    pub(super) fn user_name(&self, name: Option<&str>) -> Result<Option<UserName>, String> {
        let parse = if self.is_undo() {
            plain::name_of_iam
        } else {
            plain::user_name
        };
        name.map(parse).transpose()
    }

    /// Adds the key of an entry, or what is wrong with the entry.
    ///
    /// # Errors
    ///
    /// The rest of the list is not worth reading.
    pub(super) fn take(&mut self, entry: Result<Entry, InputError>) -> Result<(), InputError> {
        entry
            .and_then(|entry| self.add(entry))
            .or_else(|error| self.errors.add(error))
    }

    /// Adds a key. If the entry says that it needs no action, an earlier entry of the key may not count any more.
    fn add(&mut self, entry: Entry) -> Result<(), InputError> {
        let is_undo = self.is_undo();
        let deactivation = if is_undo {
            Some(entry.deactivation()?)
        } else {
            let is_needed = entry.needs_action(self.options)?;
            (!is_needed).then_some(Deactivation::NotDone)
        };
        let is_needed = deactivation != Some(Deactivation::NotDone);
        let earlier = if is_undo && entry.casts_doubt() {
            Earlier::IsUncertain
        } else {
            Earlier::Nothing
        };
        // That a later run skipped a key does not mean that an earlier one did not deactivate it.
        let is_skipped = is_undo && !is_needed && !entry.is_record;
        if is_skipped {
            self.already_done += 1;
            if earlier == Earlier::Nothing {
                return Ok(());
            }
        }
        if self.rows.len() == MAX_KEYS {
            let reason = format!("more than {MAX_KEYS} keys");
            return Err(InputError::of(entry.at, reason).hint("split the list"));
        }
        let is_only_for_its_owner = entry.is_only_for_its_owner();
        let row = Row {
            at: entry.at,
            is_unverified: entry.is_unverified(self.options),
            is_record: entry.is_record,
            earlier,
            is_of_another_owner: entry.is_of_another_owner(self.options),
            number: self.rows.len(),
            key: if is_needed || is_undo && !is_skipped {
                entry.key(self.options)?
            } else {
                Key {
                    user_name: entry.user_name.filter(|_| is_only_for_its_owner),
                    id: entry.id,
                }
            },
            deactivation,
        };
        self.rows
            .push(&row)
            .map_err(|error| InputError::spill(&error))
    }

    /// Returns the list, given how reading it ended.
    ///
    /// # Errors
    ///
    /// Something in it is wrong.
    pub(super) fn finish(mut self, read: Result<(), InputError>) -> Result<List, InputErrors> {
        let mut errors = std::mem::take(&mut self.errors);
        let list = match read {
            Ok(()) if errors.is_empty() => self.rows.distinct().map(|mut list| {
                list.already_done += self.already_done;
                list
            }),
            Ok(()) => return Err(errors),
            Err(error) => Err(error),
        };
        list.map_err(|error| {
            errors.add_last(error);
            errors
        })
    }
}

impl Entry {
    /// Whether the key of this entry still needs the action.
    fn needs_action(&self, options: ReadOptions<'_>) -> Result<bool, InputError> {
        let action = options.action;
        let refuse = |reason: String| Err(InputError::of(self.at, reason));
        let planned = match self.action.as_deref() {
            None => None,
            Some("delete") => Some(Action::Delete),
            Some("deactivate") => Some(Action::Deactivate),
            Some("reactivate") => Some(Action::Reactivate),
            Some(text) => {
                return refuse(format!(
                    "unknown Action `{text}`: it must be delete, deactivate or reactivate"
                ));
            }
        };
        let kind = self.kind();
        if let (Some(text), None) = (&self.outcome, kind) {
            return refuse(format!("unknown Outcome `{text}`"));
        }
        let refuse_deactivation = |what: &str, hint: &str| {
            let reason = format!("{} {what}, but this command deletes", self.id);
            Err(InputError::of(self.at, reason).hint(hint))
        };
        match kind {
            Some(OutcomeKind::Reactivated | OutcomeKind::WouldReactivate) => {
                return Err(self.of_undo(action));
            }
            _ if planned == Some(Action::Reactivate) => return Err(self.of_undo(action)),
            _ if action != Action::Delete => {}
            // A key that was planned for, or went through, deactivation is never deleted by default.
            Some(OutcomeKind::WouldDeactivate) => {
                return refuse_deactivation(
                    "is planned to be deactivated",
                    "add --deactivate, or make a new plan",
                );
            }
            Some(OutcomeKind::Deactivated) => {
                let hint = if self.is_printed {
                    format!(
                        "to undo the deactivation, use --reactivate; to delete these keys, run the same command with \
                         --from - --only-inactive, and pipe this into it: {}",
                        options.list_deactivated
                    )
                } else {
                    "to delete these keys, remove their Outcome and add --only-inactive".to_owned()
                };
                return refuse_deactivation("was deactivated", &hint);
            }
            _ if planned == Some(Action::Deactivate) => {
                return refuse_deactivation(
                    "was to be deactivated",
                    "add --deactivate, or remove the line",
                );
            }
            _ => {}
        }
        let is_done = |kind: OutcomeKind| {
            kind.is_complete() || matches!(kind, OutcomeKind::Skipped | OutcomeKind::Refused)
        };
        Ok(!kind.is_some_and(is_done) || self.is_of_another_owner(options))
    }

    /// Returns the outcome, if it is spelled as this program prints it. It is not known if a request may still take effect.
    fn kind(&self) -> Option<OutcomeKind> {
        match self.outcome.as_deref().and_then(OutcomeKind::parse) {
            Some(OutcomeKind::Failed) if self.unfinished > 0 => Some(OutcomeKind::Unknown),
            kind => kind,
        }
    }

    /// Whether a run of the same action does not know whether it changed the key. What is presumed is unknown for another
    /// owner.
    fn is_unverified(&self, options: ReadOptions<'_>) -> bool {
        let delete = Action::Delete.verb();
        let is_unknown = self.kind() == Some(OutcomeKind::Unknown);
        self.action.as_deref().unwrap_or(delete) == options.action.verb()
            && (is_unknown || self.is_owner_unchecked && self.is_of_another_owner(options))
    }

    /// Whether the key is gone, or presumed to be deleted, only for an owner whom the command does not name.
    fn is_of_another_owner(&self, options: ReadOptions<'_>) -> bool {
        let is_other = match (&self.user_name, options.user_name) {
            (Some(named), Some(given)) => !named.same_user(given),
            (Some(_), None) => options.find_user,
            (None, _) => true,
        };
        is_other && options.action != Action::Reactivate && self.is_only_for_its_owner()
    }

    /// Whether the key is gone, or presumed to be deleted, and another user may have it.
    fn is_only_for_its_owner(&self) -> bool {
        match self.kind() {
            Some(OutcomeKind::Missing) => true,
            Some(OutcomeKind::Deleted) => self.is_owner_unchecked,
            _ => false,
        }
    }

    /// Reports a line of a run of `--reactivate`, which no other run continues.
    fn of_undo(&self, action: Action) -> InputError {
        let (id, verb) = (&self.id, action.verb());
        let reason = format!(
            "this line for {id} is from a run of --reactivate, but this command would {verb} keys: remove the line"
        );
        InputError::of(self.at, reason)
    }

    /// Returns what a run of `--deactivate` did to the key of this entry.
    fn deactivation(&self) -> Result<Deactivation, InputError> {
        let is_of_deactivation = match self.action.as_deref() {
            None => self.is_record,
            Some(action) => action == Action::Deactivate.verb(),
        };
        let was_active = self.previous_status.as_deref() == Some(Status::Active.as_str());
        match self.kind() {
            Some(OutcomeKind::Deactivated)
                if let Some(action) = self.action.as_deref()
                    && !is_of_deactivation =>
            {
                let reason = format!(
                    "{} has the Outcome Deactivated and the Action `{action}`: they contradict each other",
                    self.id
                );
                Err(InputError::of(self.at, reason))
            }
            Some(OutcomeKind::Deactivated) if was_active => Ok(Deactivation::OfActive),
            Some(OutcomeKind::Deactivated) => Ok(Deactivation::OfUnknownStatus),
            Some(OutcomeKind::Unknown) if self.is_record => Ok(Deactivation::Started),
            Some(OutcomeKind::Unknown) if is_of_deactivation => Ok(Deactivation::Unverified),
            Some(OutcomeKind::Failed | OutcomeKind::NotTried) if is_of_deactivation => {
                Ok(Deactivation::NotDone)
            }
            Some(OutcomeKind::Skipped | OutcomeKind::Refused | OutcomeKind::Missing) => {
                Ok(Deactivation::NotDone)
            }
            _ => Err(InputError::not_undoable(self.at)),
        }
    }

    /// Whether the key was active after an earlier deactivation, or its deactivation is only presumed: a run that sent no
    /// request found it inactive.
    fn casts_doubt(&self) -> bool {
        if self.kind() == Some(OutcomeKind::Deactivated) {
            return self.attempts == 0 && self.previous_status.is_none();
        }
        // An intent names the status in the list of a calling user only as the one before it.
        let listed = self.status.as_ref().or(self.previous_status.as_ref());
        listed.is_some_and(|status| status != Status::Inactive.as_str())
    }

    /// Returns the key with the owner that the entry or the command names.
    fn key(self, options: ReadOptions<'_>) -> Result<Key, InputError> {
        // A user may have been renamed since the run that deactivated the key.
        let is_looked_up = options.find_user && options.action == Action::Reactivate
            || self.is_of_another_owner(options);
        let (id, at) = (self.id, self.at);
        // IAM would search the keys of the calling user, which is not what the list means.
        if let (Some(column), None, false) = (
            self.missing_owner_column,
            options.user_name,
            options.find_user,
        ) {
            let reason = format!(
                "{id} has no owner here, but the list has an owner column: fill it in, or add --user-name or --find-user"
            );
            return Err(InputError::new(at.line, column, reason));
        }
        let named = self.user_name.filter(|_| !is_looked_up);
        let user_name = match (named, options.user_name) {
            (Some(named), Some(given)) if !named.same_user(given) => {
                let reason = format!("{id} belongs to {named} here, but --user-name is {given}");
                return Err(InputError::of(at, reason));
            }
            (named, given) => named.or_else(|| given.cloned()),
        };
        Ok(Key { id, user_name })
    }
}

#[cfg(test)]
mod tests;
