//! Standard error without a reader: nothing waits for it, and nothing is lost.

use std::thread;

use iam_sandbox::Sandbox;

use crate::blocked::{FULL_ERRORS, SIGNALS, SOON, behind_the_filling, interrupt};
use crate::case::{Case, HANGS, documented};
use crate::many::{crowd, from_stdin, left};
use crate::running::Running;

/// A run that prints more messages than a pipe holds and then waits for a reader.
fn talkative(sandbox: &Sandbox, list: &str) -> Running {
    from_stdin(sandbox, list, &["--debug", "--output", "off"]).start_under(Some(&FULL_ERRORS))
}

#[test]
fn c01_a_signal_ends_a_run_with_unread_messages() {
    for (signal, status) in SIGNALS {
        let (sandbox, list) = crowd(2_000);
        let mut running = talkative(&sandbox, &list);
        let messages = running.child.stderr.take().expect("a pipe");
        assert!(sandbox.wait_for_requests(20, SOON));
        let _ = interrupt(running, signal)
            .exits(status)
            .prints_nothing()
            .says_nothing();
        assert!(
            left(&sandbox, 2_000) > 1_000,
            "the run did not wait for its reader"
        );
        drop(messages);
    }
    // One key. Only its messages remain to be written.
    let sandbox = documented();
    sandbox.deny("iam:DeleteAccessKey");
    let mut running = Case::documented(&sandbox, &[]).start_under(Some(&FULL_ERRORS));
    let messages = running.child.stderr.take().expect("a pipe");
    assert!(sandbox.wait_for_requests(1, SOON));
    let printed = interrupt(running, "TERM").exits(143);
    let _ = printed.prints_anything().says_nothing();
    drop(messages);
}

#[test]
fn c01_a_paused_reader_of_messages_loses_nothing() {
    let (sandbox, list) = crowd(300);
    let mut running = talkative(&sandbox, &list);
    let messages = running.child.stderr.take().expect("a pipe");
    assert!(sandbox.wait_for_requests(20, SOON));
    let reader = thread::spawn(|| behind_the_filling(messages));
    let _ = running.end().exits(0).prints_nothing().says_nothing();
    let said = reader.join().expect("the messages");
    assert!(said.ends_with("result: 300 keys: 300 deleted\n"), "{said}");
    assert_eq!(sandbox.requests().len(), 300, "a request was sent again");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn c01_unread_messages_take_little_memory() {
    let sandbox = Sandbox::documented().many_keys(3_000, 1).start();
    let args = [
        "--whole-account",
        "--unused-for",
        "90d",
        "--dry-run",
        "--debug",
    ];
    let case = Case::at(&sandbox, args).args(["--output", "off"]);
    let mut running = case.start_under(Some(&FULL_ERRORS));
    let messages = running.child.stderr.take().expect("a pipe");
    assert!(sandbox.wait_for_requests(6_000, HANGS));
    let peak = running.peak_memory();
    assert!(peak < 100_000, "{peak} kB");
    let reader = thread::spawn(|| behind_the_filling(messages));
    let _ = running.end().exits(0).prints_nothing().says_nothing();
    let said = reader.join().expect("the messages");
    assert!(said.contains(" messages were dropped, because nothing read them\n"));
    assert!(said.ends_with("; this was a dry run; root user keys are not included\n"));
}
