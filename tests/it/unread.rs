//! Reads that IAM denies: a fact that only a table shows becomes "unknown" with one note, and a fact that decides is one error
//! with a hint that helps.

use iam_sandbox::documented::{ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, actions, each_at_once};
use crate::many::{from_stdin, outcomes, rows};

const LAST_USE: &str =
    "iam-del-key: note: the last use is unknown where IAM denied GetAccessKeyLastUsed\n";
const LISTING: &str =
    "iam-del-key: note: status and creation date are unknown where IAM denied ListAccessKeys\n";

fn denied(actions: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::documented();
    for action in actions {
        sandbox = sandbox.deny(&format!("iam:{action}"));
    }
    sandbox.start()
}

/// Runs with arguments over keys of Bob and Alice.
fn run(sandbox: &Sandbox, args: &[&str]) -> crate::case::Ended {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_OLD_KEY_ID},Alice\n");
    match args.first() {
        Some(&"--from") => from_stdin(sandbox, &list, &args[2..]).run(),
        _ => Case::at(sandbox, args.iter().copied()).run(),
    }
}

#[test]
fn c25_a_last_use_that_is_denied_is_unknown_with_one_note() {
    let named = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Bob",
        "--dry-run",
    ];
    let two = "2 keys: 2 would be deleted; this was a dry run";
    for (args, known) in [
        (&["--user-name", "Bob", "--all-keys", "--dry-run"][..], two),
        (
            &["--whole-account", "--only-inactive", "--dry-run"],
            "1 key: 1 would be deleted; this was a dry run; root user keys are not included",
        ),
        (
            &["--whole-account", "--older-than", "1d", "--dry-run"],
            "5 keys: 4 would be deleted, 1 skipped; this was a dry run; root user keys are not included",
        ),
        (&["--from", "-", "--dry-run"], two),
        (&named, "not deleted: this was a dry run"),
    ] {
        let sandbox = denied(&["GetAccessKeyLastUsed"]);
        let printed = run(&sandbox, &[args, &["--output", "table"]].concat()).exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains("unknown"), "{args:?}: {output}");
        let said = printed.prints(&output);
        assert_eq!(said.messages().matches("note: the last").count(), 1);
        let _ = said.says(&[LAST_USE]).ends_with(known);

        let printed = run(&sandbox, args).exits(0);
        let output = printed.output().to_owned();
        for row in rows(&output) {
            assert!(row["Status"].is_string() && row["CreateDate"].is_string());
            for name in ["LastUsedDate", "LastUsedService", "LastUsedRegion"] {
                assert_eq!(row.get(name), None, "{row}");
            }
        }
        let _ = printed.prints(&output).says(&[LAST_USE]).ends_with(known);
    }
}

const TWO: &str = "2 keys: 2 would be deleted; this was a dry run";

/// The four kinds of dry runs, over Bob's first key among others.
const DRY_RUNS: [(&[&str], (usize, &str)); 4] = [
    (
        &[
            "--access-key-id",
            BOBS_KEY,
            "--user-name",
            "Bob",
            "--dry-run",
        ],
        (1, "not deleted: this was a dry run"),
    ),
    (&["--from", "-", "--dry-run"], (2, TWO)),
    (&["--user-name", "Bob", "--all-keys", "--dry-run"], (2, TWO)),
    (
        &["--whole-account", "--only-inactive", "--dry-run"],
        (
            1,
            "1 key: 1 would be deleted; this was a dry run; root user keys are not included",
        ),
    ),
];

#[test]
fn c25_a_last_use_that_a_dry_run_only_shows_is_unknown_if_its_read_fails() {
    let failures = || {
        [
            What::error(503, "ServiceUnavailable", "busy"),
            What::ResetAfterActing,
            What::TruncateBody,
            What::page(200, "text/html", "<html>hi</html>"),
            What::empty(200),
        ]
    };
    let cases = DRY_RUNS
        .into_iter()
        .flat_map(|dry_run| failures().map(|what| (dry_run, what)));
    each_at_once(cases, |((args, (keys, ends)), what)| {
        let sandbox = Sandbox::documented().start();
        sandbox.fault(Fault::new(what).on("GetAccessKeyLastUsed").always());
        let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_OLD_KEY_ID},Alice\n");
        let case = Case::at(&sandbox, args.iter().copied()).env("AWS_MAX_ATTEMPTS", "1");
        let said = case
            .input(list.as_bytes())
            .run()
            .exits(0)
            .prints_outcomes(&[("WouldDelete", keys)]);
        assert_eq!(said.messages().matches("the last use").count(), 1);
        assert!(!said.messages().contains("error"), "{}", said.messages());
        let _ = said
            .says(&[
                "iam-del-key: note: the last use is unknown where GetAccessKeyLastUsed failed\n",
            ])
            .ends_with(ends);
    });
}

#[test]
fn c25_a_dry_run_says_which_reads_were_denied_and_which_failed() {
    let sandbox = Sandbox::documented().start();
    let denied = What::error(403, "AccessDenied", "no");
    let failed = What::error(500, "ServiceFailure", "oops");
    sandbox.fault(Fault::new(denied).on("GetAccessKeyLastUsed"));
    sandbox.fault(Fault::new(failed).on("GetAccessKeyLastUsed").always());
    let args = [
        "--user-name",
        "Bob",
        "--all-keys",
        "-n",
        "--output",
        "table",
    ];
    let case = Case::at(&sandbox, args).env("AWS_MAX_ATTEMPTS", "1");
    let printed = case.run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(output.matches("unknown").count(), 2, "{output}");
    let _ = printed.prints(&output).says_exactly(&format!(
        "{LAST_USE}iam-del-key: note: the last use is unknown where GetAccessKeyLastUsed failed\n\
         iam-del-key: note: 2 keys of 1 user checked\n\
         result: 2 keys: 2 would be deleted; this was a dry run\n"
    ));
}

/// No other read can succeed either, or the time is up.
#[test]
fn c25_a_dry_run_still_ends_if_no_read_can_succeed_and_when_its_time_is_up() {
    let failures = || {
        [
            (What::error(403, "ExpiredToken", "expired"), 7),
            (What::SilenceBeforeActing, 9),
        ]
    };
    let cases = DRY_RUNS
        .into_iter()
        .flat_map(|dry_run| failures().map(|failure| (dry_run, failure)));
    let throttled = What::error(400, "Throttling", "Rate exceeded");
    let cases = cases.chain([(DRY_RUNS[0], (throttled, 8))]);
    each_at_once(cases, |((args, _), (what, status))| {
        let sandbox = Sandbox::documented().start();
        sandbox.fault(Fault::new(what).on("GetAccessKeyLastUsed").always());
        let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
        let case = Case::at(&sandbox, args.iter().copied()).args(["--timeout", "5"]);
        let said = case.input(list.as_bytes()).run().exits(status);
        let output = said.output().to_owned();
        assert!(!output.contains("WouldDelete"), "{output}");
        let said = said.prints(&output);
        assert!(!said.messages().contains("last use is unknown"));
        let _ = said.says(&["error: "]);
    });
}

#[test]
fn c25_a_status_that_is_denied_is_unknown_and_the_last_use_is_shown() {
    let sandbox = denied(&["ListAccessKeys"]);
    for (args, notes) in [
        // The last use is the other fact.
        (
            &["--access-key-id", BOBS_KEY, "--user-name", "Bob", "-n"][..],
            2,
        ),
        (&["--from", "-", "-n"], 1),
    ] {
        let printed = run(&sandbox, &[args, &["--output", "table"]].concat()).exits(0);
        let output = printed.output().to_owned();
        assert!(
            output.contains("unknown") && output.contains("3 months ago"),
            "{output}"
        );
        let said = printed.prints(&output);
        assert_eq!(said.messages().matches("note: ").count(), notes);
        let _ = said.says(&[LISTING]).ends_with("this was a dry run");
    }
}

#[test]
fn c25_facts_that_were_not_requested_are_not_called_unknown() {
    let sandbox = Sandbox::documented().start();
    let printed = run(&sandbox, &["--from", "-", "--output", "table"]).exits(0);
    let output = printed.output().to_owned();
    assert!(!output.contains("unknown"), "{output}");
    let _ = printed
        .prints(&output)
        .says_exactly("result: 2 keys: 2 deleted\n");
}

#[test]
fn c43_a_read_that_decides_is_one_error_in_a_dry_run_too() {
    for (denied_read, conditions) in [
        ("ListAccessKeys", &["--older-than", "30d"][..]),
        ("ListAccessKeys", &["--only-inactive"]),
        ("ListAccessKeys", &["--unused-for", "30d"]),
        ("GetAccessKeyLastUsed", &["--unused-for", "30d"]),
    ] {
        let sandbox = denied(&[denied_read]);
        let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bob", "-n"];
        let said = run(&sandbox, &[&args, conditions].concat())
            .exits(6)
            .prints_outcome("Failed");
        let errors = said.messages().matches(denied_read).count();
        assert!(!said.messages().contains("unknown"), "{}", said.messages());
        assert!(errors <= 4, "{}", said.messages());
        let _ = said
            .says(&[&format!(
                "error: An error occurred (AccessDenied) when calling the {denied_read} operation"
            )])
            .ends_with("not deleted: no request to change it was sent to IAM");
    }
}

#[test]
fn c43_a_condition_that_fails_needs_no_read_that_is_denied() {
    let sandbox = denied(&["GetAccessKeyLastUsed"]);
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let conditions = ["--only-inactive", "--unused-for", "30d", "--dry-run"];
    let _ = run(&sandbox, &[&args[..], &conditions].concat())
        .exits(0)
        .prints_outcome("Skipped")
        .says_exactly(&format!(
            "hint: Bob has another active key: iam-del-key --access-key-id {BOB_SECOND_KEY_ID} --user-name=Bob --dry-run\n\
             result: {BOBS_KEY}: would be skipped: its status is Active\n"
        ));
}

/// The hint for a key that IAM has just listed.
const PERMISSION: &str = "hint: this command needs read access: ask for the permission iam:GetAccessKeyLastUsed, or use other credentials (--profile NAME)\n";

#[test]
fn c24_a_last_use_that_is_denied_for_a_listed_key_is_a_missing_permission() {
    let sandbox = denied(&["GetAccessKeyLastUsed"]);
    for args in [
        &["--access-key-id", BOBS_KEY, "--user-name", "Bob"][..],
        &["--access-key-id", BOBS_KEY, "--find-user"],
    ] {
        let said = run(&sandbox, &[args, &["--unused-for", "90d"]].concat())
            .exits(6)
            .prints_outcome("Failed");
        assert!(
            !said
                .messages()
                .contains("keys that are not in this account"),
            "{}",
            said.messages()
        );
        let _ = said
            .says(&[PERMISSION])
            .ends_with("not deleted: no request to change it was sent to IAM");
    }
    let sweep = [
        "--whole-account",
        "--expect-account",
        "123456789012",
        "--yes",
    ];
    let all = ["--user-name", "Bob", "--all-keys", "--yes"];
    for (args, known) in [
        (&["--from", "-"][..], "2 keys: 2 failed and not changed"),
        (&sweep, "no key was changed"),
        (&all, "no key was changed"),
    ] {
        let args = &[args, &["--unused-for", "90d"]].concat();
        let printed = run(&sandbox, args).exits(6);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        assert!(
            !said
                .messages()
                .contains("keys that are not in this account"),
            "{}",
            said.messages()
        );
        let _ = said.says(&[PERMISSION]).ends_with(known);
    }
    assert_eq!(sandbox.keys().len(), 5);
}

#[test]
fn c24_a_key_that_is_not_known_may_be_gone_or_another_accounts() {
    let sandbox = denied(&["GetAccessKeyLastUsed", "ListUsers"]);
    let _ = run(&sandbox, &["--access-key-id", BOBS_KEY, "--find-user"])
        .exits(6)
        .prints_outcome("Failed")
        .says(&["IAM also returns this error for keys that are not in this account"])
        .ends_with("not deleted: no request to change it was sent to IAM");
}

/// For a key that was just deleted, IAM returns the same as for a denied read.
#[test]
fn c24_a_sweep_continues_if_a_listed_key_is_deleted_before_its_last_use_is_read() {
    let sandbox = Sandbox::documented().list_lag(1).start();
    let delete = Case::documented(&sandbox, &[]).run();
    let _ = delete.exits(0).prints(crate::case::DELETED).says_nothing();
    // The next list still shows the key, and the list after that does not.
    let args = [
        "--user-name",
        "Bob",
        "--all-keys",
        "--unused-for",
        "30d",
        "--yes",
    ];
    let _ = run(&sandbox, &args)
        .exits(0)
        .prints_nothing()
        .says(&["none meets the conditions"])
        .ends_with("nothing to do: 2 keys were checked, and none meets the conditions");
}

#[test]
fn c25_a_sweep_that_cannot_read_for_another_reason_still_ends() {
    let sandbox = Sandbox::documented().start();
    let error = What::error(500, "ServiceFailure", "oops");
    sandbox.fault(Fault::new(error).on("GetAccessKeyLastUsed").always());
    let args = [
        "--user-name",
        "Bob",
        "--all-keys",
        "--unused-for",
        "30d",
        "--dry-run",
    ];
    let printed = run(&sandbox, &args).exits(5);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), []);
    let _ = printed
        .prints(&output)
        .says(&["ServiceFailure"])
        .ends_with("no key was changed");
    assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
}
