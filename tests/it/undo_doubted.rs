//! `--reactivate` of a run of `--deactivate` whose keys were active again after it: someone else may have deactivated them.

use iam_sandbox::{Fault, Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, always, documented, each, once};
use crate::journal::Kept;
use crate::reactivate::{inactive, status};
use crate::response::{END, keys, lagging, member, xml};
use crate::streams::wait_for;
use crate::undo::{row, undo};
use crate::undone::INTENT;

/// Deactivates Bob's key, and then its owner activates it.
fn reactivated_by_owner(sandbox: &Sandbox, kept: &Kept) {
    let said = deactivate(sandbox, kept, &[]).run().exits(0);
    let _ = said
        .prints_outcome("Deactivated")
        .says(&["hint: to undo it"]);
    sandbox.set_status(BOBS_KEY, Status::Active);
}

fn deactivate(sandbox: &Sandbox, kept: &Kept, more: &[&str]) -> Case {
    let case = Case::documented(sandbox, &["--deactivate", "--journal"]).args([kept.path()]);
    case.args(more.iter().copied())
}

/// Checks that the undo does not reactivate Bob's key after someone else deactivated it.
fn is_not_undone(sandbox: &Sandbox, kept: &Kept) {
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let printed = undo(sandbox, &kept.path()).run().exits(11);
    let _ = printed
        .prints_outcome("Refused")
        .says(&["hint: to reactivate the refused keys anyway: "]);
    assert_eq!(status(sandbox, BOBS_KEY), Some(Status::Inactive));
}

/// The second run does not change the key: IAM denies that, or the key does not meet a condition.
#[test]
fn f104_a_key_that_a_later_run_lists_as_active_is_not_undone() {
    let cases = [
        (&[][..], 6, "Failed"),
        (&["--older-than", "900w"], 11, "Skipped"),
    ];
    each(cases, |(more, exit, outcome)| {
        let (sandbox, kept) = (documented(), Kept::new(""));
        reactivated_by_owner(&sandbox, &kept);
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(once("UpdateAccessKey", denied));
        let printed = deactivate(&sandbox, &kept, more).run().exits(exit);
        assert_eq!(printed.object()["Status"], "Active");
        let _ = printed.prints_outcome(outcome).says(&["error: "]);
        sandbox.clear_faults();
        is_not_undone(&sandbox, &kept);
        // A confirmed deactivation is undone again.
        sandbox.set_status(BOBS_KEY, Status::Active);
        let said = deactivate(&sandbox, &kept, &[]).run().exits(0);
        let _ = said
            .prints_outcome("Deactivated")
            .says(&["hint: to undo it"]);
        let said = undo(&sandbox, &kept.path()).run().exits(0);
        let _ = said
            .prints_outcome("Reactivated")
            .says_exactly("result: 1 key: 1 reactivated\n");
    });
}

/// The sweep leaves the key out, and prints nothing about it.
#[test]
fn f104_a_key_that_a_later_sweep_lists_as_active_is_not_undone() {
    let (sandbox, kept) = (documented(), Kept::new(""));
    reactivated_by_owner(&sandbox, &kept);
    let args = ["--user-name", "Bob", "--all-keys", "--yes", "--deactivate"];
    let case = Case::at(&sandbox, args).args(["--older-than", "900w", "--journal"]);
    let swept = case.args([kept.path()]).run().exits(0).prints_nothing();
    let _ = swept.says(&["nothing to do: "]);
    is_not_undone(&sandbox, &kept);
}

/// The second run is killed before its request takes effect.
#[test]
fn f104_a_deactivation_that_is_presumed_after_a_confirmed_one_is_not_undone() {
    let (sandbox, kept) = (documented(), Kept::new(""));
    reactivated_by_owner(&sandbox, &kept);
    sandbox.fault(always("UpdateAccessKey", What::ResetBeforeActing));
    let running = deactivate(&sandbox, &kept, &[]).start();
    wait_for(|| kept.journal().matches("\"Intent\"").count() == 2);
    let _ = running.kill();
    sandbox.clear_faults();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let said = deactivate(&sandbox, &kept, &[]).run().exits(0);
    let _ = said
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    is_not_undone(&sandbox, &kept);
}

/// A run that finds the keys of an earlier run inactive does not affect what can be undone.
#[test]
fn f104_a_deactivation_that_was_run_again_is_undone() {
    each([&[][..], &["--timeout", "5"]], |more| {
        let (sandbox, kept) = (documented(), Kept::new(""));
        let said = deactivate(&sandbox, &kept, more).run().exits(0);
        let _ = said
            .prints_outcome("Deactivated")
            .says(&["hint: to undo it"]);
        let _ = deactivate(&sandbox, &kept, more).run().exits(0);
        let said = undo(&sandbox, &kept.path()).run().exits(0);
        let _ = said
            .prints_outcome("Reactivated")
            .says_exactly("result: 1 key: 1 reactivated\n");
    });
}

/// The list of the second run still has the status from before the first one.
#[test]
fn f104_a_list_that_lags_behind_the_deactivation_does_not_keep_it_from_being_undone() {
    let denied = What::error(403, "AccessDenied", "no");
    each(
        [&[][..], &["--older-than", "900w"], &["--dry-run"]],
        |more| {
            let (sandbox, kept) = (documented(), Kept::new(""));
            let _ = deactivate(&sandbox, &kept, &[])
                .run()
                .exits(0)
                .prints_anything();
            let stale = keys(&member(BOBS_KEY, "Bob", "Active"), END);
            sandbox.fault(lagging("ListAccessKeys", xml(stale)));
            sandbox.fault(once("UpdateAccessKey", denied.clone()));
            let printed = deactivate(&sandbox, &kept, more).run().exits(0);
            assert_eq!(printed.object()["Status"], "Inactive");
            let _ = printed
                .prints_outcome("Skipped")
                .says(&["already inactive"]);
            sandbox.clear_faults();
            let said = undo(&sandbox, &kept.path()).run().exits(0);
            let _ = said.prints_outcome("Reactivated").says(&["1 reactivated"]);
        },
    );
}

/// The second run gets no response to its own requests, and someone else deactivates the key meanwhile.
#[test]
fn f104_a_deactivation_that_the_later_run_itself_presumes_is_not_undone() {
    let sandbox = documented();
    let kept = Kept::new("");
    reactivated_by_owner(&sandbox, &kept);
    // The first list is denied, so the previous status is unknown.
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("ListAccessKeys"));
    sandbox.fault(always("UpdateAccessKey", What::ResetBeforeActing));
    let running = deactivate(&sandbox, &kept, &["--timeout", "8"]).start();
    wait_for(|| kept.journal().matches("\"Intent\"").count() == 2);
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let said = running.end().exits(0);
    let _ = said
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    sandbox.clear_faults();
    is_not_undone(&sandbox, &kept);
}

/// The run with `--deactivate` was killed. Only the same command finds out what that run did, and only with a journal.
#[test]
fn f104_a_hint_says_how_to_find_out_what_a_killed_run_did() {
    const HINT: &str = "hint: to find out what became of keys that the journal records as started, first run the command with \
                        --deactivate and that journal again; it also deactivates those that are still active\n";
    let sandbox = inactive();
    let kept = Kept::new("");
    let head = "{\"Journal\":1,\"Action\":\"deactivate\",\"AccountId\":null}\n";
    let unknown = row(
        BOBS_KEY,
        "\"Outcome\":\"Unknown\",\"Action\":\"deactivate\"",
    );
    let started = head.to_owned() + &row(BOBS_KEY, INTENT);
    for (list, is_said) in [(started.as_str(), true), (&unknown, false)] {
        std::fs::write(kept.path(), list).expect("a list");
        let printed = undo(&sandbox, &kept.path()).run().exits(10);
        let said = printed.prints_outcome("Unknown");
        assert_eq!(said.messages().contains(HINT), is_said, "{list}");
        let _ = said.says(&["hint: check with: "]);
    }
    // The command finds out that the key is inactive, but not who deactivated it.
    std::fs::write(kept.path(), started).expect("a journal");
    let said = deactivate(&sandbox, &kept, &[]).run().exits(0);
    let _ = said
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
    is_not_undone(&sandbox, &kept);
}
