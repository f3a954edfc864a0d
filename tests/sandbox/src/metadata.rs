//! Services that provide temporary credentials to machines and people, on one loopback address: instance metadata,
//! container credentials and the SSO portal.

use crate::clock;
use crate::documented::{self, Signers};
use crate::key::Credentials;
use crate::log::Log;
use crate::loopback::{Gate, Loopback};
use crate::reply::Reply;
use crate::request::{self, Request};
use crate::transmit;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;

const ROLES: &str = "/latest/meta-data/iam/security-credentials";
/// The lifetime of the credentials.
const HOUR: Duration = Duration::from_hours(1);

/// The fake services, which end when this is dropped.
#[derive(Debug)]
pub struct Metadata {
    loopback: Loopback,
    log: Arc<Log<String>>,
}

impl Metadata {
    /// Starts the services. They provide the role session's credentials, which every sandbox with the documented
    /// account accepts.
    ///
    /// # Panics
    ///
    /// If the system cannot create a socket or a thread.
    #[must_use]
    pub fn start() -> Self {
        Self::start_instead(HashMap::new())
    }

    /// Starts the services with other responses for these paths. For a token, the value is the status, the lifetime or
    /// `-`, and the token, each of whose characters is sent as a byte.
    ///
    /// # Panics
    ///
    /// If the system cannot create a socket or a thread.
    #[must_use]
    pub fn start_instead(instead: HashMap<String, String>) -> Self {
        let instead = Arc::new(instead);
        let credentials = Arc::new(Signers::of(documented::ACCOUNT).session());
        let log = Arc::new(Log::new(usize::MAX));
        let serving = Arc::clone(&log);
        let loopback = Loopback::start(0, 1, Gate::new(), move |stream, _| {
            let (log, credentials) = (Arc::clone(&serving), Arc::clone(&credentials));
            let instead = Arc::clone(&instead);
            // Ignore connection errors.
            async move { drop(serve(stream, &log, &credentials, &instead).await) }
        });
        Self {
            loopback: loopback.expect("the metadata services start"),
            log,
        }
    }

    /// `http://127.0.0.1:PORT`, for `AWS_EC2_METADATA_SERVICE_ENDPOINT` and `AWS_ENDPOINT_URL_SSO`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// The URL for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    #[must_use]
    pub fn container_url(&self) -> String {
        format!("{}/creds", self.url())
    }

    /// The requests in order, such as `GET /creds`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.log.all()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Log<String>,
    credentials: &Credentials,
    instead: &HashMap<String, String>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = request::read(&mut stream, &mut buffer).await? {
        log.push(format!("{} {}", request.method, request.path()));
        let given = instead.get(request.path().trim_end_matches('/'));
        let reply = match given {
            Some(parts) if request.method == "PUT" => token(parts),
            Some(body) => Reply::new(200, "application/json", body.clone()),
            None => answer(&request, credentials),
        };
        transmit::send(&mut stream, &reply).await?;
    }
    Ok(())
}

fn answer(request: &Request, credentials: &Credentials) -> Reply {
    let json = |text: String| Reply::new(200, "application/json", text);
    let path = request.path().trim_end_matches('/');
    match (request.method.as_str(), path) {
        ("PUT", "/latest/api/token") => token("200 21600 metadata-token"),
        ("GET", ROLES) => Reply::new(200, "text/plain", documented::ROLE),
        ("GET", "/federation/credentials") => json(portal(credentials)),
        ("GET", "/creds") => json(role(credentials)),
        ("GET", path) if path.starts_with(ROLES) => json(role(credentials)),
        _ => Reply::new(404, "text/plain", "not found\n"),
    }
}

fn token(parts: &str) -> Reply {
    let mut parts = parts.splitn(3, ' ');
    let mut next = || parts.next().expect("status, lifetime and token");
    let status = next().parse().expect("a status");
    let lifetime = next();
    let token: Vec<u8> = next().chars().map(|byte| byte as u8).collect();
    let reply = Reply::new(status, "text/plain", token);
    match lifetime {
        "-" => reply,
        lifetime => reply.with_header("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", lifetime),
    }
}

fn role(credentials: &Credentials) -> String {
    let now = SystemTime::now();
    format!(
        r#"{{"Code":"Success","LastUpdated":"{}","Type":"AWS-HMAC","AccessKeyId":"{}","SecretAccessKey":"{}","Token":"{}","Expiration":"{}"}}"#,
        clock::extended(now.into()),
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token.as_deref().unwrap_or_default(),
        clock::extended((now + HOUR).into()),
    )
}

fn portal(credentials: &Credentials) -> String {
    let expiration = (SystemTime::now() + HOUR)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        r#"{{"roleCredentials":{{"accessKeyId":"{}","secretAccessKey":"{}","sessionToken":"{}","expiration":{}}}}}"#,
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token.as_deref().unwrap_or_default(),
        expiration.as_millis(),
    )
}
