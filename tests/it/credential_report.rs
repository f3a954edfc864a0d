//! What the credential report saves a sweep: reads of users who have no keys, but never a key that could match.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, always, documented, each, once};
use crate::dialogue::Dialogue;
use crate::journal::ACCOUNT;
use crate::many::rows;
use crate::response::{result, xml};
use crate::sweep::ids;
use crate::verification::throttled;

pub(crate) fn sweep(sandbox: &Sandbox, conditions: &[&str]) -> (BTreeSet<String>, usize) {
    let args = ["--whole-account", "--dry-run", "-v"];
    let before = actions(sandbox).len();
    let printed = Case::at(sandbox, args)
        .args(conditions.iter().copied())
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let rows = rows(&output);
    let of = |name: &str| rows.iter().filter(|row| row["Outcome"] == name).count();
    let keys = match rows.len() {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let skipped = match of("Skipped") {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    let last = match of("WouldDelete") {
        0 => "nothing to do: 1 key was checked, and it does not meet the conditions".to_owned(),
        count => format!("{keys}: {count} would be deleted{skipped}; this was a dry run"),
    };
    let _ = printed
        .prints(&output)
        .says(&["requests to IAM"])
        .ends_with(&format!("{last}; root user keys are not included"));
    let lists = actions(sandbox)[before..]
        .iter()
        .filter(|action| *action == "ListAccessKeys")
        .count();
    (ids(&output), lists)
}

#[test]
fn the_credential_report_saves_reads_of_users_without_keys_and_changes_nothing_else() {
    let build = || {
        Sandbox::documented()
            .many_keys(20, 1)
            .many_users_without_keys(50)
    };
    let listed = build().deny("iam:GenerateCredentialReport").start();
    let conditions = ["--unused-for", "30d"];
    let (expected, all_lists) = sweep(&listed, &conditions);
    assert!(all_lists >= 73, "{all_lists}");
    each(["own", "foreign"], |style| {
        let builder = match style {
            "foreign" => build().foreign_report(),
            _ => build(),
        };
        let (found, lists) = sweep(&builder.start(), &conditions);
        assert_eq!(found, expected);
        // Alice, Bob and twenty more have keys that can match.
        assert_eq!(lists, 22);
    });
}

/// A user, the key's number, its status, and the days since its last use; `None` means never.
type Seed = (&'static str, usize, Status, Option<u32>);

fn seeded(seeds: &[Seed], build: impl Fn(Builder) -> Builder) -> Sandbox {
    let mut sandbox = build(Sandbox::builder());
    for (user, n, status, used) in seeds {
        let mut seed = KeySeed::new(user, &nth_key_id(ACCOUNT, *n)).status(*status);
        // Users who were created in the same second can be skipped only together.
        seed.created -= Duration::from_secs(10 * *n as u64);
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
    let cases = [
        &["--only-inactive", "--older-than", "90d"][..],
        &["--unused-for", "90d"],
        &["--older-than", "90d"],
    ];
    each(cases, |conditions| {
        let listed = seeded(&seeds, |sandbox| {
            sandbox.deny("iam:GenerateCredentialReport")
        });
        let documented = seeded(&seeds, Builder::documented_report);
        let (expected, _) = sweep(&listed, conditions);
        let (found, _) = sweep(&documented, conditions);
        assert!(expected.len() >= 3, "{expected:?}");
        assert_eq!(found, expected, "{conditions:?}");
    });
}

#[test]
fn c08_users_whose_keys_were_all_used_since_are_not_listed() {
    // The report has dates of inactive keys, so it shows users without keys too.
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
    // The report, one list of keys between two lists of users, and two last uses.
    let expected = [
        "GenerateCredentialReport",
        "GenerateCredentialReport",
        "GetCredentialReport",
        "ListUsers",
        "ListAccessKeys",
        "GetAccessKeyLastUsed",
        "GetAccessKeyLastUsed",
        "ListUsers",
    ];
    assert_eq!(actions(&sandbox), expected);
    // Without --unused-for, a last use proves nothing.
    let (found, lists) = sweep(&sandbox, &["--older-than", "90d"]);
    assert_eq!((found.len(), lists), (12, 12));
}

#[test]
fn c54_a_user_who_is_renamed_between_two_pages_is_found_with_a_report_too() {
    let seeds = [
        ("Bob", 1, Status::Inactive, None),
        ("Zoe", 2, Status::Active, None),
    ];
    let sandbox = seeded(&seeds, |sandbox| sandbox.page_size(2));
    let (name, to) = ("Zoe".to_owned(), "Aaron".to_owned());
    sandbox.fault(once("ListUsers", What::ThenRename { name, to }));
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
    // One user is excepted by the old name. Another user, who had no keys, is excepted by the new name.
    each(["Robert", "idle-000001"], |new_name| {
        let sandbox = Sandbox::documented().many_users_without_keys(50).start();
        let (before, _) = sweep(&sandbox, &conditions);
        assert!(!before.contains(BOBS_KEY), "{before:?}");
        sandbox.rename_user("Bob", new_name);
        let (after, lists) = sweep(&sandbox, &conditions);
        assert!(after.contains(BOBS_KEY), "{new_name}: {after:?}");
        assert!(after.is_superset(&before));
        assert!(lists < 10, "{lists}");
    });
}

#[test]
fn a_user_with_the_old_name_of_one_created_in_the_same_second_is_found() {
    let [key, used] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let seed = |user, id| KeySeed {
        created: UNIX_EPOCH + Duration::from_hours(24 * 18_000),
        ..KeySeed::new(user, id)
    };
    let sandbox = Sandbox::builder()
        .key(seed("Zoe", &key).status(Status::Inactive))
        .key(seed("Bob", &used).last_used_days_ago(3, "s3", "us-east-1"))
        .start();
    let before = sweep(&sandbox, &["--unused-for", "90d"]);
    sandbox.rename_user("Bob", "Robert");
    sandbox.rename_user("Zoe", "Bob");
    let after = sweep(&sandbox, &["--unused-for", "90d"]);
    assert!(before.0.contains(&key));
    assert_eq!(after.0, before.0);
}

#[test]
fn a_credential_report_is_not_used_if_a_newer_key_could_satisfy_the_conditions() {
    let build = || Sandbox::documented().many_users_without_keys(10);
    let cases = [
        // No condition concerns the age.
        ("usable", &["--only-inactive"][..]),
        // The report is older than the age that a key needs.
        ("stale", &["--older-than", "2h"]),
        ("endless", &["--older-than", "30d"]),
        ("denied", &["--older-than", "30d"]),
    ];
    each(cases, |(report, conditions)| {
        let builder = match report {
            "stale" => build().stale_report(Duration::from_hours(3)),
            "endless" => build().endless_report(),
            "denied" => build().deny("iam:GetCredentialReport"),
            _ => build(),
        };
        let (_, lists) = sweep(&builder.start(), conditions);
        assert!(lists >= 13, "{lists}");
    });
}

#[test]
fn a_key_that_is_newer_than_the_report_is_still_found() {
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
    sandbox.fault(once(action, started));
    let silent = Fault::new(What::SilenceBeforeActing).on(action);
    sandbox.fault(silent.always());
    let sweep = ["--whole-account", "--older-than", "300d", "--dry-run"];
    let seconds = ["--timeout", "100", "--cli-read-timeout", "100"];
    let printed = Case::at(&sandbox, sweep).args(seconds).run().exits(0);
    let _ = printed
        .prints_anything()
        .says_exactly(
            "iam-del-key: note: 5 keys of 3 users checked\n\
             result: 2 keys: 2 would be deleted; this was a dry run; root user keys are not included\n",
        )
        .within(Duration::from_secs(75));
    assert_eq!(actions(&sandbox)[..3], [action, action, "ListUsers"]);
}

#[test]
fn f107_a_throttled_report_is_abandoned_and_slows_down_nothing() {
    let cases = ["GenerateCredentialReport", "GetCredentialReport"];
    each(cases, |action| {
        let sandbox = Sandbox::documented().many_users_without_keys(50).start();
        sandbox.fault(always(action, throttled()));
        let args = ["--whole-account", "--older-than", "300d", "--dry-run", "-v"];
        let printed = Case::at(&sandbox, args).run().exits(0);
        let _ = printed
            .prints_anything()
            .says(&["no credential report (Throttling): listing all users\n"])
            .ends_with("this was a dry run; root user keys are not included");
        let tried = actions(&sandbox);
        assert_eq!(tried.iter().filter(|tried| *tried == action).count(), 4);
        let lists = tried.iter().filter(|tried| *tried == "ListAccessKeys");
        assert_eq!(lists.count(), 53, "{action}");
        // Occasional throttled requests are retried.
        sandbox.clear_faults();
        sandbox.fault(Fault::new(throttled()).on(action).times(2));
        let (found, lists) = sweep(&sandbox, &["--older-than", "300d"]);
        assert_eq!((found.len(), lists), (2, 3), "{action}");
    });
}

#[test]
fn f107_a_terminal_shows_the_wait_for_a_report() {
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
    // If a line is full, the terminal shows Ctrl-C on a new line.
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
        Case::at(sandbox, args)
            .args(more.iter().copied())
            .run()
            .stops_exactly(0, &expected);
    };
    let rest = format!("{note}{known}");
    let build = || Sandbox::documented().report_root_key();
    run(&build().start(), &[], format!("{warning}{hint}{rest}"));
    run(&build().start(), &["-q"], warning.to_owned());
    // The report is used for this even if it is too old for the conditions.
    let hours = Duration::from_hours(3);
    let args = ["--whole-account", "--older-than", "2h", "--dry-run"];
    let said = Case::at(&build().stale_report(hours).start(), args)
        .run()
        .exits(0);
    let _ = said.prints_anything().says(&[warning]);
    // Without a report, nothing is known about the root user's keys.
    run(&Sandbox::documented().start(), &[], rest.clone());
    let denied = build().deny("iam:GenerateCredentialReport").start();
    run(&denied, &[], rest);
}
