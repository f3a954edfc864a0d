//! Messages of a run with `--deactivate` about how to undo it.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Status, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::journal::Kept;
use crate::low_resources::{NO_ROOM_FOR_RESULTS, stand_in};
use crate::many::{crowd, from_stdin, rows};

/// The hint is a command that works later, whatever standard output was.
#[test]
fn f104_the_undo_hint_depends_on_what_was_saved() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n");
    // A few keys are named, in one command for each owner.
    let hints = ["Bob", "Alice"].map(|owner| {
        let id = if owner == "Bob" { BOBS_KEY } else { ALICE_KEY_ID };
        format!("hint: to undo it for {owner}: iam-del-key --access-key-id {id} --user-name={owner} --reactivate\n")
    });
    let cases = [
        &[][..],
        &["--output", "text"],
        &["--output", "table"],
        &["--output", "off"],
        &["--query", "Outcome"],
    ];
    each(cases, |more| {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, &list, &["--deactivate"])
            .args(more)
            .run()
            .exits(0);
        let _ = printed.prints_anything().says(&[
            &hints[0],
            &hints[1],
            "result: 2 keys: 2 deactivated\n",
        ]);
    });
    // One command is enough for one owner, or if owners are looked up.
    let bobs = [BOBS_KEY, BOB_SECOND_KEY_ID];
    let two = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let ids = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    let one = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    let cases = [
        (
            &two,
            &["--output", "text"][..],
            &bobs[..],
            "--user-name=Bob",
        ),
        (&two, &["--output", "table"], &bobs, "--user-name=Bob"),
        (
            &ids,
            &["--output", "text", "--find-user"],
            &[BOBS_KEY, ALICE_KEY_ID],
            "--find-user",
        ),
        (&one, &["--output", "text"], &bobs[..1], "--user-name=Bob"),
        (&one, &[], &bobs[..1], "--user-name=Bob"),
    ];
    each(cases, |(list, more, keys, owner)| {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, list, &["--deactivate", "--jobs", "1"])
            .args(more)
            .run()
            .exits(0);
        let keys = keys.join(" --access-key-id ");
        let arguments = format!("--access-key-id {keys} {owner} --reactivate");
        let _ = printed
            .prints_anything()
            .says(&[&format!("hint: to undo it: iam-del-key {arguments}\n")]);
        let undo = Case::at(&sandbox, arguments.split(' ')).args(["--yes", "--output", "text"]);
        let printed = undo.run().exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains("\tReactivated\t"), "{output}");
        let _ = printed.prints(&output);
        assert!(
            bobs.iter()
                .all(|id| sandbox.key(id).expect("a key").status == Status::Active)
        );
    });
    // The previous status of these keys is unknown, so their results undo nothing.
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    let printed = from_stdin(&sandbox, &list, &["--deactivate", "--jobs", "1"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&[&hints
        .concat()
        .replace("for Bob:", "for Bob, if the key was active before:")
        .replace("for Alice:", "for Alice, if the key was active before:")]);
    let object: Vec<Value> = rows(&output);
    assert!(object.iter().all(|row| row.get("PreviousStatus").is_none()));
}

/// Six keys are too many for one command.
#[test]
fn f104_the_undo_hint_for_a_long_run_depends_on_what_was_saved() {
    let cases = [
        (
            &[][..],
            &[
                "hint: if you saved the standard output in FILE, to reactivate the keys that it records as changed from Active to \
                 Inactive: iam-del-key --from FILE --reactivate\n",
            ][..],
        ),
        (
            &["--output", "text", "--find-user"],
            &[
                "hint: to undo it, add --access-key-id with the ID of each deactivated key to this command: iam-del-key \
                 --find-user --reactivate\n",
            ],
        ),
        (
            &["--output", "off", "--find-user"],
            &[
                "hint: no output says which keys were deactivated, but the list has their IDs; next time, --journal FILE records \
                 them\n",
                "hint: to undo it, add --access-key-id with the ID of each deactivated key to this command: iam-del-key \
                 --find-user --reactivate\n",
            ],
        ),
        (
            &["--query", "Outcome", "--find-user"],
            &[
                "hint: with --query, the output may not say which keys were deactivated, but the list has their IDs; next time, \
                 --journal FILE records them\n",
                "hint: to undo it, add --access-key-id with the ID of each deactivated key to this command: iam-del-key \
                 --find-user --reactivate\n",
            ],
        ),
    ];
    each(cases, |(more, says)| {
        let (sandbox, many) = crowd(6);
        let case = from_stdin(&sandbox, &many, &["--deactivate"]);
        let printed = case.args(more).run().exits(0);
        let _ = printed.prints_anything().says(says);
    });
}

/// Reactivating a whole list would also reactivate keys that others made inactive.
#[test]
fn f104_a_list_with_other_keys_does_not_say_which_were_deactivated() {
    let lacks = [
        (
            &["--output", "off"],
            "no output says which keys were deactivated",
        ),
        (
            &["--query", "Outcome"],
            "with --query, the output may not say which keys were deactivated",
        ),
    ];
    let missing = "AKIAQQQQQQQQQQQQQQQQ,user-000001\n";
    let cases = [
        (2, "", 0, "keys that were inactive before"),
        (2, missing, 12, "keys that were inactive before"),
        (
            0,
            missing,
            12,
            "other keys, which may have been inactive before",
        ),
    ];
    each(lacks, |(more, lack)| {
        for (inactive, rest, status, others) in cases {
            let (sandbox, list) = crowd(8);
            for n in 0..inactive {
                sandbox.set_status(&nth_key_id("123456789012", n), Status::Inactive);
            }
            let case = from_stdin(&sandbox, &(list + rest), &["--deactivate", "--find-user"]);
            let printed = case.args(more).run().exits(status);
            let _ = printed.prints_anything().says(&[&format!(
                "hint: {lack}, and the list also has {others}: do not reactivate those; next time, --journal FILE records the \
                 deactivated keys\n\
                 hint: to undo it, add --access-key-id with the ID of each deactivated key to this command: iam-del-key \
                 --find-user --reactivate\n"
            )]);
        }
    });
}

/// If standard output is a file, the hint names it, unless the file had content before, which may not be a list to undo.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn f104_results_in_a_file_undo_the_run_with_one_command() {
    for to in [">", ">>"] {
        let (sandbox, list) = crowd(6);
        let case = from_stdin(&sandbox, &list, &["--deactivate"]);
        let home = case.path("");
        let script = format!(
            "cd '{}' && exec \"$0\" \"$@\" {to} done.jsonl",
            home.display()
        );
        let ended = case
            .start_under(Some(&["sh", "-c", &script]))
            .end_keeping(|folder| {
                let kept = folder.join("home/done.jsonl");
                let undo = Case::at(&sandbox, ["--yes", "--reactivate", "--from"]).args([kept]);
                let printed = undo.run().exits(0);
                let _ = printed
                    .prints_outcomes(&[("Reactivated", 6)])
                    .says_exactly("result: 6 keys: 6 reactivated\n");
            });
        let _ = ended.exits(0).prints_nothing().says_exactly(
            "hint: to reactivate the keys that the file with these results records as changed from Active to Inactive: \
             iam-del-key --from done.jsonl --reactivate\n\
             result: 6 keys: 6 deactivated\n",
        );
    }
    let (sandbox, list) = crowd(6);
    let case = from_stdin(&sandbox, &list, &["--deactivate"]);
    let script = format!(
        "cd '{}' && printf other > done.jsonl && exec \"$0\" \"$@\" >> done.jsonl",
        case.path("").display()
    );
    let ended = case
        .start_under(Some(&["sh", "-c", &script]))
        .end_keeping(|folder| {
            let text = std::fs::read_to_string(folder.join("home/done.jsonl")).expect("a file");
            let copy = text.trim_start_matches("other");
            let undo = from_stdin(&sandbox, copy, &["--yes", "--reactivate"]);
            let printed = undo.run().exits(0);
            let _ = printed
                .prints_outcomes(&[("Reactivated", 6)])
                .says_exactly("result: 6 keys: 6 reactivated\n");
        });
    let _ = ended.exits(0).prints_nothing().says_exactly(
        "hint: copy the results of this run, without what was in the file before, to a new FILE; to reactivate the keys that it \
         records as changed from Active to Inactive: iam-del-key --from FILE --reactivate\n\
         result: 6 keys: 6 deactivated\n",
    );
}

/// A file that also has the messages is not a list, so the hint does not name it.
#[test]
fn f104_results_among_messages_are_not_a_list_to_undo() {
    let (sandbox, list) = crowd(6);
    let case = from_stdin(&sandbox, &list, &["--deactivate"]);
    let home = case.path("");
    let script = format!(
        "cd '{}' && exec \"$0\" \"$@\" > all.log 2>&1",
        home.display()
    );
    let ended = case
        .start_under(Some(&["sh", "-c", &script]))
        .end_keeping(|folder| {
            let text = std::fs::read_to_string(folder.join("home/all.log")).expect("a file");
            assert!(
                text.contains(
                    "hint: to undo it, add --access-key-id with the ID of each deactivated key"
                ),
                "{text}"
            );
            assert!(!text.contains("--from"), "{text}");
        });
    let _ = ended.exits(0).prints_nothing();
}

/// No file has a key whose result could not be recorded, so it is reactivated by its ID.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f104_the_undo_hint_says_which_keys_the_journal_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), NO_ROOM_FOR_RESULTS);
    let (sandbox, list) = crowd(3);
    let kept = Kept::new(&list);
    let case = kept.case(&sandbox, &["--jobs", "1", "--deactivate"]);
    let said = case
        .env("LD_PRELOAD", &library)
        .run()
        .exits(1)
        .prints_outcomes(&[("NotTried", 2)]);
    let journal = kept.path();
    let (unrecorded, left_out) = (
        "deactivated, but the journal may not record it; if it does not, the next run with this journal verifies and reports it",
        "this leaves out keys that the journal may not record; to reactivate them, if the key was active before",
    );
    let id = nth_key_id("123456789012", 0);
    let _ = said.says(&[
        unrecorded,
        &format!(
            "hint: to reactivate the keys that the journal records as changed from Active to Inactive: iam-del-key --from {} \
             --reactivate\n\
             hint: {left_out}: iam-del-key --access-key-id {id} --user-name=user-000001 --reactivate\n\
             result: 3 keys: 1 deactivated, 2 not tried\n",
            journal.display()
        ),
    ]);
    let undo = Case::at(&sandbox, ["--reactivate", "--yes", "--from"]).args([&journal]);
    let _ = undo.run().exits(10).prints_outcomes(&[("Unknown", 1)]);
    let undo = ["--access-key-id", &id, "--user-name=user-000001"];
    let undo = Case::at(&sandbox, undo).args(["--reactivate", "--yes"]);
    let _ = undo.run().exits(0).prints_outcome("Reactivated");
}

/// A later run cannot read the status, but the journal says which keys were inactive before the first run.
#[test]
fn a_key_that_the_journal_calls_inactive_is_not_in_the_command_that_undoes_a_later_run() {
    let undo = format!(
        "hint: to undo it, if the key was active before: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate\n"
    );
    let bobs = format!("{BOBS_KEY},Bob\n");
    let cases = [(bobs.as_str(), undo.as_str(), 2), ("", "", 1)];
    each(cases, |(bobs, hint, keys)| {
        let sandbox = documented();
        sandbox.set_status(ALICE_KEY_ID, Status::Inactive);
        let kept = Kept::new(&format!(
            "AccessKeyId,UserName\n{bobs}{ALICE_KEY_ID},Alice\n"
        ));
        let deactivate = || kept.case(&sandbox, &["--deactivate"]).run().exits(0);
        let _ = deactivate()
            .prints_anything()
            .says(&["1 already inactive\n"]);
        sandbox.deny("iam:ListAccessKeys");
        // The same holds for the third run.
        for _ in 0..2 {
            let said = deactivate().prints_outcomes(&[("Deactivated", keys)]);
            let plural = if keys == 1 { "key" } else { "keys" };
            let _ = said.says_exactly(&format!(
                "{hint}result: {keys} {plural}: {keys} deactivated\n"
            ));
        }
    });
}
