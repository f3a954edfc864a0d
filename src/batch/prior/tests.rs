//! What an earlier run started, next to what this run knows.

use super::*;
use crate::error::tests::service_error;
use crate::error::{CallError, SearchScope};
use crate::ident::UserName;
use crate::metadata::Status;
use crate::outcome::ResponseMetadata;
use crate::outcome::tests::result;

#[test]
fn what_an_earlier_run_started_is_unknown_unless_this_run_knows_more() {
    let name = |name: &str| name.parse::<UserName>().expect("a name");
    let [named, listed] = [OwnerHint::Named, OwnerHint::Listed].map(|hint| hint(Some(name("Bob"))));
    let (delete, deactivate) = (Action::Delete, Action::Deactivate);
    let missing = || CallError::not_found(SearchScope::Account);
    let unchecked = || {
        let mut failure = missing();
        let context = failure.context_mut().expect("a context");
        context.owner_unchecked = true;
        failure
    };
    let owned = || missing().with_owner(Some(name("Alice")));
    let refused = Outcome::Refused;
    let failed = |failure| Outcome::not_done(failure, "why");
    let stopped = |known| Outcome::Stopped {
        exit: Exit::Interrupted,
        known,
        failure: None,
    };
    let not_done = || KeyState::NotDone(String::new());
    let done = || KeyState::Done(String::new());
    let why = || "why".to_owned();
    let unknown = &OwnerHint::Unknown;
    for (outcome, action, owner, expected) in [
        (
            Outcome::not_tried(Exit::Refused, "why"),
            delete,
            unknown,
            "why",
        ),
        (
            Outcome::WouldChange(why()),
            delete,
            unknown,
            "it was a dry run",
        ),
        (Outcome::Skipped(why()), delete, unknown, "why"),
        (refused(Refusal::Declined), delete, unknown, "not confirmed"),
        (
            refused(Refusal::StatusUnknown),
            delete,
            unknown,
            STATUS_UNKNOWN,
        ),
        (
            refused(Refusal::SigningKey),
            delete,
            unknown,
            "it belongs to your own credentials",
        ),
        (
            Outcome::OwnKey,
            delete,
            unknown,
            "it belongs to your own credentials",
        ),
        (stopped(not_done()), delete, unknown, "unknown"),
        (stopped(done()), delete, unknown, ""),
        (Outcome::Missing(missing()), delete, &named, ""),
        (Outcome::Missing(missing()), delete, unknown, "unknown"),
        (Outcome::Missing(missing()), deactivate, &named, ""),
        (Outcome::Missing(unchecked()), delete, &named, ""),
        (Outcome::Missing(unchecked()), deactivate, &named, "unknown"),
        (Outcome::Missing(unchecked()), deactivate, &listed, ""),
        (failed(owned()), delete, &named, ""),
        (failed(owned()), delete, unknown, "unknown"),
        (failed(owned()), deactivate, &named, "unknown"),
        (failed(missing()), delete, &named, "unknown"),
        (failed(missing()), deactivate, unknown, "unknown"),
        (Outcome::confirmed(why(), None), delete, unknown, ""),
    ] {
        let before = format!("{outcome:?}");
        let after = or_unverified(outcome, KeyState::started_earlier(), action, owner);
        let case = format!("{before} {action:?} {owner:?}");
        match after {
            Outcome::LeftUnverified {
                why, is_own_key, ..
            } => {
                assert_eq!(is_own_key, expected.ends_with("own credentials"), "{case}");
                assert_eq!(
                    why,
                    format!("this run did not change it: {expected}"),
                    "{case}"
                );
            }
            Outcome::Failed { known, .. } | Outcome::Stopped { known, .. }
                if known == KeyState::started_earlier() =>
            {
                assert_eq!(expected, "unknown", "{case}");
            }
            other => assert_eq!(format!("{other:?}{expected}"), before, "{case}"),
        }
    }
}

#[test]
fn only_the_deactivation_of_an_active_key_is_undone() {
    for (deactivation, expected) in [
        (None, None),
        (Some(Deactivation::OfActive), None),
        (Some(Deactivation::OfUnknownStatus), Some(Exit::Refused)),
        (Some(Deactivation::Unverified), Some(Exit::Unknown)),
        (Some(Deactivation::Started), Some(Exit::Unknown)),
        (Some(Deactivation::NotDone), Some(Exit::Unknown)),
    ] {
        let found = not_deactivated(deactivation).map(|outcome| match outcome {
            Outcome::Refused(Refusal::StatusUnknown) => Exit::Refused,
            Outcome::LeftUnverified { exit, .. } => exit,
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected, "{deactivation:?}");
    }
}

#[test]
fn what_iam_lists_takes_precedence_over_a_record_that_the_key_was_not_found() {
    let set = PriorState::ChangedBefore(Action::Deactivate);
    let attempt = [EarlierAttempt::default()];
    for (prior, unfinished, expected) in [
        (PriorState::Missing, &[][..], PriorState::None),
        (PriorState::Missing, &attempt, PriorState::InProgress),
        (PriorState::None, &[], PriorState::None),
        (PriorState::InProgress, &attempt, PriorState::InProgress),
        (set, &[], set),
    ] {
        assert_eq!(although_found(prior, unfinished), expected, "{prior:?}");
    }
}

#[test]
fn only_what_the_journal_does_not_say_is_recorded() {
    let missing = || CallError::not_found(SearchScope::Account);
    let unverified = || Outcome::Failed {
        failure: missing(),
        known: KeyState::unknown(""),
    };
    let started = PriorState::InProgress;
    let set = PriorState::ChangedBefore(Action::Deactivate);
    for (outcome, prior, attempts, expected) in [
        (
            Outcome::not_tried(Exit::Refused, ""),
            PriorState::None,
            1,
            false,
        ),
        (
            left_unverified(Exit::Refused, "", KeyState::started_earlier()),
            PriorState::None,
            1,
            false,
        ),
        (Outcome::confirmed(String::new(), None), started, 0, true),
        (Outcome::Missing(missing()), started, 0, true),
        (Outcome::not_done(missing(), ""), started, 0, false),
        (Outcome::not_done(missing(), ""), started, 1, true),
        (Outcome::not_done(missing(), ""), PriorState::None, 0, true),
        (Outcome::OwnKey, started, 0, false),
        (
            Outcome::Already(Status::Inactive),
            PriorState::None,
            0,
            true,
        ),
        (Outcome::Already(Status::Inactive), set, 0, false),
        (Outcome::Already(Status::Inactive), set, 1, true),
        (unverified(), DELETED_BEFORE, 1, false),
        (unverified(), started, 1, true),
        (Outcome::not_done(missing(), ""), DELETED_BEFORE, 1, true),
    ] {
        let result = KeyResult {
            attempts,
            ..result(Action::Delete, outcome)
        };
        assert_eq!(is_news(&result, prior), expected, "{result:?} {prior:?}");
    }
}

#[test]
fn a_key_is_still_gone_if_iam_reports_it_missing_and_names_no_owner() {
    let missing = || CallError::not_found(SearchScope::Account);
    let owned = || missing().with_owner(Some("Alice".parse().expect("a name")));
    let denied = || CallError::Service(service_error(Some("AccessDenied"), 403, ""));
    let stopped = |failure| Outcome::Stopped {
        exit: Exit::Interrupted,
        known: KeyState::NotDone(String::new()),
        failure,
    };
    let confirmed_by_response = Outcome::Done {
        response: Some(ResponseMetadata::default()),
        evidence: None,
        failure: None,
    };
    for (outcome, expected) in [
        (Outcome::confirmed(String::new(), None), true),
        (confirmed_by_response, false),
        (Outcome::Missing(missing()), true),
        (Outcome::not_done(missing(), ""), true),
        (Outcome::not_done(owned(), ""), false),
        (Outcome::not_done(denied(), ""), false),
        (stopped(Some(missing())), true),
        (stopped(Some(owned())), false),
        (stopped(None), false),
        (Outcome::OwnKey, false),
    ] {
        assert_eq!(is_still_gone(&outcome), expected, "{outcome:?}");
    }
}

#[test]
fn a_later_run_proves_a_change_by_the_lists_that_had_the_key() {
    let done = |response: Option<ResponseMetadata>, is_unchecked: bool| {
        let mut failure = CallError::not_found(SearchScope::Account);
        let context = failure.context_mut().expect("a context");
        context.owner_unchecked = is_unchecked;
        Outcome::Done {
            response,
            evidence: None,
            failure: Some(failure),
        }
    };
    let unanswered = |is_unchecked| done(None, is_unchecked);
    let answered = || done(Some(ResponseMetadata::default()), false);
    let attempt = |was_listed| {
        let mut attempt = EarlierAttempt::default();
        attempt.was_listed = was_listed;
        attempt
    };
    let active = Some(Status::Active);
    for (outcome, status, earlier, expected) in [
        // This run has proved it.
        (unanswered(false), None, &[][..], true),
        (unanswered(true), None, &[], false),
        (answered(), None, &[], false),
        (answered(), active, &[], true),
        (answered(), None, &[attempt(true)], true),
        (answered(), None, &[attempt(false)], false),
    ] {
        let mut result = result(Action::Delete, outcome);
        result.metadata.status = status;
        assert_eq!(is_provable(&result, earlier), expected, "{result:?}");
    }
}
