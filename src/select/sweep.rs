//! Every key of a user, or of every user of the account, as far as the conditions hold. All lists are read to their
//! end before anything is done, and one that cannot be read ends the run: it is never treated as an empty one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::credential_report::CredentialReport;
use super::users::Round;
use super::{Need, Selector, failed, impossible, unsaid};
use crate::aws::{Iam, Listing, ReportState, read_timed_out};
use crate::condition::ConditionResult;
use crate::error::{CallError, RunError};
use crate::guard;
use crate::ident::{AccessKeyId, UserName};
use crate::metadata::{Denied, KeyMetadata, Target, UserTag};
use crate::outcome::KeyResult;
use crate::report::{self, Bar};
use crate::request::{Key, Selection};
use crate::spill::SpillFile;

/// The pauses before a credential report in progress is requested again: 15 seconds together.
const ASK_AGAIN: [Duration; 9] = [
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(2),
];

/// How much older than the report a key has to be at least: the sweep takes its time.
const MARGIN: Duration = Duration::from_hours(1);

/// What a sweep found.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The keys that are to go.
    pub(crate) chosen: SpillFile<Target>,
    /// The keys that satisfy the conditions, but are kept because the requests are signed with them, and those whose owner's
    /// tags cannot be read.
    pub(crate) settled: Vec<KeyResult>,
    /// How many users were looked at.
    pub(crate) users: usize,
    /// What cannot be shown since IAM denied the read.
    pub(crate) denied: Denied,
    /// Each key under the name of its user. A user who is renamed during the sweep is found under both names, and only
    /// the later one counts.
    found: HashMap<String, Found>,
    /// A key was found more than once.
    has_twice: bool,
}

#[derive(Debug)]
struct Found {
    user: Option<UserName>,
    is_already_inactive: bool,
    /// Nothing is to be done with it.
    is_left: bool,
}

/// What is to be done with a key.
enum Fate {
    /// Nothing: it does not satisfy the conditions, or it is gone.
    Left,
    /// Nothing: it was to be made inactive and is.
    AlreadyInactive,
    /// Nothing, because its own credentials are in use, or its owner's tags cannot be read.
    Settled(KeyResult),
    /// It is changed.
    Chosen(Target),
}

/// The keys of one user, each with what is to be done with it.
type Inspected = (Option<UserName>, Vec<(String, Fate)>);

impl Sweep {
    fn new() -> Self {
        Self {
            chosen: SpillFile::new(),
            settled: Vec::new(),
            users: 0,
            denied: Denied::default(),
            found: HashMap::new(),
            has_twice: false,
        }
    }

    /// How many keys the users have.
    pub(crate) fn keys(&self) -> usize {
        self.found.len()
    }

    /// How many of these were to be made inactive and are.
    pub(crate) fn already_inactive(&self) -> usize {
        let found = self.found.values();
        found.filter(|found| found.is_already_inactive).count()
    }

    /// Whether IAM listed the key, and not as one that was to be made inactive and is: no earlier run changed it.
    pub(crate) fn shows_unchanged(&self, id: &AccessKeyId) -> bool {
        let found = self.found.get(id.as_str());
        found.is_some_and(|found| !found.is_already_inactive)
    }

    fn add(&mut self, (user, keys): Inspected) -> Result<(), RunError> {
        self.users += 1;
        for (id, fate) in keys {
            let found = Found {
                user: user.clone(),
                is_already_inactive: matches!(fate, Fate::AlreadyInactive),
                is_left: matches!(fate, Fate::Left | Fate::AlreadyInactive),
            };
            self.has_twice |= self.found.insert(id, found).is_some();
            match fate {
                Fate::Left | Fate::AlreadyInactive => {}
                Fate::Settled(settled) => self.settled.push(settled),
                Fate::Chosen(candidate) => {
                    self.denied.last_use |= candidate.metadata.denied.last_use;
                    self.chosen
                        .push(&candidate)
                        .map_err(|error| unkept(&error))?;
                }
            }
        }
        Ok(())
    }

    /// Leaves out what was found under the old name of a user, or twice under the same: what was read last counts.
    fn end(mut self) -> Result<Self, RunError> {
        if self.has_twice {
            let found = &self.found;
            let mut seen = HashSet::new();
            let mut is_current = |key: &Key| {
                let found = found.get(key.id.as_str()).filter(|found| !found.is_left);
                let is_owner = found.is_some_and(|found| found.user == key.user_name);
                found.is_some() && is_owner && seen.insert(key.id.clone())
            };
            self.settled.retain(|settled| is_current(&settled.key));
            let mut current = SpillFile::new();
            for candidate in self.chosen.read().map_err(|error| unkept(&error))? {
                let candidate = candidate.map_err(|error| unkept(&error))?;
                if is_current(&candidate.key) {
                    current.push(&candidate).map_err(|error| unkept(&error))?;
                }
            }
            self.chosen = current;
        }
        Ok(self)
    }
}

fn unkept(error: &io::Error) -> RunError {
    RunError::other(format!("the list of keys cannot be kept: {error}"))
}

fn unread(failure: &CallError) -> RunError {
    report::run_error(failure, "IAM", "")
}

/// Reports that the keys of the named user, or of the root user, cannot be read.
fn unread_user(failure: &CallError) -> RunError {
    let stop = unread(failure);
    match failure.service() {
        Some(error) if failure.is_no_such_entity() && error.is_about_user() => stop.hint(
            "check the user name; if the user is in another account, use a profile of that account (--profile NAME)",
        ),
        _ => stop,
    }
}

impl Selector<'_> {
    /// Looks at every key of `selection`. A failed read is an error: it could hide a key.
    ///
    /// # Errors
    ///
    /// Anything that cannot be read. Nothing was changed.
    pub(crate) async fn sweep(&self, selection: &Selection, bar: &Bar) -> Result<Sweep, RunError> {
        let mut so_far = Sweep::new();
        let one = match selection {
            Selection::User(name) => Some(Some(name)),
            Selection::Root => Some(None),
            _ => None,
        };
        if let Some(user) = one {
            let inspected = self.inspect(user).await;
            so_far.add(inspected.map_err(|failure| unread_user(&failure))?)?;
            return so_far.end();
        }
        let report = self.report(bar).await;
        let report = report.as_ref();
        let mut added = Ok(());
        let read = self.read_users(
            |listed| report.is_some_and(|report| report.confirms(listed)),
            // A name that appears during the sweep may be the new name of a user who was read: it is read in any case.
            |user, round| {
                let is_excepted = round == Round::First && self.is_excepted(&user.name);
                !is_excepted && !report.is_some_and(|report| report.excludes(user))
            },
            async |user| self.inspect(Some(user)).await,
            |inspected| {
                added = so_far.add(inspected);
                match added {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            },
            |done, all| bar.step("users", done, all),
        );
        read.await.map_err(|failure| unread(&failure))?;
        added?;
        so_far.end()
    }

    /// Whether no key of a user can satisfy the conditions, since they except the user.
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

    /// The credential report, where it is to be had and is good enough: it is some hours old, and a key that is younger
    /// than the report may be missing in it. Only if no such key can satisfy the conditions is it of use.
    async fn report(&self, bar: &Bar) -> Option<CredentialReport> {
        let least = self.request.conditions.minimum_age();
        let least = least.filter(|least| *least > MARGIN)?;
        let read = self.read_report(least, bar).await;
        self.log.verbose(|| match &read {
            Ok(report) => format!(
                "according to the credential report, {} of {} users can have matching keys",
                report.users_to_list(),
                report.count
            ),
            Err(why) => format!("no credential report ({why}): listing all users"),
        });
        read.ok()
    }

    async fn read_report(&self, least: Duration, bar: &Bar) -> Result<CredentialReport, String> {
        let code = |failure: CallError| {
            failure
                .code()
                .map_or("no response".to_owned(), Cow::into_owned)
        };
        let generated = self.limited(
            self.iam,
            "GenerateCredentialReport",
            self.generate_report(bar),
        );
        if generated.await.map_err(code)? == ReportState::Started {
            return Err("it is still in progress".to_owned());
        }
        let read = self.iam.credential_report();
        let read = self.limited(self.iam, "GetCredentialReport", read);
        let read = read.await.map_err(code)?;
        let path_prefix = self.request.path_prefix.as_ref();
        let report = CredentialReport::parse(&read, &self.request.conditions, path_prefix)?;
        if report.has_root_key {
            report::print_root_key(self.request, self.signer.account.as_ref());
        }
        if report.age + MARGIN >= least {
            return Err("it is too old for these conditions".to_owned());
        }
        Ok(report)
    }

    /// Requests a report, and waits for it for a time.
    async fn generate_report(&self, bar: &Bar) -> Result<ReportState, CallError> {
        if self.iam.generate_credential_report().await? == ReportState::Complete {
            return Ok(ReportState::Complete);
        }
        bar.wait("waiting up to 15 s for the credential report");
        for pause in ASK_AGAIN {
            tokio::time::sleep(pause).await;
            if self.iam.generate_credential_report().await? == ReportState::Complete {
                return Ok(ReportState::Complete);
            }
        }
        Ok(ReportState::Started)
    }

    /// Looks at every key of a user, or of the root user who signs.
    async fn inspect(&self, user: Option<&UserName>) -> Result<Inspected, CallError> {
        let subject = user.map_or("the root user".to_owned(), |user| format!("user {user}"));
        let listing = self.list_keys(&subject, user).await?;
        let (mut keys, tags) = (Vec::new(), OnceCell::new());
        for listed in listing.keys {
            let id = AccessKeyId::try_from(listed.id.clone())
                .map_err(|_| unsaid("a valid access key ID"))?;
            let key = Key {
                id,
                user_name: user.cloned(),
            };
            let metadata = KeyMetadata {
                owner: user.cloned(),
                status: listed.status,
                created: listed.created,
                read_at: listing.at,
                ..KeyMetadata::default()
            };
            let target = Target { key, metadata };
            let fate = self.judge(user, &tags, target).await?;
            keys.push((listed.id, fate));
        }
        Ok((user.cloned(), keys))
    }

    /// Decides on a key of a user, whose tags are read once.
    async fn judge(
        &self,
        user: Option<&UserName>,
        tags: &OnceCell<Vec<UserTag>>,
        mut candidate: Target,
    ) -> Result<Fate, CallError> {
        let settled = |candidate, outcome| {
            let settled = KeyResult::unchanged(candidate, self.request.action, outcome);
            Ok(Fate::Settled(settled))
        };
        let conditions = &self.request.conditions;
        if self.already(&candidate.metadata).is_some() {
            return Ok(Fate::AlreadyInactive);
        }
        let first = conditions.evaluate(&candidate.metadata);
        if let ConditionResult::NotMet(_) = first {
            return Ok(Fate::Left);
        }
        let need = self.needs_last_use();
        if need > Need::Nothing {
            let iam = self.iam.for_one(candidate.key.id.as_str());
            let read = iam.last_use(&candidate.key.id);
            match self.limited(&iam, "GetAccessKeyLastUsed", read).await {
                Ok(read) => {
                    candidate.metadata.last_use = Some(read.last_use);
                    candidate.metadata.read_at = read.at.or(candidate.metadata.read_at);
                }
                // It was deleted in the meantime.
                Err(failure) if failure.is_no_such_entity() => return Ok(Fate::Left),
                Err(failure) if failure.is_denied() && need == Need::Shown => {
                    candidate.metadata.denied.last_use = true;
                }
                Err(mut failure) => {
                    // IAM says the same of a key that was deleted in the meantime.
                    if failure.is_denied() {
                        let id = candidate.key.id.as_str();
                        let listing = self.list_keys(id, user).await?;
                        if !listing.keys.iter().any(|listed| listed.id == id) {
                            return Ok(Fate::Left);
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
            && self.lacks_only_tags(&candidate.metadata)
        {
            let iam = self.iam.for_one(candidate.key.id.as_str());
            let read = async || {
                self.limited(&iam, "ListUserTags", iam.user_tags(user))
                    .await
            };
            match tags.get_or_try_init(read).await {
                Ok(tags) => candidate.metadata.owner_tags = Some(tags.clone()),
                Err(failure) if failure.is_denied() => return settled(candidate, failed(failure)),
                Err(failure) => return Err(failure),
            }
        }
        match conditions.evaluate(&candidate.metadata) {
            ConditionResult::NotMet(_) => Ok(Fate::Left),
            ConditionResult::MissingData(fact) => Err(self.lacking(fact)),
            ConditionResult::ImpossibleDate(what) => Err(impossible(&what)),
            ConditionResult::Met => {
                match guard::signing_key(&candidate.key, self.signer, self.request) {
                    Some(outcome) => settled(candidate, outcome),
                    None => Ok(Fate::Chosen(candidate)),
                }
            }
        }
    }

    /// The keys of a user, or of the root user who signs, within the limit of `one`: the user, or a key.
    pub(super) async fn list_keys(
        &self,
        one: &str,
        user: Option<&UserName>,
    ) -> Result<Listing, CallError> {
        let iam = self.iam.for_one(one);
        let read = iam.access_keys(user);
        self.limited(&iam, "ListAccessKeys", read).await
    }

    /// A read within the limit of one key.
    pub(super) async fn limited<T>(
        &self,
        iam: &Iam,
        operation: &'static str,
        read: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let allowance = iam.key_budget(self.request.limit);
        match allowance.spend(Duration::ZERO, read).await {
            Some(read) => read,
            None => Err(read_timed_out(operation, self.request.limit)),
        }
    }
}
