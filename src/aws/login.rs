//! The session of `aws login`: credentials that the AWS CLI keeps, renewed as it renews them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_smithy_types::base64;
use aws_types::region::Region;
use ring::digest::{self, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use super::endpoint::SIGNIN;
use super::environment;
use super::key::{Key, Names};
use super::session::{Seen, hex, read, save, text, written};
use super::setting::Setting;
use super::settings::Settings;
use crate::command_line::CommandLine;
use crate::log::Log;
use crate::stop::Stop;

/// How long before its end a session of `aws login` is renewed.
const LOGIN_WINDOW: Duration = Duration::from_mins(5);

/// The session of `aws login` that a profile names.
#[derive(Debug)]
pub(super) struct Login {
    session: String,
    profile: String,
}

impl Login {
    /// The session of this name, for `profile`.
    pub(super) fn new(session: &Setting, profile: &str) -> Self {
        Self {
            session: session.value.clone(),
            profile: profile.to_owned(),
        }
    }

    /// The command that signs in again.
    pub(super) fn login_command(&self) -> String {
        CommandLine::new("aws login")
            .option("--profile", &self.profile)
            .to_string()
    }

    /// The session's credentials, renewed if they are about to expire.
    ///
    /// # Errors
    ///
    /// There is no session, or it cannot be renewed.
    pub(super) async fn ask(
        &self,
        settings: &Settings,
        region: &Region,
        log: Log,
    ) -> Result<Credentials, Stop> {
        let folder = environment::place("AWS_LOGIN_CACHE_DIRECTORY", ".aws/login/cache")?;
        let name = hex(digest::digest(&SHA256, self.session.as_bytes()).as_ref());
        let path = folder.unwrap_or_default().join(format!("{name}.json"));
        let none = |what: String| {
            Stop::credentials(format!("no session of `aws login`: {what}"))
                .hint(self.login_command())
        };
        let mut cached = read(&path).map_err(none)?;
        for name in ["refreshToken", "dpopKey", "clientId"] {
            if text(&cached, name).is_none() {
                return Err(none(format!("its file has no {name}")));
            }
        }
        let key = |cached: &Value| {
            Key::from_json(
                &cached["accessToken"],
                Names::LOGIN,
                "the session of `aws login`",
            )
            .map_err(|what| none(format!("its file {what}")))
        };
        let expiry = key(&cached)?.expiry;
        if expiry.is_none_or(|expiry| expiry <= SystemTime::now() + LOGIN_WINDOW) {
            let renewed = self.renew(&mut cached, settings, region, log).await;
            renewed?;
            save(&path, &cached, log);
        }
        key(&cached)?.credentials("Login")
    }

    async fn renew(
        &self,
        cached: &mut Value,
        settings: &Settings,
        region: &Region,
        log: Log,
    ) -> Result<(), Stop> {
        let part = |name: &str| text(cached, name).unwrap_or_default().to_owned();
        let region = match (part("signInRegion"), &settings.region) {
            (own, _) if !own.is_empty() => Region::new(own),
            (_, Some(_)) => region.clone(),
            (_, None) => {
                return Err(Stop::configuration(
                    "the session of `aws login` has to be renewed, and no region is configured",
                )
                .hint("set AWS_REGION, or name a region with --region"));
            }
        };
        let proof = Proof::of(&part("dpopKey")).ok_or_else(|| {
            Stop::credentials("the key of the session of `aws login` is not usable")
                .hint(self.login_command())
        })?;
        let url = settings.address(SIGNIN, None, log)?;
        let sdk = settings.sdk(region, url.as_deref());
        let mut config = aws_sdk_signin::config::Builder::from(&sdk);
        config.set_endpoint_url(url);
        let input = aws_sdk_signin::types::CreateOAuth2TokenRequestBody::builder()
            .client_id(part("clientId"))
            .grant_type("refresh_token")
            .refresh_token(part("refreshToken"))
            .build()
            .map_err(|error| Stop::credentials(error.to_string()))?;
        let seen = Seen::default();
        let watch = seen.watch();
        let call = aws_sdk_signin::Client::from_conf(config.build())
            .create_o_auth2_token()
            .token_input(input)
            .customize()
            .mutate_request(move |request| {
                if let Some(proof) = proof.of_request(request.uri()) {
                    request.headers_mut().insert("dpop", proof);
                }
                watch(request);
            });
        log.verbose(|| "renewing the session of `aws login`".to_owned());
        let output = call.send().await;
        let output = output
            .map_err(|error| seen.refused("the sign-in service", &error, self.login_command()))?;
        let unusable = || {
            Stop::credentials("the sign-in service gave no credentials").hint(self.login_command())
        };
        let output = output.token_output().ok_or_else(unusable)?;
        let key = output.access_token().ok_or_else(unusable)?;
        let lifetime = Duration::from_secs(output.expires_in().try_into().unwrap_or_default());
        let account = cached["accessToken"]["accountId"].clone();
        cached["accessToken"] = json!({
            "accessKeyId": key.access_key_id(),
            "secretAccessKey": key.secret_access_key(),
            "sessionToken": key.session_token(),
            "accountId": account,
            "expiresAt": written(SystemTime::now() + lifetime),
        });
        cached["refreshToken"] = json!(output.refresh_token());
        Ok(())
    }
}

/// Proves that a request comes from whom the session was given to (RFC 9449).
struct Proof {
    pair: EcdsaKeyPair,
    /// The public key, an uncompressed point of P-256.
    public: Vec<u8>,
}

impl Proof {
    /// The key as the AWS CLI keeps it: an `ECPrivateKey` of RFC 5915 in PEM form, with the public key in it.
    fn of(pem: &str) -> Option<Self> {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let der = base64::decode(lines.map(str::trim).collect::<String>()).ok()?;
        let find = |start: &[u8]| {
            der.windows(start.len())
                .position(|window| window == start)
                .map(|at| at + start.len())
        };
        // An OCTET STRING of 32 bytes, and a BIT STRING of 65.
        let private = find(&[0x04, 0x20])?;
        let public = find(&[0x03, 0x42, 0x00])?;
        let private = der.get(private..private + 32)?;
        let public = der.get(public..public + 65)?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random);
        Some(Self {
            pair: pair.ok()?,
            public: public.to_owned(),
        })
    }

    fn of_request(&self, uri: &str) -> Option<String> {
        let random = SystemRandom::new();
        let mut id = [0; 16];
        random.fill(&mut id).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let (x, y) = self.public.get(1..)?.split_at(32);
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": { "kty": "EC", "x": base64_url(x), "y": base64_url(y), "crv": "P-256" },
        });
        let payload = json!({ "jti": hex(&id), "htm": "POST", "htu": uri, "iat": now.as_secs() });
        let parts = [header, payload].map(|part| base64_url(part.to_string().as_bytes()));
        let message = parts.join(".");
        let signature = self.pair.sign(&random, message.as_bytes()).ok()?;
        Some(format!("{message}.{}", base64_url(signature.as_ref())))
    }
}

fn base64_url(bytes: &[u8]) -> String {
    base64::encode(bytes)
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    /// Of nobody.
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
        let proof = Proof::of(KEY)
            .expect("a key")
            .of_request(uri)
            .expect("a proof");
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
            assert!(Proof::of(wrong).is_none(), "{wrong}");
        }
    }
}
