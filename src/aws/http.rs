//! The HTTP client the SDK is given: TLS settings built once and only when first needed, no proxy for the
//! metadata services, a mark when a request leaves, an end to every reply.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::yield_now;

use super::attempts::Sent;
use super::error::cause;
use super::proxy;
use super::reply;
use super::trust::{self, Trust};
use crate::error::RunError;
use crate::memory;

/// The most of a response's body that is read, in KiB. The longest that IAM sends are a credential report, which is about
/// 2 MiB for the 5,000 users an account has by default, and a page of 1,000 users, whose longest paths and ARNs make it
/// 4 MiB.
const LONGEST: u64 = 6 << 10;

/// The same for a response that is an error, or that only confirms a change: a request ID, a code and a message.
const LONGEST_SHORT: u64 = 64;

/// The most of the response that is read, in KiB; an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongestResponse(u64);

impl LongestResponse {
    /// For a request for `operation`.
    pub(super) fn to(operation: &str) -> Self {
        Self(if reply::is_change(operation) {
            LONGEST_SHORT
        } else {
            LONGEST
        })
    }
}

/// A response that is longer than what is read of one, in KiB.
#[derive(Debug)]
pub(super) struct TooLong(u64);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            kib if kib >= 1 << 10 => write!(f, "the response is longer than {} MiB", kib >> 10),
            kib => write!(f, "the response is longer than {kib} KiB"),
        }
    }
}

impl std::error::Error for TooLong {}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether the proxies of the environment are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Through `HTTPS_PROXY` and its like, `NO_PROXY` heeded.
    Environment,
    /// Straight, as link-local metadata services need it.
    Direct,
}

/// An HTTP client for the SDK. Clones share its connectors.
#[derive(Clone, Debug)]
struct Http {
    trust: Trust,
    route: Route,
    connectors: Arc<Mutex<Vec<Wire>>>,
}

impl Http {
    /// A client; nothing is read or opened before the first request.
    fn new(trust: Trust, route: Route) -> Self {
        Self {
            trust,
            route,
            connectors: Arc::default(),
        }
    }

    /// The connectors with these limits.
    fn wire(&self, settings: &HttpConnectorSettings) -> Wire {
        let connectors = self.connectors.lock();
        let mut connectors = connectors.unwrap_or_else(PoisonError::into_inner);
        let same = |wire: &&Wire| {
            wire.settings.connect_timeout() == settings.connect_timeout()
                && wire.settings.read_timeout() == settings.read_timeout()
        };
        if let Some(wire) = connectors.iter().find(same) {
            return wire.clone();
        }
        let wire = Wire {
            settings: settings.clone(),
            trust: self.trust.clone(),
            route: self.route,
            plain: Arc::default(),
            tls: Arc::default(),
        };
        connectors.push(wire.clone());
        wire
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.wire(settings))
    }
}

/// A connector for each scheme, made when first asked for: `http://` never reads a root certificate. Clones share both.
#[derive(Clone, Debug)]
struct Wire {
    settings: HttpConnectorSettings,
    trust: Trust,
    route: Route,
    plain: Arc<OnceLock<Connector>>,
    tls: Arc<OnceLock<Connector>>,
}

impl Wire {
    fn connector(&self, uri: &str) -> &Connector {
        if uri.starts_with("https:") {
            self.tls.get_or_init(|| self.tls(&self.builder(uri)))
        } else {
            self.plain.get_or_init(|| self.builder(uri).build_http())
        }
    }

    fn builder(&self, uri: &str) -> ConnectorBuilder {
        let proxy = match self.route {
            Route::Environment => proxy::config(uri),
            Route::Direct => ProxyConfig::disabled(),
        };
        Connector::builder()
            .connector_settings(self.settings.clone())
            .proxy_config(proxy)
    }

    /// A connector for TLS. Of the system's authorities one file has them all; where it is not to be found, or holds
    /// something that the SDK's connector panics on, the SDK looks for them itself, which takes twice as long.
    fn tls(&self, builder: &ConnectorBuilder) -> Connector {
        let with = |store: TrustStore| {
            let context = TlsContext::builder().with_trust_store(store).build();
            builder
                .clone()
                .tls_provider(Provider::rustls(CryptoMode::Ring))
                .tls_context(context.expect("a context of a trust store alone is always built"))
                .build()
        };
        let of = |pem: Vec<u8>| with(TrustStore::empty().with_pem_certificate(pem));
        match &self.trust {
            // It may have vanished since it was checked: then nobody is trusted.
            Trust::Bundle(bundle) => of(bundle.take().unwrap_or_default()),
            Trust::System => trust::system()
                .and_then(|pem| panic::catch_unwind(AssertUnwindSafe(|| of(pem))).ok())
                .unwrap_or_else(|| with(TrustStore::default())),
        }
    }
}

impl HttpConnector for Wire {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        if let Some(sent) = request.extension::<Sent>().cloned() {
            let body = request.take_body();
            *request.body_mut() = SdkBody::from_body_1_x(Leaving { body, sent });
        }
        let longest = request.extension::<LongestResponse>().copied();
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            // An open connection that has bytes before the request leaves is out of step: they would be taken for the
            // response to it. The runtime sees them here, and the connection is closed instead of used.
            yield_now().await;
            let reply = wire.connector(request.uri()).call(request).await?;
            let longest = match longest {
                _ if !reply.status().is_success() => LONGEST_SHORT,
                Some(LongestResponse(kib)) => kib,
                None => LONGEST,
            };
            Ok(reply.map(|body| {
                SdkBody::from_body_1_x(Limited {
                    body,
                    left: longest << 10,
                    longest,
                })
            }))
        })
    }
}

/// A request's body that marks the moment the connection asks for it. Until then no byte of the request
/// was written, so a request whose body was never asked for was surely not sent.
struct Leaving {
    body: SdkBody,
    sent: Sent,
}

impl Body for Leaving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        memory::use_reserve();
        self.sent.set();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}

/// A reply's body that ends with an error when it grows past its limit.
struct Limited {
    body: SdkBody,
    left: u64,
    longest: u64,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(data)) = frame
            .as_ref()
            .map(|frame| frame.as_ref().map(Frame::data_ref))
            && let Some(data) = data
        {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(TooLong(self.longest).into()))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}

/// The HTTP clients of one run: for services, and for the metadata services of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    http: Http,
    direct: Http,
    /// For IAM, STS, SSO and sign-in.
    pub(crate) service: SharedHttpClient,
    /// For instance and container metadata.
    pub(crate) metadata: SharedHttpClient,
}

impl Clients {
    /// Checks a bundle by having the SDK's connector for services read it, which panics on a certificate it cannot
    /// read; the connector is then there for the first request. What no connector reads is checked by itself.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub(crate) fn prepare(&self, uri: &str, timeouts: &TimeoutConfig) -> Result<(), RunError> {
        let Trust::Bundle(bundle) = &self.http.trust else {
            return Ok(());
        };
        if !uri.starts_with("https:") {
            return bundle.check();
        }
        let mut settings = HttpConnectorSettings::builder();
        settings
            .set_connect_timeout(timeouts.connect_timeout())
            .set_read_timeout(timeouts.read_timeout());
        let wire = self.http.wire(&settings.build());
        let connect = AssertUnwindSafe(|| {
            wire.connector(uri);
        });
        if panic::catch_unwind(connect).is_ok() {
            return Ok(());
        }
        bundle.check()?;
        Err(bundle.unusable("TLS cannot be set up with it"))
    }

    /// Both clients; neither reads or opens anything yet.
    pub(crate) fn new(trust: Trust) -> Self {
        let http = Http::new(trust, Route::Environment);
        let direct = Http::new(Trust::System, Route::Direct);
        Self {
            service: SharedHttpClient::new(http.clone()),
            http,
            metadata: SharedHttpClient::new(direct.clone()),
            direct,
        }
    }

    /// Asks a service of this machine for what is at `url`: the status and the body.
    ///
    /// # Errors
    ///
    /// There is no answer: a fragment.
    pub(crate) async fn get(
        &self,
        url: &str,
        authorization: Option<&str>,
    ) -> Result<(u16, Vec<u8>), String> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).map_err(|error| error.to_string())?;
        request.headers_mut().insert("accept", "application/json");
        if let Some(value) = authorization {
            let headers = request.headers_mut();
            headers
                .try_insert("authorization", value.to_owned())
                .map_err(|error| error.to_string())?;
        }
        let wire = self.direct.wire(&HttpConnectorSettings::builder().build());
        let reply = wire.call(request).await;
        let reply = reply.map_err(|error| cause(&error, url).what)?;
        let status = reply.status().as_u16();
        let body = ByteStream::new(reply.into_body()).collect().await;
        let body = body.map_err(|error| error.to_string())?;
        Ok((status, body.to_vec()))
    }
}
