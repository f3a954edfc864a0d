//! The rate, from what was served and what was too much. The limit is a token bucket: at the moment of a `Throttling` the
//! bucket is empty, so what was served between two such moments is what flowed in.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause after the first `Throttling`; it doubles until a request is served.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many served requests make a measurement.
const ENOUGH: u32 = 3;
/// A rate that was guessed from one pause is at least half the true one: it doubles in so many requests until it is
/// measured.
const DOUBLES_IN: f64 = 10.0;
/// A rate that was measured grows by this share with each request, so that about one in sixty finds the limit again.
const GROWS_BY: f64 = 0.000_55;
/// After so many requests without a limit the rate must be too low, or the limit was raised: it doubles in the next so
/// many.
const RAISED_AFTER: f64 = 120.0;
/// How many requests are in flight at first, and after how many that were served one more may be.
const AT_FIRST: u32 = 2;
const ONE_MORE_PER: u32 = 4;
/// How long ahead a turn is given.
const RESERVED_AHEAD: Duration = Duration::from_secs(1);
/// The slowest pace, in requests a second.
const SLOWEST: f64 = 0.2;

/// What a turn was given under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    generation: u64,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ordinary,
    /// Alone, to find out whether IAM serves again.
    Probe {
        sent: Instant,
    },
}

#[derive(Debug)]
pub(super) enum Asked {
    /// Now.
    Go(Ticket),
    /// At that time, if nothing has changed by then.
    Reserved(Ticket, Instant),
    /// Not before then, or not before something changes.
    Wait(Option<Instant>),
}

/// What is known of the rate, in requests a second.
#[derive(Clone, Copy, Debug)]
enum Rate {
    /// No limit was met.
    Free,
    /// From one pause.
    Guessed(f64),
    /// From what was served between two moments at which the bucket was empty.
    Measured(f64),
}

/// Nothing goes but one probe after another.
#[derive(Debug)]
struct Hold {
    since: Instant,
    until: Instant,
    pause: Duration,
    is_probing: bool,
}

/// The state at a moment; the moments are given, so that a simulation needs no time.
#[derive(Debug)]
pub(super) struct State {
    rate: Rate,
    /// When the bucket was empty, and how many requests were served since then.
    empty_at: Instant,
    served: u32,
    /// When a request was served last.
    pub(super) served_at: Instant,
    /// When the next request may go.
    next: Instant,
    hold: Option<Hold>,
    /// How often a limit was met.
    generation: u64,
    /// How many requests have no answer yet.
    in_flight: u32,
}

impl State {
    /// No limit is known yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rate: Rate::Free,
            empty_at: now,
            served: 0,
            served_at: now,
            next: now,
            hold: None,
            generation: 0,
            in_flight: 0,
        }
    }

    fn per_second(&self) -> Option<f64> {
        let rate = match self.rate {
            Rate::Free => return None,
            Rate::Guessed(rate) => rate * (f64::from(self.served) / DOUBLES_IN).min(30.0).exp2(),
            Rate::Measured(rate) => {
                let served = f64::from(self.served);
                let raised = ((served - RAISED_AFTER).max(0.0) / RAISED_AFTER).min(30.0);
                rate * served.mul_add(GROWS_BY, 1.0) * raised.exp2()
            }
        };
        Some(rate.clamp(SLOWEST, 1e6))
    }

    /// When the next request may go.
    pub(super) fn ask(&mut self, now: Instant) -> Asked {
        let generation = self.generation;
        if let Some(hold) = &mut self.hold {
            return match (hold.is_probing, now < hold.until) {
                (true, _) => Asked::Wait(None),
                (false, true) => Asked::Wait(Some(hold.until)),
                (false, false) => {
                    hold.is_probing = true;
                    self.in_flight += 1;
                    let kind = Kind::Probe { sent: now };
                    Asked::Go(Ticket { generation, kind })
                }
            };
        }
        let ticket = Ticket {
            generation,
            kind: Kind::Ordinary,
        };
        let Some(rate) = self.per_second() else {
            // Where the limit is met first, all that are in flight are refused: so few at the beginning.
            if self.in_flight >= AT_FIRST + self.served / ONE_MORE_PER {
                return Asked::Wait(None);
            }
            self.in_flight += 1;
            return Asked::Go(ticket);
        };
        let at = self.next.max(now);
        // A turn far ahead is asked for again when it is near: the pace may have changed by then.
        if at > now + RESERVED_AHEAD {
            return Asked::Wait(Some(at.checked_sub(RESERVED_AHEAD).unwrap_or(now)));
        }
        self.in_flight += 1;
        self.next = at + Duration::from_secs_f64(1.0 / rate);
        if at == now {
            Asked::Go(ticket)
        } else {
            Asked::Reserved(ticket, at)
        }
    }

    /// Whether a turn that was given ahead still holds.
    pub(super) fn is_current(&self, ticket: &Ticket) -> bool {
        ticket.generation == self.generation && self.hold.is_none()
    }

    /// IAM answered.
    pub(super) fn served(&mut self, ticket: &Ticket, now: Instant) {
        self.served_at = now;
        self.in_flight = self.in_flight.saturating_sub(1);
        let Kind::Probe { sent } = ticket.kind else {
            self.served += 1;
            return;
        };
        let Some(hold) = self.hold.take() else {
            return;
        };
        if let Rate::Free = self.rate {
            let pause = sent.saturating_duration_since(hold.since);
            self.rate = Rate::Guessed(1.0 / pause.as_secs_f64().max(1e-6));
        }
        self.served = 1;
        let rate = self.per_second().unwrap_or(SLOWEST);
        self.next = now + Duration::from_secs_f64(1.0 / rate);
    }

    /// IAM said that it was too much.
    pub(super) fn throttled(&mut self, ticket: &Ticket, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(hold) = &mut self.hold {
            if let Kind::Probe { .. } = ticket.kind {
                hold.is_probing = false;
                hold.pause = (hold.pause * 2).min(LONGEST_PAUSE);
                hold.until = now + hold.pause;
                if let Rate::Measured(rate) = self.rate {
                    self.rate = Rate::Measured(rate * 0.7);
                }
            }
            return;
        }
        // What left before the pace was slowed says nothing new.
        if ticket.generation != self.generation {
            return;
        }
        let elapsed = now.saturating_duration_since(self.empty_at).as_secs_f64();
        let measured = f64::from(self.served) / elapsed.max(1e-6);
        let current = self.per_second().unwrap_or(measured);
        self.rate = match self.rate {
            Rate::Free => Rate::Free,
            Rate::Guessed(_) if self.served >= ENOUGH => Rate::Measured(measured),
            // What was not taken when the bucket was full is not in what was served: the true rate lies between that
            // and the pace that has just been too fast.
            Rate::Measured(_) if self.served >= ENOUGH => {
                Rate::Measured(measured.midpoint(current.clamp(measured, measured * 1.3)))
            }
            Rate::Guessed(rate) => Rate::Guessed(rate * 0.7),
            Rate::Measured(rate) => Rate::Measured(rate * 0.7),
        };
        let is_known = matches!(self.rate, Rate::Measured(_)) && self.served >= ENOUGH;
        let pause = match self.rate {
            Rate::Free => FIRST_PAUSE,
            Rate::Guessed(rate) | Rate::Measured(rate) => {
                Duration::from_secs_f64(1.0 / rate.clamp(SLOWEST, 1e6)).min(LONGEST_PAUSE)
            }
        };
        self.generation += 1;
        self.empty_at = now;
        self.served = 0;
        if is_known {
            // The limit was only just met: a moment later there is room again.
            self.next = now + pause;
            return;
        }
        self.hold = Some(Hold {
            since: now,
            until: now + pause,
            pause,
            is_probing: false,
        });
    }

    /// The request was not sent to its end.
    pub(super) fn dropped(&mut self, ticket: &Ticket) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let (Kind::Probe { .. }, Some(hold)) = (ticket.kind, &mut self.hold) {
            hold.is_probing = false;
        }
    }
}
