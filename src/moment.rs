//! A moment by both clocks of this machine.

use std::time::{Duration, Instant, SystemTime};

/// A moment by the wall clock, which may be set, and by the monotonic clock, which stops while the machine sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    wall: SystemTime,
    monotonic: Instant,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    /// Returns how much time has passed by each clock.
    pub(crate) fn elapsed_by_each(self) -> [Duration; 2] {
        let by_wall = SystemTime::now().duration_since(self.wall);
        [by_wall.unwrap_or_default(), self.monotonic.elapsed()]
    }

    /// Returns how much time has passed by the clock that shows more.
    pub(crate) fn elapsed(self) -> Duration {
        let [by_wall, by_monotonic] = self.elapsed_by_each();
        by_wall.max(by_monotonic)
    }
}
