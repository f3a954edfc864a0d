//! What people are told of a key on standard error: what went wrong, what to run next, and as the last line what is
//! known.

use super::Report;
use super::command::Commands;
use super::hint::{About, hints};
use crate::escape::{excerpt, field};
use crate::fact::Status;
use crate::failure::{Absent, Cause, Code, Failure, Place, Received, ServiceError};
use crate::outcome::{Check, Doubt, Known, Outcome, Refusal, Settled};
use crate::request::{Action, Key, Mode, SigningKey};

/// What is said of a key, in this order.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What went wrong, or nearly did.
    pub(super) head: Option<Head>,
    /// What to run next.
    pub(super) hints: Vec<String>,
    /// What is known.
    known: Option<Known>,
}

/// How what is said begins.
#[derive(Debug)]
pub(super) enum Head {
    Error(String),
    Warning(String),
    Note(String),
}

impl Said {
    fn known(known: Known) -> Self {
        Self {
            known: Some(known),
            ..Self::default()
        }
    }

    fn error(text: impl Into<String>, hints: Vec<String>, known: Known) -> Self {
        Self {
            head: Some(Head::Error(text.into())),
            hints,
            known: Some(known),
        }
    }
}

impl Report {
    /// Tells people what became of a key.
    pub(super) fn tell(&self, settled: &Settled) {
        let Said { head, hints, known } = self.said(settled);
        match head {
            Some(Head::Error(text)) => self.messages.error(&text),
            Some(Head::Warning(text)) => self.messages.warning(&text),
            Some(Head::Note(text)) => self.messages.note(&text),
            None => {}
        }
        for hint in hints {
            self.messages.hint(&hint);
        }
        if let Some(known) = known {
            let told = known.told(settled.action);
            self.messages.known(&format!("{}: {told}", settled.key.id));
        }
    }

    /// What there is to say of a key.
    pub(super) fn said(&self, settled: &Settled) -> Said {
        let key = &settled.key.id;
        match &settled.outcome {
            Outcome::Done { evidence: None, .. } => Said {
                hints: self.undo(settled),
                ..Said::default()
            },
            Outcome::Done {
                evidence: Some(evidence),
                ..
            } => {
                let done = settled.action.done();
                Said {
                    head: Some(Head::Warning(format!(
                        "{key} is presumed {done}: {evidence}"
                    ))),
                    hints: self.undo(settled),
                    known: Some(Known::Done(evidence.clone())),
                }
            }
            Outcome::Missing(failure) if self.mode == Mode::Change => Said {
                head: contradicted(settled, failure)
                    .or_else(|| {
                        let [what, _] = unchecked(failure)?;
                        Some(format!("{key} is missing, {what}"))
                    })
                    .map(Head::Warning),
                ..Said::default()
            },
            Outcome::Would(_) | Outcome::Missing(_) => Said::known(dry_run()),
            Outcome::Skipped(_) | Outcome::AlreadyInactive | Outcome::Refused(_)
                if self.mode == Mode::DryRun =>
            {
                Said::known(dry_run())
            }
            Outcome::AlreadyInactive => Said {
                head: Some(Head::Note(format!(
                    "{key} is already inactive: nothing was changed"
                ))),
                ..Said::default()
            },
            Outcome::Skipped(reason) => Said::error(
                format!("{key} is left alone: {reason}"),
                vec![
                    "a key goes only if every condition holds; --dry-run shows what is known of it"
                        .to_owned(),
                ],
                Known::NotDone("a condition does not hold".to_owned()),
            ),
            Outcome::Refused(refusal) => refused(settled, *refusal),
            Outcome::Failed { failure, known } => {
                let mut hints = hints(About::One(&settled.key), failure, &self.commands);
                hints.extend(self.check(settled, known));
                Said::error(sentence(failure, "IAM"), hints, known.clone())
            }
            Outcome::NotTried { why, .. } => {
                let known = Known::NotDone("it was not tried".to_owned());
                Said::error(why, Vec::new(), known)
            }
            Outcome::LeftInDoubt { why, .. } => {
                let known = Known::begun();
                let hints = self.check(settled, &known).into_iter().collect();
                Said::error(why, hints, known)
            }
            Outcome::Stopped { known, .. } => {
                let mut hints = match known {
                    Known::Done(_) => self.undo(settled),
                    Known::NotDone(_) | Known::Unknown(_) => Vec::new(),
                };
                hints.extend(self.check(settled, known));
                Said::error("interrupted", hints, known.clone())
            }
        }
    }

    /// The command that makes a deactivated key active again.
    fn undo(&self, settled: &Settled) -> Vec<String> {
        let unless_inactive = match &settled.facts.status {
            _ if settled.action != Action::Deactivate => return Vec::new(),
            Some(Status::Active) => "",
            None => ", if the key was active before",
            // To activate it would not restore its status.
            Some(Status::Inactive | Status::Other(_)) => return Vec::new(),
        };
        let command = self.commands.activate(&settled.key);
        let signer = match self.signing_key {
            SigningKey::Guarded => "",
            SigningKey::Allowed => ", signed with another key",
        };
        vec![format!("to undo it{signer}{unless_inactive}: {command}")]
    }

    /// The command that shows what nobody can say.
    pub(super) fn check(&self, settled: &Settled, known: &Known) -> Option<String> {
        match known {
            Known::Unknown(doubt) => check(&settled.key, doubt, &self.commands),
            Known::Done(_) | Known::NotDone(_) => None,
        }
    }
}

/// How to find out what became of a key.
pub(super) fn check(key: &Key, doubt: &Doubt, commands: &Commands) -> Option<String> {
    // Not everybody who signs has a list of keys.
    let has_list = key.user_name.is_some();
    match doubt.check {
        Check::List if has_list => Some(format!("check with: {}", commands.list(key))),
        Check::ListWithPermission if has_list => Some(format!(
            "with the permission iam:ListAccessKeys, check with: {}",
            commands.list(key)
        )),
        Check::List | Check::ListWithPermission | Check::Owner => {
            Some(format!("check with: {}", commands.owner(key.id.as_str())))
        }
        Check::Nothing => None,
    }
}

/// Of a missing key that IAM still names the owner of, although it does not list it.
pub(super) fn contradicted(settled: &Settled, failure: &Failure) -> Option<String> {
    let (key, owner) = (&settled.key.id, failure.still_named()?);
    Some(format!(
        "{key} is missing, but GetAccessKeyLastUsed still names {owner} as its owner: IAM's answers contradict each other, \
         as they can for some seconds after a change"
    ))
}

/// What is not known of a missing key: for one key, and for several of a list.
pub(super) fn unchecked(failure: &Failure) -> Option<[&'static str; 2]> {
    if failure.is_owner_unchecked() {
        Some([
            "but it could not be checked whether another user owns it: IAM denied GetAccessKeyLastUsed, as it also does for \
             a key that does not exist",
            "it could not be checked whether other users own the missing keys: IAM denied GetAccessKeyLastUsed, as it also \
             does for keys that do not exist",
        ])
    } else if failure.is_about_account() {
        Some([
            "because no user of this account has it; if it is the root user's or another account's, it still exists",
            "no user of this account has the missing keys; those of the root user or of another account still exist",
        ])
    } else {
        None
    }
}

fn refused(settled: &Settled, refusal: Refusal) -> Said {
    let (key, verb) = (&settled.key.id, settled.action.verb());
    let known = |why: &str| Known::NotDone(why.to_owned());
    match refusal {
        Refusal::SigningKey => Said::error(
            format!("{key} is the key that signs the request: to {verb} it would lock you out"),
            vec!["sign with another key (--profile NAME), or add --allow-self".to_owned()],
            known("nothing was sent to IAM"),
        ),
        Refusal::Declined => Said::error(
            "the answer was not yes",
            Vec::new(),
            known("nothing was sent that changes it"),
        ),
    }
}

fn dry_run() -> Known {
    Known::NotDone("this was a dry run".to_owned())
}

/// The failure in one sentence; an answer of `service` in the AWS CLI's words, which scripts look for.
pub(super) fn sentence(failure: &Failure, service: &str) -> String {
    match failure {
        Failure::Service(error) => service_sentence(error),
        Failure::Absent(absent) => absent_sentence(absent),
        Failure::NotSent(cause) if cause.received == Received::UnexpectedResponse => {
            format!("unexpected response from {service}{}", place(cause))
        }
        Failure::NotSent(cause) => format!("could not reach {service}{}", place(cause)),
        Failure::Unclear(cause) => format!("unusable response from {service}{}", place(cause)),
        Failure::NoAnswer(cause) => format!("no usable answer from {service}{}", place(cause)),
    }
}

/// A failure on the way, and where.
fn way(cause: &Cause) -> String {
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
        .map_or_else(|| format!("HTTP {}", error.status), field);
    let request = match &error.request_id {
        Some(id) if error.family() == Code::Other => {
            format!(" (request ID {})", field(id))
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
