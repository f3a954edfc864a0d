//! A running sandbox: where it is, what it holds and what it saw, and what is to go wrong next.

use crate::account::Account;
use crate::builder::Builder;
use crate::certificate::Tls;
use crate::connection::Server;
use crate::documented::Signers;
use crate::fault::Fault;
use crate::key::{Credentials, Key, KeySeed, Status};
use crate::log::Recorded;
use crate::loopback::Loopback;
use crate::scratch::Scratch;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// An IAM on loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    loopback: Loopback,
    server: Arc<Server>,
    signers: Signers,
    authority: Option<Authority>,
}

/// What a sandbox hands out. It outlives the sandbox.
#[derive(Debug, Clone)]
pub struct Issued(Arc<Server>);

impl Issued {
    /// The secrets and tokens of its sessions so far, in all accounts.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let state = self.0.service.state();
        let accounts = state.others.iter().chain([&state.account]);
        accounts.flat_map(Account::session_secrets).collect()
    }
}

/// The certificate authority clients are to trust.
#[derive(Debug)]
struct Authority {
    pem: String,
    file: Scratch,
}

impl Sandbox {
    /// A sandbox with the administrator's key, the role session's and the root user's, and nothing else.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The same with [Bob and Alice](crate::documented), who have two keys each.
    #[must_use]
    pub fn documented() -> Builder {
        Builder::new().documented()
    }

    pub(crate) fn start(
        server: Server,
        signers: Signers,
        port: u16,
        threads: usize,
        tls: Option<Tls>,
    ) -> io::Result<Self> {
        let server = Arc::new(server);
        let (acceptor, pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let authority = pem
            .map(|pem| Scratch::new("ca.pem", pem.as_bytes()).map(|file| Authority { pem, file }));
        let authority = authority.transpose()?;
        let (gate, serving) = (server.gate.clone(), Arc::clone(&server));
        let loopback = Loopback::start(port, threads, gate, move |socket, number| {
            let (server, acceptor) = (Arc::clone(&serving), acceptor.clone());
            async move { server.serve(socket, number, acceptor.as_ref()).await }
        })?;
        Ok(Self {
            loopback,
            server,
            signers,
            authority,
        })
    }

    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The certificate of the authority clients are to trust, with HTTPS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority
            .as_ref()
            .map(|authority| authority.pem.as_str())
    }

    /// A file with that certificate, which is removed when the sandbox ends.
    #[must_use]
    pub fn ca_path(&self) -> Option<&Path> {
        self.authority
            .as_ref()
            .map(|authority| authority.file.path())
    }

    /// The administrator's key.
    #[must_use]
    pub fn admin(&self) -> Credentials {
        self.signers.admin()
    }

    /// The temporary credentials of a role session.
    #[must_use]
    pub fn session(&self) -> Credentials {
        self.signers.session()
    }

    /// The temporary credentials of a role session that has expired.
    #[must_use]
    pub fn expired_session(&self) -> Credentials {
        self.signers.expired_session()
    }

    /// The root user's key.
    #[must_use]
    pub fn root(&self) -> Credentials {
        self.signers.root()
    }

    /// What it hands out, to be asked also when the sandbox itself is elsewhere.
    #[must_use]
    pub fn issued(&self) -> Issued {
        Issued(Arc::clone(&self.server))
    }

    /// What the key with this ID signs with, whosever it is.
    #[must_use]
    pub fn credentials(&self, id: &str) -> Option<Credentials> {
        self.server.service.state().account.credentials(id)
    }

    /// All keys of users, in the order of the users' names and then of creation.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.server
            .service
            .state()
            .account
            .keys()
            .cloned()
            .collect()
    }

    /// A user's key.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<Key> {
        self.server.service.state().account.key(id).cloned()
    }

    /// Whether a user has this key.
    #[must_use]
    pub fn has_key(&self, id: &str) -> bool {
        self.server.service.state().account.key(id).is_some()
    }

    /// A key of a user or of the root user in another account.
    #[must_use]
    pub fn key_in(&self, account: &str, id: &str) -> Option<Key> {
        let state = self.server.service.state();
        let account = state.others.iter().find(|other| other.id == account)?;
        account.key(id).or_else(|| account.root_key(id)).cloned()
    }

    /// All keys of users in another account, in the same order; none if there is no such account.
    #[must_use]
    pub fn keys_in(&self, account: &str) -> Vec<Key> {
        let state = self.server.service.state();
        let account = state.others.iter().find(|other| other.id == account);
        account.map_or_else(Vec::new, |account| account.keys().cloned().collect())
    }

    /// Adds a key, as if somebody else had created it.
    pub fn add_key(&self, seed: KeySeed) {
        self.server.service.state().account.plant(seed);
    }

    /// Adds a key of the root user, as if somebody else had created it.
    pub fn add_root_key(&self, seed: KeySeed) {
        self.server
            .service
            .state()
            .account
            .root
            .push(Key::from(seed));
    }

    /// Removes a key, as if somebody else had deleted it.
    pub fn remove_key(&self, id: &str) {
        self.server.service.state().account.uproot(id);
    }

    /// Changes a key's status, as if somebody else had.
    pub fn set_status(&self, id: &str, status: Status) {
        self.server.service.state().account.set_status(id, status);
    }

    /// Gives a user another name, as if somebody else had.
    pub fn rename_user(&self, name: &str, to: &str) {
        self.server.service.state().account.rename_user(name, to);
    }

    /// Moves a user to another path, as if somebody else had.
    pub fn set_path(&self, name: &str, path: &str) {
        self.server.service.state().account.set_path(name, path);
    }

    /// Denies an action to everybody from now on.
    pub fn deny(&self, action: &str) {
        self.server.service.state().denials.add(None, action);
    }

    /// Denies an action to a user or a role, or to `root`, from now on.
    pub fn deny_to(&self, principal: &str, action: &str) {
        self.server
            .service
            .state()
            .denials
            .add(Some(principal), action);
    }

    /// Takes back all denials of this action.
    pub fn allow(&self, action: &str) {
        self.server.service.state().denials.remove(action);
    }

    /// Sets the server's clock so many seconds ahead of the machine's, or behind it.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.server.service.clock.set_offset(seconds);
    }

    /// Something to go wrong; after the faults set before.
    pub fn fault(&self, fault: Fault) {
        self.server.faults().push(fault);
    }

    /// Nothing goes wrong any more, at random either.
    pub fn clear_faults(&self) {
        self.server.faults().clear();
    }

    /// How many faults have not yet happened as often as they are to; those that always happen count.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.server.faults().left()
    }

    /// Waits until every request that acts late was carried out; false if `timeout` passes first.
    #[must_use]
    pub fn wait_until_calm(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while self.server.late.load(Ordering::Acquire) > 0 {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Waits until no client is connected any more and every request was carried out, also those that act late; false if
    /// `timeout` passes first.
    #[must_use]
    pub fn wait_until_settled(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while self.loopback.open_connections() > 0 {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.wait_until_calm(timeout)
    }

    /// From now on, who connects is refused; open connections go on.
    pub fn stop_listening(&self) {
        self.loopback.stop_listening();
    }

    /// The requests that were read, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.log.all()
    }

    /// How many requests for each action were read, also those that are not kept.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.server.counts().clone()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.server.connections.load(Ordering::Relaxed)
    }

    /// Waits until `count` requests in all were read; false where `timeout` passes first.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, timeout: Duration) -> bool {
        self.server.log.wait_for(count, timeout)
    }
}
