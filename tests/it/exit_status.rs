//! What ends a run before its last key: every key is still reported, and a later run does the rest.

use std::time::Duration;

use iam_sandbox::{Fault, What};

use crate::case::{Case, Ended, SETTLED, actions};
use crate::many::{crowd, from_stdin, left, outcomes, rows, summary};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn fail_fast_tries_no_further_key() {
    let (sandbox, list) = crowd(50);
    let what = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(what).on("DeleteAccessKey").skip(10).always());
    let printed = from_stdin(&sandbox, &list, &["--jobs", "1", "--fail-fast"])
        .run()
        .exits(12);
    let expected = [
        ("Deleted".to_owned(), 10),
        ("Failed".to_owned(), 1),
        ("NotTried".to_owned(), 39),
    ];
    assert_eq!(outcomes(printed.output()), expected);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["to continue, "])
        .ends_with("50 keys: 10 deleted, 1 failed and not changed, 39 not tried");
    assert_eq!(actions(&sandbox).len(), 11);
    // Standard output is the list of what is left to do.
    sandbox.clear_faults();
    let again = from_stdin(&sandbox, &output, &[]).run().exits(0);
    assert_eq!(outcomes(again.output()), [("Deleted".to_owned(), 40)]);
    let output = again.output().to_owned();
    let _ = again
        .prints(&output)
        .says_exactly("iam-del-key: note: 10 lines were skipped: nothing left to do\nresult: 40 keys: 40 deleted\n");
    assert_eq!(left(&sandbox, 50), 0);
}

#[test]
fn f86_credentials_that_expire_end_the_run() {
    let (sandbox, list) = crowd(40);
    let expired = What::error(
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
    );
    sandbox.fault(Fault::new(expired).on("DeleteAccessKey").skip(15).always());
    let printed = from_stdin(&sandbox, &list, &["--jobs", "1"])
        .run()
        .exits(12);
    let expected = [
        ("Deleted".to_owned(), 15),
        ("Failed".to_owned(), 1),
        ("NotTried".to_owned(), 24),
    ];
    assert_eq!(outcomes(printed.output()), expected);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["(ExpiredToken)", "get new credentials from the same source"])
        .ends_with("40 keys: 15 deleted, 1 failed and not changed, 24 not tried");
    assert_eq!(left(&sandbox, 40), 25);
    let expired = What::error(
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
    );
    sandbox.clear_faults();
    sandbox.fault(Fault::new(expired).on("DeleteAccessKey").always());
    let printed = from_stdin(&sandbox, &output, &["--jobs", "1"])
        .run()
        .exits(7);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["(ExpiredToken)"])
        .ends_with("24 not tried");
    // After signing in again: the output of the second run is the list of what is left to do.
    sandbox.clear_faults();
    let printed = from_stdin(&sandbox, &output, &[]).run().exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 25)]);
    assert_eq!(left(&sandbox, 40), 0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 25 keys: 25 deleted\n");
}

fn interrupted(signal: &str, status: i32) {
    let (sandbox, list) = crowd(200);
    sandbox.fault(
        Fault::new(What::Delay(Duration::from_millis(100)))
            .on("DeleteAccessKey")
            .always(),
    );
    let running = from_stdin(&sandbox, &list, &["--jobs", "4"]).start();
    assert!(sandbox.wait_for_requests(8, SOON));
    running.signal(signal);
    let printed = running.end().exits(status);
    let output = printed.output().to_owned();
    let counted = outcomes(&output);
    assert_eq!(
        counted.iter().map(|(_, count)| count).sum::<usize>(),
        200,
        "{counted:?}"
    );
    let deleted = rows(&output)
        .iter()
        .filter(|row| row["Outcome"] == "Deleted")
        .count();
    assert_eq!(deleted, 200 - left(&sandbox, 200), "{counted:?}");
    let said = printed.prints(&output);
    // A finished change is not an error, even if the run was interrupted meanwhile.
    let errors: Vec<&str> = said
        .messages()
        .lines()
        .filter(|line| line.contains("error: "))
        .collect();
    assert_eq!(
        errors,
        ["iam-del-key: error: interrupted: no more keys are tried"]
    );
    let _ = said
        .says(&["to continue, "])
        .ends_with(&format!("200 keys: {}", summary(&output)))
        .within(SETTLED);
}

#[test]
fn f61_the_known_state_is_printed_for_a_key_whose_response_was_cut_off() {
    for (silence, told) in [
        (
            What::SilenceAfterActing,
            "error: AKIAQQQQQ: interrupted; unknown: the request was sent and no usable response arrived",
        ),
        (
            What::SilenceBeforeActing,
            "error: AKIAQQQQQ: interrupted; unknown: the request was sent and no usable response arrived",
        ),
    ] {
        let (sandbox, list) = crowd(2);
        sandbox.fault(Fault::new(silence).on("DeleteAccessKey").times(1));
        let running = from_stdin(&sandbox, &list, &["--jobs", "1"]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        running.signal("INT");
        let printed = running.end().exits(130);
        let output = printed.output().to_owned();
        let first = rows(&output)[0]["AccessKeyId"].clone();
        let told = told.replace("AKIAQQQQQ", first.as_str().expect("an ID"));
        let _ = printed
            .prints(&output)
            .says(&[&told, "error: interrupted: no more keys are tried"])
            .ends_with("2 keys: 1 unknown, 1 not tried")
            .within(SETTLED);
    }
}

#[test]
fn f61_sigint_settles_keys_in_progress_and_reports_every_key() {
    interrupted("INT", 130);
}

#[test]
fn f61_sigterm_settles_keys_in_progress_and_reports_every_key() {
    interrupted("TERM", 143);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn f62_a_full_disk_stops_before_the_next_deletion() {
    let (sandbox, list) = crowd(50);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let case = Case::at(&sandbox, ["--jobs", "1", "--from"]);
    let path = case.path("list.csv");
    let ended: Ended = case.file("list.csv", &list).args([path]).run_into(full);
    let _ = ended
        .exits(1)
        .prints_nothing()
        .says(&["could not write the result to standard output"])
        .ends_with("50 keys: 1 deleted, 49 not tried");
    assert_eq!(left(&sandbox, 50), 49);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn f88_settled_keys_of_a_journal_count_if_nothing_can_be_written() {
    let (sandbox, list) = crowd(50);
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("done.jsonl");
    let ending: Vec<&str> = list.lines().skip(31).collect();
    let ending = format!("AccessKeyId,UserName\n{}\n", ending.join("\n"));
    let case = |list: &str| {
        let case = Case::at(&sandbox, ["--jobs", "1", "--journal"]).args([&journal]);
        let path = case.path("list.csv");
        case.file("list.csv", list).args(["--from"]).args([path])
    };
    let _ = case(&ending)
        .args(["--output", "off"])
        .run()
        .exits(0)
        .prints_nothing()
        .says_exactly("result: 20 keys: 20 deleted\n");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let _ = case(&list)
        .run_into(full)
        .exits(1)
        .prints_nothing()
        .says(&["could not write the result to standard output"])
        .ends_with("50 keys: 1 deleted, 29 not tried, 20 finished by an earlier run");
    assert_eq!(left(&sandbox, 50), 29);
}

#[test]
fn endless_throttling_ends_the_run_and_leaves_the_other_keys() {
    let (sandbox, list) = crowd(20);
    sandbox.fault(Fault::new(What::error(400, "Throttling", "Rate exceeded")).always());
    let printed = from_stdin(&sandbox, &list, &["--timeout", "2", "--jobs", "2"])
        .run()
        .exits(8);
    let output = printed.output().to_owned();
    let ended = printed.prints(&output).says(&["(Throttling)"]);
    let _ = ended
        .ends_with(&format!("20 keys: {}", summary(&output)))
        .within(SOON);
    assert_eq!(left(&sandbox, 20), 20);
}
