//! The owner of a key, as a run names it and a journal records it.

use crate::guard::Principal;
use crate::ident::UserName;

/// The owner of a key, as far as a run names one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    User(UserName),
    RootUser,
    /// The run names no owner: it can be any user of the account, such as the calling user.
    #[default]
    Unknown,
}

impl Owner {
    /// Returns the owner of a key in a run as this principal. Without a name, only the root user is known.
    pub(crate) fn of(user_name: Option<&UserName>, principal: Principal) -> Self {
        match (user_name, principal) {
            (Some(name), _) => Self::User(name.clone()),
            (None, Principal::RootUser) => Self::RootUser,
            (None, Principal::Caller) => Self::Unknown,
        }
    }

    pub(crate) fn user(&self) -> Option<&UserName> {
        match self {
            Self::User(name) => Some(name),
            Self::RootUser | Self::Unknown => None,
        }
    }
}
