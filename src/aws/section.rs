//! The sections that are added to the configuration files before the SDK reads them, where it would take other
//! credentials from a profile than the AWS CLI does.

use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::section::Profile;

use super::environment;
use super::process::CredentialProcess;
use super::settings::{SelectedBy, Settings};
use crate::command_line::CommandLine;
use crate::escape::escape;
use crate::stop::Stop;

const SSO: [&str; 5] = [
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
];

/// Sections, and the sources of credentials they name.
#[derive(Debug, Default)]
pub(crate) struct Added {
    /// The sections' text.
    pub(crate) sections: Vec<String>,
    /// The sources, by name.
    pub(crate) sources: Vec<(String, SharedCredentialsProvider)>,
}

/// The sections for the profiles that the credentials come from, first to last.
///
/// # Errors
///
/// A profile with half of a key; a web identity without a role.
pub(crate) fn added(settings: &Settings, lineage: &[&Profile]) -> Result<Added, Stop> {
    let mut added = Added::default();
    let web_identity = web_identity(settings)?;
    let mut previous: Option<&Profile> = None;
    for (number, profile) in lineage.iter().enumerate() {
        let child = previous.replace(profile);
        if number == 0 && web_identity.is_some() {
            break;
        }
        let Some(source) = own_source(settings, profile)? else {
            continue;
        };
        let alias = format!("source-{number}");
        let name = profile.name();
        let has_role = profile.get("role_arn").is_some();
        let mut add = |name: &str, key: &str| {
            let section = format!("[{name}]\n{key} = {alias}\n");
            added.sections.push(section);
        };
        add(&alias, "credential_source");
        if !has_role {
            add(name, "credential_source");
        } else if profile.get("source_profile") == Some(name) {
            // A role whose own profile starts the chain: the source stands behind a profile of its own.
            add(name, "source_profile");
        }
        if let Some(child) = child
            && (!has_role || has_key(profile))
        {
            add(child.name(), "source_profile");
        }
        added.sources.push((alias, source));
    }
    added.sections.extend(web_identity);
    Ok(added)
}

fn has_key(profile: &Profile) -> bool {
    ["aws_access_key_id", "aws_secret_access_key"]
        .iter()
        .any(|key| profile.get(key).is_some())
}

/// What a profile holds itself, where the SDK would not take it as it stands; the AWS CLI asks in this order.
fn own_source(
    settings: &Settings,
    profile: &Profile,
) -> Result<Option<SharedCredentialsProvider>, Stop> {
    let has = |key: &str| profile.get(key).is_some();
    if has("web_identity_token_file")
        || SSO.iter().any(|key| has(key))
        || (has("role_arn") && has("credential_source"))
    {
        return Ok(None);
    }
    let of = |profile: Option<&Profile>| profile.map_or(Ok(None), key_of);
    let name = profile.name();
    if let Some(credentials) = of(settings.apart.credentials.get_profile(name))? {
        return Ok(Some(SharedCredentialsProvider::new(credentials)));
    }
    if has("login_session") {
        return Ok(None);
    }
    if let Some(command) = profile.get("credential_process") {
        let process = CredentialProcess::new(command, &escape(name));
        return Ok(Some(SharedCredentialsProvider::new(process)));
    }
    let credentials = of(settings.apart.config.get_profile(name))?;
    Ok(credentials.map(SharedCredentialsProvider::new))
}

/// The key of a profile as one file has it: its token is never another file's.
fn key_of(profile: &Profile) -> Result<Option<Credentials>, Stop> {
    let filled = |key: &str| profile.get(key).filter(|value| !value.is_empty());
    let Some(id) = filled("aws_access_key_id") else {
        return Ok(None);
    };
    let Some(secret) = filled("aws_secret_access_key") else {
        let name = escape(profile.name());
        return Err(Stop::configuration(format!(
            "the profile `{name}` has aws_access_key_id, but not aws_secret_access_key beside it"
        ))
        .hint(
            CommandLine::new("aws configure")
                .option("--profile", profile.name())
                .to_string(),
        ));
    };
    let mut credentials = Credentials::builder()
        .access_key_id(id)
        .secret_access_key(secret)
        .provider_name("ProfileFile");
    let token = filled("aws_security_token").or_else(|| filled("aws_session_token"));
    credentials.set_session_token(token.map(str::to_owned));
    credentials.set_account_id(filled("aws_account_id").map(AccountId::from));
    Ok(Some(credentials.build()))
}

/// The web identity that the variables name, each of which the profile may have instead; not with `--profile`, and not
/// where the profile assumes a role from another source.
fn web_identity(settings: &Settings) -> Result<Option<String>, Stop> {
    let name = &settings.profile.name;
    let profile = settings.profiles.get_profile(name);
    let has = |key: &str| profile.is_some_and(|profile| profile.get(key).is_some());
    if settings.profile.by == SelectedBy::Option
        || (has("role_arn") && !has("web_identity_token_file"))
    {
        return Ok(None);
    }
    let token_file = web_variable("AWS_WEB_IDENTITY_TOKEN_FILE")?;
    let role = web_variable("AWS_ROLE_ARN")?;
    let session = web_variable("AWS_ROLE_SESSION_NAME")?;
    if token_file.is_none() && !has("web_identity_token_file") {
        return Ok(None);
    }
    if token_file.is_some() && role.is_none() && !has("role_arn") {
        return Err(Stop::configuration(
            "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not",
        )
        .hint("set AWS_ROLE_ARN to the role that the web identity is for"));
    }
    let lines: Vec<String> = [
        ("web_identity_token_file", token_file),
        ("role_arn", role),
        ("role_session_name", session),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)))
    .collect();
    Ok((!lines.is_empty()).then(|| format!("[{name}]\n{}", lines.concat())))
}

fn web_variable(name: &'static str) -> Result<Option<String>, Stop> {
    let value = environment::filled(name)?;
    if value
        .as_ref()
        .is_some_and(|value| value.chars().any(char::is_control))
    {
        return Err(Stop::configuration(format!(
            "the environment variable {name} holds a newline or another control character"
        ))
        .hint(format!("correct {name}, or unset it")));
    }
    Ok(value)
}
