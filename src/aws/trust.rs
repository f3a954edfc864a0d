//! The certificate authorities TLS trusts. A bundle is checked whole before it is handed on: the SDK's
//! connector panics on a certificate it cannot read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem;
use rustls::pki_types::CertificateDer;
use webpki::anchor_from_trusted_cert;

use super::environment;
use super::http::Trust;
use super::settings::Sources;
use crate::report::escape::escape;
use crate::stop::Stop;

/// The most a bundle may hold, in bytes; the system's is about 220 KiB.
const LONGEST: usize = 16 << 20;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

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
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut pem = Vec::with_capacity(length.min(LONGEST) + 1);
    File::open(path)
        .and_then(|file| file.take(LONGEST as u64 + 1).read_to_end(&mut pem))
        .map_err(|error| fail(&error.to_string()))?;
    if pem.len() > LONGEST {
        return Err(fail("it is longer than 16 MiB"));
    }
    match normalized(&pem) {
        Ok(Some(bundle)) => Ok(Trust::Bundle(Arc::new(bundle))),
        Ok(None) => Err(fail("it holds no certificate in PEM form")),
        Err(what) => Err(fail(&what)),
    }
}

/// The certificates of a PEM text, each checked and written anew: what is handed on cannot be read otherwise than it
/// was here, and is read faster without line ends. `None`: there are none.
fn normalized(pem: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let begin = memmem::Finder::new(BEGIN);
    let end = memmem::Finder::new(END);
    let mut bundle = Vec::with_capacity(pem.len());
    let mut der = Vec::new();
    let mut rest = pem;
    for number in 1.. {
        let Some(at) = begin.find(rest) else { break };
        let broken = |what: &str| format!("certificate {number} is broken: {what}");
        rest = &rest[at + BEGIN.len()..];
        let at = end.find(rest).ok_or_else(|| broken("it has no end"))?;
        let body = &rest[..at];
        rest = &rest[at + END.len()..];
        bundle.extend_from_slice(BEGIN);
        bundle.push(b'\n');
        let start = bundle.len();
        for line in lines(body) {
            bundle.extend_from_slice(line.trim_ascii());
        }
        der.clear();
        base64_simd::STANDARD
            .decode_append(&bundle[start..], &mut der)
            .map_err(|_| broken("it is not base64"))?;
        anchor_from_trusted_cert(&CertificateDer::from(&der[..]))
            .map_err(|error| broken(&error.to_string()))?;
        bundle.push(b'\n');
        bundle.extend_from_slice(END);
        bundle.push(b'\n');
    }
    Ok((!bundle.is_empty()).then_some(bundle))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text)
        .chain([text.len()])
        .map(move |end| {
            let line = &text[start..end];
            start = end + 1;
            line
        })
}
