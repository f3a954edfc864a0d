//! What stops a run from outside: a closed terminal, a file size limit, an unreachable IAM.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

use iam_sandbox::{Act, Fault, Sandbox, What};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, DELETED, documented, each, each_at_once};
use crate::low_resources::stand_in;
use crate::many::{crowd, from_stdin, left, outcomes, rows, summary};
use crate::running::Running;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn c12_sighup_ends_a_run_like_sigterm() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    let _ = interrupt(running, "HUP")
        .exits(129)
        .prints_outcome("Unknown")
        .says(&[
            "interrupted",
            "check with: aws iam list-access-keys --user-name=Bob",
        ])
        .ends_with("unknown: the request was sent and no usable response arrived");

    let (sandbox, list) = crowd(50);
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let running = from_stdin(&sandbox, &list, &["--jobs", "2"]).start();
    assert!(sandbox.wait_for_requests(2, SOON));
    let printed = interrupt(running, "HUP").exits(129);
    let output = printed.output().to_owned();
    let expected = [("NotTried".to_owned(), 48), ("Unknown".to_owned(), 2)];
    assert_eq!(outcomes(&output), expected);
    let _ = printed
        .prints(&output)
        .says(&["error: interrupted: no more keys are tried"])
        .ends_with("50 keys: 2 unknown, 48 not tried");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn c12_a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for ignored in ["HUP", "INT", "TERM", "HUP INT TERM"] {
        let sandbox = documented();
        let delay = What::Delay(Duration::from_secs(1));
        sandbox.fault(Fault::new(delay).on("DeleteAccessKey"));
        let trap = format!("trap '' {ignored}; exec \"$0\" \"$@\"");
        let running = Case::documented(&sandbox, &[]).start_under(Some(&["sh", "-c", &trap]));
        assert!(sandbox.wait_for_requests(1, SOON));
        for signal in ignored.split(' ') {
            running.signal(signal);
        }
        let _ = running.end().exits(0).prints(DELETED).says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY));
    }
    // The other signals still end the run.
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let case = Case::documented(&sandbox, &[]);
    let running = case.start_under(Some(&["nohup"]));
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("HUP");
    let _ = interrupt(running, "TERM")
        .exits(143)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: the request was sent and no usable response arrived");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs env --block-signal")]
fn a_signal_that_was_blocked_at_the_start_ends_a_run() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let sandbox = documented();
        sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
        let case = Case::documented(&sandbox, &[]);
        let running = case.start_under(Some(&["env", "--block-signal"]));
        assert!(sandbox.wait_for_requests(1, SOON));
        let _ = interrupt(running, signal)
            .exits(status)
            .prints_outcome("Unknown")
            .says(&["interrupted"])
            .ends_with("unknown: the request was sent and no usable response arrived");
    }
}

const TOO_LARGE: &str =
    ": File too large (os error 27)\nhint: raise the limit of file sizes (`ulimit -f`)\nresult: ";

/// Limits the size of each file of the run. By default, the system kills a process that exceeds the limit.
fn with_room_for(case: Case, bytes: u32) -> Running {
    case.start_under(Some(&["prlimit", &format!("--fsize={bytes}")]))
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn c69_a_file_size_limit_kills_no_run() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first record of the journal does not fit.
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--journal"]).args([folder.path().join("a")]);
    let _ = with_room_for(case, 50)
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["cannot write the journal", TOO_LARGE])
        .ends_with(&format!("{BOBS_KEY}: not deleted: nothing was sent to IAM"));
    assert!(sandbox.has_key(BOBS_KEY));
    // The intent does not fit, and then the result.
    for (room, known) in [(100, "not deleted"), (230, "deleted")] {
        let sandbox = documented();
        let journal = folder.path().join(room.to_string());
        let case = Case::documented(&sandbox, &["--journal"]).with_default_output();
        let case = case.args([journal]);
        let _ = with_room_for(case, room)
            .end()
            .exits(1)
            .prints_nothing()
            .says(&["the run was aborted: cannot write the journal ", TOO_LARGE])
            .ends_with(&format!("{BOBS_KEY}: {known}"));
        assert_eq!(sandbox.has_key(BOBS_KEY), known == "not deleted");
    }
    // Standard output is a file.
    let sandbox = documented();
    let output = folder.path().join("output");
    let into = "exec prlimit --fsize=10 \"$0\" \"$@\" > \"$OUTPUT\"";
    let case = Case::documented(&sandbox, &[]).env("OUTPUT", &output);
    let _ = case
        .start_under(Some(&["sh", "-c", into]))
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["could not write the result to standard output: File too large"])
        .ends_with(&format!("{BOBS_KEY}: deleted"));
    assert!(!sandbox.has_key(BOBS_KEY));
    // A long list is stored in files, and there is room for the start of each.
    let list = (0..20_000).fold(String::new(), |list, n| {
        list + &format!("AKIAAAAAAAAAA{n:07}\n")
    });
    let sandbox = documented();
    let case = from_stdin(&sandbox, &list, &["--user-name", "Bob"]);
    let _ = with_room_for(case, 18_000)
        .end()
        .exits(1)
        .prints_nothing()
        .says(&["File too large"])
        .ends_with("no key was changed");
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn c11_an_iam_that_becomes_unreachable_ends_a_list_after_a_few_keys() {
    each_at_once([("1", 4), ("8", 11)], |(jobs, failed)| {
        let (sandbox, list) = crowd(2_000);
        sandbox.fault(
            Fault::new(What::LoseReplyAndStopListening)
                .skip(99)
                .always(),
        );
        // The request for the first key whose response is lost is retried until the time limit of the key.
        let printed = from_stdin(&sandbox, &list, &["--jobs", jobs, "--timeout", "6"])
            .run()
            .exits(12);
        let output = printed.output().to_owned();
        let counted = outcomes(&output);
        let of = |name: &str| {
            let found = counted.iter().find(|(known, _)| known == name);
            found.map_or(0, |(_, count)| *count)
        };
        assert!(of("Deleted") >= 99 && of("Deleted") < 120, "{counted:?}");
        assert!(of("Failed") + of("Unknown") <= failed, "{counted:?}");
        assert!(of("NotTried") >= 1_860, "{counted:?}");
        let left_out = rows(&output)
            .into_iter()
            .find(|row| row["Outcome"] == "NotTried")
            .expect("a key that was not tried");
        assert_eq!(left_out["Reason"], "IAM did not respond");
        let _ = printed
            .prints(&output)
            .says(&[
                "iam-del-key: error: IAM did not respond for ",
                " keys in a row: no more keys are tried\n",
                "hint: to continue, ",
            ])
            .ends_with(&format!("2000 keys: {}", summary(&output)));
    });
}

/// There is no memory for the response to a request.
const NO_MEMORY_FOR_RESPONSES: &str = "
#include <stddef.h>
void *__libc_malloc(size_t size);
void *malloc(size_t size) { return size == 1 << 20 ? NULL : __libc_malloc(size); }
";

/// No connection can be opened.
const TOO_MANY_CONNECTIONS: &str = "
#include <errno.h>
#include <sys/socket.h>
int socket(int domain, int type, int protocol) { errno = EMFILE; return -1; }
";

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f66_a_list_that_ends_for_lack_of_memory_or_files_does_not_blame_iam() {
    let cases = [
        (NO_MEMORY_FOR_RESPONSES, "not enough memory: "),
        (TOO_MANY_CONNECTIONS, "Too many open files "),
    ];
    each(cases, |(source, cause)| {
        let folder = tempfile::tempdir().expect("a folder");
        let library = stand_in(folder.path(), source);
        let (sandbox, list) = crowd(6);
        let case = from_stdin(&sandbox, &list, &["--jobs", "1"]);
        let printed = case.env("LD_PRELOAD", library).run().exits(9);
        let output = printed.output().to_owned();
        let left_out = rows(&output).pop().expect("a row");
        assert_eq!(left_out["Reason"], "no request could be made");
        let _ = printed
            .prints_outcomes(&[("Failed", 4), ("NotTried", 2)])
            .says(&[
                cause,
                "error: no request could be made for 4 keys in a row: no more keys are tried\n",
            ])
            .ends_with("6 keys: 4 failed and not changed, 2 not tried");
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn c11_an_iam_that_was_never_reached_ends_a_list_too() {
    let (sandbox, list) = crowd(30);
    sandbox.stop_listening();
    let dry_run = &["--jobs", "1", "--dry-run", "--only-inactive"];
    for (more, failed, dry) in [
        (&["--jobs", "1"][..], 4, ""),
        (dry_run, 4, "; this was a dry run"),
        // Only some jobs start before the first response of IAM.
        (&["--jobs", "64"], 7, ""),
    ] {
        let printed = from_stdin(&sandbox, &list, more).run().exits(9);
        let output = printed.output().to_owned();
        let not_tried = ("NotTried".to_owned(), 30 - failed);
        assert_eq!(
            outcomes(&output),
            [("Failed".to_owned(), failed), not_tried]
        );
        let _ = printed
            .prints(&output)
            .says(&[&format!(
                "IAM did not respond for {failed} keys in a row: no more keys are tried"
            )])
            .ends_with(&format!("30 keys: {}{dry}", summary(&output)));
    }
    // A signal ends the pause after the first key.
    let mut running = from_stdin(&sandbox, &list, &["--jobs", "1"]).start();
    let mut results = BufReader::new(running.child.stdout.take().expect("a pipe"));
    let mut output = String::new();
    results.read_line(&mut output).expect("a result");
    let printed = interrupt(running, "INT").exits(130).prints_nothing();
    let _ = printed
        .says(&["error: interrupted: no more keys are tried"])
        .ends_with("30 keys: 1 failed and not changed, 29 not tried");
    results.read_to_string(&mut output).expect("a pipe");
    let expected = [("Failed".to_owned(), 1), ("NotTried".to_owned(), 29)];
    assert_eq!(outcomes(&output), expected);
    assert_eq!(left(&sandbox, 30), 30);
}

#[test]
fn c11_a_short_outage_ends_no_run() {
    // One connection is closed, and the next ones are reset before the TLS handshake.
    let sandbox = Sandbox::documented()
        .https(iam_sandbox::Certificate::Valid)
        .many_keys(40, 1)
        .start();
    let (_, list) = crowd(40);
    let closing = What::Reply {
        status: 200,
        headers: vec![("connection".to_owned(), "close".to_owned())],
        body: b"<DeleteAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata>\
                <RequestId>r</RequestId></ResponseMetadata></DeleteAccessKeyResponse>"
            .to_vec(),
        act: Act::Before,
    };
    sandbox.fault(Fault::new(closing).skip(9));
    sandbox.fault(Fault::new(What::ResetOnAccept).skip(1).times(7));
    let case = from_stdin(&sandbox, &list, &["--jobs", "1"]);
    let printed = case.run().exits(12);
    let output = printed.output().to_owned();
    let counted = outcomes(&output);
    let of = |name: &str| {
        let found = counted.iter().find(|(known, _)| known == name);
        found.map_or(0, |(_, count)| *count)
    };
    let failed = of("Failed") + of("Unknown");
    assert!((2..=4).contains(&failed), "{counted:?}");
    assert_eq!(of("Deleted"), 40 - failed, "{counted:?}");
    let said = printed.prints(&output);
    assert!(!said.messages().contains("no more keys"));
    let _ = said
        .says(&["could not reach IAM"])
        .ends_with(&format!("40 keys: {}", summary(&output)));
    assert_eq!(sandbox.faults_left(), 0, "the outage did not occur");
}

#[test]
fn c01_a_response_that_arrives_while_the_run_is_stopped_is_read() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::Delay(Duration::from_secs(1))).on("DeleteAccessKey"));
    let limit = ["--timeout", "3"];
    let running = Case::documented(&sandbox, &limit).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("STOP");
    // Another run with the same limit starts later and ends.
    let silent = documented();
    silent.fault(Fault::new(What::SilenceBeforeActing).always());
    let _ = Case::documented(&silent, &limit)
        .run()
        .exits(10)
        .prints_outcome("Unknown")
        .says(&["it did not respond within ", " s; --timeout is 3 s"]);
    running.signal("CONT");
    let _ = running.end().exits(0).prints(DELETED).says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}
