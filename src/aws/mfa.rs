//! Gets sessions of roles that require MFA: from the cache of the AWS CLI, or new ones for a code.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde_json::Value;

use super::credential_parts::{CredentialParts, PROCESS_FIELDS};
use super::environment;
use super::role::{NOT_ASSUMED, Role};
use super::session;
use super::settings::Settings;
use super::time_budget::TimeBudget;
use crate::command_line::CommandLine;
use crate::error::{ErrorKind, Exit, Hint, RunError};
use crate::ident::TokenCode;
use crate::lock::lock;
use crate::log::Log;
use crate::sanitize::{Invalid, SafeText, escape_path};
use crate::terminal::{self, LONGEST_ANSWER};

/// A cached session that expires sooner is not used, as in the AWS CLI.
const WINDOW: Duration = Duration::from_mins(15);
/// The error code if an MFA code is required and nobody can be asked.
const MFA_REQUIRED: &str = "MfaRequired";
/// How many times a person can enter a code.
const MAX_PROMPTS: usize = 3;
/// The maximum size of a cached session, in bytes.
const MAX_BYTES: u64 = 1 << 20;

impl Role {
    /// Returns the cached session of this role, or a new one for a code of the MFA device `serial`.
    ///
    /// # Errors
    ///
    /// Nobody can be asked, the code is wrong, or STS returns no session.
    pub(super) async fn session(
        &self,
        serial: &str,
        base: Option<Credentials>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<Credentials, RunError> {
        let log = settings.log;
        let Some(home) = environment::home_of_sessions() else {
            log.verbose(|| {
                "there is no home folder, so no session is read from it or saved there".to_owned()
            });
            return Ok(self.create(serial, base, settings, budget).await?.0);
        };
        let path = cache_path(&home, &self.cache_key());
        let shown = escape_path(&path);
        let cached = self.cached(&path, log);
        let credentials = if let Ok(Some(cached)) = cached {
            log.verbose(|| format!("using the cached session in `{shown}`"));
            *lock(&self.cached_in) = Some(path);
            cached
        } else {
            // The AWS CLI still uses some sessions that are refused here, so it would not replace the file.
            let refused = cached
                .err()
                .map(|why| format!("`{shown}`, which is not used: {why}"));
            if let Some(refused) = &refused {
                log.verbose(|| format!("there is a cached session in {refused}"));
            }
            let created = self.create(serial, base, settings, budget).await;
            let (credentials, session) = created.map_err(|mut stop| {
                let remove = refused.filter(|_| stop.code == MFA_REQUIRED);
                let remove = remove.map(|refused| Hint::from(format!("first remove {refused}")));
                stop.hints.splice(..0, remove);
                stop
            })?;
            session::save(&path, &session, log);
            credentials
        };
        *lock(&self.used) = Some(credentials.access_key_id().to_owned());
        Ok(credentials)
    }

    /// Creates a session for a code. On a terminal, a wrong code can be corrected.
    async fn create(
        &self,
        serial: &str,
        base: Option<Credentials>,
        settings: &Settings,
        budget: &TimeBudget,
    ) -> Result<(Credentials, Value), RunError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let stop = match code(serial, self.profile.as_deref(), settings, budget).await? {
                Ok(code) => match self
                    .assume(base.clone(), Some(&code), settings, budget)
                    .await
                {
                    Err(stop) if is_wrong_code(&stop) => wrong_code(serial, stop),
                    result => return result,
                },
                Err(invalid) => RunError::credentials(invalid.to_string())
                    .hint("enter the 6 digits that the device shows"),
            };
            let can_ask = !settings.log.is_json() && terminal::open().is_ok();
            if attempts == MAX_PROMPTS || !can_ask {
                return Err(stop);
            }
            let why = stop.message.trim_start_matches(NOT_ASSUMED);
            settings.log.warning(why);
        }
    }

    /// Reads the cached session. `None`: there is none, or it expires soon.
    ///
    /// # Errors
    ///
    /// The session cannot be used. The error is a clause that says why.
    fn cached(&self, path: &Path, log: Log) -> Result<Option<Credentials>, String> {
        match read_own(path) {
            Ok(bytes) => self.usable(&bytes, SystemTime::now(), log),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Parses a cached session. `None`: it expires soon.
    ///
    /// # Errors
    ///
    /// The session cannot be used. The error is a clause that says why.
    pub(super) fn usable(
        &self,
        bytes: &[u8],
        now: SystemTime,
        log: Log,
    ) -> Result<Option<Credentials>, String> {
        let entry = session::object(bytes).map_err(|what| format!("it {what}"))?;
        let arn = entry["AssumedRoleUser"]["Arn"].as_str().unwrap_or_default();
        if !self.arn.is_of(arn) {
            return Err("it is not a session of the configured role".to_owned());
        }
        let session = &entry["Credentials"];
        let key = CredentialParts::of_session(session, PROCESS_FIELDS, "the cached session");
        let mut key = key.map_err(|reason| format!("it has {reason}"))?;
        key.account = Some(self.arn.account().to_string());
        if key.expiry < Some(now + WINDOW) {
            log.verbose(|| {
                "the cached session has expired, or does so within 15 minutes".to_owned()
            });
            return Ok(None);
        }
        if lock(&self.used).as_ref() == Some(&key.id.value) {
            return Err("it was used and has expired".to_owned());
        }
        let credentials = key.credentials();
        credentials.map(Some).map_err(|stop| stop.message)
    }
}

/// Returns the code of `--token-code`, which works once, or the code that a person enters. `profile` names the device, or
/// `--serial-number` does.
async fn code(
    serial: &str,
    profile: Option<&str>,
    settings: &Settings,
    budget: &TimeBudget,
) -> Result<Result<TokenCode, Invalid>, RunError> {
    if let Some(code) = lock(&settings.token_code).take() {
        return Ok(Ok(code));
    }
    let add_code = if settings.has_token_code {
        "use a new code with --token-code"
    } else {
        "add --token-code CODE"
    };
    let required = |why: &str| required(serial, profile, why, add_code);
    if settings.log.is_json() {
        return Err(required(
            "a question cannot be asked with --error-format json",
        ));
    }
    let terminal = terminal::open().map_err(|_| required("there is no terminal"))?;
    let prompt = SafeText::message(&format!("Enter MFA code for {serial}: "));
    let asking = budget.pause();
    let entered = terminal::ask_secret(terminal, &prompt).await;
    drop(asking);
    let line =
        entered.map_err(|error| required(&format!("the terminal cannot be used: {error}")))?;
    // An answer that is too long is cut off, and can be corrected.
    if !line.ends_with(b"\n") && line.len() < LONGEST_ANSWER {
        return Err(RunError::credentials(if line.is_empty() {
            format!("no MFA code was entered for {serial}")
        } else {
            format!("the MFA code for {serial} was not ended with Enter")
        }));
    }
    // Apps show a code as two groups of digits.
    let mut code = String::from_utf8_lossy(&line).into_owned();
    code.retain(|c| !c.is_whitespace());
    Ok(code.parse())
}

/// Creates the error if a code is required and nobody can be asked. `why` is a clause, and `add_code` says what to do with the
/// option.
fn required(serial: &str, profile: Option<&str>, why: &str, add_code: &str) -> RunError {
    let message = format!("an MFA code from {serial} is required, and {why}");
    let stop = RunError::new(Exit::Configuration, MFA_REQUIRED, message);
    // Without a home folder, this program reads no session.
    match profile.filter(|_| environment::home_of_sessions().is_some()) {
        Some(profile) => {
            let command =
                CommandLine::new("aws sts get-caller-identity").option("--profile", profile);
            stop.hint(format!(
                "create a session on a terminal; iam-del-key then uses it: {command}"
            ))
            .hint(format!("or {add_code}"))
        }
        None => stop.hint(add_code),
    }
}

/// Creates the error for a wrong code that is not corrected.
fn wrong_code(serial: &str, stop: RunError) -> RunError {
    let hint = if stop.message.contains("serial number") {
        format!("check that {serial} is an MFA device of the user whose key assumes the role")
    } else {
        format!(
            "the code is wrong, or was already used (each works once): use the next code from {serial}"
        )
    };
    RunError {
        exit: Exit::Configuration,
        hints: vec![hint.into()],
        ..stop
    }
}

/// Whether STS rejected the code. Only the message distinguishes this from other denials.
fn is_wrong_code(stop: &RunError) -> bool {
    stop.service.as_ref().is_some_and(|error| {
        error.kind() == ErrorKind::AccessDenied
            && error
                .message
                .starts_with("MultiFactorAuthentication failed")
    })
}

/// Returns the file in which the AWS CLI caches the session of a role with these parameters.
fn cache_path(home: &Path, parameters: &Value) -> PathBuf {
    let folder = home.join(".aws/cli/cache");
    session::path(&folder, &as_python(parameters), &SHA1_FOR_LEGACY_USE_ONLY)
}

/// Formats an object like Python's `json.dumps`, in ASCII. The AWS CLI hashes this text.
fn as_python(object: &Value) -> String {
    let members = object.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| format!("\"{name}\": {value}"));
    let text = members.collect::<Vec<_>>().join(", ");
    let mut ascii = String::new();
    for c in format!("{{{text}}}").chars() {
        if matches!(c, ' '..='~') {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

/// Reads a file that belongs to the user and that nobody else can read.
fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    let wrong = |what| Err(io::Error::other(what));
    if !fs::symlink_metadata(path)?.is_file() {
        return wrong("it is not a regular file");
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != geteuid().as_raw() {
        return wrong("it is not your own file");
    }
    if found.mode() & 0o077 != 0 {
        return wrong("others can read or write it");
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_cache_has_the_names_that_the_aws_cli_gives() {
        let parameters = json!({
            "DurationSeconds": 1800,
            "ExternalId": "ext",
            "RoleArn": "arn:aws:iam::123456789012:role/x",
            "SerialNumber": "arn:aws:iam::123456789012:mfa/me",
        });
        let path = cache_path(Path::new("/"), &parameters);
        let name = path.file_name().expect("a name");
        assert_eq!(name, "869161543b16903b59257357d9c4c55d27e8e9ce.json");
    }

    #[test]
    fn text_is_written_as_python_writes_it() {
        let object = json!({ "A": "\"\\\n\u{1}\u{7f}\u{e9}\u{1f511}/", "B": 900 });
        let expected = r#"{"A": "\"\\\n\u0001\u007f\u00e9\ud83d\udd11/", "B": 900}"#;
        assert_eq!(as_python(&object), expected);
    }
}
