//! Standard streams that another program, such as Node.js or ssh, made non-blocking: the run waits as usual.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _, pipe};
use std::process::{Command, Stdio};

use iam_sandbox::Sandbox;

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, binary, documented};
use crate::running::Running;
use crate::streams::wait_for;

/// Starts a run that reads a list from an empty non-blocking pipe.
fn waiting(sandbox: &Sandbox) -> (Running, File) {
    let case = Case::at(sandbox, ["--user-name", "Bob", "--from", "-"]);
    let list = case.path("list");
    let made = Command::new("mkfifo").arg(&list).status();
    assert!(made.expect("mkfifo starts").success());
    let script = "exec < \"$LIST\"; dd iflag=nonblock count=0 status=none; exec \"$0\" \"$@\"";
    let case = case.env("LIST", &list);
    let running = case.start_under(Some(&["sh", "-c", script]));
    let writer = OpenOptions::new().write(true).open(&list).expect("a pipe");
    wait_for(|| running.threads().contains(&"blocking".to_owned()));
    (running, writer)
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs GNU dd")]
fn a_list_from_a_non_blocking_pipe_is_waited_for() {
    let sandbox = documented();
    let (running, mut writer) = waiting(&sandbox);
    write!(writer, "{}", &BOBS_KEY[..7]).expect("a reader");
    writeln!(writer, "{}", &BOBS_KEY[7..]).expect("a reader");
    drop(writer);
    let _ = running
        .end()
        .exits(0)
        .prints_outcome("Deleted")
        .says(&["1 key: 1 deleted"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs GNU dd")]
fn a_signal_ends_the_wait_for_a_non_blocking_pipe() {
    let sandbox = documented();
    let (running, _writer) = waiting(&sandbox);
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_nothing()
        .says_exactly("iam-del-key: error: interrupted\nresult: no key was changed\n");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn help_waits_for_the_reader_of_a_non_blocking_pipe() {
    let help = |stdout: Stdio| {
        let mut command = Command::new(binary());
        command
            .arg("--help")
            .env_clear()
            .stdin(Stdio::null())
            .stdout(stdout);
        command
            .spawn()
            .expect("the binary starts")
            .wait_with_output()
    };
    let expected = help(Stdio::piped()).expect("its end").stdout;
    let (mut reader, mut writer) = pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("a non-blocking pipe");
    let mut before = 0;
    while let Ok(count) = writer.write(&[b' '; 4096]) {
        before += count;
    }
    let mut command = Command::new(binary());
    command
        .arg("--help")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(writer);
    let mut child = command.spawn().expect("the binary starts");
    // The test keeps the other handle to the pipe.
    drop(command);
    let stat = format!("/proc/{}/stat", child.id());
    wait_for(|| std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") R ")));
    let mut shown = Vec::new();
    reader.read_to_end(&mut shown).expect("the help");
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    assert!(
        shown[before..] == expected,
        "{}",
        String::from_utf8_lossy(&shown[before..])
    );
}
