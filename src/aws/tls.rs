//! Each kind of TLS failure in one plain sentence, whichever host it was: IAM, STS, SSO or a proxy.

use std::error::Error;

use rustls::{AlertDescription, CertificateError};

use super::error::{INTERCEPTED, sources};

/// A fragment that says what is wrong, and what to do about it where that is known.
type Words = (&'static str, Option<&'static str>);

const BUNDLE: &str = "name the authority's PEM file with --ca-bundle or AWS_CA_BUNDLE";
/// Of an endpoint that somebody named.
pub(super) const WITHOUT_TLS: &str = "an endpoint without TLS has an http:// URL";
const CLOCK: &str = "check this machine's clock";

/// What went wrong with TLS; `None` where something else did.
pub(super) fn explain(error: &(dyn Error + 'static)) -> Option<Words> {
    let tls = sources(error).find_map(|source| source.downcast_ref::<rustls::Error>());
    tls.map(words)
}

fn words(error: &rustls::Error) -> Words {
    use rustls::Error::{
        AlertReceived, DecryptError, FailedToGetCurrentTime, FailedToGetRandomBytes,
        InappropriateHandshakeMessage, InappropriateMessage, InvalidCertificate, InvalidMessage,
        NoApplicationProtocol, NoCertificatesPresented, PeerIncompatible, PeerMisbehaved,
        PeerSentOversizedRecord, UnsupportedNameType,
    };
    match error {
        InvalidCertificate(error) => certificate(error),
        InvalidMessage(_) => ("it does not speak TLS", Some(WITHOUT_TLS)),
        NoCertificatesPresented => ("it sent no TLS certificate", None),
        PeerIncompatible(_) | NoApplicationProtocol => (NOTHING_SHARED, None),
        AlertReceived(alert) => (alert_words(*alert), None),
        InappropriateMessage { .. }
        | InappropriateHandshakeMessage { .. }
        | PeerMisbehaved(_)
        | PeerSentOversizedRecord
        | DecryptError => ("it breaks the rules of TLS", Some(INTERCEPTED)),
        UnsupportedNameType => ("its host name cannot be used with TLS", None),
        FailedToGetCurrentTime => (
            "this machine's clock cannot be read, and TLS needs it",
            None,
        ),
        FailedToGetRandomBytes => (
            "this machine gives no random numbers, and TLS needs them",
            None,
        ),
        _ => ("TLS failed", None),
    }
}

const NOTHING_SHARED: &str = "it and this program share no version of TLS or cipher";

fn alert_words(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => NOTHING_SHARED,
        AlertDescription::UnrecognisedName => "it does not serve this host name",
        AlertDescription::CertificateRequired => "it asks for a client certificate",
        AlertDescription::AccessDenied => "it refused the TLS connection",
        AlertDescription::InternalError => "it had an internal error during the TLS handshake",
        _ => "it ended the TLS handshake",
    }
}

fn certificate(error: &CertificateError) -> Words {
    use CertificateError::{
        ApplicationVerificationFailure, BadEncoding, BadSignature, Expired, ExpiredContext,
        ExpiredRevocationList, ExpiredRevocationListContext, InvalidOcspResponse, InvalidPurpose,
        InvalidPurposeContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, Other, Revoked, UnhandledCriticalExtension, UnknownIssuer,
        UnknownRevocationStatus, UnsupportedSignatureAlgorithmContext,
        UnsupportedSignatureAlgorithmForPublicKeyContext,
    };
    match error {
        Expired | ExpiredContext { .. } => ("its TLS certificate has expired", Some(CLOCK)),
        NotValidYet | NotValidYetContext { .. } => {
            ("its TLS certificate is not valid yet", Some(CLOCK))
        }
        NotValidForName | NotValidForNameContext { .. } => {
            ("its TLS certificate is for another host", Some(INTERCEPTED))
        }
        UnknownIssuer => (
            "its TLS certificate is from an authority that is not trusted here",
            Some(BUNDLE),
        ),
        Revoked => ("its TLS certificate was revoked", None),
        UnknownRevocationStatus
        | ExpiredRevocationList
        | ExpiredRevocationListContext { .. }
        | InvalidOcspResponse => (
            "it cannot be established whether its TLS certificate was revoked",
            None,
        ),
        BadEncoding => ("its TLS certificate is malformed", None),
        BadSignature => (
            "its TLS certificate was not signed by the authority that it names",
            Some(INTERCEPTED),
        ),
        UnsupportedSignatureAlgorithmContext { .. }
        | UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "its TLS certificate is signed with an algorithm that is not supported",
            None,
        ),
        UnhandledCriticalExtension => (
            "its TLS certificate has a critical extension that is not supported",
            None,
        ),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            ("its TLS certificate is not for a server", None)
        }
        ApplicationVerificationFailure => ("its TLS certificate was rejected", None),
        // The error of the certificate library, whose type is not public here: its name is what there is.
        Other(error) => match format!("{error:?}") {
            name if name.contains("CaUsedAsEndEntity") => (
                "its TLS certificate is that of a certificate authority, not of a server",
                Some("give the server a certificate with basicConstraints CA:FALSE"),
            ),
            name if name.contains("EndEntityUsedAsCa") => (
                "its TLS certificate was issued by a certificate that is not an authority's",
                None,
            ),
            name if name.contains("NameConstraint") => (
                "its TLS certificate is from an authority that may not issue it for this host",
                None,
            ),
            name if name.contains("PathLen") || name.contains("Maximum") => {
                ("its chain of TLS certificates is too long", None)
            }
            name if name.contains("UnsupportedCertVersion") => (
                "its TLS certificate has a version that is not supported",
                None,
            ),
            _ => ("its TLS certificate is not valid", None),
        },
        _ => ("its TLS certificate is not valid", None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{Error as Tls, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    fn other(what: &str) -> CertificateError {
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
            (CertificateError::Expired, "has expired"),
            (
                CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                },
                "has expired",
            ),
            (CertificateError::NotValidYet, "is not valid yet"),
            (
                CertificateError::NotValidYetContext {
                    time,
                    not_before: time,
                },
                "is not valid yet",
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
                "was not signed by the authority that it names",
            ),
            (CertificateError::NotValidForName, "is for another host"),
            (
                CertificateError::NotValidForNameContext {
                    expected,
                    presented,
                },
                "is for another host",
            ),
            (CertificateError::InvalidPurpose, "is not for a server"),
            (
                CertificateError::ApplicationVerificationFailure,
                "was rejected",
            ),
            (
                other("CaUsedAsEndEntity"),
                "is that of a certificate authority, not of a server",
            ),
            (
                other("EndEntityUsedAsCa"),
                "was issued by a certificate that is not an authority's",
            ),
            (
                other("NameConstraintViolation"),
                "is from an authority that may not issue it for this host",
            ),
            (
                other("UnsupportedCertVersion"),
                "has a version that is not supported",
            ),
            (other("anything"), "is not valid"),
        ];
        for (error, says) in certificates {
            let (what, _) = words(&Tls::InvalidCertificate(error));
            assert_eq!(what, format!("its TLS certificate {says}"));
        }
    }

    #[test]
    fn what_is_not_about_one_certificate_is_one_plain_sentence_too() {
        for (error, says) in [
            (
                Tls::InvalidCertificate(CertificateError::UnknownRevocationStatus),
                "it cannot be established whether its TLS certificate was revoked",
            ),
            (
                Tls::InvalidCertificate(other("PathLenConstraintViolated")),
                "its chain of TLS certificates is too long",
            ),
            (Tls::NoCertificatesPresented, "it sent no TLS certificate"),
            (
                Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                NOTHING_SHARED,
            ),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::InvalidCertCompression),
                "it breaks the rules of TLS",
            ),
            (Tls::DecryptError, "it breaks the rules of TLS"),
            (
                Tls::AlertReceived(AlertDescription::ProtocolVersion),
                NOTHING_SHARED,
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
                "this machine's clock cannot be read, and TLS needs it",
            ),
        ] {
            let wrapped = std::io::Error::other(error);
            assert_eq!(explain(&wrapped).map(|words| words.0), Some(says));
        }
        assert_eq!(explain(&std::io::Error::other("x")), None);
    }
}
