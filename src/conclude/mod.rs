//! Concludes what happened to a key from IAM's responses, the reads after them, and what earlier runs did. It is one
//! table for one key and for many, for resumed keys and for `--ignore-missing`.
//!
//! Its rules:
//! - A request without a response from IAM may still take effect seconds later, and so may one that IAM answered with a
//!   server error. While such a request is out, a key is never "not deleted".
//! - A key is gone only if the list of its owner says so. The list of any other user proves nothing.
//! - After such a request, a key belongs to another user only if that user's list says so: IAM names the owner of a
//!   deleted key for seconds, and that may be the calling user, or the named one after a rename.
//! - If only the caller names the owner, IAM's `NoSuchEntity` and that user's list count together. They do not count for a
//!   deletion that an earlier run started: that run may have sent nothing.

mod outcome;
mod reason;
mod table;

use crate::error::{CallError, ErrorKind};
use crate::locate::{KeyLocation, Search, with_key};
use crate::outcome::{Check, Outcome};
use crate::request::Key;
use outcome::{is_owner_unchecked, outcome, presumed};
pub(crate) use reason::describe_ambiguity;
use reason::describe_location;
use table::Evidence;

/// Why a key may have been changed although no response of this run says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguity {
    /// It was not changed.
    None,
    /// IAM confirmed in an earlier run that it got the requested status. It may have another status since then.
    ChangedBefore,
    /// The response was a server error, or one that a proxy may have sent, such as a bare 429. IAM may have acted before that,
    /// or may act later.
    ServerError,
    /// An earlier run started the change so long ago that its requests are no longer valid.
    EarlierRun,
    /// An earlier run started the change a moment ago. Its request may still take effect.
    RecentRun,
    /// This run sent a request, and IAM did not respond. The request may still take effect.
    Unanswered,
}

impl Ambiguity {
    /// Whether no response of IAM decides about a change that was started.
    pub(crate) fn is_unconfirmed(self) -> bool {
        !matches!(self, Self::None | Self::ChangedBefore)
    }

    /// Whether a request of this run causes it.
    pub(crate) fn is_of_this_run(self) -> bool {
        matches!(self, Self::ServerError | Self::Unanswered)
    }
}

/// The last response to the request that changes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// `NoSuchEntity` about the key.
    NoSuchKey,
    /// `NoSuchEntity` about the user.
    NoSuchUser,
    /// Another error from IAM, which did not act on this attempt.
    Refused,
    /// A server error from IAM.
    ServerError,
    /// No response from IAM.
    None,
}

impl Response {
    /// Returns the response that a failed call got.
    pub(crate) fn of(failure: &CallError) -> Self {
        match failure {
            CallError::Service(error) => match error.kind() {
                ErrorKind::NoSuchEntity if error.is_about_user() => Self::NoSuchUser,
                ErrorKind::NoSuchEntity => Self::NoSuchKey,
                // A bare 429 may come from a proxy that passed the request on.
                ErrorKind::Throttling if error.code.is_none() => Self::ServerError,
                ErrorKind::ServiceFailure => Self::ServerError,
                _ => Self::Refused,
            },
            CallError::NotFound { .. } => Self::NoSuchKey,
            CallError::NotSent(_) | CallError::NoResponse(_) | CallError::Incomplete(_) => {
                Self::None
            }
        }
    }

    /// Returns what does not exist according to IAM, as a clause.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::NoSuchKey => Some("IAM found no such key for this user"),
            Self::NoSuchUser => Some("IAM found no such user"),
            Self::Refused | Self::ServerError | Self::None => None,
        }
    }

    fn is_missing(self) -> bool {
        self.missing().is_some()
    }
}

impl Search<'_> {
    /// Returns the outcome of a key whose change failed, and which is at `location` now.
    pub(crate) fn conclude(
        &self,
        ambiguity: Ambiguity,
        failure: CallError,
        location: &KeyLocation,
    ) -> Outcome {
        let is_unchecked = self.is_owner_unchecked(location);
        // IAM named another owner once. That user may have another name now, and may still own the key.
        let may_have_moved = is_unchecked
            && ambiguity == Ambiguity::None
            && self.key.user_name.is_some()
            && matches!(location, KeyLocation::GoneButNamed(owner) if !self.key.is_named_for(owner));
        let evidence = Evidence {
            action: self.request.action,
            ignore_missing: self.request.ignore_missing && !may_have_moved,
            hint: &self.hint,
            ambiguity,
            response: Response::of(&failure),
            location,
        };
        let failure = with_key(failure, self.key, self.iam);
        outcome(&evidence, self.key, failure, is_unchecked)
    }

    /// Whether this location shows a change only if no other user has got the owner's name.
    pub(crate) fn is_owner_unchecked(&self, location: &KeyLocation) -> bool {
        is_owner_unchecked(&self.hint, location, self.is_owner_denied.get())
    }

    /// Returns the failure before a change that this location shows.
    pub(crate) fn presumed(&self, failure: CallError, location: &KeyLocation) -> CallError {
        presumed(failure, self.is_owner_unchecked(location))
    }

    /// Describes where the key is.
    pub(crate) fn describe(&self, location: &KeyLocation) -> String {
        describe_location(self.request.action, &self.hint, location)
    }
}

/// Returns where more can be learned about a key at this location, after this response.
pub(crate) fn check(key: &Key, response: Response, location: &KeyLocation) -> Check {
    // A user who does not exist has no list.
    let (list, list_with_permission) = match response {
        Response::NoSuchUser => (Check::Owner, Check::Nothing),
        _ => (Check::List, Check::ListWithPermission),
    };
    match location {
        KeyLocation::GoneButNamed(owner) | KeyLocation::ReportedOwner(owner)
            if !key.is_named_for(owner) =>
        {
            Check::Owner
        }
        KeyLocation::Listed(_)
        | KeyLocation::Gone
        | KeyLocation::NoLongerListed
        | KeyLocation::GoneButNamed(_)
        | KeyLocation::ReportedOwner(_)
        | KeyLocation::LookupFailed
        | KeyLocation::Unconfirmed => list,
        KeyLocation::LookupDenied | KeyLocation::ListDenied => list_with_permission,
        KeyLocation::OtherUser(..)
        | KeyLocation::AbsentAsNamed
        | KeyLocation::NotListed
        | KeyLocation::UserMissing => Check::Owner,
        KeyLocation::OtherAccount(..) | KeyLocation::InNoList => Check::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::service_error;
    use crate::error::{SearchScope, TransportError};
    use crate::ident::{AccessKeyId, UserName};

    #[test]
    fn each_failure_says_what_iam_responded() {
        let no_user = "The user with name Bob cannot be found.";
        for (code, status, message, expected) in [
            (Some("NoSuchEntity"), 404, "", Response::NoSuchKey),
            (Some("NoSuchEntity"), 404, no_user, Response::NoSuchUser),
            (Some("AccessDenied"), 403, no_user, Response::Refused),
            (Some("Throttling"), 400, "", Response::Refused),
            (Some("Throttling"), 503, "", Response::Refused),
            (None, 429, "", Response::ServerError),
            (Some("ServiceFailure"), 400, "", Response::ServerError),
            (Some("Unlisted"), 500, "", Response::ServerError),
            (Some("NoSuchEntity"), 500, no_user, Response::ServerError),
            (None, 503, "", Response::ServerError),
            (Some("Unlisted"), 499, "", Response::Refused),
            (None, 404, "", Response::Refused),
        ] {
            let failure = CallError::Service(service_error(code, status, message));
            assert_eq!(Response::of(&failure), expected, "{failure:?}");
        }
        let not_found = CallError::not_found(SearchScope::Account);
        assert_eq!(Response::of(&not_found), Response::NoSuchKey);
        for failure in [
            CallError::NotSent,
            CallError::NoResponse,
            CallError::Incomplete,
        ] {
            let failure = failure(TransportError::default());
            assert_eq!(Response::of(&failure), Response::None, "{failure:?}");
        }
    }

    #[test]
    fn only_a_change_that_no_response_confirms_is_unconfirmed() {
        for (ambiguity, is_unconfirmed, is_of_this_run) in [
            (Ambiguity::None, false, false),
            (Ambiguity::ChangedBefore, false, false),
            (Ambiguity::EarlierRun, true, false),
            (Ambiguity::RecentRun, true, false),
            (Ambiguity::ServerError, true, true),
            (Ambiguity::Unanswered, true, true),
        ] {
            let found = (ambiguity.is_unconfirmed(), ambiguity.is_of_this_run());
            assert_eq!(found, (is_unconfirmed, is_of_this_run), "{ambiguity:?}");
        }
    }

    #[test]
    fn where_more_can_be_learned_depends_on_what_was_found() {
        let name = |name: &str| name.parse::<UserName>().expect("a name");
        let key = Key {
            id: AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned()).expect("an ID"),
            user_name: Some(name("bob")),
        };
        let account = |id: &str| id.parse().expect("an account");
        for (location, expected) in [
            (KeyLocation::Listed(None), Check::List),
            (KeyLocation::Gone, Check::List),
            (KeyLocation::NoLongerListed, Check::List),
            (KeyLocation::GoneButNamed(name("Bob")), Check::List),
            (KeyLocation::GoneButNamed(name("Alice")), Check::Owner),
            (KeyLocation::ReportedOwner(name("Alice")), Check::Owner),
            (KeyLocation::ReportedOwner(name("Bob")), Check::List),
            (KeyLocation::LookupFailed, Check::List),
            (KeyLocation::Unconfirmed, Check::List),
            (KeyLocation::LookupDenied, Check::ListWithPermission),
            (KeyLocation::ListDenied, Check::ListWithPermission),
            (KeyLocation::OtherUser(name("Alice"), None), Check::Owner),
            (KeyLocation::AbsentAsNamed, Check::Owner),
            (KeyLocation::NotListed, Check::Owner),
            (KeyLocation::UserMissing, Check::Owner),
            (KeyLocation::InNoList, Check::Nothing),
            (
                KeyLocation::OtherAccount(account("111111111111"), account("222222222222")),
                Check::Nothing,
            ),
        ] {
            let found = check(&key, Response::NoSuchKey, &location);
            assert_eq!(found, expected, "{location:?}");
            // A user who does not exist has no list.
            let expected = match expected {
                Check::List => Check::Owner,
                Check::ListWithPermission => Check::Nothing,
                check => check,
            };
            let found = check(&key, Response::NoSuchUser, &location);
            assert_eq!(found, expected, "{location:?}");
        }
    }
}
