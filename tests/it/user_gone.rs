//! Sweeps that are resumed after the user of a started key was deleted: the lists of all users settle the key.

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each_at_once};
use crate::intent::started;
use crate::journal::{ACCOUNT, Kept};
use crate::resumed_owner::started_to;

/// A sweep that selects no key.
fn sweep(sandbox: &Sandbox, kept: &Kept, more: &[&str]) -> Case {
    let args = ["--whole-account", "--yes", "--older-than", "9000d"];
    let case = Case::at(sandbox, args).args(["--expect-account", ACCOUNT, "--journal"]);
    case.args([kept.path()]).args(more.iter().copied())
}

/// Bob's key is deleted, and then no user has the name Bob.
fn bob_is_gone() -> Sandbox {
    let sandbox = documented();
    sandbox.remove_key(BOBS_KEY);
    sandbox.rename_user("Bob", "Robert");
    sandbox
}

/// A result with Bob as the owner, from the journal.
fn row(outcome: &str, reason: &str) -> String {
    format!(
        "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"{outcome}\",\"Reason\":\"{reason}\"}}\n"
    )
}

const STARTED: &str = "an earlier run started this";
const IN_NO_LIST: &str = "IAM does not list the key for any user in the account";

#[test]
fn an_unfinished_key_that_no_user_has_is_deleted() {
    let sweeps = [
        (&[][..], "4 keys of 3 users checked"),
        // The sweep does not list all users.
        (
            &["--except-user", "Robert"],
            "3 keys of 2 users checked; 1 user skipped (--except-user)",
        ),
        (
            &["--path-prefix", "/nobody/"],
            "0 keys of 0 users checked; no user is under /nobody/",
        ),
        (&["--fail-fast"], "4 keys of 3 users checked"),
    ];
    each_at_once(sweeps, |(more, checked)| {
        let (sandbox, kept) = (bob_is_gone(), started());
        let proof = format!("{STARTED}; {IN_NO_LIST}");
        let ended = sweep(&sandbox, &kept, more).run().exits(0);
        let _ = ended.prints(&row("Deleted", &proof)).says_exactly(&format!(
            "iam-del-key: note: {checked}\n\
             iam-del-key: warning: {BOBS_KEY} is presumed deleted: {proof}\n\
             result: 1 key: 1 deleted; root user keys are not included\n"
        ));
        // The key is finished.
        let ended = sweep(&sandbox, &kept, more).run().exits(0);
        let _ = ended.prints_nothing().says(&["result: nothing to do: "]);
        assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    });
}

#[test]
fn an_unfinished_key_that_no_user_has_is_unknown_if_that_proves_nothing() {
    let cases = [
        // IAM did not list the key for Bob, so it may be another account's or the root user's.
        ("delete", "", &[][..], ""),
        // The key was deleted. Whether it was deactivated before is unknown.
        (
            "deactivate",
            ",\"Status\":\"Active\"",
            &["--deactivate"],
            ", 1 already inactive",
        ),
    ];
    each_at_once(cases, |(action, status, more, inactive)| {
        let sandbox = bob_is_gone();
        let kept = started_to(action, BOBS_KEY, "\"Bob\"", status);
        let ended = sweep(&sandbox, &kept, more).run().exits(10);
        let _ = ended.prints_outcomes(&[("Unknown", 1)]).says_exactly(&format!(
            "iam-del-key: note: 4 keys of 3 users checked{inactive}\n\
             iam-del-key: error: {BOBS_KEY}: no user of this account has such a key; unknown: {STARTED}; {IN_NO_LIST}\n\
             hint: for keys that were not found: the key does not exist, or it is the root user's or another account's\n\
             hint: add --ignore-missing to treat the key as already gone if no user in the account has it\n\
             result: 1 key: 1 unknown; root user keys are not included\n"
        ));
        let more = [more, &["--ignore-missing"]].concat();
        let ended = sweep(&sandbox, &kept, &more).run().exits(0);
        assert!(ended.prints_outcomes(&[("Missing", 1)]).says_no_error());
        assert_eq!(kept.results()[BOBS_KEY], "Missing");
    });
}

const FIND_USER: &str = "iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --find-user --dry-run";

/// The messages of a sweep that leaves Bob's key unknown.
fn unsettled(checked: &str, check: &str, end: &str) -> String {
    format!(
        "iam-del-key: note: {checked} keys of 3 users checked\n\
         iam-del-key: error: {BOBS_KEY}: this run did not change it: it was not selected; unknown: an earlier run started to \
         change it, and the result is unknown\n\
         hint: check with: {check}\n\
         result: 1 key: 1 unknown; {end}root user keys are not included\n"
    )
}

#[test]
fn an_unfinished_key_stays_unknown_if_another_user_has_it_or_a_list_cannot_be_read() {
    let renamed = documented();
    renamed.rename_user("Bob", "Robert");
    renamed.deny("iam:GetAccessKeyLastUsed");
    // Another user has the name now.
    let reused = documented();
    reused.rename_user("Bob", "Robert");
    reused.rename_user("Alice", "Bob");
    reused.deny("iam:GetAccessKeyLastUsed");
    let unread = bob_is_gone();
    let denied = What::error(403, "AccessDenied", "no");
    // The sweep itself lists the users twice.
    unread.fault(Fault::new(denied).on("ListUsers").skip(2).always());
    let of_robert = "aws iam list-access-keys --user-name=Robert\n\
                     hint: to continue, run the same command again; keys that the journal records as finished are skipped";
    // The journal records that IAM lists the key for another name.
    for (sandbox, checked, check, recorded) in [
        (renamed, "5", of_robert, Some("NotTried")),
        (reused, "5", of_robert, Some("NotTried")),
        (unread, "4", FIND_USER, None),
    ] {
        let kept = started();
        let ended = sweep(&sandbox, &kept, &[]).run().exits(10);
        let said = ended.prints_outcomes(&[("Unknown", 1)]);
        let _ = said.says_exactly(&unsettled(checked, check, ""));
        assert_eq!(kept.results().get(BOBS_KEY).map(String::as_str), recorded);
    }
}

#[test]
fn a_sweep_of_a_user_who_is_gone_says_how_to_verify_the_unfinished_key() {
    let (sandbox, kept) = (bob_is_gone(), started());
    let run = |keys: &[&str]| {
        let case = Case::at(&sandbox, keys).args(["--yes", "--older-than", "1d", "--journal"]);
        case.args([kept.path()]).run()
    };
    let all_of_bob = ["--user-name", "Bob", "--all-keys"];
    let error = "iam-del-key: error: An error occurred (NoSuchEntity) when calling the ListAccessKeys operation: The user \
                 with name Bob cannot be found.\n\
                 hint: check the user name; if the user is in another account, use a profile of that account (--profile NAME)\n";
    run(&all_of_bob).stops_exactly(
        3,
        &format!(
            "{error}hint: if the user was renamed or deleted, replace --user-name and --all-keys with \
             --access-key-id {BOBS_KEY} --find-user to verify what earlier runs started\n\
             result: this run changed no key; 1 key that earlier runs started to change is still unknown\n"
        ),
    );
    run(&["--access-key-id", BOBS_KEY, "--find-user"]).deletes(&format!("{STARTED}; {IN_NO_LIST}"));
    run(&all_of_bob).stops_exactly(3, &format!("{error}result: no key was changed\n"));
}

#[test]
fn a_dry_run_names_no_user_who_is_gone() {
    let kept = started();
    let before = kept.journal();
    let ended = sweep(&bob_is_gone(), &kept, &["--dry-run"]).run().exits(10);
    let said = ended.prints_outcomes(&[("Unknown", 1)]);
    let _ = said.says_exactly(&unsettled("4", FIND_USER, "this was a dry run; "));
    assert_eq!(kept.journal(), before);
}

/// Bob was renamed after the earlier run, and another user has his old name. Only the list of that user can be read.
#[test]
fn an_unfinished_key_is_only_presumed_deleted_if_another_user_may_have_the_name() {
    let (sandbox, kept) = (documented(), started());
    sandbox.rename_user("Bob", "Robert");
    sandbox.rename_user("Alice", "Bob");
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let run = |owner: &[&str]| {
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(owner.iter().copied());
        case.args(["--journal"]).args([kept.path()]).run()
    };
    run(&["--user-name", "Bob"])
        .deletes("an earlier run started this; IAM no longer lists the key for Bob");
    assert!(kept.journal().contains("\"OwnerUnchecked\":true"));
    sandbox.allow("iam:GetAccessKeyLastUsed");
    let _ = run(&["--find-user"]).exits(0).prints(DELETED);
    assert!(!sandbox.has_key(BOBS_KEY));
}
