//! Work that can block, such as reading from a pipe, in a thread of its own: a signal ends the wait for it.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::error::RunError;
use crate::lock::lock;
use crate::signal::Signals;

/// Does `work` in a thread of its own, and waits for it. Where there can be no thread, this one does it, and a signal waits.
///
/// # Errors
///
/// A signal came first, and the process ends without the thread.
pub(crate) async fn apart<T: Send + 'static>(
    signals: &mut Signals,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let (sender, done) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&work);
    let spawned = thread::Builder::new()
        .name("apart".to_owned())
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
            // It is reported as any other panic.
            Ok(Err(panic)) => panic::resume_unwind(panic),
            Err(_) => Err(RunError::other("a thread ended early")),
        },
        exit = signals.next() => Err(RunError::signal(exit)),
    }
}

/// Does `work` as [`apart`] does, where the run has not started: nothing else handles signals yet. One that comes later
/// still reaches the run.
///
/// # Errors
///
/// A signal came first.
pub(crate) fn apart_early<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Ok(work());
    };
    runtime.block_on(async {
        let Ok(mut signals) = Signals::listen() else {
            return Ok(work());
        };
        let done = apart(&mut signals, work).await?;
        match signals.first_by_now().await {
            Some(exit) => Err(RunError::signal(exit)),
            None => Ok(done),
        }
    })
}

fn take<F>(work: &Mutex<Option<F>>) -> Option<F> {
    lock(work).take()
}
