//! The outcome that the table's conclusion means for a key.

use super::reason::{describe_location, reason};
use super::table::{Conclusion, Evidence, conclude};
use super::{Ambiguity, Response, check};
use crate::error::{CallError, SearchScope};
use crate::ident::UserName;
use crate::locate::{KeyLocation, OwnerHint};
use crate::outcome::{KeyState, Outcome};
use crate::request::{Action, Key};

/// Returns the outcome that follows from this evidence about a key whose change failed.
pub(super) fn outcome(
    evidence: &Evidence<'_>,
    key: &Key,
    mut failure: CallError,
    is_owner_unchecked: bool,
) -> Outcome {
    let conclusion = conclude(evidence);
    let owners_list = in_list_of_owner(evidence, key).filter(|_| conclusion == Conclusion::Unknown);
    let evidence = &Evidence {
        location: owners_list.as_ref().unwrap_or(evidence.location),
        ..evidence.clone()
    };
    let location = evidence.location;
    if let Some(context) = failure.context_mut() {
        context.lookup_denied |= *location == KeyLocation::LookupDenied;
    }
    if evidence.response == Response::NoSuchKey
        && let Some(context) = failure.context_mut()
    {
        context.still_reported_owner = match location {
            KeyLocation::GoneButNamed(owner) => Some(owner.clone()),
            KeyLocation::ReportedOwner(owner) if key.is_named_for(owner) => Some(owner.clone()),
            _ => None,
        };
        context.is_listed = matches!(location, KeyLocation::Listed(_));
        let ignoring = Evidence {
            ignore_missing: true,
            ..evidence.clone()
        };
        context.is_ignorable = conclude(&ignoring) == Conclusion::Missing;
        // A user who was renamed after a change of status still has the key.
        let may_be_renamed =
            evidence.ambiguity != Ambiguity::None && evidence.action != Action::Delete;
        context.owner_unchecked = is_owner_unchecked
            || !may_be_renamed
                && matches!(
                    location,
                    KeyLocation::AbsentAsNamed
                        | KeyLocation::NoLongerListed
                        | KeyLocation::NotListed
                        | KeyLocation::LookupDenied
                );
    }
    let why = reason(evidence);
    match conclusion {
        Conclusion::Done => {
            let failure = presumed(failure, is_owner_unchecked);
            Outcome::confirmed(why, Some(failure))
        }
        Conclusion::ProbablyDone => Outcome::confirmed(why, Some(failure)),
        Conclusion::Missing => Outcome::Missing(failure),
        Conclusion::Already(status) => Outcome::Already(status),
        Conclusion::NotDone => Outcome::Failed {
            failure,
            known: KeyState::ShownNotDone(why),
        },
        Conclusion::OtherUser(owner) => {
            let known = match location {
                KeyLocation::OtherUser(..) => {
                    KeyState::NotDone(format!("it belongs to the user {owner}"))
                }
                _ => KeyState::ShownNotDone(describe_location(
                    evidence.action,
                    evidence.hint,
                    location,
                )),
            };
            owned_by_other(key, failure, owner, known)
        }
        Conclusion::Unknown => Outcome::Failed {
            failure: match location {
                KeyLocation::OtherUser(owner, _) | KeyLocation::ReportedOwner(owner)
                    if !key.is_named_for(owner) =>
                {
                    failure.with_owner(Some(owner.clone()))
                }
                _ => failure,
            },
            known: KeyState::Unknown {
                why,
                check: check(key, evidence.response, location),
            },
        },
    }
}

/// Returns the location of a key that IAM did not find for the calling user, whom a request without a name is about, and that
/// is in the list of the owner for whom IAM listed it before.
fn in_list_of_owner(evidence: &Evidence<'_>, key: &Key) -> Option<KeyLocation> {
    match (evidence.hint, evidence.location) {
        (OwnerHint::Listed(Some(owner)), KeyLocation::Listed(status))
            if key.user_name.is_none() && evidence.response == Response::NoSuchKey =>
        {
            Some(KeyLocation::OtherUser(owner.clone(), status.clone()))
        }
        _ => None,
    }
}

/// Whether the only evidence of a change is the list of a named user: that user may have been renamed, and someone else may have
/// the name now. The root user has no name. `is_denied`: IAM named the owner before, and now denies the lookup.
pub(super) fn is_owner_unchecked(
    hint: &OwnerHint,
    location: &KeyLocation,
    is_denied: bool,
) -> bool {
    match location {
        KeyLocation::NoLongerListed => *hint != OwnerHint::Listed(None),
        KeyLocation::GoneButNamed(_) => is_denied,
        _ => false,
    }
}

/// Returns the failure before a change that a location shows.
pub(super) fn presumed(failure: CallError, is_owner_unchecked: bool) -> CallError {
    let last = failure.last_service_error().filter(|_| is_owner_unchecked);
    let mut failure = match last.cloned() {
        Some(error) => CallError::Service(error),
        None if is_owner_unchecked => CallError::not_found(SearchScope::Account),
        None => failure,
    };
    if let Some(context) = failure.context_mut() {
        context.owner_unchecked = is_owner_unchecked;
    }
    failure
}

/// Returns the outcome of a key that was not changed because it belongs to another user than the named or calling one.
fn owned_by_other(key: &Key, failure: CallError, owner: UserName, known: KeyState) -> Outcome {
    let failure = if failure.is_no_such_entity() {
        failure
    } else {
        let user_name = key.user_name.clone();
        CallError::not_found(user_name.map_or(SearchScope::SigningUser, SearchScope::User))
    };
    let failure = failure.with_owner(Some(owner));
    Outcome::Failed { failure, known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TransportError;
    use crate::error::tests::service_error;
    use crate::ident::AccessKeyId;
    use crate::metadata::Status;
    use crate::outcome::Check;

    fn name(name: &str) -> UserName {
        name.parse().expect("a name")
    }

    fn key(user_name: Option<&str>) -> Key {
        Key {
            id: AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned()).expect("an ID"),
            user_name: user_name.map(name),
        }
    }

    fn error(code: &str) -> CallError {
        CallError::Service(service_error(Some(code), 400, ""))
    }

    fn outcome_at(
        action: Action,
        ambiguity: Ambiguity,
        code: &str,
        location: &KeyLocation,
    ) -> Outcome {
        let evidence = Evidence {
            action,
            ignore_missing: false,
            hint: &OwnerHint::Named(Some(name("Bob"))),
            ambiguity,
            response: Response::of(&error(code)),
            location,
        };
        let is_owner_unchecked = is_owner_unchecked(evidence.hint, location, false);
        outcome(
            &evidence,
            &key(Some("Bob")),
            error(code),
            is_owner_unchecked,
        )
    }

    /// What a failure says about its key: d the look-up is denied, r IAM still reports an owner, l IAM lists it, u its owner
    /// is unchecked.
    fn letters(outcome: &Outcome) -> String {
        let (Outcome::Failed { failure, .. }
        | Outcome::Done {
            failure: Some(failure),
            ..
        }) = outcome
        else {
            panic!("{outcome:?}");
        };
        let context = failure.context();
        [
            (context.lookup_denied, 'd'),
            (context.still_reported_owner == Some(name("Alice")), 'r'),
            (context.is_listed, 'l'),
            (context.owner_unchecked, 'u'),
        ]
        .iter()
        .filter_map(|(is_true, letter)| is_true.then_some(*letter))
        .collect()
    }

    #[test]
    fn a_failure_says_where_the_key_is() {
        let (delete, deactivate) = (Action::Delete, Action::Deactivate);
        let (none, out) = (Ambiguity::None, Ambiguity::Unanswered);
        let earlier = Ambiguity::EarlierRun;
        let (missing, denied) = ("NoSuchEntity", "AccessDenied");
        for (location, action, ambiguity, code, expected) in [
            (KeyLocation::LookupDenied, delete, none, missing, "du"),
            (KeyLocation::LookupDenied, delete, out, missing, "du"),
            (KeyLocation::LookupDenied, delete, none, denied, "d"),
            (KeyLocation::LookupDenied, deactivate, none, missing, "du"),
            (KeyLocation::LookupDenied, deactivate, out, missing, "d"),
            (KeyLocation::AbsentAsNamed, delete, none, missing, "u"),
            (KeyLocation::AbsentAsNamed, delete, out, missing, "u"),
            (KeyLocation::AbsentAsNamed, deactivate, none, missing, "u"),
            (KeyLocation::AbsentAsNamed, deactivate, out, missing, ""),
            (KeyLocation::AbsentAsNamed, delete, none, denied, ""),
            (KeyLocation::NotListed, delete, none, missing, "u"),
            (KeyLocation::NoLongerListed, delete, none, missing, "u"),
            // The owner's list proves that it is gone, unless the user was renamed and someone else has the name now.
            (KeyLocation::NoLongerListed, delete, out, missing, "u"),
            (KeyLocation::NoLongerListed, delete, out, denied, "u"),
            (KeyLocation::Gone, delete, out, missing, ""),
            (KeyLocation::NoLongerListed, delete, earlier, missing, "u"),
            (KeyLocation::LookupFailed, delete, none, missing, ""),
            (
                KeyLocation::GoneButNamed(name("Alice")),
                delete,
                none,
                missing,
                "r",
            ),
            (
                KeyLocation::GoneButNamed(name("Alice")),
                delete,
                none,
                denied,
                "",
            ),
            (KeyLocation::Listed(None), delete, none, missing, "l"),
            (KeyLocation::Listed(None), delete, none, denied, ""),
        ] {
            let outcome = outcome_at(action, ambiguity, code, &location);
            let case = format!("{location:?} {action:?} {ambiguity:?} {code}");
            assert_eq!(letters(&outcome), expected, "{case}");
        }
    }

    #[test]
    fn a_deletion_is_presumed_where_only_a_list_by_name_shows_it() {
        let bob = || OwnerHint::Listed(Some(name("Bob")));
        let named = || KeyLocation::GoneButNamed(name("Bob"));
        for (location, hint, is_denied, expected) in [
            (KeyLocation::NoLongerListed, bob(), false, true),
            (
                KeyLocation::NoLongerListed,
                OwnerHint::Listed(None),
                false,
                false,
            ),
            (named(), bob(), true, true),
            (named(), bob(), false, false),
            (KeyLocation::Gone, bob(), true, false),
        ] {
            let found = is_owner_unchecked(&hint, &location, is_denied);
            assert_eq!(found, expected, "{location:?} {hint:?} {is_denied}");
        }
    }

    #[test]
    fn a_presumed_deletion_says_so_in_its_failure() {
        let unsent = || CallError::NotSent(TransportError::default());
        for (failure, is_unchecked, is_kept) in [
            (error("NoSuchEntity"), true, true),
            (error("NoSuchEntity"), false, true),
            (unsent(), true, false),
            (unsent(), false, true),
        ] {
            let kind = std::mem::discriminant(&failure);
            let presumed = presumed(failure, is_unchecked);
            let found = std::mem::discriminant(&presumed) == kind;
            assert_eq!(found, is_kept, "{presumed:?}");
            assert_eq!(presumed.context().owner_unchecked, is_unchecked);
        }
    }

    #[test]
    fn the_named_owner_is_not_another_one() {
        let location = KeyLocation::ReportedOwner(name("bob"));
        let out = Ambiguity::Unanswered;
        let outcome = outcome_at(Action::Delete, out, "NoSuchEntity", &location);
        let Outcome::Failed { failure, known } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(failure.context().owner, None);
        assert_eq!(failure.context().still_reported_owner, Some(name("Bob")));
        let KeyState::Unknown { check, .. } = known else {
            panic!("{known:?}");
        };
        assert_eq!(check, Check::List);
    }

    #[test]
    fn a_failure_names_the_other_owner() {
        let alice = name("Alice");
        let (none, out) = (Ambiguity::None, Ambiguity::Unanswered);
        let listed = KeyLocation::OtherUser(alice.clone(), Some(Status::Active));
        let denied = KeyLocation::ReportedOwner(alice.clone());
        let belongs = KeyState::NotDone("it belongs to the user Alice".to_owned());
        let described = KeyState::ShownNotDone(describe_location(
            Action::Delete,
            &OwnerHint::Named(Some(name("Bob"))),
            &denied,
        ));
        for (location, action, ambiguity, expected) in [
            (&listed, Action::Delete, none, Some(&belongs)),
            (&listed, Action::Delete, out, Some(&belongs)),
            (&denied, Action::Delete, none, Some(&described)),
            (&denied, Action::Delete, out, None),
            (&listed, Action::Deactivate, out, None),
        ] {
            let outcome = outcome_at(action, ambiguity, "NoSuchEntity", location);
            let case = format!("{location:?} {action:?} {ambiguity:?}");
            let Outcome::Failed { failure, known } = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(failure.context().owner.as_ref(), Some(&alice), "{case}");
            match expected {
                Some(expected) => assert_eq!(&known, expected, "{case}"),
                None => assert!(
                    matches!(
                        known,
                        KeyState::Unknown {
                            check: Check::Owner,
                            ..
                        }
                    ),
                    "{case}"
                ),
            }
        }
    }

    #[test]
    fn what_is_owned_by_another_user_is_not_found_for_the_named_one() {
        for (user_name, failure, expected) in [
            (Some("Bob"), error("NoSuchEntity"), "IAM's"),
            (Some("Bob"), error("ServiceFailure"), "Bob"),
            (None, error("ServiceFailure"), "the caller"),
        ] {
            let why = KeyState::ShownNotDone("IAM reports that Alice owns the key".to_owned());
            let outcome = owned_by_other(&key(user_name), failure, name("Alice"), why.clone());
            let Outcome::Failed { failure, known } = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(known, why);
            assert_eq!(failure.context().owner, Some(name("Alice")));
            let found = match failure {
                CallError::Service(_) => "IAM's",
                CallError::NotFound {
                    scope: SearchScope::User(name),
                    ..
                } if name.as_str() == "Bob" => "Bob",
                CallError::NotFound {
                    scope: SearchScope::SigningUser,
                    ..
                } => "the caller",
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected);
        }
    }
}
