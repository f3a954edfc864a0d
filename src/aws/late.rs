//! The time limits of a connection and of a response, and what did not arrive within one.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::connector::BoxError;
use super::error::{CHECK_DNS, NETWORK, RAISE_READ_TIMEOUT, SILENT, UNFINISHED, UNRESOLVED};

/// Waits for `work`, but no longer than `limit` after `start`. Then `late` says what did not arrive in time.
pub(super) async fn within<T, E: Into<BoxError>>(
    limit: Option<Duration>,
    start: Instant,
    late: impl FnOnce(Duration) -> Late,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let end = limit.and_then(|limit| Some((limit, start.checked_add(limit)?)));
    let done = match end {
        Some((limit, end)) => timeout_at(end, work).await.map_err(|_| late(limit))?,
        None => work.await,
    };
    done.map_err(Into::into)
}

/// What did not arrive within a time limit.
#[derive(Debug)]
pub(super) enum Late {
    /// The address of the host.
    Name(Duration),
    Connection(Duration),
    Response(Duration),
    /// The rest of a response that began.
    Rest(Duration),
}

impl Late {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Name(_) => CHECK_DNS,
            Self::Connection(_) => NETWORK,
            Self::Response(_) | Self::Rest(_) => RAISE_READ_TIMEOUT,
        }
    }
}

impl Display for Late {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (what, limit) = match self {
            Self::Name(limit) => (UNRESOLVED, limit),
            Self::Connection(limit) | Self::Response(limit) => (SILENT, limit),
            Self::Rest(limit) => (UNFINISHED, limit),
        };
        write!(formatter, "{what} within {} s", limit.as_secs_f64())
    }
}

impl Error for Late {}
