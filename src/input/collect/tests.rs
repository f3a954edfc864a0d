use std::ffi::OsStr;

use super::super::{Entry, Position, ReadOptions};
use super::KeyCollector;
use crate::ident::{AccessKeyId, UserName};
use crate::request::Action::{self, Deactivate, Delete, Reactivate};

/// A line with an outcome, an owner, an action, and whether the owner was not checked.
type Line = (&'static str, &'static str, &'static str, bool);

fn entry((outcome, owner, action, is_owner_unchecked): Line) -> Entry {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let id = AccessKeyId::parse(OsStr::new("AKIAIOSFODNN7EXAMPLE")).expect("an ID");
    Entry {
        outcome: some(outcome),
        user_name: name(owner),
        action: some(action),
        is_owner_unchecked,
        ..Entry::with_id(id, Position::line(1))
    }
}

fn name(text: &str) -> Option<UserName> {
    (!text.is_empty()).then(|| text.parse().expect("a name"))
}

fn options(action: Action, user_name: Option<&UserName>, find_user: bool) -> ReadOptions<'_> {
    ReadOptions {
        user_name,
        find_user,
        action,
        list_deactivated: "",
    }
}

#[test]
fn what_is_open_for_the_owner_of_the_command() {
    let failed = ("Failed", "", "", false);
    let unknown = ("Unknown", "Bob", "", false);
    let missing = ("Missing", "Bob", "", false);
    let nobodys = ("Missing", "", "", false);
    let deleted = ("Deleted", "Bob", "", false);
    let presumed = ("Deleted", "Bob", "", true);
    let deactivated = ("Unknown", "Bob", "deactivate", false);
    // The action, --user-name, --find-user, the line, whether it is unverified, and whether of another owner.
    for (action, given, find_user, line, is_unverified, is_other) in [
        (Delete, "", false, failed, false, false),
        (Delete, "", true, failed, false, false),
        (Delete, "", false, unknown, true, false),
        (Delete, "", true, unknown, true, false),
        (Delete, "Alice", false, unknown, true, false),
        (Deactivate, "", false, unknown, false, false),
        (Delete, "", false, deactivated, false, false),
        (Deactivate, "", false, deactivated, true, false),
        (Delete, "", false, missing, false, false),
        (Delete, "", true, missing, false, true),
        (Delete, "BOB", false, missing, false, false),
        (Delete, "BOB", true, missing, false, false),
        (Delete, "Alice", false, missing, false, true),
        (Deactivate, "Alice", false, missing, false, true),
        (Reactivate, "Alice", false, missing, false, false),
        (Delete, "", false, nobodys, false, true),
        (Delete, "Bob", false, nobodys, false, true),
        (Reactivate, "", false, nobodys, false, false),
        (Delete, "", true, deleted, false, false),
        (Delete, "", false, presumed, false, false),
        (Delete, "", true, presumed, true, true),
        (Delete, "Alice", false, presumed, true, true),
        (Deactivate, "Alice", false, presumed, false, true),
    ] {
        let given = name(given);
        let options = options(action, given.as_ref(), find_user);
        let (entry, case) = (entry(line), format!("{options:?} {line:?}"));
        assert_eq!(entry.is_unverified(options), is_unverified, "{case}");
        assert_eq!(entry.is_of_another_owner(options), is_other, "{case}");
    }
}

#[test]
fn only_a_line_that_an_undo_skips_is_not_kept() {
    let deactivated = ("Deactivated", "Bob", "deactivate", false);
    let skipped = ("Skipped", "Bob", "", false);
    for (action, line, is_record, is_kept) in [
        (Reactivate, deactivated, false, true),
        (Reactivate, deactivated, true, true),
        (Reactivate, skipped, false, false),
        (Reactivate, skipped, true, true),
        (Delete, skipped, false, true),
        (Delete, skipped, true, true),
        (Delete, ("", "Bob", "", false), false, true),
    ] {
        let mut keys = KeyCollector::new(options(action, None, false));
        let mut entry = entry(line);
        entry.is_record = is_record;
        keys.add(entry).expect("a key");
        let found = (keys.rows.len(), keys.already_done);
        let expected = if is_kept { (1, 0) } else { (0, 1) };
        assert_eq!(found, expected, "{action:?} {line:?} {is_record}");
    }
}

/// Lines of one key, and the owner for whom it is left, if any.
#[test]
fn a_key_is_finished_only_for_the_owner_who_does_not_have_it() {
    let line = |outcome, owner| (outcome, owner, "", false);
    let presumed = |owner| ("Deleted", owner, "", true);
    for (lines, left) in [
        (
            vec![line("Failed", "Alice"), line("Missing", "Bob")],
            Some("Alice"),
        ),
        (
            vec![line("Failed", "Alice"), presumed("Bob")],
            Some("Alice"),
        ),
        (
            vec![line("Failed", "Alice"), line("Missing", "alice")],
            None,
        ),
        (vec![line("Failed", "Alice"), presumed("Alice")], None),
        (vec![line("Failed", "Alice"), line("Deleted", "Bob")], None),
        (vec![line("Failed", "Alice"), line("Skipped", "Bob")], None),
        (
            vec![line("Missing", "Bob"), line("Failed", "Alice")],
            Some("Alice"),
        ),
    ] {
        let mut keys = KeyCollector::new(options(Delete, None, false));
        for line in &lines {
            keys.add(entry(*line)).expect("a key");
        }
        let list = keys.finish(Ok(())).expect("a list");
        let owners: Vec<_> = list.map(|key| key.expect("a row").key.user_name).collect();
        assert_eq!(owners, Vec::from_iter(left.map(name)), "{lines:?}");
    }
}

#[test]
fn a_later_line_makes_a_deactivation_uncertain_if_the_key_was_active_again() {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // The outcome, the status, the status before, the number of requests.
    for (outcome, status, before, attempts, expected) in [
        ("Failed", "Active", "", 1, true),
        ("Skipped", "Active", "", 0, true),
        ("Unknown", "Active", "", 0, true),
        ("Unknown", "Expired", "", 0, true),
        // An intent of a calling user without a name.
        ("Unknown", "", "Active", 0, true),
        ("Unknown", "", "", 0, false),
        ("Skipped", "Inactive", "", 0, false),
        ("Failed", "", "", 1, false),
        // It is the new status.
        ("Deactivated", "Inactive", "", 0, true),
        ("Deactivated", "", "", 0, true),
        ("Deactivated", "", "", 1, false),
        ("Deactivated", "", "Active", 0, false),
    ] {
        let entry = Entry {
            status: text(status),
            previous_status: text(before),
            attempts,
            ..entry((outcome, "Bob", "deactivate", false))
        };
        assert_eq!(entry.casts_doubt(), expected, "{entry:?}");
    }
}

#[test]
fn a_failure_with_a_request_that_may_still_act_is_unknown() {
    for (outcome, action, unfinished, expected) in [
        ("Failed", "", 1, true),
        ("Failed", "", 0, false),
        ("Failed", "deactivate", 1, false),
        ("Skipped", "", 1, false),
    ] {
        let entry = Entry {
            unfinished,
            ..entry((outcome, "Bob", action, false))
        };
        let found = entry.is_unverified(options(Delete, None, false));
        assert_eq!(found, expected, "{entry:?}");
    }
}
