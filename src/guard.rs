//! What may not happen by accident: changing the key that signs, working in another account than was meant, and
//! taking another account's key for gone.

use crate::ident::{AccessKeyId, AccountId};
use crate::outcome::Refusal;
use crate::request::{Key, SigningKey};
use crate::signer::Signer;
use crate::stop::Stop;

/// Refuses the key that signs the request, and the key behind a role's session that does, unless that is wanted: it would
/// lock the caller out.
pub(crate) fn signing_key(key: &Key, signer: &Signer, choice: SigningKey) -> Option<Refusal> {
    let same = signer.key_ids.contains(key.id.as_str());
    (same && choice == SigningKey::Guarded).then_some(Refusal::SigningKey)
}

/// The account the key's ID encodes and the signer's, when both are known and differ.
pub(crate) fn foreign_account(id: &AccessKeyId, signer: &Signer) -> Option<(AccountId, AccountId)> {
    let (key, signer) = (id.account()?, signer.account.clone()?);
    (key != signer).then_some((key, signer))
}

/// Refuses to go on with credentials of another account than the one expected.
///
/// # Errors
///
/// They are of another.
pub(crate) fn account(expected: &AccountId, actual: &AccountId) -> Result<(), Stop> {
    if expected == actual {
        return Ok(());
    }
    let stop = Stop::refused(format!(
        "the credentials belong to account {actual}, and --expect-account allows only {expected}"
    ));
    Err(stop.hint(format!(
        "sign with a profile of account {expected} (--profile NAME)"
    )))
}
