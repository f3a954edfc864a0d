//! The one crossing from what was typed to what will be done.

use std::time::Duration;

use super::{Cli, ColorArg, OutputArg};
use crate::condition::{Condition, Conditions};
use crate::request::{
    Action, Color, Connection, Consent, Format, Key, Metadata, Missing, Mode, Owner, Request,
    SigningKey, Verbosity,
};

impl Cli {
    /// The crossing from what was typed to what will be done.
    pub(crate) fn into_request(self) -> Request {
        let mut all = Vec::new();
        all.extend(self.inactive.then_some(Condition::Inactive));
        all.extend(self.unused_for.map(Condition::UnusedFor));
        all.extend(self.older_than.map(Condition::OlderThan));
        all.extend(self.except_user.into_iter().map(Condition::ExceptUser));
        Request {
            key: Key {
                id: self.access_key_id,
                user_name: self.user_name,
            },
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
            consent: if self.interactive {
                Consent::Asked
            } else {
                Consent::Given
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
            limit: Duration::from_secs(self.timeout),
            connection: Connection {
                profile: self.profile,
                region: self.region,
                endpoint_url: self.endpoint_url,
                ca_bundle: self.ca_bundle,
                connect_timeout: self.connect_timeout.map(Duration::from_secs),
                read_timeout: self.read_timeout.map(Duration::from_secs),
            },
            format: match self.output {
                OutputArg::Json if self.response_metadata => Format::Json(Metadata::Filled),
                OutputArg::Json => Format::Json(Metadata::Empty),
                OutputArg::Text => Format::Text,
                OutputArg::Table => Format::Table,
                OutputArg::Off => Format::Off,
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
}
