//! A token bucket, which limits the rate of requests and the size of bursts.

use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(rate_per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self {
            rate: f64::from(rate_per_second),
            burst,
            tokens: burst,
            filled: now,
        }
    }

    /// Takes a token if one is available.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate;
        self.filled = now;
        self.tokens = (self.tokens + gained).min(self.burst);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use std::time::{Duration, Instant};

    #[test]
    fn a_bucket_allows_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 2, start);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let taken: Vec<bool> = [0, 0, 0, 110, 120, 1000, 1000, 1000]
            .map(|time| bucket.take(at(time)))
            .to_vec();
        assert_eq!(taken, [true, true, false, true, false, true, true, false]);
    }
}
