//! Converts the command line to a request.

use std::collections::HashSet;

use super::Cli;
use crate::condition::{Condition, Conditions};
use crate::ident::{AccessKeyId, UserName};
use crate::request::{Action, Consent, Key, Mode, Request, Selection, Verbosity};

impl Cli {
    /// Converts the command line to a request.
    pub(crate) fn into_request(mut self) -> Request {
        let selection = self.selection();
        let mut all = Vec::new();
        all.extend(self.only_inactive.then_some(Condition::Inactive));
        all.extend(self.unused_for.map(Condition::UnusedFor));
        all.extend(self.older_than.map(Condition::OlderThan));
        all.extend(self.except_user.into_iter().map(Condition::ExceptUser));
        all.extend(self.except_tag.into_iter().map(Condition::ExceptTag));
        Request {
            path_prefix: self.path_prefix,
            find_user: self.find_user,
            conditions: Conditions { all },
            action: match (self.deactivate, self.reactivate) {
                (true, _) => Action::Deactivate,
                (false, true) => Action::Reactivate,
                (false, false) => Action::Delete,
            },
            mode: if self.dry_run {
                Mode::DryRun
            } else {
                Mode::Change
            },
            consent: match (self.interactive, self.yes) {
                (true, _) => Consent::Asked,
                (false, true) => Consent::Given,
                (false, false) if self.reactivate => Consent::Needed,
                (false, false) => match &selection {
                    Selection::Named(_) => Consent::Given,
                    Selection::Listed { .. } => Consent::IfTerminal,
                    Selection::User(_) | Selection::Account | Selection::Root => Consent::Needed,
                },
            },
            may_ask: !self.yes,
            selection,
            expected_accounts: self.expect_account,
            max_keys: self.max_keys,
            ignore_missing: self.ignore_missing,
            // Reactivating a key locks nobody out.
            allow_self: self.allow_self || self.reactivate,
            limit: self.timeout,
            jobs: self.jobs,
            journal: self.journal,
            fail_fast: self.fail_fast,
            connection: self.connection,
            output: self.output,
            response_metadata: self.response_metadata,
            query: self.query,
            error_format: self.error_format,
            verbosity: match (self.debug, self.verbose, self.quiet) {
                (true, _, _) => Verbosity::Debug,
                (false, true, _) => Verbosity::Verbose,
                (false, false, true) => Verbosity::Quiet,
                (false, false, false) => Verbosity::Normal,
            },
            color: self.color,
        }
    }

    fn selection(&mut self) -> Selection {
        let user_name = self.user_name.take();
        match (self.from.take(), user_name) {
            (Some(file), user_name) => Selection::Listed {
                file: (file.as_os_str() != "-").then_some(file),
                user_name,
            },
            (None, _) if self.whole_account => Selection::Account,
            (None, Some(user_name)) if self.all_keys => Selection::User(user_name),
            (None, None) if self.all_keys => Selection::Root,
            (None, user_name) => Selection::Named(named(&self.access_key_id, user_name.as_ref())),
        }
    }
}

/// Returns the named keys in order, each once.
fn named(ids: &[AccessKeyId], user_name: Option<&UserName>) -> Vec<Key> {
    let mut seen = HashSet::new();
    let ids = ids.iter().filter(|id| seen.insert(id.as_str())).cloned();
    let key = |id| Key {
        id,
        user_name: user_name.cloned(),
    };
    ids.map(key).collect()
}
