//! What the selected profile says of credentials: its source, the profiles behind it, and the command that mends
//! them.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::section::Profile;

use super::process::CredentialProcess;
use super::settings::Settings;
use crate::report::escape::escape;
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

/// A profile's credentials. Where it names a source that has none, the SDK alone would go on as the machine's
/// role; here that is an error.
#[derive(Debug)]
pub(crate) struct ProfileSource {
    provider: ProfileFileCredentialsProvider,
    is_named: bool,
}

impl ProfileSource {
    /// The source of the selected profile; `container` and `instance` are what its `credential_source` may name.
    pub(crate) fn new(
        settings: &Settings,
        service: &ProviderConfig,
        container: SharedCredentialsProvider,
        instance: SharedCredentialsProvider,
    ) -> Self {
        Self {
            provider: provider(settings, service, container, instance),
            is_named: names_source(settings),
        }
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

fn names_source(settings: &Settings) -> bool {
    settings
        .profiles
        .get_profile(&settings.profile.name)
        .is_some_and(|profile| SOURCE_KEYS.iter().any(|key| profile.get(key).is_some()))
}

fn provider(
    settings: &Settings,
    service: &ProviderConfig,
    container: SharedCredentialsProvider,
    instance: SharedCredentialsProvider,
) -> ProfileFileCredentialsProvider {
    let mut builder = ProfileFileCredentialsProvider::builder()
        .with_custom_provider("EcsContainer", container)
        .with_custom_provider("Ec2InstanceMetadata", instance);
    // A credential_process is run by this program, so that it ends: each profile that has one is pointed at
    // a source of credentials of that name.
    let mut sections = Vec::new();
    for name in settings.profiles.profiles() {
        let Some(profile) = settings.profiles.get_profile(name) else {
            continue;
        };
        if let (Some(command), None) = (
            profile.get("credential_process"),
            profile.get("credential_source"),
        ) {
            let source = format!("credential-process-{}", sections.len());
            let Some(section) = process_section(profile, &source) else {
                continue;
            };
            sections.push(section);
            builder = builder
                .with_custom_provider(source, CredentialProcess::new(command, &escape(name)));
        }
    }
    builder
        .configure(service)
        .profile_files(settings.files.for_sdk(&sections))
        .profile_name(&settings.profile.name)
        .build()
}

/// The lines that point a profile's credential process at the source; `None` where the SDK does not ask it.
fn process_section(profile: &Profile, source: &str) -> Option<String> {
    let name = profile.name();
    match (profile.get("role_arn"), profile.get("source_profile")) {
        (None, _) => Some(format!("[{name}]\ncredential_source = {source}\n")),
        // A role whose own profile starts the chain: the process stands behind a profile of its own.
        (Some(_), Some(first)) if first == name => Some(format!(
            "[{name}]\nsource_profile = {source}\n[{source}]\ncredential_source = {source}\n"
        )),
        (Some(_), _) => None,
    }
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

/// The long-lived key that assumes the selected profile's role, as far as the configuration says.
pub(crate) fn source_key(settings: &Settings) -> Option<String> {
    let lineage = lineage(settings);
    let first = lineage.first()?;
    first.get("role_arn")?;
    let last = lineage.last()?;
    let key = match last.get("credential_source") {
        Some("Environment") => std::env::var("AWS_ACCESS_KEY_ID").ok(),
        _ => last.get("aws_access_key_id").map(str::to_owned),
    };
    key.map(|key| key.trim().to_owned())
}

/// A profile that needs what this program cannot give is an error.
pub(crate) fn check(settings: &Settings) -> Result<(), Stop> {
    for profile in lineage(settings) {
        if profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some() {
            let name = escape(profile.name());
            return Err(Stop::configuration(format!(
                "the profile `{name}` asks for a one-time code (mfa_serial), which this program cannot ask for"
            ))
            .hint(format!("eval \"$(aws configure export-credentials --profile {name} --format env)\" and leave --profile out")));
        }
    }
    Ok(())
}

/// Adds the command that mends the source of the credentials, where there is one.
pub(crate) fn hint(settings: &Settings, stop: Stop) -> Stop {
    for profile in lineage(settings) {
        let name = escape(profile.name());
        if let Some(session) = profile.get("sso_session") {
            return stop.hint(format!("aws sso login --sso-session {}", escape(session)));
        }
        if profile.get("sso_start_url").is_some() {
            return stop.hint(format!("aws sso login --profile {name}"));
        }
        if profile.get("login_session").is_some() {
            return stop.hint(format!("aws login --profile {name}"));
        }
    }
    stop.hint(format!(
        "`aws sts get-caller-identity --profile {}` shows whether the AWS CLI has the same trouble",
        escape(&settings.profile.name)
    ))
}
