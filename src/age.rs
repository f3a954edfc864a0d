//! The ages in conditions, and relative times for people.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use crate::sanitize::Invalid;

/// The maximum age, in days. IAM is younger.
const MAX_DAYS: u64 = 36_500;

const SECONDS_PER_DAY: u64 = 86_400;

/// A duration in whole hours, days or weeks, such as `12h`, `45d` or `2w`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Age {
    given: String,
    pub(crate) length: Duration,
}

impl Age {
    /// Formats the length for a sentence, such as `45 days`.
    pub(crate) fn in_words(&self) -> String {
        let hours = self.length.as_secs() / 3_600;
        match (hours / 24, hours % 24) {
            (1, 0) => "1 day".to_owned(),
            (days, 0) => format!("{days} days"),
            (0, 1) => "1 hour".to_owned(),
            _ => format!("{hours} hours"),
        }
    }

    /// Whether `at` is at least this long before `now`.
    pub(crate) fn has_passed_since(&self, at: SystemTime, now: SystemTime) -> bool {
        // A time in the future has no age.
        now.duration_since(at)
            .is_ok_and(|elapsed| elapsed >= self.length)
    }
}

impl FromStr for Age {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: &str| Err(Invalid::new(OsStr::new(text), reason));
        let rule = "an age is a whole number of hours, days or weeks, such as 12h, 45d or 2w";
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(unit).unwrap_or_default();
        // Months and years have no fixed length, and `m` may mean months or minutes. A misunderstood age could delete keys
        // too early.
        let unit_hours = match unit {
            "h" => 1,
            "d" => 24,
            "w" => 7 * 24,
            _ => match unit.trim() {
                "m" | "M" | "month" | "months" | "y" | "year" | "years" => {
                    return refuse(
                        "months and years vary in length: use days, such as 90d or 365d",
                    );
                }
                _ => return refuse(rule),
            },
        };
        if number.is_empty() {
            return refuse(rule);
        }
        // A number that is too large for its type is too large for an age.
        let hours = number
            .parse()
            .unwrap_or(u64::MAX)
            .saturating_mul(unit_hours);
        match hours {
            0 => refuse("every key is at least that old: use a longer age, such as 45d"),
            _ if hours > MAX_DAYS * 24 => refuse("it is longer than 100 years"),
            _ => Ok(Self {
                given: text.to_owned(),
                length: Duration::from_secs(hours * 3_600),
            }),
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// The relative time of less than a minute.
pub(crate) const JUST_NOW: &str = "just now";

/// Formats the time from `at` to `now` in the largest unit that fits, such as `400 days ago`.
pub(crate) fn relative_time(at: SystemTime, now: SystemTime) -> String {
    let Ok(elapsed) = now.duration_since(at) else {
        return "in the future".to_owned();
    };
    let seconds = elapsed.as_secs();
    let (number, unit) = match seconds {
        0..60 => return JUST_NOW.to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..SECONDS_PER_DAY => (seconds / 3_600, "hour"),
        _ => (seconds / SECONDS_PER_DAY, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

/// Formats the time from `at` to `now` for a table: a year or a month that has not passed does not count.
pub(crate) fn rough_age(at: SystemTime, now: SystemTime) -> String {
    let days = now
        .duration_since(at)
        .map_or(0, |elapsed| elapsed.as_secs() / SECONDS_PER_DAY);
    let (number, unit) = match days {
        0..61 => {
            return relative_time(at, now)
                .replace("minute ", "min ")
                .replace("minutes ", "min ");
        }
        61..731 => (days * 12 / 365, "months"),
        _ => (days * 4 / 1_461, "years"),
    };
    format!("{number} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::timestamp;
    use crate::fuzz::check_message;
    use crate::fuzz::tests::check_like;

    fn parse(text: &str) -> Result<Duration, String> {
        text.parse::<Age>()
            .map(|age| age.length)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_age_is_hours_days_or_weeks() {
        for (text, hours) in [
            ("12h", 12),
            ("45d", 45 * 24),
            ("2w", 14 * 24),
            ("36h", 36),
            ("36500d", 36_500 * 24),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_secs(hours * 3_600)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for text in [
            "",
            " ",
            "45",
            "d",
            "6m",
            "6M",
            "1y",
            "6 months",
            "0d",
            "0h",
            "-3d",
            "3.5d",
            "1e3d",
            "90s",
            "45d?",
            "1d12h",
            "1d 12h",
            "90days",
            "90 d",
            " 90d",
            "90d ",
            "1hour",
            "2wk",
            "45D",
            "40000d",
            "36501d",
            "99999999999999999999d",
            "４５d",
            "45d\u{202e}",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse("6m").unwrap_err().contains("vary in length"));
    }

    #[test]
    fn exactly_the_age_is_old_enough_and_the_future_is_not() {
        let age: Age = "45d".parse().expect("an age");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let then = now - Duration::from_secs(45 * SECONDS_PER_DAY);
        assert!(age.has_passed_since(then, now));
        assert!(!age.has_passed_since(then + Duration::from_nanos(1), now));
        assert!(!age.has_passed_since(now + Duration::from_secs(90 * SECONDS_PER_DAY), now));
    }

    #[test]
    fn an_age_in_a_table_is_short() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let before = |seconds| rough_age(now - Duration::from_secs(seconds), now);
        let days = |days| before(days * SECONDS_PER_DAY);
        assert_eq!(before(61), "1 min ago");
        assert_eq!(before(3_599), "59 min ago");
        assert_eq!(before(7_200), "2 hours ago");
        for (age, expected) in [
            (1, "1 day ago"),
            (60, "60 days ago"),
            (61, "2 months ago"),
            (120, "3 months ago"),
            (400, "13 months ago"),
            (730, "24 months ago"),
            (731, "2 years ago"),
            (3_652, "9 years ago"),
            (3_653, "10 years ago"),
        ] {
            assert_eq!(days(age), expected, "{age}");
        }
        assert_eq!(
            rough_age(now + Duration::from_secs(1), now),
            "in the future"
        );
    }

    #[test]
    fn an_age_is_told_in_words() {
        for (given, expected) in [
            ("1h", "1 hour"),
            ("12h", "12 hours"),
            ("24h", "1 day"),
            ("1d", "1 day"),
            ("36h", "36 hours"),
            ("45d", "45 days"),
            ("2w", "14 days"),
        ] {
            let age: Age = given.parse().expect("an age");
            assert_eq!(age.in_words(), expected, "{given}");
        }
    }

    #[test]
    fn an_age_is_told_in_one_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let before = |seconds| relative_time(now - Duration::from_secs(seconds), now);
        assert_eq!(before(59), "just now");
        assert_eq!(before(60), "1 minute ago");
        assert_eq!(before(3_599), "59 minutes ago");
        assert_eq!(before(3_600), "1 hour ago");
        assert_eq!(before(7_200), "2 hours ago");
        assert_eq!(before(SECONDS_PER_DAY), "1 day ago");
        assert_eq!(before(400 * SECONDS_PER_DAY), "400 days ago");
        assert_eq!(
            relative_time(now + Duration::from_secs(1), now),
            "in the future"
        );
    }

    /// An accepted age is a whole number of hours within limits, and a longer age stays longer.
    #[test]
    fn fuzz_an_age_is_whole_hours_whatever_the_bytes_are() {
        check_like(
            &["45d", "99999999999999999999w", "1d12h", "6 months", "0h"],
            check_bytes,
        );
    }

    fn check_bytes(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let age: Age = match text.parse() {
            Ok(age) => age,
            Err(invalid) => {
                check_message(&format!("{invalid}{}", invalid.value), 800);
                return;
            }
        };
        let seconds = age.length.as_secs();
        assert!(seconds > 0 && seconds.is_multiple_of(3_600) && age.length.subsec_nanos() == 0);
        assert!(seconds <= 36_500 * 24 * 3_600);
        assert_eq!(age.to_string(), text);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        let mut was_old_enough = true;
        // From long before the age to the future.
        for step in 0..40 {
            let before = age.length * 2;
            let at = now - before + age.length * step / 16;
            let is_old_enough = age.has_passed_since(at, now);
            assert!(was_old_enough || !is_old_enough, "a younger key is older");
            assert_eq!(is_old_enough, step <= 16);
            was_old_enough = is_old_enough;
            check_message(&relative_time(at, now), 40);
            check_message(&timestamp(at), 40);
        }
    }
}
