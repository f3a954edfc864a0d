//! `--deactivate` reads the status first. It skips a key that is already Inactive. For the others, the results and the journal
//! say that they were Active.

use std::io::Read as _;
use std::net::TcpListener;
use std::thread;

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What, nth_key_id};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, SETTLED, actions, documented};
use crate::many::{from_stdin, outcomes, rows};

fn old_key(sandbox: &Sandbox, more: &[&str]) -> Case {
    let args = ["--access-key-id", ALICE_OLD_KEY_ID, "--user-name", "Alice"];
    Case::at(sandbox, args).args(["--deactivate"]).args(more)
}

/// All keys of Alice; one of them is inactive.
pub(crate) fn alices_keys(sandbox: &Sandbox) -> Case {
    let args = ["--user-name", "Alice", "--all-keys", "--yes"];
    Case::at(sandbox, args).args(["--deactivate"])
}

fn bobs_key(sandbox: &Sandbox) -> Case {
    Case::documented(sandbox, &["--deactivate"])
}

const UNSURE: &str = "hint: to undo it, if the key was active before: iam-del-key --access-key-id AKIDPMS9RO4H3FEXAMPLE --user-name=Bob --reactivate\n";

#[test]
fn c27_an_inactive_key_is_skipped_and_has_no_undo() {
    let sandbox = documented();
    for more in [&[][..], &["--older-than", "30d"], &["--only-inactive"]] {
        let printed = old_key(&sandbox, more).run().exits(0);
        let object = printed.object();
        assert_eq!(object["Outcome"], "Skipped");
        assert_eq!(object["Reason"], "already inactive");
        assert_eq!(object["Status"], "Inactive");
        assert_eq!(object.get("PreviousStatus"), None);
        let _ = printed.prints_outcome("Skipped").says_exactly(&format!(
            "iam-del-key: note: {ALICE_OLD_KEY_ID} is already inactive: nothing was changed\n"
        ));
    }
    let _ = old_key(&sandbox, &["--dry-run"])
        .run()
        .exits(0)
        .prints_outcome("Skipped")
        .says_exactly(&format!(
            "hint: Alice has another active key: iam-del-key --access-key-id {ALICE_KEY_ID} --user-name=Alice --dry-run\n\
             result: {ALICE_OLD_KEY_ID}: already inactive\n"
        ));
    let _ = old_key(&sandbox, &["--error-format", "json"])
        .run()
        .exits(0)
        .prints_outcome("Skipped")
        .says_exactly(&format!(
            "{{\"Level\":\"Note\",\"Message\":\"{ALICE_OLD_KEY_ID} is already inactive: nothing was changed\"}}\n"
        ));
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn c27_inactive_keys_among_many_are_skipped_with_success() {
    let sandbox = documented();
    let list = format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_OLD_KEY_ID},Alice\n{ALICE_KEY_ID},Alice\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("done.jsonl");
    let journal_name = journal.to_str().expect("a path");
    let printed = from_stdin(
        &sandbox,
        &list,
        &["--deactivate", "--journal", journal_name],
    )
    .run()
    .exits(0);
    let output = printed.output().to_owned();
    for row in rows(&output) {
        if row["AccessKeyId"] == ALICE_OLD_KEY_ID {
            assert_eq!(row["Outcome"], "Skipped");
            assert_eq!(row.get("PreviousStatus"), None);
        } else {
            assert_eq!(row["Outcome"], "Deactivated");
            assert_eq!(row["PreviousStatus"], "Active");
        }
    }
    let _ = printed
        .prints(&output)
        .says(&[&format!(
            "hint: to reactivate the keys that the journal records as changed from Active to Inactive: iam-del-key --from {journal_name} --reactivate\n"
        )])
        .ends_with("3 keys: 2 deactivated, 1 already inactive");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let deactivated: Vec<Value> = rows(&text)
        .into_iter()
        .filter(|record| record["Outcome"] == "Deactivated")
        .collect();
    assert_eq!(deactivated.len(), 2);
    assert!(
        deactivated
            .iter()
            .all(|record| record["PreviousStatus"] == "Active"),
        "{text}"
    );
    // A second run has nothing to do.
    let printed = from_stdin(&sandbox, &list, &["--deactivate"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Skipped".to_owned(), 3)]);
    let _ = printed
        .prints(&output)
        .says_exactly("result: 3 keys: 3 already inactive\n");
}

#[test]
fn c27_a_status_that_cannot_be_read_stops_no_deactivation() {
    let no_such_user = What::error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    );
    for what in [
        What::error(403, "AccessDenied", "no"),
        What::error(500, "ServiceFailure", "oops"),
        What::error(400, "Throttling", "Rate exceeded"),
        What::page(200, "text/html", "<html>Sign in</html>"),
        What::ResetBeforeActing,
        no_such_user,
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(what.clone()).on("ListAccessKeys").always());
        let printed = bobs_key(&sandbox).run().exits(0);
        assert_eq!(printed.object().get("PreviousStatus"), None, "{what:?}");
        let _ = printed.prints_outcome("Deactivated").says_exactly(UNSURE);
        let status = sandbox.key(BOBS_KEY).map(|key| key.status);
        assert_eq!(status, Some(Status::Inactive), "{what:?}");
    }
}

#[test]
fn c27_a_list_without_a_response_leaves_time_for_the_deactivation() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::SilenceBeforeActing)
            .on("ListAccessKeys")
            .always(),
    );
    let _ = bobs_key(&sandbox)
        .args(["--timeout", "6"])
        .run()
        .exits(0)
        .prints_outcome("Deactivated")
        .says_exactly(UNSURE)
        .within(3 * SETTLED);
}

#[test]
fn c27_a_list_that_lacks_the_key_decides_nothing() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Alice",
        "--deactivate",
    ];
    let _ = Case::at(&sandbox, args)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["(NoSuchEntity) when calling the UpdateAccessKey operation"])
        .ends_with("not deactivated: IAM found no such key for this user");
    // STS is called for a hint.
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "UpdateAccessKey", "GetAccessKeyInfo"]
    );
}

#[test]
fn c27_a_deletion_reads_no_status() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &[])
        .run()
        .exits(0)
        .prints(crate::case::DELETED)
        .says_nothing();
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
}

#[test]
fn c26_keys_that_are_all_inactive_are_reported_as_inactive() {
    for (inactive, active, says) in [
        (0, 0, "no keys were found"),
        (
            0,
            1,
            "1 key was checked, and it does not meet the conditions",
        ),
        (0, 2, "2 keys were checked, and none meets the conditions"),
        (1, 0, "the key is already inactive"),
        (2, 0, "all keys are already inactive"),
        (3, 0, "all keys are already inactive"),
        (1, 1, "the other key does not meet the conditions"),
        (1, 2, "none of the other keys meets the conditions"),
    ] {
        let mut sandbox = Sandbox::documented().user("Carol");
        for n in 0..inactive + active {
            let status = if n < inactive {
                Status::Inactive
            } else {
                Status::Active
            };
            let id = nth_key_id("123456789012", n);
            let seed = iam_sandbox::KeySeed::new("Carol", &id).status(status);
            sandbox = sandbox.key(seed);
        }
        let sandbox = sandbox.start();
        let args = [
            "--user-name",
            "Carol",
            "--all-keys",
            "--deactivate",
            "--yes",
        ];
        let case = Case::at(&sandbox, args).args(["--older-than", "101d"]);
        let case = if active == 0 {
            Case::at(&sandbox, args)
        } else {
            case
        };
        let counted = match inactive + active {
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        let already = match inactive {
            0 => String::new(),
            count => format!(", {count} already inactive"),
        };
        let _ = case.run().exits(0).prints_nothing().says_exactly(&format!(
            "iam-del-key: note: {counted} of 1 user checked{already}\n\
             result: nothing to do: {says}\n"
        ));
        assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
    }
}

#[test]
fn c26_a_sweep_of_the_account_counts_inactive_keys_too() {
    let sandbox = documented();
    let args = ["--whole-account", "--older-than", "600d", "--deactivate"];
    for more in [
        &["--yes", "--expect-account", "123456789012"][..],
        &["--dry-run"],
        &[],
    ] {
        // Without --yes and without a terminal, the run reads nothing.
        let status = if more.is_empty() { 2 } else { 0 };
        let said = Case::at(&sandbox, args)
            .args(more.iter().copied())
            .run()
            .exits(status)
            .prints_nothing();
        if status == 0 {
            let _ = said.says_exactly(
                "iam-del-key: note: 5 keys of 3 users checked, 1 already inactive\n\
                 result: nothing to do: none of the other keys meets the conditions; root user keys are not included\n",
            );
        } else {
            let _ = said.says(&["--whole-account requires --yes and --expect-account here, because standard error is not a terminal"]);
        }
    }
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn c26_what_was_chosen_and_what_was_inactive_are_both_counted() {
    let sandbox = documented();
    let printed = alices_keys(&sandbox).run().exits(0);
    assert_eq!(printed.object()["PreviousStatus"], "Active");
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["note: 2 keys of 1 user checked, 1 already inactive\n"])
        .ends_with("1 key: 1 deactivated");
}

#[test]
fn c27_every_way_to_name_a_key_reads_its_status() {
    // Keys of the calling user, keys whose owner is looked up, and a plan.
    let own = "AKIAQAAAAAAAADMINTWO";
    let sandbox = Sandbox::documented()
        .key(iam_sandbox::KeySeed::new("admin", own).status(Status::Inactive))
        .start();
    let plan = format!(
        "{{\"AccessKeyId\":\"{own}\",\"UserName\":\"admin\",\"Outcome\":\"WouldDeactivate\"}}\n"
    );
    let named = ["--access-key-id", own, "--deactivate"];
    let list = || from_stdin(&sandbox, &plan, &["--deactivate"]);
    for case in [
        Case::at(&sandbox, named),
        Case::at(&sandbox, named).args(["--find-user"]),
        Case::at(&sandbox, named).args(["--fail-fast", "--ignore-missing"]),
        list(),
        list().args(["--fail-fast"]),
    ] {
        let printed = case.run().exits(0);
        assert_eq!(printed.object()["Reason"], "already inactive");
        let _ = printed
            .prints_outcome("Skipped")
            .says(&["already inactive"]);
    }
    for (format, expected) in [("text", "\tSkipped\t\tInactive\t"), ("table", "Skipped")] {
        let case = Case::at(&sandbox, named).args(["--output", format]);
        let printed = case.run().exits(0);
        let output = printed.output().to_owned();
        assert!(output.contains(expected), "{output}");
        let _ = printed.prints(&output).says_exactly(
            "iam-del-key: note: AKIAQAAAAAAAADMINTWO is already inactive: nothing was changed\n",
        );
    }
    assert!(!actions(&sandbox).contains(&"UpdateAccessKey".to_owned()));
}

#[test]
fn c27_a_key_with_an_unknown_status_is_deactivated_without_an_undo() {
    let sandbox = Sandbox::builder()
        .key(iam_sandbox::KeySeed::new("Bob", BOBS_KEY).status(Status::Expired))
        .start();
    let printed = bobs_key(&sandbox).run().exits(0);
    assert_eq!(printed.object().get("PreviousStatus"), None);
    let _ = printed.prints_outcome("Deactivated").says_nothing();
}

#[test]
fn c27_a_lost_response_keeps_the_previous_status() {
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetAfterActing)
            .on("UpdateAccessKey")
            .always(),
    );
    let printed = bobs_key(&sandbox).args(["--timeout", "4"]).run().exits(0);
    assert_eq!(printed.object()["PreviousStatus"], "Active");
    let _ = printed
        .prints_outcome("Deactivated")
        .says(&["is presumed deactivated"]);
}

#[test]
fn c27_no_question_is_asked_about_an_inactive_key() {
    let sandbox = documented();
    let dialogue = crate::dialogue::Dialogue::start(old_key(&sandbox, &["--interactive"]));
    let said = dialogue.end().exits(0).prints_outcome("Skipped");
    assert!(!said.messages().contains("[y/N]"), "{}", said.messages());
    let _ = said.says_exactly(&format!(
        "iam-del-key: note: {ALICE_OLD_KEY_ID} is already inactive: nothing was changed\n"
    ));
}

/// IAM can be reached once, for the status, and then no longer.
#[test]
fn c27_a_request_for_the_status_is_not_called_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let reads_once = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        client.read(&mut [0; 4096]).expect("a request")
    });
    let sandbox = documented();
    let case = bobs_key(&sandbox).args(["--timeout", "2"]);
    let said = case
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .run()
        .exits(9);
    assert!(reads_once.join().expect("a request") > 0);
    let said = said.prints_anything();
    let result =
        format!("result: {BOBS_KEY}: not deactivated: no request to change it was sent to IAM");
    let _ = said.says(&[&result]);
}
