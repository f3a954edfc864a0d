//! What the selected profile says of credentials: its source, the profiles behind it, and the command that mends
//! them.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::section::Profile;

use super::endpoint::{self, STS};
use super::environment;
use super::section::{self, Added};
use super::settings::Settings;
use crate::command_line::CommandLine;
use crate::escape::escape;
use crate::log::Log;
use crate::stop::Stop;

/// What a profile that has credentials, or names where they come from, holds.
const SOURCE_KEYS: [&str; 9] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_session",
    "sso_start_url",
];

/// What the `credential_source` of a profile may name.
pub(crate) struct Sources {
    /// `Environment`, where it has a key.
    pub(crate) variables: Option<Credentials>,
    /// `EcsContainer`.
    pub(crate) container: SharedCredentialsProvider,
    /// `Ec2InstanceMetadata`.
    pub(crate) instance: SharedCredentialsProvider,
}

/// A profile's credentials. Where it names a source that has none, the SDK alone would go on as the machine's
/// role; here that is an error.
#[derive(Debug)]
pub(crate) struct ProfileSource {
    provider: ProfileFileCredentialsProvider,
    is_named: bool,
}

impl ProfileSource {
    /// The source of the selected profile.
    ///
    /// # Errors
    ///
    /// A profile with half of a key, a web identity without a role, STS where it was not to be.
    pub(crate) fn new(
        settings: &Settings,
        service: &ProviderConfig,
        sources: Sources,
        log: Log,
    ) -> Result<Self, Stop> {
        let added = section::added(settings, &lineage(settings))?;
        check_sts(settings, log)?;
        Ok(Self {
            is_named: names_source(settings) || !added.sections.is_empty(),
            provider: provider(settings, service, sources, added),
        })
    }

    async fn credentials(&self) -> provider::Result {
        match self.provider.provide_credentials().await {
            Err(error @ CredentialsError::CredentialsNotLoaded(_)) if self.is_named => {
                Err(CredentialsError::invalid_configuration(error))
            }
            resolved => resolved,
        }
    }
}

impl ProvideCredentials for ProfileSource {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// Whether the selected profile has credentials, or names where they come from.
pub(super) fn names_source(settings: &Settings) -> bool {
    settings
        .profiles
        .get_profile(&settings.profile.name)
        .is_some_and(|profile| SOURCE_KEYS.iter().any(|key| profile.get(key).is_some()))
}

fn provider(
    settings: &Settings,
    service: &ProviderConfig,
    sources: Sources,
    added: Added,
) -> ProfileFileCredentialsProvider {
    let mut builder = ProfileFileCredentialsProvider::builder()
        .with_custom_provider("EcsContainer", sources.container)
        .with_custom_provider("Ec2InstanceMetadata", sources.instance);
    if let Some(variables) = sources.variables {
        builder = builder.with_custom_provider("Environment", variables);
    }
    for (name, source) in added.sources {
        builder = builder.with_custom_provider(name, source);
    }
    builder
        .configure(service)
        .profile_files(settings.files.for_sdk(&added.sections))
        .profile_name(&settings.profile.name)
        .build()
}

/// The SDK cannot be told to ignore the configured addresses where it assumes a role.
fn check_sts(settings: &Settings, log: Log) -> Result<(), Stop> {
    let sources = settings.sources();
    let uses_sts = environment::filled("AWS_WEB_IDENTITY_TOKEN_FILE")?.is_some()
        || lineage(settings)
            .iter()
            .any(|profile| profile.get("role_arn").is_some());
    if !uses_sts || !sources.ignores_endpoint_urls()? {
        return Ok(());
    }
    if endpoint::choose(STS, None, sources, false, log)?.is_none() {
        return Ok(());
    }
    Err(Stop::configuration(
        "configured endpoint URLs are to be ignored, which cannot be done where a role is assumed",
    )
    .hint(
        "unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS, and remove endpoint_url from the profile",
    ))
}

/// The profile and the profiles its credentials come from, first to last.
fn lineage(settings: &Settings) -> Vec<&Profile> {
    let mut lineage: Vec<&Profile> = Vec::new();
    let mut next = Some(settings.profile.name.as_str());
    while let Some(profile) = next.and_then(|name| settings.profiles.get_profile(name)) {
        if lineage.iter().any(|known| known.name() == profile.name()) {
            break;
        }
        lineage.push(profile);
        next = profile.get("source_profile");
    }
    lineage
}

/// A profile that needs what this program cannot give is an error.
pub(crate) fn check(settings: &Settings) -> Result<(), Stop> {
    for profile in lineage(settings) {
        if profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some() {
            let name = escape(profile.name());
            return Err(Stop::configuration(format!(
                "the profile `{name}` asks for a one-time code (mfa_serial), which this program cannot ask for"
            ))
            .hint(format!(
                "{} and leave --profile out",
                CommandLine::new("aws configure export-credentials")
                    .option("--profile", profile.name())
                    .words("--format env")
                    .evaluated()
            )));
        }
    }
    Ok(())
}

/// Adds the command that mends the source of the credentials, where there is one.
pub(crate) fn hint(settings: &Settings, stop: Stop) -> Stop {
    for profile in lineage(settings) {
        if let Some(session) = profile.get("sso_session") {
            let command = CommandLine::new("aws sso login").option("--sso-session", session);
            return stop.hint(command.to_string());
        }
        if profile.get("sso_start_url").is_some() {
            let command = CommandLine::new("aws sso login").option("--profile", profile.name());
            return stop.hint(command.to_string());
        }
        if profile.get("login_session").is_some() {
            let command = CommandLine::new("aws login").option("--profile", profile.name());
            return stop.hint(command.to_string());
        }
    }
    let command = CommandLine::new("aws sts get-caller-identity");
    let command = command.option("--profile", &settings.profile.name);
    if !command.can_be_pasted() {
        return stop;
    }
    stop.hint(format!(
        "`{command}` shows whether the AWS CLI has the same trouble"
    ))
}
