//! The credential report: which users have keys. It has no key IDs and at most two keys a user, and it is some hours old,
//! so it never says which key goes: only which users need not be asked about.

use std::time::{Duration, SystemTime};

use crate::aws::ReportRead;
use crate::ident::UserName;
use crate::splitter::Splitter;

/// What is read of a report.
#[derive(Debug)]
pub(super) struct CredentialReport {
    /// The users who have a key, active or not.
    pub(super) users_with_keys: Vec<UserName>,
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
        // A key that is inactive was created all the same.
        let keys = [
            place("access_key_1_active")?,
            place("access_key_1_last_rotated")?,
            place("access_key_2_active")?,
            place("access_key_2_last_rotated")?,
        ];
        let mut report = Self {
            users_with_keys: Vec::new(),
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
                let name = UserName::try_from(field(user).to_owned());
                report
                    .users_with_keys
                    .push(name.map_err(|_| "it has a user name that IAM does not allow")?);
            }
        }
        Ok(report)
    }
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
    fn who_has_keys_is_read_by_the_names_of_the_columns() {
        let csv = "access_key_2_last_rotated,user,Access_Key_1_Active,access_key_1_last_rotated,access_key_2_active\n\
                   N/A,<root_account>,true,2020-01-01T00:00:00Z,false\n\
                   N/A,none,FALSE,N/A,false\n\
                   N/A,active,TRUE,2026-01-01T00:00:00Z,false\n\
                   N/A,inactive,false,2026-01-01T00:00:00+00:00,false\n\
                   2026-01-01T00:00:00Z,second,false,N/A,false\n";
        let report = report(csv).expect("a report");
        let names: Vec<&str> = report
            .users_with_keys
            .iter()
            .map(UserName::as_str)
            .collect();
        assert_eq!(names, ["active", "inactive", "second"]);
        assert_eq!(report.users, 4);
        assert_eq!(report.age, Duration::from_secs(90));
    }

    #[test]
    fn what_lacks_something_is_no_report() {
        for csv in ["", "user,arn\nbob,x\n", "<html>", "user\n\"bob\n"] {
            assert!(report(csv).is_err(), "{csv}");
        }
    }
}
