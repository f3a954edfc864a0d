//! A forward proxy on loopback, as in `HTTPS_PROXY`, which records its requests.

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
    /// It connects as requested.
    Working,
    /// It responds with 407 unless the request has this user name and password.
    RequireAuth(String, String),
    /// It responds with 502.
    Refuse502,
    /// It reads the request and never responds.
    Hang,
}

/// A request to a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// `CONNECT`, or the method of a request in absolute form.
    pub method: String,
    /// `host:port`, or the URL of a request in absolute form.
    pub target: String,
    /// The `Proxy-Authorization` header, if any.
    pub authorization: Option<String>,
}

/// A proxy on loopback, which ends when this is dropped.
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
    /// If the system cannot create a socket or a thread.
    #[must_use]
    pub fn start(mode: ProxyMode) -> Self {
        Self::start_instead(mode, HashMap::new())
    }

    /// Starts a proxy that redirects connections from one `host:port` to another.
    ///
    /// # Panics
    ///
    /// If the system cannot create a socket or a thread.
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
            // Ignore connection errors.
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

    /// The requests to the proxy, in order.
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
    // Wait for the client to read the response before closing the connection.
    let _read = stream.read(&mut [0; 1]).await?;
    Ok(())
}

fn is_from(request: &Request, user: &str, password: &str) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    request.header("proxy-authorization") == Some(expected.as_str())
}
