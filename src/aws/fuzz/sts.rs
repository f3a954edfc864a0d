//! Sessions and identities from STS: nothing is taken from a document but what it has, and a session is of the role that was
//! assumed.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use humantime::parse_rfc3339;
use serde_json::Value;

use super::service::{
    DATE, Expected, LIMIT, Service, budget, check_role, check_stop, credentials, parts, role, run,
};
use crate::aws::connection::Connection;
use crate::aws::root::{self, Root};
use crate::aws::sts::{Caller, Identity};
use crate::error::RunError;
use crate::ident::AccountId;
use crate::request::Mode;

const ACCOUNT: &str = "123456789012";

/// The first line is the operation.
pub(crate) fn check(bytes: &[u8]) {
    let (operation, bodies) = parts(bytes);
    let body = &bodies[0];
    match &*operation {
        "AssumeRole" => check_role_session(body),
        "AssumeRoot" => check_root(body),
        "GetAccessKeyInfo" => check_key_account(body),
        "GetCallerIdentity" => check_identity(body),
        _ => {}
    }
}

fn account() -> AccountId {
    ACCOUNT.parse().expect("an account")
}

fn caller(body: &[u8]) -> Caller {
    Service::new(&[body.to_vec()]).caller()
}

fn check_role_session(body: &[u8]) {
    let settings = Service::new(&[body.to_vec()]).settings();
    let session = run(role().assume(Some(credentials()), None, &settings, &budget()));
    let (credentials, session) = match session {
        Ok((credentials, session)) => (Ok(credentials), session),
        Err(stop) => (Err(stop), Value::Null),
    };
    check_session(credentials, body, "AssumeRole");
    if let Some(arn) = session["AssumedRoleUser"]["Arn"].as_str() {
        let expected = Expected::of(body, "AssumeRole", "AssumedRoleUser");
        assert_eq!(arn, expected.result["Arn"]);
        check_role(arn);
    }
}

fn check_root(body: &[u8]) {
    let caller = Identity {
        account: "210987654321".parse().expect("an account"),
        principal: "arn:aws:iam::210987654321:user/Admin".to_owned(),
        unique_id: "AIDAADMIN".to_owned(),
    };
    let root = Root::new(&account(), Mode::Change, &caller, &Connection::default());
    let settings = Service::new(&[body.to_vec()]).settings();
    let session = run(root.assume(Some(credentials()), &settings, &budget()));
    check_session(session, body, "AssumeRoot");
}

/// A session has each part of the document, and is of the account that was asked for.
fn check_session(session: Result<Credentials, RunError>, body: &[u8], operation: &str) {
    let session = match session {
        Ok(session) => session,
        Err(stop) => return check_stop(&stop, body),
    };
    let expected = Expected::of(body, operation, "Credentials");
    let token = session.session_token().expect("a token");
    for (name, value) in [
        ("AccessKeyId", session.access_key_id()),
        ("SecretAccessKey", session.secret_access_key()),
        ("SessionToken", token),
    ] {
        assert!(!value.is_empty());
        assert_eq!(value, expected.result[name]);
    }
    // It is later by as much as this machine's clock is ahead of that of STS.
    let (expiry, text) = (
        session.expiry().expect("an expiration"),
        expected.get("Expiration"),
    );
    let sts = DateTime::from_str(DATE, Format::HttpDate).expect("a date");
    let sts = SystemTime::try_from(sts).expect("a time");
    let ahead = SystemTime::now().duration_since(sts).unwrap_or_default();
    if let Ok(expected) = parse_rfc3339(text) {
        assert!((expected..=expected + ahead).contains(&expiry), "{text}");
    }
    assert!(text.contains(|c: char| c.is_ascii_digit()), "{text}");
    assert_eq!(session.account_id().expect("an account").as_str(), ACCOUNT);
}

fn check_key_account(body: &[u8]) {
    let id = "AKIAIOSFODNN7EXAMPLE".to_owned().try_into().expect("an ID");
    if let Ok(account) = run(caller(body).account_of(&id, LIMIT)) {
        let expected = Expected::of(body, "GetAccessKeyInfo", "");
        assert_eq!(account.as_str(), expected.get("Account"));
    }
}

fn check_identity(body: &[u8]) {
    let identity = match run(caller(body).identity("the account is unknown")) {
        Ok(identity) => identity,
        Err(stop) => return check_stop(&stop, body),
    };
    let expected = Expected::of(body, "GetCallerIdentity", "");
    let (account, arn) = (expected.get("Account"), expected.get("Arn"));
    assert_eq!(identity.account.as_str(), account);
    assert!(arn.is_empty() || arn.split(':').nth(4) == Some(account));
    let session_name = arn.strip_prefix(&*identity.principal).expect("its ARN");
    if let Some(name) = session_name.strip_prefix('/') {
        assert!(arn.contains(":assumed-role/") && !name.contains('/'));
    } else {
        assert_eq!(session_name, "");
    }
    let id = expected.get("UserId").split(':').next();
    assert_eq!(identity.unique_id, id.unwrap_or_default().trim());
    if root::check(&identity, &self::account()).is_ok() {
        assert_eq!(account, ACCOUNT);
        let is_root = arn.starts_with("arn:") && arn.ends_with(":123456789012:root");
        assert!(is_root && !arn.contains('/'), "{arn}");
    }
}
