//! Many keys in one run: each is told once, the counts add up, and the exit status is that of all or 12.

use std::collections::BTreeSet;
use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, Ended, actions, documented};
use crate::dialogue::Dialogue;

const SOON: Duration = Duration::from_secs(20);
const ACCOUNT: &str = "123456789012";

/// The objects on standard output, one a line.
pub(crate) fn rows(output: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    output.lines().map(read).collect()
}

/// How many rows have each outcome, and that no key is told of twice.
pub(crate) fn outcomes(output: &str) -> Vec<(String, usize)> {
    let rows = rows(output);
    let ids: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row["AccessKeyId"].as_str())
        .collect();
    assert_eq!(ids.len(), rows.len(), "a key is told of twice: {output}");
    let mut counted: Vec<(String, usize)> = Vec::new();
    for row in &rows {
        let name = row["Outcome"].as_str().expect("an outcome").to_owned();
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    counted.sort();
    counted
}

/// A sandbox with so many users, who have one key each, and a file that lists them.
pub(crate) fn crowd(count: usize) -> (Sandbox, String) {
    let sandbox = Sandbox::documented().many_keys(count, 1).start();
    let list = (0..count).fold(String::from("AccessKeyId,UserName\n"), |list, n| {
        format!("{list}{},user-{:06}\n", nth_key_id(ACCOUNT, n), n + 1)
    });
    (sandbox, list)
}

fn left(sandbox: &Sandbox, count: usize) -> usize {
    (0..count)
        .filter(|n| sandbox.has_key(&nth_key_id(ACCOUNT, *n)))
        .count()
}

fn from_stdin(sandbox: &Sandbox, list: &str, more: &[&str]) -> Case {
    Case::at(sandbox, ["--from", "-"])
        .args(more.iter().copied())
        .input(list.as_bytes())
}

#[test]
fn several_keys_by_option_are_told_line_by_line() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        BOB_SECOND_KEY_ID,
        "--access-key-id",
        BOBS_KEY,
    ];
    let printed = Case::at(&sandbox, args)
        .args(["--user-name", "Bob"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 2)]);
    for row in rows(printed.output()) {
        assert_eq!(row["UserName"], "Bob");
        assert!(row["RequestId"].is_string());
    }
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["known: "])
        .ends_with("2 keys: 2 deleted");
    assert_eq!(actions(&sandbox), ["DeleteAccessKey", "DeleteAccessKey"]);
    assert!(!sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f88_several_keys_with_different_results_are_12_and_the_counts_add_up() {
    let sandbox = documented();
    let list = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\nAKIAQQQQQQQQQQQQQQQQ\n");
    let printed = from_stdin(&sandbox, &list, &["--user-name", "Bob"])
        .run()
        .exits(12);
    let expected = [("Deleted".to_owned(), 1), ("Failed".to_owned(), 2)];
    assert_eq!(outcomes(printed.output()), expected);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["(NoSuchEntity)"])
        .ends_with("3 keys: 1 deleted, 2 failed and not changed");
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn all_the_same_gives_that_status() {
    let sandbox = documented();
    sandbox.deny("iam:DeleteAccessKey");
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        BOB_SECOND_KEY_ID,
        "--user-name",
        "Bob",
    ];
    let printed = Case::at(&sandbox, args).run().exits(6);
    let output = printed.output().to_owned();
    let ended = printed.prints(&output).says(&["AccessDenied"]);
    let _ = ended.ends_with("2 keys: 2 failed and not changed");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn each_format_has_every_key() {
    for (format, holds) in [("text", "\tDeleted\t"), ("table", "Deleted")] {
        let (sandbox, list) = crowd(30);
        let printed = from_stdin(&sandbox, &list, &["--output", format])
            .run()
            .exits(0);
        let count = printed.output().matches(holds).count();
        assert_eq!(count, 30, "{}", printed.output());
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["known: "])
            .ends_with("30 keys: 30 deleted");
        assert_eq!(left(&sandbox, 30), 0);
    }
    let (sandbox, list) = crowd(30);
    let ended = from_stdin(&sandbox, &list, &["--output", "off"])
        .run()
        .exits(0);
    let _ = ended
        .prints_nothing()
        .says(&["known: "])
        .ends_with("30 keys: 30 deleted");
    assert_eq!(left(&sandbox, 30), 0);
}

#[test]
fn each_number_of_jobs_does_all() {
    for jobs in ["1", "3", "64"] {
        let (sandbox, list) = crowd(100);
        let printed = from_stdin(&sandbox, &list, &["--jobs", jobs])
            .run()
            .exits(0);
        assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 100)]);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["known: "])
            .ends_with("100 keys: 100 deleted");
        assert_eq!(left(&sandbox, 100), 0);
        assert_eq!(actions(&sandbox).len(), 100, "one call a key");
    }
    for jobs in ["--jobs=0", "--jobs=257", "--jobs=-1", "--jobs=many"] {
        let _ = Case::bare(["--access-key-id", BOBS_KEY, jobs])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["--jobs"]);
    }
}

#[test]
fn a_plan_is_made_reviewed_and_applied() {
    let sandbox = documented();
    let plan = [
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        ALICE_KEY_ID,
        "--access-key-id",
        ADMIN_KEY_ID,
    ];
    let planned = Case::at(&sandbox, plan)
        .args(["--find-user", "--unused-for", "30d", "--dry-run"])
        .run()
        .exits(0);
    let output = planned.output().to_owned();
    let expected = [
        ("Refused".to_owned(), 1),
        ("Skipped".to_owned(), 1),
        ("WouldDelete".to_owned(), 1),
    ];
    assert_eq!(outcomes(&output), expected);
    let _ = planned
        .prints(&output)
        .says(&["known: "])
        .ends_with("this was a dry run");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    let applied = from_stdin(&sandbox, &output, &["--unused-for", "30d"])
        .run()
        .exits(0);
    assert_eq!(outcomes(applied.output()), [("Deleted".to_owned(), 1)]);
    let applied_output = applied.output().to_owned();
    let _ = applied
        .prints(&applied_output)
        .says(&["2 lines are left out"])
        .ends_with("1 key: 1 deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(ALICE_KEY_ID) && sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn a_plan_that_deactivates_is_never_a_deletion() {
    let sandbox = documented();
    let planned = Case::documented(
        &sandbox,
        &[
            "--access-key-id",
            BOB_SECOND_KEY_ID,
            "--deactivate",
            "--dry-run",
        ],
    )
    .run()
    .exits(0);
    let output = planned.output().to_owned();
    let _ = planned
        .prints(&output)
        .says(&["known: "])
        .ends_with("this was a dry run");
    let _ = from_stdin(&sandbox, &output, &[])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["line 1", "would deactivate", "--deactivate"])
        .ends_with("no key was changed");
    let applied = from_stdin(&sandbox, &output, &["--deactivate"])
        .run()
        .exits(0);
    assert_eq!(outcomes(applied.output()), [("Deactivated".to_owned(), 2)]);
    let output = applied.output().to_owned();
    let _ = applied
        .prints(&output)
        .says(&["to undo it"])
        .ends_with("2 keys: 2 deactivated");
    assert!(sandbox.has_key(BOBS_KEY));
}

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
        .says(&["to do the rest"])
        .ends_with("50 keys: 10 deleted, 1 failed and not changed, 39 not tried");
    assert_eq!(actions(&sandbox).len(), 11);
    // What standard output got is what is left to do.
    sandbox.clear_faults();
    let again = from_stdin(&sandbox, &output, &[]).run().exits(0);
    assert_eq!(outcomes(again.output()), [("Deleted".to_owned(), 40)]);
    let output = again.output().to_owned();
    let _ = again
        .prints(&output)
        .says(&["10 lines are left out"])
        .ends_with("40 keys: 40 deleted");
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
        .says(&["(ExpiredToken)", "sign in again"])
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
    let _ = printed
        .prints(&output)
        .says(&["interrupted", "to do the rest"])
        .ends_with("200 keys: ")
        .within(SOON);
}

#[test]
fn f61_sigint_settles_what_is_under_way_and_tells_every_key() {
    interrupted("INT", 130);
}

#[test]
fn f61_sigterm_settles_what_is_under_way_and_tells_every_key() {
    interrupted("TERM", 143);
}

#[test]
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
fn f52_a_run_keeps_to_the_pace_that_is_allowed() {
    let sandbox = Sandbox::builder()
        .many_keys(150, 1)
        .throttle(100, 10)
        .start();
    let (_, list) = crowd(150);
    let printed = from_stdin(&sandbox, &list, &["--jobs", "16", "-v"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 150)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["requests to IAM: "])
        .ends_with("150 keys: 150 deleted");
    assert_eq!(left(&sandbox, 150), 0);
}

#[test]
fn throttled_for_ever_ends_and_leaves_the_rest() {
    let (sandbox, list) = crowd(20);
    sandbox.fault(Fault::new(What::error(400, "Throttling", "Rate exceeded")).always());
    let printed = from_stdin(&sandbox, &list, &["--timeout", "2", "--jobs", "2"])
        .run()
        .exits(8);
    let output = printed.output().to_owned();
    let ended = printed.prints(&output).says(&["(Throttling)"]);
    let _ = ended.ends_with("not tried").within(SOON);
    assert_eq!(left(&sandbox, 20), 20);
}

#[test]
fn a_bar_moves_on_a_terminal_and_is_gone_at_the_end() {
    let (sandbox, list) = crowd(40);
    sandbox.fault(
        Fault::new(What::Delay(Duration::from_millis(60)))
            .on("DeleteAccessKey")
            .always(),
    );
    let case = Case::at(&sandbox, ["--jobs", "2", "--from"]).env("TERM", "xterm");
    let path = case.path("list.csv");
    let dialogue = Dialogue::start(case.file("list.csv", &list).args([path]));
    let printed = dialogue.shows("/40, ").shows(" left").end().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 40)]);
    let ended = printed.prints(&output).says(&["failed 0"]);
    let summary = ended.known().rsplit('\r').next().unwrap_or_default();
    assert!(
        summary
            .trim_start_matches("\u{1b}[2K")
            .ends_with("40 keys: 40 deleted"),
        "{summary:?}"
    );
    assert_eq!(left(&sandbox, 40), 0);
}

#[test]
fn nothing_named_is_nothing_done() {
    let sandbox = documented();
    let _ = from_stdin(&sandbox, "# nobody left\n\n", &[])
        .run()
        .exits(0)
        .prints_nothing()
        .says(&["known: "])
        .ends_with("0 keys: none");
    assert!(actions(&sandbox).is_empty());
}

#[test]
fn one_key_in_a_list_is_told_as_a_line() {
    let sandbox = documented();
    let printed = from_stdin(&sandbox, &format!("{BOBS_KEY}\n"), &["--user-name", "Bob"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 1)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["known: "])
        .ends_with("1 key: 1 deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
}
