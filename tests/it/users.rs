//! Sweeps of an account whose users change while they are listed: every key is found once, or the run ends with an error.

use std::time::Duration;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{BOBS_KEY, Case, actions, documented, once};
use crate::many::{outcomes, rows};
use crate::response::{keys, member, result, xml};

const ACCOUNT: &str = "123456789012";
const SWEEP: [&str; 7] = [
    "--whole-account",
    "--only-inactive",
    "--yes",
    "--expect-account",
    ACCOUNT,
    "--jobs",
    "1",
];

fn renamed_after(action: &str, name: &str, to: &str) -> Fault {
    let (name, to) = (name.to_owned(), to.to_owned());
    Fault::new(What::ThenRename { name, to }).on(action)
}

/// The administrator, Bob and Zoe. Bob and Zoe have an inactive key.
fn account() -> Sandbox {
    let inactive = |user, id: &str| KeySeed::new(user, id).status(Status::Inactive);
    Sandbox::builder()
        .key(inactive("Bob", BOBS_KEY))
        .key(inactive("Zoe", &nth_key_id(ACCOUNT, 1)))
        .page_size(2)
        .start()
}

fn names(output: &str) -> Vec<String> {
    let mut names: Vec<String> = rows(output)
        .iter()
        .map(|row| row["UserName"].as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

/// The list of users never settles, so the run ends without any change.
fn ends_unsettled(sandbox: &Sandbox, name: &str) {
    let keys = sandbox.keys().len();
    let _ = Case::at(sandbox, SWEEP).run().exits(1).prints_nothing().says_exactly(&format!(
        "iam-del-key: error: unusable response from IAM: the users changed while they were listed: ListUsers showed the user \
         {name}, and ListAccessKeys found no such user (5 lists)\n\
         hint: run the same command again\n\
         result: no key was changed\n"
    ));
    assert_eq!(sandbox.keys().len(), keys);
    assert!(!actions(sandbox).contains(&"DeleteAccessKey".to_owned()));
}

#[test]
fn c54_a_user_who_is_renamed_during_a_sweep_is_found_under_the_new_name() {
    // After the list of users, between two of its pages, and after the user's keys were read.
    for (action, skip, name, to) in [
        ("ListUsers", 0, "Bob", "Robert"),
        ("ListUsers", 0, "Zoe", "Aaron"),
        ("ListUsers", 1, "Zoe", "Aaron"),
        ("ListAccessKeys", 2, "Bob", "Robert"),
        ("ListAccessKeys", 2, "Zoe", "Aaron"),
    ] {
        let sandbox = account();
        sandbox.fault(renamed_after(action, name, to).skip(skip));
        let printed = Case::at(&sandbox, SWEEP).run().exits(0);
        let output = printed.output().to_owned();
        assert_eq!(
            outcomes(&output),
            [("Deleted".to_owned(), 2)],
            "{action}: {name} to {to}"
        );
        assert!(
            names(&output).contains(&to.to_owned()),
            "{action}: {name} to {to}: {output}"
        );
        let _ = printed
            .prints(&output)
            .says(&[" checked\n"])
            .ends_with("2 keys: 2 deleted; root user keys are not included");
        assert_eq!(sandbox.keys().len(), 1, "{action}: {name} to {to}");
    }
}

#[test]
fn c54_a_listed_user_who_never_exists_ends_the_sweep() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", BOBS_KEY).status(Status::Inactive))
        .start();
    let gone = What::error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    );
    sandbox.fault(Fault::new(gone).on("ListAccessKeys").skip(1).always());
    ends_unsettled(&sandbox, "Bob");
}

#[test]
fn c54_a_user_who_is_missing_for_a_moment_is_read_again() {
    let sandbox = account();
    let gone = What::error(
        404,
        "NoSuchEntity",
        "The user with name Bob cannot be found.",
    );
    let fault = Fault::new(gone).on("ListAccessKeys").of_user("Bob");
    sandbox.fault(fault.times(3));
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(names(&output), ["Bob", "Zoe"]);
    let _ = printed
        .prints(&output)
        .says(&["3 keys of 3 users checked"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
}

#[test]
fn c44_users_that_change_faster_than_they_are_listed_end_the_sweep() {
    let sandbox = Sandbox::builder()
        .key(KeySeed::new("Bob", BOBS_KEY).status(Status::Inactive))
        .start();
    for n in 0..9 {
        let name = match n {
            0 => "Bob".to_owned(),
            n => format!("Bob{n}"),
        };
        sandbox.fault(renamed_after("ListUsers", &name, &format!("Bob{}", n + 1)));
    }
    ends_unsettled(&sandbox, "Bob4");
}

/// A page of Bob's keys with one key, and what comes after the keys.
fn page(status: &str, rest: &str) -> What {
    What::page(
        200,
        "text/xml",
        format!(
            "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
                 <UserName>Bob</UserName><AccessKeyMetadata><member><UserName>Bob</UserName>\
                 <AccessKeyId>{BOBS_KEY}</AccessKeyId><Status>{status}</Status>\
                 <CreateDate>2020-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>{rest}\
                 </ListAccessKeysResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                 </ListAccessKeysResponse>"
        ),
    )
}

const MORE: &str = "<IsTruncated>true</IsTruncated><Marker>next</Marker>";
const END: &str = "<IsTruncated>false</IsTruncated>";

#[test]
fn c57_a_key_on_two_pages_of_a_list_is_changed_once() {
    let sandbox = documented();
    for rest in [MORE, END] {
        sandbox.fault(Fault::new(page("Inactive", rest)).on("ListAccessKeys"));
    }
    let args = [
        "--user-name",
        "Bob",
        "--all-keys",
        "--only-inactive",
        "--yes",
    ];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Deleted".to_owned(), 1)]);
    let _ = printed
        .prints(&output)
        .says_exactly("iam-del-key: note: 1 key of 1 user checked\nresult: 1 key: 1 deleted\n");
}

#[test]
fn c57_a_renamed_user_who_is_excepted_by_the_new_name_keeps_the_keys() {
    let sandbox = account();
    sandbox.fault(renamed_after("ListAccessKeys", "Bob", "ci-bob").skip(2));
    let printed = Case::at(&sandbox, SWEEP)
        .args(["--except-user", "ci-*"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(names(&output), ["Zoe"]);
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("1 key: 1 deleted; root user keys are not included");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c54_every_list_of_a_sweep_has_to_be_read() {
    // The second list of users, which shows renames, and its second page.
    for skip in [2, 3] {
        let sandbox = account();
        let error = What::error(403, "AccessDenied", "no");
        sandbox.fault(Fault::new(error).on("ListUsers").skip(skip).always());
        let _ = Case::at(&sandbox, SWEEP)
            .run()
            .exits(6)
            .prints_nothing()
            .says(&["(AccessDenied) when calling the ListUsers operation"])
            .ends_with("no key was changed");
        assert_eq!(sandbox.keys().len(), 3);
    }
}

#[test]
fn c54_two_users_who_swap_names_during_a_sweep_hide_no_key() {
    let sandbox = account();
    // Bob becomes Zoe, and Zoe becomes somebody else, before their keys are read.
    sandbox.fault(renamed_after("ListUsers", "Zoe", "Aaron").skip(1));
    sandbox.fault(renamed_after("ListAccessKeys", "Bob", "Zoe"));
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(names(&output), ["Aaron", "Zoe"]);
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
    assert_eq!(sandbox.keys().len(), 1);
}

/// A list of all users, by name and ID, who were created at this date.
fn list_of(users: &[(&str, &str)], date: &str) -> Fault {
    let members = users.iter().map(|(name, id)| {
        format!(
            "<member><Path>/</Path><UserName>{name}</UserName><UserId>{id}</UserId>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn><CreateDate>{date}</CreateDate></member>"
        )
    });
    let members: String = members.collect();
    let list = format!("<Users>{members}</Users><IsTruncated>false</IsTruncated>");
    Fault::new(xml(result("ListUsers", &list))).on("ListUsers")
}

#[test]
fn c54_a_stale_list_does_not_hide_a_user_whose_old_name_another_user_got() {
    // Bob was renamed to Zoe, and another user became Bob. The keys of Zoe cannot be listed yet.
    let list = |users| list_of(users, "2020-01-01T00:00:00Z");
    let fresh = list(&[("Bob", "AIDANEW"), ("Zoe", "AIDAOLD")]);
    let stale = list(&[("Bob", "AIDAOLD")]);
    let gone = What::error(
        404,
        "NoSuchEntity",
        "The user with name Zoe cannot be found.",
    );
    let zoes = nth_key_id(ACCOUNT, 1);
    let one = format!("--access-key-id {zoes} --find-user --ignore-missing");
    for args in [SWEEP.to_vec(), one.split(' ').collect()] {
        let sandbox = account();
        if args[0] != SWEEP[0] {
            sandbox.deny("iam:GetAccessKeyLastUsed");
        }
        sandbox.fault(fresh.clone());
        sandbox.fault(stale.clone().lasts(Duration::from_secs(1)));
        sandbox.fault(fresh.clone().always());
        let read = Fault::new(gone.clone()).on("ListAccessKeys");
        sandbox.fault(read.of_user("Zoe"));
        let _ = Case::at(&sandbox, args).run().exits(0).prints_anything();
        assert!(!sandbox.has_key(&zoes));
    }
}

#[test]
fn c57_a_user_on_two_pages_of_the_list_is_read_once() {
    // Before the second page of each list, the user from the first page becomes the last one.
    let sandbox = account();
    sandbox.fault(renamed_after("ListUsers", "Bob", "Zzz"));
    sandbox.fault(renamed_after("ListUsers", "Zzz", "Bob"));
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(names(&output), ["Bob", "Zoe"]);
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
}

#[test]
fn c57_a_user_with_two_dates_is_one_user() {
    let sandbox = account();
    sandbox.deny("iam:GenerateCredentialReport");
    let list = |date| list_of(&[("Bob", "AIDABOB")], date);
    sandbox.fault(list("2020-01-01T00:00:00Z").times(1));
    sandbox.fault(list("2020-01-01T00:00:01Z").always());
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(names(&output), ["Bob"]);
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("1 key: 1 deleted; root user keys are not included");
}

#[test]
fn c57_the_callers_key_is_skipped_once_after_a_rename() {
    let sandbox = account();
    // Without a credential report, the users are listed twice.
    sandbox.deny("iam:GenerateCredentialReport");
    sandbox.fault(renamed_after("ListAccessKeys", "admin", "root-admin").skip(2));
    let printed = Case::at(&sandbox, ["--whole-account", "--older-than", "1d", "--yes"])
        .args(["--jobs", "1", "--expect-account", ACCOUNT])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(
        outcomes(&output),
        [("Deleted".to_owned(), 2), ("Skipped".to_owned(), 1)]
    );
    assert_eq!(names(&output), ["Bob", "Zoe", "root-admin"]);
    let _ = printed
        .prints(&output)
        .says(&["belongs to your own credentials: skipped"])
        .ends_with("3 keys: 2 deleted, 1 skipped; root user keys are not included");
}

#[test]
fn c57_a_key_that_one_list_shows_with_two_statuses_is_an_error() {
    for (first, second) in [
        ("Inactive", "Active"),
        ("Active", "Inactive"),
        ("Inactive", "Expired"),
    ] {
        for args in [
            &[
                "--access-key-id",
                BOBS_KEY,
                "--user-name=Bob",
                "--only-inactive",
            ][..],
            &[
                "--user-name",
                "Bob",
                "--all-keys",
                "--only-inactive",
                "--yes",
            ],
        ] {
            let sandbox = documented();
            for (status, rest) in [(first, MORE), (second, END)] {
                sandbox.fault(Fault::new(page(status, rest)).on("ListAccessKeys"));
            }
            let host = sandbox.address();
            let printed = Case::at(&sandbox, args.iter().copied()).run().exits(1);
            let output = printed.output().to_owned();
            let _ = printed.prints(&output).says(&[&format!(
                "unusable response from IAM at {host}: it lists {BOBS_KEY} twice, as {first} and {second}\n"
            )]);
            assert!(sandbox.has_key(BOBS_KEY), "{args:?}");
        }
    }
}

#[test]
fn c57_a_key_that_one_page_shows_with_two_dates_is_an_error() {
    let key = member(BOBS_KEY, "Bob", "Inactive");
    let newer = key.replace("2020-", "2026-");
    for members in [format!("{key}{newer}"), format!("{newer}{key}")] {
        let sandbox = documented();
        let list = xml(keys(&members, END));
        sandbox.fault(Fault::new(list).on("ListAccessKeys").always());
        let _ = Case::documented(&sandbox, &["--only-inactive"])
            .run()
            .exits(1)
            .prints_outcome("Failed")
            .says(&[&format!(
                "it lists {BOBS_KEY} twice, with two creation dates"
            )])
            .ends_with("not deleted: no request to change it was sent to IAM");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn a_user_who_is_renamed_during_a_sweep_counts_once() {
    for (action, more, checked) in [
        ("ListAccessKeys", &[][..], "5 keys of 3 users checked\n"),
        (
            "ListUsers",
            &["--except-user", "Bob"],
            "5 keys of 3 users checked\n",
        ),
    ] {
        let sandbox = documented();
        sandbox.deny("iam:GenerateCredentialReport");
        let (name, to) = ("Bob".to_owned(), "Robert".to_owned());
        sandbox.fault(once(action, What::ThenRename { name, to }));
        let args = ["--whole-account", "--only-inactive", "--dry-run"];
        let printed = Case::at(&sandbox, args).args(more.iter().copied()).run();
        let _ = printed.exits(0).prints_anything().says(&[checked]);
    }
}
