//! The undo of whole runs of `--deactivate`: exactly the keys that such a run changed are active again.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, always, each, once};
use crate::journal::{ACCOUNT, Kept};
use crate::many::{crowd, from_stdin, outcomes, rows};
use crate::reactivate::{inactive, status};
use crate::streams::wait_for;

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

pub(crate) const CHANGED: &str = "\"Outcome\":\"Deactivated\",\"PreviousStatus\":\"Active\"";

pub(crate) fn row(id: &str, more: &str) -> String {
    format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Bob\",{more}}}\n")
}

/// Twenty keys; three are inactive and two are denied. The changes of `--deactivate` are undone.
#[test]
fn f104_a_whole_run_is_undone_from_its_results_and_from_its_journal() {
    each([false, true], |by_journal| {
        let (sandbox, list) = crowd(20);
        let kept = Kept::new(&list);
        for n in [3, 4, 5] {
            sandbox.set_status(&nth_key_id(ACCOUNT, n), Status::Inactive);
        }
        let before = statuses(&sandbox);
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(once("UpdateAccessKey", denied.clone()));
        sandbox.fault(once("UpdateAccessKey", denied));
        let printed = kept
            .case(&sandbox, &["--deactivate", "--yes"])
            .run()
            .exits(12);
        let results = printed.output().to_owned();
        let journal = kept.path();
        let command = format!(
            "hint: to reactivate the keys that the journal records as changed from Active to Inactive: iam-del-key --from {} --reactivate\n",
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
        let _ = printed
            .prints_outcomes(&[("Reactivated", 15)])
            .says_exactly("iam-del-key: note: 5 lines were skipped: they report no deactivated key\nresult: 15 keys: 15 reactivated\n");
        assert_eq!(statuses(&sandbox), before);
    });
}

/// The run is killed, the next run with its journal finishes it, and the journal undoes both.
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
    // The run did not act on a record that was cut off.
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
        // The result of a change without a record is unknown.
        if row["Outcome"] == "Unknown" {
            in_doubt += usize::from(at_once[&id] == Status::Inactive);
            expected.insert(id.clone(), at_once[&id]);
        } else {
            assert_eq!(row["Outcome"], "Reactivated", "{row}");
        }
    }
    let _ = printed.prints(&output).says(&["result: "]);
    assert_eq!(statuses(&sandbox), expected);

    // The next run finishes the rest. The journal then has all keys, and the undone ones twice.
    let printed = deactivate().run().exits(0);
    let _ = printed.prints_anything().says(&["result: "]);
    assert!(statuses(&sandbox).iter().all(|(id, status)| {
        !id.starts_with("AKIA") || before[id] == *status || *status == Status::Inactive
    }));
    // A change that the killed run may have made is not undone, since somebody else may have made it.
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

/// The text that a killed run or a power failure leaves after the last complete record was not acted on.
#[test]
fn a_journal_is_resumed_and_undone_whatever_follows_its_last_whole_record() {
    let (cut, zeros) = ("{\"AccessKeyId\":", "\0".repeat(100));
    let cases = [
        (zeros.clone(), true),
        (format!("{cut}{zeros}"), true),
        (cut.to_owned(), true),
        // Only the last line can be incomplete.
        (format!("{zeros}\n"), false),
        (format!("{cut}\n"), false),
        ("\0".repeat(1 << 16), false),
    ];
    each(cases, |(rest, is_read)| {
        let (sandbox, list) = crowd(2);
        let kept = Kept::new(&list);
        let deactivate = || kept.case(&sandbox, &["--deactivate", "--yes"]).run();
        let printed = deactivate().exits(0);
        let _ = printed.prints_anything().says(&["2 deactivated"]);
        let whole = kept.journal();
        std::fs::write(kept.path(), whole + &rest).expect("a journal");
        let exit = if is_read { 0 } else { 2 };
        let undone = undo(&sandbox, &kept.path()).run().exits(exit);
        let resumed = deactivate().exits(exit);
        let _ = if is_read {
            let _ = undone
                .prints_outcomes(&[("Reactivated", 2)])
                .says_exactly("result: 2 keys: 2 reactivated\n");
            resumed.prints_anything().says(&["2 deactivated"])
        } else {
            let _ = undone.prints_nothing().says(&["done.jsonl, line 6"]);
            resumed.prints_nothing().says(&["record 6 "])
        };
    });
}

#[test]
fn f104_a_journal_that_a_run_still_writes_is_not_undone() {
    let sandbox = inactive();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("done.jsonl");
    std::fs::write(&path, row(BOBS_KEY, CHANGED)).expect("a file");
    let other = File::open(&path).expect("a file");
    other.lock().expect("a lock");
    let says = [
        "another run is using the journal",
        "wait for that run to end",
    ];
    undo(&sandbox, &path).run().stops(11, &says);
    let from_input = "file=$1; shift; exec \"$@\" < \"$file\"";
    let shell = ["sh", "-c", from_input, "sh", path.to_str().expect("a path")];
    let of_input = undo(&sandbox, Path::new("-")).start_under(Some(&shell));
    of_input.end().stops(11, &says);
    assert_eq!(sandbox.connections(), 0);
    other.unlock().expect("no lock");
    let said = undo(&sandbox, &path).run().exits(0);
    let _ = said
        .prints_outcome("Reactivated")
        .says_exactly("result: 1 key: 1 reactivated\n");
}

#[test]
fn f104_no_run_changes_keys_with_a_journal_that_is_being_undone() {
    let (sandbox, list) = crowd(2);
    let kept = Kept::new(&list);
    let deactivate = || kept.case(&sandbox, &["--deactivate"]);
    let _ = deactivate()
        .run()
        .exits(0)
        .prints_anything()
        .says(&["2 deactivated"]);
    sandbox.fault(Fault::new(What::SilenceBeforeActing).on("UpdateAccessKey"));
    let sent = sandbox.requests().len();
    let undoing = undo(&sandbox, &kept.path()).args(["--jobs", "1"]).start();
    wait_for(|| {
        sandbox.requests()[sent..]
            .iter()
            .any(|sent| sent.action == "UpdateAccessKey")
    });
    let parallel = deactivate().run().exits(11).prints_nothing();
    let _ = parallel.says(&["another run is using the journal"]);
    undoing.signal("INT");
    let _ = undoing
        .end()
        .exits(130)
        .prints_anything()
        .says(&["interrupted"]);
}

/// Somebody deactivated a key after an earlier undo, whose journal is the same.
#[test]
fn f104_an_undo_that_its_journal_records_is_not_repeated() {
    each([(&[][..], 12), (&["--dry-run"], 0)], |(more, ended)| {
        let (sandbox, list) = crowd(2);
        let kept = Kept::new(&list);
        let deactivate = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
        let _ = deactivate.prints_anything().says(&["2 deactivated"]);
        let folder = tempfile::tempdir().expect("a folder");
        let again = |more: &[&str]| {
            let journal = folder.path().join("undone.jsonl");
            let case = undo(&sandbox, &kept.path()).args(["--journal"]);
            case.args([journal]).args(more.iter().copied()).run()
        };
        let undone = again(&[]).exits(0).prints_anything();
        let _ = undone.says(&["2 reactivated"]);
        let [first, second] = [0, 1].map(|n| nth_key_id(ACCOUNT, n));
        sandbox.set_status(&first, Status::Inactive);
        let refused = again(more).exits(ended);
        let refused = refused.prints_outcomes(&[("Refused", 1), ("Skipped", 1)]);
        let anyway = format!(
            "to reactivate the refused keys anyway: iam-del-key --access-key-id {first} --user-name=user-000001 --reactivate\n"
        );
        let says: &[&str] = &[&anyway, "2 keys: 1 refused, 1 already active"];
        let _ = refused.says(if ended == 0 { &says[1..] } else { says });
        let found = [first, second].map(|id| statuses(&sandbox)[&id]);
        assert_eq!(found, [Status::Inactive, Status::Active]);
    });
}

/// An undo has its own journal, and is run again with it.
#[test]
fn f104_an_undo_that_was_cut_off_is_finished_by_the_same_command() {
    let (sandbox, list) = crowd(12);
    let kept = Kept::new(&list);
    let before = statuses(&sandbox);
    let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
    let _ = printed.prints_anything().says(&["12 deactivated"]);
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("undone.jsonl");
    let undo = || {
        undo(&sandbox, &kept.path())
            .args(["--journal"])
            .args([&own])
    };
    sandbox.fault(always("UpdateAccessKey", What::ResetBeforeActing).skip(5));
    let printed = undo()
        .args(["--jobs", "1", "--timeout", "3", "--fail-fast"])
        .run()
        .exits(12);
    let _ = printed
        .prints_anything()
        .says(&[
            "hint: to continue, run the same command again; keys that are already active are skipped\n",
        ])
        .ends_with("12 keys: 5 reactivated, 1 unknown, 6 not tried");
    sandbox.clear_faults();
    let printed = undo().run().exits(0);
    let expected = [("Reactivated", 7), ("Skipped", 5)];
    let _ = printed
        .prints_outcomes(&expected)
        .says_exactly("result: 12 keys: 7 reactivated, 5 already active\n");
    assert_eq!(statuses(&sandbox), before);
}

/// The combined meaning of several records of a key: R means reactivated, X refused, ? reported as unknown, and - left out.
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
    const PRESUMED: &str = "\"Outcome\":\"Deactivated\"";
    const BLIND: &str = "\"Intent\":\"deactivate\"";
    let active = |record: &str| format!("{record},\"Status\":\"Active\"");
    let inactive_too = |record: &str| format!("{record},\"Status\":\"Inactive\"");
    let [failed, skipped, unknown] = [FAILED, SKIPPED, UNKNOWN].map(active);
    let [still_failed, still_skipped, still_unknown] = [FAILED, SKIPPED, UNKNOWN].map(inactive_too);
    let [failed_result, unknown_result] = [FAILED_RESULT, UNKNOWN_RESULT].map(active);
    let still_unknown_result = inactive_too(UNKNOWN_RESULT);
    let open_result = format!("{FAILED_RESULT},\"Unfinished\":1");
    let attempted = format!("{PRESUMED},\"Attempts\":1");
    let cases = [
        (HEAD, &[INTENT][..], '?'),
        (HEAD, &[INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, FAILED], '-'),
        (HEAD, &[INTENT, UNKNOWN], '?'),
        (HEAD, &[INTENT, UNKNOWN, INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, UNKNOWN, INTENT, FAILED], '-'),
        (HEAD, &[INTENT, CHANGED, FAILED], 'R'),
        // The key was active again after its deactivation, so somebody else may have deactivated it since.
        (HEAD, &[INTENT, CHANGED, INTENT, FAILED], 'X'),
        (HEAD, &[INTENT, CHANGED, INTENT], 'X'),
        (HEAD, &[INTENT, CHANGED, INTENT, PRESUMED], 'X'),
        (HEAD, &[INTENT, CHANGED, INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, CHANGED, &failed], 'X'),
        (HEAD, &[INTENT, CHANGED, &skipped], 'X'),
        (HEAD, &[INTENT, CHANGED, &unknown], 'X'),
        (HEAD, &[INTENT, CHANGED, &skipped, &still_skipped], 'X'),
        (HEAD, &[INTENT, CHANGED, &skipped, INTENT, CHANGED], 'R'),
        (HEAD, &[INTENT, CHANGED, BLIND, PRESUMED], 'X'),
        (HEAD, &[INTENT, CHANGED, UNKNOWN, PRESUMED], 'X'),
        // No record says that the key was active again.
        (HEAD, &[INTENT, CHANGED, &still_failed], 'R'),
        (HEAD, &[INTENT, CHANGED, &still_skipped], 'R'),
        (HEAD, &[INTENT, CHANGED, &still_unknown], 'R'),
        (HEAD, &[INTENT, CHANGED, BLIND], 'R'),
        // IAM confirmed the change, and the run did not know the previous status.
        (HEAD, &[INTENT, CHANGED, BLIND, &attempted], 'R'),
        (HEAD, &[&skipped, INTENT, CHANGED], 'R'),
        (HEAD, &[SKIPPED], '-'),
        ("", &[CHANGED], 'R'),
        ("", &[UNKNOWN_RESULT, CHANGED], 'R'),
        ("", &[CHANGED, UNKNOWN_RESULT], 'R'),
        ("", &[CHANGED, SKIPPED], 'R'),
        // The second run found the key inactive, and cannot know since when.
        ("", &[UNKNOWN_RESULT, SKIPPED], '?'),
        ("", &[UNKNOWN_RESULT, FAILED_RESULT], '?'),
        ("", &[UNKNOWN_RESULT, &failed_result], '?'),
        ("", &[CHANGED, &failed_result], 'X'),
        ("", &[CHANGED, &skipped], 'X'),
        ("", &[CHANGED, &unknown_result], 'X'),
        ("", &[CHANGED, &unknown_result, PRESUMED], 'X'),
        ("", &[CHANGED, UNKNOWN_RESULT, PRESUMED], 'X'),
        ("", &[CHANGED, &skipped, CHANGED], 'R'),
        ("", &[CHANGED, &attempted], 'R'),
        ("", &[CHANGED, &still_skipped], 'R'),
        ("", &[CHANGED, &still_unknown_result], 'R'),
        ("", &[&skipped, CHANGED], 'R'),
        ("", &[&skipped], '-'),
        ("", &[FAILED_RESULT], '-'),
        ("", &[&open_result], '?'),
        ("", &[SKIPPED], '-'),
    ];
    each(cases, |(head, records, expected)| {
        let sandbox = inactive();
        let list = records.iter().fold(head.to_owned(), |list, record| {
            list + &row(BOBS_KEY, record)
        });
        let case = from_stdin(&sandbox, &list, &["--reactivate", "--yes"]);
        let printed = case.run().exits_with_one_of(&[0, 10, 11]);
        let output = printed.output().to_owned();
        let said = match rows(&output).as_slice() {
            [] => '-',
            [row] if row["Outcome"] == "Reactivated" => 'R',
            [row] if row["Outcome"] == "Refused" => 'X',
            [row] if row["Outcome"] == "Unknown" => '?',
            rows => panic!("{rows:?}"),
        };
        assert_eq!(said, expected, "{list}");
        let is_active = status(&sandbox, BOBS_KEY) == Some(Status::Active);
        assert_eq!(is_active, said == 'R', "{list}");
        let _ = printed.prints(&output).says(&["result: "]);
    });
}
