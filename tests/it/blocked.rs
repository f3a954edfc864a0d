//! Whatever can block (a reader that pauses, a terminal that is gone, an IAM that is away) blocks neither signals nor responses.

use std::io::{BufRead as _, BufReader, Read};
use std::thread;
use std::time::{Duration, Instant};

use iam_sandbox::{Fault, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, SETTLED, documented};
use crate::journal::ACCOUNT;
use crate::many::{crowd, from_stdin, left, outcomes, rows};
use crate::running::Running;
use crate::streams::wait_for;

const SOON: Duration = Duration::from_secs(20);
/// What a pipe takes before a write to it blocks, in bytes.
const PIPE: usize = 1 << 16;
/// Runs a command whose standard output is a pipe that is full from the start.
const FULL_OUTPUT: [&str; 3] = ["sh", "-c", "head -c 65536 /dev/zero; exec \"$0\" \"$@\""];
/// The same of standard error.
const FULL_ERRORS: [&str; 3] = [
    "sh",
    "-c",
    "head -c 65536 /dev/zero >&2; exec \"$0\" \"$@\"",
];
const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// What was written to a pipe that was full from the start.
fn behind_the_filling(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("a pipe");
    String::from_utf8(bytes.split_off(PIPE)).expect("UTF-8")
}

/// Sends a signal to a run whose standard output is blocked, and waits for its end.
fn interrupt(running: Running, signal: &str) -> crate::case::Ended {
    let sent = Instant::now();
    running.signal(signal);
    let ended = running.end();
    assert!(sent.elapsed() < SETTLED, "it took {:?}", sent.elapsed());
    ended
}

#[test]
fn c01_a_paused_reader_turns_no_response_into_a_lost_one() {
    for more in [
        &["--jobs", "8"][..],
        &["--jobs", "64"],
        &["--output", "text"],
    ] {
        let (sandbox, list) = crowd(200);
        let limits = ["--cli-read-timeout", "1", "--timeout", "1"];
        let case = from_stdin(&sandbox, &list, &limits).args(more.iter().copied());
        let mut running = case.start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        assert!(sandbox.wait_for_requests(8, SOON));
        // The reader pauses for longer than any limit of a request.
        thread::sleep(Duration::from_secs(3));
        let reader = thread::spawn(|| behind_the_filling(results));
        let _ = running
            .end()
            .exits(0)
            .prints_nothing()
            .says_exactly("known: 200 keys: 200 deleted\n");
        let output = reader.join().expect("the results");
        assert_eq!(output.matches("Deleted").count(), 200, "{output}");
        if !more.contains(&"text") {
            assert!(rows(&output).iter().all(|row| row["Attempts"] == 1));
        }
        assert_eq!(sandbox.requests().len(), 200, "a request was sent again");
        assert_eq!(left(&sandbox, 200), 0);
    }
}

#[test]
fn c01_a_signal_ends_a_run_whose_results_nobody_reads() {
    for (n, (signal, status)) in SIGNALS.into_iter().enumerate() {
        let (sandbox, list) = crowd(2_000);
        let more = [
            &["--jobs", "8"][..],
            &["--output", "text"],
            &["--query", "Outcome"],
        ][n];
        let mut running = from_stdin(&sandbox, &list, more).start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        wait_for(|| left(&sandbox, 2_000) == 1_992);
        let printed = interrupt(running, signal).exits(status);
        // Only what was in flight when the reader paused was deleted, and each of those keys is named.
        let gone = (0..2_000).map(|n| nth_key_id(ACCOUNT, n));
        let mut gone: Vec<String> = gone.filter(|id| !sandbox.has_key(id)).collect();
        assert_eq!(gone.len(), 8);
        let said = printed.prints_nothing();
        let mut known: Vec<String> = said
            .messages()
            .lines()
            .filter_map(|line| line.strip_prefix("known: ")?.strip_suffix(": deleted"))
            .map(str::to_owned)
            .collect();
        let lines: String = known
            .iter()
            .map(|id| format!("known: {id}: deleted\n"))
            .collect();
        let resume = match n {
            2 => "the same command again, with --ignore-missing".to_owned(),
            _ => "".to_owned(),
        };
        known.sort();
        gone.sort();
        assert_eq!(known, gone);
        assert!(said.messages().contains(&resume));
        let _ = said
            .says(&[
                "iam-del-key: error: interrupted: no further key is begun\n\
                 iam-del-key: error: interrupted: not every result could be written, since nobody reads standard output\n",
                &lines,
            ])
            .ends_with("2000 keys: 8 deleted, 1992 not tried");
        assert_eq!(behind_the_filling(results), "");
    }
}

#[test]
fn c01_one_key_whose_result_nobody_reads() {
    for (signal, status) in SIGNALS {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]);
        let mut running = case.start_under(Some(&FULL_OUTPUT));
        let results = running.child.stdout.take().expect("a pipe");
        wait_for(|| !sandbox.has_key(BOBS_KEY));
        let _ = interrupt(running, signal)
            .exits(status)
            .prints_nothing()
            .says(&["iam-del-key: error: interrupted"])
            .ends_with(&format!("{BOBS_KEY}: deleted"));
        assert_eq!(behind_the_filling(results), "");
    }
    // Without a signal the run waits for its reader.
    let sandbox = documented();
    let mut running = Case::documented(&sandbox, &[]).start_under(Some(&FULL_OUTPUT));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| !sandbox.has_key(BOBS_KEY));
    assert!(running.child.try_wait().expect("a child").is_none());
    assert_eq!(behind_the_filling(results), DELETED);
    let _ = running.end().exits(0).prints_nothing().says_nothing();
}

#[test]
fn c01_a_table_that_nobody_reads_leaves_its_keys_on_standard_error() {
    let (sandbox, list) = crowd(30);
    let case = from_stdin(&sandbox, &list, &["--output", "table"]);
    let mut running = case.start_under(Some(&FULL_OUTPUT));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 30) == 0);
    let said = interrupt(running, "TERM").exits(143).prints_nothing();
    assert_eq!(said.messages().matches(": deleted\n").count(), 30);
    let _ = said
        .says(&["not every result could be written"])
        .ends_with("30 keys: 30 deleted");
    assert_eq!(behind_the_filling(results), "");
}

#[test]
fn c01_results_that_nobody_reads_are_in_the_journal() {
    let (sandbox, list) = crowd(300);
    let kept = crate::journal::Kept::new(&list);
    let mut running = kept.case(&sandbox, &[]).start_under(Some(&FULL_OUTPUT));
    drop(running.child.stdin.take());
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 300) == 292);
    let _ = interrupt(running, "INT")
        .exits(130)
        .prints_nothing()
        .says(&["what the journal has settled is skipped"])
        .ends_with("300 keys: 8 deleted, 292 not tried");
    drop(results);
    assert_eq!(kept.results().len(), 8);
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 292)]);
    let _ = printed
        .prints(&output)
        .says(&["note: 8 keys are already finished in the journal "])
        .ends_with("300 keys: 292 deleted, 8 settled by an earlier run");
}

#[test]
fn c01_a_reader_that_goes_away_ends_the_run_and_leaves_its_keys_on_standard_error() {
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
fn c01_standard_output_that_another_program_made_non_blocking_is_waited_for() {
    let (sandbox, list) = crowd(50);
    let script = "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])";
    let fill = format!("head -c 65536 /dev/zero; exec python3 -c '{script}' \"$0\" \"$@\"");
    let case = from_stdin(&sandbox, &list, &["--jobs", "2"]);
    let mut running = case.start_under(Some(&["sh", "-c", &fill]));
    let results = running.child.stdout.take().expect("a pipe");
    wait_for(|| left(&sandbox, 50) == 48);
    let output = behind_the_filling(results);
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 50)]);
    let _ = running
        .end()
        .exits(0)
        .prints_nothing()
        .says_exactly("known: 50 keys: 50 deleted\n");
}

/// A run that says more than a pipe takes and then waits for a reader.
fn talkative(sandbox: &Sandbox, list: &str) -> Running {
    from_stdin(sandbox, list, &["--debug", "--output", "off"]).start_under(Some(&FULL_ERRORS))
}

#[test]
fn c01_a_signal_ends_a_run_whose_messages_nobody_reads() {
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
            "it did not wait for its reader"
        );
        drop(messages);
    }
    // One key, of which nothing is left but what is said.
    let sandbox = documented();
    sandbox.deny("iam:DeleteAccessKey");
    let mut running = Case::documented(&sandbox, &[]).start_under(Some(&FULL_ERRORS));
    let messages = running.child.stderr.take().expect("a pipe");
    assert!(sandbox.wait_for_requests(1, SOON));
    let printed = interrupt(running, "TERM").exits(143);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says_nothing();
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
    assert!(said.ends_with("known: 300 keys: 300 deleted\n"), "{said}");
    assert_eq!(sandbox.requests().len(), 300, "a request was sent again");
}

#[test]
fn c12_sighup_ends_a_run_as_sigterm_does() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    let _ = interrupt(running, "HUP")
        .exits(129)
        .prints_outcome("Unknown")
        .says(&[
            "interrupted",
            "check with: aws iam list-access-keys --user-name=Bob",
        ])
        .ends_with("unknown: ");

    let (sandbox, list) = crowd(50);
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let running = from_stdin(&sandbox, &list, &["--jobs", "2"]).start();
    assert!(sandbox.wait_for_requests(2, SOON));
    let printed = interrupt(running, "HUP").exits(129);
    let output = printed.output().to_owned();
    let expected = [("NotTried".to_owned(), 48), ("Unknown".to_owned(), 2)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["error: interrupted: no further key is begun"])
        .ends_with("50 keys: 2 unknown, 48 not tried");
}

#[test]
fn c12_a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for ignored in ["HUP", "INT", "TERM", "HUP INT TERM"] {
        let sandbox = documented();
        let delay = What::Delay(Duration::from_secs(1));
        sandbox.fault(Fault::new(delay).on("DeleteAccessKey"));
        let trap = format!("trap '' {ignored}; exec \"$0\" \"$@\"");
        let running = Case::documented(&sandbox, &[]).start_under(Some(&["sh", "-c", &trap]));
        assert!(sandbox.wait_for_requests(1, SOON));
        for signal in ignored.split(' ') {
            running.signal(signal);
        }
        let _ = running.end().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    }
    // The others end the run all the same.
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let case = Case::documented(&sandbox, &[]);
    let running = case.start_under(Some(&["nohup"]));
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("HUP");
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: ");
}

/// No file of the run may grow beyond so many bytes, and the system's default kills whoever tries.
fn with_room_for(case: Case, bytes: u32) -> Running {
    case.start_under(Some(&["prlimit", &format!("--fsize={bytes}")]))
}

#[test]
fn c69_a_file_that_may_not_grow_kills_no_run() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first record of the journal does not fit.
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--journal"]).args([folder.path().join("a")]);
    let _ = with_room_for(case, 50)
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["cannot write the journal", "File too large"])
        .ends_with(&format!("{BOBS_KEY}: not deleted: nothing was sent to IAM"));
    assert!(sandbox.has_key(BOBS_KEY));
    // The intent does not, and then the result.
    for (room, known) in [(100, "not deleted"), (230, "deleted")] {
        let sandbox = documented();
        let journal = folder.path().join(room.to_string());
        let case = Case::documented(&sandbox, &["--journal"]).args([journal]);
        let printed = with_room_for(case, room).end().exits(1);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["the run broke off: File too large"])
            .ends_with(&format!("{BOBS_KEY}: {known}"));
        assert_eq!(sandbox.has_key(BOBS_KEY), known == "not deleted");
    }
    // Standard output is a file.
    let sandbox = documented();
    let output = folder.path().join("output");
    let into = "exec prlimit --fsize=10 \"$0\" \"$@\" > \"$OUTPUT\"";
    let case = Case::documented(&sandbox, &[]).env("OUTPUT", &output);
    let _ = case
        .start_under(Some(&["sh", "-c", into]))
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["could not write the result to standard output: File too large"])
        .ends_with(&format!("{BOBS_KEY}: deleted"));
    assert!(!sandbox.has_key(BOBS_KEY));
    // A long list is kept in a file.
    let list: String = (0..20_000)
        .map(|n| format!("AKIAAAAAAAAAA{n:07}\n"))
        .collect();
    let sandbox = documented();
    let case = from_stdin(&sandbox, &list, &["--user-name", "Bob"]);
    let _ = with_room_for(case, 1 << 19)
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["File too large"])
        .ends_with("no key was changed");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c11_an_iam_that_is_gone_ends_a_list_after_a_few_keys() {
    for (jobs, failed) in [("1", 4), ("8", 11)] {
        let (sandbox, list) = crowd(2_000);
        sandbox.fault(
            Fault::new(What::LoseReplyAndStopListening)
                .skip(99)
                .always(),
        );
        let printed = from_stdin(&sandbox, &list, &["--jobs", jobs])
            .run()
            .exits(12);
        let output = printed.output().to_owned();
        let counted = outcomes(&output);
        let of = |name: &str| {
            let found = counted.iter().find(|(known, _)| known == name);
            found.map_or(0, |(_, count)| *count)
        };
        assert!(of("Deleted") >= 99 && of("Deleted") < 120, "{counted:?}");
        assert!(of("Failed") + of("Unknown") <= failed, "{counted:?}");
        assert!(of("NotTried") >= 1_860, "{counted:?}");
        let left_out = rows(&output)
            .into_iter()
            .find(|row| row["Outcome"] == "NotTried")
            .expect("a key that was not tried");
        assert_eq!(left_out["Reason"], "IAM could not be reached");
        let _ = printed
            .prints(&output)
            .says(&[
                "iam-del-key: error: IAM did not answer for ",
                " keys in a row: no further key is tried\n",
                "hint: to do the rest: ",
            ])
            .ends_with("2000 keys: ");
    }
}

#[test]
fn c11_an_iam_that_was_never_reached_ends_a_list_too() {
    let (sandbox, list) = crowd(30);
    sandbox.stop_listening();
    for more in [
        &["--jobs", "1"][..],
        &["--jobs", "1", "--dry-run", "--inactive"],
    ] {
        let printed = from_stdin(&sandbox, &list, more).run().exits(9);
        let output = printed.output().to_owned();
        let expected = [("Failed".to_owned(), 4), ("NotTried".to_owned(), 26)];
        assert_eq!(outcomes(&output), expected);
        let _ = printed
            .prints(&output)
            .says(&["IAM did not answer for 4 keys in a row: no further key is tried"])
            .ends_with("30 keys: 4 failed and not changed, 26 not tried");
    }
    // A signal ends the pause that comes after the first key.
    let mut running = from_stdin(&sandbox, &list, &["--jobs", "1"]).start();
    let mut results = BufReader::new(running.child.stdout.take().expect("a pipe"));
    let mut output = String::new();
    results.read_line(&mut output).expect("a result");
    let printed = interrupt(running, "INT").exits(130).prints_nothing();
    let _ = printed
        .says(&["error: interrupted: no further key is begun"])
        .ends_with("30 keys: 1 failed and not changed, 29 not tried");
    results.read_to_string(&mut output).expect("a pipe");
    let expected = [("Failed".to_owned(), 1), ("NotTried".to_owned(), 29)];
    assert_eq!(outcomes(&output), expected);
    assert_eq!(left(&sandbox, 30), 30);
}

#[test]
fn c11_a_short_outage_ends_no_run() {
    // A connection is closed, and the next ones are reset before TLS is set up.
    let sandbox = Sandbox::documented()
        .https(iam_sandbox::Certificate::Valid)
        .many_keys(40, 1)
        .start();
    let (_, list) = crowd(40);
    sandbox.fault(Fault::new(What::CloseAfterActing).skip(9));
    sandbox.fault(Fault::new(What::ResetOnAccept).skip(1).times(12));
    let case = from_stdin(&sandbox, &list, &["--jobs", "1"]);
    let printed = case.run().exits(12);
    let output = printed.output().to_owned();
    let counted = outcomes(&output);
    let of = |name: &str| {
        let found = counted.iter().find(|(known, _)| known == name);
        found.map_or(0, |(_, count)| *count)
    };
    let failed = of("Failed") + of("Unknown");
    assert!((2..=4).contains(&failed), "{counted:?}");
    assert_eq!(of("Deleted"), 40 - failed, "{counted:?}");
    let said = printed.prints(&output);
    assert!(!said.messages().contains("no further key"));
    let _ = said.says(&["could not reach IAM"]).ends_with("40 keys: ");
    assert_eq!(sandbox.faults_left(), 0, "the outage was not met");
}

#[test]
fn c01_a_question_whose_terminal_nobody_reads_is_ended_by_a_signal() {
    let sandbox = documented();
    let case = Case::at(&sandbox, DOCUMENTED).args(["--interactive", "--debug"]);
    let dialogue = crate::dialogue::Dialogue::start(case).shows("[y/N]");
    let printed = dialogue.types(b"\x03").end().exits(130);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["interrupted"])
        .ends_with("not deleted");
    assert!(sandbox.has_key(BOBS_KEY));
}
