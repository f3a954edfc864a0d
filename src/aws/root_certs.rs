//! Selects the root certificates for TLS, reads them, and marks the errors of those who trust only a bundle.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

use super::config_file::Profile;
use super::connector::BoxError;
use super::environment;
use super::error::sources;
use super::small_file;
use super::tls;
use crate::error::{Hint, RunError};
use crate::sanitize::escape_path;

/// The maximum size of a bundle, in MiB. The system's has about 220 KiB.
const MAX_MIB: usize = 16;

const CERTIFICATE_HEADER: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The files in which Linux systems keep all root certificates.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Returns the system's root certificates. If they are in one file and no directory is configured, that file is read:
/// finding them as TLS libraries do takes twice as long. Invalid certificates are not trusted.
pub(super) fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if cfg!(target_os = "linux") && environment::path("SSL_CERT_DIR").is_none() {
        let mut files = SYSTEM_FILES.iter().filter_map(|path| fs::read(path).ok());
        let pem = files.find(|pem| has_certificate(pem)).unwrap_or_default();
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        roots.add_parsable_certificates(certificates.unwrap_or_default());
    }
    if roots.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    roots
}

fn has_certificate(pem: &[u8]) -> bool {
    pem.windows(CERTIFICATE_HEADER.len())
        .any(|window| window == CERTIFICATE_HEADER)
}

/// Reads all certificates of a CA bundle. Parsing them takes as long as the rest of a deletion.
///
/// # Errors
///
/// The file cannot be read, a certificate is invalid, or there is none.
pub(super) fn bundle(path: &Path, source: &str) -> Result<RootCertStore, RunError> {
    let unusable = |reason: &str| {
        let path = escape_path(path);
        RunError::configuration(format!("could not use the CA bundle `{path}`: {reason}"))
            .hint(format!("{source} must name a PEM file of certificates"))
    };
    let pem = small_file::read(path, MAX_MIB).map_err(|error| unusable(&error.to_string()))?;
    let mut roots = RootCertStore::empty();
    if has_certificate(&pem) {
        for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
            let broken =
                |reason: &str| unusable(&format!("certificate {} is broken: {reason}", index + 1));
            let certificate = certificate.map_err(|error| match error {
                // Its text has the bytes of the missing line.
                pem::Error::MissingSectionEnd { .. } => broken("its last line is missing"),
                error => broken(&error.to_string()),
            })?;
            roots
                .add(certificate)
                .map_err(|error| broken(&error.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(unusable("it contains no certificate in PEM format"));
    }
    Ok(roots)
}

/// Selects the CA bundle whose certificates are trusted, and nothing else: `--ca-bundle`, `AWS_CA_BUNDLE`, the profile's
/// `ca_bundle`, `REQUESTS_CA_BUNDLE` or `SSL_CERT_FILE`, in this order. Returns its path and what names it, for messages. As
/// in the AWS CLI, `~` is the home folder. `None`: the root certificates of the system are trusted.
pub(super) fn choose(option: Option<&Path>, profile: Profile<'_>) -> Option<(PathBuf, String)> {
    let variable = |name: &str| {
        let path = environment::path(name)?;
        Some((path, format!("the environment variable {name}")))
    };
    option
        .map(|path| (path.to_owned(), "--ca-bundle".to_owned()))
        .or_else(|| variable("AWS_CA_BUNDLE"))
        .or_else(|| {
            let setting = profile.get("ca_bundle")?;
            Some((PathBuf::from(setting.value), setting.source))
        })
        .or_else(|| variable("REQUESTS_CA_BUNDLE"))
        .or_else(|| variable("SSL_CERT_FILE"))
        .map(
            |(path, source)| match (path.strip_prefix("~"), environment::home()) {
                (Ok(rest), Some(home)) => (home.join(rest), source),
                _ => (path, source),
            },
        )
}

/// A TLS error of a connection that trusts only a CA bundle.
#[derive(Debug)]
pub(super) struct OnlyBundle {
    /// What names the bundle.
    pub(super) named_by: String,
    pub(super) cause: BoxError,
}

impl OnlyBundle {
    /// Returns a hint for `error`, or what to do instead if a bundle is already named.
    pub(super) fn hint(error: &(dyn Error + 'static), hint: Hint) -> Hint {
        let found = sources(error).find_map(<dyn Error>::downcast_ref::<Self>);
        let Some(found) = found.filter(|_| hint == tls::BUNDLE.into()) else {
            return hint;
        };
        format!(
            "the file that {} names must contain the authority that issued the certificate, and the intermediate certificates if \
             the server does not send them",
            found.named_by
        )
        .into()
    }
}

impl fmt::Display for OnlyBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl Error for OnlyBundle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
