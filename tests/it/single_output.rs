//! Standard output for one key that is deleted: by default one object on success and nothing otherwise, also on a terminal.
//! `--output` prints every result.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, documented};
use crate::streams::wait_for;
use crate::widths::{Terminal, run_on};

const SENTENCE: &str = "iam-del-key: note: deleted access key AKIDPMS9RO4H3FEXAMPLE of user Bob\n";

fn bob(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::documented(sandbox, more).with_default_output()
}

#[test]
fn a_deleted_key_prints_the_same_object_everywhere() {
    let sandbox = documented();
    let _ = bob(&sandbox, &[])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    for (terminal, shown, said) in [
        (Terminal::Output, DELETED.to_owned(), ""),
        (Terminal::Errors, DELETED.to_owned(), ""),
        (Terminal::Both, format!("{DELETED}{SENTENCE}"), ""),
    ] {
        let sandbox = documented();
        let ended = run_on(bob(&sandbox, &[]), terminal, 80);
        let _ = ended.exits(0).prints(&shown).says_exactly(said);
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_person_reads_one_sentence_with_the_key_and_its_owner() {
    let deleted = |sentence: &str| format!("{DELETED}{sentence}");
    let row = "ACCESS KEY ID          USER                                             OUTCOME\n\
               AKIDPMS9RO4H3FEXAMPLE  Bob                                              Deleted\n";
    for (more, shown) in [
        (&[][..], deleted(SENTENCE)),
        (&["--output", "json"], deleted(SENTENCE)),
        (&["--output", "off"], SENTENCE.to_owned()),
        (
            &["--query", "ResponseMetadata"],
            format!("{{}}\n{SENTENCE}"),
        ),
        (&["--quiet"], deleted("")),
        (&["--error-format", "json"], deleted("")),
        // The row has all fields.
        (&["--output", "table"], row.to_owned()),
        (
            &["--output", "text"],
            format!("{BOBS_KEY}\tBob\tDeleted\t\t\t\t\t\t\t\t\n"),
        ),
    ] {
        let sandbox = documented();
        let ended = run_on(bob(&sandbox, more), Terminal::Both, 80);
        let _ = ended.exits(0).prints(&shown).says_nothing();
    }
    // The owner is one that IAM named, or there is none.
    for (args, owner) in [
        (
            &["--access-key-id", ALICE_OLD_KEY_ID, "--find-user"][..],
            "user Alice",
        ),
        (
            &["--access-key-id", ADMIN_KEY_ID, "--allow-self"],
            "the calling user",
        ),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, args.iter().copied()).with_default_output();
        let key = args[1];
        let shown = deleted(&format!(
            "iam-del-key: note: deleted access key {key} of {owner}\n"
        ));
        let _ = run_on(case, Terminal::Both, 80)
            .exits(0)
            .prints(&shown)
            .says_nothing();
    }
}

#[test]
fn an_owner_that_was_looked_up_is_named_once() {
    let find = |sandbox: &Sandbox| {
        let args = ["--access-key-id", BOBS_KEY, "--find-user"];
        Case::at(sandbox, args).with_default_output()
    };
    let note = "iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE belongs to the user Bob\n";
    let sandbox = documented();
    let ended = find(&sandbox).run();
    let _ = ended.exits(0).prints(DELETED).says_exactly(note);
    // On a terminal, if the key is not deleted.
    let sandbox = documented();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").always());
    let printed = run_on(find(&sandbox), Terminal::Both, 80).exits(6);
    let output = printed.output();
    assert_eq!(output.matches(note).count(), 1, "{output}");
    assert!(output.starts_with(note), "{output}");
    // The owner is named once: in the result.
    let sandbox = documented();
    let ended = find(&sandbox).args(["--dry-run"]).run().exits(0);
    let output = ended.output().to_owned();
    assert!(output.contains("\"UserName\":\"Bob\""), "{output}");
    let _ = ended.prints(&output).says_exactly(&format!(
        "hint: Bob has another active key: iam-del-key --access-key-id {BOB_SECOND_KEY_ID} --user-name=Bob --dry-run\n\
         result: {BOBS_KEY}: not deleted: this was a dry run\n"
    ));
}

/// How a deletion fails, its exit status and its outcome.
fn failures() -> Vec<(Option<What>, &'static [&'static str], i32, &'static str)> {
    let error = |status, code: &'static str| Some(What::error(status, code, "no"));
    vec![
        (error(400, "Odd"), &[], 1, "Failed"),
        (error(400, "ValidationError"), &[], 2, "Failed"),
        (error(404, "NoSuchEntity"), &[], 3, "Failed"),
        (error(409, "LimitExceeded"), &[], 4, "Failed"),
        (error(403, "AccessDenied"), &[], 6, "Failed"),
        (error(403, "ExpiredToken"), &[], 7, "Failed"),
        (
            Some(What::SilenceBeforeActing),
            &["--timeout", "2"],
            10,
            "Unknown",
        ),
        (None, &["--unused-for", "900d"], 11, "Skipped"),
    ]
}

#[test]
fn a_key_that_is_not_deleted_prints_nothing() {
    for (what, more, status, outcome) in failures() {
        let sandbox = documented();
        if let Some(what) = what {
            sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        }
        for terminal in [None, Some(Terminal::Output)] {
            let case = bob(&sandbox, more);
            let ended = match terminal {
                Some(terminal) => run_on(case, terminal, 80),
                None => case.run(),
            };
            let said = ended.exits(status).prints_nothing();
            let _ = said.says(&["iam-del-key: error: "]);
        }
        // A query applies to what is printed.
        let ended = bob(&sandbox, more).args(["--query", "Outcome"]).run();
        let said = ended.exits(status).prints_nothing();
        let _ = said.says(&["iam-del-key: error: "]);
        // Programs read the error.
        let ended = bob(&sandbox, more).args(["--error-format", "json"]).run();
        let said = ended.exits(status).prints_nothing();
        let _ = said.says(&[&format!("\"ExitCode\":{status},")]);
        // An explicit format prints every result.
        for (format, expected) in [
            ("json", format!("\"Outcome\":\"{outcome}\"")),
            ("text", format!("\t{outcome}\t")),
            ("table", outcome.to_owned()),
        ] {
            let ended = bob(&sandbox, more).args(["--output", format]).run();
            let printed = ended.exits(status);
            let output = printed.output().to_owned();
            assert!(output.contains(&expected), "{format}: {output}");
            let _ = printed.prints(&output).says(&["iam-del-key: error: "]);
        }
        let ended = bob(&sandbox, more).args(["--output", "off"]).run();
        let said = ended.exits(status).prints_nothing();
        let _ = said.says(&["iam-del-key: error: "]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_key_that_signs_or_cannot_be_reached_prints_nothing() {
    let sandbox = documented();
    let args = ["--access-key-id", ADMIN_KEY_ID];
    let ended = Case::at(&sandbox, args).with_default_output().run();
    let _ = ended
        .exits(11)
        .prints_nothing()
        .says(&["lock yourself out"]);
    let nobody = "http://127.0.0.1:9";
    let ended = bob(&sandbox, &["--endpoint-url", nobody]).run();
    let _ = ended.exits(9).prints_nothing().says(&["could not reach"]);
}

#[test]
fn a_missing_key_that_may_be_missing_prints_its_object() {
    for terminal in [None, Some(Terminal::Output)] {
        let sandbox = documented();
        let case = || bob(&sandbox, &["--ignore-missing"]);
        let _ = case().run().exits(0).prints(DELETED).says_nothing();
        let ended = match terminal {
            Some(terminal) => run_on(case(), terminal, 80),
            None => case().run(),
        };
        let _ = ended
            .exits(0)
            .prints_outcome("Missing")
            .says(&["is missing, but"]);
    }
}

#[test]
fn a_key_that_was_deleted_before_a_signal_prints_nothing() {
    let sandbox = documented();
    let lost = What::SilenceAfterActing;
    sandbox.fault(Fault::new(lost).on("DeleteAccessKey").times(1));
    let running = bob(&sandbox, &[]).start();
    wait_for(|| !sandbox.has_key(BOBS_KEY));
    running.signal("TERM");
    let ended = running.end().exits(143).prints_nothing();
    let _ = ended.says(&["interrupted", "result: AKIDPMS9RO4H3FEXAMPLE: "]);
}

#[test]
fn other_runs_of_one_key_print_a_result_whatever_it_is() {
    for more in [
        &["--deactivate"][..],
        &["--deactivate", "--unused-for", "900d"],
        &["--dry-run"],
        &["--dry-run", "--unused-for", "900d"],
    ] {
        let sandbox = documented();
        let printed = bob(&sandbox, more).run().exits_with_one_of(&[0, 11]);
        assert_eq!(printed.object()["AccessKeyId"], BOBS_KEY);
        let case = bob(&sandbox, more).env("TERM", "dumb");
        let printed = run_on(case, Terminal::Output, 80).exits_with_one_of(&[0, 11]);
        let output = printed.output().to_owned();
        let rows: Vec<&str> = output.lines().collect();
        let (key, head) = (rows.last().expect("a row"), rows[rows.len() - 2]);
        assert!(key.starts_with(BOBS_KEY), "{output}");
        assert!(head.starts_with("ACCESS KEY ID"), "{output}");
    }
}

#[test]
fn a_query_on_a_terminal_prints_json() {
    let sandbox = documented();
    let case = bob(&sandbox, &["--dry-run", "--query", "[UserName, Outcome]"]);
    let ended = run_on(case, Terminal::Output, 80).exits(0);
    let _ = ended
        .prints("[\"Bob\",\"WouldDelete\"]\n")
        .says(&["this was a dry run"]);
}
