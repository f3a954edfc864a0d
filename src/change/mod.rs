//! One key is changed: the call, its limit and its signals. A lost response never becomes "deleted" or "failed" by
//! guesswork: the request is sent again until IAM answers, and the key's state is verified.

mod verify;

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::aws::attempt::Record;
use crate::aws::{Allowance, Iam};
use crate::conclude::Ambiguity;
use crate::error::{CallError, ErrorKind, Exit};
use crate::guard::{self, Signer};
use crate::locate::OwnerHint;
use crate::metadata::Target;
use crate::outcome::{KeyResult, KeyState, Outcome, Reply};
use crate::request::{Action, Key, Missing, Quantity};
use crate::signal::{self, Signals};
pub(crate) use verify::owner_hint;

/// How long a signal leaves for the response that is awaited.
const FOR_RESPONSE: Duration = Duration::from_millis(400);

/// The first and the longest pause before a request whose response was lost is sent again.
const SEND_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// How long verification takes where the lists lag.
const VERIFICATION: Duration = Duration::from_millis(2500);

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
    /// Whether an earlier run may have changed the key.
    pub(crate) earlier: Ambiguity,
    /// Who owns it.
    pub(crate) owner: OwnerHint,
    /// The whole limit, for messages.
    pub(crate) limit: Duration,
}

impl Change<'_> {
    /// Changes the key and says what became of it. The attempts are in `record`.
    pub(crate) async fn run(
        &self,
        candidate: Target,
        record: &Record,
        allowance: &Allowance,
        signals: &mut Signals,
    ) -> KeyResult {
        let Target { key, facts } = candidate;
        let mut signal = None;
        let outcome = {
            let call = self.call(&key, record, allowance);
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
            (Some(exit), Outcome::Failed { known, .. }) => self.stopped(&key, record, exit, known),
            (_, outcome) if self.quantity == Quantity::Many => outcome,
            (Some(exit), Outcome::Missing(_)) => {
                let known = KeyState::NotDone(NO_SUCH_KEY.to_owned());
                self.stopped(&key, record, exit, known)
            }
            (Some(exit), Outcome::Done { evidence, .. }) => {
                let known = KeyState::Done(
                    evidence.unwrap_or_else(|| "IAM confirmed it before the run ended".to_owned()),
                );
                self.stopped(&key, record, exit, known)
            }
            (_, outcome) => outcome,
        };
        KeyResult {
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

    /// A key that an earlier run started to change: whether that is done, as far as IAM's lists prove it.
    pub(crate) async fn confirm_earlier(
        &self,
        key: &Key,
        allowance: &Allowance,
    ) -> Option<Outcome> {
        let found = async {
            match self.locate(key).await {
                found if found.is_absence() => self.locate_settled(key, &mut None).await,
                found => self.or_after_lag(key, found, &mut None).await,
            }
        };
        let found = allowance.spend(Duration::ZERO, found).await?;
        let shown = self.shows_done(&found)?;
        Some(Outcome::Done {
            reply: None,
            evidence: Some(format!("an earlier run started this; {shown}")),
        })
    }

    /// After a signal: no further attempt leaves. The response that is awaited gets a moment, and then the key is looked
    /// for, both within the time that a signal leaves.
    async fn wind_up(
        &self,
        key: &Key,
        record: &Record,
        call: &mut (impl Future<Output = Outcome> + Unpin),
        exit: Exit,
        signals: &mut Signals,
    ) -> Outcome {
        record.close();
        let end = Instant::now() + signal::KEYS;
        let stopped = |known| self.stopped(key, record, exit, known);
        let not_done = || stopped(KeyState::NotDone(untouched(record).to_owned()));
        let is_ambiguous = || self.ambiguity(record) != Ambiguity::None;
        if !is_ambiguous() && !record.is_missing() {
            return not_done();
        }
        let unknown = || match self.ambiguity(record) {
            Ambiguity::None => not_done(),
            Ambiguity::EarlierRun | Ambiguity::RecentRun => stopped(KeyState::begun()),
            Ambiguity::ServerError => stopped(KeyState::Unknown(
                "IAM returned an error, and may still act".into(),
            )),
            Ambiguity::Unanswered => stopped(KeyState::Unknown(
                "the request was sent and no response arrived".into(),
            )),
        };
        let last = async {
            let deadline = if record.is_waiting() {
                Instant::now() + FOR_RESPONSE
            } else {
                end
            };
            if let Ok(outcome) = timeout_at(deadline, &mut *call).await {
                return outcome;
            }
            // The response arrived: the call goes on to verify what it means.
            if !record.is_waiting()
                && let Ok(outcome) = timeout_at(end, call).await
            {
                return outcome;
            }
            if !is_ambiguous() {
                return not_done();
            }
            let found = timeout_at(end, self.locate_settled(key, &mut None)).await;
            match found.ok().and_then(|found| self.shows_done(&found)) {
                Some(known) => {
                    let what = match self.ambiguity(record) {
                        Ambiguity::ServerError => "IAM returned an error",
                        _ => "no response arrived",
                    };
                    Outcome::Done {
                        reply: None,
                        evidence: Some(format!("{what}, but {known}")),
                    }
                }
                None => unknown(),
            }
        };
        tokio::select! {
            outcome = last => outcome,
            _ = signals.next() => unknown(),
        }
    }

    async fn call(&self, key: &Key, record: &Record, allowance: &Allowance) -> Outcome {
        // A part of the limit is kept to verify the key's state, should the response be lost.
        let reserve = (self.limit / 3).clamp(VERIFICATION, Duration::from_secs(10));
        let reserve = reserve.min(self.limit / 2);
        let mut last = None;
        let reply = self.send_until_answered(key, record, &mut last);
        let failure = match allowance.spend(reserve, reply).await {
            Some(Ok(reply)) => {
                return Outcome::Done {
                    reply: Some(reply),
                    evidence: None,
                };
            }
            Some(Err(failure)) => failure,
            None => last.unwrap_or_else(|| self.out_of_time(record)),
        };
        let failure = self.with_accounts(key, failure);
        let ambiguity = self.ambiguity(record);
        let may_be_wanted = failure.is_no_such_entity() && self.missing == Missing::Succeeds;
        if ambiguity != Ambiguity::None || may_be_wanted {
            return self.verify(key, failure, record, allowance).await;
        }
        Outcome::Failed {
            failure,
            known: KeyState::NotDone(untouched(record).to_owned()),
        }
    }

    /// Sends the request, and again as long as no response of IAM's says what became of it: the change is idempotent, and
    /// a request without a response may still act. What went wrong last is in `last`, also when this is dropped.
    async fn send_until_answered(
        &self,
        key: &Key,
        record: &Record,
        last: &mut Option<CallError>,
    ) -> Result<Reply, CallError> {
        let [mut pause, longest] = SEND_AGAIN;
        loop {
            let failure = match self.send(key, record).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let is_answered = match &failure {
                // Trouble of IAM's own says nothing about the request that is out.
                CallError::Service(error) => !matches!(
                    error.kind(),
                    ErrorKind::ServiceFailure | ErrorKind::Throttling
                ),
                CallError::NotFound(_)
                | CallError::NotSent(_)
                | CallError::NoResponse(_)
                | CallError::Incomplete(_) => false,
            };
            if is_answered || !record.is_unanswered() || record.is_closed() {
                return Err(failure);
            }
            *last = Some(failure);
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn send(&self, key: &Key, record: &Record) -> Result<Reply, CallError> {
        match self.action {
            Action::Delete => self.iam.delete_access_key(key, record).await,
            Action::Deactivate => self.iam.deactivate_access_key(key, record).await,
        }
    }

    /// A signal ended the run: what is known, and the last error that IAM returned.
    fn stopped(&self, key: &Key, record: &Record, exit: Exit, known: KeyState) -> Outcome {
        let last = self.with_accounts(key, self.out_of_time(record));
        // What is done did not fail.
        let is_told = last.service().is_some() && !matches!(known, KeyState::Done(_));
        let failure = is_told.then_some(last);
        Outcome::Stopped {
            exit,
            known,
            failure,
        }
    }

    fn out_of_time(&self, record: &Record) -> CallError {
        let operation = match self.action {
            Action::Delete => "DeleteAccessKey",
            Action::Deactivate => "UpdateAccessKey",
        };
        crate::aws::out_of_time(operation, record, self.limit)
    }

    /// Adds the two accounts to `NoSuchEntity` when the key's ID encodes another than the signer's.
    fn with_accounts(&self, key: &Key, mut failure: CallError) -> CallError {
        if failure.is_no_such_entity()
            && let Some(context) = failure.context_mut()
        {
            context.accounts = guard::foreign_account(&key.id, self.signer);
        }
        failure
    }
}

/// What IAM's `NoSuchEntity` says of a key, and no more.
const NO_SUCH_KEY: &str = "IAM finds no such key for this user";

/// Why a key is surely as it was, when no attempt can have changed it.
fn untouched(record: &Record) -> &'static str {
    if record.is_missing() {
        NO_SUCH_KEY
    } else if record.was_sent() {
        "IAM refused the request"
    } else {
        "nothing was sent to IAM"
    }
}
