//! The credential report over HTTP: its states, errors and contents, and the effects of denials and faults.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iam_sandbox::documented::{ADMIN, ALICE_KEY_ID, BOB_KEY_ID, BOB_SECOND_KEY_ID};
use iam_sandbox::{Credentials, Fault, KeySeed, Sandbox, What, sign};

const HOUR: Duration = Duration::from_hours(1);

/// Sends a request without parameters, and returns the whole response.
fn ask_as(who: &Credentials, sandbox: &Sandbox, action: &str) -> String {
    let address = sandbox.address();
    let params = [("Action", action), ("Version", "2010-05-08")];
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = sign::post(who, &address.to_string(), &params);
    stream.write_all(&request).expect("the request is sent");
    stream.shutdown(Shutdown::Write).expect("an open socket");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}

fn ask(sandbox: &Sandbox, action: &str) -> String {
    ask_as(&sandbox.admin(), sandbox, action)
}

fn generate(sandbox: &Sandbox) -> String {
    element(&ask(sandbox, "GenerateCredentialReport"), "State").to_owned()
}

fn element<'a>(reply: &'a str, name: &str) -> &'a str {
    let (_, rest) = reply
        .split_once(&format!("<{name}>"))
        .unwrap_or_else(|| panic!("no {name} in {reply}"));
    rest.split_once('<').expect("its end").0
}

fn lines(sandbox: &Sandbox) -> Vec<String> {
    let reply = ask(sandbox, "GetCredentialReport");
    let csv = STANDARD.decode(element(&reply, "Content")).expect("base64");
    let csv = String::from_utf8(csv).expect("text");
    csv.lines().map(str::to_owned).collect()
}

fn line(lines: &[String], user: &str) -> Vec<String> {
    let found = lines
        .iter()
        .find(|line| line.split(',').next() == Some(user));
    let found = found.unwrap_or_else(|| panic!("no {user} in {lines:?}"));
    found.split(',').map(str::to_owned).collect()
}

fn users(lines: &[String]) -> Vec<&str> {
    let users = lines.iter().filter_map(|line| line.split(',').next());
    users.collect()
}

#[test]
fn a_report_is_a_snapshot_from_the_time_it_was_started() {
    let sandbox = Sandbox::documented().start();
    let missing = ask(&sandbox, "GetCredentialReport");
    assert!(missing.starts_with("HTTP/1.1 410 Gone\r\n"), "{missing}");
    assert_eq!(element(&missing, "Code"), "ReportNotPresent");

    let started = ask(&sandbox, "GenerateCredentialReport");
    assert_eq!(element(&started, "State"), "STARTED");
    assert!(!element(&started, "Description").is_empty());
    sandbox.remove_key(BOB_KEY_ID);
    assert_eq!(generate(&sandbox), "COMPLETE");

    let reply = ask(&sandbox, "GetCredentialReport");
    assert!(reply.contains("<GetCredentialReportResult>"), "{reply}");
    assert_eq!(element(&reply, "ReportFormat"), "text/csv");
    assert!(element(&reply, "GeneratedTime").ends_with('Z'), "{reply}");
    let lines = lines(&sandbox);
    assert_eq!(
        users(&lines),
        ["user", "<root_account>", "admin", "Alice", "Bob"]
    );
    let bob = line(&lines, "Bob");
    let [active, used] = [8, 13].map(|column| (bob[column].as_str(), bob[column + 4].as_str()));
    assert_eq!((active, used), (("true", "s3"), ("true", "ec2")));
    let alice = line(&lines, "Alice");
    assert_eq!((alice[8].as_str(), alice[13].as_str()), ("true", "false"));
    assert_eq!(alice[2], alice[14], "she is as old as her oldest key");
    for id in [BOB_KEY_ID, BOB_SECOND_KEY_ID, ALICE_KEY_ID] {
        assert!(lines.iter().all(|line| !line.contains(id)), "{id}");
    }
}

#[test]
fn the_report_has_the_last_use_of_the_callers_key_and_the_root_key() {
    let sandbox = Sandbox::builder().report_root_key().start();
    let asked = ask_as(&sandbox.root(), &sandbox, "GenerateCredentialReport");
    assert_eq!(element(&asked, "State"), "STARTED");
    let lines = lines(&sandbox);
    let root = line(&lines, "<root_account>");
    assert_eq!(root[3], "not_supported");
    assert_eq!(root[11..13], ["us-east-1", "iam"]);
    assert_eq!(line(&lines, ADMIN)[11..13], ["us-east-1", "iam"]);
}

#[test]
fn a_stale_report_lacks_newer_keys_and_keeps_deleted_ones() {
    let sandbox = Sandbox::documented()
        .user("created-since")
        .key(KeySeed::new("Bob", "AKIA0000000000000NEW").created_days_ago(0))
        .stale_report(3 * HOUR)
        .start();
    sandbox.remove_key(BOB_KEY_ID);
    sandbox.remove_key(BOB_SECOND_KEY_ID);
    sandbox.add_key(KeySeed::new("planted-since", "AKIA00000000000OLDER"));
    assert_eq!(generate(&sandbox), "COMPLETE");
    let lines = lines(&sandbox);
    assert_eq!(
        users(&lines),
        ["user", "<root_account>", "admin", "Alice", "Bob"]
    );
    let bob = line(&lines, "Bob");
    assert_eq!((bob[8].as_str(), bob[13].as_str()), ("true", "true"));
    assert_eq!(bob[12], "s3");
    assert_eq!(bob[15..18], ["N/A", "N/A", "N/A"], "it was used just now");
    let generated = ask(&sandbox, "GetCredentialReport");
    let generated = element(&generated, "GeneratedTime").to_owned();
    let hours_ago = |hours| written(SystemTime::now() - hours * HOUR);
    assert!(generated <= hours_ago(3), "{generated}");
    assert!(generated > hours_ago(4), "{generated}");
}

/// `2026-01-31T23:59:59Z`, the format of the sandbox.
fn written(at: SystemTime) -> String {
    let at = time::OffsetDateTime::from(at);
    let (hour, minute, second) = at.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", at.date())
}

#[test]
fn a_report_expires_after_four_hours() {
    let sandbox = Sandbox::documented().stale_report(4 * HOUR).start();
    let expired = ask(&sandbox, "GetCredentialReport");
    assert!(expired.starts_with("HTTP/1.1 410 Gone\r\n"), "{expired}");
    assert_eq!(element(&expired, "Code"), "ReportExpired");
    assert_eq!(generate(&sandbox), "STARTED");
    assert_eq!(generate(&sandbox), "COMPLETE");
    assert_eq!(lines(&sandbox).len(), 5);
}

#[test]
fn a_report_can_take_a_while_or_never_finish() {
    let slow = Sandbox::builder().report_lag(2).start();
    let states: Vec<String> = (0..4).map(|_| generate(&slow)).collect();
    assert_eq!(states, ["STARTED", "INPROGRESS", "INPROGRESS", "COMPLETE"]);

    let endless = Sandbox::builder().endless_report().start();
    for _ in 0..3 {
        assert_eq!(generate(&endless), "INPROGRESS");
        let reply = ask(&endless, "GetCredentialReport");
        assert!(reply.starts_with("HTTP/1.1 404 Not Found\r\n"), "{reply}");
        assert_eq!(element(&reply, "Code"), "ReportInProgress");
    }
}

#[test]
fn a_foreign_report_has_other_dates_and_booleans() {
    let sandbox = Sandbox::documented().foreign_report().start();
    assert_eq!(generate(&sandbox), "STARTED");
    let alice = line(&lines(&sandbox), "Alice");
    assert_eq!((alice[8].as_str(), alice[13].as_str()), ("TRUE", "FALSE"));
    assert!(alice[2].ends_with('Z'), "{alice:?}");
}

#[test]
fn denials_and_faults_apply_to_the_report() {
    let sandbox = Sandbox::builder()
        .deny("iam:GenerateCredentialReport")
        .fault(Fault::new(What::error(500, "ServiceFailure", "later")).on("GetCredentialReport"))
        .start();
    let denied = ask(&sandbox, "GenerateCredentialReport");
    assert_eq!(element(&denied, "Code"), "AccessDenied");
    let message = element(&denied, "Message");
    let expected = "iam:GenerateCredentialReport on resource: * because";
    assert!(message.contains(expected), "{message}");
    let failed = ask(&sandbox, "GetCredentialReport");
    assert_eq!(element(&failed, "Code"), "ServiceFailure");
    let again = ask(&sandbox, "GetCredentialReport");
    assert_eq!(element(&again, "Code"), "ReportNotPresent");
    sandbox.allow("iam:GenerateCredentialReport");
    assert_eq!(generate(&sandbox), "STARTED");
    sandbox.deny_to(ADMIN, "iam:Get*");
    let denied = ask(&sandbox, "GetCredentialReport");
    assert_eq!(element(&denied, "Code"), "AccessDenied");
}
