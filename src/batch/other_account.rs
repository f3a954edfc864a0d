//! Finds the other account that has a key which IAM does not show.

use std::time::Duration;

use tokio::time::timeout;

use super::Work;
use crate::error::CallError;
use crate::ident::{AccessKeyId, AccountId};
use crate::outcome::{KeyResult, KeyState, Outcome};
use crate::report::Proof;

/// How long STS may take.
const LIMIT: Duration = Duration::from_secs(5);

impl Work<'_> {
    /// Adds the account of a key if STS says that it differs from that of the credentials. Such a key is not gone. STS is
    /// called only if IAM never listed the key, and its ID does not encode the account of the credentials: about the run's
    /// only key for a hint, and about each key that seems to be gone.
    pub(super) async fn with_account(&self, mut result: Box<KeyResult>) -> Box<KeyResult> {
        let seems_gone = !matches!(result.outcome, Outcome::Failed { .. });
        let (Outcome::Failed { failure, .. }
        | Outcome::Missing(failure)
        | Outcome::Done {
            response: None,
            failure: Some(failure),
            ..
        }) = &result.outcome
        else {
            return result;
        };
        let connection = &self.request.connection;
        let is_known = connection.role_name.is_some() || connection.target_principal.is_some();
        let is_asked = if seems_gone {
            self.proof(&result) == Proof::None
        } else {
            self.request.single().is_some()
        };
        if is_known || !is_asked || !may_be_in_other_account(failure) {
            return result;
        }
        let found = timeout(
            LIMIT.min(self.request.limit),
            self.accounts(&result.key.id, seems_gone),
        );
        let accounts = match self.signals.race(Box::pin(found)).await {
            Ok(Ok(Some(accounts))) if accounts.0 != accounts.1 => accounts,
            Ok(Err(_)) => {
                self.lacks_accounts.set(true);
                return result;
            }
            _ => return result,
        };
        let mut failure = failure.clone();
        let theirs = accounts.0.clone();
        if let Some(context) = failure.context_mut() {
            context.sts_accounts = Some(accounts);
        }
        match &mut result.outcome {
            Outcome::Failed { failure: known, .. } => *known = failure,
            gone => {
                let known = KeyState::ShownNotDone(format!("it belongs to account {theirs}"));
                *gone = Outcome::Failed { failure, known };
            }
        }
        result
    }

    /// Returns the account of a key and that of the credentials, if they are known.
    async fn accounts(&self, id: &AccessKeyId, seems_gone: bool) -> Option<(AccountId, AccountId)> {
        let caller = &self.iam.caller;
        if self.lacks_accounts.get() {
            return None;
        }
        let ours = match self.iam.signer.account() {
            None if seems_gone => {
                let account = caller.account("the account is unknown").await;
                self.lacks_accounts.set(account.is_err());
                account.ok()?
            }
            known => known?.clone(),
        };
        if id.account().as_ref() == Some(&ours) {
            return Some((ours.clone(), ours));
        }
        match caller.account_of(id, LIMIT).await {
            Ok(theirs) => Some((theirs, ours)),
            Err(failure) => {
                let is_about_key = failure.service().is_some() && !failure.is_denied();
                self.lacks_accounts.set(!is_about_key);
                None
            }
        }
    }
}

/// Whether IAM says nothing that shows that the key is in this account.
fn may_be_in_other_account(failure: &CallError) -> bool {
    let context = failure.context();
    (failure.is_denied() || failure.is_no_such_entity())
        && context.owner.is_none()
        && context.still_reported_owner.is_none()
        && !context.is_listed
}
