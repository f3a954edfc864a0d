//! The credentials in use. In a run over several keys they are replaced when they expire: from the same source, and only by
//! others of the same principal.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_credential_types::Credentials;

use super::credentials::{Resolved, Source};
use super::sts::{AccountLookup, Identity};
use crate::error::RunError;
use crate::guard::Signer;
use crate::lock::lock;
use crate::sanitize::escape;

/// The credentials in use.
#[derive(Debug)]
pub(super) struct SharedCredentials {
    current: Mutex<Current>,
    signer: Signer,
    renewal: Option<Renewal>,
    /// Held while credentials are renewed, by one request for all.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Current {
    credentials: Credentials,
    /// How often they were renewed.
    generation: usize,
    /// Whether IAM has accepted them.
    is_accepted: bool,
    /// Why they are not renewed any more.
    failure: Option<Arc<RunError>>,
}

/// How credentials are renewed.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) source: Source,
    pub(super) caller: AccountLookup,
    /// Who the run began as.
    pub(super) identity: Identity,
}

impl SharedCredentials {
    /// The credentials that a run begins with.
    pub(super) fn new(resolved: Resolved, signer: Signer, renewal: Option<Renewal>) -> Self {
        signer.add(resolved.key_ids);
        Self {
            current: Mutex::new(Current {
                credentials: resolved.credentials,
                generation: 0,
                is_accepted: false,
                failure: None,
            }),
            signer,
            renewal,
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// The credentials.
    pub(super) fn credentials(&self) -> Credentials {
        self.current().credentials.clone()
    }

    /// Which credentials are in use.
    pub(super) fn generation(&self) -> usize {
        self.current().generation
    }

    /// IAM has accepted the credentials of a generation.
    pub(super) fn accepted(&self, generation: usize) {
        let mut current = self.current();
        if current.generation == generation {
            current.is_accepted = true;
        }
    }

    /// Why expired credentials are not renewed.
    pub(super) fn failure(&self) -> Option<Arc<RunError>> {
        self.current().failure.clone()
    }

    /// Renews the credentials that IAM says have expired. Whether there are others now: not where IAM never accepted those,
    /// since others would fare no better.
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
            Ok(resolved) => {
                self.signer.add(resolved.key_ids);
                current.credentials = resolved.credentials;
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
    /// Credentials of the same source, if they are of the principal that the run began as.
    async fn run(&self) -> Result<Resolved, RunError> {
        let caller = &self.caller;
        let settings = &caller.settings;
        let renewing = || "the credentials have expired: renewing them".to_owned();
        settings.log.verbose(renewing);
        let resolved = self.source.resolve(None, settings, caller.limit).await?;
        let renewed = AccountLookup {
            credentials: resolved.credentials.clone(),
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
        Ok(resolved)
    }
}
