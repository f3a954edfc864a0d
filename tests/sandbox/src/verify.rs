//! Verifies the signature of a request, and identifies the principal that signed it.

use crate::account::Account;
use crate::clock;
use crate::failure::{ALLOWED_SKEW, Failure};
use crate::key::{Credentials, Status};
use crate::principal::Principal;
use crate::request::Request;
use crate::sigv4::{self, Scope, Signed};
use time::OffsetDateTime;

/// The parsed `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) key_id: String,
    pub(crate) scope: Scope,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let header = request
            .header("authorization")
            .ok_or_else(Failure::missing_token)?;
        Self::parse(header)
    }

    fn parse(header: &str) -> Result<Self, Failure> {
        let fields = header
            .strip_prefix(sigv4::ALGORITHM)
            .ok_or_else(|| Failure::incomplete_signature("Unsupported signature algorithm"))?;
        let field = |name: &str| {
            let found = fields
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            found.filter(|value| !value.is_empty()).ok_or_else(|| {
                Failure::incomplete_signature(format_args!(
                    "Authorization header requires '{name}' parameter."
                ))
            })
        };
        let credential: Vec<&str> = field("Credential")?.split('/').collect();
        let [key_id, day, region, service, "aws4_request"] = credential[..] else {
            return Err(Failure::incomplete_signature(
                "Credential must have exactly 5 slash-delimited elements",
            ));
        };
        Ok(Self {
            key_id: key_id.to_owned(),
            scope: Scope {
                day: day.to_owned(),
                region: region.to_owned(),
                service: service.to_owned(),
            },
            signed_headers: field("SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: field("Signature")?.to_owned(),
        })
    }
}

/// Verifies a request to `service` that arrived at `now`.
pub(crate) fn verify(
    request: &Request,
    authorization: &Authorization,
    service: &str,
    account: &Account,
    now: OffsetDateTime,
) -> Result<Principal, Failure> {
    let (principal, credentials) = find_signer(request, &authorization.key_id, account)?;
    check_scope(&authorization.scope, service)?;
    let date = check_date(request, &authorization.scope, now)?;
    let signed_headers: Vec<&str> = authorization
        .signed_headers
        .iter()
        .map(String::as_str)
        .collect();
    check_signed_headers(request, &signed_headers)?;
    let signed = Signed {
        method: &request.method,
        target: &request.target,
        headers: &request.headers,
        covered: &signed_headers,
        body: &request.body,
    };
    let expected = sigv4::signature(
        &signed,
        &credentials.secret_access_key,
        date,
        &authorization.scope,
    );
    if expected != authorization.signature {
        return Err(Failure::wrong_signature());
    }
    let session = account.session(&authorization.key_id);
    if session.is_some_and(|session| session.expires <= now) {
        return Err(Failure::expired_token());
    }
    Ok(principal)
}

/// The principal for a key ID. A session requires its own token, and a user's key requires none.
fn find_signer(
    request: &Request,
    id: &str,
    account: &Account,
) -> Result<(Principal, Credentials), Failure> {
    let credentials = account.credentials(id).ok_or_else(Failure::invalid_token)?;
    if credentials.session_token.as_deref() != request.header("x-amz-security-token") {
        return Err(Failure::invalid_token());
    }
    if let Some(session) = account.session(id) {
        return Ok((session.into(), credentials));
    }
    match account.key(id) {
        None => Ok((Principal::Root, credentials)),
        Some(key) if key.status == Status::Active => Ok((
            Principal::User {
                name: key.user.clone(),
            },
            credentials,
        )),
        Some(_) => Err(Failure::invalid_token()),
    }
}

fn check_scope(scope: &Scope, service: &str) -> Result<(), Failure> {
    if scope.service != service {
        return Err(Failure::signature(format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    if scope.region.is_empty() {
        return Err(Failure::signature(
            "Credential should be scoped to a valid region. ",
        ));
    }
    Ok(())
}

/// The date of the signature, if it is close enough to the server's clock.
fn check_date<'a>(
    request: &'a Request,
    scope: &Scope,
    now: OffsetDateTime,
) -> Result<&'a str, Failure> {
    let date = request.header("x-amz-date").unwrap_or_default();
    let signed = clock::parse_basic(date).ok_or_else(|| {
        Failure::incomplete_signature(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    if now - signed > ALLOWED_SKEW {
        return Err(Failure::signature_expired(signed, now));
    }
    if signed - now > ALLOWED_SKEW {
        return Err(Failure::signature_not_yet_current(signed, now));
    }
    if !date.starts_with(&scope.day) {
        let day = &date[..8];
        return Err(Failure::signature(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', \
             from '{date}'.",
            scope.day
        )));
    }
    Ok(date)
}

/// Checks that the host and all of AWS's own headers are signed.
fn check_signed_headers(request: &Request, signed: &[&str]) -> Result<(), Failure> {
    let must = |name: &str| name == "host" || name.starts_with("x-amz-");
    let unsigned = request
        .headers
        .iter()
        .map(|(name, _)| name)
        .find(|name| must(name) && !signed.contains(&name.as_str()));
    match unsigned {
        None => Ok(()),
        Some(name) => Err(Failure::signature(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization header."
        ))),
    }
}
