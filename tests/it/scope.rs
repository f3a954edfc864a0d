//! The scope of a run: users under one path, and a limit on the number of keys.

use std::collections::BTreeSet;

use iam_sandbox::documented::ADMIN_KEY_ID;
use iam_sandbox::{Builder, Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::case::{Case, actions};
use crate::dialogue::Dialogue;
use crate::journal::ACCOUNT;
use crate::many::{from_stdin, outcomes};
use crate::response::{result, xml};
use crate::sweep::ids;

/// Users, their paths, and the numbers of their inactive keys.
const USERS: [(&str, &str, usize); 5] = [
    ("build", "/ci/", 1),
    ("deploy", "/ci/aws/", 2),
    ("person", "/", 3),
    ("robot", "/cicd/", 4),
    ("shouted", "/CI/", 5),
];

const SWEEP: [&str; 7] = [
    "--whole-account",
    "--only-inactive",
    "--yes",
    "--expect-account",
    ACCOUNT,
    "--path-prefix",
    "/ci/",
];

fn account() -> Builder {
    USERS.iter().fold(
        Sandbox::builder().page_size(2),
        |sandbox, (user, path, n)| {
            let seed = KeySeed::new(user, &nth_key_id(ACCOUNT, *n)).status(Status::Inactive);
            sandbox.key(seed).path(user, path)
        },
    )
}

fn left(sandbox: &Sandbox) -> Vec<usize> {
    let has = |n: &usize| sandbox.has_key(&nth_key_id(ACCOUNT, *n));
    (1..=5).filter(has).collect()
}

/// The values of a parameter in the requests for this action.
fn sent(sandbox: &Sandbox, action: &str, param: &str) -> BTreeSet<String> {
    let requests = sandbox.requests().into_iter();
    requests
        .filter(|request| request.action == action)
        .map(|request| request.param(param).unwrap_or_default().to_owned())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_sweep_can_be_limited_to_a_path() {
    let sandbox = account().start();
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    let expected = [1, 2].map(|n| nth_key_id(ACCOUNT, n));
    assert_eq!(ids(&output), BTreeSet::from(expected));
    let _ = printed.prints(&output).says_exactly(
        "iam-del-key: note: 2 keys of 2 users checked\n\
             result: 2 keys: 2 deleted; root user keys are not included\n",
    );
    assert_eq!(left(&sandbox), [3, 4, 5]);
    assert_eq!(sent(&sandbox, "ListUsers", "PathPrefix"), set(&["/ci/"]));
    let listed = sent(&sandbox, "ListAccessKeys", "UserName");
    assert_eq!(listed, set(&["build", "deploy"]));
}

#[test]
fn f106_a_role_that_is_limited_to_a_path_can_sweep_it() {
    let build = || account().deny_outside("/ci/", "iam:*");
    let sandbox = build().start();
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["2 keys of 2 users checked"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
    assert_eq!(left(&sandbox), [3, 4, 5]);
    for path in [&["--path-prefix", "/"][..], &["--path-prefix", "/c/"], &[]] {
        let sandbox = build().start();
        let _ = Case::at(&sandbox, &SWEEP[..5])
            .args(path)
            .run()
            .exits(6)
            .prints_nothing()
            .says(&["(AccessDenied) when calling the ListUsers operation"])
            .ends_with("no key was changed");
        assert_eq!(left(&sandbox), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_server_that_ignores_the_path_does_not_widen_the_sweep() {
    let user = |name: &str, path: &str| {
        format!(
            "<member>{path}<UserName>{name}</UserName><UserId>AIDA{name}</UserId>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
        )
    };
    let list = |users: &str| {
        let list = format!("<Users>{users}</Users><IsTruncated>false</IsTruncated>");
        Fault::new(xml(result("ListUsers", &list))).on("ListUsers")
    };
    let all: String = USERS
        .iter()
        .map(|(name, path, _)| user(name, &format!("<Path>{path}</Path>")))
        .collect();
    let sandbox = account().start();
    sandbox.fault(list(&all).always());
    let printed = Case::at(&sandbox, SWEEP).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["2 keys of 2 users checked"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
    assert_eq!(left(&sandbox), [3, 4, 5]);

    for path in ["", "<Path/>"] {
        let sandbox = account().start();
        sandbox.fault(list(&user("build", path)).always());
        let _ = Case::at(&sandbox, SWEEP)
            .run()
            .exits(1)
            .prints_nothing()
            .says(&["it lists a user without a path"])
            .ends_with("no key was changed");
        assert_eq!(left(&sandbox), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn the_list_of_a_path_is_read_twice_and_once_after_the_keys() {
    let conditions = [
        "--whole-account",
        "--older-than",
        "90d",
        "--yes",
        "--expect-account",
        ACCOUNT,
        "--jobs=1",
    ];
    let limits = ["--path-prefix", "/ci/"];
    let sandbox = account().start();
    let printed = Case::at(&sandbox, conditions).args(limits).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("2 keys: 2 deleted; root user keys are not included");
    let lists = |sandbox: &Sandbox| {
        let actions = actions(sandbox);
        actions.iter().filter(|name| *name == "ListUsers").count()
    };
    assert_eq!(lists(&sandbox), 3);
    // The list lacks a user who is renamed between two pages, so it is read again.
    let third = nth_key_id(ACCOUNT, 6);
    let sandbox = account()
        .key(KeySeed::new("test", &third))
        .path("test", "/ci/")
        .start();
    let (name, to) = ("test".to_owned(), "aaa".to_owned());
    sandbox.fault(Fault::new(What::ThenRename { name, to }).on("ListUsers"));
    let printed = Case::at(&sandbox, conditions).args(limits).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&[" checked\n"])
        .ends_with("3 keys: 3 deleted; root user keys are not included");
    assert!(!sandbox.has_key(&third));
}

#[test]
fn invalid_paths() {
    let long = format!("/{}/", "x".repeat(511));
    for (path, says) in [
        ("", "a path starts and ends with /, such as /ci/"),
        ("ci/", "a path starts and ends with /"),
        ("/ci", "a path starts and ends with /"),
        ("/c i/", "printable ASCII without spaces"),
        ("/\u{e9}/", "printable ASCII without spaces"),
        (&long, "at most 512 characters"),
    ] {
        let sandbox = account().start();
        let _ = Case::at(&sandbox, &SWEEP[..5])
            .args([format!("--path-prefix={path}")])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says, "--path-prefix"])
            .ends_with("no request was sent, and no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
    let sandbox = account().start();
    let id = nth_key_id(ACCOUNT, 1);
    let named = ["--access-key-id", &id, "--user-name", "build"];
    let all = ["--user-name", "build", "--all-keys", "--yes"];
    let listed = from_stdin(&sandbox, &id, &["--find-user", "--only-inactive"]);
    for case in [
        Case::at(&sandbox, named),
        Case::at(&sandbox, named).args(["--only-inactive"]),
        Case::at(&sandbox, all),
        Case::at(&sandbox, all).args(["--only-inactive"]),
        listed,
    ] {
        let _ = case
            .args(["--path-prefix", "/ci/"])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["error: --path-prefix requires --whole-account\n"])
            .ends_with("no request was sent, and no key was changed");
    }
    assert_eq!(sandbox.connections(), 0);
}

/// The ways to choose the five keys, some with other keys that are skipped.
fn choices(sandbox: &Sandbox) -> [Case; 3] {
    let ids = USERS.map(|(_, _, n)| nth_key_id(ACCOUNT, n));
    let list = format!("{}\n{ADMIN_KEY_ID}\n", ids.join("\n"));
    let named = ids.iter().flat_map(|id| ["--access-key-id", id]);
    [
        Case::at(sandbox, &SWEEP[..5]),
        from_stdin(sandbox, &list, &["--find-user", "--older-than", "60d"]),
        Case::at(sandbox, named).args(["--find-user"]),
    ]
}

fn is_changed(sandbox: &Sandbox) -> bool {
    let is_change = |name: &String| name == "DeleteAccessKey" || name == "UpdateAccessKey";
    actions(sandbox).iter().any(is_change)
}

#[test]
fn no_key_is_changed_if_more_match_than_max_keys() {
    for choice in 0..3 {
        let sandbox = account().start();
        let case = choices(&sandbox).into_iter().nth(choice);
        let case = case.expect("a choice").args(["--max-keys", "4"]);
        let printed = case.run().exits(11);
        let output = printed.output().to_owned();
        // The signing key, which is in the list and not old enough.
        assert_eq!(ids(&output).len(), usize::from(choice == 1), "{output}");
        let _ = printed
            .prints(&output)
            .says(&[
                "error: 5 keys match, more than --max-keys 4 allows\n",
                "hint: check them with --dry-run; if they are right, raise --max-keys\n",
            ])
            .ends_with("no key was changed");
        assert_eq!(left(&sandbox), [1, 2, 3, 4, 5]);
        assert!(!is_changed(&sandbox));
    }
}

#[test]
fn as_many_keys_as_max_keys_are_changed() {
    for choice in 0..3 {
        for limit in ["5", "6"] {
            let sandbox = account().start();
            let case = choices(&sandbox).into_iter().nth(choice);
            let case = case.expect("a choice").args(["--max-keys", limit]);
            // The list also has the signing key, which is refused.
            let printed = case.run().exits(if choice == 1 { 12 } else { 0 });
            let output = printed.output().to_owned();
            let _ = printed.prints(&output).says(&["5 deleted"]);
            assert!(left(&sandbox).is_empty(), "{choice} {limit}");
        }
    }
}

#[test]
fn a_key_that_is_named_twice_counts_once() {
    let sandbox = account().start();
    let (id, other) = (nth_key_id(ACCOUNT, 1), nth_key_id(ACCOUNT, 2));
    let list = format!("{id} {id} {other}");
    let args = ["--find-user", "--max-keys"];
    let case = |limit| from_stdin(&sandbox, &list, &args).args([limit]);
    let _ = case("1")
        .run()
        .exits(11)
        .prints_nothing()
        .says(&["2 keys match, more than --max-keys 1 allows"])
        .ends_with("no key was changed");
    let printed = case("2").run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says_exactly("iam-del-key: note: 1 repeated key was ignored\nresult: 2 keys: 2 deleted\n");
    assert_eq!(left(&sandbox), [3, 4, 5]);
}

#[test]
fn a_dry_run_shows_more_keys_than_max_keys_and_warns() {
    let sandbox = account().start();
    let args = [
        "--whole-account",
        "--only-inactive",
        "--dry-run",
        "--max-keys",
        "4",
    ];
    let printed = Case::at(&sandbox, args).run().exits(0);
    let output = printed.output().to_owned();
    assert_eq!(ids(&output).len(), 5);
    let _ = printed.prints(&output).says_exactly(
        "iam-del-key: note: 6 keys of 6 users checked\n\
         iam-del-key: warning: 5 keys match, more than --max-keys 4 allows: without --dry-run, nothing would be changed\n\
         result: 5 keys: 5 would be deleted; this was a dry run; root user keys are not included\n",
    );
}

#[test]
fn no_question_is_asked_about_more_keys_than_max_keys() {
    let sandbox = account().start();
    let args = ["--whole-account", "--only-inactive", "--max-keys", "4"];
    let said = Dialogue::start(Case::at(&sandbox, args))
        .end()
        .exits(11)
        .prints_nothing();
    assert!(!said.messages().contains("[y/N]"), "{}", said.messages());
    let _ = said
        .says(&["5 keys match, more than --max-keys 4 allows"])
        .ends_with("no key was changed");
    assert!(!is_changed(&sandbox));
}

#[test]
fn the_rows_of_a_table_are_printed_before_max_keys_refuses() {
    let sandbox = account().start();
    let [_, listed, _] = choices(&sandbox);
    let args = ["--max-keys", "4", "--output", "table"];
    let printed = listed.args(args).run().exits(11);
    let output = printed.output().to_owned();
    assert!(output.contains(ADMIN_KEY_ID), "{output}");
    let _ = printed
        .prints(&output)
        .says(&["5 keys match, more than --max-keys 4 allows"])
        .ends_with("no key was changed");
}

#[test]
fn invalid_limits() {
    for limit in ["0", "-1", "many", "", "18446744073709551616"] {
        let sandbox = account().start();
        let _ = Case::at(&sandbox, &SWEEP[..5])
            .args([format!("--max-keys={limit}")])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&["--max-keys"])
            .ends_with("no request was sent, and no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
}

#[test]
fn f106_a_user_who_leaves_the_path_before_the_confirmation_keeps_the_keys() {
    let asked = |sandbox: &Sandbox, path: &str| {
        let args = ["--whole-account", "--only-inactive", "--path-prefix", path];
        Dialogue::start(Case::at(sandbox, args)).shows("[y/N] ")
    };
    let sandbox = account().start();
    let dialogue = asked(&sandbox, "/ci/");
    let before = actions(&sandbox).len();
    sandbox.set_path("build", "/prod/");
    let printed = dialogue.types(b"y\n").end().exits(0);
    let output = printed.output().to_owned();
    let expected = [("Deleted".to_owned(), 1), ("Skipped".to_owned(), 1)];
    assert_eq!(outcomes(&output), expected);
    assert!(output.contains("IAM no longer lists the user build under /ci/"));
    let _ = printed.prints(&output).says(&["1 deleted, 1 skipped"]);
    assert_eq!(left(&sandbox), [1, 3, 4, 5]);
    let after = actions(&sandbox).split_off(before);
    // Each list has one page.
    let lists = after.iter().filter(|action| *action == "ListUsers");
    assert_eq!(lists.count(), 1, "{after:?}");

    let sandbox = account().start();
    let dialogue = asked(&sandbox, "/ci/");
    sandbox.deny("iam:ListUsers");
    let printed = dialogue.types(b"y\n").end().exits(6);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("Failed".to_owned(), 2)]);
    let _ = printed.prints(&output).says(&[
        "(AccessDenied) when calling the ListUsers operation",
        "2 failed and not changed",
    ]);
    assert_eq!(left(&sandbox), [1, 2, 3, 4, 5]);
}
