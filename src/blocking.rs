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
/// A signal arrived first. The process ends without waiting for the thread.
pub(crate) async fn run_blocking<T: Send + 'static>(
    signals: &mut Signals,
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
    if spawned.is_err()
        && let Some(work) = take(&work)
    {
        return Ok(work());
    }
    tokio::select! {
        biased;
        done = done => match done {
            Ok(Ok(done)) => Ok(done),
            // It is reported like any other panic.
            Ok(Err(panic)) => panic::resume_unwind(panic),
            Err(_) => Err(RunError::other("a thread ended early")),
        },
        exit = signals.next() => Err(RunError::signal(exit)),
    }
}

/// Runs `work` like [`run_blocking`] before the run starts, when nothing else receives signals. The run still receives later
/// signals.
///
/// # Errors
///
/// A signal arrived first.
pub(crate) fn run_blocking_early<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let Ok(runtime) = signal::runtime() else {
        return Ok(work());
    };
    runtime.block_on(async {
        let Ok(mut signals) = Signals::listen() else {
            return Ok(work());
        };
        let done = run_blocking(&mut signals, work).await?;
        match signals.first_by_now().await {
            Some(exit) => Err(RunError::signal(exit)),
            None => Ok(done),
        }
    })
}

fn take<F>(work: &Mutex<Option<F>>) -> Option<F> {
    lock(work).take()
}
