//! A run in the background of its terminal. The system stops a process that reads there or sets the mode, and stops it again
//! after each signal that continues it.

use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, What};

use crate::blocked::SIGNALS;
use crate::case::{BOBS_KEY, Case, documented, each_at_once};
use crate::many::{crowd, left};
use crate::mfa::{case, guarded};
use crate::shell::Shell;
use crate::streams::wait_for;

const QUESTION: &str = "Delete this key in account 123456789012? It cannot be undone. [y/N] ";
const PROMPT: &str = "Enter MFA code for arn:aws:iam::123456789012:mfa/admin: ";
const WITH_CODE: &str = "--role-arn arn:aws:iam::123456789012:role/R --serial-number arn:aws:iam::123456789012:mfa/admin";
const ARGS: &str = "--profile guarded --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name Bob";
const KINDS: [&str; 3] = ["question", "code", "process"];

/// A run in a shell that reports job changes at once. It waits for an answer to a `kind` of question.
fn asking(sandbox: &Sandbox, kind: &str) -> (Shell, String) {
    let case = Case::at(sandbox, [""; 0]);
    let home = case.path("").display().to_string();
    let process = format!("echo $$ >'{home}/pid'\nprintf 'Token: ' >/dev/tty\nread x </dev/tty\n");
    let config = format!("[profile p]\ncredential_process = sh '{home}/process.sh'\n");
    let case = case.file("process.sh", process).file(".aws/config", config);
    let (args, shown) = match kind {
        "question" => ("$KEY --interactive".to_owned(), QUESTION),
        "code" => (format!("$KEY {WITH_CODE}"), PROMPT),
        "list" => ("--from - --yes".to_owned(), "line to finish"),
        _ => ("$KEY --profile p".to_owned(), "Token: "),
    };
    let key = format!("--access-key-id {BOBS_KEY} --user-name Bob");
    let command = format!("$BINARY {}\n", args.replace("$KEY", &key));
    let shell = Shell::bash(case).types("set -b\n");
    (shell.types(&command).shows(shown), home)
}

/// Types Ctrl-Z.
fn stopped((shell, home): (Shell, String)) -> Shell {
    let shell = shell.types("\x1a").shows("Stopped");
    // The shell waits only for the run. The process could still read the next input.
    wait_for(|| pid(&home).is_none_or(|pid| is_stopped(&pid)));
    shell
}

#[test]
fn f111_a_signal_ends_a_run_in_the_background_of_its_terminal() {
    let cells = KINDS.into_iter().zip(SIGNALS.into_iter().cycle());
    each_at_once(cells, |(kind, (signal, status))| {
        let sandbox = documented();
        let shell = stopped(asking(&sandbox, kind));
        let shell = shell.types("bg\n").shows("&\r\n");
        // The question or the process needs the terminal again.
        let shell = shell.shows("Stopped");
        let _ = shell
            .types(&format!("kill -{signal} %1; kill -CONT %1\n"))
            .shows(&format!("Exit {status}"))
            .end();
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f111_a_signal_ends_a_run_that_was_stopped() {
    // The shell continues a job that it ends.
    let ends = [
        ("kill %1", 143),
        ("kill -HUP %1", 129),
        ("kill -INT %1; kill -CONT %1", 130),
        // A process that writes in the background is stopped, too.
        ("stty tostop; kill %1", 143),
    ];
    let cells = KINDS
        .into_iter()
        .chain(["list"])
        .flat_map(|kind| ends.map(|end| (kind, end)));
    each_at_once(cells, |(kind, (end, status))| {
        let sandbox = documented();
        let _ = stopped(asking(&sandbox, kind))
            .types(&format!("{end}\n"))
            .shows(&format!("Exit {status}"))
            .types("stty -a\n")
            .shows(" echo ")
            .end();
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// The run is back in the foreground, asks again, and gets its answer.
#[test]
fn f111_a_run_that_comes_back_from_the_background_asks_again() {
    let sandbox = documented();
    let shell = stopped(asking(&sandbox, "question"));
    let shell = shell.types("bg\n").shows("&\r\n");
    let shell = shell.shows("Stopped").types("fg\n").shows(QUESTION);
    let _ = shell.types("y\n").shows("{\"ResponseMetadata\":{}}").end();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f111_a_list_can_be_typed_after_the_run_was_in_the_background() {
    let sandbox = documented();
    let shell = stopped(asking(&sandbox, "list"));
    let shell = shell.types("bg\n").shows("&\r\n");
    let shell = shell.types("fg\n").shows("$BINARY").shows("\r\n");
    let _ = shell
        .types(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n\x04"))
        .shows("1 deleted")
        .end();
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// Bash starts the run in the background.
#[test]
fn f100_a_code_is_asked_for_when_a_job_comes_to_the_foreground() {
    let sandbox = guarded(&["755224"]);
    let start = || {
        let command = format!("set -b; $BINARY {ARGS} &\n");
        Shell::bash(case(&sandbox)).types(&command).shows("Stopped")
    };
    let _ = start().types("kill %1\n").shows("Exit 143").end();
    assert!(sandbox.has_key(BOBS_KEY));
    let _ = start()
        .types("fg\n")
        .shows(PROMPT)
        .types("755224\n")
        .shows("{\"ResponseMetadata\":{}}")
        .types("stty -a\n")
        .shows(" echo ")
        .end();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f100_a_code_is_required_in_the_background_without_a_shell() {
    let sandbox = guarded(&["755224"]);
    // The run starts after its shell has ended, so no shell can continue it.
    let command =
        format!("mkfifo ended; sh -c '{{ read x; exec $BINARY {ARGS}; }} <ended &'; echo >ended\n");
    let _ = Shell::bash(case(&sandbox))
        .types(&command)
        .shows("is required, and the terminal cannot be used: this process is in the background of its terminal, and no shell can bring it")
        .shows("or add --token-code CODE")
        .end();
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f111_a_signal_ends_a_stopped_run_with_a_progress_bar() {
    let (sandbox, list) = crowd(40);
    let delay = What::Delay(Duration::from_millis(150));
    sandbox.fault(Fault::new(delay).on("DeleteAccessKey").always());
    let case = Case::at(&sandbox, [""; 0]).file("list.csv", &list);
    let _ = Shell::bash(case)
        .types("set -b; TERM=xterm $BINARY --yes --jobs 2 --from list.csv >results\n")
        .shows("/40 keys, ")
        .types("\x1a")
        .shows("Stopped")
        .types("stty tostop; kill %1\n")
        .shows("Exit 143")
        .end();
    assert_ne!(left(&sandbox, 40), 0);
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
