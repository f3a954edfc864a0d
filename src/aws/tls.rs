//! Configures TLS, and describes each kind of TLS error in one sentence, for IAM, STS, SSO and proxies.

use std::error::Error;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{
    AlertDescription, CertificateError as Certificate, ClientConfig, Error as Tls,
    InvalidMessage as Record, RootCertStore,
};

use super::error::{INTERCEPTED, sources};
use crate::error::Hint;

pub(super) const BUNDLE: &str = "name the authority's PEM file with --ca-bundle or AWS_CA_BUNDLE";
/// For endpoints that the user configured.
pub(super) const WITHOUT_TLS: &str = "an endpoint without TLS has an http:// URL";
pub(super) const WITHOUT_CERTIFICATE: &str =
    "this program has no client certificate: use an endpoint that requires none";
pub(super) const CLOCK: &str = "check this machine's clock";
pub(super) const NOT_FOR_A_SERVER: &str =
    "give the server a certificate with basicConstraints CA:FALSE";
/// The same for a host of AWS, whose own certificate is valid.
const NOT_OF_AWS: &str = "a proxy, or something else in the network, intercepts TLS, and no CA bundle makes this \
     certificate valid: ask its administrator to exempt this host, or to give it a certificate with basicConstraints CA:FALSE";
/// For endpoints that the user configured.
pub(super) const NAMES_NO_HOST: &str = "give the server a certificate with a subjectAltName that names the host: the common name does not count";
/// For endpoints that the user configured.
pub(super) const UNVERIFIED: &str = "if an RSA key has the wrong size, the server needs another certificate; if not, a proxy or captive portal may be \
     intercepting the connection";
const NOTHING_SHARED: &str = "it supports no TLS version or cipher suite of this program";

/// Returns the configuration for servers whose certificates come from these authorities.
pub(super) fn config(roots: RootCertStore) -> ClientConfig {
    // aws-lc takes 40 ms at each start to collect entropy.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports all protocol versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Describes a TLS error as a fragment, with a hint if there is one. `None`: it is not a TLS error.
pub(super) fn explain(error: &(dyn Error + 'static)) -> Option<(String, Option<&'static str>)> {
    let (what, hint) = match sources(error).find_map(|source| source.downcast_ref())? {
        Tls::InvalidCertificate(error) => {
            let (what, hint) = certificate(error);
            return Some((format!("its TLS certificate {what}"), hint));
        }
        Tls::InvalidMessage(
            Record::InvalidContentType
            | Record::InvalidEmptyPayload
            | Record::MessageTooLarge
            | Record::UnknownProtocolVersion,
        ) => ("it does not speak TLS", Some(WITHOUT_TLS)),
        Tls::InvalidMessage(_)
        | Tls::InappropriateMessage { .. }
        | Tls::InappropriateHandshakeMessage { .. }
        | Tls::PeerMisbehaved(_)
        | Tls::PeerSentOversizedRecord
        | Tls::DecryptError => ("it violates the TLS protocol", Some(INTERCEPTED)),
        Tls::NoCertificatesPresented => ("it sent no TLS certificate", None),
        Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol => (NOTHING_SHARED, None),
        Tls::AlertReceived(alert) => (
            alert_words(*alert),
            (*alert == AlertDescription::CertificateRequired).then_some(WITHOUT_CERTIFICATE),
        ),
        Tls::FailedToGetCurrentTime => {
            ("TLS needs this machine's clock, which cannot be read", None)
        }
        _ => ("TLS failed", None),
    };
    Some((what.to_owned(), hint))
}

/// Returns the hint for a host of AWS, which always uses TLS, with a valid certificate for a server.
pub(super) fn hint_of_aws(hint: &Hint) -> Option<&'static str> {
    let instead = [
        (WITHOUT_TLS, INTERCEPTED),
        (NAMES_NO_HOST, INTERCEPTED),
        (UNVERIFIED, INTERCEPTED),
        (NOT_FOR_A_SERVER, NOT_OF_AWS),
    ];
    let instead = instead.iter().find(|(own, _)| *hint == Hint::from(*own));
    instead.map(|(_, of_aws)| *of_aws)
}

/// Whether the other side does not speak TLS.
pub(super) fn is_not_tls(error: &(dyn Error + 'static)) -> bool {
    explain(error).is_some_and(|(_, hint)| hint == Some(WITHOUT_TLS))
}

/// Whether the server requires a client certificate. With TLS 1.3, it may say so only after the request is sent.
pub(super) fn requires_certificate(error: &(dyn Error + 'static)) -> bool {
    explain(error).is_some_and(|(_, hint)| hint == Some(WITHOUT_CERTIFICATE))
}

fn alert_words(alert: AlertDescription) -> &'static str {
    match alert {
        // This alert can mean each of them, the last one in TLS 1.2.
        AlertDescription::HandshakeFailure => {
            "it supports none of this program's cipher suites, the key of its certificate is of a kind that this program does not \
             support, or it requires a client certificate"
        }
        AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => NOTHING_SHARED,
        AlertDescription::UnrecognisedName => "it does not serve this host name",
        AlertDescription::CertificateRequired => "it asks for a client certificate",
        AlertDescription::AccessDenied => "it refused the TLS connection",
        AlertDescription::InternalError => "it had an internal error during the TLS handshake",
        _ => "it ended the TLS handshake",
    }
}

/// Describes a certificate error.
fn certificate(error: &Certificate) -> (&'static str, Option<&'static str>) {
    match error {
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            ("or that of its authority has expired", Some(CLOCK))
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            ("or that of its authority is not valid yet", Some(CLOCK))
        }
        Certificate::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            ("has no subjectAltName", Some(NAMES_NO_HOST))
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            ("is for another host", Some(INTERCEPTED))
        }
        // The signature is that of an authority, or that of the server on the handshake.
        Certificate::BadSignature => (
            "cannot be verified: a signature is wrong, or an RSA key has fewer than 2048 bits or more than 8192",
            Some(UNVERIFIED),
        ),
        Certificate::UnknownIssuer => (
            "is from an authority that is not trusted here",
            Some(BUNDLE),
        ),
        Certificate::Revoked => ("was revoked", None),
        Certificate::UnknownRevocationStatus
        | Certificate::ExpiredRevocationList
        | Certificate::ExpiredRevocationListContext { .. }
        | Certificate::InvalidOcspResponse => ("cannot be checked for revocation", None),
        Certificate::BadEncoding => ("is malformed", None),
        Certificate::UnsupportedSignatureAlgorithmContext { .. }
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            ("is signed with an algorithm that is not supported", None)
        }
        Certificate::UnhandledCriticalExtension => {
            ("has a critical extension that is not supported", None)
        }
        Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => {
            ("is not for a server", None)
        }
        Certificate::ApplicationVerificationFailure => ("was rejected", None),
        Certificate::Other(error) => other(&format!("{error:?}")),
        _ => ("is not valid", None),
    }
}

/// Describes an error of the certificate library. Its type is not public, so its debug output is searched.
fn other(error: &str) -> (&'static str, Option<&'static str>) {
    let says = |name| error.contains(name);
    let what = if says("CaUsedAsEndEntity") {
        let what = "is that of a certificate authority, not of a server";
        return (what, Some(NOT_FOR_A_SERVER));
    } else if says("EndEntityUsedAsCa") {
        "was issued by a certificate that is not an authority's"
    } else if says("NameConstraint") {
        "is from an authority that may not issue it for this host"
    } else if says("PathLen") || says("Maximum") {
        "is at the end of a chain that is too long"
    } else if says("UnsupportedCertVersion") {
        "has a version that is not supported"
    } else {
        "is not valid"
    };
    (what, None)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{CertificateError, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    fn unknown(what: &str) -> CertificateError {
        let error = std::io::Error::other(what.to_owned());
        CertificateError::Other(OtherError(Arc::new(error)))
    }

    #[test]
    fn each_kind_of_failure_is_one_plain_sentence() {
        let time = UnixTime::now();
        let expected = ServerName::try_from("iam.amazonaws.com").expect("a name");
        let presented = vec!["DnsName(\"x\")".to_owned(); 100];
        let certificates = [
            (CertificateError::BadEncoding, "is malformed"),
            (
                CertificateError::Expired,
                "or that of its authority has expired",
            ),
            (
                CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                },
                "or that of its authority has expired",
            ),
            (
                CertificateError::NotValidYet,
                "or that of its authority is not valid yet",
            ),
            (
                CertificateError::NotValidYetContext {
                    time,
                    not_before: time,
                },
                "or that of its authority is not valid yet",
            ),
            (CertificateError::Revoked, "was revoked"),
            (
                CertificateError::UnhandledCriticalExtension,
                "has a critical extension that is not supported",
            ),
            (
                CertificateError::UnknownIssuer,
                "is from an authority that is not trusted here",
            ),
            (
                CertificateError::BadSignature,
                "cannot be verified: a signature is wrong, or an RSA key has fewer than 2048 bits or more than 8192",
            ),
            (CertificateError::NotValidForName, "is for another host"),
            (
                CertificateError::NotValidForNameContext {
                    expected: expected.clone(),
                    presented,
                },
                "is for another host",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected,
                    presented: Vec::new(),
                },
                "has no subjectAltName",
            ),
            (CertificateError::InvalidPurpose, "is not for a server"),
            (
                CertificateError::ApplicationVerificationFailure,
                "was rejected",
            ),
            (
                unknown("CaUsedAsEndEntity"),
                "is that of a certificate authority, not of a server",
            ),
            (
                unknown("EndEntityUsedAsCa"),
                "was issued by a certificate that is not an authority's",
            ),
            (
                unknown("NameConstraintViolation"),
                "is from an authority that may not issue it for this host",
            ),
            (
                unknown("UnsupportedCertVersion"),
                "has a version that is not supported",
            ),
            (unknown("anything"), "is not valid"),
        ];
        for (error, says) in certificates {
            let explained = explain(&Tls::InvalidCertificate(error));
            let what = explained.map(|(what, _)| what);
            assert_eq!(what, Some(format!("its TLS certificate {says}")));
        }
    }

    #[test]
    fn what_is_not_about_one_certificate_is_one_plain_sentence_too() {
        for (error, says) in [
            (
                Tls::InvalidCertificate(CertificateError::UnknownRevocationStatus),
                "its TLS certificate cannot be checked for revocation",
            ),
            (
                Tls::InvalidCertificate(unknown("PathLenConstraintViolated")),
                "its TLS certificate is at the end of a chain that is too long",
            ),
            (Tls::NoCertificatesPresented, "it sent no TLS certificate"),
            (
                Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                NOTHING_SHARED,
            ),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::InvalidCertCompression),
                "it violates the TLS protocol",
            ),
            (Tls::DecryptError, "it violates the TLS protocol"),
            (
                Tls::InvalidMessage(Record::MissingData("ServerHello")),
                "it violates the TLS protocol",
            ),
            (
                Tls::InvalidMessage(Record::InvalidContentType),
                "it does not speak TLS",
            ),
            (
                Tls::AlertReceived(AlertDescription::ProtocolVersion),
                NOTHING_SHARED,
            ),
            (
                Tls::AlertReceived(AlertDescription::HandshakeFailure),
                "it supports none of this program's cipher suites, the key of its certificate is of a kind that this program does \
                 not support, or it requires a client certificate",
            ),
            (
                Tls::AlertReceived(AlertDescription::UnrecognisedName),
                "it does not serve this host name",
            ),
            (
                Tls::AlertReceived(AlertDescription::CertificateRequired),
                "it asks for a client certificate",
            ),
            (
                Tls::AlertReceived(AlertDescription::Unknown(200)),
                "it ended the TLS handshake",
            ),
            (Tls::General("x".to_owned()), "TLS failed"),
            (
                Tls::FailedToGetCurrentTime,
                "TLS needs this machine's clock, which cannot be read",
            ),
        ] {
            let wrapped = std::io::Error::other(error);
            assert_eq!(
                explain(&wrapped).map(|words| words.0).as_deref(),
                Some(says)
            );
        }
        assert_eq!(explain(&std::io::Error::other("x")), None);
    }
}
