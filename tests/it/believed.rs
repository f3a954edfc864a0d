//! A run with the journal of an earlier one: which records count.

use std::os::unix::fs::symlink;

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{KeySeed, Sandbox, Status};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, actions, documented, each};
use crate::intent::started;
use crate::journal::{ACCOUNT, Kept, UNREAD};
use crate::many::rows;
use crate::resumed::{bobs_row, record};
use crate::undo::undo;

/// A journal of another account. It says that Bob's key is deleted.
fn of_another_account() -> Kept {
    let kept = started();
    let journal = kept.journal().replace(ACCOUNT, "999999999999");
    let deleted = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deleted\"}}\n");
    std::fs::write(kept.path(), journal + &deleted).expect("a journal");
    kept
}

#[test]
fn c66_a_journal_of_another_account_is_refused() {
    let expect = ["--expect-account", ACCOUNT];
    let unread = "the journal was not read";
    let other = "the journal belongs to another account";
    let cases = [
        (&expect[..], unread),
        (&["--expect-account", ACCOUNT, "--dry-run"], unread),
        (&[], other),
        (&["--dry-run"], other),
    ];
    each(cases, |(more, known)| {
        let sandbox = documented();
        let kept = of_another_account();
        let what = if known == unread {
            format!("but --expect-account is {ACCOUNT}")
        } else {
            format!("but the credentials belong to account {ACCOUNT}")
        };
        let error = format!(
            "iam-del-key: error: cannot use the journal {}: it is for account 999999999999, {what}\n\
             hint: use a separate journal for each account\n",
            kept.path().display()
        );
        let known = format!("unknown: the results of earlier runs are unknown: {known}");
        let case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
        let ended = case.args(more).run();
        ended.stops_exactly(2, &format!("{error}result: {BOBS_KEY}: {known}\n"));
        let ended = kept.case(&sandbox, more).run();
        ended.stops_exactly(2, &format!("{error}result: {UNREAD}\n"));
        let mut others = actions(&sandbox);
        others.retain(|action| action != "GetCallerIdentity");
        assert!(others.is_empty(), "{others:?}");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// The IDs of old keys do not encode the account, so STS must return the journal's account.
#[test]
fn c66_sts_is_asked_for_the_account_if_the_key_id_does_not_encode_it() {
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
    signed(&sandbox, &journal).run().stops_as(
        2,
        &["it is for account 999999999999, but the credentials belong to account 123456789012"],
        "the journal belongs to another account",
    );
    assert!(sandbox.has_key(BOBS_KEY));
    let (sandbox, journal) = (old(), Kept::new(""));
    signed(&sandbox, &journal).run().deletes_quietly();
    assert!(journal.journal().contains("\"AccountId\":\"123456789012\""));
    assert_eq!(actions(&sandbox), ["GetCallerIdentity", "DeleteAccessKey"]);
}

#[test]
fn c66_a_journal_with_a_record_that_this_program_does_not_write_is_refused() {
    let result = |action: &'static str, outcome: &str, shown: &str| {
        let record = format!("\"Outcome\":\"{outcome}\"");
        (action, record, format!("unexpected result \"{shown}\""))
    };
    let intent = |action: &'static str, intent: &str| {
        let record = format!("\"Intent\":\"{intent}\"");
        (action, record, format!("unexpected intent \"{intent}\""))
    };
    let both = "\"Intent\":\"delete\",\"Outcome\":\"Deleted\"".to_owned();
    let neither = "\"Intent\":null,\"Outcome\":null".to_owned();
    let cases = [
        result("delete", "Deactivated", "Deactivated"),
        result("deactivate", "Deleted", "Deleted"),
        result("delete", "WouldDelete", "WouldDelete"),
        result("delete", "WouldDeactivate", "WouldDeactivate"),
        result("delete", "deleted", "deleted"),
        result("delete", "Gone\\u001b[2J", "Gone\\u{1b}[2J"),
        result("delete", "", ""),
        intent("delete", "deactivate"),
        intent("deactivate", "delete"),
        intent("delete", "Delete"),
        ("delete", both, "both an intent and a result".to_owned()),
        (
            "delete",
            neither,
            "neither an intent nor a result".to_owned(),
        ),
    ];
    each(cases, |(action, record, what)| {
        let sandbox = documented();
        let kept = started();
        let named = format!("\"{action}\"");
        let before = kept.journal().replace("\"delete\"", &named);
        let record = format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",{record},\"Time\":\"t\"}}\n"
        );
        std::fs::write(kept.path(), before + &record).expect("a journal");
        let case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
        let deactivate = (action == "deactivate").then_some("--deactivate");
        let ended = case.args(deactivate).run();
        ended.stops_exactly(2, &format!(
            "iam-del-key: error: cannot use the journal {}: record 3 is invalid: {what}\n\
             result: {BOBS_KEY}: unknown: the results of earlier runs are unknown: the journal was not read\n",
            kept.path().display()
        ));
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn c66_a_journal_with_a_key_or_an_owner_that_iam_cannot_have_is_refused() {
    let sandbox = documented();
    let cases = [("x", "\"Bob\""), (BOBS_KEY, "\"a b\""), (BOBS_KEY, "\"\"")];
    each(cases, |(id, owner)| {
        let kept = started();
        let record =
            format!("{{\"AccessKeyId\":\"{id}\",\"UserName\":{owner},\"Outcome\":\"Deleted\"}}\n");
        std::fs::write(kept.path(), kept.journal() + &record).expect("a journal");
        kept.case(&sandbox, &[])
            .run()
            .stops_as(2, &["record 3 is invalid: "], UNREAD);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c66_a_key_that_was_started_after_it_was_settled_is_in_progress() {
    each(["Deleted", "Missing"], |outcome| {
        let sandbox = documented();
        let kept = started();
        let journal = kept.journal();
        let (head, intent) = journal.split_once('\n').expect("two records");
        let settled = record(BOBS_KEY, "Bob", outcome);
        let journal = format!("{head}\n{settled}{intent}");
        std::fs::write(kept.path(), journal).expect("a journal");
        let printed = kept.case(&sandbox, &[]).run().exits(0);
        let _ = printed
            .prints_outcomes(&[("Deleted", 1)])
            .says_exactly("result: 1 key: 1 deleted\n");
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn c66_a_key_that_failed_after_it_was_settled_is_retried() {
    let cases = [
        ("Deleted", "Failed"),
        ("Missing", "Failed"),
        ("Deleted", "NotTried"),
    ];
    each(cases, |(outcome, end)| {
        let sandbox = documented();
        let kept = started();
        let journal = kept.journal();
        let (head, intent) = journal.split_once('\n').expect("two records");
        let [settled, failed] = [outcome, end].map(|outcome| record(BOBS_KEY, "Bob", outcome));
        let journal = format!("{head}\n{settled}{intent}{failed}");
        std::fs::write(kept.path(), journal).expect("a journal");
        let printed = kept.case(&sandbox, &[]).run().exits(0);
        let _ = printed
            .prints_anything()
            .says_exactly("result: 1 key: 1 deleted\n");
        assert!(!sandbox.has_key(BOBS_KEY));
        // The last record counts.
        kept.case(&sandbox, &[])
            .run()
            .stops_exactly(0, "result: 1 key: 1 finished by an earlier run\n");
    });
}

#[test]
fn c75_keys_of_another_owner_in_the_journal_are_not_counted_for_this_run() {
    let kept = started();
    let journal = kept.journal();
    let (head, _) = journal.split_once('\n').expect("two records");
    // The first key is only presumed deleted, as another user's. The second is not a key of this run.
    let presumed = "Deleted\",\"OwnerUnchecked\":true,\"Result\":\"deleted";
    let settled = [(BOBS_KEY, presumed), (ALICE_KEY_ID, "Deleted")];
    let settled = settled.map(|(id, outcome)| record(id, "Alice", outcome));
    let planted = format!("{head}\n{}", settled.concat());
    let sandbox = documented();
    std::fs::write(kept.path(), &planted).expect("a journal");
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let _ = printed
        .prints_anything()
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
    let sandbox = documented();
    std::fs::write(kept.path(), &planted).expect("a journal");
    Case::documented(&sandbox, &["--journal"])
        .args([kept.path()])
        .run()
        .deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// A journal that says that a run started to deactivate Bob's active key.
fn started_to_deactivate() -> Kept {
    let kept = started();
    let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
    let journal = journal.replace("\"Time\"", "\"PreviousStatus\":\"Active\",\"Time\"");
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

#[test]
fn c27_a_deactivation_that_a_killed_run_began_is_undone_only_if_this_run_did_it() {
    let sweep: &[&str] = &["--user-name", "Bob", "--all-keys", "--except-user", "Alice"];
    let one: &[&str] = &["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let cases = [
        // The run was killed after the change, or before it and then a person made the change: no record shows which.
        (one, Status::Inactive, "", false),
        (sweep, Status::Inactive, "", false),
        (one, Status::Active, "", true),
        // This run cannot read the status, and a person may have changed it since.
        (one, Status::Active, "iam:ListAccessKeys", false),
    ];
    each(cases, |(args, status, denied, is_known)| {
        let expected = is_known.then_some("Active");
        let previous = |row: &Value| row["PreviousStatus"].as_str().map(str::to_owned);
        let sandbox = documented();
        sandbox.set_status(BOBS_KEY, status);
        if !denied.is_empty() {
            sandbox.deny(denied);
        }
        let kept = started_to_deactivate();
        let case = Case::at(&sandbox, args.iter().copied());
        let case = case.args(["--deactivate", "--yes", "--journal"]);
        let printed = case.args([kept.path()]).run().exits(0);
        let row = bobs_row(&printed);
        assert_eq!(row["Outcome"], "Deactivated");
        assert_eq!(previous(&row).as_deref(), expected, "{row}");
        let mut records = rows(&kept.journal()).into_iter();
        let record = records
            .find(|record| record["Outcome"] == "Deactivated" && record["AccessKeyId"] == BOBS_KEY);
        let record = record.expect("its record");
        assert_eq!(previous(&record).as_deref(), expected, "{record}");
        let undone = undo(&sandbox, &kept.path()).run();
        let undone = undone.exits_with_one_of(&[0, 11, 12]);
        let (outcome, then) = if is_known {
            ("Reactivated", Status::Active)
        } else {
            ("Refused", Status::Inactive)
        };
        assert_eq!(bobs_row(&undone)["Outcome"], outcome);
        let now = sandbox.key(BOBS_KEY).map(|key| key.status);
        assert_eq!(now, Some(then));
    });
}

#[test]
fn c27_a_deactivation_of_a_key_that_was_not_active_before_has_no_status_to_restore() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = started_to_deactivate();
    let unread = "\"PreviousStatus\":\"Active\",";
    std::fs::write(kept.path(), kept.journal().replace(unread, "")).expect("a journal");
    let printed = kept.case(&sandbox, &["--deactivate"]).run().exits(0);
    assert_eq!(printed.object().get("PreviousStatus"), None);
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    let journal = rows(&kept.journal());
    let last = journal.last().expect("a record");
    assert_eq!(last.get("PreviousStatus"), None);
}

/// The changes of earlier runs are in a journal that this run does not have.
#[test]
fn a_journal_without_its_start_or_behind_a_broken_link_is_not_read() {
    let journal = started().journal();
    let (_, record) = journal.split_once('\n').expect("two lines");
    let result = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deleted\"}}\n");
    let cases = [
        (Some(record.to_owned()), "it is not an iam-del-key journal"),
        (Some(result), "it is not an iam-del-key journal"),
        (None, "it is a link to a file that does not exist"),
    ];
    each(cases, |(content, what)| {
        let sandbox = documented();
        let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
        match &content {
            Some(content) => std::fs::write(kept.path(), content),
            None => symlink("elsewhere", kept.path()),
        }
        .expect("a journal");
        let error = format!(
            "iam-del-key: error: cannot use the journal {}: {what}\n",
            kept.path().display()
        );
        each([&[][..], &["--dry-run"]], |more| {
            let case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
            let ended = case.args(more.to_vec()).run();
            ended.stops_exactly(2, &format!(
                "{error}result: {BOBS_KEY}: unknown: the results of earlier runs are unknown: the journal was not read\n"
            ));
            let ended = kept.case(&sandbox, more).run();
            ended.stops_exactly(2, &format!("{error}result: {UNREAD}\n"));
        });
        assert_eq!(kept.journal(), content.unwrap_or_default());
        assert_eq!(sandbox.connections(), 0);
    });
}
