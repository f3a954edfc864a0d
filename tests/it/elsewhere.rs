//! A key that IAM does not show because it belongs to another account: a hint names the account that STS returns.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{Fault, KeySeed, Sandbox, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, each};
use crate::journal::Kept;
use crate::many::from_stdin;

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
    // Not for a key of the caller's own account, nor for one of many.
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
    // Of no use: the same account, and no permission to ask.
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

/// A key of another account is not gone, whether its ID and that of the key that signs encode their accounts or not.
#[test]
fn a_key_of_another_account_is_not_missing() {
    const SIGNER: &str = "AKIAJ2KD4QX7EXAMPLEA";
    const SECRET: &str = "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";
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

#[test]
fn a_key_of_another_account_is_not_presumed_deleted() {
    let sandbox = Sandbox::documented()
        .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
        .fault(Fault::new(What::ResetBeforeActing).on("DeleteAccessKey"))
        .start();
    let args = ["--access-key-id", CAROLS_KEY, "--user-name", "Bob"];
    let ended = Case::at(&sandbox, args).run().exits(3);
    let _ = ended
        .prints_outcome("Failed")
        .says(&["not deleted: it belongs to account 210987654321"]);
}

/// STS is asked about each missing key of a list, but not again once it does not answer.
#[test]
fn keys_of_another_account_in_a_list_are_not_missing() {
    let gone = "AKIAI44QH8DHBEXAMPLE";
    let list = format!("{CAROLS_KEY}\n{gone}\n");
    let args = ["--user-name", "Bob", "--ignore-missing", "--jobs", "1"];
    let sandbox = Sandbox::documented()
        .key_in(OTHERS, KeySeed::new("Carol", CAROLS_KEY))
        .start();
    let ended = from_stdin(&sandbox, &list, &args).run().exits(12);
    let _ = ended
        .prints_outcomes(&[("Failed", 1), ("Missing", 1)])
        .says(&["hint: the key belongs to account 210987654321, "]);
    let count = |sandbox: &Sandbox| {
        let seen = actions(sandbox);
        seen.iter()
            .filter(|action| *action == "GetAccessKeyInfo")
            .count()
    };
    assert_eq!(count(&sandbox), 2);
    let sandbox = Sandbox::documented().deny("sts:GetAccessKeyInfo").start();
    let ended = from_stdin(&sandbox, &list, &args).run().exits(0);
    let _ = ended.prints_outcomes(&[("Missing", 2)]);
    assert_eq!(count(&sandbox), 1);
}
