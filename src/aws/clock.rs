//! The times of IAM's clock, which count instead of this machine's, and how far the two differ.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::attempt::{Attempt, Attempts};
use super::response_history::{SharedHistory, http_date};
use crate::lock::lock;
use crate::outcome::ResponseMetadata;

/// The largest difference between the clocks that is not reported, in seconds. AWS allows 15 minutes.
pub(super) const MAX_CLOCK_SKEW: i64 = 240;

/// Converts a time from IAM. `None`: this machine cannot represent it.
pub(super) fn time(date: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*date).ok()
}

/// Formats a time as IAM does: `2026-11-24T19:02:17Z`.
pub(crate) fn timestamp(at: SystemTime) -> String {
    let seconds = DateTime::from_secs(DateTime::from(at).secs());
    let formatted = seconds.fmt(Format::DateTime);
    formatted.unwrap_or_else(|_| {
        let which = if seconds.secs() < 0 {
            "before the year 1"
        } else {
            "after the year 9999"
        };
        format!("a time {which}")
    })
}

/// Returns the time of the last response according to IAM's clock, so a wrong local clock cannot make a key look
/// older. `None`: that clock cannot be trusted.
pub(super) fn trusted_server_time(
    attempts: &Attempts,
    responses: &SharedHistory,
) -> Option<SystemTime> {
    if lock(responses).clock_jump.is_some() {
        return None;
    }
    let last = attempts.last().filter(Attempt::is_success)?;
    answered_at(&last.metadata)
}

/// Returns the local time and the server's time as HTTP dates if they differ too much.
pub(super) fn clock_skew_times(attempt: &Attempt) -> Option<(String, String)> {
    let (server, ours) = (server_time(&attempt.metadata)?, attempt.signed_at?);
    ((server.secs() - ours.secs()).abs() > MAX_CLOCK_SKEW)
        .then(|| (http_date(ours), http_date(server)))
}

/// Returns the time of a response. With two `Date` headers, neither can be trusted.
pub(super) fn server_time(response: &ResponseMetadata) -> Option<DateTime> {
    let mut dates = response.headers.iter().filter(|(name, _)| name == "date");
    let (date, None) = (dates.next()?, dates.next()) else {
        return None;
    };
    DateTime::from_str(&date.1, Format::HttpDate).ok()
}

/// Returns the time of a response according to the clock of the service.
pub(crate) fn answered_at(response: &ResponseMetadata) -> Option<SystemTime> {
    time(&server_time(response)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_a_date_even_before_1970() {
        const DAY: i64 = 86_400;
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-365 * DAY, "1969-01-01T00:00:00Z"),
            (-146_097 * DAY, "1570-01-01T00:00:00Z"),
            (-146_097 * DAY - 1, "1569-12-31T23:59:59Z"),
            (-719_162 * DAY, "0001-01-01T00:00:00Z"),
            (-719_162 * DAY - 1, "a time before the year 1"),
            (-9_999_999 * DAY, "a time before the year 1"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "a time after the year 9999"),
        ] {
            let distance = Duration::from_secs(i64::unsigned_abs(seconds));
            let at = match seconds {
                0.. => SystemTime::UNIX_EPOCH + distance,
                _ => SystemTime::UNIX_EPOCH - distance,
            };
            assert_eq!(timestamp(at), expected, "{seconds}");
        }
    }
}
