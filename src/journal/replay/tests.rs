//! What the records of a journal prove, as tables.

mod open;

use super::*;
use crate::journal::read::read;

const ID: &str = "AKIDPMS9RO4H3FEXAMPLE";
const DELETED: &str = "\"Outcome\":\"Deleted\"";
const UNCHECKED: &str = "\"Outcome\":\"Deleted\",\"OwnerUnchecked\":true";
const MISSING: &str = "\"Outcome\":\"Missing\"";
const FAILED: &str = "\"Outcome\":\"Failed\"";
const INTENT: &str = "\"Intent\":\"delete\"";
const STILL_OPEN: &str = "\"Outcome\":\"Missing\",\"Unfinished\":1";

/// The record of a run in which IAM listed the key.
fn listed(record: &str) -> String {
    format!("{record},\"Status\":\"Active\"")
}

/// The user or root user (an empty name) for whom IAM listed the key.
fn listed_owner(attempt: &EarlierAttempt) -> Option<&str> {
    let owner = attempt.owner.user().map_or("", UserName::as_str);
    attempt.was_listed.then_some(owner)
}

/// Reads a journal with these records of one key, each with its owner. An empty owner is none, and `root` the root user.
fn replay(action: &str, records: &[(&str, &str)]) -> Replay {
    let head = format!("{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":null}}\n");
    let records = records.iter().map(|(owner, record)| {
        let owner = match *owner {
            "" => "null".to_owned(),
            "root" => "null,\"RootUser\":true".to_owned(),
            owner => format!("\"{owner}\""),
        };
        // Another key does not count.
        let other = "{\"AccessKeyId\":\"AKIAAAAAAAAAAAAAAAAA\",\"Outcome\":\"Failed\"}";
        format!("{other}\n{{\"AccessKeyId\":\"{ID}\",\"UserName\":{owner},{record}}}\n")
    });
    let text = head + &records.collect::<String>();
    read(&mut text.as_bytes()).expect("a journal").1
}

/// Returns a letter for the prior state of the key under this owner.
fn letter(replay: &Replay, owner: &Owner, action: Action) -> char {
    let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
    match replay.prior_state(&id, owner, action) {
        PriorState::Done => 'S',
        PriorState::Missing => 'M',
        PriorState::InProgress => 'B',
        PriorState::ChangedBefore(_) => 'D',
        PriorState::None => '-',
    }
}

fn user(name: &str) -> Owner {
    Owner::User(name.parse().expect("a name"))
}

/// Checks the states of the key under Bob, BOB, Alice, the root user and an owner whom nobody names.
fn check(records: &[(&str, &str)], expected: &str) {
    let replay = replay("delete", records);
    let [bob, shouted, alice] = ["Bob", "BOB", "Alice"].map(user);
    let now = [bob, shouted, alice, Owner::RootUser, Owner::Unknown];
    let found = now.map(|owner| letter(&replay, &owner, Action::Delete));
    assert_eq!(String::from_iter(found), expected, "{records:?}");
}

#[test]
fn c66_a_record_counts_for_its_key_and_its_owner() {
    for (owner, record, expected) in [
        ("Bob", DELETED, "SSSSS"),
        ("", DELETED, "SSSSS"),
        ("Bob", UNCHECKED, "MM---"),
        ("root", UNCHECKED, "---M-"),
        ("", UNCHECKED, "-----"),
        ("Bob", MISSING, "MM---"),
        ("root", MISSING, "---M-"),
        ("", MISSING, "-----"),
        ("Bob", FAILED, "-----"),
        ("Bob", "\"Outcome\":\"Skipped\"", "-----"),
        ("Bob", "\"Outcome\":\"Unknown\"", "BBBBB"),
        ("Bob", INTENT, "BBBBB"),
        ("Bob", "\"Outcome\":\"Refused\"", "-----"),
        ("Bob", "\"Outcome\":\"NotTried\"", "-----"),
    ] {
        check(&[(owner, record)], expected);
    }
}

#[test]
fn c66_a_later_result_counts_unless_it_is_of_another_owner() {
    for (records, expected) in [
        (&[("Bob", DELETED), ("Bob", INTENT)][..], "BBBBB"),
        (
            &[("Bob", DELETED), ("Bob", INTENT), ("bob", FAILED)],
            "-----",
        ),
        (&[("Bob", MISSING), ("Bob", FAILED)], "-----"),
        (&[("", DELETED), ("", FAILED)], "-----"),
        (&[("", DELETED), ("Bob", FAILED)], "-----"),
        (&[("Bob", DELETED), ("", FAILED)], "-----"),
        // It was deleted as Bob's, and is not Alice's.
        (
            &[("Bob", DELETED), ("Alice", INTENT), ("Alice", FAILED)],
            "SSSSS",
        ),
        // But IAM listed it as Alice's after that, and she need not be a user who was renamed.
        (&[("Bob", DELETED), ("Alice", &listed(FAILED))], "-----"),
        (&[("Bob", DELETED), ("root", FAILED)], "SSSSS"),
        (&[("Bob", DELETED), ("root", &listed(FAILED))], "-----"),
        (&[("root", MISSING), ("", FAILED)], "-----"),
        (&[("Bob", FAILED), ("Bob", DELETED)], "SSSSS"),
        (
            &[("Bob", DELETED), ("Bob", FAILED), ("Bob", DELETED)],
            "SSSSS",
        ),
        (
            &[("Bob", DELETED), ("Alice", MISSING), ("Bob", FAILED)],
            "--M--",
        ),
    ] {
        check(records, expected);
    }
}

/// Each state is one of `check`; the number is that of the changes that are left.
#[test]
fn a_result_ends_what_earlier_runs_started_only_if_it_says_how_that_ended() {
    let skipped = "\"Outcome\":\"Skipped\",\"Unfinished\":1";
    let [bobs, alices, roots, nobodys] = ["Bob", "Alice", "root", ""].map(|name| (name, INTENT));
    for (records, expected, left) in [
        // The run that started it did not find it, or another one did not.
        (&[bobs, ("Bob", MISSING)][..], "MM---", 0),
        (&[bobs, ("Bob", STILL_OPEN)], "MMBBB", 1),
        (&[bobs, bobs, ("Bob", STILL_OPEN)], "MMBBB", 1),
        (&[bobs, alices, ("Alice", STILL_OPEN)], "BBMBB", 1),
        (&[bobs, ("", STILL_OPEN)], "BBBBB", 1),
        (&[roots, ("root", STILL_OPEN)], "BBBMB", 1),
        (&[roots, ("", STILL_OPEN)], "BBBBB", 1),
        (&[nobodys, ("root", STILL_OPEN)], "BBBMB", 1),
        (&[nobodys, ("", STILL_OPEN)], "BBBBB", 1),
        // It was presumed, for Bob only, that the request deleted it.
        (&[bobs, ("Bob", UNCHECKED)], "MMBBB", 1),
        (&[bobs, alices, ("Alice", UNCHECKED)], "BBMBB", 2),
        // Then it was started again.
        (&[bobs, ("Bob", STILL_OPEN), alices], "BBBBB", 2),
        (
            &[bobs, ("Bob", STILL_OPEN), alices, ("Alice", skipped)],
            "MMBBB",
            1,
        ),
        (
            &[bobs, ("Bob", STILL_OPEN), bobs, ("Bob", skipped)],
            "BBBBB",
            1,
        ),
        (&[bobs, bobs, ("Bob", skipped)], "BBBBB", 1),
        (
            &[bobs, ("Bob", STILL_OPEN), alices, ("Alice", FAILED)],
            "MM---",
            0,
        ),
        (
            &[bobs, ("Bob", STILL_OPEN), alices, ("Alice", DELETED)],
            "SSSSS",
            0,
        ),
    ] {
        check(records, expected);
        let replay = replay("delete", records);
        let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
        assert_eq!(replay.attempts(&id).len(), left, "{records:?}");
    }
}

#[test]
fn only_a_change_and_a_failure_say_how_earlier_changes_ended() {
    let ends = OutcomeKind::ALL.iter().filter(|kind| ends_earlier(**kind));
    let ends: Vec<&str> = ends.map(|kind| kind.as_str()).collect();
    assert_eq!(ends, ["Deleted", "Deactivated", "Reactivated", "Failed"]);
}

/// A deactivated key may be active again, and vice versa. So it is changed again, and never called unchanged.
#[test]
fn c66_a_change_of_status_is_not_finished_and_not_forgotten() {
    for (action, kind, verb) in [
        (Action::Deactivate, "Deactivated", "deactivate"),
        (Action::Reactivate, "Reactivated", "reactivate"),
    ] {
        let done = format!("\"Outcome\":\"{kind}\"");
        let intent = format!("\"Intent\":\"{verb}\"");
        for (records, expected) in [
            (&[done.as_str()][..], 'D'),
            (&[&done, FAILED], 'D'),
            (&[&done, &intent], 'B'),
            (&[&intent, &done], 'D'),
            (&[MISSING], '-'),
        ] {
            let records: Vec<_> = records.iter().map(|record| ("Bob", *record)).collect();
            let found = letter(&replay(verb, &records), &user("Bob"), action);
            assert_eq!(found, expected, "{action:?} {records:?}");
        }
    }
}

#[test]
fn an_attempt_says_where_iam_listed_the_key_and_expires() {
    let at = "2026-01-01T00:00:00Z";
    let time = format!("{INTENT},\"Time\":\"{at}\"");
    let listed = format!("{time},\"Status\":\"Active\"");
    for (owner, record, has_time, expected) in [
        ("Bob", listed.as_str(), true, Some("Bob")),
        ("", &listed, true, None),
        ("", &format!("{listed},\"RootUser\":true"), true, Some("")),
        ("", &format!("{time},\"RootUser\":true"), true, None),
        ("Bob", &format!("{time},\"RootUser\":true"), true, None),
        ("Bob", &time, true, None),
        ("Bob", INTENT, false, None),
    ] {
        let replay = replay("delete", &[(owner, record)]);
        let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
        let [attempt] = replay.attempts(&id) else {
            panic!("one attempt");
        };
        assert_eq!(listed_owner(attempt), expected);
        let at = parse_rfc3339(at).expect("a time");
        let second = Duration::from_secs(1);
        for (now, expected) in [
            (at - second, false),
            (at + VALID, false),
            (at + VALID + second, has_time),
        ] {
            assert_eq!(attempt.has_expired(now), expected, "{record}");
        }
    }
}

#[test]
fn a_key_that_iam_once_listed_for_an_owner_stays_listed_for_that_owner() {
    let (intent, unknown) = (listed(INTENT), listed("\"Outcome\":\"Unknown\""));
    let failed = listed(FAILED);
    let left_alone = listed("\"Outcome\":\"NotTried\",\"Unfinished\":1");
    for (records, expected) in [
        // A later run read no list.
        (
            &[("Bob", intent.as_str()), ("Bob", FAILED), ("bob", INTENT)][..],
            [Some("bob")].as_slice(),
        ),
        (
            &[
                ("Bob", &intent),
                ("Bob", FAILED),
                ("Bob", INTENT),
                ("Bob", FAILED),
                ("Bob", INTENT),
            ],
            &[Some("Bob")],
        ),
        (&[("Bob", &failed), ("Bob", INTENT)], &[Some("Bob")]),
        (
            &[("Bob", INTENT), ("Bob", &unknown)],
            &[Some("Bob"), Some("Bob")],
        ),
        // A later run left the key alone.
        (&[("Bob", INTENT), ("bob", &left_alone)], &[Some("Bob")]),
        // It proves nothing about the list of another user.
        (&[("Bob", &failed), ("Alice", INTENT)], &[None]),
        (&[("", &failed), ("", INTENT)], &[None]),
        (&[("root", &failed), ("root", INTENT)], &[Some("")]),
        (&[("root", INTENT), ("root", &failed)], &[]),
        (&[("root", &failed), ("", INTENT)], &[None]),
        (&[("root", &failed), ("Bob", INTENT)], &[None]),
        (&[("Bob", &failed), ("", INTENT)], &[None]),
        (&[("Bob", FAILED), ("Bob", INTENT)], &[None]),
    ] {
        for action in ["delete", "deactivate"] {
            let records = records.iter().map(|(owner, record)| {
                let record = record.replace("\"delete\"", &format!("\"{action}\""));
                (*owner, record)
            });
            let records: Vec<_> = records.collect();
            let records: Vec<_> = records
                .iter()
                .map(|(owner, record)| (*owner, record.as_str()))
                .collect();
            let replay = replay(action, &records);
            let id = AccessKeyId::try_from(ID.to_owned()).expect("an ID");
            let found: Vec<_> = replay.attempts(&id).iter().map(listed_owner).collect();
            assert_eq!(found, expected, "{records:?}");
        }
    }
}

#[test]
fn a_record_that_this_program_does_not_write_is_an_error() {
    let error = |fields: &str| {
        let head = "{\"Journal\":1,\"Action\":\"delete\"}\n";
        let text = format!("{head}{{\"AccessKeyId\":\"{ID}\"{fields}}}\n");
        read(&mut text.as_bytes()).err().unwrap_or_default()
    };
    for (fields, expected) in [
        ("", "neither an intent nor a result"),
        (
            ",\"Intent\":\"delete\",\"Outcome\":\"Failed\"",
            "both an intent and a result",
        ),
        (
            ",\"Intent\":\"deactivate\"",
            "unexpected intent \"deactivate\"",
        ),
        (
            ",\"Outcome\":\"Deactivated\"",
            "unexpected result \"Deactivated\"",
        ),
        (
            ",\"Outcome\":\"WouldDelete\"",
            "unexpected result \"WouldDelete\"",
        ),
        (",\"Outcome\":\"Done\"", "unexpected result \"Done\""),
    ] {
        let expected = format!("record 2 is invalid: {expected}");
        assert_eq!(error(fields), expected, "{fields}");
    }
    for recorded in [
        "Deleted", "Missing", "Skipped", "Refused", "Failed", "Unknown", "NotTried",
    ] {
        assert_eq!(error(&format!(",\"Outcome\":\"{recorded}\"")), "");
    }
}
