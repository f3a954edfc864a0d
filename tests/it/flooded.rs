//! A question on a terminal to which another program writes all the time, such as `tail -f` in the background.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use crate::asked::{ASKED, asked};
use crate::case::{Case, documented, each_at_once};
use crate::code_prompt::PROMPT;
use crate::mfa::{case, guarded};

/// Answers the question of a run on such a terminal, and returns its exit status. The terminal is read so slowly that the other
/// program always waits.
fn answer_question(case: Case, question: &str, answer: &[u8]) -> Option<i32> {
    let (terminal, other_end) = pty_process::blocking::open().expect("a pseudo-terminal");
    let parts = case.into_parts();
    // The system ends the other program when the first program of this terminal ends.
    let script = "yes 'log line' >&2 & exec \"$0\" \"$@\"";
    let mut child = pty_process::blocking::Command::new("sh")
        .args(["-c", script, parts.binary])
        .args(&parts.args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(parts.environment)
        .stdout(Stdio::null())
        .spawn(other_end)
        .expect("the binary starts");
    let mut screen = std::fs::File::from(OwnedFd::from(terminal));
    let (mut seen, mut bytes) = (String::new(), [0; 512]);
    let mut is_answered = false;
    // On Linux, a closed terminal is reported as an error.
    while let Ok(count @ 1..) = screen.read(&mut bytes) {
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]).replace("log line\r\n", ""));
        if !is_answered && seen.contains(question) {
            screen.write_all(answer).expect("the terminal takes it");
            is_answered = true;
        }
    }
    assert!(is_answered, "not asked: {seen}");
    child.wait().expect("its end").code()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs the end of the terminal")]
fn a_question_is_asked_while_another_program_writes_to_the_terminal() {
    // Whether a write has to wait depends on chance.
    each_at_once(0..8, |_| {
        let sandbox = documented();
        assert_eq!(answer_question(asked(&sandbox), ASKED, b"y\n"), Some(0));
        let sandbox = guarded(&["755224"]);
        assert_eq!(
            answer_question(case(&sandbox), PROMPT, b"755224\n"),
            Some(0)
        );
    });
}
