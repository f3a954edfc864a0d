//! Every key of a user, or of every user of the account, as far as the conditions hold. All lists are read to their
//! end before anything is done, and one that cannot be read ends the run: it is never taken for an empty one.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::credential_report::CredentialReport;
use super::{Need, Selector, unsaid};
use crate::aws::{Iam, ReportState, out_of_time_reading};
use crate::candidate::Candidate;
use crate::condition::Verdict;
use crate::fact::{Facts, Status};
use crate::failure::Failure;
use crate::guard;
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::{Outcome, Settled};
use crate::report;
use crate::request::{Action, Key, Selection, SigningKey};
use crate::spool::Spool;
use crate::stop::Stop;

/// How often, and how long apart, a credential report in the making is asked for.
const ASK_AGAIN: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(3),
];

/// How often the users are listed at the most.
const TIMES_LISTED: usize = 3;

/// How much older than the report a key has to be at least: the sweep takes its time.
const MARGIN: Duration = Duration::from_hours(1);

/// What a sweep found.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The keys that are to go.
    pub(crate) chosen: Spool<Candidate>,
    /// The keys that the conditions would let go, and a guard does not.
    pub(crate) refused: Vec<Settled>,
    /// How many users were looked at.
    pub(crate) users: usize,
    /// How many keys they have.
    pub(crate) keys: u64,
}

/// What is found of one user.
struct Inspected {
    chosen: Vec<Candidate>,
    refused: Vec<Settled>,
    keys: u64,
}

impl Sweep {
    fn add(&mut self, inspected: Inspected) -> Result<(), Stop> {
        for candidate in &inspected.chosen {
            self.chosen.push(candidate).map_err(|error| {
                Stop::other(format!("the list of keys cannot be kept: {error}"))
            })?;
        }
        self.refused.extend(inspected.refused);
        self.keys += inspected.keys;
        self.users += 1;
        Ok(())
    }
}

impl Selector<'_> {
    /// Looks at every key of `selection`. What a read that failed would have said could have been a key. `progress` hears of each user that was looked at, and of how many there are.
    ///
    /// # Errors
    ///
    /// Anything that cannot be read. Nothing was changed.
    pub(crate) async fn sweep(
        &self,
        selection: &Selection,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Sweep, Stop> {
        let mut sweep = Sweep {
            chosen: Spool::new(),
            refused: Vec::new(),
            users: 0,
            keys: 0,
        };
        if let Selection::User(name) = selection {
            let inspected = self.inspect(name).await;
            sweep.add(inspected.map_err(|failure| report::stop(&failure, "IAM", ""))?)?;
            return Ok(sweep);
        }
        let report = self.report().await;
        let mut seen = HashSet::new();
        // Whoever is not there when asked was deleted a moment ago, or has another name: then there are new names.
        for _ in 0..TIMES_LISTED {
            let listed = self.limited(self.iam, "ListUsers", self.iam.users()).await;
            let listed = listed.map_err(|failure| report::stop(&failure, "IAM", ""))?;
            let users: Vec<UserName> = listed
                .into_iter()
                .filter(|user| !report.as_ref().is_some_and(|report| report.excludes(user)))
                .filter(|user| seen.insert((user.name.as_str().to_ascii_lowercase(), user.created)))
                .map(|user| user.name)
                .collect();
            if self.look_at(&users, &mut sweep, &mut progress).await? == 0 {
                break;
            }
        }
        Ok(sweep)
    }

    /// Looks at every key of these users, but for those whom a condition excepts. Says how many of them are not there.
    async fn look_at(
        &self,
        users: &[UserName],
        sweep: &mut Sweep,
        progress: &mut impl FnMut(usize, usize),
    ) -> Result<usize, Stop> {
        let users: Vec<&UserName> = users
            .iter()
            .filter(|user| !self.is_excepted(user))
            .collect();
        let count = sweep.users + users.len();
        let inspected = stream::iter(users)
            .map(|user| self.inspect(user))
            .buffered(self.request.jobs.get());
        let mut inspected = std::pin::pin!(inspected);
        let mut missing = 0;
        while let Some(user) = inspected.next().await {
            match user {
                Ok(user) => sweep.add(user)?,
                Err(failure) if failure.is_no_such_entity() => missing += 1,
                Err(failure) => return Err(report::stop(&failure, "IAM", "")),
            }
            progress(sweep.users + missing, count);
        }
        Ok(missing)
    }

    /// Whether no key of a user can satisfy the conditions, since they except the user.
    fn is_excepted(&self, user: &UserName) -> bool {
        let facts = Facts {
            owner: Some(user.clone()),
            ..Facts::default()
        };
        matches!(self.request.conditions.judge(&facts), Verdict::Fails(_))
    }

    /// The credential report, where it is to be had and is good enough: it is some hours old, and a key that is younger
    /// than the report may be missing in it. Only if no such key can satisfy the conditions is it of use.
    async fn report(&self) -> Option<CredentialReport> {
        let least = self.request.conditions.least_age()?;
        let unused = |why: &str| {
            self.log
                .verbose(|| format!("no credential report ({why}): listing all users"));
        };
        let made = self
            .limited(self.iam, "GenerateCredentialReport", self.made())
            .await;
        if let Err(failure) = made {
            unused(failure.code().unwrap_or("no answer"));
            return None;
        }
        let read = self
            .limited(
                self.iam,
                "GetCredentialReport",
                self.iam.credential_report(),
            )
            .await;
        let parse = |read| CredentialReport::parse(&read, &self.request.conditions);
        let report = match read.map(parse) {
            Ok(Ok(report)) => report,
            Ok(Err(what)) => {
                unused(&what);
                return None;
            }
            Err(failure) => {
                unused(failure.code().unwrap_or("no answer"));
                return None;
            }
        };
        if report.age + MARGIN >= least {
            unused("it is too old for these conditions");
            return None;
        }
        self.log.verbose(|| {
            format!(
                "by the credential report, {} of {} users can have a key that matches",
                report.users_to_list(),
                report.count
            )
        });
        Some(report)
    }

    async fn made(&self) -> Result<(), Failure> {
        let mut pauses = ASK_AGAIN.iter();
        loop {
            if self.iam.generate_credential_report().await? == ReportState::Complete {
                return Ok(());
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(unsaid("the credential report")),
            }
        }
    }

    /// Looks at every key of a user.
    async fn inspect(&self, user: &UserName) -> Result<Inspected, Failure> {
        let mut inspected = Inspected {
            chosen: Vec::new(),
            refused: Vec::new(),
            keys: 0,
        };
        let iam = self.iam.for_one(&format!("user {user}"));
        let listing = self
            .limited(&iam, "ListAccessKeys", iam.access_keys(Some(user)))
            .await?;
        for listed in listing.keys {
            inspected.keys += 1;
            let id = AccessKeyId::try_from(listed.id)
                .map_err(|_| unsaid("a key's ID in the form that IAM documents"))?;
            let key = Key {
                id,
                user_name: Some(user.clone()),
            };
            let facts = Facts {
                owner: Some(user.clone()),
                status: listed.status,
                created: listed.created,
                last_use: None,
                read_at: listing.at,
            };
            self.judge(Candidate { key, facts }, &mut inspected).await?;
        }
        Ok(inspected)
    }

    async fn judge(
        &self,
        mut candidate: Candidate,
        inspected: &mut Inspected,
    ) -> Result<(), Failure> {
        let conditions = &self.request.conditions;
        let is_inactive = candidate.facts.status == Some(Status::Inactive);
        if self.request.action == Action::Deactivate && is_inactive {
            return Ok(());
        }
        let first = conditions.judge(&candidate.facts);
        if let Verdict::Fails(_) = first {
            return Ok(());
        }
        let need = self.needs_last_use();
        if need > Need::Nothing {
            let iam = self.iam.for_one(candidate.key.id.as_str());
            let read = iam.last_use(&candidate.key.id);
            match self.limited(&iam, "GetAccessKeyLastUsed", read).await {
                Ok(read) => {
                    candidate.facts.last_use = Some(read.last_use);
                    candidate.facts.read_at = read.at.or(candidate.facts.read_at);
                }
                // It was deleted in the meantime.
                Err(failure) if failure.is_no_such_entity() => return Ok(()),
                Err(failure) if failure.is_denied() && need == Need::Shown => {}
                Err(failure) => return Err(failure),
            }
        }
        match conditions.judge(&candidate.facts) {
            Verdict::Fails(_) => Ok(()),
            Verdict::Lacks(fact) => Err(unsaid(fact)),
            Verdict::Holds => {
                let guarded = guard::signing_key(&candidate.key, self.signer, SigningKey::Guarded);
                match guarded {
                    Some(refusal) => inspected.refused.push(Settled::untouched(
                        candidate,
                        self.request.action,
                        Outcome::Refused(refusal),
                    )),
                    None => inspected.chosen.push(candidate),
                }
                Ok(())
            }
        }
    }

    /// A read within the limit of one key.
    async fn limited<T>(
        &self,
        iam: &Iam,
        operation: &'static str,
        read: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let allowance = iam.allow(self.request.limit);
        match allowance.spend(Duration::ZERO, read).await {
            Some(read) => read,
            None => Err(out_of_time_reading(operation, self.request.limit)),
        }
    }
}
