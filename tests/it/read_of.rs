//! A failed read about one user or key in a run over many: the error names the user or the key.

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};
use serde_json::{Value, json};

use crate::case::{BOBS_KEY, Case, actions, each_at_once};

/// The only inactive key of the account. Its owner is read last.
const OF_ALICE: (&str, Option<&str>) = ("Alice", Some(ALICE_OLD_KEY_ID));

/// The options of a sweep, the read that fails, and the user and the key of that read.
type Sweep = (
    &'static [&'static str],
    &'static str,
    (&'static str, Option<&'static str>),
);

const SWEEPS: [Sweep; 4] = [
    (
        &["--whole-account", "--older-than", "1d"],
        "ListAccessKeys",
        ("Bob", None),
    ),
    (
        &["--all-keys", "--user-name", "Bob"],
        "ListAccessKeys",
        ("Bob", None),
    ),
    (
        &["--whole-account", "--only-inactive", "--unused-for", "1d"],
        "GetAccessKeyLastUsed",
        OF_ALICE,
    ),
    (
        &["--whole-account", "--only-inactive", "--except-tag", "x"],
        "ListUserTags",
        OF_ALICE,
    ),
];

/// A failure, its exit status, and the rest of its message.
fn failures() -> [(What, i32, &'static str); 5] {
    [
        (
            What::error(503, "ServiceUnavailable", "busy"),
            5,
            "An error occurred (ServiceUnavailable) when calling the {} operation: busy\n",
        ),
        (
            What::error(400, "Odd", ""),
            1,
            "An error occurred (Odd) when calling the {} operation: no message (request ID ",
        ),
        (What::ResetAfterActing, 9, "no usable response from IAM at "),
        (
            What::page(200, "text/html", "<html>hi</html>"),
            9,
            "unexpected response from IAM at ",
        ),
        (
            What::SilenceBeforeActing,
            9,
            "no usable response from IAM: {} did not finish in time; --timeout is 5 s\n",
        ),
    ]
}

fn sandbox(operation: &str, user: &str, what: What) -> Sandbox {
    let sandbox = Sandbox::documented()
        .deny("iam:GenerateCredentialReport")
        .start();
    let fault = Fault::new(what).on(operation).always();
    sandbox.fault(match operation {
        "GetAccessKeyLastUsed" => fault,
        _ => fault.of_user(user),
    });
    sandbox
}

fn sweep(sandbox: &Sandbox, options: &[&str]) -> Case {
    Case::at(sandbox, options.iter().copied())
        .args([
            "--yes",
            "--expect-account",
            "123456789012",
            "--timeout",
            "5",
        ])
        .env("AWS_MAX_ATTEMPTS", "1")
}

#[test]
fn f59_a_failed_read_that_ends_a_sweep_names_the_user_or_the_key() {
    let cases = SWEEPS
        .into_iter()
        .flat_map(|sweep| failures().map(|failure| (sweep, failure)));
    each_at_once(
        cases,
        |((options, operation, (user, key)), (what, status, says))| {
            let sandbox = sandbox(operation, user, what);
            let says = says.replace("{}", operation);
            let subject = key.map_or_else(String::new, |key| format!("{key} of "));
            let text = sweep(&sandbox, options)
                .run()
                .exits(status)
                .prints_nothing();
            let _ = text
                .says(&[&format!(
                    "iam-del-key: error: {subject}the user {user}: {says}"
                )])
                .ends_with("no key was changed");
            let case = sweep(&sandbox, options).args(["--error-format", "json"]);
            let json = case.run().exits(status).prints_nothing();
            let error = error_of(json.messages());
            assert_eq!(error["UserName"], json!(user), "{error}");
            assert_eq!(
                error.get("AccessKeyId"),
                key.map(Value::from).as_ref(),
                "{error}"
            );
            let all = json.messages().to_owned();
            let _ = json.says_exactly(&all);
            assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
        },
    );
}

/// Rejected credentials do not concern a single user.
#[test]
fn f59_rejected_credentials_that_end_a_sweep_name_no_user() {
    let (options, operation, _) = SWEEPS[0];
    let sandbox = sandbox(
        operation,
        "Bob",
        What::error(403, "ExpiredToken", "expired"),
    );
    let case = sweep(&sandbox, options).args(["--error-format", "json"]);
    let json = case.run().exits(7).prints_nothing();
    let error = error_of(json.messages());
    assert_eq!(error.get("UserName"), None, "{error}");
    let all = json.messages().to_owned();
    let _ = json.says_exactly(&all);
}

#[test]
fn f59_a_failed_list_that_an_index_needs_names_the_user() {
    let list = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    each_at_once(failures(), |(what, status, says)| {
        let sandbox = sandbox("ListAccessKeys", "Bob", what);
        sandbox.deny("iam:GetAccessKeyLastUsed");
        let case = || {
            Case::at(&sandbox, ["--from", "-", "--find-user", "--timeout", "5"])
                .env("AWS_MAX_ATTEMPTS", "1")
                .input(list.as_bytes())
        };
        let failed = [("Failed", 2)];
        let text = case().run().exits(status).prints_outcomes(&failed);
        let says = says.trim_end().replace("{}", "ListAccessKeys");
        let _ = text
            .says(&[&format!(
                "{ALICE_KEY_ID}: not deleted: the user Bob: {says}"
            )])
            .ends_with("2 failed and not changed");
        let case = case().args(["--error-format", "json"]);
        let json = case.run().exits(status).prints_outcomes(&failed);
        let mut lines = json.messages().lines();
        let line = lines.find(|line| line.contains(ALICE_KEY_ID));
        let error = error_of(line.expect("an error of the key"));
        assert_eq!(error["UserName"], json!("Bob"), "{error}");
        let all = json.messages().to_owned();
        let _ = json.says_exactly(&all);
    });
}

/// Returns the last error.
fn error_of(messages: &str) -> Value {
    let objects = messages
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut errors = objects.filter(|object: &Value| object["Level"] == "Error");
    errors.next_back().expect("an error")
}
