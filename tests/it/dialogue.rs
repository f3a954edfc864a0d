//! A run on a real pseudo-terminal: its screen, and the typed input.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use pty_process::blocking::Pts;
use rustix::termios::{InputModes, LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::case::{Case, Ended, HANGS};
use crate::running::{send_signal, wait_for_end};
use crate::secret::Secrets;
use crate::streams::wait_for;

/// Opens a terminal with this many columns. Returns where to type, what appears on the screen, and the end for the process.
pub(crate) fn open_terminal(columns: u16) -> (File, Receiver<Vec<u8>>, Pts) {
    let (terminal, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
    let size = pty_process::Size::new(24, columns);
    terminal.resize(size).expect("a size");
    let typing = File::from(OwnedFd::from(terminal));
    let (sender, shown) = channel();
    let mut screen = typing.try_clone().expect("a second handle");
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        // On Linux, a closed terminal is reported as an error.
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    (typing, shown, other_end)
}

/// A run that a test can talk to. Its standard output is a pipe; the other streams are the terminal.
pub(crate) struct Dialogue {
    child: Child,
    stdout: thread::JoinHandle<Vec<u8>>,
    typing: File,
    shown: Receiver<Vec<u8>>,
    /// The output up to here is no longer waited for.
    before: String,
    seen: String,
    started: Instant,
    arguments: String,
    folder: tempfile::TempDir,
    secrets: Secrets,
}

impl Dialogue {
    /// Starts a run on a terminal of 80 columns.
    pub(crate) fn start(case: Case) -> Self {
        Self::start_under(case, &[])
    }

    /// The same under another command, such as `prlimit`.
    pub(crate) fn start_under(case: Case, wrapper: &[&str]) -> Self {
        let (typing, shown, other_end) = open_terminal(80);
        let parts = case.into_parts();
        let mut words = wrapper.iter().copied().chain([parts.binary]);
        let started = Instant::now();
        let mut child = pty_process::blocking::Command::new(words.next().expect("a word"))
            .args(words)
            .args(&parts.args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(parts.environment)
            .stdout(Stdio::piped())
            .spawn(other_end)
            .expect("the binary starts");
        let stdout = child.stdout.take();
        Self {
            child,
            stdout: thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut stdout) = stdout {
                    let _ = stdout.read_to_end(&mut bytes);
                }
                bytes
            }),
            typing,
            shown,
            before: String::new(),
            seen: String::new(),
            started,
            arguments: format!("{:?}", parts.args),
            folder: parts.folder,
            secrets: parts.secrets,
        }
    }

    /// Waits until this is on the screen.
    pub(crate) fn shows(mut self, text: &str) -> Self {
        while !self.seen.contains(text) {
            let left = HANGS.saturating_sub(self.started.elapsed());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.saw(&bytes),
                Err(error) => panic!(
                    "{}: {error}, not shown: {text}\n{}",
                    self.arguments, self.seen
                ),
            }
        }
        self
    }

    /// Switches the echo off. Otherwise the terminal would write typed characters at any time, also into a line of the run.
    pub(crate) fn without_echo(self) -> Self {
        let mut terminal = tcgetattr(&self.typing).expect("a terminal");
        terminal.local_modes.remove(LocalModes::ECHO);
        terminal.input_modes.remove(InputModes::IMAXBEL);
        tcsetattr(&self.typing, OptionalActions::Now, &terminal).expect("a terminal without echo");
        self
    }

    pub(crate) fn types(mut self, text: &[u8]) -> Self {
        self.typing.write_all(text).expect("the terminal takes it");
        self
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(&self.child, name);
    }

    /// The same as `signal`, for a chain of calls.
    pub(crate) fn signals(self, name: &str) -> Self {
        self.signal(name);
        self
    }

    /// Waits until the run is stopped.
    pub(crate) fn is_stopped(&self) {
        wait_for(|| {
            let state = Command::new("ps")
                .args(["-o", "state=", "-p", &self.child.id().to_string()])
                .output()
                .expect("ps starts");
            state.stdout.starts_with(b"T")
        });
    }

    /// Ignores what is on the screen so far.
    pub(crate) fn forgets(mut self) -> Self {
        self.before.push_str(&std::mem::take(&mut self.seen));
        self
    }

    /// Waits for the end of a run that may print nothing.
    pub(crate) fn status(mut self) -> ExitStatus {
        wait_for_end(&mut self.child, self.started, &self.arguments)
    }

    /// A second handle to the terminal, for a later look.
    pub(crate) fn terminal(&self) -> File {
        self.typing.try_clone().expect("another handle")
    }

    pub(crate) fn end(self) -> Ended {
        self.end_in().0
    }

    /// The same, and the folder that contains the home.
    pub(crate) fn end_in(mut self) -> (Ended, tempfile::TempDir) {
        let status = wait_for_end(&mut self.child, self.started, &self.arguments);
        while let Ok(bytes) = self.shown.recv_timeout(HANGS) {
            self.saw(&bytes);
        }
        let took = self.started.elapsed();
        let stdout = self.stdout.join().expect("standard output");
        let screen = (self.before + &self.seen).into_bytes();
        let ended = Ended::new(self.arguments, status, stdout, screen, took, &self.secrets);
        (ended, self.folder)
    }

    fn saw(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        self.seen.push_str(&text);
    }
}

/// Whether a terminal echoes typed characters.
pub(crate) fn is_echoing(terminal: &File) -> bool {
    let mode = tcgetattr(terminal).expect("a terminal");
    mode.local_modes.contains(LocalModes::ECHO)
}
