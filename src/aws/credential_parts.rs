//! Validates the ID, secret and token of an access key from any source.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_sdk_sts::types;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};

use super::attempt::Attempts;
use super::clock::answered_at;
use super::config_file::Profile;
use super::ini::Section;
use super::setting::Setting;
use crate::command_line::CommandLine;
use crate::error::{Hint, RunError};
use crate::sanitize::escape;
use crate::secret::wrong_pair;

/// The settings of an access key.
pub(super) const KEY_SETTINGS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
/// The names of the session token. The AWS CLI reads the older name first.
const TOKEN_NAMES: [(&str, &str); 2] = [
    ("AWS_SECURITY_TOKEN", "aws_security_token"),
    ("AWS_SESSION_TOKEN", "aws_session_token"),
];

/// The parts of an access key and their sources.
#[derive(Debug)]
pub(super) struct CredentialParts {
    pub(super) id: Setting,
    pub(super) secret: Setting,
    pub(super) token: Option<Setting>,
    pub(super) account: Option<String>,
    pub(super) expiry: Option<SystemTime>,
}

/// The members of JSON credentials: ID, secret, token, expiration and account. Here as a credential process prints
/// them.
pub(super) const PROCESS_FIELDS: [&str; 5] = [
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Expiration",
    "AccountId",
];
/// The same members as container and instance metadata services name them.
pub(super) const METADATA_FIELDS: [&str; 5] = [
    PROCESS_FIELDS[0],
    PROCESS_FIELDS[1],
    "Token",
    PROCESS_FIELDS[3],
    PROCESS_FIELDS[4],
];
/// The same members as SSO names them.
pub(super) const SSO_FIELDS: [&str; 5] = [
    LOGIN_FIELDS[0],
    LOGIN_FIELDS[1],
    LOGIN_FIELDS[2],
    "expiration",
    LOGIN_FIELDS[4],
];
/// The same members as `aws login` stores them.
pub(super) const LOGIN_FIELDS: [&str; 5] = [
    "accessKeyId",
    "secretAccessKey",
    "sessionToken",
    "expiresAt",
    "accountId",
];

impl CredentialParts {
    /// Converts the parts to credentials.
    ///
    /// # Errors
    ///
    /// A part contains an invalid character, or ID and secret are swapped. The value is not shown because it may be a
    /// secret.
    pub(super) fn credentials(self) -> Result<Credentials, RunError> {
        if let Some(what) = wrong_pair(&self.id.value, &self.secret.value) {
            let (id, secret) = (&self.id.source, &self.secret.source);
            return Err(RunError::credentials(format!("{what}: {id} and {secret}"))
                .hint("correct them; neither was printed or sent"));
        }
        // Real secrets and tokens are base64, but test servers accept words.
        let is_allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`');
        let is_wrong = |part: &&Setting| !part.value.chars().all(is_allowed);
        let mut parts = vec![&self.id, &self.secret];
        parts.extend(&self.token);
        if let Some(part) = parts.into_iter().find(is_wrong) {
            return Err(part.stop(
                "contains whitespace, a quote or another character that is not allowed in a key",
            ));
        }
        let mut credentials = Credentials::builder()
            .access_key_id(self.id.value)
            .secret_access_key(self.secret.value)
            .provider_name("iam-del-key");
        credentials.set_session_token(self.token.map(|token| token.value));
        credentials.set_account_id(self.account.map(AccountId::from));
        credentials.set_expiry(self.expiry);
        Ok(credentials.build())
    }

    /// Converts parts that no person entered here. `hint` says what to do if they are invalid.
    ///
    /// # Errors
    ///
    /// See `credentials`.
    pub(super) fn fetched(self, hint: Option<Hint>) -> Result<Credentials, RunError> {
        self.credentials().map_err(|stop| RunError {
            hints: hint.into_iter().collect(),
            ..RunError::credentials(stop.message)
        })
    }

    /// Reads the parts from JSON. `origin` names the source. An empty part is missing, and `credentials` refuses a blank one.
    ///
    /// # Errors
    ///
    /// The ID or the secret is missing, a part is not a string, or the expiration is not a time. The error says what the
    /// source has instead: `no AccessKeyId`.
    pub(super) fn from_json(value: &Value, names: [&str; 5], origin: &str) -> Result<Self, String> {
        let part = |name: &str| match value.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)
                .filter(|text| !text.is_empty())
                .map(|text| Setting::new(format!("{name} from {origin}"), text))),
            Some(_) => Err(format!("{} that is not a string", with_article(name))),
        };
        let required = |name| part(name)?.ok_or_else(|| format!("no {name}"));
        let [id, secret, token, expiration, account] = names;
        let expiry = match value.get(expiration) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let time = value.as_str().and_then(time);
                let wrong = || format!("an {expiration} that is not {TIME}");
                Some(time.ok_or_else(wrong)?)
            }
        };
        Ok(Self {
            id: required(id)?,
            secret: required(secret)?,
            token: part(token)?,
            account: part(account)?
                .map(|account| account.value)
                .filter(|account| !account.trim().is_empty()),
            expiry,
        })
    }

    /// Reads the parts of a session from JSON. `origin` names the source.
    ///
    /// # Errors
    ///
    /// See `from_json`, or the token or the expiration is missing.
    pub(super) fn of_session(
        value: &Value,
        names: [&str; 5],
        origin: &str,
    ) -> Result<Self, String> {
        let parts = Self::from_json(value, names, origin)?;
        match (&parts.token, &parts.expiry) {
            (None, _) => Err(format!("no {}", names[2])),
            (_, None) => Err(format!("no {}", names[3])),
            _ => Ok(parts),
        }
    }
}

/// Adds the article to the name of a member or of a response.
pub(super) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['A', 'E', 'U', 'a', 'e']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

/// Returns the credentials of a session that STS has just created, and the session in JSON. `account` is the account of the
/// session. STS's own clock counts: if this machine's is ahead, the session is not expired, so its expiry is that much later.
///
/// # Errors
///
/// A part is missing.
pub(super) fn of_sts(
    given: Option<&types::Credentials>,
    attempts: &Attempts,
    account: &str,
) -> Result<(Credentials, Value), RunError> {
    let operation = attempts.operation;
    let none = |reason: &str| RunError::credentials(format!("{operation} returned {reason}"));
    let given = given.ok_or_else(|| none("no credentials"))?;
    let session = sts_json(given, Some(account));
    let parts = CredentialParts::of_session(&session, PROCESS_FIELDS, operation.name());
    let mut parts = parts.map_err(|reason| none(&reason))?;
    if let (Some(expiry), Some(last)) = (&mut parts.expiry, attempts.last())
        && let Some(now) = answered_at(&last.metadata)
    {
        *expiry += SystemTime::now().duration_since(now).unwrap_or_default();
    }
    Ok((parts.fetched(None)?, session))
}

/// Formats a session of STS as a credential process prints it. The SDK reads a missing part as an empty one.
pub(super) fn sts_json(given: &types::Credentials, account: Option<&str>) -> Value {
    json!({
        "AccessKeyId": given.access_key_id(),
        "SecretAccessKey": given.secret_access_key(),
        "SessionToken": given.session_token(),
        "Expiration": expiration(*given.expiration()),
        "AccountId": account,
    })
}

/// Formats the expiration of a response. The SDK reads a missing one as a zero.
pub(super) fn expiration(time: DateTime) -> Option<String> {
    let time = Some(time).filter(|time| time.secs() > 0);
    time?.fmt(Format::DateTime).ok()
}

/// What to do without the environment variables.
pub(super) const UNSET: &str =
    "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to use another source";

/// The environment variable that says when its companions expire. No other static credentials have an expiration.
pub(super) const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// Reads the environment variables. `None`: they contain no access key.
pub(super) fn from_environment() -> Result<Option<Credentials>, RunError> {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let [id, secret] = names.map(Setting::variable);
    let pair = pair(id?, secret?, names, |present, missing| {
        RunError::credentials(format!("{present} is set, but {missing} is not"))
            .hint(format!("set {missing} too, or {UNSET}"))
    })?;
    let Some((id, secret)) = pair else {
        return Ok(None);
    };
    let [older, newer] = TOKEN_NAMES.map(|(variable, _)| Setting::variable(variable));
    let expiry = Setting::variable(EXPIRATION)?.map(|setting| {
        let rule = || format!("it must be {TIME}, such as 2030-01-31T12:00:00Z");
        time(&setting.value).ok_or_else(|| setting.wrong(&rule()))
    });
    let parts = CredentialParts {
        id,
        secret,
        token: older?.or(newer?),
        account: Setting::variable("AWS_ACCOUNT_ID")?.map(|account| account.value),
        expiry: expiry.transpose()?,
    };
    parts.credentials().map(Some)
}

/// Reads a profile from one file. A token from another file is never combined with the key.
pub(super) fn from_section(
    section: Option<&Section>,
    profile: Profile<'_>,
) -> Result<Option<Credentials>, RunError> {
    let Some(section) = section else {
        return Ok(None);
    };
    let [id, secret] = KEY_SETTINGS.map(|name| section.set(name));
    if let Some(part) = id.iter().chain(&secret).find(|part| part.value.is_empty()) {
        return Err(part.stop("is empty"));
    }
    let pair = pair(id, secret, KEY_SETTINGS, |present, missing| {
        let name = escape(profile.name);
        RunError::configuration(format!(
            "the profile `{name}` has {present}, but not {missing} in the same file"
        ))
        .hint(CommandLine::new("aws configure").option("--profile", profile.name))
    })?;
    let Some((id, secret)) = pair else {
        return Ok(None);
    };
    let parts = CredentialParts {
        id,
        secret,
        token: TOKEN_NAMES.iter().find_map(|(_, name)| section.get(name)),
        account: section.get("aws_account_id").map(|account| account.value),
        expiry: None,
    };
    parts.credentials().map(Some)
}

/// Returns both parts of a key, or neither. `incomplete` creates the error if only the first name is set.
fn pair(
    id: Option<Setting>,
    secret: Option<Setting>,
    names: [&str; 2],
    incomplete: impl Fn(&str, &str) -> RunError,
) -> Result<Option<(Setting, Setting)>, RunError> {
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => Ok(Some((id, secret))),
        (Some(_), None) => Err(incomplete(names[0], names[1])),
        (None, Some(_)) => Err(incomplete(names[1], names[0])),
    }
}

/// What a time must be, for messages.
const TIME: &str = "an ISO 8601 time with a time zone";

/// Parses a time in the formats that the AWS CLI reads and writes: ISO 8601 with a time zone, with or without separators and
/// seconds.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let text = text.trim().to_ascii_uppercase();
    let text = match text.strip_suffix("UTC") {
        Some(time) => format!("{}Z", time.trim_end()),
        None => text,
    };
    let (date, rest) = text.split_once(['T', ' '])?;
    let (clock, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let (clock, fraction) = clock.split_at(clock.find('.').unwrap_or(clock.len()));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let date = match date.len() {
        8 if digits(date) => format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]),
        _ => date.to_owned(),
    };
    let mut clock = match clock.len() {
        4 if digits(clock) => format!("{}:{}", &clock[..2], &clock[2..]),
        6 if digits(clock) => format!("{}:{}:{}", &clock[..2], &clock[2..4], &clock[4..]),
        _ => clock.to_owned(),
    };
    if clock.len() == "00:00".len() {
        clock.push_str(":00");
    }
    let zone = match zone.len() {
        3 if digits(&zone[1..]) => format!("{zone}:00"),
        5 if digits(&zone[1..]) => format!("{}:{}", &zone[..3], &zone[3..]),
        _ => zone.to_owned(),
    };
    let text = format!("{date}T{clock}{fraction}{zone}");
    let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_read_in_each_form() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_hours(1_130_808);
        for text in [
            "2099-01-01T00:00:00Z",
            "2099-01-01T00:00:00+00:00",
            "2099-01-01T01:00:00+01:00",
            "2098-12-31T23:00:00-0100",
            "2098-12-31T23:00-01",
            "2099-01-01T00:00Z",
            "20990101T000000Z",
            "20990101T0100+0100",
            "2099-01-01t00:00:00z",
            "2099-01-01T00:00:00UTC",
            "2099-01-01 00:00:00 UTC",
            " 2099-01-01 00:00:00+0000 ",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert!(time("2099-01-01T00:00:00.123456+00:00").is_some());
        assert!(time("20990101T000000.123456Z").is_some());
        for text in [
            "",
            "soon",
            "2099-01-01",
            "2099-01-01T00:00:00",
            "é",
            "12:é2",
            "2099010éT000000Z",
            "20990101T00000éZ",
            "2099-01-01T00:00:00+é",
            "2099-01-01T00Z",
            "T",
            "TZ",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
