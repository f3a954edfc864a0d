//! A credential process on a terminal: it may ask questions, its messages are shown, and it is ended with its children.

use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{BOBS_KEY, Case, DELETED, documented};
use crate::credentials::{LATER, json, with_config};
use crate::dialogue::Dialogue;
use crate::process::ends;

/// A run with a credential process that runs `script` and may print `answer.json`.
fn with_script(case: Case, answer: &str, script: &str) -> Case {
    let home = case.path("").display().to_string();
    case.file("answer.json", answer)
        .file("process.sh", format!("cd '{home}'\n{script}"))
        .file(
            ".aws/config",
            format!("[default]\ncredential_process = sh '{home}/process.sh'\n"),
        )
}

const ASKS: &str =
    "printf 'Token: ' >/dev/tty; read x </dev/tty; test \"$x\" = 123456 && cat answer.json\n";

#[test]
fn c07_a_credential_process_asks_on_the_terminal() {
    let sandbox = documented();
    let case = with_script(
        with_config(&sandbox, ""),
        &json(&sandbox.session(), LATER),
        ASKS,
    );
    let dialogue = Dialogue::start(case).shows("Token: ").types(b"123456\r");
    let printed = dialogue.end().exits(0).prints(DELETED);
    assert!(
        !printed.messages().contains("error:"),
        "{}",
        printed.messages()
    );
    assert_eq!(
        sandbox.requests()[0].key_id.as_deref(),
        Some(SESSION_KEY_ID)
    );
    let _ = printed.says(&["Token: "]);
}

#[test]
fn c07_its_standard_error_is_shown_and_it_may_read_standard_input() {
    let sandbox = documented();
    let script = "echo 'Touch your key...' >&2; read x; test \"$x\" = yes && cat answer.json\n";
    let case = with_script(
        with_config(&sandbox, ""),
        &json(&sandbox.session(), LATER),
        script,
    );
    let dialogue = Dialogue::start(case)
        .shows("Touch your key...")
        .types(b"yes\r");
    let _ = dialogue
        .end()
        .exits(0)
        .prints(DELETED)
        .says(&["Touch your key...\n"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn c07_ctrl_c_ends_a_credential_process_and_the_run() {
    for script in [
        ASKS.to_owned(),
        // The process does not end by itself, and switches the echo off.
        format!(
            "trap '' INT\nstty -echo </dev/tty\necho $$ > ids\nsleep 300 &\necho $! >> ids\n{ASKS}sleep 300\n"
        ),
    ] {
        let sandbox = documented();
        let case = with_script(with_config(&sandbox, ""), "", &script);
        let ids = case.path("ids");
        let keeps_on = script.contains("trap");
        let dialogue = Dialogue::start(case).shows("Token: ");
        let ids: Vec<String> = std::fs::read_to_string(ids)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect();
        assert_eq!(ids.len(), if keeps_on { 2 } else { 0 });
        let dialogue = dialogue.types(b"\x03");
        let ended = dialogue.end().exits(130).prints_nothing();
        let _ = ended
            .says(&["interrupted"])
            .ends_with("not deleted: nothing was sent to IAM");
        for id in &ids {
            assert!(ends(id), "{id} outlived the run");
        }
        assert_eq!(sandbox.connections(), 0);
    }
}

#[test]
fn c07_the_timeout_ends_a_credential_process_and_its_children_in_a_terminal_too() {
    let sandbox = documented();
    let script = format!("echo $$ > ids\n(sleep 300 & echo $! >> ids)\n{ASKS}");
    let case = with_script(with_config(&sandbox, ""), "", &script).args(["--timeout", "2"]);
    let ids = case.path("ids");
    let dialogue = Dialogue::start(case).shows("Token: ");
    let ids = std::fs::read_to_string(ids).expect("the process wrote its ID");
    let ended = dialogue.end().exits(7).prints_nothing();
    let _ = ended
        .says(&["no credentials within 2 s"])
        .ends_with("not deleted: nothing was sent to IAM");
    for id in ids.lines() {
        assert!(ends(id), "{id} outlived the run");
    }
}
