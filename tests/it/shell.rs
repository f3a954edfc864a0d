//! A real shell on a pseudo-terminal in which Tab asks the binary for completions: the typed text and the screen.

use std::fs::File;
use std::io::Write;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use crate::case::{Case, HANGS};
use crate::dialogue::open_terminal;

/// What the shells print instead of a run: the words of the command.
const SAY: &str = "iam-del-key() { printf 'got:'; printf ' [%s]' \"$@\"; echo; }; echo rea''dy\n";

/// A shell with typed input.
pub(crate) struct Shell {
    child: Child,
    typing: File,
    shown: Receiver<Vec<u8>>,
    seen: String,
    /// The length of the output that was already matched.
    read: usize,
    started: Instant,
    _folder: tempfile::TempDir,
}

impl Shell {
    /// Bash with the completion script of the binary.
    pub(crate) fn bash(case: Case) -> Self {
        let args = ["--norc", "--noprofile", "-i"];
        let source = "eval \"$(IAM_DEL_KEY_COMPLETE=bash $BINARY)\"\n";
        Self::start("bash", &args, case)
            .types(&format!("{source}{SAY}"))
            .shows("ready")
    }

    /// Bash with its own completion script.
    pub(crate) fn plain_bash(case: Case, script: &str) -> Self {
        let args = ["--norc", "--noprofile", "-i"];
        Self::start("bash", &args, case)
            .types(&format!(". '{script}'\n{SAY}"))
            .shows("ready")
    }

    /// Zsh with the completion script of the binary.
    pub(crate) fn zsh(case: Case) -> Self {
        let source =
            "autoload -Uz compinit; compinit -D; eval \"$(IAM_DEL_KEY_COMPLETE=zsh $BINARY)\"\n";
        Self::start("zsh", &["-f", "-i"], case)
            .types(&format!("{source}{SAY}"))
            .shows("ready")
    }

    fn start(program: &str, args: &[&str], case: Case) -> Self {
        let (typing, shown, other_end) = open_terminal(120);
        let folder_of_run = case.path("");
        let parts = case.into_parts();
        let child = pty_process::blocking::Command::new(program)
            .args(args)
            .env_clear()
            .envs(parts.environment)
            .env("BINARY", parts.binary)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TERM", "dumb")
            .current_dir(folder_of_run)
            .spawn(other_end)
            .unwrap_or_else(|error| {
                panic!("{program} does not start ({error}): tests/all installs it")
            });
        Self {
            child,
            typing,
            shown,
            seen: String::new(),
            read: 0,
            started: Instant::now(),
            _folder: parts.folder,
        }
    }

    pub(crate) fn types(mut self, text: &str) -> Self {
        self.typing
            .write_all(text.as_bytes())
            .expect("the terminal takes it");
        self
    }

    /// Waits until this is on the screen, after the previous match.
    pub(crate) fn shows(mut self, text: &str) -> Self {
        loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                self.read += at + text.len();
                return self;
            }
            let left = HANGS.saturating_sub(self.started.elapsed());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{error}, not shown: {text}\n{}", self.seen),
            }
        }
    }

    /// Types the line with its Tabs, ends it, and waits for the words that the shell gets from it.
    pub(crate) fn completes(self, typed: &str, words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| format!(" [{word}]")).collect();
        self.types(&format!("iam-del-key {typed}\n"))
            .shows(&format!("got:{}\r\n", words.concat()))
    }

    /// Ends the shell. Returns everything that was on the screen.
    pub(crate) fn end(mut self) -> String {
        self.typing
            .write_all(b"\x15exit\n")
            .expect("the terminal takes it");
        while let Ok(bytes) = self.shown.recv_timeout(HANGS) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.child.wait().expect("a child to wait for");
        self.seen
    }
}
