//! Credential reports: whether one exists, how old it is, and when the next one can be generated.

use crate::account::Account;
use crate::failure::Failure;
use crate::snapshot::{self, Style};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// How long a report lasts. No other is generated in this time.
const LIFETIME: Duration = Duration::hours(4);

/// How credential reports behave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    pub(crate) start: Start,
    /// How many requests after a report is started find it in progress.
    pub(crate) lag: u32,
    pub(crate) style: Style,
    pub(crate) shows_root_key: bool,
}

/// The report that exists when the sandbox starts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Start {
    #[default]
    Nothing,
    /// A report of this age.
    Stale(std::time::Duration),
    /// A report that stays in progress forever.
    Endless,
}

/// The account's latest report.
#[derive(Debug)]
pub(crate) struct Reports {
    latest: Latest,
    plan: Plan,
}

#[derive(Debug)]
enum Latest {
    Nothing,
    Endless,
    Report(Report),
}

/// A report and when it was generated.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// Encoded in base64.
    pub(crate) content: Arc<str>,
    pub(crate) generated: OffsetDateTime,
    /// How many more requests find it in progress.
    calls_left: u32,
}

/// The result of a request to generate a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Generation started, for this reason.
    Started(&'static str),
    InProgress,
    Complete,
}

impl Reports {
    pub(crate) fn new(plan: Plan, account: &Account, now: OffsetDateTime) -> Self {
        let latest = match plan.start {
            Start::Nothing => Latest::Nothing,
            Start::Endless => Latest::Endless,
            Start::Stale(age) => {
                let age = Duration::try_from(age).unwrap_or(Duration::MAX);
                let generated = now.saturating_sub(age);
                let csv = snapshot::take(account, plan, Some(generated));
                Latest::Report(Report::new(&csv, generated, 0))
            }
        };
        Self { latest, plan }
    }

    /// Starts a report, unless one is in progress or has not expired.
    pub(crate) fn generate(&mut self, account: &Account, now: OffsetDateTime) -> Stage {
        if self.is_in_progress() {
            return Stage::InProgress;
        }
        let reason = match &self.latest {
            Latest::Report(report) if !report.expired(now) => return Stage::Complete,
            Latest::Report(_) => "The last report has expired. A new one is being generated",
            _ => "There is no report yet. A new one is being generated",
        };
        let csv = snapshot::take(account, self.plan, None);
        self.latest = Latest::Report(Report::new(&csv, now, self.plan.lag));
        Stage::Started(reason)
    }

    /// The report, if it is complete and has not expired.
    pub(crate) fn get(&mut self, now: OffsetDateTime) -> Result<&Report, Failure> {
        if self.is_in_progress() {
            return Err(Failure::report_in_progress());
        }
        match &self.latest {
            Latest::Report(report) if report.expired(now) => Err(Failure::report_expired()),
            Latest::Report(report) => Ok(report),
            _ => Err(Failure::report_not_present()),
        }
    }

    /// Whether the report is in progress. Counts this request.
    fn is_in_progress(&mut self) -> bool {
        match &mut self.latest {
            Latest::Nothing => false,
            Latest::Endless => true,
            Latest::Report(report) => {
                let found = report.calls_left > 0;
                report.calls_left = report.calls_left.saturating_sub(1);
                found
            }
        }
    }
}

impl Report {
    fn new(csv: &str, generated: OffsetDateTime, calls_left: u32) -> Self {
        Self {
            content: STANDARD.encode(csv).into(),
            generated,
            calls_left,
        }
    }

    fn expired(&self, now: OffsetDateTime) -> bool {
        now - self.generated >= LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Reports, Stage, Start};
    use crate::account::Account;
    use crate::documented::{ACCOUNT, Signers};
    use crate::failure::Failure;
    use std::time::Duration;
    use time::OffsetDateTime;

    fn reports(plan: Plan) -> (Reports, Account, OffsetDateTime) {
        let now = OffsetDateTime::now_utc();
        let account = Signers::of(ACCOUNT).account(now);
        (Reports::new(plan, &account, now), account, now)
    }

    fn code(got: Result<&super::Report, Failure>) -> String {
        got.map_or_else(|failure| failure.code.into_owned(), |_| "OK".to_owned())
    }

    fn started(progress: Stage) -> bool {
        matches!(progress, Stage::Started(_))
    }

    #[test]
    fn a_report_is_generated_once_in_four_hours() {
        let (mut reports, account, now) = reports(Plan::default());
        assert_eq!(code(reports.get(now)), "ReportNotPresent");
        assert!(started(reports.generate(&account, now)));
        let later = now + Duration::from_secs(4 * 3600 - 1);
        assert_eq!(reports.generate(&account, later), Stage::Complete);
        assert_eq!(reports.get(later).map(|report| report.generated), Ok(now));
        let expiry = now + Duration::from_hours(4);
        assert_eq!(code(reports.get(expiry)), "ReportExpired");
        assert!(started(reports.generate(&account, expiry)));
        assert_eq!(
            reports.get(expiry).map(|report| report.generated),
            Ok(expiry)
        );
    }

    #[test]
    fn a_report_with_a_lag_is_in_progress_for_that_many_calls() {
        let (mut reports, account, now) = reports(Plan {
            lag: 2,
            ..Plan::default()
        });
        assert!(started(reports.generate(&account, now)));
        assert_eq!(code(reports.get(now)), "ReportInProgress");
        assert_eq!(reports.generate(&account, now), Stage::InProgress);
        assert_eq!(reports.generate(&account, now), Stage::Complete);
        assert_eq!(code(reports.get(now)), "OK");
    }

    #[test]
    fn an_endless_report_never_finishes() {
        let (mut reports, account, now) = reports(Plan {
            start: Start::Endless,
            ..Plan::default()
        });
        for hours in 0..10 {
            let then = now + Duration::from_hours(hours);
            assert_eq!(reports.generate(&account, then), Stage::InProgress);
            assert_eq!(code(reports.get(then)), "ReportInProgress");
        }
    }

    #[test]
    fn a_stale_report_has_the_requested_age() {
        let hour = Duration::from_hours(1);
        let stale = |age| Plan {
            start: Start::Stale(age),
            ..Plan::default()
        };
        let (mut young, account, now) = reports(stale(hour));
        assert_eq!(young.generate(&account, now), Stage::Complete);
        assert_eq!(
            young.get(now).map(|report| report.generated),
            Ok(now - hour)
        );
        for age in [4 * hour, Duration::MAX] {
            let (mut old, account, now) = reports(stale(age));
            assert_eq!(code(old.get(now)), "ReportExpired");
            assert!(started(old.generate(&account, now)));
        }
    }
}
