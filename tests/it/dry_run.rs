//! Dry runs: every format says what would happen, and no request that changes anything is ever sent.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{KeySeed, Sandbox, Status};

use crate::case::{BOBS_KEY, Case, DOCUMENTED, Ended, Printed, actions, documented};

const READS: [&str; 5] = [
    "GetAccessKeyInfo",
    "GetAccessKeyLastUsed",
    "GetCallerIdentity",
    "ListAccessKeys",
    "ListUsers",
];

/// Runs with more arguments, and checks that nothing was changed and no change was requested.
fn unchanged(sandbox: &Sandbox, case: Case) -> Ended {
    let before = sandbox.keys();
    let ended = case.run();
    for request in sandbox.requests() {
        assert!(
            READS.contains(&request.action.as_str()),
            "{} was sent",
            request.action
        );
    }
    let mut after = sandbox.keys();
    // IAM records the use of the signing key.
    for (before, after) in before.iter().zip(&mut after) {
        if before.id == ADMIN_KEY_ID {
            after.last_used.clone_from(&before.last_used);
        }
    }
    assert_eq!(before, after, "something was changed");
    ended
}

fn ends_as_dry_run(printed: Printed) {
    let _ = printed
        .prints_outcome("WouldDelete")
        .says(&["result: "])
        .ends_with("not deleted: this was a dry run");
}

#[test]
fn a_dry_run_prints_all_that_is_known() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ALICE_OLD_KEY_ID,
        "--user-name",
        "alice",
        "-n",
    ];
    let printed = unchanged(&sandbox, Case::at(&sandbox, args)).exits(0);
    let object = printed.object();
    let key = sandbox.key(ALICE_OLD_KEY_ID).expect("a key");
    let stamp = |at| humantime::format_rfc3339_seconds(at).to_string();
    assert_eq!(
        object,
        serde_json::json!({
            "AccessKeyId": ALICE_OLD_KEY_ID,
            "UserName": "Alice",
            "Outcome": "WouldDelete",
            "Status": "Inactive",
            "CreateDate": stamp(key.created),
            "LastUsedDate": stamp(key.last_used.expect("a use").at),
            "LastUsedService": "iam",
            "LastUsedRegion": "us-east-1",
            "AccountId": "123456789012",
            "Reason": "no conditions",
        })
    );
    ends_as_dry_run(printed);
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "GetAccessKeyLastUsed"]
    );
}

#[test]
fn a_key_that_was_never_used_is_reported_as_never_used() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Carol", "AKIAQAAAAAAAAAACAROL"))
        .start();
    let args = [
        "--access-key-id",
        "AKIAQAAAAAAAAAACAROL",
        "--find-user",
        "--dry-run",
    ];
    let printed = unchanged(&sandbox, Case::at(&sandbox, args)).exits(0);
    let object = printed.object();
    assert_eq!(object.get("LastUsedDate"), None);
    assert_eq!(object["LastUsedService"], "N/A");
    assert_eq!(object["LastUsedRegion"], "N/A");
    assert_eq!(object["UserName"], "Carol");
    ends_as_dry_run(printed);
    let table = unchanged(
        &sandbox,
        Case::at(&sandbox, args).args(["--output", "table"]),
    )
    .exits(0);
    assert!(table.output().contains(" never "), "{}", table.output());
}

#[test]
fn every_format_has_the_plan() {
    let sandbox = documented();
    let case = |format| Case::documented(&sandbox, &["-n", "--output", format]);
    let text = unchanged(&sandbox, case("text")).exits(0);
    let columns: Vec<&str> = text.output().trim_end_matches('\n').split('\t').collect();
    assert_eq!(columns.len(), 11, "{columns:?}");
    assert_eq!(columns[..5], [BOBS_KEY, "Bob", "WouldDelete", "", "Active"]);
    assert_eq!(columns[7..], ["s3", "us-east-1", "", "no conditions"]);

    let table = unchanged(&sandbox, case("table")).exits(0);
    let output = table.output().to_owned();
    let _ = table
        .prints(&output)
        .says(&["result: "])
        .ends_with("not deleted: this was a dry run");
    for text in [BOBS_KEY, "Bob", "Active", "3 months ago", "WouldDelete"] {
        assert!(output.contains(text), "{text} is missing:\n{output}");
    }
    assert!(
        output.lines().all(|line| line.chars().count() <= 80),
        "{output}"
    );
    assert!(!output.contains('\u{1b}'), "color in a pipe");

    let _ = unchanged(&sandbox, case("off"))
        .exits(0)
        .prints_nothing()
        .says(&["result: "])
        .ends_with("not deleted: this was a dry run");
}

#[test]
fn keys_that_stay_are_printed_with_the_reason_and_are_not_failures() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ALICE_KEY_ID,
        "--find-user",
        "-n",
        "--unused-for",
        "90d",
    ];
    let printed = unchanged(&sandbox, Case::at(&sandbox, args)).exits(0);
    assert_eq!(
        printed.object()["Reason"],
        "it was used 1 day ago, less than 90 days"
    );
    assert_eq!(printed.object()["Status"], "Active");
    let _ = printed
        .prints_outcome("Skipped")
        .says(&["result: "])
        .ends_with("would be skipped: it was used 1 day ago, less than 90 days");

    let args = [
        "--access-key-id",
        ADMIN_KEY_ID,
        "--user-name",
        "admin",
        "-n",
    ];
    let printed = unchanged(&sandbox, Case::at(&sandbox, args)).exits(0);
    assert_eq!(
        printed.object()["Reason"],
        "it belongs to your own credentials"
    );
    assert_eq!(printed.object()["Status"], "Active");
    let _ = printed.prints_outcome("Refused").says_exactly(&format!(
        "result: {ADMIN_KEY_ID}: would be refused: it belongs to your own credentials\n"
    ));
}

#[test]
fn the_reason_names_the_conditions_that_hold() {
    let sandbox = documented();
    let args = ["--access-key-id", ALICE_OLD_KEY_ID, "--find-user", "-n"];
    let case = Case::at(&sandbox, args).args(["--only-inactive", "--unused-for", "90d"]);
    let printed = unchanged(&sandbox, case).exits(0);
    assert_eq!(
        printed.object()["Reason"],
        "meets --only-inactive and --unused-for 90d"
    );
    ends_as_dry_run(printed);
}

/// Each of many keys has a reason. If it listed all of many conditions, the output would grow with the product of both numbers.
#[test]
fn the_reason_does_not_grow_with_the_number_of_conditions() {
    for (conditions, more) in [(8, ""), (9, " and 1 more"), (300, " and 292 more")] {
        let sandbox = documented();
        let args = ["--access-key-id", ALICE_OLD_KEY_ID, "--find-user", "-n"];
        let users: Vec<String> = (1..conditions).map(|n| format!("ci-{n}")).collect();
        let except = users.iter().flat_map(|user| ["--except-user", user]);
        let case = Case::at(&sandbox, args)
            .args(["--only-inactive"])
            .args(except);
        let printed = unchanged(&sandbox, case).exits(0);
        let named = users[..7]
            .iter()
            .map(|user| format!(" and --except-user {user}"));
        assert_eq!(
            printed.object()["Reason"],
            format!("meets --only-inactive{}{more}", named.collect::<String>())
        );
        ends_as_dry_run(printed);
    }
}

#[test]
fn a_missing_key_is_a_failure() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let _ = unchanged(&sandbox, Case::documented(&sandbox, &["-n"]))
        .exits(3)
        .prints_outcome("Failed")
        .says(&["IAM lists no such key for the user Bob"])
        .ends_with("not deleted: no request to change it was sent to IAM");
    let _ = unchanged(
        &sandbox,
        Case::documented(&sandbox, &["-n", "--ignore-missing"]),
    )
    .exits(0)
    .prints_outcome("Missing")
    .says_exactly(&format!(
        "iam-del-key: warning: {BOBS_KEY} is missing, but it could not be checked whether another user owns it: IAM denied \
         GetAccessKeyLastUsed, as it also does for a key that does not exist\n"
    ));
}

#[test]
fn nothing_that_writes_is_sent_in_any_mode() {
    for mode in [
        &["--deactivate"][..],
        &["--yes"],
        &["--interactive"],
        &["--allow-self"],
        &["--ignore-missing"],
        &["--only-inactive"],
        &["--older-than", "1d"],
        &["--expect-account", "123456789012"],
        &["--response-metadata"],
        &["--output", "table"],
        &["--verbose"],
        &["--debug"],
    ] {
        for id in [BOBS_KEY, ALICE_KEY_ID, ALICE_OLD_KEY_ID, ADMIN_KEY_ID] {
            let sandbox = documented();
            let case = Case::at(
                &sandbox,
                ["--access-key-id", id, "--find-user", "--dry-run"],
            );
            let printed = unchanged(&sandbox, case.args(mode)).exits(0);
            let output = printed.output().to_owned();
            let known = match id {
                ADMIN_KEY_ID if mode != ["--allow-self"] => {
                    "would be refused: it belongs to your own credentials"
                }
                ALICE_OLD_KEY_ID if mode == ["--deactivate"] => "already inactive",
                BOBS_KEY | ALICE_KEY_ID if mode == ["--only-inactive"] => {
                    "would be skipped: its status is Active"
                }
                _ => "this was a dry run",
            };
            let _ = printed.prints(&output).says(&[known]);
        }
    }
}

#[test]
fn a_dry_run_says_which_keys_a_real_run_would_not_change() {
    let old = &["--user-name", "Alice", "--access-key-id", ALICE_OLD_KEY_ID][..];
    let own = ["--user-name", "admin", "--access-key-id", ADMIN_KEY_ID];
    let own_says = "would be refused: it belongs to your own credentials";
    for (args, more, outcome, says) in [
        (
            &DOCUMENTED[..],
            &["--unused-for", "200d"][..],
            "Skipped",
            "would be skipped: it was used 120 days ago, less than 200 days",
        ),
        (&own, &[], "Refused", own_says),
        (&own, &["--deactivate"], "Refused", own_says),
        (old, &["--deactivate"], "Skipped", "already inactive"),
        (&DOCUMENTED, &["--reactivate"], "Skipped", "already active"),
    ] {
        for format in ["table", "json"] {
            let sandbox = documented();
            let case = Case::at(&sandbox, args)
                .args(more)
                .args(["--output", format, "-n"]);
            let printed = unchanged(&sandbox, case).exits(0);
            let output = printed.output().to_owned();
            assert!(output.contains(outcome), "{output}");
            let said = printed.prints(&output);
            let id = args
                .iter()
                .find(|arg| arg.starts_with("AKI"))
                .expect("an ID");
            let known = format!("result: {id}: {says}\n");
            assert!(
                !said.messages().contains("dry run\n"),
                "{}",
                said.messages()
            );
            assert_eq!(said.messages().matches(says).count(), 1);
            let _ = said.says(&[&known]);
        }
    }
}

#[test]
fn a_dry_run_omits_what_it_cannot_read_and_says_so() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    let printed = unchanged(&sandbox, Case::documented(&sandbox, &["-n"])).exits(0);
    assert_eq!(printed.object().get("LastUsedService"), None);
    assert_eq!(printed.object()["Status"], "Active");
    let _ = printed.prints_outcome("WouldDelete").says_exactly(&format!(
        "iam-del-key: note: the last use is unknown where IAM denied GetAccessKeyLastUsed\n\
         hint: Bob has another active key: iam-del-key --access-key-id {BOB_SECOND_KEY_ID} --user-name=Bob --dry-run\n\
         result: {BOBS_KEY}: not deleted: this was a dry run\n"
    ));
}

#[test]
fn a_deactivation_has_a_dry_run_too() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["-n", "--deactivate"]);
    let _ = unchanged(&sandbox, case)
        .exits(0)
        .prints_outcome("WouldDeactivate")
        .says(&["result: "])
        .ends_with("not deactivated: this was a dry run");
    assert_eq!(
        sandbox.key(BOBS_KEY).map(|key| key.status),
        Some(Status::Active)
    );
}

#[test]
fn a_dry_run_counts_the_keys_that_a_run_counts_unread() {
    let gone = "AKIAIOSFODNN7NOTHERE";
    let keys = [BOBS_KEY, ALICE_KEY_ID, gone];
    let keys = keys.iter().flat_map(|id| ["--access-key-id", id]);
    let args = ["--user-name", "Bob", "--max-keys", "2", "--ignore-missing"];
    let args: Vec<&str> = keys.chain(args).collect();
    let sandbox = documented();
    let matching = "3 keys match, more than --max-keys 2 allows";
    let case = |more: &[&str]| Case::at(&sandbox, args.iter().copied()).args(more).run();
    let warning = format!("warning: {matching}: without --dry-run, nothing would be changed");
    let _ = case(&["--dry-run"])
        .exits(12)
        .prints_outcomes(&[("Failed", 1), ("Missing", 1), ("WouldDelete", 1)])
        .says(&[&warning]);
    let _ = case(&[]).exits(11).prints_nothing().says(&[matching]);
    // With conditions, only keys that certainly match count.
    let _ = case(&["--older-than", "1d"]).exits(12);
}
