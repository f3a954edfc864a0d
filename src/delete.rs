//! One key: the call, and the doubt settled where its answer was lost. A lost answer never becomes
//! "deleted" or "failed" by guesswork: the key is looked for, and what is not known is said.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::aws::attempts::{Attempt, Record};
use crate::aws::{Iam, Signer};
use crate::exit::Exit;
use crate::guard;
use crate::ident::UserName;
use crate::outcome::{Cause, Code, Failure, Known, Outcome, ServiceError, Settled};
use crate::request::{Key, Missing};
use crate::signal::Signals;

/// The pauses between looks at a list that may lag behind a delete.
const LOOK_AGAIN: [Duration; 3] = [
    Duration::from_millis(150),
    Duration::from_millis(350),
    Duration::from_millis(700),
];

/// How long a signal leaves for the answer under way, and for the look after it.
const AFTER_SIGNAL: Duration = Duration::from_millis(700);

/// How a key is deleted.
#[derive(Debug)]
pub(crate) struct Deletion<'a> {
    /// IAM.
    pub(crate) iam: &'a Iam,
    /// The key that signs.
    pub(crate) signer: &'a Signer,
    /// What a key that is already gone means.
    pub(crate) missing: Missing,
    /// The whole limit.
    pub(crate) limit: Duration,
}

/// What a look for the key found.
#[derive(Debug)]
enum Found {
    /// It is in the list of this user; `None` is the user whose key signs.
    Still(Option<UserName>),
    /// It is another user's.
    Elsewhere(UserName),
    /// It is in no list it could be in.
    Gone,
    /// Looking is not allowed.
    Denied,
    /// Looking failed.
    Unreadable,
}

impl Deletion<'_> {
    /// Deletes the key and says what became of it. The attempts are in `record`.
    pub(crate) async fn run(&self, key: Key, record: &Record, signals: &mut Signals) -> Settled {
        let deadline = Instant::now() + self.limit;
        let mut signal = None;
        let outcome = {
            let call = self.call(&key, record, deadline);
            tokio::pin!(call);
            tokio::select! {
                outcome = &mut call => outcome,
                exit = signals.next() => {
                    signal = Some(exit);
                    self.wind_up(&key, record, &mut call, exit, signals).await
                }
            }
        };
        let outcome = match (signal, outcome) {
            (Some(exit), Outcome::Failed { known, .. }) => Outcome::Stopped { exit, known },
            (Some(exit), Outcome::Deleted { evidence, .. }) => Outcome::Stopped {
                exit,
                known: Known::Deleted(
                    evidence.unwrap_or_else(|| "IAM confirmed it before the run ended".to_owned()),
                ),
            },
            (_, outcome) => outcome,
        };
        Settled {
            key,
            outcome,
            attempts: record.attempts().len(),
        }
    }

    /// After a signal: nothing was sent, or the answer under way gets a moment, or the key is looked for.
    async fn wind_up(
        &self,
        key: &Key,
        record: &Record,
        call: &mut (impl Future<Output = Outcome> + Unpin),
        exit: Exit,
        signals: &mut Signals,
    ) -> Outcome {
        if !record.attempts().iter().any(Attempt::was_sent) {
            let known = Known::NotDeleted("nothing was sent".to_owned());
            return Outcome::Stopped { exit, known };
        }
        let unknown = || Outcome::Stopped {
            exit,
            known: Known::Unknown(format!(
                "the request was sent and no answer came; {}",
                check(key)
            )),
        };
        let last = async {
            let deadline = Instant::now() + AFTER_SIGNAL;
            if let Ok(outcome) = timeout_at(deadline, call).await {
                return outcome;
            }
            let found = timeout_at(deadline + AFTER_SIGNAL, self.look_once(key)).await;
            match found {
                Ok(Found::Gone) => Outcome::Stopped {
                    exit,
                    known: Known::Deleted(
                        "no answer came, but IAM does not list the key now".to_owned(),
                    ),
                },
                _ => unknown(),
            }
        };
        tokio::select! {
            outcome = last => outcome,
            _ = signals.next() => unknown(),
        }
    }

    async fn call(&self, key: &Key, record: &Record, deadline: Instant) -> Outcome {
        // A part of the limit is kept for looking, should the answer be lost.
        let reserve = (self.limit / 3).min(Duration::from_secs(10));
        let reply = timeout_at(deadline - reserve, self.iam.delete_access_key(key, record)).await;
        let failure = match reply {
            Ok(Ok(reply)) => {
                return Outcome::Deleted {
                    reply: Some(reply),
                    evidence: None,
                };
            }
            Ok(Err(failure)) => failure,
            Err(_) => self.out_of_time(record),
        };
        let failure = self.with_accounts(key, failure);
        if in_doubt(&failure, record) {
            return match timeout_at(deadline, self.settle(key, failure.clone())).await {
                Ok(outcome) => outcome,
                Err(_) => conclude(key, failure, Found::Unreadable),
            };
        }
        self.plain(key, failure, deadline).await
    }

    fn out_of_time(&self, record: &Record) -> Failure {
        let attempts = record.attempts();
        let cause = Cause {
            host: attempts
                .last()
                .map(|attempt| attempt.host.clone())
                .unwrap_or_default(),
            what: format!(
                "it did not answer within --timeout, {} s",
                self.limit.as_secs()
            ),
            hint: None,
        };
        if record.may_have_acted() {
            Failure::NoAnswer(cause)
        } else {
            Failure::NotSent(cause)
        }
    }

    /// Adds the two accounts to `NoSuchEntity` when the key's ID encodes another than the signer's.
    fn with_accounts(&self, key: &Key, failure: Failure) -> Failure {
        match failure {
            Failure::Service(mut error) if error.family() == Code::NoSuchEntity => {
                error.context.accounts = guard::foreign_account(&key.id, self.signer);
                Failure::Service(error)
            }
            failure => failure,
        }
    }

    /// A failure without doubt: no attempt can have deleted the key.
    async fn plain(&self, key: &Key, failure: Failure, deadline: Instant) -> Outcome {
        let Failure::Service(mut error) = failure else {
            let known = Known::NotDeleted("nothing was sent to IAM".to_owned());
            return Outcome::Failed { failure, known };
        };
        if error.family() != Code::NoSuchEntity {
            let known = Known::NotDeleted("IAM refused the request".to_owned());
            let failure = Failure::Service(error);
            return Outcome::Failed { failure, known };
        }
        if self.missing == Missing::Succeeds && error.context.accounts.is_none() {
            // IAM says the same of another user's key, which is alive: that is not "already gone".
            let owner = timeout_at(deadline, self.iam.access_key_owner(&key.id)).await;
            match owner {
                Ok(Ok(Some(owner))) => error.context.owner = Some(owner),
                _ => return Outcome::Missing(error),
            }
        }
        no_such_key(error)
    }

    async fn settle(&self, key: &Key, failure: Failure) -> Outcome {
        let mut found = self.look_once(key).await;
        for pause in LOOK_AGAIN {
            if !matches!(found, Found::Still(_)) {
                break;
            }
            sleep(pause).await;
            found = self.look_once(key).await;
        }
        match guard::foreign_account(&key.id, self.signer) {
            Some((theirs, ours)) if matches!(found, Found::Gone) => Outcome::Failed {
                failure,
                known: Known::Unknown(format!(
                    "no usable answer came, and the key's ID encodes account {theirs}, where account {ours} cannot look"
                )),
            },
            _ => conclude(key, failure, found),
        }
    }

    /// Looks for the key: whose is it, and is it in that user's list?
    async fn look_once(&self, key: &Key) -> Found {
        let owner = self.iam.access_key_owner(&key.id).await;
        let owner = match owner {
            Ok(Some(owner)) => match &key.user_name {
                Some(named) if !named.same_user(&owner) => return Found::Elsewhere(owner),
                _ => Some(owner),
            },
            Ok(None) => None,
            // Of a key it does not know, IAM says the same as of a call that is not allowed.
            Err(Failure::Service(error)) if is_no(&error) => None,
            Err(_) => return Found::Unreadable,
        };
        match self
            .iam
            .access_keys(owner.as_ref().or(key.user_name.as_ref()))
            .await
        {
            Ok(ids) if ids.iter().any(|id| id == key.id.as_str()) => Found::Still(owner),
            Ok(_) => Found::Gone,
            // A user cannot be deleted while it has keys.
            Err(Failure::Service(error)) if error.family() == Code::NoSuchEntity => Found::Gone,
            Err(Failure::Service(error)) if is_no(&error) => Found::Denied,
            Err(_) => Found::Unreadable,
        }
    }
}

/// Whether IAM's answer to a look is a plain no, rather than trouble on the way.
fn is_no(error: &ServiceError) -> bool {
    matches!(
        error.family(),
        Code::AccessDenied | Code::NoSuchEntity | Code::Validation
    )
}

/// Whether an attempt may have deleted the key although the call failed. An answer that would have been the
/// same to every attempt leaves no doubt.
fn in_doubt(failure: &Failure, record: &Record) -> bool {
    match failure {
        Failure::NotSent(_) => false,
        Failure::NoAnswer(_) => true,
        Failure::Service(error) => match error.family() {
            // IAM spoke of the user, or of another account's key: no attempt can have found it.
            Code::NoSuchEntity if error.is_about_user() || error.context.accounts.is_some() => {
                false
            }
            Code::NoSuchEntity
            | Code::ServiceFailure
            | Code::Throttling
            | Code::Credentials
            | Code::Other => record.may_have_acted(),
            Code::LimitExceeded | Code::AccessDenied | Code::Validation => false,
        },
    }
}

/// `NoSuchEntity` that says what it means: no key was there to delete.
fn no_such_key(error: ServiceError) -> Outcome {
    let known = match &error.context.owner {
        Some(owner) => Known::NotDeleted(format!("it is a key of the user {owner}")),
        None => Known::NotDeleted("IAM finds no such key for this user".to_owned()),
    };
    let failure = Failure::Service(error);
    Outcome::Failed { failure, known }
}

/// What a failed call and the look after it come to.
fn conclude(key: &Key, failure: Failure, found: Found) -> Outcome {
    let lost = match &failure {
        Failure::Service(error) if error.family() == Code::NoSuchEntity => {
            "the answer to an earlier attempt was lost, and IAM then found no such key"
        }
        Failure::Service(_) => "IAM reported an error, but may have acted first",
        Failure::NotSent(_) | Failure::NoAnswer(_) => {
            "the request was sent and no usable answer came"
        }
    };
    let said_gone =
        matches!(&failure, Failure::Service(error) if error.family() == Code::NoSuchEntity);
    let known = match found {
        Found::Gone => {
            return Outcome::Deleted {
                reply: None,
                evidence: Some(format!("{lost}; IAM does not list the key now")),
            };
        }
        Found::Denied if said_gone => {
            return Outcome::Deleted {
                reply: None,
                evidence: Some(format!(
                    "{lost}, so the lost attempt most likely deleted it; looking is not allowed"
                )),
            };
        }
        Found::Elsewhere(owner) => return another_users(failure, owner),
        Found::Still(Some(owner)) if said_gone && key.user_name.is_none() => {
            return another_users(failure, owner);
        }
        Found::Still(_) if said_gone => {
            Known::Unknown(format!("{lost}, yet IAM still lists it; {}", check(key)))
        }
        Found::Still(_) => Known::NotDeleted(format!("{lost}, but IAM still lists the key")),
        Found::Denied | Found::Unreadable => {
            Known::Unknown(format!("{lost}, and looking failed; {}", check(key)))
        }
    };
    Outcome::Failed { failure, known }
}

/// The key is there, and it is not the user's whose key was to be deleted.
fn another_users(mut failure: Failure, owner: UserName) -> Outcome {
    let known = Known::NotDeleted(format!("it is a key of the user {owner}"));
    if let Failure::Service(error) = &mut failure {
        error.context.owner = Some(owner);
    }
    Outcome::Failed { failure, known }
}

/// The command that shows whether the key is still there.
fn check(key: &Key) -> String {
    let user = key
        .user_name
        .as_ref()
        .map(|name| format!(" --user-name={name}"))
        .unwrap_or_default();
    format!("check with: aws iam list-access-keys{user}")
}
