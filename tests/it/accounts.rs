//! Many accounts: the scripts of `man/recipes/organization`, one process per account of an organization.

use std::path::Path;
use std::process::Command;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, account_of, nth_key_id};
use tempfile::TempDir;

use crate::case::binary;
use crate::story::read;

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
/// An account of the organization that the list does not have.
const UNLISTED: &str = "444444444444";
const LIST: &str =
    "# reviewed\n111111111111 Bob's \"dev\"\n222222222222 Staging\n333333333333 Production\n";

/// Accounts with two stale keys and a fresh one. The second account fails at first.
fn organization() -> Sandbox {
    let mut builder = Sandbox::builder();
    for account in ACCOUNTS.into_iter().chain([UNLISTED]) {
        let owner = if account == ACCOUNTS[1] {
            "locked"
        } else {
            "old"
        };
        let stale = KeySeed::new(owner, &nth_key_id(account, 0)).created_days_ago(300);
        let inactive = KeySeed::new(owner, &nth_key_id(account, 1)).status(Status::Inactive);
        let fresh = KeySeed::new("new", &nth_key_id(account, 2)).created_days_ago(3);
        for seed in [stale, inactive, fresh] {
            builder = builder.key_in(account, seed);
        }
    }
    let trouble = Fault::new(What::error(403, "AccessDenied", "no")).on("DeleteAccessKey");
    builder.fault(trouble.of_user("locked").always()).start()
}

/// A folder with the scripts and a reviewed list.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for script in ["account.sh", "sweep.sh", "parallel.sh"] {
        let text = read(&format!("man/recipes/organization/{script}"));
        std::fs::write(folder.path().join(script), text).expect("a script");
    }
    std::fs::write(folder.path().join("accounts"), LIST).expect("a list");
    folder
}

/// Runs a script of the recipe with the management account's credentials, and returns its output.
fn run(script: &str, args: &[&str], folder: &Path, sandbox: &Sandbox) -> String {
    let binary = Path::new(binary());
    let tools = binary.parent().expect("a folder of binaries").display();
    let admin = sandbox.admin();
    let output = Command::new("sh")
        .arg(script)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", format!("{tools}:/usr/local/bin:/usr/bin:/bin"))
        .env("AWS_ENDPOINT_URL", sandbox.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", admin.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", admin.secret_access_key)
        .output()
        .expect("a shell");
    String::from_utf8(output.stdout).expect("text")
}

/// Every stale key of the listed accounts is deleted and every other key exists. Each account's journal has each deletion once,
/// and each request was signed in the account of its key.
fn all_is_done(sandbox: &Sandbox, folder: &Path) {
    let has_key = |account, n| sandbox.key_in(account, &nth_key_id(account, n)).is_some();
    for account in ACCOUNTS {
        assert_eq!([0, 1, 2].map(|n| has_key(account, n)), [false, false, true]);
        let journal = folder.join(format!("{account}.journal"));
        let journal = read(&journal.display().to_string());
        let deleted = journal.matches("\"Outcome\":\"Deleted\"").count();
        assert_eq!(deleted, 2, "{journal}");
    }
    assert!([0, 1, 2].iter().all(|n| has_key(UNLISTED, *n)));
    for request in sandbox.requests() {
        let signed_in = request.key_id.as_deref().and_then(account_of);
        assert_ne!(signed_in.as_deref(), Some(UNLISTED));
        if let Some(key) = request.param("AccessKeyId") {
            assert_eq!(signed_in, account_of(key), "{}", request.action);
        }
    }
}

#[test]
fn one_process_per_account_has_its_own_status_and_journal() {
    let (sandbox, folder) = (organization(), folder());
    let statuses = |option: &str| {
        let printed = run("sweep.sh", &[option], folder.path(), &sandbox);
        let mut statuses: Vec<String> = printed.lines().map(str::to_owned).collect();
        statuses.sort();
        statuses
    };
    let all = |status: u8| ACCOUNTS.map(|account| format!("{status} {account}"));
    let printed = run("sweep.sh", &[], folder.path(), &sandbox);
    assert_eq!(printed, "", "it needs an option");
    assert_eq!(statuses("--deactivate"), all(2));
    assert_eq!(statuses("--yes"), all(2), "there was no dry run");
    assert!(sandbox.requests().is_empty());
    assert_eq!(statuses("--dry-run"), all(0));
    let changes = |action: &str| action == "DeleteAccessKey";
    let requests = sandbox.requests();
    assert!(!requests.iter().any(|request| changes(&request.action)));
    let [first, second, third] = all(0);
    let denied = second.replace('0', "6");
    assert_eq!(statuses("--yes"), [first, third, denied]);
    // The second account works again: the same command does the rest and repeats nothing.
    sandbox.clear_faults();
    assert_eq!(statuses("--yes"), all(0));
    all_is_done(&sandbox, folder.path());
}

#[test]
fn gnu_parallel_logs_the_statuses_and_reruns_what_failed() {
    let (sandbox, folder) = (organization(), folder());
    let statuses = |option: &str| {
        let printed = run("parallel.sh", &[option], folder.path(), &sandbox);
        assert_eq!(printed, "");
        let log = folder.path().join(format!("statuses{option}"));
        let log = std::fs::read_to_string(log).unwrap_or_else(|error| {
            panic!("no log of GNU parallel ({error}): tests/all installs it")
        });
        let column = |line: &str| line.split('\t').nth(6).map(str::to_owned);
        let mut statuses: Vec<String> = log.lines().skip(1).filter_map(column).collect();
        statuses.sort();
        statuses
    };
    let asked_in = |account: &str| {
        let requests = sandbox.requests().into_iter();
        let signed_in = requests.filter_map(|request| account_of(&request.key_id?));
        signed_in.filter(|signed_in| signed_in == account).count()
    };
    assert_eq!(statuses("--dry-run"), ["0", "0", "0"]);
    assert_eq!(statuses("--yes"), ["0", "0", "6"]);
    sandbox.clear_faults();
    let asked = asked_in(ACCOUNTS[0]);
    // The log has both runs of the account.
    assert_eq!(statuses("--yes"), ["0", "0", "0", "6"]);
    assert_eq!(asked_in(ACCOUNTS[0]), asked, "it was done already");
    all_is_done(&sandbox, folder.path());
}
