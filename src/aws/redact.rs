//! The secrets of one request and of its proxy. Those of the run are in `known_secret.rs`.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::proxy;
use crate::known_secret::Secrets;

/// The headers that authenticate one request.
const SECRET_HEADERS: [&str; 2] = ["authorization", "dpop"];

/// The prefix of the signature in `authorization`, which is a secret.
const SIGNATURE_PREFIX: &str = "Signature=";

/// The prefix of the MFA code in a form. As a code is short and works once, it is no secret of the run.
const CODE_PREFIX: &str = "TokenCode=";

/// Collects the secrets that only this request has, and the passwords of proxies: people choose them, so they can be words of
/// our own messages.
pub(super) fn secrets_of(request: &HttpRequest) -> Secrets {
    let mut secrets = Secrets::default();
    for secret in proxy::secrets() {
        secrets.add(secret);
    }
    for name in SECRET_HEADERS {
        let value = request.headers().get(name).unwrap_or_default();
        secrets.add(value);
        if let Some((_, signature)) = value.split_once(SIGNATURE_PREFIX) {
            secrets.add(signature);
        }
    }
    let body = request.body().bytes().unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    if let Some((_, rest)) = body.split_once(CODE_PREFIX) {
        secrets.add(rest.split('&').next().unwrap_or_default());
    }
    secrets
}
