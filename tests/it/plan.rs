//! Output that is read again: a plan is applied, and the rest of a run is done.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::many::{from_stdin, outcomes, rows};

/// The hint for a run that would end at the same key.
const FIRST: &str = "fix the error or omit --fail-fast, and then ";

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
        .says(&["result: "])
        .ends_with("this was a dry run");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    let applied = from_stdin(&sandbox, &output, &["--unused-for", "30d"])
        .run()
        .exits(0);
    assert_eq!(outcomes(applied.output()), [("Deleted".to_owned(), 1)]);
    let applied_output = applied.output().to_owned();
    let _ = applied.prints(&applied_output).says_exactly(
        "iam-del-key: note: 2 lines were skipped: nothing left to do\nresult: 1 key: 1 deleted\n",
    );
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
        .says_exactly("result: 2 keys: 2 would be deactivated; this was a dry run\n");
    let _ = from_stdin(&sandbox, &output, &[])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&[
            "line 1",
            "is planned to be deactivated, but this command deletes\n",
            "hint: add --deactivate, or make a new plan\n",
        ])
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
fn keys_that_were_to_be_deactivated_are_never_deleted_from_the_results() {
    let sandbox = documented();
    sandbox.deny("iam:UpdateAccessKey");
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let failed = from_stdin(
        &sandbox,
        &list,
        &["--deactivate", "--jobs", "1", "--fail-fast"],
    )
    .run()
    .exits(6);
    let output = failed.output().to_owned();
    let _ = failed
        .prints(&output)
        .says(&["AccessDenied"])
        .ends_with("2 keys: 1 failed and not changed, 1 not tried");
    for row in rows(&output) {
        assert_eq!(row["Action"], "deactivate");
    }
    let csv = format!("AccessKeyId,UserName,Action\n{BOBS_KEY},Bob,deactivate\n");
    for list in [&output, &csv] {
        let _ = from_stdin(&sandbox, list, &[])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["was to be deactivated, but this command deletes"])
            .ends_with("no key was changed");
    }
    // Deactivated keys are not omitted either: a list for a deletion should be deleted.
    let done = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deactivated\"}}\n");
    let _ = from_stdin(&sandbox, &done, &[])
        .run()
        .exits(2)
        .prints_nothing()
        .says_exactly(
            "iam-del-key: error: standard input, line 1, column 1: AKIDPMS9RO4H3FEXAMPLE was deactivated, but this \
             command deletes\n\
             hint: to undo the deactivation, use --reactivate; to delete these keys, run the same command with --from - \
             --only-inactive, and pipe this into it: jq -c '.. | objects | select(.Outcome == \"Deactivated\") | \
             del(.Outcome)' FILE\n\
             result: no key was changed\n",
        );
    let _ = from_stdin(&sandbox, &done, &["--deactivate"])
        .run()
        .exits(0)
        .prints_nothing()
        .says(&["1 line was skipped"])
        .ends_with("nothing to do: the list has no keys to change");
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
}

/// `>> results.jsonl` after each run.
#[test]
fn the_last_line_of_a_key_counts_in_the_results_of_several_runs() {
    let row = |id: &str, outcome: &str| {
        format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}\n")
    };
    let other = "{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"UserName\":\"Alice\",\"Outcome\":";
    for (runs, is_left) in [
        (row(BOBS_KEY, "NotTried") + &row(BOBS_KEY, "Skipped"), true),
        (row(BOBS_KEY, "Failed") + &row(BOBS_KEY, "Deleted"), true),
        (
            row(BOBS_KEY, "WouldDelete") + &row(BOBS_KEY, "Refused"),
            true,
        ),
        (
            row(BOBS_KEY, "Skipped") + &row(BOBS_KEY, "WouldDelete"),
            false,
        ),
        (
            format!("{other}\"Missing\"}}\n{}", row(BOBS_KEY, "WouldDelete")),
            false,
        ),
        (
            row(BOBS_KEY, "Skipped").repeat(2) + &row(BOBS_KEY, "NotTried"),
            false,
        ),
        (
            row(BOBS_KEY, "Failed").repeat(2) + &row(BOBS_KEY, "Deleted"),
            true,
        ),
    ] {
        let sandbox = documented();
        let list = row(BOB_SECOND_KEY_ID, "Failed") + &runs;
        let skipped = list.lines().count() - if is_left { 1 } else { 2 };
        let said = from_stdin(&sandbox, &list, &[]).run().exits(0);
        let deleted = if is_left { 1 } else { 2 };
        let expected = [("Deleted".to_owned(), deleted)];
        assert_eq!(outcomes(said.output()), expected, "{list}");
        let output = said.output().to_owned();
        let (lines, superseded) = if skipped == 1 {
            ("line was", "a later line of its key counts")
        } else {
            ("lines were", "later lines of their keys count")
        };
        let why = if is_left {
            "nothing left to do"
        } else {
            superseded
        };
        let (keys, key) = if deleted == 1 {
            ("1 key", 1)
        } else {
            ("2 keys", 2)
        };
        let _ = said.prints(&output).says_exactly(&format!(
            "iam-del-key: note: {skipped} {lines} skipped: {why}\n\
             result: {keys}: {key} deleted\n"
        ));
        assert_eq!(sandbox.has_key(BOBS_KEY), is_left, "{list}");
    }
}

#[test]
fn the_hint_for_the_rest_depends_on_what_was_printed() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    for (more, rest) in [
        // The reader of a pipe may not save the results.
        (
            &[][..],
            "run the same command again with --ignore-missing\n",
        ),
        (
            &["--output", "text"],
            "run the same command again with --ignore-missing",
        ),
        (
            &["--output", "table"],
            "run the same command again with --ignore-missing",
        ),
        (
            &["--output", "off"],
            "run the same command again with --ignore-missing",
        ),
        (
            &["--query", "Outcome"],
            "run the same command again with --ignore-missing",
        ),
        (
            &["--output", "text", "--ignore-missing"],
            "run the same command again\n",
        ),
    ] {
        let sandbox = documented();
        sandbox.deny("iam:DeleteAccessKey");
        let printed = from_stdin(&sandbox, &list, &["--jobs", "1", "--fail-fast"])
            .args(more.iter().copied())
            .run()
            .exits(6);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&[&format!("to continue, {FIRST}{rest}")])
            .ends_with("2 keys: 1 failed and not changed, 1 not tried");
        assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    }
}

#[test]
fn the_hint_for_the_rest_names_the_file_with_the_results() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let sandbox = documented();
    sandbox.deny("iam:DeleteAccessKey");
    let case = from_stdin(&sandbox, &list, &["--jobs", "1", "--fail-fast"]);
    let folder = case.path("");
    let into = |file: &str| format!("cd '{}' && exec \"$0\" \"$@\" > {file}", folder.display());
    let _ = case
        .start_under(Some(&["sh", "-c", &into("results.jsonl")]))
        .end()
        .exits(6)
        .prints_nothing()
        .says(&[&format!(
            "hint: to continue, {FIRST}run the same command with the file with these results as --from instead of the list, keep \
             all other options, and write the new results to another file; finished keys are skipped\n",
        )]);
    // A file that had content before may not be a list.
    let case = from_stdin(&sandbox, &list, &["--jobs", "1", "--fail-fast"]);
    let folder = case.path("");
    let after = format!(
        "cd '{}' && echo other > mixed && exec \"$0\" \"$@\" >> mixed",
        folder.display()
    );
    let _ = case
        .start_under(Some(&["sh", "-c", &after]))
        .end()
        .exits(6)
        .prints_nothing()
        .says(&[&format!(
            "hint: to continue, {FIRST}run the same command again with --ignore-missing\n"
        )]);
    // These results are not saved anywhere.
    let case = from_stdin(&sandbox, &list, &["--jobs", "1", "--fail-fast"]);
    let _ = case
        .start_under(Some(&["sh", "-c", "exec \"$0\" \"$@\" > /dev/null"]))
        .end()
        .exits(6)
        .prints_nothing()
        .says(&[&format!(
            "hint: to continue, {FIRST}run the same command again with --ignore-missing\n"
        )]);
}

/// The keys that were not tried were not checked either, so only the options of the run exclude keys again.
#[test]
fn the_rest_is_done_with_all_options_of_the_run() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let named = [
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        BOB_SECOND_KEY_ID,
    ];
    let sandbox = documented();
    sandbox.deny("iam:DeleteAccessKey");
    for (args, hint) in [
        (
            &["--from", "-"][..],
            "run the same command with the file with these results as --from instead of the list, keep all other options, ",
        ),
        (
            &[&named[..], &["--user-name", "Bob"]].concat(),
            "run the same command with the file with these results as --from instead of --access-key-id, keep all other \
             options, ",
        ),
        (
            &["--user-name", "Bob", "--all-keys", "--yes"],
            "run the same command again, and write the new results to another file\n",
        ),
    ] {
        let case = Case::at(&sandbox, args.iter().copied()).input(list.as_bytes());
        let case = case.args(["--jobs", "1", "--fail-fast", "--older-than", "1d"]);
        let folder = case.path("");
        let script = format!(
            "cd '{}' && exec \"$0\" \"$@\" > results.jsonl",
            folder.display()
        );
        let _ = case
            .start_under(Some(&["sh", "-c", &script]))
            .end()
            .exits(6)
            .prints_nothing()
            .says(&[&format!("hint: to continue, {FIRST}{hint}")]);
    }
}

#[test]
fn a_command_that_lists_the_keys_again_needs_no_ignore_missing() {
    let again = format!("hint: to continue, {FIRST}run the same command again");
    let inactive = "; keys that are already inactive are skipped";
    let named = [
        "--access-key-id",
        BOBS_KEY,
        "--access-key-id",
        BOB_SECOND_KEY_ID,
    ];
    for (selection, more, end) in [
        (&["--all-keys", "--yes"][..], &[][..], ""),
        (&["--all-keys", "--yes"], &["--deactivate"], inactive),
        (&named, &["--deactivate"], inactive),
        (&named, &[], " with --ignore-missing"),
    ] {
        let sandbox = documented();
        sandbox.deny("iam:DeleteAccessKey");
        sandbox.deny("iam:UpdateAccessKey");
        let case = Case::at(&sandbox, ["--user-name", "Bob", "--jobs", "1"]);
        let printed = case
            .args(["--fail-fast", "--output", "off"])
            .args(selection.iter().chain(more).copied())
            .run()
            .exits(6);
        let _ = printed.prints_nothing().says(&[&format!("{again}{end}\n")]);
    }
}

/// The same command keeps its conditions, guards and account.
#[test]
fn a_deactivated_key_is_deleted_by_the_same_command_with_the_output_of_the_one_that_is_printed() {
    let sandbox = documented();
    let done = format!(
        "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"Deactivated\"}}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    for (name, printed) in [("d 1.jsonl", "'d 1.jsonl'"), ("-d", "./-d")] {
        std::fs::write(folder.path().join(name), &done).expect("a list");
        let there = ["env", "-C", folder.path().to_str().expect("a path")];
        let _ = Case::at(&sandbox, [&format!("--from={name}"), "--region", "us-east-1"])
            .start_under(Some(&there))
            .end()
            .exits(2)
            .prints_nothing()
            .says(&[&format!(
                "run the same command with --from - --only-inactive, and pipe this into it: jq -c '.. | objects | \
                 select(.Outcome == \"Deactivated\") | del(.Outcome)' < {printed}\n"
            )])
            .ends_with("no key was changed");
    }
    // The command would find no key in this output.
    let csv = format!("AccessKeyId,UserName,Outcome\n{BOBS_KEY},Bob,Deactivated\n");
    for list in [csv, done.replace("Outcome", "outcome")] {
        let printed = from_stdin(&sandbox, &list, &[]).run().exits(2);
        let _ = printed
            .prints_nothing()
            .says(&["\nhint: to delete these keys, remove their Outcome and add --only-inactive\nresult: "])
            .ends_with("no key was changed");
    }
}
