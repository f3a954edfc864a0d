//! Reads the two AWS configuration files, and the profiles in them.

use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use strsim::levenshtein;

use super::environment::{self, SET_HOME};
use super::ini::{self, Section};
use super::setting::Setting;
use super::small_file;
use crate::error::RunError;
use crate::sanitize::{escape, escape_path};

/// The maximum size of a configuration file, in MiB. Usually they have a few KiB.
const MAX_MIB: usize = 4;

/// The variables that name the files, and the files in the home directory if they are not set.
const FILES: [(&str, &str); 2] = [
    ("AWS_CONFIG_FILE", ".aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
];

/// The kinds of sections in `~/.aws/config`, with which their headers start.
const PREFIXES: [&str; 3] = ["profile", "sso-session", "services"];

/// The sections of both files. A file that does not exist is empty.
#[derive(Debug, Default)]
pub(crate) struct ConfigFiles {
    pub(super) config: Vec<Section>,
    pub(super) credentials: Vec<Section>,
}

/// A profile and its sections. It may be in neither file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile<'a> {
    pub(crate) name: &'a str,
    /// The section in `~/.aws/config`.
    pub(super) config: Option<&'a Section>,
    /// The section in `~/.aws/credentials`, which takes precedence.
    pub(super) credentials: Option<&'a Section>,
}

impl ConfigFiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or the files that `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name. A file that does not exist, and `/dev/null`, count as empty.
    ///
    /// # Errors
    ///
    /// A file cannot be read or parsed. The error names the file and the line.
    pub(crate) fn read() -> Result<Self, RunError> {
        let [config, credentials] = paths()?.map(Option::unwrap_or_default);
        Ok(Self {
            config: parse(&config, &read(&config)?, config_name)?,
            credentials: parse(&credentials, &read(&credentials)?, profile_name)?,
        })
    }

    /// Returns the names of all profiles, sorted.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        let sections = self.config.iter().chain(&self.credentials);
        let profiles = sections.filter(|section| section.kind == "profile");
        let mut names: Vec<String> = profiles.map(|section| section.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the hint for a section that was probably meant to be the one of this kind and name, which does not exist.
    pub(super) fn meant(&self, kind: &'static str, name: &str) -> Option<String> {
        let misspelled = self.misspelled(kind, name);
        misspelled.or_else(|| self.in_other_file(kind, name))
    }

    /// Returns the hint for a section of the config file that is in the credentials file.
    fn in_other_file(&self, kind: &'static str, name: &str) -> Option<String> {
        let wanted = (kind, name.to_owned());
        // There, a name of several words needs no quotes.
        let is_unquoted = |header: &str| {
            let behind = header.strip_prefix("profile");
            let behind = behind.filter(|behind| behind.starts_with([' ', '\t']));
            kind == "profile" && behind.is_some_and(|behind| behind.trim() == name)
        };
        let mut sections = self.credentials.iter();
        let found = sections.find(|section| {
            let header = &section.name;
            config_name(header) == wanted || is_unquoted(header)
        })?;
        let header = escape(&found.name);
        Some(match kind {
            "profile" => format!(
                "the section `[{header}]` names no such profile in the credentials file: write it as `[{}]` there",
                escape(name)
            ),
            _ => format!(
                "the section `[{header}]` is in the credentials file: move it to the config file"
            ),
        })
    }

    /// Returns the hint for a section that is not used and was probably meant to be the one of this kind and name.
    fn misspelled(&self, kind: &'static str, name: &str) -> Option<String> {
        let trimmed = |text: &str| text.trim_matches([' ', '\t', '"', '\'']).to_lowercase();
        let bare = |text: &str| {
            let text = trimmed(text);
            match (text.split_once([' ', '\t']), text.strip_prefix(kind)) {
                (Some((first, name)), _) if levenshtein(first, kind) <= 2 => Some(trimmed(name)),
                (_, Some(name)) => Some(trimmed(name.trim_start_matches(['-', ':', '_']))),
                // The headers of the other file do not say `profile`.
                (_, None) => (kind == "profile").then_some(text),
            }
        };
        let mut unused = self.config.iter().filter(|section| section.kind.is_empty());
        let wanted = bare(name).unwrap_or_else(|| trimmed(name));
        let wanted = Some(wanted).filter(|wanted| !wanted.is_empty())?;
        let found = unused.find(|section| bare(&section.name).as_ref() == Some(&wanted))?;
        let mut headers = ["", "\"", "'"]
            .into_iter()
            .map(|quote| format!("{kind} {quote}{name}{quote}"))
            .filter(|header| escape(header) == *header);
        let correct = headers.find(|header| config_name(header) == (kind, name.to_owned()))?;
        let found = escape(&found.name);
        Some(format!(
            "the section `[{found}]` names no {kind}: write it as `[{correct}]`"
        ))
    }

    /// Creates the error for a setting that names a section that does not exist.
    pub(super) fn missing(&self, kind: &'static str, named_by: &Setting, what: &str) -> RunError {
        let name = &named_by.value;
        let mut sections = self.config.iter().chain(&self.credentials);
        let is_same = |section: &&Section| {
            section.kind == kind && section.name.to_lowercase() == name.to_lowercase()
        };
        let hint = self.meant(kind, name).or_else(|| {
            let similar = escape(&sections.find(is_same)?.name);
            Some(format!(
                "there is a section for `{similar}`: names are case-sensitive"
            ))
        });
        let mut stop = named_by.wrong(what);
        if let Some(hint) = hint {
            stop.hints = vec![hint.into()];
        }
        stop
    }

    /// Returns the profile of this name, even if neither file has it.
    pub(crate) fn profile<'a>(&'a self, name: &'a str) -> Profile<'a> {
        Profile {
            name,
            config: find(&self.config, "profile", name),
            credentials: find(&self.credentials, "profile", name),
        }
    }

    /// Returns the section `[sso-session NAME]` or `[services NAME]`.
    pub(super) fn section(&self, kind: &str, name: &str) -> Option<&Section> {
        find(&self.config, kind, name)
    }

    /// Returns the paths of the files for messages.
    pub(crate) fn places() -> Vec<String> {
        let paths = paths().unwrap_or_default().into_iter().flatten();
        paths
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| escape_path(&path))
            .collect()
    }

    /// Returns how to enable a file in which `aws configure` would store a profile, if it is disabled.
    pub(crate) fn how_to_enable() -> Option<String> {
        let has_home = environment::home().is_some();
        FILES
            .into_iter()
            .find_map(|(name, _)| match env::var_os(name) {
                Some(path) if path.is_empty() || path == "/dev/null" => Some(format!(
                    "unset {name}, which disables the file with your profiles"
                )),
                None if !has_home => Some(format!(
                    "{SET_HOME}, so that the profiles in ~/.aws are found"
                )),
                _ => None,
            })
    }
}

fn find<'a>(sections: &'a [Section], kind: &str, name: &str) -> Option<&'a Section> {
    let mut sections = sections.iter();
    sections.find(|section| section.kind == kind && section.name == name)
}

/// Parses a file. `name` returns the kind and the name of a section from its header.
pub(super) fn parse(
    path: &Path,
    text: &str,
    name: fn(&str) -> (&'static str, String),
) -> Result<Vec<Section>, RunError> {
    let sections = ini::parse(text, &escape_path(path), name);
    sections.map_err(|what| not_read(path, &what))
}

/// Returns the kind and the name of a section of `~/.aws/config`. The kind is empty if the AWS CLI ignores the section,
/// and then the name is the header.
pub(super) fn config_name(header: &str) -> (&'static str, String) {
    if header == "default" {
        return profile_name(header);
    }
    let kind = PREFIXES.into_iter().find(|kind| header.starts_with(kind));
    match (kind, ini::words(header).as_deref()) {
        (Some(kind), Some([_, name])) => (kind, name.clone()),
        _ => ("", header.to_owned()),
    }
}

/// Returns the kind and the name of a section of `~/.aws/credentials`.
pub(super) fn profile_name(header: &str) -> (&'static str, String) {
    ("profile", header.to_owned())
}

impl<'a> Profile<'a> {
    /// Whether one of the files has the profile.
    pub(crate) fn is_defined(self) -> bool {
        self.config.is_some() || self.credentials.is_some()
    }

    /// Returns a setting. `None`: it is not set or empty.
    pub(crate) fn get(self, name: &str) -> Option<Setting> {
        self.set(name).filter(|setting| !setting.value.is_empty())
    }

    /// Returns a setting that selects the source of the credentials.
    ///
    /// # Errors
    ///
    /// It is empty. For such settings, the AWS CLI treats an empty value as set.
    pub(crate) fn chosen(self, name: &str) -> Result<Option<Setting>, RunError> {
        match self.set(name) {
            Some(setting) if setting.value.is_empty() => Err(setting.stop("is empty")),
            setting => Ok(setting),
        }
    }

    /// Whether any of the settings is set, even if it is empty.
    pub(crate) fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.set(name).is_some())
    }

    /// Returns the environment variable `AWS_NAME` of a setting, or the profile's setting.
    ///
    /// # Errors
    ///
    /// The variable is not UTF-8.
    pub(crate) fn find(self, name: &str) -> Result<Option<Setting>, RunError> {
        Ok(Setting::variable(&variable(name))?.or_else(|| self.get(name)))
    }

    /// Returns the environment variable `AWS_NAME` of a setting that decides who signs. `None`: it is not set, or it is empty
    /// and the profile does not have the setting either.
    ///
    /// # Errors
    ///
    /// The variable is not UTF-8, or it is empty and the profile has the setting: the AWS CLI would then use neither.
    pub(crate) fn overriding(self, name: &str) -> Result<Option<Setting>, RunError> {
        let variable = variable(name);
        let found = Setting::variable(&variable)?;
        match self.get(name) {
            Some(own) if found.is_none() && env::var_os(&variable).is_some() => {
                let source = &own.source;
                let place = own.place.map(|place| format!(" ({place})"));
                let place = place.unwrap_or_default();
                Err(RunError::configuration(format!(
                    "the environment variable {variable} is empty, and takes precedence over {source}"
                ))
                .hint(format!(
                    "set {variable}, or unset it to use {source}{place}"
                )))
            }
            _ => Ok(found),
        }
    }

    /// Returns the value of a setting that is true or false. False: it is not set.
    ///
    /// # Errors
    ///
    /// It is neither true nor false.
    pub(crate) fn flag(self, name: &str) -> Result<bool, RunError> {
        self.find(name)?.map_or(Ok(false), |setting| setting.flag())
    }

    /// Returns the value of a setting that is a number from 1 to 100.
    ///
    /// # Errors
    ///
    /// It is not such a number.
    pub(crate) fn number(self, name: &str) -> Result<Option<u32>, RunError> {
        let Some(setting) = self.find(name)? else {
            return Ok(None);
        };
        match setting.value.parse() {
            Ok(number @ 1..=100) => Ok(Some(number)),
            _ => Err(setting.wrong("it must be a number from 1 to 100")),
        }
    }

    /// Returns a setting of a service from the `[services NAME]` section that the profile names.
    ///
    /// # Errors
    ///
    /// The section does not exist or is empty, or the service's setting is not an indented block.
    pub(crate) fn service(
        self,
        files: &'a ConfigFiles,
        service: &str,
        name: &str,
    ) -> Result<Option<Setting>, RunError> {
        let Some(services) = self.chosen("services")? else {
            return Ok(None);
        };
        let section = files.section("services", &services.value);
        let Some(section) = section.filter(|section| !section.settings.is_empty()) else {
            let what = "that section does not exist or is empty";
            return Err(files.missing("services", &services, what));
        };
        if let Some(block) = section.get(service)
            && !block.value.starts_with('\n')
        {
            return Err(block.stop("is not an indented block of settings"));
        }
        Ok(section.get(&format!("{service}\n{name}")))
    }

    fn set(self, name: &str) -> Option<Setting> {
        let sections = [self.credentials, self.config].into_iter().flatten();
        sections.into_iter().find_map(|section| section.set(name))
    }
}

/// Returns the name of the environment variable of a setting.
fn variable(name: &str) -> String {
    format!("AWS_{}", name.to_ascii_uppercase())
}

fn not_read(path: &Path, what: &str) -> RunError {
    let path = escape_path(path);
    RunError::configuration(format!("could not read `{path}`: {what}")).hint(
        "correct that file, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE at other files",
    )
}

/// Returns the paths of both files. With an empty variable, or without it and a home directory, there is no file.
fn paths() -> Result<[Option<PathBuf>; 2], RunError> {
    let home = environment::home();
    let path = |(name, default): (&str, &str)| {
        let named = environment::expanded(name, home.as_deref())?;
        Ok(named.or_else(|| Some(home.as_ref()?.join(default))))
    };
    let [config, credentials] = FILES.map(path);
    Ok([config?, credentials?])
}

/// Reads a file. A file that does not exist is empty.
fn read(path: &Path) -> Result<String, RunError> {
    if path == Path::new("/dev/null") {
        return Ok(String::new());
    }
    match small_file::read(path, MAX_MIB) {
        Ok(bytes) => decoded(path, bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(not_read(path, &error.to_string())),
    }
}

pub(super) fn decoded(path: &Path, bytes: Vec<u8>) -> Result<String, RunError> {
    let fail = |before: &[u8], what: &str| {
        let line = before.split(|byte| *byte == b'\n').count();
        not_read(path, &format!("line {line}: {what}"))
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        fail(&error.as_bytes()[..valid], "it is not UTF-8 text")
    })?;
    match text.split_once('\0') {
        Some((before, _)) => Err(fail(before.as_bytes(), "it is binary, not text")),
        None => Ok(text.trim_start_matches('\u{feff}').to_owned()),
    }
}
