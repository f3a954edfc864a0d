//! Who signs: the source of the credentials, chosen as AWS CLI version 2 chooses it, and asked under a limit of its own.
//! A profile given by option is the only source there is.

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

/// The source that is left where no other is configured.
const INSTANCE: &str = "the instance";

/// Where credentials come from. It can be asked again, and is then the same source.
#[derive(Debug)]
pub(crate) struct Source {
    way: Way,
    /// In words.
    origin: String,
    /// The profile that the credentials come from; `None` where they come from elsewhere.
    pub(super) profile: Option<String>,
}

#[derive(Debug)]
enum Way {
    Static(Credentials),
    Process(CredentialProcess),
    Sso(Sso),
    Login(Login),
    WebIdentity(Role),
    Role(Role, Box<Source>),
    Root(Root, Box<Source>),
    Container,
    Instance,
}

/// Credentials, and the IDs of the key that signs and of those that stand behind it.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) credentials: Credentials,
    pub(crate) key_ids: Vec<String>,
}

impl Source {
    fn new(way: Way, origin: impl Into<String>, profile: Option<Profile<'_>>) -> Self {
        Self {
            way,
            origin: origin.into(),
            profile: profile.map(|profile| profile.name.to_owned()),
        }
    }

    /// The source, with the role of the command line on top of it.
    ///
    /// # Errors
    ///
    /// As of `base`; a code of an MFA device that no role requires.
    pub(crate) fn choose(connection: &Connection, settings: &Settings) -> Result<Self, RunError> {
        let source = Self::base(settings)?.with_role_of(connection);
        let has_device = source.has_device() || connection.serial_number.is_some();
        if lock(&settings.token_code).is_some() && !has_device {
            return Err(RunError::usage(
                "--token-code is given, and no role in use requires MFA",
            )
            .hint("name the device with --serial-number and the role with --role-arn, or omit --token-code"));
        }
        Ok(source)
    }

    /// The source, with the role of the command line on top of it, if that is known.
    pub(super) fn with_role_of(self, connection: &Connection) -> Self {
        let Some(role) = Role::of_options(connection) else {
            return self;
        };
        let option = match connection.role_name {
            Some(_) => "--role-name",
            None => "--role-arn",
        };
        let origin = format!("{option}, assumed with {}", self.origin);
        Self::new(Way::Role(role, Box::new(self)), origin, None)
    }

    /// The source, with the root user of a member account on top of it.
    pub(super) fn with_root(self, root: Root) -> Self {
        let origin = format!("--target-principal, assumed with {}", self.origin);
        Self::new(Way::Root(root, Box::new(self)), origin, None)
    }

    /// Whether a role requires a code of an MFA device.
    fn has_device(&self) -> bool {
        match &self.way {
            Way::Role(role, base) => role.device.is_some() || base.has_device(),
            Way::Root(_, base) => base.has_device(),
            _ => false,
        }
    }

    /// The source, in the order of the AWS CLI: variables, a role of the profile, the other sources of the profile, the
    /// machine's.
    ///
    /// # Errors
    ///
    /// A source that is only half configured; with `--profile`, none in the profile.
    fn base(settings: &Settings) -> Result<Self, RunError> {
        let only = settings.profile_by == Some(BY_OPTION);
        if !only && let Some(credentials) = from_environment()? {
            warn(settings, "AWS_ACCESS_KEY_ID");
            let origin = "the environment variables";
            return Ok(Self::new(Way::Static(credentials), origin, None));
        }
        let profile = settings.profile();
        let arn = profile.chosen("role_arn")?;
        let found = match arn.filter(|_| !profile.has_any(&["web_identity_token_file"])) {
            Some(arn) => Some(Self::of_role(profile, &arn, settings, &mut Vec::new())?),
            None => Self::own(profile, settings, !only)?,
        };
        if let Some(source) = found {
            if let Way::WebIdentity(_) = &source.way
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
            Self::new(Way::Container, "the container", None)
        } else {
            Self::new(Way::Instance, INSTANCE, None)
        })
    }

    /// A role, with the source that assumes it. `visited` are the profiles whose roles are assumed with this one.
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
                return Err(arn.stop("is set without source_profile or credential_source"));
            }
            (Some(source), None) => Self::named(&source, &name)?,
            (None, Some(source)) => Self::of_source_profile(&source, settings, visited)?,
        };
        let origin = format!("the role of profile `{name}`, assumed with {}", base.origin);
        let way = Way::Role(Role::new(profile, arn)?, Box::new(base));
        Ok(Self::new(way, origin, Some(profile)))
    }

    fn named(source: &Setting, profile: &str) -> Result<Self, RunError> {
        let none = || source.wrong("those credentials do not exist");
        let way = match source.value.as_str() {
            "Environment" => Way::Static(from_environment()?.ok_or_else(none)?),
            "EcsContainer" if metadata_service::has_container()? => Way::Container,
            "EcsContainer" => return Err(none()),
            "Ec2InstanceMetadata" => Way::Instance,
            _ => {
                return Err(
                    source.wrong("it must be Environment, EcsContainer or Ec2InstanceMetadata")
                );
            }
        };
        let origin = format!("credential_source of profile `{profile}`");
        Ok(Self::new(way, origin, None))
    }

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

    /// What a profile gives without a role that another source assumes.
    fn own(
        profile: Profile<'_>,
        settings: &Settings,
        variables: bool,
    ) -> Result<Option<Self>, RunError> {
        if let Some(role) = Role::of_web_identity(profile, variables)?
            && let Some(token_file) = &role.token_file
        {
            let origin = format!("the web identity token of {}", token_file.source);
            // A variable has no place.
            let profile = token_file.place.as_ref().map(|_| profile);
            return Ok(Some(Self::new(Way::WebIdentity(role), origin, profile)));
        }
        let name = escape(profile.name);
        let (way, what) = if let Some(sso) = Sso::choose(profile, &settings.files)? {
            (Way::Sso(sso), "the SSO session")
        } else if let Some(credentials) = from_section(profile.credentials, profile)? {
            (Way::Static(credentials), "the key")
        } else if let Some(session) = profile.chosen("login_session")? {
            let login = Login::new(&session, profile.name);
            (Way::Login(login), "the login session")
        } else if let Some(command) = profile.chosen("credential_process")? {
            let process = CredentialProcess::new(&command, &name)?;
            (Way::Process(process), "the credential process")
        } else if let Some(credentials) = from_section(profile.config, profile)? {
            (Way::Static(credentials), "the key")
        } else {
            return Ok(None);
        };
        let origin = format!("{what} of profile `{name}`");
        Ok(Some(Self::new(way, origin, Some(profile))))
    }

    /// Whether asking again may give other credentials.
    pub(crate) fn is_renewable(&self) -> bool {
        !matches!(self.way, Way::Static(_))
    }

    /// The region that the source implies, where none is configured: an instance's.
    pub(crate) async fn region(&self, settings: &Settings) -> Result<Option<Region>, RunError> {
        match (&settings.region, &self.way) {
            (None, Way::Instance) => metadata_service::instance_region(settings).await,
            (None, Way::Role(_, base) | Way::Root(_, base)) => {
                Box::pin(base.region(settings)).await
            }
            _ => Ok(None),
        }
    }

    /// Asks for credentials.
    ///
    /// # Errors
    ///
    /// None, wrong, expired, or not in time; with what to run next. Nothing was sent to IAM.
    pub(crate) async fn resolve(
        &self,
        settings: &Settings,
        limit: Duration,
    ) -> Result<Resolved, RunError> {
        self.resolve_on(None, settings, limit).await
    }

    /// The same, where the credentials that assume the role are there already.
    ///
    /// # Errors
    ///
    /// As of `resolve`.
    pub(super) async fn resolve_on(
        &self,
        base: Option<Resolved>,
        settings: &Settings,
        limit: Duration,
    ) -> Result<Resolved, RunError> {
        let mut deadline = Deadline::new(limit);
        let resolved = Box::pin(self.ask(base, settings, &mut deadline)).await?;
        settings.log.verbose(|| {
            let id = escape(resolved.credentials.access_key_id());
            format!("using access key {id}, from {}", self.origin)
        });
        Ok(resolved)
    }

    fn expired(&self) -> RunError {
        let stop = RunError::credentials(format!("the credentials have expired: {}", self.origin));
        match &self.way {
            Way::Sso(Sso { sign_in, .. }) | Way::Login(Login { sign_in, .. }) => {
                stop.hint(sign_in.clone())
            }
            _ => stop.hint("get new credentials from the same source"),
        }
    }

    /// This machine is not an instance that gives credentials.
    fn no_instance(&self, settings: &Settings) -> RunError {
        if self.origin != INSTANCE {
            return RunError::credentials(format!(
                "no credentials: {} is this machine's metadata service, which does not respond",
                self.origin
            ))
            .hint("use it on an instance with a role, and without AWS_EC2_METADATA_DISABLED");
        }
        let files = ConfigFiles::places().join(", ");
        let name = escape(&settings.profile_name);
        RunError::credentials(format!(
            "no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), not in profile `{name}` of {files}, \
             no web identity token, no container and no instance metadata service"
        ))
        .hint("`aws configure` stores credentials; --profile NAME chooses a profile that has them")
    }

    async fn ask(
        &self,
        base: Option<Resolved>,
        settings: &Settings,
        deadline: &mut Deadline,
    ) -> Result<Resolved, RunError> {
        let base = match (&self.way, base) {
            (Way::Role(_, source) | Way::Root(_, source), None) => {
                Some(Box::pin(source.ask(None, settings, deadline)).await?)
            }
            (_, base) => base,
        };
        let mut key_ids = Vec::new();
        let base = base.map(|base| {
            key_ids = base.key_ids;
            base.credentials
        });
        deadline.origin.clone_from(&self.origin);
        let credentials = match (&self.way, base) {
            (Way::Root(root, _), Some(base)) => root.assume(base, settings, deadline).await?,
            (Way::Role(role, _), Some(base)) if let Some(device) = &role.device => {
                device.session(role, base, settings, deadline).await?
            }
            (Way::Role(role, _), Some(base)) => {
                let assuming = role.assume(Some(base), None, settings);
                deadline.bound(assuming).await?.credentials
            }
            _ => deadline.bound(self.ask_itself(settings)).await?,
        };
        let expiry = credentials.expiry();
        if expiry.is_some_and(|expiry| expiry <= SystemTime::now()) {
            return Err(self.expired());
        }
        key_ids.push(credentials.access_key_id().to_owned());
        Ok(Resolved {
            credentials,
            key_ids,
        })
    }

    /// Asks a source that is not a role of another source.
    async fn ask_itself(&self, settings: &Settings) -> Result<Credentials, RunError> {
        match &self.way {
            Way::Static(credentials) => Ok(credentials.clone()),
            Way::Process(process) => process.run(settings.log).await,
            Way::Sso(sso) => sso.fetch_credentials(settings).await,
            Way::Login(login) => login.fetch_credentials(settings).await,
            Way::WebIdentity(role) => Ok(role.assume(None, None, settings).await?.credentials),
            Way::Container => metadata_service::container(settings).await,
            Way::Role(..) | Way::Root(..) | Way::Instance => {
                let credentials = metadata_service::instance(settings).await?;
                credentials.ok_or_else(|| self.no_instance(settings))
            }
        }
    }
}

/// Warns that a profile is named and does not say who signs.
fn warn(settings: &Settings, variable: &str) {
    if let Some(named) = settings.profile_by {
        let name = escape(&settings.profile_name);
        settings.log.warning(&format!(
            "the profile `{name}` ({named}) does not provide the credentials: {variable} takes precedence"
        ));
    }
}
