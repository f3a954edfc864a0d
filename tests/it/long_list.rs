//! Long lists: memory use stays constant, whatever the number of lines and repeated keys.

use std::time::Duration;

use iam_sandbox::{Fault, What};

use crate::case::{Case, actions};
use crate::many::{crowd, from_stdin, left, outcomes};

const SOON: Duration = Duration::from_mins(1);

/// The forms of a list: its start, and the text before and after each ID.
const FORMS: [[&str; 3]; 3] = [
    ["", "", ""],
    ["AccessKeyId,UserName\n", "", ",Bob"],
    ["", "{\"AccessKeyId\":\"", "\",\"UserName\":\"Bob\"}"],
];

/// This number of lines, which repeat the keys in the same order.
fn list([start, before, after]: [&str; 3], lines: usize, keys: usize) -> String {
    (0..lines).fold(start.to_owned(), |list, line| {
        list + &format!("{before}AKIAAAAAAAAAA{:07}{after}\n", line % keys)
    })
}

/// The peak memory of a run in kilobytes, until it has read its list and calls STS for the account.
fn peak(list: &str) -> u64 {
    let (sandbox, _) = crowd(1);
    let wait = What::Delay(Duration::from_secs(5));
    sandbox.fault(Fault::new(wait).on("GetCallerIdentity").always());
    let case = Case::at(&sandbox, ["--expect-account", "999999999999", "--from"]);
    let path = case.path("list");
    let running = case.file("list", list).args([path]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    let peak = running.peak_memory();
    running.signal("INT");
    let _ = running
        .end()
        .exits(130)
        .prints_nothing()
        .says(&["interrupted"])
        .ends_with("no key was changed");
    peak
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn f84_a_million_lines_take_little_more_memory_than_a_thousand() {
    for form in FORMS {
        let thousand = peak(&list(form, 1_000, 1_000));
        let million = peak(&list(form, 1_000_000, 1_000_000));
        assert!(
            million < thousand + 10_000,
            "{thousand} kB, {million} kB {form:?}"
        );
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn c10_a_million_lines_that_repeat_keys_take_little_more_memory_than_a_thousand() {
    let thousand = peak(&list(FORMS[1], 1_000, 500));
    for keys in [500_000, 300_000, 1_000] {
        let million = peak(&list(FORMS[1], 1_000_000, keys));
        assert!(
            million < thousand + 10_000,
            "{thousand} kB, {million} kB: {keys} keys"
        );
    }
}

/// The lines are sorted in several pieces, and keys are repeated in all of them.
#[test]
fn c10_each_key_of_a_long_list_is_done_once() {
    let (sandbox, file) = crowd(20);
    let rows: Vec<&str> = file.lines().skip(1).collect();
    let repeated = (0..100_000).fold("AccessKeyId,UserName\n".to_owned(), |list, line| {
        list + rows[line % 20] + "\n"
    });
    let printed = from_stdin(&sandbox, &repeated, &[]).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 20)]);
    let _ = printed.prints(&output).says_exactly(
        "iam-del-key: note: 99980 repeated keys were ignored\n\
         result: 20 keys: 20 deleted\n",
    );
    assert_eq!(left(&sandbox, 20), 0);
    assert_eq!(actions(&sandbox), vec!["DeleteAccessKey"; 20]);
}

#[test]
fn c10_the_first_line_with_another_owner_is_named_for_a_long_list() {
    let (sandbox, _) = crowd(1);
    let mut list = list(FORMS[1], 100_000, 50_000);
    list.push_str("AKIAAAAAAAAAA0000007,Alice\nAKIAAAAAAAAAA0000003,\n");
    let _ = from_stdin(&sandbox, &list, &["--find-user"])
        .run()
        .exits(2)
        .prints_nothing()
        .says_exactly(
            "iam-del-key: error: standard input, line 100002, column 1: AKIAAAAAAAAAA0000007 has the owner Alice \
             here, but the owner Bob in line 9: a key has only one owner\n\
             hint: correct the line and run the same command again\n\
             result: no key was changed\n",
        );
    assert_eq!(sandbox.connections(), 0);
}

/// The format in which the AWS CLI prints the IDs of a large account with `--output text`.
#[test]
fn c39_ten_thousand_ids_in_one_line_are_read() {
    let (sandbox, _) = crowd(1);
    let ids: Vec<String> = (0..10_000)
        .map(|n| format!("AKIAAAAAAAAAA{n:07}"))
        .collect();
    let list = format!("{}\tAKIA?\n", ids.join("\t"));
    let _ = from_stdin(&sandbox, &list, &[])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["line 1, column 210001: several columns need a header"]);
    let list = format!("{}\tAKIA\n", ids.join("\t"));
    let _ = from_stdin(&sandbox, &list, &[])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["line 1, column 210001: `AKIA` is not an access key ID: it has 4 characters"])
        .within(SOON);
    assert_eq!(sandbox.connections(), 0);
}
