//! Readers of standard output and standard error that pause: they block neither signals nor responses.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use iam_sandbox::{Sandbox, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, Ended, SETTLED, documented, each};
use crate::dialogue::Dialogue;
use crate::journal::ACCOUNT;
use crate::many::{crowd, from_stdin, left, outcomes, rows};
use crate::running::Running;
use crate::streams::wait_for;

pub(crate) const SOON: Duration = Duration::from_secs(20);
/// How many bytes a pipe holds before a write blocks.
const PIPE: usize = 1 << 16;
/// Runs a command whose standard output is a pipe that is full from the start.
pub(crate) const FULL_OUTPUT: [&str; 3] =
    ["sh", "-c", "head -c 65536 /dev/zero; exec \"$0\" \"$@\""];
/// The same for standard error.
pub(crate) const FULL_ERRORS: [&str; 3] = [
    "sh",
    "-c",
    "head -c 65536 /dev/zero >&2; exec \"$0\" \"$@\"",
];
pub(crate) const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// The text that was written to a pipe that was full from the start.
pub(crate) fn behind_the_filling(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("a pipe");
    String::from_utf8(bytes.split_off(PIPE)).expect("UTF-8")
}

/// Sends a signal to a run whose standard output is blocked, and waits until the run ends.
pub(crate) fn interrupt(running: Running, signal: &str) -> Ended {
    let sent = Instant::now();
    running.signal(signal);
    let ended = running.end();
    assert!(sent.elapsed() < SETTLED, "it took {:?}", sent.elapsed());
    ended
}

/// Whether a run is writing a result: then the thread for results exists.
fn has_result(running: &Running) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", running.child.id()));
    tasks.expect("a run to look at").flatten().any(|task| {
        let name = std::fs::read_to_string(task.path().join("comm"));
        name.is_ok_and(|name| name == "results\n")
    })
}

#[test]
fn c01_a_paused_reader_loses_no_response() {
    let cases = [
        &["--jobs", "8"][..],
        &["--jobs", "64"],
        &["--output", "text"],
    ];
    each(cases, |more| {
        let (sandbox, list) = crowd(200);
        let limits = ["--cli-read-timeout", "1", "--timeout", "1"];
        let case = from_stdin(&sandbox, &list, &limits).args(more.iter().copied());
        let mut running = case.start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        assert!(sandbox.wait_for_requests(8, SOON));
        // The reader pauses longer than any time limit of a request.
        thread::sleep(Duration::from_secs(3));
        let reader = thread::spawn(|| behind_the_filling(results));
        running
            .end()
            .stops_exactly(0, "result: 200 keys: 200 deleted\n");
        let output = reader.join().expect("the results");
        assert_eq!(output.matches("Deleted").count(), 200, "{output}");
        if !more.contains(&"text") {
            assert!(rows(&output).iter().all(|row| row["Attempts"] == 1));
        }
        assert_eq!(sandbox.requests().len(), 200, "a request was sent again");
        assert_eq!(left(&sandbox, 200), 0);
    });
}

#[test]
fn c01_a_signal_ends_a_run_with_unread_results() {
    let formats = [
        &["--jobs", "8"][..],
        &["--output", "text"],
        &["--query", "Outcome"],
        &["--output", "table"],
    ];
    for (more, (signal, status)) in formats.into_iter().zip(SIGNALS.into_iter().cycle()) {
        let (sandbox, list) = crowd(2_000);
        let mut running = from_stdin(&sandbox, &list, more).start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        wait_for(|| left(&sandbox, 2_000) == 1_992);
        let printed = interrupt(running, signal).exits(status);
        // Only the keys that were in flight when the reader paused are deleted, and each of them is named.
        let gone = (0..2_000).map(|n| nth_key_id(ACCOUNT, n));
        let mut gone: Vec<String> = gone.filter(|id| !sandbox.has_key(id)).collect();
        assert_eq!(gone.len(), 8);
        let said = printed.prints_nothing();
        let mut known: Vec<String> = said
            .messages()
            .lines()
            .filter_map(|line| line.strip_prefix("result: ")?.strip_suffix(": deleted"))
            .map(str::to_owned)
            .collect();
        let lines = known.iter().fold(String::new(), |lines, id| {
            lines + "result: " + id + ": deleted\n"
        });
        known.sort();
        gone.sort();
        assert_eq!(known, gone);
        let expected = format!(
            "iam-del-key: error: interrupted: no more keys are tried\n\
             iam-del-key: error: interrupted: not every result could be written to standard output in time\n\
             {lines}hint: to continue, run the same command again with --ignore-missing\n\
             result: 2000 keys: 8 deleted, 1992 not tried\n"
        );
        let _ = said.says_exactly(&expected);
        assert_eq!(behind_the_filling(results), "");
    }
}

/// A sweep that keeps 525 keys because the tags of their owners cannot be read.
fn kept_by_a_sweep(streams: &[&str]) -> Running {
    let sandbox = Sandbox::documented().many_users(130, 520);
    let sandbox = sandbox.deny("iam:ListUserTags").start();
    let args = ["--whole-account", "--older-than", "1d", "--yes"];
    let more = ["--except-tag", "x", "--expect-account", ACCOUNT];
    let running = Case::at(&sandbox, args)
        .args(more)
        .start_under(Some(streams));
    wait_for(|| has_result(&running));
    running
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn c01_a_sweep_stops_printing_kept_keys_without_a_reader() {
    let mut running = kept_by_a_sweep(&FULL_OUTPUT);
    let results = running.child.stdout.take().expect("a pipe");
    let said = interrupt(running, "TERM").exits(143).prints_nothing();
    let errors = "calling the ListUserTags operation";
    assert_eq!(said.messages().matches(errors).count(), 500);
    let _ = said
        .says(&["not every result could be written to standard output in time"])
        .ends_with("525 keys: 525 failed and not changed; root user keys are not included");
    drop(results);

    let mut running = kept_by_a_sweep(&FULL_ERRORS);
    let messages = running.child.stderr.take().expect("a pipe");
    let printed = interrupt(running, "TERM").exits(143);
    let output = printed.output().to_owned();
    let told = rows(&output).len();
    assert!((1..500).contains(&told), "{told}");
    let _ = printed.prints(&output).says_nothing();
    drop(messages);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn c01_an_unread_result_of_one_key() {
    for (signal, status) in SIGNALS {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]);
        let mut running = case.start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        wait_for(|| has_result(&running));
        interrupt(running, signal).stops_exactly(status, &format!(
                "iam-del-key: error: interrupted: not every result could be written to standard output in time\n\
                 result: {BOBS_KEY}: deleted\n"
            ));
        assert_eq!(behind_the_filling(results), "");
    }
    // Without a signal the run waits for its reader.
    let sandbox = documented();
    let mut running = Case::documented(&sandbox, &[]).start_under(Some(&FULL_OUTPUT));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| has_result(&running));
    assert!(running.child.try_wait().expect("a child").is_none());
    assert_eq!(behind_the_filling(results), DELETED);
    let _ = running.end().exits(0).prints_nothing().says_nothing();
}

#[test]
fn c01_the_final_messages_are_printed_after_two_signals() {
    each([&[][..], &["--debug"]], |verbosity| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &["--dry-run"]).args(verbosity.to_vec());
        let mut running = case.start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        let mut messages = BufReader::new(running.child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        // The key's result is known and waits for the reader.
        while !said.ends_with("this was a dry run\n") {
            assert!(messages.read_line(&mut said).expect("a pipe") > 0, "{said}");
        }
        running.signal("INT");
        running.signal("TERM");
        let _ = running.end().exits(130).prints_nothing().says_nothing();
        said.clear();
        messages.read_to_string(&mut said).expect("a pipe");
        assert_eq!(
            said,
            format!(
                "iam-del-key: error: interrupted: not every result could be written to standard output in time\n\
                 result: {BOBS_KEY}: not deleted\n"
            )
        );
        assert_eq!(behind_the_filling(results), "");
    });
}

#[test]
fn c01_unread_results_are_in_the_journal() {
    let (sandbox, list) = crowd(300);
    let kept = crate::journal::Kept::new(&list);
    let mut running = kept.case(&sandbox, &[]).start_under(Some(&FULL_OUTPUT));
    drop(running.child.stdin.take());
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 300) == 292);
    interrupt(running, "INT").stops_as(
        130,
        &["keys that the journal records as finished are skipped"],
        "300 keys: 8 deleted, 292 not tried",
    );
    drop(results);
    assert_eq!(kept.results().len(), 8);
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let _ = printed
        .prints_outcomes(&[("Deleted", 292)])
        .says_exactly("result: 300 keys: 292 deleted, 8 finished by an earlier run\n");
}

#[test]
fn c01_a_reader_that_closes_the_pipe_ends_the_run_and_its_keys_go_to_standard_error() {
    let (sandbox, list) = crowd(300);
    let case = from_stdin(&sandbox, &list, &["--jobs", "4"]);
    let mut running = case.start_under(Some(&FULL_OUTPUT));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 300) == 296);
    drop(results);
    let said = running.end().exits(1).prints_nothing();
    assert_eq!(said.messages().matches(": deleted\n").count(), 4);
    let _ = said
        .says(&["could not write the result to standard output: Broken pipe"])
        .ends_with("300 keys: 4 deleted, 296 not tried");
    assert_eq!(left(&sandbox, 300), 296);
}

#[test]
fn c01_a_run_waits_for_non_blocking_standard_output() {
    let (sandbox, list) = crowd(50);
    let script = "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])";
    let fill = format!("head -c 65536 /dev/zero; exec python3 -c '{script}' \"$0\" \"$@\"");
    let case = from_stdin(&sandbox, &list, &["--jobs", "2"]);
    let mut running = case.start_under(Some(&["sh", "-c", &fill]));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 50) == 48);
    let output = behind_the_filling(results);
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 50)]);
    running
        .end()
        .stops_exactly(0, "result: 50 keys: 50 deleted\n");
}

#[test]
fn c01_a_run_stops_printing_remaining_keys_without_a_reader() {
    const KEYS: usize = 1_500;
    let sandbox = Sandbox::documented().deny("iam:DeleteAccessKey").start();
    let list: String = (0..KEYS).map(|n| nth_key_id(ACCOUNT, n) + "\n").collect();
    let options = ["--user-name", "Bob", "--jobs", "1", "--fail-fast"];
    let case = from_stdin(&sandbox, &list, &options).args(["--error-format", "json"]);
    let mut running = case.start_under(Some(&FULL_ERRORS));
    let messages = running.child.stderr.take().expect("a pipe");
    let results = BufReader::new(running.child.stdout.take().expect("a pipe"));
    let (sender, rows) = channel();
    thread::spawn(move || {
        for row in results.lines() {
            let _ = sender.send(row.expect("a result"));
        }
    });
    // The unread messages limit the results, not the time.
    thread::sleep(Duration::from_secs(3));
    let first: Vec<String> = rows.try_iter().collect();
    assert!(first.len() < 1_000, "{}", first.len());
    let reader = thread::spawn(|| behind_the_filling(messages));
    let _ = running.end().exits(6).prints_nothing().says_nothing();
    let messages = reader.join().expect("the messages");
    let not_tried = |text: &str| text.matches("\"NotTried\"").count();
    assert_eq!(not_tried(&messages), KEYS - 1);
    let results: String = first.into_iter().chain(rows).collect();
    assert_eq!(not_tried(&results), KEYS - 1);
}

#[test]
fn c01_a_signal_ends_a_question_on_a_terminal_that_was_stopped() {
    let sandbox = documented();
    let args = ["--interactive", "--unused-for", "1d"];
    let case = Case::at(&sandbox, DOCUMENTED).args(args);
    // Ctrl-S stops the terminal before the run starts.
    let wait = ["sh", "-c", "read line; exec \"$0\" \"$@\""];
    let dialogue = Dialogue::start_under(case, &wait).types(b"\x13\n");
    assert!(sandbox.wait_for_requests(1, SOON));
    let sent = Instant::now();
    let printed = dialogue.signals("TERM").end().exits(143);
    assert!(sent.elapsed() < SETTLED);
    let said = printed.prints_anything();
    assert!(!said.messages().contains("[y/N]"), "it was not stopped");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c01_results_and_messages_of_one_log_are_in_order() {
    let (sandbox, list) = crowd(40);
    sandbox.deny("iam:DeleteAccessKey");
    let case = from_stdin(&sandbox, &list, &["--jobs", "1"]);
    let into_one = ["sh", "-c", "exec \"$0\" \"$@\" 2>&1"];
    let printed = case.start_under(Some(&into_one)).end().exits(6);
    let log = printed.output().to_owned();
    // At the most verbose level, log lines are between them.
    let starts = ["{\"AccessKeyId\"", "iam-del-key: error: "];
    let lines = log.lines();
    let lines = lines.filter(|line| starts.iter().any(|start| line.starts_with(start)));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 80, "{log}");
    for (n, pair) in lines.chunks(2).enumerate() {
        let id = nth_key_id(ACCOUNT, n);
        assert!(
            pair[0].starts_with(&format!("{{\"AccessKeyId\":\"{id}\"")),
            "{log}"
        );
        assert!(
            pair[1].starts_with(&format!("iam-del-key: error: {id}: ")),
            "{log}"
        );
    }
    let _ = printed.prints(&log).says_nothing();
    assert!(log.ends_with("result: 40 keys: 40 failed and not changed\n"));
}
