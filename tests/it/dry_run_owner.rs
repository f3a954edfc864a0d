//! Dry runs about the calling user's keys whose list IAM denies: another user's key is not in the plan.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{KeySeed, Sandbox, What};

use crate::assume_root::identity;
use crate::case::{BOBS_KEY, Case, actions, always, documented, each_at_once};
use crate::dialogue::Dialogue;
use crate::many::{from_stdin, outcomes};

const UNKNOWN: &str =
    "IAM names Bob as its owner, and it is unknown whether that is the calling user";

/// A sandbox that denies every list of keys.
fn unlisted() -> Sandbox {
    Sandbox::documented().deny("iam:ListAccessKeys").start()
}

fn dry_run(sandbox: &Sandbox, args: &[&str]) -> Case {
    Case::at(sandbox, ["--access-key-id", BOBS_KEY, "--dry-run"]).args(args.iter().copied())
}

/// Applies a plan. It names no owner, so IAM looks for the keys of the calling user and finds none.
fn keeps_bobs_key(sandbox: &Sandbox, plan: &str, args: &[&str]) {
    let _ = from_stdin(sandbox, plan, args).run();
    assert!(sandbox.has_key(BOBS_KEY), "{plan}");
}

#[test]
fn another_users_key_fails_as_if_the_list_could_be_read() {
    for action in [&[][..], &["--deactivate"], &["--reactivate"]] {
        let listed = dry_run(&documented(), action).run().exits(3);
        let sandbox = unlisted();
        let printed = dry_run(&sandbox, action).run().exits(3);
        let row = printed.object();
        assert_eq!(row["Outcome"], "Failed");
        assert_eq!(row.get("UserName"), None);
        for name in ["Error", "Reason"] {
            assert_eq!(row[name], listed.object()[name]);
        }
        let said = listed.prints_anything().messages().to_owned();
        let plan = printed.output().to_owned();
        let _ = printed.prints(&plan).says_exactly(&said);
        assert!(said.contains("the key belongs to the user Bob, not to the calling user\n"));
        assert_eq!(
            actions(&sandbox),
            [
                "ListAccessKeys",
                "GetAccessKeyLastUsed",
                "GetCallerIdentity"
            ]
        );
        if action.is_empty() {
            keeps_bobs_key(&sandbox, &plan, action);
        }
    }
}

#[test]
fn the_calling_users_own_key_is_in_the_plan() {
    let sandbox = unlisted();
    sandbox.add_key(KeySeed::new("admin", "AKIAIOSFODNN7EXAMPLE"));
    let args = ["--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--dry-run"];
    let printed = Case::at(&sandbox, args).run().exits(0);
    assert_eq!(printed.object()["UserName"], "admin");
    let said = printed.prints_outcome("WouldDelete");
    let _ = said.says(&["unknown where IAM denied ListAccessKeys"]);
}

#[test]
fn an_owner_who_may_be_another_user_is_named_but_not_in_the_plan() {
    let role = "arn:aws:sts::123456789012:assumed-role/R/s";
    let responses = [
        What::error(403, "AccessDenied", "no"),
        What::SilenceBeforeActing,
        identity(role, "123456789012"),
        identity("", "123456789012"),
    ];
    each_at_once(responses, |response| {
        let sandbox = unlisted();
        sandbox.fault(always("GetCallerIdentity", response));
        let printed = dry_run(&sandbox, &[]).run().exits(6);
        let row = printed.object();
        assert_eq!(row.get("UserName"), None);
        assert_eq!(row["Reason"], format!("not deleted: {UNKNOWN}"));
        let plan = printed.output().to_owned();
        let hint = format!(
            "hint: review it first: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --dry-run\n"
        );
        let _ = printed
            .prints_outcome("Failed")
            .says(&["when calling the ListAccessKeys operation", &hint])
            .ends_with(&format!("not deleted: {UNKNOWN}"));
        keeps_bobs_key(&sandbox, &plan, &[]);
    });
}

#[test]
fn sts_is_called_once_for_many_keys() {
    let sandbox = unlisted();
    let list = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    let printed = from_stdin(&sandbox, &list, &["--dry-run"]).run().exits(3);
    assert_eq!(outcomes(printed.output()), [("Failed".to_owned(), 2)]);
    let plan = printed.output().to_owned();
    let _ = printed
        .prints(&plan)
        .says(&["add --find-user to look up the owner of each key"]);
    let is_sts = |action: &&String| *action == "GetCallerIdentity";
    assert_eq!(actions(&sandbox).iter().filter(is_sts).count(), 1);
    keeps_bobs_key(&sandbox, &plan, &[]);
    assert!(sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn no_question_is_asked_about_another_users_key() {
    let sandbox = unlisted();
    let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY, "--interactive"]);
    let _ = Dialogue::start(case)
        .end()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["the key belongs to the user Bob, not to the calling user"]);
    assert!(sandbox.has_key(BOBS_KEY));
}
