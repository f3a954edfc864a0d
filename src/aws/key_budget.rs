//! How long one key may take. What its requests wait for their turn is no fault of the key's, and does not count: a run
//! with many jobs at a slow pace would end keys that were never tried.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The waiting of one key's requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct WaitClock(Arc<Mutex<WaitTimes>>);

#[derive(Debug, Default)]
struct WaitTimes {
    /// How many requests wait for their turn, and how many have it.
    waiting: i32,
    running: i32,
    /// Since when all of them wait.
    all_waiting_since: Option<Instant>,
    /// How long that was before.
    earlier: Duration,
}

impl WaitClock {
    /// A request begins to wait.
    pub(super) fn start_waiting(&self) -> WaitGuard {
        self.adjust(1, 0);
        WaitGuard {
            wait_clock: self.clone(),
            is_running: false,
        }
    }

    /// How long all of the key's requests waited.
    fn waited(&self) -> Duration {
        let waited = self.lock();
        waited.earlier
            + waited
                .all_waiting_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// So many more requests wait, and so many more have their turn.
    fn adjust(&self, waiting: i32, running: i32) {
        let mut waited = self.lock();
        waited.waiting += waiting;
        waited.running += running;
        if waited.waiting > 0 && waited.running == 0 {
            waited.all_waiting_since.get_or_insert_with(Instant::now);
        } else if let Some(since) = waited.all_waiting_since.take() {
            waited.earlier += since.elapsed();
        }
    }

    fn lock(&self) -> MutexGuard<'_, WaitTimes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in the queue, or at its turn; leaves when it is dropped.
#[derive(Debug)]
pub(super) struct WaitGuard {
    wait_clock: WaitClock,
    is_running: bool,
}

impl WaitGuard {
    /// It has its turn.
    pub(super) fn stop_waiting(&mut self) {
        self.is_running = true;
        self.wait_clock.adjust(-1, 1);
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        if self.is_running {
            self.wait_clock.adjust(0, -1);
        } else {
            self.wait_clock.adjust(-1, 0);
        }
    }
}

/// How late a limit may be noticed before that is taken for a process that was stopped, or that had no turn.
const LATE_WAKEUP: Duration = Duration::from_millis(100);

/// How long such a process has to read what arrived meanwhile: nothing that IAM has said is dropped.
const READ_GRACE: Duration = Duration::from_millis(500);

/// The limit of one key, from now on.
#[derive(Debug)]
pub(crate) struct KeyBudget {
    wait_clock: WaitClock,
    /// When it ends if no request waits for its turn.
    end: Instant,
}

impl KeyBudget {
    pub(super) fn new(wait_clock: &WaitClock, limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            wait_clock: wait_clock.clone(),
            end: (now + limit)
                .checked_sub(wait_clock.waited())
                .unwrap_or(now),
        }
    }

    /// Gives `work` what is left of the limit, but for `reserve`. `None`: it was not enough.
    pub(crate) async fn spend<T>(
        &self,
        reserve: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        let started = Instant::now();
        let deadline = || self.end + self.wait_clock.waited() - reserve;
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
