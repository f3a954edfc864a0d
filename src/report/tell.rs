//! What people are told of a key on standard error: what went wrong, what to run next, and as the last line what is
//! known.

use super::Report;
use super::escape::{escape, excerpt};
use super::hint::hints;
use crate::fact::Status;
use crate::failure::{Absent, Cause, Code, Failure, Place, ServiceError};
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::{Action, Mode, SigningKey};

impl Report {
    /// Tells what became of a key.
    pub(super) fn tell(&self, settled: &Settled) {
        let key = &settled.key.id;
        let known = |known: &Known| {
            self.messages
                .known(&format!("{key}: {}", known.told(settled.action)));
        };
        match &settled.outcome {
            Outcome::Done { evidence: None, .. } => self.undo(settled),
            Outcome::Done {
                evidence: Some(evidence),
                ..
            } => {
                let done = settled.action.done();
                self.messages
                    .warning(&format!("{key} is taken for {done}: {evidence}"));
                self.undo(settled);
                known(&Known::Done(evidence.clone()));
            }
            Outcome::Missing(_) if self.mode == Mode::Change => {}
            Outcome::Would(_) | Outcome::Missing(_) => known(&dry_run()),
            Outcome::Skipped(_) | Outcome::Refused(_) if self.mode == Mode::DryRun => {
                known(&dry_run());
            }
            Outcome::Skipped(reason) => {
                self.messages
                    .error(&format!("{key} is left alone: {reason}"));
                self.messages.hint(
                    "a key goes only if every condition holds; --dry-run shows what is known of it",
                );
                known(&Known::NotDone("a condition does not hold".to_owned()));
            }
            Outcome::Refused(refusal) => {
                self.refused(settled, *refusal);
                let nothing = match refusal {
                    Refusal::SigningKey => "nothing was sent to IAM",
                    Refusal::Declined => "nothing was sent that changes it",
                };
                known(&Known::NotDone(nothing.to_owned()));
            }
            Outcome::Failed {
                failure,
                known: state,
            } => {
                self.messages.error(&sentence(failure, "IAM"));
                for hint in hints(&settled.key, failure, &self.commands) {
                    self.messages.hint(&hint);
                }
                self.check(settled, state);
                known(state);
            }
            Outcome::NotTried { why, .. } => {
                self.messages.error(why);
                known(&Known::NotDone("it was not tried".to_owned()));
            }
            Outcome::Stopped { known: state, .. } => {
                self.messages.error("interrupted");
                if let Known::Done(_) = state {
                    self.undo(settled);
                }
                self.check(settled, state);
                known(state);
            }
        }
    }

    fn refused(&self, settled: &Settled, refusal: Refusal) {
        let (key, verb) = (&settled.key.id, settled.action.verb());
        match refusal {
            Refusal::SigningKey => {
                self.messages.error(&format!(
                    "{key} is the key that signs the request: to {verb} it would lock you out"
                ));
                self.messages
                    .hint("sign with another key (--profile NAME), or add --allow-self");
            }
            Refusal::Declined => self.messages.error("the answer was not yes"),
        }
    }

    /// The command that makes a deactivated key active again.
    fn undo(&self, settled: &Settled) {
        let was_inactive = settled.facts.status == Some(Status::Inactive);
        if settled.action == Action::Deactivate && !was_inactive {
            let command = self.commands.activate(&settled.key);
            let signer = match self.signing_key {
                SigningKey::Guarded => "",
                SigningKey::Allowed => ", signed with another key",
            };
            self.messages
                .hint(&format!("to undo it{signer}: {command}"));
        }
    }

    /// The command that shows what nobody can say.
    fn check(&self, settled: &Settled, known: &Known) {
        if let Known::Unknown(_) = known {
            let command = self.commands.list(&settled.key);
            self.messages.hint(&format!("check with: {command}"));
        }
    }
}

fn dry_run() -> Known {
    Known::NotDone("this was a dry run".to_owned())
}

/// The failure in one sentence; an answer of `service` in the AWS CLI's words, which scripts look for.
pub(crate) fn sentence(failure: &Failure, service: &str) -> String {
    match failure {
        Failure::Service(error) => service_sentence(error),
        Failure::Absent(absent) => absent_sentence(absent),
        Failure::NotSent(cause) => format!("could not reach {service}{}", place(cause)),
        Failure::Unclear(cause) => format!("{service} did not say enough{}", place(cause)),
        Failure::NoAnswer(cause) => format!("no usable answer from {service}{}", place(cause)),
    }
}

/// A failure on the way, and where.
pub(super) fn way(cause: &Cause) -> String {
    match cause.host.as_str() {
        "" => cause.what.clone(),
        host => format!("{host}: {}", cause.what),
    }
}

/// The same as the rest of a sentence.
fn place(cause: &Cause) -> String {
    let preposition = if cause.host.is_empty() { ":" } else { " at" };
    format!("{preposition} {}", excerpt(&way(cause)))
}

fn service_sentence(error: &ServiceError) -> String {
    let code = error
        .code
        .as_deref()
        .map_or_else(|| format!("HTTP {}", error.status), escape);
    let request = match &error.request_id {
        Some(id) if error.family() == Code::Other => {
            format!(" (request ID {})", excerpt(id))
        }
        _ => String::new(),
    };
    let message = if error.message.is_empty() {
        "no message".to_owned()
    } else {
        excerpt(&error.message)
    };
    format!(
        "An error occurred ({code}) when calling the {} operation: {message}{request}",
        error.operation
    )
}

/// What reading found, as a message of IAM's would say it.
pub(super) fn absent_sentence(absent: &Absent) -> String {
    match (&absent.context.owner, &absent.place) {
        (Some(owner), Place::User(named)) => {
            format!("the key is not a key of the user {named}, but of the user {owner}")
        }
        (Some(owner), Place::SigningUser | Place::Account) => {
            format!("the key is not a key of the user whose key signs, but of the user {owner}")
        }
        (None, Place::User(named)) => format!("IAM lists no such key for the user {named}"),
        (None, Place::SigningUser) => {
            "IAM lists no such key for the user whose key signs".to_owned()
        }
        (None, Place::Account) => "no user of this account has such a key".to_owned(),
    }
}
