//! After a leak: what outlives a key that was used recently, how to end that, and which other keys its owner has.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, SystemTime};

use iam_sandbox::documented::{
    ADMIN_KEY_ID, ALICE_KEY_ID, ALICE_OLD_KEY_ID, BOB_SECOND_KEY_ID, ROOT_KEY_ID,
};
use iam_sandbox::{KeySeed, LastUsed, Sandbox, Status, nth_key_id};

use crate::case::{BOBS_KEY, Case, DELETED, actions, documented};
use crate::journal::ACCOUNT;
use crate::many::from_stdin;

const ROLE: &str = "arn:aws:iam::123456789012:role/ops";

/// Alice's key was used a day ago. The run looks up its owner, and thereby reads the last use.
fn alices_key(sandbox: &Sandbox, more: &[&str]) -> Case {
    Case::at(sandbox, ["--access-key-id", ALICE_KEY_ID, "--find-user"]).args(more)
}

/// The hints about sessions, with the time replaced.
fn hints(messages: &str, time: &str) -> String {
    let lines = messages.lines().filter(|line| line.starts_with("hint: "));
    let lines = lines.filter(|line| !line.contains("to undo it"));
    let hints: Vec<String> = lines.map(|line| line.replace(time, "TIME")).collect();
    hints.join("\n")
}

/// The time that a policy names.
fn time_of(messages: &str) -> String {
    let (_, rest) = messages
        .split_once("\"aws:TokenIssueTime\":\"")
        .expect("a policy");
    rest.split('"').next().expect("a time").to_owned()
}

fn revoke(user: &str, more: &str) -> String {
    format!(
        "hint: to revoke {user}'s sessions issued before TIME (not those of assumed roles): aws iam \
         put-user-policy --user-name={user} --policy-name RevokeOlderSessions --policy-document \
         '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":\
         {{\"DateLessThan\":{{\"aws:TokenIssueTime\":\"TIME\"}}}}}}]}}'{more}"
    )
}

#[test]
fn f110_sessions_outlive_a_key_that_was_used_recently() {
    let used = format!(
        "hint: {ALICE_KEY_ID} was used in the last 36 hours: sessions created with it may remain valid for up to 36 hours\n"
    );
    for action in [&[][..], &["--deactivate"]] {
        let sandbox = documented();
        let printed = alices_key(&sandbox, action).run().exits(0);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        let time = time_of(said.messages());
        let expected = used.clone() + &revoke("Alice", "");
        assert_eq!(hints(said.messages(), &time), expected);
        // The key cannot create sessions after this time, which is near.
        let at = humantime::parse_rfc3339(&time).expect("a time");
        let late = at.duration_since(SystemTime::now()).expect("later");
        assert!(late <= Duration::from_secs(61), "{late:?}");
        // The owner that was looked up is named once: in the result, or in a note if the result does not name it.
        let note = format!("iam-del-key: note: {ALICE_KEY_ID} belongs to the user Alice\n");
        let is_named = output.contains("\"UserName\":\"Alice\"");
        assert_eq!(is_named, !action.is_empty(), "{output}");
        assert_eq!(said.messages().contains(&note), !is_named);
        let _ = said.says(&[&expected.replace("TIME", &time)]);
        assert!(!actions(&sandbox).contains(&"GetCallerIdentity".to_owned()));
    }
}

#[test]
fn f110_a_shell_passes_the_policy_unchanged() {
    let sandbox = documented();
    let printed = alices_key(&sandbox, &["--deactivate"]).run().exits(0);
    let said = printed.prints_outcome("Deactivated");
    let line = said
        .messages()
        .lines()
        .find(|line| line.contains("aws iam"));
    let (_, words) = line
        .and_then(|line| line.split_once("aws iam "))
        .expect("a command");
    let shell = Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {words}")])
        .output()
        .expect("a shell");
    let words = String::from_utf8(shell.stdout).expect("text");
    let words: Vec<&str> = words.lines().collect();
    assert_eq!(
        words[..5],
        [
            "put-user-policy",
            "--user-name=Alice",
            "--policy-name",
            "RevokeOlderSessions",
            "--policy-document"
        ]
    );
    let policy: serde_json::Value = serde_json::from_str(words[5]).expect("JSON");
    assert_eq!(policy["Version"], "2012-10-17");
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    assert_eq!(words.len(), 6);
    let _ = said.says(&["to undo it"]);
}

#[test]
fn f110_the_time_in_the_policy_is_iams() {
    let sandbox = Sandbox::documented().clock_offset(3000).start();
    let said = alices_key(&sandbox, &[]).run().exits(0).prints(DELETED);
    let time = humantime::parse_rfc3339(&time_of(said.messages())).expect("a time");
    let late = time.duration_since(SystemTime::now()).expect("later");
    assert!(late > Duration::from_secs(2900), "{late:?}");
    let _ = said.says(&["to revoke Alice's sessions"]);
}

#[test]
fn f110_a_key_that_was_not_used_recently_or_not_changed_gets_no_hint() {
    let hour = Duration::from_hours(1);
    let used = |hours: u32| LastUsed {
        at: SystemTime::now() - hours * hour,
        service: "s3".to_owned(),
        region: "us-east-1".to_owned(),
    };
    for (hours, is_recent) in [(35, true), (37, false)] {
        let seed = KeySeed {
            last_used: Some(used(hours)),
            ..KeySeed::new("Carol", &nth_key_id(ACCOUNT, 1))
        };
        let sandbox = Sandbox::documented().key(seed).start();
        let args = ["--access-key-id", &nth_key_id(ACCOUNT, 1), "--find-user"];
        let said = Case::at(&sandbox, args).run().exits(0).prints(DELETED);
        assert_eq!(said.messages().contains("sessions"), is_recent, "{hours}");
        let _ = said.says(&["belongs to the user Carol"]);
    }
    // The key was never used, was not changed, or is active again, or no fact about it was read.
    let silent = |case: Case, exits: i32| {
        let printed = case.run().exits(exits);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        assert!(!said.messages().contains("sessions"), "{}", said.messages());
    };
    let sandbox = documented();
    let old = ["--access-key-id", ALICE_OLD_KEY_ID, "--find-user"];
    silent(Case::at(&sandbox, old), 0);
    silent(alices_key(&sandbox, &["--dry-run"]), 0);
    silent(alices_key(&sandbox, &["--unused-for", "2d"]), 11);
    sandbox.set_status(ALICE_KEY_ID, Status::Inactive);
    silent(alices_key(&sandbox, &["--reactivate", "--yes"]), 0);
    sandbox.deny("iam:DeleteAccessKey");
    silent(alices_key(&sandbox, &[]), 6);
    let sandbox = documented();
    let named = ["--access-key-id", ALICE_KEY_ID, "--user-name", "Alice"];
    silent(Case::at(&sandbox, named), 0);
    assert_eq!(actions(&sandbox), ["DeleteAccessKey"]);
}

#[test]
fn f110_quiet_omits_the_hint_and_json_has_it_in_hints() {
    let sandbox = documented();
    let _ = alices_key(&sandbox, &["--quiet"])
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    let sandbox = documented();
    let said = alices_key(&sandbox, &["--error-format", "json"])
        .run()
        .exits(0)
        .prints(DELETED);
    let levels: Vec<String> = said
        .messages()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| line["Level"].as_str().expect("a level").to_owned())
        .collect();
    assert_eq!(levels, ["Note", "Hint", "Hint"]);
    let _ = said.says(&["sessions created with it", "aws:TokenIssueTime"]);
}

#[test]
fn f110_no_policy_restricts_the_root_user() {
    let sandbox = documented();
    let root = sandbox.root();
    let said = Case::at(&sandbox, ["--access-key-id", ROOT_KEY_ID])
        .env("AWS_ACCESS_KEY_ID", root.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", root.secret_access_key)
        .args(["--allow-self", "--older-than", "1h"])
        .run();
    assert!(!said.all().contains("put-user-policy"), "{}", said.all());
    // There is no command if the owner is not named, since the key may be the root user's.
    let used = LastUsed {
        at: SystemTime::now(),
        service: "s3".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let own = nth_key_id(ACCOUNT, 2);
    let seed = KeySeed {
        last_used: Some(used),
        ..KeySeed::new("admin", &own)
    };
    let sandbox = Sandbox::documented().key(seed).start();
    let args = ["--access-key-id", own.as_str(), "--unused-for", "1h"];
    sandbox.set_clock_offset(2 * 3600);
    let said = Case::at(&sandbox, args).run().exits(0).prints(DELETED);
    let messages = said.messages();
    assert!(!messages.contains("put-user-policy"), "{messages}");
    let _ = said.says_exactly(&format!(
        "hint: {own} was used in the last 36 hours: sessions created with it may remain valid for up to 36 hours\n"
    ));
}

#[test]
fn f110_the_hint_for_a_role_says_whose_credentials_the_command_needs() {
    let sandbox = documented();
    let said = alices_key(&sandbox, &["--role-arn", ROLE, "--deactivate"])
        .run()
        .exits(0);
    let said = said.prints_outcome("Deactivated");
    let messages = said.messages();
    let with_role =
        format!(" (not those of assumed roles), run this as {ROLE}: aws iam put-user-policy ");
    assert!(messages.contains(&with_role), "{messages}");
    assert!(!messages.contains("}' --role-arn"), "{messages}");
    let _ = said.says(&["}]"]);
}

/// Each user gets one command, and a run over many users prints only a few.
#[test]
fn f110_many_keys_get_one_hint_per_user_and_a_few_in_total() {
    let now = || LastUsed {
        at: SystemTime::now(),
        service: "s3".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let mut sandbox = Sandbox::documented();
    let mut list = format!("{BOBS_KEY}\n{ALICE_KEY_ID}\n{BOB_SECOND_KEY_ID}\n");
    for n in 0..9 {
        let id = nth_key_id(ACCOUNT, n);
        list = list + &id + "\n";
        sandbox = sandbox.key(KeySeed {
            last_used: Some(now()),
            ..KeySeed::new(&format!("user-{}", n % 8), &id)
        });
    }
    let sandbox = sandbox.start();
    let printed = from_stdin(&sandbox, &list, &["--find-user", "--deactivate"])
        .run()
        .exits(0);
    let output = printed.output().to_owned();
    let said = printed.prints(&output);
    let messages = said.messages();
    let commands = messages
        .lines()
        .filter(|line| line.contains("put-user-policy"));
    let users: BTreeSet<&str> = commands
        .map(|line| line.split("--user-name=").nth(1).expect("a name"))
        .map(|rest| rest.split(' ').next().expect("a name"))
        .collect();
    assert_eq!(users.len(), 5, "{messages}");
    assert_eq!(messages.matches("put-user-policy").count(), 5);
    let _ = said
        .says(&[
            "hint: 11 of these keys were used in the last 36 hours: sessions created with them may remain valid for up to 36 hours\n",
            "hint: other users also have such keys: see LastUsedDate in the results\n",
        ])
        .ends_with("12 keys: 12 deactivated");
}

#[test]
fn f110_the_dry_run_of_one_key_shows_the_other_active_keys_of_its_owner() {
    let sandbox = documented();
    let hint = format!(
        "hint: Bob has another active key: iam-del-key --access-key-id {BOB_SECOND_KEY_ID} --user-name=Bob --dry-run\n"
    );
    let known = format!("result: {BOBS_KEY}: not deleted: this was a dry run\n");
    let _ = Case::documented(&sandbox, &["--dry-run"])
        .run()
        .exits(0)
        .prints_outcome("WouldDelete")
        .says_exactly(&(hint.clone() + &known));
    let said = Case::documented(&sandbox, &["--dry-run", "--quiet"]).run();
    let _ = said.exits(0).prints_outcome("WouldDelete").says_nothing();
    let said = Case::documented(&sandbox, &["--dry-run", "--error-format", "json"]).run();
    let _ = said
        .exits(0)
        .prints_outcome("WouldDelete")
        .says(&["{\"Level\":\"Hint\",\"Message\":\"Bob has another active key: "]);
    // Alice's other key is inactive, and admin has one key. A run over several keys prints no such note.
    for args in [
        &["--access-key-id", ALICE_KEY_ID, "--user-name", "Alice"][..],
        &["--access-key-id", ADMIN_KEY_ID, "--user-name", "admin"],
        &[
            "--access-key-id",
            BOBS_KEY,
            "--access-key-id",
            ALICE_KEY_ID,
            "--find-user",
        ],
    ] {
        let printed = Case::at(&sandbox, args).args(["-n"]).run().exits(0);
        let output = printed.output().to_owned();
        let said = printed.prints(&output);
        assert!(!said.messages().contains("another active key"));
        let _ = said.says(&["result: "]);
    }
    // The note needs no request.
    let sandbox = documented();
    sandbox.deny("iam:ListAccessKeys");
    let said = Case::documented(&sandbox, &["--dry-run"]).run().exits(0);
    let said = said.prints_outcome("WouldDelete");
    assert!(!said.messages().contains("another active key"));
    let _ = said.says(&["IAM denied ListAccessKeys"]);
    assert_eq!(
        actions(&sandbox),
        ["ListAccessKeys", "GetAccessKeyLastUsed"]
    );
}
