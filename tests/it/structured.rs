//! `--error-format json`: whatever fails, each line of standard error is an object as `man/reference.md` describes it.

use iam_sandbox::What;
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, DELETED, DOCUMENTED, always, documented, each, faulty, once};
use crate::story::read;

const JSON: [&str; 2] = ["--error-format", "json"];
const KNOWN: [&str; 6] = [
    "Deleted",
    "NotDeleted",
    "Deactivated",
    "NotDeactivated",
    "Unknown",
    "AsReported",
];

/// The members in the reference: name, type, and whether a failure always has it.
fn schema() -> Vec<(String, String, bool)> {
    let reference = read("man/reference.md");
    let (_, section) = reference
        .split_once("\n## Errors for programs\n")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the next section");
    let items = section.lines().filter_map(|line| line.strip_prefix("- `"));
    items
        .map(|item| {
            let (name, rest) = item.split_once("` (").expect("a name");
            let (kind, rest) = rest.split_once(", ").expect("a type");
            (
                name.to_owned(),
                kind.to_owned(),
                rest.starts_with("always)"),
            )
        })
        .collect()
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_u64(),
        "list of strings" => value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string)),
        other => panic!("unknown type: {other}"),
    }
}

/// Each line as an object. An object that is not a failure has only `Level` and `Message`.
fn objects(messages: &str) -> Vec<Value> {
    let schema = schema();
    assert!(schema.len() > 5, "{schema:?}");
    let lines = messages.lines().map(|line| {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let object = value.as_object().expect("an object");
        if object["Level"] != "Error" {
            let names: Vec<&str> = object.keys().map(String::as_str).collect();
            assert_eq!(names, ["Level", "Message"], "{line}");
            return value;
        }
        for (name, kind, is_always) in &schema {
            match object.get(name) {
                Some(member) => assert!(has_type(member, kind), "{name}: {line}"),
                None => assert!(!is_always, "no {name}: {line}"),
            }
        }
        for name in object.keys() {
            let is_known = schema.iter().any(|(known, ..)| known == name);
            assert!(is_known, "{name} is not in the reference: {line}");
        }
        let known = object["Result"].as_str().expect("a word");
        assert!(KNOWN.contains(&known), "{line}");
        let code = object["Code"].as_str().expect("a word");
        assert!(!code.contains(' '), "{line}");
        let is_of_iam = object.contains_key("Operation") || code == "NoSuchEntity";
        let is_listed = read("man/reference.md").contains(&format!("`{code}`"));
        assert!(is_of_iam || is_listed, "{code} is not in the reference");
        assert_ne!(object["ExitCode"], 0, "{line}");
        value
    });
    lines.collect()
}

/// The only failure of a run that ends with `status`.
fn failure(case: Case, status: i32) -> Value {
    let printed = case.args(JSON).run().exits(status);
    let said = printed.prints_anything();
    let mut failures = objects(said.messages());
    failures.retain(|object| object["Level"] == "Error");
    let _ = said.says(&["\"Level\":\"Error\""]);
    assert_eq!(failures.len(), 1, "{failures:?}");
    let failure = failures.remove(0);
    assert_eq!(failure["ExitCode"], status, "{failure}");
    failure
}

fn is(failure: &Value, code: &str, known: &str) {
    assert_eq!(failure["Code"], code, "{failure}");
    assert_eq!(failure["Result"], known, "{failure}");
}

#[test]
fn an_iam_error_has_its_code_message_and_request_id() {
    let cases = [
        (404, "NoSuchEntity", 3),
        (409, "LimitExceeded", 4),
        (500, "ServiceFailure", 5),
        (403, "AccessDenied", 6),
        (403, "ExpiredToken", 7),
        (400, "Throttling", 8),
        (400, "ValidationError", 2),
        (418, "TeapotBoiling", 1),
    ];
    each(cases, |(http, code, status)| {
        let sandbox = faulty([always(
            "DeleteAccessKey",
            What::error(http, code, "as IAM says"),
        )]);
        let failure = failure(Case::documented(&sandbox, &[]), status);
        let known = if status == 5 { "Unknown" } else { "NotDeleted" };
        is(&failure, code, known);
        assert_eq!(failure["Message"], "as IAM says");
        assert_eq!(failure["Operation"], "DeleteAccessKey");
        assert_eq!(failure["AccessKeyId"], BOBS_KEY);
        assert_eq!(failure["UserName"], "Bob");
        assert!(failure["RequestId"].is_string());
        let attempts = if matches!(status, 5 | 8) { 3 } else { 1 };
        assert_eq!(failure["Attempts"], attempts);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn control_characters_in_iams_messages_are_escaped() {
    let words = "\u{9b}2J\u{202e}\nnext";
    let sandbox = faulty([always(
        "DeleteAccessKey",
        What::error(403, "AccessDenied", words),
    )]);
    let failure = failure(Case::documented(&sandbox, &[]), 6);
    assert!(
        failure["Message"]
            .as_str()
            .is_some_and(|text| text.contains('\u{202e}'))
    );
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn an_unknown_state_is_called_unknown() {
    let sandbox = faulty([always("DeleteAccessKey", What::ResetBeforeActing)]);
    sandbox.deny("iam:ListAccessKeys");
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let limit = ["--timeout", "4"];
    let unknown = failure(Case::documented(&sandbox, &limit), 10);
    is(&unknown, "NoAnswer", "Unknown");
    assert!(
        unknown["Hint"]
            .to_string()
            .contains("check with: aws iam list-access-keys")
    );
    let sandbox = faulty([always("DeleteAccessKey", What::ResetBeforeActing)]);
    // IAM still lists the key, but the request may act later.
    let there = failure(Case::documented(&sandbox, &limit), 10);
    is(&there, "NoAnswer", "Unknown");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_request_that_was_never_sent_is_unreachable() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--endpoint-url", "http://127.0.0.1:1"]);
    is(&failure(case, 9), "Unreachable", "NotDeleted");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_list_that_cannot_be_read_ends_the_run() {
    let sandbox = faulty([always("ListUsers", What::error(403, "AccessDenied", "no"))]);
    let args = [
        "--whole-account",
        "--only-inactive",
        "--yes",
        "--expect-account",
        "123456789012",
    ];
    let failure = failure(Case::at(&sandbox, args), 6);
    is(&failure, "AccessDenied", "NotDeleted");
    assert_eq!(failure["Message"], "no");
    assert_eq!(failure["Operation"], "ListUsers");
    assert!(failure["RequestId"].is_string());
    assert_eq!(failure["Attempts"], 0);
    assert_eq!(failure.get("AccessKeyId"), None);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_deactivation_that_fails_says_so() {
    let sandbox = faulty([always(
        "UpdateAccessKey",
        What::error(403, "AccessDenied", "no"),
    )]);
    let failure = failure(Case::documented(&sandbox, &["--deactivate"]), 6);
    is(&failure, "AccessDenied", "NotDeactivated");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_refusal_has_a_code_of_its_own() {
    let sandbox = documented();
    let skipped = failure(Case::documented(&sandbox, &["--older-than", "5000w"]), 11);
    is(&skipped, "Skipped", "NotDeleted");
    let own = sandbox.admin().access_key_id;
    let signing = failure(Case::at(&sandbox, ["--access-key-id", &own]), 11);
    is(&signing, "SigningKey", "NotDeleted");
    let account = failure(
        Case::documented(&sandbox, &["--expect-account", "999999999999"]),
        11,
    );
    is(&account, "Refused", "NotDeleted");
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(&own));
}

#[test]
fn errors_distinguish_credentials_from_configuration() {
    let sandbox = documented();
    let case = || Case::documented(&sandbox, &[]);
    is(
        &failure(case().without_credentials(), 7),
        "Credentials",
        "NotDeleted",
    );
    is(
        &failure(case().without("AWS_SECRET_ACCESS_KEY"), 7),
        "Credentials",
        "NotDeleted",
    );
    for setting in ["AWS_PROFILE", "AWS_RETRY_MODE", "AWS_CA_BUNDLE"] {
        let failure = failure(case().env(setting, "nosuch"), 7);
        is(&failure, "Configuration", "NotDeleted");
        assert_eq!(failure["AccessKeyId"], BOBS_KEY);
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn invalid_arguments_are_reported_as_json_wherever_the_option_is() {
    let sandbox = documented();
    let wrong: [&[&str]; 9] = [
        &[],
        &["--access-key-id", "short"],
        &["--user", "Bob", "--access-key-id", BOBS_KEY],
        &["--access-key-id", BOBS_KEY, "--no-verify-ssl"],
        &["--access-key-id", BOBS_KEY, "--query", "["],
        &["--cli-input-json", "[]"],
        &["--access-key-id", BOBS_KEY, "--from", "nosuch"],
        &["--from", "nosuch"],
        &["--access-key-id", BOBS_KEY, "--interactive"],
    ];
    for args in wrong {
        is(&failure(Case::at(&sandbox, args), 2), "Usage", "NotDeleted");
        let cases = ["--error-format=json", "--cli-error-format=json"];
        each(cases, |option| {
            let printed = Case::at(&sandbox, [option]).args(args).run().exits(2);
            let said = printed.prints_nothing();
            assert_eq!(objects(said.messages()).len(), 1);
            let _ = said.says(&["\"Code\":\"Usage\""]);
        });
    }
    assert_eq!(sandbox.connections(), 0);
    let tip = failure(Case::at(&sandbox, ["--user", "Bob"]), 2);
    assert!(tip["Hint"].to_string().contains("'--user-name'"));
}

#[test]
fn a_pasted_secret_is_not_shown() {
    let sandbox = documented();
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let json = format!("{{\"AccessKeyId\": \"{secret}\"}}");
    let cases: [&[&str]; 3] = [
        &["--access-key-id", secret],
        &["--cli-input-json", &json],
        &["--cli-input-json", secret],
    ];
    for args in cases {
        let failure = failure(Case::at(&sandbox, args), 2);
        assert!(!failure.to_string().contains("wJalr"), "{failure}");
    }
    assert_eq!(sandbox.connections(), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn a_result_that_cannot_be_written_is_reported() {
    let sandbox = documented();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let printed = Case::documented(&sandbox, &JSON).run_into(full).exits(1);
    let said = printed.prints_nothing();
    let failures = objects(said.messages());
    assert_eq!(failures.len(), 1);
    is(&failures[0], "NotWritten", "Deleted");
    assert_eq!(failures[0]["Attempts"], 1);
    let _ = said.says(&["\"ExitCode\":1"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_message_that_is_not_a_failure_is_an_object_too() {
    let sandbox = documented();
    each(["-v", "--debug"], |level| {
        let printed = Case::documented(&sandbox, &["--dry-run", level])
            .args(JSON)
            .run()
            .exits(0);
        let said = printed.prints_outcome("WouldDelete");
        assert!(objects(said.messages()).len() > 1);
        let _ = said.says(&["{\"Level\":\"Info\",\"Message\":\"using access key"]);
    });
    // A lost response: the key is presumed deleted, with a warning.
    sandbox.fault(once("DeleteAccessKey", What::ResetAfterActing));
    let printed = Case::documented(&sandbox, &JSON).run().exits(0);
    let said = printed.prints(DELETED);
    assert_eq!(objects(said.messages()).len(), 1);
    let _ = said.says(&["{\"Level\":\"Warning\",\"Message\":"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn a_successful_run_prints_no_messages() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &JSON);
    case.run().deletes_quietly();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn each_of_several_keys_has_its_own_status() {
    let sandbox = documented();
    let unknown = "AKIAQAAAAAAAUNKNOWNA";
    let printed = Case::at(&sandbox, DOCUMENTED)
        .args(["--access-key-id", unknown])
        .args(JSON)
        .run()
        .exits(12);
    let said = printed.prints_anything();
    let failures: Vec<Value> = objects(said.messages())
        .into_iter()
        .filter(|object| object["Level"] == "Error")
        .collect();
    let _ = said.says(&["{\"Level\":\"Result\",\"Message\":\"2 keys: 1 deleted"]);
    assert_eq!(failures.len(), 1);
    is(&failures[0], "NoSuchEntity", "NotDeleted");
    assert_eq!(failures[0]["AccessKeyId"], unknown);
    assert_eq!(failures[0]["ExitCode"], 3);
    assert!(!sandbox.has_key(BOBS_KEY));
}
