//! A machine with few resources or another problem: threads, disk, a silent name server, a crash.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{BOBS_KEY, Case, DELETED, documented, each_at_once};
use crate::completion::complete_at;
use crate::dialogue::Dialogue;
use crate::intent::started;
use crate::journal::Kept;
use crate::many::{crowd, from_stdin, left, outcomes, rows};
use crate::running::Running;
use crate::streams::wait_for;

const SOON: Duration = Duration::from_secs(20);

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f68_a_crash_leaves_no_core_dump() {
    let run: fn(&Sandbox) -> Case = |sandbox| Case::documented(sandbox, &[]);
    let completion: fn(&Sandbox) -> Case = |sandbox| complete_at(sandbox, &["--user-name", ""]);
    for case in [run, completion] {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        let mut running =
            case(&sandbox).start_under(Some(&["prlimit", "--core=unlimited:unlimited"]));
        assert!(sandbox.wait_for_requests(1, SOON));
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.child.id()));
        let limits = limits.expect("a run to look at");
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        assert!(core.is_some_and(|line| line.contains(" 0 ")), "{limits}");
        running.signal("ABRT");
        let status = running.child.wait().expect("its end");
        assert!(status.signal() == Some(6) && !status.core_dumped());
    }
}

/// A library that is loaded before the system library and replaces some of its functions with `source`.
pub(crate) fn stand_in(folder: &Path, source: &str) -> PathBuf {
    let (code, library) = (folder.join("stand-in.c"), folder.join("stand-in.so"));
    std::fs::write(&code, source).expect("a file");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &code])
        .status();
    assert!(status.expect("a C compiler").success());
    library
}

/// No thread can be created, from the start or after the first.
const NO_THREADS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
int pthread_create(void *thread, const void *attributes, void *(*start)(void *), void *argument) {
    static int made;
    if (made++ >= atoi(getenv("THREADS"))) return EAGAIN;
    int (*next)(void *, const void *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    return next(thread, attributes, start, argument);
}
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f66_no_thread_can_be_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), NO_THREADS);
    // The thread of the journal.
    let (sandbox, list) = crowd(3);
    let journal = folder.path().join("done.jsonl");
    let case = Case::at(&sandbox, ["--from", "-", "--journal"]).args([&journal]);
    let case = case.input(list.as_bytes()).env("THREADS", "0");
    let _ = case
        .env("LD_PRELOAD", &library)
        .run()
        .exits(1)
        .prints_nothing()
        .says(&[
            "cannot start a thread for the journal ",
            ": Resource temporarily unavailable (os error 11)\nhint: this user or this machine has reached its limit of \
             processes or memory: end some processes\nresult: ",
        ])
        .ends_with("no key was changed");
    assert_eq!(sandbox.connections(), 0);
    // The thread that resolves the host name.
    let by_name = sandbox.url().replace("127.0.0.1", "localhost");
    let case = Case::documented(&sandbox, &["--endpoint-url", &by_name]);
    let _ = case
        .env("THREADS", "0")
        .env("LD_PRELOAD", &library)
        .run()
        .exits(1)
        .prints_nothing()
        .says(&["aborted at ", "not enough memory or threads"])
        .ends_with("not deleted: nothing was sent to IAM");
    // The threads that read, open and write the journal are the last ones. The journal says that the key was started.
    let kept = started();
    let case = Case::documented(&sandbox, &["--endpoint-url", &by_name, "--journal"]);
    let _ = case
        .args([kept.path()])
        .env("THREADS", "3")
        .env("LD_PRELOAD", &library)
        .run()
        .exits(10)
        .prints_nothing()
        .says(&["aborted at ", "check with: "])
        .ends_with(&format!(
            "unknown: an earlier run started to change it, and the result is unknown; \
             check with: aws iam list-access-keys --user-name=Bob --endpoint-url {by_name}"
        ));
    assert!(sandbox.has_key(BOBS_KEY));
    assert_eq!(left(&sandbox, 3), 3);
    // Nothing else needs a thread.
    let case = Case::documented(&sandbox, &[]).env("THREADS", "0");
    let ended = case.env("LD_PRELOAD", &library).run();
    let _ = ended.exits(0).prints(DELETED).says_nothing();
}

/// A name server that never responds. It creates a file when it gets a request.
pub(crate) const SILENT_NAME_SERVER: &str = r#"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const void *hints, void **found) {
    close(creat(getenv("ASKED"), 0600));
    for (;;) pause();
}
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f40_a_name_server_that_is_silent() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), SILENT_NAME_SERVER);
    let asked = folder.path().join("asked");
    let sandbox = documented();
    let case = |limit: &str| {
        let args = [
            "--endpoint-url",
            "https://iam.invalid",
            "--cli-connect-timeout",
            limit,
        ];
        let case = Case::documented(&sandbox, &args).env("ASKED", &asked);
        case.env("LD_PRELOAD", &library)
    };
    let _ = case("1")
        .run()
        .exits(9)
        .prints_outcome("Failed")
        .says(&[
            "could not reach IAM at iam.invalid",
            "its name could not be resolved within 1 s",
        ])
        .ends_with("not deleted: nothing was sent to IAM")
        .within(SOON);
    std::fs::remove_file(&asked).expect("a request to the name server");
    let running = case("60").start();
    wait_for(|| asked.exists());
    let pressed = Instant::now();
    running.signal("INT");
    let ended = running.end();
    assert!(
        pressed.elapsed() < Duration::from_secs(10),
        "it went on waiting"
    );
    let _ = ended
        .exits(130)
        .prints_outcome("NotTried")
        .says(&["interrupted"])
        .ends_with("not deleted: nothing was sent to IAM");
    assert_eq!(sandbox.connections(), 0);
}

/// Limits the size of each file, like a full disk, except for the name of the error.
fn room_for(bytes: usize) -> String {
    format!("trap '' XFSZ; exec prlimit --fsize={bytes} \"$0\" \"$@\"")
}

fn with_room_for(case: Case, bytes: usize) -> Running {
    case.start_under(Some(&["sh", "-c", &room_for(bytes)]))
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f85_a_disk_that_fills_up_under_the_journal_loses_no_key() {
    let (sandbox, list) = crowd(50);
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("done.jsonl");
    let case = |room| {
        let args = ["--from", "-", "--jobs", "4", "--journal"];
        // IAM lists each key before its deletion, so its later absence proves the deletion.
        let case = Case::at(&sandbox, args).args([&journal]);
        let case = case.args(["--older-than", "1d"]);
        with_room_for(case.input(list.as_bytes()), room).end()
    };
    let settled = || {
        let text = std::fs::read_to_string(&journal).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole.filter(|line| line.contains("\"Deleted\"")).count()
    };
    for room in [100, 2_000, 4_700] {
        let before = settled();
        let printed = case(room).exits(1);
        let output = printed.output().to_owned();
        let counted = outcomes(&output);
        let said = printed.prints(&output);
        // A deletion without a record is reported on standard error. The next run verifies and reports it.
        let unrecorded = ": deleted, but the journal may not record it";
        let recorded = std::fs::read_to_string(&journal).unwrap_or_default();
        let recorded = recorded.split_inclusive('\n');
        let recorded: Vec<_> = recorded
            .filter(|line| line.ends_with('\n') && line.contains("\"Deleted\""))
            .collect();
        let messages = said.messages().lines();
        let unrecorded: Vec<_> = messages.filter(|line| line.contains(unrecorded)).collect();
        for line in &unrecorded {
            let id = line.split(": ").nth(2).expect("an ID");
            assert!(!recorded.iter().any(|line| line.contains(id)), "{line}");
        }
        let unrecorded = unrecorded.len();
        let told: usize = counted.iter().map(|(_, count)| count).sum();
        assert_eq!(told + unrecorded, 50 - before, "{counted:?}");
        let gone = counted.iter().find(|(name, _)| name == "Deleted");
        let gone = gone.map_or(0, |(_, count)| *count);
        assert!(
            gone + unrecorded + before >= 50 - left(&sandbox, 50),
            "{counted:?}"
        );
        let counts = [
            (gone + unrecorded, "deleted"),
            (50 - before - gone - unrecorded, "not tried"),
            (before, "finished by an earlier run"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        let _ = said
            .says(&[
                "the run was aborted: cannot write the journal ",
                "File too large",
            ])
            .ends_with(&format!("50 keys: {}", counts.join(", ")));
    }
    let before = settled();
    assert!(before > 0 && left(&sandbox, 50) > 0);
    // With free space again, the run does the rest and verifies what was started.
    let printed = case(1 << 20).exits(0);
    let output = printed.output().to_owned();
    let _ = printed
        .prints(&output)
        .says(&["finished by an earlier run"])
        .ends_with(&format!(
            "50 keys: {} deleted, {before} finished by an earlier run",
            50 - before
        ));
    assert_eq!(left(&sandbox, 50), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f85_a_disk_that_fills_up_under_one_keys_journal_leaves_what_is_known_as_the_last_line() {
    // Room for the first record alone, and for the intent too.
    for (room, outcome, known) in [
        (100, "\"Outcome\":\"NotTried\"", "not deactivated"),
        // The next run prints the result that was not recorded.
        (230, "", "deactivated"),
    ] {
        let sandbox = documented();
        let folder = tempfile::tempdir().expect("a folder");
        let case = Case::documented(&sandbox, &["--deactivate", "--journal"]);
        let case = case.args([folder.path().join("done.jsonl")]);
        let printed = with_room_for(case, room).end().exits(1);
        let output = printed.output().to_owned();
        assert!(output.contains(outcome) && output.is_empty() == outcome.is_empty());
        let _ = printed
            .prints(&output)
            .says(&[
                "the run was aborted: cannot write the journal ",
                "File too large (os error 27)\nhint: raise the limit of file sizes (`ulimit -f`)\nresult: ",
            ])
            .ends_with(&format!("{BOBS_KEY}: {known}"));
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f85_a_disk_that_fills_up_under_a_long_list_changes_nothing() {
    let (sandbox, _) = crowd(1);
    let list = (0..20_000).fold(String::new(), |list, n| {
        list + &format!("AKIAAAAAAAAAA{n:07}\n")
    });
    // There is room for the start of each file of the list.
    let case = Case::at(&sandbox, ["--from", "-", "--user-name", "Bob"]);
    let ended = with_room_for(case.input(list.as_bytes()), 18_000).end();
    let _ = ended
        .exits(1)
        .prints_nothing()
        .says(&["cannot store the list in ", "File too large"])
        .ends_with("no key was changed");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f85_a_disk_that_fills_up_before_the_question_loses_no_key() {
    const KEYS: usize = 7_000;
    let (sandbox, list) = crowd(KEYS);
    // The selection is larger than the memory buffer, and the disk has no room for it.
    let case = Case::at(&sandbox, ["--interactive", "--jobs", "32", "--from"]);
    let path = case.path("list.csv");
    let case = case.file("list.csv", &list).args([path]);
    let dialogue = Dialogue::start_under(case, &["sh", "-c", &room_for(1 << 19)]);
    let printed = dialogue.end().exits(1);
    let output = printed.output().to_owned();
    assert_eq!(outcomes(&output), [("NotTried".to_owned(), KEYS)]);
    let _ = printed
        .prints(&output)
        .says(&["the run was aborted: File too large"])
        .ends_with("7000 keys: 7000 not tried");
    assert_eq!(left(&sandbox, KEYS), KEYS);
}

/// The disk has room for the intents, and none for the results.
pub(crate) const NO_ROOM_FOR_RESULTS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t write(int file, const void *text, size_t size) {
    if (file > 2 && memmem(text, size, "\"Outcome\"", 9)) { errno = ENOSPC; return -1; }
    return syscall(SYS_write, file, text, size);
}
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD and /dev/full")]
fn a_hint_says_to_free_disk_space_before_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), NO_ROOM_FOR_RESULTS);
    let (sandbox, list) = crowd(3);
    let kept = Kept::new(&list);
    let case = kept.case(&sandbox, &["--jobs", "1", "--older-than", "1d"]);
    let printed = case.env("LD_PRELOAD", &library).run().exits(1);
    let _ = printed
        .prints_anything()
        .says(&[
            "hint: to continue, free disk space, and then run the same command again; keys that the journal records as finished \
             are skipped\n",
        ])
        .ends_with("3 keys: 1 deleted, 2 not tried");
    let (sandbox, list) = crowd(3);
    let case = from_stdin(&sandbox, &list, &["--jobs", "1"]);
    let printed = case
        .start_under(Some(&["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"]))
        .end()
        .exits(1);
    let _ = printed.prints_nothing().says(&[
        "hint: to continue, free disk space or write the results elsewhere, and then run the same command again with \
         --ignore-missing\n",
    ]);
}

/// The next run would call a key unknown if the journal says that its change was started.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn a_journal_on_a_full_disk_has_no_key_that_was_not_tried() {
    each_at_once((100..3000).step_by(61).collect::<Vec<_>>(), |room| {
        let (sandbox, list) = crowd(12);
        let kept = Kept::new(&list);
        let case = kept.case(&sandbox, &["--jobs", "6", "--older-than", "1d"]);
        let printed = with_room_for(case, room).end().exits(1);
        let journal = kept.journal();
        for row in rows(printed.output()) {
            let id = row["AccessKeyId"].as_str().expect("an ID");
            let is_tried = row["Outcome"] == "Deleted";
            assert_eq!(sandbox.has_key(id), !is_tried, "{row}");
            assert_eq!(journal.contains(id), is_tried, "{row} {journal}");
        }
        let _ = printed.prints_anything().says(&["File too large"]);
    });
}
