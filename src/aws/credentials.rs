//! The sources of credentials, and how the credentials are fetched. `credential_chain.rs` chooses the source.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use aws_config::Region;
use aws_credential_types::Credentials;

use super::config_file::{ConfigFiles, Profile};
use super::connection::Connection;
use super::container;
use super::credential_parts::{EXPIRATION, UNSET};
use super::login;
use super::metadata_service;
use super::process;
use super::role::Role;
use super::root::Root;
use super::settings::Settings;
use super::sso::Sso;
use super::time_budget::TimeBudget;
use crate::command_line::CommandLine;
use crate::error::{CredentialKind, Hint, RunError, ServiceError, without_suffix};
use crate::known_secret::learn;
use crate::lock::lock;
use crate::sanitize::{escape, escape_path};

/// `AWS_ACCESS_KEY_ID` and its companions.
pub(super) const ENVIRONMENT: &str = "the environment variables";
/// The source if no other is configured.
pub(super) const INSTANCE: &str = "the instance";

/// A source of credentials. A renewal fetches from the same source.
pub(crate) struct Source {
    pub(super) provider: Provider,
    /// The source for messages.
    origin: String,
    /// The profile that provides the credentials, if one does.
    pub(super) profile: Option<String>,
    /// The source whose credentials assume the role or the root user.
    pub(super) base: Option<Box<Source>>,
}

pub(super) enum Provider {
    Static(Credentials),
    /// The words of a `credential_process`.
    Process(Vec<String>),
    Sso(Sso),
    /// The session of `aws login`, and the command to sign in again.
    Login(String, CommandLine),
    /// A role, assumed with other credentials or with a web identity token.
    Role(Role),
    Root(Root),
    Container,
    Instance,
}

// The arguments of a process may contain a secret.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described())
    }
}

impl Source {
    /// Creates a source that needs no other one.
    pub(super) fn new(
        provider: Provider,
        origin: impl Into<String>,
        profile: Option<Profile<'_>>,
    ) -> Self {
        Self {
            provider,
            origin: origin.into(),
            profile: profile.map(|profile| profile.name.to_owned()),
            base: None,
        }
    }

    /// Sets the source whose credentials assume this role or root user.
    pub(super) fn assumed_with(mut self, base: Self) -> Self {
        self.base = Some(Box::new(base));
        self
    }

    /// Describes the source with those that assume its role. Nobody knows which key a cached session was created with.
    fn described(&self) -> String {
        match (self.cached_file(), &self.base) {
            (Some(file), _) => format!("the cached session in `{}`", escape_path(&file)),
            (None, Some(base)) => format!("{}, assumed with {}", self.origin, base.described()),
            (None, None) => self.origin.clone(),
        }
    }

    /// Returns the file that the last session was read from. `None`: the credentials are not a cached session.
    fn cached_file(&self) -> Option<PathBuf> {
        match &self.provider {
            Provider::Role(role) => lock(&role.cached_in).clone(),
            _ => None,
        }
    }

    /// Returns the hints if AWS rejects these credentials and no person entered them: they are a cached session, whose file
    /// says that it is valid, or were just fetched.
    pub(super) fn rejected_hints(&self, error: Option<&ServiceError>) -> Option<Vec<Hint>> {
        let error = error.filter(|error| error.rejects_session())?;
        let region = error.region_hint();
        let hint = self.rejected_hint(error, region.is_some())?;
        Some(region.into_iter().chain([hint]).collect())
    }

    /// Returns the hint about the source of rejected credentials. `may_be_region`: another hint says first to check the Region.
    fn rejected_hint(&self, error: &ServiceError, may_be_region: bool) -> Option<Hint> {
        if let Some(file) = self.cached_file() {
            let file = escape_path(&file);
            let why = if may_be_region {
                "if it is right, AWS rejects the cached session"
            } else {
                "AWS rejects the cached session"
            };
            return Some(format!("{why}: to get a new one, remove `{file}`").into());
        }
        let kind = error.context.credentials;
        let code = error.code.as_deref().map_or("", without_suffix);
        let origin = self.described();
        let hint = match (code, &self.provider) {
            (_, Provider::Static(_)) => return None,
            _ if error.context.clocks.is_some() => return None,
            ("SignatureDoesNotMatch", _) => format!(
                "a proxy may have changed the request, which was signed with credentials from {origin}: check the endpoint \
                 URL and the proxy"
            ),
            // A process may print a session that a person created.
            (_, Provider::Process(_)) if kind == CredentialKind::Session => return None,
            (_, Provider::Process(_)) if kind == CredentialKind::SessionWithoutToken => format!(
                "{origin} returned a temporary access key without its SessionToken: run the command by itself to see what is \
                 wrong"
            ),
            ("InvalidClientTokenId" | "UnrecognizedClient", _) => format!(
                "AWS rejects the credentials from {origin}: use other credentials (--profile NAME)"
            ),
            _ => return None,
        };
        Some(hint.into())
    }

    /// Replaces the hints of an error about a request that these credentials signed if something else follows from their
    /// source.
    pub(super) fn with_hint(&self, mut stop: RunError) -> RunError {
        if let Some(hints) = self.rejected_hints(stop.service.as_deref()) {
            stop.hints = hints;
        }
        stop
    }

    /// Returns the role of the command line. `None`: there is none, or the role of `--role-name` is not known yet.
    pub(super) fn of_options(connection: &Connection) -> Option<Self> {
        let role = Role::of_options(connection)?;
        let option = match connection.role_name {
            Some(_) => "--role-name",
            None => "--role-arn",
        };
        Some(Self::new(Provider::Role(role), option, None))
    }

    /// Whether the source may return new credentials.
    pub(crate) fn is_renewable(&self) -> bool {
        !matches!(self.provider, Provider::Static(_))
    }

    /// Returns the region of the instance if the credentials come from it and no region is configured.
    ///
    /// # Errors
    ///
    /// The metadata service is configured incorrectly, or it did not respond in time.
    pub(crate) async fn region(
        &self,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Option<Region>, RunError> {
        match (&settings.region, &self.provider, &self.base) {
            (None, Provider::Instance, _) => {
                let fetching = metadata_service::instance_region(settings, budget);
                Box::pin(budget.fetch(&self.origin, fetching)).await
            }
            (None, _, Some(base)) => Box::pin(base.region(settings, budget)).await,
            _ => Ok(None),
        }
    }

    /// Fetches the credentials. `base` are the credentials that assume the role or the root user, if they
    /// were fetched before.
    ///
    /// # Errors
    ///
    /// There are no credentials, or they are invalid or expired, or they did not arrive in time.
    pub(super) async fn resolve(
        &self,
        base: Option<Credentials>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Credentials, RunError> {
        let credentials = Box::pin(self.fetch(base, settings, budget)).await?;
        settings.log.verbose(|| {
            let id = escape(credentials.access_key_id());
            format!("using access key {id}, from {}", self.described())
        });
        Ok(credentials)
    }

    /// Creates the error for expired credentials.
    fn expired(&self) -> RunError {
        let origin = self.described();
        let what = format!("the credentials from {origin} have expired");
        if let Provider::Static(_) = self.provider {
            let stop = RunError::credentials(format!("{what}, according to {EXPIRATION}"));
            let stop = stop.hint(format!(
                "set new ones with their {EXPIRATION}, or unset that variable if it is left over; if it is new, check this \
                 machine's clock"
            ));
            return match self.origin.as_str() {
                ENVIRONMENT => stop.hint(format!("or {UNSET}")),
                _ => stop,
            };
        }
        let stop = RunError::credentials(what);
        // They were just fetched.
        stop.hint("check this machine's clock, or get new credentials from the same source")
    }

    /// Creates the error if the metadata service is disabled, does not respond, or names no role.
    fn no_instance(&self, settings: &Settings, why: &str) -> RunError {
        if self.origin != INSTANCE {
            return RunError::credentials(format!(
                "no credentials: {} is the instance metadata service, which provides none: {why}",
                self.origin
            ))
            .hint(match why {
                metadata_service::DISABLED => "unset AWS_EC2_METADATA_DISABLED",
                _ => "use it on an instance with a role",
            });
        }
        let name = escape(&settings.profile_name);
        let files = match ConfigFiles::places().join(", ") {
            files if files.is_empty() => "no configuration file".to_owned(),
            files => format!("not in profile `{name}` of {files}"),
        };
        RunError::credentials(format!(
            "no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), {files}, \
             no web identity token, no container, and none from the instance metadata service: {why}"
        ))
        .hint(match ConfigFiles::how_to_enable() {
            Some(hint) => format!("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or {hint}"),
            None => "`aws configure` stores credentials; --profile NAME chooses a profile that has them"
                .to_owned(),
        })
    }

    async fn fetch(
        &self,
        base: Option<Credentials>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Credentials, RunError> {
        let base = match (base, &self.base) {
            (None, Some(source)) => Some(Box::pin(source.fetch(None, settings, budget)).await?),
            (base, _) => base,
        };
        if let Provider::Role(role) = &self.provider {
            *lock(&role.cached_in) = None;
        }
        let fetching = async {
            match &self.provider {
                Provider::Static(credentials) => Ok(credentials.clone()),
                Provider::Process(words) => {
                    process::run(words, &self.origin, settings, budget).await
                }
                Provider::Sso(sso) => {
                    let token = sso.token(settings, budget).await?;
                    sso.role_credentials(token, settings, budget).await
                }
                Provider::Login(session, sign_in) => {
                    login::fetch(session, sign_in, settings, budget).await
                }
                Provider::Role(role) => match &role.serial {
                    Some(serial) => role.session(serial, base, settings, budget).await,
                    None => Ok(role.assume(base, None, settings, budget).await?.0),
                },
                Provider::Root(root) => root.assume(base, settings, budget).await,
                Provider::Container => container::fetch(budget).await,
                Provider::Instance => {
                    let fetched = metadata_service::instance(settings, budget).await?;
                    fetched.map_err(|why| self.no_instance(settings, &why))
                }
            }
        };
        let fetched = budget.fetch(&self.described(), fetching).await;
        let credentials = fetched.map_err(|stop| match &self.base {
            Some(base) => base.with_hint(stop),
            None => stop,
        })?;
        learn(credentials.secret_access_key());
        learn(credentials.session_token().unwrap_or_default());
        let expiry = credentials.expiry();
        if expiry.is_some_and(|expiry| expiry <= SystemTime::now()) {
            return Err(self.expired());
        }
        lock(&settings.signing_keys).push(credentials.access_key_id().to_owned());
        Ok(credentials)
    }
}
