//! Whether IAM can still be reached. An outage of a second must not end a run, and a longer one must not cost every key of a
//! list three attempts.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::CallError;
use crate::outcome::{KeyState, Outcome};

/// How long the run pauses after a key for which IAM did not respond, before it tries one more: each time longer. An outage that
/// is shorter than all pauses together ends no run, whatever `--jobs` is.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How many keys are in flight before IAM has answered one: where it is gone from the start, no more are needed to find
/// out. Each answer adds one, up to `--jobs`.
const AT_FIRST: usize = 4;

/// What the result of a key says of the connection to IAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Contact {
    /// IAM answered.
    Responded,
    /// It did not.
    NoResponse,
    /// It was not asked.
    #[default]
    NotTried,
}

/// The connection to IAM as the last results show it.
#[derive(Debug, Default)]
pub(super) struct Connectivity {
    answers: usize,
    /// How many keys in a row got no answer.
    silent: usize,
    pauses: usize,
    until: Option<Instant>,
}

impl Contact {
    /// What this outcome says.
    pub(super) fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Failed {
                failure: CallError::NotSent(_),
                ..
            }
            | Outcome::Failed {
                failure: CallError::NoResponse(_),
                known: KeyState::Unknown { .. },
            } => Self::NoResponse,
            Outcome::Done { .. }
            | Outcome::Missing(_)
            | Outcome::Skipped(_)
            | Outcome::Already(_)
            | Outcome::Failed { .. } => Self::Responded,
            Outcome::WouldChange(_)
            | Outcome::Refused(_)
            | Outcome::OwnKey
            | Outcome::NotTried { .. }
            | Outcome::LeftUnverified { .. }
            | Outcome::Stopped { .. } => Self::NotTried,
        }
    }
}

impl Connectivity {
    /// Any answer, also one to a key that was in flight, ends the silence.
    pub(super) fn contact(&mut self, contact: Contact) {
        match contact {
            Contact::Responded => {
                *self = Self {
                    answers: self.answers + 1,
                    ..Self::default()
                }
            }
            Contact::NoResponse => {
                self.silent += 1;
                self.until = None;
            }
            Contact::NotTried => {}
        }
    }

    /// How many keys may be in flight: one where IAM is silent, since those that are in flight show whether it is back.
    pub(super) fn at_once(&self, jobs: usize) -> usize {
        if self.silent > 0 {
            1
        } else {
            jobs.min(AT_FIRST + self.answers)
        }
    }

    /// Until when the run has to pause before the next key, asked while no key is in flight.
    ///
    /// # Errors
    ///
    /// It has paused often enough: IAM is gone. The number of keys in a row without a response.
    pub(super) fn pause(&mut self, now: Instant) -> Result<Option<Instant>, usize> {
        if self.silent == 0 {
            return Ok(None);
        }
        let until = if let Some(until) = self.until {
            until
        } else {
            let pause = PAUSES.get(self.pauses).ok_or(self.silent)?;
            self.pauses += 1;
            *self.until.insert(now + *pause)
        };
        Ok(Some(until).filter(|until| *until > now))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{AT_FIRST, Connectivity, Contact, PAUSES};

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
            assert_eq!(connectivity.at_once(jobs), jobs.min(AT_FIRST));
            (0..jobs).for_each(|_| connectivity.contact(Contact::Responded));
            assert_eq!(connectivity.at_once(jobs), jobs);
            assert_eq!(connectivity.pause(now), Ok(None));
            // Those in flight get no answer, and then one key after each pause.
            (0..jobs).for_each(|_| connectivity.contact(Contact::NoResponse));
            for pause in PAUSES {
                assert_eq!(connectivity.at_once(jobs), 1);
                let before = now;
                assert_eq!(wait(&mut connectivity, &mut now), Ok(()));
                assert_eq!(now - before, pause);
                connectivity.contact(Contact::NoResponse);
            }
            assert_eq!(wait(&mut connectivity, &mut now), Err(jobs + PAUSES.len()));
            assert!(now - start >= std::time::Duration::from_secs(7));
        }
    }

    #[test]
    fn any_answer_starts_the_count_again() {
        let mut now = Instant::now();
        let mut connectivity = Connectivity::default();
        for answers in 1..10 {
            for _ in PAUSES {
                connectivity.contact(Contact::NoResponse);
                assert_eq!(wait(&mut connectivity, &mut now), Ok(()));
                // A key that was refused or interrupted says nothing.
                connectivity.contact(Contact::NotTried);
                assert_eq!(connectivity.at_once(8), 1);
            }
            connectivity.contact(Contact::Responded);
            assert_eq!(connectivity.at_once(8), (AT_FIRST + answers).min(8));
            assert_eq!(connectivity.pause(now), Ok(None));
        }
    }
}
