//! The end of a run after a signal: a result at the last moment, IAM's last error, and a line that says that nothing was
//! changed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, What};
use serde_json::json;

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, SETTLED, actions, documented, each_at_once};
use crate::many::{crowd, from_stdin, outcomes};
use crate::running::Running;
use crate::streams::wait_for;
use crate::verification::throttled;

/// The same list on standard input and in a file, for a shell.
const FROM: [&str; 2] = ["- < \"$LIST\"", "\"$LIST\""];
const SOON: Duration = Duration::from_secs(20);

#[test]
fn c01_a_result_at_the_last_moment_is_printed_once() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // Neither the deletion nor a read gets a response: the run verifies the key until the time after the signal is over.
        let sandbox = documented();
        sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        let running = Case::documented(&sandbox, &[]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        let _ = interrupt(running, signal)
            .exits(status)
            .prints_outcome("Unknown")
            .says_exactly(&format!(
                "iam-del-key: error: interrupted\n\
                 hint: check with: aws iam list-access-keys --user-name=Bob\n\
                 result: {BOBS_KEY}: unknown: the request was sent and no usable response arrived\n"
            ));
    }
}

#[test]
fn c01_a_result_at_the_last_moment_is_in_the_journal_too() {
    let (sandbox, list) = crowd(6);
    // STS is called first, and responds.
    sandbox.fault(Fault::new(What::SilenceBeforeActing).skip(1).always());
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let case = from_stdin(&sandbox, &list, &["--jobs", "2", "--journal"]).args([&journal]);
    let running = case.start();
    assert!(sandbox.wait_for_requests(3, SOON));
    let printed = interrupt(running, "INT").exits(130);
    let output = printed.output().to_owned();
    let expected = [("NotTried".to_owned(), 4), ("Unknown".to_owned(), 2)];
    assert_eq!(outcomes(&output), expected);
    let said = printed.prints(&output);
    for wrong in ["broke off", "not every result", "the disk"] {
        assert!(!said.messages().contains(wrong), "{}", said.messages());
    }
    let _ = said
        .says(&["error: interrupted: no more keys are tried\n"])
        .ends_with("6 keys: 2 unknown, 4 not tried")
        .within(SOON + SETTLED);
    let journal = std::fs::read_to_string(journal).expect("a journal");
    assert_eq!(journal.matches("\"Outcome\":\"Unknown\"").count(), 2);
}

#[test]
fn after_a_signal_a_late_response_counts_but_does_not_prolong_the_run() {
    // The run has as many requests in flight as it allows at first. The response comes when the run no longer starts anything.
    let late = || What::Delay(Duration::from_millis(900));
    let no_such_key = || What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    let cases = [
        (1, vec![late()], "1 deleted"),
        (2, vec![late()], "2 deleted"),
        (8, vec![late()], "2 deleted, 6 not tried"),
        (2, vec![late(), no_such_key()], "2 failed and not changed"),
        (8, vec![What::SilenceAfterActing], "2 unknown, 6 not tried"),
    ];
    each_at_once(cases, |(count, faults, summary)| {
        let (sandbox, list) = crowd(count);
        for fault in faults {
            sandbox.fault(Fault::new(fault).on("DeleteAccessKey").always());
        }
        let reads = Fault::new(What::SilenceBeforeActing).on("GetAccessKeyLastUsed");
        sandbox.fault(reads.always());
        let running = from_stdin(&sandbox, &list, &["--jobs", "8"]).start();
        let sent = count.min(2);
        assert!(sandbox.wait_for_requests(sent, SOON));
        let printed = interrupt(running, "INT").exits(130);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["error: interrupted: no more keys are tried"])
            .ends_with(&format!("{count} keys: {summary}").replace("1 keys", "1 key"));
        let requests = sandbox.requests();
        let of = |action| requests.iter().filter(|sent| sent.action == action).count();
        assert_eq!(of("DeleteAccessKey"), sent);
        assert_eq!(of("GetAccessKeyLastUsed"), sent, "{requests:?}");
    });
}

#[test]
fn a_signal_in_the_pause_before_a_retry_lets_the_key_be_located() {
    let sandbox = documented();
    let lost = Fault::new(What::ResetAfterActing).on("DeleteAccessKey");
    sandbox.fault(lost.always());
    let read = Fault::new(What::SilenceBeforeActing).on("GetAccessKeyLastUsed");
    sandbox.fault(read.always());
    let running = Case::documented(&sandbox, &[]).start();
    // The pause is now longer than the time after a signal.
    assert!(sandbox.wait_for_requests(12, SOON));
    let _ = interrupt(running, "INT")
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: the request was sent and no usable response arrived");
    assert_eq!(actions(&sandbox)[12..], ["GetAccessKeyLastUsed"]);
}

#[test]
fn every_request_that_was_sent_is_counted() {
    let deleted = "1 request to IAM: 1 DeleteAccessKey";
    let located = "2 requests to IAM: 1 DeleteAccessKey, 1 GetAccessKeyLastUsed";
    let of_one = [
        (&[][..], deleted),
        (&["INT"], located),
        (&["INT", "TERM"], deleted),
    ];
    each_at_once(of_one, |(signals, told)| {
        let (sandbox, list) = crowd(1);
        if !signals.is_empty() {
            sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        }
        let running = from_stdin(&sandbox, &list, &["-v"]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        for signal in signals {
            running.signal(signal);
        }
        let ended = running
            .end()
            .exits(if signals.is_empty() { 0 } else { 130 });
        let output = ended.output().to_owned();
        let _ = ended.prints(&output).says(&[&format!("info: {told}\n")]);
    });
    let (sandbox, list) = crowd(1);
    sandbox.stop_listening();
    let printed = from_stdin(&sandbox, &list, &["-v"]).run().exits(9);
    let _ = printed
        .prints_outcomes(&[("Failed", 1)])
        .says(&["info: 0 requests to IAM\n"]);
}

#[test]
fn a_signal_counts_while_a_run_that_stops_finishes_its_keys() {
    let cases = [
        ("AccessDenied", &["--fail-fast"][..]),
        ("ExpiredToken", &[]),
    ];
    each_at_once(cases, |(code, more)| {
        let (sandbox, list) = crowd(4);
        sandbox.fault(Fault::new(What::SilenceBeforeActing).on("DeleteAccessKey"));
        sandbox.fault(Fault::new(What::error(403, code, "no")).on("DeleteAccessKey"));
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal");
        let case = from_stdin(&sandbox, &list, &["--jobs", "2", "--journal"]).args([&journal]);
        let running = case.args(more.iter().copied()).start();
        wait_for(|| {
            std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"Failed\""))
        });
        let printed = interrupt(running, "TERM").exits(143);
        let expected = [("Failed", 1), ("NotTried", 2), ("Unknown", 1)];
        let _ = printed
            .prints_outcomes(&expected)
            .says(&["error: interrupted: no more keys are tried\n"])
            .ends_with("4 keys: 1 failed and not changed, 1 unknown, 2 not tried");
    });
}

#[test]
fn c48_a_signal_does_not_hide_what_iam_returned() {
    let message = format!("The Access Key with id {BOBS_KEY} cannot be found.");
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        // IAM finds no such key, and the reads that verify this get no response.
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        for read in ["GetAccessKeyLastUsed", "ListAccessKeys"] {
            sandbox.fault(Fault::new(What::SilenceBeforeActing).on(read).always());
        }
        let running = Case::documented(&sandbox, &["--ignore-missing"]).start();
        assert!(sandbox.wait_for_requests(2, SOON));
        let printed = interrupt(running, signal).exits(status);
        let row = printed.object();
        assert_eq!(row["Outcome"], "Failed", "{row}");
        let error = json!({ "Code": "NoSuchEntity", "Message": message });
        assert_eq!(row["Error"], error, "{row}");
        let known = "not deleted: IAM found no such key for this user";
        assert_eq!(row["Reason"], known, "{row}");
        let _ = printed.prints(&format!("{row}\n")).says_exactly(&format!(
            "iam-del-key: error: interrupted; before that: An error occurred (NoSuchEntity) when calling the \
             DeleteAccessKey operation: {message}\nresult: {BOBS_KEY}: {known}\n"
        ));
    }
}

#[test]
fn c48_a_signal_does_not_hide_that_responses_arrived() {
    let denied = || What::error(403, "AccessDenied", "no");
    let no_such_key = || What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    let page = || What::page(200, "text/html", "<html/>");
    let cases = [
        (
            [What::ResetBeforeActing, denied()],
            "the response to an earlier attempt was lost",
        ),
        (
            [What::ResetBeforeActing, no_such_key()],
            "the response to an earlier attempt was lost, and the retry returned NoSuchEntity",
        ),
        (
            [page(), denied()],
            "the response to an earlier attempt was lost",
        ),
        (
            [page(), What::SilenceBeforeActing],
            "the request was sent and no usable response arrived",
        ),
        (
            [What::error(500, "ServiceFailure", "oops"), denied()],
            "an earlier attempt returned an error although IAM may have acted",
        ),
    ];
    each_at_once(cases, |(faults, known)| {
        let sandbox = documented();
        for fault in faults {
            sandbox.fault(Fault::new(fault).on("DeleteAccessKey"));
        }
        for read in ["GetAccessKeyLastUsed", "ListAccessKeys"] {
            sandbox.fault(Fault::new(What::SilenceBeforeActing).on(read).always());
        }
        let running = Case::documented(&sandbox, &[]).start();
        // With an owner lookup, the last response has arrived. Without one, it never arrives.
        let requests = if known.contains("no usable") { 2 } else { 3 };
        assert!(sandbox.wait_for_requests(requests, SOON));
        interrupt(running, "INT").ends_as(
            130,
            "Unknown",
            &["interrupted", "check with: "],
            &format!("unknown: {known}"),
        );
    });
}

#[test]
fn c48_a_missing_response_after_an_iam_error_does_not_hide_the_error() {
    let failed =
        "An error occurred (ServiceUnavailable) when calling the DeleteAccessKey operation: down";
    let checked = format!(
        "hint: check with: aws iam list-access-keys --user-name=Bob\nresult: {BOBS_KEY}: unknown: "
    );
    for is_interrupted in [true, false] {
        let sandbox = documented();
        let error = What::error(503, "ServiceUnavailable", "down");
        sandbox.fault(Fault::new(error).on("DeleteAccessKey"));
        sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        let running = Case::documented(&sandbox, &["--timeout", "3"]).start();
        assert!(sandbox.wait_for_requests(2, SOON));
        let printed = if is_interrupted {
            interrupt(running, "INT").exits(130)
        } else {
            running.end().exits(10)
        };
        let row = printed.object();
        assert_eq!(row["Outcome"], "Unknown", "{row}");
        assert!(row["RequestId"].is_string(), "{row}");
        let said = printed.prints(&format!("{row}\n"));
        let _ = if is_interrupted {
            said.says_exactly(&format!(
                "iam-del-key: error: interrupted; before that: {failed}\n{checked}the request was sent and no usable \
                 response arrived\n"
            ))
        } else {
            said.says(&[
                "iam-del-key: error: no usable response from IAM at ",
                &format!(
                    " s; --timeout is 3 s; before that: {failed}\n\
                     hint: if the service is just slow, raise --timeout\n{checked}"
                ),
            ])
        };
    }
}

#[test]
fn c48_a_signal_before_a_retry_does_not_hide_the_error() {
    let sandbox = documented();
    sandbox.fault(Fault::new(throttled()).on("DeleteAccessKey").always());
    let running = Case::documented(&sandbox, &["--error-format", "json"]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    let printed = interrupt(running, "INT").exits(130);
    let row = printed.object();
    assert_eq!(row["Error"]["Code"], "Throttling", "{row}");
    assert_eq!(
        row["Reason"], "not deleted: IAM refused the request",
        "{row}"
    );
    let said = printed.prints(&format!("{row}\n"));
    let _ = said.says(&[
        "\"Code\":\"Interrupted\"",
        "\"Message\":\"interrupted; before that: An error occurred (Throttling)",
        "\"Result\":\"NotDeleted\"",
    ]);
}

#[test]
fn f60_a_signal_while_cli_input_json_is_read_says_that_nothing_was_changed() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for is_open in [false, true] {
            let case = Case::bare(["--cli-input-json"]);
            let pipe = case.path("pipe");
            let made = Command::new("mkfifo").arg(&pipe).status();
            assert!(made.expect("mkfifo starts").success());
            let running = case.args([format!("file://{}", pipe.display())]).start();
            let mut writer = None;
            if is_open {
                let opened = writer.insert(OpenOptions::new().write(true).open(&pipe));
                let opened = opened.as_mut().expect("a reader");
                opened.write_all(b"{").expect("a reader");
            } else {
                wait_for(|| running.threads().contains(&"blocking".to_owned()));
            }
            ends_unchanged(running, signal, status);
        }
    }
}

/// A run that reads a list, and the process that writes the list.
fn reading(sandbox: &Sandbox, from: &str) -> (Running, File) {
    let case = Case::at(sandbox, ["--user-name", "Bob", "--yes"]);
    let list = case.path("list");
    let made = Command::new("mkfifo").arg(&list).status();
    assert!(made.expect("mkfifo starts").success());
    let script = format!("exec \"$0\" \"$@\" --from {from}");
    let case = case.env("LIST", &list);
    let running = case.start_under(Some(&["sh", "-c", &script]));
    let writer = OpenOptions::new().write(true).open(&list);
    (running, writer.expect("a pipe"))
}

fn ends_unchanged(running: Running, signal: &str, status: i32) {
    running.signal(signal);
    let ended = running.end_keeping(|folder| assert!(!folder.join("home/list.journal").exists()));
    let _ = ended
        .exits(status)
        .prints_nothing()
        .says_exactly("iam-del-key: error: interrupted\nresult: no key was changed\n");
}

#[test]
fn f60_a_signal_while_the_list_is_read_says_that_nothing_was_changed() {
    let sandbox = documented();
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for from in FROM {
            let (running, mut writer) =
                reading(&sandbox, &format!("{from} --journal \"$LIST.journal\""));
            writeln!(writer, "{BOBS_KEY}").expect("a reader");
            // A pipe holds less than this, so the write succeeds only if the run reads it.
            writer
                .write_all("# a comment\n".repeat(20_000).as_bytes())
                .expect("a reader");
            ends_unchanged(running, signal, status);
        }
    }
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

/// Ctrl-C also ends the program that writes the list.
#[test]
fn f60_a_signal_at_the_end_of_the_list_ends_the_run() {
    let sandbox = documented();
    let cut = &BOBS_KEY[..12];
    let (whole, cut_later) = (format!("{BOBS_KEY}\n"), format!("{BOBS_KEY}\n{cut}"));
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for text in ["", cut, &whole, &cut_later] {
            for from in FROM {
                let (running, mut writer) = reading(&sandbox, from);
                wait_for(|| running.threads().contains(&"blocking".to_owned()));
                writer.write_all(text.as_bytes()).expect("a reader");
                running.signal("STOP");
                running.signal(signal);
                drop(writer);
                ends_unchanged(running, "CONT", status);
            }
        }
    }
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}
