//! The prompt for an MFA code: when it appears, what answers it, what ends it, and what is cached then.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

use iam_sandbox::documented::ADMIN_KEY_ID;
use iam_sandbox::{Sandbox, What};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::case::{Case, DELETED, actions, each, once};
use crate::credentials::with_config;
use crate::dialogue::{Dialogue, is_echoing};
use crate::many::{crowd_of, left, rows};
use crate::mfa::{CACHED, SERIAL, case, config, guarded, run_without_terminal};

pub(crate) const PROMPT: &str = "Enter MFA code for arn:aws:iam::123456789012:mfa/admin: ";

#[test]
fn f100_a_code_is_asked_for_once_and_the_session_is_cached() {
    let sandbox = guarded(&["755224"]);
    let case = case(&sandbox);
    let path = case.path(CACHED);
    let folder = path.parent().expect("a folder").to_owned();
    assert!(!folder.exists());
    let dialogue = Dialogue::start(case).shows(PROMPT).types(b"755224\n");
    let (ended, _home) = dialogue.end_in();
    let said = ended.exits(0).prints(DELETED);
    assert!(!said.messages().contains("755224"), "{}", said.messages());
    let _ = said.says_exactly(&format!("{PROMPT}\n"));
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
    let request = sandbox.requests().remove(0);
    assert_eq!(request.param("SerialNumber"), Some(SERIAL));
    assert_eq!(request.param("TokenCode"), Some("755224"));
    assert_eq!(request.param("DurationSeconds"), Some("1800"));
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let cached = fs::read(path).expect("a cached session");
    let cached: Value = serde_json::from_slice(&cached).expect("JSON");
    let credentials = &cached["Credentials"];
    let id = credentials["AccessKeyId"].as_str().expect("an ID");
    let session = sandbox.credentials(id).expect("a session");
    assert_eq!(credentials["SecretAccessKey"], session.secret_access_key);
    assert_eq!(credentials["SessionToken"], json!(session.session_token));
    assert_eq!(credentials["AccountId"], "123456789012");
    let expiration = credentials["Expiration"].as_str().expect("a time");
    assert!(
        expiration.len() == 20 && expiration.ends_with('Z'),
        "{expiration}"
    );
    let arn = cached["AssumedRoleUser"]["Arn"].as_str().expect("an ARN");
    assert!(arn.starts_with("arn:aws:sts::123456789012:assumed-role/Guarded/iam-del-key-"));
}

#[test]
fn f100_a_wrong_code_is_asked_for_three_times() {
    let sandbox = guarded(&["755224"]);
    let wrong = "iam-del-key: warning: An error occurred (AccessDenied) when calling the AssumeRole \
                 operation: MultiFactorAuthentication failed with invalid MFA one time pass code.";
    let dialogue = Dialogue::start(case(&sandbox))
        .shows(PROMPT)
        .forgets()
        .types(b"287082\n")
        .shows(wrong)
        .shows(PROMPT)
        .forgets()
        .types(b"\n")
        .shows("warning: an MFA code has 6 digits")
        .shows(PROMPT)
        .types(b" 755 224\n");
    let _ = dialogue.end().exits(0).prints(DELETED).says(&[wrong]);

    let sandbox = guarded(&[]);
    let mut dialogue = Dialogue::start(case(&sandbox));
    for code in ["287082\n", "359152\n", "969429\n"] {
        dialogue = dialogue.shows(PROMPT).forgets().types(code.as_bytes());
    }
    let said = dialogue.end().exits(7).prints_nothing();
    assert_eq!(said.messages().matches(PROMPT).count(), 3);
    let _ = said
        .says(&[
            "error: the role could not be assumed: An error occurred (AccessDenied) when calling the AssumeRole operation: \
             MultiFactorAuthentication failed",
            "hint: the code is wrong, or was already used (each works once): use the next code from ",
        ])
        .ends_with("not deleted: nothing was sent to IAM");
    assert_eq!(actions(&sandbox), ["AssumeRole"; 3]);
}

#[test]
fn input_that_is_not_a_code_is_not_called_a_wrong_code() {
    let sandbox = guarded(&["755224"]);
    let mut dialogue = Dialogue::start(case(&sandbox));
    let long = "7".repeat(5_000) + "\n";
    for code in ["abc\n", "75522\n", &long] {
        dialogue = dialogue.shows(PROMPT).forgets().types(code.as_bytes());
    }
    let said = dialogue.end().exits(7).prints_nothing();
    assert!(!said.messages().contains("already used"));
    let _ = said
        .says(&[
            "error: an MFA code has 6 digits",
            "hint: enter the 6 digits that the device shows\n",
        ])
        .ends_with("not deleted: nothing was sent to IAM");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f100_another_denial_does_not_ask_again() {
    let sandbox = guarded(&["755224"]);
    sandbox.deny("sts:AssumeRole");
    let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT);
    let said = dialogue.types(b"755224\n").end().exits(6).prints_nothing();
    assert_eq!(said.messages().matches(PROMPT).count(), 1);
    let _ = said
        .says(&["hint: the caller needs the permission sts:AssumeRole on arn:aws:iam::123456789012:role/Guarded"])
        .ends_with("not deleted: nothing was sent to IAM");
}

#[test]
fn f100_ctrl_c_the_end_of_input_and_a_closed_terminal_end_the_question() {
    let none = "no MFA code was entered for";
    let cases = [
        (&b"\x03"[..], 130, "interrupted"),
        (b"\x04", 7, none),
        (b"75\x03", 130, "interrupted"),
        (
            b"75\x04\x04",
            7,
            "arn:aws:iam::123456789012:mfa/admin was not ended with Enter\n",
        ),
        // Ctrl-\ would end the run and leave the terminal without echo.
        (b"75\x1c\x03", 130, "interrupted"),
    ];
    each(cases, |(typed, exit, says)| {
        let sandbox = guarded(&["755224"]);
        let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT);
        let terminal = dialogue.terminal();
        assert!(!is_echoing(&terminal));
        let ended = dialogue.types(typed).end();
        assert!(is_echoing(&terminal));
        ended.stops_as(
            exit,
            &[&format!("{PROMPT}\niam-del-key: error: "), says],
            "not deleted: nothing was sent to IAM",
        );
        assert_eq!(sandbox.connections(), 0);
    });
    let sandbox = guarded(&["755224"]);
    let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT);
    dialogue.signals("HUP").end().stops(129, &["interrupted"]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f100_a_question_is_asked_again_after_the_run_was_stopped() {
    let sandbox = guarded(&["755224"]);
    let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT).forgets();
    dialogue.signal("STOP");
    dialogue.is_stopped();
    let dialogue = dialogue.signals("CONT").shows(PROMPT).types(b"755224\n");
    let _ = dialogue.end().exits(0).prints(DELETED).says(&[PROMPT]);
}

#[test]
fn f100_mfa_in_the_middle_of_a_chain() {
    let sandbox = guarded(&["755224"]);
    let config = format!(
        "{}[profile outer]\nrole_arn = arn:aws:iam::123456789012:role/Outer\nsource_profile = guarded\n",
        config(&sandbox)
    );
    let case = with_config(&sandbox, &config).args(["--profile", "outer"]);
    let dialogue = Dialogue::start(case).shows(PROMPT).types(b"755224\n");
    let _ = dialogue
        .end()
        .exits(0)
        .prints(DELETED)
        .says_exactly(&format!("{PROMPT}\n"));
    let roles: Vec<Option<String>> = sandbox
        .requests()
        .iter()
        .map(|request| request.param("RoleArn").map(str::to_owned))
        .collect();
    let arn = |name: &str| Some(format!("arn:aws:iam::123456789012:role/{name}"));
    assert_eq!(roles, [arn("Guarded"), arn("Outer"), None]);
}

/// A run over the keys of a list.
fn of_list(sandbox: &Sandbox, list: &str) -> Case {
    let args = ["--profile", "guarded", "--yes", "--output", "json"];
    let case = Case::at(sandbox, args)
        .without_credentials()
        .file(".aws/config", config(sandbox))
        .file("keys.csv", list);
    let list = case.path("keys.csv");
    case.args(["--from"]).args([list])
}

#[test]
fn f100_a_run_over_many_keys_asks_once() {
    let builder = Sandbox::documented().mfa("Guarded");
    let (sandbox, list) = crowd_of(builder.mfa_device(SERIAL, &["755224"]), 200);
    let case = of_list(&sandbox, &list);
    let dialogue = Dialogue::start(case).shows(PROMPT).types(b"755224\n");
    let printed = dialogue.end().exits(0);
    let said = printed.prints_outcomes(&[("Deleted", 200)]);
    assert_eq!(said.messages().matches(PROMPT).count(), 1);
    let _ = said.says(&["result: 200 keys: 200 deleted"]);
}

/// Twenty keys. After five, IAM says that the session has expired.
fn expiring(codes: &[&str]) -> (Sandbox, Case) {
    let builder = Sandbox::documented().mfa("Guarded");
    let (sandbox, list) = crowd_of(builder.mfa_device(SERIAL, codes), 20);
    let message = "The security token included in the request is expired";
    let expired = What::error(403, "ExpiredToken", message);
    sandbox.fault(once("DeleteAccessKey", expired).skip(5));
    let case = of_list(&sandbox, &list).args(["--jobs", "1"]);
    (sandbox, case)
}

#[test]
fn f100_a_run_asks_for_a_new_code_if_the_session_expires() {
    let (sandbox, case) = expiring(&["755224", "287082"]);
    let dialogue = Dialogue::start(case)
        .shows(PROMPT)
        .forgets()
        .types(b"755224\n")
        .shows(PROMPT)
        .types(b"287082\n");
    let printed = dialogue.end().exits(0);
    let _ = printed
        .prints_outcomes(&[("Deleted", 20)])
        .says(&["result: 20 keys: 20 deleted"]);
    assert_eq!(left(&sandbox, 20), 0);
}

#[test]
fn f100_a_signal_at_a_question_in_the_middle_of_a_run_ends_it() {
    let (sandbox, case) = expiring(&["755224"]);
    let dialogue = Dialogue::start(case)
        .shows(PROMPT)
        .forgets()
        .types(b"755224\n")
        .shows(PROMPT);
    let terminal = dialogue.terminal();
    let printed = dialogue.types(b"\x03").end().exits(130);
    assert!(is_echoing(&terminal));
    assert_eq!(rows(printed.output()).len(), 20);
    let said = printed.prints_anything();
    let _ = said.says(&["interrupted: no more keys are tried"]);
    assert_eq!(left(&sandbox, 20), 15);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_session_that_expires_without_a_terminal_ends_the_run() {
    let (sandbox, case) = expiring(&["755224"]);
    let printed = run_without_terminal(case.args(["--token-code", "755224"])).exits(12);
    let expired = "the credentials have expired and could not be renewed: an MFA code from";
    assert!(printed.output().contains(expired), "{}", printed.output());
    let _ = printed
        .prints_outcomes(&[("Deleted", 5), ("Failed", 1), ("NotTried", 14)])
        .says(&[
            "hint: create a session on a terminal; iam-del-key then uses it: aws sts get-caller-identity --profile guarded\n\
             hint: or use a new code with --token-code\n",
            "hint: to continue, ",
        ])
        .ends_with("14 not tried");
    assert_eq!(left(&sandbox, 20), 15);
}

#[test]
fn f100_the_terminal_shows_what_is_typed_when_a_signal_ends_or_stops_the_run() {
    // Some shells leave the terminal as it is when a job stops.
    let shell = "set -m; \"$0\" \"$@\"; stty -a </dev/tty >/dev/tty; fg >/dev/null";
    let sandbox = guarded(&["755224"]);
    let dialogue = Dialogue::start_under(case(&sandbox), &["sh", "-c", shell]);
    let dialogue = dialogue
        .shows(PROMPT)
        .forgets()
        .types(b"\x1a")
        .shows(" echo ");
    let terminal = dialogue.terminal();
    let dialogue = dialogue.shows(PROMPT);
    assert!(!is_echoing(&terminal));
    let ended = dialogue.types(b"755224\n").end();
    assert!(is_echoing(&terminal));
    let _ = ended.exits(0).prints(DELETED).says(&[PROMPT]);

    // Without a shell, no process could continue the run, so it keeps asking.
    let sandbox = guarded(&["755224"]);
    let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT).forgets();
    let terminal = dialogue.terminal();
    let dialogue = dialogue.signals("TSTP").shows(PROMPT);
    assert!(!is_echoing(&terminal));
    let status = dialogue.signals("QUIT").status();
    assert!(is_echoing(&terminal));
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    assert_eq!(sandbox.connections(), 0);
}
