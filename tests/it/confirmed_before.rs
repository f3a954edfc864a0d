//! A status change that IAM confirmed in an earlier run. The next run names another owner or none. Nothing that it learns makes
//! the change unconfirmed, unless a list shows another status.

use iam_sandbox::{Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, always, documented, each_at_once, once};
use crate::journal::Kept;
use crate::proof::READS;
use crate::reactivate::{inactive, status};

/// An action, its outcome, and the resulting status.
type Action = (&'static str, &'static str, Status);

const ACTIONS: [Action; 2] = [
    ("deactivate", "deactivated", Status::Inactive),
    ("reactivate", "reactivated", Status::Active),
];
const OWNERS: [&[&str]; 2] = [&[], &["--user-name", "Alice"]];

/// A run about Bob's key with this journal.
fn run(sandbox: &Sandbox, kept: &Kept, action: &str, more: &[&str]) -> Case {
    let case = Case::at(sandbox, ["--access-key-id", BOBS_KEY, "--yes", "--journal"]);
    let case = case.args([kept.path()]).args([format!("--{action}")]);
    case.args(more.iter().copied())
}

/// A sandbox in which a run changed the status of Bob's key, and the journal of that run.
fn confirmed(action: &str) -> (Sandbox, Kept) {
    let sandbox = match action {
        "deactivate" => documented(),
        _ => inactive(),
    };
    let kept = Kept::new("");
    let first = run(&sandbox, &kept, action, &["--user-name", "Bob"]);
    let _ = first.run().exits(0).prints_anything();
    (sandbox, kept)
}

/// Each action with each owner whom the next run names, in a dry run or not.
fn cases() -> Vec<(Action, &'static [&'static str], bool)> {
    let of = |action| OWNERS.map(|owner| [(action, owner, false), (action, owner, true)]);
    ACTIONS.map(of).concat().concat()
}

/// The arguments that name this owner, in a dry run or not.
fn named(owner: &[&'static str], is_dry_run: bool) -> Vec<&'static str> {
    let dry_run = is_dry_run.then_some("--dry-run");
    owner.iter().copied().chain(dry_run).collect()
}

/// Whether the next run that names Bob has nothing to do and nothing to verify.
fn is_still_confirmed(sandbox: &Sandbox, kept: &Kept, action: &str) {
    assert!(!kept.journal().contains("Unknown"), "{}", kept.journal());
    let next = run(sandbox, kept, action, &["--user-name", "Bob"]);
    let said = next.run().exits(0).prints_outcome("Skipped");
    let _ = said.says(&["is already ", "nothing was changed"]);
}

#[test]
fn the_list_of_the_owner_shows_that_the_key_has_the_status() {
    each_at_once(cases(), |((action, _, status), owner, is_dry_run)| {
        let (sandbox, kept) = confirmed(action);
        let more = named(owner, is_dry_run);
        let printed = run(&sandbox, &kept, action, &more).run().exits(0);
        let row = printed.object();
        let already = format!("already {status:?}").to_ascii_lowercase();
        assert_eq!(
            (&row["UserName"], &row["Reason"]),
            (&"Bob".into(), &already.clone().into())
        );
        let said = printed.prints_outcome("Skipped");
        let _ = said.says(&[&already]);
        is_still_confirmed(&sandbox, &kept, action);
    });
}

#[test]
fn a_key_whose_status_differs_now_was_not_changed_for_another_user() {
    each_at_once(cases(), |((action, _, set), owner, is_dry_run)| {
        let (sandbox, kept) = confirmed(action);
        let other = match set {
            Status::Active => Status::Inactive,
            _ => Status::Active,
        };
        sandbox.set_status(BOBS_KEY, other);
        let more = named(owner, is_dry_run);
        let printed = run(&sandbox, &kept, action, &more).run().exits(3);
        let said = printed.prints_outcome("Failed");
        let _ = said.says(&[&format!("--user-name=Bob --{action} --dry-run\n")]);
        assert!(!kept.journal().contains("Unknown"), "{}", kept.journal());
        assert_eq!(status(&sandbox, BOBS_KEY), Some(other));
    });
}

#[test]
fn the_earlier_change_is_known_without_read_permission() {
    each_at_once(cases(), |((action, done, _), owner, is_dry_run)| {
        let (sandbox, kept) = confirmed(action);
        for read in READS {
            sandbox.deny(read);
        }
        let more = named(owner, is_dry_run);
        let printed = run(&sandbox, &kept, action, &more).run().exits(10);
        let reason = printed.object()["Reason"].clone();
        let reason = reason.as_str().expect("a reason");
        let known = format!(
            "unknown: an earlier run reported it as {done}, and its current state is unknown"
        );
        assert!(reason.contains(&known), "{reason}");
        let said = printed.prints_outcome("Unknown");
        let _ = said.says(&[&known]);
        for read in READS {
            sandbox.allow(read);
        }
        is_still_confirmed(&sandbox, &kept, action);
    });
}

/// IAM denies the first list and the change, so the run locates the key.
#[test]
fn the_earlier_change_is_known_if_the_next_one_is_denied() {
    let denied = || What::error(403, "AccessDenied", "no");
    each_at_once(ACTIONS, |(action, done, set)| {
        let (sandbox, kept) = confirmed(action);
        let locate = || {
            for denied_call in ["ListAccessKeys", "UpdateAccessKey"] {
                sandbox.fault(once(denied_call, denied()));
            }
            run(&sandbox, &kept, action, &["--user-name", "Bob"]).run()
        };
        let said = locate().exits(0).prints_outcome("Skipped");
        let _ = said.says(&["is already "]);
        let (other, not_done) = match set {
            Status::Active => (Status::Inactive, "not reactivated"),
            _ => (Status::Active, "not deactivated"),
        };
        sandbox.set_status(BOBS_KEY, other);
        let said = locate().exits(6).prints_outcome("Failed");
        let known = format!(
            "{not_done}: an earlier run reported it as {done}, but IAM now lists the key as {other:?}"
        );
        let _ = said.says(&["(AccessDenied)"]).ends_with(&known);
    });
}

/// A request of this run that may still act makes the state unknown, as without an earlier run.
#[test]
fn a_response_lost_by_the_next_run_leaves_the_change_unknown() {
    let (sandbox, kept) = confirmed("deactivate");
    sandbox.set_status(BOBS_KEY, Status::Active);
    sandbox.fault(always("UpdateAccessKey", What::ResetBeforeActing));
    let more = ["--user-name", "Bob", "--timeout", "2"];
    let printed = run(&sandbox, &kept, "deactivate", &more).run().exits(10);
    let said = printed.prints_outcome("Unknown");
    let _ = said.says(&["no usable response"]);
    assert_eq!(kept.results()[BOBS_KEY], "Unknown");
}
