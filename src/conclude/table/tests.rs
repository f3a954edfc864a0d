//! The table, written out, and its rules for every combination.

use super::*;
use crate::ident::AccountId;

const ACTIONS: [Action; 3] = [Action::Delete, Action::Deactivate, Action::Reactivate];
const AMBIGUITIES: [Ambiguity; 6] = [
    Ambiguity::None,
    Ambiguity::ChangedBefore,
    Ambiguity::ServerError,
    Ambiguity::EarlierRun,
    Ambiguity::RecentRun,
    Ambiguity::Unanswered,
];
const NO_KEY: &[Response] = &[Response::NoSuchKey];
const NO_USER: &[Response] = &[Response::NoSuchUser];
const OTHER: &[Response] = &[Response::Refused, Response::ServerError, Response::None];

fn bob() -> UserName {
    "Bob".parse().expect("a name")
}

fn named() -> OwnerHint {
    OwnerHint::Named(Some(bob()))
}

fn locations() -> [KeyLocation; 17] {
    let account = |id: &str| id.parse::<AccountId>().expect("an account");
    [
        KeyLocation::Listed(Some(Status::Active)),
        KeyLocation::Listed(Some(Status::Inactive)),
        KeyLocation::OtherUser("Alice".parse().expect("a name"), Some(Status::Inactive)),
        KeyLocation::Gone,
        KeyLocation::AbsentAsNamed,
        KeyLocation::NotListed,
        KeyLocation::UserMissing,
        KeyLocation::OtherAccount(account("111111111111"), account("222222222222")),
        KeyLocation::LookupDenied,
        KeyLocation::LookupFailed,
        KeyLocation::GoneButNamed(bob()),
        KeyLocation::ReportedOwner("Alice".parse().expect("a name")),
        KeyLocation::ListDenied,
        KeyLocation::NoLongerListed,
        KeyLocation::InNoList,
        KeyLocation::OtherUser("Alice".parse().expect("a name"), Some(Status::Active)),
        KeyLocation::Unconfirmed,
    ]
}

fn letter(conclusion: &Conclusion) -> char {
    match conclusion {
        Conclusion::Done => 'D',
        Conclusion::ProbablyDone => 'P',
        Conclusion::Missing => 'M',
        Conclusion::Already(_) => 'A',
        Conclusion::NotDone => 'n',
        Conclusion::OtherUser(_) => 'o',
        Conclusion::Unknown => '?',
    }
}

/// The conclusion for each of `locations`: D done, P probably done, M missing as requested, A already has the
/// requested status, n not done, o another user's, ? unknown. The three strings: the owner is not named; the caller names
/// the owner; the same with `--ignore-missing`. A row of `Deactivate` also serves for `Reactivate`, with the letters of the
/// two statuses swapped.
#[rustfmt::skip]
const TABLE: [(Action, Ambiguity, &[Response], [&str; 3]); 33] = [
    (Action::Delete, Ambiguity::None, NO_KEY, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnoMMnnnMnMonMMon"]),
    (Action::Delete, Ambiguity::None, NO_USER, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnoMnnnnnnMonMMon"]),
    (Action::Delete, Ambiguity::None, OTHER, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon"]),
    (Action::Delete, Ambiguity::ServerError, NO_KEY, ["??oD??????D??D?o?", "??oDP???P?D??D?o?", "??oDP???P?D??DMo?"]),
    (Action::Delete, Ambiguity::ServerError, NO_USER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??DMo?"]),
    (Action::Delete, Ambiguity::ServerError, OTHER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??D?o?"]),
    (Action::Delete, Ambiguity::EarlierRun, NO_KEY, ["??oD??????D??D?o?", "??oD??????D??D?o?", "??oDM???M?D??DMo?"]),
    (Action::Delete, Ambiguity::EarlierRun, NO_USER, ["??oD??????D??D?o?", "??oD??????D??D?o?", "??oD??????D??DMo?"]),
    (Action::Delete, Ambiguity::EarlierRun, OTHER, ["nnoD??????D??D?o?", "nnoD??????D??D?o?", "nnoD??????D??D?o?"]),
    (Action::Delete, Ambiguity::RecentRun, NO_KEY, ["??oD??????D??D?o?", "??oD??????D??D?o?", "??oDM???M?D??DMo?"]),
    (Action::Delete, Ambiguity::RecentRun, NO_USER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??DMo?"]),
    (Action::Delete, Ambiguity::RecentRun, OTHER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??D?o?"]),
    (Action::Delete, Ambiguity::Unanswered, NO_KEY, ["??oD??????D??D?o?", "??oDP???P?D??D?o?", "??oDP???P?D??DMo?"]),
    (Action::Delete, Ambiguity::Unanswered, NO_USER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??DMo?"]),
    (Action::Delete, Ambiguity::Unanswered, OTHER, ["???D??????D??D???", "??oD??????D??D?o?", "??oD??????D??D?o?"]),
    (Action::Deactivate, Ambiguity::None, NO_KEY, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnoMMnnnMnMonMMon"]),
    (Action::Deactivate, Ambiguity::None, NO_USER, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnoMnnnnnnMonMMon"]),
    (Action::Deactivate, Ambiguity::None, OTHER, ["nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon", "nnonnnnnnnnonnnon"]),
    (Action::Deactivate, Ambiguity::ChangedBefore, NO_KEY, ["?AA????????????o?", "?AA????????????o?", "?AAM??????M??MMo?"]),
    (Action::Deactivate, Ambiguity::ChangedBefore, NO_USER, ["?AA????????????o?", "?AA????????????o?", "?AAM??????M??MMo?"]),
    (Action::Deactivate, Ambiguity::ChangedBefore, OTHER, ["nAA????????????o?", "nAA????????????o?", "nAA????????????o?"]),
    (Action::Deactivate, Ambiguity::ServerError, NO_KEY, ["?D???????????????", "?D???????????????", "?D?M??????M??MM??"]),
    (Action::Deactivate, Ambiguity::ServerError, NO_USER, ["?D???????????????", "?D???????????????", "?D?M??????M??MM??"]),
    (Action::Deactivate, Ambiguity::ServerError, OTHER, ["?D???????????????", "?D???????????????", "?D???????????????"]),
    (Action::Deactivate, Ambiguity::EarlierRun, NO_KEY, ["?D???????????????", "?DA??????????????", "?DAM??????M??MM??"]),
    (Action::Deactivate, Ambiguity::EarlierRun, NO_USER, ["?D???????????????", "?DA??????????????", "?DAM??????M??MM??"]),
    (Action::Deactivate, Ambiguity::EarlierRun, OTHER, ["nD???????????????", "nDA??????????????", "nDA??????????????"]),
    (Action::Deactivate, Ambiguity::RecentRun, NO_KEY, ["?D???????????????", "?DA??????????????", "?DAM??????M??MM??"]),
    (Action::Deactivate, Ambiguity::RecentRun, NO_USER, ["?D???????????????", "?DA??????????????", "?DAM??????M??MM??"]),
    (Action::Deactivate, Ambiguity::RecentRun, OTHER, ["?D???????????????", "?DA??????????????", "?DA??????????????"]),
    (Action::Deactivate, Ambiguity::Unanswered, NO_KEY, ["?D???????????????", "?D???????????????", "?D?M??????M??MM??"]),
    (Action::Deactivate, Ambiguity::Unanswered, NO_USER, ["?D???????????????", "?D???????????????", "?D?M??????M??MM??"]),
    (Action::Deactivate, Ambiguity::Unanswered, OTHER, ["?D???????????????", "?D???????????????", "?D???????????????"]),
];

#[test]
fn every_conclusion_is_the_one_of_the_table() {
    let mut checked = 0;
    for (action, ambiguity, responses, [unnamed, by_caller, wanted]) in TABLE {
        for response in responses {
            let check = |action, hint: &OwnerHint, ignore_missing, expected: String| {
                let conclude = |location: &KeyLocation| {
                    letter(&conclude(&Evidence {
                        action,
                        ignore_missing,
                        hint,
                        ambiguity,
                        response: *response,
                        location,
                    }))
                };
                let found: String = locations().iter().map(conclude).collect();
                let case =
                    format!("{action:?} {ambiguity:?} {response:?} {hint:?} {ignore_missing}");
                assert_eq!(found, expected, "{case}");
            };
            for (hint, ignore_missing, expected) in [
                (OwnerHint::Unknown, false, unnamed),
                (named(), false, by_caller),
                (named(), true, wanted),
            ] {
                check(action, &hint, ignore_missing, expected.to_owned());
                if action == Action::Deactivate {
                    let mut letters: Vec<char> = expected.chars().collect();
                    letters.swap(0, 1);
                    letters.swap(2, 15);
                    let swapped = letters.into_iter().collect();
                    check(Action::Reactivate, &hint, ignore_missing, swapped);
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, (2 * 5 + 1) * 5 * 3);
}

#[test]
fn a_key_that_iam_listed_for_a_user_and_no_user_has_is_deleted() {
    // Otherwise it may be the root user's or another account's.
    for (hint, expected) in [
        (OwnerHint::Listed(Some(bob())), 'D'),
        (OwnerHint::Moved { same_name: true }, 'D'),
        (OwnerHint::Moved { same_name: false }, 'D'),
        (OwnerHint::Listed(None), '?'),
        (OwnerHint::Disputed, '?'),
    ] {
        let found = conclude(&Evidence {
            action: Action::Delete,
            ignore_missing: false,
            hint: &hint,
            ambiguity: Ambiguity::RecentRun,
            response: Response::NoSuchKey,
            location: &KeyLocation::InNoList,
        });
        assert_eq!(letter(&found), expected, "{hint:?}");
    }
}

#[test]
fn no_conclusion_says_more_than_the_evidence() {
    let hints = [
        OwnerHint::Unknown,
        named(),
        OwnerHint::Listed(Some(bob())),
        OwnerHint::Moved { same_name: true },
        OwnerHint::Moved { same_name: false },
        OwnerHint::Disputed,
    ];
    let mut combinations = 0;
    for action in ACTIONS {
        for ambiguity in AMBIGUITIES {
            for response in [NO_KEY, NO_USER, OTHER].concat() {
                for hint in &hints {
                    for ignore_missing in [false, true] {
                        for location in &locations() {
                            combinations += 1;
                            check(&Evidence {
                                action,
                                ignore_missing,
                                hint,
                                ambiguity,
                                response,
                                location,
                            });
                        }
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 3 * 6 * 5 * 6 * 2 * 17);
}

fn check(evidence: &Evidence<'_>) {
    let Evidence {
        action,
        ignore_missing,
        hint,
        ambiguity,
        response,
        location,
    } = *evidence;
    let conclusion = conclude(evidence);
    let is_changed = ambiguity == Ambiguity::ChangedBefore && action != Action::Delete;
    let is_out = !matches!(ambiguity, Ambiguity::None | Ambiguity::EarlierRun) && !is_changed;
    let is_gone = matches!(
        location,
        KeyLocation::Gone | KeyLocation::NoLongerListed | KeyLocation::GoneButNamed(_)
    );
    let is_absent = is_gone || *location == KeyLocation::InNoList;
    let is_deleted = *location == KeyLocation::InNoList
        && action == Action::Delete
        && (*hint == OwnerHint::Listed(Some(bob())) || matches!(hint, OwnerHint::Moved { .. }));
    let is_confirmed = match action {
        Action::Delete => is_gone,
        Action::Deactivate => *location == KeyLocation::Listed(Some(Status::Inactive)),
        Action::Reactivate => *location == KeyLocation::Listed(Some(Status::Active)),
    };
    let is_named = matches!(hint, OwnerHint::Named(_) | OwnerHint::Listed(_));
    let is_justified = match conclusion {
        Conclusion::Done => (is_confirmed || is_deleted) && ambiguity != Ambiguity::None,
        Conclusion::ProbablyDone => {
            let is_of_this_run =
                matches!(ambiguity, Ambiguity::ServerError | Ambiguity::Unanswered);
            response == Response::NoSuchKey && is_named && is_of_this_run
        }
        Conclusion::Missing => ignore_missing && response.is_missing() && (is_named || is_absent),
        Conclusion::NotDone => !is_out && (!is_confirmed || ambiguity == Ambiguity::None),
        Conclusion::Already(ref status) => {
            let is_earlier = matches!(ambiguity, Ambiguity::EarlierRun | Ambiguity::RecentRun);
            let is_listed =
                matches!(location, KeyLocation::OtherUser(_, Some(found)) if found == status);
            let is_set = is_changed && (is_listed || is_confirmed);
            (is_set || is_named && is_earlier && is_listed)
                && action.status().as_ref() == Some(status)
        }
        // After an ambiguous request, only the list of the other owner shows it.
        Conclusion::OtherUser(_) => match location {
            KeyLocation::OtherUser(_, status) => {
                let shows_status = is_changed && status.is_some();
                action == Action::Delete || ambiguity == Ambiguity::None || shows_status
            }
            KeyLocation::ReportedOwner(_) => ambiguity == Ambiguity::None,
            _ => false,
        },
        Conclusion::Unknown => true,
    };
    assert!(is_justified, "{evidence:?}: {conclusion:?}");
    // An earlier run may have named the owner that IAM names now.
    let is_of_other = matches!(conclusion, Conclusion::OtherUser(_));
    let is_disputed = match hint {
        OwnerHint::Moved { same_name: true } => action != Action::Delete,
        OwnerHint::Moved { .. } | OwnerHint::Disputed => true,
        OwnerHint::Unknown | OwnerHint::Named(_) | OwnerHint::Listed(_) => false,
    };
    // Unless no request changed it, or none acts any more and a list shows whose it is.
    let is_settled = ambiguity == Ambiguity::None
        || action == Action::Delete
            && ambiguity == Ambiguity::EarlierRun
            && matches!(location, KeyLocation::OtherUser(..));
    assert!(!is_of_other || !is_disputed || is_settled, "{evidence:?}");
    let proves_nothing = matches!(
        location,
        KeyLocation::LookupFailed
            | KeyLocation::Unconfirmed
            | KeyLocation::ListDenied
            | KeyLocation::OtherAccount(..)
            | KeyLocation::NotListed
    );
    let says_nothing = matches!(conclusion, Conclusion::Unknown | Conclusion::NotDone);
    assert!(
        !proves_nothing || says_nothing,
        "{evidence:?}: {conclusion:?}"
    );
}
