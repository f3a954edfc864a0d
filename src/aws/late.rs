//! The time limits of a connection and of a response, and what did not arrive within one.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::connector::BoxError;
use super::error::{NETWORK, RAISE_READ_TIMEOUT, SILENT, UNFINISHED};

/// Waits for `work`, but not longer than `limit` from `start` on. If it ends, `wait` returns what was waited for.
pub(super) async fn within<T, E: Into<BoxError>>(
    limit: Option<Duration>,
    start: Instant,
    wait: impl FnOnce() -> Wait,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let end = limit.and_then(|limit| Some((limit, start.checked_add(limit)?)));
    let done = match end {
        Some((limit, end)) => timeout_at(end, work)
            .await
            .map_err(|_| Late(limit, wait()))?,
        None => work.await,
    };
    done.map_err(Into::into)
}

/// What did not arrive within a time limit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    Connection,
    Response,
    /// The rest of a response that began.
    Rest,
}

/// No connection or no response within a time limit.
#[derive(Debug)]
pub(super) struct Late(Duration, Wait);

impl Late {
    pub(super) fn hint(&self) -> &'static str {
        match self.1 {
            Wait::Connection => NETWORK,
            Wait::Response | Wait::Rest => RAISE_READ_TIMEOUT,
        }
    }
}

impl Display for Late {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let what = match self.1 {
            Wait::Connection | Wait::Response => SILENT,
            Wait::Rest => UNFINISHED,
        };
        write!(formatter, "{what} within {} s", self.0.as_secs_f64())
    }
}

impl Error for Late {}
