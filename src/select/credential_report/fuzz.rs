//! The credential report: a user is left out only if no key can match that the user's row or that of another user of the same
//! creation second allows.

use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;

use super::CredentialReport;
use crate::aws::{ListedUser, ReportRead};
use crate::condition::{Condition, ConditionResult, Conditions};
use crate::ident::{PathPrefix, UserName};
use crate::metadata::{KeyMetadata, LastUse, Status};

/// The columns of each key.
pub(super) const SLOT: [&str; 5] = [
    "active",
    "last_rotated",
    "last_used_date",
    "last_used_region",
    "last_used_service",
];

/// A row as it stands: the fields by column.
struct Row<'a> {
    head: &'a [String],
    fields: Vec<String>,
}

/// The bytes are a report, without base64.
pub(crate) fn check(bytes: &[u8]) {
    let age = |text: &str| text.parse().expect("an age");
    let (older, unused) = (
        Condition::OlderThan(age("30d")),
        Condition::UnusedFor(age("90d")),
    );
    for all in [
        vec![older.clone()],
        vec![unused.clone()],
        vec![Condition::Inactive, older, unused],
    ] {
        check_conditions(bytes, &Conditions { all });
    }
}

fn check_conditions(bytes: &[u8], conditions: &Conditions) {
    let generated = parse_rfc3339("2026-06-01T00:00:00Z").expect("a time");
    let now = generated + Duration::from_secs(90);
    let read = ReportRead {
        content: bytes.to_vec(),
        generated: Some(generated),
        at: Some(now),
    };
    let Ok(report) = CredentialReport::parse(&read, conditions, None) else {
        return;
    };
    let text = std::str::from_utf8(bytes).expect("accepted, and not UTF-8");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let head = fields(lines.next().expect("a header"));
    let rows = lines.map(|line| Row {
        head: &head,
        fields: fields(line),
    });
    let (root, rows): (Vec<Row>, Vec<Row>) =
        rows.partition(|row| row.get("user") == "<root_account>");
    let is_active = |row: &Row| {
        row.slots()
            .any(|[active, ..]| active.eq_ignore_ascii_case("true"))
    };
    assert_eq!(report.has_root_key, root.iter().any(is_active));
    assert_eq!(report.count, rows.len());
    let mut slots = rows.iter().flat_map(Row::slots);
    let lists_inactive = slots.any(|[active, rotated, ..]| {
        active.eq_ignore_ascii_case("false") && time(rotated).is_some()
    });
    let can_match = |row: &Row, user: &ListedUser| {
        !row.is_whole()
            || row.slots().any(|slot| {
                let empty = ["false", "N/A", "N/A", "N/A", "N/A"];
                let is_empty = (0..5).all(|place| slot[place].eq_ignore_ascii_case(empty[place]));
                let used = time(slot[2]).filter(|used| *used <= generated);
                let keys = possible_keys(user, slot[0], used, now);
                !(is_empty && lists_inactive)
                    && keys
                        .iter()
                        .any(|key| conditions.evaluate(key) == ConditionResult::Met)
            })
    };
    let users: Vec<Option<ListedUser>> = rows.iter().map(Row::user).collect();
    let prefix: PathPrefix = "/ci/".parse().expect("a path");
    let below = CredentialReport::parse(&read, conditions, Some(&prefix)).expect("a report");
    assert!(below.count <= report.count);
    let pairs = rows.iter().zip(&users);
    for (row, user) in pairs.filter_map(|(row, user)| Some((row, user.as_ref()?))) {
        if !can_match(row, user) {
            continue;
        }
        let others = users.iter().flatten();
        for user in others.filter(|other| other.created == user.created) {
            assert!(!report.excludes(user), "a user is left out: {}", user.name);
            assert!(!below.excludes(user), "a user is left out: {}", user.name);
        }
    }
}

/// The keys that a slot allows which are likeliest to match: as old as the user.
fn possible_keys(
    user: &ListedUser,
    active: &str,
    last_use: Option<SystemTime>,
    now: SystemTime,
) -> Vec<KeyMetadata> {
    let statuses = [Status::Active, Status::Inactive];
    let is_possible = |status: &Status| match active.to_ascii_lowercase().as_str() {
        "true" => *status == Status::Active,
        "false" => *status == Status::Inactive,
        _ => true,
    };
    let keys = statuses.into_iter().filter(is_possible);
    keys.map(|status| KeyMetadata {
        owner: Some(user.name.clone()),
        status: Some(status),
        created: user
            .created
            .map(|created| last_use.map_or(created, |used| used.min(created))),
        last_use: Some(last_use.map_or(LastUse::Never, |date| LastUse::At {
            date,
            service: None,
            region: None,
        })),
        read_at: Some(now),
        ..KeyMetadata::default()
    })
    .collect()
}

impl Row<'_> {
    fn get(&self, name: &str) -> &str {
        let place = self
            .head
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name));
        let field = place.and_then(|place| self.fields.get(place));
        field.map_or("", String::as_str)
    }

    fn slots(&self) -> impl Iterator<Item = [&str; 5]> {
        let slot = |number| SLOT.map(|name| self.get(&format!("access_key_{number}_{name}")));
        [1, 2].into_iter().map(slot)
    }

    fn is_whole(&self) -> bool {
        self.fields.len() == self.head.len() && self.get("additional_credentials_info").is_empty()
    }

    /// Returns the user as a list has it, if it can be in one.
    fn user(&self) -> Option<ListedUser> {
        Some(ListedUser {
            name: self.get("user").parse::<UserName>().ok()?,
            id: String::new(),
            created: Some(time(self.get("user_creation_time"))?),
        })
    }
}

/// Parses a time with nothing after its seconds but `Z` or `+00:00`.
fn time(text: &str) -> Option<SystemTime> {
    let zone = text.get(19..)?;
    let time = parse_rfc3339(&format!("{}Z", &text[..19])).ok();
    time.filter(|_| ["Z", "+00:00"].contains(&zone))
}

/// Splits a line at commas outside of quotes. A field in quotes begins with one.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut is_quoted) = (vec![String::new()], false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("a field");
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}
