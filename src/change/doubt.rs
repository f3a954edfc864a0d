//! The answer was lost, and the request may have been carried out: the key is looked for until something is known
//! of it, or nobody can say.

use std::time::Duration;

use tokio::time::sleep;

use super::{Change, Earlier, Whose};
use crate::aws::attempts::Record;
use crate::fact::Status;
use crate::failure::{Code, Failure, ServiceError};
use crate::guard;
use crate::ident::{AccountId, UserName};
use crate::outcome::{Known, Outcome};
use crate::request::{Action, Key};

/// The pauses between looks at a list that may lag behind a change.
const LOOK_AGAIN: [Duration; 3] = [
    Duration::from_millis(150),
    Duration::from_millis(350),
    Duration::from_millis(700),
];

/// What a look for the key found.
#[derive(Debug)]
pub(super) enum Found {
    /// It is in the list of the user it was looked for, and it is active.
    Active,
    /// It is in that list, and cannot sign.
    Inactive,
    /// It is another user's.
    Elsewhere(UserName),
    /// It is not in the list it was in, or had to be in.
    Gone,
    /// It is in no list here, and its ID encodes an account that is not the signer's, which cannot look.
    Foreign(AccountId, AccountId),
    /// It is in no list that it had to be in, and whose it is IAM does not say.
    Nowhere,
    /// Looking is not allowed.
    Denied,
    /// Looking failed.
    Unreadable,
}

/// Whose attempt may have changed the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// One of this run's.
    Attempt,
    /// An earlier run's, if it came to one: it was killed, or never knew.
    EarlierRun,
}

impl Change<'_> {
    /// Whether an attempt may have changed the key although the call failed.
    pub(super) fn doubt(&self, failure: &Failure, record: &Record) -> Option<Doubt> {
        let earlier = (self.earlier == Earlier::Began).then_some(Doubt::EarlierRun);
        let any = record
            .may_have_acted()
            .then_some(Doubt::Attempt)
            .or(earlier);
        match failure {
            Failure::NoAnswer(_) => Some(Doubt::Attempt),
            Failure::NotSent(_) | Failure::Absent(_) | Failure::Unclear(_) => earlier,
            Failure::Service(error) if error.family() == Code::NoSuchEntity => match self.action {
                // A key does not go away by being deactivated; an earlier run may have known better whose it is.
                Action::Deactivate => earlier,
                // Of a user who is not there no attempt found a key; an earlier run may have.
                Action::Delete if error.is_about_user() => earlier,
                Action::Delete => any,
            },
            Failure::Service(_) => any,
        }
    }

    /// Looks for the key, again where the list may lag, and concludes what became of it.
    pub(super) async fn settle(&self, key: &Key, failure: Failure, doubt: Doubt) -> Outcome {
        let mut found = self.look_once(key).await;
        for pause in LOOK_AGAIN {
            if !self.may_lag(&found) {
                break;
            }
            sleep(pause).await;
            found = self.look_once(key).await;
        }
        conclude(self.action, doubt, &self.whose, failure, found)
    }

    fn may_lag(&self, found: &Found) -> bool {
        match self.action {
            Action::Delete => matches!(found, Found::Active | Found::Inactive),
            Action::Deactivate => matches!(found, Found::Active),
        }
    }

    /// Looks for the key: whose is it, and what does that user's list say?
    pub(super) async fn look_once(&self, key: &Key) -> Found {
        let found = self.look(key).await;
        match guard::foreign_account(&key.id, self.signer) {
            Some((theirs, ours))
                if matches!(found, Found::Gone | Found::Nowhere | Found::Denied) =>
            {
                Found::Foreign(theirs, ours)
            }
            _ => found,
        }
    }

    async fn look(&self, key: &Key) -> Found {
        let named = match &self.whose {
            Whose::Known(owner) => key.user_name.as_ref().or(Some(owner)),
            Whose::Unsaid | Whose::Disputed => key.user_name.as_ref(),
        };
        let is_disputed = matches!(self.whose, Whose::Disputed);
        let owner = match self.iam.last_use(&key.id).await {
            Ok(read) => match (named, read.owner) {
                (Some(named), Some(owner)) if !named.same_user(&owner) => {
                    return Found::Elsewhere(owner);
                }
                // IAM knows the key, and does not say whose it is.
                (_, None) => return Found::Unreadable,
                (_, owner) => owner,
            },
            // Of a key it does not know, IAM says the same as of a call that is not allowed.
            Err(Failure::Service(error)) if is_no(&error) => None,
            Err(_) => return Found::Unreadable,
        };
        let listing = match self.iam.access_keys(named).await {
            Ok(listing) => listing,
            // A user cannot be deleted while it has keys; one that never was says nothing of the key.
            Err(failure) if failure.is_no_such_entity() && owner.is_some() => return Found::Gone,
            Err(Failure::Service(error)) if is_no(&error) => return Found::Denied,
            Err(_) => return Found::Unreadable,
        };
        let listed = listing
            .keys
            .iter()
            .find(|listed| listed.id == key.id.as_str());
        match (listed, owner) {
            (Some(listed), _) if listed.status == Some(Status::Inactive) => Found::Inactive,
            (Some(_), _) => Found::Active,
            // Without a name, the list is the signing user's, who has at least the key that signs.
            (None, Some(owner)) if named.is_none() => {
                let signer = listing.keys.iter().find_map(|listed| listed.owner.as_ref());
                match signer {
                    Some(signer) if signer.same_user(&owner) => Found::Gone,
                    _ => Found::Elsewhere(owner),
                }
            }
            // Where nobody knows whose it was, a list that it is not in says nothing.
            (None, None) if named.is_none() || is_disputed => Found::Nowhere,
            (None, _) => Found::Gone,
        }
    }
}

/// What a look found that shows that the key is changed.
pub(super) fn shows_done(action: Action, found: &Found) -> Option<&'static str> {
    match (action, found) {
        (Action::Delete, Found::Gone) => Some("IAM does not list the key now"),
        (Action::Deactivate, Found::Inactive) => Some("IAM lists the key as Inactive now"),
        (Action::Delete | Action::Deactivate, _) => None,
    }
}

/// Whether IAM's answer to a look is a plain no, rather than trouble on the way.
fn is_no(error: &ServiceError) -> bool {
    matches!(
        error.family(),
        Code::AccessDenied | Code::NoSuchEntity | Code::Validation
    )
}

/// What a failed call and the look after it come to.
pub(super) fn conclude(
    action: Action,
    doubt: Doubt,
    whose: &Whose,
    failure: Failure,
    found: Found,
) -> Outcome {
    let said_gone = failure.is_no_such_entity();
    let lost = match &failure {
        _ if said_gone && doubt == Doubt::EarlierRun => {
            "an earlier run began it, and IAM finds no such key now"
        }
        _ if doubt == Doubt::EarlierRun => "an earlier run began it",
        _ if said_gone => {
            "the answer to an earlier attempt was lost, and IAM then found no such key"
        }
        Failure::Service(error) if error.status >= 500 => {
            "IAM reported an error, but may have acted first"
        }
        Failure::Service(_) => "the answer to an earlier attempt was lost",
        Failure::Absent(_) | Failure::NotSent(_) | Failure::NoAnswer(_) | Failure::Unclear(_) => {
            "the request was sent and no usable answer came"
        }
    };
    let done = |evidence: String| Outcome::Done {
        reply: None,
        evidence: Some(evidence),
    };
    if let Some(shown) = shows_done(action, &found) {
        return done(format!("{lost}; {shown}"));
    }
    let is_disputed = matches!(whose, Whose::Disputed);
    let most_likely = said_gone && doubt == Doubt::Attempt && !is_disputed;
    let known = match (action, found) {
        (Action::Delete, Found::Denied) if most_likely => {
            return done(format!(
                "{lost}, so the lost attempt most likely deleted it; looking is not allowed"
            ));
        }
        (Action::Delete, Found::Nowhere) if most_likely => {
            return done(format!(
                "{lost}, so the lost attempt most likely deleted it; whose it was IAM does not say"
            ));
        }
        // Under its owner's name an earlier run may have come to it; of a deleted key IAM still knows that for a moment.
        (_, Found::Elsewhere(_)) if is_disputed => Known::begun(),
        (Action::Deactivate, Found::Elsewhere(_)) if doubt == Doubt::EarlierRun => Known::begun(),
        (_, Found::Elsewhere(owner)) => return another_users(failure, owner),
        (_, Found::Nowhere) => Known::Unknown(format!("{lost}, and IAM does not say whose it is")),
        (_, Found::Active | Found::Inactive) if said_gone => {
            Known::Unknown(format!("{lost}, yet IAM still lists it"))
        }
        (Action::Delete, Found::Active | Found::Inactive) => {
            Known::NotDone(format!("{lost}, but IAM still lists the key"))
        }
        (Action::Deactivate, Found::Active | Found::Inactive) => {
            Known::NotDone(format!("{lost}, but IAM still lists the key as Active"))
        }
        (_, Found::Gone) => Known::NotDone(format!("{lost}, and IAM does not list the key at all")),
        (_, Found::Foreign(theirs, ours)) => Known::Unknown(format!(
            "{lost}, and the key's ID encodes account {theirs}, where account {ours} cannot look"
        )),
        (_, Found::Denied | Found::Unreadable) => {
            Known::Unknown(format!("{lost}, and looking failed"))
        }
    };
    Outcome::Failed { failure, known }
}

/// The key is there, and it is not the user's whose key was to be changed.
pub(super) fn another_users(mut failure: Failure, owner: UserName) -> Outcome {
    let known = Known::NotDone(format!("it is a key of the user {owner}"));
    if let Some(context) = failure.context_mut() {
        context.owner = Some(owner);
    }
    Outcome::Failed { failure, known }
}
