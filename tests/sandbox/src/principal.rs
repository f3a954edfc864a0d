//! Who signed a request.

use crate::account::{Account, Session};

/// The identity behind a signature.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    User { name: String },
    Root,
    Role(Session),
}

impl Principal {
    /// The name by which `Builder::deny_to` knows it: of the user or of the role, or `root`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User { name } => name,
            Self::Root => "root",
            Self::Role(session) => &session.role,
        }
    }

    /// The user, if it is one.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name } => Some(name),
            Self::Root | Self::Role(_) => None,
        }
    }

    pub(crate) fn arn(&self, account: &Account) -> String {
        let id = &account.id;
        match self {
            Self::User { name } => {
                let path = account.user(name).map_or("/", |user| &user.path);
                format!("arn:aws:iam::{id}:user{path}{name}")
            }
            Self::Root => format!("arn:aws:iam::{id}:root"),
            Self::Role(session) => session.arn(id),
        }
    }

    /// The `UserId` of `GetCallerIdentity`.
    pub(crate) fn unique_id(&self, account: &Account) -> String {
        match self {
            Self::User { name } => account
                .user(name)
                .map(|user| user.id.clone())
                .unwrap_or_default(),
            Self::Root => account.id.clone(),
            Self::Role(session) => format!("{}:{}", session.role_id(&account.id), session.name),
        }
    }
}
