//! The question on the terminal: which account it names, what can be undone, and what remains after the answer no.

use std::fs;
use std::os::unix::fs::symlink;

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{KeySeed, Sandbox, What};

use crate::assume_root::identity;
use crate::case::{BOBS_KEY, Case, DELETED, SETTLED, actions, always, documented, each, faulty};
use crate::dialogue::Dialogue;
use crate::journal::Kept;
use crate::many::crowd;

pub(crate) const ASKED: &str =
    "Delete this key in account 123456789012? It cannot be undone. [y/N] ";
const NOT_CHANGED: &str = "not deleted: no request to change it was sent";
pub(crate) const DECLINED: &str = "not confirmed: this run changed nothing";

pub(crate) fn asked(sandbox: &Sandbox) -> Case {
    Case::documented(sandbox, &["--interactive"])
}

#[test]
fn c14_the_question_names_the_account_that_sts_returns() {
    // The ID of the key that signs encodes 123456789012, and the environment names a different account.
    let what = identity("arn:aws:iam::222233334444:user/admin", "222233334444");
    let sandbox = faulty([always("GetCallerIdentity", what)]);
    let case = asked(&sandbox).env("AWS_ACCOUNT_ID", "999999999999");
    let said = Dialogue::start(case)
        .shows("Delete this key in account 222233334444? It cannot be undone. [y/N] ")
        .types(b"y\n")
        .end()
        .exits(0)
        .prints(DELETED);
    assert!(!said.messages().contains("123456789012"));
    let _ = said.says(&["[y/N]"]);
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

#[test]
fn c14_an_account_that_sts_does_not_name_is_unknown() {
    let denied =
        "An error occurred (AccessDenied) when calling the GetCallerIdentity operation: no";
    let portal = What::page(200, "text/html", "<html>Sign in</html>");
    let cases = [
        (What::error(403, "AccessDenied", "no"), denied),
        (portal, "unexpected response from STS at 127.0.0.1"),
        (
            What::ResetAfterActing,
            "no usable response from STS at 127.0.0.1",
        ),
    ];
    each(cases, |(what, reason)| {
        let sandbox = faulty([always("GetCallerIdentity", what)]);
        let said = Dialogue::start(asked(&sandbox))
            .shows("Delete this key in an unknown account? It cannot be undone. [y/N] ")
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing();
        assert!(!said.messages().contains("123456789012"));
        let warning = format!("iam-del-key: warning: the account is unknown: {reason}");
        let _ = said.says(&[&warning, DECLINED]);
        assert!(sandbox.has_key(BOBS_KEY));
    });
    // An invalid address of STS.
    let sandbox = documented();
    let case = asked(&sandbox)
        .env("AWS_ENDPOINT_URL_IAM", sandbox.url())
        .env("AWS_ENDPOINT_URL_STS", "nonsense");
    let said = Dialogue::start(case)
        .shows("Delete this key in an unknown account? It cannot be undone. [y/N] ")
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing();
    let _ = said.says(&["warning: ", "AWS_ENDPOINT_URL_STS", DECLINED]);
}

#[test]
fn c14_the_wait_for_a_silent_sts_is_limited_and_a_signal_ends_it() {
    let silent = || faulty([always("GetCallerIdentity", What::SilenceBeforeActing)]);
    let sandbox = silent();
    Dialogue::start(asked(&sandbox).args(["--timeout", "2"]))
        .shows("the account is unknown: no usable response from STS at ")
        .shows(": it did not respond within ")
        .shows(" s; --timeout is 2 s")
        .shows("Delete this key in an unknown account?")
        .types(b"n\n")
        .end()
        .stops(11, &[DECLINED]);
    let sandbox = silent();
    let dialogue = Dialogue::start(asked(&sandbox));
    assert!(sandbox.wait_for_requests(3, SETTLED));
    let said = dialogue
        .types(b"\x03")
        .end()
        .exits(130)
        .prints_outcome("NotTried");
    assert!(!said.messages().contains("[y/N]"));
    let _ = said.says(&["interrupted"]).ends_with(NOT_CHANGED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c14_sts_is_called_once_and_only_for_a_question() {
    let expected = ["--expect-account", "123456789012"];
    let sandbox = documented();
    Dialogue::start(asked(&sandbox).args(expected))
        .shows(ASKED)
        .types(b"n\n")
        .end()
        .stops(11, &[DECLINED]);
    let asked_sts = |sandbox: &Sandbox| {
        let actions = actions(sandbox);
        let is_sts = |action: &&String| *action == "GetCallerIdentity";
        actions.iter().filter(is_sts).count()
    };
    assert_eq!(asked_sts(&sandbox), 1);

    let all = ["--user-name", "Bob", "--all-keys"];
    let one = |id| ["--user-name", "Bob", "--access-key-id", id].to_vec();
    let cases = [
        ([&all[..], &["--yes"]].concat(), 0),
        ([&all[..], &["--dry-run"]].concat(), 0),
        ([one(BOBS_KEY), vec!["-n", "-i"]].concat(), 0),
        // No key is chosen, so STS is not called.
        ([&all[..], &["--older-than", "9000d"]].concat(), 0),
        (
            [one(BOB_SECOND_KEY_ID), vec!["--older-than", "9000d", "-i"]].concat(),
            11,
        ),
    ];
    each(cases, |(args, status)| {
        let sandbox = documented();
        let ended = Dialogue::start(Case::at(&sandbox, args)).end();
        let said = ended.exits(status).prints_anything();
        assert!(!said.messages().contains("[y/N]"));
        assert_eq!(asked_sts(&sandbox), 0);
    });

    let sandbox = documented();
    let printed = Dialogue::start(Case::at(&sandbox, all))
        .shows("Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ")
        .types(b"n\n")
        .end()
        .exits(11);
    let _ = printed.prints_anything().says(&["Bob"]);
    assert_eq!(asked_sts(&sandbox), 1);
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn the_question_says_how_to_undo_a_deactivation_of_several_keys() {
    let one_by_one = "Deactivate these 6 keys in account 123456789012? It can be undone if you name the keys with \
                      --access-key-id, and add --find-user --reactivate; with --journal FILE, one short command undoes it. [y/N] ";
    let at_once = "Deactivate these 2 keys in account 123456789012? It can be undone. [y/N] ";
    let one = "Deactivate this key in account 123456789012? It can be undone. [y/N] ";
    let cases = [
        // A few keys fit into one command.
        (&["--output", "table"][..], at_once),
        (&["--output", "json"], at_once),
        // Standard output is a pipe.
        (&[], at_once),
        (&["--output", "table", "--journal", "JOURNAL"], at_once),
        (&["--output", "table", "--older-than", "300d"], one),
    ];
    each(cases, |(more, question)| {
        let sandbox = documented();
        let case = Case::at(
            &sandbox,
            ["--user-name", "Bob", "--all-keys", "--deactivate"],
        );
        let journal = case.path("journal");
        let more = more.iter().map(|arg| match *arg {
            "JOURNAL" => journal.clone().into_os_string(),
            arg => arg.into(),
        });
        Dialogue::start(case.args(more))
            .shows(question)
            .types(b"n\n")
            .end()
            .stops(11, &[DECLINED]);
    });
    let cases = [
        ["--output", "table"],
        ["--output", "off"],
        ["--query", "AccessKeyId"],
    ];
    each(cases, |more| {
        let (sandbox, list) = crowd(6);
        let case = Case::at(&sandbox, ["--deactivate"]).file("list.csv", list);
        let path = case.path("list.csv");
        Dialogue::start(case.args(["--from"]).args([path]).args(more))
            .shows(one_by_one)
            .types(b"n\n")
            .end()
            .stops(11, &[DECLINED]);
    });
}

#[test]
fn answering_no_leaves_no_new_journal() {
    let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}\n";
    let cases = [&["--all-keys"][..], &["--access-key-id", BOBS_KEY, "-i"]];
    each(cases, |keys| {
        let cases = [
            (None, None),
            (Some(""), Some(head)),
            (Some(head), Some(head)),
        ];
        each(cases, |(before, after)| {
            let (sandbox, kept) = (documented(), Kept::new(""));
            if let Some(text) = before {
                fs::write(kept.path(), text).expect("a journal");
            }
            let case = Case::at(&sandbox, ["--user-name", "Bob", "--journal"]);
            Dialogue::start(case.args([kept.path()]).args(keys))
                .shows("[y/N] ")
                .types(b"n\n")
                .end()
                .stops(11, &[DECLINED]);
            let journal = kept.path().exists().then(|| kept.journal());
            assert_eq!(journal.as_deref(), after, "{before:?}");
            assert_eq!(sandbox.keys().len(), 5);
        });
    });
}

#[test]
fn answering_no_removes_no_link_and_no_file_of_another_process() {
    let (sandbox, kept) = (documented(), Kept::new(""));
    let asked = || {
        let args = ["--user-name", "Bob", "--all-keys", "--journal"];
        Dialogue::start(Case::at(&sandbox, args).args([kept.path()])).shows("[y/N] ")
    };
    let target = kept.path().with_extension("target");
    let dialogue = asked();
    fs::rename(kept.path(), &target).expect("a journal");
    symlink(&target, kept.path()).expect("a link");
    let declined = dialogue.types(b"n\n").end().exits(11);
    let _ = declined.prints_nothing().says(&[DECLINED]);
    assert!(kept.path().is_symlink() && target.exists());
    fs::remove_file(kept.path()).expect("a link");

    let dialogue = asked();
    let other = kept.path().with_extension("other");
    fs::write(&other, "other").expect("a file");
    fs::rename(&other, kept.path()).expect("a file");
    let declined = dialogue.types(b"n\n").end().exits(11);
    let _ = declined.prints_nothing().says(&["replaced"]);
    assert_eq!(kept.journal(), "other");

    fs::remove_file(kept.path()).expect("a file");
    let dialogue = asked();
    let longer = kept.journal() + "{}\n";
    fs::write(kept.path(), &longer).expect("a record");
    let declined = dialogue.types(b"n\n").end().exits(11);
    let _ = declined.prints_nothing().says(&[DECLINED]);
    assert_eq!(kept.journal(), longer);
}

#[test]
fn the_hint_for_a_key_that_moves_during_the_question_does_not_ask_for_an_owner_whom_iam_named() {
    type Event = fn(&Sandbox);
    let renamed: Event = |sandbox| sandbox.rename_user("Bob", "Robert");
    let deleted: Event = |sandbox| sandbox.remove_key(BOBS_KEY);
    let gone: Event = |sandbox| {
        sandbox.remove_key(BOBS_KEY);
        sandbox.rename_user("Bob", "Robert");
    };
    let moved = [
        (
            renamed,
            "for keys that belong to other users: ",
            "the user was renamed after IAM reported it as the owner: run the same command again",
        ),
        (
            deleted,
            "for keys that were not found: ",
            "IAM reported its owner during this run, so the key was deleted or the user renamed since then, or IAM's \
             responses contradict each other: run the same command again",
        ),
        (
            gone,
            "for keys that were not found: ",
            "the user was recently renamed or deleted: run the same command again",
        ),
    ];
    let find = format!(
        "the key was deleted or the user renamed since IAM listed it; to find the key's owner: iam-del-key --access-key-id \
         {BOBS_KEY} --find-user --dry-run"
    );
    let of_user = [(deleted, "for keys that were not found: ", find.as_str())];
    let one = ["--access-key-id", BOBS_KEY, "--find-user", "--interactive"];
    let selections = [
        (
            &["--whole-account", "--except-user", "admin"][..],
            &moved[..],
        ),
        // Only the caller names a user, who no longer exists.
        (&["--user-name", "Bob", "--all-keys"], &of_user),
        (&["--find-user", "--from"], &moved),
        (&one, &moved),
    ];
    for (selection, moved) in selections {
        each(moved, |(event, which, why)| {
            let seed = KeySeed::new("Bob", BOBS_KEY);
            let sandbox = Sandbox::builder().key(seed).start();
            let case = Case::at(&sandbox, ["--older-than", "1d"]);
            let list = case.path("list").into_os_string();
            let is_list = selection.ends_with(&["--from"]);
            let list = is_list.then_some(list);
            let case = case.file("list", format!("{BOBS_KEY}\n"));
            let dialogue = Dialogue::start(case.args(selection).args(list)).shows("[y/N] ");
            event(&sandbox);
            let said = dialogue.types(b"y\n").end().exits(3).prints_anything();
            let which = if *selection == one { "" } else { which };
            // A sweep does not read the keys that it deleted. One key is not deleted.
            let option = if is_list {
                " with --ignore-missing"
            } else {
                ""
            };
            let hints = said
                .messages()
                .lines()
                .filter(|line| line.contains("hint:"));
            let hints: Vec<_> = hints.collect();
            assert_eq!(
                hints,
                [format!("hint: {which}{why}{option}")],
                "{}",
                said.messages()
            );
        });
    }
}
