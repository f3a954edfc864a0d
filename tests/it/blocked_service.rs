//! A service that does not respond in one phase of a run: a signal ends the run in time, and the run reports what the service
//! saw.

use std::time::Duration;

use iam_sandbox::{Answer, Fault, Proxy, ProxyMode, Recorded, Sandbox, Status, What};

use crate::blocked::interrupt;
use crate::case::{BOBS_KEY, Case, DELETED, Printed, SETTLED, documented, each_at_once};
use crate::many::{crowd, from_stdin, rows};
use crate::proxied::behind_a_proxy;
use crate::running::Running;
use crate::streams::wait_for;

/// The arguments of a run, the action that gets no response, and how many requests of that action get one before.
type Phase = (&'static str, &'static str, usize);

const ONE: [Phase; 13] = [
    ("", "DeleteAccessKey", 0),
    ("--deactivate", "ListAccessKeys", 0),
    ("--deactivate", "UpdateAccessKey", 0),
    ("--unused-for 1d", "ListAccessKeys", 0),
    ("--unused-for 1d", "GetAccessKeyLastUsed", 0),
    ("--expect-account 123456789012", "GetCallerIdentity", 0),
    (
        "--role-arn arn:aws:iam::123456789012:role/R",
        "AssumeRole",
        0,
    ),
    ("--role-name R", "GetCallerIdentity", 0),
    ("--role-name R", "GetAccessKeyInfo", 0),
    ("--role-name R", "AssumeRole", 0),
    ("--except-tag keep --older-than 1d", "ListUserTags", 0),
    ("--dry-run", "GetAccessKeyLastUsed", 0),
    ("--dry-run --output table", "GetCallerIdentity", 0),
];

/// Sweeps, and the root user of a member account.
const OTHERS: [Phase; 11] = [
    ("--user-name Bob --all-keys --yes", "ListAccessKeys", 0),
    ("--user-name Bob --all-keys --yes", "DeleteAccessKey", 1),
    (
        "--target-principal 210987654321 --all-keys --yes",
        "GetCallerIdentity",
        0,
    ),
    (
        "--target-principal 210987654321 --all-keys --yes",
        "AssumeRoot",
        0,
    ),
    (SWEEP, "GetCallerIdentity", 0),
    (SWEEP, "ListUsers", 0),
    (SWEEP, "ListAccessKeys", 2),
    (SWEEP, "DeleteAccessKey", 1),
    (REPORTED, "GetAccessKeyLastUsed", 1),
    (REPORTED, "GenerateCredentialReport", 0),
    (REPORTED, "GetCredentialReport", 0),
];
const REPORTED: &str = "--whole-account --unused-for 90d --dry-run";
const SWEEP: &str = "--whole-account --older-than 90d --yes --expect-account 123456789012";

/// No response, a response that does not arrive, and a response that drips.
const BLOCKED: [What; 3] = [
    What::SilenceBeforeActing,
    What::SilenceAfterActing,
    What::Drip {
        byte_every: Duration::from_secs(1),
        is_head_whole: false,
    },
];

fn is_write(request: &Recorded) -> bool {
    ["DeleteAccessKey", "UpdateAccessKey"].contains(&request.action.as_str())
}

/// An interrupted run reports for each key what the service saw. If it reports no key, it sent nothing.
fn is_true(sandbox: &Sandbox, printed: Printed, blocked: &What) {
    let output = printed.output().to_owned();
    let writes: Vec<Recorded> = sandbox.requests().into_iter().filter(is_write).collect();
    let is_json = output.starts_with('{');
    let rows = if is_json { rows(&output) } else { Vec::new() };
    for row in &rows {
        let id = row["AccessKeyId"].as_str().expect("an ID");
        let of_key = |write: &&Recorded| write.param("AccessKeyId") == Some(id);
        let sent: Vec<&Recorded> = writes.iter().filter(of_key).collect();
        let is_answered = |write: &&Recorded| matches!(write.answer, Answer::Status(_));
        // The sandbox does not record that a dripping response is incomplete.
        let is_dripping = matches!(blocked, What::Drip { .. });
        let status = sandbox.key(id).map(|key| key.status);
        let is_right = match row["Outcome"].as_str().expect("an outcome") {
            "Deleted" => status.is_none(),
            "Deactivated" => status == Some(Status::Inactive),
            "Unknown" => sent.iter().any(|write| is_dripping || !is_answered(write)),
            "NotTried" | "WouldDelete" => sent.is_empty(),
            // IAM responded to each request and changed nothing.
            "Failed" => sent
                .iter()
                .all(|write| is_answered(write) && write.acted_at.is_none()),
            _ => false,
        };
        assert!(is_right, "{row}, {sent:?}");
    }
    let ended = printed.prints(&output).says(&["iam-del-key: error: "]);
    let nothing = [
        "nothing was sent to IAM",
        "no key was changed",
        "no request to change it was sent",
        "not tried",
    ];
    let says_nothing = nothing.iter().any(|text| ended.known().contains(text));
    if rows.is_empty() {
        assert!(
            writes.is_empty() && says_nothing,
            "{writes:?}{}",
            ended.all()
        );
    }
}

/// Signals, and the exit status.
const SENT: [(&[&str], i32); 4] = [
    (&["HUP"], 129),
    (&["INT"], 130),
    (&["TERM"], 143),
    (&["INT", "INT"], 130),
];

fn interrupted(running: Running, signals: &[&str], status: i32) -> Printed {
    let (last, before) = signals.split_last().expect("a signal");
    for signal in before {
        running.signal(signal);
    }
    interrupt(running, last).exits(status)
}

/// Blocks each phase of a run in each way, and interrupts the run when the blocked request arrives. The signals take turns.
fn each(phases: &[Phase], run: impl Fn(&str) -> (Sandbox, Case) + Send + Sync) {
    for (turn, blocked) in BLOCKED.iter().enumerate() {
        let cells = phases.iter().zip(SENT.into_iter().cycle().skip(turn));
        each_at_once(cells, |((args, action, skip), (signals, status))| {
            let (sandbox, case) = run(args);
            let fault = Fault::new(blocked.clone()).on(action);
            sandbox.fault(fault.skip(*skip as u64).always());
            let running = case.args(args.split_whitespace()).start();
            wait_for(|| {
                let sent = sandbox.requests().into_iter();
                let sent: Vec<Recorded> =
                    sent.filter(|request| request.action == *action).collect();
                let pending = |request: &&Recorded| request.answer == Answer::Pending;
                sent.len() > *skip && !sent.iter().any(|request| pending(&request))
            });
            is_true(&sandbox, interrupted(running, signals, status), blocked);
        });
    }
}

#[test]
fn every_request_stays_without_a_response_in_one_phase() {
    let phases = ONE.iter().chain(&OTHERS);
    let blocked: Vec<&str> = phases.map(|(_, action, _)| *action).collect();
    for action in iam_sandbox::actions() {
        let is_sent = !action.starts_with("Create");
        assert_eq!(blocked.contains(&action), is_sent, "{action}");
    }
}

#[test]
fn f111_a_signal_ends_a_run_of_one_key_whichever_response_is_missing() {
    each(&ONE, |_| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &[]);
        (sandbox, case)
    });
}

#[test]
fn f111_a_signal_ends_a_sweep_whichever_response_is_missing() {
    each(&OTHERS, |_| {
        let sandbox = Sandbox::documented().other_account("210987654321").start();
        let case = Case::at(&sandbox, [""; 0]);
        (sandbox, case)
    });
}

#[test]
fn f111_a_signal_ends_a_list_whichever_response_is_missing() {
    let phases = [
        ("--jobs 1", "DeleteAccessKey", 3),
        ("--jobs 8", "DeleteAccessKey", 5),
        ("--deactivate", "ListAccessKeys", 5),
        ("--unused-for 1d", "GetAccessKeyLastUsed", 5),
        ("--dry-run", "ListAccessKeys", 5),
        ("--dry-run --output table", "GetCallerIdentity", 0),
        ("--role-name R", "GetAccessKeyInfo", 5),
    ];
    each(&phases, |_| {
        let (sandbox, list) = crowd(20);
        let case = from_stdin(&sandbox, &list, &[]);
        (sandbox, case)
    });
}

#[test]
fn f111_a_signal_ends_the_verification_of_a_lost_response() {
    let phases = [
        ("", "GetAccessKeyLastUsed", 0),
        ("", "ListAccessKeys", 0),
        // The retry gets no response.
        ("-v", "DeleteAccessKey", 0),
    ];
    each(&phases, |args| {
        let sandbox = documented();
        let lost = match args {
            "" => What::ResetAfterActing,
            _ => What::ResetBeforeActing,
        };
        sandbox.fault(Fault::new(lost).on("DeleteAccessKey"));
        let case = Case::documented(&sandbox, &[]);
        (sandbox, case)
    });
}

#[test]
fn f111_a_signal_ends_the_search_for_a_missing_key() {
    let phases = [
        ("", "GetAccessKeyInfo", 0),
        ("--ignore-missing", "GetAccessKeyLastUsed", 0),
    ];
    each(&phases, |_| {
        let sandbox = documented();
        let args = [
            "--access-key-id",
            "AKIAIOSFODNN7EXAMPLE",
            "--user-name",
            "Bob",
        ];
        let case = Case::at(&sandbox, args);
        (sandbox, case)
    });
}

#[test]
fn f111_a_signal_during_the_account_lookup_of_a_table_omits_no_key() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let args = ["--dry-run", "--output", "table"];
    let running = Case::documented(&sandbox, &args).start();
    assert!(sandbox.wait_for_requests(1, SETTLED));
    let printed = interrupt(running, "INT").exits(130);
    let output = printed.output().to_owned();
    assert!(
        output.contains(BOBS_KEY) && output.contains("NotTried"),
        "{output}"
    );
    let _ = printed.prints(&output).says_exactly(&format!(
        "iam-del-key: error: interrupted\nresult: {BOBS_KEY}: not deleted: no request to change it was sent\n"
    ));

    let (sandbox, list) = crowd(20);
    sandbox.fault(Fault::new(What::SilenceBeforeActing).always());
    let running = from_stdin(&sandbox, &list, &args).start();
    assert!(sandbox.wait_for_requests(1, SETTLED));
    let printed = interrupt(running, "INT").exits(130);
    let output = printed.output().to_owned();
    let row = format!("{:69}NotTried\n", "(20 keys)");
    assert!(output.ends_with(&row), "{output}");
    assert_eq!(output.matches("NotTried").count(), 1, "{output}");
    let _ = printed
        .prints(&output)
        .says(&["error: interrupted: no more keys are tried"])
        .ends_with("20 keys: 20 not tried; this was a dry run");
}

#[test]
fn f111_a_signal_ends_the_wait_for_a_proxy() {
    let runs = [
        &[][..],
        &["--expect-account", "123456789012"],
        &["--dry-run"],
        &["--deactivate"],
    ];
    each_at_once(runs.into_iter().zip(SENT), |(more, (signals, status))| {
        let sandbox = behind_a_proxy();
        let proxy = Proxy::start(ProxyMode::Hang);
        let case = Case::documented(&sandbox, more).env("HTTPS_PROXY", proxy.url());
        let running = case.start();
        wait_for(|| !proxy.requests().is_empty());
        let printed = interrupted(running, signals, status);
        is_true(&sandbox, printed, &What::SilenceOnAccept);
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn f111_a_response_that_has_arrived_is_read_despite_two_signals() {
    let sandbox = documented();
    sandbox.fault(Fault::new(What::Delay(Duration::from_secs(1))).on("DeleteAccessKey"));
    let running = Case::documented(&sandbox, &[]).start();
    assert!(sandbox.wait_for_requests(1, SETTLED));
    running.signal("STOP");
    wait_for(|| sandbox.requests()[0].answer == Answer::Status(200));
    running.signal("INT");
    running.signal("TERM");
    let printed = interrupt(running, "CONT").exits_with_one_of(&[0, 130]);
    let output = printed.output().to_owned();
    let is_deleted = output == DELETED || output.contains("\"Outcome\":\"Deleted\"");
    assert!(is_deleted, "{output}");
    let said = printed.prints(&output);
    // Either the response or the signal came first.
    assert_eq!(said.messages().is_empty(), output == DELETED);
    assert!(!sandbox.has_key(BOBS_KEY));
}
