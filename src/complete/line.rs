//! The command line that is being typed: its words, which of them the cursor is in, and what is on it already. It may be
//! unfinished or wrong in any way.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

use super::shell::Shell;
use super::takes_file;
use crate::request::Connection;

/// A command line under way. Its words are as they were typed, in quotes where they were.
#[derive(Debug)]
pub(super) struct Line {
    /// The words, the program's name first.
    pub(super) words: Vec<String>,
    /// Which word the cursor is in; that word ends there.
    pub(super) index: usize,
}

/// The part of a line that is being typed.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    /// What stands before it in the same word: `--profile=`, or nothing.
    pub(super) head: &'a str,
    /// The option whose value it may be, without the dashes.
    pub(super) option: Option<&'a str>,
    /// The text.
    pub(super) typed: &'a str,
}

impl Line {
    /// Reads what a shell's script hands over: the index, and then the words. `None`: this is nothing of the kind.
    pub(super) fn read(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let index = args.next()?.to_str()?.parse().ok()?;
        let words: Vec<String> = args
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        (1..words.len())
            .contains(&index)
            .then_some(Self { words, index })
    }

    /// What is being typed.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        let word = self.words[self.index].as_str();
        match word
            .strip_prefix("--")
            .and_then(|rest| rest.split_once('='))
        {
            Some((option, typed)) => Cursor {
                head: &word[..word.len() - typed.len()],
                option: Some(option),
                typed,
            },
            None => Cursor {
                head: "",
                option: self.words[self.index - 1].strip_prefix("--"),
                typed: word,
            },
        }
    }

    /// The values that stand on the line for `option`, such as `--profile`; not what is being typed.
    pub(super) fn values(&self, option: &str) -> Vec<String> {
        let mut values = Vec::new();
        for (index, word) in self.words.iter().enumerate() {
            let value = match word.strip_prefix(option) {
                Some("") if index + 1 != self.index => self.words.get(index + 1).cloned(),
                Some(rest) if index != self.index => rest.strip_prefix('=').map(str::to_owned),
                _ => None,
            };
            values.extend(value.map(|value| unquoted(&value)));
        }
        values
    }

    /// Whether this option stands on the line.
    pub(super) fn has(&self, option: &str) -> bool {
        let mut words = self.words.iter();
        words.any(|word| word.split('=').next() == Some(option))
    }

    /// Whether the line names the command itself, with nothing before it as far as the shell shows that. The scripts leave
    /// the name out where something is there: assignments, `sudo`, or another command.
    pub(super) fn is_alone(&self) -> bool {
        let name = self.words.first().map(|word| Path::new(word).file_name());
        name.flatten().is_some_and(|name| name == "iam-del-key")
    }

    /// Whether a run would use the credentials and the address that are used to complete the line. Where the line may
    /// say otherwise, what is completed may be another account's.
    pub(super) fn tells_account(&self, command: &Command, shell: Shell) -> bool {
        let shell_tells = match shell {
            // It hides assignments before the command. The option takes precedence over them.
            Shell::Bash => self.has("--profile"),
            // It leaves a variable empty whose value it does not know, such as that of a command.
            Shell::Fish => !env::vars_os().any(|(name, value)| {
                value.is_empty() && name.as_encoded_bytes().starts_with(b"AWS_")
            }),
            Shell::Zsh => true,
        };
        shell_tells && self.is_alone() && self.is_understood(command)
    }

    /// Whether each word is an option of `command` or its value, and each value stands for itself.
    fn is_understood(&self, command: &Command) -> bool {
        let mut words = self.words.iter().enumerate().skip(1);
        while let Some((index, word)) = words.next() {
            if index == self.index {
                continue;
            }
            let is_known = match word.strip_prefix("--") {
                Some(rest) => {
                    let (name, joined) = match rest.split_once('=') {
                        Some((name, value)) => (name, Some(value)),
                        None => (rest, None),
                    };
                    match (find(command, name), joined) {
                        (None, _) => false,
                        (Some(argument), Some(value)) => takes_value(argument) && is_plain(value),
                        (Some(argument), None) if takes_value(argument) => match words.next() {
                            Some((next, _)) if next == self.index => true,
                            Some((_, value)) if takes_file(argument) => {
                                is_plain(value.strip_prefix("~/").unwrap_or(value))
                            }
                            Some((_, value)) => is_plain(value),
                            None => false,
                        },
                        (Some(_), None) => true,
                    }
                }
                None => match word.strip_prefix('-') {
                    Some(flags) => !flags.is_empty() && flags.chars().all(|c| is_flag(command, c)),
                    None => false,
                },
            };
            if !is_known {
                return false;
            }
        }
        true
    }

    /// The way to IAM that the line names so far.
    pub(super) fn connection(&self) -> Connection {
        let last = |option| self.values(option).pop();
        Connection {
            profile: last("--profile"),
            region: last("--region"),
            endpoint_url: last("--endpoint-url"),
            ca_bundle: last("--ca-bundle").map(at_home),
            ..Connection::default()
        }
    }
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| {
        argument.get_long() == Some(name)
            || argument
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    })
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

fn is_flag(command: &Command, short: char) -> bool {
    let mut arguments = command.get_arguments();
    arguments.any(|argument| argument.get_short() == Some(short) && !takes_value(argument))
}

/// Whether a shell hands the word over as it stands, but for its quotes: no variable, command or pattern is in it.
fn is_plain(word: &str) -> bool {
    let inner = word
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    inner.is_some_and(|inner| !inner.contains('\''))
        || !(word.starts_with('=') || word.contains(|c| "$`*?[]{}()<>!^~".contains(c)))
}

/// The word without its quotes, where it is whole.
fn unquoted(word: &str) -> String {
    match shlex::split(word).as_deref() {
        Some([word]) => word.clone(),
        _ => word.to_owned(),
    }
}

/// The path with the home for `~`, as the shell would have it.
fn at_home(path: String) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn line(index: &str, words: &[&str]) -> Option<Line> {
        let all = ["iam-del-key"].iter().chain(words);
        let args = [index].into_iter().chain(all.copied()).map(OsString::from);
        Line::read(args)
    }

    #[test]
    fn what_no_script_hands_over_is_no_line() {
        for index in ["", "0", "-1", "2", "x", "--user-name"] {
            assert!(line(index, &["B"]).is_none(), "{index}");
        }
        assert!(Line::read(std::iter::empty()).is_none());
    }

    #[test]
    fn the_value_under_the_cursor_is_not_on_the_line_yet() {
        let words = ["--user-name", "Bob", "--user-name=Al", "--profile", "'a b'"];
        for (index, expected) in [("2", vec!["Al"]), ("3", vec!["Bob"])] {
            let line = line(index, &words).expect("a line");
            assert_eq!(line.values("--user-name"), expected);
            assert_eq!(line.cursor().option, Some("user-name"));
            assert_eq!(line.connection().profile.as_deref(), Some("a b"));
        }
    }

    #[test]
    fn a_line_that_says_more_than_is_known_is_not_understood() {
        let command = crate::cli::Cli::command();
        let understood = |index: &str, words: &[&str]| {
            let line = line(index, words).expect("a line");
            line.is_understood(&command)
        };
        for words in [
            &["--user-name", "Bob", "-nv", "--output=json", ""][..],
            &["--profile", "'a$b c'", "--cli-error-format", "text", ""],
            &["--profile", "\"a b\"", "--ca-bundle", "~/ca.pem", ""],
            &["--cli-input-json", "'{\"UserName\": \"Carl\"}'", ""],
            &["--profile", "a\\ b", "--access-key-id", ""],
            &["--user-name="],
        ] {
            let index = words.len().to_string();
            assert!(understood(&index, words), "{words:?}");
        }
        for words in [
            &["--profile", "$P", ""][..],
            &["--profile", "\"$P\"", ""],
            &["--profile=$P", ""],
            &["--profile", "`p`", ""],
            &["--profile", "$(p)", ""],
            &["--profile", "~bob", ""],
            &["--profile", "~/x", ""],
            &["--profile", "=ls", ""],
            &["--profile", "p*", ""],
            &["--profile", "{a,b}", ""],
            &["--profile", "a'$b'", ""],
            &["--ca-bundle=~/ca.pem", ""],
            &["$OPTIONS", ""],
            &["Bob", ""],
            &[">", "file", ""],
            &["--role", "x", ""],
            &["--prof", "x", ""],
            &["--yes=x", ""],
            &["-nx", ""],
            &["-", ""],
            &["--", ""],
        ] {
            let index = words.len().to_string();
            assert!(!understood(&index, words), "{words:?}");
        }
        // What stands behind the cursor counts too.
        assert!(!understood(
            "2",
            &["--access-key-id", "", "--profile", "$P"]
        ));
        assert!(!understood("2", &["--access-key-id", "", "--profile"]));
    }

    #[test]
    fn the_command_is_alone_where_the_line_begins_with_it() {
        for (name, expected) in [
            ("iam-del-key", true),
            ("./target/iam-del-key", true),
            ("", false),
            ("AWS_PROFILE=x", false),
            ("delete", false),
            ("sudo", false),
        ] {
            let args = ["1", name, ""].map(OsString::from);
            let line = Line::read(args.into_iter()).expect("a line");
            assert_eq!(line.is_alone(), expected, "{name}");
        }
    }

    #[test]
    fn an_unfinished_line_has_what_it_has() {
        let line = line("2", &["--profile", "", "--user"]).expect("a line");
        assert_eq!(line.values("--profile"), Vec::<String>::new());
        assert_eq!(line.cursor().option, Some("profile"));
    }
}
