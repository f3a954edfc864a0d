//! A key that IAM does not show because it belongs to another account: a hint names the account that STS returns.

use std::time::Duration;

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, each};
use crate::journal::Kept;
use crate::many::from_stdin;
use crate::streams::wait_for;

/// A key in the other account. Its ID does not encode an account.
const CAROLS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

#[test]
fn f102_a_hint_names_the_account_that_sts_returns() {
    let says = "hint: the key belongs to account 210987654321, but your credentials belong to account 123456789012: use a role of \
                account 210987654321 (--role-name), or a profile of that account (--profile NAME)\n";
    let sandbox = Sandbox::documented()
        .key_in("210987654321", KeySeed::new("Carol", CAROLS_KEY))
        .start();
    let carols = |more: &[&str]| Case::at(&sandbox, ["--access-key-id", CAROLS_KEY]).args(more);
    let looked_up = || {
        let seen = actions(&sandbox);
        seen.iter()
            .filter(|action| *action == "GetAccessKeyInfo")
            .count()
    };
    let failed = |case: Case, status: i32| {
        let ended = case.run().exits(status);
        let output = ended.output().to_owned();
        ended.prints(&output)
    };
    let _ = failed(carols(&["--user-name", "Bob"]), 3).says_exactly(&format!(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The Access Key with id \
         {CAROLS_KEY} cannot be found.\n{says}result: {CAROLS_KEY}: not deleted: IAM found no such key for this user\n"
    ));
    assert_eq!(actions(&sandbox), ["DeleteAccessKey", "GetAccessKeyInfo"]);
    sandbox.deny("iam:DeleteAccessKey");
    let _ = failed(carols(&["--user-name", "Bob"]), 6).says(&["(AccessDenied)", says]);
    let _ = failed(carols(&["--find-user", "--dry-run"]), 3).says(&[says]);
    assert_eq!(looked_up(), 3);
    // No hint for a key of the caller's own account, nor for one of many keys.
    let _ = failed(
        Case::at(
            &sandbox,
            ["--access-key-id", ALICE_KEY_ID, "--user-name", "Bob"],
        ),
        6,
    )
    .says(&["(AccessDenied)"]);
    let two = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
    let _ = failed(carols(&two), 6).says(&["2 keys: 2 failed and not changed"]);
    assert_eq!(looked_up(), 3);
    // A hint would not help: the same account, and no permission to ask.
    let said = failed(Case::documented(&sandbox, &[]), 6);
    assert!(
        !said.messages().contains("belongs to account"),
        "{}",
        said.messages()
    );
    let _ = said.says(&["(AccessDenied)"]);
    assert_eq!(looked_up(), 4);
    sandbox.deny("sts:GetAccessKeyInfo");
    let said = failed(carols(&["--user-name", "Bob"]), 6);
    assert!(
        !said.messages().contains("GetAccessKeyInfo"),
        "{}",
        said.messages()
    );
    let _ = said.says(&["hint: ask for the permission iam:DeleteAccessKey"]);
}

const OTHERS: &str = "210987654321";

/// A key that signs, whose ID does not encode an account.
const SIGNER: &str = "AKIAJ2KD4QX7EXAMPLEA";
const SECRET: &str = "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";

/// A key of another account is not gone, whether or not its ID and that of the signing key encode their accounts.
#[test]
fn a_key_of_another_account_is_not_missing() {
    let new = nth_key_id(OTHERS, 1);
    let journal = Kept::new("");
    let path = journal.path();
    let with_journal = ["--journal", path.to_str().expect("a path")];
    let cases = [
        (CAROLS_KEY, false, &[][..]),
        (CAROLS_KEY, true, &[]),
        (&*new, false, &[]),
        (&new, true, &[]),
        (&new, true, &with_journal),
        (CAROLS_KEY, true, &["--dry-run"]),
        (&new, true, &["--dry-run"]),
        (CAROLS_KEY, true, &["--deactivate"]),
        (&new, true, &["--expect-account", "123456789012"]),
    ];
    each(cases, |(id, signs_with_old_key, more)| {
        for owner in [&["--user-name", "Bob"][..], &["--find-user"]] {
            let sandbox = Sandbox::documented()
                .key_in(OTHERS, KeySeed::new("Carol", id))
                .key(KeySeed::new("admin", SIGNER).secret(SECRET))
                .start();
            let args = [&["--access-key-id", id, "--ignore-missing"], owner, more].concat();
            let mut case = Case::at(&sandbox, args);
            if signs_with_old_key {
                case = case
                    .env("AWS_ACCESS_KEY_ID", SIGNER)
                    .env("AWS_SECRET_ACCESS_KEY", SECRET);
            }
            let ended = case.run().exits(3);
            let _ = ended.prints_outcome("Failed").says(&[
                "hint: the key belongs to account 210987654321, but your credentials belong to account 123456789012: ",
            ]);
        }
    });
}

/// The same holds if the response was lost or a run was killed, whatever IAM returns for a key that it does not know.
#[test]
fn a_key_of_another_account_is_not_presumed_deleted() {
    let responses = [None, Some(What::error(404, "NoSuchEntity", "no"))];
    each(responses, |response| {
        let sandbox = || {
            let sandbox = Sandbox::documented()
                .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
                .start();
            if let Some(response) = &response {
                let response = Fault::new(response.clone());
                sandbox.fault(response.on("GetAccessKeyLastUsed").always());
            }
            sandbox
        };
        let lost = sandbox();
        lost.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
        let kept = Kept::new("");
        let killed = format!(
            "{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}}\n\
             {{\"AccessKeyId\":\"{CAROLS_KEY}\",\"UserName\":\"Bob\",\"Intent\":\"delete\",\"Time\":\"t\"}}\n"
        );
        std::fs::write(kept.path(), killed).expect("a journal");
        let path = kept.path();
        let journal = ["--journal", path.to_str().expect("a path")];
        for (sandbox, more) in [(lost, &[][..]), (sandbox(), &journal)] {
            let args = ["--access-key-id", CAROLS_KEY, "--user-name", "Bob"];
            let ended = Case::at(&sandbox, args).args(more).run().exits(3);
            let _ = ended
                .prints_outcome("Failed")
                .says(&["not deleted: it belongs to account 210987654321"]);
        }
    });
}

/// The ID of the key encodes a different account from the one that STS returned for the credentials, and STS does not return the
/// account of the key.
#[test]
fn a_key_whose_id_encodes_another_account_is_not_gone() {
    let id = nth_key_id(OTHERS, 1);
    for (is_lost, status, says) in [
        (
            false,
            3,
            "not deleted: the key's ID encodes account 210987654321",
        ),
        (
            true,
            10,
            "unknown: the key's ID encodes account 210987654321",
        ),
    ] {
        let sandbox = Sandbox::documented()
            .key(KeySeed::new("admin", SIGNER).secret(SECRET))
            .deny("sts:GetAccessKeyInfo")
            .start();
        if is_lost {
            sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
        }
        let args = [
            "--access-key-id",
            &id,
            "--user-name",
            "Bob",
            "--ignore-missing",
        ];
        let case = Case::at(&sandbox, args)
            .env("AWS_ACCESS_KEY_ID", SIGNER)
            .env("AWS_SECRET_ACCESS_KEY", SECRET);
        let ended = case.run().exits(status);
        let _ = ended.prints_anything().says(&[says]);
    }
}

/// STS is asked about each missing key of a list, until it denies that or fails three times in a row.
#[test]
fn keys_of_another_account_in_a_list_are_not_missing() {
    const GONE: [&str; 5] = [
        "AKIAI44QH8DHBEXAMPLE",
        "AKIAI44QH8DHCEXAMPLE",
        "AKIAI44QH8DHDEXAMPLE",
        "AKIAI44QH8DHEEXAMPLE",
        "AKIAI44QH8DHFEXAMPLE",
    ];
    let args = ["--user-name", "Bob", "--ignore-missing", "--jobs", "1"];
    let asked = |sandbox: &Sandbox| {
        let seen = actions(sandbox);
        let asked = seen.iter().filter(|action| *action == "GetAccessKeyInfo");
        asked.count()
    };
    // The call fails for the first key.
    let sandbox = Sandbox::documented()
        .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
        .fault(Fault::new(What::empty(500)).on("GetAccessKeyInfo").times(3))
        .start();
    let list = format!("{}\n{CAROLS_KEY}\n{}\n", GONE[0], GONE[1]);
    let ended = from_stdin(&sandbox, &list, &args).run().exits(12);
    let _ = ended
        .prints_outcomes(&[("Failed", 1), ("Missing", 2)])
        .says(&["hint: the key belongs to account 210987654321, "]);
    assert_eq!(asked(&sandbox), 3 + 2);
    let list = GONE.join("\n");
    for (what, expected) in [
        (What::error(403, "AccessDenied", "no"), 1),
        (What::page(200, "text/html", "<html></html>"), 3),
    ] {
        let sandbox = Sandbox::documented()
            .fault(Fault::new(what).on("GetAccessKeyInfo").always())
            .start();
        let ended = from_stdin(&sandbox, &list, &args).run().exits(0);
        let _ = ended.prints_outcomes(&[("Missing", 5)]);
        assert_eq!(asked(&sandbox), expected);
    }
}

/// All responses of the first run are lost. The key does not show whether that run named its owner.
#[test]
fn a_started_key_of_another_account_in_a_list_is_not_unknown() {
    let sandbox = Sandbox::documented()
        .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
        .start();
    let kept = Kept::new(&format!("AccessKeyId,UserName\n{CAROLS_KEY},Bob\n"));
    let named = ["--access-key-id", CAROLS_KEY, "--user-name", "Alice"];
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .times(9),
    );
    let first = Case::at(&sandbox, named).args(["--timeout", "1", "--journal"]);
    let _ = first.args([kept.path()]).run().exits(10);
    sandbox.clear_faults();
    let no = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(no).on("GetAccessKeyLastUsed").always());
    for more in [&[][..], &["--ignore-missing"]] {
        let ended = kept.case(&sandbox, more).run().exits(3);
        let _ = ended
            .prints_outcomes(&[("Failed", 1)])
            .says(&["not deleted: it belongs to account 210987654321"]);
    }
}

/// A signal during the call to STS: the run does not know whether the key is gone.
#[test]
fn a_signal_while_sts_is_asked_calls_no_key_gone() {
    for (more, is_lost) in [(&["--ignore-missing"][..], false), (&[], true)] {
        let kept = Kept::new("");
        let sandbox = Sandbox::documented()
            .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
            .fault(Fault::new(What::SilenceBeforeActing).on("GetAccessKeyInfo"))
            .start();
        if is_lost {
            sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
        }
        let args = [
            "--access-key-id",
            CAROLS_KEY,
            "--user-name",
            "Bob",
            "--journal",
        ];
        let case = Case::at(&sandbox, args).args([kept.path()]).args(more);
        let running = case.start();
        wait_for(|| actions(&sandbox).contains(&"GetAccessKeyInfo".to_owned()));
        running.signal("INT");
        let find = format!(
            "hint: check with: iam-del-key --access-key-id {CAROLS_KEY} --find-user --dry-run\n"
        );
        let says = "unknown: STS did not say whether it belongs to another account";
        let _ = running
            .end()
            .exits(130)
            .prints_outcome("Unknown")
            .says(&[says, &find]);
        assert!(!kept.journal().contains("\"Missing\"") && !kept.journal().contains("\"Deleted\""));
    }
}

/// A signal before the call to STS: the reads show no key, but it belongs to another account.
#[test]
fn a_signal_before_sts_is_asked_calls_no_key_of_another_account_gone() {
    let kept = Kept::new("");
    let sandbox = Sandbox::documented()
        .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
        .deny("iam:GetAccessKeyLastUsed")
        .fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"))
        .start();
    let args = ["--access-key-id", CAROLS_KEY, "--user-name", "Bob"];
    let case = Case::at(&sandbox, args).args(["--journal"]);
    let running = case.args([kept.path()]).start();
    wait_for(|| actions(&sandbox).contains(&"ListAccessKeys".to_owned()));
    running.signal("INT");
    let ended = running.end().exits(130).prints_outcome("Failed");
    let _ = ended.says(&["not deleted: it belongs to account 210987654321"]);
    assert!(!kept.journal().contains("\"Deleted\""));
}

/// STS responds slowly that the key is not another account's.
#[test]
fn a_signal_while_sts_is_asked_decides_the_exit_status_of_one_key() {
    let slowly = What::Drip {
        byte_every: Duration::from_millis(1),
        is_head_whole: false,
    };
    let unlisted = "AKIAI44QH8DHBEXAMPLE";
    for (more, is_lost, outcome, state) in [
        (
            &["--ignore-missing"][..],
            false,
            "Failed",
            "not deleted: it was not found",
        ),
        (&[], true, "Deleted", "is presumed deleted"),
    ] {
        let sandbox = Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .fault(Fault::new(slowly.clone()).on("GetAccessKeyInfo"))
            .start();
        if is_lost {
            sandbox.fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"));
        }
        let args = ["--access-key-id", unlisted, "--user-name", "Bob"];
        let running = Case::at(&sandbox, args).args(more).start();
        wait_for(|| actions(&sandbox).contains(&"GetAccessKeyInfo".to_owned()));
        running.signal("TERM");
        let ended = running.end().exits(143).prints_outcome(outcome);
        let _ = ended.says(&["interrupted", state]);
    }
}

/// IAM shows the key, so it belongs to the account of the credentials, whatever account its ID encodes.
#[test]
fn a_key_that_iam_lists_is_not_another_accounts() {
    let id = nth_key_id(OTHERS, 1);
    let sandbox = Sandbox::documented()
        .key(KeySeed::new("Bob", &id))
        .fault(Fault::new(What::ResetAfterActing).on("DeleteAccessKey"))
        .start();
    let args = [
        "--access-key-id",
        &id,
        "--user-name",
        "Bob",
        "--older-than",
        "1h",
    ];
    let ended = Case::at(&sandbox, args).run().exits(0);
    let _ = ended.prints_anything().says(&["is presumed deleted"]);
    assert!(!sandbox.has_key(&id));
    assert!(!actions(&sandbox).contains(&"GetAccessKeyInfo".to_owned()));
}
