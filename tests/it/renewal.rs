//! Credentials that expire during a run over several keys: the run renews them from the same source, or ends.

use iam_sandbox::documented::ADMIN_KEY_ID;
use iam_sandbox::{Credentials, Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::Case;
use crate::credentials::{LATER, json};
use crate::many::{crowd, from_stdin, left};

const ACCOUNT: &str = "123456789012";

/// IAM says that the credentials have expired.
pub(crate) fn expired() -> What {
    let message = "The security token included in the request is expired";
    What::error(403, "ExpiredToken", message)
}

/// IAM returns this error once, after this many deletions.
fn expires_after(sandbox: &Sandbox, deletions: u64) {
    sandbox.fault(Fault::new(expired()).on("DeleteAccessKey").skip(deletions));
}

/// A second key of the administrator.
pub(crate) fn next_key(sandbox: &Sandbox) -> Credentials {
    let id = nth_key_id(ACCOUNT, 5_000);
    sandbox.add_key(KeySeed::new("admin", &id));
    sandbox.credentials(&id).expect("the next key")
}

/// A run with a credential process that prints the first credentials once, and then always the second.
pub(crate) fn renewed(case: Case, first: &Credentials, second: &str) -> Case {
    renewed_by(case.file("second.json", second), first, "cat second.json")
}

/// A run with a credential process that prints the first credentials once, and then always runs `then`.
pub(crate) fn renewed_by(case: Case, first: &Credentials, then: &str) -> Case {
    let case = case
        .without_credentials()
        .file("first.json", json(first, LATER));
    let home = case.path("").display().to_string();
    let script = format!(
        "cd '{home}'; echo x >> count; if test -e first.json; then cat first.json; rm first.json; else {then}; fi\n"
    );
    case.file("process.sh", script).file(
        ".aws/config",
        format!("[default]\ncredential_process = sh {home}/process.sh\n"),
    )
}

/// A run over a list, one key at a time. The second output of the process replaces the credentials.
fn one_by_one(sandbox: &Sandbox, list: &str, second: &str) -> Case {
    let case = from_stdin(sandbox, list, &["--yes", "--jobs", "1"]);
    renewed(case, &sandbox.admin(), second)
}

fn actions(sandbox: &Sandbox, action: &str) -> usize {
    let requests = sandbox.requests();
    requests
        .iter()
        .filter(|request| request.action == action)
        .count()
}

#[test]
fn c09_expired_credentials_are_renewed_once_and_all_keys_deleted() {
    let (sandbox, list) = crowd(60);
    expires_after(&sandbox, 30);
    let next = next_key(&sandbox);
    let case = renewed(
        from_stdin(&sandbox, &list, &["--yes"]),
        &sandbox.admin(),
        &json(&next, LATER),
    );
    let _ = case
        .run()
        .exits(0)
        .prints_outcomes(&[("Deleted", 60)])
        .says_exactly("result: 60 keys: 60 deleted\n");
    assert_eq!(left(&sandbox, 60), 0);
    assert_eq!(
        actions(&sandbox, "GetCallerIdentity"),
        2,
        "once before, and once after"
    );
    let requests = sandbox.requests();
    let first = requests
        .iter()
        .find(|request| request.action == "GetCallerIdentity");
    assert_eq!(
        first.and_then(|request| request.key_id.as_deref()),
        Some(ADMIN_KEY_ID)
    );
    let final_request = requests.last().expect("a request");
    assert_eq!(final_request.key_id, Some(next.access_key_id));
}

#[test]
fn c09_a_key_that_signed_before_stays_guarded() {
    let (sandbox, list) = crowd(4);
    expires_after(&sandbox, 1);
    let next = next_key(&sandbox);
    let id = &next.access_key_id;
    let list = format!("{list}{ADMIN_KEY_ID},admin\n{id},admin\n");
    let _ = one_by_one(&sandbox, &list, &json(&next, LATER))
        .run()
        .exits(12)
        .prints_outcomes(&[("Deleted", 4), ("Refused", 2)])
        .says(&["you would lock yourself out"])
        .ends_with("4 deleted, 2 refused");
    assert!(sandbox.has_key(id) && sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn c09_credentials_of_another_principal_end_the_run() {
    let (sandbox, list) = crowd(20);
    expires_after(&sandbox, 5);
    let other = json(&sandbox.root(), LATER);
    let printed = one_by_one(&sandbox, &list, &other).run().exits(11);
    let output = printed.output().to_owned();
    let why = "the renewed credentials are those of arn:aws:iam::123456789012:root, and the run began as \
               arn:aws:iam::123456789012:user/admin";
    assert!(output.contains(why), "{output}");
    let said = printed.prints_outcomes(&[("Deleted", 5), ("Failed", 1), ("NotTried", 14)]);
    // New credentials from this source do not help.
    assert!(!said.messages().contains("hint: the session has expired"));
    let _ = said
        .says(&[
            "no more keys are tried",
            "5 deleted",
            "hint: to continue, get credentials of arn:aws:iam::123456789012:user/admin, then run the same command again with \
             --ignore-missing",
        ])
        .ends_with("14 not tried");
    assert_eq!(left(&sandbox, 20), 15);
    let roots = sandbox.root().access_key_id;
    let by_root = |request: &iam_sandbox::Recorded| {
        request.key_id.as_ref() == Some(&roots) && request.action != "GetCallerIdentity"
    };
    assert!(
        !sandbox.requests().iter().any(by_root),
        "IAM was asked as another principal"
    );
}

/// The response of STS about a session of the role `ci`.
pub(crate) fn session_of_ci(role_id: &str, name: &str) -> What {
    let page = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:sts::{ACCOUNT}:assumed-role/ci/{name}</Arn><UserId>{role_id}:{name}</UserId>\
         <Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    What::page(200, "text/xml", page)
}

#[test]
fn c09_a_role_that_was_created_again_is_another_principal() {
    const FIRST: &str = "AROAAAAAAAAAAAAAAAAAA";
    const SECOND: &str = "AROABBBBBBBBBBBBBBBBB";
    for (second, exit, deleted) in [(FIRST, 0, 10), (SECOND, 11, 5)] {
        let (sandbox, list) = crowd(10);
        expires_after(&sandbox, 5);
        for session in [session_of_ci(FIRST, "one"), session_of_ci(second, "two")] {
            sandbox.fault(Fault::new(session).on("GetCallerIdentity"));
        }
        let next = json(&next_key(&sandbox), LATER);
        let said = one_by_one(&sandbox, &list, &next)
            .run()
            .exits(exit)
            .prints_anything();
        if exit == 0 {
            let _ = said.says_exactly("result: 10 keys: 10 deleted\n");
        } else {
            let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ci with the unique ID");
            let _ = said
                .says(&[&format!(
                    "error: the renewed credentials are those of {role} {SECOND}, and the run began as {role} {FIRST}: no \
                     more keys are tried"
                )])
                .ends_with("10 keys: 5 deleted, 1 failed and not changed, 4 not tried");
        }
        assert_eq!(left(&sandbox, 10), 10 - deleted);
        assert_eq!(sandbox.faults_left(), 0);
    }
}

#[test]
fn c09_a_renewal_that_fails_ends_the_run() {
    for (second, reason) in [
        ("nothing", "did not print"),
        ("{\"Version\":1}", "AccessKeyId"),
    ] {
        let (sandbox, list) = crowd(20);
        expires_after(&sandbox, 5);
        let printed = one_by_one(&sandbox, &list, second).run().exits(12);
        let output = printed.output().to_owned();
        assert!(
            output.contains("the credentials have expired and could not be renewed"),
            "{output}"
        );
        let _ = printed
            .prints_outcomes(&[("Deleted", 5), ("Failed", 1), ("NotTried", 14)])
            .says(&[
                "ExpiredToken",
                "error: the credentials have expired and could not be renewed: ",
                reason,
                ": no more keys are tried",
            ])
            .ends_with("14 not tried");
        assert_eq!(left(&sandbox, 20), 15);
    }
}

#[test]
fn c09_why_renewed_credentials_were_not_identified_is_an_error_with_its_hint() {
    let (sandbox, list) = crowd(4);
    expires_after(&sandbox, 1);
    let what = What::error(403, "AccessDenied", "no GetCallerIdentity for you");
    sandbox.fault(Fault::new(what).on("GetCallerIdentity").skip(1));
    let answer = json(&sandbox.admin(), LATER);
    let _ = one_by_one(&sandbox, &list, &answer)
        .run()
        .exits(12)
        .prints_anything()
        .says(&[
            "error: the credentials have expired and could not be renewed: STS did not identify the renewed credentials: An \
             error occurred (AccessDenied) when calling the GetCallerIdentity operation: no GetCallerIdentity for you: no \
             more keys are tried",
        ])
        .ends_with("4 keys: 1 deleted, 1 failed and not changed, 2 not tried");
}

#[test]
fn c09_the_error_says_why_credentials_are_not_renewed() {
    let (sandbox, list) = crowd(4);
    expires_after(&sandbox, 1);
    let what = What::error(403, "AccessDenied", "no GetCallerIdentity for you");
    sandbox.fault(Fault::new(what).on("GetCallerIdentity"));
    let answer = json(&sandbox.admin(), LATER);
    let _ = one_by_one(&sandbox, &list, &answer)
        .run()
        .exits(12)
        .prints_anything()
        .says(&[
            "error: the credentials have expired and could not be renewed: STS did not identify the caller: An error occurred \
             (AccessDenied) when calling the GetCallerIdentity operation: no GetCallerIdentity for you: no more keys are tried",
            "hint: get new credentials from the same source\n",
        ])
        .ends_with("4 keys: 1 deleted, 1 failed and not changed, 2 not tried");
    assert_eq!(actions(&sandbox, "GetCallerIdentity"), 1);
}

#[test]
fn c09_renewed_credentials_that_iam_never_accepted_are_not_replaced() {
    let (sandbox, list) = crowd(20);
    let always = Fault::new(expired()).skip(3).always();
    sandbox.fault(always.on("DeleteAccessKey"));
    let answer = json(&sandbox.admin(), LATER);
    let _ = one_by_one(&sandbox, &list, &answer)
        .run()
        .exits(12)
        .prints_outcomes(&[("Deleted", 3), ("Failed", 1), ("NotTried", 16)])
        .says(&["ExpiredToken"])
        .ends_with("16 not tried");
    assert_eq!(actions(&sandbox, "GetCallerIdentity"), 2, "renewed once");
}

#[test]
fn c09_a_single_key_costs_one_call() {
    let sandbox = crate::case::documented();
    let case = crate::credentials::with_config(&sandbox, "")
        .file("answer.json", json(&sandbox.session(), LATER));
    let config = format!(
        "[default]\ncredential_process = cat {}\n",
        case.path("answer.json").display()
    );
    let _ = case
        .file(".aws/config", config)
        .run()
        .exits(0)
        .prints(crate::case::DELETED)
        .says_nothing();
    assert_eq!(sandbox.requests().len(), 1);
}

/// STS accepted the first credentials, so others may be better. The renewed ones are not replaced again.
#[test]
fn c09_credentials_that_expire_before_the_first_change_are_renewed_once() {
    for (jobs, is_always, exit, expected) in [
        ("1", false, 0, [("Deleted", 20)].as_slice()),
        ("4", false, 0, &[("Deleted", 20)]),
        ("1", true, 7, &[("Failed", 1), ("NotTried", 19)]),
    ] {
        let (sandbox, list) = crowd(20);
        let fault = Fault::new(expired()).on("DeleteAccessKey");
        sandbox.fault(if is_always { fault.always() } else { fault });
        let answer = json(&sandbox.admin(), LATER);
        let case = renewed(
            from_stdin(&sandbox, &list, &["--yes", "--jobs", jobs]),
            &sandbox.admin(),
            &answer,
        );
        let _ = case
            .run()
            .exits(exit)
            .prints_outcomes(expected)
            .says(&["result: 20 keys: "]);
        assert_eq!(actions(&sandbox, "GetCallerIdentity"), 2, "renewed once");
    }
}

#[test]
fn c09_the_error_of_a_failed_renewal_has_its_hint_as_json_too() {
    let (sandbox, list) = crowd(4);
    expires_after(&sandbox, 1);
    let case = from_stdin(&sandbox, &list, &["--yes", "--jobs", "1"]);
    let case = renewed(
        case.args(["--error-format", "json"]),
        &sandbox.admin(),
        "{}",
    );
    let printed = case.run().exits(12);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    let of_renewal = said
        .messages()
        .lines()
        .find(|line| line.contains("\"Code\":\"Credentials\""));
    let error: serde_json::Value =
        serde_json::from_str(of_renewal.expect("an error")).expect("JSON");
    let hint = "run the command by itself to see what is wrong";
    assert_eq!(error["Hint"], serde_json::json!([hint]), "{error}");
}
