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
    waiting: u32,
    having: u32,
    /// Since when all of them wait.
    since: Option<Instant>,
    /// How long that was before.
    whole: Duration,
}

impl Queue {
    /// A request begins to wait.
    pub(super) fn enter(&self) -> Place {
        self.change(|waited| waited.waiting += 1);
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

    fn change(&self, change: impl FnOnce(&mut Waited)) {
        let mut waited = self.lock();
        change(&mut waited);
        let stands = waited.waiting > 0 && waited.having == 0;
        match (stands, waited.since) {
            (true, None) => waited.since = Some(Instant::now()),
            (false, Some(since)) => {
                waited.whole += since.elapsed();
                waited.since = None;
            }
            (true, Some(_)) | (false, None) => {}
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
        self.queue.change(|waited| {
            waited.waiting -= 1;
            waited.having += 1;
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let has_turn = self.has_turn;
        self.queue.change(|waited| {
            if has_turn {
                waited.having -= 1;
            } else {
                waited.waiting -= 1;
            }
        });
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
    begun: Instant,
    before: Duration,
    limit: Duration,
}

impl Allowance {
    pub(super) fn new(queue: &Queue, limit: Duration) -> Self {
        Self {
            queue: queue.clone(),
            begun: Instant::now(),
            before: queue.waited(),
            limit,
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
        loop {
            let deadline = self.end() - reserve;
            match timeout_at(deadline, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if self.end() - reserve > deadline => {}
                Err(_) if deadline > begun && deadline.elapsed() > LATE => {
                    return timeout_at(Instant::now() + TO_READ, work).await.ok();
                }
                Err(_) => return None,
            }
        }
    }

    fn end(&self) -> Instant {
        self.begun + self.limit + self.queue.waited().saturating_sub(self.before)
    }
}
