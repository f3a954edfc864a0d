//! Command lines that users run next. They carry the options of this run, so a pasted command reaches the same account
//! in the same way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::aws::Connection;
use crate::command_line::CommandLine;
use crate::error::Hint;
use crate::ident::{AccountId, UserName};
use crate::outcome::{Check, KeyState};
use crate::request::Key;

/// The options that choose the credentials.
const OF_CREDENTIALS: [&str; 5] = [
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
    /// The role of the command line.
    role: Option<String>,
    /// Whether the commands are for other credentials than those of this run.
    pub(crate) is_of_others: bool,
    /// The account of `--target-principal`, whose root user has the keys.
    pub(crate) root: Option<AccountId>,
    /// Whether the calling user is known to be the root user, whose keys no user has.
    pub(crate) is_root_caller: Arc<AtomicBool>,
}

impl Commands {
    /// Creates command lines that reach IAM as `connection` does.
    pub(crate) fn new(connection: &Connection) -> Self {
        let text = |value: &Option<String>| value.clone().map(OsString::from);
        let bundle = connection.ca_bundle.clone().map(OsString::from);
        let role = connection.role();
        let role_arn = role.map(|role| role.as_str().to_owned());
        let target = connection.target_principal.as_ref();
        let root = target.map(AccountId::to_string);
        let given = [
            ("--profile", text(&connection.profile)),
            ("--target-principal", text(&root)),
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
            is_of_others: false,
            root: target.cloned(),
            is_root_caller: Arc::default(),
        }
    }

    /// A command of the AWS CLI, which takes no role by option: it is run with the role's own credentials.
    fn aws(&self, command: CommandLine) -> CommandLine {
        match self.role {
            Some(_) => self.with_other_credentials().with_options(command),
            None => self.with_options(command),
        }
    }

    /// The same command lines for other credentials than those of this run.
    pub(crate) fn with_other_credentials(&self) -> Self {
        let options = self.options.iter();
        let kept = options.filter(|(name, _)| !OF_CREDENTIALS.contains(name));
        Self {
            options: kept.cloned().collect(),
            role: None,
            is_of_others: true,
            root: self.root.clone(),
            is_root_caller: Arc::clone(&self.is_root_caller),
        }
    }

    /// The option that names a role of another account.
    pub(crate) fn role_option(&self) -> &'static str {
        match self.role {
            Some(_) => "--role-arn",
            None => "--role-name",
        }
    }

    /// Adds the options of this run to a command.
    pub(crate) fn with_options(&self, command: CommandLine) -> CommandLine {
        let options = self.options.iter();
        options.fold(command, |command, (name, value)| {
            command.option(name, value)
        })
    }

    /// Lists the root user's keys without changing anything.
    pub(crate) fn list_root(&self) -> CommandLine {
        let command = CommandLine::new("iam-del-key");
        self.with_options(command.words("--all-keys --dry-run"))
    }

    /// Shows a key's owner and metadata without changing anything.
    pub(crate) fn find_owner(&self, id: &str) -> CommandLine {
        let command = CommandLine::new("iam-del-key").option("--access-key-id", id);
        self.with_options(command.words("--find-user --dry-run"))
    }

    /// Shows a key of this user without changing anything. `options` are those of the dry run.
    pub(crate) fn show_key(
        &self,
        id: &str,
        owner: Option<&UserName>,
        options: &str,
    ) -> CommandLine {
        let command = CommandLine::new("iam-del-key").option("--access-key-id", id);
        self.with_options(user(command, owner).words(options))
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
    pub(crate) fn check(&self, key: &Key, known: &KeyState) -> Option<Hint> {
        let KeyState::Unknown { check, .. } = known else {
            return None;
        };
        let (with, command) = match (check, key.user_name.is_some()) {
            (Check::Nothing, _) => return None,
            _ if self.root.is_some() => ("", self.list_root()),
            (Check::RootUser, _) => {
                let hint = "an earlier run started this for the root user: use the --target-principal and the credentials of that run";
                return Some(hint.into());
            }
            (Check::List, true) => ("", self.list(key)),
            _ if self.is_of_root(key) => {
                let with = match check {
                    Check::ListWithPermission => "with the permission iam:ListAccessKeys, ",
                    _ => "",
                };
                (with, self.show_key(key.id.as_str(), None, "--dry-run"))
            }
            (Check::ListWithPermission, true) => {
                ("with the permission iam:ListAccessKeys, ", self.list(key))
            }
            (Check::ListWithPermission, false) => {
                let list = CommandLine::new("iam-del-key --user-name NAME --all-keys --dry-run");
                let with = "with the permission iam:ListAccessKeys and the owner's name, ";
                (with, self.with_options(list))
            }
            // A role has no keys to list.
            (Check::List, false) | (Check::Owner, _) => ("", self.find_owner(key.id.as_str())),
        };
        let others = match self.others([key]).strip_prefix(", ") {
            Some(others) => &format!("{others}, "),
            None => "",
        };
        Some(Hint::command(format!("{others}{with}check with"), command))
    }

    /// Denies everything to the sessions of a user that were issued before this time.
    pub(crate) fn revoke_sessions(&self, user_name: &UserName, issued_before: &str) -> CommandLine {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": { "DateLessThan": { "aws:TokenIssueTime": issued_before } },
            }],
        });
        let command = user(CommandLine::new("aws iam put-user-policy"), Some(user_name));
        let command = command.words("--policy-name RevokeOlderSessions");
        self.aws(command.option("--policy-document", policy.to_string()))
    }

    /// Whose credentials a command of the AWS CLI needs, where options cannot say it.
    pub(crate) fn signer(&self) -> String {
        match &self.role {
            Some(role) => format!(", run this as {role}"),
            None => self.others([]).to_owned(),
        }
    }

    /// Whether a key without a name for its owner is the root user's, who calls.
    pub(crate) fn is_of_root(&self, key: &Key) -> bool {
        key.user_name.is_none() && self.is_root_caller.load(Ordering::Acquire)
    }

    /// Says that the commands for these keys are for other credentials, if they are.
    pub(crate) fn others<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> &'static str {
        if !self.is_of_others {
            ""
        } else if keys.into_iter().any(|key| self.is_of_root(key)) {
            ", with other credentials of the root user"
        } else {
            ", with other credentials"
        }
    }

    /// Reactivates these keys. They have one owner, or their owners are looked up.
    pub(crate) fn reactivate(&self, keys: &[Key], is_looked_up: bool) -> CommandLine {
        let command = CommandLine::new("iam-del-key");
        let command = keys.iter().fold(command, |command, key| {
            command.option("--access-key-id", key.id.as_str())
        });
        let owner = keys.first().and_then(|key| key.user_name.as_ref());
        let command = if is_looked_up {
            command.words("--find-user")
        } else {
            user(command, owner)
        };
        self.with_options(command.words("--reactivate"))
    }

    /// Reactivates the keys that a run of `--deactivate` changed, by its journal or its results.
    pub(crate) fn reactivate_from(&self, file: &Path) -> CommandLine {
        let command = CommandLine::new("iam-del-key").option("--from", file_name(file));
        self.with_options(command.words("--reactivate"))
    }
}

/// Prints the keys that a run of `--deactivate` changed, by its results, as a list. `None`: the results are not in a file.
pub(crate) fn list_deactivated(file: Option<&Path>) -> CommandLine {
    let command = CommandLine::new(
        r#"jq -c '.. | objects | select(.Outcome == "Deactivated") | del(.Outcome)'"#,
    );
    match file {
        Some(file) => command.option("<", file_name(file)),
        None => command.words("FILE"),
    }
}

/// Returns a path that no program reads as an option or as standard input.
fn file_name(path: &Path) -> PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}

/// Adds `--user-name=NAME`. The value is joined to the option because a name may begin with a dash.
fn user(command: CommandLine, name: Option<&UserName>) -> CommandLine {
    match name {
        Some(name) => command.joined("--user-name", name.as_str()),
        None => command,
    }
}
