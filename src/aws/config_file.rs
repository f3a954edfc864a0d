//! The AWS configuration files, read and checked before the SDK sees them. The SDK takes a file it cannot
//! read or decode for an empty one and goes on as somebody else.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_runtime::env_config::error::EnvConfigFileLoadError;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_types::os_shim_internal::{Env, Fs};

use super::environment;
use crate::escape::escape;
use crate::stop::Stop;

/// The most a configuration file may hold, in bytes; a real one holds a few KiB.
const LONGEST: u64 = 4 << 20;

/// The two files' contents, as far as they are there.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFiles {
    files: Vec<ConfigFile>,
}

#[derive(Clone, Debug)]
struct ConfigFile {
    kind: EnvConfigFileKind,
    path: PathBuf,
    contents: String,
}

/// The profiles of each file by itself: a key and its token stand in the same file.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    /// Of `~/.aws/credentials`.
    pub(crate) credentials: EnvConfigSections,
    /// Of `~/.aws/config`.
    pub(crate) config: EnvConfigSections,
}

impl ConfigFiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or what `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name instead. A file that is not there, and `/dev/null`, count as empty.
    pub(crate) fn read() -> Result<Self, Stop> {
        let sources = [
            (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "config"),
            (
                EnvConfigFileKind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
            ),
        ];
        let mut files = Vec::new();
        for (kind, variable, name) in sources {
            let Some(path) = path(variable, name) else {
                continue;
            };
            if let Some(contents) = read(&path)? {
                files.push(ConfigFile {
                    kind,
                    path,
                    contents,
                });
            }
        }
        Ok(Self { files })
    }

    /// The profiles of both files.
    ///
    /// # Errors
    ///
    /// A file that is not in the AWS configuration format, with its name and line.
    pub(crate) async fn profiles(
        &self,
        selected: &str,
    ) -> Result<(EnvConfigSections, Apart), Stop> {
        let mut apart = Apart::default();
        for file in &self.files {
            let sections = parse(&contents_of([file]), selected)
                .await
                .map_err(|error| not_parsed(&file.path, &error))?;
            match file.kind {
                EnvConfigFileKind::Credentials => apart.credentials = sections,
                EnvConfigFileKind::Config => apart.config = sections,
            }
        }
        parse(&self.for_sdk(&[]), selected)
            .await
            .map(|profiles| (profiles, apart))
            .map_err(|error| Stop::configuration(error.to_string()))
    }

    /// The files as the SDK takes them, with `sections` added that override what the files say.
    pub(crate) fn for_sdk(&self, sections: &[String]) -> EnvConfigFiles {
        let added = sections.iter().map(|section| ConfigFile {
            kind: EnvConfigFileKind::Credentials,
            path: PathBuf::new(),
            contents: section.clone(),
        });
        contents_of(&self.files.iter().cloned().chain(added).collect::<Vec<_>>())
    }

    /// Where the profiles were looked for.
    pub(crate) fn places() -> Vec<String> {
        let sources = [
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ];
        sources
            .iter()
            .filter_map(|(variable, name)| path(variable, name))
            .map(|path| escape(&path.to_string_lossy()))
            .collect()
    }
}

fn contents_of<'a>(files: impl IntoIterator<Item = &'a ConfigFile>) -> EnvConfigFiles {
    // The builder wants one file at least.
    let none = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "");
    files
        .into_iter()
        .fold(none, |files, file| {
            files.with_contents(file.kind, file.contents.clone())
        })
        .build()
}

async fn parse(
    files: &EnvConfigFiles,
    selected: &str,
) -> Result<EnvConfigSections, EnvConfigFileLoadError> {
    let selected = Cow::Owned(selected.to_owned());
    aws_config::profile::load(&Fs::real(), &Env::real(), files, Some(selected)).await
}

fn not_parsed(path: &Path, error: &EnvConfigFileLoadError) -> Stop {
    // The parser knows the line, but not the name of a file it was handed as text.
    let text = std::error::Error::source(error).map_or(error.to_string(), ToString::to_string);
    let what = text
        .split_once(" on ")
        .map_or(text.as_str(), |(_, what)| what);
    let what: Vec<&str> = what.split_whitespace().collect();
    not_read(path, &escape(&what.join(" ")))
}

fn not_read(path: &Path, what: &str) -> Stop {
    Stop::configuration(format!("could not read `{}`: {what}", shown(path))).hint(
        "correct that file, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE at other files",
    )
}

fn path(variable: &str, name: &str) -> Option<PathBuf> {
    let home = std::env::home_dir();
    match (environment::path(variable), home) {
        (Some(path), Some(home)) => match path.strip_prefix("~") {
            Ok(rest) => Some(home.join(rest)),
            Err(_) => Some(path),
        },
        (Some(path), None) => Some(path),
        (None, home) => Some(home?.join(".aws").join(name)),
    }
}

fn read(path: &Path) -> Result<Option<String>, Stop> {
    let fail = |what: &str| not_read(path, what);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(&error.to_string())),
    };
    if path == Path::new("/dev/null") {
        return Ok(None);
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
    decoded(path, bytes).map(Some)
}

/// The text of a file.
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

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/settings.rs"]
pub(super) mod target;
