//! Changes one key: the call, its time limit and signals. A lost response never becomes "deleted" or "failed" by guesswork:
//! the request is sent again until IAM responds, and the state of the key is verified.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::aws::attempt::Attempts;
use crate::aws::{TimeBudget, timed_out};
use crate::conclude::{Ambiguity, Response, check, describe_ambiguity};
use crate::error::{CallError, ErrorKind, Exit, SearchScope};
use crate::guard;
use crate::locate::{KeyLocation, LIST_LAG, Search, with_key};
use crate::outcome::{Check, KeyState, Outcome, ResponseMetadata};
use crate::signal::{self, Signals};

/// How long a pending response may take after a signal before the key is located too.
const FOR_RESPONSE: Duration = Duration::from_millis(400);

/// How long a response that has arrived may take to be read after a second signal.
const AT_HAND: Duration = Duration::from_millis(50);

/// The first and the longest pause before a request without a response is sent again.
const SEND_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// How long verification takes if the lists lag, and the least time for it if most of the limit has passed.
const VERIFICATION: [Duration; 2] = [Duration::from_millis(3500), Duration::from_millis(500)];

/// The change of one key.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The key, and how to locate it.
    pub(crate) search: Search<'a>,
    /// Whether an earlier run may have changed the key.
    pub(crate) earlier: Ambiguity,
    /// The attempts so far.
    pub(crate) attempts: Attempts,
    pub(crate) budget: &'a TimeBudget,
    /// Whether the key is being located to learn what the attempts did: by the call, or after a signal in its place.
    pub(crate) is_located: Cell<bool>,
}

impl Change<'_> {
    /// Changes the key. Returns the outcome and the number of requests that were sent.
    pub(crate) async fn run(&self, signals: &mut Signals) -> (Outcome, usize) {
        let call = self.send_and_verify();
        tokio::pin!(call);
        let exit = tokio::select! {
            // After a signal, the call must not get a slot of the rate limiter and send the first request.
            biased;
            exit = signals.next() => exit,
            outcome = &mut call => return (outcome, self.attempts.count_sent()),
        };
        let is_single = self.search.request.single().is_some();
        let outcome = match self.finish_after_signal(&mut call, exit, signals).await {
            Outcome::Failed { known, .. } => self.stopped(exit, known),
            Outcome::Missing(_) if is_single => self.stopped(exit, self.unverified_state()),
            Outcome::Done {
                evidence, failure, ..
            } if is_single => Outcome::Stopped {
                exit,
                known: KeyState::Done(evidence.unwrap_or_default()),
                failure,
            },
            outcome => outcome,
        };
        (outcome, self.attempts.count_sent())
    }

    /// Returns the outcome of a change that an earlier run started, if IAM's lists prove that it was done. If a request may
    /// follow, most of the limit is reserved for it, so that a resumed run makes progress.
    pub(crate) async fn confirm_earlier(&self, may_send: bool) -> Option<Outcome> {
        let limit = self.search.request.limit;
        let reserve = if may_send {
            limit * 2 / 3
        } else {
            Duration::ZERO
        };
        let for_search = limit.saturating_sub(reserve);
        let found = async {
            match self.search.locate_key().await {
                found if found.is_absence() => self.search.locate_confirmed().await,
                // The status may be the requested one.
                KeyLocation::Listed(None) if LIST_LAG <= for_search => {
                    self.search.locate_confirmed().await
                }
                found => self.search.confirm_other_owner(found).await,
            }
        };
        let found = self.budget.spend(reserve, found).await?;
        let shown = self.shows_done(&found)?;
        let failure = self.search.is_owner_unchecked(&found).then(|| {
            let failure = CallError::not_found(SearchScope::Account);
            self.search.presumed(failure, &found)
        });
        Some(Outcome::started_earlier(&shown, failure))
    }

    /// Ends the change after a signal: no further attempt is made. If a pending response takes more than a moment, the key is
    /// located too. The first proof counts, within the time that a signal leaves.
    async fn finish_after_signal(
        &self,
        call: &mut (impl Future<Output = Outcome> + Unpin),
        exit: Exit,
        signals: &mut Signals,
    ) -> Outcome {
        self.attempts.close();
        self.search.iam.lift_limit_in_flight();
        let end = Instant::now() + signal::KEYS;
        let unverified = || self.stopped(exit, self.unverified_state());
        if self.ambiguity() == Ambiguity::None && !self.attempts.is_no_such_entity() {
            return unverified();
        }
        let location = async {
            if self.attempts.awaits_response() {
                sleep(FOR_RESPONSE).await;
            }
            if !self.ambiguity().is_unconfirmed() || self.is_located.replace(true) {
                return pending().await;
            }
            let found = self.search.locate_confirmed().await;
            match self.shows_done(&found) {
                Some(shown) if self.ambiguity().is_unconfirmed() => {
                    let cause = self.describe_ambiguity(found.is_gone());
                    let failure = self.search.presumed(self.timed_out(), &found);
                    Outcome::confirmed(format!("{cause}; {shown}"), Some(failure))
                }
                _ => pending().await,
            }
        };
        let second = async {
            signals.next().await;
            sleep(AT_HAND).await;
        };
        tokio::select! {
            biased;
            outcome = call => outcome,
            outcome = location => outcome,
            () = sleep_until(end) => unverified(),
            () = second => unverified(),
        }
    }

    async fn send_and_verify(&self) -> Outcome {
        // A part of the limit is reserved to verify the key's state if the response is lost: at most half of what the reads
        // before the request left.
        let [for_lag, least] = VERIFICATION;
        let reserve = (self.search.request.limit / 3).clamp(for_lag, Duration::from_secs(10));
        let reserve = reserve.min((self.budget.left() / 2).max(least));
        let outcome = self.send_and_verify_within(reserve).await;
        let location = KeyLocation::LookupDenied;
        let rests_on_response = self.search.found.borrow().as_ref() == Some(&location)
            && matches!(
                &outcome,
                Outcome::Missing(_) | Outcome::Done { response: None, .. }
            );
        if !rests_on_response {
            return outcome;
        }
        // IAM can hide a new key for a moment, and nothing but its next response can show that.
        let sent = self.attempts.count_sent();
        let confirmed = self.search.confirm(&location);
        let is_confirmed = self.budget.spend(reserve, confirmed).await.is_some();
        if is_confirmed && !self.attempts.is_closed() {
            self.is_located.set(false);
            let outcome = self.send_and_verify_within(reserve).await;
            if self.attempts.count_sent() > sent || self.attempts.ended_at_own_key() {
                return outcome;
            }
        }
        let mut failure = self.timed_out();
        if let Some(context) = failure.context_mut() {
            context.lookup_denied = true;
        }
        let unconfirmed = KeyLocation::ListDenied;
        self.search
            .conclude(self.ambiguity(), failure, &unconfirmed)
    }

    /// Sends the request and verifies what it did. `reserve` is the part of the time for that.
    async fn send_and_verify_within(&self, reserve: Duration) -> Outcome {
        let mut last = None;
        let response = self.send_until_answered(&mut last);
        let failure = match self.budget.spend(reserve, response).await {
            Some(Ok(response)) => {
                return Outcome::Done {
                    response: Some(response),
                    evidence: None,
                    failure: None,
                };
            }
            Some(Err(failure)) => failure,
            None => last.unwrap_or_else(|| self.timed_out()),
        };
        let Search {
            iam, request, key, ..
        } = self.search;
        // If a request is out, its outcome is verified all the same.
        if self.attempts.ended_at_own_key()
            && !self.ambiguity().is_of_this_run()
            && let Some(outcome) = guard::signing_key(key, &iam.signer, request)
        {
            return outcome;
        }
        let is_wanted = request.ignore_missing;
        if self.ambiguity() != Ambiguity::None || is_wanted && failure.is_no_such_entity() {
            return self.verify(failure).await;
        }
        let failure = with_key(failure, key, iam);
        let known = self.not_done();
        Outcome::Failed { failure, known }
    }

    /// Sends the request, and again while no response from IAM says what happened: the change is idempotent, and a request
    /// without a response may still take effect. `last` gets the last failure, for the case that this future is dropped.
    async fn send_until_answered(
        &self,
        last: &mut Option<CallError>,
    ) -> Result<ResponseMetadata, CallError> {
        let [mut pause, longest] = SEND_AGAIN;
        loop {
            let failure = match self.send().await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            // Server errors and throttling say nothing about the request that is out.
            let is_answered = failure.service().is_some_and(|error| {
                !matches!(
                    error.kind(),
                    ErrorKind::ServiceFailure | ErrorKind::Throttling
                )
            });
            if is_answered || !self.attempts.lacks_response() || self.attempts.is_closed() {
                return Err(failure);
            }
            *last = Some(failure);
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn send(&self) -> Result<ResponseMetadata, CallError> {
        let Search { iam, key, .. } = self.search;
        let status = self.search.request.action.status();
        iam.change_access_key(key, status.as_ref(), &self.attempts)
            .await
    }

    /// Returns the outcome of a key when a signal ends the run, with the last error that IAM returned.
    fn stopped(&self, exit: Exit, known: KeyState) -> Outcome {
        let last = with_key(self.timed_out(), self.search.key, self.search.iam);
        let error = last.last_service_error();
        Outcome::Stopped {
            exit,
            failure: error.cloned().map(CallError::Service),
            known,
        }
    }

    fn timed_out(&self) -> CallError {
        timed_out(&self.attempts, self.search.request.limit)
    }

    /// Returns what IAM responded to the attempts so far.
    fn response(&self) -> Response {
        Response::of(&self.timed_out())
    }

    /// Returns why the key may have been changed by the attempts so far.
    pub(crate) fn ambiguity(&self) -> Ambiguity {
        if self.attempts.lacks_response() {
            Ambiguity::Unanswered
        } else if self.earlier != Ambiguity::RecentRun && self.attempts.may_have_acted() {
            Ambiguity::ServerError
        } else {
            self.earlier
        }
    }

    /// Locates the key within the rest of the time limit, and concludes what happened to it.
    async fn verify(&self, mut failure: CallError) -> Outcome {
        if self.is_located.replace(true) {
            return pending().await;
        }
        if let Some(context) = failure.context_mut() {
            context.only_429 = self.attempts.are_bare_429();
        }
        let ambiguity = self.ambiguity();
        let found = async {
            let found = self.search.locate_confirmed().await;
            if ambiguity == Ambiguity::None {
                return found;
            }
            self.search.confirm_other_owner(found).await
        };
        let found = self.budget.spend(Duration::ZERO, found).await;
        let location = found.unwrap_or_else(|| match ambiguity {
            Ambiguity::None if self.search.found.borrow().is_some() => KeyLocation::Unconfirmed,
            Ambiguity::None => KeyLocation::LookupFailed,
            _ => self.search.location_so_far(ambiguity.is_of_this_run()),
        });
        self.search.conclude(ambiguity, failure, &location)
    }

    /// Describes the location if it proves that the change was done.
    fn shows_done(&self, location: &KeyLocation) -> Option<String> {
        let is_done = location.shows_done(self.search.request.action);
        is_done.then(|| self.search.describe(location))
    }

    /// Returns the state of the key as far as the attempts show it.
    fn unverified_state(&self) -> KeyState {
        match self.ambiguity() {
            Ambiguity::None => self.not_done(),
            Ambiguity::ChangedBefore => {
                let location = self.search.location_so_far(false);
                let known = KeyState::changed_before(self.search.request.action);
                known.with_check(self.check(&location))
            }
            Ambiguity::EarlierRun | Ambiguity::RecentRun => {
                let location = self.search.location_so_far(false);
                KeyState::started_earlier().with_check(self.check(&location))
            }
            Ambiguity::ServerError | Ambiguity::Unanswered => {
                let location = self.search.location_so_far(true);
                let check = self.check(&location);
                let cause = self.describe_ambiguity(false);
                let why = match location {
                    KeyLocation::LookupFailed | KeyLocation::Unconfirmed => cause.to_owned(),
                    _ => format!("{cause}; {}", self.search.describe(&location)),
                };
                KeyState::Unknown { why, check }
            }
        }
    }

    /// Returns where more can be learned about the key at this location.
    fn check(&self, location: &KeyLocation) -> Check {
        check(self.search.key, self.response(), location)
    }

    /// Says why the key may have been changed by the attempts so far.
    fn describe_ambiguity(&self, is_gone: bool) -> &'static str {
        describe_ambiguity(self.ambiguity(), self.response(), is_gone)
    }

    /// Returns the state of a key that no attempt can have changed, and why.
    fn not_done(&self) -> KeyState {
        let why = match self.response().missing() {
            Some(why) => why,
            None if self.attempts.was_sent() => "IAM refused the request",
            None if self.search.request.reads_first() => "no request to change it was sent to IAM",
            None => "nothing was sent to IAM",
        };
        KeyState::NotDone(why.to_owned())
    }
}
