//! IAM, one method a call. Each says what IAM answered, or how far the request got.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ReportStateType, StatusType};
use tokio::time::Instant;

use super::attempt::{Attempts, Recorder};
use super::error::{call_error, incomplete_response, read_error, time, trusted_server_time};
use super::key_budget::{KeyBudget, WaitClock};
use super::rate_limiter::RateLimiter;
use super::renewal::SharedCredentials;
use super::response_history::ResponseHistory;
use crate::error::{CallError, ErrorKind, RunError, TransportError};
use crate::ident::{AccessKeyId, UserName};
use crate::log::Log;
use crate::metadata::{LastUse, NOT_AVAILABLE};
use crate::outcome::ResponseMetadata;
use crate::request::Key;

/// How often one request is refused as too much, while others are served, before it is given up.
const MAX_THROTTLED_ATTEMPTS: usize = 100;

/// IAM, reached as one identity. Clones share the pace and the count of requests.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    pub(super) client: Client,
    /// What is remembered of all responses of the run.
    pub(super) responses: ResponseHistory,
    pub(super) credentials: Arc<SharedCredentials>,
    pub(super) log: Log,
    /// For many requests.
    pub(super) rate_limiter: Option<Arc<RateLimiter>>,
    /// How long IAM may serve no request at all before it counts as throttling all of them.
    pub(super) patience: Duration,
    pub(super) wait_clock: WaitClock,
    /// Of many things at a time, the one that the calls are about.
    pub(super) subject: Option<Arc<str>>,
    pub(super) request_counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// What `GetAccessKeyLastUsed` says.
#[derive(Debug)]
pub(crate) struct LastUseRead {
    /// Whose key it is.
    pub(crate) owner: Option<UserName>,
    /// When and where it was used last.
    pub(crate) last_use: LastUse,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
}

/// How far a credential report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportState {
    /// It is in the making.
    Started,
    /// It is there.
    Complete,
}

/// What `GetCredentialReport` says.
#[derive(Debug)]
pub(crate) struct ReportRead {
    /// The report, CSV.
    pub(crate) content: Vec<u8>,
    /// When it was made.
    pub(crate) generated: Option<SystemTime>,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
}

impl Iam {
    /// Why expired credentials could not be renewed.
    pub(crate) fn renewal_failure(&self) -> Option<Arc<RunError>> {
        self.credentials.failure()
    }

    /// How many requests were made of each operation, retries included.
    pub(crate) fn requests(&self) -> Vec<(&'static str, usize)> {
        let request_counts = self.request_counts.lock();
        let request_counts = request_counts
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        request_counts.into_iter().collect()
    }

    /// The same IAM for the calls on one key, or on the keys of one user: they are counted against one limit, and among
    /// those of many each line of the log says what it is about.
    pub(crate) fn for_one(&self, subject: &str) -> Self {
        Self {
            wait_clock: WaitClock::default(),
            subject: self.rate_limiter.as_ref().map(|_| subject.into()),
            ..self.clone()
        }
    }

    /// Why ages cannot be judged in this run, if they cannot: IAM's clock jumped.
    pub(crate) fn clock_jump(&self) -> Option<CallError> {
        self.responses.clock_jump().map(|reason| {
            CallError::Incomplete(TransportError {
                reason,
                ..TransportError::default()
            })
        })
    }

    /// A limit for calls on one key, from now on.
    pub(crate) fn key_budget(&self, limit: Duration) -> KeyBudget {
        KeyBudget::new(&self.wait_clock, limit)
    }

    /// Makes a call when it is its turn, and again while IAM says that it was too much. `send` gets what records the
    /// attempts.
    async fn call<O, E>(
        &self,
        operation: &'static str,
        attempts: &Attempts,
        mut send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<O, E> {
        let asked_at = Instant::now();
        loop {
            let before = attempts.count();
            let mut wait_guard = self.wait_clock.start_waiting();
            let permit = match &self.rate_limiter {
                // Whose turn never comes hears from IAM itself why.
                Some(rate_limiter) => rate_limiter.acquire_within(self.patience).await,
                None => None,
            };
            wait_guard.stop_waiting();
            let mut recorder = Recorder::new(attempts, operation, &self.responses, self.log);
            recorder.subject.clone_from(&self.subject);
            let generation = self.credentials.generation();
            let result = send(recorder).await;
            drop(wait_guard);
            let request_counts = self.request_counts.lock();
            *request_counts
                .unwrap_or_else(PoisonError::into_inner)
                .entry(operation)
                .or_default() += attempts.count() - before;
            let (Some(rate_limiter), Some(permit)) = (&self.rate_limiter, permit) else {
                return result;
            };
            if attempts.error() == Some(ErrorKind::Throttling) {
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

    /// Whether a call was refused because the credentials have expired, and there are others now. The time that takes is
    /// not the key's.
    async fn is_renewed(&self, attempts: &Attempts, generation: usize) -> bool {
        if attempts.shows_valid_credentials() {
            self.credentials.accepted(generation);
        }
        if !attempts.shows_expired_credentials() {
            return false;
        }
        let _waiting = self.wait_clock.start_waiting();
        let renewing: Pin<Box<dyn Future<Output = bool>>> =
            Box::pin(Arc::clone(&self.credentials).renew(generation));
        renewing.await
    }

    /// Adds to expired credentials why they were not renewed.
    fn with_renewal(&self, mut failure: CallError) -> CallError {
        let is_of_credentials = failure
            .service()
            .is_some_and(|error| error.kind() == ErrorKind::Credentials);
        if is_of_credentials
            && let Some(stop) = self.renewal_failure()
            && let Some(context) = failure.context_mut()
        {
            context.renewal_hints = Some(stop.hints.clone());
        }
        failure
    }

    /// Makes a call that changes nothing. What it gives has the record of its attempts beside it.
    pub(super) async fn read<O, E: Error + 'static>(
        &self,
        operation: &'static str,
        send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<(O, Attempts), CallError> {
        let attempts = Attempts::default();
        match self.call(operation, &attempts, send).await {
            Ok(output) => Ok((output, attempts)),
            Err(error) => Err(self.with_renewal(read_error(operation, &attempts, &error))),
        }
    }

    /// Makes a call that changes a key. IAM's reply counts; the SDK alone takes anything with status 200 for success.
    async fn change<O, E: Error + 'static>(
        &self,
        operation: &'static str,
        attempts: &Attempts,
        send: impl AsyncFnMut(Recorder) -> Result<O, E>,
    ) -> Result<ResponseMetadata, CallError> {
        let result = self.call(operation, attempts, send).await;
        let failure = match (result, attempts.last()) {
            (Err(error), _) => call_error(operation, attempts, Some(&error)),
            (Ok(_), Some(last)) if last.is_success() => return Ok(last.metadata),
            (Ok(_), _) => call_error(operation, attempts, None),
        };
        Err(self.with_renewal(failure))
    }

    /// `DeleteAccessKey`. The attempts are in `attempts`, also when this is dropped before it ends.
    pub(crate) async fn delete_access_key(
        &self,
        key: &Key,
        attempts: &Attempts,
    ) -> Result<ResponseMetadata, CallError> {
        let send = async |recorder| {
            let call = self.client.delete_access_key();
            let call = call
                .access_key_id(key.id.as_str())
                .set_user_name(text(key.user_name.as_ref()));
            call.customize().interceptor(recorder).send().await
        };
        self.change("DeleteAccessKey", attempts, send).await
    }

    /// `UpdateAccessKey` to `Inactive`. The attempts are in `attempts`, also when this is dropped before it ends.
    pub(crate) async fn deactivate_access_key(
        &self,
        key: &Key,
        attempts: &Attempts,
    ) -> Result<ResponseMetadata, CallError> {
        let send = async |recorder| {
            let call = self.client.update_access_key();
            let call = call
                .access_key_id(key.id.as_str())
                .set_user_name(text(key.user_name.as_ref()))
                .status(StatusType::Inactive);
            call.customize().interceptor(recorder).send().await
        };
        self.change("UpdateAccessKey", attempts, send).await
    }

    /// `GetAccessKeyLastUsed`, which names the owner of any key of the account too.
    pub(crate) async fn last_use(&self, id: &AccessKeyId) -> Result<LastUseRead, CallError> {
        let send = async |recorder| {
            let call = self.client.get_access_key_last_used();
            let call = call.access_key_id(id.as_str());
            call.customize().interceptor(recorder).send().await
        };
        let (output, attempts) = self.read("GetAccessKeyLastUsed", send).await?;
        let used = output.access_key_last_used();
        let used =
            used.ok_or_else(|| incomplete_response(&attempts, "it says nothing of the last use"))?;
        let place = |text: &str| match text.trim() {
            "" | NOT_AVAILABLE => None,
            text => Some(text.to_owned()),
        };
        let last_use = match used.last_used_date().map(time) {
            None if used.service_name().trim() == NOT_AVAILABLE => LastUse::Never,
            None => {
                let reason = "it says neither when the key was used nor that it never was";
                return Err(incomplete_response(&attempts, reason));
            }
            Some(None) => {
                return Err(incomplete_response(
                    &attempts,
                    "it says a date that is out of range",
                ));
            }
            Some(Some(date)) => LastUse::At {
                date,
                service: place(used.service_name()),
                region: place(used.region()),
            },
        };
        Ok(LastUseRead {
            owner: owner(output.user_name(), &attempts)?,
            last_use,
            at: trusted_server_time(&attempts, &self.responses),
        })
    }

    /// `GenerateCredentialReport`: IAM makes one at most every four hours.
    pub(crate) async fn generate_credential_report(&self) -> Result<ReportState, CallError> {
        let send = async |recorder| {
            let call = self.client.generate_credential_report();
            call.customize().interceptor(recorder).send().await
        };
        let (output, _) = self.read("GenerateCredentialReport", send).await?;
        match output.state() {
            Some(ReportStateType::Complete) => Ok(ReportState::Complete),
            _ => Ok(ReportState::Started),
        }
    }

    /// `GetCredentialReport`.
    pub(crate) async fn credential_report(&self) -> Result<ReportRead, CallError> {
        let send = async |recorder| {
            let call = self.client.get_credential_report();
            call.customize().interceptor(recorder).send().await
        };
        let (output, attempts) = self.read("GetCredentialReport", send).await?;
        let content = output.content().map(|content| content.as_ref().to_vec());
        Ok(ReportRead {
            content: content.ok_or_else(|| incomplete_response(&attempts, "it says nothing"))?,
            generated: output.generated_time().and_then(time),
            at: trusted_server_time(&attempts, &self.responses),
        })
    }
}

/// An optional parameter.
pub(super) fn text(name: Option<&UserName>) -> Option<String> {
    name.map(|name| name.as_str().to_owned())
}

/// A user name of a response; `None` where it has none.
pub(super) fn owner(
    name: Option<&str>,
    attempts: &Attempts,
) -> Result<Option<UserName>, CallError> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let name = name.map(str::parse).transpose();
    name.map_err(|_| incomplete_response(attempts, "it says a user name that IAM does not allow"))
}
