//! Selects the root certificates for TLS, and validates a CA bundle.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

use super::config_file::Profile;
use super::environment;
use super::small_file;
use crate::error::RunError;
use crate::lock::lock;
use crate::sanitize::escape_path;

/// The root certificates to trust.
#[derive(Clone, Debug)]
pub(crate) enum RootCerts {
    /// The root certificates of the system.
    System,
    /// The root certificates of a CA bundle.
    Bundle(Arc<CaBundle>),
}

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

/// A CA bundle that replaces the system's root certificates.
#[derive(Debug)]
pub(crate) struct CaBundle {
    /// The PEM text. The first connector takes it, because parsing needs it only once.
    pem: Mutex<Vec<u8>>,
    path: PathBuf,
    source: String,
}

impl CaBundle {
    /// Returns all certificates. Parsing them takes as long as the rest of a deletion.
    ///
    /// # Errors
    ///
    /// A certificate is invalid, or there is none.
    pub(super) fn roots(&self) -> Result<RootCertStore, RunError> {
        let mut roots = RootCertStore::empty();
        let pem = self.take()?;
        for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
            let broken = |reason: &str| {
                self.unusable(&format!("certificate {} is broken: {reason}", index + 1))
            };
            let certificate = certificate.map_err(|error| match error {
                // Its text has the bytes of the missing line.
                pem::Error::MissingSectionEnd { .. } => broken("its last line is missing"),
                error => broken(&error.to_string()),
            })?;
            roots
                .add(certificate)
                .map_err(|error| broken(&error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(self.unusable("it contains no certificate in PEM format"));
        }
        Ok(roots)
    }

    /// Returns the PEM text.
    ///
    /// # Errors
    ///
    /// The file has to be read again, and that fails.
    fn take(&self) -> Result<Vec<u8>, RunError> {
        let pem = mem::take(&mut *lock(&self.pem));
        if pem.is_empty() { self.read() } else { Ok(pem) }
    }

    fn read(&self) -> Result<Vec<u8>, RunError> {
        let pem = small_file::read(&self.path, MAX_MIB);
        let pem = pem.map_err(|error| self.unusable(&error.to_string()))?;
        if !has_certificate(&pem) {
            return Err(self.unusable("it contains no certificate in PEM format"));
        }
        Ok(pem)
    }

    /// Creates an error for an unusable bundle.
    fn unusable(&self, reason: &str) -> RunError {
        let path = escape_path(&self.path);
        let source = &self.source;
        RunError::configuration(format!("could not use the CA bundle `{path}`: {reason}"))
            .hint(format!("{source} must name a PEM file of certificates"))
    }
}

/// Selects the root certificates: `--ca-bundle`, `AWS_CA_BUNDLE`, the profile's `ca_bundle`, `REQUESTS_CA_BUNDLE`,
/// `SSL_CERT_FILE` or the system, in this order.
///
/// # Errors
///
/// The bundle cannot be read or contains no certificate.
pub(crate) fn choose(option: Option<&Path>, profile: Profile<'_>) -> Result<RootCerts, RunError> {
    let variable = |name: &str| {
        let path = environment::path(name)?;
        Some((path, format!("the environment variable {name}")))
    };
    let chosen = option
        .map(|path| (path.to_owned(), "--ca-bundle".to_owned()))
        .or_else(|| variable("AWS_CA_BUNDLE"))
        .or_else(|| {
            let setting = profile.get("ca_bundle")?;
            Some((PathBuf::from(setting.value), setting.source))
        })
        .or_else(|| variable("REQUESTS_CA_BUNDLE"))
        .or_else(|| variable("SSL_CERT_FILE"));
    let Some((path, source)) = chosen else {
        return Ok(RootCerts::System);
    };
    let bundle = CaBundle {
        pem: Mutex::default(),
        path,
        source,
    };
    *lock(&bundle.pem) = bundle.read()?;
    Ok(RootCerts::Bundle(Arc::new(bundle)))
}
