//! Many accounts: the README's own command, one process an account, over several sandboxes.

use std::process::Command;

use iam_sandbox::{Fault, KeySeed, Sandbox, Status, What, nth_key_id};

use crate::story::read;

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];

/// The command that the README gives, without where the profiles come from.
fn command() -> String {
    let readme = read("README.md");
    let (_, rest) = readme
        .split_once("aws configure list-profiles | ")
        .expect("the README names the profiles");
    let (command, _) = rest.split_once("\n\n").expect("a paragraph");
    command.to_owned()
}

#[test]
fn one_process_an_account_each_with_its_status_and_journal() {
    let sandboxes = ACCOUNTS.map(|account| {
        let stale = KeySeed::new("old", &nth_key_id(account, 0)).created_days_ago(300);
        let inactive = KeySeed::new("off", &nth_key_id(account, 1)).status(Status::Inactive);
        let fresh = KeySeed::new("new", &nth_key_id(account, 2)).created_days_ago(3);
        let sandbox = Sandbox::builder().account(account);
        sandbox.key(stale).key(inactive).key(fresh).start()
    });
    // One of them is in trouble.
    let trouble = What::error(403, "AccessDenied", "no");
    sandboxes[1].fault(Fault::new(trouble).on("DeleteAccessKey").always());
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".aws")).expect("a folder");
    let config = sandboxes.iter().zip(ACCOUNTS).fold(String::new(), |config, (sandbox, account)| {
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
    let profiles = ACCOUNTS.map(|account| format!("a{account}")).join("\\n");
    let script = format!("printf '{profiles}\\n' | {}", command());
    let run = || {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_iam-del-key"));
        let tools = binary.parent().expect("a folder of binaries").display();
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", format!("{tools}:/usr/local/bin:/usr/bin:/bin"))
            .output()
            .expect("a shell");
        let mut statuses: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect();
        statuses.sort();
        statuses
    };
    assert_eq!(
        run(),
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
        run(),
        ["0 a111111111111", "0 a222222222222", "0 a333333333333"]
    );
    for (sandbox, account) in sandboxes.iter().zip(ACCOUNTS) {
        assert!(!sandbox.has_key(&nth_key_id(account, 0)));
        assert!(sandbox.has_key(&nth_key_id(account, 2)));
        let journal = read(
            &folder
                .path()
                .join(format!("a{account}.jsonl"))
                .display()
                .to_string(),
        );
        assert_eq!(
            journal.matches("\"Outcome\":\"Deleted\"").count(),
            2,
            "{journal}"
        );
    }
}
