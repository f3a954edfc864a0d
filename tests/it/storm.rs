//! A storm: requests go wrong at random, before IAM acts and after it. Each key is told of once, and as IAM has it in the end.
//! `tests/storm` does the same with many keys and many seeds.

use std::collections::BTreeMap;
use std::time::Duration;

use iam_sandbox::{Builder, Sandbox, Status, Storm, nth_key_id};
use serde_json::Value;

use crate::case::Case;
use crate::journal::Kept;
use crate::many::{from_stdin, outcomes, rows};

const ACCOUNT: &str = "123456789012";
const KEYS: usize = 300;
/// Every so many keys, one is named with another's user, and one that nobody has is named too.
const WRONG_OWNER: usize = 40;
const NOBODYS: usize = 50;
/// Silence is not waited for long.
const LIMITS: [&str; 6] = ["--jobs", "32", "--cli-read-timeout", "1", "--timeout", "20"];

/// A key of the list.
struct Named {
    id: String,
    user: String,
    /// Whether there is such a key of this user.
    is_theirs: bool,
}

fn sandbox(storm: Storm) -> Builder {
    Sandbox::documented().many_keys(KEYS, 1).storm(storm)
}

fn user(n: usize) -> String {
    format!("user-{:06}", n + 1)
}

/// The keys there are, some with another's user, and some that nobody has.
fn named() -> Vec<Named> {
    let theirs = (0..KEYS).map(|n| {
        let is_theirs = n % WRONG_OWNER != 7;
        let user = user(if is_theirs { n } else { n - 1 });
        let id = nth_key_id(ACCOUNT, n);
        Named {
            id,
            user,
            is_theirs,
        }
    });
    let nobodys = (0..KEYS).step_by(NOBODYS).map(|n| Named {
        id: nth_key_id(ACCOUNT, KEYS + n),
        user: user(n),
        is_theirs: false,
    });
    theirs.chain(nobodys).collect()
}

fn list<'a>(named: impl IntoIterator<Item = &'a Named>) -> String {
    let lines = named.into_iter();
    lines.fold("AccessKeyId,UserName\n".to_owned(), |list, key| {
        format!("{list}{},{}\n", key.id, key.user)
    })
}

/// The same as results of a run that deactivated all of them.
fn deactivated<'a>(named: impl IntoIterator<Item = &'a Named>) -> String {
    let lines = named.into_iter();
    lines.fold(String::new(), |list, key| {
        let (id, user) = (&key.id, &key.user);
        format!(
            "{list}{{\"AccessKeyId\":\"{id}\",\"UserName\":\"{user}\",\"Outcome\":\"Deactivated\",\"PreviousStatus\":\"Active\"}}\n"
        )
    })
}

/// Whether the outcome is true of a key.
fn is_so(outcome: &str, key: &Named, before: Option<Status>, after: Option<Status>) -> bool {
    match outcome {
        "Deleted" => after.is_none(),
        "Deactivated" => after == Some(Status::Inactive),
        "Reactivated" => after == Some(Status::Active),
        "Failed" => after == before,
        // By somebody else, that is.
        "Missing" => !key.is_theirs && before.is_none(),
        "Unknown" => true,
        _ => false,
    }
}

/// Runs in a storm, and holds what is said against what there is.
fn weather(storm: Storm, more: &[&str]) {
    let sandbox = sandbox(storm).start();
    let named = named();
    let keys = if more.contains(&"--reactivate") {
        for key in &named {
            sandbox.set_status(&key.id, Status::Inactive);
        }
        deactivated(&named)
    } else {
        list(&named)
    };
    let status = |id: &str| sandbox.key(id).map(|key| key.status);
    let before: Vec<Option<Status>> = named.iter().map(|key| status(&key.id)).collect();
    let case = from_stdin(&sandbox, &keys, &LIMITS).args(more.iter().copied());
    let printed = case.run().exits(12);
    let is_calm = sandbox.wait_until_calm(Duration::from_mins(1));
    assert!(is_calm, "a request is never carried out");
    let output = printed.output().to_owned();
    let told = by_id(&output);
    for (key, before) in named.iter().zip(before) {
        let (row, after) = (&told[&key.id], status(&key.id));
        let outcome = row["Outcome"].as_str().expect("an outcome");
        assert!(
            is_so(outcome, key, before, after),
            "{storm:?} {more:?}: it was {before:?} and is {after:?}: {row}"
        );
        assert!(key.is_theirs || after == before, "{row}");
    }
    let counted = outcomes(&output);
    assert_eq!(told.len(), named.len());
    let words = [
        ("Deleted", "deleted"),
        ("Deactivated", "deactivated"),
        ("Reactivated", "reactivated"),
        ("Missing", "already gone"),
        ("Failed", "failed and not changed"),
        ("Unknown", "unknown"),
    ];
    let counts = words.iter().filter_map(|(name, words)| {
        let (_, count) = counted.iter().find(|(known, _)| known == name)?;
        Some(format!("{count} {words}"))
    });
    let counts: Vec<String> = counts.collect();
    let last = format!("result: {} keys: {}", named.len(), counts.join(", "));
    let _ = printed.prints(&output).says(&["result: "]).ends_with(&last);
}

fn by_id(output: &str) -> BTreeMap<String, Value> {
    let rows = rows(output).into_iter();
    rows.map(|row| (row["AccessKeyId"].as_str().expect("an ID").to_owned(), row))
        .collect()
}

#[test]
fn f89_in_a_storm_nothing_false_is_said_of_any_key() {
    weather(Storm::new(1), &[]);
    weather(Storm::new(2), &["--ignore-missing"]);
    weather(Storm::new(3), &["--deactivate"]);
    weather(Storm::new(6), &["--reactivate", "--yes"]);
}

/// `tests/storm --adverse` does the same with more modes and seeds, and with reads that are denied.
#[test]
fn c49_where_requests_act_late_lists_lag_and_users_are_renamed_nothing_false_is_said() {
    weather(Storm::new(4).adverse(), &["--ignore-missing"]);
    weather(Storm::new(5).adverse(), &["--deactivate"]);
    weather(Storm::new(7).adverse(), &["--reactivate", "--yes"]);
}

#[test]
fn f89_killed_in_a_storm_the_journal_says_nothing_false_and_nothing_twice() {
    const KILLS: usize = 5;
    let sandbox = sandbox(Storm::new(4)).start();
    let named: Vec<Named> = named().into_iter().filter(|key| key.is_theirs).collect();
    let kept = Kept::new(&list(&named));
    // IAM lists each key before it is deleted: then its absence there shows that it is.
    let case = || -> Case { kept.case(&sandbox, &LIMITS).args(["--older-than", "1d"]) };
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut hear = |output: &str| {
        // The last line may be cut off.
        let rows = output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for row in rows.filter(|row| row["Outcome"] != "Failed" && row["Outcome"] != "Unknown") {
            assert_eq!(row["Outcome"], "Deleted", "{row}");
            let id = row["AccessKeyId"].as_str().expect("an ID").to_owned();
            assert!(!sandbox.has_key(&id), "{row}");
            *told.entry(id).or_default() += 1;
        }
    };
    for kill in 1..=KILLS {
        let running = case().start();
        let requests = sandbox.requests().len() + 10 * kill;
        assert!(sandbox.wait_for_requests(requests, Duration::from_secs(20)));
        hear(&running.kill());
    }
    // What failed or is unknown is tried again by the next run.
    let is_done = || kept.results().values().all(|outcome| outcome == "Deleted");
    for run in 1.. {
        let printed = case().run().exits_with_one_of(&[0, 1, 5, 10, 12]);
        let output = printed.output().to_owned();
        hear(&output);
        let said = printed.prints(&output).says(&["result: "]);
        let _ = said.ends_with(&format!("{} keys: ", named.len()));
        if is_done() {
            break;
        }
        assert!(run < 20, "what failed in one storm fails in each");
    }
    assert_eq!(kept.results().len(), named.len());
    assert!(named.iter().all(|key| !sandbox.has_key(&key.id)));
    assert!(
        told.values().all(|times| *times == 1),
        "a key was told of twice"
    );
}
