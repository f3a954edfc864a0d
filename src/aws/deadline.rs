//! The time limit for fetching credentials.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::RunError;

/// The end of the time for fetching credentials. Time in which a person answers a prompt does not count.
#[derive(Debug)]
pub(super) struct Deadline {
    at: Instant,
    pub(super) limit: Duration,
    /// The current source for messages.
    pub(super) origin: String,
}

impl Deadline {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
            origin: String::new(),
        }
    }

    /// Runs `work` for the remaining time. `None`: the time was not enough.
    pub(super) async fn timeout<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.at, work).await.ok()
    }

    /// Runs `work` for the remaining time.
    ///
    /// # Errors
    ///
    /// The time was not enough, or `work` failed.
    pub(super) async fn bound<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        self.timeout(work).await.unwrap_or_else(|| {
            Err(RunError::credentials(format!(
                "no credentials within {} s: {} did not respond",
                self.limit.as_secs(),
                self.origin
            ))
            .hint("--timeout SECONDS gives the source of the credentials more time"))
        })
    }

    /// Adds the time that a person took to answer.
    pub(super) fn extend(&mut self, time: Duration) {
        self.at += time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_person_does_not_count() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut deadline = Deadline::new(Duration::ZERO);
            let late = deadline.bound(std::future::pending::<Result<(), _>>());
            assert!(late.await.is_err());
            deadline.extend(Duration::from_hours(1));
            let in_time = deadline.bound(async {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                Ok(())
            });
            assert!(in_time.await.is_ok());
        });
    }
}
