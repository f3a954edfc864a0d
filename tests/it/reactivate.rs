//! `--reactivate`: the undo for `--deactivate`, of one key and of whole runs: exactly the keys that such a run changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, actions, documented, each_at_once};
use crate::dialogue::Dialogue;
use crate::journal::{ACCOUNT, Kept};
use crate::many::{crowd, from_stdin, outcomes, rows};

const QUESTION: &str =
    "Reactivate this key in account 123456789012? It can be undone with --deactivate. [y/N] ";

pub(crate) fn status(sandbox: &Sandbox, id: &str) -> Option<Status> {
    sandbox.key(id).map(|key| key.status)
}

/// A sandbox in which Bob's key is inactive.
pub(crate) fn inactive() -> Sandbox {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    sandbox
}

fn reactivate(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::documented(sandbox, &["--reactivate", "--yes"]).args(more)
}

/// Undoes the run that left this file.
pub(crate) fn undo(sandbox: &Sandbox, file: &Path) -> Case {
    Case::at(sandbox, ["--from"])
        .args([file])
        .args(["--reactivate", "--yes"])
}

fn statuses(sandbox: &Sandbox) -> BTreeMap<String, Status> {
    let keys = sandbox.keys().into_iter();
    keys.map(|key| (key.id, key.status)).collect()
}

#[test]
fn a_key_is_active_again_and_its_object_says_so() {
    let sandbox = inactive();
    let printed = reactivate(&sandbox, &[]).run().exits(0);
    let created = sandbox.key(BOBS_KEY).expect("a key").created;
    assert_eq!(
        printed.object(),
        serde_json::json!({
            "AccessKeyId": BOBS_KEY,
            "UserName": "Bob",
            "Outcome": "Reactivated",
            "Status": "Active",
            "CreateDate": humantime::format_rfc3339_seconds(created).to_string(),
            "Attempts": 1,
            "RequestId": printed.object()["RequestId"],
        })
    );
    let _ = printed.prints_outcome("Reactivated").says_nothing();
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "UpdateAccessKey"]);
    assert_eq!(sandbox.requests()[1].param("Status"), Some("Active"));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn the_command_that_deactivate_prints_undoes_it() {
    let sandbox = documented();
    let said = Case::documented(&sandbox, &["--deactivate"]).run().exits(0);
    let said = said.prints_outcome("Deactivated");
    let command = said
        .messages()
        .strip_prefix("hint: to undo it: iam-del-key ")
        .expect("the command")
        .to_owned();
    let words: Vec<&str> = command.split_whitespace().collect();
    let _ = said.says(&["--reactivate"]);
    let _ = Case::at(&sandbox, words)
        .args(["--yes"])
        .run()
        .exits(0)
        .prints_outcome("Reactivated")
        .says_nothing();
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn an_active_key_is_skipped() {
    let sandbox = documented();
    let printed = reactivate(&sandbox, &[]).run().exits(0);
    assert_eq!(printed.object()["Reason"], "already active");
    let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
        "iam-del-key: note: {BOBS_KEY} is already active: nothing was changed\n"
    ));
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "ListAccessKeys"]);
}

/// Right after the deactivation that is to be undone a list may still show the key as active.
#[test]
fn a_list_that_lags_keeps_no_key_from_being_reactivated() {
    let lagging = |sandbox: &Sandbox| {
        let list = format!(
            "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
             <AccessKeyMetadata><member><UserName>Bob</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId>\
             <Status>Active</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated></ListAccessKeysResult><ResponseMetadata><RequestId>r</RequestId>\
             </ResponseMetadata></ListAccessKeysResponse>"
        );
        sandbox.fault(Fault::new(What::page(200, "text/xml", list)).on("ListAccessKeys"));
    };
    let sandbox = inactive();
    lagging(&sandbox);
    let _ = reactivate(&sandbox, &[])
        .run()
        .exits(0)
        .prints_outcome("Reactivated")
        .says_nothing();
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));

    // The question is about a key that is inactive.
    let sandbox = inactive();
    lagging(&sandbox);
    let case = Case::documented(&sandbox, &["--reactivate"]);
    let _ = Dialogue::start(case)
        .shows(QUESTION)
        .types(b"y\n")
        .end()
        .exits(0)
        .prints_outcome("Reactivated")
        .says(&["Inactive"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn it_always_asks() {
    let no_terminal = "without a terminal, --reactivate requires --yes";
    let json = "--error-format json requires --yes here, because no question can be asked";
    for (more, has_terminal, says) in [
        (&[][..], false, no_terminal),
        (&["--error-format", "json"], false, no_terminal),
        (&["--error-format", "json"], true, json),
    ] {
        let sandbox = inactive();
        let case = Case::documented(&sandbox, &["--reactivate"]).args(more);
        let ended = if has_terminal {
            Dialogue::start(case).end()
        } else {
            case.run()
        };
        let said = ended.exits(2).prints_nothing();
        assert!(!said.messages().contains("[y/N]"));
        let _ = said.says(&[says, "check with --dry-run first, then add --yes"]);
        assert_eq!(sandbox.connections(), 0);
    }
    let sandbox = inactive();
    let asked = || Dialogue::start(Case::documented(&sandbox, &["--reactivate"])).shows(QUESTION);
    let said = asked().types(b"n\n").end().exits(11).prints_nothing();
    assert!(!said.messages().contains("result: "));
    let _ = said.says(&["not confirmed: this run changed nothing\n"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    let said = asked().types(b"y\n").end().exits(0);
    let _ = said.prints_outcome("Reactivated").says(&["Inactive"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn a_dry_run_says_what_would_happen_and_asks_nobody() {
    let sandbox = inactive();
    let args = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
    let printed = Case::at(&sandbox, args)
        .args(["--find-user", "--reactivate", "--dry-run"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let expected = [("Skipped".to_owned(), 1), ("WouldReactivate".to_owned(), 1)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["result: "])
        .ends_with("2 keys: 1 would be reactivated, 1 already active; this was a dry run");
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn a_dry_run_warns_if_more_keys_match_than_max_keys() {
    let sandbox = inactive();
    sandbox.set_status(ALICE_KEY_ID, Status::Inactive);
    let args = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
    let more = [
        "--find-user",
        "--reactivate",
        "--dry-run",
        "--max-keys",
        "1",
    ];
    let printed = Case::at(&sandbox, args).args(more).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&[
        "warning: 2 keys match, more than --max-keys 1 allows: without --dry-run, nothing would be changed",
    ]);
}

#[test]
fn it_goes_with_keys_that_are_named_or_listed_and_with_no_other_action() {
    let sandbox = documented();
    for args in [
        &["--user-name", "Bob", "--all-keys"][..],
        &["--whole-account", "--only-inactive"],
        &["--access-key-id", BOBS_KEY, "--deactivate"],
    ] {
        let _ = Case::at(&sandbox, args)
            .args(["--reactivate", "--yes"])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["cannot be used with"]);
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn your_own_key_is_not_refused() {
    let sandbox = documented();
    let args = ["--access-key-id", ADMIN_KEY_ID, "--reactivate", "--yes"];
    let printed = Case::at(&sandbox, args).run().exits(0);
    assert_eq!(printed.object()["Reason"], "already active");
    let _ = printed.prints_outcome("Skipped").says(&["already active"]);
}

#[test]
fn lost_answers_are_settled_as_those_of_a_deactivation_are() {
    let always = |what: What| Fault::new(what).on("UpdateAccessKey").always();
    let page = What::page(200, "text/html", "<html><body>Sign in</body></html>");
    let still = "IAM still lists the key as Inactive";
    each_at_once(
        [
            (
                always(What::ResetAfterActing),
                0,
                "Reactivated",
                "IAM now lists the key as Active",
            ),
            (always(What::ResetBeforeActing), 10, "Unknown", still),
            (always(page), 10, "Unknown", still),
        ],
        |(fault, exits, outcome, says)| {
            let sandbox = inactive();
            sandbox.fault(fault);
            let _ = reactivate(&sandbox, &["--timeout", "4"])
                .run()
                .exits(exits)
                .prints_outcome(outcome)
                .says(&[says]);
            let is_active = status(&sandbox, BOBS_KEY) == Some(Status::Active);
            assert_eq!(is_active, exits == 0);
        },
    );
    for what in [What::ResetAfterActing, What::CloseAfterActing] {
        let sandbox = inactive();
        sandbox.fault(Fault::new(what).on("UpdateAccessKey"));
        let said = reactivate(&sandbox, &[]).run().exits(0);
        let _ = said.prints_outcome("Reactivated").says_nothing();
    }
    let sandbox = Sandbox::documented()
        .deny("iam:ListAccessKeys")
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    sandbox.fault(always(What::ResetAfterActing));
    let _ = reactivate(&sandbox, &["--timeout", "4"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("unknown: ");
}

#[test]
fn errors_have_the_status_they_have_for_a_deletion() {
    for (code, http, expected, outcome) in [
        ("NoSuchEntity", 404, 3, "Failed"),
        ("LimitExceeded", 409, 4, "Failed"),
        ("ServiceFailure", 500, 5, "Unknown"),
        ("AccessDenied", 403, 6, "Failed"),
        ("ValidationError", 400, 2, "Failed"),
    ] {
        let sandbox = inactive();
        let message = "The Access Key with id AKIDPMS9RO4H3FEXAMPLE cannot be found.";
        let error = What::error(http, code, message);
        sandbox.fault(Fault::new(error).on("UpdateAccessKey").always());
        let printed = reactivate(&sandbox, &[]).run().exits(expected);
        assert_eq!(printed.object()["Action"], "reactivate");
        let known = match outcome {
            "Unknown" => "unknown: IAM returned an error",
            _ => "not reactivated",
        };
        let _ = printed
            .prints_outcome(outcome)
            .says(&[&format!(
                "An error occurred ({code}) when calling the UpdateAccessKey operation"
            )])
            .ends_with(known);
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive), "{code}");
    }
}

/// Twenty keys, of which three are inactive and two are denied: what `--deactivate` did to them is undone.
#[test]
fn f104_a_whole_run_is_undone_from_its_results_and_from_its_journal() {
    for by_journal in [false, true] {
        let (sandbox, list) = crowd(20);
        let kept = Kept::new(&list);
        for n in [3, 4, 5] {
            sandbox.set_status(&nth_key_id(ACCOUNT, n), Status::Inactive);
        }
        let before = statuses(&sandbox);
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(Fault::new(denied.clone()).on("UpdateAccessKey"));
        sandbox.fault(Fault::new(denied).on("UpdateAccessKey"));
        let printed = kept
            .case(&sandbox, &["--deactivate", "--yes"])
            .run()
            .exits(12);
        let results = printed.output().to_owned();
        let journal = kept.path();
        let command = format!(
            "hint: to undo the changes in the journal: iam-del-key --from {} --reactivate\n",
            journal.display()
        );
        let _ = printed.prints(&results).says(&[&command]);
        assert_ne!(statuses(&sandbox), before);
        let case = if by_journal {
            undo(&sandbox, &journal)
        } else {
            from_stdin(&sandbox, &results, &["--reactivate", "--yes"])
        };
        let printed = case.run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Reactivated".to_owned(), 15)]);
        let _ = printed
            .prints(&output)
            .says(&["note: 5 lines were skipped: nothing left to do\n"])
            .ends_with("15 keys: 15 reactivated");
        assert_eq!(statuses(&sandbox), before);
    }
}

/// The run is killed, the next one with its journal finishes it, and the journal undoes both.
#[test]
fn f104_an_interrupted_run_is_undone_before_and_after_it_is_finished() {
    let (sandbox, list) = crowd(30);
    let kept = Kept::new(&list);
    for n in [7, 20] {
        sandbox.set_status(&nth_key_id(ACCOUNT, n), Status::Inactive);
    }
    let before = statuses(&sandbox);
    let deactivate = || kept.case(&sandbox, &["--deactivate", "--jobs", "2", "--yes"]);
    let running = deactivate().start();
    assert!(sandbox.wait_for_requests(20, Duration::from_secs(20)));
    let _ = running.kill();
    let at_once = statuses(&sandbox);
    assert_ne!(at_once, before);
    // A record that was cut off was not acted on.
    let whole = kept.journal();
    std::fs::write(kept.path(), format!("{whole}{{\"AccessKeyId\":\"AK")).expect("a journal");
    let printed = undo(&sandbox, &kept.path())
        .run()
        .exits_with_one_of(&[0, 12]);
    let output = printed.output().to_owned();
    let mut expected = before.clone();
    let mut in_doubt = 0;
    for row in rows(&output) {
        let id = row["AccessKeyId"].as_str().expect("an ID").to_owned();
        // Of a change that was started and not recorded it is not known what it did.
        if row["Outcome"] == "Unknown" {
            in_doubt += usize::from(at_once[&id] == Status::Inactive);
            expected.insert(id.clone(), at_once[&id]);
        } else {
            assert_eq!(row["Outcome"], "Reactivated", "{row}");
        }
    }
    let _ = printed.prints(&output).says(&["result: "]);
    assert_eq!(statuses(&sandbox), expected);

    // The next run finishes it: the journal has all keys now, and the ones that were undone a second time.
    let printed = deactivate().run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["result: "]);
    assert!(statuses(&sandbox).iter().all(|(id, status)| {
        !id.starts_with("AKIA") || before[id] == *status || *status == Status::Inactive
    }));
    // What the killed run may have done is not undone: it may have been somebody else.
    let printed = undo(&sandbox, &kept.path())
        .run()
        .exits_with_one_of(&[0, 12]);
    let output = printed.output().to_owned();
    let mut counts = vec![("Reactivated".to_owned(), 28 - in_doubt)];
    if in_doubt > 0 {
        counts.push(("Refused".to_owned(), in_doubt));
    }
    assert_eq!(outcomes(&output), counts);
    let _ = printed
        .prints(&output)
        .says(&["note: 2 lines were skipped", "result: 28 keys: "]);
    assert_eq!(statuses(&sandbox), expected);
}

pub(crate) fn row(id: &str, more: &str) -> String {
    format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Bob\",{more}}}\n")
}

pub(crate) const CHANGED: &str = "\"Outcome\":\"Deactivated\",\"PreviousStatus\":\"Active\"";

#[test]
fn f104_what_is_unknown_is_reported_and_left() {
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
        .says(&["hint: check with: aws iam list-access-keys --user-name=Bob\n"])
        .ends_with("2 keys: 1 reactivated, 1 unknown");
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
         hint: to reactivate a key anyway: iam-del-key --access-key-id ID --user-name NAME --reactivate\n\
         result: 1 key: 1 refused\n"
    ));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
}

/// What several records of a key say together: R it is reactivated, ? it is reported as unknown, - it is left out.
#[test]
fn f104_several_records_of_a_key_say_together_what_was_done_to_it() {
    const HEAD: &str = "{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":null}\n";
    const INTENT: &str =
        "\"Intent\":\"deactivate\",\"Status\":\"Active\",\"PreviousStatus\":\"Active\"";
    const FAILED: &str = "\"Outcome\":\"Failed\"";
    const SKIPPED: &str = "\"Outcome\":\"Skipped\"";
    const UNKNOWN: &str = "\"Outcome\":\"Unknown\"";
    const FAILED_RESULT: &str = "\"Outcome\":\"Failed\",\"Action\":\"deactivate\"";
    const UNKNOWN_RESULT: &str = "\"Outcome\":\"Unknown\",\"Action\":\"deactivate\"";
    for (head, records, expected) in [
        (HEAD, &[INTENT][..], '?'),
        (HEAD, &[INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, FAILED], '-'),
        (HEAD, &[INTENT, UNKNOWN], '?'),
        (HEAD, &[INTENT, UNKNOWN, INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, UNKNOWN, INTENT, FAILED], '-'),
        (HEAD, &[INTENT, CHANGED, INTENT, FAILED], 'R'),
        (HEAD, &[INTENT, CHANGED, INTENT], 'R'),
        (HEAD, &[SKIPPED], '-'),
        ("", &[CHANGED], 'R'),
        ("", &[UNKNOWN_RESULT, CHANGED], 'R'),
        ("", &[CHANGED, UNKNOWN_RESULT], 'R'),
        ("", &[CHANGED, SKIPPED], 'R'),
        // The second run found it inactive, and cannot know since when.
        ("", &[UNKNOWN_RESULT, SKIPPED], '?'),
        ("", &[UNKNOWN_RESULT, FAILED_RESULT], '?'),
        ("", &[FAILED_RESULT], '-'),
        ("", &[SKIPPED], '-'),
    ] {
        let sandbox = inactive();
        let list = records.iter().fold(head.to_owned(), |list, record| {
            list + &row(BOBS_KEY, record)
        });
        let case = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]);
        let printed = case.run().exits_with_one_of(&[0, 10]);
        let output = printed.output().to_owned();
        let said = match rows(&output).as_slice() {
            [] => '-',
            [row] if row["Outcome"] == "Reactivated" => 'R',
            [row] if row["Outcome"] == "Unknown" => '?',
            rows => panic!("{rows:?}"),
        };
        assert_eq!(said, expected, "{list}");
        let is_active = status(&sandbox, BOBS_KEY) == Some(Status::Active);
        assert_eq!(is_active, said == 'R', "{list}");
        let _ = printed.prints(&output).says(&["result: "]);
    }
}

#[test]
fn f104_any_other_list_is_refused() {
    let sandbox = documented();
    let id = BOBS_KEY;
    let deletion = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}\n".to_owned();
    let undone = deletion.replace("delete", "reactivate");
    let newer = "{\"Journal\":2,\"Action\":\"deactivate\",\"AccountId\":null}\n".to_owned();
    for list in [
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
    ] {
        let said = from_stdin(&sandbox, &list, &["--reactivate", "--yes"])
            .run()
            .exits(2)
            .prints_nothing();
        let is_named = said.messages().contains(
            "this is not from a run of --deactivate, and --reactivate undoes only those\n\
             hint: use the journal or the JSON results of that run, or name the keys with --access-key-id\n",
        );
        assert!(
            is_named || list.contains("\"Journal\":2"),
            "{list}{}",
            said.messages()
        );
        let _ = said
            .says(&["standard input, line "])
            .ends_with("no key was changed");
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f104_no_other_run_goes_on_with_the_results_of_an_undo() {
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
    for list in [
        &plan,
        &row(BOBS_KEY, "\"Outcome\":\"Reactivated\""),
        &unknown,
    ] {
        for action in [&[][..], &["--deactivate"]] {
            let verb = if action.is_empty() {
                "delete"
            } else {
                "deactivate"
            };
            let _ = from_stdin(&sandbox, list, action)
                .run()
                .exits(2)
                .prints_nothing()
                .says(&[&format!(
                    "this line for {BOBS_KEY} is from a run of --reactivate, but this command would {verb} keys: remove the line"
                )])
                .ends_with("no key was changed");
        }
    }
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn f104_a_journal_that_a_run_still_writes_is_not_undone() {
    let sandbox = inactive();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("done.jsonl");
    std::fs::write(&path, row(BOBS_KEY, CHANGED)).expect("a file");
    let other = File::open(&path).expect("a file");
    other.lock().expect("a lock");
    let _ = undo(&sandbox, &path)
        .run()
        .exits(11)
        .prints_nothing()
        .says(&[
            "another run is using the journal",
            "wait for that run to end",
        ]);
    assert_eq!(sandbox.connections(), 0);
    other.unlock().expect("no lock");
    let said = undo(&sandbox, &path).run().exits(0);
    let _ = said.prints_outcome("Reactivated").says(&["1 reactivated"]);
}

/// An undo has a journal of its own, and is run again with it.
#[test]
fn f104_an_undo_that_was_cut_off_is_finished_by_the_same_command() {
    let (sandbox, list) = crowd(12);
    let kept = Kept::new(&list);
    let before = statuses(&sandbox);
    let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["12 deactivated"]);
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("undone.jsonl");
    let undo = || {
        undo(&sandbox, &kept.path())
            .args(["--journal"])
            .args([&own])
    };
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("UpdateAccessKey")
            .skip(5)
            .always(),
    );
    let printed = undo()
        .args(["--jobs", "1", "--timeout", "3", "--fail-fast"])
        .run()
        .exits(12);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[
            "hint: to continue, run the same command again; keys that are already active are skipped\n",
        ])
        .ends_with("12 keys: 5 reactivated, 1 unknown, 6 not tried");
    sandbox.clear_faults();
    let printed = undo().run().exits(0);
    let output = printed.output().to_owned();
    let expected = [("Reactivated".to_owned(), 7), ("Skipped".to_owned(), 5)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["result: "])
        .ends_with("12 keys: 7 reactivated, 5 already active");
    assert_eq!(statuses(&sandbox), before);
}

/// The hint is a command that works then, whatever standard output got.
#[test]
fn f104_how_to_undo_a_run_is_said_by_what_was_kept() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n");
    // A few keys are named, in one command for each owner.
    let each = ["Bob", "Alice"].map(|owner| {
        let id = if owner == "Bob" { BOBS_KEY } else { ALICE_KEY_ID };
        format!("hint: to undo it for {owner}: iam-del-key --access-key-id {id} --user-name={owner} --reactivate\n")
    });
    for more in [
        &[][..],
        &["--output", "text"],
        &["--output", "table"],
        &["--output", "off"],
        &["--query", "Outcome"],
    ] {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, &list, &["--deactivate"])
            .args(more)
            .run()
            .exits(0);
        let output = printed.output().to_owned();
        let _ =
            printed
                .prints(&output)
                .says(&[&each[0], &each[1], "result: 2 keys: 2 deactivated\n"]);
    }
    // One command is enough for one owner, and where owners are looked up.
    let bobs = [BOBS_KEY, BOB_SECOND_KEY_ID];
    let two = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let ids = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    let one = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    for (list, more, keys, owner) in [
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
    ] {
        let sandbox = documented();
        let printed = from_stdin(&sandbox, list, &["--deactivate", "--jobs", "1"])
            .args(more)
            .run()
            .exits(0);
        let output = printed.output().to_owned();
        let keys = keys.join(" --access-key-id ");
        let arguments = format!("--access-key-id {keys} {owner} --reactivate");
        let _ = printed
            .prints(&output)
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
    }
    // Six keys are too many.
    for (more, says) in [
        (
            &[][..],
            &[
                "hint: to undo it if you saved the standard output in FILE: iam-del-key --from FILE --reactivate\n",
            ][..],
        ),
        (
            &["--output", "text", "--find-user"],
            &[
                "hint: to undo it for a key: iam-del-key --access-key-id ID --user-name NAME --reactivate\n",
                "hint: with --journal FILE, a run can be undone with one command\n",
            ],
        ),
    ] {
        let (sandbox, many) = crowd(6);
        let case = from_stdin(&sandbox, &many, &["--deactivate"]);
        let printed = case.args(more).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(says);
    }
    // Nobody knows what these keys were before: their results undo nothing.
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    let printed = from_stdin(&sandbox, &list, &["--deactivate", "--jobs", "1"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&[&each
        .concat()
        .replace("for Bob:", "for Bob, if the key was active before:")
        .replace("for Alice:", "for Alice, if the key was active before:")]);
    let object: Vec<Value> = rows(&output);
    assert!(object.iter().all(|row| row.get("PreviousStatus").is_none()));
}

/// Where standard output is a file, the hint names it.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn f104_results_in_a_file_undo_the_run_with_one_command() {
    let (sandbox, list) = crowd(6);
    let case = from_stdin(&sandbox, &list, &["--deactivate"]);
    let home = case.path("");
    let script = format!("cd '{}' && exec \"$0\" \"$@\" > done.jsonl", home.display());
    let ended = case
        .start_under(Some(&["sh", "-c", &script]))
        .end_keeping(|folder| {
            let kept = folder.join("home/done.jsonl");
            let undo = Case::at(&sandbox, ["--yes", "--reactivate", "--from"]).args([kept]);
            let printed = undo.run().exits(0);
            let output = printed.output().to_owned();
            assert_eq!(outcomes(&output), [("Reactivated".to_owned(), 6)]);
            let _ = printed.prints(&output).says(&["6 reactivated"]);
        });
    let _ = ended.exits(0).prints_nothing().says_exactly(
        "hint: to undo the changes in the file with these results: iam-del-key --from done.jsonl --reactivate\n\
         result: 6 keys: 6 deactivated\n",
    );
}
