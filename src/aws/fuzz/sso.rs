//! Responses of SSO: credentials and tokens are taken only from JSON that has them.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::service::{Service, budget, check_stop, parts, run};
use crate::aws::config_file::{ConfigFiles, config_name, parse};
use crate::aws::sso::Sso;

const PROFILE: &str = "[default]
sso_account_id = 123456789012
sso_role_name = Deployer
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
";

/// The first line is the operation.
pub(crate) fn check(bytes: &[u8]) {
    let files = ConfigFiles {
        config: parse(Path::new("config"), PROFILE, config_name).expect("a profile"),
        ..ConfigFiles::default()
    };
    let sso = Sso::choose(files.profile("default"), &files);
    let sso = sso.expect("settings").expect("a role");
    let (operation, bodies) = parts(bytes);
    match &*operation {
        "GetRoleCredentials" => check_credentials(&sso, &bodies[0]),
        "CreateToken" => check_token(&sso, &bodies[0]),
        _ => {}
    }
}

fn check_credentials(sso: &Sso, body: &[u8]) {
    let settings = Service::new(&[body.to_vec()]).settings();
    let credentials = match run(sso.role_credentials("a token".to_owned(), &settings, &budget())) {
        Ok(credentials) => credentials,
        Err(stop) => return check_stop(&stop, body),
    };
    let Some(expected) = json(body) else {
        return;
    };
    let expected = &expected["roleCredentials"];
    assert_eq!(expected["accessKeyId"], credentials.access_key_id());
    assert_eq!(expected["secretAccessKey"], credentials.secret_access_key());
    assert_eq!(expected["sessionToken"], json!(credentials.session_token()));
    let expiry = credentials.expiry().expect("an expiration");
    let since = expiry.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.expect("a time").as_secs_f64();
    let expected = expected["expiration"].as_f64().expect("a number") / 1e3;
    assert!(
        since > 0.0 && (since - expected).abs() < 1.0,
        "{since} {expected}"
    );
    let account = credentials.account_id().expect("an account");
    assert_eq!(account.as_str(), "123456789012");
}

/// A renewed session has the token of the response, and everything else of the one before.
fn check_token(sso: &Sso, body: &[u8]) {
    let cached = json!({
        "startUrl": "https://example.awsapps.com/start",
        "accessToken": "the token before",
        "expiresAt": "2026-06-01T00:00:00Z",
        "clientId": "a client",
        "clientSecret": "a secret of the client",
        "refreshToken": "a token to renew it",
        "registrationExpiresAt": "2999-01-01T00:00:00Z",
    });
    let settings = Service::new(&[body.to_vec()]).settings();
    let renewed = match run(sso.renew(&cached, &settings, &budget())) {
        Ok(renewed) => renewed.expect("the file has everything"),
        Err(stop) => return check_stop(&stop, body),
    };
    let Some(response) = json(body) else {
        return;
    };
    let token = renewed["accessToken"].as_str().expect("a token");
    assert!(!token.trim().is_empty(), "an empty token");
    assert_eq!(response["accessToken"], token);
    let expiry = renewed["expiresAt"].as_str().expect("a time");
    let expiry = humantime::parse_rfc3339(expiry).expect("a time");
    let most = SystemTime::now() + Duration::from_secs(1);
    let seconds = response["expiresIn"].as_f64().unwrap_or_default().max(0.0);
    assert!(expiry <= most + Duration::from_secs_f64(seconds));
    let token = &response["refreshToken"];
    let expected = if token.is_string() {
        token
    } else {
        &cached["refreshToken"]
    };
    assert_eq!(&renewed["refreshToken"], expected);
    assert_eq!(renewed["clientSecret"], cached["clientSecret"]);
}

/// Parses a response that was accepted. The SDK also accepts numbers with leading zeros and wrong escapes.
fn json(body: &[u8]) -> Option<Value> {
    assert!(body.trim_ascii_start().starts_with(b"{"), "not JSON");
    serde_json::from_slice(body).ok()
}
