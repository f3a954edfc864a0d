//! Chooses the source of the credentials as AWS CLI version 2 does, and fetches them. With `--profile`, only that
//! profile is a source.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_types::region::Region;

use super::config_file::{ConfigFiles, Profile};
use super::connection::Connection;
use super::credential_parts::{KEY_SETTINGS, from_environment, from_section};
use super::deadline::Deadline;
use super::login::Login;
use super::metadata_service;
use super::process::CredentialProcess;
use super::role::Role;
use super::root::Root;
use super::setting::Setting;
use super::settings::{BY_OPTION, Settings};
use super::sso::Sso;
use crate::command_line::CommandLine;
use crate::error::RunError;
use crate::lock::lock;
use crate::sanitize::escape;

/// The source if no other is configured.
const INSTANCE: &str = "the instance";

/// A source of credentials. A renewal fetches from the same source.
#[derive(Debug)]
pub(crate) struct Source {
    provider: Provider,
    /// The source for messages.
    origin: String,
    /// The profile that provides the credentials, if one does.
    pub(super) profile: Option<String>,
    /// The source whose credentials assume the role or the root user.
    base: Option<Box<Source>>,
}

#[derive(Debug)]
enum Provider {
    Static(Credentials),
    Process(CredentialProcess),
    Sso(Sso),
    Login(Login),
    /// A role, assumed with other credentials or with a web identity token.
    Role(Role),
    Root(Root),
    Container,
    Instance,
}

/// Credentials, and the IDs of their key and of the keys that assumed their roles.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) credentials: Credentials,
    pub(crate) key_ids: Vec<String>,
}

impl Source {
    fn new(provider: Provider, origin: impl Into<String>, profile: Option<Profile<'_>>) -> Self {
        Self {
            provider,
            origin: origin.into(),
            profile: profile.map(|profile| profile.name.to_owned()),
            base: None,
        }
    }

    /// Sets the source whose credentials assume this role or root user.
    fn assumed_with(mut self, base: Self) -> Self {
        self.origin = format!("{}, assumed with {}", self.origin, base.origin);
        self.base = Some(Box::new(base));
        self
    }

    /// Chooses the source, and adds the role of the command line.
    ///
    /// # Errors
    ///
    /// A source is configured incompletely, or no role requires the code of `--token-code`.
    pub(crate) fn choose(connection: &Connection, settings: &Settings) -> Result<Self, RunError> {
        let source = Self::configured(settings)?.with_role_of(connection);
        let has_device = source.has_device() || connection.serial_number.is_some();
        if lock(&settings.token_code).is_some() && !has_device {
            return Err(source.without_device(connection));
        }
        Ok(source)
    }

    /// Adds the role of the command line. The role of `--role-name` may not be known yet.
    pub(super) fn with_role_of(self, connection: &Connection) -> Self {
        let Some(role) = Role::of_options(connection) else {
            return self;
        };
        let option = match connection.role_name {
            Some(_) => "--role-name",
            None => "--role-arn",
        };
        Self::new(Provider::Role(role), option, None).assumed_with(self)
    }

    /// Adds the root user of a member account.
    pub(super) fn with_root(self, root: Root) -> Self {
        Self::new(Provider::Root(root), "--target-principal", None).assumed_with(self)
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
        matches!(&self.provider, Provider::Role(role) if role.device.is_some())
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
            let origin = "the environment variables";
            return Ok(Self::new(Provider::Static(credentials), origin, None));
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
        Ok(if metadata_service::has_container()? {
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
                return Err(
                    source.stop("is set, and source_profile as well: a role has one source")
                );
            }
            (None, None) => {
                let mut stop = arn.stop("is set without source_profile or credential_source");
                stop.hints = vec![format!(
                    "add source_profile to the profile `{name}`, with the name of the profile whose credentials assume the role, or \
                     add credential_source"
                )];
                return Err(stop);
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
            "Environment" => Provider::Static(from_environment()?.ok_or_else(none)?),
            "EcsContainer" if metadata_service::has_container()? => Provider::Container,
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
            return Err(setting.wrong("that profile does not exist"));
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
            let login = Login::new(&session, profile.name);
            (Provider::Login(login), "the login session")
        } else if let Some(command) = profile.chosen("credential_process")? {
            let process = CredentialProcess::new(&command, &name)?;
            (Provider::Process(process), "the credential process")
        } else if let Some(credentials) = from_section(profile.config, profile)? {
            (Provider::Static(credentials), "the key")
        } else {
            return Ok(None);
        };
        let origin = format!("{what} of profile `{name}`");
        Ok(Some(Self::new(provider, origin, Some(profile))))
    }

    /// Whether the source may return new credentials.
    pub(crate) fn is_renewable(&self) -> bool {
        !matches!(self.provider, Provider::Static(_))
    }

    /// Returns the region of the instance if the credentials come from it and no region is configured.
    pub(crate) async fn region(&self, settings: &Settings) -> Result<Option<Region>, RunError> {
        match (&settings.region, &self.provider, &self.base) {
            (None, Provider::Instance, _) => metadata_service::instance_region(settings).await,
            (None, _, Some(base)) => Box::pin(base.region(settings)).await,
            _ => Ok(None),
        }
    }

    /// Fetches the credentials within `limit`. `base` are the credentials that assume the role or the root user, if they
    /// were fetched before.
    ///
    /// # Errors
    ///
    /// There are no credentials, or they are invalid or expired, or they did not arrive in time.
    pub(super) async fn resolve(
        &self,
        base: Option<Resolved>,
        settings: &Settings,
        limit: Duration,
    ) -> Result<Resolved, RunError> {
        let mut deadline = Deadline::new(limit);
        let resolved = Box::pin(self.fetch(base, settings, &mut deadline)).await?;
        settings.log.verbose(|| {
            let id = escape(resolved.credentials.access_key_id());
            format!("using access key {id}, from {}", self.origin)
        });
        Ok(resolved)
    }

    /// Creates the error for expired credentials.
    fn expired(&self) -> RunError {
        let stop = RunError::credentials(format!("the credentials have expired: {}", self.origin));
        match &self.provider {
            Provider::Sso(Sso { sign_in, .. }) | Provider::Login(Login { sign_in, .. }) => {
                stop.hint(sign_in.clone())
            }
            _ => stop.hint("get new credentials from the same source"),
        }
    }

    /// Creates the error if the metadata service is disabled, does not respond, or has no credentials.
    fn no_instance(&self, settings: &Settings) -> RunError {
        if self.origin != INSTANCE {
            return RunError::credentials(format!(
                "no credentials: {} is this machine's metadata service, which provides none",
                self.origin
            ))
            .hint("use it on an instance with a role, and without AWS_EC2_METADATA_DISABLED");
        }
        let files = ConfigFiles::places().join(", ");
        let name = escape(&settings.profile_name);
        RunError::credentials(format!(
            "no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), not in profile `{name}` of {files}, \
             no web identity token, no container, and none from the instance metadata service"
        ))
        .hint(match ConfigFiles::turned_off_by() {
            Some(variable) => format!(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or unset {variable}, which turns off the file with your \
                 profiles"
            ),
            None => "`aws configure` stores credentials; --profile NAME chooses a profile that has them"
                .to_owned(),
        })
    }

    async fn fetch(
        &self,
        base: Option<Resolved>,
        settings: &Settings,
        deadline: &mut Deadline,
    ) -> Result<Resolved, RunError> {
        let base = match (base, &self.base) {
            (None, Some(source)) => Some(Box::pin(source.fetch(None, settings, deadline)).await?),
            (base, _) => base,
        };
        let (base, key_ids) = base.map(|base| (base.credentials, base.key_ids)).unzip();
        deadline.origin.clone_from(&self.origin);
        let credentials = match &self.provider {
            Provider::Static(credentials) => credentials.clone(),
            Provider::Process(process) => deadline.bound(process.run(settings.log)).await?,
            Provider::Sso(sso) => deadline.bound(sso.fetch_credentials(settings)).await?,
            Provider::Login(login) => deadline.bound(login.fetch_credentials(settings)).await?,
            Provider::Role(role) if let Some(device) = &role.device => {
                device.session(role, base, settings, deadline).await?
            }
            Provider::Role(role) => {
                let assuming = role.assume(base, None, settings);
                deadline.bound(assuming).await?.credentials
            }
            Provider::Root(root) => root.assume(base, settings, deadline).await?,
            Provider::Container => {
                deadline
                    .bound(metadata_service::container(settings))
                    .await?
            }
            Provider::Instance => {
                let fetched = deadline.bound(metadata_service::instance(settings)).await?;
                fetched.ok_or_else(|| self.no_instance(settings))?
            }
        };
        let expiry = credentials.expiry();
        if expiry.is_some_and(|expiry| expiry <= SystemTime::now()) {
            return Err(self.expired());
        }
        let mut key_ids: Vec<String> = key_ids.unwrap_or_default();
        key_ids.push(credentials.access_key_id().to_owned());
        Ok(Resolved {
            credentials,
            key_ids,
        })
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
