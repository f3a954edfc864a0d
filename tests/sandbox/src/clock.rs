//! The server's clock, which can differ from the machine's, and AWS's date formats.

use std::sync::atomic::{AtomicI64, Ordering};
use time::{Date, Duration, Month, OffsetDateTime, Time};

/// The machine's clock plus an offset in seconds.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    pub(crate) fn set_offset(&self, seconds: i64) {
        self.offset.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::seconds(self.offset.load(Ordering::Relaxed))
    }
}

/// `2026-01-31T23:59:59Z`, as in responses.
pub(crate) fn extended(at: OffsetDateTime) -> String {
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    format!(
        "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z",
        u8::from(month)
    )
}

/// `2026-01-31T23:59:59+00:00`, as in credential reports.
pub(crate) fn with_offset(at: OffsetDateTime) -> String {
    extended(at).replace('Z', "+00:00")
}

/// `20260131T235959Z`, as in signatures.
pub(crate) fn basic(at: OffsetDateTime) -> String {
    extended(at).replace(['-', ':'], "")
}

/// `Sat, 31 Jan 2026 23:59:59 GMT`, as in the `Date` header.
pub(crate) fn http(at: OffsetDateTime) -> String {
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    let weekday = &at.weekday().to_string()[..3];
    let month = &month.to_string()[..3];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Parses the format of [`basic`].
pub(crate) fn parse_basic(text: &str) -> Option<OffsetDateTime> {
    let well_formed =
        text.len() == 16 && text.is_ascii() && &text[8..9] == "T" && text.ends_with('Z');
    if !well_formed {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u8>().ok();
    let month = Month::try_from(number(4, 6)?).ok()?;
    let date = Date::from_calendar_date(text[..4].parse().ok()?, month, number(6, 8)?).ok()?;
    let time = Time::from_hms(number(9, 11)?, number(11, 13)?, number(13, 15)?).ok()?;
    Some(date.with_time(time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::{basic, extended, http, parse_basic, with_offset};

    #[test]
    fn a_date_has_the_four_formats_of_aws() {
        let at = parse_basic("20260131T235958Z").expect("a date");
        assert_eq!(basic(at), "20260131T235958Z");
        assert_eq!(extended(at), "2026-01-31T23:59:58Z");
        assert_eq!(with_offset(at), "2026-01-31T23:59:58+00:00");
        assert_eq!(http(at), "Sat, 31 Jan 2026 23:59:58 GMT");
    }

    #[test]
    fn an_invalid_date_is_rejected() {
        for text in [
            "",
            "20260131",
            "20261331T000000Z",
            "20260131T250000Z",
            "2026-01-31T00:00Z",
            "20260131T0000é0Z",
        ] {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }
}
