//! Changes that `--reactivate` does not undo: those that somebody else may have made, and contradictory ones.

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, actions, always, documented, each, faulty};
use crate::journal::{ACCOUNT, Kept};
use crate::many::{crowd, from_stdin, rows};
use crate::reactivate::{inactive, reactivate, status};
use crate::streams::wait_for;
use crate::undo::{CHANGED, row, undo};

const HEAD: &str = "{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":\"123456789012\"}\n";
pub(crate) const INTENT: &str =
    "\"Intent\":\"deactivate\",\"Status\":\"Active\",\"PreviousStatus\":\"Active\"";

/// The run was killed before its request was sent, and then a person deactivated the key.
#[test]
fn f104_a_deactivation_that_is_only_inferred_is_not_undone() {
    let sandbox = inactive();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("done.jsonl");
    std::fs::write(&path, HEAD.to_owned() + &row(BOBS_KEY, INTENT)).expect("a journal");
    let list = format!("{BOBS_KEY}\n{BOB_SECOND_KEY_ID}\n");
    let printed = from_stdin(&sandbox, &list, &["--user-name", "Bob", "--deactivate"])
        .args(["--journal"])
        .args([&path])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[&format!("warning: {BOBS_KEY} is presumed deactivated")]);
    let cases = [
        undo(&sandbox, &path),
        from_stdin(&sandbox, &output, &["--reactivate", "--yes"]),
    ];
    each(cases, |undone| {
        sandbox.set_status(BOB_SECOND_KEY_ID, Status::Inactive);
        let printed = undone.run().exits(12);
        let expected = [("Reactivated", 1), ("Refused", 1)];
        let _ = printed
            .prints_outcomes(&expected)
            .says(&[&format!(
                "{BOBS_KEY}: not reactivated: it is unknown whether the run with --deactivate made it inactive"
            )])
            .ends_with("2 keys: 1 reactivated, 1 refused");
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
        assert_eq!(status(&sandbox, BOB_SECOND_KEY_ID), Some(Status::Active));
    });
}

#[test]
fn f104_a_user_who_was_renamed_between_two_deactivations_has_one_key() {
    let sandbox = inactive();
    let deactivated = row(BOBS_KEY, CHANGED);
    let journal = HEAD.to_owned() + &deactivated.replace("Bob", "Robert") + &deactivated;
    let printed = from_stdin(&sandbox, &journal, &["--reactivate", "--yes"]).run();
    let _ = printed.exits(0).prints_outcomes(&[("Reactivated", 1)]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

/// This run listed the key as active and sent the request. The lost response does not prevent the undo.
#[test]
fn f104_a_deactivation_of_this_run_is_undone_although_its_response_was_lost() {
    let sandbox = faulty([always("UpdateAccessKey", What::ResetAfterActing)]);
    let printed = Case::documented(&sandbox, &["--deactivate", "--timeout", "4"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    sandbox.clear_faults();
    let said = from_stdin(&sandbox, &output, &["--reactivate", "--yes"])
        .run()
        .exits(0);
    let _ = said
        .prints_outcome("Reactivated")
        .says_exactly("result: 1 key: 1 reactivated\n");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn f104_a_journal_of_another_account_is_not_undone() {
    const OTHER: &str = "999999999999";
    let sandbox = inactive();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("done.jsonl");
    let journal = HEAD.replace(ACCOUNT, OTHER) + &row(BOBS_KEY, CHANGED);
    std::fs::write(&path, &journal).expect("a journal");
    let of_stdin = from_stdin(&sandbox, &journal, &["--reactivate", "--yes"]);
    let cases = [
        (undo(&sandbox, &path), path.display().to_string()),
        (
            undo(&sandbox, &path).args(["--dry-run"]),
            path.display().to_string(),
        ),
        (of_stdin, "standard input".to_owned()),
    ];
    each(cases, |(case, name)| {
        case.run().stops_exactly(11, &format!(
            "iam-del-key: error: cannot undo {name}: it is for account {OTHER}, but the credentials belong to account {ACCOUNT}\n\
             hint: use credentials of that account (--profile NAME)\n\
             result: no key was changed\n"
        ));
    });
    assert!(
        actions(&sandbox)
            .iter()
            .all(|action| action == "GetCallerIdentity")
    );
    let two = HEAD.to_owned() + &row(BOBS_KEY, CHANGED) + &journal;
    let cases = [
        (
            two,
            "this journal is for account 999999999999, but the one before is for account 123456789012",
        ),
        (HEAD.replace(ACCOUNT, "12"), "an account ID has 12 digits"),
        (
            HEAD.replace(ACCOUNT, "123456789012\",\"AccountId\":\"999999999999"),
            "two members have the same meaning: `AccountId` and `AccountId`",
        ),
    ];
    each(cases, |(list, says)| {
        let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]).run();
        said.stops(2, &[says]);
    });
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    // The same account, and an unknown one.
    let cases = [HEAD.to_owned(), HEAD.replace("\"123456789012\"", "null")];
    each(cases, |head| {
        sandbox.set_status(BOBS_KEY, Status::Inactive);
        let list = head + &row(BOBS_KEY, CHANGED);
        let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]).run();
        let _ = said
            .exits(0)
            .prints_outcome("Reactivated")
            .says_exactly("result: 1 key: 1 reactivated\n");
    });
}

/// `--from -` would read standard input.
#[test]
fn f104_a_journal_whose_name_is_a_dash_is_undone_by_the_command_that_is_printed() {
    let sandbox = documented();
    let folder = tempfile::tempdir().expect("a folder");
    let there = ["env", "-C", folder.path().to_str().expect("a path")];
    let printed = from_stdin(&sandbox, &format!("{BOBS_KEY}\n"), &["--user-name", "Bob"])
        .args(["--deactivate", "--journal=-"])
        .start_under(Some(&there))
        .end()
        .exits(0);
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["hint: to reactivate the keys that the journal records as changed from Active to Inactive: iam-del-key --from ./- --reactivate\n"]);
    let said = Case::at(&sandbox, ["--from", "./-", "--reactivate", "--yes"])
        .start_under(Some(&there))
        .end()
        .exits(0);
    let _ = said
        .prints_outcome("Reactivated")
        .says_exactly("result: 1 key: 1 reactivated\n");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn f104_rows_that_contradict_themselves_or_each_other_are_refused() {
    let sandbox: Sandbox = inactive();
    let with = |more: &str| row(BOBS_KEY, &format!("{CHANGED},{more}"));
    let both = "an object has both an Intent and an Outcome";
    let of_alice = row(BOBS_KEY, CHANGED).replace("Bob", "Alice");
    let cases = [
        (
            with("\"Action\":\"delete\""),
            "has the Outcome Deactivated and the Action `delete`: they contradict each other",
        ),
        (
            with("\"Action\":\"reactivate\""),
            "has the Outcome Deactivated and the Action `reactivate`: they contradict each other",
        ),
        (with("\"Intent\":\"deactivate\""), both),
        (HEAD.to_owned() + &with("\"Intent\":\"deactivate\""), both),
        (
            HEAD.to_owned() + &row(BOBS_KEY, "\"Outcome\":\"Skipped\",\"Intent\":\"delete\""),
            both,
        ),
        (
            row(BOBS_KEY, CHANGED) + &of_alice,
            "has the owner Alice here, but the owner Bob in line 1: a key has only one owner",
        ),
        (
            of_alice + &row(BOBS_KEY, CHANGED),
            "has the owner Bob here, but the owner Alice in line 1: a key has only one owner",
        ),
    ];
    each(cases, |(list, says)| {
        let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]).run();
        let said = said.exits(2).prints_nothing();
        let _ = said.says(&[says]).ends_with("no key was changed");
    });
    assert_eq!(sandbox.connections(), 0);
    // A run got a wrong owner first.
    let failed = row(BOBS_KEY, "\"Outcome\":\"Failed\"").replace("Bob", "Alice");
    let list = HEAD.to_owned() + &failed + &row(BOBS_KEY, CHANGED);
    let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]).run();
    let _ = said
        .exits(0)
        .prints_outcome("Reactivated")
        .says_exactly("result: 1 key: 1 reactivated\n");
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn f104_unknown_keys_are_reported_and_left_unchanged() {
    let sandbox = inactive();
    sandbox.set_status(BOB_SECOND_KEY_ID, Status::Inactive);
    let unknown = "\"Outcome\":\"Unknown\",\"Action\":\"deactivate\"";
    let list = row(BOBS_KEY, unknown) + &row(BOB_SECOND_KEY_ID, CHANGED);
    let printed = from_stdin(&sandbox, &list, &["--reactivate", "--yes"])
        .run()
        .exits(12);
    let output = printed.output().to_owned();
    let reported = &rows(&output)[0];
    assert_eq!(reported["AccessKeyId"], BOBS_KEY);
    assert_eq!(reported["Outcome"], "Unknown");
    assert_eq!(
        reported["Reason"],
        "this run did not change it: it is unknown whether an earlier run deactivated it; unknown: an earlier run \
         started to change it, and the result is unknown"
    );
    let said = printed.prints(&output);
    assert!(!said.messages().contains("to continue, "));
    let _ = said
        .says(&["hint: check with: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run\n"])
        .ends_with("2 keys: 1 reactivated, 1 unknown");
    // This also helps if the user was renamed, which this run did not find out.
    sandbox.rename_user("Bob", "Robert");
    let found = Case::at(
        &sandbox,
        ["--access-key-id", BOBS_KEY, "--find-user", "--dry-run"],
    );
    let found = found.run().exits(0).object();
    assert_eq!(
        (&found["UserName"], &found["Status"]),
        (&"Robert".into(), &"Inactive".into())
    );
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    assert_eq!(status(&sandbox, BOB_SECOND_KEY_ID), Some(Status::Active));
}

#[test]
fn f104_a_key_that_may_have_been_inactive_before_is_refused() {
    let sandbox = inactive();
    let list = row(BOBS_KEY, "\"Outcome\":\"Deactivated\"");
    let printed = from_stdin(&sandbox, &list, &["--reactivate", "--yes"])
        .run()
        .exits(11);
    assert_eq!(
        printed.object()["Reason"],
        "it is unknown whether the run with --deactivate made it inactive"
    );
    let _ = printed.prints_outcome("Refused").says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY}: not reactivated: it is unknown whether the run with --deactivate made it inactive\n\
         hint: to reactivate the refused keys anyway: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate\n\
         result: 1 key: 1 refused\n"
    ));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

#[test]
fn f104_any_other_list_is_refused() {
    let sandbox = documented();
    let id = BOBS_KEY;
    let deletion = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}\n".to_owned();
    let undone = deletion.replace("delete", "reactivate");
    let newer = "{\"Journal\":2,\"Action\":\"deactivate\",\"AccountId\":null}\n".to_owned();
    let cases = [
        format!("{id}\n"),
        format!("AccessKeyId,UserName,Outcome\n{id},Bob,Deactivated\n"),
        format!("[\"{id}\"]"),
        row(id, "\"Status\":\"Inactive\""),
        format!("{{\"AccessKeyMetadata\":[{{\"AccessKeyId\":\"{id}\",\"Status\":\"Inactive\"}}]}}"),
        row(id, "\"Outcome\":\"Deleted\""),
        row(id, "\"Outcome\":\"WouldDelete\""),
        row(id, "\"Outcome\":\"WouldDeactivate\""),
        row(id, "\"Outcome\":\"WouldReactivate\""),
        row(id, "\"Outcome\":\"Reactivated\""),
        row(id, "\"Outcome\":\"Unknown\""),
        row(id, "\"Outcome\":\"NotTried\",\"Action\":\"reactivate\""),
        row(id, "\"Outcome\":\"Nonsense\""),
        row(BOB_SECOND_KEY_ID, CHANGED) + &row(id, "\"Outcome\":\"Deleted\""),
        deletion,
        undone,
        newer,
    ];
    each(cases, |list| {
        let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"])
            .run()
            .exits(2)
            .prints_nothing();
        let is_named = said.messages().contains(
            "with --reactivate, --from accepts only the journal or the JSON results of a run with --deactivate\n\
             hint: use one of these, or name the keys with --access-key-id\n",
        );
        assert!(
            is_named || list.contains("\"Journal\":2"),
            "{list}{}",
            said.messages()
        );
        let _ = said
            .says(&["standard input, line "])
            .ends_with("no key was changed");
    });
    assert_eq!(sandbox.connections(), 0);
}

/// Such lines do not have their action, so the note says what is missing.
#[test]
fn lines_of_keys_that_were_not_deactivated_are_skipped() {
    each(["Skipped", "Missing", "Refused"], |outcome| {
        let sandbox = documented();
        let one = row(BOBS_KEY, &format!("\"Outcome\":\"{outcome}\""));
        let two = one.clone() + &one.replace(BOBS_KEY, BOB_SECOND_KEY_ID);
        for (list, note) in [
            (one, "1 line was skipped: it reports no deactivated key"),
            (two, "2 lines were skipped: they report no deactivated key"),
        ] {
            from_stdin(&sandbox, &list, &["--reactivate", "--yes"])
                .run()
                .stops_exactly(
                    0,
                    &format!("iam-del-key: note: {note}\nresult: nothing to do: the list has no keys to change\n"),
                );
        }
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn f104_no_other_run_continues_with_the_results_of_an_undo() {
    let sandbox = inactive();
    let planned = reactivate(&sandbox, &["--dry-run"]).run().exits(0);
    let plan = planned.output().to_owned();
    let _ = planned
        .prints_outcome("WouldReactivate")
        .says(&["result: "]);
    let unknown = row(
        BOBS_KEY,
        "\"Outcome\":\"Unknown\",\"Action\":\"reactivate\"",
    );
    let cases = [
        &plan,
        &row(BOBS_KEY, "\"Outcome\":\"Reactivated\""),
        &unknown,
    ];
    each(cases, |list| {
        each([&[][..], &["--deactivate"]], |action| {
            let verb = if action.is_empty() {
                "delete"
            } else {
                "deactivate"
            };
            from_stdin(&sandbox, list, action)
                .run().stops_as(2, &[&format!(
                    "this line for {BOBS_KEY} is from a run of --reactivate, but this command would {verb} keys: remove the line"
                )], "no key was changed");
        });
    });
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

/// It is unknown who made a change that a killed run sent. The hint does not promise to undo it.
#[test]
fn f104_the_hint_to_undo_a_resumed_run_says_that_keys_are_left_out() {
    let (sandbox, list) = crowd(8);
    let kept = Kept::new(&list);
    let deactivate = || kept.case(&sandbox, &["--deactivate", "--jobs", "1", "--yes"]);
    sandbox.fault(always("UpdateAccessKey", What::SilenceAfterActing).skip(4));
    let running = deactivate().start();
    let is_sent = |sandbox: &Sandbox| {
        let sent = actions(sandbox).into_iter();
        sent.filter(|action| action == "UpdateAccessKey").count() == 5
    };
    wait_for(|| is_sent(&sandbox));
    let _ = running.kill();
    sandbox.clear_faults();
    let printed = deactivate().run().exits(0);
    let _ = printed
        .prints_outcomes(&[("Deactivated", 4), ("Skipped", 4)])
        .says(&[&format!(
            "hint: to reactivate the keys that the journal records as changed from Active to Inactive (keys whose earlier \
             status is unknown are refused): iam-del-key --from {} --reactivate\n",
            kept.path().display()
        )]);
    let printed = undo(&sandbox, &kept.path()).run().exits(12);
    let _ = printed
        .prints_outcomes(&[("Reactivated", 7), ("Refused", 1)])
        .says(&["result: "]);
}
