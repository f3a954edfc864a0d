//! The environment variables that hold credentials, and those of a web identity: all there and whole, or not there.

use std::ffi::OsStr;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::environment;
use crate::invalid::shown;
use crate::secret::wrong_pair;
use crate::stop::Stop;

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
/// The session's token; the AWS CLI asks for the older name first.
const TOKENS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"];
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// The credentials that the variables hold; `None` where they name no key.
///
/// # Errors
///
/// A variable that is not UTF-8, an expiration that is no time.
pub(crate) fn credentials() -> Result<Option<Credentials>, Stop> {
    let (Some(id), Some(secret)) = (environment::text(ID)?, environment::filled(SECRET)?) else {
        return Ok(None);
    };
    let mut credentials = Credentials::builder()
        .access_key_id(id)
        .secret_access_key(secret)
        .provider_name("EnvironmentVariable");
    for name in TOKENS {
        if let Some(token) = environment::filled(name)? {
            credentials.set_session_token(Some(token));
            break;
        }
    }
    credentials.set_account_id(environment::filled("AWS_ACCOUNT_ID")?.map(AccountId::from));
    credentials.set_expiry(expiration()?);
    Ok(Some(credentials.build()))
}

fn expiration() -> Result<Option<SystemTime>, Stop> {
    let Some(value) = environment::filled(EXPIRATION)? else {
        return Ok(None);
    };
    let time = DateTime::from_str(&value, Format::DateTimeWithOffset)
        .ok()
        .and_then(|time| SystemTime::try_from(time).ok());
    let wrong = || {
        let value = shown(OsStr::new(&value));
        Stop::credentials(format!(
            "the environment variable {EXPIRATION} is `{value}`: it must be an ISO 8601 time"
        ))
        .hint(format!("correct {EXPIRATION}, or unset it"))
    };
    time.map(Some).ok_or_else(wrong)
}

/// Checks the variables that hold credentials.
///
/// # Errors
///
/// One is there without the other, empty, or not a word.
pub(crate) fn check() -> Result<(), Stop> {
    let id = environment::text(ID)?;
    let secret = environment::text(SECRET)?;
    let unset = "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to use another source";
    let wrong = |what: String| Err(Stop::credentials(what).hint(unset));
    match (&id, &secret) {
        (Some(_), None) => {
            return wrong("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".to_owned());
        }
        (None, Some(_)) => {
            return wrong("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not".to_owned());
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    for name in [ID, SECRET].into_iter().chain(TOKENS) {
        let Some(value) = environment::text(name)? else {
            continue;
        };
        if value.trim().is_empty() && !TOKENS.contains(&name) {
            return wrong(format!("the environment variable {name} is set, but empty"));
        }
        if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return wrong(format!(
                "the environment variable {name} holds a space, a newline or another control character"
            ));
        }
    }
    if let (Some(id), Some(secret)) = (&id, &secret)
        && let Some(what) = wrong_pair(id, secret)
    {
        return wrong(format!("{ID} and {SECRET} are set, but {what}"));
    }
    Ok(())
}
