//! The supported shells and their completion scripts.

use std::ffi::OsStr;
use std::path::Path;

/// A supported shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Zsh,
}

impl Shell {
    /// Parses the name or the path of a shell, as in `$SHELL`.
    pub(super) fn named(name: &OsStr) -> Option<Self> {
        match Path::new(name).file_name()?.to_str()? {
            "bash" => Some(Self::Bash),
            "fish" => Some(Self::Fish),
            "zsh" => Some(Self::Zsh),
            _ => None,
        }
    }

    /// Returns the script that calls `program`.
    pub(super) fn script(self, program: &str) -> String {
        let script = match self {
            Self::Bash => include_str!("iam-del-key.bash"),
            Self::Fish => include_str!("iam-del-key.fish"),
            Self::Zsh => include_str!("iam-del-key.zsh"),
        };
        script.replace("COMPLETER", &self.quoted(program))
    }

    fn quoted(self, text: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("'{}'", text.replace('\'', r"'\''")),
            Self::Fish => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
        }
    }
}
