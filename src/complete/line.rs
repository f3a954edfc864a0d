//! Parses the command line that is being completed: its words, the cursor, and the options that are there already. The
//! line may be incomplete or wrong.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use super::shell::Shell;
use super::{argument, takes_file};
use crate::cli::Cli;

/// A command line that is being typed. The words include their quotes.
#[derive(Debug)]
pub(crate) struct Line {
    /// The words, starting with the name of the program.
    pub(super) words: Vec<String>,
    /// The index of the word with the cursor. The word ends at the cursor.
    pub(super) index: usize,
}

impl Line {
    /// Parses the arguments from the shell script: the index, then the words. `None`: the arguments are something
    /// else.
    pub(super) fn from_args(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let index = args.next()?.to_str()?.parse().ok()?;
        let words: Vec<String> = args
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        (1..words.len())
            .contains(&index)
            .then_some(Self { words, index })
    }

    /// Returns the word with the cursor in parts: what precedes the text to complete, such as `--profile=`, or nothing; the
    /// option whose value that text may be, without dashes; and the text to complete.
    pub(super) fn cursor(&self) -> (&str, Option<&str>, &str) {
        let word = self.words[self.index].as_str();
        let joined = word
            .strip_prefix("--")
            .and_then(|rest| rest.split_once('='));
        match joined {
            Some((option, typed)) => (&word[..word.len() - typed.len()], Some(option), typed),
            None => ("", self.words[self.index - 1].strip_prefix("--"), word),
        }
    }

    /// Whether the line starts with this command. The scripts leave the name out if anything else precedes it:
    /// assignments, `sudo`, or another command.
    pub(super) fn starts_with_command(&self) -> bool {
        let name = self.words.first().map(|word| Path::new(word).file_name());
        name.flatten().is_some_and(|name| name == "iam-del-key")
    }

    /// Parses the line without the part that is being typed. `None`: the run might use other credentials or another
    /// endpoint than the line shows, so suggestions could come from another account.
    pub(super) fn parse_for(&self, shell: Shell) -> Option<Cli> {
        let line = self.parse()?;
        let shows_account = match shell {
            // Bash hides assignments before the command. `--profile` takes precedence over them.
            Shell::Bash => line.connection.profile.is_some(),
            // Fish leaves variables empty if it does not know their value, such as the output of a command.
            Shell::Fish => !env::vars_os().any(|(name, value)| {
                value.is_empty() && name.as_encoded_bytes().starts_with(b"AWS_")
            }),
            Shell::Zsh => true,
        };
        (shows_account && self.starts_with_command()).then_some(line)
    }

    /// Parses the line without the part that is being typed. Each word must be an option or a literal value. Required
    /// arguments may still be missing.
    fn parse(&self) -> Option<Cli> {
        let command = Cli::command();
        let (prefix, option, _) = self.cursor();
        let is_separate = prefix.is_empty() && argument(&command, option).is_some();
        let mut args = vec![self.words[0].clone()];
        for (index, word) in self.words.iter().enumerate().skip(1) {
            if index == self.index || (is_separate && index + 1 == self.index) {
                continue;
            }
            let option = self.words[index - 1].strip_prefix("--");
            let is_file = argument(&command, option).is_some_and(takes_file);
            let value = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => value,
                _ => word,
            };
            match word.strip_prefix("~/") {
                Some(rest) if is_file && is_literal_word(rest) => {
                    let path = env::home_dir()?.join(without_quotes(rest));
                    args.push(path.into_os_string().into_string().ok()?);
                }
                _ if is_literal_word(value) && word != "--" => args.push(without_quotes(word)),
                _ => return None,
            }
        }
        let wrong = command.clone().try_get_matches_from(&args).err();
        match wrong.map(|error| error.kind()) {
            None | Some(ErrorKind::MissingRequiredArgument) => {}
            Some(_) => return None,
        }
        let matches = command.ignore_errors(true).try_get_matches_from(args);
        Cli::from_arg_matches(&matches.ok()?).ok()
    }
}

/// Whether a shell passes the word on unchanged except for its quotes: it contains no variables, commands or patterns.
fn is_literal_word(word: &str) -> bool {
    let inner = word
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    inner.is_some_and(|inner| !inner.contains('\''))
        || !(word.starts_with('=') || word.contains(|c| "$`*?[]{}()<>!^~".contains(c)))
}

/// Removes quotes if they are closed.
fn without_quotes(word: &str) -> String {
    match shlex::split(word).as_deref() {
        Some([word]) => word.clone(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: &str, words: &[&str]) -> Option<Line> {
        let all = ["iam-del-key"].iter().chain(words);
        let args = [index].into_iter().chain(all.copied()).map(OsString::from);
        Line::from_args(args)
    }

    #[test]
    fn what_no_script_hands_over_is_no_line() {
        for index in ["", "0", "-1", "2", "x", "--user-name"] {
            assert!(line(index, &["B"]).is_none(), "{index}");
        }
        assert!(Line::from_args(std::iter::empty()).is_none());
    }

    #[test]
    fn the_value_under_the_cursor_is_not_on_the_line_yet() {
        let words = ["--user-name", "Bob", "--user-name=Al", "--profile", "'a b'"];
        for (index, expected) in [("2", "Al"), ("3", "Bob")] {
            let line = line(index, &words).expect("a line");
            assert_eq!(line.cursor().1, Some("user-name"));
            let cli = line.parse().expect("options");
            assert_eq!(cli.user_name.expect("a name").as_str(), expected);
            assert_eq!(cli.connection.profile.as_deref(), Some("a b"));
        }
    }

    #[test]
    fn a_line_that_says_more_than_is_known_is_not_understood() {
        let parse = |index: &str, words: &[&str]| {
            let line = line(index, words).expect("a line");
            line.parse().is_some()
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
            assert!(parse(&index, words), "{words:?}");
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
            &["--profile", "a", "--profile", "b", "--user-name", ""],
            &["--yes=x", ""],
            &["-nx", ""],
            &["-", ""],
            &["--", ""],
        ] {
            let index = words.len().to_string();
            assert!(!parse(&index, words), "{words:?}");
        }
        // Words after the cursor count too.
        assert!(!parse("2", &["--access-key-id", "", "--profile", "$P"]));
        assert!(!parse("2", &["--access-key-id", "", "--profile"]));
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
            let line = Line::from_args(args.into_iter()).expect("a line");
            assert_eq!(line.starts_with_command(), expected, "{name}");
        }
    }

    #[test]
    fn an_unfinished_line_has_what_it_has() {
        let line = line("2", &["--profile", "", "--user"]).expect("a line");
        assert_eq!(line.cursor().1, Some("profile"));
        assert!(line.parse().is_none());
    }
}
