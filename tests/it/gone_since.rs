//! A key or a user that IAM showed in this run and that then no longer exists: no hint contradicts what the run saw.

use iam_sandbox::{Sandbox, What, root_key_id};

use crate::case::{BOBS_KEY, Case, always, documented, each, each_at_once, once};
use crate::many::from_stdin;
use crate::proof::list;
use crate::reactivate::inactive;
use crate::target_principal::{MEMBER, TARGET, one, organization};
use crate::verification::{NEVER, last_use};

const AGAIN: &str = "so the key was deleted or the user renamed since then, or IAM's responses contradict each other: run the same \
                     command again";

fn missing(what: &str) -> What {
    What::error(404, "NoSuchEntity", format!("The {what} cannot be found."))
}

/// IAM names Bob as the owner, or lists the key for him, and later does neither.
fn shown_once(is_named: bool) -> Sandbox {
    let sandbox = documented();
    let denied = || What::error(403, "AccessDenied", "no");
    let empty = list("<UserName>Bob</UserName>", "", "r");
    sandbox.fault(always("GetAccessKeyLastUsed", denied()).skip(u64::from(is_named)));
    sandbox.fault(always("ListAccessKeys", empty).skip(u64::from(!is_named)));
    sandbox.fault(always("DeleteAccessKey", missing("key")));
    sandbox
}

#[test]
fn a_key_that_iam_showed_for_the_named_owner_is_not_called_another_users() {
    let why = AGAIN.trim_end_matches("run the same command again");
    let named = format!("{why}run the same command again with --find-user instead of --user-name");
    let listed =
        format!("{why}remove the owners from the list and use --find-user to look them up");
    each_at_once([true, false], |is_named| {
        let more = ["--ignore-missing", "--timeout", "2"];
        let sandbox = shown_once(is_named);
        let ended = Case::documented(&sandbox, &more).run().exits(3);
        let _ = ended.prints_outcome("Failed").says_exactly(&format!(
            "iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The key cannot be \
             found.\nhint: IAM reported its owner during this run, {named}\nresult: {BOBS_KEY}: not deleted: IAM found no such \
             key for this user, and there was not enough time to check the key\n"
        ));
        let sandbox = shown_once(is_named);
        let ended = from_stdin(
            &sandbox,
            &format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n"),
            &more,
        )
        .run();
        let _ = ended.exits(3).prints_outcomes(&[("Failed", 1)]).says(&[&format!(
            "hint: for keys that were not found: IAM reported its owner during this run, {listed}\n"
        )]);
    });
}

/// The user may have been renamed after the run that is undone.
#[test]
fn an_undo_for_a_user_who_may_have_been_renamed_finds_the_owner() {
    let why = AGAIN.trim_end_matches("run the same command again");
    let row = format!(
        "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Outcome\":\"Deactivated\",\"PreviousStatus\":\"Active\"}}\n"
    );
    each_at_once([true, false], |is_list| {
        let sandbox = inactive();
        let denied = || What::error(403, "AccessDenied", "no");
        sandbox.fault(always("GetAccessKeyLastUsed", denied()).skip(1));
        let empty = list("<UserName>Bob</UserName>", "", "r");
        sandbox.fault(always("ListAccessKeys", empty).skip(1));
        sandbox.fault(always("UpdateAccessKey", missing("key")));
        let more = ["--reactivate", "--yes", "--older-than", "1d"];
        let (case, instead) = if is_list {
            (from_stdin(&sandbox, &row, &more), "")
        } else {
            (Case::documented(&sandbox, &more), " instead of --user-name")
        };
        let said = case.run().exits(3).prints_anything();
        let _ = said.says(&[&format!(
            "{why}run the same command again with --find-user{instead}\n"
        )]);
    });
}

/// The index names Bob. Then another user has the name Bob, and IAM names Alice.
#[test]
fn an_owner_whom_the_index_named_was_not_named_by_the_caller() {
    let (find, list_of_ids) = (
        ["--find-user", "--older-than", "1h"],
        format!("{BOBS_KEY}\n"),
    );
    each([true, false], |is_single| {
        let sandbox = documented();
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(once("GetAccessKeyLastUsed", denied));
        sandbox.fault(always("GetAccessKeyLastUsed", last_use("Alice", NEVER)));
        let bobs = list("<UserName>Bob</UserName>", "", "r");
        sandbox.fault(always("ListAccessKeys", bobs).of_user("Bob").skip(1));
        let key = format!(
            "<member><UserName>Alice</UserName><AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>Active</Status></member>"
        );
        let alices = list("<UserName>Alice</UserName>", &key, "r");
        sandbox.fault(always("ListAccessKeys", alices).of_user("Alice").skip(1));
        let case = if is_single {
            Case::at(&sandbox, ["--access-key-id", BOBS_KEY]).args(find)
        } else {
            from_stdin(&sandbox, &list_of_ids, &find)
        };
        let ended = case.run().exits(3).prints_anything();
        let _ = ended.says(&[
            "the user was renamed after IAM reported it as the owner: run the same command again",
        ]);
    });
}

#[test]
fn a_user_whose_keys_iam_listed_no_longer_exists() {
    let sandbox = documented();
    sandbox.deny("iam:GetAccessKeyLastUsed");
    let gone = missing("user with name Bob");
    sandbox.fault(always("ListAccessKeys", gone).skip(1));
    let sweep = [
        "--user-name",
        "Bob",
        "--all-keys",
        "--unused-for=1d",
        "--yes",
    ];
    let said = Case::at(&sandbox, sweep).run().exits(3).prints_nothing();
    let _ = said.says_exactly(
        "iam-del-key: error: An error occurred (NoSuchEntity) when calling the ListAccessKeys operation: The user with name Bob \
         cannot be found.\n\
         hint: the user was renamed or deleted during this run: check the user name\n\
         result: no key was changed\n",
    );
    // The same applies to the named owner of a key that was listed first.
    let sandbox = documented();
    sandbox.fault(always("UpdateAccessKey", missing("user with name Bob")));
    let said = Case::documented(&sandbox, &["--deactivate"]).run().exits(3);
    let _ = said.prints_outcome("Failed").says(&[&format!(
        "hint: the user was recently renamed or deleted; to find the key's owner: iam-del-key --access-key-id {BOBS_KEY} \
         --find-user --dry-run\n"
    )]);
}

#[test]
fn a_key_that_iam_listed_for_the_root_user_no_longer_exists() {
    let sandbox = organization().start();
    sandbox.fault(always("DeleteAccessKey", missing("key")));
    let args = ["--all-keys", "--yes"];
    let said = Case::at(&sandbox, TARGET).args(args).run().exits(3);
    let said = said.prints_outcomes(&[("Failed", 2)]);
    let messages = said.messages();
    assert!(!messages.contains("does not have it"), "{messages}");
    let _ = said.says(&[
        "hint: IAM listed the key for the root user during this run, so it was deleted since then, or IAM's responses contradict \
         each other: run the same command again\n",
    ]);
}

#[test]
fn no_hint_gives_the_root_user_a_permission() {
    each(["DeleteAccessKey", "ListAccessKeys"], |action| {
        let sandbox = organization().start();
        let denied = What::error(403, "AccessDenied", "no");
        sandbox.fault(once(action, denied));
        let case = match action {
            "DeleteAccessKey" => one(&sandbox, &[]),
            _ => Case::at(&sandbox, TARGET).args(["--all-keys", "--yes"]),
        };
        let (about, result) = match action {
            "DeleteAccessKey" => {
                let id = root_key_id(MEMBER);
                ("", format!("{id}: not deleted: IAM refused the request"))
            }
            _ => ("the root user: ", "no key was changed".to_owned()),
        };
        let said = case.run().exits(6).prints_anything();
        let _ = said.says_exactly(&format!(
            "iam-del-key: error: {about}An error occurred (AccessDenied) when calling the {action} operation: no\nresult: {result}\n"
        ));
    });
}
