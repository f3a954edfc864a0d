//! The terminal of this process: who is in its foreground, and what is typed there. A thread waits for what is typed, so a
//! signal can end the run meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetpgrp, tcsetattr,
};
use tokio::signal::unix::{self, SignalKind};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::report::stream;
use crate::sanitize::SafeText;
use crate::signal;

/// The maximum length of an answer, in bytes.
pub(crate) const LONGEST_ANSWER: usize = 1_000;
/// The code that disables a special character (`_POSIX_VDISABLE`).
const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };
/// How long after an answer or SIGCONT an earlier signal may be noticed.
const NOTICED: Duration = Duration::from_millis(100);

/// How long after a terminal failed its SIGHUP may be noticed.
const CLOSED: Duration = Duration::from_secs(2);

/// Opens the terminal of this process, whatever its standard streams are.
///
/// # Errors
///
/// It has none.
pub(crate) fn open() -> io::Result<File> {
    // A terminal whose output is stopped (Ctrl-S) does not block a run that ends.
    open_with(OFlags::NONBLOCK)
}

fn open_with(flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true);
    let options = options.custom_flags(flags.bits().cast_signed());
    options.open("/dev/tty")
}

/// Returns the terminal and its mode if this process is in its foreground.
pub(crate) fn own() -> Option<(File, Termios)> {
    let file = open().ok().filter(|file| !is_of_another_job(file))?;
    let mode = tcgetattr(&file).ok()?;
    Some((file, mode))
}

/// Whether a stream is the terminal of this process, but another job is in its foreground.
pub(crate) fn is_of_another_job(stream: &impl AsFd) -> bool {
    tcgetpgrp(stream).is_ok_and(|group| group != getpgrp())
}

/// Whether the system would stop this process if it wrote to a stream (`stty tostop`).
pub(crate) fn stops_writers(stream: &impl AsFd) -> bool {
    is_of_another_job(stream)
        && tcgetattr(stream).is_ok_and(|mode| mode.local_modes.contains(LocalModes::TOSTOP))
}

/// Sets a terminal's mode, but not in the background: there the system would stop this process, and again after each signal
/// that continues it. The shell has set its own mode.
pub(crate) fn restore(terminal: &File, mode: &Termios) {
    if !is_of_another_job(terminal) {
        let _ = tcsetattr(terminal, OptionalActions::Now, mode);
    }
}

/// Asks a question. The answer is visible while it is typed.
///
/// # Errors
///
/// The terminal was closed, or nobody can bring this process to its foreground.
pub(crate) async fn ask(terminal: File, question: &SafeText) -> io::Result<Vec<u8>> {
    ask_in_mode(terminal, false, question).await
}

/// Asks for a secret, which is not visible while it is typed.
///
/// # Errors
///
/// The terminal was closed, or nobody can bring this process to its foreground.
pub(crate) async fn ask_secret(terminal: File, prompt: &SafeText) -> io::Result<Vec<u8>> {
    ask_in_mode(terminal, true, prompt).await
}

/// Returns a terminal's mode without an echo.
fn hidden(mode: &Termios) -> Termios {
    let mut hidden = mode.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // Ctrl-\ would end the run and leave the terminal like this.
    hidden.special_codes[SpecialCodeIndex::VQUIT] = DISABLED;
    // Enter still ends the line on the screen, and Ctrl-C does not discard what is printed then.
    hidden
        .local_modes
        .insert(LocalModes::ECHONL | LocalModes::NOFLSH);
    hidden
}

/// Asks a question. If the answer is hidden, the terminal's mode is restored afterwards.
async fn ask_in_mode(terminal: File, is_hidden: bool, question: &SafeText) -> io::Result<Vec<u8>> {
    // No bar and no message is written over the question.
    let _rest = stream::rest().await;
    let terminal = Arc::new(terminal);
    let mut continued = unix::signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    // In the background, the mode is another program's.
    wait_for_foreground(&terminal, &mut continued).await?;
    let (mut mode, mut asking) = (None, None);
    if is_hidden {
        let usual = tcgetattr(&terminal)?;
        restore_before_signals(&terminal, &usual)?;
        asking = Some(hidden(&usual));
        mode = Some(usual);
    }
    let mut restored = Restored {
        terminal: Arc::clone(&terminal),
        mode,
        is_line_ended: false,
    };
    let answer = read_answer(&terminal, &mut continued, asking.as_ref(), question).await?;
    restored.is_line_ended = answer.contains(&b'\n');
    Ok(answer)
}

/// Waits until this process is in the foreground of its terminal.
///
/// # Errors
///
/// Nobody can bring it there.
pub(crate) async fn foreground(terminal: &impl AsFd) -> io::Result<()> {
    let mut continued = unix::signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    wait_for_foreground(terminal, &mut continued).await
}

/// Waits for the foreground. `continued` receives SIGCONT. In the background nobody can answer. The system would stop this
/// process at its next step there, and again after each signal that continues it: it stops itself, where a signal can end it.
async fn wait_for_foreground(terminal: &impl AsFd, continued: &mut unix::Signal) -> io::Result<()> {
    while is_of_another_job(terminal) {
        // A signal that arrived together with SIGCONT ends the run first.
        sleep(NOTICED).await;
        if !is_of_another_job(terminal) {
            break;
        }
        kill_process_group(getpgrp(), Signal::TTIN)?;
        let is_stopped = timeout(NOTICED, continued.recv()).await.is_ok();
        if !is_stopped {
            let why = "this process is in the background of its terminal, and no shell can bring it to the foreground";
            return Err(io::Error::other(why));
        }
    }
    Ok(())
}

/// Standard input or a terminal, which waits for its input even if another program made it non-blocking. It also waits in the
/// background of a terminal, because a read there would stop this process, and again after each signal that continues it.
/// After its end (Ctrl-D) nothing more is read. A terminal that is closed has no end, so that no list is taken for complete.
#[derive(Debug)]
pub(crate) struct WaitingInput {
    file: File,
    is_terminal: bool,
    is_ended: bool,
}

impl WaitingInput {
    pub(crate) fn of(file: File) -> Self {
        Self {
            // A terminal that is closed already is none any more.
            is_terminal: file.is_terminal() || matches!(tcgetattr(&file), Err(Errno::IO)),
            file,
            is_ended: false,
        }
    }
}

impl Read for WaitingInput {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while !self.is_ended {
            while is_of_another_job(&self.file) {
                thread::sleep(NOTICED);
            }
            // A read could not be left when this process is stopped and continued.
            retry_on_intr(|| poll(&mut [PollFd::new(&self.file, PollFlags::IN)], None))?;
            if is_of_another_job(&self.file) {
                continue;
            }
            match self.file.read(bytes) {
                // Another reader was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                mut read => {
                    if self.is_terminal && matches!(read, Ok(0)) && !self.file.is_terminal() {
                        read = Err(io::Error::other("the terminal was closed"));
                    }
                    if self.is_terminal && read.is_err() {
                        // The SIGHUP of a terminal that is closed ends the run meanwhile.
                        thread::sleep(CLOSED);
                    }
                    self.is_ended = matches!(read, Ok(0));
                    return read;
                }
            }
        }
        Ok(0)
    }
}

/// Restores the terminal's mode before SIGQUIT ends or SIGTSTP (Ctrl-Z) stops this process. Not every shell does so.
fn restore_before_signals(terminal: &Arc<File>, mode: &Termios) -> io::Result<()> {
    // The system's own handling of these signals cannot be had back, so this goes on after the question.
    static IS_STARTED: AtomicBool = AtomicBool::new(false);
    if IS_STARTED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let mut quit = signal::listen_to(Signal::QUIT)?;
    let mut stop = signal::listen_to(Signal::TSTP)?;
    let mut continued = signal::listen_to(Signal::CONT)?;
    let (terminal, mode) = (Arc::clone(terminal), mode.clone());
    tokio::spawn(async move {
        loop {
            let is_end = tokio::select! {
                () = signal::next(&mut quit) => true,
                () = signal::next(&mut stop) => false,
            };
            restore(&terminal, &mode);
            if is_end {
                process::abort();
            }
            // Only a later signal asks the question again in the hidden mode.
            let _ = timeout(Duration::ZERO, signal::next(&mut continued)).await;
            // Like SIGTSTP, this one has no effect if no shell could continue the run.
            let _ = kill_process(getpid(), Signal::TTIN);
            // The question is asked again, without an echo. A second time would discard an answer.
            if timeout(NOTICED, signal::next(&mut continued))
                .await
                .is_err()
            {
                let _ = kill_process(getpid(), Signal::CONT);
            }
        }
    });
    Ok(())
}

/// Ends the line of a question that was not answered, and sets the terminal's mode back, when it is dropped.
struct Restored {
    terminal: Arc<File>,
    mode: Option<Termios>,
    is_line_ended: bool,
}

impl Drop for Restored {
    fn drop(&mut self) {
        if !self.is_line_ended && !is_of_another_job(&*self.terminal) {
            // Otherwise the shell would read the typed part of a secret.
            let _ = tcflush(&*self.terminal, QueueSelector::IFlush);
            let _ = rustix::io::write(&*self.terminal, b"\n");
        }
        if let Some(mode) = &self.mode {
            restore(&self.terminal, mode);
        }
    }
}

/// Reads the answer to the question, as it was asked last. A run that was stopped (Ctrl-Z) and continues asks again: the
/// question may be far up on the screen, a shell that stopped the run has set its own mode, and what is typed at a blank
/// line answers nothing.
async fn read_answer(
    terminal: &Arc<File>,
    continued: &mut unix::Signal,
    mode: Option<&Termios>,
    question: &SafeText,
) -> io::Result<Vec<u8>> {
    let mut waiting = None;
    loop {
        wait_for_foreground(terminal, continued).await?;
        // What was typed before the question was not typed as its answer.
        tcflush(terminal, QueueSelector::IFlush)?;
        if let Some(mode) = mode {
            tcsetattr(terminal, OptionalActions::Now, mode)?;
        }
        put(terminal, question).await?;
        let answer = tokio::select! {
            biased;
            _ = continued.recv() => continue,
            answer = line(terminal, &mut waiting) => answer,
        };
        // The answer may have been typed while the run was stopped, and read before the signal was noticed: another thread
        // can be the one that gets it.
        let notice = if answer.is_ok() { NOTICED } else { CLOSED };
        if timeout(notice, continued.recv()).await.is_err() {
            return answer;
        }
    }
}

/// Reads until the end of the line, the end of the input, or more than an answer has. To wait in a read would keep signals
/// from ending the run, and give what is typed to a question that is not asked any more.
async fn line(terminal: &Arc<File>, waiting: &mut Option<JoinHandle<()>>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let wait = || {
            let terminal = Arc::clone(terminal);
            // The run ends without this thread. What fails here fails again where it is reported.
            spawn_blocking(move || {
                let _ = poll(&mut [PollFd::new(&terminal, PollFlags::IN)], None);
            })
        };
        waiting.get_or_insert_with(wait).await?;
        *waiting = None;
        let mut ready = [PollFd::new(terminal, PollFlags::IN)];
        if poll(&mut ready, Some(&Timespec::default()))? == 0 {
            continue;
        }
        if is_of_another_job(terminal) {
            // This process was stopped and continued, so the question is asked again.
            sleep(NOTICED).await;
            continue;
        }
        let mut bytes = [0; LONGEST_ANSWER];
        let count = match rustix::io::read(terminal, &mut bytes) {
            // Another reader was faster.
            Err(Errno::AGAIN | Errno::INTR) => continue,
            read => read?,
        };
        line.extend_from_slice(&bytes[..count]);
        if count == 0 || line.contains(&b'\n') || line.len() >= LONGEST_ANSWER {
            return Ok(line);
        }
    }
}

/// Writes a question in a thread that waits for the terminal.
async fn put(terminal: &Arc<File>, question: &SafeText) -> io::Result<()> {
    let (terminal, question) = (Arc::clone(terminal), question.to_string());
    let put = spawn_blocking(move || write(&terminal, question.as_bytes()));
    put.await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Writes all of a text, and waits for the terminal where it has to.
fn write(terminal: &File, text: &[u8]) -> io::Result<()> {
    retry_on_intr(|| poll(&mut [PollFd::new(terminal, PollFlags::OUT)], None))?;
    if is_of_another_job(terminal) {
        // This process was stopped and continued, so the question is asked again.
        return Ok(());
    }
    // While other programs write to the terminal, only a write that waits gets its turn.
    open_with(OFlags::empty())?.write_all(text)
}
