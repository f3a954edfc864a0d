//! Messages about many keys: the errors of each key, and at the end each hint once, a summary, and how to continue.

use std::{io, mem};

use super::Report;
use super::explain::{Explanation, contradiction, unchecked_owner};
use super::hint::FIX_FIRST;
use super::message::{Level, Messages};
use super::record::is_query_error;
use crate::error::{NamedBy, raise_file_size};
use crate::guard::other_credentials;
use crate::ident::AccountId;
use crate::outcome::{Check, KeyResult, KeyState, Outcome, OutcomeKind, Refusal};
use crate::request::{Action, Mode, Request, Selection};

/// The maximum number of hints and warnings at the end. More would not help anybody.
const MAX_FINAL_LINES: usize = 20;

/// How to continue a run that did not process all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Run the same command with the same journal.
    Journal,
    /// Read the results of this run, which are in a file, with `--from`.
    File,
    /// The same if someone saved the results, which went to another program, to the terminal, or to a file with other content.
    Results,
    /// Run the same command: the output does not contain complete results.
    Again,
}

impl Report<'_> {
    /// Prints the result of one of many keys if it needs attention.
    pub(super) fn print_one_of_many(&mut self, result: &KeyResult, mut explanation: Explanation) {
        let hints = mem::take(&mut explanation.error.hints);
        match (&result.outcome, result.kind()) {
            (Outcome::Refused(Refusal::SigningKey), _) => {
                let key = &result.key.id;
                self.messages.warning(&format!(
                    "{key} belongs to your own credentials: you would lock yourself out"
                ));
                self.add_final(Level::Hint, other_credentials(self.request).to_owned());
            }
            (Outcome::Missing(failure), _) => {
                if let Some(what) = contradiction(result, failure) {
                    self.messages.warning(&what);
                } else if let Some([_, what]) = unchecked_owner(failure) {
                    self.add_final(Level::Warning, what.to_owned());
                }
            }
            (Outcome::Done { .. } | Outcome::OwnKey, _) => self.messages.explain(&explanation),
            (Outcome::Refused(Refusal::StatusUnknown), _)
            | (_, OutcomeKind::Failed | OutcomeKind::Unknown) => {
                self.messages.explain(&explanation);
                for hint in hints {
                    self.add_final(Level::Hint, hint.to_string());
                }
            }
            _ => {}
        }
    }

    pub(super) fn add_final(&mut self, level: Level, text: String) {
        let line = (level, text);
        if self.final_lines.len() < MAX_FINAL_LINES && !self.final_lines.contains(&line) {
            self.final_lines.push(line);
        }
    }

    /// Prints the hints, the counts, and how to continue.
    pub(super) fn print_summary(&self, resume: Resume) {
        let summary = &self.summary;
        for (level, text) in &self.final_lines {
            self.messages.print(*level, text);
        }
        let refused = self.reactivate_refused().into_iter();
        let refused = refused.map(|hint| hint.to_string());
        for hint in refused.chain(self.resume_hint(resume)) {
            self.messages.print(Level::Hint, &hint);
        }
        if self.messages.is_quiet {
            return;
        }
        if self.request.action == Action::Deactivate
            && summary.count_of(OutcomeKind::Deactivated) > 0
        {
            for hint in self.undo_all(resume) {
                self.messages.print(Level::Hint, &hint.to_string());
            }
        }
        for hint in self.open_sessions.hints(&self.commands) {
            self.messages.print(Level::Hint, &hint.to_string());
        }
        let total = summary.total();
        let keys = if total == 1 { "key" } else { "keys" };
        let dry = match self.request.mode {
            Mode::DryRun => "; this was a dry run",
            Mode::Change => "",
        };
        let scope = if self.request.is_whole_account() {
            "; root user keys are not included"
        } else {
            ""
        };
        let known = if total > 0 {
            format!("{total} {keys}: {}{dry}{scope}", summary.describe())
        } else {
            let why = if self.request.names_keys() {
                "the list has no keys to change".to_owned()
            } else {
                no_target_reason(self.found, self.request)
            };
            format!("nothing to do: {why}{scope}")
        };
        self.messages.print(Level::Result, &known);
    }

    /// Notes what the next run needs after this error. `more_space` is how to fix a full disk.
    pub(super) fn prepare_resume(&mut self, error: &io::Error, more_space: &str) {
        self.needs_other_query |= is_query_error(error);
        if let io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded = error.kind() {
            self.lead = format!("to continue, {more_space}, and then ");
        } else if let Some(raise) = raise_file_size(error) {
            self.lead = format!("to continue, {raise}, and then ");
        }
    }

    /// Returns how to continue, if another run can do more.
    fn resume_hint(&self, resume: Resume) -> Option<String> {
        let summary = &self.summary;
        // One sentence has reported the keys that a signal at the question kept from being tried.
        let not_tried = if self.is_not_confirmed {
            0
        } else {
            summary.count_of(OutcomeKind::NotTried)
        };
        let not_tried = not_tried + self.not_reached;
        let unknown = summary.count_of(OutcomeKind::Unknown);
        let rest = not_tried + unknown.saturating_sub(self.settled);
        if self.request.mode != Mode::Change || rest == 0 {
            return None;
        }
        let query = if self.needs_other_query {
            " with another --query or none"
        } else {
            ""
        };
        let again = |more: &str| format!("run the same command again{query}{more}");
        let replaced = match self.request.selection {
            Selection::Listed { .. } => Some("the list"),
            Selection::Named(_) => Some("--access-key-id"),
            // The options select the keys that are left.
            Selection::User(_) | Selection::Root | Selection::Account => None,
        };
        let hint = match (self.request.action, resume) {
            (Action::Reactivate, _) => again("; keys that are already active are skipped"),
            (_, Resume::File) => match replaced {
                Some(replaced) => format!(
                    "run the same command with the file with these results as --from instead of {replaced}, keep all other \
                     options, and write the new results to another file; finished keys are skipped"
                ),
                None => again(", and write the new results to another file"),
            },
            // Their status may have changed since, so all are checked again.
            (Action::Deactivate, Resume::Journal) => {
                again("; keys that are already inactive stay so")
            }
            (Action::Deactivate, _) => again("; keys that are already inactive are skipped"),
            (Action::Delete, Resume::Journal) => {
                again("; keys that the journal records as finished are skipped")
            }
            // Otherwise the same command lists the keys that are left, or skips those that are gone.
            (Action::Delete, _) if self.request.fails_on_missing() => match query {
                "" => again(" with --ignore-missing"),
                _ => again(", and with --ignore-missing"),
            },
            (Action::Delete, _) => again(""),
        };
        // The next run would refuse this journal, or not know what this run did.
        let other_journal = if self.request.journal.is_some() && resume != Resume::Journal {
            "; use a new file as --journal"
        } else {
            ""
        };
        // The same command would start as the other principal.
        let principal = match &self.continue_as {
            Some(principal) => format!("get credentials of {principal}, then "),
            None if self.commands.is_of_others => "use other credentials, and then ".to_owned(),
            None => String::new(),
        };
        let lead = match self.lead.as_str() {
            // That fixes the error.
            FIX_FIRST if self.commands.is_of_others => "to continue, ",
            lead => lead,
        };
        Some(format!("{lead}{principal}{hint}{other_journal}"))
    }
}

/// Whether the same command cannot determine the state of the key either: it needs other options, credentials or permissions.
pub(super) fn stays_unknown(result: &KeyResult) -> bool {
    match &result.outcome {
        Outcome::Failed {
            failure,
            known: KeyState::Unknown { check, .. },
        } => *check != Check::List && failure.context().named_by == NamedBy::Caller,
        Outcome::LeftUnverified {
            known: KeyState::Unknown { check, .. },
            is_own_key,
            ..
        } => *is_own_key || *check != Check::List,
        _ => false,
    }
}

/// Warns that the root user has an active key, which no sweep of the account includes.
pub(crate) fn print_root_key(request: &Request, account: Option<&AccountId>) {
    let messages = Messages::of(request);
    let place = account.map_or("this account".to_owned(), |id| format!("account {id}"));
    messages.warning(&format!(
        "according to the credential report, the root user of {place} has an active access key, which --whole-account \
         does not include"
    ));
    if messages.is_quiet {
        return;
    }
    let id = account.map_or("ACCOUNT", |id| id.as_str());
    messages.print(
        Level::Hint,
        &format!(
            "to delete it, sign in to the AWS console as the root user, and open Security credentials; or, if the account \
             is a member of an organization with central root access, use credentials of the management account: \
             iam-del-key --target-principal {id} --all-keys"
        ),
    );
}

/// Explains why a sweep selected none of the keys it found.
fn no_target_reason((keys, already_inactive): (u64, u64), request: &Request) -> String {
    let has_conditions = !request.conditions.all.is_empty();
    let why = match (keys, keys.saturating_sub(already_inactive)) {
        // Users that cannot match are not read.
        (0, _) if has_conditions && request.is_whole_account() => "no key meets the conditions",
        (0, _) => "no keys were found",
        // They were deleted meanwhile.
        _ if already_inactive == 0 && !has_conditions => "no key is left to change",
        (1, _) if already_inactive == 0 => "1 key was checked, and it does not meet the conditions",
        _ if already_inactive == 0 => {
            return format!("{keys} keys were checked, and none meets the conditions");
        }
        (1, 0) => "the key is already inactive",
        (_, 0) => "all keys are already inactive",
        (_, 1) => "the other key does not meet the conditions",
        _ => "none of the other keys meets the conditions",
    };
    why.to_owned()
}
