//! Configuration files: an accepted setting satisfies its rule, and an error is safe to print.

use std::path::PathBuf;

use crate::aws::config_file::{ConfigFiles, config_name, decoded, parse, profile_name};
use crate::aws::ini;
use crate::aws::settings::{region, retry};
use crate::error::RunError;
use crate::fuzz::check_message;

/// The bytes are `~/.aws/config` and `~/.aws/credentials`, after the first byte of both.
pub(crate) fn check(bytes: &[u8]) {
    let is_credentials = bytes.first().is_some_and(|byte| byte % 2 == 1);
    match files(is_credentials, bytes.get(1..).unwrap_or_default()) {
        Ok(files) => check_settings(&files),
        Err(stop) => check_stop(&stop),
    }
    if let Some(words) = std::str::from_utf8(bytes).ok().and_then(ini::words) {
        let length: usize = words.iter().map(String::len).sum();
        assert!(length <= bytes.len());
    }
}

fn files(is_credentials: bool, bytes: &[u8]) -> Result<ConfigFiles, RunError> {
    let path = PathBuf::from("/home/me/.aws/config");
    let text = decoded(&path, bytes.to_vec())?;
    let mut files = ConfigFiles::default();
    if is_credentials {
        files.credentials = parse(&path, &text, profile_name)?;
    } else {
        files.config = parse(&path, &text, config_name)?;
    }
    Ok(files)
}

fn check_settings(files: &ConfigFiles) {
    let names = files.profile_names();
    let profile = files.profile("default");
    assert_eq!(profile.is_defined(), names.contains(&"default".to_owned()));
    match region(None, profile) {
        Ok(region) => {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let region = region.iter().map(ToString::to_string);
            for region in region {
                assert!(region.bytes().all(is_allowed), "{region}");
                assert!((1..=63).contains(&region.len()));
            }
        }
        Err(stop) => check_stop(&stop),
    }
    match retry(profile) {
        Ok(retry) => assert!((1..=100).contains(&retry.max_attempts())),
        Err(stop) => check_stop(&stop),
    }
    match profile.service(files, "iam", "endpoint_url") {
        Ok(setting) => assert!(setting.is_none_or(|setting| !setting.value.is_empty())),
        Err(stop) => check_stop(&stop),
    }
}

fn check_stop(stop: &RunError) {
    check_message(&stop.to_string(), 4_000);
    for hint in &stop.hints {
        check_message(&hint.to_string(), 4_000);
    }
}
