//! A run in the background of its terminal: the system stops whoever reads there or sets the mode, and again after each signal
//! that continues it.

use crate::blocked::SIGNALS;
use crate::case::{BOBS_KEY, Case, documented, each_at_once};
use crate::shell::Shell;
use crate::streams::wait_for;

const QUESTION: &str = "Delete this key in account 123456789012? It cannot be undone. [y/N] ";
const PROMPT: &str = "Enter MFA code for arn:aws:iam::123456789012:mfa/admin: ";
const WITH_CODE: &str = "--role-arn arn:aws:iam::123456789012:role/R --serial-number arn:aws:iam::123456789012:mfa/admin";

#[test]
fn f111_a_signal_ends_a_run_in_the_background_of_its_terminal() {
    let prompts = [
        ("question", QUESTION),
        ("code", PROMPT),
        ("process", "Token: "),
    ];
    let cells = prompts.into_iter().zip(SIGNALS.into_iter().cycle());
    each_at_once(cells, |((kind, shown), (signal, status))| {
        let sandbox = documented();
        let case = Case::at(&sandbox, [""; 0]);
        let home = case.path("").display().to_string();
        let process =
            format!("echo $$ >'{home}/pid'\nprintf 'Token: ' >/dev/tty\nread x </dev/tty\n");
        let config = format!("[profile p]\ncredential_process = sh '{home}/process.sh'\n");
        let case = case.file("process.sh", process).file(".aws/config", config);
        let more = match kind {
            "question" => "--interactive",
            "code" => WITH_CODE,
            _ => "--profile p",
        };
        let command = format!("$BINARY --access-key-id {BOBS_KEY} --user-name Bob {more}\n");
        // The shell says at once what becomes of a job.
        let shell = Shell::bash(case)
            .types("set -b\n")
            .types(&command)
            .shows(shown);
        let shell = shell.types("\x1a").shows("Stopped");
        // The shell waits only for the run. The process could still read what is typed next.
        wait_for(|| pid(&home).is_none_or(|pid| is_stopped(&pid)));
        let shell = shell.types("bg\n").shows("&\r\n");
        // The question, or the process, wants the terminal again.
        let shell = shell.shows("Stopped");
        let _ = shell
            .types(&format!("kill -{signal} %1; kill -CONT %1\n"))
            .shows(&format!("Exit {status}"))
            .end();
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// What was the foreground again asks again, and is answered.
#[test]
fn f111_a_run_that_comes_back_from_the_background_asks_again() {
    let sandbox = documented();
    let case = Case::at(&sandbox, [""; 0]);
    let command = format!("$BINARY --access-key-id {BOBS_KEY} --user-name Bob --interactive\n");
    let shell = Shell::bash(case)
        .types("set -b\n")
        .types(&command)
        .shows(QUESTION);
    let shell = shell
        .types("\x1a")
        .shows("Stopped")
        .types("bg\n")
        .shows("&\r\n");
    let shell = shell.shows("Stopped").types("fg\n").shows(QUESTION);
    let _ = shell.types("y\n").shows("{\"ResponseMetadata\":{}}").end();
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// The ID of the credential process, if there is one.
fn pid(home: &str) -> Option<String> {
    let pid = std::fs::read_to_string(format!("{home}/pid")).ok()?;
    Some(pid.trim().to_owned())
}

fn is_stopped(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| status.contains("State:\tT"))
}
