//! Provides HTTP clients for the SDK. They create TLS settings once, when first needed, use no proxy for metadata
//! services, record when a request is sent, and limit the size of responses.

use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;
use futures_util::{StreamExt, future, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use tokio::task::yield_now;

use super::attempt::SendTracking;
use super::error::transport_error;
use super::proxy;
use super::response_body;
use super::root_certs::{self, RootCerts};
use crate::error::RunError;
use crate::lock::lock;
use crate::memory;

/// The maximum size of a response, in bytes and as text. Attached to the request as an extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseLimit(usize, &'static str);

impl ResponseLimit {
    /// The largest responses are credential reports, with about 2 MiB for the 5,000 users that an account has by
    /// default, and pages of 1,000 users, with 4 MiB if all paths and ARNs have the maximum length.
    const ANY: Self = Self(6 << 20, "6 MiB");

    /// For errors and confirmed changes, which contain only a request ID, a code and a message.
    const SHORT: Self = Self(64 << 10, "64 KiB");

    /// Returns the limit for an operation.
    pub(super) fn to(operation: &str) -> Self {
        if response_body::is_change(operation) {
            Self::SHORT
        } else {
            Self::ANY
        }
    }

    /// Makes reading the body fail once it exceeds the limit. The body is read into one buffer: the SDK keeps each frame,
    /// which takes 40 times the memory if a server sends single bytes.
    fn limit(self, body: SdkBody) -> SdkBody {
        let Self(bytes, words) = self;
        let read = async move {
            let mut body = Limited::new(body, bytes);
            let mut whole = Vec::new();
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
                    Err(error) if error.is::<LengthLimitError>() => {
                        let reason = format!("the response is longer than {words}");
                        return Some(Err(io::Error::new(ErrorKind::FileTooLarge, reason).into()));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            SdkBody::from(whole).frame().await
        };
        let frame = stream::once(read).filter_map(future::ready);
        SdkBody::from_body_1_x(StreamBody::new(frame))
    }
}

/// The connect and read timeouts of a connector, and whether it uses TLS.
type ConnectorKey = (Option<Duration>, Option<Duration>, bool);

/// Sends the SDK's requests. A connector is created when it is first used, and clones share it.
#[derive(Clone, Debug)]
struct LazyConnector {
    /// The root certificates for TLS. `None`: link-local metadata services, which are never behind a proxy.
    root_certs: Option<RootCerts>,
    settings: HttpConnectorSettings,
    connectors: Arc<Mutex<Vec<(ConnectorKey, SharedHttpConnector)>>>,
}

impl LazyConnector {
    /// Creates a connector without timeouts. Nothing is read or opened before the first request.
    fn new(root_certs: Option<RootCerts>) -> Self {
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

    fn client(&self) -> SharedHttpClient {
        let connector = self.clone();
        http_client_fn(move |settings, _| {
            SharedHttpConnector::new(connector.with(settings.clone()))
        })
    }

    /// Returns the connector for a URI. `http://` never reads a root certificate.
    fn connector_of(&self, uri: &str) -> SharedHttpConnector {
        let settings = &self.settings;
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let kind = (timeouts.0, timeouts.1, uri.starts_with("https:"));
        let mut connectors = lock(&self.connectors);
        if let Some((_, connector)) = connectors.iter().find(|(other, _)| *other == kind) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(self.new_connector(uri));
        connectors.push((kind, connector.clone()));
        connector
    }

    /// Creates a connector. The system's root certificates are read from a single file. If it does not exist, or makes
    /// the SDK's connector panic, the SDK finds them itself, which takes twice as long.
    fn new_connector(&self, uri: &str) -> Connector {
        let proxy = match self.root_certs {
            Some(_) => proxy::config(uri),
            None => ProxyConfig::disabled(),
        };
        let builder = Connector::builder()
            .connector_settings(self.settings.clone())
            .proxy_config(proxy);
        if !uri.starts_with("https:") {
            return builder.build_http();
        }
        let with = |store: TrustStore| {
            let context = TlsContext::builder().with_trust_store(store).build();
            builder
                .clone()
                .tls_provider(Provider::rustls(CryptoMode::Ring))
                .tls_context(context.expect("a context of a trust store alone is always built"))
                .build()
        };
        let of = |pem: Vec<u8>| with(TrustStore::empty().with_pem_certificate(pem));
        match &self.root_certs {
            // The bundle may have been removed since it was checked. Then no certificate is trusted.
            Some(RootCerts::Bundle(bundle)) => of(bundle.take().unwrap_or_default()),
            Some(RootCerts::System) | None => root_certs::system_pem()
                .and_then(|pem| panic::catch_unwind(AssertUnwindSafe(|| of(pem))).ok())
                .unwrap_or_else(|| with(TrustStore::default())),
        }
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
        let limit = request.extension::<ResponseLimit>().copied();
        let connector = self.clone();
        HttpConnectorFuture::new(async move {
            // If an idle connection has received bytes, they would be read as the response to the next request.
            // Yielding lets the runtime notice them and close the connection.
            yield_now().await;
            let response = connector.connector_of(request.uri()).call(request).await?;
            let limit = match limit {
                _ if !response.status().is_success() => ResponseLimit::SHORT,
                limit => limit.unwrap_or(ResponseLimit::ANY),
            };
            Ok(response.map(|body| limit.limit(body)))
        })
    }
}

/// The HTTP clients of a run: one for services, and one for the machine's metadata services.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    services: LazyConnector,
    metadata_services: LazyConnector,
}

impl Clients {
    /// Checks the CA bundle before the first request. The SDK's connector for services reads it and panics if a
    /// certificate is invalid. If no connector uses TLS, the bundle is checked separately.
    ///
    /// # Errors
    ///
    /// The bundle cannot be used.
    pub(crate) fn prepare(&self, uri: &str, timeouts: &TimeoutConfig) -> Result<(), RunError> {
        let Some(RootCerts::Bundle(bundle)) = &self.services.root_certs else {
            return Ok(());
        };
        if !uri.starts_with("https:") {
            return bundle.check();
        }
        let mut settings = HttpConnectorSettings::builder();
        settings
            .set_connect_timeout(timeouts.connect_timeout())
            .set_read_timeout(timeouts.read_timeout());
        let connector = self.services.with(settings.build());
        let connect = AssertUnwindSafe(|| {
            connector.connector_of(uri);
        });
        if panic::catch_unwind(connect).is_ok() {
            return Ok(());
        }
        bundle.check()?;
        Err(bundle.unusable("TLS cannot be set up with it"))
    }

    /// Creates both clients. Nothing is read or opened yet.
    pub(crate) fn new(root_certs: RootCerts) -> Self {
        Self {
            services: LazyConnector::new(Some(root_certs)),
            metadata_services: LazyConnector::new(None),
        }
    }

    /// Returns the client for IAM, STS, SSO and sign-in.
    pub(super) fn service(&self) -> SharedHttpClient {
        self.services.client()
    }

    /// Returns the client for instance metadata.
    pub(super) fn metadata(&self) -> SharedHttpClient {
        self.metadata_services.client()
    }

    /// Requests `url` from a service on this machine, and returns the status and the body.
    ///
    /// # Errors
    ///
    /// There is no response. The error is a fragment.
    pub(crate) async fn get(
        &self,
        url: &str,
        authorization: Option<&str>,
    ) -> Result<(u16, Vec<u8>), String> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert("accept", "application/json");
        if let Some(value) = authorization {
            let inserted = headers.try_insert("authorization", value.to_owned());
            inserted.map_err(|error| error.to_string())?;
        }
        let response = self.metadata_services.call(request).await;
        let response = response.map_err(|error| transport_error(&error, url).reason)?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| error.to_string())?;
        Ok((status, body.to_vec()))
    }
}
