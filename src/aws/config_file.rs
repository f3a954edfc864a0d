//! The two AWS configuration files and the profiles in them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::environment;
use super::ini::{self, Entry, Section};
use super::setting::Setting;
use crate::escape::escape;
use crate::invalid::shown_path;
use crate::stop::Stop;

/// The most a configuration file may hold, in bytes; a real one holds a few KiB.
const LONGEST: u64 = 4 << 20;

/// What the header of a section may begin with in `~/.aws/config`.
const PREFIXES: [&str; 3] = ["profile", "sso-session", "services"];

/// The two files' sections. A file that is not there is empty.
#[derive(Debug, Default)]
pub(crate) struct ConfigFiles {
    config: ConfigFile,
    credentials: ConfigFile,
}

#[derive(Debug, Default)]
struct ConfigFile {
    path: PathBuf,
    sections: Vec<Named>,
}

/// A section, what it is and its name without quotes. `kind` is one of `PREFIXES`, or empty for what is not read.
#[derive(Debug)]
struct Named {
    kind: &'static str,
    name: String,
    section: Section,
}

/// A profile, with what both files say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What `~/.aws/config` says.
    pub(crate) config: Option<Part<'a>>,
    /// What `~/.aws/credentials` says, which takes precedence.
    pub(crate) credentials: Option<Part<'a>>,
}

/// A section of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    path: &'a Path,
    named: &'a Named,
}

impl ConfigFiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or what `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name instead. A file that is not there, and `/dev/null`, count as empty.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood, with its name and line.
    pub(crate) fn read() -> Result<Self, Stop> {
        let [config, credentials] = paths()?.map(Option::unwrap_or_default);
        Ok(Self {
            config: ConfigFile::parse(&config, &read(&config)?, config_name)?,
            credentials: ConfigFile::parse(&credentials, &read(&credentials)?, |header| {
                Some(("profile", header.to_owned()))
            })?,
        })
    }

    /// The names of all profiles.
    pub(crate) fn profile_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = [&self.config, &self.credentials]
            .iter()
            .flat_map(|file| &file.sections)
            .filter(|named| named.kind == "profile")
            .map(|named| named.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The profile of this name.
    pub(crate) fn profile<'a>(&'a self, name: &'a str) -> Option<Profile<'a>> {
        let config = self.config.part("profile", name);
        let credentials = self.credentials.part("profile", name);
        (config.is_some() || credentials.is_some()).then_some(Profile {
            name,
            config,
            credentials,
        })
    }

    /// The section `[sso-session NAME]` or `[services NAME]`.
    pub(crate) fn part(&self, kind: &str, name: &str) -> Option<Part<'_>> {
        self.config.part(kind, name)
    }

    /// Where the profiles are searched for.
    pub(crate) fn places() -> Vec<String> {
        let paths = paths().unwrap_or_default().into_iter().flatten();
        paths
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| shown_path(&path))
            .collect()
    }
}

impl ConfigFile {
    fn parse(
        path: &Path,
        text: &str,
        name: impl Fn(&str) -> Option<(&'static str, String)>,
    ) -> Result<Self, Stop> {
        let fail = |what: &str| not_read(path, what);
        let mut sections: Vec<Named> = Vec::new();
        let mut defined = HashMap::new();
        for section in ini::parse(text).map_err(|what| fail(&what))? {
            let line = section.line;
            if section.header == "DEFAULT" {
                return Err(fail(&format!(
                    "line {line}: [DEFAULT] would add to every section; the default profile is [default]"
                )));
            }
            let (kind, name) = name(&section.header).unwrap_or_default();
            let first = defined.insert((kind, name.clone()), line);
            if let Some(first) = first.filter(|_| !kind.is_empty()) {
                return Err(fail(&format!(
                    "lines {first} and {line}: the {kind} `{}` is defined twice",
                    escape(&name)
                )));
            }
            sections.push(Named {
                kind,
                name,
                section,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            sections,
        })
    }

    fn part(&self, kind: &str, name: &str) -> Option<Part<'_>> {
        let mut sections = self.sections.iter();
        let named = sections.find(|named| named.kind == kind && named.name == name)?;
        Some(Part {
            path: &self.path,
            named,
        })
    }
}

/// What a header of `~/.aws/config` names.
fn config_name(header: &str) -> Option<(&'static str, String)> {
    if header == "default" {
        return Some(("profile", header.to_owned()));
    }
    let kind = PREFIXES.into_iter().find(|kind| header.starts_with(kind))?;
    match ini::words(header)?.as_slice() {
        [_, name] => Some((kind, name.clone())),
        _ => None,
    }
}

impl<'a> Profile<'a> {
    /// A setting; `None` when it is not set or empty.
    pub(crate) fn get(self, name: &str) -> Option<Setting> {
        let setting = self.set(name)?;
        (!setting.value.is_empty()).then_some(setting)
    }

    /// A setting that decides where credentials come from.
    ///
    /// # Errors
    ///
    /// It is set and empty: the AWS CLI does not take such a setting for one that is not set.
    pub(crate) fn chosen(self, name: &str) -> Result<Option<Setting>, Stop> {
        let setting = self.set(name);
        match setting {
            Some(setting) if setting.value.is_empty() => Err(setting.stop("is empty")),
            setting => Ok(setting),
        }
    }

    /// Whether any of the settings is there, even if it is empty.
    pub(crate) fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.set(name).is_some())
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
    ) -> Result<Option<Setting>, Stop> {
        let Some(services) = self.chosen("services")? else {
            return Ok(None);
        };
        let part = files.part("services", &services.value);
        let Some(part) = part.filter(|part| !part.named.section.entries.is_empty()) else {
            return Err(services.wrong("there is no such section, or it is empty"));
        };
        let Some(entry) = part.named.section.entry(service) else {
            return Ok(None);
        };
        if entry.nested.is_empty() && !entry.value.is_empty() {
            let setting = part.setting(entry);
            return Err(setting.stop("is not an indented block of settings"));
        }
        let nested = entry.nested.iter().find(|nested| nested.name == name);
        let filled = nested.filter(|nested| !nested.value.is_empty());
        Ok(filled.map(|nested| part.setting(nested)))
    }

    fn set(self, name: &str) -> Option<Setting> {
        let parts = [self.credentials, self.config];
        parts.into_iter().flatten().find_map(|part| part.set(name))
    }
}

impl Part<'_> {
    /// A setting, even if it is empty.
    pub(crate) fn set(self, name: &str) -> Option<Setting> {
        self.named
            .section
            .entry(name)
            .map(|entry| self.setting(entry))
    }

    /// A setting; `None` when it is not set or empty.
    pub(crate) fn get(self, name: &str) -> Option<Setting> {
        self.set(name).filter(|setting| !setting.value.is_empty())
    }

    /// All settings.
    pub(crate) fn settings(self) -> impl Iterator<Item = (String, Setting)> {
        let entries = self.named.section.entries.iter();
        entries.map(move |entry| (entry.name.clone(), self.setting(entry)))
    }

    fn setting(self, entry: &Entry) -> Setting {
        let name = escape(&self.named.name);
        Setting {
            value: entry.value.clone(),
            source: format!("`{}` of {} `{name}`", escape(&entry.name), self.named.kind),
            place: Some(format!("line {} of {}", entry.line, shown_path(self.path))),
        }
    }
}

fn not_read(path: &Path, what: &str) -> Stop {
    let path = shown_path(path);
    Stop::configuration(format!("could not read `{path}`: {what}")).hint(
        "correct that file, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE at other files",
    )
}

/// The paths of both files. An empty variable names no file.
fn paths() -> Result<[Option<PathBuf>; 2], Stop> {
    Ok([
        environment::place("AWS_CONFIG_FILE", ".aws/config")?,
        environment::place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?,
    ])
}

/// The text of a file; empty where there is none.
fn read(path: &Path) -> Result<String, Stop> {
    let fail = |what: &str| not_read(path, what);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(fail(&error.to_string())),
    };
    if path == Path::new("/dev/null") {
        return Ok(String::new());
    }
    if !metadata.is_file() {
        return Err(fail("it is not a regular file"));
    }
    let file = File::open(path).map_err(|error| fail(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(&error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(fail(
            "it is longer than 4 MiB, which no AWS configuration file is",
        ));
    }
    decoded(path, bytes)
}

fn decoded(path: &Path, bytes: Vec<u8>) -> Result<String, Stop> {
    let fail = |what: &str| not_read(path, what);
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        fail(&format!("line {line}: it is not UTF-8 text"))
    })?;
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(fail(&format!("line {line}: it is binary, not text")));
    }
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/settings.rs"]
pub(super) mod target;
