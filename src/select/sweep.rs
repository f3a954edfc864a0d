//! Selects among all keys of a user or of the account. All lists are read completely before anything is done. A list that
//! cannot be read ends the run: treating it as empty could hide a key.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::ControlFlow;

use tokio::sync::OnceCell;
use tokio::time::{sleep, sleep_until};

use super::found::Inspected;
use super::{Requirement, Selector, Sweep, WAIT_FOR_LISTS, failed, impossible_date};
use crate::condition::ConditionResult;
use crate::error::{CallError, ErrorKind, Exit, Hint, RunError, run_error};
use crate::guard;
use crate::ident::{AccessKeyId, UserName};
use crate::locate::LIST_LAG;
use crate::metadata::{KeyMetadata, Target, UserTag};
use crate::outcome::Outcome;
use crate::request::{Key, Selection};

impl Selector<'_> {
    /// Selects among all keys of `selection`. All lists are read once none can lag behind a change from before the run.
    ///
    /// # Errors
    ///
    /// A read failed. Nothing was changed.
    pub(crate) async fn sweep(&self, selection: &Selection) -> Result<Sweep, RunError> {
        let mut sweep = Sweep::new();
        let single_user = match selection {
            Selection::User(name) => Some(Some(name)),
            Selection::Root => Some(None),
            _ => None,
        };
        if let Some(user) = single_user {
            self.bar.wait(WAIT_FOR_LISTS);
            sleep_until(self.iam.started + LIST_LAG).await;
            let inspected = self.inspect(user).await;
            let _ = sweep.add(inspected.map_err(|failure| self.read_failed(&failure))?)?;
            sweep.users = 1;
            return sweep.settle(|_| None);
        }
        let report = self.credential_report().await;
        let report = report.as_ref();
        self.bar.wait(WAIT_FOR_LISTS);
        let mut added = Ok(());
        // A user who is renamed during the sweep is listed under both names. The ID stays the same.
        let (mut read_ids, not_read) = (
            HashSet::new(),
            RefCell::new([HashSet::new(), HashSet::new()]),
        );
        let read = self.read_users(
            self.request.path_prefix.as_ref(),
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
                match sweep.add(inspected) {
                    Ok(fits) => ControlFlow::Continue(fits),
                    Err(stop) => {
                        added = Err(stop);
                        ControlFlow::Break(())
                    }
                }
            },
            |done, all| self.bar.step("users", done, all),
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
                if let Selection::User(user) = &self.request.selection
                    && failure.is_no_such_entity()
                    && answer.is_about_user() =>
            {
                let hint = if self.iam.has_listed(user) {
                    "the user was renamed or deleted during this run: check the user name"
                } else {
                    "check the user name; if the user is in another account, use a profile of that account (--profile NAME)"
                };
                run_error(failure, "IAM", "").hint(hint)
            }
            _ => run_error(failure, "IAM", ""),
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
        let about = |failure: CallError, key: Option<&AccessKeyId>| match self.iam.clock_jump() {
            None => failure.about(key, user),
            // A clock jump is not about this key.
            Some(_) => failure,
        };
        let listing = self.list_keys(&subject, user).await;
        let listing = listing.map_err(|failure| about(failure, None))?;
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
        let requirement = self.requires_last_use();
        if requirement > Requirement::None {
            let read = async || {
                let read = iam.last_use(&key.id);
                self.limited(&iam, "GetAccessKeyLastUsed", read).await
            };
            let mut last_use = read().await;
            if let Err(failure) = &mut last_use
                && (failure.is_no_such_entity()
                    || failure.is_denied() && requirement > Requirement::IfAllowed)
            {
                // IAM also denies the read of a deleted key, which a list may still show, and may not know a new one yet.
                sleep(LIST_LAG).await;
                let listing = self.list_keys(key.id.as_str(), user).await?;
                if listing.into_key(&key.id).is_none() {
                    let deleted = "it was deleted meanwhile".to_owned();
                    return Ok(Some(Outcome::Skipped(deleted)));
                }
                if let Some(context) = failure.context_mut() {
                    context.is_listed = true;
                }
                if failure.is_no_such_entity() {
                    last_use = read().await;
                }
            }
            match last_use {
                Ok(read) => {
                    // The root user has no name.
                    if user.is_some() {
                        metadata.owner = read.owner.or(metadata.owner.take());
                    }
                    metadata.last_use = read.last_use;
                    metadata.read_at = read.read_at.or(metadata.read_at);
                }
                Err(failure)
                    if requirement == Requirement::IfAllowed && self.may_omit(&failure) =>
                {
                    metadata.unread.note_last_use(&failure);
                }
                Err(failure) => return Err(failure),
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
