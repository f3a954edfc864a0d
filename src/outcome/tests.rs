//! What follows from an outcome, for every outcome.

use super::*;
use crate::error::tests::service_error;
use crate::error::{SearchScope, TransportError};
use crate::ident::AccessKeyId;
use crate::request::tests::request;

/// The result of a key that was sent to IAM once.
pub(crate) fn result(action: Action, outcome: Outcome) -> KeyResult {
    let id = AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned());
    let key = Key {
        id: id.expect("an ID"),
        user_name: None,
    };
    let result = KeyResult::unchanged(key.into(), action, outcome);
    assert_eq!(result.attempts, 0);
    KeyResult {
        attempts: 1,
        ..result
    }
}

fn done(has_response: bool) -> Outcome {
    Outcome::Done {
        response: has_response.then(ResponseMetadata::default),
        evidence: None,
        failure: None,
    }
}

fn failed(failure: CallError, known: KeyState) -> Outcome {
    Outcome::Failed { failure, known }
}

fn stopped(known: KeyState) -> Outcome {
    Outcome::Stopped {
        exit: Exit::Interrupted,
        known,
        failure: None,
    }
}

fn service(code: Option<&str>, status: u16) -> CallError {
    CallError::Service(service_error(code, status, ""))
}

fn only_429() -> CallError {
    let mut error = service_error(None, 429, "");
    error.context.only_429 = true;
    CallError::Service(error)
}

fn no_response() -> CallError {
    CallError::NoResponse(TransportError::default())
}

fn unusable(ran_out_of_time: bool) -> CallError {
    CallError::Incomplete(TransportError {
        ran_out_of_time,
        ..TransportError::default()
    })
}

fn state(letter: char) -> KeyState {
    match letter {
        'D' => KeyState::Done(String::new()),
        'n' => KeyState::NotDone(String::new()),
        's' => KeyState::ShownNotDone(String::new()),
        _ => KeyState::unknown(""),
    }
}

fn unverified(exit: Exit) -> Outcome {
    Outcome::LeftUnverified {
        exit,
        why: String::new(),
        known: KeyState::started_earlier(),
        is_own_key: false,
    }
}

#[test]
fn the_exit_status_follows_from_the_outcome() {
    let missing = || CallError::not_found(SearchScope::Account);
    let not_sent = CallError::NotSent(TransportError::default());
    let why = || "why".to_owned();
    let exit = Exit::AccessDenied;
    // The exit status for a named key and for a key of a list, and in a dry run for both.
    for (outcome, expected) in [
        (done(true), [0, 0, 0, 0]),
        (Outcome::WouldChange(why()), [0, 0, 0, 0]),
        (Outcome::Missing(missing()), [0, 0, 0, 0]),
        (Outcome::Already(Status::Active), [0, 0, 0, 0]),
        (Outcome::OwnKey, [0, 0, 0, 0]),
        (Outcome::Skipped(why()), [11, 0, 0, 0]),
        (Outcome::Refused(Refusal::SigningKey), [11, 11, 0, 0]),
        (Outcome::not_tried(exit, "why"), [6; 4]),
        (unverified(exit), [10; 4]),
        (unverified(Exit::NoSuchEntity), [10; 4]),
        (unverified(Exit::LimitExceeded), [10; 4]),
        (unverified(Exit::ServiceFailure), [10; 4]),
        (unverified(Exit::Throttled), [10; 4]),
        (unverified(Exit::Unreachable), [10; 4]),
        (unverified(Exit::Unknown), [10; 4]),
        (unverified(Exit::Other), [1; 4]),
        (unverified(Exit::Configuration), [7; 4]),
        (unverified(Exit::Refused), [11; 4]),
        (unverified(Exit::Terminated), [143; 4]),
        (stopped(state('n')), [130; 4]),
        (failed(missing(), state('n')), [3; 4]),
        (failed(not_sent, state('n')), [9; 4]),
        // Only a read got no response.
        (failed(no_response(), state('n')), [9; 4]),
        (failed(no_response(), state('s')), [1; 4]),
        (failed(unusable(false), state('n')), [1; 4]),
        (failed(unusable(true), state('n')), [9; 4]),
        (failed(no_response(), state('D')), [10; 4]),
        (failed(no_response(), state('?')), [10; 4]),
        (
            failed(service(Some("AccessDenied"), 403), state('n')),
            [6; 4],
        ),
        (
            failed(service(Some("AccessDenied"), 403), state('D')),
            [6; 4],
        ),
        (
            failed(service(Some("AccessDenied"), 403), state('?')),
            [10; 4],
        ),
        (
            failed(service(Some("ServiceFailure"), 500), state('?')),
            [5; 4],
        ),
        (failed(service(Some("Throttling"), 400), state('n')), [8; 4]),
        (
            failed(service(Some("Throttling"), 400), state('?')),
            [10; 4],
        ),
        (failed(service(None, 429), state('?')), [10; 4]),
        (failed(only_429(), state('?')), [8; 4]),
        (unverified(Exit::Throttled), [10; 4]),
        (failed(service(None, 503), state('?')), [5; 4]),
    ] {
        let result = result(Action::Delete, outcome);
        let found = [
            "--access-key-id AKIDPMS9RO4H3FEXAMPLE",
            "--from list",
            "--dry-run --access-key-id AKIDPMS9RO4H3FEXAMPLE",
            "--dry-run --from list",
        ]
        .map(|words| result.exit(&request(words)).status());
        assert_eq!(found, expected, "{:?}", result.outcome);
    }
}

/// Outcomes, each with its kind, the words for its state, the member `Result`, and whether the key is changed: the words are
/// those for deleting, and those of other actions differ only in the verb.
fn words_of_outcomes() -> [(Outcome, &'static str, &'static str, &'static str, bool); 15] {
    let missing = || CallError::not_found(SearchScope::Account);
    let exit = Exit::Other;
    [
        (done(true), "Deleted", "deleted", "Deleted", true),
        (
            Outcome::WouldChange(String::new()),
            "WouldDelete",
            "not deleted",
            "NotDeleted",
            false,
        ),
        (
            Outcome::Missing(missing()),
            "Missing",
            "already gone",
            "Deleted",
            false,
        ),
        (
            Outcome::Skipped(String::new()),
            "Skipped",
            "not deleted",
            "NotDeleted",
            false,
        ),
        (
            Outcome::OwnKey,
            "Skipped",
            "not deleted",
            "NotDeleted",
            false,
        ),
        (
            Outcome::Already(Status::Inactive),
            "Skipped",
            "already inactive",
            "Deleted",
            false,
        ),
        (
            Outcome::Refused(Refusal::Declined),
            "Refused",
            "not deleted",
            "NotDeleted",
            false,
        ),
        (
            Outcome::not_tried(exit, ""),
            "NotTried",
            "not deleted",
            "NotDeleted",
            false,
        ),
        (
            unverified(exit),
            "Unknown",
            "unknown: an earlier run started to change it, and the result is unknown",
            "Unknown",
            false,
        ),
        (
            Outcome::not_done(missing(), "it is Alice's"),
            "Failed",
            "not deleted: it is Alice's",
            "NotDeleted",
            false,
        ),
        (
            failed(no_response(), state('D')),
            "Failed",
            "deleted",
            "Deleted",
            false,
        ),
        (
            failed(no_response(), state('?')),
            "Unknown",
            "unknown",
            "Unknown",
            false,
        ),
        (stopped(state('?')), "Unknown", "unknown", "Unknown", false),
        (stopped(state('D')), "Deleted", "deleted", "Deleted", true),
        (
            stopped(state('n')),
            "Failed",
            "not deleted",
            "NotDeleted",
            false,
        ),
    ]
}

#[test]
fn each_outcome_has_a_kind_and_a_state() {
    for (action, verb, participle) in [
        (Action::Delete, "Delete", "deleted"),
        (Action::Deactivate, "Deactivate", "deactivated"),
        (Action::Reactivate, "Reactivate", "reactivated"),
    ] {
        let words = |text: &str| text.replace("Delete", verb).replace("deleted", participle);
        for (outcome, kind, state, member, is_changed) in words_of_outcomes() {
            let result = result(action, outcome);
            assert_eq!(result.kind().as_str(), words(kind), "{result:?}");
            assert_eq!(result.describe_state(), words(state), "{result:?}");
            let member = match result.outcome {
                Outcome::Missing(_) => member.to_owned(),
                _ => words(member),
            };
            assert_eq!(result.result_member(), member, "{result:?}");
            assert_eq!(result.is_changed(), is_changed, "{result:?}");
        }
    }
    // A signal came before anything was sent.
    let mut early = result(Action::Delete, stopped(state('n')));
    early.attempts = 0;
    assert_eq!(early.kind(), OutcomeKind::NotTried);
}

#[test]
fn an_undo_restores_only_what_this_run_is_known_to_have_changed() {
    let (delete, deactivate) = (Action::Delete, Action::Deactivate);
    let (active, inactive) = (Some(Status::Active), Some(Status::Inactive));
    for (action, outcome, status, started_earlier, is_known) in [
        (deactivate, done(true), active.clone(), false, true),
        (deactivate, done(true), active.clone(), true, true),
        (deactivate, done(false), active.clone(), false, true),
        (deactivate, done(false), active.clone(), true, false),
        (deactivate, done(true), inactive, false, false),
        (deactivate, done(true), None, false, false),
        (deactivate, stopped(state('D')), active.clone(), false, true),
        (deactivate, stopped(state('D')), active.clone(), true, false),
        (
            deactivate,
            stopped(state('n')),
            active.clone(),
            false,
            false,
        ),
        (delete, done(true), active, false, false),
    ] {
        let mut result = result(action, outcome);
        result.metadata.status = status;
        result.metadata.started_earlier = started_earlier;
        let expected = is_known.then_some("Active");
        assert_eq!(result.previous_status(), expected, "{result:?}");
    }
}

#[test]
fn the_owner_that_iam_names_counts_before_the_one_of_the_caller() {
    let name = |name: &str| name.parse::<UserName>().expect("a name");
    let mut result = result(Action::Delete, Outcome::OwnKey);
    assert_eq!(result.owner(), None);
    result.key.user_name = Some(name("Bob"));
    assert_eq!(result.owner(), Some(&name("Bob")));
    result.metadata.owner = Some(name("Alice"));
    assert_eq!(result.owner(), Some(&name("Alice")));
}

#[test]
fn who_named_the_owner_is_kept_with_a_failure() {
    let failure = CallError::not_found(SearchScope::Account);
    let outcome = Outcome::not_done(failure, "why").with_owner_named_by(NamedBy::Iam);
    assert!(matches!(
        outcome,
        Outcome::Failed { failure, .. } if failure.context().named_by == NamedBy::Iam
    ));
}

#[test]
fn a_status_that_an_earlier_run_set_is_named_by_its_action() {
    assert_eq!(
        KeyState::changed_before(Action::Deactivate).describe(Action::Reactivate),
        "unknown: an earlier run reported it as deactivated, and its current state is unknown"
    );
}

#[test]
fn the_owner_of_a_changed_key_is_unchecked_whoever_named_it_before() {
    let failure = |owner_unchecked, named_by| {
        let mut failure = CallError::not_found(SearchScope::Account);
        let context = failure.context_mut().expect("a context");
        (context.owner_unchecked, context.named_by) = (owner_unchecked, named_by);
        failure
    };
    let presumed = || failure(true, NamedBy::Caller);
    let ended = |known, failure| Outcome::Stopped {
        exit: Exit::Interrupted,
        known,
        failure,
    };
    for (outcome, expected) in [
        (Outcome::confirmed(String::new(), Some(presumed())), true),
        (Outcome::confirmed(String::new(), None), false),
        (ended(state('D'), Some(presumed())), true),
        (ended(state('?'), Some(presumed())), false),
        (ended(state('D'), None), false),
        (failed(presumed(), state('?')), false),
        (
            Outcome::confirmed(String::new(), Some(failure(false, NamedBy::Caller))),
            false,
        ),
        (
            Outcome::confirmed(String::new(), Some(failure(true, NamedBy::CallerAndIam))),
            true,
        ),
        (
            Outcome::confirmed(String::new(), Some(failure(true, NamedBy::Iam))),
            true,
        ),
    ] {
        let result = result(Action::Delete, outcome);
        assert_eq!(result.is_owner_unchecked(), expected, "{result:?}");
    }
}
