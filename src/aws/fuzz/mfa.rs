//! The sessions that the AWS CLI caches: one is used only if it is whole, of the configured role, and lasts.

use std::time::{Duration, SystemTime};

use aws_sdk_sts::types;
use humantime::parse_rfc3339;
use serde_json::{Value, json};

use super::service::{check_role, is_distinct, role};
use crate::aws::credential_parts::sts_json;
use crate::fuzz::check_message;
use crate::log::Log;

/// The bytes are a file of `~/.aws/cli/cache`.
pub(crate) fn check(bytes: &[u8]) {
    let role = role();
    let now = parse_rfc3339("2026-06-01T00:00:00Z").expect("a time");
    let usable = |bytes: &[u8]| role.usable(bytes, now, Log::quiet());
    let entry: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let parts = &entry["Credentials"];
    let credentials = match usable(bytes) {
        Ok(Some(credentials)) => credentials,
        Ok(None) => return,
        Err(reason) => {
            check_message(&reason, 400);
            let secret = parts["SecretAccessKey"].as_str().unwrap_or_default();
            return assert!(!is_distinct(secret) || !reason.contains(secret), "{reason}");
        }
    };
    assert_eq!(parts["AccessKeyId"], credentials.access_key_id());
    assert_eq!(parts["SecretAccessKey"], credentials.secret_access_key());
    let token = parts["SessionToken"]
        .as_str()
        .filter(|token| !token.trim().is_empty());
    assert_eq!(credentials.session_token(), token);
    let arn = entry["AssumedRoleUser"]["Arn"].as_str().expect("an ARN");
    check_role(arn);
    assert_eq!(
        credentials.account_id().expect("an account").as_str(),
        "123456789012"
    );
    let expiry = credentials.expiry().expect("an expiration");
    assert!(expiry >= now + Duration::from_mins(15));
    if let Ok(expected) = parse_rfc3339(parts["Expiration"].as_str().expect("a time")) {
        assert_eq!(expiry, expected);
    }
    // What is written for the AWS CLI is read as the same session.
    let given = types::Credentials::builder()
        .access_key_id(credentials.access_key_id())
        .secret_access_key(credentials.secret_access_key())
        .session_token(token.unwrap_or_default())
        .expiration(expiry.into());
    let session = json!({
        "Credentials": sts_json(&given.build().expect("all parts"), None),
        "AssumedRoleUser": { "Arn": arn },
    });
    let again = usable(session.to_string().as_bytes());
    let again = again.expect("usable").expect("not expired");
    assert_eq!(again.access_key_id(), credentials.access_key_id());
    assert_eq!(again.secret_access_key(), credentials.secret_access_key());
    assert_eq!(again.session_token(), credentials.session_token());
    let since = |time: SystemTime| time.duration_since(now).expect("later").as_secs();
    assert_eq!(again.expiry().map(since), credentials.expiry().map(since));
}
