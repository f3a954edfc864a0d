//! Signals, standard streams and scarce resources.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::time::Duration;

use iam_sandbox::{Fault, Sandbox, What};

use crate::case::{
    BOBS_KEY, CANARIES, Case, DELETED, DOCUMENTED, Ended, SETTLED, always, documented, each,
    faulty, once,
};
use crate::verification::{NEVER, last_use};

const SOON: Duration = Duration::from_secs(20);

/// The documented example, interrupted when a request has arrived.
pub(crate) fn interrupted(sandbox: &Sandbox) -> Ended {
    let running = Case::documented(sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("INT");
    running.end()
}

#[test]
fn f60_sigint_before_any_request_exits_130() {
    let sandbox = documented();
    each([("INT", 130), ("TERM", 143)], |(signal, status)| {
        // The credentials never arrive: the run is waiting, and nothing was sent.
        let case = Case::documented(&sandbox, &["--profile", "slow"]);
        let started = case.path("started");
        let config = format!(
            "[profile slow]\ncredential_process = sh -c 'echo > {} && sleep 60'\n",
            started.display()
        );
        let running = case.file(".aws/config", config).start();
        wait_for(|| started.exists());
        running.signal(signal);
        let _ = running
            .end()
            .exits(status)
            .prints_nothing()
            .says(&["interrupted"])
            .ends_with("not deleted: nothing was sent to IAM")
            .within(SETTLED);
    });
    assert_eq!(sandbox.connections(), 0);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f61_a_signal_while_waiting_settles_what_it_can() {
    each([("INT", 130), ("TERM", 143)], |(signal, status)| {
        let sandbox = faulty([once("DeleteAccessKey", What::SilenceAfterActing)]);
        // IAM says that the key does not exist.
        let gone = What::error(404, "NoSuchEntity", "no");
        sandbox.fault(Fault::new(gone).on("GetAccessKeyLastUsed").always());
        let running = Case::documented(&sandbox, &[]).start();
        assert!(sandbox.wait_for_requests(1, SOON));
        running.signal(signal);
        let ended = running
            .end()
            .exits(status)
            .prints_outcome("Deleted")
            .says(&["interrupted"]);
        let _ = ended
            .ends_with("deleted: the request was sent and no usable response arrived; IAM reports that the key does not exist")
            .within(SETTLED);
        assert!(!sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f61_a_signal_leaves_no_time_for_a_list_that_may_lag() {
    let sandbox = faulty([once("DeleteAccessKey", What::SilenceAfterActing)]);
    // IAM names the owner, whose list lacks the key, but may lag.
    let bobs = Fault::new(last_use("Bob", NEVER)).on("GetAccessKeyLastUsed");
    sandbox.fault(bobs.always());
    let _ = interrupted(&sandbox)
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("unknown: the request was sent and no usable response arrived; IAM reports that Bob owns the key")
        .within(SETTLED);
}

#[test]
fn f61_after_a_signal_a_key_with_an_unconfirmed_owner_is_not_proven_gone() {
    let sandbox = faulty([once("DeleteAccessKey", What::SilenceAfterActing)]);
    let _ = interrupted(&sandbox)
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["check with: aws iam list-access-keys --user-name=Bob"])
        .ends_with("unknown: the request was sent and no usable response arrived")
        .within(SETTLED);
}

#[test]
fn f61_a_signal_leaves_the_key_unknown_if_iam_never_responds() {
    let sandbox = faulty([Fault::new(What::SilenceBeforeActing).always()]);
    let ended = interrupted(&sandbox)
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["check with: aws iam list-access-keys --user-name=Bob"]);
    let _ = ended
        .ends_with("unknown: the request was sent and no usable response arrived")
        .within(SETTLED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f61_the_second_signal_ends_at_once() {
    let sandbox = faulty([Fault::new(What::SilenceBeforeActing).always()]);
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SOON));
    running.signal("INT");
    running.signal("TERM");
    let _ = running
        .end()
        .exits(130)
        .prints_outcome("Unknown")
        .says(&["interrupted"])
        .ends_with("unknown: the request was sent and no usable response arrived")
        .within(SETTLED);
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f61_of_two_signals_at_once_sigint_decides() {
    // A stopped process gets both signals when it continues, and their order is lost.
    each([["INT", "TERM"], ["TERM", "INT"]], |signals| {
        for _ in 0..4 {
            let sandbox = faulty([Fault::new(What::SilenceBeforeActing).always()]);
            let running = Case::documented(&sandbox, &[]).start();
            assert!(sandbox.wait_for_requests(1, SOON));
            running.signal("STOP");
            for signal in signals {
                running.signal(signal);
            }
            running.signal("CONT");
            let _ = running
                .end()
                .exits(130)
                .prints_outcome("Unknown")
                .says(&["interrupted"])
                .ends_with("unknown: the request was sent and no usable response arrived")
                .within(SETTLED);
            assert!(sandbox.has_key(BOBS_KEY));
        }
    });
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn f62_standard_output_full_or_closed_is_not_success() {
    let sandbox = documented();
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let ended = Case::documented(&sandbox, &[]).run_into(full);
    ended.stops_as(
        1,
        &["could not write the result to standard output"],
        &format!("{BOBS_KEY}: deleted"),
    );
    assert!(!sandbox.has_key(BOBS_KEY));

    let sandbox = documented();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = Case::documented(&sandbox, &[]).run_into(OwnedFd::from(writer).into());
    ended.stops_as(
        1,
        &["could not write the result"],
        &format!("{BOBS_KEY}: deleted"),
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

/// Rust opens `/dev/null` for a missing stream, for reading and writing, before any code of the program runs. Python's `DEVNULL`
/// and Node's `ignore` do exactly the same for callers who do not want the result, so this is a success. No file that is opened
/// later takes the place of the stream.
#[test]
fn f62_standard_output_that_was_never_open_acts_like_dev_null() {
    let sandbox = documented();
    let journal = tempfile::NamedTempFile::new().expect("a file");
    let list = format!("AccessKeyId,UserName\n{BOBS_KEY},Bob\n{BOBS_KEY},Bob\n");
    let case = Case::at(&sandbox, ["--from", "-", "--journal"]).args([journal.path()]);
    let closed = ["sh", "-c", "exec \"$0\" \"$@\" >&-"];
    let ended = case.input(list.as_bytes()).start_under(Some(&closed)).end();
    ended.stops_as(0, &["result: "], "1 key: 1 deleted");
    assert!(!sandbox.has_key(BOBS_KEY));
    let journal = std::fs::read_to_string(journal.path()).expect("a journal");
    assert_eq!(journal.matches("\"Outcome\"").count(), 1, "{journal}");
    assert!(journal.starts_with("{\"Journal\":1,"), "{journal}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn f63_help_into_a_full_device_is_an_error_and_into_a_closed_pipe_is_quiet() {
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    Case::bare(["--help"])
        .run_into(full)
        .stops(1, &["could not write to standard output"]);
    let read_only = File::open("/dev/null").expect("/dev/null");
    Case::bare(["--help"])
        .run_into(read_only)
        .stops(1, &["could not write to standard output"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let _ = Case::bare(["--help"])
        .run_into(OwnedFd::from(writer).into())
        .exits(0)
        .prints_nothing()
        .says_nothing();
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f66_few_file_handles_and_little_memory() {
    let sandbox = documented();
    let result = format!("result: {BOBS_KEY}: {NOT_SENT}");
    let cases = [
        (&DOCUMENTED[..], &*result),
        (
            &["--user-name", "Bob", "--all-keys", "--yes"],
            "result: no key was changed",
        ),
    ];
    each(cases, |(args, result)| {
        for files in 4..=8 {
            let limit = format!("--nofile={files}:{files}");
            let case = Case::at(&sandbox, args).with_default_output();
            let ended = case.start_under(Some(&["prlimit", &limit])).end();
            ended
                .within(SOON).stops_exactly(1, &format!(
                    "iam-del-key: error: could not start: Too many open files (os error 24)\n\
                     hint: this shell allows too few open files: raise their number with `ulimit -n 1024`\n\
                     {result}\n"
                ));
        }
        assert_eq!(sandbox.connections(), 0);
    });
    assert!(sandbox.has_key(BOBS_KEY));
}

/// The known state of a key if no request was sent.
const NOT_SENT: &str = "not deleted: nothing was sent to IAM";

/// From too little memory to start to enough of it: a run that could not report a deletion has not sent the request.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs prlimit")]
fn f66_a_key_is_deleted_only_with_enough_memory_to_say_so() {
    let (mut refused, mut aborted, mut deleted) = (0, 0, 0);
    // In steps of 128 KiB, less than the memory that is reserved for the result. A static build needs a third of the memory.
    for step in 48..272 {
        for host in ["127.0.0.1", "localhost"] {
            let sandbox = documented();
            let url = sandbox.url().replace("127.0.0.1", host);
            let limit = format!("--as={}", step << 17);
            let case = Case::documented(&sandbox, &["--endpoint-url", &url]);
            let ended = case.start_under(Some(&["prlimit", &limit]));
            let ended = ended.end().within(SOON);
            if sandbox.has_key(BOBS_KEY) {
                let all = ended.all();
                refused += usize::from(all.contains("not enough memory: no attempt"));
                // No thread can be created, and a library panics because of that.
                if all.contains("iam-del-key: error: aborted at ") {
                    aborted += 1;
                    assert!(
                        all.contains(&format!("result: {BOBS_KEY}: {NOT_SENT}\n")),
                        "{all}"
                    );
                }
                assert!(!all.contains(DELETED), "{limit}{all}");
                assert!(!ended.is_success(), "{limit}{all}");
            } else {
                deleted += 1;
                ended.deletes_quietly();
            }
        }
    }
    assert!(
        refused > 0,
        "no limit left too little memory for the result"
    );
    assert!(aborted > 0, "no limit left too little memory for a thread");
    assert!(deleted > 0, "no limit was enough");
}

#[test]
fn f67_two_hundred_runs_at_once() {
    let sandbox = Sandbox::builder().many_keys(200, 1).start();
    let keys: Vec<_> = sandbox
        .keys()
        .into_iter()
        .filter(|key| key.user != "admin")
        .collect();
    assert_eq!(keys.len(), 200);
    let running: Vec<_> = keys
        .iter()
        .map(|key| {
            Case::at(
                &sandbox,
                ["--access-key-id", &key.id, "--user-name", &key.user],
            )
            .start()
        })
        .collect();
    for run in running {
        run.end().deletes_quietly();
    }
    assert!(keys.iter().all(|key| !sandbox.has_key(&key.id)));
}

#[test]
fn f68_no_secret_at_the_most_verbose_level() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--debug", "-v"])
        .env("AWS_ACCESS_KEY_ID", iam_sandbox::documented::SESSION_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", CANARIES[0])
        .env("AWS_SESSION_TOKEN", CANARIES[1])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    let said = case.run().exits(7).prints_outcome("Failed");
    assert!(
        !said.messages().contains("AWS4-HMAC-SHA256"),
        "the authorization header was printed"
    );
    let _ = said
        .says(&["debug: response body: ", "error: "])
        .ends_with("not deleted: IAM refused the request");
    assert!(sandbox.has_key(BOBS_KEY));
}

#[test]
fn f69_text_from_the_service_never_moves_the_cursor() {
    let sandbox = documented();
    let message = "line one\nline two\r\u{1b}[2J\u{1b}]0;title\u{7} \u{9b}1A \u{202e}";
    let what = What::error(403, "AccessDenied", message);
    sandbox.fault(always("DeleteAccessKey", what));
    let cases = [
        &["--output", "json"][..],
        &["--output", "text"],
        &["--debug"],
    ];
    each(cases, |more| {
        let printed = Case::documented(&sandbox, more).run().exits(6);
        let output = printed.output().to_owned();
        assert!(
            !output
                .trim_end_matches('\n')
                .contains(|c: char| c.is_control() && c != '\t')
        );
        let said = printed.prints(&output);
        assert!(
            !said
                .messages()
                .contains(|c: char| c.is_control() && c != '\n')
        );
        let _ = said
            .says(&["(AccessDenied)", "\\u{202e}"])
            .ends_with("not deleted: IAM refused the request");
    });
    assert!(sandbox.has_key(BOBS_KEY));
}

/// Waits until the condition is true.
pub(crate) fn wait_for(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + SOON;
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}
