//! Finds the other account that has a key which IAM does not show, for a hint.

use std::time::Duration;

use super::Work;
use crate::error::CallError;
use crate::outcome::{KeyResult, Outcome};

/// How long STS may take.
const LIMIT: Duration = Duration::from_secs(5);

impl Work<'_> {
    /// Adds the account of the run's only key if it differs from that of the credentials. STS is called only if IAM does
    /// not show the key and its ID does not encode the account of the credentials.
    pub(super) async fn with_account(&self, mut result: Box<KeyResult>) -> Box<KeyResult> {
        let Some(ours) = self.iam.signer.account.as_ref() else {
            return result;
        };
        let connection = &self.request.connection;
        let is_known = connection.role_name.is_some()
            || connection.target_principal.is_some()
            || result.key.id.account().as_ref() == Some(ours)
            || self.request.single().is_none();
        if let Outcome::Failed { failure, .. } = &mut result.outcome
            && !is_known
            && may_be_in_other_account(failure)
            && let Some(context) = failure.context_mut()
        {
            let limit = LIMIT.min(self.request.limit);
            let account = self.iam.caller.account_of(&result.key.id, limit);
            if let Ok(Ok(theirs)) = self.signals.race(Box::pin(account)).await
                && theirs != *ours
            {
                context.sts_accounts = Some((theirs, ours.clone()));
            }
        }
        result
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
