//! Renews expired credentials in a run over several keys: from the same source, and only for the same principal.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_credential_types::Credentials;

use super::credentials::Source;
use super::sts::{AccountLookup, Identity};
use crate::error::RunError;
use crate::lock::lock;
use crate::sanitize::escape;

/// The credentials in use.
#[derive(Debug)]
pub(super) struct SharedCredentials {
    current: Mutex<Current>,
    renewal: Option<Renewal>,
    /// Held by the request that renews the credentials for all others.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Current {
    credentials: Credentials,
    /// The number of renewals.
    generation: usize,
    /// Whether IAM has accepted them.
    is_accepted: bool,
    /// Why the renewal failed. It is not repeated.
    failure: Option<Arc<RunError>>,
}

/// What a renewal needs.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) source: Source,
    pub(super) caller: AccountLookup,
    /// The identity at the start of the run.
    pub(super) identity: Identity,
}

impl SharedCredentials {
    /// Starts with the first credentials of the run.
    pub(super) fn new(credentials: Credentials, renewal: Option<Renewal>) -> Self {
        Self {
            current: Mutex::new(Current {
                credentials,
                generation: 0,
                is_accepted: false,
                failure: None,
            }),
            renewal,
            renewing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        self.current().credentials.clone()
    }

    /// Returns the number of renewals, to recognize credentials that were renewed meanwhile.
    pub(super) fn generation(&self) -> usize {
        self.current().generation
    }

    /// Records that IAM accepted the credentials of a generation.
    pub(super) fn accepted(&self, generation: usize) {
        let mut current = self.current();
        if current.generation == generation {
            current.is_accepted = true;
        }
    }

    /// Returns why the renewal failed.
    pub(super) fn failure(&self) -> Option<Arc<RunError>> {
        self.current().failure.clone()
    }

    /// Renews the credentials of the generation `expired`. Returns whether there are new credentials. Credentials that
    /// IAM never accepted are not renewed, because new ones would be rejected too.
    pub(super) async fn renew(self: Arc<Self>, expired: usize) -> bool {
        let Some(renewal) = &self.renewal else {
            return false;
        };
        let _renewing = self.renewing.lock().await;
        {
            let current = self.current();
            if current.generation != expired {
                return true;
            }
            if !current.is_accepted || current.failure.is_some() {
                return false;
            }
        }
        let renewed = renewal.run().await;
        let mut current = self.current();
        match renewed {
            Ok(credentials) => {
                current.credentials = credentials;
                current.generation += 1;
                current.is_accepted = false;
                true
            }
            Err(stop) => {
                current.failure = Some(Arc::new(stop));
                false
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.current)
    }
}

impl Renewal {
    /// Fetches new credentials from the same source.
    ///
    /// # Errors
    ///
    /// There are none, or they belong to another principal.
    async fn run(&self) -> Result<Credentials, RunError> {
        let caller = &self.caller;
        let settings = &caller.settings;
        let renewing = || "the credentials have expired: renewing them".to_owned();
        settings.log.verbose(renewing);
        let credentials = self.source.resolve(None, settings, caller.limit).await?;
        let renewed = AccountLookup {
            credentials: credentials.clone(),
            ..caller.clone()
        };
        let Ok(identity) = renewed.identity("").await else {
            return Err(RunError::credentials(
                "STS did not identify the renewed credentials",
            ));
        };
        if identity != self.identity {
            let [new, old] =
                [&identity, &self.identity].map(|known| match known.unique_id.as_str() {
                    id if identity.principal == self.identity.principal => {
                        format!("{} with the unique ID {}", known.principal, escape(id))
                    }
                    _ => known.principal.clone(),
                });
            return Err(RunError::refused(format!(
                "the renewed credentials are those of {new}, and the run began as {old}"
            )));
        }
        Ok(credentials)
    }
}
