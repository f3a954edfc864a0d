//! The two AWS configuration files and the profiles in them.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment;
use super::ini::{self, Entry, Section};
use super::setting::Setting;
use super::small_file;
use crate::error::RunError;
use crate::sanitize::{escape, escape_path};

/// The most a configuration file may hold, in MiB; a real one holds a few KiB.
const LONGEST: usize = 4;

/// What the header of a section may begin with in `~/.aws/config`.
const PREFIXES: [&str; 3] = ["profile", "sso-session", "services"];

/// The two files' sections. A file that is not there is empty.
#[derive(Debug, Default)]
pub(crate) struct ConfigFiles {
    config: Vec<Section>,
    credentials: Vec<Section>,
}

/// A profile, with what both files say of it. It may be in neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What `~/.aws/config` says.
    pub(super) config: Option<&'a Section>,
    /// What `~/.aws/credentials` says, which takes precedence.
    pub(super) credentials: Option<&'a Section>,
}

impl ConfigFiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or what `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name instead. A file that is not there, and `/dev/null`, count as empty.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood, with its name and line.
    pub(crate) fn read() -> Result<Self, RunError> {
        let [config, credentials] = paths()?.map(Option::unwrap_or_default);
        Ok(Self {
            config: parse(&config, &read(&config)?, config_name)?,
            credentials: parse(&credentials, &read(&credentials)?, profile_name)?,
        })
    }

    /// The names of all profiles.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        let sections = self.config.iter().chain(&self.credentials);
        let profiles = sections.filter(|section| section.kind == "profile");
        let mut names: Vec<String> = profiles.map(|section| section.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The profile of this name.
    pub(crate) fn profile<'a>(&'a self, name: &'a str) -> Profile<'a> {
        Profile {
            name,
            config: find(&self.config, "profile", name),
            credentials: find(&self.credentials, "profile", name),
        }
    }

    /// The section `[sso-session NAME]` or `[services NAME]`.
    pub(super) fn section(&self, kind: &str, name: &str) -> Option<&Section> {
        find(&self.config, kind, name)
    }

    /// Where the profiles are searched for.
    pub(crate) fn places() -> Vec<String> {
        let paths = paths().unwrap_or_default().into_iter().flatten();
        paths
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| escape_path(&path))
            .collect()
    }
}

fn find<'a>(sections: &'a [Section], kind: &str, name: &str) -> Option<&'a Section> {
    let mut sections = sections.iter();
    sections.find(|section| section.kind == kind && section.name == name)
}

/// The sections of a file. `name` says what a header names.
fn parse(
    path: &Path,
    text: &str,
    name: fn(&str) -> (&'static str, String),
) -> Result<Vec<Section>, RunError> {
    let fail = |what: String| not_read(path, &what);
    let file = escape_path(path).into();
    let mut defined = HashMap::new();
    let mut sections = ini::parse(text).map_err(fail)?;
    for section in &mut sections {
        let line = section.line;
        if section.name == "DEFAULT" {
            return Err(fail(format!(
                "line {line}: [DEFAULT] would add to every section; the default profile is [default]"
            )));
        }
        (section.kind, section.name) = name(&section.name);
        section.file = Arc::clone(&file);
        let (kind, name) = (section.kind, &section.name);
        if let Some(first) = defined.insert((kind, name.clone()), line)
            && !kind.is_empty()
        {
            return Err(fail(format!(
                "lines {first} and {line}: the {kind} `{}` is defined twice",
                escape(name)
            )));
        }
    }
    Ok(sections)
}

/// What a header of `~/.aws/config` names; of no kind where it is not read.
fn config_name(header: &str) -> (&'static str, String) {
    if header == "default" {
        return profile_name(header);
    }
    let kind = PREFIXES.into_iter().find(|kind| header.starts_with(kind));
    match (kind, ini::words(header).as_deref()) {
        (Some(kind), Some([_, name])) => (kind, name.clone()),
        _ => Default::default(),
    }
}

/// What a header of `~/.aws/credentials` names.
fn profile_name(header: &str) -> (&'static str, String) {
    ("profile", header.to_owned())
}

impl<'a> Profile<'a> {
    /// Whether one of the files has it.
    pub(crate) fn is_defined(self) -> bool {
        self.config.is_some() || self.credentials.is_some()
    }

    /// A setting; `None` when it is not set or empty.
    pub(crate) fn get(self, name: &str) -> Option<Setting> {
        self.set(name).filter(|setting| !setting.value.is_empty())
    }

    /// A setting that decides where credentials come from.
    ///
    /// # Errors
    ///
    /// It is set and empty: the AWS CLI does not take such a setting for one that is not set.
    pub(crate) fn chosen(self, name: &str) -> Result<Option<Setting>, RunError> {
        match self.set(name) {
            Some(setting) if setting.value.is_empty() => Err(setting.stop("is empty")),
            setting => Ok(setting),
        }
    }

    /// Whether any of the settings is there, even if it is empty.
    pub(crate) fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.set(name).is_some())
    }

    /// The environment variable of a setting, which is its name in capitals after `AWS_`, and then the profile's setting.
    ///
    /// # Errors
    ///
    /// The variable is not UTF-8.
    pub(crate) fn find(self, name: &str) -> Result<Option<Setting>, RunError> {
        let variable = format!("AWS_{}", name.to_ascii_uppercase());
        Ok(Setting::variable(&variable)?.or_else(|| self.get(name)))
    }

    /// The same where it is true or false; false where neither is set.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub(crate) fn flag(self, name: &str) -> Result<bool, RunError> {
        self.find(name)?.map_or(Ok(false), |setting| setting.flag())
    }

    /// The same where it is a number from 1 to 100.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub(crate) fn number(self, name: &str) -> Result<Option<u32>, RunError> {
        let Some(setting) = self.find(name)? else {
            return Ok(None);
        };
        match setting.value.parse() {
            Ok(number @ 1..=100) => Ok(Some(number)),
            _ => Err(setting.wrong("it must be a number from 1 to 100")),
        }
    }

    /// What an indented block of `[services NAME]` says, where the profile names that section.
    ///
    /// # Errors
    ///
    /// There is no such section, or it has no block for the service.
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
        let Some(section) = section.filter(|section| !section.entries.is_empty()) else {
            return Err(services.wrong("that section does not exist or is empty"));
        };
        let Some(block) = section.entry(service) else {
            return Ok(None);
        };
        if block.nested.is_empty() && !block.value.is_empty() {
            let block = section.setting(block);
            return Err(block.stop("is not an indented block of settings"));
        }
        let nested = block.nested.iter().find(|nested| nested.name == name);
        let filled = nested.filter(|nested| !nested.value.is_empty());
        Ok(filled.map(|nested| section.setting(nested)))
    }

    fn set(self, name: &str) -> Option<Setting> {
        let sections = [self.credentials, self.config].into_iter().flatten();
        sections.into_iter().find_map(|section| section.set(name))
    }
}

impl Section {
    /// A setting, even if it is empty.
    pub(super) fn set(&self, name: &str) -> Option<Setting> {
        self.entry(name).map(|entry| self.setting(entry))
    }

    /// A setting; `None` when it is not set or empty.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.set(name).filter(|setting| !setting.value.is_empty())
    }

    /// The value of an entry, and where it is.
    pub(super) fn setting(&self, entry: &Entry) -> Setting {
        let (name, section) = (escape(&entry.name), escape(&self.name));
        Setting {
            value: entry.value.clone(),
            source: format!("`{name}` of {} `{section}`", self.kind),
            place: Some(format!("line {} of {}", entry.line, self.file)),
        }
    }
}

fn not_read(path: &Path, what: &str) -> RunError {
    let path = escape_path(path);
    RunError::configuration(format!("could not read `{path}`: {what}")).hint(
        "correct that file, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE at other files",
    )
}

/// The paths of both files. An empty variable names no file.
fn paths() -> Result<[Option<PathBuf>; 2], RunError> {
    Ok([
        environment::path_or_default("AWS_CONFIG_FILE", ".aws/config")?,
        environment::path_or_default("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?,
    ])
}

/// The text of a file; empty where there is none.
fn read(path: &Path) -> Result<String, RunError> {
    if path == Path::new("/dev/null") {
        return Ok(String::new());
    }
    match small_file::read(path, LONGEST) {
        Ok(bytes) => decoded(path, bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(not_read(path, &error.to_string())),
    }
}

fn decoded(path: &Path, bytes: Vec<u8>) -> Result<String, RunError> {
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

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/settings.rs"]
pub(super) mod target;
