//! The credential report: which users have no key that can match. It has no key IDs, shows at most two keys per user and
//! is some hours old. So it never selects a key: it only shows which users need not be listed.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod read;
mod rows;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::aws::{ListedUser, ReportRead};
use crate::condition::Conditions;
use crate::ident::PathPrefix;
use rows::{Row, Slot, rows};

/// What a report shows about the users of the account.
#[derive(Debug)]
pub(super) struct CredentialReport {
    /// The lowercase names and creation dates of the users who have no key that can match. By now, another user may have the
    /// name, so nobody is excluded whose date is also that of a user with such a key.
    excluded: HashSet<(String, SystemTime)>,
    /// Whether the root user has an active key.
    has_root_key: bool,
    /// The number of users in the report.
    count: usize,
    /// The age of the report according to IAM's clock.
    age: Duration,
}

impl CredentialReport {
    /// Parses a report for a sweep of the users under this path with these conditions.
    ///
    /// # Errors
    ///
    /// A fragment that says what is wrong with the report.
    fn parse(
        read: &ReportRead,
        conditions: &Conditions,
        path_prefix: Option<&PathPrefix>,
    ) -> Result<Self, String> {
        let unknown_age = "it does not state its age";
        let (now, generated) = read.at.zip(read.generated).ok_or(unknown_age)?;
        let age = now.duration_since(generated).map_err(|_| unknown_age)?;
        let (has_root_key, mut rows) = rows(&read.content)?;
        // Otherwise one row could hide what another says about the user.
        let names = rows.iter().map(|row| row.name.to_ascii_lowercase());
        if names.collect::<HashSet<_>>().len() < rows.len() {
            return Err("it lists a user twice".to_owned());
        }
        // AWS documents N/A as the date of an inactive key. Only a report with such a date lists inactive keys.
        let mut slots = rows.iter().flat_map(|row| &row.slots);
        let lists_inactive = slots.any(|slot| slot.is_dated_inactive);
        let slot_can_match = |slot: &Slot| {
            // A use after the report was made cannot be true.
            let used = slot.used.filter(|used| Some(*used) <= read.generated);
            let is_too_recent = used.is_some_and(|used| conditions.rule_out_last_use(used, now));
            !(is_too_recent || slot.is_empty && lists_inactive)
        };
        let can_match = |row: &Row| !row.is_complete || row.slots.iter().any(slot_can_match);
        let of_matches = rows.iter().filter(|row| can_match(row));
        let dates: HashSet<_> = of_matches.map(|row| row.created).collect();
        rows.retain(|row| match (path_prefix, &row.path) {
            (Some(prefix), Some(path)) => prefix.contains(path),
            (None, _) | (_, None) => true,
        });
        // Without a date, the user is always listed.
        let excluded = rows.iter().filter(|row| !dates.contains(&row.created));
        let excluded =
            excluded.filter_map(|row| Some((row.name.to_ascii_lowercase(), row.created?)));
        Ok(Self {
            excluded: excluded.collect(),
            has_root_key,
            count: rows.len(),
            age,
        })
    }

    /// Returns the number of users who have to be listed.
    fn users_to_list(&self) -> usize {
        self.count - self.excluded.len()
    }

    /// Whether this very user had no key that can match.
    pub(super) fn excludes(&self, user: &ListedUser) -> bool {
        user.created.is_some_and(|created| {
            let name = user.name.as_str().to_ascii_lowercase();
            self.excluded.contains(&(name, created))
        })
    }
}

#[cfg(test)]
mod tests {
    use humantime::parse_rfc3339;

    use super::fuzz::SLOT;
    use super::*;
    use crate::condition::Condition;

    const DAY: Duration = Duration::from_hours(24);

    /// When the report was made; it is read 90 seconds later.
    fn made() -> SystemTime {
        parse_rfc3339("2026-06-01T00:00:00Z").expect("a time")
    }

    fn report(csv: &str, unused_for: Option<&str>) -> Result<CredentialReport, String> {
        let age = |text: &str| text.parse().expect("an age");
        let mut all = vec![Condition::OlderThan(age("30d"))];
        all.extend(unused_for.map(|text| Condition::UnusedFor(age(text))));
        let read = ReportRead {
            content: csv.as_bytes().to_vec(),
            generated: Some(made()),
            at: Some(made() + Duration::from_secs(90)),
        };
        CredentialReport::parse(&read, &Conditions { all }, None)
    }

    fn excludes(report: &CredentialReport, name: &str, created: SystemTime) -> bool {
        report.excludes(&ListedUser {
            name: name.parse().expect("a name"),
            id: String::new(),
            created: Some(created),
        })
    }

    fn head(additional: &str) -> String {
        let slot = |number| SLOT.map(|name| format!("access_key_{number}_{name}"));
        let columns = [slot(1), slot(2)].concat().join(",");
        format!("user,user_creation_time,{columns}{additional}\n")
    }

    /// No key, or an inactive one in the form that AWS documents.
    const EMPTY: &str = "false,N/A,N/A,N/A,N/A";
    const UNUSED: &str = "true,2020-01-01T00:00:00Z,N/A,N/A,N/A";
    /// Used 9 and 11 days before the report was made.
    const RECENT: &str = "true,2020-01-01T00:00:00+00:00,2026-05-23T00:00:00+00:00,us-east-1,s3";
    const IDLE: &str = "true,2020-01-01T00:00:00+00:00,2026-05-21T00:00:00+00:00,us-east-1,s3";
    const INACTIVE: &str = "FALSE,2020-01-01T00:00:00Z,N/A,N/A,N/A";
    const INACTIVE_RECENT: &str = "false,N/A,2026-05-23T00:00:00Z,us-east-1,s3";

    #[test]
    fn a_user_is_excluded_only_where_no_slot_can_match() {
        // The two slots; whether the user is excluded if the report dates no inactive key, and if it dates one; the same
        // without --unused-for.
        let table = [
            (EMPTY, EMPTY, [false, true], [false, true]),
            (RECENT, RECENT, [true, true], [false, false]),
            (RECENT, EMPTY, [false, true], [false, false]),
            (EMPTY, RECENT, [false, true], [false, false]),
            (INACTIVE_RECENT, RECENT, [true, true], [false, false]),
            (RECENT, IDLE, [false, false], [false, false]),
            (RECENT, UNUSED, [false, false], [false, false]),
            (UNUSED, EMPTY, [false, false], [false, false]),
            (IDLE, EMPTY, [false, false], [false, false]),
            // What is not understood is a key.
            (EMPTY, "maybe,N/A,N/A,N/A,N/A", [false; 2], [false; 2]),
            (
                EMPTY,
                "false,no_information,N/A,N/A,N/A",
                [false; 2],
                [false; 2],
            ),
            (
                EMPTY,
                "false,N/A,no_information,N/A,N/A",
                [false; 2],
                [false; 2],
            ),
            (EMPTY, "false,N/A,N/A,us-east-1,N/A", [false; 2], [false; 2]),
            (EMPTY, "false,N/A,N/A,N/A,s3", [false; 2], [false; 2]),
            (EMPTY, "false,,,,", [false; 2], [false; 2]),
            (EMPTY, "true,N/A,N/A,N/A,N/A", [false; 2], [false; 2]),
            (
                EMPTY,
                "false,N/A,yesterday,us-east-1,s3",
                [false; 2],
                [false; 2],
            ),
        ];
        let others = [
            String::new(),
            format!("Other,2020-01-01T00:00:00Z,{INACTIVE},{EMPTY}\n"),
        ];
        for (first, second, with_use, without_use) in table {
            for (unused_for, expected) in [(Some("10d"), with_use), (None, without_use)] {
                for (other, expected) in others.iter().zip(expected) {
                    let row = format!("Bob,2021-01-01T00:00:00Z,{first},{second}\n");
                    let report = report(&(head("") + other + &row), unused_for).expect("a report");
                    let created = parse_rfc3339("2021-01-01T00:00:00Z").expect("a time");
                    let shown = format!("{row} {unused_for:?} {other}");
                    assert_eq!(excludes(&report, "bob", created), expected, "{shown}");
                    assert!(
                        !excludes(&report, "Bob", created + DAY),
                        "another Bob: {shown}"
                    );
                    assert!(!excludes(&report, "Rob", created), "{shown}");
                    assert_eq!(report.age, Duration::from_secs(90));
                    let (count, excluded) = (other.lines().count() + 1, usize::from(expected));
                    assert_eq!(
                        (report.count, report.users_to_list()),
                        (count, count - excluded)
                    );
                }
            }
        }
    }

    #[test]
    fn users_created_in_the_same_second_are_excluded_together() {
        let row = |name: &str, second: u8, slots: &str| {
            format!("{name},2021-01-01T00:00:0{second}Z,{slots},{RECENT}\n")
        };
        let rows = row("Bob", 1, RECENT) + &row("Zoe", 1, IDLE) + &row("Kim", 2, RECENT);
        let report = report(&(head("") + &rows), Some("10d")).expect("a report");
        let created = parse_rfc3339("2021-01-01T00:00:01Z").expect("a time");
        // Zoe may be called Bob by now.
        assert!(!excludes(&report, "Bob", created));
        assert!(!excludes(&report, "Zoe", created));
        assert!(excludes(&report, "Kim", created + Duration::from_secs(1)));
        assert_eq!((report.count, report.users_to_list()), (3, 2));
    }

    #[test]
    fn more_credentials_and_rows_that_are_not_whole_are_always_listed() {
        let (date, slots) = ("2021-01-01T00:00:00Z", format!("{RECENT},{RECENT}"));
        let created = parse_rfc3339(date).expect("a time");
        let more = ",additional_credentials_info";
        for (additional, row, expected) in [
            ("", format!("Bob,{date},{slots}"), true),
            (more, format!("Bob,{date},{slots},"), true),
            (more, format!("Bob,{date},{slots}, "), true),
            (more, format!("Bob,{date},{slots},1 access key"), false),
            (more, format!("Bob,{date},{slots},N/A"), false),
            (more, format!("Bob,{date},{slots}"), false),
            ("", format!("Bob,{date},{slots},surplus"), false),
            ("", format!("Bob,{date},{RECENT},true,2020"), false),
            ("", format!("Bob,no_information,{slots}"), false),
            (
                "",
                format!(
                    "Bob,{date},{RECENT},{}",
                    RECENT.replace("T00:00:00+00:00,us", "T00:00:00Z+9:0Z,us")
                ),
                false,
            ),
        ] {
            let report = report(&(head(additional) + &row), Some("10d")).expect("a report");
            assert_eq!(excludes(&report, "Bob", created), expected, "{row}");
        }
    }

    #[test]
    fn the_root_user_shows_nothing_about_inactive_keys() {
        let row = format!("Bob,2021-01-01T00:00:00Z,{EMPTY},{EMPTY}\n");
        let root = format!("<root_account>,2020-01-01T00:00:00Z,{INACTIVE},{EMPTY}\n");
        let report = report(&(head("") + &root + &row), None).expect("a report");
        assert_eq!((report.count, report.users_to_list()), (1, 1));
        assert!(!report.has_root_key);
    }

    #[test]
    fn an_active_key_of_the_root_user_is_found_in_either_slot() {
        for (first, second, expected) in [
            (UNUSED, EMPTY, true),
            (EMPTY, "TRUE,N/A,N/A,N/A,N/A", true),
            (INACTIVE, EMPTY, false),
            ("not_supported,N/A,N/A,N/A,N/A", EMPTY, false),
        ] {
            let root = format!("<root_account>,2020-01-01T00:00:00Z,{first},{second}\n");
            let bob = format!("Bob,2021-01-01T00:00:00Z,{UNUSED},{UNUSED}\n");
            let report = report(&(head("") + &root + &bob), None).expect("a report");
            assert_eq!(report.has_root_key, expected, "{first},{second}");
        }
    }

    #[test]
    fn what_lacks_something_is_no_report() {
        let whole = head("");
        for csv in ["", "user,arn\nbob,x\n", "<html>", "user\n\"bob\n"] {
            assert!(report(csv, None).is_err(), "{csv}");
        }
        for column in whole.trim_end().split(',') {
            let without = whole.replace(column, "x");
            assert!(report(&without, None).is_err(), "no {column}");
            let twice = whole.replace('\n', &format!(",{column}\n"));
            assert!(report(&twice, None).is_err(), "two of {column}");
        }
        let row = |name: &str, date: &str| format!("{name},{date},{RECENT},{RECENT}\n");
        let date = "2021-01-01T00:00:00Z";
        assert!(report(&(whole.clone() + &row("Bob", date)), None).is_ok());
        for other in [row("bob", date), row("BOB", "no_information")] {
            let twice = whole.clone() + &row("Bob", date) + &other;
            assert!(report(&twice, None).is_err(), "{other}");
        }
    }
}
