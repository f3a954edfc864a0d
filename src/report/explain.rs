//! Explains a key's result or a run error as one value. `Messages` prints it as lines for people or as one JSON object
//! on standard error. `man/reference.md` documents the members of the object.

use serde_json::{Value, json};

use super::Report;
use super::message::{Level, Messages};
use super::{record, stream};
use crate::error::{CallError, Exit, Hint, RunError, SearchScope, code_and_sentence};
use crate::guard::other_credentials;
use crate::metadata::Deactivation;
use crate::outcome::{
    Check, KeyResult, KeyState, NOT_REQUESTED, Outcome, Refusal, STATUS_UNKNOWN, already,
};
use crate::request::{Key, Mode, Selection};
use crate::sanitize::SafeText;

/// The value of the member `Result` if each key has a result of its own.
pub(crate) const AS_REPORTED: &str = "AsReported";

/// An error or warning, what is known, and what to run next.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    /// Selects the label of the message. Only errors are printed as JSON objects.
    pub(super) level: Level,
    /// What happened, and what to do next. The message may be empty.
    pub(super) error: RunError,
    /// The command that shows the key's state if it is unknown.
    pub(super) check: Option<Hint>,
    /// The key, if the explanation concerns a single key.
    pub(super) key: Option<Key>,
    /// The member `Result`: the state of the key, or of all keys if the object names none.
    pub(super) known: &'static str,
    /// The same for people, unless it was printed before.
    pub(super) result_text: Option<String>,
    /// The number of requests that were meant to change the key.
    pub(super) attempts: usize,
}

impl Explanation {
    /// Explains an error that concerns no single key.
    pub(crate) fn of(error: RunError, known: &'static str) -> Self {
        Self {
            level: Level::Error,
            error,
            check: None,
            key: None,
            known,
            result_text: None,
            attempts: 0,
        }
    }

    /// Adds the key, if there is one, and a description of what is known.
    pub(crate) fn about(self, key: Option<&Key>, result_text: String) -> Self {
        Self {
            key: key.cloned(),
            result_text: Some(result_text),
            ..self
        }
    }

    fn object(&self) -> Value {
        let (error, key) = (&self.error, self.key.as_ref());
        let service = error.service.as_ref();
        let own = service.map(|service| &service.message);
        let own = own.filter(|message| !message.is_empty());
        let request_id = service.and_then(|service| service.request_id.as_ref());
        let subject = error.subject.as_ref();
        let id = key.map(|key| &key.id);
        let id = id.or_else(|| subject?.key.as_ref());
        let user = key.and_then(|key| key.user_name.as_ref());
        let user = user.or_else(|| subject?.user.as_ref());
        let details = !error.details.is_empty();
        record::members([
            ("Level", Some(json!("Error"))),
            ("Code", Some(json!(error.code))),
            ("Message", Some(json!(own.unwrap_or(&error.message)))),
            ("Details", details.then(|| json!(error.details))),
            (
                "Operation",
                service.map(|service| json!(service.operation.name())),
            ),
            ("RequestId", request_id.map(|id| json!(id))),
            ("AccessKeyId", id.map(|id| json!(id))),
            ("UserName", user.map(|name| json!(name))),
            ("ExitCode", Some(json!(error.exit.status()))),
            ("Result", Some(json!(self.known))),
            ("Hint", Some(self.next().collect())),
            ("Attempts", Some(json!(self.attempts))),
        ])
    }

    fn next(&self) -> impl Iterator<Item = String> {
        let hints = self.error.hints.iter().chain(&self.check);
        hints.map(Hint::to_string)
    }
}

/// The hint for an undo of keys that a killed run started to deactivate. Only another run with its journal can find out what
/// became of them.
const FIND_OUT_FIRST: &str = "to find out what became of keys that the journal records as started, first run the command with --deactivate and that \
     journal again; it also deactivates those that are still active";

impl Messages {
    /// Prints an explanation for people, or as JSON.
    pub(crate) fn explain(self, explanation: &Explanation) {
        if self.is_json() && explanation.level == Level::Error {
            return stream::write_message(&SafeText::json(&explanation.object()));
        }
        if !explanation.error.message.is_empty() {
            self.print(explanation.level, &explanation.error.message);
        }
        for detail in &explanation.error.details {
            stream::write_message(&SafeText::message(&format!("  {detail}")));
        }
        if self.is_quiet && explanation.level != Level::Error {
            return;
        }
        for hint in explanation.next() {
            self.print(Level::Hint, &hint);
        }
        if let Some(result_text) = explanation.result_text.as_ref().filter(|_| !self.is_json()) {
            self.print(Level::Result, result_text);
        }
    }
}

impl Report<'_> {
    /// Explains the result of a key. For one of many keys a person reads a single line, and the hints apply to all keys
    /// with the same error.
    pub(super) fn explain(&self, result: &KeyResult) -> Explanation {
        let (id, action) = (&result.key.id, result.action);
        let not_done = |why: &str| KeyState::NotDone(why.to_owned());
        let exit = result.exit(self.request);
        let error = |code: &str, message: &str, known| {
            let error = RunError::new(exit, code, message);
            (Level::Error, error, Some(known))
        };
        let labeled =
            |level, message: String, known| (level, RunError::new(exit, "", message), known);
        let no_message = |known| labeled(Level::Note, String::new(), known);
        let mut next = Vec::new();
        let (level, mut error, known) = match &result.outcome {
            Outcome::Done { evidence, .. } => {
                next = self.after_change(result);
                match evidence {
                    None => no_message(None),
                    Some(evidence) => labeled(
                        Level::Warning,
                        format!("{id} is presumed {}: {evidence}", action.done()),
                        Some(KeyState::Done(evidence.clone())),
                    ),
                }
            }
            Outcome::Failed { failure, known } => {
                next = self.failure_hints(result, failure, known);
                let (code, sentence) = code_and_sentence(failure, "IAM");
                error(&code, &sentence, known.clone())
            }
            Outcome::NotTried { why, .. } => error("NotTried", why, not_done("it was not tried")),
            Outcome::LeftUnverified { why, known, .. } => {
                next = self.left_unverified_hints(result);
                error("NotTried", why, known.clone())
            }
            Outcome::Stopped { known, failure, .. } => {
                match known {
                    KeyState::Done(_) => next = self.after_change(result),
                    // The next run with the journal verifies it, unless that needs a permission. For many keys, a hint
                    // at the end says so.
                    KeyState::Unknown {
                        check: Check::List | Check::Owner,
                        ..
                    } if self.request.journal.is_some()
                        && self.request.mode == Mode::Change
                        && (self.request.single().is_some() || self.messages.is_json()) =>
                    {
                        next.push(Hint::again("to continue, "));
                    }
                    _ => {}
                }
                let message = interrupted(result, known, failure.as_ref());
                error("Interrupted", &message, known.clone())
            }
            Outcome::OwnKey => {
                let message = format!("{id} belongs to your own credentials: skipped");
                labeled(Level::Note, message, None)
            }
            Outcome::Missing(failure) => {
                let missing = |[what, _]: [&str; 2]| format!("{id} is missing, {what}");
                let warning = contradiction(result, failure);
                match warning.or_else(|| unchecked_owner(failure).map(missing)) {
                    Some(warning) => labeled(Level::Warning, warning, None),
                    None if self.request.mode == Mode::DryRun => {
                        no_message(Some(KeyState::Done(String::new())))
                    }
                    None => no_message(None),
                }
            }
            _ if self.request.mode == Mode::DryRun => {
                next = self.other_keys(result);
                no_message(Some(not_done("this was a dry run")))
            }
            // What concerns all keys is reported once.
            Outcome::WouldChange(_) | Outcome::Refused(Refusal::Declined) => no_message(None),
            Outcome::Already(status) => {
                let message = format!("{id} is {}: nothing was changed", already(status));
                labeled(Level::Note, message, None)
            }
            Outcome::Skipped(reason) if exit == Exit::Success => {
                labeled(Level::Note, format!("{id} is skipped: {reason}"), None)
            }
            Outcome::Skipped(reason) => {
                let hint = "a key must meet every condition; --dry-run shows its details";
                next.push(hint.into());
                let message = format!("{id} is {}: {reason}", action.not_done());
                (Level::Error, RunError::new(exit, "Skipped", message), None)
            }
            Outcome::Refused(Refusal::SigningKey) => {
                next.push(other_credentials(self.request).into());
                let message =
                    format!("{id} belongs to your own credentials: you would lock yourself out");
                error("SigningKey", &message, not_done(NOT_REQUESTED))
            }
            Outcome::Refused(Refusal::StatusUnknown) => {
                error("StatusUnknown", STATUS_UNKNOWN, not_done(NOT_REQUESTED))
            }
        };
        error.hints = next;
        self.about_key(result, level, error, known.as_ref())
    }

    /// Returns what helps with a key that this run did not verify.
    fn left_unverified_hints(&self, result: &KeyResult) -> Vec<Hint> {
        let is_own_key =
            matches!(result.outcome, Outcome::LeftUnverified { is_own_key, .. } if is_own_key);
        let needs_others = is_own_key.then(|| other_credentials(self.request));
        let is_started = result.metadata.deactivation == Some(Deactivation::Started);
        let started = is_started.then_some(FIND_OUT_FIRST);
        needs_others
            .into_iter()
            .chain(started)
            .map(Hint::from)
            .collect()
    }

    fn about_key(
        &self,
        result: &KeyResult,
        level: Level,
        mut error: RunError,
        known: Option<&KeyState>,
    ) -> Explanation {
        let (id, action) = (&result.key.id, result.action);
        let is_unknown = matches!(known, Some(KeyState::Unknown { .. }));
        let failure = record::failure(&result.outcome);
        let has_owner = failure.is_some_and(|failure| failure.context().owner.is_some());
        let this_run = match self.request.selection {
            _ if self.request.mode == Mode::Change => None,
            Selection::Root => Some(self.commands.list_root()),
            _ => (self.request.find_user).then(|| self.commands.find_owner(id.as_str())),
        };
        let check = known
            .and_then(|known| self.commands.check(&result.key, known))
            .map(|check| match check {
                // The keys that sign are changed after all others.
                Hint::Command(..) if self.may_change_own_key_later(id) => {
                    check.after("if this run changes your own key, other credentials are needed; ")
                }
                check => check,
            })
            // The hint already shows the key of its owner.
            .filter(|_| !has_owner || self.is_one_of_many())
            .filter(|check| {
                let Hint::Command(_, check) = check else {
                    return true;
                };
                let is_shown =
                    |hint: &Hint| matches!(hint, Hint::Command(_, shown) if shown == check);
                this_run.as_ref() != Some(&**check) && !error.hints.iter().any(is_shown)
            });
        let hints = error.hints.iter();
        let hints = hints.map(|hint| self.for_next_run(hint, is_unknown).into());
        error.hints = hints.collect();
        let mut result_text = None;
        match known {
            Some(known) if !self.is_one_of_many() => {
                let stays = self.would_stay(result);
                let known = stays.unwrap_or_else(|| known.describe(action));
                result_text = Some(format!("{id}: {known}"));
            }
            Some(known) if level == Level::Error => {
                let what = error.message.trim_end_matches('.');
                error.message = match known {
                    _ if self.request.mode == Mode::DryRun
                        && record::is_in_no_list(&result.outcome) =>
                    {
                        format!("{id}: {}", record::NOT_FOUND)
                    }
                    KeyState::NotDone(_) => format!("{id}: {}: {what}", action.not_done()),
                    known => format!("{id}: {what}; {}", known.describe(action)),
                };
            }
            _ => {}
        }
        error.service = failure
            .and_then(CallError::last_service_error)
            .map(|last| Box::new(last.clone()));
        error.subject = failure
            .and_then(CallError::subject)
            .map(|subject| Box::new(subject.clone()));
        let is_last = failure.is_some_and(|failure| failure.service().is_some());
        if let Some(service) = &mut error.service
            && (!is_last || matches!(result.outcome, Outcome::Stopped { .. }))
        {
            // This error did not end the change.
            service.message.clear();
        }
        Explanation {
            level,
            error,
            check,
            key: Some(Key {
                id: id.clone(),
                user_name: result.owner().cloned(),
            }),
            known: result.result_member(),
            result_text,
            attempts: result.attempts,
        }
    }

    /// Why a real run would not change the key either, after a dry run.
    fn would_stay(&self, result: &KeyResult) -> Option<String> {
        let reason = || record::reason(result).unwrap_or_default();
        match &result.outcome {
            _ if self.request.mode == Mode::Change => None,
            Outcome::Skipped(_) => Some(format!("would be skipped: {}", reason())),
            Outcome::Refused(_) => Some(format!("would be refused: {}", reason())),
            Outcome::Missing(_) | Outcome::Already(_) => Some(result.describe_state()),
            outcome if record::is_in_no_list(outcome) => Some(reason()),
            _ => None,
        }
    }
}

/// Returns a warning if `GetAccessKeyLastUsed` still names the owner of a missing key.
pub(super) fn contradiction(result: &KeyResult, failure: &CallError) -> Option<String> {
    let (key, owner) = (
        &result.key.id,
        failure.context().still_reported_owner.as_ref()?,
    );
    Some(format!(
        "{key} is missing, but GetAccessKeyLastUsed named {owner} as its owner: IAM's responses contradict each other, \
         which can happen for a few seconds after a change"
    ))
}

/// Returns what could not be checked about a missing key: once for a single key, once for a list.
pub(super) fn unchecked_owner(failure: &CallError) -> Option<[&'static str; 2]> {
    match failure {
        _ if failure.context().owner_unchecked => Some([
            "but it could not be checked whether another user owns it: IAM denied GetAccessKeyLastUsed, as it also does for \
             a key that does not exist",
            "it could not be checked whether other users own the missing keys: IAM denied GetAccessKeyLastUsed, as it also \
             does for keys that do not exist",
        ]),
        CallError::NotFound {
            scope: SearchScope::Account,
            ..
        } => Some([
            "because no user of this account has it; if it is the root user's or another account's, it still exists",
            "no user of this account has the missing keys; any that belong to the root user or to another account may still exist",
        ]),
        _ => None,
    }
}

/// Says that a signal ended the change, and what IAM had returned before or what shows the change.
fn interrupted(result: &KeyResult, known: &KeyState, before: Option<&CallError>) -> String {
    let (id, done) = (&result.key.id, result.action.done());
    match (known, before) {
        (KeyState::Done(evidence), _) if evidence.is_empty() => {
            "interrupted after IAM confirmed the change".to_owned()
        }
        (KeyState::Done(evidence), _) => {
            format!("interrupted; {id} is presumed {done}: {evidence}")
        }
        (_, Some(failure)) => {
            let (_, sentence) = code_and_sentence(failure, "IAM");
            format!("interrupted; before that: {sentence}")
        }
        (_, None) => "interrupted".to_owned(),
    }
}
