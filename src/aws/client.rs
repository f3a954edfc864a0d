//! Calls IAM, with one method per operation. Each returns what IAM responded, or how far the request got.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::ReportStateType;
use tokio::time::Instant;

use super::attempt::Attempts;
use super::clock::{time, trusted_server_time};
use super::error::{call_error, incomplete_response, read_error};
use super::rate_limiter::RateLimiter;
use super::recorder::Recorder;
use super::shown::Shown;
use super::sts::Caller;
use super::time_budget::{SharedClock, TimeBudget, WaitGuard};
use crate::error::{CallError, ErrorKind, Operation, TransportError};
use crate::guard::{Principal, Signer};
use crate::ident::{AccessKeyId, UserName};
use crate::known_secret;
use crate::lock::lock;
use crate::metadata::{KeyMetadata, LastUse, NOT_AVAILABLE, Status};
use crate::outcome::ResponseMetadata;
use crate::request::Key;
use crate::sanitize::escape;

/// After how many throttled attempts a request fails although IAM serves others.
const MAX_THROTTLED_ATTEMPTS: usize = 100;

/// An IAM client for one identity. Clones share the rate limiter and the request counts.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    /// When the run started.
    pub(crate) started: Instant,
    pub(super) client: Client,
    pub(crate) caller: Arc<Caller>,
    /// The keys that sign, and their account.
    pub(crate) signer: Arc<Signer>,
    /// Present if the run makes many requests.
    pub(super) rate_limiter: Option<Arc<RateLimiter>>,
    /// How long IAM may throttle all requests before a request fails. Zero: a throttled request fails at once, and does not
    /// slow down others.
    pub(super) patience: Duration,
    pub(super) wait_clock: SharedClock,
    /// The key or user that the calls concern, if there are many.
    pub(super) subject: Option<Arc<str>>,
    pub(super) request_counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    /// The keys that IAM showed in this run.
    pub(super) shown: Arc<Mutex<HashMap<AccessKeyId, Shown>>>,
}

/// The result of `GetCredentialReport`.
#[derive(Debug)]
pub(crate) struct ReportRead {
    /// The report as CSV.
    pub(crate) content: Vec<u8>,
    /// When the report was generated.
    pub(crate) generated: Option<SystemTime>,
    /// When IAM responded, according to IAM's clock.
    pub(crate) at: Option<SystemTime>,
}

impl Iam {
    /// Returns the principal at the start of the run, if STS had to return it: its ARN without a session name, or else its
    /// account.
    pub(crate) fn began_as(&self) -> Option<String> {
        let known = self.caller.known.as_ref()?;
        Some(match known.principal.as_str() {
            "" => format!("account {}", known.account),
            arn => escape(arn),
        })
    }

    /// Parses an optional user name of a key. The root user has no name, whatever a response has in its place.
    pub(super) fn owner(&self, name: Option<&str>) -> Result<Option<UserName>, &'static str> {
        match self.signer.principal {
            Principal::Caller => owner(name),
            Principal::RootUser => Ok(None),
        }
    }

    /// Whether the requests are signed with this key, which is no session.
    pub(crate) fn signs_with(&self, id: &AccessKeyId) -> bool {
        let credentials = self.caller.credentials();
        let signing = credentials.access_key_id();
        signing.eq_ignore_ascii_case(id.as_str())
    }

    /// Returns the number of requests that were sent per operation, retries included.
    pub(crate) fn requests(&self) -> Vec<(&'static str, usize)> {
        let request_counts = lock(&self.request_counts);
        request_counts.clone().into_iter().collect()
    }

    /// Returns a client for the calls that concern one key, or the keys of one user. These calls share one time limit.
    /// If there are many keys, each log line names the subject.
    pub(crate) fn for_one(&self, subject: &str) -> Self {
        Self {
            wait_clock: SharedClock::default(),
            subject: self.rate_limiter.as_ref().map(|_| subject.into()),
            ..self.clone()
        }
    }

    /// Returns a client whose throttled requests fail at once.
    pub(crate) fn without_patience(&self) -> Self {
        Self {
            patience: Duration::ZERO,
            ..self.clone()
        }
    }

    /// Lets any number of requests be in flight, for a run that is ending.
    pub(crate) fn lift_limit_in_flight(&self) {
        if let Some(rate_limiter) = &self.rate_limiter {
            rate_limiter.lift_limit_in_flight();
        }
    }

    /// Returns why ages cannot be evaluated in this run: IAM's clock jumped.
    pub(crate) fn clock_jump(&self) -> Option<CallError> {
        let reason = lock(&self.caller.responses).clock_jump.clone()?;
        Some(CallError::Incomplete(TransportError::new("", reason)))
    }

    /// Returns the time by IAM's clock if a response showed it, or else by this machine's.
    pub(crate) fn now(&self) -> SystemTime {
        lock(&self.caller.responses).now()
    }

    /// Starts the time limit of one key.
    pub(crate) fn key_budget(&self, limit: Duration) -> TimeBudget {
        TimeBudget::new(&self.wait_clock, limit)
    }

    /// Makes a call as soon as the rate limiter permits it, and repeats it while IAM throttles it. `send` gets the
    /// recorder of the attempts.
    async fn call<O, E>(
        &self,
        attempts: &Attempts,
        mut send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<O, E> {
        let asked_at = Instant::now();
        loop {
            let counted = Counted {
                before: attempts.count(),
                iam: self,
                attempts,
            };
            let mut wait_guard = WaitGuard::start(&self.wait_clock);
            let permit = match &self.rate_limiter {
                // Without a permit the request is sent anyway, so that IAM's own error is reported.
                Some(rate_limiter) => rate_limiter.acquire_within(self.patience).await,
                None => None,
            };
            wait_guard.stop_waiting(attempts);
            let log = self.caller.settings.log;
            let mut recorder = Recorder::new(attempts, &self.caller.responses, log);
            recorder.subject.clone_from(&self.subject);
            recorder.signer = Some(Arc::clone(&self.signer));
            let generation = self.caller.generation();
            let result = send(recorder).await;
            drop((wait_guard, counted));
            if attempts.is_closed() {
                return result;
            }
            let (Some(rate_limiter), Some(permit)) = (&self.rate_limiter, permit) else {
                return result;
            };
            if attempts.error() == Some(ErrorKind::Throttling) {
                if self.patience.is_zero() {
                    return result;
                }
                permit.throttled();
                let served_at = rate_limiter.served_at().max(asked_at);
                let serves_nobody = served_at + self.patience <= Instant::now();
                if serves_nobody || attempts.count() >= MAX_THROTTLED_ATTEMPTS {
                    return result;
                }
            } else {
                permit.served();
                if !self.is_renewed(attempts, generation).await {
                    return result;
                }
            }
        }
    }

    /// Renews expired credentials. Returns whether the call failed because of them and there are new ones now. The
    /// time for that does not count against the limit of the key.
    async fn is_renewed(&self, attempts: &Attempts, generation: usize) -> bool {
        if attempts.shows_valid_credentials() {
            self.caller.accepted(generation);
        }
        if !attempts.shows_expired_credentials() {
            return false;
        }
        let _waiting = WaitGuard::start(&self.wait_clock);
        let renewing: Pin<Box<dyn Future<Output = bool>>> =
            Box::pin(Arc::clone(&self.caller).renew(generation));
        renewing.await
    }

    /// Replaces the hints for rejected credentials if their renewal failed, or by what follows from their source.
    fn with_source_hints(&self, mut failure: CallError) -> CallError {
        if let Some(context) = failure.context_mut() {
            context.is_root = self.signer.principal == Principal::RootUser;
            context.is_stored = !self.caller.source.is_renewable();
        }
        if failure.kind() != Some(ErrorKind::Credentials) {
            return failure;
        }
        let hints = if self.caller.renewal_failure().is_some() {
            // The failed renewal ends the run, and its error has the hints.
            Some(Vec::new())
        } else {
            self.caller.source.rejected_hints(failure.service())
        };
        if let Some(context) = failure.context_mut() {
            context.source_hints = hints;
        }
        failure
    }

    /// Makes a call that changes nothing. Returns its output and its attempts.
    pub(super) async fn read<O, E: Error + 'static>(
        &self,
        operation: &'static str,
        send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<(O, Attempts), CallError> {
        let attempts = Attempts::of(Operation::Iam(operation));
        match self.call(&attempts, send).await {
            Ok(output) => Ok((output, attempts)),
            Err(error) => Err(self.with_source_hints(read_error(&attempts, &error))),
        }
    }

    /// Makes a call that changes a key. Success requires IAM's own response, because the SDK accepts any response with
    /// status 200.
    async fn change<O, E: Error + 'static>(
        &self,
        attempts: &Attempts,
        send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<ResponseMetadata, CallError> {
        let result = self.call(attempts, send).await;
        let failure = match (result, attempts.last()) {
            (Err(error), _) => call_error(attempts, Some(&error)),
            (Ok(_), Some(last)) if last.is_success() => return Ok(last.metadata),
            (Ok(_), _) => call_error(attempts, None),
        };
        Err(self.with_source_hints(failure))
    }

    /// Calls `DeleteAccessKey`, or `UpdateAccessKey` with a status. `attempts` is complete even if this future is dropped.
    pub(crate) async fn change_access_key(
        &self,
        key: &Key,
        status: Option<&Status>,
        attempts: &Attempts,
    ) -> Result<ResponseMetadata, CallError> {
        let user_name = key.user_name.as_ref().map(ToString::to_string);
        let Some(status) = status else {
            let call = self.client.delete_access_key();
            let call = call.access_key_id(key.id.as_str()).set_user_name(user_name);
            let send = async |recorder| call.clone().customize().interceptor(recorder).send().await;
            return self.change(attempts, send).await;
        };
        let call = self.client.update_access_key();
        let call = call
            .access_key_id(key.id.as_str())
            .set_user_name(user_name)
            .status(status.as_str().into());
        let send = async |recorder| call.clone().customize().interceptor(recorder).send().await;
        self.change(attempts, send).await
    }

    /// Calls `GetAccessKeyLastUsed`, which also returns the owner of any key in the account.
    pub(crate) async fn last_use(&self, id: &AccessKeyId) -> Result<KeyMetadata, CallError> {
        let call = self.client.get_access_key_last_used();
        let call = call.access_key_id(id.as_str());
        let send = async |recorder| call.clone().customize().interceptor(recorder).send().await;
        let (output, attempts) = self.read("GetAccessKeyLastUsed", send).await?;
        let used = output.access_key_last_used();
        let used = used.ok_or_else(|| incomplete_response(&attempts, "it has no last use"))?;
        let place = |text: &str| match text.trim() {
            "" | NOT_AVAILABLE => None,
            text => Some(text.to_owned()),
        };
        let last_use = match used.last_used_date().map(time) {
            None if used.service_name().trim() == NOT_AVAILABLE => Ok(LastUse::Never),
            None => {
                Err("it has neither a last-used date nor the value for a key that was never used")
            }
            Some(None) => Err("its last-used date is out of range"),
            Some(Some(date)) => Ok(LastUse::At {
                date,
                service: place(used.service_name()),
                region: place(used.region()),
            }),
        };
        let wrong = |reason| incomplete_response(&attempts, reason);
        let owner = self.owner(output.user_name()).map_err(wrong);
        self.show_owner(id, owner.as_ref().ok().and_then(Option::as_ref));
        Ok(KeyMetadata {
            last_use: Some(last_use.map_err(wrong)?),
            owner: owner?,
            read_at: trusted_server_time(&attempts, &self.caller.responses),
            ..KeyMetadata::default()
        })
    }

    /// Calls `GenerateCredentialReport`. IAM generates a report at most every four hours. Returns whether it is complete.
    pub(crate) async fn generate_credential_report(&self) -> Result<bool, CallError> {
        let call = self.client.generate_credential_report();
        let send = async |recorder| call.clone().customize().interceptor(recorder).send().await;
        let (output, _) = self.read("GenerateCredentialReport", send).await?;
        Ok(output.state() == Some(&ReportStateType::Complete))
    }

    /// Calls `GetCredentialReport`.
    pub(crate) async fn credential_report(&self) -> Result<ReportRead, CallError> {
        let call = self.client.get_credential_report();
        let send = async |recorder| call.clone().customize().interceptor(recorder).send().await;
        let (output, attempts) = self.read("GetCredentialReport", send).await?;
        let content = output.content().map(|content| content.as_ref().to_vec());
        Ok(ReportRead {
            content: content.ok_or_else(|| incomplete_response(&attempts, "it has no content"))?,
            generated: output.generated_time().and_then(time),
            at: trusted_server_time(&attempts, &self.caller.responses),
        })
    }
}

/// When a call ends, counts the requests that it sent, even if a signal or a time limit ended it.
struct Counted<'a> {
    iam: &'a Iam,
    attempts: &'a Attempts,
    /// The number of earlier attempts.
    before: usize,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let attempts = self.attempts.lock();
        let new = attempts.iter().skip(self.before);
        let sent = new.filter(|attempt| attempt.was_sent()).count();
        if sent > 0 {
            *lock(&self.iam.request_counts)
                .entry(self.attempts.operation.name())
                .or_default() += sent;
        }
    }
}

/// Parses an optional user name from a response. A name that contains a secret of the run is rejected: it would be written to
/// journals and lists. The error is a fragment.
pub(super) fn owner(name: Option<&str>) -> Result<Option<UserName>, &'static str> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(known_secret::is_in) {
        return Err("it has a user name that contains a secret of this run");
    }
    let name = name.map(str::parse).transpose();
    name.map_err(|_| "it has an invalid user name")
}
