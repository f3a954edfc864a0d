//! Credentials that expire and are not renewed: the error has the reason, also for reads of a sweep, and each hint appears once.

use std::ffi::OsString;

use iam_sandbox::{Fault, Sandbox, What};
use serde_json::{Value, json as value};

use crate::assume_root::identity;
use crate::case::{Case, documented, each, once};
use crate::credentials::{LATER, json};
use crate::many::{crowd, from_stdin, left};
use crate::renewal::{expired, next_key, renewed};

const NOT_RENEWED: &str = "the credentials have expired and could not be renewed: ";
const BY_ITSELF: &str = "hint: run the command by itself to see what is wrong\n";
const OTHER: &str = "the renewed credentials are those of arn:aws:iam::123456789012:root, and the run began as \
                     arn:aws:iam::123456789012:user/admin";

/// A sweep, and the read at which its credentials expire.
const SWEEPS: [(&[&str], &str); 3] = [
    (
        &["--user-name", "Bob", "--all-keys", "--yes"],
        "ListAccessKeys",
    ),
    (
        &[
            "--whole-account",
            "--only-inactive",
            "--yes",
            "--expect-account",
            "123456789012",
        ],
        "ListUsers",
    ),
    (
        &["--whole-account", "--unused-for", "1d", "--dry-run"],
        "GetAccessKeyLastUsed",
    ),
];

/// A sweep whose credentials expire, with a credential process that then prints `second`.
fn sweep(sandbox: &Sandbox, (args, read): (&[&str], &str), second: &str) -> Case {
    sandbox.fault(once(read, expired()));
    renewed(
        Case::at(sandbox, args.iter().copied()),
        &sandbox.admin(),
        second,
    )
}

/// A run over a list of this many keys. The credentials expire after the first key.
fn list(sandbox: &Sandbox, list: &str, more: &[&str]) -> Case {
    sandbox.fault(once("DeleteAccessKey", expired()).skip(1));
    from_stdin(sandbox, list, &["--yes", "--jobs", "1"]).args(more.iter().copied())
}

#[test]
fn a_sweep_whose_renewed_credentials_are_of_another_principal_is_refused() {
    each(SWEEPS, |case| {
        let sandbox = documented();
        let other = json(&sandbox.root(), LATER);
        let printed = sweep(&sandbox, case, &other).run().exits(11);
        let _ = printed.prints_nothing().says_exactly(&format!(
            "iam-del-key: error: {OTHER}\n\
             hint: to continue, get credentials of arn:aws:iam::123456789012:user/admin, then run the same command again\n\
             result: no key was changed\n"
        ));
    });
}

#[test]
fn a_sweep_says_why_its_credentials_were_not_renewed() {
    // The command of a process that worked before is not wrong.
    for (second, what) in [
        ("{}", "printed JSON without \"Version\": 1"),
        ("no", "did not print JSON"),
        ("", "printed nothing"),
    ] {
        each(SWEEPS, |case| {
            let sandbox = documented();
            let printed = sweep(&sandbox, case, second).run().exits(7);
            let _ = printed.prints_nothing().says_exactly(&format!(
                "iam-del-key: error: {NOT_RENEWED}no credentials: the credential_process of profile `default` {what}\n\
                 {BY_ITSELF}result: no key was changed\n"
            ));
        });
    }
}

/// Returns the JSON error with this code.
fn error(messages: &str, code: &str) -> Value {
    let errors = messages.lines();
    let mut errors = errors.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let error = errors.find(|error| error["Code"] == code);
    error.unwrap_or_else(|| panic!("no {code}: {messages}"))
}

#[test]
fn the_hint_is_in_the_json_object_that_names_the_failed_renewal() {
    let hint = value!([BY_ITSELF.trim_start_matches("hint: ").trim_end()]);
    let sandbox = documented();
    let printed = sweep(&sandbox, SWEEPS[0], "{}").args(["--error-format", "json"]);
    let said = printed.run().exits(7).prints_nothing();
    let of_run = error(said.messages(), "Credentials");
    assert_eq!(of_run["Hint"], hint);
    let message = of_run["Message"].as_str().expect("a message");
    assert!(message.starts_with(NOT_RENEWED), "{message}");

    let (sandbox, keys) = crowd(3);
    let case = list(&sandbox, &keys, &["--error-format", "json"]);
    let case = renewed(case, &sandbox.admin(), "{}");
    let said = case.run().exits(12).prints_anything();
    assert_eq!(error(said.messages(), "Credentials")["Hint"], hint);
    assert_eq!(error(said.messages(), "ExpiredToken")["Hint"], value!([]));
}

/// The principal at the start is unknown, so the run cannot say that it is another principal now.
#[test]
fn credentials_whose_arn_is_unknown_are_not_compared() {
    let admin = "arn:aws:iam::123456789012:user/admin";
    each(
        [
            ("first", "", admin),
            ("renewed", admin, ""),
            ("first", "", ""),
        ],
        |(which, first, second)| {
            let (sandbox, keys) = crowd(3);
            for arn in [first, second] {
                sandbox.fault(once("GetCallerIdentity", identity(arn, "123456789012")));
            }
            let next = json(&next_key(&sandbox), LATER);
            let case = renewed(list(&sandbox, &keys, &[]), &sandbox.admin(), &next);
            let _ = case.run().exits(12).prints_anything().says(&[&format!(
                "error: {NOT_RENEWED}STS returned no ARN for the {which} credentials, so they cannot be compared: no more keys \
                 are tried\nhint: to continue, run the same command again with --ignore-missing\n"
            )]);
            assert_eq!(left(&sandbox, 3), 2);
        },
    );
}

#[test]
fn a_hint_to_run_the_same_command_again_is_given_once() {
    let failed = || What::error(500, "InternalFailure", "x");
    let cases = [
        (false, " with --ignore-missing"),
        (
            true,
            "; keys that the journal records as finished are skipped",
        ),
    ];
    each(cases, |(has_journal, again)| {
        let (sandbox, keys) = crowd(3);
        sandbox.fault(
            Fault::new(failed())
                .on("GetCallerIdentity")
                .skip(1)
                .always(),
        );
        let mut case = list(&sandbox, &keys, &[]).env("AWS_MAX_ATTEMPTS", "1");
        if has_journal {
            let journal = case.path("journal");
            case = case.args([OsString::from("--journal"), journal.into()]);
        }
        let case = renewed(case, &sandbox.admin(), &json(&sandbox.admin(), LATER));
        let said = case.run().exits(12).prints_anything();
        let _ = said.says(&[&format!(
            ": no more keys are tried\n\
             hint: this is a problem at AWS: wait a minute, and run the same command again{again}\n\
             result: 3 keys: 1 deleted, 1 failed and not changed, 1 not tried\n"
        )]);
    });
}

#[test]
fn the_last_hint_after_rejected_credentials_says_to_fix_that_first() {
    let again = "hint: to continue, fix the error, and then run the same command again with --ignore-missing\n\
                 result: 3 keys: 1 deleted, 1 failed and not changed, 1 not tried\n";
    let (sandbox, keys) = crowd(3);
    let case = renewed(list(&sandbox, &keys, &[]), &sandbox.admin(), "{}");
    let said = case.run().exits(12).prints_anything();
    let _ = said.says(&[&format!("{BY_ITSELF}{again}")]);

    let (sandbox, keys) = crowd(3);
    let rejected = What::error(403, "InvalidClientTokenId", "x");
    sandbox.fault(once("DeleteAccessKey", rejected).skip(1));
    let case = from_stdin(&sandbox, &keys, &["--yes", "--jobs", "1"]);
    let said = case.run().exits(12).prints_anything();
    let _ = said.says(&[&format!("or run this again if it is new\n{again}")]);
}
