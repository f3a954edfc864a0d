//! Protects against accidents: changing the caller's own keys, working in the wrong account, and treating a key of another
//! account as missing.

use std::sync::{Arc, Mutex};

use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId};
use crate::lock::lock;
use crate::outcome::{Outcome, Refusal};
use crate::request::{Key, Request, Selection};

/// The kind of identity that signs the requests to IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The caller, or a role.
    Caller,
    /// The root user of a member account. A key without an owner belongs to the root user.
    RootUser,
}

/// The IDs of the keys that have signed in this run, and of the keys behind their sessions. IDs are never removed.
pub(crate) type SigningKeys = Arc<Mutex<Vec<String>>>;

/// The keys that sign the requests.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) keys: SigningKeys,
    /// The account of the credentials, if their source names it or the ID encodes it.
    pub(crate) account: Option<AccountId>,
    /// The profile of the credentials, if it is certain.
    pub(crate) profile: Option<String>,
    pub(crate) principal: Principal,
}

impl Signer {
    /// Whether this key signs.
    pub(crate) fn signs_with(&self, id: &str) -> bool {
        lock(&self.keys).iter().any(|known| known == id)
    }
}

/// Returns the outcome of a key that must not be changed because it signs the requests, or because it is behind the session
/// that does. Changing it would lock the caller out. `--allow-self` permits it.
pub(crate) fn signing_key(key: &Key, signer: &Signer, request: &Request) -> Option<Outcome> {
    let is_kept = signer.signs_with(key.id.as_str()) && !request.allow_self;
    is_kept.then_some(match request.selection {
        Selection::Account => Outcome::OwnKey,
        Selection::Named(_) | Selection::Listed { .. } | Selection::User(_) | Selection::Root => {
            Outcome::Refused(Refusal::SigningKey)
        }
    })
}

/// Returns the account that the key's ID encodes and that of the signer, if both are known and differ.
pub(crate) fn foreign_account(id: &AccessKeyId, signer: &Signer) -> Option<(AccountId, AccountId)> {
    let (key, signer) = (id.account()?, signer.account.clone()?);
    (key != signer).then_some((key, signer))
}

/// Checks that the account of the credentials is expected.
///
/// # Errors
///
/// It is not.
pub(crate) fn account(expected: &[AccountId], actual: &AccountId) -> Result<(), RunError> {
    if expected.contains(actual) {
        return Ok(());
    }
    let expected = list(expected);
    let stop = RunError::refused(format!(
        "the credentials belong to account {actual}, but --expect-account allows only {expected}"
    ));
    Err(stop.hint(format!(
        "use a profile of account {expected} (--profile NAME)"
    )))
}

/// Formats account IDs for a sentence.
pub(crate) fn list(accounts: &[AccountId]) -> String {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    accounts.join(" or ")
}
