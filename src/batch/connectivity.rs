//! Whether IAM can still be reached. An outage of a second must not end a run, and a longer one must not cost three attempts
//! for every key of a list.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::CallError;
use crate::outcome::{KeyState, Outcome};

/// The pauses in seconds, each after a key for which IAM did not respond. An outage that is shorter than all pauses together
/// ends no run, whatever `--jobs` is.
const PAUSES: [u64; 3] = [1, 2, 4];

/// How many keys are in flight before IAM has responded. Each response adds one, up to `--jobs`.
const AT_FIRST: usize = 4;

/// The connection to IAM according to the last results.
#[derive(Debug, Default)]
pub(super) struct Connectivity {
    responses: usize,
    /// The number of consecutive keys without a response.
    silent: usize,
    /// The number of those among them for which this process could make no request.
    local: usize,
    /// The number of pauses since the last response.
    pauses: usize,
    /// The end of the current pause.
    until: Option<Instant>,
}

impl Connectivity {
    /// Records what the result of a key says about the connection.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        if let Outcome::Failed {
            failure: CallError::NotSent(error),
            ..
        } = outcome
        {
            self.local += usize::from(error.is_local());
        }
        match outcome {
            Outcome::Failed {
                failure: CallError::NotSent(_),
                ..
            }
            | Outcome::Failed {
                failure: CallError::NoResponse(_),
                known: KeyState::Unknown { .. } | KeyState::NotDone(_),
            } => {
                self.silent += 1;
                self.until = None;
            }
            Outcome::Done { .. }
            | Outcome::Missing(_)
            | Outcome::Skipped(_)
            | Outcome::Already(_)
            | Outcome::Failed { .. } => self.add_response(),
            // IAM was not called.
            Outcome::WouldChange(_)
            | Outcome::Refused(_)
            | Outcome::OwnKey
            | Outcome::NotTried { .. }
            | Outcome::LeftUnverified { .. }
            | Outcome::Stopped { .. } => {}
        }
    }

    /// Records a response. It ends an outage, even if it is for a key that was in flight.
    pub(super) fn add_response(&mut self) {
        *self = Self {
            responses: self.responses + 1,
            ..Self::default()
        }
    }

    /// Returns why there was no response, as a clause.
    pub(super) fn why_silent(&self) -> &'static str {
        if self.local == self.silent {
            "no request could be made"
        } else {
            "IAM did not respond"
        }
    }

    /// Returns how many keys may be in flight. During an outage it is one: the keys in flight show whether it is over.
    pub(super) fn max_keys(&self, jobs: usize) -> usize {
        if self.silent > 0 {
            1
        } else {
            jobs.min(AT_FIRST + self.responses)
        }
    }

    /// Returns when the next key may be started, if that is later than `now`. It is called while no key is in flight.
    ///
    /// # Errors
    ///
    /// There were enough pauses: IAM cannot be reached. The number of consecutive keys without a response.
    pub(super) fn pause(&mut self, now: Instant) -> Result<Option<Instant>, usize> {
        if self.silent == 0 {
            return Ok(None);
        }
        let until = if let Some(until) = self.until {
            until
        } else {
            let pause = PAUSES.get(self.pauses).ok_or(self.silent)?;
            self.pauses += 1;
            *self.until.insert(now + Duration::from_secs(*pause))
        };
        Ok(Some(until).filter(|until| *until > now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{AT_FIRST, Connectivity, PAUSES};
    use crate::error::{CallError, NO_MEMORY, TransportError};
    use crate::outcome::Outcome;

    fn silence() -> Outcome {
        Outcome::not_done(CallError::NotSent(TransportError::default()), "")
    }

    /// Lets the pause that is due pass.
    fn wait(connectivity: &mut Connectivity, now: &mut Instant) -> Result<(), usize> {
        if let Some(until) = connectivity.pause(*now)? {
            assert!(until > *now);
            *now = until;
            assert_eq!(connectivity.pause(*now), Ok(None), "the next key may start");
        }
        Ok(())
    }

    #[test]
    fn a_run_pauses_for_a_silent_iam_and_gives_up_after_a_few_keys() {
        for jobs in [1, 2, 8, 64] {
            let (mut connectivity, start) = (Connectivity::default(), Instant::now());
            let mut now = start;
            assert_eq!(connectivity.max_keys(jobs), jobs.min(AT_FIRST));
            (0..jobs).for_each(|_| connectivity.add_response());
            assert_eq!(connectivity.max_keys(jobs), jobs);
            assert_eq!(connectivity.pause(now), Ok(None));
            // Those in flight get no response, and then one key after each pause.
            (0..jobs).for_each(|_| connectivity.add(&silence()));
            for pause in PAUSES {
                assert_eq!(connectivity.max_keys(jobs), 1);
                let before = now;
                assert_eq!(wait(&mut connectivity, &mut now), Ok(()));
                assert_eq!(now - before, Duration::from_secs(pause));
                connectivity.add(&silence());
            }
            assert_eq!(wait(&mut connectivity, &mut now), Err(jobs + PAUSES.len()));
            assert!(now - start >= Duration::from_secs(7));
        }
    }

    #[test]
    fn a_read_without_a_response_is_silence_and_a_late_one_is_not() {
        let late = || TransportError::out_of_time("ListUsers did not finish", Duration::ZERO);
        for (failure, expected) in [
            (CallError::NoResponse(late()), 1),
            (CallError::Incomplete(late()), 5),
        ] {
            let mut connectivity = Connectivity::default();
            connectivity.add(&Outcome::not_done(failure, ""));
            assert_eq!(connectivity.max_keys(8), expected);
        }
    }

    #[test]
    fn iam_is_silent_only_if_a_request_could_be_made() {
        let no_memory = || TransportError::new("iam.amazonaws.com", NO_MEMORY);
        let refused = || TransportError::new("iam.amazonaws.com", "the connection was refused");
        for (errors, expected) in [
            (vec![no_memory(), no_memory()], "no request could be made"),
            (vec![no_memory(), refused()], "IAM did not respond"),
            (vec![refused(), no_memory()], "IAM did not respond"),
        ] {
            let mut connectivity = Connectivity::default();
            for error in errors {
                connectivity.add(&Outcome::not_done(CallError::NotSent(error), ""));
            }
            assert_eq!(connectivity.why_silent(), expected);
        }
    }

    #[test]
    fn any_answer_starts_the_count_again() {
        let mut now = Instant::now();
        let mut connectivity = Connectivity::default();
        for answers in 1..10 {
            for _ in PAUSES {
                connectivity.add(&silence());
                assert_eq!(wait(&mut connectivity, &mut now), Ok(()));
                // A key that was refused or interrupted says nothing.
                connectivity.add(&Outcome::OwnKey);
                assert_eq!(connectivity.max_keys(8), 1);
            }
            connectivity.add_response();
            assert_eq!(connectivity.max_keys(8), (AT_FIRST + answers).min(8));
            assert_eq!(connectivity.pause(now), Ok(None));
        }
    }
}
