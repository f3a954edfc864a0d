//! The Tab key in real shells: the completed line, and the screen. Completion only reads lists.

use std::process::{Command, Output};

use iam_sandbox::Sandbox;
use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::credentials::{LATER, json};
use crate::help::options_with_values;
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

/// A run with files in which the profile `p` has the administrator's keys.
fn with_profile(sandbox: &Sandbox) -> Case {
    let keys =
        format!("aws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n");
    Case::at(sandbox, [""; 0]).file(".aws/config", format!("[profile p]\n{keys}"))
}

fn with_mail_addresses() -> Sandbox {
    Sandbox::documented()
        .user("alice@example.com")
        .user("a=b")
        .start()
}

#[test]
fn bash_completes_user_names_in_every_spelling() {
    let sandbox = with_mail_addresses();
    let mut shell = Shell::bash(with_profile(&sandbox));
    for (typed, words) in [
        ("--user-name B\t--yes", &["--user-name", "Bob", "--yes"][..]),
        ("--user-name=B\t", &["--user-name=Bob"]),
        (
            "--user-name alice@ex\t",
            &["--user-name", "alice@example.com"],
        ),
        (
            "--user-name alice@\t",
            &["--user-name", "alice@example.com"],
        ),
        ("--user-name=ali\t", &["--user-name=alice@example.com"]),
        ("--user-name a=\t", &["--user-name", "a=b"]),
        ("--user-name Nobody\t", &["--user-name", "Nobody"]),
        ("--except-user B\t", &["--except-user", "Bob"]),
    ] {
        let words = [&["--profile", "p"], words].concat();
        shell = shell.completes(&format!("--profile p {typed}"), &words);
    }
    shell.end();
    assert_eq!(actions(&sandbox), ["ListUsers"; 8]);
}

#[test]
fn bash_shows_what_is_known_of_a_users_keys() {
    let sandbox = documented();
    let note = "(Active, created ";
    let rest = " --user-name Bob --profile p";
    let back = "\x1b[D".repeat(rest.len());
    Shell::bash(with_profile(&sandbox))
        .types("iam-del-key --profile p --user-name Bob --access-key-id AKI\t\t")
        .shows(&format!("{BOBS_KEY}  {note}"))
        .shows(&format!("{BOB_SECOND_KEY_ID}  {note}"))
        .types("\x15")
        .completes(
            "--profile p --user-name 'Bob' --access-key-id AKID\t",
            &[
                "--profile",
                "p",
                "--user-name",
                "Bob",
                "--access-key-id",
                BOBS_KEY,
            ],
        )
        // The cursor may be before the rest of the line.
        .completes(
            &format!("--access-key-id AKID{rest}{back}\t"),
            &[
                "--access-key-id",
                BOBS_KEY,
                "--user-name",
                "Bob",
                "--profile",
                "p",
            ],
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
        "[profile p]\ncredential_process = sh -c \"(printf 'Code: ' > /dev/tty; read x < /dev/tty); cat {}\"\n",
        case.path("answer.json").display()
    );
    let seen = Shell::bash(case.file(".aws/config", config))
        .completes(
            "--profile p --user-name B\t",
            &["--profile", "p", "--user-name", "Bob"],
        )
        .end();
    assert!(!seen.contains("Code:"), "{seen}");
    assert_eq!(actions(&sandbox), ["ListUsers"]);
}

/// Lines with more than completion can evaluate: nothing is offered, and no request is sent.
const UNKNOWN: [&str; 14] = [
    "AWS_PROFILE=x AWS_ENDPOINT_URL=http://127.0.0.1:9 iam-del-key --access-key-id A",
    "AWS_PROFILE=x iam-del-key --user-name B",
    "env AWS_PROFILE=x iam-del-key --user-name B",
    "true; AWS_PROFILE=x iam-del-key --user-name B",
    "export AWS_PROFILE=x; iam-del-key --user-name B",
    "true | iam-del-key --user-name B",
    "iam-del-key --endpoint-url $NONE --user-name B",
    "iam-del-key --profile \"$NONE\" --user-name B",
    "iam-del-key --region=$(true) --user-name B",
    "iam-del-key $NONE --user-name B",
    "iam-del-key --cli-input-json '{\"UserName\":\"Carl\"}' --access-key-id A",
    "iam-del-key --cli-input-json='{\"UserName\":\"Carl\"}' --access-key-id A",
    "iam-del-key --find-user --access-key-id A",
    "iam-del-key --no-such-option x --user-name B",
];

fn offer_nothing(shell: Shell, sandbox: &Sandbox) {
    let mut shell = shell
        .types("env() { shift; \"$@\"; }; echo de''fined\n")
        .shows("defined");
    for line in UNKNOWN {
        let value = &line[line.len() - 1..];
        shell = shell
            .types(&format!("{line}\t--yes\n"))
            .shows(&format!("[{value}--yes]\r\n"));
    }
    shell.end();
    assert_eq!(actions(sandbox), [""; 0]);
}

#[test]
fn c71_bash_offers_nothing_if_the_line_has_more_than_options() {
    let sandbox = documented();
    offer_nothing(Shell::bash(Case::at(&sandbox, [""; 0])), &sandbox);
    // Options are the same for every account.
    Shell::bash(Case::at(&sandbox, [""; 0]))
        .types("AWS_PROFILE=x iam-del-key --unused\t1d\n")
        .shows("got: [--unused-for] [1d]\r\n")
        .types("AWS_PROFILE=x AWS_REGION=y iam-del-key --output ta\t-n\n")
        .shows("got: [--output] [table] [-n]\r\n")
        .types("AWS_PROFILE=x iam-del-key --\t\t")
        .shows("--access-key-id")
        .end();
    // An alias, a wrapper that completes for another command, and a line that names no profile.
    let wrapper = "_w() { _iam_del_key_complete \"$@\"; }; complete -F _w wrapped; wrapped() { iam-del-key \"$@\"; }; \
                   alias del=iam-del-key; complete -F _iam_del_key_complete del; echo de''fined\n";
    Shell::bash(with_profile(&sandbox))
        .types(wrapper)
        .shows("defined")
        .types("del --profile p --user-name B\t--yes\n")
        .shows("[B--yes]\r\n")
        .types("wrapped --profile p --user-name B\t--yes\n")
        .shows("[B--yes]\r\n")
        .completes("--user-name B\t--yes", &["--user-name", "B--yes"])
        // Options, and values that do not depend on an account, are still offered.
        .completes("--unused\t1d", &["--unused-for", "1d"])
        .completes("--profile \t--yes", &["--profile", "p", "--yes"])
        .end();
    assert_eq!(actions(&sandbox), [""; 0]);
}

#[test]
fn c71_zsh_offers_nothing_if_the_line_has_more_than_options() {
    let sandbox = documented();
    offer_nothing(Shell::zsh(Case::at(&sandbox, [""; 0])), &sandbox);
    Shell::zsh(with_profile(&sandbox))
        .types("alias del='AWS_PROFILE=x iam-del-key'; echo de''fined\n")
        .shows("defined")
        .types("del --user-name B\t--yes\n")
        .shows("[B--yes]\r\n")
        .completes("--unused\t1d", &["--unused-for", "1d"])
        .end();
    assert_eq!(actions(&sandbox), [""; 0]);
}

#[test]
fn c71_fish_offers_only_what_a_run_would_reach() {
    let sandbox = documented();
    // Fish sets the variables of assignments, so the profile is the one that a run would use.
    for line in UNKNOWN {
        if line.starts_with("AWS_PROFILE=x iam-del-key") {
            continue;
        }
        fish_offers(Case::at(&sandbox, [""; 0]), line, "");
    }
    let unknown = "AWS_PROFILE=(echo x) iam-del-key --user-name B";
    fish_offers(Case::at(&sandbox, [""; 0]), unknown, "");
    assert_eq!(actions(&sandbox), [""; 0]);
    let elsewhere = documented();
    let line = format!(
        "AWS_ENDPOINT_URL={} iam-del-key --user-name B",
        elsewhere.url()
    );
    fish_offers(Case::at(&sandbox, [""; 0]), &line, "Bob\n");
    assert_eq!(actions(&sandbox), [""; 0]);
    assert_eq!(actions(&elsewhere), ["ListUsers"]);
}

#[test]
fn c47_the_bash_script_offers_file_names_only_for_files() {
    let folder = Case::bare([""; 0])
        .file("AKIA-a-file", "")
        .file("a list", "");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/iam-del-key.bash");
    let mut shell = Shell::plain_bash(folder, script);
    let others = [
        // Files.
        "--from",
        "--journal",
        "--ca-bundle",
        // Words of a list.
        "--output",
        "--error-format",
        "--color",
        "--generate-cli-skeleton",
    ];
    for option in options_with_values() {
        if others.contains(&option.as_str()) {
            continue;
        }
        shell = shell.completes(&format!("{option} A\t-x"), &[&option, "A-x"]);
        shell = shell.completes(&format!("{option} \t--yes"), &[&option, "--yes"]);
    }
    shell
        .completes("--from a\t", &["--from", "a list"])
        .completes("--output ta\t", &["--output", "table"])
        .types("AWS_PROFILE=x iam-del-key --unused\t1d\n")
        .shows("got: [--unused-for] [1d]\r\n")
        .types("AWS_PROFILE=x iam-del-key --un\t1d\n")
        .shows("got: [--unused-for] [1d]\r\n")
        .types("AWS_PROFILE=x iam-del-key --\t\t")
        .shows("--access-key-id")
        .end();
}
