//! Long lists: memory stays flat, however many lines there are and however often a key is repeated.

use std::time::Duration;

use iam_sandbox::{Fault, What};

use crate::case::Case;
use crate::many::crowd;

const SOON: Duration = Duration::from_mins(1);

/// The forms of a list: its start, and the text before and after each ID.
const FORMS: [[&str; 3]; 3] = [
    ["", "", ""],
    ["AccessKeyId,UserName\n", "", ",Bob"],
    ["", "{\"AccessKeyId\":\"", "\",\"UserName\":\"Bob\"}"],
];

/// So many lines that name the keys again and again, in the same order.
fn list([start, before, after]: [&str; 3], lines: usize, keys: usize) -> String {
    (0..lines).fold(start.to_owned(), |list, line| {
        list + &format!("{before}AKIAAAAAAAAAA{:07}{after}\n", line % keys)
    })
}

/// The most memory that a run took, in kilobytes, until it has read its list and asks for the account.
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
