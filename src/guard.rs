//! Who signs the requests, and what may not happen by accident: changing the key that signs, working in another account than
//! was meant, and taking another account's key for gone.

use std::sync::{Arc, Mutex};

use crate::error::RunError;
use crate::ident::{AccessKeyId, AccountId};
use crate::lock::lock;
use crate::outcome::{Outcome, Refusal};
use crate::request::{Key, Request, Selection, SigningKey};

/// Whose identity signs the requests to IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The caller's, or that of a role.
    Caller,
    /// The root user's of a member account. A key without an owner is then the root user's.
    RootUser,
}

/// The key that signs the requests. Clones share the IDs.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// The IDs of the keys that sign, have signed in this run, or stand behind a session that does.
    key_ids: Arc<Mutex<Vec<String>>>,
    /// The account of the key, where the source of the credentials says so or the ID encodes it.
    pub(crate) account: Option<AccountId>,
    /// The profile it comes from, if that is certain.
    pub(crate) profile: Option<String>,
    pub(crate) principal: Principal,
}

impl Signer {
    /// The signer of requests to this account, with credentials of this profile.
    pub(crate) fn new(
        account: Option<AccountId>,
        profile: Option<String>,
        principal: Principal,
    ) -> Self {
        Self {
            key_ids: Arc::default(),
            account,
            profile,
            principal,
        }
    }

    /// Adds the IDs of keys that sign from now on. None is ever taken away.
    pub(crate) fn add(&self, ids: impl IntoIterator<Item = String>) {
        lock(&self.key_ids).extend(ids);
    }

    /// Whether the key of this ID is one of those that sign.
    pub(crate) fn signs_with(&self, id: &str) -> bool {
        lock(&self.key_ids).iter().any(|known| known == id)
    }
}

/// Keeps the key that signs the requests, and the key behind a role's session that does, unless `--allow-self` was given:
/// without it the caller would be locked out. Returns the outcome of a key that is kept.
pub(crate) fn signing_key(key: &Key, signer: &Signer, request: &Request) -> Option<Outcome> {
    let is_kept = signer.signs_with(key.id.as_str()) && request.signing_key == SigningKey::Guarded;
    is_kept.then_some(match request.selection {
        Selection::Account => Outcome::OwnKey,
        Selection::Named(_) | Selection::Listed { .. } | Selection::User(_) | Selection::Root => {
            Outcome::Refused(Refusal::SigningKey)
        }
    })
}

/// The account the key's ID encodes and the signer's, when both are known and differ.
pub(crate) fn foreign_account(id: &AccessKeyId, signer: &Signer) -> Option<(AccountId, AccountId)> {
    let (key, signer) = (id.account()?, signer.account.clone()?);
    (key != signer).then_some((key, signer))
}

/// Refuses to go on with credentials of another account than those expected.
///
/// # Errors
///
/// They are of another.
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

/// Account IDs in a sentence.
pub(crate) fn list(accounts: &[AccountId]) -> String {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    accounts.join(" or ")
}
