//! Conditions on every kind of metadata, written down a second time.

use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::date::MAX_ROUNDING;
use super::*;
use crate::ident::UserName;
use crate::metadata::LastUse;

const DAY: Duration = Duration::from_hours(24);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + 20_000 * DAY
}

fn age(days: u32) -> Age {
    format!("{days}d").parse().expect("an age")
}

/// Times around whole days before now, to the second.
fn moment() -> impl Strategy<Value = SystemTime> {
    (0..60_u32, -1..2_i64).prop_map(|(days, seconds)| {
        let past = now() - days * DAY;
        match u64::try_from(seconds) {
            Ok(seconds) => past + Duration::from_secs(seconds),
            Err(_) => past - Duration::from_secs(1),
        }
    })
}

fn metadata() -> impl Strategy<Value = KeyMetadata> {
    let status = prop_oneof![
        Just(Status::Active),
        Just(Status::Inactive),
        Just(Status::Other("Expired".to_owned())),
    ];
    let last_use = prop_oneof![
        Just(LastUse::Never),
        moment().prop_map(|date| LastUse::At {
            date,
            service: None,
            region: None
        }),
    ];
    let owner = prop_oneof![Just("Bob"), Just("alice"), Just("ci-deploy")];
    (
        option::weighted(0.9, owner),
        option::weighted(0.9, status),
        option::weighted(0.9, moment()),
        option::weighted(0.9, last_use),
    )
        .prop_map(|(owner, status, created, last_use)| KeyMetadata {
            owner: owner.map(|name| name.parse().expect("a name")),
            status,
            created,
            last_use,
            read_at: Some(now()),
            ..KeyMetadata::default()
        })
}

proptest! {
    #[test]
    fn what_holds_is_true_of_the_keys_own_facts(
        metadata in metadata(),
        inactive in any::<bool>(),
        unused_for in option::of(1..60_u32),
        older_than in option::of(1..60_u32),
        except in option::of(prop_oneof![Just("b*"), Just("ALICE"), Just("ci-?eploy")]),
    ) {
        let mut all = Vec::new();
        all.extend(inactive.then_some(Condition::Inactive));
        all.extend(unused_for.map(|days| Condition::UnusedFor(age(days))));
        all.extend(older_than.map(|days| Condition::OlderThan(age(days))));
        all.extend(except.map(|glob| Condition::ExceptUser(glob.parse().expect("a pattern"))));
        let result = Conditions { all }.evaluate(&metadata);
        // The same rules in simple form: ages in seconds and names written out.
        let since = |at: SystemTime| now().duration_since(at).map_or(-1, |past| i128::from(past.as_secs()));
        let long_ago = |at: Option<SystemTime>, days: u32| at.is_some_and(|at| since(at) >= i128::from(days) * 86_400);
        let idle_since = match &metadata.last_use {
            None => None,
            Some(LastUse::Never) => metadata.created,
            // A key cannot be used before its creation, apart from an hour of rounding.
            Some(LastUse::At { date, .. }) => match metadata.created {
                Some(created) if *date + MAX_ROUNDING < created => None,
                Some(created) => Some(created.max(*date)),
                None => Some(*date),
            },
        };
        let owner = metadata.owner.as_ref().map(UserName::as_str);
        let excepted = match except {
            None => Some(false),
            Some("b*") => owner.map(|name| name == "Bob"),
            Some("ALICE") => owner.map(|name| name == "alice"),
            Some(_) => owner.map(|name| name == "ci-deploy"),
        };
        let holds = (!inactive || metadata.status == Some(Status::Inactive))
            && unused_for.is_none_or(|days| long_ago(idle_since, days))
            && older_than.is_none_or(|days| long_ago(metadata.created, days))
            && excepted == Some(false);
        assert_eq!(result == ConditionResult::Met, holds, "{result:?} of {metadata:?}");
    }
}

#[test]
fn a_condition_that_fails_outweighs_a_fact_that_is_not_known() {
    let metadata = KeyMetadata {
        status: Some(Status::Active),
        ..KeyMetadata::default()
    };
    let conditions = Conditions {
        all: vec![Condition::UnusedFor(age(1)), Condition::Inactive],
    };
    let result = conditions.evaluate(&metadata);
    assert_eq!(
        result,
        ConditionResult::NotMet("its status is Active".to_owned())
    );
}

#[test]
fn only_the_tags_are_missing_once_all_else_is_met() {
    let tags = || Condition::ExceptTag("team=ops".parse().expect("a tag"));
    let orders = || {
        [
            vec![tags(), Condition::Inactive],
            vec![Condition::Inactive, tags()],
        ]
    };
    let tag = |key: &str, value: &str| UserTag {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let ops = "the user Bob has the tag Team=Ops, which matches --except-tag team=ops";
    for (owner, status, owner_tags, expected) in [
        (None, Some(Status::Inactive), None, Err("the key's owner")),
        (Some("Bob"), None, None, Err("the key's status")),
        (
            Some("Bob"),
            Some(Status::Active),
            None,
            Ok("its status is Active"),
        ),
        (Some("Bob"), Some(Status::Inactive), None, Err(OWNER_TAGS)),
        (Some("Bob"), Some(Status::Inactive), Some(vec![]), Ok("")),
        (
            Some("Bob"),
            Some(Status::Inactive),
            Some(vec![tag("team", "web"), tag("Team", "Ops")]),
            Ok(ops),
        ),
    ] {
        let metadata = KeyMetadata {
            owner: owner.map(|name: &str| name.parse().expect("a name")),
            status,
            owner_tags,
            ..KeyMetadata::default()
        };
        let expected = match expected {
            Err(missing) => ConditionResult::MissingData(missing),
            Ok("") => ConditionResult::Met,
            Ok(reason) => ConditionResult::NotMet(reason.to_owned()),
        };
        for all in orders() {
            assert_eq!(Conditions { all }.evaluate(&metadata), expected);
        }
    }
}

#[test]
fn what_conditions_read_and_imply_is_known_before_any_key() {
    let glob = || Condition::ExceptUser("b*".parse().expect("a pattern"));
    let tag = || Condition::ExceptTag("team=ops".parse().expect("a tag"));
    let all = |all| Conditions { all };
    let (last_use, listing, owner) = (
        RequiredRead::LastUse,
        RequiredRead::Listing,
        RequiredRead::Owner,
    );
    let many = (0..9).map(|_| Condition::Inactive).collect();
    let inactive = "--only-inactive and ".repeat(7) + "--only-inactive";
    for (conditions, reads, days, text) in [
        (all(vec![]), &[][..], None, "no conditions"),
        (
            all(vec![Condition::Inactive]),
            &[listing],
            None,
            "meets --only-inactive",
        ),
        (
            all(vec![Condition::OlderThan(age(2)), glob()]),
            &[listing, owner],
            Some(2),
            "meets --older-than 2d and --except-user b*",
        ),
        (
            all(vec![Condition::UnusedFor(age(3)), tag()]),
            &[last_use, listing, owner],
            Some(3),
            "meets --unused-for 3d and --except-tag team=ops",
        ),
        (
            all(vec![
                Condition::UnusedFor(age(3)),
                Condition::OlderThan(age(5)),
            ]),
            &[last_use, listing],
            Some(5),
            "meets --unused-for 3d and --older-than 5d",
        ),
        (
            all(many),
            &[listing],
            None,
            &format!("meets {inactive} and 1 more"),
        ),
    ] {
        let found = [last_use, listing, owner].map(|read| conditions.require(read));
        let expected = [last_use, listing, owner].map(|read| reads.contains(&read));
        assert_eq!(found, expected, "{text}");
        assert_eq!(
            conditions.minimum_age(),
            days.map(|days: u32| days * DAY),
            "{text}"
        );
        assert_eq!(conditions.to_string(), text);
    }
}

#[test]
fn a_last_use_rules_a_key_out_only_if_it_is_too_recent() {
    let all = vec![Condition::OlderThan(age(9)), Condition::UnusedFor(age(3))];
    let conditions = Conditions { all };
    for (days, expected) in [(2, true), (3, false), (4, false)] {
        let is_out = conditions.rule_out_last_use(now() - days * DAY, now());
        assert_eq!(is_out, expected, "{days}");
    }
    let all = vec![Condition::OlderThan(age(9)), Condition::Inactive];
    assert!(!Conditions { all }.rule_out_last_use(now(), now()));
}

#[test]
fn no_condition_holds_of_every_key() {
    let result = Conditions::default().evaluate(&KeyMetadata::default());
    assert_eq!(result, ConditionResult::Met);
}
