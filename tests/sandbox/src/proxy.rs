//! A forward proxy on loopback, as `HTTPS_PROXY` names one, that remembers who was asked for.

use crate::log::Log;
use crate::loopback::{Gate, Loopback};
use crate::reply::Reply;
use crate::request::{self, Request};
use crate::{transmit, transport};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

/// How a proxy behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyMode {
    /// It connects where it is asked to.
    Working,
    /// It answers 407 to whoever does not give this user and password.
    RequireAuth(String, String),
    /// It answers 502.
    Refuse502,
    /// It takes the request and never answers.
    Hang,
}

/// What a proxy was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// `CONNECT`, or the method of a request in absolute form.
    pub method: String,
    /// `host:port`, or the address of a request in absolute form.
    pub target: String,
    /// The `Proxy-Authorization` header, if there was one.
    pub authorization: Option<String>,
}

/// A proxy on loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    loopback: Loopback,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: ProxyMode,
    instead: HashMap<String, String>,
    log: Log<ProxyRequest>,
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Panics
    ///
    /// If the system gives no socket or no thread.
    #[must_use]
    pub fn start(mode: ProxyMode) -> Self {
        Self::start_instead(mode, HashMap::new())
    }

    /// Starts a proxy that connects to other addresses than it is asked for: `host:port` to `host:port`.
    ///
    /// # Panics
    ///
    /// If the system gives no socket or no thread.
    #[must_use]
    pub fn start_instead(mode: ProxyMode, instead: HashMap<String, String>) -> Self {
        let shared = Arc::new(Shared {
            mode,
            instead,
            log: Log::new(usize::MAX),
        });
        let serving = Arc::clone(&shared);
        let loopback = Loopback::start(0, 1, Gate::new(), move |stream, _| {
            let shared = Arc::clone(&serving);
            // A connection that breaks is the client's affair.
            async move { drop(shared.serve(stream).await) }
        });
        Self {
            loopback: loopback.expect("the proxy starts"),
            shared,
        }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// What it was asked, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxyRequest> {
        self.shared.log.all()
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::new();
        let Some(request) = request::read(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        self.log.push(ProxyRequest {
            method: request.method.clone(),
            target: request.target.clone(),
            authorization: request.header("proxy-authorization").map(str::to_owned),
        });
        match &self.mode {
            ProxyMode::Hang => return transport::hold(stream).await,
            ProxyMode::Refuse502 => return refuse(stream, 502).await,
            ProxyMode::RequireAuth(user, password) if !is_from(&request, user, password) => {
                return refuse(stream, 407).await;
            }
            ProxyMode::RequireAuth(..) | ProxyMode::Working => {}
        }
        let address = self.instead.get(&request.target).unwrap_or(&request.target);
        if request.method != "CONNECT" {
            return refuse(stream, 501).await;
        }
        let Ok(mut server) = TcpStream::connect(address).await else {
            return refuse(stream, 502).await;
        };
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        server.write_all(&buffer).await?;
        copy_bidirectional(&mut stream, &mut server).await?;
        Ok(())
    }
}

async fn refuse(mut stream: TcpStream, status: u16) -> io::Result<()> {
    let mut reply =
        Reply::new(status, "text/plain", "the proxy says no\n").with_header("Connection", "close");
    if status == 407 {
        reply = reply.with_header("Proxy-Authenticate", "Basic realm=\"proxy\"");
    }
    transmit::send(&mut stream, &reply).await?;
    stream.shutdown().await?;
    // The client reads the answer before the connection goes.
    let _read = stream.read(&mut [0; 1]).await?;
    Ok(())
}

fn is_from(request: &Request, user: &str, password: &str) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    request.header("proxy-authorization") == Some(expected.as_str())
}
