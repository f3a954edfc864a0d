//! Colors: only on a terminal, and not if they are disabled.

use crate::asked::{ASKED, asked};
use crate::case::{BOBS_KEY, Case, binary, documented, each};
use crate::dialogue::Dialogue;

#[test]
fn f65_no_colors_without_a_terminal() {
    let sandbox = documented();
    let cases = [
        Case::documented(&sandbox, &["--region", "a b"]),
        Case::documented(&sandbox, &["--region", "a b"]).env("TERM", "xterm-256color"),
        Case::documented(&sandbox, &["--region", "a b"])
            .env("LANG", "C")
            .env("LC_ALL", "C"),
        Case::documented(&sandbox, &["--region", "a b", "--color", "off"]).env("TERM", "xterm"),
    ];
    each(cases, |case| {
        let said = case.run().exits(7).prints_nothing();
        assert!(!said.messages().contains('\u{1b}'));
        let _ = said.says(&["iam-del-key: error: "]);
    });
    let said = Case::documented(&sandbox, &["--region", "a b", "--color", "on"])
        .run()
        .exits(7)
        .prints_nothing();
    assert!(
        said.messages().contains("\u{1b}["),
        "no color although it was requested"
    );
    let _ = said.says(&["error:"]);
}

/// Runs on a pseudo-terminal that `script` creates, and returns the terminal's output.
fn on_a_terminal(environment: &[(&str, &str)]) -> String {
    let binary = binary();
    let output = std::process::Command::new("script")
        .args([
            "-qec",
            &format!("{binary} --access-key-id {BOBS_KEY} --region 'a b'"),
            "/dev/null",
        ])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .envs(environment.iter().copied())
        .output()
        .expect("script starts");
    assert_eq!(output.status.code(), Some(7));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "needs the script command of util-linux"
)]
fn f65_colors_on_a_terminal_unless_disabled() {
    assert!(on_a_terminal(&[("TERM", "xterm")]).contains("\u{1b}["));
    assert!(!on_a_terminal(&[("TERM", "xterm"), ("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!on_a_terminal(&[("TERM", "dumb")]).contains('\u{1b}'));
    assert!(!on_a_terminal(&[]).contains('\u{1b}'));
}

#[test]
fn the_table_before_a_question_is_colored_like_the_messages() {
    let sandbox = documented();
    for (color, terminal, is_colored) in [("off", "xterm", false), ("on", "dumb", true)] {
        let case = asked(&sandbox).args(["--color", color]);
        let said = Dialogue::start(case.env("TERM", terminal))
            .shows(ASKED)
            .types(b"n\n")
            .end()
            .exits(11)
            .prints_nothing();
        let is_bold = said.messages().contains("\u{1b}[1mACCESS KEY ID ");
        assert_eq!(is_bold, is_colored, "{}", said.messages());
        assert!(is_colored || !said.messages().contains('\u{1b}'));
        let _ = said.says(&[BOBS_KEY]);
    }
}
