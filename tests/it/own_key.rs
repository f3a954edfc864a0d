//! Messages about the signing key, also after a run changed it.

use std::time::Duration;

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID};
use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, documented, each, each_at_once, faulty, once};
use crate::journal::ACCOUNT;
use crate::reactivate::status;
use crate::response::{END, keys, xml};

const ROLE: &str = "arn:aws:iam::123456789012:role/Deployer";
const OWN: [&str; 2] = ["--access-key-id", ADMIN_KEY_ID];
const NAMED: [&str; 4] = ["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"];

/// A run that may change the key of the profile that signs.
fn own(sandbox: &Sandbox, args: &[&str]) -> Case {
    let key =
        format!("aws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n");
    let config = format!("[default]\n{key}[profile ops]\n{key}");
    let case = Case::at(sandbox, args.iter().copied()).args(["--allow-self"]);
    case.without_credentials().file(".aws/config", config)
}

/// The keys in the requests for a change, in order.
fn writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter();
    let writes = requests.filter(|request| !request.action.starts_with(['G', 'L']));
    writes
        .filter_map(|request| request.param("AccessKeyId").map(str::to_owned))
        .collect()
}

/// The options that choose credentials, and the requests of the run.
const PROFILES: [&[&str]; 3] = [
    &["--profile", "ops"],
    &["--profile", "ops", "--role-arn", ROLE],
    &[],
];

#[test]
fn the_undo_of_its_deactivation_needs_other_credentials() {
    let cases = [
        (&NAMED[..], PROFILES[0]),
        (&NAMED, PROFILES[1]),
        // The hint names the owner, whom the calling user's list shows.
        (&OWN, PROFILES[0]),
        (&OWN, PROFILES[2]),
    ];
    each(cases, |(key, more)| {
        let sandbox = documented();
        let undo = format!("--access-key-id {ADMIN_KEY_ID} --user-name=admin --reactivate");
        let case = own(&sandbox, key).args(["--deactivate"]).args(more);
        let said = case.run().exits(0).prints_outcome("Deactivated");
        let hint = format!("hint: to undo it, with other credentials: iam-del-key {undo}\n");
        let _ = said.says_exactly(&hint);
        let root = sandbox.root();
        let _ = Case::at(&sandbox, undo.split(' '))
            .env("AWS_ACCESS_KEY_ID", root.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", root.secret_access_key)
            .args(["--yes"])
            .run()
            .exits(0)
            .prints_outcome("Reactivated");
        assert_eq!(status(&sandbox, ADMIN_KEY_ID), Some(Status::Active));
    });
}

#[test]
fn the_undo_of_a_list_with_other_keys_needs_other_credentials() {
    let other = nth_key_id(ACCOUNT, 3);
    let cases = [
        (
            &[][..],
            format!("to undo it, with other credentials: iam-del-key --access-key-id {other} --access-key-id {ADMIN_KEY_ID} --user-name=admin"),
        ),
        (
            &["--journal", "JOURNAL"],
            "to reactivate the keys that the journal records as changed from Active to Inactive, with other credentials: iam-del-key --from j".to_owned(),
        ),
    ];
    each(cases, |(more, hint)| {
        let sandbox = documented();
        sandbox.add_key(KeySeed::new("admin", &other));
        let list = [
            "--from",
            "-",
            "--deactivate",
            "--jobs",
            "1",
            "--profile",
            "ops",
        ];
        let case = own(&sandbox, &list);
        let journal = case.path("j").display().to_string();
        let hint = hint.replace("--from j", &format!("--from {journal}"));
        let case = case.args(more.iter().map(|word| word.replace("JOURNAL", &journal)));
        let case = case.input(format!("{other}\n{ADMIN_KEY_ID}\n").as_bytes());
        let said = case.run().exits(0).prints_outcomes(&[("Deactivated", 2)]);
        let _ = said.says(&[&format!("hint: {hint} --reactivate\n")]);
    });
}

#[test]
fn the_undo_of_other_keys_needs_other_credentials_if_its_state_is_unknown() {
    let fault = once("UpdateAccessKey", What::ResetAfterActing);
    let sandbox = faulty([fault.of_user("admin")]);
    let args = ["--from", "-", "--deactivate", "--profile", "ops"];
    let case = own(&sandbox, &args).args(["--jobs", "1"]);
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ADMIN_KEY_ID},admin\n");
    let said = case.input(list.as_bytes()).run().exits(12);
    let said = said.prints_outcomes(&[("Deactivated", 1), ("Unknown", 1)]);
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: {ADMIN_KEY_ID}: An error occurred (InvalidClientTokenId) when calling the UpdateAccessKey operation: \
         The security token included in the request is invalid; unknown: the response to an earlier attempt was lost; \
         checking the key failed\n\
         hint: AWS rejects a key that was deleted or is inactive, and this key signs the requests; with other credentials, \
         check with: aws iam list-access-keys --user-name=admin\n\
         hint: to continue, use other credentials, and then run the same command again; keys that are already inactive are skipped\n\
         hint: to undo it, with other credentials: iam-del-key --access-key-id {BOBS_KEY} --user-name=Bob --reactivate\n\
         result: 2 keys: 1 deactivated, 1 unknown\n"
    ));
}

#[test]
fn a_list_that_is_denied_does_not_say_whose_it_is() {
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    let case = own(&sandbox, &OWN).args(["--deactivate"]);
    let said = case.run().exits(0).prints_outcome("Deactivated");
    let _ = said.says(&[&format!(
        "hint: to undo it, with other credentials, if the key was active before: iam-del-key --access-key-id {ADMIN_KEY_ID} --find-user --reactivate\n"
    )]);
}

#[test]
fn other_credentials_check_it_too() {
    each([PROFILES[0], PROFILES[2]], |more| {
        let sandbox = faulty([once("DeleteAccessKey", What::ResetAfterActing)]);
        let case = own(&sandbox, &NAMED).args(more);
        let said = case.run().exits(10).prints_anything();
        let messages = said.messages();
        let check =
            "with other credentials, check with: aws iam list-access-keys --user-name=admin\n";
        assert!(messages.contains(check), "{messages}");
    });
}

#[test]
fn its_sessions_are_revoked_with_other_credentials() {
    let sandbox = documented();
    let args = ["--find-user", "--profile", "ops"];
    let said = own(&sandbox, &OWN)
        .args(args)
        .run()
        .exits(0)
        .prints_anything();
    let messages = said.messages();
    assert!(
        messages.contains(
            "(not those of assumed roles), with other credentials: aws iam put-user-policy "
        ),
        "{messages}"
    );
    assert!(!messages.contains("--profile"), "{messages}");
}

#[test]
fn a_sweep_says_how_to_change_it_anyway() {
    let sandbox = documented();
    let sweep = ["--user-name", "admin", "--all-keys", "--yes"];
    let said = Case::at(&sandbox, sweep).run().exits(11);
    let _ = said.prints_outcomes(&[("Refused", 1)]).says_exactly(&format!(
        "iam-del-key: note: 1 key of 1 user checked\n\
         iam-del-key: warning: {ADMIN_KEY_ID} belongs to your own credentials: you would lock yourself out\n\
         hint: use other credentials (--profile NAME), or name the key with --access-key-id and add --allow-self\n\
         result: 1 key: 1 refused\n"
    ));
    let case = Case::at(&sandbox, NAMED).args(["--allow-self"]);
    case.run().deletes_quietly();
}

const WRONG: [&str; 4] = ["--access-key-id", ADMIN_KEY_ID, "--user-name", "Alice"];

/// IAM denies owner lookups.
fn owner_denied() -> Sandbox {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    sandbox
}

/// The message about the signing key if the wrong user is named.
const ADMINS: &str = "it belongs to the user admin";

#[test]
fn it_is_not_missing_because_the_wrong_user_is_named() {
    let journal = format!(
        "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n\
         {{\"AccessKeyId\":\"{ADMIN_KEY_ID}\",\"UserName\":\"Alice\",\"Intent\":\"delete\",\"Time\":\"t\"}}\n"
    );
    let cases = [
        (&[][..], ""),
        (&["--journal", "JOURNAL"], ""),
        (&["--journal", "JOURNAL"], &journal),
        (&["--deactivate"], ""),
        (&["--older-than", "1d"], ""),
        (&["--dry-run"], ""),
    ];
    each_at_once(cases, |(more, journal)| {
        let sandbox = owner_denied();
        let case = own(&sandbox, &WRONG).args(["--ignore-missing"]);
        let path = case.path("j").display().to_string();
        if !journal.is_empty() {
            std::fs::write(&path, journal).expect("a journal");
        }
        let case = case.args(more.iter().map(|word| word.replace("JOURNAL", &path)));
        let said = case.run().exits(3).prints_outcome("Failed");
        assert!(said.messages().contains(ADMINS), "{}", said.messages());
        assert!(sandbox.has_key(ADMIN_KEY_ID));
    });
}

#[test]
fn it_is_not_deleted_because_the_first_request_was_lost() {
    let sandbox = faulty([once("DeleteAccessKey", What::ResetBeforeActing)]);
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let said = own(&sandbox, &WRONG)
        .run()
        .exits(3)
        .prints_outcome("Failed");
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
         The Access Key with id {ADMIN_KEY_ID} cannot be found.\n\
         hint: review it first: iam-del-key --access-key-id {ADMIN_KEY_ID} --user-name=admin --allow-self --dry-run\n\
         result: {ADMIN_KEY_ID}: not deleted: {ADMINS}\n"
    ));
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn the_root_users_signing_key_is_not_missing() {
    let sandbox = owner_denied();
    let root = sandbox.root();
    let id = root.access_key_id.clone();
    let args = ["--access-key-id", &id, "--user-name", "Alice"];
    let case = Case::at(&sandbox, args).args(["--allow-self", "--ignore-missing"]);
    let case = case
        .env("AWS_ACCESS_KEY_ID", &id)
        .env("AWS_SECRET_ACCESS_KEY", root.secret_access_key);
    let said = case.run().exits(3).prints_outcome("Failed");
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: \
         The Access Key with id {id} cannot be found.\n\
         hint: the key does not exist, or belongs to another user; to find the key's owner: iam-del-key --access-key-id {id} --find-user --dry-run\n\
         result: {id}: not deleted: IAM found no such key for this user, and checking the key failed\n"
    ));
}

#[test]
fn it_is_not_said_to_be_gone_if_it_is_in_a_list() {
    let sandbox = owner_denied();
    let args = ["--from", "-", "--older-than", "1d"];
    let case = own(&sandbox, &args)
        .input(format!("AccessKeyId,UserName\n{ADMIN_KEY_ID},Alice\n").as_bytes());
    let said = case.run().exits(3).prints_outcomes(&[("Failed", 1)]);
    let _ = said.says_exactly(&format!(
        "iam-del-key: error: {ADMIN_KEY_ID}: not deleted: the key belongs to the user admin, not to the user Alice\n\
         hint: for keys that belong to other users: correct the owner of the key in the list\n\
         result: 1 key: 1 failed and not changed\n"
    ));
}

#[test]
fn it_is_not_missing_if_its_own_list_cannot_be_read() {
    let no_key = "IAM found no such key for this user, and checking the key failed";
    let lost = "the response to an earlier attempt was lost, and the retry returned NoSuchEntity; checking the key failed";
    let cases = [
        (&["--ignore-missing"][..], 3, "Failed", no_key),
        (
            &["--ignore-missing", "--older-than", "1d"],
            6,
            "Failed",
            "no request to change it was sent to IAM",
        ),
        (&[], 10, "Unknown", lost),
    ];
    each_at_once(cases, |(more, status, outcome, why)| {
        let sandbox = Sandbox::documented().path("Alice", "/a/");
        let sandbox = sandbox.deny_outside("/a/", "iam:ListAccessKeys");
        let sandbox = sandbox.deny("iam:GetAccessKeyLastUsed").start();
        if outcome == "Unknown" {
            sandbox.fault(once("DeleteAccessKey", What::ResetBeforeActing));
        }
        let ended = own(&sandbox, &WRONG).args(more).run().ends_with(why);
        let _ = ended.exits(status).prints_outcome(outcome);
        assert!(sandbox.has_key(ADMIN_KEY_ID));
    });
}

#[test]
fn a_dry_run_refuses_it_whichever_user_is_named() {
    each([&[][..], &["--ignore-missing"]], |more| {
        let sandbox = owner_denied();
        let args = WRONG.iter().chain(&["--dry-run"]).chain(more);
        let said = Case::at(&sandbox, args).run().exits(0);
        let _ = said.prints_outcome("Refused").says_exactly(&format!(
            "result: {ADMIN_KEY_ID}: would be refused: it belongs to your own credentials\n"
        ));
    });
}

#[test]
fn it_is_reviewed_by_a_dry_run_that_does_not_refuse_it() {
    let cases = [
        (&["--allow-self"][..], "WouldDelete"),
        (&["--allow-self", "--deactivate"], "WouldDeactivate"),
        (&["--reactivate", "--yes"], "Skipped"),
    ];
    each(cases, |(more, would)| {
        let sandbox = documented();
        let case = Case::at(&sandbox, WRONG)
            .args(more)
            .args(["--older-than", "1d"]);
        let said = case.run().exits(3).prints_outcome("Failed");
        let options = more.join(" ").replace("--yes", "").trim_end().to_owned();
        let review =
            format!("--access-key-id {ADMIN_KEY_ID} --user-name=admin {options} --dry-run");
        let _ = said.says(&[&format!("hint: review it first: iam-del-key {review}\n")]);
        let reviewed = Case::at(&sandbox, review.split(' ')).run().exits(0);
        let _ = reviewed.prints_outcome(would);
    });
}

#[test]
fn it_is_not_missing_while_the_calling_users_list_may_lag_behind_its_creation() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let without_it = Fault::new(xml(keys("", END))).on("ListAccessKeys");
    sandbox.fault(without_it.lasts(Duration::from_secs(2)));
    let args = [
        "--access-key-id",
        ADMIN_KEY_ID,
        "--user-name",
        "Alice",
        "--ignore-missing",
    ];
    let said = own(&sandbox, &args).run().exits(3).prints_anything();
    let _ = said.says(&["not deleted: it belongs to the user admin\n"]);
    assert!(sandbox.has_key(ADMIN_KEY_ID));
}

#[test]
fn the_key_that_signs_is_changed_after_all_other_keys() {
    let list = format!(
        "AccessKeyId,UserName\n{ADMIN_KEY_ID},admin\n{BOBS_KEY},Bob\n{ALICE_KEY_ID},Alice\n"
    );
    let cases = [
        (&["--jobs", "1"][..], "Deleted"),
        (&["--jobs", "8", "--max-keys", "3"], "Deleted"),
        (&["--deactivate", "--yes", "--max-keys", "2"], "Refused"),
        (&["--deactivate"], "Deactivated"),
    ];
    each(cases, |(args, outcome)| {
        let sandbox = documented();
        let case = own(&sandbox, &["--from", "-"]).args(args.iter().copied());
        let ended = case.input(list.as_bytes()).run();
        if outcome == "Refused" {
            let _ = ended.exits(11);
            assert!(writes(&sandbox).is_empty());
            return;
        }
        let _ = ended.exits(0).prints_outcomes(&[(outcome, 3)]);
        let written = writes(&sandbox);
        assert_eq!(written.len(), 3);
        assert_eq!(written.last().map(String::as_str), Some(ADMIN_KEY_ID));
    });
}

#[test]
fn its_id_is_recognized_in_either_case() {
    let sandbox = documented();
    let id = ADMIN_KEY_ID.to_lowercase();
    for name in [&["--user-name", "admin"][..], &["--find-user"]] {
        let case = Case::at(&sandbox, ["--access-key-id", &id]).args(name);
        let _ = case.run().exits(11).prints_outcome("Refused");
    }
    assert_eq!(writes(&sandbox), Vec::<String>::new());
}
