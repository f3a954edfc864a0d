//! The stories that README, man page and `tests/try` tell: the same commands everywhere, and each does what is told.

use std::path::PathBuf;

use iam_sandbox::Sandbox;
use iam_sandbox::documented::ALICE_KEY_ID;

use crate::case::{BOBS_KEY, Case, documented};

pub(crate) fn read(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(file).expect("a file of the project")
}

/// The commands of a story, and whether the pages have them in the same order.
fn commands(name: &str) -> Vec<String> {
    let story = read(&format!("tests/story/{name}"));
    let commands: Vec<String> = story
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!commands.is_empty());
    for page in ["README.md", "man/iam-del-key.1"] {
        // In the source of a man page a dash is written with a backslash.
        let text = read(page).replace("\\-", "-");
        let mut rest = text.as_str();
        for command in &commands {
            let Some(at) = rest.find(command.as_str()) else {
                panic!("{page} does not have, in this order: {command}");
            };
            rest = &rest[at + command.len()..];
        }
    }
    commands
}

/// Runs the commands of a story one after the other; all succeed, and after each `key` is as expected.
fn tell(name: &str, sandbox: &Sandbox, key: &str, statuses: &[Option<&str>]) {
    let commands = commands(name);
    assert_eq!(commands.len(), statuses.len());
    for (command, status) in commands.iter().zip(statuses) {
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("iam-del-key"));
        let printed = Case::at(sandbox, words).run().exits(0);
        let output = printed.output().to_owned();
        assert!(printed.prints(&output).says_no_error());
        let is = sandbox.key(key).map(|key| key.status.to_string());
        assert_eq!(is.as_deref(), *status, "after {command}");
    }
    assert_eq!(sandbox.keys().len(), 4, "only that key went");
}

#[test]
fn a_newcomers_first_five_minutes() {
    let sandbox = documented();
    let after = [Some("Active"), Some("Active"), Some("Inactive"), None, None];
    tell("first-five-minutes", &sandbox, BOBS_KEY, &after);
}

#[test]
fn a_leaked_key_whose_owner_is_unknown() {
    let sandbox = documented();
    let after = [Some("Active"), Some("Inactive"), None];
    tell("leaked-key", &sandbox, ALICE_KEY_ID, &after);
}

#[test]
fn an_auditors_stale_key() {
    let sandbox = documented();
    let after = [Some("Active"), Some("Inactive"), None];
    tell("stale-key", &sandbox, BOBS_KEY, &after);
}
