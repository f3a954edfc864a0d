//! Connects to a service, directly or through a proxy, and sends requests. The SDK's own connector does not let its
//! connections be limited.

use std::error::Error;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::retry::ErrorKind;
use futures_util::future::{Either, select};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, InvalidMessage};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::attempt::{SendTracking, poison};
use super::error::{SPEAKS_TLS, is_tls, sources};
use super::late::{Late, within};
use super::lookup::Lookup;
use super::proxy::{Proxy, ProxyCause, ProxyError};
use super::response_body::unreliable_body;
use super::response_limit::{LimitedStream, ResponseLimit, SharedReading, has_begun, start};
use super::tls;
use crate::error::RunError;
use crate::lock::lock;

/// The most that is read of a connection at a time, and the maximum size of the head of a response. The runtime lets
/// other tasks run after 128 reads, so signals are received soon even if the client needs long for each byte.
const READ: usize = 16 << 10;

/// The first bytes of a TLS alert, which a server that expects TLS sends in response to anything else.
const TLS_ALERT: [u8; 2] = [0x15, 3];

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Finds the proxy for a URI.
pub(super) type FindProxy = fn(&str) -> Result<Option<Proxy>, RunError>;

/// TCP or TLS, and in the tunnel of a proxy once more.
pub(super) type Stream = MaybeHttpsStream<FirstStream>;

/// The connection to a host, or to its proxy.
type FirstStream = MaybeHttpsStream<<HttpConnector as Service<Uri>>::Response>;

/// Sends requests to any host. Clones share the connections.
pub(super) type HttpClient = Client<Dialer, SdkBody>;

/// Creates a client. Without `tls`, it is for `http://` only.
pub(super) fn http_client(
    connect_timeout: Option<Duration>,
    find_proxy: FindProxy,
    tls: Option<ClientConfig>,
) -> HttpClient {
    let mut client = Client::builder(TokioExecutor::new());
    client
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(READ);
    client.build(Dialer {
        lookup: Lookup::default(),
        tls: tls.map(Arc::new),
        find_proxy,
        timeout: connect_timeout,
    })
}

/// The first second of the year 9999.
const YEAR_9999: i64 = 253_370_764_800;

/// Sends a request, and returns the response with a limit on its body. `proxy` is the proxy for its URI, if there is one.
///
/// # Errors
///
/// There is no response.
pub(super) async fn send(
    client: &HttpClient,
    proxy: Option<Proxy>,
    read_timeout: Option<Duration>,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x();
    let mut request = request.map_err(|error| ConnectorError::user(error.into()))?;
    let limit = request.extensions().get::<ResponseLimit>().copied();
    let without_tls = request.uri().scheme_str() == Some("http");
    let is_plain = without_tls && proxy.is_none();
    // With TLS, only the request that opens the tunnel is authorized.
    let proxy = proxy.filter(|_| without_tls);
    if let Some(authorization) = proxy.as_ref().and_then(|proxy| proxy.authorization.clone()) {
        let headers = request.headers_mut();
        headers.insert(PROXY_AUTHORIZATION, authorization);
    }
    let connection = capture_connection(&mut request);
    let [mut opened, began] = [connection.clone(), connection.clone()];
    let sent = request.extensions().get::<SendTracking>();
    if let Some(sent) = sent {
        sent.set_connection(&connection);
    }
    let is_recorded = sent.is_some();
    if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
        capture.set_connection_retriever(move || metadata(&connection));
    }
    let lookup = request.extensions().get::<Lookup>().cloned();
    let response = lookup.unwrap_or_default().scope(client.request(request));
    let response = pin!(response);
    // Opening the connection has its own time limit.
    let opened = pin!(async { drop(opened.wait_for_connection_metadata().await) });
    let response = match select(response, opened).await {
        Either::Left((response, _)) => response.map_err(Into::into),
        Either::Right(((), response)) => {
            let late = |limit| {
                if has_begun(&began) {
                    Late::Rest(limit)
                } else {
                    Late::Response(limit)
                }
            };
            within(read_timeout, Instant::now(), late, response).await
        }
    };
    let response = response.map_err(|error| {
        let has_tls = is_plain && start(&began).starts_with(&TLS_ALERT);
        connector_error(if has_tls { SPEAKS_TLS.into() } else { error })
    })?;
    if let Some(proxy) = proxy
        && response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
    {
        let (head, _) = response.into_parts();
        let cause = ProxyCause::Refused(head.status, head.headers);
        let proxy = Arc::new(proxy);
        return Err(connector_error(ProxyError { proxy, cause }.into()));
    }
    let limit = match limit {
        _ if !response.status().is_success() => ResponseLimit::SHORT,
        limit => limit.unwrap_or(ResponseLimit::SHORT),
    };
    if let Some(reading) = response.extensions().get::<SharedReading>() {
        lock(reading).allow_body(limit);
    }
    let response = response.map(|body| limit.limit(SdkBody::from_body_1_x(body), read_timeout));
    let mut response = HttpResponse::try_from(response)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    // The SDK corrects its clock by this date and adds a time limit. It panics if the sum is after the year 9999.
    let date = response.headers().get("date");
    let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
    if date.is_some_and(|date| date.secs() >= YEAR_9999) {
        response.headers_mut().remove("date");
    }
    if is_recorded && unreliable_body(&response).is_some() {
        // The recorder rejects the response. Its body may never end, so it is not read.
        *response.body_mut() = SdkBody::empty();
    }
    Ok(response)
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Dialer {
    lookup: Lookup,
    /// `None`: for `http://` only.
    tls: Option<Arc<ClientConfig>>,
    find_proxy: FindProxy,
    timeout: Option<Duration>,
}

impl Dialer {
    async fn dial(self, uri: Uri, start: Instant) -> Result<LimitedStream, BoxError> {
        let Some(proxy) = (self.find_proxy)(&uri.to_string())? else {
            let stream = MaybeHttpsStream::Http(self.connect(uri).await?);
            return Ok(LimitedStream::new(stream, false));
        };
        let proxy = Arc::new(proxy);
        let of_proxy = |cause| ProxyError {
            proxy: Arc::clone(&proxy),
            cause,
        };
        if uri.scheme_str() != Some("https") {
            let stream = self.connect_proxy(&proxy, None, start).await;
            let stream = MaybeHttpsStream::Http(stream.map_err(of_proxy)?);
            return Ok(LimitedStream::new(stream, true));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let host = ServerName::try_from(host.to_owned())?;
        let tls = self.tls.clone().ok_or("TLS is not configured")?;
        let stream = self.connect_proxy(&proxy, Some(&uri), start).await;
        let stream = TokioIo::new(stream.map_err(of_proxy)?);
        let stream = TlsConnector::from(tls).connect(host, stream).await;
        let stream = stream.map_err(|error| {
            if tls::is_not_tls(&error) {
                BoxError::from(of_proxy(ProxyCause::NotTls(error.into())))
            } else {
                error.into()
            }
        })?;
        Ok(LimitedStream::new(stream.into(), false))
    }

    /// Connects to a host or to a proxy.
    async fn connect(&self, uri: Uri) -> Result<FirstStream, BoxError> {
        let mut tcp = HttpConnector::new_with_resolver(self.lookup.clone());
        tcp.set_nodelay(true);
        // All addresses of the host share this time. It is a little longer than the limit, which reports a silent host first.
        tcp.set_connect_timeout(self.timeout.map(|limit| limit.saturating_add(limit / 100)));
        tcp.enforce_http(self.tls.is_none());
        match &self.tls {
            None => Ok(MaybeHttpsStream::Http(tcp.call(uri).await?)),
            Some(tls) => {
                let mut connector = HttpsConnector::from((tcp, Arc::clone(tls)));
                connector.call(uri).await
            }
        }
    }

    /// Connects to a proxy, and then through it to `host`, if there is one. `start` is when the time limit began.
    async fn connect_proxy(
        &self,
        proxy: &Proxy,
        host: Option<&Uri>,
        start: Instant,
    ) -> Result<FirstStream, ProxyCause> {
        let reading = OnceLock::new();
        let open = async {
            let stream = Box::pin(self.connect(proxy.uri.clone())).await;
            match (stream.map_err(ProxyCause::Failed)?, host) {
                (stream, None) => Ok(stream),
                (stream, Some(host)) => Box::pin(tunnel(stream, host, proxy, &reading)).await,
            }
        };
        let late = |limit| match reading.get() {
            Some(reading) if lock(reading).began() => Late::Rest(limit),
            _ => self.lookup.late(limit),
        };
        let open = within(self.timeout, start, late, async {
            Ok::<_, BoxError>(open.await)
        });
        open.await.map_err(ProxyCause::Failed).flatten()
    }
}

/// Asks a proxy for a connection to the host of a URI. `reading` is what was read of its response.
async fn tunnel(
    stream: FirstStream,
    uri: &Uri,
    proxy: &Proxy,
    reading: &OnceLock<SharedReading>,
) -> Result<FirstStream, ProxyCause> {
    let stream = LimitedStream::new(stream, false);
    let reading = reading.get_or_init(|| Arc::clone(&stream.reading));
    let failed = |error: hyper::Error| match lock(reading).status() {
        // The HTTP client rejects the whole response if its reason or a header has an invalid character.
        Some(status) if error.is_parse() && status.as_u16() > 200 => {
            ProxyCause::Refused(status, HeaderMap::new())
        }
        _ => ProxyCause::Failed(error.into()),
    };
    let host = uri.host().unwrap_or_default();
    let host = format!("{host}:{}", uri.port_u16().unwrap_or(443));
    let mut request = Request::builder().method(Method::CONNECT).uri(&host);
    request = request.header(HOST, &host);
    if let Some(authorization) = &proxy.authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(SdkBody::empty());
    let request = request.map_err(|error| ProxyCause::Failed(error.into()))?;
    let mut http = http1::Builder::new();
    let handshake = http.max_buf_size(READ).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(failed)?;
    let answered = |response: hyper::Result<hyper::Response<_>>| match response.map_err(failed)? {
        response if response.status() == StatusCode::OK => Ok(()),
        response => {
            let (head, _) = response.into_parts();
            Err(ProxyCause::Refused(head.status, head.headers))
        }
    };
    let response = pin!(sender.send_request(request));
    let parts = match select(response, Box::pin(connection.without_shutdown())).await {
        Either::Left((response, connection)) => {
            answered(response)?;
            connection.await
        }
        Either::Right((parts, response)) => {
            answered(response.await)?;
            parts
        }
    };
    let parts = parts.map_err(failed)?;
    // In TLS, the client speaks first.
    if !parts.read_buf.is_empty() {
        let error = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        return Err(ProxyCause::NotTls(error.into()));
    }
    Ok(parts.io.into_inner().into_inner())
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<LimitedStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let start = Instant::now();
        let lookup = Lookup::of_request();
        let dial = Self {
            lookup: lookup.clone(),
            ..self.clone()
        };
        let dial = dial.dial(uri, start);
        let dialed = within(self.timeout, start, move |limit| lookup.late(limit), dial);
        Box::pin(async { dialed.await.map(TokioIo::new) })
    }
}

/// Returns what the SDK needs to stop using a connection.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let is_proxied = connection.connection_metadata().as_ref()?.is_proxied();
    let connection = connection.clone();
    let metadata = ConnectionMetadata::builder().proxied(is_proxied);
    Some(metadata.poison_fn(move || poison(&connection)).build())
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
    if is_tls(&*error) {
        // Every further connection would fail in the same way.
        ConnectorError::other(error, None)
    } else if find(<dyn Error>::is::<Late>) {
        ConnectorError::timeout(error)
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
