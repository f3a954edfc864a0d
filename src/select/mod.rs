//! Selects keys by the guards, by what IAM says about them, and by the conditions. Nothing here changes a key, and a read
//! that fails never lets a key through.

pub(crate) mod credential_report;
mod fetch;
mod found;
mod index;
mod missing;
mod sweep;
mod users;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::aws::{Iam, TimeBudget};
use crate::condition::{ConditionResult, OWNER_TAGS, RequiredRead, TRUSTED_TIME};
use crate::error::{CallError, ErrorKind, Hint, NamedBy, TransportError};
use crate::guard;
use crate::ident::UserName;
use crate::log::Log;
use crate::metadata::{KeyMetadata, Status, Target, Unread};
use crate::outcome::{KeyResult, NOT_REQUESTED, Outcome};
use crate::report::Bar;
use crate::report::message::Messages;
use crate::request::{Action, Key, Mode, Request};
pub(crate) use found::Sweep;
use index::Index;

/// A key that may be changed, or the result of one that may not.
pub(crate) type Choice = Result<Target, Box<KeyResult>>;

/// The lowercase names of users.
type Names = Result<HashSet<String>, CallError>;

/// Selects keys.
#[derive(Clone, Debug)]
pub(crate) struct Selector<'a> {
    iam: &'a Iam,
    request: &'a Request,
    log: Log,
    pub(crate) bar: Bar,
    /// The owners of all keys, once they were needed. All keys of the run share this and the following fields.
    owners: Rc<OnceCell<Result<Index, CallError>>>,
    /// The users who were under the request's path at this time, once they were needed.
    under_path: Rc<Mutex<Option<(Instant, Names)>>>,
    /// The IDs of the users under the request's path, by lowercase name, in all lists of this run.
    ids_under_path: Rc<RefCell<HashMap<String, HashSet<String>>>>,
    /// The name of the calling user, once it was needed. `None`: STS does not name one.
    calling_user: Rc<OnceCell<Option<UserName>>>,
    /// The reads without a result that were reported.
    reported: Rc<Cell<Unread>>,
}

/// What a run says while it waits for `LIST_LAG`.
const WAIT_FOR_LISTS: &str = "waiting until IAM's lists are up to date";

/// How much a read is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Requirement {
    /// The call is not made.
    None,
    /// The result of the call decides nothing, whatever it is.
    IfPossible,
    /// The result is printed. It is omitted if the call may fail (`may_omit`).
    IfAllowed,
    /// The result decides about the key.
    Required,
}

impl<'a> Selector<'a> {
    /// Creates a selector for this request.
    pub(crate) fn new(iam: &'a Iam, request: &'a Request) -> Self {
        Self {
            iam,
            request,
            log: Log::of(request),
            bar: Bar::new(request),
            owners: Rc::default(),
            under_path: Rc::default(),
            ids_under_path: Rc::default(),
            calling_user: Rc::default(),
            reported: Rc::default(),
        }
    }

    /// Decides on one key within its time limit.
    pub(crate) async fn decide(&self, key: Key, iam: &Iam, budget: &mut TimeBudget) -> Choice {
        let selector = Selector {
            iam,
            ..self.clone()
        };
        let mut target = Target::from(key);
        match selector.check(&mut target, budget).await {
            Ok(()) => Ok(target),
            Err(outcome) => Err(self.unchanged(target, outcome)),
        }
    }

    /// Reads what the request requires of a key, and checks the guards and conditions.
    ///
    /// # Errors
    ///
    /// The outcome of a key that is not changed.
    async fn check(&self, target: &mut Target, budget: &mut TimeBudget) -> Result<(), Outcome> {
        let own_key =
            |target: &Target| guard::signing_key(&target.key, &self.iam.signer, self.request);
        if self.request.mode == Mode::Change
            && let Some(outcome) = own_key(target)
        {
            return Err(outcome);
        }
        let is_named = target.key.user_name.is_some();
        let fetched = self.fetch_metadata(target, budget).await;
        let named_by = match named_by(self.request, &target.metadata) {
            // The index of the account names the owner.
            _ if !is_named && target.key.user_name.is_some() => NamedBy::Iam,
            named_by => named_by,
        };
        // A dry run shows what it read about the caller's own key.
        if let Some(outcome) = own_key(target) {
            return Err(outcome);
        }
        let denied = fetched.map_err(|outcome| outcome.with_owner_named_by(named_by))?;
        let result = self.request.conditions.evaluate(&target.metadata);
        if let ConditionResult::Met | ConditionResult::MissingData(OWNER_TAGS) = result
            && let Some(status) = self.already(&target.metadata)
        {
            return Err(Outcome::Already(status));
        }
        match result {
            ConditionResult::Met => Ok(()),
            ConditionResult::NotMet(reason) => Err(Outcome::Skipped(reason)),
            ConditionResult::MissingData(data) => {
                Err(failed(denied.unwrap_or_else(|| self.lacking(data))))
            }
            ConditionResult::ImpossibleDate(what) => Err(failed(impossible_date(&what))),
        }
    }

    /// Whether a value that is only printed is omitted after this failure of its read. A dry run shows a key although another
    /// read fails, unless no other one can succeed or the time is up.
    fn may_omit(&self, failure: &CallError) -> bool {
        let is_of_this_read = match failure {
            CallError::Service(error) => !matches!(
                error.kind(),
                ErrorKind::Credentials | ErrorKind::Throttling | ErrorKind::NoSuchEntity
            ),
            CallError::NotFound { .. } => false,
            CallError::NotSent(error) => error.has_unexpected_response,
            CallError::NoResponse(error) | CallError::Incomplete(error) => !error.ran_out_of_time,
        };
        failure.is_denied() || self.request.mode == Mode::DryRun && is_of_this_read
    }

    /// Prints, once per run, what is omitted because its read has no result.
    pub(crate) fn report_unread(&self, unread: Unread) {
        let (messages, reported) = (Messages::of(self.request), self.reported.get());
        if unread.denied_listing && !reported.denied_listing {
            messages.note("status and creation date are unknown where IAM denied ListAccessKeys");
        }
        if unread.denied_last_use && !reported.denied_last_use {
            messages.note("the last use is unknown where IAM denied GetAccessKeyLastUsed");
        }
        if unread.failed_last_use && !reported.failed_last_use {
            messages.note("the last use is unknown where GetAccessKeyLastUsed failed");
        }
        self.reported.set(reported | unread);
    }

    /// Returns the error for data that a condition lacks.
    fn lacking(&self, data: &'static str) -> CallError {
        match self.iam.clock_jump() {
            Some(jump) if data == TRUSTED_TIME => jump,
            Some(_) | None => missing_data(data),
        }
    }

    /// Returns the status that a key is to get, if it has that status already.
    fn already(&self, metadata: &KeyMetadata) -> Option<Status> {
        let wanted = self.request.action.status()?;
        (metadata.status.as_ref() == Some(&wanted)).then_some(wanted)
    }

    /// Whether a key is to be changed unless a tag of its owner excepts it.
    fn lacks_only_tags(&self, metadata: &KeyMetadata) -> bool {
        let result = self.request.conditions.evaluate(metadata);
        result == ConditionResult::MissingData(OWNER_TAGS) && self.already(metadata).is_none()
    }

    /// Returns how much the last use and the owner (`GetAccessKeyLastUsed`) are required.
    fn requires_last_use(&self) -> Requirement {
        self.requires(RequiredRead::LastUse).max(self.printed())
    }

    /// Returns how much the status and the creation date (`ListAccessKeys`) of a key with this named owner are required.
    fn requires_listing(&self, user_name: Option<&UserName>) -> Requirement {
        let of_action = match self.request.action {
            // The status shows which keys need no change, and what an undo has to restore.
            Action::Deactivate | Action::Reactivate => Requirement::IfPossible,
            Action::Delete => Requirement::None,
        };
        let of_owner = if !self.request.find_user && user_name.is_none() {
            // The list of the calling user's own keys names the owner.
            self.requires(RequiredRead::Owner)
        } else {
            Requirement::None
        };
        let of_conditions = self.requires(RequiredRead::Listing);
        of_action
            .max(self.printed())
            .max(of_owner)
            .max(of_conditions)
    }

    /// Returns how much the conditions require a read.
    fn requires(&self, read: RequiredRead) -> Requirement {
        if self.request.conditions.require(read) {
            Requirement::Required
        } else {
            Requirement::None
        }
    }

    /// Returns how much a read is required because its result is printed.
    fn printed(&self) -> Requirement {
        if self.request.shows_keys() {
            Requirement::IfAllowed
        } else {
            Requirement::None
        }
    }

    fn unchanged(&self, target: Target, outcome: Outcome) -> Box<KeyResult> {
        Box::new(KeyResult::unchanged(target, self.request.action, outcome))
    }
}

/// Returns who named the owner of a key with this metadata.
pub(crate) fn named_by(request: &Request, metadata: &KeyMetadata) -> NamedBy {
    let looks_up = request.find_user || request.is_whole_account();
    match metadata.has_owner_of_iam() {
        false => NamedBy::Caller,
        true if looks_up => NamedBy::Iam,
        true => NamedBy::CallerAndIam,
    }
}

/// Returns the outcome after a failed read. No request to change the key was sent.
fn failed(failure: CallError) -> Outcome {
    Outcome::not_done(failure, NOT_REQUESTED)
}

/// Creates the error for required data that a response lacks.
pub(crate) fn missing_data(data: &str) -> CallError {
    CallError::Incomplete(TransportError::new("", format!("{data} is missing")))
}

/// Creates the error for a date from IAM that cannot be right. `what` is a clause.
fn impossible_date(what: &str) -> CallError {
    let reason = format!("{what}, so the conditions cannot be checked");
    CallError::Incomplete(TransportError::new("", reason))
}

/// Creates the error for responses that contradict each other, as after a change during the reads. `reason` is a clause.
fn contradiction(reason: String) -> CallError {
    CallError::Incomplete(TransportError {
        reason,
        hint: Some(Hint::again("")),
        ..TransportError::default()
    })
}
