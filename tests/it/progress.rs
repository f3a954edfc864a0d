//! The progress bar: what it counts, and that it disappears when the run ends.

use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, always};
use crate::dialogue::Dialogue;
use crate::many::{crowd, left, outcomes};

/// A run over 40 keys on a terminal that is slow enough to watch.
fn watched() -> (Sandbox, Dialogue) {
    watched_under(&[])
}

/// The same, started by another program.
fn watched_under(wrapper: &[&str]) -> (Sandbox, Dialogue) {
    let (sandbox, list) = crowd(40);
    let delay = What::Delay(Duration::from_millis(150));
    sandbox.fault(Fault::new(delay).on("DeleteAccessKey").always());
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").times(2));
    let case = Case::at(&sandbox, ["--yes", "--jobs", "2", "--from"]).env("TERM", "xterm");
    let path = case.path("list.csv");
    let case = case.file("list.csv", &list).args([path]);
    (sandbox, Dialogue::start_under(case, wrapper))
}

/// The lines that remain on the screen.
fn left_on_screen(messages: &str) -> Vec<&str> {
    let lines = messages.lines();
    lines
        .map(|line| line.rsplit("\r\u{1b}[2K").next().unwrap_or_default())
        .collect()
}

/// Checks that no line on the screen still has this text.
fn is_gone_from_screen(messages: &str, text: &str) {
    let screen = left_on_screen(messages);
    assert!(!screen.iter().any(|line| line.contains(text)), "{screen:?}");
}

#[test]
fn a_bar_counts_keys_and_failures_and_is_gone_at_the_end() {
    let (sandbox, dialogue) = watched();
    let printed = dialogue
        .shows("/40 keys, 2 failed, ")
        .shows("/s, ")
        .shows(" s left")
        .end()
        .exits(12);
    let output = printed.output().to_owned();
    assert_eq!(
        outcomes(&output),
        [("Deleted".to_owned(), 38), ("Failed".to_owned(), 2)]
    );
    let said = printed.prints(&output);
    is_gone_from_screen(said.messages(), "/40");
    let screen = left_on_screen(said.messages());
    let summary = screen.last().expect("a summary");
    assert!(
        summary.ends_with("40 keys: 38 deleted, 2 failed and not changed"),
        "{summary:?}"
    );
    let _ = said.says(&["AccessDenied"]);
    assert_eq!(left(&sandbox, 40), 2);
}

#[test]
fn a_bar_is_removed_before_a_result_is_printed_on_the_same_terminal() {
    // There the system has another name for the same terminal.
    let script = "exec \"$0\" \"$@\" > /dev/tty";
    let (sandbox, dialogue) = watched_under(&["sh", "-c", script]);
    let said = dialogue.shows("/40 keys, 2 failed, ").end().exits(12);
    let said = said.prints_nothing();
    is_gone_from_screen(said.messages(), "/40");
    let screen = left_on_screen(said.messages());
    let results = screen.iter().filter(|line| line.starts_with("AKIA"));
    assert_eq!(results.count(), 40, "{screen:?}");
    let _ = said.says(&["AccessDenied"]);
    assert_eq!(left(&sandbox, 40), 2);
}

#[test]
fn a_bar_counts_keys_that_are_checked_before_the_question() {
    let (sandbox, list) = crowd(20);
    let delay = What::Delay(Duration::from_millis(300));
    sandbox.fault(Fault::new(delay).on("ListAccessKeys").always());
    let case = Case::at(&sandbox, ["--jobs", "2", "--from"]).env("TERM", "xterm");
    let path = case.path("list.csv");
    let said = Dialogue::start(case.file("list.csv", &list).args([path]))
        .shows("/20 keys checked, ")
        .shows("[y/N] ")
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    is_gone_from_screen(said.messages(), "/20");
    let (_, after) = said.messages().split_once("[y/N] ").expect("a question");
    assert!(!after.contains("/20"), "{after}");
    let _ = said.says(&["this run changed nothing"]);
}

/// A sandbox in which only the list of a user shows the owner of a key, and each list is slow.
fn searched() -> Sandbox {
    let sandbox = Sandbox::documented().many_keys(20, 1).start();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(always("GetAccessKeyLastUsed", denied));
    let delay = What::Delay(Duration::from_millis(500));
    sandbox.fault(always("ListAccessKeys", delay));
    sandbox
}

#[test]
fn the_search_for_the_owner_of_a_key_is_shown_and_gone_at_the_end() {
    let sandbox = searched();
    let args = ["--access-key-id", BOBS_KEY, "--find-user", "--dry-run"];
    let case = Case::at(&sandbox, args).args(["--jobs", "1"]);
    let printed = Dialogue::start(case.env("TERM", "xterm"))
        .shows("waiting until IAM's lists are up to date: ")
        .shows("reading the keys of all users, ")
        .shows("/23: ")
        .end()
        .exits(0);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    is_gone_from_screen(said.messages(), "all users,");
}

#[test]
fn the_search_for_the_owners_of_keys_is_shown_next_to_their_number() {
    let sandbox = searched();
    let case = Case::at(&sandbox, ["--find-user", "--dry-run", "--from"]).env("TERM", "xterm");
    let path = case.path("list.csv");
    let list = format!("{BOBS_KEY}\nAKIAIOSFODNN7EXAMPLE\n");
    let case = case
        .file("list.csv", &list)
        .args([path, "--jobs".into(), "2".into()]);
    let printed = Dialogue::start(case)
        .shows("0/2 keys, waiting until IAM's lists are up to date")
        .shows("0/2 keys, reading the keys of all users, ")
        .end()
        .exits(12);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    is_gone_from_screen(said.messages(), "all users,");
}

#[test]
fn the_search_for_the_owner_of_a_key_is_gone_after_a_signal() {
    let sandbox = searched();
    let args = ["--access-key-id", BOBS_KEY, "--find-user", "--yes"];
    let case = Case::at(&sandbox, args).args(["--jobs", "1"]);
    let said = Dialogue::start(case.env("TERM", "xterm"))
        .shows("reading the keys of all users, ")
        .signals("INT")
        .end()
        .exits(130);
    let output = said.output().to_owned();
    let said = said.prints(&output);
    let (_, after) = said
        .messages()
        .split_once("interrupted")
        .expect("an interruption");
    assert!(!after.contains("all users,"), "{after}");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_bar_is_gone_after_a_signal() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let (_sandbox, dialogue) = watched();
        let printed = dialogue
            .shows("/40 keys, 2 failed, ")
            .signals(signal)
            .end()
            .exits(status);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        is_gone_from_screen(said.messages(), "/40");
        let (_, after) = said
            .messages()
            .split_once("interrupted: ")
            .expect("an interruption");
        assert!(!after.contains("/40 keys"), "{after}");
        // Keys that were not tried do not count as done.
        assert!(!said.messages().contains(" 40/40 "));
        let _ = said.says(&["interrupted: no more keys are tried", "40 keys: "]);
    }
}
