//! The command line that is being typed: its words, which of them the cursor is in, and what is on it already. It may be
//! unfinished or wrong in any way.

use std::ffi::OsString;
use std::path::PathBuf;

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

    /// Whether this word stands on the line.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
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
    fn an_unfinished_line_has_what_it_has() {
        let line = line("2", &["--profile", "", "--user"]).expect("a line");
        assert_eq!(line.values("--profile"), Vec::<String>::new());
        assert_eq!(line.cursor().option, Some("profile"));
    }
}
