//! Roles that require MFA: the session that the AWS CLI has cached, the question for a code, and what is cached then.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, actions, documented};
use crate::credentials::{EARLIER, LATER, keys, without};
use crate::dialogue::{Dialogue, is_echoing};
use crate::many::{crowd_of, left, outcomes, rows};

const SERIAL: &str = "arn:aws:iam::123456789012:mfa/admin";
const PROMPT: &str = "Enter MFA code for arn:aws:iam::123456789012:mfa/admin: ";
const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Guarded/me";
/// What AWS CLI names the file of the role below.
const CACHED: &str = ".aws/cli/cache/a5c2df8477c7642a6285d423be6b0cda2d6a6b1e.json";

fn guarded(codes: &[&str]) -> Sandbox {
    let builder = Sandbox::documented().mfa("Guarded");
    builder.mfa_device(SERIAL, codes).start()
}

/// A profile with a role that requires MFA.
fn config(sandbox: &Sandbox) -> String {
    format!(
        "[profile guarded]\nrole_arn = arn:aws:iam::123456789012:role/Guarded\nsource_profile = base\n\
         mfa_serial = {SERIAL}\nduration_seconds = 1800\n[profile base]\n{}",
        keys(&sandbox.admin())
    )
}

fn case(sandbox: &Sandbox) -> Case {
    without(sandbox, &config(sandbox)).args(["--profile", "guarded"])
}

/// The entry of the AWS CLI for the session that the sandbox knows.
fn entry(sandbox: &Sandbox, arn: &str, expiration: &str) -> String {
    let session = sandbox.session();
    json!({
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": expiration,
        },
        "AssumedRoleUser": { "AssumedRoleId": "AROAX:me", "Arn": arn },
    })
    .to_string()
}

/// A run with a file in the cache that has this mode.
fn with_cached(case: Case, text: &str, mode: u32) -> Case {
    let case = case.file(CACHED, text);
    let path = case.path(CACHED);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    case
}

/// Without a terminal, even if the tests have one.
pub(crate) fn alone(case: Case) -> Ended {
    case.start_under(Some(&["setsid"])).end()
}

fn cached(path: &PathBuf) -> Value {
    let text = fs::read(path).expect("a cached session");
    serde_json::from_slice(&text).expect("JSON")
}

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
    for (name, value) in [
        ("SerialNumber", SERIAL),
        ("TokenCode", "755224"),
        ("DurationSeconds", "1800"),
    ] {
        assert_eq!(request.param(name), Some(value));
    }
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let cached = cached(&path);
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
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_cached_session_is_used_and_its_base_key_guarded() {
    let sandbox = guarded(&[]);
    let cached = |case: Case| with_cached(case, &entry(&sandbox, ARN, LATER), 0o600);
    let case = || Case::at(&sandbox, ["--profile", "guarded"]);
    let config = config(&sandbox);
    let case = || cached(case().without_credentials().file(".aws/config", &config));
    let guarded = case().args(["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"]);
    let said = alone(guarded).exits(11);
    let output = said.output().to_owned();
    let _ = said.prints(&output).says(&["you would lock yourself out"]);
    let deleting = case().args(["--access-key-id", BOBS_KEY, "--user-name", "Bob", "-v"]);
    let _ = alone(deleting)
        .exits(0)
        .prints(DELETED)
        .says(&["info: using the cached session in "]);
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
    assert_eq!(
        sandbox.requests()[0].key_id.as_deref(),
        Some(SESSION_KEY_ID)
    );
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_the_cache_is_read_in_each_form_of_a_time() {
    for expiration in [
        "2099-01-01T00:00:00UTC",
        "2099-01-01T00:00:00+00:00",
        "2099-01-01T00:00:00.123456Z",
    ] {
        let sandbox = guarded(&[]);
        let _ = alone(with_cached(
            case(&sandbox),
            &entry(&sandbox, ARN, expiration),
            0o600,
        ))
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_cached_session_that_cannot_be_used_is_not() {
    let sandbox = guarded(&[]);
    let fresh = entry(&sandbox, ARN, LATER);
    let soon = time_in(800);
    let other = |arn: &str| entry(&sandbox, arn, LATER);
    for (text, mode, why) in [
        (
            entry(&sandbox, ARN, EARLIER),
            0o600,
            "the cached session has expired",
        ),
        (
            entry(&sandbox, ARN, &soon),
            0o600,
            "or does so within 15 minutes",
        ),
        (
            fresh.replace("Expiration", "Ends"),
            0o600,
            "it has no Expiration",
        ),
        (
            fresh.replace("AccessKeyId", "Id"),
            0o600,
            "returned no AccessKeyId",
        ),
        (fresh[..20].to_owned(), 0o600, "it is not a JSON object"),
        (String::new(), 0o600, "it is not a JSON object"),
        (fresh.clone(), 0o640, "others can read or write it"),
        (fresh.clone(), 0o604, "others can read or write it"),
        (
            other("arn:aws:sts::123456789012:assumed-role/Other/me"),
            0o600,
            "it is not a session of the configured role",
        ),
        (
            other("arn:aws:sts::210987654321:assumed-role/Guarded/me"),
            0o600,
            "it is not a session of the configured role",
        ),
        (
            fresh.replace("AssumedRoleUser", "User"),
            0o600,
            "it is not a session of the configured role",
        ),
    ] {
        let case = with_cached(case(&sandbox).args(["-v"]), &text, mode);
        let said = alone(case).exits(7).prints_nothing();
        let _ = said.says(&[why, "an MFA code from"]);
    }
    let linked = case(&sandbox).file("elsewhere", &fresh).args(["-v"]);
    let path = linked.path(CACHED);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    symlink(linked.path("elsewhere"), &path).expect("a link");
    let said = alone(linked).exits(7).prints_nothing();
    let _ = said.says(&["it is not a regular file"]);
    assert_eq!(sandbox.connections(), 0);
}

/// The time in so many seconds.
fn time_in(seconds: u64) -> String {
    let time = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
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
            "hint: the code is wrong, or was already used (each works once): run the same command again with the next code from ",
        ])
        .ends_with("not deleted: nothing was sent to IAM");
    assert_eq!(actions(&sandbox), ["AssumeRole"; 3]);
}

#[test]
fn f100_another_denial_is_not_asked_about_again() {
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
    for (typed, exit, says) in [
        (&b"\x03"[..], 130, "interrupted"),
        (b"\x04", 7, "no MFA code was entered for"),
        (b"75\x03", 130, "interrupted"),
        (b"75\x04\x04", 7, "no MFA code was entered for"),
        // Ctrl-\ would end the run and leave the terminal without an echo.
        (b"75\x1c\x03", 130, "interrupted"),
    ] {
        let sandbox = guarded(&["755224"]);
        let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT);
        let terminal = dialogue.terminal();
        assert!(!is_echoing(&terminal));
        let ended = dialogue.types(typed).end();
        assert!(is_echoing(&terminal));
        let _ = ended
            .exits(exit)
            .prints_nothing()
            .says(&[&format!("{PROMPT}\niam-del-key: error: "), says])
            .ends_with("not deleted: nothing was sent to IAM");
        assert_eq!(sandbox.connections(), 0);
    }
    let sandbox = guarded(&["755224"]);
    let dialogue = Dialogue::start(case(&sandbox)).shows(PROMPT);
    let _ = dialogue
        .signals("HUP")
        .end()
        .exits(129)
        .prints_nothing()
        .says(&["interrupted"]);
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

    // Without a shell, nobody could continue the run: it goes on asking.
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

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_without_a_terminal_the_command_to_run_is_printed() {
    let sandbox = guarded(&["755224"]);
    let says = [
        format!("error: an MFA code from {SERIAL} is required, and there is no terminal\n"),
        "hint: create a session on a terminal; iam-del-key then uses it: aws sts get-caller-identity --profile guarded\n"
            .to_owned(),
        "hint: or run the same command again with --token-code CODE\n".to_owned(),
    ];
    let said = alone(case(&sandbox)).exits(7).prints_nothing();
    let _ = said
        .says(&says.each_ref().map(String::as_str))
        .ends_with("not deleted: nothing was sent to IAM");
    let said = Dialogue::start(case(&sandbox).args(["--error-format", "json"]))
        .end()
        .exits(7)
        .prints_nothing();
    let object: Value = serde_json::from_str(said.messages()).expect("one object");
    assert_eq!(
        (&object["ExitCode"], &object["Code"]),
        (&json!(7), &json!("MfaRequired"))
    );
    assert_eq!(object["Hint"].as_array().map(Vec::len), Some(2));
    let _ = said.says(&["a question cannot be asked with --error-format json"]);
    // The AWS CLI would go on using this session.
    let exposed = with_cached(case(&sandbox), &entry(&sandbox, ARN, LATER), 0o644);
    let remove = format!(
        "hint: first remove `{}`, which is not used: others can read or write it\n",
        exposed.path(CACHED).display()
    );
    let _ = alone(exposed).exits(7).prints_nothing().says(&[&remove]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_code_by_option_needs_no_terminal() {
    let sandbox = guarded(&["755224"]);
    let with_code = || case(&sandbox).args(["--token-code", "755224", "--debug"]);
    let said = alone(with_code()).exits(0).prints(DELETED);
    assert!(!said.messages().contains("755224"), "{}", said.messages());
    let _ = said.says(&["AssumeRole"]);
    // It works once.
    let said = alone(with_code()).exits(7).prints_nothing();
    assert!(!said.messages().contains("755224"), "{}", said.messages());
    let _ = said.says(&[
        "MultiFactorAuthentication failed",
        "hint: the code is wrong, or was already used",
    ]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f68_a_reply_that_repeats_a_code_is_shown_without_it() {
    let sandbox = guarded(&[]);
    for message in ["the code 755224 is wrong", "TokenCode=755224&x"] {
        let repeated = What::error(400, "ValidationError", message);
        sandbox.fault(Fault::new(repeated).on("AssumeRole"));
        let case = case(&sandbox).args(["--token-code", "755224", "--debug"]);
        let said = alone(case).exits(2).prints_nothing();
        assert!(!said.messages().contains("755224"), "{}", said.messages());
        let _ = said.says(&["(not shown)"]);
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_role_by_option_requires_a_device_and_is_cached_too() {
    let sandbox = guarded(&["755224"]);
    let by_option = [
        "--role-arn",
        "arn:aws:iam::123456789012:role/Guarded",
        "--serial-number",
        SERIAL,
    ];
    let case = || Case::documented(&sandbox, &by_option);
    let said = alone(case()).exits(7).prints_nothing();
    let _ = said.says(&["hint: run the same command again with --token-code CODE\n"]);
    let _ = alone(case().args(["--token-code", "755224"]))
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
}

#[test]
fn f100_a_code_for_a_profile_without_a_device_says_what_is_missing() {
    let sandbox = documented();
    let config = config(&sandbox).replace("mfa_serial", "mfa_device");
    let case = without(&sandbox, &config).args(["--profile", "guarded", "--token-code", "755224"]);
    let _ = case.run().exits(2).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: --token-code needs an MFA device, and the profile `guarded` has no mfa_serial\n\
         hint: add mfa_serial with the MFA device to the profile, or omit --token-code\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f100_mfa_in_the_middle_of_a_chain() {
    let sandbox = guarded(&["755224"]);
    let config = format!(
        "{}[profile outer]\nrole_arn = arn:aws:iam::123456789012:role/Outer\nsource_profile = guarded\n",
        config(&sandbox)
    );
    let case = without(&sandbox, &config).args(["--profile", "outer"]);
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

#[test]
fn f100_a_run_over_many_keys_asks_once() {
    let builder = Sandbox::documented().mfa("Guarded");
    let (sandbox, list) = crowd_of(builder.mfa_device(SERIAL, &["755224"]), 200);
    let case = Case::at(
        &sandbox,
        ["--profile", "guarded", "--yes", "--output", "json"],
    )
    .without_credentials()
    .file(".aws/config", config(&sandbox))
    .file("keys.csv", &list);
    let list = case.path("keys.csv");
    let case = case.args(["--from"]).args([list]);
    let dialogue = Dialogue::start(case).shows(PROMPT).types(b"755224\n");
    let printed = dialogue.end().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 200)]);
    let said = printed.prints(&output);
    assert_eq!(said.messages().matches(PROMPT).count(), 1);
    let _ = said.says(&["result: 200 keys: 200 deleted"]);
}

/// Twenty keys, and IAM says after five that the session has expired.
fn expiring(codes: &[&str]) -> (Sandbox, Case) {
    let builder = Sandbox::documented().mfa("Guarded");
    let (sandbox, list) = crowd_of(builder.mfa_device(SERIAL, codes), 20);
    let expired = What::error(
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
    );
    sandbox.fault(Fault::new(expired).on("DeleteAccessKey").skip(5));
    let args = [
        "--profile",
        "guarded",
        "--yes",
        "--jobs",
        "1",
        "--output",
        "json",
    ];
    let case = Case::at(&sandbox, args)
        .without_credentials()
        .file(".aws/config", config(&sandbox))
        .file("keys.csv", &list);
    let list = case.path("keys.csv");
    (sandbox, case.args(["--from"]).args([list]))
}

#[test]
fn f100_a_session_that_expires_is_asked_for_again() {
    let (sandbox, case) = expiring(&["755224", "287082"]);
    let dialogue = Dialogue::start(case)
        .shows(PROMPT)
        .forgets()
        .types(b"755224\n")
        .shows(PROMPT)
        .types(b"287082\n");
    let printed = dialogue.end().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 20)]);
    let _ = printed
        .prints(&output)
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
    let output = printed.output().to_owned();
    assert_eq!(rows(&output).len(), 20);
    let _ = printed
        .prints(&output)
        .says(&["interrupted: no more keys are tried"]);
    assert_eq!(left(&sandbox, 20), 15);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_session_that_expires_without_a_terminal_ends_the_run() {
    let (sandbox, case) = expiring(&["755224"]);
    let printed = alone(case.args(["--token-code", "755224"])).exits(12);
    let output = printed.output().to_owned();
    let counted = [("Deleted", 5), ("Failed", 1), ("NotTried", 14)]
        .map(|(name, count)| (name.to_owned(), count));
    assert_eq!(outcomes(&output), counted);
    assert!(
        output.contains("the credentials have expired and could not be renewed: an MFA code from"),
        "{output}"
    );
    let _ = printed
        .prints(&output)
        .says(&[
            "hint: create a session on a terminal; iam-del-key then uses it: aws sts get-caller-identity --profile guarded",
            "hint: to continue, ",
        ])
        .ends_with("14 not tried");
    assert_eq!(left(&sandbox, 20), 15);
}
