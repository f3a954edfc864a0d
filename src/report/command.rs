//! Command lines that users run next. They carry the options of this run, so a pasted command reaches the same account
//! in the same way.

use std::ffi::OsString;

use crate::command_line::CommandLine;
use crate::ident::UserName;
use crate::outcome::{Check, KeyState};
use crate::request::{Connection, Key};

/// The options that say who assumes a role, and which.
const OF_ROLE: [&str; 5] = [
    "--profile",
    "--role-arn",
    "--external-id",
    "--role-session-name",
    "--serial-number",
];

/// Builds command lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    options: Vec<(&'static str, OsString)>,
    /// The role that `--role-arn` names.
    role: Option<String>,
}

impl Commands {
    /// Creates command lines that reach IAM as `connection` does.
    pub(crate) fn new(connection: &Connection) -> Self {
        let text = |value: &Option<String>| value.clone().map(OsString::from);
        let bundle = connection.ca_bundle.clone().map(OsString::from);
        let role = connection.role_arn.as_ref();
        let role_arn = role.map(|role| role.as_str().to_owned());
        let given = [
            ("--profile", text(&connection.profile)),
            ("--role-arn", text(&role_arn)),
            ("--external-id", text(&connection.external_id)),
            ("--role-session-name", text(&connection.role_session_name)),
            ("--serial-number", text(&connection.serial_number)),
            ("--region", text(&connection.region)),
            ("--endpoint-url", text(&connection.endpoint_url)),
            ("--ca-bundle", bundle),
        ];
        let options = given.into_iter();
        let options = options.filter_map(|(name, value)| Some((name, value?)));
        Self {
            options: options.collect(),
            role: role_arn,
        }
    }

    /// A command of the AWS CLI, which takes no role by option: it is run with the role's own credentials.
    fn aws(&self, command: CommandLine) -> CommandLine {
        let is_taken = |name: &str| self.role.is_none() || !OF_ROLE.contains(&name);
        let options = self.options.iter().filter(|(name, _)| is_taken(name));
        options.fold(command, |command, (name, value)| {
            command.option(name, value)
        })
    }

    /// Whose credentials a command of the AWS CLI needs, where options cannot say it.
    pub(crate) fn signer(&self) -> String {
        let role = self.role.as_ref();
        role.map_or_else(String::new, |role| format!(" as {role}"))
    }

    /// Adds the options of this run to a command.
    pub(crate) fn with_options(&self, command: CommandLine) -> CommandLine {
        let options = self.options.iter();
        options.fold(command, |command, (name, value)| {
            command.option(name, value)
        })
    }

    /// Shows a key's owner and metadata without changing anything.
    pub(crate) fn find_owner(&self, id: &str) -> CommandLine {
        let command = CommandLine::new("iam-del-key").option("--access-key-id", id);
        self.with_options(command.words("--find-user --dry-run"))
    }

    /// Shows a key of this user without changing anything.
    pub(crate) fn show_key(&self, id: &str, owner: &UserName) -> CommandLine {
        let command = CommandLine::new("iam-del-key").option("--access-key-id", id);
        let command = user(command, Some(owner)).words("--dry-run");
        self.with_options(command)
    }

    /// Lists the keys of the key's owner.
    pub(crate) fn list(&self, key: &Key) -> CommandLine {
        if self.role.is_some() && key.user_name.is_some() {
            let command = user(CommandLine::new("iam-del-key"), key.user_name.as_ref());
            return self.with_options(command.words("--all-keys --dry-run"));
        }
        let command = CommandLine::new("aws iam list-access-keys");
        self.aws(user(command, key.user_name.as_ref()))
    }

    /// Returns how to check a key whose state is unknown.
    pub(crate) fn check(&self, key: &Key, known: &KeyState) -> Option<String> {
        let KeyState::Unknown(unknown) = known else {
            return None;
        };
        match (unknown.check, key.user_name.is_some()) {
            (Check::Nothing, _) => None,
            (Check::List, true) => Some(format!("check with: {}", self.list(key))),
            (Check::ListWithPermission, true) => Some(format!(
                "with the permission iam:ListAccessKeys, check with: {}",
                self.list(key)
            )),
            // Roles and the root user have no keys to list.
            (Check::List | Check::ListWithPermission, false) | (Check::Owner, _) => {
                Some(format!("check with: {}", self.find_owner(key.id.as_str())))
            }
        }
    }

    /// Lists all user names, or those of users with keys.
    pub(crate) fn users(&self) -> CommandLine {
        if self.role.is_some() {
            let command = CommandLine::new("iam-del-key");
            let words = "--whole-account --older-than 1h --dry-run";
            return self.with_options(command.words(words));
        }
        let command = CommandLine::new("aws iam list-users");
        self.aws(command.words("--query 'Users[].UserName'"))
    }

    /// Reactivates the key.
    pub(crate) fn activate(&self, key: &Key) -> CommandLine {
        let command = CommandLine::new("aws iam update-access-key");
        let command = command.option("--access-key-id", key.id.as_str());
        self.aws(user(command, key.user_name.as_ref()).words("--status Active"))
    }

    /// Reactivates any key. `ID` and `NAME` stand for the key and its owner.
    pub(crate) fn activate_any(&self) -> CommandLine {
        let command = CommandLine::new("aws iam update-access-key");
        self.aws(command.words("--access-key-id ID --user-name NAME --status Active"))
    }
}

/// Adds `--user-name=NAME`. The value is joined to the option because a name may begin with a dash.
fn user(command: CommandLine, name: Option<&UserName>) -> CommandLine {
    match name {
        Some(name) => command.joined("--user-name", name.as_str()),
        None => command,
    }
}
