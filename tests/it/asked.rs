//! The question as it stands on the terminal: which account it names, and what happens when the run is stopped or ended
//! while it is asked.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, SETTLED, actions, documented};
use crate::dialogue::Dialogue;
use crate::journal::Kept;
use crate::many::crowd;
use crate::shell::Shell;

const ASKED: &str = "Delete this key in account 123456789012? It cannot be undone. [y/N] ";
const NOT_CHANGED: &str = "not deleted: no request to change it was sent";
const INTERRUPTED: &str = "iam-del-key: error: interrupted: this run changed nothing\n";
const DECLINED: &str = "not confirmed: this run changed nothing";

fn asked(sandbox: &Sandbox) -> Case {
    Case::documented(sandbox, &["--interactive"])
}

#[test]
fn c14_the_question_names_the_account_that_sts_returns() {
    // The ID of the key that signs encodes 123456789012, and the environment says something else again.
    let page = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                <GetCallerIdentityResult><Arn>arn:aws:iam::222233334444:user/admin</Arn><UserId>x</UserId>\
                <Account>222233334444</Account></GetCallerIdentityResult>\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
    let sandbox = documented();
    let what = What::page(200, "text/xml", page);
    sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
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
    for (what, reason) in [
        (
            What::error(403, "AccessDenied", "no"),
            "An error occurred (AccessDenied) when calling the GetCallerIdentity operation: no",
        ),
        (
            What::page(200, "text/html", "<html>Sign in</html>"),
            "unexpected response from STS at 127.0.0.1",
        ),
        (
            What::ResetAfterActing,
            "no usable response from STS at 127.0.0.1",
        ),
    ] {
        let sandbox = documented();
        sandbox.fault(Fault::new(what).on("GetCallerIdentity").always());
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
    }
    // An address of STS that is none.
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
fn c14_silence_of_sts_is_bounded_and_ended_by_a_signal() {
    let silent = || {
        let sandbox = documented();
        let silence = Fault::new(What::SilenceBeforeActing);
        sandbox.fault(silence.on("GetCallerIdentity").always());
        sandbox
    };
    let sandbox = silent();
    let _ = Dialogue::start(asked(&sandbox).args(["--timeout", "2"]))
        .shows("the account is unknown: STS did not respond within --timeout, 2 s")
        .shows("Delete this key in an unknown account?")
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing()
        .says(&[DECLINED]);
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
fn c14_sts_is_asked_once_and_only_for_a_question() {
    let expected = ["--expect-account", "123456789012"];
    let sandbox = documented();
    let _ = Dialogue::start(asked(&sandbox).args(expected))
        .shows(ASKED)
        .types(b"n\n")
        .end()
        .exits(11)
        .prints_nothing()
        .says(&[DECLINED]);
    let asked_sts = |sandbox: &Sandbox| {
        let actions = actions(sandbox);
        let is_sts = |action: &&String| *action == "GetCallerIdentity";
        actions.iter().filter(is_sts).count()
    };
    assert_eq!(asked_sts(&sandbox), 1);

    for (args, status) in [
        (&["--user-name", "Bob", "--all-keys", "--yes"][..], 0),
        (&["--user-name", "Bob", "--all-keys", "--dry-run"], 0),
        (
            &[
                "--access-key-id",
                BOBS_KEY,
                "--user-name",
                "Bob",
                "-n",
                "-i",
            ],
            0,
        ),
        // No key is chosen, so nobody is asked.
        (
            &["--user-name", "Bob", "--all-keys", "--older-than", "9000d"],
            0,
        ),
        (
            &[
                "--access-key-id",
                BOB_SECOND_KEY_ID,
                "--user-name",
                "Bob",
                "--older-than",
                "9000d",
                "-i",
            ],
            11,
        ),
    ] {
        let sandbox = documented();
        let ended = Dialogue::start(Case::at(&sandbox, args))
            .end()
            .exits(status);
        let output = ended.output().to_owned();
        let said = ended.prints(&output);
        assert!(!said.messages().contains("[y/N]"), "{args:?}");
        assert_eq!(asked_sts(&sandbox), 0, "{args:?}");
    }

    let sandbox = documented();
    let printed = Dialogue::start(Case::at(&sandbox, ["--user-name", "Bob", "--all-keys"]))
        .shows("Delete these 2 keys in account 123456789012? It cannot be undone. [y/N] ")
        .types(b"n\n")
        .end()
        .exits(11);
    let output = printed.output().to_owned();
    let _ = printed.prints(&output).says(&["Bob"]);
    assert_eq!(asked_sts(&sandbox), 1);
    assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(ALICE_KEY_ID));
}

#[test]
fn a_signal_at_the_question_about_several_keys_prints_one_sentence() {
    let keys = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    for (args, signal, status) in [
        (&["--user-name", "Bob", "--all-keys"][..], "INT", 130),
        (
            &["--user-name", "Bob", "--all-keys", "--output", "table"],
            "TERM",
            143,
        ),
        (
            &["--user-name", "Bob", "--all-keys", "--output", "json"],
            "INT",
            130,
        ),
        (&["--from", "list.csv", "--deactivate"], "INT", 130),
    ] {
        let sandbox = documented();
        let case = Case::at(&sandbox, [] as [&str; 0]);
        let path = case.path("list.csv");
        let args = args.iter().map(|arg| match *arg {
            "list.csv" => path.clone().into_os_string(),
            arg => arg.into(),
        });
        let dialogue = Dialogue::start(case.args(args).file("list.csv", &keys)).shows("[y/N] ");
        dialogue.signal(signal);
        let said = dialogue.end().exits(status).prints_nothing();
        let (_, after) = said.messages().split_once("[y/N] ").expect("asked once");
        // Nobody pressed Enter.
        assert_eq!(after, format!("\n{INTERRUPTED}"));
        let _ = said.says(&[INTERRUPTED]);
        assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    }
}

#[test]
fn how_a_deactivation_of_several_keys_can_be_undone_is_said_before_it() {
    let one_by_one = "Deactivate these 6 keys in account 123456789012? It can be undone one key at a time; to undo it with \
                      one command, answer no and add --journal FILE. [y/N] ";
    let at_once = "Deactivate these 2 keys in account 123456789012? It can be undone. [y/N] ";
    let one = "Deactivate this key in account 123456789012? It can be undone. [y/N] ";
    for (more, question) in [
        // One command names a few keys.
        (&["--output", "table"][..], at_once),
        (&["--output", "json"], at_once),
        // Standard output is a pipe.
        (&[], at_once),
        (&["--output", "table", "--journal", "JOURNAL"], at_once),
        (&["--output", "table", "--older-than", "300d"], one),
    ] {
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
        let _ = Dialogue::start(case.args(more))
            .shows(question)
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing()
            .says(&[DECLINED]);
    }
    for more in [
        ["--output", "table"],
        ["--output", "off"],
        ["--query", "AccessKeyId"],
    ] {
        let (sandbox, list) = crowd(6);
        let case = Case::at(&sandbox, ["--deactivate"]).file("list.csv", list);
        let path = case.path("list.csv");
        let _ = Dialogue::start(case.args(["--from"]).args([path]).args(more))
            .shows(one_by_one)
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing()
            .says(&[DECLINED]);
    }
}

#[test]
fn c73_a_run_that_was_stopped_asks_again_and_forgets_what_was_typed() {
    let sandbox = documented();
    let case = asked(&sandbox);
    let parts = [
        "--access-key-id",
        BOBS_KEY,
        "--user-name",
        "Bob",
        "--interactive",
    ];
    let command = format!("$BINARY {}", parts.join(" "));
    let screen = Shell::bash(case)
        .types(&format!("{command}\n"))
        .shows(ASKED)
        .types("y\x1a")
        .shows("Stopped")
        .types("fg\n")
        .shows(ASKED)
        .types("ye\x1a")
        .shows("Stopped")
        // The answer is typed before the question is there again.
        .types("fg\ny\n")
        .shows(ASKED)
        .types("n\n")
        .shows(DECLINED)
        .end();
    assert_eq!(screen.matches("[y/N]").count(), 3, "{screen}");
    assert!(sandbox.has_key(BOBS_KEY));

    let _ = Shell::bash(asked(&sandbox))
        .types(&format!("{command}\n"))
        .shows(ASKED)
        .types("\x1a")
        .shows("Stopped")
        .types("fg\n")
        .shows(ASKED)
        .types("y\n")
        .shows("ResponseMetadata")
        .end();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c73_what_is_typed_while_the_run_is_stopped_answers_nothing() {
    for typed in [&b"y\n"[..], b"y\ny\n", b"yes\nyes\nyes\n"] {
        let sandbox = documented();
        let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED).without_echo();
        dialogue.signal("STOP");
        dialogue.is_stopped();
        let dialogue = dialogue.forgets().types(typed);
        dialogue.signal("CONT");
        let _ = dialogue
            .shows(ASKED)
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing()
            .says(&[DECLINED]);
        assert!(sandbox.has_key(BOBS_KEY), "{typed:?}");
    }
}

#[test]
fn c73_signals_end_the_question() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let sandbox = documented();
        let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED);
        dialogue.signal(signal);
        let _ = dialogue
            .end()
            .exits(status)
            .prints_nothing()
            .says(&[INTERRUPTED]);
        assert!(sandbox.has_key(BOBS_KEY), "{signal}");
    }
    // After it went on, too.
    let sandbox = documented();
    let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED);
    dialogue.signal("STOP");
    dialogue.is_stopped();
    let dialogue = dialogue.forgets();
    dialogue.signal("CONT");
    let dialogue = dialogue.shows(ASKED);
    dialogue.signal("TERM");
    let _ = dialogue
        .end()
        .exits(143)
        .prints_nothing()
        .says(&[INTERRUPTED]);
    assert!(sandbox.has_key(BOBS_KEY));

    let sandbox = documented();
    let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED);
    dialogue.signal("HUP");
    assert!(!dialogue.status().success());
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

#[test]
fn c73_a_terminal_that_is_closed_is_no_answer() {
    for args in [
        &[
            "--access-key-id",
            BOBS_KEY,
            "--user-name",
            "Bob",
            "--interactive",
        ][..],
        &["--user-name", "Bob", "--all-keys"],
    ] {
        let sandbox = documented();
        let parts = Case::at(&sandbox, args).into_parts();
        let (terminal, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
        let mut child = pty_process::blocking::Command::new(parts.binary)
            .args(&parts.args)
            .env_clear()
            .envs(parts.environment)
            .spawn(other_end)
            .expect("the binary starts");
        let mut terminal = File::from(OwnedFd::from(terminal));
        let (mut screen, mut bytes) = (String::new(), [0; 4096]);
        while !screen.contains("[y/N] ") {
            let count = terminal.read(&mut bytes).expect("the question");
            screen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        drop(terminal);
        // It sends SIGHUP, and nothing can be written to it any more.
        let status = child.wait().expect("its end");
        assert_eq!(status.code(), Some(129), "{args:?}");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn an_answer_of_no_leaves_no_new_journal_behind() {
    let head = "{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"123456789012\"}\n";
    for keys in [&["--all-keys"][..], &["--access-key-id", BOBS_KEY, "-i"]] {
        for (before, after) in [
            (None, None),
            (Some(""), Some(head)),
            (Some(head), Some(head)),
        ] {
            let (sandbox, kept) = (documented(), Kept::new(""));
            if let Some(text) = before {
                fs::write(kept.path(), text).expect("a journal");
            }
            let case = Case::at(&sandbox, ["--user-name", "Bob", "--journal"]);
            let _ = Dialogue::start(case.args([kept.path()]).args(keys))
                .shows("[y/N] ")
                .types(b"n\n")
                .end()
                .exits(11)
                .prints_nothing()
                .says(&[DECLINED]);
            let journal = kept.path().exists().then(|| kept.journal());
            assert_eq!(journal.as_deref(), after, "{before:?}");
            assert_eq!(sandbox.keys().len(), 5);
        }
    }
}

#[test]
fn an_answer_of_no_removes_no_link_and_no_file_of_another_process() {
    let (sandbox, kept) = (documented(), Kept::new(""));
    let asked = || {
        let args = ["--user-name", "Bob", "--all-keys", "--journal"];
        Dialogue::start(Case::at(&sandbox, args).args([kept.path()])).shows("[y/N] ")
    };
    let target = kept.path().with_extension("target");
    symlink(&target, kept.path()).expect("a link");
    let declined = asked().types(b"n\n").end().exits(11);
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
