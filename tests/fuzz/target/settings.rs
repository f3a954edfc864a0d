//! Configuration files: what is taken for a setting satisfies its rule, and what is refused is safe to look at.

use std::path::PathBuf;

use aws_runtime::env_config::file::EnvConfigFileKind;
use aws_runtime::env_config::section::EnvConfigSections;
use futures_util::FutureExt as _;
use url::Url;

use super::super::endpoint::{self, IAM};
use super::super::setting::Sources;
use super::super::settings::{region, retry};
use super::{ConfigFile, ConfigFiles, decoded};
use crate::log::Log;
use crate::stop::Stop;
use crate::target::check_message;

/// The bytes are `~/.aws/config` and `~/.aws/credentials`, after the first byte of both.
pub(crate) fn check(bytes: &[u8]) {
    let kind = match bytes.first() {
        Some(byte) if byte % 2 == 1 => EnvConfigFileKind::Credentials,
        _ => EnvConfigFileKind::Config,
    };
    match profiles(kind, bytes.get(1..).unwrap_or_default()) {
        Ok(profiles) => check_settings(&profiles),
        Err(stop) => check_stop(&stop),
    }
}

fn profiles(kind: EnvConfigFileKind, bytes: &[u8]) -> Result<EnvConfigSections, Stop> {
    let path = PathBuf::from("/home/me/.aws/config");
    let contents = decoded(&path, bytes.to_vec())?;
    let files = vec![ConfigFile {
        kind,
        path,
        contents,
    }];
    let read = ConfigFiles { files };
    let profiles = read.profiles("default").now_or_never();
    let read = profiles.expect("nothing to wait for");
    read.map(|(profiles, _)| profiles)
}

fn check_settings(profiles: &EnvConfigSections) {
    let sources = Sources { profiles };
    match region(None, sources) {
        Ok(region) => {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            assert!(region.as_ref().bytes().all(is_allowed), "{region}");
            assert!((1..=63).contains(&region.as_ref().len()));
        }
        Err(stop) => check_stop(&stop),
    }
    match retry(sources) {
        Ok(retry) => assert!((1..=100).contains(&retry.max_attempts())),
        Err(stop) => check_stop(&stop),
    }
    match endpoint::choose(IAM, None, sources, false, Log::quiet()) {
        Ok(url) => {
            let url = url.map(|url| Url::parse(&url).expect("a URL"));
            let is_one = |url: &Url| url.has_host() && url.scheme().starts_with("http");
            assert!(url.is_none_or(|url| is_one(&url) && url.password().is_none()));
        }
        Err(stop) => check_stop(&stop),
    }
}

fn check_stop(stop: &Stop) {
    check_message(&stop.to_string(), 4_000);
    for hint in &stop.hints {
        check_message(hint, 4_000);
    }
}
