//! A credential report that is wrong or unusable: it hides no user from a sweep.

use std::time::{Duration, SystemTime};

use aws_smithy_types::base64;
use humantime::format_rfc3339_seconds;
use iam_sandbox::{KeySeed, Sandbox, What};

use crate::case::{BOBS_KEY, always, each};
use crate::credential_report::sweep;
use crate::response::{result, xml};

/// A report that IAM returns: rows of users, with a name, a creation time and two keys, and `more` columns.
fn report_of(rows: &[[&str; 4]], more: usize, generated: SystemTime) -> String {
    let slot = |n: u8| {
        let names = [
            "active",
            "last_rotated",
            "last_used_date",
            "last_used_region",
            "last_used_service",
        ];
        names.map(|name| format!("access_key_{n}_{name}")).join(",")
    };
    let new = |text: &str| format!("{text},").repeat(more);
    let head = format!(
        "{}user,user_creation_time,{},{}",
        new("new"),
        slot(1),
        slot(2)
    );
    let rows = rows.iter().map(|row| new("x") + &row.join(","));
    let lines: Vec<_> = [head].into_iter().chain(rows).collect();
    let csv = lines.join("\n");
    let (content, generated) = (base64::encode(csv), format_rfc3339_seconds(generated));
    let inside = format!(
        "<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{generated}</GeneratedTime>"
    );
    result("GetCredentialReport", &inside)
}

/// A key that is not active and has a date, so that the report includes such keys; no key; and a key that is in use.
const INACTIVE: &str = "false,2020-01-01T00:00:00Z,N/A,N/A,N/A";
const NONE: &str = "false,N/A,N/A,N/A,N/A";

fn in_use() -> String {
    let used = format_rfc3339_seconds(SystemTime::now() - Duration::from_hours(48));
    format!("true,2020-01-01T00:00:00Z,{used},us-east-1,s3")
}

fn created(sandbox: &Sandbox, id: &str) -> String {
    let key = sandbox.key(id).expect("a key");
    format_rfc3339_seconds(key.created).to_string()
}

/// When the user Other was created: no user of the same second is excluded.
const OTHERS_DATE: &str = "2022-01-01T00:00:00Z";

/// A report with this creation time of Bob, and with a key that is in use.
type Report<'a> = dyn Fn(&str, &str) -> String + 'a;

/// Bob has a key that was not used for 120 days, and IAM returns this report.
fn with_report(report: impl Fn(&str, &str) -> String) -> Sandbox {
    let seed = KeySeed::new("Bob", BOBS_KEY).last_used_days_ago(120, "s3", "us-east-1");
    let sandbox = Sandbox::builder().key(seed.created_days_ago(400)).start();
    let report = report(&created(&sandbox, BOBS_KEY), &in_use());
    sandbox.fault(always("GetCredentialReport", xml(report)));
    sandbox
}

#[test]
fn f107_a_user_who_was_created_again_is_not_the_user_of_the_report() {
    let older = "2021-01-01T00:00:00Z";
    each([0, 3], |more| {
        each([(None, false), (Some(older), true)], |(date, is_found)| {
            let sandbox = with_report(|created, used| {
                let rows = [
                    ["bob", date.unwrap_or(created), used, used],
                    ["Other", OTHERS_DATE, INACTIVE, NONE],
                ];
                report_of(&rows, more, SystemTime::now() - Duration::from_mins(1))
            });
            let (found, _) = sweep(&sandbox, &["--unused-for", "90d"]);
            assert_eq!(found.contains(BOBS_KEY), is_found, "{date:?}");
        });
    });
}

#[test]
fn f107_a_report_that_cannot_be_used_hides_no_user() {
    let usable = |generated| {
        move |created: &str, used: &str| {
            let rows = [
                ["Bob", created, used, used],
                ["Other", OTHERS_DATE, INACTIVE, NONE],
            ];
            report_of(&rows, 0, generated)
        }
    };
    let now = SystemTime::now();
    let bad: [&Report<'_>; 6] = [
        &usable(now + Duration::from_hours(1)),
        &usable(now - Duration::from_hours(90 * 24)),
        &|created, used| usable(now)(created, used).replace("GeneratedTime>", "Time>"),
        &|created, used| usable(now)(created, used).replace("<Content>", "<Content>!"),
        &|_, _| "<html>Sign in</html>".to_owned(),
        &|_, _| result("GetCredentialReport", "<Content/>"),
    ];
    for (number, report) in bad.into_iter().enumerate() {
        let sandbox = with_report(report);
        let (found, lists) = sweep(&sandbox, &["--unused-for", "90d", "--timeout", "5"]);
        assert!(found.contains(BOBS_KEY), "{number}");
        assert_eq!(lists, 2, "{number}");
    }
    let cases = [
        (410, "ReportNotPresent"),
        (410, "ReportExpired"),
        (404, "ReportInProgress"),
        (403, "AccessDenied"),
    ];
    each(cases, |(status, code)| {
        let sandbox = with_report(|_, _| String::new());
        sandbox.clear_faults();
        let error = What::error(status, code, "no");
        sandbox.fault(always("GetCredentialReport", error));
        let (found, lists) = sweep(&sandbox, &["--unused-for", "90d"]);
        assert!(found.contains(BOBS_KEY) && lists == 2, "{code}");
    });
}

/// A key cannot have been used after the report was created. An impossible date hides no user.
#[test]
fn f107_a_last_use_after_the_report_hides_no_user() {
    let now = SystemTime::now();
    let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
    let cases = [
        (now - 3 * day, now - 2 * day, false),
        (now - day, now - 2 * day, true),
        (now + 900 * day, now - hour, true),
    ];
    each(cases, |(used, generated, is_found)| {
        let sandbox = with_report(|created, _| {
            let used = format_rfc3339_seconds(used);
            let used = format!("true,2020-01-01T00:00:00Z,{used},us-east-1,s3");
            let rows = [
                ["Bob", created, &used, NONE],
                ["Other", OTHERS_DATE, INACTIVE, NONE],
            ];
            report_of(&rows, 0, generated)
        });
        let (found, _) = sweep(&sandbox, &["--unused-for", "90d"]);
        assert_eq!(found.contains(BOBS_KEY), is_found, "{used:?}");
    });
}
