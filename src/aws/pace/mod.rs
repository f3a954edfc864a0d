//! The pace of many requests: as fast as IAM allows, and no faster. IAM publishes no limit; it says `Throttling` when
//! the account has used its own up. A client that then only tries again wastes what is left; this one finds out how
//! much is allowed, and keeps to it.

mod rate;
#[cfg(test)]
mod simulation;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use rate::{Asked, State, Ticket};

/// Lets requests go one by one.
#[derive(Debug)]
pub(super) struct Pacer {
    state: Mutex<State>,
    changed: Notify,
}

/// A request's turn. One that is dropped without a word was not sent to its end.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pacer: &'a Pacer,
    ticket: Option<Ticket>,
}

impl Pacer {
    /// No limit is known yet.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::new(Instant::now())),
            changed: Notify::new(),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        loop {
            let changed = self.changed.notified();
            let asked = self.state().ask(Instant::now());
            match asked {
                Asked::Go(ticket) => {
                    return Turn {
                        pacer: self,
                        ticket: Some(ticket),
                    };
                }
                Asked::Reserved(ticket, at) => {
                    let turn = Turn {
                        pacer: self,
                        ticket: Some(ticket),
                    };
                    sleep_until(at).await;
                    if self.state().is_current(&ticket) {
                        return turn;
                    }
                }
                Asked::Wait(Some(until)) => sleep_until(until).await,
                Asked::Wait(None) => changed.await,
            }
        }
    }

    /// Waits for a turn as long as IAM serves others. `None`: for so long it served nobody.
    pub(super) async fn turn_within(&self, patience: Duration) -> Option<Turn<'_>> {
        let asked = Instant::now();
        let turn = self.turn();
        tokio::pin!(turn);
        loop {
            let starved_at = self.served_at().max(asked) + patience;
            if let Ok(turn) = timeout_at(starved_at, &mut turn).await {
                return Some(turn);
            }
            if self.served_at() + patience <= Instant::now() {
                return None;
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

impl Turn<'_> {
    /// IAM answered, whatever it said.
    pub(super) fn served(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.pacer.state().served(&ticket, Instant::now());
            self.pacer.changed.notify_waiters();
        }
    }

    /// IAM said that it was too much.
    pub(super) fn throttled(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.pacer.state().throttled(&ticket, Instant::now());
            self.pacer.changed.notify_waiters();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.pacer.state().dropped(&ticket);
            self.pacer.changed.notify_waiters();
        }
    }
}
