//! How a sandbox is to be, before it starts.

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

/// Seeds and rules of a [`Sandbox`]; [`Builder::start`] starts it.
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

    /// Plants Bob and Alice with their keys.
    pub(crate) fn documented(mut self) -> Self {
        self.seeds.documented = true;
        self
    }

    /// HTTPS, with a certificate of the sandbox's own authority; plain HTTP otherwise.
    #[must_use]
    pub fn https(mut self, certificate: Certificate) -> Self {
        self.https = Some(certificate);
        self
    }

    /// The port; any free one otherwise.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The account, 12 digits; `123456789012` otherwise.
    #[must_use]
    pub fn account(mut self, id: &str) -> Self {
        id.clone_into(&mut self.account);
        self
    }

    /// One more account of the same organization. Roles of any name can be assumed there, and its root user has the key
    /// [`root_key_id`](crate::root_key_id).
    #[must_use]
    pub fn other_account(mut self, account: &str) -> Self {
        self.other(account);
        self
    }

    /// One more such account, with Bob and Alice and their keys.
    #[must_use]
    pub fn documented_account(mut self, account: &str) -> Self {
        self.other(account).documented = true;
        self
    }

    /// A key in another account, which is added where missing, and so is its owner.
    #[must_use]
    pub fn key_in(mut self, account: &str, seed: KeySeed) -> Self {
        self.other(account).keys.push(seed);
        self
    }

    /// One more key of the root user of another account.
    #[must_use]
    pub fn root_key_in(mut self, account: &str, seed: KeySeed) -> Self {
        self.other(account).root_keys.push(seed);
        self
    }

    fn other(&mut self, account: &str) -> &mut Seeds {
        self.others.entry(account.to_owned()).or_default()
    }

    /// A user without keys.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.seeds.users.push(name.to_owned());
        self
    }

    /// The path of a user, instead of `/`.
    #[must_use]
    pub fn path(mut self, user: &str, path: &str) -> Self {
        self.seeds.paths.push((user.to_owned(), path.to_owned()));
        self
    }

    /// A tag of a user.
    #[must_use]
    pub fn tag(mut self, user: &str, key: &str, value: &str) -> Self {
        self.seeds.tags.push([user, key, value].map(str::to_owned));
        self
    }

    /// A key, and its owner where missing. More than two a user are possible.
    #[must_use]
    pub fn key(mut self, seed: KeySeed) -> Self {
        self.seeds.keys.push(seed);
        self
    }

    /// A key as [`KeySeed::new`] makes it.
    #[must_use]
    pub fn user_key(self, user: &str, id: &str) -> Self {
        self.key(KeySeed::new(user, id))
    }

    /// Users `user-000001`, `user-000002` and so on, with so many keys each: active, 100 days old, never used. Their IDs
    /// are [`nth_key_id`](crate::nth_key_id).
    #[must_use]
    pub fn many_keys(self, users: usize, keys_per_user: usize) -> Self {
        self.many_users(users, users * keys_per_user)
    }

    /// The same users, with so many keys of all of them together: where it does not come out even, the first have one
    /// more. Takes the place of [`Builder::many_keys`].
    #[must_use]
    pub fn many_users(mut self, users: usize, keys: usize) -> Self {
        let used = self.seeds.many.used;
        self.seeds.many = Many { users, keys, used };
        self
    }

    /// So many of these keys, the first ones, were used three days ago.
    #[must_use]
    pub fn many_used(mut self, keys: usize) -> Self {
        self.seeds.many.used = keys;
        self
    }

    /// Users `idle-000001`, `idle-000002` and so on, created 102 days ago, without keys.
    #[must_use]
    pub fn many_users_without_keys(mut self, users: usize) -> Self {
        self.seeds.idle = users;
        self
    }

    /// Denies an action, as `iam:ListAccessKeys`, to everybody. A `*` at the end stands for any ending.
    #[must_use]
    pub fn deny(mut self, action: &str) -> Self {
        self.denials.add(None, action);
        self
    }

    /// Denies an action to a user or a role, or to `root`.
    #[must_use]
    pub fn deny_to(mut self, principal: &str, action: &str) -> Self {
        self.denials.add(Some(principal), action);
        self
    }

    /// Denies an action to everybody, except on users under this path, as policies do for `user/ci/*`.
    #[must_use]
    pub fn deny_outside(mut self, path: &str, action: &str) -> Self {
        self.denials.add_outside(path, action);
        self
    }

    /// The role with this name is assumed only with this external ID.
    #[must_use]
    pub fn external_id(mut self, role: &str, id: &str) -> Self {
        self.trusts.require_external_id(role, id);
        self
    }

    /// The role with this name is assumed only with a code of an MFA device.
    #[must_use]
    pub fn mfa(mut self, role: &str) -> Self {
        self.trusts.require_mfa(role);
        self
    }

    /// An MFA device with this serial number, and its codes, each of which works once.
    #[must_use]
    pub fn mfa_device(mut self, serial: &str, codes: &[&str]) -> Self {
        self.trusts.add_codes(serial, codes);
        self
    }

    /// A credential report was generated so long ago: users and keys that were created since are not in it, nor are uses
    /// of keys; what is deleted from now on still is. As any report it stays until it is 4 hours old, and has expired
    /// then. No report exists otherwise.
    #[must_use]
    pub fn stale_report(mut self, age: Duration) -> Self {
        self.reports.start = Start::Stale(age);
        self
    }

    /// A credential report is in the making, and is never done.
    #[must_use]
    pub fn endless_report(mut self) -> Self {
        self.reports.start = Start::Endless;
        self
    }

    /// The next `calls` calls for a credential report, after one was started, still find it in the making.
    #[must_use]
    pub fn report_lag(mut self, calls: u32) -> Self {
        self.reports.lag = calls;
        self
    }

    /// Credential reports have dates that end in `Z` and booleans in capitals, as other tools write them.
    #[must_use]
    pub fn foreign_report(mut self) -> Self {
        self.reports.style = Style::Foreign;
        self
    }

    /// Credential reports are as AWS documents them: a key that is not active has no date.
    #[must_use]
    pub fn documented_report(mut self) -> Self {
        self.reports.style = Style::Documented;
        self
    }

    /// Credential reports show the root user's key. Otherwise they do not, since the root user of most accounts has none.
    #[must_use]
    pub fn report_root_key(mut self) -> Self {
        self.reports.shows_root_key = true;
        self
    }

    /// Allows so many requests a second to IAM, and `burst` at once after a rest; others are answered `Throttling`.
    #[must_use]
    pub fn throttle(mut self, rate_per_second: u32, burst: u32) -> Self {
        self.throttle = Some((rate_per_second, burst));
        self
    }

    /// Every reply comes so much later. The request is carried out at once.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the server's clock so many seconds ahead of the machine's, or behind it.
    #[must_use]
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.clock_offset = seconds;
        self
    }

    /// The next `lists` replies to `ListAccessKeys` for a user still show a key that was deleted.
    #[must_use]
    pub fn list_lag(mut self, lists: u32) -> Self {
        self.list_lag = lists;
        self
    }

    /// At most so many items a page, whatever the request asks for; 100 otherwise.
    #[must_use]
    pub fn page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// Keeps only the last so many requests for [`Sandbox::requests`]; all otherwise.
    #[must_use]
    pub fn remember(mut self, requests: usize) -> Self {
        self.remembered = requests;
        self
    }

    /// Something to go wrong; after the faults set before.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Requests go wrong at random, where no fault that was set does it.
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
    /// Where [`Builder::try_start`] fails.
    #[must_use]
    pub fn start(self) -> Sandbox {
        self.try_start().expect("the sandbox starts")
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the system gives no socket or no thread.
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
