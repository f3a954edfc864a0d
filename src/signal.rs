//! SIGINT and SIGTERM as values to wait for.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// The signals that end a run, in the order in which they came. Of two that came while nobody looked the system does not
/// say which was first: SIGINT is taken for the first, as where a supervisor first asks and then insists. Each clone gets
/// each signal that came after what it has got so far.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    seen: watch::Receiver<Vec<Exit>>,
    got: usize,
}

impl Signals {
    /// Takes the signals over from the operating system's default.
    ///
    /// # Errors
    ///
    /// The operating system refuses.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (sender, seen) = watch::channel(Vec::new());
        tokio::spawn(async move {
            loop {
                let exit = tokio::select! {
                    biased;
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                sender.send_modify(|seen| seen.push(exit));
            }
        });
        Ok(Self { seen, got: 0 })
    }

    /// Waits for the next of them, and says the exit status it leads to.
    pub(crate) async fn next(&mut self) -> Exit {
        let got = self.got;
        let Ok(seen) = self.seen.wait_for(|seen| seen.len() > got).await else {
            // The listener ends with the run.
            return std::future::pending().await;
        };
        self.got += 1;
        seen[got]
    }

    /// The first of them, if one has come.
    pub(crate) fn first(&self) -> Option<Exit> {
        self.seen.borrow().first().copied()
    }
}
