//! The table: which conclusion follows from which evidence.

#[cfg(test)]
mod tests;

use super::{Ambiguity, Response};
use crate::ident::UserName;
use crate::locate::{KeyLocation, OwnerHint};
use crate::metadata::Status;
use crate::request::Action;

/// What is known about a key that may have been changed.
#[derive(Clone, Debug)]
pub(super) struct Evidence<'a> {
    pub(super) action: Action,
    pub(super) ignore_missing: bool,
    /// The owner, as far as it was known before.
    pub(super) hint: &'a OwnerHint,
    pub(super) ambiguity: Ambiguity,
    pub(super) response: Response,
    pub(super) location: &'a KeyLocation,
}

/// What can be said about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conclusion {
    /// It was changed: IAM's lists show it.
    Done,
    /// It was probably deleted: IAM says that it does not exist, but only the caller names its owner.
    ProbablyDone,
    /// It does not exist, and the caller wants that.
    Missing,
    /// It already has the requested status, which an earlier run may have given it for a user who was renamed since.
    Already(Status),
    /// It was not changed.
    NotDone,
    /// It belongs to another user and was not changed.
    OtherUser(UserName),
    Unknown,
}

/// Draws the conclusion.
pub(super) fn conclude(evidence: &Evidence<'_>) -> Conclusion {
    let (ambiguity, response) = (evidence.ambiguity, evidence.response);
    let is_of_this_run = ambiguity.is_of_this_run();
    let is_in_no_list = *evidence.location == KeyLocation::InNoList;
    let is_deleted =
        is_in_no_list && evidence.hint.is_of_user() && evidence.action == Action::Delete;
    let is_gone = (is_in_no_list || evidence.location.is_gone()) && response.is_missing();
    // After a change of status, the user may have been renamed, and another one may have the name.
    let may_be_renamed = ambiguity != Ambiguity::None && evidence.action != Action::Delete;
    let is_absent_as_named = evidence.hint.is_named()
        && !may_be_renamed
        && response == Response::NoSuchKey
        && matches!(
            evidence.location,
            KeyLocation::AbsentAsNamed | KeyLocation::LookupDenied
        );
    let is_wanted = evidence.ignore_missing && (is_gone || is_absent_as_named);
    match evidence.location {
        KeyLocation::OtherUser(owner, status) => other_user(evidence, owner, status.as_ref()),
        KeyLocation::ReportedOwner(owner) if ambiguity == Ambiguity::None => {
            other_user(evidence, owner, None)
        }
        _ if ambiguity == Ambiguity::None && !is_wanted => Conclusion::NotDone,
        _ if ambiguity == Ambiguity::None => Conclusion::Missing,
        KeyLocation::Listed(Some(status))
            if ambiguity == Ambiguity::ChangedBefore
                && let Some(wanted) = evidence.action.status() =>
        {
            match response {
                _ if wanted == *status => Conclusion::Already(wanted),
                // The list lags.
                response if response.is_missing() => Conclusion::Unknown,
                _ => Conclusion::NotDone,
            }
        }
        location if location.shows_done(evidence.action) || is_deleted => Conclusion::Done,
        // If IAM also says that the key does not exist, the list lags.
        KeyLocation::Listed(_) if ambiguity == Ambiguity::EarlierRun && !response.is_missing() => {
            Conclusion::NotDone
        }
        _ if is_absent_as_named && is_of_this_run => Conclusion::ProbablyDone,
        _ if is_wanted => Conclusion::Missing,
        _ => Conclusion::Unknown,
    }
}

/// Concludes about a key that another user owns. A request that named a user cannot have changed it.
fn other_user(evidence: &Evidence<'_>, owner: &UserName, status: Option<&Status>) -> Conclusion {
    let ambiguity = evidence.ambiguity;
    let is_earlier = matches!(ambiguity, Ambiguity::EarlierRun | Ambiguity::RecentRun);
    let wanted = evidence.action.status();
    // The user of the request exists and does not have the key.
    let user_lacks_key = evidence.response == Response::NoSuchKey;
    let is_disputed = match evidence.hint {
        OwnerHint::Disputed => true,
        OwnerHint::Moved { same_name } => evidence.action != Action::Delete || !same_name,
        OwnerHint::Unknown | OwnerHint::Named(_) | OwnerHint::Listed(_) => false,
    };
    let is_unknown = match evidence.action {
        _ if ambiguity == Ambiguity::None => false,
        // An earlier run may have named this owner. IAM may name the owner of a deleted key for a moment.
        _ if is_disputed => {
            // But no request acts any more, and that owner's list has the key.
            let is_listed = matches!(evidence.location, KeyLocation::OtherUser(..));
            evidence.action != Action::Delete || ambiguity != Ambiguity::EarlierRun || !is_listed
        }
        // Without a name, the calling user may be the owner, whose key a request that is out may still delete.
        Action::Delete => {
            let may_act = ambiguity != Ambiguity::EarlierRun;
            *evidence.hint == OwnerHint::Unknown && may_act && !user_lacks_key
        }
        // The user was renamed after an earlier run named it.
        Action::Deactivate | Action::Reactivate
            if is_earlier && evidence.hint.is_named() && status == wanted.as_ref() =>
        {
            return wanted.map_or(Conclusion::Unknown, Conclusion::Already);
        }
        // What IAM confirmed counts whoever was named then.
        Action::Deactivate | Action::Reactivate if ambiguity == Ambiguity::ChangedBefore => {
            match (wanted, status) {
                (Some(wanted), Some(status)) if wanted == *status => {
                    return Conclusion::Already(wanted);
                }
                (_, status) => status.is_none(),
            }
        }
        Action::Deactivate | Action::Reactivate => true,
    };
    if is_unknown {
        Conclusion::Unknown
    } else {
        Conclusion::OtherUser(owner.clone())
    }
}
