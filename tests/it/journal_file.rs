//! The journal file: an invalid one is refused before anything else happens. Which account's records it has, and what remains if
//! it can no longer be written.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use iam_sandbox::{Sandbox, What};

use crate::case::{BOBS_KEY, Case, DOCUMENTED, actions, documented, each, once};
use crate::intent::started;
use crate::journal::Kept;
use crate::many::{crowd, left, rows};
use crate::resumed_owner::finds_it_deleted;
use crate::streams::wait_for;

fn run(program: &str, args: &[&str], path: &Path) {
    let status = Command::new(program).args(args).arg(path).status();
    assert!(status.expect("a command").success(), "{program} {args:?}");
}

/// Contents that no earlier run can have left, and the reason why each is refused.
fn others(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let path = |name: &str| folder.join(name);
    run("mkfifo", &[], &path("pipe"));
    symlink(path("pipe"), path("link")).expect("a link");
    symlink(path("loop"), path("loop")).expect("a link");
    drop(UnixListener::bind(path("socket")).expect("a socket"));
    std::fs::write(path("binary"), b"\x7fELF\0\xff\n").expect("a file");
    std::fs::write(
        path("list.json"),
        "[{\"AccessKeyId\":\"x\",\"UserName\":\"Bob\"}]\n",
    )
    .expect("a file");
    std::fs::write(path("zeros"), vec![0; 1 << 20]).expect("a file");
    vec![
        (path("pipe"), "it is a named pipe, not a regular file"),
        (path("link"), "it is a named pipe, not a regular file"),
        (path("socket"), "it is a socket, not a regular file"),
        (folder.to_owned(), "it is a directory, not a regular file"),
        ("/dev/null".into(), "it is a device, not a regular file"),
        ("/dev/full".into(), "it is a device, not a regular file"),
        (
            "/dev/stdout".into(),
            "it is a named pipe, not a regular file",
        ),
        (path("binary/x"), "Not a directory (os error 20)"),
        (path("binary"), "it is not an iam-del-key journal"),
        (path("list.json"), "it is not an iam-del-key journal"),
        (path("zeros"), "it is not an iam-del-key journal"),
        ("/etc/passwd".into(), "it is not an iam-del-key journal"),
    ]
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "needs the devices and the error numbers of Linux"
)]
fn c29_c45_a_file_that_is_not_a_journal_is_refused_before_anything_else() {
    let sandbox = documented();
    let folder = tempfile::tempdir().expect("a folder");
    // No process writes to this pipe, so reading the list would never end.
    let list = folder.path().join("list");
    run("mkfifo", &[], &list);
    for (path, what) in others(folder.path()) {
        let length = || {
            // In the test, /dev/stdout is another file than in the run.
            let is_own = path.starts_with("/dev");
            let file = std::fs::metadata(&path).ok().filter(|_| !is_own)?;
            file.is_file().then_some(file.len())
        };
        let before = length();
        let error = format!(
            "iam-del-key: error: cannot use the journal {}: {what}\n",
            path.display()
        );
        each([&[][..], &["--dry-run"], &["--interactive"]], |more| {
            let journal = |case: Case| case.args(["--journal"]).args([&path]).args(more.to_vec());
            journal(Case::at(&sandbox, DOCUMENTED).without_credentials())
                .run()
                .stops_exactly(
                    2,
                    &format!("{error}result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"),
                );
            let many = Case::at(&sandbox, ["--from"]).args([&list]);
            journal(many)
                .run()
                .stops_exactly(2, &format!("{error}result: no key was changed\n"));
        });
        assert_eq!(length(), before, "{}", path.display());
    }
    // Each C library has its own text for this.
    let case = Case::documented(&sandbox, &["--journal"]).args([folder.path().join("loop")]);
    case.run().stops_as(
        2,
        &["cannot use the journal ", "(os error 40)"],
        "not deleted: nothing was sent to IAM",
    );
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c45_a_refused_list_leaves_no_journal() {
    let sandbox = documented();
    let kept = Kept::new("AccessKeyId,UserName\nx,Bob\n");
    kept.case(&sandbox, &[])
        .run()
        .stops_as(2, &["error: "], "no key was changed");
    assert!(!kept.path().exists());
}

#[test]
fn c67_a_journal_that_is_also_an_output_of_the_run_is_refused() {
    let (sandbox, list) = crowd(3);
    let cases = [
        ("standard output", "> \"$FILE\""),
        ("standard output", ">> \"$FILE\""),
        (
            "standard output",
            "> \"$FILE\"; ln -f \"$FILE\" \"$JOURNAL\"",
        ),
        (
            "standard output",
            "> \"$FILE\"; ln -sf \"$FILE\" \"$JOURNAL\"",
        ),
        ("standard error", "2> \"$FILE\""),
        ("standard output", "> \"$FILE\" 2>&1"),
    ];
    each(cases, |(stream, redirected)| {
        let cases = [&[][..], &["--dry-run"], &["--output", "off"]];
        each(cases, |more| {
            let kept = Kept::new(&list);
            let file = if redirected.contains("ln -") {
                kept.path().with_extension("output")
            } else {
                kept.path()
            };
            let (into, link) = redirected.split_once("; ").unwrap_or((redirected, ":"));
            let script = format!("exec {into}; {link}; exec \"$0\" \"$@\"");
            let case = kept.case(&sandbox, more);
            let case = case.env("FILE", &file).env("JOURNAL", kept.path());
            let ended = case.start_under(Some(&["sh", "-c", &script])).end();
            let said = ended.exits(2).prints_nothing();
            let written = std::fs::read_to_string(&file).expect("a file");
            let said = format!("{}{written}", said.messages());
            let expected = format!(
                "iam-del-key: error: cannot use the journal {}: {stream} is written to the same file\n\
                 hint: use a separate file for the journal\n\
                 result: no key was changed\n",
                kept.path().display()
            );
            assert_eq!(said, expected, "{redirected}");
        });
    });
    assert_eq!(sandbox.connections(), 0);
    assert_eq!(left(&sandbox, 3), 3);
}

/// Starts a deletion, and lets no file of the run grow after that and before IAM responds. So the journal gets the intent and
/// not the result.
fn without_room_for_the_result(sandbox: &Sandbox, case: Case) -> crate::running::Running {
    let delay = What::Delay(Duration::from_secs(3));
    sandbox.fault(once("DeleteAccessKey", delay));
    let running = case.start();
    let is_out = || {
        actions(sandbox)
            .iter()
            .any(|action| action.contains("teAccessKey"))
    };
    wait_for(is_out);
    running.signal("STOP");
    let process = format!("--pid={}", running.child.id());
    let status = Command::new("prlimit")
        .args(["--fsize=1", &process])
        .status();
    assert!(status.expect("prlimit").success());
    running.signal("CONT");
    running
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c67_c70_a_deletion_that_the_journal_does_not_record_is_printed_once() {
    for more in [
        &["--jobs", "1", "--older-than", "1d"][..],
        &["--jobs", "1", "--older-than", "1d", "--output", "text"],
    ] {
        let (sandbox, list) = crowd(3);
        let kept = Kept::new(&list);
        let printed = without_room_for_the_result(&sandbox, kept.case(&sandbox, more))
            .end()
            .exits(1);
        let first = printed.output().to_owned();
        let key = iam_sandbox::nth_key_id(crate::journal::ACCOUNT, 0);
        let _ = printed.prints(&first).says_exactly(&format!(
            "iam-del-key: warning: {key}: deleted, but the journal may not record it; if it does not, the next run with this \
             journal verifies and reports it\n\
             iam-del-key: error: the run was aborted: cannot write the journal {}: File too large (os error 27)\n\
             hint: to continue, raise the limit of file sizes (`ulimit -f`), and then run the same command again; keys that the \
             journal records as finished are skipped\n\
             result: 3 keys: 1 deleted, 2 not tried\n",
            kept.path().display()
        ));
        assert!(!first.contains("Deleted"), "{first}");
        let printed = kept.case(&sandbox, more).run().exits(0);
        let second = printed.output().to_owned();
        let _ = printed
            .prints(&second)
            .says_exactly(&format!(
                "iam-del-key: warning: {key} is presumed deleted: an earlier run started this; IAM no longer lists the key for user-000001\n\
                 result: 3 keys: 3 deleted\n"
            ));
        assert_eq!(second.matches("Deleted").count(), 3, "{second}");
        let ids: BTreeSet<_> = second
            .lines()
            .filter(|line| line.contains("AKIA"))
            .collect();
        assert_eq!(ids.len(), 3);
        let requests = actions(&sandbox);
        let deletions = requests
            .iter()
            .filter(|action| *action == "DeleteAccessKey");
        assert_eq!(deletions.count(), 3, "{requests:?}");
        // A third run prints nothing.
        kept.case(&sandbox, more)
            .run()
            .stops_exactly(0, "result: 3 keys: 3 finished by an earlier run\n");
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c70_a_deletion_that_an_earlier_list_confirms_is_printed_by_the_next_run() {
    let (sandbox, kept) = (documented(), started());
    let ended = without_room_for_the_result(&sandbox, kept.case(&sandbox, &[])).end();
    let says = "the next run with this journal verifies and reports it\n";
    ended.stops_as(1, &[says], "1 key: 1 deleted");
    finds_it_deleted(&sandbox, &kept, &[]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c70_a_deletion_that_no_later_run_can_confirm_is_printed_at_once() {
    let (sandbox, list) = crowd(3);
    let kept = Kept::new(&list);
    let printed = without_room_for_the_result(&sandbox, kept.case(&sandbox, &["--jobs", "1"]))
        .end()
        .exits(1);
    let output = printed.output().to_owned();
    assert_eq!(output.matches("\"Deleted\"").count(), 1, "{output}");
    let _ = printed
        .prints(&output)
        .says(&["cannot confirm it: IAM did not list the key before"])
        .ends_with("3 keys: 1 deleted, 2 not tried");
    let printed = kept.case(&sandbox, &[]).run().exits(12);
    let output = printed.output().to_owned();
    assert_eq!(output.matches("\"Deleted\"").count(), 2, "{output}");
    let said = printed.prints(&output);
    // The same command would find nothing new.
    assert!(!said.messages().contains("to continue"));
    let _ = said
        .says(&["if they belonged to the named users, and no user was renamed, they are already gone; add --ignore-missing to count that as success"])
        .ends_with("3 keys: 2 deleted, 1 unknown");
    let printed = kept.case(&sandbox, &["--ignore-missing"]).run().exits(0);
    let _ = printed
        .prints_outcomes(&[("Missing", 1)])
        .says(&["3 keys: 1 already gone, 2 finished by an earlier run"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c70_one_key_whose_deletion_the_journal_does_not_record_is_printed_by_the_next_run() {
    let gone = "deleted: an earlier run started this; IAM no longer lists the key for Bob";
    let inactive = "deactivated: an earlier run started this; IAM now lists the key as Inactive";
    let cases = [
        (&["--older-than", "1d"][..], "deleted", gone),
        (&["--deactivate"], "deactivated", inactive),
    ];
    each(cases, |(action, known, found)| {
        let sandbox = documented();
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("done.jsonl");
        let case = || {
            let case = Case::documented(&sandbox, &["--journal"]).args([&journal]);
            case.args(action.to_vec())
        };
        if known == "deactivated" {
            let delay = What::Delay(Duration::from_secs(3));
            sandbox.fault(once("UpdateAccessKey", delay));
        }
        let ended = without_room_for_the_result(&sandbox, case()).end();
        ended.stops_as(
            1,
            &[
                "the run was aborted: cannot write the journal ",
                "File too large (os error 27)",
            ],
            known,
        );
        sandbox.clear_faults();
        let printed = case().run().exits(0);
        assert_eq!(rows(printed.output()).len(), 1);
        let _ = printed
            .prints_anything()
            .says(&["an earlier run started this; IAM "])
            .ends_with(found);
        let again = case().run().exits(0);
        let _ = if known == "deleted" {
            again
                .prints_nothing()
                .says(&["note: 1 key is already finished in the journal "])
        } else {
            again.prints_outcome("Skipped").says_exactly("iam-del-key: note: AKIDPMS9RO4H3FEXAMPLE is already inactive: nothing was changed\n")
        };
    });
}

#[test]
fn c75_a_journal_that_other_users_can_write_is_refused() {
    let sandbox = documented();
    let done = format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Deleted\"}}\n");
    let planted = || {
        let kept = started();
        std::fs::write(kept.path(), kept.journal() + &done).expect("a journal");
        kept
    };
    let refused = |kept: &Kept, what: &str| {
        each([&[][..], &["--dry-run"]], |more| {
            let case = Case::documented(&sandbox, &["--journal"]).args([kept.path()]);
            let path = kept.path();
            case.args(more.to_vec()).run().stops_exactly(
                2,
                &format!(
                    "iam-del-key: error: cannot use the journal {}: {what}\n\
                     result: {BOBS_KEY}: unknown: the results of earlier runs are unknown: the journal was not read\n",
                    path.display()
                ),
            );
        });
    };
    let kept = planted();
    // Only root can give a file away.
    let give = Command::new("chown").arg("12345").arg(kept.path()).status();
    if !give.expect("chown").success() {
        run("sudo", &["-n", "chown", "12345"], &kept.path());
    }
    refused(
        &kept,
        "it belongs to another user (user ID 12345)\n\
         hint: if you trust its records, copy it to a new file, and use that as --journal",
    );
    let kept = planted();
    let rights = std::fs::Permissions::from_mode(0o646);
    std::fs::set_permissions(kept.path(), rights).expect("its permissions");
    let what = "any user can write to it\nhint: if you trust its records: chmod o-w -- ";
    refused(&kept, &format!("{what}{}", kept.path().display()));
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn c75_a_run_says_which_of_its_keys_the_journal_has_finished() {
    let (sandbox, list) = crowd(4);
    let kept = Kept::new(&list);
    let case = kept.case(&sandbox, &["--output", "off"]);
    case.run().stops_exactly(0, "result: 4 keys: 4 deleted\n");
    let note = format!(
        "iam-del-key: note: 1 key is already finished in the journal {}\n",
        kept.path().display()
    );
    let cases = [(&[][..], ""), (&["--dry-run"], "; this was a dry run")];
    each(cases, |(more, dry)| {
        kept.case(&sandbox, more).run().stops_exactly(
            0,
            &format!("result: 4 keys: 4 finished by an earlier run{dry}\n"),
        );
    });
    let key = iam_sandbox::nth_key_id(crate::journal::ACCOUNT, 0);
    let one = Case::at(
        &sandbox,
        ["--access-key-id", &key, "--user-name", "user-000001"],
    );
    one.args(["--journal"])
        .args([kept.path()])
        .run()
        .stops_exactly(0, &note);
    assert_eq!(actions(&sandbox).len(), 8, "STS in 4 runs, and 4 keys");
}
