//! Says what a conclusion rests on, in fragments for people.

use super::table::Evidence;
use super::{Ambiguity, Response};
use crate::ident::UserName;
use crate::locate::{KeyLocation, OwnerHint};
use crate::metadata::Status;
use crate::request::Action;

/// Returns what the conclusion rests on.
pub(super) fn reason(evidence: &Evidence<'_>) -> String {
    let cause = match (evidence.ambiguity, evidence.response) {
        (Ambiguity::None, _) => return unambiguous_reason(evidence),
        (Ambiguity::EarlierRun | Ambiguity::RecentRun, Response::NoSuchKey) => {
            "an earlier run started this, and IAM now reports no such key"
        }
        (Ambiguity::EarlierRun | Ambiguity::RecentRun, _) => "an earlier run started this",
        (Ambiguity::ServerError, Response::NoSuchKey | Response::NoSuchUser) => {
            "an earlier attempt returned a server error, and the retry returned NoSuchEntity"
        }
        (_, Response::NoSuchKey | Response::NoSuchUser) => {
            "the response to an earlier attempt was lost, and the retry returned NoSuchEntity"
        }
        (_, Response::ServerError) if evidence.location.is_gone() => {
            "IAM returned an error, but may have made the change first"
        }
        (_, Response::ServerError) => "IAM returned an error, but may still make the change",
        (Ambiguity::ServerError, Response::Refused | Response::None) => {
            "an earlier attempt returned a server error"
        }
        (_, Response::Refused) => "the response to an earlier attempt was lost",
        (_, Response::None) => "the request was sent and no usable response arrived",
    };
    let location = describe_location(evidence.action, evidence.hint, evidence.location);
    format!("{cause}; {location}")
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
        (_, KeyLocation::LookupFailed, true) => {
            format!("{what}, and checking the key failed")
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
        KeyLocation::OtherUser(owner) => return format!("IAM reports that {owner} owns the key"),
        KeyLocation::GoneButNamed(owner) => {
            return format!("IAM no longer lists the key, but still names {owner} as its owner");
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
        KeyLocation::Gone => "IAM no longer lists the key",
        KeyLocation::NotListed => "IAM does not report who owns the key",
        KeyLocation::UserMissing => {
            "the user does not exist, and IAM does not report who owns the key"
        }
        KeyLocation::LookupDenied => "there is no permission to check the key",
        KeyLocation::LookupFailed => "checking the key failed",
    };
    text.to_owned()
}
