//! Random faults. The seed determines what happens to a request, regardless of concurrent requests, so every run
//! repeats it.

use crate::disruption::{Act, What};
use crate::drift::Drift;
use crate::hash::Draw;
use std::collections::HashMap;
use std::time::Duration;

/// The percentage of connections that are reset immediately in a storm that affects all requests.
const CONNECTIONS: u64 = 10;
/// The longest delay of a response, in milliseconds.
const LONGEST_DELAY: u64 = 150;
/// The longest delay of a request whose connection was reset, in milliseconds.
const LATEST: u64 = 500;
/// The range of delays of a late request in an adverse storm, in milliseconds.
const EARLIEST_LATE: u64 = 1000;
const LATEST_LATE: u64 = 6000;
/// The percentage of faults that are denials in a storm with poor reads.
const DENIED: u64 = 12;
const PAGE: &str = "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>";
const FAILURE: &str = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Receiver</Type>\
    <Code>ServiceFailure</Code><Message>Internal failure</Message></Error><RequestId>r</RequestId></ErrorResponse>";

/// Random faults: connections are reset before or after the request takes effect, and responses are truncated, replaced, late
/// or lost.
///
/// The fault for a request is determined by the seed, by its parameters, and by how often the same request came before.
/// A storm never does anything that the service could not do: a response in the service's own format is always true
/// when it says that a request took effect or that a key does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    seed: u64,
    percent: u8,
    kind: Kind,
}

/// The severity of a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only faults.
    Usual,
    /// Requests also take effect late, lists lag, and users are renamed.
    Adverse,
    /// Reads are also denied for some users or some requests, and they hide new keys.
    PoorReads,
}

impl Storm {
    /// A storm that affects 30 percent of requests.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            percent: 30,
            kind: Kind::Usual,
        }
    }

    /// Sets the percentage of requests that are affected.
    #[must_use]
    pub const fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    /// Also makes requests take effect up to six seconds late, lists lag, and users be renamed or, without keys,
    /// deleted.
    #[must_use]
    pub const fn adverse(mut self) -> Self {
        self.kind = Kind::Adverse;
        self
    }

    /// The same, and also denies reads for some users or some requests, and hides new keys from reads for a moment.
    #[must_use]
    pub const fn adverse_with_poor_reads(mut self) -> Self {
        self.kind = Kind::PoorReads;
        self
    }

    /// The changes that no request makes.
    pub(crate) fn drift(self) -> Option<Drift> {
        match self.kind {
            Kind::Usual => None,
            Kind::Adverse => Some(Drift::new(self.seed, false)),
            Kind::PoorReads => Some(Drift::new(self.seed, true)),
        }
    }

    fn draw(self, subject: &str, before: u64) -> Draw {
        Draw::new(&format!("{} {before} {subject}", self.seed))
    }
}

/// A storm, and how many times each request came.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    storm: Storm,
    asked: HashMap<String, u64>,
}

impl Weather {
    pub(crate) fn new(storm: Storm) -> Self {
        Self {
            storm,
            asked: HashMap::new(),
        }
    }

    /// Whether to reset the next connection immediately.
    pub(crate) fn resets_connection(&mut self) -> bool {
        let percent = u64::from(self.storm.percent);
        self.next("").below(100 * CONNECTIONS) < percent
    }

    /// The fault for a request with these parameters, and how long to delay its response.
    pub(crate) fn on_request(&mut self, subject: &str) -> (Option<What>, Duration) {
        let percent = u64::from(self.storm.percent);
        let mut draw = self.next(subject);
        let delay = if draw.below(100) < percent / 3 {
            milliseconds(draw.below(LONGEST_DELAY))
        } else {
            Duration::ZERO
        };
        let what = (draw.below(100) < percent).then(|| match self.storm.kind {
            Kind::Usual => what(&mut draw),
            Kind::PoorReads if draw.below(100) < DENIED => {
                What::error(403, "AccessDenied", "Denied for the moment")
            }
            Kind::Adverse | Kind::PoorReads => adverse(&mut draw),
        });
        (what, delay)
    }

    fn next(&mut self, subject: &str) -> Draw {
        let times = self.asked.entry(subject.to_owned()).or_default();
        let before = *times;
        *times += 1;
        self.storm.draw(subject, before)
    }
}

/// Picks a fault. Silences are rare, because the client then waits until its timeout. `Throttling` is rare, because it
/// is unrelated to the request rate: a client that heeds it only slows down. A token bucket tests that better.
fn what(draw: &mut Draw) -> What {
    match draw.below(1000) {
        0..150 => What::ResetBeforeActing,
        150..300 => What::ResetAfterActing,
        300..380 => What::CloseAfterActing,
        380..440 => What::TruncateHead,
        440..530 => What::TruncateBody,
        530..590 => What::CutChunk,
        590..593 => What::error(400, "Throttling", "Rate exceeded"),
        593..680 => What::error(500, "ServiceFailure", "Internal failure"),
        680..750 => reply(500, "text/xml", FAILURE.into(), Act::Before),
        750..800 => What::empty(503),
        800..850 => What::page(200, "text/html", PAGE),
        850..900 => reply(200, "text/html", PAGE.into(), Act::Before),
        900..930 => What::NotHttp(garbage(draw)),
        930..960 => reply(200, "text/xml", garbage(draw), Act::Before),
        960..992 => What::ActAfterReset(milliseconds(draw.below(LATEST))),
        _ if draw.below(2) == 0 => What::SilenceBeforeActing,
        _ => What::SilenceAfterActing,
    }
}

/// Picks a fault for an adverse storm. Two thirds of these are lost responses.
fn adverse(draw: &mut Draw) -> What {
    let later = milliseconds(EARLIEST_LATE + draw.below(LATEST_LATE - EARLIEST_LATE));
    let act = [Act::Before, Act::Later(later), Act::Never][draw.choice(3)];
    match draw.below(100) {
        0..25 => what(draw),
        25..35 => reply(200, "text/html", PAGE.into(), act),
        35..50 => reply(502, "text/html", PAGE.into(), act),
        50..65 => reply(504, "text/html", PAGE.into(), act),
        65..73 => What::ResetAfterActing,
        73..88 => What::ActAfterReset(later),
        88..94 => What::ActInSilence(later),
        94..97 => What::SilenceAfterActing,
        _ => What::SilenceBeforeActing,
    }
}

fn reply(status: u16, content_type: &str, body: Vec<u8>, act: Act) -> What {
    let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    What::Reply {
        status,
        headers,
        body,
        act,
    }
}

fn garbage(draw: &mut Draw) -> Vec<u8> {
    let length = 1 + draw.below(300);
    (0..length).map(|_| draw.byte()).collect()
}

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}
