//! What the credential report spares a sweep: users who have no keys, and never a key that could go.

use std::collections::BTreeSet;

use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions};
use crate::journal::ACCOUNT;
use crate::sweep::ids;

fn sweep(sandbox: &Sandbox, conditions: &[&str]) -> (BTreeSet<String>, usize) {
    let args = ["--whole-account", "--dry-run", "-v"];
    let before = actions(sandbox).len();
    let printed = Case::at(sandbox, args)
        .args(conditions.iter().copied())
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["requests to IAM"])
        .ends_with("this was a dry run");
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
    use std::time::Duration;
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
    use std::time::Duration;
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
