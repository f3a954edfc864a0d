//! The requests for credentials, watched as they leave: whose key signs them is the key behind a role, wherever it came
//! from, and what they carry is not shown.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::secrets::Secrets;

/// What was seen. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    secrets: Secrets,
    key_ids: Vec<String>,
}

impl Watch {
    /// The same client, watched.
    pub(super) fn over(&self, client: &SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Watched {
            client: client.clone(),
            watch: self.clone(),
        })
    }

    /// `text` without the secrets of the requests.
    pub(super) fn hide(&self, text: &str) -> String {
        self.seen().secrets.hide(text)
    }

    /// The IDs of the keys that signed them, in the order in which they did.
    pub(super) fn key_ids(&self) -> Vec<String> {
        self.seen().key_ids.clone()
    }

    fn see(&self, request: &HttpRequest) {
        let mut seen = self.seen();
        seen.secrets.add(&Secrets::of(request));
        let authorization = request.headers().get("authorization");
        let credential = authorization.and_then(|value| value.split_once("Credential="));
        if let Some((key_id, _)) = credential.and_then(|(_, scope)| scope.split_once('/')) {
            seen.key_ids.push(key_id.to_owned());
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client or a connector, and who watches it.
#[derive(Clone, Debug)]
struct Watched<T> {
    client: T,
    watch: Watch,
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Watched {
            client: self.client.http_connector(settings, components),
            watch: self.watch.clone(),
        })
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.watch.see(&request);
        self.client.call(request)
    }
}
