//! Renews expired credentials in a run over several keys: from the same source, and only for the same principal.

use std::sync::Arc;

use aws_credential_types::Credentials;

use super::sts::{Caller, Identity};
use super::time_budget::TimeBudget;
use crate::error::{Exit, RunError};
use crate::lock::lock;
use crate::sanitize::escape;

/// The credentials in use.
#[derive(Debug)]
pub(super) struct Current {
    credentials: Credentials,
    /// The number of renewals.
    generation: usize,
    /// Whether others may replace them: STS or IAM has accepted them.
    is_renewable: bool,
    /// Why STS did not identify them. Then they are not renewed.
    not_identified: Option<RunError>,
    /// Why the renewal failed. It is not repeated.
    failure: Option<Arc<RunError>>,
}

impl Current {
    /// The first credentials. They are renewed only if STS has identified them.
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            generation: 0,
            is_renewable: true,
            not_identified: None,
            failure: None,
        }
    }
}

impl Caller {
    pub(super) fn credentials(&self) -> Credentials {
        lock(&self.current).credentials.clone()
    }

    /// Returns the number of renewals, to recognize credentials that were renewed meanwhile.
    pub(super) fn generation(&self) -> usize {
        lock(&self.current).generation
    }

    /// Records that STS did not identify the credentials.
    pub(super) fn not_identified(&self, stop: RunError) {
        let stop = stop.hint("get new credentials from the same source");
        lock(&self.current).not_identified = Some(stop);
    }

    /// Records that IAM accepted the credentials of a generation.
    pub(super) fn accepted(&self, generation: usize) {
        let mut current = lock(&self.current);
        if current.generation == generation {
            current.is_renewable = true;
        }
    }

    /// Returns why expired credentials could not be renewed, as the error of a run. If the new ones belong to another
    /// principal, it is a refusal.
    pub(crate) fn renewal_failure(&self) -> Option<Arc<RunError>> {
        lock(&self.current).failure.clone()
    }

    /// Renews the credentials of the generation `expired`. Returns whether there are new credentials. Renewed credentials
    /// that IAM never accepted are not replaced, because others would be rejected too.
    pub(super) async fn renew(self: Arc<Self>, expired: usize) -> bool {
        let _renewing = self.renewing.lock().await;
        {
            let current = lock(&self.current);
            if current.generation != expired {
                return true;
            }
            let is_renewable = current.is_renewable && current.credentials.expiry().is_some();
            if !is_renewable || !self.source.is_renewable() || current.failure.is_some() {
                return false;
            }
        }
        let Some(known) = &self.known else {
            let mut current = lock(&self.current);
            let stop = current.not_identified.take();
            current.failure = stop.map(not_renewed).map(Arc::new);
            return false;
        };
        let renewed = self.renewed(known).await;
        let mut current = lock(&self.current);
        match renewed {
            Ok(credentials) => {
                *current = Current {
                    generation: expired + 1,
                    is_renewable: false,
                    ..Current::new(credentials)
                };
                true
            }
            Err(stop) => {
                current.failure = Some(Arc::new(not_renewed(stop)));
                false
            }
        }
    }

    /// Fetches new credentials from the same source.
    ///
    /// # Errors
    ///
    /// There are none, or they belong to another principal.
    async fn renewed(&self, known: &Identity) -> Result<Credentials, RunError> {
        let renewing = || "the credentials have expired: renewing them".to_owned();
        self.settings.log.verbose(renewing);
        let renewing = async {
            let budget = TimeBudget::of_credentials(self.limit);
            self.source.resolve(None, &self.settings, &budget).await
        };
        let credentials = Box::pin(renewing).await?;
        let without = "STS did not identify the renewed credentials";
        let identity = self.identity_of(credentials.clone(), without).await?;
        for (identity, which) in [(known, "first"), (&identity, "renewed")] {
            if identity.principal.is_empty() {
                return Err(RunError::credentials(format!(
                    "STS returned no ARN for the {which} credentials, so they cannot be compared"
                )));
            }
        }
        if identity != *known {
            let [new, old] = [&identity, known].map(|one| match one.unique_id.as_str() {
                id if identity.principal == known.principal => {
                    format!("{} with the unique ID {}", one.principal, escape(id))
                }
                _ => one.principal.clone(),
            });
            return Err(RunError::refused(format!(
                "the renewed credentials are those of {new}, and the run began as {old}"
            )));
        }
        Ok(credentials)
    }
}

/// Creates the error of a run whose credentials could not be renewed.
fn not_renewed(stop: RunError) -> RunError {
    match stop.exit {
        Exit::Refused => stop,
        _ => RunError {
            hints: stop.hints,
            ..RunError::credentials(format!(
                "the credentials have expired and could not be renewed: {}",
                stop.message
            ))
        },
    }
}
