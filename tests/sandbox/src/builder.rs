//! The configuration of a sandbox.

use crate::certificate::{Certificate, Tls};
use crate::connection::Server;
use crate::denial::Denials;
use crate::documented::{self, Signers};
use crate::fault::{Fault, Faults};
use crate::key::KeySeed;
use crate::log::Log;
use crate::report::{Plan, Reports, Start};
use crate::sandbox::Sandbox;
use crate::seed::{Many, Seeds};
use crate::service::{Service, State};
use crate::snapshot::Style;
use crate::storm::Storm;
use crate::throttle::Bucket;
use crate::trust::Trusts;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// The seeds and rules of a [`Sandbox`]. [`Builder::start`] starts it.
#[derive(Debug, Clone)]
pub struct Builder {
    account: String,
    port: u16,
    threads: usize,
    https: Option<Certificate>,
    seeds: Seeds,
    others: BTreeMap<String, Seeds>,
    denials: Denials,
    trusts: Trusts,
    reports: Plan,
    throttle: Option<(u32, u32)>,
    latency: Duration,
    clock_offset: i64,
    list_lag: u32,
    page_size: usize,
    remembered: usize,
    faults: Faults,
    storm: Option<Storm>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            account: documented::ACCOUNT.to_owned(),
            port: 0,
            threads: 2,
            https: None,
            seeds: Seeds::default(),
            others: BTreeMap::new(),
            denials: Denials::default(),
            trusts: Trusts::default(),
            reports: Plan::default(),
            throttle: None,
            latency: Duration::ZERO,
            clock_offset: 0,
            list_lag: 0,
            page_size: 100,
            remembered: usize::MAX,
            faults: Faults::default(),
            storm: None,
        }
    }

    /// Adds Bob and Alice with their keys.
    pub(crate) fn documented(mut self) -> Self {
        self.seeds.documented = true;
        self
    }

    /// Serves HTTPS with a certificate from the sandbox's own authority. The default is plain HTTP.
    #[must_use]
    pub fn https(mut self, certificate: Certificate) -> Self {
        self.https = Some(certificate);
        self
    }

    /// Sets the port. The default is any free port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the 12-digit account ID. The default is `123456789012`.
    #[must_use]
    pub fn account(mut self, id: &str) -> Self {
        id.clone_into(&mut self.account);
        self
    }

    /// Adds another account to the organization. Roles of any name can be assumed there, and its root user has the key
    /// [`root_key_id`](crate::root_key_id).
    #[must_use]
    pub fn other_account(mut self, account: &str) -> Self {
        self.other(account);
        self
    }

    /// Adds another account with Bob and Alice and their keys.
    #[must_use]
    pub fn documented_account(mut self, account: &str) -> Self {
        self.other(account).documented = true;
        self
    }

    /// Adds a key to another account. Adds the account and the key's owner if they do not exist.
    #[must_use]
    pub fn key_in(mut self, account: &str, seed: KeySeed) -> Self {
        self.other(account).keys.push(seed);
        self
    }

    /// Adds a key to the root user of another account.
    #[must_use]
    pub fn root_key_in(mut self, account: &str, seed: KeySeed) -> Self {
        self.other(account).root_keys.push(seed);
        self
    }

    fn other(&mut self, account: &str) -> &mut Seeds {
        self.others.entry(account.to_owned()).or_default()
    }

    /// Adds a user without keys.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.seeds.users.push(name.to_owned());
        self
    }

    /// Sets a user's path. The default is `/`.
    #[must_use]
    pub fn path(mut self, user: &str, path: &str) -> Self {
        self.seeds.paths.push((user.to_owned(), path.to_owned()));
        self
    }

    /// Adds a tag to a user.
    #[must_use]
    pub fn tag(mut self, user: &str, key: &str, value: &str) -> Self {
        self.seeds.tags.push([user, key, value].map(str::to_owned));
        self
    }

    /// Adds a key, and its owner if needed. A user can have more than two keys.
    #[must_use]
    pub fn key(mut self, seed: KeySeed) -> Self {
        self.seeds.keys.push(seed);
        self
    }

    /// Adds a key with the defaults of [`KeySeed::new`].
    #[must_use]
    pub fn user_key(self, user: &str, id: &str) -> Self {
        self.key(KeySeed::new(user, id))
    }

    /// Adds users `user-000001`, `user-000002` and so on, each with `keys_per_user` keys that are active, 100 days old
    /// and never used. Their IDs are [`nth_key_id`](crate::nth_key_id).
    #[must_use]
    pub fn many_keys(self, users: usize, keys_per_user: usize) -> Self {
        self.many_users(users, users * keys_per_user)
    }

    /// Adds the same users with `keys` keys in total. If the keys do not divide evenly, the first users have one more.
    /// Replaces [`Builder::many_keys`].
    #[must_use]
    pub fn many_users(mut self, users: usize, keys: usize) -> Self {
        let used = self.seeds.many.used;
        self.seeds.many = Many { users, keys, used };
        self
    }

    /// Marks the first `keys` of these keys as used three days ago.
    #[must_use]
    pub fn many_used(mut self, keys: usize) -> Self {
        self.seeds.many.used = keys;
        self
    }

    /// Adds users `idle-000001`, `idle-000002` and so on, created 102 days ago, without keys.
    #[must_use]
    pub fn many_users_without_keys(mut self, users: usize) -> Self {
        self.seeds.idle = users;
        self
    }

    /// Denies an action, such as `iam:ListAccessKeys`, to everyone. A trailing `*` matches any suffix.
    #[must_use]
    pub fn deny(mut self, action: &str) -> Self {
        self.denials.add(None, action);
        self
    }

    /// Denies an action to a user, a role or `root`.
    #[must_use]
    pub fn deny_to(mut self, principal: &str, action: &str) -> Self {
        self.denials.add(Some(principal), action);
        self
    }

    /// Denies an action to everyone, except on users under this path, as a policy with `user/ci/*` does.
    #[must_use]
    pub fn deny_outside(mut self, path: &str, action: &str) -> Self {
        self.denials.add_outside(path, action);
        self
    }

    /// Requires this external ID to assume the role.
    #[must_use]
    pub fn external_id(mut self, role: &str, id: &str) -> Self {
        self.trusts.require_external_id(role, id);
        self
    }

    /// Requires a code from an MFA device to assume the role.
    #[must_use]
    pub fn mfa(mut self, role: &str) -> Self {
        self.trusts.require_mfa(role);
        self
    }

    /// Adds an MFA device with this serial number and these codes. Each code works once.
    #[must_use]
    pub fn mfa_device(mut self, serial: &str, codes: &[&str]) -> Self {
        self.trusts.add_codes(serial, codes);
        self
    }

    /// Starts with a credential report of this age. It lacks newer users, keys and uses, and still contains users and keys
    /// that are deleted later. Like any report, it expires when it is 4 hours old. By default, no report exists.
    #[must_use]
    pub fn stale_report(mut self, age: Duration) -> Self {
        self.reports.start = Start::Stale(age);
        self
    }

    /// Starts with a credential report that stays in progress forever.
    #[must_use]
    pub fn endless_report(mut self) -> Self {
        self.reports.start = Start::Endless;
        self
    }

    /// Reports "in progress" to the first `calls` requests after a credential report is started.
    #[must_use]
    pub fn report_lag(mut self, calls: u32) -> Self {
        self.reports.lag = calls;
        self
    }

    /// Writes dates in credential reports with `Z`, and booleans in capitals, as other tools do.
    #[must_use]
    pub fn foreign_report(mut self) -> Self {
        self.reports.style = Style::Foreign;
        self
    }

    /// Writes credential reports as AWS documents them: an inactive key has no date.
    #[must_use]
    pub fn documented_report(mut self) -> Self {
        self.reports.style = Style::Documented;
        self
    }

    /// Shows the root user's key in credential reports. By default it is hidden, because most accounts have none.
    #[must_use]
    pub fn report_root_key(mut self) -> Self {
        self.reports.shows_root_key = true;
        self
    }

    /// Allows `rate_per_second` requests to IAM per second and bursts of `burst`. Other requests get `Throttling`.
    #[must_use]
    pub fn throttle(mut self, rate_per_second: u32, burst: u32) -> Self {
        self.throttle = Some((rate_per_second, burst));
        self
    }

    /// Delays every response. The request still takes effect immediately.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the server's clock ahead of the machine's clock, or behind it if negative.
    #[must_use]
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.clock_offset = seconds;
        self
    }

    /// Shows a deleted key in the next `lists` responses to `ListAccessKeys` for its owner.
    #[must_use]
    pub fn list_lag(mut self, lists: u32) -> Self {
        self.list_lag = lists;
        self
    }

    /// Limits pages to this many items, even if a request asks for more. The default is 100.
    #[must_use]
    pub fn page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// Keeps only the last `requests` requests for [`Sandbox::requests`]. The default is all.
    #[must_use]
    pub fn remember(mut self, requests: usize) -> Self {
        self.remembered = requests;
        self
    }

    /// Adds a fault, after the faults added before.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Injects random faults into requests that no added fault applies to.
    #[must_use]
    pub fn storm(mut self, storm: Storm) -> Self {
        self.faults.begin(storm);
        self.storm = Some(storm);
        self
    }

    /// Starts the sandbox.
    ///
    /// # Panics
    ///
    /// If [`Builder::try_start`] fails.
    #[must_use]
    pub fn start(self) -> Sandbox {
        self.try_start().expect("the sandbox starts")
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    ///
    /// If the port is in use, or the system cannot create a socket or a thread.
    pub fn try_start(self) -> io::Result<Sandbox> {
        let tls = self.https.map(Tls::new).transpose()?;
        let now = OffsetDateTime::now_utc() + time::Duration::seconds(self.clock_offset);
        let signers = Signers::of(&self.account);
        let mut account = signers.account(now);
        self.seeds.plant(&mut account, now);
        account.drift = self.storm.and_then(Storm::drift);
        let others = self.others.into_iter().map(|(id, seeds)| {
            let mut account = Signers::of(&id).account(now);
            seeds.plant(&mut account, now);
            account
        });
        let others = others.collect();
        let reports = Reports::new(self.reports, &account, now);
        let bucket = self
            .throttle
            .map(|(rate, burst)| Bucket::new(rate, burst, Instant::now()));
        let (denials, trusts) = (self.denials, self.trusts);
        let (page_size, list_lag) = (self.page_size, self.list_lag);
        let service = Service::new(State {
            account,
            others,
            denials,
            trusts,
            reports,
            bucket,
            page_size,
            list_lag,
        });
        service.clock.set_offset(self.clock_offset);
        let server = Server::new(
            service,
            Log::new(self.remembered),
            self.faults,
            self.latency,
        );
        Sandbox::start(server, signers, self.port, self.threads, tls)
    }
}
