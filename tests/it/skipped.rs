//! Keys that a run skips: in a list, this is a success; for a named key, it is a failure. `--whole-account` skips the caller's
//! own key.

use std::time::Duration;

use iam_sandbox::documented::{
    ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID,
};
use iam_sandbox::{Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::journal::ACCOUNT;
use crate::many::{from_stdin, outcomes, rows};

const SWEEP: [&str; 6] = [
    "--whole-account",
    "--older-than",
    "1d",
    "--yes",
    "--expect-account",
    ACCOUNT,
];

fn counted(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
    let pairs = pairs.iter();
    pairs.map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

/// Alice's keys; only the old one is inactive.
fn alices() -> String {
    format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n{ALICE_OLD_KEY_ID},Alice\n")
}

#[test]
fn c41_a_key_of_a_list_that_does_not_meet_a_condition_is_a_success() {
    let sandbox = documented();
    let printed = from_stdin(&sandbox, &alices(), &["--only-inactive"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let expected = counted(&[("Deleted", 1), ("Skipped", 1)]);
    assert_eq!(outcomes(&output), expected);
    let skipped = rows(&output)
        .into_iter()
        .find(|row| row["Outcome"] == "Skipped")
        .expect("a skipped key");
    assert_eq!(skipped["AccessKeyId"], ALICE_KEY_ID);
    assert_eq!(skipped["Reason"], "its status is Active");
    let _ = printed
        .prints(&output)
        .says_exactly("result: 2 keys: 1 deleted, 1 skipped\n");
    assert!(sandbox.has_key(ALICE_KEY_ID) && !sandbox.has_key(ALICE_OLD_KEY_ID));
}

#[test]
fn c41_a_list_of_one_key_that_is_skipped_is_a_success() {
    let sandbox = documented();
    let list = format!("{ALICE_KEY_ID},Alice\n");
    let list = format!("AccessKeyId,UserName\n{list}");
    for more in [
        &["--only-inactive"][..],
        &["--only-inactive", "--fail-fast"],
    ] {
        let printed = from_stdin(&sandbox, &list, more).run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), counted(&[("Skipped", 1)]));
        let _ = printed
            .prints(&output)
            .says_exactly("result: 1 key: 1 skipped\n");
    }
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn c41_a_skipped_key_does_not_end_a_run_with_fail_fast() {
    let sandbox = documented();
    let more = ["--only-inactive", "--fail-fast", "--jobs", "1"];
    let printed = from_stdin(&sandbox, &alices(), &more).run().exits(0);
    let output = printed.output().to_owned();
    let expected = counted(&[("Deleted", 1), ("Skipped", 1)]);
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says_exactly("result: 2 keys: 1 deleted, 1 skipped\n");
}

#[test]
fn c41_a_skipped_key_of_a_list_is_not_an_error_in_json() {
    let sandbox = documented();
    let more = ["--only-inactive", "--error-format", "json"];
    let printed = from_stdin(&sandbox, &alices(), &more).run().exits(0);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    let levels: Vec<String> = rows(said.messages())
        .iter()
        .map(|row| row["Level"].to_string())
        .collect();
    assert_eq!(levels, ["\"Note\"", "\"Result\""]);
    let _ = said.says(&[&format!("{ALICE_KEY_ID} is skipped: its status is Active")]);
}

#[test]
fn c41_named_keys_must_meet_the_conditions() {
    for (ids, status, ends) in [
        (
            &[ALICE_KEY_ID, BOB_SECOND_KEY_ID][..],
            11,
            "2 keys: 2 skipped",
        ),
        (
            &[ALICE_KEY_ID, ALICE_OLD_KEY_ID],
            12,
            "2 keys: 1 deleted, 1 skipped",
        ),
    ] {
        let sandbox = documented();
        let named = ids.iter().flat_map(|id| ["--access-key-id", id]);
        let printed = Case::at(&sandbox, named)
            .args(["--find-user", "--only-inactive"])
            .run()
            .exits(status);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(&["result: "]).ends_with(ends);
        assert!(sandbox.has_key(ALICE_KEY_ID));
    }
}

#[test]
fn c41_only_matching_keys_of_a_user_are_part_of_the_run() {
    let sandbox = documented();
    let args = ["--user-name", "Alice", "--all-keys", "--only-inactive"];
    let printed = Case::at(&sandbox, args).args(["--yes"]).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), counted(&[("Deleted", 1)]));
    let _ = printed
        .prints(&output)
        .says_exactly("iam-del-key: note: 2 keys of 1 user checked\nresult: 1 key: 1 deleted\n");
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn c42_a_sweep_of_the_account_skips_the_callers_key_with_a_note() {
    for (more, deleted, note) in [
        (&[][..], 5, true),
        (&["--quiet"], 5, false),
        (&["--dry-run"], 0, true),
    ] {
        let sandbox = documented();
        let spare = nth_key_id(ACCOUNT, 3);
        sandbox.add_key(KeySeed::new("admin", &spare).created_days_ago(30));
        let printed = Case::at(&sandbox, SWEEP.iter().chain(more)).run().exits(0);
        let output = printed.output().to_owned();
        let own = rows(&output)
            .into_iter()
            .find(|row| row["AccessKeyId"] == ADMIN_KEY_ID)
            .expect("the caller's key");
        assert_eq!(own["Outcome"], "Skipped");
        assert_eq!(own["Reason"], "it belongs to your own credentials");
        let said = printed.prints(&output);
        let sentence =
            format!("iam-del-key: note: {ADMIN_KEY_ID} belongs to your own credentials: skipped\n");
        assert_eq!(said.messages().contains(&sentence), note, "{more:?}");
        let _ = said.says(&[""]);
        assert!(sandbox.has_key(ADMIN_KEY_ID));
        assert_eq!(sandbox.has_key(&spare), deleted == 0);
        let count = |action: &String| action == "DeleteAccessKey";
        let sent = actions(&sandbox).into_iter().filter(count).count();
        assert_eq!(sent, deleted);
    }
}

#[test]
fn c42_the_bar_counts_the_callers_key_too() {
    let sandbox = documented();
    let slow = Fault::new(What::Delay(Duration::from_millis(600)));
    sandbox.fault(slow.on("DeleteAccessKey").always());
    let case = Case::at(&sandbox, SWEEP).args(["--jobs", "1", "--output", "off"]);
    let said = Dialogue::start(case.env("TERM", "xterm"))
        .shows("/5 keys, ")
        .end()
        .exits(0)
        .prints_nothing();
    assert!(!said.messages().contains("/4"), "{}", said.messages());
    let _ = said.says(&["5 keys: 4 deleted, 1 skipped"]);
}

#[test]
fn c42_a_sweep_skips_the_key_behind_the_callers_role() {
    let sandbox = Sandbox::documented().start();
    let config = format!(
        "[profile role]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/Deployer\nsource_profile = base\n\
         [profile base]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
    );
    let case = Case::at(&sandbox, SWEEP).args(["--profile", "role"]);
    let case = case.without_credentials().file(".aws/config", config);
    let printed = case.run().exits(0);
    let output = printed.output().to_owned();
    let own = rows(&output)
        .into_iter()
        .find(|row| row["AccessKeyId"] == ADMIN_KEY_ID)
        .expect("the caller's key");
    assert_eq!(own["Outcome"], "Skipped");
    let _ = printed
        .prints(&output)
        .says(&["belongs to your own credentials: skipped"])
        .ends_with("5 keys: 4 deleted, 1 skipped; root user keys are not included");
    assert!(sandbox.has_key(ADMIN_KEY_ID) && !sandbox.has_key(BOBS_KEY));
}
