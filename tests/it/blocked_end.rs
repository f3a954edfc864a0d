//! Local resources that a run waits for: a name, credentials, the terminal, a reader. A signal ends the run in time with the
//! known state of the key. A wait that ends by itself only delays the run.

use iam_sandbox::{Fault, Key, Status, What};

use crate::blocked::{FULL_OUTPUT, SIGNALS, interrupt};
use crate::blocked_disk::{LIMIT, wait_for_limit};
use crate::case::{BOBS_KEY, Case, DELETED, SETTLED, actions, documented, each_at_once};
use crate::credentials::{LATER, json, with_config};
use crate::dialogue::{Dialogue, is_echoing};
use crate::journal::ACCOUNT;
use crate::low_resources::{SILENT_NAME_SERVER, stand_in};
use crate::many::{crowd, from_stdin, left, outcomes};
use crate::process::ends;
use crate::streams::wait_for;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn f111_a_signal_ends_each_name_lookup() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), SILENT_NAME_SERVER);
    let by_name = "https://iam.invalid";
    let lookups = [
        ("list", &["--from", "-"][..], ""),
        ("dry run", &["--from", "-", "--dry-run"], ""),
        (
            "sweep",
            &["--whole-account", "--older-than", "1d", "--dry-run"],
            "",
        ),
        ("STS", &["--from", "-", "--expect-account", ACCOUNT], ""),
        (
            "role",
            &[
                "--from",
                "-",
                "--role-arn",
                "arn:aws:iam::123456789012:role/R",
            ],
            "",
        ),
        ("proxy", &["--from", "-"], "http://proxy.invalid"),
    ];
    let cells = lookups.iter().zip(SIGNALS.into_iter().cycle());
    each_at_once(cells, |((name, args, proxy), (signal, status))| {
        let (sandbox, list) = crowd(20);
        let asked = folder.path().join(name);
        let case = Case::at(&sandbox, *args).args(["--endpoint-url", by_name]);
        let case = case.input(list.as_bytes()).env("ASKED", &asked);
        let case = if proxy.is_empty() {
            case
        } else {
            case.env("HTTPS_PROXY", proxy)
        };
        let running = case.env("LD_PRELOAD", &library).start();
        wait_for(|| asked.exists());
        let printed = interrupt(running, signal).exits(status);
        let output = printed.output().to_owned();
        let expected = match *name {
            "list" | "dry run" | "proxy" => vec![("NotTried".to_owned(), 20)],
            _ => Vec::new(),
        };
        assert_eq!(outcomes(&output), expected, "{name}");
        let ended = printed.prints(&output).says(&["error: interrupted"]);
        let known = match *name {
            "dry run" => "20 keys: 20 not tried; this was a dry run",
            "list" | "proxy" => "20 keys: 20 not tried",
            _ => "no key was changed",
        };
        let _ = ended.ends_with(known);
        assert_eq!(sandbox.connections(), 0);
    });
}

const NOT_SENT: &str = "not deleted: nothing was sent to IAM";

/// The process does not end by itself, nor by a signal that it can ignore.
const STUBBORN: &str = "trap '' HUP INT TERM\necho $$ > ids\nsleep 300 &\necho $! >> ids\n";

#[test]
fn f111_a_signal_ends_a_credential_process_that_ignores_it() {
    let stuck = [
        "wait\nsleep 300\n",
        // The process has ended, and its child has not.
        "exit 0\n",
        "exec >&- 2>&-\nwait\nsleep 300\n",
        "yes >&2\n",
        "cat answer.json; wait\nsleep 300\n",
    ];
    let cells = stuck.into_iter().zip(SIGNALS.into_iter().cycle());
    each_at_once(cells, |(stuck, (signal, status))| {
        let sandbox = documented();
        let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
        let home = case.path("").display().to_string();
        let ids = case.path("ids");
        let case = case
            .file("process.sh", format!("cd '{home}'\n{STUBBORN}{stuck}"))
            .file(
                ".aws/config",
                format!("[default]\ncredential_process = sh '{home}/process.sh'\n"),
            );
        let written = || std::fs::read_to_string(&ids).unwrap_or_default();
        let running = case.start();
        wait_for(|| written().lines().count() == 2);
        let started = written();
        let _ = interrupt(running, signal)
            .exits(status)
            .prints_nothing()
            .says_exactly(&format!(
                "iam-del-key: error: interrupted\nresult: {BOBS_KEY}: {NOT_SENT}\n"
            ));
        for id in started.lines() {
            assert!(ends(id), "{id} outlived the run: {stuck}");
        }
        assert_eq!(sandbox.connections(), 0);
    });
}

#[test]
fn f111_a_signal_ends_a_credential_renewal_that_hangs() {
    each_at_once(SIGNALS, |(signal, status)| {
        let (sandbox, list) = crowd(20);
        let expired = What::error(403, "ExpiredToken", "expired");
        sandbox.fault(Fault::new(expired).on("DeleteAccessKey").skip(5).always());
        let case = from_stdin(&sandbox, &list, &["--yes", "--jobs", "2"]).without_credentials();
        let case = case.file("answer.json", json(&sandbox.session(), LATER));
        let home = case.path("").display().to_string();
        let ids = case.path("ids");
        let once = "if test -e answer.json; then cat answer.json; rm answer.json; exit; fi\n";
        let case = case
            .file(
                "process.sh",
                format!("cd '{home}'\n{once}{STUBBORN}wait\nsleep 300\n"),
            )
            .file(
                ".aws/config",
                format!("[default]\ncredential_process = sh '{home}/process.sh'\n"),
            );
        let running = case.start();
        wait_for(|| std::fs::read_to_string(&ids).is_ok_and(|ids| ids.lines().count() == 2));
        let started = std::fs::read_to_string(&ids).expect("IDs");
        let printed = interrupt(running, signal).exits(status);
        let output = printed.output().to_owned();
        let deleted = 20 - left(&sandbox, 20);
        let expected = [
            ("Deleted", deleted),
            ("Failed", 2),
            ("NotTried", 18 - deleted),
        ];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(outcomes(&output), expected);
        let _ = printed
            .prints(&output)
            .says(&["error: interrupted: no more keys are tried"])
            .ends_with(&format!(
                "20 keys: {deleted} deleted, 2 failed and not changed, {} not tried",
                18 - deleted
            ));
        for id in started.lines() {
            assert!(ends(id), "{id} outlived the run");
        }
    });
}

/// Both streams are one pipe that is full.
const FULL_BOTH: [&str; 3] = [
    "sh",
    "-c",
    "head -c 65536 /dev/zero; exec \"$0\" \"$@\" 2>&1",
];

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn f111_a_signal_ends_a_run_whose_reader_pauses() {
    const SWEEP: &str = "--whole-account --older-than 1d";
    let runs = [
        ("--from -", "deleted"),
        ("--from - --deactivate", "deactivated"),
        ("--from - --dry-run", "not deleted"),
        ("--yes --expect-account 123456789012", "deleted"),
        ("--dry-run", "not deleted"),
    ];
    let cells = [&FULL_OUTPUT, &FULL_BOTH]
        .into_iter()
        .flat_map(|full| runs.map(|run| (full, run)));
    each_at_once(
        cells.zip(SIGNALS.into_iter().cycle()),
        |((full, (args, done)), (signal, status))| {
            let (sandbox, list) = crowd(40);
            let sweep = if args.contains("--from") { "" } else { SWEEP };
            let words = args.split(' ').chain(sweep.split_whitespace());
            let mut running = Case::at(&sandbox, words)
                .input(list.as_bytes())
                .start_under(Some(full));
            let results = running.child.stdout.take().expect("a pipe");
            let writer = if full[2] == FULL_BOTH[2] {
                "messages"
            } else {
                "results"
            };
            wait_for(|| running.threads().iter().any(|name| name == writer));
            // Every request got its response.
            assert!(sandbox.wait_until_calm(SETTLED));
            let said = interrupt(running, signal).exits(status).prints_nothing();
            let changed = |key: &Key| key.status == Status::Inactive;
            let changed =
                40 - left(&sandbox, 40) + sandbox.keys().iter().filter(|key| changed(key)).count();
            if full[2] == FULL_OUTPUT[2] && done != "not deleted" {
                let reported = said.messages().matches(&format!(": {done}\n")).count();
                assert!(reported <= changed, "{}", said.messages());
            }
            drop(results);
        },
    );
}

/// A role that requires a code.
const WITH_CODE: [&str; 4] = [
    "--role-arn",
    "arn:aws:iam::123456789012:role/R",
    "--serial-number",
    "arn:aws:iam::123456789012:mfa/admin",
];
const QUESTION: &str = "Delete this key in account 123456789012? It cannot be undone. [y/N] ";
/// Ctrl-S stops the terminal before the run starts.
const WAITS: [&str; 3] = ["sh", "-c", "read line; exec \"$0\" \"$@\""];

#[test]
fn f111_a_signal_ends_a_prompt_on_a_terminal_that_was_stopped() {
    let prompts = [&WITH_CODE[..], &["--interactive"]];
    let cells = prompts
        .into_iter()
        .flat_map(|args| SIGNALS.map(|signal| (args, signal)));
    each_at_once(cells, |(args, (signal, status))| {
        let sandbox = documented();
        let case = Case::documented(&sandbox, args).with_default_output();
        let dialogue = Dialogue::start_under(case, &WAITS).types(b"\x13\n");
        let terminal = dialogue.terminal();
        if args.len() == 1 {
            wait_for(|| actions(&sandbox).contains(&"GetCallerIdentity".to_owned()));
        } else {
            wait_for(|| !is_echoing(&terminal));
        }
        let sent = std::time::Instant::now();
        let printed = dialogue.signals(signal).end().exits(status);
        assert!(sent.elapsed() < SETTLED);
        let said = printed.prints_nothing();
        assert!(!said.messages().contains("[y/N]"), "it was not stopped");
        assert!(is_echoing(&terminal));
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
fn f111_a_resumed_terminal_shows_the_question_and_takes_the_answer() {
    let sandbox = documented();
    let case = Case::documented(&sandbox, &["--interactive"]).args(LIMIT);
    let dialogue = Dialogue::start_under(case, &WAITS).types(b"\x13\n");
    wait_for(|| actions(&sandbox).contains(&"GetCallerIdentity".to_owned()));
    wait_for_limit();
    let dialogue = dialogue.types(b"\x11").shows(QUESTION).types(b"y\n");
    let _ = dialogue.end().exits(0).prints(DELETED).says(&[QUESTION]);
    assert!(!sandbox.has_key(BOBS_KEY));
}
