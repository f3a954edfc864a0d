//! Resolves the names of hosts, and records that it does. If the time for a connection ends meanwhile, the name server may not
//! work, rather than the host.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower_service::Service;

use super::late::Late;

tokio::task_local! {
    /// The lookup of the request that opens a connection: the HTTP client passes only its URI.
    static OF_REQUEST: Lookup;
}

/// Whether the name of a host, or of its proxy, is being resolved. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup(Arc<AtomicBool>);

impl Lookup {
    /// Sends a request, for which `of_request` then returns this lookup.
    pub(super) fn scope<F: Future>(self, sending: F) -> impl Future<Output = F::Output> {
        OF_REQUEST.scope(self, sending)
    }

    /// Returns the lookup of the request that opens a connection.
    pub(super) fn of_request() -> Self {
        OF_REQUEST.try_with(Self::clone).unwrap_or_default()
    }

    pub(super) fn is_running(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Returns what did not end within `limit`.
    pub(super) fn late(&self, limit: Duration) -> Late {
        if self.is_running() {
            Late::Name(limit)
        } else {
            Late::Connection(limit)
        }
    }
}

impl Service<Name> for Lookup {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<GaiAddrs>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let is_running = Arc::clone(&self.0);
        is_running.store(true, Ordering::Release);
        // musl distinguishes upper and lower case in the hosts file.
        let lower_case = name.as_str().to_ascii_lowercase().parse();
        let resolving = GaiResolver::new().call(lower_case.unwrap_or(name));
        Box::pin(async move {
            let resolved = resolving.await;
            is_running.store(false, Ordering::Release);
            resolved
        })
    }
}
