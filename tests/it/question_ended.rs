//! What happens to the question if the run is stopped or ended, or its terminal is closed.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use iam_sandbox::documented::BOB_SECOND_KEY_ID;

use crate::asked::{ASKED, DECLINED, asked};
use crate::case::{BOBS_KEY, Case, DOCUMENTED, actions, documented, each, each_at_once};
use crate::dialogue::Dialogue;
use crate::shell::Shell;

const INTERRUPTED: &str = "iam-del-key: error: interrupted: this run changed nothing\n";

#[test]
fn a_signal_at_the_question_about_several_keys_prints_one_sentence() {
    let keys = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let all = ["--user-name", "Bob", "--all-keys"];
    let with = |format| [&all[..], &["--output", format]].concat();
    let list = vec!["--from", "list.csv", "--deactivate"];
    let cases = [
        (all.to_vec(), "INT", 130),
        (with("table"), "TERM", 143),
        (with("json"), "INT", 130),
        (list, "INT", 130),
    ];
    each(cases, |(args, signal, status)| {
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
        let (_, after) = said.messages().split_once("[y/N] ").expect("one question");
        // Enter was not pressed.
        assert_eq!(after, format!("\n{INTERRUPTED}"));
        let _ = said.says(&[INTERRUPTED]);
        assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    });
}

/// As everywhere: after a signal, keys are not tried, and after a no, they are refused.
#[test]
fn c73_keys_that_a_signal_kept_from_being_changed_were_not_tried() {
    let keys = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOB_SECOND_KEY_ID},Bob\n");
    let declined = format!("iam-del-key: error: {DECLINED}\n");
    let cases = [
        (&b"\x03"[..], 130, INTERRUPTED, "not tried"),
        (b"\x04", 11, &declined, "refused"),
    ];
    each(cases, |(answer, status, sentence, which)| {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--older-than", "30d", "--from"]);
        let path = case.path("list.csv");
        let case = case.args([path]).file("list.csv", &keys);
        let dialogue = Dialogue::start(case).shows("[y/N] ").without_echo();
        let printed = dialogue.types(answer).end().exits(status);
        let said = printed.prints_outcomes(&[("Skipped", 1)]);
        let (_, after) = said.messages().split_once("[y/N] ").expect("one question");
        let counts = format!("result: 2 keys: 1 skipped, 1 {which}\n");
        assert_eq!(after.trim_start(), format!("{sentence}{counts}"));
        let _ = said.says(&[sentence]);
        assert!(sandbox.has_key(BOBS_KEY) && sandbox.has_key(BOB_SECOND_KEY_ID));
    });
}

#[test]
fn c73_a_run_that_was_stopped_asks_again_and_forgets_what_was_typed() {
    let sandbox = documented();
    let case = asked(&sandbox);
    let command = format!("$BINARY {} --interactive", DOCUMENTED.join(" "));
    let screen = Shell::bash(case)
        .types(&format!("{command}\n"))
        .shows(ASKED)
        .types("y\x1a")
        .shows("Stopped")
        .types("fg\n")
        .shows(ASKED)
        .types("ye\x1a")
        .shows("Stopped")
        // The answer is typed before the question appears again.
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
fn c73_input_typed_while_the_run_is_stopped_is_not_an_answer() {
    each([&b"y\n"[..], b"y\ny\n", b"yes\nyes\nyes\n"], |typed| {
        let sandbox = documented();
        let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED).without_echo();
        dialogue.signal("STOP");
        dialogue.is_stopped();
        let dialogue = dialogue.forgets().types(typed);
        dialogue.signal("CONT");
        dialogue
            .shows(ASKED)
            .types(b"n\n")
            .end()
            .stops(11, &[DECLINED]);
        assert!(sandbox.has_key(BOBS_KEY), "{typed:?}");
    });
}

#[test]
fn c73_signals_end_the_question() {
    each([("INT", 130), ("TERM", 143)], |(signal, status)| {
        let sandbox = documented();
        let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED);
        dialogue.signal(signal);
        dialogue.end().stops(status, &[INTERRUPTED]);
        assert!(sandbox.has_key(BOBS_KEY), "{signal}");
    });
    // The signal also works after the run was continued.
    let sandbox = documented();
    let dialogue = Dialogue::start(asked(&sandbox)).shows(ASKED);
    dialogue.signal("STOP");
    dialogue.is_stopped();
    let dialogue = dialogue.forgets();
    dialogue.signal("CONT");
    let dialogue = dialogue.shows(ASKED);
    dialogue.signal("TERM");
    dialogue.end().stops(143, &[INTERRUPTED]);
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

/// Runs a command on a terminal that is closed once it shows this.
fn status_after_closing(case: Case, wrapper: &[&str], last_words: &str) -> ExitStatus {
    let parts = case.into_parts();
    let (terminal, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
    let mut words = wrapper.iter().copied().chain([parts.binary]);
    let mut child = pty_process::blocking::Command::new(words.next().expect("a word"))
        .args(words)
        .args(&parts.args)
        .env_clear()
        .envs(parts.environment)
        .spawn(other_end)
        .expect("the binary starts");
    let mut terminal = File::from(OwnedFd::from(terminal));
    let (mut screen, mut bytes) = (String::new(), [0; 4096]);
    while !screen.contains(last_words) {
        let count = terminal.read(&mut bytes).expect("the words");
        screen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    drop(terminal);
    child.wait().expect("its end")
}

#[test]
fn c73_a_closed_terminal_is_not_an_answer() {
    let one = [&DOCUMENTED[..], &["--interactive"]].concat();
    let cases = [one, vec!["--user-name", "Bob", "--all-keys"]];
    each(cases, |args| {
        let sandbox = documented();
        // The closed terminal sends SIGHUP, and nothing can be written to it.
        let status = status_after_closing(Case::at(&sandbox, args), &[], "[y/N] ");
        assert_eq!(status.code(), Some(129));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f87_a_closed_terminal_does_not_complete_a_list() {
    // A process that `nohup` started ignores SIGHUP.
    let ignoring = ["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""];
    // The terminal is closed before the run begins.
    let script = "trap '' HUP; echo waiting; read line; exec \"$0\" \"$@\"";
    let waiting = ["sh", "-c", script];
    let prompt = "press Ctrl-D";
    let cases = [
        (&[][..], prompt, 129),
        (&ignoring, prompt, 2),
        (&waiting, "waiting", 2),
    ];
    each_at_once(cases, |(wrapper, last_words, expected)| {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--user-name", "Bob", "--yes", "--from", "-"]);
        let status = status_after_closing(case, wrapper, last_words);
        assert_eq!(status.code(), Some(expected));
        assert_eq!(sandbox.connections(), 0);
    });
}
