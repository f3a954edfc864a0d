//! Provides HTTP clients for the SDK. They create TLS settings once, when first needed, use no proxy for metadata
//! services, record when a request is sent, and limit the size of responses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;
use http_body_util::BodyExt as _;
use tokio::task::yield_now;

use super::attempt::SendTracking;
use super::connector::Connector;
use super::error::transport_error;
use super::proxy;
use super::root_certs::{self, RootCerts};
use super::tls;
use crate::error::{RunError, TransportError};
use crate::lock::lock;
use crate::memory;

/// Checks the value of a header.
///
/// # Errors
///
/// It has a character that is not printable ASCII. The error is a predicate.
pub(super) fn check_header(value: &str) -> Result<(), &'static str> {
    if value.chars().all(|c| (' '..='~').contains(&c)) {
        return Ok(());
    }
    Err("contains a line break or another character that no header can have")
}

/// The connect and read timeouts of a connector, and whether it uses TLS.
type ConnectorKey = (Option<Duration>, Option<Duration>, bool);

/// Sends the SDK's requests. A connector is created when it is first used, and clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LazyConnector {
    /// The root certificates for TLS. `None`: link-local metadata services, which are never behind a proxy.
    root_certs: Option<RootCerts>,
    settings: HttpConnectorSettings,
    connectors: Arc<Mutex<Vec<(ConnectorKey, Connector)>>>,
}

impl LazyConnector {
    /// Creates a connector without timeouts. Nothing is read or opened before the first request.
    pub(super) fn new(root_certs: Option<RootCerts>) -> Self {
        Self {
            root_certs,
            settings: HttpConnectorSettings::builder().build(),
            connectors: Arc::default(),
        }
    }

    /// Returns the same connector with timeouts.
    fn with(&self, settings: HttpConnectorSettings) -> Self {
        Self {
            settings,
            ..self.clone()
        }
    }

    /// Returns a client for the SDK.
    pub(super) fn client(&self) -> SharedHttpClient {
        let connector = self.clone();
        http_client_fn(move |settings, _| {
            SharedHttpConnector::new(connector.with(settings.clone()))
        })
    }

    /// Returns the connector for a URI. Without TLS, no root certificate is read.
    ///
    /// # Errors
    ///
    /// The CA bundle or the proxy cannot be used.
    fn connector_of(&self, uri: &str) -> Result<Connector, RunError> {
        let settings = &self.settings;
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let find_proxy = match self.root_certs {
            Some(_) => proxy::of,
            None => |_: &str| Ok(None),
        };
        let proxy = find_proxy(uri)?;
        let uses_tls = uri.starts_with("https:")
            || proxy.is_some_and(|proxy| proxy.uri.scheme_str() == Some("https"));
        let kind = (timeouts.0, timeouts.1, uses_tls);
        let mut connectors = lock(&self.connectors);
        if let Some((_, connector)) = connectors.iter().find(|(other, _)| *other == kind) {
            return Ok(connector.clone());
        }
        let tls = match &self.root_certs {
            _ if !uses_tls => None,
            Some(RootCerts::Bundle { path, source }) => {
                Some(tls::config(root_certs::bundle(path, source)?))
            }
            Some(RootCerts::System) | None => Some(tls::config(root_certs::system())),
        };
        let connector = Connector::new(settings, find_proxy, tls);
        connectors.push((kind, connector.clone()));
        Ok(connector)
    }

    /// Checks the CA bundle before the first request. If the connector of this request uses TLS, it is created now.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub(super) fn prepare(&self, uri: &str, timeouts: &TimeoutConfig) -> Result<(), RunError> {
        let Some(RootCerts::Bundle { path, source }) = &self.root_certs else {
            return Ok(());
        };
        if !uri.starts_with("https:") {
            return root_certs::bundle(path, source).map(drop);
        }
        let mut settings = HttpConnectorSettings::builder();
        settings
            .set_connect_timeout(timeouts.connect_timeout())
            .set_read_timeout(timeouts.read_timeout());
        self.with(settings.build()).connector_of(uri).map(drop)
    }

    /// Sends a request to a metadata service, and returns the status and the body. The caller limits the time for the
    /// response.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub(super) async fn ask(
        &self,
        request: HttpRequest,
        connect_timeout: Duration,
    ) -> Result<(u16, Vec<u8>), TransportError> {
        let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout);
        let response = self.with(settings.build()).call(request).await;
        let response = response.map_err(|error| transport_error(&error, ""))?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| TransportError {
            has_unexpected_response: true,
            ..transport_error(&error, "")
        })?;
        Ok((status, body.to_vec()))
    }
}

impl HttpConnector for LazyConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        if let Some(sent) = request.extension::<SendTracking>().cloned() {
            // A body that reports its frames does not know its length. Without one, the request would be sent in chunks.
            if let Some(length) = request.body().content_length() {
                let headers = request.headers_mut();
                headers.insert("content-length", length.to_string());
            }
            // The connection polls the body when it writes the request. Before that, nothing was sent.
            let body = request.take_body().map_frame(move |frame| {
                memory::release_reserve();
                sent.set();
                frame
            });
            *request.body_mut() = SdkBody::from_body_1_x(body);
        }
        let connector = self.clone();
        HttpConnectorFuture::new(async move {
            // If an idle connection has received bytes, they would be read as the response to the next request.
            // Yielding lets the runtime notice them and close the connection.
            yield_now().await;
            let connector = connector.connector_of(request.uri());
            // The bundle may have been removed since it was checked.
            let connector = connector.map_err(|error| ConnectorError::user(error.into()))?;
            connector.send(request).await
        })
    }
}
