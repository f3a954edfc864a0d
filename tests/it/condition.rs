//! Conditions: a key is changed only if its own facts satisfy all of them. The facts of sibling keys never matter.

use std::time::{Duration, SystemTime};

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, LastUsed, Sandbox, Status, What, days_ago};

use crate::case::{BOBS_KEY, Case, DELETED, actions, always, documented};
use crate::proof::unchecked;

const NOT_SENT: &str = "not deleted: no request to change it was sent to IAM";

/// Runs with conditions on a key of Alice, who has one active and one inactive key.
fn alices(sandbox: &Sandbox, id: &str, conditions: &[&str]) -> Case {
    Case::at(sandbox, ["--access-key-id", id, "--user-name", "Alice"]).args(conditions)
}

fn deleted(id: &str, conditions: &[&str]) {
    let sandbox = documented();
    let ended = alices(&sandbox, id, conditions).run();
    let _ = ended.exits(0).prints(DELETED).says_nothing();
    assert!(!sandbox.has_key(id));
    assert_eq!(sandbox.keys().len(), 4, "another key was deleted");
    assert_eq!(
        actions(&sandbox).last().map(String::as_str),
        Some("DeleteAccessKey")
    );
}

fn skipped(id: &str, conditions: &[&str], reason: &str) {
    let sandbox = documented();
    let printed = alices(&sandbox, id, conditions).run().exits(11);
    let object = printed.object();
    assert_eq!(object["Outcome"], "Skipped");
    assert_eq!(object["Reason"], reason);
    let _ = printed
        .prints_outcome("Skipped")
        .says(&[&format!("{id} is not deleted: {reason}\n"), "--dry-run"]);
    assert!(sandbox.has_key(id));
    assert_eq!(sandbox.keys().len(), 5, "a key was deleted");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn only_inactive_keys() {
    deleted(ALICE_OLD_KEY_ID, &["--only-inactive"]);
    skipped(ALICE_KEY_ID, &["--only-inactive"], "its status is Active");
}

#[test]
fn only_unused_keys() {
    deleted(ALICE_OLD_KEY_ID, &["--unused-for", "200d"]);
    skipped(
        ALICE_OLD_KEY_ID,
        &["--unused-for", "201d"],
        "it was used 200 days ago, less than 201 days",
    );
    skipped(
        ALICE_KEY_ID,
        &["--unused-for", "45d"],
        "it was used 1 day ago, less than 45 days",
    );
}

#[test]
fn only_old_keys() {
    deleted(ALICE_OLD_KEY_ID, &["--older-than", "100w"]);
    skipped(
        ALICE_KEY_ID,
        &["--older-than", "61d"],
        "it was created 60 days ago, less than 61 days",
    );
}

#[test]
fn all_conditions_must_hold_for_the_same_key() {
    let both = [
        "--only-inactive",
        "--unused-for",
        "90d",
        "--older-than",
        "1w",
    ];
    deleted(ALICE_OLD_KEY_ID, &both);
    // Alice's other key satisfies the first two conditions, and this one satisfies the third.
    skipped(ALICE_KEY_ID, &both, "its status is Active");
}

#[test]
fn a_use_less_than_a_minute_ago_is_described_in_words() {
    let sandbox = documented();
    let args = ["--access-key-id", BOB_SECOND_KEY_ID, "--user-name", "Bob"];
    let _ = Case::at(&sandbox, args)
        .args(["--unused-for", "24h"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&["is not deleted: it was used less than 1 day ago\n"]);
    assert!(sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn never_used_counts_from_the_creation() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Carol", "AKIAQAAAAAAACAROLOLD").created_days_ago(50))
        .key(KeySeed::new("Carol", "AKIAQAAAAAAACAROLNEW").created_days_ago(40))
        .start();
    let carols = |id: &str| {
        let args = ["--access-key-id", id, "--user-name", "Carol"];
        Case::at(&sandbox, args).args(["--unused-for", "45d"]).run()
    };
    let _ = carols("AKIAQAAAAAAACAROLNEW")
        .exits(11)
        .prints_outcome("Skipped")
        .says(&[
            "it was never used, and created 40 days ago, less than 45 days",
            "is not deleted: ",
        ]);
    let _ = carols("AKIAQAAAAAAACAROLOLD")
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(sandbox.has_key("AKIAQAAAAAAACAROLNEW"));
    assert!(!sandbox.has_key("AKIAQAAAAAAACAROLOLD"));
}

#[test]
fn excepted_users_keep_their_keys() {
    for glob in ["Alice", "aLiCe", "al*", "*LICE", "?lice", "[a-c]lice"] {
        let reason = format!("the user Alice matches --except-user {glob}");
        skipped(
            ALICE_OLD_KEY_ID,
            &["--except-user", "nobody", "--except-user", glob],
            &reason,
        );
    }
    deleted(
        ALICE_OLD_KEY_ID,
        &["--except-user", "lice", "--except-user", "Bob*"],
    );
}

/// The key is Bob's.
#[test]
fn a_user_who_is_only_named_is_not_called_the_owner() {
    let by_tag = ("--except-tag", "team", "has the tag team=web, which");
    for (option, value, what) in [("--except-user", "A*", "matches --except-user A*"), by_tag] {
        let sandbox = Sandbox::documented().tag("Alice", "team", "web").start();
        let case = alices(&sandbox, BOBS_KEY, &[option, value]);
        let said = case.run().exits(11).prints_outcome("Skipped");
        let _ = said.says(&[&format!("{BOBS_KEY} is not deleted: the user Alice {what}")]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn c61_a_character_class_ignores_case() {
    for glob in [
        "[0-Z]*",
        "[_-z]*",
        "[A-C]ob",
        "[!c-z]ob",
        "[@-Z][O-o][B-b]",
        "B[!A-M]b",
        "[!0-Z]*",
        "[!_-z]*",
        "[X-c]*",
        "[a-]ob*",
        "[]b]ob",
    ] {
        for name in ["Bob", "bob", "BOB"] {
            let is_spared = glob != "[a-]ob*";
            let sandbox = Sandbox::builder().user_key(name, BOBS_KEY).start();
            let args = ["--access-key-id", BOBS_KEY, "--user-name", name];
            let case = Case::at(&sandbox, args).args(["--except-user", glob]);
            if is_spared {
                let _ = case.run().exits(11).prints_outcome("Skipped").says(&[
                    &format!("the user {name} matches --except-user {glob}"),
                    "is not deleted: ",
                ]);
            } else {
                let _ = case.run().exits(0).prints(DELETED).says_nothing();
            }
            assert_eq!(sandbox.has_key(BOBS_KEY), is_spared, "{glob} {name}");
        }
    }
}

#[test]
fn an_owner_who_is_found_can_be_excepted() {
    let sandbox = documented();
    let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--find-user"]);
    let _ = case
        .args(["--except-user", "b*"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says_exactly(
            "iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE belongs to the user Bob\n\
             iam-del-key: error: AKIDPMS9RO4H3FEXAMPLE is not deleted: the user Bob matches --except-user b*\n\
             hint: a key must meet every condition; --dry-run shows its details\n",
        );
    assert!(sandbox.has_key(BOBS_KEY));
    assert_eq!(actions(&sandbox), ["GetAccessKeyLastUsed"]);
}

#[test]
fn the_signing_user_can_be_excepted() {
    let sandbox = Sandbox::documented()
        .user_key("admin", "AKIAQAAAAAAAADMINTWO")
        .start();
    let case = Case::at(&sandbox, ["--access-key-id", "AKIAQAAAAAAAADMINTWO"]);
    let _ = case
        .args(["--except-user", "Admin"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says_exactly(
            "iam-del-key: error: AKIAQAAAAAAAADMINTWO is not deleted: the user admin matches --except-user Admin\n\
             hint: a key must meet every condition; --dry-run shows its details\n",
        );
    assert!(sandbox.has_key("AKIAQAAAAAAAADMINTWO"));
}

#[test]
fn an_unknown_status_is_not_inactive() {
    let seed = KeySeed::new("Alice", "AKIAQAAAAAAAAEXPIRED").status(Status::Expired);
    let sandbox = Sandbox::builder().key(seed).start();
    let _ = alices(&sandbox, "AKIAQAAAAAAAAEXPIRED", &["--only-inactive"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&["its status is Expired", "is not deleted: "]);
    assert!(sandbox.has_key("AKIAQAAAAAAAAEXPIRED"));
}

#[test]
fn ages_are_measured_by_iams_clock() {
    // For a server whose clock is 60 days ahead, a key used yesterday was used 61 days ago; and the reverse.
    let day = 86_400;
    let sandbox = Sandbox::documented().clock_offset(60 * day).start();
    let _ = alices(&sandbox, ALICE_KEY_ID, &["--unused-for", "61d"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(ALICE_KEY_ID));

    let sandbox = Sandbox::documented().clock_offset(-60 * day).start();
    let _ = alices(&sandbox, ALICE_OLD_KEY_ID, &["--unused-for", "150d"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&[
            "it was used 140 days ago, less than 150 days",
            "is not deleted: ",
        ]);
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
}

#[test]
fn a_key_with_a_last_use_in_the_future_is_skipped() {
    let used = LastUsed {
        at: SystemTime::now() + Duration::from_hours(48),
        service: "s3".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let seed = KeySeed {
        last_used: Some(used),
        created: days_ago(500),
        ..KeySeed::new("Alice", "AKIAQAAAAAAAAAFUTURE")
    };
    let sandbox = Sandbox::builder().key(seed).start();
    let _ = alices(&sandbox, "AKIAQAAAAAAAAAFUTURE", &["--unused-for", "1h"])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&["it was used in the future", "is not deleted: "]);
    assert!(sandbox.has_key("AKIAQAAAAAAAAAFUTURE"));
}

#[test]
fn a_key_that_another_user_has_does_not_satisfy_a_condition() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ALICE_OLD_KEY_ID,
        "--user-name",
        "Bob",
        "--only-inactive",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: the key belongs to the user Alice, not to the user Bob\n\
             hint: review it first: iam-del-key --access-key-id {ALICE_OLD_KEY_ID} --user-name=Alice --dry-run\n\
             result: {ALICE_OLD_KEY_ID}: not deleted: it belongs to the user Alice\n"
        ));
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "GetAccessKeyLastUsed", "ListAccessKeys"]
    );
}

#[test]
fn a_key_that_is_gone_is_missing_whatever_the_condition() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let case = |more: &[&str]| {
        Case::documented(&sandbox, &["--only-inactive"])
            .args(more)
            .run()
    };
    let _ = case(&[])
        .exits(3)
        .prints_outcome("Failed")
        .says(&["IAM lists no such key for the user Bob", "is already gone"])
        .ends_with(NOT_SENT);
    let reads = ["ListAccessKeys", "GetAccessKeyLastUsed"];
    assert_eq!(
        actions(&sandbox),
        [&reads[..], &["GetAccessKeyInfo"]].concat()
    );
    let _ = case(&["--ignore-missing"])
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&unchecked(BOBS_KEY));
    assert!(
        sandbox.has_key(BOB_SECOND_KEY_ID),
        "the sibling was deleted"
    );
    // Success depends on this result, so the key is looked up again, and STS is asked for its account.
    let again = actions(&sandbox).split_off(3);
    assert_eq!(again.len(), 3 * reads.len() + 1, "{again:?}");
}

#[test]
fn a_user_who_does_not_exist_and_owns_the_key_is_a_contradiction() {
    let sandbox = documented();
    let no_user = What::error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    );
    sandbox.fault(always("ListAccessKeys", no_user));
    let _ = Case::documented(&sandbox, &["--only-inactive", "--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["The user with name Bob cannot be found."])
        .ends_with(NOT_SENT);
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "GetAccessKeyLastUsed", "GetAccessKeyInfo"]
    );
}

#[test]
fn a_key_of_another_user_is_not_the_callers() {
    let sandbox = documented();
    let args = ["--access-key-id", BOBS_KEY, "--only-inactive"];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["the key belongs to the user Bob, not to the calling user"])
        .ends_with("not deleted: it belongs to the user Bob");
}

#[test]
fn the_time_limit_of_a_key_includes_its_reads() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("ListAccessKeys")
            .always(),
    );
    let _ = Case::documented(&sandbox, &["--only-inactive", "--timeout", "2"])
        .run()
        .exits(9)
        .prints_outcome("Failed")
        .says(&["it did not return enough about the key in time; --timeout is 2 s"])
        .ends_with("not deleted: no request to change it was sent to IAM")
        .within(Duration::from_secs(20));
    assert!(sandbox.has_key(BOBS_KEY));
}
