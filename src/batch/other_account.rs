//! Finds the other account that has a key which IAM does not show.

use std::time::Duration;

use tokio::time::timeout;

use super::Work;
use crate::aws::TimeBudget;
use crate::error::{CallError, Exit, SearchScope};
use crate::ident::{AccessKeyId, AccountId};
use crate::locate::{KeyLocation, Search};
use crate::outcome::{Check, KeyResult, KeyState, Outcome};
use crate::signal;

/// How long STS may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How many keys STS may fail to look up in a row before it is not asked again.
const MAX_FAILURES: u8 = 3;

/// The account of a key and that of the credentials.
enum Accounts {
    /// According to STS.
    BySts(AccountId, AccountId),
    /// STS does not know that of the key, whose ID encodes another one.
    ByKeyId(AccountId, AccountId),
}

impl Work<'_> {
    /// Adds the account of a key if it differs from that of the credentials. Such a key is not gone. STS is called only if IAM
    /// never showed the key, and its ID does not encode the account of the credentials: about the run's only key for a hint,
    /// and about each key that seems to be gone or whose state is unknown.
    pub(super) async fn with_account(
        &self,
        result: Box<KeyResult>,
        budget: &TimeBudget,
    ) -> Box<KeyResult> {
        let mut result = self.ask_account(result, budget).await;
        if let Some(exit) = self.signals.first()
            && self.request.single().is_some()
        {
            result.outcome = stopped(result.outcome, exit);
        }
        result
    }

    async fn ask_account(&self, mut result: Box<KeyResult>, budget: &TimeBudget) -> Box<KeyResult> {
        let connection = &self.request.connection;
        if connection.role_name.is_some() || connection.target_principal.is_some() {
            return result;
        }
        let failure = match &result.outcome {
            Outcome::Failed { failure, .. }
                if self.request.single().is_some() && may_be_in_other_account(failure) =>
            {
                Some(failure.clone())
            }
            _ if self.was_shown(&result) => return result,
            Outcome::Failed {
                failure,
                known: KeyState::Unknown { .. },
            } if may_be_in_other_account(failure) => Some(failure.clone()),
            Outcome::Missing(failure) => Some(failure.clone()),
            Outcome::Done {
                response: None,
                failure,
                ..
            } => failure.clone(),
            Outcome::Stopped {
                known: KeyState::Done(evidence),
                failure,
                ..
            } if !evidence.is_empty() => failure.clone(),
            _ => return result,
        };
        let (ours, theirs) = (self.iam.signer.account(), result.key.id.account());
        if ours.is_some() && ours == theirs.as_ref() {
            return result;
        }
        let seems_gone = !matches!(result.outcome, Outcome::Failed { .. });
        let found = timeout(LIMIT, self.accounts(&result.key.id));
        let found = budget.spend(Duration::ZERO, found);
        let found = match self.signals.bound(signal::ACCOUNT, Box::pin(found)).await {
            Ok(Some(found)) => found,
            Err(exit) if seems_gone => {
                let why = "STS did not say whether it belongs to another account";
                // The list of the named user lacks the key. A look-up asks STS again.
                let known = KeyState::unknown(why).with_check(Check::Owner);
                result.outcome = Outcome::Stopped {
                    exit,
                    known,
                    failure,
                };
                return result;
            }
            Ok(None) | Err(_) => return result,
        };
        let has_context = |failure: &CallError| {
            matches!(failure, CallError::Service(_) | CallError::NotFound { .. })
        };
        let failure = failure.filter(has_context);
        let mut failure = failure.unwrap_or_else(|| CallError::not_found(SearchScope::Account));
        let Some(context) = failure.context_mut() else {
            return result;
        };
        let known = match found {
            Ok(Some(Accounts::BySts(theirs, ours))) => {
                // No request can change it, whatever became of the response.
                result.is_open = false;
                let known = KeyState::ShownNotDone(format!("it belongs to account {theirs}"));
                context.sts_accounts = Some((theirs, ours));
                known
            }
            Ok(Some(Accounts::ByKeyId(theirs, ours))) if seems_gone => {
                context.accounts = Some((theirs.clone(), ours.clone()));
                let hint = self.owner_hint(&result.key, &result.metadata);
                let search = Search::new(self.iam, self.request, &result.key, hint);
                let why = search.describe(&KeyLocation::OtherAccount(theirs, ours));
                match result.outcome {
                    Outcome::Missing(_) => KeyState::ShownNotDone(why),
                    _ => KeyState::unknown(why).with_check(Check::Nothing),
                }
            }
            Ok(_) => return result,
            Err(_) => {
                self.note_sts(false);
                return result;
            }
        };
        result.outcome = match result.outcome {
            Outcome::Stopped { exit, .. } => Outcome::Stopped {
                exit,
                known,
                failure: Some(failure),
            },
            // What IAM answered says more.
            Outcome::Failed { known, .. } if !matches!(known, KeyState::Unknown { .. }) => {
                Outcome::Failed { failure, known }
            }
            _ => Outcome::Failed { failure, known },
        };
        result
    }

    /// Whether IAM showed the key in this run, or listed it in an earlier one: then it is in the account of the credentials.
    fn was_shown(&self, result: &KeyResult) -> bool {
        let mut earlier = self.journal.attempts(&result.key.id).iter();
        self.iam.shown(&result.key.id).is_some()
            || earlier.any(|attempt| attempt.was_listed || attempt.has_moved)
    }

    /// Returns the account of a key and that of the credentials, if they are known and differ.
    async fn accounts(&self, id: &AccessKeyId) -> Option<Accounts> {
        let caller = &self.iam.caller;
        let ours = match self.iam.signer.account() {
            None if self.asks_sts() => {
                let account = caller.account("the account is unknown").await;
                self.note_sts(account.is_ok());
                account.ok()?
            }
            known => known?.clone(),
        };
        let encoded = id.account();
        if encoded.as_ref() == Some(&ours) {
            return None;
        }
        if self.asks_sts() {
            match caller.account_of(id, LIMIT).await {
                Ok(theirs) => {
                    self.note_sts(true);
                    return (theirs != ours).then_some(Accounts::BySts(theirs, ours));
                }
                Err(failure) if failure.is_denied() => self.sts_failures.set(MAX_FAILURES),
                Err(failure) => self.note_sts(failure.service().is_some()),
            }
        }
        Some(Accounts::ByKeyId(encoded?, ours))
    }

    /// Whether STS may be asked.
    fn asks_sts(&self) -> bool {
        self.sts_failures.get() < MAX_FAILURES
    }

    /// Notes whether STS answered.
    fn note_sts(&self, answered: bool) {
        let failures = self.sts_failures.get().saturating_add(1);
        self.sts_failures.set(if answered { 0 } else { failures });
    }
}

/// Returns the outcome of a run's only key after a signal that came before it was final, for example while STS was asked.
fn stopped(outcome: Outcome, exit: Exit) -> Outcome {
    let (known, failure) = match outcome {
        Outcome::Done {
            response: None,
            evidence,
            failure,
        } => (KeyState::Done(evidence.unwrap_or_default()), failure),
        Outcome::Missing(failure) => {
            let known = KeyState::NotDone("it was not found".to_owned());
            (known, Some(failure))
        }
        Outcome::Failed { failure, known } => (known, Some(failure)),
        outcome => return outcome,
    };
    Outcome::Stopped {
        exit,
        known,
        failure,
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
