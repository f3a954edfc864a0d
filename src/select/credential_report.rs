//! The credential report: which users have no key that can match. It has no key IDs, shows at most two keys per user and
//! is some hours old, so it never chooses a key: it only shows which users need not be listed.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;

use crate::aws::{ListedUser, ReportRead};
use crate::condition::Conditions;
use crate::csv_line::CsvLines;
use crate::ident::PathPrefix;

/// What a report shows about the users of the account.
#[derive(Debug)]
pub(super) struct CredentialReport {
    /// Whether a user can have a key that matches, by name and creation: a name may belong to another user by now.
    users: HashMap<(String, SystemTime), bool>,
    /// Whether a user in it has no readable creation time, and is not in `users`.
    has_undated: bool,
    /// Whether the root user has an active key.
    pub(super) has_root_key: bool,
    /// How many users it has.
    pub(super) count: usize,
    /// How old it is, by IAM's own clock.
    pub(super) age: Duration,
}

/// The name in the row of the root user, whose keys no list shows.
const ROOT: &str = "<root_account>";

/// What a field says if there is nothing to say.
const NOT_AVAILABLE: &str = "N/A";

/// The row of one user.
struct Row {
    name: String,
    /// The path of the user, with a slash at its end, if the ARN has it.
    path: Option<String>,
    created: Option<SystemTime>,
    slots: [Slot; 2],
    /// The row is whole, and `additional_credentials_info` counts no key beyond the two slots.
    is_complete: bool,
}

/// What a row shows about one of the two keys that a user may have.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// `false`, and everything else N/A: there is no key, or this form of the report does not date inactive keys.
    is_empty: bool,
    /// An inactive key with a date.
    is_dated_inactive: bool,
    /// The last use, where it is known.
    used: Option<SystemTime>,
}

impl CredentialReport {
    /// Reads a report for a sweep with these conditions, of the users under this path.
    ///
    /// # Errors
    ///
    /// A fragment that says what it lacks.
    pub(super) fn parse(
        read: &ReportRead,
        conditions: &Conditions,
        path_prefix: Option<&PathPrefix>,
    ) -> Result<Self, String> {
        let unknown_age = "it does not state its age";
        let now = read.at.ok_or(unknown_age)?;
        let age = age(read.generated, now).ok_or(unknown_age)?;
        let (has_root_key, mut rows) = rows(&read.content)?;
        // AWS documents N/A as the date of an inactive key. Only a report that dates one shows that it lists them.
        let lists_inactive = rows
            .iter()
            .any(|row| row.slots.iter().any(|slot| slot.is_dated_inactive));
        rows.retain(|row| match (path_prefix, &row.path) {
            (Some(prefix), Some(path)) => prefix.contains(path),
            (None, _) | (_, None) => true,
        });
        let mut report = Self {
            users: HashMap::new(),
            has_undated: rows.iter().any(|row| row.created.is_none()),
            has_root_key,
            count: rows.len(),
            age,
        };
        for row in rows {
            let slot_can_match = |slot: &Slot| {
                let is_too_recent = slot
                    .used
                    .is_some_and(|used| conditions.rule_out_last_use(used, now));
                let has_no_key = slot.is_empty && lists_inactive;
                !is_too_recent && !has_no_key
            };
            let can_match = !row.is_complete || row.slots.iter().any(slot_can_match);
            // A user without a readable creation time is always listed.
            if let Some(created) = row.created {
                *report
                    .users
                    .entry((lower_case(&row.name), created))
                    .or_default() |= can_match;
            }
        }
        Ok(report)
    }

    /// How many users are listed because of what the report shows.
    pub(super) fn users_to_list(&self) -> usize {
        self.count - self.users.values().filter(|can_match| !**can_match).count()
    }

    /// Whether this very user had no key that can match.
    pub(super) fn excludes(&self, user: &ListedUser) -> bool {
        identity(user).is_some_and(|user| self.users.get(&user) == Some(&false))
    }

    /// Whether a list of all users has each user who can have a matching key, under the name of the report: then nobody was
    /// renamed while it was read. Users who are newer than the report have no such key.
    pub(super) fn confirms(&self, listed: &[ListedUser]) -> bool {
        let listed: HashSet<_> = listed.iter().filter_map(identity).collect();
        let mut expected = self.users.iter().filter(|(_, can_match)| **can_match);
        !self.has_undated && expected.all(|(user, _)| listed.contains(user))
    }
}

/// Whether the root user has an active key, and the rows of the users.
fn rows(content: &[u8]) -> Result<(bool, Vec<Row>), String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8")?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut csv_lines = CsvLines::new(b',');
    let mut fields = |line: &str| csv_lines.fields(line).map_err(|(_, what)| what);
    let head = fields(lines.next().ok_or("it is empty")?)?;
    let place = |name: &str| {
        let mut found = (0..head.len()).filter(|place| head[*place].eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(format!("it has no column {name}")),
            (Some(_), Some(_)) => Err(format!("it has two columns {name}")),
        }
    };
    let slot_columns = |number: u8| -> Result<[usize; 5], String> {
        let column = |name: &str| place(&format!("access_key_{number}_{name}"));
        Ok([
            column("active")?,
            column("last_rotated")?,
            column("last_used_date")?,
            column("last_used_region")?,
            column("last_used_service")?,
        ])
    };
    let (user, created) = (place("user")?, place("user_creation_time")?);
    let slots = [slot_columns(1)?, slot_columns(2)?];
    let arn = place("arn").ok();
    let additional = place("additional_credentials_info").ok();
    let (mut has_root_key, mut rows) = (false, Vec::new());
    for line in lines {
        let fields = fields(line)?;
        let field = |place: usize| fields.get(place).map_or("", |field| field.trim());
        if field(user) == ROOT {
            let is_active = |[active, ..]: &[usize; 5]| field(*active).eq_ignore_ascii_case("true");
            has_root_key |= slots.iter().any(is_active);
            continue;
        }
        rows.push(Row {
            name: field(user).to_owned(),
            path: arn.and_then(|arn| path(field(arn))),
            created: time(field(created)),
            slots: slots.map(|columns| Slot::of(columns.map(field))),
            is_complete: fields.len() == head.len()
                && additional.is_none_or(|place| field(place).is_empty()),
        });
    }
    Ok((has_root_key, rows))
}

impl Slot {
    fn of([active, rotated, used, region, service]: [&str; 5]) -> Self {
        let is_inactive = active.eq_ignore_ascii_case("false");
        let says_nothing = |field: &str| field.eq_ignore_ascii_case(NOT_AVAILABLE);
        Self {
            is_empty: is_inactive
                && [rotated, used, region, service]
                    .into_iter()
                    .all(says_nothing),
            is_dated_inactive: is_inactive && time(rotated).is_some(),
            used: time(used),
        }
    }
}

/// The path in the ARN of a user, `arn:PARTITION:iam::ACCOUNT:user/PATH/NAME`.
fn path(arn: &str) -> Option<String> {
    let resource = arn.splitn(6, ':').nth(5)?.strip_prefix("user")?;
    let (path, _) = resource.rsplit_once('/')?;
    Some(format!("{path}/"))
}

/// A user, by name and creation.
fn identity(user: &ListedUser) -> Option<(String, SystemTime)> {
    Some((lower_case(user.name.as_str()), user.created?))
}

/// A name as IAM compares it.
fn lower_case(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// A time as IAM writes it here, to the second.
fn time(text: &str) -> Option<SystemTime> {
    let utc = text.strip_suffix("+00:00").map(|time| format!("{time}Z"));
    parse_rfc3339(utc.as_deref().unwrap_or(text)).ok()
}

fn age(generated: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    // A report from the future has no age.
    now.duration_since(generated?).ok()
}

#[cfg(test)]
mod tests {
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

    const SLOT: [&str; 5] = [
        "active",
        "last_rotated",
        "last_used_date",
        "last_used_region",
        "last_used_service",
    ];

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
            // The same user twice: one row that can match is enough.
            (
                "",
                format!("Bob,{date},{slots}\nbob,{date},{RECENT},{IDLE}"),
                false,
            ),
            (
                "",
                format!("Bob,{date},{RECENT},{IDLE}\nBob,{date},{slots}"),
                false,
            ),
        ] {
            let report = report(&(head(additional) + &row), Some("10d")).expect("a report");
            assert_eq!(excludes(&report, "Bob", created), expected, "{row}");
        }
    }

    #[test]
    fn a_list_is_confirmed_if_it_has_everybody_who_can_match() {
        let row = |name: &str, date: &str, slot: &str| format!("{name},{date},{slot},{EMPTY}\n");
        let listed = |names: &[(&str, &str)]| -> Vec<ListedUser> {
            let user = |(name, date): &(&str, &str)| ListedUser {
                name: name.parse().expect("a name"),
                id: String::new(),
                created: parse_rfc3339(date).ok(),
            };
            names.iter().map(user).collect()
        };
        let (one, two) = ("2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z");
        let csv = head("")
            + &row("Bob", one, IDLE)
            + &row("None", two, EMPTY)
            + &row("Old", two, INACTIVE);
        let report = report(&csv, Some("10d")).expect("a report");
        assert!(report.confirms(&listed(&[("bob", one), ("OLD", two)])));
        assert!(report.confirms(&listed(&[("Bob", one), ("Old", two), ("New", two)])));
        for names in [
            &[("Bob", one)][..],
            &[("Robert", one), ("Old", two)],
            &[("Bob", two), ("Old", two)],
            &[("Bob", ""), ("Old", two)],
            &[],
        ] {
            assert!(!report.confirms(&listed(names)), "{names:?}");
        }
        let csv = csv + &row("Undated", "no_information", IDLE);
        let report = self::report(&csv, Some("10d")).expect("a report");
        assert!(!report.confirms(&listed(&[("Bob", one), ("Old", two)])));
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
        assert!(report(&whole, None).is_ok());
    }
}
