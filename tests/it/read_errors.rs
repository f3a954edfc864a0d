//! Every option that reads, with every way that a read can fail: no failure ever leads to a change.

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, actions, documented};
use crate::dialogue::Dialogue;

/// An option, its arguments, and the reads that it needs.
const OPTIONS: [(&[&str], &[&str]); 11] = [
    (
        &["--user-name", "Bob", "--only-inactive"],
        &["ListAccessKeys"],
    ),
    (
        &["--user-name", "Bob", "--older-than", "1d"],
        &["ListAccessKeys"],
    ),
    (
        &["--user-name", "Bob", "--unused-for", "1d"],
        &["ListAccessKeys", "GetAccessKeyLastUsed"],
    ),
    (&["--except-user", "Alice"], &["ListAccessKeys"]),
    (
        &["--user-name", "Bob", "--except-tag", "x"],
        &["ListUserTags"],
    ),
    (
        &["--find-user", "--except-tag", "x"],
        &["GetAccessKeyLastUsed", "ListUserTags"],
    ),
    (&["--find-user"], &["GetAccessKeyLastUsed"]),
    (
        &["--find-user", "--except-user", "Alice"],
        &["GetAccessKeyLastUsed"],
    ),
    (
        &["--find-user", "--unused-for", "1d", "--older-than", "1d"],
        &["ListAccessKeys", "GetAccessKeyLastUsed"],
    ),
    (
        &["--user-name", "Bob", "--expect-account", "123456789012"],
        &["GetCallerIdentity"],
    ),
    (&["--user-name", "Bob", "--dry-run"], &["ListAccessKeys"]),
];

/// The actions that are not reads about a named key. Other tests cover failures of the reads that sweeps and sessions need.
const OTHERS: [&str; 10] = [
    "CreateUser",
    "CreateAccessKey",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "ListUsers",
    "GenerateCredentialReport",
    "GetCredentialReport",
    "AssumeRole",
    "AssumeRoot",
    "GetAccessKeyInfo",
];

#[test]
fn every_read_about_a_key_fails_in_a_test() {
    for action in iam_sandbox::actions() {
        let is_read = OPTIONS.iter().any(|(_, reads)| reads.contains(&action));
        assert_ne!(is_read, OTHERS.contains(&action), "{action}");
    }
}

/// A failure, its message, and its exit status.
fn failures() -> Vec<(&'static str, What, i32)> {
    vec![
        (
            "throttled",
            What::error(400, "Throttling", "Rate exceeded"),
            8,
        ),
        ("failing", What::error(500, "ServiceFailure", "oops"), 5),
        ("expired", What::error(403, "ExpiredToken", "expired"), 7),
        ("lost", What::ResetAfterActing, 9),
        ("cut", What::TruncateBody, 9),
        ("unreachable", What::LoseReplyAndStopListening, 9),
        (
            "a portal",
            What::page(200, "text/html", "<html>hi</html>"),
            9,
        ),
        ("empty", What::empty(200), 9),
        (
            "another's",
            What::page(200, "text/xml", "<DeleteUserResponse/>"),
            9,
        ),
    ]
}

fn unchanged(sandbox: &Sandbox, shown: &str) {
    assert!(sandbox.has_key(BOBS_KEY), "{shown}");
    for action in actions(sandbox) {
        assert!(
            !matches!(action.as_str(), "DeleteAccessKey" | "UpdateAccessKey"),
            "{shown}: {action} was sent"
        );
    }
}

fn run(sandbox: &Sandbox, option: &[&str], more: &[&str]) -> crate::case::Ended {
    Case::at(sandbox, ["--access-key-id", BOBS_KEY])
        .args(option)
        .args(more)
        .env("AWS_MAX_ATTEMPTS", "2")
        .run()
}

/// The known state of the key that needs this read.
fn known(action: &[&str], read: &str) -> String {
    let done = match action {
        ["--deactivate"] => "deactivated",
        _ => "deleted",
    };
    let why = match read {
        "GetCallerIdentity" => "nothing was sent to IAM",
        _ => "no request to change it was sent to IAM",
    };
    format!("not {done}: {why}")
}

#[test]
fn f59_no_failed_read_ever_leads_to_a_change() {
    for (option, reads) in OPTIONS {
        for read in reads {
            for (name, what, status) in failures() {
                for action in [&[][..], &["--deactivate"], &["--ignore-missing"]] {
                    let shown = format!("{option:?} {action:?}: {read} {name}");
                    let sandbox = Sandbox::documented().start();
                    sandbox.fault(Fault::new(what.clone()).on(read).always());
                    let printed = run(&sandbox, option, action).exits(status);
                    let output = printed.output().to_owned();
                    assert!(!output.contains("Deleted"), "{shown}: {output}");
                    let known = known(action, read);
                    let said = printed.prints(&output).says(&["error: "]);
                    let _ = said.ends_with(&known);
                    unchanged(&sandbox, &shown);
                }
            }
        }
    }
}

#[test]
fn f59_no_read_that_is_denied_ever_leads_to_a_change() {
    for (option, reads) in OPTIONS {
        for read in reads {
            let service = if *read == "GetCallerIdentity" {
                "sts"
            } else {
                "iam"
            };
            // The owner can be found in another way if that is allowed; here it is denied.
            let mut sandbox = Sandbox::documented().deny(&format!("{service}:{read}"));
            if option.contains(&"--find-user") {
                sandbox = sandbox.deny("iam:ListUsers");
            }
            let sandbox = sandbox.start();
            let is_dry = option.contains(&"--dry-run");
            let printed = run(&sandbox, option, &[]).exits(if is_dry { 0 } else { 6 });
            let output = printed.output().to_owned();
            let says = if is_dry {
                " where IAM denied "
            } else {
                "AccessDenied"
            };
            let known = if is_dry {
                "not deleted: this was a dry run".to_owned()
            } else {
                known(&[], read)
            };
            let _ = printed.prints(&output).says(&[says]).ends_with(&known);
            unchanged(&sandbox, &format!("{option:?}: {read} denied"));
        }
    }
}

#[test]
fn f59_no_question_is_asked_about_what_could_not_be_read() {
    for read in ["ListAccessKeys", "GetAccessKeyLastUsed"] {
        for (name, what, status) in failures() {
            let sandbox = documented();
            sandbox.fault(Fault::new(what).on(read).always());
            let case = Case::documented(&sandbox, &["--interactive"]).env("AWS_MAX_ATTEMPTS", "2");
            let said = Dialogue::start(case)
                .end()
                .exits(status)
                .prints_outcome("Failed");
            assert!(!said.messages().contains("[y/N]"), "{read} {name}");
            let _ = said
                .says(&["error: "])
                .ends_with("not deleted: no request to change it was sent to IAM");
            unchanged(&sandbox, &format!("--interactive: {read} {name}"));
        }
    }
}

#[test]
fn f59_a_page_of_keys_that_does_not_say_where_the_list_continues() {
    let page = "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
                <AccessKeyMetadata/><IsTruncated>true</IsTruncated></ListAccessKeysResult>\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListAccessKeysResponse>";
    for option in ["--only-inactive", "--dry-run"] {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(What::page(200, "text/xml", page))
                .on("ListAccessKeys")
                .always(),
        );
        let _ = Case::documented(&sandbox, &[option, "--ignore-missing"])
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&["it says that the list continues, but has no marker"])
            .ends_with("not deleted: no request to change it was sent to IAM");
        unchanged(&sandbox, option);
    }
}
