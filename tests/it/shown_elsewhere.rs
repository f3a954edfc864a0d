//! A key that IAM showed for another user than the named one, in this run or in an earlier one. It may have moved on to a
//! third user since then, so it is not missing.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, always, documented, each_at_once, once};
use crate::journal::{ACCOUNT, Kept};
use crate::many::from_stdin;
use crate::proof::{READS, denied, list};
use crate::verification::{NEVER, last_use};

/// Alice's second key. The input list names Carl as its owner.
fn second_key() -> String {
    nth_key_id(ACCOUNT, 9)
}

/// IAM denies `GetAccessKeyLastUsed`. Alice's list is empty after this many reads: she was renamed, and another user has her name.
fn renamed_after(reads: u64, carl_exists: bool) -> (Sandbox, String) {
    let sandbox = denied(&READS[..1]);
    sandbox.add_key(KeySeed::new("Alice", &second_key()));
    if carl_exists {
        sandbox.add_key(KeySeed::new("Carl", &nth_key_id(ACCOUNT, 10)));
    }
    let empty = list("<UserName>Alice</UserName>", "", "r");
    let fault = always("ListAccessKeys", empty).of_user("Alice");
    sandbox.fault(fault.skip(reads));
    let keys = format!(
        "AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n{},Carl\n",
        second_key()
    );
    (sandbox, keys)
}

#[test]
fn a_key_that_this_run_listed_for_another_user_is_not_missing() {
    each_at_once([true, false], |carl_exists| {
        let (sandbox, keys) = renamed_after(1, carl_exists);
        let args = ["--deactivate", "--ignore-missing", "--jobs", "1"];
        let printed = from_stdin(&sandbox, &keys, &args).run().exits(12);
        let _ = printed.prints_outcomes(&[("Deactivated", 1), ("Failed", 1)]);
    });
}

#[test]
fn a_key_that_this_run_listed_for_another_user_was_not_deleted_for_the_named_one() {
    let (sandbox, keys) = renamed_after(2, true);
    for user in ["Alice", "Carl"] {
        let lost = match user {
            "Alice" => What::ResetAfterActing,
            _ => What::ResetBeforeActing,
        };
        sandbox.fault(once("DeleteAccessKey", lost).of_user(user));
    }
    let args = ["--jobs", "1", "--timeout", "7"];
    let printed = from_stdin(&sandbox, &keys, &args).run().exits(12);
    let _ = printed.prints_outcomes(&[("Deleted", 1), ("Unknown", 1)]);
    assert!(sandbox.has_key(&second_key()));
}

#[test]
fn the_list_of_another_user_counts_more_than_a_name_that_lags() {
    let sandbox = documented();
    // Alice was renamed to Bob. IAM names her once more, and then denies the lookup.
    for owner in ["Bob", "Bob", "Alice"] {
        sandbox.fault(once("GetAccessKeyLastUsed", last_use(owner, NEVER)));
    }
    let no = What::error(403, "AccessDenied", "no");
    sandbox.fault(always("GetAccessKeyLastUsed", no));
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
    let case = Case::at(&sandbox, args).args(["--deactivate", "--ignore-missing"]);
    let _ = case
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["it belongs to the user Bob"]);
}

#[test]
fn a_key_that_an_earlier_run_showed_for_another_user_is_not_missing() {
    let deactivate = ["--deactivate"];
    let inactive = ["--only-inactive"];
    let cases = [
        (&[][..], false),
        (&[], true),
        (&deactivate, false),
        (&deactivate, true),
        (&inactive, false),
        (&inactive, true),
    ];
    each_at_once(cases, |(args, is_dry_run)| {
        let sandbox = documented();
        let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Alice\n"));
        let case = |more: &[&str]| {
            let case = kept.case(&sandbox, args).args(["--ignore-missing"]);
            case.args(more)
        };
        let _ = case(&[]).run().exits(3).prints_outcomes(&[("Failed", 1)]);
        let no = What::error(403, "AccessDenied", "no");
        sandbox.fault(Fault::new(no).on("GetAccessKeyLastUsed").always());
        let dry_run: &[&str] = if is_dry_run { &["--dry-run"] } else { &[] };
        let _ = case(dry_run)
            .run()
            .exits(3)
            .prints_outcomes(&[("Failed", 1)]);
    });
}

/// IAM names Bob as the owner once, and lists the key for him `lists` times. Then he is renamed, and another user has his name.
fn named_once(lists: u64) -> Sandbox {
    let sandbox = documented();
    let no = What::error(403, "AccessDenied", "no");
    sandbox.fault(always("GetAccessKeyLastUsed", no).skip(1));
    let empty = list("<UserName>Bob</UserName>", "", "r");
    sandbox.fault(always("ListAccessKeys", empty).of_user("Bob").skip(lists));
    sandbox
}

#[test]
fn a_key_that_iam_named_for_another_user_is_not_missing() {
    let cases = [
        ("Alice", 0, &["--deactivate"][..]),
        ("Alice", 1, &["--deactivate"]),
        ("Alice", 0, &[]),
        ("Nobody", 0, &[]),
        ("Nobody", 0, &["--only-inactive"]),
        ("Nobody", 0, &["--dry-run"]),
    ];
    each_at_once(cases, |(name, lists, more)| {
        let sandbox = named_once(lists);
        let args = ["--access-key-id", BOBS_KEY, "--user-name", name];
        let case = Case::at(&sandbox, args).args(["--ignore-missing"]);
        let _ = case.args(more).run().exits(3).prints_outcome("Failed");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn a_key_that_iam_named_for_another_user_was_not_deleted_for_the_named_one() {
    each_at_once([0, 1], |lists| {
        let sandbox = named_once(lists);
        sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
        let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
        let _ = Case::at(&sandbox, args)
            .run()
            .exits(10)
            .prints_outcome("Unknown");
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn the_journal_says_for_whom_a_list_had_a_key_that_was_not_tried() {
    let (sandbox, _) = renamed_after(u64::MAX, true);
    let kept = Kept::new(&format!(
        "AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n{},Carl\n",
        second_key()
    ));
    let no = What::error(403, "AccessDenied", "no");
    sandbox.fault(once("UpdateAccessKey", no));
    let options = ["--deactivate", "--ignore-missing", "--jobs", "1"];
    let first = kept.case(&sandbox, &options).args(["--fail-fast"]);
    let _ = first
        .run()
        .exits(6)
        .prints_outcomes(&[("Failed", 1), ("NotTried", 1)]);
    kept.list(&format!("AccessKeyId,UserName\n{},Carl\n", second_key()));
    let printed = kept.case(&sandbox, &options).run().exits(3);
    let _ = printed.prints_outcomes(&[("Failed", 1)]);
}

#[test]
fn a_second_run_says_again_that_the_key_belongs_to_another_user() {
    each_at_once(["Alice", "Nobody"], |name| {
        let sandbox = documented();
        let kept = Kept::new("");
        for _ in 0..3 {
            let args = ["--access-key-id", BOBS_KEY, "--user-name", name];
            let case = Case::at(&sandbox, args).args(["--journal"]);
            let case = case.args([kept.path()]).args(["--ignore-missing"]);
            let printed = case.run().exits(3).prints_outcome("Failed");
            let _ = printed.says(&["it belongs to the user Bob"]);
        }
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn the_journal_says_whom_iam_named_as_the_owner_of_a_key_whose_change_it_refused() {
    let cases = [
        (&["--ignore-missing"][..], "Failed", 3),
        (&["--ignore-missing", "--deactivate"], "Failed", 3),
        (&[], "Unknown", 10),
    ];
    each_at_once(cases, |(args, outcome, status)| {
        let sandbox = documented();
        let kept = Kept::new("");
        let no = || What::error(403, "AccessDenied", "no");
        let (change, is_lost) = match args {
            [_, _] => ("UpdateAccessKey", false),
            args => ("DeleteAccessKey", args.is_empty()),
        };
        sandbox.fault(once(change, no()));
        sandbox.fault(always("GetAccessKeyLastUsed", no()).skip(1));
        sandbox.fault(always("ListAccessKeys", no()).of_user("Bob"));
        let case = || {
            let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--journal"]);
            case.args([kept.path()]).args(args)
        };
        let _ = case().args(["--find-user"]).run().exits(6);
        if is_lost {
            sandbox.fault(once(change, What::ResetBeforeActing));
        }
        let second = case().args(["--user-name", "Alice"]);
        let _ = second.run().exits(status).prints_outcome(outcome);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

/// No request of an earlier run named the owner, so none can change the key.
#[test]
fn a_request_for_another_user_that_may_still_act_does_not_make_the_key_unknown() {
    let cases = [
        (&[0][..], false),
        (&[0], true),
        (&[1], true),
        (&[0, 1], true),
    ];
    each_at_once(cases, |(lost, ignore_missing)| {
        let sandbox = documented();
        let kept = Kept::new("");
        for run in 0..3 {
            if lost.contains(&run) {
                sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
            }
            let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
            let case = Case::at(&sandbox, args).args(["--journal"]);
            let case = case.args([kept.path()]).args(["--timeout", "15"]);
            let ignore: &[&str] = if ignore_missing {
                &["--ignore-missing"]
            } else {
                &[]
            };
            let ended = case.args(ignore).run().exits(3).prints_outcome("Failed");
            let _ = ended.says(&["not deleted: it belongs to the user Bob\n"]);
        }
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn no_hint_suggests_to_ignore_a_key_that_would_stay_unknown() {
    let sandbox = documented();
    let key = nth_key_id(ACCOUNT, 4711);
    let kept = Kept::new("");
    let case = |name: &str| {
        let args = ["--access-key-id", &*key, "--user-name", name, "--journal"];
        Case::at(&sandbox, args).args([kept.path()])
    };
    let no = What::error(403, "AccessDenied", "no");
    sandbox.fault(always("GetAccessKeyLastUsed", no));
    sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
    let _ = case("Alice").run();
    let ended = case("Bob").run().exits(10).prints_outcome("Unknown");
    assert!(
        !ended.messages().contains("--ignore-missing"),
        "{}",
        ended.messages()
    );
    let _ = ended.says(&["to find the key's owner: iam-del-key --access-key-id"]);
}
