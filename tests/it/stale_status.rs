//! Lists that lag behind a change from before the run: a status in them does not prove that a key was changed.

use iam_sandbox::{Sandbox, What};

use crate::case::{BOBS_KEY, Case, always, documented, each_at_once, once};
use crate::journal::{ACCOUNT, Kept};
use crate::many::rows;
use crate::reactivate::{inactive, lists_bobs_key_once_as, status};
use crate::response::{self, END, keys, member, xml};

const UNDO: &str = "hint: to undo it: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --reactivate\n";

/// A sandbox in which Bob's key does not have the status of this action, although the next lists show it. Returns that status
/// and the other one.
fn lagging(action: &str, lists: usize) -> (Sandbox, &'static str, &'static str) {
    let (sandbox, stale, other) = match action {
        "deactivate" => (documented(), "Inactive", "Active"),
        _ => (inactive(), "Active", "Inactive"),
    };
    for _ in 0..lists {
        lists_bobs_key_once_as(&sandbox, stale);
    }
    (sandbox, stale, other)
}

#[test]
fn a_list_that_lags_does_not_finish_a_change_that_an_earlier_run_started() {
    let actions = [("deactivate", "Deactivated"), ("reactivate", "Reactivated")];
    let more = [&[][..], &["--timeout", "5"], &["--find-user"]];
    let cases = actions.map(|action| more.map(|more| (action, more)));
    each_at_once(cases.concat(), |((action, outcome), more)| {
        let (sandbox, stale, _) = lagging(action, 1);
        let kept = Kept::new("");
        let journal = format!(
            "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":\"{ACCOUNT}\"}}\n\
             {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Intent\":\"{action}\",\"Time\":\"t\"}}\n"
        );
        std::fs::write(kept.path(), journal).expect("a journal");
        let action = format!("--{action}");
        let args = ["--access-key-id", BOBS_KEY, &action, "--yes", "--journal"];
        let case = Case::at(&sandbox, args).args([kept.path()]).args(more);
        let case = match more {
            ["--find-user"] => case,
            _ => case.args(["--user-name", "Bob"]),
        };
        let printed = case.run().exits(0);
        // IAM's own response confirms the change.
        let row = &rows(printed.output())[0];
        assert_eq!(
            (row["Outcome"].as_str(), row.get("Reason")),
            (Some(outcome), None)
        );
        let says = match outcome {
            "Deactivated" => UNDO,
            _ => "",
        };
        let _ = printed.prints_anything().says_exactly(says);
        let found = status(&sandbox, BOBS_KEY).map(|status| format!("{status:?}"));
        assert_eq!(found.as_deref(), Some(stale));
    });
}

#[test]
fn a_dry_run_does_not_call_a_key_changed_because_a_list_lags() {
    let actions = [("deactivate", "Deactivate"), ("reactivate", "Reactivate")];
    let cases = actions.map(|action| [(action, false), (action, true)]);
    each_at_once(cases.concat(), |((action, name), is_resumed)| {
        let (sandbox, stale, _) = lagging(action, usize::from(!is_resumed));
        let kept = Kept::new("");
        if is_resumed {
            // A run that knows about the change waits until no list lags.
            let list = keys(&member(BOBS_KEY, "Bob", stale), END);
            sandbox.fault(response::lagging("ListAccessKeys", xml(list)));
            let journal = format!(
                "{{\"Journal\":1,\"Action\":\"{action}\",\"AccountId\":\"{ACCOUNT}\"}}\n\
                 {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{name}d\"}}\n"
            );
            std::fs::write(kept.path(), journal).expect("a journal");
        }
        let action = format!("--{action}");
        let case = Case::documented(&sandbox, &[&action, "--dry-run", "--journal"]);
        let ended = case.args([kept.path()]).run().exits(0);
        let said = ended.prints_outcome(&format!("Would{name}"));
        let _ = said.says(&["this was a dry run\n"]);
    });
}

/// The list lags behind the deletion of the key.
#[test]
fn a_dry_run_does_not_say_that_it_would_change_a_key_that_is_gone() {
    let actions = [("--deactivate", "Inactive"), ("--reactivate", "Active")];
    let cases = actions.map(|action| [(action, false), (action, true)]);
    each_at_once(cases.concat(), |((action, stale), is_wanted)| {
        let sandbox = Sandbox::builder().user("Bob").start();
        lists_bobs_key_once_as(&sandbox, stale);
        let case = Case::documented(&sandbox, &[action, "--dry-run"]);
        let _ = if is_wanted {
            let missing = case.args(["--ignore-missing"]).run().exits(0);
            missing.prints_outcome("Missing").says(&["is missing"])
        } else {
            let failed = case.run().exits(3).prints_outcome("Failed");
            failed.says(&["IAM lists no such key for the user Bob"])
        };
    });
}

#[test]
fn a_list_that_lags_does_not_confirm_a_lost_response() {
    let denied = || What::error(403, "AccessDenied", "no");
    // The status is read before the request, denied, or too early to count.
    let cases = ["deactivate", "reactivate"].map(|action| [(action, true), (action, false)]);
    each_at_once(cases.concat(), |(action, is_denied)| {
        let (sandbox, _, other) = if is_denied {
            let (sandbox, ..) = lagging(action, 0);
            sandbox.fault(once("ListAccessKeys", denied()));
            let (_, stale, other) = lagging(action, 0);
            lists_bobs_key_once_as(&sandbox, stale);
            (sandbox, stale, other)
        } else {
            lagging(action, 2)
        };
        sandbox.fault(once("UpdateAccessKey", What::ResetBeforeActing));
        sandbox.fault(always("UpdateAccessKey", denied()));
        let more = if is_denied { "30" } else { "5" };
        let action = format!("--{action}");
        let case = Case::documented(&sandbox, &[&action, "--yes", "--timeout", more]);
        let _ = case.run().exits(10).prints_outcome("Unknown").says_exactly(&format!(
            "iam-del-key: error: An error occurred (AccessDenied) when calling the UpdateAccessKey operation: no\n\
             hint: ask for the permission iam:UpdateAccessKey on this user, or use other credentials (--profile NAME)\n\
             hint: check with: aws iam list-access-keys --user-name=Bob\n\
             result: {BOBS_KEY}: unknown: the response to an earlier attempt was lost; IAM still lists the key as {other}\n"
        ));
        let found = status(&sandbox, BOBS_KEY).map(|status| format!("{status:?}"));
        assert_eq!(found.as_deref(), Some(other));
    });
}

#[test]
fn without_the_time_to_read_a_list_that_counts_a_lost_response_stays_unknown() {
    let (sandbox, _, other) = lagging("deactivate", 50);
    sandbox.fault(always("UpdateAccessKey", What::ResetBeforeActing));
    let case = Case::documented(&sandbox, &["--deactivate", "--timeout", "2"]);
    let _ = case
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["error: "])
        .ends_with(
            "unknown: the request was sent and no usable response arrived; IAM still lists the key",
        );
    let found = status(&sandbox, BOBS_KEY).map(|status| format!("{status:?}"));
    assert_eq!(found.as_deref(), Some(other));
}
