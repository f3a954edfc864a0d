//! What is known about a failed call besides the response.

use super::{Hint, Subject};
use crate::ident::{AccountId, UserName};

/// Details that affect an error and its hints.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Context {
    /// The key's actual owner, if it is another user than the named one.
    pub(crate) owner: Option<UserName>,
    /// The account that the key's ID encodes and the account of the credentials, if they differ.
    pub(crate) accounts: Option<(AccountId, AccountId)>,
    /// The account that STS returns for the key and the account of the credentials, if they differ.
    pub(crate) sts_accounts: Option<(AccountId, AccountId)>,
    /// Who named the key's owner.
    pub(crate) named_by: NamedBy,
    /// Whether IAM showed the key in this run as one of the named owner, or of the root user who signs.
    pub(crate) was_shown: bool,
    /// Whether the root user of a member account signed the request.
    pub(crate) is_root: bool,
    /// Whether IAM did not confirm the owner. Another user may own the key.
    pub(crate) owner_unchecked: bool,
    /// Whether `--ignore-missing` would count the key as gone.
    pub(crate) is_ignorable: bool,
    /// Whether IAM denied every read of the key.
    pub(crate) lookup_denied: bool,
    /// The owner that `GetAccessKeyLastUsed` still returns although that user's list does not contain the key.
    pub(crate) still_reported_owner: Option<UserName>,
    /// The key or the user that a read was about, if it was one of many in a run.
    pub(crate) subject: Option<Box<Subject>>,
    /// Whether IAM just listed the key. Then a denied read of it means that a permission is missing.
    pub(crate) is_listed: bool,
    /// Whether IAM, or a proxy, answered each request to change the key with a bare HTTP status 429.
    pub(crate) only_429: bool,
    /// The local time and the server's time as HTTP dates, if they differ too much.
    pub(crate) clocks: Option<(String, String)>,
    /// The Region that the request was signed for.
    pub(crate) region: Option<String>,
    /// The kind of credentials that signed the request.
    pub(crate) credentials: CredentialKind,
    /// Whether a person stored these credentials: the AWS CLI can read them too.
    pub(crate) is_stored: bool,
    /// How to name the MFA device for a role that was assumed without one. `None`: it is no request for such a role.
    pub(crate) name_device: Option<String>,
    /// The hints for rejected credentials that follow from their source or from their failed renewal.
    pub(crate) source_hints: Option<Vec<Hint>>,
}

/// Who named the key's owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The caller, or nobody.
    #[default]
    Caller,
    /// The caller and IAM, in this run.
    CallerAndIam,
    /// Only IAM, in this run. The next run looks up the owner again.
    Iam,
}

/// The kind of credentials that signed a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    #[default]
    Unknown,
    /// None: the request is not signed.
    None,
    LongTerm,
    /// A user's access key, sent with a session token that does not belong to it.
    LongTermWithToken,
    Session,
    /// Temporary credentials without their session token.
    SessionWithoutToken,
}
