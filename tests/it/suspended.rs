//! A machine that sleeps or is paused during a run: earlier reads no longer count.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use iam_sandbox::{Act, Fault, KeySeed, Sandbox, Status, What};
use serde_json::Value;

use crate::case::{BOBS_KEY, Case, DELETED, always, documented};
use crate::low_resources::stand_in;
use crate::response::{IAM, METADATA, reply};

/// The wall clock moves on by an hour while the machine sleeps. The monotonic clock does not.
const CLOCK: &str = r#"
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, time);
    if (clock == CLOCK_REALTIME && has_slept()) time->tv_sec += 3600;
    return result;
}
"#;

/// The machine sleeps after SYNCS syncs of the journal.
const SUSPEND: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
static volatile int synced;
int fdatasync(int file) {
    synced++;
    return 0;
}
static int has_slept(void) { return synced >= atoi(getenv("SYNCS")); }
"#;

/// The machine sleeps when a second connection is opened.
const SUSPEND_AT_SECOND_CONNECTION: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
#include <time.h>
static volatile int connections;
int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    connections++;
    return next(socket, address, length);
}
static int has_slept(void) { return connections > 1; }
"#;

/// An account in which Carol has two inactive keys.
fn two_inactive() -> Sandbox {
    let key = |id: &str| KeySeed::new("Carol", id).status(Status::Inactive);
    Sandbox::documented()
        .key(key("AKIAIOSFODNN7CAROLAA"))
        .key(key("AKIAIOSFODNN7CAROLBB"))
        .start()
}

/// Returns the requests about keys of a run that deletes two inactive keys.
fn delete_inactive(sandbox: &Sandbox, clock: &str, syncs: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), clock);
    let journal = folder.path().join("done.jsonl");
    let sweep = [
        "--user-name",
        "Carol",
        "--all-keys",
        "--only-inactive",
        "--yes",
        "--jobs",
        "1",
        "--journal",
    ];
    let printed = Case::at(sandbox, sweep)
        .args([&journal])
        .env("LD_PRELOAD", &library)
        .env("SYNCS", syncs)
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    assert_eq!(output.matches("\"Deleted\"").count(), 2, "{output}");
    let _ = printed.prints(&output);
    let requests = sandbox.requests().into_iter().map(|request| request.action);
    let mut requests: Vec<String> = requests
        .filter(|action| action.ends_with("AccessKey") || action.ends_with("AccessKeys"))
        .collect();
    // The first request with a wrong clock is rejected, and sent again.
    requests.dedup();
    requests
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_check_from_before_the_machine_slept_does_not_count() {
    // The journal's first record and the intent of each key are synced, and each result.
    for (syncs, expected) in [
        ("99", &["ListAccessKeys", "DeleteAccessKey"][..]),
        (
            "4",
            &[
                "ListAccessKeys",
                "DeleteAccessKey",
                "ListAccessKeys",
                "DeleteAccessKey",
            ],
        ),
    ] {
        let sandbox = two_inactive();
        assert_eq!(
            delete_inactive(&sandbox, &format!("{SUSPEND}{CLOCK}"), syncs),
            expected,
            "{syncs}"
        );
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_check_from_before_iams_clock_jumped_does_not_count() {
    let sandbox = two_inactive();
    let document = format!(
        "<DeleteAccessKeyResponse xmlns=\"{IAM}\"><ResponseMetadata><RequestId>later</RequestId></ResponseMetadata>\
         </DeleteAccessKeyResponse>"
    );
    // This is within the 15 minutes for which AWS accepts a signature.
    let at = DateTime::from(SystemTime::now() + Duration::from_mins(10));
    let date = at.fmt(Format::HttpDate).expect("a date");
    let later = reply(200, &[("Date", &date)], document, Act::Before);
    sandbox.fault(Fault::new(later).on("DeleteAccessKey"));
    let expected = [
        "ListAccessKeys",
        "DeleteAccessKey",
        "ListAccessKeys",
        "DeleteAccessKey",
    ];
    assert_eq!(
        delete_inactive(&sandbox, &format!("{SUSPEND}{CLOCK}"), "99"),
        expected
    );
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_request_is_not_sent_again_once_its_record_is_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(
        folder.path(),
        &format!("{SUSPEND_AT_SECOND_CONNECTION}{CLOCK}"),
    );
    let sandbox = documented();
    sandbox.fault(
        Fault::new(What::ResetBeforeActing)
            .on("DeleteAccessKey")
            .always(),
    );
    let case = Case::documented(&sandbox, &["--timeout", "8"]);
    let _ = case
        .env("LD_PRELOAD", library)
        .run()
        .exits(10)
        .prints_outcome("Unknown");
    let requests = sandbox.requests();
    let sent = requests
        .iter()
        .filter(|request| request.action == "DeleteAccessKey");
    assert_eq!(sent.count(), 2);
    assert!(sandbox.has_key(BOBS_KEY));
}

/// This machine's clock is 40 minutes behind.
const LATE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec -= 2400;
    return result;
}
"#;

/// A response that IAM sent before this machine was paused. Since then, this machine's clock is 40 minutes behind.
fn before_pause(document: String) -> What {
    let time = DateTime::from(SystemTime::now() - Duration::from_mins(40));
    let date = time.fmt(Format::HttpDate).expect("a date");
    reply(200, &[("Date", &date)], document, Act::Before)
}

fn identity_before_pause() -> What {
    before_pause(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::123456789012:user/Admin</Arn><UserId>X</UserId><Account>123456789012</Account>\
         </GetCallerIdentityResult>{METADATA}</GetCallerIdentityResponse>"
    ))
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_change_is_recorded_again_after_the_machine_slept() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), &format!("{SUSPEND}{CLOCK}"));
    let journal = folder.path().join("done.jsonl");
    let sandbox = documented();
    // The machine sleeps after the intent is on disk.
    let case = Case::documented(&sandbox, &["--journal"]).args([&journal]);
    let _ = case
        .env("LD_PRELOAD", &library)
        .env("SYNCS", "2")
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let records = std::fs::read_to_string(&journal).expect("a journal");
    assert_eq!(records.matches("\"Intent\"").count(), 2, "{records}");
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn the_record_of_a_change_has_the_time_of_its_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), LATE);
    let journal = folder.path().join("done.jsonl");
    let sandbox = documented();
    // IAM rejects the first request.
    sandbox.fault(always("GetCallerIdentity", identity_before_pause()));
    let start = DateTime::from_secs(DateTime::from(SystemTime::now()).secs());
    let start = start.fmt(Format::DateTime).expect("a time");
    let _ = Case::documented(&sandbox, &["--journal"])
        .args([&journal])
        .env("LD_PRELOAD", &library)
        .run()
        .exits(0)
        .prints_anything();
    let records = std::fs::read_to_string(&journal).expect("a journal");
    let records: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let intent_in_time = |record: &Value| {
        record.get("Intent")?;
        Some(record["Time"].as_str()? >= start.as_str())
    };
    let intents: Vec<bool> = records.iter().filter_map(intent_in_time).collect();
    assert_eq!(intents, [false, true]);
    let outcomes: Vec<&str> = records
        .iter()
        .filter_map(|record| record.get("Outcome")?.as_str())
        .collect();
    assert_eq!(outcomes, ["Failed", "Deleted"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_check_from_before_a_long_pause_does_not_count() {
    let sandbox = two_inactive();
    let keys: String = ["AKIAIOSFODNN7CAROLAA", "AKIAIOSFODNN7CAROLBB"]
        .map(|id| {
            format!(
                "<member><UserName>Carol</UserName><AccessKeyId>{id}</AccessKeyId><Status>Inactive</Status>\
                 <CreateDate>2020-01-01T00:00:00Z</CreateDate></member>"
            )
        })
        .concat();
    let document = format!(
        "<ListAccessKeysResponse xmlns=\"{IAM}\"><ListAccessKeysResult><IsTruncated>false</IsTruncated>\
         <AccessKeyMetadata>{keys}</AccessKeyMetadata></ListAccessKeysResult>{METADATA}</ListAccessKeysResponse>"
    );
    sandbox.fault(always("GetCallerIdentity", identity_before_pause()));
    sandbox.fault(Fault::new(before_pause(document)).on("ListAccessKeys"));
    // IAM rejects the first deletion. Its response to the next request, a list, shows that time has moved on.
    let expected = ["ListAccessKeys", "DeleteAccessKey"].repeat(3);
    assert_eq!(delete_inactive(&sandbox, LATE, "99"), expected);
}
