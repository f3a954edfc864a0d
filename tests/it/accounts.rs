//! Many accounts: the README's own commands, one process an account, over several sandboxes.

use std::path::Path;
use std::process::Command;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};
use tempfile::TempDir;

use crate::case::binary;
use crate::story::read;

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];

/// The command that the README gives, which begins so.
fn command(program: &str) -> String {
    let readme = read("README.md");
    let start = format!("\n    {program} ");
    let (_, rest) = readme.split_once(&start).expect("the README has it");
    let (command, _) = rest.split_once("\n\n").expect("a paragraph");
    format!("{program} {command}")
}

/// Three accounts, each with two stale keys and one that is not, of which the second is in trouble.
fn accounts() -> [Sandbox; 3] {
    let sandboxes = ACCOUNTS.map(|account| {
        let stale = KeySeed::new("old", &nth_key_id(account, 0)).created_days_ago(300);
        let inactive = KeySeed::new("off", &nth_key_id(account, 1)).status(Status::Inactive);
        let fresh = KeySeed::new("new", &nth_key_id(account, 2)).created_days_ago(3);
        let sandbox = Sandbox::builder().account(account);
        sandbox.key(stale).key(inactive).key(fresh).start()
    });
    let trouble = What::error(403, "AccessDenied", "no");
    sandboxes[1].fault(Fault::new(trouble).on("DeleteAccessKey").always());
    sandboxes
}

/// A home with a profile for each account.
fn home(sandboxes: &[Sandbox; 3]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".aws")).expect("a folder");
    let config = sandboxes
        .iter()
        .zip(ACCOUNTS)
        .fold(String::new(), |config, (sandbox, account)| {
            let admin = sandbox.admin();
            config
                + &format!(
                    "[profile a{account}]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = {}\n\
                     aws_secret_access_key = {}\n",
                    sandbox.url(),
                    admin.access_key_id,
                    admin.secret_access_key
                )
        });
    std::fs::write(folder.path().join(".aws/config"), config).expect("a configuration");
    let accounts = ACCOUNTS.map(|account| format!("a{account} {account}\n"));
    std::fs::write(folder.path().join("accounts"), accounts.concat()).expect("a list");
    folder
}

/// Runs the command, and gives what it prints.
fn run(command: &str, home: &Path) -> String {
    let binary = Path::new(binary());
    let tools = binary.parent().expect("a folder of binaries").display();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("PATH", format!("{tools}:/usr/local/bin:/usr/bin:/bin"))
        .output()
        .expect("a shell");
    String::from_utf8(output.stdout).expect("text")
}

/// Every stale key is gone and every other is there; each account's journal has each deletion once.
fn all_is_done(sandboxes: &[Sandbox; 3], home: &Path) {
    for (sandbox, account) in sandboxes.iter().zip(ACCOUNTS) {
        assert!(!sandbox.has_key(&nth_key_id(account, 0)));
        assert!(sandbox.has_key(&nth_key_id(account, 2)));
        let journal = home.join(format!("a{account}.jsonl"));
        let journal = read(&journal.display().to_string());
        let deleted = journal.matches("\"Outcome\":\"Deleted\"").count();
        assert_eq!(deleted, 2, "{journal}");
    }
}

#[test]
fn one_process_an_account_each_with_its_status_and_journal() {
    let sandboxes = accounts();
    let home = home(&sandboxes);
    let statuses = || {
        let printed = run(&command("xargs"), home.path());
        let mut statuses: Vec<String> = printed.lines().map(str::to_owned).collect();
        statuses.sort();
        statuses
    };
    assert_eq!(
        statuses(),
        ["0 a111111111111", "0 a333333333333", "6 a222222222222"]
    );
    for (number, sandbox) in sandboxes.iter().enumerate() {
        let account = ACCOUNTS[number];
        assert_eq!(sandbox.has_key(&nth_key_id(account, 0)), number == 1);
        assert!(sandbox.has_key(&nth_key_id(account, 2)));
    }
    // The trouble is over: the same again does what is left, and nothing twice.
    sandboxes[1].clear_faults();
    assert_eq!(
        statuses(),
        ["0 a111111111111", "0 a222222222222", "0 a333333333333"]
    );
    all_is_done(&sandboxes, home.path());
}

#[test]
fn gnu_parallel_logs_the_statuses_and_runs_again_what_failed() {
    let sandboxes = accounts();
    let home = home(&sandboxes);
    let statuses = || {
        assert_eq!(run(&command("parallel"), home.path()), "");
        let log = home.path().join("statuses");
        let log = std::fs::read_to_string(log).unwrap_or_else(|error| {
            panic!("no log of GNU parallel ({error}): tests/all installs it")
        });
        let column = |line: &str| line.split('\t').nth(6).map(str::to_owned);
        let mut statuses: Vec<String> = log.lines().skip(1).filter_map(column).collect();
        statuses.sort();
        statuses
    };
    assert_eq!(statuses(), ["0", "0", "6"]);
    sandboxes[1].clear_faults();
    let asked = sandboxes[0].requests().len();
    // The log keeps the first run of the account, and has its second besides.
    assert_eq!(statuses(), ["0", "0", "0", "6"]);
    assert_eq!(sandboxes[0].requests().len(), asked, "it was done already");
    all_is_done(&sandboxes, home.path());
}
