//! Writes to standard output and standard error. Writes that would block run in a separate thread, so a slow reader
//! delays neither signals nor responses.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::progress::DrawnBar;
use crate::sanitize::SafeText;
use crate::terminal;

/// How often the bar is redrawn while nothing else is written.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// The delay before a write to a non-blocking stream is retried.
const RETRY_DELAY: Duration = Duration::from_millis(10);
/// How often a writer in the background checks whether it may write.
const FOREGROUND_DELAY: Duration = Duration::from_millis(100);
/// No new key starts while more than this is unwritten on standard error, in bytes.
const BACKLOG_LIMIT: usize = 64 << 10;
/// The maximum that is buffered for standard error, in bytes. Further messages are dropped.
const MAX_BACKLOG: usize = 4 << 20;
/// The stack size of a writer thread, in bytes.
const STACK_SIZE: usize = 256 << 10;

/// Whether writes use threads. Before signals are handled a write may block: the default action of a signal ends the
/// process.
static IN_THREADS: AtomicBool = AtomicBool::new(false);
static RESULTS: OnceLock<Option<Sender<Job>>> = OnceLock::new();
static MESSAGES: OnceLock<Option<Sender<Job>>> = OnceLock::new();
/// The size of all unwritten messages, in bytes.
static UNWRITTEN_BYTES: AtomicUsize = AtomicUsize::new(0);
/// The number of messages that were dropped because nobody read standard error.
static DROPPED_MESSAGES: AtomicUsize = AtomicUsize::new(0);

/// The stream to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Results,
    Messages,
}

impl Stream {
    fn fd(self) -> BorrowedFd<'static> {
        match self {
            Self::Results => rustix::stdio::stdout(),
            Self::Messages => rustix::stdio::stderr(),
        }
    }
}

/// A task of a writer thread.
#[derive(Debug)]
pub(super) enum Job {
    /// Writes to a stream, and sends how that ended.
    Write(Stream, Vec<u8>, Option<oneshot::Sender<io::Result<()>>>),
    /// Shows a bar on standard error, below the messages, instead of the one before. `None`: shows no bar.
    Show(Option<DrawnBar>),
    /// Neither draws nor writes during a question.
    Rest {
        begun: oneshot::Sender<()>,
        ended: Receiver<()>,
    },
}

/// Makes all later writes non-blocking for the caller.
pub(crate) fn use_threads() {
    IN_THREADS.store(true, Ordering::Release);
}

/// Writes a message and a line break to standard error.
pub(crate) fn write_message(text: &SafeText) {
    let mut text = format!("{text}\n").into_bytes();
    if MESSAGES.get().is_none() && write_without_blocking(Stream::Messages, &mut text) {
        return;
    }
    let Some(thread) = thread_of(Stream::Messages) else {
        let _ = write(Stream::Messages, &text);
        return;
    };
    if UNWRITTEN_BYTES.load(Ordering::Acquire) + text.len() > MAX_BACKLOG {
        DROPPED_MESSAGES.fetch_add(1, Ordering::AcqRel);
        return;
    }
    UNWRITTEN_BYTES.fetch_add(text.len(), Ordering::AcqRel);
    let _ = thread.send(Job::Write(Stream::Messages, text, None));
}

/// Writes a result and a line break to standard output. `Some`: a thread writes it, and this receives the end of that.
///
/// # Errors
///
/// There is no thread, and the result cannot be written.
pub(super) fn write_result(
    text: &SafeText,
) -> io::Result<Option<oneshot::Receiver<io::Result<()>>>> {
    let mut text = format!("{text}\n").into_bytes();
    let is_first = RESULTS.get().is_none() && UNWRITTEN_BYTES.load(Ordering::Acquire) == 0;
    if is_first && write_without_blocking(Stream::Results, &mut text) {
        return Ok(None);
    }
    let Some(thread) = thread_of(Stream::Results) else {
        return write(Stream::Results, &text).map(|()| None);
    };
    let (sender, written) = oneshot::channel();
    let _ = thread.send(Job::Write(Stream::Results, text, Some(sender)));
    Ok(Some(written))
}

/// Asks the messages thread to draw or remove a bar. Without the thread there is no bar.
pub(super) fn draw(job: Job) {
    if let Some(thread) = thread_of(Stream::Messages) {
        let _ = thread.send(job);
    }
}

/// Removes the bar if one was drawn. A run can end while it is shown.
pub(crate) fn clear_bar() {
    if let Some(Some(thread)) = MESSAGES.get() {
        let _ = thread.send(Job::Show(None));
    }
}

/// Whether much of standard error is unwritten.
pub(crate) fn is_backlogged() -> bool {
    UNWRITTEN_BYTES.load(Ordering::Acquire) > BACKLOG_LIMIT
}

/// Waits until all messages so far are written.
pub(crate) async fn messages_written() {
    wait_until_written(MESSAGES.get()).await;
}

/// Waits until all results and messages so far are written.
pub(crate) async fn all_written() {
    wait_until_written(RESULTS.get()).await;
    messages_written().await;
}

/// Writes the messages so far. Then nothing is written to standard error, and no bar is drawn, until the returned value is
/// dropped. `None`: no thread writes there.
pub(crate) async fn rest() -> Option<Sender<()>> {
    let ((begun, begins), (end, ended)) = (oneshot::channel(), channel());
    thread_of(Stream::Messages)?
        .send(Job::Rest { begun, ended })
        .ok()?;
    begins.await.ok()?;
    Some(end)
}

async fn wait_until_written(thread: Option<&Option<Sender<Job>>>) {
    if let Some(Some(thread)) = thread {
        let (written, done) = oneshot::channel();
        // Jobs run in order: the empty text is written after everything before it.
        let job = Job::Write(Stream::Messages, Vec::new(), Some(written));
        if thread.send(job).is_ok() {
            let _ = done.await;
        }
    }
}

/// Returns the thread that writes to a stream. `None`: there is none, so writes may block.
fn thread_of(stream: Stream) -> Option<&'static Sender<Job>> {
    if !IN_THREADS.load(Ordering::Acquire) {
        return None;
    }
    let started = match stream {
        Stream::Messages => MESSAGES.get_or_init(|| start("messages")),
        Stream::Results => RESULTS.get_or_init(|| {
            // If both streams are the same terminal or log, one thread preserves their order. A terminal has several names.
            let are_terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
            if are_terminals || identity(io::stdout()) == identity(io::stderr()) {
                thread_of(Stream::Messages).cloned()
            } else {
                start("results")
            }
        }),
    };
    started.as_ref()
}

/// Returns the device and inode of a stream.
pub(crate) fn identity(stream: impl AsFd) -> Option<(u64, u64)> {
    let found = metadata(stream).ok()?;
    Some((found.dev(), found.ino()))
}

pub(super) fn metadata(stream: impl AsFd) -> io::Result<Metadata> {
    File::from(stream.as_fd().try_clone_to_owned()?).metadata()
}

/// Starts a writer thread. `None`: it cannot be created.
fn start(name: &str) -> Option<Sender<Job>> {
    let (sender, jobs) = channel();
    let thread = thread::Builder::new().name(name.to_owned());
    let started = thread
        .stack_size(STACK_SIZE)
        .spawn(move || run_writer(&jobs));
    started.ok().map(|_| sender)
}

/// Runs a writer thread until the process ends.
fn run_writer(jobs: &Receiver<Job>) {
    let mut bar: Option<DrawnBar> = None;
    let mut is_closed = false;
    loop {
        let job = match &bar {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => jobs.recv_timeout(BAR_INTERVAL),
        };
        // Lines are written above the bar.
        if let (Ok(_), Some(bar)) = (&job, &bar) {
            bar.clear();
        }
        match job {
            Ok(Job::Write(stream, text, written)) => {
                let result = match stream {
                    Stream::Results if is_closed => Err(closed_error()),
                    stream => write_in_foreground(stream, &text),
                };
                match stream {
                    Stream::Results => is_closed |= result.is_err(),
                    Stream::Messages => finish_message(text.len()),
                }
                if let Some(written) = written {
                    let _ = written.send(result);
                }
            }
            Ok(Job::Show(shown)) => bar = shown,
            Ok(Job::Rest { begun, ended }) => {
                let _ = begun.send(());
                let _ = ended.recv();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(bar) = &bar {
            bar.draw();
        }
    }
}

/// Counts a message as written, and reports how many were dropped meanwhile.
fn finish_message(bytes: usize) {
    UNWRITTEN_BYTES.fetch_sub(bytes, Ordering::AcqRel);
    let dropped = DROPPED_MESSAGES.swap(0, Ordering::AcqRel);
    if dropped > 0 {
        let text = format!(
            "iam-del-key: warning: {dropped} messages were dropped, because nothing read them\n"
        );
        let _ = write_in_foreground(Stream::Messages, text.as_bytes());
    }
}

/// Writes as much as a pipe, a socket or the null device accepts without blocking, and leaves the rest in `text`.
/// Returns whether everything was written. Then no thread is needed, which would take longer to start than the write
/// itself.
#[cfg(target_os = "linux")]
fn write_without_blocking(stream: Stream, text: &mut Vec<u8>) -> bool {
    use std::io::IoSlice;

    use rustix::io::{ReadWriteFlags, pwritev2};

    /// Writes at the current position, like `write`.
    const CURRENT_POSITION: u64 = u64::MAX;
    let parts = [IoSlice::new(text)];
    let written = pwritev2(
        stream.fd(),
        &parts,
        CURRENT_POSITION,
        ReadWriteFlags::NOWAIT,
    );
    // The thread gets the same error again and reports it.
    let count = written.unwrap_or(0);
    text.drain(..count);
    text.is_empty()
}

/// Other systems have no such call.
#[cfg(not(target_os = "linux"))]
fn write_without_blocking(_: Stream, text: &mut Vec<u8>) -> bool {
    text.is_empty()
}

/// Writes the whole text, in the background only if the system would not stop this process there. That could keep a signal
/// from ending it.
fn write_in_foreground(stream: Stream, text: &[u8]) -> io::Result<()> {
    // Like a reader that pauses, this blocks nothing else.
    while terminal::stops_writers(&stream.fd()) {
        thread::sleep(FOREGROUND_DELAY);
    }
    write(stream, text)
}

/// Writes the whole text. The buffer of the standard library is bypassed because it does not report how much was
/// written.
pub(super) fn write(stream: Stream, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match rustix::io::write(stream.fd(), text).map_err(io::Error::from) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another program that shares the stream made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_DELAY),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn closed_error() -> io::Error {
    io::Error::other("it was closed by an earlier error")
}
