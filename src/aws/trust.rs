//! The certificate authorities TLS trusts. A bundle is checked whole before it is handed on: the SDK's
//! connector panics on a certificate it cannot read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::environment;
use super::http::Trust;
use super::settings::Sources;
use crate::report::escape::escape;
use crate::stop::Stop;

/// The most a bundle may hold, in bytes; the system's is about 220 KiB.
const LONGEST: u64 = 16 << 20;

/// Chooses whom to trust: `--ca-bundle`, `AWS_CA_BUNDLE`, the profile's `ca_bundle`, `SSL_CERT_FILE`, the
/// system, in this order.
///
/// # Errors
///
/// A bundle that cannot be read, holds no certificate, or one that is broken.
pub(crate) fn choose(option: Option<&Path>, sources: Sources<'_>) -> Result<Trust, Stop> {
    if let Some(path) = option {
        return bundle(path, "--ca-bundle");
    }
    if let Some(path) = environment::path("AWS_CA_BUNDLE") {
        return bundle(&path, "the environment variable AWS_CA_BUNDLE");
    }
    if let Some(setting) = sources.find(&[], "ca_bundle")? {
        return bundle(&PathBuf::from(&setting.value), &setting.source);
    }
    if let Some(path) = environment::path("SSL_CERT_FILE") {
        return bundle(&path, "the environment variable SSL_CERT_FILE");
    }
    Ok(Trust::System)
}

fn bundle(path: &Path, source: &str) -> Result<Trust, Stop> {
    let shown = escape(&path.to_string_lossy());
    let fail = |what: &str| {
        Stop::configuration(format!("could not use the CA bundle `{shown}`: {what}"))
            .hint(format!("{source} must name a PEM file of certificates"))
    };
    let metadata = fs::metadata(path).map_err(|error| fail(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(fail("it is not a regular file"));
    }
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut pem))
        .map_err(|error| fail(&error.to_string()))?;
    if pem.len() as u64 > LONGEST {
        return Err(fail("it is longer than 16 MiB"));
    }
    let mut roots = RootCertStore::empty();
    let mut number = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        number += 1;
        certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()))
            .map_err(|error| fail(&format!("certificate {number} is broken: {error}")))?;
    }
    if number == 0 {
        return Err(fail("it holds no certificate in PEM form"));
    }
    Ok(Trust::Bundle(pem))
}
