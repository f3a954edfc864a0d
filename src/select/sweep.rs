//! Selects among all keys of a user or of the account. All lists are read completely before anything is done. A list that
//! cannot be read ends the run: treating it as empty could hide a key.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until};

use super::{Choice, Requirement, Selector, contradiction, failed, impossible_date};
use crate::condition::ConditionResult;
use crate::error::{CallError, ErrorKind, Exit, Hint, RunError};
use crate::guard;
use crate::ident::{AccessKeyId, UserName};
use crate::locate::LIST_LAG;
use crate::metadata::{Denied, KeyMetadata, Target, UserTag};
use crate::outcome::{KeyResult, Outcome};
use crate::report::{self, Bar};
use crate::request::{Key, Selection};
use crate::spill::SpillFile;

/// What a sweep found.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The keys to change.
    pub(crate) chosen: SpillFile<Target>,
    /// The keys that meet the conditions but are not changed: their own credentials are in use, or their owner's tags
    /// cannot be read.
    pub(crate) results: Vec<KeyResult>,
    /// How many users were read.
    pub(crate) users: usize,
    /// How many users were not read, because `--except-user` names them, and because the credential report shows that none
    /// of their keys matches.
    pub(crate) not_read: [usize; 2],
    /// What cannot be printed because IAM denied the read.
    pub(crate) denied: Denied,
    /// All keys by ID. A user who is renamed during the sweep may be read under both names. The later one counts, but the
    /// conditions must be met both times.
    found: HashMap<AccessKeyId, Found>,
}

#[derive(Debug)]
struct Found {
    user: Option<UserName>,
    /// The status and the creation date.
    listed: KeyMetadata,
    is_already_inactive: bool,
    /// Whether the key is neither changed nor reported.
    is_passed_over: bool,
}

/// A user, and the choice for each key by ID.
type Inspected = (Option<UserName>, Vec<(AccessKeyId, Choice)>);

impl Sweep {
    fn new() -> Self {
        Self {
            chosen: SpillFile::new(),
            results: Vec::new(),
            users: 0,
            not_read: [0; 2],
            denied: Denied::default(),
            found: HashMap::new(),
        }
    }

    /// Returns the number of keys that the users have.
    pub(crate) fn keys(&self) -> usize {
        self.found.len()
    }

    /// Returns the number of keys that need no deactivation because they are inactive.
    pub(crate) fn already_inactive(&self) -> usize {
        let found = self.found.values();
        found.filter(|found| found.is_already_inactive).count()
    }

    /// Whether the sweep neither selected nor reported the key.
    pub(crate) fn passed_over(&self, id: &AccessKeyId) -> bool {
        self.found.get(id).is_none_or(|found| found.is_passed_over)
    }

    /// Returns the user for whom IAM listed the key.
    pub(crate) fn owner(&self, id: &AccessKeyId) -> Option<&UserName> {
        self.found.get(id)?.user.as_ref()
    }

    /// Whether IAM listed the key in a state that shows that no expired request of an earlier run changed it.
    pub(crate) fn shows_unchanged(&self, id: &AccessKeyId) -> bool {
        let found = self.found.get(id);
        found.is_some_and(|found| !found.is_already_inactive)
    }

    fn add(&mut self, (user, keys): Inspected) -> Result<(), RunError> {
        for (id, choice) in keys {
            let outcome = choice.as_ref().err().map(|result| &result.outcome);
            let metadata = match &choice {
                Ok(target) => &target.metadata,
                Err(result) => &result.metadata,
            };
            let listed = KeyMetadata {
                status: metadata.status.clone(),
                created: metadata.created,
                ..KeyMetadata::default()
            };
            let earlier = self.found.get(&id);
            if let Some(how) = earlier.and_then(|earlier| earlier.listed.contradiction(&listed)) {
                let reason = format!("its lists show the key twice, {how}");
                let failure = contradiction(reason).about(Some(&id), user.as_ref());
                return Err(report::run_error(&failure, "IAM", ""));
            }
            let is_already_inactive = matches!(outcome, Some(Outcome::Already(_)));
            let is_passed_over = is_already_inactive
                || matches!(outcome, Some(Outcome::Skipped(_)))
                || earlier.is_some_and(|earlier| earlier.is_passed_over);
            let found = Found {
                user: user.clone(),
                listed,
                is_already_inactive,
                is_passed_over,
            };
            self.found.insert(id, found);
            match choice {
                Ok(target) => {
                    self.denied.last_use |= target.metadata.denied.last_use;
                    self.chosen
                        .push(&target)
                        .map_err(|error| not_stored(&error))?;
                }
                Err(_) if is_passed_over => {}
                Err(result) => self.results.push(*result),
            }
        }
        Ok(())
    }

    /// Removes keys that were found again, under another name of their user or under the same one: the last read counts.
    /// Keys with a result of `exclude` are not changed either.
    ///
    /// # Errors
    ///
    /// The list of a user has a key of which IAM says that another user owns it.
    fn settle(
        mut self,
        exclude: impl Fn(&Target) -> Option<Box<KeyResult>>,
    ) -> Result<Self, RunError> {
        let mut seen = HashSet::new();
        let found = &self.found;
        let mut is_current = |key: &Key| {
            let found = found.get(&key.id);
            found.is_some_and(|found| !found.is_passed_over && found.user == key.user_name)
                && seen.insert(key.id.clone())
        };
        self.results.retain(|result| is_current(&result.key));
        let mut current = SpillFile::new();
        for target in self.chosen.read().map_err(|error| not_stored(&error))? {
            let target = target.map_err(|error| not_stored(&error))?;
            if !is_current(&target.key) {
                continue;
            }
            let (listed, named) = (&target.key.user_name, &target.metadata.owner);
            if let (Some(user), Some(owner)) = (listed, named)
                && user != owner
            {
                let reason =
                    format!("the user's list has the key, but IAM names the owner {owner}");
                let failure = contradiction(reason).about(Some(&target.key.id), listed.as_ref());
                return Err(report::run_error(&failure, "IAM", ""));
            }
            match exclude(&target) {
                None => current.push(&target).map_err(|error| not_stored(&error))?,
                Some(result) => self.results.push(*result),
            }
        }
        self.chosen = current;
        Ok(self)
    }
}

fn not_stored(error: &io::Error) -> RunError {
    RunError::other(format!("the list of keys cannot be kept: {error}"))
}

impl Selector<'_> {
    /// Selects among all keys of `selection`.
    ///
    /// # Errors
    ///
    /// A read failed. Nothing was changed.
    pub(crate) async fn sweep(&self, selection: &Selection, bar: &Bar) -> Result<Sweep, RunError> {
        let mut sweep = Sweep::new();
        let single_user = match selection {
            Selection::User(name) => Some(Some(name)),
            Selection::Root => Some(None),
            _ => None,
        };
        if let Some(user) = single_user {
            let inspected = self.inspect(user).await;
            sweep.add(inspected.map_err(|failure| self.read_failed(&failure))?)?;
            sweep.users = 1;
            return sweep.settle(|_| None);
        }
        let report = self.credential_report(bar).await;
        let report = report.as_ref();
        let mut added = Ok(());
        // A user who is renamed during the sweep is listed under both names. The ID stays the same.
        let (mut read_ids, not_read) = (
            HashSet::new(),
            RefCell::new([HashSet::new(), HashSet::new()]),
        );
        let read = self.read_users(
            self.request.path_prefix.as_ref(),
            |listed| report.is_some_and(|report| report.confirms(listed)),
            // A name that appears during the sweep may be the new name of an excepted user, so it is read in any case.
            |user, earlier_lists| {
                let why = if earlier_lists == 0 && self.is_excepted(&user.name) {
                    0
                } else if report.is_some_and(|report| report.excludes(user)) {
                    1
                } else {
                    return true;
                };
                not_read.borrow_mut()[why].insert(user.id.clone());
                false
            },
            async |user| self.inspect(Some(user)).await,
            |user, inspected| {
                read_ids.insert(user.id.clone());
                added = sweep.add(inspected);
                match added {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            },
            |done, all| bar.step("users", done, all),
        );
        read.await.map_err(|failure| self.read_failed(&failure))?;
        added?;
        sweep.users = read_ids.len();
        sweep.not_read = not_read
            .into_inner()
            .map(|ids| ids.difference(&read_ids).count());
        let names = match &self.request.path_prefix {
            Some(_) => self.names_under_path().await,
            None => Ok(HashSet::new()),
        };
        let names = names.map_err(|failure| self.read_failed(&failure))?;
        sweep.settle(|target| {
            let outcome = self.left_path(target.key.user_name.as_ref()?, &names)?;
            Some(self.unchanged(target.clone(), outcome))
        })
    }

    /// Creates the error of a read that failed. Expired credentials that were not renewed are the reason, if there are any.
    fn read_failed(&self, failure: &CallError) -> RunError {
        match (self.iam.caller.renewal_failure(), failure.service()) {
            (Some(stop), Some(answer)) if answer.kind() == ErrorKind::Credentials => {
                let stop = RunError::clone(&stop);
                match self.iam.began_as().filter(|_| stop.exit == Exit::Refused) {
                    Some(principal) => stop.hint(Hint::again(&format!(
                        "to continue, get credentials of {principal}, then "
                    ))),
                    None => stop,
                }
            }
            (_, Some(answer))
                if matches!(self.request.selection, Selection::User(_))
                    && failure.is_no_such_entity()
                    && answer.is_about_user() =>
            {
                report::run_error(failure, "IAM", "").hint(
                    "check the user name; if the user is in another account, use a profile of that account (--profile NAME)",
                )
            }
            _ => report::run_error(failure, "IAM", ""),
        }
    }

    /// Whether the conditions except this user.
    fn is_excepted(&self, user: &UserName) -> bool {
        let metadata = KeyMetadata {
            owner: Some(user.clone()),
            ..KeyMetadata::default()
        };
        matches!(
            self.request.conditions.evaluate(&metadata),
            ConditionResult::NotMet(_)
        )
    }

    /// Chooses among the keys of a user. `None`: the root user who signs.
    async fn inspect(&self, user: Option<&UserName>) -> Result<Inspected, CallError> {
        let subject = user.map_or("the root user".to_owned(), |user| format!("user {user}"));
        let read = Instant::now();
        let about = |failure: CallError, key: Option<&AccessKeyId>| match self.iam.clock_jump() {
            None => failure.about(key, user),
            // It is not about this key.
            Some(_) => failure,
        };
        let list = async || {
            let listing = self.list_keys(&subject, user).await;
            listing.map_err(|failure| about(failure, None))
        };
        let mut listing = list().await?;
        if listing
            .0
            .iter()
            .any(|(_, listed)| self.may_lag(read, listed))
        {
            sleep_until(self.iam.started + LIST_LAG).await;
            listing = list().await?;
        }
        let (mut keys, tags) = (Vec::new(), OnceCell::new());
        for (id, listed) in listing.0 {
            let mut target = Target {
                key: Key {
                    id: id.clone(),
                    user_name: user.cloned(),
                },
                metadata: KeyMetadata {
                    owner: user.cloned(),
                    ..listed
                },
            };
            let checked = self.check_listed(user, &tags, &mut target).await;
            let choice = match checked.map_err(|failure| about(failure, Some(&id)))? {
                None => Ok(target),
                Some(outcome) => Err(self.unchanged(target, outcome)),
            };
            keys.push((id, choice));
        }
        Ok((user.cloned(), keys))
    }

    /// Checks a listed key of a user, whose tags are read at most once. Returns the outcome of a key that is not changed.
    async fn check_listed(
        &self,
        user: Option<&UserName>,
        tags: &OnceCell<Vec<UserTag>>,
        target: &mut Target,
    ) -> Result<Option<Outcome>, CallError> {
        let conditions = &self.request.conditions;
        let Target { key, metadata } = target;
        if let Some(status) = self.already(metadata) {
            return Ok(Some(Outcome::Already(status)));
        }
        if let ConditionResult::NotMet(reason) = conditions.evaluate(metadata) {
            return Ok(Some(Outcome::Skipped(reason)));
        }
        let iam = self.iam.for_one(key.id.as_str());
        let deleted = || {
            Ok(Some(Outcome::Skipped(
                "it was deleted meanwhile".to_owned(),
            )))
        };
        let requirement = self.requires_last_use();
        if requirement > Requirement::None {
            let read = iam.last_use(&key.id);
            match self.limited(&iam, "GetAccessKeyLastUsed", read).await {
                Ok(read) => {
                    // The root user has no name.
                    if user.is_some() {
                        metadata.owner = read.owner.or(metadata.owner.take());
                    }
                    metadata.last_use = read.last_use;
                    metadata.read_at = read.read_at.or(metadata.read_at);
                }
                Err(failure) if failure.is_no_such_entity() => return deleted(),
                Err(failure) if failure.is_denied() && requirement == Requirement::IfAllowed => {
                    metadata.denied.last_use = true;
                }
                Err(mut failure) => {
                    // IAM also denies the read of a deleted key.
                    if failure.is_denied() {
                        let listing = self.list_keys(key.id.as_str(), user).await?;
                        if listing.into_key(&key.id).is_none() {
                            return deleted();
                        }
                        if let Some(context) = failure.context_mut() {
                            context.is_listed = true;
                        }
                    }
                    return Err(failure);
                }
            }
        }
        if let Some(user) = user
            && self.lacks_only_tags(metadata)
        {
            let read = async || {
                self.limited(&iam, "ListUserTags", iam.user_tags(user))
                    .await
            };
            match tags.get_or_try_init(read).await {
                Ok(tags) => metadata.owner_tags = Some(tags.clone()),
                Err(failure) if failure.is_denied() => return Ok(Some(failed(failure))),
                Err(failure) => return Err(failure),
            }
        }
        match conditions.evaluate(metadata) {
            ConditionResult::Met => Ok(guard::signing_key(key, &self.iam.signer, self.request)),
            ConditionResult::NotMet(reason) => Ok(Some(Outcome::Skipped(reason))),
            ConditionResult::MissingData(data) => Err(self.lacking(data)),
            ConditionResult::ImpossibleDate(what) => Err(impossible_date(&what)),
        }
    }
}
