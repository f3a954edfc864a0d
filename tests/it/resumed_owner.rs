//! The owner of a started key: only a list of the owner that all runs named proves that the key is gone.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::intent::started;
use crate::journal::Kept;
use crate::many::{outcomes, rows};
use crate::streams::wait_for;
use crate::verification::{NEVER, last_use};

#[test]
fn f85_no_list_proves_that_an_unfinished_key_without_an_owner_is_gone() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let kept = Kept::new(&format!("{BOBS_KEY}\n"));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":null}}\n\
         {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Intent\":\"delete\",\"Time\":\"t\"}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    // The signing user's own list does not have the key, which still exists.
    let printed = kept.case(&sandbox, &[]).run().exits(10);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["(NoSuchEntity)"])
        .ends_with("1 key: 1 unknown");
    let printed = kept.case(&sandbox, &["--find-user"]).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// A journal that says only that a key was started; the list names no owner.
pub(crate) fn started_without_owner(id: &str, user_name: &str) -> Kept {
    started_to("delete", id, user_name, "")
}

pub(crate) fn started_to(action: &str, id: &str, user_name: &str, status: &str) -> Kept {
    let kept = Kept::new(&format!("{id}\n"));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":null}}\n\
         {{\"AccessKeyId\":\"{id}\",\"UserName\":{user_name},\"Intent\":\"{action}\",\"Time\":\"t\"{status}}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

/// A run that finds that the previous run deleted the only key of its list.
pub(crate) fn finds_it_deleted(sandbox: &Sandbox, kept: &Kept, more: &[&str]) {
    finds_it(sandbox, kept, more, "IAM no longer lists the key");
}

/// The same, because of what IAM reports.
pub(crate) fn finds_it(sandbox: &Sandbox, kept: &Kept, more: &[&str], why: &str) {
    let printed = kept.case(sandbox, more).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&[&format!("an earlier run started this; {why}")])
        .ends_with("1 key: 1 deleted");
}

#[test]
fn the_result_of_an_unfinished_key_names_the_owner_whom_iam_confirmed() {
    const LISTED: &str = ",\"Status\":\"Active\"";
    let look_ups = [
        None,
        Some(last_use("Bob", NEVER)),
        Some(What::error(404, "NoSuchEntity", "no")),
        Some(last_use("Alice", NEVER)),
    ];
    for (action, status, look_up, expected) in [
        ("deactivate", LISTED, 0, "Bob"),
        ("reactivate", LISTED, 0, "Bob"),
        ("delete", LISTED, 0, "Bob"),
        // Bob was renamed after the deletion.
        ("delete", LISTED, 3, "Alice"),
        ("delete", "", 1, "Bob"),
        // Only the journal names an owner, whom IAM did not confirm.
        ("delete", "", 2, ""),
    ] {
        let sandbox = documented();
        match action {
            "delete" => sandbox.remove_key(BOBS_KEY),
            "deactivate" => sandbox.set_status(BOBS_KEY, Status::Inactive),
            _ => {}
        }
        if let Some(response) = look_ups[look_up].clone() {
            sandbox.fault(Fault::new(response).on("GetAccessKeyLastUsed").always());
        }
        let kept = started_to(action, BOBS_KEY, "\"Bob\"", status);
        let args = ["--access-key-id", BOBS_KEY, "--find-user", "--yes"];
        let one = || {
            Case::at(&sandbox, args)
                .args(["--journal"])
                .args([kept.path()])
        };
        let (case, undo) = match action {
            // A single deletion prints no object.
            "delete" => (kept.case(&sandbox, &args[2..]), String::new()),
            "reactivate" => (one().args(["--reactivate"]), String::new()),
            _ => (
                one().args(["--deactivate"]),
                format!(
                    "hint: to undo it, if the key was active before: \
                     iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate\nresult: "
                ),
            ),
        };
        let printed = case.run().exits(0);
        let row = rows(printed.output()).remove(0);
        let owner = row["UserName"].as_str().unwrap_or_default();
        assert_eq!(owner, expected, "{action} {look_up}");
        let _ = printed
            .prints_anything()
            .says(&["an earlier run started this", &undo]);
        let recorded = kept.journal();
        let recorded = recorded.lines().last().expect("a record");
        let recorded: Value = serde_json::from_str(recorded).expect("a record");
        let expected = if expected.is_empty() { "Bob" } else { expected };
        assert_eq!(recorded["UserName"], expected);
    }
}

#[test]
fn the_undo_of_unfinished_keys_finds_their_owners() {
    let two = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    let one = format!("{BOBS_KEY}\n");
    for (list, more, undo) in [
        (&one, &[][..], "--user-name=Bob"),
        (&one, &["--find-user"], "--user-name=Bob"),
        (&two, &["--find-user"], "--find-user"),
    ] {
        let sandbox = documented();
        let kept = started_to("deactivate", BOBS_KEY, "\"Bob\"", ",\"Status\":\"Active\"");
        let alices = format!(
            "{{\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"UserName\":\"Alice\",\"Intent\":\"deactivate\",\"Time\":\"t\",\"Status\":\"Active\"}}\n"
        );
        std::fs::write(kept.path(), kept.journal() + &alices).expect("a journal");
        kept.list(list);
        for id in [BOBS_KEY, ALICE_KEY_ID] {
            sandbox.set_status(id, Status::Inactive);
        }
        let more = [&["--deactivate", "--jobs", "1", "--output", "text"], more].concat();
        let printed = kept.case(&sandbox, &more).run().exits(0);
        let _ = printed
            .prints_anything()
            .says(&[&format!(" {undo} --reactivate\n")]);
    }
}

#[test]
fn f85_an_unfinished_key_whose_owner_is_unknown_stays_unknown() {
    // No list here has the key: it is another account's, or deleted.
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = started_without_owner(BOBS_KEY, "null");
    stays_unknown(&sandbox, &kept, &[], "IAM does not report who owns the key");
}

#[test]
fn f85_no_list_proves_that_an_unfinished_key_with_a_new_owner_is_gone() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
    // Alice's list does not have the key, which still exists.
    stays_unknown(
        &sandbox,
        &kept,
        &["--user-name", "Alice"],
        "IAM does not report who owns the key",
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f85_an_unfinished_key_of_a_user_who_is_gone_stays_unknown() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.rename_user("Bob", "Robert");
    stays_unknown(&sandbox, &started(), &[], "the user does not exist");
}

/// A run that cannot verify the only key of its list and leaves it started.
fn stays_unknown(sandbox: &Sandbox, kept: &Kept, more: &[&str], says: &str) {
    let known = if more.contains(&"--dry-run") {
        "1 key: 1 unknown; this was a dry run"
    } else {
        "1 key: 1 unknown"
    };
    for _ in 0..2 {
        let printed = kept.case(sandbox, more).run().exits(10);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
        let _ = printed.prints(&output).says(&[says]).ends_with(known);
    }
}

#[test]
fn f85_c56_an_unfinished_key_is_gone_only_from_the_list_that_iam_showed_it_in() {
    const LISTED: &str = ",\"Status\":\"Active\"";
    for (then, status, now, is_found) in [
        ("\"Bob\"", LISTED, &["--user-name", "bob"][..], true),
        ("\"Bob\"", LISTED, &[], true),
        ("\"Bob\"", LISTED, &["--find-user"], true),
        ("\"Bob\"", LISTED, &["--user-name", "Alice"], false),
        // Only the command names the owner, and it may be wrong.
        ("\"Bob\"", "", &["--user-name", "bob"], false),
        ("\"Bob\"", "", &[], false),
        ("\"Bob\"", "", &["--find-user"], false),
        ("null", "", &["--user-name", "Bob"], false),
        ("null", "", &[], false),
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        sandbox.deny("iam:GetAccessKeyLastUsed");
        let kept = started_to("delete", BOBS_KEY, then, status);
        if is_found {
            // The lists of all users are read only for an owner lookup.
            let (no_longer, nobodys) = (
                "IAM no longer lists the key",
                "IAM does not list the key for any user in the account",
            );
            let is_looked_up = now == ["--find-user"];
            let why = if is_looked_up { nobodys } else { no_longer };
            finds_it(&sandbox, &kept, now, why);
            assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
        } else {
            stays_unknown(&sandbox, &kept, now, "an earlier run ");
        }
    }
}

#[test]
fn f85_an_unfinished_key_with_a_new_owner_is_not_deleted_by_a_lost_response() {
    for (denied, says) in [
        (
            &["iam:GetAccessKeyLastUsed"][..],
            "IAM does not report who owns the key",
        ),
        (
            &["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"],
            "there is no permission to check the key",
        ),
    ] {
        let sandbox = documented();
        for action in denied {
            sandbox.deny(action);
        }
        let lost = Fault::new(What::ResetBeforeActing).on("DeleteAccessKey");
        sandbox.fault(lost.times(4));
        let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
        stays_unknown(&sandbox, &kept, &["--user-name", "Alice"], says);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f85_an_unfinished_key_whose_conditions_cannot_be_read_is_unknown() {
    let inactive = ["--ignore-missing", "--only-inactive"];
    for (now, more) in [
        (&["--user-name", "Alice"][..], &inactive[..]),
        (&[], &inactive),
        (
            &["--user-name", "Alice"],
            &["--dry-run", "--ignore-missing", "--only-inactive"],
        ),
    ] {
        let sandbox = documented();
        sandbox.deny("iam:GetAccessKeyLastUsed");
        let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
        stays_unknown(
            &sandbox,
            &kept,
            &[now, more].concat(),
            "the result is unknown",
        );
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f85_an_unfinished_key_that_signs_is_unknown_if_the_guard_keeps_it() {
    let sandbox = documented();
    for action in ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"] {
        sandbox.deny(action);
    }
    let kept = started_without_owner(ADMIN_KEY_ID, "\"admin\"");
    stays_unknown(
        &sandbox,
        &kept,
        &["--user-name", "admin"],
        "the result is unknown",
    );
}

#[test]
fn f85_an_unfinished_key_that_is_listed_as_inactive_may_have_been_deactivated() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = started_to("deactivate", BOBS_KEY, "\"Bob\"", "");
    let more = ["--deactivate", "--find-user", "--older-than", "9999d"];
    stays_unknown(&sandbox, &kept, &more, "the result is unknown");
}

#[test]
fn f85_an_unfinished_key_that_iam_still_knows_is_gone_if_the_list_of_the_owner_it_names_lacks_it() {
    let started_bobs = || {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let response = last_use("Bob", NEVER);
        sandbox.fault(Fault::new(response).on("GetAccessKeyLastUsed").always());
        (sandbox, started_without_owner(BOBS_KEY, "\"Bob\""))
    };
    let (sandbox, kept) = started_bobs();
    let whose = "IAM does not list the key for Bob, whom it named as the owner";
    finds_it(&sandbox, &kept, &["--user-name", "Alice"], whose);
    // The list is denied.
    let (sandbox, kept) = started_bobs();
    sandbox.deny("iam:ListAccessKeys");
    stays_unknown(
        &sandbox,
        &kept,
        &["--user-name", "Alice"],
        "an earlier run started this",
    );
}

#[test]
fn f85_another_owner_of_an_unfinished_key_is_believed_only_if_their_list_has_it() {
    // The key was deleted, and then Bob was renamed: IAM still names the owner, briefly or for longer.
    for times in [1, 2, 100] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let response = last_use("Alice", NEVER);
        sandbox.fault(Fault::new(response).on("GetAccessKeyLastUsed").times(times));
        let whose = "IAM does not list the key for Alice, whom it named as the owner";
        finds_it(&sandbox, &started(), &["--older-than", "1d"], whose);
    }
}

#[test]
fn f85_a_key_that_was_started_to_be_deactivated_under_another_owner_is_unknown() {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let kept = started_to("deactivate", BOBS_KEY, "\"Bob\"", "");
    for (more, started) in [
        (&[][..], "an earlier run started this"),
        (&["--dry-run"], "an earlier run started to change it"),
    ] {
        stays_unknown(
            &sandbox,
            &kept,
            &[&["--deactivate", "--user-name", "Alice"], more].concat(),
            started,
        );
    }
}

#[test]
fn f85_after_a_signal_a_list_that_never_had_an_unfinished_key_proves_nothing() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox.fault(Fault::new(What::SilenceBeforeActing).on("DeleteAccessKey"));
    let kept = started_without_owner(BOBS_KEY, "null");
    let running = kept.case(&sandbox, &[]).start();
    wait_for(|| actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    running.signal("INT");
    let printed = running.end().exits(130);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["interrupted"])
        .ends_with("1 key: 1 unknown");
    assert!(sandbox.has_key(BOBS_KEY));
    assert!(!kept.results().values().any(|outcome| outcome == "Deleted"));
}
