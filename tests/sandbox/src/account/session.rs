//! Sessions of roles and of the root user, with temporary credentials.

use super::Account;
use crate::hash;
use crate::key::Credentials;
use crate::key_id;
use time::OffsetDateTime;

/// A session with its temporary credentials.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    pub(crate) of: SessionOf,
    pub(crate) expires: OffsetDateTime,
}

/// The owner of a session.
#[derive(Debug, Clone)]
pub(crate) enum SessionOf {
    Role(RoleSession),
    /// The root user, for one task.
    Root(Task),
}

#[derive(Debug, Clone)]
pub(crate) struct RoleSession {
    pub(crate) partition: String,
    pub(crate) role: String,
    pub(crate) name: String,
}

/// The task that a session of the root user is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Audit,
    Delete,
}

impl Task {
    /// Parses the ARN of a managed policy.
    pub(crate) fn of(policy: &str) -> Option<Self> {
        match policy.rsplit_once(":iam::aws:policy/root-task/")?.1 {
            "IAMAuditRootUserCredentials" => Some(Self::Audit),
            "IAMDeleteRootUserCredentials" => Some(Self::Delete),
            _ => None,
        }
    }

    /// Whether the task's policy allows the action. The permission covers only the root user's own keys.
    pub(crate) fn allows(self, action: &str) -> bool {
        match action {
            "sts:GetCallerIdentity" | "iam:ListAccessKeys" | "iam:GetAccessKeyLastUsed" => true,
            "iam:DeleteAccessKey" => self == Self::Delete,
            _ => false,
        }
    }
}

impl RoleSession {
    /// The unique ID of the session's role, which is derived from its name.
    pub(crate) fn role_id(&self, account: &str) -> String {
        let serial = self.role.bytes().fold(0_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        key_id::make("AROA", account, serial)
    }

    pub(crate) fn arn(&self, account: &str) -> String {
        format!(
            "arn:{}:sts::{account}:assumed-role/{}/{}",
            self.partition, self.role, self.name
        )
    }
}

impl Account {
    pub(crate) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }

    pub(crate) fn add_session(&mut self, session: Session) {
        self.sessions
            .insert(session.credentials.access_key_id.clone(), session);
    }

    /// Starts a session with new credentials.
    pub(crate) fn open_session(&mut self, of: SessionOf, expires: OffsetDateTime) -> Session {
        let id = self.make_id("ASIA");
        let credentials = Credentials {
            secret_access_key: hash::secret(&id),
            session_token: Some(hash::token(&id)),
            access_key_id: id,
        };
        let session = Session {
            credentials,
            of,
            expires,
        };
        self.add_session(session.clone());
        session
    }

    /// The secrets and tokens of all sessions.
    pub(crate) fn session_secrets(&self) -> Vec<String> {
        let credentials = self.sessions.values().map(|session| &session.credentials);
        credentials
            .flat_map(|known| [Some(&known.secret_access_key), known.session_token.as_ref()])
            .flatten()
            .cloned()
            .collect()
    }
}
