//! How long one key may take. What its requests wait for their turn is no fault of the key's, and does not count: a run
//! with many jobs at a slow pace would end keys that were never tried.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The waiting of one key's requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Mutex<Waited>>);

#[derive(Debug, Default)]
struct Waited {
    /// How many requests wait for their turn, and how many have it.
    waiting: i32,
    having: i32,
    /// Since when all of them wait.
    since: Option<Instant>,
    /// How long that was before.
    whole: Duration,
}

impl Queue {
    /// A request begins to wait.
    pub(super) fn enter(&self) -> Place {
        self.shift(1, 0);
        Place {
            queue: self.clone(),
            has_turn: false,
        }
    }

    /// How long all of the key's requests waited.
    fn waited(&self) -> Duration {
        let waited = self.lock();
        waited.whole + waited.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// So many more requests wait, and so many more have their turn.
    fn shift(&self, waiting: i32, having: i32) {
        let mut waited = self.lock();
        waited.waiting += waiting;
        waited.having += having;
        if waited.waiting > 0 && waited.having == 0 {
            waited.since.get_or_insert_with(Instant::now);
        } else if let Some(since) = waited.since.take() {
            waited.whole += since.elapsed();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waited> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in the queue, or at its turn; leaves when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    queue: Queue,
    has_turn: bool,
}

impl Place {
    /// It has its turn.
    pub(super) fn take_turn(&mut self) {
        self.has_turn = true;
        self.queue.shift(-1, 1);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.has_turn {
            self.queue.shift(0, -1);
        } else {
            self.queue.shift(-1, 0);
        }
    }
}

/// How late a limit may be noticed before that is taken for a process that was stopped, or that had no turn.
const LATE: Duration = Duration::from_millis(100);

/// How long such a process has to read what arrived meanwhile: nothing that IAM has said is dropped.
const TO_READ: Duration = Duration::from_millis(500);

/// The limit of one key, from now on.
#[derive(Debug)]
pub(crate) struct Allowance {
    queue: Queue,
    /// When it ends if no request waits for its turn.
    end: Instant,
}

impl Allowance {
    pub(super) fn new(queue: &Queue, limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            queue: queue.clone(),
            end: (now + limit).checked_sub(queue.waited()).unwrap_or(now),
        }
    }

    /// Gives `work` what is left of the limit, but for `reserve`. `None`: it was not enough.
    pub(crate) async fn spend<T>(
        &self,
        reserve: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        let begun = Instant::now();
        let deadline = || self.end + self.queue.waited() - reserve;
        loop {
            let until = deadline();
            match timeout_at(until, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if deadline() > until => {}
                Err(_) if until > begun && until.elapsed() > LATE => {
                    return timeout_at(Instant::now() + TO_READ, work).await.ok();
                }
                Err(_) => return None,
            }
        }
    }
}
