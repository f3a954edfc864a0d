//! Concludes what happened to a key from IAM's responses, the reads after them, and what earlier runs did. It is one
//! table for one key and for many, for resumed keys and for `--ignore-missing`.
//!
//! Its rules:
//! - A request without a response from IAM may still take effect seconds later, and so may one that IAM answered with a
//!   server error. While such a request is out, a key is never "not deleted".
//! - A key is gone only if the list of its owner says so. The list of any other user proves nothing.
//! - If only the caller names the owner, IAM's `NoSuchEntity` and that user's list count together. They do not count for a
//!   deletion that an earlier run started: that run may have sent nothing.

mod reason;
mod table;

use crate::error::{CallError, ErrorKind, SearchScope};
use crate::ident::UserName;
use crate::locate::{KeyLocation, Search};
use crate::outcome::{Check, KeyState, Outcome};
use crate::request::Key;
pub(crate) use reason::describe_location;
use reason::reason;
use table::{Conclusion, Evidence, conclude};

/// Why a key may have been changed although no response of this run says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguity {
    /// It was not changed.
    None,
    /// IAM returned a server error. It may have acted before that, or may act later.
    ServerError,
    /// An earlier run started the change so long ago that its requests are no longer valid.
    EarlierRun,
    /// An earlier run started the change a moment ago. Its request may still take effect.
    RecentRun,
    /// This run sent a request, and IAM did not respond. The request may still take effect.
    Unanswered,
}

impl Ambiguity {
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
                ErrorKind::Throttling => Self::Refused,
                ErrorKind::ServiceFailure => Self::ServerError,
                _ if error.status >= 500 => Self::ServerError,
                _ => Self::Refused,
            },
            CallError::NotFound(_) => Self::NoSuchKey,
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
        mut failure: CallError,
        location: &KeyLocation,
    ) -> Outcome {
        let evidence = Evidence {
            action: self.request.action,
            ignore_missing: self.request.ignore_missing,
            hint: &self.hint,
            ambiguity,
            response: Response::of(&failure),
            location,
        };
        if evidence.response == Response::NoSuchKey
            && let Some(context) = failure.context_mut()
        {
            if let KeyLocation::GoneButNamed(owner) = location {
                context.still_reported_owner = Some(owner.clone());
            }
            context.is_listed = matches!(location, KeyLocation::Listed(_));
            context.owner_unchecked = matches!(
                location,
                KeyLocation::AbsentAsNamed | KeyLocation::NotListed | KeyLocation::LookupDenied
            );
        }
        let why = reason(&evidence);
        match conclude(&evidence) {
            Conclusion::Done | Conclusion::ProbablyDone => Outcome::confirmed(why),
            Conclusion::Missing => Outcome::Missing(failure),
            Conclusion::NotDone => Outcome::not_done(failure, why),
            Conclusion::OtherUser(owner) => owned_by_other(self.key, failure, owner),
            Conclusion::Unknown => Outcome::Failed {
                failure,
                known: KeyState::Unknown {
                    why,
                    check: check(location),
                },
            },
        }
    }
}

/// Returns where more can be learned about a key at this location.
fn check(location: &KeyLocation) -> Check {
    match location {
        KeyLocation::Listed(_)
        | KeyLocation::Gone
        | KeyLocation::GoneButNamed(_)
        | KeyLocation::LookupFailed => Check::List,
        KeyLocation::LookupDenied => Check::ListWithPermission,
        KeyLocation::OtherUser(_)
        | KeyLocation::AbsentAsNamed
        | KeyLocation::NotListed
        | KeyLocation::UserMissing => Check::Owner,
        KeyLocation::OtherAccount(..) => Check::Nothing,
    }
}

/// Returns the outcome of a key that was not changed because it belongs to another user than the named or calling one.
fn owned_by_other(key: &Key, failure: CallError, owner: UserName) -> Outcome {
    let why = format!("it belongs to the user {owner}");
    let failure = if failure.is_no_such_entity() {
        failure
    } else {
        let user_name = key.user_name.clone();
        CallError::not_found(user_name.map_or(SearchScope::SigningUser, SearchScope::User))
    };
    Outcome::not_done(failure.with_owner(Some(owner)), why)
}
