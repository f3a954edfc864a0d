//! The account from AWS's documentation: its users, and the credentials that sign requests.

use crate::account::{Account, RoleSession, Session, SessionOf};
use crate::hash;
use crate::key::{Credentials, Key, KeySeed, Status, days_ago};
use crate::key_id;
use time::{Duration, OffsetDateTime};

/// The default account ID.
pub const ACCOUNT: &str = "123456789012";
/// The administrator, who signs requests.
pub const ADMIN: &str = "admin";
/// The administrator's key in [`ACCOUNT`]. For other accounts, use `Sandbox::admin`.
pub const ADMIN_KEY_ID: &str = "AKIARZPUZDIKGB2VALC4";
/// The secret of the administrator's key, in any account.
pub const ADMIN_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYADMINISTER";
/// Bob's first key: the example of `DeleteAccessKey` in AWS's documentation.
pub const BOB_KEY_ID: &str = "AKIDPMS9RO4H3FEXAMPLE";
/// Bob's second key in [`ACCOUNT`].
pub const BOB_SECOND_KEY_ID: &str = "AKIARZPUZDIKHF7UU7AV";
/// Alice's first key in [`ACCOUNT`]: active, used yesterday.
pub const ALICE_KEY_ID: &str = "AKIARZPUZDIKOL7JJ6BK";
/// Alice's second key in [`ACCOUNT`]: inactive, and last used 200 days ago.
pub const ALICE_OLD_KEY_ID: &str = "AKIARZPUZDIKFR6565B7";
/// The role of [`SESSION_KEY_ID`].
pub const ROLE: &str = "Deployer";
/// The temporary key of a session of [`ROLE`] in [`ACCOUNT`].
pub const SESSION_KEY_ID: &str = "ASIARZPUZDIKMX6ST4CU";
/// The temporary key of an expired session in [`ACCOUNT`].
pub const EXPIRED_SESSION_KEY_ID: &str = "ASIARZPUZDIKD56HI3DJ";
/// The root user's key in [`ACCOUNT`].
pub const ROOT_KEY_ID: &str = "AKIARZPUZDIKLD5352D6";

/// The ID of the root user's key in this account.
#[must_use]
pub fn root_key_id(account: &str) -> String {
    key_id::make("AKIA", account, 6)
}

/// The keys that every sandbox has, with the IDs for one account.
#[derive(Debug, Clone)]
pub(crate) struct Signers {
    account: String,
}

impl Signers {
    pub(crate) fn of(account: &str) -> Self {
        Self {
            account: account.to_owned(),
        }
    }

    pub(crate) fn admin(&self) -> Credentials {
        let own = self.account == ACCOUNT;
        let id = if own {
            ADMIN_KEY_ID.to_owned()
        } else {
            key_id::make("AKIA", &self.account, 7)
        };
        Credentials {
            access_key_id: id,
            secret_access_key: ADMIN_SECRET.to_owned(),
            session_token: None,
        }
    }

    pub(crate) fn session(&self) -> Credentials {
        temporary(key_id::make("ASIA", &self.account, 4))
    }

    pub(crate) fn expired_session(&self) -> Credentials {
        temporary(key_id::make("ASIA", &self.account, 5))
    }

    pub(crate) fn root(&self) -> Credentials {
        let id = root_key_id(&self.account);
        Credentials {
            secret_access_key: hash::secret(&id),
            session_token: None,
            access_key_id: id,
        }
    }

    /// An account that has only these keys.
    pub(crate) fn account(&self, now: OffsetDateTime) -> Account {
        let root = self.root();
        let seed = KeySeed::new("root", &root.access_key_id).secret(&root.secret_access_key);
        let oldest = seed.created_days_ago(1000);
        let mut account = Account::new(&self.account, Key::from(oldest));
        let admin = self.admin();
        let seed = KeySeed::new(ADMIN, &admin.access_key_id).secret(&admin.secret_access_key);
        account.plant(
            seed.created_days_ago(30)
                .last_used_days_ago(0, "iam", "us-east-1"),
        );
        let sessions = [
            (self.session(), Duration::days(365)),
            (self.expired_session(), Duration::HOUR * -1),
        ];
        for (credentials, left) in sessions {
            let (role, name) = (ROLE.to_owned(), "sandbox".to_owned());
            account.add_session(Session {
                credentials,
                of: SessionOf::Role(RoleSession {
                    partition: "aws".to_owned(),
                    role,
                    name,
                }),
                expires: now + left,
            });
        }
        account
    }
}

/// The keys of Bob and Alice.
pub(crate) fn keys(account: &str) -> [KeySeed; 4] {
    let id = |serial| key_id::make("AKIA", account, serial);
    [
        KeySeed::new("Bob", BOB_KEY_ID)
            .created_days_ago(400)
            .last_used_days_ago(120, "s3", "us-east-1"),
        KeySeed::new("Bob", &id(1))
            .created_days_ago(20)
            .last_used_days_ago(0, "ec2", "eu-west-1"),
        KeySeed::new("Alice", &id(2))
            .created_days_ago(60)
            .last_used_days_ago(1, "sts", "us-east-1"),
        KeySeed {
            created: days_ago(700),
            ..KeySeed::new("Alice", &id(3))
        }
        .status(Status::Inactive)
        .last_used_days_ago(200, "iam", "us-east-1"),
    ]
}

fn temporary(id: String) -> Credentials {
    Credentials {
        secret_access_key: hash::secret(&id),
        session_token: Some(hash::token(&id)),
        access_key_id: id,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ACCOUNT, ADMIN_SECRET, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_KEY_ID, BOB_SECOND_KEY_ID,
        EXPIRED_SESSION_KEY_ID, ROOT_KEY_ID, SESSION_KEY_ID, Signers, keys,
    };

    #[test]
    fn the_constants_are_the_keys_of_the_documented_account() {
        let ids = keys(ACCOUNT).map(|seed| seed.id);
        assert_eq!(
            ids,
            [
                BOB_KEY_ID,
                BOB_SECOND_KEY_ID,
                ALICE_KEY_ID,
                ALICE_OLD_KEY_ID
            ]
        );
        let signers = Signers::of(ACCOUNT);
        assert_eq!(signers.session().access_key_id, SESSION_KEY_ID);
        assert_eq!(
            signers.expired_session().access_key_id,
            EXPIRED_SESSION_KEY_ID
        );
        assert_eq!(signers.root().access_key_id, ROOT_KEY_ID);
        assert_eq!(ADMIN_SECRET.len(), 40);
    }
}
