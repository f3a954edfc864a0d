//! The time limit of one key, and of the credentials. Time in which all requests of a key wait for the rate limiter does not
//! count, nor time in which the key waits for the journal. Otherwise a slow run with many jobs would give up on keys that
//! were never tried. Time in which a person enters an MFA code does not count either.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::attempt::Attempts;
use super::error::timed_out;
use crate::error::{CallError, Hint, RunError, TransportError};
use crate::lock::lock;

/// The clock that all requests of one key share.
pub(super) type SharedClock = Arc<Mutex<WaitClock>>;

/// Measures how long the requests of one key wait.
#[derive(Debug, Default)]
pub(super) struct WaitClock {
    /// The number of requests that wait for the rate limiter, and of those that run.
    waiting: i32,
    running: i32,
    /// Since when all requests wait.
    all_waiting_since: Option<Instant>,
    /// The waiting time before that.
    earlier: Duration,
    /// Whether any request was sent, and whether the service responded to one.
    was_sent: bool,
    has_response: bool,
    /// The attempts of the last request that made one.
    last: Option<Attempts>,
}

impl WaitClock {
    /// Returns the time in which all requests of the key waited.
    fn waited(&self) -> Duration {
        let since = self.all_waiting_since.map(|since| since.elapsed());
        self.earlier + since.unwrap_or_default()
    }

    /// Adds to the number of waiting and of running requests.
    fn adjust(&mut self, waiting: i32, running: i32) {
        self.waiting += waiting;
        self.running += running;
        if self.waiting > 0 && self.running == 0 {
            self.all_waiting_since.get_or_insert_with(Instant::now);
        } else if let Some(since) = self.all_waiting_since.take() {
            self.earlier += since.elapsed();
        }
    }
}

/// A waiting or running request. It stops counting when it is dropped, even in the middle of the request.
#[derive(Debug)]
pub(super) struct WaitGuard {
    wait_clock: SharedClock,
    /// The attempts of a running request.
    running: Option<Attempts>,
}

impl WaitGuard {
    /// Counts a request as waiting.
    pub(super) fn start(wait_clock: &SharedClock) -> Self {
        lock(wait_clock).adjust(1, 0);
        Self {
            wait_clock: Arc::clone(wait_clock),
            running: None,
        }
    }

    /// Counts the request as running.
    pub(super) fn stop_waiting(&mut self, attempts: &Attempts) {
        self.running = Some(attempts.clone());
        lock(&self.wait_clock).adjust(-1, 1);
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        let mut clock = lock(&self.wait_clock);
        let Some(attempts) = &self.running else {
            return clock.adjust(-1, 0);
        };
        clock.adjust(0, -1);
        clock.was_sent |= attempts.was_sent();
        clock.has_response |= attempts.has_response();
        if attempts.count() > 0 {
            clock.last = Some(attempts.clone());
        }
    }
}

const MORE_TIME: &str = "--timeout SECONDS gives the source of the credentials more time";

/// If a timeout fires this late, the process was probably stopped or did not get the CPU.
const LATE_WAKEUP: Duration = Duration::from_millis(100);

/// The time that such a process gets to read a response that arrived meanwhile. A response from IAM is never
/// discarded.
const READ_GRACE: Duration = Duration::from_millis(500);

/// The time limit of one key or of the credentials. It starts when it is created.
#[derive(Debug)]
pub(crate) struct TimeBudget {
    wait_clock: SharedClock,
    /// When the limit ends if no request waits from now on.
    end: Instant,
    pub(super) limit: Duration,
    pub(super) last_failure: LastFailure,
}

/// The last failure of an attempt to fetch credentials that is retried: a clause and a hint.
pub(super) type LastFailure = Arc<Mutex<Option<(String, Option<Hint>)>>>;

impl TimeBudget {
    pub(super) fn new(wait_clock: &SharedClock, limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            wait_clock: Arc::clone(wait_clock),
            end: (now + limit)
                .checked_sub(lock(wait_clock).waited())
                .unwrap_or(now),
            limit,
            last_failure: LastFailure::default(),
        }
    }

    /// Creates the budget of credentials, and of the region in which they are valid.
    pub(super) fn of_credentials(limit: Duration) -> Self {
        Self::new(&SharedClock::default(), limit)
    }

    /// Fetches credentials from `origin` in the remaining time.
    ///
    /// # Errors
    ///
    /// The time was not enough, or `work` failed.
    pub(super) async fn fetch<T>(
        &self,
        origin: &str,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        self.new_request();
        let fetched = self.spend(Duration::ZERO, work).await;
        fetched.unwrap_or_else(|| {
            let seconds = self.limit.as_secs();
            let late = format!("no credentials within {seconds} s from {origin}");
            Err(self.late(late))
        })
    }

    /// Forgets the last failure, and returns where those of a new request are recorded.
    pub(super) fn new_request(&self) -> LastFailure {
        *lock(&self.last_failure) = None;
        Arc::clone(&self.last_failure)
    }

    /// Creates the error if the time ends before there are credentials. It has the last failure, if there was one.
    pub(super) fn late(&self, what: String) -> RunError {
        let (message, hint) = match lock(&self.last_failure).take() {
            Some((reason, hint)) => (format!("{what}: {reason}"), hint),
            None => (what, Some(MORE_TIME.into())),
        };
        let mut stop = RunError::credentials(message);
        stop.hints.extend(hint);
        stop
    }

    /// Creates the error of reads for which the limit was too short. `what` is a clause, for a service that was reached.
    pub(crate) fn exceeded(&self, what: &str) -> CallError {
        let error = TransportError::out_of_time(what, self.limit);
        let clock = lock(&self.wait_clock);
        match &clock.last {
            _ if clock.has_response => CallError::Incomplete(error),
            Some(last) if !clock.was_sent => timed_out(last, self.limit),
            _ => CallError::NoResponse(error),
        }
    }

    /// Stops the clock until the guard is dropped, while no request runs.
    pub(crate) fn pause(&self) -> impl Drop + use<> {
        WaitGuard::start(&self.wait_clock)
    }

    /// Returns the remaining time.
    pub(crate) fn left(&self) -> Duration {
        let end = self.end + lock(&self.wait_clock).waited();
        end.saturating_duration_since(Instant::now())
    }

    /// Runs `work`, whose time does not count.
    pub(crate) async fn exempt<T>(&mut self, work: impl Future<Output = T>) -> T {
        let left = self.left();
        let done = work.await;
        let now = Instant::now();
        let waited = lock(&self.wait_clock).waited();
        self.end = (now + left).checked_sub(waited).unwrap_or(now);
        done
    }

    /// Runs `work` for the remaining time less `reserve`. `None`: the time was not enough.
    pub(crate) async fn spend<T>(
        &self,
        reserve: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        let started = Instant::now();
        let deadline = || self.end + lock(&self.wait_clock).waited() - reserve;
        loop {
            let end = deadline();
            match timeout_at(end, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if deadline() > end => {}
                Err(_) if end > started && end.elapsed() > LATE_WAKEUP => {
                    return timeout_at(Instant::now() + READ_GRACE, work).await.ok();
                }
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(work: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().expect("a runtime");
        runtime.block_on(work);
    }

    #[test]
    fn exempt_work_neither_spends_time_nor_restores_it() {
        run(async {
            let hour = Duration::from_hours(1);
            let mut budget = TimeBudget::of_credentials(hour);
            let end = budget.end;
            budget
                .exempt(async {
                    let start = Instant::now();
                    while Instant::now() == start {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
            assert!(budget.end > end);
            budget.end = Instant::now();
            budget.exempt(async {}).await;
            let late = budget.spend(Duration::ZERO, std::future::pending::<()>());
            assert!(late.await.is_none());
        });
    }

    #[test]
    fn the_time_of_a_person_does_not_count() {
        run(async {
            let budget = TimeBudget::of_credentials(Duration::ZERO);
            let late = budget.fetch("the source", std::future::pending::<Result<(), _>>());
            assert!(late.await.is_err());
            let _asking = budget.pause();
            let in_time = budget.fetch("the source", async {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                Ok(())
            });
            assert!(in_time.await.is_ok());
        });
    }
}
