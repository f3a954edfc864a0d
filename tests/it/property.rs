//! Random users and keys: a key is deleted if and only if its own facts satisfy every condition, whatever its siblings are.

use iam_sandbox::{KeySeed, LastUsed, Sandbox, Status, days_ago, nth_key_id};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use std::time::Duration;

use crate::case::{Case, DELETED};
use crate::many::{from_stdin, rows};

/// The facts of a key: the days since its creation and last use, plus half a day so that no boundary is hit.
#[derive(Clone, Debug)]
struct Life {
    status: Status,
    created: u32,
    used: Option<u32>,
}

#[derive(Clone, Debug)]
struct Conditions {
    inactive: bool,
    unused_for: Option<u32>,
    older_than: Option<u32>,
    except: Option<&'static str>,
}

impl Life {
    fn seed(&self, user: &str, id: &str) -> KeySeed {
        let half = Duration::from_hours(12);
        let last_used = self.used.map(|days| LastUsed {
            at: days_ago(days) - half,
            service: "s3".to_owned(),
            region: "us-east-1".to_owned(),
        });
        KeySeed {
            status: self.status,
            created: days_ago(self.created) - half,
            last_used,
            ..KeySeed::new(user, id)
        }
    }

    /// A second implementation of the conditions, in days: whether this key may be deleted.
    fn may_go(&self, user: &str, conditions: &Conditions) -> bool {
        let idle = self.used.unwrap_or(self.created);
        let excepted = conditions
            .except
            .is_some_and(|name| name.eq_ignore_ascii_case(user));
        (!conditions.inactive || self.status == Status::Inactive)
            && conditions.unused_for.is_none_or(|days| idle >= days)
            && conditions
                .older_than
                .is_none_or(|days| self.created >= days)
            && !excepted
    }
}

impl Conditions {
    fn args(&self) -> Vec<String> {
        let mut args = Vec::new();
        if self.inactive {
            args.push("--only-inactive".to_owned());
        }
        args.extend(self.unused_for.map(|days| format!("--unused-for={days}d")));
        args.extend(self.older_than.map(|days| format!("--older-than={days}d")));
        args.extend(self.except.map(|name| format!("--except-user={name}")));
        args
    }
}

fn life() -> impl Strategy<Value = Life> {
    let status = prop_oneof![
        Just(Status::Active),
        Just(Status::Inactive),
        Just(Status::Inactive),
        Just(Status::Expired)
    ];
    // A use within the last 36 hours would add a note about open sessions.
    (status, 2..200_u32, option::of(2..200_u32)).prop_map(|(status, created, used)| Life {
        status,
        created,
        used: used.map(|used| used.min(created)),
    })
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let days = || option::of(1..200_u32);
    let except = prop_oneof![Just(None), Just(Some("CAROL")), Just(Some("Dave"))];
    (any::<bool>(), days(), days(), except).prop_map(
        |(inactive, unused_for, older_than, except)| Conditions {
            inactive,
            unused_for,
            older_than,
            except,
        },
    )
}

/// Runs on the first key. Returns true if exactly that key was deleted, and false if none was.
fn is_deleted(lives: &[Life], conditions: &Conditions, found: bool) -> bool {
    let ids: Vec<String> = (0..lives.len())
        .map(|n| nth_key_id("123456789012", n))
        .collect();
    let seeds = lives
        .iter()
        .zip(&ids)
        .map(|(life, id)| life.seed("Carol", id));
    let sandbox = seeds
        .fold(Sandbox::builder(), iam_sandbox::Builder::key)
        .start();
    let owner: &[&str] = if found {
        &["--find-user"]
    } else {
        &["--user-name", "carol"]
    };
    let ended = Case::at(&sandbox, ["--access-key-id", ids[0].as_str()])
        .args(owner)
        .args(conditions.args())
        .run();
    for sibling in &ids[1..] {
        assert!(sandbox.has_key(sibling), "a sibling was deleted: {sibling}");
    }
    if sandbox.has_key(&ids[0]) {
        let _ = ended
            .exits(11)
            .prints_outcome("Skipped")
            .says(&["is not deleted: "]);
        return false;
    }
    let said = ended.exits(0).prints(DELETED);
    let expected = if found {
        "belongs to the user Carol\n"
    } else {
        ""
    };
    let messages = said.messages();
    assert!(messages.ends_with(expected), "{messages}");
    true
}

/// Runs on a list of all keys: exactly those that satisfy the conditions are deleted, and the others are skipped with success.
fn check_list(lives: &[Life], conditions: &Conditions) {
    let ids: Vec<String> = (0..lives.len())
        .map(|n| nth_key_id("123456789012", n))
        .collect();
    let sandbox = lives
        .iter()
        .zip(&ids)
        .map(|(life, id)| life.seed("Carol", id))
        .fold(Sandbox::builder(), iam_sandbox::Builder::key)
        .start();
    let list = ids
        .iter()
        .fold("AccessKeyId,UserName\n".to_owned(), |list, id| {
            format!("{list}{id},Carol\n")
        });
    let args: Vec<String> = conditions.args();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let printed = from_stdin(&sandbox, &list, &args).run().exits(0);
    let output = printed.output().to_owned();
    for row in rows(&output) {
        let place = ids.iter().position(|id| row["AccessKeyId"] == id.as_str());
        let place = place.expect("a key of the list");
        let goes = lives[place].may_go("Carol", conditions);
        let outcome = if goes { "Deleted" } else { "Skipped" };
        assert_eq!(row["Outcome"], outcome, "{:?} {conditions:?}", lives[place]);
        assert_eq!(sandbox.has_key(&ids[place]), !goes);
    }
    assert_eq!(rows(&output).len(), lives.len());
    let _ = printed.prints(&output).says(&["result: "]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_goes_exactly_when_its_own_facts_satisfy_every_condition(
        key in life(),
        siblings in vec(life(), 0..4),
        others in vec(life(), 0..4),
        conditions in conditions(),
        found in any::<bool>(),
    ) {
        let expected = key.may_go("Carol", &conditions);
        for family in [siblings, others] {
            let lives: Vec<Life> = [vec![key.clone()], family].concat();
            assert_eq!(is_deleted(&lives, &conditions, found), expected);
        }
    }

    #[test]
    fn the_keys_of_a_list_that_do_not_satisfy_the_conditions_are_skipped_with_success(
        lives in vec(life(), 1..6),
        conditions in conditions(),
    ) {
        check_list(&lives, &conditions);
    }
}
