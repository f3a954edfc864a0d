//! Many keys in one run: each is reported once, the counts add up, and the exit status is the common one or 12.

use std::collections::BTreeSet;

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Builder, Fault, Sandbox, What, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;

const ACCOUNT: &str = "123456789012";

/// The objects on standard output, one per line.
pub(crate) fn rows(output: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    output.lines().map(read).collect()
}

/// Counts the rows with each outcome, and checks that no key is reported twice.
pub(crate) fn outcomes(output: &str) -> Vec<(String, usize)> {
    let rows = rows(output);
    let ids: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row["AccessKeyId"].as_str())
        .collect();
    assert_eq!(ids.len(), rows.len(), "a key was reported twice: {output}");
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

/// The last line of standard error for these rows of standard output.
pub(crate) fn summary(output: &str) -> String {
    let words = [
        ("Deleted", "deleted"),
        ("Failed", "failed and not changed"),
        ("Unknown", "unknown"),
        ("NotTried", "not tried"),
    ];
    let counted = outcomes(output);
    let counts = words.iter().filter_map(|(name, words)| {
        let (_, count) = counted.iter().find(|(known, _)| known == name)?;
        Some(format!("{count} {words}"))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// A sandbox with this number of users with one key each, and a file that lists them.
pub(crate) fn crowd(count: usize) -> (Sandbox, String) {
    crowd_of(Sandbox::documented(), count)
}

/// The same with other rules for the sandbox.
pub(crate) fn crowd_of(builder: Builder, count: usize) -> (Sandbox, String) {
    let sandbox = builder.many_keys(count, 1).start();
    let list = (0..count).fold(String::from("AccessKeyId,UserName\n"), |list, n| {
        format!("{list}{},user-{:06}\n", nth_key_id(ACCOUNT, n), n + 1)
    });
    (sandbox, list)
}

pub(crate) fn left(sandbox: &Sandbox, count: usize) -> usize {
    (0..count)
        .filter(|n| sandbox.has_key(&nth_key_id(ACCOUNT, *n)))
        .count()
}

pub(crate) fn from_stdin(sandbox: &Sandbox, list: &str, more: &[&str]) -> Case {
    Case::at(sandbox, ["--from", "-"])
        .args(more.iter().copied())
        .input(list.as_bytes())
}

#[test]
fn several_keys_by_option_are_printed_line_by_line() {
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
        .says_exactly("result: 2 keys: 2 deleted\n");
    assert_eq!(actions(&sandbox), ["DeleteAccessKey", "DeleteAccessKey"]);
    assert!(!sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f88_different_results_exit_12_and_the_counts_add_up() {
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
fn equal_results_exit_with_their_status() {
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
            .says_exactly("result: 30 keys: 30 deleted\n");
        assert_eq!(left(&sandbox, 30), 0);
    }
    let (sandbox, list) = crowd(30);
    let ended = from_stdin(&sandbox, &list, &["--output", "off"])
        .run()
        .exits(0);
    let _ = ended
        .prints_nothing()
        .says_exactly("result: 30 keys: 30 deleted\n");
    assert_eq!(left(&sandbox, 30), 0);
}

#[test]
fn every_number_of_jobs_finishes_all_keys() {
    for jobs in ["1", "3", "64"] {
        let (sandbox, list) = crowd(100);
        let printed = from_stdin(&sandbox, &list, &["--jobs", jobs])
            .run()
            .exits(0);
        assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 100)]);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says_exactly("result: 100 keys: 100 deleted\n");
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
fn an_error_that_ends_a_run_ends_the_reads_before_the_question_too() {
    let list = (0..50).fold(String::from("AccessKeyId,UserName\n"), |list, n| {
        format!("{list}{},Bob\n", nth_key_id(ACCOUNT, n))
    });
    for (code, status, more, says) in [
        ("ExpiredToken", 7, &[][..], "IAM rejected the credentials"),
        (
            "ServiceFailure",
            5,
            &["--fail-fast"],
            "--fail-fast: an earlier key was not changed",
        ),
    ] {
        let sandbox = documented();
        let what = What::error(403, code, "no");
        sandbox.fault(Fault::new(what).on("ListAccessKeys").always());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.csv");
        std::fs::write(&path, &list).expect("a list");
        let case = Case::at(&sandbox, ["--from"])
            .args([&path])
            .args(["--only-inactive", "--interactive", "--jobs", "1"])
            .args(more.iter().copied());
        let printed = Dialogue::start(case).end().exits(status);
        let output = printed.output().to_owned();
        let expected = [("Failed".to_owned(), 1), ("NotTried".to_owned(), 49)];
        assert_eq!(outcomes(&output), expected);
        assert!(output.contains(says), "{output}");
        let _ = printed
            .prints(&output)
            .says(&[code])
            .ends_with("50 keys: 1 failed and not changed, 49 not tried");
        let lists = actions(&sandbox);
        assert!(
            lists
                .iter()
                .filter(|action| *action == "ListAccessKeys")
                .count()
                < 5
        );
    }
}

#[test]
fn f52_a_run_keeps_to_the_allowed_rate() {
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
fn waiting_for_a_turn_does_not_count_against_a_keys_limit() {
    // The last key waits for its turn longer than the time limit of a key.
    let sandbox = Sandbox::builder().many_keys(80, 1).throttle(20, 1).start();
    let (_, list) = crowd(80);
    let printed = from_stdin(&sandbox, &list, &["--jobs", "80", "--timeout", "2"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 80)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 80 keys: 80 deleted\n");
    assert_eq!(left(&sandbox, 80), 0);
}

#[test]
fn an_empty_list_does_nothing() {
    let sandbox = documented();
    let _ = from_stdin(&sandbox, "# nobody left\n\n", &[])
        .run()
        .exits(0)
        .prints_nothing()
        .says_exactly("result: nothing to do: the list has no keys to change\n");
    assert!(actions(&sandbox).is_empty());
}

#[test]
fn one_key_in_a_list_is_printed_as_a_line() {
    let sandbox = documented();
    let printed = from_stdin(&sandbox, &format!("{BOBS_KEY}\n"), &["--user-name", "Bob"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 1)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
}

/// Keys that are in flight then fail as well; no other key is tried.
#[test]
fn credentials_that_iam_rejects_end_a_run_over_a_list() {
    let (sandbox, list) = crowd(20);
    let case = from_stdin(&sandbox, &list, &["--jobs", "1", "--output", "json"]);
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let printed = case.env("AWS_SECRET_ACCESS_KEY", secret).run().exits(7);
    let output = printed.output().to_owned();
    let expected = [("Failed", 1), ("NotTried", 19)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(outcomes(&output), expected);
    assert!(output.contains("IAM rejected the credentials"), "{output}");
    let _ = printed.prints(&output).says(&[
        "(SignatureDoesNotMatch)",
        "hint: the secret access key does not belong to your access key ID",
    ]);
    assert_eq!(actions(&sandbox).len(), 1);
    assert_eq!(left(&sandbox, 20), 20);
}
