//! Says what a conclusion rests on, in fragments for people.

use super::table::Evidence;
use super::{Ambiguity, Response};
use crate::ident::UserName;
use crate::locate::{KeyLocation, OwnerHint};
use crate::metadata::Status;
use crate::outcome::changed_before;
use crate::request::Action;
use crate::sanitize::escape_field;

/// Returns what the conclusion rests on.
pub(super) fn reason(evidence: &Evidence<'_>) -> String {
    if evidence.ambiguity == Ambiguity::None {
        return unambiguous_reason(evidence);
    }
    if evidence.ambiguity == Ambiguity::ChangedBefore {
        return reason_after_change(evidence);
    }
    let is_gone = evidence.location.is_gone();
    let response = match evidence.location {
        // That no list has the key is no response to a request.
        KeyLocation::InNoList => Response::None,
        _ => evidence.response,
    };
    let cause = describe_ambiguity(evidence.ambiguity, response, is_gone);
    let location = describe_location(evidence.action, evidence.hint, evidence.location);
    format!("{cause}; {location}")
}

/// Returns what is known about a key whose status an earlier run changed.
fn reason_after_change(evidence: &Evidence<'_>) -> String {
    let done = evidence.action.done();
    match evidence.location {
        KeyLocation::Listed(Some(status)) => {
            let status = escape_field(status.as_str());
            format!("an earlier run reported it as {done}, but IAM now lists the key as {status}")
        }
        location => {
            let location = describe_location(evidence.action, evidence.hint, location);
            format!("{}; {location}", changed_before(evidence.action))
        }
    }
}

/// Says why a key may have been changed. The key is gone now if `is_gone`.
pub(crate) fn describe_ambiguity(
    ambiguity: Ambiguity,
    response: Response,
    is_gone: bool,
) -> &'static str {
    match (ambiguity, response) {
        (Ambiguity::EarlierRun | Ambiguity::RecentRun, Response::NoSuchKey) => {
            "an earlier run started this, and IAM now reports no such key"
        }
        (Ambiguity::EarlierRun | Ambiguity::RecentRun, _) => "an earlier run started this",
        (Ambiguity::ServerError, Response::NoSuchKey | Response::NoSuchUser) => {
            "an earlier attempt returned an error although IAM may have acted, and the retry returned NoSuchEntity"
        }
        (_, Response::NoSuchKey | Response::NoSuchUser) => {
            "the response to an earlier attempt was lost, and the retry returned NoSuchEntity"
        }
        (_, Response::ServerError) if is_gone => {
            "the last response was an error, but IAM may have made the change first"
        }
        (_, Response::ServerError) => {
            "the last response was an error, but IAM may still make the change"
        }
        (Ambiguity::ServerError, Response::Refused | Response::None) => {
            "an earlier attempt returned an error although IAM may have acted"
        }
        (_, Response::Refused) => "the response to an earlier attempt was lost",
        (_, Response::None) => "the request was sent and no usable response arrived",
    }
}

/// Returns why a key was not changed if nothing was sent that may have changed it.
fn unambiguous_reason(evidence: &Evidence<'_>) -> String {
    let what = evidence.response.missing();
    let what = what.unwrap_or("IAM refused the request");
    match (
        evidence.response,
        evidence.location,
        evidence.ignore_missing,
    ) {
        (Response::NoSuchKey, KeyLocation::Listed(_), _) => "IAM still lists the key".to_owned(),
        (
            _,
            KeyLocation::LookupFailed | KeyLocation::Unconfirmed | KeyLocation::ListDenied,
            true,
        ) => {
            let location = describe_location(evidence.action, evidence.hint, evidence.location);
            format!("{what}, and {location}")
        }
        _ => what.to_owned(),
    }
}

/// Describes where a key is.
pub(crate) fn describe_location(
    action: Action,
    hint: &OwnerHint,
    location: &KeyLocation,
) -> String {
    let text = match location {
        KeyLocation::Listed(Some(status @ (Status::Active | Status::Inactive)))
            if action != Action::Delete =>
        {
            let is_done = location.shows_done(action);
            let since = if is_done { "now" } else { "still" };
            return format!("IAM {since} lists the key as {}", status.as_str());
        }
        KeyLocation::OtherUser(owner, _) | KeyLocation::ReportedOwner(owner) => {
            return format!("IAM reports that {owner} owns the key");
        }
        KeyLocation::GoneButNamed(owner) => {
            return format!("IAM does not list the key for {owner}, whom it named as the owner");
        }
        KeyLocation::OtherAccount(theirs, ours) => {
            return format!(
                "the key's ID encodes account {theirs}, which the credentials of account {ours} cannot check"
            );
        }
        KeyLocation::AbsentAsNamed => {
            if let OwnerHint::Named(owner) = hint {
                let owner = owner.as_ref().map_or("the root user", UserName::as_str);
                return format!(
                    "IAM does not list the key for {owner}, and does not confirm its owner"
                );
            }
            "IAM does not list the key, and does not confirm its owner"
        }
        KeyLocation::Listed(_) => "IAM still lists the key",
        KeyLocation::NoLongerListed => match hint {
            OwnerHint::Listed(owner) => {
                let owner = owner.as_ref().map_or("the root user", UserName::as_str);
                return format!("IAM no longer lists the key for {owner}");
            }
            _ => "IAM no longer lists the key",
        },
        KeyLocation::Gone => "IAM reports that the key does not exist",
        KeyLocation::NotListed => "IAM does not report who owns the key",
        KeyLocation::InNoList => "IAM does not list the key for any user in the account",
        KeyLocation::UserMissing => {
            "the user does not exist, and IAM does not report who owns the key"
        }
        KeyLocation::LookupDenied => "there is no permission to check the key",
        KeyLocation::ListDenied => "there is no permission to list the user's keys",
        KeyLocation::LookupFailed => "checking the key failed",
        KeyLocation::Unconfirmed => "there was not enough time to check the key",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(
        ambiguity: Ambiguity,
        response: Response,
        location: &KeyLocation,
        ignore_missing: bool,
    ) -> String {
        reason(&Evidence {
            action: Action::Delete,
            ignore_missing,
            hint: &OwnerHint::Unknown,
            ambiguity,
            response,
            location,
        })
    }

    #[test]
    fn each_cause_is_named() {
        use Ambiguity::{EarlierRun, RecentRun, ServerError, Unanswered};
        use Response as R;
        let gone = (
            &KeyLocation::Gone,
            "IAM reports that the key does not exist",
        );
        let listed = (&KeyLocation::Listed(None), "IAM still lists the key");
        let nobody = (
            &KeyLocation::InNoList,
            "IAM does not list the key for any user in the account",
        );
        for (ambiguity, response, (location, where_it_is), cause) in [
            (
                EarlierRun,
                R::NoSuchKey,
                gone,
                "an earlier run started this, and IAM now reports no such key",
            ),
            (RecentRun, R::Refused, listed, "an earlier run started this"),
            (
                ServerError,
                R::NoSuchUser,
                gone,
                "an earlier attempt returned an error although IAM may have acted, and the retry returned NoSuchEntity",
            ),
            (
                Unanswered,
                R::NoSuchKey,
                gone,
                "the response to an earlier attempt was lost, and the retry returned NoSuchEntity",
            ),
            (
                ServerError,
                R::ServerError,
                gone,
                "the last response was an error, but IAM may have made the change first",
            ),
            (
                ServerError,
                R::ServerError,
                listed,
                "the last response was an error, but IAM may still make the change",
            ),
            (
                ServerError,
                R::Refused,
                listed,
                "an earlier attempt returned an error although IAM may have acted",
            ),
            (
                Unanswered,
                R::Refused,
                listed,
                "the response to an earlier attempt was lost",
            ),
            (
                Unanswered,
                R::None,
                listed,
                "the request was sent and no usable response arrived",
            ),
            // That no list has the key is no response to a request.
            (
                Unanswered,
                R::NoSuchKey,
                nobody,
                "the request was sent and no usable response arrived",
            ),
        ] {
            let found = reason_of(ambiguity, response, location, false);
            assert_eq!(found, format!("{cause}; {where_it_is}"));
        }
    }

    #[test]
    fn what_was_not_changed_says_why() {
        let (listed, failed) = (KeyLocation::Listed(None), KeyLocation::LookupFailed);
        let no_key = "IAM found no such key for this user";
        let unchecked = format!("{no_key}, and checking the key failed");
        for (response, location, ignore_missing, expected) in [
            (Response::NoSuchKey, &KeyLocation::Gone, false, no_key),
            (Response::NoSuchKey, &failed, false, no_key),
            (Response::NoSuchKey, &failed, true, &unchecked),
            (
                Response::NoSuchKey,
                &listed,
                false,
                "IAM still lists the key",
            ),
            (
                Response::NoSuchUser,
                &listed,
                false,
                "IAM found no such user",
            ),
            (Response::Refused, &listed, false, "IAM refused the request"),
        ] {
            let found = reason_of(Ambiguity::None, response, location, ignore_missing);
            assert_eq!(found, expected, "{response:?} {location:?}");
        }
    }

    #[test]
    fn iam_no_longer_lists_only_what_it_listed() {
        let bob = "Bob".parse().ok();
        for (hint, expected) in [
            (
                OwnerHint::Listed(bob),
                "IAM no longer lists the key for Bob",
            ),
            (
                OwnerHint::Listed(None),
                "IAM no longer lists the key for the root user",
            ),
            (OwnerHint::Disputed, "IAM no longer lists the key"),
        ] {
            let found = describe_location(Action::Delete, &hint, &KeyLocation::NoLongerListed);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn each_location_is_described() {
        let name = |name: &str| name.parse::<UserName>().expect("a name");
        let account = |id: &str| id.parse().expect("an account");
        let bob = OwnerHint::Named(Some(name("Bob")));
        let root = OwnerHint::Named(None);
        let unknown = OwnerHint::Unknown;
        let (delete, deactivate, reactivate) =
            (Action::Delete, Action::Deactivate, Action::Reactivate);
        let active = KeyLocation::Listed(Some(Status::Active));
        let inactive = KeyLocation::Listed(Some(Status::Inactive));
        let other = KeyLocation::Listed(Some(Status::Other("Expired".to_owned())));
        let as_named = KeyLocation::AbsentAsNamed;
        let foreign = KeyLocation::OtherAccount(account("111111111111"), account("222222222222"));
        for (action, hint, location, expected) in [
            (delete, &bob, &active, "IAM still lists the key"),
            (
                deactivate,
                &bob,
                &active,
                "IAM still lists the key as Active",
            ),
            (
                deactivate,
                &bob,
                &inactive,
                "IAM now lists the key as Inactive",
            ),
            (reactivate, &bob, &active, "IAM now lists the key as Active"),
            (
                reactivate,
                &bob,
                &inactive,
                "IAM still lists the key as Inactive",
            ),
            (reactivate, &bob, &other, "IAM still lists the key"),
            (
                delete,
                &bob,
                &KeyLocation::OtherUser(name("Alice"), None),
                "IAM reports that Alice owns the key",
            ),
            (
                delete,
                &bob,
                &KeyLocation::GoneButNamed(name("Bob")),
                "IAM does not list the key for Bob, whom it named as the owner",
            ),
            (
                delete,
                &bob,
                &foreign,
                "the key's ID encodes account 111111111111, which the credentials of account \
                 222222222222 cannot check",
            ),
            (
                delete,
                &bob,
                &as_named,
                "IAM does not list the key for Bob, and does not confirm its owner",
            ),
            (
                delete,
                &root,
                &as_named,
                "IAM does not list the key for the root user, and does not confirm its owner",
            ),
            (
                delete,
                &unknown,
                &as_named,
                "IAM does not list the key, and does not confirm its owner",
            ),
            (
                delete,
                &unknown,
                &KeyLocation::NotListed,
                "IAM does not report who owns the key",
            ),
            (
                delete,
                &bob,
                &KeyLocation::UserMissing,
                "the user does not exist, and IAM does not report who owns the key",
            ),
            (
                delete,
                &bob,
                &KeyLocation::ListDenied,
                "there is no permission to list the user's keys",
            ),
            (
                delete,
                &bob,
                &KeyLocation::LookupDenied,
                "there is no permission to check the key",
            ),
        ] {
            let found = describe_location(action, hint, location);
            assert_eq!(found, expected, "{action:?} {hint:?}");
        }
    }
}
