//! What a record leaves open.

use super::*;

#[test]
fn a_failure_ends_no_change_whose_request_may_still_act() {
    let at = "2026-01-01T00:00:00Z";
    let intent = format!("{INTENT},\"Time\":\"{at}\"");
    let replay = replay("delete", &[("Bob", &intent), ("Alice", &intent)]);
    let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
    let earlier = replay.attempts(&id);
    let soon = parse_rfc3339(at).expect("a time") + Duration::from_secs(1);
    let late = soon + VALID;
    for (kind, is_open, now, expected) in [
        (OutcomeKind::Failed, false, soon, 2),
        (OutcomeKind::Failed, true, soon, 3),
        (OutcomeKind::Failed, false, late, 0),
        (OutcomeKind::Failed, true, late, 3),
        (OutcomeKind::Deleted, false, soon, 0),
        (OutcomeKind::Missing, false, late, 2),
        (OutcomeKind::NotTried, false, soon, 2),
    ] {
        let left = left_open(kind, earlier, is_open, now);
        assert_eq!(left, expected, "{kind:?} {is_open} {now:?}");
    }
    assert_eq!(left_open(OutcomeKind::Failed, &[], false, soon), 0);
    assert_eq!(left_open(OutcomeKind::Failed, &[], true, soon), 1);
}

#[test]
fn the_name_of_an_owner_whom_a_later_run_did_not_confirm_may_be_another_users() {
    let (intent, failed) = (listed(INTENT), listed(FAILED));
    let left_alone = listed("\"Outcome\":\"NotTried\",\"Unfinished\":1");
    let of_alice = format!("{FAILED},\"Unfinished\":1,\"ReportedOwner\":\"Alice\"");
    let unconfirmed = "\"Outcome\":\"Unknown\",\"OwnerUnchecked\":true";
    for (records, expected) in [
        (
            &[("Bob", intent.as_str()), ("bob", unconfirmed)][..],
            &[true, true][..],
        ),
        // It was not found for someone else, who is not its owner.
        (&[("Bob", &intent), ("Alice", unconfirmed)], &[false, true]),
        // No record says that IAM listed it for the owner.
        (&[("Bob", INTENT), ("Bob", unconfirmed)], &[false, false]),
        (
            &[("Bob", &intent), ("Bob", "\"Outcome\":\"Unknown\"")],
            &[false, false],
        ),
        (
            &[("Bob", &intent), ("Bob", unconfirmed), ("Bob", &intent)],
            &[false, false, false],
        ),
        (
            &[("Bob", &intent), ("Bob", unconfirmed), ("Alice", &intent)],
            &[true, true, false],
        ),
        (
            &[("Bob", &intent), ("Bob", unconfirmed), ("Bob", &failed)],
            &[],
        ),
        // IAM listed it for someone else after that, and then for the first owner again.
        (&[("Bob", &intent), ("Alice", &intent)], &[true, false]),
        (&[("Bob", &intent), ("Alice", &left_alone)], &[true]),
        (&[("Bob", &intent), ("Alice", STILL_OPEN)], &[false]),
        (
            &[("Bob", &intent), ("Alice", &intent), ("bob", &intent)],
            &[false, true, false],
        ),
        // IAM named someone else.
        (&[("Bob", &intent), ("Bob", &of_alice)], &[true]),
        (&[("Bob", INTENT), ("Bob", &of_alice)], &[true]),
        (&[("Alice", &intent), ("Alice", &of_alice)], &[false]),
        (
            &[("Bob", &intent), ("Bob", &of_alice), ("Bob", &intent)],
            &[false, false],
        ),
        // The root user has no name that can move.
        (&[("Bob", INTENT), ("root", &left_alone)], &[false]),
    ] {
        let replay = replay("delete", records);
        let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
        let attempts = replay.attempts(&id).iter();
        let found: Vec<bool> = attempts.map(|attempt| attempt.has_moved).collect();
        assert_eq!(found, expected, "{records:?}");
    }
}

/// Names can move, so that the owner who did not have it may have it again.
#[test]
fn a_key_that_iam_lists_for_anybody_is_missing_for_nobody() {
    let (intent, unchecked) = (listed(INTENT), listed(UNCHECKED));
    let answered = listed("\"Outcome\":\"Unknown\",\"Answered\":true,\"Unfinished\":1");
    let presumed = [("Bob", INTENT), ("Bob", UNCHECKED)];
    let of_zoe = format!("{FAILED},\"Unfinished\":1,\"ReportedOwner\":\"Zoe\"");
    for (records, expected) in [
        (
            &[("Alice", intent.as_str()), ("Alice", &answered)][..],
            "BBBBB",
        ),
        (&[("Alice", &answered)], "BBBBB"),
        (&[("root", &answered)], "BBBBB"),
        (&[("Alice", &intent), ("Alice", STILL_OPEN)], "BBMBB"),
        (&[("Alice", &unchecked)], "BBMBB"),
        (&[("Bob", &unchecked)], "MMBBB"),
        // IAM confirmed it.
        (&[("Bob", DELETED), ("Alice", &answered)], "SSSSS"),
        (&[("Alice", &of_zoe)], "BBBBB"),
        // It was not listed.
        (&[("Alice", STILL_OPEN)], "MMMBB"),
    ] {
        check(&[&presumed, records].concat(), expected);
    }
}

#[test]
fn an_unknown_result_of_an_answered_request_starts_nothing() {
    let answered = "\"Outcome\":\"Unknown\",\"Answered\":true,\"Unfinished\":1";
    for (records, expected, left) in [
        (
            &[("Bob", INTENT), ("Alice", INTENT), ("Alice", answered)][..],
            "BBBBB",
            1,
        ),
        (
            &[
                ("Bob", INTENT),
                ("Bob", "\"Outcome\":\"Unknown\",\"Answered\":true"),
            ],
            "-----",
            0,
        ),
        (
            &[("Bob", INTENT), ("Bob", "\"Outcome\":\"Unknown\"")],
            "BBBBB",
            2,
        ),
    ] {
        check(records, expected);
        let replay = replay("delete", records);
        let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
        assert_eq!(replay.attempts(&id).len(), left, "{records:?}");
    }
}
