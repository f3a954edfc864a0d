//! The sandbox's certificate authority, and the certificate that its server presents.

use crate::key::days_ago;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, Error, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

/// The host names in the certificate. A proxy can redirect requests for AWS here.
const NAMES: [&str; 7] = [
    "127.0.0.1",
    "localhost",
    "*.amazonaws.com",
    "*.us-east-1.amazonaws.com",
    "*.cn-north-1.amazonaws.com.cn",
    "*.us-gov.amazonaws.com",
    "*.global.api.aws",
];

/// What is wrong with the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// Nothing: the sandbox's authority signed it for `127.0.0.1`, `localhost` and AWS's endpoints.
    #[default]
    Valid,
    /// It expired a day ago.
    Expired,
    /// It becomes valid tomorrow.
    NotYetValid,
    /// It is for `wrong.example.com`.
    WrongHost,
    /// It names `127.0.0.1` only as its common name.
    CommonName,
    /// It names the authority as its issuer, but was signed with another key.
    Forged,
    /// It is self-signed.
    SelfSigned,
    /// It is a self-signed authority, which clients should trust.
    SelfSignedAuthority,
    /// Nothing, but the server requires a client certificate from the sandbox's authority.
    Mutual,
}

/// The TLS setup of the server and its clients.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate, which clients should trust.
    pub(crate) ca_pem: String,
}

impl Tls {
    pub(crate) fn new(certificate: Certificate) -> io::Result<Self> {
        Self::generate(certificate).map_err(io::Error::other)?
    }

    fn generate(certificate: Certificate) -> Result<io::Result<Self>, Error> {
        let (ca, ca_der, mut ca_pem) = authority()?;
        let key = KeyPair::generate()?;
        let params = leaf(certificate)?;
        let leaf = match certificate {
            Certificate::SelfSigned | Certificate::SelfSignedAuthority => {
                params.self_signed(&key)?
            }
            Certificate::Forged => params.signed_by(&key, &authority()?.0)?,
            _ => params.signed_by(&key, &ca)?,
        };
        if certificate == Certificate::SelfSignedAuthority {
            ca_pem = leaf.pem();
        }
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let config = if certificate == Certificate::Mutual {
                    let mut roots = RootCertStore::empty();
                    roots.add(ca_der)?;
                    let clients = Arc::new(roots);
                    let clients = WebPkiClientVerifier::builder_with_provider(clients, provider);
                    let clients = clients
                        .build()
                        .map_err(|error| rustls::Error::General(error.to_string()))?;
                    config.with_client_cert_verifier(clients)
                } else {
                    config.with_no_client_auth()
                };
                config.with_single_cert(vec![leaf.der().clone()], private)
            });
        let acceptor = config
            .map(|config| TlsAcceptor::from(Arc::new(config)))
            .map_err(io::Error::other);
        Ok(acceptor.map(|acceptor| Self { acceptor, ca_pem }))
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>, String), Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("IAM sandbox CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(-30, 30);
    let certificate = params.self_signed(&key)?;
    let (der, pem) = (certificate.der().clone(), certificate.pem());
    Ok((Issuer::new(params, key), der, pem))
}

fn leaf(certificate: Certificate) -> Result<CertificateParams, Error> {
    let names = match certificate {
        Certificate::WrongHost => vec!["wrong.example.com".to_owned()],
        Certificate::CommonName => Vec::new(),
        _ => NAMES.map(str::to_owned).to_vec(),
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named(match certificate {
        Certificate::CommonName => NAMES[0],
        _ => "IAM sandbox",
    });
    params.use_authority_key_identifier_extension = true;
    if certificate == Certificate::SelfSignedAuthority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    (params.not_before, params.not_after) = match certificate {
        Certificate::Expired => validity(-20, -1),
        Certificate::NotYetValid => validity(1, 20),
        Certificate::Valid
        | Certificate::WrongHost
        | Certificate::CommonName
        | Certificate::Forged
        | Certificate::SelfSigned
        | Certificate::SelfSignedAuthority
        | Certificate::Mutual => validity(-1, 20),
    };
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// The period between these two days, relative to now.
fn validity(from: i64, to: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::from(days_ago(0));
    (now + Duration::days(from), now + Duration::days(to))
}
