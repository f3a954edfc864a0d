//! Compares the dates of a key with an age, and recognizes dates that cannot be true.

use std::time::{Duration, SystemTime};

use super::{ConditionResult, TRUSTED_TIME};
use crate::age::{Age, JUST_NOW, relative_time};
use crate::aws::timestamp;
use crate::metadata::{KeyMetadata, LastUse};

/// When IAM started to record uses, as a time since 1970: April 2015 with some margin. Earlier times are not uses.
const FIRST_RECORDED_USE: Duration = Duration::from_hours(45 * 365 * 24);

/// By how much the recorded time of a use may precede the actual one.
pub(super) const MAX_ROUNDING: Duration = Duration::from_hours(1);

/// When access keys were introduced, as a time since 1970: March 2006 with some margin.
const FIRST_ACCESS_KEY: Duration = Duration::from_hours(36 * 365 * 24);

/// Explains why a last use is impossible, if it is: a fragment.
fn impossible_use(used: SystemTime, created: Option<SystemTime>) -> Option<String> {
    let at = timestamp(used);
    match created {
        Some(created)
            if created
                .duration_since(used)
                .is_ok_and(|early| early > MAX_ROUNDING) =>
        {
            Some(format!(
                "its last use at {at} is before its creation at {}",
                timestamp(created)
            ))
        }
        _ if used < SystemTime::UNIX_EPOCH + FIRST_RECORDED_USE => Some(format!(
            "its last use at {at} is before IAM recorded any use"
        )),
        Some(_) | None => None,
    }
}

/// Evaluates the time since the last use of the key. A key that was never used counts from its creation.
pub(super) fn evaluate_last_use(age: &Age, metadata: &KeyMetadata) -> ConditionResult {
    let (date, created) = match (&metadata.last_use, metadata.created) {
        (None, _) => return ConditionResult::MissingData("the key's last use"),
        (Some(LastUse::Never), _) => {
            return evaluate_creation(age, metadata, "it was never used, and created");
        }
        (Some(LastUse::At { date, .. }), created) => (*date, created),
    };
    let counted_from = created.map_or(date, |created| created.max(date));
    match evaluate_age(age, counted_from, metadata, "it was used") {
        ConditionResult::Met => impossible_use(date, created)
            .map_or(ConditionResult::Met, ConditionResult::ImpossibleDate),
        result => result,
    }
}

/// Evaluates an age since the creation of the key.
pub(super) fn evaluate_creation(age: &Age, metadata: &KeyMetadata, what: &str) -> ConditionResult {
    match metadata.created {
        Some(created) if created >= SystemTime::UNIX_EPOCH + FIRST_ACCESS_KEY => {
            evaluate_age(age, created, metadata, what)
        }
        Some(created) => ConditionResult::ImpossibleDate(format!(
            "its creation at {} is before access keys existed",
            timestamp(created)
        )),
        None => ConditionResult::MissingData("the key's creation date"),
    }
}

fn evaluate_age(age: &Age, at: SystemTime, metadata: &KeyMetadata, what: &str) -> ConditionResult {
    let Some(now) = metadata.read_at else {
        return ConditionResult::MissingData(TRUSTED_TIME);
    };
    if age.has_passed_since(at, now) {
        ConditionResult::Met
    } else {
        let age = age.in_words();
        ConditionResult::NotMet(match relative_time(at, now) {
            time if time == JUST_NOW => format!("{what} less than {age} ago"),
            time => format!("{what} {time}, less than {age}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Condition, Conditions};
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_named() {
        let at = |text: &str| humantime::parse_rfc3339(text).expect("a time");
        let result = |condition, used: &str, created: Option<&str>| {
            let metadata = KeyMetadata {
                created: created.map(at),
                last_use: Some(LastUse::At {
                    date: at(used),
                    service: None,
                    region: None,
                }),
                read_at: Some(at("2024-10-04T00:00:00Z")),
                ..KeyMetadata::default()
            };
            let all = vec![condition];
            Conditions { all }.evaluate(&metadata)
        };
        let unused = || Condition::UnusedFor("1d".parse().expect("an age"));
        for (used, created, expected) in [
            (
                "2019-12-01T00:00:00Z",
                Some("2020-01-01T00:00:00Z"),
                Some(
                    "its last use at 2019-12-01T00:00:00Z is before its creation at 2020-01-01T00:00:00Z",
                ),
            ),
            (
                "2019-12-31T22:59:59Z",
                Some("2020-01-01T00:00:00Z"),
                Some(
                    "its last use at 2019-12-31T22:59:59Z is before its creation at 2020-01-01T00:00:00Z",
                ),
            ),
            ("2019-12-31T23:00:00Z", Some("2020-01-01T00:00:00Z"), None),
            ("2019-12-31T23:00:00Z", None, None),
            ("2014-12-21T00:00:00Z", None, None),
            (
                "2014-12-20T23:59:59Z",
                None,
                Some("its last use at 2014-12-20T23:59:59Z is before IAM recorded any use"),
            ),
            (
                "2014-12-01T00:00:00Z",
                None,
                Some("its last use at 2014-12-01T00:00:00Z is before IAM recorded any use"),
            ),
            (
                "2014-12-01T00:00:00Z",
                Some("2013-01-01T00:00:00Z"),
                Some("its last use at 2014-12-01T00:00:00Z is before IAM recorded any use"),
            ),
        ] {
            let expected = expected.map_or(ConditionResult::Met, |what| {
                ConditionResult::ImpossibleDate(what.to_owned())
            });
            assert_eq!(result(unused(), used, created), expected, "{used}");
        }
        for (created, is_possible) in [
            ("1999-01-01T00:00:00Z", false),
            ("2005-12-22T23:59:59Z", false),
            ("2005-12-23T00:00:00Z", true),
        ] {
            let older = Condition::OlderThan("1d".parse().expect("an age"));
            let expected = if is_possible {
                ConditionResult::Met
            } else {
                let what = format!("its creation at {created} is before access keys existed");
                ConditionResult::ImpossibleDate(what)
            };
            let found = result(older, "2020-01-01T00:00:00Z", Some(created));
            assert_eq!(found, expected, "{created}");
        }
    }

    #[test]
    fn a_key_that_is_too_young_says_how_young() {
        let now = SystemTime::UNIX_EPOCH + FIRST_RECORDED_USE * 2;
        let age = "2d".parse().expect("an age");
        for (seconds, expected) in [
            (0, "it was created less than 2 days ago"),
            (59, "it was created less than 2 days ago"),
            (60, "it was created 1 minute ago, less than 2 days"),
            (86_400, "it was created 1 day ago, less than 2 days"),
        ] {
            let metadata = KeyMetadata {
                created: Some(now - Duration::from_secs(seconds)),
                read_at: Some(now),
                ..KeyMetadata::default()
            };
            let found = evaluate_creation(&age, &metadata, "it was created");
            assert_eq!(found, ConditionResult::NotMet(expected.to_owned()));
        }
    }
}
