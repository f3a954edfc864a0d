//! The question before a list is processed. It is asked if standard error is a terminal, and answered on that terminal, since
//! standard input may be the list.

use std::time::Duration;

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, What};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::many::{crowd, from_stdin, outcomes};

const ASKED: &str = "Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ";

fn list() -> String {
    format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n")
}

/// A run on a terminal whose list is in a file.
fn from_file(case: Case, more: &[&str]) -> Case {
    let path = case.path("list.csv");
    let case = case.file("list.csv", list()).args(["--from"]).args([path]);
    case.args(more)
}

#[test]
fn f64_a_list_needs_confirmation_on_a_terminal() {
    let deleted = [("Deleted".to_owned(), 2)];
    let declined = "iam-del-key: error: not confirmed: this run changed nothing\n";
    for (answer, status, expected, says) in [
        ("y\n", 0, &deleted[..], "result: 2 keys: 2 deleted\n"),
        ("n\n", 11, &[], declined),
    ] {
        let sandbox = documented();
        let case = from_file(Case::at(&sandbox, ["--jobs", "1"]), &[]);
        let printed = Dialogue::start(case)
            .shows(ASKED)
            .types(answer.as_bytes())
            .end()
            .exits(status);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), expected);
        let said = printed.prints(&output);
        // One sentence covers all keys.
        assert!(said.messages().ends_with(says), "{}", said.messages());
        assert_eq!(said.messages().contains("result: "), status == 0);
        let _ = said.says(&[BOBS_KEY, "[y/N]"]);
        assert_eq!(sandbox.has_key(BOBS_KEY), status == 11);
    }
}

#[test]
fn the_keys_are_shown_in_the_order_of_the_list() {
    let (sandbox, list) = crowd(20);
    // The first key is read last.
    let slow = Fault::new(What::Delay(Duration::from_secs(1)));
    sandbox.fault(slow.on("ListAccessKeys").times(1));
    let case = Case::at(&sandbox, ["--jobs", "4"]);
    let path = case.path("list.csv");
    let case = case.file("list.csv", &list).args(["--from"]).args([path]);
    let said = Dialogue::start(case)
        .shows("[y/N] ")
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    let ids = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("AKIA"));
        lines.map(|line| line[..20].to_owned()).collect()
    };
    assert_eq!(ids(said.messages()), ids(&list));
    let _ = said.says(&["[y/N] "]);
}

#[test]
fn answering_no_exits_11_and_prints_the_errors_of_other_keys() {
    let sandbox = documented();
    let gone = "AKIAQQQQQQQQQQQQQQQQ,Bob\n";
    for (more, gone, says, counts) in [
        (
            &[][..],
            gone,
            "AKIAQQQQQQQQQQQQQQQQ: not deleted: IAM lists no such key for the user Bob\n",
            "3 keys: 2 refused, 1 failed and not changed",
        ),
        (
            &["--older-than", "30d"],
            "",
            "not confirmed: this run changed nothing\n",
            "2 keys: 1 skipped, 1 refused",
        ),
    ] {
        let case = Case::at(&sandbox, ["--jobs", "1"]);
        let path = case.path("list.csv");
        let case = case
            .file("list.csv", list() + gone)
            .args(["--from"])
            .args([path]);
        let printed = Dialogue::start(case.args(more))
            .shows("[y/N] ")
            .types(b"n\n")
            .end()
            .exits(11);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(&[says]).ends_with(counts);
    }
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f64_a_list_on_standard_input_is_confirmed_on_the_terminal() {
    for (more, asked) in [
        (&[][..], true),
        (&["--interactive"], true),
        (&["--yes"], false),
        (&["--dry-run"], false),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--from", "-"]).args(more);
        let path = case.path("list.csv");
        let case = case.file("list.csv", list());
        let script = format!("exec \"$0\" \"$@\" < '{}'", path.display());
        let dialogue = Dialogue::start_under(case, &["sh", "-c", &script]);
        let dialogue = if asked {
            dialogue.shows(ASKED).types(b"yes\n")
        } else {
            dialogue
        };
        let printed = dialogue.end().exits(0);
        let output = printed.output().to_owned();
        let is_dry = more == ["--dry-run"];
        let outcome = if is_dry { "WouldDelete" } else { "Deleted" };
        assert_eq!(outcomes(&output), [(outcome.to_owned(), 2)], "{more:?}");
        let said = printed.prints(&output);
        assert_eq!(said.messages().contains("[y/N]"), asked, "{more:?}");
        let _ = said.says(&["result: 2 keys: "]);
        assert_eq!(sandbox.has_key(BOBS_KEY), is_dry);
    }
}

#[test]
fn f64_standard_input_does_not_answer_the_question() {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--user-name", "Bob", "--all-keys"]);
    let script = "yes | \"$0\" \"$@\"; exit $?";
    let printed = Dialogue::start_under(case, &["sh", "-c", script])
        .shows(ASKED)
        .types(b"n\n")
        .end()
        .exits(11);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["[y/N]"]);
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn f64_without_a_terminal_a_list_needs_no_confirmation() {
    // Standard error is not a terminal.
    let sandbox = documented();
    let case = from_file(Case::at(&sandbox, ["--jobs", "1"]), &[]);
    let script = "exec \"$0\" \"$@\" 2>/dev/null";
    let said = Dialogue::start_under(case, &["sh", "-c", script]).end();
    let printed = said.exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 2)]);
    let _ = printed.prints(&output).says_nothing();
    assert_eq!(actions(&sandbox), ["DeleteAccessKey", "DeleteAccessKey"]);

    // Standard error is a terminal, but not the terminal of the process.
    let sandbox = documented();
    let case = from_file(Case::at(&sandbox, ["--jobs", "1"]), &[]);
    let printed = Dialogue::start_under(case, &["setsid", "--wait"])
        .end()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 2)]);
    let said = printed.prints(&output);
    assert!(!said.messages().contains("[y/N]"));
    let _ = said.says_exactly("result: 2 keys: 2 deleted\n");

    // The process has no terminal.
    let sandbox = documented();
    let printed = from_stdin(&sandbox, &list(), &[]).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 2 keys: 2 deleted\n");
}

#[test]
fn f64_json_errors_require_yes_if_a_question_would_be_asked() {
    let sandbox = documented();
    let json = ["--error-format", "json"];
    let yes = "--error-format json requires --yes here, because no question can be asked";
    let interactive = "--interactive cannot ask a question with --error-format json";
    for (case, sentence) in [
        (from_file(Case::at(&sandbox, json), &[]), yes),
        (from_file(Case::at(&sandbox, json), &["-i"]), interactive),
        (
            Case::at(&sandbox, json).args(["--user-name", "Bob", "--all-keys"]),
            yes,
        ),
        (
            Case::at(&sandbox, json).args(["--whole-account", "--only-inactive"]),
            yes,
        ),
        (
            Case::documented(&sandbox, &["-i", "--error-format", "json"]),
            interactive,
        ),
    ] {
        let said = Dialogue::start(case).end().exits(2).prints_nothing();
        assert!(!said.messages().contains("[y/N]"));
        let _ = said.says(&[&format!("\"Message\":\"{sentence}\""), "--dry-run"]);
        assert_eq!(sandbox.connections(), 0);
    }
    // On a terminal, nothing but --yes is required.
    for case in [
        from_file(Case::at(&sandbox, json), &["--yes"]),
        Case::at(&sandbox, json).args(["--whole-account", "--only-inactive", "--yes"]),
    ] {
        let printed = Dialogue::start(case).end().exits(0);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(&["\"Result\""]);
    }
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f64_a_list_without_matching_keys_needs_no_confirmation() {
    let sandbox = documented();
    let more = ["--older-than", "9000d"];
    let case = from_file(Case::at(&sandbox, more), &[]);
    let printed = Dialogue::start(case).end().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Skipped".to_owned(), 2)]);
    let said = printed.prints(&output);
    assert!(!said.messages().contains("[y/N]"));
    let _ = said.says_exactly("result: 2 keys: 2 skipped\n");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_sweep_says_that_root_user_keys_are_not_included() {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--whole-account", "--only-inactive"]);
    let printed = Dialogue::start(case)
        .shows(
            "Delete this key in account 123456789012? Root user keys are not included. It cannot be undone. [y/N] ",
        )
        .types(b"y\n")
        .end()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["result: 1 key: 1 deleted; root user keys are not included\n"]);
    // On a terminal, --yes alone is enough.
    let case = Case::at(&sandbox, ["--whole-account", "--only-inactive", "--yes"]);
    let _ = Dialogue::start(case)
        .end()
        .exits(0)
        .prints_nothing()
        .says(&[
            "waiting until IAM's lists are up to date: ",
            "iam-del-key: note: 4 keys of 3 users checked\n\
             result: nothing to do: 4 keys were checked, and none meets the conditions; root user keys are not \
             included\n",
        ]);
    // A dry run needs no --yes either.
    let planned = Case::at(&sandbox, ["--whole-account", "--older-than", "1d", "-n"])
        .run()
        .exits(0);
    let output = planned.output().to_owned();
    let _ = planned
        .prints(&output)
        .says(&["; this was a dry run; root user keys are not included\n"]);
    let printed = Case::bare(["--help"]).run().exits(0);
    let help = printed.output().to_owned();
    let _ = printed.prints(&help).says_nothing();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Root user keys are not included"), "{help}");
}
