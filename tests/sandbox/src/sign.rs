//! Signs requests for tests that connect to the sandbox with a plain socket.

use crate::clock;
use crate::hash;
use crate::key::Credentials;
use crate::sigv4::{self, Scope, Signed};
use std::time::SystemTime;

/// The bytes of a signed `POST /` with these form parameters, as a client sends them to `host` (`127.0.0.1:8080`).
///
/// The service is STS if the parameters have the version of STS, and IAM otherwise.
#[must_use]
pub fn post(credentials: &Credentials, host: &str, params: &[(&str, &str)]) -> Vec<u8> {
    post_at(SystemTime::now(), credentials, host, params)
}

/// The same request, signed at another time.
#[must_use]
pub fn post_at(
    at: SystemTime,
    credentials: &Credentials,
    host: &str,
    params: &[(&str, &str)],
) -> Vec<u8> {
    let pairs = params
        .iter()
        .map(|(name, value)| format!("{}={}", sigv4::encode(name), sigv4::encode(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    let service = if params.contains(&("Version", "2011-06-15")) {
        "sts"
    } else {
        "iam"
    };
    let date = clock::basic(at.into());
    let scope = Scope {
        day: date[..8].to_owned(),
        region: "us-east-1".to_owned(),
        service: service.to_owned(),
    };
    let mut headers = vec![
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        ),
        ("host".to_owned(), host.to_owned()),
        (
            "x-amz-content-sha256".to_owned(),
            hash::sha256_hex(body.as_bytes()),
        ),
        ("x-amz-date".to_owned(), date.clone()),
    ];
    headers.extend(
        credentials
            .session_token
            .clone()
            .map(|token| ("x-amz-security-token".to_owned(), token)),
    );
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = Signed {
        method: "POST",
        target: "/",
        headers: &headers,
        covered: &names,
        body: body.as_bytes(),
    };
    let signature = sigv4::signature(&signed, &credentials.secret_access_key, &date, &scope);
    let authorization = format!(
        "{} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        sigv4::ALGORITHM,
        credentials.access_key_id,
        names.join(";")
    );
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let lines = lines.join(
        "
",
    );
    let length = body.len();
    format!("POST / HTTP/1.1\r\n{lines}\r\nauthorization: {authorization}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}
