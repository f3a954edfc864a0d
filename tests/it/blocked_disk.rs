//! The disk of the journal does not respond, temporarily or forever.

use std::path::{Path, PathBuf};

use iam_sandbox::{Fault, Status, What};

use crate::blocked::{SIGNALS, interrupt};
use crate::case::{BOBS_KEY, Case, DELETED, actions, documented, each_at_once};
use crate::journal::ACCOUNT;
use crate::low_resources::stand_in;
use crate::running::Running;
use crate::streams::wait_for;

/// A file operation of the journal that does not return before the file `FREED` exists. `BLOCKED` names the operation and its
/// number.
const BLOCKED_DISK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static void wait_at(const char *name) {
    static int calls;
    const char *blocked = getenv("BLOCKED");
    size_t length = strlen(name);
    if (strncmp(blocked, name, length) || ++calls != atoi(blocked + length)) return;
    close(creat(getenv("ASKED"), 0600));
    while (syscall(SYS_faccessat, AT_FDCWD, getenv("FREED"), F_OK)) usleep(1000);
}
static int is_journal(const char *path) { return path && !strcmp(path, getenv("JOURNAL")); }
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int fdatasync(int file) { wait_at("fdatasync "); return NEXT(fdatasync)(file); }
int fsync(int file) { wait_at("fsync "); return NEXT(fsync)(file); }
int flock(int file, int what) { wait_at("flock "); return NEXT(flock)(file, what); }
int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found) {
    if (is_journal(path)) wait_at("statx ");
    return NEXT(statx)(folder, path, flags, mask, found);
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (is_journal(path)) wait_at("open ");
    return NEXT(open64)(path, flags, mode);
}
"#;

const NOT_SENT: &str = "not deleted: nothing was sent to IAM";
const NOT_CHANGED: &str = "not deleted: no request to change it was sent";
const UNREAD: &str = "unknown: the results of earlier runs are unknown: the journal was not read";
const INTERRUPTED: &str = "interrupted";
const NO_DISK: &str = "the run was aborted: the journal's disk is not responding";
const UNCHECKED: &str = "interrupted: the journal's disk is not responding";

/// A case whose journal is on a disk that does not respond to one call.
struct Disk {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = stand_in(folder.path(), BLOCKED_DISK);
        Self { folder, library }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a run, and waits until the disk blocks it.
    fn start(&self, case: Case, name: &str, blocked: &str) -> Running {
        let asked = self.path(&format!("{name}.asked"));
        let running = case
            .env("LD_PRELOAD", &self.library)
            .env("BLOCKED", blocked)
            .env("JOURNAL", self.path(name))
            .env("ASKED", &asked)
            .env("FREED", self.path(&format!("{name}.freed")))
            .start();
        wait_for(|| asked.exists());
        running
    }

    fn free(&self, name: &str) {
        std::fs::write(self.path(&format!("{name}.freed")), "").expect("a file");
    }
}

/// A journal of a run that finished no key.
fn started(path: &Path) {
    let head = format!("{{\"Journal\":1,\"Action\":\"delete\",\"AccountId\":\"{ACCOUNT}\"}}\n");
    std::fs::write(path, head).expect("a journal");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f111_a_signal_ends_the_wait_for_the_journals_disk() {
    let disk = Disk::new();
    let steps = [
        // The run looks for the journal and reads it first.
        ("new", "statx 1", INTERRUPTED, UNREAD),
        ("json", "statx 1", INTERRUPTED, UNREAD),
        ("old", "open 1", INTERRUPTED, UNREAD),
        ("old", "flock 1", INTERRUPTED, UNREAD),
        // The run creates it, and writes its name and its first record.
        ("new", "open 1", INTERRUPTED, NOT_SENT),
        ("new", "fsync 1", INTERRUPTED, NOT_SENT),
        ("new", "flock 1", INTERRUPTED, NOT_SENT),
        ("new", "fdatasync 1", INTERRUPTED, NOT_SENT),
        // The run checks the file and writes the intent.
        ("new", "statx 2", INTERRUPTED, NOT_CHANGED),
        ("new", "fdatasync 2", INTERRUPTED, NOT_CHANGED),
        // The run writes the result and checks the file for the last time.
        ("new", "fdatasync 3", NO_DISK, "deleted"),
        ("new", "statx 3", UNCHECKED, "deleted"),
    ];
    let cells = steps.iter().zip(0..).zip(SIGNALS.into_iter().cycle());
    each_at_once(
        cells,
        |(((kind, blocked, error, known), number), signal)| {
            for (more, (signal, status)) in [("", signal), ("twice", ("INT", 130))] {
                let name = format!("{number}{more}");
                let sandbox = documented();
                let args = ["--access-key-id", BOBS_KEY, "--user-name", "Bob"];
                let case = match *kind {
                    "json" => {
                        let key =
                            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\"}}");
                        Case::at(&sandbox, ["--cli-input-json", &key])
                    }
                    _ => Case::at(&sandbox, args),
                };
                let case = case.args(["--journal"]).args([disk.path(&name)]);
                if *kind == "old" {
                    started(&disk.path(&name));
                }
                let running = disk.start(case.with_default_output(), &name, blocked);
                if more == "twice" {
                    running.signal("INT");
                }
                let printed = interrupt(running, signal).exits(status);
                let output = printed.output().to_owned();
                assert_eq!(
                    output,
                    if *error == UNCHECKED { DELETED } else { "" },
                    "{blocked}"
                );
                let _ = printed.prints(&output).says_exactly(&format!(
                    "iam-del-key: error: {error}\nresult: {BOBS_KEY}: {known}\n"
                ));
                assert_eq!(sandbox.has_key(BOBS_KEY), *known != "deleted", "{blocked}");
                disk.free(&name);
            }
        },
    );
}

/// A time limit in seconds, and a run with that limit that starts later. When it ends, the same limit of another run is over.
pub(crate) const LIMIT: [&str; 2] = ["--timeout", "3"];

pub(crate) fn wait_for_limit() {
    let silent = documented();
    silent.fault(Fault::new(What::SilenceBeforeActing).always());
    let _ = Case::documented(&silent, &LIMIT)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["it did not respond within ", " s; --timeout is 3 s"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f111_a_slow_journal_disk_takes_no_time_from_a_key() {
    let disk = Disk::new();
    let calls = [
        "statx 1",
        "fdatasync 1",
        "statx 2",
        "fdatasync 2",
        "fdatasync 3",
        "statx 3",
    ];
    each_at_once(calls, |blocked| {
        let name = blocked.replace(' ', "");
        let sandbox = documented();
        let case = Case::documented(&sandbox, &LIMIT).args(["--journal"]);
        let running = disk.start(case.args([disk.path(&name)]), &name, blocked);
        wait_for_limit();
        disk.free(&name);
        let _ = running.end().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    });
    // The run makes the same decision again.
    let sandbox = documented();
    sandbox.set_status(BOBS_KEY, Status::Inactive);
    let case = Case::documented(&sandbox, &["--only-inactive", "--journal"]);
    let case = case.args([disk.path("again")]).args(LIMIT);
    let running = disk.start(case, "again", "fdatasync 2");
    wait_for_limit();
    sandbox.set_status(BOBS_KEY, Status::Active);
    disk.free("again");
    let _ = running
        .end()
        .exits(11)
        .prints_outcome("Skipped")
        .says_exactly(&format!(
            "iam-del-key: error: {BOBS_KEY} is not deleted: its status is Active\n\
             hint: a key must meet every condition; --dry-run shows its details\n"
        ));
    let looks = ["ListAccessKeys", "ListAccessKeys"];
    let asked: Vec<String> = actions(&sandbox);
    assert_eq!(
        asked
            .into_iter()
            .filter(|action| looks[0] == action)
            .count(),
        looks.len()
    );
    assert!(sandbox.has_key(BOBS_KEY));
}
