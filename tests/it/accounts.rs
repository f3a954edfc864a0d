//! Many accounts: the scripts of `man/recipes/many-accounts`, one process per account, over several sandboxes.

use std::path::Path;
use std::process::Command;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};
use tempfile::TempDir;

use crate::case::binary;
use crate::story::read;

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
/// Their names in the list of the recipe.
const PROFILES: [&str; 3] = ["dev", "staging", "prod"];

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

/// A home with the profiles, and the list of the recipe.
fn home(sandboxes: &[Sandbox; 3]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".aws")).expect("a folder");
    let sections = sandboxes.iter().zip(PROFILES).map(|(sandbox, profile)| {
        let (admin, url) = (sandbox.admin(), sandbox.url());
        format!(
            "[profile {profile}]\nregion = us-east-1\nendpoint_url = {url}\naws_access_key_id = {}\n\
             aws_secret_access_key = {}\n",
            admin.access_key_id, admin.secret_access_key
        )
    });
    let config = sections.collect::<Vec<_>>().concat();
    std::fs::write(folder.path().join(".aws/config"), config).expect("a configuration");
    let list = read("man/recipes/many-accounts/accounts");
    std::fs::write(folder.path().join("accounts"), list).expect("a list");
    folder
}

/// Runs a script of the recipe; what it prints.
fn run(script: &str, args: &[&str], home: &Path) -> String {
    let binary = Path::new(binary());
    let tools = binary.parent().expect("a folder of binaries").display();
    let script = format!("man/recipes/many-accounts/{script}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let output = Command::new("sh")
        .arg(script)
        .args(args)
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
    for (number, sandbox) in sandboxes.iter().enumerate() {
        let (account, profile) = (ACCOUNTS[number], PROFILES[number]);
        assert!(!sandbox.has_key(&nth_key_id(account, 0)));
        assert!(sandbox.has_key(&nth_key_id(account, 2)));
        let journal = home.join(format!("{profile}.jsonl"));
        let journal = read(&journal.display().to_string());
        let deleted = journal.matches("\"Outcome\":\"Deleted\"").count();
        assert_eq!(deleted, 2, "{journal}");
    }
}

#[test]
fn one_process_an_account_each_with_its_status_and_journal() {
    let sandboxes = accounts();
    let home = home(&sandboxes);
    let statuses = |option: &str| {
        let printed = run("sweep.sh", &[option], home.path());
        let mut statuses: Vec<String> = printed.lines().map(str::to_owned).collect();
        statuses.sort();
        statuses
    };
    assert_eq!(run("sweep.sh", &[], home.path()), "", "it needs an option");
    assert_eq!(statuses("--dry-run"), ["0 dev", "0 prod", "0 staging"]);
    assert!(sandboxes.iter().all(|sandbox| sandbox.keys().len() == 4));
    assert_eq!(statuses("--yes"), ["0 dev", "0 prod", "6 staging"]);
    for (number, sandbox) in sandboxes.iter().enumerate() {
        let account = ACCOUNTS[number];
        assert_eq!(sandbox.has_key(&nth_key_id(account, 0)), number == 1);
        assert!(sandbox.has_key(&nth_key_id(account, 2)));
    }
    // The trouble is over: the same again does what is left, and nothing twice.
    sandboxes[1].clear_faults();
    assert_eq!(statuses("--yes"), ["0 dev", "0 prod", "0 staging"]);
    all_is_done(&sandboxes, home.path());
}

#[test]
fn gnu_parallel_logs_the_statuses_and_runs_again_what_failed() {
    let sandboxes = accounts();
    let home = home(&sandboxes);
    let statuses = || {
        assert_eq!(run("parallel.sh", &[], home.path()), "");
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
