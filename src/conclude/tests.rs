//! The table, written out, and its rules over every combination.

use super::*;
use crate::ident::AccountId;

fn bob() -> UserName {
    "Bob".parse().expect("a name")
}

fn hints() -> [OwnerHint; 4] {
    [
        OwnerHint::Unknown,
        OwnerHint::Named(bob()),
        OwnerHint::Listed(bob()),
        OwnerHint::Disputed,
    ]
}

fn locations() -> [KeyLocation; 11] {
    let account = |id: &str| id.parse::<AccountId>().expect("an account");
    [
        KeyLocation::Listed(Some(Status::Active)),
        KeyLocation::Listed(Some(Status::Inactive)),
        KeyLocation::OtherUser("Alice".parse().expect("a name")),
        KeyLocation::Gone,
        KeyLocation::AbsentAsNamed,
        KeyLocation::NotListed,
        KeyLocation::UserMissing,
        KeyLocation::OtherAccount(account("111111111111"), account("222222222222")),
        KeyLocation::LookupDenied,
        KeyLocation::LookupFailed,
        KeyLocation::GoneButNamed(bob()),
    ]
}

fn letter(statement: &Statement) -> char {
    match statement {
        Statement::Done => 'D',
        Statement::ProbablyDone => 'P',
        Statement::Missing => 'M',
        Statement::NotDone => 'n',
        Statement::OtherUser(_) => 'o',
        Statement::Unknown => '?',
    }
}

fn row(
    action: Action,
    ambiguity: Ambiguity,
    response: Response,
    hint: &OwnerHint,
    missing: Missing,
) -> String {
    let letter = |location: &KeyLocation| {
        letter(&conclude(&Evidence {
            action,
            missing,
            hint,
            ambiguity,
            response,
            location,
        }))
    };
    locations().iter().map(letter).collect()
}

/// What is said, a letter for each of `locations`: D it is done, P probably, M missing as wanted, n not done, o another
/// user's, ? unknown. The columns: nobody names the owner; the caller does; and with `--ignore-missing`.
#[rustfmt::skip]
const TABLE: [(Action, Ambiguity, Response, &str, &str, &str); 50] = [
    (Action::Delete, Ambiguity::None, Response::NoSuchKey, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMMnnnMnM"),
    (Action::Delete, Ambiguity::None, Response::NoSuchUser, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMnnnnnnM"),
    (Action::Delete, Ambiguity::None, Response::Refused, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Delete, Ambiguity::None, Response::ServerError, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Delete, Ambiguity::None, Response::None, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Delete, Ambiguity::ServerError, Response::NoSuchKey, "??oD??????D", "??oDP???P?D", "??oDP???P?D"),
    (Action::Delete, Ambiguity::ServerError, Response::NoSuchUser, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::ServerError, Response::Refused, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::ServerError, Response::ServerError, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::ServerError, Response::None, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::EarlierRun, Response::NoSuchKey, "??oD??????D", "??oD??????D", "??oDM???M?D"),
    (Action::Delete, Ambiguity::EarlierRun, Response::NoSuchUser, "??oD??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::EarlierRun, Response::Refused, "nnoD??????D", "nnoD??????D", "nnoD??????D"),
    (Action::Delete, Ambiguity::EarlierRun, Response::ServerError, "nnoD??????D", "nnoD??????D", "nnoD??????D"),
    (Action::Delete, Ambiguity::EarlierRun, Response::None, "nnoD??????D", "nnoD??????D", "nnoD??????D"),
    (Action::Delete, Ambiguity::RecentRun, Response::NoSuchKey, "??oD??????D", "??oD??????D", "??oDM???M?D"),
    (Action::Delete, Ambiguity::RecentRun, Response::NoSuchUser, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::RecentRun, Response::Refused, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::RecentRun, Response::ServerError, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::RecentRun, Response::None, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::Unanswered, Response::NoSuchKey, "??oD??????D", "??oDP???P?D", "??oDP???P?D"),
    (Action::Delete, Ambiguity::Unanswered, Response::NoSuchUser, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::Unanswered, Response::Refused, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::Unanswered, Response::ServerError, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Delete, Ambiguity::Unanswered, Response::None, "???D??????D", "??oD??????D", "??oD??????D"),
    (Action::Deactivate, Ambiguity::None, Response::NoSuchKey, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMMnnnMnM"),
    (Action::Deactivate, Ambiguity::None, Response::NoSuchUser, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMnnnnnnM"),
    (Action::Deactivate, Ambiguity::None, Response::Refused, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Deactivate, Ambiguity::None, Response::ServerError, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Deactivate, Ambiguity::None, Response::None, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
    (Action::Deactivate, Ambiguity::ServerError, Response::NoSuchKey, "?Don??????n", "?Donn???n?n", "?DoMM???M?M"),
    (Action::Deactivate, Ambiguity::ServerError, Response::NoSuchUser, "?D?n??????n", "?D?n??????n", "?D?M??????M"),
    (Action::Deactivate, Ambiguity::ServerError, Response::Refused, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::ServerError, Response::ServerError, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::ServerError, Response::None, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::EarlierRun, Response::NoSuchKey, "?D?n??????n", "?D?n??????n", "?D?MM???M?M"),
    (Action::Deactivate, Ambiguity::EarlierRun, Response::NoSuchUser, "?D?n??????n", "?D?n??????n", "?D?M??????M"),
    (Action::Deactivate, Ambiguity::EarlierRun, Response::Refused, "nD?????????", "nD?????????", "nD?????????"),
    (Action::Deactivate, Ambiguity::EarlierRun, Response::ServerError, "nD?????????", "nD?????????", "nD?????????"),
    (Action::Deactivate, Ambiguity::EarlierRun, Response::None, "nD?????????", "nD?????????", "nD?????????"),
    (Action::Deactivate, Ambiguity::RecentRun, Response::NoSuchKey, "?D?n??????n", "?D?n??????n", "?D?MM???M?M"),
    (Action::Deactivate, Ambiguity::RecentRun, Response::NoSuchUser, "?D?n??????n", "?D?n??????n", "?D?M??????M"),
    (Action::Deactivate, Ambiguity::RecentRun, Response::Refused, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::RecentRun, Response::ServerError, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::RecentRun, Response::None, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::Unanswered, Response::NoSuchKey, "?Don??????n", "?Donn???n?n", "?DoMM???M?M"),
    (Action::Deactivate, Ambiguity::Unanswered, Response::NoSuchUser, "?D?n??????n", "?D?n??????n", "?D?M??????M"),
    (Action::Deactivate, Ambiguity::Unanswered, Response::Refused, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::Unanswered, Response::ServerError, "?D?????????", "?D?????????", "?D?????????"),
    (Action::Deactivate, Ambiguity::Unanswered, Response::None, "?D?????????", "?D?????????", "?D?????????"),
];

#[test]
fn every_statement_is_the_one_of_the_table() {
    let named = OwnerHint::Named(bob());
    for (action, ambiguity, response, unnamed, by_caller, wanted) in TABLE {
        let row = |hint, missing| row(action, ambiguity, response, hint, missing);
        let shown = format!("{action:?} {ambiguity:?} {response:?}");
        assert_eq!(row(&OwnerHint::Unknown, Missing::Fails), unnamed, "{shown}");
        assert_eq!(row(&named, Missing::Fails), by_caller, "{shown}");
        assert_eq!(row(&named, Missing::Succeeds), wanted, "{shown}");
    }
}

/// The rules, for every combination.
#[test]
fn no_statement_says_more_than_the_evidence() {
    let mut combinations = 0;
    for (action, ambiguity, response, ..) in TABLE {
        for hint in &hints() {
            for missing in [Missing::Fails, Missing::Succeeds] {
                for location in &locations() {
                    combinations += 1;
                    check(&Evidence {
                        action,
                        missing,
                        hint,
                        ambiguity,
                        response,
                        location,
                    });
                }
            }
        }
    }
    assert_eq!(combinations, 2 * 5 * 5 * 4 * 2 * 11);
}

fn check(evidence: &Evidence<'_>) {
    let statement = conclude(evidence);
    let Evidence {
        action,
        missing,
        hint,
        ambiguity,
        response,
        location,
    } = evidence;
    let is_out = !matches!(ambiguity, Ambiguity::None | Ambiguity::EarlierRun);
    let is_confirmed = match action {
        Action::Delete => matches!(location, KeyLocation::Gone | KeyLocation::GoneButNamed(_)),
        Action::Deactivate => {
            matches!(location, KeyLocation::Listed(Some(Status::Inactive)))
        }
    };
    let is_named = matches!(hint, OwnerHint::Named(_) | OwnerHint::Listed(_));
    match statement {
        Statement::Done => {
            assert!(
                is_confirmed && *ambiguity != Ambiguity::None,
                "{evidence:?}"
            );
        }
        Statement::ProbablyDone => {
            assert!(*response == Response::NoSuchKey && is_named, "{evidence:?}");
            assert!(
                matches!(ambiguity, Ambiguity::ServerError | Ambiguity::Unanswered),
                "{evidence:?}"
            );
        }
        Statement::Missing => {
            assert!(
                *missing == Missing::Succeeds && response.is_missing(),
                "{evidence:?}"
            );
            let is_gone = matches!(location, KeyLocation::Gone | KeyLocation::GoneButNamed(_));
            assert!(is_named || is_gone, "{evidence:?}");
        }
        Statement::NotDone => {
            // A key does not go away by being deactivated: then a request that is out cannot act.
            let is_absent = *action == Action::Deactivate && response.is_missing();
            assert!(!is_out || is_absent, "{evidence:?}");
            assert!(
                !is_confirmed || *ambiguity == Ambiguity::None,
                "{evidence:?}"
            );
        }
        Statement::OtherUser(_) => {
            assert!(
                matches!(location, KeyLocation::OtherUser(_)),
                "{evidence:?}"
            );
        }
        Statement::Unknown => {}
    }
    if matches!(
        location,
        KeyLocation::LookupFailed | KeyLocation::OtherAccount(..) | KeyLocation::NotListed
    ) {
        assert!(
            matches!(conclude(evidence), Statement::Unknown | Statement::NotDone),
            "{evidence:?}"
        );
    }
}
