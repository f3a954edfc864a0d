//! Receives SIGHUP, SIGINT and SIGTERM, and limits how long a run continues after them.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Duration;

use nix::sys::signal::SigSet;
use nix::sys::signal::Signal::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN,
};
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::error::Exit;

/// How long the keys in flight continue after a signal. Each later step has some time left, so that a result of the last
/// moment is still recorded and printed.
pub(crate) const KEYS: Duration = Duration::from_millis(1600);
/// How long a run waits for the account of a key after the first and after the second signal.
pub(crate) const ACCOUNT: [Duration; 2] = [Duration::from_millis(1650), Duration::from_millis(50)];
/// The same for the journal.
pub(crate) const JOURNAL: [Duration; 2] = [Duration::from_millis(1750), Duration::from_millis(100)];
/// The same for the reader of the results.
pub(crate) const OUTPUT: [Duration; 2] = [Duration::from_millis(1800), Duration::from_millis(200)];
/// The same for the last check of the journal.
pub(crate) const CHECK: [Duration; 2] = [Duration::from_millis(1830), Duration::from_millis(230)];
/// How long a run then waits for the reader of the last messages, which report what was not printed.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(120);
/// The maximum time from a signal to the end of the process, which takes a moment too.
#[cfg(test)]
const END: Duration = Duration::from_secs(2);

/// The signals that end a run, in order. The system does not report the order of signals that are pending together; SIGINT
/// is presumed to be the first, because supervisors send it first. Each clone continues where the original was.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    seen: watch::Receiver<Vec<(Exit, Instant)>>,
    got: usize,
}

/// Unblocks the signals that this program handles. The process that started it may have blocked them, and then they would
/// stay pending.
pub(crate) fn unblock() {
    let handled: SigSet = [
        SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN,
    ]
    .into_iter()
    .collect();
    // It fails only for an invalid argument.
    let _ = handled.thread_unblock();
}

/// Builds a runtime that can listen for signals.
///
/// # Errors
///
/// The operating system refuses, for example because too many files are open.
pub(crate) fn runtime() -> io::Result<Runtime> {
    // Where files run out between those of the runtime, tokio panics.
    let room = [io::pipe()?, io::pipe()?, io::pipe()?];
    drop(room);
    Builder::new_current_thread().enable_all().build()
}

impl Signals {
    /// Starts to receive the signals. A signal that was ignored when the process started stays ignored, as `nohup` requires.
    ///
    /// # Errors
    ///
    /// The operating system does not allow it.
    pub(crate) fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let mut interrupt = listener(Signal::INT, ignored.unwrap_or(0))?;
        let mut terminate = listener(Signal::TERM, ignored.unwrap_or(0))?;
        // Without /proc (macOS), SIGHUP is not received, because `nohup` may have started the process.
        let mut hang_up = listener(Signal::HUP, ignored.unwrap_or(u64::MAX))?;
        let (sender, seen) = watch::channel(Vec::new());
        tokio::spawn(async move {
            loop {
                let exit = tokio::select! {
                    biased;
                    () = next(&mut interrupt) => Exit::Interrupted,
                    () = next(&mut terminate) => Exit::Terminated,
                    () = next(&mut hang_up) => Exit::HungUp,
                };
                sender.send_modify(|seen| seen.push((exit, Instant::now())));
            }
        });
        Ok(Self { seen, got: 0 })
    }

    /// Waits for the next signal, and returns its exit status.
    pub(crate) async fn next(&mut self) -> Exit {
        let got = self.got;
        let Ok(seen) = self.seen.wait_for(|seen| seen.len() > got).await else {
            // The listener ends with the run.
            return std::future::pending().await;
        };
        self.got += 1;
        seen[got].0
    }

    /// Returns the exit status of the first signal, if one arrived.
    pub(crate) fn first(&self) -> Option<Exit> {
        self.seen.borrow().first().map(|(exit, _)| *exit)
    }

    /// Returns the exit status of the first signal, even if it arrived only just now. Ctrl-C ends a child process too, and
    /// must be reported instead of the failure of the child.
    pub(crate) async fn first_by_now(&self) -> Option<Exit> {
        // The task that receives signals is woken together with the one that waits for the child.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        self.first()
    }

    /// Runs `work` until a signal arrives.
    ///
    /// # Errors
    ///
    /// A signal arrived. The error is its exit status.
    pub(crate) async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Exit> {
        let mut signals = self.clone();
        tokio::select! {
            biased;
            exit = signals.next() => Err(exit),
            done = work => Ok(done),
        }
    }

    /// Waits for `work`, which may block. `patience` limits the wait after the first and after the second signal.
    ///
    /// # Errors
    ///
    /// The time after the signal was not enough. The error is the exit status of the first signal.
    pub(crate) async fn bound<T>(
        &self,
        patience: [Duration; 2],
        work: impl Future<Output = T>,
    ) -> Result<T, Exit> {
        tokio::select! {
            biased;
            // What needs no wait is done even after that time.
            done = work => Ok(done),
            exit = self.overdue(patience) => Err(exit),
        }
    }

    /// Waits for a signal, and then until `patience` ends. Returns the exit status of the first signal.
    pub(crate) async fn overdue(&self, patience: [Duration; 2]) -> Exit {
        let mut signals = Self {
            seen: self.seen.clone(),
            got: 0,
        };
        let exit = signals.next().await;
        let end = self.time(0) + patience[0];
        tokio::select! {
            () = sleep_until(end) => {}
            _ = signals.next() => sleep_until(end.min(self.time(1) + patience[1])).await,
        }
        exit
    }

    fn time(&self, number: usize) -> Instant {
        let seen = self.seen.borrow();
        seen.get(number)
            .map_or_else(Instant::now, |(_, time)| *time)
    }
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error. By default SIGXFSZ kills the process before
/// it can report the state of the key.
///
/// # Errors
///
/// The operating system does not allow it.
pub(crate) fn survive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

/// Starts to receive a signal, unless it was ignored when the process started.
///
/// # Errors
///
/// The operating system does not allow it.
pub(crate) fn listen_to(kind: Signal) -> io::Result<Option<unix::Signal>> {
    listener(kind, ignored().unwrap_or(0))
}

/// Starts to receive a signal, unless its bit in `ignored` is set.
fn listener(kind: Signal, ignored: u64) -> io::Result<Option<unix::Signal>> {
    let number = kind.as_raw();
    if ignored >> (number - 1) & 1 == 1 {
        return Ok(None);
    }
    signal(SignalKind::from_raw(number)).map(Some)
}

/// Waits for a signal. One that is not received never comes.
pub(crate) async fn next(listener: &mut Option<unix::Signal>) {
    match listener {
        Some(listener) => {
            listener.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns the ignored signals, one bit per signal. `None`: the system does not report them.
fn ignored() -> Option<u64> {
    let mut file = File::open("/proc/self/status").ok()?;
    // Usually one read is enough. The list of groups before the mask can be long.
    let (mut status, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = file.read(&mut part).ok().filter(|length| *length > 0)?;
        status.extend_from_slice(&part[..length]);
        if let Some(mask) = mask(&status) {
            return Some(mask);
        }
    }
}

/// Returns the mask in the status of a process. `None`: its line is missing, incomplete or invalid.
fn mask(status: &[u8]) -> Option<u64> {
    let mut lines = status.split_inclusive(|byte| *byte == b'\n');
    let mask = lines.find_map(|line| line.strip_prefix(b"SigIgn:")?.strip_suffix(b"\n"))?;
    u64::from_str_radix(std::str::from_utf8(mask).ok()?.trim(), 16).ok()
}

#[cfg(test)]
impl Signals {
    /// Creates signals that a test sends.
    pub(crate) fn by_hand() -> (watch::Sender<Vec<(Exit, Instant)>>, Self) {
        let (sender, seen) = watch::channel(Vec::new());
        (sender, Self { seen, got: 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{ACCOUNT, CHECK, END, JOURNAL, KEYS, LAST_WORDS, OUTPUT, Signals, mask};
    use crate::error::Exit;

    #[tokio::test]
    async fn what_needs_no_wait_is_done_long_after_a_signal_too() {
        let (sender, signals) = Signals::by_hand();
        let long_ago = Instant::now() - Duration::from_mins(1);
        sender.send_replace(vec![(Exit::Interrupted, long_ago)]);
        assert_eq!(signals.bound(JOURNAL, ready(7)).await, Ok(7));
        let late = signals.bound(JOURNAL, pending::<u8>()).await;
        assert_eq!(late, Err(Exit::Interrupted));
    }

    #[test]
    fn after_a_signal_each_step_has_time_left_by_the_one_before() {
        assert!(KEYS < ACCOUNT[0]);
        assert!(ACCOUNT[0] < JOURNAL[0] && ACCOUNT[1] < JOURNAL[1]);
        assert!(JOURNAL[0] < OUTPUT[0] && JOURNAL[1] < OUTPUT[1]);
        assert!(OUTPUT[0] < CHECK[0] && OUTPUT[1] < CHECK[1]);
        assert!(CHECK[0] + LAST_WORDS < END);
    }

    #[test]
    fn ignored_signals_are_read_from_the_status_of_the_process() {
        for (status, expected) in [
            (
                "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n",
                Some(0x1001),
            ),
            ("SigIgn:\tffffffffffffffff\n", Some(u64::MAX)),
            ("SigIgn:\t00000000", None),
            ("SigIgn:\t\n", None),
            ("SigIgn:\tzz\n", None),
            ("SigBlk:\t0000000000000001\n", None),
            ("", None),
        ] {
            assert_eq!(mask(status.as_bytes()), expected, "{status:?}");
        }
    }
}
