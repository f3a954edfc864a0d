//! Roles: assumed with a key or with a web identity token.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_sts::types;
use aws_types::region::Region;

use super::attempts::Record;
use super::call::failure;
use super::config_file::Profile;
use super::key::Key;
use super::recorder::Recorder;
use super::responses::Responses;
use super::setting::Setting;
use super::settings::Settings;
use super::small_file;
use super::sts;
use crate::failure::Code;
use crate::invalid::shown_path;
use crate::log::Log;
use crate::report;
use crate::stop::Stop;

/// The parameters of `AssumeRole`, as a profile has them.
#[derive(Debug)]
pub(super) struct Role {
    arn: String,
    session_name: Option<String>,
    external_id: Option<String>,
    duration: Option<i32>,
}

/// The parameters of `AssumeRoleWithWebIdentity`, each from a variable or a profile.
#[derive(Debug)]
pub(super) struct WebIdentity {
    token_file: Setting,
    arn: String,
    session_name: Option<String>,
}

impl Role {
    /// The role of a profile.
    ///
    /// # Errors
    ///
    /// An ARN that cannot be one, a duration that is not a number.
    pub(super) fn new(profile: Profile<'_>, arn: &Setting) -> Result<Self, Stop> {
        let duration = profile.get("duration_seconds").map(|setting| {
            let seconds = setting.value.parse();
            seconds.map_err(|_| setting.wrong("it must be a number of seconds"))
        });
        Ok(Self {
            arn: checked_arn(arn)?,
            session_name: profile
                .get("role_session_name")
                .map(long_enough)
                .transpose()?,
            external_id: profile
                .chosen("external_id")?
                .map(long_enough)
                .transpose()?,
            duration: duration.transpose()?,
        })
    }

    /// Assumes the role with the credentials of `base`.
    ///
    /// # Errors
    ///
    /// STS does not give them.
    pub(super) async fn assume(
        &self,
        base: Credentials,
        settings: &Settings,
        region: &Region,
        log: Log,
    ) -> Result<Credentials, Stop> {
        let (record, operation) = (Record::default(), "AssumeRole");
        let client = sts::client(Some(base), settings, region, log)?;
        let call = client
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(session_name(self.session_name.as_ref()))
            .set_external_id(self.external_id.clone())
            .set_duration_seconds(self.duration)
            .customize()
            .interceptor(Recorder::new(
                &record,
                operation,
                &Responses::default(),
                log.without_bodies(),
            ));
        let result = call.send().await;
        let output = result.map_err(|error| refused(operation, &record, &error))?;
        let user = output.assumed_role_user();
        let arn = user.map(types::AssumedRoleUser::arn);
        credentials(output.credentials(), arn, operation)
    }
}

impl WebIdentity {
    /// The web identity of a profile, and of the variables where those count.
    ///
    /// # Errors
    ///
    /// A token without a role.
    pub(super) fn choose(profile: Profile<'_>, variables: bool) -> Result<Option<Self>, Stop> {
        let find = |variable, name: &str| {
            let named = if variables {
                Setting::variable(variable)?
            } else {
                None
            };
            Ok(named.or_else(|| profile.get(name)))
        };
        let token_file = match Setting::variable("AWS_WEB_IDENTITY_TOKEN_FILE")? {
            Some(setting) if variables => Some(setting),
            _ => profile.chosen("web_identity_token_file")?,
        };
        let Some(token_file) = token_file else {
            return Ok(None);
        };
        let Some(arn) = find("AWS_ROLE_ARN", "role_arn")? else {
            let source = &token_file.source;
            return Err(Stop::configuration(format!(
                "{source} is set, but AWS_ROLE_ARN is not"
            ))
            .hint("set AWS_ROLE_ARN, or role_arn of the profile, to the role that the web identity is for"));
        };
        let session_name = find("AWS_ROLE_SESSION_NAME", "role_session_name")?;
        Ok(Some(Self {
            token_file,
            arn: checked_arn(&arn)?,
            session_name: session_name.map(long_enough).transpose()?,
        }))
    }

    /// Where the token comes from.
    pub(super) fn origin(&self) -> &str {
        &self.token_file.source
    }

    /// Whether a profile says so, rather than a variable.
    pub(super) fn is_of_profile(&self) -> bool {
        self.token_file.place.is_some()
    }

    /// Assumes the role with the token.
    ///
    /// # Errors
    ///
    /// The token cannot be read; STS does not give credentials.
    pub(super) async fn assume(
        &self,
        settings: &Settings,
        region: &Region,
        log: Log,
    ) -> Result<Credentials, Stop> {
        let path = Path::new(&self.token_file.value);
        let wrong = |what: &str| {
            let path = shown_path(path);
            self.token_file
                .stop(&format!("names `{path}`, which {what}"))
        };
        let token = small_file::read_text(path);
        let token = token.map_err(|error| wrong(&format!("could not be read: {error}")))?;
        if token.trim().is_empty() {
            return Err(wrong("is empty"));
        }
        // As Python reads text.
        let token = token.replace("\r\n", "\n").replace('\r', "\n");
        let (record, operation) = (Record::default(), "AssumeRoleWithWebIdentity");
        let client = sts::client(None, settings, region, log)?;
        let call = client
            .assume_role_with_web_identity()
            .role_arn(&self.arn)
            .role_session_name(session_name(self.session_name.as_ref()))
            .web_identity_token(token)
            .customize()
            .interceptor(Recorder::new(
                &record,
                operation,
                &Responses::default(),
                log.without_bodies(),
            ));
        let result = call.send().await;
        let output = result.map_err(|error| refused(operation, &record, &error))?;
        let user = output.assumed_role_user();
        let arn = user.map(types::AssumedRoleUser::arn);
        credentials(output.credentials(), arn, operation)
    }
}

fn session_name(configured: Option<&String>) -> String {
    configured.cloned().unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        format!("iam-del-key-{}", since.unwrap_or_default().as_secs())
    })
}

fn long_enough(setting: Setting) -> Result<String, Stop> {
    if setting.value.chars().count() < 2 {
        return Err(setting.wrong("it must have at least two characters"));
    }
    Ok(setting.value)
}

fn checked_arn(arn: &Setting) -> Result<String, Stop> {
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`');
    if arn.value.contains(is_wrong) {
        return Err(arn.wrong("a role ARN has no white space and no quotes"));
    }
    Ok(arn.value.clone())
}

fn credentials(
    output: Option<&types::Credentials>,
    arn: Option<&str>,
    operation: &str,
) -> Result<Credentials, Stop> {
    let Some(output) = output else {
        return Err(Stop::credentials(format!(
            "{operation} gave no credentials"
        )));
    };
    let setting = |name: &str, value| Setting::new(format!("{name} from {operation}"), value);
    let key = Key {
        id: setting("AccessKeyId", output.access_key_id()),
        secret: setting("SecretAccessKey", output.secret_access_key()),
        token: Some(setting("SessionToken", output.session_token())),
        account: arn.and_then(|arn| arn.split(':').nth(4)).map(str::to_owned),
        expiry: SystemTime::try_from(*output.expiration()).ok(),
    };
    key.credentials("AssumeRole")
}

fn refused(
    operation: &'static str,
    record: &Record,
    error: &(impl std::error::Error + 'static),
) -> Stop {
    let failure = failure(operation, record, Some(error));
    let denied = failure
        .service()
        .is_some_and(|error| error.family() == Code::AccessDenied);
    let mut stop = report::stop(&failure, "STS", "no credentials: ");
    if denied {
        stop.hints = vec![
            "check that the role exists, that its trust policy allows the caller, and that the caller may assume it"
                .to_owned(),
        ];
    }
    stop
}
