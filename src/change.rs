//! One key is changed: the call, its limit and its signals. A lost response never becomes "deleted" or "failed" by
//! guesswork: the request is sent again until IAM answers, and the key's state is verified.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::aws::attempt::Attempts;
use crate::aws::{KeyBudget, timed_out};
use crate::conclude::{Ambiguity, Evidence, Response, place};
use crate::error::{CallError, ErrorKind, Exit};
use crate::locate::{KeyLocation, Search, with_accounts};
use crate::outcome::{KeyState, Outcome, ResponseMetadata};
use crate::request::{Missing, Quantity};
use crate::signal::{self, Signals};

/// How long a signal leaves for the response that is awaited.
const FOR_RESPONSE: Duration = Duration::from_millis(400);

/// The first and the longest pause before a request whose response was lost is sent again.
const SEND_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// How long verification takes where the lists lag.
const VERIFICATION: Duration = Duration::from_millis(2500);

/// How a key is changed.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The key, and how it is looked for.
    pub(crate) search: Search<'a>,
    /// Whether the run is about more keys: then a signal is the run's affair, and what is done is done.
    pub(crate) quantity: Quantity,
    /// What a key that is already gone means.
    pub(crate) missing: Missing,
    /// Whether an earlier run may have changed the key.
    pub(crate) earlier: Ambiguity,
    /// The attempts, while they are made.
    pub(crate) record: &'a Attempts,
    /// The limit that is left.
    pub(crate) budget: &'a KeyBudget,
    /// The whole limit, for messages.
    pub(crate) limit: Duration,
}

impl Change<'_> {
    /// Changes the key. Says what became of it, and how many requests that took.
    pub(crate) async fn run(&self, signals: &mut Signals) -> (Outcome, usize) {
        let mut signal = None;
        let outcome = {
            let call = self.call();
            tokio::pin!(call);
            tokio::select! {
                outcome = &mut call => outcome,
                exit = signals.next() => {
                    signal = Some(exit);
                    self.wind_up(&mut call, exit, signals).await
                }
            }
        };
        let outcome = match (signal, outcome) {
            (Some(exit), Outcome::Failed { known, .. }) => self.stopped(exit, known),
            (_, outcome) if self.quantity == Quantity::Many => outcome,
            (Some(exit), Outcome::Missing(_)) => {
                self.stopped(exit, KeyState::NotDone(self.untouched().to_owned()))
            }
            (Some(exit), Outcome::Done { evidence, .. }) => {
                let known = KeyState::Done(
                    evidence.unwrap_or_else(|| "IAM confirmed it before the run ended".to_owned()),
                );
                self.stopped(exit, known)
            }
            (_, outcome) => outcome,
        };
        let attempts = match signal {
            // A key whose attempt a signal kept from leaving was not tried.
            Some(_) if !self.record.was_sent() => 0,
            _ => self.record.count(),
        };
        (outcome, attempts)
    }

    /// A key that an earlier run started to change: whether that is done, as far as IAM's lists prove it.
    pub(crate) async fn confirm_earlier(&self) -> Option<Outcome> {
        let found = async {
            match self.search.locate_key().await {
                found if found.is_absence() => self.search.locate_confirmed(&mut None).await,
                found => self.search.or_after_lag(found, &mut None).await,
            }
        };
        let found = self.budget.spend(Duration::ZERO, found).await?;
        let shown = self.shows_done(&found)?;
        Some(Outcome::Done {
            response: None,
            evidence: Some(format!("an earlier run started this; {shown}")),
        })
    }

    /// After a signal: no further attempt leaves. The response that is awaited gets a moment, and then the key is looked
    /// for, both within the time that a signal leaves.
    async fn wind_up(
        &self,
        call: &mut (impl Future<Output = Outcome> + Unpin),
        exit: Exit,
        signals: &mut Signals,
    ) -> Outcome {
        self.record.close();
        let end = Instant::now() + signal::KEYS;
        let stopped = |known| self.stopped(exit, known);
        let not_done = || stopped(KeyState::NotDone(self.untouched().to_owned()));
        let is_ambiguous = || self.ambiguity() != Ambiguity::None;
        if !is_ambiguous() && !self.record.is_no_such_entity() {
            return not_done();
        }
        let unknown = || match self.ambiguity() {
            Ambiguity::None => not_done(),
            Ambiguity::EarlierRun | Ambiguity::RecentRun => stopped(KeyState::started_earlier()),
            Ambiguity::ServerError => stopped(KeyState::Unknown(
                "IAM returned an error, but may still make the change".into(),
            )),
            Ambiguity::Unanswered => stopped(KeyState::Unknown(
                "the request was sent and no response arrived".into(),
            )),
        };
        let last = async {
            let deadline = if self.record.awaits_response() {
                Instant::now() + FOR_RESPONSE
            } else {
                end
            };
            if let Ok(outcome) = timeout_at(deadline, &mut *call).await {
                return outcome;
            }
            // The response arrived: the call goes on to verify what it means.
            if !self.record.awaits_response()
                && let Ok(outcome) = timeout_at(end, call).await
            {
                return outcome;
            }
            if !is_ambiguous() {
                return not_done();
            }
            let found = timeout_at(end, self.search.locate_confirmed(&mut None)).await;
            match found.ok().and_then(|found| self.shows_done(&found)) {
                Some(known) => {
                    let what = match self.ambiguity() {
                        Ambiguity::ServerError => "IAM returned an error",
                        _ => "no response arrived",
                    };
                    Outcome::Done {
                        response: None,
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

    async fn call(&self) -> Outcome {
        // A part of the limit is kept to verify the key's state, should the response be lost.
        let reserve = (self.limit / 3).clamp(VERIFICATION, Duration::from_secs(10));
        let reserve = reserve.min(self.limit / 2);
        let mut last = None;
        let reply = self.send_until_answered(&mut last);
        let failure = match self.budget.spend(reserve, reply).await {
            Some(Ok(reply)) => {
                return Outcome::Done {
                    response: Some(reply),
                    evidence: None,
                };
            }
            Some(Err(failure)) => failure,
            None => last.unwrap_or_else(|| self.timed_out()),
        };
        let failure = with_accounts(failure, self.search.key, self.search.signer);
        let ambiguity = self.ambiguity();
        let may_be_wanted = failure.is_no_such_entity() && self.missing == Missing::Succeeds;
        if ambiguity != Ambiguity::None || may_be_wanted {
            return self.verify(failure).await;
        }
        Outcome::Failed {
            failure,
            known: KeyState::NotDone(self.untouched().to_owned()),
        }
    }

    /// Sends the request, and again as long as no response of IAM's says what became of it: the change is idempotent, and
    /// a request without a response may still act. What went wrong last is in `last`, also when this is dropped.
    async fn send_until_answered(
        &self,
        last: &mut Option<CallError>,
    ) -> Result<ResponseMetadata, CallError> {
        let [mut pause, longest] = SEND_AGAIN;
        loop {
            let failure = match self.send().await {
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
            if is_answered || !self.record.lacks_response() || self.record.is_closed() {
                return Err(failure);
            }
            *last = Some(failure);
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn send(&self) -> Result<ResponseMetadata, CallError> {
        let Search { iam, key, .. } = self.search;
        match self.search.action.status() {
            None => iam.delete_access_key(key, self.record).await,
            Some(status) => iam.update_access_key(key, &status, self.record).await,
        }
    }

    /// A signal ended the run: what is known, and the last error that IAM returned.
    fn stopped(&self, exit: Exit, known: KeyState) -> Outcome {
        let Search { key, signer, .. } = self.search;
        let last = with_accounts(self.timed_out(), key, signer);
        // What is done did not fail.
        let is_told = last.service().is_some() && !matches!(known, KeyState::Done(_));
        let failure = is_told.then_some(last);
        Outcome::Stopped {
            exit,
            known,
            failure,
        }
    }

    fn timed_out(&self) -> CallError {
        timed_out(self.search.action.operation(), self.record, self.limit)
    }

    /// Why the key may be changed, by the attempts so far.
    fn ambiguity(&self) -> Ambiguity {
        if self.record.lacks_response() {
            Ambiguity::Unanswered
        } else if self.earlier != Ambiguity::None {
            self.earlier
        } else if self.record.may_have_acted() {
            Ambiguity::ServerError
        } else {
            Ambiguity::None
        }
    }

    /// Looks for the key within what is left of the limit, and says what became of it.
    async fn verify(&self, failure: CallError) -> Outcome {
        let (ambiguity, response) = (self.ambiguity(), Response::of(&failure));
        let mut last = None;
        let found = async {
            let found = self.search.locate_confirmed(&mut last).await;
            if ambiguity == Ambiguity::None {
                return found;
            }
            self.search.or_after_lag(found, &mut last).await
        };
        let found = self.budget.spend(Duration::ZERO, found).await;
        let location = match (found, last) {
            (Some(found), _) => found,
            // Out of time: while a request is out, a list that may lag decides nothing, and is only reported.
            (None, Some(listed @ KeyLocation::Listed(_)))
                if matches!(ambiguity, Ambiguity::ServerError | Ambiguity::Unanswered) =>
            {
                listed
            }
            (None, _) => KeyLocation::LookupFailed,
        };
        let evidence = Evidence {
            action: self.search.action,
            missing: self.missing,
            hint: &self.search.hint,
            ambiguity,
            response,
            location: &location,
        };
        evidence.outcome(self.search.key, failure)
    }

    /// What the list says that was done, if it does.
    fn shows_done(&self, location: &KeyLocation) -> Option<String> {
        let Search { action, hint, .. } = &self.search;
        let is_done = location.shows_done(*action);
        is_done.then(|| place(*action, hint, location))
    }

    /// Why a key is certainly unchanged: no attempt can have changed it.
    fn untouched(&self) -> &'static str {
        let response = Response::of(&self.timed_out());
        response.says_missing().unwrap_or({
            if self.record.was_sent() {
                "IAM refused the request"
            } else {
                "nothing was sent to IAM"
            }
        })
    }
}
