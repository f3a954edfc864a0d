//! One key is changed: the call, its limit and its signals. A lost answer never becomes "deleted" or "failed" by
//! guesswork: the key is looked for (`doubt`), and what is not known is said.

mod doubt;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::aws::attempts::Record;
use crate::aws::{Allowance, Iam};
use crate::candidate::Candidate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::guard;
use crate::ident::UserName;
use crate::outcome::{Known, Outcome, Reply, Settled};
use crate::request::{Action, Key, Missing, Quantity};
use crate::signal::Signals;
use crate::signer::Signer;
use doubt::{Found, another_users, conclude, shows_done};

/// How long a signal leaves for the answer under way, and for the look after it.
const AFTER_SIGNAL: Duration = Duration::from_millis(700);

/// How a key is changed.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// IAM.
    pub(crate) iam: &'a Iam,
    /// The key that signs.
    pub(crate) signer: &'a Signer,
    /// Whether the run is about more keys: then a signal is the run's affair, and what is done is done.
    pub(crate) quantity: Quantity,
    /// What is done to the key.
    pub(crate) action: Action,
    /// What a key that is already gone means.
    pub(crate) missing: Missing,
    /// What earlier runs did to the key.
    pub(crate) earlier: Earlier,
    /// Whose it is.
    pub(crate) whose: Whose,
    /// The whole limit.
    pub(crate) limit: Duration,
}

/// What earlier runs did to a key, as far as their journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// Nothing that is in doubt.
    Nothing,
    /// One began to change it, and may have done so.
    Began,
}

/// Whose a key is, by all that is known when it is to be changed.
#[derive(Clone, Debug)]
pub(crate) enum Whose {
    /// Nobody says.
    Unsaid,
    /// This user's: all runs say so, or IAM listed it.
    Known(UserName),
    /// Earlier runs took it for another user's than this one does.
    Disputed,
}

impl Change<'_> {
    /// Changes the key and says what became of it. The attempts are in `record`.
    pub(crate) async fn run(
        &self,
        candidate: Candidate,
        record: &Record,
        signals: &mut Signals,
    ) -> Settled {
        let Candidate { key, facts } = candidate;
        let allowance = self.iam.allow(self.limit);
        let mut signal = None;
        let outcome = {
            let call = self.call(&key, record, &allowance);
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
            (_, outcome) if self.quantity == Quantity::Many => outcome,
            (Some(exit), Outcome::Missing(_)) => Outcome::Stopped {
                exit,
                known: Known::NotDone(NO_SUCH_KEY.to_owned()),
            },
            (Some(exit), Outcome::Done { evidence, .. }) => Outcome::Stopped {
                exit,
                known: Known::Done(
                    evidence.unwrap_or_else(|| "IAM confirmed it before the run ended".to_owned()),
                ),
            },
            (_, outcome) => outcome,
        };
        Settled {
            key,
            facts,
            action: self.action,
            outcome,
            // A key whose attempt a signal kept from leaving was not tried.
            attempts: match signal {
                Some(_) if !record.was_sent() => 0,
                _ => record.count(),
            },
        }
    }

    /// A key that an earlier run began to change: whether that is done, as far as IAM can be asked.
    pub(crate) async fn begun_before(&self, key: &Key) -> Option<Outcome> {
        let allowance = self.iam.allow(self.limit);
        let looked = allowance.spend(Duration::ZERO, self.look_once(key)).await;
        let shown = shows_done(self.action, &looked?)?;
        Some(Outcome::Done {
            reply: None,
            evidence: Some(format!("an earlier run began it, and {shown}")),
        })
    }

    /// After a signal: no further attempt leaves; the answer under way gets a moment, or the key is looked for.
    async fn wind_up(
        &self,
        key: &Key,
        record: &Record,
        call: &mut (impl Future<Output = Outcome> + Unpin),
        exit: Exit,
        signals: &mut Signals,
    ) -> Outcome {
        record.close();
        let stopped = |known| Outcome::Stopped { exit, known };
        let not_done = || stopped(Known::NotDone(untouched(record).to_owned()));
        let is_in_doubt = || record.may_have_acted() || self.earlier == Earlier::Began;
        if !is_in_doubt() {
            return not_done();
        }
        let unknown = || {
            stopped(if record.may_have_acted() {
                Known::Unknown("the request was sent and no answer came".to_owned())
            } else {
                Known::begun()
            })
        };
        let last = async {
            let deadline = Instant::now() + AFTER_SIGNAL;
            if record.is_waiting()
                && let Ok(outcome) = timeout_at(deadline, call).await
            {
                return outcome;
            }
            if !is_in_doubt() {
                return not_done();
            }
            let deadline = Instant::now() + AFTER_SIGNAL;
            let found = timeout_at(deadline, self.look_once(key)).await;
            match found.ok().and_then(|found| shows_done(self.action, &found)) {
                Some(known) => Outcome::Done {
                    reply: None,
                    evidence: Some(format!("no answer came, but {known}")),
                },
                None => unknown(),
            }
        };
        tokio::select! {
            outcome = last => outcome,
            _ = signals.next() => unknown(),
        }
    }

    async fn call(&self, key: &Key, record: &Record, allowance: &Allowance) -> Outcome {
        // A part of the limit is kept for looking, should the answer be lost.
        let reserve = (self.limit / 3).min(Duration::from_secs(10));
        let reply = allowance.spend(reserve, self.send(key, record)).await;
        let failure = match reply {
            Some(Ok(reply)) => {
                return Outcome::Done {
                    reply: Some(reply),
                    evidence: None,
                };
            }
            Some(Err(failure)) => failure,
            None => self.out_of_time(record),
        };
        let failure = self.with_accounts(key, failure);
        if let Some(doubt) = self.doubt(&failure, record) {
            let settled = self.settle(key, failure.clone(), doubt);
            return match allowance.spend(Duration::ZERO, settled).await {
                Some(outcome) => outcome,
                None => conclude(self.action, doubt, &self.whose, failure, Found::Unreadable),
            };
        }
        self.plain(key, failure, record, allowance).await
    }

    async fn send(&self, key: &Key, record: &Record) -> Result<Reply, Failure> {
        match self.action {
            Action::Delete => self.iam.delete_access_key(key, record).await,
            Action::Deactivate => self.iam.deactivate_access_key(key, record).await,
        }
    }

    fn out_of_time(&self, record: &Record) -> Failure {
        let operation = match self.action {
            Action::Delete => "DeleteAccessKey",
            Action::Deactivate => "UpdateAccessKey",
        };
        crate::aws::out_of_time(operation, record, self.limit)
    }

    /// Adds the two accounts to `NoSuchEntity` when the key's ID encodes another than the signer's.
    fn with_accounts(&self, key: &Key, mut failure: Failure) -> Failure {
        if failure.is_no_such_entity()
            && let Some(context) = failure.context_mut()
        {
            context.accounts = guard::foreign_account(&key.id, self.signer);
        }
        failure
    }

    /// A failure without doubt: no attempt can have changed the key.
    async fn plain(
        &self,
        key: &Key,
        failure: Failure,
        record: &Record,
        allowance: &Allowance,
    ) -> Outcome {
        if !failure.is_no_such_entity() {
            let known = Known::NotDone(untouched(record).to_owned());
            return Outcome::Failed { failure, known };
        }
        let is_wanted = self.missing == Missing::Succeeds
            && failure
                .service()
                .is_some_and(|error| error.context.accounts.is_none());
        if is_wanted {
            // IAM says the same of another user's key, which is alive: that is not "already gone".
            let looked = allowance.spend(Duration::ZERO, self.look_once(key)).await;
            match (looked.unwrap_or(Found::Unreadable), failure.service()) {
                (Found::Gone, _) => return Outcome::Missing(failure),
                (Found::Denied | Found::Nowhere, Some(error)) if !error.is_about_user() => {
                    return Outcome::Missing(failure);
                }
                (Found::Elsewhere(owner), _) => return another_users(failure, owner),
                (
                    Found::Active
                    | Found::Inactive
                    | Found::Foreign(..)
                    | Found::Nowhere
                    | Found::Denied
                    | Found::Unreadable,
                    _,
                ) => {}
            }
        }
        let known = Known::NotDone(NO_SUCH_KEY.to_owned());
        Outcome::Failed { failure, known }
    }
}

/// What IAM's `NoSuchEntity` says of a key, and no more.
const NO_SUCH_KEY: &str = "IAM finds no such key for this user";

/// Why a key is surely as it was, when no attempt can have changed it.
fn untouched(record: &Record) -> &'static str {
    if record.was_sent() {
        "IAM refused the request"
    } else {
        "nothing was sent to IAM"
    }
}
