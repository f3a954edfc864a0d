//! Runs work that can block, such as reading from a pipe, in its own thread, so that a signal ends the wait.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::oneshot;

use crate::error::RunError;
use crate::lock::lock;
use crate::signal::{self, Signals};

/// Runs `work` in its own thread, and waits for it. If no thread can be started, this one runs it, and signals have to wait.
///
/// # Errors
///
/// A signal arrived. The process ends without waiting for the thread. A signal that came with the end of the work counts too:
/// Ctrl-C also ends the program that writes a list, and the list is cut off or empty.
pub(crate) async fn run_blocking<T: Send + 'static>(
    signals: &Signals,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let (sender, done) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&work);
    let spawned = thread::Builder::new()
        .name("blocking".to_owned())
        .spawn(move || {
            if let Some(work) = take(&theirs) {
                let _ = sender.send(panic::catch_unwind(AssertUnwindSafe(work)));
            }
        });
    let done = if spawned.is_err()
        && let Some(work) = take(&work)
    {
        work()
    } else {
        match signals.race(done).await.map_err(RunError::signal)? {
            Ok(Ok(done)) => done,
            // It is reported like any other panic.
            Ok(Err(panic)) => panic::resume_unwind(panic),
            Err(_) => return Err(RunError::other("a thread ended early")),
        }
    };
    match signals.first_by_now().await {
        Some(exit) => Err(RunError::signal(exit)),
        None => Ok(done),
    }
}

/// Runs `work` like [`run_blocking`] before the run starts, when nothing else receives signals. The run still receives later
/// signals.
///
/// # Errors
///
/// A signal arrived.
pub(crate) fn run_blocking_early<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let Ok(runtime) = signal::runtime() else {
        return Ok(work());
    };
    runtime.block_on(async {
        match Signals::listen() {
            Ok(signals) => run_blocking(&signals, work).await,
            Err(_) => Ok(work()),
        }
    })
}

fn take<F>(work: &Mutex<Option<F>>) -> Option<F> {
    lock(work).take()
}
