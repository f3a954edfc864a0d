//! A run with the journal of an earlier one: what it takes up, and what it believes.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, Status};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::intent::begun;
use crate::journal::{ACCOUNT, Kept};
use crate::many::{outcomes, rows};
use crate::response::{keys, member, xml};

/// A sweep with this journal.
fn sweep(sandbox: &Sandbox, kept: &Kept, args: &[&str]) -> Case {
    Case::at(sandbox, args.iter().copied())
        .args(["--yes", "--journal"])
        .args([kept.path()])
}

const ALL_OF_BOB: &[&str] = &["--user-name", "bob", "--all-keys", "--only-inactive"];
const WHOLE_ACCOUNT: &[&str] = &[
    "--whole-account",
    "--only-inactive",
    "--except-user",
    "Alice",
    "--expect-account",
    "123456789012",
];

#[test]
fn c56_a_sweep_takes_up_a_key_that_a_killed_run_began_and_iam_no_longer_lists() {
    for selection in [ALL_OF_BOB, WHOLE_ACCOUNT] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let kept = begun();
        let before = kept.journal();
        let printed = sweep(&sandbox, &kept, &[selection, &["--dry-run"]].concat())
            .run()
            .exits(10);
        let output = printed.output().to_owned();
        let rows = rows(&output);
        let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
        assert_eq!(row.expect("its row")["Outcome"], "Unknown");
        let _ = printed.prints(&output).says(&[&format!(
            "error: {BOBS_KEY}: this run did not change it: IAM's lists do not show whether it was changed; \
             unknown: an earlier run started to change it, and the result is unknown"
        )]);
        assert_eq!(kept.journal(), before);
        let printed = sweep(&sandbox, &kept, selection).run().exits(0);
        let rows = crate::many::rows(printed.output());
        let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
        assert_eq!(row.expect("its row")["Outcome"], "Deleted");
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&[&format!(
                "warning: {BOBS_KEY} is presumed deleted: an earlier run started this; IAM no longer lists the key"
            )])
            .ends_with(" deleted");
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
        // Only once.
        let printed = sweep(&sandbox, &kept, selection).run().exits(0);
        let _ = printed.prints_nothing().says(&[" checked, and "]);
    }
}

#[test]
fn c56_a_sweep_takes_up_no_key_that_iam_still_lists_or_of_another_user() {
    // Nobody deleted it, and it does not satisfy the condition.
    let sandbox = documented();
    let kept = begun();
    let _ = sweep(&sandbox, &kept, ALL_OF_BOB)
        .run()
        .exits(0)
        .prints_nothing()
        .says(&[" checked, and "]);
    assert!(sandbox.has_key(BOBS_KEY));
    // It is Bob's, and the run is about Alice.
    sandbox.remove_key(BOBS_KEY);
    let alice = ["--user-name", "Alice", "--all-keys"];
    let printed = sweep(&sandbox, &kept, &alice).run().exits(0);
    assert!(!printed.output().contains(BOBS_KEY));
    assert!(printed.output().contains(ALICE_KEY_ID));
    assert!(!kept.results().contains_key(BOBS_KEY));
}

/// A journal in which an earlier run settled Bob's key.
fn settled(outcome: &str) -> Kept {
    let kept = Kept::new("");
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n\
         {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

#[test]
fn what_iam_lists_now_takes_precedence_over_a_record_that_the_key_is_gone() {
    let whole_account = WHOLE_ACCOUNT.to_vec();
    for outcome in ["Missing", "Deleted"] {
        for selection in [ALL_OF_BOB, &whole_account] {
            let sandbox = documented();
            sandbox.set_status(BOBS_KEY, Status::Inactive);
            let kept = settled(outcome);
            let dry_run = [selection, &["--dry-run"]].concat();
            let printed = sweep(&sandbox, &kept, &dry_run).run();
            assert!(printed.is_success());
            let printed = printed.exits(0);
            let rows = rows(printed.output());
            let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
            assert_eq!(row.expect("its row")["Outcome"], "WouldDelete");
            let printed = sweep(&sandbox, &kept, selection).run().exits(0);
            let rows = crate::many::rows(printed.output());
            let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
            assert_eq!(row.expect("its row")["Outcome"], "Deleted");
            let output = printed.output().to_owned();
            let _ = printed
                .prints(&output)
                .says(&["note: "])
                .ends_with(" deleted");
            assert!(!sandbox.has_key(BOBS_KEY));
            assert_eq!(kept.results()[BOBS_KEY], "Deleted");
        }
    }
}

#[test]
fn a_deletion_that_a_list_lags_behind_is_not_reported_again() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let page = keys(
        &member(BOBS_KEY, "Bob", "Inactive"),
        "<IsTruncated>false</IsTruncated>",
    );
    sandbox.fault(Fault::new(xml(page)).on("ListAccessKeys"));
    let kept = settled("Deleted");
    let before = kept.journal();
    let _ = sweep(&sandbox, &kept, ALL_OF_BOB)
        .run()
        .exits(0)
        .prints_nothing()
        .says(&["1 key of 1 user checked"])
        .ends_with("1 key: 1 finished by an earlier run");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    assert_eq!(kept.journal(), before);
}

#[test]
fn a_key_that_iam_lists_again_and_refuses_to_delete_is_not_settled() {
    for outcome in ["Missing", "Deleted"] {
        let sandbox = documented();
        sandbox.set_status(BOBS_KEY, Status::Inactive);
        sandbox.deny("iam:DeleteAccessKey");
        let kept = settled(outcome);
        let printed = sweep(&sandbox, &kept, ALL_OF_BOB).run().exits(6);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Failed".to_owned(), 1)]);
        let _ = printed
            .prints(&output)
            .says(&["AccessDenied"])
            .ends_with("1 key: 1 failed and not changed");
        assert_eq!(kept.results()[BOBS_KEY], "Failed");
    }
}

#[test]
fn c56_a_key_that_a_sweep_takes_up_stays_unknown_where_no_list_proves_it() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = begun();
    // IAM had not listed it when it was begun.
    let journal = kept.journal().replace(",\"Status\":\"Active\"", "");
    std::fs::write(kept.path(), journal).expect("a journal");
    for _ in 0..2 {
        let printed = sweep(&sandbox, &kept, ALL_OF_BOB).run().exits(10);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
        let _ = printed
            .prints(&output)
            .says(&["the result is unknown"])
            .ends_with("1 key: 1 unknown");
    }
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn c56_a_sweep_takes_up_a_key_that_a_killed_run_made_inactive() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = begun();
    let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
    std::fs::write(kept.path(), journal).expect("a journal");
    let args = ["--user-name", "Bob", "--all-keys", "--deactivate"];
    let printed = sweep(&sandbox, &kept, &args).run().exits(0);
    let output = printed.output().to_owned();
    let rows = rows(&output);
    let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
    assert_eq!(row.expect("its row")["Outcome"], "Deactivated");
    let _ = printed.prints(&output).says(&[&format!(
        "warning: {BOBS_KEY} is presumed deactivated: an earlier run started this; \
         IAM now lists the key as Inactive"
    )]);
    assert_eq!(kept.results()[BOBS_KEY], "Deactivated");
}

/// A journal of another account in which Bob's key is deleted.
fn of_another_account() -> Kept {
    let kept = begun();
    let journal = kept.journal().replace(ACCOUNT, "999999999999");
    let deleted = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deleted\"}}\n");
    std::fs::write(kept.path(), journal + &deleted).expect("a journal");
    kept
}

#[test]
fn c66_nothing_of_a_journal_of_another_account_is_believed() {
    for (more, what, hint, known) in [
        (
            &["--expect-account", ACCOUNT][..],
            format!("but --expect-account is {ACCOUNT}"),
            "use a separate journal for each account",
            "the results of earlier runs are unknown: the journal was not read",
        ),
        (
            &["--expect-account", ACCOUNT, "--dry-run"],
            format!("but --expect-account is {ACCOUNT}"),
            "use a separate journal for each account",
            "the results of earlier runs are unknown: the journal was not read",
        ),
        (
            &[],
            format!("but the credentials belong to account {ACCOUNT}"),
            "use a separate journal for each account",
            "the results of earlier runs are unknown: the journal belongs to another account",
        ),
        (
            &["--dry-run"],
            format!("but the credentials belong to account {ACCOUNT}"),
            "use a separate journal for each account",
            "the results of earlier runs are unknown: the journal belongs to another account",
        ),
    ] {
        let sandbox = documented();
        let kept = of_another_account();
        let error = format!(
            "iam-del-key: error: cannot use the journal {}: it is for account 999999999999, {what}\nhint: {hint}\n",
            kept.path().display()
        );
        let case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
        let _ = case
            .args(more.iter().copied())
            .run()
            .exits(2)
            .prints_nothing()
            .says_exactly(&format!("{error}result: {BOBS_KEY}: unknown: {known}\n"));
        let _ = kept
            .case(&sandbox, more)
            .run()
            .exits(2)
            .prints_nothing()
            .says_exactly(&format!("{error}result: no key was changed\n"));
        assert!(
            actions(&sandbox)
                .iter()
                .all(|action| action == "GetCallerIdentity")
        );
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

/// The IDs of old keys do not encode the account: STS says whose journal it is.
#[test]
fn c66_the_account_of_a_key_that_does_not_say_it_is_asked_for() {
    const OLD: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "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";
    let old = || {
        let seed = KeySeed::new("old", OLD).secret(SECRET);
        Sandbox::documented().key(seed).start()
    };
    let signed = |sandbox: &Sandbox, journal: &Kept| {
        Case::documented(sandbox, &["--journal"])
            .args([journal.path()])
            .env("AWS_ACCESS_KEY_ID", OLD)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_ENDPOINT_URL_STS", sandbox.url())
    };
    let (sandbox, journal) = (old(), of_another_account());
    let _ = signed(&sandbox, &journal)
        .run()
        .exits(2)
        .prints_nothing()
        .says(&[
            "it is for account 999999999999, but the credentials belong to account 123456789012",
        ])
        .ends_with("the journal belongs to another account");
    assert!(sandbox.has_key(BOBS_KEY));
    let (sandbox, journal) = (old(), Kept::new(""));
    let _ = signed(&sandbox, &journal)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(journal.journal().contains("\"AccountId\":\"123456789012\""));
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "DeleteAccessKey"]);
}

#[test]
fn c66_a_journal_with_a_record_that_this_program_does_not_write_is_refused() {
    const WHAT: [(&str, &str, &str); 12] = [
        (
            "delete",
            "\"Outcome\":\"Deactivated\"",
            "unexpected result \"Deactivated\"",
        ),
        (
            "deactivate",
            "\"Outcome\":\"Deleted\"",
            "unexpected result \"Deleted\"",
        ),
        (
            "delete",
            "\"Outcome\":\"WouldDelete\"",
            "unexpected result \"WouldDelete\"",
        ),
        (
            "delete",
            "\"Outcome\":\"WouldDeactivate\"",
            "unexpected result \"WouldDeactivate\"",
        ),
        (
            "delete",
            "\"Outcome\":\"deleted\"",
            "unexpected result \"deleted\"",
        ),
        (
            "delete",
            "\"Outcome\":\"Gone\\u001b[2J\"",
            "unexpected result \"Gone\\u{1b}[2J\"",
        ),
        ("delete", "\"Outcome\":\"\"", "unexpected result \"\""),
        (
            "delete",
            "\"Intent\":\"deactivate\"",
            "unexpected intent \"deactivate\"",
        ),
        (
            "deactivate",
            "\"Intent\":\"delete\"",
            "unexpected intent \"delete\"",
        ),
        (
            "delete",
            "\"Intent\":\"Delete\"",
            "unexpected intent \"Delete\"",
        ),
        (
            "delete",
            "\"Intent\":\"delete\",\"Outcome\":\"Deleted\"",
            "both an intent and a result",
        ),
        (
            "delete",
            "\"Intent\":null,\"Outcome\":null",
            "neither an intent nor a result",
        ),
    ];
    for (action, record, what) in WHAT {
        let sandbox = documented();
        let kept = begun();
        let before = kept
            .journal()
            .replace("\"delete\"", &format!("\"{action}\""));
        let record = format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",{record},\"Time\":\"t\"}}\n"
        );
        std::fs::write(kept.path(), before + &record).expect("a journal");
        let mut case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
        if action == "deactivate" {
            case = case.args(["--deactivate"]);
        }
        let _ = case.run().exits(2).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: cannot use the journal {}: record 3 is invalid: {what}\n\
             result: {BOBS_KEY}: unknown: the results of earlier runs are unknown: the journal was not read\n",
            kept.path().display()
        ));
        assert_eq!(sandbox.connections(), 0);
    }
}

#[test]
fn c66_a_journal_with_a_key_or_an_owner_that_iam_cannot_have_is_refused() {
    let sandbox = documented();
    for (id, owner) in [("x", "\"Bob\""), (BOBS_KEY, "\"a b\""), (BOBS_KEY, "\"\"")] {
        let kept = begun();
        let record =
            format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":{owner},\"Outcome\":\"Deleted\"}}\n");
        std::fs::write(kept.path(), kept.journal() + &record).expect("a journal");
        let _ = kept
            .case(&sandbox, &[])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["record 3 is invalid: "])
            .ends_with("no key was changed");
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c66_a_key_that_was_begun_after_it_was_settled_is_in_progress() {
    for outcome in ["Deleted", "Missing"] {
        let sandbox = documented();
        let kept = begun();
        let journal = kept.journal();
        let (head, intent) = journal.split_once('\n').expect("two records");
        let settled = format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}"
        );
        let journal = format!("{head}\n{settled}\n{intent}");
        std::fs::write(kept.path(), journal).expect("a journal");
        let printed = kept.case(&sandbox, &[]).run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Deleted".to_owned(), 1)]);
        let _ = printed
            .prints(&output)
            .says(&["result: "])
            .ends_with("1 key: 1 deleted");
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c66_a_key_that_failed_after_it_was_settled_is_tried_again() {
    for (outcome, end) in [
        ("Deleted", "Failed"),
        ("Missing", "Failed"),
        ("Deleted", "NotTried"),
    ] {
        let sandbox = documented();
        let kept = begun();
        let journal = kept.journal();
        let (head, intent) = journal.split_once('\n').expect("two records");
        let result = |outcome: &str| {
            format!(
                "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}\n"
            )
        };
        let (settled, failed) = (result(outcome), result(end));
        let journal = format!("{head}\n{settled}{intent}{failed}");
        std::fs::write(kept.path(), journal).expect("a journal");
        let printed = kept.case(&sandbox, &[]).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says_exactly("result: 1 key: 1 deleted\n");
        assert!(!sandbox.has_key(BOBS_KEY));
        // The last record counts.
        let _ = kept
            .case(&sandbox, &[])
            .run()
            .exits(0)
            .prints_nothing()
            .says_exactly("result: 1 key: 1 finished by an earlier run\n");
    }
}

#[test]
fn c75_keys_of_another_owner_in_the_journal_are_not_counted_for_this_run() {
    let kept = begun();
    let journal = kept.journal();
    let (head, _) = journal.split_once('\n').expect("two records");
    // The first is another user's by the journal, and the second is no key of this run.
    let settled = [BOBS_KEY, ALICE_KEY_ID].map(|id| {
        format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Alice\",\"Outcome\":\"Deleted\"}}\n")
    });
    let planted = format!("{head}\n{}", settled.concat());
    let sandbox = documented();
    std::fs::write(kept.path(), &planted).expect("a journal");
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
    let sandbox = documented();
    std::fs::write(kept.path(), &planted).expect("a journal");
    let _ = Case::documented(&sandbox, &["--journal"])
        .args([kept.path()])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// A journal in which Bob's active key was begun to be made inactive.
fn begun_to_deactivate() -> Kept {
    let kept = begun();
    let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
    let journal = journal.replace("\"Time\"", "\"PreviousStatus\":\"Active\",\"Time\"");
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

/// The last record of a journal.
fn last_record(kept: &Kept) -> Value {
    let journal = kept.journal();
    let last = journal.lines().last().expect("a record");
    serde_json::from_str(last).expect("a whole record")
}

#[test]
fn c27_a_deactivation_that_a_killed_run_began_is_undone_only_if_this_run_did_it() {
    let sweep: &[&str] = &["--user-name", "Bob", "--all-keys", "--except-user", "Alice"];
    let one: &[&str] = &["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    for (args, status, denied, is_known) in [
        // The run was killed after it was carried out, or before, and then a person did it: nobody can tell.
        (one, Status::Inactive, "", false),
        (sweep, Status::Inactive, "", false),
        (one, Status::Active, "", true),
        // This run cannot read the status, and a person may have changed it since.
        (one, Status::Active, "iam:ListAccessKeys", false),
    ] {
        let expected = is_known.then_some("Active");
        let previous = |row: &Value| row["PreviousStatus"].as_str().map(str::to_owned);
        let sandbox = documented();
        sandbox.set_status(BOBS_KEY, status);
        if !denied.is_empty() {
            sandbox.deny(denied);
        }
        let kept = begun_to_deactivate();
        let printed = Case::at(&sandbox, args.iter().copied())
            .args(["--deactivate", "--yes", "--journal"])
            .args([kept.path()])
            .run()
            .exits(0);
        let rows = rows(printed.output());
        let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
        let row = row.expect("its row");
        assert_eq!(row["Outcome"], "Deactivated");
        assert_eq!(previous(row).as_deref(), expected, "{row}");
        let journal = kept.journal();
        let records = journal
            .lines()
            .map(|record| serde_json::from_str::<Value>(record).expect("a whole record"));
        let mut records = records.filter(|record| record["Outcome"] == "Deactivated");
        let record = records.find(|record| record["AccessKeyId"] == BOBS_KEY);
        let record = record.expect("its record");
        assert_eq!(previous(&record).as_deref(), expected, "{record}");
        let undone = Case::at(&sandbox, ["--from"])
            .args([kept.path()])
            .args(["--reactivate", "--yes"])
            .run()
            .exits_with_one_of(&[0, 11, 12]);
        let row = crate::many::rows(undone.output())
            .into_iter()
            .find(|row| row["AccessKeyId"] == BOBS_KEY);
        let outcome = if is_known { "Reactivated" } else { "Refused" };
        assert_eq!(row.expect("its row")["Outcome"], outcome);
        let now = sandbox.key(BOBS_KEY).map(|key| key.status);
        let then = if is_known {
            Status::Active
        } else {
            Status::Inactive
        };
        assert_eq!(now, Some(then));
    }
}

#[test]
fn c27_a_deactivation_of_a_key_that_was_not_active_before_has_no_status_to_restore() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = begun_to_deactivate();
    let unread = "\"PreviousStatus\":\"Active\",";
    std::fs::write(kept.path(), kept.journal().replace(unread, "")).expect("a journal");
    let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
    assert_eq!(printed.object().get("PreviousStatus"), None);
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    assert_eq!(last_record(&kept).get("PreviousStatus"), None);
}
