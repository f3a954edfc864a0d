//! Reads the session of `aws login`, and renews its credentials like the AWS CLI.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_smithy_types::base64;
use ring::digest::SHA256;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::credential_parts::{CredentialParts, LOGIN_FIELDS};
use super::environment;
use super::session::{self, LastRequest, read, save, text, time_in};
use super::setting::Setting;
use super::settings::{Settings, checked_region};
use super::time_budget::TimeBudget;
use crate::command_line::CommandLine;
use crate::error::RunError;

/// How long before their expiration the credentials are renewed.
const RENEWAL_WINDOW: Duration = Duration::from_mins(5);

/// Returns the session's credentials, renewed if they expire soon.
///
/// # Errors
///
/// There is no session, or it cannot be renewed.
pub(super) async fn fetch(
    session: &str,
    sign_in: &CommandLine,
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<Credentials, RunError> {
    let home = environment::home_of_sessions();
    let folder = environment::expanded("AWS_LOGIN_CACHE_DIRECTORY", home.as_deref())?;
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.or_else(|| Some(home?.join(".aws/login/cache")));
    let folder = folder.ok_or_else(|| session::no_home("no session of `aws login`"))?;
    let path = session::path(&folder, session, &SHA256);
    let none = |reason: String| {
        let stop = RunError::credentials(format!("no session of `aws login`: {reason}"));
        session::sign_in(stop, &path, sign_in.clone())
    };
    let mut cached = read(&path).map_err(none)?;
    let parts = |cached: &Value| {
        let part =
            |name: &str| text(cached, name).ok_or_else(|| none(format!("its file has no {name}")));
        Ok([part("refreshToken")?, part("dpopKey")?, part("clientId")?])
    };
    let key = |cached: &Value| {
        let key = &cached["accessToken"];
        CredentialParts::from_json(key, LOGIN_FIELDS, "the session of `aws login`")
            .and_then(|key| match &key.token {
                Some(_) => Ok(key),
                None => Err(format!("no {}", LOGIN_FIELDS[2])),
            })
            .map_err(|reason| none(format!("its file has {reason}")))
    };
    let expires_soon = |key: &CredentialParts| {
        let end = key.expiry;
        end.is_none_or(|end| end <= SystemTime::now() + RENEWAL_WINDOW)
    };
    parts(&cached)?;
    if expires_soon(&key(&cached)?) {
        let _locked = session::lock_for_renewal(&path, budget, settings.log).await;
        // Another run may have renewed it.
        cached = read(&path).map_err(none)?;
        if expires_soon(&key(&cached)?) {
            let parts = parts(&cached)?;
            renew(&mut cached, parts, sign_in, settings, budget).await?;
            let credentials = key(&cached)?.credentials()?;
            save(&path, &cached, settings.log);
            return Ok(credentials);
        }
    }
    key(&cached)?.fetched(Some(sign_in.clone().into()))
}

async fn renew(
    cached: &mut Value,
    [token, pem, client]: [String; 3],
    sign_in: &CommandLine,
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<(), RunError> {
    let fail = |reason: &str| RunError::credentials(reason).hint(sign_in.clone());
    let region = match (text(cached, "signInRegion"), &settings.region) {
        (Some(own), _) => checked_region(&Setting::new("signInRegion", &own))
            .map_err(|wrong| fail(&format!("no session of `aws login`: in its file, {wrong}")))?,
        (None, Some(configured)) => configured.clone(),
        (None, None) => {
            return Err(RunError::configuration(
                "the session of `aws login` has to be renewed, and no region is configured",
            )
            .hint("set AWS_REGION, or name a region with --region"));
        }
    };
    let pair = key_pair(&pem)
        .ok_or_else(|| fail("the key of the session of `aws login` is not usable"))?;
    let sdk = settings.sdk_of("signin", region)?;
    let input = aws_sdk_signin::types::CreateOAuth2TokenRequestBody::builder()
        .client_id(client)
        .grant_type("refresh_token")
        .refresh_token(token)
        .build()
        .map_err(|error| RunError::credentials(error.to_string()))?;
    let sent = LastRequest::new("the sign-in service", budget);
    let call = aws_sdk_signin::Client::new(&sdk)
        .create_o_auth2_token()
        .token_input(input)
        .customize()
        .mutate_request(move |request| {
            if let Some(proof) = proof(&pair, request.uri()) {
                request.headers_mut().insert("dpop", proof);
            }
        })
        .interceptor(sent.clone());
    settings
        .log
        .verbose(|| "renewing the session of `aws login`".to_owned());
    let output = call.send().await;
    let output = output.map_err(|error| {
        sent.error(&error, |code| {
            if code.ends_with("INSUFFICIENT_PERMISSIONS") {
                "the user or role of the session may lack the permission signin:CreateOAuth2Token"
                    .into()
            } else {
                sign_in.clone().into()
            }
        })
    })?;
    let output = output.token_output();
    let output = output.and_then(|output| Some((output, output.access_token()?)));
    // The SDK reads a missing part as an empty one.
    let output = output.filter(|(output, key)| {
        let (secret, token) = (key.secret_access_key(), key.session_token());
        let parts = [key.access_key_id(), secret, token, output.refresh_token()];
        parts.iter().all(|part| !part.trim().is_empty())
    });
    let missing = || fail("the sign-in service returned no credentials");
    let (output, key) = output.ok_or_else(missing)?;
    let account = cached["accessToken"]["accountId"].clone();
    cached["accessToken"] = json!({
        "accessKeyId": key.access_key_id(),
        "secretAccessKey": key.secret_access_key(),
        "sessionToken": key.session_token(),
        "accountId": account,
        "expiresAt": time_in(output.expires_in()),
    });
    cached["refreshToken"] = json!(output.refresh_token());
    Ok(())
}

/// Parses the session's key, which the AWS CLI stores as an `ECPrivateKey` (RFC 5915) in PEM form, including the
/// public key.
fn key_pair(pem: &str) -> Option<EcdsaKeyPair> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    let der = base64::decode(lines.map(str::trim).collect::<String>()).ok()?;
    let after = |start: &[u8], length| {
        let mut windows = der.windows(start.len());
        let at = windows.position(|window| window == start)? + start.len();
        der.get(at..at + length)
    };
    // An OCTET STRING of 32 bytes, and a BIT STRING of 65 bytes.
    let private = after(&[0x04, 0x20], 32)?;
    let public = after(&[0x03, 0x42, 0x00], 65)?;
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        private,
        public,
        &SystemRandom::new(),
    )
    .ok()
}

/// Creates a proof of possession of the session's key (RFC 9449).
fn proof(key: &EcdsaKeyPair, uri: &str) -> Option<String> {
    let random = SystemRandom::new();
    let mut id = [0; 16];
    random.fill(&mut id).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    // An uncompressed point.
    let (x, y) = key.public_key().as_ref().get(1..)?.split_at(32);
    let header = json!({
        "typ": "dpop+jwt",
        "alg": "ES256",
        "jwk": { "kty": "EC", "x": base64_url(x), "y": base64_url(y), "crv": "P-256" },
    });
    let payload =
        json!({ "jti": hex::encode(id), "htm": "POST", "htu": uri, "iat": now.as_secs() });
    let parts = [header, payload].map(|part| base64_url(part.to_string().as_bytes()));
    let message = parts.join(".");
    let signature = key.sign(&random, message.as_bytes()).ok()?;
    Some(format!("{message}.{}", base64_url(signature.as_ref())))
}

/// Encodes bytes in Base64 for URLs (RFC 4648, section 5), without padding.
pub(super) fn base64_url(bytes: &[u8]) -> String {
    base64::encode(bytes)
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    /// A test key.
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
        MHcCAQEEILl6mEbBhGvWP3pkkHYoKg1SF8rLjGjUcCuoQdID9Tj8oAoGCCqGSM49\n\
        AwEHoUQDQgAEd5Qu7qBU4J4uIRxH8LnzBo5jNNNHvZS0qAeagSNJKZatUugK06/q\n\
        yK5nh0asfYBdjWOrid1l8818dBw0ClqPBQ==\n\
        -----END EC PRIVATE KEY-----\n";

    fn decoded(part: &str) -> Vec<u8> {
        let padding = "=".repeat((4 - part.len() % 4) % 4);
        let text = part.replace('-', "+").replace('_', "/") + &padding;
        base64::decode(text).expect("base64")
    }

    #[test]
    fn a_proof_is_signed_with_the_key_that_it_names() {
        let uri = "https://us-east-1.signin.aws.amazon.com/v1/token";
        let pair = key_pair(KEY).expect("a key");
        let proof = proof(&pair, uri).expect("a proof");
        let parts: Vec<&str> = proof.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            panic!("three parts: {proof}");
        };
        let [header_json, payload_json] = [header, payload]
            .map(|part| serde_json::from_slice::<Value>(&decoded(part)).expect("JSON"));
        assert_eq!(
            (&header_json["typ"], &header_json["alg"]),
            (&json!("dpop+jwt"), &json!("ES256"))
        );
        assert_eq!(
            (&payload_json["htm"], &payload_json["htu"]),
            (&json!("POST"), &json!(uri))
        );
        let point = |name: &str| decoded(header_json["jwk"][name].as_str().expect("a coordinate"));
        let key = [vec![4], point("x"), point("y")].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        let message = format!("{header}.{payload}");
        assert!(key.verify(message.as_bytes(), &decoded(signature)).is_ok());
        for wrong in [
            "",
            "x",
            "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n",
            &KEY.replace("d5Qu", "d5Qv"),
        ] {
            assert!(key_pair(wrong).is_none(), "{wrong}");
        }
    }
}
