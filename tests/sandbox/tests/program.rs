//! The program: what `run` shows and passes on, and what `serve` says and how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

use iam_sandbox::documented::{ADMIN_KEY_ID, BOB_KEY_ID};

const PROGRAM: &str = env!("CARGO_BIN_EXE_iam-sandbox");

fn run(script: &str) -> Output {
    Command::new(PROGRAM)
        .args(["run", "--", "sh", "-c", script])
        .env("AWS_PROFILE", "elsewhere")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("the program starts")
}

#[test]
fn run_points_the_command_at_a_sandbox_and_passes_on_how_it_ended() {
    let output = run(
        "echo $AWS_ENDPOINT_URL,$AWS_ACCESS_KEY_ID,$AWS_PROFILE$HTTPS_PROXY,$AWS_CA_BUNDLE; exit 37",
    );
    assert_eq!(output.status.code(), Some(37));
    let printed = String::from_utf8(output.stdout).expect("text");
    let words: Vec<&str> = printed.trim().split(',').collect();
    assert!(words[0].starts_with("https://127.0.0.1:"), "{printed}");
    assert_eq!(words[1..3], [ADMIN_KEY_ID, ""]);
    assert!(words[3].ends_with("ca.pem"), "{printed}");
    let said = String::from_utf8(output.stderr).expect("text");
    for text in [BOB_KEY_ID, "Exit status 37", "IAM saw: no request"] {
        assert!(said.contains(text), "not said: {text}\n{said}");
    }
}

#[test]
fn run_passes_on_a_signal_as_a_shell_does() {
    assert_eq!(run("kill -TERM $$").status.code(), Some(128 + 15));
}

#[test]
fn run_says_when_there_is_no_such_command() {
    let output = Command::new(PROGRAM)
        .args(["run", "--", "no-such-command-anywhere"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains("no-such-command-anywhere cannot be run"),
        "{said}"
    );
}

#[test]
fn serve_says_how_to_reach_it_and_ends_at_a_signal() {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--https", "--keys", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(
        told["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://127.0.0.1:"))
    );
    assert_eq!(told["access_key_id"], ADMIN_KEY_ID);
    assert_eq!(told["documented_key"], BOB_KEY_ID);
    assert_eq!(told["keys"].as_array().map(Vec::len), Some(2));
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.expect("kill starts").success());
    assert!(child.wait().expect("it ends").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "");
}
