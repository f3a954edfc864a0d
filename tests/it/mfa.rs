//! Roles that require MFA: the session that the AWS CLI has cached, and a code without a prompt.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use iam_sandbox::documented::{ADMIN_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Sandbox, What};
use serde_json::{Value, json};

use crate::case::{BOBS_KEY, Case, DELETED, Ended, actions, documented, each, once};
use crate::credentials::{EARLIER, LATER, keys, with_config};
use crate::dialogue::Dialogue;

pub(crate) const SERIAL: &str = "arn:aws:iam::123456789012:mfa/admin";
pub(crate) const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Guarded/me";
/// The name that the AWS CLI gives to the cache file of the role below.
pub(crate) const CACHED: &str = ".aws/cli/cache/a5c2df8477c7642a6285d423be6b0cda2d6a6b1e.json";

pub(crate) fn guarded(codes: &[&str]) -> Sandbox {
    let builder = Sandbox::documented().mfa("Guarded");
    builder.mfa_device(SERIAL, codes).start()
}

/// A profile with a role that requires MFA.
pub(crate) fn config(sandbox: &Sandbox) -> String {
    format!(
        "[profile guarded]\nrole_arn = arn:aws:iam::123456789012:role/Guarded\nsource_profile = base\n\
         mfa_serial = {SERIAL}\nduration_seconds = 1800\n[profile base]\n{}",
        keys(&sandbox.admin())
    )
}

pub(crate) fn case(sandbox: &Sandbox) -> Case {
    with_config(sandbox, &config(sandbox)).args(["--profile", "guarded"])
}

/// The cache entry of the AWS CLI for the session that the sandbox knows.
pub(crate) fn entry(sandbox: &Sandbox, arn: &str, expiration: &str) -> String {
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

/// A run with a cache file that has this mode.
pub(crate) fn with_cached(case: Case, text: &str, mode: u32) -> Case {
    let case = case.file(CACHED, text);
    let path = case.path(CACHED);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    case
}

/// Without a terminal, even if the tests have one.
pub(crate) fn run_without_terminal(case: Case) -> Ended {
    case.start_under(Some(&["setsid"])).end()
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
    let said = run_without_terminal(guarded).exits(11);
    let _ = said
        .prints_anything()
        .says(&["you would lock yourself out"]);
    let deleting = case().args(["--access-key-id", BOBS_KEY, "--user-name", "Bob", "-v"]);
    let _ = run_without_terminal(deleting)
        .exits(0)
        .prints(DELETED)
        .says(&["info: using the cached session in "]);
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
    let signer = sandbox.requests()[0].key_id.clone();
    assert_eq!(signer.as_deref(), Some(SESSION_KEY_ID));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_the_cache_is_read_with_each_time_format() {
    let cases = [
        "2099-01-01T00:00:00UTC",
        "2099-01-01T00:00:00+00:00",
        "2099-01-01T00:00:00.123456Z",
    ];
    each(cases, |expiration| {
        let sandbox = guarded(&[]);
        let entry = entry(&sandbox, ARN, expiration);
        run_without_terminal(with_cached(case(&sandbox), &entry, 0o600)).deletes_quietly();
    });
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_an_unusable_cached_session_is_ignored() {
    let sandbox = guarded(&[]);
    let fresh = entry(&sandbox, ARN, LATER);
    let ending = |expiration: &str| entry(&sandbox, ARN, expiration);
    let of = |role: &str| {
        let arn = format!("arn:aws:sts::{role}/me");
        entry(&sandbox, &arn, LATER)
    };
    let without = |name: &str| fresh.replace(name, "Other");
    let no_object = "it is not a JSON object";
    let not_of_role = "it is not a session of the configured role";
    let cases = [
        (ending(EARLIER), "the cached session has expired"),
        (ending(&time_in(800)), "or does so within 15 minutes"),
        (without("Expiration"), "it has no Expiration"),
        (without("AccessKeyId"), "it has no AccessKeyId"),
        (without("SessionToken"), "it has no SessionToken"),
        (
            fresh.replace(r#""SessionToken":""#, r#""SessionToken":" ","x":""#),
            "SessionToken from the cached session contains whitespace",
        ),
        (
            ending("soon"),
            "it has an Expiration that is not an ISO 8601 time with a time zone",
        ),
        (fresh[..20].to_owned(), no_object),
        (String::new(), no_object),
        (
            "[".repeat(900),
            "it cannot be read as JSON: it is nested too deeply",
        ),
        (of("123456789012:assumed-role/Other"), not_of_role),
        (of("210987654321:assumed-role/Guarded"), not_of_role),
        (without("AssumedRoleUser"), not_of_role),
    ];
    let cases = cases.map(|(text, why)| (why, 0o600, text));
    let open = "others can read or write it";
    let exposed = [0o640, 0o604].map(|mode| (open, mode, fresh.clone()));
    each(cases.into_iter().chain(exposed), |(why, mode, text)| {
        let case = with_cached(case(&sandbox).args(["-v"]), &text, mode);
        run_without_terminal(case).stops(7, &[why, "an MFA code from"]);
    });
    let linked = case(&sandbox).file("elsewhere", &fresh).args(["-v"]);
    let path = linked.path(CACHED);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    symlink(linked.path("elsewhere"), &path).expect("a link");
    run_without_terminal(linked).stops(7, &["it is not a regular file"]);
    assert_eq!(sandbox.connections(), 0);
}

/// The time after this number of seconds.
fn time_in(seconds: u64) -> String {
    let time = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_without_a_terminal_the_command_to_run_is_printed() {
    let sandbox = guarded(&["755224"]);
    let says = [
        format!("error: an MFA code from {SERIAL} is required, and there is no terminal\n"),
        "hint: create a session on a terminal; iam-del-key then uses it: aws sts get-caller-identity --profile guarded\n"
            .to_owned(),
        "hint: or add --token-code CODE\n".to_owned(),
    ];
    let said = run_without_terminal(case(&sandbox))
        .exits(7)
        .prints_nothing();
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
    // The AWS CLI would continue to use this session.
    let exposed = with_cached(case(&sandbox), &entry(&sandbox, ARN, LATER), 0o644);
    let remove = format!(
        "hint: first remove `{}`, which is not used: others can read or write it\n",
        exposed.path(CACHED).display()
    );
    run_without_terminal(exposed).stops(7, &[&remove]);
    assert_eq!(sandbox.connections(), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_code_by_option_needs_no_terminal() {
    let sandbox = guarded(&["755224"]);
    let with_code = || case(&sandbox).args(["--token-code", "755224", "--debug"]);
    let said = run_without_terminal(with_code()).exits(0).prints(DELETED);
    assert!(!said.messages().contains("755224"), "{}", said.messages());
    let _ = said.says(&["AssumeRole"]);
    // The code works once.
    let said = run_without_terminal(with_code()).exits(7).prints_nothing();
    assert!(!said.messages().contains("755224"), "{}", said.messages());
    let _ = said.says(&[
        "MultiFactorAuthentication failed",
        "hint: the code is wrong, or was already used",
    ]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f68_a_response_that_repeats_a_code_is_shown_without_it() {
    let sandbox = guarded(&[]);
    let cases = ["the code 755224 is wrong", "TokenCode=755224&x"];
    each(cases, |message| {
        let repeated = What::error(400, "ValidationError", message);
        sandbox.fault(once("AssumeRole", repeated));
        let case = case(&sandbox).args(["--token-code", "755224", "--debug"]);
        let said = run_without_terminal(case).exits(2).prints_nothing();
        assert!(!said.messages().contains("755224"), "{}", said.messages());
        let _ = said.says(&["(not shown)"]);
    });
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_role_by_option_requires_a_device_and_is_cached_too() {
    let sandbox = guarded(&["755224"]);
    let role = "arn:aws:iam::123456789012:role/Guarded";
    let by_option = ["--role-arn", role, "--serial-number", SERIAL];
    let case = || Case::documented(&sandbox, &by_option);
    let hint = "hint: add --token-code CODE\n";
    run_without_terminal(case()).stops(7, &[hint]);
    run_without_terminal(case().args(["--token-code", "755224"])).deletes_quietly();
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
}

/// The cache entry has an expiration in the future, and AWS says that the session has expired.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_cached_session_that_aws_rejects_is_named_by_the_hint() {
    let top =
        "[profile top]\nrole_arn = arn:aws:iam::123456789012:role/Top\nsource_profile = guarded\n";
    let cases = [
        ("guarded", "DeleteAccessKey", None),
        ("guarded", "GetCallerIdentity", Some("123456789012")),
        ("top", "AssumeRole", None),
    ];
    let calculated =
        "The request signature we calculated does not match the signature you provided.";
    let errors = [
        ("ExpiredToken", "no"),
        ("InvalidClientTokenId", "no"),
        ("SignatureDoesNotMatch", calculated),
    ];
    let cases = errors
        .into_iter()
        .flat_map(|error| cases.map(|case| (error, case)));
    each(cases, |((code, message), (profile, operation, account))| {
        let sandbox = guarded(&[]);
        let case = || {
            let case = with_config(&sandbox, &format!("{}{top}", config(&sandbox)));
            let case = with_cached(case, &entry(&sandbox, ARN, LATER), 0o600);
            let case = case.args(["--profile", profile]);
            match account {
                Some(account) => case.args(["--expect-account", account]),
                None => case,
            }
        };
        sandbox.fault(once(operation, What::error(403, code, message)));
        let rejected = case();
        let hint = format!(
            "hint: AWS rejects the cached session: to get a new one, remove `{}`\nresult: ",
            rejected.path(CACHED).display()
        );
        let said = run_without_terminal(rejected).exits(7).prints_anything();
        assert_eq!(said.messages().matches("hint: ").count(), 1);
        let _ = said.says(&[&hint]);
    });
}

/// A code works once, so a session that leads to the role is still taken from the cache.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_code_in_a_chain_is_for_the_last_role() {
    let sandbox = guarded(&["755224"]);
    let config = format!(
        "{}[profile top]\nrole_arn = arn:aws:iam::123456789012:role/Top\nsource_profile = guarded\nmfa_serial = {SERIAL}\n",
        config(&sandbox)
    );
    let case = with_cached(
        with_config(&sandbox, &config),
        &entry(&sandbox, ARN, LATER),
        0o600,
    );
    run_without_terminal(case.args(["--profile", "top", "--token-code", "755224"]))
        .deletes_quietly();
    let requests = sandbox.requests();
    assert_eq!(actions(&sandbox), ["AssumeRole", "DeleteAccessKey"]);
    let signer = requests[0].key_id.as_deref();
    assert_eq!(
        (requests[0].action.as_str(), signer),
        ("AssumeRole", Some(SESSION_KEY_ID))
    );
}

/// Another profile with the same role and device may have created the session.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs setsid")]
fn f100_a_cached_session_is_not_attributed_to_a_key() {
    let sandbox = guarded(&[]);
    let case = with_cached(case(&sandbox), &entry(&sandbox, ARN, LATER), 0o600);
    let from = format!(
        "info: using access key {SESSION_KEY_ID}, from the cached session in `{}`\n",
        case.path(CACHED).display()
    );
    let said = run_without_terminal(case.args(["-v"]))
        .exits(0)
        .prints(DELETED);
    let _ = said.says(&[&from]);
}

#[test]
fn f100_a_code_for_a_profile_without_a_device_says_what_is_missing() {
    let sandbox = documented();
    let config = config(&sandbox).replace("mfa_serial", "mfa_device");
    let case =
        with_config(&sandbox, &config).args(["--profile", "guarded", "--token-code", "755224"]);
    case.run().stops_exactly(2, &format!(
        "iam-del-key: error: --token-code needs an MFA device, and the profile `guarded` has no mfa_serial\n\
         hint: add mfa_serial with the MFA device to the profile, or omit --token-code\n\
         result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
    ));
    assert_eq!(sandbox.connections(), 0);
}
