//! The program: what `run` prints and passes on, and what `serve` prints and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use iam_sandbox::documented::{ADMIN_KEY_ID, BOB_KEY_ID};
use iam_sandbox::nth_key_id;
use serde_json::json;

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
fn run_points_the_command_at_a_sandbox_and_passes_on_its_exit_status() {
    let output = run(
        "echo $AWS_ENDPOINT_URL,$AWS_ACCESS_KEY_ID,$AWS_PROFILE$HTTPS_PROXY,$AWS_CA_BUNDLE; exit 37",
    );
    assert_eq!(output.status.code(), Some(37));
    let printed = String::from_utf8(output.stdout).expect("text");
    let words: Vec<&str> = printed.trim().split(',').collect();
    assert!(words[0].starts_with("https://127.0.0.1:"), "{printed}");
    assert_eq!(words[1..3], [ADMIN_KEY_ID, ""]);
    assert!(words[3].ends_with("ca.pem"), "{printed}");
    let message = String::from_utf8(output.stderr).expect("text");
    for text in [BOB_KEY_ID, "Exit status 37", "IAM saw: no request"] {
        assert!(message.contains(text), "missing: {text}\n{message}");
    }
}

#[test]
fn run_reports_a_signal_as_a_shell_does() {
    assert_eq!(run("kill -TERM $$").status.code(), Some(128 + 15));
}

#[test]
fn run_reports_an_unknown_command() {
    let output = Command::new(PROGRAM)
        .args(["run", "--", "no-such-command-anywhere"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).expect("text");
    assert!(
        message.contains("no-such-command-anywhere cannot be run"),
        "{message}"
    );
}

/// The JSON that `serve` with these options prints first.
fn printed(options: &[&str]) -> serde_json::Value {
    let mut child = Command::new(PROGRAM)
        .arg("serve")
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let read = BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    read.expect("a line");
    serde_json::from_str(&line).expect("JSON")
}

/// The number of keys of each user who has keys.
fn counts(options: &[&str]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let printed = printed(options);
    for key in printed["keys"].as_array().expect("a list") {
        let user = key["UserName"].as_str().expect("a name");
        match counts.last_mut() {
            Some((last, count)) if last == user => *count += 1,
            _ => counts.push((user.to_owned(), 1)),
        }
    }
    counts
}

#[test]
fn serve_adds_the_requested_users_and_keys() {
    let cases: [(&[&str], &[usize]); 5] = [
        (&["--keys", "3"], &[1, 1, 1]),
        (&["--users", "2"], &[1, 1]),
        (&["--users", "2", "--keys", "3"], &[2, 1]),
        (&["--users", "2", "--keys-per-user", "2"], &[2, 2]),
        (&["--idle-users", "2"], &[]),
    ];
    for (options, expected) in cases {
        let expected: Vec<(String, usize)> = (1..)
            .map(|number| format!("user-{number:06}"))
            .zip(expected.iter().copied())
            .collect();
        assert_eq!(counts(options), expected, "{options:?}");
    }
}

#[test]
fn serve_prints_the_keys_of_the_requested_account() {
    let printed = printed(&["--account", "210987654321", "--keys", "1"]);
    assert_eq!(printed["account"], "210987654321");
    let id = nth_key_id("210987654321", 0);
    assert_eq!(printed["keys"][0]["AccessKeyId"], id);
}

#[test]
fn serve_makes_keys_inactive_on_request() {
    for (options, status) in [
        (&["--keys", "2"][..], "Active"),
        (&["--keys", "2", "--inactive"], "Inactive"),
    ] {
        let printed = printed(options);
        let keys = printed["keys"].as_array().expect("a list");
        assert!(keys.iter().all(|key| key["Status"] == status), "{printed}");
        assert_eq!(keys.len(), 2);
    }
}

#[test]
fn serve_rejects_invalid_combinations_of_options() {
    for options in [
        &["--burst", "5"][..],
        &["--keys-per-user", "2"],
        &["--users", "1", "--keys", "1", "--keys-per-user", "1"],
    ] {
        let output = Command::new(PROGRAM)
            .arg("serve")
            .args(options)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
    }
}

/// The JSON that `serve` with these options prints first, and what it prints after `visit` and a signal.
fn served(options: &[&str], visit: impl FnOnce(&serde_json::Value)) -> (serde_json::Value, String) {
    let mut child = Command::new(PROGRAM)
        .arg("serve")
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let printed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    visit(&printed);
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.expect("kill starts").success());
    assert!(child.wait().expect("it ends").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    (printed, rest)
}

#[test]
fn serve_prints_how_to_connect_and_ends_after_a_signal() {
    let (printed, rest) = served(&["--https", "--keys", "2"], |_| {});
    assert!(
        printed["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://127.0.0.1:"))
    );
    assert_eq!(printed["access_key_id"], ADMIN_KEY_ID);
    assert_eq!(printed["documented_key"], BOB_KEY_ID);
    assert_eq!(printed["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest, "");
}

/// Sends `ListUsers` without a signature. The request is refused, but it is counted.
fn list_users(printed: &serde_json::Value) {
    let url = printed["url"].as_str().expect("a URL");
    let address = url.strip_prefix("http://").expect("HTTP");
    let mut stream = TcpStream::connect(address).expect("it serves");
    let body = "Action=ListUsers&Version=2010-05-08";
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    stream.read_to_end(&mut Vec::new()).expect("an answer");
}

#[test]
fn serve_denies_actions_and_prints_a_summary() {
    let (_, rest) = served(&["--summary", "--deny", "iam:ListUsers"], list_users);
    let end: serde_json::Value = serde_json::from_str(&rest).expect("one line of JSON");
    // Only a signature tells which account a request is for.
    let requests = json!([{ "Action": "ListUsers", "Answer": "403", "Account": null }]);
    assert_eq!(end["requests"], requests);
    let keys = end["keys"].as_array().expect("a list");
    let bobs = json!({ "UserName": "Bob", "AccessKeyId": BOB_KEY_ID, "Status": "Active" });
    assert!(keys.contains(&bobs), "{rest}");
}

#[test]
fn serve_reports_when_all_requests_have_taken_effect() {
    for scheme in [&[][..], &["--https"]] {
        let mut child = Command::new(PROGRAM)
            .arg("serve")
            .args(scheme)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let printed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let url = printed["url"].as_str().expect("a URL");
        let (_, address) = url.split_once("://").expect("a URL");
        drop(TcpStream::connect(address).expect("it serves"));
        let id = child.id().to_string();
        let asked = Command::new("kill").args(["-USR1", &id]).status();
        assert!(asked.expect("kill starts").success());
        line.clear();
        out.read_line(&mut line).expect("a line");
        assert_eq!(line, "{\"settled\":true}\n");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

#[test]
fn serve_counts_the_requests_that_it_drops() {
    let (_, rest) = served(&["--summary", "--remember", "1"], |printed| {
        list_users(printed);
        list_users(printed);
    });
    let end: serde_json::Value = serde_json::from_str(&rest).expect("one line of JSON");
    assert_eq!(end["requests"].as_array().map(Vec::len), Some(1));
    assert_eq!(end["counts"], json!({ "ListUsers": 2 }));
}
