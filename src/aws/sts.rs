//! Looks up the identity of the credentials with STS.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use tokio::time::timeout;

use super::attempt::Attempts;
use super::connection::Connection;
use super::credentials::Source;
use super::error::{incomplete_response, read_error, timed_out};
use super::recorder::Recorder;
use super::renewal::Current;
use super::response_history::SharedHistory;
use super::retry::Retries;
use super::root;
use super::settings::Settings;
use super::time_budget::TimeBudget;
use crate::error::{CallError, Operation, RunError, run_error};
use crate::guard;
use crate::ident::{AccountId, UserName};

/// The start of the error if STS does not identify the caller of `AssumeRole` or `AssumeRoot`.
pub(super) const UNKNOWN_CALLER: &str = "the account of your credentials is unknown";

/// Who signs the requests of a run: the credentials, their source, and what STS says about them.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(super) settings: Box<Settings>,
    pub(super) source: Source,
    pub(super) current: Mutex<Current>,
    /// The time limit for STS.
    pub(super) limit: Duration,
    pub(super) responses: SharedHistory,
    /// The identity at the start of the run, if STS had to return it.
    pub(super) known: Option<Identity>,
    /// The account, once STS returned it.
    pub(super) sts_account: Arc<OnceLock<AccountId>>,
    /// Whether STS or the list of the calling user's keys shows that the caller is the root user.
    pub(crate) is_root: Arc<AtomicBool>,
    /// Held by the request that renews the credentials for all others.
    pub(super) renewing: tokio::sync::Mutex<()>,
}

impl Caller {
    /// Creates a caller with the first credentials of `source`.
    pub(super) fn new(
        settings: Box<Settings>,
        source: Source,
        credentials: Credentials,
        limit: Duration,
    ) -> Self {
        Self {
            settings,
            source,
            current: Mutex::new(Current::new(credentials)),
            limit,
            responses: SharedHistory::default(),
            known: None,
            sts_account: Arc::default(),
            is_root: Arc::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the account. STS is called at most once. `without` is the start of the error.
    ///
    /// # Errors
    ///
    /// STS does not return an account.
    pub(crate) async fn account(&self, without: &str) -> Result<AccountId, RunError> {
        if let Some(known) = self.sts_account.get() {
            return Ok(known.clone());
        }
        let identity = self.identity(without).await?;
        self.note(&identity);
        Ok(identity.account)
    }

    /// Returns the name of the calling user. `None`: STS names no user, as for a role.
    ///
    /// # Errors
    ///
    /// STS does not return an identity.
    pub(crate) async fn user_name(&self) -> Result<Option<UserName>, RunError> {
        if let Some(known) = &self.known {
            return Ok(known.user_name());
        }
        let identity = self.identity("the calling user is unknown").await?;
        self.note(&identity);
        Ok(identity.user_name())
    }

    /// Remembers what STS says about the caller.
    pub(super) fn note(&self, identity: &Identity) {
        // It is the same for all credentials of a run.
        let _ = self.sts_account.set(identity.account.clone());
        self.note_root(identity.is_root());
    }

    /// Notes whether a response shows that the caller is the root user.
    pub(super) fn note_root(&self, is_root: bool) {
        self.is_root.fetch_or(is_root, Ordering::AcqRel);
    }

    /// Calls `GetCallerIdentity`.
    ///
    /// # Errors
    ///
    /// STS does not return an identity.
    pub(super) async fn identity(&self, without: &str) -> Result<Identity, RunError> {
        self.identity_of(self.credentials(), without).await
    }

    /// Calls `GetCallerIdentity` with other credentials.
    pub(super) async fn identity_of(
        &self,
        credentials: Credentials,
        without: &str,
    ) -> Result<Identity, RunError> {
        let attempts = Attempts::of(Operation::Sts("GetCallerIdentity"));
        let call = self.client(credentials)?.get_caller_identity();
        let output = self.read(&attempts, self.limit, async |recorder| {
            call.customize().interceptor(recorder).send().await
        });
        let output = output.await;
        let identity = output.and_then(|output| Identity::of(&output, &attempts));
        identity.map_err(|failure| {
            let stop = run_error(&failure, "STS", &format!("{without}: "));
            self.source.with_hint(stop)
        })
    }

    /// Checks the identity as the options require, and returns it if it was read. A renewal compares the later identity
    /// with it.
    ///
    /// # Errors
    ///
    /// The identity is unknown, or not the expected one.
    pub(super) async fn check(
        &self,
        connection: &Connection,
        expected: &[AccountId],
        renews: bool,
    ) -> Result<Option<Identity>, RunError> {
        if let Some(target) = &connection.target_principal {
            let identity = self.identity(root::UNCHECKED).await?;
            root::check(&identity, target)?;
            return Ok(Some(identity));
        }
        if !expected.is_empty() {
            let without = "--expect-account could not be checked";
            let identity = self.identity(without).await?;
            guard::account(expected, &identity.account, None)?;
            return Ok(Some(identity));
        }
        if !renews {
            return Ok(None);
        }
        match self.identity("STS did not identify the caller").await {
            Ok(identity) => Ok(Some(identity)),
            Err(stop) => {
                let line =
                    "STS did not identify the caller: expired credentials will not be renewed";
                self.settings.log.verbose(|| line.to_owned());
                self.not_identified(stop);
                Ok(None)
            }
        }
    }

    /// Creates a client that signs with `credentials`.
    pub(super) fn client(&self, credentials: Credentials) -> Result<Client, RunError> {
        let sdk = self.settings.sdk_of_identity()?;
        Ok(client(&sdk, Some(credentials), Retries::Sdk))
    }

    /// Assumes the role or the root user of `role` with these credentials, and signs with the result from now on.
    ///
    /// # Errors
    ///
    /// STS returns no credentials.
    pub(super) async fn assume(mut self, role: Source) -> Result<Self, RunError> {
        let base = Some(self.credentials());
        self.source = role.assumed_with(self.source);
        let budget = TimeBudget::of_credentials(self.limit);
        let assuming = self.source.resolve(base, &self.settings, &budget);
        self.current = Mutex::new(Current::new(Box::pin(assuming).await?));
        Ok(self)
    }

    /// Makes a call that changes nothing. `limit` is the longest time for it.
    pub(super) async fn read<O, E: Error + 'static>(
        &self,
        attempts: &Attempts,
        limit: Duration,
        send: impl AsyncFnOnce(Recorder) -> Result<O, E>,
    ) -> Result<O, CallError> {
        let recorder = Recorder::new(attempts, &self.responses, self.settings.log);
        let output = timeout(limit, send(recorder)).await;
        let output = output.map_err(|_| timed_out(attempts, limit))?;
        output.map_err(|error| read_error(attempts, &error))
    }
}

/// The caller's identity according to STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) account: AccountId,
    /// The ARN, without the session name.
    pub(super) principal: String,
    /// The unique ID of the user or role, without the session name. A user or role that was deleted and created again
    /// has a new one.
    pub(super) unique_id: String,
}

impl Identity {
    fn of(output: &GetCallerIdentityOutput, attempts: &Attempts) -> Result<Self, CallError> {
        let account = output.account().unwrap_or_default().trim();
        let arn = output.arn().unwrap_or_default().trim();
        let user_id = output.user_id().unwrap_or_default();
        let account: AccountId = account.parse().map_err(|_| {
            let what = if account.is_empty() {
                "it has no account"
            } else {
                "its account does not have 12 digits"
            };
            incomplete_response(attempts, what)
        })?;
        if !arn.is_empty() && arn.split(':').nth(4) != Some(account.as_str()) {
            return Err(incomplete_response(
                attempts,
                "its account and its ARN contradict each other",
            ));
        }
        let principal = match arn.rsplit_once('/') {
            // Without the session name, the ARN identifies the role.
            Some((role, _)) if arn.contains(":assumed-role/") => role,
            _ => arn,
        };
        let (unique_id, _) = user_id.split_once(':').unwrap_or((user_id, ""));
        Ok(Self {
            account,
            principal: principal.to_owned(),
            unique_id: unique_id.trim().to_owned(),
        })
    }

    /// Whether it is the root user. A federated user could have a name that ends in `:root`.
    pub(super) fn is_root(&self) -> bool {
        self.principal.split(':').nth(5) == Some("root")
    }

    /// Returns the user's name if it is a user.
    fn user_name(&self) -> Option<UserName> {
        let user = self
            .principal
            .splitn(6, ':')
            .nth(5)?
            .strip_prefix("user/")?;
        user.rsplit('/').next()?.parse().ok()
    }

    /// The partition of AWS that the account is in, such as `aws-cn`.
    pub(super) fn partition(&self) -> &str {
        let partition = self.principal.split(':').nth(1);
        partition.filter(|name| !name.is_empty()).unwrap_or("aws")
    }
}

/// Creates an STS client. Requests with a web identity token need no credentials.
pub(super) fn client(
    sdk: &SdkConfig,
    credentials: Option<Credentials>,
    retries: Retries,
) -> Client {
    let mut config = Builder::from(sdk).retry_classifier(retries);
    config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
    Client::from_conf(config.build())
}

/// Creates a recorder for a call whose response contains credentials.
pub(super) fn session_recorder(attempts: &Attempts, settings: &Settings) -> Recorder {
    let log = settings.log.without_bodies();
    Recorder::new(attempts, &SharedHistory::default(), log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_user_has_a_name() {
        for (principal, expected) in [
            ("arn:aws:iam::123456789012:user/Bob", Some("Bob")),
            ("arn:aws:iam::123456789012:user/a/b:c/Bob", Some("Bob")),
            ("arn:aws-cn:iam::123456789012:user/bob@x.y", Some("bob@x.y")),
            ("arn:aws:iam::123456789012:root", None),
            ("arn:aws:sts::123456789012:assumed-role/user", None),
            ("arn:aws:sts::123456789012:federated-user/Bob", None),
            ("arn:aws:iam::123456789012:user/", None),
            ("", None),
        ] {
            let identity = Identity {
                account: "123456789012".parse().expect("an account"),
                principal: principal.to_owned(),
                unique_id: String::new(),
            };
            let found = identity.user_name();
            assert_eq!(
                found,
                expected.and_then(|name| name.parse().ok()),
                "{principal}"
            );
        }
    }
}
