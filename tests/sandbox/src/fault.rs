//! What can be made to go wrong, with which request, and how often.

use crate::storm::{Storm, Weather};
use std::borrow::Cow;
use std::time::Duration;

/// Something that goes wrong with a connection or with the answer to a request.
///
/// "Acts" means that the request is carried out (if it is valid) before things go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The connection is reset before anything is read from it, TLS included.
    ResetOnAccept,
    /// The connection is accepted, and nothing ever comes; TLS included.
    SilenceOnAccept,
    /// The request is read, and the connection reset.
    ResetBeforeActing,
    /// Acts, then the connection is reset.
    ResetAfterActing,
    /// The connection is reset, and the request is carried out so much later.
    ActAfterReset(Duration),
    /// Acts, then the connection is closed without a byte.
    CloseAfterActing,
    /// Acts, sends half of the reply's head, and closes.
    TruncateHead,
    /// Acts, sends the head and half of the body, and closes.
    TruncateBody,
    /// Acts, sends the reply in chunks, and closes inside a chunk.
    CutChunk,
    /// The request is read, and nothing ever comes.
    SilenceBeforeActing,
    /// Nothing ever comes, and the request is carried out so much later.
    ActInSilence(Duration),
    /// Acts, and nothing ever comes.
    SilenceAfterActing,
    /// Acts, then sends the reply one byte at a time.
    Drip {
        /// The pause before each byte.
        byte_every: Duration,
    },
    /// Acts, then sends a body that never ends, as fast as it is read.
    EndlessBody,
    /// Acts, then sends the reply with so many more headers.
    ManyHeaders(usize),
    /// These bytes are sent instead of a reply, and the connection is closed.
    NotHttp(Vec<u8>),
    /// The first bytes are sent instead of a reply, and then the others without end, as fast as they are read.
    Flood(Vec<u8>, Vec<u8>),
    /// This reply is sent. A `Content-Length` is added unless a header says how long the body is.
    /// `<RequestId>r</RequestId>` in the body gets a new request ID each time.
    Reply {
        /// Its status.
        status: u16,
        /// Its headers; no other is added but `Content-Length`, and `Date` unless it is among them.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
        /// Whether the request is carried out.
        act: Act,
    },
    /// An error in IAM's own form is sent; the request is not carried out.
    Error {
        /// The HTTP status.
        status: u16,
        /// `ServiceFailure`, say.
        code: Cow<'static, str>,
        /// The message.
        message: Cow<'static, str>,
    },
    /// The request is repeated in the reply, and not carried out.
    Echo(Echo),
    /// The reply comes so much later. Goes together with the next fault that matches the request.
    Delay(Duration),
    /// Acts, stops listening, so that who connects again is refused, and resets the connection.
    LoseReplyAndStopListening,
    /// Acts and answers as usual; after that, a user has another name.
    ThenRename { name: String, to: String },
    /// Acts and sends the reply twice; the connection stays open.
    ReplyTwice,
}

/// Whether a request whose reply is replaced is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is, before the reply is sent.
    Before,
    /// It is, so much after the reply is sent.
    Later(Duration),
    /// It is not.
    Never,
}

/// How a reply repeats the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// What is signed, in an error's message.
    Canonical,
    /// Every header, in a page and in a header of its own.
    Page,
    /// Every header and the body, in an error of a service that speaks JSON.
    Json,
}

impl What {
    /// An error in IAM's own form, not acting.
    #[must_use]
    pub fn error(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Error {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    /// A reply with this content type and body, not acting: a captive portal's page, say.
    #[must_use]
    pub fn page(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self::Reply {
            status,
            headers,
            body: body.into(),
            act: Act::Never,
        }
    }

    /// A reply without content type or body, not acting.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            act: Act::Never,
        }
    }

    /// A redirect, not acting.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self::Reply {
            status,
            headers,
            body: Vec::new(),
            act: Act::Never,
        }
    }

    /// The variant's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ResetOnAccept => "ResetOnAccept",
            Self::SilenceOnAccept => "SilenceOnAccept",
            Self::ResetBeforeActing => "ResetBeforeActing",
            Self::ResetAfterActing => "ResetAfterActing",
            Self::ActAfterReset(_) => "ActAfterReset",
            Self::CloseAfterActing => "CloseAfterActing",
            Self::TruncateHead => "TruncateHead",
            Self::TruncateBody => "TruncateBody",
            Self::CutChunk => "CutChunk",
            Self::SilenceBeforeActing => "SilenceBeforeActing",
            Self::ActInSilence(_) => "ActInSilence",
            Self::SilenceAfterActing => "SilenceAfterActing",
            Self::Drip { .. } => "Drip",
            Self::EndlessBody => "EndlessBody",
            Self::ManyHeaders(_) => "ManyHeaders",
            Self::NotHttp(_) => "NotHttp",
            Self::Flood(..) => "Flood",
            Self::Reply { .. } => "Reply",
            Self::Error { .. } => "Error",
            Self::Echo(_) => "Echo",
            Self::Delay(_) => "Delay",
            Self::LoseReplyAndStopListening => "LoseReplyAndStopListening",
            Self::ThenRename { .. } => "ThenRename",
            Self::ReplyTwice => "ReplyTwice",
        }
    }

    /// Whether it happens to a connection, before any request.
    const fn is_on_accept(&self) -> bool {
        matches!(self, Self::ResetOnAccept | Self::SilenceOnAccept)
    }

    pub(crate) const fn act(&self) -> Act {
        match self {
            Self::ResetOnAccept
            | Self::SilenceOnAccept
            | Self::ResetBeforeActing
            | Self::SilenceBeforeActing
            | Self::NotHttp(_)
            | Self::Flood(..)
            | Self::Error { .. }
            | Self::Echo(_) => Act::Never,
            Self::Reply { act, .. } => *act,
            Self::ActAfterReset(later) | Self::ActInSilence(later) => Act::Later(*later),
            Self::ResetAfterActing
            | Self::CloseAfterActing
            | Self::TruncateHead
            | Self::TruncateBody
            | Self::CutChunk
            | Self::SilenceAfterActing
            | Self::Drip { .. }
            | Self::EndlessBody
            | Self::ManyHeaders(_)
            | Self::Delay(_)
            | Self::ThenRename { .. }
            | Self::LoseReplyAndStopListening
            | Self::ReplyTwice => Act::Before,
        }
    }
}

/// A thing that goes wrong, and when: by default once, with the first request of any action.
#[derive(Debug, Clone)]
pub struct Fault {
    what: What,
    action: Option<String>,
    user: Option<String>,
    skip: u64,
    /// `None`: always.
    times: Option<u64>,
}

impl Fault {
    /// Goes wrong once, with the next request (or the next connection, for `ResetOnAccept` and `SilenceOnAccept`).
    #[must_use]
    pub const fn new(what: What) -> Self {
        Self {
            what,
            action: None,
            user: None,
            skip: 0,
            times: Some(1),
        }
    }

    /// Only with requests of this action, as `DeleteAccessKey`. Not for faults of connections.
    #[must_use]
    pub fn on(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// Only with requests that name this user.
    #[must_use]
    pub fn of_user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub const fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Goes wrong so many times.
    #[must_use]
    pub const fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Goes wrong every time.
    #[must_use]
    pub const fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Whether it happens now; counts.
    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// The faults that are still to come, in the order they were set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    queue: Vec<Fault>,
    weather: Option<Weather>,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.queue.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.weather = None;
    }

    /// From now on things go wrong at random too.
    pub(crate) fn begin(&mut self, storm: Storm) {
        self.weather = Some(Weather::new(storm));
    }

    /// How many have not happened as often as they were asked to; those that happen always count until cleared.
    pub(crate) fn left(&self) -> usize {
        self.queue.len()
    }

    /// What goes wrong with a new connection.
    pub(crate) fn on_accept(&mut self) -> Option<What> {
        let what = self.first(|fault| fault.what.is_on_accept());
        what.or_else(|| {
            let reset = self.weather.as_mut()?.resets_connection();
            reset.then_some(What::ResetOnAccept)
        })
    }

    /// What goes wrong with a request, and how much later its reply comes.
    pub(crate) fn on_request(
        &mut self,
        action: &str,
        params: &[(String, String)],
    ) -> (Option<What>, Duration) {
        let mut delay = Duration::ZERO;
        let user = params.iter().find(|(name, _)| name == "UserName");
        let named = |fault: &Fault| {
            fault.action.as_deref().is_none_or(|name| name == action)
                && (fault.user.is_none() || fault.user.as_ref() == user.map(|(_, value)| value))
        };
        let is_delay = |fault: &Fault| matches!(fault.what, What::Delay(_));
        if let Some(What::Delay(time)) = self.first(|fault| is_delay(fault) && named(fault)) {
            delay = time;
        }
        let what =
            self.first(|fault| !fault.what.is_on_accept() && !is_delay(fault) && named(fault));
        match &mut self.weather {
            Some(weather) if what.is_none() && delay == Duration::ZERO => {
                weather.on_request(&subject(params))
            }
            _ => (what, delay),
        }
    }

    fn first(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<What> {
        let mut matching = self.queue.iter_mut().filter(|fault| matches(fault));
        let what = matching.find_map(|fault| fault.strikes().then(|| fault.what.clone()));
        self.queue.retain(|fault| fault.times != Some(0));
        what
    }
}

/// What a request asks, as one text.
fn subject(params: &[(String, String)]) -> String {
    let each = params.iter().map(|(name, value)| format!("{name}={value}"));
    each.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, What};
    use std::time::Duration;

    fn faults(list: impl IntoIterator<Item = Fault>) -> Faults {
        Faults {
            queue: list.into_iter().collect(),
            weather: None,
        }
    }

    #[test]
    fn a_fault_happens_after_what_it_skips_and_as_often_as_it_says() {
        let mut faults = faults([Fault::new(What::CutChunk)
            .on("DeleteAccessKey")
            .skip(1)
            .times(2)]);
        assert_eq!(faults.on_request("ListUsers", &[]).0, None);
        let happened: Vec<bool> = (0..5)
            .map(|_| faults.on_request("DeleteAccessKey", &[]).0.is_some())
            .collect();
        assert_eq!(happened, [false, true, true, false, false]);
        assert_eq!(faults.left(), 0);
    }

    #[test]
    fn faults_happen_in_the_order_they_were_set() {
        let mut faults = faults([
            Fault::new(What::TruncateHead),
            Fault::new(What::TruncateBody).always(),
        ]);
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateHead));
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateBody));
        assert_eq!(faults.on_request("A", &[]).0, Some(What::TruncateBody));
        assert_eq!(faults.left(), 1);
    }

    #[test]
    fn connections_and_requests_have_faults_of_their_own() {
        let mut faults = faults([
            Fault::new(What::ResetOnAccept),
            Fault::new(What::EndlessBody),
        ]);
        assert_eq!(faults.on_request("A", &[]).0, Some(What::EndlessBody));
        assert_eq!(faults.on_accept(), Some(What::ResetOnAccept));
        assert_eq!(faults.on_accept(), None);
    }

    #[test]
    fn a_delay_goes_together_with_another_fault() {
        let second = Duration::from_secs(1);
        let mut faults = faults([
            Fault::new(What::Delay(second)),
            Fault::new(What::EndlessBody),
        ]);
        assert_eq!(
            faults.on_request("A", &[]),
            (Some(What::EndlessBody), second)
        );
        assert_eq!(faults.on_request("A", &[]), (None, Duration::ZERO));
    }
}
