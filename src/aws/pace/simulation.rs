//! The pace against a simulated limit: no time passes, so thousands of seconds are tried in two.

use std::time::Duration;

use tokio::time::Instant;

use super::rate::{Asked, Kind, State, Ticket};

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
    Ask,
    Send(Ticket),
    Hear(Ticket, bool),
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
    let mut queue: Vec<(Instant, Step)> = (0..jobs).map(|_| (start, Step::Ask)).collect();
    let (mut done, mut refused) = (0, 0);
    loop {
        let (index, _) = queue
            .iter()
            .enumerate()
            .min_by_key(|(_, (at, _))| *at)
            .expect("jobs");
        let (now, step) = queue.swap_remove(index);
        let next = match step {
            Step::Ask => match state.ask(now) {
                Asked::Go(ticket) => (now, Step::Send(ticket)),
                Asked::Reserved(ticket, at) => (at, Step::Send(ticket)),
                Asked::Wait(Some(until)) => (until, Step::Ask),
                Asked::Wait(None) => (now + Duration::from_millis(1), Step::Ask),
            },
            Step::Send(ticket)
                if matches!(ticket.kind, Kind::Ordinary) && !state.is_current(&ticket) =>
            {
                state.dropped(&ticket);
                (now, Step::Ask)
            }
            Step::Send(ticket) => (
                now + trip,
                Step::Hear(ticket, service.serves(now + trip / 2)),
            ),
            Step::Hear(ticket, true) => {
                state.served(&ticket, now);
                done += 1;
                if done == keys {
                    let took = (now - start).as_secs_f64();
                    return (took, f64::from(refused) / f64::from(refused + keys));
                }
                (now, Step::Ask)
            }
            Step::Hear(ticket, false) => {
                state.throttled(&ticket, now);
                refused += 1;
                (now, Step::Ask)
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
