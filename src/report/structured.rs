//! What failed, as one value: for people an error, its hints and what is known; for programs one JSON object on one
//! line of standard error. The members are documented in the README.

use serde_json::{Map, Value, json};

use super::hint::of_call;
use super::message::{self, Messages};
use super::row;
use super::tell::{Head, Said, absent_sentence, sentence};
use crate::escape::field;
use crate::exit::Exit;
use crate::failure::{Failure, Received, ServiceError};
use crate::outcome::{Known, Outcome, Refusal, Settled};
use crate::request::{Action, Key};
use crate::stop::Stop;

/// The member `Known`: what is known of the key, or of all keys where the object names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownWord {
    Deleted,
    NotDeleted,
    Deactivated,
    NotDeactivated,
    /// Nobody can say.
    Unknown,
    /// Of several keys: each is as its own result says.
    AsTold,
}

impl KnownWord {
    /// It was done, as far as the word goes.
    pub(crate) fn done(action: Action) -> Self {
        match action {
            Action::Delete => Self::Deleted,
            Action::Deactivate => Self::Deactivated,
        }
    }

    /// It was not done.
    pub(crate) fn not_done(action: Action) -> Self {
        match action {
            Action::Delete => Self::NotDeleted,
            Action::Deactivate => Self::NotDeactivated,
        }
    }

    /// The word for what became of a key.
    pub(super) fn of(settled: &Settled) -> Self {
        let action = settled.action;
        match &settled.outcome {
            Outcome::Done { .. } | Outcome::AlreadyInactive => Self::done(action),
            Outcome::Missing(_) => Self::Deleted,
            Outcome::Would(_)
            | Outcome::Skipped(_)
            | Outcome::Refused(_)
            | Outcome::NotTried { .. } => Self::not_done(action),
            Outcome::LeftInDoubt { .. } => Self::Unknown,
            Outcome::Failed { known, .. } | Outcome::Stopped { known, .. } => {
                Self::told(known, action)
            }
        }
    }

    /// The word for what is known.
    pub(crate) fn told(known: &Known, action: Action) -> Self {
        match known {
            Known::Done(_) => Self::done(action),
            Known::NotDone(_) => Self::not_done(action),
            Known::Unknown(_) => Self::Unknown,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "Deleted",
            Self::NotDeleted => "NotDeleted",
            Self::Deactivated => "Deactivated",
            Self::NotDeactivated => "NotDeactivated",
            Self::Unknown => "Unknown",
            Self::AsTold => "AsTold",
        }
    }
}

/// A failure that is not a key's own: of the run, or of its output.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    /// The code for programs.
    pub(crate) code: &'a str,
    /// What went wrong.
    pub(crate) message: String,
    /// What to run next.
    pub(crate) hints: &'a [String],
    /// The exit status it leads to.
    pub(crate) exit: Exit,
    /// The key it is about, where it is about one.
    pub(crate) key: Option<&'a Key>,
    /// What is known of it.
    pub(crate) known: KnownWord,
    /// The same for people, where it was not told before.
    pub(crate) told: Option<String>,
    /// What the service said, where it answered.
    pub(crate) service: Option<&'a ServiceError>,
    /// How many requests were to change the key.
    pub(crate) attempts: usize,
}

impl<'a> Failed<'a> {
    /// A failure that no key, hint or answer belongs to.
    pub(crate) fn new(code: &'a str, message: String, exit: Exit, known: KnownWord) -> Self {
        Self {
            code,
            message,
            hints: &[],
            exit,
            key: None,
            known,
            told: None,
            service: None,
            attempts: 0,
        }
    }

    fn object(&self) -> Value {
        let own = self.service.map(|error| error.message.as_str());
        let message = own.filter(|message| !message.is_empty());
        let mut object = head(self.code, message.unwrap_or(&self.message), self.service);
        if let Some(key) = self.key {
            object.insert("AccessKeyId".to_owned(), json!(key.id));
            if let Some(user_name) = &key.user_name {
                object.insert("UserName".to_owned(), json!(user_name));
            }
        }
        tail(
            &mut object,
            self.exit,
            self.known,
            self.hints,
            self.attempts,
        );
        Value::Object(object)
    }
}

impl Messages {
    /// Something failed: for people, or for programs.
    pub(crate) fn failed(self, failed: &Failed<'_>) {
        if self.is_json() {
            return message::object(&failed.object());
        }
        self.error(&failed.message);
        for hint in failed.hints {
            self.hint(hint);
        }
        if let Some(told) = &failed.told {
            self.known(told);
        }
    }
}

/// Tells of a key in JSON: of a failure the object, of anything else what is worth a warning.
pub(super) fn tell(messages: Messages, settled: &Settled, said: Said, exit: Exit) {
    match said.head {
        Some(Head::Error(text)) if exit != Exit::Success => {
            message::object(&of_key(settled, &text, &said.hints, exit));
            return;
        }
        Some(Head::Error(text) | Head::Warning(text)) => messages.warning(&text),
        Some(Head::Note(text)) => messages.note(&text),
        None => {}
    }
    for hint in said.hints {
        messages.hint(&hint);
    }
}

fn of_key(settled: &Settled, text: &str, hints: &[String], exit: Exit) -> Value {
    let failure = row::failure(&settled.outcome);
    let message = match failure {
        _ if matches!(settled.outcome, Outcome::Stopped { .. }) => text.to_owned(),
        Some(Failure::Service(error)) if !error.message.is_empty() => error.message.clone(),
        Some(Failure::Absent(absent)) => absent_sentence(absent),
        Some(failure) => sentence(failure, "IAM"),
        None => text.to_owned(),
    };
    let service = failure.and_then(Failure::service);
    let mut object = head(&code(&settled.outcome), &message, service);
    object.insert("AccessKeyId".to_owned(), json!(settled.key.id));
    if let Some(user_name) = row::user(settled) {
        object.insert("UserName".to_owned(), json!(user_name));
    }
    tail(
        &mut object,
        exit,
        KnownWord::of(settled),
        hints,
        settled.attempts,
    );
    Value::Object(object)
}

/// IAM's own code, or ours where IAM gave none.
fn code(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { failure, .. } | Outcome::Missing(failure) => code_of(failure),
        Outcome::Skipped(_) | Outcome::AlreadyInactive => "Skipped".to_owned(),
        Outcome::Refused(Refusal::SigningKey) => "SigningKey".to_owned(),
        Outcome::Refused(Refusal::Declined) => "Declined".to_owned(),
        Outcome::NotTried { .. } | Outcome::LeftInDoubt { .. } => "NotTried".to_owned(),
        Outcome::Stopped { .. } => "Interrupted".to_owned(),
        Outcome::Done { .. } | Outcome::Would(_) => "Other".to_owned(),
    }
}

/// A run that cannot go on without what a failed call to `service` would have said; `what` stands before the sentence.
pub(crate) fn stop(failure: &Failure, service: &str, what: &str) -> Stop {
    Stop::failed(
        failure.exit_of_read(),
        &code_of(failure),
        format!("{what}{}", sentence(failure, service)),
        of_call(failure),
    )
    .said(failure.service())
}

/// The code of a call that came to nothing.
fn code_of(failure: &Failure) -> String {
    match failure {
        Failure::Service(error) => error
            .code
            .as_deref()
            .map_or_else(|| format!("Http{}", error.status), field),
        Failure::Absent(_) => "NoSuchEntity".to_owned(),
        Failure::NotSent(cause) if cause.received == Received::UnexpectedResponse => {
            "UnexpectedResponse".to_owned()
        }
        Failure::NotSent(_) => "Unreachable".to_owned(),
        Failure::NoAnswer(_) => "NoAnswer".to_owned(),
        Failure::Unclear(_) => "Unclear".to_owned(),
    }
}

fn head(code: &str, message: &str, service: Option<&ServiceError>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("Level".to_owned(), json!("Error"));
    object.insert("Code".to_owned(), json!(code));
    object.insert("Message".to_owned(), json!(message));
    if let Some(error) = service {
        object.insert("Operation".to_owned(), json!(error.operation));
        if let Some(request_id) = &error.request_id {
            object.insert("RequestId".to_owned(), json!(request_id));
        }
    }
    object
}

fn tail(
    object: &mut Map<String, Value>,
    exit: Exit,
    known: KnownWord,
    hints: &[String],
    attempts: usize,
) {
    object.insert("ExitCode".to_owned(), json!(exit.status()));
    object.insert("Known".to_owned(), json!(known.as_str()));
    object.insert("Hint".to_owned(), json!(hints));
    object.insert("Attempts".to_owned(), json!(attempts));
}
