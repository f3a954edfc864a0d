//! A key that IAM showed in this run and then no longer shows: reads may not show it yet, or it has another owner.

use std::time::SystemTime;

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{KeySeed, Sandbox, Status, What, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, actions, always, documented, each_at_once, once};
use crate::journal::{ACCOUNT, Kept};
use crate::many::from_stdin;
use crate::proof::{READS, denied, list, on_delete, unchecked};
use crate::resumed_owner::started_without_owner;
use crate::streams::wait_for;
use crate::verification::{NEVER, last_use};

const FIND_USER: [&str; 3] = ["--access-key-id", BOBS_KEY, "--find-user"];
const LOST: &str =
    "the response to an earlier attempt was lost, and the retry returned NoSuchEntity";
const ALL_KEYS: [&str; 4] = ["--user-name", "Carol", "--all-keys", "--yes"];

/// A time limit that allows one second of absence, but not three.
const SHORT: [&str; 2] = ["--timeout", "2"];

fn no_such_key() -> What {
    What::error(404, "NoSuchEntity", "The Access Key cannot be found.")
}

/// A list without a key, with a request ID of its own each time.
fn hides_bobs() -> What {
    list("<UserName>Bob</UserName>", "", "r")
}

/// The first request to delete a key is lost, and all later ones do not find the key.
fn loses(sandbox: &Sandbox) {
    sandbox.fault(on_delete(What::ResetBeforeActing));
    sandbox.fault(on_delete(no_such_key()).always());
}

/// IAM names the owner, and then does not know the key.
fn named_once() -> Sandbox {
    let sandbox = documented();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(always("GetAccessKeyLastUsed", denied).skip(1));
    sandbox.fault(always("ListAccessKeys", hides_bobs()));
    sandbox
}

/// IAM lists a key of this age for Carol, and then no longer.
fn listed_once(days: u32) -> Sandbox {
    let sandbox = denied(&READS[..1]);
    let mut seed = KeySeed::new("Carol", &nth_key_id(ACCOUNT, 9)).created_days_ago(days);
    if days == 0 {
        seed.created = SystemTime::now();
    }
    sandbox.add_key(seed);
    let empty = list("<UserName>Carol</UserName>", "", "r");
    sandbox.fault(always("ListAccessKeys", empty).skip(1));
    sandbox
}

#[test]
fn an_owner_whom_iam_named_makes_an_absence_last_until_no_list_lags() {
    each_at_once([true, false], |is_lost| {
        let sandbox = named_once();
        if is_lost {
            loses(&sandbox);
            let ended = Case::at(&sandbox, FIND_USER).args(SHORT).run();
            let _ = ended.exits(10).prints_outcome("Unknown").says(&[LOST]);
        } else {
            sandbox.fault(always("DeleteAccessKey", no_such_key()));
            let case = Case::at(&sandbox, FIND_USER).args(["--ignore-missing"]);
            let ended = case.args(SHORT).run().exits(3);
            let _ = ended.prints_outcome("Failed").says(&[
                "IAM found no such key for this user, and there was not enough time to check the key",
            ]);
        }
    });
}

/// The age of a key does not matter: its owner may have been renamed just before the run.
#[test]
fn a_key_that_iam_lists_has_to_be_absent_until_no_list_lags() {
    each_at_once([0, 1], |days| {
        let sandbox = listed_once(days);
        loses(&sandbox);
        let ended = Case::at(&sandbox, ALL_KEYS).args(SHORT).run();
        let _ = ended
            .exits(10)
            .prints_outcomes(&[("Unknown", 1)])
            .says(&[LOST]);
    });
}

#[test]
fn after_a_signal_there_is_no_time_to_confirm_that_a_new_key_is_gone() {
    let sandbox = listed_once(0);
    loses(&sandbox);
    let running = Case::at(&sandbox, ALL_KEYS).start();
    let is_list = |action: &&String| *action == "ListAccessKeys";
    wait_for(|| actions(&sandbox).iter().filter(is_list).count() == 2);
    running.signal("INT");
    let ended = running.end().exits(130).prints_outcomes(&[("Unknown", 1)]);
    let _ = ended.says(&[LOST]);
}

#[test]
fn a_list_that_shows_a_new_key_during_the_search_counts_too() {
    let sandbox = denied(&READS[..1]);
    let id = nth_key_id(ACCOUNT, 9);
    let mut seed = KeySeed::new("Carol", &id);
    seed.created = SystemTime::now();
    sandbox.add_key(seed);
    let empty = list("<UserName>Carol</UserName>", "", "r");
    sandbox.fault(always("ListAccessKeys", empty).skip(1));
    sandbox.fault(always("DeleteAccessKey", no_such_key()));
    let more = ["--user-name", "Carol", "--ignore-missing", "--timeout", "3"];
    let case = Case::at(&sandbox, ["--access-key-id", &id]).args(more);
    let ended = case.run().exits(3).prints_outcome("Failed");
    let _ = ended.says(&["there was not enough time to check the key"]);
}

/// Bob was renamed before the first request arrived, and another user got the name.
#[test]
fn a_presumed_deletion_is_finished_only_for_its_owner_whatever_named_that_owner() {
    let list = format!("AccessKeyId\n{BOBS_KEY}\n");
    let of_bob = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    let cases = [
        (&list, &["--find-user"][..], 0),
        (&of_bob, &["--older-than", "1d"], 1),
        (&of_bob, &[], 0),
    ];
    each_at_once(cases, |(list, more, shown)| {
        let sandbox = if more == ["--find-user"] {
            named_once()
        } else {
            let sandbox = denied(&READS[..1]);
            sandbox.fault(always("ListAccessKeys", hides_bobs()).skip(shown));
            sandbox
        };
        loses(&sandbox);
        let kept = Kept::new(list);
        let printed = kept.case(&sandbox, more).run().exits(0);
        let row = printed.object();
        assert_eq!(row["OwnerUnchecked"], true, "{row}");
        let _ = printed.prints_outcome("Deleted").says(&["is presumed"]);
        let record = "\"OwnerUnchecked\":true";
        assert!(kept.journal().contains(record), "{}", kept.journal());

        sandbox.clear_faults();
        sandbox.allow(READS[0]);
        sandbox.rename_user("Bob", "Zed");
        sandbox.add_key(KeySeed::new("Bob", &nth_key_id(ACCOUNT, 9)));
        kept.list(&format!("AccessKeyId\n{BOBS_KEY}\n"));
        let find_user = ["--find-user"];
        let again = kept.case(&sandbox, &find_user).run().exits(0);
        assert_eq!(again.object()["UserName"], "Zed");
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

/// No response ever says that the key does not exist; only the list shows it.
#[test]
fn a_deletion_that_only_a_list_shows_is_presumed_for_its_owner() {
    let sandbox = denied(&READS[..1]);
    sandbox.fault(always("DeleteAccessKey", What::ResetBeforeActing));
    sandbox.fault(always("ListAccessKeys", hides_bobs()).skip(1));
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    let limits = ["--older-than", "1d", "--timeout", "8"];
    let printed = from_stdin(&sandbox, &list, &limits).run().exits(0);
    let row = printed.object();
    assert_eq!(row["OwnerUnchecked"], true, "{row}");
    let _ = printed.prints_outcome("Deleted").says(&["is presumed"]);
}

/// No other user can get the root user's name, so this list is proof.
#[test]
fn a_key_that_is_no_longer_in_the_root_users_list_is_not_just_presumed_deleted() {
    let sandbox = Sandbox::documented().other_account("111111111111").start();
    sandbox.deny(READS[0]);
    loses(&sandbox);
    sandbox.fault(always("ListAccessKeys", list("", "", "r")).skip(1));
    let args = ["--target-principal", "111111111111", "--all-keys", "--yes"];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let row = printed.object();
    assert_eq!(row["Outcome"], "Deleted");
    assert_eq!(row.get("OwnerUnchecked"), None, "{row}");
}

#[test]
fn a_response_that_nothing_else_confirms_is_asked_for_once_more() {
    let ignore = &["--ignore-missing"][..];
    let cases = [
        (&READS[..], ignore),
        (&READS[1..], ignore),
        (&READS[..], &[]),
    ];
    each_at_once(cases, |(reads, more)| {
        let sandbox = denied(reads);
        // The request does not find a new key yet, and IAM denies the lookup of a key that does not exist.
        sandbox.fault(once(
            "GetAccessKeyLastUsed",
            What::error(403, "AccessDenied", "no"),
        ));
        if more.is_empty() {
            sandbox.fault(on_delete(What::ResetBeforeActing));
        }
        sandbox.fault(once("DeleteAccessKey", no_such_key()));
        Case::documented(&sandbox, more).run().deletes_quietly();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn a_response_that_is_repeated_counts() {
    let sandbox = denied(&READS);
    sandbox.remove_key(BOBS_KEY);
    let case = Case::documented(&sandbox, &["--ignore-missing"]);
    let ended = case.run().exits(0).prints_outcome("Missing");
    let _ = ended.says(&[&unchecked(BOBS_KEY)]);
    let once = ["DeleteAccessKey", "GetAccessKeyLastUsed", "ListAccessKeys"];
    let expected = [&once[..], &once, &["GetAccessKeyInfo"]].concat();
    assert_eq!(actions(&sandbox), expected);

    // There is no time for the second request.
    let sandbox = denied(&READS);
    sandbox.remove_key(BOBS_KEY);
    let case = Case::documented(&sandbox, &["--ignore-missing", "--timeout", "1"]);
    let ended = case.run().exits(3).prints_outcome("Failed");
    let _ = ended.says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with \
         id {BOBS_KEY} cannot be found.\n\
         hint: the key does not exist, or belongs to another user; ask for the permission iam:GetAccessKeyLastUsed on * to find \
         the key's owner\n\
         result: {BOBS_KEY}: not deleted: IAM found no such key for this user, and there is no permission to list the user's keys\n"
    ));
}

#[test]
fn an_owner_whom_iam_no_longer_names_is_unchecked() {
    // Bob may have been renamed after the first lookup, and another user may now have the name Bob.
    each_at_once(["--user-name=Bob", "--find-user"], |more| {
        let sandbox = named_once();
        let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
        let printed = kept.case(&sandbox, &[more]).run().exits(0);
        let output = printed.output().to_owned();
        let row: Value = serde_json::from_str(&output).expect("one result");
        assert_eq!(row["Outcome"], "Deleted");
        assert_eq!(row["OwnerUnchecked"], true, "{row}");
        let _ = printed
            .prints(&output)
            .says(&["IAM does not list the key for Bob, whom it named as the owner"]);
        sandbox.clear_faults();
        let again = kept.case(&sandbox, &["--find-user"]).run();
        let _ = again.exits(0).prints_anything().says(&["1 deleted"]);
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn a_key_that_a_list_shows_after_the_response_is_not_missing_if_the_list_is_then_denied() {
    let sandbox = denied(&READS[..1]);
    let denial = || What::error(403, "AccessDenied", "no");
    sandbox.fault(once("ListAccessKeys", denial()));
    sandbox.fault(always("ListAccessKeys", denial()).skip(1));
    sandbox.fault(always("DeleteAccessKey", no_such_key()));
    let case = Case::documented(&sandbox, &["--ignore-missing"]);
    let ended = case.run().exits(3).prints_outcome("Failed");
    let _ = ended.says(&["IAM found no such key for this user, and checking the key failed"]);
}

/// The lists of the index lag behind a list that was read for an earlier key of the run.
#[test]
fn a_key_that_a_list_had_and_the_index_lacks_is_verified_in_its_owners_list() {
    let sandbox = denied(&READS[..1]);
    let index = always("ListAccessKeys", hides_bobs()).of_user("Bob");
    sandbox.fault(index.skip(1));
    let list = format!("UserName,AccessKeyId\nBob,{BOB_SECOND_KEY_ID}\n,{BOBS_KEY}\n");
    let more = [
        "--deactivate",
        "--find-user",
        "--ignore-missing",
        "--jobs",
        "1",
    ];
    let printed = from_stdin(&sandbox, &list, &more).run().exits(0);
    let _ = printed
        .prints_outcomes(&[("Deactivated", 2)])
        .says(&["2 deactivated"]);
    let key = sandbox.key(BOBS_KEY).expect("a key");
    assert_eq!(key.status, Status::Inactive);
}

/// The deletion acts, its response is lost, and IAM still names the owner when the time is up.
#[test]
fn an_owner_who_was_named_is_not_another_one() {
    let bobs = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let named = format!("UserName,AccessKeyId\nBob,{BOBS_KEY}\n");
    let unnamed = format!("AccessKeyId\n{BOBS_KEY}\n");
    let cases = [
        (
            &FIND_USER[..],
            "",
            "run the same command again with --ignore-missing",
        ),
        (
            &bobs,
            "",
            "run the same command again with --ignore-missing",
        ),
        (
            &["--from", "-"],
            &named,
            "for keys that were not found: IAM's responses contradict",
        ),
        (
            &["--from", "-", "--user-name", "Bob"],
            &unnamed,
            "for keys that were not found: IAM's responses contradict",
        ),
    ];
    each_at_once(cases, |(args, input, says)| {
        let sandbox = documented();
        sandbox.fault(on_delete(What::ResetAfterActing));
        sandbox.fault(always("GetAccessKeyLastUsed", last_use("Bob", NEVER)));
        sandbox.fault(always("ListAccessKeys", hides_bobs()).of_user("Bob"));
        let case = Case::at(&sandbox, args).args(SHORT);
        let ended = case.input(input.as_bytes()).run();
        let ended = ended.exits(10).prints_anything();
        assert!(
            !ended.messages().contains("other users"),
            "{}",
            ended.messages()
        );
        assert!(
            !ended.messages().contains("renamed"),
            "{}",
            ended.messages()
        );
        let _ = ended.says(&["IAM reports that Bob owns the key", says]);
    });
}

/// Alice and Bob have just swapped names, so the first list of each of them has the key.
#[test]
fn a_key_that_was_listed_for_two_users_is_verified_in_both_lists() {
    let sandbox = denied(&READS[..1]);
    let key = format!(
        "<member><UserName>Alice</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>Active</Status>\
         <CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
    );
    let alices = |keys: &str| list("<UserName>Alice</UserName>", keys, "r");
    sandbox.fault(once("ListAccessKeys", alices(&key)).of_user("Alice"));
    sandbox.fault(always("ListAccessKeys", alices("")).of_user("Alice"));
    let list = format!("UserName,AccessKeyId\nBob,{BOB_SECOND_KEY_ID}\nAlice,{BOBS_KEY}\n");
    let more = ["--older-than", "1h", "--ignore-missing", "--jobs", "1"];
    let ended = from_stdin(&sandbox, &list, &more).run().exits(12);
    assert!(
        ended
            .output()
            .contains("not deleted: it belongs to the user Bob")
    );
    let said = ended.prints_outcomes(&[("Deleted", 1), ("Failed", 1)]);
    let _ = said.says(&["hint: for keys that belong to other users: "]);
    assert!(sandbox.has_key(BOBS_KEY));
}
