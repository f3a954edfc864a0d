//! A key whose owner is unknown: IAM is asked, or if that is denied, the keys of every user are listed.

use iam_sandbox::documented::{ALICE_KEY_ID, SESSION_KEY_ID};
use iam_sandbox::{Fault, Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, always, documented, each, once};
use crate::reactivate::status;
use crate::verification::{NEVER, last_use};

fn find(sandbox: &Sandbox, id: &str) -> Case {
    Case::at(sandbox, ["--access-key-id", id, "--find-user"])
}

#[test]
fn f75_the_owner_is_found_and_named() {
    let sandbox = documented();
    let _ = find(&sandbox, ALICE_KEY_ID)
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&[&format!("{ALICE_KEY_ID} belongs to the user Alice")]);
    assert_eq!(
        actions(&sandbox),
        ["GetAccessKeyLastUsed", "DeleteAccessKey"]
    );
    assert_eq!(sandbox.requests()[1].param("UserName"), Some("Alice"));
    assert!(!sandbox.has_key(ALICE_KEY_ID));
}

/// IAM may briefly not know a new key.
#[test]
fn c52_an_owner_whom_iam_does_not_know_yet_is_looked_up_again() {
    for (more, outcome) in [
        (&["--ignore-missing"][..], "Deleted"),
        (&["--deactivate"], "Deactivated"),
        (&["--dry-run"], "WouldDelete"),
        (&["--only-inactive", "--ignore-missing"], "Skipped"),
    ] {
        let sandbox = documented();
        let unknown = What::error(404, "NoSuchEntity", "The Access Key cannot be found.");
        sandbox.fault(once("GetAccessKeyLastUsed", unknown));
        let case = Case::at(&sandbox, ["--from", "-", "--find-user"]);
        let case = case
            .input(format!("{ALICE_KEY_ID}\n").as_bytes())
            .args(more);
        let _ = case
            .run()
            .exits(0)
            .prints_outcomes(&[(outcome, 1)])
            .says(&["1 key: 1 "]);
    }
}

#[test]
fn f75_no_hint_asks_for_an_owner_that_was_just_looked_up() {
    const AGAIN: &str = "run the same command again\n";
    // IAM names the owner, and then finds no such key.
    let sandbox = documented();
    let message = format!("The Access Key with id {BOBS_KEY} cannot be found.");
    let missing = || What::error(404, "NoSuchEntity", message.clone());
    let named = "run the same command again with --find-user instead of --user-name\n";
    for (more, again) in [
        (&["--find-user"][..], AGAIN),
        (&["--user-name", "Bob", "--unused-for", "1d"], named),
    ] {
        sandbox.fault(Fault::new(missing()).on("DeleteAccessKey"));
        let said = Case::at(&sandbox, ["--access-key-id", BOBS_KEY])
            .args(more.iter().copied())
            .run()
            .exits(3)
            .prints_outcome("Failed");
        assert!(!said.messages().contains("find the key's owner"));
        let _ = said
            .says(&[&format!(
                "hint: IAM reported its owner during this run, so the key was deleted or the user renamed since then, or IAM's responses contradict each other: \
                 {again}"
            )])
            .ends_with("not deleted: IAM found no such key for this user");
    }
    // The owner is renamed before the deletion.
    let sandbox = documented();
    let (name, to) = ("Bob".to_owned(), "Robert".to_owned());
    let rename = What::ThenRename { name, to };
    sandbox.fault(Fault::new(rename).on("GetAccessKeyLastUsed"));
    let _ = find(&sandbox, BOBS_KEY)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says_exactly(&format!(
            "iam-del-key: note: {BOBS_KEY} belongs to the user Bob\n\
             iam-del-key: error: An error occurred (NoSuchEntity) when calling the DeleteAccessKey operation: The user with \
             name Bob cannot be found.\n\
             hint: the user was recently renamed or deleted: {AGAIN}\
             result: {BOBS_KEY}: not deleted: IAM found no such user\n"
        ));
    let _ = find(&sandbox, BOBS_KEY)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly("iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE belongs to the user Robert\n");
    // The owner is renamed before a condition is read, and IAM does not return the new name.
    let sandbox = documented();
    let (name, to) = ("Bob".to_owned(), "Robert".to_owned());
    let rename = What::ThenRename { name, to };
    sandbox.fault(Fault::new(rename).on("GetAccessKeyLastUsed"));
    let denied = What::error(403, "AccessDenied", "no");
    sandbox.fault(Fault::new(denied).on("GetAccessKeyLastUsed").always());
    let said = find(&sandbox, BOBS_KEY)
        .args(["--older-than", "1d"])
        .run()
        .exits(3)
        .prints_outcome("Failed");
    assert!(!said.messages().contains("find the key's owner"));
    let _ = said
        .says(&[&format!(
            "hint: the user was recently renamed or deleted: {AGAIN}"
        )])
        .ends_with("not deleted: no request to change it was sent to IAM");
}

#[test]
fn an_owner_in_the_index_who_was_renamed_is_looked_up_again() {
    // The rename comes after the index is complete. One key ends the index; for two keys the users are listed twice.
    let cases = [
        (&[][..], "ListAccessKeys", 3),
        (&["--access-key-id", ALICE_KEY_ID], "ListUsers", 12),
    ];
    each(cases, |(more, last, exit)| {
        let build = Sandbox::documented().deny("iam:GetAccessKeyLastUsed");
        let sandbox = build.start();
        let (name, to) = ("Bob".to_owned(), "Robert".to_owned());
        let rename = Fault::new(What::ThenRename { name, to }).on(last);
        sandbox.fault(match last {
            "ListUsers" => rename.skip(1),
            _ => rename.of_user("Bob"),
        });
        let case = || {
            let case = find(&sandbox, BOBS_KEY).args(["--deactivate", "--output=off"]);
            case.args(more.iter().copied())
        };
        let ended = case().run().exits(exit);
        let _ = ended
            .prints_nothing()
            .says(&["the user was recently renamed or deleted: run the same command again\n"]);
        let _ = case().run().exits(0).prints_nothing();
        assert_eq!(status(&sandbox, BOBS_KEY), Some(Status::Inactive));
    });
}

#[test]
fn a_role_needs_no_user_name_when_the_owner_is_found() {
    let sandbox = documented();
    let session = sandbox.session();
    assert_eq!(session.access_key_id, SESSION_KEY_ID);
    let _ = find(&sandbox, BOBS_KEY)
        .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_access_key)
        .env(
            "AWS_SESSION_TOKEN",
            session.session_token.unwrap_or_default(),
        )
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly("iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE belongs to the user Bob\n");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f56_if_the_owner_lookup_is_denied_every_users_keys_are_listed() {
    let sandbox = Sandbox::documented()
        .deny("iam:GetAccessKeyLastUsed")
        .many_keys(45, 2)
        .page_size(7)
        .start();
    let _ = find(&sandbox, BOBS_KEY)
        .args(["--verbose"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says(&[
            "GetAccessKeyLastUsed is denied",
            "reading the keys of every user, once for this run",
            "belongs to the user Bob",
        ]);
    assert!(!sandbox.has_key(BOBS_KEY));
    assert_eq!(sandbox.keys().len(), 4 + 90, "another key was deleted");

    // Without -v, only the owner is printed. The last user of the last page is found too.
    let last = iam_sandbox::nth_key_id("123456789012", 89);
    let _ = find(&sandbox, &last)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_exactly(&format!(
            "iam-del-key: note: {last} belongs to the user user-000045\n"
        ));
    assert!(!sandbox.has_key(&last));
}

#[test]
fn f56_an_unknown_key_exits_3_after_every_list_was_read() {
    let sandbox = documented();
    let unknown = iam_sandbox::nth_key_id("123456789012", 7);
    let _ = find(&sandbox, &unknown)
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["no user of this account has such a key", "the root user's"])
        .ends_with("not deleted: no request to change it was sent to IAM");
    assert_eq!(
        actions(&sandbox),
        [
            "GetAccessKeyLastUsed",
            "ListUsers",
            "ListAccessKeys",
            "ListAccessKeys",
            "ListAccessKeys",
            // No user was renamed meanwhile.
            "ListUsers"
        ]
    );
    let _ = find(&sandbox, &unknown)
        .args(["--ignore-missing"])
        .run()
        .exits(0)
        .prints_outcome("Missing")
        .says(&["if it is the root user's or another account's, it still exists"]);
    assert_eq!(sandbox.keys().len(), 5);
}

/// As after a lost response to a deletion, a dry run cannot tell whether the key was deleted or never existed.
#[test]
fn a_dry_run_does_not_say_not_deleted_about_a_key_that_no_user_has() {
    let sandbox = documented();
    let unknown = iam_sandbox::nth_key_id("123456789012", 7);
    let not_found = "not found: no user of this account has it";
    let printed = find(&sandbox, &unknown).args(["--dry-run"]).run().exits(3);
    assert_eq!(printed.object()["Reason"], not_found);
    let _ = printed.prints_outcome("Failed").says_exactly(&format!(
        "iam-del-key: error: no user of this account has such a key\n\
         hint: the key does not exist, or it is the root user's or another account's\n\
         result: {unknown}: {not_found}\n"
    ));
    let printed = find(&sandbox, &unknown)
        .args(["--dry-run", "--access-key-id", BOBS_KEY])
        .run()
        .exits(12);
    let _ = printed
        .prints_outcomes(&[("Failed", 1), ("WouldDelete", 1)])
        .says(&[&format!("error: {unknown}: {not_found}\n")]);
}

/// AWS does not document what it reports as the owner of a root user's key.
#[test]
fn a_key_whose_owner_is_not_a_user_may_be_the_root_users() {
    let hint = "hint: if this is a root user's key, omit --find-user, and use the root user's credentials or \
                --target-principal with the account\nresult: ";
    let renamed = "hint: the user was recently renamed or deleted: run the same command again\n";
    let cases = [
        ("", 1, format!("the key's owner is missing\n{hint}")),
        ("root", 3, format!("{renamed}{hint}")),
        ("123456789012", 3, format!("{renamed}{hint}")),
        ("Robert", 3, format!("{renamed}result: ")),
    ];
    each(cases, |(owner, exit, says)| {
        let sandbox = documented();
        sandbox.fault(always("GetAccessKeyLastUsed", last_use(owner, NEVER)));
        let said = find(&sandbox, BOBS_KEY).run().exits(exit);
        let _ = said.prints_outcome("Failed").says(&[&says]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f56_if_no_list_can_be_read_both_explanations_are_printed() {
    for denied in ["iam:ListUsers", "iam:ListAccessKeys"] {
        let sandbox = Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .deny(denied)
            .start();
        let _ = find(&sandbox, BOBS_KEY)
            .run()
            .exits(6)
            .prints_outcome("Failed")
            .says_exactly(
                "iam-del-key: error: An error occurred (AccessDenied) when calling the GetAccessKeyLastUsed \
                 operation: User: arn:aws:iam::123456789012:user/admin is not authorized to perform: \
                 iam:GetAccessKeyLastUsed on resource: access key AKIDPMS9RO4H3FEXAMPLE because no identity-based \
                 policy allows the iam:GetAccessKeyLastUsed action\n\
                 hint: IAM also returns this error for keys that are not in this account: check the ID, or ask for \
                 the permission iam:GetAccessKeyLastUsed on *, or use other credentials (--profile NAME)\n\
                 result: AKIDPMS9RO4H3FEXAMPLE: not deleted: no request to change it was sent to IAM\n",
            );
        assert!(sandbox.has_key(BOBS_KEY), "{denied}");
        assert!(
            !actions(&sandbox).contains(&"DeleteAccessKey".to_owned()),
            "{denied}"
        );
    }
}

#[test]
fn f59_an_endless_list_is_never_taken_for_a_short_one() {
    let users = |marker: &str| {
        format!(
            "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult>\
             <Users/><IsTruncated>true</IsTruncated>{marker}</ListUsersResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListUsersResponse>"
        )
    };
    for (marker, says) in [
        ("", "that the list continues, but has no marker"),
        ("<Marker>again</Marker>", "repeats a pagination marker"),
    ] {
        let sandbox = Sandbox::documented()
            .deny("iam:GetAccessKeyLastUsed")
            .start();
        let page = What::page(200, "text/xml", users(marker));
        sandbox.fault(Fault::new(page).on("ListUsers").always());
        let _ = find(&sandbox, BOBS_KEY)
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&[says])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY));
        assert!(!actions(&sandbox).contains(&"DeleteAccessKey".to_owned()));
    }
}

#[test]
fn f59_a_list_of_more_pages_than_a_list_can_have_is_an_error() {
    let page = |number: usize| {
        format!(
            "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
             <AccessKeyMetadata/><IsTruncated>true</IsTruncated><Marker>m{number}</Marker></ListAccessKeysResult>\
             <ResponseMetadata><RequestId>r{number}</RequestId></ResponseMetadata></ListAccessKeysResponse>"
        )
    };
    let sandbox = documented();
    for number in 0..101 {
        let page = What::page(200, "text/xml", page(number));
        sandbox.fault(Fault::new(page).on("ListAccessKeys"));
    }
    let args = ["--user-name", "Bob", "--all-keys", "--dry-run"];
    Case::at(&sandbox, args).run().stops(
        1,
        &["the list goes on after 100 pages; no list of IAM is so long\n"],
    );
    assert_eq!(actions(&sandbox), ["ListAccessKeys"; 100]);
}

#[test]
fn another_accounts_key_is_not_found_and_not_ignored() {
    let sandbox = documented();
    // This ID encodes account 609629065308.
    let id = "AKIAY34FZKBOKMUTVV7A";
    for more in [&[][..], &["--ignore-missing"]] {
        let _ = find(&sandbox, id)
            .args(more)
            .run()
            .exits(3)
            .prints_outcome("Failed")
            .says(&["the key belongs to account 609629065308, but your credentials belong to account 123456789012"])
            .ends_with("not deleted: no request to change it was sent to IAM");
    }
}

#[test]
fn a_named_owner_is_not_looked_up() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &["--find-user"])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["--user-name", "--find-user", "cannot be used with"])
        .ends_with("no request was sent, and no key was changed");
    assert_eq!(sandbox.connections(), 0);
}
