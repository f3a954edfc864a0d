//! The question before a deletion: it is asked only on a terminal, and only a plain yes is a yes.

use iam_sandbox::documented::{ADMIN_KEY_ID, ADMIN_SECRET, ALICE_KEY_ID};
use iam_sandbox::{Sandbox, Status};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::dialogue::Dialogue;

const ASKED: &str = "Delete this key in account 123456789012? It cannot be undone. [y/N] ";

fn asked(sandbox: &Sandbox) -> Dialogue {
    Dialogue::start(Case::documented(sandbox, &["--interactive"])).shows(ASKED)
}

#[test]
fn f64_a_yes_deletes_what_was_shown() {
    for yes in ["y\n", "Y\n", "yes\n", " Yes \n"] {
        let sandbox = documented();
        let said = asked(&sandbox)
            .types(yes.as_bytes())
            .end()
            .exits(0)
            .prints(DELETED);
        let screen = said.messages();
        for text in [BOBS_KEY, "Bob", "Active", "13 months ago", "3 months ago"] {
            assert!(screen.contains(text), "{text} was not shown: {screen}");
        }
        let question = screen.find(ASKED).expect("one question");
        assert_eq!(screen.matches("[y/N]").count(), 1);
        assert!(screen.find(BOBS_KEY).is_some_and(|key| key < question));
        assert!(!sandbox.has_key(BOBS_KEY), "{yes:?}");
        assert_eq!(
            actions(&sandbox),
            [
                "ListAccessKeys",
                "GetAccessKeyLastUsed",
                "GetCallerIdentity",
                "DeleteAccessKey"
            ]
        );
    }
}

#[test]
fn f64_anything_else_is_a_no() {
    // An empty line, words other than yes, the end of the input, and more text than a person types.
    let megabyte = [vec![b'y'; 1 << 20], vec![b'\n']].concat();
    for no in [
        &b"\n"[..],
        b"n\n",
        b"no\n",
        b"Yesh\n",
        b"yy\n",
        b"\x04",
        b"y\x04\x04",
        &megabyte,
    ] {
        let sandbox = documented();
        let _ = asked(&sandbox)
            .without_echo()
            .types(no)
            .end()
            .exits(11)
            .prints_nothing()
            .says(&["not confirmed: this run changed nothing\n"]);
        assert!(sandbox.has_key(BOBS_KEY));
        assert_eq!(
            actions(&sandbox),
            [
                "ListAccessKeys",
                "GetAccessKeyLastUsed",
                "GetCallerIdentity"
            ]
        );
    }
}

#[test]
fn f64_control_c_at_the_question_just_ends_the_run() {
    let sandbox = documented();
    let _ = asked(&sandbox)
        .types(b"\x03")
        .end()
        .exits(130)
        .prints_nothing()
        .says(&["interrupted: this run changed nothing\n"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f64_without_a_terminal_the_run_exits_2_before_it_reads_anything() {
    let sandbox = documented();
    for input in [&b"y\n"[..], b"yes\n", b""] {
        let _ = Case::documented(&sandbox, &["--interactive"])
            .input(input)
            .run()
            .exits(2)
            .prints_nothing()
            .says_exactly(
                "iam-del-key: error: --interactive cannot ask a question, because standard error is not a terminal\n\
                 hint: check with --dry-run first, then replace --interactive with --yes\n\
                 result: AKIDPMS9RO4H3FEXAMPLE: not deleted: nothing was sent to IAM\n",
            );
    }
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn no_question_is_asked_about_a_key_that_stays_anyway() {
    let sandbox = documented();
    let args = [
        "--access-key-id",
        ALICE_KEY_ID,
        "--find-user",
        "--interactive",
        "--only-inactive",
    ];
    let said = Dialogue::start(Case::at(&sandbox, args))
        .end()
        .exits(11)
        .prints_outcome("Skipped");
    assert!(!said.messages().contains("[y/N]"));
    let _ = said.says(&["is not deleted: its status is Active\n"]);

    let args = [
        "--access-key-id",
        ADMIN_KEY_ID,
        "--user-name",
        "admin",
        "-i",
    ];
    let said = Dialogue::start(Case::at(&sandbox, args))
        .end()
        .exits(11)
        .prints_outcome("Refused");
    assert!(!said.messages().contains("[y/N]"));
    let _ = said
        .says(&["--allow-self"])
        .ends_with("not deleted: no request to change it was sent to IAM");
}

#[test]
fn a_dry_run_asks_no_question() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &["-n", "-i"])
        .run()
        .exits(0)
        .prints_outcome("WouldDelete")
        .says(&["this was a dry run"]);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_question_about_a_deactivation_says_deactivate() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--interactive", "--deactivate"]);
    let _ = Dialogue::start(case)
        .shows("Deactivate this key in account 123456789012? It can be undone. [y/N] ")
        .types(b"y\n")
        .end()
        .exits(0)
        .prints_outcome("Deactivated")
        .says(&["to undo it: iam-del-key --access-key-id "]);
    assert_eq!(
        sandbox.key(BOBS_KEY).map(|key| key.status),
        Some(Status::Inactive)
    );
}

#[test]
fn the_question_names_the_account_and_the_profile_it_acts_in() {
    let keys =
        |id: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = {ADMIN_SECRET}\n");
    let config = format!("[profile prod]\n{}[profile none]\n", keys(ADMIN_KEY_ID));
    let of_prod = "Delete this key in account 123456789012 with profile prod? It cannot";
    let role = [
        "--profile",
        "prod",
        "--role-arn",
        "arn:aws:iam::123456789012:role/Deployer",
    ];
    let of_none = "Delete this key in account 123456789012? It cannot";
    for (args, profile, has_variables, question) in [
        (&["--profile", "prod"][..], None, true, of_prod),
        // The role signs.
        (&role, None, true, of_none),
        (&[], Some("prod"), false, of_prod),
        // The variables sign, whichever profile is selected.
        (&[], Some("prod"), true, of_none),
        (&[], Some("none"), true, of_none),
    ] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, args).args(["--interactive"]);
        let case = match profile {
            Some(name) => case.env("AWS_PROFILE", name),
            None => case,
        };
        let case = if has_variables {
            case
        } else {
            case.without_credentials()
        };
        let _ = Dialogue::start(case.file(".aws/config", &config))
            .shows(question)
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing()
            .says(&["not confirmed: this run changed nothing\n"]);
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn the_question_omits_what_cannot_be_read() {
    let sandbox = Sandbox::documented()
        .deny("iam:ListAccessKeys")
        .deny("iam:GetAccessKeyLastUsed")
        .start();
    let _ = asked(&sandbox)
        .types(b"y\n")
        .end()
        .exits(0)
        .prints(DELETED)
        .says(&[
            "status and creation date are unknown where IAM denied ListAccessKeys",
            "the last use is unknown where IAM denied GetAccessKeyLastUsed",
            BOBS_KEY,
            "Bob",
        ]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn the_options_to_ask_and_not_to_ask_exclude_each_other() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &["--interactive", "--yes"])
        .run()
        .exits(2)
        .prints_nothing()
        .says(&["--interactive", "--yes", "cannot be used with"])
        .ends_with("no request was sent, and no key was changed");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_named_key_needs_no_confirmation() {
    for more in [&[][..], &["--yes"]] {
        let sandbox = documented();
        let _ = Dialogue::start(Case::documented(&sandbox, more))
            .end()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}
