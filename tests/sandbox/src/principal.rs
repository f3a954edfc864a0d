//! The principal that signed a request.

use crate::account::{Account, RoleSession, Session, SessionOf, Task};

#[derive(Debug, Clone)]
pub(crate) enum Principal {
    User {
        name: String,
    },
    Root,
    /// A session of the root user, for one task.
    RootTask(Task),
    Role(RoleSession),
}

impl From<&Session> for Principal {
    fn from(session: &Session) -> Self {
        match &session.of {
            SessionOf::Role(role) => Self::Role(role.clone()),
            SessionOf::Root(task) => Self::RootTask(*task),
        }
    }
}

impl Principal {
    /// The name for `Builder::deny_to`: of the user or the role, or `root`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User { name } => name,
            Self::Root | Self::RootTask(_) => "root",
            Self::Role(session) => &session.role,
        }
    }

    pub(crate) fn is_root(&self) -> bool {
        matches!(self, Self::Root | Self::RootTask(_))
    }

    /// The user name, if the principal is a user.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name } => Some(name),
            Self::Root | Self::RootTask(_) | Self::Role(_) => None,
        }
    }

    pub(crate) fn arn(&self, account: &Account) -> String {
        let id = &account.id;
        match self {
            Self::User { name } => {
                let path = account.user(name).map_or("/", |user| &user.path);
                format!("arn:aws:iam::{id}:user{path}{name}")
            }
            Self::Root | Self::RootTask(_) => format!("arn:aws:iam::{id}:root"),
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
            Self::Root | Self::RootTask(_) => account.id.clone(),
            Self::Role(session) => format!("{}:{}", session.role_id(&account.id), session.name),
        }
    }
}
