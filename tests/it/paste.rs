//! Printed commands to paste: a shell passes each value unchanged, or no command is printed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, documented};

/// Prints each argument on its own line. The test does not write this program: a program that was just written cannot be started
/// while another test starts a process.
const STUB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/print-arguments");

/// The arguments that a shell passes to the command of the line.
fn pasted(shell: &str, line: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["aws", "iam-del-key"] {
        let path = folder.path().join(name);
        symlink(STUB, &path).expect("a link");
    }
    let output = Command::new(shell)
        .args(["-c", line])
        .env_clear()
        .env("PATH", folder.path())
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{shell} does not start ({error}): tests/all installs it"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// The command that is printed for a user who does not exist.
const FIND_OWNER: [&str; 4] = ["--access-key-id", BOBS_KEY, "--find-user", "--dry-run"];

const SHELLS: [&str; 3] = ["/bin/sh", "/bin/bash", "/usr/bin/zsh"];

/// The lines of hints.
fn hints(messages: &str) -> Vec<&str> {
    let hints = messages
        .lines()
        .filter_map(|line| line.strip_prefix("hint: "));
    hints.collect()
}

fn profile(name: &str) -> String {
    format!(
        "[profile {name}]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
    )
}

/// The command that a run with these options prints if it cannot find the key.
fn printed(sandbox: &Sandbox, options: &[&OsStr], config: &str) -> String {
    let missing = What::error(
        404,
        "NoSuchEntity",
        "The user with name -Bob cannot be found.",
    );
    sandbox.clear_faults();
    sandbox.fault(Fault::new(missing).on("DeleteAccessKey").always());
    let args = ["--access-key-id", BOBS_KEY, "--user-name=-Bob"].map(OsString::from);
    let options = options.iter().map(|option| (*option).to_owned());
    let case = Case::at(sandbox, args.into_iter().chain(options));
    let said = case
        .file(".aws/config", config)
        .run()
        .exits(3)
        .prints_outcome("Failed");
    let messages = said.messages().to_owned();
    let _ = said.says(&["NoSuchEntity"]);
    hints(&messages)[0].to_owned()
}

#[test]
fn c72_a_shell_passes_each_value_unchanged() {
    let sandbox = documented();
    let url = sandbox.url();
    for name in ["-x", "--yes", "prod:eu", "a+b", "x-y.z", "a/b%c@d"] {
        let options = ["--endpoint-url", &url, "--region", "us-east-1"];
        let joined = format!("--profile={name}");
        let options = options.iter().copied().chain([joined.as_str()]);
        let options: Vec<&OsStr> = options.map(OsStr::new).collect();
        let hint = printed(&sandbox, &options, &profile(name));
        let (_, line) = hint
            .split_once(": iam-del-key ")
            .unwrap_or_else(|| panic!("{hint}"));
        let line = format!("iam-del-key {line}");
        let option = if name.starts_with('-') {
            vec![format!("--profile={name}")]
        } else {
            vec!["--profile".to_owned(), name.to_owned()]
        };
        let rest = ["--region", "us-east-1", "--endpoint-url", &url].map(str::to_owned);
        let command = FIND_OWNER.map(str::to_owned);
        let expected = [&command[..], &option, &rest].concat();
        for shell in SHELLS {
            assert_eq!(pasted(shell, &line), expected, "{shell}: {line}");
        }
    }
}

#[test]
fn c72_paths_and_addresses_are_pasted_unchanged() {
    let sandbox = Sandbox::documented()
        .https(iam_sandbox::Certificate::Valid)
        .start();
    let bundle = fs::read(sandbox.ca_path().expect("a bundle")).expect("a bundle to read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inside = folder.path().to_str().expect("UTF-8");
    for name in [
        "My CA.pem",
        "a'b.pem",
        "a\"b.pem",
        "$(reboot).pem",
        "`reboot`.pem",
        "$HOME.pem",
        "a;b&c|d.pem",
        "a\\b.pem",
        "wh*t?.pem",
        "{a,b}.pem",
        "Zoë 鍵.pem",
        "!x^y.pem",
        "-x.pem",
        "#x.pem",
        "~.pem",
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &bundle).expect("a file");
        let options = [OsStr::new("--ca-bundle"), path.as_os_str()];
        let hint = printed(&sandbox, &options, "");
        let (_, line) = hint
            .split_once(": iam-del-key ")
            .unwrap_or_else(|| panic!("{hint}"));
        let line = format!("iam-del-key {line}");
        let given = format!("{inside}/{name}");
        let expected = [&FIND_OWNER[..], &["--ca-bundle", &given]].concat();
        for shell in SHELLS {
            assert_eq!(pasted(shell, &line), expected, "{shell}: {line}");
        }
    }
}

#[test]
fn c72_commands_that_cannot_be_pasted_are_described_in_words() {
    let sandbox = Sandbox::documented()
        .https(iam_sandbox::Certificate::Valid)
        .start();
    let bundle = fs::read(sandbox.ca_path().expect("a bundle")).expect("a bundle to read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long = [b"x".repeat(200), b"/".to_vec()].concat().repeat(5);
    for name in [
        &b"a\nreboot\n.pem"[..],
        b"a\rb.pem",
        b"a\tb.pem",
        b"a\x1b[2J.pem",
        b"a\xffb.pem",
        "a\u{202e}b.pem".as_bytes(),
        "a\u{9b}b.pem".as_bytes(),
        "a\u{200b}b.pem".as_bytes(),
        &[&long[..], b"x.pem"].concat(),
    ] {
        let path = folder.path().join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &bundle).expect("a file");
        let options = [OsStr::new("--ca-bundle"), path.as_os_str()];
        assert_eq!(
            printed(&sandbox, &options, ""),
            "check the user name; to find the key's owner: (no command is printed, because the value of --ca-bundle cannot be pasted safely: \
             use `iam-del-key` and type its options yourself)"
        );
    }
}

#[test]
fn c72_every_printed_command_accepts_a_profile_that_looks_like_an_option() {
    let another = ["--access-key-id", BOB_SECOND_KEY_ID];
    let mut commands = 0;
    for (args, status) in [
        (&["--user-name=-Bob"][..], 3),
        (&["--user-name=Alice"], 3),
        (&["--user-name=Alice", "--deactivate"], 3),
        (&["--user-name=Bob", "--deactivate"], 0),
        (
            &[&another[..], &["--user-name=Bob", "--deactivate"]].concat(),
            0,
        ),
        (&[&another[..], &["--user-name=Alice"]].concat(), 3),
    ] {
        let sandbox = documented();
        let args = [&["--access-key-id", BOBS_KEY, "--profile=-x"], args].concat();
        let case = Case::at(&sandbox, args).file(".aws/config", profile("-x"));
        let printed = case.run().exits(status);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        let messages = said.messages().to_owned();
        let _ = said.says(&["hint: "]);
        for hint in hints(&messages) {
            let line = hint.split_once(": ").map_or("", |(_, line)| line);
            if !line.starts_with("aws ") && !line.starts_with("iam-del-key ") {
                continue;
            }
            commands += 1;
            for shell in SHELLS {
                let words = pasted(shell, line);
                assert!(words.contains(&"--profile=-x".to_owned()), "{line}");
            }
        }
    }
    assert!(commands >= 5, "{commands}");
}

#[test]
fn c72_a_command_that_fixes_a_profile_names_it_safely() {
    for (name, command) in [
        ("-x", "aws configure --profile=-x"),
        ("a/b", "aws configure --profile a/b"),
    ] {
        let config = format!("[profile {name}]\naws_access_key_id = {ADMIN_KEY_ID}\n");
        let option = format!("--profile={name}");
        let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bob", &option];
        let case = Case::bare(args).file(".aws/config", config);
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&[&format!("hint: {command}\n")])
            .ends_with("nothing was sent to IAM");
        for shell in SHELLS {
            let words = pasted(shell, command);
            assert_eq!(
                words.concat(),
                command.replacen("aws ", "", 1).replace(' ', "")
            );
        }
    }
}
