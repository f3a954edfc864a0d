//! The Tab key in real shells: what the line becomes, and what is shown. Only lists are read.

use std::process::{Command, Output};

use iam_sandbox::Sandbox;
use iam_sandbox::documented::BOB_SECOND_KEY_ID;

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::credentials::{LATER, json};
use crate::shell::Shell;

/// What fish offers for a line.
fn fish(case: Case, line: &str) -> Output {
    let home = case.path("");
    let parts = case.into_parts();
    Command::new("fish")
        .args(["--no-config", "-c"])
        .arg("IAM_DEL_KEY_COMPLETE=fish $BINARY | source; complete -C $LINE")
        .env_clear()
        .envs(parts.environment)
        .envs([("BINARY", parts.binary), ("LINE", line), ("TERM", "dumb")])
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(home)
        .output()
        .unwrap_or_else(|error| panic!("fish does not start ({error}): tests/all installs it"))
}

fn fish_offers(case: Case, line: &str, expected: &str) {
    let output = fish(case, line);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{line}");
}

fn with_mail_addresses() -> Sandbox {
    Sandbox::documented()
        .user("alice@example.com")
        .user("a=b")
        .start()
}

#[test]
fn bash_completes_user_names_in_whatever_way_they_are_written() {
    let sandbox = with_mail_addresses();
    let shell = Shell::bash(Case::at(&sandbox, [""; 0]))
        .completes("--user-name B\t--yes", &["--user-name", "Bob", "--yes"])
        .completes("--user-name=B\t", &["--user-name=Bob"])
        .completes(
            "--user-name alice@ex\t",
            &["--user-name", "alice@example.com"],
        )
        .completes(
            "--user-name alice@\t",
            &["--user-name", "alice@example.com"],
        )
        .completes("--user-name=ali\t", &["--user-name=alice@example.com"])
        .completes("--user-name a=\t", &["--user-name", "a=b"])
        .completes("--user-name Nobody\t", &["--user-name", "Nobody"])
        .completes("--except-user B\t", &["--except-user", "Bob"]);
    shell.end();
    assert_eq!(actions(&sandbox), ["ListUsers"; 8]);
}

#[test]
fn bash_shows_what_is_known_of_a_users_keys() {
    let sandbox = documented();
    let note = "(Active, created ";
    let rest = " --user-name Bob";
    let back = "\x1b[D".repeat(rest.len());
    Shell::bash(Case::at(&sandbox, [""; 0]))
        .types("iam-del-key --user-name Bob --access-key-id AKI\t\t")
        .shows(&format!("{BOBS_KEY}  {note}"))
        .shows(&format!("{BOB_SECOND_KEY_ID}  {note}"))
        .types("\x15")
        .completes(
            "--user-name 'Bob' --access-key-id AKID\t",
            &["--user-name", "Bob", "--access-key-id", BOBS_KEY],
        )
        // The cursor may stand before the rest of the line.
        .completes(
            &format!("--access-key-id AKID{rest}{back}\t"),
            &["--access-key-id", BOBS_KEY, "--user-name", "Bob"],
        )
        .end();
    assert_eq!(actions(&sandbox), ["ListAccessKeys"; 4]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn zsh_completes_users_keys_and_files() {
    let sandbox = with_mail_addresses();
    Shell::zsh(Case::at(&sandbox, [""; 0]).file("a list", ""))
        .completes("--user-name B\t--yes", &["--user-name", "Bob", "--yes"])
        .completes("--user-name=alice@e\t", &["--user-name=alice@example.com"])
        .completes(
            "--user-name Bob --access-key-id AKID\t",
            &["--user-name", "Bob", "--access-key-id", BOBS_KEY],
        )
        .completes("--from a\t", &["--from", "a list"])
        .completes("--from=a\t", &["--from=a list"])
        .types("iam-del-key --user-name Bob --access-key-id AKI\t")
        .shows("-- Active, created ")
        .end();
    assert_eq!(
        actions(&sandbox),
        ["ListUsers", "ListUsers", "ListAccessKeys", "ListAccessKeys"]
    );
}

#[test]
fn fish_completes_users_keys_and_files() {
    let sandbox = with_mail_addresses();
    let case = || Case::at(&sandbox, [""; 0]).file("a list", "");
    fish_offers(case(), "iam-del-key --user-name B", "Bob\n");
    fish_offers(
        case(),
        "iam-del-key --user-name=ali",
        "--user-name=alice@example.com\n",
    );
    let output = fish(case(), "iam-del-key --user-name Bob --access-key-id AKID");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        output.starts_with(&format!("{BOBS_KEY}\tActive, created ")),
        "{output}"
    );
    assert_eq!(output.lines().count(), 1, "{output}");
    assert_eq!(
        actions(&sandbox),
        ["ListUsers", "ListUsers", "ListAccessKeys"]
    );
    fish_offers(case(), "iam-del-key --from a", "a list\n");
    fish_offers(case(), "iam-del-key --from=a", "--from=a list\n");
    fish_offers(case(), "iam-del-key --user-name Nobody", "");
}

#[test]
fn bash_completes_files_with_its_own_quotes() {
    let sandbox = documented();
    Shell::bash(
        Case::at(&sandbox, [""; 0])
            .file("a list", "")
            .file("$(reboot)", ""),
    )
    .completes("--from a\t", &["--from", "a list"])
    .completes("--journal=a\t", &["--journal=a list"])
    .completes("--ca-bundle '$\t", &["--ca-bundle", "$(reboot)"])
    .end();
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_credential_process_has_no_terminal_to_ask_on() {
    let sandbox = documented();
    let case = Case::at(&sandbox, [""; 0])
        .without_credentials()
        .file("answer.json", json(&sandbox.session(), LATER));
    let config = format!(
        "[default]\ncredential_process = (printf 'Code: ' > /dev/tty; read x < /dev/tty); cat {}\n",
        case.path("answer.json").display()
    );
    let seen = Shell::bash(case.file(".aws/config", config))
        .completes("--user-name B\t", &["--user-name", "Bob"])
        .end();
    assert!(!seen.contains("Code:"), "{seen}");
    assert_eq!(actions(&sandbox), ["ListUsers"]);
}
