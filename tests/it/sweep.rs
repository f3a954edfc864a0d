//! Every key of a user or of the account: all lists are read before the first deletion, and an unreadable list never counts as
//! empty.

use std::collections::BTreeSet;
use std::time::Duration;

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;
use crate::inactive::alices_keys;
use crate::many::{outcomes, rows};
use crate::streams::wait_for;

const ACCOUNT: &str = "123456789012";

pub(crate) fn ids(output: &str) -> BTreeSet<String> {
    let rows = rows(output);
    rows.iter()
        .map(|row| row["AccessKeyId"].as_str().expect("an ID").to_owned())
        .collect()
}

/// An account in which every third user has an inactive key, and some have three keys.
fn account() -> Sandbox {
    let mut sandbox = Sandbox::documented().page_size(7);
    for n in 0..60 {
        let user = format!("u{n:02}");
        let status = if n % 3 == 0 {
            Status::Inactive
        } else {
            Status::Active
        };
        sandbox = sandbox.key(KeySeed::new(&user, &nth_key_id(ACCOUNT, n)).status(status));
        if n % 20 == 0 {
            for more in 1..3 {
                let id = nth_key_id(ACCOUNT, 100 * more + n);
                sandbox = sandbox.key(KeySeed::new(&user, &id).status(Status::Active));
            }
        }
    }
    sandbox.start()
}

fn is_changing(action: &str) -> bool {
    action == "DeleteAccessKey" || action == "UpdateAccessKey"
}

#[test]
fn all_keys_of_a_user_and_no_others_are_deleted() {
    let sandbox = documented();
    let printed = Case::at(&sandbox, ["--user-name", "Bob", "--all-keys", "--yes"])
        .run()
        .exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 2)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("iam-del-key: note: 2 keys of 1 user checked\nresult: 2 keys: 2 deleted\n");
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "DeleteAccessKey", "DeleteAccessKey"]
    );
    assert!(!sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID));
    assert!(sandbox.has_key(ALICE_KEY_ID));
    // No key is left, so nothing matches.
    let _ = Case::at(&sandbox, ["--user-name", "Bob", "--all-keys", "--yes"])
        .run()
        .exits(0)
        .prints_nothing()
        .says_exactly("iam-del-key: note: 0 keys of 1 user checked\nresult: nothing to do: no keys were found\n");
    let _ = Case::at(&sandbox, ["--user-name", "Nobody", "--all-keys", "--yes"])
        .run()
        .exits(3)
        .prints_nothing()
        .says_exactly(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the ListAccessKeys operation: The user \
             with name Nobody cannot be found.\n\
             hint: check the user name; if the user is in another account, use a profile of that account (--profile NAME)\n\
             result: no key was changed\n",
        );
}

#[test]
fn f59_whole_account_over_every_page_and_only_what_satisfies_the_condition() {
    let sandbox = account();
    let expected: BTreeSet<String> = (0..60).step_by(3).map(|n| nth_key_id(ACCOUNT, n)).collect();
    let before = sandbox.keys().len();
    let args = [
        "--whole-account",
        "--only-inactive",
        "--except-user",
        "alice",
        "--yes",
        "--expect-account",
        ACCOUNT,
        "-v",
    ];
    let printed = Case::at(&sandbox, args).run().exits(0);
    assert_eq!(ids(printed.output()), expected);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["requests to IAM: 20 DeleteAccessKey, ", " ListUsers"])
        .ends_with("20 keys: 20 deleted; root user keys are not included");
    assert_eq!(sandbox.keys().len(), before - 20);
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
    let actions = actions(&sandbox);
    let first = actions
        .iter()
        .position(|action| is_changing(action))
        .expect("a deletion");
    assert!(
        actions[first..].iter().all(|action| is_changing(action)),
        "a list after a deletion"
    );
}

#[test]
fn a_dry_run_of_the_account_is_a_plan() {
    let sandbox = account();
    let planned = Case::at(
        &sandbox,
        ["--whole-account", "--only-inactive", "--dry-run"],
    )
    .run()
    .exits(0);
    let plan = planned.output().to_owned();
    assert_eq!(outcomes(&plan), [("WouldDelete".to_owned(), 21)]);
    let _ = planned.prints(&plan).says(&["result: "]).ends_with(
        "21 keys: 21 would be deleted; this was a dry run; root user keys are not included",
    );
    assert!(!actions(&sandbox).iter().any(|action| is_changing(action)));
    // One of them is in use again before the plan is applied.
    sandbox.set_status(ALICE_OLD_KEY_ID, Status::Active);
    let applied = Case::at(&sandbox, ["--from", "-", "--only-inactive"])
        .input(plan.as_bytes())
        .run()
        .exits(0);
    let output = applied.output().to_owned();
    assert_eq!(
        outcomes(&output),
        [("Deleted".to_owned(), 20), ("Skipped".to_owned(), 1)]
    );
    let _ = applied
        .prints(&output)
        .says_exactly("result: 21 keys: 20 deleted, 1 skipped\n");
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
}

#[test]
fn f59_an_unreadable_list_is_never_taken_for_an_empty_one() {
    let failures = [
        (What::error(403, "AccessDenied", "no"), 6),
        (What::error(500, "ServiceFailure", "oops"), 5),
        (What::ResetBeforeActing, 9),
        (What::page(200, "text/html", "<html>Sign in</html>"), 9),
        (What::error(400, "Throttling", "Rate exceeded"), 8),
    ];
    let reads = ["ListUsers", "ListAccessKeys", "GetAccessKeyLastUsed"];
    for read in reads {
        for (what, status) in failures.clone() {
            let sandbox = account();
            let before = sandbox.keys().len();
            let shown = format!("{read} {what:?}");
            sandbox.deny("iam:GenerateCredentialReport");
            // The fault is not in the first list: a part of the account has been read by then.
            let skip = if read == "ListUsers" { 2 } else { 20 };
            sandbox.fault(Fault::new(what).on(read).skip(skip).always());
            let _ = Case::at(
                &sandbox,
                [
                    "--whole-account",
                    "--unused-for",
                    "30d",
                    "--yes",
                    "--expect-account",
                    ACCOUNT,
                    "--timeout",
                    "3",
                ],
            )
            .run()
            .exits(status)
            .prints_nothing()
            .says(&["iam-del-key: error: "])
            .ends_with("no key was changed");
            assert_eq!(sandbox.keys().len(), before, "{shown}");
            assert!(
                !actions(&sandbox).iter().any(|action| is_changing(action)),
                "{shown}"
            );
        }
    }
}

#[test]
fn f59_a_sweep_ends_at_a_page_that_leads_nowhere() {
    for (list, within) in [
        ("ListUsers", "Users"),
        ("ListAccessKeys", "AccessKeyMetadata"),
    ] {
        for (marker, says) in [
            ("", "that the list continues, but has no marker"),
            ("<Marker>again</Marker>", "repeats a pagination marker"),
        ] {
            let page = format!(
                "<{list}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{list}Result><{within}/>\
                 <IsTruncated>true</IsTruncated>{marker}</{list}Result>\
                 <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{list}Response>"
            );
            let sandbox = account();
            let page = What::page(200, "text/xml", page);
            sandbox.fault(Fault::new(page).on(list).skip(1).always());
            let _ = Case::at(
                &sandbox,
                [
                    "--whole-account",
                    "--only-inactive",
                    "--yes",
                    "--expect-account",
                    ACCOUNT,
                ],
            )
            .run()
            .exits(1)
            .prints_nothing()
            .says(&[says])
            .ends_with("no key was changed");
            assert!(!actions(&sandbox).iter().any(|action| is_changing(action)));
        }
    }
}

#[test]
fn f64_a_sweep_asks_or_needs_yes() {
    let sandbox = documented();
    let whole_account = ["--whole-account", "--only-inactive"];
    for (args, more, requires) in [
        (
            &["--user-name", "Bob", "--all-keys"][..],
            &[][..],
            "--all-keys and --whole-account require --yes here, because standard error is not a terminal\n",
        ),
        (
            &whole_account,
            &[],
            "--whole-account requires --yes and --expect-account here, because standard error is not a terminal\n",
        ),
        (
            &whole_account,
            &["--yes"],
            "--whole-account requires --expect-account here, because standard error is not a terminal\n",
        ),
        (
            &whole_account,
            &["--expect-account", ACCOUNT],
            "--all-keys and --whole-account require --yes here, because standard error is not a terminal\n",
        ),
    ] {
        let _ = Case::at(&sandbox, args)
            .args(more)
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[&format!("iam-del-key: error: {requires}"), "hint: "])
            .ends_with("no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
    let asked = |answer: &[u8]| {
        let case = Case::at(&sandbox, ["--user-name", "Bob", "--all-keys"]);
        let dialogue = Dialogue::start(case)
            .shows("Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ");
        dialogue.types(answer).end()
    };
    let said = asked(b"\n").exits(11).prints_nothing();
    assert!(!said.messages().contains("refused"), "{}", said.messages());
    let _ = said.says(&[
        BOBS_KEY,
        BOB_SECOND_KEY_ID,
        "not confirmed: this run changed nothing\n",
    ]);
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    let printed = asked(b"yes\n").exits(0);
    assert_eq!(outcomes(printed.output()), [("Deleted".to_owned(), 2)]);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["[y/N]"])
        .ends_with("2 keys: 2 deleted");
    assert!(!sandbox.has_key(BOBS_KEY) && !sandbox.has_key(BOB_SECOND_KEY_ID));
}

#[test]
fn a_sweep_that_deactivates_leaves_inactive_keys_alone() {
    let sandbox = documented();
    let printed = alices_keys(&sandbox).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(ids(&output), BTreeSet::from([ALICE_KEY_ID.to_owned()]));
    let _ = printed
        .prints(&output)
        .says(&[&format!(
            "to undo it: iam-del-key --access-key-id {ALICE_KEY_ID} --user-name=Alice --reactivate\n"
        )])
        .ends_with("1 key: 1 deactivated");
    let changed: Vec<String> = actions(&sandbox)
        .into_iter()
        .filter(|action| is_changing(action))
        .collect();
    assert_eq!(changed, ["UpdateAccessKey"]);
    assert!(sandbox.has_key(ALICE_OLD_KEY_ID));
}

/// Between the selection and a deletion, IAM, a reader of the results or a slow network can take a long time.
#[test]
fn f59_a_key_that_is_in_use_again_since_it_was_chosen_stays() {
    let mut sandbox = Sandbox::documented();
    for n in 0..6 {
        let seed = KeySeed::new(&format!("u{n}"), &nth_key_id(ACCOUNT, n));
        sandbox = sandbox.key(seed.status(Status::Inactive));
    }
    let sandbox = sandbox.start();
    let slow = Fault::new(What::Delay(Duration::from_millis(700)));
    sandbox.fault(slow.on("DeleteAccessKey").always());
    let args = [
        "--whole-account",
        "--only-inactive",
        "--yes",
        "--expect-account",
        ACCOUNT,
        "--jobs",
        "1",
    ];
    let running = Case::at(&sandbox, args).args(["--timeout", "2"]).start();
    wait_for(|| actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    let last = nth_key_id(ACCOUNT, 5);
    sandbox.set_status(&last, Status::Active);
    let printed = running.end().exits(0);
    let output = printed.output().to_owned();
    let skipped = rows(&output)
        .into_iter()
        .find(|row| row["AccessKeyId"] == last.as_str())
        .expect("a row");
    assert_eq!(skipped["Outcome"], "Skipped");
    let _ = printed
        .prints(&output)
        .says(&["11 keys of 9 users checked"])
        .ends_with("7 keys: 6 deleted, 1 skipped; root user keys are not included");
    assert!(sandbox.has_key(&last));
}
