//! Who signs: resolved once, before anything else is sent, from the sources the AWS SDKs document, under a
//! limit of its own. A profile given by option is the only source there is.

use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::section::Profile;
use aws_smithy_types::error::display::DisplayErrorContext;

use super::config_file::ConfigFiles;
use super::environment;
use super::process::CredentialProcess;
use super::settings::{SelectedBy, Settings};
use crate::log::Log;
use crate::report::escape::{escape, excerpt};
use crate::stop::Stop;

/// Resolves the credentials.
///
/// # Errors
///
/// None anywhere, wrong, expired, or not in time; with what to run next. Nothing was sent to IAM.
pub(crate) async fn resolve(
    settings: &Settings,
    limit: Duration,
    log: Log,
) -> Result<Credentials, Stop> {
    check_profile(settings)?;
    if settings.profile.by != SelectedBy::Option {
        check_variables()?;
    }
    let provider = provider(settings);
    let resolved = tokio::time::timeout(limit, provider.provide_credentials()).await;
    let credentials = match resolved {
        Ok(Ok(credentials)) => credentials,
        Ok(Err(error)) => return Err(not_resolved(settings, &error)),
        Err(_) => {
            let seconds = limit.as_secs();
            let stop = Stop::configuration(format!(
                "no credentials within {seconds} s: their source does not answer"
            ));
            return Err(source_hint(settings, stop));
        }
    };
    if credentials
        .expiry()
        .is_some_and(|expiry| expiry <= SystemTime::now())
    {
        let stop = Stop::configuration("the credentials have expired");
        return Err(source_hint(settings, stop));
    }
    log.verbose(|| format!("signing with {}", escape(credentials.access_key_id())));
    Ok(credentials)
}

fn provider(settings: &Settings) -> SharedCredentialsProvider {
    let service = provider_config(settings).with_http_client(settings.clients.service.clone());
    let metadata = provider_config(settings).with_http_client(settings.clients.metadata.clone());
    let profile = profile_provider(settings, &service, &metadata);
    if settings.profile.by == SelectedBy::Option {
        return SharedCredentialsProvider::new(profile);
    }
    let environment = EnvironmentVariableCredentialsProvider::new();
    let web_identity = WebIdentityTokenCredentialsProvider::builder()
        .configure(&service)
        .build();
    let chain = CredentialsProviderChain::first_try("Environment", environment)
        .or_else("Profile", profile)
        .or_else("WebIdentityToken", web_identity)
        .or_else("EcsContainer", container(&metadata))
        .or_else("Ec2InstanceMetadata", instance(&metadata));
    SharedCredentialsProvider::new(chain)
}

fn provider_config(settings: &Settings) -> ProviderConfig {
    ProviderConfig::without_region()
        .with_region(Some(settings.region.clone()))
        .with_use_fips(Some(settings.fips))
        .with_use_dual_stack(Some(settings.dual_stack))
        .with_retry_config(settings.retry.clone())
        .with_timeout_config(settings.timeouts.clone())
}

fn container(config: &ProviderConfig) -> EcsCredentialsProvider {
    EcsCredentialsProvider::builder().configure(config).build()
}

fn instance(config: &ProviderConfig) -> ImdsCredentialsProvider {
    // One attempt of a second, as the AWS CLI: a machine that is no instance must not make people wait.
    let client = imds::Client::builder()
        .configure(config)
        .max_attempts(1)
        .build();
    ImdsCredentialsProvider::builder()
        .configure(config)
        .imds_client(client)
        .build()
}

fn profile_provider(
    settings: &Settings,
    service: &ProviderConfig,
    metadata: &ProviderConfig,
) -> ProfileFileCredentialsProvider {
    let mut builder = ProfileFileCredentialsProvider::builder()
        .with_custom_provider("EcsContainer", container(metadata))
        .with_custom_provider("Ec2InstanceMetadata", instance(metadata));
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

/// The variables that hold credentials are all there and whole, or not there at all.
fn check_variables() -> Result<(), Stop> {
    let id = environment::text("AWS_ACCESS_KEY_ID")?;
    let secret = environment::text("AWS_SECRET_ACCESS_KEY")?;
    let token = environment::text("AWS_SESSION_TOKEN")?;
    let unset = "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to use another source";
    let wrong = |what: String| Err(Stop::configuration(what).hint(unset));
    match (&id, &secret) {
        (Some(_), None) => {
            return wrong("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".to_owned());
        }
        (None, Some(_)) => {
            return wrong("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not".to_owned());
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    let values = [
        ("AWS_ACCESS_KEY_ID", &id),
        ("AWS_SECRET_ACCESS_KEY", &secret),
        ("AWS_SESSION_TOKEN", &token),
    ];
    for (name, value) in values {
        let Some(value) = value else { continue };
        if value.trim().is_empty() && name != "AWS_SESSION_TOKEN" {
            return wrong(format!("the environment variable {name} is set, but empty"));
        }
        if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return wrong(format!(
                "the environment variable {name} holds a space, a newline or another control character"
            ));
        }
    }
    Ok(())
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

fn check_profile(settings: &Settings) -> Result<(), Stop> {
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

fn not_resolved(settings: &Settings, error: &CredentialsError) -> Stop {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        if settings.profile.by == SelectedBy::Option {
            let name = escape(&settings.profile.name);
            let stop = Stop::configuration(format!(
                "the profile `{name}` holds no credentials, and --profile allows no other source"
            ));
            return source_hint(settings, stop);
        }
        let files = ConfigFiles::places().join(", ");
        return Stop::configuration(format!(
            "no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), not in profile `{}` of {files}, \
             no web identity token, no container and no instance metadata service",
            escape(&settings.profile.name),
        ))
        .hint("`aws configure` stores credentials; --profile NAME chooses a profile that has them");
    }
    source_hint(
        settings,
        Stop::configuration(format!("no credentials: {}", excerpt(&chain(error)))),
    )
}

/// What went wrong, without the names of the SDK's own types.
fn chain(error: &CredentialsError) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    if text.is_empty() {
        DisplayErrorContext(error).to_string()
    } else {
        text
    }
}

/// Adds the command that mends the source of the credentials, where there is one.
fn source_hint(settings: &Settings, stop: Stop) -> Stop {
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
