//! A running sandbox: its address, its contents, the requests it received, and its pending faults.

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

/// An IAM service on loopback, which ends when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    loopback: Loopback,
    server: Arc<Server>,
    signers: Signers,
    authority: Option<Authority>,
}

/// The temporary credentials that a sandbox issues. This outlives the sandbox.
#[derive(Debug, Clone)]
pub struct Issued(Arc<Server>);

impl Issued {
    /// The secrets and tokens of all sessions so far, in all accounts.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let state = self.0.service.state();
        let accounts = state.others.iter().chain([&state.account]);
        accounts.flat_map(Account::session_secrets).collect()
    }
}

/// The certificate authority that clients should trust.
#[derive(Debug)]
struct Authority {
    pem: String,
    file: Scratch,
}

impl Sandbox {
    /// A sandbox that has only the keys of the administrator, a role session and the root user.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A sandbox that also has [Bob and Alice](crate::documented), with two keys each.
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

    /// The listening address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The certificate of the authority that clients should trust, if the sandbox serves HTTPS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority
            .as_ref()
            .map(|authority| authority.pem.as_str())
    }

    /// A file with that certificate. It is removed when the sandbox ends.
    #[must_use]
    pub fn ca_path(&self) -> Option<&Path> {
        self.authority
            .as_ref()
            .map(|authority| authority.file.path())
    }

    /// The credentials of the administrator.
    #[must_use]
    pub fn admin(&self) -> Credentials {
        self.signers.admin()
    }

    /// The temporary credentials of a role session.
    #[must_use]
    pub fn session(&self) -> Credentials {
        self.signers.session()
    }

    /// The temporary credentials of an expired role session.
    #[must_use]
    pub fn expired_session(&self) -> Credentials {
        self.signers.expired_session()
    }

    /// The credentials of the root user.
    #[must_use]
    pub fn root(&self) -> Credentials {
        self.signers.root()
    }

    /// A handle to the issued credentials, which can be used after the sandbox is moved or dropped.
    #[must_use]
    pub fn issued(&self) -> Issued {
        Issued(Arc::clone(&self.server))
    }

    /// The credentials for the key with this ID, regardless of its owner.
    #[must_use]
    pub fn credentials(&self, id: &str) -> Option<Credentials> {
        self.server.service.state().account.credentials(id)
    }

    /// All keys of users, sorted by user name and then by creation.
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

    #[must_use]
    pub fn key(&self, id: &str) -> Option<Key> {
        self.server.service.state().account.key(id).cloned()
    }

    /// Whether a user has this key.
    #[must_use]
    pub fn has_key(&self, id: &str) -> bool {
        self.server.service.state().account.key(id).is_some()
    }

    /// A key of a user or the root user in another account.
    #[must_use]
    pub fn key_in(&self, account: &str, id: &str) -> Option<Key> {
        let state = self.server.service.state();
        let account = state.others.iter().find(|other| other.id == account)?;
        account.key(id).or_else(|| account.root_key(id)).cloned()
    }

    /// All keys of users in another account, in the same order. Empty if the account does not exist.
    #[must_use]
    pub fn keys_in(&self, account: &str) -> Vec<Key> {
        let state = self.server.service.state();
        let account = state.others.iter().find(|other| other.id == account);
        account.map_or_else(Vec::new, |account| account.keys().cloned().collect())
    }

    /// Adds a key, as another administrator might.
    pub fn add_key(&self, seed: KeySeed) {
        self.server.service.state().account.plant(seed);
    }

    /// Adds a key of the root user.
    pub fn add_root_key(&self, seed: KeySeed) {
        self.server
            .service
            .state()
            .account
            .root
            .push(Key::from(seed));
    }

    /// Removes a key, as another administrator might.
    pub fn remove_key(&self, id: &str) {
        self.server.service.state().account.uproot(id);
    }

    /// Changes a key's status, as another administrator might.
    pub fn set_status(&self, id: &str, status: Status) {
        self.server.service.state().account.set_status(id, status);
    }

    /// Renames a user, as another administrator might.
    pub fn rename_user(&self, name: &str, to: &str) {
        self.server.service.state().account.rename_user(name, to);
    }

    /// Moves a user to another path, as another administrator might.
    pub fn set_path(&self, name: &str, path: &str) {
        self.server.service.state().account.set_path(name, path);
    }

    /// Denies an action to everyone from now on.
    pub fn deny(&self, action: &str) {
        self.server.service.state().denials.add(None, action);
    }

    /// Denies an action to a user, a role or `root` from now on.
    pub fn deny_to(&self, principal: &str, action: &str) {
        self.server
            .service
            .state()
            .denials
            .add(Some(principal), action);
    }

    /// Removes all denials of this action.
    pub fn allow(&self, action: &str) {
        self.server.service.state().denials.remove(action);
    }

    /// Sets the server's clock ahead of the machine's clock, or behind it if negative.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.server.service.clock.set_offset(seconds);
    }

    /// Adds a fault, after the faults added before.
    pub fn fault(&self, fault: Fault) {
        self.server.faults().push(fault);
    }

    /// Removes all faults, and ends the storm.
    pub fn clear_faults(&self) {
        self.server.faults().clear();
    }

    /// How many faults can still happen. A fault without a limit counts until it is cleared.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.server.faults().left()
    }

    /// Waits until every late request has taken effect. Returns false if `timeout` passes first.
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

    /// Waits until no client is connected and every request has taken effect, even late ones. Returns false if
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

    /// Refuses new connections from now on. Open connections stay open.
    pub fn stop_listening(&self) {
        self.loopback.stop_listening();
    }

    /// The received requests, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.log.all()
    }

    /// How many requests for each action arrived, including those dropped from the log.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.server.counts().clone()
    }

    /// The number of accepted connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.server.connections.load(Ordering::Relaxed)
    }

    /// Waits until `count` requests have arrived in total. Returns false if `timeout` passes first.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, timeout: Duration) -> bool {
        self.server.log.wait_for(count, timeout)
    }
}
