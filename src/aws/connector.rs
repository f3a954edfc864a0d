//! Connects to a service, directly or through a proxy, and sends requests. The SDK's own connector does not let its
//! connections be limited.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper::Uri;
use hyper::header::PROXY_AUTHORIZATION;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tower_service::Service;

use super::error::sources;
use super::response_limit::{Allowance, LimitedStream, ResponseLimit};

/// The most that is read of a connection at a time, and the maximum size of the head of a response. The runtime lets
/// other tasks run after 128 reads, so signals are received soon even if the client needs long for each byte.
const READ: usize = 16 << 10;

type BoxError = Box<dyn Error + Send + Sync>;

/// TCP or TLS, and in the tunnel of a proxy once more.
pub(super) type Stream = MaybeHttpsStream<MaybeHttpsStream<Tcp>>;

type Tcp = <HttpConnector as Service<Uri>>::Response;

/// Sends requests with one pair of timeouts. Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    client: Client<Dialer, SdkBody>,
    proxy: Arc<Matcher>,
    read_timeout: Option<Duration>,
}

impl Connector {
    /// Creates a connector. `tls`: for `https://`.
    pub(super) fn new(
        settings: &HttpConnectorSettings,
        proxy: Matcher,
        tls: Option<ClientConfig>,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(tls.is_none());
        let proxy = Arc::new(proxy);
        let dialer = Dialer {
            tcp,
            tls: tls.map(Arc::new),
            proxy: Arc::clone(&proxy),
            timeout: settings.connect_timeout(),
        };
        let mut client = Client::builder(TokioExecutor::new());
        client
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(READ);
        Self {
            client: client.build(dialer),
            proxy,
            read_timeout: settings.read_timeout(),
        }
    }

    /// Sends a request, and returns the response with the limit of its body.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x();
        let mut request = request.map_err(|error| ConnectorError::user(error.into()))?;
        let limit = request.extensions().get::<ResponseLimit>().copied();
        // Through TLS, only the proxy's tunnel is authorized.
        if request.uri().scheme_str() == Some("http")
            && let Some(proxy) = self.proxy.intercept(request.uri())
            && let Some(authorization) = proxy.basic_auth()
        {
            let headers = request.headers_mut();
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let response = within(self.read_timeout, self.client.request(request)).await;
        let response = response.map_err(connector_error)?;
        let limit = match limit {
            _ if !response.status().is_success() => ResponseLimit::SHORT,
            limit => limit.unwrap_or(ResponseLimit::ANY),
        };
        if let Some(allowance) = response.extensions().get::<Allowance>() {
            allowance.allow_body(limit);
        }
        let response = response.map(|body| limit.limit(SdkBody::from_body_1_x(body)));
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

/// Opens connections.
#[derive(Clone)]
struct Dialer {
    tcp: HttpConnector,
    /// `None`: for `http://` only.
    tls: Option<Arc<ClientConfig>>,
    proxy: Arc<Matcher>,
    timeout: Option<Duration>,
}

impl Dialer {
    async fn dial(self, uri: Uri) -> Result<LimitedStream, BoxError> {
        let Self { mut tcp, .. } = self;
        let proxy = self.proxy.intercept(&uri);
        let Some(tls) = self.tls else {
            let is_proxied = proxy.is_some();
            let address = proxy.map_or(uri, |proxy| proxy.uri().clone());
            let stream = MaybeHttpsStream::Http(tcp.call(address).await?);
            return Ok(LimitedStream::new(
                MaybeHttpsStream::Http(stream),
                is_proxied,
            ));
        };
        let mut direct = HttpsConnector::from((tcp, Arc::clone(&tls)));
        let stream = if let Some(proxy) = proxy {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            HttpsConnector::from((tunnel, tls)).call(uri).await?
        } else {
            MaybeHttpsStream::Http(direct.call(uri).await?)
        };
        Ok(LimitedStream::new(stream, false))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<LimitedStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialed = within(self.timeout, self.clone().dial(uri));
        Box::pin(async { dialed.await.map(TokioIo::new) })
    }
}

/// Waits for `work`, but not longer than `limit`.
async fn within<T, E: Into<BoxError>>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let done = match limit {
        Some(limit) => timeout(limit, work).await?,
        None => work.await,
    };
    done.map_err(Into::into)
}

/// Returns what the SDK needs to stop using a connection.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let is_proxied = connection.connection_metadata().as_ref()?.is_proxied();
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    let metadata = ConnectionMetadata::builder().proxied(is_proxied);
    Some(metadata.poison_fn(poison).build())
}

/// Classifies an error for the SDK, which decides by it what is tried again.
fn connector_error(error: BoxError) -> ConnectorError {
    let find = |is: fn(&(dyn Error + 'static)) -> bool| sources(&*error).any(is);
    let hyper = |is: fn(&hyper::Error) -> bool| {
        sources(&*error)
            .filter_map(<dyn Error>::downcast_ref)
            .any(is)
    };
    let is_connect = |error: &legacy::Error| error.is_connect();
    if find(<dyn Error>::is::<Elapsed>) || hyper(hyper::Error::is_timeout) {
        ConnectorError::timeout(error)
    } else if hyper(hyper::Error::is_user) {
        ConnectorError::user(error)
    } else if hyper(|error| error.is_closed() || error.is_canceled())
        || find(<dyn Error>::is::<io::Error>)
        || error.downcast_ref().is_some_and(is_connect)
    {
        ConnectorError::io(error)
    } else {
        let is_cut_off = hyper(hyper::Error::is_incomplete_message);
        ConnectorError::other(error, is_cut_off.then_some(ErrorKind::TransientError))
    }
}
