//! The stories of the README, the man page and `tests/try`: the commands are the same everywhere. They run on a terminal, and
//! the README shows their output. `UPDATE=1 cargo test --test it story` writes it there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iam_sandbox::Sandbox;
use iam_sandbox::documented::ALICE_KEY_ID;

use crate::case::{BOBS_KEY, Case, binary, documented};
use crate::dialogue::Dialogue;

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(path_of(path)).expect("a file of the project")
}

fn path_of(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The commands of a story.
fn commands(name: &str) -> Vec<String> {
    let story = read(&format!("tests/story/{name}"));
    let commands: Vec<String> = story
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!commands.is_empty());
    commands
}

/// The screen after a command on a terminal of 80 columns, in a folder.
fn shown(sandbox: &Sandbox, folder: &Path, command: &str) -> String {
    let binary = Path::new(binary());
    let tools = binary.parent().expect("a folder of binaries").display();
    let path = format!("{tools}:/usr/local/bin:/usr/bin:/bin");
    let script = format!("exec > /dev/tty; cd '{}'; {command}", folder.display());
    let case = Case::at(sandbox, [] as [&str; 0]).env("PATH", path);
    let ended = Dialogue::start_under(case, &["sh", "-c", &script]).end();
    let said = ended.exits(0).prints_nothing();
    assert!(said.says_no_error());
    let screen = said.messages().lines();
    screen.map(|line| displayed(line) + "\n").collect()
}

/// A line as the terminal shows it at the end: without erased text and colors.
fn displayed(line: &str) -> String {
    let line = line.rsplit("\x1b[2K").next().unwrap_or_default();
    let mut pieces = line.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| piece.split_once('m').map_or("", |(_, text)| text));
    (first + &rest.collect::<String>()).trim_end().to_owned()
}

/// The lines without dates, in an order that does not depend on which key was finished first.
fn comparable(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(undated).collect();
    lines.sort_unstable();
    lines
}

/// The text with `(a date)` for each `2026-11-24` and each `2026-11-24T16:00:00Z`.
fn undated(line: &str) -> String {
    let is_date = |text: &str| {
        let form = |(c, f): (char, char)| if f == '0' { c.is_ascii_digit() } else { c == f };
        text.len() == 10 && text.chars().zip("0000-00-00".chars()).all(form)
    };
    let Some(at) = (0..line.len()).find(|&at| line.get(at..at + 10).is_some_and(is_date)) else {
        return line.to_owned();
    };
    let rest = &line[at + 10..];
    let time = rest.strip_prefix('T').and_then(|time| time.split_once('Z'));
    let rest = time.map_or(rest, |(_, rest)| rest);
    format!("{}(a date){}", &line[..at], undated(rest))
}

/// The output below a command in the README.
fn documented_output<'a>(readme: &'a str, command: &str) -> &'a str {
    let start = format!("\n$ {command}\n");
    let Some((_, rest)) = readme.split_once(&start) else {
        panic!("the README does not have: {command}");
    };
    let ends = ["$ ", "```"].map(|end| {
        rest.match_indices(end)
            .find(|(at, _)| rest[..*at].ends_with('\n') || *at == 0)
    });
    let end = ends.iter().flatten().map(|(at, _)| *at).min();
    &rest[..end.expect("the end of the block")]
}

/// Runs a story. After each command, `key` is as expected.
fn tell(name: &str, key: &str, statuses: &[Option<&str>], left: usize) {
    let commands = commands(name);
    assert_eq!(commands.len(), statuses.len());
    // In the source of a man page a dash is written with a backslash.
    let page = read("man/iam-del-key.1")
        .replace("\\-", "-")
        .replace("\\*(Aq", "'");
    let sandbox = documented();
    let folder = tempfile::tempdir().expect("a folder");
    for (command, status) in commands.iter().zip(statuses) {
        assert!(
            page.contains(command.as_str()),
            "not in the man page: {command}"
        );
        let shown = shown(&sandbox, folder.path(), command);
        let is = sandbox.key(key).map(|key| key.status.to_string());
        assert_eq!(is.as_deref(), *status, "after {command}");
        let readme = read("README.md");
        let documented = documented_output(&readme, command);
        if comparable(documented) == comparable(&shown) {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE").is_some(),
            "write it with UPDATE=1: the README shows after {command}\n{documented}\nand the terminal\n{shown}"
        );
        let at = documented.as_ptr() as usize - readme.as_ptr() as usize;
        let readme = format!(
            "{}{shown}{}",
            &readme[..at],
            &readme[at + documented.len()..]
        );
        std::fs::write(path_of("README.md"), readme).expect("the README");
    }
    assert_eq!(sandbox.keys().len(), left);
}

#[test]
fn the_readme_shows_what_a_terminal_shows() {
    let (active, inactive) = (Some("Active"), Some("Inactive"));
    tell("one-key", BOBS_KEY, &[active, None], 4);
    tell("leaked-key", ALICE_KEY_ID, &[active, inactive, None], 4);
    tell("departing-user", ALICE_KEY_ID, &[active, None], 3);
    tell("stale-keys", BOBS_KEY, &[active, active, None], 3);
}

#[test]
fn the_readme_is_short_and_names_only_options_that_exist() {
    let readme = read("README.md");
    assert!(
        readme.lines().count() <= 300,
        "{} lines",
        readme.lines().count()
    );
    assert!(readme.len() <= 20_000, "{} bytes", readme.len());
    let help = Case::bare(["--help"]).run().exits(0).output().to_owned();
    let options = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let options = words.filter(|word| word.len() > 3 && word.starts_with("--"));
        options
            .filter(|word| !word.starts_with("---"))
            .map(str::to_owned)
            .collect()
    };
    // Options of cargo and the AWS CLI.
    let others = ["--locked", "--path", "--policy-document", "--policy-name"]
        .map(str::to_owned)
        .into();
    let unknown = &(&options(&readme) - &options(&help)) - &others;
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_readme_has_every_exit_status_of_the_help() {
    let help = Case::bare(["--help"]).run().exits(0).output().to_owned();
    let (_, statuses) = help.split_once("Exit status:\n").expect("the section");
    let of_help: Vec<&str> = statuses
        .lines()
        .filter_map(|line| line.trim_start().split_once("  "))
        .map(|(status, _)| status)
        .collect();
    let readme = read("README.md");
    let (_, table) = readme.split_once("## Exit status\n").expect("the section");
    let (table, _) = table.split_once("\n## ").expect("the next section");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    let of_readme: Vec<&str> = rows
        .filter_map(|row| row.split(" | ").next())
        .skip(1)
        .collect();
    assert_eq!(of_readme, of_help);
}
