//! Lines as wide as the terminal allows, and each stream formatted for what it is.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, Sandbox};

use crate::case::{BOBS_KEY, Case, Ended, documented};
use crate::terminal::{is_harmless, listed, used};

/// Which of the two streams is a terminal; the other is a pipe. If both are, standard output has all of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    Output,
    Errors,
    Both,
}

/// A run on a terminal with this number of columns.
pub(crate) fn run_on(case: Case, terminal: Terminal, width: u16) -> Ended {
    let (master, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
    master
        .resize(pty_process::Size::new(24, width))
        .expect("a size");
    let parts = case.into_parts();
    let command = pty_process::blocking::Command::new(parts.binary)
        .args(&parts.args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(parts.environment);
    let command = match terminal {
        Terminal::Output => command.stderr(Stdio::piped()),
        Terminal::Errors => command.stdout(Stdio::piped()),
        Terminal::Both => command,
    };
    let mut child = command.spawn(other_end).expect("the binary starts");
    let mut screen = File::from(OwnedFd::from(master));
    let screen = thread::spawn(move || {
        let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
        // On Linux, a closed terminal is reported as an error.
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            all.extend_from_slice(&bytes[..count]);
        }
        let text = String::from_utf8(all).expect("UTF-8");
        text.replace("\r\n", "\n").into_bytes()
    });
    let mut piped = Vec::new();
    match terminal {
        Terminal::Output => child.stderr.take().map(|mut it| it.read_to_end(&mut piped)),
        Terminal::Errors => child.stdout.take().map(|mut it| it.read_to_end(&mut piped)),
        Terminal::Both => None,
    };
    let status = child.wait().expect("a child to wait for");
    let screen = screen.join().expect("the screen");
    let (stdout, stderr) = match terminal {
        Terminal::Output | Terminal::Both => (screen, piped),
        Terminal::Errors => (piped, screen),
    };
    let shown = format!("{:?}", parts.args);
    Ended::new(
        shown,
        status,
        stdout,
        stderr,
        Duration::ZERO,
        &parts.secrets,
    )
}

#[test]
fn c74_no_key_floods_the_terminal() {
    let field = "x\u{202e} 鍵e\u{301}".repeat(180);
    let word = "y".repeat(900);
    for status in ["Active", field.as_str(), word.as_str()] {
        let sandbox = documented();
        sandbox.fault(Fault::new(listed(status)).on("ListAccessKeys").always());
        sandbox.fault(
            Fault::new(used(status, status))
                .on("GetAccessKeyLastUsed")
                .always(),
        );
        for width in [
            1, 2, 3, 5, 8, 10, 15, 20, 30, 39, 40, 59, 60, 70, 80, 120, 200,
        ] {
            let case = Case::documented(&sandbox, &["--dry-run", "--output", "table"]);
            let case = case.args(["--unused-for", "1d", "--older-than", "1d"]);
            let printed = run_on(case, Terminal::Output, width).exits(0);
            let output = printed.output().to_owned();
            is_harmless(&output);
            let lines: Vec<&str> = output.lines().collect();
            assert_eq!(lines.len(), 3, "{width}: {output}");
            assert!(lines[2].starts_with(BOBS_KEY), "{width}: {output}");
            assert!(lines[2].contains("WouldDelete"), "{width}: {output}");
            for line in &lines[1..] {
                let wide: usize = line.chars().map(|c| 1 + usize::from(c == '鍵')).sum();
                // The ID, the name and the outcome are printed at any width.
                assert!(wide <= usize::from(width.max(48)), "{width}: {line:?}");
            }
            let _ = printed.prints(&output).says(&["result: "]);
        }
    }
}

#[test]
fn c74_what_was_cut_is_marked_as_the_locale_allows() {
    for (variable, value, mark) in [
        ("LANG", "en_US.UTF-8", '…'),
        ("LC_ALL", "C.utf8", '…'),
        ("LANG", "C", '~'),
        ("LC_ALL", "POSIX", '~'),
    ] {
        let sandbox = documented();
        let status = "z".repeat(900);
        sandbox.fault(Fault::new(listed(&status)).on("ListAccessKeys").always());
        let case = Case::documented(&sandbox, &["-n", "--output", "table"]).env(variable, value);
        let printed = case.run().exits(0);
        let output = printed.output().to_owned();
        assert!(
            output.contains(&format!("{}{mark}", "z".repeat(7))),
            "{output}"
        );
        assert!(!output.contains(&"z".repeat(8)), "{output}");
        let _ = printed.prints(&output).says(&["this was a dry run"]);
    }
}

#[test]
fn f109_each_stream_is_formatted_for_what_it_is() {
    let table = |sandbox: &Sandbox| {
        let keys = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
        let case = Case::at(sandbox, keys).args(["--find-user", "-n", "--output", "table"]);
        case.env("TERM", "xterm")
    };
    let sandbox = documented();
    let summary = "result: 2 keys: 2 would be deleted; this was a dry run\n";
    // The creation date does not fit into 80 columns, but fits into 100. A pipe has 80.
    for (width, has_creation) in [(80, false), (100, true)] {
        let printed = run_on(table(&sandbox), Terminal::Output, width).exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains("\u{1b}[1mACCESS KEY ID"), "{output}");
        assert!(
            output.contains("\u{1b}[36mWouldDelete\u{1b}[0m\n"),
            "{output}"
        );
        assert_eq!(output.contains("CREATED"), has_creation, "{output}");
        let _ = printed.prints(&output).says_exactly(summary);
    }
    for width in [40, 200] {
        let printed = run_on(table(&sandbox), Terminal::Errors, width).exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains("\nACCESS KEY ID"), "{output}");
        assert!(!output.contains("CREATED"), "{output}");
        assert!(!output.contains('\u{1b}'));
        let said = printed.prints(&output);
        assert!(said.messages().contains("\u{1b}[1mresult:\u{1b}[0m 2 keys"));
        let _ = said.says(&["2 would be deleted"]);
    }
}

#[test]
fn f109_an_error_is_colored_only_on_a_terminal() {
    let sandbox = documented();
    let case = || Case::documented(&sandbox, &["--user-name", "Bob", "--region", "a b"]);
    let plain =
        "iam-del-key: error: the argument '--user-name <NAME>' cannot be used multiple times";
    let said = run_on(case().env("TERM", "xterm"), Terminal::Output, 80)
        .exits(2)
        .prints_nothing();
    assert!(!said.messages().contains('\u{1b}'));
    let _ = said.says(&[plain]);
    let said = run_on(case().env("TERM", "xterm"), Terminal::Errors, 80)
        .exits(2)
        .prints_nothing();
    assert!(said.messages().contains('\u{1b}'));
    let _ = said.says(&["no request was sent"]);
    assert_eq!(sandbox.connections(), 0);
}
