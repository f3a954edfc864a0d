//! Credential processes: each is started once and ended with its children, and errors describe what is wrong with the output.

use std::process::Command;
use std::time::{Duration, Instant};

use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{BOBS_KEY, CANARIES, Case, DELETED, documented, each, each_at_once};
use crate::credentials::{EARLIER, LATER, SOON, json, refused, with_config};
use crate::metadata_unusable::stalling;
use crate::session::{SSO_SESSION_TOKEN, sso_session};

/// The number of SIGCHLD on Linux.
const CHLD: u32 = 17;

/// The profile `name` with a credential process that runs `script`.
fn with_script(case: Case, name: &str, script: &str) -> Case {
    let path = case.path("process.sh").display().to_string();
    let section = if name == "default" {
        "[default]".to_owned()
    } else {
        format!("[profile {name}]")
    };
    case.file("process.sh", script).file(
        ".aws/config",
        format!("{section}\ncredential_process = sh '{path}'\n"),
    )
}

#[test]
fn a_credential_process_signs_and_is_started_once() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
    let (answer, count) = (case.path("answer.json"), case.path("count"));
    let script = format!("echo x >> {}; cat {}\n", count.display(), answer.display());
    // A retry must not start it again.
    sandbox.fault(iam_sandbox::Fault::new(iam_sandbox::What::ResetBeforeActing).times(2));
    let ended = with_script(case, "default", &script).start();
    let _ = ended
        .end_keeping(|folder| {
            let count =
                std::fs::read_to_string(folder.join("home/count")).expect("the process ran");
            assert_eq!(count, "x\n", "started once");
        })
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert_eq!(
        sandbox
            .requests()
            .pop()
            .expect("a request")
            .key_id
            .as_deref(),
        Some(SESSION_KEY_ID)
    );
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs env --block-signal")]
fn a_credential_process_works_whatever_signals_were_ignored_or_blocked_at_the_start() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
    let (answer, status) = (case.path("answer.json"), case.path("status"));
    let (answer, status) = (answer.display(), status.display());
    let script = format!("cat /proc/self/status > {status}; cat {answer}\n");
    let wrapper = ["env", "--block-signal", "--ignore-signal=CHLD"];
    let running = with_script(case, "default", &script).start_under(Some(&wrapper));
    let _ = running
        .end_keeping(|folder| {
            let status = std::fs::read_to_string(folder.join("home/status"));
            let status = status.expect("the process ran");
            let mask = |name: &str| {
                let mask = status.lines().find_map(|line| line.strip_prefix(name));
                u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("a mask")
            };
            assert_eq!(mask("SigBlk:"), 0, "{status}");
            assert_eq!(mask("SigIgn:") & 1 << (CHLD - 1), 0, "{status}");
        })
        .exits(0)
        .prints(DELETED)
        .says_nothing();
}

#[test]
fn a_role_is_assumed_from_a_credential_process() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/Deployer\nsource_profile = base\n\
         [profile base]\ncredential_process = cat '{}'\n",
        case.path("answer.json").display()
    );
    let case = case.file(".aws/config", config);
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let requests = sandbox.requests().into_iter();
    let actions: Vec<String> = requests.map(|request| request.action).collect();
    assert_eq!(actions, ["AssumeRole", "DeleteAccessKey"]);
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f26_long_output_of_a_credential_process_is_read_to_the_end() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
    let answer = case.path("answer.json");
    // If the run did not read everything, the process would be blocked in the middle of its output.
    let script = format!(
        "head -c 3000000 /dev/zero >&2 && cat {}\n",
        answer.display()
    );
    let _ = with_script(case, "default", &script)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f26_a_credential_process_that_fails() {
    let sandbox = documented();
    let secret = CANARIES[0];
    let cases = [
        ("exit 3".to_owned(), "failed (exit status: 3)"),
        (
            r"printf 'no \033[2J luck' >&2; exit 1".to_owned(),
            "its error output: no \\u{1b}[2J luck",
        ),
        (
            "no-such-program-anywhere".to_owned(),
            "failed (exit status: 127)",
        ),
        (
            "true".to_owned(),
            "printed nothing\nhint: it runs without a shell: words are split",
        ),
        (format!("echo {secret}"), "did not print JSON"),
        (
            r#"echo '{"Version":2}'"#.to_owned(),
            "printed JSON without \"Version\": 1",
        ),
        (
            r#"echo '{"Version":1}'"#.to_owned(),
            "returned no AccessKeyId\nhint: run the command by itself to see what is wrong\nresult: ",
        ),
        (
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"x","SecretAccessKey":"{secret}","Expiration":"soon"}}'"#
            ),
            "returned an Expiration that is not an ISO 8601 time with a time zone",
        ),
        (
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"x","SecretAccessKey":"{secret}","Expiration":"{EARLIER}"}}'"#
            ),
            "returned expired credentials\nhint: sign in again, or renew the credentials that the command returns; if they are new, check this machine's clock\nresult: ",
        ),
        (
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"x","SecretAccessKey":"{secret}","SessionToken":5}}'"#
            ),
            "returned a SessionToken that is not a string\nhint: run the command by itself",
        ),
        (
            format!(r#"echo '{{"Version":1,"AccessKeyId":["x"],"SecretAccessKey":"{secret}"}}'"#),
            "returned an AccessKeyId that is not a string",
        ),
        (
            "head -c 100000000 /dev/zero".to_owned(),
            "printed more than 64 KiB, which is too long for credentials\nhint: run the command by itself to see what is wrong\nresult: ",
        ),
        (
            "kill -9 $$".to_owned(),
            "failed (signal: 9 (SIGKILL))\nhint: run the command by itself to see what is wrong\nresult: ",
        ),
        (
            r"echo '[]'".to_owned(),
            "printed JSON without \"Version\": 1",
        ),
    ];
    for (command, says) in cases {
        let says = &["the credential_process of profile `p` ", says];
        let case = || with_script(with_config(&sandbox, ""), "p", &command);
        refused(case().args(["--profile", "p", "--debug"]).run(), says);
        refused(case().env("AWS_PROFILE", "p").run(), says);
    }
    for (command, says) in [
        (
            "no-such-program-anywhere x",
            "could not be started: No such file",
        ),
        ("'no-such program' x", "could not be started: No such file"),
        ("/", "could not be started: Permission denied"),
        ("'x", UNFINISHED),
        ("x \"y\\\"", UNFINISHED),
        ("x \\", UNFINISHED),
    ] {
        let config = format!("[profile p]\ncredential_process = {command}\n");
        let case = with_config(&sandbox, &config).args(["--profile", "p"]);
        refused(case.run(), &[says]);
    }
    assert_eq!(sandbox.connections(), 0);
}

const UNFINISHED: &str = "`credential_process` of profile `p` is not a command: a quote is not closed, or it ends with a \
     backslash\nhint: ";

/// JSON that this program's parser cannot read, and the reason.
fn unread_json() -> [(String, &'static str); 3] {
    let (open, close, digits) = ("[".repeat(900), "]".repeat(900), "9".repeat(4000));
    [
        (
            format!(r#"{{"x":{open}{close}}}"#),
            "it is nested too deeply",
        ),
        (
            format!(r#"{{"x":{digits}}}"#),
            "it has a number that is too large",
        ),
        (
            r#"{"x":"\ud800"}"#.to_owned(),
            "it has an escape for half of a character",
        ),
    ]
}

#[test]
fn json_that_the_parser_cannot_read_is_reported_with_the_reason() {
    let sandbox = documented();
    each_at_once(unread_json(), |(answer, why)| {
        let case = with_config(&sandbox, "").file("answer.json", &answer);
        let script = format!("cat {}\n", case.path("answer.json").display());
        let error = format!(
            "the credential_process of profile `default` printed something that cannot be read as JSON: {why}\n\
             hint: run the command by itself to see what is wrong\nresult: "
        );
        refused(with_script(case, "default", &script).run(), &[&error]);
        let error = format!("` cannot be read as JSON: {why}\nhint: aws sso login ");
        let case = with_config(&sandbox, &sso_session()).file(SSO_SESSION_TOKEN, &answer);
        refused(case.run(), &[&error]);
        let error = format!("3 attempts, its response cannot be read as JSON: {why}\n");
        let length = answer.len();
        let head = "HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length";
        let url = stalling("/", format!("{head}: {length}\r\n\r\n{answer}"));
        let case = with_config(&sandbox, "").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        refused(case.run(), &[&error]);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn a_blank_part_is_an_error() {
    let sandbox = documented();
    let session = json(&sandbox.session(), LATER);
    let parts = ["AccessKeyId", "SecretAccessKey", "SessionToken"];
    let blank = [" ", "\\t", "\\n", "\u{a0}"];
    let pairs = parts.map(|part| blank.map(|blank| (part, blank)));
    each(pairs.concat(), |(part, blank)| {
        let (start, rest) = session
            .split_once(&format!("\"{part}\":\""))
            .expect("the part");
        let (_, end) = rest.split_once('"').expect("its end");
        let answer = format!("{start}\"{part}\":\"{blank}\"{end}");
        let case = with_config(&sandbox, "").file("answer.json", answer);
        let script = format!("cat {}\n", case.path("answer.json").display());
        let error = format!(
            "error: {part} from the credential_process of profile `default` contains whitespace, a quote or another character \
             that is not allowed in a key\nhint: run the command by itself to see what is wrong\n"
        );
        refused(with_script(case, "default", &script).run(), &[&error]);
    });
    assert_eq!(sandbox.connections(), 0);
}

#[test]
fn f27_a_credential_process_that_hangs_is_ended_with_its_children() {
    let sandbox = documented();
    let case = with_config(&sandbox, "").args(["--timeout", "1", "--profile", "p"]);
    let (parent, child) = (case.path("parent"), case.path("child"));
    // Each start adds a line.
    let script = format!(
        "echo $$ >> {}; (sleep 300 & echo $! > {}; wait)\n",
        parent.display(),
        child.display()
    );
    let ended = with_script(case, "p", &script)
        .start()
        .end_keeping(|folder| {
            for name in ["home/parent", "home/child"] {
                let id =
                    std::fs::read_to_string(folder.join(name)).expect("the process wrote its ID");
                assert_eq!(id.lines().count(), 1, "started once");
                assert!(ends(id.trim()), "{name} outlived the run");
            }
        });
    refused(ended, &["no credentials within 1 s"]);
    assert_eq!(sandbox.connections(), 0);
}

/// The output ends when every process that has it open has ended.
#[test]
fn a_child_that_keeps_the_output_open_is_named() {
    let sandbox = documented();
    let session = json(&sandbox.session(), LATER);
    for output in ["", ">/dev/null", "2>/dev/null"] {
        let case = with_config(&sandbox, "").args(["--timeout", "2", "--profile", "p"]);
        let case = case.file("answer.json", &session);
        let answer = case.path("answer.json").display().to_string();
        let script = format!("sleep 300 {output} & cat {answer}\n");
        refused(
            with_script(case, "p", &script).run(),
            &[
                "no credentials within 2 s from the credential_process of profile `p`: it has ended, but a process that it \
                 started keeps its standard output or standard error open\nhint: redirect the standard output and the standard \
                 error of what the command starts in the background (>/dev/null 2>&1)\nresult: ",
            ],
        );
    }
    assert_eq!(sandbox.connections(), 0);
    let case = with_config(&sandbox, "").file("answer.json", &session);
    let answer = case.path("answer.json").display().to_string();
    let script = format!("sleep 300 >/dev/null 2>&1 & cat {answer}\n");
    let _ = with_script(case, "default", &script)
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
}

/// Whether a process no longer exists (or is a zombie), at once or very soon.
pub(crate) fn ends(id: &str) -> bool {
    let deadline = Instant::now() + SOON;
    loop {
        let output = Command::new("ps")
            .args(["-o", "stat=", "-p", id])
            .output()
            .expect("ps starts");
        let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if state.is_empty() || state.starts_with('Z') {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The command is split into words as by Python's `shlex`, and nothing is expanded in them.
#[test]
fn c85_no_shell_reads_the_command() {
    for (words, arguments) in [
        (
            "a $AWS_PROFILE ${HOME} ~/x",
            "[a][$AWS_PROFILE][${HOME}][~/x]",
        ),
        ("a; true && b | c > d", "[a;][true][&&][b][|][c][>][d]"),
        ("\"a ; b\" 'c # d' # e", "[a ; b][c # d][#][e]"),
        ("`x` $(y) *", "[`x`][$(y)][*]"),
        ("a\\ b \"c\\\"d\\e\"", "[a b][c\"d\\e]"),
        ("''", "[]"),
        ("\"sh -c 'x ; y'\"", "[sh -c 'x ; y']"),
    ] {
        let sandbox = documented();
        let case = with_config(&sandbox, "").file("answer.json", json(&sandbox.session(), LATER));
        let (answer, said) = (case.path("answer.json"), case.path("said"));
        let script = format!(
            "printf '[%s]' \"$@\" > {}\ncat {}\n",
            said.display(),
            answer.display()
        );
        let path = case.path("process.sh").display().to_string();
        let config = format!("[default]\ncredential_process = sh {path} {words}\n");
        let case = case
            .file("process.sh", script)
            .file(".aws/config", config)
            .env("AWS_PROFILE", "default");
        let _ = case
            .start()
            .end_keeping(|folder| {
                let said = std::fs::read_to_string(folder.join("home/said"));
                assert_eq!(said.expect("the process ran"), arguments, "{words}");
            })
            .exits(0)
            .prints(DELETED)
            .says_nothing();
    }
}
