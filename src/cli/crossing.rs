//! The one crossing from what was typed to what will be done.

use std::collections::HashSet;
use std::time::Duration;

use super::Cli;
use super::value::{ColorArg, ErrorFormatArg, OutputArg};
use crate::condition::{Condition, Conditions};
use crate::ident::{AccessKeyId, UserName};
use crate::request::{
    Action, Color, Connection, Consent, ErrorFormat, Format, Input, Key, Metadata, Missing, Mode,
    OnFailure, Owner, Request, Selection, SigningKey, Verbosity,
};

impl Cli {
    /// The crossing from what was typed to what will be done.
    pub(crate) fn into_request(mut self) -> Request {
        let selection = self.selection();
        let mut all = Vec::new();
        all.extend(self.inactive.then_some(Condition::Inactive));
        all.extend(self.unused_for.map(Condition::UnusedFor));
        all.extend(self.older_than.map(Condition::OlderThan));
        all.extend(self.except_user.into_iter().map(Condition::ExceptUser));
        Request {
            selection,
            owner: if self.find_user {
                Owner::Find
            } else {
                Owner::AsGiven
            },
            conditions: Conditions { all },
            action: if self.deactivate {
                Action::Deactivate
            } else {
                Action::Delete
            },
            mode: if self.dry_run {
                Mode::DryRun
            } else {
                Mode::Change
            },
            consent: match (self.interactive, self.yes) {
                (true, _) => Consent::Asked,
                (false, false) if self.all_keys || self.all_users => Consent::Needed,
                (false, _) => Consent::Given,
            },
            expected_account: self.expect_account,
            missing: if self.ignore_missing {
                Missing::Succeeds
            } else {
                Missing::Fails
            },
            signing_key: if self.allow_self {
                SigningKey::Allowed
            } else {
                SigningKey::Guarded
            },
            limit: Duration::from_secs(self.aws.timeout),
            jobs: self.jobs,
            journal: self.journal,
            on_failure: if self.fail_fast {
                OnFailure::Stop
            } else {
                OnFailure::GoOn
            },
            connection: Connection {
                profile: self.aws.profile,
                region: self.aws.region,
                endpoint_url: self.aws.endpoint_url,
                ca_bundle: self.aws.ca_bundle,
                connect_timeout: self.aws.connect_timeout.map(Duration::from_secs),
                read_timeout: self.aws.read_timeout.map(Duration::from_secs),
            },
            format: match self.output {
                OutputArg::Json | OutputArg::Yaml | OutputArg::YamlStream => Format::Json,
                OutputArg::Text => Format::Text,
                OutputArg::Table => Format::Table,
                OutputArg::Off => Format::Off,
            },
            metadata: if self.response_metadata {
                Metadata::Filled
            } else {
                Metadata::Empty
            },
            query: self.query,
            error_format: match self.error_format {
                ErrorFormatArg::Text => ErrorFormat::Text,
                ErrorFormatArg::Json | ErrorFormatArg::Yaml | ErrorFormatArg::Table => {
                    ErrorFormat::Json
                }
            },
            verbosity: match (self.debug, self.verbose) {
                (true, _) => Verbosity::Debug,
                (false, true) => Verbosity::Verbose,
                (false, false) => Verbosity::Normal,
            },
            color: match self.color {
                ColorArg::On => Color::On,
                ColorArg::Off => Color::Off,
                ColorArg::Auto => Color::Auto,
            },
        }
    }

    fn selection(&mut self) -> Selection {
        let user_name = self.user_name.take();
        match (self.from.take(), user_name) {
            (Some(file), user_name) => Selection::Listed {
                input: if file.as_os_str() == "-" {
                    Input::Stdin
                } else {
                    Input::File(file)
                },
                user_name,
            },
            (None, _) if self.all_users => Selection::Account,
            (None, Some(user_name)) if self.all_keys => Selection::User(user_name),
            (None, user_name) => Selection::Named(named(&self.access_key_id, user_name.as_ref())),
        }
    }
}

/// The keys in the order in which they were named, each once.
fn named(ids: &[AccessKeyId], user_name: Option<&UserName>) -> Vec<Key> {
    let mut seen = HashSet::new();
    let first = ids.iter().filter(|id| seen.insert(id.as_str()));
    first
        .map(|id| Key {
            id: id.clone(),
            user_name: user_name.cloned(),
        })
        .collect()
}
