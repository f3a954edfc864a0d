//! What the credential report spares a sweep: users who have no keys, and never a key that could go.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_smithy_types::base64;
use humantime::format_rfc3339_seconds;
use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::journal::ACCOUNT;
use crate::response::{result, xml};
use crate::sweep::ids;
use crate::verification::throttled;

fn sweep(sandbox: &Sandbox, conditions: &[&str]) -> (BTreeSet<String>, usize) {
    let args = ["--whole-account", "--dry-run", "-v"];
    let before = actions(sandbox).len();
    let printed = Case::at(sandbox, args)
        .args(conditions.iter().copied())
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let last = if output.is_empty() {
        "nothing to do"
    } else {
        "this was a dry run"
    };
    let _ = printed
        .prints(&output)
        .says(&["requests to IAM"])
        .ends_with(last);
    let lists = actions(sandbox)[before..]
        .iter()
        .filter(|action| *action == "ListAccessKeys")
        .count();
    (ids(&output), lists)
}

#[test]
fn the_credential_report_spares_users_without_keys_and_changes_nothing_else() {
    let build = || {
        Sandbox::documented()
            .many_keys(20, 1)
            .many_users_without_keys(50)
    };
    let listed = build().deny("iam:GenerateCredentialReport").start();
    let reported = build().start();
    let foreign = build().foreign_report().start();
    let conditions = ["--unused-for", "30d"];
    let (expected, all_lists) = sweep(&listed, &conditions);
    assert!(all_lists >= 73, "{all_lists}");
    for sandbox in [reported, foreign] {
        let (found, lists) = sweep(&sandbox, &conditions);
        assert_eq!(found, expected);
        assert_eq!(
            lists, 22,
            "Alice, Bob and twenty more have keys that can match"
        );
    }
}

/// A user, the key's number, its status, and how many days ago it was used; `None`: never.
type Seed = (&'static str, usize, Status, Option<u32>);

fn seeded(seeds: &[Seed], build: impl Fn(Builder) -> Builder) -> Sandbox {
    let mut sandbox = build(Sandbox::builder());
    for (user, n, status, used) in seeds {
        let seed = KeySeed::new(user, &nth_key_id(ACCOUNT, *n)).status(*status);
        sandbox = sandbox.key(match used {
            Some(days) => seed.last_used_days_ago(*days, "s3", "us-east-1"),
            None => seed,
        });
    }
    sandbox.start()
}

#[test]
fn c08_an_inactive_key_that_the_report_does_not_date_is_found() {
    let seeds = [
        ("Inactive", 1, Status::Inactive, None),
        ("Both", 2, Status::Active, Some(1)),
        ("Both", 3, Status::Inactive, None),
        ("Used", 4, Status::Inactive, Some(95)),
    ];
    for conditions in [
        &["--only-inactive", "--older-than", "90d"][..],
        &["--unused-for", "90d"],
        &["--older-than", "90d"],
    ] {
        let listed = seeded(&seeds, |sandbox| {
            sandbox.deny("iam:GenerateCredentialReport")
        });
        let documented = seeded(&seeds, Builder::documented_report);
        let (expected, _) = sweep(&listed, conditions);
        let (found, _) = sweep(&documented, conditions);
        assert!(expected.len() >= 3, "{expected:?}");
        assert_eq!(found, expected, "{conditions:?}");
    }
}

#[test]
fn c08_users_whose_keys_were_all_used_since_are_not_listed() {
    // The report dates inactive keys, so that it shows users without keys too.
    let build = |sandbox: Builder| sandbox.many_users_without_keys(40);
    let mut seeds = vec![
        ("Old", 1, Status::Inactive, Some(95)),
        ("Old", 2, Status::Active, None),
    ];
    let used = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    seeds.extend((0..10).map(|n| (used[n], 10 + n, Status::Active, Some(3))));
    let sandbox = seeded(&seeds, build);
    let (found, lists) = sweep(&sandbox, &["--unused-for", "90d"]);
    assert_eq!(
        found,
        BTreeSet::from([1, 2].map(|n| nth_key_id(ACCOUNT, n)))
    );
    assert_eq!(lists, 1, "only Old has a key that can match");
    // The report, one list of users, which it confirms, one list of keys, and two last uses.
    let expected = [
        "GenerateCredentialReport",
        "GenerateCredentialReport",
        "GetCredentialReport",
        "ListUsers",
        "ListAccessKeys",
        "GetAccessKeyLastUsed",
        "GetAccessKeyLastUsed",
    ];
    assert_eq!(actions(&sandbox), expected);
    // Without --unused-for, a use proves nothing.
    let (found, lists) = sweep(&sandbox, &["--older-than", "90d"]);
    assert_eq!((found.len(), lists), (12, 12));
}

#[test]
fn c54_a_user_who_is_renamed_between_two_pages_is_found_with_a_report_too() {
    // By the report, the list lacks somebody who can have a key that matches: it is read again.
    let seeds = [
        ("Bob", 1, Status::Inactive, None),
        ("Zoe", 2, Status::Active, None),
    ];
    let sandbox = seeded(&seeds, |sandbox| sandbox.page_size(2));
    let (name, to) = ("Zoe".to_owned(), "Aaron".to_owned());
    sandbox.fault(Fault::new(What::ThenRename { name, to }).on("ListUsers"));
    let (found, lists) = sweep(&sandbox, &["--older-than", "90d"]);
    assert_eq!(
        found,
        BTreeSet::from([1, 2].map(|n| nth_key_id(ACCOUNT, n)))
    );
    assert_eq!(lists, 3, "Bob and Aaron, and the administrator");
}

#[test]
fn a_user_who_was_renamed_since_the_credential_report_is_found() {
    let conditions = ["--older-than", "300d", "--except-user", "B*"];
    // Excepted by the old name, and by the new one of somebody who had no keys.
    for new_name in ["Robert", "idle-000001"] {
        let sandbox = Sandbox::documented().many_users_without_keys(50).start();
        let (before, _) = sweep(&sandbox, &conditions);
        assert!(!before.contains(BOBS_KEY), "{before:?}");
        sandbox.rename_user("Bob", new_name);
        let (after, lists) = sweep(&sandbox, &conditions);
        assert!(after.contains(BOBS_KEY), "{new_name}: {after:?}");
        assert!(after.is_superset(&before));
        assert!(lists < 10, "{lists}");
    }
}

#[test]
fn a_credential_report_is_not_used_where_a_newer_key_could_satisfy_the_conditions() {
    let build = || Sandbox::documented().many_users_without_keys(10);
    for (sandbox, conditions) in [
        // Nothing is said of the age.
        (build().start(), &["--only-inactive"][..]),
        // The report is older than a key has to be.
        (
            build().stale_report(Duration::from_hours(3)).start(),
            &["--older-than", "2h"],
        ),
        (build().endless_report().start(), &["--older-than", "30d"]),
        (
            build().deny("iam:GetCredentialReport").start(),
            &["--older-than", "30d"],
        ),
    ] {
        let (_, lists) = sweep(&sandbox, conditions);
        assert!(lists >= 13, "{lists} {conditions:?}");
    }
}

#[test]
fn a_key_that_is_newer_than_the_report_is_found_all_the_same() {
    let sandbox = Sandbox::documented()
        .stale_report(Duration::from_hours(3))
        .start();
    let id = nth_key_id(ACCOUNT, 9);
    sandbox.add_key(
        KeySeed::new("new", &id)
            .status(Status::Inactive)
            .created_days_ago(0),
    );
    let (found, _) = sweep(&sandbox, &["--only-inactive"]);
    assert!(found.contains(&id));
}

/// A report that IAM returns: rows of users, with a name, a creation time and two keys, and `more` columns.
fn report_of(rows: &[[&str; 4]], more: usize, generated: SystemTime) -> String {
    let slot = |n: u8| {
        let names = [
            "active",
            "last_rotated",
            "last_used_date",
            "last_used_region",
            "last_used_service",
        ];
        names.map(|name| format!("access_key_{n}_{name}")).join(",")
    };
    let new = |text: &str| format!("{text},").repeat(more);
    let head = format!(
        "{}user,user_creation_time,{},{}",
        new("new"),
        slot(1),
        slot(2)
    );
    let rows = rows.iter().map(|row| new("x") + &row.join(","));
    let csv = [head]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n");
    let (content, generated) = (base64::encode(csv), format_rfc3339_seconds(generated));
    let inside = format!(
        "<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{generated}</GeneratedTime>"
    );
    result("GetCredentialReport", &inside)
}

/// A key that is not active and has a date, so that the report lists such keys; none; and a key that is in use.
const INACTIVE: &str = "false,2020-01-01T00:00:00Z,N/A,N/A,N/A";
const NONE: &str = "false,N/A,N/A,N/A,N/A";

fn in_use() -> String {
    let used = format_rfc3339_seconds(SystemTime::now() - Duration::from_hours(48));
    format!("true,2020-01-01T00:00:00Z,{used},us-east-1,s3")
}

fn created(sandbox: &Sandbox, id: &str) -> String {
    let key = sandbox.key(id).expect("a key");
    format_rfc3339_seconds(key.created).to_string()
}

/// A report that says when Bob was created, and that a key is in use.
type Report<'a> = dyn Fn(&str, &str) -> String + 'a;

/// Bob has a key that was not used for 120 days; the report says what it says.
fn with_report(report: impl Fn(&str, &str) -> String) -> Sandbox {
    let seed = KeySeed::new("Bob", BOBS_KEY).last_used_days_ago(120, "s3", "us-east-1");
    let sandbox = Sandbox::builder().key(seed.created_days_ago(400)).start();
    let report = report(&created(&sandbox, BOBS_KEY), &in_use());
    sandbox.fault(Fault::new(xml(report)).on("GetCredentialReport").always());
    sandbox
}

#[test]
fn f107_a_user_who_was_created_again_is_not_the_user_of_the_report() {
    let older = "2021-01-01T00:00:00Z";
    for more in [0, 3] {
        for (date, is_found) in [(None, false), (Some(older), true)] {
            let sandbox = with_report(|created, used| {
                let rows = [
                    ["bob", date.unwrap_or(created), used, used],
                    ["Other", older, INACTIVE, NONE],
                ];
                report_of(&rows, more, SystemTime::now() - Duration::from_mins(1))
            });
            let (found, _) = sweep(&sandbox, &["--unused-for", "90d"]);
            assert_eq!(found.contains(BOBS_KEY), is_found, "{date:?}");
        }
    }
}

#[test]
fn f107_a_report_that_cannot_be_used_hides_nobody() {
    let usable = |generated| {
        move |created: &str, used: &str| {
            let rows = [
                ["Bob", created, used, used],
                ["Other", created, INACTIVE, NONE],
            ];
            report_of(&rows, 0, generated)
        }
    };
    let now = SystemTime::now();
    let bad: [&Report<'_>; 6] = [
        &usable(now + Duration::from_hours(1)),
        &usable(now - Duration::from_hours(90 * 24)),
        &|created, used| usable(now)(created, used).replace("GeneratedTime>", "Time>"),
        &|created, used| usable(now)(created, used).replace("<Content>", "<Content>!"),
        &|_, _| "<html>Sign in</html>".to_owned(),
        &|_, _| result("GetCredentialReport", "<Content/>"),
    ];
    for (number, report) in bad.into_iter().enumerate() {
        let sandbox = with_report(report);
        let (found, lists) = sweep(&sandbox, &["--unused-for", "90d", "--timeout", "5"]);
        assert!(found.contains(BOBS_KEY), "{number}");
        assert_eq!(lists, 2, "{number}");
    }
    for (status, code) in [
        (410, "ReportNotPresent"),
        (410, "ReportExpired"),
        (404, "ReportInProgress"),
        (403, "AccessDenied"),
    ] {
        let sandbox = with_report(|_, _| String::new());
        sandbox.clear_faults();
        let error = What::error(status, code, "no");
        sandbox.fault(Fault::new(error).on("GetCredentialReport").always());
        let (found, lists) = sweep(&sandbox, &["--unused-for", "90d"]);
        assert!(found.contains(BOBS_KEY) && lists == 2, "{code}");
    }
}

#[test]
fn f107_a_report_in_progress_is_waited_for() {
    let sandbox = Sandbox::documented()
        .many_users_without_keys(50)
        .report_lag(2)
        .start();
    let (found, lists) = sweep(&sandbox, &["--older-than", "300d"]);
    assert_eq!(
        (found.len(), lists),
        (2, 3),
        "Alice, Bob and the administrator"
    );
    let actions = actions(&sandbox);
    assert_eq!(actions[..4], ["GenerateCredentialReport"; 4]);
    assert_eq!(actions[4], "GetCredentialReport");
}

#[test]
fn f107_a_report_in_progress_is_waited_for_15_seconds_however_slow_iam_is() {
    let sandbox = documented();
    let action = "GenerateCredentialReport";
    let started = xml(result(action, "<State>STARTED</State>"));
    sandbox.fault(Fault::new(started).on(action));
    let silent = Fault::new(What::SilenceBeforeActing).on(action);
    sandbox.fault(silent.always());
    let sweep = ["--whole-account", "--older-than", "300d", "--dry-run"];
    let seconds = ["--timeout", "100", "--cli-read-timeout", "100"];
    let printed = Case::at(&sandbox, sweep).args(seconds).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly(
            "iam-del-key: note: 5 keys of 3 users checked\n\
             result: 2 keys: 2 would be deleted; this was a dry run; root user keys are not included\n",
        )
        .within(Duration::from_secs(75));
    assert_eq!(actions(&sandbox)[..3], [action, action, "ListUsers"]);
}

#[test]
fn f107_a_report_that_iam_throttles_is_given_up_and_slows_down_nothing() {
    for action in ["GenerateCredentialReport", "GetCredentialReport"] {
        let sandbox = Sandbox::documented().many_users_without_keys(50).start();
        sandbox.fault(Fault::new(throttled()).on(action).always());
        let args = ["--whole-account", "--older-than", "300d", "--dry-run", "-v"];
        let printed = Case::at(&sandbox, args).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says(&["no credential report (Throttling): listing all users\n"])
            .ends_with("this was a dry run; root user keys are not included");
        let tried = actions(&sandbox);
        assert_eq!(tried.iter().filter(|tried| *tried == action).count(), 4);
        let lists = tried.iter().filter(|tried| *tried == "ListAccessKeys");
        assert_eq!(lists.count(), 53, "{action}");
        // A throttled request now and then is repeated.
        sandbox.clear_faults();
        sandbox.fault(Fault::new(throttled()).on(action).times(2));
        let (found, lists) = sweep(&sandbox, &["--older-than", "300d"]);
        assert_eq!((found.len(), lists), (2, 3), "{action}");
    }
}

#[test]
fn f107_a_terminal_shows_that_a_report_is_waited_for() {
    let sandbox = Sandbox::documented().report_lag(3).start();
    let args = [
        "--whole-account",
        "--older-than",
        "300d",
        "--dry-run",
        "--output=off",
    ];
    let case = Case::at(&sandbox, args).env("TERM", "xterm");
    let said = Dialogue::start(case)
        .shows("waiting up to 15 s for the credential report: ")
        .shows(" s")
        .end()
        .exits(0)
        .prints_nothing();
    // A line that is full makes the terminal begin another one for what it shows of Ctrl-C.
    assert!(!said.messages().contains("  "), "{}", said.messages());
    let _ = said.says(&[" checked"]);
}

#[test]
fn a_sweep_of_5000_users_costs_what_its_matching_keys_cost() {
    // 1,500 keys of as many users, of which 98 were never used; Alice and Bob have one each that was not used for 90 days.
    let sandbox = Sandbox::documented()
        .many_keys(1500, 1)
        .many_used(1402)
        .many_users_without_keys(3497)
        .page_size(1000)
        .start();
    let (found, lists) = sweep(&sandbox, &["--unused-for", "90d"]);
    assert_eq!((found.len(), lists), (100, 100));
    let (pages, requests) = (5, actions(&sandbox).len());
    let limit = 11 * (pages + 2 * found.len() + 3) / 10;
    assert!(requests <= limit, "{requests} requests, at most {limit}");
    assert!(limit < 230);
}

#[test]
fn an_active_key_of_the_root_user_is_reported() {
    let warning = "iam-del-key: warning: according to the credential report, the root user of account 123456789012 has an \
                   active access key, which --whole-account does not include\n";
    let hint = "hint: to delete it, sign in to the AWS console as the root user, and open Security credentials; or, if the \
                account is a member of an organization with central root access, use credentials of the management account: \
                iam-del-key --target-principal 123456789012 --all-keys\n";
    let note = "iam-del-key: note: 5 keys of 3 users checked\n";
    let known = "result: nothing to do: 5 keys were checked, and none meets the conditions; root user keys are not included\n";
    let run = |sandbox: &Sandbox, more: &[&str], expected: String| {
        let args = ["--whole-account", "--older-than", "900d", "--dry-run"];
        let _ = Case::at(sandbox, args)
            .args(more.iter().copied())
            .run()
            .exits(0)
            .prints_nothing()
            .says_exactly(&expected);
    };
    let rest = format!("{note}{known}");
    let build = || Sandbox::documented().report_root_key();
    run(&build().start(), &[], format!("{warning}{hint}{rest}"));
    run(&build().start(), &["-q"], warning.to_owned());
    // The report says so even if it is too old for the conditions.
    let hours = Duration::from_hours(3);
    let args = ["--whole-account", "--older-than", "2h", "--dry-run"];
    let said = Case::at(&build().stale_report(hours).start(), args)
        .run()
        .exits(0);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&[warning]);
    // Nothing is known without a report.
    run(&Sandbox::documented().start(), &[], rest.clone());
    let denied = build().deny("iam:GenerateCredentialReport").start();
    run(&denied, &[], rest);
}

/// A key cannot have been used after the report was made. A date that cannot be true hides nobody.
#[test]
fn f107_a_last_use_after_the_report_hides_nobody() {
    let now = SystemTime::now();
    let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
    for (used, generated, is_found) in [
        (now - 3 * day, now - 2 * day, false),
        (now - day, now - 2 * day, true),
        (now + 900 * day, now - hour, true),
    ] {
        let sandbox = with_report(|created, _| {
            let used = format_rfc3339_seconds(used);
            let used = format!("true,2020-01-01T00:00:00Z,{used},us-east-1,s3");
            let rows = [
                ["Bob", created, &used, NONE],
                ["Other", created, INACTIVE, NONE],
            ];
            report_of(&rows, 0, generated)
        });
        let (found, _) = sweep(&sandbox, &["--unused-for", "90d"]);
        assert_eq!(found.contains(BOBS_KEY), is_found, "{used:?}");
    }
}
