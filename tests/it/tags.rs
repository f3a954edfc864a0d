//! `--except-tag`: users with a tag keep their keys, and so do users whose tags cannot be read.

use iam_sandbox::documented::{ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Builder, Fault, Sandbox, Status, What};

use crate::case::{BOBS_KEY, Case, DELETED, actions, always, documented, each};
use crate::journal::ACCOUNT;
use crate::many::{from_stdin, outcomes, rows};
use crate::response::{result, xml};

/// Bob has a tag; Alice has others.
fn account() -> Builder {
    Sandbox::documented()
        .tag("Bob", "Team", "Ops")
        .tag("Alice", "Team", "Web")
        .tag("Alice", "Protected", "")
}

fn skips(sandbox: &Sandbox, args: &[&str], tag: &str, reason: &str) {
    let _ = Case::at(sandbox, args.iter().copied())
        .args(["--except-tag", tag])
        .run()
        .exits(11)
        .prints_outcome("Skipped")
        .says(&[reason, "is not deleted: "]);
    assert!(sandbox.has_key(BOBS_KEY), "{args:?} {tag}");
}

const SWEEP: [&str; 6] = [
    "--whole-account",
    "--older-than",
    "50d",
    "--yes",
    "--expect-account",
    ACCOUNT,
];

const BOBS: [&str; 4] = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];

#[test]
fn a_user_with_the_tag_keeps_the_key() {
    let found = ["--access-key-id", BOBS_KEY, "--find-user"];
    for tag in ["Team", "tEAM", "team=ops", "TEAM=OPS", "Team = ops"] {
        let reason = format!("the user Bob has the tag Team=Ops, which matches --except-tag {tag}");
        for args in [&BOBS[..], &found] {
            skips(&account().start(), args, tag, &reason);
        }
    }
    for tag in ["Teams", "tea", "team=", "team=op", "ops", "Protected"] {
        let sandbox = account().start();
        let args = ["--except-tag", tag, "--except-tag=other"];
        let ended = Case::at(&sandbox, BOBS).args(args).run();
        let _ = ended.exits(0).prints(DELETED).says_nothing();
        assert_eq!(actions(&sandbox), ["ListUserTags", "DeleteAccessKey"]);
        let read = &sandbox.requests()[0];
        assert_eq!(read.param("UserName"), Some("Bob"));
        assert_eq!(sandbox.keys().len(), 4);
    }
}

#[test]
fn the_tag_may_be_on_any_page() {
    for page_size in [1, 7, 100] {
        let many = (0..30).fold(Sandbox::documented(), |sandbox, n| {
            sandbox.tag("Bob", &format!("tag-{n}"), "x")
        });
        let sandbox = many.tag("Bob", "last", "y").page_size(page_size).start();
        skips(&sandbox, &BOBS, "LAST=Y", "Bob has the tag last=y");
    }
}

#[test]
fn the_owner_may_be_the_calling_user() {
    let sandbox = Sandbox::documented()
        .user_key("admin", "AKIAQAAAAAAAADMINTWO")
        .tag("admin", "Team", "Ops")
        .start();
    let own = ["--access-key-id", "AKIAQAAAAAAAADMINTWO"];
    let reason = "the user admin has the tag Team=Ops";
    skips(&sandbox, &own, "team", reason);
    assert!(sandbox.has_key("AKIAQAAAAAAAADMINTWO"));
}

/// The lists still show a user who no longer exists. The error names the read that failed.
#[test]
fn the_tags_of_a_user_who_does_not_exist() {
    each(["ListAccessKeys", "ListUserTags"], |action| {
        let sandbox = account().start();
        let gone = "The user with name Alice cannot be found.";
        let fault = always(action, What::error(404, "NoSuchEntity", gone));
        sandbox.fault(fault.of_user("Alice"));
        let case = Case::at(&sandbox, SWEEP).args(["--except-tag", "none"]);
        let _ = case
            .run()
            .exits(1)
            .prints_nothing()
            .says(&[&format!(
                "the users changed while they were listed: ListUsers showed the user Alice, and {action} found no such user (5 lists)"
            )])
            .ends_with("no key was changed");
    });
}

#[test]
fn tags_are_read_only_if_the_other_conditions_are_met() {
    let sandbox = account().start();
    let all = |user, more: &[&str]| {
        let case = Case::at(&sandbox, ["--user-name", user, "--all-keys", "--yes"]);
        let case = case.args(["--except-tag", "none", "--dry-run"]).args(more);
        let printed = case.run().exits(0);
        let output = printed.output().to_owned();
        let _ = printed.prints(&output).says(&["result: "]);
        rows(&output).len()
    };
    let reads = |sandbox: &Sandbox| {
        let actions = actions(sandbox);
        let reads = actions.iter().filter(|name| *name == "ListUserTags");
        reads.count()
    };
    assert_eq!(all("Bob", &["--only-inactive"]), 0);
    assert_eq!(all("Alice", &["--unused-for", "300d"]), 0);
    assert_eq!(all("Alice", &["--except-user", "a*"]), 0);
    assert_eq!(reads(&sandbox), 0);
    assert_eq!(all("Alice", &["--only-inactive"]), 1);
    assert_eq!(reads(&sandbox), 1);
    assert_eq!(all("Bob", &[]), 2);
    assert_eq!(reads(&sandbox), 2, "once for both keys");
}

#[test]
fn a_sweep_and_a_list_leave_out_users_with_the_tag() {
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_OLD_KEY_ID},Alice\n");
    let sandbox = account().start();
    let args = ["--except-tag", "team=ops"];
    let printed = from_stdin(&sandbox, &list, &args).run().exits(0);
    let output = printed.output().to_owned();
    let expected = [("Deleted".to_owned(), 1), ("Skipped".to_owned(), 1)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says_exactly("result: 2 keys: 1 deleted, 1 skipped\n");
    assert!(sandbox.has_key(BOBS_KEY) && !sandbox.has_key(ALICE_OLD_KEY_ID));

    let sandbox = account().start();
    let printed = Case::at(&sandbox, SWEEP).args(args).run().exits(0);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says_exactly(
        "iam-del-key: note: 5 keys of 3 users checked\n\
             result: 2 keys: 2 deleted; root user keys are not included\n",
    );
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    assert!(!sandbox.has_key(ALICE_KEY_ID) && !sandbox.has_key(ALICE_OLD_KEY_ID));
}

#[test]
fn f105_a_key_whose_owners_tags_cannot_be_read_fails() {
    let denied = || account().deny("iam:ListUserTags");
    let says = [
        "(AccessDenied) when calling the ListUserTags operation",
        "ask for the permission iam:ListUserTags",
    ];
    let find = ["--access-key-id", BOBS_KEY, "--find-user"];
    for args in [&BOBS[..], &find] {
        for (more, done) in [
            (&[][..], "deleted"),
            (&["--ignore-missing"], "deleted"),
            (&["--deactivate"], "deactivated"),
            (&["--dry-run"], "deleted"),
        ] {
            let sandbox = denied().start();
            let case = Case::at(&sandbox, args.iter().copied()).args(more);
            let _ = case
                .args(["--except-tag", "none"])
                .run()
                .exits(6)
                .prints_outcome("Failed")
                .says(&says)
                .ends_with(&format!(
                    "not {done}: no request to change it was sent to IAM"
                ));
            assert!(unchanged(&sandbox), "{args:?} {more:?}");
        }
    }
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{ALICE_OLD_KEY_ID},Alice\n");
    let sandbox = denied().start();
    let user = ["--user-name", "Alice", "--all-keys", "--yes"];
    for (case, keys, root) in [
        (from_stdin(&sandbox, &list, &[]), 2, ""),
        (Case::at(&sandbox, user), 2, ""),
        (
            Case::at(&sandbox, SWEEP),
            3,
            "; root user keys are not included",
        ),
    ] {
        let printed = case.args(["--except-tag", "none"]).run().exits(6);
        let output = printed.output().to_owned();
        assert_eq!(outcomes(&output), [("Failed".to_owned(), keys)]);
        let _ = printed
            .prints(&output)
            .says(&says)
            .ends_with(&format!("{keys} keys: {keys} failed and not changed{root}"));
        assert!(unchanged(&sandbox));
    }
}

fn unchanged(sandbox: &Sandbox) -> bool {
    let is_change = |action: &String| action == "DeleteAccessKey" || action == "UpdateAccessKey";
    sandbox.keys().len() == 5 && !actions(sandbox).iter().any(is_change)
}

#[test]
fn white_space_around_a_tag_does_not_matter() {
    let tags = "<Tags><member><Key>\n  Team\n  </Key><Value>\n  Ops\n  </Value></member></Tags>\
                <IsTruncated>false</IsTruncated>";
    for tag in ["team", "team=ops"] {
        let sandbox = account().start();
        let page = What::page(200, "text/xml", result("ListUserTags", tags));
        sandbox.fault(Fault::new(page).on("ListUserTags").always());
        skips(&sandbox, &BOBS, tag, "the user Bob has the tag ");
    }
}

#[test]
fn f105_other_keys_of_a_sweep_are_changed() {
    let sandbox = account()
        .path("Alice", "/readable/")
        .deny_outside("/readable/", "iam:ListUserTags")
        .start();
    let case = |more: &[&str]| {
        Case::at(&sandbox, SWEEP)
            .args(["--except-tag=x"])
            .args(more)
            .run()
    };
    let stopped = case(&["--fail-fast"]).exits(6);
    let output = stopped.output().to_owned();
    let expected = [("Failed".to_owned(), 1), ("NotTried".to_owned(), 2)];
    assert_eq!(outcomes(&output), expected);
    let _ = stopped
        .prints(&output)
        .says(&["calling the ListUserTags operation"])
        .ends_with(
            "3 keys: 1 failed and not changed, 2 not tried; root user keys are not included",
        );
    assert!(unchanged(&sandbox));
    let printed = case(&[]).exits(12);
    let output = printed.output().to_owned();
    let expected = [("Deleted".to_owned(), 2), ("Failed".to_owned(), 1)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["calling the ListUserTags operation"])
        .ends_with("3 keys: 2 deleted, 1 failed and not changed; root user keys are not included");
    assert!(sandbox.has_key(BOBS_KEY) && !sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn f105_an_incomplete_list_of_tags_does_not_count() {
    let list = |inside: &str| xml(result("ListUserTags", inside));
    let tag = "<Tags><member><Key>other</Key><Value>x</Value></member></Tags>";
    let faults = [
        (What::error(500, "ServiceFailure", "oops"), 5),
        (What::error(400, "Throttling", "Rate exceeded"), 8),
        (What::error(403, "ExpiredToken", "expired"), 7),
        (What::ResetAfterActing, 9),
        (What::page(200, "text/html", "<html>Sign in</html>"), 9),
        (What::empty(200), 9),
        (list("<IsTruncated>false</IsTruncated>"), 9),
        (list(tag), 1),
        (list(&format!("{tag}<IsTruncated>true</IsTruncated>")), 1),
        (
            list("<Tags><member><Value>x</Value></member></Tags><IsTruncated>false</IsTruncated>"),
            1,
        ),
        (
            list("<Tags><member><Key>other</Key></member></Tags><IsTruncated>false</IsTruncated>"),
            9,
        ),
        (
            list(
                "<Tags><tag><Key>other</Key><Value>x</Value></tag></Tags><IsTruncated>false</IsTruncated>",
            ),
            9,
        ),
        (
            list(&format!(
                "{tag}<IsTruncated>true</IsTruncated><Marker>again</Marker>"
            )),
            1,
        ),
    ];
    for (what, status) in faults {
        let sandbox = account().start();
        let shown = format!("{what:?}");
        sandbox.fault(Fault::new(what).on("ListUserTags").always());
        for (case, known) in [
            (
                Case::at(&sandbox, BOBS),
                "not deleted: no request to change it was sent to IAM",
            ),
            (Case::at(&sandbox, SWEEP), "no key was changed"),
        ] {
            let printed = case
                .args(["--except-tag", "none"])
                .env("AWS_MAX_ATTEMPTS", "2")
                .args(["--timeout", "3"])
                .run()
                .exits(status);
            let output = printed.output().to_owned();
            assert!(!output.contains("Deleted"), "{shown}: {output}");
            let _ = printed.prints(&output).says(&["error: "]).ends_with(known);
            assert!(unchanged(&sandbox), "{shown}");
        }
    }
}

#[test]
fn a_user_who_does_not_exist_has_no_tags_to_except() {
    let sandbox = account().start();
    let args = ["--access-key-id", BOBS_KEY, "--user-name", "Nobody"];
    let _ = Case::at(&sandbox, args)
        .args(["--except-tag", "x"])
        .run()
        .exits(3)
        .prints_outcome("Failed")
        .says(&["the user Bob"])
        .ends_with("not deleted: it belongs to the user Bob");
    assert!(unchanged(&sandbox));
}

#[test]
fn a_key_that_is_already_inactive_needs_no_tags() {
    let sandbox = account().deny("iam:ListUserTags").start();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let _ = Case::at(&sandbox, BOBS)
        .args(["--deactivate", "--except-tag", "x"])
        .run()
        .exits(0)
        .prints_outcome("Skipped")
        .says_exactly(
            "iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE is already inactive: nothing was changed\n",
        );
    assert_eq!(actions(&sandbox), ["ListAccessKeys", "ListAccessKeys"]);
}

#[test]
fn invalid_tags() {
    let long = "x".repeat(129);
    let value = format!("x={}", "y".repeat(257));
    for (tag, says) in [
        ("", "it has no key"),
        ("=x", "it has no key"),
        (" ", "it has no key"),
        ("a*", "tags cannot contain `*`, so it matches nobody"),
        ("a\u{1b}[2J", "tags cannot contain `\\u{1b}`"),
        (&long, "at most 128 characters"),
        (&value, "at most 256"),
    ] {
        let sandbox = documented();
        let argument = format!("--except-tag={tag}");
        let _ = Case::documented(&sandbox, &[&argument])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says])
            .ends_with("no request was sent, and no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
}
