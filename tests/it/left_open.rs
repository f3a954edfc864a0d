//! Keys that an earlier run started to change and that this run leaves unchanged although IAM lists them. Earlier requests may
//! still act until they expire, and lists may lag, so no message says that such a key was not changed.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, Case, actions, documented, each, each_at_once};
use crate::intent::{started, started_an_hour_ago};
use crate::journal::Kept;
use crate::many::from_stdin;

const STARTED: &str = "unknown: an earlier run started to change it, and the result is unknown";

/// The same if the journal has the time and IAM lists the key.
const DATED: &str = "unknown: IAM listed it as Active, but the request of an earlier run may still take effect until ";

/// Bob's key, named by options, with this journal.
fn named(sandbox: &Sandbox, kept: &Kept, more: &[&str]) -> Case {
    let case = Case::documented(sandbox, &["--output", "json", "--journal"]);
    case.args([kept.path()]).args(more.iter().copied())
}

fn all_of_bob(sandbox: &Sandbox, kept: &Kept, more: &[&str]) -> Case {
    let args = ["--user-name", "Bob", "--all-keys", "--yes", "--journal"];
    let case = Case::at(sandbox, args).args([kept.path()]);
    case.args(more.iter().copied())
}

fn has_no_change(sandbox: &Sandbox) {
    let changes = ["DeleteAccessKey", "UpdateAccessKey"];
    let actions = actions(sandbox);
    let is_change = |action: &String| changes.contains(&action.as_str());
    assert!(!actions.iter().any(is_change), "{actions:?}");
}

#[test]
fn an_unfinished_key_that_does_not_meet_a_condition_is_unknown() {
    let conditions = [
        (&["--only-inactive"][..], "its status is Active"),
        (&["--older-than", "9000d"], "it was created "),
        (&["--unused-for", "9000d"], "it was "),
    ];
    each_at_once(conditions, |(condition, why)| {
        let sandbox = documented();
        let kept = started();
        let before = kept.journal();
        for case in [
            named(&sandbox, &kept, condition),
            kept.case(&sandbox, condition),
        ] {
            let printed = case.run().exits(10);
            let said = printed.prints_outcomes(&[("Unknown", 1)]);
            let _ = said.says(&[
                &format!("this run did not change it: {why}"),
                STARTED,
                "hint: check with: aws iam list-access-keys --user-name=Bob\n",
            ]);
        }
        // The journal gets no new record.
        assert_eq!(kept.journal(), before);
        has_no_change(&sandbox);
    });
}

#[test]
fn an_unfinished_key_that_a_run_did_not_reach_is_unknown() {
    let reasons = [
        What::error(404, "NoSuchEntity", "The Access Key cannot be found."),
        What::error(403, "AccessDenied", "no"),
    ];
    each(reasons, |reason| {
        let sandbox = documented();
        let kept = started();
        sandbox.fault(
            Fault::new(reason.clone())
                .on("DeleteAccessKey")
                .of_user("Alice"),
        );
        let list = format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n{BOBS_KEY},Bob\n");
        let case = Case::at(
            &sandbox,
            ["--fail-fast", "--jobs", "1", "--from", "-", "--journal"],
        );
        let case = case.args([kept.path()]).input(list.as_bytes());
        let printed = case.run().exits(12);
        let said = printed.prints_outcomes(&[("Failed", 1), ("Unknown", 1)]);
        let _ = said.says(&["this run did not change it: ", STARTED]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn an_unfinished_key_that_a_sweep_does_not_select_is_unknown() {
    let sandbox = documented();
    let kept = started();
    let printed = all_of_bob(&sandbox, &kept, &["--only-inactive"])
        .run()
        .exits(10);
    let _ = printed.prints_outcomes(&[("Unknown", 1)]).says_exactly(&format!(
        "iam-del-key: note: 2 keys of 1 user checked\n\
         iam-del-key: error: {BOBS_KEY}: this run did not change it: it was not selected; {STARTED}\n\
         hint: check with: aws iam list-access-keys --user-name=Bob\n\
         hint: to continue, run the same command again; keys that the journal records as finished are skipped\n\
         result: 1 key: 1 unknown\n"
    ));
    has_no_change(&sandbox);
}

#[test]
fn an_unfinished_key_whose_tags_a_sweep_cannot_read_is_unknown() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", BOBS_KEY))
        .start();
    sandbox.deny("iam:ListUserTags");
    let kept = started();
    let printed = all_of_bob(&sandbox, &kept, &["--except-tag", "keep"]).run();
    let _ = printed.exits(10).prints_outcomes(&[("Unknown", 1)]).says(&[
        "(AccessDenied) when calling the ListUserTags operation",
        STARTED,
    ]);
    has_no_change(&sandbox);
}

#[test]
fn an_unfinished_deactivation_that_does_not_meet_a_condition_is_unknown() {
    let sandbox = documented();
    let kept = started();
    let journal = kept.journal().replace("\"delete\"", "\"deactivate\"");
    std::fs::write(kept.path(), journal).expect("a journal");
    let printed = named(&sandbox, &kept, &["--deactivate", "--older-than", "9000d"]).run();
    let _ = printed
        .exits(10)
        .prints_outcomes(&[("Unknown", 1)])
        .says(&[STARTED]);
    has_no_change(&sandbox);
}

#[test]
fn a_dry_run_does_not_say_that_an_unfinished_key_is_not_deleted() {
    each([named, all_of_bob], |case| {
        let sandbox = Sandbox::builder()
            .key(KeySeed::new("Bob", BOBS_KEY))
            .start();
        let printed = case(&sandbox, &started(), &["--dry-run"]).run().exits(10);
        let said = printed.prints_outcomes(&[("Unknown", 1)]);
        let _ = said.says(&["this run did not change it: it was a dry run", STARTED]);
    });
}

#[test]
fn an_unfinished_key_that_iam_lists_after_its_request_expired_is_not_changed() {
    let sandbox = documented();
    let kept = started_an_hour_ago();
    let printed = named(&sandbox, &kept, &["--only-inactive"]).run().exits(11);
    let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
        "iam-del-key: error: {BOBS_KEY} is not deleted: its status is Active\n\
         hint: a key must meet every condition; --dry-run shows its details\n"
    ));
    let printed = named(&sandbox, &kept, &["--dry-run"]).run().exits(0);
    let _ = printed
        .prints_outcome("WouldDelete")
        .says(&["not deleted: this was a dry run"]);
    has_no_change(&sandbox);
}

/// A list with Bob's key, one before it and one that does not exist.
fn of_list(sandbox: &Sandbox, kept: &Kept, more: &[&str]) -> Case {
    kept.list(&format!(
        "AccessKeyId,UserName\n{ALICE_KEY_ID},Alice\n{BOBS_KEY},Bob\nAKIAAAAAAAAAAAAAAAAA,Bob\n"
    ));
    let more = [&["--older-than", "1d", "--jobs", "1"], more].concat();
    kept.case(sandbox, &more)
}

type Start = fn(&Sandbox, &Kept) -> Case;

/// The earlier run did not list Bob's key. This run does, and leaves it unchanged. Then the key is gone.
#[test]
fn a_list_that_showed_an_unfinished_key_counts_later_although_this_run_left_the_key_alone() {
    let cases: [(Start, i32); 5] = [
        (|at, kept| kept.case(at, &["--only-inactive"]), 10),
        (|at, kept| named(at, kept, &["--only-inactive"]), 10),
        (|at, kept| all_of_bob(at, kept, &["--only-inactive"]), 10),
        (|at, kept| of_list(at, kept, &["--max-keys", "1"]), 11),
        // The run ends at the last key, before it changes the others.
        (
            |at, kept| of_list(at, kept, &["--max-keys", "2", "--fail-fast"]),
            12,
        ),
    ];
    each(cases, |(case, status)| {
        let sandbox = documented();
        let kept = started();
        let journal = kept.journal().replace(",\"Status\":\"Active\"", "");
        std::fs::write(kept.path(), journal).expect("a journal");
        let _ = case(&sandbox, &kept).run().exits(status).prints_anything();
        let journal = kept.journal();
        assert!(sandbox.has_key(BOBS_KEY));
        let again = named(&sandbox, &kept, &["--only-inactive"]).run();
        let _ = again.exits(10).prints_outcome("Unknown");
        assert_eq!(kept.journal(), journal);
        sandbox.remove_key(BOBS_KEY);
        let printed = named(&sandbox, &kept, &[]).run().exits(0);
        let _ = printed.prints_anything().says(&[&format!(
            "{BOBS_KEY} is presumed deleted: an earlier run started this; IAM no longer lists the key for Bob\n"
        )]);
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
    });
}

#[test]
fn an_owner_that_only_the_journal_names_is_not_printed_as_that_of_the_key() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let kept = started();
    let args = ["--access-key-id", BOBS_KEY, "--find-user", "--journal"];
    let case = Case::at(&sandbox, args).args([kept.path()]);
    case.run().deletes(
        "an earlier run started this; IAM does not list the key for any user in the account",
    );
}

/// A request with a name that another user temporarily has acts on the key as soon as its owner has the name again.
#[test]
fn a_key_that_another_user_had_is_still_started_when_its_owner_has_the_name_again() {
    let has_key = |sandbox: &Sandbox, kept: &Kept, user: &str, more: &[&str]| {
        let args = ["--access-key-id", BOBS_KEY, "--user-name", user];
        let case = Case::at(sandbox, args).args(["--output", "json", "--journal"]);
        case.args([kept.path()]).args(more.iter().copied())
    };
    for is_own in [false, true] {
        let sandbox = documented();
        let (kept, named) = if is_own {
            // This run sends the request, gets no response, and finds that Bob has the key.
            let lost = What::ResetBeforeActing;
            sandbox.fault(Fault::new(lost).on("DeleteAccessKey").always());
            (Kept::new(""), "Alice")
        } else {
            sandbox.rename_user("Bob", "Zoe");
            (started(), "Bob")
        };
        let more = ["--timeout", "8"];
        let elsewhere = has_key(&sandbox, &kept, named, &more).run().exits(3);
        let _ = elsewhere
            .prints_outcome("Failed")
            .says(&["not deleted: it belongs to the user "]);
        if is_own {
            sandbox.rename_user("Alice", "Amy");
            sandbox.rename_user("Bob", "Alice");
        } else {
            sandbox.rename_user("Zoe", "Bob");
        }
        for more in ["--only-inactive", "--dry-run"] {
            let left = has_key(&sandbox, &kept, named, &[more]).run().exits(10);
            let said = left.prints_outcome("Unknown");
            let state = if is_own { DATED } else { STARTED };
            let _ = said.says(&["this run did not change it: ", state]);
        }
        // The run's own request decides.
        sandbox.clear_faults();
        let deleted = has_key(&sandbox, &kept, named, &[]).run().exits(0);
        let _ = deleted.prints_anything();
        assert_eq!(kept.results()[BOBS_KEY], "Deleted");
    }
}

/// The reads of a dry run may lag: the user whom the request named may now have the name of the key's owner.
#[test]
fn a_dry_run_does_not_say_that_an_unfinished_key_of_another_user_is_not_deleted() {
    each([false, true], |is_denied| {
        let sandbox = documented();
        let kept = Kept::new("");
        let lost = What::ResetBeforeActing;
        sandbox.fault(Fault::new(lost).on("DeleteAccessKey").always());
        let named = |more: &[&str]| {
            let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
            let case = Case::at(&sandbox, args).args(["--output", "json", "--journal"]);
            case.args([kept.path()]).args(more.iter().copied()).run()
        };
        let elsewhere = named(&["--timeout", "8"]).exits(3);
        let _ = elsewhere
            .prints_outcome("Failed")
            .says(&["not deleted: it belongs to the user Bob"]);
        if is_denied {
            sandbox.deny("iam:ListAccessKeys");
        }
        let left = named(&["--dry-run"]).exits(10);
        let _ = left
            .prints_outcome("Unknown")
            .says(&["the key belongs to the user Bob", STARTED]);
        // The request can no longer take effect.
        sandbox.set_clock_offset(31 * 60);
        let left = named(&["--dry-run"]).exits(3);
        let _ = left
            .prints_outcome("Failed")
            .says(&["the key belongs to the user Bob"]);
    });
}

/// The next run reads the results of this run as its list. They say that a request of the run may still act.
#[test]
fn a_failed_key_whose_request_may_still_act_is_started_for_a_run_with_the_results() {
    const OPEN: &str = "\"Outcome\":\"Failed\",\"Unfinished\":1";
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Alice"];
    let case = Case::at(&sandbox, args).args(["--output", "json", "--timeout", "8"]);
    let failed = case.run().exits(3);
    let results = failed.output().to_owned();
    let _ = failed.prints_outcome("Failed").says(&["error: "]);
    assert!(results.contains(OPEN), "{results}");
    // IAM responds, so no request is pending.
    sandbox.clear_faults();
    let failed = Case::at(&sandbox, args).args(["--output", "json"]).run();
    let responded = failed.exits(3).prints_outcome("Failed");
    let _ = responded.says(&["error: "]);
    // The results of the next run say this too.
    let unknown = results.replace("\"Failed\",\"Unfinished\":1", "\"Unknown\"");
    for list in [&results, &unknown] {
        let failed = from_stdin(&sandbox, list, &[]).run().exits(3);
        assert!(failed.output().contains(OPEN), "{}", failed.output());
        let _ = failed.prints_outcomes(&[("Failed", 1)]).says(&["error: "]);
    }
    sandbox.rename_user("Alice", "Amy");
    sandbox.rename_user("Bob", "Alice");
    let csv = format!("AccessKeyId,UserName,Outcome,Unfinished\n{BOBS_KEY},Alice,Failed,1\n");
    let cases = [results, csv]
        .map(|list| ["--only-inactive", "--dry-run"].map(|more| (list.clone(), more)));
    each(cases.concat(), |(list, more)| {
        let left = from_stdin(&sandbox, &list, &[more]).run().exits(10);
        let said = left.prints_outcomes(&[("Unknown", 1)]);
        let _ = said.says(&["this run did not change it: ", STARTED]);
    });
    each(["0", ""], |unfinished| {
        let list = format!(
            "AccessKeyId,UserName,Outcome,Unfinished\n{BOBS_KEY},Alice,Failed,{unfinished}\n"
        );
        let shown = from_stdin(&sandbox, &list, &["--dry-run"]).run().exits(0);
        let _ = shown
            .prints_outcomes(&[("WouldDelete", 1)])
            .says(&["result: "]);
    });
    let list = format!("AccessKeyId,UserName,Outcome,Unfinished\n{BOBS_KEY},Alice,Failed,some\n");
    from_stdin(&sandbox, &list, &[]).run().stops(
        2,
        &["line 2, column Unfinished: unknown value `some`: it must be a number"],
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

/// A later run names another user, and IAM responds to its request. That does not restart the thirty minutes.
#[test]
fn an_unfinished_key_that_a_later_run_seeks_at_another_user_is_not_changed_once_its_request_has_expired()
 {
    let named = |sandbox: &Sandbox, kept: &Kept, user: &str, more: &[&str]| {
        let args = ["--access-key-id", BOBS_KEY, "--user-name", user];
        let case = Case::at(sandbox, args).args(["--output", "json", "--journal"]);
        case.args([kept.path()]).args(more.iter().copied()).run()
    };
    let unlisted = |kept: &Kept| {
        let journal = kept.journal().replace(",\"Status\":\"Active\"", "");
        std::fs::write(kept.path(), journal).expect("a journal");
    };
    for is_denied in [false, true] {
        let sandbox = documented();
        if is_denied {
            sandbox.deny("iam:GetAccessKeyLastUsed");
        }
        let kept = started_an_hour_ago();
        unlisted(&kept);
        let sought = named(&sandbox, &kept, "Alice", &[]);
        let _ = if is_denied {
            sought.exits(10).prints_outcome("Unknown")
        } else {
            sought.exits(3).prints_outcome("Failed")
        };
        let left = named(&sandbox, &kept, "Bob", &["--only-inactive"]).exits(11);
        let _ = left
            .prints_outcome("Skipped")
            .says(&["is not deleted: its status is Active"]);
    }
}
