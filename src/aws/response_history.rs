//! Remembers the latest request IDs and the service's clock. A response with a repeated request ID is not accepted,
//! and no age is evaluated after the clock jumped.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::clock::{MAX_CLOCK_SKEW, time};
use crate::moment::Moment;

/// The number of request IDs to remember. A repeated response is in the buffer of its connection, and the next request
/// on that connection would read it. With the maximum of 256 jobs, these are 16 responses per connection. They always
/// take 32 KiB.
const MAX_REQUEST_IDS: usize = 4096;

/// The maximum difference between the time of a response and that of its accepted request, in seconds. AWS rejects a
/// signature after 15 minutes; the rest is for slow responses.
const MAX_SIGNATURE_SKEW: i64 = 20 * 60;

/// The history that all calls of a run share.
pub(super) type SharedHistory = Arc<Mutex<ResponseHistory>>;

/// What a run remembers of its responses.
#[derive(Debug, Default)]
pub(super) struct ResponseHistory {
    hasher: RandomState,
    ids: VecDeque<u64>,
    /// The first time that the service returned, with the local wall clock and monotonic clock at that moment.
    first_time: Option<(DateTime, Moment)>,
    /// The last time that the service returned, and the same clocks.
    last_time: Option<(DateTime, Moment)>,
    /// Whether a response was the answer to another request. Then each request gets a connection of its own.
    pub(super) are_mixed_up: bool,
    /// Why the service's clock cannot be trusted, if two times contradict each other.
    pub(super) clock_jump: Option<String>,
}

impl ResponseHistory {
    /// Remembers a request ID of a host. Returns false if it was seen before.
    pub(super) fn is_new(&mut self, host: &str, request_id: &str) -> bool {
        let id = self.hasher.hash_one((host, request_id));
        if self.ids.contains(&id) {
            return false;
        }
        if self.ids.len() == MAX_REQUEST_IDS {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
        true
    }

    /// Compares the time of a response with earlier times and with the time of its accepted request.
    pub(super) fn note_time(&mut self, time: DateTime, signed_at: Option<DateTime>) {
        if self.clock_jump.is_some() {
            return;
        }
        let now = (time, Moment::now());
        self.last_time = Some(now);
        let (first_time, first) = *self.first_time.get_or_insert(now);
        let passed = time.secs() - first_time.secs();
        let mut ours = first.elapsed_by_each().into_iter();
        let is_apart =
            |ours: Duration| (passed - ours.as_secs().cast_signed()).abs() > MAX_CLOCK_SKEW;
        let other = match signed_at {
            Some(at) if (at.secs() - time.secs()).abs() > MAX_SIGNATURE_SKEW => {
                format!(
                    "and the request it accepted was signed at {}",
                    http_date(at)
                )
            }
            _ if ours.all(is_apart) => format!(
                "but {} s before, by this machine's clock, it said {}",
                first.elapsed().as_secs(),
                http_date(first_time)
            ),
            _ => return,
        };
        let time = http_date(time);
        self.clock_jump = Some(format!(
            "IAM's clock cannot be trusted: it says {time}, {other}"
        ));
    }

    /// Returns the time by the service's clock, as far as its responses show it, or else by this machine's.
    pub(super) fn now(&self) -> SystemTime {
        let known = self.last_time.filter(|_| self.clock_jump.is_none());
        let now = known.and_then(|(last, at)| time(&last)?.checked_add(at.elapsed()));
        now.unwrap_or_else(SystemTime::now)
    }
}

pub(super) fn http_date(time: DateTime) -> String {
    time.fmt(Format::HttpDate)
        .unwrap_or_else(|_| "a time out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_new_once_for_each_host() {
        let mut responses = ResponseHistory::default();
        assert!(
            responses.is_new("a", "1") && responses.is_new("b", "1") && responses.is_new("a", "2")
        );
        assert!(!responses.is_new("a", "1") && !responses.is_new("b", "1"));
        for n in 0..3 * MAX_REQUEST_IDS {
            assert!(responses.is_new("c", &n.to_string()), "{n}");
        }
        assert_eq!(responses.ids.len(), MAX_REQUEST_IDS);
        assert!(!responses.is_new("c", &(3 * MAX_REQUEST_IDS - 1).to_string()));
    }

    #[test]
    fn a_clock_may_be_wrong_and_may_not_jump() {
        let at = |seconds: i64| DateTime::from_secs(2_000_000_000 + seconds);
        for (times, jumps) in [
            (&[(0, Some(0)), (1, Some(1))][..], false),
            (&[(0, Some(0)), (MAX_CLOCK_SKEW - 5, Some(0))], false),
            (&[(0, Some(0)), (MAX_CLOCK_SKEW + 5, Some(0))], true),
            (&[(0, Some(0)), (-MAX_CLOCK_SKEW - 5, Some(0))], true),
            (&[(0, Some(0)), (2_000_000_000, None), (0, Some(0))], true),
            (&[(2_000_000_000, Some(0))], true),
            (
                &[(2_000_000_000, Some(2_000_000_000)), (2_000_000_001, None)],
                false,
            ),
            (&[(14 * 60, Some(0)), (14 * 60, Some(0))], false),
        ] {
            let mut responses = ResponseHistory::default();
            for (time, signed_at) in times {
                responses.note_time(at(*time), signed_at.map(at));
            }
            assert_eq!(responses.clock_jump.is_some(), jumps, "{times:?}");
        }
    }
}
