//! A running process: a test can send signals to it, inspect it, kill it, and wait for it.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Ended, HANGS};
use crate::secret::Secrets;

/// A running process.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) started: Instant,
    pub(crate) shown: String,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: Secrets,
}

/// Sends a signal, by name.
pub(crate) fn send_signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .expect("kill starts");
    assert!(status.success(), "kill -s {name}");
}

impl Running {
    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(&self.child, name);
    }

    /// The names of its threads.
    pub(crate) fn threads(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.expect("a run to look at").flatten();
        let names = threads.map(|thread| std::fs::read_to_string(thread.path().join("comm")));
        names.flatten().map(|name| name.trim().to_owned()).collect()
    }

    /// The peak memory of the run so far, in kilobytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a run to look at");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number
            .and_then(|number| number.parse().ok())
            .expect("its peak")
    }

    /// Kills the run, and returns its output so far, which may be incomplete.
    pub(crate) fn kill(mut self) -> String {
        let stdout = drain(self.child.stdout.take());
        let _ = self.child.kill().and_then(|()| self.child.wait());
        String::from_utf8_lossy(&stdout.join().expect("standard output")).into_owned()
    }

    /// Waits for the end, and kills a run that hangs.
    pub(crate) fn end(self) -> Ended {
        self.end_keeping(|_| ())
    }

    /// Waits for the end, and looks into the run's folder, which contains `home`, before it is removed.
    pub(crate) fn end_keeping(mut self, look: impl FnOnce(&Path)) -> Ended {
        let stdout = drain(self.child.stdout.take());
        let stderr = drain(self.child.stderr.take());
        let status = wait_for_end(&mut self.child, self.started, &self.shown);
        let took = self.started.elapsed();
        look(self.folder.path());
        Ended::new(
            self.shown,
            status,
            stdout.join().expect("standard output"),
            stderr.join().expect("standard error"),
            took,
            &self.secrets,
        )
    }
}

/// Waits for the end of a run with these arguments, and kills it if it hangs.
pub(crate) fn wait_for_end(child: &mut Child, started: Instant, arguments: &str) -> ExitStatus {
    let deadline = started + HANGS;
    loop {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("{arguments}: hangs");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// If a script starts `cargo test` with `&`, all child processes ignore SIGINT.
#[test]
fn signals_end_runs_if_the_tests_start_with_signals_ignored() {
    let status = Command::new("sh")
        .args(["-c", "trap '' INT HUP; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--exact", "streams::f61_the_second_signal_ends_at_once"])
        .args(["after_signal::f60_a_signal_while_the_list_is_read_says_that_nothing_was_changed"])
        .stdout(Stdio::null())
        .status()
        .expect("this binary starts");
    assert!(status.success(), "{status}");
}

fn drain(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}
