//! The pace of many requests: as fast as IAM allows, and no faster. IAM publishes no limit; it says `Throttling` when
//! the account has used its own up. A client that then only tries again wastes what is left; this one finds out how
//! much is allowed, and keeps to it.
//!
//! The limit is a token bucket: at the moment of a `Throttling` the bucket is empty, so what was served between two such
//! moments is what flowed in.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The rate of the first probe after the first `Throttling`, in requests a second.
const FIRST_PROBE_RATE: f64 = 500.0;
/// The slowest pace, in requests a second.
const MIN_RATE: f64 = 0.2;
/// How many served requests make a measurement.
const MIN_SAMPLES: u32 = 3;
/// A rate that was guessed from one pause is at least half the true one: it doubles in so many requests until it is
/// measured.
const DOUBLING_REQUESTS: f64 = 10.0;
/// A rate that was measured grows by this share with each request, so that about one in sixty finds the limit again.
const GROWTH_PER_REQUEST: f64 = 0.000_55;
/// After so many requests without a limit the rate must be too low, or the limit was raised: it doubles in the next so
/// many.
const SURGE_AFTER: f64 = 120.0;
/// How many requests are in flight at first, and after how many that were served one more may be.
const INITIAL_IN_FLIGHT: u32 = 2;
const SERVED_PER_SLOT: u32 = 4;
/// How long ahead a turn is given. One further ahead is asked for again when it is near: the pace may have changed by then.
const MAX_LOOKAHEAD: Duration = Duration::from_secs(1);

/// Lets requests go one by one.
#[derive(Debug)]
pub(super) struct RateLimiter {
    state: Mutex<State>,
    changed: Notify,
}

impl RateLimiter {
    /// No limit is known yet.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::new(Instant::now())),
            changed: Notify::new(),
        }
    }

    /// Waits for a turn as long as IAM serves others. `None`: for so long it served nobody.
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

    async fn acquire(&self) -> Permit<'_> {
        loop {
            let changed = self.changed.notified();
            let admitted = self.state().admit(Instant::now());
            match admitted {
                Ok(admission) => {
                    let permit = Permit {
                        rate_limiter: self,
                        admission: Some(admission),
                    };
                    if admission.at <= Instant::now() {
                        return permit;
                    }
                    sleep_until(admission.at).await;
                    if self.state().is_current(admission) {
                        return permit;
                    }
                }
                Err(Some(until)) => sleep_until(until).await,
                Err(None) => changed.await,
            }
        }
    }

    /// When IAM served a request last, or the run began.
    pub(super) fn served_at(&self) -> Instant {
        self.state().served_at
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's turn. One that is dropped without a word was not sent to its end.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    rate_limiter: &'a RateLimiter,
    admission: Option<Admission>,
}

impl Permit<'_> {
    /// IAM answered, whatever it said.
    pub(super) fn served(mut self) {
        self.end(State::served);
    }

    /// IAM said that it was too much.
    pub(super) fn throttled(mut self) {
        self.end(State::throttled);
    }

    fn end(&mut self, how: fn(&mut State, Admission, Instant)) {
        if let Some(admission) = self.admission.take() {
            how(&mut self.rate_limiter.state(), admission, Instant::now());
            self.rate_limiter.changed.notify_waiters();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.end(|state, admission, _| state.release(admission));
    }
}

/// What a turn was given under: how often a limit had been met, and when the request may go.
#[derive(Clone, Copy, Debug)]
struct Admission {
    generation: u64,
    at: Instant,
}

/// The state at a moment; the moments are given, so that a simulation needs no time.
#[derive(Debug)]
struct State {
    /// What is known of the rate, in requests a second; `None` where no limit was met.
    rate: Option<f64>,
    /// Whether it is from what was served between two moments at which the bucket was empty.
    is_measured: bool,
    /// Whether nothing goes but one request after another, to find out whether IAM serves again.
    is_probing: bool,
    /// When the bucket was empty, and how many requests were served since then.
    emptied_at: Instant,
    served: u32,
    /// When a request was served last.
    served_at: Instant,
    /// When the next request may go.
    next_slot: Instant,
    /// How often a limit was met, and how many requests since then have no answer yet.
    generation: u64,
    in_flight: u32,
}

impl State {
    /// No limit is known yet.
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
        }
    }

    /// The rate with what it has grown by since the bucket was empty.
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

    /// Gives a turn. `Err`: not before then, or not before something changes.
    fn admit(&mut self, now: Instant) -> Result<Admission, Option<Instant>> {
        let max_in_flight = match self.rate {
            Some(_) if self.is_probing => 1,
            Some(_) => u32::MAX,
            // Where the limit is met first, all that are in flight are refused: so few at the beginning.
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

    /// Whether a turn that was given ahead still holds.
    fn is_current(&self, admission: Admission) -> bool {
        admission.generation == self.generation
    }

    /// The request has an answer, or was not sent to its end.
    fn release(&mut self, admission: Admission) {
        if self.is_current(admission) {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    /// IAM answered.
    fn served(&mut self, admission: Admission, now: Instant) {
        self.release(admission);
        self.served_at = now;
        self.served += 1;
        if self.is_probing && self.is_current(admission) {
            let waited = admission.at.saturating_duration_since(self.emptied_at);
            self.rate = Some((1.0 / waited.as_secs_f64().max(1e-6)).max(MIN_RATE));
            (self.is_probing, self.is_measured, self.served) = (false, false, 1);
            self.next_slot = now + interval(self.current_rate().unwrap_or(MIN_RATE));
        }
    }

    /// IAM said that it was too much.
    fn throttled(&mut self, admission: Admission, now: Instant) {
        // What left before the pace was slowed says nothing new.
        if !self.is_current(admission) {
            return;
        }
        self.release(admission);
        if self.is_probing {
            self.rate = self.rate.map(|rate| (rate / 2.0).max(MIN_RATE));
            self.next_slot = now + interval(self.rate.unwrap_or(MIN_RATE));
            return;
        }
        let rate = match self.current_rate() {
            Some(rate) if self.served >= MIN_SAMPLES => {
                let elapsed = now.saturating_duration_since(self.emptied_at).as_secs_f64();
                let measured = f64::from(self.served) / elapsed.max(1e-6);
                // What was not taken when the bucket was full is not in what was served: the true rate lies between
                // that and the pace that has just been too fast.
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
        // Where the limit was only just met, a moment later there is room again.
        self.next_slot = now + interval(rate);
        self.emptied_at = now;
        self.generation += 1;
        (self.served, self.in_flight) = (0, 0);
    }
}

/// How long one request takes at a rate.
fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate.clamp(MIN_RATE, 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    // No time passes, so thousands of seconds are tried in two.

    /// A service that allows so many requests a second, and so many at once after a rest.
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

    /// What a job does next, and when.
    enum Step {
        Admit,
        Send(Admission),
        Receive(Admission, bool),
    }

    /// Serves `keys` to `jobs` jobs; gives the seconds it took and the share that was throttled.
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
                    done += 1;
                    if done == keys {
                        let took = (now - start).as_secs_f64();
                        return (took, f64::from(refused) / f64::from(refused + keys));
                    }
                    (now, Step::Admit)
                }
                Step::Receive(admission, false) => {
                    state.throttled(admission, now);
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
                        // So many jobs may not be able to make so many requests at all.
                        let most = f64::from(jobs) / trip.as_secs_f64();
                        let ideal = (f64::from(keys) - burst) / rate.min(most);
                        let shown = format!(
                            "{rate}/s, burst {burst}, {trip:?}, {jobs} jobs: {took:.1} s of {ideal:.1} s, {:.1} % refused",
                            refused * 100.0
                        );
                        // Where a trip is long and little is saved up, some of what flows in is lost.
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
