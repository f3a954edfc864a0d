//! A listening socket on 127.0.0.1 with its own threads, which end when it is dropped.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};

/// A server on loopback.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: SocketAddr,
    gate: Gate,
    runtime: Runtime,
}

/// Closes the listening socket on demand.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    stop: Arc<Notify>,
    closed: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            stop: Arc::new(Notify::new()),
            closed: watch::Sender::new(false),
            open: Arc::default(),
        }
    }

    /// Stops listening. After this returns, new connections are refused.
    pub(crate) async fn close(&self) {
        self.stop.notify_one();
        // `self` holds the sender, so the channel is open.
        let mut closed = self.closed.subscribe();
        let _open = closed.wait_for(|closed| *closed).await;
    }

    /// Accepts connections, and passes each to `serve` with its number.
    async fn accept<F>(self, listener: TcpListener, serve: impl Fn(TcpStream, u64) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                () = self.stop.notified() => break,
                accepted = listener.accept() => accepted,
            };
            // The connection is already gone, or file descriptors ran out. The next attempt may succeed.
            let Ok((stream, _)) = accepted else { continue };
            number += 1;
            self.open.fetch_add(1, Ordering::AcqRel);
            let (served, open) = (serve(stream, number), Arc::clone(&self.open));
            tokio::spawn(async move {
                served.await;
                open.fetch_sub(1, Ordering::AcqRel);
            });
        }
        drop(listener);
        self.closed.send_replace(true);
    }
}

impl Loopback {
    /// Listens on a port, or any free port if it is 0. `serve` handles one connection and gets its number, starting
    /// with 1.
    pub(crate) fn start<F>(
        port: u16,
        threads: usize,
        gate: Gate,
        serve: impl Fn(TcpStream, u64) -> F + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        runtime.spawn(gate.clone().accept(listener, serve));
        Ok(Self {
            address,
            gate,
            runtime,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open. Waits until all earlier connections have been accepted.
    pub(crate) fn open_connections(&self) -> usize {
        if let Ok(mut last) = std::net::TcpStream::connect(self.address) {
            let _ = last.shutdown(Shutdown::Write);
            // Connections are accepted in order, and this one ends when it is accepted.
            let _ended = last.read_to_end(&mut Vec::new());
        }
        self.gate.open.load(Ordering::Acquire)
    }

    /// Stops listening. Open connections stay open.
    pub(crate) fn stop_listening(&self) {
        self.runtime.block_on(self.gate.close());
    }
}
