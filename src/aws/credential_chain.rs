//! Chooses the source of the credentials as AWS CLI version 2 does. With `--profile`, only that profile is a source.

use super::config_file::Profile;
use super::connection::Connection;
use super::container;
use super::credential_parts::{KEY_SETTINGS, from_environment, from_section};
use super::credentials::{ENVIRONMENT, INSTANCE, Provider, Source};
use super::ini;
use super::role::Role;
use super::setting::Setting;
use super::settings::{BY_OPTION, Settings};
use super::sso::Sso;
use crate::command_line::CommandLine;
use crate::error::RunError;
use crate::lock::lock;
use crate::sanitize::escape;

impl Source {
    /// Chooses the source, and adds the role of the command line.
    ///
    /// # Errors
    ///
    /// A source is configured incompletely, or no role requires the code of `--token-code`.
    pub(crate) fn choose(connection: &Connection, settings: &Settings) -> Result<Self, RunError> {
        let mut source = Self::configured(settings)?;
        if let Some(role) = Self::of_options(connection) {
            source = role.assumed_with(source);
        }
        let has_device = source.has_device() || connection.serial_number.is_some();
        if lock(&settings.token_code).is_some() && !has_device {
            return Err(source.without_device(connection));
        }
        Ok(source)
    }

    /// Creates the error for a code whose device nobody names.
    fn without_device(&self, connection: &Connection) -> RunError {
        let is_by_option = connection.role_arn.is_some() || connection.role_name.is_some();
        match (&self.provider, &self.profile) {
            _ if is_by_option => RunError::usage("--token-code needs --serial-number")
                .hint("add --serial-number with the MFA device of the role, or omit --token-code"),
            (Provider::Role(role), Some(profile)) if role.token_file.is_none() => {
                let name = escape(profile);
                RunError::usage(format!(
                    "--token-code needs an MFA device, and the profile `{name}` has no mfa_serial"
                ))
                .hint("add mfa_serial with the MFA device to the profile, or omit --token-code")
            }
            _ => RunError::usage("--token-code is only for a role with an MFA device").hint(
                "name the role with --role-arn and the device with --serial-number, or omit --token-code",
            ),
        }
    }

    /// Whether a role requires an MFA code.
    fn has_device(&self) -> bool {
        matches!(&self.provider, Provider::Role(role) if role.serial.is_some())
            || self.base.as_ref().is_some_and(|base| base.has_device())
    }

    /// Chooses the source without options, in the order of the AWS CLI: environment variables, a role of the profile,
    /// other sources of the profile, and then the metadata service of the container or the instance.
    ///
    /// # Errors
    ///
    /// A source is configured incompletely, or the profile of `--profile` has none.
    fn configured(settings: &Settings) -> Result<Self, RunError> {
        let only = settings.profile_by == Some(BY_OPTION);
        if !only && let Some(credentials) = from_environment()? {
            warn(settings, "AWS_ACCESS_KEY_ID");
            return Ok(Self::new(Provider::Static(credentials), ENVIRONMENT, None));
        }
        let profile = settings.profile();
        let arn = profile.chosen("role_arn")?;
        let found = match arn.filter(|_| !profile.has_any(&["web_identity_token_file"])) {
            Some(arn) => Some(Self::of_role(profile, &arn, settings, &mut Vec::new())?),
            None => Self::own(profile, settings, !only)?,
        };
        if let Some(source) = found {
            if matches!(&source.provider, Provider::Role(role) if role.token_file.is_some())
                && source.profile.is_none()
            {
                warn(settings, "AWS_WEB_IDENTITY_TOKEN_FILE");
            }
            return Ok(source);
        }
        if only {
            let name = escape(profile.name);
            return Err(RunError::credentials(format!(
                "the profile `{name}` has no credentials, and --profile rules out other sources"
            ))
            .hint(CommandLine::new("aws configure").option("--profile", profile.name)));
        }
        Ok(if container::is_configured()? {
            Self::new(Provider::Container, "the container", None)
        } else {
            Self::new(Provider::Instance, INSTANCE, None)
        })
    }

    /// Returns the role of a profile, with the source that assumes it. `visited` contains the profiles that led to it.
    fn of_role(
        profile: Profile<'_>,
        arn: &Setting,
        settings: &Settings,
        visited: &mut Vec<String>,
    ) -> Result<Self, RunError> {
        let name = escape(profile.name);
        visited.push(profile.name.to_owned());
        let source = profile.chosen("credential_source")?;
        let base = match (source, profile.chosen("source_profile")?) {
            (Some(source), Some(_)) => {
                let mut stop =
                    source.stop("is set, and source_profile as well: a role has one source");
                stop.hints.clear();
                return Err(stop.hint(format!("remove one of the two from the profile `{name}`")));
            }
            (None, None) => {
                let mut stop = arn.stop("is set without source_profile or credential_source");
                stop.hints.clear();
                return Err(stop.hint(format!(
                    "add source_profile to the profile `{name}`, with the name of the profile whose credentials assume the role, or \
                     add credential_source"
                )));
            }
            (Some(source), None) => Self::named(&source, &name)?,
            (None, Some(source)) => Self::of_source_profile(&source, settings, visited)?,
        };
        let role = Provider::Role(Role::new(profile, arn)?);
        let origin = format!("the role of profile `{name}`");
        Ok(Self::new(role, origin, Some(profile)).assumed_with(base))
    }

    /// Returns the source that `credential_source` names.
    fn named(source: &Setting, profile: &str) -> Result<Self, RunError> {
        let none = || source.wrong("those credentials do not exist");
        let provider = match source.value.as_str() {
            "Environment" => Provider::Static(from_environment()?.ok_or_else(|| {
                none().hint(
                    "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and name the profile with --profile",
                )
            })?),
            "EcsContainer" if container::is_configured()? => Provider::Container,
            "EcsContainer" => return Err(none()),
            "Ec2InstanceMetadata" => Provider::Instance,
            _ => {
                return Err(
                    source.wrong("it must be Environment, EcsContainer or Ec2InstanceMetadata")
                );
            }
        };
        let origin = format!("credential_source of profile `{profile}`");
        Ok(Self::new(provider, origin, None))
    }

    /// Returns the source of the profile that `source_profile` names.
    fn of_source_profile(
        setting: &Setting,
        settings: &Settings,
        visited: &mut Vec<String>,
    ) -> Result<Self, RunError> {
        let name = setting.value.as_str();
        let source = settings.files.profile(name);
        if !source.is_defined() {
            let what = "that profile does not exist";
            return Err(settings.files.missing("profile", setting, what));
        }
        let is_own = visited.last().is_some_and(|parent| parent == name);
        let is_seen = visited.iter().any(|known| known == name);
        if is_seen && !(is_own && source.has_any(&KEY_SETTINGS)) {
            let rule = if is_own {
                "the profile has no key of its own"
            } else {
                "the profiles form a loop"
            };
            return Err(setting.wrong(rule));
        }
        let takes_precedence = [KEY_SETTINGS[0], KEY_SETTINGS[1], "web_identity_token_file"];
        if !source.has_any(&takes_precedence)
            && let Some(arn) = source.chosen("role_arn")?
        {
            return Self::of_role(source, &arn, settings, visited);
        }
        let own = Self::own(source, settings, false)?;
        own.ok_or_else(|| setting.wrong("that profile has no credentials"))
    }

    /// Returns the source of a profile, apart from a role with a source profile. With `variables`, the environment
    /// variables of web identities count too.
    fn own(
        profile: Profile<'_>,
        settings: &Settings,
        variables: bool,
    ) -> Result<Option<Self>, RunError> {
        if let Some(role) = Role::of_web_identity(profile, variables)?
            && let Some(token_file) = &role.token_file
        {
            let origin = format!("the web identity token of {}", token_file.source);
            // Only settings in a file have a place.
            let profile = token_file.place.as_ref().map(|_| profile);
            return Ok(Some(Self::new(Provider::Role(role), origin, profile)));
        }
        let name = escape(profile.name);
        let (provider, what) = if let Some(sso) = Sso::choose(profile, &settings.files)? {
            (Provider::Sso(sso), "the SSO session")
        } else if let Some(credentials) = from_section(profile.credentials, profile)? {
            (Provider::Static(credentials), "the key")
        } else if let Some(session) = profile.chosen("login_session")? {
            let sign_in = CommandLine::new("aws login").option("--profile", profile.name);
            (Provider::Login(session.value, sign_in), "the login session")
        } else if let Some(command) = profile.chosen("credential_process")? {
            let words = ini::words(&command.value).filter(|words| !words.is_empty());
            let what = "is not a command: a quote is not closed, or it ends with a backslash";
            let process = Provider::Process(words.ok_or_else(|| command.stop(what))?);
            (process, "the credential_process")
        } else if let Some(credentials) = from_section(profile.config, profile)? {
            (Provider::Static(credentials), "the key")
        } else {
            return Ok(None);
        };
        let origin = format!("{what} of profile `{name}`");
        Ok(Some(Self::new(provider, origin, Some(profile))))
    }
}

/// Warns that a variable takes precedence over the profile that the user named.
fn warn(settings: &Settings, variable: &str) {
    if let Some(named) = settings.profile_by {
        let name = escape(&settings.profile_name);
        settings.log.warning(&format!(
            "the profile `{name}` ({named}) does not provide the credentials: {variable} takes precedence"
        ));
    }
}
