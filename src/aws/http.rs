//! Provides HTTP clients for the SDK. They create TLS settings once, when first needed, record when a request is sent, and
//! limit the size of responses.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;
use http_body_util::BodyExt as _;
use tokio::task::yield_now;

use super::attempt::SendTracking;
use super::connector::{FindProxy, HttpClient, http_client, send};
use super::error::{is_tls, transport_error};
use super::proxy::{self, Proxy};
use super::root_certs::{self, OnlyBundle};
use super::tls;
use crate::error::{RunError, TransportError};
use crate::lock::lock;
use crate::memory;

/// Checks the value of a header with a token.
///
/// # Errors
///
/// It has a character that is not printable ASCII, or is blank but not empty. The error is a predicate.
pub(super) fn check_token(token: &str) -> Result<(), &'static str> {
    if !token.is_empty() && token.trim().is_empty() {
        return Err("contains only white space");
    }
    if !token.chars().all(is_allowed_in_header) {
        return Err("contains a line break or another character that no header can have");
    }
    Ok(())
}

/// Whether a character is printable ASCII.
pub(super) fn is_allowed_in_header(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Sends the SDK's requests. An HTTP client is created when it is first used, and clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LazyConnector {
    find_proxy: FindProxy,
    /// The CA bundle, and what names it. `None`: the root certificates of the system.
    bundle: Option<(PathBuf, String)>,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    /// The clients without and with TLS.
    clients: Arc<Mutex<[Option<HttpClient>; 2]>>,
}

impl LazyConnector {
    /// Creates a connector. Nothing is read or opened before the first request.
    pub(super) fn new(bundle: Option<(PathBuf, String)>, timeouts: &TimeoutConfig) -> Self {
        Self {
            find_proxy: proxy::of,
            bundle,
            connect_timeout: timeouts.connect_timeout(),
            read_timeout: timeouts.read_timeout(),
            clients: Arc::default(),
        }
    }

    /// Creates a connector for link-local metadata services, which are never behind a proxy.
    pub(super) fn without_proxy(connect_timeout: Duration) -> Self {
        let timeouts = TimeoutConfig::builder().connect_timeout(connect_timeout);
        Self {
            find_proxy: |_| Ok(None),
            ..Self::new(None, &timeouts.build())
        }
    }

    /// Returns a client for the SDK.
    pub(super) fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Returns the HTTP client for a URI, and the proxy. Without TLS, no root certificate is read.
    ///
    /// # Errors
    ///
    /// The CA bundle or the proxy cannot be used.
    fn client_of(&self, uri: &str) -> Result<(HttpClient, Option<Proxy>), RunError> {
        let proxy = (self.find_proxy)(uri)?;
        let proxy_uses_tls = |proxy: &Proxy| proxy.uri.scheme_str() == Some("https");
        let uses_tls = uri.starts_with("https:") || proxy.as_ref().is_some_and(proxy_uses_tls);
        let mut clients = lock(&self.clients);
        let client = &mut clients[usize::from(uses_tls)];
        if let Some(client) = client {
            return Ok((client.clone(), proxy));
        }
        let tls = match &self.bundle {
            _ if !uses_tls => None,
            Some((path, source)) => Some(tls::config(root_certs::bundle(path, source)?)),
            None => Some(tls::config(root_certs::system())),
        };
        let client = client.insert(http_client(self.connect_timeout, self.find_proxy, tls));
        Ok((client.clone(), proxy))
    }

    /// Checks the CA bundle before the first request. If the client of this request uses TLS, it is created now.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub(super) fn prepare(&self, uri: &str) -> Result<(), RunError> {
        match &self.bundle {
            Some(_) if uri.starts_with("https:") => self.client_of(uri).map(drop),
            Some((path, source)) => root_certs::bundle(path, source).map(drop),
            None => Ok(()),
        }
    }

    /// Sends a request to a metadata service, and returns the status and the body. The caller limits the time for the
    /// response.
    ///
    /// # Errors
    ///
    /// There is no response. The flag says whether TLS failed, as it would again.
    pub(super) async fn ask(
        &self,
        request: HttpRequest,
    ) -> Result<(u16, Vec<u8>), (TransportError, bool)> {
        let response = self.call(request).await;
        let response = response.map_err(|error| (transport_error(&error, ""), is_tls(&error)))?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| {
            let unusable = TransportError {
                has_unexpected_response: true,
                ..transport_error(&error, "")
            };
            (unusable, false)
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
            let client = connector.client_of(request.uri());
            // The bundle may have been removed since it was checked.
            let (client, proxy) = client.map_err(|error| ConnectorError::user(error.into()))?;
            let sent = send(&client, proxy, connector.read_timeout, request).await;
            sent.map_err(|error| match connector.bundle {
                Some((_, named_by)) if is_tls(&error) => {
                    let cause = error.into();
                    ConnectorError::other(OnlyBundle { named_by, cause }.into(), None)
                }
                _ => error,
            })
        })
    }
}
