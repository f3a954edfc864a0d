//! `--reactivate` of named keys: the undo for one key.

use iam_sandbox::documented::{ADMIN_KEY_ID, ALICE_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, actions, documented, each, once};
use crate::dialogue::Dialogue;
use crate::many::{from_stdin, rows};
use crate::response::{keys, lagging, member, xml};
use crate::streams::wait_for;

const QUESTION: &str =
    "Reactivate this key in account 123456789012? It can be undone with --deactivate. [y/N] ";

pub(crate) fn status(sandbox: &Sandbox, id: &str) -> Option<Status> {
    sandbox.key(id).map(|key| key.status)
}

/// A sandbox in which Bob's key is inactive.
pub(crate) fn inactive() -> Sandbox {
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    sandbox
}

/// Lets the next list show an old status of Bob's key.
pub(crate) fn lists_bobs_key_once_as(sandbox: &Sandbox, status: &str) {
    let list = member(BOBS_KEY, "Bob", status);
    let list = keys(&list, "<IsTruncated>false</IsTruncated>");
    sandbox.fault(once("ListAccessKeys", xml(list)));
}

pub(crate) fn reactivate(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::documented(sandbox, &["--reactivate", "--yes"]).args(more)
}

#[test]
fn a_key_is_active_again_and_its_object_says_so() {
    let sandbox = inactive();
    let printed = reactivate(&sandbox, &[]).run().exits(0);
    let created = sandbox.key(BOBS_KEY).expect("a key").created;
    assert_eq!(
        printed.object(),
        serde_json::json!({
            "AccessKeyId": BOBS_KEY,
            "UserName": "Bob",
            "Outcome": "Reactivated",
            "Status": "Active",
            "CreateDate": humantime::format_rfc3339_seconds(created).to_string(),
            "Attempts": 1,
            "RequestId": printed.object()["RequestId"],
        })
    );
    let _ = printed.prints_outcome("Reactivated").says_nothing();
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "UpdateAccessKey"]);
    assert_eq!(sandbox.requests()[1].param("Status"), Some("Active"));
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn the_command_that_deactivate_prints_undoes_it() {
    let sandbox = documented();
    let said = Case::documented(&sandbox, &["--deactivate"]).run().exits(0);
    let said = said.prints_outcome("Deactivated");
    let command = said
        .messages()
        .strip_prefix("hint: to undo it: iam-del-key ")
        .expect("the command")
        .to_owned();
    let words: Vec<&str> = command.split_whitespace().collect();
    let _ = said.says_exactly("hint: to undo it: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --reactivate\n");
    let _ = Case::at(&sandbox, words)
        .args(["--yes"])
        .run()
        .exits(0)
        .prints_outcome("Reactivated")
        .says_nothing();
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn an_active_key_is_skipped() {
    let sandbox = documented();
    let printed = reactivate(&sandbox, &[]).run().exits(0);
    assert_eq!(printed.object()["Reason"], "already active");
    let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
        "iam-del-key: note: {BOBS_KEY} is already active: nothing was changed\n"
    ));
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "ListAccessKeys"]);
}

/// The request got no response, and a list that is read so early proves nothing.
#[test]
fn the_status_of_an_unknown_key_is_from_the_last_list() {
    let sandbox = inactive();
    sandbox.fault(Fault::new(What::SilenceAfterActing).on("UpdateAccessKey"));
    let running = reactivate(&sandbox, &[]).start();
    wait_for(|| actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
    running.signal("INT");
    let ended = running.end().exits(130);
    assert_eq!(ended.object()["Status"], "Active");
    let _ = ended
        .prints_outcome("Unknown")
        .says(&["IAM still lists the key"]);
}

/// Right after the deactivation, a list may still show the key as active.
#[test]
fn a_list_that_lags_keeps_no_key_from_being_reactivated() {
    // If there is no time to read the list again, its status does not count.
    for more in [&[][..], &["--timeout", "5"], &["--timeout", "6"]] {
        let sandbox = inactive();
        lists_bobs_key_once_as(&sandbox, "Active");
        let _ = reactivate(&sandbox, more)
            .run()
            .exits(0)
            .prints_outcome("Reactivated")
            .says_nothing();
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
    }

    // The question is about a key that is inactive.
    let sandbox = inactive();
    lists_bobs_key_once_as(&sandbox, "Active");
    let case = Case::documented(&sandbox, &["--reactivate"]);
    let _ = Dialogue::start(case)
        .shows(QUESTION)
        .types(b"y\n")
        .end()
        .exits(0)
        .prints_outcome("Reactivated")
        .says(&["Inactive"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

/// Right after a key was reactivated, a list may still show it as inactive.
#[test]
fn a_list_that_lags_keeps_no_key_from_being_deactivated() {
    let deactivate = |at: &Sandbox| Case::documented(at, &["--deactivate"]);
    let csv = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n");
    let known = Some("Active");
    for (case, previous) in [
        (&deactivate as &dyn Fn(&Sandbox) -> Case, known),
        (&|at| deactivate(at).args(["--older-than", "30d"]), known),
        (&|at| from_stdin(at, &csv, &["--deactivate"]), known),
        // Half of the time that is left after the wait is enough.
        (&|at| deactivate(at).args(["--timeout", "6"]), known),
        (
            &|at| from_stdin(at, &csv, &["--deactivate", "--timeout", "6"]),
            known,
        ),
        // There is no time to read the list again, so its status does not count.
        (&|at| deactivate(at).args(["--timeout", "5"]), None),
    ] {
        let sandbox = documented();
        lists_bobs_key_once_as(&sandbox, "Inactive");
        let printed = case(&sandbox).run().exits(0);
        let output = printed.output().to_owned();
        let rows = rows(&output);
        let row = rows.iter().find(|row| row["AccessKeyId"] == BOBS_KEY);
        let row = row.expect("a result");
        assert_eq!(row["Outcome"], "Deactivated", "{output}");
        assert_eq!(row["PreviousStatus"].as_str(), previous, "{output}");
        let _ = printed.prints(&output).says(&["hint: to undo it"]);
        let status = sandbox.key(BOBS_KEY).map(|key| key.status);
        assert_eq!(status, Some(Status::Inactive));
    }
    // A sweep waits before it reads a list.
    let sandbox = documented();
    let list = member(BOBS_KEY, "Bob", "Inactive");
    let list = keys(&list, "<IsTruncated>false</IsTruncated>");
    sandbox.fault(lagging("ListAccessKeys", xml(list)));
    let sweep = ["--user-name", "Bob", "--all-keys", "--yes", "--deactivate"];
    let ended = Case::at(&sandbox, sweep).run().exits(0);
    let _ = ended.prints_outcomes(&[("Deactivated", 2)]);
}

#[test]
fn it_always_asks() {
    let no_terminal = "--reactivate requires --yes here, because standard error is not a terminal";
    let json = "--error-format json requires --yes here, because no question can be asked";
    let cases = [
        (&[][..], false, no_terminal),
        (&["--error-format", "json"], false, no_terminal),
        (&["--error-format", "json"], true, json),
    ];
    each(cases, |(more, has_terminal, says)| {
        let sandbox = inactive();
        let case = Case::documented(&sandbox, &["--reactivate"]).args(more);
        let ended = if has_terminal {
            Dialogue::start(case).end()
        } else {
            case.run()
        };
        let said = ended.exits(2).prints_nothing();
        assert!(!said.messages().contains("[y/N]"));
        let _ = said.says(&[says, "check with --dry-run first, then add --yes"]);
        assert_eq!(sandbox.connections(), 0);
    });
    let sandbox = inactive();
    let asked = || Dialogue::start(Case::documented(&sandbox, &["--reactivate"])).shows(QUESTION);
    let said = asked().types(b"n\n").end().exits(11).prints_nothing();
    assert!(!said.messages().contains("result: "));
    let _ = said.says(&["not confirmed: this run changed nothing\n"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    let said = asked().types(b"y\n").end().exits(0);
    let _ = said.prints_outcome("Reactivated").says(&["Inactive"]);
    assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Active));
}

#[test]
fn a_dry_run_says_what_would_happen_and_asks_no_question() {
    let sandbox = inactive();
    let args = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
    let printed = Case::at(&sandbox, args)
        .args(["--find-user", "--reactivate", "--dry-run"])
        .run()
        .exits(0);
    let expected = [("Skipped", 1), ("WouldReactivate", 1)];
    let _ = printed.prints_outcomes(&expected).says_exactly(
        "result: 2 keys: 1 would be reactivated, 1 already active; this was a dry run\n",
    );
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn a_dry_run_warns_if_more_keys_match_than_max_keys() {
    let sandbox = inactive();
    sandbox.set_status(ALICE_KEY_ID, Status::Inactive);
    let args = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
    let more = [
        "--find-user",
        "--reactivate",
        "--dry-run",
        "--max-keys",
        "1",
    ];
    let printed = Case::at(&sandbox, args).args(more).run().exits(0);
    let _ = printed.prints_anything().says(&[
        "warning: 2 keys match, more than --max-keys 1 allows: without --dry-run, nothing would be changed",
    ]);
}

#[test]
fn it_works_with_named_or_listed_keys_and_with_no_other_action() {
    let sandbox = documented();
    let cases = [
        &["--user-name", "Bob", "--all-keys"][..],
        &["--whole-account", "--only-inactive"],
        &["--access-key-id", BOBS_KEY, "--deactivate"],
    ];
    each(cases, |args| {
        Case::at(&sandbox, args)
            .args(["--reactivate", "--yes"])
            .run()
            .stops(2, &["cannot be used with"]);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn your_own_key_is_not_refused() {
    let sandbox = documented();
    let args = ["--access-key-id", ADMIN_KEY_ID, "--reactivate", "--yes"];
    let printed = Case::at(&sandbox, args).run().exits(0);
    assert_eq!(printed.object()["Reason"], "already active");
    let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
        "iam-del-key: note: {ADMIN_KEY_ID} is already active: nothing was changed\n"
    ));
}
