//! The session of `aws sso login`: a token that the AWS CLI keeps, renewed as it renews it, and the credentials of a role for
//! it.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_types::region::Region;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use serde_json::{Value, json};

use super::config_file::{ConfigFiles, Profile};
use super::endpoint::{SSO, SSO_OIDC};
use super::environment;
use super::key::{Key, time};
use super::session::{Seen, hex, read, save, text, written};
use super::setting::Setting;
use super::settings::Settings;
use crate::command_line::CommandLine;
use crate::escape::escape;
use crate::log::Log;
use crate::stop::Stop;

/// How long before its end a token of SSO is renewed.
const SSO_WINDOW: Duration = Duration::from_mins(15);
/// What says where a token of SSO comes from.
const TOKEN_SETTINGS: [&str; 2] = ["sso_region", "sso_start_url"];

/// The SSO session of a profile.
#[derive(Debug)]
pub(super) struct Sso {
    account: String,
    role: String,
    region: String,
    /// The session, where the profile names one: its token can be renewed.
    session: Option<String>,
    start_url: String,
    profile: String,
}

impl Sso {
    /// The SSO session of a profile; `None` where it has neither an account nor a role of SSO.
    ///
    /// # Errors
    ///
    /// A part is missing, or the profile and the session contradict each other.
    pub(super) fn choose(profile: Profile<'_>, files: &ConfigFiles) -> Result<Option<Self>, Stop> {
        if !profile.has_any(&["sso_role_name", "sso_account_id"]) {
            return Ok(None);
        }
        let session = profile.chosen("sso_session")?;
        let part = match &session {
            Some(name) => {
                let part = files.part("sso-session", &name.value);
                Some(part.ok_or_else(|| name.wrong("there is no such sso-session section"))?)
            }
            None => None,
        };
        for (name, theirs) in part.iter().flat_map(|part| part.settings()) {
            if let Some(own) = profile.get(&name)
                && own.value != theirs.value
            {
                let places =
                    [&own, &theirs].map(|setting| setting.place.clone().unwrap_or_default());
                return Err(Stop::configuration(format!(
                    "{} and {} differ",
                    own.source, theirs.source
                ))
                .hint(format!("remove {} or {}", places[0], places[1])));
            }
        }
        let find = |name: &str| {
            let setting = part.and_then(|part| part.get(name));
            // The AWS CLI takes what renews a token from the session alone.
            let is_of_token = part.is_some() && TOKEN_SETTINGS.contains(&name);
            let setting = setting.or_else(|| profile.get(name).filter(|_| !is_of_token));
            setting.map(|setting| setting.value).ok_or_else(|| {
                let profile = escape(profile.name);
                Stop::configuration(format!(
                    "the profile `{profile}` uses SSO, but has no {name}"
                ))
                .hint("aws configure sso")
            })
        };
        Ok(Some(Self {
            account: find("sso_account_id")?,
            role: find("sso_role_name")?,
            region: find("sso_region")?,
            start_url: find("sso_start_url")?,
            session: session.map(|session| session.value),
            profile: profile.name.to_owned(),
        }))
    }

    /// The command that signs in again.
    pub(super) fn login_command(&self) -> String {
        let command = CommandLine::new("aws sso login");
        let command = match &self.session {
            Some(session) => command.option("--sso-session", session),
            None => command.option("--profile", &self.profile),
        };
        command.to_string()
    }

    /// Asks the portal for the role's credentials.
    ///
    /// # Errors
    ///
    /// There is no token, it has expired, or the portal refuses.
    pub(super) async fn ask(&self, settings: &Settings, log: Log) -> Result<Credentials, Stop> {
        let token = self.token(settings, log).await?;
        let region = Region::new(self.region.clone());
        let url = settings.address(SSO, None, log)?;
        let sdk = settings.sdk(region, url.as_deref());
        let mut config = aws_sdk_sso::config::Builder::from(&sdk);
        config.set_endpoint_url(url);
        let seen = Seen::default();
        let call = aws_sdk_sso::Client::from_conf(config.build())
            .get_role_credentials()
            .role_name(&self.role)
            .account_id(&self.account)
            .access_token(token)
            .customize()
            .mutate_request(seen.watch());
        log.verbose(|| format!("asking SSO for the role {}", escape(&self.role)));
        let output = call.send().await.map_err(|error| {
            let response = error.raw_response();
            let is_login = response.is_some_and(|response| response.status().as_u16() == 401);
            let hint = if is_login {
                self.login_command()
            } else {
                "check sso_account_id and sso_role_name".to_owned()
            };
            seen.refused("SSO", &error, hint)
        })?;
        let role = output.role_credentials();
        let role = role.ok_or_else(|| Stop::credentials("SSO gave no credentials"))?;
        let setting = |name: &str, value: Option<&str>| {
            value.map(|value| Setting::new(format!("{name} from SSO"), value))
        };
        let missing = || Stop::credentials("SSO gave half of a key");
        let key = Key {
            id: setting("accessKeyId", role.access_key_id()).ok_or_else(missing)?,
            secret: setting("secretAccessKey", role.secret_access_key()).ok_or_else(missing)?,
            token: setting("sessionToken", role.session_token()),
            account: Some(self.account.clone()),
            expiry: SystemTime::try_from(DateTime::from_millis(role.expiration())).ok(),
        };
        key.credentials("SSO")
    }

    /// The token, renewed if it is about to expire. An expired token is not sent.
    async fn token(&self, settings: &Settings, log: Log) -> Result<String, Stop> {
        let key = self.session.as_ref().unwrap_or(&self.start_url);
        let name = hex(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()).as_ref());
        let folder = environment::home()
            .unwrap_or_default()
            .join(".aws/sso/cache");
        let path = folder.join(format!("{name}.json"));
        let none = |what: &str| {
            Stop::credentials(format!("no SSO session: {what}")).hint(self.login_command())
        };
        let mut cached = read(&path).map_err(|what| none(&what))?;
        let expiry = text(&cached, "expiresAt").and_then(time);
        let expiry = expiry.ok_or_else(|| none("its file has no usable expiresAt"))?;
        let now = SystemTime::now();
        if self.session.is_some() && expiry < now + SSO_WINDOW {
            match self.renew(&cached, settings, log).await {
                Ok(Some(renewed)) => {
                    save(&path, &renewed, log);
                    cached = renewed;
                }
                Ok(None) if expiry > now => {}
                Ok(None) => return Err(none("its token has expired")),
                Err(error) if expiry > now => {
                    log.warning(&format!("the SSO session could not be renewed: {error}"));
                }
                Err(error) => return Err(error),
            }
        } else if expiry <= now {
            return Err(none("its token has expired"));
        }
        let token = text(&cached, "accessToken").map(str::to_owned);
        token.ok_or_else(|| none("its file has no accessToken"))
    }

    /// Renews the token; `None` where the file has nothing to renew it with.
    async fn renew(
        &self,
        cached: &Value,
        settings: &Settings,
        log: Log,
    ) -> Result<Option<Value>, Stop> {
        let part = |name: &str| text(cached, name).map(str::to_owned);
        let now = SystemTime::now();
        let registered = part("registrationExpiresAt").and_then(|text| time(&text));
        let (Some(id), Some(secret), Some(token), true) = (
            part("clientId"),
            part("clientSecret"),
            part("refreshToken"),
            registered.is_some_and(|expiry| expiry > now),
        ) else {
            return Ok(None);
        };
        let region = Region::new(self.region.clone());
        let url = settings.address(SSO_OIDC, None, log)?;
        let sdk = settings.sdk(region, url.as_deref());
        let mut config = aws_sdk_ssooidc::config::Builder::from(&sdk);
        config.set_endpoint_url(url);
        let seen = Seen::default();
        let call = aws_sdk_ssooidc::Client::from_conf(config.build())
            .create_token()
            .grant_type("refresh_token")
            .client_id(id)
            .client_secret(secret)
            .refresh_token(token)
            .customize()
            .mutate_request(seen.watch());
        log.verbose(|| "renewing the SSO session".to_owned());
        let output = call.send().await;
        let output = output.map_err(|error| seen.refused("SSO", &error, self.login_command()))?;
        let mut renewed = cached.clone();
        let expiry = now + Duration::from_secs(output.expires_in().try_into().unwrap_or_default());
        renewed["startUrl"] = json!(self.start_url);
        renewed["region"] = json!(self.region);
        renewed["accessToken"] = json!(output.access_token());
        renewed["expiresAt"] = json!(written(expiry));
        if let Some(token) = output.refresh_token() {
            renewed["refreshToken"] = json!(token);
        }
        Ok(Some(renewed))
    }
}
