//! Reads of IAM that contradict each other or lag: the run uses all that IAM returned, and calls no new key missing.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, actions, always, documented, each};
use crate::journal::{ACCOUNT, Kept};
use crate::many::rows;
use crate::proof::hidden;
use crate::response::{self, keys, member, xml};
use crate::verification::{NEVER, last_use};

const END: &str = "<IsTruncated>false</IsTruncated>";

fn no_such_key() -> What {
    What::error(404, "NoSuchEntity", "The Access Key cannot be found.")
}

#[test]
fn c48_an_owner_that_iam_names_is_not_dropped_with_a_denied_list() {
    // IAM names Bob as the owner, and responds to the deletion that the key does not exist.
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let (missing, failed) = (["--ignore-missing"], "1 key: 1 failed and not changed");
    kept.ends(&sandbox, &missing, 3, "(NoSuchEntity)", failed);
    assert!(sandbox.has_key(BOBS_KEY));
    // The next run tries the key again.
    sandbox.clear_faults();
    kept.ends(&sandbox, &missing, 0, "result: ", "1 key: 1 deleted");
}

#[test]
fn c50_a_lost_response_about_a_key_whose_owner_iam_names_is_unknown() {
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let _ = Case::documented(&sandbox, &["--timeout", "12"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["(NoSuchEntity)"])
        .ends_with("there is no permission to list the user's keys");
    assert!(sandbox.has_key(BOBS_KEY));
}

/// An account in which the first list of each user lacks new keys.
fn new_keys() -> Sandbox {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox
}

#[test]
fn c52_a_key_that_no_user_has_may_be_the_root_users() {
    let sandbox = new_keys();
    sandbox.remove_key(BOBS_KEY);
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--find-user",
        "--ignore-missing",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(0)
        .prints_outcome("Missing")
        .says_exactly(&format!(
            "iam-del-key: warning: {BOBS_KEY} is missing, because no user of this account has it; if it is the root user's \
             or another account's, it still exists\n"
        ));
}

#[test]
fn c52_a_key_that_only_a_later_list_shows_is_found() {
    let sandbox = new_keys();
    sandbox.fault(Fault::new(hidden()).on("ListAccessKeys"));
    let _ = Case::documented(&sandbox, &["--ignore-missing", "--older-than", "1d"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
    assert!(sandbox.has_key(BOB_SECOND_KEY_ID) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn c52_contradictory_responses_have_their_own_hint() {
    let sandbox = documented();
    sandbox.add_key(KeySeed::new("Bob", BOBS_KEY));
    sandbox.fault(Fault::new(no_such_key()).on("DeleteAccessKey").always());
    let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(bobs.always());
    let _ = Case::documented(&sandbox, &["--ignore-missing"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key \
             cannot be found.\n\
             hint: IAM's responses contradict each other, which can happen for a few seconds after a change: run the same command \
             again\n\
             result: {BOBS_KEY}: not deleted: IAM still lists the key\n"
        ));
}

/// Both Alice's and Bob's list have Bob's key, as if one got the other's name during the run. Then Alice has no keys.
fn listed_twice([first, second]: [&str; 2], dates: [&str; 2], condition: &str) -> (Sandbox, Ended) {
    let sandbox = documented();
    sandbox.deny("iam:GenerateCredentialReport");
    for (user, status) in [("Alice", first), ("Bob", second)] {
        let page = keys(&member(BOBS_KEY, user, status), END);
        let fault = Fault::new(xml(page)).on("ListAccessKeys").of_user(user);
        sandbox.fault(if user == "Bob" { fault.always() } else { fault });
    }
    let none = Fault::new(xml(keys("", END))).on("ListAccessKeys");
    sandbox.fault(none.of_user("Alice").always());
    let used = dates.map(|date| xml(response::last_use("Bob", date)));
    let used = used.map(|used| Fault::new(used).on("GetAccessKeyLastUsed"));
    let [first, second] = used;
    sandbox.fault(first);
    sandbox.fault(second.always());
    let args = ["--whole-account", condition, "--except-user=admin", "--yes"];
    let case = Case::at(&sandbox, args).args(["--expect-account", ACCOUNT, "--jobs=1"]);
    let ended = case.run();
    (sandbox, ended)
}

#[test]
fn two_lists_that_show_a_key_with_two_statuses_end_a_sweep() {
    for statuses in [["Active", "Inactive"], ["Inactive", "Active"]] {
        let [first, second] = statuses;
        let (sandbox, ended) =
            listed_twice(statuses, ["2021-01-01T00:00:00Z"; 2], "--only-inactive");
        let _ = ended.exits(1).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: {BOBS_KEY} of the user Bob: unusable response from IAM: its lists show the key twice, as \
             {first} and {second}\n\
             hint: run the same command again\n\
             result: no key was changed\n"
        ));
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_key_that_is_read_twice_in_a_sweep_meets_the_conditions_both_times() {
    let (old, recent) = ("2021-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    for (dates, is_deleted) in [
        ([old, old], true),
        ([old, recent], false),
        ([recent, old], false),
    ] {
        let (sandbox, ended) = listed_twice(["Active"; 2], dates, "--unused-for=1d");
        let expected = [("Deleted", 1)];
        let said = ended
            .exits(0)
            .prints_outcomes(&expected[usize::from(!is_deleted)..]);
        let _ = said.says(&["2 keys of 3 users checked"]);
        assert_eq!(sandbox.has_key(BOBS_KEY), !is_deleted, "{dates:?}");
    }
}

#[test]
fn a_key_in_the_list_of_a_user_who_does_not_own_it_ends_a_sweep() {
    let sweeps = [
        &[
            "--whole-account",
            "--unused-for=1d",
            "--expect-account",
            ACCOUNT,
        ][..],
        &["--user-name=Bob", "--all-keys", "--unused-for=1d"],
        &["--user-name=Bob", "--all-keys", "--dry-run"],
    ];
    each(sweeps, |args| {
        let sandbox = documented();
        sandbox.deny("iam:GenerateCredentialReport");
        let page = xml(keys(&member(BOBS_KEY, "Bob", "Active"), END));
        sandbox.fault(always("ListAccessKeys", page).of_user("Bob"));
        sandbox.fault(always("GetAccessKeyLastUsed", last_use("Alice", NEVER)));
        let ended = Case::at(&sandbox, args.iter().copied())
            .args(["--yes"])
            .run();
        let _ = ended.exits(1).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: {BOBS_KEY} of the user Bob: unusable response from IAM: the user's list has the key, but \
             IAM names Alice as the owner\n\
             hint: run the same command again\n\
             result: no key was changed\n"
        ));
        assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    });
}

#[test]
fn the_key_of_a_user_who_is_renamed_during_a_sweep_is_deleted_under_the_new_name() {
    for has_report in [true, false] {
        let sandbox = Sandbox::builder()
            .key(KeySeed::new("Bob", BOBS_KEY))
            .start();
        if !has_report {
            sandbox.deny("iam:GenerateCredentialReport");
        }
        let (name, to) = ("Bob".to_owned(), "Robert".to_owned());
        let rename = What::ThenRename { name, to };
        sandbox.fault(Fault::new(rename).on("ListAccessKeys").of_user("Bob"));
        let args = ["--whole-account", "--unused-for=1d", "--yes"];
        let case = Case::at(&sandbox, args).args(["--expect-account", ACCOUNT]);
        let printed = case.args(["--except-user=admin"]).run().exits(0);
        assert_eq!(rows(printed.output())[0]["UserName"], "Robert");
        let said = printed.prints_outcomes(&[("Deleted", 1)]);
        let _ = said.says(&["1 key: 1 deleted"]);
    }
}
