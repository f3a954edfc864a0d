//! Who signs the requests: what guards compare with, and reports name.

use crate::ident::AccountId;

/// The key that signs the requests.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// Its ID, as it was configured.
    pub(crate) access_key_id: String,
    /// The key behind it, where it is a role's session that a profile's own key assumed.
    pub(crate) source_key_id: Option<String>,
    /// Its account, where the source of the credentials says so or the ID encodes it.
    pub(crate) account: Option<AccountId>,
    /// The profile it comes from, where it is surely that.
    pub(crate) profile: Option<String>,
}
