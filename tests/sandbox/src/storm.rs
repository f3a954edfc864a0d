//! Faults at random: a seed says what goes wrong with a request, and the same with the same request in every run, whatever
//! else is under way at the time.

use crate::disruption::{Act, What};
use crate::drift::Drift;
use crate::hash::Draw;
use std::collections::HashMap;
use std::time::Duration;

/// Out of a hundred connections of a storm that strikes all requests, so many are reset at once.
const CONNECTIONS: u64 = 10;
/// The longest pause before a reply.
const LONGEST_DELAY: u64 = 150;
/// The longest time after which a request is carried out whose connection was reset.
const LATEST: u64 = 500;
/// When a request is carried out that is late in an adverse storm.
const EARLIEST_LATE: u64 = 1000;
const LATEST_LATE: u64 = 6000;
/// Out of a hundred requests that go wrong where reads are denied, so many are denied.
const DENIED: u64 = 12;
const PAGE: &str = "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>";
const FAILURE: &str = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Receiver</Type>\
    <Code>ServiceFailure</Code><Message>Internal failure</Message></Error><RequestId>r</RequestId></ErrorResponse>";

/// Requests go wrong at random: connections are reset before and after acting, replies cut off, replaced, late or missing.
///
/// What goes wrong with a request follows from the seed, from what it asks, and from how often that was asked before. It
/// never does what the service could not: whoever is told in the service's own form that a request was carried out, or
/// that a key is not there, is told the truth.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    seed: u64,
    percent: u8,
    kind: Kind,
}

/// How bad a storm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Requests go wrong.
    Usual,
    /// They also act late, lists lag, and users are renamed.
    Adverse,
    /// And reads are denied for some users, and now and then, and do not show new keys.
    PoorReads,
}

impl Storm {
    /// Three out of ten requests go wrong.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            percent: 30,
            kind: Kind::Usual,
        }
    }

    /// So many out of a hundred requests go wrong.
    #[must_use]
    pub const fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    /// Requests also act up to six seconds late, lists lag, users are renamed, and users without keys are deleted.
    #[must_use]
    pub const fn adverse(mut self) -> Self {
        self.kind = Kind::Adverse;
        self
    }

    /// The same; reads are also denied for some users, and now and then, and do not show a new key for a moment.
    #[must_use]
    pub const fn adverse_with_poor_reads(mut self) -> Self {
        self.kind = Kind::PoorReads;
        self
    }

    /// What changes on its own.
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

/// A storm, and how often each thing was asked.
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

    /// Whether the next connection is reset at once.
    pub(crate) fn resets_connection(&mut self) -> bool {
        let percent = u64::from(self.storm.percent);
        self.next("").below(100 * CONNECTIONS) < percent
    }

    /// What goes wrong with a request that asks this, and how much later its reply comes.
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

/// One of the things that go wrong. Silences are rare, since whoever meets one waits as long as it may; and so is `Throttling`
/// that has nothing to do with how much is asked: whoever heeds it can only become slower, so that is for a bucket.
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

/// One of the things that go wrong in an adverse storm: two thirds are lost responses.
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
