//! Keys that an earlier run started to change, without a result in the journal: the next run verifies them first. If that fails,
//! no message says that they were not changed.

use std::time::{Duration, SystemTime};

use iam_sandbox::documented::BOB_SECOND_KEY_ID;
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, HANGS, actions, always, documented, each};
use crate::dialogue::Dialogue;
use crate::journal::{ACCOUNT, Kept};
use crate::many::{outcomes, rows};
use crate::resumed_owner::finds_it_deleted;
use crate::streams::wait_for;

#[test]
fn f85_a_started_key_is_verified_before_it_is_tried_again() {
    let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}\n";
    let intent = |id: &str| {
        format!(
            "{{\"AccessKeyId\":\"{id}\",\"UserName\":\"Bob\",\"Intent\":\"delete\",\"Time\":\"t\",\"Status\":\"Active\"}}\n"
        )
    };
    for torn in [
        "",
        "{\"AccessKeyId\":\"AKIDPMS9",
        "{\"AccessKeyId\":\"AKIDPMS9RO4H3FEXAMPLE\",\"Outcome\":\"Deleted\"}",
    ] {
        // The earlier run was killed after IAM acted.
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
        std::fs::write(kept.path(), format!("{head}{}{torn}", intent(BOBS_KEY)))
            .expect("a journal");
        finds_it_deleted(&sandbox, &kept, &[]);
        let (sts, look) = (
            ["GetCallerIdentity"],
            ["GetAccessKeyLastUsed", "ListAccessKeys"],
        );
        let expected = [&sts[..], &look, &look, &look];
        assert_eq!(actions(&sandbox), expected.concat());
        // The earlier run was killed before IAM acted.
        let sandbox = documented();
        std::fs::write(kept.path(), format!("{head}{}{torn}", intent(BOBS_KEY)))
            .expect("a journal");
        let printed = kept.case(&sandbox, &[]).run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed
            .prints(&output)
            .says_exactly("result: 1 key: 1 deleted\n");
        assert_eq!(
            actions(&sandbox),
            [&sts[..], &look, &["DeleteAccessKey"]].concat()
        );
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

/// A journal that says that a run started Bob's key after IAM listed it among his keys, and nothing more.
pub(crate) fn started() -> Kept {
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n\
         {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Intent\":\"delete\",\"Time\":\"t\",\"Status\":\"Active\"}}\n"
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    kept
}

/// The same, but so long ago that the request has expired.
pub(crate) fn started_an_hour_ago() -> Kept {
    started_at(SystemTime::now() - Duration::from_hours(1))
}

fn started_at(time: SystemTime) -> Kept {
    let kept = started();
    let time = humantime::format_rfc3339_seconds(time);
    let dated = kept.journal().replace("\"t\"", &format!("\"{time}\""));
    std::fs::write(kept.path(), dated).expect("a journal");
    kept
}

/// The request expires during the question, after the list was read.
#[test]
fn a_declined_key_is_unknown_if_an_earlier_request_could_act_after_the_list_was_read() {
    let sandbox = documented();
    let until = SystemTime::now() + Duration::from_secs(3);
    let kept = started_at(until - Duration::from_mins(30));
    let case = kept.case(&sandbox, &["--older-than", "1d"]);
    let dialogue = Dialogue::start(case).shows("[y/N] ");
    sandbox.remove_key(BOBS_KEY);
    wait_for(|| SystemTime::now() > until + Duration::from_secs(1));
    let ended = dialogue.types(b"n\n").end().exits(11);
    let _ = ended
        .prints_outcomes(&[("Unknown", 1)])
        .says(&["unknown: an earlier run started to change it, and the result is unknown"]);
}

#[test]
fn a_key_that_is_left_alone_says_how_long_an_earlier_request_may_act() {
    let started = SystemTime::now() - Duration::from_mins(12);
    let time = |time| humantime::format_rfc3339_seconds(time).to_string();
    let (start, until) = (time(started), time(started + Duration::from_mins(30)));
    let dated = format!(
        "IAM listed it as Active, but the request of an earlier run may still take effect until {until}"
    );
    let undated = "an earlier run started to change it, and the result is unknown";
    let kept = started_at(started);
    let journal = kept.journal();
    let intent = journal.lines().last().expect("an intent");
    let inactive = &["--only-inactive"][..];
    for (another, more, why, known) in [
        (None, inactive, "its status is Active", &*dated),
        (
            None,
            &["--dry-run", "--older-than", "1d"],
            "it was a dry run",
            &dated,
        ),
        // The condition itself needs no list.
        (
            None,
            &["--except-user", "B*"],
            "the user Bob matches --except-user B*",
            &dated,
        ),
        // The later request counts.
        (
            Some("2026-01-01T00:00:00Z"),
            inactive,
            "its status is Active",
            &dated,
        ),
        (Some("t"), inactive, "its status is Active", undated),
    ] {
        let another = another.map(|time| intent.replace(&start, time) + "\n");
        let both = journal.clone() + &another.unwrap_or_default();
        std::fs::write(kept.path(), both).expect("a journal");
        let sandbox = documented();
        let case = Case::documented(&sandbox, more).args(["--journal"]);
        let printed = case.args([kept.path()]).run().exits(10);
        let _ = printed.prints_outcome("Unknown").says_exactly(&format!(
            "iam-del-key: error: this run did not change it: {why}\n\
             hint: check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: {known}\n"
        ));
    }
}

#[test]
fn the_thirty_minutes_are_measured_by_iams_clock() {
    const HOURS: i64 = 7_200;
    // How far IAM's clock is ahead in the killed run and in the next one, and whether the request has expired by the time of the
    // latter.
    let cases = [
        (0, 0, false),
        (HOURS, HOURS, false),
        (-HOURS, -HOURS, false),
        (HOURS, 0, false),
        (0, HOURS, true),
        (-HOURS, 0, true),
    ];
    each(cases, |(before, now, is_expired)| {
        let kept = Kept::new(&format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"));
        let sandbox = Sandbox::documented().clock_offset(before).start();
        sandbox.fault(always("DeleteAccessKey", What::ResetBeforeActing));
        let _ = kept.case(&sandbox, &["--timeout", "1"]).run().exits(10);
        let sandbox = Sandbox::documented().clock_offset(now).start();
        let printed = kept.case(&sandbox, &["--dry-run"]).run();
        let (exit, outcome) = if is_expired {
            (0, "WouldDelete")
        } else {
            (10, "Unknown")
        };
        let _ = printed.exits(exit).prints_outcomes(&[(outcome, 1)]);
    });
}

#[test]
fn f85_an_unfinished_key_that_cannot_be_verified_is_unknown_whatever_this_run_sees() {
    let denied = What::error(403, "AccessDenied", "no");
    let list = Fault::new(What::empty(500)).on("ListAccessKeys").always();
    for (fault, more, says) in [
        (
            None,
            &[][..],
            "an earlier run started this, and IAM now reports no such key; checking the key failed",
        ),
        (None, &["--ignore-missing"], "checking the key failed"),
        (
            Some(denied),
            &[],
            "an earlier run started this; checking the key failed",
        ),
        (None, &["--only-inactive"], "the result is unknown"),
    ] {
        // The earlier run was killed after IAM acted.
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        sandbox.fault(list.clone());
        if let Some(what) = fault {
            sandbox.fault(Fault::new(what).on("DeleteAccessKey").always());
        }
        let kept = started();
        let printed = kept.case(&sandbox, more).run().exits(10);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
        let _ = printed
            .prints(&output)
            .says(&[says])
            .ends_with("1 key: 1 unknown");
        // The key stays unknown until a run can verify it.
        sandbox.clear_faults();
        finds_it_deleted(&sandbox, &kept, &[]);
    }
}

#[test]
fn f85_an_unfinished_key_is_unknown_if_iam_cannot_be_reached() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.stop_listening();
    let (kept, sts) = (started(), documented());
    let case = kept.case(&sandbox, &[]);
    let case = case.env("AWS_ENDPOINT_URL_STS", sts.url());
    let printed = case.run().exits(10);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    // No request was sent.
    assert!(!output.contains("Attempts"), "{output}");
    let _ = printed
        .prints(&output)
        .says(&[
            "could not reach IAM",
            "an earlier run started this; checking the key failed",
        ])
        .ends_with("1 key: 1 unknown");
}

#[test]
fn f85_an_unfinished_key_that_is_still_listed_is_not_changed() {
    let sandbox = documented();
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("DeleteAccessKey").always());
    let kept = started();
    // The request of a run that has just been killed may still act.
    let printed = kept.case(&sandbox, &[]).run().exits(10);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["unknown: an earlier run started this; IAM still lists the key"])
        .ends_with("1 key: 1 unknown");
    // A request that is an hour old is no longer valid.
    let kept = started_an_hour_ago();
    let printed = kept.case(&sandbox, &[]).run().exits(6);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Failed".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["not deleted: an earlier run started this; IAM still lists the key"])
        .ends_with("1 key: 1 failed and not changed");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn an_unfinished_key_that_a_condition_leaves_without_its_status_is_not_changed() {
    let sandbox = documented();
    let kept = started_an_hour_ago();
    let case = Case::documented(&sandbox, &["--except-user", "B*", "--journal"]);
    let said = case.args([kept.path()]).run().exits(11);
    let _ = said
        .prints_outcome("Skipped")
        .says(&["is not deleted: the user Bob matches --except-user B*"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f85_a_dry_run_says_nothing_false_about_an_unfinished_key() {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    let printed = started().case(&sandbox, &["--dry-run"]).run().exits(10);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Unknown".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says(&["the result is unknown"])
        .ends_with("this was a dry run");
}

#[test]
fn f85_an_unfinished_key_that_this_run_leaves_is_unknown() {
    // The first key or the question ends the run. The second key was started, and this run cannot verify it.
    for (more, answer, status) in [
        (&["--jobs", "1", "--fail-fast"][..], None, 12),
        (&["--interactive"], Some("n\n"), 11),
        (&["--except-user", "B*", "--jobs", "1"], None, 12),
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        for action in ["iam:DeleteAccessKey", "iam:ListAccessKeys"] {
            sandbox.deny(action);
        }
        let kept = started();
        kept.list(&format!(
            "AccessKeyId,UserName\n{BOB_SECOND_KEY_ID},Bob\n{BOBS_KEY},Bob\n"
        ));
        let before = kept.journal();
        let case = kept.case(&sandbox, more);
        let printed = match answer {
            None => case.run(),
            Some(answer) => Dialogue::start(case)
                .shows("[y/N]")
                .types(answer.as_bytes())
                .end(),
        };
        let printed = printed.exits(status);
        let output = printed.output().to_owned();
        let rows = rows(&output);
        let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
        assert_eq!(row.expect("its row")["Outcome"], "Unknown", "{output}");
        let _ = printed
            .prints(&output)
            .says(&["an earlier run started to change it, and the result is unknown"])
            .ends_with("1 unknown");
        let journal = kept.journal();
        let new = journal
            .strip_prefix(&before)
            .expect("a journal with appended records");
        assert!(!new.contains(BOBS_KEY), "{new}");
    }
}

#[test]
fn f85_a_key_whose_journal_is_not_read_is_unknown() {
    let sandbox = documented();
    let kept = started();
    let one = |more: &[&str]| {
        Case::documented(&sandbox, &["--journal"])
            .args([kept.path()])
            .args(more.iter().copied())
    };
    // The question needs a terminal. The journal was read before that.
    let _ = one(&["--interactive"])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["terminal"])
        .ends_with("unknown: an earlier run started to change it, and the result is unknown");
    // Another run has the journal open, and may be changing this key.
    sandbox.fault(Fault::new(What::SilenceBeforeActing).on("GetAccessKeyLastUsed"));
    let first = one(&[]).start();
    assert!(sandbox.wait_for_requests(1, HANGS));
    let _ = one(&[])
        .run()
        .exits(11)
        .prints_nothing()
        .says(&["another run is using the journal"])
        .ends_with("unknown: the results of earlier runs are unknown: the journal was not read");
    first.signal("INT");
    let _ = first
        .end()
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["interrupted"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f85_an_unfinished_key_of_a_run_that_ends_before_it_begins_is_unknown() {
    let settled = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deleted\"}}\n");
    for (more, known) in [
        (
            "",
            "unknown: an earlier run started to change it, and the result is unknown",
        ),
        (&*settled, "deleted: an earlier run finished it"),
    ] {
        let sandbox = documented();
        sandbox.remove_key(BOBS_KEY);
        let kept = started();
        std::fs::write(kept.path(), kept.journal() + more).expect("a journal");
        let case = Case::documented(&sandbox, &["--journal"])
            .args([kept.path()])
            .without_credentials();
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&["no AWS credentials"])
            .ends_with(known);
        assert!(actions(&sandbox).is_empty());
    }
}
