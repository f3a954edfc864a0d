//! Builds all command lines that users paste into a shell. A line is printed only if sh, bash and zsh read each value
//! as exactly one unchanged word.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};

use crate::sanitize::is_unprintable;
use crate::secret::has_secret;

/// The maximum length of a line, in characters. Longer messages are truncated.
const MAX_CHARACTERS: usize = 800;

/// A command of this program or of the AWS CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The command without options that have values.
    words: &'static str,
    line: String,
    /// The first option whose value cannot be pasted.
    unsafe_option: Option<&'static str>,
    /// What stands for values that may be secrets.
    placeholders: Vec<String>,
}

impl CommandLine {
    /// Starts a command. The words must not need quotes.
    pub(crate) fn new(words: &'static str) -> Self {
        Self {
            words,
            line: words.to_owned(),
            unsafe_option: None,
            placeholders: Vec::new(),
        }
    }

    /// Appends words that are already quoted.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.line.push(' ');
        self.line.push_str(words);
        self
    }

    /// Appends an option. A value that begins with a dash is joined to it; otherwise it would be parsed as an option. After
    /// `--`, no value would be.
    pub(crate) fn option(self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        let starts_with_dash = value.as_encoded_bytes().first() == Some(&b'-');
        let separator = if starts_with_dash && name != "--" {
            '='
        } else {
            ' '
        };
        self.push(name, separator, value)
    }

    /// Appends an option that is joined to its value.
    pub(crate) fn joined(self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.push(name, '=', value.as_ref())
    }

    fn push(mut self, name: &'static str, separator: char, value: &OsStr) -> Self {
        match shell_quote(value) {
            Some(mut word) if self.line.chars().count() + word.chars().count() < MAX_CHARACTERS => {
                if has_secret(&word) {
                    word = placeholder(name);
                    self.placeholders.push(word.clone());
                }
                let _ = write!(self.line, " {name}{separator}{word}");
            }
            _ => self.unsafe_option = self.unsafe_option.or(Some(name)),
        }
        self
    }
}

/// Returns what stands for the value of an option, such as `EXTERNAL_ID`.
fn placeholder(option: &str) -> String {
    match option {
        "<" | "--" | "--from" => "FILE".to_owned(),
        _ => {
            let name = option.trim_start_matches('-').replace('-', "_");
            name.to_ascii_uppercase()
        }
    }
}

/// Formats the command line, or says in words what to run if it cannot be pasted. What is to be replaced is said after
/// it, so that a shell runs nothing if all of it is pasted.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unsafe_option {
            None if self.placeholders.is_empty() => f.write_str(&self.line),
            None => write!(
                f,
                "{} (replace {}: values that may be secrets are not shown)",
                self.line,
                self.placeholders.join(" and ")
            ),
            Some(option) => write!(
                f,
                "(no command is printed, because the value of {option} cannot be pasted safely: use `{}` and type its \
                 options yourself)",
                self.words
            ),
        }
    }
}

/// Joins the words of a command. `None`: it is too long, or one of them cannot be pasted safely.
pub(crate) fn join(words: &[&str]) -> Option<String> {
    let quoted = words.iter().map(|word| shell_quote(OsStr::new(word)));
    let line = quoted.collect::<Option<Vec<String>>>()?.join(" ");
    (line.chars().count() < MAX_CHARACTERS).then_some(line)
}

/// Quotes a value for a shell. `None`: the value contains line breaks, bytes that are not UTF-8, or other characters
/// that a terminal does not display as they are.
fn shell_quote(value: &OsStr) -> Option<String> {
    let text = value
        .to_str()
        .filter(|text| !text.contains(is_unprintable))?;
    shlex::try_quote(text)
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn each_value_is_one_word() {
        for (value, expected) in [
            (&b"prod"[..], "aws x --profile prod"),
            (b"", "aws x --profile ''"),
            (b"My Mac", "aws x --profile 'My Mac'"),
            (b"-x", "aws x --profile=-x"),
            (b"--yes", "aws x --profile=--yes"),
            (b"-x y", "aws x --profile='-x y'"),
            (b"a'b", "aws x --profile \"a'b\""),
            (b"$(reboot)", "aws x --profile '$(reboot)'"),
            (b"`reboot`", "aws x --profile '`reboot`'"),
            (b"a!b", "aws x --profile 'a!b'"),
            (b"~", "aws x --profile '~'"),
            (b"=ls", "aws x --profile '=ls'"),
            (b"{a,b}", "aws x --profile '{a,b}'"),
            (b"a;b&c|d>e", "aws x --profile 'a;b&c|d>e'"),
            ("bücher".as_bytes(), "aws x --profile 'bücher'"),
        ] {
            let line = CommandLine::new("aws x").option("--profile", OsStr::from_bytes(value));
            assert_eq!(line.to_string(), expected);
        }
        let line = CommandLine::new("chmod o-w").option("--", "-x");
        assert_eq!(line.to_string(), "chmod o-w -- -x");
        let line = CommandLine::new("aws x").words("--query 'a'");
        let line = line.joined("--user-name", "Bob");
        assert_eq!(line.to_string(), "aws x --query 'a' --user-name=Bob");
    }

    #[test]
    fn what_may_be_a_secret_is_to_be_replaced() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let line = CommandLine::new("aws x").option("--external-id", secret);
        let line = line.option("--region", "us-east-1");
        assert_eq!(
            line.clone().to_string(),
            "aws x --external-id EXTERNAL_ID --region us-east-1 (replace EXTERNAL_ID: values that may be secrets are \
             not shown)"
        );
        let line = line.joined("--user-name", format!("-'{secret}"));
        let line = line.option("<", format!("/tmp/{secret}"));
        assert_eq!(
            line.to_string(),
            "aws x --external-id EXTERNAL_ID --region us-east-1 --user-name=USER_NAME < FILE (replace EXTERNAL_ID and \
             USER_NAME and FILE: values that may be secrets are not shown)"
        );
    }

    #[test]
    fn what_cannot_be_pasted_is_not_printed() {
        let long = vec![b'x'; MAX_CHARACTERS];
        for value in [
            &b"a\nb"[..],
            b"a\rb",
            b"a\x1b[2Jb",
            b"a\tb",
            b"\xff",
            b"a\xc3",
            "a\u{202e}b".as_bytes(),
            "a\u{9b}b".as_bytes(),
            "a\u{200b}b".as_bytes(),
            "a\u{2028}b".as_bytes(),
            &long,
        ] {
            let line = CommandLine::new("aws x")
                .option("--region", "us-east-1")
                .option("--ca-bundle", OsStr::from_bytes(value))
                .option("--profile", "prod");
            assert_eq!(
                line.to_string(),
                "(no command is printed, because the value of --ca-bundle cannot be pasted safely: use `aws x` and \
                 type its options yourself)"
            );
        }
    }
}
