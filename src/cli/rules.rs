//! The rules between options that clap cannot express.

use clap::Command;
use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};

use super::aws::Skeleton;
use super::cli_input_json::{fill, text};
use super::error::SWAPPED;
use super::{Cli, NotRead};
use crate::ident::looks_like_access_key_id;
use crate::locate::LIST_LAG;
use crate::request::Format;

impl Cli {
    /// Adds the members of `--cli-input-json`, and checks the options together.
    ///
    /// # Errors
    ///
    /// Options contradict each other, or a signal came before the file of `--cli-input-json` was read.
    pub(super) fn complete(&mut self, command: &mut Command) -> Result<(), NotRead> {
        let mut fail = |kind, text: &str| Err(NotRead::Text(command.error(kind, text)));
        if let Some(owner) = &self.user_name
            && looks_like_access_key_id(owner.as_str())
            && let Some(id) = self.access_key_id.first()
            && !looks_like_access_key_id(id.as_str())
        {
            return fail(ValueValidation, SWAPPED);
        }
        if self.query.is_some() && self.output == Some(Format::Table) {
            let text = "--query does not work with --output table: use --output json or text";
            return fail(ValueValidation, text);
        }
        if self.expect_account.len() > 1 && self.connection.role_name.is_none() {
            let text = "--expect-account can be repeated only with --role-name";
            return fail(ValueValidation, text);
        }
        if self.aws.generate_cli_skeleton == Some(Skeleton::Input) {
            return Ok(());
        }
        if let Some(argument) = &self.aws.cli_input_json {
            let text = text(argument).map_err(NotRead::Stopped)?;
            let filled =
                text.and_then(|text| fill(&text, &mut self.access_key_id, &mut self.user_name));
            if let Err(text) = filled {
                return fail(ValueValidation, &text);
            }
            if self.find_user && self.user_name.is_some() {
                let text = "--find-user cannot be used with the UserName of --cli-input-json";
                return fail(ValueValidation, text);
            }
        }
        if self.connection.target_principal.is_some()
            && let Some((option, reason)) = self.not_of_root()
        {
            let text = format!("--target-principal cannot be used with {option}: {reason}");
            return fail(ArgumentConflict, &text);
        }
        // Clap does not enforce `requires` for an option that conflicts with another one that is given.
        if self.path_prefix.is_some() && !self.whole_account {
            return fail(ValueValidation, "--path-prefix requires --whole-account");
        }
        // With less time, the requested status counts as unknown, and the condition cannot be evaluated.
        let needs_status = self.only_inactive && (self.deactivate || self.reactivate);
        let is_sweep = self.all_keys || self.whole_account;
        if needs_status && !is_sweep && self.timeout < LIST_LAG * 2 {
            let text =
                "--only-inactive with --deactivate or --reactivate requires --timeout 6 or more";
            return fail(ValueValidation, text);
        }
        let is_named = !self.access_key_id.is_empty();
        if is_named || self.from.is_some() || self.all_keys || self.whole_account {
            return Ok(());
        }
        let text = match self.aws.cli_input_json {
            Some(_) => "--cli-input-json has no AccessKeyId, and there is no --access-key-id",
            None => "--generate-cli-skeleton output requires --access-key-id <ID>",
        };
        fail(MissingRequiredArgument, text)
    }

    /// Returns the first option that makes no sense for keys of a root user, and the reason.
    fn not_of_root(&self) -> Option<(&'static str, &'static str)> {
        let no_name = "the root user has no user name";
        let not_of_users = "it selects keys of users, not of the root user";
        let no_list = "lists are for keys of users; use --access-key-id or --all-keys";
        let no_status = "AWS allows such sessions to delete keys, but not to change their status";
        let no_tags = "the root user has no tags";
        let options = [
            (self.user_name.is_some(), "--user-name", no_name),
            (self.find_user, "--find-user", "the owner is the root user"),
            (self.whole_account, "--whole-account", not_of_users),
            (self.from.is_some(), "--from", no_list),
            (self.deactivate, "--deactivate", no_status),
            (self.reactivate, "--reactivate", no_status),
            (!self.except_user.is_empty(), "--except-user", no_name),
            (!self.except_tag.is_empty(), "--except-tag", no_tags),
            (self.path_prefix.is_some(), "--path-prefix", no_name),
        ];
        let given = options.into_iter().find(|(is_given, ..)| *is_given);
        given.map(|(_, option, reason)| (option, reason))
    }
}
