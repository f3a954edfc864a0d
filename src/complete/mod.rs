//! Answers a shell that asks for completions. Completion never prints errors and never changes anything.

mod account;
mod line;
mod shell;

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory as _, ValueHint};

use crate::cli::Cli;
use crate::error::RunError;
use crate::sanitize::{escape, is_unprintable};
use crate::secret::has_secret;
use line::Line;
use shell::Shell;

/// The variable that names the shell.
const VARIABLE: &str = "IAM_DEL_KEY_COMPLETE";

/// A region in each partition. IAM needs only the partition.
const REGIONS: [(&str, &str); 4] = [
    ("us-east-1", "the partition aws"),
    ("us-gov-west-1", "the partition aws-us-gov"),
    ("cn-north-1", "the partition aws-cn"),
    ("eusc-de-east-1", "the partition aws-eusc"),
];

/// Returns what makes the text for standard output, if the environment requests completion: the script that sets it up in a
/// shell, or the candidates for the word at the cursor. `None`: this is a normal run. The variable alone is not enough: a
/// command line with real arguments always runs.
pub(crate) fn requested() -> Option<impl FnOnce() -> Result<String, RunError>> {
    let shell = env::var_os(VARIABLE).filter(|shell| !shell.is_empty())?;
    let known = Shell::named(&shell);
    let mut args = env::args_os();
    let program = args.next().unwrap_or_default();
    let line = match args.next() {
        None => None,
        Some(first) if first == "--" && known.is_some() => Some(Line::from_args(args)?),
        Some(_) => return None,
    };
    Some(move || match (known, line) {
        (Some(shell), None) => Ok(shell.script(&command_of(&program))),
        (Some(shell), Some(line)) => {
            detach_from_terminal();
            Ok(candidates(&line, shell))
        }
        (None, _) => Err(RunError::usage(format!(
            "the environment variable {VARIABLE} is `{}`: it must be bash, fish or zsh",
            escape(&shell.to_string_lossy())
        ))
        .hint(format!(
            "unset {VARIABLE}; other shells have files in `completions`"
        ))),
    })
}

/// Returns the command that the script runs: a name that the shell finds, or the path it was called by.
fn command_of(program: &OsStr) -> String {
    let path = Path::new(program);
    let absolute = match path.components().count() {
        0 | 1 => None,
        _ => env::current_dir().ok().map(|folder| folder.join(path)),
    };
    let path = absolute.as_deref().unwrap_or(path);
    let path = path.to_str().filter(|path| !path.contains(is_unprintable));
    path.unwrap_or("iam-del-key").to_owned()
}

/// Detaches this process and its children from the terminal, so that nothing can prompt or print there.
fn detach_from_terminal() {
    // A process group leader cannot create a session. The scripts do not make this process one.
    let _ = rustix::process::setsid();
    if let Ok(nowhere) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stderr(nowhere);
    }
}

/// Returns the answer: its kind, and one candidate per line with a tab and a note if there is one.
fn candidates(line: &Line, shell: Shell) -> String {
    let command = Cli::command();
    let (prefix, option, typed) = line.cursor();
    let argument = argument(&command, option);
    let found = match argument {
        // The shells complete files better because they know their own quoting.
        Some(argument) if takes_file(argument) => return "files".to_owned(),
        Some(argument) => values(argument, line, shell),
        None if prefix.is_empty() => options(&command),
        None => Vec::new(),
    };
    let mut text = "values\n".to_owned();
    for (value, note) in found {
        // A value that begins with a dash would be parsed as an option.
        let is_option = argument.is_some() && value.starts_with('-');
        if is_option || !value.starts_with(typed) || !is_safe_word(&value) {
            continue;
        }
        text.push_str(prefix);
        text.push_str(&value);
        if let Some(note) = note.lines().next() {
            let _ = write!(text, "\t{}", escape(note));
        }
        text.push('\n');
    }
    text
}

/// A candidate and a note, which may be empty.
type Suggestion = (String, String);

fn options(command: &Command) -> Vec<Suggestion> {
    let option = |argument: &Arg| {
        let long = argument.get_long()?;
        Some((format!("--{long}"), note(argument.get_help())))
    };
    let arguments = command.get_arguments();
    arguments
        .filter(|argument| !argument.is_hide_set())
        .filter_map(option)
        .collect()
}

fn values(argument: &Arg, line: &Line, shell: Shell) -> Vec<Suggestion> {
    match argument.get_long() {
        Some("profile") if line.starts_with_command() => account::profiles(),
        Some("user-name" | "except-user") => {
            let line = line.parse_for(shell);
            line.map(account::user_names).unwrap_or_default()
        }
        Some("access-key-id") => {
            let line = line.parse_for(shell);
            // Either could select another user.
            let line = line.filter(|line| !line.find_user && line.aws.cli_input_json.is_none());
            line.map(account::keys).unwrap_or_default()
        }
        Some("region") => REGIONS
            .map(|(name, partition)| (name.to_owned(), partition.to_owned()))
            .into(),
        _ => {
            let values = argument.get_possible_values().into_iter();
            let values = values.filter(|value| !value.is_hide_set());
            values
                .map(|value| (value.get_name().to_owned(), note(value.get_help())))
                .collect()
        }
    }
}

fn note(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// Finds the option of this name if it has a value.
fn argument<'a>(command: &'a Command, option: Option<&str>) -> Option<&'a Arg> {
    let mut arguments = command.get_arguments();
    arguments.find(|argument| {
        option.is_some_and(|option| argument.get_long() == Some(option))
            && argument.get_action().takes_values()
    })
}

fn takes_file(argument: &Arg) -> bool {
    matches!(
        argument.get_value_hint(),
        ValueHint::FilePath | ValueHint::AnyPath
    )
}

/// Whether a shell reads the value as a single literal word, and the value may be shown.
fn is_safe_word(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    !value.is_empty() && value.chars().all(is_plain) && !has_secret(value)
}
