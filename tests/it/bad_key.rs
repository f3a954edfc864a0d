//! One key among many for which IAM returns something impossible: a sweep treats it as a named key, and an error names it.

use iam_sandbox::{Fault, KeySeed, Sandbox, Status};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, Ended};
use crate::response::{keys, last_use, member, xml};

const END: &str = "<IsTruncated>false</IsTruncated>";
const DATE: &str = "<CreateDate>2020-01-01T00:00:00Z</CreateDate>";
const SWEEP: [&str; 4] = [
    "--whole-account",
    "--yes",
    "--expect-account",
    "123456789012",
];

/// An administrator, and Bob with an inactive key.
fn account() -> Sandbox {
    Sandbox::builder()
        .key(KeySeed::new("Bob", BOBS_KEY).status(Status::Inactive))
        .deny("iam:GenerateCredentialReport")
        .start()
}

/// Bob's list has `to` in place of `from`.
fn listed(sandbox: &Sandbox, from: &str, to: &str) {
    let page = keys(&member(BOBS_KEY, "Bob", "Inactive"), END).replace(from, to);
    let fault = Fault::new(xml(page)).on("ListAccessKeys").of_user("Bob");
    sandbox.fault(fault.always());
}

fn sweep(sandbox: &Sandbox, args: &[&str]) -> Ended {
    Case::at(sandbox, SWEEP).args(args).run()
}

#[test]
fn a_date_before_1970_does_not_end_a_sweep_that_ignores_dates() {
    for date in ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
        let sandbox = account();
        listed(&sandbox, "2020-01-01T00:00:00Z", date);
        let used = Fault::new(xml(last_use("Bob", date))).on("GetAccessKeyLastUsed");
        sandbox.fault(used.always());
        let named = ["--access-key-id", BOBS_KEY, "--user-name=Bob"];
        for selected in [&named[..], &["--whole-account"]] {
            let case = Case::at(&sandbox, selected).args(["--only-inactive", "--dry-run"]);
            let row = case.run().exits(0).object();
            assert_eq!(row["CreateDate"], date);
            assert_eq!(row["LastUsedDate"], date);
        }
        let ended = sweep(&sandbox, &["--only-inactive"]);
        let said = ended.exits(0).prints_outcome("Deleted");
        let _ = said
            .says(&[" checked\n"])
            .ends_with("1 key: 1 deleted; root user keys are not included");
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn an_error_that_ends_a_sweep_names_the_key_and_its_user() {
    let host = |sandbox: &Sandbox| format!(" at {}", sandbox.address());
    for (from, to, args, names_key, says) in [
        (
            DATE,
            "<CreateDate>1969-01-01T00:00:00Z</CreateDate>",
            "--older-than=1d",
            true,
            ": its creation at 1969-01-01T00:00:00Z is before access keys existed, so the conditions cannot be checked",
        ),
        (
            DATE,
            "",
            "--older-than=1d",
            true,
            ": the key's creation date is missing",
        ),
        (
            DATE,
            "<CreateDate>never</CreateDate>",
            "--older-than=1d",
            false,
            "HOST: it has an invalid date",
        ),
        (
            BOBS_KEY,
            "no",
            "--only-inactive",
            false,
            "HOST: it has an invalid access key ID",
        ),
        (
            DATE,
            DATE,
            "--unused-for=1d",
            true,
            ": its last use at 2019-01-01T00:00:00Z is before its creation at 2020-01-01T00:00:00Z, so the conditions \
             cannot be checked",
        ),
    ] {
        let sandbox = account();
        listed(&sandbox, from, to);
        let used = xml(last_use("Bob", "2019-01-01T00:00:00Z"));
        let used = Fault::new(used).on("GetAccessKeyLastUsed");
        sandbox.fault(used.always());
        let about = if names_key {
            format!("{BOBS_KEY} of the user Bob")
        } else {
            "the user Bob".to_owned()
        };
        let args = [args, "--except-user=admin"];
        let says = says.replace("HOST", &host(&sandbox));
        let error = format!("{about}: unusable response from IAM{says}");
        let ended = sweep(&sandbox, &args);
        let _ = ended.exits(1).prints_nothing().says_exactly(&format!(
            "iam-del-key: error: {error}\nresult: no key was changed\n"
        ));
        let json = [args[0], args[1], "--error-format=json"];
        let said = sweep(&sandbox, &json).exits(1).prints_nothing();
        let object: Value = serde_json::from_str(said.messages()).expect("JSON");
        let _ = said.says(&["\"Code\":\"Unclear\""]);
        assert_eq!(object["Message"], error);
        assert_eq!(object["UserName"], "Bob");
        let key = names_key.then_some(BOBS_KEY);
        assert_eq!(object["AccessKeyId"].as_str(), key);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}
