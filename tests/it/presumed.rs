//! Deletions that no response of IAM confirms, and how a later run with the same journal treats them.

use std::process::Command;
use std::time::Duration;

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Status, What};

use crate::case::{BOBS_KEY, Case, actions, always, documented, each, faulty, once};
use crate::intent::started;
use crate::journal::Kept;
use crate::many::from_stdin;
use crate::proof::{READS, denied};
use crate::resumed_owner::{finds_it, finds_it_deleted, started_to, started_without_owner};
use crate::streams::wait_for;

const LISTED: &str = ",\"Status\":\"Active\"";

#[test]
fn a_deletion_that_is_presumed_for_a_named_owner_is_finished_for_that_owner_only() {
    let sandbox = documented();
    sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
    sandbox.deny("iam:GetAccessKeyLastUsed");
    // The list names the wrong owner.
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{ALICE_KEY_ID},Bob\n"));
    let printed = kept.case(&sandbox, &[]).run().exits(0);
    // The last response, a 404, has a request ID.
    let object = printed.object();
    assert!(object["RequestId"].is_string());
    let _ = printed
        .prints_outcome("Deleted")
        .says(&["is presumed deleted", "and does not confirm its owner"]);
    assert!(kept.journal().contains("\"OwnerUnchecked\":true"));
    assert_eq!(object["OwnerUnchecked"], true);
    // The results say the same as the journal.
    let results = object.to_string();
    for again in [&[][..], &["--user-name", "bob"]] {
        from_stdin(&sandbox, &results, again).run().stops_exactly(
            0,
            "iam-del-key: note: 1 line was skipped: nothing left to do\n\
             result: nothing to do: the list has no keys to change\n",
        );
    }
    for other in [&["--find-user"][..], &["--user-name", "Alice"]] {
        let more = [other, &["--deactivate"]].concat();
        let printed = from_stdin(&sandbox, &results, &more).run().exits(0);
        let _ = printed
            .prints_outcomes(&[("Deactivated", 1)])
            .says(&["--user-name=Alice --reactivate\nresult: 1 key: 1 deactivated\n"]);
        sandbox.set_status(ALICE_KEY_ID, Status::Active);
    }
    let finished = "result: 1 key: 1 finished by an earlier run\n";
    kept.case(&sandbox, &[]).run().stops_exactly(0, finished);

    kept.list(&format!("{ALICE_KEY_ID}\n"));
    let printed = kept.case(&sandbox, &["--find-user"]).run().exits(0);
    assert_eq!(printed.object()["UserName"], "Alice");
    let _ = printed
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(ALICE_KEY_ID));
    kept.case(&sandbox, &[]).run().stops_exactly(0, finished);
}

#[test]
fn a_resumed_run_with_little_time_sends_the_request() {
    let sandbox = documented();
    let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
    let printed = kept.case(&sandbox, &["--find-user", "--timeout", "5"]);
    let _ = printed
        .run()
        .exits(0)
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// The check of the earlier run's change takes a third of the time limit, and less than four seconds are left.
#[test]
fn a_resumed_key_with_an_owner_has_one_time_limit() {
    let sandbox = documented();
    for (action, seconds) in [("GetAccessKeyLastUsed", 3), ("ListAccessKeys", 4)] {
        let slow = What::Delay(Duration::from_secs(seconds));
        sandbox.fault(always(action, slow));
    }
    let kept = started();
    let more = ["--timeout", "5", "--only-inactive"];
    let printed = kept.case(&sandbox, &more).run().exits(10);
    let _ = printed
        .prints_outcomes(&[("Unknown", 1)])
        .says(&["it did not return enough about the key in time"]);
}

#[test]
fn a_check_that_the_time_limit_ends_is_not_called_a_failed_one() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let slow = What::Delay(Duration::from_secs(2));
    sandbox.fault(always("GetAccessKeyLastUsed", slow));
    let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
    let printed = kept.case(&sandbox, &["--timeout", "6"]).run().exits(10);
    let _ = printed.prints_outcome("Unknown").says(&[
        "an earlier run started this, and IAM now reports no such key; there was not enough time to check the key",
    ]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn a_key_that_does_not_exist_is_printed_once_and_keeps_its_recorded_owner() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let no_such_key = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
    sandbox.fault(always("GetAccessKeyLastUsed", no_such_key));
    let kept = started_without_owner(BOBS_KEY, "\"Bob\"");
    // If the disk is full, only standard error has the result.
    let running = kept.case(&sandbox, &[]).start();
    wait_for(|| !actions(&sandbox).is_empty());
    let process = format!("--pid={}", running.child.id());
    let limited = Command::new("prlimit")
        .args(["--fsize=1", &process])
        .status();
    assert!(limited.expect("prlimit").success());
    let presumed = format!(
        "iam-del-key: warning: {BOBS_KEY} is presumed deleted: an earlier run started this; IAM reports that the key does \
         not exist\n"
    );
    let warning = "the next run with this journal verifies and reports it\n";
    let ended = running.end().exits(1).prints_nothing();
    let _ = ended.says(&[&presumed, warning]);

    let printed = kept.case(&sandbox, &[]).run().exits(0);
    let _ = printed
        .prints_outcome("Deleted")
        .says_exactly(&format!("{presumed}result: 1 key: 1 deleted\n"));
    let record =
        format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"Deleted\"");
    assert!(kept.journal().contains(&record), "{}", kept.journal());
}

/// `--ignore-missing` says nothing about an earlier run's change, which is still open when the key is looked up again.
#[test]
fn a_key_that_was_only_missing_may_have_been_deleted_by_an_earlier_run() {
    let cases = [
        // The second run sends a request, or only reads what a condition requires.
        (
            LISTED,
            &READS[..],
            &[][..],
            0,
            "Deleted",
            "an earlier run started this; IAM does not list the key for any user",
        ),
        (
            "",
            &READS[..1],
            &["--only-inactive"],
            10,
            "Unknown",
            "an earlier run started this; IAM does not list the key for any user",
        ),
    ];
    each(cases, |(listed, denied, more, exit, outcome, says)| {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let kept = started_to("delete", BOBS_KEY, "\"Bob\"", listed);
        kept.list(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
        for read in denied {
            sandbox.deny(read);
        }
        let missing = [&["--ignore-missing"], more].concat();
        for (known, count) in [("already gone", 1), ("finished by an earlier run", 0)] {
            let printed = kept.case(&sandbox, &missing).run().exits(0);
            let expected = &[("Missing", count)][..count];
            let known = format!("1 key: 1 {known}");
            let said = printed.prints_outcomes(expected).says(&["result: "]);
            let _ = said.ends_with(&known);
        }
        for read in denied {
            sandbox.allow(read);
        }
        kept.list(&format!("{BOBS_KEY}\n"));
        let printed = kept.case(&sandbox, &["--find-user"]).run().exits(exit);
        let _ = printed.prints_outcomes(&[(outcome, 1)]).says(&[says]);
    });
}

#[test]
fn after_a_signal_a_missing_key_may_have_been_deleted_by_an_earlier_run() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    for read in READS {
        sandbox.deny(read);
    }
    let delay = What::Delay(Duration::from_millis(200));
    sandbox.fault(once("DeleteAccessKey", delay));
    let kept = started_to("delete", BOBS_KEY, "\"Bob\"", LISTED);
    kept.list(&format!("{BOBS_KEY}\n"));
    let case = Case::documented(&sandbox, &["--ignore-missing", "--journal"]);
    let running = case.args([kept.path()]).start();
    wait_for(|| actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    running.signal("INT");
    running.end().ends_exactly(
        130,
        "Unknown",
        &format!(
            "iam-del-key: error: interrupted; before that: An error occurred (NoSuchEntity) when calling the DeleteAccessKey \
             operation: The Access Key with id {BOBS_KEY} cannot be found.\n\
             hint: with the permission iam:ListAccessKeys, check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: an earlier run started this, and IAM now reports no such key; there is no permission \
             to list the user's keys\n"
        ),
    );
    sandbox.allow(READS[1]);
    finds_it_deleted(&sandbox, &kept, &["--user-name", "Bob"]);
}

/// Nothing else proves a deletion without a response: IAM denies the lookup of a key that does not exist.
#[test]
fn the_next_run_remembers_that_iam_listed_the_key() {
    const LIST: [&str; 2] = ["AccessKeyId,UserName", "AccessKeyId"];
    let limits = ["--timeout", "4", "--cli-read-timeout", "1"];
    let lost = || always("DeleteAccessKey", What::ResetBeforeActing);
    // The run whose response was lost saw the key in the list, and its request arrived later.
    let sandbox = faulty([lost()]);
    let kept = Kept::new(&format!("{}\n{BOBS_KEY},Bob\n", LIST[0]));
    let still = "no usable response arrived; IAM still lists the key";
    kept.ends(&sandbox, &limits, 10, still, "1 key: 1 unknown");
    sandbox.clear_faults();
    sandbox.remove_key(BOBS_KEY);
    finds_it_deleted(&sandbox, &kept, &[]);

    // An earlier run saw the key, and IAM denied its deletion.
    let sandbox = denied(&["iam:DeleteAccessKey"]);
    let kept = Kept::new(&format!("{}\n{BOBS_KEY},Bob\n", LIST[0]));
    let (old, failed) = (["--older-than", "1d"], "1 key: 1 failed and not changed");
    kept.ends(&sandbox, &old, 6, "(AccessDenied)", failed);
    sandbox.allow("iam:DeleteAccessKey");
    for read in READS {
        sandbox.deny(read);
    }
    sandbox.fault(lost());
    kept.ends(
        &sandbox,
        &limits,
        10,
        "no permission to check the key",
        "1 key: 1 unknown",
    );
    sandbox.clear_faults();
    sandbox.remove_key(BOBS_KEY);
    sandbox.allow(READS[1]);
    kept.list(&format!("{}\n{BOBS_KEY}\n", LIST[1]));
    let nobodys = "IAM does not list the key for any user in the account";
    finds_it(&sandbox, &kept, &["--find-user"], nobodys);

    // A resumed run saw the key before it sent its own request.
    let sandbox = denied(&READS[..1]);
    let kept = started();
    let lists = always("ListAccessKeys", What::error(403, "AccessDenied", "no"));
    sandbox.fault(lost());
    sandbox.fault(lists.skip(1));
    kept.ends(&sandbox, &limits, 10, "unknown", "1 key: 1 unknown");
    sandbox.clear_faults();
    sandbox.remove_key(BOBS_KEY);
    finds_it_deleted(&sandbox, &kept, &[]);
}

/// A line of results with `Unknown` leaves the same question open as a journal without the result.
#[test]
fn an_unknown_result_in_a_list_stays_unknown() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let line = |outcome: &str| {
        format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\"}}\n"
        )
    };
    let unknown = line("Unknown");
    let table = format!("AccessKeyId,UserName,Outcome\n{BOBS_KEY},Bob,Unknown\n");
    let appended = line("Failed") + &unknown;
    for results in [&unknown, &table, &appended] {
        for more in [
            &[][..],
            &["--find-user"],
            &["--only-inactive"],
            &["--dry-run"],
        ] {
            let printed = from_stdin(&sandbox, results, more).run().exits(10);
            let _ = printed
                .prints_outcome("Unknown")
                .says(&["an earlier run started ", "1 key: 1 unknown"]);
        }
    }
    // A key that is reported as not deleted is open only if another line says so.
    for (results, more, status, outcome) in [
        (line("Failed"), &[][..], 3, "Failed"),
        (unknown.clone(), &["--ignore-missing"], 0, "Missing"),
    ] {
        let _ = from_stdin(&sandbox, &results, more)
            .run()
            .exits(status)
            .prints_outcome(outcome)
            .says(&["1 key: 1 "]);
    }
    // It is presumed deleted for Alice, and still open for another owner.
    let presumed = "Deleted\",\"OwnerUnchecked\":true,\"Reason\":\"";
    let json = line(presumed).replace("Bob", "Alice");
    let table =
        format!("Access Key ID,User Name,Outcome,Owner unchecked\n{BOBS_KEY},Alice,Deleted,TRUE\n");
    for results in [json, table] {
        let printed = from_stdin(&sandbox, &results, &["--find-user"]).run();
        let _ = printed
            .exits(10)
            .prints_outcome("Unknown")
            .says(&["an earlier run started ", "1 key: 1 unknown"]);
    }
    // A key that IAM lists is changed. A dry run does not verify whether an earlier request still acts.
    let sandbox = documented();
    let _ = from_stdin(&sandbox, &unknown, &["--dry-run"])
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["an earlier run started ", "1 key: 1 unknown"]);
    let _ = from_stdin(&sandbox, &unknown, &[])
        .run()
        .exits(0)
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
}

#[test]
fn an_unchecked_owner_is_read_from_columns_too() {
    let table = |value: &str| {
        format!("AccessKeyId,UserName,Outcome,OwnerUnchecked\n{BOBS_KEY},Alice,Deleted,{value}\n")
    };
    let sandbox = documented();
    for value in ["", "false"] {
        from_stdin(&sandbox, &table(value), &["--find-user"])
            .run()
            .stops_exactly(
                0,
                "iam-del-key: note: 1 line was skipped: nothing left to do\n\
                 result: nothing to do: the list has no keys to change\n",
            );
    }
    let printed = from_stdin(&sandbox, &table("maybe"), &["--find-user"]).run();
    let _ = printed
        .exits(2)
        .prints_nothing()
        .says(&["line 2, column OwnerUnchecked: unknown value `maybe`: it must be true or false"]);
    let printed = from_stdin(&sandbox, &table("true"), &["--find-user"]).run();
    let _ = printed
        .exits(0)
        .prints_outcome("Deleted")
        .says_exactly("result: 1 key: 1 deleted\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}
