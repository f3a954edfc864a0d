//! Which keys, and what speaks against each: the guards, what IAM says of the key, the conditions. Nothing here
//! changes anything, and a read that fails never lets a key through.

mod credential_report;
mod fetch;
mod index;
mod sweep;
mod users;

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::aws::{Iam, KeyBudget};
use crate::condition::{ConditionResult, OWNER_TAGS, RequiredRead, TRUSTED_TIME};
use crate::error::{CallError, NamedBy, TransportError};
use crate::guard::{self, Signer};
use crate::ident::UserName;
use crate::locate::with_accounts;
use crate::log::Log;
use crate::metadata::{Denied, KeyMetadata, Status, Target};
use crate::outcome::{KeyResult, KeyState, Outcome};
use crate::report::message::Messages;
use crate::request::{Action, Key, Missing, Mode, Owner, Request, Selection};
use index::Index;
pub(crate) use sweep::Sweep;

/// A key that may be changed, or what became of one that may not.
pub(crate) type Choice = Result<Target, Box<KeyResult>>;

/// How keys are chosen.
#[derive(Debug)]
pub(crate) struct Selector<'a> {
    iam: &'a Iam,
    signer: &'a Signer,
    request: &'a Request,
    log: Log,
    shared: Rc<Shared>,
}

/// What all keys of the run share.
#[derive(Debug, Default)]
struct Shared {
    /// The owners of all keys, once they were needed.
    index: OnceCell<Result<Index, CallError>>,
    /// The lowercase names of the users who are still under the request's path, once that was asked again.
    under_path: OnceCell<Result<HashSet<String>, CallError>>,
    /// The denied reads that were reported already.
    reported: Cell<Denied>,
}

/// What is read of each key.
#[derive(Clone, Copy, Debug)]
struct Needs {
    /// `GetAccessKeyLastUsed`: its last use, and whose it is.
    last_use: Need,
    /// `ListAccessKeys`: its status and creation.
    listing: Need,
}

/// How much a fact is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// Not at all: the call is not made.
    Nothing,
    /// If possible: whatever the call comes to, nothing else changes.
    Tried,
    /// To be shown: where IAM does not allow the call, the fact is left out.
    Shown,
    /// To decide.
    Decisive,
}

impl Needs {
    /// What `request` needs of a key, whose owner may be named.
    fn of(request: &Request, user_name: Option<&UserName>) -> Self {
        let shown = if request.mode == Mode::DryRun || request.asks() {
            Need::Shown
        } else {
            Need::Nothing
        };
        let decisive = |read| {
            if request.conditions.require(read) {
                Need::Decisive
            } else {
                Need::Nothing
            }
        };
        let mut listing = decisive(RequiredRead::Listing);
        if request.owner == Owner::AsGiven && user_name.is_none() {
            // Of the signing user's own keys, the list says whose they are.
            listing = listing.max(decisive(RequiredRead::Owner));
        }
        let tried = match request.action {
            // It shows which keys have the status already, and what an undo has to restore.
            Action::Deactivate | Action::Reactivate => Need::Tried,
            Action::Delete => Need::Nothing,
        };
        Self {
            last_use: decisive(RequiredRead::LastUse).max(shown),
            listing: listing.max(shown).max(tried),
        }
    }
}

impl<'a> Selector<'a> {
    /// Chooses among keys as `request` says.
    pub(crate) fn new(iam: &'a Iam, signer: &'a Signer, request: &'a Request) -> Self {
        Self {
            iam,
            signer,
            request,
            log: Log::of(request),
            shared: Rc::default(),
        }
    }

    /// Decides on one key, within its limit.
    pub(crate) async fn decide(&self, key: Key, iam: &Iam, budget: &mut KeyBudget) -> Choice {
        let kept = guard::signing_key(&key, self.signer, self.request);
        let kept = match (kept, self.request.mode) {
            (Some(outcome), Mode::Change) => return self.stay(key.into(), outcome),
            (kept, _) => kept,
        };
        let own = Selector {
            iam,
            shared: Rc::clone(&self.shared),
            ..*self
        };
        let mut target = Target::from(key);
        let denied = match own.fetch_metadata(&mut target, budget).await {
            Ok(denied) => denied,
            Err(outcome) => {
                let named_by = named_by(self.request, &target.metadata);
                return self.stay(target, outcome.with_owner_named_by(named_by));
            }
        };
        if let Some(outcome) = kept {
            return self.stay(target, outcome);
        }
        let result = self.request.conditions.evaluate(&target.metadata);
        match (result, own.already(&target.metadata)) {
            (ConditionResult::Met | ConditionResult::MissingData(OWNER_TAGS), Some(status))
                if own.still_has_status(&mut target, budget).await =>
            {
                self.stay(target, Outcome::Already(status))
            }
            (ConditionResult::Met, _) => Ok(target),
            (ConditionResult::NotMet(reason), _) => self.stay(target, Outcome::Skipped(reason)),
            (ConditionResult::MissingData(fact), _) => {
                let failure = denied.unwrap_or_else(|| self.lacking(fact));
                self.stay(target, failed(failure))
            }
            (ConditionResult::ImpossibleDate(what), _) => {
                self.stay(target, failed(impossible(&what)))
            }
        }
    }

    /// Says once per run what cannot be shown because IAM denies the read.
    pub(crate) fn report_denied(&self, denied: Denied) {
        let (messages, reported) = (Messages::of(self.request), self.shared.reported.get());
        if denied.listing && !reported.listing {
            messages.note("status and creation are unknown: ListAccessKeys is not allowed");
        }
        if denied.last_use && !reported.last_use {
            messages.note("the last use is unknown: GetAccessKeyLastUsed is not allowed");
        }
        self.shared.reported.set(Denied {
            listing: denied.listing || reported.listing,
            last_use: denied.last_use || reported.last_use,
        });
    }

    /// A fact that is needed and missing, and the reason where it is known.
    fn lacking(&self, fact: &'static str) -> CallError {
        match self.iam.clock_jump() {
            Some(jump) if fact == TRUSTED_TIME => jump,
            Some(_) | None => missing_data(fact),
        }
    }

    /// The status that a key is to get, if it has it.
    fn already(&self, metadata: &KeyMetadata) -> Option<Status> {
        let wanted = self.request.action.status()?;
        (metadata.status.as_ref() == Some(&wanted)).then_some(wanted)
    }

    /// Whether a key is to be changed, unless a tag of its owner excepts it.
    fn lacks_only_tags(&self, metadata: &KeyMetadata) -> bool {
        let result = self.request.conditions.evaluate(metadata);
        // A list that shows a key as active may lag behind the deactivation that is to be undone.
        let is_changed =
            self.request.action == Action::Reactivate || self.already(metadata).is_none();
        result == ConditionResult::MissingData(OWNER_TAGS) && is_changed
    }

    /// How much the last use of a key is needed.
    fn needs_last_use(&self) -> Need {
        Needs::of(self.request, None).last_use
    }

    fn stay(&self, target: Target, outcome: Outcome) -> Choice {
        let result = KeyResult::unchanged(target, self.request.action, outcome);
        Err(Box::new(result))
    }

    /// A key that is not where it was looked for. `failure` says where.
    fn absent(&self, key: &Key, mut failure: CallError) -> Outcome {
        failure = with_accounts(failure, key, self.signer);
        let owner = failure.context().owner.clone();
        match (owner, &failure) {
            (Some(owner), _) => Outcome::Failed {
                failure,
                known: KeyState::NotDone(format!("it belongs to the user {owner}")),
            },
            (None, _)
                if self.request.missing == Missing::Succeeds
                    && failure.context().accounts.is_none() =>
            {
                Outcome::Missing(failure)
            }
            (None, _) => failed(failure),
        }
    }
}

/// Who says whose key it is, by what was read of it.
pub(crate) fn named_by(request: &Request, metadata: &KeyMetadata) -> NamedBy {
    let looks_up = request.owner == Owner::Find || matches!(request.selection, Selection::Account);
    match metadata.has_owner_of_iam() {
        false => NamedBy::Caller,
        true if looks_up => NamedBy::Iam,
        true => NamedBy::CallerAndIam,
    }
}

/// A read that failed: nothing was asked of IAM that changes the key.
fn failed(failure: CallError) -> Outcome {
    let failure = match failure {
        // What was lost is the answer to a read: the request that changes something was never sent.
        CallError::NoResponse(cause) => CallError::NotSent(cause),
        failure => failure,
    };
    Outcome::Failed {
        failure,
        known: KeyState::NotDone("no request to change it was sent to IAM".to_owned()),
    }
}

fn timed_out(limit: Duration) -> CallError {
    CallError::NotSent(TransportError {
        host: String::new(),
        reason: format!(
            "it did not return enough about the key in time; --timeout is {} s",
            limit.as_secs()
        ),
        hint: Some("if IAM is just slow, raise --timeout".to_owned()),
        ..TransportError::default()
    })
}

/// What IAM did not say, although nothing can be decided without.
pub(crate) fn missing_data(fact: &str) -> CallError {
    undecided(format!("{fact} is missing"))
}

/// A fact of IAM's that cannot be true; `what` is a fragment that says why.
fn impossible(what: &str) -> CallError {
    undecided(format!("{what}, so the conditions cannot be checked"))
}

fn undecided(reason: String) -> CallError {
    CallError::Incomplete(TransportError {
        reason,
        ..TransportError::default()
    })
}
