//! Reads the session of `aws sso login`: renews its token like the AWS CLI, and fetches role credentials with it.

use std::path::Path;
use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
use serde_json::{Value, json};

use super::config_file::{ConfigFiles, Profile};
use super::credential_parts::{CredentialParts, SSO_FIELDS, expiration, time};
use super::environment;
use super::http::check_token;
use super::ini::Section;
use super::session::{self, LastRequest, NO_CREDENTIALS, read, save, text, time_in};
use super::setting::Setting;
use super::settings::{Settings, checked_region};
use super::time_budget::TimeBudget;
use crate::command_line::CommandLine;
use crate::error::RunError;
use crate::ident::{self, AccountId};
use crate::sanitize::{escape, escape_field, escape_path};

/// How long before its expiration an SSO token is renewed.
const RENEWAL_WINDOW: Duration = Duration::from_mins(15);
/// The time reserved for fetching the credentials while a token that is still valid is renewed, at most half of the limit. If
/// the response of the renewal is not awaited, the new token is lost, and the user must sign in sooner.
const RESERVE: Duration = Duration::from_secs(5);
/// The settings that identify the source of an SSO token.
const TOKEN_SETTINGS: [&str; 2] = ["sso_region", "sso_start_url"];

/// The SSO settings of a profile.
pub(super) struct Sso {
    account: AccountId,
    role: String,
    region: Region,
    /// The session, if the profile names one. Only its token can be renewed.
    session: Option<String>,
    start_url: String,
    /// The command to sign in again.
    pub(super) sign_in: CommandLine,
}

/// Whether two start URLs are the same but for the end that browsers and the console add.
fn is_same_url(one: &str, other: &str) -> bool {
    let trimmed = |url: &str| url.trim_end_matches(['/', '#']).to_ascii_lowercase();
    trimmed(one) == trimmed(other)
}

/// Checks that no setting of the profile contradicts its session.
fn check_same(profile: Profile<'_>, session: &Section) -> Result<(), RunError> {
    for (name, theirs) in &session.settings {
        if let Some(own) = profile.get(name)
            && own.value != theirs.value
        {
            let message = format!("{} and {} differ", own.source, theirs.source);
            let [own, theirs] = [&own, theirs].map(|setting| setting.place.clone());
            let [own, theirs] = [own, theirs].map(Option::unwrap_or_default);
            return Err(RunError::configuration(message).hint(format!("remove {own} or {theirs}")));
        }
    }
    Ok(())
}

/// Returns the section that `sso_session` of a profile names, and the name.
///
/// # Errors
///
/// There is no such section, or it has no region or start URL.
pub(super) fn session<'a>(
    profile: Profile<'_>,
    files: &'a ConfigFiles,
) -> Result<Option<(Setting, &'a Section)>, RunError> {
    let Some(name) = profile.chosen("sso_session")? else {
        return Ok(None);
    };
    let section = files.section("sso-session", &name.value);
    let what = "that sso-session section does not exist";
    let section = section.ok_or_else(|| files.missing("sso-session", &name, what))?;
    // The AWS CLI reads the settings for token renewal from the session only.
    let mut required = TOKEN_SETTINGS.into_iter();
    match required.find(|required| section.set(required).is_none()) {
        Some(missing) => {
            let stop = name.wrong(&format!("that sso-session section has no {missing}"));
            let hints = vec![format!("add {missing} to that section").into()];
            Err(RunError { hints, ..stop })
        }
        None => Ok(Some((name, section))),
    }
}

impl Sso {
    /// Reads the SSO settings of a profile. `None`: it has neither an SSO account nor a role.
    ///
    /// # Errors
    ///
    /// A setting is missing, the account, the role or the region is not one, or the profile and the session contradict each
    /// other.
    pub(super) fn choose(
        profile: Profile<'_>,
        files: &ConfigFiles,
    ) -> Result<Option<Self>, RunError> {
        if !profile.has_any(&["sso_role_name", "sso_account_id"]) {
            return Ok(None);
        }
        let (session, section) = session(profile, files)?.unzip();
        if let Some(section) = section {
            check_same(profile, section)?;
        }
        let find = |name: &str| {
            let setting = match section {
                Some(section) if TOKEN_SETTINGS.contains(&name) => section.get(name),
                Some(section) => section.get(name).or_else(|| profile.get(name)),
                None => profile.get(name),
            };
            setting.ok_or_else(|| {
                let profile = escape(profile.name);
                RunError::configuration(format!(
                    "the profile `{profile}` uses SSO, but has no {name}"
                ))
                .hint("aws configure sso")
            })
        };
        let sign_in = CommandLine::new("aws sso login");
        let sign_in = match &session {
            Some(session) => sign_in.option("--sso-session", &session.value),
            None => sign_in.option("--profile", profile.name),
        };
        let (account, role) = (find("sso_account_id")?, find("sso_role_name")?);
        Ok(Some(Self {
            account: account.parsed(AccountId::from_str)?,
            role: role.parsed(ident::permission_set)?,
            region: checked_region(&find("sso_region")?)?,
            start_url: find("sso_start_url")?.value,
            session: session.map(|session| session.value),
            sign_in,
        }))
    }

    /// Fetches the role's credentials with the token of the session.
    ///
    /// # Errors
    ///
    /// SSO refuses the token.
    pub(super) async fn role_credentials(
        &self,
        token: String,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Credentials, RunError> {
        let sdk = settings.sdk_of("sso", self.region.clone())?;
        let sent = LastRequest::new("SSO", budget);
        let call = aws_sdk_sso::Client::new(&sdk)
            .get_role_credentials()
            .role_name(&self.role)
            .account_id(self.account.as_str())
            .access_token(token)
            .customize()
            .interceptor(sent.clone());
        let message = || format!("asking SSO for the role {}", escape(&self.role));
        settings.log.verbose(message);
        let output = call.send().await.map_err(|error| {
            let response = error.raw_response();
            let hint = match response.map(|response| response.status().as_u16()) {
                Some(401) => self.sign_in.clone().into(),
                _ => "check sso_account_id and sso_role_name".into(),
            };
            sent.error(&error, |_| hint)
        })?;
        let role = output.role_credentials();
        let role = role.ok_or_else(|| RunError::credentials("SSO returned no credentials"))?;
        let session = json!({
            "accessKeyId": role.access_key_id(),
            "secretAccessKey": role.secret_access_key(),
            "sessionToken": role.session_token(),
            "expiration": expiration(DateTime::from_millis(role.expiration())),
            "accountId": self.account.as_str(),
        });
        CredentialParts::of_session(&session, SSO_FIELDS, "SSO")
            .map_err(|reason| RunError::credentials(format!("SSO returned {reason}")))?
            .fetched(None)
    }

    /// Returns the token of the session, renewed if it expires soon. An expired token is never sent.
    ///
    /// # Errors
    ///
    /// There is no token, or it has expired and cannot be renewed.
    pub(super) async fn token(
        &self,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<String, RunError> {
        let home = environment::home_of_sessions();
        let home = home.ok_or_else(|| session::no_home("no SSO session"))?;
        let session = self.session.as_ref().unwrap_or(&self.start_url);
        let folder = home.join(".aws/sso/cache");
        let path = session::path(&folder, session, &SHA1_FOR_LEGACY_USE_ONLY);
        let none = |reason: &str| {
            let stop = RunError::credentials(format!("no SSO session: {reason}"));
            session::sign_in(stop, &path, self.sign_in.clone())
        };
        let shown = escape_path(&path);
        let mut cached = read(&path).map_err(|reason| none(&reason))?;
        // The AWS CLI uses it although sso_start_url was changed since: then another user may be signed in.
        if let Some(other) = text(&cached, "startUrl")
            && !is_same_url(&other, &self.start_url)
        {
            let (other, url) = (escape_field(&other), escape_field(&self.start_url));
            return Err(none(&format!(
                "`{shown}` is of {other}, and sso_start_url is {url}"
            )));
        }
        let expiry = text(&cached, "expiresAt").and_then(|text| time(&text));
        let expiry = expiry.ok_or_else(|| none(&format!("`{shown}` has no usable expiresAt")))?;
        let now = SystemTime::now();
        let renewed = if self.session.is_some() && expiry < now + RENEWAL_WINDOW {
            let renewing = self.renew_once(&path, &cached, settings, budget);
            if expiry > now {
                let reserve = RESERVE.min(budget.limit / 2);
                let late = || Err(budget.late("it was not finished in time".to_owned()));
                budget.spend(reserve, renewing).await.unwrap_or_else(late)
            } else {
                renewing.await
            }
        } else {
            Ok(None)
        };
        match renewed {
            Ok(Some(renewed)) => cached = renewed,
            Ok(None) if expiry > now => {}
            Ok(None) => {
                let stop = RunError::credentials("the SSO session has expired");
                let again = format!("sign in again: {}", self.sign_in);
                return Err(session::sign_in(stop, &path, again));
            }
            Err(error) if expiry > now => {
                let reason = error.message.trim_start_matches(NO_CREDENTIALS);
                let warning = format!("the SSO session could not be renewed: {reason}");
                settings.log.warning(&warning);
            }
            Err(error) => return Err(error),
        }
        let token = text(&cached, "accessToken");
        let token = token.ok_or_else(|| none(&format!("`{shown}` has no accessToken")))?;
        check_token(&token)
            .map_err(|wrong| none(&format!("the accessToken in `{shown}` {wrong}")))?;
        Ok(token)
    }

    /// Renews the token and saves it, unless another run has done so. `None`: the file does not contain what a renewal needs.
    async fn renew_once(
        &self,
        path: &Path,
        cached: &Value,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Option<Value>, RunError> {
        let _locked = session::lock_for_renewal(path, budget, settings.log).await;
        // Another run may have renewed it. Then the earlier refresh token may no longer be valid.
        let saved = read(path).ok().filter(|saved| {
            let url = text(saved, "startUrl");
            url.is_none_or(|url| is_same_url(&url, &self.start_url))
        });
        let session = saved.unwrap_or_else(|| cached.clone());
        let expiry = text(&session, "expiresAt").and_then(|text| time(&text));
        if session != *cached && expiry.is_some_and(|expiry| expiry > SystemTime::now()) {
            return Ok(Some(session));
        }
        let renewed = self.renew(&session, settings, budget).await?;
        if let Some(renewed) = &renewed {
            save(path, renewed, settings.log);
        }
        Ok(renewed)
    }

    /// Renews the token. `None`: the file does not contain what a renewal needs.
    pub(super) async fn renew(
        &self,
        cached: &Value,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Option<Value>, RunError> {
        let registered = text(cached, "registrationExpiresAt").and_then(|text| time(&text));
        let (Some(id), Some(secret), Some(token), true) = (
            text(cached, "clientId"),
            text(cached, "clientSecret"),
            text(cached, "refreshToken"),
            registered.is_some_and(|expiry| expiry > SystemTime::now()),
        ) else {
            return Ok(None);
        };
        let sdk = settings.sdk_of("sso_oidc", self.region.clone())?;
        let sent = LastRequest::new("SSO", budget);
        let call = aws_sdk_ssooidc::Client::new(&sdk)
            .create_token()
            .grant_type("refresh_token")
            .client_id(id)
            .client_secret(secret)
            .refresh_token(token)
            .customize()
            .interceptor(sent.clone());
        settings
            .log
            .verbose(|| "renewing the SSO session".to_owned());
        let output = call.send().await;
        let output = output.map_err(|error| sent.error(&error, |_| self.sign_in.clone().into()))?;
        let token = output
            .access_token()
            .filter(|token| !token.trim().is_empty());
        let unusable = |what: &str| {
            RunError::credentials(format!("{NO_CREDENTIALS}SSO returned {what}"))
                .hint(self.sign_in.clone())
        };
        let token = token.ok_or_else(|| unusable("no accessToken"))?;
        check_token(token).map_err(|wrong| unusable(&format!("an accessToken that {wrong}")))?;
        let mut renewed = cached.clone();
        renewed["startUrl"] = json!(self.start_url);
        renewed["region"] = json!(self.region.as_ref());
        renewed["accessToken"] = json!(token);
        renewed["expiresAt"] = json!(time_in(output.expires_in()));
        if let Some(token) = output.refresh_token() {
            renewed["refreshToken"] = json!(token);
        }
        Ok(Some(renewed))
    }
}
