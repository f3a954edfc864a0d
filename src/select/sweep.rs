//! Every key of a user, or of every user of the account, as far as the conditions hold. All lists are read to their
//! end before anything is done, and one that cannot be read ends the run: it is never taken for an empty one.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::credential_report::CredentialReport;
use super::look::is_denied;
use super::{Need, Selector, unsaid};
use crate::aws::{Iam, ReportState, out_of_time_reading};
use crate::candidate::Candidate;
use crate::condition::Verdict;
use crate::fact::{Facts, Status};
use crate::failure::Failure;
use crate::guard;
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::{Outcome, Refusal, Settled};
use crate::report::{code_of, hint::of_call, sentence};
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

/// A read that failed ends the run: what it would have said could have been a key.
fn unread(failure: &Failure) -> Stop {
    Stop::failed(
        failure.exit_of_read(),
        code_of(failure),
        sentence(failure, "IAM"),
        of_call(failure),
    )
}

/// What is found of one user.
struct Inspected {
    chosen: Vec<Candidate>,
    refused: Vec<Settled>,
    keys: u64,
}

impl Selector<'_> {
    /// Looks at every key of `selection`. `progress` hears of each user that was looked at, and of how many there are.
    ///
    /// # Errors
    ///
    /// Anything that cannot be read. Nothing was changed.
    pub(crate) async fn sweep(
        &self,
        selection: &Selection,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Sweep, Stop> {
        let read = |failure: Failure| unread(&failure);
        let users = match selection {
            Selection::User(name) => vec![name.clone()],
            Selection::Named(_) | Selection::Listed { .. } | Selection::Account => {
                self.users().await.map_err(read)?
            }
        };
        let must_exist = matches!(selection, Selection::User(_));
        let count = users.len();
        let mut sweep = Sweep {
            chosen: Spool::new(),
            refused: Vec::new(),
            users: count,
            keys: 0,
        };
        let inspected = stream::iter(users)
            .map(|user| self.inspect(user, must_exist))
            .buffered(self.request.jobs.get());
        let mut inspected = std::pin::pin!(inspected);
        let mut looked_at = 0;
        while let Some(user) = inspected.next().await {
            let user = user.map_err(read)?;
            for candidate in &user.chosen {
                sweep.chosen.push(candidate).map_err(|error| {
                    Stop::usage(format!("the list of keys cannot be kept: {error}"))
                })?;
            }
            sweep.refused.extend(user.refused);
            sweep.keys += user.keys;
            looked_at += 1;
            progress(looked_at, count);
        }
        Ok(sweep)
    }

    /// The users to look at: by the credential report those that have keys, or all.
    async fn users(&self) -> Result<Vec<UserName>, Failure> {
        let users = match self.report().await {
            Some(report) => report.users_with_keys,
            None => {
                self.limited(self.iam, "ListUsers", self.iam.user_names())
                    .await?
            }
        };
        let is_excepted = |user: &UserName| {
            let facts = Facts {
                owner: Some(user.clone()),
                ..Facts::default()
            };
            matches!(self.request.conditions.judge(&facts), Verdict::Fails(_))
        };
        Ok(users
            .into_iter()
            .filter(|user| !is_excepted(user))
            .collect())
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
        let report = match read.map(|read| CredentialReport::parse(&read)) {
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
                "by the credential report, {} of {} users have keys",
                report.users_with_keys.len(),
                report.users
            )
        });
        Some(report)
    }

    async fn made(&self) -> Result<(), Failure> {
        for pause in ASK_AGAIN {
            if self.iam.generate_credential_report().await? == ReportState::Complete {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
        Err(unsaid("the credential report"))
    }

    /// Looks at every key of a user.
    async fn inspect(&self, user: UserName, must_exist: bool) -> Result<Inspected, Failure> {
        let mut inspected = Inspected {
            chosen: Vec::new(),
            refused: Vec::new(),
            keys: 0,
        };
        let iam = self.iam.for_one(&format!("user {user}"));
        let listed = self
            .limited(&iam, "ListAccessKeys", iam.access_keys(Some(&user)))
            .await;
        let listing = match listed {
            Ok(listing) => listing,
            // A user who was deleted in the meantime has no keys.
            Err(failure) if failure.is_no_such_entity() && !must_exist => return Ok(inspected),
            Err(failure) => return Err(failure),
        };
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
                Err(failure) if is_denied(&failure) && need == Need::Shown => {}
                Err(failure) => return Err(failure),
            }
        }
        match conditions.judge(&candidate.facts) {
            Verdict::Fails(_) => Ok(()),
            Verdict::Lacks(fact) => Err(unsaid(fact)),
            Verdict::Holds => {
                let guarded = guard::signing_key(&candidate.key, self.signer, SigningKey::Guarded);
                match guarded {
                    Some(refusal) => inspected.refused.push(self.refused(candidate, refusal)),
                    None => inspected.chosen.push(candidate),
                }
                Ok(())
            }
        }
    }

    fn refused(&self, candidate: Candidate, refusal: Refusal) -> Settled {
        let Candidate { key, facts } = candidate;
        Settled {
            key,
            facts,
            action: self.request.action,
            outcome: Outcome::Refused(refusal),
            attempts: 0,
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
