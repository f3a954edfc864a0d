//! Users who leave the path of `--path-prefix` during a sweep keep their keys, whenever IAM's lists show it.

use std::time::Duration;

use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{Case, Ended, actions};
use crate::journal::ACCOUNT;
use crate::many::{outcomes, rows};
use crate::streams::wait_for;

const SWEEP: [&str; 8] = [
    "--whole-account",
    "--older-than=1d",
    "--yes",
    "--expect-account",
    ACCOUNT,
    "--path-prefix",
    "/ci/",
    "--jobs=1",
];

/// An administrator, and users under the path with a key each: ci-00, ci-01 and so on.
fn account(users: usize) -> Builder {
    (0..users).fold(Sandbox::builder(), |sandbox, n| {
        let user = format!("ci-{n:02}");
        let seed = KeySeed::new(&user, &nth_key_id(ACCOUNT, n)).status(Status::Inactive);
        sandbox.key(seed).path(&user, "/ci/")
    })
}

fn count(sandbox: &Sandbox, action: &str) -> usize {
    let actions = actions(sandbox);
    actions.iter().filter(|name| *name == action).count()
}

/// Runs the sweep, and does something while IAM handles the request with this number for this action.
fn during(
    sandbox: &Sandbox,
    (action, number): (&str, usize),
    args: &[&str],
    change: impl FnOnce(),
) -> Ended {
    let slow = Fault::new(What::Delay(Duration::from_millis(900)));
    sandbox.fault(slow.on(action).always());
    let running = Case::at(sandbox, SWEEP).args(args).start();
    wait_for(|| count(sandbox, action) >= number);
    change();
    running.end()
}

fn skipped(output: &str) -> Vec<String> {
    let rows = rows(output).into_iter();
    rows.filter(|row| row["Outcome"] == "Skipped")
        .map(|row| row["Reason"].as_str().expect("a reason").to_owned())
        .collect()
}

#[test]
fn f106_the_list_of_a_path_is_read_again_when_it_is_old() {
    let sandbox = account(10).start();
    let last = nth_key_id(ACCOUNT, 9);
    let args = ["--timeout", "3"];
    let printed = during(&sandbox, ("DeleteAccessKey", 5), &args, || {
        sandbox.set_path("ci-09", "/prod/");
    });
    let printed = printed.exits(0);
    let output = printed.output().to_owned();
    assert_eq!(
        skipped(&output),
        ["IAM no longer lists the user ci-09 under /ci/"]
    );
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("10 keys: 9 deleted, 1 skipped; root user keys are not included");
    assert!(sandbox.has_key(&last));
}

#[test]
fn f106_a_user_who_leaves_the_path_while_keys_are_listed_keeps_them() {
    for has_report in [true, false] {
        let sandbox = account(2).start();
        if !has_report {
            sandbox.deny("iam:GenerateCredentialReport");
        }
        let printed = during(&sandbox, ("ListAccessKeys", 1), &[], || {
            sandbox.set_path("ci-00", "/prod/");
        });
        let printed = printed.exits(0);
        let output = printed.output().to_owned();
        assert_eq!(
            skipped(&output),
            ["IAM no longer lists the user ci-00 under /ci/"]
        );
        let _ = printed
            .prints(&output)
            .says(&[" checked\n"])
            .ends_with("2 keys: 1 deleted, 1 skipped; root user keys are not included");
        assert!(sandbox.has_key(&nth_key_id(ACCOUNT, 0)));
    }
}

#[test]
fn f106_a_name_that_another_user_gets_proves_nothing_about_the_path() {
    // A person gets the name of a user under the path. That user's new name is also under the path, or the user leaves it.
    for stays in [true, false] {
        for has_report in [true, false] {
            let id = nth_key_id(ACCOUNT, 5);
            let sandbox = account(2)
                .key(KeySeed::new("person", &id).status(Status::Inactive))
                .start();
            if !has_report {
                sandbox.deny("iam:GenerateCredentialReport");
            }
            let printed = during(&sandbox, ("ListAccessKeys", 1), &[], || {
                sandbox.rename_user("ci-01", "ci-99");
                sandbox.rename_user("person", "ci-01");
                if !stays {
                    sandbox.set_path("ci-99", "/prod/");
                    sandbox.set_path("ci-01", "/ci/");
                }
            });
            let printed = printed.exits(0);
            let output = printed.output().to_owned();
            let reason = if stays {
                "IAM no longer lists the user ci-01 under /ci/"
            } else {
                "the lists of this run show two users named ci-01"
            };
            assert_eq!(skipped(&output), [reason]);
            // The user who stays under the path is found by the new name.
            let deleted = 1 + usize::from(stays);
            assert_eq!(outcomes(&output)[0], ("Deleted".to_owned(), deleted));
            let _ = printed.prints(&output).says(&[" checked\n", "1 skipped"]);
            assert!(sandbox.has_key(&id));
        }
    }
}

#[test]
fn f106_a_path_without_users_is_named() {
    for (path, says) in [
        (
            "/ci/*/",
            "0 keys of 0 users checked; no user is under /ci/*/",
        ),
        ("/ci/", "2 keys of 2 users checked"),
    ] {
        let sandbox = account(2).start();
        let args = [&SWEEP[..6], &[path, "--dry-run"]].concat();
        let printed = Case::at(&sandbox, args).run().exits(0);
        let says = format!("iam-del-key: note: {says}\n");
        let _ = printed.prints_anything().says(&[&says]);
    }
    // A user who is not read is under the path.
    let sandbox = account(1).start();
    let args = ["--except-user=ci-*", "--dry-run"];
    let printed = Case::at(&sandbox, SWEEP).args(args).run().exits(0);
    let skipped = "note: 0 keys of 0 users checked; 1 user skipped (--except-user)\n";
    let _ = printed.prints_nothing().says(&[skipped]);
}
