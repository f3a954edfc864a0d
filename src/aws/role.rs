//! Assumes roles, with other credentials or with a web identity token.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_sts::types::AssumedRoleUser;
use serde_json::{Value, json};

use super::attempt::Attempts;
use super::config_file::Profile;
use super::connection::Connection;
use super::credential_parts::of_sts;
use super::error::{output_error, timed_out};
use super::retry::Retries;
use super::setting::Setting;
use super::settings::Settings;
use super::small_file;
use super::sts;
use super::time_budget::TimeBudget;
use crate::error::{ErrorKind, Hint, Operation, RunError, partition, run_error};
use crate::ident::{self, RoleArn, TokenCode};
use crate::known_secret::learn;
use crate::sanitize::{Invalid, escape, escape_field, escape_path};

/// The start of the error if STS returns no session.
pub(super) const NOT_ASSUMED: &str = "the role could not be assumed: ";

/// How long a session lasts at least, as in the STS API reference. Its maximum depends on the role.
const MIN_SECONDS: i32 = 900;

/// The parameters of `AssumeRole` and `AssumeRoleWithWebIdentity`.
pub(super) struct Role {
    pub(super) arn: RoleArn,
    session_name: Option<String>,
    external_id: Option<String>,
    /// The seconds that the session lasts, and the setting.
    duration: Option<(i32, Setting)>,
    /// The serial number of the MFA device, if the role requires one.
    pub(super) serial: Option<String>,
    /// The profile of the role. `None`: options or variables name the role.
    pub(super) profile: Option<String>,
    /// The access key ID of the last session. If a session is requested again, that one has expired.
    pub(super) used: Mutex<Option<String>>,
    /// The file of the last session if it was cached.
    pub(super) cached_in: Mutex<Option<PathBuf>>,
    /// Whether an option names the role.
    is_by_option: bool,
    /// The setting that names the file with the web identity token.
    pub(super) token_file: Option<Setting>,
}

impl Role {
    fn of(arn: RoleArn) -> Self {
        Self {
            arn,
            session_name: None,
            external_id: None,
            duration: None,
            serial: None,
            profile: None,
            used: Mutex::default(),
            cached_in: Mutex::default(),
            is_by_option: false,
            token_file: None,
        }
    }

    /// Reads the role of a profile that other credentials assume.
    ///
    /// # Errors
    ///
    /// A setting is invalid.
    pub(super) fn new(profile: Profile<'_>, arn: &Setting) -> Result<Self, RunError> {
        let duration = profile.get("duration_seconds");
        let duration = duration.map(|setting| match setting.value.parse() {
            Ok(seconds) if seconds >= MIN_SECONDS => Ok((seconds, setting)),
            _ => Err(setting.wrong("it must be a number of seconds, at least 900")),
        });
        Ok(Self {
            session_name: parsed(profile.get("role_session_name"), ident::session_name)?,
            external_id: parsed(profile.chosen("external_id")?, ident::external_id)?,
            duration: duration.transpose()?,
            serial: parsed(profile.get("mfa_serial"), ident::serial_number)?,
            profile: Some(profile.name.to_owned()),
            ..Self::of(arn.parsed(RoleArn::from_str)?)
        })
    }

    /// Returns the role of the command line. `None`: there is no role, or its account is not known yet.
    pub(super) fn of_options(connection: &Connection) -> Option<Self> {
        let arn = connection.role()?;
        Some(Self {
            session_name: connection.role_session_name.clone(),
            external_id: connection.external_id.clone(),
            serial: connection.serial_number.clone(),
            is_by_option: true,
            ..Self::of(arn.clone())
        })
    }

    /// Returns the parameters whose hash is the file name of the session in the AWS CLI's cache.
    pub(super) fn cache_key(&self) -> Value {
        let mut parameters = json!({
            "DurationSeconds": self.duration.as_ref().map(|(seconds, _)| seconds),
            "ExternalId": self.external_id,
            "RoleArn": self.arn.as_str(),
            "RoleSessionName": self.session_name,
            "SerialNumber": self.serial,
        });
        if let Value::Object(members) = &mut parameters {
            members.retain(|_, value| !value.is_null());
        }
        parameters
    }

    /// Reads the role that a web identity token is for: from the profile, and with `variables` also from the
    /// environment, which takes precedence.
    ///
    /// # Errors
    ///
    /// There is a token but no role, or a setting is invalid.
    pub(super) fn of_web_identity(
        profile: Profile<'_>,
        variables: bool,
    ) -> Result<Option<Self>, RunError> {
        let variable = |name: &str| {
            if variables {
                profile.overriding(name)
            } else {
                Ok(None)
            }
        };
        let find = |name: &str| Ok(variable(name)?.or_else(|| profile.get(name)));
        let token_file = match variable("web_identity_token_file")? {
            None => profile.chosen("web_identity_token_file")?,
            found => found,
        };
        let Some(token_file) = token_file else {
            return Ok(None);
        };
        let Some(arn) = find("role_arn")? else {
            let source = &token_file.source;
            let (missing, places) = if variables {
                ("AWS_ROLE_ARN", "AWS_ROLE_ARN, or role_arn of the profile,")
            } else {
                ("role_arn", "role_arn of the profile")
            };
            let what = format!("{source} is set, but {missing} is not");
            let hint = format!("set {places} to the role that the web identity is for");
            return Err(RunError::configuration(what).hint(hint));
        };
        Ok(Some(Self {
            session_name: parsed(find("role_session_name")?, ident::session_name)?,
            token_file: Some(token_file),
            ..Self::of(arn.parsed(RoleArn::from_str)?)
        }))
    }

    /// Assumes the role with the web identity token, or with the credentials of `base` and the code of an MFA device. Returns
    /// the credentials, and the session as the AWS CLI caches it.
    ///
    /// # Errors
    ///
    /// The token cannot be read, or STS returns no session of this role in time.
    pub(super) async fn assume(
        &self,
        base: Option<Credentials>,
        code: Option<&TokenCode>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<(Credentials, Value), RunError> {
        let token = self.token_file.as_ref().map(read_token).transpose()?;
        let operation = Operation::Sts(match &token {
            Some(_) => "AssumeRoleWithWebIdentity",
            None => "AssumeRole",
        });
        let sdk = if self.is_by_option {
            settings.sdk_of_identity()?
        } else {
            settings.sdk_of("sts", settings.region())?
        };
        let client = sts::client(&sdk, base, Retries::Sdk);
        let attempts = Attempts::of(operation);
        let recorder = sts::session_recorder(&attempts, settings);
        let failed = |error: &(dyn Error + 'static)| output_error(&attempts, error);
        let session_name = self.session_name.clone().unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            format!("iam-del-key-{}", since.unwrap_or_default().as_secs())
        });
        let call = async {
            if let Some(token) = token {
                let call = client
                    .assume_role_with_web_identity()
                    .role_arn(self.arn.as_str())
                    .role_session_name(session_name)
                    .web_identity_token(token);
                let sent = call.customize().interceptor(recorder).send().await;
                let output = sent.map_err(|error| failed(&error))?;
                return Ok((output.credentials, output.assumed_role_user));
            }
            let call = client
                .assume_role()
                .role_arn(self.arn.as_str())
                .role_session_name(session_name)
                .set_external_id(self.external_id.clone())
                .set_duration_seconds(self.duration.as_ref().map(|(seconds, _)| *seconds))
                .set_serial_number(self.serial.clone())
                .set_token_code(code.map(|code| code.as_str().to_owned()));
            let sent = call.customize().interceptor(recorder).send().await;
            let output = sent.map_err(|error| failed(&error))?;
            Ok((output.credentials, output.assumed_role_user))
        };
        let called = budget.spend(Duration::ZERO, call).await;
        let called = called.unwrap_or_else(|| Err(timed_out(&attempts, budget.limit)));
        let (given, user) = called.map_err(|mut failure| {
            if let Some(context) = failure.context_mut() {
                context.name_device = self.name_device();
            }
            let mut stop = run_error(&failure, "STS", NOT_ASSUMED);
            // If a policy other than the role's own denied this, the error already has a hint.
            if failure.is_denied() && stop.hints.is_empty() {
                stop.hints = vec![self.needed().into()];
            }
            let (said, duration) = (stop.message.to_ascii_lowercase(), &self.duration);
            if failure.kind() == Some(ErrorKind::Validation)
                && said.contains("durationseconds")
                && let Some((_, setting)) = duration
            {
                stop.hints = vec![setting.correction().into()];
            }
            if failure.kind() == Some(ErrorKind::Validation)
                && said.contains("invalid principal partition")
            {
                stop.hints
                    .extend(self.other_partition(settings.region().as_ref()));
            }
            stop
        })?;
        let user = user.as_ref();
        let arn = user.map(AssumedRoleUser::arn);
        self.check(arn.unwrap_or_default())?;
        let account = self.arn.account().as_str();
        let (credentials, session) = of_sts(given.as_ref(), &attempts, account)?;
        let id = user.map(AssumedRoleUser::assumed_role_id);
        let cached = json!({
            "Credentials": session,
            "AssumedRoleUser": { "AssumedRoleId": id, "Arn": arn },
        });
        Ok((credentials, cached))
    }

    /// Checks the ARN of a session. A mixed-up response may belong to the request for another role.
    fn check(&self, arn: &str) -> Result<(), RunError> {
        if self.arn.is_of(arn) {
            return Ok(());
        }
        let expected = self.arn.account();
        let belongs_to = match arn.split(':').nth(4).unwrap_or_default() {
            "" => "an account that STS did not report".to_owned(),
            account if account != expected.as_str() => format!("account {}", escape(account)),
            _ => {
                return Err(RunError::refused(format!(
                    "the session is {}, which is not one of the role {}",
                    escape_field(arn),
                    escape_field(self.arn.as_str())
                )));
            }
        };
        Err(RunError::refused(format!(
            "the session belongs to {belongs_to}, and the role to account {expected}"
        )))
    }

    /// Returns how to name the MFA device of the user who assumes this role. `None`: a device is named, or no user assumes it.
    fn name_device(&self) -> Option<String> {
        let device = "with the user's MFA device";
        match &self.profile {
            _ if self.serial.is_some() || self.token_file.is_some() => None,
            _ if self.is_by_option => Some(format!("add --serial-number {device}")),
            Some(name) => {
                let name = escape(name);
                Some(format!("add mfa_serial {device} to the profile `{name}`"))
            }
            None => None,
        }
    }

    /// Returns the hint if the role is in another partition than the Region.
    fn other_partition(&self, region: &str) -> Option<Hint> {
        let (ours, theirs) = (partition(region), self.arn.partition());
        let hint = format!(
            "the role is in the partition {theirs}, and the Region {region} in {ours}: correct the ARN of the role, or use a Region \
             (--region) and credentials of {theirs}"
        );
        (ours != theirs).then(|| hint.into())
    }

    /// Returns the hint for a denied request.
    fn needed(&self) -> String {
        let arn = self.arn.as_str();
        if self.token_file.is_some() {
            return format!("the trust policy of {arn} must allow this web identity");
        }
        let ([external_id, serial], place) = if self.is_by_option {
            (["--external-id", "--serial-number"], "")
        } else {
            (["external_id", "mfa_serial"], " in its profile")
        };
        let (with, missing) = match (&self.external_id, &self.serial) {
            (None, None) => ("", format!("{external_id} or {serial}")),
            (None, Some(_)) => ("", external_id.to_owned()),
            (Some(_), None) => (" with this external ID", serial.to_owned()),
            (Some(_), Some(_)) => (" with this external ID", String::new()),
        };
        let others = match missing.as_str() {
            "" => missing,
            _ => format!("; it may require {missing}{place}"),
        };
        format!(
            "the caller needs the permission sts:AssumeRole on {arn}, and the role's trust policy must allow the caller{with}{others}"
        )
    }
}

/// Reads a web identity token.
fn read_token(file: &Setting) -> Result<String, RunError> {
    let path = Path::new(&file.value);
    let wrong = |what: &str| {
        let path = escape_path(path);
        file.stop(&format!("names `{path}`, which {what}"))
    };
    let token = small_file::read_token(path);
    let token = token.map_err(|error| wrong(&format!("could not be read: {error}")))?;
    if token.trim().is_empty() {
        return Err(wrong("is empty"));
    }
    // Each part of a JSON Web Token is a secret too.
    for secret in token.split('.').chain([&*token]) {
        learn(secret.trim());
    }
    // Python converts line breaks when it reads text.
    Ok(token.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Parses a setting if there is one.
fn parsed(
    setting: Option<Setting>,
    parse: fn(&str) -> Result<String, Invalid>,
) -> Result<Option<String>, RunError> {
    setting.map(|setting| setting.parsed(parse)).transpose()
}
