//! Who signs the requests: what guards compare with, and reports name.

use crate::ident::AccountId;

/// The key that signs the requests.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// Its ID, as it was configured.
    pub(crate) access_key_id: String,
    /// The IDs of the keys behind it, where it is a role's session: those that signed for it.
    pub(crate) behind: Vec<String>,
    /// Its account, where the source of the credentials says so or the ID encodes it.
    pub(crate) account: Option<AccountId>,
    /// The profile it comes from, where it is surely that.
    pub(crate) profile: Option<String>,
}
