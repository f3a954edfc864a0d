//! One key among many about which IAM says something impossible: a sweep treats it as a named key.

use iam_sandbox::{Fault, KeySeed, Sandbox, Status};

use crate::case::{BOBS_KEY, Case, Ended};
use crate::response::{keys, last_use, member, xml};

const END: &str = "<IsTruncated>false</IsTruncated>";
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

/// Bob's list has this text instead of other text.
fn listed(sandbox: &Sandbox, from: &str, to: &str) {
    let page = keys(&member(BOBS_KEY, "Bob", "Inactive"), END).replace(from, to);
    let fault = Fault::new(xml(page)).on("ListAccessKeys").of_user("Bob");
    sandbox.fault(fault.always());
}

fn sweep(sandbox: &Sandbox, args: &[&str]) -> Ended {
    Case::at(sandbox, SWEEP).args(args).run()
}

#[test]
fn a_date_before_1970_that_decides_nothing_keeps_no_key() {
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
