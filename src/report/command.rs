//! Command lines for people to run next, with the options this run was given: what is pasted reaches the same
//! account by the same way.

use crate::escape::quoted;
use crate::ident::UserName;
use crate::request::{Connection, Key};

/// Makes command lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    options: String,
}

impl Commands {
    /// Command lines that reach IAM as `connection` does.
    pub(crate) fn new(connection: &Connection) -> Self {
        let bundle = connection
            .ca_bundle
            .as_ref()
            .map(|path| path.to_string_lossy());
        let given = [
            ("--profile", connection.profile.as_deref()),
            ("--region", connection.region.as_deref()),
            ("--endpoint-url", connection.endpoint_url.as_deref()),
            ("--ca-bundle", bundle.as_deref()),
        ];
        let options = given
            .iter()
            .filter_map(|(name, value)| Some(format!(" {name} {}", quoted((*value)?))))
            .collect();
        Self { options }
    }

    /// A command of the AWS CLI.
    pub(crate) fn aws(&self, words: &str) -> String {
        format!("aws {words}{}", self.options)
    }

    /// Shows whose key it is and what is known of it; changes nothing.
    pub(crate) fn owner(&self, id: &str) -> String {
        self.own(id, "--find-user --dry-run --output table")
    }

    /// Lists the keys of the key's owner.
    pub(crate) fn list(&self, key: &Key) -> String {
        self.aws(&format!(
            "iam list-access-keys{}",
            user(key.user_name.as_ref())
        ))
    }

    /// Makes the key active again.
    pub(crate) fn activate(&self, key: &Key) -> String {
        self.aws(&format!(
            "iam update-access-key --access-key-id {}{} --status Active",
            key.id,
            user(key.user_name.as_ref())
        ))
    }

    /// This program, for the same key.
    pub(crate) fn own(&self, id: &str, words: &str) -> String {
        format!("iam-del-key --access-key-id {id} {words}{}", self.options)
    }
}

/// The option that names the user; joined, since a name may begin with a dash.
fn user(name: Option<&UserName>) -> String {
    name.map(|name| format!(" --user-name={name}"))
        .unwrap_or_default()
}
