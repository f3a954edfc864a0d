//! The account as a credential report shows it: one line of CSV per user, starting with the root user.

use crate::account::Account;
use crate::clock;
use crate::key::{Key, Status};
use crate::report::Plan;
use std::time::SystemTime;
use time::OffsetDateTime;

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
/// For a missing key, password, certificate or use.
const NONE: &str = "N/A";
/// For values that IAM does not report for the root user.
const NOT_SUPPORTED: &str = "not_supported";
/// For values that IAM does not know.
const NO_INFORMATION: &str = "no_information";

/// How dates and booleans are formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// `2026-01-31T23:59:59+00:00` and `true`.
    #[default]
    Aws,
    /// `2026-01-31T23:59:59Z` and `TRUE`.
    Foreign,
    /// Like `Aws`, but as AWS documents it: an inactive key has no date.
    Documented,
}

/// The CSV of the account now. If `until` is set, omits everything newer. The last use of a key is unknown if it is
/// newer.
pub(crate) fn take(account: &Account, plan: Plan, until: Option<OffsetDateTime>) -> String {
    let mut sheet = Sheet {
        out: COLUMNS.to_owned(),
        style: plan.style,
        until,
    };
    let root = [NOT_SUPPORTED, NO_INFORMATION, NOT_SUPPORTED, NOT_SUPPORTED];
    let arn = format!("arn:aws:iam::{}:root", account.id);
    sheet.identity("<root_account>", &arn, account.created);
    let root_keys = account.root.iter().filter(|_| plan.shows_root_key);
    sheet.secrets(root, root_keys);
    for user in account.users_after("") {
        if sheet.covers(user.created) {
            let keys = user.keys.iter().filter_map(|id| account.key(id));
            sheet.identity(&user.name, &user.arn(&account.id), user.created);
            sheet.secrets([sheet.boolean(false), NONE, NONE, NONE], keys);
        }
    }
    sheet.out
}

#[derive(Debug)]
struct Sheet {
    out: String,
    style: Style,
    until: Option<OffsetDateTime>,
}

impl Sheet {
    /// Starts a line with the user's identity.
    fn identity(&mut self, name: &str, arn: &str, created: OffsetDateTime) {
        self.out.push('\n');
        self.field(name);
        self.field(arn);
        self.field(&self.date(created));
    }

    /// Adds the rest of the line: password, MFA, the first two keys and the certificates.
    fn secrets<'a>(&mut self, password: [&str; 4], keys: impl IntoIterator<Item = &'a Key>) {
        for field in password {
            self.field(field);
        }
        self.field(self.boolean(false));
        let until = self.until;
        let mut keys = keys
            .into_iter()
            .filter(|key| until.is_none_or(|until| key.created <= SystemTime::from(until)));
        for key in [keys.next(), keys.next()] {
            self.key(key);
        }
        for _certificate in 0..2 {
            self.field(self.boolean(false));
            self.field(NONE);
        }
    }

    fn key(&mut self, key: Option<&Key>) {
        self.field(self.boolean(key.is_some_and(|key| key.status == Status::Active)));
        let is_dated = |key: &&Key| match self.style {
            Style::Aws | Style::Foreign => true,
            Style::Documented => key.status == Status::Active,
        };
        let rotated = key
            .filter(is_dated)
            .map(|key| self.date(key.created.into()));
        self.field(rotated.as_deref().unwrap_or(NONE));
        let used = key
            .and_then(|key| key.last_used.as_ref())
            .filter(|used| self.covers(used.at.into()));
        let date = used.map(|used| self.date(used.at.into()));
        self.field(date.as_deref().unwrap_or(NONE));
        self.field(used.map_or(NONE, |used| &used.region));
        self.field(used.map_or(NONE, |used| &used.service));
    }

    /// Adds a comma, except at the start of a line, and the text. Quotes the text if it has commas or quotes, as names
    /// and paths of users may.
    fn field(&mut self, text: &str) {
        if !self.out.ends_with('\n') {
            self.out.push(',');
        }
        if text.contains([',', '"']) {
            self.out.push('"');
            self.out.push_str(&text.replace('"', "\"\""));
            self.out.push('"');
        } else {
            self.out.push_str(text);
        }
    }

    fn covers(&self, at: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| at <= until)
    }

    fn date(&self, at: OffsetDateTime) -> String {
        match self.style {
            Style::Aws | Style::Documented => clock::with_offset(at),
            Style::Foreign => clock::extended(at),
        }
    }

    const fn boolean(&self, value: bool) -> &'static str {
        match (self.style, value) {
            (Style::Aws | Style::Documented, true) => "true",
            (Style::Aws | Style::Documented, false) => "false",
            (Style::Foreign, true) => "TRUE",
            (Style::Foreign, false) => "FALSE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, take};
    use crate::account::Account;
    use crate::clock;
    use crate::key::{Key, KeySeed, LastUsed, Status};
    use crate::report::Plan;
    use time::OffsetDateTime;

    const ID: &str = "123456789012";

    fn at(text: &str) -> OffsetDateTime {
        clock::parse_basic(text).expect("a date")
    }

    fn planted(owner: &str, id: &str, created: &str, used: Option<&str>) -> KeySeed {
        KeySeed {
            created: at(created).into(),
            last_used: used.map(|used| LastUsed {
                at: at(used).into(),
                service: "s3".to_owned(),
                region: "eu-west-1".to_owned(),
            }),
            ..KeySeed::new(owner, id)
        }
    }

    fn account() -> Account {
        let root = planted("root", "AKIAROOT", "20200101T000000Z", None);
        let mut account = Account::new(ID, Key::from(root));
        for seed in [
            planted("Bob", "1", "20250102T030405Z", Some("20260101T000000Z")),
            planted("Bob", "2", "20250202T030405Z", None).status(Status::Inactive),
            planted("Bob", "3", "20250203T030405Z", None),
            planted("Zoe", "4", "20260103T000000Z", None),
        ] {
            account.plant(seed);
        }
        let added = account.add_user("a,b", "/x\"y/", at("20241231T235959Z"));
        added.expect("a new user");
        account
    }

    fn lines(style: Style, until: Option<OffsetDateTime>) -> Vec<String> {
        let plan = Plan {
            style,
            shows_root_key: true,
            ..Plan::default()
        };
        let taken = take(&account(), plan, until);
        taken.lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_user_has_a_line_with_all_columns() {
        let lines = lines(Style::Aws, None);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0].split(',').count(), 22);
        assert_eq!(
            lines[1],
            "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,no_information,\
             not_supported,not_supported,false,true,2020-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,\
             N/A,false,N/A"
        );
        assert_eq!(
            lines[2],
            "\"a,b\",\"arn:aws:iam::123456789012:user/x\"\"y/a,b\",2024-12-31T23:59:59+00:00,false,N/A,N/A,N/A,false,\
             false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
        );
        assert_eq!(
            lines[3],
            "Bob,arn:aws:iam::123456789012:user/Bob,2025-01-02T03:04:05+00:00,false,N/A,N/A,N/A,false,true,\
             2025-01-02T03:04:05+00:00,2026-01-01T00:00:00+00:00,eu-west-1,s3,false,2025-02-02T03:04:05+00:00,N/A,N/A,\
             N/A,false,N/A,false,N/A"
        );
    }

    #[test]
    fn newer_data_is_not_shown() {
        let lines = lines(Style::Aws, Some(at("20250201T000000Z")));
        assert!(!lines.iter().any(|line| line.starts_with("Zoe")));
        assert_eq!(
            lines[3],
            "Bob,arn:aws:iam::123456789012:user/Bob,2025-01-02T03:04:05+00:00,false,N/A,N/A,N/A,false,true,\
             2025-01-02T03:04:05+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
        );
    }

    #[test]
    fn the_documented_style_has_no_date_for_an_inactive_key() {
        let lines = lines(Style::Documented, None);
        assert!(
            lines[3].contains(",true,2025-01-02T03:04:05+00:00,2026-01-01T00:00:00+00:00,"),
            "{lines:?}"
        );
        assert!(
            lines[3].ends_with(",s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"),
            "{lines:?}"
        );
    }

    #[test]
    fn the_foreign_style_has_other_dates_and_booleans() {
        let lines = lines(Style::Foreign, None);
        assert_eq!(
            lines[4],
            "Zoe,arn:aws:iam::123456789012:user/Zoe,2026-01-03T00:00:00Z,FALSE,N/A,N/A,N/A,FALSE,TRUE,\
             2026-01-03T00:00:00Z,N/A,N/A,N/A,FALSE,N/A,N/A,N/A,N/A,FALSE,N/A,FALSE,N/A"
        );
    }
}
