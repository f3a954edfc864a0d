//! Sweeps of an account whose users have just exchanged their names, or lost keys, while lists still lag.

use std::time::Duration;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, nth_key_id};

use crate::case::{Case, actions};
use crate::journal::ACCOUNT;
use crate::reactivate::status;
use crate::response::{END, keys, member, xml};

/// The first answers show the keys of each user's old name.
fn listed(sandbox: &Sandbox, user: &str, before: &str, after: &str) {
    let list = |members: &str| Fault::new(xml(keys(members, END))).on("ListAccessKeys");
    let lagging = list(before).of_user(user);
    sandbox.fault(lagging.lasts(Duration::from_secs(1)));
    sandbox.fault(list(after).of_user(user).always());
}

#[test]
fn a_key_in_the_lists_of_two_users_shows_that_their_names_moved() {
    let [bobs, zoes] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", &bobs).status(Status::Inactive))
        .key(KeySeed::new("Zoe", &zoes).status(Status::Inactive))
        .start();
    let [of_zoe, of_bob] =
        [(&zoes, "Bob"), (&bobs, "Bob")].map(|(id, user)| member(id, user, "Inactive"));
    listed(&sandbox, "Bob", &of_zoe, &of_bob);
    let own = member(&zoes, "Zoe", "Inactive");
    listed(&sandbox, "Zoe", &own, &own);
    let sweep = [
        "--whole-account",
        "--only-inactive",
        "--yes",
        "--expect-account",
        ACCOUNT,
    ];
    let said = Case::at(&sandbox, sweep).run().exits(0);
    let _ = said
        .prints_outcomes(&[("Deleted", 2)])
        .says(&["3 users checked"]);
}

#[test]
fn a_key_that_disappears_between_two_reads_is_looked_for_at_every_user() {
    let [active, inactive] = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", &nth_key_id(ACCOUNT, 3)).status(Status::Inactive))
        .key(KeySeed::new("Zoe", &active))
        .key(KeySeed::new("Zoe", &inactive).status(Status::Inactive))
        .start();
    let both = |user| member(&active, user, "Active") + &member(&inactive, user, "Inactive");
    listed(&sandbox, "Bob", &both("Bob"), "");
    listed(&sandbox, "Zoe", "", &both("Zoe"));
    let sweep = [
        "--whole-account",
        "--older-than=1d",
        "--deactivate",
        "--except-user=admin",
        "--yes",
    ];
    let case = Case::at(&sandbox, sweep).args(["--expect-account", ACCOUNT]);
    let _ = case.run().exits(0).prints_outcomes(&[("Deactivated", 1)]);
    assert_eq!(status(&sandbox, &active), Some(Status::Inactive));
    assert!(actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn a_key_that_was_deleted_just_before_does_not_end_a_sweep() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", &nth_key_id(ACCOUNT, 3)))
        .start();
    listed(
        &sandbox,
        "Bob",
        &member(&nth_key_id(ACCOUNT, 4), "Bob", "Active"),
        "",
    );
    let sweep = [
        "--whole-account",
        "--unused-for=1d",
        "--except-user=admin",
        "--dry-run",
    ];
    let said = Case::at(&sandbox, sweep).run().exits(0).prints_nothing();
    let _ = said.says(&["nothing to do: 1 key was checked, and it does not meet the conditions"]);
}
