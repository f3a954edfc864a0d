//! The table for people: what is copied or compared is in one piece, and the reason has the width of the terminal.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{KeySeed, Sandbox, nth_key_id};

use crate::case::{BOBS_KEY, Case, documented};

/// What is printed, with days that pass in place of each date.
fn table(sandbox: &Sandbox, args: &[&str], status: i32) -> String {
    let case = Case::at(sandbox, args).args(["--output", "table"]);
    let printed = case.run().exits(status);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["known: "]);
    let word = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_date = word.len() == 10 && digits == 8 && word.starts_with("20");
        if is_date {
            "the-day-of".to_owned()
        } else {
            word.to_owned()
        }
    };
    let dated = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    output.lines().map(|line| dated(line) + "\n").collect()
}

#[test]
fn a_key_has_its_owner_under_it_and_the_reason_below() {
    let sandbox = documented();
    let args = [
        "--whole-account",
        "--unused-for",
        "90d",
        "--older-than",
        "30d",
        "-n",
    ];
    let expected = "\
ACCESS KEY, OWNER      STATUS    CREATED       LAST USED      OUTCOME
AKIARZPUZDIKFR6565B7   Inactive  the-day-of    the-day-of     WouldDelete
Alice                            700 days ago  200 days ago
of 123456789012                                iam us-east-1
  --unused-for 90d and --older-than 30d hold
AKIDPMS9RO4H3FEXAMPLE  Active    the-day-of    the-day-of     WouldDelete
Bob                              400 days ago  120 days ago
                                               s3 us-east-1
  --unused-for 90d and --older-than 30d hold
";
    assert_eq!(table(&sandbox, &args, 0), expected);
}

#[test]
fn what_is_not_known_has_no_place() {
    let sandbox = documented();
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let expected = "\
ACCESS KEY, OWNER      STATUS  CREATED  LAST USED  OUTCOME
AKIDPMS9RO4H3FEXAMPLE                              Deleted
Bob
";
    let printed = Case::at(&sandbox, args).args(["--output", "table"]).run();
    let _ = printed.exits(0).prints(expected).says_nothing();
    let args = [
        "--access-key-id",
        BOB_SECOND_KEY_ID,
        "--access-key-id",
        ALICE_KEY_ID,
    ];
    let told = table(
        &sandbox,
        &[&args[..], &["--user-name", "Bob", "--jobs", "1"]].concat(),
        12,
    );
    let expected = "\
ACCESS KEY, OWNER     STATUS  CREATED  LAST USED  OUTCOME
AKIARZPUZDIKHF7UU7AV                              Deleted
Bob
of 123456789012
AKIARZPUZDIKOL7JJ6BK                              Failed
Bob
of 123456789012
  not deleted: IAM finds no such key for this user
";
    assert_eq!(told, expected);
}

#[test]
fn the_longest_names_and_reasons_stay_within_80_columns() {
    let owner = "a-user-name-that-is-as-long-as-IAM-has-them-64-characters-and-no";
    let id = nth_key_id("123456789012", 1);
    let key = KeySeed::new(owner, &id).last_used_days_ago(9, "cognito-identity", "ap-southeast-2");
    let sandbox = Sandbox::documented().key(key).start();
    let args = ["--access-key-id", &id, "--find-user", "-n"];
    let told = table(&sandbox, &args, 0);
    assert!(
        told.lines().all(|line| line.chars().count() <= 80),
        "{told}"
    );
    let key: String = told
        .lines()
        .skip(2)
        .take(3)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(key, owner, "{told}");
    for word in [&id, "cognito-identity", "ap-southeast-2", "WouldDelete"] {
        assert!(told.contains(word), "{word} is broken: {told}");
    }
    // The owner is named in the reason, which has no room for it on its first line.
    let args = ["--access-key-id", &id, "--user-name", "Bob", "-n"];
    let told = table(&sandbox, &args, 3);
    let reason = format!("\n  not deleted: it is a key of the user\n  {owner}\n");
    assert!(told.ends_with(&reason), "{told}");
}
