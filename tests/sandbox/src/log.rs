//! The recorded requests, which tests can inspect and wait for.

use crate::request::{Params, Request};
use crate::verify::Authorization;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A request that the sandbox received.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `DeleteAccessKey`, for example. Empty if the request names no action.
    pub action: String,
    /// All parameters in order, including `Action` and `Version`.
    pub params: Vec<(String, String)>,
    /// All headers in order, with lowercase names.
    pub headers: Vec<(String, String)>,
    /// The access key that signed the request, if any.
    pub key_id: Option<String>,
    /// The region that the signature is for.
    pub region: Option<String>,
    /// The service that the signature is for.
    pub service: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The response.
    pub answer: Answer,
    /// When the request took effect, if it did.
    pub acted_at: Option<SystemTime>,
    /// The number of the connection, starting with 1.
    pub connection: u64,
    /// When the request arrived.
    pub at: SystemTime,
}

impl Recorded {
    /// The first parameter with this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first header with this lowercase name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn new(request: &Request, params: &Params, connection: u64) -> Self {
        let authorization = Authorization::of(request).ok();
        let (key_id, scope) = authorization.map(|read| (read.key_id, read.scope)).unzip();
        let (region, service) = scope.map(|scope| (scope.region, scope.service)).unzip();
        Self {
            action: params.get("Action").unwrap_or_default().to_owned(),
            params: params.pairs.clone(),
            user_agent: request.header("user-agent").map(str::to_owned),
            headers: request.headers.clone(),
            key_id,
            region,
            service,
            answer: Answer::Pending,
            acted_at: None,
            connection,
            at: SystemTime::now(),
        }
    }
}

/// The response to a request. It is displayed as `200`, `ResetAfterActing` or `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// No response yet.
    Pending,
    /// A complete response with this status.
    Status(u16),
    /// The fault with this name instead of a complete response.
    Fault(&'static str),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.pad("pending"),
            Self::Status(status) => status.fmt(f),
            Self::Fault(name) => f.pad(name),
        }
    }
}

/// All requests, or the most recent ones.
#[derive(Debug)]
pub(crate) struct Log<R> {
    inner: Mutex<Inner<R>>,
    arrived: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct Inner<R> {
    kept: VecDeque<R>,
    /// How many requests were dropped from the start.
    dropped: usize,
}

impl<R: Clone> Log<R> {
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner {
            kept: VecDeque::new(),
            dropped: 0,
        };
        Self {
            inner: Mutex::new(inner),
            arrived: Condvar::new(),
            limit,
        }
    }

    /// Adds a request, and returns its number for [`Log::amend`].
    pub(crate) fn push(&self, request: R) -> usize {
        let mut inner = self.lock();
        inner.kept.push_back(request);
        if inner.kept.len() > self.limit {
            inner.kept.pop_front();
            inner.dropped += 1;
        }
        self.arrived.notify_all();
        inner.total() - 1
    }

    /// Changes a request unless it was dropped.
    pub(crate) fn amend(&self, number: usize, change: impl FnOnce(&mut R)) {
        let mut inner = self.lock();
        let dropped = inner.dropped;
        if let Some(request) = number
            .checked_sub(dropped)
            .and_then(|place| inner.kept.get_mut(place))
        {
            change(request);
        }
    }

    pub(crate) fn all(&self) -> Vec<R> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Waits until `count` requests have arrived. Returns false if `timeout` passes first.
    pub(crate) fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        let waited = self
            .arrived
            .wait_timeout_while(self.lock(), timeout, |inner| inner.total() < count);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inner.total() >= count
    }

    fn lock(&self) -> MutexGuard<'_, Inner<R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Inner<R> {
    fn total(&self) -> usize {
        self.dropped + self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Log;
    use std::time::Duration;

    #[test]
    fn only_the_last_requests_are_kept_and_all_are_counted() {
        let log = Log::new(2);
        let numbers: Vec<usize> = (0..4).map(|request| log.push(request)).collect();
        log.amend(numbers[0], |request| *request = 100);
        log.amend(numbers[3], |request| *request = 30);
        assert_eq!(log.all(), [2, 30]);
        assert!(log.wait_for(4, Duration::ZERO));
        assert!(!log.wait_for(5, Duration::ZERO));
    }

    #[test]
    fn requests_are_counted_even_if_none_is_kept() {
        let log = Log::new(0);
        let numbers = [log.push(1), log.push(2)];
        log.amend(numbers[1], |request| *request = 20);
        assert_eq!(log.all(), []);
        assert!(log.wait_for(2, Duration::ZERO));
        assert!(!log.wait_for(3, Duration::ZERO));
    }
}
