//! The signing key after an earlier run started to change it: the guard keeps it, and lists show whether it was changed.

use std::time::{Duration, SystemTime};

use iam_sandbox::documented::ADMIN_KEY_ID;

use crate::case::{Case, documented, each_at_once};
use crate::journal::{ACCOUNT, Kept};

/// A journal in which the key that signs was started this many minutes ago, and a list with it.
fn started_own(action: &str, minutes: u64) -> (Kept, SystemTime) {
    let start = SystemTime::now() - Duration::from_mins(minutes);
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{ADMIN_KEY_ID},admin\n"));
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":\"{ACCOUNT}\"}}\n\
         {{\"AccessKeyId\":\"{ADMIN_KEY_ID}\",\"UserName\":\"admin\",\"Intent\":\"{action}\",\"Time\":\"{}\"}}\n",
        humantime::format_rfc3339_seconds(start)
    );
    std::fs::write(kept.path(), journal).expect("a journal");
    (kept, start + Duration::from_mins(30))
}

const NAMED: &[&str] = &["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"];
const FOUND: &[&str] = &["--access-key-id", ADMIN_KEY_ID, "--find-user"];

/// The message about the signing key that an earlier run started to change.
#[test]
fn an_unfinished_key_that_signs_and_is_listed_is_refused_once_its_request_has_expired() {
    each_at_once(
        [
            ("delete", NAMED, &[][..]),
            ("delete", NAMED, &["--unused-for", "1h"]),
            ("deactivate", NAMED, &["--deactivate"]),
            ("delete", FOUND, &[]),
        ],
        |(action, key, more)| {
            let sandbox = documented();
            let run = |kept: &Kept| {
                let case = Case::at(&sandbox, key.iter().copied()).args(more.iter().copied());
                let case = case.args(["--output", "json", "--journal"]);
                case.args([kept.path()]).run()
            };
            let (kept, _) = started_own(action, 60);
            for _ in 0..2 {
                let said = run(&kept).exits(11).prints_outcome("Refused");
                let _ = said.says_exactly(&format!(
                    "iam-del-key: error: {ADMIN_KEY_ID} belongs to your own credentials: you would lock yourself out\n\
                     hint: use other credentials (--profile NAME), or add --allow-self\n\
                     result: {ADMIN_KEY_ID}: not {action}d: no request to change it was sent to IAM\n"
                ));
            }
            let (kept, until) = started_own(action, 12);
            for _ in 0..2 {
                let said = run(&kept).exits(10).prints_outcome("Unknown");
                let until = humantime::format_rfc3339_seconds(until);
                let _ = said.says(&[
                    "iam-del-key: error: this run did not change it: it belongs to your own credentials\n\
                     hint: use other credentials (--profile NAME), or add --allow-self\n\
                     hint: check with: ",
                    &format!(
                        "result: {ADMIN_KEY_ID}: unknown: IAM listed it as Active, but the request of an earlier run may \
                         still take effect until {until}\n"
                    ),
                ]);
            }
            assert!(sandbox.has_key(ADMIN_KEY_ID));
        },
    );
}

#[test]
fn an_unfinished_key_that_signs_needs_other_credentials_and_not_the_same_command() {
    const HINT: &str = "hint: use other credentials (--profile NAME), or add --allow-self\n";
    let sandbox = documented();
    let (kept, _) = started_own("delete", 60);
    for _ in 0..2 {
        let said = kept.case(&sandbox, &[]).run().exits(11);
        let said = said.prints_outcomes(&[("Refused", 1)]);
        let _ = said.says(&[HINT]).ends_with("1 key: 1 refused");
    }
    let (kept, _) = started_own("delete", 12);
    for _ in 0..2 {
        let said = kept.case(&sandbox, &[]).run().exits(10);
        let said = said.prints_outcomes(&[("Unknown", 1)]);
        assert!(!said.messages().contains("same command"));
        let _ = said.says(&[HINT]).ends_with("1 key: 1 unknown");
    }
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}
