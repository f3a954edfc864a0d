//! A key that IAM does not show because it belongs to another account: a hint names the account that STS returns.

use iam_sandbox::documented::ALICE_KEY_ID;
use iam_sandbox::{KeySeed, Sandbox};

use crate::case::{BOBS_KEY, Case, actions};

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
