//! The credential report: which users have no keys. It has no key IDs and at most two keys a user, and it is some hours
//! old, so it never says which key goes: only which users need not be asked about.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;

use crate::aws::{ListedUser, ReportRead};
use crate::splitter::Splitter;

/// What is read of a report.
#[derive(Debug)]
pub(super) struct CredentialReport {
    /// The users who have no key, with when they were created: a name may be another user's by now.
    without_keys: HashSet<(String, SystemTime)>,
    /// How many users there are.
    pub(super) users: usize,
    /// How old it is, by IAM's own clock.
    pub(super) age: Duration,
}

/// The row of the root user, whose keys no list shows.
const ROOT: &str = "<root_account>";

impl CredentialReport {
    /// Reads a report.
    ///
    /// # Errors
    ///
    /// A fragment that says what it lacks.
    pub(super) fn parse(read: &ReportRead) -> Result<Self, String> {
        let age = age(read.generated, read.at).ok_or("it does not say how old it is")?;
        let text = std::str::from_utf8(&read.content).map_err(|_| "it is not UTF-8")?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let mut splitter = Splitter::new(b',');
        let mut row = |line: &str| splitter.fields(line).map_err(|_| "a quote is not closed");
        let head = row(lines.next().ok_or("it is empty")?)?;
        let place = |name: &str| {
            let found = head
                .iter()
                .position(|field| field.eq_ignore_ascii_case(name));
            found.ok_or_else(|| format!("it has no column {name}"))
        };
        let user = place("user")?;
        let created = place("user_creation_time")?;
        // A key that is inactive was created all the same.
        let keys = [
            place("access_key_1_active")?,
            place("access_key_1_last_rotated")?,
            place("access_key_2_active")?,
            place("access_key_2_last_rotated")?,
        ];
        let mut report = Self {
            without_keys: HashSet::new(),
            users: 0,
            age,
        };
        for line in lines {
            let fields = row(line)?;
            let field = |place: usize| fields.get(place).map_or("", |field| field.trim());
            if field(user) == ROOT {
                continue;
            }
            report.users += 1;
            if keys.iter().any(|key| says_something(field(*key))) {
                continue;
            }
            // Who was created at a time that is not understood is asked about.
            if let Some(created) = time(field(created)) {
                report.without_keys.insert((folded(field(user)), created));
            }
        }
        Ok(report)
    }

    /// How many users have a key, active or not, or are not known to have none.
    pub(super) fn users_with_keys(&self) -> usize {
        self.users - self.without_keys.len()
    }

    /// Whether this very user had no key.
    pub(super) fn has_no_key(&self, user: &ListedUser) -> bool {
        user.created.is_some_and(|created| {
            let known = (folded(user.name.as_str()), created);
            self.without_keys.contains(&known)
        })
    }
}

/// A name as IAM compares it.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// A time as IAM writes it here, to the second.
fn time(text: &str) -> Option<SystemTime> {
    let utc = text.strip_suffix("+00:00").map(|time| format!("{time}Z"));
    parse_rfc3339(utc.as_deref().unwrap_or(text)).ok()
}

/// Whether a field about a key means that there is one. What is not understood does.
fn says_something(field: &str) -> bool {
    !["false", "n/a", "no_information", "not_supported"]
        .iter()
        .any(|nothing| field.eq_ignore_ascii_case(nothing))
}

fn age(generated: Option<SystemTime>, at: Option<SystemTime>) -> Option<Duration> {
    // A report of the future is of no age at all.
    at?.duration_since(generated?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(csv: &str) -> Result<CredentialReport, String> {
        CredentialReport::parse(&ReportRead {
            content: csv.as_bytes().to_vec(),
            generated: Some(SystemTime::UNIX_EPOCH),
            at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(90)),
        })
    }

    #[test]
    fn who_has_no_keys_is_read_by_the_names_of_the_columns() {
        let csv = "access_key_2_last_rotated,user,Access_Key_1_Active,access_key_1_last_rotated,access_key_2_active,user_creation_time\n\
                   N/A,<root_account>,true,2020-01-01T00:00:00Z,false,2020-01-01T00:00:00Z\n\
                   N/A,None,FALSE,N/A,false,1970-01-01T00:00:09+00:00\n\
                   N/A,undated,FALSE,N/A,false,no_information\n\
                   N/A,active,TRUE,2026-01-01T00:00:00Z,false,1970-01-01T00:00:09Z\n\
                   N/A,inactive,false,2026-01-01T00:00:00+00:00,false,1970-01-01T00:00:09Z\n\
                   2026-01-01T00:00:00Z,second,false,N/A,false,1970-01-01T00:00:09Z\n";
        let report = report(csv).expect("a report");
        let is_spared = |name: &str, second| {
            report.has_no_key(&ListedUser {
                name: name.parse().expect("a name"),
                created: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second)),
            })
        };
        assert!(is_spared("none", 9) && is_spared("NONE", 9));
        assert!(!is_spared("none", 10), "another user of the same name");
        for name in ["undated", "active", "inactive", "second", "new"] {
            assert!(!is_spared(name, 9), "{name}");
        }
        assert_eq!((report.users, report.users_with_keys()), (5, 4));
        assert_eq!(report.age, Duration::from_secs(90));
    }

    #[test]
    fn what_lacks_something_is_no_report() {
        for csv in ["", "user,arn\nbob,x\n", "<html>", "user\n\"bob\n"] {
            assert!(report(csv).is_err(), "{csv}");
        }
    }
}
