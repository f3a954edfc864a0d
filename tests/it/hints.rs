//! Messages of a run over many keys, apart from the results: each line of the log names its key or list, and each hint appears
//! once.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID, ALICE_OLD_KEY_ID};
use iam_sandbox::nth_key_id;

use crate::case::{BOBS_KEY, Case, documented};
use crate::many::{crowd, from_stdin, left};

const ACCOUNT: &str = "123456789012";

#[test]
fn each_line_of_the_log_says_which_key_it_is_about() {
    let (sandbox, list) = crowd(3);
    let printed = from_stdin(&sandbox, &list, &["-v", "--unused-for", "1d", "--dry-run"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    let log = said.messages().to_owned();
    for n in 0..3 {
        let id = nth_key_id(ACCOUNT, n);
        for line in [
            format!("info: {id}: attempt 1: ListAccessKeys to http"),
            format!("info: {id}: attempt 1: GetAccessKeyLastUsed to http"),
            format!("info: {id}: attempt 1: HTTP 200, request ID "),
        ] {
            assert!(log.contains(&line), "missing line: {line}\n{log}");
        }
    }
    let of_nothing = log.lines().find(|line| line.starts_with("info: attempt"));
    assert_eq!(of_nothing, None);
    let _ = said.says(&["info: "]).ends_with("this was a dry run");

    let printed = from_stdin(&sandbox, &list, &["--debug"]).run().exits(0);
    let output = printed.output().to_owned();
    let id = nth_key_id(ACCOUNT, 1);
    let _ = printed
        .prints(&output)
        .says(&[
            &format!("debug: {id}: request body: Action=DeleteAccessKey&"),
            &format!("debug: {id}: response headers: "),
            &format!("debug: {id}: response body: <DeleteAccessKeyResponse"),
        ])
        .ends_with("3 keys: 3 deleted");
    assert_eq!(left(&sandbox, 3), 0);
}

#[test]
fn a_line_of_the_log_about_a_list_says_whose_it_is() {
    let sandbox = documented();
    let args = ["--user-name", "Bob", "--all-keys", "-v", "--dry-run"];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[
            "info: user Bob: attempt 1: ListAccessKeys to http",
            &format!("info: {BOBS_KEY}: attempt 1: GetAccessKeyLastUsed to http"),
        ])
        .ends_with("this was a dry run");
}

#[test]
fn each_hint_is_given_once_before_the_summary() {
    let sandbox = documented();
    let list = format!(
        "AccessKeyId,UserName\n{BOBS_KEY},Alice\n{ALICE_KEY_ID},Bob\n{ALICE_OLD_KEY_ID},Bob\n"
    );
    let said = from_stdin(&sandbox, &list, &["--profile", "work"])
        .file(
            ".aws/config",
            format!(
                "[profile work]\naws_access_key_id = {ADMIN_KEY_ID}\naws_secret_access_key = {ADMIN_SECRET}\n"
            ),
        )
        .run()
        .exits(3);
    let output = said.output().to_owned();
    let said = said.prints(&output);
    let hints: Vec<&str> = said
        .messages()
        .lines()
        .skip_while(|line| !line.starts_with("hint: "))
        .collect();
    assert_eq!(
        hints,
        [
            "hint: for keys that were not found: the key does not exist, or belongs to another user; remove the owners from the list and use --find-user to look \
             them up",
            "result: 3 keys: 3 failed and not changed",
        ]
    );
    let _ = said
        .says(&["(NoSuchEntity)"])
        .ends_with("3 keys: 3 failed and not changed");
    assert!(sandbox.has_key(BOBS_KEY));
}

/// The hint is an option that makes the same run find the owners, not one more command per key.
#[test]
fn keys_without_their_owner_are_looked_up_with_an_option() {
    let ids = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n");
    let named = ["--access-key-id", BOBS_KEY, "--access-key-id", ALICE_KEY_ID];
    let wrong = format!("AccessKeyId,UserName\n{BOBS_KEY},Alice\n{ALICE_KEY_ID},Bob\n");
    let (add, replace) = (
        "add --find-user to look up the owner of each key",
        "use --find-user instead of --user-name to look up the owner of each key",
    );
    let mine = "the key does not exist, or does not belong to the calling user; ";
    let theirs = "the key does not exist, or belongs to another user; ";
    for (list, more, start, hint) in [
        (Some(&ids), &[][..], mine, add),
        // A dry run looks up the owner, and the error names it.
        (Some(&ids), &["--dry-run"], "", add),
        (None, &[], mine, add),
        (None, &["--dry-run"], "", add),
        (None, &["--user-name", "admin"], theirs, replace),
        (None, &["--user-name", "admin", "--dry-run"], "", replace),
        (
            Some(&ids),
            &["--user-name", "admin"],
            theirs,
            "remove any owners from the list, and use --find-user instead of --user-name to look up the owner of each key",
        ),
        (
            Some(&wrong),
            &["--dry-run"],
            "",
            "correct the owner of the key in the list",
        ),
    ] {
        let sandbox = documented();
        let case = match list {
            Some(list) => from_stdin(&sandbox, list, more),
            None => Case::at(&sandbox, named).args(more),
        };
        let said = case.run().exits(3);
        let output = said.output().to_owned();
        let said = said.prints(&output);
        let hints = said
            .messages()
            .lines()
            .filter(|line| line.starts_with("hint: "));
        let hints: Vec<&str> = hints.collect();
        let which = if start.is_empty() {
            "belong to other users"
        } else {
            "were not found"
        };
        assert_eq!(
            hints,
            [format!("hint: for keys that {which}: {start}{hint}")],
            "{more:?}"
        );
        let _ = said.says(&["2 failed and not changed"]);
    }
    // The hint helps.
    let (sandbox, found) = (documented(), ["--find-user", "--dry-run"]);
    for case in [
        from_stdin(&sandbox, &ids, &found),
        Case::at(&sandbox, named).args(found),
    ] {
        let said = case.run().exits(0);
        let output = said.output().to_owned();
        let _ = said
            .prints(&output)
            .says_exactly("result: 2 keys: 2 would be deleted; this was a dry run\n");
    }
}

#[test]
fn keys_of_another_account_are_hinted_at_once_for_each_account() {
    let sandbox = documented();
    let list = (0..4).fold(String::from("AccessKeyId,UserName\n"), |list, n| {
        let account = ["999999999999", "888888888888"][n % 2];
        format!("{list}{},Bob\n", nth_key_id(account, n))
    });
    let printed = from_stdin(&sandbox, &list, &[]).run().exits(3);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    for account in ["999999999999", "888888888888"] {
        let hint = format!(
            "hint: for keys that were not found: the key's ID encodes account {account}, but the credentials belong to account {ACCOUNT}: "
        );
        assert_eq!(said.messages().matches(&hint).count(), 1, "{hint}");
    }
    let _ = said
        .says(&["(NoSuchEntity)"])
        .ends_with("4 keys: 4 failed and not changed");
}
