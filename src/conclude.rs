//! What may be concluded about a key: one table, from the responses of IAM, the reads after them and what earlier runs
//! did, to a statement. It serves one key and many, resumed keys and `--ignore-missing`.
//!
//! The rules that it follows:
//! - A request without a response from IAM can still act, seconds later, and so can one that IAM answered with a server
//!   error. While one is out, a key is never "not deleted".
//! - "Gone" needs the list of the key's owner. A list that need not be the owner's proves nothing.
//! - Where the caller names the owner, IAM's `NoSuchEntity` and that user's list together count. That an earlier run
//!   started a deletion does not: it may have sent nothing.

use crate::error::{CallError, Context, ErrorKind, NotFound, SearchScope};
use crate::ident::UserName;
use crate::locate::{KeyLocation, OwnerHint};
use crate::metadata::Status;
use crate::outcome::{Check, KeyState, Outcome, UnknownState};
use crate::request::{Action, Key, Missing};

/// Why a key may be changed although no response of this run says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguity {
    /// It cannot be.
    None,
    /// IAM returned a server error: it may have acted first, or act later.
    ServerError,
    /// An earlier run started the change so long ago that no request of it is valid any more.
    EarlierRun,
    /// An earlier run started it a moment ago, and its request may still act.
    RecentRun,
    /// A request of this run was sent, and no response of IAM's arrived: it may still act.
    Unanswered,
}

/// The last response to the request that changes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// `NoSuchEntity` about the key.
    NoSuchKey,
    /// `NoSuchEntity` about the user.
    NoSuchUser,
    /// Another error of IAM's: it did not act on this attempt.
    Refused,
    /// A server error of IAM's.
    ServerError,
    /// None that is IAM's.
    None,
}

/// What is known when a statement about a key has to be made.
#[derive(Clone, Debug)]
pub(crate) struct Evidence<'a> {
    /// What was to be done.
    pub(crate) action: Action,
    /// Whether a missing key is what the caller wants.
    pub(crate) missing: Missing,
    /// Who owns the key, as far as that was known before.
    pub(crate) hint: &'a OwnerHint,
    /// Whether it may be changed.
    pub(crate) ambiguity: Ambiguity,
    /// The last response.
    pub(crate) response: Response,
    /// Where the key is.
    pub(crate) location: &'a KeyLocation,
}

/// The statement about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Statement {
    /// It is changed: IAM's lists show it.
    Done,
    /// It is most likely deleted: IAM says that it is not there, and nobody but the caller says whose it was.
    ProbablyDone,
    /// It is not there, as the caller wants.
    Missing,
    /// It is not changed.
    NotDone,
    /// It is another user's, and not changed.
    OtherUser(UserName),
    /// Nobody can say.
    Unknown,
}

impl Response {
    /// The response that a failed call got.
    pub(crate) fn of(failure: &CallError) -> Self {
        match failure {
            CallError::Service(error) => match error.kind() {
                ErrorKind::NoSuchEntity if error.is_about_user() => Self::NoSuchUser,
                ErrorKind::NoSuchEntity => Self::NoSuchKey,
                // A status of 429 without IAM's error may be a proxy's, which passed the request on.
                ErrorKind::Throttling if error.code.is_none() => Self::ServerError,
                ErrorKind::Throttling => Self::Refused,
                _ if error.status >= 500 => Self::ServerError,
                _ => Self::Refused,
            },
            CallError::NotFound(_) => Self::NoSuchKey,
            CallError::NotSent(_) | CallError::NoResponse(_) | CallError::Incomplete(_) => {
                Self::None
            }
        }
    }

    /// What IAM says is not there, a clause: the key or its user.
    pub(crate) fn says_missing(self) -> Option<&'static str> {
        match self {
            Self::NoSuchKey => Some("IAM found no such key for this user"),
            Self::NoSuchUser => Some("IAM found no such user"),
            Self::Refused | Self::ServerError | Self::None => None,
        }
    }

    /// Whether IAM says that the key or its user is not there.
    fn is_missing(self) -> bool {
        self.says_missing().is_some()
    }
}

/// The table.
fn conclude(evidence: &Evidence<'_>) -> Statement {
    let Evidence {
        action,
        missing,
        hint,
        ambiguity,
        response,
        location,
    } = *evidence;
    if let KeyLocation::OtherUser(owner) = location {
        return other_user(evidence, owner);
    }
    if ambiguity == Ambiguity::None {
        return if response.is_missing() && missing == Missing::Succeeds {
            wanted(evidence)
        } else {
            Statement::NotDone
        };
    }
    let is_named = matches!(hint, OwnerHint::Named(_) | OwnerHint::Listed(_));
    let is_of_this_run = matches!(ambiguity, Ambiguity::ServerError | Ambiguity::Unanswered);
    match (action, location) {
        _ if location.shows_done(action) => Statement::Done,
        (_, KeyLocation::Listed(_)) => match ambiguity {
            // IAM contradicts itself: a list lags.
            _ if response.is_missing() => Statement::Unknown,
            Ambiguity::None | Ambiguity::EarlierRun => Statement::NotDone,
            Ambiguity::RecentRun | Ambiguity::ServerError | Ambiguity::Unanswered => {
                Statement::Unknown
            }
        },
        (
            Action::Deactivate | Action::Reactivate,
            KeyLocation::Gone | KeyLocation::GoneButNamed(_),
        ) if response.is_missing() => {
            if missing == Missing::Succeeds {
                Statement::Missing
            } else {
                Statement::NotDone
            }
        }
        (_, KeyLocation::AbsentAsNamed | KeyLocation::LookupDenied)
            if is_named && response == Response::NoSuchKey =>
        {
            match (action, is_of_this_run, missing) {
                (Action::Delete, true, _) => Statement::ProbablyDone,
                (_, _, Missing::Succeeds) => Statement::Missing,
                // A key does not go away when its status changes.
                (Action::Deactivate | Action::Reactivate, true, Missing::Fails) => {
                    Statement::NotDone
                }
                (_, false, Missing::Fails) => Statement::Unknown,
            }
        }
        (
            _,
            KeyLocation::Gone
            | KeyLocation::GoneButNamed(_)
            | KeyLocation::OtherUser(_)
            | KeyLocation::AbsentAsNamed
            | KeyLocation::NotListed
            | KeyLocation::UserMissing
            | KeyLocation::OtherAccount(..)
            | KeyLocation::LookupDenied
            | KeyLocation::LookupFailed,
        ) => Statement::Unknown,
    }
}

impl Evidence<'_> {
    /// What becomes of a key whose change failed with `failure`.
    pub(crate) fn outcome(&self, key: &Key, mut failure: CallError) -> Outcome {
        if self.response == Response::NoSuchKey
            && let Some(context) = failure.context_mut()
        {
            if let KeyLocation::GoneButNamed(owner) = self.location {
                context.still_reported_owner = Some(owner.clone());
            }
            context.is_listed = matches!(self.location, KeyLocation::Listed(_));
            context.owner_unchecked = matches!(
                self.location,
                KeyLocation::AbsentAsNamed | KeyLocation::NotListed | KeyLocation::LookupDenied
            );
        }
        let why = reason(self);
        match conclude(self) {
            Statement::Done | Statement::ProbablyDone => Outcome::Done {
                response: None,
                evidence: Some(why),
            },
            Statement::Missing => Outcome::Missing(failure),
            Statement::NotDone => Outcome::Failed {
                failure,
                known: KeyState::NotDone(why),
            },
            Statement::OtherUser(owner) => another_users(key, failure, owner),
            Statement::Unknown => Outcome::Failed {
                failure,
                known: KeyState::Unknown(UnknownState {
                    why,
                    check: self.check(),
                }),
            },
        }
    }

    /// What shows more of the key than was read.
    fn check(&self) -> Check {
        match self.location {
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
}

/// The key is there, and it is not the user's whose key was to be changed.
fn another_users(key: &Key, failure: CallError, owner: UserName) -> Outcome {
    let known = KeyState::NotDone(format!("it belongs to the user {owner}"));
    let mut failure = if failure.is_no_such_entity() {
        failure
    } else {
        let scope = key
            .user_name
            .clone()
            .map_or(SearchScope::SigningUser, SearchScope::User);
        CallError::NotFound(NotFound {
            scope,
            context: Box::new(Context::default()),
        })
    };
    if let Some(context) = failure.context_mut() {
        context.owner = Some(owner);
    }
    Outcome::Failed { failure, known }
}

/// A key of another user. A request that named another user cannot change it.
fn other_user(evidence: &Evidence<'_>, owner: &UserName) -> Statement {
    let was_started = matches!(
        evidence.ambiguity,
        Ambiguity::EarlierRun | Ambiguity::RecentRun
    );
    match (evidence.hint, evidence.action) {
        // An earlier run may have named its owner. IAM can still know a deleted key for a moment.
        (OwnerHint::Disputed, _) => Statement::Unknown,
        (_, Action::Deactivate | Action::Reactivate) if was_started => Statement::Unknown,
        // Without a name the calling user may be the owner. Then a request that is out can still act.
        (OwnerHint::Unknown, Action::Delete)
            if matches!(
                evidence.ambiguity,
                Ambiguity::RecentRun | Ambiguity::ServerError | Ambiguity::Unanswered
            ) && evidence.response != Response::NoSuchKey =>
        {
            Statement::Unknown
        }
        // The user may have been renamed after a request acted. `NoSuchEntity` about the key says that this user exists.
        (_, Action::Deactivate | Action::Reactivate)
            if evidence.ambiguity != Ambiguity::None
                && evidence.response != Response::NoSuchKey =>
        {
            Statement::Unknown
        }
        _ => Statement::OtherUser(owner.clone()),
    }
}

/// A key that IAM does not find, where that is what the caller wants. Nothing was sent that may have changed it.
fn wanted(evidence: &Evidence<'_>) -> Statement {
    let is_named = matches!(evidence.hint, OwnerHint::Named(_) | OwnerHint::Listed(_));
    match evidence.location {
        KeyLocation::Gone | KeyLocation::GoneButNamed(_) => Statement::Missing,
        KeyLocation::AbsentAsNamed | KeyLocation::LookupDenied
            if is_named && evidence.response == Response::NoSuchKey =>
        {
            Statement::Missing
        }
        _ => Statement::NotDone,
    }
}

/// What the statement rests on, a fragment.
fn reason(evidence: &Evidence<'_>) -> String {
    let cause = match (evidence.ambiguity, evidence.response) {
        (Ambiguity::None, _) => return missing(evidence),
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
        (_, Response::ServerError)
            if matches!(
                evidence.location,
                KeyLocation::Gone | KeyLocation::GoneButNamed(_)
            ) =>
        {
            "IAM returned an error, but may have made the change first"
        }
        (_, Response::ServerError) => "IAM returned an error, but may still make the change",
        (Ambiguity::ServerError, Response::Refused | Response::None) => {
            "an earlier attempt returned a server error"
        }
        (_, Response::Refused) => "the response to an earlier attempt was lost",
        (_, Response::None) => "the request was sent and no usable response arrived",
    };
    let Evidence {
        action,
        hint,
        location,
        ..
    } = *evidence;
    format!("{cause}; {}", place(action, hint, location))
}

/// What IAM says of a key that it does not find, although nothing was sent that may have changed it.
fn missing(evidence: &Evidence<'_>) -> String {
    let what = evidence.response.says_missing();
    let what = what.unwrap_or("IAM refused the request");
    match (evidence.response, evidence.location, evidence.missing) {
        (Response::NoSuchKey, KeyLocation::Listed(_), _) => "IAM still lists the key".to_owned(),
        (_, KeyLocation::LookupFailed, Missing::Succeeds) => {
            format!("{what}, and checking the key failed")
        }
        _ => what.to_owned(),
    }
}

/// Where a key is, a fragment.
pub(crate) fn place(action: Action, hint: &OwnerHint, location: &KeyLocation) -> String {
    match (action, location) {
        (
            Action::Deactivate | Action::Reactivate,
            KeyLocation::Listed(Some(status @ (Status::Active | Status::Inactive))),
        ) => {
            let since = if location.shows_done(action) {
                "now"
            } else {
                "still"
            };
            format!("IAM {since} lists the key as {}", status.as_str())
        }
        (_, KeyLocation::Listed(_)) => "IAM still lists the key".to_owned(),
        (_, KeyLocation::OtherUser(owner)) => format!("IAM reports that {owner} owns the key"),
        (_, KeyLocation::Gone) => "IAM no longer lists the key".to_owned(),
        (_, KeyLocation::GoneButNamed(owner)) => {
            format!("IAM no longer lists the key, but still names {owner} as its owner")
        }
        (_, KeyLocation::AbsentAsNamed) => match hint {
            OwnerHint::Named(owner) => {
                format!("IAM does not list the key for {owner}, and does not confirm its owner")
            }
            OwnerHint::Unknown | OwnerHint::Listed(_) | OwnerHint::Disputed => {
                "IAM does not list the key, and does not confirm its owner".to_owned()
            }
        },
        (_, KeyLocation::NotListed) => "IAM does not report who owns the key".to_owned(),
        (_, KeyLocation::UserMissing) => {
            "the user does not exist, and IAM does not report who owns the key".to_owned()
        }
        (_, KeyLocation::OtherAccount(theirs, ours)) => format!(
            "the key's ID encodes account {theirs}, which the credentials of account {ours} cannot check"
        ),
        (_, KeyLocation::LookupDenied) => "there is no permission to check the key".to_owned(),
        (_, KeyLocation::LookupFailed) => "checking the key failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    //! The table, written out, and its rules over every combination.

    use super::*;
    use crate::ident::AccountId;
    use crate::request::KeyOwner;

    fn bob() -> UserName {
        "Bob".parse().expect("a name")
    }

    fn hints() -> [OwnerHint; 4] {
        [
            OwnerHint::Unknown,
            OwnerHint::Named(KeyOwner::User(bob())),
            OwnerHint::Listed(KeyOwner::User(bob())),
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
    const TABLE: [(Action, Ambiguity, Response, &str, &str, &str); 75] = [
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
        (Action::Reactivate, Ambiguity::None, Response::NoSuchKey, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMMnnnMnM"),
        (Action::Reactivate, Ambiguity::None, Response::NoSuchUser, "nnonnnnnnnn", "nnonnnnnnnn", "nnoMnnnnnnM"),
        (Action::Reactivate, Ambiguity::None, Response::Refused, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
        (Action::Reactivate, Ambiguity::None, Response::ServerError, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
        (Action::Reactivate, Ambiguity::None, Response::None, "nnonnnnnnnn", "nnonnnnnnnn", "nnonnnnnnnn"),
        (Action::Reactivate, Ambiguity::ServerError, Response::NoSuchKey, "D?on??????n", "D?onn???n?n", "D?oMM???M?M"),
        (Action::Reactivate, Ambiguity::ServerError, Response::NoSuchUser, "D??n??????n", "D??n??????n", "D??M??????M"),
        (Action::Reactivate, Ambiguity::ServerError, Response::Refused, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::ServerError, Response::ServerError, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::ServerError, Response::None, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::EarlierRun, Response::NoSuchKey, "D??n??????n", "D??n??????n", "D??MM???M?M"),
        (Action::Reactivate, Ambiguity::EarlierRun, Response::NoSuchUser, "D??n??????n", "D??n??????n", "D??M??????M"),
        (Action::Reactivate, Ambiguity::EarlierRun, Response::Refused, "Dn?????????", "Dn?????????", "Dn?????????"),
        (Action::Reactivate, Ambiguity::EarlierRun, Response::ServerError, "Dn?????????", "Dn?????????", "Dn?????????"),
        (Action::Reactivate, Ambiguity::EarlierRun, Response::None, "Dn?????????", "Dn?????????", "Dn?????????"),
        (Action::Reactivate, Ambiguity::RecentRun, Response::NoSuchKey, "D??n??????n", "D??n??????n", "D??MM???M?M"),
        (Action::Reactivate, Ambiguity::RecentRun, Response::NoSuchUser, "D??n??????n", "D??n??????n", "D??M??????M"),
        (Action::Reactivate, Ambiguity::RecentRun, Response::Refused, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::RecentRun, Response::ServerError, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::RecentRun, Response::None, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::Unanswered, Response::NoSuchKey, "D?on??????n", "D?onn???n?n", "D?oMM???M?M"),
        (Action::Reactivate, Ambiguity::Unanswered, Response::NoSuchUser, "D??n??????n", "D??n??????n", "D??M??????M"),
        (Action::Reactivate, Ambiguity::Unanswered, Response::Refused, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::Unanswered, Response::ServerError, "D??????????", "D??????????", "D??????????"),
        (Action::Reactivate, Ambiguity::Unanswered, Response::None, "D??????????", "D??????????", "D??????????"),
    ];

    #[test]
    fn every_statement_is_the_one_of_the_table() {
        let named = OwnerHint::Named(KeyOwner::User(bob()));
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
        assert_eq!(combinations, 3 * 5 * 5 * 4 * 2 * 11);
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
            Action::Reactivate => matches!(location, KeyLocation::Listed(Some(Status::Active))),
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
                // A key does not go away when its status changes: then a request that is out cannot act.
                let is_absent = *action != Action::Delete && response.is_missing();
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
}
