//! Limits the rate of requests to what IAM allows. IAM publishes no limit, and responds with `Throttling` when the
//! account has exhausted its own. Plain retries would waste capacity, so this measures the allowed rate and stays
//! within it.
//!
//! The limit is modeled as a token bucket. It is empty whenever IAM throttles a request, so the number of requests
//! served between two such moments gives the rate.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::lock::lock;

/// The first rate after the first throttled request, in requests per second.
const FIRST_PROBE_RATE: f64 = 500.0;
/// The minimum rate, in requests per second.
const MIN_RATE: f64 = 0.2;
/// The number of served requests that are needed to measure the rate.
const MIN_SAMPLES: u32 = 3;
/// An estimated rate is at least half the true one. It doubles over this number of requests until it is measured.
const DOUBLING_REQUESTS: f64 = 10.0;
/// The relative growth of a measured rate per request. About one in sixty requests reaches the limit again.
const GROWTH_PER_REQUEST: f64 = 0.000_55;
/// After this number of requests without throttling, the rate must be too low or the limit was raised. The rate then
/// doubles over each following series of the same length.
const SURGE_AFTER: f64 = 120.0;
/// The initial number of requests in flight, and the number of served requests after which one more is allowed.
const INITIAL_IN_FLIGHT: u32 = 2;
const SERVED_PER_SLOT: u32 = 4;
/// How far ahead a permit is issued. A later one is requested again when it is near, because the rate may have
/// changed.
const MAX_LOOKAHEAD: Duration = Duration::from_secs(1);

/// Spaces out requests.
#[derive(Debug)]
pub(super) struct RateLimiter {
    state: Mutex<State>,
    changed: Notify,
}

impl RateLimiter {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::new(Instant::now())),
            changed: Notify::new(),
        }
    }

    /// Waits for a permit as long as IAM serves other requests. `None`: it has served none for `patience`.
    pub(super) async fn acquire_within(&self, patience: Duration) -> Option<Permit<'_>> {
        let asked_at = Instant::now();
        let permit = self.acquire();
        tokio::pin!(permit);
        loop {
            let gives_up_at = self.served_at().max(asked_at) + patience;
            if let Ok(permit) = timeout_at(gives_up_at, &mut permit).await {
                return Some(permit);
            }
            if self.served_at() + patience <= Instant::now() {
                return None;
            }
        }
    }

    /// Lets any number of requests be in flight, at the same rate. After a signal, no read may wait for a response.
    pub(super) fn lift_limit_in_flight(&self) {
        lock(&self.state).is_unlimited = true;
        self.changed.notify_waiters();
    }

    async fn acquire(&self) -> Permit<'_> {
        loop {
            let changed = self.changed.notified();
            let admitted = lock(&self.state).admit(Instant::now());
            match admitted {
                Ok(admission) => {
                    let permit = Permit {
                        rate_limiter: self,
                        admission,
                    };
                    if admission.at <= Instant::now() {
                        return permit;
                    }
                    sleep_until(admission.at).await;
                    if lock(&self.state).is_current(admission) {
                        return permit;
                    }
                }
                Err(Some(until)) => sleep_until(until).await,
                Err(None) => changed.await,
            }
        }
    }

    /// Returns when IAM last served a request, or when the run started.
    pub(super) fn served_at(&self) -> Instant {
        lock(&self.state).served_at
    }
}

/// The permission to send a request. Dropping it ends the request.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    rate_limiter: &'a RateLimiter,
    admission: Admission,
}

impl Permit<'_> {
    /// Records that IAM responded, with any result but throttling.
    pub(super) fn served(self) {
        lock(&self.rate_limiter.state).served(self.admission, Instant::now());
    }

    /// Records that IAM throttled the request.
    pub(super) fn throttled(self) {
        lock(&self.rate_limiter.state).throttled(self.admission, Instant::now());
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        lock(&self.rate_limiter.state).release(self.admission);
        self.rate_limiter.changed.notify_waiters();
    }
}

/// When a request may be sent, and how often a limit had been reached when this was decided.
#[derive(Clone, Copy, Debug)]
struct Admission {
    generation: u64,
    at: Instant,
}

/// The state of the limiter. Times are parameters, so that a simulation needs no real time.
#[derive(Debug)]
struct State {
    /// The known rate, in requests per second. `None`: no limit was reached yet.
    rate: Option<f64>,
    /// Whether the rate was measured between two moments when the bucket was empty.
    is_measured: bool,
    /// Whether only one request at a time is sent, to find out whether IAM serves requests again.
    is_probing: bool,
    /// When the bucket was last empty, and how many requests were served since then.
    emptied_at: Instant,
    served: u32,
    /// When a request was last served.
    served_at: Instant,
    /// When the next request may be sent.
    next_slot: Instant,
    /// How often a limit was reached, and how many requests since then are unanswered.
    generation: u64,
    in_flight: u32,
    /// Whether any number of requests may be in flight.
    is_unlimited: bool,
}

impl State {
    fn new(now: Instant) -> Self {
        Self {
            rate: None,
            is_measured: false,
            is_probing: false,
            emptied_at: now,
            served: 0,
            served_at: now,
            next_slot: now,
            generation: 0,
            in_flight: 0,
            is_unlimited: false,
        }
    }

    /// Returns the rate with its growth since the bucket was empty.
    fn current_rate(&self) -> Option<f64> {
        let served = f64::from(self.served);
        let factor = if self.is_measured {
            let raised = (served - SURGE_AFTER).max(0.0) / SURGE_AFTER;
            served.mul_add(GROWTH_PER_REQUEST, 1.0) * raised.min(30.0).exp2()
        } else {
            (served / DOUBLING_REQUESTS).min(30.0).exp2()
        };
        self.rate.map(|rate| (rate * factor).clamp(MIN_RATE, 1e6))
    }

    /// Admits a request. `Err`: it has to ask again at the given time, or when the state changes.
    fn admit(&mut self, now: Instant) -> Result<Admission, Option<Instant>> {
        let max_in_flight = match self.rate {
            _ if self.is_unlimited => u32::MAX,
            Some(_) if self.is_probing => 1,
            Some(_) => u32::MAX,
            // When the limit is reached for the first time, all requests in flight are throttled, so only a few are
            // allowed at first.
            None => INITIAL_IN_FLIGHT + self.served / SERVED_PER_SLOT,
        };
        if self.in_flight >= max_in_flight {
            return Err(None);
        }
        let at = self.next_slot.max(now);
        if at > now + MAX_LOOKAHEAD {
            return Err(Some(at.checked_sub(MAX_LOOKAHEAD).unwrap_or(now)));
        }
        self.in_flight += 1;
        if let Some(rate) = self.current_rate() {
            self.next_slot = at + interval(rate);
        }
        let generation = self.generation;
        Ok(Admission { generation, at })
    }

    /// Whether no limit was reached since the request was admitted.
    fn is_current(&self, admission: Admission) -> bool {
        admission.generation == self.generation
    }

    /// Ends a request, whether it was completed or not.
    fn release(&mut self, admission: Admission) {
        if self.is_current(admission) {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    fn served(&mut self, admission: Admission, now: Instant) {
        self.served_at = now;
        self.served += 1;
        if self.is_probing && self.is_current(admission) {
            let waited = admission.at.saturating_duration_since(self.emptied_at);
            self.rate = Some((1.0 / waited.as_secs_f64().max(1e-6)).max(MIN_RATE));
            (self.is_probing, self.is_measured, self.served) = (false, false, 1);
            self.next_slot = now + interval(self.current_rate().unwrap_or(MIN_RATE));
        }
    }

    fn throttled(&mut self, admission: Admission, now: Instant) {
        // Requests that were sent before the rate was lowered provide no new information.
        if !self.is_current(admission) {
            return;
        }
        if self.is_probing {
            self.rate = self.rate.map(|rate| (rate / 2.0).max(MIN_RATE));
            self.next_slot = now + interval(self.rate.unwrap_or(MIN_RATE));
            return;
        }
        let rate = match self.current_rate() {
            Some(rate) if self.served >= MIN_SAMPLES => {
                let elapsed = now.saturating_duration_since(self.emptied_at).as_secs_f64();
                let measured = f64::from(self.served) / elapsed.max(1e-6);
                // Capacity that was lost while the bucket was full is not part of the measurement, so the true rate is
                // between the measured one and the rate that was too fast.
                let upper_bound = if self.is_measured {
                    measured * 1.3
                } else {
                    measured
                };
                self.is_measured = true;
                measured.midpoint(rate.clamp(measured, upper_bound))
            }
            rate => {
                (self.is_probing, self.is_measured) = (true, false);
                rate.map_or(FIRST_PROBE_RATE, |rate| rate * 0.7)
            }
        };
        self.rate = Some(rate);
        // The limit was only just exceeded, so there is capacity again soon.
        self.next_slot = now + interval(rate);
        self.emptied_at = now;
        self.generation += 1;
        (self.served, self.in_flight) = (0, 0);
    }
}

fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate.clamp(MIN_RATE, 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    // No real time passes, so thousands of simulated seconds take two.

    /// A service with a rate limit, and a burst that it allows after a pause.
    struct Service {
        rate: f64,
        burst: f64,
        tokens: f64,
        filled: Instant,
    }

    impl Service {
        fn serves(&mut self, now: Instant) -> bool {
            let gained = (now - self.filled).as_secs_f64() * self.rate;
            self.tokens = (self.tokens + gained).min(self.burst);
            self.filled = now;
            let serves = self.tokens >= 1.0;
            if serves {
                self.tokens -= 1.0;
            }
            serves
        }
    }

    /// The next step of a job and its time.
    enum Step {
        Admit,
        Send(Admission),
        Receive(Admission, bool),
    }

    /// Processes `keys` keys with `jobs` jobs. Returns the duration in seconds and the share of throttled requests.
    fn simulate(rate: f64, burst: f64, trip: Duration, jobs: u32, keys: u32) -> (f64, f64) {
        let start = Instant::now();
        let mut state = State::new(start);
        let mut service = Service {
            rate,
            burst,
            tokens: burst,
            filled: start,
        };
        let mut queue: Vec<(Instant, Step)> = (0..jobs).map(|_| (start, Step::Admit)).collect();
        let (mut done, mut refused) = (0, 0);
        loop {
            let (index, _) = queue
                .iter()
                .enumerate()
                .min_by_key(|(_, (at, _))| *at)
                .expect("jobs");
            let (now, step) = queue.swap_remove(index);
            let next = match step {
                Step::Admit => match state.admit(now) {
                    Ok(admission) => (admission.at, Step::Send(admission)),
                    Err(Some(until)) => (until, Step::Admit),
                    Err(None) => (now + Duration::from_millis(1), Step::Admit),
                },
                Step::Send(admission) if !state.is_current(admission) => {
                    state.release(admission);
                    (now, Step::Admit)
                }
                Step::Send(admission) => (
                    now + trip,
                    Step::Receive(admission, service.serves(now + trip / 2)),
                ),
                Step::Receive(admission, true) => {
                    state.served(admission, now);
                    state.release(admission);
                    done += 1;
                    if done == keys {
                        let took = (now - start).as_secs_f64();
                        return (took, f64::from(refused) / f64::from(refused + keys));
                    }
                    (now, Step::Admit)
                }
                Step::Receive(admission, false) => {
                    state.throttled(admission, now);
                    state.release(admission);
                    refused += 1;
                    (now, Step::Admit)
                }
            };
            queue.push(next);
        }
    }

    #[test]
    fn a_limit_is_found_and_kept_to() {
        for (rate, keys) in [(5.0, 400), (20.0, 1_000), (100.0, 3_000), (1_000.0, 20_000)] {
            for burst in [1.0, 10.0, rate] {
                for trip in [1, 20, 120].map(Duration::from_millis) {
                    for jobs in [8, 32] {
                        let (took, refused) = simulate(rate, burst, trip, jobs, keys);
                        // The jobs may not be able to reach the limit.
                        let most = f64::from(jobs) / trip.as_secs_f64();
                        let ideal = (f64::from(keys) - burst) / rate.min(most);
                        let shown = format!(
                            "{rate}/s, burst {burst}, {trip:?}, {jobs} jobs: {took:.1} s of {ideal:.1} s, {:.1} % refused",
                            refused * 100.0
                        );
                        // With long round trips and a small burst, some capacity is lost.
                        let is_ordinary = rate >= 20.0 && burst >= rate && trip.as_millis() <= 20;
                        let (longer, most) = if is_ordinary {
                            (1.1, 0.05)
                        } else {
                            (2.6, 0.35)
                        };
                        assert!(took <= ideal * longer, "{shown}");
                        assert!(refused <= most, "{shown}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let (took, refused) = simulate(1e9, 1e9, Duration::from_millis(10), 32, 3_200);
        assert!(took < 1.15, "{took}");
        assert!(refused == 0.0);
    }
}
